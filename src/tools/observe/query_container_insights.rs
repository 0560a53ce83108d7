//! `query_container_insights`: how a cluster, its namespaces, workloads or pods use CPU and memory, judged and worst first.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::{Metrics, Scope as AwsScope};
use crate::context::Context;
use crate::domain::insights::catalogue::{self, Metric};
use crate::domain::insights::finding::{self, Finding, findings};
use crate::domain::insights::missing::missing;
use crate::domain::insights::series::{Grid, Judged, rank, table};
use crate::domain::insights::{CLUSTER, NAMESPACE, Scope, period, verdict};
use crate::domain::metric::{MetricAnswer, MetricQuery};
use crate::domain::table::{Omitted, Table};
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::time::Window;
use crate::domain::{names, text};
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// Findings of one answer; more would not be read.
const MOST_FINDINGS: usize = 10;
/// Averages over longer stretches hide the peaks that kill containers.
const HIDES_PEAKS_SECONDS: u32 = 300;

/// `query_container_insights`
pub struct QueryContainerInsights;

/// Arguments of `query_container_insights`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// What each series stands for.
    scope: Scope,
    /// Metric names of Container Insights, such as `pod_memory_working_set`; default: utilisation, limits, restarts, counts.
    #[schemars(length(max = 20), inner(length(max = 100)))]
    metrics: Option<Vec<String>>,
    /// Only this namespace (scopes namespace, workload, pod).
    #[schemars(length(min = 1, max = 63))]
    namespace: Option<String>,
    /// Only this Deployment, StatefulSet or DaemonSet (scopes workload, pod).
    #[schemars(length(min = 1, max = 253))]
    workload: Option<String>,
    /// Only this pod, by its full name (scope pod).
    #[schemars(length(min = 1, max = 253))]
    pod: Option<String>,
    /// How far back, such as `30m`, `3h` or `7d`; default `3h`.
    #[schemars(length(max = 20))]
    window: Option<String>,
    /// How each point is made from its samples; default `average`.
    statistic: Option<Statistic>,
    /// Series to show, worst first; 1 to 50, default 10.
    #[schemars(range(min = 1, max = 50))]
    top: Option<u8>,
}

/// How a point is made from its samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Statistic {
    /// Mean of the samples.
    #[default]
    Average,
    /// Largest sample.
    Maximum,
    /// Smallest sample.
    Minimum,
    /// Sum of the samples.
    Sum,
    /// 95th percentile of the samples.
    P95,
}

impl Statistic {
    fn name(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Minimum => "Minimum",
            Self::Sum => "Sum",
            Self::P95 => "p95",
        }
    }
}

/// Which Container Insights a cluster has.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Mode {
    /// Metrics in the CloudWatch namespace `ContainerInsights`.
    Classic,
}

/// The stretch of time that was read.
#[expect(clippy::struct_field_names, reason = "the word of CloudWatch, with its unit")]
#[derive(Serialize, JsonSchema)]
struct Period {
    /// First moment.
    start: Timestamp,
    /// First moment after it.
    end: Timestamp,
    /// Seconds that one point covers.
    period_seconds: u32,
}

/// Answer of `query_container_insights`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The cluster that was read.
    target: Target,
    /// The moment of the answer.
    as_of: Timestamp,
    /// The answer in a sentence.
    summary: String,
    /// Which Container Insights the cluster has.
    mode: Mode,
    /// What was read.
    window: Period,
    /// How each point was made; by default peaks (memory over its limit, restarts, OOM kills) are `maximum` all the same.
    statistic: Statistic,
    /// Series, worst first; last, average, p95 and max are over the points of the window.
    series: Table,
    /// What deserves attention, worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    /// How many metrics were asked for.
    metrics_requested: usize,
    /// What is missing or uncertain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Series that are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

