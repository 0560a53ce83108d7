//! Controllers, nodes and volumes.

use jiff::Timestamp;

use super::Health;
use super::detail::why;
use crate::domain::object::{Object, Part};
use crate::domain::time::age;

/// A claim that has been pending for less than this is only being provisioned.
const PROVISIONING: i64 = 120;

type Row = (Vec<String>, Health);

pub(super) fn number(object: &Object, path: &str) -> i64 {
    object.integer(path).unwrap_or_default()
}

fn short_of(ready: i64, wanted: i64) -> Health {
    match (ready, wanted) {
        (ready, wanted) if ready >= wanted => Health::Healthy,
        (0, wanted) => Health::Failing(format!("0 of {wanted} ready")),
        (ready, wanted) => Health::Degraded(format!("{ready} of {wanted} ready")),
    }
}

/// Whether pods cannot even be created, as under a quota or an admission policy.
fn refuses(object: &Object) -> bool {
    object.condition("ReplicaFailure").is_some_and(|it| it.text("status") == "True")
}

/// How replicas are; why they cannot be created tells more than how many are missing.
fn replicas_of(object: &Object, ready: i64, wanted: i64) -> Health {
    let health = short_of(ready, wanted);
    match object.condition("ReplicaFailure").filter(|_| refuses(object)) {
        Some(condition) => {
            let why = why(Part(condition.value), "ReplicaFailure");
            if matches!(health, Health::Failing(_)) { Health::Failing(why) } else { Health::Degraded(why) }
        }
        None => health,
    }
}

pub(super) fn deployment(object: &Object) -> Row {
    let wanted = object.integer("spec.replicas").unwrap_or(1);
    let ready = number(object, "status.readyReplicas");
    let mut health = replicas_of(object, ready, wanted);
    if let Some(progress) = object.condition("Progressing").filter(|it| it.text("status") == "False" && !refuses(object)) {
        let reason = progress.text("reason").to_owned();
        health = match health {
            Health::Failing(short) => Health::Failing(format!("{short}, {reason}")),
            Health::Degraded(short) => Health::Degraded(format!("{short}, {reason}")),
            Health::Healthy => Health::Degraded(reason),
        };
    }
    let cells = vec![
        format!("{ready}/{wanted}"),
        number(object, "status.updatedReplicas").to_string(),
        number(object, "status.availableReplicas").to_string(),
    ];
    (cells, health)
}

pub(super) fn replicas(object: &Object) -> Row {
    let wanted = object.integer("spec.replicas").unwrap_or(1);
    let ready = number(object, "status.readyReplicas");
    (vec![format!("{ready}/{wanted}")], replicas_of(object, ready, wanted))
}

pub(super) fn daemon_set(object: &Object) -> Row {
    let wanted = number(object, "status.desiredNumberScheduled");
    let ready = number(object, "status.numberReady");
    let cells = vec![wanted.to_string(), ready.to_string(), number(object, "status.numberAvailable").to_string()];
    (cells, short_of(ready, wanted))
}

/// Conditions whose status True is good: the kubelet's Ready and those of the EKS node monitoring agent. For all others,
/// True means trouble.
const GOOD_WHEN_TRUE: [&str; 6] =
    ["Ready", "KernelReady", "NetworkingReady", "StorageReady", "ContainerRuntimeReady", "AcceleratedHardwareReady"];

pub(super) fn node(object: &Object, now: Timestamp) -> Row {
    let mut bad = Vec::new();
    let mut ready = "Unknown";
    for condition in object.parts("status.conditions") {
        let (kind, status) = (condition.text("type"), condition.text("status"));
        if kind == "Ready" {
            ready = if status == "True" { "Ready" } else { "NotReady" };
        }
        let good = if GOOD_WHEN_TRUE.contains(&kind) { "True" } else { "False" };
        if status != good && !kind.is_empty() {
            let since = condition.time("lastTransitionTime").map(|it| format!(" for {}", age(now, it))).unwrap_or_default();
            bad.push(format!("{kind}={status} ({}){since}", condition.text("reason")));
        }
    }
    let cordoned = object.boolean("spec.unschedulable") == Some(true);
    let word = if cordoned { format!("{ready},SchedulingDisabled") } else { ready.to_owned() };
    let health = match (ready, bad.is_empty(), cordoned) {
        ("Ready", true, false) => Health::Healthy,
        ("Ready", true, true) => Health::Degraded("cordoned".to_owned()),
        ("Ready", false, _) => Health::Degraded(bad.join(", ")),
        (_, true, _) => Health::Failing("the kubelet has not reported".to_owned()),
        (_, false, _) => Health::Failing(bad.join(", ")),
    };
    let label = |key: &str| object.label(key).unwrap_or_default().to_owned();
    let capacity = label("karpenter.sh/capacity-type");
    let capacity = if capacity.is_empty() { label("eks.amazonaws.com/capacityType") } else { capacity };
    let cells = vec![
        word,
        object.text("status.nodeInfo.kubeletVersion").to_owned(),
        label("node.kubernetes.io/instance-type"),
        label("topology.kubernetes.io/zone"),
        capacity,
    ];
    (cells, health)
}

