//! What only AWS can tell: each fact leads to its cause, through the registry, and what is not recorded is said.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use eks_mcp::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::support::World;

const OBJECTS: &str = include_str!("aws_facts.yaml");
const ISSUER: &str = "oidc.eks.eu-west-1.amazonaws.com/id/ABC";
const GROUP: &str = "arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/k8s-shop-web/1";
const NODES: &str = "arn:aws:iam::111122223333:role/nodes";

fn put(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// A cluster with these health issues and lists of AWS.
fn world(aws: &[(&str, Value)]) -> World {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let head = r#"{"format": 1, "name": "faults", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1", "complete": true}"#;
    put(root, "snapshot.json", head);
    let cluster = json!({"name": "c1", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/c1", "status": "ACTIVE", "version": "1.33", "authentication_mode": "API",
        "oidc_issuer": format!("https://{ISSUER}"), "endpoint": "https://x.eks.amazonaws.com", "logging": ["audit"], "support_type": "STANDARD",
        "vpc": {"id": "vpc-1", "subnet_ids": ["subnet-1", "subnet-2"], "private_access": true, "public_access": true}});
    put(root, "clusters/c1/cluster.json", cluster.to_string());
    put(root, "clusters/c1/objects/all.yaml", OBJECTS);
    put(
        root,
        "clusters/c1/logs/shop_role-1_main.previous.log",
        "An error occurred (AccessDenied) when calling the AssumeRoleWithWebIdentity operation: Not authorized to perform sts:AssumeRoleWithWebIdentity\n",
    );
    put(
        root,
        "clusters/c1/logs/shop_names-1_main.previous.log",
        "dial tcp: lookup db.shop.svc.cluster.local on 10.100.0.10:53: read udp 10.0.1.2:40011->10.100.0.10:53: i/o timeout\n",
    );
    for (path, value) in aws {
        put(root, path, value.to_string());
    }
    World::of(Snapshot::open(root).unwrap())
}

fn faults() -> Vec<(&'static str, Value)> {
    let trust = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": format!("arn:aws:iam::111122223333:oidc-provider/{ISSUER}")},
        "Condition": {"StringEquals": {format!("{ISSUER}:sub"): "system:serviceaccount:store:reader"}}}]});
    let issue = |code: &str, message: &str| json!([{"code": code, "message": message, "resource_ids": []}]);
    let group = |name: &str, issues: Value| {
        json!({"cluster": "c1", "name": name, "status": "DEGRADED", "version": "1.33", "ami_type": "AL2023_ARM_64_STANDARD", "instance_types": ["m7g.large"],
            "subnet_ids": ["subnet-1"], "node_role": NODES, "auto_scaling_groups": [format!("eks-{name}")], "health_issues": issues})
    };
    let instance = |id: &str, group: &str, state: &str| {
        json!({"id": id, "instance_type": "m7g.large", "state": state, "zone": "eu-west-1a", "launched_at": "2026-11-23T08:00:00Z", "system_status": "ok", "instance_status": "ok",
            "tags": {"kubernetes.io/cluster/c1": "owned", "eks:nodegroup-name": group}})
    };
    let mut impaired = instance("i-0000000000000002b", "general", "running");
    impaired["system_status"] = "impaired".into();
    let quota = "You have requested more vCPU capacity than your current vCPU limit of 16 allows. VcpuLimitExceeded";
    vec![
        ("aws/eks/pod_identity_associations.json", json!([])),
        (
            "aws/eks/cluster_versions.json",
            json!([{"version": "1.33", "status": "EXTENDED_SUPPORT", "end_of_extended_support": "2027-07-29T00:00:00Z"}]),
        ),
        (
            "aws/eks/nodegroups.json",
            json!([
                group("general", json!([])).as_object().map(|it| {
                    let mut it = it.clone();
                    it.insert("status".into(), "ACTIVE".into());
                    it
                }),
                group("launch", issue("AsgInstanceLaunchFailures", quota)),
                group("join", issue("NodeCreationFailure", "Instances failed to join the kubernetes cluster")),
                group("update", issue("PodEvictionFailure", "Reached max retries while trying to evict pods")),
            ]),
        ),
        (
            "aws/eks/addons.json",
            json!([{"cluster": "c1", "name": "vpc-cni", "status": "DEGRADED", "version": "v1.19.2-eksbuild.1", "health_issues": issue("AddonPermissionFailure", "The role cannot be assumed.")}]),
        ),
        (
            "aws/eks/addon_versions.json",
            json!([{"kubernetes_version": "1.34", "name": "vpc-cni", "versions": ["v1.20.0-eksbuild.1"]}]),
        ),
        (
            "aws/eks/fargate_profiles.json",
            json!([{"cluster": "c1", "name": "jobs", "status": "CREATE_FAILED", "pod_execution_role": NODES, "health_issues": issue("AccessDenied", "denied")}]),
        ),
        (
            "aws/eks/insights.json",
            json!([{"cluster": "c1", "id": "1", "name": "Hybrid nodes webhooks", "category": "MISCONFIGURATION", "kubernetes_version": "1.33", "status": "ERROR", "reason": "Webhooks are not reachable."}]),
        ),
        ("aws/eks/access_entries.json", json!([{"cluster": "c1", "principal_arn": NODES, "entry_type": "EC2_LINUX"}])),
        (
            "aws/eks/updates.json",
            json!([{"cluster": "c1", "nodegroup": "update", "id": "u1", "status": "InProgress", "update_type": "VersionUpdate", "created_at": "2026-11-23T09:00:00Z", "errors": issue("PodEvictionFailure", "Reached max retries while trying to evict pods from nodes in node group update")}]),
        ),
        (
            "aws/ec2/instances.json",
            json!([
                instance("i-0000000000000001a", "general", "running"),
                impaired,
                instance("i-0000000000000003c", "join", "running")
            ]),
        ),
        (
            "aws/ec2/console_outputs.json",
            json!([{"id": "i-0000000000000003c", "output": "boot\nkubelet: Get \"https://x.eks.amazonaws.com/api\": dial tcp 10.0.0.9:443: i/o timeout\n"}]),
        ),
        ("aws/ec2/instance_types.json", json!([{"name": "m7g.large", "interfaces": 3, "addresses_per_interface": 10}])),
        ("aws/ec2/subnets.json", json!([{"id": "subnet-1", "free_addresses": 2}, {"id": "subnet-2", "free_addresses": 1}])),
        (
            "aws/ec2/security_groups.json",
            json!([{"id": "sg-0000000000000001a", "name": "names", "egress": [{"protocol": "tcp", "from_port": 443, "to_port": 443}]}]),
        ),
        ("aws/ec2/volumes.json", json!([{"id": "vol-0123456789abcdef0", "state": "available", "zone": "eu-west-1c"}])),
        (
            "aws/autoscaling/scaling_activities.json",
            json!([{"group": "eks-launch", "id": "a1", "status": "Failed", "status_message": quota, "description": "Launching a new EC2 instance.", "started_at": "2026-11-23T09:20:00Z"}]),
        ),
        ("aws/iam/roles.json", json!([{"name": "reader", "arn": "arn:aws:iam::111122223333:role/reader", "trust": trust}])),
        (
            "aws/elasticloadbalancing/target_health.json",
            json!([{"group": GROUP, "target": "10.0.3.3", "port": 8080, "state": "unhealthy", "reason": "Target.Timeout", "description": "Request timed out"}]),
        ),
        (
            "aws/ecr/images.json",
            json!([{"registry": "111122223333", "repository": "shop/web", "reference": "1.2.O", "repository_exists": true, "exists": false, "tags": ["1.2.0", "1.1.9"]}]),
        ),
        (
            "aws/servicequotas/quotas.json",
            json!([{"service": "ec2", "code": "L-1216C47A", "name": "Running On-Demand Standard instances", "value": 16.0}]),
        ),
    ]
}

