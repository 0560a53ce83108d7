//! What applications call and do not reach: names, Services, policies, AWS.

use serde_json::{Value, json};

use super::rollout::is_ready;
use super::said::Said;
use super::states::{End, crashes, init_waits};
use super::world::{BEGAN, Host, World, text};
use super::{ALL_WORKLOADS, DEPLOYMENTS, Fault};

const NODE: &[&str] = &["Node"];

pub(super) const FAULTS: &[Fault] = &[
    Fault::of_pods("crash-signal", DEPLOYMENTS, dependency_down).called("of a dependency").only(has_neighbour),
    Fault::of_pods("netpol-blocks-traffic", DEPLOYMENTS, policy).only(has_neighbour),
    Fault::of_pods("svc-missing", DEPLOYMENTS, typing_error).called("typing error").only(has_neighbour),
    Fault::of_pods("app-dependency-unreachable", DEPLOYMENTS, outside),
    Fault::of_pods("app-dns-name-unresolvable", DEPLOYMENTS, unknown_name),
    Fault::of_pods("dns-policy-wrong", DEPLOYMENTS, dns_policy).only(has_neighbour),
    Fault::of_pods("init-container-hanging", ALL_WORKLOADS, init_hangs),
    Fault::of_pods("rbac-forbidden", ALL_WORKLOADS, forbidden),
    Fault::of_pods("irsa-bad-role-arn", ALL_WORKLOADS, bad_role),
    Fault::of_pods("podidentity-trust", ALL_WORKLOADS, pod_identity_trust),
    Fault::of_pods("irsa-sts-endpoint", ALL_WORKLOADS, no_way_to_sts),
    Fault::of_pods("podidentity-no-association", ALL_WORKLOADS, no_credentials),
    Fault::of_pods("pod-mutated-at-admission", DEPLOYMENTS, mutated),
    Fault::of("daemonset-not-scheduled", &["DaemonSet"], nowhere),
    Fault::of("svc-no-endpoints", &["Service"], no_pods).only(has_deployment),
    Fault::of("kube-proxy-down", NODE, kube_proxy),
    Fault::of("node-clock-skew", NODE, clock),
    Fault::of("conntrack-full", NODE, connections),
    Fault::of("gpu-device-lost", NODE, gpu).only(|world, _| world.is_automatic()),
];

/// Another workload of the namespace that has a Service of its own name, and is well.
fn neighbour(world: &World, host: &Host) -> Option<Host> {
    let others = world.of_kind("Service").filter(|it| {
        let name = text(it, "/metadata/name");
        text(it, "/metadata/namespace") == host.namespace
            && name != host.name
            && world.find(&host.beside("Deployment", name)).is_some()
    });
    let well = |pod: &Host| {
        let pod = world.find(pod).unwrap();
        is_ready(pod) && pod["status"]["containerStatuses"].as_array().into_iter().flatten().all(|it| it["restartCount"] == 0)
    };
    let mut others = others.map(|it| Host::of(world.cluster, it));
    others.find(|it| world.pods_of(it).iter().all(well))
}

fn has_neighbour(world: &World, host: &Host) -> bool {
    neighbour(world, host).is_some()
}

fn has_deployment(world: &World, host: &Host) -> bool {
    world.find(&host.beside("Deployment", &host.name)).is_some()
        && world.find(host).unwrap()["spec"]["selector"].get("app").is_some()
}

/// The process of a new revision ends, having written this.
fn says(world: &mut World, host: &Host, lines: &str) -> Vec<Host> {
    let pods = world.roll(host, |_| {});
    world.each(&pods, |pod| crashes(pod, &End::ERROR));
    world.logs_of(&pods, lines);
    pods
}

/// What is called has no pod that is ready, so that nobody answers.
fn dependency_down(world: &mut World, host: &Host) {
    let service = neighbour(world, host).unwrap();
    let callee = world.pods_of(&service);
    world.each(&callee, |pod| crashes(pod, &End { code: 139, reason: "Error", message: "" }));
    world.broken.clear();
    world.settle(&host.beside("Deployment", &service.name));
    let (name, address) = (&service.name, text(world.find(&service).unwrap(), "/spec/clusterIP").to_owned());
    says(world, host, &format!("Post \"http://{name}:80/v1/items\": dial tcp {address}:80: connect: connection refused\n"));
}

fn policy(world: &mut World, host: &Host) {
    let service = neighbour(world, host).unwrap();
    let selector = json!({"matchLabels": world.find(&service).unwrap()["spec"]["selector"]});
    let from = json!([{"podSelector": {"matchLabels": {"role": "gateway"}}}]);
    world.add(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "only-gateway", "namespace": service.namespace, "uid": "9e7b0000-0000-4000-8000-000000000001", "creationTimestamp": BEGAN},
        "spec": {"podSelector": selector, "policyTypes": ["Ingress"], "ingress": [{"from": from}]}}));
    let (name, address) = (&service.name, text(world.find(&service).unwrap(), "/spec/clusterIP").to_owned());
    says(world, host, &format!("Post \"http://{name}:80/v1/items\": dial tcp {address}:80: i/o timeout\n"));
}

