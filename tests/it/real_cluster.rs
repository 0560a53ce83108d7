//! The workload tools against a real cluster, when `EKS_MCP_TEST_KUBECONFIG` names a kubeconfig; and the same against a
//! stand-in, so that what is asked of a real cluster is known to hold.
//!
//! What is written here is written by a client of this test, into a namespace of its own that is deleted in the end. The
//! tools read through the live client, as in production.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eks_mcp::aws::sdk::SdkAws;
use eks_mcp::context::{Context, Limits, World as Reached};
use eks_mcp::domain::account::Accounts;
use eks_mcp::domain::object::Object;
use eks_mcp::domain::target::Target;
use eks_mcp::domain::time::Clock;
use eks_mcp::error::ErrorKind;
use eks_mcp::k8s::live::LiveClusters;
use eks_mcp::k8s::ways::{KubeconfigSource, Ways};
use eks_mcp::registry::{Registry, Selection};
use eks_mcp::snapshot::Usage;
use eks_mcp::snapshot::apiserver::{ApiServer, LogKey};
use eks_mcp::tools::ALL;
use http::Method;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::World;

/// How long a cluster may take until something is as it should be; most of it is for pulling an image.
const PATIENCE: Duration = Duration::from_mins(3);

/// What no answer may hold.
const SECRET: &str = "hunter2-real-cluster";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_workload_tools_answer_for_a_real_cluster() {
    match std::env::var_os("EKS_MCP_TEST_KUBECONFIG") {
        Some(path) => exercise(PathBuf::from(path)).await,
        None => eprintln!("EKS_MCP_TEST_KUBECONFIG is not set: no real cluster is asked"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_asked_of_a_real_cluster_holds_on_a_stand_in() {
    let stand_in = StandIn::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(answer).with_state(stand_in.clone());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let config = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters:\n- name: a\n  cluster: {{server: \"http://{address}\"}}\n\
         contexts:\n- name: here\n  context: {{cluster: a, user: a}}\nusers:\n- name: a\n  user: {{}}\n"
    );
    std::fs::write(&path, config).unwrap();
    exercise(path.clone()).await;
    assert_eq!(stand_in.objects().len(), 1, "all but the first namespace is gone: {:?}", stand_in.objects());

    // When a check fails, what was made is removed all the same.
    let broken = tokio::spawn(async move { in_own_namespace(&path, |_, _, _| async { panic!("a check fails") }).await });
    assert!(broken.await.is_err());
    assert_eq!(stand_in.objects().len(), 1, "{:?}", stand_in.objects());
    server.abort();
}

async fn exercise(kubeconfig: PathBuf) {
    in_own_namespace(&kubeconfig, check).await;
}

/// Runs checks with a client that may write, the tools, and a namespace that exists as long as they do.
async fn in_own_namespace<F>(kubeconfig: &Path, checks: impl FnOnce(kube::Client, Tools, String) -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    let config = Kubeconfig::read_from(kubeconfig).unwrap();
    let context = config.current_context.clone().expect("the kubeconfig names no `current-context`");
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let writer = kube::Client::try_from(config).unwrap();
    let mut random = [0; 4];
    getrandom::fill(&mut random).unwrap();
    let namespace = format!("eks-mcp-test-{:08x}", u32::from_be_bytes(random));
    let tools = Tools::new(kubeconfig, context);
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": {"app.kubernetes.io/managed-by": "eks-mcp-test"}}});
    write(&writer, Method::POST, "/api/v1/namespaces", Some(body)).await.unwrap();
    // A task of its own catches the panic of a check, so that the namespace goes whatever happens.
    let outcome = tokio::spawn(checks(writer.clone(), tools, namespace.clone())).await;
    let deleted = write(&writer, Method::DELETE, &format!("/api/v1/namespaces/{namespace}"), None).await;
    if let Err(err) = outcome {
        std::panic::resume_unwind(err.into_panic());
    }
    deleted.unwrap();
}

async fn write(client: &kube::Client, method: Method, path: &str, body: Option<Value>) -> Result<Value, kube::Error> {
    let body = body.map(|it| it.to_string().into_bytes()).unwrap_or_default();
    let request =
        http::Request::builder().method(method).uri(path).header("content-type", "application/json").body(body).unwrap();
    client.request(request).await
}

/// The tools over the live client.
struct Tools {
    world: World,
    cluster: String,
}

impl Tools {
    fn new(kubeconfig: &Path, cluster: String) -> Self {
        let aws = SdkAws::new(None, Accounts::default(), None);
        let ways = Ways { kubeconfig: Some(KubeconfigSource::File(kubeconfig.to_owned())), ..Ways::default() };
        let clusters = LiveClusters::new(aws.clone(), ways);
        let reached = Reached { aws: Arc::new(aws), clusters: Arc::new(clusters), clock: Clock::System };
        let registry = Registry::select(ALL, &Selection { toolsets: vec!["all".into()], ..Selection::default() }).unwrap();
        let world = World { registry, context: Context::new(reached, Limits::STANDARD, None), usage: Usage::default() };
        Self { world, cluster }
    }

    fn arguments(&self, mut arguments: Value) -> Value {
        arguments["cluster"] = self.cluster.as_str().into();
        arguments
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.world.call(tool, self.arguments(arguments)).await
    }

    /// Asks until the answer is as it should be; the last one is shown when it never is.
    async fn until(&self, tool: &str, arguments: Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let started = std::time::Instant::now();
        loop {
            tick.tick().await;
            let answer = self.world.try_call(tool, self.arguments(arguments.clone())).await.map(|it| it.structured);
            match answer {
                Ok(answer) if wanted(&answer) => return answer,
                other => assert!(started.elapsed() < PATIENCE, "{tool} {arguments}: {other:#?}"),
            }
        }
    }
}

/// The cells of a column, by the cells of the column `name`.
fn cells(answer: &Value, column: &str) -> Vec<(String, String)> {
    let table = &answer["items"];
    let place = |name: &str| table["columns"].as_array().and_then(|it| it.iter().position(|it| it == name));
    let (Some(name), Some(column)) = (place("name"), place(column)) else { return Vec::new() };
    let text = |row: &Value, index: usize| row[index].as_str().unwrap().to_owned();
    table["rows"].as_array().unwrap().iter().map(|row| (text(row, name), text(row, column))).collect()
}

async fn check(writer: kube::Client, tools: Tools, namespace: String) {
    create(&writer, &namespace).await;
    let at = |more: Value| {
        let mut arguments = json!({"namespace": namespace});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };

    let kinds = tools.call("list_api_kinds", json!({"search": "configmap"})).await;
    assert!(kinds["kinds"]["rows"].to_string().contains("\"ConfigMap\""), "{kinds:#}");

    // What is wrong is said with the reason, and first.
    let of_pod = |name: &'static str, reasons: &'static [&'static str]| {
        move |answer: &Value| {
            cells(answer, "why").iter().any(|(pod, why)| pod.starts_with(name) && reasons.iter().any(|it| why.starts_with(it)))
        }
    };
    let unhealthy = at(json!({"kind": "po", "status": "unhealthy"}));
    let pulls = of_pod("broken-", &["ImagePullBackOff", "ErrImagePull", "InvalidImageName"]);
    tools.until("list_resources", unhealthy.clone(), of_pod("nowhere", &["Unschedulable"])).await;
    tools.until("list_resources", unhealthy, pulls).await;
    let deployments = tools.call("list_resources", at(json!({"kind": "deploy"}))).await;
    assert_eq!(cells(&deployments, "ready"), [("broken".to_owned(), "0/1".to_owned())], "{deployments:#}");
    let speaks =
        tools.call("list_resources", at(json!({"kind": "Pod", "label_selector": "app in (speaks)", "group_by": "none"}))).await;
    assert_eq!(cells(&speaks, "name").len(), 1, "{speaks:#}");

    // The log of what ran and failed.
    let log = at(json!({"pod": "speaks"}));
    let log = tools.until("get_logs", log, |it| it.to_string().contains("cannot reach the warehouse")).await;
    assert_eq!(log["patterns"]["rows"][0][0], "error", "{log:#}");

    // Pages lead to every object once; by now the state of none changes any more.
    let mut names = Vec::new();
    let mut cursor = json!({});
    loop {
        let mut arguments = at(json!({"kind": "Pod", "group_by": "none", "limit": 1}));
        arguments.as_object_mut().unwrap().extend(cursor.as_object().unwrap().clone());
        let answer = tools.call("list_resources", arguments).await;
        names.extend(cells(&answer, "name").into_iter().map(|(name, _)| name));
        assert!(names.len() <= 10, "{names:?}");
        let Some(next) = answer["next_cursor"].as_str() else { break };
        cursor = json!({"cursor": next});
    }
    names.sort();
    assert!(names.len() == 3 && names[0].starts_with("broken-") && names[1..] == ["nowhere", "speaks"], "{names:?}");

    // One object, with its events.
    let nowhere = at(json!({"kind": "Pod", "name": "nowhere"}));
    let one = tools.until("get_resource", nowhere, |it| it["events"]["latest"].to_string().contains("FailedScheduling")).await;
    assert_eq!(one["status"], "failing", "{one:#}");
    let broken = names[0].clone();
    let one = tools.call("get_resource", at(json!({"kind": "Pod", "name": broken}))).await;
    assert!(one["owners"].to_string().contains("Deployment/") && one["owners"].to_string().contains("/broken\""), "{one:#}");
    let map = tools.call("get_resource", at(json!({"kind": "cm", "name": "settings", "fields": ["data.mode"]}))).await;
    assert_eq!(map["fields"]["rows"][0][1], "careful", "{map:#}");
    let events = tools.call("list_events", at(json!({}))).await;
    assert!(events["groups"]["rows"].to_string().contains("FailedScheduling"), "{events:#}");

    // What a Secret holds leaves through nothing.
    for (tool, arguments) in [
        ("list_resources", json!({"kind": "Secret"})),
        ("list_resources", json!({"kind": "Secret", "columns": ["data.password", "metadata.annotations"]})),
        ("get_resource", json!({"kind": "Secret", "name": "login", "view": "full"})),
        ("get_resource", json!({"kind": "Secret", "name": "login", "fields": ["data", "data.password"]})),
    ] {
        let answer = tools.call(tool, at(arguments.clone())).await.to_string();
        assert!(answer.contains("login") && !answer.contains(SECRET), "{tool} {arguments}: {answer}");
        assert!(!answer.contains(&STANDARD.encode(SECRET)), "{tool} {arguments}: {answer}");
    }

    // What is not there is answered with what is.
    let near = &namespace[..namespace.len() - 1];
    let err = tools.world.fail("list_resources", tools.arguments(json!({"kind": "Pod", "namespace": near}))).await;
    assert!(err.kind == ErrorKind::NotFound && err.message.contains(&format!("did you mean `{namespace}`")), "{err}");

    // The tools' own client writes nothing, whatever the credentials may.
    let target = Target { account: None, region: None, cluster: tools.cluster.clone(), through: None };
    let reader = tools.world.context.world.clusters.client(&target).await.unwrap();
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/settings");
    assert!(write(&reader, Method::DELETE, &path, None).await.is_err());
    tools.call("get_resource", at(json!({"kind": "ConfigMap", "name": "settings"}))).await;
}

/// A ConfigMap, a Secret, a Deployment whose image is nowhere, a pod for no node, and one that says something and fails.
async fn create(writer: &kube::Client, namespace: &str) {
    let image = std::env::var("EKS_MCP_TEST_IMAGE").unwrap_or_else(|_| "public.ecr.aws/docker/library/busybox:stable".to_owned());
    let quick = json!({"terminationGracePeriodSeconds": 0, "automountServiceAccountToken": false});
    let pod = |more: Value| {
        let mut spec = quick.clone();
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        spec
    };
    let says = "for i in 1 2 3; do echo \"INFO order $i taken\"; done; echo 'ERROR cannot reach the warehouse'; exit 3";
    for (path, body) in [
        ("api/v1", "configmaps", json!({"kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"mode": "careful"}})),
        ("api/v1", "secrets", json!({"kind": "Secret", "metadata": {"name": "login"}, "data": {"password": STANDARD.encode(SECRET)}})),
        (
            "apis/apps/v1",
            "deployments",
            json!({"kind": "Deployment", "metadata": {"name": "broken"}, "spec": {
                "replicas": 1, "selector": {"matchLabels": {"app": "broken"}},
                "template": {"metadata": {"labels": {"app": "broken"}}, "spec": pod(json!({"containers": [{"name": "main", "image": "registry.invalid/nothing:1"}]}))},
            }}),
        ),
        (
            "api/v1",
            "pods",
            json!({"kind": "Pod", "metadata": {"name": "nowhere", "labels": {"app": "nowhere"}},
                "spec": pod(json!({"nodeSelector": {"eks-mcp-test": "no-such-node"}, "containers": [{"name": "main", "image": image}]}))}),
        ),
        (
            "api/v1",
            "pods",
            json!({"kind": "Pod", "metadata": {"name": "speaks", "labels": {"app": "speaks"}},
                "spec": pod(json!({"restartPolicy": "Never", "containers": [{"name": "main", "image": image, "command": ["sh", "-c", says]}]}))}),
        ),
    ]
    .map(|(root, plural, mut body)| {
        body["apiVersion"] = root.trim_start_matches("apis/").trim_start_matches("api/").into();
        (format!("/{root}/namespaces/{namespace}/{plural}"), body)
    }) {
        let mut tick = tokio::time::interval(Duration::from_secs(1));
        let started = std::time::Instant::now();
        loop {
            tick.tick().await;
            // Pods are refused until the namespace has its service account.
            match write(writer, Method::POST, &path, Some(body.clone())).await {
                Ok(_) => break,
                Err(err) => assert!(started.elapsed() < Duration::from_secs(30), "{path}: {err}"),
            }
        }
    }
}

/// A cluster that takes what the test writes and does at once what controllers, scheduler and kubelet would do.
#[derive(Clone, Default)]
struct StandIn(Arc<Mutex<Vec<Object>>>);

impl StandIn {
    fn objects(&self) -> Vec<Object> {
        let first = Object::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}));
        [vec![first], self.0.lock().unwrap().clone()].concat()
    }

    fn create(&self, namespace: &str, mut object: Value) {
        let now = Timestamp::from_second(Timestamp::now().as_second()).unwrap();
        object["metadata"]["creationTimestamp"] = now.to_string().into();
        object["metadata"]["uid"] = format!("uid-{}", self.0.lock().unwrap().len()).into();
        if object["kind"] != "Namespace" {
            object["metadata"]["namespace"] = namespace.into();
        }
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        match name.as_str() {
            "nowhere" => {
                let message = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.";
                object["status"] = json!({"phase": "Pending", "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}]});
                self.0.lock().unwrap().push(Object::new(json!({
                    "apiVersion": "v1", "kind": "Event", "metadata": {"name": "nowhere.1", "namespace": namespace, "creationTimestamp": now.to_string()},
                    "involvedObject": {"kind": "Pod", "namespace": namespace, "name": "nowhere", "uid": object["metadata"]["uid"]},
                    "type": "Warning", "reason": "FailedScheduling", "message": message, "eventTime": now.to_string(),
                })));
            }
            "speaks" => {
                object["status"] = json!({"phase": "Failed", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 0,
                    "state": {"terminated": {"reason": "Error", "exitCode": 3, "finishedAt": now.to_string()}}}]});
            }
            "broken" => {
                object["status"] = json!({"replicas": 1, "updatedReplicas": 1});
                let owner = |version: &str, kind: &str, name: &str| json!([{"apiVersion": version, "kind": kind, "name": name, "uid": "x", "controller": true}]);
                self.0.lock().unwrap().extend([
                    Object::new(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "broken-1", "namespace": namespace,
                        "ownerReferences": owner("apps/v1", "Deployment", "broken")}, "spec": {"replicas": 1}})),
                    Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "broken-1-a", "namespace": namespace, "labels": {"app": "broken"},
                        "ownerReferences": owner("apps/v1", "ReplicaSet", "broken-1")}, "spec": {"containers": [{"name": "main"}]},
                        "status": {"phase": "Pending", "containerStatuses": [{"name": "main", "ready": false, "state": {"waiting": {"reason": "ErrImagePull"}}}]}})),
                ]);
            }
            _ => {}
        }
        self.0.lock().unwrap().push(Object::new(object));
    }
}

