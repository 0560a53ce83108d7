//! `list_resources`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::listing::{Columns, Found, GroupBy, Patience};
use crate::context::Context;
use crate::domain::selector::{LabelSelector, Wrong};
use crate::domain::table::{Omitted, Table};
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::{field_selector, redact, status};
use crate::error::ToolError;
use crate::k8s::Client;
use crate::k8s::api::{self, Keep, ListOptions, Listed, Step};
use crate::k8s::kinds::Kind;
use crate::k8s::selectable;
use crate::k8s::tables::{self, Include};
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
    /// Which ones. Default: all, with healthy ones counted by group.
    #[serde(default)]
    status: StatusFilter,
    /// How they are counted: `owner` (default), `namespace`, `node`, a label such as `label:app`, or `none` to list healthy ones one
    /// by one too.
    #[schemars(length(max = 200))]
    group_by: Option<String>,
    /// Columns instead of the usual ones: names of columns, labels as `label:app`, fields as `spec.nodeName` or
    /// `spec.containers[*].image`.
    #[serde(default)]
    #[schemars(length(max = 12), inner(length(max = 200)))]
    columns: Vec<String>,
    /// Most rows. Default: 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// `next_cursor` of the answer before, with otherwise the same arguments.
    #[schemars(length(max = 4000))]
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
    /// Objects counted by group: the healthy ones of each owner, or all of them by what `group_by` asks for.
    #[serde(skip_serializing_if = "Table::is_empty")]
    groups: Table,
    /// What was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
    /// Pass it as `cursor` for the next rows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// What the reader should know of how the list was read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    /// How many secrets were hidden as `[redacted]`; absent when none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    redacted: Option<usize>,
}

/// Objects that are read of a whole cluster before the answer is given; a cursor leads on.
const UNSCOPED: usize = 20 * api::PAGE;

/// Where an answer goes on: at which page of the list, and behind how many of the rows made from it.
#[derive(Default, Serialize, Deserialize)]
struct Place {
    page: Option<String>,
    row: usize,
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
            // To tell an empty namespace from one that does not exist.
            Permission::rbac("get", "", "namespaces"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        check_selectors(&input)?;
        let target = cx.locate(&input.at).await?;
        let group_by = input.group_by.as_deref().map(GroupBy::parse).transpose()?.unwrap_or_default();
        let client = cx.kubernetes(&target).await?;
        let kind = cx.kind(&target, &client, &input.kind).await?;
        let namespace = input.namespace.as_deref().filter(|_| kind.namespaced);
        let request = request(&target, &kind, &input);
        let request: Vec<&str> = request.iter().map(String::as_str).collect();
        let place: Place = match &input.cursor {
            Some(cursor) => cx.cursors.open(&request, cursor)?,
            None => Place::default(),
        };
        let options = ListOptions {
            namespace,
            labels: input.label_selector.as_deref(),
            fields: input.field_selector.as_deref(),
            start: place.page.as_deref(),
        };
        let mut found = Found::new(cx.now(), input.status == StatusFilter::Unhealthy, group_by);
        let (listed, columns) = match read(cx, &client, &kind, &options, &input.columns, &mut found).await {
            Ok(read) => read,
            Err(err) => return Err(selectable::explain(err, &client, &kind, options.fields).await),
        };
        if found.total == 0
            && let Some(namespace) = namespace
        {
            api::check_namespace(&client, namespace).await?;
        }

        let with_namespace = namespace.is_none() && kind.namespaced;
        let limit = usize::try_from(input.limit.unwrap_or(50)).unwrap_or(50);
        let summary = summary(&found, &kind, namespace, &place, &listed);
        let (items, left) = found.table(&columns, with_namespace, place.row, limit, cx.limits.budget * 3 / 4);
        let mut groups = if place.row == 0 { found.groups(with_namespace) } else { Table::default() };
        let groups_cut = groups.fit(cx.limits.budget / 5);
        let next = match (left, &listed.next) {
            (0, None) => None,
            (0, next) => Some(Place { page: next.clone(), row: 0 }),
            _ => Some(Place { page: place.page, row: place.row + items.rows.len() }),
        };
        let lacking = found.lacking(&columns, &kind, holds_data(&kind));
        // Columns mask what they take out of an object, where it is still known for what it is.
        let hidden = items.rows.iter().flatten().map(|it| it.matches(redact::MASK).count()).sum::<usize>();
        Ok(Output {
            redacted: (hidden > 0).then_some(hidden),
            target,
            as_of: cx.now(),
            summary,
            items,
            groups,
            omitted: omitted(left, groups_cut, &listed),
            next_cursor: next.map(|it| cx.cursors.seal(&request, &it)),
            warnings: listed.warning().into_iter().chain(found.only_counted()).chain(lacking).collect(),
        })
    }
}

