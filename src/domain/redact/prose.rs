//! Secrets told in sentences: a noun that names one, words that lead to it, and the secret itself.

use super::keys::Trust;
use super::scan::{Scan, is_blank};
use super::statements::hide;
use super::values::{is_drawn, is_object_name, is_phrase, is_random, is_uuid};
use super::vocabulary::PUBLIC_BEFORE;

/// Words between the noun and the verb at most: `password for the user app has now been set to x`.
const WORDS: usize = 9;

/// How far from the noun its secret may stand.
const REACH: usize = 96;

/// What leads from a noun to what may be its secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// Nothing: `using api key x`.
    Beside,
    /// `is` and `was`.
    Verb,
    /// `set to`, `changed to`.
    Change,
}

/// Hides the secret that a sentence tells behind its noun; the place is that behind the blanks after it.
pub(super) fn told(scan: &mut Scan<'_>, place: usize, noun: &str, before: &str, trust: Trust) {
    let Some((value, lead)) = lead(scan, place, before) else { return };
    // Names and ids stand in brackets.
    if scan.at(value) == b'[' {
        return;
    }
    let quoted = matches!(scan.at(value), b'\'' | b'"' | b'\\') && !is_blank(scan.at(value + 1));
    let password = ["password", "passwd", "passphrase", "passcode"].iter().any(|it| noun.ends_with(it));
    if password {
        // `.htpasswd` beside a user is a file.
        if lead == Lead::Beside && noun.contains(['.', '_', '-']) {
            return;
        }
        if lead == Lead::Verb && hide_words(scan, value) {
            return;
        }
        hide(scan, value, Trust::Sure, |it| quoted || is_odd(it, lead) && !it.contains('='));
        return;
    }
    // Keys of pairs have names and prints that are public.
    if noun.starts_with("key") && before.split_whitespace().next_back().is_some_and(|it| PUBLIC_BEFORE.contains(it)) {
        return;
    }
    match (trust, lead) {
        (Trust::Sure, Lead::Beside) => hide(scan, value, Trust::Sure, is_token),
        (Trust::Sure, _) => hide(scan, value, Trust::Sure, |it| is_drawn(it, 10) || is_uuid(it) || is_token(it)),
        // Names of Secrets are written small.
        (Trust::Named, Lead::Beside) => {
            hide(scan, value, Trust::Sure, |it| it.bytes().any(|it| it.is_ascii_uppercase()) && is_token(it) && it.len() >= 16);
        }
        (Trust::Named, _) => hide(scan, value, Trust::Sure, |it| is_random(it, 12)),
        // The last column of a table.
        (Trust::Id, Lead::Beside) if scan.before(place - 1) == b' ' => hide(scan, value, Trust::Sure, is_uuid),
        _ => {}
    }
}

/// Where the secret would stand, and what leads there.
fn lead(scan: &Scan<'_>, place: usize, before: &str) -> Option<(usize, Lead)> {
    let most = place + REACH;
    let mut word = place;
    let mut passive = false;
    let mut previous = before.split_whitespace().next_back().unwrap_or_default().to_owned();
    // `changed password of 'app' to 'x'`
    let active = matches!(
        previous.as_str(),
        "change" | "changed" | "changing" | "set" | "setting" | "reset" | "resetting" | "update" | "updated"
    );
    for index in 0..WORDS {
        let end = scan.skip(word, most, |it| !it.is_ascii_whitespace());
        let next = scan.skip(end, end + 8, is_blank);
        if end == word || next == end {
            return (index == 0).then_some((place, Lead::Beside));
        }
        let said = scan.slice(word, end).to_ascii_lowercase();
        match said.as_str() {
            "for" | "of" if index == 0 => {}
            "regenerated:" | "generated:" | "rotated:" | "issued:" if index == 0 => return Some((next, Lead::Change)),
            "is" | "was" => {
                passive = true;
                if !is_link(scan, next) {
                    return Some((next, Lead::Verb));
                }
            }
            "has" | "now" | "been" | "successfully" | "set" | "changed" | "reset" | "updated" | "rotated" => passive = true,
            "to" if active && index > 0 || matches!(previous.as_str(), "set" | "changed" | "reset" | "updated" | "rotated") => {
                return Some((next, Lead::Change));
            }
            _ if index == 0 => return Some((place, Lead::Beside)),
            // Behind its verb a sentence says no names any more.
            _ if passive => return None,
            _ => {}
        }
        previous = said;
        word = next;
    }
    None
}

/// Whether a sentence goes on towards its secret: `is now`, `was changed to`.
fn is_link(scan: &Scan<'_>, place: usize) -> bool {
    ["now ", "set to ", "changed to ", "reset to ", "updated to ", "rotated to "].iter().any(|it| scan.has(place, it))
}

/// Whether a word is none of prose: a password in a sentence has digits, or other characters within.
fn is_odd(value: &str, lead: Lead) -> bool {
    let letters = value.bytes().any(|it| it.is_ascii_alphabetic());
    let digits = value.bytes().any(|it| it.is_ascii_digit());
    let odd =
        |it: u8| it.is_ascii_punctuation() && !matches!(it, b'.' | b',' | b':' | b';' | b'-' | b'/' | b'\'' | b'_' | b'(' | b')');
    let within = value.len() > 2 && value.bytes().take(value.len() - 1).any(odd);
    value.len() >= 6 && letters && digits || lead != Lead::Beside && value.len() >= 4 && letters && (digits || within)
}

/// Whether a word can be nothing but a token: names of objects and versions mix less.
fn is_token(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    digits >= 2 && value.len() >= 20 && is_random(value, 20) || digits >= 3 && is_random(value, 12) || is_bootstrap(value)
}

/// Tokens with which nodes join a cluster: `abcdef.0123456789abcdef`.
fn is_bootstrap(value: &str) -> bool {
    let small = |it: &str| it.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit());
    value.split_once('.').is_some_and(|(id, secret)| id.len() == 6 && secret.len() == 16 && small(id) && small(secret))
        && value.bytes().any(|it| it.is_ascii_digit())
        && !is_object_name(value.get(7..).unwrap_or_default())
}

/// `the passphrase is correct horse battery staple`, up to the end of the line.
fn hide_words(scan: &mut Scan<'_>, value: usize) -> bool {
    let end = scan.skip(value, value + 200, |it| it.is_ascii_lowercase() || it == b' ');
    let words = scan.slice(value, end).trim_end();
    let found = matches!(scan.at(end), b'\n' | b'\r' | b'"' | b'\\' | 0) && is_phrase(words);
    if found {
        scan.hide(value..value + words.len());
    }
    found
}
