//! Bounded reads of the API server: one object, pages of a list, the end of a log.

use std::sync::LazyLock;

use futures::StreamExt as _;
use http::header::{ACCEPT, RETRY_AFTER};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::error::root_cause;
pub use super::keep::Keep;
use super::kinds::Kind;
use super::map_error;
use super::pages::{self, Form, Many, One};
pub use super::pages::{Listed, Step};
use crate::domain::names;
use crate::domain::object::Object;
use crate::error::{ErrorKind, ToolError};

/// Most bytes of one JSON answer: a page of 500 large objects, or one of the largest objects there are.
const MAX_BODY: usize = 64 << 20;

/// Objects of one page; larger pages hold up the API server.
pub const PAGE: usize = 500;

pub(super) const JSON: &str = "application/json";
pub(super) const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What to list.
#[derive(Clone, Debug, Default)]
pub struct ListOptions<'a> {
    /// One namespace, or all.
    pub namespace: Option<&'a str>,
    /// Label selector in the syntax of kubectl.
    pub labels: Option<&'a str>,
    /// Field selector in the syntax of kubectl.
    pub fields: Option<&'a str>,
    /// Where to start: [`Listed::next`] of the list before.
    pub start: Option<&'a str>,
}

/// Which part of a log to read.
#[derive(Clone, Debug, Default)]
pub struct LogOptions<'a> {
    /// Container of the pod.
    pub container: &'a str,
    /// The container before its last restart.
    pub previous: bool,
    /// Lines at the end.
    pub tail: Option<u32>,
    /// Seconds back.
    pub since_seconds: Option<u64>,
    /// Most bytes to receive.
    pub limit_bytes: u64,
}

/// Gets a JSON document.
///
/// # Errors
/// What the API server answers; `unreachable` when it does not.
pub async fn get(client: &Client, path: &str, accept: &str, thing: &str) -> Result<Value, ToolError> {
    let body = fetch(client, path, accept, thing, MAX_BODY).await?;
    serde_json::from_slice(&body.bytes)
        .map_err(|err| ToolError::new(ErrorKind::Upstream, format!("{thing}: the API server's answer is broken JSON ({err})")))
}

/// Gets one object.
///
/// # Errors
/// `not_found` when there is none; otherwise as [`get`].
pub async fn object(client: &Client, kind: &Kind, namespace: Option<&str>, name: &str) -> Result<Object, ToolError> {
    let thing = thing(kind, namespace, Some(name));
    check_segment("name", name)?;
    let path = format!("{}/{}", collection(kind, namespace)?, utf8_percent_encode(name, QUERY));
    get(client, &path, JSON, &thing).await.map(Object::new)
}

/// Lists objects page by page and hands each page to `visit`, which returns whether to go on. Objects come without
/// `managedFields` and without the copy of themselves that kubectl keeps. A page of very large objects comes in parts.
///
/// No more than a page is held here.
///
/// # Errors
/// As [`get`].
pub async fn list_pages(
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    visit: impl FnMut(Vec<Object>) -> bool + Send,
) -> Result<Listed, ToolError> {
    static TIDY: LazyLock<Keep> = LazyLock::new(Keep::tidy);
    pages::list(client, kind, options, Form::Whole, &TIDY, Many::new(visit)).await
}

/// Lists objects and hands them to `visit` one by one, each with what `keep` names only. `visit` returns whether to go on; a
/// reader that wants to go on later says no at the end of a page.
///
/// This is how lists of any length are read: a tenth of an object takes a fraction of the time, and one that is let go at
/// once leaves its memory to the next one.
///
/// # Errors
/// As [`get`].
pub async fn list_parts(
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    keep: &Keep,
    visit: impl FnMut(Step) -> bool + Send,
) -> Result<Listed, ToolError> {
    pages::list(client, kind, options, Form::Whole, keep, One(visit)).await
}

