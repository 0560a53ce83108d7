//! Clusters, their versions and settings.

pub mod describe_cluster;
pub mod list_clusters;
