//! From findings to a diagnosis: which of them is the root cause, and what the rest is to it.

use std::collections::BTreeSet;

use super::diagnosis::{
    BlastRadius, CheckArguments, Contributing, Diagnosis, Evidence, Link, NextCheck, NotChecked, RootCause, RuledOut, Status,
};
use super::facts::Facts;
use super::finding::{Depth, Finding, Liveness, Role, evidence, field_evidence};
use super::rules;
use super::{subject, symptoms};
use crate::domain::object::Object;
use crate::domain::{text, time};

/// Bounds of the lists of an answer, so that it stays readable.
const MOST_EVIDENCE: usize = 12;
const MOST_OTHERS: usize = 5;

/// Diagnoses a pod.
pub fn diagnose(facts: &Facts) -> Diagnosis {
    let (mut causes, others) = findings(facts);
    if is_beyond_containers(facts) {
        causes.retain(|it| it.explains_end);
    }
    let status = status(facts, &causes);
    let root = (!causes.is_empty() && matches!(status, Status::Failing | Status::Degraded)).then(|| causes.remove(0));
    let mut diagnosis = Diagnosis {
        status,
        summary: String::new(),
        root_cause: None,
        evidence: Vec::new(),
        chain: chain(facts),
        contributing: Vec::new(),
        ruled_out: Vec::new(),
        fixes: Vec::new(),
        next_checks: Vec::new(),
        blast_radius: None,
        not_checked: facts.gaps.clone(),
        warnings: Vec::new(),
    };
    let named: BTreeSet<&str> = causes.iter().chain(&root).map(|it| it.id).collect();
    if status != Status::Healthy {
        diagnosis.ruled_out = ruled_out(&others, &named);
    }
    match root {
        Some(root) => explain(facts, &mut diagnosis, root, &causes, &others),
        None if status == Status::Healthy && facts.subject.is_some() => {
            diagnosis.summary = subject::healthy(facts);
            diagnosis.evidence.extend(subject::evidence_of_health(facts));
        }
        None if status == Status::Healthy => {
            diagnosis.summary = healthy(facts);
            let ready = facts.pod.condition("Ready").filter(|it| it.text("status") == "True");
            let ready = ready.and_then(|it| field_evidence(&facts.pod, &it.get("status")?, it.time("lastTransitionTime")));
            diagnosis.evidence.extend(ready.or_else(|| evidence(&facts.pod, "status.phase")));
        }
        None if facts.subject.is_some() => subject::unexplained(facts, &mut diagnosis),
        None => unexplained(facts, &mut diagnosis),
    }
    if status != Status::Healthy {
        diagnosis.blast_radius = blast_radius(facts);
        if facts.has_pod() && facts.events.is_empty() && !facts.could_not_read("events") {
            let why = "the cluster keeps none: events expire, on EKS after about one hour".to_owned();
            diagnosis.not_checked.push(NotChecked { what: "events of the pod".to_owned(), why });
        }
    }
    diagnosis.evidence.truncate(MOST_EVIDENCE);
    finish(facts, &mut diagnosis);
    diagnosis
}

/// Whether a cause fails nothing before an upgrade.
pub fn waits_for_an_upgrade(id: &str) -> bool {
    id.starts_with("upgrade-") || id == "insight-error"
}

/// Causes that hold now or did a short while ago, best first, and everything else.
fn findings(facts: &Facts) -> (Vec<Finding>, Vec<Finding>) {
    let (mut causes, others): (Vec<Finding>, Vec<Finding>) =
        rules::findings(facts).filter(|it| it.liveness != Liveness::Past).partition(|it| it.role == Role::Cause);
    // What a cause explains is not told again in general words.
    let explained: Vec<Evidence> =
        causes.iter().filter(|it| it.id != rules::GENERAL).flat_map(|it| it.evidence.iter().cloned()).collect();
    let sums_up = |it: &Finding| !explained.is_empty() && it.evidence.iter().any(|it| is_of_summary(facts, it));
    let explains = |it: &Finding| it.evidence.iter().any(|it| explained.contains(it));
    causes.retain(|it| it.id != rules::GENERAL || !(explains(it) || sums_up(it)));
    let rank = |it: &Finding| (it.depth, it.liveness, it.specificity, it.severity);
    causes.sort_by_key(|it| std::cmp::Reverse(rank(it)));
    // Two equally good explanations make both doubtful, unless they agree.
    if let [first, second, ..] = causes.as_mut_slice()
        && rank(first) == rank(second)
        && first.id != second.id
    {
        first.confidence = first.confidence.lowered();
    }
    (causes, others)
}

