//! Credential plugins of a kubeconfig: a command that prints a token or a client certificate.
//!
//! The Kubernetes client could run them itself, but it would let them read from and write to the terminal, which over stdio
//! is the protocol, run them on the thread that serves other calls, and wait for them for ever.

use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use kube::config::{ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::sync::Mutex;

use super::bearer::{Identity, header};
use crate::domain::text;
use crate::error::{ErrorKind, ToolError};

/// How long a plugin may take. A login that waits for a person does not end in this time.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Most bytes of a plugin's output that are read.
const OUTPUT: u64 = 1 << 20;
/// Renewed so long before the end, so that no request carries a token that ends on its way.
const MARGIN: SignedDuration = SignedDuration::from_mins(1);

/// What a plugin printed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Printed {
    pub(super) token: Option<String>,
    pub(super) client_certificate_data: Option<String>,
    pub(super) client_key_data: Option<String>,
    pub(super) expiration_timestamp: Option<Timestamp>,
}

/// A plugin and what it printed last.
pub(super) struct Plugin {
    context: String,
    exec: ExecConfig,
    last: Mutex<Option<Printed>>,
}

impl Plugin {
    /// The plugin of a context. Nothing is run yet.
    pub(super) fn new(context: &str, exec: ExecConfig) -> Self {
        Self { context: context.to_owned(), exec, last: Mutex::new(None) }
    }

    /// What the plugin prints, run anew when the last output is about to end.
    ///
    /// # Errors
    /// `credentials` that names the command, and what it said.
    pub(super) async fn printed(&self) -> Result<Printed, ToolError> {
        let mut last = self.last.lock().await;
        let fresh = |it: &&Printed| it.expiration_timestamp.is_none_or(|end| end > Timestamp::now() + MARGIN);
        if let Some(printed) = last.as_ref().filter(fresh) {
            return Ok(printed.clone());
        }
        let printed = self.run(TIMEOUT).await?;
        *last = Some(printed.clone());
        Ok(printed)
    }

    async fn run(&self, timeout: Duration) -> Result<Printed, ToolError> {
        let command = self.exec.command.as_deref().unwrap_or_default();
        let failed = |why: String| {
            let message = format!("kubeconfig context `{}`: the credential plugin `{command}` {why}", self.context);
            ToolError::new(ErrorKind::Credentials, message)
                .with_hint(format!("Ask the user to log in with what `{command}` needs; `kubectl --context {} get --raw /version` runs the same plugin.", self.context))
        };
        if self.exec.interactive_mode == Some(ExecInteractiveMode::Always) {
            return Err(failed("asks for a terminal, which a server does not have".to_owned()));
        }
        let mut child = self.command(command).spawn().map_err(|err| {
            let hint = self.exec.install_hint.as_deref().map(|it| format!(" {}", text::cut(&text::clean(it), 300)));
            failed(format!("cannot be started: {err}")).with_hint(format!(
                "Install `{command}`, or write its full path in the kubeconfig: an IDE may start this server with another PATH than a shell.{}",
                hint.unwrap_or_default()
            ))
        })?;
        let (output, error) = (child.stdout.take(), child.stderr.take());
        let all = async { futures::join!(read(output), read(error), child.wait()) };
        let Ok((output, error, status)) = tokio::time::timeout(timeout, all).await else {
            return Err(failed(format!("did not end within {} s", timeout.as_secs())));
        };
        let status = status.map_err(|err| failed(format!("was lost: {err}")))?;
        if !status.success() {
            let said = text::cut(&text::clean(error.trim()), 500);
            return Err(failed(format!("failed ({status}): {said}")));
        }
        parse(&output).map_err(|why| failed(format!("printed no credentials: {why}")))
    }

    fn command(&self, command: &str) -> Command {
        let spec = match &self.exec.cluster {
            Some(cluster) if self.exec.provide_cluster_info => json!({"interactive": false, "cluster": cluster}),
            _ => json!({"interactive": false}),
        };
        let info = json!({"apiVersion": self.exec.api_version, "kind": "ExecCredential", "spec": spec});
        let mut process = Command::new(command);
        process.args(self.exec.args.iter().flatten());
        for variable in self.exec.env.iter().flatten() {
            if let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) {
                process.env(name, value);
            }
        }
        process.env("KUBERNETES_EXEC_INFO", info.to_string());
        process.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        process
    }
}

