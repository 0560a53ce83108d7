//! Pods.

use jiff::Timestamp;

use super::Health;
use crate::domain::object::{Object, Part};
use crate::domain::redact;
use crate::domain::text::clean_line;
use crate::domain::time::age;

/// A pod that has been pending for less than this is only starting.
const STARTING: i64 = 60;

/// Restarts longer ago than this do not make a running pod suspicious.
const RECENT: i64 = 3_600;

pub(super) fn status(pod: &Object, now: Timestamp) -> (Vec<String>, Health) {
    let containers: Vec<Part<'_>> = pod.parts("status.containerStatuses").collect();
    let declared = pod.parts("spec.containers").len().max(containers.len());
    let ready = containers.iter().filter(|it| it.boolean("ready") == Some(true)).count();
    let word = word(pod, &containers);
    let restarts = restarts(pod);
    let last = containers.iter().filter_map(|it| it.time("lastState.terminated.finishedAt")).max();
    let restart_cell = match last {
        Some(last) if restarts > 0 => format!("{restarts} ({} ago)", age(now, last)),
        _ => restarts.to_string(),
    };
    let health = health(pod, &containers, &word, now);
    let cells = vec![format!("{ready}/{declared}"), word, restart_cell, pod.text("spec.nodeName").to_owned()];
    (cells, health)
}

/// Restarts of all containers, init containers included only while they run.
pub fn restarts(pod: &Object) -> i64 {
    pod.parts("status.containerStatuses").filter_map(|it| it.integer("restartCount")).sum()
}

