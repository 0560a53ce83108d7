//! Lists of any length: received page by page, read while they arrive, and never held whole.
//!
//! While one page is read the next one is received, and the one after that may be asked for, so that a long list takes no
//! longer than the network and the API server do.

use kube::Client;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::api::ListOptions;
use super::decode::Decoder;
use super::keep::Keep;
use super::kinds::Kind;
pub(super) use super::receive::Form;
use super::receive::{Part, Sink, Source};
use crate::domain::object::Object;
use crate::error::{ErrorKind, ToolError};

/// Blocks that may wait for the reader: two mebibytes, and what waits in the connection beside them.
const WAITING: usize = 24;
/// Bytes of a page after which its objects are handed over in parts.
const PART: usize = 16 << 20;

/// How far a list was read, and how that went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Pages that were read.
    pub pages: usize,
    /// Where to go on; absent at the end of the list.
    pub next: Option<String>,
    /// Objects behind the last page read, where the API server says so, which it does not for selections.
    pub remaining: Option<u64>,
    /// Whether the API server forgot its state of the list on the way, so that later pages show a newer one.
    pub expired: bool,
}

impl Listed {
    /// What a reader of the answer should know.
    pub fn warning(&self) -> Option<String> {
        self.expired.then(|| {
            "the API server forgot the state of the list while it was read (410 Expired), so reading was started over: objects \
             that changed meanwhile may be missing or shown as they were"
                .to_owned()
        })
    }
}

/// Stops the receiver when the reader is no longer there.
struct Receiver(JoinHandle<Result<(), ToolError>>);

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A step through a list.
pub enum Step {
    /// An object.
    Object(Object),
    /// All objects of a page have been handed over; a list that is left here can be gone on with.
    PageEnd,
}

/// What is done with the objects of a list.
pub(super) trait Visit: Send {
    /// Takes one object. Returns whether to go on.
    fn object(&mut self, object: Object) -> bool;

    /// So much has been read that no more should be held.
    fn full(&mut self) {}

    /// A page is complete. Returns whether to go on.
    fn page_end(&mut self) -> bool;
}

/// Each object is looked at and let go.
pub(super) struct One<F>(pub(super) F);

impl<F: FnMut(Step) -> bool + Send> Visit for One<F> {
    fn object(&mut self, object: Object) -> bool {
        (self.0)(Step::Object(object))
    }

    fn page_end(&mut self) -> bool {
        (self.0)(Step::PageEnd)
    }
}

/// Objects are collected and looked at page by page, or in parts of a page of very large ones.
pub(super) struct Many<F> {
    visit: F,
    held: Vec<Object>,
    goes_on: bool,
}

impl<F: FnMut(Vec<Object>) -> bool + Send> Many<F> {
    pub(super) fn new(visit: F) -> Self {
        Self { visit, held: Vec::new(), goes_on: true }
    }
}

impl<F: FnMut(Vec<Object>) -> bool + Send> Visit for Many<F> {
    fn object(&mut self, object: Object) -> bool {
        self.held.push(object);
        true
    }

    fn full(&mut self) {
        self.goes_on &= (self.visit)(std::mem::take(&mut self.held));
    }

    fn page_end(&mut self) -> bool {
        self.full();
        self.goes_on
    }
}

