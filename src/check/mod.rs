//! Whether every configured way works, as whom, and what is missing for which tool. It asks and does not guess; what no
//! cheap read proves is said to be unproven.

mod aws;
mod cluster;
pub mod grants;
mod parts;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use serde::Serialize;

use crate::context::{Context, NamedAccount};
use crate::domain::account::Account;
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text::count;
use crate::error::{ErrorKind, ToolError};
use crate::registry::Registry;
use crate::tool::Permission;

pub use aws::{ActionReport, AwsReport};
pub use cluster::{ClusterReport, Missing};
pub use grants::Grant;

/// Clusters of one Region of one account that are tried when none is named.
const CLUSTERS: usize = 10;
/// Clusters that are tried at a time.
const FAN_OUT: usize = 8;

/// What to check; everything that is configured when nothing is named.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// Name or ARN of one cluster.
    pub cluster: Option<String>,
    /// Alias or id of one account.
    pub account: Option<String>,
    /// One Region.
    pub region: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Whether everything that the tools need works.
    pub ok: bool,
    /// The moment of the check.
    pub as_of: Timestamp,
    /// One sentence.
    pub summary: String,
    /// Each way into AWS.
    pub aws: Vec<AwsReport>,
    /// Each cluster that was tried.
    pub clusters: Vec<ClusterReport>,
    /// What was not tried, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Which tools need a permission.
pub(crate) type Needs = BTreeMap<Permission, Vec<&'static str>>;

/// Tries every way that the question names.
///
/// # Errors
/// `invalid_input` when the question itself is wrong; a way that does not work is part of the report.
pub async fn run(cx: &Context, registry: &Registry, question: &Question) -> Result<Report, ToolError> {
    let mut needs = Needs::new();
    for entry in registry.entries() {
        for permission in entry.meta.permissions {
            needs.entry(*permission).or_default().push(entry.meta.name);
        }
    }
    let mut notes = Vec::new();
    let (mut reports, mut targets) = (Vec::new(), Vec::new());
    match &question.cluster {
        Some(cluster) => {
            let (region, account) = (question.region.clone(), question.account.clone());
            let target = cx.locate(&ClusterArguments { cluster: cluster.clone(), region, account }).await?;
            if let Some(region) = &target.region {
                let account = target.through.as_deref().and_then(|id| cx.world.aws.accounts().by_id(id));
                cx.report_progress(0.0, None, "AWS");
                reports.push(aws::check(cx, account, region, &needs, Some(&target.cluster)).await);
            }
            targets.push(target);
        }
        None => everything(cx, question, &needs, &mut reports, &mut targets, &mut notes).await?,
    }
    let (done, total) = (AtomicUsize::new(0), targets.len());
    let tries = targets.into_iter().map(|target| {
        let (done, needs) = (&done, &needs);
        Box::pin(async move {
            let report = cluster::check(cx, target, needs).await;
            let number = done.fetch_add(1, Ordering::Relaxed) + 1;
            cx.report_progress(figure(number), Some(figure(total)), &format!("cluster {}", report.cluster));
            report
        })
    });
    let tries: Vec<_> = tries.collect();
    let clusters: Vec<ClusterReport> = stream::iter(tries).buffered(FAN_OUT).collect().await;
    if clusters.is_empty() {
        notes.push("no cluster was tried: none was found, and none was named with `--cluster`".to_owned());
    }
    let aws_works = reports.iter().all(|it| it.is_ok() || (it.is_unused() && !clusters.is_empty()));
    let ok = aws_works && clusters.iter().all(ClusterReport::is_ok) && !(reports.is_empty() && clusters.is_empty());
    let summary = summary(ok, &reports, &clusters);
    Ok(Report { ok, as_of: cx.now(), summary, aws: reports, clusters, notes })
}

