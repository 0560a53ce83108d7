//! The command line: one file for each command.

mod call;
mod check;
mod completions;
mod config;
mod demo;
mod logs;
mod options;
mod output;
mod permissions;
mod serve;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::error::ToolError;

const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("BUILD_COMMIT"), ")");

/// Typed, safe and economical access to Amazon EKS for AI assistants, over the Model Context Protocol.
#[derive(Parser)]
#[command(name = "eks-mcp", version = VERSION, max_term_width = 110, after_help = "\
Examples:
  eks-mcp demo                                   see what it does, without an account
  eks-mcp serve                                  serve an IDE assistant over stdio
  eks-mcp serve --http 127.0.0.1:8080            serve over HTTP at /mcp
  eks-mcp check                                  try every configured way, and say what is missing
  eks-mcp call list_clusters '{\"all_regions\": true}'")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Serve),
    Call(call::Call),
    Check(check::Check),
    Demo(demo::Demo),
    Tools(tools::Tools),
    Permissions(permissions::Permissions),
    Config(config::Config),
    Completions(completions::Completions),
}

/// Why a command ended without success.
enum Failure {
    /// The command could not do what was asked.
    Failed(ToolError),
    /// The command was asked wrongly.
    Usage(ToolError),
    /// The command did what was asked and said that something is not well.
    Unwell,
    /// Something outside broke, such as a closed pipe.
    Broken(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(err: anyhow::Error) -> Self {
        Self::Broken(err)
    }
}

impl From<std::io::Error> for Failure {
    fn from(err: std::io::Error) -> Self {
        Self::Broken(err.into())
    }
}

/// Runs the command of this process: 0 for success, 1 for failure, 2 for wrong usage.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(err) => {
            output::error(&format!("the runtime did not start: {err}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match arguments.command {
            Command::Serve(command) => command.run().await,
            Command::Call(command) => command.run().await,
            Command::Check(command) => command.run().await,
            Command::Demo(command) => command.run().await,
            Command::Tools(command) => command.run(),
            Command::Permissions(command) => command.run(),
            Command::Config(command) => command.run(),
            Command::Completions(command) => command.run(),
        }
    });
    // A read of standard input cannot be cancelled; waiting for it would keep a stopped server alive.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(err)) => {
            output::error(&serde_json::to_string_pretty(&err).unwrap_or_else(|_| err.text()));
            ExitCode::FAILURE
        }
        Err(Failure::Unwell) => ExitCode::FAILURE,
        Err(Failure::Usage(err)) => {
            output::error(&format!("error: {}", err.text()));
            ExitCode::from(2)
        }
        Err(Failure::Broken(err)) if output::is_closed_pipe(&err) => ExitCode::SUCCESS,
        Err(Failure::Broken(err)) => {
            output::error(&format!("error: {err:#}"));
            ExitCode::FAILURE
        }
    }
}