/// Lists objects and hands them to `visit`.
///
/// # Errors
/// What the API server answers; `upstream` when its answer breaks off or is no list.
pub(super) async fn list(
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    form: Form,
    keep: &Keep,
    visit: impl Visit,
) -> Result<Listed, ToolError> {
    let source = Source::new(client, kind, options, form)?;
    let thing = source.thing.clone();
    let (sender, mut parts) = mpsc::channel(WAITING);
    let (emptied, spare) = mpsc::unbounded_channel();
    let mut receiver = Receiver(tokio::spawn(source.receive(Sink { parts: sender, spare })));
    let mut decoder = Decoder::new(keep);
    let mut listed = Listed::default();
    let mut reader = Reader { kind, form, visit, last: String::new(), key: String::new(), seen: None, wants_more: true };
    let mut held = 0;
    let broken = |why: String| {
        ToolError::new(ErrorKind::Upstream, format!("{thing}: the API server's answer is broken JSON ({why})"))
            .with_hint("Call again; if it stays so, look at what stands between this server and the endpoint.")
    };
    while let Some(part) = parts.recv().await {
        match part {
            Part::Bytes(bytes) => {
                held += bytes.len();
                decoder.feed(&bytes, &mut |it| reader.take(it)).map_err(broken)?;
                // The receiver may be through.
                let _ = emptied.send(bytes);
                if held >= PART {
                    held = 0;
                    reader.visit.full();
                }
            }
            Part::End(reply) => {
                let end = decoder.finish(&mut |it| reader.take(it)).map_err(broken)?;
                listed.pages += 1;
                listed.next = Some(end.token.clone()).filter(|it| !it.is_empty());
                listed.remaining = end.remaining;
                held = 0;
                reader.page_end();
                if reader.wants_more {
                    // The receiver may have gone on by itself.
                    let _ = reply.send(end.token);
                }
            }
            Part::Expired => {
                listed.expired = true;
                // Lists have the order of keys: what comes up to the last one has been handed over.
                reader.seen = Some(reader.last.clone());
            }
        }
        if !reader.wants_more {
            return Ok(listed);
        }
    }
    match (&mut receiver.0).await {
        Ok(result) => result.map(|()| listed),
        Err(err) => Err(ToolError::new(ErrorKind::Internal, format!("{thing}: reading stopped ({err})"))),
    }
}

/// Makes objects of the items of pages.
struct Reader<'a, V> {
    kind: &'a Kind,
    form: Form,
    visit: V,
    /// Key of the last object that was handed over.
    last: String,
    /// Key of the present object, in memory that is used again.
    key: String,
    /// After a new start, the key up to which objects have been handed over.
    seen: Option<String>,
    wants_more: bool,
}

impl<V: Visit> Reader<'_, V> {
    /// Hands an item over, and leaves its memory to the next one unless it is held.
    fn take(&mut self, item: &mut Value) {
        write_key(item, &mut self.key);
        if !self.wants_more || self.seen.as_ref().is_some_and(|seen| self.key <= *seen) {
            return;
        }
        self.seen = None;
        std::mem::swap(&mut self.last, &mut self.key);
        let (object, added) = self.named(std::mem::take(item));
        let same = object.clone();
        self.wants_more = self.visit.object(object);
        *item = same.into_value().unwrap_or_default();
        // The next item is compared with this one as it came.
        if let Value::Object(fields) = item {
            added.into_iter().rev().flatten().for_each(|it| drop(fields.swap_remove(it)));
        }
    }

    fn page_end(&mut self) {
        // What was skipped has been looked at before.
        self.wants_more &= self.seen.is_some() || self.visit.page_end();
    }

    /// Items of a list do not say what they are, and metadata alone says that it is metadata. What was added is returned in the
    /// order in which it was.
    fn named(&self, mut item: Value) -> (Object, [Option<&'static str>; 2]) {
        let mut added = [None; 2];
        if let Value::Object(fields) = &mut item {
            if self.form == Form::Metadata {
                fields.shift_remove("kind");
                fields.shift_remove("apiVersion");
            }
            if !fields.contains_key("kind") {
                fields.insert("kind".to_owned(), self.kind.kind.clone().into());
                added[0] = Some("kind");
            }
            if !fields.contains_key("apiVersion") {
                let version = self.kind.version.as_str();
                let version =
                    if self.kind.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.kind.group) };
                fields.insert("apiVersion".to_owned(), version.into());
                added[1] = Some("apiVersion");
            }
        }
        (Object::new(item), added)
    }
}

/// What lists are sorted by.
fn write_key(item: &Value, key: &mut String) {
    let metadata = item.get("metadata");
    let text = |field: &str| metadata.and_then(|it| it.get(field)).and_then(Value::as_str).unwrap_or_default();
    key.clear();
    key.push_str(text("namespace"));
    key.push('/');
    key.push_str(text("name"));
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
