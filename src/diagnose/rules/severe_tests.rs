//! Severe causes beside what looks like them, where the tests of a family only pass by.

use serde_json::{Value, json};

use super::fixtures::*;
use super::*;
use crate::diagnose::facts::Facts;

fn pending(resources: Value, message: &str, nodes: Vec<Value>) -> Facts {
    let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
    let mut facts = facts(
        json!({"containers": [{"name": "main", "resources": {"requests": resources}}]}),
        json!({"phase": "Pending", "conditions": [condition]}),
    );
    facts.nodes = Some(nodes.into_iter().map(Object::new).collect());
    facts
}

fn node(kind: &str, allocatable: Value) -> Value {
    json!({"kind": "Node", "metadata": {"name": "n1", "labels": {"node.kubernetes.io/instance-type": kind}},
        "status": {"allocatable": allocatable, "conditions": [{"type": "Ready", "status": "True"}]}})
}

#[test]
fn a_device_that_no_plugin_offers_is_told_from_one_that_is_taken() {
    for (resource, kind, missing, scarce) in [
        ("vpc.amazonaws.com/efa", "p5.48xlarge", "efa-missing", "sched-insufficient-extended-resource"),
        ("aws.amazon.com/neuron", "trn1.32xlarge", "neuron-plugin-missing", "sched-no-gpu"),
    ] {
        let message = format!("0/1 nodes are available: 1 Insufficient {resource}.");
        let bare = pending(json!({resource: "1"}), &message, vec![node(kind, json!({"cpu": "8"}))]);
        assert_eq!(ids(&bare), [missing], "{resource}");
        let taken = pending(json!({resource: "1"}), &message, vec![node(kind, json!({"cpu": "8", resource: "1"}))]);
        assert_eq!(ids(&taken), [scarce], "{resource}: a node offers it");
    }
}

#[test]
fn cpu_and_pods_that_do_not_fit_are_told_only_where_the_scheduler_says_so() {
    let full = "0/1 nodes are available: 1 Insufficient cpu.";
    let big = node("m7i.large", json!({"cpu": "2", "memory": "8Gi", "pods": "29"}));
    assert!(ids(&pending(json!({"cpu": "16"}), full, vec![big.clone()])).contains(&"sched-insufficient-cpu"));
    let memory = "0/1 nodes are available: 1 Insufficient memory.";
    assert!(!ids(&pending(json!({"cpu": "1", "memory": "64Gi"}), memory, vec![big.clone()])).contains(&"sched-insufficient-cpu"));
    let pods = "0/1 nodes are available: 1 Too many pods.";
    assert!(ids(&pending(json!({"cpu": "1"}), pods, vec![big.clone()])).contains(&"sched-too-many-pods"));
    let taint = "0/1 nodes are available: 1 node(s) had untolerated taint {too-many-pods: x}.";
    assert!(!ids(&pending(json!({"cpu": "1"}), taint, vec![big.clone()])).contains(&"sched-too-many-pods"));
    let zone = "0/1 nodes are available: 1 node(s) had no available volume zone.";
    assert!(ids(&pending(json!({}), zone, vec![big.clone()])).contains(&"sched-volume-zone"));
    let affinity = "0/1 nodes are available: 1 node(s) had volume node affinity conflict.";
    assert!(!ids(&pending(json!({}), affinity, vec![big])).contains(&"sched-volume-zone"));
}

#[test]
fn a_required_affinity_is_told_only_where_no_node_meets_it() {
    let message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    let world = |value: &str| {
        let mut facts = pending(json!({}), message, vec![node("m7i.large", json!({"cpu": "2"}))]);
        let mut pod = facts.pod.value().clone();
        let term =
            json!({"matchExpressions": [{"key": "node.kubernetes.io/instance-type", "operator": "In", "values": [value]}]});
        pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] =
            json!([term]);
        facts.pod = Object::new(pod);
        ids(&facts)
    };
    assert!(world("p5.48xlarge").contains(&"sched-node-affinity"));
    assert!(!world("m7i.large").contains(&"sched-node-affinity"), "the node meets it");
}

#[test]
fn a_hybrid_node_needs_a_network_plugin_of_its_own() {
    let world = |pod: &str| {
        let mut facts = subject(
            json!({"kind": "Node", "metadata": {"name": "h1", "labels": {"eks.amazonaws.com/compute-type": "hybrid"}},
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "KubeletNotReady",
                "message": "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized"}]}}),
        );
        facts.related = vec![Object::new(
            json!({"kind": "Pod", "metadata": {"name": pod, "namespace": "kube-system"}, "spec": {"nodeName": "h1"}, "status": {"phase": "Running"}}),
        )];
        ids(&facts)
    };
    assert_eq!(world("kube-proxy-x"), ["hybrid-cni-missing"]);
    assert!(world("cilium-abc").is_empty(), "it is there and has to be looked at itself");
}

#[test]
fn a_node_flaps_when_it_does_so_often_and_lately() {
    let world = |count: i64, at: &str| {
        let mut facts = subject(
            json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}),
        );
        facts.about = vec![Object::new(
            json!({"kind": "Event", "reason": "NodeNotReady", "message": "Node n1 status is now: NodeNotReady", "count": count, "lastTimestamp": at,
            "involvedObject": {"kind": "Node", "name": "n1"}}),
        )];
        ids(&facts)
    };
    assert_eq!(world(4, "2026-01-05T11:55:00Z"), ["node-flapping"]);
    assert!(world(2, "2026-01-05T11:55:00Z").is_empty(), "twice is no habit");
    assert!(world(9, "2026-01-05T09:00:00Z").is_empty(), "three hours ago");
}

#[test]
fn a_startup_probe_fails_and_a_readiness_probe_of_the_same_path_is_another_cause() {
    let world = |kind: &str, started: bool| {
        let spec = json!({kind: {"httpGet": {"path": "/healthz", "port": 8080}}, "ports": [{"containerPort": 8080}]});
        let state = json!({"running": {"startedAt": "2026-01-05T11:57:00Z"}});
        let facts = container(spec, json!({"ready": false, "started": started, "restartCount": 3, "state": state}));
        let what = if kind == "startupProbe" { "Startup" } else { "Readiness" };
        ids(&with_event(
            facts,
            "Unhealthy",
            &format!(
                "{what} probe failed: Get \"http://10.0.0.1:8080/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            ),
        ))
    };
    let is_startup = |it: &&&str| it.starts_with("probe-startup");
    assert!(world("startupProbe", false).iter().any(|it| is_startup(&it)), "{:?}", world("startupProbe", false));
    assert!(!world("readinessProbe", true).iter().any(|it| is_startup(&it)), "{:?}", world("readinessProbe", true));
}