/// Every account with its Regions, and every cluster that is known or found.
async fn everything(
    cx: &Context,
    question: &Question,
    needs: &Needs,
    reports: &mut Vec<AwsReport>,
    targets: &mut Vec<Target>,
    notes: &mut Vec<String>,
) -> Result<(), ToolError> {
    let everywhere = question.account.is_none() && question.region.is_none();
    if everywhere {
        match cx.world.clusters.external().await {
            Ok(external) => targets.extend(external.into_iter().map(|it| Target {
                account: None,
                region: None,
                cluster: it.name,
                through: None,
            })),
            Err(err) => notes.push(err.text()),
        }
    }
    for account in accounts(cx, question)? {
        let regions = match regions(cx, account, question).await {
            Ok(regions) => regions,
            Err(err) => {
                reports.push(AwsReport::failed(account, String::new(), &err, targets.is_empty()));
                continue;
            }
        };
        for region in regions {
            let name = account.map_or_else(|| "the server's own credentials".to_owned(), Account::label);
            cx.report_progress(figure(reports.len()), None, &format!("{name} in {region}"));
            let mut report = aws::check(cx, account, &region, needs, None).await;
            report.unused = account.is_none() && !targets.is_empty() && report.kind == Some(ErrorKind::Credentials);
            let through = account.map(|it| it.id.clone());
            targets.extend(report.found.iter().take(CLUSTERS).map(|cluster| Target {
                account: report.account_id.clone(),
                region: Some(region.clone()),
                cluster: cluster.clone(),
                through: through.clone(),
            }));
            if report.found.len() > CLUSTERS {
                let more = report.found.len() - CLUSTERS;
                notes.push(format!("{} of {name} in {region} were not tried; name one with `--cluster`", count(more, "cluster")));
            }
            reports.push(report);
        }
    }
    Ok(())
}

/// The accounts to check; `None` stands for the server's own credentials.
fn accounts<'a>(cx: &'a Context, question: &Question) -> Result<Vec<Option<&'a Account>>, ToolError> {
    if let Some(name) = &question.account {
        let NamedAccount { configured, .. } = cx.account(name)?;
        return Ok(vec![configured]);
    }
    let configured = cx.world.aws.accounts();
    let own = configured.default_account().is_none().then_some(None);
    Ok(own.into_iter().chain(configured.iter().map(Some)).collect())
}

async fn regions(cx: &Context, account: Option<&Account>, question: &Question) -> Result<Vec<String>, ToolError> {
    if let Some(region) = &question.region {
        return Ok(vec![cx.region(Some(region)).await?]);
    }
    let mut regions = account.map(|it| it.regions.clone()).unwrap_or_default();
    if regions.is_empty() && cx.configured_region.is_none() {
        regions = cx.world.aws.known_regions().await;
    }
    if regions.is_empty() {
        regions.push(cx.region(None).await?);
    }
    regions.sort();
    regions.dedup();
    Ok(regions)
}

fn summary(ok: bool, aws: &[AwsReport], clusters: &[ClusterReport]) -> String {
    let good = |works: usize, all: usize| if works == all { format!("{all}") } else { format!("{works} of {all}") };
    let used: Vec<&AwsReport> = aws.iter().filter(|it| !it.is_unused()).collect();
    let mut parts = Vec::new();
    if !used.is_empty() {
        let places = if used.len() == 1 { "place" } else { "places" };
        parts.push(format!("AWS works in {} {places}", good(used.iter().filter(|it| it.is_ok()).count(), used.len())));
    }
    if !clusters.is_empty() {
        let noun = if clusters.len() == 1 { "cluster" } else { "clusters" };
        parts.push(format!("{} {noun}", good(clusters.iter().filter(|it| it.is_ok()).count(), clusters.len())));
    }
    let unproven = used.iter().any(|it| it.actions.iter().any(|action| action.result == "unproven"));
    let verdict = match (ok, unproven) {
        (true, false) => "Everything that the tools need works",
        (true, true) => "Nothing that the tools need is known to be missing, but some IAM actions could not be tried",
        (false, _) => "Something that the tools need is missing",
    };
    if parts.is_empty() { format!("{verdict}.") } else { format!("{verdict}: {}.", parts.join(", ")) }
}

fn figure(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
