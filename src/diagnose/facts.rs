//! What a diagnosis starts from: objects as they were read, and what could not be read. No rule asks for more.

use jiff::{SignedDuration, Timestamp};

use crate::domain::cluster::PodIdentityAssociation;
use crate::domain::object::{Field, Object};
use crate::domain::target::Target;

use super::diagnosis::NotChecked;
use super::finding::Liveness;
use super::logs::NameTrouble;

/// A restart that is older than this is history.
pub const RECENT: SignedDuration = SignedDuration::from_hours(1);

/// Everything that rules may look at.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The cluster.
    pub target: Target,
    /// The present moment.
    pub now: Timestamp,
    /// What the diagnosis is about, where that is no pod.
    pub subject: Option<Object>,
    /// Events about the subject and about what it controls, oldest first.
    pub about: Vec<Object>,
    /// Objects around the subject: of its selectors, references, scope and pods.
    pub related: Vec<Object>,
    /// The pod; one without a name where the subject has none. Of a subject's pods it is the one that fares worst.
    pub pod: Object,
    /// Its events, oldest first.
    pub events: Vec<Object>,
    /// The objects that control it, nearest first.
    pub owners: Vec<Object>,
    /// Nodes; read only for a pod without a node.
    pub nodes: Option<Vec<Object>>,
    /// The claims that the pod mounts; read only while it does not run.
    pub claims: Vec<Object>,
    /// The volumes that those claims are bound to.
    pub volumes: Vec<Object>,
    /// Names of the `ConfigMaps` of the namespace; read only when one is missing.
    pub config_maps: Option<Vec<String>>,
    /// The service account; read only when AWS credentials are missing.
    pub service_account: Option<Object>,
    /// Pod Identity associations of the service account; read only when AWS credentials are missing.
    pub associations: Option<Vec<PodIdentityAssociation>>,
    /// Ends of the logs of containers that fail, previous instances first.
    pub logs: Vec<Log>,
    /// Pods of the same workload, the pod itself included; one page.
    pub siblings: Vec<Object>,
    /// What the logs say cannot be reached, where it belongs to the cluster.
    pub dependency: Option<Dependency>,
    /// What resolves names in the cluster, where the logs say that one was not.
    pub dns: Option<Dns>,
    /// What AWS says of what surrounds the target, each under a kind of its own: `Nodegroup`, `Instance`, `Subnet`, …
    pub aws: Vec<Object>,
    /// Kubelets of the cluster by version; read only for a cluster.
    pub kubelets: Vec<Kubelets>,
    /// What could not be read, and why.
    pub gaps: Vec<NotChecked>,
}

/// Nodes that are alike in what an upgrade looks at.
#[derive(Clone, Debug)]
pub struct Kubelets {
    /// One of them.
    pub example: Object,
    /// How many there are.
    pub nodes: usize,
}

/// What resolves names in the cluster.
#[derive(Clone, Debug)]
pub struct Dns {
    /// What the log says.
    pub trouble: NameTrouble,
    /// The container that wrote it.
    pub container: String,
    /// The Service `kube-dns`.
    pub service: Option<Object>,
    /// Its endpoints; absent where they could not be read.
    pub slices: Option<Vec<Object>>,
    /// The pods of CoreDNS.
    pub pods: Vec<Object>,
    /// Its configuration.
    pub config: Option<Object>,
    /// Network policies of the pod's namespace; absent where they could not be read.
    pub policies: Option<Vec<Object>>,
    /// The end of the log of one of its pods.
    pub log: Option<Log>,
}

/// What a container calls and does not reach.
#[derive(Clone, Debug)]
pub struct Dependency {
    /// Host as the log names it.
    pub host: String,
    /// Port as the log names it.
    pub port: Option<String>,
    /// Name of the Service that the host stands for.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// The line of the log.
    pub line: String,
    /// The container that wrote it.
    pub container: String,
    /// What is there.
    pub reached: Reached,
    /// Network policies of both namespaces.
    pub policies: Vec<Object>,
}

/// What is where a dependency should be.
#[derive(Clone, Debug)]
pub enum Reached {
    /// No such Service.
    Nothing {
        /// Services of the namespace.
        here: Vec<String>,
        /// Other namespaces with a Service of this name.
        elsewhere: Vec<String>,
    },
    /// The Service, with the one of its pods that fares worst.
    Service(Box<Facts>),
}

