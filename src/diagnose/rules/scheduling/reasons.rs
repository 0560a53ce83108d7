//! The other reasons of the scheduler's message: each counts nodes that something keeps out.

use super::super::Rule;
use super::{Verdict, list_nodes, nodes};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Severity, evidence, field_evidence};
use crate::diagnose::grammar::ReasonKind;
use crate::diagnose::placement;
use crate::domain::object::Object;
use crate::domain::text::{count, join_and};

pub(in crate::diagnose::rules) const RULES: &[Rule] = &[
    Rule::new("sched-no-gpu", Severity::High, gpu)
        .also(&[("gpu-plugin-missing", Severity::High), ("neuron-plugin-missing", Severity::High)]),
    Rule::new("sched-insufficient-extended-resource", Severity::High, extended).also(&[("efa-missing", Severity::High)]),
    Rule::new("sched-insufficient-ephemeral-storage", Severity::Medium, ephemeral_storage),
    Rule::new("sched-too-many-pods", Severity::High, too_many_pods),
    Rule::new("sgpp-branch-eni-exhausted", Severity::High, branch_interfaces),
    Rule::new("sched-node-cordoned", Severity::Medium, cordoned),
    Rule::new("sched-pod-anti-affinity", Severity::Medium, told).also(&[
        ("sched-existing-anti-affinity", Severity::Medium),
        ("sched-pod-affinity", Severity::Medium),
        ("sched-topology-spread", Severity::Medium),
        ("sched-host-port-conflict", Severity::Medium),
        ("sched-volume-zone", Severity::High),
        ("sched-max-volume-count", Severity::Medium),
        ("sched-csi-storage-capacity", Severity::Medium),
        ("pvc-no-matching-pv", Severity::Medium),
        ("volume-rwop-in-use", Severity::Medium),
        ("pvc-lost", Severity::Critical),
        ("sched-dra", Severity::Medium),
    ]),
    Rule::new("sched-node-name", Severity::High, node_name),
    Rule::new("scheduler-none", Severity::High, no_scheduler),
];

/// Reasons that the message tells by itself: id, text, sentence and cure.
const TOLD: &[(&str, &str, &str, &str)] = &[
    (
        "sched-pod-anti-affinity",
        "didn't match pod anti-affinity rules",
        "the pod's own anti-affinity keeps it off nodes that run a pod it must not share with",
        "Make the rule preferred, spread by topology instead, or add nodes or zones",
    ),
    (
        "sched-existing-anti-affinity",
        "didn't satisfy existing pods anti-affinity rules",
        "the anti-affinity of a running pod keeps this pod away",
        "Find the running pod whose rule selects this pod's labels, and relax it",
    ),
    (
        "sched-pod-affinity",
        "didn't match pod affinity rules",
        "no node runs a pod that the pod's affinity asks for",
        "Correct the selector of the affinity, or start what it asks for",
    ),
    (
        "sched-topology-spread",
        "didn't match pod topology spread constraints",
        "the topology spread constraint allows no further pod there",
        "Use `whenUnsatisfiable: ScheduleAnyway`, `matchLabelKeys`, or add capacity in the emptier zone",
    ),
    (
        "sched-host-port-conflict",
        "didn't have free ports for the requested pod ports",
        "the host port of the pod is taken there",
        "Do without `hostPort`, or use another port",
    ),
    (
        "sched-volume-zone",
        "had no available volume zone",
        "the pod's volumes lie in a zone where there is no such node",
        "Keep all volumes of a pod in one zone, and have nodes there",
    ),
    (
        "sched-max-volume-count",
        "exceed max volume count",
        "as many volumes are attached as the instance takes",
        "Use larger or other instances, or spread the pods",
    ),
    (
        "sched-csi-storage-capacity",
        "did not have enough free storage",
        "the storage that the driver offers there is used up",
        "Use another node or a smaller volume",
    ),
    (
        "pvc-no-matching-pv",
        "didn't find available persistent volumes to bind",
        "no PersistentVolume fits the claim of the pod there",
        "Make a volume that fits the claim in size, access mode and class",
    ),
    (
        "volume-rwop-in-use",
        "ReadWriteOncePod access mode already in-use by another pod",
        "the claim may be used by one pod only and another one uses it",
        "Let the other pod end, or use ReadWriteOnce",
    ),
    (
        "pvc-lost",
        "bound to non-existent pv",
        "the claim of the pod is bound to a volume that does not exist",
        "Restore the volume, or make the claim anew",
    ),
    (
        "sched-dra",
        "cannot allocate all claims",
        "its resource claims cannot all be met there",
        "Free devices, or install the driver that offers them",
    ),
];

