//! What one line says, without the wrapping of the logger that wrote it.

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::Timestamp;
use regex::Regex;

use super::fields::{self, Said};
use super::level::{self, Level};
use super::stamp;

/// Lines are mined by at most this much of what they say.
const MOST: usize = 600;

/// What a reader wants to know of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Only when it was written.
    Time,
    /// All.
    All,
}

/// A line that was understood.
#[derive(Debug)]
pub(super) struct Parsed {
    /// When the line says it was written.
    pub(super) time: Option<Timestamp>,
    /// The level that the line names.
    pub(super) level: Option<Level>,
    /// What it says.
    pub(super) message: String,
    /// The stack trace in a field of it.
    pub(super) stack: Option<String>,
    /// Whether the line has fields that the message does not tell.
    pub(super) more: bool,
    /// Whether the logger marked the line as one of its own, so that it cannot continue the line before it.
    pub(super) marked: bool,
}

static KLOG: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?P<level>[IWEF])\d{4} \d\d:\d\d:\d\d\.\d+\s+\d+ [^\]\s]+:\d+\] ?").ok());

/// Understands a line.
pub(super) fn parse(line: &str, wanted: Wanted) -> Parsed {
    let line = line.trim_end();
    if let Some(said) = fields::json(line) {
        return of_fields(said, None);
    }
    let may_be_klog = matches!(line.as_bytes(), [b'I' | b'W' | b'E' | b'F', b'0'..=b'9', ..]);
    if let Some(found) = KLOG.as_ref().filter(|_| may_be_klog).and_then(|it| it.captures(line)) {
        let rest = line.get(found.get(0).map_or(0, |it| it.end())..).unwrap_or_default();
        let level = match found.name("level").map_or("", |it| it.as_str()) {
            "W" => Level::Warning,
            "E" => Level::Error,
            "F" => Level::Fatal,
            _ => Level::Info,
        };
        let (message, more) = fields::quoted_head(rest).unwrap_or_else(|| (short(rest).into_owned(), false));
        return Parsed { time: None, level: Some(level), message, stack: None, more, marked: true };
    }
    let (time, rest) = stamp::split(line);
    let stamped = rest.len() < line.len();
    if let Some(said) = fields::json(rest).filter(|_| stamped).or_else(|| fields::logfmt(rest)) {
        return of_fields(said, time);
    }
    if wanted == Wanted::Time {
        return Parsed { time, level: None, message: String::new(), stack: None, more: false, marked: stamped };
    }
    let (level, message) = named_level(rest);
    let marked = stamped || level.is_some();
    Parsed { time, level, message: short(message).into_owned(), stack: None, more: false, marked }
}

fn of_fields(said: Said, time: Option<Timestamp>) -> Parsed {
    Parsed {
        time: time.or(said.time),
        level: said.level,
        message: short(&said.message).into_owned(),
        stack: said.stack,
        more: said.more,
        marked: true,
    }
}

fn short(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text.get(..text.floor_char_boundary(MOST)).unwrap_or(text).trim())
}

/// The level that stands among the first words of a line, and the line without it where it came first.
fn named_level(text: &str) -> (Option<Level>, &str) {
    let mut offset = 0;
    for (index, word) in text.split(' ').take(7).enumerate() {
        let end = offset + word.len();
        let bare = word.trim_matches(|it: char| matches!(it, '[' | ']' | '(' | ')' | '<' | '>' | '|' | ':' | ',' | '*'));
        // `ERROR:root:text` and `error:` name it as well as `[error]` and ` ERROR `.
        let name = bare.split([':', '/']).next().unwrap_or_default();
        let shouted = name.len() >= 3 && name.bytes().all(|it| it.is_ascii_uppercase());
        let framed = name.len() >= 3 && (word.starts_with(['[', '<', '(']) || (index == 0 && word.contains(':')));
        if (shouted || framed)
            && !name.bytes().any(|it| it.is_ascii_digit())
            && let Some(level) = level::of_word(name)
        {
            let rest = text.get(end..).unwrap_or_default().trim_start_matches([' ', '-', ':', '|']);
            // What follows a level that stands alone is the message; of `panic: x` the word is part of it.
            let alone = offset == 0 && bare.len() == name.len() && !(level == Level::Fatal && word.ends_with(':'));
            return (Some(level), if alone && !rest.is_empty() { rest } else { text });
        }
        offset = end + 1;
    }
    (None, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wrapping_of_loggers_is_taken_off() {
        for (line, level, message) in [
            ("2026-11-23T09:00:00Z ERROR boom", Some(Level::Error), "boom"),
            ("E1123 09:00:00.123456       1 reflector.go:147] cannot list pods", Some(Level::Error), "cannot list pods"),
            (
                r#"W1123 09:00:00.1 1 a.go:1] "Failed to sync" err="no route" pod="a/b""#,
                Some(Level::Warning),
                "Failed to sync: no route",
            ),
            ("[2026-11-23 09:00:00 +0000] [7] [INFO] Booting worker", Some(Level::Info), "[7] [INFO] Booting worker"),
            ("ERROR:root:no config", Some(Level::Error), "ERROR:root:no config"),
            ("2026-11-23 09:00:00.123  WARN 1 --- [main] c.e.Foo : slow", Some(Level::Warning), "1 --- [main] c.e.Foo : slow"),
            ("2026/11/23 09:00:00 [error] 7#7: *1 open() failed", Some(Level::Error), "7#7: *1 open() failed"),
            ("panic: boom", Some(Level::Fatal), "panic: boom"),
            ("warning: no config", Some(Level::Warning), "no config"),
            ("log in failed", None, "log in failed"),
            ("Error: boom", Some(Level::Error), "boom"),
            (r#"2026-11-23T09:00:00Z {"level":"error","msg":"x"}"#, Some(Level::Error), "x"),
            ("", None, ""),
        ] {
            let parsed = parse(line, Wanted::All);
            assert_eq!((parsed.level, parsed.message.as_str()), (level, message), "{line}");
        }
    }
}
