//! What a tool can fail with, and the only place that turns it into MCP.
//!
//! A failure is part of the answer: the model reads what failed on which thing and why, and what to do next. Protocol
//! errors are left to requests that cannot be routed.

use rmcp::model::{CallToolResult, ContentBlock, MetaObject};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Key of the machine-readable error in a result's `_meta`.
///
/// It is not `structuredContent`: an error does not match a tool's output schema, and some clients validate that on errors too.
pub const META_KEY: &str = "eks-mcp/error";

/// Error text longer than this is cut by clients in places nobody chose.
const MAX_TEXT: usize = 4_000;

/// The class of a failure; each calls for a different next step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The arguments are wrong; nothing was contacted.
    InvalidInput,
    /// The named thing does not exist where it was looked for.
    NotFound,
    /// The identity lacks a permission.
    AccessDenied,
    /// There are no usable credentials.
    Credentials,
    /// The service asked to slow down, and kept asking.
    Throttled,
    /// The call took longer than its deadline.
    Timeout,
    /// The endpoint cannot be reached or trusted.
    Unreachable,
    /// The cluster lacks the component that would know.
    NotInstalled,
    /// The snapshot does not hold it.
    NotRecorded,
    /// The service failed or answered something unexpected.
    Upstream,
    /// A fault of this server.
    Internal,
}

impl ErrorKind {
    /// Whether the same call may succeed a little later.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Throttled | Self::Timeout | Self::Upstream)
    }

    /// The name as callers see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::AccessDenied => "access_denied",
            Self::Credentials => "credentials",
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
            Self::NotInstalled => "not_installed",
            Self::NotRecorded => "not_recorded",
            Self::Upstream => "upstream",
            Self::Internal => "internal",
        }
    }
}

/// A failure a caller can act on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct ToolError {
    /// The class of the failure.
    pub kind: ErrorKind,
    /// What failed on which thing and why: lower case, no period at the end.
    pub message: String,
    /// The next step in the imperative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl ToolError {
    /// An error with the next step that suits its kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: Some(default_hint(kind).to_owned()) }
    }

    /// The arguments are wrong.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Something named does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Replaces the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The text that people and models read.
    pub fn text(&self) -> String {
        let end = if self.message.ends_with(['.', '?', '!']) { "" } else { "." };
        let mut text = format!("{}: {}{end}", self.kind.name(), self.message);
        if let Some(hint) = &self.hint {
            text.push_str("\nNext step: ");
            text.push_str(hint);
        }
        crate::domain::text::cut(&text, MAX_TEXT)
    }

    /// The answer of a failed tool call.
    pub fn into_result(self) -> CallToolResult {
        let mut meta = MetaObject::new();
        let body = json!({
            "kind": self.kind,
            "message": self.message,
            "hint": self.hint,
            "retryable": self.kind.is_retryable(),
        });
        meta.insert(META_KEY.to_owned(), body);
        let mut result = CallToolResult::error(vec![ContentBlock::text(self.text())]);
        result.meta = Some(meta);
        result
    }
}

fn default_hint(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "Correct these arguments and call the tool again.",
        ErrorKind::NotFound => "List what exists, then call again with one of those names.",
        ErrorKind::AccessDenied => {
            "Grant the missing permission to this identity; `eks-mcp permissions` prints the least policy."
        }
        ErrorKind::Credentials => {
            "Ask the user to log in again, for example with `aws sso login`, or to set `AWS_PROFILE`; no restart is needed."
        }
        ErrorKind::Throttled => "Wait a minute, then call again with a narrower request.",
        ErrorKind::Timeout => "Narrow the request: one cluster, one namespace, or a shorter window.",
        ErrorKind::Unreachable => "Check the network path from this server to the endpoint.",
        ErrorKind::NotInstalled => "Install the component, or use a tool that does not need it.",
        ErrorKind::NotRecorded => "Record it into the snapshot, or ask the live cluster.",
        ErrorKind::Upstream => "Try again; if it stays, report the message to the operator of the service.",
        ErrorKind::Internal => "Report this as a bug of eks-mcp; other tools still work.",
    }
}