impl Tool for QueryContainerInsights {
    const META: Meta = Meta {
        name: "query_container_insights",
        title: "Query Container Insights",
        description: "CPU, memory, restarts and other Container Insights metrics of a cluster, its namespaces, workloads or pods from CloudWatch: \
                      last, average, p95, max, trend and a verdict for each series, worst first, with findings such as memory reaching its limit. \
                      Use it for load, capacity, OOM and trend questions.",
        toolset: Toolset::Observe,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            Permission::iam("cloudwatch:ListMetrics"),
            Permission::iam("cloudwatch:GetMetricData"),
            // Only to tell whether a pod without metrics exists.
            Permission::rbac("list", "", "pods"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let metrics = catalogue::choose(input.scope, input.metrics.as_deref().unwrap_or_default())?;
        let filters = filters(&input)?;
        let window = Window::ending(cx.now(), input.window.as_deref().unwrap_or("3h"))?;
        let mut target = cx.locate(&input.at).await?;
        cx.describe(&mut target).await?;
        let port = cx.world.aws.metrics(&AwsScope::of(&target));
        if !port.has_metrics(NAMESPACE, (CLUSTER, &target.cluster)).await? {
            return Err(not_installed(&target));
        }
        let query = query(&input, &metrics, &filters, &target, window);
        let answer = ask(port.as_ref(), &query, input.statistic.is_some()).await?;
        let grid = Grid { end: query.end, seconds: window.seconds(), period: query.period_seconds };
        let mut series: Vec<Judged> = answer.series.iter().filter_map(|it| Judged::of(it, input.scope, grid)).collect();
        rank(&mut series);

        let mut warnings = missing(answer.partial, &series, &metrics, input.scope, grid);
        if query.period_seconds > HIDES_PEAKS_SECONDS && query.statistic == "Average" {
            let seconds = query.period_seconds;
            warnings
                .push(format!("each point averages {seconds} s, so shorter peaks do not show; `statistic` `maximum` shows them"));
        }
        if series.is_empty() {
            warnings.extend(what_there_is(cx, port.as_ref(), &target, &query, &input, filters.last()).await);
        }
        let mut findings = findings(&series);
        let summary = summary(&series, &findings, &filters, &input, &target);
        findings.truncate(MOST_FINDINGS);
        let shown = usize::from(input.top.unwrap_or(10)).min(series.len());
        let mut table = table(series.get(..shown).unwrap_or_default(), grid);
        table.fit(cx.limits.budget * 2 / 3);
        let left_out = series.len() - table.rows.len();
        Ok(Output {
            target,
            as_of: cx.now(),
            summary,
            mode: Mode::Classic,
            window: Period { start: query.start, end: query.end, period_seconds: query.period_seconds },
            statistic: input.statistic.unwrap_or_default(),
            series: table,
            findings,
            metrics_requested: metrics.len(),
            warnings,
            omitted: Omitted::some(
                left_out,
                "raise `top` (to 50), name fewer `metrics`, or narrow to a namespace, workload or pod",
            ),
        })
    }
}

/// A dimension that the caller fixes.
struct Filter {
    argument: &'static str,
    dimension: &'static str,
    value: String,
}

/// The dimensions that the caller fixes, checked against the grammar of Kubernetes names before they enter an expression.
fn filters(input: &Input) -> Result<Vec<Filter>, ToolError> {
    let given = [
        ("namespace", "Namespace", &input.namespace, Scope::Namespace),
        ("workload", "PodName", &input.workload, Scope::Workload),
        ("pod", "FullPodName", &input.pod, Scope::Pod),
    ];
    let mut filters = Vec::new();
    for (argument, dimension, value, least) in given {
        let Some(value) = value else { continue };
        if input.scope < least {
            let message = format!("`{argument}`: series of scope `{}` have no {argument}", input.scope.name());
            return Err(
                ToolError::invalid(message).with_hint(format!("Use `scope` `{}`, or leave `{argument}` out.", least.name()))
            );
        }
        let fits = if argument == "namespace" { names::is_dns_label(value) } else { names::is_dns_subdomain(value) };
        if !fits {
            return Err(ToolError::invalid(format!("`{argument}`: `{}` is no Kubernetes name", text::cut(value, 80))));
        }
        filters.push(Filter { argument, dimension, value: value.clone() });
    }
    Ok(filters)
}

fn query(input: &Input, metrics: &[&Metric], filters: &[Filter], target: &Target, window: Window) -> MetricQuery {
    let period_seconds = period(window.seconds());
    // CloudWatch aligns points to the period; a start within one would make a point of half its samples.
    let early = window.start.as_second().rem_euclid(i64::from(period_seconds));
    let mut equals = vec![(CLUSTER.to_owned(), target.cluster.clone())];
    equals.extend(filters.iter().map(|it| (it.dimension.to_owned(), it.value.clone())));
    MetricQuery {
        namespace: NAMESPACE.to_owned(),
        metrics: metrics.iter().map(|it| it.name.to_owned()).collect(),
        dimensions: input.scope.dimensions().iter().map(|it| (*it).to_owned()).collect(),
        equals,
        statistic: input.statistic.unwrap_or_default().name().to_owned(),
        period_seconds,
        start: window.start.checked_sub(SignedDuration::from_secs(early)).unwrap_or(window.start),
        end: window.end,
    }
}

/// Asks for averages, and for maxima where an average would hide what the metric is judged by; or, for all, for what the caller
/// chose.
async fn ask(port: &dyn Metrics, query: &MetricQuery, chosen: bool) -> Result<MetricAnswer, ToolError> {
    let by_peak = |name: &String| !chosen && catalogue::find(name).is_some_and(verdict::is_judged_by_peak);
    let (peaks, others): (Vec<String>, Vec<String>) = query.metrics.iter().cloned().partition(by_peak);
    let part = |metrics: Vec<String>, statistic: &str| MetricQuery { metrics, statistic: statistic.to_owned(), ..query.clone() };
    let (peaks, others) = (part(peaks, Statistic::Maximum.name()), part(others, &query.statistic));
    let some = |query: MetricQuery| async move {
        if query.metrics.is_empty() { Ok(MetricAnswer::default()) } else { port.query(&query).await }
    };
    let (peaks, others) = futures::join!(some(peaks), some(others));
    let (mut answer, peaks) = (others?, peaks?);
    answer.series.extend(peaks.series);
    answer.partial |= peaks.partial;
    Ok(answer)
}

fn not_installed(target: &Target) -> ToolError {
    let message = format!(
        "cluster `{}` sent no metrics to CloudWatch namespace `{NAMESPACE}` in the last hours (mode `none`): Container Insights is not installed or cannot send",
        target.cluster
    );
    ToolError::new(ErrorKind::NotInstalled, message).with_hint(
        "Install the EKS add-on `amazon-cloudwatch-observability` and give its role the policy `CloudWatchAgentServerPolicy`; \
         if it runs in OpenTelemetry mode only, switch on `containerInsights` in its configuration.",
    )
}

fn summary(series: &[Judged], findings: &[Finding], filters: &[Filter], input: &Input, target: &Target) -> String {
    let window = input.window.as_deref().unwrap_or("3h");
    let scope = input.scope.name();
    let over = format!("of scope `{scope}` in cluster `{}` over {window}", target.cluster);
    if !series.is_empty() {
        return finding::summary(series, findings, &over);
    }
    let filters: Vec<String> = filters.iter().map(|it| format!("{} `{}`", it.argument, it.value)).collect();
    let with = if filters.is_empty() { String::new() } else { format!(" with {}", text::join_and(&filters)) };
    format!("There is no series {over}{with}; that is missing data, not zero load.")
}

/// What reports instead of what was asked for, so that the caller can tell a wrong name from a silent pod.
async fn what_there_is(
    cx: &Context,
    port: &dyn Metrics,
    target: &Target,
    query: &MetricQuery,
    input: &Input,
    narrowest: Option<&Filter>,
) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(Filter { argument, dimension, value }) = narrowest {
        let mut wider = query.clone();
        wider.equals.truncate(1);
        wider.metrics.truncate(1);
        match port.query(&wider).await {
            Ok(answer) => {
                let mut known: Vec<&str> =
                    answer.series.iter().filter_map(|it| it.dimensions.get(*dimension)).map(String::as_str).collect();
                known.sort_unstable();
                known.dedup();
                let near = names::did_you_mean(value, known.iter().copied());
                let others = text::count(known.len(), &format!("other {argument}"));
                notes.push(format!("{argument} `{value}` did not report in the window; {others} did{near}"));
            }
            Err(err) => notes.push(format!("what else reports could not be read: {}", err.message)),
        }
    }
    if let Some(pod) = &input.pod {
        notes.push(pod_state(cx, target, input.namespace.as_deref(), pod).await);
    }
    notes
}

