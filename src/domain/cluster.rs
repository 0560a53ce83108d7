//! An EKS cluster as `eks:DescribeCluster` tells it, in our own words.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One EKS cluster (`eks:DescribeCluster`). Fields that EKS did not send are absent.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cluster {
    /// Name, unique in its account and Region.
    pub name: String,
    /// Full ARN.
    pub arn: String,
    /// `CREATING`, `ACTIVE`, `DELETING`, `FAILED`, `UPDATING` or `PENDING`.
    pub status: String,
    /// Kubernetes minor version, such as `1.35`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// EKS platform version, such as `eks.12`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// When the cluster was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// URL of the Kubernetes API server; absent until the cluster is active.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// PEM bundle of the cluster's certificate authorities, base64; two certificates during a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_authority: Option<String>,
    /// IAM role of the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// OpenID Connect issuer URL, for IAM roles for service accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oidc_issuer: Option<String>,
    /// VPC, subnets and exposure of the endpoint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Vpc>,
    /// `ipv4` or `ipv6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family: Option<String>,
    /// CIDR of Service addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_cidr: Option<String>,
    /// Control plane log types that are sent to CloudWatch Logs.
    pub logging: Vec<String>,
    /// KMS key for envelope encryption, when a customer-managed one is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key_arn: Option<String>,
    /// Open health issues of the cluster.
    pub health_issues: Vec<HealthIssue>,
    /// `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication_mode: Option<String>,
    /// Upgrade policy: `STANDARD` (upgraded at the end of standard support) or `EXTENDED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub support_type: Option<String>,
    /// Whether ARC zonal shift is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zonal_shift: Option<bool>,
    /// EKS Auto Mode; absent where it was never configured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_mode: Option<AutoMode>,
    /// CIDRs of hybrid nodes and their pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote_networks: Option<RemoteNetworks>,
    /// Whether the cluster is protected against deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
    /// Control plane scaling tier: `standard`, `tier-xl`, `tier-2xl`, `tier-4xl` or `tier-8xl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// How long the API server keeps events, such as `1h0m0s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_ttl: Option<String>,
    /// Provider of a cluster registered through the EKS connector, such as `EKS_ANYWHERE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connector_provider: Option<String>,
    /// Tags of the cluster resource; they do not propagate to nodes.
    pub tags: BTreeMap<String, String>,
}

/// Network placement and endpoint exposure.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vpc {
    /// VPC id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Subnets of the control plane's network interfaces.
    pub subnet_ids: Vec<String>,
    /// Extra security groups of the control plane's network interfaces.
    pub security_group_ids: Vec<String>,
    /// Security group that EKS made for the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_security_group_id: Option<String>,
    /// Whether the endpoint is reachable from the internet.
    pub public_access: bool,
    /// Whether the endpoint is reachable from within the VPC.
    pub private_access: bool,
    /// CIDRs that may reach the public endpoint.
    pub public_access_cidrs: Vec<String>,
    /// `AWS_MANAGED`, `CUSTOMER_ROUTED` or `CUSTOMER_ISOLATED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_mode: Option<String>,
}

/// One open health issue of a cluster (`health.issues[]`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthIssue {
    /// EKS issue code, such as `KmsKeyDisabled`.
    pub code: String,
    /// Explanation by EKS.
    pub message: String,
    /// Resources concerned.
    pub resource_ids: Vec<String>,
}

/// The three switches of EKS Auto Mode; it is on when all of them are.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AutoMode {
    /// Managed nodes (`computeConfig.enabled`).
    pub compute: bool,
    /// Managed block storage (`storageConfig.blockStorage.enabled`).
    pub storage: bool,
    /// Managed load balancing (`kubernetesNetworkConfig.elasticLoadBalancing.enabled`).
    pub load_balancing: bool,
    /// Built-in node pools that are on: `general-purpose`, `system`.
    pub node_pools: Vec<String>,
}

impl AutoMode {
    /// Whether Auto Mode is on as a whole.
    pub fn enabled(&self) -> bool {
        self.compute && self.storage && self.load_balancing
    }
}

/// Networks of hybrid nodes (`remoteNetworkConfig`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RemoteNetworks {
    /// CIDRs of hybrid nodes.
    pub node_cidrs: Vec<String>,
    /// CIDRs of pods on hybrid nodes.
    pub pod_cidrs: Vec<String>,
}

impl Cluster {
    /// Whether EKS Auto Mode is on as a whole.
    pub fn is_auto_mode(&self) -> bool {
        self.auto_mode.as_ref().is_some_and(AutoMode::enabled)
    }

    /// The scaling tier, `standard` where EKS sent none.
    pub fn tier(&self) -> &str {
        self.tier.as_deref().unwrap_or("standard")
    }

    /// Control plane log types that are not sent to CloudWatch Logs.
    pub fn logs_off(&self) -> Vec<String> {
        let all = ["api", "audit", "authenticator", "controllerManager", "scheduler"];
        all.into_iter().filter(|kind| !self.logging.iter().any(|it| it == kind)).map(str::to_owned).collect()
    }

    /// `public`, `public+private`, `private`, or `none` before the endpoint exists; `(restricted)` where CIDRs limit it.
    pub fn endpoint_exposure(&self) -> &'static str {
        let Some(vpc) = &self.vpc else { return "none" };
        match (vpc.public_access, vpc.private_access, vpc.is_open_to_the_internet()) {
            (true, true, true) => "public+private (open)",
            (true, true, false) => "public+private (restricted)",
            (true, false, true) => "public (open)",
            (true, false, false) => "public (restricted)",
            (false, true, _) => "private",
            (false, false, _) => "none",
        }
    }
}

impl Vpc {
    /// Whether anyone on the internet may reach the endpoint.
    pub fn is_open_to_the_internet(&self) -> bool {
        self.public_access
            && (self.public_access_cidrs.is_empty()
                || self.public_access_cidrs.iter().any(|cidr| cidr == "0.0.0.0/0" || cidr == "::/0"))
    }
}

/// A Pod Identity association of a service account (`eks:ListPodIdentityAssociations`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PodIdentityAssociation {
    /// Cluster that holds the association.
    pub cluster: String,
    /// Namespace of the service account.
    pub namespace: String,
    /// Name of the service account.
    pub service_account: String,
    /// Id of the association, such as `a-…`.
    pub id: String,
}
