//! Managed node groups: what EKS says is wrong with them, and why instances do not become nodes.

use serde_json::Value;

use super::Rule;
use super::cluster::{is_about_cluster, issue, of_kind};
use crate::diagnose::diagnosis::{CheckArguments, Confidence, Evidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Role, Severity, evidence, field_evidence, verbatim};
use crate::domain::object::Object;
use crate::domain::text::{self, count};
use crate::domain::time;

pub(super) const RULES: &[Rule] = &[
    Rule::new("nodegroup-degraded", Severity::High, degraded),
    Rule::new("nodegroup-update-stuck", Severity::High, stuck),
    Rule::new("access-entry-node-type", Severity::High, entry).also(&[("node-join-unauthorized", Severity::Critical)]),
    Rule::new("node-join-launch-failed", Severity::High, launch).also(&[("node-join-subnet-ips", Severity::High)]),
    Rule::new("node-join-network", Severity::Critical, console)
        .also(&[("node-join-unauthorized", Severity::Critical), ("node-join-wrong-cluster-config", Severity::High)]),
];

/// Minutes after which an update that evicts nothing more is taken to hang.
const HANGS: i64 = 30;

/// Node groups that the question is about.
fn groups(facts: &Facts) -> Vec<&Object> {
    let asked = is_about_cluster(facts) || facts.subject_of(&["Nodegroup"]).is_some() || facts.is_unscheduled();
    if !asked {
        return Vec::new();
    }
    // A custom resource may have the kind, and has no Auto Scaling groups.
    of_kind(facts, "Nodegroup").filter(|it| it.get("auto_scaling_groups").is_some()).collect()
}

/// The subject as a node group of EKS.
fn own(facts: &Facts) -> Option<&Object> {
    facts.subject_of(&["Nodegroup"]).filter(|it| it.get("auto_scaling_groups").is_some())
}

/// What an issue code means, and what cures it.
fn meaning(code: &str) -> (&'static str, &'static str) {
    match code {
        "NodeCreationFailure" => (
            "its instances do not join the cluster",
            "Find out why an instance does not join: its role, its way to the endpoint, its user data",
        ),
        "NodeTerminationFailure" => {
            ("a node of it cannot be ended", "Look at finalizers and disruption budgets of the pods on that node")
        }
        "PodEvictionFailure" => (
            "pods cannot be evicted from a node that is replaced",
            "Find the PodDisruptionBudget or pod that allows no eviction; force the update only when losing them is acceptable",
        ),
        "AsgInstanceLaunchFailures" => {
            ("its Auto Scaling group cannot launch instances", "Read the last activities of the Auto Scaling group")
        }
        "InstanceLimitExceeded" => {
            ("the quota of vCPUs is reached", "Raise the quota of EC2, or use instance types of another family")
        }
        "InsufficientFreeAddresses" => (
            "its subnets have no free addresses",
            "Free addresses, or give the group subnets that have some; add a secondary CIDR",
        ),
        "AccessDenied" => (
            "its nodes are not let into the cluster, or EKS may not manage them",
            "Give the node role an access entry of type EC2_LINUX, or its line in `aws-auth`; leave the ClusterRole `eks:node-manager` alone",
        ),
        "AutoScalingGroupNotFound" => {
            ("its Auto Scaling group was deleted", "Create a new node group; EKS does not make the Auto Scaling group again")
        }
        "AutoScalingGroupInvalidConfiguration" => {
            ("its Auto Scaling group was changed by hand", "Set the Auto Scaling group back to what the node group says")
        }
        "Ec2LaunchTemplateNotFound" => {
            ("its launch template was deleted", "Create a new node group with a launch template that exists")
        }
        "Ec2LaunchTemplateVersionMismatch" => (
            "the version of its launch template was changed outside of EKS",
            "Change the template through an update of the node group only",
        ),
        "Ec2SecurityGroupNotFound" => {
            ("a security group of it does not exist", "Create the security group again, or a new node group")
        }
        "Ec2SecurityGroupDeletionFailure" => {
            ("its security group for remote access cannot be deleted", "Remove what still refers to the security group")
        }
        "Ec2SubnetNotFound" => ("subnets of it do not exist", "Create a new node group in subnets that exist"),
        "Ec2SubnetInvalidConfiguration" => (
            "its subnets give instances no public address, and the group needs one",
            "Turn on automatic public addresses of the subnets, or use private subnets with a NAT gateway",
        ),
        "Ec2SubnetMissingIpv6Assignment" => {
            ("its subnets give instances no IPv6 address", "Turn on automatic IPv6 addresses of the subnets")
        }
        "IamInstanceProfileNotFound" => {
            ("its instance profile does not exist", "Create the instance profile again under the same name")
        }
        "IamNodeRoleNotFound" => {
            ("its node role does not exist", "Create the role again under the same name with the policies of nodes")
        }
        "IamLimitExceeded" | "LimitExceeded" => ("a limit of the account is reached", "Raise the quota that the message names"),
        "AmiIdNotFound" => (
            "its AMI does not exist or is not shared with the account",
            "Give the launch template an AMI that exists in the Region",
        ),
        "Ec2InstanceTypeDoesNotExist" => {
            ("its instance type does not exist in the zones of its subnets", "Choose an instance type that the zones have")
        }
        "ClusterUnreachable" => (
            "EKS does not reach the API server to manage its nodes",
            "Look at the health of the cluster and at its webhooks first",
        ),
        "KubernetesLabelInvalid" => ("one of its labels is invalid", "Correct the labels of the node group"),
        _ => ("EKS reports an issue", "Remove the cause that the message names"),
    }
}

