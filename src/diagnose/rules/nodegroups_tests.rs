use super::super::fixtures::*;
use super::*;
use serde_json::json;

fn object(value: Value) -> Object {
    Object::new(value)
}

const ROLE: &str = "arn:aws:iam::111122223333:role/nodes";

fn group(fields: Value) -> Facts {
    let mut value = json!({"kind": "Nodegroup", "metadata": {"name": "general"}, "name": "general", "status": "ACTIVE", "ami_type": "AL2023_x86_64_STANDARD",
        "node_role": ROLE, "instance_types": ["m7g.large"], "auto_scaling_groups": ["eks-general-1"], "health_issues": []});
    for (key, field) in fields.as_object().unwrap() {
        value[key] = field.clone();
    }
    let mut facts = subject(value);
    facts.aws.push(object(json!({"kind": "Cluster", "metadata": {"name": "c1"}, "authentication_mode": "API", "vpc": {"private_access": true, "public_access": true, "public_access_cidrs": ["0.0.0.0/0"]}})));
    facts
}

fn issues(code: &str, message: &str) -> Value {
    json!({"status": "DEGRADED", "health_issues": [{"code": code, "message": message, "resource_ids": ["i-1"]}]})
}

#[test]
fn an_issue_of_a_group_is_told_and_a_group_that_is_active_is_fine() {
    assert!(ids(&group(json!({}))).is_empty());
    let facts = group(issues("Ec2LaunchTemplateNotFound", "The launch template lt-1 was not found."));
    assert!(
        finding(&facts, "nodegroup-degraded")
            .summary
            .contains("its launch template was deleted (`i-1`): The launch template lt-1")
    );
    let custom = subject(
        json!({"kind": "Nodegroup", "apiVersion": "eks.services.k8s.aws/v1alpha1", "metadata": {"name": "general", "namespace": "x"}, "status": {"health": {"issues": []}}}),
    );
    assert!(ids(&custom).is_empty(), "that one is told by its conditions");
}

#[test]
fn an_update_hangs_when_it_has_errors_or_takes_long() {
    let update = |fields: Value| {
        let mut facts = group(json!({"status": "UPDATING"}));
        let mut value = json!({"kind": "Update", "metadata": {"name": "u-1"}, "status": "InProgress", "update_type": "VersionUpdate", "errors": [], "created_at": "2026-01-05T11:50:00Z"});
        for (key, field) in fields.as_object().unwrap() {
            value[key] = field.clone();
        }
        facts.aws.push(object(value));
        facts
    };
    assert!(ids(&update(json!({}))).is_empty());
    assert!(ids(&update(json!({"status": "Successful", "created_at": "2026-01-01T00:00:00Z"}))).is_empty());
    let old = update(json!({"created_at": "2026-01-05T11:00:00Z"}));
    assert_eq!(finding(&old, "nodegroup-update-stuck").confidence, Confidence::Medium);
    let errors = json!([{"code": "PodEvictionFailure", "message": "Reached max retries while trying to evict pods from nodes in node group general", "resource_ids": ["ip-10-0-0-1.ec2.internal"]}]);
    let failed = update(json!({"status": "Failed", "errors": errors}));
    assert!(finding(&failed, "nodegroup-update-stuck").summary.contains("pods cannot be evicted"));
}

#[test]
fn a_node_role_needs_an_entry_of_the_right_type() {
    let joins_not = || {
        let mut facts = group(issues("NodeCreationFailure", "Instances failed to join the kubernetes cluster"));
        facts.aws.push(object(json!({"kind": "NodeRole", "metadata": {"name": ROLE}})));
        facts
    };
    assert_eq!(finding(&joins_not(), "node-join-unauthorized").confidence, Confidence::Certain);
    let entry = |kind: &str| {
        object(json!({"kind": "AccessEntry", "metadata": {"name": ROLE}, "principal_arn": ROLE, "entry_type": kind}))
    };
    let mut wrong = joins_not();
    wrong.aws.push(entry("STANDARD"));
    assert_eq!(ids(&wrong), ["nodegroup-degraded", "access-entry-node-type"]);
    let mut right = joins_not();
    right.aws.push(entry("EC2_LINUX"));
    assert_eq!(ids(&right), ["nodegroup-degraded"]);
    let mut unasked = group(issues("NodeCreationFailure", "Instances failed to join"));
    assert_eq!(ids(&unasked), ["nodegroup-degraded"], "the entry could not be read");
    unasked.aws.clear();
}

