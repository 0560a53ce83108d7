//! Containers that cannot be started, and pods that a kubelet turns away.

use serde_json::{Value, json};

use super::said::Said;
use super::scheduling::add;
use super::states::{End, crashes, fails_whole, full_name, image, is_creating, main, waits};
use super::world::{Host, World, text};
use super::{ALL_WORKLOADS, DEPLOYMENTS, Fault};

pub(super) const FAULTS: &[Fault] = &[
    Fault::of_pods("config-configmap-missing", ALL_WORKLOADS, config_map),
    Fault::of_pods("config-secret-missing", ALL_WORKLOADS, secret),
    Fault::of_pods("config-key-missing", ALL_WORKLOADS, key),
    Fault::of_pods("config-run-as-non-root", ALL_WORKLOADS, root),
    Fault::of_pods("config-subpath", ALL_WORKLOADS, sub_path),
    Fault::of_pods("entrypoint-not-found", ALL_WORKLOADS, not_found).called("in path"),
    Fault::of_pods("entrypoint-not-found", ALL_WORKLOADS, no_such_file).called("no such file"),
    Fault::of_pods("entrypoint-not-executable", ALL_WORKLOADS, not_executable),
    Fault::of_pods("container-create-failed", ALL_WORKLOADS, name_reserved),
    Fault::of_pods("container-cgroup-memory-too-small", ALL_WORKLOADS, tiny_limit),
    Fault::of_pods("poststart-hook-failed", ALL_WORKLOADS, post_start),
    Fault::of_pods("mount-configmap-missing", ALL_WORKLOADS, mount_config_map),
    Fault::of_pods("mount-secret-missing", ALL_WORKLOADS, mount_secret),
    Fault::of_pods("mount-hostpath-type", ALL_WORKLOADS, host_path),
    Fault::of_pods("mount-secrets-store", ALL_WORKLOADS, secrets_store),
    Fault::of_pods("sandbox-image-pull", ALL_WORKLOADS, pause_image),
    Fault::of_pods("device-or-runtimeclass-missing", ALL_WORKLOADS, runtime_class),
    Fault::of_pods("cni-ip-exhausted", ALL_WORKLOADS, no_address),
    Fault::of_pods("cni-ipamd-down", ALL_WORKLOADS, no_ipamd),
    Fault::of_pods("pod-admission-out-of", DEPLOYMENTS, out_of_cpu).alone(),
    Fault::of_pods("pod-admission-unexpected", DEPLOYMENTS, unexpected).alone(),
];

/// The configuration of the first container cannot be made.
fn not_configured(world: &mut World, host: &Host, change: impl Fn(&mut Value), why: impl Fn(&Value) -> String) {
    let pods = world.roll(host, change);
    world.each(&pods, |pod| {
        let (name, why) = (main(pod), why(pod));
        waits(pod, "CreateContainerConfigError", &why);
        let present = format!("Container image \"{}\" already present on machine", image(pod));
        vec![Said::tells("Pulled", present).of(&name), Said::warns("Failed", format!("Error: {why}")).of(&name)]
    });
}

fn config_map(world: &mut World, host: &Host) {
    let missing = format!("{}-flags", host.name);
    let reference = json!({"configMapRef": {"name": missing}});
    let why = |_: &Value| format!("configmap \"{missing}\" not found");
    not_configured(world, host, |spec| add(&mut spec["containers"][0]["envFrom"], reference.clone()), why);
}