/// As [`list_parts`], of each object only name, namespace, labels, annotations, owners and times: the API server sends
/// nothing else.
///
/// # Errors
/// As [`get`].
pub async fn list_metadata(
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    visit: impl FnMut(Step) -> bool + Send,
) -> Result<Listed, ToolError> {
    static METADATA: LazyLock<Keep> = LazyLock::new(|| {
        let fields = [
            "name",
            "namespace",
            "uid",
            "labels",
            "annotations",
            "ownerReferences",
            "creationTimestamp",
            "deletionTimestamp",
            "generation",
        ];
        let paths = fields.map(|it| format!("metadata.{it}"));
        Keep::only(paths.iter().map(String::as_str))
    });
    pages::list(client, kind, options, Form::Metadata, &METADATA, One(visit)).await
}

/// An item of a list, which does not say what it is.
pub(super) fn item(mut item: Value, kind: &Kind) -> Object {
    if let Value::Object(fields) = &mut item {
        fields.entry("kind").or_insert_with(|| kind.kind.clone().into());
        fields.entry("apiVersion").or_insert_with(|| {
            if kind.group.is_empty() { kind.version.as_str().into() } else { format!("{}/{}", kind.group, kind.version).into() }
        });
    }
    Object::new(item)
}

/// The path of one page of a list.
pub(super) fn page_path(collection: &str, options: &ListOptions<'_>, token: &str) -> String {
    let mut path = format!("{collection}?limit={PAGE}");
    for (key, value) in [("labelSelector", options.labels), ("fieldSelector", options.fields), ("continue", Some(token))] {
        if let Some(value) = value.filter(|it| !it.is_empty()) {
            path.push_str(&format!("&{key}={}", utf8_percent_encode(value, QUERY)));
        }
    }
    path
}

/// Lists at most `most` objects; the flag says whether there are more.
///
/// # Errors
/// As [`get`].
pub async fn list(
    client: &Client,
    kind: &Kind,
    options: &ListOptions<'_>,
    most: usize,
) -> Result<(Vec<Object>, bool), ToolError> {
    let mut objects = Vec::new();
    let visit = |page: Vec<Object>| {
        objects.extend(page);
        objects.len() <= most
    };
    list_pages(client, kind, options, visit).await?;
    let more = objects.len() > most;
    objects.truncate(most);
    Ok((objects, more))
}

/// Explains an empty answer: the namespace may not exist.
///
/// # Errors
/// `not_found` with near names when it does not. Whether it does may be unknown, for want of a permission; that is no error.
pub async fn check_namespace(client: &Client, namespace: &str) -> Result<(), ToolError> {
    let Some(kind) = Kind::named("Namespace") else { return Ok(()) };
    match object(client, &kind, None, namespace).await {
        Err(err) if err.kind == ErrorKind::NotFound => {}
        _ => return Ok(()),
    }
    let known = list(client, &kind, &ListOptions::default(), PAGE).await.map(|(known, _)| known).unwrap_or_default();
    // A snapshot need not hold namespaces.
    if known.is_empty() {
        return Ok(());
    }
    let near = names::did_you_mean(namespace, known.iter().map(Object::name));
    Err(ToolError::not_found(format!("namespace `{namespace}` does not exist{near}"))
        .with_hint("Call `list_resources` with `kind: Namespace` for those there are."))
}

/// The text of a log; bytes that are no UTF-8 are replaced. The flag says whether the byte limit cut it.
///
/// # Errors
/// As [`get`].
pub async fn log(client: &Client, namespace: &str, pod: &str, options: &LogOptions<'_>) -> Result<(String, bool), ToolError> {
    check_segment("namespace", namespace)?;
    check_segment("pod", pod)?;
    let mut path = format!(
        "/api/v1/namespaces/{}/pods/{}/log?limitBytes={}",
        namespace,
        utf8_percent_encode(pod, QUERY),
        options.limit_bytes
    );
    if !options.container.is_empty() {
        path.push_str(&format!("&container={}", utf8_percent_encode(options.container, QUERY)));
    }
    if options.previous {
        path.push_str("&previous=true");
    }
    if let Some(tail) = options.tail {
        path.push_str(&format!("&tailLines={tail}"));
    }
    if let Some(seconds) = options.since_seconds {
        path.push_str(&format!("&sinceSeconds={seconds}"));
    }
    let thing = format!("log of pod `{namespace}/{pod}`");
    let most = usize::try_from(options.limit_bytes).unwrap_or(usize::MAX);
    let body = fetch(client, &path, "*/*", &thing, most).await?;
    let cut = body.cut || body.bytes.len() >= most;
    Ok((String::from_utf8_lossy(&body.bytes).into_owned(), cut))
}

