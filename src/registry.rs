//! What holds for every tool and no tool does itself: selection, validation of arguments, deadline, cancellation, panics,
//! what is hidden, cleaned and counted on the way out, and the size of answers.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Once, OnceLock};
use std::time::Instant;

use futures::FutureExt as _;
use jsonschema::Validator;
use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool as Descriptor};
use serde_json::Value;
use tracing::Instrument as _;

use crate::context::Context;
use crate::domain::{names, outbound, render};
use crate::error::{ErrorKind, ToolError};
use crate::tool::{Effect, Entry, Permission, Toolset};

/// Which tools a server offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Toolsets by name; `default` and `all` stand for those sets. Empty means `default`.
    pub toolsets: Vec<String>,
    /// Further tools by name.
    pub tools: Vec<String>,
    /// Tools to leave out; stronger than both others.
    pub exclude: Vec<String>,
}

/// The tools of a server.
pub struct Registry {
    tools: BTreeMap<&'static str, Registered>,
}

struct Registered {
    entry: Entry,
    validator: OnceLock<Result<Validator, String>>,
    descriptor: OnceLock<Descriptor>,
}

/// A finished call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The typed content.
    pub structured: Value,
    /// The same for people.
    pub text: String,
    /// How many secrets were hidden.
    pub redacted: usize,
}

impl Answer {
    /// The answer as MCP sends it.
    pub fn into_result(self) -> CallToolResult {
        let mut result = CallToolResult::structured(self.structured);
        result.content = vec![ContentBlock::text(self.text)];
        result
    }
}

/// Why a call has no answer.
#[derive(Debug)]
pub enum CallError {
    /// No tool of that name is offered; the only failure that is a protocol error.
    UnknownTool(String),
    /// The tool failed; part of the conversation.
    Tool(ToolError),
}

/// The first answer is looked through by rules that are made while it is being fetched.
static WARMED: Once = Once::new();

impl Registry {
    /// The selected ones of these tools. Tools that write are left out: this server only reads.
    ///
    /// # Errors
    /// `invalid_input` that names an unknown toolset or tool and the nearest known one.
    pub fn select(all: &[Entry], selection: &Selection) -> Result<Self, ToolError> {
        let sets = toolsets(&selection.toolsets)?;
        for name in selection.tools.iter().chain(&selection.exclude) {
            if !all.iter().any(|it| it.meta.name == name) {
                let near = names::did_you_mean(name, all.iter().map(|it| it.meta.name));
                return Err(ToolError::invalid(format!("there is no tool `{name}`{near}")));
            }
        }
        let chosen = all.iter().filter(|entry| {
            let name = entry.meta.name;
            entry.meta.effect == Effect::Read
                && !selection.exclude.iter().any(|it| it == name)
                && (sets.contains(&entry.meta.toolset) || selection.tools.iter().any(|it| it == name))
        });
        let tools = chosen
            .map(|entry| (entry.meta.name, Registered { entry: *entry, validator: OnceLock::new(), descriptor: OnceLock::new() }))
            .collect();
        Ok(Self { tools })
    }

