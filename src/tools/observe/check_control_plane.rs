//! `check_control_plane`: how busy the control plane is, against what its tier holds.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::{Metrics, Scope};
use crate::context::Context;
use crate::domain::control_plane::NAMESPACE;
use crate::domain::control_plane::growth;
use crate::domain::control_plane::signals::{self, Against, GIB, Judged, Reading, SIGNALS, number};
use crate::domain::control_plane::tier::{self, Advice, Limits, Peaks, STANDARD};
use crate::domain::cost::price_list::{Item, eks_fee};
use crate::domain::insights::finding::Finding;
use crate::domain::insights::verdict::{Severity, Verdict};
use crate::domain::insights::{CLUSTER, period};
use crate::domain::metric::{MetricAnswer, MetricQuery};
use crate::domain::table::Table;
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text::join_and;
use crate::domain::time::{Window, age};
use crate::error::{ErrorKind, ToolError};
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// `check_control_plane`
pub struct CheckControlPlane;

/// Arguments of `check_control_plane`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// How far back, such as `3h`, `24h` or `7d`; default `24h`.
    #[schemars(length(max = 20))]
    window: Option<String>,
}

/// What the control plane may reach.
#[derive(Serialize, JsonSchema)]
struct TierLimits {
    /// Scaling tier: `standard`, or a provisioned one such as `tier-xl`.
    tier: String,
    /// Seats of API Priority and Fairness; absent on the standard tier, where they follow the load.
    #[serde(skip_serializing_if = "Option::is_none")]
    seats: Option<f64>,
    /// Pods that are scheduled in a second; absent as `seats` is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pods_per_second: Option<f64>,
    /// Gigabytes of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    database_gb: Option<f64>,
}

/// The tier that fits what was observed.
#[derive(Serialize, JsonSchema)]
struct Recommendation {
    /// The tier; the present one where it fits.
    tier: String,
    /// Why that one.
    why: String,
    /// What it costs more in an hour than the present tier, at list price; negative where it costs less, absent where it is the same
    /// tier or the price is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    hourly_price_difference: Option<String>,
}

/// The database of the cluster (etcd).
#[derive(Serialize, JsonSchema)]
struct Database {
    /// Gigabytes in use, which count against the limit.
    in_use_gb: f64,
    /// Gigabytes that it grows in a day, by the straight line through the window; 0 where it goes up and down.
    #[serde(skip_serializing_if = "Option::is_none")]
    growth_gb_per_day: Option<f64>,
    /// Days until it is full at this rate; absent when it does not grow.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_until_full: Option<f64>,
}

