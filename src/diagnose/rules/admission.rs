//! Pods that are not what their template says.

use super::{Rule, label};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::{Container, Facts};
use crate::diagnose::finding::{Depth, Finding, Role, Severity, evidence, field_evidence};
use crate::domain::object::{Field, Object};
use crate::domain::quantity;
use crate::domain::text::join_and;

pub(super) const RULES: &[Rule] = &[
    Rule::new("pod-mutated-at-admission", Severity::High, mutated),
    Rule::new("limitrange-default-injected", Severity::Medium, defaulted),
];

/// Fields of a container that decide how it fares, and that nothing should change on the way in.
const FIELDS: &[&str] =
    &["resources.limits.memory", "resources.limits.cpu", "resources.requests.memory", "resources.requests.cpu", "image"];

/// One field that differs.
pub(in crate::diagnose) struct Difference<'a> {
    container: Container<'a>,
    path: &'static str,
    /// In the template; absent where it does not say.
    declared: Option<Field<'a>>,
    /// In the pod.
    live: Field<'a>,
}

/// What of the pod differs from the template of the workload that made it.
pub(in crate::diagnose) fn differences(facts: &Facts) -> Vec<Difference<'_>> {
    let Some(owner) = facts.owners.first() else { return Vec::new() };
    let mut found = Vec::new();
    for container in facts.containers() {
        let list = if container.init { "spec.template.spec.initContainers" } else { "spec.template.spec.containers" };
        let Some(template) = owner.list(list).find(|it| it.text("name") == container.name) else { continue };
        for path in FIELDS {
            let Some(live) = container.spec.get(path) else { continue };
            let declared = template.get(path);
            let same = declared.as_ref().is_some_and(|it| is_same(it, &live));
            if !same {
                found.push(Difference { container: container.clone(), path, declared, live });
            }
        }
    }
    found
}

/// Quantities are written in many ways.
fn is_same(a: &Field<'_>, b: &Field<'_>) -> bool {
    let text = |it: &Field<'_>| it.value.as_str().map_or_else(|| it.value.to_string(), str::to_owned);
    let (a, b) = (text(a), text(b));
    a == b
        || quantity::parse_any(&a)
            .zip(quantity::parse_any(&b))
            .is_some_and(|(a, b)| (a - b).abs() < f64::EPSILON * a.abs().max(1.0))
}

fn mutated(facts: &Facts) -> Vec<Finding> {
    // A request that is missing is filled in from the limit, and by LimitRanges and autoscalers; a declared value is not.
    let changed: Vec<Difference<'_>> = differences(facts).into_iter().filter(|it| it.declared.is_some()).collect();
    let Some(first) = changed.first() else { return Vec::new() };
    let webhooks: Vec<&Object> = facts.related_of("MutatingWebhookConfiguration").filter(|it| touches_pods(it)).collect();
    let names: Vec<String> = webhooks.iter().map(|it| format!("`{}`", it.name())).collect();
    let values: Vec<String> = changed
        .iter()
        .take(3)
        .map(|it| {
            format!(
                "{} of {} is {} instead of {}",
                it.path,
                label(&it.container),
                shown(&it.live),
                it.declared.as_ref().map_or_else(|| "nothing".to_owned(), shown)
            )
        })
        .collect();
    let by = match names.as_slice() {
        [] => "a mutating webhook or an autoscaler changed it at admission".to_owned(),
        [one] => format!(
            "the mutating webhook {one} (MutatingWebhookConfiguration) applies to pods and may have changed it at admission"
        ),
        several => {
            format!("one of the mutating webhooks {} (MutatingWebhookConfiguration) changed it at admission", join_and(several))
        }
    };
    let explains = first.container.exit(facts.now).is_some() || !facts.is_ready();
    let owner = facts.owners.first();
    let evidence: Vec<Evidence> = changed
        .iter()
        .take(3)
        .flat_map(|it| {
            let declared = it.declared.as_ref().zip(owner).and_then(|(field, owner)| field_evidence(owner, field, None));
            field_evidence(&facts.pod, &it.live, None).into_iter().chain(declared)
        })
        .collect();
    let hooks = webhooks.iter().take(3).filter_map(|it| evidence_of(it));
    vec![
        Finding::new(
            "pod-mutated-at-admission",
            Depth::Reference,
            if names.is_empty() { Confidence::Medium } else { Confidence::High },
            format!("The pod is not what its template says: {}; {by}.", values.join("; ")),
        )
        .specific(9)
        .role(if explains { Role::Cause } else { Role::Contributing })
        .because(evidence)
        .because(hooks)
        .link(label(&first.container), first.container.state(facts.now))
        .fix(Risk::Medium, "Correct or remove the mutation in the webhook's policy, then recreate the pods")
        .fix(Risk::None, "Compare with a pod made in a namespace that the webhook leaves out"),
    ]
}

