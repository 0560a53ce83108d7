//! What one rule says about the facts.

use jiff::Timestamp;
use serde_json::Value;

use super::diagnosis::{CheckArguments, Confidence, Evidence, Fix, Link, NextCheck, Risk};
use crate::domain::object::{Field, Object};
use crate::domain::text;

/// How bad a failure is, as the catalogue of causes has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A nuisance.
    Low,
    /// Work suffers.
    Medium,
    /// Work stops.
    High,
    /// More than one workload stops.
    Critical,
}

impl Severity {
    /// The name as readers see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How far below the target the failing link is; the deepest one explains those above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// What is to be diagnosed, seen from above: a Service without pods that are ready.
    Target,
    /// The pod itself, such as its constraints.
    Pod,
    /// A container of it.
    Container,
    /// Something that a container or the pod refers to: image, `ConfigMap`, volume, identity.
    Reference,
}

/// What a finding is to the failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It explains the failure.
    Cause,
    /// It is wrong as well, without being able to explain the failure alone.
    Contributing,
    /// It was considered and does not hold.
    RuledOut,
}

/// Whether the evidence describes the present state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Liveness {
    /// It happened, and the target has recovered long since.
    Past,
    /// It happened a short while ago, and the target has recovered.
    Recent,
    /// It holds now.
    Active,
}

/// What a rule found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Id from the catalogue of causes.
    pub id: &'static str,
    /// Severity of the rule; the engine fills it in.
    pub severity: Severity,
    /// One sentence filled from the evidence.
    pub summary: String,
    /// How sure it is.
    pub confidence: Confidence,
    /// How deep the failing link is.
    pub depth: Depth,
    /// What it is to the failure.
    pub role: Role,
    /// Whether it holds now.
    pub liveness: Liveness,
    /// Whether it explains why a pod was ended, evicted or turned away as a whole.
    pub explains_end: bool,
    /// How much the message tells, from 0 (an exit code) to 9 (object, host, path and number).
    pub specificity: u8,
    /// Verbatim values, most telling first.
    pub evidence: Vec<Evidence>,
    /// Cures, safest first.
    pub fixes: Vec<Fix>,
    /// What to look at next.
    pub next_checks: Vec<NextCheck>,
    /// Links below the pod, the deepest last.
    pub chain: Vec<Link>,
}

impl Finding {
    /// An active cause.
    pub fn new(id: &'static str, depth: Depth, confidence: Confidence, summary: impl Into<String>) -> Self {
        Self {
            id,
            severity: Severity::Medium,
            summary: summary.into(),
            confidence,
            depth,
            role: Role::Cause,
            liveness: Liveness::Active,
            explains_end: false,
            specificity: 5,
            evidence: Vec::new(),
            fixes: Vec::new(),
            next_checks: Vec::new(),
            chain: Vec::new(),
        }
    }

    /// A cause that does not hold, and why.
    pub fn ruled_out(id: &'static str, why: impl Into<String>) -> Self {
        Self { role: Role::RuledOut, ..Self::new(id, Depth::Pod, Confidence::High, why) }
    }

    /// Says how much the message tells.
    #[must_use]
    pub fn specific(mut self, specificity: u8) -> Self {
        self.specificity = specificity;
        self
    }

    /// Says what the finding is to the failure.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Says that it explains the end of a pod as a whole.
    #[must_use]
    pub fn of_the_whole(mut self) -> Self {
        self.explains_end = true;
        self
    }

    /// Says whether it holds now.
    #[must_use]
    pub fn alive(mut self, liveness: Liveness) -> Self {
        self.liveness = liveness;
        self
    }

    /// Adds evidence.
    #[must_use]
    pub fn because(mut self, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        for item in evidence {
            if !self.evidence.contains(&item) {
                self.evidence.push(item);
            }
        }
        self
    }

    /// Adds a cure without a command.
    #[must_use]
    pub fn fix(mut self, risk: Risk, summary: impl Into<String>) -> Self {
        self.fixes.push(Fix { summary: summary.into(), command: None, risk });
        self
    }

