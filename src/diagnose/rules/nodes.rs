//! Nodes that are full, closed or not there.

use super::Rule;
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::{Facts, event_count, event_time};
use crate::diagnose::finding::{Depth, Finding, Liveness, Role, Severity, event_evidence, evidence, field_evidence};
use crate::domain::object::Object;
use crate::domain::quantity;
use crate::domain::text::count;
use crate::domain::time::age;

pub(super) const RULES: &[Rule] = &[
    Rule::new("node-max-pods-reached", Severity::Medium, max_pods),
    Rule::new("node-cordoned-forgotten", Severity::Low, cordoned),
    Rule::new("pod-stuck-terminating", Severity::High, stuck),
    Rule::new("addon-vpc-cni-missing", Severity::Critical, cni_missing).also(&[("hybrid-cni-missing", Severity::High)]),
    Rule::new("node-flapping", Severity::High, flapping),
    Rule::new("karpenter-limits-exceeded", Severity::High, pool_limits),
];

/// Pods that count against the limit of a node: those that have ended do not.
fn is_counted(pod: &Object) -> bool {
    !matches!(pod.text("status.phase"), "Succeeded" | "Failed")
}

fn max_pods(facts: &Facts) -> Vec<Finding> {
    let Some(node) = facts.subject_of(&["Node"]) else { return Vec::new() };
    let text = node.text("status.allocatable.pods");
    let Ok(limit) = text.parse::<usize>() else { return Vec::new() };
    let pods = facts.related_of("Pod").filter(|it| it.text("spec.nodeName") == node.name() && is_counted(it)).count();
    if limit == 0 || pods < limit {
        return Vec::new();
    }
    let kind = node.label("node.kubernetes.io/instance-type").map(|it| format!(" of type {it}")).unwrap_or_default();
    let interfaces = facts.aws_of("InstanceType").find(|it| Some(it.name()) == node.label("node.kubernetes.io/instance-type"));
    let held = interfaces.and_then(|it| it.integer("interfaces").zip(it.integer("addresses_per_interface")));
    let why = match held {
        // One address of each interface is its own; two pods of the node need none.
        Some((number, each)) if usize::try_from(number * (each - 1) + 2) == Ok(limit) => {
            format!("; its {number} network interfaces hold {each} addresses each, which is what gives this maximum")
        }
        _ if matches!(limit, 110 | 250) => String::new(),
        _ => "; on EKS this maximum comes from the addresses that the interfaces of the instance type can hold".to_owned(),
    };
    let summary = format!(
        "Node `{}`{kind} is full: it runs {pods} of at most {limit} pods{why}. New pods have to go elsewhere.",
        node.name()
    );
    vec![
        Finding::new("node-max-pods-reached", Depth::Target, Confidence::Certain, summary)
            .specific(8)
            .because(evidence(node, "status.allocatable.pods"))
            .because(evidence(node, "status.capacity.pods"))
            .because(interfaces.filter(|_| why.contains("hold")).and_then(|it| evidence(it, "addresses_per_interface")))
            .fix(Risk::Low, "Add nodes, or use larger instances")
            .fix(Risk::Medium, "Or switch on prefix delegation of the VPC CNI and raise the maximum for new nodes"),
    ]
}

fn cordoned(facts: &Facts) -> Vec<Finding> {
    let Some(node) = facts.subject_of(&["Node"]).filter(|it| it.boolean("spec.unschedulable") == Some(true)) else {
        return Vec::new();
    };
    let taint = node.list("spec.taints").find(|it| it.text("key") == "node.kubernetes.io/unschedulable");
    let since = taint.and_then(|it| it.time("timeAdded"));
    let ago = since.map(|it| format!(" for {}", age(facts.now, it))).unwrap_or_default();
    let pods = facts.related_of("Pod").filter(|it| is_counted(it)).count();
    let summary = format!(
        "Node `{}` is cordoned{ago}, so no new pods are placed on it; {} still run there.",
        node.name(),
        count(pods, "pod")
    );
    vec![
        Finding::new("node-cordoned-forgotten", Depth::Target, Confidence::High, summary)
            .specific(5)
            .because(evidence(node, "spec.unschedulable"))
            .fix_with(Risk::Low, "Uncordon it when no update or drain is under way", format!("kubectl uncordon {}", node.name())),
    ]
}

