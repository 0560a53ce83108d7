//! `troubleshoot`: what is wrong with one object, and why.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::diagnose::collect::{self, EksKind, Ports, Source};
use crate::diagnose::diagnosis::{
    BlastRadius, Contributing, Diagnosis, Evidence, Fix, Link, NextCheck, NotChecked, RootCause, RuledOut, Status,
};
use crate::diagnose::engine;
use crate::domain::names;
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text;
use crate::error::{ErrorKind, ToolError};
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// Diagnoses one object.
pub struct Troubleshoot;

/// Arguments of `troubleshoot`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// Kind of the object, such as `Pod` (the default), `Deployment`, `CronJob`, `Service`, `Ingress`, `PersistentVolumeClaim`, `Node`,
    /// `HorizontalPodAutoscaler`; of any other kind events and conditions are read. Of EKS: `Cluster` (with its own name: health and
    /// what keeps it from being upgraded), `Nodegroup`, `Addon`, `FargateProfile`.
    #[schemars(length(max = 200))]
    kind: Option<String>,
    /// Namespace of the object, if its kind has namespaces; default `default`.
    #[schemars(length(max = 63))]
    namespace: Option<String>,
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    name: String,
}

/// What the diagnosis is about.
#[derive(Serialize, JsonSchema)]
pub struct DiagnosisTarget {
    /// Account id; absent where it is not known without a further call.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// AWS Region; absent for a cluster that only Kubernetes knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Name of the cluster.
    cluster: String,
    /// Kind of the object.
    kind: String,
    /// Namespace of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// Name of the object.
    name: String,
}