    /// Adds a cure, with its command where one can be told.
    #[must_use]
    pub fn fix_with(mut self, risk: Risk, summary: impl Into<String>, command: impl Into<Option<String>>) -> Self {
        self.fixes.push(Fix { summary: summary.into(), command: command.into(), risk });
        self
    }

    /// Adds something to look at with one of our tools; the engine adds the cluster.
    #[must_use]
    pub fn check(mut self, what: impl Into<String>, tool: &str, arguments: CheckArguments) -> Self {
        self.next_checks.push(NextCheck { what: what.into(), tool: Some(tool.to_owned()), arguments: Some(arguments) });
        self
    }

    /// Adds something to look at outside of our tools.
    #[must_use]
    pub fn look(mut self, what: impl Into<String>) -> Self {
        self.next_checks.push(NextCheck { what: what.into(), tool: None, arguments: None });
        self
    }

    /// Adds a link below the pod.
    #[must_use]
    pub fn link(mut self, object: impl Into<String>, state: impl Into<String>) -> Self {
        self.chain.push(Link { object: object.into(), state: text::clean_line(&state.into()) });
        self
    }
}

/// The value at a path of an object as evidence; nothing when there is none or it is no scalar.
pub fn evidence(object: &Object, path: &str) -> Option<Evidence> {
    let value = scalar(object.get(path)?)?;
    Some(Evidence { object: object.address(), field: path.to_owned(), value, at: None })
}

/// A field of an object as evidence; nothing when it is no scalar.
pub fn field_evidence(object: &Object, field: &Field<'_>, at: Option<Timestamp>) -> Option<Evidence> {
    Some(Evidence { object: object.address(), field: field.path.clone(), value: scalar(field.value)?, at })
}

/// An entry of a map as evidence; keys of maps may hold dots, so the path quotes them.
pub fn entry_evidence(object: &Object, map: &str, key: &str) -> Option<Evidence> {
    let value = scalar(object.get(map)?.get(key)?)?;
    Some(Evidence { object: object.address(), field: format!("{map}['{key}']"), value, at: None })
}

/// The message of an event as evidence.
pub fn event_evidence(event: &Object) -> Option<Evidence> {
    let at = super::facts::event_time(event);
    Some(Evidence { at, ..evidence(event, "message")? })
}

/// Scalars only: the printed form of an object is found nowhere in the cluster.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(content) => Some(verbatim(content).to_owned()).filter(|it| !it.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The longest part of a text that is safe to show and stands there letter by letter.
///
/// Cleaning would otherwise join what an escape sequence or a hidden character separates.
pub fn verbatim(content: &str) -> &str {
    let trimmed = content.trim();
    let safe = if text::clean(trimmed) == trimmed {
        trimmed
    } else {
        // Newlines and tabs may stay; everything that cleaning would drop splits the text.
        let parts = trimmed.split(|it: char| !matches!(it, '\n' | '\t') && text::clean(it.encode_utf8(&mut [0; 4])).is_empty());
        let parts = parts.map(|part| without_escape_tail(part).trim());
        parts.max_by_key(|part| part.len()).unwrap_or_default()
    };
    safe.get(..safe.floor_char_boundary(text::MAX_LINE)).unwrap_or_default()
}

/// What an escape character leaves at the start of the next part: `[31m`.
fn without_escape_tail(part: &str) -> &str {
    let Some(rest) = part.strip_prefix('[') else { return part };
    let end = rest.find(|it: char| !(it.is_ascii_digit() || it == ';'));
    match end.and_then(|end| rest.split_at_checked(end)) {
        Some((_, tail)) if tail.starts_with(|it: char| it.is_ascii_alphabetic()) => tail.get(1..).unwrap_or_default(),
        _ => part,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_stands_there_letter_by_letter() {
        for (line, quoted) in [
            ("plain  ", "plain"),
            ("\u{1b}[31mERROR\u{1b}[0m cannot open /data", "cannot open /data"),
            ("a\u{200b}longer part", "longer part"),
            ("[main] stays", "[main] stays"),
        ] {
            assert_eq!(verbatim(line), quoted);
            assert!(line.contains(verbatim(line)));
        }
    }
}
