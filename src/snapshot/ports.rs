//! The AWS ports over recorded values. What was not recorded is an error, never an empty success.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::Value;

use super::Shared;
use crate::aws::{
    Alarms, Aws, CallerIdentity, ClusterParts, Compute, Eks, Iam, Images, LoadBalancing, Logs, Metrics, Pricing, Quotas, Scope,
    Sts, VisitEvent,
};
use crate::domain::account::Accounts;
use crate::domain::alarm::Alarm;
use crate::domain::cluster::{Cluster, PodIdentityAssociation};
use crate::domain::log_event::{LogEvent, LogFilter, LogScan};
use crate::domain::metric::{MetricAnswer, MetricQuery, MetricSeries, RecordedSeries};
use crate::domain::object::at;
use crate::domain::price::Product;
use crate::domain::version::ClusterVersion;
use crate::error::{ErrorKind, ToolError};

pub(super) struct RecordedAws {
    snapshot: Shared,
    accounts: Accounts,
}

impl RecordedAws {
    pub(super) fn new(snapshot: Shared) -> Self {
        Self { snapshot, accounts: Accounts::default() }
    }

    fn port(&self, region: &str) -> Arc<Port> {
        Arc::new(Port { snapshot: Arc::clone(&self.snapshot), region: region.to_owned() })
    }
}

#[async_trait]
impl Aws for RecordedAws {
    async fn default_region(&self) -> Option<String> {
        Some(self.snapshot.head.region.clone())
    }

    /// A snapshot knows accounts by their ids only.
    fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    async fn verify_account(&self, id: &str, _region: &str) -> Result<(), ToolError> {
        let recorded = self.snapshot.accounts();
        if recorded.iter().any(|it| it == id) {
            return Ok(());
        }
        let (name, recorded) = (&self.snapshot.head.name, recorded.join(", "));
        Err(ToolError::new(ErrorKind::NotRecorded, format!("the snapshot `{name}` does not hold account {id}"))
            .with_hint(format!("Leave `account` out; it holds {recorded}.")))
    }

    async fn region_of(&self, cluster: &str) -> Option<String> {
        self.snapshot.region_of(cluster)
    }

    async fn known_regions(&self) -> Vec<String> {
        self.snapshot.clusters.keys().filter_map(|name| self.snapshot.region_of(name)).collect()
    }

    fn eks(&self, scope: &Scope) -> Arc<dyn Eks> {
        self.port(&scope.region)
    }

    fn metrics(&self, scope: &Scope) -> Arc<dyn Metrics> {
        self.port(&scope.region)
    }

    fn alarms(&self, scope: &Scope) -> Arc<dyn Alarms> {
        self.port(&scope.region)
    }

    fn logs(&self, scope: &Scope) -> Arc<dyn Logs> {
        self.port(&scope.region)
    }

    fn pricing(&self, scope: &Scope) -> Arc<dyn Pricing> {
        self.port(&scope.region)
    }

    fn sts(&self, scope: &Scope) -> Arc<dyn Sts> {
        self.port(&scope.region)
    }

    fn parts(&self, scope: &Scope) -> Arc<dyn ClusterParts> {
        self.port(&scope.region)
    }

    fn compute(&self, scope: &Scope) -> Arc<dyn Compute> {
        self.port(&scope.region)
    }

    fn iam(&self, scope: &Scope) -> Arc<dyn Iam> {
        self.port(&scope.region)
    }

    fn load_balancing(&self, scope: &Scope) -> Arc<dyn LoadBalancing> {
        self.port(&scope.region)
    }

    fn images(&self, scope: &Scope) -> Arc<dyn Images> {
        self.port(&scope.region)
    }

    fn quotas(&self, scope: &Scope) -> Arc<dyn Quotas> {
        self.port(&scope.region)
    }
}

/// Every service in one Region.
pub(super) struct Port {
    pub(super) snapshot: Shared,
    region: String,
}

impl Port {
    /// Notes the action, as the live service would check it.
    pub(super) fn uses(&self, action: &str) {
        self.snapshot.usage.iam(action);
    }

    pub(super) fn recorded<'a, T>(&self, value: Option<&'a T>, what: &str, file: &str) -> Result<&'a T, ToolError> {
        value.ok_or_else(|| {
            let name = &self.snapshot.head.name;
            ToolError::new(ErrorKind::NotRecorded, format!("the snapshot `{name}` does not hold {what}"))
                .with_hint(format!("Record them into `{file}` of the snapshot, or ask the live account."))
        })
    }
}