/// Refuses selectors that no API server reads, with the place where they are wrong, which the server does not tell.
fn check_selectors(input: &Input) -> Result<(), ToolError> {
    let check = |argument: &str, text: &Option<String>, check: fn(&str) -> Result<(), Wrong>, example: &str| {
        let Some(text) = text else { return Ok(()) };
        check(text).map_err(|wrong| {
            ToolError::invalid(format!("`{argument}`: {}", wrong.told(text))).with_hint(format!("Write it as `{example}`."))
        })
    };
    let labels = |it: &str| LabelSelector::parse(it).map(drop);
    check("label_selector", &input.label_selector, labels, "app=web,tier!=cache,zone in (a,b),!legacy")?;
    let fields = |it: &str| field_selector::parse(it).map(drop);
    check("field_selector", &input.field_selector, fields, "status.phase!=Running,spec.nodeName=ip-10-0-1-2.ec2.internal")
}

/// What identifies a request, so that a cursor of another one is refused.
fn request(target: &Target, kind: &Kind, input: &Input) -> Vec<String> {
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let mut parts = vec![
        "list_resources".to_owned(),
        format!("{:?} {:?}", target.account, target.region),
        target.cluster.clone(),
        kind.path(None),
        text(&input.namespace),
        text(&input.label_selector),
        text(&input.field_selector),
        text(&input.group_by),
        format!("{:?}", input.status),
    ];
    parts.extend(input.columns.iter().cloned());
    parts
}

/// Reads the list, until enough is held or time is up. A whole cluster is read in parts, so that it is never asked for at once.
async fn read(
    cx: &Context,
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    wanted: &[String],
    found: &mut Found,
) -> Result<(Listed, Columns), ToolError> {
    let scoped = !kind.namespaced || options.namespace.is_some() || options.labels.is_some() || options.fields.is_some();
    let patience = Patience::new(cx);
    let goes_on = |found: &Found| {
        cx.report_progress(crate::domain::metric::count(found.total), None, &format!("{} read", kind.plural));
        patience.lasts() && !found.is_full() && (scoped || found.total < UNSCOPED)
    };
    if status::is_known(&kind.kind) && !Columns::need_printing(&kind.kind, wanted) {
        let columns = Columns::new(&kind.kind, &[], wanted)?;
        // A field that is asked for may be any.
        let keep = if columns.have_fields() { Keep::tidy() } else { Keep::for_status(&kind.kind) };
        let listed = api::list_parts(client, kind, options, &keep, |step| {
            match step {
                Step::Object(object) => found.add(&object, &columns, &[]),
                Step::PageEnd => return goes_on(found),
            }
            true
        })
        .await?;
        return Ok((listed, columns));
    }
    let include = if holds_data(kind) { Include::Metadata } else { Include::Object };
    let mut columns = Ok(Columns::default());
    let mut first = true;
    let listed = tables::table_pages(client, kind, options, include, |names, rows| {
        if std::mem::take(&mut first) {
            columns = Columns::new(&kind.kind, names, wanted);
        }
        let Ok(columns) = &columns else { return false };
        for (printed, object) in &rows {
            found.add(object, columns, printed);
        }
        goes_on(found)
    })
    .await?;
    Ok((listed, columns?))
}

/// Kinds whose values are not even asked for.
fn holds_data(kind: &Kind) -> bool {
    kind.group.is_empty() && matches!(kind.kind.as_str(), "Secret" | "ConfigMap")
}

fn summary(found: &Found, kind: &Kind, namespace: Option<&str>, place: &Place, listed: &Listed) -> String {
    let mut name = namespace.map(|it| format!(" in namespace {it}")).unwrap_or_default();
    if place.page.is_some() {
        name.push_str(" of this part of the list");
    }
    let mut summary = found.summary(&kind.singular, &kind.plural, &name);
    if listed.next.is_some() {
        let rest = listed.remaining.map_or_else(|| "more follow".to_owned(), |it| format!("{it} more follow"));
        summary.push_str(&format!(" This is a part of the list, {rest}; name a namespace or a selector for a whole answer."));
    }
    summary
}

fn omitted(left: usize, groups_cut: usize, listed: &Listed) -> Option<Omitted> {
    let how = "Pass `next_cursor` as `cursor`, or narrow by namespace or selector.";
    if listed.next.is_some() {
        let remaining = listed.remaining.and_then(|it| usize::try_from(it).ok());
        return Some(
            remaining.map_or_else(|| Omitted::uncounted(how), |it| Omitted { count: Some(it + left), how: how.to_owned() }),
        );
    }
    if left == 0 && groups_cut > 0 {
        return Omitted::some(groups_cut, "These are groups, not objects; narrow by namespace or selector.");
    }
    Omitted::some(left, how)
}
