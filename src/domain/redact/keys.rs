//! Which keys say that their value is secret. Keys are read by the parts of their words, never from a list of whole keys.

use std::cell::RefCell;
use std::collections::HashMap;

use super::vocabulary as words;

/// How sure a key makes us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Whatever stands there is secret, unless it says that it is not.
    Sure,
    /// The value may be the name of an object that holds the secret.
    Named,
    /// Only a value that looks random is secret.
    Random,
    /// A word with a second meaning: in quotes a secret, bare only when the value mixes letters with other characters.
    Mixed,
    /// The id of one secret of an AppRole is a secret; that of Secrets Manager is a name.
    Id,
    /// A whole connection string, separators and all.
    Connection,
    /// Words of a seed, or a value drawn at random.
    Phrase,
    /// Digits only.
    Pin,
    /// An address whose path lets anyone in.
    Hook,
}

/// Longest key that is looked at.
pub(super) const LONGEST: usize = 128;

/// Splits a key into lower-case words: at punctuation, at the hump of camel case, and before trailing digits.
pub(super) fn split(key: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    let mut part = String::new();
    let mut characters = key.chars().peekable();
    let mut previous = ' ';
    while let Some(character) = characters.next() {
        if !character.is_alphanumeric() {
            take(&mut part, &mut parts);
            previous = ' ';
            continue;
        }
        let next_is_lower = characters.peek().is_some_and(|it| it.is_lowercase());
        let hump = character.is_uppercase()
            && (previous.is_lowercase() || previous.is_ascii_digit() || (previous.is_uppercase() && next_is_lower));
        if hump {
            take(&mut part, &mut parts);
        }
        part.extend(character.to_lowercase());
        previous = character;
    }
    take(&mut part, &mut parts);
    parts
}

fn take(part: &mut String, parts: &mut Vec<String>) {
    let word = part.trim_end_matches(|it: char| it.is_ascii_digit());
    if !word.is_empty() && word.len() < part.len() && !matches!(word, "sha" | "oauth" | "s" | "md" | "x") {
        parts.push(word.to_owned());
    } else if !part.is_empty() {
        parts.push(part.clone());
    }
    part.clear();
}

/// Keys that are remembered; objects of Kubernetes have a few hundred.
const REMEMBERED: usize = 2_048;

thread_local! {
    /// What keys have said: the same ones come again with every object.
    static KNOWN: RefCell<HashMap<String, Option<Trust>>> = RefCell::default();
}

/// What a key says of its value; `None` when it says nothing.
pub(super) fn classify(key: &str) -> Option<Trust> {
    if key.is_empty() || key.len() > LONGEST {
        return None;
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(trust) = known.get(key) {
            return *trust;
        }
        let trust = judge(key);
        // What comes from outside must not fill the memory.
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key.to_owned(), trust);
        trust
    })
}

fn judge(key: &str) -> Option<Trust> {
    let parts = split(key);
    let compact: String = parts.concat();
    if ["connectionstring", "connstring", "connstr"].iter().any(|it| compact.contains(it)) {
        let after = parts.last().is_some_and(|last| words::PLAIN_AFTER.contains(last.as_str()));
        return (!after).then_some(Trust::Connection);
    }
    if compact.ends_with("dockerconfigjson") || compact.ends_with("dockercfg") {
        return Some(Trust::Sure);
    }
    if let Some(trust) = short(key, &parts, &compact) {
        return Some(trust);
    }
    if parts.len() == 2 && parts.ends_with(&["secret".to_owned(), "id".to_owned()]) {
        return Some(Trust::Id);
    }
    let vault_role = parts.ends_with(&["secret".to_owned(), "id".to_owned()])
        && parts.iter().any(|it| it == "vault" || it == "role" || it == "approle");
    if vault_role {
        return Some(Trust::Sure);
    }
    // The last secret word decides; what follows it may take the secret away again.
    let (place, trust) = (0..parts.len()).rev().find_map(|place| word_at(&parts, place).map(|trust| (place, trust)))?;
    let after = parts.get(place + 1..).unwrap_or_default();
    if after.iter().any(|it| words::PLAIN_AFTER.contains(it.as_str())) {
        return None;
    }
    let first = parts.first().map(String::as_str).unwrap_or_default();
    if place > 0 && words::PLAIN_BEFORE.contains(first) && !key.contains('.') {
        return None;
    }
    Some(trust)
}

