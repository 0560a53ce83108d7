//! What components say about objects: events.

use serde_json::{Value, json};

use super::world::{BEGAN, SHOWN, text};

/// An event about an object, still without the object.
pub(super) struct Said {
    kind: &'static str,
    reason: &'static str,
    message: String,
    from: &'static str,
    container: String,
    times: u32,
    last: &'static str,
}

impl Said {
    /// A warning of the kubelet.
    pub(super) fn warns(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind: "Warning",
            reason,
            message: message.into(),
            from: "kubelet",
            container: String::new(),
            times: 7,
            last: SHOWN,
        }
    }

    /// What the kubelet tells without warning.
    pub(super) fn tells(reason: &'static str, message: impl Into<String>) -> Self {
        Self { kind: "Normal", times: 1, ..Self::warns(reason, message) }
    }

    /// The component that says it, where that is not the kubelet.
    pub(super) fn from(mut self, component: &'static str) -> Self {
        self.from = component;
        self
    }

    /// The container that it is about.
    pub(super) fn of(mut self, container: &str) -> Self {
        container.clone_into(&mut self.container);
        self
    }

    /// When it was said last.
    pub(super) fn at(mut self, time: &'static str) -> Self {
        self.last = time;
        self.times = 1;
        self
    }

    pub(super) fn reason(&self) -> &'static str {
        self.reason
    }

    /// The event in the form that its component writes.
    pub(super) fn event(&self, about: &Value, number: usize) -> Value {
        let name = text(about, "/metadata/name");
        let namespace = Some(text(about, "/metadata/namespace")).filter(|it| !it.is_empty()).unwrap_or("default");
        let first = if self.last == BEGAN || self.times > 1 { BEGAN } else { self.last };
        let mut involved = json!({
            "apiVersion": about["apiVersion"], "kind": about["kind"], "name": name, "uid": about["metadata"]["uid"],
        });
        if about["metadata"]["namespace"].is_string() {
            involved["namespace"] = namespace.into();
        }
        if !self.container.is_empty() {
            let list = about.pointer("/spec/initContainers").and_then(Value::as_array);
            let init = list.is_some_and(|it| it.iter().any(|it| it["name"] == self.container.as_str()));
            let list = if init { "initContainers" } else { "containers" };
            involved["fieldPath"] = format!("spec.{list}{{{}}}", self.container).into();
        }
        let mut event = json!({
            "apiVersion": "v1", "kind": "Event", "type": self.kind, "reason": self.reason, "message": self.message,
            "metadata": {"name": format!("{name}.18{number:014x}"), "namespace": namespace, "creationTimestamp": first,
                "uid": format!("5e7e0000-0000-4000-8000-{number:012x}"), "resourceVersion": "99999999"},
            "involvedObject": involved, "reportingComponent": self.from, "reportingInstance": "",
        });
        // The scheduler writes events of the newer API, which count in a series.
        if self.from == "default-scheduler" {
            event["eventTime"] = format!("{}.000000Z", first.trim_end_matches('Z')).into();
            event["action"] = "Scheduling".into();
            (event["firstTimestamp"], event["lastTimestamp"], event["source"]) = (Value::Null, Value::Null, json!({}));
            if self.times > 1 {
                event["series"] =
                    json!({"count": self.times, "lastObservedTime": format!("{}.000000Z", self.last.trim_end_matches('Z'))});
            }
            return event;
        }
        event["eventTime"] = Value::Null;
        event["source"] = json!({"component": self.from});
        if self.from == "kubelet" {
            event["source"]["host"] = about["spec"]["nodeName"].clone();
        }
        event["count"] = self.times.into();
        event["firstTimestamp"] = first.into();
        event["lastTimestamp"] = self.last.into();
        event
    }
}
