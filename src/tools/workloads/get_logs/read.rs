//! Reads logs as they stream in, each into what it is told as: patterns, or its last lines.

use std::collections::VecDeque;
use std::time::Duration;

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use super::Mode;
use super::filter::{LineFilter, Period};
use super::instances::{Instance, Wanted};
use crate::context::Context;
use crate::domain::log::{Mined, Miner};
use crate::domain::redact;
use crate::domain::text::{clean_line, count};
use crate::error::{ErrorKind, ToolError};
use crate::k8s::Client;
use crate::k8s::logs::{self, StreamOptions};

/// Logs that are read at a time.
const AT_A_TIME: usize = 4;
/// Most bytes of all logs together.
const BYTES: u64 = 64 << 20;
/// Most bytes of one log.
const BYTES_OF_ONE: u64 = 32 << 20;
/// How often a log that is larger than that is tried again with fewer lines.
const TRIES: usize = 3;

/// What is asked of every log.
pub(super) struct Request {
    pub(super) filter: LineFilter,
    pub(super) period: Period,
    pub(super) mode: Mode,
    /// Lines from the end that are read.
    pub(super) tail: u64,
    /// Lines that are shown.
    pub(super) shown: usize,
}

/// Reads the logs of one call.
pub(super) struct Reader<'a> {
    pub(super) cx: &'a Context,
    pub(super) client: &'a Client,
    pub(super) namespace: &'a str,
    pub(super) request: &'a Request,
}

/// One log that was read.
pub(super) struct Read {
    pub(super) instance: Instance,
    pub(super) told: Told,
}

/// A log as it is told.
pub(super) struct Told {
    /// Lines that were received.
    pub(super) read: u64,
    /// How many of them passed the filters.
    pub(super) matched: u64,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
    pub(super) content: Content,
    /// What is not in it.
    pub(super) note: Option<String>,
    /// Secrets that were masked in it.
    pub(super) redacted: usize,
}

impl Told {
    /// Adds the log of the same container of another pod; gives it back when both are lines.
    pub(super) fn join(&mut self, other: Self) -> Option<Self> {
        let Self { read, matched, from, to, content, note, redacted } = other;
        match (&mut self.content, content) {
            (Content::Patterns(all), Content::Patterns(mined)) => {
                all.join(mined);
                self.read += read;
                self.matched += matched;
                self.from = [self.from, from].into_iter().flatten().min();
                self.to = self.to.max(to);
                self.note = self.note.take().or(note);
                self.redacted += redacted;
                None
            }
            (_, content) => Some(Self { read, matched, from, to, content, note, redacted }),
        }
    }
}

/// What a log says.
pub(super) enum Content {
    /// Kinds of lines.
    Patterns(Mined),
    /// The last lines.
    Lines(VecDeque<String>),
}

/// Everything that was read, and what could not be.
pub(super) struct Answered {
    pub(super) logs: Vec<Read>,
    pub(super) warnings: Vec<String>,
}

/// Takes the lines of one log that are wanted.
pub(super) struct Sink<'a> {
    request: &'a Request,
    read: u64,
    matched: u64,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    secrets: redact::Lines,
    /// Lines at the beginning that may be the end of a private key whose beginning was not read; absent once that is clear.
    held: Option<Vec<(Option<Timestamp>, String)>>,
    content: Taking,
}

/// A key has fewer lines.
const MOST_HELD: usize = 200;

enum Taking {
    Patterns(Box<Miner>),
    Lines(VecDeque<String>),
}

impl<'a> Sink<'a> {
    pub(super) fn new(request: &'a Request) -> Self {
        let content = match request.mode {
            Mode::Patterns => Taking::Patterns(Box::default()),
            Mode::Lines => Taking::Lines(VecDeque::new()),
        };
        Self {
            request,
            read: 0,
            matched: 0,
            from: None,
            to: None,
            secrets: redact::Lines::default(),
            held: Some(Vec::new()),
            content,
        }
    }

    /// Takes a line; returns whether further ones can be wanted.
    pub(super) fn push(&mut self, time: Option<Timestamp>, line: &str) -> bool {
        if let (Some(until), Some(time)) = (self.request.period.until, time)
            && time > until
        {
            return false;
        }
        self.read += 1;
        if let Some(held) = &mut self.held {
            if redact::may_be_key_body(line) && held.len() < MOST_HELD {
                held.push((time, line.to_owned()));
                return true;
            }
            let held = self.held.take().unwrap_or_default();
            if !held.is_empty() && line.contains("-----END ") && line.contains("PRIVATE KEY") {
                self.secrets.add_hidden();
                self.take(time, redact::MASK);
                return true;
            }
            for (time, line) in held {
                self.take(time, &line);
            }
        }
        self.take(time, line);
        true
    }

    fn take(&mut self, time: Option<Timestamp>, line: &str) {
        // Before anything else sees the line: patterns take values from their keys, and filters could be used to guess.
        let Some(line) = self.secrets.line(line) else { return };
        let line = line.as_ref();
        if !self.request.filter.wants(line) {
            return;
        }
        self.matched += 1;
        self.from = self.from.or(time);
        self.to = time.or(self.to);
        match &mut self.content {
            Taking::Patterns(miner) => miner.push(time, line),
            Taking::Lines(lines) => {
                if lines.len() >= self.request.shown {
                    lines.pop_front();
                }
                lines.push_back(clean_line(line));
            }
        }
    }

