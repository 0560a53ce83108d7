//! The HTTP client of the SDK where further certificates are to be trusted. Without any, the SDK makes its own.

use std::path::{Path, PathBuf};

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::error::ToolError;

/// The bundle that the configuration names, else that of `AWS_CA_BUNDLE`.
pub(super) fn bundle(configured: Option<&Path>) -> Option<PathBuf> {
    let variable = || std::env::var_os("AWS_CA_BUNDLE").filter(|it| !it.is_empty()).map(PathBuf::from);
    configured.map(Path::to_owned).or_else(variable)
}

/// A client that trusts the certificates of the bundle beside those of the system, and takes the proxies of the
/// environment as the SDK's own does.
pub(super) fn client(bundle: &Path) -> Result<SharedHttpClient, ToolError> {
    let wrong = |why: String| {
        ToolError::invalid(format!("the CA bundle `{}` cannot be used: {why}", bundle.display()))
            .with_hint("Correct `ca_bundle` or `AWS_CA_BUNDLE`: a file with certificates in PEM.")
    };
    let pem = std::fs::read(bundle).map_err(|err| wrong(err.to_string()))?;
    // The SDK takes a store without any certificate and then panics at the first connection.
    if !pem.windows(BEGIN.len()).any(|it| it == BEGIN) {
        return Err(wrong("it holds no certificate in PEM".to_owned()));
    }
    let store = TrustStore::default().with_pem_certificate(pem);
    let tls = TlsContext::builder().with_trust_store(store).build().map_err(|err| wrong(err.to_string()))?;
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut builder = Connector::builder();
        builder.set_connector_settings(settings.cloned());
        builder.set_sleep_impl(components.and_then(|it| it.sleep_impl()));
        builder.set_proxy_config(Some(ProxyConfig::from_env()));
        builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).tls_context(tls.clone()).build()
    }))
}

const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        assert!(client(&file).unwrap_err().message.contains("ca.pem"));
        std::fs::write(&file, "nothing").unwrap();
        assert!(client(&file).unwrap_err().message.contains("no certificate"));
    }
}
