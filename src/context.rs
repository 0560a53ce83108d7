//! What a tool can reach: AWS, clusters, the clock, limits, progress and cancellation.

use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use tokio_util::sync::CancellationToken;

use crate::aws::{Aws, Scope};
use crate::domain::account::Account;
use crate::domain::cluster::Cluster;
use crate::domain::cursor::Cursors;
use crate::domain::names;
use crate::domain::outbound;
use crate::domain::target::{ClusterArguments, ClusterArn, Target};
use crate::domain::time::Clock;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::discovery::{Discoveries, Discovery};
use crate::k8s::kinds::{self, Kind};
use crate::k8s::{Clusters, External};

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
    /// Seals and opens cursors.
    pub cursors: Cursors,
    /// Kinds of objects that clusters serve, as far as they have been asked.
    discoveries: Discoveries,
}

/// The account that an argument named.
#[derive(Clone, Debug)]
pub struct NamedAccount<'a> {
    /// An id that is not configured.
    pub id: Option<String>,
    /// The configured account.
    pub configured: Option<&'a Account>,
}

impl Context {
    /// A context outside any call.
    pub fn new(world: World, limits: Limits, configured_region: Option<String>) -> Self {
        Self {
            world,
            limits,
            configured_region,
            cancel: CancellationToken::new(),
            progress: None,
            cursors: Cursors::with_random_key(),
            discoveries: Discoveries::default(),
        }
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

    /// Which cluster the arguments mean, and whose credentials reach it.
    ///
    /// # Errors
    /// `invalid_input` when `cluster` is neither a name nor an ARN, contradicts `region` or `account`, or no Region or
    /// account is known; `credentials` when the account of the cluster is not that of the credentials.
    pub async fn locate(&self, arguments: &ClusterArguments) -> Result<Target, ToolError> {
        let ClusterArguments { cluster, region, account } = arguments;
        let external = if region.is_none() && account.is_none() { self.world.clusters.external().await? } else { Vec::new() };
        // Contexts of a kubeconfig may be named by ARN; the exact name wins.
        if external.iter().any(|it| it.name == *cluster) {
            return Ok(Target { account: None, region: None, cluster: cluster.clone(), through: None });
        }
        if cluster.starts_with("arn:") {
            return self.locate_arn(arguments).await;
        }
        if !names::is_cluster_name(cluster) {
            return Err(ToolError::invalid(format!("`cluster`: `{cluster}` is neither a cluster name nor an ARN")));
        }
        let named = match account {
            Some(name) => self.account(name)?,
            None => NamedAccount { id: None, configured: self.world.aws.accounts().default_account() },
        };
        let known = if region.is_none() { self.world.aws.region_of(cluster).await } else { None };
        let region = match known {
            Some(region) => region,
            None => match self.region_in(named.configured, region.as_deref()).await {
                // Without a Region it can only have been one of those that need none.
                Err(_) if !external.is_empty() => return Err(no_external(cluster, &external)),
                region => region?,
            },
        };
        let id = named.id.or_else(|| named.configured.map(|it| it.id.clone()));
        if let Some(id) = &id {
            self.world.aws.verify_account(id, &region).await?;
        }
        let through = named.configured.map(|it| it.id.clone());
        Ok(Target { account: id, region: Some(region), cluster: cluster.clone(), through })
    }

    async fn locate_arn(&self, arguments: &ClusterArguments) -> Result<Target, ToolError> {
        let ClusterArguments { cluster, region, account } = arguments;
        let arn = ClusterArn::parse(cluster)
            .ok_or_else(|| ToolError::invalid(format!("`cluster`: `{cluster}` is no EKS cluster ARN")))?;
        if region.as_ref().is_some_and(|region| *region != arn.region) {
            return Err(ToolError::invalid(format!("`region` contradicts the ARN, which is in {}", arn.region)));
        }
        if let Some(name) = account
            && let named = self.account(name)?
            && named.id.as_ref().or(named.configured.map(|it| &it.id)) != Some(&arn.account)
        {
            return Err(ToolError::invalid(format!("`account` contradicts the ARN, which is of account {}", arn.account)));
        }
        self.world.aws.verify_account(&arn.account, &arn.region).await?;
        let through = self.world.aws.accounts().by_id(&arn.account).map(|it| it.id.clone());
        Ok(Target { account: Some(arn.account), region: Some(arn.region), cluster: arn.name, through })
    }

    /// The account that an argument names. An id that is not configured may be that of the server's own credentials.
    ///
    /// # Errors
    /// `invalid_input` when no such account is configured.
    pub fn account(&self, name: &str) -> Result<NamedAccount<'_>, ToolError> {
        match self.world.aws.accounts().find(name) {
            Ok(account) => Ok(NamedAccount { id: None, configured: Some(account) }),
            Err(_) if names::is_account_id(name) => Ok(NamedAccount { id: Some(name.to_owned()), configured: None }),
            Err(err) => Err(err),
        }
    }

