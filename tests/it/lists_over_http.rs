//! Lists over a real connection: what API servers, proxies and networks do to them.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use eks_mcp::aws::sdk::SdkAws;
use eks_mcp::domain::account::Accounts;
use eks_mcp::domain::object::Object;
use eks_mcp::domain::target::Target;
use eks_mcp::error::{ErrorKind, ToolError};
use eks_mcp::k8s::Clusters as _;
use eks_mcp::k8s::api::{self, ListOptions};
use eks_mcp::k8s::kinds::Kind;
use eks_mcp::k8s::live::LiveClusters;
use eks_mcp::k8s::ways::{KubeconfigSource, Ways};
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers each request with the bytes that `answer` gives for its number and head, and closes the connection.
async fn server(answer: impl Fn(usize, &str) -> Vec<u8> + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let number = counter.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(&answer(number, &String::from_utf8_lossy(&head))).await;
        }
    });
    (address, requests)
}

fn response(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

async fn pods(address: &str) -> Result<Vec<Object>, ToolError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- name: a\n  cluster: {{server: \"{address}\"}}\n\
         contexts:\n- name: a\n  context: {{cluster: a, user: a}}\nusers:\n- name: a\n  user: {{}}\n"
    );
    std::fs::write(&path, config).unwrap();
    let clusters = LiveClusters::new(
        SdkAws::new(None, Accounts::default(), None),
        Ways { kubeconfig: Some(KubeconfigSource::File(path)), ..Ways::default() },
    );
    let target = Target { account: None, region: None, cluster: "a".to_owned(), through: None };
    let client = clusters.client(&target).await.unwrap();
    api::list(&client, &Kind::named("Pod").unwrap(), &ListOptions::default(), 10_000).await.map(|(pods, _)| pods)
}

fn list(number: usize) -> Vec<u8> {
    let items: Vec<String> = (0..number).map(|it| format!(r#"{{"metadata":{{"name":"p{it:05}"}}}}"#)).collect();
    format!(r#"{{"kind":"PodList","metadata":{{}},"items":[{}]}}"#, items.join(",")).into_bytes()
}

#[tokio::test]
async fn compressed_lists_are_asked_for_and_read() {
    let (address, _) = server(|_, head| {
        assert!(head.to_lowercase().contains("accept-encoding: gzip"), "{head}");
        assert!(head.contains("eks-mcp/"), "{head}");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(&list(5_000)).unwrap();
        response("200 OK", "content-type: application/json\r\ncontent-encoding: gzip\r\n", &encoder.finish().unwrap())
    })
    .await;
    let pods = pods(&address).await.unwrap();
    assert_eq!((pods.len(), pods[4_999].name()), (5_000, "p04999"));
}

#[tokio::test]
async fn a_refusal_for_load_is_tried_again_and_then_told() {
    let busy = |wait: &str| response("429 Too Many Requests", &format!("retry-after: {wait}\r\n"), br#"{"message":"too many"}"#);
    let (address, requests) =
        server(move |number, _| if number < 2 { busy("0") } else { response("200 OK", "", &list(3)) }).await;
    assert_eq!(pods(&address).await.unwrap().len(), 3);
    assert_eq!(requests.load(Ordering::SeqCst), 3);

    let (address, requests) = server(move |_, _| busy("3600")).await;
    let err = pods(&address).await.unwrap_err();
    assert_eq!((err.kind, requests.load(Ordering::SeqCst)), (ErrorKind::Throttled, 1));
    assert!(err.message.contains("too many") && err.message.contains("3600 s"), "{err:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_no_shorter_list() {
    let (address, _) = server(|_, _| {
        let mut whole = response("200 OK", "", &list(5_000));
        whole.truncate(60_000);
        whole
    })
    .await;
    let err = pods(&address).await.unwrap_err();
    assert_eq!(err.kind, ErrorKind::Upstream);
    assert!(err.message.contains("broke off after"), "{err:?}");
}
