//! The metrics of Container Insights: which exist for a scope, in which unit, and which are worth asking by default.

use super::Scope;
use crate::domain::{names, quantity};
use crate::error::ToolError;

/// The unit of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0 to 100, and above where a limit can be passed.
    Percent,
    /// Bytes, shown in mebibytes.
    Bytes,
    /// Bytes in a second, shown in kibibytes in a second.
    BytesPerSecond,
    /// Thousandths of a core.
    Millicores,
    /// A number of things at one moment.
    Count,
    /// A number of events since the thing began.
    Counter,
}

impl Unit {
    /// How the unit is written beside values.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Percent => "%",
            Self::Bytes => "Mi",
            Self::BytesPerSecond => "Ki/s",
            Self::Millicores => "m",
            Self::Count | Self::Counter => "count",
        }
    }

    /// A value in this unit, without its symbol.
    pub fn number(self, value: f64) -> String {
        match self {
            Self::Bytes => quantity::number(value / (1024.0 * 1024.0)),
            Self::BytesPerSecond => quantity::number(value / 1024.0),
            Self::Percent | Self::Millicores | Self::Count | Self::Counter => quantity::number(value),
        }
    }

    /// A value in this unit for prose: `99 %`, `512Mi`, `3`.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{} %", self.number(value)),
            Self::Bytes | Self::BytesPerSecond | Self::Millicores => format!("{}{}", self.number(value), self.symbol()),
            Self::Count | Self::Counter => self.number(value),
        }
    }

    /// The change below which a series counts as flat, whatever its size.
    pub fn noise(self) -> f64 {
        match self {
            Self::Percent => 1.0,
            Self::Bytes => 1024.0 * 1024.0,
            Self::BytesPerSecond => 1024.0,
            Self::Millicores => 5.0,
            Self::Count | Self::Counter => 0.5,
        }
    }
}

/// A metric of Container Insights.
#[derive(Debug, PartialEq, Eq)]
pub struct Metric {
    /// Name in CloudWatch.
    pub name: &'static str,
    /// Unit of its values.
    pub unit: Unit,
    /// Scopes that it is published for.
    scopes: &'static [Scope],
    /// Scopes that ask for it when the caller names none.
    default_for: &'static [Scope],
}

const NONE: &[Scope] = &[];
const C: &[Scope] = &[Scope::Cluster];
const N: &[Scope] = &[Scope::Namespace];
const P: &[Scope] = &[Scope::Pod];
const C_N: &[Scope] = &[Scope::Cluster, Scope::Namespace];
const C_W: &[Scope] = &[Scope::Cluster, Scope::Workload];
const W_P: &[Scope] = &[Scope::Workload, Scope::Pod];
const N_W_P: &[Scope] = &[Scope::Namespace, Scope::Workload, Scope::Pod];
const ALL: &[Scope] = &[Scope::Cluster, Scope::Namespace, Scope::Workload, Scope::Pod];

const fn metric(name: &'static str, unit: Unit, scopes: &'static [Scope], default_for: &'static [Scope]) -> Metric {
    Metric { name, unit, scopes, default_for }
}

