//! Reads JSON only as far as it is asked for: what a caller does not keep is stepped over, neither copied nor parsed.
//!
//! Lists of a large cluster are gigabytes, of which a tool looks at a tenth. Values that are stepped over are checked for
//! strings and nesting only; values that are kept are checked in full.

use serde_json::{Map, Number, Value};

use crate::domain::status;

/// Values within values; deeper ones are no Kubernetes objects.
const MAX_DEPTH: usize = 100;

/// Which fields of an object are kept. Lists are transparent: a path goes on within each of their items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Fields with rules of their own.
    fields: Vec<(String, Self)>,
    /// Whether the other fields are kept.
    others: bool,
}

static EVERYTHING: Keep = Keep::ALL;
static NOTHING: Keep = Keep::NOTHING;

impl Keep {
    /// Everything.
    pub const ALL: Self = Self { fields: Vec::new(), others: true };
    const NOTHING: Self = Self { fields: Vec::new(), others: false };

    /// Only what lies at or below these paths, such as `status.conditions.type`.
    pub fn only<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut keep = Self::NOTHING;
        for path in paths {
            keep.set(&path.split('.').collect::<Vec<_>>(), false);
        }
        keep
    }

    /// Everything but what lies at or below these paths, each a list of names.
    pub fn all_but(paths: &[&[&str]]) -> Self {
        let mut keep = Self::ALL;
        for path in paths {
            keep.set(path, true);
        }
        keep
    }

    /// What the state of an object of this kind is read from, and how it is grouped; everything but bookkeeping for kinds of
    /// which anything may matter.
    pub fn for_status(kind: &str) -> Self {
        match status::fields(kind) {
            Some(paths) => Self::only(paths.iter().map(String::as_str)),
            None => Self::tidy(),
        }
    }

    /// Everything but what was written for the API server and for kubectl: who set which field, and a copy of the whole.
    pub fn tidy() -> Self {
        let copy = "kubectl.kubernetes.io/last-applied-configuration";
        Self::all_but(&[&["metadata", "managedFields"], &["metadata", "annotations", copy]])
    }

    fn set(&mut self, path: &[&str], drop: bool) {
        let [name, rest @ ..] = path else {
            *self = if drop { Self::NOTHING } else { Self::ALL };
            return;
        };
        if *self == Self::ALL && !drop {
            return;
        }
        let empty = Self { fields: Vec::new(), others: drop };
        let position = self.fields.iter().position(|(field, _)| field == name).unwrap_or_else(|| {
            self.fields.push(((*name).to_owned(), empty));
            self.fields.len() - 1
        });
        if let Some((_, child)) = self.fields.get_mut(position) {
            child.set(rest, drop);
        }
    }

    fn field(&self, name: &[u8]) -> &Self {
        let found = self.fields.iter().find(|(field, _)| field.as_bytes() == name);
        found.map_or(if self.others { &EVERYTHING } else { &NOTHING }, |(_, keep)| keep)
    }

    fn is_nothing(&self) -> bool {
        !self.others && self.fields.is_empty()
    }
}

/// Why reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The bytes end before the value does.
    End,
    /// At this offset stands what JSON does not have there.
    Broken(usize),
}

