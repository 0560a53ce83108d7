//! The tools: one in a file, each listed once in [`ALL`].

pub mod clusters;
pub mod cost;
pub mod diagnose;
pub mod observe;
pub mod workloads;

use crate::tool::Entry;

/// Every tool; the only registration.
pub const ALL: &[Entry] = &[
    Entry::of::<clusters::list_clusters::ListClusters>(),
    Entry::of::<clusters::describe_cluster::DescribeCluster>(),
    Entry::of::<workloads::list_api_kinds::ListApiKinds>(),
    Entry::of::<workloads::list_resources::ListResources>(),
    Entry::of::<workloads::list_events::ListEvents>(),
    Entry::of::<workloads::get_logs::GetLogs>(),
    Entry::of::<diagnose::troubleshoot::Troubleshoot>(),
    Entry::of::<observe::query_container_insights::QueryContainerInsights>(),
    Entry::of::<cost::estimate_cost::EstimateCost>(),
];