/// The STATUS column of kubectl.
fn word(pod: &Object, containers: &[Part<'_>]) -> String {
    if pod.get("metadata.deletionTimestamp").is_some() {
        return "Terminating".to_owned();
    }
    if !pod.text("status.reason").is_empty() {
        return pod.text("status.reason").to_owned();
    }
    let inits: Vec<Part<'_>> = pod.parts("status.initContainerStatuses").collect();
    let declared = pod.parts("spec.initContainers").len();
    for (index, init) in inits.iter().copied().enumerate() {
        // A sidecar is done once it has started.
        let done = init.integer("state.terminated.exitCode") == Some(0) || init.boolean("started") == Some(true);
        if done {
            continue;
        }
        let waiting = init.text("state.waiting.reason");
        return if init.has("state.terminated") {
            format!("Init:{}", ended(init, "state.terminated"))
        } else if !waiting.is_empty() && waiting != "PodInitializing" {
            format!("Init:{waiting}")
        } else {
            format!("Init:{index}/{declared}")
        };
    }
    let mut word = pod.text("status.phase").to_owned();
    for container in containers.iter().copied().rev() {
        let waiting = container.text("state.waiting.reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut word);
        } else if container.has("state.terminated") {
            word = ended(container, "state.terminated");
        }
    }
    if word == "Completed" && containers.iter().any(|it| it.has("state.running")) {
        return "Running".to_owned();
    }
    word
}

fn ended(container: Part<'_>, state: &str) -> String {
    let reason = container.text(&format!("{state}.reason"));
    if !reason.is_empty() {
        return reason.to_owned();
    }
    let code = container.integer(&format!("{state}.exitCode")).unwrap_or_default();
    format!("ExitCode:{code}")
}

fn health(pod: &Object, containers: &[Part<'_>], word: &str, now: Timestamp) -> Health {
    let phase = pod.text("status.phase");
    let age = pod.created().map_or(i64::MAX, |it| now.as_second() - it.as_second());
    if phase == "Succeeded" {
        return Health::Healthy;
    }
    if phase == "Failed" {
        return Health::Failing(word.to_owned());
    }
    if word == "Terminating" {
        let asked = pod.time("metadata.deletionTimestamp").map_or(0, |it| now.as_second() - it.as_second());
        return if asked > STARTING { Health::Degraded("stuck in Terminating".to_owned()) } else { Health::Healthy };
    }
    let inits: Vec<Part<'_>> = pod.parts("status.initContainerStatuses").collect();
    if let Some(bad) = containers.iter().chain(&inits).find_map(|it| waiting(*it, now)) {
        return Health::Failing(bad);
    }
    if let Some(condition) = pod.condition("PodScheduled").filter(|it| it.text("status") == "False") {
        return Health::Failing(with_detail(condition.text("reason"), condition.text("message")));
    }
    if phase == "Pending" {
        return if age > STARTING { Health::Failing(word.to_owned()) } else { Health::Healthy };
    }
    let recent = containers
        .iter()
        .find(|it| it.time("lastState.terminated.finishedAt").is_some_and(|ended| now.as_second() - ended.as_second() < RECENT));
    if let Some(unready) = containers.iter().find(|it| it.boolean("ready") == Some(false)) {
        if unready.has("state.terminated") || recent.is_some() {
            return Health::Failing(format!("container {} is not running", unready.text("name")));
        }
        return if age > STARTING {
            Health::Degraded(format!("container {} is not ready", unready.text("name")))
        } else {
            Health::Healthy
        };
    }
    if let Some(container) = recent {
        return Health::Degraded(format!("restarted: {}", ended(*container, "lastState.terminated")));
    }
    // Containers are ready, the pod is not: a readiness gate, such as that of a load balancer, or an unreachable node.
    match pod.condition("Ready").filter(|it| it.text("status") == "False" && age > STARTING) {
        Some(condition) => Health::Degraded(with_detail(
            if condition.text("reason").is_empty() { "not ready" } else { condition.text("reason") },
            condition.text("message"),
        )),
        None => Health::Healthy,
    }
}

/// Characters of a message in a row; the whole of it is in the object.
const DETAIL: usize = 110;

/// A reason with what its message adds.
fn with_detail(reason: &str, message: &str) -> String {
    let message = clean_line(&redact::text(message).0);
    if message.is_empty() { reason.to_owned() } else { format!("{reason}: {}", shortened(&message)) }
}

/// The beginning of a message, up to a word.
fn shortened(message: &str) -> &str {
    match message.char_indices().nth(DETAIL) {
        None => message,
        Some((end, _)) => {
            let head = message.get(..end).unwrap_or_default();
            head.rsplit_once(' ').map_or(head, |(head, _)| head).trim_end_matches([',', '.', ';', ':'])
        }
    }
}

/// Why a container waits, with how it last ended and when, or with what the kubelet says; nothing for the waits of every start.
fn waiting(container: Part<'_>, now: Timestamp) -> Option<String> {
    let reason = container.text("state.waiting.reason");
    if reason.is_empty() || matches!(reason, "ContainerCreating" | "PodInitializing") {
        return None;
    }
    if container.has("lastState.terminated") {
        let code = container.integer("lastState.terminated.exitCode").unwrap_or_default();
        let when = container.time("lastState.terminated.finishedAt");
        let when = when.map(|it| format!(", {} ago", age(now, it))).unwrap_or_default();
        return Some(format!("{reason}: {} (exit code {code}{when})", ended(container, "lastState.terminated")));
    }
    Some(with_detail(reason, container.text("state.waiting.message")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(status: Value) -> (Vec<String>, Health) {
        let mut pod = json!({"kind": "Pod", "metadata": {"name": "a", "creationTimestamp": "2026-11-23T08:00:00Z"}, "spec": {"containers": [{"name": "main"}]}});
        pod["status"] = status;
        super::status(&Object::new(pod), "2026-11-23T09:30:00Z".parse().unwrap())
    }

    #[test]
    fn a_crash_loop_says_how_the_container_ended() {
        let terminated = json!({"reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-23T09:28:00Z"});
        let (cells, health) = of(json!({"phase": "Running", "containerStatuses": [{
            "name": "main", "ready": false, "restartCount": 9,
            "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": terminated}}]}));
        assert_eq!(cells, ["0/1", "CrashLoopBackOff", "9 (2m ago)", ""]);
        assert_eq!(health, Health::Failing("CrashLoopBackOff: OOMKilled (exit code 137, 2m ago)".to_owned()));
    }

    #[test]
    fn what_a_person_would_look_for_is_the_reason() {
        let waiting = |reason: &str, message: &str| {
            json!({"phase": "Pending", "containerStatuses": [{
            "name": "main", "ready": false, "state": {"waiting": {"reason": reason, "message": message}}}]})
        };
        let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "False", "reason": reason, "message": message});
        for (status, expected) in [
            (
                waiting("CreateContainerConfigError", "configmap \"app\" not found"),
                "CreateContainerConfigError: configmap \"app\" not found",
            ),
            (waiting("ImagePullBackOff", ""), "ImagePullBackOff"),
            (
                json!({"phase": "Pending", "conditions": [condition("PodScheduled", "Unschedulable", "0/3 nodes are available: 3 Insufficient cpu.")]}),
                "Unschedulable: 0/3 nodes are available: 3 Insufficient cpu.",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "state": {"running": {}}}],
                    "conditions": [condition("Ready", "ReadinessGatesNotReady", "target group is not healthy")]}),
                "ReadinessGatesNotReady: target group is not healthy",
            ),
        ] {
            assert_eq!(of(status).1.reason(), expected);
        }
        let long = of(waiting("ErrImagePull", &"word ".repeat(100))).1;
        assert!(long.reason().chars().count() < 130 && long.reason().ends_with("word"), "{}", long.reason());
    }

    #[test]
    fn old_restarts_are_healthy_and_half_written_pods_are_no_panic() {
        let old = json!({"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": "2026-11-17T09:28:00Z"}});
        let (_, health) = of(json!({"phase": "Running", "containerStatuses": [{
            "name": "main", "ready": true, "restartCount": 2, "state": {"running": {}}, "lastState": old}]}));
        assert_eq!(health, Health::Healthy);
        for odd in
            [json!(null), json!({}), json!({"phase": 3}), json!({"containerStatuses": [{}]}), json!({"containerStatuses": "x"})]
        {
            of(odd);
        }
    }
}
