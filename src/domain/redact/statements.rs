//! Secrets that follow their key without a separator: statements of SQL, directives, settings, and plain sentences.

use std::ops::Range;

use super::extent;
use super::keys::Trust;
use super::scan::{Scan, is_base64, is_blank, is_key};
use super::values::{is_placeholder, is_secret};

/// What names a password in statements and sentences.
const PASSWORDS: &[&str] = &["password", "passwd", "passphrase", "passcode", "requirepass", "masterauth"];

/// Hides what follows a key that has no separator behind it.
pub(super) fn after_key(scan: &mut Scan<'_>, key: Range<usize>, trust: Trust) {
    let text = scan.slice(key.start, key.end).to_ascii_lowercase();
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
        return;
    }
    if matches!(scan.at(place), b'\'' | b'"') && scan.at(place + 1) != b' ' {
        hide(scan, place, trust, |_| true);
        return;
    }
    if announced(scan, place) {
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