/// Answer of `check_control_plane`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The cluster that was read.
    target: Target,
    /// The moment of the answer.
    as_of: Timestamp,
    /// The answer in a sentence.
    summary: String,
    /// Kubernetes minor version of the control plane.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// What the tier holds with this version (`eks:DescribeClusterVersions`).
    limits: TierLimits,
    /// Each signal: `now`, `p95` and `max` over the window, `limit`, `percent` of it at the peak (of the 95th percentile for
    /// latencies), `verdict`. Counters (`per period`) also have their `total`. A signal without a metric is missing, which does not mean
    /// zero.
    signals: Table,
    /// The database; absent where it has no metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<Database>,
    /// Which tier fits.
    recommended: Recommendation,
    /// What deserves attention, worst first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    findings: Vec<Finding>,
    /// Seconds of one point.
    period_seconds: u32,
    /// How many metrics were asked for.
    metrics_requested: usize,
    /// What is missing or uncertain.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for CheckControlPlane {
    const META: Meta = Meta {
        name: "check_control_plane",
        title: "Check the control plane",
        description: "How busy the control plane of a cluster is against what its scaling tier holds: API seats, scheduling rate, database size with days \
                      until full, throttled and failed requests, latencies, webhooks, pods that wait; each with a verdict, and the tier that fits with \
                      its price difference. Use it for throttling (429), slow kubectl, slow scheduling, and provisioned control plane questions.",
        toolset: Toolset::Observe,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            Permission::iam("eks:DescribeClusterVersions"),
            Permission::iam("cloudwatch:GetMetricData"),
            // Only for the price difference.
            Permission::iam("pricing:GetProducts"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let window = Window::ending(cx.now(), input.window.as_deref().unwrap_or("24h"))?;
        let mut target = cx.locate(&input.at).await?;
        let cluster = cx.describe(&mut target).await?;
        let scope = Scope::of(&target);
        let (port, eks) = (cx.world.aws.metrics(&scope), cx.world.aws.eks(&scope));
        let seconds = period(window.seconds());
        let (answer, versions) = futures::join!(ask(port.as_ref(), &target, window, seconds), eks.cluster_versions());
        let answer = answer?;
        let mut warnings = Vec::new();
        if answer.partial {
            warnings.push("CloudWatch left points out; narrow the window".to_owned());
        }
        let tiers = match versions {
            Ok(versions) => versions
                .into_iter()
                .find(|it| Some(&it.version) == cluster.version.as_ref())
                .map(|it| it.tiers)
                .unwrap_or_default(),
            Err(err) => {
                warnings.push(format!("what tiers hold is not known: {}", err.message));
                Vec::new()
            }
        };
        let own = cluster.tier.clone().unwrap_or_else(|| STANDARD.to_owned());
        let limits = Limits::of(&own, &tiers);
        let judged: Vec<Judged> = SIGNALS
            .iter()
            .filter_map(|signal| {
                let series = answer.series.iter().find(|it| it.metric == signal.metric)?;
                signals::judge(signal, &series.points, seconds, &limits)
            })
            .collect();
        if judged.is_empty() {
            return Err(no_metrics(&target, cluster.version.as_deref()));
        }
        if seconds > 60 {
            warnings.push(format!(
                "each point covers {seconds} s, so shorter peaks do not show; a window of at most 24 h shows minutes"
            ));
        }
        let peaks = peaks(&judged);
        let throttled = judged.iter().any(|it| it.signal.metric.ends_with("_429") && it.total > 0.0);
        let advice = tier::advise(&own, &peaks, throttled, &tiers);
        let database = database(&answer, &judged, &limits);
        let findings = findings(&judged, database.as_ref(), cx.now());
        let recommended = priced(cx, &target, &own, advice, &mut warnings).await;
        let summary = summary(&target, &own, &judged, &findings, &recommended);
        Ok(Output {
            as_of: cx.now(),
            summary,
            version: cluster.version,
            limits: TierLimits {
                tier: own,
                seats: limits.seats,
                pods_per_second: limits.pods_per_second,
                database_gb: limits.database_gb,
            },
            signals: table(&judged),
            database,
            recommended,
            findings,
            period_seconds: seconds,
            metrics_requested: SIGNALS.len(),
            warnings,
            target,
        })
    }
}

/// Each metric with the one statistic that means something, in one round of calls.
async fn ask(port: &dyn Metrics, target: &Target, window: Window, period_seconds: u32) -> Result<MetricAnswer, ToolError> {
    let early = window.start.as_second().rem_euclid(i64::from(period_seconds));
    let query = |statistic: &str| MetricQuery {
        namespace: NAMESPACE.to_owned(),
        metrics: SIGNALS.iter().filter(|it| it.reading.statistic() == statistic).map(|it| it.metric.to_owned()).collect(),
        dimensions: vec![CLUSTER.to_owned()],
        equals: vec![(CLUSTER.to_owned(), target.cluster.clone())],
        statistic: statistic.to_owned(),
        period_seconds,
        start: window.start.checked_sub(SignedDuration::from_secs(early)).unwrap_or(window.start),
        end: window.end,
    };
    let queries = ["Sum", "Average", "Maximum"].map(query);
    let answers = futures::future::try_join_all(queries.iter().map(|it| port.query(it))).await?;
    let mut all = MetricAnswer::default();
    for answer in answers {
        all.partial |= answer.partial;
        all.series.extend(answer.series);
    }
    Ok(all)
}

