//! The cluster as EKS sees it: its health, its endpoint, its add-ons and Fargate profiles.

use super::Rule;
use crate::diagnose::diagnosis::{CheckArguments, Confidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Severity, evidence, field_evidence};
use crate::domain::object::{Field, Object};
use crate::domain::text::{self, join_and};

pub(super) const RULES: &[Rule] = &[
    Rule::new("cluster-health-issue", Severity::Critical, health),
    Rule::new("cluster-endpoint-unreachable", Severity::Critical, endpoint),
    Rule::new("addon-degraded", Severity::High, addons),
    Rule::new("fargateprofile-issue", Severity::Medium, profiles),
    Rule::new("logging-disabled", Severity::Info, logging),
];

/// Things of a kind: the subject itself if it is one, else those around it.
pub(super) fn of_kind<'a>(facts: &'a Facts, kind: &'a str) -> impl Iterator<Item = &'a Object> {
    facts.subject.iter().chain(facts.aws.iter()).filter(move |it| it.kind() == kind)
}

/// Whether the cluster itself, or all of it, is what is asked about.
pub(super) fn is_about_cluster(facts: &Facts) -> bool {
    facts.subject_of(&["Cluster"]).is_some() && facts.target_object().get("health_issues").is_some()
}

/// Code, message and resources of an issue.
pub(super) fn issue<'a>(issue: &Field<'a>) -> (&'a str, String, String) {
    let message = text::clean_line(issue.text("message"));
    let ids = issue.value.get("resource_ids").and_then(serde_json::Value::as_array).into_iter().flatten();
    let ids: Vec<String> = ids.filter_map(serde_json::Value::as_str).map(|it| format!("`{it}`")).take(5).collect();
    let ids = if ids.is_empty() { String::new() } else { format!(" ({})", join_and(&ids)) };
    (issue.text("code"), message.trim_end_matches('.').to_owned(), ids)
}

/// What an issue code of a cluster means, and what cures it.
fn meaning(code: &str) -> (&'static str, &'static str) {
    match code {
        "AccessDenied" => (
            "EKS may not do what it has to with the cluster's role",
            "Give the cluster role `AmazonEKSClusterPolicy` and a trust for `eks.amazonaws.com`, and leave the service-linked role alone",
        ),
        "ClusterUnreachable" => (
            "the control plane cannot be reached by EKS",
            "Look at the webhooks, network policies and subnets of the control plane",
        ),
        "IamRoleNotFound" => {
            ("the cluster's role does not exist", "Create the role again under the same name, with `AmazonEKSClusterPolicy`")
        }
        "VpcNotFound" => ("its VPC does not exist", "A cluster cannot be moved to another VPC: build a new one"),
        "InsufficientFreeAddresses" => (
            "the subnets of the control plane have no free addresses",
            "Free addresses in these subnets, or give the cluster other subnets of the same zones",
        ),
        "Ec2ServiceNotSubscribed" => {
            ("the account is not subscribed to EC2", "Finish the sign-up of the account, or ask AWS Support")
        }
        "Ec2SubnetNotFound" => {
            ("subnets of the control plane do not exist", "Give the cluster at least two subnets of two zones")
        }
        "Ec2SecurityGroupNotFound" => (
            "a security group of the control plane does not exist",
            "Give the cluster security groups that exist; the one that EKS made cannot be replaced",
        ),
        "KmsGrantRevoked" => (
            "EKS may not use the key that encrypts its secrets any more",
            "Create the grant of the key for the cluster role again",
        ),
        "KmsKeyNotFound" => (
            "the key that encrypts its secrets does not exist; the cluster cannot be recovered",
            "Build a new cluster and restore its workloads from a backup",
        ),
        "KmsKeyMarkedForDeletion" => ("the key that encrypts its secrets will be deleted", "Cancel the deletion of the key now"),
        "KmsKeyDisabled" => ("the key that encrypts its secrets is disabled", "Enable the key"),
        "StsRegionalEndpointDisabled" => {
            ("the STS endpoint of the Region is disabled in the account", "Enable STS for the Region in the account settings")
        }
        "UnsupportedVersion" => {
            ("its Kubernetes version is not supported any more", "Upgrade the cluster, one minor version at a time")
        }
        "ResourceLimitExceeded" => ("a limit of the account is reached", "Raise the quota that the message names"),
        "ResourceNotFound" => ("something that it uses does not exist", "Create what the message names again"),
        "ConfigurationConflict" => ("its configuration contradicts itself", "Correct what the message names"),
        "InternalFailure" => ("EKS failed internally", "Wait, then ask AWS Support with the message"),
        _ => ("EKS reports an issue", "Remove the cause that the message names"),
    }
}

