//! Nodes that are not well, and pods that are ended with them.

use serde_json::{Value, json};

use super::said::Said;
use super::states::fails_whole;
use super::world::{BEGAN, Host, World, condition, text};
use super::{DEPLOYMENTS, Fault};

const NODE: &[&str] = &["Node"];

pub(super) const FAULTS: &[Fault] = &[
    Fault::of("node-not-ready-unknown", NODE, lost).with(&["pod-stuck-terminating"]),
    Fault::of("node-memory-pressure", NODE, memory),
    Fault::of("node-disk-pressure", NODE, disk),
    Fault::of("node-pid-pressure", NODE, pids),
    Fault::of("node-cni-not-initialized", NODE, network_plugin),
    Fault::of("addon-vpc-cni-missing", NODE, no_network_plugin).only(|world, _| !world.is_automatic()),
    Fault::of("node-runtime-down", NODE, runtime).called("PLEG"),
    Fault::of("node-runtime-down", NODE, runtime_condition).called("monitor").only(is_monitored),
    Fault::of("node-kernel", NODE, kernel).only(is_monitored),
    Fault::of("node-storage", NODE, storage).only(is_monitored),
    Fault::of("node-networking", NODE, networking).only(is_monitored),
    Fault::of("node-cordoned-forgotten", NODE, cordoned),
    Fault::of("node-max-pods-reached", NODE, full),
    Fault::of_pods("pod-evicted-memory", DEPLOYMENTS, evicted_for_memory).alone(),
    Fault::of_pods("pod-evicted-disk", DEPLOYMENTS, evicted_for_disk).alone(),
    Fault::of_pods("pod-evicted-pid", DEPLOYMENTS, evicted_for_pids).alone(),
    Fault::of_pods("pod-evicted-limit", DEPLOYMENTS, evicted_for_limit).alone(),
    Fault::of_pods("emptydir-limit", DEPLOYMENTS, evicted_for_volume).alone(),
    Fault::of_pods("pod-stuck-terminating", DEPLOYMENTS, finalizer).called("finalizer").alone(),
    Fault::of_pods("node-not-ready-unknown", DEPLOYMENTS, node_gone).called("of a pod").alone().with(&["pod-stuck-terminating"]),
];

/// Whether the node monitoring agent writes conditions.
fn is_monitored(world: &World, host: &Host) -> bool {
    let conditions = world.find(host).unwrap()["status"]["conditions"].as_array().unwrap();
    conditions.iter().any(|it| it["type"] == "KernelReady")
}

/// One condition of the node, with what it makes of the taints.
fn with_condition(world: &mut World, host: &Host, kind: &str, status: &str, reason: &str, message: &str) {
    condition(world.get(host), kind, status, reason, message);
}

fn taint(world: &mut World, host: &Host, key: &str, effects: &[&str]) {
    let taints = effects.iter().map(|it| json!({"key": key, "effect": it, "timeAdded": BEGAN}));
    let taints: Vec<Value> = taints.collect();
    for taint in taints {
        super::scheduling::add(&mut world.get(host)["spec"]["taints"], taint);
    }
}

