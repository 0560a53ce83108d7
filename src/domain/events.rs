//! Events, grouped: the same thing said of many objects many times is one line.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};

use jiff::Timestamp;

use super::object::Object;
use super::text::clean_line;

/// Names of objects that a group remembers; the rest is counted.
const NAMED: usize = 3;

/// Groups that are kept; a cluster that says more different things says nothing by it.
const MAX_GROUPS: usize = 2_000;

/// Alike events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventGroup {
    /// `Warning` or `Normal`.
    pub event_type: String,
    /// Kind of the objects concerned.
    pub kind: String,
    /// Machine-readable reason, such as `FailedScheduling`.
    pub reason: String,
    /// How often it was recorded, over all objects.
    pub count: i64,
    /// First time.
    pub first: Option<Timestamp>,
    /// Last time.
    pub last: Option<Timestamp>,
    /// The first objects concerned, as namespace and name.
    pub named: Vec<(String, String)>,
    /// How many objects are concerned.
    pub objects: usize,
    /// The latest message, verbatim. Text from the cluster.
    pub example: String,
}

/// Groups events by type, kind of object, reason and normalised message. Holds a bounded amount however many there are.
#[derive(Default)]
pub struct EventGroups {
    groups: BTreeMap<String, Group>,
    /// The key of the present event, in memory that is used again: most events are of a group that is there.
    key: String,
    hasher: RandomState,
    /// Events seen, each repetition counted.
    pub total: i64,
    /// Events of groups beyond those that are kept.
    pub beyond: i64,
    /// Oldest moment seen.
    pub oldest: Option<Timestamp>,
}

#[derive(Default)]
struct Group {
    event_type: String,
    kind: String,
    reason: String,
    count: i64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    named: Vec<(String, String)>,
    objects: HashSet<u64>,
    example: String,
}

impl EventGroups {
    /// Adds an event of either API: `v1` or `events.k8s.io/v1`.
    pub fn add(&mut self, event: &Object) {
        let about = about(event);
        let message = message(event);
        let (event_type, reason) = (event.text("type"), event.text("reason"));
        self.key.clear();
        for part in [event_type, about.kind, reason] {
            self.key.push_str(part);
            self.key.push('\0');
        }
        normalise(message, about.name, &mut self.key);
        let count = times(event);
        let (first, last) = (first(event), last(event));
        self.total += count;
        self.oldest = earlier(self.oldest, first);
        if !self.groups.contains_key(&self.key) {
            if self.groups.len() >= MAX_GROUPS {
                self.beyond += count;
                return;
            }
            let [event_type, kind, reason] = [event_type, about.kind, reason].map(str::to_owned);
            self.groups.insert(self.key.clone(), Group { event_type, kind, reason, ..Group::default() });
        }
        let Some(group) = self.groups.get_mut(&self.key) else { return };
        group.count += count;
        group.first = earlier(group.first, first);
        // The latest example is the one that holds now.
        if group.example.is_empty() || last >= group.last {
            group.example.clear();
            group.example.push_str(message);
        }
        group.last = group.last.max(last);
        // A hash for each object, not its name: there may be a hundred thousand.
        if group.objects.insert(self.hasher.hash_one((about.namespace, about.name))) && group.named.len() < NAMED {
            group.named.push((about.namespace.to_owned(), about.name.to_owned()));
        }
    }

    /// The groups: warnings first, then the most recent, then the most frequent.
    pub fn finish(self) -> Vec<EventGroup> {
        let groups = self.groups.into_values().map(|group| EventGroup {
            event_type: group.event_type,
            kind: group.kind,
            reason: group.reason,
            count: group.count,
            first: group.first,
            last: group.last,
            named: group.named,
            objects: group.objects.len(),
            example: clean_line(&group.example),
        });
        let mut groups: Vec<EventGroup> = groups.collect();
        groups.sort_by(|a, b| {
            let order = |it: &EventGroup| (it.event_type != "Warning", std::cmp::Reverse((it.last, it.count)));
            order(a).cmp(&order(b)).then_with(|| (&a.reason, &a.example).cmp(&(&b.reason, &b.example)))
        });
        groups
    }
}

/// The object that an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About<'a> {
    /// Its kind.
    pub kind: &'a str,
    /// Its namespace, empty for cluster-scoped objects.
    pub namespace: &'a str,
    /// Its name.
    pub name: &'a str,
}

/// The object that an event is about.
pub fn about(event: &Object) -> About<'_> {
    let of = |field: &str| {
        let old = event.get("involvedObject").and_then(|it| it.get(field));
        let new = || event.get("regarding").and_then(|it| it.get(field));
        old.or_else(new).and_then(|it| it.as_str()).unwrap_or_default()
    };
    About { kind: of("kind"), namespace: of("namespace"), name: of("name") }
}

/// What an event says.
pub fn message(event: &Object) -> &str {
    let message = event.text("message");
    if message.is_empty() { event.text("note") } else { message }
}

/// How often an event was recorded; the newer API counts in `series`.
pub fn times(event: &Object) -> i64 {
    let count = ["series.count", "count", "deprecatedCount"].iter().find_map(|it| event.integer(it));
    count.unwrap_or(1).max(1)
}

/// When it was first recorded.
pub fn first(event: &Object) -> Option<Timestamp> {
    let fields = ["firstTimestamp", "deprecatedFirstTimestamp", "eventTime"];
    fields.iter().find_map(|it| event.time(it)).or_else(|| event.created())
}

