//! Half-written, contradictory and random objects: the engine answers, and never panics.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::{Map, Value, json};

use super::engine::diagnose;
use super::facts::{Facts, Log};
use super::rules::fixtures;
use crate::domain::object::Object;

/// Names that rules look for, so that random objects reach them.
const NAMES: &[&str] = &[
    "metadata",
    "name",
    "namespace",
    "labels",
    "annotations",
    "ownerReferences",
    "kind",
    "controller",
    "deletionTimestamp",
    "finalizers",
    "creationTimestamp",
    "spec",
    "containers",
    "initContainers",
    "image",
    "command",
    "args",
    "ports",
    "containerPort",
    "resources",
    "limits",
    "requests",
    "memory",
    "cpu",
    "nodeName",
    "nodeSelector",
    "affinity",
    "tolerations",
    "volumes",
    "persistentVolumeClaim",
    "claimName",
    "restartPolicy",
    "livenessProbe",
    "readinessProbe",
    "httpGet",
    "path",
    "port",
    "replicas",
    "selector",
    "matchLabels",
    "template",
    "rules",
    "http",
    "paths",
    "backend",
    "service",
    "status",
    "phase",
    "conditions",
    "type",
    "reason",
    "message",
    "containerStatuses",
    "initContainerStatuses",
    "state",
    "lastState",
    "waiting",
    "terminated",
    "running",
    "exitCode",
    "finishedAt",
    "startedAt",
    "restartCount",
    "ready",
    "allocatable",
    "pods",
    "loadBalancer",
    "ingress",
    "suspend",
    "dnsPolicy",
    "hostNetwork",
    "storageClassName",
    "volumeName",
    "provisioner",
    "lastTimestamp",
    "involvedObject",
    "count",
];

const TEXTS: &[&str] = &[
    "",
    "main",
    "web",
    "Pending",
    "Running",
    "Failed",
    "True",
    "False",
    "Unknown",
    "CrashLoopBackOff",
    "OOMKilled",
    "Error",
    "Evicted",
    "2026-01-05T11:58:00Z",
    "not a time",
    "0/3 nodes are available: 3 Insufficient cpu.",
    "0/0 nodes are available",
    "64Mi",
    "-1",
    "100m",
    "FailedScheduling",
    "Unhealthy",
    "FailedCreate",
    "FailedMount",
    "Liveness probe failed: dial tcp 10.0.0.1:80: connect: connection refused",
    "dial tcp: lookup db on 10.0.0.10:53: no such host",
    "Deployment",
    "Job",
    "ReplicaSet",
    "Always",
    "Never",
    "PodScheduled",
    "Ready",
    "\u{1b}[31m\u{202e}x",
    "größe",
    "exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1",
];

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::sample::select(TEXTS).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(7, 120, 8, |inner| {
        let field = (proptest::sample::select(NAMES), inner.clone());
        prop_oneof![
            proptest::collection::vec(inner, 0..4).prop_map(Value::from),
            proptest::collection::vec(field, 0..8).prop_map(|it| Value::Object(
                it.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>()
            )),
        ]
    })
}

/// A pod as it should be, of which any part may be replaced.
fn pod() -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "creationTimestamp": "2026-01-05T11:00:00Z",
            "ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": true}]},
        "spec": {"nodeName": "n1", "containers": [{"name": "main", "image": "web:1", "ports": [{"containerPort": 80}],
            "resources": {"limits": {"memory": "64Mi"}}, "livenessProbe": {"httpGet": {"path": "/", "port": 80}}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
            "containerStatuses": [{"name": "main", "ready": false, "restartCount": 3,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-05T11:57:00Z"}}}]},
    })
}

/// Puts a value in place of the part that a number points to.
fn mutate(target: &mut Value, mut at: usize, with: &Value) {
    let mut place = target;
    loop {
        let length = match place {
            Value::Object(fields) => fields.len(),
            Value::Array(items) => items.len(),
            _ => 0,
        };
        if length == 0 || at % 5 == 4 {
            *place = with.clone();
            return;
        }
        let index = at % length;
        at = at / 3 + 1;
        place = match place {
            Value::Object(fields) => fields.values_mut().nth(index).unwrap(),
            Value::Array(items) => items.get_mut(index).unwrap(),
            _ => unreachable!(),
        };
    }
}

fn check(facts: &Facts) {
    let diagnosis = diagnose(facts);
    assert!(!diagnosis.summary.is_empty());
    assert_eq!(format!("{diagnosis:?}"), format!("{:?}", diagnose(facts)), "the same facts have the same answer");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, rng_seed: RngSeed::Fixed(407), ..ProptestConfig::default() })]

    #[test]
    fn a_pod_of_which_parts_are_wrong_is_diagnosed(parts in proptest::collection::vec((any::<usize>(), value()), 1..4), event in value(), log in ".{0,200}") {
        let mut object = pod();
        for (at, part) in &parts {
            mutate(&mut object, *at, part);
        }
        let mut facts = fixtures::facts(json!({}), json!({}));
        facts.pod = Object::new(object);
        facts.events = vec![Object::new(event.clone())];
        facts.related = vec![Object::new(event)];
        facts.logs = vec![Log { container: "main".into(), previous: true, text: log }];
        check(&facts);
    }

    #[test]
    fn random_objects_of_every_kind_are_diagnosed(kind in proptest::sample::select(&["Deployment", "StatefulSet", "Job", "CronJob", "Service", "Ingress", "PersistentVolumeClaim", "Node", "Namespace", "Application", "Widget"][..]), object in value(), around in proptest::collection::vec(value(), 0..4)) {
        let mut object = match object {
            Value::Object(fields) => Value::Object(fields),
            other => json!({"status": other}),
        };
        object["kind"] = kind.into();
        let mut facts = fixtures::subject(object);
        facts.about = around.iter().cloned().map(Object::new).collect();
        facts.related = around.into_iter().map(Object::new).collect();
        check(&facts);
    }
}
