//! Healthy objects of kinds that the demo does not have: what a cluster with load balancers, autoscalers and GitOps holds.

use serde_json::{Value, json};

use super::world::{Host, World, text};

const CREATED: &str = "2026-11-01T08:00:00Z";

/// The worlds of the demo with these.
pub(super) fn worlds() -> Vec<World> {
    let mut worlds: Vec<World> = ["storefront", "payments", "dev"].map(World::load).into();
    for world in &mut worlds {
        for object in [class(), api_service(), definition("argoproj.io", "v1alpha1", "Application", "applications")] {
            world.add(object);
        }
        let services: Vec<Value> =
            world.of_kind("Service").filter(|it| text(it, "/metadata/namespace") != "kube-system").cloned().collect();
        for service in services {
            let host = Host::of(world.cluster, &service);
            let deployment = host.beside("Deployment", &host.name);
            if world.find(&deployment).is_none() {
                continue;
            }
            world.add(ingress(&host, service["spec"]["ports"][0]["port"].clone()));
            let replicas = world.find(&deployment).unwrap()["spec"]["replicas"].clone();
            world.add(autoscaler(&host, &replicas));
            let selector = world.find(&deployment).unwrap()["spec"]["selector"].clone();
            world.add(budget(&host, selector, &replicas));
            // An application follows what it holds, which in the demo is not always well.
            let status = &world.find(&deployment).unwrap()["status"];
            if ["readyReplicas", "updatedReplicas", "replicas"].iter().all(|it| status[it] == replicas) {
                world.add(application(&host));
            }
        }
    }
    let nightly: Vec<String> = worlds
        .iter()
        .flat_map(|it| &it.objects)
        .filter(|it| text(it, "/metadata/name").starts_with("receipts-archive") && it["kind"] != "Event")
        .map(|it| it.to_string())
        .collect();
    for (world, namespace) in worlds.iter_mut().zip(["shop", "", "sandbox"]).filter(|it| !it.1.is_empty()) {
        // The clusters without a CronJob get one that is alike.
        let node = text(world.of_kind("Node").next().unwrap(), "/metadata/name").to_owned();
        for object in &nightly {
            let renamed = object.replace("receipts-archive", "price-report").replace("\"receipts\"", &format!("\"{namespace}\""));
            let mut object: Value = serde_json::from_str(&renamed).unwrap();
            if object["kind"] == "Pod" {
                object["spec"]["nodeName"] = node.clone().into();
            }
            world.add(object);
        }
    }
    worlds
}

fn api_service() -> Value {
    json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": metadata("v1beta1.metrics.k8s.io", ""),
        "spec": {"group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": {"name": "metrics-server", "namespace": "kube-system", "port": 443}},
        "status": {"conditions": [{"type": "Available", "status": "True", "reason": "Passed", "message": "all checks passed", "lastTransitionTime": CREATED}]}})
}

fn budget(service: &Host, selector: Value, replicas: &Value) -> Value {
    let allowed = json!({"type": "DisruptionAllowed", "status": "True", "reason": "SufficientPods", "message": "", "lastTransitionTime": CREATED});
    json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata(&service.name, &service.namespace),
        "spec": {"maxUnavailable": 1, "selector": selector},
        "status": {"currentHealthy": replicas, "expectedPods": replicas, "desiredHealthy": replicas.as_i64().unwrap_or(1) - 1,
            "disruptionsAllowed": 1, "observedGeneration": 1, "conditions": [allowed]}})
}

fn metadata(name: &str, namespace: &str) -> Value {
    let uid = format!(
        "7d34f3fb-2075-4a33-b3cb-{:012x}",
        name.bytes().chain(namespace.bytes()).fold(7_u64, |sum, it| sum * 31 % 0xffff_ffff + u64::from(it))
    );
    let mut metadata =
        json!({"name": name, "uid": uid, "creationTimestamp": CREATED, "resourceVersion": "41000000", "generation": 1});
    if !namespace.is_empty() {
        metadata["namespace"] = namespace.into();
    }
    metadata
}

fn class() -> Value {
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": metadata("alb", ""),
        "spec": {"controller": "ingress.k8s.aws/alb"}})
}

fn definition(group: &str, version: &str, kind: &str, plural: &str) -> Value {
    json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": metadata(&format!("{plural}.{group}"), ""),
        "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": plural, "singular": kind.to_lowercase()},
            "versions": [{"name": version, "served": true, "storage": true}]},
        "status": {"conditions": [{"type": "Established", "status": "True", "reason": "InitialNamesAccepted", "message": "the initial names have been accepted"}]}})
}

fn ingress(service: &Host, port: Value) -> Value {
    let backend = json!({"service": {"name": service.name, "port": {"number": port}}});
    let address = format!("k8s-{}-{}-0a1b2c3d4e-1234567890.us-east-1.elb.amazonaws.com", service.namespace, service.name);
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata(&service.name, &service.namespace),
        "spec": {"ingressClassName": "alb", "rules": [{"host": format!("{}.example.com", service.name),
            "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}]},
        "status": {"loadBalancer": {"ingress": [{"hostname": address}]}}})
}

fn autoscaler(service: &Host, replicas: &Value) -> Value {
    let metric = |value: Value| json!({"type": "Resource", "resource": {"name": "cpu", "target": value}});
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": CREATED});
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata(&service.name, &service.namespace),
    "spec": {"minReplicas": 1, "maxReplicas": 6, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service.name},
        "metrics": [metric(json!({"type": "Utilization", "averageUtilization": 70}))]},
    "status": {"currentReplicas": replicas, "desiredReplicas": replicas, "lastScaleTime": CREATED,
        "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 41, "averageValue": "62m"}}}],
        "conditions": [
            condition("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size"),
            condition("ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)"),
            condition("ScalingLimited", "False", "DesiredWithinRange", "the desired count is within the acceptable range"),
        ]}})
}

fn application(service: &Host) -> Value {
    let source =
        json!({"repoURL": "https://git.example.com/platform/deploy.git", "path": service.name, "targetRevision": "main"});
    let resource = |kind: &str, group: &str| {
        json!({"group": group, "version": "v1", "kind": kind, "namespace": service.namespace, "name": service.name,
            "status": "Synced", "health": {"status": "Healthy"}})
    };
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata(&service.name, "argocd"),
        "spec": {"project": "default", "source": source, "destination": {"server": "https://kubernetes.default.svc", "namespace": service.namespace},
            "syncPolicy": {"automated": {"prune": true, "selfHeal": true}}},
        "status": {"sync": {"status": "Synced", "revision": "8f3b1c2d4e5f60718293a4b5c6d7e8f901234567"}, "health": {"status": "Healthy"},
            "resources": [resource("Service", ""), resource("Deployment", "apps")],
            "operationState": {"phase": "Succeeded", "message": "successfully synced (all tasks run)", "startedAt": CREATED, "finishedAt": CREATED}}})
}
