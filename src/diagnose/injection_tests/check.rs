//! Puts faults into hosts and holds what is told against what was put in.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::OnceCell;

use super::additions;
use super::world::{Host, World};
use super::{Aim, Fault};
use crate::diagnose::diagnosis::{Diagnosis, Status};

/// Kinds of hosts.
const KINDS: &[&str] = &[
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "Job",
    "CronJob",
    "Service",
    "Ingress",
    "PersistentVolumeClaim",
    "Node",
    "Namespace",
    "HorizontalPodAutoscaler",
    "Application",
    "NodePool",
    "NodeClaim",
    "NodeClass",
    "APIService",
    "PodDisruptionBudget",
];

/// The worlds, and what is healthy in them.
pub(super) struct Healthy {
    pub(super) worlds: Vec<World>,
    pub(super) hosts: Vec<Host>,
}

impl Healthy {
    fn world(&self, host: &Host) -> &World {
        self.worlds.iter().find(|it| it.cluster == host.cluster).unwrap()
    }
}

/// The worlds are read and judged once.
pub(super) async fn healthy() -> &'static Healthy {
    static HEALTHY: OnceCell<Healthy> = OnceCell::const_new();
    HEALTHY
        .get_or_init(async || {
            let mut worlds = additions::worlds();
            worlds.iter_mut().for_each(World::share);
            let mut hosts = Vec::new();
            for world in &worlds {
                let source = world.source();
                let kinds = world.objects.iter().filter(|it| KINDS.iter().any(|kind| it["kind"] == *kind));
                for host in kinds.map(|it| Host::of(world.cluster, it)) {
                    let mut objects = vec![host.clone()];
                    if matches!(host.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "Service") {
                        objects.extend(world.pods_of(&host));
                    }
                    let mut well = true;
                    for object in &objects {
                        let diagnosis = world.diagnose(&source, object).await;
                        well &= diagnosis.status == Status::Healthy && diagnosis.root_cause.is_none();
                    }
                    if well {
                        hosts.push(host);
                    }
                }
            }
            Healthy { worlds, hosts }
        })
        .await
}

/// Hosts that one fault is put into: those of all clusters and kinds in turn, others for each fault.
const HOSTS: usize = 3;

/// What is wrong with the diagnoses of these faults.
pub(super) async fn family(faults: &[Fault]) -> Vec<String> {
    let healthy = healthy().await;
    let mut wrong: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for (number, fault) in faults.iter().enumerate() {
        let fits = |it: &&Host| fault.hosts.contains(&it.kind.as_str()) && (fault.fits)(healthy.world(it), it);
        let hosts: Vec<&Host> = healthy.hosts.iter().filter(fits).collect();
        if hosts.len() < 2 && !has_few_hosts(fault) {
            wrong.insert(format!("{} {} has {} hosts only", fault.id, fault.variant, hosts.len()), (1, String::new()));
        }
        let count = hosts.len().min(HOSTS);
        for index in 0..count {
            let host = hosts[(number + index * hosts.len() / count) % hosts.len()];
            let (world, targets) = broken(healthy.world(host), fault, host, index % 2 == 0);
            let source = world.source();
            for target in targets {
                let told = world.diagnose(&source, &target).await;
                let root = told.root_cause.as_ref().map_or("none", |it| it.id.as_str());
                for what in complaints(fault, &world, &target, &told) {
                    let key = format!("{} {} as {}: {what} [{root}]", fault.id, fault.variant, target.kind);
                    let name = format!("{}/{}/{}", host.cluster, target.namespace, target.name);
                    wrong.entry(key).or_insert((0, format!("{name}: {}", told.summary))).0 += 1;
                }
            }
        }
    }
    wrong.into_iter().map(|(what, (times, example))| format!("{what} ({times} times)\n    {example}")).collect()
}

/// What is told instead of a cause when its events have expired: less, and never something else.
const WITHOUT_EVENTS: &[(&str, &[&str])] = &[
    ("alb-", &["ingress-controller-missing"]),
    ("autoscaler-", &["sched-insufficient-cpu"]),
    ("image-pull-secret-missing", &["image-not-found-or-denied"]),
    ("karpenter-", &["sched-insufficient-cpu", "sched-node-selector"]),
    ("poststart-", &["crash-sigkill"]),
    ("probe-", &["crash-sigkill", "probe-readiness-failing"]),
    ("", &["deployment-progress-deadline"]),
];

