//! Tables of scheduler verdicts against nodes: positives and look-alikes.

use serde_json::{Value, json};

use super::super::fixtures::{facts, finding, ids};
use crate::diagnose::diagnosis::Confidence;
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Role};
use crate::domain::object::Object;

fn pending(mut spec: Value, message: &str, nodes: &[Value]) -> Facts {
    spec["containers"] = json!([{"name": "main", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]);
    let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
    let mut facts = facts(spec, json!({"phase": "Pending", "conditions": [condition]}));
    facts.nodes = (!nodes.is_empty()).then(|| nodes.iter().cloned().map(Object::new).collect());
    facts
}

fn node(name: &str, labels: Value, taints: Value, memory: &str) -> Value {
    json!({"kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {"taints": taints}, "status": {"allocatable": {"cpu": "1930m", "memory": memory}}})
}

fn zoned(name: &str, zone: &str) -> Value {
    node(name, json!({"topology.kubernetes.io/zone": zone}), json!([]), "7Gi")
}

fn dedicated() -> Value {
    json!([{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}])
}

const MIXED: &str = "0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) didn't match Pod's node affinity/selector. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";

#[test]
fn the_same_message_has_different_causes_on_different_nodes() {
    let selector = json!({"nodeSelector": {"pool": "gpu"}});
    let plain = node("n1", json!({"pool": "web"}), json!([]), "7Gi");
    // The node that is wanted is tainted.
    let wanted = pending(selector.clone(), MIXED, &[plain.clone(), node("n2", json!({"pool": "gpu"}), dedicated(), "7Gi")]);
    assert_eq!(ids(&wanted), ["sched-untolerated-taint"]);
    let found = finding(&wanted, "sched-untolerated-taint");
    assert!(found.summary.contains("`dedicated=gpu:NoSchedule`") && found.confidence == Confidence::Certain, "{}", found.summary);
    // The tainted node is not wanted either: the selector is wrong.
    let wrong = pending(selector.clone(), MIXED, &[plain, node("n2", json!({"pool": "batch"}), dedicated(), "7Gi")]);
    assert_eq!(ids(&wrong), ["sched-node-selector"]);
    let found = finding(&wrong, "sched-node-selector");
    assert!(found.summary.contains("`pool=gpu`") && found.summary.contains("`batch`, `web`"), "{}", found.summary);
    assert_eq!(finding(&wrong, "sched-untolerated-taint").role, Role::RuledOut);
    // Without nodes both stay possible.
    assert_eq!(ids(&pending(selector, MIXED, &[])), ["sched-untolerated-taint", "sched-node-selector"]);
}

#[test]
fn taints_of_broken_nodes_ask_for_no_toleration() {
    let message = "0/1 nodes are available: 1 node(s) had untolerated taint(s).";
    let taints = json!([{"key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule"}]);
    let found = finding(&pending(json!({}), message, &[node("n1", json!({}), taints, "7Gi")]), "sched-untolerated-taint");
    assert!(found.summary.starts_with("No toleration is missing"), "{}", found.summary);
    assert!(found.fixes.iter().all(|it| !it.summary.contains("toleration for")));
}

#[test]
fn a_request_that_fits_nowhere_is_told_from_a_full_cluster() {
    let message = "0/2 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {dedicated: gpu}.";
    let tainted = node("n2", json!({}), dedicated(), "900Gi");
    let small = pending(json!({}), message, &[node("n1", json!({}), json!([]), "512Mi"), tainted.clone()]);
    let found = finding(&small, "sched-insufficient-memory");
    assert!(
        found.confidence == Confidence::Certain && found.summary.contains("1Gi") && found.summary.contains("512Mi"),
        "{}",
        found.summary
    );
    assert_eq!(ids(&small), ["sched-insufficient-memory"]);
    assert_eq!(finding(&small, "sched-untolerated-taint").role, Role::Contributing);
    let nowhere =
        pending(json!({}), message, &[node("n1", json!({}), json!([]), "512Mi"), node("n2", json!({}), dedicated(), "512Mi")]);
    assert_eq!(finding(&nowhere, "sched-untolerated-taint").role, Role::RuledOut);
    let full = pending(json!({}), message, &[node("n1", json!({}), json!([]), "7Gi"), tainted]);
    assert!(finding(&full, "sched-insufficient-memory").summary.contains("other pods have reserved it"));
    assert_eq!(ids(&pending(json!({}), "0/1 nodes are available: 1 of something new.", &[])), Vec::<&str>::new());
}

#[test]
fn a_volume_in_a_zone_without_nodes_is_deeper_than_a_taint() {
    let message =
        "0/2 nodes are available: 1 node(s) had untolerated taint {dedicated: gpu}, 1 node(s) had volume node affinity conflict.";
    let spec = json!({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}]});
    let volume = |zone: &str| {
        Object::new(
            json!({"kind": "PersistentVolume", "metadata": {"name": "pv-1"}, "spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}]}]}}}}),
        )
    };
    let claim = Object::new(
        json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data-web-1", "namespace": "shop"}, "spec": {"volumeName": "pv-1"}, "status": {"phase": "Bound"}}),
    );
    let tainted = node("n2", json!({"topology.kubernetes.io/zone": "b"}), dedicated(), "7Gi");
    let mut lost = pending(spec.clone(), message, &[zoned("n1", "a"), tainted.clone()]);
    (lost.claims, lost.volumes) = (vec![claim.clone()], vec![volume("c")]);
    let found = finding(&lost, "sched-volume-node-affinity");
    assert!(
        found.depth == Depth::Reference && found.summary.contains("zone `c`, where the cluster has no node"),
        "{}",
        found.summary
    );
    assert_eq!(ids(&lost), ["sched-volume-node-affinity"]);
    // The zone has a node; its taint is what is in the way.
    let mut tainted_zone = pending(spec, message, &[zoned("n1", "a"), tainted]);
    (tainted_zone.claims, tainted_zone.volumes) = (vec![claim], vec![volume("b")]);
    assert_eq!(ids(&tainted_zone), ["sched-untolerated-taint"]);
    assert_eq!(finding(&tainted_zone, "sched-volume-node-affinity").role, Role::Contributing);
}

#[test]
fn a_pod_with_a_node_has_no_scheduling_cause() {
    let mut done = pending(json!({"nodeName": "n1"}), MIXED, &[]);
    assert!(ids(&done).is_empty());
    done = pending(json!({}), "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.", &[]);
    assert!(ids(&done).is_empty());
}
