//! The tools: one in a file, each named once in the list below.

use crate::tool::Entry;

/// Declares the modules of the tools and collects them in [`ALL`], so that a tool is registered by one line. What tools of one
/// set share stands in brackets.
macro_rules! toolsets {
    ($($(#[$doc:meta])* $toolset:ident $([$($helper:ident),*])? { $($tool:ident::$Tool:ident,)* })*) => {
        $(
            $(#[$doc])*
            pub mod $toolset {
                $($(mod $helper;)*)?
                $(pub mod $tool;)*
            }
        )*

        /// Every tool; the only registration. The order is that of the documentation.
        pub const ALL: &[Entry] = &[$($(Entry::of::<$toolset::$tool::$Tool>(),)*)*];
    };
}

toolsets! {
    /// Tools about clusters, their versions and settings.
    clusters [api_server] {
        list_clusters::ListClusters,
        describe_cluster::DescribeCluster,
    }
    /// Tools about what runs in a cluster: resources, events, logs.
    workloads [listing] {
        list_api_kinds::ListApiKinds,
        list_resources::ListResources,
        get_resource::GetResource,
        list_events::ListEvents,
        get_logs::GetLogs,
    }
    /// Tools that find what is wrong and why.
    diagnose {
        troubleshoot::Troubleshoot,
        scan_cluster::ScanCluster,
    }
    /// Tools on metrics and logs in CloudWatch.
    observe {
        query_container_insights::QueryContainerInsights,
        check_control_plane::CheckControlPlane,
        list_alarms::ListAlarms,
    }
    /// Tools on what it costs.
    cost {
        estimate_cost::EstimateCost,
    }
}
