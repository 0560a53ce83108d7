//! What AWS says of what surrounds a target, each thing as an object under a kind of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::future::join_all;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Source, answer, take};
use crate::aws::{Aws, ClusterParts, Compute, Eks, Iam, Images, LoadBalancing, Quotas, Scope};
use crate::diagnose::facts::Facts;
use crate::diagnose::grammar;
use crate::domain::object::Object;
use crate::domain::surroundings::{IamRole, Quota, RegistryImage};
use crate::domain::target::Target;
use crate::error::ToolError;

/// Things of one kind that are asked for.
const MOST: usize = 5;

/// ECR in the Region that the host of an image names.
type ImagesOfHost = Arc<dyn Fn(&str) -> Arc<dyn Images> + Send + Sync>;

/// The ports of the account and Region of a cluster.
#[derive(Clone)]
pub struct Ports {
    /// EKS.
    pub eks: Arc<dyn Eks>,
    /// What clusters consist of.
    pub parts: Arc<dyn ClusterParts>,
    /// EC2 and Auto Scaling.
    pub compute: Arc<dyn Compute>,
    /// IAM.
    pub iam: Arc<dyn Iam>,
    /// Elastic Load Balancing.
    pub load_balancing: Arc<dyn LoadBalancing>,
    /// ECR; of the Region that an image's host names, which may be another one.
    pub images: ImagesOfHost,
    /// Service Quotas.
    pub quotas: Arc<dyn Quotas>,
}

impl Ports {
    /// The ports for a cluster; nothing for one that only Kubernetes knows.
    pub fn of(aws: &Arc<dyn Aws>, target: &Target) -> Option<Self> {
        target.region.as_ref()?;
        let scope = Scope::of(target);
        let (images_aws, images_scope) = (Arc::clone(aws), scope.clone());
        Some(Self {
            eks: aws.eks(&scope),
            parts: aws.parts(&scope),
            compute: aws.compute(&scope),
            iam: aws.iam(&scope),
            load_balancing: aws.load_balancing(&scope),
            images: Arc::new(move |region| images_aws.images(&Scope { region: region.to_owned(), ..images_scope.clone() })),
            quotas: aws.quotas(&scope),
        })
    }
}

/// A thing of AWS as an object, so that evidence names its field as that of any other object.
pub(super) fn object(kind: &str, name: &str, value: &impl Serialize) -> Object {
    let mut fields = Map::new();
    fields.insert("kind".to_owned(), kind.into());
    fields.insert("metadata".to_owned(), json!({ "name": name }));
    if let Ok(Value::Object(value)) = serde_json::to_value(value) {
        fields.extend(value);
    }
    Object::new(Value::Object(fields))
}

/// Adds things of one kind to the facts; what cannot be read is a gap.
pub(super) fn add<T: Serialize>(
    facts: &mut Facts,
    what: &str,
    kind: &str,
    found: Result<Vec<T>, ToolError>,
    name: impl Fn(&T) -> String,
) {
    let found = take(answer(what, found), &mut facts.gaps).unwrap_or_default();
    facts.aws.extend(found.iter().map(|it| object(kind, &name(it), it)));
}

/// Adds what AWS says of the parts that a pod fails on. Each is asked for only when something points at it.
pub(super) async fn pod(source: &Source, facts: &mut Facts) {
    let Some(ports) = &source.aws else { return };
    let (instances, types, images, roles, volumes, groups) = {
        let facts = &*facts;
        futures::join!(
            async { ports.compute.instances(&ids_or_none(instance_ids(facts))).await },
            async { ports.compute.instance_types(&ids_or_none(instance_types(facts))).await },
            images(ports, facts),
            roles(ports, facts),
            async { ports.compute.volumes(&ids_or_none(volume_ids(facts))).await },
            async { ports.compute.security_groups(&ids_or_none(group_ids(facts))).await },
        )
    };
    let subnets: BTreeSet<String> =
        instances.iter().flatten().map(|it| it.subnet_id.clone()).filter(|it| !it.is_empty() && lacks_address(facts)).collect();
    add(facts, "EC2 instances", "Instance", instances, |it| it.id.clone());
    let subnets = ports.compute.subnets(&ids_or_none(subnets)).await;
    add(facts, "subnets of the node", "Subnet", subnets, |it| it.id.clone());
    add(facts, "instance types", "InstanceType", types, |it| it.name.clone());
    for (what, image) in images {
        add(facts, &what, "EcrImage", image.map(|it| vec![it]), |it| format!("{}:{}", it.repository, it.reference));
    }
    if !roles.is_empty() {
        // The trust policy names the provider of the cluster.
        let cluster = ports.eks.describe_cluster(&source.target.cluster).await;
        add(facts, "the cluster in EKS", "Cluster", cluster.map(|it| vec![it]), |it| it.name.clone());
    }
    for (what, name, role) in roles {
        match role {
            Ok(Some(role)) => facts.aws.push(object("IamRole", &name, &role)),
            // That it does not exist is a fact.
            Ok(None) => facts.aws.push(object("IamRole", &name, &json!({ "exists": false }))),
            Err(err) => facts.gaps.push(super::gap(what, &err)),
        }
    }
    let is_hybrid = facts.subject_of(&["Node"]).is_some_and(|it| it.label("eks.amazonaws.com/compute-type") == Some("hybrid"));
    if is_hybrid {
        let cluster = ports.eks.describe_cluster(&source.target.cluster).await;
        add(facts, "the cluster in EKS", "Cluster", cluster.map(|it| vec![it]), |it| it.name.clone());
    }
    add(facts, "EBS volumes", "EbsVolume", volumes, |it| it.id.clone());
    add(facts, "security groups", "SecurityGroup", groups, |it| it.id.clone());
}