#[async_trait]
impl Eks for Port {
    async fn list_clusters(&self, _include_external: bool) -> Result<Vec<String>, ToolError> {
        self.uses("eks:ListClusters");
        let clusters = self.snapshot.clusters.iter().filter(|(_, it)| it.eks.is_some()).map(|(name, _)| name);
        let here: Vec<String> =
            clusters.filter(|name| self.snapshot.region_of(name).as_deref() == Some(&self.region)).cloned().collect();
        // That there is none is known only of an account that was recorded whole.
        let known = (!here.is_empty() || self.snapshot.head.complete).then_some(&here);
        self.recorded(known, &format!("EKS clusters of {}", self.region), "clusters/<name>/cluster.json").cloned()
    }

    async fn describe_cluster(&self, name: &str) -> Result<Cluster, ToolError> {
        self.uses("eks:DescribeCluster");
        let found = self.snapshot.clusters.get(name).and_then(|it| it.eks.as_ref());
        let here = found.filter(|_| self.snapshot.region_of(name).as_deref() == Some(&self.region));
        here.cloned().ok_or_else(|| ToolError::not_found(format!("cluster `{name}` does not exist in {}", self.region)))
    }

    async fn cluster_versions(&self) -> Result<Vec<ClusterVersion>, ToolError> {
        self.uses("eks:DescribeClusterVersions");
        self.recorded(self.snapshot.versions.as_ref(), "the Kubernetes versions of EKS", "aws/eks/cluster_versions.json").cloned()
    }

    async fn pod_identity_associations(
        &self,
        cluster: &str,
        namespace: &str,
        service_account: &str,
    ) -> Result<Vec<PodIdentityAssociation>, ToolError> {
        self.uses("eks:ListPodIdentityAssociations");
        let file = "aws/eks/pod_identity_associations.json";
        let all = self.recorded(self.snapshot.associations.as_ref(), "Pod Identity associations", file)?;
        let fits = |it: &&PodIdentityAssociation| {
            it.cluster == cluster && it.namespace == namespace && it.service_account == service_account
        };
        Ok(all.iter().filter(fits).cloned().collect())
    }
}

#[async_trait]
impl Metrics for Port {
    async fn has_metrics(&self, namespace: &str, (name, value): (&str, &str)) -> Result<bool, ToolError> {
        self.uses("cloudwatch:ListMetrics");
        let series = self.recorded(self.snapshot.series.as_ref(), "metrics", "aws/metrics/")?;
        Ok(series.iter().any(|it| {
            it.region == self.region && it.namespace == namespace && it.dimensions.get(name).is_some_and(|it| it == value)
        }))
    }

    async fn query(&self, query: &MetricQuery) -> Result<MetricAnswer, ToolError> {
        self.uses("cloudwatch:GetMetricData");
        let recorded = self.recorded(self.snapshot.series.as_ref(), "metrics", "aws/metrics/")?;
        let fits = |it: &&RecordedSeries| {
            it.region == self.region
                && it.namespace == query.namespace
                && query.metrics.contains(&it.metric)
                && it.dimensions.len() == query.dimensions.len()
                && query.dimensions.iter().all(|name| it.dimensions.contains_key(name))
                && query.equals.iter().all(|(name, value)| it.dimensions.get(name) == Some(value))
        };
        let series = recorded.iter().filter(fits).map(|it| replay(it, query)).filter(|it| !it.points.is_empty());
        Ok(MetricAnswer { series: series.collect(), partial: false })
    }
}

#[async_trait]
impl Alarms for Port {
    async fn alarms(&self) -> Result<(Vec<Alarm>, bool), ToolError> {
        self.uses("cloudwatch:DescribeAlarms");
        let alarms = self.recorded(self.snapshot.alarms.as_ref(), "alarms", "aws/alarms/")?;
        let here = alarms.iter().filter(|it| it.region.is_empty() || it.region == self.region);
        Ok((here.map(|it| Alarm { tags: BTreeMap::new(), ..it.clone() }).collect(), true))
    }

