//! Causes that a message tells by itself: of an event, of a waiting container, of a condition, of a log. Each is a row of a table
//! with a message that it recognises and, where it is severe, one that it must leave alone.

mod application;
mod controllers;
mod images;
mod network;
mod nodes;
mod scheduling;
mod start;
mod storage;
#[cfg(test)]
mod tests;

use std::sync::{LazyLock, OnceLock};

use jiff::Timestamp;
use regex::{Captures, Regex};

use super::super::diagnosis::{Confidence, Evidence, Risk};
use super::super::facts::{Facts, event_container, event_time};
use super::super::finding::{Depth, Finding, Liveness, Severity, event_evidence, field_evidence};
use super::{label, log_evidence, title};
use crate::diagnose::logs;
use crate::domain::object::Object;
use crate::domain::status;
use crate::domain::text;

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// An event with one of these reasons, of the pod or of the subject; any reason when there are none.
    Event(&'static [&'static str]),
    /// Reason or message of a waiting container, or of one that could not be started.
    Waiting,
    /// Reason and message of the pod's status.
    Pod,
    /// Reason and message of a condition of this type that is not as it should be; of any when empty.
    Condition(&'static str),
    /// A line of the log of a container that fails.
    Log,
}

/// One cause and the message that tells it.
pub struct Pattern {
    /// Id from the catalogue of causes.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Where the message stands.
    pub on: On,
    /// What the message matches.
    pub says: &'static str,
    /// The cause in a sentence; `{1}` is the first group of the match, `{what}` the object or container concerned.
    pub tells: &'static str,
    /// What cures it.
    pub fix: &'static str,
    /// What may go wrong with that.
    pub risk: Risk,
    /// How deep the failing link is.
    pub depth: Depth,
    /// How sure the message makes.
    pub confidence: Confidence,
    /// How much the message tells, from 0 to 9.
    pub specificity: u8,
    /// A message that is recognised.
    pub yes: &'static str,
    /// A message that looks alike and must be left alone.
    pub no: &'static str,
}

/// Every pattern.
pub const PATTERNS: &[&[Pattern]] = &[
    scheduling::PATTERNS,
    images::PATTERNS,
    start::PATTERNS,
    storage::PATTERNS,
    network::PATTERNS,
    controllers::PATTERNS,
    nodes::PATTERNS,
    application::PATTERNS,
];

impl Pattern {
    /// A cause that a message proves to lie in what the pod or the subject refers to.
    const fn new(id: &'static str, severity: Severity, on: On, says: &'static str, tells: &'static str) -> Self {
        let (depth, confidence) = match on {
            On::Log => (Depth::Container, Confidence::High),
            _ => (Depth::Reference, Confidence::High),
        };
        Self { id, severity, on, says, tells, fix: "", risk: Risk::Low, depth, confidence, specificity: 7, yes: "", no: "" }
    }

    const fn fix(mut self, risk: Risk, fix: &'static str) -> Self {
        self.risk = risk;
        self.fix = fix;
        self
    }

    /// How deep the link is, and how much the message tells.
    const fn at(mut self, depth: Depth, specificity: u8) -> Self {
        self.depth = depth;
        self.specificity = specificity;
        self
    }

    const fn sure(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// A message that is recognised, and one that looks alike and is not.
    const fn like(mut self, yes: &'static str, no: &'static str) -> Self {
        self.yes = yes;
        self.no = no;
        self
    }

    /// The match of a message.
    #[cfg(test)]
    fn matches<'a>(&self, message: &'a str) -> Option<Captures<'a>> {
        Regex::new(self.says).ok()?.captures(message)
    }
}

/// The patterns with their expressions, which are made when a message of their place is there to be read.
static COMPILED: LazyLock<Vec<Compiled>> =
    LazyLock::new(|| PATTERNS.iter().flat_map(|it| it.iter()).map(|it| (it, OnceLock::new())).collect());

