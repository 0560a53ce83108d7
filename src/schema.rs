//! JSON schemas that every client takes.
//!
//! Model vendors disagree on what they accept, and one schema too clever makes some of them refuse every tool. So all is
//! inlined, each node has one type, optional means absent, and there are no combinators.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of a tool's arguments.
pub fn input<T: JsonSchema>() -> Arc<JsonObject> {
    build::<T>(SchemaSettings::draft2020_12())
}

/// The schema of a tool's answer.
pub fn output<T: JsonSchema>() -> Arc<JsonObject> {
    let mut schema = JsonObject::clone(&build::<T>(SchemaSettings::draft2020_12().for_serialize()));
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        // What the registry may add to any answer.
        properties.entry("warnings").or_insert_with(
            || json!({"type": "array", "description": "What to mind when reading this answer.", "items": {"type": "string"}}),
        );
        properties.entry("redacted").or_insert_with(|| {
            json!({"type": "integer", "description": "How many secrets were hidden as `[redacted]`; absent when none.", "minimum": 1})
        });
    }
    Arc::new(schema)
}

fn build<T: JsonSchema>(settings: SchemaSettings) -> Arc<JsonObject> {
    let settings = settings.with(|it| {
        it.inline_subschemas = true;
        it.meta_schema = None;
    });
    let mut schema = settings.with_transform(Portable).into_generator().into_root_schema_for::<T>();
    schema.remove("title");
    schema.remove("description");
    let mut object = match schema.to_value() {
        Value::Object(object) => object,
        _ => JsonObject::new(),
    };
    object.entry("properties").or_insert_with(|| Value::Object(JsonObject::new()));
    Arc::new(object)
}

#[derive(Clone, Debug)]
struct Portable;

impl Transform for Portable {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else { return };
        drop_rust_formats(object);
        drop_null_type(object);
        unwrap_nullable(object);
        flatten_enum(object);
        // A default in the schema is repeated by the prose of the field, which models read.
        object.remove("default");
    }
}

/// `uint32` and its like are names of schemars, not of JSON Schema.
fn drop_rust_formats(object: &mut JsonObject) {
    let known = matches!(object.get("format").and_then(Value::as_str), Some("date-time" | "uri"));
    if !known {
        object.remove("format");
    }
}

/// `Option<T>`: that a field may be missing is said by `required`, never by `null`.
fn drop_null_type(object: &mut JsonObject) {
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|it| it != "null");
        if types.len() == 1 {
            let only = types.remove(0);
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = object.get_mut("enum") {
        values.retain(|it| !it.is_null());
    }
}

/// `Option<Struct>` arrives as `anyOf` of the struct and null; keep the struct.
fn unwrap_nullable(object: &mut JsonObject) {
    let Some(Value::Array(arms)) = object.get_mut("anyOf") else { return };
    arms.retain(|arm| arm.get("type").is_none_or(|it| it != "null"));
    if arms.len() != 1 {
        return;
    }
    if let Value::Object(only) = arms.remove(0) {
        object.remove("anyOf");
        for (key, value) in only {
            object.entry(key).or_insert(value);
        }
    }
}

/// An enum with documented variants arrives as `oneOf` of constants; make it an `enum` and keep the documentation as text.
fn flatten_enum(object: &mut JsonObject) {
    let Some(Value::Array(arms)) = object.get("oneOf") else { return };
    let mut names = Vec::new();
    let mut notes = Vec::new();
    for arm in arms {
        let values: Vec<&Value> = match (arm.get("const"), arm.get("enum")) {
            (Some(value), _) => vec![value],
            (None, Some(Value::Array(values))) => values.iter().collect(),
            _ => return,
        };
        for value in values {
            let Some(name) = value.as_str() else { return };
            names.push(Value::from(name));
            if let Some(note) = arm.get("description").and_then(Value::as_str) {
                notes.push(format!("`{name}`: {note}"));
            }
        }
    }
    let description = object.get("description").and_then(Value::as_str).unwrap_or_default();
    let text = [description, &notes.join(" ")].join(" ").trim().to_owned();
    object.remove("oneOf");
    object.insert("type".to_owned(), "string".into());
    object.insert("enum".to_owned(), Value::Array(names));
    if !text.is_empty() {
        object.insert("description".to_owned(), text.into());
    }
}
