//! An answer as text for people, and for clients that read only text.
//!
//! One renderer for all tools: scalars become `key: value`, tables and lists of alike objects become aligned columns, and
//! what is nested is indented. So the text always says what the structured content says, in a fraction of the characters.

use comfy_table::{ColumnConstraint, ContentArrangement, Table as Grid, presets};
use serde_json::{Map, Value};

/// Columns wider than this are wrapped when the text is for a terminal.
const WRAP: u16 = 100;

/// Renders structured content.
pub fn text(answer: &Value) -> String {
    let mut text = String::new();
    match answer {
        Value::Object(object) => render_object(object, 0, &mut text),
        other => text.push_str(&scalar(other)),
    }
    text.truncate(text.trim_end().len());
    text
}

fn render_object(object: &Map<String, Value>, depth: usize, text: &mut String) {
    // The sentence first: it answers the question.
    if let Some(summary) = object.get("summary").and_then(Value::as_str) {
        line(depth, summary, text);
    }
    for (key, value) in object.iter().filter(|(key, _)| *key != "summary") {
        match value {
            // A part that says what the whole says needs not say it again.
            Value::Object(part) if part.len() > 1 && part.get("summary").is_some_and(|it| Some(it) == object.get("summary")) => {
                let rest: Map<String, Value> =
                    part.iter().filter(|(key, _)| *key != "summary").map(|(key, it)| (key.clone(), it.clone())).collect();
                render_entry(key, &Value::Object(rest), depth, text);
            }
            value => render_entry(key, value, depth, text),
        }
    }
}

fn render_entry(key: &str, value: &Value, depth: usize, text: &mut String) {
    let title = key.replace('_', " ");
    match value {
        Value::Array(items) if items.is_empty() => {}
        Value::Object(fields) if fields.is_empty() => {}
        Value::Object(fields) => match (fields.get("columns"), fields.get("rows")) {
            (Some(Value::Array(columns)), Some(Value::Array(rows))) => {
                line(depth, &format!("{title}:"), text);
                render_grid(columns, rows, depth + 1, text);
            }
            // An object of Kubernetes has a shape of its own, which people know as YAML.
            _ if key == "object" => {
                line(depth, &format!("{title}:"), text);
                render_yaml(value, depth + 1, text);
            }
            _ if fields.values().all(is_scalar) => line(depth, &format!("{title}: {}", inline(fields)), text),
            _ => {
                line(depth, &format!("{title}:"), text);
                render_object(fields, depth + 1, text);
            }
        },
        Value::Array(items) if items.iter().all(is_scalar) => render_scalars(&title, items, depth, text),
        Value::Array(items) => render_objects(&title, items, depth, text),
        other => line(depth, &format!("{title}: {}", scalar(other)), text),
    }
}

fn render_scalars(title: &str, items: &[Value], depth: usize, text: &mut String) {
    let words: Vec<String> = items.iter().map(scalar).collect();
    if words.iter().map(String::len).sum::<usize>() <= 80 && words.iter().all(|it| !it.contains(' ')) {
        line(depth, &format!("{title}: {}", words.join(", ")), text);
        return;
    }
    line(depth, &format!("{title}:"), text);
    for word in words {
        line(depth + 1, &format!("- {word}"), text);
    }
}

fn render_objects(title: &str, items: &[Value], depth: usize, text: &mut String) {
    line(depth, &format!("{title}:"), text);
    let flat = items.iter().all(|it| it.as_object().is_some_and(|fields| fields.values().all(is_scalar)));
    let long = |it: &Value| it.as_object().is_some_and(|fields| fields.values().map(|it| scalar(it).len()).sum::<usize>() > 110);
    if flat && items.len() > 1 && !items.iter().any(long) {
        let mut columns: Vec<&str> = Vec::new();
        for key in items.iter().filter_map(Value::as_object).flat_map(Map::keys) {
            if !columns.contains(&key.as_str()) {
                columns.push(key);
            }
        }
        let rows: Vec<Value> = items
            .iter()
            .map(|item| columns.iter().map(|key| Value::from(item.get(*key).map(scalar).unwrap_or_default())).collect())
            .collect();
        let columns: Vec<Value> = columns.into_iter().map(|it| Value::from(it.replace('_', " "))).collect();
        render_grid(&columns, &rows, depth + 1, text);
        return;
    }
    for item in items {
        match item {
            Value::Object(fields) => {
                let mut block = String::new();
                render_item(fields, &mut block);
                let mut lines = block.lines();
                line(depth + 1, &format!("- {}", lines.next().unwrap_or_default()), text);
                for rest in lines {
                    line(depth + 2, rest, text);
                }
            }
            other => line(depth + 1, &format!("- {}", scalar(other)), text),
        }
    }
}

