//! What an answer lacks, said in words.

use super::Scope;
use super::catalogue::Metric;
use super::series::{Grid, Judged};
use crate::domain::text;
use crate::domain::time::age;

/// Names listed in a sentence.
const MOST_NAMES: usize = 5;

/// What is missing: partial answers, metrics without series, series that stopped. Missing data is said, never taken for zero.
pub fn missing(partial: bool, series: &[Judged], metrics: &[&Metric], scope: Scope, grid: Grid) -> Vec<String> {
    let mut warnings = Vec::new();
    if partial {
        warnings.push("CloudWatch left series or points out (partial data); narrow the request to see all".to_owned());
    }
    let silent: Vec<String> =
        metrics.iter().filter(|it| series.iter().all(|found| found.metric != **it)).map(|it| format!("`{}`", it.name)).collect();
    if !silent.is_empty() && !series.is_empty() {
        warnings.push(format!(
            "no data at scope `{}` for {}: not published, or nothing to report",
            scope.name(),
            text::join_and(&silent)
        ));
    }
    let stale: Vec<&Judged> = series.iter().filter(|it| it.stale).collect();
    if !stale.is_empty() {
        let mut named: Vec<String> = stale
            .iter()
            .map(|it| format!("`{}` (last point {} before the end)", it.label(), age(grid.end, it.statistics.last_at)))
            .collect();
        named.sort();
        named.dedup();
        let rest = named.len().saturating_sub(MOST_NAMES);
        named.truncate(MOST_NAMES);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        warnings.push(format!("{} series stopped reporting: {}{more}; gone or not running", stale.len(), named.join(", ")));
    }
    warnings
}
