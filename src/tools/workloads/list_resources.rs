//! `list_resources`

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::cursor;
use crate::context::Context;
use crate::domain::object::Object;
use crate::domain::status::{self, Health};
use crate::domain::table::{Omitted, Table};
use crate::domain::target::{ClusterArguments, Target};
use crate::error::ToolError;
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds;
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// `list_resources`
pub struct ListResources;

/// Arguments of `list_resources`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// Kind, plural or short name, such as `Pod`, `deployments`, `pvc`; or `group/Kind` for custom resources.
    #[schemars(length(min = 1, max = 200))]
    kind: String,
    /// Namespace. Default: all.
    #[schemars(length(max = 63))]
    namespace: Option<String>,
    /// Label selector, such as `app=web,tier!=cache`.
    #[schemars(length(max = 1000))]
    label_selector: Option<String>,
    /// Field selector, such as `spec.nodeName=ip-10-0-1-2.ec2.internal`.
    #[schemars(length(max = 1000))]
    field_selector: Option<String>,
    /// Which ones. Default: all, with healthy ones only counted by group.
    #[serde(default)]
    status: StatusFilter,
    /// How healthy ones are counted. Default: owner. `none` lists them one by one.
    #[serde(default)]
    group_by: GroupBy,
    /// Most rows. Default: 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// `next_cursor` of the answer before, with otherwise the same arguments.
    #[schemars(length(max = 200))]
    cursor: Option<String>,
}

/// Which objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum StatusFilter {
    /// Every one.
    #[default]
    All,
    /// Those a person would look into.
    Unhealthy,
}

/// How healthy objects are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum GroupBy {
    /// By controlling owner.
    #[default]
    Owner,
    /// By namespace.
    Namespace,
    /// By node.
    Node,
    /// Not at all: each is a row.
    None,
}

/// Answer of `list_resources`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The cluster that was read.
    target: Target,
    /// The moment the answer describes.
    as_of: Timestamp,
    /// One sentence: how many there are, how many are unhealthy and why.
    summary: String,
    /// One row for each object that is listed, failing before degraded before healthy; `why` is the reason a person would look for.
    #[serde(skip_serializing_if = "Table::is_empty")]
    items: Table,
    /// Healthy objects that are not listed, counted by group.
    #[serde(skip_serializing_if = "Table::is_empty")]
    healthy: Table,
    /// What was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
    /// Pass it as `cursor` for the next rows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl Tool for ListResources {
    const META: Meta = Meta {
        name: "list_resources",
        title: "List Kubernetes resources",
        description: "List Kubernetes objects of any kind with their status, unhealthy ones first with the reason and healthy ones counted by \
                      owner. Pass `status: unhealthy` to see only what needs attention.",
        toolset: Toolset::Workloads,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            Permission::rbac("list", "*", "*"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let target = cx.locate(&input.at).await?;
        let client = cx.kubernetes(&target).await?;
        let kind = kinds::resolve(&client, &input.kind).await?;
        let namespace = input.namespace.as_deref().filter(|_| kind.namespaced);
        let request = cursor::fingerprint(&[
            &target.cluster,
            &kind.plural,
            namespace.unwrap_or_default(),
            input.label_selector.as_deref().unwrap_or_default(),
            input.field_selector.as_deref().unwrap_or_default(),
            &format!("{:?}{:?}", input.status, input.group_by),
        ]);
        let offset = cursor::open(input.cursor.as_deref(), request)?;
        let limit = usize::try_from(input.limit.unwrap_or(50)).unwrap_or(50);
        let options = ListOptions { namespace, labels: input.label_selector.as_deref(), fields: input.field_selector.as_deref() };
        let mut found = Found::new(cx.now(), input.status, input.group_by);
        api::list_pages(&client, &kind, &options, |page| {
            for object in &page {
                found.add(object);
            }
            !cx.cancel.is_cancelled()
        })
        .await?;
        let summary = found.summary(&kind.plural, namespace);
        let (items, left) =
            found.table(&kind.kind, namespace.is_none() && kind.namespaced, offset, limit, cx.limits.budget * 3 / 4);
        let shown = items.rows.len();
        let mut healthy = found.groups();
        healthy.fit(cx.limits.budget / 5);
        Ok(Output {
            target,
            as_of: cx.now(),
            summary,
            items,
            healthy,
            omitted: Omitted::some(left, "Pass `next_cursor` as `cursor`, or narrow by namespace or selector."),
            next_cursor: (left > 0).then(|| cursor::seal(offset + shown, request)),
        })
    }
}

/// Most rows that are held at a time; what lies beyond is counted.
const MAX_ROWS: usize = 5_000;

struct Row {
    health: Health,
    namespace: String,
    name: String,
    cells: Vec<String>,
    age: String,
}

/// What has been seen so far, page by page.
struct Found {
    now: Timestamp,
    filter: StatusFilter,
    group_by: GroupBy,
    rows: Vec<Row>,
    beyond: usize,
    total: usize,
    unhealthy: usize,
    reasons: BTreeMap<String, usize>,
    healthy: BTreeMap<(String, String), usize>,
}