struct Fetched {
    bytes: Vec<u8>,
    cut: bool,
}

/// Sends a GET and reads at most `most` bytes of the answer. JSON that is longer is refused, a log is cut.
async fn fetch(client: &Client, path: &str, accept: &str, thing: &str, most: usize) -> Result<Fetched, ToolError> {
    let request = Request::get(path).header(ACCEPT, accept).body(Body::empty());
    let request = request.map_err(|err| ToolError::new(ErrorKind::Internal, format!("{thing}: {err}")))?;
    let response = client.send(request).await.map_err(|err| map_error(&err, thing))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = response.into_body().into_data_stream();
    let mut bytes = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|err| broken_off(&err, thing, bytes.len()))?;
        bytes.extend_from_slice(&chunk);
        if bytes.len() > most {
            if accept != "*/*" && status.is_success() {
                return Err(ToolError::new(ErrorKind::Upstream, format!("{thing}: the answer is larger than {most} bytes"))
                    .with_hint("Narrow the request to a namespace, a selector or one object."));
            }
            bytes.truncate(most);
            return Ok(Fetched { bytes, cut: true });
        }
    }
    if status.is_success() {
        return Ok(Fetched { bytes, cut: false });
    }
    Err(refusal(status, &headers, &bytes, thing))
}

/// What a refusal says.
pub(super) fn refusal(code: StatusCode, headers: &HeaderMap, body: &[u8], thing: &str) -> ToolError {
    let mut status = failure(code, body);
    let wait = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok()).filter(|_| code == StatusCode::TOO_MANY_REQUESTS);
    if let Some(wait) = wait {
        status.message.push_str(&format!("; retry after {} s", crate::domain::text::cut(wait, 20)));
    }
    map_error(&kube::Error::Api(Box::new(status)), thing)
}

/// An answer that began and did not end.
pub(super) fn broken_off(err: &kube::Error, thing: &str, received: usize) -> ToolError {
    if received == 0 {
        return map_error(err, thing);
    }
    let message = format!("{thing}: the API server's answer broke off after {received} bytes ({})", root_cause(err));
    ToolError::new(ErrorKind::Upstream, message)
        .with_hint("Call again; if it stays so, a proxy or load balancer on the way may cut long answers.")
}

/// The Status of a refusal; proxies and load balancers answer in prose.
pub(super) fn failure(code: StatusCode, body: &[u8]) -> Status {
    let mut status: Status = serde_json::from_slice(body).unwrap_or_default();
    status.code = code.as_u16();
    if status.message.is_empty() {
        let text = String::from_utf8_lossy(body);
        status.message = crate::domain::text::cut(text.trim(), 200);
    }
    status
}

pub(super) fn collection(kind: &Kind, namespace: Option<&str>) -> Result<String, ToolError> {
    if let Some(namespace) = namespace
        && !names::is_dns_label(namespace)
    {
        return Err(ToolError::invalid(format!(
            "`namespace`: `{namespace}` is no namespace name: lower-case letters, digits and `-`, at most 63"
        )));
    }
    Ok(kind.path(namespace))
}

/// Refuses what cannot be the name of an object.
///
/// # Errors
/// `invalid_input` that names the argument.
pub fn check_segment(argument: &str, name: &str) -> Result<(), ToolError> {
    if names::is_path_segment(name) {
        return Ok(());
    }
    Err(ToolError::invalid(format!("`{argument}`: `{}` is no Kubernetes name", crate::domain::text::cut(name, 80))))
}

pub(super) fn thing(kind: &Kind, namespace: Option<&str>, name: Option<&str>) -> String {
    match (name, namespace) {
        (Some(name), Some(namespace)) => format!("{} `{namespace}/{name}`", kind.kind),
        (Some(name), None) => format!("{} `{name}`", kind.kind),
        (None, Some(namespace)) => format!("{} of namespace `{namespace}`", kind.plural),
        (None, None) => format!("{} of the cluster", kind.plural),
    }
}
