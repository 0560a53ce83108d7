//! The ends of the logs of containers that fail.

use futures::future::join_all;
use jiff::Timestamp;

use super::{Answer, Source, gap};
use crate::diagnose::facts::{Container, Facts, Log};
use crate::diagnose::finding::Liveness;
use crate::error::ToolError;
use crate::k8s::api::{self, LogOptions};

/// Seconds after which an init container that runs is taken to wait.
const WAITS: i64 = 60;
/// Lines of a log.
const TAIL: u32 = 200;
/// Bytes of a log that are kept.
const KEEP: usize = 64 << 10;
/// Bytes of a log that are received: the API server cuts at the end, where the cause stands, so the limit has to be
/// well above what is kept.
const RECEIVE: u64 = 512 << 10;

/// Logs of the failing containers, previous instances first.
pub(super) async fn read(source: &Source, facts: &Facts) -> Answer<Vec<Log>> {
    let containers = facts.containers();
    let mut telling: Vec<&Container<'_>> =
        containers.iter().filter(|it| has_telling_log(it, facts.now)).take(source.containers).collect();
    // What serves may still complain.
    let is_well = telling.is_empty() && facts.pod.text("status.phase") == "Running";
    if is_well {
        telling = containers.iter().filter(|it| it.is_running() && !it.init).take(1).collect();
    }
    let read = telling.into_iter().map(async |container| {
        let previous = container.status("lastState.terminated").is_some() && !is_well;
        let (before, present) = futures::join!(
            async { if previous { Some(log(source, facts, container.name, true).await) } else { None } },
            log(source, facts, container.name, false),
        );
        let logs: Vec<Log> = before.iter().chain([&present]).filter_map(|it| it.as_ref().ok()).cloned().collect();
        let why = before.unwrap_or(present).err().filter(|_| logs.is_empty() && !is_well);
        (logs, why.map(|err| gap(format!("log of container `{}`", container.name), &err)))
    });
    let (mut logs, mut gaps) = (Vec::new(), Vec::new());
    for (read, gap) in join_all(read).await {
        logs.extend(read);
        gaps.extend(gap);
    }
    (Some(logs), gaps)
}

/// Whether a container fails in a way that its log can explain: a process has to have run.
fn has_telling_log(container: &Container<'_>, now: Timestamp) -> bool {
    match container.exit(now) {
        Some(exit) if matches!(exit.reason, "StartError" | "ContainerCannotRun") => false,
        Some(exit) if exit.liveness != Liveness::Past => true,
        // An init container that runs for long waits for something.
        _ if container.init && !container.is_sidecar() => {
            container.running_since().is_some_and(|it| now.as_second() - it.as_second() > WAITS)
        }
        _ => container.is_running() && !container.is_ready(),
    }
}

async fn log(source: &Source, facts: &Facts, container: &str, previous: bool) -> Result<Log, ToolError> {
    let options = LogOptions { container, previous, tail: Some(TAIL), since_seconds: None, limit_bytes: RECEIVE };
    let (text, _) = api::log(&source.client, facts.pod.namespace(), facts.pod.name(), &options).await?;
    Ok(Log { container: container.to_owned(), previous, text: last_lines(&text, KEEP).to_owned() })
}

/// The whole lines within the last `most` bytes.
fn last_lines(text: &str, most: usize) -> &str {
    let Some(start) = text.len().checked_sub(most).filter(|it| *it > 0) else { return text };
    let tail = text.get(text.ceil_char_boundary(start)..).unwrap_or_default();
    tail.split_once('\n').map_or(tail, |(_, lines)| lines)
}
