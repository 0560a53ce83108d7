//! One account in one Region: whose credentials, and which actions they allow.

use std::sync::Arc;

use futures::{StreamExt as _, stream};
use jiff::SignedDuration;
use serde::Serialize;

use super::Needs;
use super::parts::Parts;
use crate::aws::{Eks, Metrics, Scope};
use crate::context::Context;
use crate::domain::account::Account;
use crate::domain::log_event::LogFilter;
use crate::domain::metric::MetricQuery;
use crate::domain::outbound;
use crate::error::{ErrorKind, ToolError};
use crate::tool::Permission;

/// Stands for a cluster where there is none: a service answers "not found" only to those who may ask.
const NOBODY: &str = "eks-mcp-check";
/// Actions that are tried at a time.
const FAN_OUT: usize = 4;

/// One way into AWS.
#[derive(Clone, Debug, Serialize)]
pub struct AwsReport {
    /// Alias of the configured account; absent for the server's own credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Account id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// Region.
    pub region: String,
    /// How the credentials are had.
    pub way: String,
    /// Whom they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Why they do not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Each action that the tools use.
    pub actions: Vec<ActionReport>,
    /// Class of the error.
    #[serde(skip)]
    pub(super) kind: Option<ErrorKind>,
    /// Clusters that were found.
    #[serde(skip)]
    pub(super) found: Vec<String>,
    /// Whether nothing needs them, because clusters are reached without AWS.
    #[serde(skip)]
    pub(super) unused: bool,
}

/// One action.
#[derive(Clone, Debug, Serialize)]
pub struct ActionReport {
    /// The IAM action.
    pub action: &'static str,
    /// `allowed`, `denied` or `unproven`.
    pub result: &'static str,
    /// Tools that use it.
    pub tools: Vec<&'static str>,
    /// What AWS said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl AwsReport {
    /// Whether the credentials work and no action is denied.
    pub fn is_ok(&self) -> bool {
        self.error.is_none() && self.actions.iter().all(|it| it.result != "denied")
    }

    /// Whether they do not work and nothing needs them.
    pub fn is_unused(&self) -> bool {
        self.unused
    }

    pub(super) fn failed(account: Option<&Account>, region: String, err: &ToolError, needed: bool) -> Self {
        let mut report = Self::new(account, region);
        report.fail(err);
        report.unused = account.is_none() && !needed;
        report
    }

    fn new(account: Option<&Account>, region: String) -> Self {
        Self {
            account: account.map(|it| it.alias.clone()),
            account_id: account.map(|it| it.id.clone()),
            region,
            way: account.map_or_else(|| "the server's own credentials".to_owned(), Account::way),
            identity: None,
            error: None,
            next_step: None,
            actions: Vec::new(),
            kind: None,
            found: Vec::new(),
            unused: false,
        }
    }

    fn fail(&mut self, err: &ToolError) {
        let err = crate::registry::fit_to_leave(err.clone());
        self.error = Some(err.message);
        self.next_step = err.hint;
        self.kind = Some(err.kind);
    }
}

/// Asks STS who the credentials are, then tries every action of the tools that a cheap read proves.
pub(super) async fn check(
    cx: &Context,
    account: Option<&Account>,
    region: &str,
    needs: &Needs,
    cluster: Option<&str>,
) -> AwsReport {
    let scope = Scope { account: account.map(|it| it.id.clone()), region: region.to_owned() };
    let mut report = AwsReport::new(account, region.to_owned());
    match cx.world.aws.sts(&scope).caller_identity().await {
        Ok(caller) => {
            report.account_id = Some(caller.account);
            report.identity = Some(caller.arn);
        }
        // What a snapshot does not hold is no fault of the credentials.
        Err(err) if err.kind == ErrorKind::NotRecorded => {}
        Err(err) => {
            report.fail(&err);
            return report;
        }
    }
    if let Some(account) = account
        && let Err(err) = cx.world.aws.verify_account(&account.id, region).await
    {
        report.fail(&err);
        return report;
    }
    let eks = cx.world.aws.eks(&scope);
    let listed = eks.list_clusters(false).await;
    if let Ok(found) = &listed {
        report.found.clone_from(found);
    }
    let sample = cluster.or(report.found.first().map(String::as_str)).unwrap_or(NOBODY).to_owned();
    let id = report.account_id.clone();
    let parts = Parts { cx, scope: &scope, cluster: &sample, account: id.as_deref() };
    let probe = Probe { cx, scope: &scope, eks, metrics: cx.world.aws.metrics(&scope), sample: &sample, parts };
    let listed = listed.map(drop);
    let actions = needs.iter().filter_map(|(permission, tools)| match permission {
        Permission::Iam(action) => Some((*action, tools.clone())),
        Permission::Rbac { .. } => None,
    });
    let tries = actions.map(|(action, tools)| {
        let (probe, listed) = (&probe, listed.clone());
        Box::pin(async move {
            let (result, why) = match action {
                "eks:ListClusters" => judge(Some(listed)),
                _ => judge(probe.prove(action).await),
            };
            ActionReport { action, result, tools, why }
        })
    });
    let tries: Vec<_> = tries.collect();
    report.actions = stream::iter(tries).buffered(FAN_OUT).collect().await;
    report
}

