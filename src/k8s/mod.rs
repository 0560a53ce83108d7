//! Kubernetes as the tools see it: a client for a cluster, and reads that are bounded. `kube::Client` is the seam; a
//! snapshot gives one over files.

pub mod api;
mod decode;
mod error;
pub mod kinds;
pub mod live;
mod pages;
mod pressure;
mod readonly;
mod scan;

pub use error::map as map_error;
pub use readonly::read_only;

pub use kube::Client;

use async_trait::async_trait;

use crate::domain::target::Target;
use crate::error::ToolError;

/// Clients for the API servers of clusters.
#[async_trait]
pub trait Clusters: Send + Sync + 'static {
    /// Clusters that are known without AWS: contexts of a kubeconfig, or bare clusters of a snapshot.
    async fn external(&self) -> Result<Vec<String>, ToolError>;

    /// A read-only client for a cluster. Nothing is contacted until the first request.
    async fn client(&self, target: &Target) -> Result<Client, ToolError>;
}
