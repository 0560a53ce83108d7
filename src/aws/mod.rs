//! AWS as the tools see it: small ports that speak our own words. Only this module names an AWS SDK.

mod alarms;
mod cloudwatch;
mod ec2;
mod ecr;
mod eks;
mod error;
mod http;
mod iam;
mod identity;
mod load_balancing;
mod logs;
mod parts;
mod pricing;
mod query;
mod quotas;
pub mod sdk;
mod sts;
pub mod token;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::account::Accounts;
use crate::domain::alarm::Alarm;
use crate::domain::cluster::{Cluster, PodIdentityAssociation};
use crate::domain::compute::{Instance, InstanceType, ScalingActivity, SecurityGroup, Subnet, Volume};
use crate::domain::eks::{AccessEntry, Addon, AddonVersions, FargateProfile, Insight, Nodegroup, Update};
use crate::domain::log_event::{LogEvent, LogFilter, LogScan};
use crate::domain::metric::{MetricAnswer, MetricQuery};
use crate::domain::price::Product;
use crate::domain::surroundings::{IamRole, Quota, RegistryImage, TargetHealth};
use crate::domain::target::Target;
use crate::domain::version::ClusterVersion;
use crate::error::ToolError;

/// What the SDK logs although it is reported as an error of ours, as a directive for a filter of logs.
pub const QUIET: &str = "aws_config::sts::assume_role=off";

/// Where a call goes, and with whose credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// Id of the configured account whose credentials are used; absent for the server's own.
    pub account: Option<String>,
    /// AWS Region.
    pub region: String,
}

impl Scope {
    /// A Region of the account that the server's own credentials belong to.
    pub fn region(region: impl Into<String>) -> Self {
        Self { account: None, region: region.into() }
    }

    /// Where a cluster is; the Region is empty for a cluster that only Kubernetes knows.
    pub fn of(target: &Target) -> Self {
        Self { account: target.through.clone(), region: target.region.clone().unwrap_or_default() }
    }
}

/// Who the credentials belong to (`sts:GetCallerIdentity`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CallerIdentity {
    /// Account id.
    pub account: String,
    /// ARN of the role session or user.
    pub arn: String,
    /// Unique id of the principal.
    pub user_id: String,
}

/// Every AWS port, for any Region. Making a port contacts nothing.
#[async_trait]
pub trait Aws: Send + Sync + 'static {
    /// The Region of the environment or profile, if any.
    async fn default_region(&self) -> Option<String>;

    /// The accounts that calls can name.
    fn accounts(&self) -> &Accounts;

    /// Makes sure that the credentials which calls to this account use are of this account.
    ///
    /// # Errors
    /// `credentials` that names the account, whose credentials are used instead, and what to configure.
    async fn verify_account(&self, id: &str, region: &str) -> Result<(), ToolError>;

    /// The Region that holds a cluster, where that is known without asking AWS.
    async fn region_of(&self, _cluster: &str) -> Option<String> {
        None
    }

    /// The Regions that hold clusters, where that is known without asking AWS; empty otherwise.
    async fn known_regions(&self) -> Vec<String> {
        Vec::new()
    }

    /// EKS in a Region.
    fn eks(&self, scope: &Scope) -> Arc<dyn Eks>;

    /// CloudWatch metrics in a Region.
    fn metrics(&self, scope: &Scope) -> Arc<dyn Metrics>;

    /// Alarms of CloudWatch in a Region.
    fn alarms(&self, scope: &Scope) -> Arc<dyn Alarms>;

    /// CloudWatch Logs in a Region.
    fn logs(&self, scope: &Scope) -> Arc<dyn Logs>;

    /// The price list, which covers every Region, asked with the credentials of a scope.
    fn pricing(&self, scope: &Scope) -> Arc<dyn Pricing>;

    /// The Security Token Service in a Region.
    fn sts(&self, scope: &Scope) -> Arc<dyn Sts>;

    /// What clusters of a Region consist of.
    fn parts(&self, scope: &Scope) -> Arc<dyn ClusterParts>;

    /// EC2 and Auto Scaling in a Region.
    fn compute(&self, scope: &Scope) -> Arc<dyn Compute>;

    /// IAM of the account.
    fn iam(&self, scope: &Scope) -> Arc<dyn Iam>;

    /// Elastic Load Balancing in a Region.
    fn load_balancing(&self, scope: &Scope) -> Arc<dyn LoadBalancing>;

    /// Amazon ECR in a Region.
    fn images(&self, scope: &Scope) -> Arc<dyn Images>;

    /// Service Quotas in a Region.
    fn quotas(&self, scope: &Scope) -> Arc<dyn Quotas>;
}

/// Amazon EKS.
#[async_trait]
pub trait Eks: Send + Sync {
    /// Names of all clusters, with connector clusters when `include_external`.
    async fn list_clusters(&self, include_external: bool) -> Result<Vec<String>, ToolError>;

    /// One cluster.
    async fn describe_cluster(&self, name: &str) -> Result<Cluster, ToolError>;

    /// Every Kubernetes version that EKS knows.
    async fn cluster_versions(&self) -> Result<Vec<ClusterVersion>, ToolError>;

