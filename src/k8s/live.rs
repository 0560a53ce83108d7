//! Clients for live clusters: EKS clusters by token, and the contexts of a kubeconfig.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use moka::future::Cache;
use tokio::sync::Mutex;
use tower::BoxError;
use tower::buffer::BufferLayer;
use tower::filter::{AsyncFilterLayer, FilterLayer};
use tower::util::{AndThenLayer, MapErrLayer};

use super::error::EndpointError;
use super::pressure::PressureLayer;
use super::{Clusters, read_only};
use crate::aws::sdk::SdkAws;
use crate::aws::token::{Token, Tokens};
use crate::aws::{Aws as _, Scope};
use crate::domain::cluster::Cluster;
use crate::domain::target::Target;
use crate::error::{ErrorKind, ToolError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// Requests that may wait for the client of one cluster.
const REQUESTS: usize = 1_024;
const AGENT: &str = concat!("eks-mcp/", env!("CARGO_PKG_VERSION"));

/// Which kubeconfig to take contexts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeconfigSource {
    /// `$KUBECONFIG`, or `~/.kube/config`.
    Default,
    /// One file.
    File(PathBuf),
}

/// Clients for live clusters, made when first needed.
pub struct LiveClusters {
    aws: SdkAws,
    kubeconfig: Option<KubeconfigSource>,
    /// By endpoint and certificate authority too, so that a cluster made anew or a rotated authority gets a new client.
    clients: Cache<String, Client>,
}

impl LiveClusters {
    /// Nothing is read or contacted yet.
    pub fn new(aws: SdkAws, kubeconfig: Option<KubeconfigSource>) -> Self {
        let clients = Cache::builder().max_capacity(1_000).time_to_idle(Duration::from_mins(10)).build();
        Self { aws, kubeconfig, clients }
    }

    async fn eks_client(&self, target: &Target, region: &str) -> Result<Client, ToolError> {
        let cluster = self.aws.eks(&Scope::region(region)).describe_cluster(&target.cluster).await?;
        let authority = cluster.certificate_authority.as_deref().unwrap_or_default();
        let key = format!("{region} {} {} {authority}", cluster.arn, cluster.endpoint.as_deref().unwrap_or_default());
        let make = async { eks_client(&cluster, self.aws.tokens(region)) };
        self.clients.try_get_with(key, make).await.map_err(|err| ToolError::clone(&err))
    }

    async fn context_client(&self, context: &str) -> Result<Client, ToolError> {
        let make = async {
            let wrong = |err: &dyn std::fmt::Display| ToolError::invalid(format!("kubeconfig context `{context}`: {err}"));
            let kubeconfig = self.read_kubeconfig()?;
            let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|err| wrong(&err))?;
            bound(&mut config);
            let builder = ClientBuilder::try_from(config).map_err(|err| wrong(&err))?;
            let builder = builder.with_layer(&BufferLayer::new(REQUESTS)).with_layer(&PressureLayer::new());
            Ok(builder.with_layer(&FilterLayer::new(filter)).build())
        };
        self.clients.try_get_with(format!("context {context}"), make).await.map_err(|err: Arc<ToolError>| ToolError::clone(&err))
    }

    fn read_kubeconfig(&self) -> Result<Kubeconfig, ToolError> {
        let read = match &self.kubeconfig {
            None => return Ok(Kubeconfig::default()),
            Some(KubeconfigSource::Default) => Kubeconfig::read(),
            Some(KubeconfigSource::File(path)) => Kubeconfig::read_from(path),
        };
        read.map_err(|err| {
            ToolError::invalid(format!("the kubeconfig cannot be read: {err}")).with_hint("Correct `--kubeconfig` or the file.")
        })
    }
}

#[async_trait]
impl Clusters for LiveClusters {
    async fn external(&self) -> Result<Vec<String>, ToolError> {
        Ok(self.read_kubeconfig()?.contexts.into_iter().map(|it| it.name).collect())
    }

    async fn client(&self, target: &Target) -> Result<Client, ToolError> {
        match &target.region {
            Some(region) => self.eks_client(target, region).await,
            None => self.context_client(&target.cluster).await,
        }
    }
}

