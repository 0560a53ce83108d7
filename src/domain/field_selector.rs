//! Field selectors, read by the grammar of a real server and refused in its words, with the place where they are wrong.

use super::selector::Wrong;

/// One term of a field selector.
#[derive(Debug, PartialEq, Eq)]
pub struct Term {
    /// The field, by the name that requests use.
    pub label: String,
    /// Whether the field must have the value, or must not.
    pub equals: bool,
    /// The value, its escapes resolved.
    pub value: String,
}

/// The longest first where one begins another.
const OPERATORS: [(&str, bool); 3] = [("!=", false), ("==", true), ("=", true)];

/// Parses a field selector; without terms it selects everything.
///
/// # Errors
/// What is wrong with it, and where.
pub fn parse(text: &str) -> Result<Vec<Term>, Wrong> {
    let terms = split(text).into_iter().filter(|(_, term)| !term.is_empty()).map(|(start, term)| {
        let wrong = |message: String, offset: usize| Wrong { message, at: characters(text, start + offset) + 1 };
        let Some((position, operator, equals)) = operator(term) else {
            return Err(wrong(format!("invalid selector: '{text}'; can't understand '{term}'"), 0));
        };
        let (label, rest) = term.split_at(position);
        if label.trim().is_empty() {
            return Err(wrong(format!("invalid selector: '{text}'; no field stands before '{operator}'"), 0));
        }
        let value = rest.get(operator.len()..).unwrap_or_default();
        let value = unescape(value).map_err(|(message, offset)| wrong(message, position + operator.len() + offset))?;
        Ok(Term { label: label.to_owned(), equals, value })
    });
    terms.collect()
}

/// A value as a selector takes it, with what separates terms escaped.
pub fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

/// The character, from 1, with which the term of a field begins.
pub fn place(text: &str, label: &str) -> Option<usize> {
    let is_meant = |term: &str| operator(term).is_some_and(|(position, ..)| term.get(..position) == Some(label));
    split(text).into_iter().find(|(_, term)| is_meant(term)).map(|(start, _)| characters(text, start) + 1)
}

/// Characters before an offset in bytes.
fn characters(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).chars().count()
}

/// The first operator of a term, and where it stands.
fn operator(term: &str) -> Option<(usize, &'static str, bool)> {
    term.char_indices().find_map(|(index, _)| {
        let rest = term.get(index..)?;
        OPERATORS.iter().find(|(it, _)| rest.starts_with(it)).map(|(it, equals)| (index, *it, *equals))
    })
}

/// Splits at the commas that no backslash escapes; each term with its offset in bytes.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, character) in text.char_indices() {
        if character == ',' && !escaped {
            terms.extend(text.get(start..index).map(|it| (start, it)));
            start = index + 1;
        }
        escaped = character == '\\' && !escaped;
    }
    terms.extend(text.get(start..).map(|it| (start, it)));
    terms
}

/// Resolves the escapes of a value; an error comes with its offset in bytes.
fn unescape(value: &str) -> Result<String, (String, usize)> {
    let mut text = String::with_capacity(value.len());
    let mut characters = value.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some((_, escaped @ ('\\' | ',' | '='))) => text.push(escaped),
                other => {
                    let sequence: String = ['\\'].into_iter().chain(other.map(|(_, it)| it)).collect();
                    return Err((format!("invalid field selector: invalid escape sequence: {sequence}"), index));
                }
            },
            '=' => return Err((format!("invalid field selector: unescaped character in value: {character}"), index)),
            _ => text.push(character),
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_have_a_label_an_operator_and_a_value() {
        let term = |label: &str, equals, value: &str| Term { label: label.to_owned(), equals, value: value.to_owned() };
        assert_eq!(parse(""), Ok(Vec::new()));
        assert_eq!(
            parse(r"spec.nodeName=a,status.phase!=Failed,,x==b\,c\=\\"),
            Ok(vec![term("spec.nodeName", true, "a"), term("status.phase", false, "Failed"), term("x", true, r"b,c=\")])
        );
        assert_eq!(parse("a!b=c"), Ok(vec![term("a!b", true, "c")]));
    }

    #[test]
    fn what_is_escaped_is_read_back() {
        for value in ["web", r"a,b=c\", r"\,\=", ""] {
            let terms = parse(&format!("a={},b=c", escape(value))).unwrap();
            assert_eq!((terms.len(), terms[0].value.as_str()), (2, value));
        }
    }

    #[test]
    fn a_field_has_a_place() {
        assert_eq!(place("é=1,spec.nodeName!=a\\,b,x=2", "x"), Some(25));
        assert_eq!((place("ab=1,b=2", "b"), place("a=1", "b")), (Some(6), None));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, told) in [
            ("status.phase", "invalid selector: 'status.phase'; can't understand 'status.phase', at character 1"),
            ("a=b,é,c=d", "invalid selector: 'a=b,é,c=d'; can't understand 'é', at character 5 behind `a=b,`"),
            ("a=b,=c", "invalid selector: 'a=b,=c'; no field stands before '=', at character 5 behind `a=b,`"),
            ("a=b=c", "invalid field selector: unescaped character in value: =, at character 4 behind `a=b`"),
            (r"a=b,c=d\n", r"invalid field selector: invalid escape sequence: \n, at character 8 behind `a=b,c=d`"),
        ] {
            assert_eq!(parse(text).unwrap_err().told(text), told);
        }
    }
}