type Compiled = (&'static Pattern, OnceLock<Option<Regex>>);

/// What the patterns find.
pub fn findings(facts: &Facts) -> Vec<Finding> {
    let messages = messages(facts);
    if messages.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (pattern, says) in COMPILED.iter() {
        let generic = pattern.id == GENERIC;
        let mut fitting = messages.iter().filter(|it| it.is_on(pattern.on) && !(generic && it.of_healthy)).peekable();
        if fitting.peek().is_none() {
            continue;
        }
        let Some(says) = says.get_or_init(|| Regex::new(pattern.says).ok()) else { continue };
        // The latest message is the one that holds; of a log the line that tells most about its end.
        let fitting: Vec<&Message> = fitting.collect();
        let among = |decides: bool| {
            let fitting = fitting.iter().rev().filter(move |it| it.decides == decides);
            fitting.into_iter().find_map(|message| Some((*message, says.captures(&message.text)?)))
        };
        let hit = among(true).or_else(|| among(false));
        if let Some((message, captures)) = hit {
            found.push(finding(facts, pattern, message, &captures));
        }
    }
    found
}

/// The cause of an object of which nothing but a condition is known.
const GENERIC: &str = "generic-condition-false";
/// How much a line tells that is not the one which decides: less than what that one says.
const ELSEWHERE: u8 = 3;

/// Lines around the one that decides which belong to the same end.
const NEAR: usize = 5;

/// Causes of which a program often writes one line and then, in its own words, that it cannot go on.
const DENIALS: &[&str] = &[
    "rbac-forbidden",
    "app-k8s-forbidden",
    "app-aws-access-denied",
    "aws-permission-missing",
    "irsa-",
    "podidentity-",
    "app-db-auth",
    "app-tls-",
    "app-heap-oom",
];

/// A message with its place.
struct Message {
    place: Place,
    text: String,
    evidence: Vec<Evidence>,
    /// What it is about, in words.
    what: String,
    liveness: Liveness,
    /// Of a line of a log whether it tells most about the end of the log; other lines may have nothing to do with it. Of a
    /// condition whether it is known what it means that it is so.
    decides: bool,
    /// Whether it stands on an object that is well as a whole: then only a row that knows the message may take it for a fault.
    of_healthy: bool,
    /// Of a line of a log whether it stands near one which decides without naming a cause.
    near: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Event(String),
    Waiting,
    Pod,
    Condition(String),
    Log,
}

impl Message {
    fn is_on(&self, on: On) -> bool {
        match (&self.place, on) {
            (Place::Event(reason), On::Event(reasons)) => reasons.is_empty() || reasons.contains(&reason.as_str()),
            (Place::Waiting, On::Waiting) | (Place::Pod, On::Pod) | (Place::Log, On::Log) => true,
            (Place::Condition(kind), On::Condition(wanted)) => wanted.is_empty() || kind == wanted,
            _ => false,
        }
    }
}

/// Everything that speaks, oldest first within each place.
fn messages(facts: &Facts) -> Vec<Message> {
    let mut messages = Vec::new();
    let now = facts.now;
    for (event, resolved_by) in
        facts.about.iter().map(|it| (it, &facts.about)).chain(facts.events.iter().map(|it| (it, &facts.events)))
    {
        if let Some(evidence) = event_evidence(event) {
            let container = event_container(event);
            messages.push(Message {
                place: Place::Event(event.text("reason").to_owned()),
                text: event.text("message").to_owned(),
                evidence: vec![evidence],
                what: if container.is_empty() { about(event) } else { format!("container `{container}`") },
                liveness: liveness(event, resolved_by, facts),
                decides: true,
                of_healthy: false,
                near: false,
            });
        }
    }
    for container in facts.containers() {
        for (reason, message) in [
            ("state.waiting.reason", "state.waiting.message"),
            ("state.terminated.reason", "state.terminated.message"),
            ("lastState.terminated.reason", "lastState.terminated.message"),
        ] {
            let Some(reason) = container.status(reason) else { continue };
            let said = container.status(message);
            let word = reason.value.as_str().unwrap_or_default();
            let text = format!("{word}: {}", said.as_ref().and_then(|it| it.value.as_str()).unwrap_or_default());
            let waits = reason.path.contains("state.waiting") || matches!(word, "StartError" | "ContainerCannotRun");
            if waits {
                let evidence = said.iter().chain([&reason]).filter_map(|it| field_evidence(&facts.pod, it, None)).collect();
                messages.push(Message {
                    place: Place::Waiting,
                    text,
                    evidence,
                    what: label(&container),
                    liveness: Liveness::Active,
                    decides: true,
                    of_healthy: false,
                    near: false,
                });
            }
        }
    }
    // What the scheduler says stands here when its event has expired.
    let unscheduled =
        facts.pod.condition("PodScheduled").filter(|it| facts.is_unscheduled() && it.text("reason") == "Unschedulable");
    if let Some(condition) = unscheduled.filter(|_| facts.events_of(&["FailedScheduling"]).next().is_none()) {
        let evidence =
            condition.get("message").and_then(|it| field_evidence(&facts.pod, &it, condition.time("lastTransitionTime")));
        messages.push(Message {
            place: Place::Event("FailedScheduling".to_owned()),
            text: condition.text("message").to_owned(),
            evidence: evidence.into_iter().collect(),
            what: described(&facts.pod),
            liveness: Liveness::Active,
            decides: true,
            of_healthy: false,
            near: false,
        });
    }
    let reason = facts.pod.text("status.reason");
    if !reason.is_empty() {
        let evidence =
            ["status.message", "status.reason"].iter().filter_map(|it| super::super::finding::evidence(&facts.pod, it));
        messages.push(Message {
            place: Place::Pod,
            text: format!("{reason}: {}", facts.pod.text("status.message")),
            evidence: evidence.collect(),
            what: "the pod".to_owned(),
            liveness: Liveness::Active,
            decides: true,
            of_healthy: false,
            near: false,
        });
    }
    let objects = facts.subject.iter().chain(facts.has_pod().then_some(&facts.pod));
    let objects =
        objects.chain(facts.related.iter().filter(|it| matches!(it.kind(), "ReplicaSet" | "Node" | "Job") && !is_good(it)));
    for object in objects {
        let of_healthy = status::of(object, now).health.is_healthy();
        for condition in object.list("status.conditions").filter(|it| is_bad(object, it) && tells(object, it)) {
            let evidence = ["message", "reason", "status"]
                .iter()
                .filter_map(|it| field_evidence(object, &condition.get(it)?, condition.time("lastTransitionTime")));
            // What keeps pods from being made stands here when its event has expired.
            let place = match condition.text("type") {
                "ReplicaFailure" => Place::Event("FailedCreate".to_owned()),
                kind => Place::Condition(kind.to_owned()),
            };
            messages.push(Message {
                place,
                text: format!("{}: {}", condition.text("reason"), condition.text("message")),
                evidence: evidence.take(2).collect(),
                what: described(object),
                liveness: Liveness::Active,
                decides: is_understood(condition.text("type")),
                of_healthy,
                near: false,
            });
        }
    }
    for log in &facts.logs {
        let failing = facts.containers().into_iter().find(|it| it.name == log.container);
        let Some(container) = failing else { continue };
        let exit = container.exit(now);
        if exit.is_none() && container.is_ready() {
            continue;
        }
        let liveness = exit.as_ref().map_or(Liveness::Active, |it| it.liveness);
        let state = exit.map_or_else(
            || format!("{} is not ready", title(&container)),
            |it| format!("{} exits with code {}", title(&container), it.code),
        );
        let deciding = logs::deciding(&log.text);
        let generic = deciding.as_ref().is_some_and(|it| is_generic(&it.class) && !names_cause(it.line));
        let lines: Vec<&str> = log.text.lines().filter(|it| !it.trim().is_empty()).collect();
        let place = lines.iter().rposition(|line| deciding.as_ref().is_some_and(|it| it.line == *line));
        for (index, line) in lines.iter().enumerate() {
            let decides = deciding.as_ref().is_some_and(|it| it.line == *line);
            let near = generic && place.is_some_and(|it| it.abs_diff(index) <= NEAR);
            let evidence = vec![log_evidence(&facts.pod, log, line)];
            let text = (*line).to_owned();
            messages.push(Message {
                place: Place::Log,
                text,
                evidence,
                what: state.clone(),
                liveness,
                decides,
                of_healthy: false,
                near,
            });
        }
    }
    messages
}

/// Whether a line that decides says no more than that something failed.
fn is_generic(class: &logs::Class) -> bool {
    matches!(class, logs::Class::Error | logs::Class::Other)
}

/// Whether some pattern reads a cause from a line of a log.
fn names_cause(line: &str) -> bool {
    COMPILED
        .iter()
        .filter(|(pattern, _)| pattern.on == On::Log)
        .any(|(pattern, says)| says.get_or_init(|| Regex::new(pattern.says).ok()).as_ref().is_some_and(|it| it.is_match(line)))
}

/// Whether a condition says more than that something else is wrong.
fn tells(object: &Object, condition: &crate::domain::object::Field<'_>) -> bool {
    match (object.kind(), condition.text("type")) {
        ("Pod", "PodScheduled") => condition.text("reason") == "SchedulingGated",
        ("Pod", "Ready" | "ContainersReady" | "Initialized" | "PodReadyToStartContainers" | "DisruptionTarget")
        | ("Deployment", "Available") => false,
        _ => true,
    }
}

fn is_good(object: &Object) -> bool {
    object.list("status.conditions").all(|it| !is_bad(object, &it))
}

/// Whether a condition is not as it should be. Some are good when they are true, some when they are not.
pub(super) fn is_bad(object: &Object, condition: &crate::domain::object::Field<'_>) -> bool {
    let kind = condition.text("type");
    if kind == "ScalingLimited" {
        // At its minimum an autoscaler is limited as well, and well.
        return condition.text("status") == "True" && condition.text("reason") == "TooManyReplicas";
    }
    let bad_when_true = is_bad_when_true(kind) || object.kind() == "Namespace";
    match condition.text("status") {
        // Argo CD writes conditions only for what is wrong, and without a status.
        "" => object.kind() == "Application" && (kind.ends_with("Error") || kind.ends_with("Warning")),
        "True" => bad_when_true,
        "False" | "Unknown" => {
            !bad_when_true && !matches!(kind, "Complete" | "Suspended" | "Drained" | "Consolidatable" | "Drifted")
        }
        _ => false,
    }
}

/// Types of conditions that are good while they do not hold.
fn is_bad_when_true(kind: &str) -> bool {
    kind.ends_with("Pressure")
        || kind.ends_with("Failure")
        || kind.ends_with("Error")
        || kind.contains("Terminal")
        || matches!(
            kind,
            "NetworkUnavailable"
                | "Failed"
                | "Stalled"
                | "DisruptionTarget"
                | "PodResizePending"
                | "FailureTarget"
                | "Resizing"
                | "ACK.Recoverable"
                | "Degraded"
                | "InvalidSpecError"
                | "FileSystemResizePending"
        )
}

/// Whether it is known what it means for an object that a condition of this type does not hold, or does.
fn is_understood(kind: &str) -> bool {
    const GOOD: [&str; 16] = [
        "Available",
        "Healthy",
        "Synced",
        "Established",
        "Programmed",
        "Accepted",
        "Reconciled",
        "Succeeded",
        "Launched",
        "Registered",
        "Initialized",
        "Progressing",
        "AbleToScale",
        "ScalingActive",
        "DisruptionAllowed",
        "ResolvedRefs",
    ];
    is_bad_when_true(kind) || kind.ends_with("Ready") || kind.starts_with("ACK.") || GOOD.contains(&kind)
}

/// Reasons with which a later event says that what failed has worked.
fn resolving(reason: &str) -> &'static [&'static str] {
    match reason {
        "Failed" | "InspectFailed" => &["Pulled", "Started"],
        "FailedCreate" => &["SuccessfulCreate"],
        "FailedScheduling" => &["Scheduled"],
        "FailedAttachVolume" => &["SuccessfulAttachVolume", "Started", "Pulled", "Created"],
        "FailedMount" | "FailedCreatePodSandBox" => &["Started", "Pulled", "Created"],
        "ProvisioningFailed" | "FailedBinding" => &["ProvisioningSucceeded"],
        "FailedDeployModel" | "FailedBuildModel" => &["SuccessfullyReconciled"],
        "SyncLoadBalancerFailed" => &["EnsuredLoadBalancer"],
        _ => &[],
    }
}

