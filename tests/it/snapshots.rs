//! Snapshots made of nothing but `kubectl get -o yaml`.

use eks_mcp::error::ErrorKind;
use eks_mcp::snapshot::Snapshot;
use serde_json::json;

use crate::support::World;

const HEAD: &str =
    r#"{"format": 1, "name": "bare", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1"}"#;

/// What plain `kubectl get` gives beside pods.
const REST: &str = "
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: node-1, labels: {node.kubernetes.io/instance-type: m7g.large, topology.kubernetes.io/zone: eu-west-1a}}
  status: {nodeInfo: {kubeletVersion: v1.34.2-eks-1}, conditions: [{type: Ready, status: 'True'}]}
- apiVersion: v1
  kind: Event
  metadata: {name: web-1.1, namespace: shop}
  involvedObject: {kind: Pod, namespace: shop, name: web-1}
  type: Warning
  reason: BackOff
  message: Back-off restarting failed container main in pod web-1_shop(u1)
  count: 12
  firstTimestamp: '2026-11-23T09:00:00Z'
  lastTimestamp: '2026-11-23T09:29:00Z'
";

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
    World::of(Snapshot::open(files().path()).unwrap())
}

fn files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("clusters/incident/objects");
    std::fs::create_dir_all(&objects).unwrap();
    std::fs::create_dir_all(folder.path().join("clusters/incident/logs")).unwrap();
    std::fs::write(folder.path().join("snapshot.json"), HEAD).unwrap();
    std::fs::write(objects.join("all.yaml"), PODS).unwrap();
    std::fs::write(objects.join("rest.yml"), REST).unwrap();
    std::fs::write(folder.path().join("clusters/incident/logs/shop_web-1_main.previous.log"), "starting\nallocating\n").unwrap();
    folder
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
async fn the_other_tools_answer_what_kubernetes_knows() {
    let world = bare();
    let answer = world.call("list_events", json!({"cluster": "incident"})).await;
    let group = &answer["groups"]["rows"][0];
    assert_eq!((group[1].as_str(), group[3].as_str()), (Some("BackOff"), Some("12")), "{answer:#}");
    let answer = world.call("list_clusters", json!({})).await;
    assert!(answer["clusters"].to_string().contains("incident"), "{answer:#}");
    let answer = world.call("describe_cluster", json!({"cluster": "incident"})).await;
    assert_eq!(answer["kubernetes"]["version"], "v1.34.2-eks-1", "{answer:#}");
    assert_eq!(answer["kubernetes"]["nodes"]["ready"], 1);
    assert!(answer["warnings"][0].as_str().unwrap().contains("Kubernetes only"), "{answer:#}");
}

#[tokio::test]
async fn what_a_snapshot_does_not_hold_is_said_and_never_an_empty_success() {
    let world = bare();
    for (tool, arguments) in [
        ("query_container_insights", json!({"cluster": "incident", "scope": "cluster"})),
        ("estimate_cost", json!({"cluster": "incident"})),
        ("list_resources", json!({"cluster": "incident", "kind": "Deployment"})),
        ("list_resources", json!({"cluster": "incident", "kind": "Job", "namespace": "shop"})),
        ("get_resource", json!({"cluster": "incident", "kind": "ConfigMap", "namespace": "shop", "name": "app"})),
    ] {
        let err = world.fail(tool, arguments).await;
        assert_eq!(err.kind, ErrorKind::NotRecorded, "{tool}: {err}");
        assert!(err.hint.is_some(), "{tool}: {err}");
    }
}