pub(super) fn claim(object: &Object, now: Timestamp) -> Row {
    let phase = object.text("status.phase");
    let age = object.created().map_or(i64::MAX, |it| now.as_second() - it.as_second());
    let error = object.parts("status.conditions").find(|it| it.text("type").ends_with("Error") && it.text("status") == "True");
    let health = match phase {
        "Lost" => Health::Failing("its volume is lost".to_owned()),
        _ if error.is_some() => Health::Degraded(error.map(|it| why(it, it.text("type"))).unwrap_or_default()),
        "Bound" => Health::Healthy,
        "Pending" if age < PROVISIONING => Health::Healthy,
        "" => Health::Degraded("no phase is reported".to_owned()),
        other => Health::Degraded(other.to_owned()),
    };
    let cells = vec![
        phase.to_owned(),
        object.text("spec.volumeName").to_owned(),
        object.text("status.capacity.storage").to_owned(),
        object.text("spec.storageClassName").to_owned(),
    ];
    (cells, health)
}

pub(super) fn volume(object: &Object) -> Row {
    let phase = object.text("status.phase");
    let health = match phase {
        "Failed" => Health::Failing(phase.to_owned()),
        "Released" => Health::Degraded("released, its claim is gone".to_owned()),
        _ => Health::Healthy,
    };
    let claim = match (object.text("spec.claimRef.namespace"), object.text("spec.claimRef.name")) {
        (_, "") => String::new(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    let cells = vec![
        phase.to_owned(),
        object.text("spec.capacity.storage").to_owned(),
        claim,
        object.text("spec.storageClassName").to_owned(),
        zones(object).join(","),
    ];
    (cells, health)
}

/// Zones that a volume can be used in, by its node affinity.
fn zones(object: &Object) -> Vec<String> {
    let mut zones = Vec::new();
    for term in object.list("spec.nodeAffinity.required.nodeSelectorTerms") {
        for expression in term.list("matchExpressions").into_iter().filter(|it| it.text("key").ends_with("/zone")) {
            zones.extend(expression.list("values").iter().filter_map(|it| it.value.as_str()).map(str::to_owned));
        }
    }
    zones
}

pub(super) fn autoscaler(object: &Object) -> Row {
    let target = format!("{}/{}", object.text("spec.scaleTargetRef.kind"), object.text("spec.scaleTargetRef.name"));
    let cells = vec![
        target,
        number(object, "status.currentReplicas").to_string(),
        object.integer("spec.minReplicas").unwrap_or(1).to_string(),
        number(object, "spec.maxReplicas").to_string(),
    ];
    let off =
        ["AbleToScale", "ScalingActive"].iter().filter_map(|it| object.condition(it)).find(|it| it.text("status") == "False");
    let health = match off {
        // An autoscaler whose target is scaled to zero is switched off, not broken.
        Some(condition) if condition.text("reason") != "ScalingDisabled" => Health::Failing(condition.text("reason").to_owned()),
        _ => Health::Healthy,
    };
    (cells, health)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn conditions_of_the_node_monitoring_agent_have_their_own_polarity() {
        let node_with = |conditions: serde_json::Value| {
            let object = Object::new(json!({"kind": "Node", "metadata": {"name": "n"}, "status": {"conditions": conditions}}));
            node(&object, "2026-11-23T09:30:00Z".parse().unwrap()).1
        };
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "R"});
        assert!(
            node_with(json!([condition("Ready", "True"), condition("KernelReady", "True"), condition("DiskPressure", "False")]))
                .is_healthy()
        );
        assert_eq!(
            node_with(json!([condition("Ready", "True"), condition("StorageReady", "False")])).reason(),
            "StorageReady=False (R)"
        );
        assert!(matches!(node_with(json!([condition("Ready", "Unknown")])), Health::Failing(_)));
    }
    #[test]
    fn replicas_that_are_refused_and_volumes_that_cannot_grow_say_why() {
        let of = |kind: &str, spec: serde_json::Value, status: serde_json::Value| {
            let object = json!({"kind": kind, "metadata": {"name": "a"}, "spec": spec, "status": status});
            super::super::of(&Object::new(object), "2026-11-23T09:30:00Z".parse().unwrap()).health
        };
        let refused =
            json!({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: cpu"});
        let late = json!({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"});
        let cannot = Health::Failing("FailedCreate: exceeded quota: cpu".to_owned());
        for kind in ["Deployment", "ReplicaSet", "ReplicationController"] {
            assert_eq!(of(kind, json!({"replicas": 3}), json!({"conditions": [refused, late]})), cannot, "{kind}");
            let part = of(kind, json!({"replicas": 3}), json!({"readyReplicas": 2, "conditions": [refused]}));
            assert_eq!(part, Health::Degraded(cannot.reason().to_owned()), "{kind}");
            let past = json!({"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate"});
            assert_eq!(of(kind, json!({"replicas": 3}), json!({"conditions": [past]})).reason(), "0 of 3 ready", "{kind}");
        }
        let grows = |kind: &str, status: &str| json!({"phase": "Bound", "conditions": [{"type": kind, "status": status, "message": "too soon"}]});
        for (kind, status, reason) in [
            ("ControllerResizeError", "True", "ControllerResizeError: too soon"),
            ("ControllerResizeError", "False", ""),
            ("FileSystemResizePending", "True", ""),
        ] {
            assert_eq!(of("PersistentVolumeClaim", json!({}), grows(kind, status)).reason(), reason, "{kind}={status}");
        }
    }
}
