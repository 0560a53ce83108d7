//! Volumes that keep a pod from its nodes.

use std::collections::BTreeSet;

use super::scheduling::Verdict;
use super::{Rule, kind_arguments};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Role, Severity, entry_evidence, evidence, field_evidence};
use crate::diagnose::grammar::ReasonKind;
use crate::diagnose::placement::{self, Fit};
use crate::domain::object::{Field, Object};
use crate::domain::text;

pub(super) const RULES: &[Rule] = &[Rule::new("sched-volume-node-affinity", Severity::High, volume_node_affinity)];

const TERMS: &str = "spec.nodeAffinity.required.nodeSelectorTerms";

fn volume_node_affinity(facts: &Facts) -> Vec<Finding> {
    let Some(verdict) = Verdict::of(facts).filter(|it| it.said.count(|kind| *kind == ReasonKind::VolumeAffinity) > 0) else {
        return Vec::new();
    };
    let restricted: Vec<&Object> = facts.volumes.iter().filter(|it| it.get(TERMS).is_some()).collect();
    let (Some(fits), false) = (&verdict.fits, restricted.is_empty()) else { return vec![unseen(facts, &verdict, &restricted)] };
    // The volume that the fewest nodes reach is the one to blame.
    let reached = |volume: &Object| fits.iter().filter(|it| placement::reaches(volume, it.node)).count();
    let Some(volume) = restricted.into_iter().min_by_key(|it| reached(it)) else { return Vec::new() };
    let near: Vec<&Fit<'_>> = fits.iter().filter(|it| placement::reaches(volume, it.node)).collect();
    let place = place(volume);
    let name = described(facts, volume);
    let zones: BTreeSet<&str> = fits.iter().filter_map(|it| it.node.label("topology.kubernetes.io/zone")).collect();
    let elsewhere = if zones.is_empty() {
        String::new()
    } else {
        format!(" (nodes are in {})", text::join_and(&zones.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>()))
    };
    let (depth, role, confidence, specificity, summary) = if near.is_empty() {
        let summary = format!("{name} can only be used in {place}, where the cluster has no node{elsewhere}.");
        (Depth::Reference, Role::Cause, Confidence::Certain, 9, summary)
    } else if near.iter().all(|it| it.refused_by.is_some()) {
        let summary = format!(
            "{name} can only be used in {place}, but the pod's own nodeSelector or node affinity excludes every node there."
        );
        (Depth::Reference, Role::Cause, Confidence::Certain, 9, summary)
    } else {
        let names: Vec<String> = near.iter().take(3).map(|it| format!("`{}`", it.node.name())).collect();
        let summary = format!(
            "{name} can only be used in {place}, which leaves {} ({}).",
            text::count(near.len(), "node"),
            names.join(", ")
        );
        let decided = near.iter().all(|it| it.refused_by.is_some() || !it.taints.is_empty())
            || verdict.said.count(|it| matches!(it, ReasonKind::Insufficient(_) | ReasonKind::Cordoned)) > 0;
        (Depth::Pod, if decided { Role::Contributing } else { Role::Cause }, Confidence::High, 6, summary)
    };
    let zones = fits.iter().take(3).filter_map(|it| entry_evidence(it.node, "metadata.labels", "topology.kubernetes.io/zone"));
    vec![
        base(facts, volume, depth, confidence, summary)
            .specific(specificity)
            .role(role)
            .because(verdict.evidence.clone())
            .because(volume_evidence(volume))
            .because(zones),
    ]
}