/// Pods that should be gone.
fn stuck(facts: &Facts) -> Vec<Finding> {
    let pods = facts
        .has_pod()
        .then_some(&facts.pod)
        .into_iter()
        .chain(facts.related_of("Pod").filter(|_| facts.subject_of(&["Node"]).is_some()));
    let late =
        |pod: &&Object| pod.time("metadata.deletionTimestamp").is_some_and(|it| facts.now.as_second() - it.as_second() > 300);
    let late: Vec<&Object> = pods.filter(late).collect();
    let Some(pod) = late.first() else { return Vec::new() };
    let node = facts.subject_of(&["Node"]).or_else(|| facts.related_of("Node").next());
    let lost = node.and_then(|it| Some((it, it.condition("Ready").filter(|it| it.text("status") != "True")?)));
    let finalizers: Vec<_> = pod.list("metadata.finalizers").collect();
    let names: Vec<String> = finalizers.iter().filter_map(|it| it.value.as_str()).map(|it| format!("`{it}`")).collect();
    let killed = facts.events_of(&["FailedKillPod"]).next();
    let since = pod.time("metadata.deletionTimestamp").map(|it| format!(" {} ago", age(facts.now, it))).unwrap_or_default();
    let begin = format!("Pod `{}` should have been gone{since}", pod.name());
    let (summary, confidence) = if let Some((node, ready)) = &lost {
        (
            format!(
                "{begin}, but its node `{}` does not answer ({}), so nobody confirms that it has ended.",
                node.name(),
                ready.text("reason")
            ),
            Confidence::Certain,
        )
    } else if !names.is_empty() {
        (format!("{begin}, but the finalizer {} is not removed.", names.join(", ")), Confidence::Certain)
    } else if let Some(event) = killed {
        (format!("{begin}, but the kubelet cannot end it: {}", event.text("message")), Confidence::High)
    } else {
        (
            format!(
                "{begin} and nothing that was read tells what holds it: a process that does not end, or a volume that is not unmounted."
            ),
            Confidence::Low,
        )
    };
    let fix = if lost.is_some() {
        "If the instance is gone for good, delete the Node object or taint it `node.kubernetes.io/out-of-service`; its pods are then made elsewhere"
    } else if names.is_empty() {
        "Look at the kubelet of its node; delete it by force only when its process is known to have ended"
    } else {
        "Let the controller of the finalizer do its work; remove it by hand only when that controller is gone for good"
    };
    let more = if late.len() > 1 { Role::Contributing } else { Role::Cause };
    let role = if facts.subject_of(&["Node"]).is_some() { Role::Contributing } else { more };
    vec![
        Finding::new("pod-stuck-terminating", Depth::Pod, confidence, summary)
            .of_the_whole()
            .specific(if confidence == Confidence::Low { 2 } else { 7 })
            .role(role)
            .because(evidence(pod, "metadata.deletionTimestamp"))
            .because(finalizers.iter().filter_map(|it| field_evidence(pod, it, None)))
            .because(lost.as_ref().and_then(|(node, ready)| field_evidence(node, &ready.get("reason")?, None)))
            .fix(Risk::High, fix),
    ]
}