fn evidence_of(webhook: &Object) -> Option<Evidence> {
    evidence(webhook, "webhooks[0].name").or_else(|| evidence(webhook, "metadata.name"))
}

/// Whether a configuration has a webhook that is called when pods are made.
fn touches_pods(configuration: &Object) -> bool {
    let has = |rule: &Field<'_>, path: &str, wanted: &[&str]| {
        rule.list(path).iter().filter_map(|it| it.value.as_str()).any(|it| wanted.contains(&it))
    };
    configuration.list("webhooks").any(|webhook| {
        webhook
            .list("rules")
            .iter()
            .any(|rule| has(rule, "resources", &["pods", "*", "*/*"]) && has(rule, "operations", &["CREATE", "*"]))
    })
}

/// Limits that the template does not have and a LimitRange of the namespace does.
fn defaulted(facts: &Facts) -> Vec<Finding> {
    let added = differences(facts).into_iter().filter(|it| it.declared.is_none() && it.path.starts_with("resources.limits"));
    let found = added.filter_map(|difference| {
        let resource = difference.path.rsplit('.').next()?;
        let range = facts.related_of("LimitRange").find(|range| {
            range
                .list("spec.limits")
                .any(|limit| limit.get(&format!("default.{resource}")).is_some_and(|it| is_same(&it, &difference.live)))
        })?;
        let summary = format!(
            "{} has no {resource} limit in its template; LimitRange `{}` gave it {}.",
            super::title(&difference.container),
            range.name(),
            shown(&difference.live)
        );
        Some(
            Finding::new("limitrange-default-injected", Depth::Container, Confidence::Certain, summary)
                .specific(6)
                .role(Role::Contributing)
                .because(field_evidence(&facts.pod, &difference.live, None)),
        )
    });
    found.collect()
}

fn shown(field: &Field<'_>) -> String {
    field.value.as_str().map_or_else(|| field.value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::{Value, json};

    fn with_template(live: &str, declared: Value) -> Facts {
        let mut facts = crashed(json!({"image": "a:1", "resources": {"limits": {"memory": live}}}), 137, "OOMKilled", "");
        let template = json!({"name": "main", "image": "a:1", "resources": declared});
        facts.owners = vec![Object::new(json!({
            "kind": "ReplicaSet", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": {"spec": {"containers": [template]}}},
        }))];
        facts
    }

    #[test]
    fn a_declared_value_that_was_changed_is_told_with_the_webhooks_that_touch_pods() {
        let mut facts = with_template("16Mi", json!({"limits": {"memory": "256Mi"}}));
        let hook = |name: &str, resource: &str| {
            Object::new(json!({
                "kind": "MutatingWebhookConfiguration", "metadata": {"name": name},
                "webhooks": [{"name": format!("{name}.io"), "rules": [{"operations": ["CREATE"], "resources": [resource]}]}],
            }))
        };
        facts.related = vec![hook("shrink", "pods"), hook("other", "ingresses")];
        let found = finding(&facts, "pod-mutated-at-admission");
        assert!(found.summary.contains("is 16Mi instead of 256Mi; the mutating webhook `shrink`"), "{}", found.summary);
        let same = with_template("0.25Gi", json!({"limits": {"memory": "256Mi"}}));
        assert!(!ids(&same).contains(&"pod-mutated-at-admission"));
    }

    #[test]
    fn what_a_limit_range_fills_in_is_no_mutation() {
        let mut facts = with_template("128Mi", json!({}));
        facts.related = vec![Object::new(
            json!({"kind": "LimitRange", "metadata": {"name": "defaults"}, "spec": {"limits": [{"type": "Container", "default": {"memory": "128Mi"}}]}}),
        )];
        assert!(!ids(&facts).contains(&"pod-mutated-at-admission"));
        let found = finding(&facts, "limitrange-default-injected");
        assert!(found.summary.contains("LimitRange `defaults` gave it 128Mi") && found.role == Role::Contributing);
    }
}
