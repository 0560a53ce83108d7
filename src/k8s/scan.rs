//! Reads JSON only as far as it is asked for: what a caller does not keep is stepped over, neither copied nor parsed.
//!
//! Lists of a large cluster are gigabytes, of which a tool looks at a tenth. Values that are stepped over are checked for
//! strings and nesting only; values that are kept are checked in full.

use serde_json::{Map, Number, Value};

use super::keep::Keep;
use super::nest;

/// Values within values; deeper ones are no Kubernetes objects.
const MAX_DEPTH: usize = 100;

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
            b'{' | b'[' => {
                self.at += nest::length(self.bytes.get(self.at..).unwrap_or_default()).ok_or(Stop::End)?;
                Ok(())
            }
            _ => self.word().map(drop),
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
        let mut value = Value::Null;
        self.refill(&mut value, keep)?;
        Ok(value)
    }

    /// Reads what is kept of a value into one that was read before.
    ///
    /// Objects of a list are alike: names are compared instead of copied and hashed, and texts are written over. What stood
    /// there before does not show. Where reading stops, the value is of no use but to be read into again.
    pub(super) fn refill(&mut self, value: &mut Value, keep: &Keep) -> Result<(), Stop> {
        self.nested(value, keep, 0)
    }

    fn nested(&mut self, value: &mut Value, keep: &Keep, depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Broken(self.at));
        }
        match self.peek()? {
            b'"' => {
                let (raw, escaped) = self.raw_string()?;
                match value {
                    Value::String(text) if !escaped => overwrite(text, raw),
                    _ => *value = Value::String(self.text(raw, escaped)?),
                }
                Ok(())
            }
            b'{' => match value {
                Value::Object(map) => self.map(map, keep, depth),
                _ => {
                    let mut map = Map::new();
                    self.map(&mut map, keep, depth)?;
                    *value = Value::Object(map);
                    Ok(())
                }
            },
            b'[' => match value {
                Value::Array(items) => self.items(items, keep, depth),
                _ => {
                    let mut items = Vec::new();
                    self.items(&mut items, keep, depth)?;
                    *value = Value::Array(items);
                    Ok(())
                }
            },
            _ => {
                let start = self.at;
                *value = match self.word()? {
                    b"true" => Value::Bool(true),
                    b"false" => Value::Bool(false),
                    b"null" => Value::Null,
                    word => number(word).ok_or(Stop::Broken(start))?,
                };
                Ok(())
            }
        }
    }

    fn map(&mut self, map: &mut Map<String, Value>, keep: &Keep, depth: usize) -> Result<(), Stop> {
        let mut before = map.iter_mut();
        let mut same = 0;
        // From the first field on that is another one than before.
        let mut others = Vec::new();
        self.fields(|scanner, name| {
            let keep = keep.field(name);
            if keep.is_nothing() {
                return scanner.skip().map(|()| true);
            }
            if others.is_empty()
                && let Some((known, value)) = before.next()
                && known.as_bytes() == name
            {
                scanner.nested(value, keep, depth + 1)?;
                same += 1;
                return Ok(true);
            }
            let name = scanner.text(name, name.contains(&b'\\'))?;
            let mut value = Value::Null;
            scanner.nested(&mut value, keep, depth + 1)?;
            others.push((name, value));
            Ok(true)
        })?;
        if same < map.len() {
            let mut place = 0;
            map.retain(|_, _| {
                place += 1;
                place <= same
            });
        }
        map.extend(others);
        Ok(())
    }

    fn items(&mut self, items: &mut Vec<Value>, keep: &Keep, depth: usize) -> Result<(), Stop> {
        self.expect(b'[')?;
        if self.takes(b']')? {
            items.clear();
            return Ok(());
        }
        let mut count = 0;
        loop {
            if let Some(item) = items.get_mut(count) {
                self.nested(item, keep, depth + 1)?;
            } else {
                let mut item = Value::Null;
                self.nested(&mut item, keep, depth + 1)?;
                items.push(item);
            }
            count += 1;
            if self.takes(b']')? {
                items.truncate(count);
                return Ok(());
            }
            self.expect(b',')?;
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

    /// The text of a string that was written like this. Bytes that are no UTF-8 are replaced: old objects hold some.
    fn text(&self, raw: &[u8], escaped: bool) -> Result<String, Stop> {
        if !escaped {
            let mut text = String::new();
            overwrite(&mut text, raw);
            return Ok(text);
        }
        let quoted = [b"\"".as_slice(), String::from_utf8_lossy(raw).as_bytes(), b"\""].concat();
        serde_json::from_slice(&quoted).map_err(|_| Stop::Broken(self.at))
    }
}

/// Puts a text without escapes in place of another one.
fn overwrite(text: &mut String, raw: &[u8]) {
    text.clear();
    match std::str::from_utf8(raw) {
        Ok(raw) => text.push_str(raw),
        Err(_) => text.push_str(&String::from_utf8_lossy(raw)),
    }
}

/// A number. Nearly all are small and whole.
fn number(word: &[u8]) -> Option<Value> {
    let is_small = word.len() < 16 && word.iter().all(u8::is_ascii_digit) && (word.first() != Some(&b'0') || word.len() == 1);
    if is_small {
        let number = word.iter().fold(0_u64, |number, digit| number * 10 + u64::from(digit - b'0'));
        return Some(Value::from(number));
    }
    serde_json::from_slice::<Number>(word).map(Value::Number).ok()
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
#[path = "scan_tests.rs"]
mod tests;
