//! Pods that are not made since admission refuses them, and workloads that are told not to run.

use serde_json::json;

use super::said::Said;
use super::world::{BEGAN, Host, World, condition, text};
use super::{ALL_WORKLOADS, DEPLOYMENTS, Fault};

pub(super) const FAULTS: &[Fault] = &[
    Fault::of("psa-rejected", ALL_WORKLOADS, security),
    Fault::of("quota-exceeded", ALL_WORKLOADS, quota),
    Fault::of("quota-must-specify", ALL_WORKLOADS, quota_needs),
    Fault::of("limitrange-violation", ALL_WORKLOADS, limit_range),
    Fault::of("sa-missing", ALL_WORKLOADS, service_account),
    Fault::of("webhook-service-missing", ALL_WORKLOADS, webhook_service),
    Fault::of("webhook-no-endpoints", ALL_WORKLOADS, webhook_endpoints),
    Fault::of("webhook-timeout", ALL_WORKLOADS, webhook_timeout),
    Fault::of("webhook-tls-ca", ALL_WORKLOADS, webhook_certificate),
    Fault::of("webhook-denied", ALL_WORKLOADS, webhook_denied).called("webhook"),
    Fault::of("webhook-denied", ALL_WORKLOADS, policy_denied).called("policy"),
    Fault::of("webhook-connection-refused", ALL_WORKLOADS, webhook_refused),
    Fault::of("priority-admission", ALL_WORKLOADS, priority),
    Fault::of("apiserver-validation", ALL_WORKLOADS, invalid),
    Fault::of("deployment-scaled-to-zero", DEPLOYMENTS, scaled_to_zero),
    Fault::of("deployment-paused", DEPLOYMENTS, paused),
];

/// A template was changed, or what it is held against, and its pods are refused: the old ones are gone, and no new ones come.
fn refused(world: &mut World, host: &Host, why: &str) {
    world.afresh = true;
    let pods = world.roll(host, |_| {});
    let set = host.beside("ReplicaSet", text(world.find(&pods[0]).unwrap(), "/metadata/ownerReferences/0/name"));
    let (by, component) = match host.kind.as_str() {
        "Deployment" => (&set, "replicaset-controller"),
        "StatefulSet" => (host, "statefulset-controller"),
        _ => (host, "daemonset-controller"),
    };
    for pod in &pods {
        world.remove(pod);
        world.objects.retain(|it| it["involvedObject"]["name"] != pod.name.as_str());
    }
    world.objects.retain(|it| it["reason"] != "SuccessfulCreate" || it["involvedObject"]["name"] != by.name.as_str());
    let why = why.replace("POD", &pods[0].name).replace("NAMESPACE", &host.namespace);
    let message = match host.kind.as_str() {
        "StatefulSet" => format!("create Pod {} in StatefulSet {} failed error: {why}", pods[0].name, host.name),
        _ => format!("Error creating: {why}"),
    };
    let by = by.clone();
    world.each(&[by], |it| {
        if it["kind"] == "ReplicaSet" {
            it["status"] = json!({"replicas": 0, "observedGeneration": 1});
            condition(it, "ReplicaFailure", "True", "FailedCreate", &why);
        }
        vec![Said::warns("FailedCreate", message.clone()).from(component)]
    });
    if host.kind == "Deployment" {
        condition(world.get(host), "ReplicaFailure", "True", "FailedCreate", &why);
    }
}

fn security(world: &mut World, host: &Host) {
    let namespace = Host { namespace: String::new(), ..host.beside("Namespace", &host.namespace) };
    world.get(&namespace)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted".into();
    refused(
        world,
        host,
        "pods \"POD\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false (container \"main\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container \"main\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or container \"main\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"main\" must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")",
    );
}

fn quota(world: &mut World, host: &Host) {
    refused(
        world,
        host,
        "pods \"POD\" is forbidden: exceeded quota: compute, requested: requests.cpu=500m,requests.memory=1Gi, used: requests.cpu=3800m,requests.memory=7Gi, limited: requests.cpu=4,requests.memory=8Gi",
    );
}

