//! MCP on one side, the registry on the other: one handler, served over stdio and HTTP.

mod handler;
pub mod http;
mod message;
pub mod stdio;

pub use handler::{Server, VERSIONS};

use std::time::Duration;

/// Most bytes of one message; the arguments of tools are small.
pub const MAX_MESSAGE: usize = 1 << 20;

/// How long calls in flight may go on after the server was asked to stop.
pub const GRACE: Duration = Duration::from_secs(5);

/// Completes when the process is asked to stop: Ctrl-C or SIGTERM. Signals count from this call on, not from the first poll.
#[cfg(unix)]
pub fn stop_requested() -> impl Future<Output = ()> + Send + 'static {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
            // Without handlers the signals end the process by themselves.
            return std::future::pending().await;
        };
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!(seconds = GRACE.as_secs(), "asked to stop; calls in flight are answered first");
        tokio::spawn(async move {
            // Whoever asks twice does not want to wait.
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            std::process::exit(130);
        });
    }
}

/// Completes when the process is asked to stop with Ctrl-C.
#[cfg(not(unix))]
pub fn stop_requested() -> impl Future<Output = ()> + Send + 'static {
    async {
        let _ = tokio::signal::ctrl_c().await;
    }
}
