//! Which lines are wanted: by regular expression and by time.

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

use crate::domain::text::cut;
use crate::domain::time::{neither, parse_duration, parse_timestamp};
use crate::error::ToolError;
use crate::k8s::logs::Since;

/// Most bytes of a compiled expression.
const COMPILED: usize = 1 << 20;

/// Keeps and leaves out lines.
pub(super) struct LineFilter {
    include: Option<Regex>,
    exclude: Option<Regex>,
}

impl LineFilter {
    pub(super) fn new(include: Option<&str>, exclude: Option<&str>) -> Result<Self, ToolError> {
        Ok(Self {
            include: include.map(|it| compile("include", it)).transpose()?,
            exclude: exclude.map(|it| compile("exclude", it)).transpose()?,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.include.is_none() && self.exclude.is_none()
    }

    pub(super) fn wants(&self, line: &str) -> bool {
        self.include.as_ref().is_none_or(|it| it.is_match(line)) && !self.exclude.as_ref().is_some_and(|it| it.is_match(line))
    }
}

fn compile(argument: &str, pattern: &str) -> Result<Regex, ToolError> {
    regex::RegexBuilder::new(pattern).size_limit(COMPILED).dfa_size_limit(COMPILED).build().map_err(|err| match err {
        regex::Error::CompiledTooBig(_) => {
            ToolError::invalid(format!("`{argument}`: the expression is too large when its repetitions are written out"))
                .with_hint("Use smaller bounds in `{n,m}`, or `*`.")
        }
        err => {
            let text = err.to_string();
            let why = text.lines().rev().find_map(|it| it.strip_prefix("error: ")).unwrap_or("it is no regular expression");
            // The message points at the fault with a caret below the expression, which is indented by four.
            let caret =
                text.lines().find(|it| it.contains('^') && it.trim_matches([' ', '^']).is_empty()).and_then(|it| it.find('^'));
            let place = caret
                .filter(|_| !pattern.contains('\n'))
                .map_or_else(String::new, |it| format!(" at character {}", it.saturating_sub(3)));
            ToolError::invalid(format!("`{argument}`: {why}{place} of `{}`", cut(pattern, 80))).with_hint(
                "Correct the expression; to look for text as it stands, escape `.`, `(`, `[`, `*` and the like with `\\`.",
            )
        }
    })
}

/// The time that lines are wanted of.
pub(super) struct Period {
    pub(super) now: Timestamp,
    pub(super) since: Option<Since>,
    pub(super) until: Option<Timestamp>,
}

impl Period {
    pub(super) fn new(now: Timestamp, since: Option<&str>, until: Option<&str>) -> Result<Self, ToolError> {
        let since = since.map(|it| begin(now, it)).transpose()?;
        let until = until.map(|it| end(now, it)).transpose()?;
        let period = Self { now, since, until };
        if let (Some(start), Some(until)) = (period.start(), until)
            && start >= until
        {
            return Err(ToolError::invalid("`until` is not after `since`"));
        }
        Ok(period)
    }

    /// The first moment.
    pub(super) fn start(&self) -> Option<Timestamp> {
        match self.since? {
            Since::Moment(moment) => Some(moment),
            Since::Seconds(seconds) => self.now.checked_sub(SignedDuration::from_secs(i64::try_from(seconds).ok()?)).ok(),
        }
    }
}

fn begin(now: Timestamp, text: &str) -> Result<Since, ToolError> {
    if let Some(moment) = parse_timestamp(text) {
        return if moment < now { Ok(Since::Moment(moment)) } else { Err(in_future("since", text, now)) };
    }
    Ok(Since::Seconds(ago("since", text)?.as_secs().max(1)))
}

fn end(now: Timestamp, text: &str) -> Result<Timestamp, ToolError> {
    if let Some(moment) = parse_timestamp(text) {
        return if moment <= now { Ok(moment) } else { Err(in_future("until", text, now)) };
    }
    let ago = SignedDuration::try_from(ago("until", text)?).unwrap_or(SignedDuration::MAX);
    now.checked_sub(ago).map_err(|err| ToolError::invalid(format!("`until`: `{text}`: {err}")))
}

fn ago(argument: &str, text: &str) -> Result<std::time::Duration, ToolError> {
    parse_duration(text).map_err(|_| neither(argument, text))
}

fn in_future(argument: &str, text: &str, now: Timestamp) -> ToolError {
    ToolError::invalid(format!("`{argument}`: `{text}` is in the future; it is {now:.0} now"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_expressions_are_named_with_the_place_of_the_fault() {
        for (pattern, words) in [
            ("(", "`include`: unclosed group at character 1 of `(`"),
            ("ab[z-a]", "invalid character class range, the start must be <= the end at character 4 of `ab[z-a]`"),
            ("a(?=b)", "look-around"),
            ("(?:a{1000}){1000}", "too large"),
        ] {
            let err = LineFilter::new(Some(pattern), None).err().unwrap();
            assert!(err.message.contains(words), "{}", err.message);
        }
    }

    #[test]
    fn periods_are_in_the_past_and_in_order() {
        let now: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let period = Period::new(now, Some("30m"), Some("2026-11-23T09:10:00Z")).unwrap();
        assert_eq!(period.start().unwrap().to_string(), "2026-11-23T09:00:00Z");
        for (since, until, words) in [
            (Some("2027-01-01T00:00:00Z"), None, "in the future"),
            (Some("tomorrow"), None, "`tomorrow`"),
            (Some("10m"), Some("20m"), "not after"),
            (None, Some("2027-01-01T00:00:00Z"), "in the future"),
        ] {
            let err = Period::new(now, since, until).err().unwrap();
            assert!(err.message.contains(words), "{}", err.message);
        }
    }
}