/// The kubelet does not answer: its pods are not ready, and those that were to leave cannot confirm it.
fn lost(world: &mut World, host: &Host) {
    let silent = "Kubelet stopped posting node status.";
    for kind in ["MemoryPressure", "DiskPressure", "PIDPressure", "Ready"] {
        with_condition(world, host, kind, "Unknown", "NodeStatusUnknown", silent);
    }
    taint(world, host, "node.kubernetes.io/unreachable", &["NoSchedule", "NoExecute"]);
    let node = world.find(host).unwrap().clone();
    let said = format!("Node {} status is now: NodeNotReady", host.name);
    world.say(&node, &Said::tells("NodeNotReady", said).from("node-controller").at(BEGAN));
    let pods = world.pods_of(host);
    world.each(&pods, |pod| {
        condition(pod, "Ready", "False", "", "");
        if pod["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet" {
            pod["metadata"]["deletionTimestamp"] = "2026-11-23T09:18:10Z".into();
            pod["metadata"]["deletionGracePeriodSeconds"] = 30.into();
            let said = "Taint manager: deleting pod, since the node is unreachable";
            condition(pod, "DisruptionTarget", "True", "DeletionByTaintManager", said);
        }
        vec![Said::warns("NodeNotReady", "Node is not ready").from("node-controller").at(BEGAN)]
    });
}

fn memory(world: &mut World, host: &Host) {
    with_condition(
        world,
        host,
        "MemoryPressure",
        "True",
        "KubeletHasInsufficientMemory",
        "kubelet has insufficient memory available",
    );
    taint(world, host, "node.kubernetes.io/memory-pressure", &["NoSchedule"]);
    let node = world.find(host).unwrap().clone();
    world.say(&node, &Said::warns("EvictionThresholdMet", "Attempting to reclaim memory"));
}

fn disk(world: &mut World, host: &Host) {
    with_condition(world, host, "DiskPressure", "True", "KubeletHasDiskPressure", "kubelet has disk pressure");
    taint(world, host, "node.kubernetes.io/disk-pressure", &["NoSchedule"]);
    let node = world.find(host).unwrap().clone();
    world.say(&node, &Said::warns("EvictionThresholdMet", "Attempting to reclaim ephemeral-storage"));
    world.say(&node, &Said::warns("FreeDiskSpaceFailed", "Failed to garbage collect required amount of images. Attempted to free 3184902144 bytes, but only found 0 bytes eligible to free."));
}

fn pids(world: &mut World, host: &Host) {
    with_condition(world, host, "PIDPressure", "True", "KubeletHasInsufficientPID", "kubelet has insufficient PID available");
    taint(world, host, "node.kubernetes.io/pid-pressure", &["NoSchedule"]);
}

fn not_ready(world: &mut World, host: &Host, message: &str) {
    with_condition(world, host, "Ready", "False", "KubeletNotReady", message);
    taint(world, host, "node.kubernetes.io/not-ready", &["NoSchedule", "NoExecute"]);
    let node = world.find(host).unwrap().clone();
    let said = format!("Node {} status is now: NodeNotReady", host.name);
    world.say(&node, &Said::tells("NodeNotReady", said).from("node-controller").at(BEGAN));
}

const NO_NETWORK: &str = "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";

/// The pod of the plugin is on the node, and waits for its image.
fn network_plugin(world: &mut World, host: &Host) {
    not_ready(world, host, NO_NETWORK);
    if world.pods_of(host).iter().any(|it| it.name.starts_with("aws-node")) {
        return;
    }
    // Nodes of Auto Mode have the plugin as a service of their own, others as a pod.
    let pod = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "cilium-x7k2b", "namespace": "kube-system", "uid": "c111a000-0000-4000-8000-000000000001", "creationTimestamp": BEGAN},
        "spec": {"nodeName": host.name, "containers": [{"name": "cilium-agent", "image": "quay.io/cilium/cilium:v1.18.3"}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
    world.add(pod);
}

fn no_network_plugin(world: &mut World, host: &Host) {
    not_ready(world, host, NO_NETWORK);
    world.objects.retain(|it| !text(it, "/metadata/name").starts_with("aws-node"));
}

fn runtime(world: &mut World, host: &Host) {
    not_ready(
        world,
        host,
        "[container runtime is down, PLEG is not healthy: pleg was last seen active 11m42.5s ago; threshold is 3m0s]",
    );
}

fn runtime_condition(world: &mut World, host: &Host) {
    with_condition(world, host, "ContainerRuntimeReady", "False", "ContainerRuntimeFailed", "The container runtime has failed");
}

fn kernel(world: &mut World, host: &Host) {
    with_condition(
        world,
        host,
        "KernelReady",
        "False",
        "ForkFailedOutOfPIDs",
        "A fork or exec call has failed due to the system being out of process IDs or memory",
    );
}

fn storage(world: &mut World, host: &Host) {
    with_condition(
        world,
        host,
        "StorageReady",
        "False",
        "XFSSmallAverageClusterSize",
        "XFS average cluster size is small, /dev/nvme0n1p1 is fragmented",
    );
}

fn networking(world: &mut World, host: &Host) {
    with_condition(
        world,
        host,
        "NetworkingReady",
        "False",
        "InterfaceNotUp",
        "Interface Name: \"ens5\" MAC: \"02:1a:2b:3c:4d:5e\" is not up",
    );
}

fn cordoned(world: &mut World, host: &Host) {
    world.get(host)["spec"]["unschedulable"] = true.into();
    let taint = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": "2026-11-22T17:03:11Z"});
    super::scheduling::add(&mut world.get(host)["spec"]["taints"], taint);
}

fn full(world: &mut World, host: &Host) {
    let runs = |it: &&Host| world.find(it).unwrap()["status"]["phase"] == "Running";
    let pods = world.pods_of(host).iter().filter(runs).count();
    for list in ["allocatable", "capacity"] {
        world.get(host)["status"][list]["pods"] = pods.to_string().into();
    }
}

/// The kubelet evicts a pod of the workload, which is replaced elsewhere.
fn evicted(world: &mut World, host: &Host, message: &str) {
    let pods = world.pods_of(host);
    let gone = format!("{}-gone", pods[0].name);
    let mut pod = world.find(&pods[0]).unwrap().clone();
    let message = message.replace("MAIN", text(&pod, "/spec/containers/0/name"));
    pod["metadata"]["name"] = gone.clone().into();
    pod["metadata"]["uid"] = "e51c7ed0-0000-4000-8000-000000000001".into();
    world.add(pod);
    let gone = host.beside("Pod", &gone);
    world.each(&[gone], |pod| {
        fails_whole(pod, "Evicted", &message);
        condition(pod, "DisruptionTarget", "True", "TerminationByKubelet", &message);
        vec![Said::warns("Evicted", message.clone()).at("2026-11-23T09:20:00Z")]
    });
}

fn evicted_for_memory(world: &mut World, host: &Host) {
    evicted(
        world,
        host,
        "The node was low on resource: memory. Threshold quantity: 100Mi, available: 71392Ki. Container MAIN was using 2134412Ki, request is 0, has larger consumption of memory. ",
    );
}

fn evicted_for_disk(world: &mut World, host: &Host) {
    evicted(
        world,
        host,
        "The node was low on resource: ephemeral-storage. Threshold quantity: 8055253966, available: 6412344Ki. Container MAIN was using 11230404Ki, request is 0, has larger consumption of ephemeral-storage. ",
    );
}

fn evicted_for_pids(world: &mut World, host: &Host) {
    evicted(world, host, "The node was low on resource: pids. Threshold quantity: 3276, available: 1102. ");
}

fn evicted_for_limit(world: &mut World, host: &Host) {
    evicted(world, host, "Container MAIN exceeded its local ephemeral storage limit \"1Gi\". ");
}

fn evicted_for_volume(world: &mut World, host: &Host) {
    evicted(world, host, "Usage of EmptyDir volume \"cache\" exceeds the limit \"500Mi\". ");
}

/// A pod that was to leave and is still there.
fn leaves(world: &mut World, host: &Host) -> Vec<Host> {
    let pods = world.pods_of(host)[..1].to_vec();
    world.each(&pods, |pod| {
        pod["metadata"]["deletionTimestamp"] = "2026-11-23T09:14:30Z".into();
        pod["metadata"]["deletionGracePeriodSeconds"] = 30.into();
        Vec::new()
    });
    pods
}

fn finalizer(world: &mut World, host: &Host) {
    let pods = leaves(world, host);
    world.get(&pods[0])["metadata"]["finalizers"] = json!(["example.com/deregister"]);
}

fn node_gone(world: &mut World, host: &Host) {
    let pods = leaves(world, host);
    let node = text(world.find(&pods[0]).unwrap(), "/spec/nodeName").to_owned();
    let node = Host { namespace: String::new(), ..host.beside("Node", &node) };
    lost(world, &node);
    world.broken = pods;
}
