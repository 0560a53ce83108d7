//! `eks-mcp config`

use clap::Args;

use super::Failure;
use super::options::SelectionOptions;
use super::output;
use crate::config;

/// Print the configuration in force, or its JSON schema.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp config                      what file and environment add up to
  eks-mcp config --schema             every key, for editors")]
pub(super) struct Config {
    /// Print the JSON schema of `eks-mcp.toml`.
    #[arg(long)]
    schema: bool,
    #[command(flatten)]
    selection: SelectionOptions,
}

impl Config {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let value = if self.schema {
            config::schema()
        } else {
            serde_json::to_value(self.selection.settings()?).map_err(anyhow::Error::from)?
        };
        let json = serde_json::to_string_pretty(&value).map_err(anyhow::Error::from)?;
        output::line(&json)?;
        Ok(())
    }
}
