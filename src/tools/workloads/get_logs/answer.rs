//! From what was read to an answer that fits.

use jiff::Timestamp;

use super::instances::Instance;
use super::read::{Answered, Content, Read, Request, Told};
use super::table::{Budget, LeftOut, Patterns};
use super::{Log, Mode, Output, Pods, Source};
use crate::context::Context;
use crate::domain::log::{Level, Mined};
use crate::domain::table::Omitted;
use crate::domain::target::Target;
use crate::domain::text::count;

/// What an answer is made of.
pub(super) struct Parts {
    /// Of what the logs are, in words.
    pub(super) of: String,
    pub(super) pods: Option<Pods>,
    pub(super) source: Source,
    pub(super) log_group: Option<String>,
    pub(super) read: Answered,
}

/// The logs of one container and run, of one pod or several.
struct Group {
    instance: Instance,
    pods: usize,
    told: Told,
}

/// Puts an answer together.
pub(super) fn build(cx: &Context, target: Target, request: &Request, parts: Parts) -> Output {
    let Answered { logs, warnings } = parts.read;
    let several = parts.pods.as_ref().is_some_and(|it| it.read.len() > 1);
    let number = logs.len();
    let read: u64 = logs.iter().map(|it| it.told.read).sum();
    let redacted: usize = logs.iter().map(|it| it.told.redacted).sum();
    let groups = join(logs);
    let mut budget = Budget::new(cx.limits.budget * 9 / 10, groups.len());
    let mut seen = Seen::default();
    let mut patterns = Patterns::default();
    let only = groups.len() == 1;
    let mut answer = Vec::new();
    for Group { instance, pods, told } in groups {
        let mut log = Log {
            pod: several.then(|| if pods > 1 { count(pods, "pod") } else { instance.pod }),
            container: instance.container,
            role: instance.role,
            previous: instance.previous,
            ended: instance.ended,
            read: told.read,
            matched: (!request.filter.is_empty()).then_some(told.matched),
            from: told.from.map(whole_second),
            to: told.to.map(whole_second),
            note: told.note,
            lines: None,
        };
        match told.content {
            Content::Patterns(mined) => {
                seen.add(&mined);
                let which = if log.previous { format!("{} previous", log.container) } else { log.container.clone() };
                let left_out = patterns.add(if only { "" } else { &which }, &mined, log.to, &mut budget);
                seen.shown += mined.templates.len() - left_out.patterns;
                seen.omitted += left_out.patterns;
                log.note = notes(log.note, &left_out);
            }
            Content::Lines(lines) => {
                let lines = budget.lines(lines.into());
                seen.shown += lines.len();
                seen.omitted += usize::try_from(told.matched).unwrap_or(usize::MAX).saturating_sub(lines.len());
                log.lines = Some(lines);
            }
        }
        answer.push(log);
    }
    let all = format!("{read} lines of {} of {}", count(number, "log"), parts.of);
    let (summary, how) = match request.mode {
        Mode::Patterns => (
            format!("{all} read: {}.", seen.words()),
            "Pass `container`, `include`, `exclude` or a shorter `since`; `mode: lines` shows the lines.",
        ),
        Mode::Lines => (
            format!("{} of {all} shown.", seen.shown),
            "Pass `container`, `include`, `exclude`, `since` and `until`; a larger `tail` shows more of each log.",
        ),
    };
    Output {
        target,
        as_of: cx.now(),
        summary,
        source: parts.source,
        log_group: parts.log_group,
        pods: parts.pods,
        logs: answer,
        patterns: (request.mode == Mode::Patterns).then(|| patterns.into_table()),
        omitted: Omitted::some(seen.omitted, how),
        warnings,
        redacted: (redacted > 0).then_some(redacted),
    }
}

/// Puts together what the same container of several pods says; lines stay with their pod.
fn join(logs: Vec<Read>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for Read { instance, told } in logs {
        let same = groups.iter_mut().find(|it| {
            let other = &it.instance;
            (&other.container, other.role, other.previous) == (&instance.container, instance.role, instance.previous)
        });
        let rest = match same {
            Some(group) => {
                let rest = group.told.join(told);
                group.pods += usize::from(rest.is_none());
                rest
            }
            None => Some(told),
        };
        if let Some(told) = rest {
            groups.push(Group { instance, pods: 1, told });
        }
    }
    groups
}

/// What all logs together hold.
#[derive(Default)]
struct Seen {
    shown: usize,
    omitted: usize,
    fatal: usize,
    error: usize,
    warning: usize,
}

impl Seen {
    fn add(&mut self, mined: &Mined) {
        for template in &mined.templates {
            match template.level {
                Level::Fatal => self.fatal += 1,
                Level::Error => self.error += 1,
                Level::Warning => self.warning += 1,
                Level::Info | Level::Debug => {}
            }
        }
    }

    fn words(&self) -> String {
        let mut words = count(self.shown + self.omitted, "pattern");
        for (number, level) in [(self.fatal, "fatal"), (self.error, "error"), (self.warning, "warning")] {
            if number > 0 {
                words.push_str(&format!(", {number} {level}"));
            }
        }
        words
    }
}

fn notes(note: Option<String>, left_out: &LeftOut) -> Option<String> {
    let notes: Vec<String> = note.into_iter().chain(left_out.note()).collect();
    (!notes.is_empty()).then(|| notes.join("; "))
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
