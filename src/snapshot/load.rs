//! From files to a snapshot; what is wrong is named with file, line and column.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_saphyr::Spanned;

use super::apiserver::{ApiServer, LogKey};
use super::files::Files;
use super::{Head, RecordedCluster, Snapshot, Usage, parts};
use crate::domain::cluster::Cluster;
use crate::domain::names;
use crate::domain::object::Object;
use crate::error::ToolError;

/// Folders of an AWS service hold one file, or any number of files with the same kind of list.
pub(super) fn list<T: DeserializeOwned>(files: &Files, folder: &str, name: Option<&str>) -> Result<Option<Vec<T>>, ToolError> {
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
    if !names::is_region(&head.region) {
        return Err(malformed(
            "snapshot.json",
            &format!("`region`: `{}` is no AWS Region code such as `eu-west-1`", head.region),
        ));
    }
    let usage = Usage::default();
    let mut parts: BTreeMap<String, Parts> = BTreeMap::new();
    for (path, content) in &files.0 {
        let Some((cluster, file)) = path.strip_prefix("clusters/").and_then(|it| it.split_once('/')) else {
            check_folder(path)?;
            continue;
        };
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
        } else if let Some((folder, _)) = file.split_once('/') {
            let near = names::did_you_mean(folder, ["objects", "logs"]);
            return Err(malformed(path, &format!("a cluster has no folder `{folder}`{near}; it has `objects` and `logs`")));
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
        parts: parts::Parts::load(&files)?,
        alarms: list(&files, "aws/alarms/", None)?,
        head,
        usage,
    })
}

/// Folders of the services that a snapshot can hold.
const SERVICES: [&str; 12] = [
    "alarms",
    "autoscaling",
    "ec2",
    "ecr",
    "eks",
    "elasticloadbalancing",
    "iam",
    "logs",
    "metrics",
    "pricing",
    "servicequotas",
    "sts",
];

/// A folder whose name is mistyped would be passed over in silence.
fn check_folder(path: &str) -> Result<(), ToolError> {
    let Some((folder, rest)) = path.split_once('/') else { return Ok(()) };
    if folder != "aws" {
        let near = names::near(folder, ["clusters", "aws"]);
        return match near.first() {
            Some(near) => Err(malformed(path, &format!("a snapshot has no folder `{folder}`; did you mean `{near}`?"))),
            // Notes that somebody keeps beside it.
            None => Ok(()),
        };
    }
    let service = rest.split('/').next().unwrap_or_default();
    if SERVICES.contains(&service) {
        let named = parts::FILES.iter().filter_map(|it| it.strip_prefix("aws/")?.split_once('/'));
        let files: Vec<&str> = named.filter(|(of, _)| *of == service).map(|(_, file)| file).collect();
        let file = rest.rsplit('/').next().unwrap_or_default();
        if files.is_empty() || files.contains(&file) || !is_json(file) {
            return Ok(());
        }
        let near = names::did_you_mean(file, files.iter().copied());
        return Err(malformed(path, &format!("`aws/{service}/` has no file `{file}`{near}; it has {}", files.join(", "))));
    }
    let near = names::did_you_mean(service, SERVICES);
    Err(malformed(path, &format!("no recorded service is named `{service}`{near}; there are {}", SERVICES.join(", "))))
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
    if !is_json(path) && !is_yaml(path) {
        return Ok(());
    }
    let text = std::str::from_utf8(content).map_err(|err| {
        let line = content.iter().take(err.valid_up_to()).filter(|it| **it == b'\n').count() + 1;
        malformed(path, &format!("line {line}: {err}"))
    })?;
    let documents: Vec<Value> = if is_json(path) {
        let stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        stream.collect::<Result<_, _>>().map_err(|err| malformed(path, &err))?
    } else {
        serde_saphyr::from_multiple(text).map_err(|err| malformed(path, &err))?
    };
    for (index, document) in documents.into_iter().enumerate() {
        add(document, objects).map_err(|Wrong { why, item }| {
            let place =
                place(text, index, item).map(|(line, column)| format!("line {line} column {column}: ")).unwrap_or_default();
            malformed(path, &format!("{place}{why}"))
        })?;
    }
    Ok(())
}

/// What is wrong with a document, or with an item of the list in it.
struct Wrong {
    why: &'static str,
    item: Option<usize>,
}

/// Where a document begins, or an item of the list in it. JSON is read as the YAML that it is.
fn place(text: &str, document: usize, item: Option<usize>) -> Option<(u64, u64)> {
    #[derive(serde::Deserialize)]
    struct List {
        items: Vec<Spanned<serde::de::IgnoredAny>>,
    }
    let location = match item {
        Some(item) => serde_saphyr::from_multiple::<List>(text).ok()?.get(document)?.items.get(item)?.referenced,
        None => serde_saphyr::from_multiple::<Spanned<serde::de::IgnoredAny>>(text).ok()?.get(document)?.referenced,
    };
    Some((location.line(), location.column()))
}

fn is_json(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|it| it.eq_ignore_ascii_case("json"))
}

fn is_yaml(path: &str) -> bool {
    path.rsplit('.').next().is_some_and(|it| it.eq_ignore_ascii_case("yaml") || it.eq_ignore_ascii_case("yml"))
}

fn add(document: Value, objects: &mut Vec<Object>) -> Result<(), Wrong> {
    let Value::Object(mut fields) = document else {
        return if document.is_null() { Ok(()) } else { Err(Wrong { why: "this is no object", item: None }) };
    };
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    if let Some(item_kind) = kind.strip_suffix("List")
        && let Some(Value::Array(items)) = fields.remove("items")
    {
        let version = fields.get("apiVersion").cloned();
        for (index, mut item) in items.into_iter().enumerate() {
            if let (Value::Object(fields), false) = (&mut item, item_kind.is_empty()) {
                fields.entry("kind").or_insert_with(|| item_kind.into());
                if let Some(version) = &version {
                    fields.entry("apiVersion").or_insert_with(|| version.clone());
                }
            }
            add(item, objects).map_err(|wrong| Wrong { item: Some(index), ..wrong })?;
        }
        return Ok(());
    }
    let object = Object::new(Value::Object(fields));
    if kind.is_empty() {
        return Err(Wrong { why: "this object has no `kind`", item: None });
    }
    if object.name().is_empty() {
        return Err(Wrong { why: "this object has no `metadata.name`", item: None });
    }
    objects.push(object);
    Ok(())
}
