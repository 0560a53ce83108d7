//! Patterns as a table that costs little: a value that another cell already tells is left empty.

use jiff::Timestamp;

use crate::domain::log::{Level, Mined, Template};
use crate::domain::table::Table;
use crate::domain::text::{count, cut};

/// Characters for the patterns of one log. Errors may take more.
const ORDINARY: usize = 3_200;
/// Characters for those of each further log.
const FURTHER: usize = 1_500;
/// Longest pattern that is shown.
const PATTERN: usize = 240;
/// Longest example of an error.
const ERROR_EXAMPLE: usize = 400;
/// Longest example of a warning.
const WARNING_EXAMPLE: usize = 160;

/// What is left of the room for an answer.
pub(super) struct Budget {
    left: usize,
    logs: usize,
    share: usize,
}

impl Budget {
    pub(super) fn new(total: usize, logs: usize) -> Self {
        let logs = logs.max(1);
        // The head of each log takes room as well.
        let left = total.saturating_sub(500 + 200 * logs);
        Self { left, logs, share: ((ORDINARY + FURTHER * (logs - 1)) / logs).min(left / logs) }
    }

    /// Drops the oldest lines until the rest fits.
    pub(super) fn lines(&mut self, mut lines: Vec<String>) -> Vec<String> {
        let share = self.left / self.logs.max(1);
        self.logs = self.logs.saturating_sub(1);
        let mut used = 0;
        let mut keep = 0;
        for line in lines.iter().rev() {
            let size = size(line);
            if used + size > share {
                break;
            }
            used += size;
            keep += 1;
        }
        self.left -= used;
        lines.split_off(lines.len() - keep)
    }
}

/// What a table has no row for.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    /// Patterns that did not fit.
    pub(super) patterns: usize,
    /// Lines of those, and of patterns that the miner gave up.
    lines: u64,
    worst: Option<Level>,
}

impl LeftOut {
    /// The same in words.
    pub(super) fn note(&self) -> Option<String> {
        let level = self.worst?.name();
        let lines = count(usize::try_from(self.lines).unwrap_or(usize::MAX), "line");
        Some(match self.patterns {
            0 => format!("{lines} that are like no others not shown, at worst {level}"),
            patterns => format!("{} with {lines} not shown, at worst {level}", count(patterns, "more pattern")),
        })
    }
}

/// The patterns of all logs.
pub(super) struct Patterns(Table);

impl Default for Patterns {
    fn default() -> Self {
        Self(Table::new(["log", "level", "count", "first", "last", "pattern", "example"]))
    }
}

impl Patterns {
    /// Adds those of one log, worst first, as many as fit; `day` is that of the times without a date.
    pub(super) fn add(&mut self, log: &str, mined: &Mined, day: Option<Timestamp>, budget: &mut Budget) -> LeftOut {
        let mut left_out = LeftOut { patterns: 0, lines: mined.other.lines, worst: mined.other.worst };
        let mut used = 0;
        for template in &mined.templates {
            let row = row(log, template, day);
            let size: usize = row.iter().map(|it| size(it)).sum();
            let room = if template.level >= Level::Error { budget.left } else { budget.share.min(budget.left) };
            if used + size > room {
                left_out.patterns += 1;
                left_out.lines += template.lines;
                left_out.worst = left_out.worst.max(Some(template.level));
                continue;
            }
            used += size;
            self.0.push(row);
        }
        budget.left -= used;
        left_out
    }

    /// The table, without the columns that hold nothing.
    pub(super) fn into_table(mut self) -> Table {
        self.0.drop_empty_columns();
        self.0
    }
}

fn row(log: &str, template: &Template, day: Option<Timestamp>) -> [String; 7] {
    let day = day.map(|it| it.to_string()).unwrap_or_default();
    let time = |it: Option<Timestamp>| it.map(|it| clock(&it.to_string(), &day)).unwrap_or_default();
    let last = time(template.last);
    let first = Some(time(template.first)).filter(|it| *it != last).unwrap_or_default();
    let pattern = if template.count == 1 { &template.last_said } else { &template.pattern };
    let (level, count) = (template.level.name().to_owned(), template.count.to_string());
    [log.to_owned(), level, count, first, last, cut(pattern, PATTERN), example(template)]
}

