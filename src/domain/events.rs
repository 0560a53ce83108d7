//! Events, grouped: the same thing said of many objects many times is one line.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::object::Object;
use super::text::clean_line;

/// Names of objects listed in a group; the rest is counted.
const NAMED: usize = 5;

/// Alike events.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct EventGroup {
    /// `Warning` or `Normal`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Machine-readable reason, such as `FailedScheduling`.
    pub reason: String,
    /// How often it was recorded, over all objects.
    pub count: i64,
    /// First time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Timestamp>,
    /// Last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Timestamp>,
    /// Objects concerned as `Kind/namespace/name`, at most five.
    pub objects: Vec<String>,
    /// How many further objects there are; absent when all are named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub more_objects: Option<usize>,
    /// One message, verbatim. Text from the cluster.
    pub example: String,
}

/// Groups events by kind of object, type, reason and normalised message.
#[derive(Default)]
pub struct EventGroups {
    groups: BTreeMap<(String, String, String, String), Group>,
    /// Events seen, each repetition counted.
    pub total: i64,
    /// Oldest moment seen.
    pub oldest: Option<Timestamp>,
}

#[derive(Default)]
struct Group {
    count: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    objects: BTreeMap<String, i64>,
    example: String,
}

impl EventGroups {
    /// Adds a core event.
    pub fn add(&mut self, event: &Object) {
        let name = event.text("involvedObject.name");
        let message = event.text("message");
        let key = (
            event.text("type").to_owned(),
            event.text("involvedObject.kind").to_owned(),
            event.text("reason").to_owned(),
            normalised(message, name),
        );
        let count = times(event);
        let (first, last) = (first(event), last(event));
        self.total += count;
        self.oldest = earlier(self.oldest, first);
        let group = self.groups.entry(key).or_default();
        group.count += count;
        group.first = earlier(group.first, first);
        // The latest example is the one that holds now.
        if group.example.is_empty() || last >= group.last {
            group.example = clean_line(message);
        }
        group.last = group.last.max(last);
        *group.objects.entry(about(event)).or_default() += count;
    }

    /// The groups: warnings first, then the most recent, then the most frequent.
    pub fn finish(self) -> Vec<EventGroup> {
        let groups = self.groups.into_iter().map(|((kind, _, reason, _), group)| {
            let mut objects: Vec<(String, i64)> = group.objects.into_iter().collect();
            objects.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            let more = objects.len().saturating_sub(NAMED);
            EventGroup {
                kind,
                reason,
                count: group.count,
                first: group.first,
                last: group.last,
                objects: objects.into_iter().take(NAMED).map(|(name, _)| name).collect(),
                more_objects: (more > 0).then_some(more),
                example: group.example,
            }
        });
        let mut groups: Vec<EventGroup> = groups.collect();
        groups.sort_by(|a, b| {
            let order = |it: &EventGroup| (it.kind != "Warning", std::cmp::Reverse(it.last), std::cmp::Reverse(it.count));
            order(a).cmp(&order(b)).then_with(|| a.reason.cmp(&b.reason))
        });
        groups
    }
}

/// How often an event was recorded; the newer API counts in `series`.
pub fn times(event: &Object) -> i64 {
    event.integer("series.count").or_else(|| event.integer("count")).unwrap_or(1).max(1)
}

/// When it was first recorded.
pub fn first(event: &Object) -> Option<Timestamp> {
    event.time("firstTimestamp").or_else(|| event.time("eventTime")).or_else(|| event.created())
}

/// When it was last recorded.
pub fn last(event: &Object) -> Option<Timestamp> {
    event
        .time("series.lastObservedTime")
        .or_else(|| event.time("lastTimestamp"))
        .or_else(|| event.time("eventTime"))
        .or_else(|| event.created())
}

/// The object concerned, as `Kind/namespace/name`.
pub fn about(event: &Object) -> String {
    let (kind, name) = (event.text("involvedObject.kind"), event.text("involvedObject.name"));
    match event.text("involvedObject.namespace") {
        "" => format!("{kind}/{name}"),
        namespace => format!("{kind}/{namespace}/{name}"),
    }
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// A message without what differs from object to object: its name, numbers and hashes.
fn normalised(message: &str, name: &str) -> String {
    let message = if name.is_empty() { message.to_owned() } else { message.replace(name, "*") };
    let words = message.split_whitespace().map(|word| if word.bytes().any(|it| it.is_ascii_digit()) { "*" } else { word });
    words.take(40).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_same_warning_on_many_pods_is_one_group() {
        let mut groups = EventGroups::default();
        for index in 0..300 {
            groups.add(&Object::new(json!({
                "type": "Warning", "reason": "BackOff", "count": 2, "message": format!("Back-off restarting failed container in pod web-{index}"),
                "involvedObject": {"kind": "Pod", "namespace": "shop", "name": format!("web-{index}")},
                "firstTimestamp": "2026-11-23T09:00:00Z", "lastTimestamp": "2026-11-23T09:10:00Z",
            })));
        }
        assert_eq!(groups.total, 600);
        let groups = groups.finish();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].count, groups[0].objects.len(), groups[0].more_objects), (600, 5, Some(295)));
    }

    #[test]
    fn events_without_times_or_fields_are_no_panic() {
        let mut groups = EventGroups::default();
        groups.add(&Object::new(json!({})));
        groups.add(&Object::new(json!({"count": "x", "involvedObject": 3})));
        assert_eq!(groups.finish().len(), 1);
    }
}
