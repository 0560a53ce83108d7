//! Logs as they stream in: line by line, so that a log of any size costs the memory of one line.
//!
//! Dropping a stream closes its connection; nothing more is received then.

use futures::StreamExt as _;
use http::Request;
use http::header::ACCEPT;
use http_body_util::{BodyDataStream, BodyExt as _};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use percent_encoding::utf8_percent_encode;

use super::api::{QUERY, check_segment, failure};
use super::map_error;
use crate::domain::time::parse_timestamp;
use crate::error::{ErrorKind, ToolError};

/// Most bytes of one line that are kept; a kubelet itself splits lines at this length.
const LINE: usize = 16 << 10;

/// Most bytes of a refusal that are read.
const REFUSAL: usize = 64 << 10;

/// Where a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So many seconds ago, by the clock of the node.
    Seconds(u64),
    /// At a moment.
    Moment(Timestamp),
}

/// Which part of a log to stream.
#[derive(Clone, Debug)]
pub struct StreamOptions<'a> {
    /// Container of the pod.
    pub container: &'a str,
    /// The container before its last restart.
    pub previous: bool,
    /// Lines at the end.
    pub tail: u64,
    /// Where to begin.
    pub since: Option<Since>,
    /// Most bytes to receive. The server cuts at the end, where the newest lines stand.
    pub limit_bytes: u64,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When the container wrote it, as the kubelet recorded it.
    pub time: Option<Timestamp>,
    /// The line without that time; bytes that are no UTF-8 are replaced, and what is longer than 16 KiB is left out.
    pub text: String,
}

/// A log that is being received.
pub struct LogStream {
    body: BodyDataStream<Body>,
    thing: String,
    splitter: Splitter,
    limit: u64,
    received: u64,
    ended: bool,
}

/// Opens a log.
///
/// # Errors
/// What the API server answers; `unreachable` when it does not.
pub async fn open(client: &Client, namespace: &str, pod: &str, options: &StreamOptions<'_>) -> Result<LogStream, ToolError> {
    check_segment("namespace", namespace)?;
    check_segment("pod", pod)?;
    let (pod_name, container) = (utf8_percent_encode(pod, QUERY), utf8_percent_encode(options.container, QUERY));
    let mut path = format!(
        "/api/v1/namespaces/{namespace}/pods/{pod_name}/log?container={container}&timestamps=true&tailLines={}&limitBytes={}",
        options.tail, options.limit_bytes
    );
    if options.previous {
        path.push_str("&previous=true");
    }
    match options.since {
        Some(Since::Seconds(seconds)) => path.push_str(&format!("&sinceSeconds={seconds}")),
        Some(Since::Moment(moment)) => {
            path.push_str(&format!("&sinceTime={}", utf8_percent_encode(&moment.to_string(), QUERY)));
        }
        None => {}
    }
    let which = if options.previous { "previous log" } else { "log" };
    let thing = format!("{which} of container `{}` of pod `{namespace}/{pod}`", options.container);
    let request = Request::get(path).header(ACCEPT, "*/*").body(Body::empty());
    let request = request.map_err(|err| ToolError::new(ErrorKind::Internal, format!("{thing}: {err}")))?;
    let response = client.send(request).await.map_err(|err| map_error(&err, &thing))?;
    let status = response.status();
    let mut body = response.into_body().into_data_stream();
    if !status.is_success() {
        let mut bytes = Vec::new();
        while bytes.len() < REFUSAL
            && let Some(chunk) = body.next().await
        {
            bytes.extend_from_slice(&chunk.map_err(|err| map_error(&err, &thing))?);
        }
        bytes.truncate(REFUSAL);
        return Err(map_error(&kube::Error::Api(Box::new(failure(status, &bytes))), &thing));
    }
    Ok(LogStream { body, thing, splitter: Splitter::default(), limit: options.limit_bytes, received: 0, ended: false })
}