fn secret(world: &mut World, host: &Host) {
    let missing = format!("{}-credentials", host.name);
    let variable = json!({"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"name": missing, "key": "token"}}});
    let why = |_: &Value| format!("secret \"{missing}\" not found");
    not_configured(world, host, |spec| add(&mut spec["containers"][0]["env"], variable.clone()), why);
}

fn key(world: &mut World, host: &Host) {
    let name = format!("{}-settings", host.name);
    let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": host.namespace}, "data": {"LOG_LEVEL": "info"}});
    world.add(settings);
    let variable = json!({"name": "REGION", "valueFrom": {"configMapKeyRef": {"name": name, "key": "AWS_REGION"}}});
    let why = |_: &Value| format!("couldn't find key AWS_REGION in ConfigMap {}/{name}", host.namespace);
    not_configured(world, host, |spec| add(&mut spec["containers"][0]["env"], variable.clone()), why);
}

fn root(world: &mut World, host: &Host) {
    let why = |pod: &Value| {
        format!("container has runAsNonRoot and image will run as root (pod: \"{}\", container: {})", full_name(pod), main(pod))
    };
    not_configured(world, host, |spec| spec["containers"][0]["securityContext"] = json!({"runAsNonRoot": true}), why);
}

fn sub_path(world: &mut World, host: &Host) {
    let mount = json!({"name": "settings", "mountPath": "/etc/app/app.yaml", "subPath": "../app.yaml"});
    let volume = json!({"name": "settings", "emptyDir": {}});
    let change = |spec: &mut Value| {
        add(&mut spec["volumes"], volume.clone());
        add(&mut spec["containers"][0]["volumeMounts"], mount.clone());
    };
    let why = |pod: &Value| format!("failed to prepare subPath for volumeMount \"settings\" of container \"{}\"", main(pod));
    not_configured(world, host, change, why);
}

/// The runtime cannot start the process of the first container.
fn not_started(world: &mut World, host: &Host, change: impl Fn(&mut Value), why: &str) {
    let message = format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: {why}"
    );
    let pods = world.roll(host, change);
    world.each(&pods, |pod| {
        let end = End { code: 128, reason: "StartError", message: &message };
        let name = main(pod);
        let mut said = crashes(pod, &end);
        // Of what never ran nothing was started, and its start has no time.
        said.retain(|it| it.reason() != "Started");
        super::states::never_ran(pod);
        said.push(Said::warns("Failed", format!("Error: {message}")).of(&name));
        said
    });
}

fn not_found(world: &mut World, host: &Host) {
    let change = |spec: &mut Value| spec["containers"][0]["command"] = json!(["serverd"]);
    not_started(
        world,
        host,
        change,
        "error during container init: exec: \"serverd\": executable file not found in $PATH: unknown",
    );
}

fn no_such_file(world: &mut World, host: &Host) {
    let change = |spec: &mut Value| spec["containers"][0]["command"] = json!(["/opt/app/bin/start"]);
    let why =
        "error during container init: exec: \"/opt/app/bin/start\": stat /opt/app/bin/start: no such file or directory: unknown";
    not_started(world, host, change, why);
}

fn not_executable(world: &mut World, host: &Host) {
    let change = |spec: &mut Value| spec["containers"][0]["command"] = json!(["/scripts/run.sh"]);
    not_started(world, host, change, "error during container init: exec: \"/scripts/run.sh\": permission denied: unknown");
}

fn tiny_limit(world: &mut World, host: &Host) {
    let change = |spec: &mut Value| {
        spec["containers"][0]["resources"] = json!({"limits": {"memory": "4Mi"}, "requests": {"memory": "4Mi"}});
    };
    not_started(world, host, change, "container init was OOM-killed (memory limit too low?): unknown");
}

fn name_reserved(world: &mut World, host: &Host) {
    let pods = world.roll(host, |_| {});
    world.each(&pods, |pod| {
        let name = main(pod);
        let reserved = format!(
            "{name}_{}_{}_{}_0",
            text(pod, "/metadata/name"),
            text(pod, "/metadata/namespace"),
            text(pod, "/metadata/uid")
        );
        let why =
            format!("failed to reserve container name \"{reserved}\": name \"{reserved}\" is reserved for \"6d2a7b1f0c9e4f35\"");
        waits(pod, "CreateContainerError", &why);
        vec![Said::warns("Failed", format!("Error: {why}")).of(&name)]
    });
}

fn post_start(world: &mut World, host: &Host) {
    let hook = json!({"postStart": {"exec": {"command": ["/bin/register"]}}});
    let pods = world.roll(host, |spec| spec["containers"][0]["lifecycle"] = hook.clone());
    world.each(&pods, |pod| {
        let name = main(pod);
        let mut said = crashes(pod, &End { code: 137, reason: "Error", message: "" });
        said.push(Said::warns("FailedPostStartHook", "PostStartHook failed").of(&name));
        said.push(Said::tells("Killing", "FailedPostStartHook").of(&name));
        said
    });
}

/// The volumes of the pod cannot be mounted.
fn not_mounted(world: &mut World, host: &Host, volume: Value, why: &str) {
    let name = text(&volume, "/name").to_owned();
    let mount = json!({"name": name, "mountPath": "/etc/extra"});
    let pods = world.roll(host, |spec| {
        add(&mut spec["volumes"], volume.clone());
        add(&mut spec["containers"][0]["volumeMounts"], mount.clone());
    });
    world.each(&pods, |pod| {
        is_creating(pod);
        let message = format!("MountVolume.SetUp failed for volume \"{name}\" : {why}");
        let late = format!("Unable to attach or mount volumes: unmounted volumes=[{name}], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition");
        vec![Said::warns("FailedMount", late), Said::warns("FailedMount", message)]
    });
}

fn mount_config_map(world: &mut World, host: &Host) {
    let missing = format!("{}-files", host.name);
    not_mounted(
        world,
        host,
        json!({"name": "files", "configMap": {"name": missing}}),
        &format!("configmap \"{missing}\" not found"),
    );
}

fn mount_secret(world: &mut World, host: &Host) {
    let missing = format!("{}-tls", host.name);
    not_mounted(
        world,
        host,
        json!({"name": "tls", "secret": {"secretName": missing}}),
        &format!("secret \"{missing}\" not found"),
    );
}

fn host_path(world: &mut World, host: &Host) {
    let volume = json!({"name": "socket", "hostPath": {"path": "/var/run/docker.sock", "type": "Socket"}});
    not_mounted(world, host, volume, "hostPath type check failed: /var/run/docker.sock is not a socket file");
}

fn secrets_store(world: &mut World, host: &Host) {
    let class = format!("{}-secrets", host.name);
    let volume = json!({"name": "vault", "csi": {"driver": "secrets-store.csi.k8s.io", "readOnly": true, "volumeAttributes": {"secretProviderClass": class}}});
    let why = format!(
        "rpc error: code = Unknown desc = failed to get secretproviderclass {}/{class}, error: SecretProviderClass.secrets-store.csi.x-k8s.io \"{class}\" not found",
        host.namespace
    );
    not_mounted(world, host, volume, &why);
}

/// The sandbox of the pod cannot be made.
fn no_sandbox(world: &mut World, host: &Host, change: impl Fn(&mut Value), why: &str) {
    let pods = world.roll(host, change);
    world.each(&pods, |pod| {
        is_creating(pod);
        vec![Said::warns(
            "FailedCreatePodSandBox",
            format!("Failed to create pod sandbox: rpc error: code = Unknown desc = {why}"),
        )]
    });
}

fn pause_image(world: &mut World, host: &Host) {
    let pause = "602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/pause:3.5";
    let why = format!(
        "failed to get sandbox image \"{pause}\": failed to pull image \"{pause}\": failed to pull and unpack image \"{pause}\": failed to resolve reference \"{pause}\": unexpected status from HEAD request to https://602401143452.dkr.ecr.us-east-1.amazonaws.com/v2/eks/pause/manifests/3.5: 401 Unauthorized"
    );
    no_sandbox(world, host, |_| {}, &why);
}

fn runtime_class(world: &mut World, host: &Host) {
    let why = "failed to get sandbox runtime: no runtime for \"gvisor\" is configured";
    no_sandbox(world, host, |spec| spec["runtimeClassName"] = "gvisor".into(), why);
}

const SANDBOX: &str =
    "failed to setup network for sandbox \"8c3f1a6d0b7e\": plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: ";

fn no_address(world: &mut World, host: &Host) {
    no_sandbox(world, host, |_| {}, &format!("{SANDBOX}failed to assign an IP address to container"));
}

fn no_ipamd(world: &mut World, host: &Host) {
    let why = "Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: dial tcp 127.0.0.1:50051: connect: connection refused\"";
    no_sandbox(world, host, |_| {}, &format!("{SANDBOX}{why}"));
}

fn out_of_cpu(world: &mut World, host: &Host) {
    turned_away(
        world,
        host,
        "OutOfcpu",
        "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1310, capacity: 1930",
    );
}

fn unexpected(world: &mut World, host: &Host) {
    let why = "Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected";
    turned_away(world, host, "UnexpectedAdmissionError", why);
}

/// The kubelet does not take a pod that was given to it.
fn turned_away(world: &mut World, host: &Host, reason: &'static str, message: &str) {
    let pods = world.roll(host, |_| {});
    world.each(&pods, |pod| {
        fails_whole(pod, reason, message);
        vec![Said::warns(reason, message.trim_start_matches("Pod was rejected: "))]
    });
}
