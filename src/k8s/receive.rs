//! The receiving half of a list: page after page, handed over in blocks.
//!
//! A page names the next one at its beginning. Once a reader has wanted a second page, the next one is asked for while the
//! present one arrives, so that the API server prepares it meanwhile; it waits in the connection until it is read.

use futures::StreamExt as _;
use http::header::ACCEPT;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::api::{self, JSON, ListOptions, QUERY};
use super::decode::early_token;
use super::kinds::Kind;
use super::map_error;
use super::scan::Stop;
use crate::error::{ErrorKind, ToolError};

/// Bytes that are handed from the receiver to the reader at a time; larger blocks would be mapped and unmapped each time.
const BLOCK: usize = 96 << 10;
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

/// What the receiver hands over.
pub(super) enum Part {
    Bytes(Vec<u8>),
    /// The page is complete. The reader answers with the token that it found, when it wants more.
    End(oneshot::Sender<String>),
    /// The list begins anew, or goes on in another state.
    Expired,
}

/// Where received blocks go.
pub(super) struct Sink {
    pub(super) parts: mpsc::Sender<Part>,
    /// Blocks that have been read. Freed ones would go back to the system, and each new one would be cleared by it again.
    pub(super) spare: mpsc::UnboundedReceiver<Vec<u8>>,
}

impl Sink {
    /// Hands a part over. Returns whether anybody reads.
    async fn send(&self, part: Part) -> bool {
        self.parts.send(part).await.is_ok()
    }

    /// An empty block.
    fn block(&mut self) -> Vec<u8> {
        let mut block = self.spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK));
        block.clear();
        block
    }
}

/// An answer that was asked for ahead of time.
type Ahead = AbortOnDropHandle<Result<Response<Body>, ToolError>>;

/// Where pages come from.
#[derive(Clone)]
pub(super) struct Source {
    client: Client,
    /// Path and query, but for the token.
    base: String,
    /// Token of the first page that is wanted.
    start: String,
    accept: &'static str,
    pub(super) thing: String,
}

impl Source {
    pub(super) fn new(client: &Client, kind: &Kind, options: &ListOptions<'_>, form: Form) -> Result<Self, ToolError> {
        let base = api::page_path(&api::collection(kind, options.namespace)?, options, "");
        let start = options.start.unwrap_or_default().to_owned();
        let accept = match form {
            Form::Whole => JSON,
            Form::Metadata => METADATA,
        };
        Ok(Self { client: client.clone(), base, start, accept, thing: api::thing(kind, options.namespace, None) })
    }

    /// Receives one page after the other, until the last one or until nobody reads.
    pub(super) async fn receive(self, mut sink: Sink) -> Result<(), ToolError> {
        let mut token = self.start.clone();
        let mut expired = false;
        let mut pages = 0;
        let mut ahead: Option<Ahead> = None;
        loop {
            let response = match ahead.take() {
                Some(asked) => asked.await.map_err(|err| self.stopped(&err))??,
                None => self.ask(&token).await?,
            };
            // A list that was left long ago is for its caller to start over.
            if response.status() == StatusCode::GONE && pages > 0 && !expired {
                expired = true;
                token = inconsistent_token(&self.body(response).await?);
                if !sink.send(Part::Expired).await {
                    return Ok(());
                }
                continue;
            }
            if !response.status().is_success() {
                let (status, headers) = (response.status(), response.headers().clone());
                let body = self.body(response).await?;
                return Err(api::refusal(status, &headers, &body, &self.thing));
            }
            pages += 1;
            // Many readers want one page only; those who have asked for a second one will want the third.
            let early = self.page(response, &mut sink, |token| {
                let wanted = pages > 1 && !token.is_empty();
                ahead = wanted.then(|| self.ask_ahead(token.to_owned()));
            });
            let early = early.await?;
            let (reply, answer) = oneshot::channel();
            if !sink.send(Part::End(reply)).await {
                return Ok(());
            }
            token = match early {
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

    /// Asks for the page of a token while something else is received.
    fn ask_ahead(&self, token: String) -> Ahead {
        let source = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move { source.ask(&token).await }))
    }

    fn stopped(&self, err: &tokio::task::JoinError) -> ToolError {
        ToolError::new(ErrorKind::Internal, format!("{}: reading stopped ({err})", self.thing))
    }

    /// Receives a page in blocks. Returns the token of the next one where the beginning told it, and tells it at once.
    async fn page(
        &self,
        response: Response<Body>,
        sink: &mut Sink,
        mut told: impl FnMut(&str),
    ) -> Result<Option<String>, ToolError> {
        let mut body = response.into_body().into_data_stream();
        let mut block = sink.block();
        let mut early: Result<Option<String>, Stop> = Err(Stop::End);
        let mut received = 0;
        let mut looked_at = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|err| api::broken_off(&err, &self.thing, received))?;
            received += chunk.len();
            if received > MAX_PAGE {
                let message = format!("{}: a page of the list has more than {} MiB", self.thing, MAX_PAGE >> 20);
                let err = ToolError::new(ErrorKind::Upstream, message);
                return Err(err.with_hint("Narrow the request to a namespace or a selector."));
            }
            block.extend_from_slice(&chunk);
            // The first chunk may be longer than what is looked at.
            if early == Err(Stop::End) && looked_at < HEAD {
                let head = block.get(..HEAD).unwrap_or(&block);
                looked_at = head.len();
                early = early_token(head);
                if let Ok(Some(token)) = &early {
                    told(token);
                }
            }
            if block.len() >= BLOCK {
                looked_at = HEAD;
                let full = std::mem::replace(&mut block, sink.block());
                if !sink.send(Part::Bytes(full)).await {
                    break;
                }
            }
        }
        if !block.is_empty() {
            sink.send(Part::Bytes(block)).await;
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
