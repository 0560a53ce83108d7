//! Which fields the state of an object is read from, so that a list of many need not be read whole.

/// Fields of every object that name it, group it and tell its age.
const COMMON: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.labels",
    "metadata.ownerReferences.kind",
    "metadata.ownerReferences.name",
    "metadata.ownerReferences.controller",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
];

/// What is read of the states of containers.
const CONTAINER: &[&str] = &[
    "name",
    "ready",
    "started",
    "restartCount",
    "state.waiting.reason",
    "state.waiting.message",
    "state.terminated.reason",
    "state.terminated.exitCode",
    "state.terminated.finishedAt",
    "state.running.startedAt",
    "lastState.terminated.reason",
    "lastState.terminated.exitCode",
    "lastState.terminated.finishedAt",
];

const CONDITIONS: &[&str] = &[
    "status.conditions.type",
    "status.conditions.status",
    "status.conditions.reason",
    "status.conditions.message",
    "status.conditions.lastTransitionTime",
];

/// The paths that [`super::of`], grouping and age read of a kind; nothing for kinds of which everything may matter.
pub fn fields(kind: &str) -> Option<Vec<String>> {
    let own: &[&str] = match kind {
        "Pod" => &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.containers.name",
            "spec.initContainers.name",
            "spec.initContainers.restartPolicy",
            "status.phase",
            "status.reason",
            "status.message",
        ],
        "Node" => &["spec.unschedulable", "spec.taints", "status.nodeInfo.kubeletVersion"],
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" | "DaemonSet" => &["spec.replicas", "status"],
        "Job" => &["spec.completions", "spec.suspend", "status"],
        "CronJob" => &["spec.schedule", "spec.suspend", "status"],
        "Event" => &[
            "type",
            "reason",
            "message",
            "note",
            "count",
            "deprecatedCount",
            "series",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "firstTimestamp",
            "lastTimestamp",
            "deprecatedFirstTimestamp",
            "deprecatedLastTimestamp",
            "eventTime",
        ],
        _ => return None,
    };
    let mut paths: Vec<String> = COMMON.iter().chain(own).map(|it| (*it).to_owned()).collect();
    if matches!(kind, "Pod" | "Node") {
        paths.extend(CONDITIONS.iter().map(|it| (*it).to_owned()));
    }
    if kind == "Pod" {
        for statuses in ["status.containerStatuses", "status.initContainerStatuses"] {
            paths.extend(CONTAINER.iter().map(|it| format!("{statuses}.{it}")));
        }
    }
    Some(paths)
}