fn health(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) {
        return Vec::new();
    }
    let cluster = facts.target_object();
    let found = cluster.list("health_issues").map(|field| {
        let (code, message, ids) = issue(&field);
        let (why, fix) = meaning(code);
        let summary = format!("Cluster `{}` has a health issue, {code}: {why}{ids}: {message}.", cluster.name());
        Finding::new("cluster-health-issue", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(["message", "code"].iter().filter_map(|it| field_evidence(cluster, &field.get(it)?, None)))
            .link(cluster.address(), code)
            .fix(Risk::Medium, fix)
    });
    found.collect()
}

/// The API server cannot be reached from here.
fn endpoint(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) {
        return Vec::new();
    }
    let cluster = facts.target_object();
    let Some(server) = facts.aws_of("ApiServer").next() else { return Vec::new() };
    let public = cluster.boolean("vpc.public_access");
    let cidrs: Vec<&str> = cluster
        .get("vpc.public_access_cidrs")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(serde_json::Value::as_str)
        .collect();
    let open = cidrs.is_empty() || cidrs.contains(&"0.0.0.0/0");
    let (why, fix, proof) = match (cluster.text("status"), public) {
        (status @ ("CREATING" | "DELETING" | "FAILED" | "PENDING"), _) => {
            (format!("the cluster is {status}"), "Wait until the cluster is ACTIVE", "status")
        }
        (_, Some(false)) => (
            "its endpoint is private, so that it can be reached only from its VPC and networks connected to it".to_owned(),
            "Run this server inside of the VPC, or connect over VPN, Direct Connect or a bastion, with DNS of the VPC",
            "vpc.public_access",
        ),
        (_, Some(true)) if !open => (
            format!(
                "its public endpoint lets only {} in",
                join_and(&cidrs.iter().take(5).map(|it| format!("`{it}`")).collect::<Vec<_>>())
            ),
            "Add the address that this server has on the internet to the public access CIDRs, or use the private endpoint",
            "vpc.public_access_cidrs[0]",
        ),
        _ => (
            "its endpoint is public, so that a proxy, a firewall or DNS on the way is the likely cause".to_owned(),
            "Look at proxy, firewall and DNS between this server and the endpoint",
            "endpoint",
        ),
    };
    let message = text::cut(&text::clean_line(server.text("error")), 300);
    let summary =
        format!("The API server of cluster `{}` cannot be reached: {why} ({}).", cluster.name(), message.trim_end_matches('.'));
    vec![
        Finding::new(
            "cluster-endpoint-unreachable",
            Depth::Reference,
            if proof == "endpoint" { Confidence::Medium } else { Confidence::High },
            summary,
        )
        .specific(8)
        .because(evidence(cluster, proof))
        .because(evidence(cluster, "endpoint"))
        .link(format!("API server of {}", cluster.name()), "not reached")
        .fix(Risk::Low, fix),
    ]
}

/// Statuses in which an add-on or profile is as it should be, or on its way.
fn is_fine(status: &str) -> bool {
    matches!(status, "ACTIVE" | "CREATING" | "UPDATING" | "DELETING" | "")
}

