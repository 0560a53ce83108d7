//! Secrets in structured values: by the key they stand under, the name they stand beside, and the object they belong to.

use serde_json::{Map, Value};

use super::keys::{Trust, classify};
use super::values::{decode, is_secret};
use super::vocabulary::{NAME_KEYS, PASSWORDS, VALUE_KEYS};
use super::{MASK, detect, manifest};

/// Masks the secrets in every string of a value and counts them. Keys stay.
pub(super) fn value(value: &mut Value) -> usize {
    let mut hidden = 0;
    // Hiding one secret may show that what stands beside it is one.
    for _ in 0..super::ROUNDS {
        let found = walk(value, false);
        if found == 0 {
            break;
        }
        hidden += found;
    }
    hidden
}

/// `in_secrets` says that the objects of this list are Secrets although they do not say so.
fn walk(value: &mut Value, in_secrets: bool) -> usize {
    match value {
        Value::String(content) => string(content),
        Value::Array(items) => array(items, in_secrets),
        Value::Object(fields) => object(fields, in_secrets),
        _ => 0,
    }
}

fn string(content: &mut String) -> usize {
    let (masked, hidden) = super::text(content);
    if hidden > 0 {
        let masked = masked.into_owned();
        *content = masked;
    }
    hidden
}

fn hide(value: &mut Value) -> usize {
    *value = MASK.into();
    1
}

fn text_of<'a>(fields: &'a Map<String, Value>, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn object(fields: &mut Map<String, Value>, in_secrets: bool) -> usize {
    let kind = text_of(fields, "kind").to_owned();
    let typed = kind.is_empty() && manifest::is_type(text_of(fields, "type")) && fields.contains_key("data");
    if kind == "Secret" || typed || in_secrets && kind.is_empty() {
        return secret(fields);
    }
    let owned = match kind.as_str() {
        "ExternalSecret" => templated(fields),
        "ConfigMap" => binary(fields),
        _ => 0,
    };
    let mut hidden = owned + headers(fields) + named(fields) + web_key(fields) + grid(fields);
    for (key, value) in fields.iter_mut() {
        let listed = kind == "SecretList" && key == "items";
        hidden += match classify(key) {
            Some(trust) if !listed => below(key, value, trust),
            _ => walk(value, listed),
        };
    }
    hidden
}

/// The data of a Secret becomes sizes; all else is read as usual.
fn secret(fields: &mut Map<String, Value>) -> usize {
    let mut hidden = 0;
    for (key, value) in fields.iter_mut() {
        let plain = key == "stringData";
        match value {
            Value::Object(entries) if plain || key == "data" => {
                for entry in entries.values_mut().filter(|it| !it.is_null()) {
                    let content = entry.as_str().map_or_else(|| entry.to_string(), str::to_owned);
                    if content.starts_with(MASK) || content.is_empty() {
                        continue;
                    }
                    let size = if plain { content.len() } else { decode(&content).map_or(content.len(), |it| it.len()) };
                    *entry = format!("{MASK} {size} bytes").into();
                    hidden += 1;
                }
            }
            other => {
                if key == "metadata" {
                    hidden += annotations(other);
                }
                hidden += walk(other, false);
            }
        }
    }
    hidden
}

/// Annotations of a Secret repeat what it holds, the one of `kubectl apply` all of it.
fn annotations(metadata: &mut Value) -> usize {
    let Some(Value::Object(entries)) = metadata.get_mut("annotations") else { return 0 };
    let mut hidden = 0;
    for (key, value) in entries.iter_mut() {
        let Some(content) = value.as_str() else { continue };
        let applied = key.ends_with("last-applied-configuration");
        let digest = ["checksum", "hash", "sha", "digest"].iter().any(|it| key.contains(it));
        if content != MASK && !content.is_empty() && (applied || !digest && is_secret(content, Trust::Random)) {
            hidden += hide(value);
        }
    }
    hidden
}

/// What an `ExternalSecret` puts into its Secret beside what it fetches.
fn templated(fields: &mut Map<String, Value>) -> usize {
    let data = fields.get_mut("spec").and_then(|it| it.pointer_mut("/target/template/data"));
    let Some(Value::Object(entries)) = data else { return 0 };
    let plain = |it: &&mut Value| it.as_str().is_some_and(|it| !it.is_empty() && !it.starts_with(MASK) && !it.contains("{{"));
    entries.values_mut().filter(plain).map(hide).sum()
}

/// Binary data of a `ConfigMap` under the names of keys and key stores.
fn binary(fields: &mut Map<String, Value>) -> usize {
    let Some(Value::Object(entries)) = fields.get_mut("binaryData") else { return 0 };
    let mut hidden = 0;
    for (key, value) in entries.iter_mut() {
        let store = [".jks", ".p12", ".pfx", ".keystore", ".key"].iter().any(|it| key.ends_with(it));
        let filled = value.as_str().is_some_and(|it| !it.is_empty() && !it.starts_with(MASK));
        if filled && (store || classify(key).is_some()) {
            hidden += hide(value);
        }
    }
    hidden
}

