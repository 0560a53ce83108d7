//! Facts about what only EKS knows: a cluster, a node group, an add-on, a Fargate profile.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::aws::{self, Ports, add, instance_id, object};
use super::{Source, Suspect, answer, first_page, kind, take};
use crate::diagnose::diagnosis::NotChecked;
use crate::diagnose::facts::{Facts, Kubelets};
use crate::domain::cluster::{Cluster, HealthIssue};
use crate::domain::compute::{Instance, ScalingActivity};
use crate::domain::eks::{Addon, FargateProfile, Insight, Nodegroup};
use crate::domain::names;
use crate::domain::object::Object;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, Keep, ListOptions, Step};

/// Auto Scaling groups of one node group that are looked at.
const GROUPS: usize = 3;
/// Instances that did not join whose console is read.
const CONSOLES: usize = 2;
/// Characters of a console that are kept: its end.
const CONSOLE: usize = 32 << 10;
/// Seconds within which an instance may still be joining.
const JOINING: i64 = 600;
/// Kinds of nodes, by version and operating system, that are told apart.
const KUBELETS: usize = 50;
/// Pages of disruption budgets.
const BUDGETS: usize = 500;

/// A kind of EKS that a diagnosis can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EksKind {
    /// The cluster itself.
    Cluster,
    /// A managed node group.
    Nodegroup,
    /// An add-on.
    Addon,
    /// A Fargate profile.
    FargateProfile,
}

impl EksKind {
    /// The kind that a word means, whatever its case.
    pub fn named(word: &str) -> Option<Self> {
        match word.to_lowercase().as_str() {
            "cluster" | "clusters" | "ekscluster" => Some(Self::Cluster),
            "nodegroup" | "nodegroups" | "node group" | "managednodegroup" => Some(Self::Nodegroup),
            "addon" | "addons" | "add-on" => Some(Self::Addon),
            "fargateprofile" | "fargateprofiles" | "fargate profile" => Some(Self::FargateProfile),
            _ => None,
        }
    }

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cluster => "Cluster",
            Self::Nodegroup => "Nodegroup",
            Self::Addon => "Addon",
            Self::FargateProfile => "FargateProfile",
        }
    }
}

/// Reads the facts of something that EKS knows.
///
/// A cluster takes some ten calls of AWS and a page or more of nodes; a node group that is well takes five, one that is not up
/// to fifteen. What cannot be read becomes a gap.
///
/// # Errors
/// `not_found` with near names when there is no such thing; `invalid_input` for a cluster that EKS does not know; what EKS
/// answers otherwise.
pub async fn eks(source: &Source, of: EksKind, name: &str) -> Result<Facts, ToolError> {
    let Some(ports) = &source.aws else {
        let message = format!("`{}` is known only to Kubernetes, not to EKS", source.target.cluster);
        return Err(ToolError::invalid(message).with_hint("Diagnose its objects: pods, workloads, nodes."));
    };
    let cluster = ports.eks.describe_cluster(&source.target.cluster).await?;
    match of {
        EksKind::Cluster => Ok(whole(source, ports, cluster).await),
        EksKind::Nodegroup => {
            let group = one(ports.parts.nodegroups(&cluster.name).await?, "node group", name, |it| &it.name)?;
            Ok(nodegroup(source, ports, &cluster, &group).await)
        }
        EksKind::Addon => {
            let found = one(ports.parts.addons(&cluster.name).await?, "add-on", name, |it: &Addon| &it.name)?;
            addon(source, &cluster, &found).await
        }
        EksKind::FargateProfile => {
            let profiles = ports.parts.fargate_profiles(&cluster.name).await?;
            let found = one(profiles, "Fargate profile", name, |it: &FargateProfile| &it.name)?;
            let mut facts = about(source, of, &found.name, &found, &cluster);
            let role = ports.parts.access_entry(&cluster.name, &found.pod_execution_role).await;
            add_entry(&mut facts, role.map(|it| it.into_iter().collect()));
            Ok(facts)
        }
    }
}

/// The one of this name.
fn one<T>(all: Vec<T>, what: &str, name: &str, name_of: impl Fn(&T) -> &str) -> Result<T, ToolError> {
    let names: Vec<String> = all.iter().map(|it| name_of(it).to_owned()).collect();
    all.into_iter().find(|it| name_of(it) == name).ok_or_else(|| {
        let near = names::did_you_mean(name, names.iter().map(String::as_str));
        let known = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
        ToolError::not_found(format!("{what} `{name}` does not exist{near}")).with_hint(format!("Of this cluster {known}."))
    })
}

