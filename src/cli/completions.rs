//! `eks-mcp completions`

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Arguments, Failure};

/// Print the completion script of a shell.
#[derive(Args)]
#[command(after_help = "\
Example:
  eks-mcp completions bash > /etc/bash_completion.d/eks-mcp")]
pub(super) struct Completions {
    /// Shell to complete in.
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "every command has the same shape")]
    pub(super) fn run(&self) -> Result<(), Failure> {
        clap_complete::generate(self.shell, &mut Arguments::command(), "eks-mcp", &mut std::io::stdout());
        Ok(())
    }
}
