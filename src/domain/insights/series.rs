//! Series with their verdicts, worst first, and their table.

use std::cmp::Ordering;

use jiff::Timestamp;

use super::Scope;
use super::catalogue::{self, Metric, Unit};
use super::statistics::{Statistics, Trend};
use super::verdict::{self, Verdict};
use crate::domain::metric::MetricSeries;
use crate::domain::table::Table;
use crate::domain::time::age;

/// A series whose newest point is older than this many periods no longer reports; CloudWatch itself is a few minutes late.
const STALE_PERIODS: i64 = 3;
const STALE_SECONDS: i64 = 300;

/// The window and the spacing of the points in it.
#[derive(Clone, Copy, Debug)]
pub struct Grid {
    /// End of the window.
    pub end: Timestamp,
    /// Length of the window in seconds.
    pub seconds: i64,
    /// Seconds of one point.
    pub period: u32,
}

impl Grid {
    /// How many points a series without gaps has.
    pub fn expected(self) -> usize {
        usize::try_from(self.seconds / i64::from(self.period.max(1))).unwrap_or(0)
    }

    /// Whether a series whose newest point is this old has stopped.
    pub fn is_stale(self, last_at: Timestamp) -> bool {
        let covered = last_at.as_second() + i64::from(self.period);
        self.end.as_second() - covered > (STALE_PERIODS * i64::from(self.period)).max(STALE_SECONDS)
    }
}

/// A series, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its metric.
    pub metric: &'static Metric,
    /// Namespace, workload and pod, as far as the scope has them.
    pub labels: Vec<String>,
    /// Its numbers.
    pub statistics: Statistics,
    /// What they mean.
    pub verdict: Verdict,
    /// How close they are to the first threshold.
    pub closeness: f64,
    /// Whether it no longer reports.
    pub stale: bool,
}

impl Judged {
    /// Judges a series; `None` when it has no point or its metric is not in the catalogue.
    pub fn of(series: &MetricSeries, scope: Scope, grid: Grid) -> Option<Self> {
        let metric = catalogue::find(&series.metric)?;
        let statistics = Statistics::of(&series.points, metric.unit.noise())?;
        let labels = scope.dimensions().iter().skip(1).map(|name| series.dimensions.get(*name).cloned().unwrap_or_default());
        let (verdict, closeness) = verdict::judge(metric.name, &statistics);
        let stale = grid.is_stale(statistics.last_at);
        Some(Self { metric, labels: labels.collect(), verdict, closeness, stale, statistics })
    }

    /// The labels as one word: `checkout/checkout-api`, or `cluster`.
    pub fn label(&self) -> String {
        if self.labels.is_empty() { "cluster".to_owned() } else { self.labels.join("/") }
    }

    fn trend(&self) -> String {
        let unit = self.metric.unit;
        // A counter only ever rises; what counts is by how much in the window.
        let trend = if unit == Unit::Counter && self.statistics.growth >= unit.noise() {
            Trend::Rising(self.statistics.growth)
        } else {
            self.statistics.trend
        };
        match trend {
            Trend::Rising(change) => format!("rising +{}", unit.number(change)),
            Trend::Falling(change) => format!("falling {}", unit.number(change)),
            Trend::Flat => "flat".to_owned(),
        }
    }

    /// What is missing: too few points, or none of late. Empty when nothing is.
    fn gaps(&self, grid: Grid) -> String {
        let expected = grid.expected();
        let mut notes = Vec::new();
        // One point in ten may be late or lost without anybody caring.
        if self.statistics.points * 10 < expected * 9 {
            notes.push(format!("{} of {expected} points missing", expected - self.statistics.points));
        }
        if self.stale {
            notes.push(format!("last {} before the end", age(grid.end, self.statistics.last_at)));
        }
        notes.join(", ")
    }
}

/// Sorts series worst first; among equals, by labels and metric, so that answers do not change from call to call.
pub fn rank(series: &mut [Judged]) {
    series.sort_by(|a, b| {
        let worst = b.verdict.cmp(&a.verdict).then_with(|| b.closeness.partial_cmp(&a.closeness).unwrap_or(Ordering::Equal));
        worst.then_with(|| a.labels.cmp(&b.labels)).then_with(|| a.metric.name.cmp(b.metric.name))
    });
}

/// The table of series.
pub fn table(series: &[Judged], grid: Grid) -> Table {
    let mut table = Table::new([
        "namespace",
        "workload",
        "pod",
        "metric",
        "unit",
        "last",
        "average",
        "p95",
        "max",
        "trend",
        "verdict",
        "gaps",
    ]);
    for it in series {
        let label = |index: usize| it.labels.get(index).cloned().unwrap_or_default();
        let number = |value: f64| it.metric.unit.number(value);
        let Statistics { last, average, p95, max, .. } = it.statistics;
        table.push([
            label(0),
            label(1),
            label(2),
            it.metric.name.to_owned(),
            it.metric.unit.symbol().to_owned(),
            number(last),
            number(average),
            number(p95),
            number(max),
            it.trend(),
            it.verdict.name().to_owned(),
            it.gaps(grid),
        ]);
    }
    table.drop_empty_columns();
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn series(metric: &str, pod: &str, values: &[f64]) -> MetricSeries {
        let start: Timestamp = "2026-11-23T06:30:00Z".parse().unwrap();
        let dimensions = [("ClusterName", "c"), ("Namespace", "n"), ("PodName", "w"), ("FullPodName", pod)];
        MetricSeries {
            metric: metric.into(),
            dimensions: dimensions.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            points: (0..).zip(values).map(|(minute, value)| (start + SignedDuration::from_mins(minute), *value)).collect(),
        }
    }

    #[test]
    fn the_worst_comes_first_and_gaps_are_said() {
        let grid = Grid { end: "2026-11-23T09:30:00Z".parse().unwrap(), seconds: 10_800, period: 60 };
        let judged = [
            series("pod_memory_working_set", "a", &[1_048_576.0; 180]),
            series("pod_cpu_utilization", "b", &[10.0; 180]),
            series("pod_memory_utilization_over_pod_limit", "c", &[99.0; 120]),
        ];
        let mut judged: Vec<Judged> = judged.iter().filter_map(|it| Judged::of(it, Scope::Pod, grid)).collect();
        rank(&mut judged);
        let table = table(&judged, grid);
        assert_eq!(table.columns.last().unwrap(), "gaps");
        assert_eq!(
            table.rows[0].join("|"),
            "n|w|c|pod_memory_utilization_over_pod_limit|%|99|99|99|99|flat|critical|60 of 180 points missing, last 61m before the end"
        );
        assert_eq!(table.rows[1].join("|"), "n|w|b|pod_cpu_utilization|%|10|10|10|10|flat|ok|");
        assert_eq!(table.rows[2].join("|"), "n|w|a|pod_memory_working_set|Mi|1|1|1|1|flat||");
    }
}
