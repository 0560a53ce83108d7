//! Messages that the framework would not understand, and would therefore not answer or answer beside the point.

use rmcp::model::{ErrorData, RequestId};
use serde_json::Value;

/// Why a message is not handed on, and the request it answers.
#[derive(Debug)]
pub(super) struct Refusal {
    /// Id of the request, where it could be read.
    pub(super) id: Option<RequestId>,
    /// What is wrong, and what to send instead.
    pub(super) error: ErrorData,
}

impl Refusal {
    /// A refusal of something that is no request.
    pub(super) fn nameless(error: ErrorData) -> Self {
        Self { id: None, error }
    }
}

/// Checks what a message must have before its meaning can be asked for.
pub(super) fn check(message: &[u8]) -> Result<(), Box<Refusal>> {
    let message = message.strip_prefix("\u{feff}".as_bytes()).unwrap_or(message);
    let message: Value = serde_json::from_slice(message).map_err(|err| {
        Box::new(Refusal::nameless(ErrorData::parse_error(
            format!("the message is no JSON: {err}; send one JSON-RPC object"),
            None,
        )))
    })?;
    if !message.is_object() {
        let error = "the message is no JSON object; send one JSON-RPC object, batches are not taken";
        return Err(Box::new(Refusal::nameless(ErrorData::invalid_request(error, None))));
    }
    let id = message.get("id").and_then(|it| serde_json::from_value(it.clone()).ok());
    let has = |name: &str| message.get(name).is_some();
    if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") || !(has("method") || has("result") || has("error")) {
        let error = "the message is no JSON-RPC 2.0; send `jsonrpc: \"2.0\"`, `id`, `method` and `params`";
        return Err(Box::new(Refusal { id, error: ErrorData::invalid_request(error, None) }));
    }
    if has("method") && !message.get("method").is_some_and(Value::is_string) {
        let error = "`method` must be a text, such as `tools/call`";
        return Err(Box::new(Refusal { id, error: ErrorData::invalid_request(error, None) }));
    }
    let method = message.get("method").and_then(Value::as_str).unwrap_or_default();
    if !matches!(method, "tools/call" | "prompts/get") {
        return Ok(());
    }
    let parameter = |name: &str| message.pointer(&format!("/params/{name}"));
    let problem = if !parameter("name").is_some_and(Value::is_string) {
        format!(
            "`params.name` of `{method}` must be a text; `{}/list` names those there are",
            method.split('/').next().unwrap_or_default()
        )
    } else if !parameter("arguments").is_none_or(|it| it.is_object() || it.is_null()) {
        format!("`params.arguments` of `{method}` must be a JSON object, such as {{\"cluster\": \"prod\"}}")
    } else {
        return Ok(());
    };
    Err(Box::new(Refusal { id, error: ErrorData::invalid_params(problem, None) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_message_is_said_to_its_sender() {
        for (message, code, id, why) in [
            ("{", -32700, None, "line 1 column 1"),
            ("[]", -32600, None, "batches"),
            (r#"{"id":7,"method":"ping"}"#, -32600, Some(7), "JSON-RPC 2.0"),
            (r#"{"jsonrpc":"2.0","id":7}"#, -32600, Some(7), "JSON-RPC 2.0"),
            (r#"{"jsonrpc":"2.0","id":7,"method":5}"#, -32600, Some(7), "`method` must be a text"),
            (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"arguments":{}}}"#, -32602, Some(7), "`params.name`"),
            (r#"{"jsonrpc":"2.0","id":7,"method":"tools/call"}"#, -32602, Some(7), "`tools/list`"),
            (
                r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":[1]}}"#,
                -32602,
                Some(7),
                "JSON object",
            ),
            (r#"{"jsonrpc":"2.0","id":7,"method":"prompts/get","params":{"name":1}}"#, -32602, Some(7), "`prompts/list`"),
        ] {
            let refusal = check(message.as_bytes()).unwrap_err();
            assert_eq!(refusal.error.code.0, code, "{message}");
            assert_eq!(refusal.id, id.map(RequestId::Number), "{message}");
            assert!(refusal.error.message.contains(why), "{}", refusal.error.message);
        }
        for message in [
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a"}}"#,
            r#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"a","arguments":null}}"#,
            "\u{feff}{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ping\"}",
            r#"{"jsonrpc":"2.0","id":7,"result":{}}"#,
        ] {
            assert!(check(message.as_bytes()).is_ok(), "{message}");
        }
    }
}
