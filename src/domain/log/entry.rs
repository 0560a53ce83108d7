//! From lines to entries: a stack trace, or any text that is indented below a line, is one entry with its head.

use jiff::Timestamp;

use super::frames::Frames;
use super::level::{self, Level};
use super::parse::{Wanted, parse};
use super::trace::{self, Next, Trace};
use crate::domain::text::{clean, cut};

/// Longest head of an entry that is kept verbatim, in bytes.
const HEAD: usize = 500;
/// Longest further line of an entry that is kept verbatim, in bytes.
const FURTHER: usize = 300;
/// Longest part of a line that is looked at.
const LOOKED_AT: usize = 16 << 10;

/// One entry of a log.
#[derive(Debug)]
pub(super) struct Entry {
    /// Number of its first line, from 0.
    pub(super) number: u64,
    /// Lines of it.
    pub(super) lines: u64,
    /// When it was written.
    pub(super) time: Option<Timestamp>,
    /// The level it names, or sounds like.
    pub(super) level: Level,
    /// What it says: message, conclusion, cause.
    pub(super) said: String,
    /// The entry as it stands in the log: head, conclusion, cause and the telling frames.
    pub(super) verbatim: String,
    /// Whether the head has fields that `said` does not tell.
    pub(super) more: bool,
}

/// The entry whose lines are still coming.
struct Open {
    number: u64,
    lines: u64,
    time: Option<Timestamp>,
    level: Option<Level>,
    message: String,
    more: bool,
    head: String,
    indent: usize,
    trace: Trace,
    conclusion: Option<String>,
    cause: Option<String>,
    frames: Frames,
}

/// Puts lines together to entries.
#[derive(Default)]
pub(super) struct Grouper {
    open: Option<Open>,
    /// Lines so far.
    pub(super) lines: u64,
    /// Blank lines before any entry.
    pub(super) blank: u64,
}

impl Grouper {
    /// Takes a line; returns the entry that it ends.
    pub(super) fn push(&mut self, time: Option<Timestamp>, line: &str) -> Option<Entry> {
        let line = line.get(..line.floor_char_boundary(LOOKED_AT)).unwrap_or(line);
        let line = clean(line.trim_end());
        let number = self.lines;
        self.lines += 1;
        if line.trim().is_empty() {
            match &mut self.open {
                Some(open) => open.lines += 1,
                None => self.blank += 1,
            }
            return None;
        }
        if self.open.as_mut().is_some_and(|open| open.takes(&line)) {
            return None;
        }
        let ended = self.open.take().map(Open::close);
        self.open = Some(Open::new(number, time, &line));
        ended
    }

    /// The entry that the end of the log ends.
    pub(super) fn finish(&mut self) -> Option<Entry> {
        self.open.take().map(Open::close)
    }
}

impl Open {
    fn new(number: u64, time: Option<Timestamp>, line: &str) -> Self {
        let parsed = parse(line, Wanted::All);
        let trace = Trace::of(line, &parsed.message);
        let mut frames = Frames::default();
        if let Some(stack) = &parsed.stack {
            let order = if stack.contains("File \"") { Trace::Python.order() } else { trace.order() };
            stack.lines().take(100).for_each(|it| frames.add(&clean(it), order));
        }
        Self {
            number,
            lines: 1,
            time: time.or(parsed.time),
            level: parsed.level,
            message: parsed.message,
            more: parsed.more,
            head: cut(line, HEAD),
            indent: indent(line),
            trace,
            conclusion: None,
            cause: None,
            frames,
        }
    }

    /// Adds a line if it belongs to this entry.
    fn takes(&mut self, line: &str) -> bool {
        let text = line.trim_start();
        let next = if indent(line) > self.indent {
            // The message of a .NET log line stands below its category.
            let first = self.trace == Trace::DotNet && self.conclusion.is_none();
            match text {
                _ if text.starts_with("Caused by: ") => Next::Cause,
                _ if first => Next::Conclusion,
                _ if self.trace == Trace::DotNet && self.cause.is_none() && trace::is_exception(text) => Next::Cause,
                _ => Next::More,
            }
        } else {
            self.next(text)
        };
        match next {
            Next::New => return false,
            Next::More => self.frames.add(text, self.trace.order()),
            Next::Conclusion => self.conclusion = Some(cut(text, FURTHER)),
            // The last cause is the deepest.
            Next::Cause => self.cause = Some(cut(text, FURTHER)),
        }
        self.lines += 1;
        true
    }

    /// What a line that is not indented does to this entry.
    fn next(&mut self, line: &str) -> Next {
        let next = self.trace.next(line, self.conclusion.is_some());
        if next != Next::New || self.trace != Trace::None || self.lines > 1 {
            // A line that its logger marked begins an entry whatever came before.
            let unmarked = || !parse(line, Wanted::All).marked;
            let loose = next == Next::Conclusion || (next == Next::More && self.trace == Trace::Go);
            return if loose && !trace::is_exception(line) && !unmarked() { Next::New } else { next };
        }
        let failed = || self.level.unwrap_or_else(|| level::inferred(&self.message)) >= Level::Error;
        match trace::follows_error(line).filter(|_| failed()) {
            Some((trace, next)) => {
                self.trace = trace;
                next
            }
            None => Next::New,
        }
    }

    fn close(self) -> Entry {
        let mut said = String::new();
        let mut verbatim = self.head;
        let mut level = self.level;
        let told_by_conclusion = self.trace.is_told_by_its_conclusion() && self.conclusion.is_some();
        let starts_trace = Trace::of(&self.message, &self.message).is_told_by_its_conclusion();
        if !(told_by_conclusion && starts_trace) {
            said.push_str(&self.message);
        }
        for further in [&self.conclusion, &self.cause].into_iter().flatten() {
            if !said.is_empty() {
                said.push_str(" | ");
            }
            said.push_str(further);
            verbatim.push('\n');
            verbatim.push_str(further);
        }
        let is_trace = self.frames.seen > 0 && self.trace != Trace::None;
        for frame in self.frames.telling() {
            verbatim.push_str("\n  ");
            verbatim.push_str(&frame);
        }
        match level {
            None => {
                let sounds = level::inferred(&said);
                level = Some(if is_trace { sounds.max(Level::Error) } else { sounds });
            }
            // Requests are logged as information whatever came of them.
            Some(Level::Info | Level::Debug) if level::of_response(&said) == Some(Level::Error) => level = Some(Level::Warning),
            Some(_) => {}
        }
        Entry {
            number: self.number,
            lines: self.lines,
            time: self.time,
            level: level.unwrap_or(Level::Info),
            said,
            verbatim,
            more: self.more,
        }
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