impl LogStream {
    /// The next line; `None` at the end.
    ///
    /// # Errors
    /// `unreachable` when the connection breaks off; the lines before it were good.
    pub async fn next(&mut self) -> Result<Option<Line>, ToolError> {
        loop {
            if let Some(line) = self.splitter.line() {
                return Ok(Some(line));
            }
            if self.ended {
                return Ok(self.splitter.rest());
            }
            match self.body.next().await {
                Some(Ok(chunk)) => {
                    // A server that does not know the limit is held to it here.
                    let left = usize::try_from(self.limit.saturating_sub(self.received)).unwrap_or(usize::MAX);
                    let chunk = chunk.get(..chunk.len().min(left)).unwrap_or_default();
                    self.received += chunk.len() as u64;
                    self.splitter.push(chunk);
                    self.ended = self.received >= self.limit;
                }
                Some(Err(err)) => {
                    self.ended = true;
                    return Err(map_error(&err, &self.thing));
                }
                None => self.ended = true,
            }
        }
    }

    /// Whether the limit of bytes was reached, so that the newest lines are missing.
    pub fn is_cut(&self) -> bool {
        self.received >= self.limit
    }
}

/// Cuts a stream of bytes into lines.
#[derive(Default)]
struct Splitter {
    chunk: Vec<u8>,
    at: usize,
    line: Vec<u8>,
}

impl Splitter {
    fn push(&mut self, chunk: &[u8]) {
        self.chunk.clear();
        self.chunk.extend_from_slice(chunk);
        self.at = 0;
    }

    /// The next whole line of what was pushed.
    fn line(&mut self) -> Option<Line> {
        let left = self.chunk.get(self.at..).unwrap_or_default();
        let end = left.iter().position(|it| *it == b'\n');
        let part = left.get(..end.unwrap_or(left.len())).unwrap_or_default();
        let room = LINE.saturating_sub(self.line.len());
        self.line.extend_from_slice(part.get(..part.len().min(room)).unwrap_or_default());
        self.at += part.len();
        end?;
        self.at += 1;
        Some(self.take())
    }

    /// The last line, which nothing ends.
    fn rest(&mut self) -> Option<Line> {
        (!self.line.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Line {
        let text = String::from_utf8_lossy(&self.line);
        let text = text.strip_suffix('\r').unwrap_or(&text);
        let stamped = text.split_once(' ').and_then(|(stamp, rest)| Some((parse_timestamp(stamp)?, rest)));
        // A line that says nothing has no space after its time.
        let stamped = stamped.or_else(|| Some((parse_timestamp(text)?, "")));
        let line = match stamped {
            Some((time, rest)) => Line { time: Some(time), text: rest.to_owned() },
            None => Line { time: None, text: text.to_owned() },
        };
        self.line.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_from_any_chunks_and_kept_short() {
        let long = "x".repeat(LINE + 50);
        let log = format!("2026-11-23T09:00:00.5Z one\r\n2026-11-23T09:00:01Z\nplain \u{fffd}\n{long}\nlast");
        let log = log.replace('\u{fffd}', "\u{1}").into_bytes();
        let log: Vec<u8> = log.into_iter().map(|it| if it == 1 { 0xff } else { it }).collect();
        for size in [1, 3, 7, log.len()] {
            let mut splitter = Splitter::default();
            let mut lines = Vec::new();
            for chunk in log.chunks(size) {
                splitter.push(chunk);
                while let Some(line) = splitter.line() {
                    lines.push(line);
                }
            }
            lines.extend(splitter.rest());
            let texts: Vec<&str> = lines.iter().map(|it| it.text.as_str()).collect();
            assert_eq!(texts, ["one", "", "plain \u{fffd}", &long[..LINE], "last"], "chunks of {size}");
            assert_eq!(lines[0].time, parse_timestamp("2026-11-23T09:00:00.5Z"));
        }
    }
}