    /// The Region of a call to an account: argument, the server's where the account has it, the account's first, the server's.
    ///
    /// # Errors
    /// As [`Self::region`].
    pub async fn region_in(&self, account: Option<&Account>, argument: Option<&str>) -> Result<String, ToolError> {
        let regions = account.map_or(&[][..], |it| it.regions.as_slice());
        let configured = self.configured_region.as_ref();
        match (argument, regions.first()) {
            (None, Some(first)) => Ok(configured.filter(|it| regions.contains(it)).unwrap_or(first).clone()),
            (argument, _) => self.region(argument).await,
        }
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
        let eks = self.world.aws.eks(&Scope::of(target));
        let cluster = match eks.describe_cluster(&target.cluster).await {
            Err(err) if err.kind == ErrorKind::NotFound => return Err(self.cluster_not_found(target, &region).await),
            Err(err) => return Err(self.or_external(target, err).await),
            Ok(cluster) => cluster,
        };
        let account = ClusterArn::parse(&cluster.arn).map(|it| it.account);
        if let (Some(asked), Some(found)) = (&target.account, &account)
            && asked != found
        {
            return Err(ToolError::not_found(format!(
                "account {asked} was named, but these credentials see a cluster `{}` of account {found}",
                target.cluster
            ))
            .with_hint("Use credentials of that account, or name it by the alias of a configured one."));
        }
        target.account = account.or(target.account.take());
        Ok(cluster)
    }

    async fn cluster_not_found(&self, target: &Target, region: &str) -> ToolError {
        // Where else such a name may be: the other Regions of a snapshot, and what is known without EKS.
        let mut regions = self.world.aws.known_regions().await;
        regions.push(region.to_owned());
        regions.sort();
        regions.dedup();
        let lists = regions.iter().map(|region| {
            let eks = self.world.aws.eks(&Scope { region: region.clone(), ..Scope::of(target) });
            async move { eks.list_clusters(false).await.unwrap_or_default() }
        });
        let known = futures::future::join_all(lists).await;
        let mut names: Vec<(String, String)> = Vec::new();
        for (place, clusters) in regions.iter().zip(known) {
            names.extend(clusters.into_iter().map(|it| (it, place.clone())));
        }
        let external = self.world.clusters.external().await.unwrap_or_default();
        names.extend(external.into_iter().map(|it| (it.name, String::new())));
        let near = names::near(&target.cluster, names.iter().map(|(name, _)| name.as_str()));
        let near: Vec<String> = near
            .into_iter()
            .map(|name| match names.iter().find(|(it, _)| *it == name) {
                Some((_, place)) if !place.is_empty() && place != region => format!("`{name}` in {place}"),
                _ => format!("`{name}`"),
            })
            .collect();
        let near = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        let account = target.through.as_deref().and_then(|id| self.world.aws.accounts().by_id(id));
        let account = account.map(|it| format!(" of {}", it.label())).unwrap_or_default();
        let message = format!("cluster `{}` does not exist in {region}{account}{near}", target.cluster);
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
            Err(err) => Err(self.or_external(target, err).await),
            client => client,
        }
    }

    /// Without credentials a name may have been meant for a cluster that needs none.
    async fn or_external(&self, target: &Target, mut err: ToolError) -> ToolError {
        if err.kind != ErrorKind::Credentials {
            return err;
        }
        let external = self.world.clusters.external().await.unwrap_or_default();
        if !external.is_empty() {
            let near = names::did_you_mean(&target.cluster, external.iter().map(|it| it.name.as_str()));
            err.message = format!(
                "{}; `{}` is also none of the {} clusters known without AWS{near}",
                err.message,
                target.cluster,
                external.len()
            );
        }
        err
    }

    /// What a cluster serves.
    ///
    /// # Errors
    /// What the API server answers, when it tells nothing at all.
    pub async fn discovery(&self, target: &Target, client: &Client) -> Result<Arc<Discovery>, ToolError> {
        self.discoveries.of(target, client, false).await
    }

    /// The kind that a word means in a cluster: kind, plural, singular or short name, alone or with its group.
    ///
    /// # Errors
    /// `invalid_input` when several kinds share the word (with the candidates) or none has it (with near ones).
    pub async fn kind(&self, target: &Target, client: &Client, word: &str) -> Result<Kind, ToolError> {
        if let Some(kind) = kinds::built_in(word) {
            return Ok(kind);
        }
        let discovery = self.discoveries.of(target, client, false).await?;
        match kinds::among(&discovery, word) {
            // It may have been installed since.
            Err(_) => kinds::among(&*self.discoveries.of(target, client, true).await?, word),
            found => found,
        }
    }
}

/// That a name is none of the clusters that are known without AWS, where nothing names a Region for another.
fn no_external(cluster: &str, external: &[External]) -> ToolError {
    let near = names::did_you_mean(cluster, external.iter().map(|it| it.name.as_str()));
    let known: Vec<&str> = external.iter().take(20).map(|it| it.name.as_str()).collect();
    ToolError::not_found(format!("cluster `{cluster}` is none of those known without AWS{near}"))
        .with_hint(format!("There are: {}. For an EKS cluster pass `region` or its ARN.", known.join(", ")))
}