/// Whether evidence stands in a condition of the subject that only sums up what others say.
fn is_of_summary(facts: &Facts, evidence: &Evidence) -> bool {
    let Some(condition) = evidence.field.rsplit_once('.').map(|(condition, _)| condition) else { return false };
    let kind = facts.target_object().get(&format!("{condition}.type")).and_then(serde_json::Value::as_str);
    evidence.object == facts.target_object().address() && matches!(kind, Some("Ready" | "Available" | "Progressing"))
}

/// Whether the pod was ended as a whole: how its containers ended is a consequence then, not the cause.
fn is_beyond_containers(facts: &Facts) -> bool {
    let rejected = facts.pod.text("status.phase") == "Failed" && !facts.pod.text("status.reason").is_empty();
    rejected || facts.pod.get("metadata.deletionTimestamp").is_some()
}

/// Whether a finding only repeats, further up, what the root cause explains.
fn is_symptom(finding: &Finding, root: &Finding) -> bool {
    finding.depth < root.depth && finding.chain.first().is_some_and(|link| root.chain.first() == Some(link))
}

/// Causes that say that something failed and not why.
const VAGUE: &[&str] = &[
    "crash-app-error",
    "crash-sigkill",
    "mount-timeout-generic",
    "node-cni-not-initialized",
    "probe-liveness-failing",
    "probe-readiness-failing",
    "probe-startup-failing",
];

/// Whether a finding tells again, in more general words, what the root cause tells: of the same line of a log, of the same end or
/// probe of a container, of the same mount or condition.
fn repeats(finding: &Finding, root: &Finding) -> bool {
    // The log of the instance that ended last is that of the previous and of the present one.
    let same = |it: &&Evidence| root.evidence.iter().any(|other| other.object == it.object && other.value == it.value);
    let line = finding.evidence.first().filter(|it| it.field.starts_with("log(")).as_ref().is_some_and(same);
    let mount = finding.id == "mount-timeout-generic" && root.depth == Depth::Reference;
    let link = |it: &Finding| it.chain.first().map(|it| it.object.clone());
    let container = finding.evidence.iter().any(|it| root.evidence.contains(it)) || link(finding) == link(root);
    line || mount || VAGUE.contains(&finding.id) && container
}

/// What was considered and does not hold, beside what is told as a cause.
fn ruled_out(others: &[Finding], named: &BTreeSet<&str>) -> Vec<RuledOut> {
    let mut seen = BTreeSet::new();
    let others = others.iter().filter(|it| it.role == Role::RuledOut && !named.contains(it.id));
    let others = others.filter(|it| seen.insert(it.id)).take(MOST_OTHERS);
    others.map(|it| RuledOut { id: it.id.to_owned(), why: it.summary.clone() }).collect()
}

fn explain(facts: &Facts, diagnosis: &mut Diagnosis, root: Finding, causes: &[Finding], others: &[Finding]) {
    let recovered = diagnosis.status == Status::Degraded && root.liveness == Liveness::Recent;
    diagnosis.summary = if recovered && facts.subject.is_none() {
        format!("The pod is ready again, but a short while ago: {}", root.summary)
    } else {
        root.summary.clone()
    };
    let more = causes
        .iter()
        .filter(|it| !is_symptom(it, &root) && !repeats(it, &root))
        .chain(others.iter().filter(|it| it.role == Role::Contributing));
    let mut seen = BTreeSet::from([root.summary.clone()]);
    let more = more.filter(|it| seen.insert(it.summary.clone())).take(MOST_OTHERS);
    diagnosis.contributing = more.map(|it| Contributing { id: it.id.to_owned(), summary: it.summary.clone() }).collect();
    diagnosis.chain.extend(root.chain);
    diagnosis.evidence = root.evidence;
    // What the pod's state is to the subject.
    if facts.subject.is_some() && facts.has_pod() && !facts.is_ready() {
        diagnosis.evidence.extend(evidence(&facts.pod, "status.phase").filter(|it| !diagnosis.evidence.contains(it)));
    }
    diagnosis.fixes = root.fixes;
    diagnosis.next_checks = root.next_checks;
    if diagnosis.next_checks.is_empty() {
        let of_pod = facts.has_pod();
        diagnosis.next_checks = if of_pod { symptoms::next_checks(facts) } else { subject::next_checks(facts) };
    }
    diagnosis.root_cause = Some(RootCause { id: root.id.to_owned(), summary: root.summary, confidence: root.confidence });
}

