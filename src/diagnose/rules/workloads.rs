//! Workloads that are told not to run, and jobs that do not end.

use super::Rule;
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Role, Severity, evidence, field_evidence};
use crate::domain::text::{count, join_and};
use crate::domain::time::age;

pub(super) const RULES: &[Rule] = &[
    Rule::new("deployment-scaled-to-zero", Severity::Medium, scaled_to_zero),
    Rule::new("deployment-paused", Severity::Medium, paused),
    Rule::new("cronjob-suspended", Severity::Info, suspended),
    Rule::new("job-sidecar-blocks-completion", Severity::Medium, sidecar),
    Rule::new("statefulset-ordinal-blocked", Severity::High, ordinal),
    Rule::new("daemonset-not-scheduled", Severity::Medium, daemon_set),
];

fn scaled_to_zero(facts: &Facts) -> Vec<Finding> {
    let Some(workload) = facts.subject_of(&["Deployment", "StatefulSet", "ReplicaSet"]) else { return Vec::new() };
    if workload.integer("spec.replicas") != Some(0) || workload.controller().is_some() {
        return Vec::new();
    }
    let summary = format!("{} `{}` is scaled to 0 replicas, so it has no pods.", workload.kind(), workload.name());
    let command = format!(
        "kubectl -n {} scale {}/{} --replicas=COUNT",
        workload.namespace(),
        workload.kind().to_lowercase(),
        workload.name()
    );
    vec![
        Finding::new("deployment-scaled-to-zero", Depth::Target, Confidence::Certain, summary)
            .specific(8)
            .because(evidence(workload, "spec.replicas"))
            .fix_with(Risk::Low, "Scale it up, unless somebody or an autoscaler meant it to be off", command),
    ]
}

fn paused(facts: &Facts) -> Vec<Finding> {
    let Some(workload) = facts.subject_of(&["Deployment"]).filter(|it| it.boolean("spec.paused") == Some(true)) else {
        return Vec::new();
    };
    let summary = format!("Deployment `{}` is paused, so that changes of its template are not rolled out.", workload.name());
    let command = format!("kubectl -n {} rollout resume deployment/{}", workload.namespace(), workload.name());
    vec![
        Finding::new("deployment-paused", Depth::Target, Confidence::Certain, summary)
            .specific(7)
            .because(evidence(workload, "spec.paused"))
            .fix_with(Risk::Medium, "Resume the rollout", command),
    ]
}

fn suspended(facts: &Facts) -> Vec<Finding> {
    let Some(workload) = facts.subject_of(&["CronJob", "Job"]).filter(|it| it.boolean("spec.suspend") == Some(true)) else {
        return Vec::new();
    };
    let what = if workload.kind() == "CronJob" { "starts no jobs" } else { "runs no pods" };
    let summary = format!("{} `{}` is suspended and {what}.", workload.kind(), workload.name());
    let command = format!(
        "kubectl -n {} patch {} {} -p '{{\"spec\":{{\"suspend\":false}}}}'",
        workload.namespace(),
        workload.kind().to_lowercase(),
        workload.name()
    );
    vec![
        Finding::new("cronjob-suspended", Depth::Target, Confidence::Certain, summary)
            .specific(8)
            .because(evidence(workload, "spec.suspend"))
            .fix_with(Risk::Low, "Let it run again, unless it was meant to be off", command),
    ]
}

/// A container that ended well while another one keeps the pod, and with it the Job, from ending.
fn sidecar(facts: &Facts) -> Vec<Finding> {
    let of_job = facts.pod.controller().is_some_and(|(kind, _)| kind == "Job");
    if !of_job || facts.pod.text("status.phase") != "Running" {
        return Vec::new();
    }
    let containers: Vec<_> = facts.containers().into_iter().filter(|it| !it.init).collect();
    let done = |it: &&super::Container<'_>| it.status("state.terminated").is_some_and(|it| it.integer("exitCode") == Some(0));
    let (ended, running): (Vec<_>, Vec<_>) = containers.iter().filter(|it| done(it) || it.is_running()).partition(done);
    let (Some(worker), Some(_)) = (ended.first(), running.first()) else { return Vec::new() };
    let since = worker.status("state.terminated").and_then(|it| it.time("finishedAt"));
    // Sidecars that watch for the end need a moment.
    if since.is_some_and(|it| facts.now.as_second() - it.as_second() < 60) {
        return Vec::new();
    }
    let ago = since.map(|it| format!(" {} ago", age(facts.now, it))).unwrap_or_default();
    let names: Vec<String> = running.iter().map(|it| format!("`{}`", it.name)).collect();
    let active = facts.related_of("Job").filter(|it| it.integer("status.active").unwrap_or(0) > 0).count();
    let more = if active > 1 { format!("; {} of the CronJob are active by now", count(active, "job")) } else { String::new() };
    let verb = if names.len() == 1 { "keeps" } else { "keep" };
    let summary = format!(
        "The Job never completes: container `{}` ended with code 0{ago}, but sidecar container {} {verb} running, and a Job completes only when all its containers have ended{more}.",
        worker.name,
        join_and(&names)
    );
    let quoted: Vec<Evidence> = worker
        .status("state.terminated")
        .into_iter()
        .flat_map(|it| [it.get("reason"), it.get("exitCode")])
        .flatten()
        .filter_map(|it| field_evidence(&facts.pod, &it, since))
        .chain(running.iter().filter_map(|it| field_evidence(&facts.pod, &it.status("state.running.startedAt")?, None)))
        .collect();
    vec![
        Finding::new("job-sidecar-blocks-completion", Depth::Container, Confidence::Certain, summary)
            .specific(9)
            .because(quoted)
            .link(format!("container {}", worker.name), "completed")
            .fix(
                Risk::Low,
                format!(
                    "Make {} a native sidecar: an init container with `restartPolicy: Always`, which ends with the Job",
                    join_and(&names)
                ),
            )
            .fix(Risk::Low, "Or have the worker tell the sidecar to end, for example by its shutdown endpoint or a shared file"),
    ]
}

