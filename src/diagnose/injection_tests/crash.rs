//! Containers that end, and what their logs say of it.

use serde_json::{Value, json};

use super::said::Said;
use super::states::{End, crashes, init_crashes};
use super::world::{Host, World, text};
use super::{ALL_WORKLOADS, Fault};

pub(super) const FAULTS: &[Fault] = &[
    Fault::of_pods("container-oom-limit", ALL_WORKLOADS, oom).only(has_limit),
    Fault::of_pods("container-oom-node", ALL_WORKLOADS, oom_of_node).only(|world, host| !has_limit(world, host)),
    Fault::of_pods("crash-exit-zero", ALL_WORKLOADS, exit_zero),
    Fault::of_pods("crash-signal", ALL_WORKLOADS, signal),
    Fault::of_pods("crash-app-error", ALL_WORKLOADS, unknown),
    Fault::of_pods("entrypoint-command-not-found", ALL_WORKLOADS, command_not_found),
    Fault::of_pods("image-arch-mismatch", ALL_WORKLOADS, exec_format).called("at start"),
    Fault::of_pods("init-container-failing", ALL_WORKLOADS, init),
    Fault::of_pods("app-missing-env", ALL_WORKLOADS, variable),
    Fault::of_pods("app-db-auth", ALL_WORKLOADS, password),
    Fault::of_pods("app-db-pool-exhausted", ALL_WORKLOADS, connections),
    Fault::of_pods("app-tls-cert-expired", ALL_WORKLOADS, expired),
    Fault::of_pods("app-tls-untrusted", ALL_WORKLOADS, untrusted),
    Fault::of_pods("app-volume-full", ALL_WORKLOADS, volume_full),
    Fault::of_pods("app-readonly-fs", ALL_WORKLOADS, read_only),
    Fault::of_pods("app-port-in-use", ALL_WORKLOADS, port),
    Fault::of_pods("app-permission-denied", ALL_WORKLOADS, permission),
    Fault::of_pods("app-heap-oom", ALL_WORKLOADS, heap),
    Fault::of_pods("aws-permission-missing", ALL_WORKLOADS, aws_denied),
    Fault::of_pods("irsa-trust-policy", ALL_WORKLOADS, trust),
    Fault::of_pods("irsa-oidc-provider-missing", ALL_WORKLOADS, provider),
    Fault::of_pods("podidentity-agent-missing", ALL_WORKLOADS, agent),
    Fault::of_pods("svc-missing", ALL_WORKLOADS, service_missing).only(uses_cluster_dns),
];

fn has_limit(world: &World, host: &Host) -> bool {
    world.find(host).unwrap().pointer("/spec/template/spec/containers/0/resources/limits/memory").is_some()
}

fn uses_cluster_dns(world: &World, host: &Host) -> bool {
    world.find(host).unwrap().pointer("/spec/template/spec/hostNetwork").is_none()
        && text(world.find(host).unwrap(), "/spec/template/spec/dnsPolicy") == "ClusterFirst"
}

/// The process of a new revision ends with this code, having written this.
fn exits(world: &mut World, host: &Host, end: &End<'_>, change: impl Fn(&mut Value), lines: &str) -> Vec<Host> {
    let pods = world.roll(host, change);
    world.each(&pods, |pod| crashes(pod, end));
    world.logs_of(&pods, lines);
    pods
}

fn says(world: &mut World, host: &Host, lines: &str) {
    exits(world, host, &End::ERROR, |_| {}, lines);
}

fn oom(world: &mut World, host: &Host) {
    let end = End { code: 137, reason: "OOMKilled", message: "" };
    exits(world, host, &end, |_| {}, "starting\nloading 250000 items into the cache\n");
}

fn oom_of_node(world: &mut World, host: &Host) {
    let end = End { code: 137, reason: "OOMKilled", message: "" };
    let pods = exits(world, host, &end, |_| {}, "starting\n");
    let node = text(world.find(&pods[0]).unwrap(), "/spec/nodeName").to_owned();
    let node = Host { namespace: String::new(), ..host.beside("Node", &node) };
    world.each(&[node], |_| vec![Said::warns("SystemOOM", "System OOM encountered, victim process: server, pid: 31337")]);
}

fn exit_zero(world: &mut World, host: &Host) {
    let end = End { code: 0, reason: "Completed", message: "" };
    exits(world, host, &end, |_| {}, "configuration is valid\ndone\n");
}

fn signal(world: &mut World, host: &Host) {
    let end = End { code: 139, reason: "Error", message: "" };
    exits(world, host, &end, |_| {}, "starting workers\n");
}

