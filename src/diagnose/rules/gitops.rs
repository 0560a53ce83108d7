//! What controllers on top of Kubernetes could not do: Jobs whose pods are refused, Argo CD, ACK.

use super::{CheckArguments, Rule};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Severity, event_evidence, evidence, field_evidence};

pub(super) const RULES: &[Rule] = &[
    Rule::new("job-cannot-create-pods", Severity::High, cannot_create),
    Rule::new("argocd-sync-failed", Severity::High, sync_failed),
    Rule::new("argocd-degraded-child", Severity::High, degraded_child),
    Rule::new("ack-controller-missing", Severity::High, untouched),
];

/// A Job whose pods are refused; why they are has a cause of its own where the message is known.
fn cannot_create(facts: &Facts) -> Vec<Finding> {
    let Some(job) = facts.subject_of(&["Job"]).filter(|_| !facts.has_pod()) else { return Vec::new() };
    let Some(event) = facts.about.iter().rev().find(|it| it.text("reason") == "FailedCreate") else { return Vec::new() };
    let summary = format!("Job `{}` cannot make its pods: {}.", job.name(), event.text("message").trim_end_matches('.'));
    vec![
        Finding::new("job-cannot-create-pods", Depth::Target, Confidence::High, summary)
            .specific(6)
            .because(event_evidence(event))
            .fix(Risk::Low, "Correct what the message names in the template of the Job"),
    ]
}

/// An Argo CD application whose last sync did not work.
fn sync_failed(facts: &Facts) -> Vec<Finding> {
    let Some(application) = facts.subject_of(&["Application"]) else { return Vec::new() };
    if !matches!(application.text("status.operationState.phase"), "Failed" | "Error") {
        return Vec::new();
    }
    let failed = application.list("status.operationState.syncResult.resources").find(|it| it.text("status") == "SyncFailed");
    let which = failed.as_ref().map_or_else(String::new, |it| {
        format!(" ({} `{}`: {})", it.text("kind"), it.text("name"), it.text("message").trim_end_matches('.'))
    });
    let said = application.text("status.operationState.message").trim_end_matches('.');
    let summary = format!("The last sync of application `{}` failed: {said}{which}.", application.name());
    let fields = ["status.operationState.phase", "status.operationState.message"];
    vec![
        Finding::new("argocd-sync-failed", Depth::Reference, Confidence::Certain, summary)
            .specific(8)
            .because(fields.iter().filter_map(|it| evidence(application, it)))
            .because(failed.and_then(|it| field_evidence(application, &it.get("message")?, None)))
            .fix(Risk::Low, "Correct the resource that the message names in the source, then sync again"),
    ]
}

/// An Argo CD application that is synced and not well.
fn degraded_child(facts: &Facts) -> Vec<Finding> {
    let Some(application) = facts.subject_of(&["Application"]) else { return Vec::new() };
    let unwell = |it: &str| matches!(it, "Degraded" | "Missing");
    let health = application.text("status.health.status");
    let child = application.list("status.resources").find(|it| unwell(it.text("health.status"))).filter(|_| unwell(health));
    let Some(child) = child else { return Vec::new() };
    let [kind, namespace, name] = ["kind", "namespace", "name"].map(|it| child.text(it));
    let said = child.text("health.message").trim_end_matches('.');
    let said = if said.is_empty() { child.text("health.status") } else { said };
    let summary = format!("Application `{}` is {health} because of {kind} `{namespace}/{name}`: {said}.", application.name());
    let check = CheckArguments {
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        ..CheckArguments::default()
    };
    let fields = ["name", "health.status", "health.message"];
    vec![
        Finding::new("argocd-degraded-child", Depth::Container, Confidence::Certain, summary)
            .specific(7)
            .because(evidence(application, "status.health.status"))
            .because(fields.iter().filter_map(|it| field_evidence(application, &child.get(it)?, None)))
            .link(format!("{kind}/{namespace}/{name}"), child.text("health.status"))
            .fix(Risk::None, "Diagnose the child; the application follows")
            .check("What is wrong with the child", "troubleshoot", check),
    ]
}

/// A resource of ACK that no controller has looked at.
fn untouched(facts: &Facts) -> Vec<Finding> {
    let Some(subject) = &facts.subject else { return Vec::new() };
    let of_ack = subject.text("apiVersion").split('/').next().is_some_and(|it| it.ends_with(".services.k8s.aws"));
    let old = subject.created().is_some_and(|it| facts.now.as_second() - it.as_second() > 120);
    if !of_ack || !old || subject.list("status.conditions").next().is_some() {
        return Vec::new();
    }
    let summary = format!("No controller has looked at {} `{}`: it has no conditions.", subject.kind(), subject.name());
    vec![
        Finding::new("ack-controller-missing", Depth::Reference, Confidence::High, summary)
            .specific(7)
            .because(evidence(subject, "apiVersion"))
            .fix(Risk::Low, "Install the ACK controller or capability of this service, or look at its pods"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use crate::domain::object::Object;
    use serde_json::json;

    #[test]
    fn a_job_whose_pods_are_refused_is_told() {
        let mut job = subject(json!({"kind": "Job", "metadata": {"name": "import", "namespace": "shop"}}));
        assert!(ids(&job).is_empty());
        let event = json!({"kind": "Event", "reason": "FailedCreate", "message": "Error creating: something new"});
        job.about = vec![Object::new(event)];
        assert_eq!(ids(&job), ["job-cannot-create-pods"]);
    }

    #[test]
    fn applications_fail_to_sync_or_have_an_unwell_child() {
        let application = |status| {
            subject(json!({"kind": "Application", "metadata": {"name": "shop", "namespace": "argocd"}, "status": status}))
        };
        let failed = json!({"operationState": {"phase": "Failed", "message": "one or more objects failed to apply"}});
        assert_eq!(ids(&application(failed)), ["argocd-sync-failed"]);
        let child = json!({"kind": "Deployment", "namespace": "shop", "name": "web", "health": {"status": "Degraded"}});
        let degraded = json!({"health": {"status": "Degraded"}, "resources": [child]});
        assert_eq!(ids(&application(degraded)), ["argocd-degraded-child"]);
        let well = json!({"health": {"status": "Healthy"}, "operationState": {"phase": "Succeeded"}});
        assert!(ids(&application(well)).is_empty());
    }

    #[test]
    fn a_resource_that_nobody_looked_at_has_no_controller() {
        let bucket = |status| {
            subject(json!({"apiVersion": "s3.services.k8s.aws/v1alpha1", "kind": "Bucket", "status": status,
                "metadata": {"name": "b", "creationTimestamp": "2026-01-05T10:00:00Z"}}))
        };
        assert_eq!(ids(&bucket(json!({}))), ["ack-controller-missing"]);
        assert!(ids(&bucket(json!({"conditions": [{"type": "ACK.ResourceSynced", "status": "True"}]}))).is_empty());
    }
}