    /// The tools in the order of their names, which never changes (clients cache prompts on it).
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tools.values().map(|it| &it.entry)
    }

    /// What `tools/list` shows.
    pub fn descriptors(&self) -> Vec<Descriptor> {
        self.tools.values().map(Registered::descriptor).collect()
    }

    /// What `tools/list` shows of one tool.
    pub fn descriptor(&self, name: &str) -> Option<Descriptor> {
        self.tools.get(name).map(Registered::descriptor)
    }

    /// Every permission that the tools need, each once.
    pub fn permissions(&self) -> Vec<Permission> {
        let mut permissions: Vec<_> = self.entries().flat_map(|it| it.meta.permissions).copied().collect();
        permissions.sort_unstable();
        permissions.dedup();
        permissions
    }

    /// Answers one call.
    ///
    /// # Errors
    /// [`CallError::UnknownTool`] when no such tool is offered, [`CallError::Tool`] for everything else.
    pub async fn call(&self, cx: &Context, name: &str, arguments: JsonObject) -> Result<Answer, CallError> {
        let Some(tool) = self.tools.get(name) else {
            let near = names::did_you_mean(name, self.tools.keys().copied());
            let message = format!("there is no tool `{name}`{near}; `tools/list` names those there are");
            return Err(CallError::UnknownTool(outbound::line(&message)));
        };
        WARMED.call_once(|| drop(tokio::task::spawn_blocking(outbound::warm)));
        let span = tracing::info_span!("tool", name = tool.entry.meta.name);
        let started = Instant::now();
        let result = self.guarded(cx, tool, arguments).instrument(span.clone()).await;
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // The audit line: which tool, how it ended, how long it took; never arguments or results.
        span.in_scope(|| match &result {
            Ok(answer) => tracing::info!(outcome = "ok", milliseconds, redacted = answer.redacted, "called"),
            Err(err) => tracing::info!(outcome = err.kind.name(), milliseconds, "called"),
        });
        result.map_err(|err| CallError::Tool(fit_to_leave(err)))
    }

    async fn guarded(&self, cx: &Context, tool: &Registered, arguments: JsonObject) -> Result<Answer, ToolError> {
        let arguments = tool.check(arguments)?;
        let name = tool.entry.meta.name;
        let call = AssertUnwindSafe(tool.entry.run(cx, arguments)).catch_unwind();
        let outcome = tokio::select! {
            biased;
            () = cx.cancel.cancelled() => {
                return Err(ToolError::new(ErrorKind::Timeout, format!("`{name}` was cancelled by the caller")).with_hint("Call again if the answer is still wanted."));
            }
            outcome = tokio::time::timeout(cx.limits.call_timeout, call) => outcome,
        };
        let Ok(outcome) = outcome else {
            let seconds = cx.limits.call_timeout.as_secs();
            return Err(ToolError::new(ErrorKind::Timeout, format!("`{name}` took longer than {seconds} s")));
        };
        let Ok(result) = outcome else {
            // The panic itself is in the log; what a hook printed there is not for the caller.
            return Err(ToolError::new(ErrorKind::Internal, format!("`{name}` failed unexpectedly; the log has the details")));
        };
        match result {
            Ok(structured) => finish(name, structured, cx.limits.hard_limit),
            Err(err) => Err(err),
        }
    }
}

impl Registered {
    /// The object that `tools/list` shows, made once.
    fn descriptor(&self) -> Descriptor {
        self.descriptor.get_or_init(|| self.entry.descriptor()).clone()
    }

    /// Checks the arguments against the very schema that was shown.
    fn check(&self, mut arguments: JsonObject) -> Result<JsonObject, ToolError> {
        // Models write null for "not given".
        arguments.retain(|_, value| !value.is_null());
        spell(&mut arguments, &self.entry.input_schema());
        let schema = Value::Object((*self.entry.input_schema()).clone());
        let validator = self.validator.get_or_init(|| jsonschema::validator_for(&schema).map_err(|err| err.to_string()));
        let validator =
            validator.as_ref().map_err(|err| ToolError::new(ErrorKind::Internal, format!("the schema is invalid: {err}")))?;
        let instance = Value::Object(arguments);
        let problems: Vec<String> = validator.iter_errors(&instance).take(5).map(|err| describe(&err, &schema)).collect();
        if !problems.is_empty() {
            let name = self.entry.meta.name;
            return Err(ToolError::invalid(format!("wrong arguments for `{name}`: {}", problems.join("; "))));
        }
        match instance {
            Value::Object(arguments) => Ok(arguments),
            _ => Ok(JsonObject::new()),
        }
    }
}

/// Spells choices as the schema does: `Warning` and `warning` mean the same to everybody.
fn spell(arguments: &mut JsonObject, schema: &JsonObject) {
    for (name, value) in arguments {
        let property = schema.get("properties").and_then(|it| it.get(name));
        let choices = |schema: Option<&Value>| schema?.get("enum")?.as_array().cloned();
        match value {
            Value::Array(items) => {
                if let Some(choices) = choices(property.and_then(|it| it.get("items"))) {
                    for item in items {
                        spell_one(item, &choices);
                    }
                }
            }
            value => {
                if let Some(choices) = choices(property) {
                    spell_one(value, &choices);
                }
            }
        }
    }
}

