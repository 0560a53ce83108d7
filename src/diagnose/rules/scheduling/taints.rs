//! Taints that the pod does not tolerate.

use std::collections::BTreeSet;

use serde_json::json;

use super::super::editable_workload;
use super::{Verdict, list_nodes, selector_evidence};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Role, field_evidence};
use crate::diagnose::grammar::ReasonKind;
use crate::diagnose::placement::{self, Fit};
use crate::domain::object::{Field, Object};

/// Taints that Kubernetes and EKS put on nodes that are not well; to tolerate them cures nothing.
const PROBLEMS: &[&str] = &[
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "karpenter.sh/unregistered",
    "node.cilium.io/agent-not-ready",
    "ebs.csi.aws.com/agent-not-ready",
    "efs.csi.aws.com/agent-not-ready",
];
/// Taints that keep ordinary pods off on purpose.
const RESERVED: &[&str] = &["node-role.kubernetes.io/", "CriticalAddonsOnly", "eks.amazonaws.com/compute-type"];

fn is_taint(kind: &ReasonKind) -> bool {
    matches!(kind, ReasonKind::Taint(_))
}

fn is_problem(key: &str) -> bool {
    PROBLEMS.iter().any(|it| key.starts_with(it))
}

fn carry(count: usize) -> &'static str {
    if count == 1 { "carries" } else { "carry" }
}

/// `key=value:effect`, as kubectl writes a taint.
fn taint_text(taint: &Field<'_>) -> String {
    match taint.text("value") {
        "" => format!("{}:{}", taint.text("key"), taint.text("effect")),
        value => format!("{}={value}:{}", taint.text("key"), taint.text("effect")),
    }
}

fn tolerated(pod: &Object) -> String {
    let ours = pod.list("spec.tolerations").filter(|it| !it.text("key").starts_with("node.kubernetes.io/"));
    let list: Vec<String> = ours
        .map(|it| if it.text("key").is_empty() { "everything".to_owned() } else { format!("`{}`", taint_text(&it)) })
        .collect();
    if list.is_empty() { "no taint of its own choice".to_owned() } else { list.join(", ") }
}

pub(super) fn untolerated(facts: &Facts) -> Vec<Finding> {
    let Some(verdict) = Verdict::of(facts).filter(|it| it.said.count(is_taint) > 0) else { return Vec::new() };
    let id = "sched-untolerated-taint";
    let Some(fits) = &verdict.fits else { return vec![taint_unseen(&verdict)] };
    let wanted = verdict.wanted();
    let tainted: Vec<&&Fit<'_>> = wanted.iter().filter(|it| !it.taints.is_empty()).collect();
    if tainted.is_empty() {
        let others: Vec<&str> = fits.iter().filter(|it| !it.taints.is_empty()).map(|it| it.node.name()).take(3).collect();
        let why = format!(
            "tolerating the taints would not help: the labels or volumes that the pod needs exclude the tainted nodes ({}) as well",
            others.join(", ")
        );
        return if others.is_empty() { Vec::new() } else { vec![Finding::ruled_out(id, why)] };
    }
    let whole = wanted.len() == tainted.len();
    if !whole && tainted.iter().all(|it| is_too_small(facts, it)) {
        let why = format!(
            "tolerating the taints would not help: the tainted nodes ({}) are too small for the pod as well",
            named(&tainted)
        );
        return vec![Finding::ruled_out(id, why)];
    }
    let list = |problem: bool| -> BTreeSet<String> {
        tainted.iter().flat_map(|it| &it.taints).filter(|it| is_problem(it.text("key")) == problem).map(taint_text).collect()
    };
    let (chosen, problems) = (list(false), list(true));
    let quoted = |taints: &BTreeSet<String>| taints.iter().take(4).map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    let count = tainted.len();
    let who = holders(&tainted, whole, wanted.len(), fits.len());
    let summary = match (chosen.is_empty(), problems.is_empty()) {
        (true, _) => {
            format!("No toleration is missing: {} on {who} marks nodes that are not well or not in use.", quoted(&problems))
        }
        (_, true) => {
            format!("The pod does not tolerate taint {} on {who}; it tolerates {}.", quoted(&chosen), tolerated(&facts.pod))
        }
        _ => {
            let (chosen, problems) = (quoted(&chosen), quoted(&problems));
            format!(
                "The pod does not tolerate taint {chosen} on {who}, and {problems} there marks nodes that are not well; it tolerates {}.",
                tolerated(&facts.pod)
            )
        }
    };
    let confidence = if facts.could_not_read("nodes beyond") { Confidence::High } else { Confidence::Certain };
    let mut finding = Finding::new(id, Depth::Pod, confidence, summary)
        .specific(8)
        .role(if whole { Role::Cause } else { Role::Contributing })
        .because(verdict.evidence.clone())
        .because(tainted.iter().take(3).flat_map(|it| taint_evidence(it)))
        .because(selector_evidence(facts))
        .link(
            "scheduler",
            format!("{count} usable {} not tolerated", if count == 1 { "node's taint is" } else { "nodes' taints are" }),
        );
    if !chosen.is_empty() {
        finding = finding.fix_with(
            Risk::Medium,
            format!("Add a toleration for {} to the pod template, if the pod belongs on those nodes", quoted(&chosen)),
            toleration_patch(facts, &tainted),
        );
        finding = finding.fix(Risk::Low, "Otherwise choose nodes without the taint, or add such nodes");
    }
    if !problems.is_empty() {
        finding = finding.fix(Risk::None, "Repair or replace the nodes: the taint goes by itself when they are well").check(
            "Why the nodes are not well",
            "list_resources",
            list_nodes(),
        );
    }
    vec![finding]
}

