//! Looks over a namespace or a cluster for what is not well: lists in bounded memory, alike pods of one owner as one suspect.

use std::collections::{BTreeMap, HashMap};

use super::{Source, gap, kind};
use crate::diagnose::diagnosis::NotChecked;
use crate::domain::object::Object;
use crate::domain::status::{self, Health};
use crate::domain::text;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, Keep, ListOptions, Step};

/// What is looked over: pods first, since they explain most of the rest.
const KINDS: &[&str] =
    &["Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "PersistentVolumeClaim", "HorizontalPodAutoscaler", "Ingress"];
/// What belongs to no namespace.
const CLUSTER_KINDS: &[&str] = &["Node", "Namespace"];
/// Suspects that are held.
const HELD: usize = 500;
/// Names that are told of a suspect.
const NAMED: usize = 3;

/// Something that is not well, and how many objects are so in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Kind of the object to diagnose.
    pub kind: String,
    /// Its namespace, empty where it has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Name of what controls it.
    pub owner: String,
    /// What its status says.
    pub reason: String,
    /// Whether it fails, rather than falls short.
    pub failing: bool,
    /// Objects that are so.
    pub objects: usize,
    /// Some of them.
    pub named: Vec<String>,
}

/// What a look over found.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// What is not well, worst first.
    pub suspects: Vec<Suspect>,
    /// How many objects of each kind were looked at.
    pub looked_at: BTreeMap<String, usize>,
    /// Objects that are not well beyond those that are held.
    pub beyond: usize,
    /// What could not be read.
    pub gaps: Vec<NotChecked>,
    /// Whether every list was read to its end.
    pub whole: bool,
}

/// Looks over a namespace, or over the cluster. `lasts` says whether there is time for a further page.
///
/// Sends one request for each page of 500 objects of ten kinds. A kind that cannot be read becomes a gap.
///
/// # Errors
/// What the API server answers when no kind at all can be read; at once when the cluster cannot be reached.
pub async fn sweep(source: &Source, namespace: Option<&str>, lasts: impl Fn() -> bool + Send + Sync) -> Result<Sweep, ToolError> {
    let mut sweep = Sweep { whole: true, ..Sweep::default() };
    let mut held: HashMap<(String, String, String, String), Suspect> = HashMap::new();
    let mut first_error = None;
    let cluster_kinds: &[&str] = if namespace.is_none() { CLUSTER_KINDS } else { &[] };
    for name in KINDS.iter().chain(cluster_kinds) {
        let Ok(of) = kind(name) else { continue };
        let options = ListOptions { namespace: namespace.filter(|_| of.namespaced), ..ListOptions::default() };
        let (looked_at, beyond) = (sweep.looked_at.entry(of.plural.clone()).or_default(), &mut sweep.beyond);
        let listed = api::list_parts(&source.client, &of, &options, &Keep::for_status(name), |step| {
            let Step::Object(object) = step else { return lasts() };
            *looked_at += 1;
            if let Some(suspect) = suspect(&object, source) {
                let key = (suspect.kind.clone(), suspect.namespace.clone(), suspect.owner.clone(), shape(&suspect.reason));
                if held.len() >= HELD && !held.contains_key(&key) {
                    *beyond += 1;
                    return true;
                }
                held.entry(key).and_modify(|it| it.join(&suspect)).or_insert(suspect);
            }
            true
        })
        .await;
        match listed {
            Ok(listed) => sweep.whole &= listed.next.is_none(),
            Err(err) if matches!(err.kind, ErrorKind::Unreachable | ErrorKind::Credentials | ErrorKind::Timeout) => {
                return Err(err);
            }
            Err(err) => {
                sweep.gaps.push(gap(of.plural, &err));
                first_error.get_or_insert(err);
            }
        }
    }
    if let Some(err) = first_error
        && sweep.gaps.len() == sweep.looked_at.len()
    {
        return Err(err);
    }
    sweep.suspects = ranked(held.into_values().collect());
    Ok(sweep)
}

impl Suspect {
    fn join(&mut self, other: &Self) {
        self.objects += 1;
        if self.named.len() < NAMED {
            self.named.push(other.name.clone());
        }
        self.failing |= other.failing;
    }
}

fn suspect(object: &Object, source: &Source) -> Option<Suspect> {
    let health = status::of(object, source.now).health;
    if health == Health::Healthy {
        return None;
    }
    let owner = match object.controller() {
        // The pods of a Deployment, whichever ReplicaSet made them.
        Some(("ReplicaSet", name)) => {
            let hash = object.label("pod-template-hash").unwrap_or_default();
            name.strip_suffix(hash).filter(|_| !hash.is_empty()).map_or(name, |it| it.trim_end_matches('-')).to_owned()
        }
        Some((_, name)) => name.to_owned(),
        None => object.name().to_owned(),
    };
    Some(Suspect {
        kind: object.kind().to_owned(),
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
        owner,
        reason: text::cut(&text::clean_line(health.reason()), 200),
        failing: matches!(health, Health::Failing(_)),
        objects: 1,
        named: vec![object.name().to_owned()],
    })
}

/// A reason without its numbers.
fn shape(reason: &str) -> String {
    reason.split_whitespace().filter(|it| !it.bytes().any(|it| it.is_ascii_digit())).take(8).collect::<Vec<_>>().join(" ")
}

/// Failing before falling short, many before few. What only repeats that its pods are not well is left out.
fn ranked(all: Vec<Suspect>) -> Vec<Suspect> {
    let pods: Vec<(String, String)> =
        all.iter().filter(|it| it.kind == "Pod").map(|it| (it.namespace.clone(), it.owner.clone())).collect();
    let workloads = ["Deployment", "StatefulSet", "DaemonSet", "Job"];
    let repeats = |it: &Suspect| {
        workloads.contains(&it.kind.as_str())
            && pods.iter().any(|(namespace, owner)| *namespace == it.namespace && (*owner == it.name || *owner == it.owner))
    };
    let mut kept: Vec<Suspect> = all.into_iter().filter(|it| !repeats(it)).collect();
    kept.sort_by(|a, b| {
        let order = |it: &Suspect| (!it.failing, std::cmp::Reverse(it.objects));
        order(a).cmp(&order(b)).then_with(|| (&a.namespace, &a.kind, &a.name).cmp(&(&b.namespace, &b.kind, &b.name)))
    });
    kept
}
