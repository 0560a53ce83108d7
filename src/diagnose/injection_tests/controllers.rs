//! Autoscalers, Karpenter, Argo CD and what else says in conditions that it cannot do its work.

use serde_json::json;

use super::Fault;
use super::said::Said;
use super::world::{BEGAN, Host, World, condition};

const HPA: &[&str] = &["HorizontalPodAutoscaler"];
const APPLICATION: &[&str] = &["Application"];

pub(super) const FAULTS: &[Fault] = &[
    Fault::of("hpa-missing-requests", HPA, no_requests),
    Fault::of("hpa-no-metrics", HPA, no_metrics_server).called("no server"),
    Fault::of("hpa-no-metrics", HPA, no_metrics).called("no metrics"),
    Fault::of("hpa-custom-metric", HPA, external_metric),
    Fault::of("hpa-target-missing", HPA, no_target).called("absent"),
    Fault::of("hpa-target-missing", HPA, target_is_off).called("off"),
    Fault::of("hpa-at-max", HPA, at_most),
    Fault::of("karpenter-insufficient-capacity", &["NodeClaim"], capacity),
    Fault::of("karpenter-node-not-registered", &["NodeClaim"], not_registered),
    Fault::of("karpenter-node-not-initialized", &["NodeClaim"], not_initialized),
    Fault::of("karpenter-nodeclass-not-ready", &["NodePool"], node_class).called("of a pool"),
    Fault::of("karpenter-nodeclass-not-ready", &["NodeClass"], subnets).called("itself"),
    Fault::of("karpenter-nodepool-invalid", &["NodePool"], invalid_pool),
    Fault::of("argocd-comparison-error", APPLICATION, comparison),
    Fault::of("argocd-sync-failed", APPLICATION, sync),
    Fault::of("argocd-invalid-spec", APPLICATION, specification),
    Fault::of("argocd-degraded-child", APPLICATION, child),
    Fault::of("argocd-deletion-error", APPLICATION, deletion),
    Fault::of("namespace-stuck", &["Namespace"], finalizers).called("finalizers"),
    Fault::of("namespace-stuck", &["Namespace"], discovery).called("discovery"),
    Fault::of("apiservice-unavailable", &["APIService"], endpoints),
    Fault::of("pdb-blocks-eviction", &["PodDisruptionBudget"], budget),
];

/// The autoscaler cannot compute a count, and says so.
fn inactive(world: &mut World, host: &Host, reason: &'static str, why: &str) {
    world.each(std::slice::from_ref(host), |it| {
        let message = format!("the HPA was unable to compute the replica count: {why}");
        condition(it, "ScalingActive", "False", reason, &message);
        it["status"]["currentMetrics"] = json!(null);
        let all = format!("invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: {why}");
        vec![
            Said::warns(reason, why).from("horizontal-pod-autoscaler"),
            Said::warns("FailedComputeMetricsReplicas", all).from("horizontal-pod-autoscaler"),
        ]
    });
}

fn no_requests(world: &mut World, host: &Host) {
    let deployment = host.beside("Deployment", &host.name);
    let pods = world.pods_of(&deployment);
    for pod in &pods {
        world.get(pod)["spec"]["containers"][0]["resources"] = json!({});
    }
    let resources = &mut world.get(&deployment)["spec"]["template"]["spec"]["containers"][0];
    resources["resources"] = json!({});
    let name = resources["name"].as_str().unwrap().to_owned();
    let why = format!("failed to get cpu utilization: missing request for cpu in container {name} of Pod {}", pods[0].name);
    inactive(world, host, "FailedGetResourceMetric", &why);
}

fn no_metrics_server(world: &mut World, host: &Host) {
    let why = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    inactive(world, host, "FailedGetResourceMetric", why);
}

fn no_metrics(world: &mut World, host: &Host) {
    let why =
        "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API";
    inactive(world, host, "FailedGetResourceMetric", why);
}

fn external_metric(world: &mut World, host: &Host) {
    let why = "unable to get external metric NAMESPACE/queue_length/nil: unable to fetch metrics from external metrics API: the server could not find the metric queue_length for";
    inactive(world, host, "FailedGetExternalMetric", &why.replace("NAMESPACE", &host.namespace));
}

