//! What the server serves: API groups, their versions and resources, in the plain and in the aggregated form.

use http::StatusCode;
use serde_json::{Value, json};

use super::request::Form;
use super::resources::{self, Origin, Resource};
use super::status::{self, Answer};
use super::store::Store;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// Verbs in the order in which a real server names them.
const TYPED_VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const CUSTOM_VERBS: &[&str] = &["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const STATUS_VERBS: &[&str] = &["get", "patch", "update"];

/// `/api`: the core group.
pub(super) fn core(store: &Store, form: Form) -> Answer {
    if form == Form::Aggregated {
        return aggregated(store, &[""]);
    }
    let addresses = json!([{"clientCIDR": "0.0.0.0/0", "serverAddress": "snapshot"}]);
    ok(&json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": addresses}))
}

/// `/apis`: every other group.
pub(super) fn groups(store: &Store, form: Form) -> Answer {
    let mut names: Vec<&str> = store.resources().iter().map(|it| it.kind.group.as_str()).filter(|it| !it.is_empty()).collect();
    names.dedup();
    if form == Form::Aggregated {
        return aggregated(store, &names);
    }
    let groups: Vec<Value> = names.into_iter().map(|name| described(store, name)).collect();
    ok(&json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

/// `/apis/<group>`.
pub(super) fn group(store: &Store, name: &str) -> Answer {
    if versions(store, name).is_empty() {
        return status::unknown_path();
    }
    let mut group = json!({"kind": "APIGroup", "apiVersion": "v1"});
    if let (Value::Object(fields), Value::Object(described)) = (&mut group, described(store, name)) {
        fields.extend(described);
    }
    ok(&group)
}

/// `/api/<version>` and `/apis/<group>/<version>`.
pub(super) fn version(store: &Store, group: &str, version: &str) -> Answer {
    let resources: Vec<Value> = of_version(store, group, version).flat_map(listed).collect();
    if resources.is_empty() {
        return status::unknown_path();
    }
    let mut list =
        json!({"kind": "APIResourceList", "groupVersion": resources::join_version(group, version), "resources": resources});
    if let (Value::Object(fields), false) = (&mut list, group.is_empty()) {
        fields.insert("apiVersion".to_owned(), "v1".into());
    }
    ok(&list)
}

/// `/version`, as far as the nodes tell it.
pub(super) fn server_version(store: &Store) -> Answer {
    let nodes = store.resource("", "v1", "nodes").map(|it| store.range(it, None, ""));
    let newest = resources::newest_kubelet(nodes.into_iter().flatten().map(|(_, node)| node.clone()));
    match newest {
        Some((major, minor, full)) => ok(&json!({"major": major, "minor": minor, "gitVersion": full, "platform": "linux/amd64"})),
        None => status::not_recorded("the snapshot holds no node that tells the version of the cluster"),
    }
}

fn ok(document: &Value) -> Answer {
    Answer::json(StatusCode::OK, document)
}

fn of_version<'a>(store: &'a Store, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Resource> {
    store.resources().iter().filter(move |it| it.kind.group == group && it.kind.version == version)
}

/// The versions of a group, the preferred one first.
fn versions<'a>(store: &'a Store, group: &str) -> Vec<&'a str> {
    let mut versions: Vec<&str> =
        store.resources().iter().filter(|it| it.kind.group == group).map(|it| it.kind.version.as_str()).collect();
    versions.dedup();
    versions
}

fn described(store: &Store, group: &str) -> Value {
    let versions: Vec<Value> = versions(store, group)
        .into_iter()
        .map(|version| json!({"groupVersion": resources::join_version(group, version), "version": version}))
        .collect();
    json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
}

fn aggregated(store: &Store, groups: &[&str]) -> Answer {
    let items = groups.iter().map(|group| {
        let versions = versions(store, group).into_iter().map(|version| {
            let resources: Vec<Value> = of_version(store, group, version).map(discovered).collect();
            json!({"version": version, "resources": resources, "freshness": "Current"})
        });
        let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
        json!({"metadata": metadata, "versions": versions.collect::<Vec<_>>()})
    });
    let items: Vec<Value> = items.collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    Answer::document(StatusCode::OK, AGGREGATED, &list)
}

fn verbs(resource: &Resource) -> Vec<&'static str> {
    let verbs = if resource.origin == Origin::Custom { CUSTOM_VERBS } else { TYPED_VERBS };
    // Nobody deletes all namespaces at once.
    let is_namespaces = resource.kind.group.is_empty() && resource.kind.plural == "namespaces";
    verbs.iter().copied().filter(|it| !is_namespaces || *it != "deletecollection").collect()
}

/// The subresources that this server answers, with their verbs.
fn subresources(resource: &Resource) -> Vec<(&'static str, &'static [&'static str])> {
    let is_pods = resource.kind.group.is_empty() && resource.kind.plural == "pods";
    let log = is_pods.then_some(("log", ["get"].as_slice()));
    let status = resource.has_status.then_some(("status", STATUS_VERBS));
    log.into_iter().chain(status).collect()
}

/// A resource in aggregated discovery.
fn discovered(resource: &Resource) -> Value {
    let kind = &resource.kind;
    // Typed resources leave out the group and version that they share with what lists them.
    let (group, version) =
        if resource.origin == Origin::Custom { (kind.group.as_str(), kind.version.as_str()) } else { ("", "") };
    let answer_kind = json!({"group": group, "version": version, "kind": kind.kind});
    let mut value = json!({
        "resource": kind.plural,
        "responseKind": answer_kind,
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular,
        "verbs": verbs(resource),
    });
    let subresources: Vec<Value> = subresources(resource)
        .into_iter()
        .map(|(name, verbs)| json!({"subresource": name, "responseKind": answer_kind, "verbs": verbs}))
        .collect();
    add_list(&mut value, "shortNames", &kind.short_names);
    add_list(&mut value, "categories", &resource.categories);
    add_list(&mut value, "subresources", &subresources);
    value
}

/// A resource and its subresources in the list of a version.
fn listed(resource: &Resource) -> Vec<Value> {
    let kind = &resource.kind;
    let mut value = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": verbs(resource),
    });
    add_list(&mut value, "shortNames", &kind.short_names);
    add_list(&mut value, "categories", &resource.categories);
    let subresources = subresources(resource).into_iter().map(|(name, verbs)| {
        let name = format!("{}/{name}", kind.plural);
        json!({"name": name, "singularName": "", "namespaced": kind.namespaced, "kind": kind.kind, "verbs": verbs})
    });
    std::iter::once(value).chain(subresources).collect()
}

fn add_list<T: Clone + Into<Value>>(value: &mut Value, name: &str, list: &[T]) {
    if let (Value::Object(fields), false) = (value, list.is_empty()) {
        fields.insert(name.to_owned(), Value::Array(list.iter().cloned().map(Into::into).collect()));
    }
}
