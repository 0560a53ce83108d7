//! What is asked of the API server, and what happens when it refuses.

use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use kube::client::Body;
use serde_json::json;

use super::*;

type Asked = Arc<Mutex<Vec<String>>>;

/// A server that knows these paths and refuses all others; it notes what it is asked.
fn server(known: Vec<(&'static str, Value)>, asked: &Asked) -> Client {
    let asked = Arc::clone(asked);
    let answer = move |request: Request<Body>| {
        let accept = request.headers().get("accept").and_then(|it| it.to_str().ok()).unwrap_or_default();
        let metadata = if accept.contains("as=PartialObjectMetadataList") { " (names only)" } else { "" };
        asked.lock().unwrap().push(format!("{}{metadata}", request.uri()));
        let found = known.iter().find(|(path, _)| request.uri().path() == *path);
        let refusal = json!({"kind": "Status", "code": 403, "message": "is forbidden"});
        let (status, body) = found.map_or((StatusCode::FORBIDDEN, &refusal), |(_, body)| (StatusCode::OK, body));
        let text = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        async move {
            Ok::<_, std::convert::Infallible>(Response::builder().status(status).body(Body::from(text.into_bytes())).unwrap())
        }
    };
    Client::new(tower::service_fn(answer), "default")
}

async fn read(known: Vec<(&'static str, Value)>) -> (Facts, Vec<String>) {
    let asked = Asked::default();
    let target = Target { account: None, region: None, cluster: "c1".into(), through: None };
    let source = Source::new(server(known, &asked), target, None, "2026-01-05T12:00:00Z".parse().unwrap());
    let facts = pod(&source, "shop", "web-1").await.unwrap();
    let asked = asked.lock().unwrap().clone();
    (facts, asked)
}

fn web(spec: Value, status: Value) -> Value {
    let owner = json!({"kind": "ReplicaSet", "name": "web", "controller": true});
    json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "ownerReferences": [owner]}, "spec": spec, "status": status})
}

const POD: &str = "/api/v1/namespaces/shop/pods/web-1";
const LOG: &str = "/api/v1/namespaces/shop/pods/web-1/log";

