//! What Kubernetes alone tells of a cluster: for clusters that EKS does not know.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::domain::object::Object;
use crate::domain::target::Target;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

/// The API server and its nodes.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Kubernetes {
    /// Version of the API server (`gitVersion`); absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Nodes; absent when they could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) nodes: Option<Nodes>,
}

/// Nodes, counted.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct Nodes {
    /// All of them.
    pub(super) total: usize,
    /// Those whose condition `Ready` is `True`.
    pub(super) ready: usize,
    /// By kubelet version.
    kubelet_versions: BTreeMap<String, usize>,
    /// By instance type (`node.kubernetes.io/instance-type`); empty where nodes do not say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    instance_types: BTreeMap<String, usize>,
    /// By zone (`topology.kubernetes.io/zone`); empty where nodes do not say.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    zones: BTreeMap<String, usize>,
}

impl Nodes {
    fn add(&mut self, node: &Object) {
        self.total += 1;
        self.ready += usize::from(node.condition("Ready").is_some_and(|it| it.text("status") == "True"));
        for (counts, value) in [
            (&mut self.kubelet_versions, Some(node.text("status.nodeInfo.kubeletVersion"))),
            (&mut self.instance_types, node.label("node.kubernetes.io/instance-type")),
            (&mut self.zones, node.label("topology.kubernetes.io/zone")),
        ] {
            if let Some(value) = value.filter(|it| !it.is_empty()) {
                *counts.entry(value.to_owned()).or_default() += 1;
            }
        }
    }
}

/// Asks the API server. What could not be read is a warning, unless nothing could.
///
/// # Errors
/// When neither the version nor the nodes can be read.
pub(super) async fn ask(cx: &Context, target: &Target, warnings: &mut Vec<String>) -> Result<Kubernetes, ToolError> {
    let client = cx.kubernetes(target).await?;
    let kind = Kind::named("Node").ok_or_else(|| ToolError::new(ErrorKind::Internal, "the kind Node is not known"))?;
    let mut nodes = Nodes::default();
    let options = ListOptions::default();
    let listed = api::list_pages(&client, &kind, &options, |page| {
        for node in &page {
            nodes.add(node);
        }
        !cx.cancel.is_cancelled()
    });
    let (version, listed) =
        futures::join!(api::get(&client, "/version", "application/json", "version of the API server"), listed);
    if let (Err(err), Err(_)) = (&version, &listed) {
        return Err(err.clone());
    }
    let mut found = Kubernetes::default();
    match version {
        Ok(version) => found.version = version.get("gitVersion").and_then(|it| it.as_str()).map(str::to_owned),
        Err(err) => warnings.push(err.message),
    }
    match listed {
        Ok(_) => found.nodes = Some(nodes),
        Err(err) => warnings.push(err.message),
    }
    Ok(found)
}
