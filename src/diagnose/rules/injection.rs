//! Roles of service accounts: whether the pod got what its service account promises, and whether the role takes it.

use serde_json::Value;

use super::{Rule, label, log_evidence};
use crate::diagnose::collect::service_account_name;
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::{Container, Facts, Log};
use crate::diagnose::finding::{Depth, Finding, Liveness, Severity, entry_evidence, evidence};
use crate::diagnose::logs;
use crate::domain::object::Object;
use crate::domain::text;

pub(super) const RULES: &[Rule] = &[
    Rule::new("irsa-not-injected", Severity::High, not_injected),
    Rule::new("irsa-sa-not-annotated", Severity::High, not_annotated),
    Rule::new("irsa-trust-policy", Severity::High, trust).also(&[("irsa-bad-role-arn", Severity::High)]),
];

const ANNOTATION: &str = "eks.amazonaws.com/role-arn";
const SKIP: &str = "eks.amazonaws.com/skip-containers";
/// What the webhook of EKS, or that of Pod Identity, puts into a container.
const INJECTED: [&str; 2] = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];

fn role_arn(account: &Object) -> Option<&str> {
    account.annotation(ANNOTATION).filter(|it| !it.is_empty())
}

fn has_token(container: &Container<'_>) -> bool {
    container.spec.list("env").iter().any(|it| INJECTED.contains(&it.text("name")))
}

/// Containers whose log has a line that fits, with it.
fn saying<'a>(facts: &'a Facts, fits: impl Fn(&str) -> bool) -> Vec<(Container<'a>, &'a Log, &'a str, Liveness)> {
    let containers = facts.containers().into_iter().filter_map(|container| {
        let failing = container.exit(facts.now).map(|it| it.liveness);
        let liveness = failing.or_else(|| (!container.is_ready()).then_some(Liveness::Active))?;
        let (log, line) = facts
            .logs
            .iter()
            .filter(|it| it.container == container.name)
            .find_map(|log| Some((log, logs::last_of(&log.text, &fits)?)))?;
        Some((container, log, line, liveness))
    });
    containers.collect()
}

fn restart(facts: &Facts) -> Option<String> {
    super::editable_workload(facts).map(|it| format!("kubectl -n {} rollout restart {it}", facts.pod.namespace()))
}

