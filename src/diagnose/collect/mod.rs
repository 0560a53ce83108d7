//! Reads the facts of a diagnosis: in parallel, each once, and only what a family of rules can use.

mod absent;
mod aws;
mod custom;
mod dependency;
mod dns;
mod eks;
mod identity;
mod logs;
mod placement;
mod scan;
mod subject;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use kube::Client;
use serde_json::Value;

use super::diagnosis::NotChecked;
use super::facts::{Facts, event_time};
use super::grammar::{self, Reference};
use super::logs::is_about_identity;
use crate::domain::object::Object;
use crate::domain::target::Target;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

pub use absent::absent;
pub use aws::Ports;
pub use eks::{EksKind, eks, unwell};
pub use identity::service_account_name;
pub use scan::{Suspect, Sweep, sweep};
pub(in crate::diagnose) use subject::backends;
pub use subject::subject;

/// Kinds that control pods, and whose objects are read.
const OWNERS: &[&str] = &["ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"];
/// Only what names an object; whole objects are not even sent.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Where facts come from.
#[derive(Clone)]
pub struct Source {
    /// The API server.
    pub client: Client,
    /// The cluster.
    pub target: Target,
    /// AWS; absent for a cluster that only Kubernetes knows.
    pub aws: Option<Ports>,
    /// The present moment.
    pub now: Timestamp,
    /// Containers of one pod whose logs are read.
    containers: usize,
}

impl Source {
    /// Facts of a cluster through its API server and, where EKS knows it, through AWS.
    pub fn new(client: Client, target: Target, aws: Option<Ports>, now: Timestamp) -> Self {
        Self { client, target, aws, now, containers: 3 }
    }

    /// The same for what lies behind a dependency: the failing container alone has to speak.
    fn frugal(&self) -> Self {
        Self { containers: 1, ..self.clone() }
    }
}

type Answer<T> = (Option<T>, Vec<NotChecked>);

/// Reads the facts of a pod.
///
/// Sends at most 25 requests to the API server and one to EKS. A pod without a node takes up to 19 (pod 1, events 1, owners 2,
/// siblings 1, pages of nodes 4, claims 3, volumes 3, storage classes 1, events of claims 3), one that has run up to 13 (pod 1,
/// events 1, owners 2, siblings 1, logs 6, node 1, service account 1), a healthy one 4 to 6. What its logs cannot reach is
/// followed with up to 12 more: namespace, Service, its slices and pods, and the one of these that fares worst. Objects other
/// than the pod that cannot be read become gaps.
///
/// # Errors
/// `not_found` when there is no such pod; what the API server answers otherwise.
pub async fn pod(source: &Source, namespace: &str, name: &str) -> Result<Facts, ToolError> {
    let pod = api::object(&source.client, &kind("Pod")?, Some(namespace), name).await?;
    let mut facts = pod_facts(source, pod).await?;
    subject::admission(&mut facts, source).await;
    dependency::follow(source, &mut facts).await;
    dns::look(source, &mut facts).await;
    custom::pod(source, &mut facts).await;
    aws::pod(source, &mut facts).await;
    Ok(facts)
}

/// Reads the facts of a pod that has been read.
async fn pod_facts(source: &Source, pod: Object) -> Result<Facts, ToolError> {
    let mut facts = Facts::of(source.target.clone(), pod, source.now);
    let (events, family, nodes, volumes, config_maps, logs) = {
        let facts = &facts;
        futures::join!(
            events(source, &facts.pod),
            family(source, &facts.pod),
            placement::nodes(source, facts),
            placement::volumes(source, facts),
            config_maps(source, facts),
            logs::read(source, facts),
        )
    };
    facts.events = take(events, &mut facts.gaps).unwrap_or_default();
    (facts.owners, facts.siblings) = take(family, &mut facts.gaps).unwrap_or_default();
    facts.nodes = take(nodes, &mut facts.gaps);
    (facts.claims, facts.volumes) = take(volumes, &mut facts.gaps).unwrap_or_default();
    facts.config_maps = take(config_maps, &mut facts.gaps);
    facts.logs = take(logs, &mut facts.gaps).unwrap_or_default();
    placement::surroundings(source, &mut facts).await;
    if facts.logs.iter().any(|log| log.text.lines().any(is_about_identity)) {
        let (account, associations) =
            futures::join!(identity::service_account(source, &facts.pod), identity::associations(source, &facts.pod));
        facts.service_account = take(account, &mut facts.gaps);
        facts.associations = take(associations, &mut facts.gaps);
    }
    Ok(facts)
}

fn take<T>((value, gaps): Answer<T>, all: &mut Vec<NotChecked>) -> Option<T> {
    all.extend(gaps);
    value
}

fn kind(name: &str) -> Result<Kind, ToolError> {
    Kind::named(name).ok_or_else(|| ToolError::new(ErrorKind::Internal, format!("the kind `{name}` is unknown")))
}

