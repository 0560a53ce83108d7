//! Secrets of a text that comes line by line, some of which are longer than a line.

use std::borrow::Cow;

/// Lines of a private key at most; a key that is cut off must not hide the rest of a log.
const MOST_LINES: usize = 200;

/// Characters of base64 that are no word of prose any more. Only the last line of a key is shorter.
const BODY: usize = 16;

/// Masks the secrets of lines that come one by one, so that nothing behind them ever holds one.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    key: Option<Key>,
    hidden: usize,
}

/// A private key that is being passed over. Loggers write their own words before each line of it.
#[derive(Clone, Copy, Debug)]
struct Key {
    passed: usize,
    /// How many words the line has in which it begins, the mark of the beginning being one of them.
    words: usize,
    /// Which of them the mark is.
    at: usize,
    /// Whether the last line of it has been passed.
    closes: bool,
}

impl Lines {
    /// The line without its secrets; `None` for a line that is nothing but a part of one.
    pub fn line<'a>(&mut self, line: &'a str) -> Option<Cow<'a, str>> {
        if let Some(key) = self.key {
            let ends = line.contains("-----END ");
            // Behind its last line only its end belongs to it.
            let part = if key.closes { None } else { key.part(line) };
            let goes_on = !ends && key.passed < MOST_LINES;
            let next = |more: bool| Key { passed: key.passed + 1, closes: !more, ..key };
            self.key = part.filter(|_| goes_on).map(next);
            if ends || part.is_some() {
                return None;
            }
        }
        let (masked, hidden) = super::text(line);
        self.hidden += hidden;
        if let Some(key) = Key::begun(line) {
            self.key = Some(key);
            // What stands behind the mark in this line is hidden with it.
            if hidden == 0 {
                self.hidden += 1;
                return Some(Cow::Borrowed(super::MASK));
            }
        }
        Some(masked)
    }

    /// How many secrets have been masked.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Counts a secret that the caller has left out by itself.
    pub fn add_hidden(&mut self) {
        self.hidden += 1;
    }
}

impl Key {
    /// A private key that begins in a line and does not end in it.
    fn begun(line: &str) -> Option<Self> {
        let (before, rest) = line.rsplit_once("-----BEGIN ")?;
        let (name, after) = rest.split_once("-----")?;
        if !name.contains("PRIVATE KEY") || rest.contains("-----END ") {
            return None;
        }
        // The mark has words of its own, which count as one with what touches it.
        let whole = format!("{before}#{after}");
        let at = whole.split_whitespace().position(|it| it.contains('#'))?;
        Some(Self { passed: 0, words: whole.split_whitespace().count(), at, closes: false })
    }

    /// Whether a line is a part of the key, and if so whether further ones may follow it.
    fn part(self, line: &str) -> Option<bool> {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Headers of an encrypted key, and the empty line behind them.
        if self.passed < 4 && (line.contains("Proc-Type: ") || line.contains("DEK-Info: ") || words.len() + 1 == self.words) {
            return Some(true);
        }
        if words.len() != self.words {
            return None;
        }
        let run = base64_run(words.get(self.at)?);
        match run {
            0 => None,
            BODY.. => Some(true),
            // A short line is the last one.
            _ => (self.passed > 0).then_some(false),
        }
    }
}

/// Whether a line can be one of the middle of a private key: for the beginning of a log that was cut there.
pub fn may_be_key_body(line: &str) -> bool {
    line.split_whitespace().next_back().is_some_and(|it| base64_run(it) >= 40)
}

/// The longest run of base64 characters in a word.
fn base64_run(word: &str) -> usize {
    word.split(|it: char| !(it.is_ascii_alphanumeric() || matches!(it, '+' | '/' | '='))).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY_LINE: &str = "MIIEpAIBAAKCAQEA2mKqH0dSgVvDqmbTqH2sHkYxN1l7bq0pVQm4Qz8kY1o3sZ9T";

    fn masked(lines: &[String]) -> (Vec<String>, usize) {
        let mut masker = Lines::default();
        let kept = lines.iter().filter_map(|line| masker.line(line).map(Cow::into_owned)).collect();
        (kept, masker.hidden())
    }

    #[test]
    fn a_key_is_one_secret_however_many_lines_it_has_and_whatever_stands_before_them() {
        let keys = ["RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "PRIVATE KEY"];
        let frames = [
            ("", ""),
            ("2026-11-23T09:29:01Z ", ""),
            ("I1123 09:29:01.123456       1 main.go:12] ", ""),
            ("INFO ", ""),
            ("2026-11-23 09:29:01,123 INFO  app - ", ""),
            ("2026-11-23T09:29:01.1Z stdout F ", ""),
            ("{\"level\":\"info\",\"msg\":\"", "\",\"logger\":\"main\"}"),
            ("{\"level\": \"info\", \"msg\": \"", "\", \"logger\": \"main\"}"),
        ];
        for key in keys {
            for (before, after) in frames {
                let inner = [
                    format!("-----BEGIN {key}-----"),
                    BODY_LINE.into(),
                    BODY_LINE.into(),
                    "Yw==".into(),
                    format!("-----END {key}-----"),
                ];
                let mut lines = vec![format!("{before}starting{after}")];
                lines.extend(inner.iter().map(|it| format!("{before}{it}{after}")));
                lines.push(format!("{before}ready{after}"));
                let (kept, hidden) = masked(&lines);
                let all = kept.join("\n");
                assert!(!all.contains("MIIE") && !all.contains("Yw=="), "{all}");
                assert!(all.contains("starting") && all.contains("ready"), "{all}");
                assert_eq!((kept.len(), hidden), (3, 1), "{all}");
            }
        }
    }

    #[test]
    fn the_headers_of_an_encrypted_key_are_no_end_of_it() {
        let lines = [
            "-----BEGIN RSA PRIVATE KEY-----",
            "Proc-Type: 4,ENCRYPTED",
            "DEK-Info: AES-128-CBC,AB",
            "",
            BODY_LINE,
            "after that",
        ];
        assert_eq!(masked(&lines.map(str::to_owned)).0.last().map(String::as_str), Some("after that"));
        assert!(!masked(&lines.map(str::to_owned)).0.join("").contains("MIIE"));
    }

    #[test]
    fn a_key_that_is_cut_off_does_not_hide_the_log_behind_it() {
        let lines = ["-----BEGIN PRIVATE KEY-----", BODY_LINE, "done", "ok", "GET /healthz 200", "GET /readyz 503"];
        let (kept, _) = masked(&lines.map(str::to_owned));
        assert_eq!(kept[1..], ["ok", "GET /healthz 200", "GET /readyz 503"]);
        let (kept, hidden) = masked(&["-----BEGIN CERTIFICATE-----", BODY_LINE, "-----END CERTIFICATE-----"].map(str::to_owned));
        assert_eq!((kept.len(), hidden), (3, 0));
    }
}