fn about(source: &Source, of: EksKind, name: &str, value: &impl serde::Serialize, cluster: &Cluster) -> Facts {
    let mut facts = Facts::about(source.target.clone(), object(of.name(), name, value), source.now);
    if of != EksKind::Cluster {
        facts.aws.push(object("Cluster", &cluster.name, cluster));
    }
    facts
}

fn add_entry(facts: &mut Facts, entry: Result<Vec<crate::domain::eks::AccessEntry>, ToolError>) {
    add(facts, "the access entry of the role", "AccessEntry", entry, |it| it.principal_arn.clone());
}

async fn whole(source: &Source, ports: &Ports, cluster: Cluster) -> Facts {
    let mut facts = about(source, EksKind::Cluster, &cluster.name, &cluster, &cluster);
    let subnets = cluster.vpc.as_ref().map(|it| it.subnet_ids.clone()).unwrap_or_default();
    let name = cluster.name.as_str();
    let proxies = async {
        let kind = kind("DaemonSet")?;
        match api::object(&source.client, &kind, Some("kube-system"), "kube-proxy").await {
            Err(err) if err.kind == ErrorKind::NotFound => Ok(None),
            found => found.map(Some),
        }
    };
    let budgets = async { first_page(source, &kind("PodDisruptionBudget")?, &ListOptions::default()).await };
    let (groups, addons, profiles, insights, versions, subnets, kubelets, proxy, budgets) = futures::join!(
        ports.parts.nodegroups(name),
        ports.parts.addons(name),
        ports.parts.fargate_profiles(name),
        ports.parts.insights(name),
        ports.eks.cluster_versions(),
        ports.compute.subnets(&subnets),
        kubelets(source),
        proxies,
        budgets,
    );
    let own = |it: &crate::domain::version::ClusterVersion| Some(&it.version) == cluster.version.as_ref();
    let versions = versions.map(|it| it.into_iter().filter(own).collect());
    add(&mut facts, "node groups", "Nodegroup", groups, |it: &Nodegroup| it.name.clone());
    let installed: Vec<String> = addons.iter().flatten().map(|it| it.name.clone()).collect();
    add(&mut facts, "add-ons", "Addon", addons, |it: &Addon| it.name.clone());
    add(&mut facts, "Fargate profiles", "FargateProfile", profiles, |it: &FargateProfile| it.name.clone());
    let judged = insights.as_ref().is_ok_and(|it| it.iter().any(|it| it.category == "UPGRADE_READINESS"));
    add(&mut facts, "insights of EKS", "Insight", insights, |it: &Insight| it.name.clone());
    add(&mut facts, "support of the version", "KubernetesVersion", versions, |it| it.version.clone());
    add(&mut facts, "subnets of the cluster", "Subnet", subnets, |it| it.id.clone());
    // Insights say what fits the next version; without them the versions of each add-on do.
    if !judged
        && !installed.is_empty()
        && let Some(next) = cluster.version.as_deref().and_then(next_minor)
    {
        let found = ports.parts.addon_versions(&next, &installed).await;
        add(&mut facts, "versions of add-ons", "AddonVersions", found, |it| it.name.clone());
    }
    match kubelets {
        Ok(found) => facts.kubelets = found,
        Err(err) => unreachable(&mut facts, name, "nodes", &err),
    }
    match proxy {
        Ok(found) => facts.related.extend(found),
        Err(err) => unreachable(&mut facts, name, "the DaemonSet kube-proxy", &err),
    }
    match budgets {
        Ok(found) => facts.related.extend(found.into_iter().take(BUDGETS)),
        Err(err) => unreachable(&mut facts, name, "PodDisruptionBudgets", &err),
    }
    facts
}

/// `1.35` of `1.34`.
fn next_minor(version: &str) -> Option<String> {
    let (major, minor) = version.split_once('.')?;
    Some(format!("{major}.{}", minor.parse::<u32>().ok()? + 1))
}

/// That the API server does not answer is a fact about the cluster, told once; another failure is a gap.
fn unreachable(facts: &mut Facts, cluster: &str, what: &str, err: &ToolError) {
    facts.gaps.push(super::gap(what, err));
    let unreachable = matches!(err.kind, ErrorKind::Unreachable | ErrorKind::Timeout);
    if unreachable && facts.aws_of("ApiServer").next().is_none() {
        facts.aws.push(object("ApiServer", cluster, &serde_json::json!({ "error": err.message })));
    }
}