/// What stands under a key that says that it is secret.
fn below(key: &str, value: &mut Value, trust: Trust) -> usize {
    match value {
        Value::String(content) if content.starts_with(MASK) => 0,
        Value::String(content)
            if key == "secretKey" && classify(content).is_some() && !content.contains(|it: char| it.is_ascii_digit()) =>
        {
            0
        }
        Value::String(content) if is_secret(content, if trust == Trust::Mixed { Trust::Sure } else { trust }) => hide(value),
        Value::Number(number) => {
            let sure = trust == Trust::Pin || trust == Trust::Sure && PASSWORDS.iter().any(|it| key.to_lowercase().contains(it));
            if sure && number.to_string().len() >= 4 { hide(value) } else { 0 }
        }
        Value::Array(items) if trust != Trust::Named && items.iter().all(|it| it.is_string() || it.is_number()) => {
            items.iter_mut().map(|item| below(key, item, trust)).sum()
        }
        Value::Object(fields) => {
            let plural = key.to_lowercase().ends_with('s') && !key.to_lowercase().ends_with("pass");
            let mut hidden = 0;
            for (name, child) in fields.iter_mut() {
                let lower = name.to_lowercase();
                let is_value = VALUE_KEYS.contains(lower.as_str()) || plural && !NAME_KEYS.contains(lower.as_str());
                if is_value && trust != Trust::Named && child.is_string() {
                    hidden += below(key, child, trust);
                }
            }
            hidden + object(fields, false)
        }
        other => walk(other, false),
    }
}

/// `{"name": "DB_PASSWORD", "value": "…"}`, in whatever order and case.
fn named(fields: &mut Map<String, Value>) -> usize {
    // `{"name": "Authorization", "value": "Bearer …"}` of a probe or a proxy.
    let names = || fields.iter().filter(|(key, _)| NAME_KEYS.contains(&key.to_lowercase().as_str()));
    let header = names().filter_map(|(_, name)| name.as_str()).map(str::to_lowercase).find(|it| is_header(it));
    if let Some(header) = header {
        let values = fields.iter_mut().filter(|(key, _)| VALUE_KEYS.contains(&key.to_lowercase().as_str()));
        return values.map(|(_, value)| header_values(&header, value)).sum();
    }
    let trust = fields.iter().filter(|(key, _)| NAME_KEYS.contains(&key.to_lowercase().as_str())).find_map(|(_, name)| {
        let name = name.as_str()?;
        classify(name.rsplit(['/', ' ', '[']).next().unwrap_or(name).trim_end_matches(']'))
    });
    let Some(trust) = trust else { return 0 };
    let mut hidden = 0;
    for (key, value) in fields.iter_mut() {
        if VALUE_KEYS.contains(&key.to_lowercase().as_str()) && (value.is_string() || value.is_number() || value.is_array()) {
            hidden += below("password", value, trust);
        }
    }
    hidden
}

/// Headers whose values have a grammar of their own.
fn headers(fields: &mut Map<String, Value>) -> usize {
    let mut hidden = 0;
    for (key, value) in fields.iter_mut() {
        let lower = key.to_lowercase();
        if is_header(&lower) {
            hidden += header_values(&lower, value);
        }
    }
    hidden
}

fn is_header(lower: &str) -> bool {
    matches!(lower, "cookie" | "set-cookie") || lower.ends_with("authorization")
}

/// Masks the values of a header as a line with that header would be.
fn header_values(header: &str, value: &mut Value) -> usize {
    let values: &mut [Value] = match value {
        Value::Array(values) => values,
        other => std::slice::from_mut(other),
    };
    let mut hidden = 0;
    for value in values {
        let Some(content) = value.as_str() else { continue };
        let line = format!("{header}: {content}");
        let (masked, found) = super::text(&line);
        if found > 0 {
            *value = masked.strip_prefix(&format!("{header}: ")).unwrap_or(MASK).into();
            hidden += found;
        }
    }
    hidden
}

/// The private members of a JSON Web Key.
fn web_key(fields: &mut Map<String, Value>) -> usize {
    if !fields.get("kty").is_some_and(Value::is_string) {
        return 0;
    }
    let private = ["d", "p", "q", "dp", "dq", "qi", "k"];
    let members = fields
        .iter_mut()
        .filter(|(key, value)| private.contains(&key.as_str()) && value.as_str().is_some_and(|it| !it.starts_with(MASK)));
    members.map(|(_, value)| hide(value)).sum()
}