/// The service account has a role, and the pod did not get its token.
fn not_injected(facts: &Facts) -> Vec<Finding> {
    let Some(account) = &facts.service_account else { return Vec::new() };
    let Some(arn) = role_arn(account) else { return Vec::new() };
    let name = service_account_name(&facts.pod);
    let found = saying(facts, |line| logs::lacks_credentials(line) || node_identity(line).is_some()).into_iter();
    let found = found.filter(|(container, ..)| !has_token(container)).map(|(container, log, line, liveness)| {
        let skipped = facts.pod.annotation(SKIP).is_some_and(|it| it.split(',').any(|it| it.trim() == container.name));
        let (why, fix) = if skipped {
            (
                format!("the annotation `{SKIP}` of the pod leaves it out"),
                "Take the container out of the annotation in the template",
            )
        } else {
            (
                "the pod was created before the annotation was set, or while the webhook of EKS did not answer".to_owned(),
                "Restart the pods: the token is injected only when a pod is created",
            )
        };
        let summary = format!(
            "{} has no AWS token, although service account `{name}` has the role `{arn}`: {why}.",
            super::title(&container)
        );
        Finding::new("irsa-not-injected", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .alive(liveness)
            .because([log_evidence(&facts.pod, log, line)])
            .because(entry_evidence(account, "metadata.annotations", ANNOTATION))
            .because(entry_evidence(&facts.pod, "metadata.annotations", SKIP).filter(|_| skipped))
            .link(label(&container), container.state(facts.now))
            .link(account.address(), "has a role that the pod did not get")
            .fix_with(Risk::Low, fix, restart(facts).filter(|_| !skipped))
    });
    found.collect()
}

/// The role of a node, where a line says that it was refused something.
fn node_identity(line: &str) -> Option<&str> {
    if !line.contains("not authorized to perform") {
        return None;
    }
    let (_, rest) = line.split_once(":assumed-role/")?;
    let (role, session) = rest.split_once('/')?;
    // Sessions of nodes are named after their instances.
    session.starts_with("i-").then_some(role)
}

/// The pod calls AWS as its node, because its service account has no role.
fn not_annotated(facts: &Facts) -> Vec<Finding> {
    let Some(account) = &facts.service_account else { return Vec::new() };
    let associated = facts.associations.as_ref().is_some_and(|it| !it.is_empty());
    if role_arn(account).is_some() || associated {
        return Vec::new();
    }
    let name = service_account_name(&facts.pod);
    let found = saying(facts, |line| node_identity(line).is_some()).into_iter();
    let found = found.filter(|(container, ..)| !has_token(container)).map(|(container, log, line, liveness)| {
        let node_role = node_identity(line).unwrap_or_default();
        let other = facts.related_of("ServiceAccount").find(|it| it.name() != name && role_arn(it).is_some());
        let meant = other.map_or_else(String::new, |it| format!("; service account `{}` of the namespace has one and may be meant", it.name()));
        let summary = format!(
            "{} calls AWS with the role of its node (`{node_role}`), because service account `{name}` has no role of its own{meant}.",
            super::title(&container)
        );
        let finding = Finding::new("irsa-sa-not-annotated", Depth::Reference, if facts.associations.is_some() { Confidence::High } else { Confidence::Medium }, summary)
            .specific(9)
            .alive(liveness)
            .because([log_evidence(&facts.pod, log, line)])
            .because(evidence(&facts.pod, "spec.serviceAccountName"))
            .because(other.and_then(|it| entry_evidence(it, "metadata.annotations", ANNOTATION)))
            .link(label(&container), container.state(facts.now))
            .link(account.address(), "has no role");
        let finding = match other {
            Some(other) => finding.fix(Risk::Low, format!("Set `serviceAccountName: {}` in the template, if that one is meant", other.name())),
            None => finding,
        };
        finding
            .fix(Risk::Low, "Give the service account a role, by a Pod Identity association or the annotation `eks.amazonaws.com/role-arn`, rather than widening the role of the nodes")
            .fix_with(Risk::Low, "Then restart the pods: credentials are injected only when a pod is created", restart(facts))
    });
    found.collect()
}

/// Whether a condition of a trust policy lets a value in.
fn admits(condition: &Value, key: &str, value: &str) -> Option<bool> {
    let mut seen = None;
    for (operator, entries) in condition.as_object()? {
        for (name, wanted) in entries.as_object().into_iter().flatten() {
            if !name.ends_with(key) {
                continue;
            }
            let wanted: Vec<&str> = match wanted {
                Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
                other => other.as_str().into_iter().collect(),
            };
            let fits =
                wanted.iter().any(|pattern| if operator.contains("Like") { wildcard(pattern, value) } else { *pattern == value });
            seen = Some(seen.unwrap_or(true) && fits);
        }
    }
    seen
}

/// A pattern with `*` and `?` as IAM reads it.
fn wildcard(pattern: &str, value: &str) -> bool {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut at, mut from, mut star, mut mark) = (0, 0, None, 0);
    while from < value.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some(at);
                mark = from;
                at += 1;
            }
            Some(it) if *it == '?' || Some(it) == value.get(from) => {
                at += 1;
                from += 1;
            }
            _ => {
                let Some(star) = star else { return false };
                mark += 1;
                (at, from) = (star + 1, mark);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|it| *it == '*'))
}

