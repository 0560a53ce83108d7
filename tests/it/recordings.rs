//! The snapshot's API server against recordings of a real one: the same requests, the same answers.
//!
//! What may differ, and nothing else:
//! - a resource version of a list, and the text of a continue token: they are made by the server;
//! - a Table: this server has none and answers with plain JSON, which the same request accepts (the index names that answer);
//! - discovery: this server has fewer resources and subresources; each that it has is described alike, but for
//!   `storageVersionHash` and the address of the server;
//! - `/version` and `/readyz`: what a snapshot cannot know is left out;
//! - reviews: the caller is the reader of the snapshot, and nobody managed the fields of the review.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use eks_mcp::domain::object::Object;
use eks_mcp::snapshot::Usage;
use eks_mcp::snapshot::apiserver::{ApiServer, LogKey};
use http::Request;
use http::header::{ACCEPT, CONTENT_TYPE};
use kube::Client;
use kube::client::Body;
use serde::Deserialize;
use serde_json::{Value, json};

/// A request and where its answer was recorded.
#[derive(Clone, Deserialize)]
struct Recording {
    name: String,
    method: String,
    path: String,
    accept: String,
    body: Option<String>,
    status: u16,
    answer_type: String,
    answer: String,
}

/// The lists whose items make up the snapshot.
const LISTS: &[&str] = &["pods-list", "pods-limit", "pods-fieldsel", "nodes", "events", "crds", "nodepools", "podmetrics"];

