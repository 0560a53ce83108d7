//! Services and Ingresses that lead to nothing.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Rule;
use crate::diagnose::collect::backends;
use crate::diagnose::diagnosis::{CheckArguments, Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Severity, entry_evidence, evidence, field_evidence};
use crate::domain::names;
use crate::domain::object::Object;
use crate::domain::text;

pub(super) const RULES: &[Rule] = &[
    Rule::new("svc-selector-mismatch", Severity::High, selector_mismatch).also(&[("svc-no-endpoints", Severity::High)]),
    Rule::new("svc-no-ready-endpoints", Severity::High, no_ready_endpoints),
    Rule::new("svc-target-port-mismatch", Severity::High, target_port),
    Rule::new("ingress-class-missing", Severity::High, ingress_class),
    Rule::new("ingress-backend-missing", Severity::High, ingress_backend),
    Rule::new("lb-no-controller", Severity::High, no_controller),
    Rule::new("ingress-controller-missing", Severity::High, no_ingress_controller),
];

fn selector(service: &Object) -> Vec<(&str, &str)> {
    let labels = service.get("spec.selector").and_then(Value::as_object).into_iter().flatten();
    labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
}

fn selected<'a>(facts: &'a Facts, service: &Object) -> Vec<&'a Object> {
    let selector = selector(service);
    facts.related_of("Pod").filter(|pod| selector.iter().all(|(key, value)| pod.label(key) == Some(value))).collect()
}

fn selector_mismatch(facts: &Facts) -> Vec<Finding> {
    let Some(service) = facts.subject_of(&["Service"]) else { return Vec::new() };
    let selector = selector(service);
    if selector.is_empty()
        || service.text("spec.type") == "ExternalName"
        || !selected(facts, service).is_empty()
        || facts.has_pod()
        || facts.could_not_read("pods")
    {
        return Vec::new();
    }
    let base = |summary: String, confidence| {
        Finding::new("svc-selector-mismatch", Depth::Reference, confidence, summary)
            .because(selector.iter().filter_map(|(key, _)| entry_evidence(service, "spec.selector", key)))
            .link("endpoints", "none: the selector matches no pod")
    };
    let wanted: Vec<String> = selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
    // Pods that have all labels but some tell which one is wrong.
    let matching = |pod: &&Object| selector.iter().filter(|(key, value)| pod.label(key) == Some(value)).count();
    // One label that many pods have with another value says nothing, unless the value is nearly the one that is asked for.
    let alike = |pod: &&Object| {
        selector.iter().any(|(key, value)| {
            pod.label(key)
                .is_some_and(|has| !names::near(value, [has]).is_empty() || !names::near(service.name(), [has]).is_empty())
        })
    };
    let near = facts.related_of("Pod").max_by_key(|it| (matching(it), alike(it))).filter(|it| matching(it) > 0 || alike(it));
    let zero = facts.related.iter().find(|it| {
        let fits = |(key, value): &(&str, &str)| {
            it.get("spec.template.metadata.labels").and_then(|it| it.get(*key)).and_then(Value::as_str) == Some(*value)
        };
        it.integer("spec.replicas") == Some(0) && matches!(it.kind(), "Deployment" | "StatefulSet") && selector.iter().all(fits)
    });
    if let Some(workload) = zero {
        let summary = format!(
            "Service `{}` has no endpoints: {} `{}`, whose pods its selector matches, is scaled to 0 replicas.",
            service.name(),
            workload.kind(),
            workload.name()
        );
        let command = format!(
            "kubectl -n {} scale {}/{} --replicas=COUNT",
            service.namespace(),
            workload.kind().to_lowercase(),
            workload.name()
        );
        return vec![
            Finding::new("deployment-scaled-to-zero", Depth::Reference, Confidence::Certain, summary)
                .specific(9)
                .because(evidence(workload, "spec.replicas"))
                .link(workload.address(), "0 replicas")
                .fix_with(Risk::Low, "Scale it up, unless somebody or an autoscaler meant it to be off", command),
        ];
    }
    let Some(pod) = near else {
        let none = if facts.related_of("Pod").next().is_none() {
            "the namespace has no pods"
        } else {
            "no pod of the namespace has any of these labels"
        };
        let summary = format!(
            "The selector {} of Service `{}` matches no pods, so it has no endpoints: {none}.",
            wanted.join(","),
            service.name()
        );
        let finding = Finding { id: "svc-no-endpoints", ..base(summary, Confidence::High) };
        return vec![
            finding.specific(6).fix(Risk::Low, "Create the workload that should stand behind it, or correct the selector"),
        ];
    };
    let wrong: Vec<String> = selector
        .iter()
        .filter(|(key, value)| pod.label(key) != Some(value))
        .map(|(key, value)| match pod.label(key) {
            Some(has) => format!("the selector asks for {key}={value}, the pods have {key}={has}"),
            None => format!("the selector asks for {key}={value}, a label that the pods do not have"),
        })
        .collect();
    let labels = selector
        .iter()
        .filter(|(key, value)| pod.label(key) != Some(value))
        .filter_map(|(key, _)| entry_evidence(pod, "metadata.labels", key));
    let summary = format!(
        "The selector of Service `{}` matches no pods, so it has no endpoints: {} (for example `{}`).",
        service.name(),
        wrong.join("; "),
        pod.name()
    );
    // A label that the pods do not have leaves the selector, or the patched Service still matches none.
    let correct = selector.iter().filter(|(key, value)| pod.label(key) != Some(value));
    let patch: serde_json::Map<String, Value> =
        correct.map(|(key, _)| ((*key).to_owned(), pod.label(key).map_or(Value::Null, Value::from))).collect();
    // A Service without a selector would select nothing at all.
    let selects = selector.iter().any(|(key, _)| pod.label(key).is_some());
    let command = (selects && !patch.is_empty()).then(|| {
        let body = serde_json::json!({"spec": {"selector": patch}}).to_string();
        format!("kubectl -n {} patch service {} -p '{}'", service.namespace(), service.name(), body.replace('\'', "'\\''"))
    });
    vec![
        base(summary, Confidence::Certain)
            .specific(9)
            .because(labels)
            .fix_with(Risk::Medium, "Correct the selector of the Service, if these pods are meant", command)
            .fix(Risk::Medium, "Or correct the labels in the template of the workload"),
    ]
}

