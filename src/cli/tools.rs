//! `eks-mcp tools`

use clap::Args;

use super::Failure;
use super::options::SelectionOptions;
use super::output;
use crate::domain::render;
use crate::domain::table::Table;

/// List the tools that a server with these options offers.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp tools
  eks-mcp tools --toolsets all
  eks-mcp tools --json | jq '.[].name'")]
pub(super) struct Tools {
    /// Print what `tools/list` answers, schemas included.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    selection: SelectionOptions,
}

impl Tools {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let registry = self.selection.registry()?;
        if self.json {
            let json = serde_json::to_string_pretty(&registry.descriptors()).map_err(anyhow::Error::from)?;
            output::line(&json)?;
            return Ok(());
        }
        let mut table = Table::new(["tool", "toolset", "what it does"]);
        for entry in registry.entries() {
            let first = entry.meta.description.split_inclusive(". ").next().unwrap_or_default().trim();
            table.push([entry.meta.name.to_owned(), entry.meta.toolset.name().to_owned(), first.to_owned()]);
        }
        output::line(&render::text(&serde_json::json!({"tools": table})))?;
        Ok(())
    }
}
