//! `list_clusters`

use std::collections::BTreeSet;

use futures::{FutureExt as _, StreamExt as _, stream};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::Scope;
use crate::context::{Context, NamedAccount};
use crate::domain::account::Account;
use crate::domain::cluster::Cluster;
use crate::domain::table::{Omitted, Table};
use crate::domain::target::ClusterArn;
use crate::domain::text::count;
use crate::domain::version::{ClusterVersion, Support};
use crate::error::{ErrorKind, ToolError};
use crate::k8s::External;
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// Regions in which EKS runs in the commercial partition; `all_regions` asks each of them.
const REGIONS: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
];

/// Accounts and Regions that are read at a time.
const FAN_OUT: usize = 10;

/// `list_clusters`
pub struct ListClusters;

/// Arguments of `list_clusters`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Accounts to look in: aliases or 12-digit ids. Default: every configured account, else that of the server.
    #[serde(default)]
    #[schemars(length(max = 100), inner(length(max = 64)))]
    accounts: Vec<String>,
    /// AWS Regions to look in, such as `["eu-west-1", "us-east-1"]`. Default: those of the account, else of the server.
    #[serde(default)]
    #[schemars(length(max = 40), inner(length(max = 32)))]
    regions: Vec<String>,
    /// Look in every commercial Region; slower. Default: false.
    #[serde(default)]
    all_regions: bool,
    /// Also list clusters outside AWS that are registered through the EKS connector. Default: false.
    #[serde(default)]
    include_external: bool,
}

/// Answer of `list_clusters`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The moment the answer describes.
    as_of: Timestamp,
    /// One sentence that answers the question.
    summary: String,
    /// One row for each cluster, those with issues first. `days left` is until the kind of support in `support` ends.
    clusters: Table,
    /// What could not be read, and which permission is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// What was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

impl Tool for ListClusters {
    const META: Meta = Meta {
        name: "list_clusters",
        title: "List EKS clusters",
        description: "List the EKS clusters of one or more accounts and Regions with version, support, endpoint exposure and health issues, worst first. \
                      Start here when the cluster name is unknown.",
        toolset: Toolset::Clusters,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:ListClusters"),
            Permission::iam("eks:DescribeCluster"),
            Permission::iam("eks:DescribeClusterVersions"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        // What only Kubernetes knows is there because somebody configured it, and needs no AWS.
        let external = cx.world.clusters.external().await?;
        let (places, mut warnings) = match places(cx, &input).await {
            Err(err) if !external.is_empty() => {
                return Ok(answer(cx, Vec::new(), &external, vec![format!("EKS was not asked: {}", err.message)], &[]));
            }
            places => places?,
        };
        let (all, connected) = (input.all_regions, input.include_external);
        let reads: Vec<_> = places.iter().map(|place| read_place(cx, place, connected).boxed()).collect();
        let total = f64::from(u16::try_from(places.len()).unwrap_or(u16::MAX));
        let mut reads = stream::iter(reads).buffered(FAN_OUT).zip(stream::iter(&places));
        let (mut found, mut failures, mut done) = (Vec::new(), Vec::new(), 0.0);
        while let Some((read, place)) = reads.next().await {
            done += 1.0;
            cx.report_progress(done, Some(total), &place.name());
            match read {
                Ok((clusters, notes)) => {
                    found.extend(clusters);
                    warnings.extend(notes);
                }
                Err(err) => failures.push((place, err)),
            }
        }
        // One place that cannot be read must not hide the others; when none can be read, the call has failed.
        if failures.len() == places.len() && external.is_empty() {
            return Err(nothing(failures, warnings));
        }
        // What could not be read is not counted as read.
        let read: Vec<Place> = places.iter().filter(|it| !failures.iter().any(|(failed, _)| failed == it)).cloned().collect();
        warnings.extend(unread(failures, all));
        Ok(answer(cx, found, &external, warnings, &read))
    }
}

/// A Region of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    /// Alias of the configured account; absent for the server's own.
    account: Option<String>,
    /// Id of the configured account.
    id: Option<String>,
    region: String,
}

impl Place {
    fn name(&self) -> String {
        match &self.account {
            Some(alias) => format!("{} of account `{alias}`", self.region),
            None => self.region.clone(),
        }
    }
}

