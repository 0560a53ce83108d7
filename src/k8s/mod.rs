//! Kubernetes as the tools see it: a client for a cluster, and reads that are bounded. `kube::Client` is the seam; a
//! snapshot gives one over files.

pub mod api;
mod bearer;
mod connect;
mod decode;
pub mod discovery;
mod error;
mod exec;
mod in_cluster;
mod keep;
pub mod kinds;
mod kubeconfig;
pub mod live;
pub mod logs;
mod nest;
mod pages;
mod pressure;
mod proxy;
mod readonly;
mod receive;
pub mod reviews;
mod scan;
pub mod selectable;
pub mod tables;
mod trust;
pub mod ways;

pub(crate) use error::NOT_RECORDED;
pub use error::map as map_error;
pub use readonly::read_only;

pub use kube::Client;

use async_trait::async_trait;

use crate::domain::target::Target;
use crate::error::ToolError;

/// A cluster that is known without AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct External {
    /// The name it is called by.
    pub name: String,
    /// Where it is known from.
    pub origin: Origin,
}

/// Where a cluster is known from that EKS does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A context of the kubeconfig.
    Kubeconfig,
    /// This server runs in it.
    InCluster,
    /// Bare files of a snapshot.
    Snapshot,
}

impl Origin {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kubeconfig => "kubeconfig",
            Self::InCluster => "in-cluster",
            Self::Snapshot => "snapshot",
        }
    }
}

/// Clients for the API servers of clusters.
#[async_trait]
pub trait Clusters: Send + Sync + 'static {
    /// Clusters that are known without AWS.
    async fn external(&self) -> Result<Vec<External>, ToolError>;

    /// A read-only client for a cluster. Nothing is contacted until the first request.
    async fn client(&self, target: &Target) -> Result<Client, ToolError>;
}
