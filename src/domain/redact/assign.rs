//! From a secret-sounding key to its value: assignments of every notation, command-line flags, and names beside values.

use super::extent::{self, Value};
use super::key::Key;
use super::keys::{Trust, classify};
use super::scan::{Scan, is_blank, is_key, is_quote};
use super::values::{has_status, hook_path, is_phrase, is_secret, is_uuid};
use super::{pairs, statements};

/// Looks at the key around a hit, hides its value, and returns the end of the key.
pub(super) fn at_hit(scan: &mut Scan<'_>, hit: usize) -> usize {
    let key = Key::around(scan, hit);
    if is_header(key.text(scan)) || key.is_part_of_arn(scan) || key.ends_quoted_url(scan) {
        return key.end;
    }
    if let Some(trust) = key.trust(scan) {
        hide_value(scan, &key, trust);
    }
    key.end
}

/// Cookies are read as headers.
fn is_header(key: &str) -> bool {
    ["cookie", "set-cookie", "http_cookie"].iter().any(|it| key.eq_ignore_ascii_case(it))
}

fn hide_value(scan: &mut Scan<'_>, key: &Key, trust: Trust) {
    let bare = scan.past_colours(key.end);
    let closers =
        if bare > key.end { bare } else { scan.skip(key.end, key.end + 6, |it| is_quote(it) || matches!(it, b'\\' | b']')) };
    let gap = scan.skip(closers, closers + 24, is_blank);
    // `Secret ID = …`
    if gap > key.end && scan.has(gap, "ID ") && key.text(scan).eq_ignore_ascii_case("secret") {
        let equals = scan.skip(gap + 2, gap + 16, is_blank);
        let value = extent::value(scan, scan.skip(equals + 1, equals + 9, is_blank), false);
        if matches!(scan.at(equals), b'=' | b':') && is_uuid(scan.slice(value.inner.start, value.inner.end)) {
            scan.hide(value.inner);
        }
        return;
    }
    // `Unseal Key 1: …`
    let number = scan.skip(gap, gap + 2, |it| it.is_ascii_digit());
    let gap = if gap > key.end && scan.at(number) == b':' { number } else { gap };
    let quoted_key = closers > bare;
    let (from, separator) = match scan.at(gap) {
        b'=' => match scan.at(gap + 1) {
            b'=' if scan.at(gap + 2) != b'=' && is_blank(scan.before(gap)) => return,
            b'>' => (gap + 2, b'='),
            _ => (gap + 1, b'='),
        },
        b':' => match (scan.at(gap + 1), scan.at(gap + 2)) {
            (b':', _) | (b'/', b'/') => return,
            (b'=', _) => (gap + 2, b'='),
            _ => (gap + 1, b':'),
        },
        b'-' if scan.at(gap + 1) == b'>' && is_quote(scan.at(scan.skip(gap + 2, gap + 6, is_blank))) => (gap + 2, b'='),
        b'-' if scan.at(gap + 1) == b'>' => (gap + 2, b'>'),
        b'\xef' if scan.has(gap, "：") => (gap + 3, b':'),
        b'\xef' if scan.has(gap, "＝") => (gap + 3, b'='),
        b'%' if scan.has(gap, "%3D") || scan.has(gap, "%3A") => (gap + 3, b'%'),
        b'(' if is_quote(scan.at(gap + 1)) && !quoted_key => (gap + 1, b'('),
        b'>' if scan.before(key.start) == b'<' => return hide_element(scan, key, trust),
        _ => return hide_unassigned(scan, key, trust, closers),
    };
    // A colon in prose is followed by a blank; in `key:value` of a dump it is not.
    let place = scan.skip(from, from + 64, is_blank);
    let coloured = scan.past_colours(place);
    let place = if coloured > place { scan.skip(coloured, coloured + 16, is_blank) } else { place };
    let place = scan.past_colours(place);
    // `passwd: password unchanged`: a program names itself and goes on.
    if separator == b':' && key.text(scan) == "passwd" && scan.has(place, "password ") {
        return;
    }
    // `random_password.db: result = "…"`: an attribute of the object that the key is.
    let word = scan.skip(place, place + 32, |it| it.is_ascii_lowercase() || it == b'_');
    let attribute = separator == b':' && word > place && key.text(scan).contains('.') && scan.has(word, " = ");
    let place = if attribute { word + 3 } else { place };
    let whole_line = !quoted_key && !matches!(separator, b'%' | b'>') && key.leads_line(scan);
    value_at(scan, place, trust, Notation { separator, whole_line, names_entry: key.text(scan) == "secretKey" });
}

/// How a value is written.
#[derive(Clone, Copy)]
struct Notation {
    separator: u8,
    /// Whether the rest of the line may belong to it.
    whole_line: bool,
    /// Whether the key may be one that names an entry of a Secret.
    names_entry: bool,
}