/// A client for an EKS cluster: its endpoint, every certificate authority of its bundle, and a token renewed in time.
fn eks_client(cluster: &Cluster, tokens: Tokens) -> Result<Client, ToolError> {
    let name = &cluster.name;
    let upstream = |why: String| ToolError::new(ErrorKind::Upstream, format!("cluster `{name}`: {why}"));
    let Some(endpoint) = cluster.endpoint.as_ref().filter(|it| !it.is_empty()) else {
        let message = format!("cluster `{name}` has no Kubernetes endpoint yet; its status is {}", cluster.status);
        return Err(ToolError::new(ErrorKind::Unreachable, message).with_hint("Wait until the cluster is ACTIVE."));
    };
    let url = endpoint.parse().map_err(|err| upstream(format!("the endpoint `{endpoint}` is no URL: {err}")))?;
    let mut config = Config::new(url);
    if let Some(authority) = cluster.certificate_authority.as_ref().filter(|it| !it.is_empty()) {
        config.root_cert =
            Some(certificates(authority).map_err(|err| upstream(format!("the certificate authority cannot be read: {err}")))?);
    }
    bound(&mut config);
    let bearer = Arc::new(Bearer { tokens, cluster: name.clone(), token: Mutex::new(None) });
    let renewer = Arc::clone(&bearer);
    let authorize = AsyncFilterLayer::new(move |request: Request<Body>| {
        let bearer = Arc::clone(&bearer);
        async move { bearer.authorize(request).await.map_err(BoxError::from) }
    });
    let refused = AndThenLayer::new(move |response: Response<_>| {
        let bearer = Arc::clone(&renewer);
        async move {
            if response.status() == StatusCode::UNAUTHORIZED {
                return Err(BoxError::from(bearer.refused().await));
            }
            Ok(response)
        }
    });
    let vpc = cluster.vpc.clone().unwrap_or_default();
    let (name, endpoint) = (name.clone(), endpoint.clone());
    let place = MapErrLayer::new(move |source: BoxError| {
        let private_only = vpc.private_access && !vpc.public_access;
        BoxError::from(EndpointError { cluster: name.clone(), endpoint: endpoint.clone(), private_only, source })
    });
    let builder = ClientBuilder::try_from(config).map_err(|err| upstream(super::error::root_cause(&err)))?;
    let builder = builder.with_layer(&place);
    Ok(builder
        .with_layer(&refused)
        .with_layer(&BufferLayer::new(REQUESTS))
        .with_layer(&authorize)
        .with_layer(&PressureLayer::new())
        .with_layer(&FilterLayer::new(filter))
        .build())
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

/// The certificates of a base64 PEM bundle; there are two while an authority is being rotated.
fn certificates(bundle: &str) -> Result<Vec<Vec<u8>>, String> {
    let pem = STANDARD.decode(bundle.trim()).map_err(|err| err.to_string())?;
    let pem = String::from_utf8(pem).map_err(|err| err.to_string())?;
    let mut certificates = Vec::new();
    for part in pem.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let body = part.split("-----END CERTIFICATE-----").next().unwrap_or_default();
        let body: String = body.chars().filter(|it| !it.is_whitespace()).collect();
        certificates.push(STANDARD.decode(body).map_err(|err| err.to_string())?);
    }
    if certificates.is_empty() { Err("the bundle holds no certificate".to_owned()) } else { Ok(certificates) }
}

/// The bearer token of one cluster, shared by its requests.
struct Bearer {
    tokens: Tokens,
    cluster: String,
    token: Mutex<Option<Token>>,
}

impl Bearer {
    /// The API server does not take the token: forgets it, and says whom the cluster does not know.
    async fn refused(&self) -> ToolError {
        *self.token.lock().await = None;
        self.tokens.forget_credentials();
        let identity =
            self.tokens.identity().await.map_or_else(|| "this identity".to_owned(), |arn| format!("the identity {arn}"));
        let message = format!("cluster `{}` does not accept {identity} (401 Unauthorized)", self.cluster);
        ToolError::new(ErrorKind::AccessDenied, message).with_hint(
            "Create an access entry for this IAM identity on the cluster (`aws eks create-access-entry`); check that the clock is right.",
        )
    }

    async fn authorize(&self, mut request: Request<Body>) -> Result<Request<Body>, ToolError> {
        let mut token = self.token.lock().await;
        if token.as_ref().is_none_or(|it| it.renew_at <= Timestamp::now()) {
            *token = Some(self.tokens.mint(&self.cluster).await?);
        }
        let secret = token.as_ref().map(|it| it.secret.as_str()).unwrap_or_default();
        let mut value = HeaderValue::from_str(&format!("Bearer {secret}"))
            .map_err(|_| ToolError::new(ErrorKind::Internal, "the token cannot be sent as a header"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_certificate_of_a_bundle_is_loaded() {
        let pem = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\nBAUG\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(&STANDARD.encode(pem)).unwrap(), [vec![1, 2, 3], vec![4, 5, 6]]);
        assert!(certificates("!").is_err());
        assert!(certificates(&STANDARD.encode("nothing")).is_err());
    }
}