fn no_ready_endpoints(facts: &Facts) -> Vec<Finding> {
    let Some(service) = facts.subject_of(&["Service"]) else { return Vec::new() };
    let pods = selected(facts, service);
    if pods.is_empty() || pods.iter().any(|it| is_ready(it)) {
        return Vec::new();
    }
    let summary = format!(
        "Service `{}` has no ready endpoints: {} match its selector and none is ready.",
        service.name(),
        text::count(pods.len(), "pod")
    );
    let states: Vec<Evidence> = pods.iter().take(3).filter_map(|it| evidence(it, "status.phase")).collect();
    vec![
        Finding::new("svc-no-ready-endpoints", Depth::Target, Confidence::Certain, summary)
            .specific(6)
            .because(states)
            .link("endpoints", "none ready")
            .fix(Risk::None, "Correct why the pods are not ready; the Service follows by itself"),
    ]
}

fn is_ready(pod: &Object) -> bool {
    pod.condition("Ready").is_some_and(|it| it.text("status") == "True")
}

/// Whether something beside what the pods declare speaks for their not being reached.
fn is_refused(facts: &Facts, pods: &[&Object]) -> bool {
    let unhealthy = facts.aws_of("TargetHealth").any(|it| matches!(it.text("state"), "unhealthy" | "unavailable"));
    unhealthy || !pods.iter().all(|it| is_ready(it))
}

