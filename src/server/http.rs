//! MCP over streamable HTTP, without state: any replica answers any request.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

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
    let origins =
        ["http://localhost", "http://127.0.0.1", "http://[::1]", "http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"];
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
        .route_service("/mcp", service)
        .route("/healthz", get(|| async { "ok" }))
        .route("/readyz", get(|| async { "ready" }))
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