    /// Pod Identity associations of a service account.
    async fn pod_identity_associations(
        &self,
        cluster: &str,
        namespace: &str,
        service_account: &str,
    ) -> Result<Vec<PodIdentityAssociation>, ToolError>;
}

/// CloudWatch metrics.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Whether a namespace holds recent metrics with this dimension value.
    async fn has_metrics(&self, namespace: &str, dimension: (&str, &str)) -> Result<bool, ToolError>;

    /// Every series that the query matches.
    async fn query(&self, query: &MetricQuery) -> Result<MetricAnswer, ToolError>;
}

/// Alarms of CloudWatch.
#[async_trait]
pub trait Alarms: Send + Sync {
    /// Metric and composite alarms, without their tags, and whether these are all.
    async fn alarms(&self) -> Result<(Vec<Alarm>, bool), ToolError>;

    /// Tags of alarms by their ARNs, in that order.
    async fn tags(&self, arns: &[String]) -> Result<Vec<BTreeMap<String, String>>, ToolError>;
}

/// Takes the events of a log group one by one and says whether to go on.
pub type VisitEvent<'a> = &'a mut (dyn FnMut(LogEvent) -> bool + Send);

/// CloudWatch Logs.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Hands the events that the filter matches to `visit`, oldest first, page by page; a search that takes too many pages
    /// ends early and says so.
    async fn filter_events(&self, filter: &LogFilter, visit: VisitEvent<'_>) -> Result<LogScan, ToolError>;
}

/// The AWS Price List.
#[async_trait]
pub trait Pricing: Send + Sync {
    /// Products of a service whose attributes have these values.
    async fn products(&self, service: &str, filters: &[(&str, &str)]) -> Result<Vec<Product>, ToolError>;
}

/// The Security Token Service.
#[async_trait]
pub trait Sts: Send + Sync {
    /// Who the credentials belong to.
    async fn caller_identity(&self) -> Result<CallerIdentity, ToolError>;
}

/// What a cluster consists of, as Amazon EKS tells it.
#[async_trait]
pub trait ClusterParts: Send + Sync {
    /// Its managed node groups.
    async fn nodegroups(&self, cluster: &str) -> Result<Vec<Nodegroup>, ToolError>;

    /// Its add-ons.
    async fn addons(&self, cluster: &str) -> Result<Vec<Addon>, ToolError>;

    /// The versions of these add-ons that fit a Kubernetes version.
    async fn addon_versions(&self, kubernetes_version: &str, names: &[String]) -> Result<Vec<AddonVersions>, ToolError>;

    /// Its Fargate profiles.
    async fn fargate_profiles(&self, cluster: &str) -> Result<Vec<FargateProfile>, ToolError>;

    /// What EKS finds about it; those that do not pass come first and whole.
    async fn insights(&self, cluster: &str) -> Result<Vec<Insight>, ToolError>;

    /// The access entry of a role or user.
    async fn access_entry(&self, cluster: &str, principal: &str) -> Result<Option<AccessEntry>, ToolError>;

    /// Updates of a node group.
    async fn updates(&self, cluster: &str, nodegroup: &str) -> Result<Vec<Update>, ToolError>;
}

/// EC2 and Auto Scaling. What does not exist is missing from an answer.
#[async_trait]
pub trait Compute: Send + Sync {
    /// Instances with these ids.
    async fn instances(&self, ids: &[String]) -> Result<Vec<Instance>, ToolError>;

    /// Instances that were launched for a cluster and are pending or running; without their status checks.
    async fn instances_of(&self, cluster: &str) -> Result<Vec<Instance>, ToolError>;

    /// What an instance wrote to its console while it started.
    async fn console_output(&self, id: &str) -> Result<String, ToolError>;

    /// Instance types with these names.
    async fn instance_types(&self, names: &[String]) -> Result<Vec<InstanceType>, ToolError>;

    /// Subnets with these ids.
    async fn subnets(&self, ids: &[String]) -> Result<Vec<Subnet>, ToolError>;

    /// Security groups with these ids.
    async fn security_groups(&self, ids: &[String]) -> Result<Vec<SecurityGroup>, ToolError>;

    /// Volumes with these ids.
    async fn volumes(&self, ids: &[String]) -> Result<Vec<Volume>, ToolError>;

    /// The newest activities of an Auto Scaling group, newest first.
    async fn scaling_activities(&self, group: &str) -> Result<Vec<ScalingActivity>, ToolError>;
}

/// AWS Identity and Access Management.
#[async_trait]
pub trait Iam: Send + Sync {
    /// A role of the account.
    async fn role(&self, name: &str) -> Result<Option<IamRole>, ToolError>;
}

/// Elastic Load Balancing.
#[async_trait]
pub trait LoadBalancing: Send + Sync {
    /// The targets of a target group.
    async fn target_health(&self, group: &str) -> Result<Vec<TargetHealth>, ToolError>;
}

/// Amazon Elastic Container Registry.
#[async_trait]
pub trait Images: Send + Sync {
    /// What the registry of an account holds under a tag or digest of a repository.
    async fn image(&self, registry: &str, repository: &str, reference: &str) -> Result<RegistryImage, ToolError>;
}

/// Service Quotas.
#[async_trait]
pub trait Quotas: Send + Sync {
    /// One quota.
    async fn quota(&self, service: &str, code: &str) -> Result<Option<Quota>, ToolError>;
}
