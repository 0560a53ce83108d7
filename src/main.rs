//! The `eks-mcp` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    eks_mcp::cli::main()
}
