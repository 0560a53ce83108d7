//! One typed configuration: file, environment, flags, in rising precedence.

mod access;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use figment::error::{Error, Kind};
use figment::providers::{Format as _, Serialized, Toml};
use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::names;
use crate::error::ToolError;

pub use access::{AccountSettings, ClusterSettings};

/// The file that is read from the working directory when none is named.
pub const FILE: &str = "eks-mcp.toml";

/// Prefix of environment variables; `__` stands between a section and its key.
pub const PREFIX: &str = "EKS_MCP_";

/// Everything that can be configured. Every key can stand in `eks-mcp.toml` and in the environment: `region` as
/// `EKS_MCP_REGION`, `http.allowed_hosts` as `EKS_MCP_HTTP__ALLOWED_HOSTS='["a.example"]'`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// AWS Region of clusters that are named without one. Default: the Region of the environment or profile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// AWS profile. Default: the default credential chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// AWS accounts by alias.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub accounts: BTreeMap<String, AccountSettings>,
    /// Alias or id of the account of clusters that are named without one. Default: that of the server's own credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// EKS clusters, by name or ARN, that are reached in another way than the endpoint that EKS names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clusters: BTreeMap<String, ClusterSettings>,
    /// PEM file of certificates to trust beside those of the system, for AWS and for clusters. `AWS_CA_BUNDLE` does the
    /// same for AWS alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// Toolsets to offer: names, `default`, `all` or `none`. Default: `default`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub toolsets: Vec<String>,
    /// Further tools to offer, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
    /// Tools to leave out, by name; stronger than `toolsets` and `tools`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude_tools: Vec<String>,
    /// Seconds that one call may take. Default: 45, below the 60 at which common clients give up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub call_timeout_seconds: Option<u64>,
    /// Key that seals cursors, at least 16 characters. Give every replica of a hosted server the same. Default: made at start.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 16, max = 200))]
    pub cursor_key: Option<String>,
    /// Hosted endpoint.
    pub http: Http,
    /// API servers, and clusters that are reached without EKS.
    pub kubernetes: Kubernetes,
    /// Logs of this server, on standard error.
    pub log: Log,
}

/// Hosted endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// Host names, beyond loopback, that a request may be addressed to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_hosts: Vec<String>,
    /// Origins, beyond loopback, whose pages may ask.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allowed_origins: Vec<String>,
}

/// API servers, and clusters that are reached without EKS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Kubernetes {
    /// Path of a kubeconfig whose contexts become clusters; `default` stands for `$KUBECONFIG` or `~/.kube/config`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// Name under which the cluster that this server runs in is offered, reached with the service account of its pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<String>,
    /// Folder of the service account's files. Default: `/var/run/secrets/kubernetes.io/serviceaccount`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_folder: Option<String>,
    /// Proxy to API servers: `http://`, `https://` or `socks5://`, or `none`. Default: `HTTPS_PROXY`, unless `NO_PROXY`
    /// names the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
}

/// Logs of this server, on standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// Filter such as `info` or `eks_mcp=debug`. Default: `warn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// `text` or `json`. Default: `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<LogFormat>,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object on each line.
    Json,
}

impl Settings {
    /// Reads the file, then the environment, then the flags; later ones win.
    ///
    /// # Errors
    /// `invalid_input` that names the key, where it stands and the nearest known key, or the line of a syntax error.
    pub fn load(file: Option<&Path>, flags: &Self) -> Result<Self, ToolError> {
        if let Some(file) = file
            && !file.is_file()
        {
            return Err(ToolError::invalid(format!("there is no configuration file `{}`", file.display()))
                .with_hint("Correct `--config`."));
        }
        let path = file.map_or_else(|| PathBuf::from(FILE), Path::to_owned);
        let read = Toml::file(path);
        if file.is_none() {
            check_found(&read)?;
        }
        let figment = Figment::new().merge(read).merge(Variables).merge(Serialized::defaults(flags));
        let settings: Self = figment.extract().map_err(|err| explain(&err))?;
        settings.accounts()?;
        if settings.call_timeout_seconds.is_some_and(|it| !(1..=3_600).contains(&it)) {
            return Err(ToolError::invalid("`call_timeout_seconds`: it is not within 1 and 3600")
                .with_hint("`eks-mcp config --schema` prints every key."));
        }
        Ok(settings)
    }
}

/// Keys that decide where credentials are sent, whom to trust and which programs are run.
const TRUSTED_ONLY: [&str; 3] = ["ca_bundle", "clusters", "kubernetes"];

/// A file that only lies in the working directory may have come with somebody's project: clients start servers there.
fn check_found(file: &impl Provider) -> Result<(), ToolError> {
    // What is wrong with the file is said when it is read.
    let Ok(data) = file.data() else { return Ok(()) };
    let found = data.values().flat_map(|it| it.keys()).find(|it| TRUSTED_ONLY.contains(&it.as_str()));
    found.map_or(Ok(()), |key| {
        Err(ToolError::invalid(format!(
            "`{FILE}` of the working directory sets `{key}`, which decides where credentials are sent and which programs are run; a file that is only found there may not"
        ))
        .with_hint(format!("If the file is yours, name it: `--config {FILE}`, or `EKS_MCP_CONFIG={FILE}`.")))
    })
}

