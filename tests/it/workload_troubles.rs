//! The workload tools when a name is none, a part is denied, the server answers nonsense, an object is very large, or holds
//! secrets.

use std::collections::BTreeMap;

use eks_mcp::error::ErrorKind;
use serde_json::json;

use crate::support::{document, status};
use crate::workloads::{DENIED, column, get, holds, list, shop, with};

// What is wrong or not there.

#[tokio::test]
async fn names_that_are_none_reach_no_path() {
    let world = shop().between(|uri| panic!("{uri} is asked for"));
    for namespace in ["a/b", "..", "Shop", "a b", "-a", "a?x=1", "ä", ""] {
        let err = world.fail("list_resources", with(json!({"kind": "Pod", "namespace": namespace}))).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput, "{namespace}");
        holds(&err.message, &["`namespace`"]);
        let err = world.fail("list_events", with(json!({"namespace": namespace}))).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput, "{namespace}");
        let err = world.fail("get_resource", with(json!({"kind": "Pod", "namespace": namespace, "name": "x"}))).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput, "{namespace}");
    }
    for name in ["a/b", "..", ".", "a%2fb", "a\nb", ""] {
        let err = world.fail("get_resource", with(json!({"kind": "Pod", "namespace": "shop", "name": name}))).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput, "{name}");
        holds(&err.message, &["`name`"]);
        if !name.is_empty() {
            let err = world.fail("list_events", with(json!({"namespace": "shop", "name": name}))).await;
            assert_eq!(err.kind, ErrorKind::InvalidInput, "{name}");
        }
    }
    let err = world.fail("get_resource", with(json!({"kind": "Pod", "name": "x"}))).await;
    holds(&err.text(), &["`namespace`: a Pod lives in a namespace", "metadata.name="]);
}

#[tokio::test]
async fn what_is_not_there_is_answered_with_near_names() {
    let world = shop();
    for (tool, more) in [
        ("list_resources", json!({"kind": "Pod"})),
        ("get_resource", json!({"kind": "Pod", "name": "crash"})),
        ("list_events", json!({})),
    ] {
        let mut arguments = with(more);
        arguments["namespace"] = "shpo".into();
        let err = world.fail(tool, arguments).await;
        assert_eq!(err.kind, ErrorKind::NotFound, "{tool}");
        holds(&err.message, &["namespace `shpo` does not exist; did you mean `shop`?"]);
    }
    // One that is empty is no error.
    let answer = list(&world, json!({"kind": "Pod", "namespace": "empty"})).await;
    assert_eq!(answer["summary"], "No pods in namespace empty.");
    let err = world.fail("get_resource", with(json!({"kind": "Pod", "namespace": "shop", "name": "crahs"}))).await;
    assert_eq!(err.kind, ErrorKind::NotFound);
    holds(&err.message, &["Pod `crahs` does not exist in namespace `shop`; did you mean `crash`?"]);
    let err = world.fail("get_resource", with(json!({"kind": "Pod", "namespace": "other", "name": "crash"}))).await;
    holds(&err.message, &["does not exist in namespace `other`, but in `shop`"]);
}

#[tokio::test]
async fn a_moment_in_the_future_is_refused() {
    let world = shop();
    for since in ["2026-11-23T09:30:01Z", "2031-01-01T00:00:00Z"] {
        let err = world.fail("list_events", with(json!({"since": since}))).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput);
        holds(&err.message, &["`since`", "future"]);
    }
    let err = world.fail("list_events", with(json!({"since": "soon"}))).await;
    holds(&err.message, &["`since`"]);
}

#[tokio::test]
async fn broken_answers_of_the_server_are_said_to_be_so() {
    for body in [
        "{\"kind\":\"PodList\",\"items\":[{\"metadata\":{\"name\":\"a\"",
        "<html>gateway</html>",
        "",
        "[1,2",
        "{\"items\": [nope]}",
    ] {
        let world = shop().between(move |uri| {
            (uri.contains("/pods") || uri.contains("/gadgets") || uri.contains("/events"))
                .then(|| http::Response::new(axum::body::Body::from(body)))
        });
        for (tool, arguments) in [
            ("list_resources", json!({"kind": "Pod", "namespace": "shop"})),
            ("list_resources", json!({"kind": "gd", "namespace": "shop"})),
            ("get_resource", json!({"kind": "Pod", "namespace": "shop", "name": "crash"})),
            ("list_events", json!({"namespace": "shop"})),
        ] {
            let err = world.fail(tool, with(arguments)).await;
            assert_eq!(err.kind, ErrorKind::Upstream, "{tool} {body}: {err}");
            holds(&err.message, &["the API server's answer"]);
        }
    }
    let world = shop().between(|uri| (uri == "/apis").then(|| http::Response::new(axum::body::Body::from("{\"items\": ["))));
    let err = world.fail("list_api_kinds", with(json!({}))).await;
    assert_eq!(err.kind, ErrorKind::Upstream, "{err}");
}

