//! JSON with slots, written as bytes: a million objects are told apart by what fills their slots.

use serde_json::Value;

/// A document that is compiled once and written for each object.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    Text(String),
    Slot(String),
}

impl Template {
    /// Compiles a JSON document. `@NAME@` within a string is a slot for text that needs no escapes; a string that is nothing
    /// but `@raw:NAME@` is a slot for a whole value.
    pub(super) fn compile(document: &str) -> Self {
        let compact = serde_json::from_str::<Value>(document).map_or_else(|_| document.to_owned(), |it| it.to_string());
        let mut parts = Vec::new();
        let mut rest = compact.as_str();
        while let Some((before, after)) = rest.split_once('@') {
            let Some((name, after)) = after.split_once('@') else { break };
            let (before, name, after) = match name.strip_prefix("raw:") {
                Some(name) => (before.strip_suffix('"').unwrap_or(before), name, after.strip_prefix('"').unwrap_or(after)),
                None => (before, name, after),
            };
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Slot(name.to_owned()));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Self(parts)
    }

    /// Writes the document; `fill` writes what belongs into a slot.
    pub(super) fn write(&self, out: &mut Vec<u8>, fill: &dyn Fn(&str, &mut Vec<u8>)) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Slot(name) => fill(name, out),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_take_text_within_strings_and_whole_values() {
        let template =
            Template::compile(r#"{"a": "@x@", "b": "1@x@2@x@", "c": "@raw:y@", "d": ["@raw:y@", "@x@"], "e": "@raw:y@"}"#);
        let mut out = Vec::new();
        template.write(&mut out, &|name, out| out.extend_from_slice(if name == "x" { b"text" } else { b"{\"v\":1}" }));
        let expected = r#"{"a":"text","b":"1text2text","c":{"v":1},"d":[{"v":1},"text"],"e":{"v":1}}"#;
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
