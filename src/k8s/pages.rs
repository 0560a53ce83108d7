//! Lists of any length: received page by page, read while they arrive, and never held whole.
//!
//! One request is under way at a time. While one page is read the next one is received, so that a long list takes hardly
//! longer than the network and the API server do.

use futures::StreamExt as _;
use http::header::ACCEPT;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::api::{self, JSON, ListOptions, QUERY};
use super::decode::{Decoder, early_token};
use super::keep::Keep;
use super::kinds::Kind;
use super::map_error;
use super::scan::Stop;
use crate::domain::object::Object;
use crate::error::{ErrorKind, ToolError};

/// Bytes that are handed from the receiver to the reader at a time; larger blocks would be mapped and unmapped each time.
const BLOCK: usize = 96 << 10;
/// Blocks that may wait for the reader: a page of the usual size, so that the next one can be asked for meanwhile.
const WAITING: usize = 64;
/// Bytes of a page after which its objects are handed over in parts.
const PART: usize = 16 << 20;
/// Bytes at the beginning of a page in which its token is looked for.
const HEAD: usize = 64 << 10;
/// Bytes of a refusal that are read.
const MAX_REFUSAL: usize = 1 << 20;

/// Most bytes of one page: 500 objects of half the size that Kubernetes stores at most. What never ends is no page.
const MAX_PAGE: usize = 384 << 20;

const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;q=0.5";

/// What is asked for of each object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// All of it.
    Whole,
    /// Its metadata.
    Metadata,
}

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

/// What the receiver hands over.
enum Part {
    Bytes(Vec<u8>),
    /// The page is complete. The reader answers with the token that it found, when it wants more.
    End(oneshot::Sender<String>),
    /// The list begins anew, or goes on in another state.
    Expired,
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
    let mut receiver = Receiver(tokio::spawn(source.receive(sender)));
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
        let object = self.named(std::mem::take(item));
        let same = object.clone();
        self.wants_more = self.visit.object(object);
        *item = same.into_value().unwrap_or_default();
    }

    fn page_end(&mut self) {
        // What was skipped has been looked at before.
        self.wants_more &= self.seen.is_some() || self.visit.page_end();
    }

    /// Items of a list do not say what they are, and metadata alone says that it is metadata.
    fn named(&self, mut item: Value) -> Object {
        if let Value::Object(fields) = &mut item {
            if self.form == Form::Metadata {
                fields.shift_remove("kind");
                fields.shift_remove("apiVersion");
            }
            fields.entry("kind").or_insert_with(|| self.kind.kind.clone().into());
            fields.entry("apiVersion").or_insert_with(|| {
                let version = self.kind.version.as_str();
                if self.kind.group.is_empty() { version.into() } else { format!("{}/{version}", self.kind.group).into() }
            });
        }
        Object::new(item)
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

/// Where pages come from.
struct Source {
    client: Client,
    /// Path and query, but for the token.
    base: String,
    /// Token of the first page that is wanted.
    start: String,
    accept: &'static str,
    thing: String,
}

impl Source {
    fn new(client: &Client, kind: &Kind, options: &ListOptions<'_>, form: Form) -> Result<Self, ToolError> {
        let base = api::page_path(&api::collection(kind, options.namespace)?, options, "");
        let start = options.start.unwrap_or_default().to_owned();
        let accept = match form {
            Form::Whole => JSON,
            Form::Metadata => METADATA,
        };
        Ok(Self { client: client.clone(), base, start, accept, thing: api::thing(kind, options.namespace, None) })
    }

    /// Receives one page after the other, until the last one or until nobody reads.
    async fn receive(self, parts: mpsc::Sender<Part>) -> Result<(), ToolError> {
        let mut token = self.start.clone();
        let mut expired = false;
        let mut pages = 0;
        loop {
            let response = self.ask(&token).await?;
            // A list that was left long ago is for its caller to start over.
            if response.status() == StatusCode::GONE && pages > 0 && !expired {
                expired = true;
                token = inconsistent_token(&self.body(response).await?);
                if parts.send(Part::Expired).await.is_err() {
                    return Ok(());
                }
                continue;
            }
            if !response.status().is_success() {
                let (status, headers) = (response.status(), response.headers().clone());
                let body = self.body(response).await?;
                return Err(api::refusal(status, &headers, &body, &self.thing));
            }
            let early = self.page(response, &parts).await?;
            pages += 1;
            let (reply, answer) = oneshot::channel();
            if parts.send(Part::End(reply)).await.is_err() {
                return Ok(());
            }
            token = match early {
                // Many readers want one page only; those who have asked for a second one will want the third.
                Some(token) if pages > 1 || token.is_empty() => token,
                _ => match answer.await {
                    Ok(token) => token,
                    Err(_) => return Ok(()),
                },
            };
            if token.is_empty() {
                return Ok(());
            }
        }
    }

    async fn ask(&self, token: &str) -> Result<Response<Body>, ToolError> {
        let mut path = self.base.clone();
        if !token.is_empty() {
            path.push_str(&format!("&continue={}", utf8_percent_encode(token, QUERY)));
        }
        let request = Request::get(path).header(ACCEPT, self.accept).body(Body::empty());
        let request = request.map_err(|err| ToolError::new(ErrorKind::Internal, format!("{}: {err}", self.thing)))?;
        self.client.send(request).await.map_err(|err| map_error(&err, &self.thing))
    }

    /// Receives a page in blocks. Returns the token of the next one where the beginning told it.
    async fn page(&self, response: Response<Body>, parts: &mpsc::Sender<Part>) -> Result<Option<String>, ToolError> {
        let mut body = response.into_body().into_data_stream();
        let mut block = Vec::with_capacity(BLOCK);
        let mut early: Result<Option<String>, Stop> = Err(Stop::End);
        let mut received = 0;
        let mut first = true;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|err| api::broken_off(&err, &self.thing, received))?;
            received += chunk.len();
            if received > MAX_PAGE {
                let message = format!("{}: a page of the list has more than {} MiB", self.thing, MAX_PAGE >> 20);
                return Err(
                    ToolError::new(ErrorKind::Upstream, message).with_hint("Narrow the request to a namespace or a selector.")
                );
            }
            block.extend_from_slice(&chunk);
            if first && early == Err(Stop::End) && block.len() <= HEAD {
                early = early_token(&block);
            }
            if block.len() >= BLOCK {
                first = false;
                let full = std::mem::replace(&mut block, Vec::with_capacity(BLOCK));
                if parts.send(Part::Bytes(full)).await.is_err() {
                    break;
                }
            }
        }
        if !block.is_empty() {
            let _ = parts.send(Part::Bytes(block)).await;
        }
        Ok(early.ok().flatten())
    }

    async fn body(&self, response: Response<Body>) -> Result<Vec<u8>, ToolError> {
        let mut body = response.into_body().into_data_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|err| api::broken_off(&err, &self.thing, bytes.len()))?;
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_REFUSAL {
                break;
            }
        }
        Ok(bytes)
    }
}

/// The token with which a list whose state has expired can go on in a newer one; without it the list begins anew.
fn inconsistent_token(refusal: &[u8]) -> String {
    let status: Value = serde_json::from_slice(refusal).unwrap_or_default();
    status.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
