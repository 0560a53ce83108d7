//! Pods that find no node, as Karpenter, Cluster Autoscaler, Fargate and the scheduler tell it.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

const SCHEDULING: On = On::Event(&["FailedScheduling"]);

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::new("karpenter-incompatible-requirements", Severity::High, SCHEDULING, r#"incompatible (?:with nodepool "([^"]+)".*?, incompatible )?requirements, key ([^\s,]+), (\S+ (?:NotIn|In|Exists|DoesNotExist|Gt|Lt|Gte|Lte)\b[^;]*?) not in (\S+ (?:NotIn|In|Exists|DoesNotExist|Gt|Lt|Gte|Lte)\b(?: (?:\[[^\]]*\]|\d+))?)"#, "No NodePool can make a node for the pod (`{1}`): of `{2}` the pod asks for {3}, and the NodePool offers {4}.")
        .fix(Risk::Low, "Correct the node selector or affinity of the pod, or let the requirements of a NodePool take the value")
        .at(Depth::Pod, 9)
        .like(r#"Failed to schedule pod, incompatible with nodepool "default", daemonset overhead={"cpu":"150m","pods":"3"}, incompatible requirements, key karpenter.sh/capacity-type, karpenter.sh/capacity-type In [spot] not in karpenter.sh/capacity-type In [on-demand]"#, r#"incompatible with nodepool "default", incompatible requirements, label "team" does not have known values"#),
    Pattern::new("karpenter-incompatible-requirements", Severity::High, SCHEDULING, r#"incompatible (?:with nodepool "([^"]+)".*?, )?(?:requirements, )?(label "[^"]+" does not have known values(?: \(typo of "[^"]+"\?\))?|key [^,;]+ not in [^;]+|did not tolerate [^;]+)"#, "No NodePool can make a node for the pod: NodePool `{1}` is incompatible ({2}).")
        .fix(Risk::Low, "Add the label, requirement or toleration to the pod, or offer it in the template of a NodePool")
        .at(Depth::Pod, 8)
        .like(r#"Failed to schedule pod, incompatible with nodepool "default", daemonset overhead={"cpu":"150m"}, incompatible requirements, label "team" does not have known values"#, "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector."),
    Pattern::new("karpenter-no-instance-type", Severity::High, SCHEDULING, r"no instance type (?:satisfied resources (\{[^}]*\})|met the scheduling requirements or had a required offering|(?:.*which )?(?:had|has) enough resources(?:, requirements=([^;]*))?)", "Karpenter knows no instance type that fits the pod ({1}{2}).")
        .fix(Risk::Low, "Lower the requests of the pod, or widen the instance types, zones and capacity types of the NodePool")
        .at(Depth::Pod, 8)
        .like(r#"Failed to schedule pod, incompatible with nodepool "default", no instance type satisfied resources {"cpu":"200","pods":"1"} and requirements karpenter.sh/capacity-type In [on-demand]"#, "no instance profile was found"),
    Pattern::new("karpenter-limits-exceeded", Severity::High, SCHEDULING, r#"(?:all available instance types exceed limits for nodepool|node limits have been exhausted for nodepool)[: ]*"?([\w.-]*)"?"#, "The limits of NodePool `{1}` are used up, so Karpenter makes no further node.")
        .fix(Risk::Low, "Raise `spec.limits` of the NodePool, or free nodes of it")
        .at(Depth::Pod, 9)
        .like(r#"Failed to schedule pod, all available instance types exceed limits for nodepool: "batch""#, "no instance type satisfied resources"),
    Pattern::new("karpenter-insufficient-capacity", Severity::High, On::Event(&["InsufficientCapacityError", "LaunchFailed"]), r"(?i)(InsufficientInstanceCapacity|insufficient capacity|UnfulfillableCapacity|MaxSpotInstanceCountExceeded|VcpuLimitExceeded|InsufficientFreeAddressesInSubnet)", "EC2 does not give the instance that the NodeClaim asks for ({1}).")
        .fix(Risk::Low, "Allow more instance types, zones and capacity types; for `VcpuLimitExceeded` raise the service quota, for addresses use a larger subnet")
        .like("NodeClaim default-8q2xz event: creating instance, insufficient capacity, InsufficientInstanceCapacity", "NodeClaim was disrupted"),
    Pattern::new("karpenter-insufficient-capacity", Severity::High, On::Condition("Launched"), r"(?i)(InsufficientInstanceCapacity|insufficient capacity|UnfulfillableCapacity|MaxSpotInstanceCountExceeded|VcpuLimitExceeded|InsufficientFreeAddressesInSubnet)", "EC2 does not give the instance that {what} asks for ({1}).")
        .fix(Risk::Low, "Allow more instance types, zones and capacity types; for `VcpuLimitExceeded` raise the service quota, for addresses use a larger subnet")
        .like("LaunchFailed: creating instance, VcpuLimitExceeded: You have requested more vCPU capacity than your current vCPU limit", "Launched: "),
    Pattern::new("karpenter-nodeclass-not-ready", Severity::Critical, On::Condition(""), r"^(SubnetsNotFound|SecurityGroupsNotFound|AMINotFound|UnsupportedAlias|NodeClassNotFound|NodeClassTerminating|NodeClassNotReady|CreateFleetAuthCheckFailed|RunInstancesAuthCheckFailed|CreateLaunchTemplateAuthCheckFailed|TagValidationFailed|UserDataSizeLimitExceeded|InvalidKubeletConfiguration): (.*)", "{what} cannot be used to make nodes: {1} ({2}).")
        .fix(Risk::Low, "Correct the selectors, tags, AMI alias or IAM permissions that the node class names")
        .sure(Confidence::Certain)
        .like("SubnetsNotFound: SubnetSelector did not match any Subnets", "NodeRegistrationHealthy: "),
    Pattern::new("karpenter-nodepool-invalid", Severity::High, On::Condition("ValidationSucceeded"), r"^NodePoolValidationFailed: (.*)", "{what} is invalid: {1}.")
        .fix(Risk::Low, "Correct the field that the message names")
        .sure(Confidence::Certain)
        .like("NodePoolValidationFailed: invalid requirement", "Ready: ok"),
    Pattern::new("karpenter-node-not-registered", Severity::High, On::Condition("Registered"), r"^(NodeNotFound|RegistrationFailed): (.*)", "The instance of {what} was launched, but its kubelet never joined the cluster ({1}).")
        .fix(Risk::None, "Look at the console output of the instance, the access entry of its role and its way to the endpoint")
        .like("NodeNotFound: Node not registered with cluster", "Registered: node is there"),
    Pattern::new("karpenter-node-not-initialized", Severity::Medium, On::Condition("Initialized"), r"^(NodeNotReady|StartupTaintsExist|KnownEphemeralTaintsExist|ResourceNotRegistered|DRADriverPoolsNotPublished): (.*)", "The node of {what} is not ready to be used: {1} ({2}).")
        .fix(Risk::Low, "Find the agent that should remove the taint or register the resource")
        .like(r#"StartupTaintsExist: StartupTaint "node.cilium.io/agent-not-ready" still exists"#, ""),
    Pattern::new("autoscaler-not-triggered", Severity::Medium, On::Event(&["NotTriggerScaleUp"]), r"pod didn't trigger scale-up[^:]*: (.*)", "Cluster Autoscaler adds no node for the pod: {1}.")
        .fix(Risk::Low, "Raise the maximum size of the node group, or make one whose nodes the pod accepts")
        .at(Depth::Pod, 3)
        .like("pod didn't trigger scale-up: 2 max node group size reached", ""),
    Pattern::new("autoscaler-scale-up-failed", Severity::High, On::Event(&["FailedScaleUp", "ScaleUpTimedOut", "FailedToScaleUpGroup"]), r"(\S(?s:.*))", "The node group could not be made larger: {1}.")
        .fix(Risk::Low, "Allow more instance types and zones, raise the quota, or correct the launch template")
        .at(Depth::Reference, 6)
        .like("Scale-up failed for group eks-batch: InsufficientInstanceCapacity", "\n"),
    Pattern::new("fargate-profile-blocked", Severity::High, SCHEDULING, r"Misconfigured Fargate Profile: (?:fargate profile )?(\S+) blocked for new launches due to: (.*)", "Fargate profile `{1}` starts no pods: {2}")
        .fix(Risk::Low, "Create an access entry of type FARGATE_LINUX for the pod execution role, then recreate the pod")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Misconfigured Fargate Profile: fargate profile fp-default blocked for new launches due to: Pod execution role is not found in auth config or does not have all required permissions for launching fargate pods.", "Pod provisioning timed out (will retry)"),
    Pattern::new("fargate-provisioning-timeout", Severity::High, SCHEDULING, r"Pod provisioning timed out", "Fargate could not start the pod in time; most often its subnet has no way to the cluster endpoint, ECR or STS.")
        .fix(Risk::Low, "Give the private subnets a NAT gateway or VPC endpoints for ECR, STS and logs, and check the cluster security group")
        .at(Depth::Reference, 7)
        .like("Pod provisioning timed out (will retry) for pod: shop/web-1", "Misconfigured Fargate Profile"),
    Pattern::new("pod-preempted", Severity::Medium, On::Event(&["Preempted"]), r"Preempted by (?:a )?pod (\S+)", "The pod was displaced by a pod of higher priority ({1}).")
        .fix(Risk::Low, "Give the workload a PriorityClass of its own, and do not make a broad class the default")
        .at(Depth::Pod, 7)
        .like("Preempted by pod 6f1a2b3c on node ip-10-0-1-2.ec2.internal", ""),
    Pattern::new("sched-no-nodes", Severity::Critical, SCHEDULING, r"(no nodes available to schedule pods|0/0 nodes are available)", "The cluster has no nodes.")
        .fix(Risk::Low, "Add a node group or a NodePool; a group may have been scaled to zero, or its nodes failed to join")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("no nodes available to schedule pods", "0/3 nodes are available: 3 Insufficient cpu."),
    Pattern::new("sched-gated", Severity::Info, On::Condition("PodScheduled"), r"^SchedulingGated: (.*)", "The pod is held back by a scheduling gate until its owner admits it ({1}).")
        .fix(Risk::None, "Look at the queue or controller that set the gate")
        .at(Depth::Pod, 8)
        .sure(Confidence::Certain)
        .like("SchedulingGated: Scheduling is blocked due to non-empty scheduling gates", ""),
    Pattern::new("pvc-provisioning-slow-or-failed", Severity::Medium, SCHEDULING, r#"running PreBind plugin "VolumeBinding": (.*)"#, "The volume of the pod could not be provisioned in time: {1}.")
        .fix(Risk::None, "Look at the events of the PersistentVolumeClaim")
        .at(Depth::Pod, 6)
        .like(r#"running PreBind plugin "VolumeBinding": binding volumes: timed out waiting for the condition"#, ""),
];