/// One object of a list: what names it on the first line, the rest below.
fn render_item(fields: &Map<String, Value>, text: &mut String) {
    let mut rest = Vec::new();
    let mut head = Vec::new();
    let has_summary = fields.contains_key("summary");
    for (key, value) in fields {
        let special = matches!(key.as_str(), "summary" | "command" | "value");
        // Beside a summary stand short facts; without one the first two fields name the item.
        let fits = if has_summary { scalar(value).len() <= 60 } else { head.len() < 2 && rest.is_empty() };
        if is_scalar(value) && !special && fits {
            head.push(match value {
                Value::String(word) => word.clone(),
                other => format!("{} {}", key.replace('_', " "), scalar(other)),
            });
        } else {
            rest.push((key, value));
        }
    }
    let summary = fields.get("summary").and_then(Value::as_str);
    match (summary, head.is_empty()) {
        (Some(summary), true) => line(0, summary, text),
        (Some(summary), false) => line(0, &format!("{summary} ({})", head.join(", ")), text),
        (None, false) => line(0, &head.join("  "), text),
        (None, true) => {}
    }
    for (key, value) in rest.into_iter().filter(|(key, _)| *key != "summary") {
        match value {
            Value::String(word) if key == "command" => line(0, &format!("$ {word}"), text),
            Value::String(word) if key == "value" => line(0, &format!("= {word}"), text),
            Value::String(word) if key == "at" => line(0, &format!("at {word}"), text),
            Value::String(word) => line(0, word, text),
            other => render_entry(key, other, 0, text),
        }
    }
}

fn render_grid(columns: &[Value], rows: &[Value], depth: usize, text: &mut String) {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::MAX);
    grid.set_header(columns.iter().map(|it| scalar(it).to_uppercase()));
    for row in rows.iter().filter_map(Value::as_array) {
        grid.add_row(row.iter().map(|it| single_line(&scalar(it))));
    }
    for column in grid.column_iter_mut() {
        column.set_padding((0, 2));
        column.set_constraint(ColumnConstraint::UpperBoundary(comfy_table::Width::Fixed(WRAP)));
    }
    for row in grid.lines() {
        line(depth, row.trim_end(), text);
    }
}

/// A value as YAML for the eye; nothing reads it back.
fn render_yaml(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| yaml_entry(&format!("{key}:"), value, depth, text)),
        Value::Array(items) => {
            for item in items {
                let mut block = String::new();
                match item {
                    Value::Object(_) | Value::Array(_) => render_yaml(item, 0, &mut block),
                    other => block = yaml_scalar(other),
                }
                let mut lines = block.lines();
                line(depth, &format!("- {}", lines.next().unwrap_or_default()), text);
                lines.for_each(|rest| line(depth + 1, rest, text));
            }
        }
        other => line(depth, &yaml_scalar(other), text),
    }
}

fn yaml_entry(key: &str, value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            line(depth, key, text);
            render_yaml(value, depth + 1, text);
        }
        Value::Array(items) if !items.is_empty() => {
            line(depth, key, text);
            render_yaml(value, depth, text);
        }
        Value::String(content) if content.contains('\n') => {
            line(depth, &format!("{key} |"), text);
            content.lines().for_each(|it| line(depth + 1, it, text));
        }
        other => line(depth, &format!("{key} {}", yaml_scalar(other)), text),
    }
}

/// Text stands bare where it cannot be taken for something else.
fn yaml_scalar(value: &Value) -> String {
    let plain = |text: &str| {
        text.starts_with(|it: char| it.is_alphabetic() || it == '/')
            && !text.contains(": ")
            && !text.ends_with(':')
            && !text.contains(" #")
            && !matches!(text, "true" | "false" | "null" | "yes" | "no")
    };
    match value {
        Value::String(content) if plain(content) => content.clone(),
        other => other.to_string(),
    }
}

fn inline(fields: &Map<String, Value>) -> String {
    let words = fields.iter().map(|(key, value)| format!("{} {}", key.replace('_', " "), scalar(value).trim_end_matches('.')));
    words.collect::<Vec<_>>().join(", ")
}

fn is_scalar(value: &Value) -> bool {
    !value.is_object() && !value.is_array()
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(word) => word.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn single_line(word: &str) -> String {
    if word.contains('\n') { word.replace('\n', " ⏎ ") } else { word.to_owned() }
}

fn line(depth: usize, content: &str, text: &mut String) {
    for (index, part) in content.lines().enumerate() {
        for _ in 0..depth + usize::from(index > 0) {
            text.push_str("  ");
        }
        text.push_str(part);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_object_of_kubernetes_reads_as_yaml() {
        let answer = json!({"object": {
            "metadata": {"labels": {"app": "web", "version": "1.30"}},
            "spec": {"containers": [{"name": "main", "args": ["-c", "a: b"]}], "script": "one\ntwo", "replicas": 3},
        }});
        assert_eq!(
            text(&answer),
            "object:\n  metadata:\n    labels:\n      app: web\n      version: \"1.30\"\n  spec:\n    containers:\n    - name: main\n      args:\n      \
             - \"-c\"\n      - \"a: b\"\n    script: |\n      one\n      two\n    replicas: 3"
        );
    }

    #[test]
    fn an_answer_reads_as_sentence_facts_and_table() {
        let answer = json!({
            "target": {"region": "us-east-1", "cluster": "payments"},
            "summary": "2 pods, 1 unhealthy.",
            "cause": {"id": "oom", "summary": "2 pods, 1 unhealthy.", "why": "It grew."},
            "pods": {"columns": ["name", "restarts"], "rows": [["api-1", "9"], ["a-long-name", "0"]]},
            "warnings": [],
            "fixes": [{"summary": "Raise the limit", "command": "kubectl set resources", "risk": "low"}],
        });
        assert_eq!(
            text(&answer),
            "2 pods, 1 unhealthy.\ntarget: region us-east-1, cluster payments\ncause: id oom, why It grew\npods:\n  NAME         RESTARTS\n  api-1        9\n  a-long-name  0\n\
             fixes:\n  - Raise the limit (low)\n    $ kubectl set resources"
        );
    }
}
