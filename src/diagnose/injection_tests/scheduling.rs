//! Pods that find no node.

use serde_json::{Value, json};

use super::said::Said;
use super::states::unscheduled;
use super::world::{Host, World, text};
use super::{DEPLOYMENTS, Fault, WORKLOADS};

pub(super) const FAULTS: &[Fault] = &[
    Fault::of_pods("sched-insufficient-cpu", DEPLOYMENTS, cpu).called("too large").only(managed).with(TAINT),
    Fault::of_pods("sched-insufficient-cpu", DEPLOYMENTS, full).called("full").only(managed).with(TAINT),
    Fault::of_pods("sched-insufficient-memory", DEPLOYMENTS, memory).only(managed).with(TAINT),
    Fault::of_pods("sched-insufficient-ephemeral-storage", DEPLOYMENTS, disk).only(managed).with(TAINT),
    Fault::of_pods("sched-no-gpu", DEPLOYMENTS, gpu).only(managed).with(TAINT),
    Fault::of_pods("sched-insufficient-extended-resource", DEPLOYMENTS, device).only(managed).with(TAINT),
    Fault::of_pods("sched-too-many-pods", DEPLOYMENTS, too_many_pods).only(managed).with(TAINT),
    Fault::of_pods("sched-untolerated-taint", DEPLOYMENTS, taint).only(managed),
    Fault::of_pods("sched-node-selector", DEPLOYMENTS, node_selector).only(managed).with(TAINT),
    Fault::of_pods("sched-node-affinity", DEPLOYMENTS, node_affinity).only(managed).with(TAINT),
    Fault::of_pods("sched-node-cordoned", DEPLOYMENTS, cordoned).only(managed),
    Fault::of_pods("sched-pod-anti-affinity", DEPLOYMENTS, anti_affinity).only(managed).with(TAINT),
    Fault::of_pods("sched-existing-anti-affinity", DEPLOYMENTS, existing_anti_affinity).only(managed).with(TAINT),
    Fault::of_pods("sched-pod-affinity", DEPLOYMENTS, affinity).only(managed).with(TAINT),
    Fault::of_pods("sched-topology-spread", DEPLOYMENTS, spread).only(managed).with(TAINT),
    Fault::of_pods("sched-host-port-conflict", DEPLOYMENTS, host_port).only(managed).with(TAINT),
    Fault::of_pods("scheduler-none", WORKLOADS, no_scheduler),
    Fault::of_pods("sched-gated", WORKLOADS, gated),
    Fault::of_pods("sched-no-nodes", DEPLOYMENTS, no_nodes).only(managed),
    Fault::of_pods("sched-volume-node-affinity", &["StatefulSet"], volume_zone).only(|world, _| world.minor() >= 34),
    Fault::of_pods("pvc-missing", DEPLOYMENTS, claim_missing),
    Fault::of_pods("karpenter-incompatible-requirements", WORKLOADS, unknown_label)
        .only(automatic)
        .with(&["sched-node-selector"]),
    Fault::of_pods("karpenter-no-instance-type", WORKLOADS, no_instance_type).only(automatic).with(&["sched-insufficient-cpu"]),
    Fault::of_pods("karpenter-limits-exceeded", WORKLOADS, limits).only(automatic).with(&["sched-insufficient-cpu"]),
    Fault::of_pods("autoscaler-scale-up-failed", DEPLOYMENTS, scale_up)
        .only(managed)
        .with(&["sched-insufficient-cpu", "sched-untolerated-taint"]),
    Fault::of_pods("fargate-profile-blocked", DEPLOYMENTS, fargate).only(managed),
];

/// One node of the demo is tainted, and refuses the pod for that as well.
const TAINT: &[&str] = &["sched-untolerated-taint"];

/// Where no autoscaler has a say.
fn managed(world: &World, _: &Host) -> bool {
    !world.is_automatic()
}

fn automatic(world: &World, _: &Host) -> bool {
    world.is_automatic()
}