fn degraded(facts: &Facts) -> Vec<Finding> {
    let unwell = groups(facts).into_iter().filter(|it| {
        let status = it.text("status");
        it.list("health_issues").next().is_some() || !matches!(status, "ACTIVE" | "CREATING" | "UPDATING" | "DELETING" | "")
    });
    let found = unwell.map(|group| {
        let first = group.list("health_issues").next();
        let (code, message, ids) = first.as_ref().map(issue).unwrap_or_default();
        let (why, fix) = meaning(code);
        let told = if message.is_empty() { String::new() } else { format!(", {code}: {why}{ids}: {message}") };
        let summary = format!("Node group `{}` is {}{told}.", group.name(), group.text("status"));
        let check = CheckArguments {
            kind: Some("Nodegroup".to_owned()),
            name: Some(group.name().to_owned()),
            ..CheckArguments::default()
        };
        let finding =
            Finding::new("nodegroup-degraded", Depth::Target, Confidence::Certain, summary)
                .specific(8)
                .because(first.iter().flat_map(|it| {
                    ["message", "code"].into_iter().filter_map(|path| field_evidence(group, &it.get(path)?, None))
                }))
                .because(evidence(group, "status"))
                .link(group.address(), group.text("status"))
                .fix(Risk::Medium, fix);
        match own(facts) {
            Some(_) => finding,
            // A pod that waits for room may wait for another group.
            None if facts.is_unscheduled() => {
                finding.role(Role::Contributing).check("Why the group has no further node", "troubleshoot", check)
            }
            None => finding.check("Why the group is so", "troubleshoot", check),
        }
    });
    found.collect()
}

fn stuck(facts: &Facts) -> Vec<Finding> {
    let Some(group) = own(facts) else { return Vec::new() };
    let found = facts.aws_of("Update").filter_map(|update| {
        let minutes = update.time("created_at").map(|at| (facts.now.as_second() - at.as_second()) / 60);
        let first = update.list("errors").next();
        let (code, message, ids) = first.as_ref().map(issue).unwrap_or_default();
        let running = update.text("status") == "InProgress";
        let recent = minutes.is_none_or(|it| it < 24 * 60);
        let hangs = running && (first.is_some() || minutes.is_some_and(|it| it >= HANGS));
        let failed = update.text("status") == "Failed" && recent;
        if !hangs && !failed {
            return None;
        }
        let since = minutes.map_or_else(String::new, |it| format!(" for {}", count(usize::try_from(it).unwrap_or(0), "minute")));
        let state = if running { format!("is in progress{since} and does not get on") } else { "failed".to_owned() };
        let (why, fix) = meaning(code);
        let told = match (first.is_some(), message.is_empty()) {
            (false, _) => String::new(),
            (true, true) => format!(", {code}: {why}{ids}"),
            (true, false) => format!(", {code}: {why}{ids}: {message}"),
        };
        let summary = format!("Update {} of node group `{}` {state}{told}.", update.text("update_type"), group.name());
        Some(
            Finding::new(
                "nodegroup-update-stuck",
                Depth::Pod,
                if first.is_some() { Confidence::Certain } else { Confidence::Medium },
                summary,
            )
            .specific(8)
            .because(
                first.iter().flat_map(|it| {
                    ["message", "code"].into_iter().filter_map(|path| field_evidence(update, &it.get(path)?, None))
                }),
            )
            .because(evidence(update, "status"))
            .link(update.address(), update.text("status"))
            .fix(
                Risk::Medium,
                if first.is_some() {
                    fix
                } else {
                    "Look at pods that cannot be evicted and at nodes that do not join; the update is rolled back if it fails"
                },
            ),
        )
    });
    found.collect()
}