    pub(super) fn finish(mut self, note: Option<String>) -> Told {
        for (time, line) in self.held.take().unwrap_or_default() {
            self.take(time, &line);
        }
        let (mut from, mut to) = (self.from, self.to);
        let redacted = self.secrets.hidden();
        let content = match self.content {
            Taking::Patterns(miner) => {
                let mined = miner.finish();
                // Where nobody recorded when lines came, the lines themselves may say.
                from = from.or(mined.first);
                to = to.or(mined.last);
                Content::Patterns(mined)
            }
            Taking::Lines(lines) => Content::Lines(lines),
        };
        Told { read: self.read, matched: self.matched, from, to, content, note, redacted }
    }
}

impl Reader<'_> {
    /// Reads the logs, several at a time; they come in the order in which they were wanted.
    pub(super) async fn read(&self, wanted: Wanted) -> Result<Answered, ToolError> {
        let mut warnings: Vec<String> = wanted.warning().into_iter().collect();
        let number = wanted.instances.len();
        // What was read when the time is nearly up is worth more than an error.
        let deadline = Instant::now() + self.cx.limits.call_timeout.mul_f32(0.7);
        let limit = BYTES_OF_ONE.min(BYTES / number.max(1) as u64);
        let reads = wanted.instances.into_iter().map(async |instance| {
            let told = self.log(&instance, limit, deadline).await;
            (instance, told)
        });
        let mut results = futures::stream::iter(reads).buffered(AT_A_TIME);
        let mut logs = Vec::new();
        let mut failed: Option<ToolError> = None;
        let mut done = 0.0;
        while let Some((instance, told)) = results.next().await {
            done += 1.0;
            self.cx.report_progress(done, u32::try_from(number).ok().map(f64::from), "reading logs");
            match told {
                Ok(told) => logs.push(Read { instance, told }),
                Err(err) => {
                    warnings.push(self.denied(&err).unwrap_or_else(|| err.message.clone()));
                    failed = failed.or(Some(err));
                }
            }
        }
        match failed {
            Some(err) if logs.is_empty() => Err(err),
            _ => Ok(Answered { logs, warnings }),
        }
    }

    /// The warning for a refusal: which permission is missing where.
    fn denied(&self, err: &ToolError) -> Option<String> {
        let needed = format!("needs `get` on `pods/log` in namespace `{}`", self.namespace);
        (err.kind == ErrorKind::AccessDenied).then(|| format!("{} ({needed})", err.message))
    }

    /// Reads one log; with fewer lines again when it is too large, because the newest ones are those that tell most.
    async fn log(&self, instance: &Instance, limit: u64, deadline: Instant) -> Result<Told, ToolError> {
        let mut tail = self.request.tail;
        for _ in 0..TRIES {
            let (told, is_cut) = self.attempt(instance, tail, limit, deadline).await?;
            if !is_cut {
                return Ok(Told { note: told.note.or_else(|| older(told.read, tail)), ..told });
            }
            // So many lines of this length fit, with a margin for longer ones.
            let fewer = told.read.saturating_mul(2) / 3;
            if fewer == 0 || fewer >= tail {
                return Ok(too_large(told, limit));
            }
            tail = fewer;
        }
        let (told, is_cut) = self.attempt(instance, (tail / 8).max(1), limit, deadline).await?;
        Ok(if is_cut { too_large(told, limit) } else { Told { note: older(told.read, 0), ..told } })
    }

    /// Reads a log once; the flag says whether its newest lines are missing.
    async fn attempt(&self, instance: &Instance, tail: u64, limit: u64, deadline: Instant) -> Result<(Told, bool), ToolError> {
        let options = StreamOptions {
            container: &instance.container,
            previous: instance.previous,
            tail,
            since: self.request.period.since,
            limit_bytes: limit,
        };
        let late = || ToolError::new(ErrorKind::Timeout, format!("log of container `{}`: no answer in time", instance.container));
        let opened = timeout_at(deadline, logs::open(self.client, self.namespace, &instance.pod, &options));
        let mut stream = opened.await.map_err(|_| late())??;
        let mut sink = Sink::new(self.request);
        let mut since_yield = 0_u32;
        // One clock for all lines: most of them are there already when they are asked for.
        let mut out_of_time = std::pin::pin!(tokio::time::sleep_until(deadline));
        let (note, is_cut) = loop {
            let next = tokio::select! {
                biased;
                next = stream.next() => Ok(next),
                () = &mut out_of_time => Err(()),
            };
            match next {
                Ok(Ok(Some(line))) => {
                    if !sink.push(line.time, &line.text) {
                        break (None, false);
                    }
                    // A chunk holds many lines; other calls get their turn between them.
                    since_yield += 1;
                    if since_yield.is_multiple_of(256) {
                        tokio::task::yield_now().await;
                    }
                }
                Ok(Ok(None)) => break (None, stream.is_cut()),
                Ok(Err(err)) if sink.read == 0 => return Err(err),
                Ok(Err(err)) => break (Some(format!("the log broke off here: {}", err.message)), false),
                Err(()) if sink.read == 0 => return Err(late()),
                Err(()) => break (Some("the log was not read to its end in time".to_owned()), false),
            }
        };
        Ok((sink.finish(note), is_cut))
    }
}

/// That older lines were not asked for.
fn older(read: u64, tail: u64) -> Option<String> {
    (read >= tail).then(|| format!("only the newest {} were read", count(usize::try_from(read).unwrap_or(usize::MAX), "line")))
}

fn too_large(told: Told, limit: u64) -> Told {
    let note = format!("cut after {} MiB; the newest lines are missing: pass a smaller `tail` or a shorter `since`", limit >> 20);
    Told { note: Some(note), ..told }
}

/// How long a search in CloudWatch Logs may take.
pub(super) fn patience(cx: &Context) -> Duration {
    cx.limits.call_timeout.mul_f32(0.5)
}
