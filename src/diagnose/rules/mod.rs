//! The rules: each looks at the facts and says what it finds. One family of causes in a file.

pub(in crate::diagnose) mod admission;
mod claims;
mod cluster;
mod crash;
pub(in crate::diagnose) mod dependency;
mod dns;
mod gitops;
mod identity;
mod images;
mod injection;
mod machines;
mod nodegroups;
mod nodes;
pub mod patterns;
mod probe_kinds;
mod probes;
mod scheduling;
mod services;
#[cfg(test)]
mod severe_tests;
mod start;
mod starts;
mod storage;
mod upgrades;
mod workloads;

use super::diagnosis::{CheckArguments, Evidence};
use super::facts::{Container, Exit, Facts};
use super::finding::{Depth, Finding, Role, Severity, verbatim};
use crate::domain::object::Object;

/// What is told of a condition that no rule knows.
pub(in crate::diagnose) const GENERAL: &str = "generic-condition-false";

/// One cause and how to recognise it.
pub struct Rule {
    /// Id from the catalogue of causes.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Closer names of the same cause that it tells where the facts allow, each with how bad it is.
    pub also: &'static [(&'static str, Severity)],
    /// Looks for it.
    pub check: fn(&Facts) -> Vec<Finding>,
}

impl Rule {
    const fn new(id: &'static str, severity: Severity, check: fn(&Facts) -> Vec<Finding>) -> Self {
        Self { id, severity, also: &[], check }
    }

    const fn also(mut self, also: &'static [(&'static str, Severity)]) -> Self {
        self.also = also;
        self
    }
}

/// Every rule; the only registration of a family.
pub const RULES: &[&[Rule]] = &[
    scheduling::RULES,
    scheduling::REASONS,
    storage::RULES,
    claims::RULES,
    images::RULES,
    start::RULES,
    crash::RULES,
    probes::RULES,
    probe_kinds::RULES,
    starts::RULES,
    dependency::RULES_OF_DEPENDENCIES,
    dns::RULES,
    identity::RULES,
    injection::RULES,
    admission::RULES,
    workloads::RULES,
    gitops::RULES,
    services::RULES,
    nodes::RULES,
    machines::RULES,
    nodegroups::RULES,
    cluster::RULES,
    upgrades::RULES,
];

/// What all rules and patterns find, each with how bad its cause is.
pub(in crate::diagnose) fn findings(facts: &Facts) -> impl Iterator<Item = Finding> {
    let found: Vec<Finding> = RULES.iter().flat_map(|it| it.iter()).flat_map(|rule| (rule.check)(facts)).collect();
    let mut told = patterns::findings(facts);
    // A rule that has read what a message is about knows more than the message.
    told.retain(|it| !found.iter().any(|other| other.role == Role::RuledOut && other.id == it.id));
    // Where Karpenter makes nodes, those that are there do not decide, but why it makes none.
    let by_karpenter = told.iter().any(|it| it.id.starts_with("karpenter-") && it.depth == Depth::Pod);
    let most = move |it: &Finding| if by_karpenter && it.depth == Depth::Pod && it.id.starts_with("sched-") { 7 } else { 9 };
    found.into_iter().chain(told).map(move |it| Finding {
        severity: severity_of(it.id),
        specificity: it.specificity.min(most(&it)),
        ..it
    })
}

/// All causes that a rule tells, with how bad they are; some are told by several.
pub fn causes() -> impl Iterator<Item = (&'static str, Severity)> {
    let rules = RULES.iter().flat_map(|it| it.iter());
    let rules = rules.flat_map(|it| [(it.id, it.severity)].into_iter().chain(it.also.iter().copied()));
    rules.chain(patterns::PATTERNS.iter().flat_map(|it| it.iter()).map(|it| (it.id, it.severity)))
}

/// How bad a cause is; one that no rule tells is taken to be middling.
pub fn severity_of(id: &str) -> Severity {
    causes().find(|(known, _)| *known == id).map_or(Severity::Medium, |(_, severity)| severity)
}

/// Arguments for a tool that looks at the pod of these facts.
fn pod_arguments(facts: &Facts) -> CheckArguments {
    CheckArguments {
        namespace: Some(facts.pod.namespace().to_owned()),
        pod: Some(facts.pod.name().to_owned()),
        ..CheckArguments::default()
    }
}

/// Arguments for a tool that looks at objects of a kind in the namespace of the pod.
fn kind_arguments(facts: &Facts, kind: &str) -> CheckArguments {
    CheckArguments { namespace: Some(facts.pod.namespace().to_owned()), kind: Some(kind.to_owned()), ..CheckArguments::default() }
}

/// The workload as kubectl takes it, `deployment/web`, where its pod template can be changed.
fn editable_workload(facts: &Facts) -> Option<String> {
    let workload = facts.workload()?;
    matches!(workload.kind(), "Deployment" | "StatefulSet" | "DaemonSet")
        .then(|| format!("{}/{}", workload.kind().to_lowercase(), workload.name()))
}