/// What the scheduler says: nodes with taints are refused first, the others for this reason.
fn verdict(world: &World, pod: &Value, reason: &str, preemption: &str) -> String {
    let nodes: Vec<&Value> = world.of_kind("Node").collect();
    let all = nodes.len();
    let mut reasons: Vec<String> = Vec::new();
    let mut helpless = 0;
    for node in nodes {
        let taints = node["spec"]["taints"].as_array().into_iter().flatten();
        let taint = taints.into_iter().find(|it| it["effect"] != "PreferNoSchedule" && !tolerates(pod, it));
        reasons.push(match taint {
            Some(_) if node["spec"]["unschedulable"] == true => "node(s) were unschedulable".to_owned(),
            Some(_) if world.minor() >= 34 => "node(s) had untolerated taint(s)".to_owned(),
            Some(taint) => format!("node(s) had untolerated taint {{{}: {}}}", text(taint, "/key"), text(taint, "/value")),
            None => reason.to_owned(),
        });
        helpless += usize::from(taint.is_some());
    }
    let count = |wanted: &String| reasons.iter().filter(|it| *it == wanted).count();
    let mut told: Vec<String> = reasons.iter().map(|it| format!("{} {it}", count(it))).collect();
    told.sort();
    told.dedup();
    let not_helpful = "Preemption is not helpful for scheduling";
    let after = match (helpless, preemption == not_helpful) {
        (0, _) => format!("{all} {preemption}"),
        (_, true) => format!("{all} {not_helpful}"),
        (some, false) if some == all => format!("{all} {not_helpful}"),
        (some, false) => format!("{some} {not_helpful}, {} {preemption}", all - some),
    };
    // Clusters with dynamic resource allocation put its plugin first.
    let claims = if world.minor() >= 34 { "no new claims to deallocate, " } else { "" };
    format!("0/{all} nodes are available: {}. {claims}preemption: 0/{all} nodes are available: {after}.", told.join(", "))
}

fn tolerates(pod: &Value, taint: &Value) -> bool {
    pod["spec"]["tolerations"].as_array().into_iter().flatten().any(|it| {
        (it["key"].is_null() || it["key"] == taint["key"])
            && (it["operator"] == "Exists" || it["value"] == taint["value"])
            && (it["effect"].is_null() || it["effect"] == taint["effect"])
    })
}

const HELPLESS: &str = "Preemption is not helpful for scheduling";
const NO_VICTIMS: &str = "No preemption victims found for incoming pod";

/// A new revision that no node takes.
fn refused(world: &mut World, host: &Host, reason: &str, preemption: &str, change: impl Fn(&mut Value)) -> Vec<Host> {
    let pods = world.roll(host, change);
    let seen = world.clone();
    world.each(&pods, |pod| {
        let message = verdict(&seen, pod, reason, preemption);
        unscheduled(pod, &message)
    });
    pods
}

/// A request of the first container, with its limit where the resource has to have one.
fn request(resource: &'static str, amount: &'static str) -> impl Fn(&mut Value) {
    move |spec| {
        let resources = &mut spec["containers"][0]["resources"];
        resources["requests"][resource] = amount.into();
        if resource.contains('/') || resources["limits"][resource].is_string() {
            resources["limits"][resource] = amount.into();
        }
    }
}

fn cpu(world: &mut World, host: &Host) {
    refused(world, host, "Insufficient cpu", HELPLESS, request("cpu", "64"));
}

/// Every node has room for such a pod when empty, and other pods hold it.
fn full(world: &mut World, host: &Host) {
    refused(world, host, "Insufficient cpu", NO_VICTIMS, request("cpu", "1500m"));
    fill(world, "cpu", "1100m");
}

