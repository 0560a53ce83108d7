//! The protocol over an in-memory connection, with a real client: both eras, and the pitfalls of the framework.

use std::sync::Arc;

use eks_mcp::server::stdio::transport;
use eks_mcp::server::{MAX_MESSAGE, Server, VERSIONS};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, Lines, ReadHalf, WriteHalf};

use crate::support::World;

/// A client that speaks JSON-RPC by hand, so that what is on the wire is what is tested.
pub(crate) struct Wire {
    lines: Lines<BufReader<ReadHalf<DuplexStream>>>,
    writer: WriteHalf<DuplexStream>,
}

impl Wire {
    pub(crate) fn connect() -> Self {
        let world = World::demo();
        Self::to(Server::new(Arc::new(world.registry), world.context))
    }

    pub(crate) fn to(server: Server) -> Self {
        use rmcp::ServiceExt as _;
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        tokio::spawn(async move {
            let (input, output) = tokio::io::split(theirs);
            if let Ok(running) = server.serve(transport(input, output)).await {
                let _ = running.waiting().await;
            }
        });
        let (reader, writer) = tokio::io::split(ours);
        Self { lines: BufReader::new(reader).lines(), writer }
    }

    pub(crate) async fn send(&mut self, message: Value) {
        self.writer.write_all(format!("{message}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Value {
        let line = tokio::time::timeout(std::time::Duration::from_secs(20), self.lines.next_line()).await.expect("an answer");
        serde_json::from_str(&line.unwrap().expect("an answer")).unwrap()
    }

    /// Sends a request of the era before 2026-07-28.
    async fn legacy(&mut self, method: &str, params: Value) -> Value {
        self.send(json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})).await;
        self.receive().await
    }

    /// Sends a request that carries its protocol version.
    async fn modern(&mut self, method: &str, mut params: Value) -> Value {
        params["_meta"] = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        });
        self.legacy(method, params).await
    }

    pub(crate) async fn initialize(&mut self, version: &str) -> Value {
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
        let answer = self.legacy("initialize", params).await;
        self.send(json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        answer
    }
}

#[tokio::test]
async fn every_older_version_is_agreed_on_as_asked() {
    for version in VERSIONS.iter().map(ToString::to_string).filter(|it| it != "2026-07-28") {
        let mut wire = Wire::connect();
        let answer = wire.initialize(&version).await;
        assert_eq!(answer["result"]["protocolVersion"], version);
        assert_eq!(answer["result"]["serverInfo"]["name"], "eks-mcp");
        assert!(!answer["result"]["serverInfo"]["version"].as_str().unwrap().is_empty());
        let tools = wire.legacy("tools/list", json!({})).await;
        assert!(tools["result"]["tools"].as_array().unwrap().len() >= 8, "{tools:#}");
        let pong = wire.legacy("ping", json!({})).await;
        assert_eq!(pong["result"], json!({}));
    }
}

#[tokio::test]
async fn the_present_version_needs_no_handshake_and_gives_real_cache_hints() {
    let mut wire = Wire::connect();
    let answer = wire.modern("server/discover", json!({})).await;
    let result = &answer["result"];
    let versions: Vec<String> = VERSIONS.iter().map(ToString::to_string).collect();
    assert_eq!(result["supportedVersions"], json!(versions));
    assert!(result["ttlMs"].as_u64().unwrap() >= 300_000, "{result:#}");
    assert_eq!(result["cacheScope"], "public");
    assert!(result["instructions"].as_str().unwrap().len() < 2_000);
    for list in ["tools/list", "prompts/list"] {
        let answer = wire.modern(list, json!({})).await;
        assert!(answer["result"]["ttlMs"].as_u64().unwrap() >= 300_000, "{list}: {answer:#}");
        assert_eq!(answer["result"]["cacheScope"], "public");
    }
}

#[tokio::test]
async fn only_what_is_served_is_declared_and_the_rest_is_method_not_found() {
    let mut wire = Wire::connect();
    let answer = wire.initialize("2025-11-25").await;
    let capabilities: Vec<&String> = answer["result"]["capabilities"].as_object().unwrap().keys().collect();
    assert_eq!(capabilities, ["prompts", "tools"], "{answer:#}");
    for method in ["resources/list", "completion/complete", "logging/setLevel", "no/such"] {
        let params = json!({"ref": {"type": "ref/prompt", "name": "x"}, "argument": {"name": "a", "value": ""}, "level": "info"});
        let answer = wire.legacy(method, params).await;
        assert_eq!(answer["error"]["code"], -32601, "{method}: {answer:#}");
    }
}