fn no_target(world: &mut World, host: &Host) {
    let name = format!("{}-v1", host.name);
    world.each(std::slice::from_ref(host), |it| {
        it["spec"]["scaleTargetRef"]["name"] = name.clone().into();
        let why = format!("deployments.apps \"{name}\" not found");
        condition(
            it,
            "AbleToScale",
            "False",
            "FailedGetScale",
            &format!("the HPA controller was unable to get the target's current scale: {why}"),
        );
        vec![Said::warns("FailedGetScale", why).from("horizontal-pod-autoscaler")]
    });
}

fn target_is_off(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        let why = "scaling is disabled since the replica count of the target is zero";
        condition(it, "ScalingActive", "False", "ScalingDisabled", why);
        (it["status"]["currentReplicas"], it["status"]["desiredReplicas"]) = (0.into(), 0.into());
        Vec::new()
    });
    world.get(&host.beside("Deployment", &host.name))["spec"]["replicas"] = 0.into();
}

fn at_most(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        it["spec"]["maxReplicas"] = it["status"]["currentReplicas"].clone();
        it["status"]["currentMetrics"][0]["resource"]["current"]["averageUtilization"] = 131.into();
        condition(
            it,
            "ScalingLimited",
            "True",
            "TooManyReplicas",
            "the desired replica count is more than the maximum replica count",
        );
        Vec::new()
    });
}

fn capacity(world: &mut World, host: &Host) {
    let why = "creating instance, insufficient capacity, with fleet error(s), InsufficientInstanceCapacity: We currently do not have sufficient m7g.large capacity in the Availability Zone you requested (us-west-2a).";
    world.each(std::slice::from_ref(host), |it| {
        it["metadata"]["creationTimestamp"] = BEGAN.into();
        it["status"] = json!({});
        condition(it, "Launched", "Unknown", "LaunchFailed", why);
        condition(it, "Ready", "Unknown", "ReconcilingDependents", "object is awaiting reconciliation");
        vec![Said::warns("InsufficientCapacityError", format!("NodeClaim {} event: {why}", host.name)).from("karpenter")]
    });
}

fn not_registered(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        it["metadata"]["creationTimestamp"] = BEGAN.into();
        it["status"].as_object_mut().unwrap().remove("nodeName");
        condition(it, "Registered", "Unknown", "NodeNotFound", "Node not registered with cluster");
        condition(it, "Initialized", "Unknown", "NodeNotFound", "Node not registered with cluster");
        condition(it, "Ready", "Unknown", "UnhealthyDependents", "Initialized=Unknown, Registered=Unknown");
        Vec::new()
    });
}

fn not_initialized(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        let why = "StartupTaint \"node.cilium.io/agent-not-ready:NoExecute\" still exists";
        condition(it, "Initialized", "Unknown", "StartupTaintsExist", why);
        condition(it, "Ready", "Unknown", "UnhealthyDependents", "Initialized=Unknown");
        Vec::new()
    });
}

fn node_class(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        condition(it, "NodeClassReady", "False", "NodeClassNotFound", "NodeClass not found on cluster");
        condition(it, "Ready", "False", "UnhealthyDependents", "NodeClassReady=False");
        Vec::new()
    });
}

fn subnets(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        condition(it, "SubnetsReady", "False", "SubnetsNotFound", "SubnetSelector did not match any Subnets");
        condition(it, "Ready", "False", "UnhealthyDependents", "SubnetsReady=False");
        Vec::new()
    });
}

fn invalid_pool(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        let why = "invalid value: key karpenter.sh/capacity-type values[0] preemptible must be one of on-demand, spot, reserved";
        condition(it, "ValidationSucceeded", "False", "NodePoolValidationFailed", why);
        condition(it, "Ready", "False", "UnhealthyDependents", "ValidationSucceeded=False");
        Vec::new()
    });
}

/// Conditions of Argo CD have no status.
fn complains(world: &mut World, host: &Host, kind: &str, message: &str) {
    let condition = json!({"type": kind, "message": message, "lastTransitionTime": BEGAN});
    super::scheduling::add(&mut world.get(host)["status"]["conditions"], condition);
}

fn comparison(world: &mut World, host: &Host) {
    world.get(host)["status"]["sync"]["status"] = "Unknown".into();
    let path = &host.name;
    complains(
        world,
        host,
        "ComparisonError",
        &format!(
            "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: code = Unknown desc = {path}: app path does not exist"
        ),
    );
}

