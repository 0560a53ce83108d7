//! Tests through the client, as tools use the server.

use http::header::ACCEPT;
use serde_json::{Value, json};

use super::*;
use crate::domain::selector::LabelSelector;
use crate::k8s::api::{self, ListOptions, LogOptions};
use crate::k8s::discovery::discover;
use crate::k8s::kinds::{self, Kind};

fn server(usage: Usage) -> ApiServer {
    let objects = [
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "n"},
            "spec": {"nodeName": "x", "containers": [{"name": "c"}]},
        }),
        json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "x"},
            "status": {"nodeInfo": {"kubeletVersion": "v1.34.1-eks-abc"}},
        }),
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "no-namespace"}}),
        json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "system:node"}}),
        json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e", "namespace": "n"},
            "note": "m", "deprecatedCount": 2,
        }),
        json!({"apiVersion": "example.com/v1beta1", "kind": "Thing", "metadata": {"name": "t", "namespace": "n"}}),
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "things.example.com"},
            "spec": {
                "group": "example.com", "scope": "Namespaced",
                "names": {"plural": "things", "kind": "Thing", "shortNames": ["th"]},
                "versions": [
                    {"name": "v1beta1", "served": true}, {"name": "v1", "served": true}, {"name": "v1alpha1", "served": false},
                ],
            },
        }),
    ];
    let logs = [(LogKey::parse("n_a_c.log").unwrap(), b"one\ntwo\n".to_vec())];
    let now = "2026-11-23T09:30:00Z".parse().unwrap();
    ApiServer::new(objects.into_iter().map(Object::new).collect(), logs.into(), now, usage)
}

async fn ask(method: &str, path: &str, accept: &str) -> (u16, String, Value) {
    let request = Request::builder().method(method).uri(path).header(ACCEPT, accept).body(Body::from(b"{}".to_vec())).unwrap();
    let response = server(Usage::default()).client().send(request).await.unwrap();
    let (code, media) = (response.status().as_u16(), response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned());
    let body = response.into_body().collect_bytes().await.unwrap();
    (code, media, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into()))
}

async fn get(path: &str) -> (u16, Value) {
    let (code, _, body) = ask("GET", path, "application/json").await;
    (code, body)
}

#[tokio::test]
async fn the_readers_of_tools_find_what_is_there() {
    let usage = Usage::default();
    let client = server(usage.clone()).client();
    let pods = Kind::named("Pod").unwrap();
    assert_eq!(api::object(&client, &pods, Some("n"), "a").await.unwrap().address(), "Pod/n/a");
    let (found, more) =
        api::list(&client, &pods, &ListOptions { namespace: Some("n"), ..ListOptions::default() }, 5).await.unwrap();
    assert_eq!((found.len(), more), (1, false));
    let options = LogOptions { container: "c", tail: Some(1), limit_bytes: 100, ..LogOptions::default() };
    assert_eq!(api::log(&client, "n", "a", &options).await.unwrap(), ("two\n".to_owned(), false));
    let things = kinds::among(&discover(&client).await.unwrap(), "th").unwrap();
    assert_eq!(things.path(None), "/apis/example.com/v1/things");
    let thing = api::object(&client, &things, Some("n"), "t").await.unwrap();
    assert_eq!(thing.text("apiVersion"), "example.com/v1", "objects are served in every version of their kind");
    let noted: Vec<String> = usage.take().into_iter().collect();
    assert_eq!(noted, ["get /pods", "get /pods/log", "get example.com/things", "list /pods"]);
}

#[tokio::test]
async fn paths_lead_where_they_do_on_a_real_server() {
    for (path, name) in [
        ("/apis/apps/v1/namespaces/default/deployments/no-namespace", "no-namespace"),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode", "system:node"),
        ("/api/v1/nodes/x/status", "x"),
        ("/api/v1/namespaces/n/events/e", "e"),
    ] {
        let (code, body) = get(path).await;
        assert_eq!((code, &body["metadata"]["name"]), (200, &json!(name)), "{path}");
    }
    let (_, event) = get("/api/v1/namespaces/n/events/e").await;
    assert_eq!((&event["message"], &event["count"], &event["apiVersion"]), (&json!("m"), &json!(2), &json!("v1")));
    let (_, version) = get("/version").await;
    assert_eq!((&version["minor"], &version["gitVersion"]), (&json!("34"), &json!("v1.34.1-eks-abc")));
    for path in
        ["/readyz", "/livez", "/apis/apps", "/apis/example.com", "/apis/example.com/v1beta1", "/api/v1/namespaces/none/pods"]
    {
        assert_eq!(get(path).await.0, 200, "{path}");
    }
    let missing = "the server could not find the requested resource";
    for path in [
        "/api/v1/foos",
        "/api/v1/namespaces/n/nodes",
        "/api/v1/pods/a",
        "/apis/apps/v1/namespaces/n/deployments/d/scale",
        "/api/v1/",
    ] {
        let (code, body) = get(path).await;
        assert!(path == "/api/v1/" || (code, &body["message"]) == (404, &json!(missing)), "{path}: {code} {body}");
    }
    for path in ["/", "/foo", "/api/v2", "/apis/foo.example", "/apis/example.com/v1/foos", "/apis/example.com/v1alpha1/things"] {
        assert_eq!(get(path).await, (404, json!("404 page not found\n")), "{path}");
    }
    let (code, body) = get("/apis/example.com/v1/namespaces/n/things/nope").await;
    assert_eq!((code, &body["message"]), (404, &json!("things.example.com \"nope\" not found")));
    assert_eq!(body["details"], json!({"name": "nope", "group": "example.com", "kind": "things"}));
}

#[tokio::test]
async fn only_reads_and_reviews_are_answered() {
    let access = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(ask("GET", access, "application/json").await.0, 405);
    assert_eq!(ask("GET", "/api/v1/nodes", "application/yaml").await.0, 406);
    let (code, _, review) = ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "application/json").await;
    assert_eq!((code, &review["status"]["userInfo"]["username"]), (201, &json!("snapshot")));
    let delete = Request::delete("/api/v1/namespaces/n/pods/a").body(Body::empty()).unwrap();
    assert!(server(Usage::default()).client().send(delete).await.is_err());
}

#[test]
fn selectors_that_the_fuzzer_found_are_answered_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/fuzz/selector");
    let pod = Object::new(json!({"metadata": {"labels": {"app": "web", "size": "7"}}}));
    let mut selected = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        selected += usize::from(LabelSelector::parse(&text).is_ok_and(|it| it.selects(&pod)));
        selected += crate::domain::field_selector::parse(&text).map_or(0, |it| it.len());
    }
    assert!(selected > 0);
}