/// Where to look, and what cannot be looked at.
async fn places(cx: &Context, input: &Input) -> Result<(Vec<Place>, Vec<String>), ToolError> {
    let configured = cx.world.aws.accounts();
    let mut accounts = Vec::new();
    for name in &input.accounts {
        accounts.push(cx.account(name)?);
    }
    if accounts.is_empty() {
        accounts.extend(configured.iter().map(|it| NamedAccount { id: None, configured: Some(it) }));
    }
    if accounts.is_empty() {
        accounts.push(NamedAccount { id: None, configured: None });
    }
    let (mut places, mut warnings, mut first) = (Vec::new(), Vec::new(), None);
    let several = accounts.len() > 1;
    for account in accounts {
        let regions = regions(cx, input, account.configured).await?;
        let verified = match (account.id.as_ref().or(account.configured.map(|it| &it.id)), regions.first()) {
            (Some(id), Some(region)) => cx.world.aws.verify_account(id, region).await,
            _ => Ok(()),
        };
        match verified {
            Ok(()) => {
                let alias = account.configured.map(|it| it.alias.clone());
                let id = account.configured.map(|it| it.id.clone());
                places.extend(regions.into_iter().map(|region| Place { account: alias.clone(), id: id.clone(), region }));
            }
            Err(err) if several => {
                warnings.push(format!("not read: {}", err.message));
                first.get_or_insert(err);
            }
            Err(err) => return Err(err),
        }
    }
    places.sort();
    places.dedup();
    match first {
        Some(err) if places.is_empty() => Err(err),
        _ => Ok((places, warnings)),
    }
}

/// The error when no place could be read: the only one as it is, several with the reason of each.
fn nothing(failures: Vec<(&Place, ToolError)>, mut reasons: Vec<String>) -> ToolError {
    let single = failures.len() == 1 && reasons.is_empty();
    let Some((_, mut err)) = failures.first().cloned() else { return ToolError::invalid("`regions` names no Region") };
    if !single {
        reasons.extend(unread(failures, false));
        err.message = format!("nothing could be read: {}", reasons.join("; "));
    }
    err
}

/// The warnings about what was not read: one for an account whose Regions all fail for the same reason.
fn unread(failures: Vec<(&Place, ToolError)>, all_regions: bool) -> Vec<String> {
    let mut grouped: Vec<(Option<&str>, String, Vec<&str>)> = Vec::new();
    for (place, err) in failures {
        // Accounts have not opted in to every Region; those refuse their credentials.
        let why = if all_regions && err.kind == ErrorKind::Credentials {
            "not enabled for this account, it seems".to_owned()
        } else {
            // The Region is said once, for all that fail alike.
            err.message.replace(&place.region, "<region>")
        };
        let account = place.account.as_deref();
        match grouped.iter_mut().find(|(of, reason, _)| *of == account && *reason == why) {
            Some((_, _, regions)) => regions.push(&place.region),
            None => grouped.push((account, why, vec![&place.region])),
        }
    }
    let mut warnings = Vec::new();
    for (account, why, regions) in grouped {
        let account = account.map(|it| format!(" of account `{it}`")).unwrap_or_default();
        let why = match regions.as_slice() {
            [only] => why.replace("<region>", only),
            _ => why,
        };
        let verb = if regions.len() == 1 { "was" } else { "were" };
        warnings.push(format!("{}{account} {verb} not read: {why}", regions.join(", ")));
    }
    warnings
}

async fn regions(cx: &Context, input: &Input, account: Option<&Account>) -> Result<Vec<String>, ToolError> {
    if input.all_regions {
        // A snapshot has no others.
        let known = cx.world.aws.known_regions().await;
        if !known.is_empty() {
            return Ok(known);
        }
        return Ok(REGIONS.iter().map(|it| (*it).to_owned()).collect());
    }
    let mut regions = Vec::new();
    for region in &input.regions {
        regions.push(cx.region(Some(region)).await?);
    }
    if regions.is_empty() {
        regions.extend(account.into_iter().flat_map(|it| it.regions.iter().cloned()));
    }
    if regions.is_empty() && cx.configured_region.is_none() {
        // A snapshot knows where its clusters are.
        regions = cx.world.aws.known_regions().await;
    }
    if regions.is_empty() {
        regions.push(cx.region(None).await?);
    }
    regions.sort();
    regions.dedup();
    Ok(regions)
}

/// A cluster and the support of its version.
struct Found {
    account: Option<String>,
    region: String,
    cluster: Cluster,
    support: Support,
}