/// Whether a node could not hold the pod even if it were empty.
fn is_too_small(facts: &Facts, fit: &Fit<'_>) -> bool {
    let short = |resource| {
        placement::allocatable(fit.node, resource).is_some_and(|most| placement::requested(&facts.pod, resource) > most)
    };
    short("cpu") || short("memory")
}

fn named(fits: &[&&Fit<'_>]) -> String {
    fits.iter().take(3).map(|it| it.node.name()).collect::<Vec<_>>().join(", ")
}

/// The tainted nodes, in words.
fn holders(tainted: &[&&Fit<'_>], whole: bool, wanted: usize, all: usize) -> String {
    let allowed = if wanted < all { " that its labels and volumes allow" } else { "" };
    match tainted {
        [only] if whole => {
            format!("node `{}`, the only one{}", only.node.name(), if allowed.is_empty() { " there is" } else { allowed })
        }
        [only] => format!("node `{}`, one of {wanted} nodes{allowed}", only.node.name()),
        several if whole => format!("all {} nodes{allowed}", several.len()),
        several => format!("{} of the {wanted} nodes{allowed}", several.len()),
    }
}

/// The taint reason when nodes could not be read.
fn taint_unseen(verdict: &Verdict<'_>) -> Finding {
    let named: BTreeSet<&str> = verdict
        .said
        .reasons
        .iter()
        .filter_map(|it| if let ReasonKind::Taint(taint) = &it.kind { taint.as_deref() } else { None })
        .collect();
    let count = verdict.said.count(is_taint);
    let what = if named.is_empty() {
        "a taint".to_owned()
    } else {
        named.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
    };
    let all = count >= verdict.said.nodes;
    let reserved = named.iter().all(|it| RESERVED.iter().any(|prefix| it.starts_with(prefix))) && !named.is_empty();
    let note = if named.iter().any(|it| is_problem(it)) { "; Kubernetes puts it on nodes that are not well" } else { "" };
    let summary = format!(
        "{count} of {} nodes {} {what}, which the pod does not tolerate{note}.",
        verdict.said.nodes,
        carry(usize::try_from(count).unwrap_or(0))
    );
    let specificity = if reserved && !all { 3 } else { verdict.by_count(is_taint) };
    Finding::new("sched-untolerated-taint", Depth::Pod, if all { Confidence::High } else { Confidence::Medium }, summary)
        .specific(specificity)
        .because(verdict.evidence.clone())
        .fix(Risk::Medium, "Add a toleration to the pod template if the pod belongs on those nodes")
        .fix(Risk::Low, "Otherwise choose or add nodes without the taint")
}

fn taint_evidence(fit: &Fit<'_>) -> Vec<Evidence> {
    fit.taints
        .iter()
        .flat_map(|taint| {
            ["key", "value", "effect"].into_iter().filter_map(|part| field_evidence(fit.node, &taint.get(part)?, None))
        })
        .collect()
}

/// A patch that adds the tolerations; only for one taint, and where the template has no list that it would replace.
fn toleration_patch(facts: &Facts, tainted: &[&&Fit<'_>]) -> Option<String> {
    let target = editable_workload(facts)?;
    let taint = tainted.first()?.taints.first()?;
    let single = tainted.iter().all(|it| it.taints.len() == 1 && it.taints.first().map(taint_text) == Some(taint_text(taint)));
    let operator = if taint.text("value").is_empty() { "Exists" } else { "Equal" };
    let toleration =
        json!({"key": taint.text("key"), "operator": operator, "value": taint.text("value"), "effect": taint.text("effect")});
    let has_list = facts.workload()?.get("spec.template.spec.tolerations").is_some();
    let (pointer, value) = if has_list { ("tolerations/-", toleration) } else { ("tolerations", json!([toleration])) };
    let patch = json!([{"op": "add", "path": format!("/spec/template/spec/{pointer}"), "value": value}]);
    single.then(|| format!("kubectl -n {} patch {target} --type=json -p '{patch}'", facts.pod.namespace()))
}