#[tokio::test]
async fn a_failed_call_is_a_result_and_only_an_unknown_tool_is_a_protocol_error() {
    let mut wire = Wire::connect();
    wire.initialize("2025-11-25").await;
    let answer = wire.legacy("tools/call", json!({"name": "describe_cluster", "arguments": {"cluster": "no-such"}})).await;
    let result = &answer["result"];
    assert_eq!(result["isError"], true, "{answer:#}");
    assert_eq!(result["_meta"]["eks-mcp/error"]["kind"], "not_found");
    assert!(result.get("structuredContent").is_none(), "an error does not match the output schema");
    assert!(result["content"][0]["text"].as_str().unwrap().contains("Next step: "));
    let answer = wire.legacy("tools/call", json!({"name": "list_cluster", "arguments": {}})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer:#}");
    assert!(answer["error"]["message"].as_str().unwrap().contains("did you mean `list_clusters`"), "{answer:#}");
}

#[tokio::test]
async fn structured_content_matches_the_schema_that_was_shown() {
    let mut wire = Wire::connect();
    wire.initialize("2025-11-25").await;
    let tools = wire.legacy("tools/list", json!({})).await;
    let pods = wire.legacy("tools/call", json!({"name": "list_resources", "arguments": {"cluster": "payments", "kind": "Pod", "namespace": "checkout", "status": "unhealthy"}})).await;
    let pod = pods["result"]["structuredContent"]["items"]["rows"][0][0].as_str().unwrap().to_owned();
    let calls = [
        ("list_clusters", json!({"regions": ["us-east-1", "us-west-2"]})),
        (
            "describe_cluster",
            json!({"cluster": "payments", "sections": ["overview", "health", "endpoint", "access", "compute", "networking", "logging", "encryption", "upgrade", "protection", "hybrid", "tags"]}),
        ),
        ("list_resources", json!({"cluster": "payments", "kind": "Pod"})),
        ("list_events", json!({"cluster": "payments"})),
        ("get_logs", json!({"cluster": "payments", "namespace": "checkout", "pod": pod})),
        ("troubleshoot", json!({"cluster": "payments", "namespace": "checkout", "name": pod})),
        ("query_container_insights", json!({"cluster": "payments", "scope": "workload"})),
        ("estimate_cost", json!({"cluster": "payments"})),
    ];
    for (name, arguments) in calls {
        let answer = wire.legacy("tools/call", json!({"name": name, "arguments": arguments})).await;
        let result = &answer["result"];
        assert_ne!(result["isError"], true, "{name}: {}", result["content"][0]["text"]);
        let tool = tools["result"]["tools"].as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
        let validator = jsonschema::validator_for(&tool["outputSchema"]).unwrap();
        let problems: Vec<String> = validator.iter_errors(&result["structuredContent"]).map(|it| it.to_string()).collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.len() > 40 && !text.starts_with('{'), "{name}: {text}");
        assert!(result["structuredContent"].to_string().len() <= 26_000, "{name}");
    }
}

#[tokio::test]
async fn a_prompt_carries_the_facts_it_speaks_of() {
    let mut wire = Wire::connect();
    wire.initialize("2025-11-25").await;
    let list = wire.legacy("prompts/list", json!({})).await;
    assert_eq!(list["result"]["prompts"][0]["name"], "troubleshoot_pod");
    let pods = wire.legacy("tools/call", json!({"name": "list_resources", "arguments": {"cluster": "payments", "kind": "Pod", "namespace": "checkout", "status": "unhealthy"}})).await;
    let pod = pods["result"]["structuredContent"]["items"]["rows"][0][0].as_str().unwrap().to_owned();
    let arguments = json!({"cluster": "payments", "namespace": "checkout", "name": pod});
    let answer = wire.legacy("prompts/get", json!({"name": "troubleshoot_pod", "arguments": arguments})).await;
    let messages = answer["result"]["messages"].as_array().unwrap();
    assert!(messages[0]["content"]["text"].as_str().unwrap().contains(&pod));
    assert!(messages[1]["content"]["text"].as_str().unwrap().contains("root cause"), "{answer:#}");
    let answer = wire.legacy("prompts/get", json!({"name": "troubleshoot_pod", "arguments": {"cluster": "payments"}})).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer:#}");
}

#[tokio::test]
async fn a_line_that_is_no_message_is_answered_and_does_not_end_the_connection() {
    let mut wire = Wire::connect();
    wire.initialize("2025-11-25").await;
    let long = format!("\"{}\"", "x".repeat(MAX_MESSAGE));
    let lines: [(&[u8], i64, &str); 5] = [
        (b"{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": ", -32700, "line 1 column 38"),
        (b"\xff\xfe", -32700, "UTF-8"),
        (b"[1, 2]", -32600, "batches"),
        (
            br#"{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_clusters", "arguments": [1]}}"#,
            -32602,
            "JSON object",
        ),
        (long.as_bytes(), -32600, "longer than 1048576 bytes"),
    ];
    for (line, code, why) in lines {
        wire.writer.write_all(line).await.unwrap();
        wire.writer.write_all(b"\n").await.unwrap();
        let answer = wire.receive().await;
        assert_eq!(answer["error"]["code"], code, "{answer:#}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(why), "{answer:#}");
        let pong = wire.legacy("ping", json!({})).await;
        assert_eq!(pong["result"], json!({}), "{pong:#}");
    }
}

#[tokio::test]
async fn a_notification_before_the_first_request_ends_nothing() {
    let mut wire = Wire::connect();
    wire.send(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 5}})).await;
    let answer = wire.initialize("2025-11-25").await;
    assert_eq!(answer["result"]["serverInfo"]["name"], "eks-mcp", "{answer:#}");
}