#[test]
fn a_failed_launch_is_told_by_the_last_activity() {
    let activity = |status: &str, message: &str, at: &str| {
        object(
            json!({"kind": "ScalingActivity", "metadata": {"name": at}, "status": status, "status_message": message, "description": "Launching a new EC2 instance.  Status Reason: x", "started_at": at}),
        )
    };
    let mut facts = group(json!({"status": "DEGRADED"}));
    let message = "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the specified instance type belongs to. VcpuLimitExceeded";
    facts.aws.push(activity("Failed", message, "2026-01-05T11:58:00Z"));
    facts.aws.push(object(json!({"kind": "Quota", "metadata": {"name": "L-1216C47A"}, "name": "Running On-Demand Standard instances", "value": 32.0})));
    let found = finding(&facts, "node-join-launch-failed");
    assert!(
        found.summary.contains("the quota of vCPUs is reached (2m ago)")
            && found.summary.contains("`Running On-Demand Standard instances` is 32"),
        "{}",
        found.summary
    );
    facts.aws.push(activity("Successful", "", "2026-01-05T11:59:00Z"));
    assert!(!ids(&facts).contains(&"node-join-launch-failed"), "it is over");
    let mut short = group(issues(
        "InsufficientFreeAddresses",
        "One or more of the subnets associated with your node group does not have enough available IP addresses for new nodes.",
    ));
    short.aws.push(object(json!({"kind": "Subnet", "metadata": {"name": "subnet-1"}, "free_addresses": 2})));
    let found = finding(&short, "node-join-subnet-ips");
    assert!(found.summary.contains("`subnet-1` has 2 free"), "{}", found.summary);
    let mut wide = group(json!({}));
    wide.aws.push(object(json!({"kind": "Subnet", "metadata": {"name": "subnet-1"}, "free_addresses": 2})));
    assert!(ids(&wide).is_empty(), "a small subnet alone fails nothing");
}

#[test]
fn the_console_of_an_instance_tells_why_it_does_not_join() {
    let console = |output: &str| {
        let mut facts = group(issues("NodeCreationFailure", "Instances failed to join the kubernetes cluster"));
        facts.aws.push(object(json!({"kind": "Console", "metadata": {"name": "i-1"}, "output": format!("[   12.1] cloud-init: start\n{output}\n[   99.0] login:\n")})));
        facts
    };
    for (line, id) in [
        (
            "kubelet[1]: E0105 kubelet_node_status.go:96] \"Unable to register node with API server\" err=\"Unauthorized\" node=\"ip-10-0-0-1\"",
            "node-join-unauthorized",
        ),
        (
            "kubelet[1]: Get \"https://ABC.gr7.eu-west-1.eks.amazonaws.com/api/v1/nodes\": dial tcp 10.0.0.9:443: i/o timeout",
            "node-join-network",
        ),
        (
            "nodeadm[1]: {\"level\":\"fatal\",\"msg\":\"Command failed\",\"error\":\"validating NodeConfig: Name is missing in cluster configuration\"}",
            "node-join-wrong-cluster-config",
        ),
    ] {
        let found = finding(&console(line), id);
        assert!(found.evidence[0].value == line, "{:?}", found.evidence);
    }
    assert_eq!(ids(&console("chronyd[1]: Can't synchronise: no selectable sources (i/o timeout)")), ["nodegroup-degraded"]);
    let mut closed = console("nothing");
    closed.aws[0] = object(
        json!({"kind": "Cluster", "metadata": {"name": "c1"}, "vpc": {"private_access": false, "public_access": true, "public_access_cidrs": ["203.0.113.0/24"]}}),
    );
    assert_eq!(finding(&closed, "node-join-network").confidence, Confidence::Medium);
}
