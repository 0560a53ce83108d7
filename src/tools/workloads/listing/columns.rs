//! The columns of a list of resources: our own for kinds whose state we know, those of the API server for the rest, labels and
//! fields on request.

use serde_json::Value;

use crate::domain::object::Object;
use crate::domain::status::{self, Status};
use crate::domain::text::clean_line;
use crate::domain::{names, outbound, redact, trim};
use crate::error::ToolError;

/// Columns that the API server prints and a row has anyway.
const REPEATED: [&str; 3] = ["name", "namespace", "age"];

/// Characters of one cell; whole objects and long messages are for `get_resource`.
const MAX_CELL: usize = 160;

/// Where a cell comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// A column of ours, by its place.
    Own(usize),
    /// A column that the API server prints, by its place.
    Printed(usize),
    /// A label.
    Label(String),
    /// An annotation.
    Annotation(String),
    /// A field.
    Field(String),
}

/// The columns between name and age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tools::workloads) struct Columns {
    columns: Vec<(String, Source)>,
}

impl Columns {
    /// Whether the columns asked for are only to be had from the API server.
    pub(in crate::tools::workloads) fn need_printing(kind: &str, wanted: &[String]) -> bool {
        let own = status::columns(kind);
        wanted.iter().any(|it| own_source(it).is_none() && !own.iter().any(|own| is_same(own, it)) && !is_always_there(it))
    }

    /// The columns of a kind, given what the API server prints; empty where it prints nothing.
    ///
    /// # Errors
    /// `invalid_input` that names the columns there are when one of those wanted is not.
    pub(in crate::tools::workloads) fn new(kind: &str, printed: &[String], wanted: &[String]) -> Result<Self, ToolError> {
        let own = if status::is_known(kind) || printed.is_empty() { status::columns(kind) } else { &[] };
        let own = own.iter().enumerate().map(|(index, name)| ((*name).to_owned(), Source::Own(index)));
        let printed = printed.iter().enumerate().map(|(index, name)| (name.to_lowercase(), Source::Printed(index)));
        let printed = printed.filter(|(name, _)| !REPEATED.contains(&name.as_str()));
        if wanted.is_empty() {
            // Where ours are shown, those of the server would say the same again.
            let own: Vec<_> = own.collect();
            return Ok(Self { columns: if own.is_empty() { printed.collect() } else { own } });
        }
        let known: Vec<(String, Source)> = own.chain(printed).collect();
        let mut columns = Vec::new();
        for name in wanted.iter().filter(|it| !is_always_there(it)) {
            let source = known.iter().find(|(known, _)| is_same(known, name)).map(|(_, source)| source.clone());
            let Some(source) = source.or_else(|| own_source(name)) else {
                let near = names::did_you_mean(name, known.iter().map(|(name, _)| name.as_str()));
                let all: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
                return Err(ToolError::invalid(format!("`columns`: {kind} has no column `{name}`{near}")).with_hint(format!(
                    "It has: {}. A label is written `label:app`, a field as its path, such as `spec.nodeName`.",
                    all.join(", ")
                )));
            };
            columns.push((name.clone(), source));
        }
        Ok(Self { columns })
    }

    /// The names of the columns.
    pub(in crate::tools::workloads) fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a cell is of a field that the list need not hold for anything else.
    pub(in crate::tools::workloads) fn have_fields(&self) -> bool {
        self.columns.iter().any(|(_, source)| matches!(source, Source::Field(_) | Source::Annotation(_)))
    }

    /// Whether an object has what a column is asked to show; what we or the API server print, every object has.
    pub(in crate::tools::workloads) fn is_in(&self, index: usize, object: &Object) -> bool {
        match self.columns.get(index).map(|(_, source)| source) {
            Some(Source::Label(key)) => object.label(key).is_some(),
            Some(Source::Annotation(key)) => {
                object.get("metadata.annotations").and_then(|it| it.get(key)).is_some_and(|it| !it.is_null())
            }
            Some(Source::Field(path)) => trim::find(object.value(), path).iter().any(|(_, it)| !it.is_null()),
            _ => true,
        }
    }

