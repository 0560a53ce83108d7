//! Clients for live clusters: EKS clusters by token, the contexts of a kubeconfig, and the cluster that the server runs in.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::{Request, Response};
use jiff::Timestamp;
use kube::client::Body;
use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use moka::future::Cache;
use serde_json::json;
use tokio::sync::RwLock;
use tower::BoxError;

use super::bearer::{AwsIdentity, Identity, OwnIdentity};
use super::error::{is_distrust, root_cause};
use super::exec::Plugin;
use super::in_cluster::InCluster;
use super::kubeconfig::Contexts;
use super::ways::Ways;
use super::{Clusters, External, Origin, connect};
use crate::aws::sdk::SdkAws;
use crate::aws::{Aws as _, Scope};
use crate::domain::cluster::Cluster;
use crate::domain::target::Target;
use crate::error::{ErrorKind, ToolError};

/// Clients for live clusters, made when first needed.
pub struct LiveClusters {
    eks: Connector,
    contexts: Contexts,
    /// By endpoint and certificate authority too, so that a cluster made anew or a rotated authority gets a new client.
    clients: Cache<String, Made>,
}

/// A client, and the moment from which another must be made.
#[derive(Clone)]
struct Made {
    client: Client,
    until: Option<Timestamp>,
}

/// What makes clients for EKS clusters.
#[derive(Clone)]
struct Connector {
    aws: SdkAws,
    ways: Arc<Ways>,
}

impl LiveClusters {
    /// Nothing is read or contacted yet.
    pub fn new(aws: SdkAws, ways: Ways) -> Self {
        let clients = Cache::builder().max_capacity(1_000).time_to_idle(Duration::from_mins(10)).build();
        let contexts = Contexts::new(ways.kubeconfig.clone());
        Self { eks: Connector { aws, ways: Arc::new(ways) }, contexts, clients }
    }

    fn ways(&self) -> &Ways {
        &self.eks.ways
    }

    /// The client of this key, made when there is none; calls for other clusters do not wait for it.
    async fn made(&self, key: String, make: impl Future<Output = Result<Made, ToolError>>) -> Result<Client, ToolError> {
        if let Some(made) = self.clients.get(&key).await
            && made.until.is_some_and(|it| it <= Timestamp::now())
        {
            self.clients.invalidate(&key).await;
        }
        let made = self.clients.try_get_with(key, make).await;
        made.map(|it| it.client).map_err(|err: Arc<ToolError>| ToolError::clone(&err))
    }

    async fn eks_client(&self, target: &Target) -> Result<Client, ToolError> {
        let scope = Scope::of(target);
        let cluster = self.eks.aws.eks(&scope).describe_cluster(&target.cluster).await?;
        // Two identities never share a client.
        let key = format!("{} {}", self.eks.aws.identity_key(&scope), fingerprint(&cluster));
        let make = async {
            let first = self.eks.connect(&cluster, &scope)?;
            let client = rotating(self.eks.clone(), scope.clone(), cluster, first);
            Ok(Made { client, until: None })
        };
        self.made(key, make).await
    }

    async fn in_cluster_client(&self, cluster: &InCluster) -> Result<Client, ToolError> {
        let make = async {
            let mut config = cluster.config()?;
            // The API server of one's own cluster is never behind the proxy to the outside.
            self.ways().finish(&mut config, None, Some("none"))?;
            let identity = OwnIdentity { what: format!("the service account token of cluster `{}`", cluster.name) };
            let client = connect::client(config, &cluster.name, false, Arc::new(identity));
            let wrong = |err: kube::Error| ToolError::invalid(format!("cluster `{}`: {}", cluster.name, root_cause(&err)));
            Ok(Made { client: client.map_err(wrong)?, until: None })
        };
        self.made(format!("in-cluster {}", cluster.name), make).await
    }

    async fn context_client(&self, context: &str) -> Result<Client, ToolError> {
        let read = self.contexts.read()?;
        let make = async {
            let wrong = |err: &dyn std::fmt::Display| {
                ToolError::invalid(format!("kubeconfig context `{context}`: {err}")).with_hint("Correct the kubeconfig.")
            };
            let kubeconfig = read.kubeconfig.clone();
            let proxy = proxy_of(&kubeconfig, context);
            let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
            let mut config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|err| wrong(&err))?;
            self.ways().finish(&mut config, self.ways().ca_bundle.as_ref(), proxy.as_deref())?;
            if config.auth_info.auth_provider.as_ref().is_some_and(|it| it.config.contains_key("cmd-path")) {
                return Err(wrong(&"`auth-provider` with a command is no longer part of Kubernetes; use `exec`"));
            }
            let mut until = None;
            let identity: Arc<dyn Identity> = match config.auth_info.exec.take() {
                Some(exec) => {
                    let plugin = Plugin::new(context, exec);
                    let printed = plugin.printed().await?;
                    // A certificate is part of the connection, so it needs a new client when it ends.
                    if let (Some(certificate), Some(key)) = (&printed.client_certificate_data, &printed.client_key_data) {
                        config.auth_info = with_certificate(config.auth_info, certificate, key).map_err(|err| wrong(&err))?;
                        until = printed.expiration_timestamp;
                    }
                    Arc::new(plugin)
                }
                None => Arc::new(OwnIdentity { what: format!("the user of kubeconfig context `{context}`") }),
            };
            let client = connect::client(config, context, false, identity).map_err(|err| wrong(&root_cause(&err)))?;
            Ok(Made { client, until })
        };
        // A kubeconfig that was written anew may lead elsewhere.
        self.made(format!("context {context} {:?}", read.stamp), make).await
    }
}

