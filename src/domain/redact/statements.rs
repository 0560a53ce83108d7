//! Secrets that follow their key without a separator: statements of SQL, directives, settings, and plain sentences.

use std::ops::Range;

use super::extent;
use super::keys::Trust;
use super::scan::{Scan, is_base64, is_blank, is_key};
use super::values::{is_placeholder, is_random, is_secret};

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
    let place = scan.skip(key.end, key.end + 8, is_blank);
    if place == key.end {
        return;
    }
    if matches!(text.as_str(), "creds" | "credentials") {
        pair(scan, place);
        return;
    }
    // `ENV DB_PASSWORD x` of image builds, `configure set secret_key x`.
    let set = matches!(before.split_whitespace().next_back(), Some("env" | "set" | "arg" | "setx"));
    let directive =
        text.starts_with("require") || text.starts_with("master") || before.split_whitespace().rev().nth(1) == Some("login");
    if PASSWORDS.contains(&text.as_str()) && named(scan, place, trust) {
        return;
    }
    if set && trust == Trust::Sure || directive {
        hide(scan, place, trust, |_| true);
        return;
    }
    if !PASSWORDS.contains(&text.as_str()) {
        // `twilio auth_token x`: a name of several words and a value that no sentence holds.
        if trust == Trust::Sure && text.contains('_') {
            hide(scan, place, trust, |it| is_random(it, 10));
        }
        return;
    }
    if matches!(scan.at(place), b'\'' | b'"') && scan.at(place + 1) != b' ' {
        hide(scan, place, trust, |_| true);
        return;
    }
    if announced(scan, place) {
        return;
    }
    if told(scan, place, &before) {
        return;
    }
    // `the password is x1`, `using password x1`.
    let said = ["is ", "was "].iter().find(|it| scan.has(place, it)).map_or(place, |it| place + it.len());
    let mixed =
        |it: &str| it.len() >= 6 && it.bytes().any(|it| it.is_ascii_digit()) && it.bytes().any(|it| it.is_ascii_alphabetic());
    hide(scan, said, trust, mixed);
}

fn hide(scan: &mut Scan<'_>, place: usize, trust: Trust, accepts: impl Fn(&str) -> bool) {
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

/// `PASSWORD FOR 'app'@'%' = 'x'`, `password for app: x1`.
fn named(scan: &mut Scan<'_>, place: usize, trust: Trust) -> bool {
    if !scan.has(place, "for ") {
        return false;
    }
    let separator = scan.skip(place, place + 64, |it| !matches!(it, b'=' | b'\n') && it != b':');
    if !matches!(scan.at(separator), b'=' | b':') {
        return false;
    }
    let value = scan.skip(separator + 1, separator + 9, is_blank);
    let quoted = matches!(scan.at(value), b'\'' | b'"');
    hide(scan, value, trust, |it| quoted || it.bytes().any(|it| it.is_ascii_digit()));
    true
}

/// `use the following password to sign in: x`, `A temporary password is generated for root@localhost: x`.
fn told(scan: &mut Scan<'_>, place: usize, before: &str) -> bool {
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

/// `IDENTIFIED BY 'x'`.
pub(super) fn identified(scan: &mut Scan<'_>, place: usize) {
    let from = place + "identified by".len();
    let value = scan.skip(from, from + 16, is_blank);
    let value = if scan.has(value, "password ") { value + 9 } else { value };
    if matches!(scan.at(value), b'\'' | b'"') {
        hide(scan, value, Trust::Sure, |_| true);
    }
}