/// No rule knows what is wrong: the most telling symptom, word for word, and where to look.
fn unexplained(facts: &Facts, diagnosis: &mut Diagnosis) {
    let symptom = symptoms::most_telling(facts);
    let name = format!("Pod `{}/{}`", facts.pod.namespace(), facts.pod.name());
    diagnosis.summary = match (diagnosis.status, symptom) {
        (Status::Failing, Some((words, evidence))) => {
            diagnosis.evidence.extend(evidence);
            format!("{name} fails and no rule knows why: {words}.")
        }
        (Status::Failing, None) => format!("{name} is not ready and nothing that was read tells why."),
        (_, _) if facts.pod.get("metadata.deletionTimestamp").is_some() => format!("{name} is being deleted."),
        (_, Some((words, evidence))) => {
            diagnosis.evidence.extend(evidence);
            format!("{name} is starting or its state is not known: {words}.")
        }
        (_, None) => format!("{name} is starting or its state is not known; look again in a minute."),
    };
    diagnosis.next_checks = symptoms::next_checks(facts);
}

fn status(facts: &Facts, causes: &[Finding]) -> Status {
    if facts.subject.is_some() {
        return subject::status(facts, causes);
    }
    let pod = &facts.pod;
    let worst = causes.iter().map(|it| it.liveness).max();
    if let Some(deleted) = pod.time("metadata.deletionTimestamp") {
        // The timestamp lies at the end of the grace period.
        let stuck = facts.now.as_second() - deleted.as_second() > 300;
        return if stuck { Status::Failing } else { Status::Degraded };
    }
    match pod.text("status.phase") {
        "Succeeded" => return Status::Healthy,
        "Failed" => return Status::Failing,
        "Unknown" => return Status::Unknown,
        _ => {}
    }
    match (facts.is_ready(), worst) {
        (true, None) => Status::Healthy,
        (true, Some(_)) => Status::Degraded,
        (false, None) if symptoms::is_starting(facts) => Status::Unknown,
        (false, _) => Status::Failing,
    }
}

fn healthy(facts: &Facts) -> String {
    let name = format!("Pod `{}/{}`", facts.pod.namespace(), facts.pod.name());
    if facts.pod.text("status.phase") == "Succeeded" {
        return format!("{name} has completed its work; nothing is wrong.");
    }
    let containers = facts.containers();
    let running = containers.iter().filter(|it| it.is_running()).count();
    let restarts: i64 = containers.iter().map(super::facts::Container::restarts).sum();
    let last = containers.iter().filter_map(|it| it.status("lastState.terminated")?.time("finishedAt")).max();
    let past = match (restarts, last) {
        (0, _) => "no restarts".to_owned(),
        (_, Some(at)) => format!(
            "{}, the last {} ago and over",
            text::count(usize::try_from(restarts).unwrap_or(0), "restart"),
            time::age(facts.now, at)
        ),
        (_, None) => format!("{} in the past", text::count(usize::try_from(restarts).unwrap_or(0), "restart")),
    };
    let warnings = facts.events.iter().filter(|it| it.text("type") == "Warning").count();
    let earlier =
        if warnings > 0 { format!(" ({warnings} of them earlier warnings that no longer hold)") } else { String::new() };
    format!(
        "{name} is healthy: ready, {} running, {past}; scheduling, images, start, exits, probes and {}{earlier} were checked.",
        text::count(running, "container"),
        text::count(facts.events.len(), "event")
    )
}