/// A node that waits for a network plugin of which it runs no pod.
fn cni_missing(facts: &Facts) -> Vec<Finding> {
    let Some(node) = facts.subject_of(&["Node"]) else { return Vec::new() };
    let waits = |it: &crate::domain::object::Field<'_>| {
        it.text("status") != "True" && it.text("message").contains("cni plugin not initialized")
    };
    let Some(ready) = node.condition("Ready").filter(waits) else { return Vec::new() };
    let hybrid = node.label("eks.amazonaws.com/compute-type") == Some("hybrid");
    let plugins: &[&str] = if hybrid { &["cilium", "calico"] } else { &["aws-node", "cilium", "calico"] };
    let is_there = facts.related_of("Pod").any(|it| plugins.iter().any(|name| it.name().contains(name)));
    if is_there || facts.could_not_read("pods") {
        return Vec::new();
    }
    let (id, what, fix) = if hybrid {
        ("hybrid-cni-missing", "neither Cilium nor Calico", "Install Cilium or Calico for the hybrid nodes")
    } else {
        let fix = "Install the add-on `vpc-cni`; it has to be there before nodes are";
        ("addon-vpc-cni-missing", "no pod of the VPC CNI (`aws-node`)", fix)
    };
    let summary = format!("Node `{}` is not ready because it has no network plugin: {what} runs on it.", node.name());
    vec![
        Finding::new(id, Depth::Reference, Confidence::High, summary)
            .specific(9)
            .because(ready.get("message").and_then(|it| field_evidence(node, &it, ready.time("lastTransitionTime"))))
            .fix(Risk::Low, fix),
    ]
}

/// A pool that may make no further node.
fn pool_limits(facts: &Facts) -> Vec<Finding> {
    let Some(pool) = facts.subject_of(&["NodePool"]) else { return Vec::new() };
    let limits = pool.get("spec.limits").and_then(serde_json::Value::as_object).into_iter().flatten();
    let full = limits.filter_map(|(resource, limit)| {
        let used = pool.get("status.resources")?.get(resource)?;
        let number = |value: &serde_json::Value| quantity::parse_any(value.as_str()?);
        // A node that does not fit whole is not made.
        (number(used)? >= number(limit)? * 0.98)
            .then(|| (resource, used.as_str().unwrap_or_default(), limit.as_str().unwrap_or_default()))
    });
    let found = full.map(|(resource, used, limit)| {
        let summary = format!(
            "NodePool `{}` has used up its limit of {resource}: {used} of {limit}. It makes no further node.",
            pool.name()
        );
        Finding::new("karpenter-limits-exceeded", Depth::Target, Confidence::Certain, summary)
            .specific(8)
            // Nothing fails before a pod needs one.
            .alive(Liveness::Recent)
            .because(crate::diagnose::finding::entry_evidence(pool, "spec.limits", resource))
            .because(crate::diagnose::finding::entry_evidence(pool, "status.resources", resource))
            .fix(Risk::Low, "Raise `spec.limits` of the NodePool, or free nodes of it")
    });
    found.take(1).collect()
}

