//! Labels that the pod asks for and nodes do not have.

use std::collections::BTreeSet;

use super::{Verdict, list_nodes, nodes, selector_evidence};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, field_evidence};
use crate::diagnose::grammar::ReasonKind;
use crate::diagnose::placement::{Fit, Refusal};
use crate::domain::names;
use crate::domain::object::Field;

pub(super) fn node_selector(facts: &Facts) -> Vec<Finding> {
    labels(facts, true)
}

pub(super) fn node_affinity(facts: &Facts) -> Vec<Finding> {
    labels(facts, false)
}

fn labels(facts: &Facts, selector: bool) -> Vec<Finding> {
    let is_selector = |kind: &ReasonKind| *kind == ReasonKind::Selector;
    let Some(verdict) = Verdict::of(facts).filter(|it| it.said.count(is_selector) > 0) else { return Vec::new() };
    let id = if selector { "sched-node-selector" } else { "sched-node-affinity" };
    let has_selector = facts.pod.get("spec.nodeSelector").and_then(serde_json::Value::as_object).is_some_and(|it| !it.is_empty());
    let affinity = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution";
    let Some(fits) = &verdict.fits else {
        // Without nodes, the one that the pod has is meant; a selector is the likelier of both.
        if selector != has_selector || (!selector && facts.pod.get(affinity).is_none()) {
            return Vec::new();
        }
        return vec![labels_finding(facts, id, selector, &verdict, None)];
    };
    if fits.iter().any(|it| it.refused_by.is_none()) {
        let matching: Vec<&str> = fits.iter().filter(|it| it.refused_by.is_none()).map(|it| it.node.name()).take(3).collect();
        let why = format!(
            "it matches {} ({}); something else keeps the pod out there",
            if matching.len() == 1 { "a node" } else { "nodes" },
            matching.join(", ")
        );
        return if selector == has_selector { vec![Finding::ruled_out(id, why)] } else { Vec::new() };
    }
    // The selector alone leaves no node: the affinity does not matter.
    let by_selector = fits.iter().all(|it| matches!(it.refused_by, Some(Refusal::Selector(_))));
    if by_selector != selector {
        return Vec::new();
    }
    vec![labels_finding(facts, id, selector, &verdict, Some(fits))]
}

fn labels_finding(
    facts: &Facts,
    id: &'static str,
    selector: bool,
    verdict: &Verdict<'_>,
    fits: Option<&Vec<Fit<'_>>>,
) -> Finding {
    let (confidence, specificity) = match fits {
        Some(_) => (Confidence::Certain, 8),
        None => (Confidence::High, verdict.by_count(|it| *it == ReasonKind::Selector)),
    };
    let count = fits.map_or(verdict.said.count(|it| *it == ReasonKind::Selector) as usize, Vec::len);
    let summary = if selector { selector_summary(facts, fits, count) } else { affinity_summary(facts, count) };
    let finding = Finding::new(id, Depth::Pod, confidence, summary).specific(specificity).because(verdict.evidence.clone());
    let finding = if selector { finding.because(selector_evidence(facts)) } else { finding.because(affinity_evidence(facts)) };
    finding
        .fix(
            Risk::Low,
            if selector {
                "Correct the nodeSelector of the pod template"
            } else {
                "Correct the node affinity of the pod template, or make it a preference"
            },
        )
        .fix(Risk::Low, "Or label the nodes: in the labels of the node group, or of the NodePool's template")
        .link("scheduler", format!("{count} nodes do not have the labels"))
        .check("Which labels the nodes have", "list_resources", list_nodes())
}

fn selector_summary(facts: &Facts, fits: Option<&Vec<Fit<'_>>>, count: usize) -> String {
    let pairs: Vec<(&String, &str)> = facts
        .pod
        .get("spec.nodeSelector")
        .and_then(serde_json::Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key, value.as_str().unwrap_or_default()))
        .collect();
    let all = pairs.iter().map(|(key, value)| format!("`{key}={value}`")).collect::<Vec<_>>().join(", ");
    let Some(fits) = fits else { return format!("nodeSelector {all} excludes {} of the cluster.", nodes(count)) };
    let single = pairs.iter().find(|(key, value)| fits.iter().all(|it| it.node.label(key) != Some(value)));
    let Some((key, value)) = single else {
        return format!("No node has all labels of nodeSelector {all} together ({} looked at).", nodes(count));
    };
    let existing: BTreeSet<&str> = fits.iter().filter_map(|it| it.node.label(key)).collect();
    if existing.is_empty() {
        let labels: BTreeSet<&str> = fits
            .iter()
            .filter_map(|it| it.node.get("metadata.labels")?.as_object())
            .flatten()
            .map(|(key, _)| key.as_str())
            .collect();
        let near = names::did_you_mean(key, labels);
        return format!("nodeSelector `{key}={value}` matches none of {}: no node has a label `{key}`{near}", nodes(count))
            .trim_end_matches('?')
            .to_owned()
            + ".";
    }
    let values = existing.iter().take(6).map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
    format!("nodeSelector `{key}={value}` matches none of {} (existing values of that label: {values}).", nodes(count))
}

fn affinity_terms(facts: &Facts) -> Vec<Field<'_>> {
    let path = "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms";
    facts.pod.list(path).flat_map(|term| term.list("matchExpressions")).collect()
}

fn affinity_summary(facts: &Facts, count: usize) -> String {
    let terms = affinity_terms(facts);
    let written = terms.iter().take(4).map(|it| {
        let values = it.list("values").iter().filter_map(|it| it.value.as_str()).collect::<Vec<_>>().join(", ");
        format!(
            "`{} {}{}`",
            it.text("key"),
            it.text("operator"),
            if values.is_empty() { String::new() } else { format!(" [{values}]") }
        )
    });
    let written = written.collect::<Vec<_>>().join(" and ");
    format!("The required node affinity ({written}) matches none of {}.", nodes(count))
}

fn affinity_evidence(facts: &Facts) -> Vec<Evidence> {
    let fields = affinity_terms(facts)
        .into_iter()
        .take(4)
        .flat_map(|it| it.get("key").into_iter().chain(it.list("values").into_iter().take(3)).collect::<Vec<_>>());
    fields.filter_map(|it| field_evidence(&facts.pod, &it, None)).collect()
}
