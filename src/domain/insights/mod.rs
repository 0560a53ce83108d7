//! Container Insights: which metrics there are, what their values mean, and what is worth telling. Pure logic.

pub mod catalogue;
pub mod finding;
pub mod missing;
pub mod series;
pub mod statistics;
pub mod verdict;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// CloudWatch namespace of classic Container Insights.
pub const NAMESPACE: &str = "ContainerInsights";

/// The dimension that names the cluster.
pub const CLUSTER: &str = "ClusterName";

/// What one series stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The whole cluster.
    Cluster,
    /// Each namespace.
    Namespace,
    /// Each Deployment, StatefulSet or DaemonSet.
    Workload,
    /// Each single pod.
    Pod,
}

impl Scope {
    /// The published dimension set, complete, cluster first. `PodName` is the name of the workload, `FullPodName` of the pod.
    pub fn dimensions(self) -> &'static [&'static str] {
        match self {
            Self::Cluster => &[CLUSTER],
            Self::Namespace => &[CLUSTER, "Namespace"],
            Self::Workload => &[CLUSTER, "Namespace", "PodName"],
            Self::Pod => &[CLUSTER, "Namespace", "PodName", "FullPodName"],
        }
    }

    /// The word for prose.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Workload => "workload",
            Self::Pod => "pod",
        }
    }
}

/// Seconds of one point for a window of this length: fine enough to see peaks, coarse enough that CloudWatch still keeps it.
pub fn period(window_seconds: i64) -> u32 {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    let round_up = |seconds: i64, multiple: i64| (seconds + multiple - 1).div_euclid(multiple) * multiple;
    let seconds = match window_seconds {
        it if it <= 3 * HOUR => 60,
        it if it <= 15 * DAY => round_up(it / 1_440, 60).max(60),
        it if it <= 63 * DAY => round_up(it / 1_440, 300).max(300),
        _ => HOUR,
    };
    u32::try_from(seconds).unwrap_or(3_600)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_follow_the_retention_of_cloudwatch() {
        let day = 86_400;
        let periods = [1_800, 10_800, day, 7 * day, 15 * day, 30 * day, 63 * day, 64 * day, 455 * day].map(period);
        assert_eq!(periods, [60, 60, 60, 420, 900, 1_800, 3_900, 3_600, 3_600]);
    }
}
