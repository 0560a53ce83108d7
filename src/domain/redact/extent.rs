//! How far a value reaches: quoted at any depth of escapes, bare, or a block of YAML.

use std::ops::Range;

use super::scan::{Scan, is_blank, is_key, is_quote};

/// How much of a bare value is read before it is known to be secret; no verdict needs more.
const HEAD: usize = 512;

/// A value in the text.
pub(super) struct Value {
    /// Without its quotes.
    pub(super) inner: Range<usize>,
    /// Where reading goes on.
    pub(super) outer_end: usize,
    /// Whether it stands in quotes.
    pub(super) quoted: bool,
}

/// Skips a YAML tag such as `!!str`, and the letter before a quote in Python.
pub(super) fn past_tag(scan: &Scan<'_>, place: usize) -> usize {
    if scan.has(place, "!!") {
        let end = scan.skip(place, place + 24, |it| !it.is_ascii_whitespace());
        return scan.skip(end, end + 8, is_blank);
    }
    if matches!(scan.at(place), b'b' | b'u' | b'r') && is_quote(scan.at(place + 1)) { place + 1 } else { place }
}

/// Skips what Rust and Scala write around a value: `Some("x")`, `Some(Secret("x"))`.
pub(super) fn past_wrappers(scan: &Scan<'_>, place: usize) -> usize {
    let mut inner = place;
    for _ in 0..3 {
        if !scan.at(inner).is_ascii_uppercase() {
            break;
        }
        let end = scan.skip(inner, inner + 24, |it| it.is_ascii_alphanumeric());
        if scan.at(end) != b'(' {
            return place;
        }
        inner = end + 1;
    }
    let quote = scan.skip(inner, inner + 8, |it| it == b'\\');
    let bare = scan.slice(inner, inner + 32).split(')').next().unwrap_or_default();
    let optional = scan.has(place, "Some(") && bare.bytes().any(|it| it.is_ascii_digit());
    if is_quote(scan.at(quote)) || optional || scan.has(inner, "[redacted]") { inner } else { place }
}

/// The scalar that starts at a place.
pub(super) fn value(scan: &Scan<'_>, place: usize, encoded: bool) -> Value {
    let slashes = scan.skip(place, place + 16, |it| it == b'\\');
    if is_quote(scan.at(slashes)) {
        let quote = scan.at(slashes);
        let start = slashes + 1;
        let triple = scan.at(start) == quote && scan.at(start + 1) == quote;
        let start = if triple { start + 2 } else { start };
        let end = closing(scan, start, quote, slashes - place);
        if let Some(end) = end {
            return Value { inner: start..end, outer_end: end + (slashes - place) + 1, quoted: true };
        }
        // Cut off, or an apostrophe: up to the end of the line.
        let end = bare_end(scan, start, start + HEAD, encoded);
        return Value { inner: start..end, outer_end: end, quoted: false };
    }
    let end = bare_end(scan, place, place + HEAD, encoded);
    Value { inner: place..end, outer_end: end, quoted: false }
}

/// The true end of a bare value that turned out to be secret.
pub(super) fn whole(scan: &Scan<'_>, value: &Value, encoded: bool) -> usize {
    let end = value.inner.end;
    if value.quoted || end < value.inner.start + HEAD { end } else { bare_end(scan, end, scan.len(), encoded) }
}

/// The quote that closes, which is escaped as often as the one that opened.
fn closing(scan: &Scan<'_>, start: usize, quote: u8, depth: usize) -> Option<usize> {
    let mut place = start;
    let mut slashes = 0;
    // Longer values than this are not read to their end to be told from other things; see `bare_end`.
    let last = scan.len().min(start + 65_536);
    while place < last {
        let byte = scan.at(place);
        match byte {
            b'\\' => slashes += 1,
            _ if byte == quote => {
                if slashes == depth || depth == 0 && slashes % 2 == 0 {
                    return Some(place - slashes.min(depth));
                }
                if slashes < depth {
                    // A quote of an outer level: the text ends before this value does.
                    return Some(place - slashes);
                }
                slashes = 0;
            }
            b'\n' if depth > 0 || quote != b'"' && quote != b'\'' => return None,
            _ => slashes = 0,
        }
        place += 1;
    }
    None
}