/// A pod on each node that reserves this much.
fn fill(world: &mut World, resource: &str, amount: &str) {
    let nodes: Vec<Value> = world.of_kind("Node").cloned().collect();
    for (index, node) in nodes.iter().enumerate() {
        let name = format!("filler-{index}");
        let pod = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "default", "uid": format!("f111e400-0000-4000-8000-{index:012x}"), "creationTimestamp": "2026-11-22T08:00:00Z"},
            "spec": {"nodeName": node["metadata"]["name"], "containers": [{"name": "work", "image": "registry.k8s.io/pause:3.10", "resources": {"requests": {resource: amount}}}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "work", "ready": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-11-22T08:00:01Z"}}}]}});
        world.add(pod);
    }
}

fn memory(world: &mut World, host: &Host) {
    refused(world, host, "Insufficient memory", HELPLESS, request("memory", "512Gi"));
}

fn disk(world: &mut World, host: &Host) {
    refused(world, host, "Insufficient ephemeral-storage", HELPLESS, request("ephemeral-storage", "900Gi"));
}

fn gpu(world: &mut World, host: &Host) {
    refused(world, host, "Insufficient nvidia.com/gpu", HELPLESS, request("nvidia.com/gpu", "1"));
}

fn device(world: &mut World, host: &Host) {
    refused(world, host, "Insufficient smarter-devices/fuse", HELPLESS, request("smarter-devices/fuse", "1"));
}

fn too_many_pods(world: &mut World, host: &Host) {
    let counts: Vec<(Host, usize)> = world
        .of_kind("Node")
        .map(|it| Host::of(world.cluster, it))
        .map(|node| {
            let pods = world.pods_of(&node).len();
            (node, pods)
        })
        .collect();
    for (node, pods) in counts {
        let node = world.get(&node);
        for list in ["allocatable", "capacity"] {
            node["status"][list]["pods"] = pods.to_string().into();
        }
    }
    refused(world, host, "Too many pods", NO_VICTIMS, |_| {});
}

fn every_node(world: &mut World, change: impl Fn(&mut Value)) {
    world.objects.iter_mut().filter(|it| it["kind"] == "Node").for_each(|it| change(it));
}

fn taint(world: &mut World, host: &Host) {
    let taint = json!({"key": "team", "value": "platform", "effect": "NoSchedule"});
    every_node(world, |node| node["spec"]["taints"] = json!([taint]));
    refused(world, host, "", HELPLESS, |_| {});
}

const AFFINITY: &str = "node(s) didn't match Pod's node affinity/selector";

fn node_selector(world: &mut World, host: &Host) {
    refused(world, host, AFFINITY, HELPLESS, |spec| spec["nodeSelector"]["disktype"] = "nvme".into());
}

fn node_affinity(world: &mut World, host: &Host) {
    let expression = json!({"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["eu-central-1a"]});
    let required = json!({"nodeSelectorTerms": [{"matchExpressions": [expression]}]});
    refused(world, host, AFFINITY, HELPLESS, |spec| {
        spec["affinity"]["nodeAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": required});
    });
}

fn cordoned(world: &mut World, host: &Host) {
    let taint = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-11-23T08:50:00Z"});
    every_node(world, |node| {
        node["spec"]["unschedulable"] = true.into();
        node["spec"]["taints"] = json!([taint]);
    });
    refused(world, host, "", HELPLESS, |_| {});
}

/// A term that keeps pods with the labels of this workload apart, or brings them together.
fn term(world: &World, host: &Host, topology: &str) -> Value {
    let labels = world.find(host).unwrap()["spec"]["selector"].clone();
    json!([{"labelSelector": labels, "topologyKey": topology}])
}

fn anti_affinity(world: &mut World, host: &Host) {
    let term = term(world, host, "topology.kubernetes.io/region");
    world.afresh = false;
    refused(world, host, "node(s) didn't match pod anti-affinity rules", NO_VICTIMS, |spec| {
        spec["affinity"]["podAntiAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": term});
    });
}

fn existing_anti_affinity(world: &mut World, host: &Host) {
    let term = term(world, host, "topology.kubernetes.io/region");
    let other = world
        .of_kind("Pod")
        .find(|it| {
            text(it, "/metadata/labels/k8s-app") == "metrics-server" || text(it, "/metadata/namespace") == "amazon-cloudwatch"
        })
        .unwrap();
    let other = Host::of(world.cluster, other);
    let required = json!({"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": term[0]["labelSelector"],
        "topologyKey": "topology.kubernetes.io/region", "namespaces": [host.namespace]}]});
    world.get(&other)["spec"]["affinity"]["podAntiAffinity"] = required;
    refused(world, host, "node(s) didn't satisfy existing pods anti-affinity rules", NO_VICTIMS, |_| {});
}

