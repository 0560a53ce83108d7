//! What the lists of a small cluster cost a model: 200 pods, 300 events and a log of 5,000 lines, and that nothing is left
//! out of them that a person would look for.

use std::collections::BTreeSet;

use eks_mcp::domain::events::{about, message, times};
use eks_mcp::domain::object::Object;
use eks_mcp::domain::status;
use eks_mcp::domain::target::Target;
use eks_mcp::k8s::api::{self, ListOptions};
use eks_mcp::k8s::kinds::Kind;
use eks_mcp::snapshot::apiserver::generated;
use serde_json::{Value, json};

use crate::support::World;
use crate::tokens;

fn small() -> World {
    World::generated(generated::World::small())
}

async fn all(world: &World, kind: &str) -> Vec<Object> {
    let target = Target { account: None, region: None, cluster: "generated".to_owned(), through: None };
    let client = world.context.world.clusters.client(&target).await.unwrap();
    let kind = Kind::named(kind).unwrap();
    api::list(&client, &kind, &ListOptions::default(), 10_000).await.unwrap().0
}

fn column(table: &Value, name: &str) -> Vec<String> {
    let index = table["columns"].as_array().unwrap().iter().position(|it| it == name).unwrap();
    table["rows"].as_array().unwrap().iter().map(|row| row[index].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_hundred_pods_cost_1500_tokens_with_every_unhealthy_one() {
    let world = small();
    let now = world.context.now();
    let pods = all(&world, "Pod").await;
    assert_eq!(pods.len(), 200);
    let unhealthy: BTreeSet<&str> = pods.iter().filter(|it| !status::of(it, now).health.is_healthy()).map(Object::name).collect();
    assert!(unhealthy.len() >= 4, "the list would cost nothing: {unhealthy:?}");
    for arguments in [
        json!({"cluster": "generated", "kind": "Pod"}),
        json!({"cluster": "generated", "kind": "Pod", "namespace": "shop"}),
        json!({"cluster": "generated", "kind": "Pod", "status": "unhealthy"}),
    ] {
        let answer = world.try_call("list_resources", arguments).await.unwrap();
        let items = &answer.structured["items"];
        let names = column(items, "name");
        assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), unhealthy, "{}", answer.text);
        assert!(column(items, "why").iter().all(|it| !it.is_empty()), "{}", answer.text);
        assert!(answer.structured.get("omitted").is_none() && answer.structured.get("next_cursor").is_none());
        tokens::hold(&answer, 1_500);
        if let Some(groups) = answer.structured.get("groups") {
            let healthy: usize = column(groups, "healthy").iter().map(|it| it.parse::<usize>().unwrap()).sum();
            assert_eq!(healthy + unhealthy.len(), 200, "{}", answer.text);
        }
    }
}

#[tokio::test]
async fn three_hundred_events_cost_600_tokens_with_every_reason() {
    let world = small();
    let events = all(&world, "Event").await;
    assert_eq!(events.len(), 300);
    for (wanted, most) in [("warning", 600), ("all", 600)] {
        let arguments = json!({"cluster": "generated", "namespace": "shop", "type": wanted});
        let answer = world.try_call("list_events", arguments).await.unwrap();
        let groups = &answer.structured["groups"];
        let told: Vec<&Object> = events.iter().filter(|it| wanted == "all" || it.text("type") == "Warning").collect();
        let reasons: BTreeSet<&str> = told.iter().map(|it| it.text("reason")).collect();
        let rows = column(groups, "reason");
        assert_eq!(rows.iter().map(String::as_str).collect::<BTreeSet<_>>(), reasons, "{}", answer.text);
        assert_eq!(rows.len(), reasons.len(), "what is said of many pods is one group: {}", answer.text);
        let counted: i64 = column(groups, "count").iter().map(|it| it.parse::<i64>().unwrap()).sum();
        assert_eq!(counted, told.iter().map(|it| times(it)).sum::<i64>(), "{}", answer.text);
        let messages: BTreeSet<&str> = told.iter().map(|it| message(it)).collect();
        assert!(column(groups, "message").iter().all(|it| messages.contains(it.as_str())), "verbatim: {}", answer.text);
        let objects: usize = column(groups, "objects").iter().map(|it| it.parse::<usize>().unwrap()).sum();
        assert_eq!(objects, told.iter().map(|it| about(it).name.to_owned()).collect::<BTreeSet<_>>().len(), "{}", answer.text);
        assert!(answer.structured.get("omitted").is_none());
        tokens::hold(&answer, most);
    }
}

#[tokio::test]
async fn five_thousand_lines_of_a_pod_cost_1500_tokens_with_the_error() {
    let world = small();
    let now = world.context.now();
    let pods = all(&world, "Pod").await;
    let pod = pods.iter().find(|it| status::of(it, now).health.is_healthy()).unwrap();
    let arguments = json!({"cluster": "generated", "namespace": "shop", "pod": pod.name(), "tail": 10_000});
    let answer = world.try_call("get_logs", arguments).await.unwrap();
    assert_eq!(answer.structured["logs"][0]["read"], 5_003, "{}", answer.text);
    let said = answer.structured.to_string();
    for word in [
        "could not connect to db.shop.svc.cluster.local:5432: connection refused",
        "app.store.connect",
        "took <n> ms",
        "GET /healthz 200",
    ] {
        assert!(said.contains(word), "`{word}` is not in\n{}", answer.text);
    }
    assert_eq!(answer.structured["patterns"]["rows"][0][0], "error", "{}", answer.text);
    assert!(answer.structured.get("omitted").is_none());
    tokens::hold(&answer, 1_500);
}
