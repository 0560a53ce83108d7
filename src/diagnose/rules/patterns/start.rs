//! Containers that cannot be started and pods that a kubelet turns away.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::new("image-pull-secret-missing", Severity::High, On::Event(&["FailedToRetrieveImagePullSecret"]), r"Unable to retrieve some image pull secrets \(([^)]*)\)", "The image pull secrets {1} do not exist in the pod's namespace.")
        .fix(Risk::Low, "Create the secret, of type `kubernetes.io/dockerconfigjson`, in the namespace of the pod")
        .at(Depth::Container, 6)
        .like("Unable to retrieve some image pull secrets (regcred); attempting to pull the image may not succeed.", "Back-off pulling image"),
    Pattern::new("config-key-missing", Severity::High, On::Waiting, r"couldn't find key (\S+) in (Secret|ConfigMap) ([^\s,]+)", "{2} `{3}` has no key `{1}`, which {what} takes its environment from.")
        .fix(Risk::Low, "Add the key, correct its name in the pod template, or mark the reference `optional: true`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("CreateContainerConfigError: couldn't find key DB_HOST in ConfigMap shop/settings", "CreateContainerConfigError: secret \"db\" not found"),
    Pattern::new("config-run-as-non-root", Severity::Medium, On::Waiting, r"(container has runAsNonRoot and image (?:will run as root|has non-numeric user \([^)]*\)[^(]*)|container's runAsUser breaks non-root policy)", "{what} may not run as root and its image does ({1}).")
        .fix(Risk::Low, "Set a numeric `securityContext.runAsUser`, or give the image a numeric USER")
        .sure(Confidence::Certain)
        .at(Depth::Container, 9)
        .like("CreateContainerConfigError: container has runAsNonRoot and image will run as root (pod: \"web-1_shop(u1)\", container: main)", ""),
    Pattern::new("config-subpath", Severity::Medium, On::Waiting, r#"(?:failed to prepare subPath for volumeMount "([^"]+)"|Are you trying to mount a directory onto a file)"#, "The `subPath` of volume mount `{1}` of {what} does not fit what the volume holds.")
        .fix(Risk::Low, "Check that the key or file exists and that a file is mounted on a file")
        .at(Depth::Container, 8)
        .like("CreateContainerConfigError: failed to prepare subPath for volumeMount \"config\" of container \"main\"", ""),
    Pattern::new("config-subpath", Severity::Medium, On::Waiting, r#"error mounting "[^"]*/volume-subpaths/([^/"]+)/[^"]*" to rootfs at "([^"]+)".*not a directory"#, "The `subPath` of volume `{1}` does not fit what {what} has at `{2}`: of a file and a directory neither can be mounted on the other.")
        .fix(Risk::Low, "Check that the volume has the key or file that `subPath` names: of one that is missing a directory is made")
        .sure(Confidence::Certain)
        .at(Depth::Container, 9)
        .like("StartError: failed to create containerd task: error mounting \"/var/lib/kubelet/pods/u1/volume-subpaths/settings/main/0\" to rootfs at \"/etc/app.yaml\": mount src=/x, dst=/etc/app.yaml, flags=0x5001: not a directory: unknown", "StartError: error mounting \"/var/lib/kubelet/pods/u1/volumes/data\" to rootfs at \"/data\": permission denied"),
    Pattern::new("entrypoint-not-executable", Severity::Medium, On::Waiting, r#"exec: "([^"]+)": permission denied"#, "`{1}`, the command of {what}, may not be executed.")
        .fix(Risk::Low, "Make it executable in the image (`chmod +x`); from a ConfigMap set `defaultMode: 0755`")
        .sure(Confidence::Certain)
        .at(Depth::Container, 9)
        .like("RunContainerError: failed to create containerd task: exec: \"/run.sh\": permission denied: unknown", ""),
    Pattern::new("container-cgroup-memory-too-small", Severity::Medium, On::Waiting, r"container init was OOM-killed|memory limit too low", "The memory limit of {what} is too small to even start a process.")
        .fix(Risk::Medium, "Raise the memory limit to at least some tens of MiB")
        .sure(Confidence::Certain)
        .at(Depth::Container, 9)
        .like("StartError: failed to create containerd task: runc create failed: unable to start container process: container init was OOM-killed (memory limit too low?)", ""),
    Pattern::new("container-create-failed", Severity::High, On::Waiting, r"^CreateContainerError: (.+)", "The runtime cannot create {what}: {1}.")
        .fix(Risk::Low, "Correct what the message names; a reserved name or a timeout means that the runtime of the node is overloaded or stuck")
        .at(Depth::Container, 6)
        .like("CreateContainerError: failed to reserve container name main_web-1_shop_u1_0: name is reserved for 3f2a", "CreateContainerConfigError: secret \"db\" not found"),
    Pattern::new("poststart-hook-failed", Severity::Medium, On::Event(&["FailedPostStartHook"]), r"(\S(?s:.*))", "The postStart hook of {what} fails, so it is killed: {1}.")
        .fix(Risk::Low, "Correct the hook; it runs beside the process and may come before it is ready")
        .at(Depth::Container, 8)
        .like("PostStartHook failed: command '/bin/init' exited with 1", ""),
    Pattern::new("prestop-hook-failed", Severity::Low, On::Event(&["FailedPreStopHook"]), r"(\S(?s:.*))", "The preStop hook of {what} fails: {1}.")
        .fix(Risk::Low, "Correct the hook; until then the container ends without what the hook should do")
        .at(Depth::Target, 2)
        .like("PreStopHook failed", ""),
    Pattern::new("device-or-runtimeclass-missing", Severity::Medium, On::Event(&["FailedCreatePodSandBox"]), r#"no runtime for "([^"]+)" is configured"#, "The node has no runtime `{1}`, which the RuntimeClass of the pod asks for.")
        .fix(Risk::Low, "Run the pod on nodes that have the runtime, or correct the handler of the RuntimeClass")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Failed to create pod sandbox: rpc error: code = Unknown desc = failed to get sandbox runtime: no runtime for \"gvisor\" is configured", ""),
    Pattern::new("sandbox-image-pull", Severity::High, On::Event(&["FailedCreatePodSandBox"]), r#"failed to get sandbox image "([^"]+)""#, "The node cannot pull the pause image `{1}`, so that no pod starts on it.")
        .fix(Risk::Low, "Give the node access to ECR, or replace it by one of a recent EKS AMI, which brings the image")
        .at(Depth::Reference, 9)
        .like("Failed to create pod sandbox: failed to get sandbox image \"602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/pause:3.5\": failed to pull image", "failed to setup network for sandbox \"ab\""),
    Pattern::new("pod-admission-out-of", Severity::High, On::Pod, r"^OutOf(\S+): (.*)", "The kubelet turned the pod away for want of {1}: {2}")
        .fix(Risk::Low, "Remove `spec.nodeName`, so that the scheduler chooses a node with room, and delete the failed pods")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 9)
        .like("OutOfcpu: Pod was rejected: Node didn't have enough resource: cpu, requested: 2000, used: 1500, capacity: 1930.", "Evicted: The node was low on resource: memory."),
    Pattern::new("pod-admission-node-affinity", Severity::Medium, On::Pod, r"^NodeAffinity: (.*)", "The kubelet turned the pod away: the node no longer fits its node affinity ({1}).")
        .fix(Risk::Low, "Restore the label of the node, or delete the pod so that it is made anew elsewhere")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 8)
        .like("NodeAffinity: Pod was rejected: Predicate NodeAffinity failed", ""),
    Pattern::new("pod-admission-unexpected", Severity::High, On::Pod, r"^UnexpectedAdmissionError: (.*)", "The kubelet turned the pod away: {1}.")
        .fix(Risk::None, "Look at the device plugin of the node that the message names, then delete the failed pods")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 8)
        .like("UnexpectedAdmissionError: Pod was rejected: Allocate failed due to no healthy devices present; cannot allocate unhealthy devices nvidia.com/gpu, which is unexpected", "OutOfcpu: Pod was rejected"),
    Pattern::new("pod-admission-topology", Severity::Medium, On::Pod, r"^TopologyAffinityError: (.*)", "The node cannot align the resources of the pod with one NUMA node ({1}).")
        .fix(Risk::Low, "Use larger nodes, smaller requests, or another topology manager policy")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 8)
        .like("TopologyAffinityError: Resources cannot be allocated with Topology locality", ""),
    Pattern::new("pod-admission-other", Severity::Medium, On::Pod, r"^(SysctlForbidden|AppArmor|PodOSNotSupported|PodOSSelectorNodeLabelDoesNotMatch|SupplementalGroupsPolicyNotSupported|InitContainerRestartPolicyForbidden|VolumeAttachmentLimitExceeded|PodLevelResourcesNotSupported|NodeShutdown|Terminated): (.*)", "The kubelet turned the pod away ({1}): {2}.")
        .fix(Risk::Low, "Change what the message names, or use a node that allows it")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 7)
        .like("SysctlForbidden: Pod was rejected: forbidden sysctl: \"net.core.somaxconn\" not allowlisted", ""),
    Pattern::new("pod-evicted-memory", Severity::High, On::Pod, r"(?s)^Evicted: .*(?:low on resource: memory|MemoryPressure)(.*)", "The pod was evicted because its node ran out of memory{1}")
        .fix(Risk::Low, "Set memory requests near to what is used, and find the pods without limits that use most")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("Evicted: The node was low on resource: memory. Threshold quantity: 100Mi, available: 80Mi. Container main was using 2Gi, request is 0, has larger consumption of memory. ", "Evicted: The node was low on resource: ephemeral-storage."),
    Pattern::new("pod-evicted-disk", Severity::High, On::Pod, r"(?s)^Evicted: .*(?:low on resource: (?:ephemeral-storage|inodes)|DiskPressure)(.*)", "The pod was evicted because the disk of its node ran full{1}")
        .fix(Risk::Low, "Give nodes a larger root volume, limit `ephemeral-storage`, and find what fills the disk: logs, emptyDir, images")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("Evicted: The node was low on resource: ephemeral-storage. Threshold quantity: 2Gi, available: 1Gi. ", "Evicted: The node was low on resource: memory."),
    Pattern::new("pod-evicted-pid", Severity::High, On::Pod, r"(?s)^Evicted: .*(?:low on resource: pids|PIDPressure)(.*)", "The pod was evicted because its node ran out of process ids{1}")
        .fix(Risk::Low, "Find the pod that starts so many processes, and limit pids for pods")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("Evicted: The node was low on resource: pids. Threshold quantity: 1, available: 0. ", "Evicted: The node was low on resource: memory."),
    Pattern::new("emptydir-limit", Severity::Medium, On::Pod, r#"(?s)^Evicted: .*Usage of EmptyDir volume "([^"]+)" exceeds the limit "([^"]+)""#, "The pod was evicted: its emptyDir volume `{1}` holds more than its limit of {2}.")
        .fix(Risk::Low, "Raise `sizeLimit`, or write less to the volume")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Evicted: Usage of EmptyDir volume \"cache\" exceeds the limit \"1Gi\". ", ""),
    Pattern::new("pod-evicted-limit", Severity::Medium, On::Pod, r"(?s)^Evicted: .*(Container \S+ exceeded its local ephemeral storage limit \S+|Pod ephemeral local storage usage exceeds the total limit of containers [^ ]+)", "The pod was evicted: {1}.")
        .fix(Risk::Low, "Raise the `ephemeral-storage` limit, or write less to the container's disk")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Evicted: Container main exceeded its local ephemeral storage limit \"1Gi\". ", ""),
    Pattern::new("job-deadline", Severity::Medium, On::Pod, r"^DeadlineExceeded: (.*)", "The pod was ended because it ran longer than it may: {1}.")
        .fix(Risk::Low, "Raise `activeDeadlineSeconds`, or find why the work takes so long")
        .sure(Confidence::Certain)
        .at(Depth::Pod, 8)
        .like("DeadlineExceeded: Pod was active on the node longer than the specified deadline", ""),
    Pattern::new("readiness-gate-pending", Severity::Medium, On::Condition(""), r"^(Target\.\w+|Elb\.\w+): (.*)", "The pod waits for its target of the load balancer: {1} ({2}).")
        .fix(Risk::Low, "Correct the health check path or the security group that keeps the load balancer from the pod")
        .at(Depth::Reference, 8)
        .like("Target.FailedHealthChecks: Health checks failed", ""),
];
