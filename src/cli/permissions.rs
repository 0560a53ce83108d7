//! `eks-mcp permissions`

use clap::Args;

use super::Failure;
use super::options::SelectionOptions;
use super::output;
use crate::permissions::{cluster_role, iam_policy};

/// Print the least permissions that the selected tools need.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp permissions --iam > policy.json
  eks-mcp permissions --rbac | kubectl apply -f -
  eks-mcp permissions --iam --toolsets clusters,cost")]
pub(super) struct Permissions {
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    selection: SelectionOptions,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Form {
    /// As an IAM policy.
    #[arg(long)]
    iam: bool,
    /// As a Kubernetes ClusterRole.
    #[arg(long)]
    rbac: bool,
}

impl Permissions {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let permissions = self.selection.registry()?.permissions();
        let text = if self.form.iam {
            serde_json::to_string_pretty(&iam_policy(&permissions)).map_err(anyhow::Error::from)?
        } else {
            cluster_role(&permissions).trim_end().to_owned()
        };
        output::line(&text)?;
        Ok(())
    }
}