fn affinity(world: &mut World, host: &Host) {
    let term =
        json!([{"labelSelector": {"matchLabels": {"app": "cache-that-was-removed"}}, "topologyKey": "kubernetes.io/hostname"}]);
    refused(world, host, "node(s) didn't match pod affinity rules", HELPLESS, |spec| {
        spec["affinity"]["podAffinity"] = json!({"requiredDuringSchedulingIgnoredDuringExecution": term});
    });
}

fn spread(world: &mut World, host: &Host) {
    let labels = world.find(host).unwrap()["spec"]["selector"].clone();
    let constraint =
        json!([{"labelSelector": labels, "maxSkew": 1, "topologyKey": "example.com/rack", "whenUnsatisfiable": "DoNotSchedule"}]);
    let reason = "node(s) didn't match pod topology spread constraints (missing required label)";
    refused(world, host, reason, HELPLESS, |spec| spec["topologySpreadConstraints"] = constraint.clone());
}

/// Every node runs the node agent, which holds its port there.
fn host_port(world: &mut World, host: &Host) {
    let agents =
        world.objects.iter_mut().filter(|it| it["kind"] == "Pod" && text(it, "/metadata/namespace") == "amazon-cloudwatch");
    for agent in agents {
        agent["spec"]["containers"][0]["ports"] = json!([{"containerPort": 9100, "hostPort": 9100, "protocol": "TCP"}]);
    }
    refused(world, host, "node(s) didn't have free ports for the requested pod ports", NO_VICTIMS, |spec| {
        spec["containers"][0]["ports"] = json!([{"containerPort": 9100, "hostPort": 9100, "protocol": "TCP"}]);
    });
}

/// Nobody looks at the pod: no condition, no event.
fn no_scheduler(world: &mut World, host: &Host) {
    let pods = world.roll(host, |spec| spec["schedulerName"] = "volcano".into());
    world.each(&pods, |pod| {
        pod["spec"].as_object_mut().unwrap().remove("nodeName");
        pod["status"] = json!({"phase": "Pending", "qosClass": pod["status"]["qosClass"]});
        Vec::new()
    });
}

fn gated(world: &mut World, host: &Host) {
    let pods = world.roll(host, |spec| spec["schedulingGates"] = json!([{"name": "kueue.x-k8s.io/admission"}]));
    world.each(&pods, |pod| {
        unscheduled(pod, "");
        super::world::condition(
            pod,
            "PodScheduled",
            "False",
            "SchedulingGated",
            "Scheduling is blocked due to non-empty scheduling gates",
        );
        Vec::new()
    });
}

fn no_nodes(world: &mut World, host: &Host) {
    world.afresh = true;
    let pods = world.roll(host, |_| {});
    world.objects.retain(|it| it["kind"] != "Node");
    world.each(&pods, |pod| unscheduled(pod, "no nodes available to schedule pods"));
}

