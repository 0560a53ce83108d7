//! The demo is one world: counts, owners, times, metrics and faults fit together.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::{World, root};
use crate::workloads::column;

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Every object of every cluster: (cluster, object).
fn objects() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for cluster in fs::read_dir(root().join("demo/clusters")).unwrap() {
        let cluster = cluster.unwrap();
        let name = cluster.file_name().to_string_lossy().into_owned();
        for file in fs::read_dir(cluster.path().join("objects")).unwrap() {
            let list = json(&file.unwrap().path());
            for item in list["items"].as_array().unwrap() {
                all.push((name.clone(), item.clone()));
            }
        }
    }
    all
}

fn of_kind<'a>(all: &'a [(String, Value)], kind: &'a str) -> impl Iterator<Item = (&'a str, &'a Value)> {
    all.iter().filter(move |(_, it)| it["kind"] == kind).map(|(cluster, it)| (cluster.as_str(), it))
}

fn timestamps(value: &Value, found: &mut Vec<Timestamp>) {
    match value {
        Value::String(text) => found.extend(text.parse::<Timestamp>()),
        Value::Array(items) => items.iter().for_each(|it| timestamps(it, found)),
        Value::Object(fields) => fields.values().for_each(|it| timestamps(it, found)),
        _ => {}
    }
}

#[test]
fn nothing_happened_after_the_snapshot_was_taken() {
    let taken_at: Timestamp = json(&root().join("demo/snapshot.json"))["taken_at"].as_str().unwrap().parse().unwrap();
    for (cluster, object) in objects() {
        let mut found = Vec::new();
        timestamps(&object["metadata"]["creationTimestamp"], &mut found);
        timestamps(&object["status"], &mut found);
        for key in ["firstTimestamp", "lastTimestamp"] {
            timestamps(&object[key], &mut found);
        }
        assert!(found.iter().all(|it| *it <= taken_at), "{cluster} {} {}", object["kind"], object["metadata"]["name"]);
    }
}

#[test]
fn owners_and_concerned_objects_exist() {
    let all = objects();
    let uids: BTreeSet<(&str, &str)> =
        all.iter().filter_map(|(cluster, it)| Some((cluster.as_str(), it["metadata"]["uid"].as_str()?))).collect();
    for (cluster, object) in &all {
        for owner in object["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            assert!(
                uids.contains(&(cluster, owner["uid"].as_str().unwrap())),
                "{cluster} {}: {owner}",
                object["metadata"]["name"]
            );
        }
    }
    for (cluster, event) in of_kind(&all, "Event") {
        let about = &event["involvedObject"];
        assert!(uids.contains(&(cluster, about["uid"].as_str().unwrap())), "{cluster}: {about}");
    }
}

#[test]
fn controllers_count_the_pods_that_are_there() {
    let all = objects();
    let mut owned: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for (_, pod) in of_kind(&all, "Pod") {
        for owner in pod["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            owned.entry(owner["uid"].as_str().unwrap()).or_default().push(pod);
        }
    }
    let ready = |pod: &&&Value| {
        pod["status"]["conditions"].as_array().into_iter().flatten().any(|it| it["type"] == "Ready" && it["status"] == "True")
    };
    for kind in ["ReplicaSet", "StatefulSet"] {
        for (cluster, set) in of_kind(&all, kind) {
            let pods = owned.get(set["metadata"]["uid"].as_str().unwrap()).cloned().unwrap_or_default();
            let name = &set["metadata"]["name"];
            assert_eq!(pods.len() as u64, set["status"]["replicas"].as_u64().unwrap_or(0), "{cluster} {kind} {name}");
            assert_eq!(
                pods.iter().filter(ready).count() as u64,
                set["status"]["readyReplicas"].as_u64().unwrap_or(0),
                "{cluster} {kind} {name}"
            );
        }
    }
}

