//! What varies in a text becomes a placeholder; what tells one thing from another stays.
//!
//! One pass over the words. Numbers are `<n>`, ids `<id>`, moments `<time>`, durations `<dur>`, addresses `<ip>`. Host
//! names, HTTP methods, statuses and the fixed parts of paths stay, because they are what a reader looks for.

use std::borrow::Cow;

const NUMBER: &str = "<n>";
const ID: &str = "<id>";
const TIME: &str = "<time>";
const DURATION: &str = "<dur>";
const ADDRESS: &str = "<ip>";

/// Masks what varies in a text; spaces are written once.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut context = Context::default();
    for part in text.split_whitespace() {
        if !masked.is_empty() {
            masked.push(' ');
        }
        word(part, &mut context, &mut masked);
    }
    masked
}

/// What the words before say about the next one.
#[derive(Default)]
struct Context {
    /// The next number is an HTTP status.
    status: bool,
    /// An HTTP method came before.
    method: bool,
}

/// Masks one word, part by part between quotes, brackets, commas and equal signs.
fn word(word: &str, context: &mut Context, masked: &mut String) {
    let mut rest = word;
    while !rest.is_empty() {
        // All delimiters are single bytes, which never lie within another character.
        let mut end = rest.bytes().position(|it| is_delimiter(char::from(it))).unwrap_or(rest.len());
        if rest.get(..end).is_some_and(|it| it.contains('?') && it.contains('/')) {
            // The query of a URL goes with it.
            end = rest.find(|it| is_delimiter(it) && !matches!(it, '=' | ',' | ';')).unwrap_or(rest.len());
        }
        let (part, after) = rest.split_at(end);
        if !part.is_empty() {
            // Sentences end with what belongs to no word.
            let bare = part.trim_end_matches(['.', ':', '!', '?']);
            let (bare, tail) = if bare.is_empty() { (part, "") } else { part.split_at(bare.len()) };
            masked.push_str(&value(bare, context));
            masked.push_str(tail);
            context.note(bare);
        }
        let delimiter = after.chars().next().map_or(0, char::len_utf8);
        let (delimiter, next) = after.split_at(delimiter);
        masked.push_str(delimiter);
        rest = next;
    }
}

fn is_delimiter(character: char) -> bool {
    matches!(character, '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>' | ',' | ';' | '=' | '|')
}

impl Context {
    fn note(&mut self, word: &str) {
        if word.bytes().all(|it| it.is_ascii_digit()) {
            self.status = false;
            return;
        }
        let lower = |name: &str| word.eq_ignore_ascii_case(name);
        let may_announce = matches!(word.as_bytes().first(), Some(b'S' | b's' | b'C' | b'c' | b'R' | b'r' | b'H' | b'h'));
        self.method |= matches!(word, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "CONNECT");
        self.status = word.starts_with("HTTP/")
            || (may_announce
                && ["status", "code", "status_code", "statuscode", "response_code", "http", "returned", "responded"]
                    .iter()
                    .any(|it| lower(it)))
            || (self.method && word.starts_with('/'));
    }
}

fn value<'a>(word: &'a str, context: &Context) -> Cow<'a, str> {
    let bytes = word.as_bytes();
    if !bytes.iter().any(u8::is_ascii_digit) {
        // Of many ids some have no digit; no word has only these letters for so long.
        if bytes.len() >= 12 && bytes.iter().all(u8::is_ascii_hexdigit) {
            return Cow::Borrowed(ID);
        }
        return if word.contains('?') && word.contains('/') { path(word) } else { Cow::Borrowed(word) };
    }
    if word.starts_with("HTTP/") {
        return Cow::Borrowed(word);
    }
    if bytes.iter().all(u8::is_ascii_digit) {
        let status = context.status && bytes.len() == 3 && matches!(bytes.first(), Some(b'1'..=b'5'));
        // Numbers of such a length count nothing.
        return Cow::Borrowed(if status {
            word
        } else if bytes.len() >= 15 {
            ID
        } else {
            NUMBER
        });
    }
    // Most paths are told from everything below by their first letter.
    if bytes.first() == Some(&b'/') && !bytes.iter().any(|it| matches!(it, b'.' | b':')) {
        return path(word);
    }
    // Before durations and sizes: an id may end in their units.
    if is_uuid(word) || (bytes.len() >= 12 && is_hex(word)) {
        return Cow::Borrowed(ID);
    }
    if is_time(bytes) {
        return Cow::Borrowed(TIME);
    }
    if is_address(word) {
        return Cow::Borrowed(ADDRESS);
    }
    if is_version(word) {
        return Cow::Borrowed(word);
    }
    if is_duration(word) {
        return Cow::Borrowed(DURATION);
    }
    if let Some(unit) = quantity(word) {
        return Cow::Owned(format!("{NUMBER}{unit}"));
    }
    if word.contains('/') {
        return path(word);
    }
    if is_host(word) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(segments(word))
}

