//! Which of several findings is the root cause, and what is said when there is none.

use serde_json::json;

use super::super::diagnosis::Confidence;
use super::super::rules::RULES;
use super::super::rules::fixtures::{container, crashed, facts, with_event};
use super::*;

#[test]
fn every_id_stands_once_and_is_written_like_an_id() {
    let mut seen = BTreeSet::new();
    for rule in RULES.iter().flat_map(|it| it.iter()) {
        assert!(seen.insert(rule.id), "{}", rule.id);
        assert!(rule.id.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-'), "{}", rule.id);
    }
}

#[test]
fn a_symptom_never_is_the_root_cause() {
    let facts = with_event(
        crashed(json!({"resources": {"limits": {"memory": "64Mi"}}}), 137, "OOMKilled", ""),
        "BackOff",
        "Back-off restarting failed container main in pod web-1",
    );
    let diagnosis = diagnose(&facts);
    let root = diagnosis.root_cause.unwrap();
    assert_eq!(
        (diagnosis.status, root.id.as_str(), root.confidence),
        (Status::Failing, "container-oom-limit", Confidence::Certain)
    );
    assert!(diagnosis.evidence.iter().all(|it| !it.value.contains("Back-off")));
    assert_eq!(diagnosis.chain.last().unwrap().object, "container `main`");
}

#[test]
fn without_a_rule_the_reason_is_quoted() {
    let waiting = json!({"ready": false, "state": {"waiting": {"reason": "SomethingNew", "message": "nobody knows this yet"}}});
    let diagnosis = diagnose(&container(json!({}), waiting));
    assert_eq!(diagnosis.status, Status::Failing);
    assert!(
        diagnosis.root_cause.is_none() && diagnosis.summary.contains("SomethingNew") && !diagnosis.next_checks.is_empty(),
        "{}",
        diagnosis.summary
    );
    let unbound = json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."}]});
    let diagnosis = diagnose(&facts(json!({"containers": [{"name": "main"}]}), unbound));
    assert!(diagnosis.root_cause.is_none() && diagnosis.summary.contains("unbound immediate"), "{}", diagnosis.summary);
}

#[test]
fn recovery_decides_between_healthy_and_degraded() {
    let status = |finished: &str| {
        json!({
            "ready": true, "restartCount": 2, "state": {"running": {"startedAt": finished}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": finished}},
        })
    };
    let pod = |finished: &str| {
        let mut facts = container(json!({"resources": {"limits": {"memory": "64Mi"}}}), status(finished));
        let mut value = facts.pod.value().clone();
        value["status"]["conditions"] = json!([{"type": "Ready", "status": "True"}]);
        facts.pod = Object::new(value);
        diagnose(&facts)
    };
    let old = pod("2025-12-30T12:00:00Z");
    assert_eq!((old.status, old.root_cause.is_none()), (Status::Healthy, true));
    assert!(old.summary.contains("2 restarts, the last 6d ago"), "{}", old.summary);
    let recent = pod("2026-01-05T11:40:00Z");
    assert_eq!((recent.status, recent.root_cause.unwrap().id.as_str()), (Status::Degraded, "container-oom-limit"));
}
