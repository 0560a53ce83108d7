//! The cluster that this server runs in, reached with the service account of its pod.

use std::path::PathBuf;

use http::Uri;
use kube::Config;

use crate::error::{ErrorKind, ToolError};

/// Where a pod finds the files of its service account.
const FOLDER: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The cluster that this server runs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCluster {
    /// The name it is called by.
    pub name: String,
    /// Folder with `token` and `ca.crt`.
    pub folder: PathBuf,
}

impl InCluster {
    /// The cluster under this name; `folder` where the files are elsewhere than a pod usually has them.
    pub fn new(name: impl Into<String>, folder: Option<&str>) -> Self {
        Self { name: name.into(), folder: PathBuf::from(folder.unwrap_or(FOLDER)) }
    }

    /// What leads to the API server. Token and authority are read again when they are rotated.
    ///
    /// # Errors
    /// `credentials` that says what is missing when this process does not run in a pod.
    pub(super) fn config(&self) -> Result<Config, ToolError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|it| !it.is_empty());
        self.config_at(variable("KUBERNETES_SERVICE_HOST"), variable("KUBERNETES_SERVICE_PORT"))
    }

    fn config_at(&self, host: Option<String>, port: Option<String>) -> Result<Config, ToolError> {
        let missing = |what: String| {
            ToolError::new(ErrorKind::Credentials, format!("cluster `{}` cannot be reached from within: {what}", self.name))
                .with_hint("Run this server in a pod with a mounted service account token, or leave `in_cluster` out.")
        };
        let host = host.ok_or_else(|| missing("`KUBERNETES_SERVICE_HOST` is not set, so this is no pod".to_owned()))?;
        let port = port.unwrap_or_else(|| "443".to_owned());
        let token = self.folder.join("token");
        let authority = self.folder.join("ca.crt");
        if let Some(file) = [&token, &authority].into_iter().find(|it| !it.is_file()) {
            return Err(missing(format!("there is no file `{}`", file.display())));
        }
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let url: Uri = format!("https://{host}:{port}")
            .parse()
            .map_err(|err| missing(format!("`https://{host}:{port}` is no URL ({err})")))?;
        let mut config = Config::new(url);
        config.root_cert_file = Some(authority);
        config.auth_info.token_file = Some(token.to_string_lossy().into_owned());
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let here = InCluster::new("home", folder.path().to_str());
        let err = here.config_at(None, None).unwrap_err();
        assert!(err.message.contains("cluster `home`") && err.message.contains("KUBERNETES_SERVICE_HOST"), "{err}");
        let err = here.config_at(Some("10.0.0.1".into()), Some("443".into())).unwrap_err();
        assert!(err.message.contains("token"), "{err}");
        std::fs::write(folder.path().join("token"), "t").unwrap();
        let err = here.config_at(Some("10.0.0.1".into()), Some("443".into())).unwrap_err();
        assert!(err.message.contains("ca.crt"), "{err}");
        std::fs::write(folder.path().join("ca.crt"), "c").unwrap();
        let config = here.config_at(Some("fd00::1".into()), Some("6443".into())).unwrap();
        assert_eq!(config.cluster_url.to_string(), "https://[fd00::1]:6443/");
    }
}