/// The owners from the top, then the pod.
fn chain(facts: &Facts) -> Vec<Link> {
    let mut chain = subject::link(facts);
    if !facts.has_pod() {
        return chain;
    }
    let owners: Vec<Link> =
        facts.owners.iter().rev().map(|owner| Link { object: owner.address(), state: owner_state(owner) }).collect();
    chain.extend(owners);
    if facts.owners.is_empty()
        && let Some((kind, name)) = facts.pod.controller()
    {
        chain.push(Link { object: format!("{kind}/{}/{name}", facts.pod.namespace()), state: "not read".to_owned() });
    }
    chain.push(Link { object: facts.pod.address(), state: symptoms::pod_state(facts) });
    chain.dedup_by(|a, b| a.object == b.object);
    chain
}

fn owner_state(owner: &Object) -> String {
    let number = |path: &str| owner.integer(path).unwrap_or(0);
    match owner.kind() {
        "DaemonSet" => format!("{}/{} ready", number("status.numberReady"), number("status.desiredNumberScheduled")),
        "Job" => format!(
            "{} active, {} succeeded, {} failed",
            number("status.active"),
            number("status.succeeded"),
            number("status.failed")
        ),
        "CronJob" => format!("schedule {}", owner.text("spec.schedule")),
        _ => format!("{}/{} ready", number("status.readyReplicas"), owner.integer("spec.replicas").unwrap_or(1)),
    }
}

fn blast_radius(facts: &Facts) -> Option<BlastRadius> {
    if facts.siblings.len() < 2 {
        return None;
    }
    let counted: Vec<&Object> = facts.siblings.iter().filter(|it| it.text("status.phase") != "Succeeded").collect();
    let failing: Vec<&&Object> =
        counted.iter().filter(|it| it.condition("Ready").is_none_or(|it| it.text("status") != "True")).collect();
    let owner = facts.workload().map_or_else(String::new, |it| format!(" of {} `{}`", it.kind(), it.name()));
    let verb = if failing.len() == 1 { "is" } else { "are" };
    let same = if failing.len() == counted.len() { "; none is left to do the work" } else { "" };
    Some(BlastRadius {
        objects: failing.iter().take(10).map(|it| it.address()).collect(),
        summary: format!("{} of {}{owner} {verb} not ready{same}.", failing.len(), text::count(counted.len(), "pod")),
    })
}

/// Fills in the cluster of next calls, and makes text from the cluster safe to show.
fn finish(facts: &Facts, diagnosis: &mut Diagnosis) {
    let safe = |words: &mut String| *words = text::cut(&text::clean(words).replace('\n', " "), 900);
    safe(&mut diagnosis.summary);
    if let Some(root) = &mut diagnosis.root_cause {
        safe(&mut root.summary);
    }
    for other in &mut diagnosis.contributing {
        safe(&mut other.summary);
    }
    for fix in &mut diagnosis.fixes {
        safe(&mut fix.summary);
    }
    for gap in &mut diagnosis.not_checked {
        safe(&mut gap.why);
    }
    let namespace = facts.target_object().namespace();
    for NextCheck { arguments, .. } in &mut diagnosis.next_checks {
        if let Some(arguments) = arguments {
            arguments.cluster = Some(facts.target.cluster.clone());
            arguments.region.clone_from(&facts.target.region);
            // Rules about pods and what they refer to also tell of targets that have no pod.
            if arguments.namespace.as_deref() == Some("") {
                arguments.namespace = Some(namespace.to_owned()).filter(|it| !it.is_empty());
            }
        }
    }
    // A call that names nothing fails.
    let names_something = |it: &CheckArguments| ![&it.kind, &it.name, &it.pod].iter().any(|it| it.as_deref() == Some(""));
    diagnosis.next_checks.retain(|it| it.arguments.as_ref().is_none_or(names_something));
    for link in &mut diagnosis.chain {
        safe(&mut link.state);
    }
}

#[cfg(test)]
#[path = "engine_tests.rs"]
mod tests;
