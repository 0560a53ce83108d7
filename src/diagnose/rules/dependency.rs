//! What a pod calls and does not reach: the cause lies at the other end.

use serde_json::Value;

use super::{Rule, log_evidence};
use crate::diagnose::diagnosis::{CheckArguments, Confidence, Evidence, Risk};
use crate::diagnose::facts::{Dependency, Facts, Log, Reached};
use crate::diagnose::finding::{Depth, Finding, Liveness, Role, Severity, evidence, field_evidence};
use crate::domain::names;
use crate::domain::object::{Field, Object};
use crate::domain::text::{count, join_and};

pub(super) const RULES_OF_DEPENDENCIES: &[Rule] = &[
    Rule::new("svc-missing", Severity::High, missing),
    Rule::new("dependency-down", Severity::High, down),
    Rule::new("app-dependency-unreachable", Severity::Medium, wrong_port),
    Rule::new("netpol-blocks-traffic", Severity::High, policy),
];

/// How the caller fares, in words.
fn caller(facts: &Facts, dependency: &Dependency) -> String {
    let address = match &dependency.port {
        Some(port) => format!("{}:{port}", dependency.host),
        None => dependency.host.clone(),
    };
    let pod = if facts.has_pod() { format!(" of pod `{}`", facts.pod.name()) } else { String::new() };
    format!("Container `{}`{pod} cannot reach `{address}`", dependency.container)
}

fn quoted(facts: &Facts, dependency: &Dependency) -> Evidence {
    let previous =
        facts.logs.iter().any(|it| it.previous && it.container == dependency.container && it.text.contains(&dependency.line));
    let log = Log { container: dependency.container.clone(), previous, text: String::new() };
    log_evidence(&facts.pod, &log, &dependency.line)
}

fn base(facts: &Facts, dependency: &Dependency, id: &'static str, confidence: Confidence, summary: String) -> Finding {
    Finding::new(id, Depth::Reference, confidence, summary)
        .specific(9)
        .because([quoted(facts, dependency)])
        .link(format!("container {}", dependency.container), format!("cannot reach {}", dependency.host))
}

fn missing(facts: &Facts) -> Vec<Finding> {
    let Some(dependency) = &facts.dependency else { return Vec::new() };
    let Reached::Nothing { here, elsewhere } = &dependency.reached else { return Vec::new() };
    let near = names::did_you_mean(&dependency.name, here.iter().map(String::as_str));
    // A question ends the sentence.
    let near = if near.is_empty() { ".".to_owned() } else { near };
    let places: Vec<String> = elsewhere.iter().take(3).map(|it| format!("`{it}`")).collect();
    let there =
        if places.is_empty() { String::new() } else { format!("; one of that name is in namespace {}", join_and(&places)) };
    let summary = format!(
        "{}: there is no Service `{}` in namespace `{}` (not found){there}{near}",
        caller(facts, dependency),
        dependency.name,
        dependency.namespace
    );
    // A namespace without any Service may not exist either.
    let (what, kind, namespace) = if here.is_empty() {
        ("Which namespaces there are", "Namespace", None)
    } else {
        ("Which Services the namespace has", "Service", Some(dependency.namespace.clone()))
    };
    let check = CheckArguments { kind: Some(kind.to_owned()), namespace, ..CheckArguments::default() };
    vec![
        base(facts, dependency, "svc-missing", Confidence::Certain, summary)
            .link(format!("Service/{}/{}", dependency.namespace, dependency.name), "does not exist")
            .fix(Risk::Low, "Correct the host name in the configuration of the caller, or create the Service")
            .check(what, "list_resources", check),
    ]
}

