//! Each wrong input gets an error that names the thing, why, and the next step.

use eks_mcp::error::ErrorKind;
use eks_mcp::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::support::World;

async fn fails(tool: &str, arguments: Value, kind: ErrorKind, words: &[&str]) {
    let err = World::demo().fail(tool, arguments).await;
    assert_eq!(err.kind, kind, "{err}");
    for word in words {
        assert!(err.text().contains(word), "`{word}` is not in: {}", err.text());
    }
    assert!(err.hint.is_some(), "no next step: {err}");
}

#[tokio::test]
async fn unknown_and_wrong_arguments_are_named_with_what_was_meant() {
    use ErrorKind::InvalidInput;
    fails(
        "describe_cluster",
        json!({"cluster": "dev", "regoin": "us-west-2"}),
        InvalidInput,
        &["`regoin`", "did you mean `region`?"],
    )
    .await;
    fails("describe_cluster", json!({}), InvalidInput, &["`cluster` is missing"]).await;
    fails("describe_cluster", json!({"cluster": 3}), InvalidInput, &["`cluster`", "string"]).await;
    fails(
        "describe_cluster",
        json!({"cluster": "dev", "sections": ["everything"]}),
        InvalidInput,
        &["`sections.0`", "`everything` is none of overview, health"],
    )
    .await;
    fails("list_resources", json!({"cluster": "dev", "kind": "Pod", "limit": 100_000}), InvalidInput, &["`limit`", "200"]).await;
    fails("list_clusters", json!({"regions": ["mars"]}), InvalidInput, &["`mars`", "eu-west-1"]).await;
    fails("describe_cluster", json!({"cluster": "arn:aws:s3:::bucket"}), InvalidInput, &["no EKS cluster ARN"]).await;
    fails(
        "describe_cluster",
        json!({"cluster": "arn:aws:eks:us-east-1:111122223333:cluster/payments", "region": "us-west-2"}),
        InvalidInput,
        &["contradicts"],
    )
    .await;
    fails("describe_cluster", json!({"cluster": "a/../b"}), InvalidInput, &["neither a cluster name nor an ARN"]).await;
    fails("list_events", json!({"cluster": "dev", "since": "yesterday"}), InvalidInput, &["`yesterday`", "30m"]).await;
    let neither = ["`since`: `2026-13-45` is neither a duration", "`30m`", "RFC 3339", "`2026-01-31T09:00:00Z`"];
    fails("list_events", json!({"cluster": "dev", "since": "2026-13-45"}), InvalidInput, &neither).await;
    fails("get_logs", json!({"cluster": "dev", "namespace": "a", "pod": "b", "since": "2026-13-45"}), InvalidInput, &neither)
        .await;
    fails(
        "query_container_insights",
        json!({"cluster": "dev", "scope": "pod", "window": "2026-13-45"}),
        InvalidInput,
        &["`window`: `2026-13-45` is no duration", "`3h`"],
    )
    .await;
    fails(
        "get_logs",
        json!({"cluster": "dev", "namespace": "a", "pod": "b", "include": "("}),
        InvalidInput,
        &["`include`", "unclosed"],
    )
    .await;
}

#[tokio::test]
async fn choices_may_be_spelt_with_capitals() {
    let world = World::demo();
    let answer = world.call("list_events", json!({"cluster": "payments", "type": "Normal"})).await;
    assert!(answer["groups"]["rows"].as_array().unwrap().iter().all(|it| it[0] == "Normal"), "{answer:#}");
    let answer = world.call("describe_cluster", json!({"cluster": "dev", "sections": ["Tags"]})).await;
    assert!(answer["tags"].is_array() && answer.get("health").is_none(), "{answer:#}");
}

#[tokio::test]
async fn arguments_that_are_null_count_as_not_given() {
    let answer = World::demo().call("describe_cluster", json!({"cluster": "dev", "region": null})).await;
    assert_eq!(answer["target"]["cluster"], "dev");
}

#[tokio::test]
async fn what_does_not_exist_is_answered_with_near_names() {
    use ErrorKind::{InvalidInput, NotFound};
    fails(
        "describe_cluster",
        json!({"cluster": "payment", "region": "us-east-1"}),
        NotFound,
        &["`payment`", "us-east-1", "did you mean `payments`?"],
    )
    .await;
    fails("list_resources", json!({"cluster": "payment", "region": "us-east-1", "kind": "Pod"}), NotFound, &["`payments`"]).await;
    fails("describe_cluster", json!({"cluster": "storefrnt"}), NotFound, &["did you mean `storefront` in us-west-2?"]).await;
    fails("list_resources", json!({"cluster": "dev", "kind": "Pdo"}), InvalidInput, &["`Pdo`", "did you mean"]).await;
    fails(
        "get_logs",
        json!({"cluster": "payments", "namespace": "checkout", "pod": "checkout-ap"}),
        NotFound,
        &["checkout-api-"],
    )
    .await;
    fails(
        "troubleshoot",
        json!({"cluster": "payments", "namespace": "checkout", "name": "checkout-ap"}),
        NotFound,
        &["checkout-api-"],
    )
    .await;
}

