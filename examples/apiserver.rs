//! The API server that is made up while it is read, over HTTP on loopback: for the benches, and for other programs.
//!
//! ```sh
//! cargo run --release --example apiserver -- serve --nodes 100000 --pods 1000000 --kubeconfig /tmp/kubeconfig
//! cargo run --release --example apiserver -- discard http://127.0.0.1:41234 '/api/v1/nodes?limit=500'
//! ```
//!
//! `serve` prints one line of JSON with its address and runs until its standard input ends. `discard` follows the pages of a
//! list with the client of this project, throws their bytes away, and prints pages, bytes and seconds: the least that any
//! reader of the list can take. Never for anything but measuring: there is no authentication.
#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use clap::Parser;
use eks_mcp::snapshot::apiserver::ApiServer;
use eks_mcp::snapshot::apiserver::generated::World;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use http::HeaderValue;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// Whether long answers are compressed.
static GZIP: AtomicBool = AtomicBool::new(false);

#[derive(Parser)]
enum Command {
    /// Serve a generated cluster.
    Serve {
        /// Nodes.
        #[arg(long, default_value_t = 100_000)]
        nodes: u64,
        /// Pods.
        #[arg(long, default_value_t = 1_000_000)]
        pods: u64,
        /// 200 pods, 300 events and a log of 5,000 lines instead.
        #[arg(long)]
        small: bool,
        /// What makes the cluster differ from others of its size.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Port; 0 takes a free one.
        #[arg(long, default_value_t = 0)]
        port: u16,
        /// Compress long answers for callers who accept it, as a real API server does.
        #[arg(long)]
        gzip: bool,
        /// Write a kubeconfig with the context `generated` here.
        #[arg(long)]
        kubeconfig: Option<PathBuf>,
    },
    /// Receive every page of a list and throw it away.
    Discard {
        /// Address that `serve` printed.
        server: String,
        /// Path and query of the list.
        path: String,
        /// Accept header.
        #[arg(long, default_value = "application/json")]
        accept: String,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    match Command::parse() {
        Command::Serve { nodes, pods, small, seed, port, gzip, kubeconfig } => {
            GZIP.store(gzip, Ordering::Relaxed);
            let world = if small { World::small() } else { World::large(nodes, pods) };
            serve(World { seed, ..world }, port, kubeconfig).await
        }
        Command::Discard { server, path, accept } => discard(&server, &path, &accept).await,
    }
}

async fn serve(world: World, port: u16, kubeconfig: Option<PathBuf>) -> Result<()> {
    let server = ApiServer::generated(world, Timestamp::now());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let address = format!("http://{}", listener.local_addr()?);
    if let Some(path) = kubeconfig {
        std::fs::write(&path, config(&address)).with_context(|| path.display().to_string())?;
    }
    println!("{}", serde_json::json!({"server": address}));
    let router = Router::new().fallback(answer).with_state(server);
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let end = async {
        let _ = tokio::io::stdin().read_to_end(&mut Vec::new()).await;
    };
    // Not a graceful shutdown: clients keep their connections.
    tokio::select! {
        result = async { axum::serve(listener, router).await } => result?,
        () = end => {}
    }
    Ok(())
}

async fn answer(State(server): State<ApiServer>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let gzip = head.headers.get(ACCEPT_ENCODING).is_some_and(|it| it.to_str().is_ok_and(|it| it.contains("gzip")));
    let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
    let request = Request::from_parts(head, Body::from(body));
    match server.answer(request).await {
        Ok(response) => pack(response.map(axum::body::Body::new), gzip).await,
        Err(err) => {
            let mut response = Response::new(axum::body::Body::from(err.to_string()));
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
            response
        }
    }
}

/// Compresses what a real API server compresses: answers above 128 KiB, as fast as it can.
async fn pack(response: Response, gzip: bool) -> Response {
    if !gzip || !GZIP.load(Ordering::Relaxed) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map(|it| it.to_bytes()).unwrap_or_default();
    if body.len() < 128 << 10 {
        return Response::from_parts(head, axum::body::Body::from(body));
    }
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    let packed = encoder.write_all(&body).and_then(|()| encoder.finish()).unwrap_or_default();
    Response::from_parts(head, axum::body::Body::from(packed))
}

fn config(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: generated\n\
         clusters:\n- name: generated\n  cluster:\n    server: {address}\n\
         contexts:\n- name: generated\n  context:\n    cluster: generated\n    user: nobody\n    namespace: shop\n\
         users:\n- name: nobody\n  user: {{}}\n"
    )
}

async fn discard(server: &str, path: &str, accept: &str) -> Result<()> {
    let config = Config::new(server.parse()?);
    let client: Client = ClientBuilder::try_from(config)?.build();
    let (mut pages, mut bytes, mut token) = (0_u64, 0_u64, String::new());
    let begun = Instant::now();
    loop {
        let uri = if token.is_empty() { path.to_owned() } else { format!("{path}&continue={token}") };
        let request = http::Request::get(uri).header("accept", accept).body(Body::empty())?;
        let response = client.send(request).await?;
        anyhow::ensure!(response.status().is_success(), "the server answers {}", response.status());
        let mut body = response.into_body().into_data_stream();
        let mut head = Vec::new();
        while let Some(chunk) = body.next().await {
            let chunk = chunk?;
            bytes += u64::try_from(chunk.len())?;
            if head.len() < 4_096 {
                head.extend_from_slice(chunk.get(..4_096).unwrap_or(&chunk));
            }
        }
        pages += 1;
        let head = String::from_utf8_lossy(&head);
        let next = head.split_once("\"continue\":\"").and_then(|(_, rest)| rest.split_once('"')).map(|(token, _)| token);
        match next {
            Some(next) => next.clone_into(&mut token),
            None => break,
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({"pages": pages, "bytes": bytes, "seconds": seconds}));
    Ok(())
}
