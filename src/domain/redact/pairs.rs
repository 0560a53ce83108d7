//! Keys that stand as the value of `name`, so that their secret stands under `value`: environment variables, parameters.

use std::ops::Range;

use super::scan::{Scan, is_blank, is_quote};
use super::vocabulary::{NAME_KEYS, VALUE_KEYS};

/// `name: KEY` followed by `value: …`, in JSON, YAML, XML and the dumps of Go.
pub(super) fn value_beside(scan: &Scan<'_>, key: Range<usize>, closers: usize) -> Option<usize> {
    if !is_named(scan, key.start) {
        return None;
    }
    if scan.has(key.end, "</name>") {
        let next = scan.skip(key.end + 7, key.end + 96, |it| it.is_ascii_whitespace());
        return scan.has(next, "<value>").then_some(next + 7);
    }
    let word =
        scan.skip(closers, closers + 96, |it| it.is_ascii_whitespace() || is_quote(it) || matches!(it, b',' | b';' | b'\\'));
    // An escaped line feed leaves its letter before the blanks of the next line.
    let word = if scan.at(word) == b'n' && scan.before(word) == b'\\' { scan.skip(word + 1, word + 64, is_blank) } else { word };
    let end = scan.skip(word, word + 16, |it| it.is_ascii_alphanumeric());
    if !VALUE_KEYS.contains(&scan.slice(word, end).to_ascii_lowercase().as_str()) {
        return None;
    }
    let separator = scan.skip(end, end + 8, |it| is_quote(it) || is_blank(it) || it == b'\\');
    if !matches!(scan.at(separator), b':' | b'=') {
        return None;
    }
    Some(scan.skip(separator + 1, separator + 64, is_blank))
}

/// Whether what starts here is the value of a key such as `name`.
fn is_named(scan: &Scan<'_>, start: usize) -> bool {
    let opened = scan.run_before(start, 6, |it| is_quote(it) || it == b'\\');
    let blank = scan.run_before(opened, 8, is_blank);
    let separator = scan.before(blank);
    if !matches!(separator, b':' | b'=' | b'>') {
        return false;
    }
    let closed = scan.run_before(blank - 1, 8, |it| is_quote(it) || it == b'\\' || is_blank(it));
    let word = scan.run_before(closed, 16, |it| it.is_ascii_alphanumeric());
    let mut name = scan.slice(word, closed).to_ascii_lowercase();
    if scan.before(word) == b'\\' && matches!(name.as_bytes().first(), Some(b'n' | b't')) && !NAME_KEYS.contains(name.as_str()) {
        name.remove(0);
    }
    NAME_KEYS.contains(name.as_str())
}

/// `"value":"…","name":"KEY"`: where the value starts, when it stands before its name.
pub(super) fn value_before(scan: &Scan<'_>, key: Range<usize>) -> Option<usize> {
    if !is_named(scan, key.start) {
        return None;
    }
    let from = scan.text.floor_char_boundary(key.start.saturating_sub(400));
    let before = scan.slice(from, key.start);
    let object = before.rfind('{').map_or(0, |it| it + 1);
    let part = before.get(object..)?;
    let place = part.find("value\"")?;
    let after = part.get(place + 6..)?;
    let opened = after.trim_start().strip_prefix(':')?.trim_start();
    if !opened.starts_with('"') {
        return None;
    }
    Some(key.start - opened.len())
}