/// `2026-11-23T09:00:00.1Z`, `2026-11-23`, `09:00:00`, `23/Nov/2026:09:00:00`.
fn is_time(bytes: &[u8]) -> bool {
    let digits = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|it| it.iter().all(u8::is_ascii_digit));
    let at = |index: usize| bytes.get(index).copied();
    let date = digits(0..4) && matches!(at(4), Some(b'-' | b'/')) && digits(5..7) && at(7) == at(4) && digits(8..10);
    let after_date = matches!(at(10), None | Some(b'T' | b't' | b'_'));
    let clock = digits(0..2) && at(2) == Some(b':') && digits(3..5) && at(5) == Some(b':') && digits(6..8);
    let after_clock = bytes
        .get(8..)
        .is_some_and(|it| it.iter().all(|it| it.is_ascii_digit() || matches!(it, b'.' | b'Z' | b'+' | b'-' | b':')));
    let common = digits(0..2) && at(2) == Some(b'/') && at(6) == Some(b'/') && digits(7..11);
    (date && after_date) || (clock && after_clock) || common
}

/// An IPv4 or IPv6 address, with port or prefix.
fn is_address(word: &str) -> bool {
    let word = word.strip_prefix('/').unwrap_or(word);
    let (host, port) = word.rsplit_once([':', '/']).filter(|(host, _)| host.contains('.')).unwrap_or((word, "0"));
    if port.bytes().all(|it| it.is_ascii_digit()) && host.parse::<std::net::Ipv4Addr>().is_ok() {
        return true;
    }
    word.matches(':').count() >= 2 && word.split(['%', '/']).next().is_some_and(|it| it.parse::<std::net::Ipv6Addr>().is_ok())
}

/// `1.35.4`, `v1.2.3-rc1`: which version runs is worth knowing.
fn is_version(word: &str) -> bool {
    if !word.contains('.') {
        return false;
    }
    let bare = word.strip_prefix('v').unwrap_or(word);
    let core = bare.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<&str> = core.split('.').collect();
    let wanted = if bare.len() < word.len() { 2..=4 } else { 3..=3 };
    wanted.contains(&parts.len())
        && parts.iter().all(|it| (1..=4).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_digit()))
}

/// `12ms`, `1.5s`, `3m20s`, `1h0m0s`.
fn is_duration(word: &str) -> bool {
    let mut rest = word.strip_prefix(['-', '+']).unwrap_or(word);
    while !rest.is_empty() {
        let digits = rest.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        if number.is_empty() || number.starts_with('.') {
            return false;
        }
        let unit = after.find(|it: char| it.is_ascii_digit()).unwrap_or(after.len());
        let (unit, next) = after.split_at(unit);
        if !matches!(unit, "ns" | "us" | "µs" | "ms" | "s" | "sec" | "secs" | "m" | "min" | "mins" | "h" | "d") {
            return false;
        }
        rest = next;
    }
    true
}

/// Units of a decimal number.
const UNITS: &[&str] =
    &["", "%", "b", "k", "kb", "kib", "ki", "mb", "mib", "mi", "g", "gb", "gib", "gi", "tb", "tib", "x", "bytes", "rps", "/s"];

/// The unit of a decimal number, `-3.5`, `87%` or `512KiB`; `None` where the word is no number.
fn quantity(word: &str) -> Option<&str> {
    let bare = word.trim_start_matches(['-', '+', '$', '#', '*', '~']);
    let end = bare.find(|it: char| !it.is_ascii_digit() && !matches!(it, '.' | '_')).unwrap_or(bare.len());
    let (number, unit) = bare.split_at(end);
    let is_number = number.starts_with(|it: char| it.is_ascii_digit()) && number.matches('.').count() <= 1;
    let is_unit = || UNITS.iter().any(|it| it.eq_ignore_ascii_case(unit));
    (is_number && is_unit()).then_some(unit)
}