/// A JSON patch of one value in a container of the workload's template; nothing where the template does not have it.
fn template_patch(facts: &Facts, container: &Container<'_>, path: &str, value: &str) -> Option<String> {
    let target = editable_workload(facts)?;
    let list = if container.init { "initContainers" } else { "containers" };
    let base = format!("spec.template.spec.{list}");
    let workload = facts.workload()?;
    // The pod may have containers that were injected, so that its indices are not those of the template.
    let names = workload.get(&base)?.as_array()?;
    let index = names.iter().position(|it| it.get("name").and_then(serde_json::Value::as_str) == Some(container.name))?;
    workload.get(&format!("{base}[{index}].{path}"))?;
    let pointer = format!("/{}/{index}/{}", base.replace('.', "/"), path.replace(['.', '['], "/").replace(']', ""));
    let change = serde_json::json!([{"op": "replace", "path": pointer, "value": value}]).to_string();
    Some(format!("kubectl -n {} patch {target} --type=json -p '{}'", facts.pod.namespace(), change.replace('\'', "'\\''")))
}

/// A line of a log as evidence.
fn log_evidence(pod: &Object, log: &super::facts::Log, line: &str) -> Evidence {
    Evidence { object: pod.address(), field: log.field(), value: verbatim(line).to_owned(), at: None }
}

/// Reason and exit code of a container's last instance as evidence.
fn exit_evidence(container: &Container<'_>, exit: &Exit<'_>) -> Vec<Evidence> {
    let at = exit.field.time("finishedAt");
    let fields = ["reason", "exitCode", "message"].into_iter().filter_map(|path| exit.field.get(path));
    let mut evidence: Vec<Evidence> =
        fields.filter_map(|field| super::finding::field_evidence(container.pod, &field, at)).collect();
    if container.restarts() > 0 {
        let restarts = container.status("restartCount");
        evidence.extend(restarts.and_then(|field| super::finding::field_evidence(container.pod, &field, None)));
    }
    evidence
}

/// `container x` or `init container x`.
fn label(container: &Container<'_>) -> String {
    format!(
        "{} `{}`",
        if container.is_sidecar() {
            "sidecar"
        } else if container.init {
            "init container"
        } else {
            "container"
        },
        container.name
    )
}

/// `Container …`, at the start of a sentence.
fn title(container: &Container<'_>) -> String {
    let label = label(container);
    let mut characters = label.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// `9 times`, or `once`.
fn times(count: i64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

#[cfg(test)]
pub(in crate::diagnose) mod fixtures {
    //! Small worlds for the tests of rules.

    use serde_json::{Value, json};

    use super::super::facts::{Facts, Log};
    use super::*;
    use crate::domain::target::Target;

    /// The present moment of every fixture.
    const NOW: &str = "2026-01-05T12:00:00Z";

    /// A pod `shop/web-1` with this spec and status, controlled by nothing.
    pub(in crate::diagnose) fn facts(spec: Value, status: Value) -> Facts {
        let pod = json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1"}, "spec": spec, "status": status});
        let target = Target { account: None, region: Some("us-east-1".into()), cluster: "c1".into(), through: None };
        Facts::of(target, Object::new(pod), NOW.parse().unwrap())
    }

    /// An object that is no pod.
    pub(in crate::diagnose) fn subject(object: Value) -> Facts {
        let target = Target { account: None, region: Some("us-east-1".into()), cluster: "c1".into(), through: None };
        Facts::about(target, Object::new(object), NOW.parse().unwrap())
    }

    /// A pod with one container `main` in this state.
    pub(in crate::diagnose) fn container(spec: Value, status: Value) -> Facts {
        let (mut spec, mut status) = (spec, status);
        for part in [&mut spec, &mut status] {
            part["name"] = "main".into();
        }
        facts(json!({"nodeName": "n1", "containers": [spec]}), json!({"phase": "Running", "containerStatuses": [status]}))
    }

    /// A container that crash-loops and last ended like this three minutes ago.
    pub(in crate::diagnose) fn crashed(spec: Value, code: i64, reason: &str, message: &str) -> Facts {
        let mut last = json!({"exitCode": code, "reason": reason, "startedAt": "2026-01-05T11:56:00Z", "finishedAt": "2026-01-05T11:57:00Z"});
        if !message.is_empty() {
            last["message"] = message.into();
        }
        let waiting =
            json!({"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container=main pod=web-1_shop(u1)"});
        container(
            spec,
            json!({"ready": false, "restartCount": 7, "state": {"waiting": waiting}, "lastState": {"terminated": last}}),
        )
    }

    /// Adds a log of `main`.
    pub(in crate::diagnose) fn with_log(mut facts: Facts, text: &str) -> Facts {
        facts.logs.push(Log { container: "main".into(), previous: true, text: text.into() });
        facts
    }

    /// Adds an event about `main` of two minutes ago.
    pub(in crate::diagnose) fn with_event(mut facts: Facts, reason: &str, message: &str) -> Facts {
        let name = format!("web-1.{}", facts.events.len());
        facts.events.push(Object::new(json!({
            "kind": "Event", "metadata": {"name": name, "namespace": "shop"}, "reason": reason, "message": message, "count": 3,
            "lastTimestamp": "2026-01-05T11:58:00Z", "involvedObject": {"uid": "u1", "fieldPath": "spec.containers{main}"},
        })));
        facts
    }

    /// The ids of causes and contributions that all rules together find.
    pub(in crate::diagnose) fn ids(facts: &Facts) -> Vec<&'static str> {
        let found = RULES.iter().flat_map(|it| it.iter()).flat_map(|rule| (rule.check)(facts));
        found.filter(|it| it.role == Role::Cause).map(|it| it.id).collect()
    }

    /// The finding with this id.
    pub(in crate::diagnose) fn finding(facts: &Facts, id: &str) -> Finding {
        RULES.iter().flat_map(|it| it.iter()).flat_map(|rule| (rule.check)(facts)).find(|it| it.id == id).unwrap()
    }
}