    /// The cells of an object.
    pub(in crate::tools::workloads) fn cells(&self, object: &Object, status: &Status, printed: &[String]) -> Vec<String> {
        // What a field holds, its surroundings tell: `value` beside a name of a password.
        let is_printed = self.columns.iter().any(|(_, source)| matches!(source, Source::Printed(_)));
        let safe = (is_printed || self.have_fields()).then(|| {
            let mut value = object.value().clone();
            outbound::value(&mut value);
            value
        });
        // A printed cell does not say which field it shows.
        let mut hidden = Vec::new();
        if let Some(safe) = safe.as_ref().filter(|_| is_printed) {
            masked(object.value(), safe, &mut hidden);
        }
        let cell = |source: &Source| match source {
            Source::Own(index) => status.cells.get(*index).cloned().unwrap_or_default(),
            Source::Printed(index) => match printed.get(*index) {
                Some(cell) if hidden.iter().any(|it| cell.contains(it)) => redact::MASK.to_owned(),
                cell => cell.cloned().unwrap_or_default(),
            },
            Source::Label(key) => object.label(key).unwrap_or_default().to_owned(),
            Source::Annotation(key) => {
                let annotations = safe.as_ref().and_then(|it| it.get("metadata")?.get("annotations"));
                annotations.and_then(|it| it.get(key)?.as_str()).unwrap_or_default().to_owned()
            }
            Source::Field(path) => {
                let found = safe.as_ref().map(|it| trim::find(it, path)).unwrap_or_default();
                found.iter().map(|(_, value)| plain(value)).collect::<Vec<_>>().join(", ")
            }
        };
        self.columns.iter().map(|(_, source)| crate::domain::text::cut(&clean_line(&cell(source)), MAX_CELL)).collect()
    }
}

/// The texts of an object that have been masked.
fn masked<'a>(before: &'a Value, after: &Value, hidden: &mut Vec<&'a str>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            before.iter().filter_map(|(key, it)| Some((it, after.get(key)?))).for_each(|(it, after)| masked(it, after, hidden));
        }
        (Value::Array(before), Value::Array(after)) => {
            before.iter().zip(after).for_each(|(it, after)| masked(it, after, hidden));
        }
        // Shorter ones would be found everywhere.
        (Value::String(before), after) if before.len() >= 4 && after.as_str().is_some_and(|it| it.contains(redact::MASK)) => {
            hidden.push(before);
        }
        _ => {}
    }
}

/// A value as a cell.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A label, an annotation or a field, as they are written.
fn own_source(name: &str) -> Option<Source> {
    if let Some(key) = name.strip_prefix("label:") {
        return Some(Source::Label(key.to_owned()));
    }
    if let Some(key) = name.strip_prefix("annotation:") {
        return Some(Source::Annotation(key.to_owned()));
    }
    let path = name.trim_start_matches('.');
    let is_whole = path.matches('[').count() == path.matches(']').count() && !path.contains("..") && !path.ends_with('.');
    (path.contains(['.', '[']) && is_whole).then(|| Source::Field(path.to_owned()))
}

fn is_always_there(name: &str) -> bool {
    REPEATED.contains(&name.to_lowercase().as_str()) || name.eq_ignore_ascii_case("why")
}

/// Names of columns are compared as people remember them.
fn is_same(a: &str, b: &str) -> bool {
    let letters =
        |text: &str| -> String { text.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect() };
    letters(a) == letters(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_come_from_us_the_server_labels_and_fields() {
        let wanted = [
            "Name",
            "READY",
            "label:app.kubernetes.io/name",
            "spec.containers[0].image",
            "spec.containers[*].image",
            "metadata.labels.app.kubernetes.io/name",
            "nominated_node",
        ];
        let wanted: Vec<String> = wanted.map(str::to_owned).into();
        assert!(Columns::need_printing("Pod", &wanted));
        let columns = Columns::new("Pod", &["Name".into(), "Nominated Node".into()], &wanted).unwrap();
        let pod = Object::new(json!({
            "kind": "Pod", "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "web"}},
            "spec": {"containers": [{"image": "nginx:1"}, {"image": "envoy:2"}]},
        }));
        let status = Status { cells: vec!["1/1".into()], health: status::Health::Healthy };
        assert_eq!(
            columns.cells(&pod, &status, &["a".into(), "node-9".into()]),
            ["1/1", "web", "nginx:1", "nginx:1, envoy:2", "web", "node-9"]
        );
    }

    #[test]
    fn an_unknown_column_is_refused_with_those_there_are() {
        let err = Columns::new("Pod", &["IP".into()], &["redy".into()]).unwrap_err();
        assert!(err.message.contains("`redy`; did you mean `ready`"), "{err}");
        for broken in ["spec.containers[*", "x..y", "spec."] {
            assert!(Columns::new("Pod", &[], &[broken.into()]).is_err(), "{broken}");
        }
        assert!(err.hint.unwrap().contains("restarts, node, ip"));
    }

    #[test]
    fn custom_kinds_show_what_the_server_prints() {
        let printed: Vec<String> = ["Name", "Nodes", "Ready", "Age"].map(str::to_owned).into();
        assert_eq!(Columns::new("NodePool", &printed, &[]).unwrap().names().collect::<Vec<_>>(), ["nodes", "ready"]);
        assert_eq!(Columns::new("NodePool", &[], &[]).unwrap().names().collect::<Vec<_>>(), ["status"]);
        assert_eq!(Columns::new("Deployment", &[], &[]).unwrap().names().count(), 3);
    }
}