/// A position in JSON text.
#[derive(Clone, Debug)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The offset of the next byte.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next byte that is no white space; it is not taken.
    #[inline]
    pub(super) fn peek(&mut self) -> Result<u8, Stop> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Stop::End),
            }
        }
    }

    /// Takes this byte, or says that another one stands there.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(Stop::Broken(self.at));
        }
        self.at += 1;
        Ok(())
    }

    /// Takes this byte if it is the next one.
    #[inline]
    pub(super) fn takes(&mut self, byte: u8) -> Result<bool, Stop> {
        let found = self.peek()? == byte;
        self.at += usize::from(found);
        Ok(found)
    }

    /// A string as it is written, without its quotes, and whether it has escapes.
    #[inline]
    pub(super) fn raw_string(&mut self) -> Result<(&'a [u8], bool), Stop> {
        self.expect(b'"')?;
        let start = self.at;
        let (end, escaped) = self.end_of_string(start)?;
        self.at = end + 1;
        Ok((self.bytes.get(start..end).unwrap_or_default(), escaped))
    }

    /// The offset of the quote that ends the string whose text begins at `at`.
    #[inline]
    fn end_of_string(&self, mut at: usize) -> Result<(usize, bool), Stop> {
        let mut escaped = false;
        loop {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += quote_or_escape(rest).ok_or(Stop::End)?;
            if self.bytes.get(at) == Some(&b'"') {
                return Ok((at, escaped));
            }
            escaped = true;
            at += 2;
        }
    }

    /// Steps over a value.
    pub(super) fn skip(&mut self) -> Result<(), Stop> {
        match self.peek()? {
            b'"' => self.raw_string().map(drop),
            b'{' | b'[' => self.skip_nested(),
            _ => self.word().map(drop),
        }
    }

    fn skip_nested(&mut self) -> Result<(), Stop> {
        let mut depth = 0_usize;
        let mut at = self.at;
        loop {
            let byte = *self.bytes.get(at).ok_or(Stop::End)?;
            at += 1;
            match byte {
                b'"' => at = self.end_of_string(at)?.0 + 1,
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at = at;
                        return Ok(());
                    }
                }
                _ => {}
            }
        }
    }

    /// A number, `true`, `false` or `null`. It needs a byte after it to be known as complete.
    fn word(&mut self) -> Result<&'a [u8], Stop> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().position(|it| !is_part(it)).ok_or(Stop::End)?;
        if length == 0 {
            return Err(Stop::Broken(self.at));
        }
        self.at += length;
        Ok(rest.get(..length).unwrap_or_default())
    }

    /// Reads what is kept of a value.
    pub(super) fn value(&mut self, keep: &Keep) -> Result<Value, Stop> {
        self.nested_value(keep, 0)
    }

    fn nested_value(&mut self, keep: &Keep, depth: usize) -> Result<Value, Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Broken(self.at));
        }
        match self.peek()? {
            b'"' => self.string().map(Value::String),
            b'{' => {
                let mut map = Map::new();
                self.fields(|scanner, name| {
                    let keep = keep.field(name);
                    if keep.is_nothing() {
                        return scanner.skip().map(|()| true);
                    }
                    let name = scanner.text(name, name.contains(&b'\\'))?;
                    let value = scanner.nested_value(keep, depth + 1)?;
                    map.insert(name, value);
                    Ok(true)
                })?;
                Ok(Value::Object(map))
            }
            b'[' => {
                self.at += 1;
                let mut items = Vec::new();
                if self.takes(b']')? {
                    return Ok(Value::Array(items));
                }
                loop {
                    items.push(self.nested_value(keep, depth + 1)?);
                    if self.takes(b']')? {
                        return Ok(Value::Array(items));
                    }
                    self.expect(b',')?;
                }
            }
            _ => {
                let start = self.at;
                match self.word()? {
                    b"true" => Ok(Value::Bool(true)),
                    b"false" => Ok(Value::Bool(false)),
                    b"null" => Ok(Value::Null),
                    word => serde_json::from_slice::<Number>(word).map(Value::Number).map_err(|_| Stop::Broken(start)),
                }
            }
        }
    }

    /// Hands each field of an object to `visit`, which takes the value and returns whether to go on.
    ///
    /// Returns whether the object was read to its end.
    pub(super) fn fields(&mut self, mut visit: impl FnMut(&mut Self, &'a [u8]) -> Result<bool, Stop>) -> Result<bool, Stop> {
        self.expect(b'{')?;
        if self.takes(b'}')? {
            return Ok(true);
        }
        loop {
            self.peek()?;
            let (name, _) = self.raw_string()?;
            self.expect(b':')?;
            if !visit(self, name)? {
                return Ok(false);
            }
            if self.takes(b'}')? {
                return Ok(true);
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<String, Stop> {
        let (raw, escaped) = self.raw_string()?;
        self.text(raw, escaped)
    }

    /// The text of a string that was written like this. Bytes that are no UTF-8 are replaced: old objects hold some.
    fn text(&self, raw: &[u8], escaped: bool) -> Result<String, Stop> {
        if !escaped {
            let text = std::str::from_utf8(raw).map_or_else(|_| String::from_utf8_lossy(raw).into_owned(), str::to_owned);
            return Ok(text);
        }
        let quoted = [b"\"".as_slice(), String::from_utf8_lossy(raw).as_bytes(), b"\""].concat();
        serde_json::from_slice(&quoted).map_err(|_| Stop::Broken(self.at))
    }
}

/// The position of the first quote or backslash, eight bytes at a time.
#[inline]
fn quote_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let hits = zeros(word ^ (ONES * 0x22)) | zeros(word ^ (ONES * 0x5C));
        if hits != 0 {
            // The lowest hit is exact; only those above it may be false.
            return Some(index * 8 + hits.trailing_zeros() as usize / 8);
        }
    }
    let position = rest.iter().position(|it| matches!(it, b'"' | b'\\'))?;
    Some(words.len() * 8 + position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str, keep: &Keep) -> Result<Value, Stop> {
        Scanner::new(text.as_bytes(), 0).value(keep)
    }

    #[test]
    fn what_is_read_is_what_a_full_parser_reads() {
        let texts = [
            r#"{"a":1,"b":[true,false,null,-1.5e3,{"c":{}}],"d":"x\"y\\z\u00e9\ud83d\ude00","":[]}"#,
            " {\n\t\"a\" : [ 1 , 2 ] , \"long\" : \"eight bytes and more, then a \\n\" } ",
            r#"{"big":18446744073709551615,"small":-9223372036854775808,"é":"ü"}"#,
            "[]",
            r#""alone""#,
        ];
        for text in texts {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text, &Keep::ALL), Ok(expected), "{text}");
            let mut scanner = Scanner::new(text.as_bytes(), 0);
            assert_eq!(scanner.skip(), Ok(()));
            assert_eq!(scanner.at(), text.trim_end().len());
        }
    }

    #[test]
    fn every_beginning_of_a_document_ends_too_early() {
        let text = r#"{"a":[1,{"b":"c\"d"}],"e":{"f":null}}"#;
        for length in 0..text.len() {
            for keep in [&Keep::ALL, &Keep::only(["e"]), &Keep::NOTHING] {
                assert_eq!(read(&text[..length], keep), Err(Stop::End), "{length}");
            }
        }
    }

    #[test]
    fn broken_documents_are_refused_where_they_break() {
        for (text, at) in [("{x", 1), (r#"{"a" 1}"#, 5), ("[1 2] ", 3), (r#"{"a":tru }"#, 5), (r#"{"a":1,}"#, 7), ("[01] ", 1)] {
            assert_eq!(read(text, &Keep::ALL), Err(Stop::Broken(at)), "{text}");
        }
        let deep = "[".repeat(200);
        assert!(matches!(read(&deep, &Keep::ALL), Err(Stop::Broken(_))));
    }

    #[test]
    fn only_what_is_kept_is_read() {
        let text = json!({
            "metadata": {"name": "a", "managedFields": [{"x": "}"}], "annotations": {"k.io/a.b": "1", "c": "2"}},
            "spec": {"containers": [{"name": "x", "env": [{"name": "E"}]}, {"name": "y"}]},
        })
        .to_string();
        let only = Keep::only(["metadata.name", "spec.containers.name"]);
        assert_eq!(
            read(&text, &only),
            Ok(json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "x"}, {"name": "y"}]}}))
        );
        let but = Keep::all_but(&[&["metadata", "managedFields"], &["metadata", "annotations", "k.io/a.b"], &["spec"]]);
        assert_eq!(read(&text, &but), Ok(json!({"metadata": {"name": "a", "annotations": {"c": "2"}}})));
        assert_eq!(Keep::only(["a", "a.b"]), Keep::only(["a"]));
    }
}
