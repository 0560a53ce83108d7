//! Roles of service accounts: whether the pod got what its service account promises, and whether the role takes it.

use serde_json::Value;

use super::{Rule, label, log_evidence};
use crate::diagnose::collect::service_account_name;
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::{Container, Facts, Log};
use crate::diagnose::finding::{Depth, Finding, Liveness, Severity, entry_evidence, evidence, verbatim};
use crate::diagnose::logs;
use crate::domain::object::Object;
use crate::domain::text;

pub(super) const RULES: &[Rule] = &[
    Rule::new("irsa-not-injected", Severity::High, not_injected),
    Rule::new("irsa-sa-not-annotated", Severity::High, not_annotated),
    Rule::new("irsa-trust-policy", Severity::High, trust).also(&[("irsa-bad-role-arn", Severity::High)]),
];

const ANNOTATION: &str = "eks.amazonaws.com/role-arn";
/// The audience of the token, where it is not that of STS.
const AUDIENCE: &str = "eks.amazonaws.com/audience";
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
fn saying(facts: &Facts, fits: impl Fn(&str) -> bool) -> Vec<(Container<'_>, &Log, &str, Liveness)> {
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

/// What a trust policy says about a service account.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It lets the service account in.
    Admits,
    /// It has parts that what is known does not decide.
    Unclear,
    /// It keeps the service account out.
    KeepsOut {
        /// Why.
        why: String,
        /// Paths within the role and the values there.
        told: Vec<(String, String)>,
    },
}

/// Who asks for a role: the token of a service account.
struct Token<'a> {
    /// The OIDC provider of the cluster without its scheme; empty where it is not known.
    issuer: &'a str,
    subject: &'a str,
    audience: &'a str,
}

/// A statement of a trust policy and its path within the role.
struct Statement<'a> {
    path: String,
    value: &'a Value,
}

/// A condition of a statement and whether the token meets it; nothing where that is not known.
struct Condition<'a> {
    operator: &'a str,
    key: &'a str,
    path: String,
    wanted: &'a Value,
    met: Option<bool>,
}

/// The texts of a value that is one or a list.
fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    }
}

/// The texts of a value that is one or a list, with their paths.
fn placed(path: &str, value: Option<&Value>) -> Vec<(String, String)> {
    match value {
        Some(Value::Array(all)) => {
            let texts =
                all.iter().enumerate().filter_map(|(index, it)| Some((format!("{path}[{index}]"), it.as_str()?.to_owned())));
            texts.take(3).collect()
        }
        Some(Value::String(one)) => vec![(path.to_owned(), one.clone())],
        _ => Vec::new(),
    }
}

fn statements(trust: &Value) -> Vec<Statement<'_>> {
    match trust.get("Statement") {
        Some(Value::Array(all)) => {
            let numbered = all.iter().enumerate();
            numbered.map(|(index, value)| Statement { path: format!("trust.Statement[{index}]"), value }).collect()
        }
        Some(value) => vec![Statement { path: "trust.Statement".to_owned(), value }],
        None => Vec::new(),
    }
}

impl<'a> Statement<'a> {
    fn has_effect(&self, effect: &str) -> bool {
        self.value.get("Effect").and_then(Value::as_str) == Some(effect)
    }

    /// Whether it is about the call that exchanges the token. Names of actions are compared without case.
    fn is_about_tokens(&self) -> bool {
        let names = |field: &str| {
            texts(self.value.get(field)).iter().any(|it| wildcard(&it.to_lowercase(), "sts:assumerolewithwebidentity"))
        };
        if self.value.get("NotAction").is_some() { !names("NotAction") } else { names("Action") }
    }

    /// Whether it is about tokens of this provider.
    fn is_about(&self, issuer: &str) -> bool {
        let principal = self.value.get("Principal");
        let federated = texts(self.value.pointer("/Principal/Federated"));
        let anybody = principal.and_then(Value::as_str) == Some("*");
        anybody || federated.iter().any(|it| *it == "*" || issuer.is_empty() || it.ends_with(issuer))
    }

