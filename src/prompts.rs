//! Prompts: Markdown files with a head that says which read-only tools gather their facts.
//!
//! A prompt carries data, not a list of chores: the server calls the tools and puts their answers behind the text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rmcp::model::{GetPromptResult, JsonObject, Prompt as Descriptor, PromptArgument, PromptMessage, Role};
use serde::Deserialize;
use serde_json::Value;

use crate::context::Context;
use crate::domain::{names, outbound, text};
use crate::error::{ErrorKind, ToolError};
use crate::registry::{CallError, Registry};

/// The prompts by file; the only registration.
const FILES: &[(&str, &str)] = &[("troubleshoot_pod.md", include_str!("../prompts/troubleshoot_pod.md"))];

/// Longest value of an argument; names and ARNs are shorter.
const MAX_ARGUMENT: usize = 300;

/// A prompt as its file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Name, unique among prompts.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// What the user fills in.
    #[serde(default)]
    pub arguments: Vec<Argument>,
    /// The calls whose answers are the facts.
    #[serde(default)]
    pub gather: Vec<Gather>,
    /// The text, with `{{argument}}` where values go.
    #[serde(skip)]
    pub body: String,
}

/// Something the user fills in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argument {
    /// Name in the text and in `gather`.
    pub name: String,
    /// What to fill in.
    pub description: String,
    /// Whether the prompt makes no sense without it.
    #[serde(default)]
    pub required: bool,
}

/// One call of a read-only tool.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gather {
    /// Heading of the answer.
    pub title: String,
    /// Tool to call.
    pub tool: String,
    /// Arguments of the tool by the argument of the prompt that fills them; those not given are left out.
    pub arguments: BTreeMap<String, String>,
}

impl Prompt {
    /// Parses a file: YAML between two `---` lines, then Markdown.
    ///
    /// # Errors
    /// What is wrong, with line and column where YAML is.
    pub fn parse(content: &str) -> Result<Self, String> {
        let rest = content.strip_prefix("---\n").ok_or("the file does not begin with `---`")?;
        let (head, body) = rest.split_once("\n---\n").ok_or("the head has no closing `---`")?;
        let mut prompt: Self = serde_saphyr::from_str(head).map_err(|err| err.to_string())?;
        body.trim().clone_into(&mut prompt.body);
        Ok(prompt)
    }

    /// The object that `prompts/list` shows.
    pub fn descriptor(&self) -> Descriptor {
        let arguments = self
            .arguments
            .iter()
            .map(|it| PromptArgument::new(&it.name).with_description(&it.description).with_required(it.required));
        Descriptor::new(&self.name, Some(&self.description), Some(arguments.collect())).with_title(&self.title)
    }
}

/// Every prompt, parsed once. A file that cannot be parsed is left out here and fails a test.
pub fn all() -> &'static [Prompt] {
    static ALL: LazyLock<Vec<Prompt>> =
        LazyLock::new(|| FILES.iter().filter_map(|(_, content)| Prompt::parse(content).ok()).collect());
    &ALL
}

/// Fills in a prompt and gathers its facts.
///
/// # Errors
/// `not_found` for an unknown prompt; `invalid_input` for a missing, unknown or overlong argument.
pub async fn get(registry: &Registry, cx: &Context, name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ToolError> {
    fill(registry, cx, name, arguments).await.map_err(crate::registry::fit_to_leave)
}

async fn fill(registry: &Registry, cx: &Context, name: &str, arguments: &JsonObject) -> Result<GetPromptResult, ToolError> {
    let Some(prompt) = all().iter().find(|it| it.name == name) else {
        let near = names::did_you_mean(name, all().iter().map(|it| it.name.as_str()));
        return Err(ToolError::not_found(format!("there is no prompt `{name}`{near}")));
    };
    let values = check(prompt, arguments)?;
    let mut body = prompt.body.clone();
    for argument in &prompt.arguments {
        let value = values.get(argument.name.as_str()).copied().unwrap_or_default();
        body = body.replace(&format!("{{{{{}}}}}", argument.name), value);
    }
    // What the user filled in goes out like everything else.
    let mut messages = vec![PromptMessage::new_text(Role::User, outbound::line(&body))];
    for gather in &prompt.gather {
        let arguments: JsonObject = gather
            .arguments
            .iter()
            .filter_map(|(to, from)| Some((to.clone(), Value::from(*values.get(from.as_str())?))))
            .collect();
        let facts = match registry.call(cx, &gather.tool, arguments).await {
            Ok(answer) => answer.text,
            Err(CallError::Tool(err)) => format!("This could not be read. {}", err.text()),
            Err(CallError::UnknownTool(message)) => format!("This could not be read: {message}."),
        };
        messages.push(PromptMessage::new_text(Role::User, format!("# {} (data from the cluster)\n\n{facts}", gather.title)));
    }
    let mut result = GetPromptResult::new(messages);
    result.description = Some(prompt.description.clone());
    Ok(result)
}

fn check<'a>(prompt: &Prompt, arguments: &'a JsonObject) -> Result<BTreeMap<&'a str, &'a str>, ToolError> {
    let mut values = BTreeMap::new();
    for (name, value) in arguments {
        if !prompt.arguments.iter().any(|it| it.name == *name) {
            let near = names::did_you_mean(name, prompt.arguments.iter().map(|it| it.name.as_str()));
            return Err(ToolError::invalid(format!("prompt `{}` has no argument `{name}`{near}", prompt.name)));
        }
        let Some(value) = value.as_str() else {
            return Err(ToolError::invalid(format!("argument `{name}` of prompt `{}` is no text", prompt.name)));
        };
        if value.len() > MAX_ARGUMENT || text::clean(value) != value || value.contains('\n') {
            return Err(ToolError::invalid(format!("argument `{name}` of prompt `{}` is no name", prompt.name)));
        }
        if !value.is_empty() {
            values.insert(name.as_str(), value);
        }
    }
    for argument in prompt.arguments.iter().filter(|it| it.required) {
        if !values.contains_key(argument.name.as_str()) {
            return Err(ToolError::new(
                ErrorKind::InvalidInput,
                format!("prompt `{}` needs the argument `{}`", prompt.name, argument.name),
            ));
        }
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tool::Effect;

    #[test]
    fn every_file_is_a_prompt_whose_facts_come_from_tools_that_read() {
        for (file, content) in FILES {
            let prompt = Prompt::parse(content).unwrap_or_else(|err| panic!("{file}: {err}"));
            assert_eq!(format!("{}.md", prompt.name), *file);
            for gather in &prompt.gather {
                let entry = crate::tools::ALL.iter().find(|it| it.meta.name == gather.tool).unwrap();
                assert_eq!(entry.meta.effect, Effect::Read, "{file}: {}", gather.tool);
                for argument in gather.arguments.values() {
                    assert!(prompt.arguments.iter().any(|it| it.name == *argument), "{file}: {argument}");
                }
            }
        }
        assert_eq!(all().len(), FILES.len());
    }
}