/// What an issue code of an add-on means, and what cures it.
fn addon_meaning(code: &str) -> (&'static str, &'static str) {
    match code {
        "ConfigurationConflict" => (
            "fields that it manages were changed by somebody else",
            "Update the add-on with `--resolve-conflicts OVERWRITE`, or with PRESERVE to keep the changes",
        ),
        "InsufficientNumberOfReplicas" => {
            ("too few of its pods are ready", "Bring its pods up; `contributing` and the evidence say what keeps them")
        }
        "AccessDenied" => {
            ("EKS may not change its objects", "Let the user `eks:addon-manager` have its ClusterRole and bindings back")
        }
        "AdmissionRequestDenied" => {
            ("an admission webhook refuses its objects", "Exclude the namespace of the add-on from the webhook")
        }
        "K8sResourceNotFound" => ("objects of it are missing", "Update the add-on, so that EKS creates them again"),
        "AddonPermissionFailure" => (
            "its role or Pod Identity association does not work",
            "Correct role, trust policy and association of its service account",
        ),
        "AddonSubscriptionNeeded" => ("it needs a subscription of the AWS Marketplace", "Subscribe to it in the account"),
        "ClusterUnreachable" => ("EKS does not reach the API server", "Look at the health of the cluster first"),
        "UnsupportedAddonModification" => {
            ("it was changed in a way that it does not allow", "Update it with a configuration that its schema allows")
        }
        _ => ("EKS reports an issue", "Remove the cause that the message names"),
    }
}

fn addons(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) && facts.subject_of(&["Addon"]).is_none() {
        return Vec::new();
    }
    let unwell = of_kind(facts, "Addon").filter(|it| it.get("version").is_some());
    let unwell = unwell.filter(|it| !is_fine(it.text("status")) || it.list("health_issues").next().is_some());
    let found = unwell.map(|addon| {
        let first = addon.list("health_issues").next();
        let (code, message, ids) = first.as_ref().map(issue).unwrap_or_default();
        let (why, fix) = addon_meaning(code);
        let told = if message.is_empty() { String::new() } else { format!(", {code}: {why}{ids}: {message}") };
        let summary = format!("Add-on `{}` is {}{told}.", addon.name(), addon.text("status"));
        let check =
            CheckArguments { kind: Some("Addon".to_owned()), name: Some(addon.name().to_owned()), ..CheckArguments::default() };
        let finding =
            Finding::new("addon-degraded", Depth::Target, Confidence::Certain, summary)
                .specific(8)
                .because(first.iter().flat_map(|it| {
                    ["message", "code"].into_iter().filter_map(|path| field_evidence(addon, &it.get(path)?, None))
                }))
                .because(evidence(addon, "status"))
                .link(addon.address(), addon.text("status"))
                .fix(Risk::Low, fix);
        if facts.subject_of(&["Addon"]).is_some() { finding } else { finding.check("What keeps its pods", "troubleshoot", check) }
    });
    found.collect()
}

fn profiles(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) && facts.subject_of(&["FargateProfile"]).is_none() {
        return Vec::new();
    }
    let unwell = of_kind(facts, "FargateProfile").filter(|it| it.get("pod_execution_role").is_some());
    let unwell = unwell.filter(|it| !is_fine(it.text("status")) || it.list("health_issues").next().is_some());
    let found = unwell.map(|profile| {
        let first = profile.list("health_issues").next();
        let (code, message, ids) = first.as_ref().map(issue).unwrap_or_default();
        let told = if message.is_empty() { String::new() } else { format!(", {code}{ids}: {message}") };
        let fix = match code {
            "PodExecutionRoleAlreadyInUse" => "Give the profile a pod execution role that no node group uses",
            "AccessDenied" => "Give the pod execution role `AmazonEKSFargatePodExecutionRolePolicy`, its trust and an access entry of type FARGATE_LINUX",
            _ => "Remove the cause that the message names, then create the profile again: it cannot be changed",
        };
        Finding::new("fargateprofile-issue", Depth::Target, Confidence::Certain, format!("Fargate profile `{}` is {}{told}.", profile.name(), profile.text("status")))
            .specific(8)
            .because(first.iter().filter_map(|it| field_evidence(profile, &it.get("message")?, None)))
            .because(evidence(profile, "status"))
            .link(profile.address(), profile.text("status"))
            .fix(Risk::Low, fix)
    });
    found.collect()
}