fn no_metrics(target: &Target, version: Option<&str>) -> ToolError {
    let message = format!("CloudWatch namespace `{NAMESPACE}` has no metric of cluster `{}` in the window", target.cluster);
    let hint = match version.and_then(|it| it.strip_prefix("1.")).and_then(|it| it.parse::<u32>().ok()) {
        Some(minor) if minor < 28 => "EKS vends these metrics from Kubernetes 1.28 on: upgrade the cluster.",
        _ => "EKS vends these metrics by itself, some minutes after a cluster is made; try a longer window.",
    };
    ToolError::new(ErrorKind::NotFound, message).with_hint(hint)
}

fn peaks(judged: &[Judged]) -> Peaks {
    let peak = |against: Against| judged.iter().find(|it| it.signal.against == against).map(|it| it.statistics.max);
    Peaks { seats: peak(Against::Seats), pods_per_second: peak(Against::Scheduling), database_gb: peak(Against::Database) }
}

fn database(answer: &MetricAnswer, judged: &[Judged], limits: &Limits) -> Option<Database> {
    let found = judged.iter().find(|it| it.signal.against == Against::Database)?;
    let points = &answer.series.iter().find(|it| it.metric == found.signal.metric)?.points;
    let points: Vec<(Timestamp, f64)> = points.iter().map(|(at, value)| (*at, value / GIB)).collect();
    let growth = growth::of(&points, limits.database_gb);
    let short = |value: f64| (value * 1_000.0).round() / 1_000.0;
    Some(Database {
        in_use_gb: short(found.statistics.last),
        growth_gb_per_day: growth.map(|it| short(it.per_day)),
        days_until_full: growth.and_then(|it| it.days_until_full).map(|it| (it * 10.0).round() / 10.0),
    })
}

/// Days until the database is full that deserve attention.
const SOON: f64 = 30.0;

fn findings(judged: &[Judged], database: Option<&Database>, now: Timestamp) -> Vec<Finding> {
    let mut found: Vec<Finding> = judged
        .iter()
        .filter_map(|it| {
            let Verdict::Problem(severity) = it.verdict else { return None };
            let (name, unit) = (it.signal.name, it.signal.reading.unit());
            let value = |value: f64| format!("{}{}{unit}", number(value), if unit.is_empty() { "" } else { " " });
            let (what, why) = match it.signal.against {
                Against::AnyOccurrence => (
                    format!("{name}: {} in the window, {} at most in one period", number(it.total), number(it.statistics.max)),
                    if it.signal.metric.ends_with("_429") {
                        "clients are turned away by API Priority and Fairness; the audit log tells which ones"
                    } else {
                        "the scheduler fails on its own account, not for want of room"
                    },
                ),
                Against::NeverZero => (
                    format!(
                        "{name}: never fewer than one {}, {} at most",
                        it.since.map_or_else(|| "in the window".to_owned(), |since| format!("for {}", age(now, since))),
                        number(it.statistics.max)
                    ),
                    "they do not get on by themselves; `scan_cluster` tells why they wait",
                ),
                Against::Objective(seconds) => (
                    format!("{name}: {} at the 95th percentile, above {} s", value(it.statistics.p95), number(seconds)),
                    "slower than the objectives of Kubernetes for a healthy cluster",
                ),
                _ => (
                    format!(
                        "{name}: {} at most, {} % of what the tier holds",
                        value(it.statistics.max),
                        number(it.percent.unwrap_or(0.0))
                    ),
                    if it.signal.against == Against::Database {
                        "a full database takes no writes any more"
                    } else {
                        "beyond it requests wait and are turned away"
                    },
                ),
            };
            Some(Finding { severity, what, why: why.to_owned() })
        })
        .collect();
    if let Some(days) = database.and_then(|it| it.days_until_full).filter(|it| *it < SOON) {
        found.push(Finding {
            severity: Severity::Warning,
            what: format!("database: full in {} days at the rate of the window", number(days)),
            why: "look for what is written and not deleted: events, custom resources, revisions, Secrets of releases".to_owned(),
        });
    }
    found.sort_by_key(|it| std::cmp::Reverse(it.severity));
    found
}

