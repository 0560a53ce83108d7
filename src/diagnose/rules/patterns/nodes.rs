//! What nodes and the node monitoring agent say of themselves.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::new("node-not-ready-unknown", Severity::Critical, On::Condition("Ready"), r"^NodeStatusUnknown: (.*)", "The kubelet of {what} stopped posting its status, so the control plane takes the node as unreachable ({1})")
        .fix(Risk::Medium, "Look at the EC2 instance: terminated, impaired, or running with a dead kubelet; replace it if it does not come back")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("NodeStatusUnknown: Kubelet stopped posting node status.", "KubeletReady: kubelet is posting ready status"),
    Pattern::new("node-never-updated", Severity::High, On::Condition("Ready"), r"^NodeStatusNeverUpdated: (.*)", "The kubelet of {what} never posted a status ({1})")
        .fix(Risk::Low, "Look at the instance's console output: its way to the endpoint, its role, its bootstrap")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("NodeStatusNeverUpdated: Kubelet never posted node status.", "NodeStatusUnknown: Kubelet stopped posting node status."),
    Pattern::new("node-cni-not-initialized", Severity::Critical, On::Condition("Ready"), r"(cni plugin not initialized|NetworkPluginNotReady[^;]*)", "{what} is not ready because its network plugin is not there ({1}).")
        .fix(Risk::Low, "Look at the `aws-node` pod of the node and at the vpc-cni add-on; hybrid nodes need Cilium or Calico")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("KubeletNotReady: container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized", "KubeletNotReady: PLEG is not healthy"),
    Pattern::new("node-runtime-down", Severity::Critical, On::Condition("Ready"), r"(container runtime is down|PLEG is not healthy[^;]*|containerd\.sock: connect: [^;]+)", "The container runtime of {what} does not work: {1}.")
        .fix(Risk::Medium, "Drain and replace the node; look at disk latency and memory of the instance")
        .at(Depth::Reference, 9)
        .like("KubeletNotReady: PLEG is not healthy: pleg was last seen active 3m5s ago; threshold is 3m0s", "KubeletNotReady: cni plugin not initialized"),
    Pattern::new("node-runtime-down", Severity::Critical, On::Condition("ContainerRuntimeReady"), r"^(\w*): (.*)", "The container runtime of {what} does not work ({1}): {2}.")
        .fix(Risk::Medium, "Drain and replace the node")
        .at(Depth::Reference, 8)
        .like("ContainerRuntimeFailed: containerd is failing", "no condition"),
    Pattern::new("node-memory-pressure", Severity::High, On::Condition("MemoryPressure"), r"^KubeletHasInsufficientMemory: ?(.*)", "{what} is short of memory and evicts pods.")
        .fix(Risk::Low, "Find the pods without limits that use most, set requests near to use, or use larger nodes")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("KubeletHasInsufficientMemory: kubelet has insufficient memory available", "KubeletHasSufficientMemory: kubelet has sufficient memory available"),
    Pattern::new("node-disk-pressure", Severity::High, On::Condition("DiskPressure"), r"^KubeletHasDiskPressure: ?(.*)", "The disk of {what} is nearly full, and it evicts pods.")
        .fix(Risk::Low, "Find what fills it (images, logs, emptyDir), or give nodes larger volumes")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("KubeletHasDiskPressure: kubelet has disk pressure", "KubeletHasNoDiskPressure: kubelet has no disk pressure"),
    Pattern::new("node-pid-pressure", Severity::High, On::Condition("PIDPressure"), r"^KubeletHasInsufficientPID: ?(.*)", "{what} is nearly out of process ids.")
        .fix(Risk::Low, "Find the pod that starts so many processes, and limit pids for pods")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 8)
        .like("KubeletHasInsufficientPID: kubelet has insufficient PID available", "KubeletHasSufficientPID: kubelet has sufficient PID available"),
    Pattern::new("node-kernel", Severity::High, On::Condition("KernelReady"), r"^(\w*): (.*)", "The kernel of {what} reports a fault ({1}): {2}.")
        .fix(Risk::Medium, "Drain and replace the node if it stays")
        .at(Depth::Reference, 8)
        .like("SoftLockup: soft lockup detected on CPU 3", "no condition"),
    Pattern::new("node-kernel", Severity::High, On::Event(&["SoftLockup", "KernelBug", "AppBlocked", "AppCrash", "ApproachingMaxOpenFiles", "LargeEnvironment", "RapidCron"]), r"(\S(?s:.*))", "The kernel of {what} reports a fault: {1}.")
        .fix(Risk::Medium, "Drain and replace the node if it stays")
        .at(Depth::Reference, 6)
        .like("soft lockup - CPU#3 stuck for 22s", "\n"),
    Pattern::new("node-storage", Severity::High, On::Condition("StorageReady"), r"^(\w*): (.*)", "The storage of {what} reports a fault ({1}): {2}.")
        .fix(Risk::Medium, "Look at EBS volume and instance limits; replace the node if it stays")
        .at(Depth::Reference, 8)
        .like("XFSSmallAverageClusterSize: XFS average cluster size is small", "no condition"),
    Pattern::new("node-networking", Severity::High, On::Condition("NetworkingReady"), r"^(\w*): (.*)", "The network of {what} reports a fault ({1}): {2}.")
        .fix(Risk::Medium, "Look at the `aws-node` pod of the node and its subnet; replace the node if it stays")
        .at(Depth::Reference, 8)
        .like("IPAMDNotRunning: IPAMD is not running", "no condition"),
    Pattern::new("gpu-nvlink-or-fabric", Severity::Critical, On::Condition("AcceleratedHardwareReady"), r"^(NvidiaNVLinkError|NvidiaFabricError|FabricManagerNotRunning)(?:: (.*))?", "The GPUs of {what} do not reach each other ({1}): {2}.")
        .fix(Risk::Medium, "Drain the node and replace the instance")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("NvidiaNVLinkError: NVLink error detected on GPU 3", "NvidiaXID79Error: GPU has fallen off the bus"),
    Pattern::new("gpu-nvlink-or-fabric", Severity::Critical, On::Event(&["NvidiaNVLinkError", "NvidiaFabricError", "FabricManagerNotRunning"]), r"(\S(?s:.*))", "The GPUs of {what} do not reach each other: {1}.")
        .fix(Risk::Medium, "Drain the node and replace the instance")
        .at(Depth::Reference, 8)
        .like("fabric manager is not running", "\n"),
    Pattern::new("gpu-device-lost", Severity::Critical, On::Condition("AcceleratedHardwareReady"), r"^(NvidiaXID\w*|NvidiaDoubleBitError|NvidiaDeviceCountMismatch|NvidiaP\w*|NvidiaT\w*|DCGM\w*): (.*)", "A GPU of {what} has failed ({1}): {2}.")
        .fix(Risk::Medium, "Drain the node; restart the instance, or replace it")
        .at(Depth::Reference, 9)
        .like("NvidiaXID79Error: GPU has fallen off the bus", "NeuronDMAError: dma error"),
    Pattern::new("neuron-device", Severity::Critical, On::Condition("AcceleratedHardwareReady"), r"^(Neuron\w*): (.*)", "A Neuron device of {what} has failed ({1}): {2}.")
        .fix(Risk::Medium, "Drain the node and replace the instance")
        .at(Depth::Reference, 9)
        .like("NeuronDMAError: dma error", "NvidiaXID79Error: GPU has fallen off the bus"),
    Pattern::new("node-clock-skew", Severity::High, On::Event(&["ClockUnsynchronized"]), r"(\S(?s:.*))", "The clock of {what} is wrong: {1}.")
        .fix(Risk::Low, "Let the node reach the time service at 169.254.169.123, or replace it")
        .at(Depth::Reference, 8)
        .like("clock is not synchronized", "\n"),
    Pattern::new("spot-interruption", Severity::Medium, On::Event(&["SpotInterrupted", "TerminatingOnInterruption", "InstanceTerminating"]), r"(\S(?s:.*))", "EC2 takes the spot instance of {what} back: {1}.")
        .fix(Risk::Low, "Spread replicas over instance types and zones, and end gracefully; this is no fault of the cluster")
        .at(Depth::Reference, 7)
        .like("Spot interruption warning was triggered", ""),
    Pattern::new("node-rebooted", Severity::Info, On::Event(&["Rebooted"]), r"Node (\S+) has been rebooted, boot id: (\S+)", "Node `{1}` was rebooted (boot id {2}), which ended everything on it.")
        .fix(Risk::None, "Look at the instance's status checks and scheduled events")
        .at(Depth::Target, 4)
        .like("Node ip-10-0-1-2.ec2.internal has been rebooted, boot id: 5f2a", ""),
    Pattern::new("kube-proxy-down", Severity::Critical, On::Event(&["KubeProxyNotReady", "KubeProxyNotRunning"]), r"(\S(?s:.*))", "kube-proxy does not work on {what}, so that Services cannot be reached from there: {1}.")
        .fix(Risk::Low, "Look at the kube-proxy pod of the node and at the version of the add-on")
        .at(Depth::Reference, 9)
        .like("kube-proxy is not ready", "\n"),
    Pattern::new("node-kubelet-cert-expired", Severity::High, On::Condition("Ready"), r"(?i)certificate (?:has )?expired|x509", "The certificate of the kubelet of {what} is no longer valid.")
        .fix(Risk::Medium, "Replace the node; nodes should not be older than their certificates")
        .at(Depth::Reference, 9)
        .like("KubeletNotReady: x509: certificate has expired or is not yet valid", "KubeletNotReady: PLEG is not healthy"),
];
