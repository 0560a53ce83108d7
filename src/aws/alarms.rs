//! Alarms of CloudWatch over its SDK.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{self, AlarmType};
use futures::{StreamExt as _, stream};

use super::Alarms;
use super::eks::timestamp;
use super::identity::Shared;
use crate::domain::alarm::Alarm;
use crate::error::ToolError;

/// Pages of alarms that are read; more than so many alarms of one Region are not looked through.
const PAGES: usize = 20;
/// Tags that are asked for at a time.
const AT_A_TIME: usize = 8;

pub(super) struct SdkAlarms {
    shared: Arc<Shared>,
    region: String,
}

impl SdkAlarms {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Alarms for SdkAlarms {
    async fn alarms(&self) -> Result<(Vec<Alarm>, bool), ToolError> {
        let thing = format!("alarms in {}", self.region);
        let call = self.shared.call(&self.region, "cloudwatch:DescribeAlarms", &thing, |clients| async move {
            let request = clients.cloudwatch.describe_alarms();
            let request = request.alarm_types(AlarmType::MetricAlarm).alarm_types(AlarmType::CompositeAlarm).max_records(100);
            let mut pages = request.into_paginator().send();
            let mut found = Vec::new();
            while let Some(page) = pages.next().await {
                found.push(page?);
                if found.len() == PAGES {
                    break;
                }
            }
            Ok(found)
        });
        let pages = call.await?;
        let whole = pages.last().is_none_or(|it| it.next_token.is_none());
        let mut alarms = Vec::new();
        for page in pages {
            alarms.extend(page.metric_alarms.unwrap_or_default().into_iter().map(of_metric));
            alarms.extend(page.composite_alarms.unwrap_or_default().into_iter().map(composite));
        }
        Ok((alarms, whole))
    }

    async fn tags(&self, arns: &[String]) -> Result<Vec<BTreeMap<String, String>>, ToolError> {
        let ask = |arn: &String| {
            let arn = arn.clone();
            async move {
                let call = self.shared.call(&self.region, "cloudwatch:ListTagsForResource", &arn, |clients| {
                    let arn = arn.clone();
                    async move { clients.cloudwatch.list_tags_for_resource().resource_arn(arn).send().await }
                });
                let tags = call.await?.tags.unwrap_or_default();
                Ok(tags.into_iter().map(|it| (it.key.unwrap_or_default(), it.value.unwrap_or_default())).collect())
            }
        };
        let answers: Vec<_> = stream::iter(arns.iter().map(ask)).buffered(AT_A_TIME).collect().await;
        answers.into_iter().collect()
    }
}

fn of_metric(alarm: types::MetricAlarm) -> Alarm {
    let queries = alarm.metrics.unwrap_or_default();
    let promql = alarm.evaluation_criteria.as_ref().and_then(|it| it.as_prom_ql_criteria().ok()).and_then(|it| it.query.clone());
    let dimensions = |list: Vec<types::Dimension>| -> BTreeMap<String, String> {
        list.into_iter().map(|it| (it.name.unwrap_or_default(), it.value.unwrap_or_default())).collect()
    };
    let expressions = queries.into_iter().filter_map(|query| {
        let of_metric = query.metric_stat.and_then(|it| it.metric).map(|metric| {
            let dimensions = dimensions(metric.dimensions.unwrap_or_default());
            let dimensions: Vec<String> = dimensions.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!(
                "{} {} {}",
                metric.namespace.unwrap_or_default(),
                metric.metric_name.unwrap_or_default(),
                dimensions.join(" ")
            )
        });
        query.expression.or(of_metric)
    });
    let statistic = alarm.statistic.map(|it| it.as_str().to_owned()).or(alarm.extended_statistic);
    Alarm {
        name: alarm.alarm_name.unwrap_or_default(),
        arn: alarm.alarm_arn.unwrap_or_default(),
        description: alarm.alarm_description.unwrap_or_default(),
        state: alarm.state_value.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        reason: alarm.state_reason.unwrap_or_default(),
        since: alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp).and_then(timestamp),
        namespace: alarm.namespace.unwrap_or_default(),
        metric: alarm.metric_name.unwrap_or_default(),
        dimensions: dimensions(alarm.dimensions.unwrap_or_default()),
        statistic: statistic.unwrap_or_default(),
        period_seconds: alarm.period.and_then(|it| u32::try_from(it).ok()).unwrap_or_default(),
        comparison: alarm.comparison_operator.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        threshold: alarm.threshold,
        recent: recent(alarm.state_reason_data.as_deref()),
        expressions: expressions.chain(promql).collect(),
        actions_enabled: alarm.actions_enabled.unwrap_or_default(),
        actions: u32::try_from(alarm.alarm_actions.unwrap_or_default().len()).unwrap_or(u32::MAX),
        ..Alarm::default()
    }
}

fn composite(alarm: types::CompositeAlarm) -> Alarm {
    Alarm {
        name: alarm.alarm_name.unwrap_or_default(),
        arn: alarm.alarm_arn.unwrap_or_default(),
        description: alarm.alarm_description.unwrap_or_default(),
        state: alarm.state_value.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        reason: alarm.state_reason.unwrap_or_default(),
        since: alarm.state_transitioned_timestamp.or(alarm.state_updated_timestamp).and_then(timestamp),
        rule: alarm.alarm_rule.unwrap_or_default(),
        actions_enabled: alarm.actions_enabled.unwrap_or_default(),
        actions: u32::try_from(alarm.alarm_actions.unwrap_or_default().len()).unwrap_or(u32::MAX),
        ..Alarm::default()
    }
}

/// The points that the alarm was last judged by; the newest comes first.
fn recent(data: Option<&str>) -> Vec<f64> {
    let data: serde_json::Value = data.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let points = data.get("recentDatapoints").and_then(serde_json::Value::as_array);
    points.into_iter().flatten().filter_map(serde_json::Value::as_f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_come_from_the_data_of_the_reason() {
        assert_eq!(recent(Some(r#"{"version":"1.0","recentDatapoints":[91.5,88.0],"threshold":80.0}"#)), [91.5, 88.0]);
        assert!(recent(Some("no JSON")).is_empty() && recent(None).is_empty());
    }

    #[test]
    fn expressions_hold_the_metrics_within_metric_math() {
        let metric = types::Metric::builder().namespace("ContainerInsights").metric_name("node_cpu_utilization");
        let metric = metric.dimensions(types::Dimension::builder().name("ClusterName").value("prod").build()).build();
        let stat = types::MetricStat::builder().metric(metric).period(60).stat("Average").build();
        let alarm = types::MetricAlarm::builder()
            .metrics(types::MetricDataQuery::builder().id("m1").metric_stat(stat).build())
            .metrics(types::MetricDataQuery::builder().id("e1").expression("m1 * 2").build());
        assert_eq!(of_metric(alarm.build()).expressions, ["ContainerInsights node_cpu_utilization ClusterName=prod", "m1 * 2"]);
    }
}
