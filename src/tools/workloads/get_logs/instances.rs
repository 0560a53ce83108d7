//! Which runs of which containers are read, and in which order.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::domain::names;
use crate::domain::object::{Field, Object};
use crate::domain::text::count;
use crate::error::ToolError;

/// Most logs of one call.
const MOST: usize = 30;

/// One run of a container.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) pod: String,
    pub(super) container: String,
    pub(super) role: Option<&'static str>,
    pub(super) previous: bool,
    pub(super) ended: Option<String>,
}

/// What is read.
pub(super) struct Wanted {
    pub(super) instances: Vec<Instance>,
    /// How many logs there are beyond those.
    pub(super) left_out: usize,
}

/// Where a pod lists its containers and their states, init containers first, as they run.
const LISTS: &[(&str, &str, Option<&str>)] = &[
    ("spec.initContainers", "status.initContainerStatuses", Some("init")),
    ("spec.containers", "status.containerStatuses", None),
    ("spec.ephemeralContainers", "status.ephemeralContainerStatuses", Some("ephemeral")),
];

/// The order of reading: what crashed and waits, what crashed and runs again, what ended badly, and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    Crashing,
    Crashed,
    Failed,
    Present,
}

/// The runs to read of these pods.
pub(super) fn wanted(pods: &[Object], container: Option<&str>, previous: Option<bool>) -> Result<Wanted, ToolError> {
    let mut found: Vec<(Urgency, Option<Timestamp>, Instance)> = Vec::new();
    let mut known = BTreeSet::new();
    for pod in pods {
        for (specs, statuses, role) in LISTS {
            let statuses: Vec<Field<'_>> = pod.list(statuses).collect();
            known.extend(pod.list(specs).chain(statuses.iter().cloned()).map(|it| it.text("name").to_owned()));
            for status in &statuses {
                if container.is_none_or(|it| it == status.text("name")) {
                    runs(pod.name(), status, *role, previous, &mut found);
                }
            }
        }
    }
    let names_of_pods = pods.iter().map(|it| format!("`{}`", it.name())).collect::<Vec<_>>().join(", ");
    if let Some(container) = container
        && !known.contains(container)
    {
        let near = names::did_you_mean(container, known.iter().map(String::as_str));
        let known = known.into_iter().collect::<Vec<_>>().join(", ");
        return Err(ToolError::not_found(format!("pod {names_of_pods} has no container `{container}`{near}"))
            .with_hint(format!("Its containers: {known}.")));
    }
    if found.is_empty() {
        let which = container.map_or_else(|| "container".to_owned(), |it| format!("container `{it}`"));
        if previous == Some(true) {
            return Err(ToolError::not_found(format!(
                "no {which} of pod {names_of_pods} has restarted; there is no previous log"
            ))
            .with_hint("Leave `previous` out for the present log."));
        }
        let restarts = |it: &Object| {
            LISTS.iter().any(|(_, statuses, _)| it.list(statuses).any(|it| it.get("lastState.terminated").is_some()))
        };
        if previous == Some(false) && pods.iter().any(restarts) {
            return Err(ToolError::not_found(format!(
                "no {which} of pod {names_of_pods} runs at present; it has crashed and waits"
            ))
            .with_hint("Leave `previous` out for the log of the run that crashed."));
        }
        let phase = pods.first().map_or("", |it| it.text("status.phase"));
        return Err(ToolError::not_found(format!("no {which} of pod {names_of_pods} has run yet; the pod is {phase}"))
            .with_hint("Call `troubleshoot` for the reason."));
    }
    // The sort is stable: within an urgency the latest crash first, then pods and containers in their order.
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    let left_out = found.len().saturating_sub(MOST);
    Ok(Wanted { instances: found.into_iter().take(MOST).map(|(_, _, instance)| instance).collect(), left_out })
}

/// The runs of one container.
fn runs(
    pod: &str,
    status: &Field<'_>,
    role: Option<&'static str>,
    previous: Option<bool>,
    found: &mut Vec<(Urgency, Option<Timestamp>, Instance)>,
) {
    let ended = |state: &str| {
        let code = status.integer(&format!("{state}.exitCode"))?;
        let reason = status.text(&format!("{state}.reason"));
        Some(if reason.is_empty() { format!("exit code {code}") } else { format!("{reason}, exit code {code}") })
    };
    let instance = |previous: bool, state: &str| Instance {
        pod: pod.to_owned(),
        container: status.text("name").to_owned(),
        role,
        previous,
        ended: ended(state),
    };
    let waits = status.get("state.waiting").is_some();
    if status.get("lastState.terminated").is_some() && previous != Some(false) {
        let urgency = if waits { Urgency::Crashing } else { Urgency::Crashed };
        found.push((urgency, status.time("lastState.terminated.finishedAt"), instance(true, "lastState.terminated")));
    }
    // A container that waits has no log of its own yet; the run before it has.
    let started = status.get("state.running").is_some() || status.get("state.terminated").is_some();
    if started && previous != Some(true) {
        let failed = status.integer("state.terminated.exitCode").is_some_and(|it| it != 0);
        let urgency = if failed { Urgency::Failed } else { Urgency::Present };
        found.push((urgency, None, instance(false, "state.terminated")));
    }
}

impl Wanted {
    /// What is not read, in words.
    pub(super) fn warning(&self) -> Option<String> {
        (self.left_out > 0).then(|| format!("{} more not read; pass `container` or `pod`", count(self.left_out, "log")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_crashed_last_comes_first_and_every_kind_of_container_is_read() {
        let ended = |at: &str| json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at}});
        let pod = Object::new(json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "main"}, {"name": "side"}, {"name": "late"}], "initContainers": [{"name": "init"}]},
            "status": {
                "initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
                "containerStatuses": [
                    {"name": "side", "state": {"running": {}}, "lastState": ended("2026-11-20T09:00:00Z")},
                    {"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended("2026-11-23T09:00:00Z")},
                    {"name": "late", "state": {"waiting": {"reason": "PodInitializing"}}},
                ],
                "ephemeralContainerStatuses": [{"name": "debug", "state": {"running": {}}}],
            },
        }));
        let order = |container: Option<&str>, previous: Option<bool>| -> Vec<String> {
            let wanted = wanted(std::slice::from_ref(&pod), container, previous).unwrap();
            wanted.instances.iter().map(|it| format!("{}{}", it.container, if it.previous { "-" } else { "" })).collect()
        };
        assert_eq!(order(None, None), ["main-", "side-", "init", "side", "debug"]);
        assert_eq!(order(None, Some(true)), ["main-", "side-"]);
        assert_eq!(order(None, Some(false)), ["init", "side", "debug"]);
        assert_eq!(order(Some("main"), None), ["main-"]);
        for (container, previous, words) in
            [("mian", None, "did you mean `main`"), ("late", None, "has run yet"), ("debug", Some(true), "no previous log")]
        {
            let err = wanted(std::slice::from_ref(&pod), Some(container), previous).err().unwrap();
            assert!(err.message.contains(words), "{}", err.message);
        }
    }
}