/// What a later diagnosis will miss; no fault by itself.
fn logging(facts: &Facts) -> Vec<Finding> {
    let is_off = is_about_cluster(facts)
        && facts.target_object().get("logging").and_then(serde_json::Value::as_array).is_some_and(Vec::is_empty);
    if !is_off {
        return Vec::new();
    }
    let summary =
        "No log of the control plane is sent to CloudWatch, so that who changed or refused something cannot be found out later.";
    vec![
        Finding::new("logging-disabled", Depth::Target, Confidence::Certain, summary)
            .role(crate::diagnose::finding::Role::Contributing)
            .specific(1)
            .fix(Risk::Low, "Turn on the log types `audit` and `authenticator`, at least"),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::{Value, json};

    fn cluster(fields: Value) -> Facts {
        let mut value = json!({"kind": "Cluster", "metadata": {"name": "c1"}, "name": "c1", "status": "ACTIVE", "endpoint": "https://x.eks.amazonaws.com", "health_issues": [], "logging": ["audit"]});
        for (key, field) in fields.as_object().unwrap() {
            value[key] = field.clone();
        }
        subject(value)
    }

    #[test]
    fn each_issue_of_a_cluster_is_told_with_what_it_means() {
        let issues = json!([{"code": "KmsKeyDisabled", "message": "The key arn:aws:kms:eu-west-1:111122223333:key/1 is disabled.", "resource_ids": ["arn:aws:kms:eu-west-1:111122223333:key/1"]}]);
        let facts = cluster(json!({"health_issues": issues}));
        let found = finding(&facts, "cluster-health-issue");
        assert!(
            found.summary.contains("the key that encrypts its secrets is disabled") && found.summary.contains("key/1"),
            "{}",
            found.summary
        );
        assert_eq!(found.evidence[0].field, "health_issues[0].message");
        assert!(ids(&cluster(json!({}))).is_empty());
        let custom = subject(
            json!({"kind": "Cluster", "apiVersion": "postgresql.cnpg.io/v1", "metadata": {"name": "pg", "namespace": "db"}, "status": {"phase": "x"}}),
        );
        assert!(ids(&custom).is_empty(), "a cluster of a database is none of EKS");
    }

    #[test]
    fn an_endpoint_that_is_not_reached_tells_why_from_its_settings() {
        let server = |facts: &mut Facts| {
            facts.aws.push(Object::new(
                json!({"kind": "ApiServer", "metadata": {"name": "c1"}, "error": "dial tcp 10.0.0.1:443: i/o timeout"}),
            ));
        };
        for (vpc, words) in [
            (json!({"public_access": false, "private_access": true}), "its endpoint is private"),
            (json!({"public_access": true, "public_access_cidrs": ["203.0.113.0/24"]}), "lets only `203.0.113.0/24` in"),
            (json!({"public_access": true, "public_access_cidrs": ["0.0.0.0/0"]}), "a proxy, a firewall or DNS"),
        ] {
            let mut facts = cluster(json!({ "vpc": vpc }));
            assert!(ids(&facts).is_empty(), "it was reached");
            server(&mut facts);
            assert!(finding(&facts, "cluster-endpoint-unreachable").summary.contains(words), "{words}");
        }
    }

    #[test]
    fn an_addon_and_a_profile_that_are_not_active_are_told() {
        let addon = |status: &str, issues: Value| {
            Object::new(
                json!({"kind": "Addon", "metadata": {"name": "coredns"}, "name": "coredns", "version": "v1.11.4-eksbuild.2", "status": status, "health_issues": issues}),
            )
        };
        let mut facts = cluster(json!({}));
        facts.aws = vec![addon("ACTIVE", json!([]))];
        assert!(ids(&facts).is_empty());
        facts.aws = vec![addon(
            "DEGRADED",
            json!([{"code": "InsufficientNumberOfReplicas", "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.", "resource_ids": []}]),
        )];
        assert!(
            finding(&facts, "addon-degraded")
                .summary
                .starts_with("Add-on `coredns` is DEGRADED, InsufficientNumberOfReplicas: too few of its pods are ready")
        );
        let profile = json!({"kind": "FargateProfile", "metadata": {"name": "fp"}, "status": "CREATE_FAILED", "pod_execution_role": "arn", "health_issues": [{"code": "AccessDenied", "message": "no"}]});
        facts.aws = vec![Object::new(profile)];
        assert_eq!(ids(&facts), ["fargateprofile-issue"]);
    }
}