fn gap(what: impl Into<String>, err: &ToolError) -> NotChecked {
    NotChecked { what: what.into(), why: format!("{}: {}", err.kind.name(), err.message) }
}

fn answer<T>(what: impl Into<String>, result: Result<T, ToolError>) -> Answer<T> {
    match result {
        Ok(value) => (Some(value), Vec::new()),
        Err(err) => (None, vec![gap(what, &err)]),
    }
}

async fn events(source: &Source, pod: &Object) -> Answer<Vec<Object>> {
    let about = format!("involvedObject.kind=Pod,involvedObject.name={}", pod.name());
    let found = list_events(source, Some(pod.namespace()), &about).await;
    // A StatefulSet gives a new pod the name of the old one.
    let found = found.map(|it| {
        it.into_iter()
            .filter(|event| matches!(event.text("involvedObject.uid"), uid if uid.is_empty() || uid == pod.uid()))
            .collect()
    });
    answer("events of the pod", found)
}

/// Events that fit a field selector, oldest first.
async fn list_events(source: &Source, namespace: Option<&str>, fields: &str) -> Result<Vec<Object>, ToolError> {
    let options = ListOptions { namespace, fields: Some(fields), ..ListOptions::default() };
    let mut events = first_page(source, &kind("Event")?, &options).await?;
    events.sort_by_key(event_time);
    Ok(events)
}

async fn first_page(source: &Source, kind: &Kind, options: &ListOptions<'_>) -> Result<Vec<Object>, ToolError> {
    let mut objects = Vec::new();
    let visit = |page: Vec<Object>| {
        objects = page;
        false
    };
    api::list_pages(&source.client, kind, options, visit).await?;
    Ok(objects)
}

/// The owners, nearest first, and the pods of the same workload.
async fn family(source: &Source, pod: &Object) -> Answer<(Vec<Object>, Vec<Object>)> {
    let mut owners: Vec<Object> = Vec::new();
    let mut gaps = Vec::new();
    for _ in 0..2 {
        let Some((owner, name)) =
            owners.last().unwrap_or(pod).controller().map(|(kind, name)| (kind.to_owned(), name.to_owned()))
        else {
            break;
        };
        let Some(kind) = OWNERS.contains(&owner.as_str()).then(|| Kind::named(&owner)).flatten() else { break };
        match api::object(&source.client, &kind, Some(pod.namespace()), &name).await {
            Ok(owner) => owners.push(owner),
            Err(err) => {
                gaps.push(gap(format!("{owner} `{name}`, an owner of the pod"), &err));
                break;
            }
        }
    }
    let Some(labels) = owners.iter().rev().find_map(match_labels) else { return (Some((owners, Vec::new())), gaps) };
    let options = ListOptions { namespace: Some(pod.namespace()), labels: Some(&labels), ..ListOptions::default() };
    let siblings = match kind("Pod") {
        Ok(kind) => first_page(source, &kind, &options).await,
        Err(err) => Err(err),
    };
    let (siblings, more) = answer("other pods of the same workload", siblings);
    gaps.extend(more);
    (Some((owners, siblings.unwrap_or_default())), gaps)
}

/// The label selector of a workload, in the syntax of requests; nothing where it selects nothing.
fn match_labels(owner: &Object) -> Option<String> {
    crate::domain::selector::of_workload(owner)
}

/// Names of the namespace's `ConfigMaps`, where a container waits for a missing one.
///
/// Those of Secrets are not read: RBAC knows no permission for names alone.
async fn config_maps(source: &Source, facts: &Facts) -> Answer<Vec<String>> {
    let missing = facts
        .containers()
        .iter()
        .any(|it| grammar::missing_reference(it.waiting_message()).is_some_and(|(kind, _)| kind == Reference::ConfigMap));
    if !missing {
        return (None, Vec::new());
    }
    let found = match kind("ConfigMap") {
        Ok(kind) => metadata(source, &kind, Some(facts.pod.namespace()), "").await,
        Err(err) => Err(err),
    };
    answer("names of ConfigMaps", found.map(|it| it.into_iter().map(|(_, name)| name).collect()))
}

/// Namespaces and names of the first page of objects; nothing else of them is asked for.
async fn metadata(
    source: &Source,
    kind: &Kind,
    namespace: Option<&str>,
    fields: &str,
) -> Result<Vec<(String, String)>, ToolError> {
    let mut path = format!("{}?limit={}", kind.path(namespace), api::PAGE);
    if !fields.is_empty() {
        let fields = percent_encoding::utf8_percent_encode(fields, percent_encoding::NON_ALPHANUMERIC);
        path.push_str(&format!("&fieldSelector={fields}"));
    }
    let answer = api::get(&source.client, &path, METADATA, &format!("names of {}", kind.plural)).await?;
    let text = |item: &Value, pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let items = answer.get("items").and_then(Value::as_array).into_iter().flatten();
    Ok(items.map(|it| (text(it, "/metadata/namespace"), text(it, "/metadata/name"))).collect())
}