/// How many nodes there are of each version and operating system.
async fn kubelets(source: &Source) -> Result<Vec<Kubelets>, ToolError> {
    let kind = kind("Node")?;
    let keep = Keep::only(["metadata.name", "metadata.labels", "status.nodeInfo.kubeletVersion", "status.nodeInfo.osImage"]);
    let mut found: BTreeMap<(String, String), Kubelets> = BTreeMap::new();
    api::list_parts(&source.client, &kind, &ListOptions::default(), &keep, |step| {
        if let Step::Object(node) = step {
            let text = |path: &str| node.text(path).to_owned();
            let key = (text("status.nodeInfo.kubeletVersion"), text("status.nodeInfo.osImage"));
            let room = found.len() < KUBELETS;
            match found.entry(key) {
                Entry::Occupied(mut known) => known.get_mut().nodes += 1,
                Entry::Vacant(new) if room => drop(new.insert(Kubelets { example: node, nodes: 1 })),
                Entry::Vacant(_) => {}
            }
        }
        true
    })
    .await?;
    Ok(found.into_values().collect())
}

async fn nodegroup(source: &Source, ports: &Ports, cluster: &Cluster, group: &Nodegroup) -> Facts {
    let mut facts = about(source, EksKind::Nodegroup, &group.name, group, cluster);
    let (instances, joined) = futures::join!(ports.compute.instances_of(&cluster.name), joined(source, &group.name));
    let joined = take(answer("nodes of the group", joined), &mut facts.gaps);
    let tag = "eks:nodegroup-name";
    let mine = |it: &Instance| it.tags.get(tag).or_else(|| it.tags.get("eks:nodegroup")).is_some_and(|it| *it == group.name);
    let late = |it: &Instance| it.launched_at.is_none_or(|at| source.now.as_second() - at.as_second() > JOINING);
    let mut missing: Vec<Instance> = Vec::new();
    match (instances, &joined) {
        (Ok(instances), Some(joined)) => {
            let absent = |it: &Instance| !joined.contains(&it.id) && !joined.contains(&it.private_dns_name);
            missing = instances.into_iter().filter(|it| mine(it) && late(it) && absent(it)).collect();
        }
        (Err(err), _) => facts.gaps.push(super::gap("instances of the group", &err)),
        (Ok(_), None) => {}
    }
    facts.aws.extend(missing.iter().map(|it| object("Instance", &it.id, it)));
    let is_well = group.status == "ACTIVE" && group.health_issues.is_empty() && missing.is_empty();
    if is_well {
        return facts;
    }
    let groups = group.auto_scaling_groups.iter().take(GROUPS);
    let activities = futures::future::join_all(groups.map(|it| ports.compute.scaling_activities(it)));
    let outputs = missing.iter().take(CONSOLES).map(async |it| (it.id.clone(), ports.compute.console_output(&it.id).await));
    let (updates, activities, entry, subnets, consoles) = futures::join!(
        ports.parts.updates(&cluster.name, &group.name),
        activities,
        ports.parts.access_entry(&cluster.name, &group.node_role),
        ports.compute.subnets(&group.subnet_ids),
        futures::future::join_all(outputs),
    );
    add(&mut facts, "updates of the group", "Update", updates, |it| it.id.clone());
    for found in activities {
        let what = "activities of the Auto Scaling group";
        add(&mut facts, what, "ScalingActivity", found, |it: &ScalingActivity| it.id.clone());
    }
    let known = entry.is_ok();
    add_entry(&mut facts, entry.map(|it| it.into_iter().collect()));
    if known {
        // That it was asked for and is not there is a fact too.
        facts.aws.push(object("NodeRole", &group.node_role, &serde_json::json!({ "asked": true })));
    }
    add(&mut facts, "subnets of the group", "Subnet", subnets, |it| it.id.clone());
    for (id, console) in consoles {
        let text = take(answer(format!("console of `{id}`"), console), &mut facts.gaps).unwrap_or_default();
        let end = text.len().saturating_sub(CONSOLE);
        let text = text.get(text.ceil_char_boundary(end)..).unwrap_or_default().to_owned();
        facts.aws.push(object("Console", &id, &serde_json::json!({ "output": text })));
    }
    aws::quota(ports, &mut facts).await;
    facts
}

