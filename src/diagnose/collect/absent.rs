//! What to say of a pod that does not exist.

use super::{Source, kind, list_events, metadata};
use crate::diagnose::facts::event_time;
use crate::error::ToolError;

/// What is known about a pod that does not exist: near names, the same name elsewhere, its last event.
///
/// Sends at most 3 requests.
pub async fn absent_pod(source: &Source, namespace: &str, name: &str) -> ToolError {
    let message = format!("pod `{namespace}/{name}` does not exist");
    let Ok(kind) = kind("Pod") else { return ToolError::not_found(message) };
    let by_name = format!("metadata.name={name}");
    let about = format!("involvedObject.kind=Pod,involvedObject.name={name}");
    let (here, elsewhere, events) = futures::join!(
        metadata(source, &kind, Some(namespace), ""),
        metadata(source, &kind, None, &by_name),
        list_events(source, namespace, &about),
    );
    let here: Vec<String> = here.map(|it| it.into_iter().map(|(_, name)| name).collect()).unwrap_or_default();
    let mut near = crate::domain::names::near(name, here.iter().map(String::as_str));
    // The name of a workload stands at the start of the names of its pods.
    near.extend(here.iter().filter(|it| it.starts_with(&format!("{name}-")) && !near.contains(it)).cloned().collect::<Vec<_>>());
    near.truncate(5);
    let mut message = message;
    let quoted = |names: Vec<String>| names.into_iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(" or ");
    if !near.is_empty() {
        message.push_str(&format!("; did you mean {}?", quoted(near)));
    }
    let others: Vec<String> =
        elsewhere.unwrap_or_default().into_iter().map(|(namespace, name)| format!("{namespace}/{name}")).collect();
    if !others.is_empty() {
        message.push_str(&format!("; the name exists as {}", quoted(others.into_iter().take(3).collect())));
    }
    let last = events.unwrap_or_default().into_iter().next_back();
    if let Some(event) = last {
        let age = event_time(&event).map_or_else(String::new, |at| format!(" {} ago", crate::domain::time::age(source.now, at)));
        let said = crate::domain::text::clean_line(event.text("message"));
        message.push_str(&format!("; its last event{age} was {}: {said}", event.text("reason")));
    }
    ToolError::not_found(message)
        .with_hint("Call `list_resources` with kind `Pod` for the pods of the namespace, then call again.")
}
