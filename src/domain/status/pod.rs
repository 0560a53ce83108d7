//! Pods.

use jiff::Timestamp;

use super::Health;
use super::detail::{why, with_detail};
use crate::domain::object::{Object, Part};
use crate::domain::time::age;

/// A pod that has been pending for less than this is only starting.
const STARTING: i64 = 60;

/// Restarts longer ago than this do not make a running pod suspicious.
const RECENT: i64 = 3_600;

/// The reason of pods whose node no longer reports.
const NODE_LOST: &str = "NodeLost";

pub(super) fn status(pod: &Object, now: Timestamp) -> (Vec<String>, Health) {
    let mains: Vec<Part<'_>> = pod.parts("status.containerStatuses").collect();
    let word = word(pod, &mains);
    let declared = pod.parts("spec.containers").len().max(mains.len())
        + pod.parts("spec.initContainers").filter(|it| is_sidecar(*it)).count();
    let containers: Vec<Part<'_>> = mains.into_iter().chain(sidecars(pod)).collect();
    let ready = containers.iter().filter(|it| it.boolean("ready") == Some(true)).count();
    let restarts = restarts(pod);
    let counted = initialising(pod).unwrap_or_else(|| containers.clone());
    let last = counted.iter().filter_map(|it| it.time("lastState.terminated.finishedAt")).max();
    let restart_cell = match last {
        Some(last) if restarts > 0 => format!("{restarts} ({} ago)", age(now, last)),
        _ => restarts.to_string(),
    };
    let health = health(pod, &containers, &word, now);
    let cells = vec![format!("{ready}/{declared}"), word, restart_cell, pod.text("spec.nodeName").to_owned()];
    (cells, health)
}

/// Whether a declared init container runs on beside the others.
fn is_sidecar(declared: Part<'_>) -> bool {
    declared.text("restartPolicy") == "Always"
}

/// States of the init containers that run on beside the others.
fn sidecars(pod: &Object) -> impl Iterator<Item = Part<'_>> {
    let named = |name: &str| pod.parts("spec.initContainers").any(|it| is_sidecar(it) && it.text("name") == name);
    pod.parts("status.initContainerStatuses").filter(move |it| named(it.text("name")))
}

/// While a pod is being initialised, its init containers up to the one that is not done.
fn initialising(pod: &Object) -> Option<Vec<Part<'_>>> {
    if is_initialized(pod) {
        return None;
    }
    let sidecars: Vec<&str> = sidecars(pod).map(|it| it.text("name")).collect();
    let mut inits = Vec::new();
    for init in pod.parts("status.initContainerStatuses") {
        inits.push(init);
        let started = init.boolean("started") == Some(true) && sidecars.contains(&init.text("name"));
        if init.integer("state.terminated.exitCode") != Some(0) && !started {
            return Some(inits);
        }
    }
    None
}

fn is_initialized(pod: &Object) -> bool {
    pod.condition("Initialized").is_some_and(|it| it.text("status") == "True")
}

/// Restarts of all containers, of init containers only those that run on as sidecars; while the pod is being initialised those
/// of its init containers, as kubectl counts them.
pub fn restarts(pod: &Object) -> i64 {
    if let Some(inits) = initialising(pod) {
        return inits.iter().filter_map(|it| it.integer("restartCount")).sum();
    }
    pod.parts("status.containerStatuses").chain(sidecars(pod)).filter_map(|it| it.integer("restartCount")).sum()
}