#[tokio::test]
async fn selectors_and_names_are_checked_before_they_reach_a_path() {
    use ErrorKind::InvalidInput;
    fails("list_resources", json!({"cluster": "dev", "kind": "Pod", "namespace": "a/b"}), InvalidInput, &["`namespace`"]).await;
    fails(
        "list_resources",
        json!({"cluster": "dev", "kind": "Pod", "label_selector": "a in b"}),
        InvalidInput,
        &["found 'b'", "expected"],
    )
    .await;
    fails(
        "list_resources",
        json!({"cluster": "dev", "kind": "Pod", "field_selector": "spec.foo=bar"}),
        InvalidInput,
        &["spec.foo"],
    )
    .await;
    fails(
        "get_logs",
        json!({"cluster": "dev", "namespace": "kube-system", "pod": "../nodes"}),
        InvalidInput,
        &["`pod`: `../nodes` is no Kubernetes name"],
    )
    .await;
    for (workload, name) in [("Deployment/a/b", "a/b"), ("pod/a/b", "a/b")] {
        fails(
            "get_logs",
            json!({"cluster": "dev", "namespace": "kube-system", "workload": workload}),
            InvalidInput,
            &["`workload`", name, "no Kubernetes name"],
        )
        .await;
    }
    fails("list_resources", json!({"cluster": "dev", "kind": "Pod", "cursor": "AAAA"}), InvalidInput, &["`cursor`"]).await;
    fails(
        "query_container_insights",
        json!({"cluster": "dev", "scope": "pod", "namespace": "a' OR 'b"}),
        InvalidInput,
        &["`namespace`"],
    )
    .await;
    fails(
        "query_container_insights",
        json!({"cluster": "dev", "scope": "pod", "metrics": ["pod_memory_utilisation"]}),
        InvalidInput,
        &["pod_memory_utilization"],
    )
    .await;
}

#[test]
fn malformed_snapshots_are_named_with_file_line_and_column() {
    let head = r#"{"format": 1, "name": "x", "taken_at": "2026-11-23T09:30:00Z", "account": "1", "region": "us-east-1"}"#;
    let open = |files: &[(&str, &str)]| {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Snapshot::open(folder.path()).err().map(|err| err.text()).unwrap_or_default()
    };
    let says = |files: &[(&str, &str)], words: &[&str]| {
        let text = open(files);
        for word in words {
            assert!(text.contains(word), "`{word}` is not in: {text}");
        }
    };
    says(&[], &["snapshot.json"]);
    says(&[("snapshot.json", "{\"format\": 1,\n \"nam\": \"x\"}")], &["snapshot.json", "`nam`", "line 2"]);
    says(&[("snapshot.json", &head.replace('1', "9"))], &["snapshot.json"]);
    says(&[("snapshot.json", head)], &["no cluster"]);
    says(
        &[("snapshot.json", head), ("clusters/a/objects/x.json", "{\n  \"kind\": }")],
        &["clusters/a/objects/x.json", "line 2 column 11"],
    );
    says(
        &[("snapshot.json", head), ("clusters/a/objects/x.yaml", "kind: Pod\n  bad: [")],
        &["clusters/a/objects/x.yaml", "line 2"],
    );
    let list = "kind: List\nitems:\n- {kind: Pod, metadata: {name: a}}\n- metadata: {name: b}\n";
    for (file, content, words) in [
        ("x.yaml", "kind: Pod\n", ["line 1 column 1", "metadata.name"]),
        ("x.yaml", "kind: Pod\nmetadata: {name: a}\n---\n- 1\n", ["line 4 column 1", "no object"]),
        ("x.yaml", list, ["line 4 column 3", "no `kind`"]),
        ("x.json", "{\"kind\": \"PodList\", \"items\": [\n {\"metadata\": {}}]}", ["line 2 column 2", "metadata.name"]),
    ] {
        says(&[("snapshot.json", head), (&format!("clusters/a/objects/{file}"), content)], &[&[file], &words[..]].concat());
    }
    says(&[("snapshot.json", head), ("clusters/a/objets/x.yaml", "")], &["`objets`", "did you mean `objects`?"]);
    says(&[("snapshot.json", head), ("cluster/a/objects/x.yaml", "")], &["`cluster`", "did you mean `clusters`?"]);
    says(&[("snapshot.json", head), ("aws/metric/x.json", "[]")], &["`metric`", "did you mean `metrics`?"]);
    #[cfg(unix)]
    {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("clusters/a/objects")).unwrap();
        std::fs::write(folder.path().join("snapshot.json"), head).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", folder.path().join("clusters/a/objects/x.yaml")).unwrap();
        let text = Snapshot::open(folder.path()).err().unwrap().text();
        assert!(text.contains("clusters/a/objects/x.yaml") && text.contains("symbolic link"), "{text}");
    }
    says(&[("snapshot.json", &head.replace("us-east-1", "xx"))], &["snapshot.json", "`region`", "`xx`"]);
    says(
        &[("snapshot.json", head), ("clusters/a/logs/pod.log", "x")],
        &["clusters/a/logs/pod.log", "<namespace>_<pod>_<container>"],
    );
    says(&[("snapshot.json", head), ("clusters/a/cluster.json", "{\"naem\": 1}")], &["clusters/a/cluster.json", "`naem`"]);
}