/// What kind of entry the nodes of a group need.
fn wanted(group: &Object) -> &'static str {
    if group.text("ami_type").starts_with("WINDOWS") { "EC2_WINDOWS" } else { "EC2_LINUX" }
}

/// Whether the instances of the group are there and not in the cluster.
fn does_not_join(facts: &Facts, group: &Object) -> Option<Vec<Evidence>> {
    let code = group.list("health_issues").find(|it| matches!(it.text("code"), "NodeCreationFailure" | "AccessDenied"));
    let missing = facts.aws_of("Instance").next();
    if code.is_none() && missing.is_none() {
        return None;
    }
    let code = code.and_then(|it| field_evidence(group, &it.get("message")?, None));
    let missing = missing.and_then(|it| evidence(it, "state"));
    Some(code.into_iter().chain(missing).collect())
}

/// The role of the nodes is not let in.
fn entry(facts: &Facts) -> Vec<Finding> {
    let Some(group) = own(facts) else { return Vec::new() };
    let Some(shown) = does_not_join(facts, group) else { return Vec::new() };
    let asked = facts.aws_of("NodeRole").any(|it| it.name() == group.text("node_role"));
    let mode = facts.aws_of("Cluster").next().map(|it| it.text("authentication_mode")).unwrap_or_default();
    let role = group.text("node_role");
    let fix = "Create an access entry of the node role with the type of its nodes";
    let command = format!(
        "aws eks create-access-entry{} --cluster-name {} --principal-arn {role} --type {}",
        facts.target.region.as_ref().map_or_else(String::new, |it| format!(" --region {it}")),
        facts.target.cluster,
        wanted(group)
    );
    match facts.aws_of("AccessEntry").find(|it| it.text("principal_arn") == role) {
        Some(entry) if entry.text("entry_type") != wanted(group) && entry.text("entry_type") != "EC2" => {
            let summary = format!(
                "Nodes of group `{}` are refused: the access entry of their role is of type {}, and has to be {}.",
                group.name(),
                entry.text("entry_type"),
                wanted(group)
            );
            vec![
                Finding::new("access-entry-node-type", Depth::Reference, Confidence::Certain, summary)
                    .specific(9)
                    .because(evidence(entry, "entry_type"))
                    .because(evidence(group, "node_role"))
                    .because(shown)
                    .link(format!("access entry of {role}"), entry.text("entry_type"))
                    .fix(Risk::Medium, "Delete the entry and create it again: its type cannot be changed")
                    .fix_with(Risk::Low, fix, Some(command)),
            ]
        }
        // With the ConfigMap too, a line in `aws-auth` does as well.
        None if asked && !role.is_empty() && mode != "CONFIG_MAP" => {
            let also = if mode == "API" { "" } else { ", unless `aws-auth` maps it" };
            let confidence = if mode == "API" { Confidence::Certain } else { Confidence::Medium };
            let summary = format!(
                "Nodes of group `{}` are not let into the cluster: their role `{}` has no access entry{also}.",
                group.name(),
                role.rsplit('/').next().unwrap_or(role)
            );
            vec![
                Finding::new("node-join-unauthorized", Depth::Reference, confidence, summary)
                    .specific(if mode == "API" { 9 } else { 6 })
                    .because(evidence(group, "node_role"))
                    .because(shown)
                    .because(facts.aws_of("Cluster").next().and_then(|it| evidence(it, "authentication_mode")))
                    .link(format!("access entry of {role}"), "does not exist")
                    .fix_with(Risk::Low, fix, Some(command)),
            ]
        }
        _ => Vec::new(),
    }
}

