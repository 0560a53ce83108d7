//! What a tool can reach: AWS, clusters, the clock, limits, progress and cancellation.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::aws::{Aws, Scope};
use crate::domain::cluster::Cluster;
use crate::domain::names;
use crate::domain::outbound;
use crate::domain::target::{ClusterArn, Target};
use crate::domain::time::Clock;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::Clusters;

/// Bounds that hold for every call.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long one call may take. Below the 60 s at which common clients give up.
    pub call_timeout: Duration,
    /// Characters of structured content that a tool fits its answer into.
    pub budget: usize,
    /// Characters of structured content above which an answer is refused as a bug.
    pub hard_limit: usize,
    /// How many calls to AWS one tool call makes at a time.
    pub fan_out: usize,
}

impl Limits {
    /// The bounds that the product promises.
    pub const STANDARD: Self = Self { call_timeout: Duration::from_secs(45), budget: 24_000, hard_limit: 40_000, fan_out: 8 };
}

/// Where answers come from: live AWS and clusters, or a snapshot of them.
#[derive(Clone)]
pub struct World {
    /// AWS.
    pub aws: Arc<dyn Aws>,
    /// API servers of clusters.
    pub clusters: Arc<dyn Clusters>,
    /// Now, or the moment of the snapshot.
    pub clock: Clock,
}

/// Reports how far a long call has come; without a listener it does nothing.
pub type Progress = Arc<dyn Fn(f64, Option<f64>, &str) + Send + Sync>;

/// What one call can reach.
#[derive(Clone)]
pub struct Context {
    /// Where answers come from.
    pub world: World,
    /// Bounds of this call.
    pub limits: Limits,
    /// Region from the configuration.
    pub configured_region: Option<String>,
    /// Set when the caller no longer wants the answer.
    pub cancel: CancellationToken,
    /// Listener for progress.
    pub progress: Option<Progress>,
}

impl Context {
    /// A context outside any call.
    pub fn new(world: World, limits: Limits, configured_region: Option<String>) -> Self {
        Self { world, limits, configured_region, cancel: CancellationToken::new(), progress: None }
    }

    /// The present moment.
    pub fn now(&self) -> jiff::Timestamp {
        self.world.clock.now()
    }

    /// Tells the caller how far the call has come, where the caller asked.
    pub fn report_progress(&self, done: f64, total: Option<f64>, message: &str) {
        if let Some(progress) = &self.progress {
            progress(done, total, &outbound::line(message));
        }
    }

    /// The Region of a call: argument, configuration, environment, profile, in that order.
    ///
    /// # Errors
    /// `invalid_input` when the argument is no Region code, or when nothing names a Region.
    pub async fn region(&self, argument: Option<&str>) -> Result<String, ToolError> {
        if let Some(region) = argument.or(self.configured_region.as_deref()) {
            return if names::is_region(region) {
                Ok(region.to_owned())
            } else {
                Err(ToolError::invalid(format!("`region`: `{region}` is no AWS Region code such as `eu-west-1`")))
            };
        }
        self.world.aws.default_region().await.ok_or_else(|| {
            ToolError::invalid("no AWS Region is known: neither the argument `region`, a cluster ARN, the configuration, `AWS_REGION` nor the profile names one")
                .with_hint("Pass `region`, or a cluster ARN as `cluster`.")
        })
    }

    /// Which cluster the arguments mean.
    ///
    /// # Errors
    /// `invalid_input` when `cluster` is neither a name nor an ARN, contradicts `region`, or no Region is known.
    pub async fn target(&self, cluster: &str, region: Option<&str>) -> Result<Target, ToolError> {
        if cluster.starts_with("arn:") {
            let arn = ClusterArn::parse(cluster)
                .ok_or_else(|| ToolError::invalid(format!("`cluster`: `{cluster}` is no EKS cluster ARN")))?;
            if region.is_some_and(|region| region != arn.region) {
                return Err(ToolError::invalid(format!("`region` contradicts the ARN, which is in {}", arn.region)));
            }
            return Ok(Target { account: Some(arn.account), region: Some(arn.region), cluster: arn.name });
        }
        if region.is_none() {
            if self.world.clusters.external().await?.iter().any(|it| it == cluster) {
                return Ok(Target { account: None, region: None, cluster: cluster.to_owned() });
            }
            if let Some(region) = self.world.aws.region_of(cluster).await {
                return Ok(Target { account: None, region: Some(region), cluster: cluster.to_owned() });
            }
        }
        if !names::is_cluster_name(cluster) {
            return Err(ToolError::invalid(format!("`cluster`: `{cluster}` is neither a cluster name nor an ARN")));
        }
        let region = self.region(region).await?;
        Ok(Target { account: None, region: Some(region), cluster: cluster.to_owned() })
    }

    /// The EKS view of a target, with its account filled in.
    ///
    /// # Errors
    /// `not_found` with near names when the cluster does not exist; `not_recorded` when only Kubernetes knows the cluster;
    /// what AWS answers otherwise.
    pub async fn describe(&self, target: &mut Target) -> Result<Cluster, ToolError> {
        let Some(region) = target.region.clone() else {
            return Err(ToolError::new(
                ErrorKind::NotRecorded,
                format!("cluster `{}` is known only to Kubernetes, not to EKS", target.cluster),
            )
            .with_hint("Use the workload tools, or name an EKS cluster with its Region."));
        };
        let eks = self.world.aws.eks(&Scope::region(&region));
        let cluster = match eks.describe_cluster(&target.cluster).await {
            Err(err) if err.kind == ErrorKind::NotFound => return Err(self.cluster_not_found(target, &region).await),
            result => result?,
        };
        let account = ClusterArn::parse(&cluster.arn).map(|it| it.account);
        if let (Some(asked), Some(found)) = (&target.account, &account)
            && asked != found
        {
            return Err(ToolError::not_found(format!(
                "the ARN names account {asked}, but these credentials see a cluster `{}` of account {found}",
                target.cluster
            ))
            .with_hint("Use credentials of that account."));
        }
        target.account = account.or(target.account.take());
        Ok(cluster)
    }

    async fn cluster_not_found(&self, target: &Target, region: &str) -> ToolError {
        let known = self.world.aws.eks(&Scope::region(region)).list_clusters(false).await.unwrap_or_default();
        let near = names::did_you_mean(&target.cluster, known.iter().map(String::as_str));
        let message = format!("cluster `{}` does not exist in {region}{near}", target.cluster);
        ToolError::not_found(message).with_hint("Call `list_clusters` for the clusters of a Region.")
    }

    /// A read-only client for the API server of a target.
    ///
    /// # Errors
    /// As [`Self::describe`], and `unreachable` when the cluster has no endpoint yet.
    pub async fn kubernetes(&self, target: &Target) -> Result<Client, ToolError> {
        match self.world.clusters.client(target).await {
            Err(err) if err.kind == ErrorKind::NotFound && target.region.is_some() => {
                let region = target.region.clone().unwrap_or_default();
                Err(self.cluster_not_found(target, &region).await)
            }
            result => result,
        }
    }
}
