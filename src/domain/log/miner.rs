//! The miner: a stream of lines in, templates with their statistics out.

use jiff::Timestamp;

use super::cluster::{Place, Tree};
use super::entry::{Entry, Grouper};
use super::level::Level;
use super::mask::mask;

/// Templates that are held at most, unless told otherwise.
const CAPACITY: usize = 256;

/// A kind of entry in a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// Severity: as the lines name it, else as they sound.
    pub level: Level,
    /// What the entries have in common; what varies is `<n>`, `<id>`, `<time>`, `<dur>`, `<ip>` or `<*>`.
    pub pattern: String,
    /// How many entries there are.
    pub count: u64,
    /// How many lines they have, stack traces included.
    pub lines: u64,
    /// When the first entry was written.
    pub first: Option<Timestamp>,
    /// When the last entry was written.
    pub last: Option<Timestamp>,
    /// The first entry as it stands in the log, without what hides text; of a stack trace the head, the exception and the
    /// frames that tell most, each on a line.
    pub first_example: String,
    /// The last entry, likewise.
    pub last_example: String,
    /// What the last entry says without the wrapping of its logger, nothing masked.
    pub last_said: String,
    /// Whether the last entry has fields of the program's own, which only the example tells.
    pub last_has_more: bool,
    /// Lines from the beginning of the last entry to the end of the log; the last line of a log has 1.
    pub from_end: u64,
}

/// Entries whose templates were given up for more telling ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Other {
    /// How many entries.
    pub count: u64,
    /// How many lines they have.
    pub lines: u64,
    /// The most severe of them.
    pub worst: Option<Level>,
}

/// What a log says.
#[derive(Clone, Debug, PartialEq)]
pub struct Mined {
    /// The templates, most telling first.
    pub templates: Vec<Template>,
    /// What no template is given for.
    pub other: Other,
    /// Blank lines before the first entry.
    pub blank: u64,
    /// All lines: those of the templates, the others and the blank ones.
    pub lines: u64,
    /// When the first line with a time was written.
    pub first: Option<Timestamp>,
    /// When the last line with a time was written.
    pub last: Option<Timestamp>,
}

/// A template whose log has not ended.
#[derive(Clone)]
struct Held {
    template: Template,
    /// Number of the line with which the last entry begins, from 0.
    position: u64,
}

/// Turns a stream of lines into templates, in bounded memory.
pub struct Miner {
    grouper: Grouper,
    tree: Tree,
    /// By slot of the tree; the pattern is filled in at the end.
    templates: Vec<Option<Held>>,
    held: usize,
    capacity: usize,
    other: Other,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Default for Miner {
    fn default() -> Self {
        Self::new()
    }
}

impl Miner {
    /// A miner that holds 256 templates.
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// A miner that holds this many templates; at least one.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            grouper: Grouper::default(),
            tree: Tree::default(),
            templates: Vec::new(),
            held: 0,
            capacity: capacity.max(1),
            other: Other::default(),
            first: None,
            last: None,
        }
    }

    /// Takes the next line, with the moment it was written where that is known from elsewhere.
    pub fn push(&mut self, time: Option<Timestamp>, line: &str) {
        if let Some(entry) = self.grouper.push(time, line) {
            self.add(entry);
        }
    }

    /// How many lines were taken so far.
    pub fn lines(&self) -> u64 {
        self.grouper.lines
    }

    /// Ends the log.
    pub fn finish(mut self) -> Mined {
        if let Some(entry) = self.grouper.finish() {
            self.add(entry);
        }
        let lines = self.grouper.lines;
        let mut templates: Vec<Template> = Vec::with_capacity(self.held);
        for (index, held) in self.templates.into_iter().enumerate() {
            if let Some(Held { template, position }) = held {
                templates.push(Template { pattern: self.tree.text(index), from_end: lines - position, ..template });
            }
        }
        rank(&mut templates, lines);
        Mined { templates, other: self.other, blank: self.grouper.blank, lines, first: self.first, last: self.last }
    }

    fn add(&mut self, entry: Entry) {
        if let Some(time) = entry.time {
            self.first = Some(self.first.map_or(time, |it| it.min(time)));
            self.last = Some(self.last.map_or(time, |it| it.max(time)));
        }
        let text = mask(&entry.said);
        match self.tree.place(entry.level, &text) {
            Place::At(index) => self.note(index, entry),
            Place::Merged { into, from } => {
                for index in from {
                    if let Some(other) = self.take(index) {
                        self.absorb(into, other);
                    }
                }
                self.note(into, entry);
            }
            Place::Nowhere => {
                if self.held >= self.capacity && !self.make_room(entry.level) {
                    self.other.add(1, entry.lines, entry.level);
                    return;
                }
                let index = self.tree.insert(entry.level, &text);
                if self.templates.len() <= index {
                    self.templates.resize(index + 1, None);
                }
                if let Some(slot) = self.templates.get_mut(index) {
                    *slot = Some(Held::of(entry));
                    self.held += 1;
                }
            }
        }
    }

    /// Adds an entry to a template.
    fn note(&mut self, index: usize, entry: Entry) {
        if let Some(Some(held)) = self.templates.get_mut(index) {
            held.absorb(Held::of(entry));
        }
    }

    /// Adds a template to another one.
    fn absorb(&mut self, index: usize, other: Held) {
        if let Some(Some(held)) = self.templates.get_mut(index) {
            held.absorb(other);
        }
    }

    fn take(&mut self, index: usize) -> Option<Held> {
        let held = self.templates.get_mut(index)?.take()?;
        self.held -= 1;
        Some(held)
    }

    /// Gives up the least telling template, unless all are more severe than the one that wants the room.
    fn make_room(&mut self, level: Level) -> bool {
        let held = self.templates.iter().enumerate().filter_map(|(index, it)| Some((index, it.as_ref()?)));
        // Less severe first, then what was seen least, then what was seen longest ago.
        let least = held.min_by_key(|(_, it)| (it.template.level, it.template.count, it.position));
        let Some((index, _)) = least.filter(|(_, it)| it.template.level <= level) else { return false };
        if let Some(Held { template, .. }) = self.take(index) {
            self.other.add(template.count, template.lines, template.level);
        }
        self.tree.remove(index);
        true
    }
}

