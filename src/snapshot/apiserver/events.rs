//! The two APIs for events: one store, two shapes.

use serde_json::{Map, Value, json};

/// Fields whose names differ: in the core group, and in `events.k8s.io`.
const RENAMED: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Fields that the core API writes even where they are empty.
const ALWAYS: &[&str] = &["reportingComponent", "reportingInstance"];

/// The shape of `events.k8s.io/v1`.
pub(super) fn to_new(event: &Value) -> Value {
    let mut new = rename(event, |name| RENAMED.iter().find(|it| it.0 == name).map(|it| it.1));
    new.retain(|name, value| !matches!(name.as_str(), "reportingController" | "reportingInstance") || value != "");
    new.insert("apiVersion".to_owned(), "events.k8s.io/v1".into());
    Value::Object(new)
}

/// The shape of the core group.
pub(super) fn to_core(event: &Value) -> Value {
    let mut core = rename(event, |name| RENAMED.iter().find(|it| it.1 == name).map(|it| it.0));
    core.insert("apiVersion".to_owned(), "v1".into());
    for name in ALWAYS {
        core.entry(*name).or_insert_with(|| "".into());
    }
    core.entry("source").or_insert_with(|| json!({}));
    Value::Object(core)
}

fn rename(event: &Value, name_of: impl Fn(&str) -> Option<&'static str>) -> Map<String, Value> {
    let fields = event.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name_of(name).map_or_else(|| name.clone(), str::to_owned), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_survive_the_way_to_the_new_shape_and_back() {
        let core = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "a.1"}, "involvedObject": {"kind": "Pod"},
            "message": "m", "count": 3, "source": {"component": "kubelet"}, "firstTimestamp": null,
            "reportingComponent": "", "reportingInstance": "", "type": "Normal",
        });
        let new = to_new(&core);
        assert_eq!((&new["note"], &new["deprecatedCount"], &new["regarding"]["kind"]), (&json!("m"), &json!(3), &json!("Pod")));
        assert_eq!(to_core(&new), core);
    }
}
