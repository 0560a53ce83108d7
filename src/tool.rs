//! What a tool is: its description, its types, its erasure. The only generic code about tools.

use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use rmcp::model::{JsonObject, Tool as Descriptor, ToolAnnotations};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::context::Context;
use crate::error::{ErrorKind, ToolError};
use crate::schema;

/// What a call does to the world. All four MCP annotations are derived from it, so that they cannot contradict it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing changes.
    Read,
    /// Something is created or changed.
    Write {
        /// Whether calling twice is the same as calling once.
        idempotent: bool,
    },
    /// Something is removed or replaced.
    Destroy,
}

/// A permission that a tool needs. Documentation, IAM policy, ClusterRole and tests are made from these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// An IAM action, such as `eks:ListClusters`.
    Iam(&'static str),
    /// A verb on a Kubernetes resource.
    Rbac {
        /// `get` or `list`.
        verb: &'static str,
        /// API group, empty for the core group, `*` for every group.
        group: &'static str,
        /// Plural resource, with its subresource after a slash; `*` for every resource.
        resource: &'static str,
    },
}

impl Permission {
    /// An IAM action.
    pub const fn iam(action: &'static str) -> Self {
        Self::Iam(action)
    }

    /// A verb on a Kubernetes resource.
    pub const fn rbac(verb: &'static str, group: &'static str, resource: &'static str) -> Self {
        Self::Rbac { verb, group, resource }
    }
}

/// A group of tools that is switched on together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Toolset {
    /// Clusters, their versions and settings.
    Clusters,
    /// What runs in them: resources, events, logs.
    Workloads,
    /// What is wrong and why.
    Diagnose,
    /// Metrics and logs in CloudWatch.
    Observe,
    /// What it costs.
    Cost,
}

impl Toolset {
    /// Every toolset, in the order of the documentation.
    pub const ALL: &[Self] = &[Self::Clusters, Self::Workloads, Self::Diagnose, Self::Observe, Self::Cost];

    /// The name in configuration and folders.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clusters => "clusters",
            Self::Workloads => "workloads",
            Self::Diagnose => "diagnose",
            Self::Observe => "observe",
            Self::Cost => "cost",
        }
    }

    /// What the set is for, in a few words.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Clusters => "clusters, their versions and settings",
            Self::Workloads => "what runs in them: resources, events, logs",
            Self::Diagnose => "what is wrong and why",
            Self::Observe => "metrics and logs in CloudWatch",
            Self::Cost => "what it costs",
        }
    }

    /// Whether the set is on when the user chooses none.
    pub const fn is_default(self) -> bool {
        match self {
            Self::Clusters | Self::Workloads | Self::Diagnose | Self::Observe | Self::Cost => true,
        }
    }
}

/// Everything about a tool that is neither a type nor code.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// `verb_noun`, at most 32 of `[a-z0-9_]`.
    pub name: &'static str,
    /// Short title for people.
    pub title: &'static str,
    /// What it does and when to use it; the first sentence is what tool searches index.
    pub description: &'static str,
    /// The set it is switched on with.
    pub toolset: Toolset,
    /// What a call does to the world.
    pub effect: Effect,
    /// What the identity of the server must be allowed.
    pub permissions: &'static [Permission],
}

/// A tool. Implementors are unit structs, one in a file, listed once in [`crate::tools::ALL`].
pub trait Tool: 'static {
    /// What is shown of the tool.
    const META: Meta;
    /// The arguments.
    type Input: DeserializeOwned + JsonSchema + Send + 'static;
    /// The answer.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// Answers one call. Arguments have been checked against the schema of [`Self::Input`].
    fn run(cx: &Context, input: Self::Input) -> impl Future<Output = Result<Self::Output, ToolError>> + Send;
}

type Run = for<'a> fn(&'a Context, JsonObject) -> BoxFuture<'a, Result<Value, ToolError>>;

/// A [`Tool`] without its types, so that tools of any type fit in one table.
#[derive(Clone, Copy)]
pub struct Entry {
    /// What is shown of the tool.
    pub meta: Meta,
    input_schema: fn() -> Arc<JsonObject>,
    output_schema: fn() -> Arc<JsonObject>,
    run: Run,
}

impl Entry {
    /// Erases the types of a tool.
    pub const fn of<T: Tool>() -> Self {
        Self { meta: T::META, input_schema: schema::input::<T::Input>, output_schema: schema::output::<T::Output>, run: run::<T> }
    }

    /// The object that `tools/list` shows.
    pub fn descriptor(&self) -> Descriptor {
        let Meta { name, title, description, effect, .. } = self.meta;
        let annotations = ToolAnnotations::with_title(title).open_world(true);
        let annotations = match effect {
            Effect::Read => annotations.read_only(true).destructive(false).idempotent(true),
            Effect::Write { idempotent } => annotations.read_only(false).destructive(false).idempotent(idempotent),
            Effect::Destroy => annotations.read_only(false).destructive(true).idempotent(true),
        };
        Descriptor::new(name, description, (self.input_schema)())
            .with_title(title)
            .with_raw_output_schema((self.output_schema)())
            .with_annotations(annotations)
    }

    /// The schema of the arguments, alone.
    pub fn input_schema(&self) -> Arc<JsonObject> {
        (self.input_schema)()
    }

    /// Answers one call; the arguments have been checked.
    pub fn run<'a>(&self, cx: &'a Context, arguments: JsonObject) -> BoxFuture<'a, Result<Value, ToolError>> {
        (self.run)(cx, arguments)
    }
}

fn run<T: Tool>(cx: &Context, arguments: JsonObject) -> BoxFuture<'_, Result<Value, ToolError>> {
    async move {
        let input = serde_json::from_value(Value::Object(arguments)).map_err(|err| ToolError::invalid(err.to_string()))?;
        let output = T::run(cx, input).await?;
        serde_json::to_value(output)
            .map_err(|err| ToolError::new(ErrorKind::Internal, format!("the answer could not be written as JSON: {err}")))
    }
    .boxed()
}