/// A path or URL: its segments masked one by one, its query left out.
fn path(word: &str) -> Cow<'_, str> {
    let (scheme, rest) = word.find("://").map_or(("", word), |at| word.split_at(at + 3));
    let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?…"));
    let mut masked = String::from(scheme);
    for (index, segment) in rest.split('/').enumerate() {
        if index > 0 {
            masked.push('/');
        }
        if index == 0 && !segment.is_empty() && (!scheme.is_empty() || is_host(segment)) {
            masked.push_str(if is_address(segment) { ADDRESS } else { segment });
        } else if segment.bytes().all(|it| it.is_ascii_digit()) && !segment.is_empty() {
            masked.push_str(NUMBER);
        } else {
            masked.push_str(&segments(segment));
        }
    }
    masked.push_str(query);
    Cow::Owned(masked)
}

/// Endings that make a word with dots a file and no host.
const EXTENSIONS: &[&str] = &[
    "bak", "bin", "csv", "gz", "html", "jar", "java", "jpg", "js", "json", "log", "parquet", "pdf", "png", "py", "rb", "rs",
    "sh", "sql", "tar", "tgz", "tmp", "ts", "txt", "xml", "yaml", "yml", "zip", "zst",
];

/// A host name with its port: several labels of which the last is a word, or a name with a port.
fn is_host(word: &str) -> bool {
    let (name, port) = word.rsplit_once(':').unwrap_or((word, ""));
    if !port.bytes().all(|it| it.is_ascii_digit()) {
        return false;
    }
    let labels: Vec<&str> = name.split('.').collect();
    let fits =
        |label: &&str| !label.is_empty() && label.len() <= 63 && label.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    if !labels.iter().all(fits) || !name.starts_with(|it: char| it.is_ascii_alphanumeric()) {
        return false;
    }
    let last = labels.last().copied().unwrap_or_default();
    if port.is_empty() && EXTENSIONS.contains(&last) {
        return false;
    }
    let word = last.len() >= 2 && last.bytes().all(|it| it.is_ascii_lowercase());
    match labels.len() {
        1 => {
            !port.is_empty()
                && port.len() >= 2
                && last.starts_with(|it: char| it.is_ascii_lowercase())
                && last.contains(|it: char| it.is_ascii_alphabetic())
                && !is_hex(last)
        }
        2 => {
            word && (port.len() >= 2
                || matches!(
                    last,
                    "com"
                        | "net"
                        | "org"
                        | "io"
                        | "dev"
                        | "local"
                        | "internal"
                        | "svc"
                        | "aws"
                        | "example"
                        | "test"
                        | "cloud"
                        | "app"
                ))
        }
        _ => word,
    }
}

/// Masks the parts of a word between `-`, `_`, `.`, `:` and the like.
fn segments(word: &str) -> String {
    if is_uuid(word) || is_hex(word) {
        return ID.to_owned();
    }
    // `db-0` and `us-east-1` are names.
    if let Some((name, digit)) = word.rsplit_once('-')
        && digit.len() == 1
        && name.len() >= 2
        && name.bytes().all(|it| it.is_ascii_alphabetic() || it == b'-')
    {
        return word.to_owned();
    }
    let mut masked = String::with_capacity(word.len());
    let mut rest = word;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_alphanumeric()).unwrap_or(rest.len());
        let (segment, after) = rest.split_at(end);
        masked.push_str(&segment_of(segment));
        let separator = after.chars().next().map_or(0, char::len_utf8);
        let (separator, next) = after.split_at(separator);
        masked.push_str(separator);
        rest = next;
    }
    masked
}

