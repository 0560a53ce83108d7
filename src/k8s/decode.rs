//! Pages of a list, decoded while they arrive: each item is read as soon as it is complete, and its bytes are let go.

use serde_json::Value;

use super::keep::Keep;
use super::scan::{Scanner, Stop};

/// Most bytes of one object. Kubernetes stores at most 1.5 MB; aggregated API servers may have larger ones.
const MAX_ITEM: usize = 32 << 20;

/// Where a page is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the document.
    Start,
    /// Among the fields of the list; the flag says whether one has been read.
    Fields(bool),
    /// Among the items; the flag says whether one has been read.
    Items(bool),
    /// Behind the document.
    Done,
}

/// What follows a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PageEnd {
    /// The token of the next page, empty after the last one.
    pub(super) token: String,
    /// Objects behind this page, where the API server says so.
    pub(super) remaining: Option<u64>,
}

/// Reads one page after the other.
pub(super) struct Decoder<'k> {
    keep: &'k Keep,
    /// The last item, whose memory is used again unless it was taken out.
    item: Value,
    buffer: Vec<u8>,
    at: usize,
    stage: Stage,
    end: PageEnd,
    /// Length of the buffer before which another attempt would be in vain.
    wait: usize,
    received: usize,
    has_items: bool,
}

impl<'k> Decoder<'k> {
    pub(super) fn new(keep: &'k Keep) -> Self {
        let (buffer, end) = (Vec::new(), PageEnd::default());
        Self { keep, item: Value::Null, buffer, at: 0, stage: Stage::Start, end, wait: 0, received: 0, has_items: false }
    }

    /// Takes more bytes of the page, and hands over the items that they complete. What `take` leaves is read into again.
    pub(super) fn feed(&mut self, bytes: &[u8], take: &mut dyn FnMut(&mut Value)) -> Result<(), String> {
        self.buffer.drain(..self.at.min(self.buffer.len()));
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
        self.received += bytes.len();
        if self.buffer.len() < self.wait {
            return Ok(());
        }
        self.advance(take)?;
        let left = self.buffer.len() - self.at;
        if left > MAX_ITEM {
            return Err(format!("an object has more than {} MiB", MAX_ITEM >> 20));
        }
        // Reading the beginning of a large object again and again would take quadratic time.
        self.wait = (left * 2).min(MAX_ITEM + 1);
        Ok(())
    }

    /// The page has arrived whole; the next one may follow.
    pub(super) fn finish(&mut self, take: &mut dyn FnMut(&mut Value)) -> Result<PageEnd, String> {
        self.advance(take)?;
        if self.stage != Stage::Done {
            return Err(format!("it ends too early, after {} bytes", self.received));
        }
        if !self.has_items {
            return Err("it is no list".to_owned());
        }
        self.buffer.clear();
        (self.at, self.wait, self.received, self.has_items) = (0, 0, 0, false);
        self.stage = Stage::Start;
        Ok(std::mem::take(&mut self.end))
    }

    fn advance(&mut self, take: &mut dyn FnMut(&mut Value)) -> Result<(), String> {
        while self.stage != Stage::Done {
            match self.step(take) {
                Ok(()) => {}
                Err(Stop::End) => return Ok(()),
                Err(Stop::Broken(at)) => {
                    let offset = self.received - self.buffer.len() + at;
                    return Err(format!("unexpected text at byte {offset}"));
                }
            }
        }
        Ok(())
    }

    /// Reads one field or one item. Nothing has changed when the bytes do not suffice.
    fn step(&mut self, take: &mut dyn FnMut(&mut Value)) -> Result<(), Stop> {
        let mut scanner = Scanner::new(&self.buffer, self.at);
        let stage = match self.stage {
            Stage::Start => {
                scanner.expect(b'{')?;
                Stage::Fields(false)
            }
            Stage::Fields(_) if scanner.takes(b'}')? => Stage::Done,
            Stage::Fields(comma) => {
                if comma {
                    scanner.expect(b',')?;
                }
                let (name, _) = scanner.raw_string()?;
                scanner.expect(b':')?;
                if name == b"items" {
                    let some = scanner.takes(b'[')?;
                    if !some {
                        scanner.skip()?;
                    }
                    self.has_items = true;
                    if some { Stage::Items(false) } else { Stage::Fields(true) }
                } else {
                    if name == b"metadata" {
                        self.end = page_end(&mut scanner)?;
                    } else {
                        scanner.skip()?;
                    }
                    Stage::Fields(true)
                }
            }
            Stage::Items(_) if scanner.takes(b']')? => Stage::Fields(true),
            Stage::Items(comma) => {
                if comma {
                    scanner.expect(b',')?;
                }
                scanner.refill(&mut self.item, self.keep)?;
                take(&mut self.item);
                Stage::Items(true)
            }
            Stage::Done => Stage::Done,
        };
        self.at = scanner.at();
        self.stage = stage;
        Ok(())
    }
}

