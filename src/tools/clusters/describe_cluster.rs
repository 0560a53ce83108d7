//! `describe_cluster`

use std::collections::BTreeSet;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::api_server::{self, Kubernetes};
use crate::aws::Scope;
use crate::context::Context;
use crate::domain::cluster::{AutoMode, Cluster, HealthIssue, RemoteNetworks, Vpc};
use crate::domain::cluster_findings::{Finding, findings};
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text::count;
use crate::domain::time::age;
use crate::domain::version::Support;
use crate::error::ToolError;
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// `describe_cluster`
pub struct DescribeCluster;

/// Arguments of `describe_cluster`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// Parts to return. Default: overview, health, endpoint, compute, upgrade. Findings always cover the whole cluster.
    #[serde(default)]
    #[schemars(length(max = 12))]
    sections: Vec<Section>,
}

/// A part of the description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Section {
    /// Status, version, age, platform.
    Overview,
    /// Open health issues.
    Health,
    /// Exposure of the API endpoint.
    Endpoint,
    /// How identities are mapped.
    Access,
    /// Auto Mode, node pools, control plane tier.
    Compute,
    /// VPC, subnets, addresses.
    Networking,
    /// Control plane logs.
    Logging,
    /// Encryption of API data.
    Encryption,
    /// Support and upgrade policy.
    Upgrade,
    /// Deletion protection and zonal shift.
    Protection,
    /// Networks of hybrid nodes.
    Hybrid,
    /// Tags.
    Tags,
}

const DEFAULT: [Section; 5] = [Section::Overview, Section::Health, Section::Endpoint, Section::Compute, Section::Upgrade];

/// Answer of `describe_cluster`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The cluster that was read.
    target: Target,
    /// The moment the answer describes.
    as_of: Timestamp,
    /// One sentence on the state of the cluster.
    summary: String,
    /// What deserves attention, worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    /// Status, version, age, platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    overview: Option<Overview>,
    /// Open health issues (`health.issues[]`); empty when there are none, absent when not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<Vec<HealthIssue>>,
    /// Exposure of the API endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<Endpoint>,
    /// How identities are mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<Access>,
    /// Auto Mode, node pools, control plane tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    compute: Option<Compute>,
    /// VPC, subnets, addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    networking: Option<Networking>,
    /// Control plane logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    logging: Option<Logging>,
    /// Encryption of API data.
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<Encryption>,
    /// Support and upgrade policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: Option<Upgrade>,
    /// Deletion protection and zonal shift.
    #[serde(skip_serializing_if = "Option::is_none")]
    protection: Option<Protection>,
    /// Networks of hybrid nodes; absent where there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    hybrid: Option<RemoteNetworks>,
    /// Tags as `key=value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<String>>,
    /// What the API server says; only for clusters that EKS does not know, such as contexts of a kubeconfig.
    #[serde(skip_serializing_if = "Option::is_none")]
    kubernetes: Option<Kubernetes>,
    /// What could not be read, and which permission is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Status, version, age, platform.
#[derive(Serialize, JsonSchema)]
struct Overview {
    /// `CREATING`, `ACTIVE`, `DELETING`, `FAILED`, `UPDATING` or `PENDING`.
    status: String,
    /// Kubernetes minor version.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// EKS platform version.
    #[serde(skip_serializing_if = "Option::is_none")]
    platform_version: Option<String>,
    /// When the cluster was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<Timestamp>,
    /// Full ARN.
    arn: String,
}

/// Exposure of the API endpoint.
#[derive(Serialize, JsonSchema)]
struct Endpoint {
    /// URL; absent until the cluster is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    /// Whether it is reachable from the internet.
    public: bool,
    /// Whether it is reachable from within the VPC.
    private: bool,
    /// CIDRs that may reach the public endpoint.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    public_cidrs: Vec<String>,
}

/// How identities are mapped.
#[derive(Serialize, JsonSchema)]
struct Access {
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication_mode: Option<String>,
    /// OpenID Connect issuer, for IAM roles for service accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    oidc_issuer: Option<String>,
    /// IAM role of the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
}

