//! What can be said of a pod when no rule explains it.

use super::diagnosis::{CheckArguments, Evidence, NextCheck};
use super::facts::{Container, Facts};
use super::finding::{event_evidence, evidence, field_evidence};
use crate::domain::object::Object;

/// Reasons and messages that only repeat that something is wrong.
const GENERIC: &[&str] =
    &["Back-off ", "Error: ErrImagePull", "Error: ImagePullBackOff", "Unable to attach or mount volumes", "Error syncing pod"];
/// A pod that is younger than this may simply not be done yet.
const STARTING_SECONDS: i64 = 60;

/// The most telling symptom in words, with its evidence.
pub(super) fn most_telling(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    unscheduled(facts)
        .or_else(|| pod_reason(facts))
        .or_else(|| waiting(facts))
        .or_else(|| event(facts))
        .or_else(|| ended(facts))
        .or_else(|| condition(facts))
}

fn unscheduled(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    let condition = facts.pod.condition("PodScheduled").filter(|_| facts.is_unscheduled())?;
    let message = condition.get("message")?;
    let words = format!("no node takes it ({}): \"{}\"", condition.text("reason"), said(message.value.as_str()?));
    Some((words, field_evidence(&facts.pod, &message, condition.time("lastTransitionTime")).into_iter().collect()))
}

fn pod_reason(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    let reason = facts.pod.text("status.reason");
    if reason.is_empty() {
        return None;
    }
    let quoted = evidence(&facts.pod, "status.reason").into_iter().chain(evidence(&facts.pod, "status.message"));
    Some((format!("{reason}, \"{}\"", said(facts.pod.text("status.message"))), quoted.collect()))
}

fn waiting(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    let containers = facts.containers();
    // A back-off and the wait for an earlier step are no reasons of their own.
    let neutral = ["", "ContainerCreating", "PodInitializing", "CrashLoopBackOff"];
    let container = containers.iter().find(|it| !neutral.contains(&it.waiting_reason()))?;
    let said_so = facts.events_of(&["Failed", "FailedMount", "FailedCreatePodSandBox"]).find(|it| !is_generic(it));
    let message = container.waiting_message();
    let parts = ["state.waiting.reason", "state.waiting.message"]
        .into_iter()
        .filter_map(|path| field_evidence(&facts.pod, &container.status(path)?, None));
    let mut quoted: Vec<Evidence> = parts.collect();
    // Older kubelets keep the error in the event only.
    let detail =
        said_so.filter(|_| message.is_empty() || GENERIC.iter().any(|it| message.starts_with(it)) && !message.contains(": "));
    quoted.extend(detail.and_then(event_evidence));
    let words = detail.map_or(message, |it| it.text("message"));
    Some((format!("container `{}` waits with {}, \"{}\"", container.name, container.waiting_reason(), said(words)), quoted))
}

fn event(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    let event = facts.events.iter().rev().find(|it| it.text("type") == "Warning" && !is_generic(it))?;
    Some((
        format!("event {} says \"{}\"", event.text("reason"), said(event.text("message"))),
        event_evidence(event).into_iter().collect(),
    ))
}

fn ended(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    let containers = facts.containers();
    let (container, exit) = containers.iter().find_map(|it| Some((it, it.exit(facts.now)?)))?;
    let words = format!("container `{}` last ended with {} (exit code {})", container.name, exit.reason, exit.code);
    let parts = ["reason", "exitCode", "message"]
        .into_iter()
        .filter_map(|path| field_evidence(&facts.pod, &exit.field.get(path)?, exit.field.time("finishedAt")));
    Some((words, parts.collect()))
}

fn condition(facts: &Facts) -> Option<(String, Vec<Evidence>)> {
    let condition = facts.pod.condition("Ready").filter(|it| it.text("status") != "True")?;
    let message = condition.get("message").or_else(|| condition.get("reason"))?;
    let words = said(message.value.as_str()?);
    Some((
        format!("\"{words}\""),
        field_evidence(&facts.pod, &message, condition.time("lastTransitionTime")).into_iter().collect(),
    ))
}

fn is_generic(event: &Object) -> bool {
    event.text("reason") == "BackOff" || GENERIC.iter().any(|it| event.text("message").starts_with(it))
}

fn said(message: &str) -> String {
    let clean = crate::domain::text::clean(message).replace('\n', " ");
    crate::domain::text::cut(clean.trim().trim_end_matches('.'), 400)
}

/// Whether the pod is so young, and so free of complaints, that it may simply not be done.
pub(super) fn is_starting(facts: &Facts) -> bool {
    let begin = facts.pod.created().or_else(|| facts.pod.time("status.startTime"));
    let running = facts.containers().iter().filter_map(Container::running_since).max();
    let young = begin.max(running).is_some_and(|at| facts.now.as_second() - at.as_second() < STARTING_SECONDS);
    let complaint = facts.events.iter().any(|it| it.text("type") == "Warning")
        || facts.pod.condition("PodScheduled").is_some_and(|it| it.text("status") == "False");
    young
        && !complaint
        && facts.containers().iter().all(|it| matches!(it.waiting_reason(), "" | "ContainerCreating" | "PodInitializing"))
}

/// Where to look when no rule says it.
pub(super) fn next_checks(facts: &Facts) -> Vec<NextCheck> {
    let about = CheckArguments { namespace: Some(facts.pod.namespace().to_owned()), ..CheckArguments::default() };
    let events = CheckArguments { kind: Some("Pod".to_owned()), name: Some(facts.pod.name().to_owned()), ..about.clone() };
    let check = |what: &str, tool: &str, arguments| NextCheck {
        what: what.to_owned(),
        tool: Some(tool.to_owned()),
        arguments: Some(arguments),
    };
    let mut checks = vec![check("What the events of the pod say", "list_events", events)];
    let ran = facts.containers().iter().any(|it| it.is_running() || it.exit(facts.now).is_some());
    if ran {
        checks.push(check(
            "What its containers wrote",
            "get_logs",
            CheckArguments { pod: Some(facts.pod.name().to_owned()), ..about },
        ));
    } else if facts.is_unscheduled()
        && facts.pod.condition("PodScheduled").is_some_and(|it| it.text("message").contains("ersistentVolumeClaim"))
    {
        let claims = CheckArguments { kind: Some("PersistentVolumeClaim".to_owned()), ..about };
        checks.push(check("Which claims are not bound, and why", "list_resources", claims));
    } else if facts.is_unscheduled() {
        checks.push(check(
            "Which nodes there are",
            "list_resources",
            CheckArguments { kind: Some("Node".to_owned()), ..CheckArguments::default() },
        ));
    }
    checks
}

/// Phase, readiness and the worst container, in a few words.
pub(super) fn pod_state(facts: &Facts) -> String {
    let phase = facts.pod.text("status.phase");
    let reason = facts.pod.text("status.reason");
    let mut words = vec![if phase.is_empty() { "no status yet" } else { phase }];
    if !reason.is_empty() {
        words.push(reason);
    }
    if facts.is_unscheduled() {
        words.push("not scheduled");
    } else if phase == "Running" || phase == "Pending" {
        words.push(if facts.is_ready() { "ready" } else { "not ready" });
    }
    words.join(", ")
}
