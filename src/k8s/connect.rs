//! From a configuration to a client that is bounded in time, only reads, and names what it could not reach.

use std::sync::Arc;
use std::time::Duration;

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::BoxError;
use tower::buffer::BufferLayer;
use tower::filter::{AsyncFilterLayer, FilterLayer};
use tower::util::{AndThenLayer, MapErrLayer};

use super::bearer::Identity;
use super::error::EndpointError;
use super::pressure::PressureLayer;
use super::{proxy, read_only};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that may wait for the client of one cluster.
const REQUESTS: usize = 1_024;
const AGENT: &str = concat!("eks-mcp/", env!("CARGO_PKG_VERSION"));

/// A client for one API server. Nothing is contacted until the first request.
pub(super) fn client(
    mut config: Config,
    cluster: &str,
    private_only: bool,
    identity: Arc<dyn Identity>,
) -> Result<Client, kube::Error> {
    bound(&mut config);
    let endpoint = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    let cluster = cluster.to_owned();
    let proxy = config.proxy_url.as_ref().map(proxy::shown);
    let place = MapErrLayer::new(move |source: BoxError| {
        let (cluster, endpoint, proxy) = (cluster.clone(), endpoint.clone(), proxy.clone());
        BoxError::from(EndpointError { cluster, endpoint, proxy, private_only, source })
    });
    let refuser = Arc::clone(&identity);
    let refused = AndThenLayer::new(move |response: Response<_>| {
        let identity = Arc::clone(&refuser);
        async move {
            if response.status() == StatusCode::UNAUTHORIZED {
                return Err(BoxError::from(identity.refused().await));
            }
            Ok(response)
        }
    });
    let authorize = AsyncFilterLayer::new(move |mut request: Request<Body>| {
        let identity = Arc::clone(&identity);
        async move {
            if let Some(value) = identity.bearer().await.map_err(BoxError::from)? {
                request.headers_mut().insert(AUTHORIZATION, value);
            }
            Ok::<_, BoxError>(request)
        }
    });
    let client = ClientBuilder::try_from(config)?
        .with_layer(&place)
        .with_layer(&refused)
        .with_layer(&BufferLayer::new(REQUESTS))
        .with_layer(&authorize)
        .with_layer(&PressureLayer::new())
        .with_layer(&FilterLayer::new(filter))
        .build();
    Ok(client)
}

/// Bounds on the time that anything may take.
fn bound(config: &mut Config) {
    // What is refused for load is tried again by our own layer, which knows how many requests there are.
    config.default_retry = false;
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    config.write_timeout = Some(READ_TIMEOUT);
}

/// Refuses what would write, and names this server to audit logs and upgrade insights.
fn filter(request: Request<Body>) -> Result<Request<Body>, BoxError> {
    let mut request = read_only(request)?;
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Ok(request)
}
