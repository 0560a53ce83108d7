//! MCP over standard input and output.

use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};

use futures::{StreamExt as _, future};
use rmcp::model::{ErrorData, JsonRpcMessage};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::{RoleServer, ServiceExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio_util::bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, FramedRead, LinesCodec, LinesCodecError};
use tokio_util::io::StreamReader;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::message::{self, Refusal};
use super::{MAX_MESSAGE, Server, stop_requested};

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
    let running = match server.serve(transport(input, output)).await {
        Ok(running) => running,
        // A client that only looked, or was stopped, before anything was agreed on did nothing wrong.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(_) if stop.is_cancelled() => return Ok(()),
        Err(err) => return Err(err.into()),
    };
    running.waiting().await?;
    Ok(())
}

/// Messages as lines of JSON. A line that is none is answered with an error, where the framework would say nothing and
/// leave its sender waiting; the connection goes on.
pub fn transport(
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> impl Transport<RoleServer, Error = std::io::Error> + 'static {
    let (refuse, refused) = mpsc::unbounded_channel();
    let lines = FramedRead::new(input, Lenient(LinesCodec::new_with_max_length(MAX_MESSAGE)));
    let messages = lines.filter_map(move |line| future::ready(line.map(|line| accepted(line, &refuse)).transpose()));
    Answering { inner: AsyncRwTransport::new_server(StreamReader::new(messages.boxed()), output), refused, begun: false }
}

/// The line with its end, if it is a message; what is wrong with it goes to `refuse` otherwise.
fn accepted(line: Result<String, LinesCodecError>, refuse: &mpsc::UnboundedSender<Box<Refusal>>) -> Option<Bytes> {
    let refusal = match line {
        Ok(line) if line.trim().is_empty() => return None,
        Ok(line) => match message::check(line.as_bytes()) {
            Ok(()) => return Some(Bytes::from(line + "\n")),
            Err(refusal) => refusal,
        },
        Err(LinesCodecError::MaxLineLengthExceeded) => {
            let error = format!("the message is longer than {MAX_MESSAGE} bytes; send a smaller one");
            Box::new(Refusal::nameless(ErrorData::invalid_request(error, None)))
        }
        Err(LinesCodecError::Io(err)) => {
            let error = format!("the message cannot be read: {err}; send UTF-8");
            Box::new(Refusal::nameless(ErrorData::parse_error(error, None)))
        }
    };
    // The receiver lives as long as the transport that reads here.
    let _ = refuse.send(refusal);
    None
}

/// Lines whose faults are items, because an error would end the stream.
struct Lenient(LinesCodec);

impl Decoder for Lenient {
    type Item = Result<String, LinesCodecError>;
    type Error = std::io::Error;

    fn decode(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error> {
        Ok(self.0.decode(buffer).transpose())
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> Result<Option<Self::Item>, Self::Error> {
        Ok(self.0.decode_eof(buffer).transpose())
    }
}

/// A transport that also answers the lines that were refused.
struct Answering<T> {
    inner: T,
    refused: mpsc::UnboundedReceiver<Box<Refusal>>,
    /// Whether a request has come. A notification before it belongs to nothing, and the framework would end over it.
    begun: bool,
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Answering<T> {
    type Error = T::Error;

    fn send(&mut self, item: TxJsonRpcMessage<RoleServer>) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message = tokio::select! {
                biased;
                Some(refusal) = self.refused.recv() => Err(refusal),
                message = self.inner.receive() => Ok(message),
            };
            match message {
                Ok(Some(JsonRpcMessage::Notification(_))) if !self.begun => {}
                Ok(Some(message)) => {
                    self.begun = true;
                    return Some(message);
                }
                Ok(None) => {
                    while let Ok(refusal) = self.refused.try_recv() {
                        let _ = self.inner.send(TxJsonRpcMessage::<RoleServer>::error(refusal.error, refusal.id)).await;
                    }
                    return None;
                }
                Err(refusal) => {
                    // Spawned, because a future that is dropped half way would leave half a line behind.
                    tokio::spawn(self.inner.send(TxJsonRpcMessage::<RoleServer>::error(refusal.error, refusal.id)));
                }
            }
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
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
