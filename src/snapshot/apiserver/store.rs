//! The objects of a snapshot by resource, in the order in which a real server lists them.

use std::collections::BTreeMap;
use std::ops::Bound;

use serde_json::Value;

use super::events;
use super::resources::{self, EVENTS, Resource};
use crate::domain::object::Object;

/// Objects by group and plural, then by `namespace/name`.
type Shelves = BTreeMap<(String, String), BTreeMap<String, Object>>;

/// Everything the server holds.
pub(super) struct Store {
    resources: Vec<Resource>,
    shelves: Shelves,
    revision: u64,
}

impl Store {
    /// Sorts objects into resources. Of two with the same address the later one counts.
    pub(super) fn new(objects: Vec<Object>) -> Self {
        let resources = resources::of(&objects);
        let revision = objects.iter().filter_map(|it| it.text("metadata.resourceVersion").parse().ok()).max().unwrap_or(1);
        let places: BTreeMap<(&str, &str), &Resource> =
            resources.iter().map(|it| ((it.kind.group.as_str(), it.kind.kind.as_str()), it)).collect();
        let mut shelves = Shelves::new();
        for object in objects {
            let (group, kind) = (resources::split_version(object.text("apiVersion")).0.to_owned(), object.kind().to_owned());
            let Some(resource) = places.get(&(group.as_str(), kind.as_str())) else { continue };
            let is_new_event = group == EVENTS && kind == "Event";
            let object = if is_new_event { Object::new(events::to_core(object.value())) } else { object };
            let object = if resource.kind.namespaced { in_some_namespace(object) } else { object };
            let (group, plural) = resource.shelf();
            let namespace = Some(object.namespace()).filter(|_| resource.kind.namespaced);
            let key = key(namespace, object.name());
            shelves.entry((group.to_owned(), plural.to_owned())).or_default().insert(key, object);
        }
        Self { resources, shelves, revision }
    }

    /// The resources, the preferred version of each group first.
    pub(super) fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// The resource of a path.
    pub(super) fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Resource> {
        self.resources.iter().find(|it| it.kind.group == group && it.kind.version == version && it.kind.plural == plural)
    }

    /// One object.
    pub(super) fn object(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Option<&Object> {
        self.shelf(resource)?.get(&key(namespace, name))
    }

    /// The objects of a resource, of one namespace or of all, from the key `start` on.
    pub(super) fn range<'a>(
        &'a self,
        resource: &Resource,
        namespace: Option<&str>,
        start: &str,
    ) -> impl Iterator<Item = (&'a str, &'a Object)> {
        let prefix = namespace.map(|it| format!("{it}/")).unwrap_or_default();
        let start = start.max(prefix.as_str()).to_owned();
        let objects =
            self.shelf(resource).into_iter().flat_map(move |it| it.range((Bound::Included(start.clone()), Bound::Unbounded)));
        objects.take_while(move |(key, _)| key.starts_with(&prefix)).map(|(key, object)| (key.as_str(), object))
    }

    /// Whether there is any object of a resource.
    pub(super) fn has_any(&self, resource: &Resource) -> bool {
        self.shelf(resource).is_some_and(|it| !it.is_empty())
    }

    /// The newest resource version of any object: the version of a list.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    fn shelf(&self, resource: &Resource) -> Option<&BTreeMap<String, Object>> {
        let (group, plural) = resource.shelf();
        self.shelves.get(&(group.to_owned(), plural.to_owned()))
    }
}

fn key(namespace: Option<&str>, name: &str) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}

/// Puts an object that was written without a namespace where kubectl would put it.
fn in_some_namespace(object: Object) -> Object {
    if !object.namespace().is_empty() {
        return object;
    }
    let mut value = object.value().clone();
    if let Some(Value::Object(metadata)) = value.get_mut("metadata") {
        metadata.insert("namespace".to_owned(), "default".into());
    }
    Object::new(value)
}
