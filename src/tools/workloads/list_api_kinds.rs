//! `list_api_kinds`

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::domain::names;
use crate::domain::table::{Omitted, Table};
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text::{count, cut};
use crate::error::ToolError;
use crate::k8s::discovery::{Discovery, Served};
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// `list_api_kinds`
pub struct ListApiKinds;

/// Arguments of `list_api_kinds`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// Part of a kind, plural or short name.
    #[schemars(length(max = 100))]
    search: Option<String>,
    /// API group, such as `karpenter.sh`; `core` for the core group.
    #[schemars(length(max = 253))]
    group: Option<String>,
}

/// Answer of `list_api_kinds`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// The cluster that was read.
    target: Target,
    /// The moment the answer describes.
    as_of: Timestamp,
    /// One sentence: how many kinds in how many groups.
    summary: String,
    /// Kinds by group; the core group is empty. `verbs` is `all` for create, delete, deletecollection, get, list, patch, update and
    /// watch. Pass `kind` to `list_resources`, as `group/kind` where it is ambiguous.
    kinds: Table,
    /// What was left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    omitted: Option<Omitted>,
    /// API groups whose kinds are not known, because what serves them does not answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for ListApiKinds {
    const META: Meta = Meta {
        name: "list_api_kinds",
        title: "List API kinds",
        description: "List the kinds of objects that a cluster serves, custom resources included, with group, version, scope, short names and verbs. \
                      Use it when `list_resources` does not know a kind.",
        toolset: Toolset::Workloads,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let target = cx.locate(&input.at).await?;
        let client = cx.kubernetes(&target).await?;
        let discovery = cx.discovery(&target, &client).await?;
        let mut found: Vec<&Served> = discovery.kinds.iter().filter(|it| is_wanted(it, &input)).collect();
        if let Some(group) = input.group.as_deref().filter(|_| found.is_empty()) {
            check_group(group, &discovery)?;
        }
        found.sort_by_key(|it| (&it.kind.group, &it.kind.kind));
        let mut groups: Vec<&str> = found.iter().map(|it| it.kind.group.as_str()).collect();
        groups.dedup();
        let summary = format!("{} in {}.", count(found.len(), "kind"), count(groups.len(), "API group"));
        let mut kinds = Table::new(["kind", "group", "version", "plural", "short names", "scope", "verbs"]);
        for Served { kind, verbs } in found {
            let scope = if kind.namespaced { "namespaced" } else { "cluster" };
            kinds.push([
                kind.kind.clone(),
                kind.group.clone(),
                kind.version.clone(),
                kind.plural.clone(),
                kind.short_names.join(","),
                scope.to_owned(),
                in_short(verbs),
            ]);
        }
        let cut = kinds.fit(cx.limits.budget * 9 / 10);
        let omitted = Omitted::some(cut, "Pass `group` or `search`.");
        Ok(Output { target, as_of: cx.now(), summary, kinds, omitted, warnings: discovery.broken.clone() })
    }
}

/// Tells a group that has no such kind from one that the cluster does not serve.
fn check_group(group: &str, discovery: &Discovery) -> Result<(), ToolError> {
    let served = || discovery.kinds.iter().map(|it| if it.kind.group.is_empty() { "core" } else { it.kind.group.as_str() });
    // What does not answer may serve it.
    let silent = discovery.broken.iter().any(|it| it.split(['/', ':']).next() == Some(group));
    if group.is_empty() || silent || served().any(|it| it == group) {
        return Ok(());
    }
    let near = names::did_you_mean(group, served());
    Err(ToolError::not_found(format!("`group`: the cluster serves no API group `{}`{near}", cut(group, 80)))
        .with_hint("Call `list_api_kinds` without `group`, or with `search`, for those there are."))
}

/// `all` for the eight verbs that most kinds have; repeated in every row they would be most of the answer.
fn in_short(verbs: &[String]) -> String {
    const ALL: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    if ALL.iter().all(|verb| verbs.iter().any(|it| it == verb)) { "all".to_owned() } else { verbs.join(",") }
}

fn is_wanted(served: &Served, input: &Input) -> bool {
    let kind = &served.kind;
    let in_group = input.group.as_deref().is_none_or(|group| kind.group == group || (group == "core" && kind.group.is_empty()));
    let matches = input.search.as_ref().is_none_or(|search| {
        let search = search.to_lowercase();
        let names = [&kind.kind.to_lowercase(), &kind.plural, &kind.group];
        names.iter().any(|it| it.contains(&search)) || kind.short_names.contains(&search)
    });
    in_group && matches
}