/// Auto Mode, node pools, control plane tier.
#[derive(Serialize, JsonSchema)]
struct Compute {
    /// Whether Auto Mode is on as a whole.
    auto_mode: bool,
    /// Its switches; absent where it was never configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    auto_mode_parts: Option<AutoMode>,
    /// Control plane scaling tier: `standard`, `tier-xl`, `tier-2xl`, `tier-4xl` or `tier-8xl`.
    tier: String,
}

/// VPC, subnets, addresses.
#[derive(Serialize, JsonSchema)]
struct Networking {
    /// VPC and subnets.
    #[serde(skip_serializing_if = "Option::is_none")]
    vpc: Option<Vpc>,
    /// `ipv4` or `ipv6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_family: Option<String>,
    /// CIDR of Service addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    service_cidr: Option<String>,
}

/// Control plane logs.
#[derive(Serialize, JsonSchema)]
struct Logging {
    /// Types sent to CloudWatch Logs.
    on: Vec<String>,
    /// Types not sent.
    off: Vec<String>,
}

/// Encryption of API data.
#[derive(Serialize, JsonSchema)]
struct Encryption {
    /// Customer-managed KMS key; absent when the data is encrypted with a key of AWS.
    #[serde(skip_serializing_if = "Option::is_none")]
    key_arn: Option<String>,
}

/// Support and upgrade policy.
#[derive(Serialize, JsonSchema)]
struct Upgrade {
    /// `standard`, `extended`, `unsupported` or `unknown`.
    support: String,
    /// Days until this kind of support ends; negative when the date has passed; absent when unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<i64>,
    /// Policy at the end of standard support: `STANDARD` (upgraded by EKS) or `EXTENDED` (stays, for a surcharge).
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<String>,
}

/// Deletion protection and zonal shift.
#[derive(Serialize, JsonSchema)]
struct Protection {
    /// Whether the cluster is protected against deletion; absent when EKS does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_protection: Option<bool>,
    /// Whether ARC zonal shift is allowed; absent when EKS does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    zonal_shift: Option<bool>,
}

