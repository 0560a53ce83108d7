//! Through the client, as tools use the server.

use kube::Client;
use serde_json::Value;

use super::*;
use crate::domain::status as health;
use crate::k8s::api::{self, ListOptions, LogOptions};
use crate::k8s::kinds::Kind;
use crate::snapshot::apiserver::ApiServer;

const NOW: &str = "2026-11-23T09:30:00Z";

fn client(world: World) -> Client {
    ApiServer::generated(world, NOW.parse().unwrap()).client()
}

async fn list(client: &Client, kind: &str, options: &ListOptions<'_>) -> Vec<Object> {
    api::list(client, &Kind::named(kind).unwrap(), options, 100_000).await.unwrap().0
}

#[tokio::test]
async fn pages_together_are_every_object_once_and_each_can_be_read_alone() {
    let world = World { nodes: 1_234, ..World::large(0, 6_000) };
    let client = client(world);
    for (kind, number) in [("Node", 1_234), ("Pod", 6_000), ("Namespace", 4)] {
        let all = list(&client, kind, &ListOptions::default()).await;
        let mut addresses: Vec<String> = all.iter().map(|it| format!("{}/{}", it.namespace(), it.name())).collect();
        assert_eq!(addresses.len(), number, "{kind}");
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), number, "{kind} in their order, each once");
        let last = all.last().unwrap();
        let namespace = Some(last.namespace()).filter(|it| !it.is_empty());
        let alone = api::object(&client, &Kind::named(kind).unwrap(), namespace, last.name()).await.unwrap();
        assert_eq!(alone.get("status"), last.get("status"));
        assert_eq!(alone.get("spec"), last.get("spec"));
    }
    let err = api::object(&client, &Kind::named("Pod").unwrap(), Some("batch"), "nope").await.unwrap_err();
    assert!(err.message.contains("not found"), "{err:?}");
}

#[tokio::test]
async fn no_slot_is_left_open_and_the_same_seed_gives_the_same_bytes() {
    for kind in ["Node", "Pod", "Namespace", "Event"] {
        let path = format!("{}?limit=400", Kind::named(kind).unwrap().path(None));
        let ask = async || {
            let body = client(World::small()).request_text(http::Request::get(&path).body(Vec::new()).unwrap()).await;
            body.unwrap()
        };
        let text = ask().await;
        assert_eq!(text, ask().await);
        assert!(!text.contains("@@") && !text.replace("@sha256", "").contains('@'), "{kind}");
        let page: Value = serde_json::from_str(&text).unwrap();
        assert!(!page["items"].as_array().unwrap().is_empty());
    }
}

#[tokio::test]
async fn selectors_and_namespaces_choose() {
    let client = client(World { unhealthy_per_mille: 300, ..World::large(100, 6_000) });
    let all = list(&client, "Pod", &ListOptions::default()).await;
    let of = |predicate: &dyn Fn(&Object) -> bool| all.iter().filter(|it| predicate(it)).count();
    for (options, expected) in [
        (ListOptions { namespace: Some("batch"), ..ListOptions::default() }, of(&|it| it.namespace() == "batch")),
        (
            ListOptions { fields: Some("status.phase=Pending"), ..ListOptions::default() },
            of(&|it| it.text("status.phase") == "Pending"),
        ),
        (
            ListOptions { labels: Some("team=team-0001"), ..ListOptions::default() },
            of(&|it| it.label("team") == Some("team-0001")),
        ),
        (ListOptions { fields: Some("spec.nodeName="), ..ListOptions::default() }, of(&|it| it.text("spec.nodeName").is_empty())),
    ] {
        assert!(expected > 0, "{options:?}");
        assert_eq!(list(&client, "Pod", &options).await.len(), expected, "{options:?}");
    }
    let warnings = ListOptions { namespace: Some("batch"), fields: Some("type=Warning"), ..ListOptions::default() };
    let warnings = list(&client, "Event", &warnings).await;
    assert!(!warnings.is_empty() && warnings.iter().all(|it| it.text("type") == "Warning"));
}

#[tokio::test]
async fn faults_are_seen_as_what_they_are() {
    let client = client(World { unhealthy_per_mille: 500, ..World::small() });
    let pods = list(&client, "Pod", &ListOptions::default()).await;
    let unhealthy: Vec<_> =
        pods.iter().map(|it| health::of(it, NOW.parse().unwrap()).health).filter(|it| !it.is_healthy()).collect();
    assert!((60..140).contains(&unhealthy.len()), "{}", unhealthy.len());
    for reason in [
        "CrashLoopBackOff: OOMKilled",
        "CrashLoopBackOff: Error",
        "ImagePullBackOff",
        "Unschedulable",
        "CreateContainerConfigError",
        "not ready",
    ] {
        assert!(unhealthy.iter().any(|it| it.reason().contains(reason)), "{reason}");
    }
}

#[tokio::test]
async fn tables_metadata_and_logs_are_served() {
    let client = client(World::small());
    let accept = |accept: &str| {
        http::Request::get("/api/v1/namespaces/shop/pods?limit=3").header("accept", accept).body(Vec::new()).unwrap()
    };
    let table: Value = client.request(accept("application/json;as=Table;v=v1;g=meta.k8s.io,application/json")).await.unwrap();
    assert_eq!((table["kind"].as_str(), table["rows"].as_array().map(Vec::len)), (Some("Table"), Some(3)));
    assert_eq!(table["rows"][0]["cells"].as_array().map(Vec::len), table["columnDefinitions"].as_array().map(Vec::len));
    let metadata: Value =
        client.request(accept("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io")).await.unwrap();
    assert_eq!(metadata["metadata"]["remainingItemCount"], 197);
    let first = &metadata["items"][0];
    assert_eq!((first["kind"].as_str(), first.get("spec")), (Some("PartialObjectMetadata"), None));
    let pods = list(&client, "Pod", &ListOptions::default()).await;
    let running = pods.iter().find(|it| it.text("status.phase") == "Running").unwrap();
    let options = LogOptions { container: "app", limit_bytes: 10_000_000, ..LogOptions::default() };
    let (log, cut) = api::log(&client, "shop", running.name(), &options).await.unwrap();
    assert!(!cut && log.lines().count() >= 5_000);
    assert_eq!(log.matches("ERROR").count(), 1);
}
