//! Snapshots made of nothing but `kubectl get -o yaml`.

use eks_mcp::error::ErrorKind;
use eks_mcp::snapshot::Snapshot;
use serde_json::json;

use crate::support::World;

const HEAD: &str =
    r#"{"format": 1, "name": "bare", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1"}"#;

const PODS: &str = "
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: web-1, namespace: shop, uid: u1, creationTimestamp: '2026-11-23T08:00:00Z'}
  spec: {containers: [{name: main, image: 'nginx:1.29', resources: {limits: {memory: 64Mi}}}], nodeName: node-1}
  status:
    phase: Running
    containerStatuses:
    - name: main
      image: nginx:1.29
      ready: false
      restartCount: 4
      state: {waiting: {reason: CrashLoopBackOff, message: back-off 1m20s}}
      lastState: {terminated: {reason: OOMKilled, exitCode: 137, startedAt: '2026-11-23T09:27:00Z', finishedAt: '2026-11-23T09:28:00Z'}}
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: w1, namespace: shop}
status: {conditions: [{type: Ready, status: 'False', reason: NoParts}]}
";

fn bare() -> World {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("clusters/incident/objects");
    std::fs::create_dir_all(&objects).unwrap();
    std::fs::create_dir_all(folder.path().join("clusters/incident/logs")).unwrap();
    std::fs::write(folder.path().join("snapshot.json"), HEAD).unwrap();
    std::fs::write(objects.join("all.yaml"), PODS).unwrap();
    std::fs::write(folder.path().join("clusters/incident/logs/shop_web-1_main.previous.log"), "starting\nallocating\n").unwrap();
    World::of(Snapshot::open(folder.path()).unwrap())
}

#[tokio::test]
async fn plain_objects_are_enough_to_troubleshoot_from() {
    let world = bare();
    let answer = world.call("troubleshoot", json!({"cluster": "incident", "namespace": "shop", "name": "web-1"})).await;
    assert_eq!(answer["root_cause"]["id"], "container-oom-limit", "{answer:#}");
    let answer = world.call("list_resources", json!({"cluster": "incident", "kind": "Pod"})).await;
    assert!(answer["summary"].as_str().unwrap().contains("1 unhealthy"), "{answer:#}");
    let answer =
        world.call("get_logs", json!({"cluster": "incident", "namespace": "shop", "pod": "web-1", "mode": "lines"})).await;
    assert_eq!(answer["logs"][0]["lines"], json!(["starting", "allocating"]));
}

#[tokio::test]
async fn custom_kinds_are_found_without_their_definitions() {
    let world = bare();
    for kind in ["Widget", "widgets", "example.org/Widget"] {
        let answer = world.call("list_resources", json!({"cluster": "incident", "kind": kind})).await;
        assert_eq!(answer["items"]["rows"][0][1], "w1", "{answer:#}");
    }
}

#[tokio::test]
async fn what_a_snapshot_does_not_hold_is_said_and_never_an_empty_success() {
    let world = bare();
    let err = world.fail("describe_cluster", json!({"cluster": "incident"})).await;
    assert_eq!(err.kind, ErrorKind::NotRecorded, "{err}");
    let err = world.fail("query_container_insights", json!({"cluster": "incident", "scope": "cluster"})).await;
    assert_eq!(err.kind, ErrorKind::NotRecorded, "{err}");
}

#[test]
fn an_archive_is_read_like_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("snapshot.tar.zst");
    let mut builder = tar::Builder::new(zstd::Encoder::new(std::fs::File::create(&archive).unwrap(), 3).unwrap());
    for (path, content) in [("incident/snapshot.json", HEAD), ("incident/clusters/a/objects/pods.yaml", PODS)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
    assert_eq!(Snapshot::open(&archive).unwrap().head().name, "bare");
}
