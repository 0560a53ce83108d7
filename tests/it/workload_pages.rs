//! Pages of `list_resources`: every row once, of small lists and of those that are read in parts, and cursors that do not fit.

use std::collections::{BTreeMap, BTreeSet};

use eks_mcp::domain::status as health;
use eks_mcp::domain::target::Target;
use eks_mcp::error::ErrorKind;
use eks_mcp::k8s::api::{self, Keep, ListOptions, Step};
use eks_mcp::k8s::kinds::Kind;
use eks_mcp::snapshot::apiserver::generated;
use serde_json::{Value, json};

use crate::support::{World, status};
use crate::workloads::{holds, rows, shop, with};

/// Follows the cursor to the end; `namespace/name` of every row in their order, and the answers.
async fn pages(world: &World, arguments: Value) -> (Vec<String>, Vec<Value>) {
    let (mut names, mut answers) = (Vec::new(), Vec::<Value>::new());
    loop {
        let mut arguments = arguments.clone();
        if let Some(last) = answers.last() {
            arguments["cursor"] = last["next_cursor"].clone();
        }
        let answer = world.call("list_resources", arguments).await;
        let name = |row: &BTreeMap<String, String>| format!("{}/{}", row.get("namespace").map_or("", |it| it), row["name"]);
        names.extend(rows(&answer["items"]).iter().map(name));
        let ends = answer.get("next_cursor").is_none();
        assert_eq!(ends, answer.get("omitted").is_none(), "what is left out and how to get it belong together: {answer:#}");
        answers.push(answer);
        if ends {
            return (names, answers);
        }
        assert!(answers.len() < 200, "there is no end");
    }
}

#[tokio::test]
async fn pages_lead_to_every_row_once() {
    let world = shop();
    for limit in [1, 4, 5, 12, 13] {
        let (names, answers) =
            pages(&world, with(json!({"kind": "Pod", "namespace": "shop", "group_by": "none", "limit": limit}))).await;
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 13, "{limit}: {names:?}");
        assert_eq!((names.len(), answers.len()), (13, 13_usize.div_ceil(limit)), "{limit}");
        assert_eq!(names[0], "/crash", "the order is that of the whole list");
        if answers.len() > 1 {
            assert_eq!(answers[0]["omitted"]["count"], 13 - limit, "{:#}", answers[0]);
        }
    }
}

#[tokio::test]
async fn a_whole_cluster_is_read_in_parts_without_gaps_or_repeats() {
    let size = generated::World { unhealthy_per_mille: 20, ..generated::World::large(20, 11_000) };
    let world = World::generated(size);
    let target = Target { account: None, region: None, cluster: "generated".to_owned(), through: None };
    let client = world.context.world.clusters.client(&target).await.unwrap();
    let mut expected = Vec::new();
    let visit = |step: Step| {
        if let Step::Object(pod) = step
            && !health::of(&pod, world.context.now()).health.is_healthy()
        {
            expected.push(format!("{}/{}", pod.namespace(), pod.name()));
        }
        true
    };
    let pod = Kind::named("Pod").unwrap();
    api::list_parts(&client, &pod, &ListOptions::default(), &Keep::for_status("Pod"), visit).await.unwrap();
    assert!(expected.len() > 150, "{}", expected.len());
    let arguments = json!({"cluster": "generated", "kind": "Pod", "status": "unhealthy", "limit": 150});
    let (mut names, answers) = pages(&world, arguments.clone()).await;
    let first = &answers[0];
    holds(first["summary"].as_str().unwrap(), &["10000 pods", "This is a part of the list, 1000 more follow"]);
    assert!(answers.len() >= 3, "rows of the first part, then the second: {}", answers.len());
    let last = answers.last().unwrap();
    holds(last["summary"].as_str().unwrap(), &["1000 pods of this part of the list"]);
    names.sort();
    expected.sort();
    assert_eq!(names.len(), expected.len());
    assert_eq!(names, expected);
    // One namespace is a whole answer.
    let mut scoped = arguments;
    scoped["namespace"] = "team-0000".into();
    let answer = world.call("list_resources", scoped).await;
    assert!(!answer["summary"].as_str().unwrap().contains("part of the list"), "{answer:#}");
}

#[tokio::test]
async fn cursors_are_taken_unchanged_and_for_their_request_only() {
    let world = shop();
    let ask = |more: Value| {
        let mut arguments = with(json!({"kind": "Pod", "namespace": "shop", "group_by": "none", "limit": 5}));
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let first = world.call("list_resources", ask(json!({}))).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    world.call("list_resources", ask(json!({"cursor": cursor, "limit": 3}))).await;
    let mut changed = cursor.to_owned();
    let last = changed.pop().unwrap();
    changed.push(if last == 'A' { 'B' } else { 'A' });
    for more in [
        json!({"cursor": changed}),
        json!({"cursor": ""}),
        json!({"cursor": "näh"}),
        json!({"cursor": cursor, "namespace": "other"}),
        json!({"cursor": cursor, "kind": "Deployment"}),
        json!({"cursor": cursor, "label_selector": "app=web"}),
        json!({"cursor": cursor, "field_selector": "status.phase=Running"}),
        json!({"cursor": cursor, "status": "unhealthy"}),
        json!({"cursor": cursor, "group_by": "node"}),
        json!({"cursor": cursor, "columns": ["status"]}),
    ] {
        let err = world.fail("list_resources", ask(more.clone())).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput, "{more}");
        holds(&err.text(), &["`cursor`: it does not belong to this request, or was changed", "start over without `cursor`"]);
    }
    // Another server has another key.
    let err = shop().fail("list_resources", ask(json!({"cursor": cursor}))).await;
    holds(&err.message, &["`cursor`"]);
}

#[tokio::test]
async fn a_cursor_whose_list_has_expired_says_to_start_over() {
    let mut world = World::generated(generated::World::large(1, 10_600));
    let ask = |more: Value| {
        let mut arguments = json!({"cluster": "generated", "kind": "Pod", "status": "unhealthy", "limit": 200});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let first = world.call("list_resources", ask(json!({}))).await;
    let cursor = first["next_cursor"].clone();
    world = world.between(|uri| {
        let gone = "The provided continue parameter is too old to display a consistent list result.";
        uri.contains("continue=").then(|| status(410, gone))
    });
    let err = world.fail("list_resources", ask(json!({"cursor": cursor}))).await;
    assert_eq!(err.kind, ErrorKind::InvalidInput);
    holds(&err.text(), &["the API server no longer holds the state of the list", "Start over: call again, without `cursor`"]);
}