/// What the metadata of a list tells.
fn page_end(scanner: &mut Scanner<'_>) -> Result<PageEnd, Stop> {
    let metadata = scanner.value(&Keep::only(["continue", "remainingItemCount"]))?;
    let token = metadata.get("continue").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(PageEnd { token, remaining: metadata.get("remainingItemCount").and_then(Value::as_u64) })
}

/// The token of the next page, as soon as the beginning of a page tells it.
///
/// API servers write the metadata of a list before its items. `Err(Stop::End)` asks for more bytes; `None` says that the
/// items come first.
pub(super) fn early_token(head: &[u8]) -> Result<Option<String>, Stop> {
    let mut scanner = Scanner::new(head, 0);
    let mut found = None;
    scanner.fields(|scanner, name| {
        match name {
            b"metadata" => found = Some(page_end(scanner)?.token),
            b"items" => return Ok(false),
            _ => scanner.skip()?,
        }
        Ok(found.is_none())
    })?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str, block: usize) -> Result<(Vec<Value>, String), String> {
        let all = Keep::ALL;
        let mut decoder = Decoder::new(&all);
        let mut items = Vec::new();
        for bytes in text.as_bytes().chunks(block) {
            decoder.feed(bytes, &mut |it| items.push(it.clone()))?;
        }
        let end = decoder.finish(&mut |it| items.push(it.clone()))?;
        Ok((items, end.token))
    }

    #[test]
    fn a_page_is_the_same_in_blocks_of_any_size() {
        let expected = vec![json!({"a": "x\"]}"}), json!({"b": [1, {"c": null}]}), json!({})];
        let head = r#"{"kind":"PodList","metadata":{"resourceVersion":"1","continue":"t\u002b"},"items":"#;
        let items = Value::from(expected.clone()).to_string();
        let (front, back) = (format!("{head}{items}}}\n"), format!(r#"{{"items":{items} , "metadata":{{"continue":"t+"}}}}"#));
        for block in 1..=front.len() {
            assert_eq!(read(&front, block), Ok((expected.clone(), "t+".to_owned())));
            assert_eq!(read(&back, block), Ok((expected.clone(), "t+".to_owned())));
        }
        assert_eq!(early_token(front.as_bytes()), Ok(Some("t+".to_owned())));
        assert_eq!(early_token(back.as_bytes()), Ok(None));
        assert_eq!(early_token(&front.as_bytes()[..50]), Err(Stop::End));
        for empty in [r#"{"items":null}"#, r#"{"items":[],"metadata":{}}"#] {
            assert_eq!(read(empty, 3), Ok((Vec::new(), String::new())));
        }
    }

    #[test]
    fn the_end_of_a_page_says_what_follows() {
        let all = Keep::ALL;
        let mut decoder = Decoder::new(&all);
        decoder.feed(br#"{"metadata":{"continue":"a","remainingItemCount":7},"items":[]}"#, &mut |_| {}).unwrap();
        assert_eq!(decoder.finish(&mut |_| {}), Ok(PageEnd { token: "a".to_owned(), remaining: Some(7) }));
    }

    #[test]
    fn one_decoder_reads_page_after_page() {
        let all = Keep::ALL;
        let mut decoder = Decoder::new(&all);
        let mut items = Vec::new();
        for (page, token) in [(r#"{"metadata":{"continue":"a"},"items":[1]}"#, "a"), (r#"{"metadata":{},"items":[2]}"#, "")] {
            decoder.feed(page.as_bytes(), &mut |it| items.push(it.clone())).unwrap();
            assert_eq!(decoder.finish(&mut |it| items.push(it.clone())).unwrap().token, token);
        }
        assert_eq!(items, [json!(1), json!(2)]);
    }

    #[test]
    fn what_is_no_page_is_refused_with_the_place() {
        for (text, why) in [
            (r#"{"items":[{"a":1},{"b""#, "it ends too early, after 22 bytes"),
            (r#"{"items":[{"a":1}{"b":2}]}"#, "unexpected text at byte 17"),
            ("<html>", "unexpected text at byte 0"),
            ("{}", "it is no list"),
            ("", "it ends too early, after 0 bytes"),
        ] {
            for block in [1, 5, 100] {
                assert_eq!(read(text, block), Err(why.to_owned()), "{text} {block}");
            }
        }
    }

    #[test]
    fn a_large_object_takes_linear_time_and_an_endless_one_is_refused() {
        let large = format!(r#"{{"items":[{{"data":"{}"}}]}}"#, "x".repeat(4 << 20));
        assert_eq!(read(&large, 1_000).unwrap().0.len(), 1);
        let endless = format!(r#"{{"items":["{}"#, "x".repeat(MAX_ITEM + 1));
        assert!(read(&endless, 1 << 20).unwrap_err().contains("more than 32 MiB"));
    }
}