/// Every metric, in the order in which they are asked. `kubectl top` and the console show the same names.
const METRICS: &[Metric] = &[
    metric("cluster_node_count", Unit::Count, C, C),
    metric("cluster_failed_node_count", Unit::Count, C, C),
    metric("node_cpu_utilization", Unit::Percent, C, C),
    metric("node_memory_utilization", Unit::Percent, C, C),
    metric("node_cpu_reserved_capacity", Unit::Percent, C, C),
    metric("node_memory_reserved_capacity", Unit::Percent, C, C),
    metric("node_filesystem_utilization", Unit::Percent, C, C),
    metric("node_cpu_limit", Unit::Millicores, C, NONE),
    metric("node_cpu_usage_total", Unit::Millicores, C, NONE),
    metric("node_memory_limit", Unit::Bytes, C, NONE),
    metric("node_memory_working_set", Unit::Bytes, C, NONE),
    metric("node_filesystem_inodes", Unit::Count, C, NONE),
    metric("node_filesystem_inodes_free", Unit::Count, C, NONE),
    metric("node_network_total_bytes", Unit::BytesPerSecond, C, NONE),
    metric("node_number_of_running_pods", Unit::Count, C, NONE),
    metric("node_number_of_running_containers", Unit::Count, C, NONE),
    metric("node_status_allocatable_pods", Unit::Count, C, NONE),
    metric("node_status_capacity_pods", Unit::Count, C, NONE),
    metric("node_status_condition_ready", Unit::Count, C, NONE),
    metric("node_status_condition_memory_pressure", Unit::Count, C, NONE),
    metric("node_status_condition_disk_pressure", Unit::Count, C, NONE),
    metric("node_status_condition_pid_pressure", Unit::Count, C, NONE),
    metric("node_status_condition_unknown", Unit::Count, C, NONE),
    metric("namespace_number_of_running_pods", Unit::Count, C_N, N),
    metric("pod_cpu_utilization", Unit::Percent, ALL, N_W_P),
    metric("pod_memory_utilization", Unit::Percent, ALL, N_W_P),
    metric("pod_cpu_utilization_over_pod_limit", Unit::Percent, ALL, W_P),
    metric("pod_memory_utilization_over_pod_limit", Unit::Percent, ALL, W_P),
    metric("pod_memory_working_set", Unit::Bytes, ALL, W_P),
    metric("pod_memory_limit", Unit::Bytes, ALL, P),
    metric("pod_number_of_container_restarts", Unit::Counter, ALL, N_W_P),
    metric("pod_cpu_reserved_capacity", Unit::Percent, ALL, NONE),
    metric("pod_memory_reserved_capacity", Unit::Percent, ALL, NONE),
    metric("pod_cpu_usage_total", Unit::Millicores, ALL, NONE),
    metric("pod_cpu_request", Unit::Millicores, ALL, NONE),
    metric("pod_cpu_limit", Unit::Millicores, ALL, NONE),
    metric("pod_memory_request", Unit::Bytes, ALL, NONE),
    metric("pod_network_rx_bytes", Unit::BytesPerSecond, ALL, NONE),
    metric("pod_network_tx_bytes", Unit::BytesPerSecond, ALL, NONE),
    metric("pod_status_running", Unit::Count, ALL, NONE),
    metric("pod_status_ready", Unit::Count, ALL, NONE),
    metric("pod_status_pending", Unit::Count, ALL, NONE),
    metric("pod_status_failed", Unit::Count, ALL, NONE),
    metric("pod_status_unknown", Unit::Count, ALL, NONE),
    metric("pod_number_of_containers", Unit::Count, ALL, NONE),
    metric("pod_number_of_running_containers", Unit::Count, ALL, NONE),
    metric("pod_container_status_waiting_reason_crash_loop_back_off", Unit::Count, ALL, NONE),
    metric("pod_container_status_waiting_reason_image_pull_error", Unit::Count, ALL, NONE),
    metric("pod_container_status_terminated_reason_oom_killed", Unit::Count, ALL, NONE),
    metric("replicas_desired", Unit::Count, C_W, NONE),
    metric("replicas_ready", Unit::Count, C_W, NONE),
    metric("status_replicas_available", Unit::Count, C_W, NONE),
    metric("status_replicas_unavailable", Unit::Count, C_W, NONE),
];

/// The metric of this name.
pub fn find(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|it| it.name == name)
}

/// The metrics of a scope.
pub fn of_scope(scope: Scope) -> impl Iterator<Item = &'static Metric> {
    METRICS.iter().filter(move |it| it.scopes.contains(&scope))
}

/// The metrics that a call asks for: those it names, or the default set of its scope.
///
/// # Errors
/// `invalid_input` with near names and the names of the scope when one is not published for it.
pub fn choose(scope: Scope, asked: &[String]) -> Result<Vec<&'static Metric>, ToolError> {
    if asked.is_empty() {
        return Ok(METRICS.iter().filter(|it| it.default_for.contains(&scope)).collect());
    }
    let mut chosen: Vec<&'static Metric> = Vec::new();
    for name in asked {
        let Some(found) = of_scope(scope).find(|it| it.name == name) else { return Err(unknown(scope, name)) };
        if !chosen.contains(&found) {
            chosen.push(found);
        }
    }
    Ok(chosen)
}

fn unknown(scope: Scope, name: &str) -> ToolError {
    let known: Vec<&str> = of_scope(scope).map(|it| it.name).collect();
    let shown = crate::domain::text::cut(name, 80);
    let message = match find(name) {
        Some(metric) => {
            let scopes: Vec<String> = metric.scopes.iter().map(|it| format!("`{}`", it.name())).collect();
            format!("`metrics`: `{shown}` is not published for scope `{}`, but for {}", scope.name(), scopes.join(", "))
        }
        None => format!("`metrics`: there is no metric `{shown}`{}", names::did_you_mean(name, known.iter().copied())),
    };
    ToolError::invalid(message).with_hint(format!("Use metrics of scope `{}`: {}.", scope.name(), known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_has_defaults_and_wrong_names_are_explained() {
        for scope in ALL {
            let defaults = choose(*scope, &[]).unwrap();
            assert!((4..=7).contains(&defaults.len()), "{scope:?}: {}", defaults.len());
            assert!(defaults.iter().all(|it| it.scopes.contains(scope)));
        }
        let err = choose(Scope::Pod, &["pod_memory_utilisation".to_owned()]).unwrap_err();
        assert!(err.message.contains("did you mean `pod_memory_utilization`"), "{}", err.message);
        assert!(err.hint.unwrap().contains("pod_memory_limit"));
        let err = choose(Scope::Pod, &["node_cpu_utilization".to_owned()]).unwrap_err();
        assert!(err.message.contains("but for `cluster`"), "{}", err.message);
    }

    #[test]
    fn names_are_unique_and_bytes_are_shown_in_mebibytes() {
        let mut names: Vec<&str> = METRICS.iter().map(|it| it.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), METRICS.len());
        assert_eq!(Unit::Bytes.text(536_870_912.0), "512Mi");
        assert_eq!(Unit::Bytes.text(1_610_612_736.0), "1536Mi");
        assert_eq!(Unit::Percent.text(99.0), "99 %");
    }
}
