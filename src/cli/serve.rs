//! `eks-mcp serve`

use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;

use super::Failure;
use super::logs;
use super::options::{Options, registry};
use super::output;
use crate::server::http::{self, HttpOptions};
use crate::server::{Server, stdio, stop_requested};

/// Serve MCP over stdio, or over HTTP with `--http`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp serve                               for an IDE assistant that starts it
  eks-mcp serve --demo                        the same, on the embedded demo
  eks-mcp serve --snapshot incident-42/       on recorded files
  eks-mcp serve --http 127.0.0.1:8080         at http://127.0.0.1:8080/mcp
  eks-mcp serve --region eu-west-1 --toolsets clusters,diagnose")]
pub(super) struct Serve {
    /// Serve over HTTP on this loopback address instead of stdio.
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    http: Option<SocketAddr>,
    #[command(flatten)]
    options: Options,
}

/// An address as people write it: `localhost` is the loopback address.
fn address(text: &str) -> Result<SocketAddr, String> {
    let written = text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    written.parse().map_err(|_| "write it as `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`".to_owned())
}

impl Serve {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let settings = self.options.settings()?;
        logs::start(&settings)?;
        let server = Server::new(Arc::new(registry(&settings)?), self.options.context(&settings)?);
        let Some(address) = self.http else {
            return Ok(stdio::serve(server).await?);
        };
        let listener = http::bind(address).await.map_err(Failure::Usage)?;
        let stopped = stop_requested();
        output::error(&format!("eks-mcp listens on http://{}/mcp", listener.local_addr()?));
        let options = HttpOptions { allowed_hosts: settings.http.allowed_hosts, allowed_origins: settings.http.allowed_origins };
        http::serve(listener, server, &options, stopped).await?;
        Ok(())
    }
}
