//! Objects of Kubernetes that only some failures need: attachments, node pools, target groups, security group policies.

use super::{Source, aws, first_page, gap, kind};
use crate::diagnose::facts::Facts;
use crate::domain::object::Object;
use crate::error::ErrorKind;
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

/// Target groups of one Service or Ingress that are looked at.
const TARGET_GROUPS: usize = 3;

/// A kind that is there only where something installed it.
fn custom(group: &str, version: &str, plural: &str, kind: &str, namespaced: bool) -> Kind {
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        plural: plural.to_owned(),
        kind: kind.to_owned(),
        singular: kind.to_lowercase(),
        short_names: Vec::new(),
        namespaced,
    }
}

/// A page of objects of such a kind; nothing where the cluster does not have it, and a gap where it cannot be read.
async fn list(source: &Source, facts: &mut Facts, of: &Kind, options: &ListOptions<'_>) -> Vec<Object> {
    match first_page(source, of, options).await {
        Ok(found) => found,
        Err(err) if matches!(err.kind, ErrorKind::NotFound | ErrorKind::NotRecorded) => Vec::new(),
        Err(err) => {
            facts.gaps.push(gap(of.plural.clone(), &err));
            Vec::new()
        }
    }
}

/// Adds what a pod that does not run may wait for.
///
/// Sends at most 4 requests: a volume, attachments and the node of one, or node pools and classes.
pub(super) async fn pod(source: &Source, facts: &mut Facts) {
    attachments(source, facts).await;
    pools(source, facts).await;
    if facts.dns.is_some() && facts.pod.annotation("vpc.amazonaws.com/pod-eni").is_some() {
        let of = custom("vpcresources.k8s.aws", "v1beta1", "securitygrouppolicies", "SecurityGroupPolicy", true);
        let namespace = facts.pod.namespace().to_owned();
        let options = ListOptions { namespace: Some(&namespace), ..ListOptions::default() };
        let found = list(source, facts, &of, &options).await;
        facts.related.extend(found);
    }
    if facts.logs.iter().any(|it| it.text.contains("is not authorized to perform")) && facts.service_account.is_some() {
        let namespace = facts.pod.namespace().to_owned();
        let options = ListOptions { namespace: Some(&namespace), ..ListOptions::default() };
        if let Ok(of) = kind("ServiceAccount") {
            let found = list(source, facts, &of, &options).await;
            facts.related.extend(found);
        }
    }
}

/// Where the volume of a pod is attached, while it waits for it.
async fn attachments(source: &Source, facts: &mut Facts) {
    let waits: Vec<String> = facts
        .events
        .iter()
        .filter(|it| it.text("reason") == "FailedAttachVolume")
        .filter_map(|it| it.text("message").split('"').nth(1).map(str::to_owned))
        .collect();
    // What has run had its volumes.
    let has_run = facts.containers().iter().any(|it| it.is_running() || it.status("lastState.terminated").is_some());
    if waits.is_empty() || has_run {
        return;
    }
    // The volume leads to EBS.
    if let (Some(name), Ok(volumes)) = (waits.first(), kind("PersistentVolume")) {
        match api::object(&source.client, &volumes, None, name).await {
            Ok(volume) => facts.related.push(volume),
            Err(err) if err.kind == ErrorKind::NotFound => {}
            Err(err) => facts.gaps.push(gap(format!("PersistentVolume `{name}`"), &err)),
        }
    }
    let Ok(of) = kind("VolumeAttachment") else { return };
    let found = list(source, facts, &of, &ListOptions::default()).await;
    let own = |it: &Object| waits.iter().any(|name| it.text("spec.source.persistentVolumeName") == name);
    let found: Vec<Object> = found.into_iter().filter(own).collect();
    let elsewhere = found.iter().find(|it| it.text("spec.nodeName") != facts.pod.text("spec.nodeName"));
    if let (Some(attachment), Ok(nodes)) = (elsewhere, kind("Node")) {
        let name = attachment.text("spec.nodeName").to_owned();
        match api::object(&source.client, &nodes, None, &name).await {
            Ok(node) => facts.related.push(node),
            Err(err) if err.kind == ErrorKind::NotFound => {
                // That it is not there is what counts.
                facts.related.push(Object::new(serde_json::json!({"kind": "MissingNode", "metadata": {"name": name}})));
            }
            Err(err) => facts.gaps.push(gap(format!("Node `{name}`"), &err)),
        }
    }
    facts.related.extend(found);
}

/// Node pools of Auto Mode, for a pod without a node.
async fn pools(source: &Source, facts: &mut Facts) {
    let Some(ports) = source.aws.as_ref().filter(|_| facts.has_pod() && facts.is_unscheduled()) else { return };
    let Ok(cluster) = ports.eks.describe_cluster(&source.target.cluster).await else { return };
    if !cluster.auto_mode.as_ref().is_some_and(|it| it.compute) {
        return;
    }
    let pools = custom("karpenter.sh", "v1", "nodepools", "NodePool", false);
    let classes = custom("eks.amazonaws.com", "v1", "nodeclasses", "NodeClass", false);
    for of in [pools, classes] {
        let found = list(source, facts, &of, &ListOptions::default()).await;
        facts.related.extend(found);
    }
    facts.aws.push(aws::object("Cluster", &cluster.name, &cluster));
}

/// Adds the targets that a load balancer has for a Service, or for the Services behind an Ingress.
///
/// Sends one request to the API server and at most three to AWS.
pub(super) async fn targets(source: &Source, facts: &mut Facts, subject: &Object) {
    let is_balanced = match subject.kind() {
        "Service" => subject.text("spec.type") == "LoadBalancer",
        "Ingress" => true,
        _ => false,
    };
    if !is_balanced {
        return;
    }
    let of = custom("elbv2.k8s.aws", "v1beta1", "targetgroupbindings", "TargetGroupBinding", true);
    let options = ListOptions { namespace: Some(subject.namespace()), ..ListOptions::default() };
    let services: Vec<String> = match subject.kind() {
        "Service" => vec![subject.name().to_owned()],
        _ => super::backends(subject).into_iter().map(|(name, _)| name).collect(),
    };
    let found = list(source, facts, &of, &options).await;
    let own: Vec<Object> =
        found.into_iter().filter(|it| services.iter().any(|name| it.text("spec.serviceRef.name") == name)).collect();
    if let Some(ports) = &source.aws {
        let arns = own.iter().map(|it| it.text("spec.targetGroupARN")).filter(|it| !it.is_empty()).take(TARGET_GROUPS);
        for arn in arns {
            let health = ports.load_balancing.target_health(arn).await;
            aws::add(facts, "health of the targets", "TargetHealth", health, |it: &crate::domain::surroundings::TargetHealth| {
                it.target.clone()
            });
        }
    }
    facts.related.extend(own);
}
