//! How bad a line is: as it says itself, else as it sounds.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use regex::Regex;

/// Severity of a log line, from harmless to fatal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Debug and trace.
    Debug,
    /// Information, and lines that say no level and sound harmless.
    Info,
    /// Warnings.
    Warning,
    /// Errors and exceptions.
    Error,
    /// What ends a process: panics and fatal errors.
    Fatal,
}

impl Level {
    /// The name as readers see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

static FATAL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:panic:|fatal\b|unhandled exception|uncaught exception|thread '.*' panicked|exception in thread\b|segmentation fault|out of memory)|\bOOM ?killed\b|\bpanic(?:ked)?:",
    )
    .ok()
});
static ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)\b(?:error|err|exception|traceback|failed|failure|fails|cannot|can't|could not|couldn't|unable to|denied|refused|timed out|unreachable|no such host|[a-z.$]+(?:Error|Exception))\b",
    )
    .ok()
});
/// Counts and fields that name errors because there are none.
static NO_ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?i)\b(?:0|no|without|zero) (?:error|failure)s?\b|\b(?:errors?|err|failed|failures?|exception)"?\s?[=:]\s?"?(?:0|null|nil|none|false|<nil>)(?:\b|[",]|$)|\b0 (?:failed|errors?)\b"#).ok()
});
static WARNING: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\bwarn(?:ing)?\b|\bdeprecated\b|\bretry(?:ing)?\b|\bslow\b|\bthrottl").ok());
fn hits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|it| it.is_match(text))
}

/// The level that a word names.
pub(super) fn of_word(word: &str) -> Option<Level> {
    let mut buffer = [0; 12];
    let lower = buffer.get_mut(..word.len())?;
    lower.copy_from_slice(word.as_bytes());
    lower.make_ascii_lowercase();
    Some(match std::str::from_utf8(lower).ok()? {
        "trace" | "trce" | "debug" | "dbug" | "dbg" | "verbose" | "fine" | "finer" | "finest" | "silly" | "10" | "20" => {
            Level::Debug
        }
        "info" | "inf" | "information" | "notice" | "log" | "30" => Level::Info,
        "warn" | "warning" | "wrn" | "40" => Level::Warning,
        "error" | "err" | "fail" | "severe" | "50" => Level::Error,
        "fatal" | "ftl" | "critical" | "crit" | "panic" | "dpanic" | "emerg" | "emergency" | "alert" | "60" => Level::Fatal,
        _ => return None,
    })
}

/// The level of a text that says none.
pub(super) fn inferred(text: &str) -> Level {
    if hits(&FATAL, text) {
        return Level::Fatal;
    }
    if let Some(level) = of_response(text) {
        return level;
    }
    if hits(&ERROR, text) && !hits(&NO_ERROR, text) {
        return Level::Error;
    }
    if hits(&WARNING, text) { Level::Warning } else { Level::Info }
}

/// The level that the HTTP status in a line stands for: requests are logged as information whatever came of them.
pub(super) fn of_response(text: &str) -> Option<Level> {
    let status = status_after(text, &PROTOCOL, after_protocol).or_else(|| status_after(text, &WORD, after_word))?;
    match status {
        b'5' => Some(Level::Error),
        b'4' => Some(Level::Warning),
        b'1'..=b'3' => Some(Level::Info),
        _ => None,
    }
}

static PROTOCOL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("HTTP/"));
static WORD: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("status"));

/// The first digit of the HTTP status behind a mark. Most lines have no such mark, so that finding it is all the work.
fn status_after(text: &str, mark: &Finder<'_>, rest: fn(&[u8]) -> Option<&[u8]>) -> Option<u8> {
    let bytes = text.as_bytes();
    mark.find_iter(bytes).find_map(|at| {
        let is_word = at.checked_sub(1).and_then(|it| bytes.get(it)).is_some_and(|it| it.is_ascii_alphanumeric() || *it == b'_');
        let behind = bytes.get(at + mark.needle().len()..).filter(|_| !is_word)?;
        match rest(behind)? {
            [first @ b'1'..=b'5', b'0'..=b'9', b'0'..=b'9', after @ ..]
                if !after.first().is_some_and(|it| it.is_ascii_alphanumeric() || *it == b'_') =>
            {
                Some(*first)
            }
            _ => None,
        }
    })
}

/// What follows `1.1" ` of `HTTP/1.1" 200`.
fn after_protocol(text: &[u8]) -> Option<&[u8]> {
    let [b'0'..=b'9', rest @ ..] = text else { return None };
    let rest = match rest {
        [b'.', b'0'..=b'9', rest @ ..] => rest,
        _ => rest,
    };
    rest.strip_prefix(b"\"").unwrap_or(rest).strip_prefix(b" ")
}

/// What follows `_code": "` of `status_code": "200`.
fn after_word(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"_").unwrap_or(text);
    let rest = rest.strip_prefix(b"code").unwrap_or(if rest.len() == text.len() { rest } else { text });
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    let [b'=' | b':', rest @ ..] = rest else { return None };
    let rest = rest.strip_prefix(b" ").unwrap_or(rest);
    Some(rest.strip_prefix(b"\"").unwrap_or(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_level_are_judged_by_what_they_say() {
        for (line, level) in [
            ("panic: runtime error: index out of range [5]", Level::Fatal),
            ("dial tcp 10.0.0.1:5432: connect: connection refused", Level::Error),
            ("ValueError: bad port", Level::Error),
            ("finished with 0 errors", Level::Info),
            ("done error=null", Level::Info),
            ("Warning: option x is deprecated", Level::Warning),
            (r#""GET /x HTTP/1.1" 503 12"#, Level::Error),
            (r#""GET /error HTTP/1.1" 200 12"#, Level::Info),
            ("listening on :8080", Level::Info),
            (r#"{"status_code": "502", "path": "/x"}"#, Level::Error),
            ("upstream status: 404 after 3 ms", Level::Warning),
            ("statuscode=500 x", Level::Error),
            ("exit status 500 and mystatus=500 and status=5000", Level::Info),
        ] {
            assert_eq!(inferred(line), level, "{line}");
        }
    }
}
