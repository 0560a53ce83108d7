//! The `eks-mcp` command.

use std::process::ExitCode;

/// An answer is made of many small strings, and half of the time of a small read went into allocating them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    eks_mcp::cli::main()
}