    fn conditions(&self, token: &Token<'_>) -> Vec<Condition<'a>> {
        let operators = self.value.get("Condition").and_then(Value::as_object).into_iter().flatten();
        let entries = operators.flat_map(|(operator, it)| it.as_object().into_iter().flatten().map(move |it| (operator, it)));
        let conditions = entries.map(|(operator, (key, wanted))| Condition {
            operator: operator.as_str(),
            key: key.as_str(),
            path: format!("{}.Condition.{operator}['{key}']", self.path),
            wanted,
            met: met(operator, key, &texts(Some(wanted)), token),
        });
        conditions.collect()
    }
}

/// Whether a token meets a condition as IAM reads it; nothing where the condition is about something else.
fn met(operator: &str, key: &str, wanted: &[&str], token: &Token<'_>) -> Option<bool> {
    let (provider, claim) = key.rsplit_once(':')?;
    let value = match claim {
        "sub" => token.subject,
        "aud" => token.audience,
        _ => return None,
    };
    let optional = operator.ends_with("IfExists") || operator.starts_with("ForAllValues:");
    let base = operator.rsplit(':').next().unwrap_or(operator);
    let base = base.strip_suffix("IfExists").unwrap_or(base);
    let (negated, base) = match base.strip_prefix("StringNot") {
        Some(rest) => (true, rest),
        None => (false, base.strip_prefix("String")?),
    };
    // Variables stand for what is not known here.
    if wanted.iter().any(|it| it.contains("${")) {
        return None;
    }
    // Another provider's claim is not in this token.
    if !token.issuer.is_empty() && !provider.eq_ignore_ascii_case(token.issuer) {
        return Some(negated || optional);
    }
    let fits = |pattern: &&str| match base {
        "Equals" => *pattern == value,
        "EqualsIgnoreCase" => pattern.eq_ignore_ascii_case(value),
        _ => wildcard(pattern, value),
    };
    matches!(base, "Equals" | "EqualsIgnoreCase" | "Like").then(|| wanted.iter().any(fits) != negated)
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

/// Why a condition keeps a token out.
fn why_not(condition: &Condition<'_>, token: &Token<'_>) -> String {
    let (provider, claim) = condition.key.rsplit_once(':').unwrap_or_default();
    if !token.issuer.is_empty() && !provider.eq_ignore_ascii_case(token.issuer) {
        return format!(
            "its condition is on `{}`, a claim of another OIDC provider than that of this cluster (`{}`)",
            condition.key, token.issuer
        );
    }
    if claim == "aud" {
        return format!("its `aud` is not `{}`", token.audience);
    }
    let text = condition.wanted.as_str().map_or_else(|| condition.wanted.to_string(), str::to_owned);
    let exact = condition.operator.contains("Equals") && text.contains('*');
    let hint = if exact { ", and StringEquals takes `*` literally" } else { "" };
    let not = if condition.operator.contains("Not") { "not " } else { "" };
    format!("its `sub` is {not}`{text}` and the service account is `{}`{hint}", token.subject)
}

/// Holds a trust policy against the token of a service account.
fn judge(trust: &Value, token: &Token<'_>) -> Verdict {
    let all = statements(trust);
    let about: Vec<&Statement<'_>> = all.iter().filter(|it| it.is_about_tokens()).collect();
    // Whom `NotPrincipal` spares is not weighed.
    let mut unclear = token.issuer.is_empty() || about.iter().any(|it| it.value.get("NotPrincipal").is_some());
    for denial in about.iter().filter(|it| it.has_effect("Deny") && it.is_about(token.issuer)) {
        let conditions = denial.conditions(token);
        if conditions.iter().all(|it| it.met == Some(true)) {
            let told = placed(&format!("{}.Effect", denial.path), denial.value.get("Effect")).into_iter();
            let told = told.chain(conditions.iter().flat_map(|it| placed(&it.path, Some(it.wanted)))).collect();
            return Verdict::KeepsOut { why: "a statement denies it".to_owned(), told };
        }
        unclear |= !conditions.iter().any(|it| it.met == Some(false));
    }
    let allows: Vec<&&Statement<'_>> = about.iter().filter(|it| it.has_effect("Allow")).collect();
    if allows.is_empty() {
        let told = all.iter().flat_map(|it| placed(&format!("{}.Action", it.path), it.value.get("Action"))).take(3).collect();
        return Verdict::KeepsOut { why: "no statement allows `sts:AssumeRoleWithWebIdentity`".to_owned(), told };
    }
    let mut kept = None;
    for statement in allows.iter().filter(|it| it.is_about(token.issuer)) {
        let conditions = statement.conditions(token);
        match conditions.iter().find(|it| it.met == Some(false)) {
            Some(condition) => {
                let told = placed(&condition.path, Some(condition.wanted));
                kept = Some(Verdict::KeepsOut { why: why_not(condition, token), told });
            }
            None if unclear || conditions.iter().any(|it| it.met.is_none()) => return Verdict::Unclear,
            None => return Verdict::Admits,
        }
    }
    kept.unwrap_or_else(|| {
        let trusted = allows
            .iter()
            .flat_map(|it| placed(&format!("{}.Principal.Federated", it.path), it.value.pointer("/Principal/Federated")));
        let told: Vec<(String, String)> = trusted.take(3).collect();
        let other = told.first().map_or("another principal", |(_, value)| value.as_str());
        let why = format!("it trusts `{other}`, which is not the OIDC provider of this cluster (`{}`)", token.issuer);
        Verdict::KeepsOut { why, told }
    })
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
    let issuer = issuer.trim_start_matches("https://");
    let audience = account.annotation(AUDIENCE).filter(|it| !it.is_empty()).unwrap_or("sts.amazonaws.com");
    let none = Value::Null;
    let token = Token { issuer, subject: &subject, audience };
    let (why, told) = match judge(role.get("trust").unwrap_or(&none), &token) {
        Verdict::KeepsOut { why, told } => (why, told),
        Verdict::Unclear => return Vec::new(),
        Verdict::Admits => {
            let why = format!(
                "the trust policy of role `{name}` lets `{subject}` in; what is left is that the account has no IAM OIDC provider \
                 for `{issuer}`, or that the policy was changed after the pod was refused"
            );
            return vec![Finding::ruled_out("irsa-trust-policy", why)];
        }
    };
    let told = told.into_iter().filter_map(|(path, value)| {
        let value = verbatim(&value).to_owned();
        (!value.is_empty()).then(|| Evidence { object: role.address(), field: path, value, at: None })
    });
    let summary = format!(
        "{} cannot take on role `{name}`, because its trust policy does not let the service account in: {}.",
        super::title(&container),
        text::cut(&why, 400)
    );
    vec![
        base("irsa-trust-policy", summary)
            .because(told)
            .because(evidence(role, "arn"))
            .link(format!("IamRole/{name}"), "trust policy does not fit")
            .fix(
                Risk::Medium,
                format!(
                    "Set `sub` to `{subject}`, `aud` to `{audience}` and the provider to that of this cluster in the trust policy"
                ),
            ),
    ]
}

#[cfg(test)]
#[path = "injection_tests.rs"]
mod tests;