async fn read_place(cx: &Context, place: &Place, external: bool) -> Result<(Vec<Found>, Vec<String>), ToolError> {
    let region = &place.region;
    let eks = cx.world.aws.eks(&Scope { account: place.id.clone(), region: region.clone() });
    let names = eks.list_clusters(external).await?;
    if names.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut warnings = Vec::new();
    let versions: Vec<ClusterVersion> = eks.cluster_versions().await.unwrap_or_else(|err| {
        warnings.push(format!("support in {} is unknown: {}", place.name(), err.message));
        Vec::new()
    });
    let eks = &eks;
    let reads = names.into_iter().map(|name| async move {
        let read = eks.describe_cluster(&name).await;
        (name, read)
    });
    let reads: Vec<_> = stream::iter(reads).buffered(cx.limits.fan_out).collect().await;
    let mut found = Vec::new();
    for (name, read) in reads {
        match read {
            Ok(cluster) => {
                let support = Support::of(cluster.version.as_deref(), &versions, cx.now());
                found.push(Found { account: place.account.clone(), region: region.clone(), cluster, support });
            }
            Err(err) => warnings.push(format!("cluster `{name}` in {} was not read: {}", place.name(), err.message)),
        }
    }
    Ok((found, warnings))
}

/// Lower is worse.
fn rank(found: &Found) -> (usize, i64, String) {
    let cluster = &found.cluster;
    let class = match (cluster.health_issues.len(), cluster.status.as_str(), found.support) {
        (1.., _, _) => 0,
        (_, "FAILED", _) => 1,
        (_, _, Support::Unsupported) => 2,
        (_, _, Support::Extended(_)) => 3,
        (_, status, _) if status != "ACTIVE" => 4,
        _ => 5,
    };
    (class, found.support.days_left().unwrap_or(i64::MAX), cluster.name.clone())
}

fn answer(cx: &Context, mut found: Vec<Found>, external: &[External], warnings: Vec<String>, places: &[Place]) -> Output {
    found.sort_by_key(rank);
    let mut table = Table::new([
        "name",
        "region",
        "account",
        "status",
        "version",
        "platform",
        "support",
        "days left",
        "endpoint",
        "auto mode",
        "health issues",
    ]);
    for Found { account, region, cluster, support } in &found {
        let id = ClusterArn::parse(&cluster.arn).map(|it| it.account).unwrap_or_default();
        let account = account.as_ref().map_or(id.clone(), |alias| format!("{alias} ({id})"));
        table.push([
            cluster.name.clone(),
            region.clone(),
            account,
            cluster.status.clone(),
            cluster.version.clone().unwrap_or_default(),
            cluster.platform_version.clone().or_else(|| cluster.connector_provider.clone()).unwrap_or_default(),
            support.name().to_owned(),
            support.days_left().map(|it| it.to_string()).unwrap_or_default(),
            cluster.endpoint_exposure().to_owned(),
            if cluster.is_auto_mode() { "on" } else { "off" }.to_owned(),
            cluster.health_issues.len().to_string(),
        ]);
    }
    for External { name, origin } in external {
        let mut row = vec![name.clone(), String::new(), String::new(), origin.name().to_owned()];
        row.resize(table.columns.len(), String::new());
        table.rows.push(row);
    }
    let cut = table.fit(cx.limits.budget);
    Output {
        as_of: cx.now(),
        summary: summary(&found, external.len(), places),
        clusters: table,
        warnings,
        omitted: Omitted::some(cut, "Ask for fewer accounts or Regions."),
    }
}

fn summary(found: &[Found], external: usize, places: &[Place]) -> String {
    let distinct = |of: fn(&Place) -> Option<&str>| places.iter().filter_map(of).collect::<BTreeSet<_>>();
    let regions = distinct(|it| Some(&it.region));
    let accounts = distinct(|it| it.account.as_deref());
    let place = match regions.first() {
        Some(only) if regions.len() == 1 => (*only).to_owned(),
        _ => count(regions.len(), "Region"),
    };
    if places.is_empty() {
        return format!("{} known without EKS.", count(external, "cluster"));
    }
    let place = match accounts.first() {
        None => place,
        Some(only) if accounts.len() == 1 => format!("{place} of account `{only}`"),
        Some(_) => format!("{place} of {}", count(accounts.len(), "account")),
    };
    let mut notes = Vec::new();
    let mut note = |number: usize, text: &str| {
        if number > 0 {
            notes.push(format!("{number} {text}"));
        }
    };
    note(found.iter().filter(|it| !it.cluster.health_issues.is_empty()).count(), "with health issues");
    note(found.iter().filter(|it| matches!(it.support, Support::Extended(_))).count(), "on extended support");
    note(found.iter().filter(|it| it.support == Support::Unsupported).count(), "on an unsupported version");
    let open = |it: &&Found| it.cluster.vpc.as_ref().is_some_and(crate::domain::cluster::Vpc::is_open_to_the_internet);
    note(found.iter().filter(open).count(), "with an endpoint open to the internet");
    let notes = if notes.is_empty() { String::new() } else { format!(": {}", notes.join(", ")) };
    let more = if external > 0 { format!(", and {external} known without EKS") } else { String::new() };
    format!("{} in {place}{more}{notes}.", count(found.len(), "cluster"))
}