fn unknown(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "reading rules\nrules.yaml:14: unexpected token after `match`\nFATAL: the rules cannot be used, giving up\n",
    );
}

fn command_not_found(world: &mut World, host: &Host) {
    let change = |spec: &mut Value| spec["containers"][0]["command"] = json!(["sh", "-c", "migrate-db up && exec server"]);
    let end = End { code: 127, reason: "Error", message: "" };
    exits(world, host, &end, change, "sh: 1: migrate-db: not found\n");
}

fn exec_format(world: &mut World, host: &Host) {
    let end = End { code: 255, reason: "Error", message: "" };
    exits(world, host, &end, |_| {}, "exec /usr/local/bin/server: exec format error\n");
}

fn init(world: &mut World, host: &Host) {
    let container = json!({"name": "prepare", "image": "public.ecr.aws/docker/library/busybox:1.37", "command": ["sh", "-c", "prepare /data"],
        "resources": {}, "imagePullPolicy": "IfNotPresent"});
    let pods = world.roll(host, |spec| spec["initContainers"] = json!([container]));
    world.each(&pods, |pod| init_crashes(pod, "prepare", 3));
    for pod in &pods {
        for previous in [true, false] {
            world.log(pod, "prepare", previous, "checking /data\nlayout version 7 is newer than 5, stop\n");
        }
    }
}

fn variable(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "Traceback (most recent call last):\n  File \"/app/main.py\", line 12, in <module>\n    url = os.environ['QUEUE_URL']\n          ~~~~~~~~~~^^^^^^^^^^^^^\nKeyError: 'QUEUE_URL'\n",
    );
}

fn password(world: &mut World, host: &Host) {
    says(world, host, "connecting to the database\npq: password authentication failed for user \"app\"\n");
}

fn connections(world: &mut World, host: &Host) {
    says(world, host, "FATAL:  remaining connection slots are reserved for roles with the SUPERUSER attribute\n");
}

fn expired(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "Get \"https://api.example.com/v1/rates\": tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2026-11-23T09:26:02Z is after 2026-11-20T00:00:00Z\n",
    );
}

fn untrusted(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "Get \"https://api.example.com/v1/rates\": tls: failed to verify certificate: x509: certificate signed by unknown authority\n",
    );
}

fn volume_full(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "panic: write /data/index/000412.sst: no space left on device\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:41 +0x1d\n",
    );
}

fn read_only(world: &mut World, host: &Host) {
    says(world, host, "OSError: [Errno 30] Read-only file system: '/app/cache/models'\n");
}

fn port(world: &mut World, host: &Host) {
    says(world, host, "listen tcp :9090: bind: address already in use\n");
}

fn permission(world: &mut World, host: &Host) {
    says(world, host, "mkdir: cannot create directory '/var/lib/app/state': Permission denied\n");
}

fn heap(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space\n\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)\n",
    );
}

fn aws_denied(world: &mut World, host: &Host) {
    let role = format!("arn:aws:sts::111122223333:assumed-role/{}/eks-1", host.name);
    says(
        world,
        host,
        &format!(
            "botocore.errorfactory.AccessDeniedException: An error occurred (AccessDeniedException) when calling the SendMessage operation: User: {role} is not authorized to perform: sqs:SendMessage on resource: arn:aws:sqs:us-east-1:111122223333:orders because no identity-based policy allows the sqs:SendMessage action\n"
        ),
    );
}

fn trust(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "operation error S3: GetObject, get identity: get credentials: failed to refresh cached credentials, failed to retrieve credentials, operation error STS: AssumeRoleWithWebIdentity, https response error StatusCode: 403, RequestID: 5a1c, api error AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity\n",
    );
}

fn provider(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "WebIdentityErr: failed to retrieve credentials\ncaused by: InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE\n\tstatus code: 400, request id: 5a1c\n",
    );
}

fn agent(world: &mut World, host: &Host) {
    says(
        world,
        host,
        "operation error SQS: ReceiveMessage, get identity: get credentials: failed to refresh cached credentials, failed to load credentials, exceeded maximum number of attempts, 3, request send failed, Get \"http://169.254.170.23/v1/credentials\": dial tcp 169.254.170.23:80: connect: connection refused\n",
    );
}

/// A Service that was there under another name, or never.
fn service_missing(world: &mut World, host: &Host) {
    let name = format!("{}-ledger", host.name);
    says(world, host, &format!("dial tcp: lookup {name}.{}.svc.cluster.local on 172.20.0.10:53: no such host\n", host.namespace));
}
