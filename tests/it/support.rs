//! What tests share: the demo world behind a registry, and the binary.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use eks_mcp::context::{Context, Limits};
use eks_mcp::error::ToolError;
use eks_mcp::registry::{Answer, CallError, Registry, Selection};
use eks_mcp::snapshot::{Snapshot, Usage, demo};
use eks_mcp::tools::ALL;
use serde_json::Value;

/// A registry over a world.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) context: Context,
    pub(crate) usage: Usage,
}

impl World {
    /// The embedded demo.
    pub(crate) fn demo() -> Self {
        Self::of(demo().unwrap())
    }

    /// A snapshot.
    pub(crate) fn of(snapshot: Snapshot) -> Self {
        let usage = snapshot.usage();
        let context = Context::new(snapshot.into_world(), Limits::STANDARD, None);
        let registry = Registry::select(ALL, &Selection { toolsets: vec!["all".into()], ..Selection::default() }).unwrap();
        Self { registry, context, usage }
    }

    /// Calls a tool.
    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Result<Answer, ToolError> {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        match self.registry.call(&self.context, tool, arguments).await {
            Ok(answer) => Ok(answer),
            Err(CallError::Tool(err)) => Err(err),
            Err(CallError::UnknownTool(message)) => panic!("{message}"),
        }
    }

    /// Calls a tool that succeeds.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        match self.try_call(tool, arguments).await {
            Ok(answer) => answer.structured,
            Err(err) => panic!("{tool}: {}", err.text()),
        }
    }

    /// Calls a tool that fails.
    pub(crate) async fn fail(&self, tool: &str, arguments: Value) -> ToolError {
        match self.try_call(tool, arguments).await {
            Ok(answer) => panic!("{tool} succeeded: {}", answer.text),
            Err(err) => err,
        }
    }
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with a clean environment, so that nothing of the machine is picked up.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eks-mcp"));
    let home = root().join("tests/it");
    command
        .env_clear()
        .env("HOME", home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null());
    command
}

/// Runs the binary and returns exit code, standard output and standard error.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    read(binary().args(arguments).output().unwrap())
}

/// Exit code, standard output and standard error.
pub(crate) fn read(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}
