//! The time at the beginning of a line, in the usual spellings.

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use regex::Regex;

static LEADING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^[\[(]?(?:
            (?P<date>\d{4}[-/]\d\d[-/]\d\d)[T\ ](?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?\ ?(?P<zone>Z\b|UTC\b|[+-]\d\d:?\d\d\b)?
          | (?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\ )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\ {1,2}\d{1,2}\ \d\d:\d\d:\d\d(?:\ \d{4})?
          | \d{1,2}[/-](?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[/-]\d{4}[:\ ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:\ [+-]\d{4})?
          | \d\d:\d\d:\d\d(?:[.,]\d{1,9})?
          | (?P<epoch>1\d{9})(?:\.(?P<part>\d{1,9}))
        )[\])]?(?:[\ \t]*[-|:]?[\ \t]+|$)",
    )
    .ok()
});

/// Splits the time from the beginning of a line: the moment where it is known to the second and the day, and the rest.
pub(super) fn split(line: &str) -> (Option<Timestamp>, &str) {
    let may_be =
        line.as_bytes().first().is_some_and(|it| it.is_ascii_digit() || matches!(it, b'[' | b'(') || it.is_ascii_uppercase());
    if !may_be {
        return (None, line);
    }
    if let Some((time, rest)) = plain(line) {
        return (Some(time), rest);
    }
    let Some(found) = LEADING.as_ref().and_then(|it| it.captures(line)) else { return (None, line) };
    let rest = line.get(found.get(0).map_or(0, |it| it.end())..).unwrap_or_default();
    let text = |name: &str| found.name(name).map_or("", |it| it.as_str());
    let time = match (text("date"), text("epoch")) {
        ("", "") => None,
        ("", epoch) => of_number(&format!("{epoch}.{}", text("part"))),
        (date, _) => moment(date, text("clock"), text("fraction"), text("zone")),
    };
    (time, rest)
}

/// `2026-11-23T09:00:01.5Z text` read without an expression: the spelling that most programs and every container runtime use.
fn plain(line: &str) -> Option<(Timestamp, &str)> {
    let bytes = line.as_bytes();
    let number = |from: usize, to: usize| {
        bytes.get(from..to)?.iter().try_fold(0_i16, |sum, it| it.is_ascii_digit().then(|| sum * 10 + i16::from(it - b'0')))
    };
    let is = |at: usize, byte: u8| bytes.get(at) == Some(&byte);
    let marked = is(4, b'-') && is(7, b'-') && (is(10, b'T') || is(10, b' ')) && is(13, b':') && is(16, b':');
    if !marked {
        return None;
    }
    let small = |from: usize, to: usize| number(from, to).and_then(|it| i8::try_from(it).ok());
    let date = jiff::civil::Date::new(number(0, 4)?, small(5, 7)?, small(8, 10)?).ok()?;
    let (mut end, mut nanoseconds) = (19, 0_i32);
    if is(end, b'.') {
        let digits = bytes.get(20..)?.iter().take_while(|it| it.is_ascii_digit()).count();
        if digits == 0 || digits > 9 {
            return None;
        }
        let fraction = bytes.get(20..20 + digits)?.iter().fold(0, |sum, it| sum * 10 + i32::from(it - b'0'));
        nanoseconds = fraction * 10_i32.pow(u32::try_from(9 - digits).ok()?);
        end = 20 + digits;
    }
    if !is(end, b'Z') || !is(end + 1, b' ') {
        return None;
    }
    let clock = jiff::civil::Time::new(small(11, 13)?, small(14, 16)?, small(17, 19)?, nanoseconds).ok()?;
    let time = jiff::tz::TimeZone::UTC.to_timestamp(date.to_datetime(clock)).ok()?;
    // What divides it from the text may be more.
    let rest = line.get(end + 1..)?;
    let rest = rest.trim_start_matches([' ', '\t']);
    let rest = match rest.strip_prefix(['-', '|', ':']) {
        Some(after) if after.starts_with([' ', '\t']) => after.trim_start_matches([' ', '\t']),
        _ => rest,
    };
    Some((time, rest))
}

fn moment(date: &str, clock: &str, fraction: &str, zone: &str) -> Option<Timestamp> {
    let date = date.replace('/', "-");
    let fraction = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    let zone = match zone {
        // Loggers that write no zone run in containers, where the zone is UTC.
        "" | "UTC" | "Z" => "Z".to_owned(),
        zone if zone.contains(':') => zone.to_owned(),
        zone => format!("{}:{}", zone.get(..3)?, zone.get(3..)?),
    };
    format!("{date}T{clock}{fraction}{zone}").parse().ok()
}

