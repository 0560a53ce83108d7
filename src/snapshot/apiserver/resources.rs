//! Which resources a snapshot serves: the built-in ones, those its definitions define, and those its objects tell of.

use std::collections::BTreeMap;

use serde_json::Value;

use super::printer::Column;
use crate::domain::object::{Object, at};
use crate::k8s::kinds::Kind;

/// How objects of a resource look in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Compiled into a server: items of lists do not say what they are.
    Typed,
    /// Defined by a `CustomResourceDefinition`: items of lists do.
    Custom,
}

/// One version of a resource.
#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) kind: Kind,
    pub(super) list_kind: String,
    pub(super) origin: Origin,
    pub(super) categories: Vec<String>,
    /// Whether there is a subresource `status`.
    pub(super) has_status: bool,
    /// Paths that field selectors may name beside the usual ones.
    pub(super) selectable: Vec<String>,
    /// Columns beside the name, for custom kinds.
    pub(super) columns: Vec<Column>,
}

/// Group of the newer API for events.
pub(super) const EVENTS: &str = "events.k8s.io";

/// Resources of aggregated servers, which have no definition in the cluster; served when there are objects of them.
const AGGREGATED: &[(&str, &str, &str)] = &[("metrics.k8s.io", "PodMetrics", "pods"), ("metrics.k8s.io", "NodeMetrics", "nodes")];

/// Built-in resources with a subresource `status`.
const WITH_STATUS: &[&str] = &[
    "namespaces",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "services",
    "daemonsets",
    "deployments",
    "replicasets",
    "statefulsets",
    "cronjobs",
    "jobs",
    "horizontalpodautoscalers",
    "ingresses",
    "poddisruptionbudgets",
    "volumeattachments",
    "customresourcedefinitions",
    "apiservices",
];

impl Resource {
    /// Group and plural under which the objects are kept; both APIs for events show the same ones.
    pub(super) fn shelf(&self) -> (&str, &str) {
        if self.is_new_event() { ("", "events") } else { (&self.kind.group, &self.kind.plural) }
    }

    /// Whether this is the newer API for events.
    pub(super) fn is_new_event(&self) -> bool {
        self.kind.group == EVENTS && self.kind.plural == "events"
    }

    /// `apiVersion` of the objects.
    pub(super) fn api_version(&self) -> String {
        join_version(&self.kind.group, &self.kind.version)
    }

    fn typed(kind: Kind) -> Self {
        let category = match (kind.group.as_str(), kind.plural.as_str()) {
            ("", "pods" | "services" | "replicationcontrollers") | ("apps" | "batch" | "autoscaling", _) => Some("all"),
            ("admissionregistration.k8s.io" | "apiextensions.k8s.io" | "apiregistration.k8s.io", _) => Some("api-extensions"),
            _ => None,
        };
        Self {
            list_kind: format!("{}List", kind.kind),
            origin: Origin::Typed,
            categories: category.into_iter().map(str::to_owned).collect(),
            has_status: WITH_STATUS.contains(&kind.plural.as_str()),
            selectable: Vec::new(),
            columns: vec![Column::age()],
            kind,
        }
    }
}

/// `group/version`, or the version alone for the core group.
pub(super) fn join_version(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

/// Group and version of an `apiVersion`.
pub(super) fn split_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Every resource that a server over these objects has, the preferred version of each group first.
pub(super) fn of(objects: &[Object]) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Kind::built_in().map(Resource::typed).collect();
    let events = Kind::named("Event").map(|kind| Kind { group: EVENTS.to_owned(), ..kind });
    resources.extend(events.map(Resource::typed));
    for definition in objects.iter().filter(|it| it.kind() == "CustomResourceDefinition") {
        resources.extend(defined(definition));
    }
    resources.extend(inferred(objects, &resources));
    // Stable: groups stay in the order in which they were met, resources too.
    let mut groups: Vec<String> = Vec::new();
    for resource in &resources {
        if !groups.contains(&resource.kind.group) {
            groups.push(resource.kind.group.clone());
        }
    }
    let rank = |it: &Resource| groups.iter().position(|group| *group == it.kind.group);
    resources.sort_by_cached_key(|it| (rank(it), std::cmp::Reverse(priority(&it.kind.version)), it.kind.plural.clone()));
    resources.dedup_by(|a, b| a.kind.group == b.kind.group && a.kind.version == b.kind.version && a.kind.plural == b.kind.plural);
    resources
}

