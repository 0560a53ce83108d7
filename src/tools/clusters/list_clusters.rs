//! `list_clusters`

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::Scope;
use crate::context::Context;
use crate::domain::cluster::Cluster;
use crate::domain::table::{Omitted, Table};
use crate::domain::target::ClusterArn;
use crate::domain::text::count;
use crate::domain::version::{ClusterVersion, Support};
use crate::error::{ErrorKind, ToolError};
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

/// `list_clusters`
pub struct ListClusters;

/// Arguments of `list_clusters`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// AWS Regions to look in, such as `["eu-west-1", "us-east-1"]`. Default: the Region of the server.
    #[serde(default)]
    #[schemars(length(max = 40), inner(length(max = 32)))]
    regions: Vec<String>,
    /// Look in every commercial Region; slower. Default: false.
    #[serde(default)]
    all_regions: bool,
    /// Also list clusters outside AWS that are registered through the EKS connector, and contexts of the kubeconfig. Default: false.
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
        description: "List the EKS clusters of one or more Regions with version, support, endpoint exposure and health issues, worst first. \
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
        let regions = regions(cx, &input).await?;
        let all = input.all_regions;
        let external = input.include_external;
        let reads = regions.clone().into_iter().map(|region| async move {
            let read = read_region(cx, &region, external).await;
            (region, read)
        });
        let total = f64::from(u16::try_from(regions.len()).unwrap_or(u16::MAX));
        let mut reads = stream::iter(reads).buffered(cx.limits.fan_out);
        let (mut found, mut warnings, mut failures, mut done) = (Vec::new(), Vec::new(), Vec::new(), 0.0);
        while let Some((region, read)) = reads.next().await {
            done += 1.0;
            cx.report_progress(done, Some(total), &region);
            match read {
                Ok((clusters, notes)) => {
                    found.extend(clusters);
                    warnings.extend(notes);
                }
                Err(err) => failures.push((region, err)),
            }
        }
        // One Region that cannot be read must not hide the others; when none can be read, the call has failed.
        if failures.len() == regions.len() {
            let first = failures.into_iter().next().map(|(_, err)| err);
            return Err(first.unwrap_or_else(|| ToolError::invalid("`regions` names no Region")));
        }
        warnings.extend(failures.into_iter().map(|(region, err)| {
            // Accounts have not opted in to every Region; those refuse their credentials.
            let why = if all && err.kind == ErrorKind::Credentials {
                "not enabled for this account, it seems".to_owned()
            } else {
                err.message
            };
            format!("{region} was not read: {why}")
        }));
        let external = if input.include_external { cx.world.clusters.external().await? } else { Vec::new() };
        Ok(answer(cx, found, external, warnings, &regions))
    }
}

async fn regions(cx: &Context, input: &Input) -> Result<Vec<String>, ToolError> {
    if input.all_regions {
        return Ok(REGIONS.iter().map(|it| (*it).to_owned()).collect());
    }
    let mut regions = Vec::new();
    for region in &input.regions {
        regions.push(cx.region(Some(region)).await?);
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
    region: String,
    cluster: Cluster,
    support: Support,
}

async fn read_region(cx: &Context, region: &str, external: bool) -> Result<(Vec<Found>, Vec<String>), ToolError> {
    let eks = cx.world.aws.eks(&Scope::region(region));
    let names = eks.list_clusters(external).await?;
    if names.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let mut warnings = Vec::new();
    let versions: Vec<ClusterVersion> = eks.cluster_versions().await.unwrap_or_else(|err| {
        warnings.push(format!("support in {region} is unknown: {}", err.message));
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
                found.push(Found { region: region.to_owned(), cluster, support });
            }
            Err(err) => warnings.push(format!("cluster `{name}` was not read: {}", err.message)),
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

fn answer(cx: &Context, mut found: Vec<Found>, external: Vec<String>, warnings: Vec<String>, regions: &[String]) -> Output {
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
    for Found { region, cluster, support } in &found {
        let account = ClusterArn::parse(&cluster.arn).map(|it| it.account).unwrap_or_default();
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
    for name in &external {
        let mut row = vec![name.clone(), String::new(), String::new(), "kubeconfig".to_owned()];
        row.resize(table.columns.len(), String::new());
        table.rows.push(row);
    }
    let cut = table.fit(cx.limits.budget);
    Output {
        as_of: cx.now(),
        summary: summary(&found, external.len(), regions),
        clusters: table,
        warnings,
        omitted: Omitted::some(cut, "Ask for fewer Regions."),
    }
}

fn summary(found: &[Found], external: usize, regions: &[String]) -> String {
    let place = match regions {
        [only] => only.clone(),
        _ => count(regions.len(), "Region"),
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
    let more = if external > 0 { format!(", and {} of the kubeconfig", count(external, "context")) } else { String::new() };
    format!("{} in {place}{more}{notes}.", count(found.len(), "cluster"))
}
