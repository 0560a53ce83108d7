//! The state of objects as `kubectl get -o wide` shows it, and whether a person would look into it.

mod batch;
mod detail;
mod fields;
mod generic;
mod network;
mod pod;
mod workload;

use jiff::Timestamp;

use super::object::Object;
use super::time::age;

pub use fields::fields;
pub use pod::restarts;

/// How an object is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It does not do what it is for; with the reason a person would look for.
    Failing(String),
    /// It does so in part, or may soon not.
    Degraded(String),
    /// Nothing to look into.
    Healthy,
}

impl Health {
    /// The reason, empty when healthy.
    pub fn reason(&self) -> &str {
        match self {
            Self::Failing(reason) | Self::Degraded(reason) => reason,
            Self::Healthy => "",
        }
    }

    /// `failing`, `degraded` or `healthy`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Failing(_) => "failing",
            Self::Degraded(_) => "degraded",
            Self::Healthy => "healthy",
        }
    }

    /// Whether there is nothing to look into.
    pub fn is_healthy(&self) -> bool {
        *self == Self::Healthy
    }
}

/// One object as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Cells for [`columns`] of its kind.
    pub cells: Vec<String>,
    /// How it is.
    pub health: Health,
}

/// Columns between the name and the age, for a kind.
pub fn columns(kind: &str) -> &'static [&'static str] {
    match kind {
        "Pod" => &["ready", "status", "restarts", "node"],
        "Deployment" => &["ready", "up to date", "available"],
        "StatefulSet" | "ReplicaSet" | "ReplicationController" => &["ready"],
        "DaemonSet" => &["desired", "ready", "available"],
        "Job" => &["completions", "status"],
        "CronJob" => &["schedule", "suspended", "last run"],
        "Node" => &["status", "version", "instance type", "zone", "capacity"],
        "PersistentVolumeClaim" => &["status", "volume", "capacity", "storage class"],
        "PersistentVolume" => &["status", "capacity", "claim", "storage class", "zone"],
        "Service" => &["type", "cluster ip", "ports"],
        "HorizontalPodAutoscaler" => &["target", "replicas", "min", "max"],
        "Namespace" => &["phase"],
        "Event" => &["type", "reason", "object", "message"],
        "StorageClass" => &["provisioner", "binding", "reclaim"],
        "Ingress" => &["class", "hosts", "address"],
        "PodDisruptionBudget" => &["min available", "max unavailable", "allowed disruptions"],
        "EndpointSlice" => &["ready endpoints", "not ready"],
        _ => GENERIC,
    }
}

/// The columns of kinds that nobody knows.
const GENERIC: &[&str] = &["status"];

/// Whether the columns of a kind are our own; of others only the condition that tells most is known.
pub fn is_known(kind: &str) -> bool {
    columns(kind) != GENERIC
}

/// An object as a row.
pub fn of(object: &Object, now: Timestamp) -> Status {
    let (cells, health) = match object.kind() {
        "Pod" => pod::status(object, now),
        "Deployment" => workload::deployment(object),
        "StatefulSet" | "ReplicaSet" | "ReplicationController" => workload::replicas(object),
        "DaemonSet" => workload::daemon_set(object),
        "Job" => batch::job(object),
        "CronJob" => batch::cron_job(object, now),
        "Node" => workload::node(object, now),
        "PersistentVolumeClaim" => workload::claim(object, now),
        "PersistentVolume" => workload::volume(object),
        "Service" => network::service(object, now),
        "HorizontalPodAutoscaler" => workload::autoscaler(object),
        "Namespace" => phase(object, &["Active"]),
        "Event" => event(object),
        "StorageClass" => {
            let cells = ["provisioner", "volumeBindingMode", "reclaimPolicy"].map(|it| object.text(it).to_owned());
            (cells.into(), Health::Healthy)
        }
        "Ingress" => network::ingress(object, now),
        "EndpointSlice" => network::endpoint_slice(object),
        "PodDisruptionBudget" => network::disruption_budget(object),
        _ => generic::status(object, now),
    };
    Status { cells, health }
}

/// Age of an object, empty when it does not say.
pub fn age_of(object: &Object, now: Timestamp) -> String {
    object.created().map(|it| age(now, it)).unwrap_or_default()
}

fn phase(object: &Object, good: &[&str]) -> (Vec<String>, Health) {
    let phase = object.text("status.phase");
    let health = if phase.is_empty() || good.contains(&phase) { Health::Healthy } else { Health::Degraded(phase.to_owned()) };
    (vec![phase.to_owned()], health)
}

fn event(object: &Object) -> (Vec<String>, Health) {
    let about = super::events::about(object);
    let about = format!("{}/{}", about.kind, about.name);
    let cells = vec![
        object.text("type").to_owned(),
        object.text("reason").to_owned(),
        about,
        super::text::clean_line(super::events::message(object)),
    ];
    let health =
        if object.text("type") == "Warning" { Health::Degraded(object.text("reason").to_owned()) } else { Health::Healthy };
    (cells, health)
}