fn count_of(verdict: &Verdict<'_>, text: &str) -> u32 {
    verdict.said.reasons.iter().filter(|it| it.text.contains(text)).map(|it| it.nodes).sum()
}

fn insufficient(verdict: &Verdict<'_>, fits: impl Fn(&str) -> bool) -> Vec<(String, u32)> {
    let reasons = verdict.said.reasons.iter().filter_map(|it| match &it.kind {
        ReasonKind::Insufficient(resource) if fits(resource) => Some((resource.clone(), it.nodes)),
        _ => None,
    });
    reasons.collect()
}

fn is_gpu(resource: &str) -> bool {
    resource.starts_with("nvidia.com/") || resource.starts_with("amd.com/gpu") || resource.starts_with("aws.amazon.com/neuron")
}

fn is_extended(resource: &str) -> bool {
    (resource.contains('/') || resource.starts_with("hugepages-")) && !is_gpu(resource) && resource != "vpc.amazonaws.com/pod-eni"
}

/// Where the pod asks for a resource.
fn requests(facts: &Facts, resource: &str) -> Vec<Evidence> {
    let mut found = Vec::new();
    for list in ["spec.initContainers", "spec.containers"] {
        for container in facts.pod.list(list) {
            for part in ["requests", "limits"] {
                let path = format!("resources.{part}");
                if let Some(value) = container.get(&path).and_then(|it| it.value.get(resource).cloned()) {
                    let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    let field = format!("{}.{path}['{resource}']", container.path);
                    found.push(Evidence { object: facts.pod.address(), field, value, at: None });
                    break;
                }
            }
        }
    }
    found
}

fn amount(node: &Object, part: &str, resource: &str) -> f64 {
    let value = node.get(&format!("status.{part}")).and_then(|it| it.get(resource));
    value.and_then(|it| it.as_str()).and_then(crate::domain::quantity::parse_any).unwrap_or(0.0)
}

/// What the nodes have of a resource, in words.
fn offered(facts: &Facts, verdict: &Verdict<'_>, resource: &str) -> (String, Confidence, u8) {
    let Some(fits) = &verdict.fits else { return (String::new(), Confidence::High, 7) };
    let with: Vec<&Object> = fits.iter().map(|it| it.node).filter(|it| amount(it, "allocatable", resource) > 0.0).collect();
    if with.is_empty() {
        return (format!("; no node of the cluster offers {resource} (not available)"), Confidence::Certain, 9);
    }
    // Everywhere too little, rather than used up.
    let most = with.iter().map(|it| amount(it, "allocatable", resource)).fold(0.0, f64::max);
    let asked = placement::requested(&facts.pod, resource);
    if let Some(largest) = with.iter().find(|it| asked > most && amount(it, "allocatable", resource) >= most) {
        let offer = format!("; even `{}`, which offers most of it, does not have that much in all", largest.name());
        return (offer, Confidence::Certain, 8);
    }
    let offer = if with.len() == 1 { "offers it and has" } else { "offer it and have" };
    (format!("; {} {offer} none free", count(with.len(), "node")), Confidence::High, 8)
}

fn scarce(facts: &Facts, id: &'static str, fits: fn(&str) -> bool, cures: &[&str]) -> Vec<Finding> {
    let Some(verdict) = Verdict::of(facts) else { return Vec::new() };
    let found = insufficient(&verdict, fits).into_iter().map(|(resource, short)| {
        let asked = requests(facts, &resource);
        let wanted = asked.first().map_or_else(String::new, |it| format!("{} of ", it.value));
        let (offer, confidence, specificity) = offered(facts, &verdict, &resource);
        let summary = format!(
            "The pod requests {wanted}{resource}, of which {short} of {} nodes have an insufficient amount{offer}.",
            verdict.said.nodes
        );
        let id = if specificity == 9 { plugin_missing(&verdict, &resource).unwrap_or(id) } else { id };
        let mut finding = Finding::new(id, Depth::Pod, confidence, summary)
            .specific(specificity)
            .because(verdict.evidence.clone())
            .because(asked)
            .link("scheduler", format!("{short} of {} nodes: insufficient {resource}", verdict.said.nodes));
        for cure in cures {
            finding = finding.fix(Risk::Low, *cure);
        }
        finding.check("Which nodes there are and what they offer", "list_resources", list_nodes())
    });
    found.collect()
}