fn target_port(facts: &Facts) -> Vec<Finding> {
    let Some(service) = facts.subject_of(&["Service"]) else { return Vec::new() };
    let pods = selected(facts, service);
    let Some(pod) = pods.first() else { return Vec::new() };
    let containers: Vec<_> = pod
        .list("spec.containers")
        .chain(pod.list("spec.initContainers").filter(|it| it.text("restartPolicy") == "Always"))
        .collect();
    let ports: Vec<_> = containers.iter().flat_map(|it| it.list("ports")).collect();
    let declared: BTreeSet<String> = ports.iter().filter_map(|it| it.integer("containerPort")).map(|it| it.to_string()).collect();
    let names: BTreeSet<&str> = ports.iter().map(|it| it.text("name")).filter(|it| !it.is_empty()).collect();
    let mut found = Vec::new();
    for port in service.list("spec.ports") {
        let target = port.get("targetPort").or_else(|| port.get("port"));
        let Some(target) = target else { continue };
        let name = target.value.as_str().filter(|it| it.parse::<u16>().is_err());
        let shown = target.value.as_str().map_or_else(|| target.value.to_string(), str::to_owned);
        let fits = match name {
            Some(name) => names.contains(name),
            // Containers need not declare their ports.
            None => declared.is_empty() || declared.contains(&shown),
        };
        if fits {
            continue;
        }
        let has = declared.iter().cloned().collect::<Vec<_>>().join(", ");
        let (why, state, confidence) = match name {
            Some(name) => {
                let near = names::did_you_mean(name, names.iter().copied());
                let why = format!("where its pods do not listen: no container has a port named `{name}`{near}");
                (why, format!("port {shown} is refused"), Confidence::Certain)
            }
            None if is_refused(facts, &pods) => {
                let why = format!("where its pods do not listen: the pods declare {has}");
                (why, format!("port {shown} is refused"), Confidence::High)
            }
            None => {
                let why = format!(
                    "and its pods do not declare port {shown}, only {has}: unless they listen there undeclared, it is refused"
                );
                (why, format!("port {shown} is not declared"), Confidence::Medium)
            }
        };
        let summary = format!("Service `{}` sends to targetPort {shown}, {why}.", service.name());
        let evidence = ports.iter().take(4).filter_map(|it| field_evidence(pod, &it.get("containerPort")?, None));
        found.push(
            Finding::new("svc-target-port-mismatch", Depth::Reference, confidence, summary)
                .specific(8)
                .because(field_evidence(service, &target, None))
                .because(evidence)
                .link("endpoints", state)
                .fix(Risk::Low, "Correct `targetPort` of the Service, or the port that the container listens on"),
        );
    }
    found
}

fn ingress_class(facts: &Facts) -> Vec<Finding> {
    let Some(ingress) = facts.subject_of(&["Ingress"]) else { return Vec::new() };
    if facts.could_not_read("ingressclasses") || facts.could_not_read("IngressClass") {
        return Vec::new();
    }
    let wanted = ingress.text("spec.ingressClassName");
    let classes: Vec<&Object> = facts.related_of("IngressClass").collect();
    let known: Vec<String> = classes.iter().map(|it| format!("`{}`", it.name())).collect();
    let there =
        if known.is_empty() { "the cluster has none".to_owned() } else { format!("there are {}", text::join_and(&known)) };
    let finding = |summary: String| {
        Finding::new("ingress-class-missing", Depth::Reference, Confidence::Certain, summary)
            .specific(8)
            .because(evidence(ingress, "spec.ingressClassName"))
            .because(classes.iter().take(3).filter_map(|it| evidence(it, "metadata.name")))
            .fix(Risk::Low, "Name a class that exists in `spec.ingressClassName`, or install its controller")
    };
    if wanted.is_empty() {
        let by_annotation = ingress.annotation("kubernetes.io/ingress.class").is_some();
        let default = classes.iter().any(|it| it.annotation("ingressclass.kubernetes.io/is-default-class") == Some("true"));
        if by_annotation || default {
            return Vec::new();
        }
        return vec![finding(format!(
            "Ingress `{}` names no class and no IngressClass is the default, so no controller takes it ({there}).",
            ingress.name()
        ))];
    }
    if classes.iter().any(|it| it.name() == wanted) {
        return Vec::new();
    }
    let near = names::did_you_mean(wanted, classes.iter().map(|it| it.name()));
    vec![finding(format!("IngressClass `{wanted}` of Ingress `{}` does not exist{near}; {there}.", ingress.name()))]
}

/// Whether a backend is an action of the AWS Load Balancer Controller, such as a redirect, which looks like a Service and is none.
fn is_action(ingress: &Object, name: &str, port: &str) -> bool {
    port == "use-annotation" || ingress.annotation(&format!("alb.ingress.kubernetes.io/actions.{name}")).is_some()
}