/// When it was last recorded.
pub fn last(event: &Object) -> Option<Timestamp> {
    let fields = ["series.lastObservedTime", "lastTimestamp", "deprecatedLastTimestamp", "eventTime"];
    fields.iter().find_map(|it| event.time(it)).or_else(|| event.created())
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Writes a message without what differs from object to object: its name, numbers and hashes, and the names of containers and
/// images.
fn normalise(message: &str, name: &str, to: &mut String) {
    let message = without(message, name);
    let mut named = false;
    for (index, word) in message.split_whitespace().take(40).enumerate() {
        if index > 0 {
            to.push(' ');
        }
        let bare = word.trim_end_matches(':');
        let names = ["container", "image"].iter().any(|it| bare.eq_ignore_ascii_case(it));
        let masked = word.bytes().any(|it| it.is_ascii_digit())
            || (named && !names)
            || word.starts_with("container=")
            || word.starts_with("image=");
        named = names;
        to.push_str(if masked { "*" } else { word });
    }
}

/// A text without a name, where it stands as a word of its own.
fn without<'a>(text: &'a str, name: &str) -> Cow<'a, str> {
    if name.is_empty() || !text.contains(name) {
        return Cow::Borrowed(text);
    }
    let is_part = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (at, _) in text.match_indices(name) {
        let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + name.len()..).unwrap_or_default());
        if !is_part(before.chars().next_back()) && !is_part(after.chars().next()) {
            kept.push_str(text.get(from..at).unwrap_or_default());
            kept.push('*');
            from = at + name.len();
        }
    }
    kept.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(kept)
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
        assert_eq!((groups[0].count, groups[0].named.len(), groups[0].objects), (600, 3, 300));
    }

    #[test]
    fn what_the_kubelet_says_of_many_workloads_is_a_few_groups() {
        let mut groups = EventGroups::default();
        // Names without a digit, a part of other words, too.
        for app in ["api", "app", "cart", "age", "worker", "mail-relay", "db", "checkout"] {
            let pod = format!("{app}-xkqzt");
            for (reason, message) in [
                (
                    "BackOff",
                    format!(
                        "Back-off restarting failed container {app} in pod {pod}_shop(0f3c4a5b-1111-4222-8333-{app}44444444)"
                    ),
                ),
                ("BackOff", format!("Back-off pulling image \"registry.example/{app}:latest\"")),
                ("Failed", format!("Failed to pull image \"registry.example/{app}:latest\": not found")),
                ("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500".to_owned()),
                ("Created", format!("Created container: {app}")),
                ("Pulled", format!("Container image \"registry.example/{app}:latest\" already present on machine")),
            ] {
                let about = json!({"kind": "Pod", "namespace": "shop", "name": if reason == "Unhealthy" { app } else { &pod }});
                groups
                    .add(&Object::new(json!({"type": "Warning", "reason": reason, "message": message, "involvedObject": about})));
            }
        }
        // What is missing tells apart.
        for missing in ["app-config", "db-config"] {
            let message = format!("MountVolume.SetUp failed for volume \"config\" : configmap \"{missing}\" not found");
            groups.add(&Object::new(json!({"type": "Warning", "reason": "FailedMount", "message": message})));
        }
        let groups = groups.finish();
        let mut counts: Vec<(&str, i64)> = groups.iter().map(|it| (it.reason.as_str(), it.count)).collect();
        counts.sort_unstable();
        let each = ["BackOff", "BackOff", "Created", "Failed"].map(|it| (it, 8));
        let expected: Vec<_> =
            each.into_iter().chain([("FailedMount", 1), ("FailedMount", 1), ("Pulled", 8), ("Unhealthy", 8)]).collect();
        assert_eq!(counts, expected, "{groups:#?}");
    }

    #[test]
    fn both_apis_say_the_same() {
        let old = json!({
            "type": "Warning", "reason": "Failed", "message": "no", "count": 4, "firstTimestamp": "2026-11-23T09:00:00Z",
            "lastTimestamp": "2026-11-23T09:10:00Z", "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "web"},
        });
        let new = json!({
            "type": "Warning", "reason": "Failed", "note": "no", "deprecatedCount": 4, "deprecatedFirstTimestamp": "2026-11-23T09:00:00Z",
            "deprecatedLastTimestamp": "2026-11-23T09:10:00Z", "regarding": {"kind": "Pod", "namespace": "shop", "name": "web"},
        });
        let group = |event: serde_json::Value| {
            let mut groups = EventGroups::default();
            groups.add(&Object::new(event));
            groups.finish()
        };
        assert_eq!(group(old), group(new));
    }

    #[test]
    fn events_without_times_or_fields_are_no_panic() {
        let mut groups = EventGroups::default();
        groups.add(&Object::new(json!({})));
        groups.add(&Object::new(json!({"count": "x", "involvedObject": 3})));
        assert_eq!(groups.finish().len(), 1);
    }

    #[test]
    fn what_is_held_does_not_grow_with_the_number_of_different_messages() {
        let mut groups = EventGroups::default();
        for index in 0..MAX_GROUPS + 10 {
            let word: String = index.to_string().bytes().map(|it| char::from(b'a' + it - b'0')).collect();
            groups.add(&Object::new(json!({"type": "Normal", "reason": word})));
        }
        assert_eq!(groups.beyond, 10);
        assert_eq!(groups.finish().len(), MAX_GROUPS);
    }
}
