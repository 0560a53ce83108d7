//! Reading JSON in part, and over what was read before.

use super::*;
use crate::domain::status;
use serde_json::json;

fn read(text: &str, keep: &Keep) -> Result<Value, Stop> {
    Scanner::new(text.as_bytes(), 0).value(keep)
}

#[test]
fn what_is_read_is_what_a_full_parser_reads() {
    let texts = [
        r#"{"a":1,"b":[true,false,null,-1.5e3,{"c":{}}],"d":"x\"y\\z\u00e9\ud83d\ude00","":[]}"#,
        " {\n\t\"a\" : [ 1 , 2 ] , \"long\" : \"eight bytes and more, then a \\n\" } ",
        r#"{"big":18446744073709551615,"small":-9223372036854775808,"é":"ü"}"#,
        "[]",
        r#""alone""#,
    ];
    for text in texts {
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(read(text, &Keep::ALL), Ok(expected), "{text}");
        let mut scanner = Scanner::new(text.as_bytes(), 0);
        assert_eq!(scanner.skip(), Ok(()));
        assert_eq!(scanner.at(), text.trim_end().len());
    }
}

#[test]
fn every_beginning_of_a_document_ends_too_early() {
    let text = r#"{"a":[1,{"b":"c\"d"}],"e":{"f":null}}"#;
    for length in 0..text.len() {
        for keep in [&Keep::ALL, &Keep::only(["e"]), &Keep::only([])] {
            assert_eq!(read(&text[..length], keep), Err(Stop::End), "{length}");
        }
    }
}

#[test]
fn broken_documents_are_refused_where_they_break() {
    for (text, at) in [("{x", 1), (r#"{"a" 1}"#, 5), ("[1 2] ", 3), (r#"{"a":tru }"#, 5), (r#"{"a":1,}"#, 7), ("[01] ", 1)] {
        assert_eq!(read(text, &Keep::ALL), Err(Stop::Broken(at)), "{text}");
    }
    let deep = "[".repeat(200);
    assert!(matches!(read(&deep, &Keep::ALL), Err(Stop::Broken(_))));
}

#[test]
fn only_what_is_kept_is_read() {
    let text = json!({
        "metadata": {"name": "a", "managedFields": [{"x": "}"}], "annotations": {"k.io/a.b": "1", "c": "2"}},
        "spec": {"containers": [{"name": "x", "env": [{"name": "E"}]}, {"name": "y"}]},
    })
    .to_string();
    let only = Keep::only(["metadata.name", "spec.containers.name"]);
    assert_eq!(
        read(&text, &only),
        Ok(json!({"metadata": {"name": "a"}, "spec": {"containers": [{"name": "x"}, {"name": "y"}]}}))
    );
    let but = Keep::all_but(&[&["metadata", "managedFields"], &["metadata", "annotations", "k.io/a.b"], &["spec"]]);
    assert_eq!(read(&text, &but), Ok(json!({"metadata": {"name": "a", "annotations": {"c": "2"}}})));
    assert_eq!(Keep::only(["a", "a.b"]), Keep::only(["a"]));
}

#[test]
fn nothing_of_the_object_before_shows_in_the_next_one() {
    let objects = [
        json!({"a": "1", "b": {"x": ["p", {"q": 1}], "y": null}, "c": [1, 2, 3]}),
        json!({"a": "a longer \\ one", "b": {"x": ["p"], "y": null}, "c": [1, 2, 3]}),
        json!({"b": {"y": {"z": true}}, "a": 5}),
        json!({"b": {"y": {"z": true}, "x": [[], {}, -0.5]}, "a": {}, "c": "d"}),
        json!({"b": {}, "d": 7, "c": {"e": []}}),
        json!({}),
        json!({"a": "1", "b": {"x": ["p", {"q": 12_345_678_901_234_567_u64}], "y": -3}, "c": [1e300]}),
    ];
    for keep in [Keep::ALL, Keep::only(["a", "b.x.q", "c"])] {
        for first in &objects {
            for second in &objects {
                let mut value = read(&first.to_string(), &keep).unwrap();
                let text = second.to_string();
                // An attempt that ends too early leaves no trace either.
                let broken = Scanner::new(&text.as_bytes()[..text.len() - 1], 0).refill(&mut value, &keep);
                assert_eq!(broken, Err(Stop::End));
                Scanner::new(text.as_bytes(), 0).refill(&mut value, &keep).unwrap();
                let fresh = read(&text, &keep).unwrap();
                // As text, since the order of fields counts too.
                assert_eq!(value.to_string(), fresh.to_string());
            }
        }
    }
    let mut value = json!({"a": 1, "b": 2});
    Scanner::new(br#"{"a":3,"a":4}"#, 0).refill(&mut value, &Keep::ALL).unwrap();
    assert_eq!(value, json!({"a": 4}));
    assert_eq!(read("[007]", &Keep::ALL), Err(Stop::Broken(1)));
}

#[test]
fn what_is_kept_of_a_pod_tells_its_state() {
    let container = |state: Value| json!({"name": "a", "ready": true, "state": state});
    let pod = json!({"kind": "Pod", "metadata": {"name": "a"}, "status": {"phase": "Running", "containerStatuses": [
        container(json!({"terminated": {"reason": "Completed", "exitCode": 0}})),
        container(json!({"running": {"startedAt": "2026-11-23T09:00:00Z"}})),
    ]}});
    let mut kept = read(&pod.to_string(), &Keep::for_status("Pod")).unwrap();
    kept["kind"] = json!("Pod");
    let of = |value: Value| status::of(&crate::domain::object::Object::new(value), "2026-11-23T09:30:00Z".parse().unwrap());
    assert_eq!(of(kept).cells, ["2/2", "Running", "0", ""]);
    assert_eq!(of(pod).cells[1], "Running");
}
