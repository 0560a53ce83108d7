//! The HTTP endpoint: who may ask, how much, and in which version.

use std::sync::Arc;

use eks_mcp::server::Server;
use eks_mcp::server::http::{HttpOptions, bind, router};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::support::World;

async fn start() -> std::net::SocketAddr {
    let world = World::demo();
    let server = Server::new(Arc::new(world.registry), world.context);
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router(server, &HttpOptions::default(), CancellationToken::new());
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

/// Sends one request by hand and returns status and body.
async fn send(address: std::net::SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "Host") {
        request += &format!("Host: {address}\r\n");
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
    // A server that refuses a body may close before all of it was sent.
    let _ = stream.write_all(body.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

const JSON: [(&str, &str); 2] = [("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];

fn call(id: u32) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": "describe_cluster", "arguments": {"cluster": "dev"}, "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}}})
}

fn modern() -> Vec<(&'static str, &'static str)> {
    let mut headers = JSON.to_vec();
    headers.extend([("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/call"), ("Mcp-Name", "describe_cluster")]);
    headers
}

#[tokio::test]
async fn a_call_needs_neither_session_nor_handshake() {
    let address = start().await;
    let (status, body) = send(address, "POST", "/mcp", &modern(), &call(1).to_string()).await;
    assert_eq!(status, 200, "{body}");
    let answer: Value = serde_json::from_str(body.trim()).unwrap_or_else(|_| panic!("{body}"));
    assert_eq!(answer["result"]["structuredContent"]["target"]["cluster"], "dev");
    // The era before: initialize and a call, on whichever replica.
    let initialize = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}});
    let (status, body) = send(address, "POST", "/mcp", &JSON, &initialize.to_string()).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("2025-11-25"));
    let list = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list"});
    let mut headers = JSON.to_vec();
    headers.push(("MCP-Protocol-Version", "2025-11-25"));
    let (status, body) = send(start().await, "POST", "/mcp", &headers, &list.to_string()).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("list_clusters"));
}

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused() {
    let address = start().await;
    let with = |extra: (&'static str, &'static str)| {
        let mut headers = modern();
        headers.push(extra);
        headers
    };
    for extra in [("Host", "evil.example"), ("Origin", "https://evil.example"), ("Origin", "null")] {
        let (status, body) = send(address, "POST", "/mcp", &with(extra), &call(1).to_string()).await;
        assert_eq!(status, 403, "{extra:?}: {body}");
        assert!(body.contains("http.allowed_"), "{body}");
    }
    for origin in ["http://localhost:5173", "http://localhost", "http://127.0.0.1:80"] {
        let (status, _) = send(address, "POST", "/mcp", &with(("Origin", origin)), &call(1).to_string()).await;
        assert_eq!(status, 200, "{origin}");
    }
}

#[tokio::test]
async fn bodies_over_a_mebibyte_and_wrong_types_are_refused() {
    let address = start().await;
    for (headers, body, expected, why) in [
        (modern(), "x".repeat((1 << 20) + 1), 413, "send at most 1048576 bytes"),
        (modern(), "x".repeat((1 << 20) + 2), 413, "send at most 1048576 bytes"),
        (vec![("Content-Type", "text/plain"), JSON[1]], call(1).to_string(), 415, "Content-Type: application/json"),
        (vec![JSON[0], ("Accept", "text/html")], call(1).to_string(), 406, "Accept: application/json"),
        (JSON.to_vec(), "{\"id\": 1, \"method\": \"ping\"}".to_owned(), 400, "JSON-RPC 2.0"),
        (modern(), "{\"id\": ".to_owned(), 400, "no JSON: EOF while parsing a value at line 1 column 7"),
        (modern(), call(1).to_string().replace("{\"cluster\":\"dev\"}", "[]"), 400, "`params.arguments` of `tools/call`"),
    ] {
        let (status, body) = send(address, "POST", "/mcp", &headers, &body).await;
        assert_eq!(status, expected, "{why}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("{body}"));
        assert!(answer["error"]["message"].as_str().unwrap().contains(why), "{why}: {body}");
    }
}

#[tokio::test]
async fn headers_that_contradict_the_body_are_refused() {
    let address = start().await;
    let mut headers = JSON.to_vec();
    headers.extend([("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", "tools/list")]);
    let (status, body) = send(address, "POST", "/mcp", &headers, &call(1).to_string()).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("-32020"), "{body}");
    let mut headers = modern();
    headers[2].1 = "2030-01-01";
    let (status, body) = send(address, "POST", "/mcp", &headers, &call(1).to_string().replace("2026-07-28", "2030-01-01")).await;
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("-32022"), "{body}");
}

#[tokio::test]
async fn health_is_outside_the_protocol() {
    let address = start().await;
    assert_eq!(send(address, "GET", "/healthz", &[], "").await, (200, "ok".to_owned()));
    assert_eq!(send(address, "GET", "/readyz", &[], "").await, (200, "ready".to_owned()));
    assert_eq!(send(address, "GET", "/mcp", &JSON, "").await.0, 405);
}

#[tokio::test]
async fn addresses_that_others_can_reach_are_not_bound_without_authentication() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let err = bind(address.parse().unwrap()).await.unwrap_err();
        assert!(err.message.contains("no authentication"), "{err}");
    }
}