async fn read(stream: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        // What could be read before an error still says something.
        let _ = stream.take(OUTPUT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// JSON, or YAML as some plugins print.
fn parse(output: &str) -> Result<Printed, String> {
    #[derive(Deserialize)]
    struct Credential {
        status: Option<Printed>,
    }
    // The text of a parser may quote what it parsed, which is a secret here.
    let credential: Credential = serde_saphyr::from_str(output).map_err(|_| "it is no `ExecCredential`".to_owned())?;
    let printed = credential.status.ok_or("`status` is missing")?;
    match (&printed.token, &printed.client_certificate_data, &printed.client_key_data) {
        (Some(_), ..) | (_, Some(_), Some(_)) => Ok(printed),
        _ => Err("`status` holds neither a token nor a certificate with its key".to_owned()),
    }
}

#[async_trait]
impl Identity for Plugin {
    async fn bearer(&self) -> Result<Option<HeaderValue>, ToolError> {
        self.printed().await?.token.map(|it| header(&it)).transpose()
    }

    async fn refused(&self) -> ToolError {
        *self.last.lock().await = None;
        let command = self.exec.command.as_deref().unwrap_or_default();
        let message = format!(
            "kubeconfig context `{}`: the API server does not accept what the credential plugin `{command}` printed (401 Unauthorized)",
            self.context
        );
        ToolError::new(ErrorKind::AccessDenied, message).with_hint(
            "Map the identity of the plugin in the cluster, for EKS with an access entry, or correct the plugin's arguments.",
        )
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> Plugin {
        let exec = json!({"apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script], "env": [{"name": "ANSWER", "value": "from-env"}]});
        Plugin::new("dev", serde_json::from_value(exec).unwrap())
    }

    fn printing(status: &str) -> Plugin {
        plugin(&format!("echo run >> \"$0\"; printf '%s' '{{\"kind\": \"ExecCredential\", \"status\": {status}}}'"))
    }

    #[tokio::test]
    async fn a_token_is_used_until_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let runs = folder.path().join("runs");
        let count = || std::fs::read_to_string(&runs).unwrap_or_default().lines().count();
        let with_file = |mut plugin: Plugin| {
            plugin.exec.args.as_mut().unwrap().push(runs.to_string_lossy().into_owned());
            plugin
        };
        let lasting = with_file(printing("{\"token\": \"t1\"}"));
        for _ in 0..2 {
            assert_eq!(lasting.bearer().await.unwrap().unwrap(), "Bearer t1");
        }
        assert_eq!(count(), 1);
        assert!(lasting.refused().await.message.contains("401"));
        lasting.bearer().await.unwrap();
        assert_eq!(count(), 2, "what the server refused is not used again");
        let ending = with_file(printing("{\"token\": \"t2\", \"expirationTimestamp\": \"2020-01-01T00:00:00Z\"}"));
        ending.bearer().await.unwrap();
        ending.bearer().await.unwrap();
        assert_eq!(count(), 4);
    }

    #[tokio::test]
    async fn a_plugin_gets_its_environment_and_no_terminal() {
        let script = r#"test -z "$(cat)" && case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) printf 'status:\n  token: %s\n' "$ANSWER";; esac"#;
        assert_eq!(plugin(script).printed().await.unwrap().token.as_deref(), Some("from-env"));
    }

    #[tokio::test]
    async fn a_plugin_that_hangs_or_fails_is_named_and_nothing_it_printed_is_repeated() {
        let err = plugin("exec sleep 600").run(Duration::from_millis(50)).await.unwrap_err();
        assert!(err.message.contains("`dev`") && err.message.contains("did not end"), "{err}");
        let err = plugin("echo 'session has expired' >&2; exit 7").printed().await.unwrap_err();
        assert!(err.message.contains("session has expired") && err.kind == ErrorKind::Credentials, "{err}");
        let err = plugin("echo '{\"token: very-secret'").printed().await.unwrap_err();
        assert!(!err.text().contains("very-secret"), "{err}");
        let gone = json!({"command": "/no/such/plugin", "installHint": "see the wiki"});
        let err = Plugin::new("dev", serde_json::from_value(gone).unwrap()).printed().await.unwrap_err();
        assert!(err.text().contains("/no/such/plugin") && err.text().contains("see the wiki"), "{err}");
    }
}
