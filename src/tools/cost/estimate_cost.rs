//! `estimate_cost`: what a cluster costs as it stands, at list price.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::{Pricing, Scope};
use crate::context::Context;
use crate::domain::cost::estimate::{Estimate, Found, Part, items};
use crate::domain::cost::inventory::Nodes;
use crate::domain::cost::price_list::Item;
use crate::domain::cost::storage::{Classes, Volumes};
use crate::domain::cost::{HOURS_PER_MONTH, money, report};
use crate::domain::object::Object;
use crate::domain::price::Product;
use crate::domain::table::{Omitted, Table};
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text;
use crate::domain::version::Support;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::Client;
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// What every estimate leaves out, because the cluster does not show its quantity.
const NEVER_INCLUDED: &[&str] = &[
    "root volumes of nodes, snapshots, load balancers, NAT gateways, public IPv4 addresses, data transfer, CloudWatch, ECR",
    "EKS capabilities (Argo CD, ACK, kro), software licences, support plans, taxes",
];

/// Items without a price that are named; the rest is counted.
const MOST_NOT_INCLUDED: usize = 25;

/// `estimate_cost`
pub struct EstimateCost;

/// Arguments of `estimate_cost`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// What to break the cost down by; default `line`.
    by: Option<By>,
}

/// How to break the cost down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum By {
    /// Lines as on a bill.
    #[default]
    Line,
    /// Lines, and a table of nodes as well.
    Node,
}

/// Cost of the whole.
#[derive(Serialize, JsonSchema)]
struct Total {
    /// Cost of an hour.
    per_hour: String,
    /// Cost of a month of 730 hours.
    per_month: String,
}

/// Answer of `estimate_cost`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The cluster that was read.
    target: Target,
    /// The moment of the answer.
    as_of: Timestamp,
    /// The answer in a sentence.
    summary: String,
    /// Currency of every amount: `USD`, or `CNY` in China.
    currency: String,
    /// What is paid for; amounts are rounded for display only.
    lines: Table,
    /// Nodes, dearest first; only where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes: Option<Table>,
    /// The sum of the lines.
    total: Total,
    /// What was taken for granted.
    assumptions: Vec<String>,
    /// What costs money but is not in the sum.
    not_included: Vec<String>,
    /// When AWS published the oldest of these prices.
    #[serde(skip_serializing_if = "Option::is_none")]
    prices_published: Option<String>,
    /// What could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// Rows that are not shown; they are in the sum.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
}

/// What Kubernetes told; absent where it could not be read.
#[derive(Default)]
struct Inventory {
    nodes: Option<Nodes>,
    volumes: Option<(Volumes, Classes)>,
    warnings: Vec<String>,
}

