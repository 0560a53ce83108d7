//! CloudWatch metrics over its SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{DimensionFilter, MetricDataQuery, MetricDataResult, RecentlyActive, ScanBy, StatusCode};
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::Metrics;
use super::identity::Shared;
use crate::domain::metric::{MetricAnswer, MetricQuery, MetricSeries};
use crate::error::ToolError;

/// Stands between the parts of a label; no dimension value of Container Insights can hold it.
const SEPARATOR: char = '|';

pub(super) struct SdkMetrics {
    shared: Arc<Shared>,
    region: String,
}

impl SdkMetrics {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Metrics for SdkMetrics {
    async fn has_metrics(&self, namespace: &str, (name, value): (&str, &str)) -> Result<bool, ToolError> {
        let thing = format!("namespace {namespace} in {}", self.region);
        let call = self.shared.call(&self.region, "cloudwatch:ListMetrics", &thing, |clients| async move {
            let dimension = DimensionFilter::builder().name(name).value(value).build();
            let request = clients.cloudwatch.list_metrics().namespace(namespace).dimensions(dimension);
            request.recently_active(RecentlyActive::Pt3H).send().await
        });
        Ok(call.await?.metrics.is_some_and(|it| !it.is_empty()))
    }

    async fn query(&self, query: &MetricQuery) -> Result<MetricAnswer, ToolError> {
        let expressions = query.metrics.iter().map(|metric| search(query, metric)).collect::<Result<Vec<_>, _>>()?;
        let label = label(&query.dimensions);
        let queries: Vec<MetricDataQuery> = expressions
            .into_iter()
            .enumerate()
            .map(|(index, expression)| {
                MetricDataQuery::builder().id(format!("q{index}")).expression(expression).label(&label).return_data(true).build()
            })
            .collect();
        let thing = format!("namespace {} in {}", query.namespace, self.region);
        let (start, end) = (DateTime::from_secs(query.start.as_second()), DateTime::from_secs(query.end.as_second()));
        let queries = &queries;
        let call = self.shared.call(&self.region, "cloudwatch:GetMetricData", &thing, |clients| async move {
            let request = clients.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.clone()));
            let request = request.start_time(start).end_time(end).scan_by(ScanBy::TimestampAscending);
            request.into_paginator().send().collect::<Result<Vec<_>, _>>().await
        });
        let mut answer = MetricAnswer::default();
        for page in call.await? {
            // A message is how CloudWatch says that it left series out.
            answer.partial |= page.messages.is_some_and(|it| !it.is_empty());
            for result in page.metric_data_results.unwrap_or_default() {
                answer.partial |= matches!(result.status_code, Some(StatusCode::PartialData));
                merge(&mut answer.series, result, query);
            }
        }
        Ok(answer)
    }
}

/// `SEARCH('{ContainerInsights,ClusterName} MetricName="…" ClusterName="…"', 'Average', 60)`.
fn search(query: &MetricQuery, metric: &str) -> Result<String, ToolError> {
    let mut terms = format!("{{{},{}}} MetricName={}", query.namespace, query.dimensions.join(","), quoted("metric", metric)?);
    for (name, value) in &query.equals {
        terms.push_str(&format!(" {name}={}", quoted(name, value)?));
    }
    Ok(format!("SEARCH('{terms}', '{}', {})", query.statistic, query.period_seconds))
}

/// The expression language has no escape for quotes, so values that hold one are refused; no Kubernetes name does.
fn quoted(name: &str, value: &str) -> Result<String, ToolError> {
    if value.is_empty() || value.contains(['"', '\'', '\\']) || value.chars().any(char::is_control) {
        return Err(ToolError::invalid(format!("`{name}`: `{value}` cannot be searched for in CloudWatch")));
    }
    Ok(format!("\"{value}\""))
}

fn label(dimensions: &[String]) -> String {
    let mut label = "${PROP('MetricName')}".to_owned();
    for name in dimensions {
        label.push(SEPARATOR);
        label.push_str(&format!("${{PROP('Dim.{name}')}}"));
    }
    label
}

/// A series may come in parts, one on each page.
fn merge(series: &mut Vec<MetricSeries>, result: MetricDataResult, query: &MetricQuery) {
    let label = result.label.unwrap_or_default();
    let mut parts = label.split(SEPARATOR);
    let metric = parts.next().unwrap_or_default().to_owned();
    let dimensions: BTreeMap<String, String> = query.dimensions.iter().cloned().zip(parts.map(str::to_owned)).collect();
    // The search matches words; only whole values are meant.
    if !query.equals.iter().all(|(name, value)| dimensions.get(name) == Some(value)) {
        return;
    }
    let times = result.timestamps.unwrap_or_default();
    let points = times.iter().zip(result.values.unwrap_or_default());
    let points = points.filter_map(|(time, value)| Some((Timestamp::from_second(time.secs()).ok()?, value)));
    match series.iter_mut().find(|it| it.metric == metric && it.dimensions == dimensions) {
        Some(found) => found.points.extend(points),
        None => series.push(MetricSeries { metric, dimensions, points: points.collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(cluster: &str) -> MetricQuery {
        MetricQuery {
            namespace: "ContainerInsights".into(),
            metrics: vec!["pod_cpu_utilization".into()],
            dimensions: vec!["ClusterName".into(), "Namespace".into()],
            equals: vec![("ClusterName".into(), cluster.into())],
            statistic: "Average".into(),
            period_seconds: 60,
            start: Timestamp::UNIX_EPOCH,
            end: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_search_names_the_dimension_set_and_quotes_values() {
        assert_eq!(
            search(&query("prod"), "pod_cpu_utilization").unwrap(),
            r#"SEARCH('{ContainerInsights,ClusterName,Namespace} MetricName="pod_cpu_utilization" ClusterName="prod"', 'Average', 60)"#
        );
        assert_eq!(label(&query("prod").dimensions), "${PROP('MetricName')}|${PROP('Dim.ClusterName')}|${PROP('Dim.Namespace')}");
    }

    #[test]
    fn values_that_would_leave_the_quotes_are_refused() {
        for wrong in ["a\" OR \"b", "a'", "a\\", "a\nb", ""] {
            assert!(search(&query(wrong), "pod_cpu_utilization").is_err(), "{wrong}");
        }
    }

    #[test]
    fn parts_of_a_series_are_joined_and_others_are_left_out() {
        let part = |label: &str, second: i64, value: f64| {
            MetricDataResult::builder().label(label).timestamps(DateTime::from_secs(second)).values(value).build()
        };
        let mut series = Vec::new();
        merge(&mut series, part("pod_cpu_utilization|prod|shop", 0, 1.0), &query("prod"));
        merge(&mut series, part("pod_cpu_utilization|prod|shop", 60, 2.0), &query("prod"));
        merge(&mut series, part("pod_cpu_utilization|prod-2|shop", 0, 9.0), &query("prod"));
        assert_eq!(series.len(), 1);
        assert_eq!(series[0].points.len(), 2);
        assert_eq!(series[0].dimensions["Namespace"], "shop");
    }
}
