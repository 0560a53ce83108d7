//! `eks-mcp call`

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;
use rmcp::model::JsonObject;
use serde_json::Value;

use super::Failure;
use super::logs;
use super::options::{Options, registry};
use super::output;
use crate::domain::cursor::Cursors;
use crate::error::ToolError;
use crate::registry::CallError;

/// Call one tool and print its structured content as JSON.
///
/// A tool that fails prints its error as JSON on standard error and exits with 1; wrong usage exits with 2.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp call list_clusters --demo
  eks-mcp call list_resources '{\"cluster\": \"payments\", \"kind\": \"Pod\"}' --demo
  eks-mcp call describe_cluster '{\"cluster\": \"prod\"}' --region eu-west-1 --text")]
pub(super) struct Call {
    /// Name of the tool; `eks-mcp tools` lists them.
    tool: String,
    /// Arguments of the tool as a JSON object.
    #[arg(default_value = "{}", value_name = "JSON")]
    arguments: String,
    /// Print the text for people instead of JSON.
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    options: Options,
}

impl Call {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let settings = self.options.settings()?;
        logs::start(&settings)?;
        let registry = registry(&settings)?;
        let arguments = parse(&self.arguments).map_err(Failure::Usage)?;
        let mut cx = self.options.context(&settings)?;
        if settings.cursor_key.is_none() {
            // The next page is asked for by another process, of the same person.
            cx.cursors = Cursors::with_key(env!("CARGO_PKG_NAME"));
        }
        if std::io::stderr().is_terminal() {
            cx.progress = Some(Arc::new(|done, total, message| {
                let total = total.map(|it| format!("/{it}")).unwrap_or_default();
                output::error(&format!("{done}{total} {message}"));
            }));
        }
        let stop = cx.cancel.clone();
        let asked = crate::server::stop_requested();
        tokio::spawn(async move {
            asked.await;
            stop.cancel();
        });
        let answer = registry.call(&cx, &self.tool, arguments).await.map_err(|err| match err {
            CallError::Tool(err) => Failure::Failed(err),
            CallError::UnknownTool(message) => {
                Failure::Usage(ToolError::invalid(message).with_hint("`eks-mcp tools` lists the tools."))
            }
        })?;
        if self.text {
            output::line(&answer.text)?;
        } else {
            let json = serde_json::to_string_pretty(&answer.structured).map_err(anyhow::Error::from)?;
            output::line(&json)?;
        }
        Ok(())
    }
}

fn parse(text: &str) -> Result<JsonObject, ToolError> {
    let wrong = |why: &dyn std::fmt::Display| {
        ToolError::invalid(format!("the arguments are not a JSON object: {why}"))
            .with_hint("Write them as '{\"cluster\": \"prod\"}'.")
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(wrong(&"it is another kind of JSON value")),
        Err(err) => Err(wrong(&err)),
    }
}