fn segment_of(segment: &str) -> Cow<'_, str> {
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 {
        return Cow::Borrowed(segment);
    }
    if digits == segment.len() {
        return Cow::Borrowed(NUMBER);
    }
    if is_hex(segment) {
        return Cow::Borrowed(ID);
    }
    // `s3`, `k8s`, `ipv4`, `sha256`, `healthz2` are words; `user123` is one with a number; `bv8bv` and `x7Kq9` are ids.
    let named = segment.starts_with(|it: char| it.is_ascii_alphabetic()) && ends_in_digits(segment, digits);
    if segment.len() <= 3 || (named && ((segment.len() <= 6 && digits <= 3) || digits == 1)) {
        return Cow::Borrowed(segment);
    }
    let letters = segment.len() - digits;
    if ends_in_digits(segment, digits) && letters <= 20 {
        return Cow::Owned(format!("{}{NUMBER}", segment.get(..letters).unwrap_or_default()));
    }
    if segment.starts_with(|it: char| it.is_ascii_digit()) && letters <= 2 {
        return Cow::Owned(format!("{NUMBER}{}", segment.trim_start_matches(|it: char| it.is_ascii_digit())));
    }
    Cow::Borrowed(ID)
}

fn ends_in_digits(segment: &str, digits: usize) -> bool {
    segment.bytes().rev().take(digits).all(|it| it.is_ascii_digit())
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36
        && word
            .bytes()
            .enumerate()
            .all(|(index, it)| if matches!(index, 8 | 13 | 18 | 23) { it == b'-' } else { it.is_ascii_hexdigit() })
}

/// Hexadecimal of some length with at least one digit, so that no word is meant.
fn is_hex(word: &str) -> bool {
    if let Some(hex) = word.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|it| it.is_ascii_hexdigit());
    }
    word.len() >= 7
        && word.bytes().all(|it| it.is_ascii_hexdigit())
        && word.bytes().any(|it| it.is_ascii_digit())
        && word.bytes().any(|it| it.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_varies_is_masked_and_what_tells_apart_stays() {
        for (text, expected) in [
            ("took 12ms after 3 attempts (87%)", "took <dur> after <n> attempts (<n>%)"),
            (
                r#"10.0.3.7 - - "GET /orders/8812/items?page=2 HTTP/1.1" 503 1234"#,
                r#"<ip> - - "GET /orders/<n>/items?… HTTP/1.1" 503 <n>"#,
            ),
            ("GET /v1/users/3f2b8c1e-aaaa-4bbb-8ccc-1234567890ab 404 in 3.2ms", "GET /v1/users/<id> 404 in <dur>"),
            ("dial tcp 10.0.3.7:5432: connect: connection refused", "dial tcp <ip>: connect: connection refused"),
            (
                "lookup db-1.shop.svc.cluster.local on 172.20.0.10:53: no such host",
                "lookup db-1.shop.svc.cluster.local on <ip>: no such host",
            ),
            ("cannot connect to mail-relay:25 or redis.cache:6379", "cannot connect to mail-relay:25 or redis.cache:6379"),
            ("method=GET path=/orders/7 status=200", "method=GET path=/orders/<n> status=200"),
            ("order o-48152 of user_9912 at 2026-11-23T09:00:00Z", "order o-<n> of user_<n> at <time>"),
            ("trace 4bf92f3577b34da6a3ce929d0e0e4736 span=0xc000 id=563d43546277273d", "trace <id> span=<id> id=<id>"),
            ("request_id=ddbacadbacaecdee from the facade", "request_id=<id> from the facade"),
            ("pod checkout-api-7d9c5b8f66-x2x9k on s3 with sha256", "pod checkout-api-<id>-<id> on s3 with sha256"),
            ("moved part-0001.pdf.tar (2100 KiB)", "moved part-<n>.pdf.tar (<n> KiB)"),
            ("version 1.35.4 of v2.1", "version 1.35.4 of v2.1"),
            ("https://api.example.com/v2/session/91?x=1", "https://api.example.com/v2/session/<n>?…"),
            ("http://10.1.2.3:8080/x", "http://<ip>/x"),
            ("peer [2001:db8::1]:443 gone", "peer [<ip>]:<n> gone"),
            ("main.go:42 main.rs:7:5", "main.go:42 main.rs:<n>:<n>"),
            ("exit code 137", "exit code 137"),
            ("GET /healthz2 on db-0 in us-east-1", "GET /healthz2 on db-0 in us-east-1"),
            ("größe 12µs naïve", "größe <dur> naïve"),
            ("  a   b ", "a b"),
            ("...", "..."),
        ] {
            assert_eq!(mask(text), expected, "{text}");
        }
    }
}