/// The end of a container's log.
#[derive(Clone, Debug)]
pub struct Log {
    /// The container.
    pub container: String,
    /// Whether the instance before the last restart wrote it.
    pub previous: bool,
    /// The text.
    pub text: String,
}

impl Log {
    /// The field in evidence.
    pub fn field(&self) -> String {
        if self.previous { format!("log({}, previous)", self.container) } else { format!("log({})", self.container) }
    }
}

impl Facts {
    /// Facts of a pod alone.
    pub fn of(target: Target, pod: Object, now: Timestamp) -> Self {
        Self {
            target,
            now,
            subject: None,
            about: Vec::new(),
            related: Vec::new(),
            pod,
            events: Vec::new(),
            owners: Vec::new(),
            nodes: None,
            claims: Vec::new(),
            volumes: Vec::new(),
            config_maps: None,
            service_account: None,
            associations: None,
            logs: Vec::new(),
            siblings: Vec::new(),
            dependency: None,
            dns: None,
            aws: Vec::new(),
            kubelets: Vec::new(),
            gaps: Vec::new(),
        }
    }

    /// Facts of an object that is no pod.
    pub fn about(target: Target, subject: Object, now: Timestamp) -> Self {
        let mut facts = Self::of(target, Object::new(serde_json::Value::Null), now);
        facts.subject = Some(subject);
        facts
    }

    /// What the diagnosis is about.
    pub fn target_object(&self) -> &Object {
        self.subject.as_ref().unwrap_or(&self.pod)
    }

    /// Whether there is a pod.
    pub fn has_pod(&self) -> bool {
        !self.pod.name().is_empty()
    }

    /// The subject, if it is of one of these kinds.
    pub fn subject_of(&self, kinds: &[&str]) -> Option<&Object> {
        self.subject.as_ref().filter(|it| kinds.contains(&it.kind()))
    }

    /// Objects around the subject of this kind.
    pub fn related_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.related.iter().filter(move |it| it.kind() == kind)
    }

    /// What AWS says, of this kind.
    pub fn aws_of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Object> {
        self.aws.iter().filter(move |it| it.kind() == kind)
    }

    /// The containers of the pod, init containers first, in the order in which they start.
    pub fn containers(&self) -> Vec<Container<'_>> {
        let pod = &self.pod;
        let kinds = [
            ("spec.initContainers", "status.initContainerStatuses", true),
            ("spec.containers", "status.containerStatuses", false),
        ];
        let mut containers = Vec::new();
        for (specs, statuses, init) in kinds {
            for spec in pod.list(specs) {
                let name = spec.text("name");
                let status = pod.list(statuses).find(|it| it.text("name") == name);
                containers.push(Container { name, init, pod, spec, status });
            }
        }
        containers
    }

    /// Whether the scheduler has found no node yet.
    pub fn is_unscheduled(&self) -> bool {
        let refused = self.pod.condition("PodScheduled").is_some_and(|it| it.text("status") == "False");
        self.pod.text("spec.nodeName").is_empty() && (refused || self.pod.text("status.phase") == "Pending")
    }

    /// Whether the pod is ready to serve.
    pub fn is_ready(&self) -> bool {
        self.pod.condition("Ready").is_some_and(|it| it.text("status") == "True")
    }

    /// Events with one of these reasons, newest first.
    pub fn events_of<'a>(&'a self, reasons: &'a [&'a str]) -> impl Iterator<Item = &'a Object> {
        self.events.iter().rev().filter(move |it| reasons.contains(&it.text("reason")))
    }

    /// The log to read for the last crash of a container: the previous instance before the present one.
    pub fn log_of(&self, container: &str, previous_first: bool) -> Option<&Log> {
        let mut logs: Vec<&Log> = self.logs.iter().filter(|it| it.container == container && !it.text.trim().is_empty()).collect();
        logs.sort_by_key(|it| it.previous != previous_first);
        logs.first().copied()
    }

    /// The workload that a person would change: the topmost owner.
    pub fn workload(&self) -> Option<&Object> {
        self.owners.last()
    }

    /// Whether a gap concerns this.
    pub fn could_not_read(&self, what: &str) -> bool {
        self.gaps.iter().any(|it| it.what.contains(what))
    }
}

/// A container of the pod: its specification and its status.
#[derive(Clone, Debug)]
pub struct Container<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether it is an init container, sidecars included.
    pub init: bool,
    /// The pod.
    pub pod: &'a Object,
    /// Its specification.
    pub spec: Field<'a>,
    /// Its status; absent until the kubelet has seen the pod.
    pub status: Option<Field<'a>>,
}

