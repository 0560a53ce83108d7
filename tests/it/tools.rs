//! Each tool on the demo, and that it uses no more and no less than it declares.

use std::collections::BTreeSet;

use eks_mcp::tool::Permission;
use eks_mcp::tools::ALL;
use serde_json::{Value, json};

use crate::support::World;

/// Name of the pod of `checkout-api` that crashes.
async fn crashing(world: &World) -> String {
    let answer = world
        .call("list_resources", json!({"cluster": "payments", "kind": "Pod", "namespace": "checkout", "status": "unhealthy"}))
        .await;
    let rows = answer["items"]["rows"].as_array().unwrap();
    rows.iter().find_map(|row| row[0].as_str().filter(|it| it.starts_with("checkout-api-"))).unwrap().to_owned()
}

#[tokio::test]
async fn clusters_are_listed_over_regions_worst_first() {
    let world = World::demo();
    let answer = world.call("list_clusters", json!({"regions": ["us-west-2", "us-east-1"]})).await;
    let rows = answer["clusters"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 3, "{answer:#}");
    assert_eq!(rows[0][0], "payments", "on extended support: {answer:#}");
    assert!(answer["summary"].as_str().unwrap().starts_with("3 clusters in 2 Regions"), "{answer:#}");
    let answer = world.call("list_clusters", json!({})).await;
    assert_eq!(answer["clusters"]["rows"].as_array().unwrap().len(), 3, "a snapshot knows its Regions");
    let answer = world.call("list_clusters", json!({"regions": ["us-east-1"]})).await;
    assert_eq!(answer["clusters"]["rows"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_cluster_is_described_with_what_deserves_attention() {
    let world = World::demo();
    let answer = world.call("describe_cluster", json!({"cluster": "payments"})).await;
    let findings: Vec<&str> = answer["findings"].as_array().unwrap().iter().filter_map(|it| it["what"].as_str()).collect();
    assert!(findings.iter().any(|it| it.contains("extended support")), "{findings:?}");
    assert!(findings.iter().any(|it| it.contains("0.0.0.0/0")), "{findings:?}");
    assert!(answer.get("networking").is_none(), "not asked for");
    let answer = world.call("describe_cluster", json!({"cluster": "storefront", "sections": ["compute"]})).await;
    assert_eq!(answer["compute"]["auto_mode"], true);
    assert!(answer.get("overview").is_none());
}

#[tokio::test]
async fn unhealthy_pods_come_first_and_healthy_ones_are_counted() {
    let world = World::demo();
    let answer = world.call("list_resources", json!({"cluster": "payments", "kind": "po"})).await;
    let rows = answer["items"]["rows"].as_array().unwrap();
    assert!(
        rows.len() >= 10 && rows.iter().all(|row| !row.as_array().unwrap().last().unwrap().as_str().unwrap().is_empty()),
        "{answer:#}"
    );
    assert!(answer["groups"]["rows"].to_string().contains("DaemonSet/"), "{answer:#}");
    let all = world.call("list_resources", json!({"cluster": "payments", "kind": "Pod", "group_by": "none", "limit": 20})).await;
    let mut names: Vec<Value> = Vec::new();
    let mut answer = all;
    loop {
        names.extend(answer["items"]["rows"].as_array().unwrap().iter().map(|it| it[1].clone()));
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        answer = world
            .call(
                "list_resources",
                json!({"cluster": "payments", "kind": "Pod", "group_by": "none", "limit": 20, "cursor": cursor}),
            )
            .await;
    }
    assert_eq!(names.len(), 51);
    assert_eq!(names.iter().map(Value::to_string).collect::<BTreeSet<_>>().len(), 51, "a pod stands twice");
}

#[tokio::test]
async fn kinds_are_searched_across_groups() {
    let world = World::demo();
    let answer = world.call("list_api_kinds", json!({"cluster": "storefront", "search": "nodepool"})).await;
    assert_eq!(answer["kinds"]["rows"][0][0], "NodePool", "{answer:#}");
    let answer = world.call("list_api_kinds", json!({"cluster": "dev", "group": "core"})).await;
    assert!(
        answer["kinds"]["rows"].to_string().contains("[\"Pod\",\"\",\"v1\",\"pods\",\"po\",\"namespaced\",\"all\"]"),
        "{answer:#}"
    );
}

#[tokio::test]
async fn secrets_show_keys_and_never_values() {
    let world = World::demo();
    for group_by in ["owner", "none"] {
        let answer = world.call("list_resources", json!({"cluster": "payments", "kind": "Secret", "group_by": group_by})).await;
        let text = answer.to_string();
        assert!(!text.contains("not-a-secret") && !text.contains("ZGVtby1ub3QtYS1zZWNyZXQ"), "{text}");
    }
}

#[tokio::test]
async fn logs_begin_with_the_crashed_instance_and_hide_secrets() {
    let world = World::demo();
    let pod = crashing(&world).await;
    let answer = world.call("get_logs", json!({"cluster": "payments", "namespace": "checkout", "pod": pod})).await;
    assert_eq!(answer["logs"][0]["previous"], true, "{answer:#}");
    assert!(answer["logs"][0]["ended"].as_str().unwrap().starts_with("OOMKilled"));
    let pods = world
        .call("list_resources", json!({"cluster": "payments", "kind": "Pod", "namespace": "receipts", "status": "unhealthy"}))
        .await;
    let rows = pods["items"]["rows"].as_array().unwrap();
    let pod = rows.iter().find_map(|row| row[0].as_str().filter(|it| it.starts_with("notifications-"))).unwrap();
    let answer = world
        .call("get_logs", json!({"cluster": "payments", "namespace": "receipts", "pod": pod, "mode": "lines", "tail": 500}))
        .await;
    let text = answer.to_string();
    assert!(!text.contains("demo-not-a-secret"), "{text}");
    assert!(answer["redacted"].as_u64().unwrap() >= 1);
    let only = world
        .call(
            "get_logs",
            json!({"cluster": "payments", "namespace": "receipts", "pod": pod, "include": "(?i)mail-relay", "mode": "lines"}),
        )
        .await;
    let lines = only["logs"][0]["lines"].as_array().unwrap();
    assert!(!lines.is_empty() && lines.iter().all(|it| it.as_str().unwrap().to_lowercase().contains("mail-relay")), "{only:#}");
}

#[tokio::test]
async fn events_are_grouped_and_their_horizon_is_said() {
    let world = World::demo();
    let answer = world.call("list_events", json!({"cluster": "payments"})).await;
    let groups = answer["groups"]["rows"].as_array().unwrap();
    assert!(groups.iter().all(|it| it[0] == "Warning"), "{answer:#}");
    assert!(groups.iter().any(|it| it[1] == "FailedScheduling"), "{answer:#}");
    assert!(answer["horizon"].as_str().unwrap().contains("forget"), "{answer:#}");
}

#[tokio::test]
async fn metrics_tell_the_story_of_the_crash() {
    let world = World::demo();
    let answer = world
        .call(
            "query_container_insights",
            json!({"cluster": "payments", "scope": "pod", "namespace": "checkout", "workload": "checkout-api"}),
        )
        .await;
    assert_eq!(answer["mode"], "classic");
    let findings = answer["findings"].to_string();
    assert!(findings.contains("limit") && findings.contains("restart"), "{answer:#}");
    for scope in ["cluster", "namespace", "workload", "pod"] {
        let answer = world.call("query_container_insights", json!({"cluster": "storefront", "scope": scope})).await;
        assert!(!answer["series"]["rows"].as_array().unwrap().is_empty(), "{scope}");
    }
}

#[tokio::test]
async fn a_long_window_does_not_average_peaks_away() {
    let world = World::demo();
    let answer = world
        .call(
            "query_container_insights",
            json!({"cluster": "payments", "scope": "pod", "namespace": "checkout", "window": "30d", "top": 50}),
        )
        .await;
    let columns: Vec<&str> = answer["series"]["columns"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let at = |name: &str| columns.iter().position(|it| *it == name).unwrap();
    let rows = answer["series"]["rows"].as_array().unwrap();
    let row = |metric: &str| rows.iter().find(|row| row[at("metric")] == metric && row.to_string().contains("vbd2d")).unwrap();
    assert_eq!(row("pod_memory_utilization_over_pod_limit")[at("verdict")], "critical", "{answer:#}");
    let restarts = row("pod_number_of_container_restarts")[at("last")].as_str().unwrap();
    assert!(restarts.parse::<u32>().is_ok(), "a counter has no fractions: {restarts}");
    assert!(answer["series"].to_string().contains("points missing"), "{answer:#}");
}

#[tokio::test]
async fn costs_add_up_by_hand() {
    let world = World::demo();
    // payments: 0.10 + 0.50 extended support; 4 × m7i.large 0.1008 and 1 × t4g.medium 0.0336; 730 hours.
    let answer = world.call("estimate_cost", json!({"cluster": "payments"})).await;
    let lines = answer["lines"]["rows"].to_string();
    for amount in ["73.00", "365.00", "294.34", "24.53"] {
        assert!(lines.contains(amount), "{amount} is not in {answer:#}");
    }
    // storefront: 4 × m7g.large 0.0816 = 238.27 and their Auto Mode fee 4 × 0.00979 × 730 = 28.59.
    let answer = world.call("estimate_cost", json!({"cluster": "storefront"})).await;
    let lines = answer["lines"]["rows"].to_string();
    for amount in ["73.00", "238.27", "28.59"] {
        assert!(lines.contains(amount), "{amount} is not in {answer:#}");
    }
    assert!(!lines.contains("365.00"), "standard support has no surcharge");
}

#[tokio::test]
async fn the_control_plane_is_held_against_its_tier() {
    let world = World::demo();
    let storefront = world.call("check_control_plane", json!({"cluster": "storefront"})).await;
    assert_eq!(storefront["limits"]["tier"], "tier-2xl");
    assert_eq!(storefront["limits"]["seats"], 4000.0, "as EKS tells for 1.35");
    assert_eq!(storefront["recommended"]["tier"], "tier-xl");
    assert_eq!(storefront["recommended"]["hourly_price_difference"], "-1.75 USD");
    let payments = world.call("check_control_plane", json!({"cluster": "payments"})).await;
    assert!(payments["limits"]["seats"].is_null(), "the standard tier follows the load");
    let findings = payments["findings"].to_string();
    assert!(findings.contains("pods that fit no node: never fewer than one"), "{findings}");
    assert!(payments["database"]["in_use_gb"].as_f64().unwrap() > 0.01);
    let err = world.fail("check_control_plane", json!({"cluster": "payments", "window": "5 parsecs"})).await;
    assert!(err.message.contains("5 parsecs"), "{}", err.message);
}

#[tokio::test]
async fn alarms_of_a_cluster_are_told_with_their_present_value() {
    let world = World::demo();
    let all = world.call("list_alarms", json!({"cluster": "payments"})).await;
    let rows = all["alarms"]["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 5, "the queue is none of the cluster's: {all:#}");
    assert_eq!(rows[0][0], "ALARM");
    let text = all["alarms"].to_string();
    assert!(text.contains("composite") && text.contains("> 3") && text.contains("INSUFFICIENT_DATA"), "{text}");
    assert!(all["summary"].as_str().unwrap().contains("1 would tell nobody"), "{}", all["summary"]);
    let alerting = world.call("list_alarms", json!({"cluster": "payments", "state": "alarm"})).await;
    assert_eq!(alerting["alarms"]["rows"].as_array().unwrap().len(), 2);
    let none = world.call("list_alarms", json!({"cluster": "storefront"})).await;
    assert!(none["summary"].as_str().unwrap().starts_with("No alarm concerns cluster `storefront`"), "{none:#}");
}

#[tokio::test]
async fn declared_permissions_are_the_used_ones() {
    let calls: &[(&str, &[Value])] = &[
        ("list_api_kinds", &[json!({"cluster": "dev"}), json!({"cluster": "none", "region": "us-east-1"})]),
        ("list_clusters", &[json!({})]),
        ("describe_cluster", &[json!({"cluster": "dev"}), json!({"cluster": "none", "region": "us-east-1"})]),
        (
            "list_resources",
            &[
                json!({"cluster": "dev", "kind": "Pod"}),
                json!({"cluster": "none", "region": "us-east-1", "kind": "Pod"}),
                json!({"cluster": "dev", "kind": "Pod", "namespace": "none"}),
            ],
        ),
        (
            "get_resource",
            &[
                json!({"cluster": "payments", "kind": "Pod", "namespace": "checkout", "name": "$pod"}),
                json!({"cluster": "none", "region": "us-east-1", "kind": "Pod", "name": "a"}),
            ],
        ),
        (
            "list_events",
            &[
                json!({"cluster": "dev"}),
                json!({"cluster": "none", "region": "us-east-1"}),
                json!({"cluster": "dev", "namespace": "none"}),
            ],
        ),
        (
            "get_logs",
            &[
                json!({"cluster": "payments", "namespace": "checkout", "pod": "$pod"}),
                json!({"cluster": "none", "region": "us-east-1", "namespace": "a", "pod": "b"}),
                json!({"cluster": "dev", "namespace": "a", "pod": "b"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "Deployment/b"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "StatefulSet/b"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "DaemonSet/b"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "ReplicaSet/b"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "ReplicationController/b"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "Job/b"}),
                json!({"cluster": "payments", "namespace": "receipts", "workload": "CronJob/receipts-archive"}),
                json!({"cluster": "dev", "namespace": "a", "workload": "CronJob/b"}),
            ],
        ),
        ("scan_cluster", &[json!({"cluster": "payments"}), json!({"cluster": "none", "region": "us-east-1"})]),
        (
            "query_container_insights",
            &[
                json!({"cluster": "dev", "scope": "cluster"}),
                json!({"cluster": "payments", "scope": "pod", "pod": "settlement-store-0"}),
                json!({"cluster": "none", "region": "us-east-1", "scope": "cluster"}),
            ],
        ),
        ("check_control_plane", &[json!({"cluster": "storefront"}), json!({"cluster": "none", "region": "us-east-1"})]),
        ("list_alarms", &[json!({"cluster": "payments"}), json!({"cluster": "none", "region": "us-east-1"})]),
        ("estimate_cost", &[json!({"cluster": "payments"}), json!({"cluster": "none", "region": "us-east-1"})]),
    ];
    let world = World::demo();
    let pod = crashing(&world).await;
    for entry in ALL {
        let name = entry.meta.name;
        world.usage.take();
        if name == "troubleshoot" {
            // Each fault needs other facts.
            let mut used = BTreeSet::new();
            for namespace in ["checkout", "risk", "ledger", "settlement", "receipts"] {
                let pods = world
                    .call(
                        "list_resources",
                        json!({"cluster": "payments", "kind": "Pod", "namespace": namespace, "group_by": "none"}),
                    )
                    .await;
                world.usage.take();
                for row in pods["items"]["rows"].as_array().unwrap() {
                    world.call(name, json!({"cluster": "payments", "namespace": namespace, "name": row[0]})).await;
                }
                used.extend(world.usage.take());
            }
            let _ = world.try_call(name, json!({"cluster": "none", "region": "us-east-1", "namespace": "a", "name": "b"})).await;
            let _ = world.try_call(name, json!({"cluster": "payments", "namespace": "checkout", "name": "b"})).await;
            used.extend(world.usage.take());
            let bare = failing_daemon();
            bare.call("troubleshoot", json!({"cluster": "bare", "namespace": "kube-system", "name": "agent-1"})).await;
            used.extend(bare.usage.take());
            used.extend(crate::aws_facts::used().await);
            let declared = declared(entry.meta.permissions);
            assert_eq!(used.into_iter().map(|it| any_of(it, &declared)).collect::<BTreeSet<_>>(), declared, "{name}");
            continue;
        }
        let (_, calls) = calls.iter().find(|(it, _)| *it == name).unwrap_or_else(|| panic!("{name} has no call here"));
        for arguments in *calls {
            let text = arguments.to_string().replace("$pod", &pod);
            let _ = world.try_call(name, serde_json::from_str(&text).unwrap()).await;
        }
        let mut used = world.usage.take();
        if name == "describe_cluster" {
            let bare = failing_daemon();
            bare.call(name, json!({"cluster": "bare"})).await;
            used.extend(bare.usage.take());
        }
        if name == "scan_cluster" {
            // It diagnoses what it finds as `troubleshoot` does.
            used.extend(crate::aws_facts::used().await);
        }
        let declared = declared(entry.meta.permissions);
        let used: BTreeSet<String> = used.into_iter().map(|it| any_of(it, &declared)).collect();
        assert_eq!(used, declared, "{name}");
    }
}

/// A tool for any kind declares any kind.
fn any_of(used: String, declared: &BTreeSet<String>) -> String {
    let any = format!("{} */*", used.split(' ').next().unwrap_or_default());
    if !declared.contains(&used) && declared.contains(&any) { any } else { used }
}

fn declared(permissions: &[Permission]) -> BTreeSet<String> {
    let text = |it: &Permission| match it {
        Permission::Iam(action) => (*action).to_owned(),
        Permission::Rbac { verb, group, resource } => format!("{verb} {group}/{resource}"),
    };
    permissions.iter().map(text).collect()
}

/// A pod of a DaemonSet that fails, which the demo does not have.
const FAILING_DAEMON: &str = "
apiVersion: v1
kind: Pod
metadata:
  {name: agent-1, namespace: kube-system, uid: p1, creationTimestamp: '2026-11-23T08:00:00Z', ownerReferences: [{apiVersion: apps/v1, kind: DaemonSet, name: agent, uid: d1, controller: true}]}
spec: {containers: [{name: agent, image: 'agent:1'}], nodeName: node-1}
status:
  phase: Running
  containerStatuses:
  - {name: agent, image: 'agent:1', ready: false, restartCount: 3, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {reason: Error, exitCode: 1, finishedAt: '2026-11-23T09:28:00Z'}}}
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent, namespace: kube-system, uid: d1}
---
apiVersion: v1
kind: Node
metadata: {name: node-1}
status: {nodeInfo: {kubeletVersion: v1.34.2-eks-1}, conditions: [{type: Ready, status: 'True'}]}
";

/// A bare cluster with that pod.
fn failing_daemon() -> World {
    let folder = tempfile::tempdir().unwrap();
    let objects = folder.path().join("clusters/bare/objects");
    std::fs::create_dir_all(&objects).unwrap();
    let head = r#"{"format": 1, "name": "daemon", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1"}"#;
    std::fs::write(folder.path().join("snapshot.json"), head).unwrap();
    std::fs::write(objects.join("all.yaml"), FAILING_DAEMON).unwrap();
    World::of(eks_mcp::snapshot::Snapshot::open(folder.path()).unwrap())
}