/// The environment. Values are text, but for lists and objects in JSON, numbers where a number is wanted, and truth values:
/// account ids are digits and are no numbers.
struct Variables;

impl Provider for Variables {
    fn metadata(&self) -> Metadata {
        Metadata::named(format!("environment variables `{PREFIX}…`"))
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        let mut all = Figment::new();
        for (name, value) in std::env::vars_os() {
            let (Some(name), Some(value)) = (name.to_str(), value.to_str()) else { continue };
            let Some(key) = name.strip_prefix(PREFIX).filter(|it| !is_foreign(it)) else { continue };
            let key = key.to_ascii_lowercase().replace("__", ".");
            let is_parsed =
                value.starts_with(['[', '{', '"']) || matches!(value, "true" | "false") || key == "call_timeout_seconds";
            let parsed = serde_json::from_str::<serde_json::Value>(value).ok().filter(|_| is_parsed);
            all = all.merge(Serialized::default(&key, parsed.unwrap_or_else(|| value.into())));
        }
        all.data()
    }
}

/// Variables with our prefix that are not ours: Kubernetes sets `EKS_MCP_SERVICE_HOST`, `EKS_MCP_PORT_8080_TCP` and their
/// like for a Service named `eks-mcp`; the file and the test switches are read elsewhere.
fn is_foreign(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.starts_with("service_") || key == "port" || key.starts_with("port_") || key == "config" || key.starts_with("test_")
}

fn explain(err: &Error) -> ToolError {
    let place = err.metadata.as_ref().map(|it| match &it.source {
        Some(source) => source.to_string(),
        None => it.name.to_string(),
    });
    let place = place.unwrap_or_else(|| "the configuration".to_owned());
    let path = err.path.join(".");
    let message = match &err.kind {
        Kind::UnknownField(field, known) => {
            let near = names::did_you_mean(field, known.iter().copied());
            let section = err.path.split_last().map(|(_, section)| section.join(".")).filter(|it| !it.is_empty());
            let section = section.map(|it| format!(" of section `{it}`")).unwrap_or_default();
            format!("{place}: `{field}` is no key{section}{near}")
        }
        kind if path.is_empty() => format!("{place}: {kind}"),
        kind => format!("{place}: `{path}`: {kind}"),
    };
    ToolError::invalid(message).with_hint("`eks-mcp config --schema` prints every key.")
}

/// The JSON schema of the configuration, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Settings).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(content: &str) -> Result<Settings, ToolError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eks-mcp.toml");
        std::fs::write(&file, content).unwrap();
        Settings::load(Some(&file), &Settings::default())
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("eks-mcp.toml");
        std::fs::write(&file, "region = \"eu-west-1\"\nprofile = \"ops\"\n[http]\nallowed_hosts = [\"a.example\"]\n").unwrap();
        let flags = Settings { region: Some("us-east-1".into()), ..Settings::default() };
        let settings = Settings::load(Some(&file), &flags).unwrap();
        assert_eq!(settings.region.as_deref(), Some("us-east-1"));
        assert_eq!(settings.profile.as_deref(), Some("ops"));
        assert_eq!(settings.http.allowed_hosts, ["a.example"]);
    }

    #[test]
    fn unknown_keys_are_named_with_the_nearest_known_one() {
        let err = load("regoin = \"eu-west-1\"").unwrap_err();
        assert!(err.message.contains("`regoin` is no key; did you mean `region`?"), "{err}");
        assert!(err.message.contains("eks-mcp.toml"), "{err}");
        let err = load("[http]\nallowed_host = []").unwrap_err();
        assert!(err.message.contains("did you mean `allowed_hosts`?"), "{err}");
        let err = load("region = [").unwrap_err();
        assert!(err.message.contains("line 1"), "{err}");
        let err = load("call_timeout_seconds = \"soon\"").unwrap_err();
        assert!(err.message.contains("`call_timeout_seconds`"), "{err}");
    }

    #[test]
    fn a_file_that_is_only_found_may_not_say_whom_to_trust() {
        for content in
            ["[kubernetes]\nkubeconfig = \"k\"", "ca_bundle = \"ca.pem\"", "[clusters.prod]\nendpoint = \"https://localhost\""]
        {
            let err = check_found(&Toml::string(content)).unwrap_err();
            assert!(err.hint.unwrap().contains("--config"), "{content}");
        }
        for content in ["region = \"eu-west-1\"\n[log]\nlevel = \"info\"", "region = ["] {
            assert!(check_found(&Toml::string(content)).is_ok(), "{content}");
        }
        assert!(load("call_timeout_seconds = 0").unwrap_err().message.contains("within 1 and 3600"));
    }

    #[test]
    fn variables_that_kubernetes_sets_are_not_ours() {
        for key in ["SERVICE_HOST", "SERVICE_PORT_HTTP", "PORT", "PORT_8080_TCP_ADDR"] {
            assert!(is_foreign(key), "{key}");
        }
        assert!(!is_foreign("REGION") && !is_foreign("PROFILE"));
    }
}
