//! Pods in the states that people find them in.

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
    let condition =
        |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "False", "reason": reason, "message": message});
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

/// A pod of two containers with a declared sidecar.
fn of_two(policy: &str, status: Value) -> (Vec<String>, Health) {
    let pod = json!({"kind": "Pod", "metadata": {"name": "a", "creationTimestamp": "2026-11-23T08:00:00Z"}, "status": status,
        "spec": {"restartPolicy": policy, "containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "mesh", "restartPolicy": "Always"}, {"name": "once"}]}});
    super::status(&Object::new(pod), "2026-11-23T09:30:00Z".parse().unwrap())
}

fn runs(name: &str) -> Value {
    json!({"name": name, "ready": true, "started": true, "state": {"running": {}}})
}

fn ended_with(code: i64) -> Value {
    let reason = if code == 0 { "Completed" } else { "Error" };
    json!({"terminated": {"reason": reason, "exitCode": code, "finishedAt": "2026-11-23T09:25:00Z"}})
}

#[test]
fn containers_that_ended_say_how_unless_their_work_is_done() {
    let not_ready = json!([{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [b]"}]);
    for (policy, code, reason) in [
        ("Never", 3, "container b: Error (exit code 3, 5m ago)"),
        ("OnFailure", 3, "container b: Error (exit code 3, 5m ago)"),
        ("Always", 0, "container b: Completed (exit code 0, 5m ago)"),
        ("Never", 0, ""),
        ("OnFailure", 0, ""),
    ] {
        let b = json!({"name": "b", "ready": false, "state": ended_with(code)});
        let status = json!({"phase": "Running", "containerStatuses": [runs("a"), b], "initContainerStatuses": [runs("mesh")], "conditions": not_ready});
        assert_eq!(of_two(policy, status).1.reason(), reason, "{policy} {code}");
    }
}

#[test]
fn sidecars_are_counted_and_their_crashes_told() {
    let status = |mesh: Value| {
        json!({"phase": "Running", "containerStatuses": [runs("a"), runs("b")], "conditions": [{"type": "Initialized", "status": "True"}],
            "initContainerStatuses": [mesh, {"name": "once", "ready": true, "restartCount": 7, "state": ended_with(0)}]})
    };
    let (cells, health) = of_two("Always", status(runs("mesh")));
    assert_eq!((&cells[..3], health), (&["3/3".to_owned(), "Running".to_owned(), "0".to_owned()][..], Health::Healthy));
    let crash = json!({"name": "mesh", "ready": false, "started": false, "restartCount": 4,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended_with(1)});
    let (cells, health) = of_two("Always", status(crash));
    assert_eq!(cells[..3], ["2/3", "Running", "4 (5m ago)"]);
    assert_eq!(health, Health::Failing("CrashLoopBackOff: Error (exit code 1, 5m ago)".to_owned()));
}

#[test]
fn pods_that_are_lost_or_evicted_or_silent_say_so() {
    for (status, expected) in [
        (
            json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."}),
            Health::Failing("Evicted: The node was low on resource: memory.".to_owned()),
        ),
        (
            json!({"phase": "Failed", "containerStatuses": [{"name": "main", "ready": false, "state": ended_with(3)}]}),
            Health::Failing("Error (exit code 3, 5m ago)".to_owned()),
        ),
        (json!({"phase": "Unknown"}), Health::Failing("Unknown".to_owned())),
        (
            json!({"phase": "Running", "reason": "NodeLost", "message": "Node n is unresponsive"}),
            Health::Failing("NodeLost: Node n is unresponsive".to_owned()),
        ),
        (
            json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "restartCount": 1, "state": {"running": {}}, "lastState": ended_with(1)}]}),
            Health::Degraded("restarted: Error (exit code 1, 5m ago)".to_owned()),
        ),
        (
            json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 1, "state": {"running": {}}, "lastState": ended_with(1)}]}),
            Health::Failing("container main is not ready, restarted: Error (exit code 1, 5m ago)".to_owned()),
        ),
        (json!({}), Health::Degraded("no phase is reported".to_owned())),
    ] {
        assert_eq!(of(status.clone()).1, expected, "{status}");
    }
}

#[test]
fn restarts_of_a_pod_that_is_initialised_are_those_of_its_init_containers_as_kubectl_counts_them() {
    let restarts = |state: Value, initialized: Value| {
        let inits = json!([
            {"name": "mesh", "started": true, "restartCount": 1, "state": {"running": {}}},
            {"name": "once", "restartCount": 4, "state": state, "lastState": ended_with(1)},
            {"name": "later", "restartCount": 2, "state": {"waiting": {"reason": "PodInitializing"}}},
        ]);
        let main = json!([{"name": "a", "restartCount": 7, "state": {"waiting": {"reason": "PodInitializing"}}}]);
        let status =
            json!({"phase": "Pending", "conditions": initialized, "initContainerStatuses": inits, "containerStatuses": main});
        of_two("Always", status).0.get(2).cloned().unwrap()
    };
    let condition = |status: &str| json!([{"type": "Initialized", "status": status}]);
    let waiting = || json!({"waiting": {"reason": "CrashLoopBackOff"}});
    // Up to the one that is not done, with the age of the last restart among them; conditions may still be missing.
    assert_eq!(restarts(waiting(), condition("False")), "5 (5m ago)");
    assert_eq!(restarts(waiting(), json!([])), "5 (5m ago)");
    assert_eq!(restarts(json!({"terminated": {"exitCode": 0}}), condition("False")), "7 (5m ago)");
    // Afterwards those of the containers and of the sidecars.
    assert_eq!(restarts(json!({"terminated": {"exitCode": 0}}), condition("True")), "8");
}