fn liveness(event: &Object, among: &[Object], facts: &Facts) -> Liveness {
    let at = event_time(event);
    // One container that starts says nothing of another one.
    let same = |it: &Object| {
        let (one, other) = (event_container(event), event_container(it));
        one == other || one.is_empty() || other.is_empty()
    };
    let later = |it: &&Object| event_time(it) > at && same(it) && resolving(event.text("reason")).contains(&it.text("reason"));
    let own = facts.has_pod() && event.text("involvedObject.name") == facts.pod.name();
    if among.iter().any(|it| later(&it)) || own && facts.is_ready() || is_overcome(event, at, own, facts) {
        return Liveness::Past;
    }
    Liveness::Active
}

/// Whether the state of what an event is about shows that it got beyond what failed, whichever events are kept.
fn is_overcome(event: &Object, at: Option<Timestamp>, own: bool, facts: &Facts) -> bool {
    let (reason, kind, name) = (event.text("reason"), event.text("involvedObject.kind"), event.text("involvedObject.name"));
    match reason {
        "FailedScheduling" if own => !facts.pod.text("spec.nodeName").is_empty(),
        // A container that was started later had its image, its volumes and its network.
        "Failed" | "InspectFailed" | "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" if own => {
            let container = event_container(event);
            facts.containers().iter().filter(|it| container.is_empty() || it.name == container).any(|it| {
                let paths = ["state.running.startedAt", "state.terminated.startedAt", "lastState.terminated.startedAt"];
                paths.iter().any(|path| it.status.as_ref().and_then(|status| status.time(path)) > at)
            })
        }
        "ProvisioningFailed" | "FailedBinding" => {
            let claims = facts.subject.iter().chain(&facts.claims).chain(&facts.related);
            claims
                .filter(|it| it.kind() == "PersistentVolumeClaim" && it.name() == name)
                .any(|it| it.text("status.phase") == "Bound")
        }
        "FailedCreate" => {
            let owners = facts.subject.iter().chain(&facts.owners).chain(&facts.related);
            owners.filter(|it| it.kind() == kind && it.name() == name).any(has_its_pods)
        }
        _ => false,
    }
}