fn sync(world: &mut World, host: &Host) {
    let application = world.get(host);
    let (kind, name) = ("Deployment", host.name.as_str());
    let why =
        format!("Deployment.apps \"{name}\" is invalid: spec.selector: Invalid value: v1.LabelSelector{{}}: field is immutable");
    let resource = json!({"group": "apps", "version": "v1", "kind": kind, "name": name, "status": "SyncFailed", "message": why, "syncPhase": "Sync", "hookPhase": "Failed"});
    application["status"]["sync"]["status"] = "OutOfSync".into();
    application["status"]["operationState"] = json!({"phase": "Failed", "startedAt": BEGAN, "finishedAt": BEGAN,
        "message": format!("one or more objects failed to apply, reason: {why}"), "syncResult": {"resources": [resource]}});
}

fn specification(world: &mut World, host: &Host) {
    world.get(host)["status"]["sync"]["status"] = "Unknown".into();
    world.get(host)["status"]["health"]["status"] = "Unknown".into();
    complains(
        world,
        host,
        "InvalidSpecError",
        "application destination server 'https://kubernetes.default.svc' and namespace 'platform' do not match any of the allowed destinations in project 'default'",
    );
}

fn child(world: &mut World, host: &Host) {
    let application = world.get(host);
    application["status"]["health"] = json!({"status": "Degraded", "lastTransitionTime": BEGAN});
    let health = json!({"status": "Degraded", "message": format!("Deployment \"{}\" exceeded its progress deadline", host.name)});
    application["status"]["resources"][1]["health"] = health;
}

fn deletion(world: &mut World, host: &Host) {
    let application = world.get(host);
    application["metadata"]["deletionTimestamp"] = BEGAN.into();
    application["metadata"]["finalizers"] = json!(["resources-finalizer.argocd.argoproj.io"]);
    let why = format!(
        "deployments.apps \"{}\" is forbidden: User \"system:serviceaccount:argocd:argocd-application-controller\" cannot delete resource \"deployments\" in API group \"apps\"",
        host.name
    );
    complains(world, host, "DeletionError", &why);
}

fn terminating(world: &mut World, host: &Host) {
    let namespace = world.get(host);
    namespace["metadata"]["deletionTimestamp"] = BEGAN.into();
    namespace["status"] = json!({"phase": "Terminating"});
    condition(
        namespace,
        "NamespaceDeletionDiscoveryFailure",
        "False",
        "ResourcesDiscovered",
        "All resources successfully discovered",
    );
    condition(
        namespace,
        "NamespaceDeletionGroupVersionParsingFailure",
        "False",
        "ParsedGroupVersions",
        "All legacy kube types successfully parsed",
    );
    condition(
        namespace,
        "NamespaceDeletionContentFailure",
        "False",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    );
    condition(namespace, "NamespaceContentRemaining", "False", "ContentRemoved", "All content successfully removed");
    condition(
        namespace,
        "NamespaceFinalizersRemaining",
        "False",
        "ContentHasNoFinalizers",
        "All content-preserving finalizers finished",
    );
}

fn finalizers(world: &mut World, host: &Host) {
    terminating(world, host);
    let namespace = world.get(host);
    condition(
        namespace,
        "NamespaceContentRemaining",
        "True",
        "SomeResourcesRemain",
        "Some resources are remaining: widgets.example.com has 1 resource instances",
    );
    condition(
        namespace,
        "NamespaceFinalizersRemaining",
        "True",
        "SomeFinalizersRemain",
        "Some content in the namespace has finalizers remaining: example.com/cleanup in 1 resource instances",
    );
}

fn discovery(world: &mut World, host: &Host) {
    terminating(world, host);
    let why = "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: metrics.k8s.io/v1beta1: stale GroupVersion discovery: metrics.k8s.io/v1beta1";
    condition(world.get(host), "NamespaceDeletionDiscoveryFailure", "True", "DiscoveryFailed", why);
}

fn endpoints(world: &mut World, host: &Host) {
    let why = "endpoints for service/metrics-server in \"kube-system\" have no addresses with port name \"https\"";
    condition(world.get(host), "Available", "False", "MissingEndpoints", why);
}

fn budget(world: &mut World, host: &Host) {
    let budget = world.get(host);
    budget["spec"] = json!({"minAvailable": budget["status"]["expectedPods"], "selector": budget["spec"]["selector"]});
    budget["status"]["desiredHealthy"] = budget["status"]["expectedPods"].clone();
    budget["status"]["disruptionsAllowed"] = 0.into();
    condition(budget, "DisruptionAllowed", "False", "InsufficientPods", "");
}