#[test]
fn metrics_agree_with_the_objects() {
    let all = objects();
    let pods: BTreeMap<(&str, &str), &Value> =
        of_kind(&all, "Pod").map(|(cluster, pod)| ((cluster, pod["metadata"]["name"].as_str().unwrap()), pod)).collect();
    let mut seen = 0;
    for file in fs::read_dir(root().join("demo/aws/metrics")).unwrap() {
        for series in json(&file.unwrap().path()).as_array().unwrap() {
            let Some(name) = series["dimensions"]["FullPodName"].as_str() else { continue };
            let cluster = series["dimensions"]["ClusterName"].as_str().unwrap();
            let pod = pods.get(&(cluster, name)).unwrap_or_else(|| panic!("{cluster} {name} has metrics and does not exist"));
            let last = series["values"].as_array().unwrap().iter().rev().find_map(Value::as_f64);
            if series["metric"] == "pod_number_of_container_restarts" {
                let restarts: i64 = pod["status"]["containerStatuses"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(|it| it["restartCount"].as_i64())
                    .sum();
                assert_eq!(last, u32::try_from(restarts).ok().map(f64::from), "{cluster} {name}");
                seen += 1;
            }
            if series["metric"] == "pod_memory_utilization_over_pod_limit" {
                let most = series["values"].as_array().unwrap().iter().filter_map(Value::as_f64).fold(0.0, f64::max);
                assert!(most <= 100.0, "{cluster} {name}: {most}");
            }
        }
    }
    assert!(seen > 30, "{seen} pods have a restart series");
}

#[test]
fn log_groups_hold_what_pods_wrote_that_are_gone() {
    let all = objects();
    let pods: BTreeSet<&str> = of_kind(&all, "Pod").filter_map(|(_, pod)| pod["metadata"]["name"].as_str()).collect();
    let taken_at: Timestamp = json(&root().join("demo/snapshot.json"))["taken_at"].as_str().unwrap().parse().unwrap();
    let groups = json(&root().join("demo/aws/logs/payments.json"));
    let mut last = Timestamp::UNIX_EPOCH;
    for event in groups[0]["events"].as_array().unwrap() {
        let time: Timestamp = event["time"].as_str().unwrap().parse().unwrap();
        assert!(last <= time && time <= taken_at, "{event}");
        last = time;
        let message: Value = serde_json::from_str(event["message"].as_str().unwrap()).unwrap();
        let pod = message["kubernetes"]["pod_name"].as_str().unwrap();
        assert!(!pods.contains(pod) && event["stream"].as_str().unwrap().contains(pod), "{event}");
    }
    assert!(last > Timestamp::UNIX_EPOCH);
}

#[tokio::test]
async fn every_fault_is_found_by_its_cause_and_the_healthy_pods_are_healthy() {
    let world = World::demo();
    let faults = [
        ("checkout", "checkout-api-", "container-oom-limit"),
        ("risk", "fraud-scorer-", "image-tag-not-found"),
        ("ledger", "ledger-", "config-configmap-missing"),
        ("ledger", "reconcile-batch-", "sched-untolerated-taint"),
        ("checkout", "refunds-", "probe-http-404"),
        ("settlement", "settlement-store-", "sched-volume-node-affinity"),
        ("settlement", "settlement-worker-", "entrypoint-not-found"),
        ("receipts", "receipts-uploader-", "podidentity-no-association"),
        ("receipts", "notifications-", "svc-missing"),
        ("risk", "risk-trainer-", "sched-insufficient-memory"),
    ];
    let mut found = BTreeSet::new();
    for cluster in ["payments", "storefront", "dev"] {
        for (_, pod) in of_kind(&objects(), "Pod").filter(|(it, _)| *it == cluster) {
            let (namespace, name) = (pod["metadata"]["namespace"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
            let arguments = json!({"cluster": cluster, "namespace": namespace, "name": name});
            let diagnosis = world.call("troubleshoot", arguments).await;
            let tokens = crate::tokens::count(&diagnosis.to_string());
            assert!(tokens <= 1_200, "{namespace}/{name}: {tokens} tokens");
            assert!(!diagnosis["summary"].as_str().unwrap().contains("[redacted]"), "{diagnosis:#}");
            match diagnosis["root_cause"]["id"].as_str() {
                Some(id) => {
                    let expected = faults.iter().find(|(space, prefix, _)| *space == namespace && name.starts_with(prefix));
                    let (_, prefix, expected) =
                        expected.unwrap_or_else(|| panic!("{namespace}/{name} is healthy, yet: {diagnosis:#}"));
                    assert_eq!(id, *expected, "{namespace}/{name}: {diagnosis:#}");
                    assert!(!diagnosis["evidence"].as_array().unwrap().is_empty());
                    found.insert(*prefix);
                }
                None => assert_eq!(diagnosis["status"], "healthy", "{namespace}/{name}: {diagnosis:#}"),
            }
        }
    }
    let expected: BTreeSet<&str> = faults.iter().map(|it| it.1).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_scan_tells_every_fault_once_and_nothing_else() {
    let world = World::demo();
    let scan = world.call("scan_cluster", json!({"cluster": "payments", "limit": 50})).await;
    let mut ids = column(&scan["causes"], "id");
    ids.sort_unstable();
    let expected = [
        "config-configmap-missing",
        "container-oom-limit",
        "entrypoint-not-found",
        "image-tag-not-found",
        "node-join-launch-failed",
        "podidentity-no-association",
        "probe-http-404",
        "sched-insufficient-memory",
        "sched-untolerated-taint",
        "sched-volume-node-affinity",
        "svc-missing",
    ];
    assert_eq!(ids, expected, "{scan:#}");
    for cluster in ["storefront", "dev"] {
        let scan = world.call("scan_cluster", json!({"cluster": cluster})).await;
        assert!(scan["causes"].is_null() && scan["summary"].as_str().unwrap().starts_with("Nothing is wrong"), "{scan:#}");
    }
    let one = world.call("scan_cluster", json!({"cluster": "payments", "namespace": "ledger"})).await;
    assert_eq!(column(&one["causes"], "namespace"), ["ledger", "ledger"], "{one:#}");
    let err = world.fail("scan_cluster", json!({"cluster": "payments", "namespace": "legder"})).await;
    assert!(err.message.contains("did you mean `ledger`"), "{}", err.message);
}

#[tokio::test]
async fn every_next_check_can_be_made_as_it_is_told() {
    let world = World::demo();
    let all = objects();
    let kinds = [
        "Pod",
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "Job",
        "CronJob",
        "Service",
        "Ingress",
        "PersistentVolumeClaim",
        "Node",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    ];
    let mut targets: Vec<Value> = kinds
        .iter()
        .flat_map(|kind| of_kind(&all, kind))
        .map(|(cluster, object)| {
            let mut target = json!({"cluster": cluster, "kind": object["kind"], "name": object["metadata"]["name"]});
            if let Some(namespace) = object["metadata"]["namespace"].as_str() {
                target["namespace"] = namespace.into();
            }
            target
        })
        .collect();
    for cluster in ["payments", "storefront", "dev"] {
        targets.push(json!({"cluster": cluster, "kind": "Cluster", "name": cluster}));
    }
    for (kind, file) in [("Nodegroup", "nodegroups"), ("Addon", "addons"), ("FargateProfile", "fargate_profiles")] {
        let path = root().join(format!("demo/aws/eks/{file}.json"));
        for item in path.exists().then(|| json(&path)).iter().flat_map(|it| it.as_array().unwrap()) {
            targets.push(json!({"cluster": item["cluster"], "kind": kind, "name": item["name"]}));
        }
    }
    let mut made = BTreeSet::new();
    for target in targets {
        let diagnosis = world.call("troubleshoot", target.clone()).await;
        for check in diagnosis["next_checks"].as_array().into_iter().flatten() {
            let (Some(tool), arguments) = (check["tool"].as_str(), &check["arguments"]) else { continue };
            let given = arguments.as_object().unwrap();
            assert!(given.values().all(|it| it != ""), "{target}: {check:#}");
            if made.insert(check.to_string()) {
                // `call` fails the test when the tool refuses the arguments or does not find what they name.
                world.call(tool, arguments.clone()).await;
            }
        }
    }
    assert!(made.len() > 5, "{made:?}");
}

#[test]
fn the_demo_is_small_in_the_binary() {
    let mut size = 0;
    let mut folders = vec![root().join("demo")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                size += entry.metadata().unwrap().len();
            }
        }
    }
    assert!(size < 8 << 20, "{size} bytes before compression");
}
