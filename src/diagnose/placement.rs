//! Whether a pod may run on a node, as the scheduler decides it: taints, selectors, volumes, resources.

use serde_json::Value;

use super::facts::Facts;
use crate::domain::object::{Field, Object};
use crate::domain::quantity;

/// What speaks for and against one node.
#[derive(Clone, Debug)]
pub struct Fit<'a> {
    /// The node.
    pub node: &'a Object,
    /// Taints that the pod does not tolerate and that keep it out.
    pub taints: Vec<Field<'a>>,
    /// The first constraint on labels that the node does not meet.
    pub refused_by: Option<Refusal>,
    /// The first volume that cannot be reached from the node.
    pub volume: Option<&'a Object>,
}

/// A constraint on labels that a node does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An entry of `spec.nodeSelector`.
    Selector(String),
    /// The required node affinity.
    Affinity,
}

impl Fit<'_> {
    /// Whether labels and volumes allow the node, whatever its taints.
    pub fn is_wanted(&self) -> bool {
        self.refused_by.is_none() && self.volume.is_none()
    }

    /// Whether only resources can keep the pod out.
    pub fn is_candidate(&self) -> bool {
        self.is_wanted() && self.taints.is_empty()
    }
}

/// How every node fits; nothing when nodes could not be read.
pub fn fits(facts: &Facts) -> Option<Vec<Fit<'_>>> {
    let nodes = facts.nodes.as_ref()?;
    let fit = |node| Fit {
        node,
        taints: blocking_taints(&facts.pod, node),
        refused_by: refused_by(&facts.pod, node),
        volume: facts.volumes.iter().find(|volume| !reaches(volume, node)),
    };
    Some(nodes.iter().map(fit).collect())
}

/// Whether a persistent volume can be used from a node.
pub fn reaches(volume: &Object, node: &Object) -> bool {
    volume.get("spec.nodeAffinity.required").is_none_or(|it| matches_terms(it, node))
}

fn refused_by(pod: &Object, node: &Object) -> Option<Refusal> {
    let selector = pod.get("spec.nodeSelector").and_then(Value::as_object);
    let wrong = selector.and_then(|it| it.iter().find(|(key, value)| node.label(key) != value.as_str()));
    if let Some((key, _)) = wrong {
        return Some(Refusal::Selector(key.clone()));
    }
    let required = pod.get("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution")?;
    (!matches_terms(required, node)).then_some(Refusal::Affinity)
}

/// Node selector terms: one of them must hold.
fn matches_terms(selector: &Value, node: &Object) -> bool {
    let terms = selector.get("nodeSelectorTerms").and_then(Value::as_array);
    terms.is_some_and(|terms| terms.iter().any(|term| matches_term(term, node)))
}

fn matches_term(term: &Value, node: &Object) -> bool {
    let list = |key: &str| term.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let (labels, fields) = (list("matchExpressions"), list("matchFields"));
    // A term without any expression matches nothing.
    !(labels.is_empty() && fields.is_empty())
        && labels.iter().all(|it| holds(it, node.label(text(it, "key"))))
        && fields.iter().all(|it| text(it, "key") == "metadata.name" && holds(it, Some(node.name())))
}

fn holds(expression: &Value, found: Option<&str>) -> bool {
    let values: Vec<&str> =
        expression.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let number = |text: &str| text.parse::<i64>().ok();
    let bound = values.first().copied().and_then(number);
    match text(expression, "operator") {
        "In" => found.is_some_and(|it| values.contains(&it)),
        "NotIn" => found.is_none_or(|it| !values.contains(&it)),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => found.and_then(number).zip(bound).is_some_and(|(found, bound)| found > bound),
        "Lt" => found.and_then(number).zip(bound).is_some_and(|(found, bound)| found < bound),
        _ => false,
    }
}

fn blocking_taints<'a>(pod: &Object, node: &'a Object) -> Vec<Field<'a>> {
    node.list("spec.taints")
        .filter(|taint| matches!(taint.text("effect"), "NoSchedule" | "NoExecute") && !tolerates(pod, taint))
        .collect()
}