fn base(facts: &Facts, volume: &Object, depth: Depth, confidence: Confidence, summary: String) -> Finding {
    let mut finding = Finding::new("sched-volume-node-affinity", depth, confidence, summary);
    let place = place(volume);
    if let Some(claim) = claim_of(facts, volume) {
        finding = finding
            .link(claim.address(), format!("{}, bound to {}", claim.text("status.phase"), volume.name()))
            .because(evidence(claim, "spec.volumeName"));
    }
    finding
        .link(volume.address(), format!("usable only in {place}"))
        .fix(Risk::Low, format!("Add node capacity in {place}: a node group with a subnet there, or a NodePool that allows the zone"))
        .fix(Risk::High, "Or move the data: snapshot the volume, restore it in a zone that has nodes, and bind the claim to the copy")
        .fix(Risk::None, "For new volumes use a StorageClass with `volumeBindingMode: WaitForFirstConsumer`, so that they are made where the pod can run")
        .check("Which claims and volumes the namespace has", "list_resources", kind_arguments(facts, "PersistentVolumeClaim"))
}

/// The reason alone, when volume or nodes could not be read.
fn unseen(facts: &Facts, verdict: &Verdict<'_>, restricted: &[&Object]) -> Finding {
    let count = verdict.said.count(|kind| *kind == ReasonKind::VolumeAffinity);
    let all = verdict.said.nodes;
    if let [volume, ..] = restricted {
        let summary =
            format!("{} can only be used in {}, which excludes {count} of {all} nodes.", described(facts, volume), place(volume));
        return base(facts, volume, Depth::Reference, Confidence::High, summary)
            .specific(6)
            .because(verdict.evidence.clone())
            .because(volume_evidence(volume));
    }
    let names: Vec<String> = facts
        .pod
        .list("spec.volumes")
        .filter_map(|it| Some(format!("`{}`", it.get("persistentVolumeClaim.claimName")?.value.as_str()?)))
        .collect();
    let claims_text = if names.is_empty() { String::new() } else { format!(" of claim {}", names.join(", ")) };
    Finding::new(
        "sched-volume-node-affinity",
        Depth::Pod,
        Confidence::Medium,
        format!("The volume{claims_text} cannot be used from {count} of {all} nodes, most likely because it is in another zone."),
    )
    .specific(6)
    .because(verdict.evidence.clone())
    .fix(Risk::Low, "Add node capacity in the zone of the volume")
    .check("Which claims and volumes the namespace has", "list_resources", kind_arguments(facts, "PersistentVolumeClaim"))
}

fn claim_of<'a>(facts: &'a Facts, volume: &Object) -> Option<&'a Object> {
    facts.claims.iter().find(|it| it.text("spec.volumeName") == volume.name())
}

fn described(facts: &Facts, volume: &Object) -> String {
    match claim_of(facts, volume) {
        Some(claim) => format!("Volume `{}` of claim `{}`", volume.name(), claim.name()),
        None => format!("Volume `{}`", volume.name()),
    }
}

fn expressions(volume: &Object) -> Vec<Field<'_>> {
    volume.list(TERMS).flat_map(|term| term.list("matchExpressions").into_iter().chain(term.list("matchFields"))).collect()
}

/// Where a volume can be used, in words: its zone or node.
fn place(volume: &Object) -> String {
    let found = expressions(volume).into_iter().map(|it| {
        let values: Vec<String> =
            it.list("values").iter().filter_map(|it| it.value.as_str()).map(|it| format!("`{it}`")).collect();
        let word = match it.text("key") {
            key if key.ends_with("/zone") => "zone".to_owned(),
            key if key.ends_with("/hostname") => "node".to_owned(),
            key if key.ends_with("/region") => "Region".to_owned(),
            key => format!("nodes with `{key}`"),
        };
        format!("{word} {}", values.join(" or "))
    });
    let mut found: Vec<String> = found.collect();
    found.dedup();
    found.join(" and ")
}

fn volume_evidence(volume: &Object) -> Vec<Evidence> {
    let fields = expressions(volume)
        .into_iter()
        .take(3)
        .flat_map(|it| it.get("key").into_iter().chain(it.list("values").into_iter().take(2)).collect::<Vec<_>>());
    fields.filter_map(|it| field_evidence(volume, &it, None)).collect()
}
