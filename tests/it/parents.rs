//! Targets that hold pods in a way of their own: a namespace, a service account, an application of Argo CD.

use eks_mcp::snapshot::Snapshot;
use serde_json::{Value, json};

use crate::support::World;

const HEAD: &str = r#"{"format": 1, "name": "parents", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1", "complete": true}"#;

const OBJECTS: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: shop}
status: {phase: Active}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop, namespace: argocd}
spec: {destination: {namespace: shop}}
status:
  sync: {status: Synced}
  health: {status: Degraded}
  resources:
  - {kind: Service, namespace: shop, name: web, health: {status: Healthy}}
  - {group: apps, kind: Deployment, namespace: shop, name: web, health: {status: Degraded, message: 'Deployment \"web\" exceeded its progress deadline'}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: d}
spec: {replicas: 1, selector: {matchExpressions: [{key: app, operator: In, values: [web, shop]}]}, template: {spec: {containers: [{name: main, image: 'web:1'}]}}}
status: {replicas: 1, updatedReplicas: 1, unavailableReplicas: 1}
---
apiVersion: apps/v1
kind: ReplicaSet
metadata: {name: web-1, namespace: shop, uid: r, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d, controller: true}]}
spec: {replicas: 1, selector: {matchLabels: {app: web}}, template: {spec: {containers: [{name: main, image: 'web:1'}]}}}
status: {replicas: 1}
---
apiVersion: v1
kind: Pod
metadata: {name: web-1-a, namespace: shop, uid: p, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r, controller: true}]}
spec: {nodeName: n1, serviceAccountName: web, containers: [{name: main, image: 'web:1'}]}
status:
  phase: Running
  conditions: [{type: Ready, status: 'False'}]
  containerStatuses:
  - name: main
    ready: false
    restartCount: 5
    state: {waiting: {reason: CrashLoopBackOff, message: back-off 2m40s}}
    lastState: {terminated: {reason: Error, exitCode: 1, startedAt: '2026-11-23T09:27:00Z', finishedAt: '2026-11-23T09:28:00Z'}}
";

fn world(objects: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    let cluster = folder.path().join("clusters/c1");
    std::fs::create_dir_all(cluster.join("objects")).unwrap();
    std::fs::create_dir_all(cluster.join("logs")).unwrap();
    std::fs::write(folder.path().join("snapshot.json"), HEAD).unwrap();
    std::fs::write(cluster.join("objects/all.yaml"), objects).unwrap();
    let log = "FATAL: password authentication failed for user \"shop\"\n";
    std::fs::write(cluster.join("logs/shop_web-1-a_main.previous.log"), log).unwrap();
    World::of(Snapshot::open(folder.path()).unwrap())
}

async fn cause(world: &World, arguments: Value) -> Value {
    let mut arguments = arguments;
    arguments["cluster"] = "c1".into();
    world.call("troubleshoot", arguments).await
}

#[tokio::test]
async fn what_holds_a_failing_pod_leads_to_its_cause() {
    let world = world(OBJECTS);
    for arguments in [
        json!({"kind": "Deployment", "namespace": "shop", "name": "web"}),
        json!({"kind": "Namespace", "name": "shop"}),
        json!({"kind": "ServiceAccount", "namespace": "shop", "name": "web"}),
        json!({"kind": "Application", "namespace": "argocd", "name": "shop"}),
    ] {
        let found = cause(&world, arguments.clone()).await;
        assert_eq!(found["root_cause"]["id"], "app-db-auth", "{arguments}: {found:#}");
        assert_eq!(found["status"], "failing", "{arguments}: {found:#}");
    }
}

#[tokio::test]
async fn what_holds_only_pods_that_are_well_is_well() {
    let well = OBJECTS
        .replace("{type: Ready, status: 'False'}", "{type: Ready, status: 'True'}")
        .replace("ready: false", "ready: true")
        .replace("waiting: {reason: CrashLoopBackOff, message: back-off 2m40s}", "running: {startedAt: '2026-11-22T09:28:00Z'}")
        .replace("finishedAt: '2026-11-23T09:28:00Z'", "finishedAt: '2026-11-22T09:28:00Z'")
        .replace("unavailableReplicas: 1", "readyReplicas: 1, availableReplicas: 1")
        .replace("Degraded", "Healthy");
    let world = world(&well);
    for arguments in [
        json!({"kind": "Namespace", "name": "shop"}),
        json!({"kind": "ServiceAccount", "namespace": "shop", "name": "web"}),
        json!({"kind": "Application", "namespace": "argocd", "name": "shop"}),
    ] {
        let found = cause(&world, arguments.clone()).await;
        assert_eq!(found["status"], "healthy", "{arguments}: {found:#}");
    }
}
