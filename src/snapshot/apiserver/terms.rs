//! The grammar of field selectors: terms between commas, each a label, an operator and a value.

/// One term of a field selector.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// The field, by the name that requests use.
    pub(super) label: String,
    /// Whether the field must have the value, or must not.
    pub(super) equals: bool,
    /// The value, its escapes resolved.
    pub(super) value: String,
}

/// Parses a field selector; without terms it selects everything.
pub(super) fn parse(text: &str) -> Result<Vec<Term>, String> {
    let terms = split(text).into_iter().filter(|it| !it.is_empty()).map(|term| {
        let wrong = || format!("invalid selector: '{text}'; can't understand '{term}'");
        let position = term.find(['=', '!']).ok_or_else(wrong)?;
        let (label, rest) = term.split_at(position);
        let operators = [("!=", false), ("==", true), ("=", true)];
        let (value, equals) =
            operators.iter().find_map(|(it, equals)| Some((rest.strip_prefix(it)?, *equals))).ok_or_else(wrong)?;
        Ok(Term { label: label.to_owned(), equals, value: unescape(value) })
    });
    terms.collect()
}

/// Splits at the commas that no backslash escapes.
fn split(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        if character == ',' && !escaped {
            terms.extend(text.get(start..index));
            start = index + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    terms.extend(text.get(start..));
    terms
}

fn unescape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        text.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    text
}