/// What the tries of actions share.
struct Probe<'a> {
    cx: &'a Context,
    scope: &'a Scope,
    eks: Arc<dyn Eks>,
    metrics: Arc<dyn Metrics>,
    sample: &'a str,
    parts: Parts<'a>,
}

impl Probe<'_> {
    /// Makes the cheapest call that needs the action; `None` where none is cheap.
    async fn prove(&self, action: &str) -> Option<Result<(), ToolError>> {
        let dimension = ("ClusterName", self.sample);
        Some(match action {
            "sts:GetCallerIdentity" => Ok(()),
            "eks:DescribeCluster" => self.eks.describe_cluster(self.sample).await.map(drop),
            "eks:DescribeClusterVersions" => self.eks.cluster_versions().await.map(drop),
            "eks:ListPodIdentityAssociations" => {
                self.eks.pod_identity_associations(self.sample, "default", "default").await.map(drop)
            }
            "cloudwatch:ListMetrics" => self.metrics.has_metrics("ContainerInsights", dimension).await.map(drop),
            "cloudwatch:ListTagsForResource" => {
                let (region, account) = (&self.scope.region, self.parts.account.unwrap_or("000000000000"));
                let arn = format!("arn:aws:cloudwatch:{region}:{account}:alarm:{NOBODY}");
                self.cx.world.aws.alarms(self.scope).tags(&[arn]).await.map(drop)
            }
            "cloudwatch:DescribeAlarms" => self.cx.world.aws.alarms(self.scope).alarms().await.map(drop),
            "cloudwatch:GetMetricData" => self.metrics.query(&self.metric()).await.map(drop),
            "pricing:GetProducts" => {
                let filters = [("regionCode", self.scope.region.as_str()), ("operation", "CreateOperation")];
                self.cx.world.aws.pricing(self.scope).products("AmazonEKS", &filters).await.map(drop)
            }
            "logs:FilterLogEvents" => {
                // The first event of a minute is enough; a group that does not exist is told of only to those who may ask.
                let logs = self.cx.world.aws.logs(self.scope);
                logs.filter_events(&self.application_log(), &mut |_| false).await.map(drop)
            }
            _ => return self.parts.prove(action).await,
        })
    }

    /// The last minute of the application logs.
    fn application_log(&self) -> LogFilter {
        let end = self.cx.now();
        LogFilter {
            group: format!("/aws/containerinsights/{}/application", self.sample),
            stream_prefix: None,
            equals: Vec::new(),
            start: end.checked_sub(SignedDuration::from_mins(1)).unwrap_or(end),
            end,
        }
    }

    /// One metric over five minutes.
    fn metric(&self) -> MetricQuery {
        let end = self.cx.now();
        MetricQuery {
            namespace: "ContainerInsights".to_owned(),
            metrics: vec!["cluster_node_count".to_owned()],
            dimensions: vec!["ClusterName".to_owned()],
            equals: vec![("ClusterName".to_owned(), self.sample.to_owned())],
            statistic: "Average".to_owned(),
            period_seconds: 300,
            start: end.checked_sub(SignedDuration::from_mins(5)).unwrap_or(end),
            end,
        }
    }
}

fn judge(tried: Option<Result<(), ToolError>>) -> (&'static str, Option<String>) {
    match tried {
        None => ("unproven", Some("no cheap read proves it".to_owned())),
        Some(Ok(())) => ("allowed", None),
        Some(Err(err)) => match err.kind {
            // Whether a thing exists is said only to those who may know.
            ErrorKind::NotFound => ("allowed", None),
            ErrorKind::AccessDenied => ("denied", Some(outbound::line(&err.message))),
            _ => ("unproven", Some(outbound::line(&err.message))),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_counts_as_one() {
        let judged = |kind| judge(Some(Err(ToolError::new(kind, "why")))).0;
        assert_eq!(judged(ErrorKind::AccessDenied), "denied");
        assert_eq!(judged(ErrorKind::NotFound), "allowed");
        assert_eq!(judged(ErrorKind::Throttled), "unproven");
        assert_eq!(judge(None).0, "unproven");
        assert_eq!(judge(Some(Ok(()))).0, "allowed");
    }
}
