//! From many diagnoses to distinct causes: what has the same cause is one entry.

use std::collections::BTreeMap;

use super::collect::Suspect;
use super::diagnosis::{Confidence, Diagnosis, Status};
use super::finding::Severity;
use super::rules;
use crate::domain::text;

/// One cause and what it explains.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Id of the cause; `unexplained` where no rule knows it.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// How sure it is.
    pub confidence: Confidence,
    /// The cause in one sentence, for the first of its objects.
    pub summary: String,
    /// Objects that it explains.
    pub objects: usize,
    /// What to diagnose for the whole answer.
    pub example: Suspect,
    /// Other owners that it explains.
    pub also: Vec<String>,
}

/// Joins diagnoses of suspects, worst first. Suspects that are well by now are left out.
pub fn causes(diagnosed: Vec<(Suspect, Diagnosis)>) -> Vec<Cause> {
    let mut causes: BTreeMap<(String, String), Cause> = BTreeMap::new();
    for (suspect, diagnosis) in diagnosed {
        if diagnosis.status == Status::Healthy {
            continue;
        }
        let (id, confidence, severity) = match &diagnosis.root_cause {
            Some(root) => (root.id.clone(), root.confidence, rules::severity_of(&root.id)),
            None => ("unexplained".to_owned(), Confidence::Low, if suspect.failing { Severity::High } else { Severity::Medium }),
        };
        let key = (id.clone(), shared(&suspect, &diagnosis));
        match causes.get_mut(&key) {
            Some(cause) => {
                cause.objects += suspect.objects;
                let owner = format!("{}/{}", suspect.namespace, suspect.owner);
                if cause.also.len() < 5 && !cause.also.contains(&owner) {
                    cause.also.push(owner);
                }
            }
            None => {
                let cause = Cause {
                    id,
                    severity,
                    confidence,
                    summary: diagnosis.summary,
                    objects: suspect.objects,
                    example: suspect,
                    also: Vec::new(),
                };
                causes.insert(key, cause);
            }
        }
    }
    let mut causes: Vec<Cause> = causes.into_values().collect();
    causes.sort_by(|a, b| {
        let order = |it: &Cause| std::cmp::Reverse((it.severity, it.objects));
        order(a)
            .cmp(&order(b))
            .then_with(|| (&a.example.namespace, &a.example.name).cmp(&(&b.example.namespace, &b.example.name)))
    });
    causes
}

/// What two diagnoses have in common when they have one cause: the object that the evidence is about, unless that is the pod
/// itself; else what the evidence says, without what differs from object to object.
fn shared(suspect: &Suspect, diagnosis: &Diagnosis) -> String {
    let own = |object: &str| ["Pod/", "Event/", "ReplicaSet/"].iter().any(|it| object.starts_with(it));
    if let Some(item) = diagnosis.evidence.iter().find(|it| !own(&it.object)) {
        return format!("{} {}", item.object, item.field);
    }
    let said = diagnosis.evidence.first().map_or(suspect.reason.as_str(), |it| it.value.as_str());
    let said: Vec<&str> = said.split_whitespace().filter(|it| !it.bytes().any(|it| it.is_ascii_digit())).take(20).collect();
    text::cut(&format!("{} {}", suspect.namespace, said.join(" ")), 300)
}

#[cfg(test)]
mod tests {
    use super::super::diagnosis::{Evidence, RootCause};
    use super::*;

    fn suspect(name: &str, objects: usize) -> Suspect {
        Suspect {
            kind: "Pod".into(),
            namespace: "shop".into(),
            name: name.into(),
            owner: name.into(),
            reason: "x".into(),
            failing: true,
            objects,
            named: vec![],
        }
    }

    fn diagnosis(id: &str, object: &str) -> Diagnosis {
        let evidence =
            Evidence { object: object.into(), field: "status.conditions[0].reason".into(), value: "v".into(), at: None };
        Diagnosis {
            status: if id.is_empty() { Status::Healthy } else { Status::Failing },
            summary: format!("because of {id}"),
            root_cause: (!id.is_empty()).then(|| RootCause {
                id: id.into(),
                summary: String::new(),
                confidence: Confidence::High,
            }),
            evidence: vec![evidence],
            chain: vec![],
            contributing: vec![],
            ruled_out: vec![],
            fixes: vec![],
            next_checks: vec![],
            blast_radius: None,
            not_checked: vec![],
            warnings: vec![],
        }
    }

    #[test]
    fn what_one_node_causes_is_one_cause_and_severe_ones_come_first() {
        let found = causes(vec![
            (suspect("a", 40), diagnosis("probe-timeout", "Pod/shop/a")),
            (suspect("b", 2), diagnosis("node-not-ready-unknown", "Node/n1")),
            (suspect("c", 3), diagnosis("node-not-ready-unknown", "Node/n1")),
            (suspect("d", 1), diagnosis("node-not-ready-unknown", "Node/n2")),
            (suspect("e", 1), diagnosis("", "Pod/shop/e")),
        ]);
        let told: Vec<(&str, usize)> = found.iter().map(|it| (it.id.as_str(), it.objects)).collect();
        assert_eq!(told, [("node-not-ready-unknown", 5), ("node-not-ready-unknown", 1), ("probe-timeout", 40)]);
        assert_eq!(found[0].also, ["shop/c"]);
    }
}