fn ids_or_none(ids: BTreeSet<String>) -> Vec<String> {
    ids.into_iter().take(MOST).collect()
}

/// Instances of the node that is asked about, and of those around the target that are not ready.
fn instance_ids(facts: &Facts) -> BTreeSet<String> {
    let unwell = facts.related_of("Node").filter(|node| node.condition("Ready").is_none_or(|it| it.text("status") != "True"));
    // A pod that gets no address leads to the subnet of its node.
    let own = facts.related_of("Node").filter(|node| lacks_address(facts) && node.name() == facts.pod.text("spec.nodeName"));
    unwell.chain(facts.subject_of(&["Node"])).chain(own).filter_map(|node| instance_id(node.text("spec.providerID"))).collect()
}

/// Whether a pod has no sandbox because no address could be assigned.
fn lacks_address(facts: &Facts) -> bool {
    facts.events_of(&["FailedCreatePodSandBox"]).next().is_some_and(|it| it.text("message").contains("assign an IP address"))
}

/// The type of the node that is asked about: how many pods it can hold follows from it.
fn instance_types(facts: &Facts) -> BTreeSet<String> {
    let node = facts.subject_of(&["Node"]).into_iter();
    node.filter_map(|it| it.label("node.kubernetes.io/instance-type").map(str::to_owned)).collect()
}

/// `i-0123` of `aws:///eu-west-1a/i-0123`.
pub(super) fn instance_id(provider: &str) -> Option<String> {
    let id = provider.strip_prefix("aws://")?.rsplit('/').next()?;
    id.starts_with("i-").then(|| id.to_owned())
}

/// Images of ECR that containers wait for.
async fn images(ports: &Ports, facts: &Facts) -> Vec<(String, Result<RegistryImage, ToolError>)> {
    let waiting = facts.containers();
    let waiting = waiting.iter().filter(|it| matches!(it.waiting_reason(), "ErrImagePull" | "ImagePullBackOff"));
    let images: BTreeSet<&str> = waiting.map(|it| it.spec.text("image")).collect();
    let asked = images.into_iter().filter_map(|image| Some((image, grammar::ecr_image(image)?))).take(MOST);
    join_all(asked.map(async |(image, parts)| {
        let found = (ports.images)(&parts.region).image(&parts.account, &parts.repository, &parts.reference).await;
        (format!("image `{image}` in ECR"), found)
    }))
    .await
}

/// Roles that a pod may not take on, or that do not exist.
async fn roles(ports: &Ports, facts: &Facts) -> Vec<(String, String, Result<Option<IamRole>, ToolError>)> {
    let denied = facts.logs.iter().any(|it| {
        let text = it.text.to_lowercase();
        text.contains("assumerolewithwebidentity") || text.contains("nosuchentity")
    });
    let asked = facts.subject_of(&["ServiceAccount"]).is_some();
    let account = facts.service_account.as_ref().filter(|_| denied || asked);
    let arn = account.and_then(|it| it.annotation("eks.amazonaws.com/role-arn"));
    let own = |arn: &&str| facts.target.account.as_deref().is_none_or(|it| arn.split(':').nth(4) == Some(it));
    // Of another account nothing can be asked here.
    let Some(name) = arn.filter(own).and_then(|it| it.rsplit('/').next()) else { return Vec::new() };
    vec![(format!("IAM role `{name}`"), name.to_owned(), ports.iam.role(name).await)]
}