fn ingress_backend(facts: &Facts) -> Vec<Finding> {
    let Some(ingress) = facts.subject_of(&["Ingress"]) else { return Vec::new() };
    let mut found = Vec::new();
    for (name, port) in backends(ingress) {
        if facts.could_not_read(&format!("Service `{name}`")) || is_action(ingress, &name, &port) {
            continue;
        }
        let service = facts.related_of("Service").find(|it| it.name() == name);
        let summary = match service {
            None => format!(
                "Ingress `{}` leads to Service `{name}`, which does not exist in namespace `{}` (not found).",
                ingress.name(),
                ingress.namespace()
            ),
            Some(service) => {
                let fits = |it: crate::domain::object::Field<'_>| {
                    it.text("name") == port || it.integer("port").is_some_and(|it| it.to_string() == port)
                };
                if port.is_empty() || service.list("spec.ports").any(fits) {
                    continue;
                }
                let ports: Vec<String> =
                    service.list("spec.ports").filter_map(|it| it.integer("port")).map(|it| it.to_string()).collect();
                format!(
                    "Ingress `{}` leads to port {port} of Service `{name}`, which has only {}.",
                    ingress.name(),
                    text::join_and(&ports)
                )
            }
        };
        let check = CheckArguments {
            kind: Some("Service".to_owned()),
            namespace: Some(ingress.namespace().to_owned()),
            ..CheckArguments::default()
        };
        let field = ingress
            .list("spec.rules")
            .flat_map(|rule| rule.list("http.paths"))
            .find_map(|it| it.get("backend.service.name").filter(|it| it.value.as_str() == Some(name.as_str())));
        found.push(
            Finding::new("ingress-backend-missing", Depth::Reference, Confidence::Certain, summary)
                .specific(8)
                .because(field.and_then(|it| field_evidence(ingress, &it, None)))
                .fix(Risk::Low, "Create the Service, or correct its name or port in the Ingress")
                .check("Which Services the namespace has", "list_resources", check),
        );
    }
    found.truncate(2);
    found
}

fn no_controller(facts: &Facts) -> Vec<Finding> {
    let Some(service) = facts.subject_of(&["Service"]).filter(|it| it.text("spec.type") == "LoadBalancer") else {
        return Vec::new();
    };
    let has_address = service.list("status.loadBalancer.ingress").next().is_some();
    let old = service.created().is_some_and(|it| facts.now.as_second() - it.as_second() > 300);
    if has_address || !old || !facts.about.is_empty() || service.text("spec.loadBalancerClass").is_empty() {
        return Vec::new();
    }
    let class = service.text("spec.loadBalancerClass");
    let summary = format!(
        "No controller makes the load balancer of Service `{}`: nothing has been said about it, and its class is `{class}`.",
        service.name()
    );
    vec![
        Finding::new("lb-no-controller", Depth::Reference, Confidence::Medium, summary)
            .specific(6)
            .because(evidence(service, "spec.loadBalancerClass"))
            .fix(Risk::Low, "Install the controller of this class, or look at its pods; for the AWS Load Balancer Controller the class is `service.k8s.aws/nlb`"),
    ]
}