/// What is asked, and the cause that it has to be.
const QUESTIONS: &[(&str, &str, &str)] = &[
    ("Pod", "pull-1", "image-tag-not-found"),
    ("Pod", "role-1", "irsa-trust-policy"),
    ("Pod", "disk-0", "ebs-attach-failed"),
    ("Pod", "names-1", "sgpp-traffic-blocked"),
    ("Service", "web", "alb-targets-unhealthy"),
    ("Node", "node-2", "node-ec2-impaired-or-retired"),
    ("Nodegroup", "launch", "node-join-launch-failed"),
    ("Nodegroup", "join", "node-join-network"),
    ("Nodegroup", "update", "nodegroup-update-stuck"),
    ("Addon", "vpc-cni", "addon-degraded"),
    ("FargateProfile", "jobs", "fargateprofile-issue"),
];

fn question(kind: &str, name: &str) -> Value {
    match kind {
        "Pod" | "Service" => json!({"cluster": "c1", "kind": kind, "namespace": "shop", "name": name}),
        _ => json!({"cluster": "c1", "kind": kind, "name": name}),
    }
}

#[tokio::test]
async fn each_fact_of_aws_leads_to_its_cause() {
    let world = world(&faults());
    for (kind, name, id) in QUESTIONS {
        let found = world.call("troubleshoot", question(kind, name)).await;
        assert_eq!(found["root_cause"]["id"], *id, "{kind} {name}: {found:#}");
        assert!(!found["evidence"].as_array().unwrap().is_empty(), "{kind} {name}");
    }
    let pull = world.call("troubleshoot", question("Pod", "pull-1")).await;
    assert!(pull["summary"].as_str().unwrap().contains("ECR has `1.2.0`"), "{pull:#}");
    let launch = world.call("troubleshoot", question("Nodegroup", "launch")).await;
    assert!(launch["summary"].as_str().unwrap().contains("`Running On-Demand Standard instances` is 16"), "{launch:#}");
}