/// Answer of `troubleshoot`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// What the diagnosis is about.
    target: DiagnosisTarget,
    /// When it was made.
    as_of: Timestamp,
    /// How the target is doing.
    status: Status,
    /// One sentence that answers.
    summary: String,
    /// The deepest cause; absent when the target is healthy or no rule knows the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    root_cause: Option<RootCause>,
    /// Verbatim values that speak for it, most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<Evidence>,
    /// From the topmost owner to the deepest failing link.
    chain: Vec<Link>,
    /// What else is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contributing: Vec<Contributing>,
    /// What was considered and does not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ruled_out: Vec<RuledOut>,
    /// What would cure it; nothing has been done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
    /// What to look at next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next_checks: Vec<NextCheck>,
    /// How far the failure reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_radius: Option<BlastRadius>,
    /// What could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_checked: Vec<NotChecked>,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Troubleshoot {
    const META: Meta = Meta {
        name: "troubleshoot",
        title: "Troubleshoot an object",
        description: "Find out what is wrong with a pod, workload, Service, Ingress, claim, node or other object, and why: the root cause with its \
                      verbatim evidence, fixes, and what was ruled out. Start here when something is pending, crashing, not ready or not reachable; it \
                      reads status, events, owners, pods, nodes, volumes, logs and AWS identity by itself.",
        toolset: Toolset::Diagnose,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            Permission::iam("eks:ListPodIdentityAssociations"),
            // Each only where something points at it; without them the diagnosis says what it could not check.
            Permission::iam("eks:DescribeClusterVersions"),
            Permission::iam("eks:ListNodegroups"),
            Permission::iam("eks:DescribeNodegroup"),
            Permission::iam("eks:ListAddons"),
            Permission::iam("eks:DescribeAddon"),
            Permission::iam("eks:DescribeAddonVersions"),
            Permission::iam("eks:ListFargateProfiles"),
            Permission::iam("eks:DescribeFargateProfile"),
            Permission::iam("eks:ListInsights"),
            Permission::iam("eks:DescribeInsight"),
            Permission::iam("eks:DescribeAccessEntry"),
            Permission::iam("eks:ListUpdates"),
            Permission::iam("eks:DescribeUpdate"),
            Permission::iam("ec2:DescribeInstances"),
            Permission::iam("ec2:DescribeInstanceStatus"),
            Permission::iam("ec2:DescribeInstanceTypes"),
            Permission::iam("ec2:GetConsoleOutput"),
            Permission::iam("ec2:DescribeSubnets"),
            Permission::iam("ec2:DescribeSecurityGroups"),
            Permission::iam("ec2:DescribeVolumes"),
            Permission::iam("autoscaling:DescribeScalingActivities"),
            Permission::iam("elasticloadbalancing:DescribeTargetHealth"),
            Permission::iam("iam:GetRole"),
            Permission::iam("iam:ListAttachedRolePolicies"),
            Permission::iam("ecr:DescribeImages"),
            Permission::iam("servicequotas:GetServiceQuota"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            // Of any kind: the object, what controls it, and what it refers to.
            Permission::rbac("get", "*", "*"),
            Permission::rbac("list", "*", "*"),
            Permission::rbac("get", "", "pods/log"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let target = cx.locate(&input.at).await?;
        let client = cx.kubernetes(&target).await?;
        let word = input.kind.as_deref().unwrap_or("Pod");
        if let Some(of) = eks_kind(word, &input, &target) {
            if input.name.len() > 100 || !names::is_path_segment(&input.name) {
                let name = text::cut(&input.name, 80);
                return Err(ToolError::invalid(format!("`name`: `{name}` is no name of a {}", of.name())));
            }
            let aws = Ports::of(&cx.world.aws, &target);
            let source = Source::new(client, target, aws, cx.now());
            let facts = collect::eks(&source, of, &input.name).await?;
            let diagnosis = engine::diagnose(&facts);
            return Ok(output(source.target, of.name(), None, &input.name, source.now, diagnosis));
        }
        let kind = cx.kind(&target, &client, word).await?;
        let namespace = input.namespace.as_deref().unwrap_or("default");
        if !names::is_dns_label(namespace) {
            return Err(ToolError::invalid(format!("`namespace`: `{}` is no namespace name", text::cut(namespace, 80))));
        }
        if !names::is_path_segment(&input.name) || kind.kind == "Pod" && !names::is_dns_subdomain(&input.name) {
            return Err(ToolError::invalid(format!(
                "`name`: `{}` is no name of a {}",
                text::cut(&input.name, 80),
                kind.singular
            )));
        }
        let namespace = kind.namespaced.then_some(namespace);
        let aws = Ports::of(&cx.world.aws, &target);
        let source = Source::new(client, target, aws, cx.now());
        let read = match (kind.kind.as_str(), namespace) {
            ("Pod", Some(namespace)) => collect::pod(&source, namespace, &input.name).await,
            _ => collect::subject(&source, &kind, namespace, &input.name).await,
        };
        let facts = match read {
            Err(err) if err.kind == ErrorKind::NotFound => {
                return Err(collect::absent(&source, &kind, namespace, &input.name).await);
            }
            result => result?,
        };
        let mut diagnosis = engine::diagnose(&facts);
        if source.target.region.is_none() {
            // A cluster that only Kubernetes knows has no metrics in CloudWatch.
            diagnosis.next_checks.retain(|it| it.tool.as_deref() != Some("query_container_insights"));
        }
        Ok(output(source.target, &kind.kind, namespace, &input.name, source.now, diagnosis))
    }
}

/// What only EKS knows. A custom resource may have the same kind: with a namespace that one is meant, and a `Cluster` of another
/// name than this one is of a database or the like.
fn eks_kind(word: &str, input: &Input, target: &Target) -> Option<EksKind> {
    let of = EksKind::named(word)?;
    let own = of != EksKind::Cluster || input.name == target.cluster;
    (own && input.namespace.is_none() && target.region.is_some()).then_some(of)
}

fn output(target: Target, kind: &str, namespace: Option<&str>, name: &str, as_of: Timestamp, diagnosis: Diagnosis) -> Output {
    Output {
        target: DiagnosisTarget {
            account: target.account,
            region: target.region,
            cluster: target.cluster,
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        },
        as_of,
        status: diagnosis.status,
        summary: diagnosis.summary,
        root_cause: diagnosis.root_cause,
        evidence: diagnosis.evidence,
        chain: diagnosis.chain,
        contributing: diagnosis.contributing,
        ruled_out: diagnosis.ruled_out,
        fixes: diagnosis.fixes,
        next_checks: diagnosis.next_checks,
        blast_radius: diagnosis.blast_radius,
        not_checked: diagnosis.not_checked,
        warnings: diagnosis.warnings,
    }
}