fn table(judged: &[Judged]) -> Table {
    let mut table = Table::new(["signal", "metric", "unit", "now", "p95", "max", "total", "limit", "percent", "verdict"]);
    for it in judged {
        let optional = |value: Option<f64>| value.map(number).unwrap_or_default();
        table.push([
            it.signal.name.to_owned(),
            it.signal.metric.to_owned(),
            it.signal.reading.unit().to_owned(),
            number(it.statistics.last),
            number(it.statistics.p95),
            number(it.statistics.max),
            if it.signal.reading == Reading::Counter { number(it.total) } else { String::new() },
            optional(it.limit),
            optional(it.percent),
            it.verdict.name().to_owned(),
        ]);
    }
    table.drop_empty_columns();
    table
}

/// The advice with what it costs; a price that cannot be had is no reason to keep it back.
async fn priced(cx: &Context, target: &Target, own: &str, advice: Advice, warnings: &mut Vec<String>) -> Recommendation {
    let mut recommended = Recommendation { tier: advice.tier, why: advice.why, hourly_price_difference: None };
    if recommended.tier == own {
        return recommended;
    }
    let region = target.region.clone().unwrap_or_default();
    let (service, filters) = Item::EksFees.query(&region);
    let filters: Vec<(&str, &str)> = filters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let products = cx.world.aws.pricing(&Scope::of(target)).products(service, &filters).await;
    let fee = |name: &str, products: &[crate::domain::price::Product]| {
        if name == STANDARD {
            return Ok(rust_decimal::Decimal::ZERO);
        }
        let size = name.strip_prefix("tier-").unwrap_or(name).to_uppercase();
        eks_fee(products, &format!("AmazonEKS-Hours:{size}-ProvisionedTier")).map(|it| it.price)
    };
    let difference = products
        .map_err(|err| err.message)
        .and_then(|products| Ok::<_, String>(fee(&recommended.tier, &products)? - fee(own, &products)?));
    match difference {
        Ok(difference) => recommended.hourly_price_difference = Some(format!("{} USD", difference.normalize())),
        Err(why) => warnings.push(format!("the price difference is not known: {why}")),
    }
    recommended
}

fn summary(target: &Target, own: &str, judged: &[Judged], findings: &[Finding], recommended: &Recommendation) -> String {
    let name = &target.cluster;
    let told = |against: Against, what: &str| {
        let found = judged.iter().find(|it| it.signal.against == against)?;
        let share = found.percent.map_or_else(String::new, |it| format!(" ({} %)", number(it)));
        let unit = found.signal.reading.unit();
        let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
        Some(format!("{what} {}{unit}{share}", number(found.statistics.max)))
    };
    let peaks: Vec<String> = [
        told(Against::Seats, "API seats peak at"),
        told(Against::Scheduling, "scheduling at"),
        told(Against::Database, "the database at"),
    ]
    .into_iter()
    .flatten()
    .collect();
    let peaks = join_and(&peaks);
    let advice = if recommended.tier == own {
        "the tier fits".to_owned()
    } else {
        format!("`{}` would fit: {}", recommended.tier, recommended.why)
    };
    match findings {
        [] => format!("The control plane of `{name}` (tier `{own}`) is well: {peaks}; {advice}."),
        [worst, others @ ..] => {
            let more = if others.is_empty() { String::new() } else { format!(" and {} more", others.len()) };
            format!("The control plane of `{name}` (tier `{own}`) needs attention: {}{more}. {peaks}; {advice}.", worst.what)
        }
    }
}
