//! The form of a list in which the server chooses the columns, as kubectl asks for it.

use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::objects::{Collection, Place};
use super::{Generated, Head, Query, Resource};
use crate::domain::events::last;
use crate::domain::object::Object;
use crate::domain::status as health;
use crate::domain::time::age;
use crate::snapshot::apiserver::status::Answer;

/// Whether the caller would rather have a Table than anything else.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or_default();
    accept.split(',').next().unwrap_or_default().contains("as=Table")
}

/// A page as a Table.
pub(super) fn answer(
    generated: &Generated,
    resource: &Resource,
    collection: Collection,
    items: &[Place<'_>],
    head: Head,
    query: &Query,
) -> Answer {
    let include = query.text("includeObject").unwrap_or("Metadata");
    let rows = items.iter().map(|place| {
        let mut bytes = Vec::new();
        generated.whole(resource, collection, *place, &mut bytes);
        let object = Object::new(serde_json::from_slice(&bytes).unwrap_or_default());
        let shown = match include {
            "None" => Value::Null,
            "Object" => object.value().clone(),
            _ => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata"),
            }),
        };
        json!({"cells": cells(collection, &object, generated), "object": shown})
    });
    let rows: Vec<Value> = rows.collect();
    let columns: Vec<Value> = columns(collection)
        .iter()
        .map(|(name, priority)| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": "string", "format": format, "description": name, "priority": priority})
        })
        .collect();
    let table = json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": head.json(), "columnDefinitions": columns, "rows": rows,
    });
    Answer::json(StatusCode::OK, &table)
}

/// Columns with their priority: those above zero are for wide output.
fn columns(collection: Collection) -> &'static [(&'static str, u8)] {
    match collection {
        Collection::Pods => &[
            ("Name", 0),
            ("Ready", 0),
            ("Status", 0),
            ("Restarts", 0),
            ("Age", 0),
            ("IP", 1),
            ("Node", 1),
            ("Nominated Node", 1),
            ("Readiness Gates", 1),
        ],
        Collection::Nodes => &[
            ("Name", 0),
            ("Status", 0),
            ("Roles", 0),
            ("Age", 0),
            ("Version", 0),
            ("Internal-IP", 1),
            ("External-IP", 1),
            ("OS-Image", 1),
            ("Kernel-Version", 1),
            ("Container-Runtime", 1),
        ],
        Collection::Namespaces => &[("Name", 0), ("Status", 0), ("Age", 0)],
        Collection::Events => &[
            ("Last Seen", 0),
            ("Type", 0),
            ("Reason", 0),
            ("Object", 0),
            ("Subobject", 1),
            ("Source", 1),
            ("Message", 0),
            ("First Seen", 1),
            ("Count", 1),
            ("Name", 1),
        ],
    }
}

fn cells(collection: Collection, object: &Object, generated: &Generated) -> Vec<Value> {
    let now = generated.now;
    let text = |path: &str| object.text(path).to_owned();
    let age_now = health::age_of(object, now);
    let status = || health::of(object, now).cells;
    let cell = |index: usize| status().get(index).cloned().unwrap_or_default();
    let none = || "<none>".to_owned();
    let cells: Vec<String> = match collection {
        Collection::Pods => {
            vec![text("metadata.name"), cell(0), cell(1), cell(2), age_now, text("status.podIP"), cell(3), none(), none()]
        }
        Collection::Nodes => vec![
            text("metadata.name"),
            cell(0),
            none(),
            age_now,
            cell(1),
            text("status.addresses[0].address"),
            none(),
            text("status.nodeInfo.osImage"),
            text("status.nodeInfo.kernelVersion"),
            text("status.nodeInfo.containerRuntimeVersion"),
        ],
        Collection::Namespaces => vec![text("metadata.name"), cell(0), age_now],
        Collection::Events => {
            let seen = last(object).map(|it| age(now, it)).unwrap_or_default();
            let first = object.time("firstTimestamp").map(|it| age(now, it)).unwrap_or_default();
            vec![
                seen,
                text("type"),
                text("reason"),
                format!("{}/{}", text("involvedObject.kind").to_lowercase(), text("involvedObject.name")),
                text("involvedObject.fieldPath"),
                format!("{}, {}", text("source.component"), text("source.host")),
                text("message"),
                first,
                object.integer("count").unwrap_or(1).to_string(),
                text("metadata.name"),
            ]
        }
    };
    cells.into_iter().map(Value::from).collect()
}
