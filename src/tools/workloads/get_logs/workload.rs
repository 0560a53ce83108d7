//! The pods of a workload that are worth reading.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::Pods;
use crate::context::Context;
use crate::domain::names;
use crate::domain::object::Object;
use crate::domain::selector;
use crate::domain::status::{self, Health};
use crate::domain::text::cut;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::Client;
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

/// Pods of a workload that are read.
const READ: usize = 5;
/// Pods that are named although they are not read.
const NAMED: usize = 10;
/// Pages of pods that are looked at.
const PAGES: usize = 10;
/// Runs of a `CronJob` whose pods are looked at.
const JOBS: usize = 3;

/// Kinds that own pods by a selector, and `CronJob`, which owns jobs.
const KINDS: &[&str] =
    &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "CronJob", "Pod"];

/// The pods to read.
pub(super) struct Chosen {
    pub(super) pods: Vec<Object>,
    /// `Deployment/web`; absent for a pod that was named.
    workload: Option<String>,
    matched: usize,
    not_read: Vec<String>,
}

impl Chosen {
    /// One pod that was named.
    pub(super) fn of_pod(pod: Object) -> Self {
        Self { pods: vec![pod], workload: None, matched: 1, not_read: Vec::new() }
    }

    /// What the answer says about the pods: of what the logs are, and which pods were read.
    pub(super) fn into_answer(self) -> (String, Option<Pods>) {
        let read: Vec<String> = self.pods.iter().map(|it| it.name().to_owned()).collect();
        let Some(workload) = self.workload else {
            return (format!("pod `{}`", read.first().map_or("", String::as_str)), None);
        };
        let of = match (read.as_slice(), self.matched) {
            ([only], 1) => format!("pod `{only}` of {workload}"),
            (all, matched) if all.len() == matched => format!("all {matched} pods of {workload}"),
            (some, matched) => format!("{} of {matched} pods of {workload}", some.len()),
        };
        (of, Some(Pods { matched: self.matched, read, not_read: self.not_read }))
    }
}

/// The name of the pod when the workload is one.
pub(super) fn pod_named(workload: &str) -> Option<&str> {
    let (kind, name) = workload.split_once('/')?;
    matches!(kind.to_lowercase().as_str(), "pod" | "pods" | "po").then_some(name)
}

/// The pods of a workload: unhealthy ones first, then the newest.
pub(super) async fn pods(cx: &Context, client: &Client, namespace: &str, workload: &str) -> Result<Chosen, ToolError> {
    let (kind, name) = parse(workload)?;
    let owner = match api::object(client, &kind, Some(namespace), name).await {
        Err(err) if err.kind == ErrorKind::NotFound => return Err(not_found(client, &kind, namespace, name).await),
        owner => owner?,
    };
    let owners = if kind.kind == "CronJob" { jobs(client, namespace, &owner).await? } else { vec![owner] };
    let mut best = Best { now: cx.now(), pods: Vec::new(), matched: 0, not_read: Vec::new() };
    for owner in &owners {
        let Some(selector) = selector::of_workload(owner) else { continue };
        let options = ListOptions { namespace: Some(namespace), labels: Some(&selector), ..ListOptions::default() };
        let mut pages = 0;
        let visit = |page: Vec<Object>| {
            best.add(page);
            pages += 1;
            pages < PAGES
        };
        api::list_pages(client, &super::pods_kind()?, &options, visit).await?;
    }
    let address = format!("{}/{name}", kind.kind);
    if best.pods.is_empty() {
        return Err(ToolError::not_found(format!("{address} of namespace `{namespace}` has no pods{}", why(&kind, &owners)))
            .with_hint("Call `list_events` for what happened to it, or pass a former pod's name as `pod`: CloudWatch Logs may have its log."));
    }
    best.not_read.truncate(NAMED);
    let pods = best.pods.into_iter().map(|(_, pod)| pod).collect();
    Ok(Chosen { pods, workload: Some(address), matched: best.matched, not_read: best.not_read })
}

fn parse(workload: &str) -> Result<(Kind, &str), ToolError> {
    let Some((kind, name)) = workload.split_once('/').filter(|(_, name)| !name.is_empty()) else {
        return Err(ToolError::invalid(format!("`workload`: `{}` is not `kind/name`", cut(workload, 80)))
            .with_hint("Write it as `Deployment/web`."));
    };
    let word = kind.to_lowercase();
    let is_meant =
        |it: &Kind| [&it.kind.to_lowercase(), &it.plural, &it.singular].contains(&&word) || it.short_names.contains(&word);
    match Kind::built_in().find(|it| KINDS.contains(&it.kind.as_str()) && is_meant(it)) {
        Some(kind) => Ok((kind, name)),
        None => {
            let near = names::did_you_mean(kind, KINDS.iter().copied());
            Err(ToolError::invalid(format!("`workload`: `{}` is no kind that owns pods{near}", cut(kind, 80)))
                .with_hint(format!("It takes {}.", KINDS.join(", "))))
        }
    }
}