/// Instance ids and names of the nodes of a group that have joined.
async fn joined(source: &Source, group: &str) -> Result<BTreeSet<String>, ToolError> {
    let kind = kind("Node")?;
    let labels = format!("eks.amazonaws.com/nodegroup={group}");
    let options = ListOptions { labels: Some(&labels), ..ListOptions::default() };
    let keep = Keep::only(["metadata.name", "spec.providerID"]);
    let mut joined = BTreeSet::new();
    api::list_parts(&source.client, &kind, &options, &keep, |step| {
        if let Step::Object(node) = step {
            joined.extend(instance_id(node.text("spec.providerID")));
            joined.insert(node.name().to_owned());
        }
        true
    })
    .await?;
    Ok(joined)
}

/// What of EKS is not well in a cluster, as suspects, and what could not be read; and the cluster itself, last.
///
/// Lists and describes node groups, add-ons and Fargate profiles.
pub async fn unwell(source: &Source) -> (Vec<Suspect>, Vec<NotChecked>) {
    let Some(ports) = &source.aws else { return (Vec::new(), Vec::new()) };
    let cluster = source.target.cluster.as_str();
    let (groups, addons, profiles) =
        futures::join!(ports.parts.nodegroups(cluster), ports.parts.addons(cluster), ports.parts.fargate_profiles(cluster));
    let mut gaps = Vec::new();
    let mut found = Vec::new();
    let mut look = |of: EksKind, name: &str, status: &str, issues: &[HealthIssue]| {
        let moves = matches!(status, "ACTIVE" | "CREATING" | "UPDATING" | "DELETING" | "");
        if !moves || !issues.is_empty() {
            let reason = issues.first().map_or_else(|| status.to_owned(), |it| it.code.clone());
            found.push(suspect(of, name, reason, true));
        }
    };
    for it in take(answer("node groups", groups), &mut gaps).unwrap_or_default() {
        look(EksKind::Nodegroup, &it.name, &it.status, &it.health_issues);
    }
    for it in take(answer("add-ons", addons), &mut gaps).unwrap_or_default() {
        look(EksKind::Addon, &it.name, &it.status, &it.health_issues);
    }
    for it in take(answer("Fargate profiles", profiles), &mut gaps).unwrap_or_default() {
        look(EksKind::FargateProfile, &it.name, &it.status, &it.health_issues);
    }
    found.push(suspect(EksKind::Cluster, cluster, String::new(), false));
    (found, gaps)
}

fn suspect(of: EksKind, name: &str, reason: String, failing: bool) -> Suspect {
    Suspect {
        kind: of.name().to_owned(),
        namespace: String::new(),
        name: name.to_owned(),
        owner: name.to_owned(),
        reason,
        failing,
        objects: 1,
        named: vec![name.to_owned()],
    }
}

/// What the pods of an add-on are labelled with.
fn pods_of(addon: &str) -> Vec<String> {
    match addon {
        "coredns" => vec!["k8s-app=kube-dns".to_owned()],
        "vpc-cni" => vec!["k8s-app=aws-node".to_owned()],
        "kube-proxy" => vec!["k8s-app=kube-proxy".to_owned()],
        "aws-ebs-csi-driver" => vec!["app in (ebs-csi-controller,ebs-csi-node)".to_owned()],
        "aws-efs-csi-driver" => vec!["app in (efs-csi-controller,efs-csi-node)".to_owned()],
        other => vec![format!("app.kubernetes.io/name={other}"), format!("app.kubernetes.io/instance={other}")],
    }
}

async fn addon(source: &Source, cluster: &Cluster, addon: &Addon) -> Result<Facts, ToolError> {
    let mut facts = about(source, EksKind::Addon, &addon.name, addon, cluster);
    let kind = kind("Pod")?;
    let mut pods: Vec<Object> = Vec::new();
    for labels in pods_of(&addon.name) {
        let options = ListOptions { labels: Some(&labels), ..ListOptions::default() };
        match first_page(source, &kind, &options).await {
            Ok(found) => pods.extend(found),
            Err(err) => facts.gaps.push(super::gap("pods of the add-on", &err)),
        }
        if !pods.is_empty() {
            break;
        }
    }
    super::subject::with_worst(source, facts, pods).await
}