    async fn tags(&self, arns: &[String]) -> Result<Vec<BTreeMap<String, String>>, ToolError> {
        self.uses("cloudwatch:ListTagsForResource");
        let alarms = self.recorded(self.snapshot.alarms.as_ref(), "alarms", "aws/alarms/")?;
        let tags = |arn: &String| alarms.iter().find(|it| it.arn == *arn).map(|it| it.tags.clone()).unwrap_or_default();
        Ok(arns.iter().map(tags).collect())
    }
}

/// Aggregates recorded values to the period and statistic that were asked for.
fn replay(recorded: &RecordedSeries, query: &MetricQuery) -> MetricSeries {
    let mut points: Vec<(jiff::Timestamp, Vec<f64>)> = Vec::new();
    let period = i64::from(query.period_seconds.max(1));
    for (index, value) in recorded.values.iter().enumerate() {
        let offset = i64::try_from(index).unwrap_or(i64::MAX).saturating_mul(i64::from(recorded.period_seconds));
        let (Some(value), Ok(time)) = (value, recorded.start.checked_add(SignedDuration::from_secs(offset))) else { continue };
        if time < query.start || time >= query.end {
            continue;
        }
        let bucket = time.as_second().div_euclid(period) * period;
        let Ok(bucket) = jiff::Timestamp::from_second(bucket) else { continue };
        match points.last_mut() {
            Some((last, values)) if *last == bucket => values.push(*value),
            _ => points.push((bucket, vec![*value])),
        }
    }
    let points = points.into_iter().map(|(time, values)| (time, aggregate(&query.statistic, values))).collect();
    MetricSeries { metric: recorded.metric.clone(), dimensions: recorded.dimensions.clone(), points }
}

fn aggregate(statistic: &str, mut values: Vec<f64>) -> f64 {
    match statistic {
        "Maximum" => values.into_iter().fold(f64::NEG_INFINITY, f64::max),
        "Minimum" => values.into_iter().fold(f64::INFINITY, f64::min),
        "Sum" => values.into_iter().sum(),
        "SampleCount" => crate::domain::metric::count(values.len()),
        other => match other.strip_prefix('p').and_then(|it| it.parse::<f64>().ok()) {
            Some(percent) => crate::domain::metric::percentile(&mut values, percent),
            None => values.iter().sum::<f64>() / crate::domain::metric::count(values.len()),
        },
    }
}

#[async_trait]
impl Logs for Port {
    async fn filter_events(&self, filter: &LogFilter, visit: VisitEvent<'_>) -> Result<LogScan, ToolError> {
        self.uses("logs:FilterLogEvents");
        let groups = self.recorded(self.snapshot.log_groups.as_ref(), "log groups of CloudWatch Logs", "aws/logs/")?;
        let group = groups
            .iter()
            .find(|it| it.region == self.region && it.name == filter.group)
            .ok_or_else(|| ToolError::not_found(format!("log group `{}` does not exist in {}", filter.group, self.region)))?;
        for event in group.events.iter().filter(|it| is_wanted(it, filter)) {
            if !visit(event.clone()) {
                return Ok(LogScan { complete: false });
            }
        }
        Ok(LogScan { complete: true })
    }
}

/// Whether a filter matches an event, as the live service reads its pattern.
fn is_wanted(event: &LogEvent, filter: &LogFilter) -> bool {
    let in_stream = filter.stream_prefix.as_ref().is_none_or(|it| event.stream.starts_with(it));
    if !in_stream || event.time < filter.start || event.time > filter.end {
        return false;
    }
    let fields: Value = serde_json::from_str(&event.message).unwrap_or_default();
    filter.equals.iter().all(|(path, value)| at(&fields, path).and_then(Value::as_str) == Some(value))
}

#[async_trait]
impl Pricing for Port {
    async fn products(&self, service: &str, filters: &[(&str, &str)]) -> Result<Vec<Product>, ToolError> {
        self.uses("pricing:GetProducts");
        let products = self.recorded(self.snapshot.products.as_ref(), "prices", "aws/pricing/")?;
        let fits = |it: &&Product| it.service == service && filters.iter().all(|(name, value)| it.attribute(name) == *value);
        Ok(products.iter().filter(fits).cloned().collect())
    }
}

#[async_trait]
impl Sts for Port {
    async fn caller_identity(&self) -> Result<CallerIdentity, ToolError> {
        self.uses("sts:GetCallerIdentity");
        self.recorded(self.snapshot.identity.as_ref(), "the caller identity", "aws/sts/caller_identity.json").cloned()
    }
}
