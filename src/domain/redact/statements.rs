//! Secrets that follow their key without a separator: statements of SQL, directives, settings, and plain sentences.

use std::ops::Range;

use super::keys::Trust;
use super::scan::{Scan, is_base64, is_blank, is_key, is_quote};
use super::values::{decode, is_placeholder, is_random, is_secret};
use super::vocabulary::PLAIN_AFTER;
use super::{extent, prose};

/// What names a password in statements and sentences.
const PASSWORDS: &[&str] = &["password", "passwd", "passphrase", "passcode", "requirepass", "masterauth"];

/// Hides what follows a key that has no separator behind it.
pub(super) fn after_key(scan: &mut Scan<'_>, key: Range<usize>, trust: Trust) {
    let text = scan.slice(key.start, key.end).to_ascii_lowercase();
    if scan.slice(key.start, key.end) == "AUTH" {
        redis_auth(scan, key);
        return;
    }
    let from = scan.run_before(key.start, 48, |it| it != b'\n');
    let before = scan.slice(from, key.start).to_ascii_lowercase();
    let place = scan.skip(key.end, key.end + 32, is_blank);
    if place == key.end {
        return;
    }
    if matches!(text.as_str(), "creds" | "credentials") {
        pair(scan, place);
        return;
    }
    // `ENV DB_PASSWORD x` of image builds, `configure set secret_key x`.
    let set = matches!(before.split_whitespace().next_back(), Some("env" | "set" | "arg" | "setx"));
    let directive = text == "rootpw"
        || text.starts_with("require")
        || text.starts_with("master")
        || before.split_whitespace().rev().nth(1) == Some("login");
    if PASSWORDS.contains(&text.as_str()) && named(scan, place, trust) {
        return;
    }
    if set && trust == Trust::Sure && !scan.has(place, "of ") && !scan.has(place, "for ") || directive {
        hide(scan, place, trust, |it| !it.starts_with("--") && !PLAIN_AFTER.contains(it));
        return;
    }
    if !PASSWORDS.contains(&text.as_str()) {
        // `twilio auth_token x`: a name of several words and a value that no sentence holds.
        if trust == Trust::Sure && text.contains('_') {
            hide(scan, place, trust, |it| is_random(it, 10));
        }
        prose::told(scan, place, &text, &before, trust);
        return;
    }
    if announced(scan, place) {
        return;
    }
    if announced_after(scan, place, &before) {
        return;
    }
    prose::told(scan, place, &text, &before, trust);
}

pub(super) fn hide(scan: &mut Scan<'_>, place: usize, trust: Trust, accepts: impl Fn(&str) -> bool) {
    let value = extent::value(scan, place, false);
    let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
    if !head.starts_with("[redacted") && is_secret(head, trust) && accepts(head) {
        let end = extent::whole(scan, &value, false);
        scan.hide(value.inner.start..end);
    }
}

/// `creds user:password`.
fn pair(scan: &mut Scan<'_>, place: usize) {
    let user = scan.skip(place, place + 64, is_key);
    if scan.at(user) == b':' && user > place && !is_blank(scan.at(user + 1)) && scan.at(user + 1) != b'/' {
        hide(scan, user + 1, Trust::Sure, |it| it.len() >= 4);
    }
}

/// `PASSWORD FOR 'app'@'%' = 'x'`, `password for app: x1`, and `PASSWORD elastic = x1`.
fn named(scan: &mut Scan<'_>, place: usize, trust: Trust) -> bool {
    if !scan.has(place, "for ") {
        let user = scan.skip(place, place + 48, is_key);
        let equals = scan.skip(user, user + 1, is_blank);
        let about = scan.slice(place, user).to_ascii_lowercase();
        let alone = user > place && equals > user && scan.at(equals) == b'=' && is_blank(scan.at(equals + 1));
        if alone && !PLAIN_AFTER.contains(about.as_str()) {
            hide(scan, equals + 2, trust, |it| is_random(it, 12));
        }
        return alone;
    }
    let separator = scan.skip(place, place + 112, |it| !matches!(it, b'=' | b'\n') && it != b':');
    if !matches!(scan.at(separator), b'=' | b':') {
        return false;
    }
    let value = scan.skip(separator + 1, separator + 9, is_blank);
    // `was changed at 10:03:11`
    if scan.at(separator) == b':' && value == separator + 1 && !is_quote(scan.at(value)) {
        return false;
    }
    let quoted = matches!(scan.at(value), b'\'' | b'"');
    hide(scan, value, trust, |it| quoted || it.bytes().any(|it| it.is_ascii_digit()));
    true
}