/// An Ingress whose class exists, and about which no controller says anything.
fn no_ingress_controller(facts: &Facts) -> Vec<Finding> {
    let Some(ingress) = facts.subject_of(&["Ingress"]) else { return Vec::new() };
    let class = facts.related_of("IngressClass").find(|it| it.name() == ingress.text("spec.ingressClassName"));
    let old = ingress.created().is_some_and(|it| facts.now.as_second() - it.as_second() > 300);
    let has_address = ingress.list("status.loadBalancer.ingress").next().is_some();
    let (Some(class), true, false, true) = (class, old, has_address, facts.about.is_empty()) else { return Vec::new() };
    let summary = format!(
        "No controller takes Ingress `{}`: it has no address and no event, though its class `{}` exists (controller {}).",
        ingress.name(),
        class.name(),
        class.text("spec.controller")
    );
    vec![
        Finding::new("ingress-controller-missing", Depth::Reference, Confidence::Medium, summary)
            .specific(6)
            .because(evidence(ingress, "spec.ingressClassName"))
            .because(evidence(class, "spec.controller"))
            .fix(Risk::Low, "Install the controller of this class, or look at its pods"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::diagnose::diagnosis::Status;
    use crate::diagnose::engine;
    use serde_json::json;

    fn service(spec: Value, related: Vec<Value>) -> Facts {
        let mut facts = subject(json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec}));
        facts.related = related.into_iter().map(Object::new).collect();
        facts
    }

    fn pod(labels: Value, port: u16) -> Value {
        json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "labels": labels},
            "spec": {"containers": [{"name": "main", "ports": [{"name": "http", "containerPort": port}]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}})
    }

    #[test]
    fn the_label_that_does_not_match_is_named() {
        let facts =
            service(json!({"selector": {"app": "web", "version": "v2"}}), vec![pod(json!({"app": "web", "version": "v1"}), 80)]);
        let found = finding(&facts, "svc-selector-mismatch");
        assert!(found.summary.contains("asks for version=v2, the pods have version=v1"), "{}", found.summary);
        assert_eq!(found.confidence, Confidence::Certain);
        assert!(found.fixes[0].command.as_ref().unwrap().contains("\"version\":\"v1\""));
        assert!(ids(&service(json!({"selector": {"app": "web"}}), vec![pod(json!({"app": "web"}), 80)])).is_empty());
    }

    #[test]
    fn a_workload_that_is_off_is_why_a_service_has_no_pods() {
        let workload = |replicas: i64| {
            json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": "web"}}}}})
        };
        assert_eq!(ids(&service(json!({"selector": {"app": "web"}}), vec![workload(0)])), ["deployment-scaled-to-zero"]);
        assert_eq!(ids(&service(json!({"selector": {"app": "web"}}), vec![workload(2)])), ["svc-no-endpoints"]);
    }

    #[test]
    fn an_ingress_without_any_event_has_no_controller() {
        let mut facts = subject(json!({"kind": "Ingress", "spec": {"ingressClassName": "alb"},
            "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-01-05T10:00:00Z"}}));
        let class = json!({"kind": "IngressClass", "metadata": {"name": "alb"}, "spec": {"controller": "ingress.k8s.aws/alb"}});
        facts.related = vec![Object::new(class)];
        assert_eq!(ids(&facts), ["ingress-controller-missing"]);
        facts.about = vec![Object::new(json!({"kind": "Event", "reason": "SuccessfullyReconciled", "message": "x"}))];
        assert!(ids(&facts).is_empty());
    }

    #[test]
    fn ports_are_compared_with_those_of_the_pods() {
        let wrong = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]});
        assert_eq!(ids(&service(wrong, vec![pod(json!({"app": "web"}), 80)])), ["svc-target-port-mismatch"]);
        let named = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "htp"}]});
        let found = finding(&service(named, vec![pod(json!({"app": "web"}), 80)]), "svc-target-port-mismatch");
        assert!(found.summary.contains("did you mean `http`"), "{}", found.summary);
        let right =
            json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 80}]});
        assert!(ids(&service(right, vec![pod(json!({"app": "web"}), 80)])).is_empty());
    }

    #[test]
    fn what_pods_declare_is_a_hint_until_something_is_refused() {
        let wrong = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]});
        let mut facts = service(wrong.clone(), vec![pod(json!({"app": "web"}), 80)]);
        let diagnosis = engine::diagnose(&facts);
        let root = diagnosis.root_cause.unwrap();
        assert_eq!((root.id.as_str(), root.confidence), ("svc-target-port-mismatch", Confidence::Medium));
        assert_eq!(diagnosis.status, Status::Degraded);
        assert!(root.summary.contains("do not declare port 8080") && !root.summary.contains("do not listen"), "{}", root.summary);
        facts.aws = vec![Object::new(json!({"kind": "TargetHealth", "metadata": {"name": "10.0.0.5"}, "state": "healthy"}))];
        assert_eq!(finding(&facts, "svc-target-port-mismatch").confidence, Confidence::Medium);
        facts.aws = vec![Object::new(json!({"kind": "TargetHealth", "metadata": {"name": "10.0.0.5"}, "state": "unhealthy"}))];
        let refused = finding(&facts, "svc-target-port-mismatch");
        assert!(refused.confidence == Confidence::High && refused.summary.contains("do not listen"), "{}", refused.summary);
        let mut unready = pod(json!({"app": "web"}), 80);
        unready["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]});
        assert_eq!(finding(&service(wrong, vec![unready]), "svc-target-port-mismatch").confidence, Confidence::High);
        // A name that no container has is no port of any endpoint, declared or not.
        let named = json!({"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": "web"}]});
        assert_eq!(engine::diagnose(&service(named, vec![pod(json!({"app": "web"}), 80)])).status, Status::Failing);
    }

    #[test]
    fn a_label_that_no_pod_has_leaves_the_selector() {
        let facts = service(
            json!({"selector": {"app": "web", "tier": "front", "version": "v2"}}),
            vec![pod(json!({"app": "web", "version": "v1"}), 80)],
        );
        let command = finding(&facts, "svc-selector-mismatch").fixes[0].command.clone().unwrap();
        let patch: Value = serde_json::from_str(command.split('\'').nth(1).unwrap()).unwrap();
        assert_eq!(patch, json!({"spec": {"selector": {"tier": null, "version": "v1"}}}));
    }

    #[test]
    fn an_action_of_a_load_balancer_is_no_missing_service() {
        let ingress = |name: &str, port: Value, annotations: Value| {
            let backend = json!({"service": {"name": name, "port": port}});
            subject(json!({"kind": "Ingress", "metadata": {"name": "web", "namespace": "shop", "annotations": annotations},
                "spec": {"rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}], "ingressClassName": "alb"}}))
        };
        let missing = |facts: &Facts| ingress_backend(facts).len();
        assert_eq!(missing(&ingress("ssl-redirect", json!({"name": "use-annotation"}), json!({}))), 0);
        let action = json!({"alb.ingress.kubernetes.io/actions.weighted": "{}"});
        assert_eq!(missing(&ingress("weighted", json!({"number": 80}), action.clone())), 0);
        assert_eq!(missing(&ingress("web", json!({"number": 80}), action)), 1, "that action is another's");
    }

    #[test]
    fn pods_that_are_not_ready_are_no_endpoints() {
        let mut value = pod(json!({"app": "web"}), 80);
        value["status"] = json!({"phase": "Pending"});
        assert_eq!(ids(&service(json!({"selector": {"app": "web"}}), vec![value])), ["svc-no-ready-endpoints"]);
    }

    #[test]
    fn an_ingress_needs_its_class_and_its_services() {
        let ingress = |class: &str, port: u16| {
            let backend = json!({"service": {"name": "web", "port": {"number": port}}});
            let mut facts = subject(json!({"kind": "Ingress", "metadata": {"name": "web", "namespace": "shop"},
                "spec": {"ingressClassName": class, "rules": [{"http": {"paths": [{"path": "/", "backend": backend}]}}]}}));
            facts.related = vec![
                Object::new(json!({"kind": "IngressClass", "metadata": {"name": "alb"}})),
                Object::new(
                    json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}}),
                ),
            ];
            facts
        };
        assert!(ids(&ingress("alb", 80)).is_empty());
        assert_eq!(ids(&ingress("ngin", 80)), ["ingress-class-missing"]);
        assert_eq!(ids(&ingress("alb", 8080)), ["ingress-backend-missing"]);
        let mut none = ingress("alb", 80);
        none.related.pop();
        assert!(finding(&none, "ingress-backend-missing").summary.contains("does not exist"));
    }

    #[test]
    fn a_load_balancer_without_any_event_has_no_controller() {
        let mut facts = subject(
            json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": "2026-01-05T10:00:00Z"},
            "spec": {"type": "LoadBalancer", "loadBalancerClass": "service.k8s.aws/nlb"}}),
        );
        assert_eq!(ids(&facts), ["lb-no-controller"]);
        facts.about = vec![Object::new(json!({"kind": "Event", "reason": "Ensuring", "message": "x"}))];
        assert!(ids(&facts).is_empty());
    }
}
