//! Which fields objects can be selected by. The API server only says which one it does not know.

use kube::Client;

use super::api::{self, ListOptions};
use super::kinds::Kind;
use crate::domain::selector::Wrong;
use crate::domain::{field_selector, names};
use crate::error::{ErrorKind, ToolError};

/// Fields beside name and namespace, by group and plural.
const FIELDS: &[(&str, &str, &[&str])] = &[
    (
        "",
        "pods",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ],
    ),
    (
        "",
        "events",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    (
        "events.k8s.io",
        "events",
        &[
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reason",
            "reportingController",
            "type",
        ],
    ),
    ("", "nodes", &["spec.unschedulable"]),
    ("", "namespaces", &["status.phase"]),
    ("", "secrets", &["type"]),
    ("", "services", &["spec.clusterIP", "spec.type"]),
    ("", "replicationcontrollers", &["status.replicas"]),
    ("apps", "replicasets", &["status.replicas"]),
    ("batch", "jobs", &["status.successful"]),
    ("certificates.k8s.io", "certificatesigningrequests", &["spec.signerName"]),
];

/// How API servers refuse a field: kinds with fields of their own, and the others.
const REFUSALS: &[&str] = &["field label not supported", "is not a known field selector"];

/// Adds to the refusal of a field selector where the field stands in it, and which fields there are. The server is asked
/// first, because a newer one may know more of them.
pub async fn explain(err: ToolError, client: &Client, kind: &Kind, selector: Option<&str>) -> ToolError {
    let Some(selector) = selector.filter(|_| err.kind == ErrorKind::InvalidInput) else { return err };
    if !REFUSALS.iter().any(|it| err.message.contains(it)) {
        return err;
    }
    let fields = fields(client, kind).await;
    let terms = field_selector::parse(selector).unwrap_or_default();
    let Some(label) = terms.iter().map(|it| &it.label).find(|it| err.message.contains(it.as_str()) && !fields.contains(it))
    else {
        return err;
    };
    let at = field_selector::place(selector, label).unwrap_or(1);
    let near = names::did_you_mean(label, fields.iter().map(String::as_str));
    let wrong = Wrong { message: format!("`{label}` selects no {}{near}", kind.plural), at };
    ToolError::invalid(format!("`field_selector`: {}", wrong.told(selector))).with_hint(format!(
        "Fields that select {}: {}. Anything else is a column or a label.",
        kind.plural,
        fields.join(", ")
    ))
}

/// The fields of a kind.
async fn fields(client: &Client, kind: &Kind) -> Vec<String> {
    let mut fields = vec!["metadata.name".to_owned()];
    if kind.namespaced {
        fields.push("metadata.namespace".to_owned());
    }
    let known = FIELDS.iter().find(|it| it.0 == kind.group && it.1 == kind.plural);
    if let Some((_, _, known)) = known {
        fields.extend(known.iter().map(|it| (*it).to_owned()));
    } else if !Kind::built_in().any(|it| it.group == kind.group && it.plural == kind.plural) {
        fields.extend(defined(client, kind).await);
    }
    fields
}

/// What the definition of a custom kind names.
async fn defined(client: &Client, kind: &Kind) -> Vec<String> {
    let Some(definitions) = Kind::named("CustomResourceDefinition") else { return Vec::new() };
    let name = format!("metadata.name={}", field_selector::escape(&format!("{}.{}", kind.plural, kind.group)));
    let options = ListOptions { fields: Some(&name), ..ListOptions::default() };
    // Who may not read definitions gets the fields that every kind has.
    let found = api::list(client, &definitions, &options, 1).await.map(|(found, _)| found).unwrap_or_default();
    let versions = found.iter().flat_map(|it| it.list("spec.versions")).filter(|it| it.text("name") == kind.version);
    let fields = versions.flat_map(|it| it.list("selectableFields"));
    fields.map(|it| it.text("jsonPath").trim_start_matches('.').to_owned()).collect()
}
