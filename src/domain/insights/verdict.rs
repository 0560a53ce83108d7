//! When a value is a problem: every threshold in one table, each with its source.

use schemars::JsonSchema;
use serde::Serialize;

use super::catalogue::{Metric, Unit};
use super::statistics::Statistics;

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// No threshold is known for the metric.
    Unjudged,
    /// Below every threshold.
    Fine,
    /// A problem.
    Problem(Severity),
}

/// How bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Look at it soon.
    Warning,
    /// Something fails or is about to.
    Critical,
}

impl Verdict {
    /// The word for tables, empty where nothing was judged.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unjudged => "",
            Self::Fine => "ok",
            Self::Problem(Severity::Warning) => "warning",
            Self::Problem(Severity::Critical) => "critical",
        }
    }
}

/// Which number of a series is held against the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// What is sustained, for resources that degrade slowly.
    P95,
    /// The peak, for limits at which the first touch hurts.
    Max,
    /// The newest value, for states.
    Last,
    /// The rise within the window, for counters.
    Growth,
}

impl Basis {
    /// The word for prose.
    pub fn name(self) -> &'static str {
        match self {
            Self::P95 => "p95",
            Self::Max => "max",
            Self::Last => "last",
            Self::Growth => "rise in the window",
        }
    }

    /// That number of a series.
    pub fn of(self, statistics: &Statistics) -> f64 {
        match self {
            Self::P95 => statistics.p95,
            Self::Max => statistics.max,
            Self::Last => statistics.last,
            Self::Growth => statistics.growth,
        }
    }
}

/// When a metric is a problem.
#[derive(Debug)]
pub struct Threshold {
    /// Metric name.
    pub metric: &'static str,
    /// Which number is judged.
    pub basis: Basis,
    /// From here on a warning.
    pub warning: f64,
    /// From here on critical; infinity where nothing is.
    pub critical: f64,
    /// Why these numbers.
    pub source: &'static str,
}

const fn threshold(metric: &'static str, basis: Basis, warning: f64, critical: f64, source: &'static str) -> Threshold {
    Threshold { metric, basis, warning, critical, source }
}

const NODE_CPU: &str = "rule of thumb: above 80 % sustained, the loss of one node overloads the others";
const NODE_MEMORY: &str =
    "rule of thumb: above 80 % sustained, a burst brings the kubelet's memory eviction (default memory.available<100Mi)";
const RESERVED: &str = "rule of thumb: above 90 % reserved, new or rescheduled pods may find no node; at 100 % none fits";
const FILESYSTEM: &str = "kubelet defaults: images are collected from 85 % (imageGCHighThresholdPercent), pods evicted from 90 % (nodefs.available<10%)";
const POD_NODE: &str = "rule of thumb: one pod that sustains 80 % of its node crowds out its neighbours";
const CPU_LIMIT: &str = "rule of thumb: from 80 % of the limit, bursts within a scheduling period (100 ms) are throttled";
const MEMORY_LIMIT: &str =
    "the kernel kills a container that passes its memory limit (OOMKilled); 90 % leaves no room for a burst";
const RESTARTS: &str = "a healthy container does not restart; the back-off reaches its 5 minutes after about 5 restarts";
const STATE: &str = "the metric counts what should not exist";

/// Every threshold.
pub const THRESHOLDS: &[Threshold] = &[
    threshold(
        "cluster_failed_node_count",
        Basis::Last,
        0.5,
        0.5,
        "Container Insights counts a node as failed when one of its conditions is bad",
    ),
    threshold("node_cpu_utilization", Basis::P95, 80.0, 95.0, NODE_CPU),
    threshold("node_memory_utilization", Basis::P95, 80.0, 95.0, NODE_MEMORY),
    threshold("node_cpu_reserved_capacity", Basis::P95, 90.0, 100.0, RESERVED),
    threshold("node_memory_reserved_capacity", Basis::P95, 90.0, 100.0, RESERVED),
    threshold("node_filesystem_utilization", Basis::Last, 85.0, 90.0, FILESYSTEM),
    threshold("pod_cpu_utilization", Basis::P95, 80.0, 95.0, POD_NODE),
    threshold("pod_memory_utilization", Basis::P95, 80.0, 95.0, POD_NODE),
    threshold("pod_cpu_utilization_over_pod_limit", Basis::P95, 80.0, 95.0, CPU_LIMIT),
    threshold("pod_memory_utilization_over_pod_limit", Basis::Max, 90.0, 98.0, MEMORY_LIMIT),
    threshold("pod_number_of_container_restarts", Basis::Growth, 1.0, 5.0, RESTARTS),
    threshold("pod_status_failed", Basis::Last, 0.5, f64::INFINITY, STATE),
    threshold("pod_status_unknown", Basis::Last, 0.5, f64::INFINITY, STATE),
    threshold("pod_status_pending", Basis::Last, 0.5, f64::INFINITY, STATE),
    threshold("pod_container_status_waiting_reason_crash_loop_back_off", Basis::Last, 0.5, 0.5, STATE),
    threshold("pod_container_status_waiting_reason_image_pull_error", Basis::Last, 0.5, 0.5, STATE),
    threshold("pod_container_status_terminated_reason_oom_killed", Basis::Max, 0.5, 0.5, STATE),
    threshold("status_replicas_unavailable", Basis::Last, 0.5, f64::INFINITY, STATE),
];

/// The threshold of a metric.
pub fn threshold_of(metric: &str) -> Option<&'static Threshold> {
    THRESHOLDS.iter().find(|it| it.metric == metric)
}

/// Whether an average over some minutes would hide what a metric is judged by: a peak, or how far a counter has come.
pub fn is_judged_by_peak(metric: &Metric) -> bool {
    let basis = threshold_of(metric.name).map(|it| it.basis);
    metric.unit == Unit::Counter || matches!(basis, Some(Basis::Max | Basis::Growth))
}

/// What the numbers of a series mean, and how close they are to the first threshold (1 is at it).
pub fn judge(metric: &str, statistics: &Statistics) -> (Verdict, f64) {
    let Some(threshold) = threshold_of(metric) else { return (Verdict::Unjudged, 0.0) };
    let value = threshold.basis.of(statistics);
    let verdict = if value >= threshold.critical {
        Verdict::Problem(Severity::Critical)
    } else if value >= threshold.warning {
        Verdict::Problem(Severity::Warning)
    } else {
        Verdict::Fine
    };
    (verdict, value / threshold.warning)
}

#[cfg(test)]
mod tests {
    use super::super::catalogue;
    use super::*;
    use jiff::Timestamp;

    #[test]
    fn thresholds_name_known_metrics_and_are_in_order() {
        for it in THRESHOLDS {
            assert!(catalogue::find(it.metric).is_some(), "{}", it.metric);
            assert!(it.warning > 0.0 && it.warning <= it.critical, "{}", it.metric);
        }
    }

    #[test]
    fn the_right_number_is_judged() {
        let points: Vec<_> =
            (0..100).map(|it| (Timestamp::from_second(it * 60).unwrap(), if it == 50 { 99.0 } else { 40.0 })).collect();
        let statistics = Statistics::of(&points, 1.0).unwrap();
        assert_eq!(judge("node_cpu_utilization", &statistics).0, Verdict::Fine);
        assert_eq!(judge("pod_memory_utilization_over_pod_limit", &statistics).0, Verdict::Problem(Severity::Critical));
        assert_eq!(judge("cluster_node_count", &statistics).0, Verdict::Unjudged);
    }
}