/// Hides the value that starts at a place.
fn value_at(scan: &mut Scan<'_>, place: usize, trust: Trust, notation: Notation) {
    if !scan.is_open(place) || scan.has(place, "[redacted]") {
        return;
    }
    let place = extent::past_wrappers(scan, extent::past_tag(scan, place));
    if scan.has(place, "[redacted]") {
        return;
    }
    match scan.at(place) {
        b'|' | b'>' if extent::is_block(scan, place) => {
            if trust == Trust::Named && !notation.whole_line {
                return;
            }
            if let Some(block) = extent::block(scan, place)
                && !scan.slice(block.start, block.end.min(block.start + 64)).trim_start().starts_with("[redacted]")
            {
                scan.hide(block);
            }
        }
        b'\n' | 0 => hide_items(scan, place, trust),
        // Go prints lists with their type: `"X-Api-Key":[]string{"x"}`.
        b'[' if scan.has(place, "[]string{") => hide_list(scan, place + 8, trust),
        b'[' => hide_list(scan, place, trust),
        b'{' => {}
        b'&' | b'*' if notation.separator == b':' && scan.at(place + 1).is_ascii_uppercase() => {}
        _ => {
            let value = extent::value(scan, place, notation.separator == b'%');
            hide_scalar(scan, &value, trust, notation);
        }
    }
}

fn hide_scalar(scan: &mut Scan<'_>, value: &Value, trust: Trust, notation: Notation) {
    let inner = value.inner.clone();
    let head = scan.slice(inner.start, inner.end.min(inner.start + 256));
    if head.starts_with("[redacted") {
        return;
    }
    let trust = if value.quoted && trust == Trust::Mixed && notation.separator != b' ' { Trust::Sure } else { trust };
    if value.quoted {
        // A JSON object in quotes has keys of its own.
        let nested = head.trim_start().starts_with(['{', '[']) && trust != Trust::Sure;
        if !nested && is_secret(head, trust) {
            let path = if trust == Trust::Hook { hook_path(head).unwrap_or(0) } else { 0 };
            scan.hide(inner.start + path..inner.end);
        }
        return;
    }
    if trust == Trust::Phrase && hide_phrase(scan, inner.start) {
        return;
    }
    // Prose says what is the matter with a secret; only the first word can tell.
    if !is_secret(head, trust) {
        return;
    }
    if is_error_about(scan, head, inner.end) {
        return;
    }
    // A bare word behind an arrow is a value when nothing follows it, unless it may be the name of an object.
    let alone = trust == Trust::Sure && matches!(scan.at(inner.end), b'\n' | b'\r' | b',' | b')' | b'}' | 0);
    if notation.separator == b'>' && !alone && !head.bytes().any(|it| it.is_ascii_digit()) {
        return;
    }
    if trust == Trust::Hook {
        scan.hide(inner.start + hook_path(head).unwrap_or(0)..inner.end);
        return;
    }
    // `secretKey: password` of external secrets names an entry.
    if notation.names_entry && classify(head).is_some() && !head.bytes().any(|it| it.is_ascii_digit()) {
        return;
    }
    let prose = notation.separator == b':' && !notation.whole_line && trust != Trust::Sure;
    if prose && !head.bytes().any(|it| it.is_ascii_digit()) {
        return;
    }
    if trust == Trust::Connection {
        let end = scan.skip(inner.start, scan.len(), |it| !matches!(it, b'\n' | b'"'));
        scan.hide(inner.start..end);
        return;
    }
    let end = extent::whole(scan, value, notation.separator == b'%');
    let end = if notation.whole_line { line_value_end(scan, inner.start, end) } else { end };
    scan.hide(inner.start..end);
}

/// The words of a seed up to the end of their line.
fn hide_phrase(scan: &mut Scan<'_>, start: usize) -> bool {
    let end = scan.skip(start, start + 256, |it| it.is_ascii_lowercase() || it == b' ');
    let words = scan.slice(start, end).trim_end();
    let ends = matches!(scan.at(end), b'\n' | b'\r' | b'"' | b'\'' | b'\\' | 0);
    if !ends || !is_phrase(words) {
        return false;
    }
    scan.hide(start..start + words.len());
    true
}

/// `token: serviceaccounts "default" not found`: a word, a name in quotes, and what is the matter with it.
fn is_error_about(scan: &Scan<'_>, word: &str, end: usize) -> bool {
    if scan.at(end) != b' ' || !word.bytes().all(|it| it.is_ascii_lowercase() || matches!(it, b'.' | b'-')) {
        return false;
    }
    let quote = scan.skip(end + 1, end + 5, |it| it == b'\\');
    if scan.at(quote) != b'"' {
        return false;
    }
    let close = scan.skip(quote + 1, quote + 254, |it| !matches!(it, b'"' | b'\n'));
    let rest = scan.slice(close + 1, close + 24);
    scan.at(close) == b'"' && ["not ", "is ", "already ", "cannot "].iter().any(|it| rest.trim_start().starts_with(it))
}