impl Tool for EstimateCost {
    const META: Meta = Meta {
        name: "estimate_cost",
        title: "Estimate cost",
        description: "Monthly and hourly list price of a cluster as it stands: EKS fees, extended support, control plane tier, nodes by instance type, \
                      Auto Mode fees and EBS volumes, each line with quantity, unit price and source. An estimate from live inventory and the AWS Price List, \
                      before discounts; not the bill.",
        toolset: Toolset::Cost,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            Permission::iam("eks:DescribeClusterVersions"),
            Permission::iam("pricing:GetProducts"),
            Permission::rbac("list", "", "nodes"),
            Permission::rbac("list", "", "persistentvolumes"),
            Permission::rbac("list", "storage.k8s.io", "storageclasses"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let by = input.by.unwrap_or_default();
        let mut target = cx.locate(&input.at).await?;
        let cluster = cx.describe(&mut target).await?;
        let region = target.region.clone().unwrap_or_default();
        let scope = Scope::of(&target);
        let eks = cx.world.aws.eks(&scope);
        let pricing = cx.world.aws.pricing(&scope);

        let (versions, fees, inventory) = futures::join!(
            eks.cluster_versions(),
            products(&pricing, Item::EksFees, &region),
            inventory(cx, &target, &region, by)
        );
        let Inventory { nodes, volumes, mut warnings } = inventory;
        let mut found = Found::from([(Item::EksFees, Ok(fees.1?))]);
        let wanted = items(nodes.as_ref(), volumes.as_ref().map(|(volumes, classes)| (volumes, classes)));
        found.extend(prices(cx, &pricing, wanted, &region, &mut warnings).await);

        let support = match versions {
            Ok(versions) => Support::of(cluster.version.as_deref(), &versions, cx.now()),
            Err(err) => {
                warnings
                    .push(format!("support status is unknown, so an extended support surcharge may be missing: {}", err.message));
                Support::Unknown
            }
        };
        let mut estimate = Estimate::new(found);
        estimate.add_cluster(cluster.tier(), support, cluster.version.as_deref().unwrap_or("unknown"));
        if let Some(nodes) = &nodes {
            estimate.add_nodes(nodes);
        }
        if let Some((volumes, classes)) = &volumes {
            estimate.add_volumes(volumes, classes);
        }
        Ok(answer(cx, target, estimate, nodes.as_ref(), by, warnings))
    }
}

async fn products(pricing: &Arc<dyn Pricing>, item: Item, region: &str) -> (Item, Result<Vec<Product>, ToolError>) {
    let (service, filters) = item.query(region);
    let filters: Vec<(&str, &str)> = filters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let found = pricing.products(service, &filters).await;
    (item, found)
}

/// The products of all items, a bounded number of queries at a time.
async fn prices(
    cx: &Context,
    pricing: &Arc<dyn Pricing>,
    items: BTreeSet<Item>,
    region: &str,
    warnings: &mut Vec<String>,
) -> Found {
    let queries = items.into_iter().map(|item| products(pricing, item, region));
    let answers: Vec<_> = stream::iter(queries).buffer_unordered(cx.limits.fan_out).collect().await;
    let mut found = Found::new();
    for (item, result) in answers {
        let result = result.map_err(|err| {
            let warning = format!("some prices could not be read: {}", err.message);
            if !warnings.contains(&warning) {
                warnings.push(warning);
            }
            err.kind.name().to_owned()
        });
        found.insert(item, result);
    }
    found
}

async fn inventory(cx: &Context, target: &Target, region: &str, by: By) -> Inventory {
    let client = match cx.kubernetes(target).await {
        Ok(client) => client,
        Err(err) => {
            return Inventory {
                warnings: vec![format!("nodes and volumes are missing from the estimate: {}", err.message)],
                ..Inventory::default()
            };
        }
    };
    let mut nodes = Nodes::new(by == By::Node);
    let (mut volumes, mut classes) = (Volumes::default(), Classes::default());
    let (nodes_read, volumes_read, classes_read) = futures::join!(
        each(&client, "Node", |node| nodes.add(node, region)),
        each(&client, "PersistentVolume", |volume| volumes.add(volume)),
        each(&client, "StorageClass", |class| classes.add(class)),
    );
    let mut inventory = Inventory::default();
    match nodes_read {
        Ok(()) => inventory.nodes = Some(nodes),
        Err(err) => inventory.warnings.push(format!("nodes are missing from the estimate: {}", err.message)),
    }
    match volumes_read.and(classes_read) {
        Ok(()) => inventory.volumes = Some((volumes, classes)),
        Err(err) => inventory.warnings.push(format!("volumes are missing from the estimate: {}", err.message)),
    }
    inventory
}

/// Hands every object of a kind to `visit`, page by page.
async fn each(client: &Client, kind: &str, mut visit: impl FnMut(&Object) + Send) -> Result<(), ToolError> {
    let kind = Kind::named(kind).ok_or_else(|| ToolError::new(ErrorKind::Internal, format!("kind {kind} is not built in")))?;
    let page = |objects: Vec<Object>| {
        objects.iter().for_each(&mut visit);
        true
    };
    api::list_pages(client, &kind, &ListOptions::default(), page).await?;
    Ok(())
}

fn answer(cx: &Context, target: Target, estimate: Estimate, nodes: Option<&Nodes>, by: By, warnings: Vec<String>) -> Output {
    let currency = estimate.currency.clone().unwrap_or_else(|| "USD".to_owned());
    let month = estimate.per_month(None);
    let part = |part: Part, name: &str| format!("{name} {}", money::amount(&currency, estimate.per_month(Some(part))));
    let mut parts = vec![part(Part::Cluster, "EKS fees")];
    parts.splice(0..0, nodes.map(|_| part(Part::Nodes, "nodes")));
    parts.push(part(Part::Volumes, "volumes"));
    let mut summary = format!(
        "Cluster `{}` costs about {} a month at list price, of which {}.",
        target.cluster,
        money::amount(&currency, month),
        text::join_and(&parts)
    );
    if nodes.is_none() {
        summary.push_str(" Nodes could not be read and are missing.");
    }

    let mut lines = report::lines(&estimate);
    let mut node_rows = (by == By::Node).then(|| report::nodes(&estimate, nodes));
    let cut =
        lines.fit(cx.limits.budget / 2) + node_rows.as_mut().map_or(0, |(table, cut)| *cut + table.fit(cx.limits.budget / 3));
    let mut assumptions = vec![
        "a month has 730 hours, and what runs now runs all of them".to_owned(),
        "list prices, before discounts, Savings Plans, reservations and credits".to_owned(),
    ];
    if nodes.is_some() {
        assumptions.push("nodes are Linux instances with shared tenancy and no licence fee".to_owned());
    }
    assumptions.extend(estimate.assumptions);
    let mut not_included = estimate.not_included;
    if not_included.len() > MOST_NOT_INCLUDED {
        let rest = not_included.split_off(MOST_NOT_INCLUDED).len();
        not_included.push(format!("{rest} more items without a price"));
    }
    not_included.extend(NEVER_INCLUDED.iter().map(|it| (*it).to_owned()));
    Output {
        target,
        as_of: cx.now(),
        summary,
        lines,
        nodes: node_rows.map(|(table, _)| table),
        total: Total { per_hour: money::rate(month / HOURS_PER_MONTH), per_month: money::cents(month) },
        currency,
        assumptions,
        not_included,
        prices_published: estimate.published,
        warnings,
        omitted: Omitted::some(
            cut,
            "they are in the sum; use `by` `line`, or `list_resources` with kind `node`, for what they are",
        ),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::context::Limits;

    async fn estimate(cluster: &str, by: Option<By>) -> Output {
        let demo = crate::snapshot::demo().unwrap();
        let cx = Context::new(demo.into_world(), Limits::STANDARD, None);
        let at = ClusterArguments { cluster: cluster.to_owned(), ..ClusterArguments::default() };
        EstimateCost::run(&cx, Input { at, by }).await.unwrap()
    }

    #[tokio::test]
    async fn the_payments_cluster_of_the_demo_adds_up() {
        let output = estimate("payments", Some(By::Node)).await;
        // (0.10 + 0.50 + 4 x 0.1008 + 0.0336) x 730 = 1.0368 x 730
        let without_volumes: Decimal = "756.864".parse().unwrap();
        let volumes: Decimal =
            output.lines.rows.iter().filter(|it| it[2] == "GiB-month").map(|it| it[1].parse::<Decimal>().unwrap()).sum();
        let expected = without_volumes + volumes * "0.08".parse::<Decimal>().unwrap();
        assert_eq!(output.total.per_month, money::cents(expected));
        assert_eq!(output.nodes.unwrap().rows.len(), 5);
        assert!(output.warnings.is_empty(), "{:?}", output.warnings);
    }

    #[tokio::test]
    async fn auto_mode_nodes_of_the_demo_cost_their_fee_too() {
        let output = estimate("storefront", None).await;
        let nodes: Vec<&str> =
            output.lines.rows.iter().filter(|it| it[0].contains("m7g.large")).map(|it| it[5].as_str()).collect();
        // 4 x 0.0816 x 730 and 4 x 0.00979 x 730
        assert_eq!(nodes, ["238.27", "28.59"]);
    }
}
