//! A pod that is gone: what CloudWatch Logs kept of it, or what may have been meant.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::answer::{self, Parts};
use super::instances::Instance;
use super::read::{Answered, Read, Request, Sink, patience};
use super::{Input, Output, Source};
use crate::aws::{Logs, Scope};
use crate::context::Context;
use crate::domain::log_event::{LogEvent, LogFilter, LogScan};
use crate::domain::names;
use crate::domain::object::{Object, at};
use crate::domain::target::Target;
use crate::domain::text::cut;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::Client;
use crate::k8s::api::{self, ListOptions};

/// Hours back that are searched, the nearest first, when no time was asked for: the end of a log is what tells most.
const HOURS: &[i64] = &[1, 6, 24];
/// Containers of one pod that are told.
const CONTAINERS: usize = 30;

/// Answers for a pod that the API server does not know.
pub(super) async fn answer(
    cx: &Context,
    target: Target,
    client: &Client,
    input: &Input,
    pod: &str,
    request: &Request,
) -> Result<Output, ToolError> {
    let group = format!("/aws/containerinsights/{}/application", target.cluster);
    let (found, near) = futures::join!(search(cx, &target, &group, input, pod, request), near(client, &input.namespace, pod));
    let missing = format!("pod `{}` does not exist in namespace `{}`", cut(pod, 80), input.namespace);
    let why = match found {
        Ok(read) if !read.logs.is_empty() => {
            let parts = Parts {
                of: format!("the former pod `{pod}`"),
                pods: None,
                source: Source::Cloudwatch,
                log_group: Some(group),
                read,
            };
            return Ok(answer::build(cx, target, request, parts));
        }
        Ok(read) => {
            let early = if read.warnings.is_empty() { "" } else { " as far as it was searched" };
            format!("log group `{group}` holds nothing of it {}{early}", span(request))
        }
        Err(err) if err.kind == ErrorKind::NotFound => err.message,
        Err(err) => format!("CloudWatch Logs could not be asked: {}", err.message),
    };
    Err(ToolError::not_found(format!("{missing}{near}; {why}")).with_hint(
        "Call `list_resources` with `kind: Pod` for the pods that are there; for one that is gone pass `since` to search further back.",
    ))
}

/// The period that was searched, in words.
fn span(request: &Request) -> String {
    match request.period.start() {
        Some(start) => format!("since {start:.0}"),
        None => format!("in the last {} hours", HOURS.last().copied().unwrap_or_default()),
    }
}

/// ` Did you mean …?`: pods of like names, or the pod of that name elsewhere.
async fn near(client: &Client, namespace: &str, pod: &str) -> String {
    let Ok(kind) = super::pods_kind() else { return String::new() };
    let here = ListOptions { namespace: Some(namespace), ..ListOptions::default() };
    let selector = format!("metadata.name={pod}");
    let everywhere = ListOptions { fields: Some(&selector), ..ListOptions::default() };
    let elsewhere = async {
        // A selector cannot be pasted from what is no name.
        if names::is_dns_subdomain(pod) {
            api::list(client, &kind, &everywhere, 3).await.map(|(pods, _)| pods).unwrap_or_default()
        } else {
            Vec::new()
        }
    };
    let (known, elsewhere) = futures::join!(api::list(client, &kind, &here, api::PAGE), elsewhere);
    if let Some(other) = elsewhere.first() {
        return format!("; there is one in namespace `{}`", other.namespace());
    }
    names::did_you_mean(pod, known.map(|(pods, _)| pods).unwrap_or_default().iter().map(Object::name))
}

/// The logs of the pod in the log group, one for each container.
async fn search(
    cx: &Context,
    target: &Target,
    group: &str,
    input: &Input,
    pod: &str,
    request: &Request,
) -> Result<Answered, ToolError> {
    let Some(region) = &target.region else {
        return Err(ToolError::not_found(format!(
            "CloudWatch Logs keeps nothing of cluster `{}`, which is known only to Kubernetes",
            target.cluster
        )));
    };
    if !names::is_dns_subdomain(pod) {
        return Err(ToolError::not_found("this is no name that a pod can have"));
    }
    let mut equals = vec![
        ("kubernetes.pod_name".to_owned(), pod.to_owned()),
        ("kubernetes.namespace_name".to_owned(), input.namespace.clone()),
    ];
    if let Some(container) = &input.container {
        equals.push(("kubernetes.container_name".to_owned(), container.clone()));
    }
    let logs = cx.world.aws.logs(&Scope::region(region));
    let deadline = Instant::now() + patience(cx);
    let mut warnings = Vec::new();
    for (start, end) in periods(request) {
        let filter = LogFilter { group: group.to_owned(), stream_prefix: None, equals: equals.clone(), start, end };
        let mut containers = Containers { request, pod, sinks: BTreeMap::new() };
        match timeout_at(deadline, events(&*logs, &filter, &mut containers)).await {
            Ok(scan) => {
                if !scan?.complete {
                    warnings.push(format!("the search of `{group}` ended early: pass a shorter `since`, or `since` and `until`"));
                }
            }
            Err(_) => warnings.push(format!("the search of `{group}` took too long: pass a shorter `since`")),
        }
        let logs = containers.finish();
        if !logs.is_empty() || !warnings.is_empty() {
            return Ok(Answered { logs, warnings });
        }
    }
    Ok(Answered { logs: Vec::new(), warnings })
}

/// The periods to search one after the other until one holds something.
fn periods(request: &Request) -> Vec<(Timestamp, Timestamp)> {
    let now = request.period.now;
    let until = request.period.until.unwrap_or(now);
    if let Some(start) = request.period.start() {
        return vec![(start, until)];
    }
    let mut end = until;
    let mut periods = Vec::new();
    for hours in HOURS {
        let Ok(start) = until.checked_sub(SignedDuration::from_hours(*hours)) else { continue };
        periods.push((start, end));
        // The end is included.
        end = start.checked_sub(SignedDuration::from_millis(1)).unwrap_or(start);
    }
    periods
}

async fn events(logs: &dyn Logs, filter: &LogFilter, containers: &mut Containers<'_>) -> Result<LogScan, ToolError> {
    logs.filter_events(filter, &mut |event| containers.push(&event)).await
}

/// The logs of the containers of one pod, as their events come.
struct Containers<'a> {
    request: &'a Request,
    pod: &'a str,
    sinks: BTreeMap<String, Sink<'a>>,
}

impl Containers<'_> {
    /// Takes an event; returns whether further ones are wanted.
    fn push(&mut self, event: &LogEvent) -> bool {
        let fields: Value = serde_json::from_str(&event.message).unwrap_or_default();
        let text = |path: &str| at(&fields, path).and_then(Value::as_str);
        let container = text("kubernetes.container_name").unwrap_or("unknown");
        if !self.sinks.contains_key(container) {
            if self.sinks.len() >= CONTAINERS {
                return true;
            }
            self.sinks.insert(container.to_owned(), Sink::new(self.request));
        }
        // What the container wrote stands in a field of what the agent sent.
        let line = text("log").unwrap_or(&event.message).trim_end_matches(['\n', '\r']);
        if let Some(sink) = self.sinks.get_mut(container) {
            sink.push(Some(event.time), line);
        }
        true
    }

    fn finish(self) -> Vec<Read> {
        let logs = self.sinks.into_iter().map(|(container, sink)| {
            let instance = Instance { pod: self.pod.to_owned(), container, role: None, previous: false, ended: None };
            Read { instance, told: sink.finish(None) }
        });
        logs.collect()
    }
}
