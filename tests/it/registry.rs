//! What the registry does for every tool: panics, deadlines, cancellation, budget, redaction, selection.

use std::time::Duration;

use eks_mcp::context::Context;
use eks_mcp::error::{ErrorKind, ToolError};
use eks_mcp::registry::{CallError, Registry, Selection};
use eks_mcp::tool::{Effect, Entry, Meta, Tool, Toolset};
use eks_mcp::tools::ALL;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::World;

/// A tool that does what it is told.
struct Odd;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Input {
    /// What to do.
    what: String,
}

#[derive(Serialize, JsonSchema)]
struct Output {
    /// Text.
    text: String,
}

impl Tool for Odd {
    const META: Meta = Meta {
        name: "get_odd",
        title: "Odd",
        description: "Does what it is told, for tests.",
        toolset: Toolset::Clusters,
        effect: Effect::Read,
        permissions: &[],
    };
    type Input = Input;
    type Output = Output;

    async fn run(_: &Context, input: Input) -> Result<Output, ToolError> {
        match input.what.as_str() {
            "panic" => panic!("told to"),
            "hang" => std::future::pending().await,
            "large" => Ok(Output { text: "x".repeat(50_000) }),
            "secret" => Ok(Output { text: "AKIAIOSFODNN7EXAMPLE and password=hunter2".into() }),
            "secret error" => Err(ToolError::invalid("refused: password=hunter2")),
            other => Ok(Output { text: other.into() }),
        }
    }
}

/// A tool that writes; a server that only reads must neither list nor call it.
struct Write;

impl Tool for Write {
    const META: Meta = Meta { name: "delete_odd", effect: Effect::Destroy, ..Odd::META };
    type Input = Input;
    type Output = Output;

    async fn run(_: &Context, _: Input) -> Result<Output, ToolError> {
        panic!("must never run")
    }
}

const TOOLS: &[Entry] = &[Entry::of::<Odd>(), Entry::of::<Write>()];

fn setup() -> (Registry, Context) {
    (Registry::select(TOOLS, &Selection::default()).unwrap(), World::demo().context)
}

async fn call(registry: &Registry, cx: &Context, what: &str) -> Result<serde_json::Value, ToolError> {
    let arguments = json!({"what": what}).as_object().unwrap().clone();
    match registry.call(cx, "get_odd", arguments).await {
        Ok(answer) => Ok(answer.structured),
        Err(CallError::Tool(err)) => Err(err),
        Err(CallError::UnknownTool(message)) => panic!("{message}"),
    }
}

#[tokio::test]
async fn a_panic_becomes_an_answer_and_the_next_call_works() {
    let (registry, cx) = setup();
    let err = call(&registry, &cx, "panic").await.unwrap_err();
    assert_eq!(err.kind, ErrorKind::Internal);
    assert!(!err.message.contains("told to"), "{err}");
    assert_eq!(call(&registry, &cx, "fine").await.unwrap()["text"], "fine");
}

#[tokio::test]
async fn a_slow_call_delays_no_other_and_a_panic_is_answered_on_the_wire() {
    let (registry, cx) = setup();
    let mut wire = crate::protocol::Wire::to(eks_mcp::server::Server::new(std::sync::Arc::new(registry), cx));
    wire.initialize("2025-11-25").await;
    let call = |id: u32, what: &str| json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "get_odd", "arguments": {"what": what}}});
    wire.send(call(1, "hang")).await;
    wire.send(json!({"jsonrpc": "2.0", "id": 2, "method": "ping"})).await;
    assert_eq!(wire.receive().await["id"], 2);
    wire.send(call(3, "fine")).await;
    assert_eq!(wire.receive().await["id"], 3);
    wire.send(call(4, "panic")).await;
    let answer = wire.receive().await;
    assert_eq!((&answer["id"], &answer["result"]["isError"]), (&json!(4), &json!(true)), "{answer:#}");
}

#[tokio::test]
async fn a_call_that_hangs_ends_at_its_deadline() {
    let (registry, mut cx) = setup();
    cx.limits.call_timeout = Duration::from_millis(10);
    assert_eq!(call(&registry, &cx, "hang").await.unwrap_err().kind, ErrorKind::Timeout);
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    let (registry, cx) = setup();
    let cancel = cx.cancel.clone();
    let (result, ()) = tokio::join!(call(&registry, &cx, "hang"), async { cancel.cancel() });
    assert!(result.unwrap_err().message.contains("cancelled"));
}

#[tokio::test]
async fn an_answer_beyond_the_hard_limit_is_refused_by_name() {
    let (registry, cx) = setup();
    let err = call(&registry, &cx, "large").await.unwrap_err();
    assert_eq!(err.kind, ErrorKind::Internal);
    assert!(err.message.contains("`get_odd`") && err.message.contains("40000"), "{err}");
}

#[tokio::test]
async fn secrets_are_masked_in_answers_and_errors() {
    let (registry, cx) = setup();
    let answer = call(&registry, &cx, "secret").await.unwrap();
    assert_eq!(answer, json!({"text": "[redacted] and password=[redacted]", "redacted": 2}));
    let err = call(&registry, &cx, "secret error").await.unwrap_err();
    assert_eq!(err.message, "refused: password=[redacted]");
}

#[tokio::test]
async fn tools_that_write_are_neither_listed_nor_callable() {
    let (registry, cx) = setup();
    assert!(registry.descriptors().iter().all(|it| it.name != "delete_odd"));
    let arguments = json!({"what": "x"}).as_object().unwrap().clone();
    assert!(matches!(registry.call(&cx, "delete_odd", arguments).await, Err(CallError::UnknownTool(_))));
}

#[test]
fn tools_are_selected_by_toolset_and_name() {
    let names = |toolsets: &[&str], tools: &[&str], exclude: &[&str]| {
        let words = |it: &[&str]| it.iter().map(|it| (*it).to_owned()).collect();
        let selection = Selection { toolsets: words(toolsets), tools: words(tools), exclude: words(exclude) };
        Registry::select(ALL, &selection).map(|it| it.entries().map(|it| it.meta.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&["cost"], &["list_clusters"], &[]).unwrap(), ["estimate_cost", "list_clusters"]);
    assert_eq!(names(&["clusters"], &[], &["list_clusters"]).unwrap(), ["describe_cluster"]);
    assert_eq!(names(&["none"], &["troubleshoot"], &[]).unwrap(), ["troubleshoot"]);
    assert_eq!(names(&[], &[], &[]).unwrap().len(), ALL.len());
    assert!(names(&["clutsers"], &[], &[]).unwrap_err().message.contains("did you mean `clusters`?"));
    assert!(names(&[], &["list_cluster"], &[]).unwrap_err().message.contains("did you mean `list_clusters`"));
    let err = names(&[], &[], &["nonsense"]).unwrap_err();
    assert!(err.message.contains("`nonsense`"));
}
