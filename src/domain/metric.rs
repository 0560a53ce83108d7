//! Metric series and the questions that fetch them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A question for every series of some metrics that share one dimension set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricQuery {
    /// CloudWatch namespace, such as `ContainerInsights`.
    pub namespace: String,
    /// Metric names, each asked for by itself.
    pub metrics: Vec<String>,
    /// The names of one published dimension set, complete.
    pub dimensions: Vec<String>,
    /// Dimensions with the value they must have.
    pub equals: Vec<(String, String)>,
    /// `Average`, `Sum`, `Maximum`, `Minimum` or a percentile such as `p95`.
    pub statistic: String,
    /// Seconds that one point covers.
    pub period_seconds: u32,
    /// Start of the window, included.
    pub start: Timestamp,
    /// End of the window, excluded.
    pub end: Timestamp,
}

/// What a [`MetricQuery`] found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetricAnswer {
    /// One entry for each metric and combination of dimension values.
    pub series: Vec<MetricSeries>,
    /// Whether CloudWatch left series or points out.
    pub partial: bool,
}

/// The values of one metric over time.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSeries {
    /// Metric name.
    pub metric: String,
    /// Dimension values.
    pub dimensions: BTreeMap<String, String>,
    /// Points in time order; a gap is an absent point, never zero.
    pub points: Vec<(Timestamp, f64)>,
}

/// A series as a snapshot records it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedSeries {
    /// Region the series was read from.
    pub region: String,
    /// CloudWatch namespace.
    pub namespace: String,
    /// Metric name.
    pub metric: String,
    /// Dimension values.
    pub dimensions: BTreeMap<String, String>,
    /// Time of the first value.
    pub start: Timestamp,
    /// Seconds between two values.
    pub period_seconds: u32,
    /// Values, each the average over its period; `null` where CloudWatch had none.
    pub values: Vec<Option<f64>>,
}

/// A count as a number to divide by.
#[expect(clippy::cast_precision_loss, reason = "counts of points are far below 2^52")]
pub fn count(number: usize) -> f64 {
    number as f64
}

/// The nearest-rank percentile of some values, which are sorted on the way; not a number when there are none.
pub fn percentile(values: &mut [f64], percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the index range of the values")]
    let rank = (percent / 100.0 * count(values.len())).ceil().clamp(1.0, count(values.len().max(1))) as usize;
    values.get(rank - 1).copied().unwrap_or(f64::NAN)
}
