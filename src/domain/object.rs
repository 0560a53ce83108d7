//! A Kubernetes object as it came, read by path.
//!
//! Objects are half-written, old, or of kinds nobody compiled in; typed structs refuse those whole. Reading by path never
//! fails, and the path is at the same time the address of the evidence.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::time::parse_timestamp;

/// An object of any kind; cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(Arc<Value>);

/// A value within an object, together with its path.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    /// Path from the root of the object, such as `status.phase`.
    pub path: String,
    /// The value there.
    pub value: &'a Value,
}

/// A value within an object without its path, for where nothing is proven by it: a list of many objects makes millions.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a>(pub &'a Value);

impl Object {
    /// Wraps a JSON value.
    pub fn new(value: Value) -> Self {
        Self(Arc::new(value))
    }

    /// The JSON value itself, unless another one holds this object too.
    pub fn into_value(self) -> Option<Value> {
        Arc::try_unwrap(self.0).ok()
    }

    /// The JSON value.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// `kind`, empty where absent.
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.text("metadata.name")
    }

    /// `metadata.namespace`, empty for cluster-scoped objects.
    pub fn namespace(&self) -> &str {
        self.text("metadata.namespace")
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        self.text("metadata.uid")
    }

    /// `Kind/namespace/name`, or `Kind/name` for cluster-scoped objects: the address in evidence.
    pub fn address(&self) -> String {
        match self.namespace() {
            "" => format!("{}/{}", self.kind(), self.name()),
            namespace => format!("{}/{namespace}/{}", self.kind(), self.name()),
        }
    }

    /// When the object was created.
    pub fn created(&self) -> Option<Timestamp> {
        self.time("metadata.creationTimestamp")
    }

    /// The value at a path of names and indices: `spec.containers[0].image`.
    pub fn get(&self, path: &str) -> Option<&Value> {
        at(&self.0, path)
    }

    /// The text at a path, empty where there is none.
    pub fn text(&self, path: &str) -> &str {
        self.get(path).and_then(Value::as_str).unwrap_or_default()
    }

    /// The integer at a path.
    pub fn integer(&self, path: &str) -> Option<i64> {
        self.get(path).and_then(Value::as_i64)
    }

    /// The truth value at a path.
    pub fn boolean(&self, path: &str) -> Option<bool> {
        self.get(path).and_then(Value::as_bool)
    }

    /// The moment at a path.
    pub fn time(&self, path: &str) -> Option<Timestamp> {
        parse_timestamp(self.text(path))
    }

    /// The items of a list at a path with their own paths; nothing where there is no list.
    pub fn list<'a>(&'a self, path: &'a str) -> impl Iterator<Item = Field<'a>> {
        let items = self.get(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().enumerate().map(move |(index, value)| Field { path: format!("{path}[{index}]"), value })
    }

    /// The items of a list at a path; nothing where there is no list.
    pub fn parts(&self, path: &str) -> impl DoubleEndedIterator<Item = Part<'_>> + ExactSizeIterator {
        self.get(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter().map(Part)
    }

    /// The entry of `status.conditions` with this type.
    pub fn condition(&self, kind: &str) -> Option<Field<'_>> {
        let conditions = self.get("status.conditions")?.as_array()?;
        let (index, value) =
            conditions.iter().enumerate().find(|(_, it)| it.get("type").and_then(Value::as_str) == Some(kind))?;
        Some(Field { path: format!("status.conditions[{index}]"), value })
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.get("metadata.labels")?.get(key)?.as_str()
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.get("metadata.annotations")?.get(key)?.as_str()
    }

    /// Kind and name of the controlling owner.
    pub fn controller(&self) -> Option<(&str, &str)> {
        let owners = self.get("metadata.ownerReferences")?.as_array()?;
        let owner =
            owners.iter().find(|it| it.get("controller").and_then(Value::as_bool) == Some(true)).or_else(|| owners.first())?;
        Some((owner.get("kind")?.as_str()?, owner.get("name")?.as_str()?))
    }
}

impl<'a> Field<'a> {
    /// The value below this one.
    pub fn get(&self, path: &str) -> Option<Field<'a>> {
        Some(Field { path: format!("{}.{path}", self.path), value: at(self.value, path)? })
    }

    /// The text below this value, empty where there is none.
    pub fn text(&self, path: &str) -> &'a str {
        Part(self.value).text(path)
    }

    /// The integer below this value.
    pub fn integer(&self, path: &str) -> Option<i64> {
        Part(self.value).integer(path)
    }

    /// The truth value below this value.
    pub fn boolean(&self, path: &str) -> Option<bool> {
        Part(self.value).boolean(path)
    }

    /// The moment below this value.
    pub fn time(&self, path: &str) -> Option<Timestamp> {
        Part(self.value).time(path)
    }

    /// The items of a list below this value with their paths.
    pub fn list(&self, path: &str) -> Vec<Field<'a>> {
        let items = at(self.value, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let field = |(index, value)| Field { path: format!("{}.{path}[{index}]", self.path), value };
        items.iter().enumerate().map(field).collect()
    }
}

impl<'a> Part<'a> {
    /// Whether there is a value below this one.
    pub fn has(self, path: &str) -> bool {
        at(self.0, path).is_some()
    }

    /// The text below this value, empty where there is none.
    pub fn text(self, path: &str) -> &'a str {
        at(self.0, path).and_then(Value::as_str).unwrap_or_default()
    }

    /// The integer below this value.
    pub fn integer(self, path: &str) -> Option<i64> {
        at(self.0, path).and_then(Value::as_i64)
    }

    /// The truth value below this value.
    pub fn boolean(self, path: &str) -> Option<bool> {
        at(self.0, path).and_then(Value::as_bool)
    }

    /// The moment below this value.
    pub fn time(self, path: &str) -> Option<Timestamp> {
        parse_timestamp(self.text(path))
    }
}

/// Follows a path of names and indices; names with dots cannot be reached this way, which only keys of maps have.
pub fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, segment| {
        if !segment.contains('[') {
            return if segment.is_empty() { Some(value) } else { field(value, segment) };
        }
        let mut parts = segment.split('[');
        let name = parts.next().unwrap_or_default();
        let mut value = if name.is_empty() { value } else { field(value, name)? };
        for index in parts {
            value = value.get(index.strip_suffix(']')?.parse::<usize>().ok()?)?;
        }
        Some(value)
    })
}

/// The field of a map. Comparing a few names is faster than hashing one.
fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let map = value.as_object()?;
    if map.len() > 8 {
        return map.get(name);
    }
    map.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_values_and_wrong_ones_to_nothing() {
        let pod = Object::new(json!({
            "kind": "Pod", "metadata": {"name": "a", "namespace": "n"},
            "spec": {"containers": [{"name": "main"}, {"name": "proxy"}]},
            "status": {"conditions": [{"type": "Ready", "status": "False"}]},
        }));
        assert_eq!(pod.text("spec.containers[1].name"), "proxy");
        assert_eq!(pod.address(), "Pod/n/a");
        assert_eq!(pod.condition("Ready").unwrap().get("status").unwrap().path, "status.conditions[0].status");
        for wrong in ["spec.containers[9].name", "spec.containers[x]", "spec.containers[0", "", "a..b", "kind.x"] {
            assert!(pod.get(wrong).is_none_or(|it| it.is_object()), "{wrong}");
        }
    }
}