/// A node that is ready and not ready in turns.
fn flapping(facts: &Facts) -> Vec<Finding> {
    let Some(node) = facts.subject_of(&["Node"]) else { return Vec::new() };
    let recent = |it: &&Object| event_time(it).is_some_and(|at| facts.now.as_second() - at.as_second() < 1_800);
    let events: Vec<&Object> = facts.about.iter().filter(|it| it.text("reason") == "NodeNotReady").filter(recent).collect();
    let times: i64 = events.iter().map(|it| event_count(it)).sum();
    if times < 3 {
        return Vec::new();
    }
    let summary = format!(
        "Node `{}` became not ready {times} times within half an hour: its kubelet loses the control plane again and again.",
        node.name()
    );
    vec![
        Finding::new("node-flapping", Depth::Reference, Confidence::High, summary)
            .specific(7)
            .because(events.last().and_then(|it| event_evidence(it)))
            .fix(Risk::Medium, "Look at memory, EBS throughput and network of the instance; replace it if it goes on"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::json;

    fn node(spec: serde_json::Value, pods: usize) -> Facts {
        let mut facts = subject(
            json!({"kind": "Node", "metadata": {"name": "n1", "labels": {"node.kubernetes.io/instance-type": "t3.medium"}},
            "spec": spec, "status": {"allocatable": {"pods": "17"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
        );
        let phase = |index: usize| if index == 0 { "Succeeded" } else { "Running" };
        let pod = |index: usize| json!({"kind": "Pod", "metadata": {"name": format!("p{index}")}, "spec": {"nodeName": "n1"}, "status": {"phase": phase(index)}});
        facts.related = (0..pods).map(|it| Object::new(pod(it))).collect();
        facts
    }

    #[test]
    fn a_node_is_full_when_its_running_pods_are_as_many_as_it_takes() {
        assert!(finding(&node(json!({}), 18), "node-max-pods-reached").summary.contains("17 of at most 17 pods"));
        assert!(ids(&node(json!({}), 17)).is_empty(), "one of them has ended");
        assert_eq!(ids(&node(json!({"unschedulable": true}), 3)), ["node-cordoned-forgotten"]);
        let mut known = node(json!({}), 18);
        known.aws = vec![Object::new(
            json!({"kind": "InstanceType", "metadata": {"name": "t3.medium"}, "interfaces": 3, "addresses_per_interface": 6}),
        )];
        assert!(finding(&known, "node-max-pods-reached").summary.contains("3 network interfaces hold 6 addresses each"));
    }

    #[test]
    fn a_node_without_a_network_plugin_and_one_that_flaps_are_told() {
        let mut facts = node(json!({}), 2);
        let mut value = facts.target_object().value().clone();
        let message = "Network plugin returns error: cni plugin not initialized";
        value["status"]["conditions"] =
            json!([{"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": message}]);
        facts.subject = Some(Object::new(value));
        assert_eq!(ids(&facts), ["addon-vpc-cni-missing"]);
        facts.related.push(Object::new(json!({"kind": "Pod", "metadata": {"name": "aws-node-x"}})));
        assert!(ids(&facts).is_empty());
        let event = json!({"kind": "Event", "reason": "NodeNotReady", "message": "Node n1 status is now: NodeNotReady", "count": 4,
            "lastTimestamp": "2026-01-05T11:55:00Z"});
        let mut flaps = node(json!({}), 2);
        flaps.about = vec![Object::new(event)];
        assert_eq!(ids(&flaps), ["node-flapping"]);
    }

    #[test]
    fn a_pool_at_its_limit_makes_no_further_node() {
        let pool = |used: &str| {
            subject(
                json!({"kind": "NodePool", "metadata": {"name": "batch"}, "spec": {"limits": {"cpu": "100", "memory": "1000Gi"}},
                "status": {"resources": {"cpu": used, "memory": "10Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}}),
            )
        };
        assert!(finding(&pool("100"), "karpenter-limits-exceeded").summary.contains("cpu: 100 of 100"));
        assert!(ids(&pool("60")).is_empty());
    }

    #[test]
    fn a_pod_that_should_be_gone_tells_what_holds_it() {
        let mut facts = facts(json!({"containers": []}), json!({"phase": "Running"}));
        let mut pod = facts.pod.value().clone();
        pod["metadata"]["deletionTimestamp"] = "2026-01-05T11:58:00Z".into();
        pod["metadata"]["finalizers"] = json!(["example.com/drain"]);
        facts.pod = Object::new(pod.clone());
        assert!(ids(&facts).is_empty(), "two minutes are no long time");
        pod["metadata"]["deletionTimestamp"] = "2026-01-05T10:58:00Z".into();
        facts.pod = Object::new(pod);
        assert!(finding(&facts, "pod-stuck-terminating").summary.contains("the finalizer `example.com/drain` is not removed"));
        facts.related = vec![Object::new(
            json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"conditions": [{"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown"}]}}),
        )];
        assert!(finding(&facts, "pod-stuck-terminating").summary.contains("its node `n1` does not answer (NodeStatusUnknown)"));
    }
}