/// Whether a controller has as many pods as it wants.
fn has_its_pods(owner: &Object) -> bool {
    let number = |path: &str| owner.integer(path).unwrap_or(0);
    match owner.kind() {
        "ReplicaSet" | "ReplicationController" => {
            let wanted = owner.integer("spec.replicas").unwrap_or(1);
            owner.get("status.replicas").is_some() && number("status.replicas") >= wanted
        }
        "StatefulSet" => number("status.readyReplicas") >= owner.integer("spec.replicas").unwrap_or(1),
        "DaemonSet" => {
            number("status.numberReady") > 0 && number("status.numberReady") >= number("status.desiredNumberScheduled")
        }
        "Job" => number("status.active") + number("status.succeeded") >= owner.integer("spec.parallelism").unwrap_or(1),
        _ => false,
    }
}

fn about(event: &Object) -> String {
    format!("{} `{}`", event.text("involvedObject.kind"), event.text("involvedObject.name"))
}

fn described(object: &Object) -> String {
    format!("{} `{}`", object.kind(), object.name())
}

/// A sentence with its places filled, in one pass: what the cluster says is never read as a place. What frames a group that the
/// message does not have goes with it.
fn fill(tells: &str, what: &str, captures: &Captures<'_>) -> String {
    let mut words = String::with_capacity(tells.len() * 2);
    let mut rest = tells;
    while let Some((before, after)) = rest.split_once('{') {
        words.push_str(before);
        let Some((place, after)) = after.split_once('}') else { break };
        rest = after;
        let group = place.parse().ok().and_then(|index: usize| captures.get(index)).map_or("", |it| it.as_str().trim());
        let value = if place == "what" { what.to_owned() } else { text::cut(&text::clean_line(group), 300) };
        if !value.is_empty() {
            words.push_str(&value);
            continue;
        }
        for (open, close) in [('`', '`'), ('(', ')')] {
            if words.ends_with(open) && rest.starts_with(close) {
                words.pop();
                rest = rest.get(close.len_utf8()..).unwrap_or_default();
                words.truncate(words.trim_end().len());
            }
        }
    }
    words.push_str(rest);
    words
}