/// `use the following password to sign in: x`, `A temporary password is generated for root@localhost: x`.
fn announced_after(scan: &mut Scan<'_>, place: usize, before: &str) -> bool {
    let generated = ["is generated", "was generated", "has been generated"].iter().any(|it| scan.has(place, it));
    let following = before.trim_end().ends_with("following");
    if !generated && !following {
        return false;
    }
    let colon = scan.skip(place, place + 96, |it| !matches!(it, b':' | b'\n'));
    if scan.at(colon) != b':' || !is_blank(scan.at(colon + 1)) {
        return false;
    }
    let about = scan.slice(place, colon).to_ascii_lowercase();
    if ["policy", "policies", "rule", "requirement", "link", "format"].iter().any(|it| about.contains(it)) {
        return true;
    }
    let start = scan.skip(colon, colon + 9, |it| it == b':' || is_blank(it));
    let end = scan.skip(start, start + 200, |it| !it.is_ascii_whitespace() && !matches!(it, b'"' | b'\\'));
    let text = scan.slice(start, end);
    let odd = |it: u8| it.is_ascii_digit() || it.is_ascii_punctuation() && !matches!(it, b'.' | b',' | b':' | b'-' | b'/');
    if text.len() >= 6 && text.bytes().any(odd) && !text.starts_with("[redacted") && is_secret(text, Trust::Sure) {
        scan.hide(start..end);
    }
    true
}

/// `AUTH x` and `AUTH user x` of Redis: at its prompt, in its own log, or in a line that names it.
fn redis_auth(scan: &mut Scan<'_>, key: Range<usize>) {
    let from = scan.run_before(key.start, 48, |it| it != b'\n');
    let before = scan.slice(from, key.start).to_ascii_lowercase();
    let logged = before.ends_with('"') && scan.has(key.end, "\" \"");
    let prompt = before.trim_end().ends_with('>') && before.contains([':', 'r']);
    if !logged && !prompt && !before.contains("redis") && !before.contains("valkey") {
        return;
    }
    let mut place = scan.skip(key.end, key.end + 8, |it| is_blank(it) || it == b'"' && logged);
    let mut value = extent::value(scan, if logged { place.saturating_sub(1) } else { place }, false);
    let next = scan.skip(value.outer_end, value.outer_end + 4, is_blank);
    let user = scan.skip(place, place + 64, is_key);
    let two = next > value.outer_end && !matches!(scan.at(next), b'\n' | b'\r' | 0) && user >= value.inner.end;
    if two && (prompt || logged) {
        place = next;
        value = extent::value(scan, place, false);
    }
    let text = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
    // Mechanisms of SMTP are written in capitals.
    let shouted = text.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'-');
    let odd = prompt || logged || text.bytes().any(|it| it.is_ascii_digit());
    if !shouted && odd && !text.starts_with("[redacted") && is_secret(text, Trust::Sure) {
        scan.hide(value.inner);
    }
}

/// `Please use the following password …:` and the password alone on a line below.
fn announced(scan: &mut Scan<'_>, place: usize) -> bool {
    let line = scan.line_end(place, 96);
    let colon = scan.run_before(line, 4, |it| is_blank(it) || it == b'\r');
    if scan.at(line) != b'\n' || scan.before(colon) != b':' {
        return false;
    }
    let start = scan.skip(line, line + 8, |it| it.is_ascii_whitespace());
    let end = scan.skip(start, start + 200, is_base64);
    let alone = matches!(scan.at(end), b'\n' | b'\r' | 0);
    let text = scan.slice(start, end);
    if alone && text.len() >= 12 && text.bytes().any(|it| it.is_ascii_digit()) && !is_placeholder(text) {
        scan.hide(start..end);
    }
    true
}

/// `AUTH PLAIN x` of mail servers: an empty name, the user and the password, in base64.
pub(super) fn plain_auth(scan: &mut Scan<'_>, place: usize) {
    let start = place + "auth plain ".len();
    let end = scan.skip(start, start + 512, is_base64);
    if decode(scan.slice(start, end)).is_some_and(|it| it.contains(&0)) {
        scan.hide(start..end);
    }
}

/// `IDENTIFIED BY 'x'`, `IDENTIFIED WITH plugin BY 'x'`.
pub(super) fn identified(scan: &mut Scan<'_>, place: usize) {
    let mut from = place + "identified ".len();
    if scan.has(from, "with ") {
        let plugin = scan.skip(from + 5, from + 69, |it| is_key(it) || matches!(it, b'\'' | b'`' | b'"'));
        from = plugin + 1;
    }
    if !scan.has(from, "by ") && !scan.has(from, "as ") {
        return;
    }
    let value = scan.skip(from + 3, from + 16, is_blank);
    let value = if scan.has(value, "password ") { value + 9 } else { value };
    if matches!(scan.at(value), b'\'' | b'"') {
        hide(scan, value, Trust::Sure, |_| true);
    }
}