async fn not_found(client: &Client, kind: &Kind, namespace: &str, name: &str) -> ToolError {
    let options = ListOptions { namespace: Some(namespace), ..ListOptions::default() };
    let known = api::list(client, kind, &options, api::PAGE).await.map(|(known, _)| known).unwrap_or_default();
    let near = names::did_you_mean(name, known.iter().map(Object::name));
    ToolError::not_found(format!("{} `{}` does not exist in namespace `{namespace}`{near}", kind.kind, cut(name, 80)))
        .with_hint(format!("Call `list_resources` with `kind: {}` for those that are there.", kind.kind))
}

/// The newest jobs of a `CronJob`.
async fn jobs(client: &Client, namespace: &str, owner: &Object) -> Result<Vec<Object>, ToolError> {
    let kind = Kind::named("Job").ok_or_else(|| ToolError::new(ErrorKind::Internal, "the kind Job is not known"))?;
    let options = ListOptions { namespace: Some(namespace), ..ListOptions::default() };
    let mut newest: Vec<Object> = Vec::new();
    let visit = |page: Vec<Object>| {
        newest.extend(page.into_iter().filter(|it| it.controller() == Some(("CronJob", owner.name()))));
        newest.sort_by_key(|it| Reverse(it.created()));
        newest.truncate(JOBS);
        true
    };
    api::list_pages(client, &kind, &options, visit).await?;
    Ok(newest)
}

/// Why a workload has no pods, where that is plain.
fn why(kind: &Kind, owners: &[Object]) -> &'static str {
    match owners {
        [] => ": no job of it is left",
        [only] if only.integer("spec.replicas") == Some(0) => ": it is scaled to 0",
        [only] if only.integer("status.desiredNumberScheduled") == Some(0) => ": no node is eligible",
        _ if kind.kind == "CronJob" || kind.kind == "Job" => ": they have been removed",
        _ => "",
    }
}

/// The pods most worth reading of all that were seen.
struct Best {
    now: Timestamp,
    pods: Vec<(Rank, Object)>,
    matched: usize,
    not_read: Vec<String>,
}

/// Failing before degraded before healthy, then the newest.
type Rank = (u8, Reverse<Option<Timestamp>>, String);

impl Best {
    fn add(&mut self, page: Vec<Object>) {
        self.matched += page.len();
        for pod in page {
            let health = match status::of(&pod, self.now).health {
                Health::Failing(_) => 0,
                Health::Degraded(_) => 1,
                Health::Healthy => 2,
            };
            self.pods.push(((health, Reverse(pod.created()), pod.name().to_owned()), pod));
        }
        self.pods.sort_by(|a, b| a.0.cmp(&b.0));
        // What was displaced comes before what was not wanted in the first place.
        let displaced = self.pods.split_off(READ.min(self.pods.len()));
        let names = displaced.into_iter().map(|(_, pod)| pod.name().to_owned()).take(NAMED);
        self.not_read = names.chain(std::mem::take(&mut self.not_read)).take(NAMED).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_are_written_as_kubectl_takes_them() {
        let owner = Object::new(json!({"kind": "Deployment", "spec": {"selector": {
            "matchLabels": {"app": "web"},
            "matchExpressions": [{"key": "tier", "operator": "In", "values": ["a", "b"]}, {"key": "canary", "operator": "DoesNotExist"}],
        }}}));
        assert_eq!(selector::of_workload(&owner).unwrap(), "app=web,tier in (a,b),!canary");
        assert_eq!(
            selector::of_workload(&Object::new(json!({"kind": "Deployment", "spec": {"selector": {}}}))),
            None,
            "an empty one selects all"
        );
        let old = Object::new(json!({"kind": "ReplicationController", "spec": {"selector": {"app": "x"}}}));
        assert_eq!(selector::of_workload(&old).unwrap(), "app=x");
    }

    #[test]
    fn workloads_are_named_by_kind_and_name() {
        for word in ["Deployment/web", "deploy/web", "deployments/web", "sts/web", "cj/web"] {
            assert_eq!(parse(word).unwrap().1, "web", "{word}");
        }
        for (wrong, words) in [
            ("web", "kind/name"),
            ("Deploymnt/web", "did you mean"),
            ("Service/web", "no kind that owns pods"),
            ("deploy/", "kind/name"),
        ] {
            let err = parse(wrong).err().unwrap();
            assert!(err.message.contains(words), "{}", err.message);
        }
        assert_eq!(pod_named("pod/web-1"), Some("web-1"));
    }
}