fn quota_needs(world: &mut World, host: &Host) {
    refused(
        world,
        host,
        "pods \"POD\" is forbidden: failed quota: compute: must specify limits.cpu for: main; limits.memory for: main",
    );
}

fn limit_range(world: &mut World, host: &Host) {
    refused(world, host, "pods \"POD\" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi");
}

fn service_account(world: &mut World, host: &Host) {
    refused(
        world,
        host,
        "pods \"POD\" is forbidden: error looking up service account NAMESPACE/runner: serviceaccount \"runner\" not found",
    );
}

const CALLING: &str = "Internal error occurred: failed calling webhook \"validate.kyverno.svc-fail\": failed to call webhook: Post \"https://kyverno-svc.kyverno.svc:443/validate/fail?timeout=10s\": ";

fn webhook_service(world: &mut World, host: &Host) {
    refused(world, host, &format!("{CALLING}service \"kyverno-svc\" not found"));
}

fn webhook_endpoints(world: &mut World, host: &Host) {
    refused(world, host, &format!("{CALLING}no endpoints available for service \"kyverno-svc\""));
}

fn webhook_timeout(world: &mut World, host: &Host) {
    refused(world, host, &format!("{CALLING}context deadline exceeded"));
}

fn webhook_certificate(world: &mut World, host: &Host) {
    refused(
        world,
        host,
        &format!(
            "{CALLING}tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of \"crypto/rsa: verification error\" while trying to verify candidate authority certificate \"*.kyverno.svc\")"
        ),
    );
}

fn webhook_refused(world: &mut World, host: &Host) {
    refused(world, host, &format!("{CALLING}dial tcp 172.20.118.4:443: connect: connection refused"));
}

fn webhook_denied(world: &mut World, host: &Host) {
    refused(
        world,
        host,
        "admission webhook \"validate.kyverno.svc-fail\" denied the request: \n\nresource Pod/NAMESPACE/POD was blocked due to the following policies \n\nrequire-labels:\n  check-team: 'validation error: the label `team` is required. rule check-team failed at path /metadata/labels/team/'",
    );
}

fn policy_denied(world: &mut World, host: &Host) {
    refused(
        world,
        host,
        "pods \"POD\" is forbidden: ValidatingAdmissionPolicy 'images.example.com' with binding 'images' denied request: images have to come from the own registry",
    );
}

fn priority(world: &mut World, host: &Host) {
    refused(world, host, "pods \"POD\" is forbidden: no PriorityClass with name urgent was found");
}

fn invalid(world: &mut World, host: &Host) {
    refused(world, host, "Pod \"POD\" is invalid: spec.containers[0].volumeMounts[0].name: Not found: \"cache\"");
}

fn scaled_to_zero(world: &mut World, host: &Host) {
    let pods = world.pods_of(host);
    world.remove_all(&pods);
    for set in
        world.objects.iter_mut().filter(|it| it["kind"] == "ReplicaSet" && text(it, "/metadata/namespace") == host.namespace)
    {
        if set["metadata"]["ownerReferences"][0]["name"] == host.name.as_str() {
            set["spec"]["replicas"] = 0.into();
        }
    }
    let deployment = world.get(host);
    deployment["spec"]["replicas"] = 0.into();
    let message = format!("Scaled down replica set {} to 0", host.name);
    let deployment = deployment.clone();
    world.say(&deployment, &Said::tells("ScalingReplicaSet", message).from("deployment-controller").at(BEGAN));
}

/// A template was changed while the Deployment is paused, so that nothing comes of it.
fn paused(world: &mut World, host: &Host) {
    let deployment = world.get(host);
    deployment["spec"]["paused"] = true.into();
    deployment["spec"]["template"]["spec"]["containers"][0]["env"] = json!([{"name": "FEATURE", "value": "on"}]);
    deployment["status"]["updatedReplicas"] = 0.into();
    condition(deployment, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused");
}
