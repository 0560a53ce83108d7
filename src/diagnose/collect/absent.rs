//! What to say of an object that does not exist.

use super::{Source, list_events, metadata};
use crate::diagnose::facts::event_time;
use crate::domain::field_selector;
use crate::error::ToolError;
use crate::k8s::kinds::Kind;

/// What is known about an object that does not exist: near names, the same name elsewhere, its last event.
///
/// Sends at most 3 requests.
pub async fn absent(source: &Source, kind: &Kind, namespace: Option<&str>, name: &str) -> ToolError {
    let place = namespace.map(|it| format!("{it}/")).unwrap_or_default();
    let message = format!("{} `{place}{name}` does not exist", kind.kind);
    let escaped = field_selector::escape(name);
    let by_name = format!("metadata.name={escaped}");
    let about = format!("involvedObject.kind={},involvedObject.name={escaped}", field_selector::escape(&kind.kind));
    let (here, elsewhere, events) = futures::join!(
        metadata(source, kind, namespace, ""),
        async { if namespace.is_some() { metadata(source, kind, None, &by_name).await } else { Ok(Vec::new()) } },
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
        .with_hint(format!("Call `list_resources` with kind `{}` for those there are, then call again.", kind.qualified()))
}