fn tolerates(pod: &Object, taint: &Field<'_>) -> bool {
    pod.list("spec.tolerations").any(|toleration| {
        let (key, effect) = (toleration.text("key"), toleration.text("effect"));
        let (found, bound) = (taint.text("value").parse::<i64>(), toleration.text("value").parse::<i64>());
        let same_value = match toleration.text("operator") {
            "Exists" => true,
            "Gt" => matches!((found, bound), (Ok(found), Ok(bound)) if found > bound),
            "Lt" => matches!((found, bound), (Ok(found), Ok(bound)) if found < bound),
            _ => toleration.text("value") == taint.text("value"),
        };
        (effect.is_empty() || effect == taint.text("effect"))
            && same_value
            && (key == taint.text("key") || (key.is_empty() && toleration.text("operator") == "Exists"))
    })
}

/// What the pod requests of a resource, as the scheduler adds it up.
pub fn requested(pod: &Object, resource: &str) -> f64 {
    let amount =
        |field: &Value| field.pointer("/resources/requests").and_then(|it| it.get(resource)).and_then(value).unwrap_or(0.0);
    let overhead = pod.get("spec.overhead").and_then(|it| it.get(resource)).and_then(value).unwrap_or(0.0);
    // Resources of the pod as a whole replace those of its containers.
    if let Some(whole) = pod.get("spec.resources.requests").and_then(|it| it.get(resource)).and_then(value) {
        return whole + overhead;
    }
    let containers: f64 = pod.list("spec.containers").map(|it| amount(it.value)).sum();
    let (mut sidecars, mut peak) = (0.0, 0.0_f64);
    for init in pod.list("spec.initContainers") {
        if init.text("restartPolicy") == "Always" {
            sidecars += amount(init.value);
            peak = peak.max(sidecars);
        } else {
            peak = peak.max(sidecars + amount(init.value));
        }
    }
    peak.max(containers + sidecars) + overhead
}

/// What a node offers to pods of a resource.
pub fn allocatable(node: &Object, resource: &str) -> Option<f64> {
    value(node.get("status.allocatable")?.get(resource)?)
}

fn value(amount: &Value) -> Option<f64> {
    amount.as_f64().or_else(|| quantity::parse_any(amount.as_str()?))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn taints_are_tolerated_by_key_value_and_effect() {
        let node = Object::new(
            json!({"spec": {"taints": [{"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}, {"key": "x", "effect": "PreferNoSchedule"}]}}),
        );
        for (tolerations, blocked) in [
            (json!([]), 1),
            (json!([{"operator": "Exists"}]), 0),
            (json!([{"key": "dedicated", "operator": "Exists"}]), 0),
            (json!([{"key": "dedicated", "value": "gpu"}]), 0),
            (json!([{"key": "dedicated", "value": "batch"}]), 1),
            (json!([{"key": "dedicated", "value": "gpu", "effect": "NoExecute"}]), 1),
        ] {
            let pod = Object::new(json!({"spec": {"tolerations": tolerations}}));
            assert_eq!(blocking_taints(&pod, &node).len(), blocked, "{tolerations}");
        }
    }

    #[test]
    fn selectors_and_affinities_are_evaluated() {
        let node = Object::new(json!({"metadata": {"name": "n1", "labels": {"zone": "a", "cores": "8"}}}));
        let pod = |spec: Value| Object::new(json!({ "spec": spec }));
        let term = |expression: Value| {
            pod(
                json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}}}),
            )
        };
        assert_eq!(refused_by(&pod(json!({"nodeSelector": {"zone": "b"}})), &node), Some(Refusal::Selector("zone".into())));
        assert_eq!(refused_by(&pod(json!({"nodeSelector": {"zone": "a"}})), &node), None);
        assert_eq!(refused_by(&term(json!({"key": "zone", "operator": "In", "values": ["a", "b"]})), &node), None);
        assert_eq!(
            refused_by(&term(json!({"key": "zone", "operator": "NotIn", "values": ["a"]})), &node),
            Some(Refusal::Affinity)
        );
        assert_eq!(refused_by(&term(json!({"key": "cores", "operator": "Gt", "values": ["4"]})), &node), None);
        assert_eq!(refused_by(&term(json!({"key": "gpu", "operator": "Exists"})), &node), Some(Refusal::Affinity));
    }

    #[test]
    fn requests_add_up_like_the_scheduler_does() {
        let one = |amount: &str| json!({"resources": {"requests": {"memory": amount}}});
        let mut sidecar = one("1Gi");
        sidecar["restartPolicy"] = "Always".into();
        let pod = Object::new(
            json!({"spec": {"containers": [one("2Gi"), one("1Gi")], "initContainers": [sidecar, one("5Gi")], "overhead": {"memory": "1Gi"}}}),
        );
        assert!((requested(&pod, "memory") - 7.0 * 1024_f64.powi(3)).abs() < 1.0);
    }
}
