//! MCP over standard input and output.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use rmcp::ServiceExt as _;
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::{Server, stop_requested};

/// Serves until standard input ends or the process is asked to stop. Calls in flight are then answered within the grace period.
///
/// # Errors
/// When the other side breaks the protocol before it was agreed on.
pub async fn serve(server: Server) -> anyhow::Result<()> {
    let (input, output) = rmcp::transport::stdio_pipes();
    let stop = CancellationToken::new();
    let signalled = stop.clone();
    let asked = stop_requested();
    tokio::spawn(async move {
        asked.await;
        signalled.cancel();
    });
    let input = Until { input, stop: Box::pin(stop.clone().cancelled_owned()) };
    let running = match server.serve((input, output)).await {
        Ok(running) => running,
        // A client that only looked, or was stopped, before anything was agreed on did nothing wrong.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(_) if stop.is_cancelled() => return Ok(()),
        Err(err) => return Err(err.into()),
    };
    running.waiting().await?;
    Ok(())
}

/// A reader that ends early when told to, so that stopping is the same as the end of input.
struct Until<R> {
    input: R,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Until<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut TaskContext<'_>, buffer: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        if self.stop.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.input).poll_read(cx, buffer)
    }
}