/// The best explanation at the other end; where nothing explains it, that nothing serves there.
fn down(facts: &Facts) -> Vec<Finding> {
    let Some(dependency) = &facts.dependency else { return Vec::new() };
    let Reached::Service(service) = &dependency.reached else { return Vec::new() };
    let link = format!("Service/{}/{}", dependency.namespace, dependency.name);
    let causes = super::findings(service).filter(|it| it.role == Role::Cause && it.liveness == Liveness::Active);
    let Some(cause) = causes.max_by_key(|it| (it.depth, it.specificity, it.severity)) else {
        return unready(facts, dependency, service, link);
    };
    let summary =
        format!("{}, because of what is behind Service `{}`: {}", caller(facts, dependency), dependency.name, cause.summary);
    // That the caller is refused is what the ports of the pods alone do not show.
    let refused = cause.id == "svc-target-port-mismatch" && dependency.line.to_lowercase().contains("refused");
    let confidence = if refused { Confidence::High } else { cause.confidence.min(Confidence::High) };
    let mut finding =
        base(facts, dependency, cause.id, confidence, summary).because(cause.evidence).link(link, "no ready endpoints");
    finding.chain.extend(cause.chain);
    finding.fixes = cause.fixes;
    finding.next_checks = cause.next_checks;
    vec![finding]
}

