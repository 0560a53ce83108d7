//! Kinds nobody compiled in, by the conventions that controllers of custom resources follow.

use jiff::Timestamp;

use super::Health;
use super::detail::{why, with_detail};
use crate::domain::object::{Object, Part};

/// Conditions whose status True is good, in the order in which they tell most.
const GOOD: [&str; 11] = [
    "Ready",
    "Available",
    "Healthy",
    "Synced",
    "Established",
    "Programmed",
    "Accepted",
    "Reconciled",
    "ResourceSynced",
    "ACK.ResourceSynced",
    "Succeeded",
];

/// A change that takes longer than this many seconds is worth a look.
const CHANGING: i64 = 300;

pub(super) fn status(object: &Object, now: Timestamp) -> (Vec<String>, Health) {
    let phase = [object.text("status.phase"), object.text("status.state")].into_iter().find(|it| !it.is_empty());
    let phase = phase.unwrap_or_default();
    let health = match (bad_condition(object), argo(object, now)) {
        (Health::Failing(why), _) | (_, Health::Failing(why)) => Health::Failing(why),
        (condition, argo) => {
            let health = if condition.is_healthy() { argo } else { condition };
            by_phase(object, phase, health)
        }
    };
    let cell = if health.is_healthy() {
        let holds = |kind: &&str| object.condition(kind).is_some_and(|it| it.text("status") == "True");
        GOOD.into_iter().find(holds).unwrap_or(phase).to_owned()
    } else {
        health.reason().split(": ").next().unwrap_or_default().to_owned()
    };
    (vec![cell], health)
}

/// The worst of the conditions. What went wrong tells more than what is therefore not ready.
fn bad_condition(object: &Object) -> Health {
    let wrong = |severe: bool| {
        object.parts("status.conditions").find(|it| {
            let kind = it.text("type");
            // Some controllers list only the errors that there are, without a status.
            let holds = it.text("status") == "True" || (kind.ends_with("Error") && !it.has("status"));
            holds && severity(kind) == Some(severe)
        })
    };
    if let Some(condition) = wrong(true) {
        return Health::Failing(why(condition, condition.text("type")));
    }
    if let Some(condition) = wrong(false) {
        return Health::Degraded(why(condition, condition.text("type")));
    }
    for kind in GOOD {
        let Some(condition) = object.condition(kind) else { continue };
        let status = condition.text("status");
        // Whether a run succeeds is not known before its end.
        if status == "True" || (kind == "Succeeded" && status == "Unknown") {
            continue;
        }
        return Health::Degraded(why(Part(condition.value), &format!("{kind}={status}")));
    }
    Health::Healthy
}

/// Of conditions whose status True is bad: whether the object then fails, and not only suffers.
fn severity(kind: &str) -> Option<bool> {
    match kind {
        "Degraded" | "ACK.Recoverable" => Some(false),
        "Stalled" | "Failed" | "Terminal" | "ACK.Terminal" => Some(true),
        _ if kind.ends_with("Error") || kind.ends_with("Failure") => Some(true),
        _ => None,
    }
}

/// What a phase adds to what conditions say: that it is over.
fn by_phase(object: &Object, phase: &str, health: Health) -> Health {
    if !["failed", "error", "degraded", "lost"].iter().any(|it| phase.eq_ignore_ascii_case(it)) {
        return health;
    }
    Health::Failing(match health {
        Health::Degraded(why) => why,
        _ => with_detail(phase, object.text("status.message")),
    })
}

