//! How API servers are reached, as the configuration says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::Uri;
use kube::Config;

pub use super::in_cluster::InCluster;
use super::proxy::{self, Environment};
use super::trust;
use crate::domain::cluster::Cluster;
use crate::error::ToolError;

/// Which kubeconfig to take contexts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KubeconfigSource {
    /// `$KUBECONFIG`, or `~/.kube/config`.
    Default,
    /// One file.
    File(PathBuf),
}

/// Every configured way to a cluster, beside the endpoints that EKS names.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The kubeconfig whose contexts are clusters.
    pub kubeconfig: Option<KubeconfigSource>,
    /// The cluster that this server runs in.
    pub in_cluster: Option<InCluster>,
    /// Proxy to every API server.
    pub proxy: Option<String>,
    /// Certificates to trust beside those that a cluster names.
    pub ca_bundle: Option<PathBuf>,
    /// Other ways to EKS clusters, by name or ARN.
    pub detours: BTreeMap<String, Detour>,
}

/// Another way to the API server of an EKS cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detour {
    /// URL that leads to it.
    pub endpoint: Option<String>,
    /// Name that the certificate has to be for.
    pub tls_server_name: Option<String>,
    /// Certificates to trust for this cluster.
    pub ca_bundle: Option<PathBuf>,
    /// Proxy to this cluster.
    pub proxy: Option<String>,
}

impl Ways {
    /// What leads to an EKS cluster, whose endpoint and certificate authority are known.
    pub(super) fn to_eks(&self, cluster: &Cluster, endpoint: &str) -> Result<Config, ToolError> {
        let name = &cluster.name;
        let upstream = |why: String| ToolError::new(crate::error::ErrorKind::Upstream, format!("cluster `{name}`: {why}"));
        let official: Uri = endpoint.parse().map_err(|err| upstream(format!("the endpoint `{endpoint}` is no URL: {err}")))?;
        let detour = self.detours.get(&cluster.arn).or_else(|| self.detours.get(name));
        let mut config = Config::new(official.clone());
        if let Some(url) = detour.and_then(|it| it.endpoint.as_ref()) {
            config.cluster_url = parse_url(url).map_err(|why| {
                ToolError::invalid(format!("`clusters.{name}.endpoint`: {why}")).with_hint("Correct the configuration.")
            })?;
            // The certificate is for the endpoint that EKS names, whatever way leads there.
            config.tls_server_name = official.host().map(str::to_owned);
        }
        if let Some(server_name) = detour.and_then(|it| it.tls_server_name.clone()) {
            config.tls_server_name = Some(server_name);
        }
        if let Some(authority) = cluster.certificate_authority.as_ref().filter(|it| !it.is_empty()) {
            let certificates = trust::from_base64(authority);
            config.root_cert =
                Some(certificates.map_err(|err| upstream(format!("the certificate authority cannot be read: {err}")))?);
        }
        let bundle = detour.and_then(|it| it.ca_bundle.as_ref()).or(self.ca_bundle.as_ref());
        self.finish(&mut config, bundle, detour.and_then(|it| it.proxy.as_deref()))?;
        Ok(config)
    }

    /// Adds what holds for every API server: further certificates, and the proxy.
    pub(super) fn finish(&self, config: &mut Config, bundle: Option<&PathBuf>, proxy: Option<&str>) -> Result<(), ToolError> {
        if let Some(bundle) = bundle {
            let more = trust::from_file(bundle)?;
            config.root_cert.get_or_insert_with(trust::of_system).extend(more);
        }
        let configured = proxy.or(self.proxy.as_deref());
        config.proxy_url = proxy::to(&config.cluster_url, configured, &Environment::read())?;
        Ok(())
    }
}

fn parse_url(url: &str) -> Result<Uri, String> {
    let uri: Uri = url.parse().map_err(|err| format!("`{url}` is no URL ({err})"))?;
    if uri.scheme_str() != Some("https") || uri.host().is_none() {
        return Err(format!("`{url}` does not start with `https://`"));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster() -> Cluster {
        Cluster { name: "prod".into(), arn: "arn:aws:eks:eu-west-1:111122223333:cluster/prod".into(), ..Cluster::default() }
    }

    fn to(detour: Detour, key: &str) -> Result<Config, ToolError> {
        let ways = Ways { detours: BTreeMap::from([(key.to_owned(), detour)]), ..Ways::default() };
        ways.to_eks(&cluster(), "https://abc.gr7.eu-west-1.eks.amazonaws.com")
    }

    #[test]
    fn a_tunnel_is_trusted_by_the_name_of_the_endpoint_behind_it() {
        let tunnel = Detour { endpoint: Some("https://localhost:8443".into()), ..Detour::default() };
        for key in ["prod", "arn:aws:eks:eu-west-1:111122223333:cluster/prod"] {
            let config = to(tunnel.clone(), key).unwrap();
            assert_eq!(config.cluster_url.to_string(), "https://localhost:8443/");
            assert_eq!(config.tls_server_name.as_deref(), Some("abc.gr7.eu-west-1.eks.amazonaws.com"));
        }
        assert_eq!(to(tunnel.clone(), "other").unwrap().tls_server_name, None);
        let named = Detour { tls_server_name: Some("kubernetes".into()), ..tunnel };
        assert_eq!(to(named, "prod").unwrap().tls_server_name.as_deref(), Some("kubernetes"));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        for wrong in ["localhost:8443", "http://localhost", "https://"] {
            let err = to(Detour { endpoint: Some(wrong.into()), ..Detour::default() }, "prod").unwrap_err();
            assert!(err.message.contains("`clusters.prod.endpoint`"), "{err}");
        }
        let err = to(Detour { ca_bundle: Some("/no/such.pem".into()), ..Detour::default() }, "prod").unwrap_err();
        assert!(err.message.contains("/no/such.pem"), "{err}");
    }
}
