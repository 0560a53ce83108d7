//! Requests that no usable node can meet.

use super::super::editable_workload;
use super::{Verdict, list_nodes};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, evidence, field_evidence};
use crate::diagnose::grammar::ReasonKind;
use crate::diagnose::placement;
use crate::domain::quantity;

pub(super) fn insufficient_cpu(facts: &Facts) -> Vec<Finding> {
    insufficient(facts, "sched-insufficient-cpu", "cpu", "CPU", quantity::cores)
}

pub(super) fn insufficient_memory(facts: &Facts) -> Vec<Finding> {
    insufficient(facts, "sched-insufficient-memory", "memory", "memory", quantity::bytes)
}

fn insufficient(facts: &Facts, id: &'static str, resource: &str, word: &str, written: fn(f64) -> String) -> Vec<Finding> {
    let short = |kind: &ReasonKind| matches!(kind, ReasonKind::Insufficient(found) if found == resource);
    let Some(verdict) = Verdict::of(facts).filter(|it| it.said.count(short) > 0) else { return Vec::new() };
    let count = verdict.said.count(short);
    let asked = placement::requested(&facts.pod, resource);
    let candidates = verdict.candidates();
    let best = candidates
        .iter()
        .filter_map(|it| Some((it.node, placement::allocatable(it.node, resource)?)))
        .max_by(|a, b| a.1.total_cmp(&b.1));
    let all = verdict.said.nodes;
    let requests = facts.pod.list("spec.initContainers").chain(facts.pod.list("spec.containers"));
    let requests =
        requests.filter_map(|it| field_evidence(&facts.pod, &it.get(&format!("resources.requests.{resource}"))?, None));
    let requests: Vec<Evidence> =
        requests.take(4).chain(evidence(&facts.pod, &format!("spec.resources.requests.{resource}"))).collect();
    let (summary, confidence, specificity) = match best {
        Some((node, most)) if asked > most => (
            format!(
                "The pod requests {} of {word}, more than {}, `{}`, which has {} allocatable.",
                written(asked),
                match candidates.len() {
                    1 => "fits the only node that it could use".to_owned(),
                    count => format!("fits any of the {count} nodes that it could use, even the largest"),
                },
                node.name(),
                written(most)
            ),
            Confidence::Certain,
            9,
        ),
        Some((node, most)) => (
            format!(
                "The pod requests {} of {word}, which none of {count} of {all} nodes has free: other pods have reserved it (the largest usable node, `{}`, has {} allocatable in all).",
                written(asked),
                node.name(),
                written(most)
            ),
            Confidence::High,
            7,
        ),
        None => (
            format!("The pod requests {} of {word}, which {count} of {all} nodes do not have free.", written(asked)),
            Confidence::High,
            verdict.by_count(short),
        ),
    };
    let never = specificity == 9;
    let finding = Finding::new(id, Depth::Pod, confidence, summary)
        .specific(specificity)
        .because(verdict.evidence.clone())
        .because(requests)
        .because(best.and_then(|(node, _)| evidence(node, &format!("status.allocatable.{resource}"))))
        .link("scheduler", format!("{count} of {all} nodes: insufficient {resource}"));
    let lower = format!("Lower the {word} request of the pod, if it asks for more than it uses");
    let command = match (editable_workload(facts), facts.pod.list("spec.containers").count()) {
        (Some(target), 1) => {
            let name = facts.pod.text("spec.containers[0].name").to_owned();
            Some(format!(
                "kubectl -n {} set resources {target} --containers={name} --requests={resource}=AMOUNT",
                facts.pod.namespace()
            ))
        }
        _ => None,
    };
    let finding = finding.fix_with(Risk::Medium, lower, command);
    let grow = if never {
        "Add a node group or NodePool with larger instances"
    } else {
        "Add nodes, or raise the maximum of the node group or the limits of the NodePool"
    };
    vec![finding.fix(Risk::Low, grow).check("Which nodes there are and how full they are", "list_resources", list_nodes())]
}