fn file(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/kubernetes-1.36");
    fs::read(folder.join(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
}

fn document(name: &str) -> Value {
    serde_json::from_slice(&file(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
}

fn recordings() -> Vec<Recording> {
    serde_json::from_slice(&file("index.json")).unwrap()
}

fn client() -> Client {
    let mut objects = Vec::new();
    for list in LISTS {
        let mut list = document(&format!("{list}.body"));
        let (kind, version) = (list["kind"].as_str().unwrap().replace("List", ""), list["apiVersion"].clone());
        for mut item in list["items"].take().as_array().unwrap().clone() {
            item["kind"] = kind.clone().into();
            item["apiVersion"] = version.clone();
            objects.push(Object::new(item));
        }
    }
    let lines: Vec<String> = (0..20).map(|it| format!("shop/web-crash/web line {it}\n")).collect();
    let key = LogKey { namespace: "shop".to_owned(), pod: "web-crash".to_owned(), container: "web".to_owned(), previous: false };
    let logs = BTreeMap::from([(key, lines.concat().into_bytes())]);
    ApiServer::new(objects, logs, "2026-11-23T04:08:20Z".parse().unwrap(), Usage::default()).client()
}

/// Sends a recorded request: status, content type and body.
async fn replay(client: &Client, recording: &Recording) -> (u16, String, Vec<u8>) {
    let body = recording.body.as_deref().unwrap_or_default().as_bytes().to_vec();
    let request = Request::builder().method(recording.method.as_str()).uri(&recording.path).header(ACCEPT, &recording.accept);
    let response = client.send(request.body(Body::from(body)).unwrap()).await.unwrap();
    let (status, media) = (response.status().as_u16(), response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned());
    (status, media, response.into_body().collect_bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn recorded_requests_get_the_recorded_answers() {
    let client = client();
    for recording in recordings() {
        let name = recording.name.as_str();
        let (status, media, body) = replay(&client, &recording).await;
        assert_eq!(
            (status, media),
            (recording.status, recording.answer_type.clone()),
            "{name}: {}",
            String::from_utf8_lossy(&body)
        );
        let expected = file(&recording.answer);
        let Ok(expected) = serde_json::from_slice::<Value>(&expected) else {
            let (found, expected) = (String::from_utf8(body).unwrap(), String::from_utf8(expected).unwrap());
            assert!(found == expected || name == "readyz", "{name}: {found}");
            continue;
        };
        let found: Value = serde_json::from_slice(&body).unwrap();
        match name {
            "version" => same_fields(&expected, &found, &["major"], name),
            "api-aggregated" | "apis-aggregated" => discovery_agrees(&expected, &found),
            "apis" => groups_agree(&expected, &found),
            "api-v1" | "apps-v1" => resources_agree(&expected, &found),
            "ssar" => same_fields(&expected, &found, &["kind", "apiVersion", "spec", "status"], name),
            "ssr" => same_fields(&expected, &found, &["kind", "apiVersion", "metadata"], name),
            _ => same(made_alike(expected), made_alike(found), name),
        }
    }
}

/// Blanks what the server makes up: the version of a list and the text of a token, but not whether there is one.
fn made_alike(mut document: Value) -> Value {
    if document.get("items").is_some() {
        let metadata = document["metadata"].as_object_mut().unwrap();
        metadata.remove("resourceVersion");
        if metadata.get("continue").is_some_and(|it| it != "") {
            metadata.insert("continue".to_owned(), "…".into());
        }
    }
    document
}

/// Compares item by item, so that a difference can be read.
fn same(mut expected: Value, mut found: Value, name: &str) {
    if let (Some(Value::Array(expected)), Some(Value::Array(found))) = (expected.get_mut("items"), found.get_mut("items")) {
        let names = |items: &[Value]| -> Vec<String> { items.iter().map(|it| it["metadata"]["name"].to_string()).collect() };
        assert_eq!(names(expected), names(found), "{name}");
        for (expected, found) in std::mem::take(expected).into_iter().zip(std::mem::take(found)) {
            assert_eq!(expected, found, "{name}");
        }
    }
    assert_eq!(expected, found, "{name}");
}

fn same_fields(expected: &Value, found: &Value, fields: &[&str], name: &str) {
    for field in fields {
        assert_eq!(expected[field], found[field], "{name}: {field}");
    }
}

fn by<'a>(list: &'a Value, pointer: &str) -> BTreeMap<String, &'a Value> {
    let name = |it: &Value| it.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    list.as_array().unwrap().iter().map(|it| (name(it), it)).collect()
}

/// Every group, version, resource and subresource found is described as it was recorded.
fn discovery_agrees(expected: &Value, found: &Value) {
    assert_eq!(
        (&expected["kind"], &expected["apiVersion"], &expected["metadata"]),
        (&found["kind"], &found["apiVersion"], &found["metadata"])
    );
    let groups = by(&expected["items"], "/metadata/name");
    for (group, found) in by(&found["items"], "/metadata/name") {
        let expected = groups.get(&group).unwrap_or_else(|| panic!("{group} was not recorded"));
        assert_eq!(expected["metadata"], found["metadata"]);
        let versions = by(&expected["versions"], "/version");
        for (version, found) in by(&found["versions"], "/version") {
            let expected = versions[&version];
            assert_eq!(expected["freshness"], found["freshness"]);
            let resources = by(&expected["resources"], "/resource");
            for (resource, found) in by(&found["resources"], "/resource") {
                let mut expected =
                    (*resources.get(&resource).unwrap_or_else(|| panic!("{group}/{resource} was not recorded"))).clone();
                if let Some(subresources) = expected.get_mut("subresources").and_then(Value::as_array_mut) {
                    subresources.retain(|it| ["log", "status"].contains(&it["subresource"].as_str().unwrap()));
                    if subresources.is_empty() {
                        expected.as_object_mut().unwrap().remove("subresources");
                    }
                }
                assert_eq!(&expected, found, "{group}/{resource}");
            }
        }
    }
    assert!(
        by(&found["items"], "/metadata/name").keys().all(|it| it.is_empty()) || found["items"].as_array().unwrap().len() >= 16
    );
}

fn groups_agree(expected: &Value, found: &Value) {
    let groups = by(&expected["groups"], "/name");
    for (name, found) in by(&found["groups"], "/name") {
        let expected = groups[&name];
        assert_eq!(expected["preferredVersion"], found["preferredVersion"], "{name}");
        assert!(
            found["versions"].as_array().unwrap().iter().all(|it| expected["versions"].as_array().unwrap().contains(it)),
            "{name}"
        );
    }
    same_fields(expected, found, &["kind", "apiVersion"], "apis");
}

fn resources_agree(expected: &Value, found: &Value) {
    let resources = by(&expected["resources"], "/name");
    let served = by(&found["resources"], "/name");
    assert!(served.len() > 6);
    for (name, found) in served {
        let mut expected = resources[&name].clone();
        expected.as_object_mut().unwrap().remove("storageVersionHash");
        assert_eq!(&expected, found, "{name}");
    }
    assert_eq!((&expected["kind"], expected.get("apiVersion")), (&found["kind"], found.get("apiVersion")));
    assert_eq!(expected["groupVersion"], found["groupVersion"]);
}

#[tokio::test]
async fn single_objects_are_those_of_the_lists_and_say_what_they_are() {
    let client = client();
    for (list, kind) in [("pods-list", "Pod"), ("nodes", "Node"), ("events-v1", "Event"), ("nodepools", "NodePool")] {
        let recording = recordings().into_iter().find(|it| it.name == list).unwrap();
        let version = document(&recording.answer)["apiVersion"].clone();
        for mut item in document(&recording.answer)["items"].take().as_array().unwrap().clone() {
            item["kind"] = kind.into();
            item["apiVersion"] = version.clone();
            let path = format!("{}/{}", recording.path, item["metadata"]["name"].as_str().unwrap());
            let (status, _, body) = replay(&client, &Recording { path, ..recording.clone() }).await;
            assert_eq!((status, serde_json::from_slice::<Value>(&body).unwrap()), (200, item));
        }
    }
}

#[tokio::test]
async fn the_recorded_page_goes_on_to_the_rest() {
    let client = client();
    let first = recordings().into_iter().find(|it| it.name == "pods-limit").unwrap();
    let (mut path, mut names) = (first.path.clone(), Vec::new());
    loop {
        let (_, _, body) = replay(&client, &Recording { path: path.clone(), ..first.clone() }).await;
        let page: Value = serde_json::from_slice(&body).unwrap();
        names.extend(page["items"].as_array().unwrap().iter().map(|it| it["metadata"]["name"].clone()));
        let Some(token) = page["metadata"].get("continue") else { break };
        path = format!("{}&continue={}", first.path, token.as_str().unwrap());
    }
    assert_eq!(names.len(), 8, "two recorded on the page, six recorded as remaining");
    assert_eq!(names.last(), Some(&json!("web-crash")));
}