#[async_trait]
impl Clusters for LiveClusters {
    async fn external(&self) -> Result<Vec<External>, ToolError> {
        let own = self.ways().in_cluster.iter().map(|it| External { name: it.name.clone(), origin: Origin::InCluster });
        let read = self.contexts.read()?;
        let contexts = read.kubeconfig.contexts.iter();
        let contexts = contexts.map(|it| External { name: it.name.clone(), origin: Origin::Kubeconfig });
        Ok(own.chain(contexts).collect())
    }

    async fn client(&self, target: &Target) -> Result<Client, ToolError> {
        if target.region.is_some() {
            return self.eks_client(target).await;
        }
        match &self.ways().in_cluster {
            Some(own) if own.name == target.cluster => self.in_cluster_client(own).await,
            _ => self.context_client(&target.cluster).await,
        }
    }
}

impl Connector {
    /// A client for an EKS cluster: its endpoint, every certificate authority of its bundle, and a token renewed in time.
    fn connect(&self, cluster: &Cluster, scope: &Scope) -> Result<Client, ToolError> {
        let name = &cluster.name;
        let Some(endpoint) = cluster.endpoint.as_ref().filter(|it| !it.is_empty()) else {
            let message = format!("cluster `{name}` has no Kubernetes endpoint yet; its status is {}", cluster.status);
            return Err(ToolError::new(ErrorKind::Unreachable, message).with_hint("Wait until the cluster is ACTIVE."));
        };
        let config = self.ways.to_eks(cluster, endpoint)?;
        let vpc = cluster.vpc.clone().unwrap_or_default();
        let identity = AwsIdentity::new(self.aws.tokens(scope), name, &scope.region);
        connect::client(config, name, vpc.private_access && !vpc.public_access, identity)
            .map_err(|err| ToolError::new(ErrorKind::Upstream, format!("cluster `{name}`: {}", root_cause(&err))))
    }
}

fn fingerprint(cluster: &Cluster) -> String {
    let authority = cluster.certificate_authority.as_deref().unwrap_or_default();
    format!("{} {} {authority}", cluster.arn, cluster.endpoint.as_deref().unwrap_or_default())
}

/// A client that asks EKS once more when it does not trust the endpoint: the authority may have been rotated.
fn rotating(connector: Connector, scope: Scope, cluster: Cluster, first: Client) -> Client {
    let present = Arc::new(RwLock::new((fingerprint(&cluster), first)));
    let shared = Arc::new((connector, scope, cluster.name));
    let service = tower::service_fn(move |request: Request<Body>| {
        let (present, shared) = (Arc::clone(&present), Arc::clone(&shared));
        async move { send(&present, &shared, request).await.map_err(BoxError::from) }
    });
    Client::new(service, "default")
}

async fn send(
    present: &RwLock<(String, Client)>,
    (connector, scope, name): &(Connector, Scope, String),
    request: Request<Body>,
) -> Result<Response<Body>, kube::Error> {
    let (used, client) = present.read().await.clone();
    let (head, body) = request.into_parts();
    let again = body.try_clone().map(|body| Request::from_parts(head.clone(), body));
    let err = match client.send(Request::from_parts(head, body)).await {
        Err(err) if is_distrust(&err) => err,
        result => return result,
    };
    let Some(again) = again else { return Err(err) };
    connector.aws.forget_cluster(scope, name).await;
    let Ok(cluster) = connector.aws.eks(scope).describe_cluster(name).await else { return Err(err) };
    let found = fingerprint(&cluster);
    if found == used {
        return Err(err);
    }
    let Ok(client) = connector.connect(&cluster, scope) else { return Err(err) };
    *present.write().await = (found, client.clone());
    client.send(again).await
}

/// The proxy that a kubeconfig names for the cluster of a context.
fn proxy_of(kubeconfig: &Kubeconfig, context: &str) -> Option<String> {
    let context = kubeconfig.contexts.iter().find(|it| it.name == context)?.context.as_ref()?;
    let cluster = kubeconfig.clusters.iter().find(|it| it.name == context.cluster)?.cluster.as_ref()?;
    cluster.proxy_url.clone().filter(|it| !it.is_empty())
}

/// The user with a client certificate that a plugin printed in PEM.
fn with_certificate(user: AuthInfo, certificate: &str, key: &str) -> Result<AuthInfo, serde_json::Error> {
    use base64::Engine as _;
    let encode = |pem: &str| base64::engine::general_purpose::STANDARD.encode(pem);
    let printed = json!({"client-certificate-data": encode(certificate), "client-key-data": encode(key)});
    let printed: AuthInfo = serde_json::from_value(printed)?;
    let AuthInfo { client_certificate_data, client_key_data, .. } = printed;
    Ok(AuthInfo { client_certificate_data, client_key_data, ..user })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_certificate_joins_the_user_that_there_is() {
        let user = AuthInfo { impersonate: Some("auditor".into()), ..AuthInfo::default() };
        let user = with_certificate(user, "CERT", "KEY").unwrap();
        assert_eq!(user.client_certificate_data.as_deref(), Some("Q0VSVA=="));
        assert!(user.client_key_data.is_some());
        assert_eq!(user.impersonate.as_deref(), Some("auditor"));
    }

    #[test]
    fn the_proxy_of_a_context_is_that_of_its_cluster() {
        let kubeconfig = json!({
            "contexts": [{"name": "x", "context": {"cluster": "b"}}],
            "clusters": [{"name": "a", "cluster": {"proxy-url": "http://a"}}, {"name": "b", "cluster": {"proxy-url": "http://b"}}],
        });
        let kubeconfig: Kubeconfig = serde_json::from_value(kubeconfig).unwrap();
        assert_eq!(proxy_of(&kubeconfig, "x").as_deref(), Some("http://b"));
        assert_eq!(proxy_of(&kubeconfig, "y"), None);
    }
}