/// The resources of a `CustomResourceDefinition`, one for each version served.
fn defined(definition: &Object) -> Vec<Resource> {
    let texts = |path: &str| -> Vec<String> {
        let items = definition.get(path).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let or = |text: &str, default: String| if text.is_empty() { default } else { text.to_owned() };
    let kind = definition.text("spec.names.kind");
    let versions = definition.list("spec.versions").filter(|it| it.boolean("served") != Some(false));
    let resources = versions.map(|version| Resource {
        kind: Kind {
            group: definition.text("spec.group").to_owned(),
            version: version.text("name").to_owned(),
            plural: definition.text("spec.names.plural").to_owned(),
            kind: kind.to_owned(),
            singular: or(definition.text("spec.names.singular"), kind.to_lowercase()),
            short_names: texts("spec.names.shortNames"),
            namespaced: definition.text("spec.scope") != "Cluster",
        },
        list_kind: or(definition.text("spec.names.listKind"), format!("{kind}List")),
        origin: Origin::Custom,
        categories: texts("spec.names.categories"),
        has_status: version.get("subresources.status").is_some(),
        columns: Column::of(&version),
        selectable: version
            .list("selectableFields")
            .iter()
            .map(|it| it.text("jsonPath").trim_start_matches('.').to_owned())
            .collect(),
    });
    resources.filter(|it| !it.kind.plural.is_empty() && !it.kind.version.is_empty()).collect()
}

/// Resources of objects whose kind or version nothing else tells of.
fn inferred(objects: &[Object], known: &[Resource]) -> Vec<Resource> {
    let mut kinds: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for object in objects {
        *kinds.entry((object.text("apiVersion"), object.kind())).or_default() |= !object.namespace().is_empty();
    }
    let unknown = kinds.into_iter().filter_map(|((api_version, kind), namespaced)| {
        let (group, version) = split_version(api_version);
        if version.is_empty() || kind.is_empty() {
            return None;
        }
        let mut alike = known.iter().filter(|it| it.kind.group == group && it.kind.kind == kind).peekable();
        if let Some(other) = alike.peek().copied() {
            let served = alike.any(|it| it.kind.version == version);
            return (!served)
                .then(|| Resource { kind: Kind { version: version.to_owned(), ..other.kind.clone() }, ..other.clone() });
        }
        let aggregated = AGGREGATED.iter().find(|it| it.0 == group && it.1 == kind);
        let resource = Resource::typed(Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: aggregated.map_or_else(|| plural(kind), |it| it.2.to_owned()),
            kind: kind.to_owned(),
            singular: kind.to_lowercase(),
            short_names: Vec::new(),
            namespaced,
        });
        let typed = !group.contains('.') || group.ends_with(".k8s.io");
        Some(Resource { origin: if typed { Origin::Typed } else { Origin::Custom }, categories: Vec::new(), ..resource })
    });
    unknown.collect()
}

/// The plural that a kind most likely has.
fn plural(kind: &str) -> String {
    let word = kind.to_lowercase();
    if ["s", "x", "z", "ch", "sh"].iter().any(|ending| word.ends_with(ending)) {
        return format!("{word}es");
    }
    match word.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{word}s"),
    }
}

/// Sorts versions as Kubernetes prefers them: `v2`, `v1`, `v1beta2`, `v1beta1`, `v1alpha1`, then the rest.
fn priority(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else { return (0, 0, 0) };
    let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
    let (major, rest) = rest.split_at(digits);
    let Ok(major) = major.parse() else { return (0, 0, 0) };
    if rest.is_empty() {
        return (3, major, 0);
    }
    let stages = [(2, "beta"), (1, "alpha")];
    let staged = stages.iter().find_map(|(rank, stage)| Some((*rank, major, rest.strip_prefix(stage)?.parse().ok()?)));
    staged.unwrap_or((0, 0, 0))
}

/// The version of the newest kubelet, which the API server has at least.
pub(super) fn newest_kubelet(nodes: impl Iterator<Item = Object>) -> Option<(String, String, String)> {
    let versions = nodes.filter_map(|node| {
        let full = at(node.value(), "status.nodeInfo.kubeletVersion")?.as_str()?.to_owned();
        let numbers: Vec<u32> = full.strip_prefix('v')?.split(['.', '-', '+']).map_while(|it| it.parse().ok()).take(3).collect();
        (numbers.len() >= 2).then_some((numbers, full))
    });
    let (numbers, full) = versions.max()?;
    let mut numbers = numbers.iter().map(u32::to_string);
    Some((numbers.next()?, numbers.next()?, full))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_that_nothing_defines_are_inferred() {
        let object = |version: &str, kind: &str, namespace: Option<&str>| {
            Object::new(json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": namespace}}))
        };
        let objects = [
            object("example.com/v1", "Policy", Some("a")),
            object("example.com/v1", "Gateway", None),
            object("autoscaling/v1", "HorizontalPodAutoscaler", Some("a")),
            object("metrics.k8s.io/v1beta1", "PodMetrics", Some("a")),
        ];
        let found: Vec<Resource> = of(&objects).into_iter().skip(Kind::built_in().count() + 1).collect();
        let all = of(&objects);
        assert_eq!(found.len(), 4, "four more than a bare server");
        let find = |path: &str| all.iter().find(|it| it.kind.path(None) == path).map(|it| (it.kind.namespaced, it.origin));
        assert_eq!(find("/apis/example.com/v1/policies"), Some((true, Origin::Custom)));
        assert_eq!(find("/apis/example.com/v1/gateways"), Some((false, Origin::Custom)));
        assert_eq!(find("/apis/metrics.k8s.io/v1beta1/pods"), Some((true, Origin::Typed)));
        let autoscaling: Vec<&str> =
            all.iter().filter(|it| it.kind.group == "autoscaling").map(|it| it.kind.version.as_str()).collect();
        assert_eq!(autoscaling, ["v2", "v1"]);
    }

    #[test]
    fn versions_have_an_order_of_preference() {
        let mut versions = ["v1alpha1", "v1beta1", "foo", "v10", "v2", "v1beta2", "v1"];
        versions.sort_by_key(|it| std::cmp::Reverse(priority(it)));
        assert_eq!(versions, ["v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "foo"]);
    }
}