#[tokio::test]
async fn what_a_complete_snapshot_does_not_hold_did_not_exist() {
    let folder = files();
    std::fs::write(folder.path().join("snapshot.json"), HEAD.replace('}', ", \"complete\": true}")).unwrap();
    let world = World::of(Snapshot::open(folder.path()).unwrap());
    let answer = world.call("list_resources", json!({"cluster": "incident", "kind": "Deployment"})).await;
    assert_eq!(answer["summary"], "No deployments.");
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

/// Objects that a scan finds by what they say themselves: one that leads nowhere, and kinds that operators brought.
const WIDE: &str = "
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: shop}, status: {phase: Active}}
- apiVersion: v1
  kind: Service
  metadata: {name: cart, namespace: shop, creationTimestamp: '2026-11-23T08:00:00Z'}
  spec: {type: ClusterIP, selector: {app: cart}, ports: [{port: 80}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
  endpoints: [ENDPOINT]
- apiVersion: v1
  kind: Service
  metadata: {name: elsewhere, namespace: shop}
  spec: {type: ExternalName, externalName: example.org}
- apiVersion: v1
  kind: Service
  metadata: {name: by-hand, namespace: shop}
  spec: {type: ClusterIP, ports: [{port: 80}]}
- apiVersion: v1
  kind: Service
  metadata: {name: young, namespace: shop, creationTimestamp: '2026-11-23T09:29:00Z'}
  spec: {type: ClusterIP, selector: {app: young}}
- apiVersion: v1
  kind: Service
  metadata: {name: night, namespace: shop, creationTimestamp: '2026-11-23T08:00:00Z'}
  spec: {type: ClusterIP, selector: {app: night}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: night, namespace: shop}
  spec: {replicas: 0, selector: {matchLabels: {app: night}}, template: {metadata: {labels: {app: night, tier: batch}}}}
  status: {}
- apiVersion: v1
  kind: Pod
  metadata: {name: cart-1, namespace: shop, labels: {app: CART}, creationTimestamp: '2026-11-23T08:00:00Z'}
  spec: {containers: [{name: main, image: 'nginx:1.29'}], nodeName: node-1}
  status:
    phase: Running
    conditions: [{type: Ready, status: 'True'}]
    containerStatuses: [{name: main, ready: true, restartCount: 0, state: {running: {startedAt: '2026-11-23T08:00:00Z'}}}]
- apiVersion: karpenter.sh/v1
  kind: NodePool
  metadata: {name: general, creationTimestamp: '2026-11-23T08:00:00Z'}
  spec: {template: {spec: {nodeClassRef: {group: eks.amazonaws.com, kind: NodeClass, name: gone}}}}
  status:
    conditions:
    - {type: Ready, status: 'POOL', reason: NodeClassNotFound, message: NodeClass not found on cluster}
- apiVersion: argoproj.io/v1alpha1
  kind: Application
  metadata: {name: storefront, namespace: shop, creationTimestamp: '2026-11-23T08:00:00Z'}
  spec: {project: default}
  status:
    health: {status: Healthy}
    sync: {status: SYNC}
    conditions: [CONDITION]
";

fn wide(well: bool) -> World {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("clusters/incident/objects");
    std::fs::create_dir_all(&objects).unwrap();
    std::fs::write(folder.path().join("snapshot.json"), HEAD.replace('}', ", \"complete\": true}")).unwrap();
    let words = if well {
        [
            ("CART", "cart"),
            ("ENDPOINT", "{addresses: [10.0.0.5], conditions: {ready: true}}"),
            ("POOL", "True"),
            ("SYNC", "Synced"),
        ]
    } else {
        [("CART", "kart"), ("ENDPOINT", ""), ("POOL", "False"), ("SYNC", "Unknown")]
    };
    let mut text = WIDE.replace(
        "CONDITION",
        if well { "" } else { "{type: ComparisonError, message: 'failed to load target state: repository not found'}" },
    );
    for (word, value) in words {
        text = text.replace(word, value);
    }
    std::fs::write(objects.join("all.yaml"), text).unwrap();
    World::of(Snapshot::open(folder.path()).unwrap())
}

#[tokio::test]
async fn a_scan_sees_services_that_lead_nowhere_and_kinds_of_operators() {
    let scan = wide(false).call("scan_cluster", json!({"cluster": "incident"})).await;
    let of = |column: &str| crate::workloads::column(&scan["causes"], column);
    let rows = of("kind").into_iter().zip(of("name")).zip(of("id"));
    let mut found: Vec<(String, String, String)> = rows.map(|((kind, name), id)| (kind, name, id)).collect();
    found.sort();
    let expected = [
        ("Application", "storefront", "argocd-comparison-error"),
        ("NodePool", "general", "karpenter-nodeclass-not-ready"),
        ("Service", "cart", "svc-selector-mismatch"),
    ];
    assert_eq!(found, expected.map(|(kind, name, id)| (kind.to_owned(), name.to_owned(), id.to_owned())), "{scan:#}");
    let one = wide(false).call("scan_cluster", json!({"cluster": "incident", "namespace": "shop"})).await;
    assert_eq!(crate::workloads::column(&one["causes"], "kind").len(), 2, "a pool belongs to no namespace: {one:#}");
}

#[tokio::test]
async fn a_scan_of_what_is_well_says_what_it_looked_at() {
    let scan = wide(true).call("scan_cluster", json!({"cluster": "incident"})).await;
    assert!(scan["causes"].is_null(), "{scan:#}");
    let summary = scan["summary"].as_str().unwrap();
    for words in ["1 pod", "5 services", "1 nodepool", "1 application", "no other kinds"] {
        assert!(summary.contains(words), "{words}: {summary}");
    }
}

#[tokio::test]
async fn a_service_whose_pods_are_told_is_not_told_again() {
    let folder = files();
    let objects = folder.path().join("clusters/incident/objects");
    let service = "
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop, creationTimestamp: '2026-11-23T08:00:00Z'}
spec: {type: ClusterIP, selector: {app: web}}
";
    std::fs::write(objects.join("service.yaml"), service).unwrap();
    std::fs::write(objects.join("all.yaml"), PODS.replace("uid: u1,", "uid: u1, labels: {app: web},")).unwrap();
    std::fs::write(folder.path().join("snapshot.json"), HEAD.replace('}', ", \"complete\": true}")).unwrap();
    let world = World::of(Snapshot::open(folder.path()).unwrap());
    let scan = world.call("scan_cluster", json!({"cluster": "incident"})).await;
    assert_eq!(crate::workloads::column(&scan["causes"], "id"), ["container-oom-limit"], "{scan:#}");
}