/// Where a value ends that may have blanks: at the end of its line, unless the line goes on with other things.
fn line_value_end(scan: &Scan<'_>, start: usize, end: usize) -> usize {
    if !is_blank(scan.at(end)) {
        return end;
    }
    let mut line = scan.line_end(end, 200);
    let rest = scan.slice(end, line);
    if let Some(escape) = rest.find("\\n").or_else(|| rest.find('"')) {
        line = end + escape;
    }
    let rest = scan.slice(end, line);
    let rest = rest.split(" #").next().unwrap_or_default().trim_end();
    let pairs = rest.contains('=') || rest.contains(": ") || rest.contains(['{', '|', '<']);
    if rest.is_empty() || rest.len() > 150 || pairs || has_status(rest) || rest.split_whitespace().count() > 8 {
        return end;
    }
    debug_assert!(start <= end);
    end + rest.len()
}

/// `<password>…</password>`.
fn hide_element(scan: &mut Scan<'_>, key: &Key, trust: Trust) {
    let from = key.end + 1;
    let end = scan.skip(from, from + 4096, |it| it != b'<');
    let inner = scan.slice(from, end);
    if scan.at(end) == b'<' && scan.at(end + 1) == b'/' && !inner.starts_with("[redacted") && is_secret(inner, trust) {
        scan.hide(from..end);
    }
}

/// A YAML list below a key of secrets.
fn hide_items(scan: &mut Scan<'_>, place: usize, trust: Trust) {
    if trust == Trust::Named {
        return;
    }
    let mut line = place + 1;
    while line < scan.len() {
        let dash = scan.skip(line, line + 80, is_blank);
        if scan.at(dash) != b'-' || !is_blank(scan.at(dash + 1)) {
            return;
        }
        let item = scan.skip(dash + 1, dash + 80, is_blank);
        let value = extent::value(scan, item, false);
        let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
        // Items with keys are objects and speak for themselves.
        if !head.starts_with("[redacted")
            && !head.starts_with('{')
            && !head.starts_with("--")
            && !head.trim_end().ends_with(':')
            && scan.at(value.inner.end) != b':'
            && is_secret(head, trust)
        {
            scan.hide(value.inner.clone());
        } else if !head.starts_with("[redacted") {
            return;
        }
        line = scan.line_end(value.inner.end, 256) + 1;
    }
}

/// `["a", "b"]` and the `[a b]` of Go.
fn hide_list(scan: &mut Scan<'_>, place: usize, trust: Trust) {
    if trust == Trust::Named {
        return;
    }
    let mut next = place + 1;
    loop {
        next = scan.skip(next, next + 64, |it| it.is_ascii_whitespace() || it == b',');
        if matches!(scan.at(next), b']' | b'{' | b'[' | 0) && !scan.has(next, "[redacted]") {
            return;
        }
        if scan.has(next, "[redacted]") {
            next += "[redacted]".len();
            continue;
        }
        let value = extent::value(scan, next, false);
        let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
        let masked = head.starts_with("[redacted");
        if !masked && !is_secret(head, trust) || value.outer_end <= next {
            return;
        }
        if !masked {
            scan.hide(value.inner.clone());
        }
        next = value.outer_end;
    }
}

/// A key without a separator: a flag, a name beside its value, or a statement of SQL.
fn hide_unassigned(scan: &mut Scan<'_>, key: &Key, trust: Trust, closers: usize) {
    if key.is_flag(scan) {
        if let Some(place) = argument_after(scan, key.end)
            && scan.at(place) != b'-'
        {
            value_at(scan, place, trust, Notation { separator: b' ', whole_line: false, names_entry: false });
        }
        return;
    }
    if let Some(place) = pairs::value_beside(scan, key.start..key.end, closers) {
        let whole_line = matches!(scan.before(place), b' ') && !is_quote(scan.at(place));
        value_at(scan, place, trust, Notation { separator: b':', whole_line, names_entry: false });
        return;
    }
    if let Some(place) = pairs::value_before(scan, key.start..key.end) {
        value_at(scan, place, trust, Notation { separator: b':', whole_line: false, names_entry: false });
        return;
    }
    statements::after_key(scan, key.start..key.end, trust);
}

/// Where the argument of a flag starts: after a blank, or as the next item of a list.
pub(super) fn argument_after(scan: &Scan<'_>, end: usize) -> Option<usize> {
    let place = scan.skip(end, end + 8, is_blank);
    if place > end && scan.at(place) != b'\n' {
        return Some(place);
    }
    let quotes = scan.skip(end, end + 4, |it| is_quote(it) || it == b'\\');
    let comma = scan.skip(quotes, quotes + 4, |it| it == b',' || is_blank(it));
    if scan.at(comma) == b'\n' || quotes < comma || quotes > end {
        let next = scan.skip(comma, comma + 64, |it| it.is_ascii_whitespace());
        let dash = scan.at(next) == b'-' && is_blank(scan.at(next + 1));
        let item = if dash { scan.skip(next + 1, next + 16, is_blank) } else { next };
        // The list of arguments that `kubectl describe` shows: one below the other.
        let indent = next - scan.run_before(next, 64, is_blank);
        let flag = scan.run_before(end, 100, is_key);
        let aligned = scan.at(comma) == b'\n' && indent > 1 && indent == flag - scan.run_before(flag, 64, is_blank);
        let listed = dash || aligned || is_quote(scan.at(item)) || scan.at(item) == b'\\';
        return (listed && item > end).then_some(item);
    }
    None
}