async fn answer(State(cluster): State<StandIn>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path: Vec<&str> = head.uri.path().split('/').collect();
    let at = path.iter().position(|it| *it == "namespaces").and_then(|it| path.get(it + 1)).copied().unwrap_or_default();
    match head.method {
        Method::POST if path.last().is_some_and(|it| !it.ends_with("reviews")) => {
            let object: Value = serde_json::from_slice(&body).unwrap();
            cluster.create(at, object.clone());
            Response::builder().status(201).body(Body::from(object.to_string())).unwrap()
        }
        Method::DELETE => {
            cluster.0.lock().unwrap().retain(|it| it.namespace() != at && !(it.kind() == "Namespace" && it.name() == at));
            Response::new(Body::from("{}"))
        }
        _ => {
            let objects = cluster.objects();
            let log = b"INFO order 1 taken\nINFO order 2 taken\nINFO order 3 taken\nERROR cannot reach the warehouse\n".to_vec();
            let logs = objects.iter().filter(|it| it.name() == "speaks").map(|it| {
                let key = LogKey {
                    namespace: it.namespace().to_owned(),
                    pod: "speaks".to_owned(),
                    container: "main".to_owned(),
                    previous: false,
                };
                (key, log.clone())
            });
            let logs = logs.collect();
            let server = ApiServer::new(objects, logs, Timestamp::now(), Usage::default());
            let request = http::Request::from_parts(head, kube::client::Body::from(body));
            let (head, body) = server.answer(request).await.unwrap().into_parts();
            Response::from_parts(head, Body::new(body))
        }
    }
}
