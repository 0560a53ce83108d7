//! Looks over a namespace or a cluster for what is not well: lists in bounded memory, alike pods of one owner as one suspect.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher as _;

use super::{Source, gap, kind};
use crate::diagnose::diagnosis::NotChecked;
use crate::domain::object::Object;
use crate::domain::status::{self, Health};
use crate::domain::text;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, Keep, ListOptions, Step};
use crate::k8s::discovery::Discovery;
use crate::k8s::kinds::Kind;

/// What is looked over: pods first, since they explain most of the rest. Services come after all that is behind them.
const KINDS: &[&str] = &[
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "PersistentVolumeClaim",
    "HorizontalPodAutoscaler",
    "Ingress",
    "EndpointSlice",
    "Service",
];
/// What belongs to no namespace.
const CLUSTER_KINDS: &[&str] = &["Node", "Namespace", "APIService"];
/// What is there only where something installed it, as group and kind.
const CUSTOM: &[(&str, &str)] = &[("karpenter.sh", "NodePool"), ("karpenter.sh", "NodeClaim"), ("argoproj.io", "Application")];
/// Suspects that are held.
const HELD: usize = 500;
/// Names that are told of a suspect.
const NAMED: usize = 3;
/// What is younger than this many seconds may still be getting ready.
const SETTLING: i64 = 300;
/// Workloads without replicas whose labels are held.
const OFF: usize = 2_000;
/// Children of one application that are held.
const CHILDREN: usize = 10;

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
    /// Kinds beyond the built-in ones that were looked at.
    pub kinds: Vec<Kind>,
}

