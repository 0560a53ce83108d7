//! Moments, windows and ages.

use std::time::Duration;

use jiff::{SignedDuration, Span, Timestamp};

use crate::error::ToolError;

/// Where "now" comes from: the system, or the moment a snapshot was taken.
#[derive(Clone, Copy, Debug)]
pub enum Clock {
    /// The clock of the machine.
    System,
    /// A clock that stands still.
    Fixed(Timestamp),
    /// A clock that stands still at a moment known only when it is asked for.
    Deferred(fn() -> Timestamp),
}

impl Clock {
    /// The present moment.
    pub fn now(self) -> Timestamp {
        match self {
            // Nobody asks for fractions of a second, and each costs a model a few tokens.
            Self::System => Timestamp::from_second(Timestamp::now().as_second()).unwrap_or(Timestamp::UNIX_EPOCH),
            Self::Fixed(moment) => moment,
            Self::Deferred(moment) => moment(),
        }
    }
}

/// A stretch of time; the start is included, the end is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First moment.
    pub start: Timestamp,
    /// First moment after it.
    pub end: Timestamp,
}

impl Window {
    /// The window of this length that ends now.
    ///
    /// # Errors
    /// `invalid_input` when the text is no duration such as `30m`, `3h` or `7d`, or longer than 455 days.
    pub fn ending(now: Timestamp, text: &str) -> Result<Self, ToolError> {
        let wrong = || {
            ToolError::invalid(format!(
                "`window`: `{text}` is no duration such as `30m`, `3h` or `7d`; a window ends now, so that no time is needed"
            ))
        };
        let length = parse_duration(text).map_err(|_| wrong())?;
        if length > Duration::from_hours(455 * 24) {
            return Err(ToolError::invalid(format!("`window`: `{text}` is longer than the 455 days that CloudWatch keeps")));
        }
        let start = now.checked_sub(SignedDuration::try_from(length).unwrap_or(SignedDuration::MAX));
        let start = start.map_err(|err| ToolError::invalid(format!("`window`: `{text}`: {err}")))?;
        Ok(Self { start, end: now })
    }

    /// Length in seconds.
    pub fn seconds(&self) -> i64 {
        self.end.as_second() - self.start.as_second()
    }
}

/// Parses `90s`, `30m`, `3h`, `7d` or `2w`.
///
/// # Errors
/// `invalid_input` when the text is no such duration, or not positive.
pub fn parse_duration(text: &str) -> Result<Duration, ToolError> {
    let wrong = || ToolError::invalid(format!("`{text}` is no duration; write it as `30m`, `3h` or `7d`"));
    let span: Span = text.parse().map_err(|_| wrong())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let duration = span.to_duration(days).map_err(|_| wrong())?;
    if !duration.is_positive() {
        return Err(wrong());
    }
    Duration::try_from(duration).map_err(|_| wrong())
}

/// The moment that `since` means: a duration back from now, or a moment in RFC 3339.
///
/// # Errors
/// `invalid_input` when the text is neither, or a moment in the future.
pub fn parse_since(now: Timestamp, text: &str) -> Result<Timestamp, ToolError> {
    if let Some(moment) = parse_timestamp(text) {
        return if moment <= now {
            Ok(moment)
        } else {
            Err(ToolError::invalid(format!("`since`: `{text}` is in the future; it is {now} now")))
        };
    }
    let wrong = |why: &dyn std::fmt::Display| ToolError::invalid(format!("`since`: {why}"));
    let length = parse_duration(text).map_err(|_| neither("since", text))?;
    let length = SignedDuration::try_from(length).map_err(|err| wrong(&err))?;
    now.checked_sub(length).map_err(|err| wrong(&err))
}

/// Why a text is no beginning and no end of a period.
pub fn neither(argument: &str, text: &str) -> ToolError {
    ToolError::invalid(format!(
        "`{argument}`: `{text}` is neither a duration such as `30m`, `3h` or `7d` nor an RFC 3339 time such as \
         `2026-01-31T09:00:00Z`"
    ))
}

/// How long ago a moment was, as kubectl writes it: `45s`, `12m`, `5h10m`, `3d4h`, `40d`.
pub fn age(now: Timestamp, then: Timestamp) -> String {
    let seconds = (now.as_second() - then.as_second()).max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let with_rest = |big: i64, unit: &str, rest: i64, small: &str| {
        if rest == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{rest}{small}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => with_rest(minutes, "m", seconds % 60, "s"),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => with_rest(hours, "h", minutes % 60, "m"),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => with_rest(days, "d", hours % 24, "h"),
        _ => format!("{days}d"),
    }
}

/// The day of a moment in UTC, such as `2026-03-01`.
pub fn date(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// Parses an RFC 3339 moment as Kubernetes and AWS write them.
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_written_as_people_write_them() {
        let now: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        assert_eq!(Window::ending(now, "3h").unwrap().seconds(), 10_800);
        assert_eq!(Window::ending(now, "7d").unwrap().seconds(), 604_800);
        for wrong in ["", "3", "-3h", "0s", "three hours", "900d", "3h; DROP"] {
            assert!(Window::ending(now, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn since_is_a_duration_or_a_moment_that_has_been() {
        let now: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let half_past_eight: Timestamp = "2026-11-23T08:30:00Z".parse().unwrap();
        for text in ["1h", "60m", "2026-11-23T08:30:00Z", "2026-11-23T09:30:00+01:00"] {
            assert_eq!(parse_since(now, text).unwrap(), half_past_eight, "{text}");
        }
        for date in ["2026-13-45", "2026-11-23", "2026-11-23T25:00:00Z", "2026-11-23T08:30:00"] {
            let message = parse_since(now, date).unwrap_err().message;
            assert!(message.starts_with(&format!("`since`: `{date}` is neither a duration")), "{message}");
            assert!(message.contains("RFC 3339") && message.contains("`30m`") && message.contains("09:00:00Z`"), "{message}");
        }
        for wrong in ["", "soon", "2026-11-23T10:30:00Z", "-1h", "99999999999999d"] {
            assert!(parse_since(now, wrong).unwrap_err().message.starts_with("`since`: "), "{wrong}");
        }
    }

    #[test]
    fn ages_read_like_kubectl() {
        let now: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let ago = |seconds: i64| age(now, now - SignedDuration::from_secs(seconds));
        assert_eq!(
            [ago(45), ago(130), ago(3600), ago(18_600), ago(90_000), ago(273_600), ago(3_456_000)].join(" "),
            "45s 2m10s 60m 5h10m 25h 3d4h 40d"
        );
    }
}