/// The moment that a field of a structured line holds: RFC 3339 or alike, or seconds, milliseconds, micro- or
/// nanoseconds since 1970.
pub(super) fn of_field(text: &str) -> Option<Timestamp> {
    if let Some(time) = of_number(text) {
        return Some(time);
    }
    let (time, rest) = split(text);
    time.filter(|_| rest.is_empty())
}

fn of_number(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || fraction.len() > 9 || !whole.bytes().chain(fraction.bytes()).all(|it| it.is_ascii_digit()) {
        return None;
    }
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => {
            let nanoseconds: i64 = format!("{fraction:0<9}").parse().ok()?;
            Timestamp::from_second(number).ok()?.checked_add(SignedDuration::from_nanos(nanoseconds)).ok()
        }
        13 => Timestamp::from_millisecond(number).ok(),
        16 => Timestamp::from_microsecond(number).ok(),
        19 => Timestamp::from_nanosecond(number.into()).ok(),
        _ => None,
    }
}

/// The moment at which a line says it was written: at its beginning, or in the time field of a JSON or logfmt line.
pub fn time_of(line: &str) -> Option<Timestamp> {
    super::parse::parse(line, super::parse::Wanted::Time).time
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_known_in_every_usual_spelling() {
        for (line, time, rest) in [
            ("2026-11-23T09:00:01Z ERROR boom", "2026-11-23T09:00:01Z", "ERROR boom"),
            ("2026-11-23T09:00:01.123456789Z boom", "2026-11-23T09:00:01.123456789Z", "boom"),
            ("2026-11-23T09:00:01.5Z - boom", "2026-11-23T09:00:01.5Z", "boom"),
            ("2026-11-23T09:00:01Z -boom", "2026-11-23T09:00:01Z", "-boom"),
            ("2026-11-23T25:00:01Z boom", "", "boom"),
            ("[2026-11-23 09:00:01 +0000] [7] [INFO] x", "2026-11-23T09:00:01Z", "[7] [INFO] x"),
            ("2026-11-23 09:00:01,123 - app - x", "2026-11-23T09:00:01.123Z", "app - x"),
            ("2026-11-23T10:00:01+01:00 x", "2026-11-23T09:00:01Z", "x"),
            ("2026/11/23 09:00:01 [error] 7#7: x", "2026-11-23T09:00:01Z", "[error] 7#7: x"),
            ("1795424401.5 x", "2026-11-23T09:00:01.5Z", "x"),
            ("Nov 23 09:00:01 x", "", "x"),
            ("09:00:01.123 [main] INFO x", "", "[main] INFO x"),
            ("[23/Nov/2026:09:00:01 +0000] x", "", "x"),
            ("2026-99-23T09:00:01Z x", "", "x"),
            ("20 items", "", "20 items"),
            ("Monday is fine", "", "Monday is fine"),
        ] {
            let expected: Option<Timestamp> = (!time.is_empty()).then(|| time.parse().unwrap());
            assert_eq!(split(line), (expected, rest), "{line}");
        }
    }

    #[test]
    fn the_short_way_reads_as_the_expression_does() {
        for line in [
            "2026-11-23T09:00:01Z x",
            "2026-11-23 09:00:01.123456789Z\t- x",
            "2026-11-23T09:00:01.5Z   | x",
            "2026-11-23T09:00:01Z : - x",
            "2026-02-30T09:00:01Z x",
        ] {
            let found = LEADING.as_ref().unwrap().captures(line).unwrap();
            let text = |name: &str| found.name(name).map_or("", |it| it.as_str());
            let long =
                (moment(text("date"), text("clock"), text("fraction"), text("zone")), &line[found.get(0).unwrap().end()..]);
            assert_eq!(split(line), long, "{line}");
        }
    }

    #[test]
    fn structured_lines_hold_their_time_in_a_field() {
        let expected: Timestamp = "2026-11-23T09:00:01Z".parse().unwrap();
        for line in [
            r#"{"time":"2026-11-23T09:00:01Z","msg":"x"}"#,
            r#"{"level":30,"time":1795424401000,"msg":"x"}"#,
            r#"{"ts":1795424401.0,"msg":"x"}"#,
            r#"ts=2026-11-23T09:00:01Z level=info msg="a b""#,
            r#"time="2026-11-23T09:00:01Z" level=info msg=x"#,
        ] {
            assert_eq!(time_of(line), Some(expected), "{line}");
        }
        assert_eq!(time_of("no time here"), None);
    }
}