// Denied.

#[tokio::test]
async fn a_denied_read_names_verb_resource_namespace_and_identity() {
    for (kind, resource, rest) in [("Pod", "pods", ""), ("Deployment", "deployments", "apps"), ("gd", "gadgets", "tools.example")]
    {
        let message =
            format!("{resource} {DENIED}list resource \"{resource}\" in API group \"{rest}\" in the namespace \"shop\"");
        let world =
            shop().between(move |uri| uri.contains(&format!("/namespaces/shop/{resource}")).then(|| status(403, &message)));
        let err = world.fail("list_resources", with(json!({"kind": kind, "namespace": "shop"}))).await;
        assert_eq!(err.kind, ErrorKind::AccessDenied, "{err}");
        let group = format!("API group \"{rest}\"");
        holds(&err.message, &["cannot list", resource, "namespace \"shop\"", "role/reader", &group]);
        holds(&err.hint.unwrap(), &["AmazonEKSViewPolicy"]);
    }
}

#[tokio::test]
async fn what_is_denied_beside_an_object_is_a_warning() {
    let events = format!("events {DENIED}list resource \"events\" in API group \"\" in the namespace \"shop\"");
    let sets = format!(
        "replicasets.apps \"web-5d8f\" {DENIED}get resource \"replicasets\" in API group \"apps\" in the namespace \"shop\""
    );
    let world = shop().between(move |uri| {
        let denied = [("/events", &events), ("/replicasets/", &sets)];
        denied.iter().find(|(path, _)| uri.contains(path)).map(|(_, message)| status(403, message))
    });
    let answer = get(&world, json!({"kind": "Pod", "namespace": "shop", "name": "web-1"})).await;
    assert_eq!(answer["status"], "healthy", "{answer:#}");
    assert!(answer["object"]["spec"].is_object(), "{answer:#}");
    let warnings = answer["warnings"].as_array().unwrap();
    assert_eq!(warnings.len(), 2, "{answer:#}");
    holds(warnings[0].as_str().unwrap(), &["owners: ", "cannot get", "replicasets", "namespace \"shop\"", "role/reader"]);
    holds(warnings[1].as_str().unwrap(), &["events: ", "cannot list", "events", "namespace \"shop\"", "role/reader"]);
    // The owner is known by name all the same.
    assert_eq!(answer["owners"], json!([{"object": "ReplicaSet/shop/web-5d8f"}]), "{answer:#}");
    assert!(answer.get("events").is_none());
    // Whether a namespace is there may be unknown.
    let world = shop().between(|uri| (uri == "/api/v1/namespaces/nowhere").then(|| status(403, "no")));
    assert_eq!(list(&world, json!({"kind": "Pod", "namespace": "nowhere"})).await["summary"], "No pods in namespace nowhere.");
}

// One object.

#[tokio::test]
async fn one_object_comes_with_conditions_owners_and_events() {
    let world = shop();
    let answer = get(&world, json!({"kind": "Pod", "namespace": "shop", "name": "web-1"})).await;
    let owners: Vec<(&str, &str)> = answer["owners"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["object"].as_str().unwrap(), it["state"].as_str().unwrap()))
        .collect();
    assert_eq!(owners, [("ReplicaSet/shop/web-5d8f", "healthy"), ("Deployment/shop/web", "healthy")]);
    let answer = get(&world, json!({"kind": "Pod", "namespace": "shop", "name": "stuck"})).await;
    assert_eq!(answer["conditions"]["rows"][0][2], "Unschedulable", "{answer:#}");
    assert_eq!((&answer["events"]["warnings"], &answer["events"]["normal"]), (&json!(7), &json!(1)), "{answer:#}");
    holds(answer["events"]["latest"].as_str().unwrap(), &["FailedScheduling", "0/3 nodes are available", "2026-11-23T09:29:00Z"]);
    assert!(answer["object"]["status"].get("conditions").is_none(), "they are a table");
    assert!(!answer.to_string().contains("last-applied") && !answer.to_string().contains("managedFields"), "{answer:#}");
}

