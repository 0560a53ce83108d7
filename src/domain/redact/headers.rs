//! HTTP headers that carry credentials: authorization and cookies.

use super::extent;
use super::keys::Trust;
use super::pairs;
use super::scan::{Scan, is_blank, is_key, is_quote};
use super::values::{is_placeholder, is_random, is_secret};

/// Schemes that stand before credentials and stay.
const SCHEMES: &[&str] = &[
    "basic",
    "bearer",
    "token",
    "digest",
    "apikey",
    "api-key",
    "negotiate",
    "ntlm",
    "splunk",
    "geniekey",
    "aws4-hmac-sha256",
    "aws",
    "hawk",
    "key",
    "oauth",
    "ssws",
    "bot",
    "jwt",
    "sharedkey",
];

/// Longest header that is read.
const MOST: usize = 2048;

/// Attributes of cookies, which are not secret.
const ATTRIBUTES: &[&str] = &["path", "domain", "expires", "max-age", "samesite", "version", "priority"];

/// Hides the value of a header whose name lies around a place.
pub(super) fn at_hit(scan: &mut Scan<'_>, hit: usize) {
    let mut start = scan.run_before(hit, 40, is_key);
    let end = scan.skip(hit, hit + 40, is_key);
    if scan.before(start) == b'\\' && matches!(scan.at(start), b'n' | b't' | b'r') {
        start += 1;
    }
    let name = scan.slice(start, end).to_ascii_lowercase();
    let authorization = name == "authorization" || name == "http_authorization" || name.ends_with("-authorization");
    let cookie = name == "cookie" || name == "set-cookie" || name == "http_cookie";
    if !authorization && !cookie {
        return;
    }
    let closed = scan.skip(end, end + 6, |it| is_quote(it) || matches!(it, b'\\' | b']') || is_blank(it));
    let mut from = if matches!(scan.at(closed), b':' | b'=') {
        let arrow = usize::from(scan.at(closed + 1) == b'>');
        scan.skip(closed + 1 + arrow, closed + 12, is_blank)
    } else if let Some(beside) = pairs::value_beside(scan, start..end, closed) {
        beside
    } else {
        return;
    };
    // Maps of headers hold lists: `Authorization:[Bearer x]`, `"Authorization": ["Bearer x"]`.
    let list = scan.at(from) == b'[' && !scan.has(from, "[redacted]");
    if list {
        from += 1;
    }
    let quoted = extent::value(scan, from, false);
    let (start, end) = if quoted.quoted {
        (quoted.inner.start, quoted.inner.end)
    } else {
        let inside = |it: u8| !(matches!(it, b'\n' | b'\r' | b'"' | b'\'' | b'`' | b'\\') || list && it == b']');
        let most = from + MOST;
        let mut end = scan.skip(from, most, inside);
        while end < most && scan.at(end) == b'\\' && !matches!(scan.at(end + 1), b'n' | b'r' | b'"' | b'\\') {
            end = scan.skip(end + 1, most, inside);
        }
        (from, scan.run_before(end, 16, |it| it == b'\\' || is_blank(it)))
    };
    if cookie { cookies(scan, start, end) } else { credentials(scan, start, end) }
}

fn credentials(scan: &mut Scan<'_>, start: usize, end: usize) {
    let text = scan.slice(start, end);
    if text.starts_with("[redacted") {
        return;
    }
    let first = scan.skip(start, end, |it| !is_blank(it));
    let scheme = scan.slice(start, first).to_ascii_lowercase();
    let rest = scan.skip(first, first + 8, is_blank);
    if SCHEMES.contains(&scheme.as_str()) {
        // Parameters in quotes reach beyond the quote that seemed to end the header.
        let end = if scheme == "digest" { parameters_end(scan, rest).max(end) } else { end };
        let value = scan.slice(rest, end);
        if rest >= end
            || value.starts_with("[redacted")
            || is_placeholder(value)
            || !is_secret(value.get(..value.floor_char_boundary(200)).unwrap_or_default(), Trust::Sure)
        {
            return;
        }
        // A list of parameters is hidden whole; otherwise one word, and what a log says after it stays.
        let whole = value.contains("Signature=")
            || value.contains("response=")
            || scheme.starts_with("aws")
            || scheme == "digest"
            || scheme == "hawk";
        let word = scan.skip(rest, end, |it| !is_blank(it) && !matches!(it, b',' | b';'));
        scan.hide(rest..if whole { end } else { word });
        return;
    }
    let word = scan.skip(start, end, |it| !is_blank(it) && !matches!(it, b',' | b';'));
    let alone = scan.slice(start, word);
    if is_random(alone, 8) || alone.len() >= 24 && !is_placeholder(alone) && alone.bytes().any(|it| it.is_ascii_digit()) {
        scan.hide(start..word);
    }
}

/// The end of a list of parameters: `username="app", qop=auth`, its quotes escaped or not.
fn parameters_end(scan: &Scan<'_>, from: usize) -> usize {
    let mut place = from;
    let most = from + MOST;
    while place < most {
        let name = scan.skip(place, most, |it| is_blank(it) || it == b',');
        let equals = scan.skip(name, name + 40, is_key);
        if equals == name || scan.at(equals) != b'=' {
            break;
        }
        let value = extent::value(scan, equals + 1, false);
        place = value.outer_end.max(equals + 1);
    }
    place.min(scan.len())
}

fn cookies(scan: &mut Scan<'_>, start: usize, end: usize) {
    let mut place = start;
    while place < end {
        let name = scan.skip(place, end, |it| is_blank(it) || it == b';');
        let equals = scan.skip(name, end, |it| !matches!(it, b'=' | b';' | b' '));
        if scan.at(equals) != b'=' || equals >= end {
            // What follows is no list of cookies; an attribute without a value goes on.
            if scan.at(equals) == b';' {
                place = equals + 1;
                continue;
            }
            return;
        }
        let word = scan.slice(name, equals).to_ascii_lowercase();
        let stop = scan.skip(equals + 1, end, |it| it != b';');
        let value_end = scan.skip(equals + 1, stop, |it| !is_blank(it));
        let value = scan.slice(equals + 1, value_end);
        if !ATTRIBUTES.contains(&word.as_str()) && !value.starts_with("[redacted") && !is_placeholder(value) && !value.is_empty()
        {
            scan.hide(equals + 1..value_end);
        }
        place = stop + 1;
    }
}