fn finding(facts: &Facts, pattern: &Pattern, message: &Message, captures: &Captures<'_>) -> Finding {
    let mut words = fill(pattern.tells, &message.what, captures);
    if pattern.on == On::Log {
        words = format!("{}: \"{}\".", words.trim_end_matches('.'), logs::said(&message.text));
    }
    let mut words = words.trim().to_owned();
    // What is quoted may end with its own full stop.
    while words.ends_with("..") {
        words.pop();
    }
    if !words.ends_with(['.', '!', '?']) {
        words.push('.');
    }
    let mut characters = words.chars();
    let words: String = characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect());
    let tells = message.decides || message.near && DENIALS.iter().any(|it| pattern.id.starts_with(it));
    let mut finding = Finding::new(pattern.id, pattern.depth, pattern.confidence, words)
        .specific(if tells { pattern.specificity } else { pattern.specificity.min(ELSEWHERE) })
        .alive(message.liveness)
        .because(message.evidence.iter().cloned());
    // The subject stands in the chain by itself.
    if facts.subject.as_ref().is_none_or(|it| described(it) != message.what) {
        finding = finding.link(message.what.clone(), text::cut(message.text.lines().next().unwrap_or_default(), 160));
    }
    // A node short of something evicts pods and turns them away; why one that it runs fails is seldom this.
    if pattern.id.ends_with("-pressure") && facts.subject_of(&["Node"]).is_none() {
        finding.depth = Depth::Pod;
        finding.specificity = finding.specificity.min(ELSEWHERE);
    }
    finding.explains_end = pattern.depth == Depth::Pod || matches!(pattern.on, On::Pod | On::Condition(_));
    if pattern.on == On::Log {
        let exits =
            facts.containers().into_iter().filter_map(|it| it.exit(facts.now).map(|exit| super::exit_evidence(&it, &exit)));
        finding = finding.because(exits.flatten().take(3));
    }
    if pattern.fix.is_empty() { finding } else { finding.fix(pattern.risk, pattern.fix) }
}