/// Looks over a namespace, or over the cluster. `lasts` says whether there is time for a further page.
///
/// Sends one request for each page of 500 objects of fourteen kinds, and of those of `served` that are worth a look. A kind that
/// cannot be read becomes a gap.
///
/// # Errors
/// What the API server answers when no kind at all can be read; at once when the cluster cannot be reached.
pub async fn sweep(
    source: &Source,
    namespace: Option<&str>,
    served: &Discovery,
    lasts: impl Fn() -> bool + Send + Sync,
) -> Result<Sweep, ToolError> {
    let mut sweep = Sweep { whole: true, ..Sweep::default() };
    let mut look = Look::default();
    let mut first_error = None;
    let cluster_kinds: &[&str] = if namespace.is_none() { CLUSTER_KINDS } else { &[] };
    sweep.kinds = custom(served).filter(|it| it.namespaced || namespace.is_none()).collect();
    let built_in = KINDS.iter().chain(cluster_kinds).filter_map(|it| kind(it).ok());
    for of in built_in.chain(sweep.kinds.clone()) {
        let options = ListOptions { namespace: namespace.filter(|_| of.namespaced), ..ListOptions::default() };
        let looked_at = sweep.looked_at.entry(of.plural.clone()).or_default();
        let listed = api::list_parts(&source.client, &of, &options, &keep(&of.kind), |step| {
            let Step::Object(object) = step else { return lasts() };
            *looked_at += 1;
            look.at(&object, source);
            true
        })
        .await;
        let whole = listed.as_ref().is_ok_and(|it| it.next.is_none());
        if of.kind == "EndpointSlice" {
            // Of half of the endpoints nobody can say which Service has none.
            look.knows_endpoints = whole;
        }
        match listed {
            Ok(_) => sweep.whole &= whole,
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
    sweep.beyond = look.beyond;
    sweep.suspects = look.suspects();
    Ok(sweep)
}

/// The kinds beyond the built-in ones that a cluster serves and that are looked over.
fn custom(served: &Discovery) -> impl Iterator<Item = Kind> {
    CUSTOM.iter().filter_map(|(group, kind)| {
        let found = served.kinds.iter().find(|it| it.kind.group == *group && it.kind.kind == *kind && it.is_listable());
        found.map(|it| it.kind.clone())
    })
}

/// What is read of the objects of a kind.
fn keep(kind: &str) -> Keep {
    let names = ["metadata.name", "metadata.namespace", "metadata.creationTimestamp", "metadata.deletionTimestamp"];
    let own: &[&str] = match kind {
        "Deployment" | "StatefulSet" | "DaemonSet" => {
            let fields = status::fields(kind).unwrap_or_default();
            let labels = ["spec.template.metadata.labels"];
            return Keep::only(fields.iter().map(String::as_str).chain(labels));
        }
        "EndpointSlice" => &["metadata.labels", "endpoints.conditions.ready"],
        "Service" => &["spec.type", "spec.selector", "spec.publishNotReadyAddresses", "status.loadBalancer.ingress"],
        "APIService" | "NodePool" => &["status.conditions"],
        "NodeClaim" => &["status.conditions", "status.nodeName"],
        "Application" => &[
            "status.conditions",
            "status.health",
            "status.sync.status",
            "status.operationState.phase",
            "status.operationState.startedAt",
            "status.resources.namespace",
            "status.resources.name",
            "status.resources.health.status",
        ],
        _ => return Keep::for_status(kind),
    };
    Keep::only(names.iter().chain(own).copied())
}

/// Namespace and labels of pods.
type Labels = (String, BTreeMap<String, String>);

/// What is remembered while kinds are looked over.
#[derive(Default)]
struct Look {
    held: HashMap<(String, String, String, String), Suspect>,
    beyond: usize,
    /// Labels of pods that are suspects, or whose workload is.
    unwell: Vec<Labels>,
    /// Labels of pods of workloads that are off.
    off: Vec<Labels>,
    /// Hashes of the names of Services that have a ready endpoint.
    ready: HashSet<u64>,
    hasher: RandomState,
    /// Whether all endpoints were read.
    knows_endpoints: bool,
    /// What is not well of an application, by its namespace and name.
    children: HashMap<(String, String), Vec<(String, String)>>,
}

impl Look {
    fn at(&mut self, object: &Object, source: &Source) {
        let suspect = match object.kind() {
            "EndpointSlice" => return self.endpoints(object),
            "Service" => self.service(object, source),
            "NodePool" | "NodeClaim" | "Application" => custom_suspect(object, source),
            _ => suspect(object, source),
        };
        let is_workload = matches!(object.kind(), "Deployment" | "StatefulSet" | "DaemonSet");
        if is_workload && object.integer("spec.replicas") == Some(0) && self.off.len() < OFF {
            self.off.extend(labels(object, "spec.template.metadata.labels"));
        }
        let Some(suspect) = suspect else { return };
        let key = (suspect.kind.clone(), suspect.namespace.clone(), suspect.owner.clone(), shape(&suspect.reason));
        if let Some(known) = self.held.get_mut(&key) {
            known.join(&suspect);
            return;
        }
        if self.held.len() >= HELD {
            self.beyond += 1;
            return;
        }
        match object.kind() {
            "Pod" => self.unwell.extend(labels(object, "metadata.labels")),
            _ if is_workload => self.unwell.extend(labels(object, "spec.template.metadata.labels")),
            "Application" => {
                let unwell = |it: &crate::domain::object::Field<'_>| !matches!(it.text("health.status"), "" | "Healthy");
                let children = object.list("status.resources").filter(unwell).take(CHILDREN);
                let children = children.map(|it| (it.text("namespace").to_owned(), it.text("name").to_owned())).collect();
                self.children.insert((suspect.namespace.clone(), suspect.name.clone()), children);
            }
            _ => {}
        }
        self.held.insert(key, suspect);
    }

    fn endpoints(&mut self, slice: &Object) {
        let Some(service) = slice.label("kubernetes.io/service-name") else { return };
        // Absent means ready.
        if slice.list("endpoints").any(|it| it.boolean("conditions.ready").unwrap_or(true)) {
            self.ready.insert(self.hasher.hash_one((slice.namespace(), service)));
        }
    }

    /// A Service that leads nowhere, unless that is meant or what is behind it is told already.
    fn service(&self, service: &Object, source: &Source) -> Option<Suspect> {
        let balancer = suspect(service, source);
        let selector = labels(service, "spec.selector").map(|it| it.1).unwrap_or_default();
        let is_ready = self.ready.contains(&self.hasher.hash_one((service.namespace(), service.name())));
        if !self.knows_endpoints
            || is_ready
            || selector.is_empty()
            || service.text("spec.type") == "ExternalName"
            || service.boolean("spec.publishNotReadyAddresses") == Some(true)
            || service.get("metadata.deletionTimestamp").is_some()
            || !is_settled(service, source)
        {
            return balancer;
        }
        let selects = |(namespace, labels): &Labels| {
            namespace == service.namespace() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
        };
        if self.unwell.iter().chain(&self.off).any(selects) {
            return None;
        }
        Some(suspicious(service, "no ready endpoints", true))
    }

    /// What only repeats others is left out.
    fn suspects(self) -> Vec<Suspect> {
        let all: Vec<Suspect> = self.held.into_values().collect();
        let names: HashSet<(String, String)> = all
            .iter()
            .filter(|it| it.kind != "Application")
            .flat_map(|it| [(it.namespace.clone(), it.owner.clone()), (it.namespace.clone(), it.name.clone())])
            .collect();
        let nodes: HashSet<String> = all.iter().filter(|it| it.kind == "Node").flat_map(|it| it.named.clone()).collect();
        let repeats = |it: &Suspect| match it.kind.as_str() {
            "NodeClaim" => nodes.contains(&it.owner),
            "Application" => {
                let children = self.children.get(&(it.namespace.clone(), it.name.clone()));
                // An application that cannot be compared or synced has a cause of its own.
                !it.reason.contains("Error") && children.is_some_and(|it| it.iter().any(|child| names.contains(child)))
            }
            _ => false,
        };
        ranked(all.into_iter().filter(|it| !repeats(it)).collect())
    }
}

fn labels(object: &Object, path: &str) -> Option<Labels> {
    let labels = object.get(path)?.as_object()?;
    let labels = labels.iter().filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Some((object.namespace().to_owned(), labels.collect()))
}

fn is_settled(object: &Object, source: &Source) -> bool {
    object.created().is_none_or(|it| source.now.as_second() - it.as_second() > SETTLING)
}

/// An object of a custom kind. What is being made or removed is not as it should be for a while.
fn custom_suspect(object: &Object, source: &Source) -> Option<Suspect> {
    let found = suspect(object, source)?;
    let moves = object.get("metadata.deletionTimestamp").is_some() || !is_settled(object, source);
    if moves && !found.failing {
        return None;
    }
    // Its node tells more than the claim for it.
    let node = object.text("status.nodeName");
    Some(if object.kind() == "NodeClaim" && !node.is_empty() { Suspect { owner: node.to_owned(), ..found } } else { found })
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
    let failing = matches!(health, Health::Failing(_));
    Some(Suspect { owner, ..suspicious(object, health.reason(), failing) })
}

fn suspicious(object: &Object, reason: &str, failing: bool) -> Suspect {
    Suspect {
        kind: object.kind().to_owned(),
        namespace: object.namespace().to_owned(),
        name: object.name().to_owned(),
        owner: object.name().to_owned(),
        reason: text::cut(&text::clean_line(reason), 200),
        failing,
        objects: 1,
        named: vec![object.name().to_owned()],
    }
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