fn typing_error(world: &mut World, host: &Host) {
    let service = neighbour(world, host).unwrap();
    says(world, host, &format!("getaddrinfo ENOTFOUND {}s.{}.svc.cluster.local\n", service.name, service.namespace));
}

fn outside(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "failed to connect to `host=orders.c1a2b3c4d5e6.us-east-1.rds.amazonaws.com user=app database=app`: dial tcp 10.12.40.8:5432: connect: connection timed out\n",
    );
}

fn unknown_name(world: &mut World, host: &Host) {
    says(world, host, "dial tcp: lookup api.exmaple.com on 172.20.0.10:53: no such host\n");
}

fn dns_policy(world: &mut World, host: &Host) {
    let service = neighbour(world, host).unwrap();
    let pods = says(
        world,
        host,
        &format!("dial tcp: lookup {}.{}.svc.cluster.local on 10.0.0.2:53: no such host\n", service.name, service.namespace),
    );
    let template = &mut world.get(host)["spec"]["template"]["spec"];
    template["dnsPolicy"] = "Default".into();
    for pod in &pods {
        world.get(pod)["spec"]["dnsPolicy"] = "Default".into();
    }
}

fn init_hangs(world: &mut World, host: &Host) {
    let container = json!({"name": "wait-for-schema", "image": "public.ecr.aws/docker/library/busybox:1.37", "resources": {},
        "command": ["sh", "-c", "until test -f /schema/ready; do echo not there yet; sleep 5; done"]});
    let pods = world.roll(host, |spec| spec["initContainers"] = json!([container]));
    world.each(&pods, |pod| init_waits(pod, "wait-for-schema"));
    for pod in &pods {
        world.log(pod, "wait-for-schema", false, "not there yet\nnot there yet\n");
    }
}

fn forbidden(world: &mut World, host: &Host) {
    let line = format!(
        "E1123 09:26:02.113 reflector.go:205] failed to list *v1.ConfigMap: configmaps is forbidden: User \"system:serviceaccount:{0}:default\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"{0}\"\n",
        host.namespace
    );
    says(world, host, &line);
}

fn bad_role(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "botocore.exceptions.ClientError: An error occurred (ValidationError) when calling the AssumeRoleWithWebIdentity operation: Request ARN is invalid\n",
    );
}

fn pod_identity_trust(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "Error retrieving credentials: Received non-success response code: 400 (AccessDeniedException: Unauthorized to perform sts:TagSession on role arn:aws:iam::111122223333:role/app)\n",
    );
}

fn no_way_to_sts(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, exceeded maximum number of attempts, 3, https response error StatusCode: 0, request send failed, Post \"https://sts.us-east-1.amazonaws.com/\": dial tcp 209.54.180.124:443: i/o timeout\n",
    );
}

fn no_credentials(world: &mut World, host: &Host) {
    says(world, host, "botocore.exceptions.NoCredentialsError: Unable to locate credentials\n");
}

/// Somebody lowers the limit of pods on their way in.
fn mutated(world: &mut World, host: &Host) {
    let pods = world.roll(host, |spec| {
        spec["containers"][0]["resources"] = json!({"limits": {"memory": "1Gi"}, "requests": {"memory": "1Gi"}});
    });
    world.each(&pods, |pod| {
        pod["spec"]["containers"][0]["resources"] = json!({"limits": {"memory": "16Mi"}, "requests": {"memory": "16Mi"}});
        crashes(pod, &End { code: 137, reason: "OOMKilled", message: "" })
    });
}

fn nowhere(world: &mut World, host: &Host) {
    let pods = world.pods_of(host);
    world.remove_all(&pods);
    let set = world.get(host);
    set["spec"]["template"]["spec"]["nodeSelector"] = json!({"agents": "enabled"});
    for count in ["currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled"] {
        set["status"][count] = 0.into();
    }
}

/// The workload behind the Service has been deleted, and nothing else of the namespace has its label.
fn no_pods(world: &mut World, host: &Host) {
    let pods = world.pods_of(host);
    world.remove_all(&pods);
    world.remove(&host.beside("Deployment", &host.name));
    let key = "component-of";
    world.get(host)["spec"]["selector"] = json!({key: "zq-7"});
    world.settle_endpoints(&host.namespace);
}

fn node_says(world: &mut World, host: &Host, reason: &'static str, message: &str) {
    world.each(std::slice::from_ref(host), |_| vec![Said::warns(reason, message).from("eks-node-monitoring-agent")]);
}

fn kube_proxy(world: &mut World, host: &Host) {
    node_says(world, host, "KubeProxyNotReady", "kube-proxy is not ready: healthz endpoint answers 503");
}

fn clock(world: &mut World, host: &Host) {
    node_says(world, host, "ClockUnsynchronized", "The system clock is not synchronized");
}

fn connections(world: &mut World, host: &Host) {
    node_says(world, host, "ConntrackExceededKernel", "nf_conntrack: nf_conntrack: table full, dropping packet");
}

fn gpu(world: &mut World, host: &Host) {
    let node: &mut Value = world.get(host);
    let message = "XID 79: GPU has fallen off the bus";
    super::world::condition(node, "AcceleratedHardwareReady", "False", "NvidiaXID79Error", message);
}
