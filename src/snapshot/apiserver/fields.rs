//! Field selectors: which fields each resource can be selected by, as a real server has it.

use serde_json::Value;

use super::resources::{Origin, Resource};
use crate::domain::field_selector;
use crate::domain::object::Object;

/// A field selector; without terms it selects everything.
#[derive(Debug, Default)]
pub(super) struct FieldSelector(Vec<Term>);

#[derive(Debug)]
struct Term {
    field: Field,
    equals: bool,
    value: String,
}

#[derive(Debug)]
struct Field {
    path: String,
    /// What an object without the field has.
    default: &'static str,
}

/// Fields beside name and namespace: group, plural, field, and what an object without it has.
const FIELDS: &[(&str, &str, &str, &str)] = &[
    ("", "pods", "spec.nodeName", ""),
    ("", "pods", "spec.restartPolicy", ""),
    ("", "pods", "spec.schedulerName", ""),
    ("", "pods", "spec.serviceAccountName", ""),
    ("", "pods", "spec.hostNetwork", "false"),
    ("", "pods", "status.phase", ""),
    ("", "pods", "status.podIP", ""),
    ("", "pods", "status.nominatedNodeName", ""),
    ("", "events", "involvedObject.kind", ""),
    ("", "events", "involvedObject.namespace", ""),
    ("", "events", "involvedObject.name", ""),
    ("", "events", "involvedObject.uid", ""),
    ("", "events", "involvedObject.apiVersion", ""),
    ("", "events", "involvedObject.resourceVersion", ""),
    ("", "events", "involvedObject.fieldPath", ""),
    ("", "events", "reason", ""),
    ("", "events", "reportingComponent", ""),
    ("", "events", "source", ""),
    ("", "events", "type", ""),
    ("", "nodes", "spec.unschedulable", "false"),
    ("", "namespaces", "status.phase", ""),
    ("", "secrets", "type", ""),
    ("", "services", "spec.clusterIP", ""),
    ("", "services", "spec.type", ""),
    ("", "replicationcontrollers", "status.replicas", "0"),
    ("apps", "replicasets", "status.replicas", "0"),
    ("batch", "jobs", "status.successful", "0"),
];

impl FieldSelector {
    /// Parses a selector over the fields of a resource.
    pub(super) fn parse(text: &str, resource: &Resource) -> Result<Self, String> {
        let terms = field_selector::parse(text).map_err(|wrong| wrong.message)?.into_iter().map(|term| {
            let field_selector::Term { label, equals, value } = term;
            Ok(Term { field: field(&label, resource)?, equals, value })
        });
        terms.collect::<Result<_, String>>().map(Self)
    }

    /// Whether an object is selected.
    pub(super) fn selects(&self, object: &Object) -> bool {
        self.0.iter().all(|it| it.field.has(object, &it.value) == it.equals)
    }
}

impl Field {
    fn has(&self, object: &Object, value: &str) -> bool {
        let found = match object.get(&self.path) {
            Some(Value::String(text)) => text.clone(),
            Some(it @ (Value::Bool(_) | Value::Number(_))) => it.to_string(),
            // The source of an event is the component of whichever API wrote it.
            Some(Value::Object(_)) | None if self.path == "source" => match object.text("source.component") {
                "" => object.text("reportingComponent").to_owned(),
                component => component.to_owned(),
            },
            _ => String::new(),
        };
        if found.is_empty() { value == self.default } else { value == found }
    }
}

/// The field that a label names, for objects as they are kept.
fn field(label: &str, resource: &Resource) -> Result<Field, String> {
    if matches!(label, "metadata.name" | "metadata.namespace") || resource.selectable.iter().any(|it| it == label) {
        return Ok(Field { path: label.to_owned(), default: "" });
    }
    let path = if resource.is_new_event() { of_new_event(label) } else { Some(label.to_owned()) };
    let (group, plural) = resource.shelf();
    let mut fields = FIELDS.iter().filter(|it| it.0 == group && it.1 == plural).peekable();
    if fields.peek().is_none() && resource.origin == Origin::Typed {
        return Err(format!("{label:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
    }
    let known = fields.find_map(|it| Some((path.as_deref().filter(|path| *path == it.2)?, it.3)));
    let (path, default) = known.ok_or_else(|| format!("field label not supported: {label}"))?;
    Ok(Field { path: path.to_owned(), default })
}

/// The field of a core event that one of `events.k8s.io` is.
fn of_new_event(label: &str) -> Option<String> {
    match label {
        "reason" | "type" => Some(label.to_owned()),
        "reportingController" => Some("reportingComponent".to_owned()),
        _ => Some(format!("involvedObject.{}", label.strip_prefix("regarding.")?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::apiserver::resources;
    use serde_json::json;

    fn selects(plural: &str, selector: &str, object: Value) -> Result<bool, String> {
        let all = resources::of(&[]);
        let resource = all.iter().find(|it| format!("{}/{}", it.kind.group, it.kind.plural) == plural).unwrap();
        FieldSelector::parse(selector, resource).map(|it| it.selects(&Object::new(object)))
    }

    #[test]
    fn fields_are_those_of_the_resource() {
        let pod =
            || json!({"metadata": {"name": "a", "namespace": "n"}, "spec": {"nodeName": "x"}, "status": {"phase": "Running"}});
        for yes in [
            "",
            "spec.nodeName=x",
            "spec.nodeName==x,status.phase!=Failed",
            "metadata.name=a",
            "status.podIP=",
            "spec.hostNetwork=false",
        ] {
            assert_eq!(selects("/pods", yes, pod()), Ok(true), "{yes}");
        }
        assert_eq!(selects("/pods", "spec.nodeName=y", pod()), Ok(false));
        assert_eq!(selects("/pods", "spec.foo=bar", pod()), Err("field label not supported: spec.foo".to_owned()));
        assert_eq!(selects("/pods", "spec", pod()), Err("invalid selector: 'spec'; can't understand 'spec'".to_owned()));
        assert!(
            selects("/configmaps", "data.a=b", pod()).unwrap_err().contains("only \"metadata.name\", \"metadata.namespace\"")
        );
        assert_eq!(selects("/nodes", "spec.unschedulable=false", json!({})), Ok(true));
        assert_eq!(selects("/nodes", "spec.unschedulable=true", json!({"spec": {"unschedulable": true}})), Ok(true));
    }

    #[test]
    fn events_are_selected_through_both_apis() {
        let event =
            || json!({"involvedObject": {"name": "a,b"}, "source": {}, "reportingComponent": "kubelet", "type": "Warning"});
        assert_eq!(selects("/events", r"involvedObject.name=a\,b,source=kubelet", event()), Ok(true));
        assert_eq!(
            selects("events.k8s.io/events", r"regarding.name=a\,b,reportingController=kubelet,type=Warning", event()),
            Ok(true)
        );
        assert!(selects("events.k8s.io/events", "involvedObject.name=a", event()).is_err());
    }
}