fn spell_one(value: &mut Value, choices: &[Value]) {
    let Some(text) = value.as_str() else { return };
    let mut meant = choices.iter().filter(|it| it.as_str().is_some_and(|it| it.eq_ignore_ascii_case(text)));
    if let (Some(choice), None) = (meant.next(), meant.next()) {
        *value = choice.clone();
    }
}

/// One problem with the arguments, with the nearest known name where an argument is unknown.
fn describe(err: &jsonschema::ValidationError<'_>, schema: &Value) -> String {
    use jsonschema::error::ValidationErrorKind as Kind;
    let known = || schema.get("properties").and_then(Value::as_object).into_iter().flat_map(JsonObject::keys).map(String::as_str);
    match err.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let unknown =
                unexpected.iter().map(|name| format!("`{name}` is no argument of it{}", names::did_you_mean(name, known())));
            let all: Vec<&str> = known().collect();
            format!("{} (it takes {})", unknown.collect::<Vec<_>>().join("; "), all.join(", "))
        }
        Kind::Required { property } => format!("`{}` is missing", property.as_str().unwrap_or_default()),
        Kind::Enum { options } => {
            let path = err.instance_path().as_str().trim_start_matches('/').replace('/', ".");
            let wrong = err.instance().as_str().map_or_else(|| err.instance().to_string(), str::to_owned);
            let choices: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let near = names::did_you_mean(&wrong, choices.iter().copied());
            format!("`{path}`: `{}` is none of {}{near}", crate::domain::text::cut(&wrong, 80), choices.join(", "))
        }
        _ => {
            let path = err.instance_path().as_str().trim_start_matches('/').replace('/', ".");
            let text = crate::domain::text::cut(&err.to_string(), 300);
            if path.is_empty() { text } else { format!("`{path}`: {text}") }
        }
    }
}

fn finish(name: &str, mut structured: Value, hard_limit: usize) -> Result<Answer, ToolError> {
    let redacted = outbound::answer(&mut structured).redacted;
    let size = structured.to_string().chars().count();
    if size > hard_limit {
        return Err(ToolError::new(
            ErrorKind::Internal,
            format!("the answer of `{name}` has {size} characters, more than the {hard_limit} allowed"),
        )
        .with_hint("Narrow the request; and report this as a bug of eks-mcp."));
    }
    let text = render::text(&structured);
    Ok(Answer { structured, text, redacted })
}

/// Errors quote what services said, and services quote what they were sent.
pub(crate) fn fit_to_leave(mut err: ToolError) -> ToolError {
    err.message = outbound::line(&err.message);
    err.hint = err.hint.as_deref().map(outbound::line);
    let addressing = outbound::addressing(&err.message);
    if addressing > 0 {
        err.message = format!("{}\n({})", err.message, outbound::warning(addressing));
    }
    err
}

fn toolsets(names_given: &[String]) -> Result<Vec<Toolset>, ToolError> {
    if names_given.is_empty() {
        return Ok(Toolset::ALL.iter().copied().filter(|it| it.is_default()).collect());
    }
    let mut chosen = Vec::new();
    for name in names_given {
        match name.as_str() {
            "all" => chosen.extend(Toolset::ALL),
            "default" => chosen.extend(Toolset::ALL.iter().filter(|it| it.is_default())),
            "none" => {}
            _ => {
                let found = Toolset::ALL.iter().find(|it| it.name() == name);
                let known = Toolset::ALL.iter().map(|it| it.name()).chain(["all", "default", "none"]);
                chosen.push(*found.ok_or_else(|| {
                    ToolError::invalid(format!("there is no toolset `{name}`{}", names::did_you_mean(name, known)))
                })?);
            }
        }
    }
    Ok(chosen)
}

/// A registry is shared by every request.
pub type SharedRegistry = Arc<Registry>;
