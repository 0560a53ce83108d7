//! From files to a snapshot; what is wrong is named with file, line and column.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::apiserver::{ApiServer, LogKey};
use super::files::Files;
use super::{Head, RecordedCluster, Snapshot, Usage};
use crate::domain::cluster::Cluster;
use crate::domain::object::Object;
use crate::error::ToolError;

/// Folders of an AWS service hold one file, or any number of files with the same kind of list.
fn list<T: DeserializeOwned>(files: &Files, folder: &str, name: Option<&str>) -> Result<Option<Vec<T>>, ToolError> {
    let mut all = None;
    for (path, content) in &files.0 {
        let Some(file) = path.strip_prefix(folder) else { continue };
        if name.is_none_or(|name| name == file) && !file.contains('/') {
            let items: Vec<T> = json(path, content)?;
            all.get_or_insert_with(Vec::new).extend(items);
        }
    }
    Ok(all)
}

pub(super) fn load(files: Files) -> Result<Snapshot, ToolError> {
    let Some(head) = files.0.get("snapshot.json") else {
        return Err(ToolError::invalid("this is no snapshot: it has no `snapshot.json`")
            .with_hint("Add `snapshot.json` with `format`, `name`, `taken_at`, `account` and `region`."));
    };
    let head: Head = json("snapshot.json", head)?;
    if head.format != 1 {
        return Err(ToolError::invalid(format!(
            "snapshot.json: format {} is not known; this version reads format 1",
            head.format
        ))
        .with_hint("Use a newer eks-mcp."));
    }
    let usage = Usage::default();
    let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
    for (path, content) in &files.0 {
        let Some((cluster, file)) = path.strip_prefix("clusters/").and_then(|it| it.split_once('/')) else { continue };
        let parts = parts.entry(cluster.to_owned()).or_default();
        if file == "cluster.json" {
            parts.eks = Some(json(path, content)?);
        } else if file.starts_with("objects/") {
            objects(path, content, &mut parts.objects)?;
        } else if let Some(file) = file.strip_prefix("logs/") {
            if let Some(key) = LogKey::parse(file) {
                parts.logs.insert(key, content.clone());
            } else {
                return Err(ToolError::invalid(format!("{path}: a log is named `<namespace>_<pod>_<container>[.previous].log`")));
            }
        }
    }
    if parts.is_empty() {
        return Err(ToolError::invalid("the snapshot holds no cluster").with_hint("Put objects into `clusters/<name>/objects/`."));
    }
    let clusters = parts.into_iter().map(|(name, parts)| {
        let new = if head.complete { ApiServer::new } else { ApiServer::in_part };
        let server = new(parts.objects, parts.logs, head.taken_at, usage.clone());
        (name, RecordedCluster { eks: parts.eks, server })
    });
    Ok(Snapshot {
        clusters: clusters.collect(),
        versions: list(&files, "aws/eks/", Some("cluster_versions.json"))?,
        associations: list(&files, "aws/eks/", Some("pod_identity_associations.json"))?,
        series: list(&files, "aws/metrics/", None)?,
        log_groups: list(&files, "aws/logs/", None)?,
        products: list(&files, "aws/pricing/", None)?,
        identity: files.0.get("aws/sts/caller_identity.json").map(|it| json("aws/sts/caller_identity.json", it)).transpose()?,
        head,
        usage,
    })
}

#[derive(Default)]
struct Parts {
    eks: Option<Cluster>,
    objects: Vec<Object>,
    logs: BTreeMap<LogKey, Vec<u8>>,
}

fn json<T: DeserializeOwned>(path: &str, content: &[u8]) -> Result<T, ToolError> {
    serde_json::from_slice(content).map_err(|err| malformed(path, &err))
}

fn malformed(path: &str, err: &dyn std::fmt::Display) -> ToolError {
    ToolError::invalid(format!("{path}: {err}")).with_hint("Correct this file of the snapshot.")
}

/// Objects of one file: JSON or YAML; one object, a List, or several documents.
fn objects(path: &str, content: &[u8], objects: &mut Vec<Object>) -> Result<(), ToolError> {
    let documents: Vec<Value> = if is_json(path) {
        let stream = serde_json::Deserializer::from_slice(content).into_iter::<Value>();
        stream.collect::<Result<_, _>>().map_err(|err| malformed(path, &err))?
    } else if is_yaml(path) {
        let text = std::str::from_utf8(content).map_err(|err| malformed(path, &err))?;
        serde_saphyr::from_multiple(text).map_err(|err| malformed(path, &err))?
    } else {
        return Ok(());
    };
    for document in documents {
        add(path, document, objects)?;
    }
    Ok(())
}

fn is_json(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|it| it.eq_ignore_ascii_case("json"))
}

fn is_yaml(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|it| it.eq_ignore_ascii_case("yaml") || it.eq_ignore_ascii_case("yml"))
}

fn add(path: &str, document: Value, objects: &mut Vec<Object>) -> Result<(), ToolError> {
    let Value::Object(mut fields) = document else {
        return if document.is_null() { Ok(()) } else { Err(malformed(path, &"a document is not an object")) };
    };
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(item_kind) = kind.strip_suffix("List")
        && let Some(Value::Array(items)) = fields.remove("items")
    {
        let version = fields.get("apiVersion").cloned();
        for mut item in items {
            if let (Value::Object(fields), false) = (&mut item, item_kind.is_empty()) {
                fields.entry("kind").or_insert_with(|| item_kind.into());
                if let Some(version) = &version {
                    fields.entry("apiVersion").or_insert_with(|| version.clone());
                }
            }
            add(path, item, objects)?;
        }
        return Ok(());
    }
    let object = Object::new(Value::Object(fields));
    if kind.is_empty() || object.name().is_empty() {
        return Err(malformed(path, &format!("object {} has no kind or no metadata.name", objects.len() + 1)));
    }
    objects.push(object);
    Ok(())
}
