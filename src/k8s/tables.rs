//! Lists as the API server prints them: its columns for built-in kinds, those of the definition for custom ones.

use kube::Client;
use serde_json::Value;

use super::api::{self, ListOptions, Listed};
use super::kinds::Kind;
use crate::domain::object::Object;
use crate::error::ToolError;

/// Servers that print no tables, such as some aggregated ones, answer with the plain list.
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// How much of each object comes with its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Include {
    /// Its metadata: all that may be known of a Secret.
    Metadata,
    /// The whole object.
    Object,
}

/// A row: the cells for the columns, and the object.
pub type PrintedRow = (Vec<String>, Object);

/// Lists objects page by page as printed and hands each page to `visit`, the names of the columns first. `visit` returns whether
/// to go on. Columns are empty where the server prints no table.
///
/// # Errors
/// As [`api::list_pages`].
pub async fn table_pages(
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    include: Include,
    mut visit: impl FnMut(&[String], Vec<PrintedRow>) -> bool + Send,
) -> Result<Listed, ToolError> {
    let thing = api::thing(kind, options.namespace, None);
    let base = api::collection(kind, options.namespace)?;
    let mut token = options.start.unwrap_or_default().to_owned();
    let mut listed = Listed::default();
    let mut columns: Vec<String> = Vec::new();
    loop {
        let included = match include {
            Include::Metadata => "Metadata",
            Include::Object => "Object",
        };
        let path = format!("{}&includeObject={included}", api::page_path(&base, options, &token));
        let mut answer = api::get(client, &path, TABLE, &thing).await?;
        listed.pages += 1;
        listed.remaining = answer.pointer("/metadata/remainingItemCount").and_then(Value::as_u64);
        answer.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().clone_into(&mut token);
        // Only the first page has to name the columns.
        if let Some(Value::Array(definitions)) = answer.get("columnDefinitions")
            && columns.is_empty()
        {
            columns =
                definitions.iter().map(|it| it.get("name").and_then(Value::as_str).unwrap_or_default().to_owned()).collect();
        }
        let rows = match (take(&mut answer, "rows"), take(&mut answer, "items")) {
            (rows, items) if items.is_empty() => rows.into_iter().map(|row| printed(row, kind)).collect(),
            (_, items) => items.into_iter().map(|item| (Vec::new(), api::item(item, kind))).collect(),
        };
        if !visit(&columns, rows) || token.is_empty() {
            listed.next = Some(token).filter(|it| !it.is_empty());
            return Ok(listed);
        }
    }
}

fn printed(mut row: Value, kind: &Kind) -> PrintedRow {
    let object = row.get_mut("object").map(Value::take).unwrap_or_default();
    let cells = take(&mut row, "cells").iter().map(cell).collect();
    // The metadata form says that it is `PartialObjectMetadata`.
    let object = match object {
        Value::Object(mut fields) => {
            fields.retain(|key, _| key != "kind" && key != "apiVersion");
            Value::Object(fields)
        }
        other => other,
    };
    (cells, api::item(object, kind))
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn take(value: &mut Value, key: &str) -> Vec<Value> {
    match value.get_mut(key).map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}
