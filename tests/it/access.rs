//! Accounts and the check, as far as they go without a network.

use eks_mcp::error::ErrorKind;
use serde_json::{Value, json};

use crate::support::{World, binary, read, run};

fn check(arguments: &[&str]) -> (i32, Value) {
    let (code, output, error) = run(&[&["check", "--json"], arguments].concat());
    (code, serde_json::from_str(&output).unwrap_or_else(|_| panic!("{output}{error}")))
}

/// Whether no cheap read proves it, because nothing of the kind is there.
fn is_dear(action: &Value) -> bool {
    action["why"] == "no cheap read proves it"
}

#[test]
fn the_check_of_the_demo_finds_every_way_open() {
    let (code, report) = check(&["--demo"]);
    assert_eq!((code, &report["ok"]), (0, &json!(true)), "{report:#}");
    let clusters = report["clusters"].as_array().unwrap();
    assert_eq!(clusters.len(), 3, "{report:#}");
    assert!(clusters.iter().all(|it| it["user"] == "snapshot" && it["missing"] == json!([])), "{report:#}");
    assert!(report["aws"][0]["identity"].as_str().unwrap().contains("assumed-role/eks-mcp-reader"), "{report:#}");
    let actions = report["aws"][0]["actions"].as_array().unwrap();
    assert!(actions.len() >= 30 && actions.iter().all(|it| it["result"] == "allowed" || is_dear(it)), "{report:#}");
    assert!(actions.iter().filter(|it| is_dear(it)).count() < 5, "{report:#}");
    let (code, report) = check(&["--demo", "--cluster", "dev", "--toolsets", "clusters"]);
    assert_eq!((code, &report["clusters"][0]["needed"]), (0, &json!(1)), "{report:#}");
}

#[test]
fn the_check_prints_tables_and_refuses_what_it_cannot_find() {
    let (code, text, _) = run(&["check", "--demo", "--cluster", "payments"]);
    assert_eq!(code, 0);
    assert!(
        text.contains("AWS works in 1 place, 1 cluster.") && text.contains("EKS token") && !text.contains("denied"),
        "{text}"
    );
    let (code, _, error) = run(&["check", "--demo", "--account", "prod"]);
    assert_eq!(code, 2, "{error}");
    assert!(error.contains("[accounts.prod]"), "{error}");
    let (code, report) = check(&["--demo", "--cluster", "nope"]);
    assert_eq!(code, 1);
    assert!(report["clusters"][0]["error"].as_str().unwrap().contains("`nope`"), "{report:#}");
}

#[test]
fn bare_files_are_checked_without_aws() {
    let folder = tempfile::tempdir().unwrap();
    let head =
        r#"{"format": 1, "name": "bare", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1"}"#;
    std::fs::write(folder.path().join("snapshot.json"), head).unwrap();
    std::fs::create_dir_all(folder.path().join("clusters/incident/objects")).unwrap();
    std::fs::write(
        folder.path().join("clusters/incident/objects/all.yaml"),
        "{apiVersion: v1, kind: Namespace, metadata: {name: a}}",
    )
    .unwrap();
    let (code, report) = check(&["--snapshot", folder.path().to_str().unwrap(), "--cluster", "incident"]);
    assert_eq!((code, &report["clusters"][0]["way"]), (0, &json!("snapshot")), "{report:#}");
    assert_eq!(report["aws"], json!([]), "{report:#}");
}

#[test]
fn accounts_are_read_from_the_file_and_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("eks-mcp.toml");
    std::fs::write(&file, "[accounts.prod]\nrole_arn = \"arn:aws:iam::111122223333:role/reader\"\n").unwrap();
    let config = |variables: &[(&str, &str)]| {
        let mut command = binary();
        command.args(["config", "--config"]).arg(&file).envs(variables.iter().copied());
        read(command.output().unwrap())
    };
    let (code, output, error) = config(&[("EKS_MCP_ACCOUNTS__DEV__ID", "044455556666"), ("EKS_MCP_ACCOUNT", "dev")]);
    assert_eq!(code, 0, "{error}");
    let settings: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(settings["accounts"]["dev"]["id"], "044455556666", "{settings:#}");
    let (code, _, error) = config(&[("EKS_MCP_ACCOUNT", "prd")]);
    assert_eq!(code, 2);
    assert!(error.contains("did you mean `prod`?"), "{error}");
    let (code, _, error) = config(&[("EKS_MCP_ACCOUNTS__PROD__ID", "\"444455556666\"")]);
    assert_eq!(code, 2);
    assert!(error.contains("`accounts.prod.id`") && error.contains("contradicts"), "{error}");
}

#[tokio::test]
async fn a_snapshot_knows_its_accounts_by_id() {
    let world = World::demo();
    let answer = world.call("describe_cluster", json!({"cluster": "payments", "account": "111122223333"})).await;
    assert_eq!(answer["target"]["account"], "111122223333");
    let err = world.fail("describe_cluster", json!({"cluster": "payments", "account": "999999999999"})).await;
    assert_eq!(err.kind, ErrorKind::NotRecorded, "{err}");
    let err = world.fail("describe_cluster", json!({"cluster": "payments", "account": "prod"})).await;
    assert_eq!(err.kind, ErrorKind::InvalidInput, "{err}");
    let arn = "arn:aws:eks:us-east-1:111122223333:cluster/payments";
    let err = world.fail("describe_cluster", json!({"cluster": arn, "account": "999999999999"})).await;
    assert!(err.message.contains("contradicts the ARN"), "{err}");
    let answer = world.call("list_clusters", json!({"accounts": ["111122223333"]})).await;
    assert_eq!(answer["clusters"]["rows"].as_array().unwrap().len(), 3, "{answer:#}");
}
