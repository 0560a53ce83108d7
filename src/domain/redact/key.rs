//! A key as it stands in the text: where it starts and ends, and what it and the words before it say.

use super::keys::{self, Trust, classify};
use super::scan::{Scan, is_blank, is_key, is_quote, is_word};
use super::vocabulary::PLAIN_BEFORE;

/// The letters after the number of a colour are the key: `\u001b[36mtoken`.
fn past_colour(scan: &Scan<'_>, start: usize) -> usize {
    let digits = scan.skip(start, start + 4, |it| it.is_ascii_digit());
    let numbers = scan.run_before(start, 12, |it| it.is_ascii_digit() || it == b';');
    let coloured = scan.at(digits) == b'm' && digits > start && scan.before(numbers) == b'[';
    let escape = scan.slice(numbers.saturating_sub(6), numbers).to_ascii_lowercase();
    let escaped = ["\u{1b}[", "u001b[", "x1b[", "033[", "\\e["].iter().any(|it| escape.ends_with(it));
    if coloured && escaped { digits + 1 } else { start }
}

/// Punctuation of full width parts keys as that of ASCII does.
fn within_wide(scan: &Scan<'_>, start: usize, hit: usize, end: usize) -> (usize, usize) {
    const WIDE: &[char] = &['：', '＝', '，', '；', '。', '（', '）'];
    let first = scan.at(start.min(hit));
    if first.is_ascii() && scan.skip(start, end, |it| it.is_ascii()) == end {
        return (start, end);
    }
    let before = scan.slice(start, hit);
    let start = before.char_indices().rev().find(|it| WIDE.contains(&it.1)).map_or(start, |it| start + it.0 + it.1.len_utf8());
    let end = scan.slice(hit, end).find(WIDE).map_or(end, |it| hit + it);
    (start, end)
}

/// A key as it stands in the text.
pub(super) struct Key {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Key {
    /// The key that a place lies in.
    pub(super) fn around(scan: &Scan<'_>, hit: usize) -> Self {
        let mut start = scan.run_before(hit, keys::LONGEST, is_key);
        let end = scan.skip(hit, hit + keys::LONGEST, is_key);
        // What looks like the start of a key may be the end of an escape: `\npassword`, `\u0026token`.
        if scan.before(start) == b'\\' {
            start += match scan.at(start) {
                b'n' | b't' | b'r' => 1,
                b'u' if scan.slice(start, start + 5).bytes().skip(1).all(|it| it.is_ascii_hexdigit()) => 5,
                _ => 0,
            };
        }
        // `%26token` in a URL within a URL.
        if scan.before(start) == b'%' && scan.slice(start, start + 2).bytes().all(|it| it.is_ascii_hexdigit()) {
            start += 2;
        }
        start = past_colour(scan, start).min(end);
        let (start, end) = within_wide(scan, start, hit, end);
        Self { start, end }
    }

    pub(super) fn text<'a>(&self, scan: &Scan<'a>) -> &'a str {
        scan.slice(self.start, self.end)
    }

    /// What the key says, together with the words before it where it is one word itself.
    pub(super) fn trust(&self, scan: &Scan<'_>) -> Option<Trust> {
        let text = self.text(scan);
        // `-Dpw=x` sets a property of Java.
        let text = text.strip_prefix("-D").unwrap_or(text).trim_matches(['-', '.']);
        if scan.before(self.start) == b'/'
            && scan.slice(self.start.saturating_sub(9), self.start).eq_ignore_ascii_case("checksum/")
        {
            return None;
        }
        let simple = text.bytes().all(|it| it.is_ascii_alphabetic());
        let spaced = matches!(text.to_ascii_lowercase().as_str(), "key" | "token" | "tokens" | "keys" | "secret");
        if !simple || !spaced || scan.before(self.start) != b' ' {
            return classify(text);
        }
        let from = scan.run_before(self.start, 24, |it| is_word(it) || matches!(it, b' ' | b'_' | b'-'));
        let before = scan.slice(from, self.start).trim();
        let last_two = before.rsplit(' ').take(2).collect::<Vec<_>>();
        let phrase = match last_two.as_slice() {
            [last, other] => format!("{other} {last} {text}"),
            [last] => format!("{last} {text}"),
            _ => text.to_owned(),
        };
        // `next page token`, `unexpected token`, `api key`; verbs such as `using` change nothing.
        classify(&phrase).or_else(|| {
            let verb = |it: Option<&&str>| it.is_some_and(|it| PLAIN_BEFORE.contains(&it.to_ascii_lowercase().as_str()));
            if verb(last_two.first()) {
                return classify(text);
            }
            // `using api key`
            let last = last_two.first().filter(|_| verb(last_two.get(1)))?;
            classify(&format!("{last} {text}"))
        })
    }

    /// `arn:aws:secretsmanager:…:secret:name`.
    pub(super) fn is_part_of_arn(&self, scan: &Scan<'_>) -> bool {
        if scan.before(self.start) != b':' {
            return false;
        }
        let from = scan.run_before(self.start, 120, |it| is_key(it) || it == b':');
        scan.slice(from, self.start).contains("arn:")
    }

    /// `Post "https://host/serviceaccounts/default/token": …`: the last part of a path, after which an error goes on.
    pub(super) fn ends_quoted_url(&self, scan: &Scan<'_>) -> bool {
        if scan.before(self.start) != b'/' && !self.text(scan).contains('/') {
            return false;
        }
        let escaped = scan.at(self.end) == b'\\';
        let close = self.end + usize::from(escaped);
        if scan.at(close) != b'"' || !scan.has(close + 1, ": ") {
            return false;
        }
        // In an object of which URLs are the keys, nothing stands before the quote, and the value may have quotes.
        let value = close + 3;
        let from = scan.run_before(self.start, 512, |it| !is_blank(it) && !matches!(it, b'"' | b'\n'));
        let verb = from.saturating_sub(1 + usize::from(escaped));
        let after_verb = scan.before(verb) == b' ' && scan.before(verb.saturating_sub(1)).is_ascii_alphabetic();
        after_verb
            && !is_quote(scan.at(value))
            && scan.at(value) != b'\\'
            && scan.before(from) == b'"'
            && ["https://", "http://"].iter().any(|it| scan.has(from, it))
            && !scan.slice(from, self.end).contains(['?', '#'])
    }

    pub(super) fn is_flag(&self, scan: &Scan<'_>) -> bool {
        scan.at(self.start) == b'-'
    }

    /// Whether the key is the first thing on its line, as in YAML, properties and `.env` files.
    pub(super) fn leads_line(&self, scan: &Scan<'_>) -> bool {
        let mut start = scan.run_before(self.start, 80, |it| is_blank(it) || matches!(it, b'-' | b'"' | b'\''));
        if scan.slice(start.saturating_sub(6), start).eq_ignore_ascii_case("export")
            || scan.slice(start.saturating_sub(3), start).eq_ignore_ascii_case("env")
        {
            start = scan.run_before(start, 6, |it| it.is_ascii_alphabetic());
            start = scan.run_before(start, 80, is_blank);
        }
        start == 0
            || scan.before(start) == b'\n'
            || scan.slice(start.saturating_sub(2), start) == "\\n"
            || scan.slice(start.saturating_sub(1), start + 1) == "\\n"
    }
}