/// A table: columns are keys, rows are objects without them.
fn grid(fields: &mut Map<String, Value>) -> usize {
    let title = |it: &Value| it.as_str().or_else(|| it.get("name")?.as_str()).map(str::to_owned).unwrap_or_default();
    let columns: Vec<String> = match fields.get("columns").or_else(|| fields.get("columnDefinitions")) {
        Some(Value::Array(columns)) => columns.iter().map(title).collect(),
        _ => return 0,
    };
    let Some(Value::Array(rows)) = fields.get_mut("rows") else { return 0 };
    let lower: Vec<String> = columns.iter().map(|it| it.to_lowercase()).collect();
    let name = lower.iter().position(|it| NAME_KEYS.contains(it.as_str()));
    let value = lower.iter().position(|it| VALUE_KEYS.contains(it.as_str()));
    let trusts: Vec<Option<Trust>> = columns.iter().map(|it| classify(it)).collect();
    let mut hidden = 0;
    for row in rows.iter_mut() {
        let cells = match row {
            Value::Array(cells) => cells,
            Value::Object(row) => match row.get_mut("cells") {
                Some(Value::Array(cells)) => cells,
                _ => continue,
            },
            _ => continue,
        };
        let beside =
            name.and_then(|it| cells.get(it)?.as_str()).and_then(|it| classify(it.rsplit(['/', ' ']).next().unwrap_or(it)));
        for (index, cell) in cells.iter_mut().enumerate() {
            let trust = trusts.get(index).copied().flatten().or(if value == Some(index) { beside } else { None });
            if let Some(trust) = trust
                && cell.is_string()
            {
                hidden += below("", cell, trust);
            }
        }
    }
    // A secret may run over the rows of a column, as the lines of a log do.
    for index in 0..columns.len() {
        let mut column: Vec<&mut String> = Vec::new();
        for row in rows.iter_mut() {
            if let Value::Array(cells) = row
                && let Some(Value::String(cell)) = cells.get_mut(index)
            {
                column.push(cell);
            }
        }
        hidden += lines(&mut column, "\n");
    }
    hidden
}

fn array(items: &mut [Value], in_secrets: bool) -> usize {
    let mut hidden = 0;
    let mut texts: Vec<&mut String> = Vec::new();
    let mut fields: Vec<String> = Vec::new();
    let mut argues = false;
    for item in items.iter() {
        match item {
            Value::String(text) => argues |= text.starts_with('-'),
            Value::Object(object) => {
                for (key, value) in object {
                    if value.is_string() && fields.len() < 32 && !fields.contains(key) {
                        fields.push(key.clone());
                    }
                }
            }
            _ => {}
        }
    }
    for item in items.iter_mut() {
        if let Value::String(text) = item {
            texts.push(text);
        }
    }
    // The arguments of a command are one line; everything else is read as lines.
    hidden += lines(&mut texts, if argues { " " } else { "\n" });
    for field in fields {
        let mut texts: Vec<&mut String> = Vec::new();
        for item in items.iter_mut() {
            if let Some(Value::String(text)) = item.get_mut(&field) {
                texts.push(text);
            }
        }
        hidden += if classify(&field).is_some() { 0 } else { lines(&mut texts, "\n") };
    }
    hidden + items.iter_mut().map(|item| walk(item, in_secrets)).sum::<usize>()
}

/// Masks secrets that run over several strings, such as a private key in the lines of a log.
fn lines(texts: &mut [&mut String], between: &str) -> usize {
    if texts.len() < 2 || !texts.iter().any(|it| super::needles::may_span(it)) {
        return 0;
    }
    let mut joined = String::new();
    let mut starts = Vec::with_capacity(texts.len());
    for text in texts.iter() {
        starts.push(joined.len());
        joined.push_str(text);
        joined.push_str(between);
    }
    let spans = detect(&joined);
    let mut hidden = 0;
    for span in spans {
        // Spans within one string are left to that string alone, where nothing around can mislead.
        let first = starts.partition_point(|it| *it <= span.start).saturating_sub(1);
        let last = starts.partition_point(|it| *it < span.end).saturating_sub(1);
        let alone = first == last;
        let argument = between == " " && alone;
        if alone && !argument {
            continue;
        }
        let mut changed = false;
        for index in first..=last {
            let is_argument = argument && index > 0 && texts.get(index - 1).is_some_and(|it| is_secret_flag(it));
            let (Some(text), Some(start)) = (texts.get_mut(index), starts.get(index)) else { continue };
            let from = span.start.saturating_sub(*start).min(text.len());
            let to = (span.end - start).min(text.len());
            // Masks before this one have moved the places of a string; a string is cut only once.
            if from >= to || text.contains(MASK) || !text.is_char_boundary(from) || !text.is_char_boundary(to) {
                continue;
            }
            // What follows a flag is its argument as a whole, whatever it looks like.
            if is_argument {
                MASK.clone_into(text);
            } else {
                text.replace_range(from..to, MASK);
            }
            changed = true;
        }
        hidden += usize::from(changed);
    }
    hidden
}

/// `--password` alone: what follows is the password.
fn is_secret_flag(text: &str) -> bool {
    text.starts_with('-') && !text.contains(['=', ' ']) && classify(text.trim_start_matches('-')).is_some()
}