/// EBS volumes that cannot be attached.
fn volume_ids(facts: &Facts) -> BTreeSet<String> {
    let attach = facts.events.iter().filter(|it| matches!(it.text("reason"), "FailedAttachVolume" | "FailedMount"));
    let named = attach.flat_map(|it| it.text("message").split(|it: char| !it.is_ascii_alphanumeric() && it != '-'));
    let named = named.filter(|it| it.starts_with("vol-") && it.len() > 8).map(str::to_owned);
    let bound = facts.volumes.iter().chain(facts.related_of("PersistentVolume"));
    let troubled = facts.events.iter().any(|it| it.text("reason") == "FailedAttachVolume");
    let bound = bound.map(|it| it.text("spec.csi.volumeHandle")).filter(|it| troubled && it.starts_with("vol-"));
    named.chain(bound.map(str::to_owned)).collect()
}

/// Security groups of a pod of its own whose names are not resolved.
fn group_ids(facts: &Facts) -> BTreeSet<String> {
    if facts.dns.is_none() {
        return BTreeSet::new();
    }
    let policies = facts.related_of("SecurityGroupPolicy");
    policies
        .flat_map(|it| {
            let ids = it.get("spec.securityGroups.groupIds").and_then(Value::as_array).into_iter().flatten();
            ids.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        })
        .collect()
}

/// The quota that an Auto Scaling group ran into.
pub(super) async fn quota(ports: &Ports, facts: &mut Facts) {
    let limit = |it: &&Object| {
        let text = it.text("status_message");
        text.contains("VcpuLimitExceeded") || text.contains("MaxSpotInstanceCountExceeded") || text.contains("vCPU capacity")
    };
    let Some(activity) = facts.aws_of("ScalingActivity").find(limit) else { return };
    let spot = activity.text("status_message").contains("Spot");
    let types = facts.target_object().get("instance_types").and_then(Value::as_array);
    let Some(name) = types.and_then(|it| it.first()).and_then(Value::as_str) else { return };
    let found = ports.quotas.quota("ec2", quota_code(name, spot)).await.map(|it| it.into_iter().collect());
    add(facts, "the quota of vCPUs", "Quota", found, |it: &Quota| it.code.clone());
}

/// The quota of EC2 that counts the vCPUs of an instance type.
fn quota_code(instance_type: &str, spot: bool) -> &'static str {
    let family: String = instance_type.chars().take_while(char::is_ascii_alphabetic).collect();
    match (family.as_str(), spot) {
        ("g" | "gr" | "vt", false) => "L-DB2E81BA",
        ("g" | "gr" | "vt", true) => "L-3819A6DF",
        ("p", false) => "L-417A185B",
        ("p", true) => "L-7212CCBC",
        ("inf", false) => "L-1945791B",
        ("inf", true) => "L-B5D1601B",
        ("trn", false) => "L-2C3B7624",
        ("trn", true) => "L-6B0D517C",
        ("x", false) => "L-7295265B",
        ("x", true) => "L-E3A00192",
        ("hpc", _) => "L-F7808C92",
        ("dl", _) => "L-6E869C2A",
        ("f", false) => "L-74FC7D96",
        ("f", true) => "L-88CF9481",
        (_, false) => "L-1216C47A",
        (_, true) => "L-34B43A08",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_type_belongs_to_the_quota_of_its_family() {
        for (name, spot, code) in [
            ("m7g.large", false, "L-1216C47A"),
            ("c7i-flex.large", true, "L-34B43A08"),
            ("g6e.xlarge", false, "L-DB2E81BA"),
            ("p5.48xlarge", false, "L-417A185B"),
            ("trn2.48xlarge", true, "L-6B0D517C"),
            ("inf2.xlarge", false, "L-1945791B"),
        ] {
            assert_eq!(quota_code(name, spot), code, "{name}");
        }
    }

    #[test]
    fn only_instances_of_ec2_have_an_id() {
        assert_eq!(instance_id("aws:///eu-west-1a/i-0abc").as_deref(), Some("i-0abc"));
        for other in ["eks-hybrid:///eu-west-1/c1/mi-0abc", "aws:///eu-west-1a/fargate-ip-10-0-0-1", ""] {
            assert_eq!(instance_id(other), None, "{other}");
        }
    }
}
