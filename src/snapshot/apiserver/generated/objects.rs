//! The objects of a generated cluster, written one by one.

use std::io::Write as _;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::template::Template;
use super::world::{Fault, World, app};
use crate::domain::object::Object;

/// Kinds that are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Collection {
    Nodes,
    Namespaces,
    Pods,
    Events,
}

/// Which object: its namespace, and its position there and in the whole collection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) namespace: &'a str,
    /// Pods and events of the namespace, and pods before it.
    pub(super) pods: u64,
    pub(super) events: u64,
    pub(super) pods_before: u64,
    pub(super) position: u64,
    pub(super) overall: u64,
}

/// Reason, type and message of an event; `*` is the name of the pod.
const EVENTS: &[(&str, &str, &str)] = &[
    ("BackOff", "Warning", "Back-off restarting failed container app in pod *"),
    ("Unhealthy", "Warning", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
    ("FailedMount", "Warning", "MountVolume.SetUp failed for volume \"config\" : configmap \"app-config\" not found"),
    ("Failed", "Warning", "Error: ImagePullBackOff"),
    ("FailedScheduling", "Warning", "0/12 nodes are available: 12 Insufficient memory. preemption: not helpful for pod *"),
    ("Pulled", "Normal", "Container image already present on machine"),
    ("Killing", "Normal", "Stopping container app"),
];

/// Writes objects of a world; the times in them count back from one moment.
pub(super) struct Writer {
    pub(super) world: World,
    now: Timestamp,
    pod: [Template; 2],
    started: Template,
    unscheduled: Template,
    node: [Template; 2],
    namespace: [Template; 2],
    event: [Template; 2],
}

/// What the slots of one object are filled with.
struct Facts {
    name: String,
    namespace: String,
    workload: u64,
    position: u64,
    overall: u64,
    fault: Fault,
    node: String,
    created: String,
}

impl Writer {
    pub(super) fn new(world: World, now: Timestamp) -> Self {
        let both = |whole, metadata| [Template::compile(whole), Template::compile(metadata)];
        Self {
            world,
            now,
            pod: both(include_str!("pod.json"), include_str!("pod-metadata.json")),
            started: Template::compile(include_str!("status-started.json")),
            unscheduled: Template::compile(include_str!("status-unscheduled.json")),
            node: both(include_str!("node.json"), include_str!("node-metadata.json")),
            namespace: both(include_str!("namespace.json"), include_str!("namespace-metadata.json")),
            event: both(include_str!("event.json"), include_str!("event-metadata.json")),
        }
    }

    /// Writes an object without kind and `apiVersion`, as lists have it.
    pub(super) fn object(&self, collection: Collection, place: Place<'_>, out: &mut Vec<u8>) {
        let [whole, _] = self.templates(collection);
        let facts = self.facts(collection, place);
        whole.write(out, &|slot, out| self.fill(collection, &facts, slot, out));
    }

    /// Writes the metadata of an object.
    pub(super) fn metadata(&self, collection: Collection, place: Place<'_>, out: &mut Vec<u8>) {
        let [_, metadata] = self.templates(collection);
        let facts = self.facts(collection, place);
        metadata.write(out, &|slot, out| self.fill(collection, &facts, slot, out));
    }

    /// An object with what selectors can select by.
    pub(super) fn selectable(&self, collection: Collection, place: Place<'_>) -> Object {
        if matches!(collection, Collection::Nodes | Collection::Namespaces) {
            let mut bytes = Vec::new();
            self.object(collection, place, &mut bytes);
            return Object::new(serde_json::from_slice(&bytes).unwrap_or_default());
        }
        let facts = self.facts(collection, place);
        if collection == Collection::Events {
            let (reason, kind, _) = self.event_of(&facts);
            return Object::new(json!({
                "metadata": {"name": event_name(&facts), "namespace": facts.namespace},
                "involvedObject": {"kind": "Pod", "namespace": facts.namespace, "name": facts.name},
                "reason": reason, "type": kind, "source": {"component": "kubelet"},
            }));
        }
        let app = app(facts.workload);
        let mut labels =
            json!({"app.kubernetes.io/name": app, "app.kubernetes.io/part-of": facts.namespace, "team": facts.namespace});
        if let Value::Object(labels) = &mut labels {
            labels.insert(hash_label(facts.workload).to_owned(), self.world.hash(facts.workload).into());
        }
        Object::new(json!({
            "metadata": {"name": facts.name, "namespace": facts.namespace, "labels": labels},
            "spec": {"nodeName": facts.node, "restartPolicy": "Always", "schedulerName": "default-scheduler", "serviceAccountName": app},
            "status": {"phase": phase(facts.fault)},
        }))
    }

    fn templates(&self, collection: Collection) -> &[Template; 2] {
        match collection {
            Collection::Nodes => &self.node,
            Collection::Namespaces => &self.namespace,
            Collection::Pods => &self.pod,
            Collection::Events => &self.event,
        }
    }

    fn facts(&self, collection: Collection, place: Place<'_>) -> Facts {
        let world = &self.world;
        let (name, position, overall) = match collection {
            Collection::Nodes => (world.node_name(place.position), place.position, place.overall),
            Collection::Namespaces => (place.namespace.to_owned(), place.position, place.overall),
            Collection::Pods => (world.pod_name(place.position), place.position, place.overall),
            Collection::Events => {
                // Events tell of pods in their order, so that their names have one order too.
                let pod = place.position * place.pods / place.events.max(1);
                (world.pod_name(pod), place.position, place.pods_before + pod)
            }
        };
        let workload = world.workload(if collection == Collection::Events { overall - place.pods_before } else { position });
        let fault = if collection == Collection::Pods { world.fault(overall) } else { Fault::None };
        let scheduled = fault != Fault::Unschedulable && collection != Collection::Nodes;
        let node = if scheduled { world.node_name(overall % world.nodes.max(1)) } else { String::new() };
        let age = 600 + i64::try_from(world.random(5, overall) % (20 * 86_400)).unwrap_or_default();
        Facts { name, namespace: place.namespace.to_owned(), workload, position, overall, fault, node, created: self.before(age) }
    }

    /// The moment so many seconds ago.
    fn before(&self, seconds: i64) -> String {
        let moment = self.now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(self.now);
        Timestamp::from_second(moment.as_second()).unwrap_or(moment).to_string()
    }

    fn event_of(&self, facts: &Facts) -> (&'static str, &'static str, &'static str) {
        // Alike for all pods of a workload, as troubles are.
        let choice = self.world.random(6, facts.workload) % 7;
        usize::try_from(choice).ok().and_then(|it| EVENTS.get(it)).copied().unwrap_or_default()
    }

    fn fill(&self, collection: Collection, facts: &Facts, slot: &str, out: &mut Vec<u8>) {
        let world = &self.world;
        let random = |what: u64| world.random(what, facts.overall);
        let recent = |most: u64| i64::try_from(random(7) % most).unwrap_or_default();
        match slot {
            "METADATA" => {
                let [_, metadata] = self.templates(collection);
                metadata.write(out, &|slot, out| self.fill(collection, facts, slot, out));
            }
            "STATUS" => {
                let status = if facts.fault == Fault::Unschedulable { &self.unscheduled } else { &self.started };
                status.write(out, &|slot, out| self.fill(collection, facts, slot, out));
            }
            "NAME" => out.extend_from_slice(facts.name.as_bytes()),
            "NAMESPACE" => out.extend_from_slice(facts.namespace.as_bytes()),
            "APP" => out.extend_from_slice(app(facts.workload).as_bytes()),
            "HASH" => out.extend_from_slice(world.hash(facts.workload).as_bytes()),
            "SUFFIX" => out.extend_from_slice(world.suffix(facts.position).as_bytes()),
            "HASH_LABEL" => out.extend_from_slice(hash_label(facts.workload).as_bytes()),
            "OWNER_KIND" => out.extend_from_slice(if World::is_daemon(facts.workload) { b"DaemonSet" } else { b"ReplicaSet" }),
            "OWNER" => owner(world, facts, out),
            "GENERATE" => {
                owner(world, facts, out);
                out.push(b'-');
            }
            "NODE" => out.extend_from_slice(facts.node.as_bytes()),
            "NODE_OR_NOTHING" => quoted(&facts.node, out),
            "CREATED" => out.extend_from_slice(facts.created.as_bytes()),
            "RECENT" => out.extend_from_slice(self.before(recent(1_800)).as_bytes()),
            "EARLIER" => out.extend_from_slice(self.before(1_800 + recent(1_800)).as_bytes()),
            "AT" => out.push(b'@'),
            "PHASE" => out.extend_from_slice(phase(facts.fault).as_bytes()),
            "READY_CONDITION" => {
                quoted(if facts.fault == Fault::None { "True" } else { "False" }, out);
                if facts.fault != Fault::None {
                    out.extend_from_slice(br#","reason":"ContainersNotReady","message":"containers with unready status: [app]""#);
                }
            }
            "IS_READY" => out.extend_from_slice(if facts.fault == Fault::None { b"true" } else { b"false" }),
            "STATE" => state(facts, out),
            "LAST_STATE" => self.last_state(facts, out),
            "NODE_READY" => self.node_ready(facts, out),
            "MESSAGE" => {
                let message = self.event_of(facts).2.replace('*', &facts.name);
                out.extend_from_slice(Value::from(message).to_string().as_bytes());
            }
            "REASON" => out.extend_from_slice(self.event_of(facts).0.as_bytes()),
            "TYPE" => out.extend_from_slice(self.event_of(facts).1.as_bytes()),
            "EVENT" => out.extend_from_slice(event_name(facts).as_bytes()),
            "INSTANCE_TYPE" => {
                out.extend_from_slice(pick(random(8), &["m7i.2xlarge", "c7i.2xlarge", "r7i.2xlarge", "m7g.2xlarge"]));
            }
            "ZONE" => out.extend_from_slice(pick(random(9), &["eu-west-1a", "eu-west-1b", "eu-west-1c"])),
            "CAPACITY" => out.extend_from_slice(pick(random(10), &["on-demand", "spot", "spot"])),
            "POOL" => out.extend_from_slice(pick(random(11), &["general-purpose", "batch", "system"])),
            _ => number(slot, world, facts, out),
        }
    }

    fn last_state(&self, facts: &Facts, out: &mut Vec<u8>) {
        let (reason, code) = match facts.fault {
            Fault::OutOfMemory => ("OOMKilled", 137),
            Fault::Crash => ("Error", 1),
            _ => return out.extend_from_slice(b"{}"),
        };
        let (begun, ended) = (self.before(200), self.before(170));
        let _ = write!(
            out,
            r#"{{"terminated":{{"exitCode":{code},"reason":"{reason}","startedAt":"{begun}","finishedAt":"{ended}","containerID":"containerd://"#
        );
        number("CONTAINER_ID", &self.world, facts, out);
        out.extend_from_slice(br#""}}"#);
    }

    /// The condition `Ready` of a node: one in a thousand has lost its kubelet.
    fn node_ready(&self, facts: &Facts, out: &mut Vec<u8>) {
        let lost = self.world.random(12, facts.overall).is_multiple_of(1_000);
        let (status, reason, message) = if lost {
            ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
        } else {
            ("True", "KubeletReady", "kubelet is posting ready status")
        };
        let heartbeat = self.before(if lost { 900 } else { 30 });
        let since = if lost { heartbeat.as_str() } else { facts.created.as_str() };
        let _ = write!(
            out,
            r#"{{"type":"Ready","status":"{status}","lastHeartbeatTime":"{heartbeat}","lastTransitionTime":"{since}","reason":"{reason}","message":"{message}"}}"#
        );
    }
}

/// The state of the container of a pod.
fn state(facts: &Facts, out: &mut Vec<u8>) {
    let waiting = match facts.fault {
        Fault::OutOfMemory | Fault::Crash => "CrashLoopBackOff",
        Fault::ImagePull => "ImagePullBackOff",
        Fault::ConfigError => "CreateContainerConfigError",
        _ => {
            let _ = write!(out, r#"{{"running":{{"startedAt":"{}"}}}}"#, facts.created);
            return;
        }
    };
    let message = "back-off 5m0s restarting failed container=app";
    let _ = write!(out, r#"{{"waiting":{{"reason":"{waiting}","message":"{message}"}}}}"#);
}

/// Slots that are numbers.
fn number(slot: &str, world: &World, facts: &Facts, out: &mut Vec<u8>) {
    let random = |what: u64| world.random(what, facts.overall);
    let _ = match slot {
        "UID" => write_uid(random(20), random(21), out),
        "POD_UID" => write_uid(random(22), random(23), out),
        "OWNER_UID" => write_uid(world.random(24, facts.workload), world.random(25, facts.workload), out),
        "MACHINE" => write!(out, "{:016x}{:013x}", random(26), random(27) >> 12),
        "CONTAINER_ID" => write!(out, "{:016x}{:016x}{:016x}{:016x}", random(28), random(29), random(30), random(31)),
        "DIGEST" => {
            let random = |what: u64| world.random(what, facts.workload);
            write!(out, "{:016x}{:016x}{:016x}{:016x}", random(32), random(33), random(34), random(35))
        }
        "VERSION" => write!(out, "{}", 10_000_000 + facts.overall),
        "NODES" => write!(out, "{}", world.nodes),
        "MINOR" => write!(out, "{}", world.random(36, facts.workload) % 30),
        "COUNT" => write!(out, "{}", 1 + random(37) % 20),
        "RESTARTS" => {
            let crashes = matches!(facts.fault, Fault::OutOfMemory | Fault::Crash);
            write!(out, "{}", if crashes { 5 + random(38) % 40 } else { 0 })
        }
        "HOST_IP" => write_ip(10, facts.overall % world.nodes.max(1), out),
        "POD_IP" => write_ip(100, facts.overall, out),
        _ => Ok(()),
    };
}

fn write_uid(high: u64, low: u64, out: &mut Vec<u8>) -> std::io::Result<()> {
    let (a, b, c) = (high >> 32, high >> 16 & 0xFFFF, high & 0xFFF);
    write!(out, "{a:08x}-{b:04x}-4{c:03x}-a{:03x}-{:012x}", low >> 52, low & 0xFFFF_FFFF_FFFF)
}

fn write_ip(first: u64, number: u64, out: &mut Vec<u8>) -> std::io::Result<()> {
    write!(out, "{first}.{}.{}.{}", number >> 16 & 0xFF, number >> 8 & 0xFF, number & 0xFF)
}

fn owner(world: &World, facts: &Facts, out: &mut Vec<u8>) {
    out.extend_from_slice(app(facts.workload).as_bytes());
    if !World::is_daemon(facts.workload) {
        out.push(b'-');
        out.extend_from_slice(world.hash(facts.workload).as_bytes());
    }
}

fn hash_label(workload: u64) -> &'static str {
    if World::is_daemon(workload) { "controller-revision-hash" } else { "pod-template-hash" }
}

fn phase(fault: Fault) -> &'static str {
    match fault {
        Fault::ImagePull | Fault::ConfigError | Fault::Unschedulable => "Pending",
        _ => "Running",
    }
}

fn event_name(facts: &Facts) -> String {
    format!("{}.18{:014x}", facts.name, facts.position)
}

fn quoted(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

fn pick<'a>(random: u64, choices: &[&'a str]) -> &'a [u8] {
    let index = usize::try_from(random).map_or(0, |it| it % choices.len().max(1));
    choices.get(index).copied().unwrap_or_default().as_bytes()
}