#[tokio::test]
async fn an_object_of_a_megabyte_and_a_half_fits_and_its_parts_can_be_had_exactly() {
    let filler: BTreeMap<String, String> =
        (0..1_500).map(|it| (format!("key-{it:04}"), format!("{it:04}-{}", "x".repeat(1_000)))).collect();
    let large = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "large", "namespace": "shop", "uid": "u", "creationTimestamp": "2026-11-23T08:00:00Z"},
        "data": filler, "binaryData": {"blob": "A".repeat(1_000)}});
    assert!(large.to_string().len() > 1_500_000);
    let world = shop().between(move |uri| uri.contains("/configmaps/large").then(|| document(&large)));
    for view in ["summary", "full", "spec"] {
        let answer = world
            .try_call("get_resource", with(json!({"kind": "cm", "namespace": "shop", "name": "large", "view": view})))
            .await
            .unwrap();
        let size = answer.structured.to_string().len();
        assert!(size <= world.context.limits.budget, "{view}: {size} characters");
        assert!(answer.text.len() <= world.context.limits.hard_limit, "{view}: {} characters", answer.text.len());
        assert!(answer.structured["omitted"]["count"].as_u64().unwrap() >= 1, "{}", answer.text);
        holds(answer.structured["omitted"]["how"].as_str().unwrap(), &["data", "`fields`"]);
    }
    let fields = json!(["data.key-0777", "data.key-1499", "metadata.uid"]);
    let answer = get(&world, json!({"kind": "cm", "namespace": "shop", "name": "large", "fields": fields})).await;
    assert_eq!(
        column(&answer["fields"], "value"),
        [format!("0777-{}", "x".repeat(1_000)), format!("1499-{}", "x".repeat(1_000)), "u".to_owned()]
    );
    assert!(answer.get("omitted").is_none() && answer.get("object").is_none());
    // All of it at once is cut, and that is said.
    let answer = get(&world, json!({"kind": "cm", "namespace": "shop", "name": "large", "fields": ["data"]})).await;
    assert_eq!(answer["omitted"]["count"], 1, "{answer:#}");
    assert!(answer.to_string().len() <= world.context.limits.budget);
    let err = world
        .fail("get_resource", with(json!({"kind": "cm", "namespace": "shop", "name": "large", "fields": ["data.key-077"]})))
        .await;
    holds(&err.message, &["has no `data.key-077`", "did you mean"]);
    assert!(err.text().len() < 3_000, "{}", err.text().len());
}

#[tokio::test]
async fn secrets_are_never_shown_however_they_are_asked_for() {
    let world = shop();
    let mut asked = 0;
    for (tool, arguments) in [
        ("list_resources", json!({"kind": "Secret"})),
        ("list_resources", json!({"kind": "Secret", "namespace": "shop", "group_by": "none"})),
        ("list_resources", json!({"kind": "Secret", "namespace": "shop", "columns": ["type", "data"]})),
        (
            "list_resources",
            json!({"kind": "Secret", "namespace": "shop", "columns": ["data.password", "data", "stringData.token", "metadata.annotations"]}),
        ),
        (
            "list_resources",
            json!({"kind": "Secret", "namespace": "shop", "columns": ["annotation:kubectl.kubernetes.io/last-applied-configuration"]}),
        ),
        ("get_resource", json!({"kind": "Secret", "namespace": "shop", "name": "login"})),
        ("get_resource", json!({"kind": "Secret", "namespace": "shop", "name": "login", "view": "full"})),
        ("get_resource", json!({"kind": "Secret", "namespace": "shop", "name": "login", "view": "spec"})),
        (
            "get_resource",
            json!({"kind": "Secret", "namespace": "shop", "name": "login", "fields": ["data", "data.password", "stringData", "metadata.annotations"]}),
        ),
        (
            "get_resource",
            json!({"kind": "Secret", "namespace": "shop", "name": "login", "fields": ["data[\"password\"]", "stringData.token"]}),
        ),
    ] {
        let answer = world.try_call(tool, with(arguments.clone())).await.unwrap();
        let said = format!("{} {}", answer.structured, answer.text);
        holds(&said, &["login"]);
        for secret in ["hunter2", "aHVudGVyMi1kYXRh", "aHVudGVyMi1hcHBsaWVk"] {
            assert!(!said.contains(secret), "{tool} {arguments}: {said}");
        }
        asked += 1;
    }
    assert_eq!(asked, 10);
    // A server that sends whole objects all the same, and one that prints no table.
    let items = json!([{"metadata": {"name": "login", "namespace": "shop"}, "data": {"password": "aHVudGVyMi1kYXRh"}}]);
    let plain = json!({"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": items});
    let table = json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": [{"name": "Name", "type": "string"}],
        "rows": [{"cells": ["login"], "object": items[0]}]});
    for body in [plain, table] {
        let world = shop().between(move |uri| uri.contains("/secrets").then(|| document(&body)));
        for columns in [json!([]), json!(["data.password", "data.nothing"])] {
            let answer = list(&world, json!({"kind": "Secret", "namespace": "shop", "columns": columns})).await.to_string();
            assert!(answer.contains("login") && !answer.contains("aHVudGVyMi1kYXRh") && !answer.contains("hunter2"), "{answer}");
        }
    }
}
