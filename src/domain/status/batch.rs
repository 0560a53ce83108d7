//! Jobs, and what starts them.

use jiff::Timestamp;

use super::Health;
use super::detail::why;
use super::workload::number;
use crate::domain::object::{Object, Part};
use crate::domain::text::count;
use crate::domain::time::age;

pub(super) fn job(object: &Object) -> (Vec<String>, Health) {
    let wanted = object.integer("spec.completions").unwrap_or(1);
    let done = number(object, "status.succeeded");
    let failed = number(object, "status.failed");
    let holds = |kind: &str| object.condition(kind).filter(|it| it.text("status") == "True");
    // The target is set first, while pods of the failed job are still being stopped.
    let (word, health) = if let Some(condition) = holds("Failed").or_else(|| holds("FailureTarget")) {
        ("Failed", Health::Failing(why(Part(condition.value), "Failed")))
    } else if done >= wanted || holds("Complete").is_some() || holds("SuccessCriteriaMet").is_some() {
        ("Complete", Health::Healthy)
    } else if object.boolean("spec.suspend") == Some(true) || holds("Suspended").is_some() {
        ("Suspended", Health::Healthy)
    } else if failed > 0 {
        let failed = usize::try_from(failed).unwrap_or_default();
        ("Running", Health::Degraded(format!("retrying: {} failed", count(failed, "pod"))))
    } else {
        ("Running", Health::Healthy)
    };
    (vec![format!("{done}/{wanted}"), word.to_owned()], health)
}

pub(super) fn cron_job(object: &Object, now: Timestamp) -> (Vec<String>, Health) {
    let suspended = object.boolean("spec.suspend") == Some(true);
    let last = object.time("status.lastScheduleTime").map(|it| format!("{} ago", age(now, it))).unwrap_or_default();
    (vec![object.text("spec.schedule").to_owned(), if suspended { "yes" } else { "no" }.to_owned(), last], Health::Healthy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn jobs_say_how_far_they_are_and_why_they_stopped() {
        let holds = |kind: &str| json!({"conditions": [{"type": kind, "status": "True", "reason": "PodFailurePolicy", "message": "exit code 42"}]});
        for (suspend, status, word, reason) in [
            (false, holds("Failed"), "Failed", "PodFailurePolicy: exit code 42"),
            (false, holds("FailureTarget"), "Failed", "PodFailurePolicy: exit code 42"),
            (true, holds("Failed"), "Failed", "PodFailurePolicy: exit code 42"),
            (false, holds("SuccessCriteriaMet"), "Complete", ""),
            (true, json!({}), "Suspended", ""),
            (false, holds("Suspended"), "Suspended", ""),
            (false, json!({"failed": 2}), "Running", "retrying: 2 pods failed"),
            (false, json!({"failed": 1, "succeeded": 1}), "Complete", ""),
        ] {
            let object = json!({"kind": "Job", "metadata": {"name": "a"}, "spec": {"suspend": suspend}, "status": status});
            let (cells, health) = job(&Object::new(object));
            assert_eq!((cells[1].as_str(), health.reason()), (word, reason), "{status}");
        }
    }
}