/// The volume of the pod lies in a zone where there is no node any more.
fn volume_zone(world: &mut World, host: &Host) {
    let pods = world.roll(host, |_| {});
    let claim = text(world.find(&pods[0]).unwrap(), "/spec/volumes/0/persistentVolumeClaim/claimName").to_owned();
    let volume = text(world.find(&host.beside("PersistentVolumeClaim", &claim)).unwrap(), "/spec/volumeName").to_owned();
    let volume = Host { namespace: String::new(), ..host.beside("PersistentVolume", &volume) };
    let zone = "us-west-2d";
    world.get(&volume)["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0]["matchExpressions"][0]["values"] =
        json!([zone]);
    let seen = world.clone();
    world.each(&pods, |pod| {
        let message = verdict(&seen, pod, "node(s) didn't match PersistentVolume's node affinity", HELPLESS);
        unscheduled(pod, &message)
    });
}

fn claim_missing(world: &mut World, host: &Host) {
    let claim = format!("{}-cache", host.name);
    let volume = json!({"name": "cache", "persistentVolumeClaim": {"claimName": claim}});
    let pods = world.roll(host, |spec| add(&mut spec["volumes"], volume.clone()));
    let nodes = world.of_kind("Node").count();
    let message = format!(
        "0/{nodes} nodes are available: persistentvolumeclaim \"{claim}\" not found. preemption: 0/{nodes} nodes are available: {nodes} Preemption is not helpful for scheduling."
    );
    world.each(&pods, |pod| unscheduled(pod, &message));
}

/// Adds to a list that need not be there yet.
pub(super) fn add(list: &mut Value, item: Value) {
    match list.as_array_mut() {
        Some(list) => list.push(item),
        None => *list = json!([item]),
    }
}

/// What Karpenter says about the pod beside the scheduler.
fn karpenter(world: &mut World, pods: &[Host], message: &str) {
    world.each(pods, |_| vec![Said::warns("FailedScheduling", message).from("karpenter")]);
}

const OVERHEAD: &str = r#"daemonset overhead={"cpu":"50m","memory":"128Mi","pods":"2"}"#;

fn unknown_label(world: &mut World, host: &Host) {
    let pods = refused(world, host, AFFINITY, HELPLESS, |spec| spec["nodeSelector"]["team"] = "search".into());
    let message = format!(
        r#"Failed to schedule pod, incompatible with nodepool "system", {OVERHEAD}, did not tolerate taint (taint=CriticalAddonsOnly:NoSchedule); incompatible with nodepool "general-purpose", {OVERHEAD}, incompatible requirements, label "team" does not have known values"#
    );
    karpenter(world, &pods, &message);
}

fn no_instance_type(world: &mut World, host: &Host) {
    let pods = refused(world, host, "Insufficient cpu", HELPLESS, request("cpu", "900"));
    let message = format!(
        r#"Failed to schedule pod, incompatible with nodepool "general-purpose", {OVERHEAD}, no instance type satisfied resources {{"cpu":"900050m","memory":"320Mi","pods":"3"}} and requirements eks.amazonaws.com/instance-category In [c m r], kubernetes.io/arch In [amd64], karpenter.sh/capacity-type In [on-demand] (no instance type has enough resources)"#
    );
    karpenter(world, &pods, &message);
}

fn limits(world: &mut World, host: &Host) {
    let pods = refused(world, host, "Insufficient cpu", NO_VICTIMS, request("cpu", "1500m"));
    let pool = Host { namespace: String::new(), ..host.beside("NodePool", "general-purpose") };
    let pool = world.get(&pool);
    pool["spec"]["limits"] = json!({"cpu": "8"});
    pool["status"]["resources"] = json!({"cpu": "8", "nodes": "4"});
    fill(world, "cpu", "1100m");
    karpenter(
        world,
        &pods,
        r#"Failed to schedule pod, all available instance types exceed limits for nodepool: "general-purpose""#,
    );
}

fn scale_up(world: &mut World, host: &Host) {
    let pods = refused(world, host, "Insufficient cpu", NO_VICTIMS, request("cpu", "1500m"));
    fill(world, "cpu", "1100m");
    let message = "Scale-up failed for group eks-general-2ac6e1f4-7b1d-4f5e-9a38-5d1c0e2b7f90: InsufficientInstanceCapacity - We currently do not have sufficient m6i.large capacity in the Availability Zone you requested (us-east-1a).";
    world.each(&pods, |_| vec![Said::warns("FailedScaleUp", message).from("cluster-autoscaler")]);
}

fn fargate(world: &mut World, host: &Host) {
    let pods = world.roll(host, |spec| spec["schedulerName"] = "fargate-scheduler".into());
    let message = "Misconfigured Fargate Profile: fargate profile fp-default blocked for new launches due to: Pod execution role is not found in auth config or does not have all required permissions for launching fargate pods.";
    world.each(&pods, |pod| {
        unscheduled(pod, message);
        pod["metadata"]["labels"]["eks.amazonaws.com/fargate-profile"] = "fp-default".into();
        vec![Said::warns("FailedScheduling", message).from("fargate-scheduler")]
    });
}
