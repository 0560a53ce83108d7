//! Pod network, load balancers and Ingress, as their controllers tell it.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

const SANDBOX: On = On::Event(&["FailedCreatePodSandBox"]);
const BUILD: On =
    On::Event(&["FailedBuildModel", "FailedDeployModel", "FailedReconcile", "FailedNetworkReconcile", "BackendNotFound"]);

pub(super) const PATTERNS: &[Pattern] = &[
    Pattern::new("cni-ip-exhausted", Severity::High, SANDBOX, r"failed to assign an IP address to container", "The VPC CNI has no free address for the pod: the subnet has none left, or the node is at the limit of its interfaces.")
        .fix(Risk::Low, "Use larger subnets or custom networking with a secondary CIDR, prefix delegation, or fewer pods on the node")
        .sure(Confidence::Medium)
        .at(Depth::Reference, 8)
        .like("Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"ab\": plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to assign an IP address to container", "plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to setup network policy"),
    Pattern::new("cni-ipamd-down", Severity::Critical, SANDBOX, r"(?:127\.0\.0\.1:50051: connect: connection refused|failed to connect to backend server)", "The VPC CNI's daemon on the node does not answer: its `aws-node` pod is down.")
        .fix(Risk::Low, "Look at the `aws-node` pod of that node: IAM, its way to the API server, CPU, image")
        .at(Depth::Reference, 9)
        .like("add cmd: Error received from AddNetwork gRPC call: rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing dial tcp 127.0.0.1:50051: connect: connection refused\"", "failed to assign an IP address to container"),
    Pattern::new("cni-network-policy-agent", Severity::Medium, SANDBOX, r"add cmd: failed to setup network policy", "The network policy agent of the VPC CNI does not set up the pod.")
        .fix(Risk::Low, "Look at the container `aws-eks-nodeagent` of the `aws-node` pod on the node")
        .at(Depth::Reference, 8)
        .like("plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to setup network policy", ""),
    Pattern::new("cni-plugin-binary", Severity::High, SANDBOX, r#"(failed to find plugin "[^"]+" in path \[[^\]]*\]|incompatible CNI versions)"#, "The CNI plugin is not there on the node: {1}.")
        .fix(Risk::Low, "Reinstall the CNI add-on; another configuration in /etc/cni/net.d may come first")
        .at(Depth::Reference, 9)
        .like("Failed to create pod sandbox: failed to find plugin \"aws-cni\" in path [/opt/cni/bin]", "failed to connect to backend server"),
    Pattern::new("cni-chaining-timeout", Severity::Medium, SANDBOX, r#"plugin type="(cilium-cni|calico|multus)[^"]*".*?failed[^:]*: (.*)"#, "The CNI plugin `{1}` fails: {2}.")
        .fix(Risk::Low, "Look at its DaemonSet pod on the node")
        .at(Depth::Reference, 7)
        .like("plugin type=\"cilium-cni\" failed (add): unable to connect to Cilium agent: failed to create cilium agent client", ""),
    Pattern::new("cni-iam", Severity::Critical, On::Event(&["MissingIAMPermissions"]), r"failed to call (\S+) due to missing permissions", "The VPC CNI may not call `{1}`.")
        .fix(Risk::Low, "Give the role of `aws-node` the policy `AmazonEKS_CNI_Policy`")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Unauthorized operation: failed to call ec2:AssignPrivateIpAddresses due to missing permissions. Please refer to the documentation", "Node is not ready"),
    Pattern::new("sgpp-allocation-failed", Severity::High, On::Event(&["BranchAllocationFailed", "BranchENIAnnotationFailed"]), r"failed to allocate branch ENI to pod: (.*)", "No branch interface can be had for the pod's security groups: {1}.")
        .fix(Risk::Low, "Correct the security group ids of the SecurityGroupPolicy, or free addresses in the subnet")
        .at(Depth::Reference, 9)
        .like("failed to allocate branch ENI to pod: creating network interface, InvalidGroup.NotFound", "failed to assign an IP address to container"),
    Pattern::new("eniconfig-missing", Severity::High, On::Event(&["EniConfigNameNotFound"]), r"(\S(?s:.*))", "Custom networking finds no ENIConfig for the node: {1}.")
        .fix(Risk::Low, "Create an ENIConfig with the name of the node's zone")
        .at(Depth::Reference, 8)
        .like("ENIConfig us-east-1c not found", "\n"),
    Pattern::new("lb-in-tree-failed", Severity::High, On::Event(&["SyncLoadBalancerFailed"]), r"(?s)Error syncing load balancer: (?:failed to ensure load balancer: )?(.*)", "The load balancer of {what} cannot be made: {1}.")
        .fix(Risk::Low, "Correct tags, permissions or quota that the message names, or let the AWS Load Balancer Controller make it")
        .at(Depth::Reference, 8)
        .like("Error syncing load balancer: failed to ensure load balancer: could not find any suitable subnets for creating the ELB", "Ensuring load balancer"),
    Pattern::new("alb-subnet-discovery", Severity::High, BUILD, r"(couldn't auto-discover subnets: [^;]+|unable to (?:resolve|discover) at least one subnet[^;]*|subnets count less than minimal required count: \S+ < \S+)", "The load balancer controller finds no subnets for {what}: {1}.")
        .fix(Risk::Low, "Tag the subnets `kubernetes.io/role/elb` or `kubernetes.io/role/internal-elb`, in two zones, each with 8 free addresses")
        .at(Depth::Reference, 9)
        .like("Failed build model due to couldn't auto-discover subnets: unable to resolve at least one subnet (0 match VPC and tags: [kubernetes.io/role/elb])", "Failed build model due to backend not found"),
    Pattern::new("alb-multiple-subnets-same-zone", Severity::Medium, BUILD, r"multiple subnets in same Availability Zone (\S+): (.*)", "Several subnets of zone {1} are tagged for the load balancer ({2}).")
        .fix(Risk::Low, "Name one subnet for each zone in the annotation, or remove a tag")
        .at(Depth::Reference, 9)
        .like("Failed build model due to multiple subnets in same Availability Zone us-east-1a: [subnet-1 subnet-2]", ""),
    Pattern::new(
        "ingress-backend-missing",
        Severity::High,
        BUILD,
        r#"services? "([^"]+)" not found"#,
        "{what} leads to Service `{1}`, which does not exist (not found).",
    )
    .fix(Risk::Low, "Create the Service, or correct its name in the Ingress")
    .at(Depth::Reference, 9)
    .like(
        "Failed build model due to ingress: shop/web: backend not found: services \"web\" not found",
        "no certificate found for host: a.example.com",
    ),
    Pattern::new(
        "ingress-backend-missing",
        Severity::High,
        BUILD,
        r"unable to find port (\S+) on service (\S+)",
        "{what} leads to port {1} of Service `{2}`, which has no such port.",
    )
    .fix(Risk::Low, "Correct the port in the Ingress or in the Service")
    .at(Depth::Reference, 9)
    .like(
        "Failed build model due to ingress: shop/web: unable to find port 8080 on service shop/web",
        "services \"web\" not found",
    ),
    Pattern::new("alb-certificate", Severity::High, BUILD, r"(no certificate found for host: \S+|CertificateNotFound[^;]*)", "{what} has no certificate: {1}.")
        .fix(Risk::Low, "Import or request the certificate in ACM in the Region of the load balancer, or name its ARN in the annotation")
        .at(Depth::Reference, 9)
        .like("Failed build model due to ingress: shop/web: no certificate found for host: a.example.com", "services \"web\" not found"),
    Pattern::new("alb-iam", Severity::High, BUILD, r"(not authorized to perform: [\w-]+:\w+|UnauthorizedOperation|WebIdentityErr|AccessDenied)", "The load balancer controller may not do its work: {1}.")
        .fix(Risk::Low, "Update the controller's IAM policy to its version, or correct its role")
        .at(Depth::Reference, 8)
        .like("Failed deploy model due to AccessDenied: User: arn:aws:sts::111122223333:assumed-role/lbc/1 is not authorized to perform: elasticloadbalancing:AddTags", "multiple subnets in same Availability Zone us-east-1a: []"),
    Pattern::new("alb-multiple-cluster-sg", Severity::High, On::Event(&[]), r"expect(?:ed)? exactly one securityGroup tagged with (\S+) for eni (\S+), got: (.*)", "Interface {2} has not exactly one security group tagged {1} (it has {3}), so that targets get no traffic.")
        .fix(Risk::Low, "Leave the tag on one security group of the node only")
        .at(Depth::Reference, 9)
        .like("expected exactly one securityGroup tagged with kubernetes.io/cluster/prod for eni eni-1, got: [sg-1 sg-2]", "no certificate found for host: a"),
    Pattern::new("alb-conflicting-group", Severity::Medium, BUILD, r"(conflicting \w+[^;]*|deletion_protection is enabled, cannot delete the ingress[^;]*)", "The Ingresses of one group contradict each other: {1}.")
        .fix(Risk::Low, "Give all Ingresses of the group the same settings")
        .at(Depth::Reference, 8)
        .like("Failed build model due to conflicting scheme: map[internal:{} internet-facing:{}]", ""),
    Pattern::new("alb-instance-target-clusterip", Severity::Medium, BUILD, r"(?:TargetGroup port is empty|service type must be either 'NodePort' or 'LoadBalancer')", "{what} uses instance targets, for which its Service must be of type NodePort or LoadBalancer.")
        .fix(Risk::Low, "Set `alb.ingress.kubernetes.io/target-type: ip`, or change the type of the Service")
        .sure(Confidence::Certain)
        .at(Depth::Reference, 9)
        .like("Failed build model due to ingress: shop/web: service type must be either 'NodePort' or 'LoadBalancer': web", ""),
    Pattern::new("alb-quota", Severity::Medium, BUILD, r"(TooMany(?:LoadBalancers|TargetGroups|Rules|Certificates|Targets)\w*)", "A quota of Elastic Load Balancing is reached ({1}).")
        .fix(Risk::Low, "Raise the quota, or share load balancers with an IngressGroup")
        .at(Depth::Reference, 9)
        .like("Failed deploy model due to TooManyLoadBalancers: The maximum number of load balancers has been reached", ""),
    Pattern::new("gateway-not-accepted", Severity::High, On::Condition(""), r"^(BackendNotFound|RefNotPermitted|NoMatchingListenerHostname|NotAllowedByListeners|NoMatchingParent|InvalidKind|UnsupportedValue|InvalidParameters|AddressNotAssigned): (.*)", "{what} does not take effect: {1} ({2}).")
        .fix(Risk::Low, "Correct the reference that the message names; across namespaces add a ReferenceGrant")
        .at(Depth::Reference, 8)
        .like("BackendNotFound: Service shop/web not found", "Accepted: Route is accepted"),
    Pattern::new("svc-clusterip-exhausted", Severity::Medium, On::Event(&[]), r"failed to allocate a serviceIP: range is full", "The service CIDR of the cluster has no free address.")
        .fix(Risk::Low, "Delete Services that are not needed; the range of an EKS cluster cannot be changed")
        .at(Depth::Reference, 9)
        .like("failed to allocate a serviceIP: range is full", ""),
    Pattern::new("svc-nodeport-conflict", Severity::Medium, On::Event(&[]), r"provided port is already allocated", "The node port of {what} is taken by another Service.")
        .fix(Risk::Low, "Leave `nodePort` out, or choose another one")
        .at(Depth::Reference, 9)
        .like("spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated", ""),
    Pattern::new("network-allowance-exceeded", Severity::Medium, On::Event(&["PPSExceeded", "BandwidthInExceeded", "BandwidthOutExceeded", "ConntrackExceeded", "LinkLocalExceeded"]), r"(\S(?s:.*))", "{what} drops packets, as the allowance of its instance type is used up: {1}.")
        .fix(Risk::Low, "Use larger instances, spread the load, or NodeLocal DNSCache")
        .at(Depth::Reference, 7)
        .like("BandwidthOut exceeded", ""),
    Pattern::new("conntrack-full", Severity::High, On::Event(&["ConntrackExceededKernel"]), r"(\S(?s:.*))", "The connection table of {what} is full: {1}.")
        .fix(Risk::Low, "Raise `nf_conntrack_max`, or find what opens so many connections")
        .at(Depth::Reference, 8)
        .like("nf_conntrack: table full, dropping packet", "\n"),
    Pattern::new("node-local-route-missing", Severity::Medium, On::Event(&["MissingIPRules", "MissingIPRoutes", "MissingDefaultRoutes", "UnexpectedRejectRule", "PortConflict"]), r"(\S(?s:.*))", "The routes or rules of {what} have been changed: {1}.")
        .fix(Risk::Medium, "Replace the node, and find the agent that changes its network")
        .at(Depth::Reference, 7)
        .like("missing ip rules for pod 10.0.1.2", ""),
];