/// A Service of which no endpoint is ready, for a reason that no rule knows.
fn unready(facts: &Facts, dependency: &Dependency, service: &Facts, link: String) -> Vec<Finding> {
    let slices: Vec<&Object> = service.related_of("EndpointSlice").collect();
    let endpoints: Vec<(&Object, Option<Field<'_>>)> =
        slices.iter().flat_map(|slice| slice.list("endpoints").map(|it| (*slice, it.get("conditions.ready")))).collect();
    // A condition that is not known is taken to be met.
    let is_down = |it: &(&Object, Option<Field<'_>>)| it.1.as_ref().is_some_and(|it| it.value.as_bool() == Some(false));
    if endpoints.is_empty() || !endpoints.iter().all(is_down) {
        return Vec::new();
    }
    let summary = format!(
        "{}, because none of the {} of Service `{}` is ready.",
        caller(facts, dependency),
        count(endpoints.len(), "endpoint"),
        dependency.name
    );
    let check = CheckArguments {
        kind: Some("Service".to_owned()),
        namespace: Some(dependency.namespace.clone()),
        name: Some(dependency.name.clone()),
        ..CheckArguments::default()
    };
    vec![
        base(facts, dependency, "dependency-down", Confidence::High, summary)
            .because(endpoints.iter().take(1).filter_map(|(slice, field)| field_evidence(slice, field.as_ref()?, None)))
            .link(link, "no ready endpoints")
            .fix(Risk::Low, "Bring the pods behind the Service up; the caller comes back by itself")
            .check("What keeps the pods of the Service", "troubleshoot", check),
    ]
}

/// A port that the Service does not have.
fn wrong_port(facts: &Facts) -> Vec<Finding> {
    let Some(dependency) = &facts.dependency else { return Vec::new() };
    let (Reached::Service(service), Some(port)) = (&dependency.reached, &dependency.port) else { return Vec::new() };
    let service = service.target_object();
    let ports: Vec<Field<'_>> = service.list("spec.ports").filter_map(|it| it.get("port")).collect();
    let numbers: Vec<String> = ports.iter().map(|it| it.value.to_string()).collect();
    // The port of a headless Service is that of its pods.
    if numbers.is_empty() || numbers.contains(port) || service.text("spec.clusterIP") == "None" {
        return Vec::new();
    }
    let summary =
        format!("{}: Service `{}` has no port {port}, only {}.", caller(facts, dependency), dependency.name, join_and(&numbers));
    vec![
        base(facts, dependency, "app-dependency-unreachable", Confidence::Certain, summary)
            .because(ports.iter().filter_map(|it| field_evidence(service, it, None)))
            .fix(Risk::Low, "Correct the port in the configuration of the caller, or add it to the Service"),
    ]
}

/// A policy that keeps caller and callee apart.
fn policy(facts: &Facts) -> Vec<Finding> {
    let Some(dependency) = &facts.dependency else { return Vec::new() };
    let Reached::Service(service) = &dependency.reached else { return Vec::new() };
    let callees: Vec<&Object> = service.related_of("Pod").collect();
    let Some(callee) = callees.first() else { return Vec::new() };
    let closes = |policy: &&Object| {
        let own = policy.namespace();
        let ingress = own == callee.namespace()
            && selects(policy, callee)
            && has_type(policy, "Ingress")
            && !admits(policy, "spec.ingress", "from", &facts.pod, own);
        let egress = own == facts.pod.namespace()
            && selects(policy, &facts.pod)
            && has_type(policy, "Egress")
            && !admits(policy, "spec.egress", "to", callee, own);
        ingress || egress
    };
    // Policies add up: one that admits the caller is enough.
    let opens = dependency.policies.iter().any(|policy| {
        let own = policy.namespace();
        own == callee.namespace()
            && selects(policy, callee)
            && has_type(policy, "Ingress")
            && admits(policy, "spec.ingress", "from", &facts.pod, own)
    });
    let closing =
        dependency.policies.iter().filter(closes).find(|it| !(opens && has_type(it, "Ingress") && !has_type(it, "Egress")));
    let Some(policy) = closing else { return Vec::new() };
    let direction = if policy.namespace() == callee.namespace() && selects(policy, callee) && has_type(policy, "Ingress") {
        "ingress to the pods of the Service"
    } else {
        "egress of the caller"
    };
    let summary = format!(
        "{}: NetworkPolicy `{}/{}` allows no {direction} from this caller.",
        caller(facts, dependency),
        policy.namespace(),
        policy.name()
    );
    let check = CheckArguments {
        kind: Some("NetworkPolicy".to_owned()),
        namespace: Some(policy.namespace().to_owned()),
        ..CheckArguments::default()
    };
    vec![
        base(facts, dependency, "netpol-blocks-traffic", Confidence::High, summary)
            .because(evidence(policy, "spec.policyTypes[0]").or_else(|| evidence(policy, "metadata.name")))
            .link(policy.address(), "selects the pods and admits no such caller")
            .fix(Risk::Medium, "Add a rule to the policy that admits the caller's labels and the port")
            .check("Which policies the namespace has", "list_resources", check),
    ]
}

pub(super) fn has_type(policy: &Object, wanted: &str) -> bool {
    let types: Vec<&str> =
        policy.get("spec.policyTypes").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    if types.is_empty() { wanted == "Ingress" || policy.get("spec.egress").is_some() } else { types.contains(&wanted) }
}

pub(super) fn selects(policy: &Object, pod: &Object) -> bool {
    policy.get("spec.podSelector").is_some_and(|it| fits(it, pod))
}

/// Whether a label selector of an object fits; expressions that are not understood are taken to fit.
pub(super) fn fits(selector: &Value, pod: &Object) -> bool {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let plain = labels.into_iter().all(|(key, value)| pod.label(key) == value.as_str());
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    plain
        && expressions.into_iter().all(|it| {
            let key = it.get("key").and_then(Value::as_str).unwrap_or_default();
            let values: Vec<&str> =
                it.get("values").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
            match it.get("operator").and_then(Value::as_str) {
                Some("In") => pod.label(key).is_some_and(|it| values.contains(&it)),
                Some("NotIn") => pod.label(key).is_none_or(|it| !values.contains(&it)),
                Some("Exists") => pod.label(key).is_some(),
                Some("DoesNotExist") => pod.label(key).is_none(),
                _ => true,
            }
        })
}

/// Whether a rule of the policy admits a peer. Blocks of addresses and namespaces by other labels than their name are not known,
/// and taken to admit.
fn admits(policy: &Object, rules: &str, peers: &str, peer: &Object, own: &str) -> bool {
    policy.list(rules).any(|rule| {
        let list = rule.list(peers);
        if list.is_empty() {
            return true;
        }
        list.iter().any(|it| {
            if it.get("ipBlock").is_some() {
                return true;
            }
            let namespace = match it.get("namespaceSelector") {
                None => peer.namespace() == own,
                Some(selector) => match selector.value.get("matchLabels").and_then(Value::as_object) {
                    Some(labels) => labels
                        .iter()
                        .all(|(key, value)| key != "kubernetes.io/metadata.name" || value.as_str() == Some(peer.namespace())),
                    None => true,
                },
            };
            namespace && it.get("podSelector").is_none_or(|it| fits(it.value, peer))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::json;

    fn calling(port: &str, reached: Reached) -> Facts {
        let mut facts =
            with_log(crashed(json!({}), 1, "Error", ""), &format!("dial tcp: connect to db:{port}: connection refused\n"));
        facts.dependency = Some(Dependency {
            host: "db".into(),
            port: Some(port.into()),
            name: "db".into(),
            namespace: "shop".into(),
            line: format!("dial tcp: connect to db:{port}: connection refused"),
            container: "main".into(),
            reached,
            policies: Vec::new(),
        });
        facts
    }

    fn service(ready: bool) -> Facts {
        let mut facts = subject(json!({"kind": "Service", "metadata": {"name": "db", "namespace": "shop"},
            "spec": {"selector": {"app": "db"}, "ports": [{"port": 5432}]}}));
        let condition = json!({"type": "Ready", "status": if ready { "True" } else { "False" }});
        facts.related =
            vec![Object::new(json!({"kind": "Pod", "metadata": {"name": "db-0", "namespace": "shop", "labels": {"app": "db"}},
            "status": {"phase": "Running", "conditions": [condition]}}))];
        facts
    }

    fn own(facts: &Facts) -> Vec<(&'static str, String)> {
        RULES_OF_DEPENDENCIES.iter().flat_map(|it| (it.check)(facts)).map(|it| (it.id, it.summary)).collect()
    }

    #[test]
    fn a_service_whose_endpoints_are_not_ready_is_down_even_where_no_rule_knows_why() {
        let endpoints = |ready: &[bool]| {
            let mut service = subject(
                json!({"kind": "Service", "metadata": {"name": "db", "namespace": "shop"}, "spec": {"ports": [{"port": 5432}]}}),
            );
            let list: Vec<Value> =
                ready.iter().map(|it| json!({"addresses": ["10.0.0.1"], "conditions": {"ready": it}})).collect();
            service.related = vec![Object::new(
                json!({"kind": "EndpointSlice", "metadata": {"name": "db-x", "namespace": "shop"}, "endpoints": list}),
            )];
            own(&calling("5432", Reached::Service(Box::new(service))))
        };
        let found = endpoints(&[false, false]);
        assert!(
            found.iter().any(|it| it.0 == "dependency-down" && it.1.contains("none of the 2 endpoints of Service `db` is ready")),
            "{found:?}"
        );
        assert!(!endpoints(&[false, true]).iter().any(|it| it.0 == "dependency-down"));
        assert!(!endpoints(&[]).iter().any(|it| it.0 == "dependency-down"), "a Service without a selector has none");
    }

    #[test]
    fn a_service_that_does_not_exist_is_told_with_near_names() {
        let nothing = Reached::Nothing { here: vec!["db1".into()], elsewhere: vec!["data".into()] };
        let found = own(&calling("5432", nothing));
        assert_eq!(found.len(), 1);
        assert!(
            found[0].0 == "svc-missing"
                && found[0].1.contains("(not found); one of that name is in namespace `data`; did you mean `db1`?"),
            "{}",
            found[0].1
        );
    }

    #[test]
    fn the_cause_lies_at_the_other_end() {
        let found = own(&calling("5432", Reached::Service(Box::new(service(false)))));
        assert!(
            found[0].0 == "svc-no-ready-endpoints" && found[0].1.contains("because of what is behind Service `db`"),
            "{found:?}"
        );
        assert!(own(&calling("5432", Reached::Service(Box::new(service(true))))).is_empty());
        let found = own(&calling("3306", Reached::Service(Box::new(service(true)))));
        assert!(found[0].0 == "app-dependency-unreachable" && found[0].1.contains("has no port 3306, only 5432"), "{found:?}");
    }

    #[test]
    fn a_policy_that_admits_others_only_is_named() {
        let policy = |from: Value| {
            Object::new(json!({"kind": "NetworkPolicy", "metadata": {"name": "db", "namespace": "shop"},
                "spec": {"podSelector": {"matchLabels": {"app": "db"}}, "policyTypes": ["Ingress"], "ingress": from}}))
        };
        let world = |policies: Vec<Object>| {
            let mut facts = calling("5432", Reached::Service(Box::new(service(true))));
            facts.dependency.as_mut().unwrap().policies = policies;
            facts
        };
        let api = json!([{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}]);
        let found = own(&world(vec![policy(api.clone())]));
        assert!(found[0].0 == "netpol-blocks-traffic" && found[0].1.contains("`shop/db` allows no ingress"), "{found:?}");
        assert!(own(&world(vec![policy(json!([{}]))])).is_empty());
        assert!(own(&world(vec![policy(api), policy(json!([{"from": [{"podSelector": {}}]}]))])).is_empty(), "policies add up");
        assert!(own(&world(vec![])).is_empty());
    }
}
