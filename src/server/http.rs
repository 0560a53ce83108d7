//! MCP over streamable HTTP, without state: any replica answers any request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{Method, StatusCode};
use rmcp::model::ErrorData;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceBuilder;

use super::message::{self, Refusal};
use super::{GRACE, MAX_MESSAGE, Server};
use crate::error::{ErrorKind, ToolError};

/// Who may ask.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpOptions {
    /// Host names, beyond loopback, that a request may be addressed to.
    pub allowed_hosts: Vec<String>,
    /// Origins, beyond loopback, whose pages may ask.
    pub allowed_origins: Vec<String>,
}

/// Binds the address, if it is one that may be bound.
///
/// # Errors
/// `invalid_input` for an address other machines could reach, since there is no authentication yet; `unreachable` when it
/// is taken.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, ToolError> {
    if !address.ip().is_loopback() {
        return Err(ToolError::invalid(format!(
            "`--http`: {address} can be reached from other machines, and this version has no authentication: whoever can connect could read your clusters"
        ))
        .with_hint("Bind to 127.0.0.1 or [::1]; put a proxy that authenticates callers in front of it."));
    }
    TcpListener::bind(address).await.map_err(|err| {
        ToolError::new(ErrorKind::Unreachable, format!("`--http`: {address} cannot be bound: {err}"))
            .with_hint("Choose another port.")
    })
}

/// The routes: `/mcp`, and `/healthz` and `/readyz` outside it.
pub fn router(server: Server, options: &HttpOptions, stop: CancellationToken) -> Router {
    let hosts = ["localhost", "127.0.0.1", "::1"].into_iter().map(str::to_owned);
    let origins = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_legacy_session_mode(false)
        .with_allowed_hosts(hosts.chain(options.allowed_hosts.iter().cloned()))
        .with_allowed_origins(origins.into_iter().map(str::to_owned).chain(options.allowed_origins.iter().cloned()))
        .enforce_origin_validation()
        .with_max_request_body_bytes(MAX_MESSAGE)
        .with_cancellation_token(stop);
    let service = StreamableHttpService::new(move || Ok(server.clone()), Arc::new(NeverSessionManager::default()), config);
    // Ready means able to answer: nothing is loaded or contacted at start, so a server that listens is ready.
    Router::new()
        .route_service("/mcp", ServiceBuilder::new().layer(from_fn(explain)).service(service))
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(|| async { "ready" }))
}

/// Makes every refusal one that says what to do, in the form of the protocol.
async fn explain(request: Request, next: Next) -> Response {
    let (head, body) = request.into_parts();
    // One byte more than the framework takes, so that it sees what is too long as too long.
    let Ok(body) = to_bytes(body, MAX_MESSAGE + 1).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the message is too long");
    };
    let says_json = head.headers.get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    let checked = if head.method == Method::POST { message::check(&body) } else { Ok(()) };
    let response = next.run(Request::from_parts(head, Body::from(body))).await;
    let status = response.status();
    // Who may not ask is told only that.
    if let (Err(refused), false) = (checked, matches!(status, StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE)) {
        let Refusal { id, error } = *refused;
        return (StatusCode::BAD_REQUEST, Json(json!({"jsonrpc": "2.0", "id": id, "error": error}))).into_response();
    }
    if status == StatusCode::UNSUPPORTED_MEDIA_TYPE && says_json {
        return refusal(StatusCode::BAD_REQUEST, "the message is not one of the protocol");
    }
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|it| it.as_bytes().starts_with(b"application/json"));
    if !status.is_client_error() || is_json {
        return response;
    }
    let (head, body) = response.into_parts();
    let why = to_bytes(body, 2_000).await.unwrap_or_default();
    let mut explained = refusal(status, &String::from_utf8_lossy(&why));
    for (name, value) in head.headers.iter().filter(|(name, _)| *name != CONTENT_TYPE && *name != CONTENT_LENGTH) {
        explained.headers_mut().insert(name, value.clone());
    }
    explained
}

/// A refusal with its next step.
fn refusal(status: StatusCode, why: &str) -> Response {
    let next = match status {
        StatusCode::FORBIDDEN => "only loopback and what `http.allowed_hosts` and `http.allowed_origins` name may ask",
        StatusCode::METHOD_NOT_ALLOWED => "send POST; this server keeps no sessions and no streams",
        StatusCode::NOT_ACCEPTABLE => "send `Accept: application/json, text/event-stream`",
        StatusCode::PAYLOAD_TOO_LARGE => "send at most 1048576 bytes",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "send `Content-Type: application/json`",
        _ => "see the transport section of the protocol",
    };
    let why = if why.trim().is_empty() { status.canonical_reason().unwrap_or_default() } else { why.trim() };
    let error = ErrorData::invalid_request(format!("{why}; {next}"), None);
    (status, Json(json!({"jsonrpc": "2.0", "id": null, "error": error}))).into_response()
}

/// Serves until `stopped` completes; then calls in flight are answered within the grace period.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    server: Server,
    options: &HttpOptions,
    stopped: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let stop = CancellationToken::new();
    let draining = CancellationToken::new();
    let app = router(server, options, stop.clone());
    let signal = draining.clone();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        stopped.await;
        signal.cancel();
    });
    let overdue = async {
        draining.cancelled().await;
        after(GRACE).await;
        stop.cancel();
    };
    tokio::select! {
        result = serving => result,
        () = overdue => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a grace period is a wait by its nature")]
async fn after(time: Duration) {
    tokio::time::sleep(time).await;
}
