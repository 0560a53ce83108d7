//! A server that is asked to stop answers the calls in flight first.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Value, json};

use crate::support::binary;

/// An API server on loopback that answers its first request only when told to.
struct Stalling {
    kubeconfig: tempfile::NamedTempFile,
    asked: Receiver<()>,
    release: Sender<()>,
}

impl Stalling {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut kubeconfig = tempfile::NamedTempFile::new().unwrap();
        let config = json!({
            "apiVersion": "v1", "kind": "Config",
            "clusters": [{"name": "slow", "cluster": {"server": format!("http://{address}")}}],
            "users": [{"name": "me", "user": {}}],
            "contexts": [{"name": "slow", "context": {"cluster": "slow", "user": "me"}}],
        });
        write!(kubeconfig, "{config}").unwrap();
        let (ask, asked) = channel();
        let (release, released) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).unwrap();
                let _ = ask.send(());
                // An error means that the test is over and nothing is to be held back any more.
                let _ = released.recv();
                let body = r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}"#;
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
                let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{body}", body.len());
            }
        });
        Self { kubeconfig, asked, release }
    }

    fn serve(&self, further: &[&str]) -> Child {
        let mut command = binary();
        command.arg("serve").arg("--kubeconfig").arg(self.kubeconfig.path()).args(further).env("EKS_MCP_LOG__LEVEL", "info");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn call() -> Value {
    json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
        "name": "list_resources", "arguments": {"cluster": "slow", "kind": "Pod"},
        "_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}},
    }})
}

/// Sends SIGTERM and waits until the server says that it stops, so that the release comes after it for sure.
fn terminate(server: &Child, errors: &mut impl Iterator<Item = std::io::Result<String>>) {
    let status = Command::new("sh").args(["-c", &format!("kill -TERM {}", server.id())]).status().unwrap();
    assert!(status.success());
    assert!(errors.any(|line| line.unwrap().contains("asked to stop")), "the server says that it stops");
}

#[test]
fn over_stdio() {
    let api = Stalling::start();
    let mut server = api.serve(&[]);
    let mut input = server.stdin.take().unwrap();
    let mut errors = BufReader::new(server.stderr.take().unwrap()).lines();
    writeln!(input, "{}", call()).unwrap();
    api.asked.recv().unwrap();
    terminate(&server, &mut errors);
    api.release.send(()).unwrap();
    let answers: Vec<Value> =
        BufReader::new(server.stdout.take().unwrap()).lines().map(|it| serde_json::from_str(&it.unwrap()).unwrap()).collect();
    let answer = answers.iter().find(|it| it["id"] == 2).expect("the call in flight is answered");
    assert_eq!(answer["result"]["isError"], json!(false), "{answer:#}");
    assert_eq!(server.wait().unwrap().code(), Some(0));
}

#[test]
fn over_http() {
    let api = Stalling::start();
    let mut server = api.serve(&["--http", "127.0.0.1:0"]);
    let mut errors = BufReader::new(server.stderr.take().unwrap()).lines();
    let listens = errors.find(|line| line.as_ref().unwrap().contains("listens on")).unwrap().unwrap();
    let address = listens.split_once("http://").unwrap().1.trim_end_matches("/mcp").to_owned();
    let body = call().to_string();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(
        stream,
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
         MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: list_resources\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    api.asked.recv().unwrap();
    terminate(&server, &mut errors);
    api.release.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"structuredContent\""), "{answer}");
    assert_eq!(server.wait().unwrap().code(), Some(0));
}