async fn pod_state(cx: &Context, target: &Target, namespace: Option<&str>, pod: &str) -> String {
    let selector = format!("metadata.name={pod}");
    let found = async {
        let kind = Kind::named("Pod").ok_or_else(|| ToolError::new(ErrorKind::Internal, "no kind Pod"))?;
        let client = cx.kubernetes(target).await?;
        api::list(&client, &kind, &ListOptions { namespace, fields: Some(&selector), ..ListOptions::default() }, 1).await
    };
    match found.await {
        Ok((pods, _)) => match pods.first() {
            Some(pod) => format!(
                "pod `{}/{}` exists (phase {}) but sent no metrics in the window",
                pod.namespace(),
                pod.name(),
                pod.text("status.phase")
            ),
            None => format!("no pod `{pod}` exists now"),
        },
        Err(err) => format!("whether pod `{pod}` exists could not be read: {}", err.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::Limits;
    use serde_json::{Value, json};

    async fn ask(arguments: Value) -> Result<Output, ToolError> {
        let cx = Context::new(crate::snapshot::demo().unwrap().into_world(), Limits::STANDARD, None);
        QueryContainerInsights::run(&cx, serde_json::from_value(arguments).unwrap()).await
    }

    #[tokio::test]
    async fn the_pod_that_runs_out_of_memory_is_found() {
        let output = ask(json!({"cluster": "payments", "scope": "pod"})).await.unwrap();
        let worst = output.findings.first().unwrap();
        assert!(worst.what.contains("checkout-api") && worst.what.ends_with("OOM risk"), "{}", worst.what);
        assert_eq!((output.series.rows.len(), output.metrics_requested), (10, 7));
        assert!(output.omitted.is_some());
    }

    #[tokio::test]
    async fn healthy_clusters_have_no_findings() {
        for scope in ["cluster", "namespace", "workload", "pod"] {
            let output = ask(json!({"cluster": "storefront", "scope": scope})).await.unwrap();
            assert!(output.findings.is_empty(), "{scope}: {:?}", output.findings);
        }
    }

    #[tokio::test]
    async fn what_does_not_report_is_explained() {
        let output = ask(json!({"cluster": "payments", "scope": "workload", "namespace": "checkout", "workload": "checkout-ap"}))
            .await
            .unwrap();
        assert!(output.series.is_empty() && output.warnings[0].contains("did you mean `checkout-api`"), "{:?}", output.warnings);
        let output = ask(json!({"cluster": "payments", "scope": "pod", "pod": "settlement-store-0"})).await.unwrap();
        assert!(output.warnings.iter().any(|it| it.contains("exists (phase Pending)")), "{:?}", output.warnings);
        let err = ask(json!({"cluster": "payments", "scope": "cluster", "namespace": "checkout"})).await.err().unwrap();
        assert!(err.message.contains("have no namespace"), "{}", err.message);
        let err = ask(json!({"cluster": "payments", "scope": "pod", "pod": "a' OR 'b"})).await.err().unwrap();
        assert_eq!(err.kind, ErrorKind::InvalidInput);
    }
}