/// Whether nodes have the device, judged by their type, and nobody offers it to pods.
fn plugin_missing(verdict: &Verdict<'_>, resource: &str) -> Option<&'static str> {
    let (id, families): (_, &[&str]) = match resource {
        it if it.starts_with("nvidia.com/") => ("gpu-plugin-missing", &["g4", "g5", "g6", "gr6", "p3", "p4", "p5", "p6"]),
        it if it.starts_with("aws.amazon.com/neuron") => ("neuron-plugin-missing", &["inf", "trn"]),
        "vpc.amazonaws.com/efa" => return Some("efa-missing"),
        _ => return None,
    };
    let mut kinds = verdict.fits.iter().flatten().filter_map(|it| it.node.label("node.kubernetes.io/instance-type"));
    kinds.any(|it| families.iter().any(|family| it.starts_with(family))).then_some(id)
}

fn gpu(facts: &Facts) -> Vec<Finding> {
    let cures = [
        "Add a node group or NodePool with instances that have the accelerator and the accelerated AMI",
        "If such nodes are there, look at the device plugin's DaemonSet on them: it has to tolerate their taints",
    ];
    scarce(facts, "sched-no-gpu", is_gpu, &cures)
}

fn extended(facts: &Facts) -> Vec<Finding> {
    let cures = ["Use instances that have the resource, and install or repair the device plugin that offers it"];
    scarce(facts, "sched-insufficient-extended-resource", is_extended, &cures)
}

fn branch_interfaces(facts: &Facts) -> Vec<Finding> {
    let cures = [
        "Use instance types with more branch interfaces, and check `ENABLE_POD_ENI` and the policy `AmazonEKSVPCResourceController` of the cluster role",
    ];
    scarce(facts, "sgpp-branch-eni-exhausted", |it| it == "vpc.amazonaws.com/pod-eni", &cures)
}

fn ephemeral_storage(facts: &Facts) -> Vec<Finding> {
    let cures = ["Lower the `ephemeral-storage` request, or give nodes a larger root volume"];
    scarce(facts, "sched-insufficient-ephemeral-storage", |it| it == "ephemeral-storage", &cures)
}

fn too_many_pods(facts: &Facts) -> Vec<Finding> {
    let Some(verdict) = Verdict::of(facts) else { return Vec::new() };
    let full = count_of(&verdict, "Too many pods");
    if full == 0 {
        return Vec::new();
    }
    let limits: Vec<String> = verdict
        .fits
        .iter()
        .flatten()
        .filter_map(|it| it.node.get("status.allocatable.pods")?.as_str().map(str::to_owned))
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    let at = if limits.is_empty() { String::new() } else { format!(" ({} each)", limits.join(" or ")) };
    let summary =
        format!("{full} of {} nodes run as many pods as they may{at}, so that none has room for one more.", verdict.said.nodes);
    vec![
        Finding::new("sched-too-many-pods", Depth::Pod, Confidence::High, summary)
            .specific(verdict.by_count(|it| *it == ReasonKind::Other).max(6))
            .because(verdict.evidence.clone())
            .because(verdict.fits.iter().flatten().take(2).filter_map(|it| evidence(it.node, "status.allocatable.pods")))
            .link("scheduler", "too many pods")
            .fix(Risk::Low, "Add nodes or larger instances")
            .fix(Risk::Medium, "Or switch on prefix delegation of the VPC CNI and raise the maximum for new nodes"),
    ]
}

fn cordoned(facts: &Facts) -> Vec<Finding> {
    let Some(verdict) = Verdict::of(facts) else { return Vec::new() };
    let closed = verdict.said.count(|it| *it == ReasonKind::Cordoned);
    if closed == 0 {
        return Vec::new();
    }
    let all: Vec<&Object> =
        verdict.fits.iter().flatten().map(|it| it.node).filter(|it| it.boolean("spec.unschedulable") == Some(true)).collect();
    let names: Vec<String> = all.iter().take(4).map(|it| format!("`{}`", it.name())).collect();
    let which = if names.is_empty() { String::new() } else { format!(": {}", join_and(&names)) };
    let summary = format!(
        "{closed} of {} are cordoned (unschedulable), and no other node takes the pod{which}.",
        nodes(usize::try_from(verdict.said.nodes).unwrap_or(0))
    );
    let command = all.first().map(|it| format!("kubectl uncordon {}", it.name()));
    let most = verdict.said.reasons.iter().all(|it| it.nodes <= closed);
    vec![
        Finding::new("sched-node-cordoned", Depth::Pod, Confidence::High, summary)
            // A node that somebody closed is the thing that changed; taints of a control plane are always there.
            .specific(if most { 9 } else { 5 })
            .because(verdict.evidence.clone())
            .because(all.iter().take(4).filter_map(|it| evidence(it, "spec.unschedulable")))
            .link("scheduler", format!("{closed} nodes unschedulable"))
            .fix_with(Risk::Low, "Uncordon the nodes when no update or drain is under way", command)
            .fix(Risk::Low, "Or add nodes"),
    ]
}

/// Reasons whose text says all there is.
fn told(facts: &Facts) -> Vec<Finding> {
    let Some(verdict) = Verdict::of(facts) else { return Vec::new() };
    let found = TOLD.iter().filter_map(|(id, text, sentence, cure)| {
        let out = count_of(&verdict, text);
        let before = verdict.said.before.as_deref().is_some_and(|it| it.contains(text));
        if out == 0 && !before {
            return None;
        }
        let many = if before {
            "No node takes the pod".to_owned()
        } else {
            format!("{out} of {} nodes do not take the pod", verdict.said.nodes)
        };
        Some(
            Finding::new(id, Depth::Pod, Confidence::High, format!("{many}: {sentence}."))
                .specific(verdict.by_count(|it| *it == ReasonKind::Other))
                .because(verdict.evidence.clone())
                .link("scheduler", (*text).to_owned())
                .fix(Risk::Low, *cure),
        )
    });
    found.collect()
}

/// A pod that names its node.
fn node_name(facts: &Facts) -> Vec<Finding> {
    let name = facts.pod.text("spec.nodeName");
    let condition = facts.pod.condition("PodScheduled");
    let refused = condition.as_ref().is_some_and(|it| it.text("message").contains("didn't match the requested node name"));
    let known = facts.nodes.as_ref().is_some_and(|nodes| !nodes.iter().any(|it| it.name() == name));
    if !refused && (name.is_empty() || !known || facts.pod.text("status.phase") != "Pending") {
        return Vec::new();
    }
    let summary =
        format!("The pod is bound to node `{name}` by its specification, and that node does not exist or does not take it.");
    vec![
        Finding::new("sched-node-name", Depth::Pod, Confidence::High, summary)
            .specific(7)
            .because(evidence(&facts.pod, "spec.nodeName"))
            .because(condition.and_then(|it| field_evidence(&facts.pod, &it.get("message")?, None)))
            .fix(Risk::Low, "Remove `spec.nodeName` and choose nodes by labels"),
    ]
}

/// A pod that no scheduler has looked at.
fn no_scheduler(facts: &Facts) -> Vec<Finding> {
    let pod = &facts.pod;
    let untouched = facts.has_pod()
        && pod.text("spec.nodeName").is_empty()
        && pod.condition("PodScheduled").is_none()
        && facts.events.is_empty();
    let old = pod.created().is_some_and(|it| facts.now.as_second() - it.as_second() > 30);
    if !untouched || !old || pod.text("status.phase") != "Pending" {
        return Vec::new();
    }
    let scheduler = pod.text("spec.schedulerName");
    let own = !scheduler.is_empty() && scheduler != "default-scheduler";
    let summary = if own {
        format!("No scheduler has looked at the pod: it asks for `{scheduler}`, which does not seem to run.")
    } else {
        "No scheduler has looked at the pod: the control plane's scheduler does not answer or is far behind.".to_owned()
    };
    vec![
        Finding::new("scheduler-none", Depth::Pod, if own { Confidence::High } else { Confidence::Low }, summary)
            .specific(if own { 8 } else { 2 })
            .because(evidence(pod, "spec.schedulerName"))
            .because(evidence(pod, "status.phase"))
            .fix(Risk::Low, "Correct `schedulerName`, or start that scheduler"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::super::fixtures::*;
    use super::*;
    use serde_json::json;

    fn pending(message: &str) -> Facts {
        let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
        let limits = json!({"limits": {"nvidia.com/gpu": "1"}, "requests": {"nvidia.com/gpu": "1"}});
        facts(
            json!({"containers": [{"name": "main", "resources": limits}]}),
            json!({"phase": "Pending", "conditions": [condition]}),
        )
    }

    #[test]
    fn accelerators_are_missing_or_taken() {
        let mut world = pending(
            "0/2 nodes are available: 2 Insufficient nvidia.com/gpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
        );
        assert_eq!(ids(&world), ["sched-no-gpu"]);
        world.nodes =
            Some(vec![Object::new(json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"cpu": "2"}}}))]);
        assert!(finding(&world, "sched-no-gpu").summary.contains("no node of the cluster offers nvidia.com/gpu"));
        let typed =
            json!({"kind": "Node", "metadata": {"name": "n1", "labels": {"node.kubernetes.io/instance-type": "g5.xlarge"}}});
        world.nodes = Some(vec![Object::new(typed)]);
        assert_eq!(ids(&world), ["gpu-plugin-missing"]);
        world.nodes = Some(vec![Object::new(
            json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"allocatable": {"nvidia.com/gpu": "4"}}}),
        )]);
        assert!(finding(&world, "sched-no-gpu").summary.contains("1 node offers it and has none free"));
        assert_eq!(
            ids(&pending("0/2 nodes are available: 2 Insufficient hugepages-2Mi.")),
            ["sched-insufficient-extended-resource"]
        );
        assert_eq!(
            ids(&pending("0/2 nodes are available: 2 Insufficient vpc.amazonaws.com/pod-eni.")),
            ["sgpp-branch-eni-exhausted"]
        );
    }

    #[test]
    fn closed_nodes_win_over_the_taint_of_a_control_plane() {
        let facts = pending(
            "0/3 nodes are available: 1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 node(s) were unschedulable.",
        );
        assert!(finding(&facts, "sched-node-cordoned").specificity > finding(&facts, "sched-untolerated-taint").specificity);
        assert!(!ids(&pending("0/3 nodes are available: 3 Insufficient cpu.")).contains(&"sched-node-cordoned"));
    }

    #[test]
    fn each_reason_of_the_message_is_told() {
        for (id, text, ..) in TOLD {
            assert_eq!(ids(&pending(&format!("0/2 nodes are available: 2 node(s) {text}."))), [*id]);
        }
        assert_eq!(ids(&pending("0/2 nodes are available: 2 Too many pods.")), ["sched-too-many-pods"]);
        assert!(ids(&pending("0/2 nodes are available: 2 something new.")).is_empty());
    }

    #[test]
    fn a_pod_that_nobody_looked_at_asks_for_a_scheduler_that_does_not_run() {
        let world = |created: &str| {
            let mut facts = facts(json!({"schedulerName": "batch-scheduler", "containers": []}), json!({"phase": "Pending"}));
            let mut pod = facts.pod.value().clone();
            pod["metadata"]["creationTimestamp"] = created.into();
            facts.pod = Object::new(pod);
            facts
        };
        assert_eq!(ids(&world("2026-01-05T11:50:00Z")), ["scheduler-none"]);
        assert!(ids(&world("2026-01-05T11:59:50Z")).is_empty());
    }

    #[test]
    fn a_pod_bound_to_a_node_that_is_gone_is_told() {
        let mut world = facts(json!({"nodeName": "old", "containers": []}), json!({"phase": "Pending"}));
        assert!(ids(&world).is_empty(), "the nodes are not known");
        world.nodes = Some(vec![Object::new(json!({"kind": "Node", "metadata": {"name": "new"}}))]);
        assert_eq!(ids(&world), ["sched-node-name"]);
    }
}
