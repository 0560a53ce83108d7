//! A recorded world of the demo into which a fault is put, with what the control plane makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::ops::{Deref, DerefMut};
use std::path::Path;

use serde_json::{Value, json};

use super::said::Said;
use crate::diagnose::collect::{self, Source};
use crate::diagnose::diagnosis::Diagnosis;
use crate::diagnose::engine;
use crate::domain::object::Object;
use crate::domain::target::Target;
use crate::k8s::kinds::Kind;
use crate::snapshot::Usage;
use crate::snapshot::apiserver::{ApiServer, LogKey};

/// Where the clock of the demo stands.
const NOW: &str = "2026-11-23T09:30:00Z";
/// When a fault begins: long enough ago for a rollout to run out of time.
pub(super) const BEGAN: &str = "2026-11-23T09:12:00Z";
/// When a new pod is given to a node.
const PLACED: &str = "2026-11-23T09:12:02Z";
/// When it last showed.
pub(super) const SHOWN: &str = "2026-11-23T09:29:10Z";

/// The name of an object in one of the worlds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Host {
    pub(super) cluster: &'static str,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Host {
    pub(super) fn of(cluster: &'static str, object: &Value) -> Self {
        let text = |pointer: &str| text(object, pointer).to_owned();
        Self { cluster, kind: text("/kind"), namespace: text("/metadata/namespace"), name: text("/metadata/name") }
    }

    /// Another object of its namespace.
    pub(super) fn beside(&self, kind: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned(), ..self.clone() }
    }

    pub(super) fn is(&self, object: &Value) -> bool {
        text(object, "/metadata/name") == self.name
            && text(object, "/kind") == self.kind
            && text(object, "/metadata/namespace") == self.namespace
    }
}

/// The text at a pointer, empty where there is none.
pub(super) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// An object, which worlds share until it is changed.
#[derive(Clone)]
pub(super) enum Held {
    Shared(Object),
    Own(Value),
}

impl Held {
    fn object(&self) -> Object {
        match self {
            Self::Shared(object) => object.clone(),
            Self::Own(value) => Object::new(value.clone()),
        }
    }
}

impl From<Value> for Held {
    fn from(value: Value) -> Self {
        Self::Own(value)
    }
}

impl Deref for Held {
    type Target = Value;

    fn deref(&self) -> &Value {
        match self {
            Self::Shared(object) => object.value(),
            Self::Own(value) => value,
        }
    }
}

impl DerefMut for Held {
    fn deref_mut(&mut self) -> &mut Value {
        if let Self::Shared(object) = self {
            *self = Self::Own(object.value().clone());
        }
        match self {
            Self::Own(value) => value,
            Self::Shared(_) => unreachable!("it has just been made its own"),
        }
    }
}

/// The objects and logs of a cluster.
#[derive(Clone)]
pub(super) struct World {
    pub(super) cluster: &'static str,
    pub(super) objects: Vec<Held>,
    pub(super) logs: BTreeMap<LogKey, Vec<u8>>,
    /// The pods that the fault concerns.
    pub(super) broken: Vec<Host>,
    /// Whether a rollout replaces all pods at once, rather than one while the others serve.
    pub(super) afresh: bool,
    events: usize,
}