/// The STATUS column of kubectl.
fn word(pod: &Object, containers: &[Part<'_>]) -> String {
    if pod.get("metadata.deletionTimestamp").is_some() {
        return if pod.text("status.reason") == NODE_LOST { "Unknown" } else { "Terminating" }.to_owned();
    }
    if !pod.text("status.reason").is_empty() {
        return pod.text("status.reason").to_owned();
    }
    let inits: Vec<Part<'_>> = pod.parts("status.initContainerStatuses").collect();
    let declared = pod.parts("spec.initContainers").len();
    // A sidecar that crashes later does not take the pod back to its start.
    let initialized = is_initialized(pod);
    for (index, init) in inits.iter().copied().enumerate().filter(|_| !initialized) {
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

/// How a container ended, with its exit code and when: `Error (exit code 3, 5m ago)`.
fn ending(container: Part<'_>, state: &str, now: Timestamp) -> String {
    let code = container.integer(&format!("{state}.exitCode")).unwrap_or_default();
    let when = container.time(&format!("{state}.finishedAt")).map(|it| format!(", {} ago", age(now, it))).unwrap_or_default();
    format!("{} (exit code {code}{when})", ended(container, state))
}

/// How a container ended that does not run; its name is told where there are several.
fn ending_of(container: Part<'_>, several: bool, now: Timestamp) -> String {
    let ending = ending(container, "state.terminated", now);
    if several { format!("container {}: {ending}", container.text("name")) } else { ending }
}

fn has_failed(container: Part<'_>) -> bool {
    container.integer("state.terminated.exitCode").is_some_and(|it| it != 0)
}

/// Why a pod failed or was lost, by what the pod itself says before its containers.
fn own_reason(pod: &Object, word: &str, now: Timestamp) -> String {
    let (reason, message) = (pod.text("status.reason"), pod.text("status.message"));
    let all = || pod.parts("status.containerStatuses").chain(pod.parts("status.initContainerStatuses"));
    match all().find(|it| has_failed(*it)) {
        Some(container) if reason.is_empty() => ending_of(container, all().count() > 1, now),
        _ => with_detail(if reason.is_empty() { word } else { reason }, message),
    }
}

fn health(pod: &Object, containers: &[Part<'_>], word: &str, now: Timestamp) -> Health {
    let phase = pod.text("status.phase");
    let age = pod.created().map_or(i64::MAX, |it| now.as_second() - it.as_second());
    if phase == "Succeeded" {
        return Health::Healthy;
    }
    if matches!(phase, "Failed" | "Unknown") || pod.text("status.reason") == NODE_LOST {
        return Health::Failing(own_reason(pod, if word == "Terminating" { phase } else { word }, now));
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
        return Health::Failing(why(Part(condition.value), "not scheduled"));
    }
    if phase == "Pending" && age > STARTING {
        return Health::Failing(match inits.iter().find(|it| has_failed(**it)) {
            Some(init) => ending_of(*init, true, now),
            None => word.to_owned(),
        });
    }
    if phase.is_empty() && age > STARTING {
        return Health::Degraded("no phase is reported".to_owned());
    }
    if phase.is_empty() || phase == "Pending" {
        return Health::Healthy;
    }
    running(pod, containers, age, now)
}

/// The health of a pod whose containers have been started.
fn running(pod: &Object, containers: &[Part<'_>], age: i64, now: Timestamp) -> Health {
    // Work that is done stays done, unless everything is restarted.
    let stays = matches!(pod.text("spec.restartPolicy"), "OnFailure" | "Never");
    let is_done = |it: Part<'_>| stays && it.integer("state.terminated.exitCode") == Some(0);
    let is_recent = |it: Part<'_>| {
        it.time("lastState.terminated.finishedAt").is_some_and(|ended| now.as_second() - ended.as_second() < RECENT)
    };
    let unready = || containers.iter().copied().filter(|it| it.boolean("ready") == Some(false) && !is_done(*it));
    if let Some(ended) = unready().find(|it| it.has("state.terminated")) {
        return Health::Failing(ending_of(ended, containers.len() > 1, now));
    }
    if let Some(restarted) = unready().find(|it| is_recent(*it)) {
        let ending = ending(restarted, "lastState.terminated", now);
        return Health::Failing(format!("container {} is not ready, restarted: {ending}", restarted.text("name")));
    }
    if let Some(unready) = unready().next().filter(|_| age > STARTING) {
        return Health::Degraded(format!("container {} is not ready", unready.text("name")));
    }
    if let Some(restarted) = containers.iter().find(|it| is_recent(**it)) {
        return Health::Degraded(format!("restarted: {}", ending(*restarted, "lastState.terminated", now)));
    }
    // Containers are ready, the pod is not: a readiness gate, such as that of a load balancer, or an unreachable node.
    let done = containers.iter().any(|it| is_done(*it));
    match pod.condition("Ready").filter(|it| it.text("status") == "False" && age > STARTING) {
        // To the kubelet a container that is done is not ready.
        Some(condition) if !(done && condition.text("reason") == "ContainersNotReady") => {
            Health::Degraded(why(Part(condition.value), "not ready"))
        }
        _ => Health::Healthy,
    }
}

/// Why a container waits, with how it last ended and when, or with what the kubelet says; nothing for the waits of every start.
fn waiting(container: Part<'_>, now: Timestamp) -> Option<String> {
    let reason = container.text("state.waiting.reason");
    if reason.is_empty() || matches!(reason, "ContainerCreating" | "PodInitializing") {
        return None;
    }
    if container.has("lastState.terminated") {
        return Some(format!("{reason}: {}", ending(container, "lastState.terminated", now)));
    }
    Some(with_detail(reason, container.text("state.waiting.message")))
}

#[cfg(test)]
#[path = "pod_tests.rs"]
mod tests;
