//! What can be said of a target that is no pod.

use super::collect::EksKind;
use super::diagnosis::{CheckArguments, Confidence, Diagnosis, Evidence, Link, NextCheck, Status};
use super::facts::Facts;
use super::finding::{Finding, Liveness, Severity, event_evidence, evidence, field_evidence};
use crate::domain::object::Object;
use crate::domain::status::{self, Health};
use crate::domain::text;

/// How the subject is doing, given what explains it.
pub(super) fn status(facts: &Facts, causes: &[Finding]) -> Status {
    let subject = facts.target_object();
    let active = causes.iter().filter(|it| it.liveness == Liveness::Active);
    let fails = |it: &Finding| !super::engine::waits_for_an_upgrade(it.id) && !is_hint(facts, it);
    let severe = active.clone().any(|it| it.severity >= Severity::High && fails(it));
    // A Job that tries again has not failed yet.
    let tries = subject.kind() == "Job" && subject.integer("status.active").unwrap_or(0) > 0;
    match status::of(subject, facts.now).health {
        Health::Failing(_) => Status::Failing,
        _ if tries && !causes.is_empty() => Status::Degraded,
        _ if severe => Status::Failing,
        Health::Degraded(_) => Status::Degraded,
        Health::Healthy if !causes.is_empty() => Status::Degraded,
        Health::Healthy => Status::Healthy,
    }
}

/// Whether a cause may as well be harmless: a Service works where its pods listen on a port that they do not declare.
fn is_hint(facts: &Facts, cause: &Finding) -> bool {
    cause.id == "svc-target-port-mismatch" && cause.confidence <= Confidence::Medium && facts.subject_of(&["Service"]).is_some()
}

fn name(object: &Object) -> String {
    match object.namespace() {
        "" => format!("{} `{}`", object.kind(), object.name()),
        namespace => format!("{} `{namespace}/{}`", object.kind(), object.name()),
    }
}

/// The subject as the first link.
pub(super) fn link(facts: &Facts) -> Vec<Link> {
    let Some(subject) = &facts.subject else { return Vec::new() };
    if facts.owners.iter().any(|it| it.kind() == subject.kind() && it.name() == subject.name()) {
        return Vec::new();
    }
    vec![Link { object: subject.address(), state: state(facts, subject) }]
}

fn state(facts: &Facts, subject: &Object) -> String {
    let health = status::of(subject, facts.now).health;
    let reason = health.reason();
    text::cut(&text::clean_line(if reason.is_empty() { health.name() } else { reason }), 160)
}

/// What was looked at of a subject that is well.
pub(super) fn healthy(facts: &Facts) -> String {
    let subject = facts.target_object();
    let columns = status::columns(subject.kind());
    let cells = status::of(subject, facts.now).cells;
    let told: Vec<String> = columns
        .iter()
        .zip(&cells)
        .filter(|(_, cell)| !cell.is_empty())
        .take(3)
        .map(|(column, cell)| format!("{column} {cell}"))
        .collect();
    let told = if told.is_empty() { "its conditions are as they should be".to_owned() } else { told.join(", ") };
    let mut checked = vec!["status and conditions".to_owned(), text::count(facts.about.len() + facts.events.len(), "event")];
    if facts.has_pod() {
        checked.push(format!("pod `{}`", facts.pod.name()));
    }
    let kinds: std::collections::BTreeSet<&str> = facts.related.iter().map(Object::kind).filter(|it| *it != "Pod").collect();
    checked.extend(kinds.into_iter().map(|kind| text::count(facts.related_of(kind).count(), kind)));
    format!("{} is healthy, no issue was found: {told}; {} were checked.", name(subject), text::join_and(&checked))
}

/// What shows that the subject is well.
pub(super) fn evidence_of_health(facts: &Facts) -> Vec<Evidence> {
    let subject = facts.target_object();
    let paths = ["status.readyReplicas", "status.availableReplicas", "status.numberReady", "status.succeeded", "status.phase"];
    let condition = ["Available", "Ready", "Complete", "ScalingActive"].iter().find_map(|it| subject.condition(it));
    let condition = condition.and_then(|it| field_evidence(subject, &it.get("status")?, it.time("lastTransitionTime")));
    paths.iter().filter_map(|it| evidence(subject, it)).take(1).chain(condition).collect()
}

/// No rule knows what is wrong.
pub(super) fn unexplained(facts: &Facts, diagnosis: &mut Diagnosis) {
    let subject = facts.target_object();
    let told = state(facts, subject);
    let warning = facts.about.iter().rev().find(|it| it.text("type") == "Warning");
    let words = warning.map(|it| {
        format!("; its last warning is {}: \"{}\"", it.text("reason"), text::cut(&text::clean_line(it.text("message")), 300))
    });
    diagnosis.evidence.extend(warning.and_then(event_evidence));
    diagnosis.summary =
        format!("{} is not as it should be ({told}) and no rule knows why{}.", name(subject), words.unwrap_or_default());
    diagnosis.next_checks = next_checks(facts);
}

/// Whether EKS describes it, rather than a kind of the same name that an operator brought.
fn is_of_eks(subject: &Object) -> bool {
    EksKind::named(subject.kind()).is_some() && subject.text("apiVersion").is_empty()
}

/// Where to look when no rule says it. What EKS describes has neither events nor a resource in the API server.
pub(super) fn next_checks(facts: &Facts) -> Vec<NextCheck> {
    let subject = facts.target_object();
    if subject.name().is_empty() || is_of_eks(subject) {
        return Vec::new();
    }
    let about = CheckArguments {
        namespace: Some(subject.namespace().to_owned()).filter(|it| !it.is_empty()),
        kind: Some(subject.kind().to_owned()),
        name: Some(subject.name().to_owned()),
        ..CheckArguments::default()
    };
    let check =
        |what: &str, tool: &str| NextCheck { what: what.to_owned(), tool: Some(tool.to_owned()), arguments: Some(about.clone()) };
    vec![check("What its events say", "list_events"), check("Its conditions and owners", "get_resource")]
}