/// The end of an instance of a container.
#[derive(Clone, Debug)]
pub struct Exit<'a> {
    /// `state.terminated` or `lastState.terminated`.
    pub field: Field<'a>,
    /// Exit code.
    pub code: i64,
    /// Reason, such as `OOMKilled`.
    pub reason: &'a str,
    /// Whether a later instance has been started or is due.
    pub previous: bool,
    /// Whether the container is still down, came back a short while ago, or long since.
    pub liveness: Liveness,
}

impl<'a> Container<'a> {
    /// The status below a path.
    pub fn status(&self, path: &str) -> Option<Field<'a>> {
        self.status.as_ref()?.get(path)
    }

    /// Why it waits; empty when it does not.
    pub fn waiting_reason(&self) -> &'a str {
        self.status.as_ref().map_or("", |it| it.text("state.waiting.reason"))
    }

    /// What the kubelet says about the waiting; empty when it does not wait.
    pub fn waiting_message(&self) -> &'a str {
        self.status.as_ref().map_or("", |it| it.text("state.waiting.message"))
    }

    /// Whether it is a sidecar: an init container that keeps running.
    pub fn is_sidecar(&self) -> bool {
        self.init && self.spec.text("restartPolicy") == "Always"
    }

    /// Whether its status says ready.
    pub fn is_ready(&self) -> bool {
        self.status.as_ref().and_then(|it| it.boolean("ready")) == Some(true)
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.status("state.running").is_some()
    }

    /// When the running instance was started.
    pub fn running_since(&self) -> Option<Timestamp> {
        self.status.as_ref()?.time("state.running.startedAt")
    }

    /// How often it was restarted.
    pub fn restarts(&self) -> i64 {
        self.status.as_ref().and_then(|it| it.integer("restartCount")).unwrap_or(0)
    }

    /// Whether its end is restarted even when it ended well.
    pub fn restarts_always(&self) -> bool {
        if self.init {
            return self.is_sidecar();
        }
        let own = self.spec.text("restartPolicy");
        let policy = if own.is_empty() { self.pod.text("spec.restartPolicy") } else { own };
        policy.is_empty() || policy == "Always"
    }

    /// How its last instance ended; nothing when none did, or when it was meant to end that way.
    pub fn exit(&self, now: Timestamp) -> Option<Exit<'a>> {
        let (field, previous) = match self.status("state.terminated") {
            Some(field) => (field, false),
            None => (self.status("lastState.terminated")?, true),
        };
        let code = field.integer("exitCode").unwrap_or(0);
        if code == 0 && field.text("reason") != "OOMKilled" && !self.restarts_always() {
            return None;
        }
        let recent = field.time("finishedAt").is_none_or(|it| now.duration_since(it) < RECENT);
        let liveness = match (self.is_running(), recent) {
            (true, false) => Liveness::Past,
            (true, true) if self.is_ready() => Liveness::Recent,
            _ => Liveness::Active,
        };
        Some(Exit { code, reason: field.text("reason"), field, previous, liveness })
    }

    /// How it is doing, in a few words.
    pub fn state(&self, now: Timestamp) -> String {
        let mut words = Vec::new();
        let waiting = self.waiting_reason();
        if !waiting.is_empty() {
            words.push(waiting.to_owned());
        } else if self.is_running() {
            words.push(if self.is_ready() { "running, ready" } else { "running, not ready" }.to_owned());
        }
        if let Some(exit) = self.exit(now) {
            let when = if exit.previous { "last ended" } else { "ended" };
            words.push(format!("{when} with {} (exit code {})", exit.reason, exit.code));
        }
        if self.restarts() > 0 {
            words.push(crate::domain::text::count(usize::try_from(self.restarts()).unwrap_or(0), "restart"));
        }
        words.join(", ")
    }
}

/// When an event was last seen; the fields differ by API and by whether it was repeated.
pub fn event_time(event: &Object) -> Option<Timestamp> {
    ["series.lastObservedTime", "lastTimestamp", "eventTime", "firstTimestamp", "metadata.creationTimestamp"]
        .iter()
        .find_map(|path| event.time(path))
}

/// How often an event was seen.
pub fn event_count(event: &Object) -> i64 {
    event.integer("series.count").or_else(|| event.integer("count")).unwrap_or(1).max(1)
}

/// The container that an event is about, from `involvedObject.fieldPath`.
pub fn event_container(event: &Object) -> &str {
    let path = event.text("involvedObject.fieldPath");
    path.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(name, _)| name)
}