#[tokio::test]
async fn a_cluster_is_told_with_what_an_upgrade_will_meet() {
    let world = world(&faults());
    let found = world.call("troubleshoot", question("Cluster", "c1")).await;
    let mut ids: BTreeSet<String> =
        found["contributing"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
    ids.insert(found["root_cause"]["id"].as_str().unwrap().to_owned());
    assert!(
        ids.contains("addon-degraded") && ids.contains("nodegroup-degraded") && ids.contains("upgrade-kubelet-skew"),
        "{found:#}"
    );
    let healthy = world_of_health();
    let found = healthy.call("troubleshoot", question("Cluster", "c1")).await;
    assert_eq!(found["status"], "healthy", "{found:#}");
    let scan = world.call("scan_cluster", json!({"cluster": "c1", "limit": 50})).await;
    let rows = scan["causes"]["rows"].as_array().unwrap();
    let told = |id: &str| rows.iter().any(|row| row.as_array().unwrap().iter().any(|it| it == id));
    for id in [
        "node-join-launch-failed",
        "node-join-network",
        "nodegroup-update-stuck",
        "addon-degraded",
        "fargateprofile-issue",
        "irsa-trust-policy",
    ] {
        assert!(told(id), "{id}: {scan:#}");
    }
}

/// The same cluster with nothing wrong in AWS and a young kubelet everywhere.
fn world_of_health() -> World {
    let calm: Vec<(&str, Value)> = faults()
        .into_iter()
        .map(|(path, value)| match path {
            "aws/eks/cluster_versions.json" => (
                path,
                json!([{"version": "1.33", "status": "STANDARD_SUPPORT", "end_of_standard_support": "2027-07-29T00:00:00Z"}]),
            ),
            "aws/ec2/subnets.json" => {
                (path, json!([{"id": "subnet-1", "free_addresses": 200}, {"id": "subnet-2", "free_addresses": 100}]))
            }
            "aws/eks/nodegroups.json" | "aws/eks/addons.json" | "aws/eks/fargate_profiles.json" | "aws/eks/insights.json" => {
                (path, json!([]))
            }
            _ => (path, value),
        })
        .collect();
    let folder = OBJECTS.replace("v1.30.1-eks-1", "v1.32.1-eks-1");
    assert_ne!(folder, OBJECTS);
    world_with(&calm, &folder)
}

fn world_with(aws: &[(&str, Value)], objects: &str) -> World {
    let mut files: Vec<(&str, Value)> = aws.to_vec();
    files.retain(|it| it.0 != "objects");
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    put(
        root,
        "snapshot.json",
        r#"{"format": 1, "name": "calm", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1", "complete": true}"#,
    );
    let cluster = json!({"name": "c1", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/c1", "status": "ACTIVE", "version": "1.33", "logging": ["audit"], "vpc": {"subnet_ids": ["subnet-1", "subnet-2"]}});
    put(root, "clusters/c1/cluster.json", cluster.to_string());
    put(root, "clusters/c1/objects/all.yaml", objects);
    for (path, value) in &files {
        put(root, path, value.to_string());
    }
    World::of(Snapshot::open(root).unwrap())
}

#[tokio::test]
async fn what_was_not_recorded_is_said_and_the_rest_still_answers() {
    let world = world(&[]);
    let pull = world.call("troubleshoot", question("Pod", "pull-1")).await;
    assert_eq!(pull["root_cause"]["id"], "image-tag-not-found");
    assert!(pull["not_checked"].to_string().contains("not_recorded"), "{pull:#}");
    let scan = world.call("scan_cluster", json!({"cluster": "c1"})).await;
    assert!(scan["not_checked"].to_string().contains("node groups"), "{scan:#}");
}

#[tokio::test]
async fn what_eks_does_not_know_is_named_with_what_it_knows() {
    let world = world(&faults());
    let err = world.fail("troubleshoot", question("Nodegroup", "lunch")).await;
    assert!(err.message.contains("node group `lunch` does not exist; did you mean `launch`?"), "{}", err.message);
    let err = world.fail("troubleshoot", json!({"cluster": "c1", "kind": "Cluster", "name": "other"})).await;
    assert!(err.message.contains("no kind `Cluster`"), "{}", err.message);
}

/// Every permission that a diagnosis or a scan of these faults uses.
pub(crate) async fn used() -> BTreeSet<String> {
    let world = world(&faults());
    for (kind, name, _) in QUESTIONS {
        world.call("troubleshoot", question(kind, name)).await;
    }
    world.call("troubleshoot", question("Cluster", "c1")).await;
    world.usage.take()
}
