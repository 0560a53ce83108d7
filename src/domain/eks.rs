//! What a cluster consists of besides itself: node groups, add-ons, profiles, insights, entries, updates.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cluster::HealthIssue;

/// A managed node group (`eks:DescribeNodegroup`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Nodegroup {
    /// Cluster it belongs to.
    pub cluster: String,
    /// Name.
    pub name: String,
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `CREATE_FAILED`, `DELETE_FAILED` or `DEGRADED`.
    pub status: String,
    /// Kubernetes minor version of its nodes.
    pub version: String,
    /// AMI release, or the AMI id of a custom AMI.
    pub release_version: String,
    /// AMI type, such as `AL2023_x86_64_STANDARD` or `CUSTOM`.
    pub ami_type: String,
    /// `ON_DEMAND`, `SPOT` or `CAPACITY_BLOCK`.
    pub capacity_type: String,
    /// Instance types that it may launch.
    pub instance_types: Vec<String>,
    /// Subnets that it launches into.
    pub subnet_ids: Vec<String>,
    /// IAM role of its nodes.
    pub node_role: String,
    /// Fewest nodes.
    pub min_size: i32,
    /// Nodes that are wanted.
    pub desired_size: i32,
    /// Most nodes.
    pub max_size: i32,
    /// Auto Scaling groups that carry it out.
    pub auto_scaling_groups: Vec<String>,
    /// Open health issues.
    pub health_issues: Vec<HealthIssue>,
    /// When it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// An installed add-on (`eks:DescribeAddon`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Addon {
    /// Cluster it is installed in.
    pub cluster: String,
    /// Name, such as `vpc-cni`.
    pub name: String,
    /// `CREATING`, `ACTIVE`, `CREATE_FAILED`, `UPDATING`, `DELETING`, `DELETE_FAILED`, `DEGRADED` or `UPDATE_FAILED`.
    pub status: String,
    /// Version, such as `v1.19.2-eksbuild.1`.
    pub version: String,
    /// Open health issues.
    pub health_issues: Vec<HealthIssue>,
}

/// The versions of an add-on that EKS offers for one Kubernetes version (`eks:DescribeAddonVersions`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AddonVersions {
    /// Kubernetes minor version.
    pub kubernetes_version: String,
    /// Name of the add-on.
    pub name: String,
    /// Versions that work there, newest first.
    pub versions: Vec<String>,
    /// The version that EKS installs where none is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_version: Option<String>,
}

/// A Fargate profile (`eks:DescribeFargateProfile`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FargateProfile {
    /// Cluster it belongs to.
    pub cluster: String,
    /// Name.
    pub name: String,
    /// `CREATING`, `ACTIVE`, `DELETING`, `CREATE_FAILED` or `DELETE_FAILED`.
    pub status: String,
    /// Role with which pods are started.
    pub pod_execution_role: String,
    /// Open health issues.
    pub health_issues: Vec<HealthIssue>,
}

/// A finding of EKS about a cluster (`eks:ListInsights`, and `eks:DescribeInsight` where it does not pass).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Insight {
    /// Cluster it is about.
    pub cluster: String,
    /// Id.
    pub id: String,
    /// Name of the check.
    pub name: String,
    /// `UPGRADE_READINESS`, `MISCONFIGURATION` or `ROLLBACK_READINESS`.
    pub category: String,
    /// Kubernetes version that it is about.
    pub kubernetes_version: String,
    /// `PASSING`, `WARNING`, `ERROR` or `UNKNOWN`.
    pub status: String,
    /// Why it has this status.
    pub reason: String,
    /// What EKS recommends.
    pub recommendation: String,
    /// Objects concerned: paths of the Kubernetes API or ARNs.
    pub resources: Vec<String>,
    /// APIs that will be gone, and who still calls them.
    pub deprecations: Vec<Deprecation>,
    /// Add-ons that do not fit, with versions that do.
    pub addons: Vec<AddonVersions>,
    /// When EKS last looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refreshed_at: Option<Timestamp>,
}

/// An API that a later version does not serve any more (`deprecationDetails[]`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deprecation {
    /// Path of the API that is in use.
    pub usage: String,
    /// What replaces it.
    pub replaced_with: String,
    /// Version that does not serve it any more.
    pub stop_serving_version: String,
    /// Clients that have called it within 30 days, as their user agents.
    pub clients: Vec<String>,
}

/// Who may reach a cluster (`eks:DescribeAccessEntry`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessEntry {
    /// Cluster it belongs to.
    pub cluster: String,
    /// ARN of the role or user.
    pub principal_arn: String,
    /// `STANDARD`, `FARGATE_LINUX`, `EC2_LINUX`, `EC2_WINDOWS`, `EC2`, `HYBRID_LINUX` or `HYPERPOD_LINUX`.
    pub entry_type: String,
    /// User name in Kubernetes.
    pub username: String,
    /// Groups in Kubernetes.
    pub groups: Vec<String>,
}

/// A change that is under way or over (`eks:DescribeUpdate`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Update {
    /// Cluster it belongs to.
    pub cluster: String,
    /// Node group that it changes; absent for the cluster itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodegroup: Option<String>,
    /// Id.
    pub id: String,
    /// `InProgress`, `Failed`, `Cancelled` or `Successful`.
    pub status: String,
    /// Type, such as `VersionUpdate`.
    pub update_type: String,
    /// Errors so far.
    pub errors: Vec<HealthIssue>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}