impl Found {
    fn new(now: Timestamp, filter: StatusFilter, group_by: GroupBy) -> Self {
        Self {
            now,
            filter,
            group_by,
            rows: Vec::new(),
            beyond: 0,
            total: 0,
            unhealthy: 0,
            reasons: BTreeMap::new(),
            healthy: BTreeMap::new(),
        }
    }

    fn add(&mut self, object: &Object) {
        self.total += 1;
        let status = status::of(object, self.now);
        let healthy = status.health.is_healthy();
        if !healthy {
            self.unhealthy += 1;
            *self.reasons.entry(headline(&status.health)).or_default() += 1;
        }
        if healthy && (self.filter == StatusFilter::Unhealthy || self.group_by != GroupBy::None) {
            *self.healthy.entry(self.group_of(object)).or_default() += 1;
            return;
        }
        if self.rows.len() >= MAX_ROWS {
            self.beyond += 1;
            return;
        }
        self.rows.push(Row {
            health: status.health,
            namespace: object.namespace().to_owned(),
            name: object.name().to_owned(),
            cells: status.cells,
            age: status::age_of(object, self.now),
        });
    }

    fn group_of(&self, object: &Object) -> (String, String) {
        let namespace = object.namespace().to_owned();
        match self.group_by {
            GroupBy::Owner => match object.controller() {
                Some((kind, name)) => (namespace, workload(object, kind, name)),
                None if namespace.is_empty() => (namespace, String::new()),
                None => (namespace, "no owner".to_owned()),
            },
            GroupBy::Namespace => (namespace, String::new()),
            GroupBy::Node => (String::new(), object.text("spec.nodeName").to_owned()),
            GroupBy::None => (String::new(), String::new()),
        }
    }

    fn summary(&self, plural: &str, namespace: Option<&str>) -> String {
        let place = namespace.map(|it| format!(" in namespace {it}")).unwrap_or_default();
        if self.total == 0 {
            return format!("No {plural}{place}.");
        }
        if self.unhealthy == 0 {
            return format!("{} {plural}{place}, all healthy.", self.total);
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(reason, number)| (std::cmp::Reverse(**number), (*reason).clone()));
        let reasons: Vec<String> = reasons.iter().take(6).map(|(reason, number)| format!("{number} {reason}")).collect();
        format!("{} {plural}{place}, {} unhealthy: {}.", self.total, self.unhealthy, reasons.join(", "))
    }

    /// The rows from `offset`, and how many remain after them.
    fn table(&mut self, kind: &str, with_namespace: bool, offset: usize, limit: usize, budget: usize) -> (Table, usize) {
        let order = |row: &Row| match row.health {
            Health::Failing(_) => 0,
            Health::Degraded(_) => 1,
            Health::Healthy => 2,
        };
        self.rows.sort_by(|a, b| (order(a), &a.namespace, &a.name).cmp(&(order(b), &b.namespace, &b.name)));
        let mut table = Table::default();
        let columns = ["namespace", "name"].into_iter().chain(status::columns(kind).iter().copied()).chain(["age", "why"]);
        table.columns = columns.map(str::to_owned).collect();
        for row in self.rows.iter().skip(offset).take(limit) {
            let mut cells = vec![if with_namespace { row.namespace.clone() } else { String::new() }, row.name.clone()];
            cells.extend(row.cells.iter().cloned());
            cells.extend([row.age.clone(), row.health.reason().to_owned()]);
            table.rows.push(cells);
        }
        table.fit(budget);
        let left = (self.rows.len() + self.beyond).saturating_sub(offset + table.rows.len());
        table.drop_empty_columns();
        (table, left)
    }

    fn groups(&self) -> Table {
        let mut groups: Vec<_> = self.healthy.iter().collect();
        groups.sort_by_key(|((namespace, group), number)| (namespace.clone(), std::cmp::Reverse(**number), group.clone()));
        let name = if self.group_by == GroupBy::Node { "node" } else { "owner" };
        let mut table = Table::new(["namespace", name, "count"]);
        for ((namespace, group), number) in groups {
            table.push([namespace.clone(), group.clone(), number.to_string()]);
        }
        table.drop_empty_columns();
        table
    }
}

/// The first words of a reason, which is what is counted.
fn headline(health: &Health) -> String {
    let reason = health.reason();
    let head = reason.split([':', '(', ',']).next().unwrap_or(reason).trim();
    let detail = reason.strip_prefix("CrashLoopBackOff: ").and_then(|it| it.split(" (").next());
    match detail {
        Some(detail) => format!("CrashLoopBackOff ({detail})"),
        None => head.to_owned(),
    }
}

/// The workload behind a pod: a ReplicaSet made by a Deployment carries its name and a hash.
fn workload(object: &Object, kind: &str, name: &str) -> String {
    let hash = object.label("pod-template-hash").unwrap_or_default();
    match name.strip_suffix(hash).and_then(|it| it.strip_suffix('-')) {
        Some(deployment) if kind == "ReplicaSet" && !hash.is_empty() => format!("Deployment/{deployment}"),
        _ => format!("{kind}/{name}"),
    }
}
