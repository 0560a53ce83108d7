//! Nodes, claims and volumes: what the scheduler looked at.

use futures::future::join_all;
use serde_json::{Value, json};

use super::{Answer, Source, answer, gap, kind};
use crate::diagnose::diagnosis::NotChecked;
use crate::diagnose::facts::Facts;
use crate::domain::object::Object;
use crate::k8s::api::{self, ListOptions};

/// Pages of nodes that are read; more nodes are a gap.
const NODE_PAGES: usize = 4;
/// Claims of one pod that are followed to their volumes.
const CLAIMS: usize = 3;

/// The nodes, for a pod without one.
pub(super) async fn nodes(source: &Source, facts: &Facts) -> Answer<Vec<Object>> {
    if !facts.is_unscheduled() {
        return (None, Vec::new());
    }
    let kind = match kind("Node") {
        Ok(kind) => kind,
        Err(err) => return answer("nodes", Err(err)),
    };
    let mut nodes = Vec::new();
    let mut pages = 0;
    let visit = |page: Vec<Object>| {
        nodes.extend(page.iter().map(slim));
        pages += 1;
        pages < NODE_PAGES
    };
    match api::list_pages(&source.client, &kind, &ListOptions::default(), visit).await {
        Err(err) => answer("nodes", Err(err)),
        Ok(_) if nodes.is_empty() => {
            let why = "the API server lists no node".to_owned();
            (None, vec![NotChecked { what: "nodes".to_owned(), why }])
        }
        Ok(_) => {
            let most = NODE_PAGES * api::PAGE;
            let cut = nodes.len() >= most;
            let gap = cut.then(|| NotChecked {
                what: format!("nodes beyond the first {most}"),
                why: "the number of requests is bounded".to_owned(),
            });
            (Some(nodes), gap.into_iter().collect())
        }
    }
}

/// A node without the long list of its images; paths stay what they were.
fn slim(node: &Object) -> Object {
    let part = |path: &str| node.get(path).cloned().unwrap_or(Value::Null);
    Object::new(json!({
        "kind": "Node",
        "metadata": {"name": node.name(), "labels": part("metadata.labels"), "creationTimestamp": part("metadata.creationTimestamp")},
        "spec": part("spec"),
        "status": {"allocatable": part("status.allocatable"), "capacity": part("status.capacity"), "conditions": part("status.conditions")},
    }))
}

/// The claims of a pod without a node, and the volumes that they are bound to.
pub(super) async fn volumes(source: &Source, facts: &Facts) -> Answer<(Vec<Object>, Vec<Object>)> {
    let pod = &facts.pod;
    let names = pod.list("spec.volumes").filter_map(|volume| {
        let claim = volume.text("persistentVolumeClaim.claimName");
        let ephemeral = volume.get("ephemeral").map(|_| format!("{}-{}", pod.name(), volume.text("name")));
        Some(claim.to_owned()).filter(|it| !it.is_empty()).or(ephemeral)
    });
    let names: Vec<String> = names.take(CLAIMS).collect();
    let (Ok(claim_kind), Ok(volume_kind)) = (kind("PersistentVolumeClaim"), kind("PersistentVolume")) else {
        return (None, Vec::new());
    };
    if names.is_empty() || !facts.is_unscheduled() {
        return (None, Vec::new());
    }
    let followed = names.iter().map(async |name| {
        let claim = api::object(&source.client, &claim_kind, Some(pod.namespace()), name).await;
        let claim = claim.map_err(|err| gap(format!("PersistentVolumeClaim `{name}`"), &err))?;
        let bound = claim.text("spec.volumeName");
        if bound.is_empty() {
            return Ok((claim, None));
        }
        let volume = api::object(&source.client, &volume_kind, None, bound).await;
        let volume = volume.map_err(|err| gap(format!("PersistentVolume `{bound}`"), &err));
        Ok((claim, Some(volume)))
    });
    let (mut claims, mut volumes, mut gaps) = (Vec::new(), Vec::new(), Vec::new());
    for result in join_all(followed).await {
        match result {
            Err(gap) => gaps.push(gap),
            Ok((claim, volume)) => {
                claims.push(claim);
                match volume {
                    Some(Ok(volume)) => volumes.push(volume),
                    Some(Err(gap)) => gaps.push(gap),
                    None => {}
                }
            }
        }
    }
    (Some((claims, volumes)), gaps)
}

/// The node of a pod that is not ready, and what claims that are not bound wait for.
pub(super) async fn surroundings(source: &Source, facts: &mut Facts) {
    let node = facts.pod.text("spec.nodeName");
    let refused = facts.pod.condition("Ready").is_some_and(|it| it.text("status") != "True");
    let doubtful = refused || facts.pod.get("metadata.deletionTimestamp").is_some();
    if !node.is_empty() && doubtful && facts.pod.text("status.phase") != "Succeeded" {
        match kind("Node") {
            Ok(of_nodes) => match api::object(&source.client, &of_nodes, None, node).await {
                Ok(node) => facts.related.push(slim(&node)),
                Err(err) => facts.gaps.push(gap(format!("Node `{node}`"), &err)),
            },
            Err(err) => facts.gaps.push(gap("Node", &err)),
        }
    }
    let unbound = |it: &&Object| it.text("spec.volumeName").is_empty();
    let unbound: Vec<String> = facts.claims.iter().filter(unbound).map(|it| it.name().to_owned()).collect();
    if unbound.is_empty() {
        return;
    }
    let options = ListOptions::default();
    let classes = match kind("StorageClass") {
        Ok(kind) => super::first_page(source, &kind, &options).await,
        Err(err) => Err(err),
    };
    match classes {
        Ok(classes) => facts.related.extend(classes),
        Err(err) => facts.gaps.push(gap("storageclasses", &err)),
    }
    for name in unbound {
        let about = format!("involvedObject.kind=PersistentVolumeClaim,involvedObject.name={name}");
        match super::list_events(source, Some(facts.pod.namespace()), &about).await {
            Ok(events) => facts.about.extend(events),
            Err(err) => facts.gaps.push(gap(format!("events of claim `{name}`"), &err)),
        }
    }
}