/// Where a bare value ends: at a blank, a quote, or a separator behind which something else begins.
fn bare_end(scan: &Scan<'_>, start: usize, most: usize, encoded: bool) -> usize {
    let mut place = start;
    let most = most.min(scan.len());
    while place < most {
        let byte = scan.at(place);
        let stops = match byte {
            _ if byte.is_ascii_whitespace() || byte < 0x20 => true,
            b'"' | b'`' | b'<' => true,
            b'\'' => !scan.at(place + 1).is_ascii_alphanumeric(),
            b'\\' => {
                matches!(scan.at(place + 1), b'n' | b'r' | b't' | b'u' | b'"' | b'\'' | b'\\') || scan.past_colours(place) > place
            }
            b'\xef' | b'\xe3' => ["，", "；", "。", "）"].iter().any(|it| scan.has(place, it)),
            b'%' if encoded => scan.has(place, "%26") || scan.has(place, "%20") || scan.has(place, "%22"),
            b'[' => scan.has(place, "[redacted]"),
            b',' | b';' | b'&' | b')' | b'}' | b']' | b'|' | b'>' => ends_at(scan, place),
            _ => false,
        };
        if stops {
            break;
        }
        place += 1;
    }
    // The stop at the end of a sentence is none of the secret.
    if place > start + 1 && matches!(scan.before(place), b'.' | b',' | b';') && (place == scan.len() || is_blank(scan.at(place)))
    {
        place -= 1;
    }
    place
}

/// Whether a separator ends a value: what follows is the end, more closing, or another key.
fn ends_at(scan: &Scan<'_>, place: usize) -> bool {
    let after = scan.skip(place + 1, place + 9, |it| matches!(it, b')' | b'}' | b']' | b',' | b';'));
    let byte = scan.at(after);
    if byte == 0 || byte.is_ascii_whitespace() || is_quote(byte) || matches!(byte, b'\\' | b'<' | b'{' | b'[') {
        return true;
    }
    if scan.at(place) == b'&' && scan.has(place, "&amp;") {
        return true;
    }
    let end = scan.skip(after, after + 48, |it| is_key(it) || matches!(it, b' ' | b'[' | b']'));
    end > after && matches!(scan.at(end), b'=' | b':')
}

/// Whether `|` or `>` opens a block of YAML here.
pub(super) fn is_block(scan: &Scan<'_>, place: usize) -> bool {
    let end = block_head(scan, place);
    scan.at(end) == b'\n' || scan.has(end, "\\n")
}

fn block_head(scan: &Scan<'_>, place: usize) -> usize {
    let end = scan.skip(place + 1, place + 4, |it| matches!(it, b'+' | b'-') || it.is_ascii_digit());
    let end = scan.skip(end, end + 16, is_blank);
    if scan.at(end) == b'#' { scan.line_end(end, 120) } else { end }
}

/// The lines of a block, indented more deeply than its key.
pub(super) fn block(scan: &Scan<'_>, place: usize) -> Option<Range<usize>> {
    let head = block_head(scan, place);
    let escaped = scan.at(head) == b'\\';
    let feed = if escaped { 2 } else { 1 };
    let own = indent_of_line(scan, place, escaped);
    let mut line = head + feed;
    let start = scan.skip(line, line + 200, is_blank);
    let mut end = start;
    while line < scan.len() {
        let text = scan.skip(line, line + 400, is_blank);
        let empty = scan.at(text) == b'\n' || escaped && scan.has(text, "\\n");
        if !empty && (text - line <= own || scan.at(text) == 0) {
            break;
        }
        let stop = if escaped { escaped_line_end(scan, text) } else { scan.skip(text, scan.len(), |it| it != b'\n') };
        if !empty {
            end = stop;
        }
        if escaped && !scan.has(stop, "\\n") {
            break;
        }
        line = stop + feed;
    }
    (end > start).then_some(start..end)
}

fn escaped_line_end(scan: &Scan<'_>, from: usize) -> usize {
    let mut place = from;
    while place < scan.len() && scan.at(place) != b'"' && scan.at(place) != b'\n' && !scan.has(place, "\\n") {
        place += 1;
    }
    place
}

fn indent_of_line(scan: &Scan<'_>, place: usize, escaped: bool) -> usize {
    let mut start = place;
    let least = place.saturating_sub(200);
    while start > least
        && scan.before(start) != b'\n'
        && !(escaped && scan.before(start) == b'n' && scan.at(start.saturating_sub(2)) == b'\\')
    {
        start -= 1;
    }
    let mut text = scan.skip(start, place, is_blank);
    while scan.at(text) == b'-' && is_blank(scan.at(text + 1)) {
        text = scan.skip(text + 1, place, is_blank);
    }
    text - start
}