impl World {
    pub(super) fn load(cluster: &'static str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo/clusters").join(cluster);
        let mut objects = Vec::new();
        for path in files(&folder.join("objects")) {
            let mut list: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            objects.extend(list["items"].as_array_mut().unwrap().drain(..).map(Held::Own));
        }
        let logs = files(&folder.join("logs")).into_iter().map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            (LogKey::parse(name).unwrap(), fs::read(&path).unwrap())
        });
        let logs = logs.collect();
        Self { cluster, objects, logs, broken: Vec::new(), afresh: false, events: 0 }
    }

    /// Whether nodes are made by EKS Auto Mode.
    pub(super) fn is_automatic(&self) -> bool {
        self.objects.iter().any(|it| it["kind"] == "NodePool")
    }

    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().map(|it| &**it).filter(move |it| it["kind"] == kind)
    }

    pub(super) fn find(&self, host: &Host) -> Option<&Value> {
        self.objects.iter().map(|it| &**it).find(|it| host.is(it))
    }

    pub(super) fn get(&mut self, host: &Host) -> &mut Value {
        self.objects.iter_mut().find(|it| host.is(it)).map_or_else(|| panic!("{host:?} is not there"), |it| &mut **it)
    }

    pub(super) fn add(&mut self, object: Value) {
        self.objects.push(Held::Own(object));
    }

    /// Lets copies of this world share its objects.
    pub(super) fn share(&mut self) {
        for held in &mut self.objects {
            *held = Held::Shared(held.object());
        }
    }

    pub(super) fn remove(&mut self, host: &Host) {
        self.objects.retain(|it| !host.is(it));
    }

    pub(super) fn remove_all(&mut self, hosts: &[Host]) {
        for host in hosts {
            self.remove(host);
        }
    }

    /// The pods of a workload, of a Service or on a node.
    pub(super) fn pods_of(&self, host: &Host) -> Vec<Host> {
        let object = self.find(host).unwrap_or_else(|| panic!("{host:?} is not there"));
        let labels = object.pointer("/spec/selector/matchLabels").unwrap_or(&object["spec"]["selector"]);
        let fits = |pod: &&Value| match host.kind.as_str() {
            "Node" => pod["spec"]["nodeName"] == object["metadata"]["name"],
            _ => {
                pod["metadata"]["namespace"] == object["metadata"]["namespace"]
                    && labels.as_object().is_some_and(|it| it.iter().all(|(key, value)| &pod["metadata"]["labels"][key] == value))
            }
        };
        self.of_kind("Pod").filter(fits).map(|it| Host::of(self.cluster, it)).collect()
    }

    /// Changes objects; what is said about each becomes events. Pods among them are noted as broken.
    pub(super) fn each(&mut self, hosts: &[Host], mut change: impl FnMut(&mut Value) -> Vec<Said>) {
        for host in hosts {
            let object = self.get(host);
            let mut said = change(object);
            let object = object.clone();
            if host.kind == "Pod" {
                if !self.broken.contains(host) {
                    self.broken.push(host.clone());
                }
                let node = text(&object, "/spec/nodeName");
                if !node.is_empty() && text(&object, "/metadata/creationTimestamp") == BEGAN {
                    let message = format!("Successfully assigned {}/{} to {node}", host.namespace, host.name);
                    said.insert(0, Said::tells("Scheduled", message).from("default-scheduler").at(PLACED));
                }
            }
            for said in said {
                self.say(&object, &said);
            }
        }
    }

    /// Adds an event about an object.
    pub(super) fn say(&mut self, about: &Value, said: &Said) {
        self.events += 1;
        let event = said.event(about, self.events);
        self.add(event);
    }

    /// Adds events about the object of this name.
    pub(super) fn say_of(&mut self, host: &Host, said: &[Said]) {
        let about = self.find(host).unwrap().clone();
        for said in said {
            self.say(&about, said);
        }
    }

    /// The end of the log of a container.
    pub(super) fn log(&mut self, pod: &Host, container: &str, previous: bool, content: &str) {
        let key = LogKey { namespace: pod.namespace.clone(), pod: pod.name.clone(), container: container.to_owned(), previous };
        self.logs.insert(key, content.as_bytes().to_vec());
    }

    /// An API server over this world. It must be made within a Tokio runtime.
    pub(super) fn source(&self) -> Source {
        let objects = self.objects.iter().map(Held::object).collect();
        let now = NOW.parse().unwrap();
        let server = ApiServer::new(objects, self.logs.clone(), now, Usage::default());
        let target =
            Target { account: None, region: Some("us-east-1".to_owned()), cluster: self.cluster.to_owned(), through: None };
        Source::new(server.client(), target, None, now)
    }

    /// The diagnosis of an object: collected and judged as for a caller.
    pub(super) async fn diagnose(&self, source: &Source, host: &Host) -> Diagnosis {
        let namespace = Some(host.namespace.as_str()).filter(|it| !it.is_empty());
        let facts = if host.kind == "Pod" {
            collect::pod(source, &host.namespace, &host.name).await
        } else {
            collect::subject(source, &self.kind(host), namespace, &host.name).await
        };
        engine::diagnose(&facts.unwrap_or_else(|err| panic!("{host:?}: {err:?}")))
    }

    fn kind(&self, host: &Host) -> Kind {
        Kind::named(&host.kind).unwrap_or_else(|| {
            let definition =
                self.of_kind("CustomResourceDefinition").find(|it| it["spec"]["names"]["kind"] == host.kind.as_str());
            let spec = &definition.unwrap_or_else(|| panic!("{} is not defined", host.kind))["spec"];
            Kind {
                group: text(spec, "/group").to_owned(),
                version: text(spec, "/versions/0/name").to_owned(),
                plural: text(spec, "/names/plural").to_owned(),
                kind: host.kind.clone(),
                singular: text(spec, "/names/singular").to_owned(),
                short_names: Vec::new(),
                namespaced: text(spec, "/scope") == "Namespaced",
            }
        })
    }

    /// Whether a value stands letter by letter where the evidence says.
    pub(super) fn holds(&self, object: &str, value: &str) -> bool {
        let address = |it: &Value| match text(it, "/metadata/namespace") {
            "" => format!("{}/{}", text(it, "/kind"), text(it, "/metadata/name")),
            namespace => format!("{}/{namespace}/{}", text(it, "/kind"), text(it, "/metadata/name")),
        };
        let logs = || {
            let of = |key: &LogKey| object == format!("Pod/{}/{}", key.namespace, key.pod);
            self.logs.iter().any(|(key, log)| of(key) && String::from_utf8_lossy(log).contains(value))
        };
        self.objects.iter().any(|it| address(it) == object && contains(it, value)) || logs()
    }
}

fn contains(object: &Value, value: &str) -> bool {
    match object {
        Value::String(it) => it.contains(value),
        Value::Array(items) => items.iter().any(|it| contains(it, value)),
        Value::Object(fields) => fields.values().any(|it| contains(it, value)),
        scalar => {
            let written = scalar.to_string();
            written == value
        }
    }
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

/// A condition of an object, put in place of the one of its type.
pub(super) fn condition(object: &mut Value, kind: &str, status: &str, reason: &str, message: &str) {
    let conditions = &mut object["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    let conditions = conditions.as_array_mut().unwrap();
    conditions.retain(|it| it["type"] != kind);
    let mut new = json!({"type": kind, "status": status, "lastTransitionTime": BEGAN});
    for (field, content) in [("reason", reason), ("message", message)] {
        if !content.is_empty() {
            new[field] = content.into();
        }
    }
    conditions.push(new);
}
