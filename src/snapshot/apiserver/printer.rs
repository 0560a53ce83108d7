//! Objects as a server prints them: the columns of custom kinds come from their definition.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::resources::{Origin, Resource};
use crate::domain::object::{Field, Object};
use crate::domain::time::age;

/// A column of a custom kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    name: String,
    kind: String,
    path: String,
    /// Columns above 0 are shown by `-o wide` only.
    priority: i64,
}

impl Column {
    /// The columns that a version of a definition names; without any, the age.
    pub(super) fn of(version: &Field<'_>) -> Vec<Self> {
        let column = |it: &Field<'_>| Self {
            name: it.text("name").to_owned(),
            kind: it.text("type").to_owned(),
            path: it.text("jsonPath").to_owned(),
            priority: it.integer("priority").unwrap_or(0),
        };
        let columns: Vec<Self> = version.list("additionalPrinterColumns").iter().map(column).collect();
        if columns.is_empty() { vec![Self::age()] } else { columns }
    }

    /// The column that every kind has.
    pub(super) fn age() -> Self {
        Self { name: "Age".to_owned(), kind: "date".to_owned(), path: ".metadata.creationTimestamp".to_owned(), priority: 0 }
    }
}

/// Whether this server prints a kind. It does not repeat what the real one has compiled in for each built-in kind.
pub(super) fn prints(resource: &Resource) -> bool {
    resource.origin == Origin::Custom || holds_data(resource)
}

fn holds_data(resource: &Resource) -> bool {
    resource.kind.group.is_empty() && matches!(resource.kind.kind.as_str(), "Secret" | "ConfigMap")
}

/// `columnDefinitions` of a table.
pub(super) fn definitions(resource: &Resource) -> Vec<Value> {
    let definition = |name: &str, kind: &str, priority: i64| {
        let format = if name == "Name" { "name" } else { "" };
        json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
    };
    let mut definitions = vec![definition("Name", "string", 0)];
    if holds_data(resource) {
        let names = if resource.kind.kind == "Secret" { ["Type", "Data", "Age"].as_slice() } else { &["Data", "Age"] };
        definitions.extend(names.iter().map(|name| definition(name, "string", 0)));
    } else {
        definitions.extend(resource.columns.iter().map(|it| definition(&it.name, &it.kind, it.priority)));
    }
    definitions
}

/// `cells` of a row.
pub(super) fn cells(resource: &Resource, object: &Object, now: Timestamp) -> Vec<Value> {
    let mut cells = vec![Value::from(object.name())];
    if holds_data(resource) {
        let keys = ["data", "binaryData"].iter().filter_map(|it| object.get(it)?.as_object().map(serde_json::Map::len));
        if resource.kind.kind == "Secret" {
            cells.push(object.text("type").into());
        }
        cells.push(keys.sum::<usize>().into());
        cells.push(object.created().map(|it| age(now, it)).unwrap_or_default().into());
        return cells;
    }
    for column in &resource.columns {
        let value = find(object.value(), &column.path);
        cells.push(match value {
            Some(Value::String(moment)) if column.kind == "date" => {
                moment.parse().map_or_else(|_| Value::from("<invalid>"), |then| age(now, then).into())
            }
            Some(value @ (Value::Object(_) | Value::Array(_))) => value.to_string().into(),
            Some(value) => value.clone(),
            None => Value::Null,
        });
    }
    cells
}

/// The first value at a path in the dialect of printer columns: names, `[0]`, `[*]`, `['name']` and `[?(@.key=="value")]`.
fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let path = path.trim().trim_start_matches('{').trim_end_matches('}');
    let Some(first) = path.chars().next() else { return Some(value) };
    if first == '[' {
        let end = path.find(']')?;
        let (inner, rest) = (path.get(1..end)?.trim(), path.get(end + 1..)?);
        if let Some(condition) = inner.strip_prefix("?(").and_then(|it| it.strip_suffix(')')) {
            let (key, wanted) = condition.split_once("==")?;
            let wanted = wanted.trim().trim_matches(['"', '\'']);
            let items = value.as_array()?.iter();
            let mut fits =
                items.filter(|it| find(it, key.trim().trim_start_matches('@')).and_then(Value::as_str) == Some(wanted));
            return fits.find_map(|it| find(it, rest));
        }
        return match inner {
            "*" => value.as_array()?.iter().find_map(|it| find(it, rest)),
            quoted if quoted.starts_with(['\'', '"']) => find(value.get(quoted.trim_matches(['\'', '"']))?, rest),
            index => find(value.get(index.parse::<usize>().ok()?)?, rest),
        };
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    if path.starts_with('[') {
        return find(value, path);
    }
    // A backslash keeps a dot within a name.
    let mut name = String::new();
    let mut rest = "";
    let mut characters = path.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, it)| it)),
            '.' | '[' => {
                rest = path.get(index..).unwrap_or_default();
                break;
            }
            other => name.push(other),
        }
    }
    find(value.get(&name)?, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_printer_columns_lead_to_values() {
        let object = json!({
            "metadata": {"annotations": {"a.b/c": "x"}},
            "spec": {"limits": {"cpu": "4"}, "list": [{"n": 1}, {"n": 2}]},
            "status": {"conditions": [{"type": "Synced", "status": "True"}, {"type": "Ready", "status": "False"}]},
        });
        for (path, expected) in [
            (".spec.limits.cpu", json!("4")),
            ("{.spec.list[1].n}", json!(2)),
            (".spec.list[*].n", json!(1)),
            (r#".status.conditions[?(@.type=="Ready")].status"#, json!("False")),
            (".status.conditions[?(@.type=='Synced')].status", json!("True")),
            (r".metadata.annotations.a\.b/c", json!("x")),
            (".metadata.annotations['a.b/c']", json!("x")),
        ] {
            assert_eq!(find(&object, path), Some(&expected), "{path}");
        }
        for path in [".spec.none", ".spec.list[9].n", ".spec.list[", ".spec.list[?(@.n)]", ".spec.limits.cpu.more", "["] {
            assert_eq!(find(&object, path), None, "{path}");
        }
    }
}
