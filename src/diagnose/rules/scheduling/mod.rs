//! Pods that no node takes.
//!
//! The scheduler names for each node only the first reason that kept it out, so a reason of the message is weighed against
//! the nodes themselves: a taint on a node that the selector excludes as well is not why the pod waits.

mod labels;
mod reasons;
mod resources;
mod taints;
#[cfg(test)]
mod tests;

use super::{CheckArguments, Rule};
use crate::diagnose::diagnosis::Evidence;
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Severity, entry_evidence, event_evidence, field_evidence};
use crate::diagnose::grammar::{self, ReasonKind};
use crate::diagnose::placement::{self, Fit};
use crate::domain::text;

pub(super) use reasons::RULES as REASONS;

pub(super) const RULES: &[Rule] = &[
    Rule::new("sched-untolerated-taint", Severity::High, taints::untolerated),
    Rule::new("sched-insufficient-cpu", Severity::High, resources::insufficient_cpu),
    Rule::new("sched-insufficient-memory", Severity::High, resources::insufficient_memory),
    Rule::new("sched-node-selector", Severity::High, labels::node_selector),
    Rule::new("sched-node-affinity", Severity::High, labels::node_affinity),
];

/// What the scheduler said, and how the nodes fit.
pub(super) struct Verdict<'a> {
    pub(super) said: grammar::Refusal,
    pub(super) evidence: Vec<Evidence>,
    pub(super) fits: Option<Vec<Fit<'a>>>,
}

impl<'a> Verdict<'a> {
    pub(super) fn of(facts: &'a Facts) -> Option<Self> {
        if !facts.is_unscheduled() {
            return None;
        }
        let condition = facts.pod.condition("PodScheduled");
        let status = condition.as_ref().and_then(|it| it.get("message")).zip(condition.as_ref());
        let from_status = status.and_then(|(message, condition)| {
            let said = grammar::refusal(message.value.as_str()?)?;
            Some((said, field_evidence(&facts.pod, &message, condition.time("lastTransitionTime"))?))
        });
        let from_event = || {
            let event = facts.events_of(&["FailedScheduling"]).find(|it| grammar::refusal(it.text("message")).is_some())?;
            Some((grammar::refusal(event.text("message"))?, event_evidence(event)?))
        };
        let (said, evidence) = from_status.or_else(from_event)?;
        Some(Self { said, evidence: vec![evidence], fits: placement::fits(facts) })
    }

    /// The nodes that labels and volumes allow.
    pub(super) fn wanted(&self) -> Vec<&Fit<'a>> {
        self.fits.iter().flatten().filter(|it| it.is_wanted()).collect()
    }

    /// The nodes that only resources keep out.
    pub(super) fn candidates(&self) -> Vec<&Fit<'a>> {
        self.fits.iter().flatten().filter(|it| it.is_candidate()).collect()
    }

    /// How much a reason tells when the nodes are unknown: the more nodes it keeps out, the more.
    fn by_count(&self, fits: impl Fn(&ReasonKind) -> bool) -> u8 {
        let most = self.said.reasons.iter().map(|it| it.nodes).max().unwrap_or(0);
        if self.said.count(fits) >= most { 5 } else { 4 }
    }
}

fn nodes(count: usize) -> String {
    text::count(count, "node")
}

fn selector_evidence(facts: &Facts) -> Vec<Evidence> {
    let keys = facts.pod.get("spec.nodeSelector").and_then(serde_json::Value::as_object).into_iter().flatten();
    keys.filter_map(|(key, _)| entry_evidence(&facts.pod, "spec.nodeSelector", key)).take(4).collect()
}

/// Arguments that list the nodes.
fn list_nodes() -> CheckArguments {
    CheckArguments { kind: Some("Node".to_owned()), ..CheckArguments::default() }
}