impl Tool for DescribeCluster {
    const META: Meta = Meta {
        name: "describe_cluster",
        title: "Describe an EKS cluster",
        description: "Describe one EKS cluster: status, version and support, health issues, endpoint exposure, compute, and findings on what \
                      deserves attention. Ask for more `sections` only when needed.",
        toolset: Toolset::Clusters,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            Permission::iam("eks:DescribeClusterVersions"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            // For clusters that EKS does not know.
            Permission::rbac("list", "", "nodes"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let mut target = cx.locate(&input.at).await?;
        if target.region.is_none() {
            return kubernetes_only(cx, target).await;
        }
        let cluster = cx.describe(&mut target).await?;
        let mut warnings = Vec::new();
        let eks = cx.world.aws.eks(&Scope::of(&target));
        let versions = eks.cluster_versions().await.unwrap_or_else(|err| {
            warnings.push(format!("the support of the version is unknown: {}", err.message));
            Vec::new()
        });
        let support = Support::of(cluster.version.as_deref(), &versions, cx.now());
        let sections: BTreeSet<Section> =
            if input.sections.is_empty() { DEFAULT.into() } else { input.sections.into_iter().collect() };
        Ok(answer(cx, target, cluster, support, &sections, warnings))
    }
}

fn answer(
    cx: &Context,
    target: Target,
    cluster: Cluster,
    support: Support,
    sections: &BTreeSet<Section>,
    warnings: Vec<String>,
) -> Output {
    let has = |section| sections.contains(&section);
    let findings = findings(&cluster, support);
    let vpc = cluster.vpc.clone().unwrap_or_default();
    Output {
        summary: summary(&cluster, support, &findings, cx.now()),
        target,
        as_of: cx.now(),
        overview: has(Section::Overview).then(|| Overview {
            status: cluster.status.clone(),
            version: cluster.version.clone(),
            platform_version: cluster.platform_version.clone(),
            created_at: cluster.created_at,
            arn: cluster.arn.clone(),
        }),
        health: has(Section::Health).then(|| cluster.health_issues.clone()),
        endpoint: has(Section::Endpoint).then(|| Endpoint {
            url: cluster.endpoint.clone(),
            public: vpc.public_access,
            private: vpc.private_access,
            public_cidrs: vpc.public_access_cidrs,
        }),
        access: has(Section::Access).then(|| Access {
            authentication_mode: cluster.authentication_mode.clone(),
            oidc_issuer: cluster.oidc_issuer.clone(),
            role_arn: cluster.role_arn.clone(),
        }),
        compute: has(Section::Compute).then(|| Compute {
            auto_mode: cluster.is_auto_mode(),
            auto_mode_parts: cluster.auto_mode.clone(),
            tier: cluster.tier().to_owned(),
        }),
        networking: has(Section::Networking).then(|| Networking {
            vpc: cluster.vpc.clone(),
            ip_family: cluster.ip_family.clone(),
            service_cidr: cluster.service_cidr.clone(),
        }),
        logging: has(Section::Logging).then(|| Logging { off: cluster.logs_off(), on: cluster.logging.clone() }),
        encryption: has(Section::Encryption).then(|| Encryption { key_arn: cluster.encryption_key_arn.clone() }),
        upgrade: has(Section::Upgrade).then(|| Upgrade {
            support: support.name().to_owned(),
            days_left: support.days_left(),
            policy: cluster.support_type.clone(),
        }),
        protection: has(Section::Protection)
            .then_some(Protection { deletion_protection: cluster.deletion_protection, zonal_shift: cluster.zonal_shift }),
        hybrid: cluster.remote_networks.clone().filter(|_| has(Section::Hybrid)),
        tags: has(Section::Tags).then(|| cluster.tags.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        kubernetes: None,
        findings,
        warnings,
    }
}

/// The answer for a cluster that EKS does not know.
async fn kubernetes_only(cx: &Context, target: Target) -> Result<Output, ToolError> {
    let mut warnings = vec!["this cluster is known to Kubernetes only, so nothing that EKS tells is in the answer".to_owned()];
    let found = api_server::ask(cx, &target, &mut warnings).await?;
    let version = found.version.as_deref().unwrap_or("an unknown version");
    let nodes = found.nodes.as_ref().map_or_else(String::new, |it| format!(", {}/{} nodes ready", it.ready, it.total));
    Ok(Output {
        summary: format!("`{}` is on Kubernetes {version}{nodes}; what EKS tells of it is not known here.", target.cluster),
        target,
        as_of: cx.now(),
        findings: Vec::new(),
        overview: None,
        health: None,
        endpoint: None,
        access: None,
        compute: None,
        networking: None,
        logging: None,
        encryption: None,
        upgrade: None,
        protection: None,
        hybrid: None,
        tags: None,
        kubernetes: Some(found),
        warnings,
    })
}

fn summary(cluster: &Cluster, support: Support, findings: &[Finding], now: Timestamp) -> String {
    let version = cluster.version.as_deref().unwrap_or("unknown");
    let age = cluster.created_at.map(|it| format!(", {} old", age(now, it))).unwrap_or_default();
    let mode = if cluster.is_auto_mode() { ", Auto Mode" } else { "" };
    let left = match (support, support.days_left()) {
        (_, Some(days)) if days >= 0 => {
            format!(" ({} support, {} left)", support.name(), count(usize::try_from(days).unwrap_or(0), "day"))
        }
        (Support::Unknown, _) => String::new(),
        _ => format!(" ({} support)", support.name()),
    };
    let attention = if findings.is_empty() {
        "nothing needs attention".to_owned()
    } else {
        format!("{} on it", count(findings.len(), "finding"))
    };
    format!("`{}` is {} on Kubernetes {version}{left}{mode}{age}; {attention}.", cluster.name, cluster.status)
}