#[tokio::test]
async fn a_refused_read_becomes_a_gap() {
    let condition = json!({"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available: 1 Insufficient cpu."});
    let pending = web(
        json!({"containers": [{"name": "main"}], "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}),
        json!({"phase": "Pending", "conditions": [condition]}),
    );
    let (facts, _) = read(vec![(POD, pending)]).await;
    let gaps: Vec<&str> = facts.gaps.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(gaps, ["events of the pod", "ReplicaSet `web`, an owner of the pod", "nodes", "PersistentVolumeClaim `data`"]);
    assert!(facts.gaps.iter().all(|it| it.why.starts_with("access_denied")));
}

#[tokio::test]
async fn only_what_can_matter_is_read() {
    let running = json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "state": {"running": {}}}]});
    let (_, asked) = read(vec![(POD, web(json!({"nodeName": "n1", "containers": [{"name": "main"}]}), running))]).await;
    assert_eq!(asked.len(), 4, "pod, events, owner and log: {asked:?}");
    let waiting = |message: &str| json!({"name": "main", "ready": false, "state": {"waiting": {"reason": "CreateContainerConfigError", "message": message}}});
    let status = |message: &str| json!({"phase": "Pending", "containerStatuses": [waiting(message)]});
    let spec = || json!({"nodeName": "n1", "containers": [{"name": "main"}]});
    let names = json!({"items": [{"metadata": {"name": "app-config", "namespace": "shop"}}]});
    let known = vec![(POD, web(spec(), status(r#"configmap "app" not found"#))), ("/api/v1/namespaces/shop/configmaps", names)];
    let (facts, asked) = read(known).await;
    assert_eq!(facts.config_maps.unwrap(), ["app-config"]);
    assert!(asked.iter().any(|it| it.contains("/configmaps") && it.ends_with("(names only)")), "{asked:?}");
    let (_, asked) = read(vec![(POD, web(spec(), status(r#"secret "app" not found"#)))]).await;
    assert!(asked.iter().all(|it| !it.contains("/secrets")), "{asked:?}");
}

#[tokio::test]
async fn the_end_of_both_logs_is_read_and_bounded() {
    let last = json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-05T11:59:00Z"}});
    let status = json!({"name": "main", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": last});
    let crashed = web(
        json!({"nodeName": "n1", "containers": [{"name": "main"}]}),
        json!({"phase": "Running", "containerStatuses": [status]}),
    );
    let text = format!("{}\nthe last line\n", "x".repeat(100_000));
    let (facts, asked) = read(vec![(POD, crashed), (LOG, Value::String(text))]).await;
    assert_eq!(facts.logs.iter().map(|it| it.previous).collect::<Vec<_>>(), [true, false]);
    assert_eq!(facts.logs.first().unwrap().text, "the last line\n");
    assert!(
        asked.iter().filter(|it| it.contains("/log?")).all(|it| it.contains("tailLines=200") && it.contains("limitBytes=524288")),
        "{asked:?}"
    );
}

/// Everything that can make a further read necessary at once: three containers that crash, a Service that does not answer behind
/// which a pod crashes too, claims and volumes that wait, and a pod that AWS lets in nowhere.
#[tokio::test]
async fn the_worst_pod_takes_no_more_than_twenty_five_requests() {
    let last = json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-05T11:59:00Z"}});
    let crashing = |name: &str| {
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": "configmap \"app\" not found"}});
        json!({"name": name, "ready": false, "restartCount": 9, "state": waiting, "lastState": last})
    };
    let names = ["a", "b", "c", "d"];
    let owned = |kind: &str, name: &str, owner: Option<(&str, &str)>| {
        let owners: Vec<Value> =
            owner.iter().map(|(kind, name)| json!({"kind": kind, "name": name, "controller": true})).collect();
        json!({"kind": kind, "metadata": {"name": name, "namespace": "shop", "uid": name, "ownerReferences": owners},
            "spec": {"selector": {"matchLabels": {"app": "web"}}}})
    };
    let volumes: Vec<Value> =
        (0..4).map(|it| json!({"name": format!("v{it}"), "persistentVolumeClaim": {"claimName": format!("c{it}")}})).collect();
    let spec = |names: &[&str]| {
        let containers: Vec<Value> = names.iter().map(|it| json!({"name": it, "image": "x:1"})).collect();
        json!({"nodeName": "n1", "containers": containers, "volumes": volumes})
    };
    let mut pod = web(
        spec(&names),
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": names.map(crashing)}),
    );
    pod["metadata"]["annotations"] = json!({"vpc.amazonaws.com/pod-eni": "[]"});
    let mut callee = web(
        spec(&names),
        json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": names.map(crashing)}),
    );
    callee["metadata"] = json!({"name": "db-0", "namespace": "data", "labels": {"app": "db"}, "uid": "db",
        "ownerReferences": [{"kind": "StatefulSet", "name": "db", "controller": true}]});
    let service = json!({"kind": "Service", "metadata": {"name": "db", "namespace": "data"}, "spec": {"clusterIP": "10.100.0.9", "selector": {"app": "db"}, "ports": [{"port": 5432}]}});
    let event = json!({"metadata": {"name": "e"}, "reason": "FailedAttachVolume", "message": "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node", "involvedObject": {"uid": "u1"}, "lastTimestamp": "2026-01-05T11:59:00Z"});
    let list = |items: Value| json!({ "items": items });
    let headless = json!({"kind": "Service", "metadata": {"name": "db", "namespace": "data"}, "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 5432}]}});
    for (line, service) in [
        ("dial tcp 10.100.0.9:5432: connect to db.data.svc.cluster.local:5432: i/o timeout", &service),
        (
            "dial tcp: lookup db.data.svc.cluster.local on 10.100.0.10:53: read udp 10.0.1.2:4->10.100.0.10:53: i/o timeout",
            &service,
        ),
        ("dial tcp: lookup db.data.svc.cluster.local on 10.100.0.10:53: no such host", &service),
        ("dial tcp 10.100.0.9:5432: i/o timeout", &service),
        ("User: arn:aws:sts::111122223333:assumed-role/nodes/i-1 is not authorized to perform: s3:GetObject", &service),
        ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", &service),
        ("dial tcp: lookup db-0.db.data.svc.cluster.local on 10.100.0.10:53: no such host", &headless),
    ] {
        let line = json!(format!("{line}\n"));
        let known = vec![
            (POD, pod.clone()),
            (LOG, line.clone()),
            ("/api/v1/namespaces/shop/events", list(json!([event]))),
            ("/apis/apps/v1/namespaces/shop/replicasets/web", owned("ReplicaSet", "web", Some(("Deployment", "web")))),
            ("/apis/apps/v1/namespaces/shop/deployments/web", owned("Deployment", "web", None)),
            ("/api/v1/namespaces/shop/pods", list(json!([pod]))),
            (
                "/api/v1/namespaces/shop/serviceaccounts/default",
                json!({"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop"}}),
            ),
            ("/api/v1/namespaces/data/services/db", service.clone()),
            ("/api/v1/services", list(json!([service]))),
            ("/apis/discovery.k8s.io/v1/namespaces/data/endpointslices", list(json!([]))),
            ("/api/v1/namespaces/data/pods", list(json!([callee]))),
            ("/api/v1/namespaces/data/pods/db-0/log", line.clone()),
            (
                "/apis/storage.k8s.io/v1/volumeattachments",
                list(
                    json!([{"metadata": {"name": "a"}, "spec": {"nodeName": "old", "source": {"persistentVolumeName": "pvc-1"}}}]),
                ),
            ),
            (
                "/api/v1/namespaces/kube-system/pods",
                list(json!([{"kind": "Pod", "metadata": {"name": "coredns-1", "namespace": "kube-system"}}])),
            ),
        ];
        let (facts, asked) = read(known).await;
        assert!(asked.len() <= 25, "{}: {line} {asked:#?}", asked.len());
        let by_address = line.as_str().is_some_and(|it| it.starts_with("dial tcp 10.100.0.9:5432: i/o"));
        if by_address {
            let followed = facts.dependency.map(|it| format!("{}/{}", it.namespace, it.name));
            assert_eq!(followed.as_deref(), Some("data/db"), "the Service that has the address");
            assert!(asked.iter().any(|it| it.contains("fieldSelector=spec%2EclusterIP%3D10%2E100%2E0%2E9")), "{asked:#?}");
        }
    }
}
