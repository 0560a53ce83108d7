//! CloudWatch Logs over its SDK.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::identity::Shared;
use super::{Logs, VisitEvent};
use crate::domain::log_event::{LogEvent, LogFilter, LogScan};
use crate::error::ToolError;

/// Pages of one search. A page is what AWS searched in about a second, and may be empty.
const PAGES: usize = 30;

pub(super) struct SdkLogs {
    shared: Arc<Shared>,
    region: String,
}

impl SdkLogs {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Logs for SdkLogs {
    async fn filter_events(&self, filter: &LogFilter, visit: VisitEvent<'_>) -> Result<LogScan, ToolError> {
        let pattern = pattern(&filter.equals)?;
        let thing = format!("log group `{}` in {}", filter.group, self.region);
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let (pattern, page_token) = (&pattern, &token);
            let call = self.shared.call(&self.region, "logs:FilterLogEvents", &thing, |clients| async move {
                let request = clients.logs.filter_log_events().log_group_name(&filter.group);
                let request = request.start_time(filter.start.as_millisecond()).end_time(filter.end.as_millisecond());
                let request = request.set_filter_pattern(pattern.clone());
                request.set_log_stream_name_prefix(filter.stream_prefix.clone()).set_next_token(page_token.clone()).send().await
            });
            let page = call.await?;
            for event in page.events.unwrap_or_default() {
                let time = event.timestamp.and_then(|it| Timestamp::from_millisecond(it).ok());
                let (Some(time), Some(message)) = (time, event.message) else { continue };
                if !visit(LogEvent { time, stream: event.log_stream_name.unwrap_or_default(), message }) {
                    return Ok(LogScan { complete: false });
                }
            }
            token = page.next_token.filter(|it| !it.is_empty());
            if token.is_none() {
                return Ok(LogScan { complete: true });
            }
        }
        Ok(LogScan { complete: false })
    }
}

/// `{ ($.kubernetes.pod_name = "a") && ($.kubernetes.namespace_name = "b") }`; `None` without fields.
fn pattern(equals: &[(String, String)]) -> Result<Option<String>, ToolError> {
    let terms = equals.iter().map(|(field, value)| Ok(format!("($.{} = {})", selector(field)?, quoted(field, value)?)));
    let terms: Vec<String> = terms.collect::<Result<_, ToolError>>()?;
    Ok((!terms.is_empty()).then(|| format!("{{ {} }}", terms.join(" && "))))
}

fn selector(field: &str) -> Result<&str, ToolError> {
    let fits = !field.is_empty() && field.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.'));
    fits.then_some(field).ok_or_else(|| ToolError::invalid(format!("`{field}` is no field that CloudWatch Logs can filter by")))
}

/// A value in quotes. An asterisk would match anything and quotes would end it, so values with either are refused; no
/// Kubernetes name has them.
fn quoted(field: &str, value: &str) -> Result<String, ToolError> {
    if value.is_empty() || value.contains(['"', '\\', '*', '%']) || value.chars().any(char::is_control) {
        return Err(ToolError::invalid(format!("`{field}`: `{value}` cannot be searched for in CloudWatch Logs")));
    }
    Ok(format!("\"{value}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_quotes() {
        let fields = |value: &str| [("kubernetes.pod_name".to_owned(), value.to_owned())];
        assert_eq!(pattern(&fields("web-1")).unwrap().unwrap(), r#"{ ($.kubernetes.pod_name = "web-1") }"#);
        assert_eq!(pattern(&[]).unwrap(), None);
        for wrong in ["", "a\" || $.x = \"b", "a*", "a\\", "a\nb"] {
            assert!(pattern(&fields(wrong)).is_err(), "{wrong}");
        }
        assert!(pattern(&[("a} || {$.b".to_owned(), "x".to_owned())]).is_err());
    }
}