/// Names whose last word is short or has a second meaning: only values of the right shape are secret under them.
fn short(key: &str, parts: &[String], compact: &str) -> Option<Trust> {
    let variable = key.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
    let (last, before) = parts.split_last()?;
    let previous = before.last().map(String::as_str).unwrap_or_default();
    match last.as_str() {
        "pat" | "sk" if variable && !before.is_empty() && !before.iter().any(|it| it == "gsi" || it == "lsi") => {
            Some(Trust::Random)
        }
        "id" if previous == "token" && (variable || before.iter().any(|it| it == "root")) => Some(Trust::Random),
        "seed" if variable || matches!(previous, "wallet" | "recovery" | "master" | "secret") => Some(Trust::Phrase),
        "mnemonic" => Some(Trust::Phrase),
        // The key of a gossip ring.
        "encrypt" if before.is_empty() => Some(Trust::Random),
        "signing" | "hmac" | "encryption" if variable && key.contains('_') => Some(Trust::Random),
        "pin" if key == "PIN" => Some(Trust::Pin),
        _ if ["webhook", "webhookurl", "webhookuri"].iter().any(|it| compact.ends_with(it)) => Some(Trust::Hook),
        _ => None,
    }
}

/// What one word of a key says, given those before it.
fn word_at(parts: &[String], place: usize) -> Option<Trust> {
    let word = parts.get(place)?.as_str();
    let before = place.checked_sub(1).and_then(|it| parts.get(it)).map(String::as_str).unwrap_or_default();
    let any_before = |list: &words::Words| parts.get(..place).unwrap_or_default().iter().any(|it| list.contains(it.as_str()));
    let singular = word.strip_suffix('s').unwrap_or(word);
    if words::PASSWORDS.iter().any(|it| word.contains(it)) || words::PASSWORD_WORDS.contains(word) {
        return Some(Trust::Sure);
    }
    if words::COMPOUNDS.iter().any(|it| singular.ends_with(it) || word.ends_with(it)) {
        return (!words::PLAIN_TOKENS.contains(before)).then_some(Trust::Sure);
    }
    match word {
        "phrase" if matches!(before, "seed" | "recovery" | "mnemonic" | "backup" | "pass") => Some(Trust::Sure),
        "pass" => Some(if place == 0 { Trust::Mixed } else { Trust::Sure }),
        "token" | "tokens" if any_before(&words::PLAIN_TOKENS) => None,
        "token" | "jwt" => Some(Trust::Sure),
        "sid" if before != "connect" => None,
        "tokens" | "cookie" | "cookies" | "auth" | "sas" | "salt" | "bearer" | "pepper" | "sessionid" | "phpsessid"
        | "jsessionid" | "sessid" | "sid" => Some(Trust::Random),
        "secret" if any_before(&words::PLAIN_SECRETS) => None,
        "credential" | "credentials" | "creds" if words::WRONG.contains(before) => None,
        "secret" if words::SECRET_SECRETS.contains(before) => Some(Trust::Sure),
        "secret" | "credential" | "credentials" | "creds" => Some(Trust::Named),
        "key" | "keys" if words::PLAIN_KEYS.contains(before) => None,
        "key" | "keys" if words::SECRET_KEYS.contains(before) => Some(Trust::Sure),
        "key" if place > 0 => Some(Trust::Random),
        _ if word.len() > 8 && word.ends_with("token") && word != "stoken" => Some(Trust::Sure),
        _ if word.len() > 7 && word.ends_with("secret") => Some(Trust::Named),
        _ => None,
    }
}