/// An Application of Argo CD, which has no conditions for its health.
fn argo(object: &Object, now: Timestamp) -> Health {
    if object.kind() != "Application" {
        return Health::Healthy;
    }
    let (health, message) = (object.text("status.health.status"), object.text("status.health.message"));
    let since = ["status.health.lastTransitionTime", "status.operationState.startedAt", "metadata.creationTimestamp"];
    let since = since.iter().find_map(|it| object.time(it)).map_or(i64::MAX, |it| now.as_second() - it.as_second());
    match health {
        "Degraded" | "Missing" => return Health::Failing(with_detail(health, message)),
        "Progressing" | "Suspended" if since > CHANGING => return Health::Degraded(with_detail(health, message)),
        "Unknown" => return Health::Degraded(with_detail("health Unknown", message)),
        _ => {}
    }
    match object.text("status.sync.status") {
        "OutOfSync" => Health::Degraded("OutOfSync".to_owned()),
        "Unknown" => Health::Degraded("sync Unknown".to_owned()),
        _ => Health::Healthy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(kind: &str, status: &Value) -> (Vec<String>, Health) {
        let object = json!({"kind": kind, "metadata": {"name": "a", "generation": 3, "creationTimestamp": "2026-11-23T08:00:00Z"}, "status": status});
        super::status(&Object::new(object), "2026-11-23T09:30:00Z".parse().unwrap())
    }

    fn condition(kind: &str, status: &str, reason: &str, message: &str) -> Value {
        json!({"type": kind, "status": status, "reason": reason, "message": message})
    }

    #[test]
    fn good_conditions_that_do_not_hold_degrade_with_reason_and_message() {
        for kind in GOOD {
            let (cells, health) = of("Thing", &json!({"conditions": [condition(kind, "False", "Missing", "no subnet")]}));
            assert_eq!((cells[0].as_str(), &health), ("Missing", &Health::Degraded("Missing: no subnet".to_owned())), "{kind}");
            let (cells, health) = of("Thing", &json!({"conditions": [condition(kind, "True", "Fine", "")]}));
            assert_eq!((cells[0].as_str(), health), (kind, Health::Healthy));
            let unknown = of("Thing", &json!({"conditions": [condition(kind, "Unknown", "", "")]})).1;
            assert_eq!(unknown.reason(), if kind == "Succeeded" { String::new() } else { format!("{kind}=Unknown") });
        }
        // One that holds does not hide one that does not.
        let both =
            json!({"conditions": [condition("Ready", "True", "", ""), condition("Synced", "False", "ReconcileError", "denied")]});
        assert_eq!(of("Thing", &both).1.reason(), "ReconcileError: denied");
        let behind = json!({"observedGeneration": 1, "conditions": [condition("Ready", "True", "", "")]});
        assert_eq!(of("Thing", &behind).1, Health::Healthy);
    }

    #[test]
    fn bad_conditions_that_hold_come_before_what_is_therefore_not_ready() {
        let behind = condition("ACK.ResourceSynced", "False", "", "");
        for (kind, failing) in [
            ("Stalled", true),
            ("Failed", true),
            ("Terminal", true),
            ("ACK.Terminal", true),
            ("ReconcileError", true),
            ("LaunchFailure", true),
            ("Degraded", false),
            ("ACK.Recoverable", false),
        ] {
            let health = of("Thing", &json!({"conditions": [behind, condition(kind, "True", "", "denied")]})).1;
            let why = format!("{kind}: denied");
            assert_eq!(health, if failing { Health::Failing(why) } else { Health::Degraded(why) });
            assert_eq!(of("Thing", &json!({"conditions": [condition(kind, "False", "", "")]})).1, Health::Healthy, "{kind}");
        }
    }

    #[test]
    fn phases_and_states_that_mean_the_end_fail() {
        for (status, expected) in [
            (json!({"phase": "Failed", "message": "child failed"}), "Failed: child failed"),
            (json!({"state": "error"}), "error"),
            (json!({"phase": "Lost", "conditions": [condition("Ready", "False", "Gone", "")]}), "Gone"),
            (json!({"phase": "Running"}), ""),
            (json!({"state": {"failed": 1}}), ""),
        ] {
            let health = of("Thing", &status).1;
            assert_eq!((health.reason(), matches!(health, Health::Failing(_))), (expected, !expected.is_empty()), "{status}");
        }
    }

    #[test]
    fn applications_of_argo_are_as_healthy_as_they_say() {
        let since = |health: &str, since: &str| json!({"health": {"status": health, "lastTransitionTime": since}, "sync": {"status": "Synced"}});
        for (status, expected) in [
            (since("Healthy", "2026-11-23T09:00:00Z"), Health::Healthy),
            (since("Degraded", "2026-11-23T09:29:00Z"), Health::Failing("Degraded".to_owned())),
            (since("Missing", "2026-11-23T09:29:00Z"), Health::Failing("Missing".to_owned())),
            (since("Progressing", "2026-11-23T09:29:00Z"), Health::Healthy),
            (since("Progressing", "2026-11-23T09:00:00Z"), Health::Degraded("Progressing".to_owned())),
            (since("Suspended", "2026-11-23T09:00:00Z"), Health::Degraded("Suspended".to_owned())),
            (json!({"health": {"status": "Healthy"}, "sync": {"status": "OutOfSync"}}), Health::Degraded("OutOfSync".to_owned())),
            (
                json!({"sync": {"status": "Unknown"}, "conditions": [{"type": "ComparisonError", "message": "no such repository"}]}),
                Health::Failing("ComparisonError: no such repository".to_owned()),
            ),
        ] {
            assert_eq!(of("Application", &status).1, expected, "{status}");
        }
    }
}