fn ordinal(facts: &Facts) -> Vec<Finding> {
    let Some(set) = facts.subject_of(&["StatefulSet"]) else { return Vec::new() };
    let wanted = set.integer("spec.replicas").unwrap_or(1);
    let present = i64::try_from(facts.siblings.len()).unwrap_or(i64::MAX);
    let parallel = set.text("spec.podManagementPolicy") == "Parallel";
    if parallel || !facts.has_pod() || facts.is_ready() || present >= wanted {
        return Vec::new();
    }
    let summary = format!(
        "StatefulSet `{}` makes its pods one after the other: `{}` is not ready, so {} of {wanted} are not made yet.",
        set.name(),
        facts.pod.name(),
        wanted - present
    );
    vec![
        Finding::new("statefulset-ordinal-blocked", Depth::Target, Confidence::Certain, summary)
            .specific(5)
            .because(evidence(set, "spec.replicas"))
            .because(evidence(&facts.pod, "status.phase"))
            .fix(Risk::None, "Correct why this pod is not ready; a pod of a broken revision has to be deleted by hand"),
    ]
}

fn daemon_set(facts: &Facts) -> Vec<Finding> {
    let Some(set) = facts.subject_of(&["DaemonSet"]) else { return Vec::new() };
    let number = |it: &str| set.integer(it).unwrap_or(0);
    let (desired, current) = (number("status.desiredNumberScheduled"), number("status.currentNumberScheduled"));
    if desired != 0 && current >= desired {
        return Vec::new();
    }
    let summary = if desired == 0 {
        format!("DaemonSet `{}` wants no pod on any node: its node selector or tolerations fit none.", set.name())
    } else {
        format!("DaemonSet `{}` runs on {current} of the {desired} nodes that it should.", set.name())
    };
    vec![
        Finding::new("daemonset-not-scheduled", Depth::Target, Confidence::High, summary)
            .specific(5)
            .role(if desired == 0 { Role::Cause } else { Role::Contributing })
            .because(["status.desiredNumberScheduled", "status.currentNumberScheduled"].iter().filter_map(|it| evidence(set, it)))
            .fix(Risk::Low, "Correct node selector, affinity or tolerations of its template"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use crate::domain::object::Object;
    use serde_json::json;

    #[test]
    fn what_is_off_is_told_as_off() {
        let deployment =
            |spec| subject(json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}));
        assert_eq!(ids(&deployment(json!({"replicas": 0}))), ["deployment-scaled-to-zero"]);
        assert_eq!(ids(&deployment(json!({"replicas": 1, "paused": true}))), ["deployment-paused"]);
        assert!(ids(&deployment(json!({"replicas": 1, "paused": false}))).is_empty());
        let suspended =
            subject(json!({"kind": "CronJob", "metadata": {"name": "nightly", "namespace": "shop"}, "spec": {"suspend": true}}));
        assert_eq!(ids(&suspended), ["cronjob-suspended"]);
    }

    #[test]
    fn a_sidecar_keeps_a_job_from_ending_and_a_native_one_does_not() {
        let world = |init: bool| {
            let ended = json!({"name": "work", "state": {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-01-05T11:00:00Z"}}});
            let running = json!({"name": "ship", "state": {"running": {"startedAt": "2026-01-05T10:00:00Z"}}});
            let (spec, status) = if init {
                (
                    json!({"initContainers": [{"name": "ship", "restartPolicy": "Always"}], "containers": [{"name": "work"}]}),
                    json!({"phase": "Running", "initContainerStatuses": [running], "containerStatuses": [ended]}),
                )
            } else {
                (
                    json!({"containers": [{"name": "work"}, {"name": "ship"}]}),
                    json!({"phase": "Running", "containerStatuses": [ended, running]}),
                )
            };
            let mut facts = facts(spec, status);
            let mut pod = facts.pod.value().clone();
            pod["metadata"]["ownerReferences"] = json!([{"kind": "Job", "name": "import", "controller": true}]);
            pod["spec"]["restartPolicy"] = "Never".into();
            facts.pod = Object::new(pod);
            facts
        };
        let found = finding(&world(false), "job-sidecar-blocks-completion");
        assert!(
            found.summary.contains("container `work` ended with code 0 60m ago, but sidecar container `ship` keeps running"),
            "{}",
            found.summary
        );
        assert!(!ids(&world(true)).contains(&"job-sidecar-blocks-completion"));
    }

    #[test]
    fn a_stateful_set_waits_for_the_pod_that_is_not_ready() {
        let mut facts = facts(json!({"containers": []}), json!({"phase": "Pending"}));
        facts.siblings = vec![facts.pod.clone()];
        facts.subject = Some(Object::new(
            json!({"kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop"}, "spec": {"replicas": 3}}),
        ));
        assert_eq!(ids(&facts), ["statefulset-ordinal-blocked"]);
        facts.siblings = vec![facts.pod.clone(); 3];
        assert!(ids(&facts).is_empty());
    }
}