/// What of a trust policy keeps the service account out.
fn mismatch(trust: &Value, issuer: &str, subject: &str) -> Option<String> {
    let statements: Vec<&Value> = match trust.get("Statement") {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let issuer = issuer.trim_start_matches("https://");
    let has = |value: Option<&Value>, wanted: &dyn Fn(&str) -> bool| match value {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(wanted),
        Some(one) => one.as_str().is_some_and(wanted),
        None => false,
    };
    let web: Vec<&&Value> = statements
        .iter()
        .filter(|it| has(it.get("Action"), &|it| matches!(it, "sts:AssumeRoleWithWebIdentity" | "sts:*" | "*")))
        .collect();
    if web.is_empty() {
        return Some("no statement allows `sts:AssumeRoleWithWebIdentity`".to_owned());
    }
    let of_issuer: Vec<&&Value> = web
        .iter()
        .copied()
        .filter(|it| issuer.is_empty() || has(it.pointer("/Principal/Federated"), &|it| it.ends_with(issuer)))
        .collect();
    if of_issuer.is_empty() {
        let other =
            web.iter().find_map(|it| it.pointer("/Principal/Federated").and_then(Value::as_str)).unwrap_or("another principal");
        return Some(format!("it trusts `{other}`, which is not the OIDC provider of this cluster (`{issuer}`)"));
    }
    let mut why = None;
    for statement in of_issuer {
        let none = Value::Null;
        let condition = statement.get("Condition").unwrap_or(&none);
        let (sub, aud) = (admits(condition, ":sub", subject), admits(condition, ":aud", "sts.amazonaws.com"));
        match (sub, aud) {
            (Some(false), _) => {
                let wanted = condition
                    .as_object()
                    .into_iter()
                    .flatten()
                    .flat_map(|(operator, it)| it.as_object().into_iter().flatten().map(move |it| (operator, it)));
                let wanted =
                    wanted.filter(|(_, (name, _))| name.ends_with(":sub")).map(|(operator, (_, value))| (operator, value)).next();
                let text = wanted.map_or_else(String::new, |(_, it)| it.as_str().map_or_else(|| it.to_string(), str::to_owned));
                let exact = wanted.is_some_and(|(operator, _)| !operator.contains("Like")) && text.contains('*');
                let hint = if exact { ", and StringEquals takes `*` literally" } else { "" };
                why = Some(format!("its `sub` is `{text}` and the service account is `{subject}`{hint}"));
            }
            (_, Some(false)) => why = Some("its `aud` is not `sts.amazonaws.com`".to_owned()),
            _ => return None,
        }
    }
    why
}

/// The trust policy of the role, read.
fn trust(facts: &Facts) -> Vec<Finding> {
    let Some(account) = &facts.service_account else { return Vec::new() };
    let Some(arn) = role_arn(account) else { return Vec::new() };
    let name = arn.rsplit('/').next().unwrap_or(arn);
    let Some(role) = facts.aws_of("IamRole").find(|it| it.name() == name) else { return Vec::new() };
    let denied = |line: &str| {
        let lower = line.to_lowercase();
        lower.contains("assumerolewithwebidentity") || lower.contains("nosuchentity")
    };
    let Some((container, log, line, liveness)) = saying(facts, denied).into_iter().next() else { return Vec::new() };
    let subject = format!("system:serviceaccount:{}:{}", facts.pod.namespace(), service_account_name(&facts.pod));
    let base = |id, summary: String| {
        Finding::new(id, Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .alive(liveness)
            .because([log_evidence(&facts.pod, log, line)])
            .because(entry_evidence(account, "metadata.annotations", ANNOTATION))
            .link(label(&container), container.state(facts.now))
            .link(account.address(), format!("role {name}"))
    };
    if role.boolean("exists") == Some(false) || role.text("arn") != arn {
        let (why, fix) = if role.boolean("exists") == Some(false) {
            (
                format!("the account has no role `{name}`"),
                "Correct the annotation of the service account, or create the role".to_owned(),
            )
        } else {
            (
                format!("the ARN of role `{name}` is `{}`", role.text("arn")),
                format!("Set the annotation to `{}`", role.text("arn")),
            )
        };
        let summary = format!("{} cannot take on role `{arn}`: {why}.", super::title(&container));
        return vec![base("irsa-bad-role-arn", summary).because(evidence(role, "arn")).fix(Risk::Low, fix)];
    }
    let issuer = facts.aws_of("Cluster").next().map(|it| it.text("oidc_issuer")).unwrap_or_default();
    let none = Value::Null;
    let Some(why) = mismatch(role.get("trust").unwrap_or(&none), issuer, &subject) else { return Vec::new() };
    let summary = format!(
        "{} cannot take on role `{name}`, because its trust policy does not let the service account in: {}.",
        super::title(&container),
        text::cut(&why, 400)
    );
    vec![
        base("irsa-trust-policy", summary)
            .because(evidence(role, "arn"))
            .link(format!("IamRole/{name}"), "trust policy does not fit")
            .fix(
                Risk::Medium,
                format!("Set `sub` to `{subject}`, `aud` to `sts.amazonaws.com` and the provider to that of this cluster in the trust policy"),
            ),
    ]
}

#[cfg(test)]
#[path = "injection_tests.rs"]
mod tests;