/// What an error of a launch means, and what cures it.
fn launch_error(message: &str) -> Option<(&'static str, &'static str)> {
    let known = [
        (
            "InsufficientInstanceCapacity",
            "EC2 has no capacity of the instance type in the zone at the moment",
            "Allow more instance types and zones, or reserve capacity",
        ),
        (
            "do not have sufficient",
            "EC2 has no capacity of the instance type in the zone at the moment",
            "Allow more instance types and zones, or reserve capacity",
        ),
        ("VcpuLimitExceeded", "the quota of vCPUs is reached", "Raise the quota of EC2, or use instance types of another family"),
        ("InstanceLimitExceeded", "the quota of instances is reached", "Raise the quota of EC2"),
        (
            "MaxSpotInstanceCountExceeded",
            "the quota of spot instances is reached",
            "Raise the quota of spot instances, or use on-demand ones",
        ),
        (
            "InsufficientFreeAddressesInSubnet",
            "the subnet has no free addresses",
            "Free addresses, or give the group subnets that have some",
        ),
        (
            "not have enough free addresses",
            "the subnet has no free addresses",
            "Free addresses, or give the group subnets that have some",
        ),
        (
            "Client.InternalError",
            "the instance is ended while it starts, most often because the key of its encrypted volume may not be used",
            "Let the service-linked role of Auto Scaling use the KMS key (grant or key policy)",
        ),
        (
            "InvalidKMSKey",
            "the key of its encrypted volume may not be used",
            "Let the service-linked role of Auto Scaling use the KMS key (grant or key policy)",
        ),
        (
            "AMI",
            "its AMI does not exist, or is not shared with the account",
            "Give the launch template an AMI that exists in the Region",
        ),
        (
            "InvalidAMIID",
            "its AMI does not exist, or is not shared with the account",
            "Give the launch template an AMI that exists in the Region",
        ),
        (
            "UnauthorizedOperation",
            "Auto Scaling may not launch the instance as the template says",
            "Allow what the message names, or take it out of the launch template",
        ),
        (
            "not authorized",
            "Auto Scaling may not launch the instance as the template says",
            "Allow what the message names, or take it out of the launch template",
        ),
        ("Unsupported", "the instance type is not supported in the zone", "Choose an instance type that the zones have"),
        ("InvalidParameter", "the launch template has a value that EC2 refuses", "Correct the launch template"),
        (
            "Security group",
            "a security group of the launch template does not exist",
            "Correct the security groups of the launch template",
        ),
    ];
    known.into_iter().find(|(word, ..)| message.contains(word)).map(|(_, why, fix)| (why, fix))
}

