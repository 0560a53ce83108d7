//! A recorded account and its clusters as a first-class source: for a first try, for incidents after the fact, for tests.

pub mod apiserver;
mod archive;
mod files;
mod load;
mod parts;
mod ports;
pub mod usage;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use jiff::Timestamp;
use kube::Client;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::aws::CallerIdentity;
use crate::context::World;
use crate::domain::alarm::Alarm;
use crate::domain::cluster::{Cluster, PodIdentityAssociation};
use crate::domain::log_event::RecordedLogGroup;
use crate::domain::metric::RecordedSeries;
use crate::domain::names;
use crate::domain::price::Product;
use crate::domain::target::{ClusterArn, Target};
use crate::domain::time::Clock;
use crate::domain::version::ClusterVersion;
use crate::error::ToolError;
use crate::k8s::{Clusters, External, Origin};

pub use archive::demo;
pub use usage::Usage;

/// The head of a snapshot (`snapshot.json`).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Version of the format; this server reads 1.
    pub format: u32,
    /// Name of the snapshot.
    pub name: String,
    /// The moment at which the clock of the snapshot stands.
    pub taken_at: Timestamp,
    /// Account that the snapshot was taken from.
    pub account: String,
    /// Region that is meant where none is named.
    pub region: String,
    /// Whether every kind was recorded, so that a kind without objects has none. Default: false, such a kind was not recorded.
    #[serde(default)]
    pub complete: bool,
}

/// A snapshot, ready to answer.
pub struct Snapshot {
    head: Head,
    clusters: BTreeMap<String, RecordedCluster>,
    versions: Option<Vec<ClusterVersion>>,
    associations: Option<Vec<PodIdentityAssociation>>,
    series: Option<Vec<RecordedSeries>>,
    log_groups: Option<Vec<RecordedLogGroup>>,
    products: Option<Vec<Product>>,
    identity: Option<CallerIdentity>,
    parts: parts::Parts,
    alarms: Option<Vec<Alarm>>,
    usage: Usage,
}

/// One cluster of a snapshot.
struct RecordedCluster {
    /// Absent for a bare Kubernetes cluster.
    eks: Option<Cluster>,
    server: apiserver::ApiServer,
}

impl Snapshot {
    /// Reads a folder, or a `.tar.zst` of one.
    ///
    /// # Errors
    /// `invalid_input` that names the file, and the line and column where its content is wrong.
    pub fn open(path: &Path) -> Result<Self, ToolError> {
        load::load(files::Files::open(path)?)
    }

    /// The world that this snapshot shows.
    pub fn into_world(self) -> World {
        let clock = Clock::Fixed(self.head.taken_at);
        world(Arc::new(LazyLock::new(Box::new(|| self))), clock)
    }
}

/// A snapshot that is read when first asked.
type Shared = Arc<LazyLock<Snapshot, Box<dyn FnOnce() -> Snapshot + Send>>>;

/// The world of the embedded demo. It is unpacked by the first call, so that starting a server costs nothing.
#[expect(clippy::expect_used, reason = "a damaged archive is a damaged binary; the registry turns the panic into an error")]
pub fn demo_world() -> World {
    static DEMO: LazyLock<Shared> =
        LazyLock::new(|| Arc::new(LazyLock::new(Box::new(|| demo().expect("the demo that the tests have read")))));
    world(Arc::clone(&DEMO), Clock::Deferred(|| DEMO.head.taken_at))
}

fn world(snapshot: Shared, clock: Clock) -> World {
    let aws = Arc::new(ports::RecordedAws::new(Arc::clone(&snapshot)));
    World { aws, clusters: Arc::new(RecordedClusters { snapshot }), clock }
}

impl Snapshot {
    /// The permissions that calls have used so far.
    pub fn usage(&self) -> Usage {
        self.usage.clone()
    }

    /// The name of the snapshot and the moment it was taken.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Ids of the accounts that were recorded.
    fn accounts(&self) -> Vec<String> {
        let arns = self.clusters.values().filter_map(|it| ClusterArn::parse(&it.eks.as_ref()?.arn));
        let mut ids: Vec<String> = arns.map(|it| it.account).chain([self.head.account.clone()]).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn region_of(&self, cluster: &str) -> Option<String> {
        let arn = &self.clusters.get(cluster)?.eks.as_ref()?.arn;
        Some(ClusterArn::parse(arn).map_or_else(|| self.head.region.clone(), |it| it.region))
    }
}

struct RecordedClusters {
    snapshot: Shared,
}

#[async_trait]
impl Clusters for RecordedClusters {
    async fn external(&self) -> Result<Vec<External>, ToolError> {
        let bare = self.snapshot.clusters.iter().filter(|(_, it)| it.eks.is_none());
        Ok(bare.map(|(name, _)| External { name: name.clone(), origin: Origin::Snapshot }).collect())
    }

    async fn client(&self, target: &Target) -> Result<Client, ToolError> {
        let known = &self.snapshot.clusters;
        let Some(cluster) = known.get(&target.cluster) else {
            let near = names::did_you_mean(&target.cluster, known.keys().map(String::as_str));
            return Err(ToolError::not_found(format!("the snapshot holds no cluster `{}`{near}", target.cluster)));
        };
        if cluster.eks.is_some() {
            // A live client needs the endpoint and certificate authority of the cluster first.
            self.snapshot.usage.iam("eks:DescribeCluster");
        }
        Ok(cluster.server.client())
    }
}