/// The part of the last entry that the pattern does not tell.
fn example(template: &Template) -> String {
    let masked = template.count > 1 && template.pattern.contains('<');
    let verbatim = template.last_example.trim_end();
    let rest = verbatim.split_once('\n').map_or("", |(_, rest)| rest);
    match template.level {
        Level::Warning if masked => cut(&template.last_said, WARNING_EXAMPLE),
        Level::Debug | Level::Info | Level::Warning => String::new(),
        // Of a line that holds nothing but time, level and message, the message is all.
        Level::Error | Level::Fatal if !template.last_has_more => {
            let frames = rest.lines().filter(|it| it.starts_with("  ")).map(str::trim);
            let said = masked.then_some(template.last_said.as_str());
            cut(&said.into_iter().chain(frames).collect::<Vec<_>>().join("\n"), ERROR_EXAMPLE)
        }
        Level::Error | Level::Fatal => cut(verbatim, ERROR_EXAMPLE),
    }
}

/// `09:12:03`, with the date where it is not that of the day.
fn clock(time: &str, day: &str) -> String {
    let (date, clock) = time.split_once('T').unwrap_or((time, ""));
    let clock = clock.get(..8).unwrap_or(clock);
    if day.starts_with(date) { clock.to_owned() } else { format!("{date} {clock}") }
}

/// What a text takes in JSON, with quotes and a comma.
fn size(text: &str) -> usize {
    text.chars().map(|it| if matches!(it, '"' | '\\' | '\n' | '\t') { 2 } else { 1 }).sum::<usize>() + 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::log::mine;

    fn rows(log: &str, room: usize) -> (Vec<String>, LeftOut) {
        let mined = mine(log.lines().map(|it| (None, it)));
        let mut patterns = Patterns::default();
        let left_out = patterns.add("", &mined, mined.last, &mut Budget::new(room, 1));
        (patterns.into_table().rows.iter().map(|it| it.join(" / ")).collect(), left_out)
    }

    #[test]
    fn a_cell_says_what_no_other_one_says() {
        let log = "2026-11-22T09:00:00Z ERROR order 1 failed\n2026-11-23T09:00:01Z ERROR order 2 failed\n\
                   2026-11-23T09:00:02Z WARN disk is full\n2026-11-23T09:00:03Z INFO x 1\n\
                   {\"time\":\"2026-11-23T09:00:04Z\",\"level\":\"error\",\"msg\":\"boom\",\"order\":\"o-7\"}\n";
        let (rows, left_out) = rows(log, 20_000);
        assert_eq!(
            rows,
            [
                "error / 1 /  / 09:00:04 / boom / {\"time\":\"2026-11-23T09:00:04Z\",\"level\":\"error\",\"msg\":\"boom\",\"order\":\"o-7\"}",
                "error / 2 / 2026-11-22 09:00:00 / 09:00:01 / order <n> failed / order 2 failed",
                "warning / 1 /  / 09:00:02 / disk is full / ",
                "info / 1 /  / 09:00:03 / x 1 / ",
            ]
        );
        assert!(left_out.note().is_none());
    }

    #[test]
    fn errors_get_the_room_that_other_lines_would_take() {
        let mut log = String::new();
        for word in
            ["alpha", "beta", "gamma", "delta", "epsilon"].iter().flat_map(|a| ["one", "two", "six"].map(|b| format!("{a} {b}")))
        {
            log.push_str(&format!("INFO {word} {}\nERROR {word} {}\n", "i".repeat(300), "e".repeat(300)));
        }
        let (rows, left_out) = rows(&log, 20_000);
        assert_eq!(rows.iter().filter(|it| it.starts_with("error")).count(), 15);
        assert!(rows.len() < 30 && left_out.patterns == 30 - rows.len());
        assert!(left_out.note().unwrap().contains("at worst info"));
    }
}