/// The Auto Scaling group cannot launch instances.
fn launch(facts: &Facts) -> Vec<Finding> {
    let Some(group) = own(facts) else { return Vec::new() };
    let activities: Vec<&Object> = facts.aws_of("ScalingActivity").collect();
    // A later success means that the failure is over.
    let newest = activities.iter().max_by_key(|it| it.time("started_at"));
    let failed = newest.filter(|it| matches!(it.text("status"), "Failed" | "Cancelled"));
    let failed = failed.filter(|it| !it.text("status_message").is_empty() && it.text("description").contains("aunching"));
    let issue = || {
        let codes = ["AsgInstanceLaunchFailures", "InstanceLimitExceeded", "InsufficientFreeAddresses", "AmiIdNotFound"];
        let field = group.list("health_issues").find(|it| codes.contains(&it.text("code")))?;
        Some((format!("{}: {}", field.text("code"), field.text("message")), field_evidence(group, &field.get("message")?, None)))
    };
    let (message, shown, at) = match failed {
        Some(it) => (it.text("status_message").to_owned(), evidence(it, "status_message"), it.time("started_at")),
        None => match issue() {
            Some((message, shown)) => (message, shown, None),
            None => return Vec::new(),
        },
    };
    let message = text::cut(&text::clean_line(&message), 300);
    let (why, fix) = launch_error(&message)
        .unwrap_or(("its Auto Scaling group cannot launch instances", "Remove the cause that the message names"));
    let when = at.map_or_else(String::new, |it| format!(" ({} ago)", time::age(facts.now, it)));
    let subnets: Vec<&Object> =
        facts.aws_of("Subnet").filter(|it| it.integer("free_addresses").is_some_and(|it| it < 16)).collect();
    let is_addresses = message.contains("FreeAddresses") || message.contains("free addresses");
    let id = if is_addresses { "node-join-subnet-ips" } else { "node-join-launch-failed" };
    let which = subnets
        .iter()
        .filter(|_| is_addresses)
        .map(|it| format!("`{}` has {} free", it.name(), it.integer("free_addresses").unwrap_or(0)));
    let which: Vec<String> = which.take(3).collect();
    let which = if which.is_empty() { String::new() } else { format!("; {}", text::join_and(&which)) };
    let quota = facts.aws_of("Quota").next();
    let limit = quota.map_or_else(String::new, |it| {
        let value = it.get("value").and_then(Value::as_f64).unwrap_or_default();
        format!("; `{}` is {value}", it.text("name"))
    });
    let summary = format!(
        "Node group `{}` gets no instances, because {why}{when}: {}{limit}{which}.",
        group.name(),
        message.trim_end_matches('.')
    );
    vec![
        Finding::new(id, Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(shown)
            .because(quota.and_then(|it| evidence(it, "value")))
            .because(subnets.iter().filter(|_| is_addresses).filter_map(|it| evidence(it, "free_addresses")))
            .link(
                group
                    .get("auto_scaling_groups")
                    .and_then(|it| it.get(0))
                    .and_then(Value::as_str)
                    .map_or_else(|| "Auto Scaling group".to_owned(), |it| format!("Auto Scaling group {it}")),
                "launch failed",
            )
            .fix(Risk::Low, fix),
    ]
}

/// What a line of the console of an instance tells, with the words for it.
fn said(line: &str) -> Option<(&'static str, &'static str, &'static str)> {
    let has = |words: &[&str]| words.iter().any(|it| line.contains(it));
    let unauthorized = (
        "node-join-unauthorized",
        "the API server refuses its credentials",
        "Give the node role an access entry of the right type, or its line in `aws-auth` with the role's ARN without a path",
    );
    let network = (
        "node-join-network",
        "it does not reach the endpoint of the cluster or of AWS",
        "Give the subnet a way to the endpoint: private access, NAT, or the VPC endpoints of ec2, ecr, sts and s3, and security groups that let it through",
    );
    let config = (
        "node-join-wrong-cluster-config",
        "its user data does not describe this cluster",
        "Correct name, endpoint, certificate authority and CIDR in the NodeConfig of the user data; AL2023 takes no `bootstrap.sh`",
    );
    match () {
        () if has(&["Unable to register node", "Unauthorized", "error: You must be logged in"])
            && has(&["Unauthorized", "logged in"]) =>
        {
            Some(unauthorized)
        }
        () if has(&[
            "Name is missing in cluster configuration",
            "Apiserver endpoint is missing",
            "Certificate authority is missing",
            "CIDR is missing",
            "validating NodeConfig",
            "could not parse NodeConfig",
            "x509: certificate signed by unknown authority",
        ]) =>
        {
            Some(config)
        }
        () if has(&["bootstrap.sh: No such file", "/etc/eks/bootstrap.sh: not found"]) => Some(config),
        () if has(&[
            "i/o timeout",
            "no such host",
            "Connection timed out",
            "connect timeout",
            "Could not connect to the endpoint",
            "network is unreachable",
        ]) && has(&["eks.amazonaws.com", "amazonaws.com", "apiserver", ":443"]) =>
        {
            Some(network)
        }
        () => None,
    }
}

/// What an instance that did not join wrote while it started.
fn console(facts: &Facts) -> Vec<Finding> {
    let Some(group) = own(facts) else { return Vec::new() };
    let found = facts.aws_of("Console").filter_map(|console| {
        let (line, (id, why, fix)) = console.text("output").lines().rev().find_map(|line| Some((line, said(line)?)))?;
        let quoted = verbatim(line);
        let summary = format!(
            "Instance `{}` of node group `{}` runs and does not join the cluster, because {why}: \"{}\".",
            console.name(),
            group.name(),
            text::cut(&text::clean_line(quoted), 240)
        );
        let evidence = Evidence { object: console.address(), field: "output".to_owned(), value: quoted.to_owned(), at: None };
        Some(
            Finding::new(id, Depth::Reference, Confidence::High, summary)
                .specific(8)
                .because([evidence])
                .link(format!("Instance/{}", console.name()), "not a node")
                .fix(Risk::Low, fix),
        )
    });
    let found: Vec<Finding> = found.take(1).collect();
    if !found.is_empty() || facts.aws_of("Console").next().is_none() || !entry(facts).is_empty() {
        return found;
    }
    // Without a line that tells, the settings of the cluster may.
    let Some(cluster) = facts.aws_of("Cluster").next() else { return found };
    let open = cluster
        .get("vpc.public_access_cidrs")
        .and_then(Value::as_array)
        .is_none_or(|it| it.is_empty() || it.iter().any(|it| it.as_str() == Some("0.0.0.0/0")));
    if cluster.boolean("vpc.private_access") != Some(false) || cluster.boolean("vpc.public_access") != Some(true) || open {
        return found;
    }
    let summary = format!(
        "Instances of node group `{}` run and do not join the cluster: its endpoint is public only and lets few addresses in, which do not seem to be those of the nodes.",
        group.name()
    );
    vec![
        Finding::new("node-join-network", Depth::Reference, Confidence::Medium, summary)
            .specific(6)
            .because(["vpc.private_access", "vpc.public_access_cidrs[0]"].iter().filter_map(|it| evidence(cluster, it)))
            .link(cluster.address(), "private access is off")
            .fix(Risk::Low, "Turn on private access of the endpoint, or let the addresses of the NAT gateways in"),
    ]
}

#[cfg(test)]
#[path = "nodegroups_tests.rs"]
mod tests;
