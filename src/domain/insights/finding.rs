//! What is worth telling about judged series: one sentence each, causes before symptoms, alike ones together.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::catalogue::Unit;
use super::series::Judged;
use super::verdict::{Severity, Verdict, threshold_of};
use crate::domain::text;

const OVER_LIMIT: &str = "pod_memory_utilization_over_pod_limit";
const RESTARTS: &str = "pod_number_of_container_restarts";
const LIMIT: &str = "pod_memory_limit";

/// Series named in one finding; the rest is counted.
const MOST_NAMED: usize = 3;

/// Something that deserves attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What is the case, with its numbers.
    pub what: String,
    /// Why it matters, or where the threshold comes from.
    pub why: String,
}

/// The findings of series that are sorted worst first; worst finding first.
pub fn findings(series: &[Judged]) -> Vec<Finding> {
    let mut by_label: BTreeMap<&[String], Vec<&Judged>> = BTreeMap::new();
    for it in series {
        by_label.entry(it.labels.as_slice()).or_default().push(it);
    }
    let mut told: Vec<&[String]> = Vec::new();
    let mut findings = Vec::new();
    for (labels, group) in &by_label {
        if let Some(finding) = memory_at_limit(group) {
            findings.push(finding);
            told.push(labels);
        }
    }
    // The symptoms of a memory fault are not told a second time.
    let symptom = |it: &Judged| matches!(it.metric.name, OVER_LIMIT | RESTARTS) && told.contains(&it.labels.as_slice());
    let mut alike: BTreeMap<(Severity, &str), Vec<&Judged>> = BTreeMap::new();
    for it in series.iter().filter(|it| !symptom(it)) {
        if let Verdict::Problem(severity) = it.verdict {
            alike.entry((severity, it.metric.name)).or_default().push(it);
        }
    }
    findings.extend(alike.into_iter().filter_map(|((severity, metric), group)| above_threshold(severity, metric, &group)));
    findings.sort_by_key(|it| std::cmp::Reverse(it.severity));
    findings
}

/// What series and their findings come to, in a sentence. `over` says which series: scope, cluster, window.
pub fn summary(series: &[Judged], findings: &[Finding], over: &str) -> String {
    let number = series.len();
    let bad = series.iter().filter(|it| matches!(it.verdict, Verdict::Problem(_))).count();
    let critical = series.iter().filter(|it| it.verdict == Verdict::Problem(Severity::Critical)).count();
    match findings.first() {
        Some(worst) => format!("{bad} of {number} series {over} need attention ({critical} critical): {}.", worst.what),
        None if series.iter().all(|it| it.verdict == Verdict::Unjudged) => {
            format!("{number} series {over}; their metrics have no threshold.")
        }
        None => format!("None of {number} series {over} reaches a threshold."),
    }
}

/// Memory that climbs to its limit and falls, while restarts are counted: the kernel kills the container each time.
fn memory_at_limit(group: &[&Judged]) -> Option<Finding> {
    let of = |name: &str| group.iter().find(|it| it.metric.name == name);
    let (memory, restarts) = (of(OVER_LIMIT)?, of(RESTARTS)?);
    let near_limit = matches!(memory.verdict, Verdict::Problem(_));
    if !near_limit || memory.statistics.collapses == 0 || restarts.statistics.growth < 1.0 {
        return None;
    }
    let limit = of(LIMIT).map_or_else(|| "it".to_owned(), |it| Unit::Bytes.text(it.statistics.last));
    let times = Unit::Count.number(restarts.statistics.growth);
    let times = if times == "1" { "once".to_owned() } else { format!("{times} times") };
    Some(Finding {
        severity: Severity::Critical,
        what: format!(
            "`{}`: memory reaches its limit (max {} of {limit}), restarted {times} in the window: OOM risk",
            memory.label(),
            Unit::Percent.text(memory.statistics.max)
        ),
        why: format!(
            "memory climbs and collapses {} in the window while restarts are counted, as when the kernel kills a container at its limit (OOMKilled)",
            text::count(memory.statistics.collapses, "time")
        ),
    })
}

fn above_threshold(severity: Severity, metric: &str, group: &[&Judged]) -> Option<Finding> {
    let threshold = threshold_of(metric)?;
    let named: Vec<String> = group
        .iter()
        .take(MOST_NAMED)
        .map(|it| format!("`{}` {}", it.label(), it.metric.unit.text(threshold.basis.of(&it.statistics))))
        .collect();
    let rest = group.len().saturating_sub(MOST_NAMED);
    let rest = if rest == 0 { String::new() } else { format!(" and {rest} more") };
    let bound = if severity == Severity::Critical { threshold.critical } else { threshold.warning };
    let unit = group.first()?.metric.unit;
    // Thresholds of one half mean that any at all is too many.
    let bound = if bound < 1.0 { "not zero".to_owned() } else { format!("at or above {}", unit.text(bound)) };
    Some(Finding {
        severity,
        what: format!("{metric} ({}) is {bound}: {}{rest}", threshold.basis.name(), named.join(", ")),
        why: threshold.source.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::super::series::{Grid, rank};
    use super::*;
    use crate::domain::metric::MetricSeries;
    use jiff::{SignedDuration, Timestamp};

    fn judged(metric: &str, pod: &str, values: &[f64]) -> Judged {
        let end: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let start = end - SignedDuration::from_mins(i64::try_from(values.len()).unwrap());
        let dimensions = [("ClusterName", "c"), ("Namespace", "n"), ("PodName", "w"), ("FullPodName", pod)];
        let series = MetricSeries {
            metric: metric.into(),
            dimensions: dimensions.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            points: (0..).zip(values).map(|(minute, value)| (start + SignedDuration::from_mins(minute), *value)).collect(),
        };
        Judged::of(&series, Scope::Pod, Grid { end, seconds: 480, period: 60 }).unwrap()
    }

    #[test]
    fn memory_at_its_limit_with_restarts_is_one_finding() {
        let mut series = vec![
            judged(OVER_LIMIT, "w-1", &[40.0, 70.0, 99.0, 20.0, 60.0, 98.0, 20.0, 40.0]),
            judged(RESTARTS, "w-1", &[5.0, 5.0, 5.0, 6.0, 6.0, 6.0, 7.0, 7.0]),
            judged(LIMIT, "w-1", &[536_870_912.0; 8]),
            judged("pod_cpu_utilization", "w-1", &[3.0; 8]),
        ];
        rank(&mut series);
        let found = findings(&series);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].what,
            "`n/w/w-1`: memory reaches its limit (max 99 % of 512Mi), restarted 2 times in the window: OOM risk"
        );
    }

    #[test]
    fn alike_problems_are_told_together() {
        let mut series: Vec<Judged> = ["a", "b", "c", "d", "e"].iter().map(|pod| judged(OVER_LIMIT, pod, &[91.0; 8])).collect();
        series.push(judged(RESTARTS, "z", &[0.0, 6.0]));
        rank(&mut series);
        let found = findings(&series);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].what, "pod_number_of_container_restarts (rise in the window) is at or above 5: `n/w/z` 6");
        assert_eq!(
            found[1].what,
            "pod_memory_utilization_over_pod_limit (max) is at or above 90 %: `n/w/a` 91 %, `n/w/b` 91 %, `n/w/c` 91 % and 2 more"
        );
    }
}