/// What is wrong with the causes of these faults when the cluster has kept no events.
pub(super) async fn without_events(faults: &[Fault]) -> Vec<String> {
    let healthy = healthy().await;
    let mut wrong = Vec::new();
    for fault in faults {
        let fits = |it: &&Host| fault.hosts.contains(&it.kind.as_str()) && (fault.fits)(healthy.world(it), it);
        let Some(host) = healthy.hosts.iter().find(fits) else { continue };
        let (mut world, targets) = broken(healthy.world(host), fault, host, false);
        world.objects.retain(|it| it["kind"] != "Event");
        let source = world.source();
        for target in targets {
            let told = world.diagnose(&source, &target).await;
            let Some(root) = told.root_cause.map(|it| it.id).filter(|it| it != fault.id) else { continue };
            let less = WITHOUT_EVENTS.iter().any(|(of, less)| fault.id.starts_with(of) && less.contains(&root.as_str()));
            if !less {
                wrong.push(format!("{} {}: {root}: {}", fault.id, fault.variant, told.summary));
            }
        }
    }
    wrong
}

/// Kinds of which the demo has no second healthy object.
fn has_few_hosts(fault: &Fault) -> bool {
    fault.hosts.iter().all(|it| matches!(*it, "StatefulSet" | "NodeClass"))
}

/// The world after a fault, and what is to be diagnosed in it.
pub(super) fn broken(world: &World, fault: &Fault, host: &Host, afresh: bool) -> (World, Vec<Host>) {
    let mut world = world.clone();
    world.afresh = afresh;
    (fault.inject)(&mut world, host);
    world.settle(host);
    super::noise::add(&mut world);
    let pod = world.broken.first().cloned();
    let targets = match fault.aim {
        Aim::Host => vec![host.clone()],
        Aim::Pod => pod.into_iter().collect(),
        Aim::PodAndWorkload => pod.into_iter().chain([host.clone()]).collect(),
    };
    (world, targets)
}

/// What is wrong with a diagnosis.
fn complaints(fault: &Fault, world: &World, target: &Host, told: &Diagnosis) -> Vec<String> {
    let mut wrong = Vec::new();
    if !matches!(told.status, Status::Failing | Status::Degraded) {
        wrong.push(format!("status {:?}", told.status));
    }
    let root = told.root_cause.as_ref().map(|it| it.id.as_str());
    if root != Some(fault.id) {
        wrong.push("another cause".to_owned());
    }
    let others: BTreeSet<&str> = told.contributing.iter().map(|it| it.id.as_str()).collect();
    // A rollout that hangs hangs for this reason.
    let hangs = |id: &str| target.kind == "Deployment" && id == "deployment-progress-deadline";
    let known = |id: &str| id == fault.id || fault.companions.contains(&id) || hangs(id);
    for other in others.into_iter().filter(|it| !known(it) && Some(*it) != root) {
        wrong.push(format!("{other} contributes"));
    }
    if told.evidence.is_empty() {
        wrong.push("no evidence".to_owned());
    }
    for item in told.evidence.iter().filter(|it| !world.holds(&it.object, &it.value)) {
        wrong.push(format!("{} {} does not hold {}", item.object, item.field, item.value));
    }
    for check in &told.next_checks {
        let Some(arguments) = &check.arguments else { continue };
        let given = [&arguments.kind, &arguments.namespace, &arguments.name, &arguments.pod];
        if given.iter().any(|it| it.as_deref() == Some("")) {
            wrong.push(format!("{:?} names nothing", check.tool));
        }
    }
    let words = [&told.summary].into_iter().chain(told.contributing.iter().map(|it| &it.summary));
    for words in words {
        // The core group has no name, and the API server quotes it.
        let words = words.replace("API group \"\"", "");
        if ["``", "` `", " \"\"", "()", "( )", "{1}", "{what}", "..", ": ."].iter().any(|it| words.contains(it)) {
            wrong.push(format!("holes: {words}"));
        }
    }
    wrong
}