/// Mines a log whose lines come from an iterator.
pub fn mine<'a>(lines: impl IntoIterator<Item = (Option<Timestamp>, &'a str)>) -> Mined {
    let mut miner = Miner::new();
    for (time, line) in lines {
        miner.push(time, line);
    }
    miner.finish()
}

impl Held {
    fn of(entry: Entry) -> Self {
        let template = Template {
            level: entry.level,
            pattern: String::new(),
            count: 1,
            lines: entry.lines,
            first: entry.time,
            last: entry.time,
            first_example: entry.verbatim.clone(),
            last_example: entry.verbatim,
            last_said: entry.said,
            last_has_more: entry.more,
            from_end: 0,
        };
        Self { template, position: entry.number }
    }

    /// Adds what comes from the same log.
    fn absorb(&mut self, other: Self) {
        let later = other.position >= self.position;
        self.template.absorb(other.template, later);
        self.position = self.position.max(other.position);
    }
}

impl Template {
    /// Adds another template; `later`: its last entry is the last of both.
    fn absorb(&mut self, other: Self, later: bool) {
        self.count += other.count;
        self.lines += other.lines;
        if earliest(self.first, other.first) != self.first {
            self.first_example = other.first_example;
        }
        if later {
            self.last_example = other.last_example;
            self.last_said = other.last_said;
            self.last_has_more = other.last_has_more;
        }
        self.first = earliest(self.first, other.first);
        self.last = self.last.max(other.last);
    }
}

impl Mined {
    /// Adds what another log of the same program says, as of another replica.
    pub fn join(&mut self, other: Self) {
        for template in other.templates {
            let same = self.templates.iter_mut().find(|it| it.level == template.level && it.pattern == template.pattern);
            if let Some(found) = same {
                found.from_end = found.from_end.min(template.from_end);
                let later = template.last > found.last;
                found.absorb(template, later);
            } else {
                self.templates.push(template);
            }
        }
        self.lines += other.lines;
        self.blank += other.blank;
        self.other.count += other.other.count;
        self.other.lines += other.other.lines;
        self.other.worst = self.other.worst.max(other.other.worst);
        self.first = earliest(self.first, other.first);
        self.last = self.last.max(other.last);
        rank(&mut self.templates, self.lines);
        for template in self.templates.drain(CAPACITY.min(self.templates.len())..) {
            self.other.add(template.count, template.lines, template.level);
        }
    }
}

impl Other {
    fn add(&mut self, count: u64, lines: u64, level: Level) {
        self.count += count;
        self.lines += lines;
        self.worst = self.worst.max(Some(level));
    }
}

fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Worse first; among equals what is rare and near the end, where the reason for an exit stands.
fn rank(templates: &mut [Template], lines: u64) {
    templates.sort_by(|a, b| {
        let by_interest = || interest(b, lines).total_cmp(&interest(a, lines));
        b.level
            .cmp(&a.level)
            .then_with(by_interest)
            .then_with(|| a.from_end.cmp(&b.from_end))
            .then_with(|| a.pattern.cmp(&b.pattern))
    });
}

/// How much a template tells beside its level: half for being rare, half for being near the end.
#[expect(clippy::cast_precision_loss, reason = "only the order counts")]
fn interest(template: &Template, lines: u64) -> f64 {
    let rare = 1.0 / (1.0 + (template.count as f64).log2());
    let far = template.from_end as f64 / lines.max(1) as f64;
    rare - far
}
