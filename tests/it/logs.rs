//! `get_logs` through the registry: which logs are read, what is told of them, and what happens when they cannot be read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use eks_mcp::error::ErrorKind;
use futures::StreamExt as _;
use http::Response;
use serde_json::{Value, json};

use crate::support::{World, status};
use crate::tokens;

/// A Deployment with three pods, of which one crashes; and a `CronJob`.
const OBJECTS: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: d1}
spec: {replicas: 3, selector: {matchLabels: {app: web}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: idle, namespace: shop, uid: d2}
spec: {replicas: 0, selector: {matchLabels: {app: idle}}}
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: import, namespace: shop, uid: c1}
---
apiVersion: batch/v1
kind: Job
metadata: {name: import-1, namespace: shop, uid: j1, creationTimestamp: '2026-11-23T09:00:00Z', ownerReferences: [{apiVersion: batch/v1, kind: CronJob, name: import, uid: c1, controller: true}]}
spec: {selector: {matchLabels: {job: import-1}}}
---
apiVersion: v1
kind: Pod
metadata: {name: import-1-abcde, namespace: shop, uid: p9, labels: {job: import-1}, creationTimestamp: '2026-11-23T09:00:00Z'}
spec: {containers: [{name: main}], nodeName: node-1}
status: {phase: Succeeded, containerStatuses: [{name: main, state: {terminated: {exitCode: 0, reason: Completed}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-a, namespace: shop, uid: p1, labels: {app: web}, creationTimestamp: '2026-11-23T08:00:00Z'}
spec: {containers: [{name: main}], nodeName: node-1}
status: {phase: Running, containerStatuses: [{name: main, ready: true, state: {running: {}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-b, namespace: shop, uid: p2, labels: {app: web}, creationTimestamp: '2026-11-23T08:00:00Z'}
spec: {containers: [{name: main}], nodeName: node-1}
status: {phase: Running, containerStatuses: [{name: main, ready: true, state: {running: {}}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web-x, namespace: shop, uid: p3, labels: {app: web}, creationTimestamp: '2026-11-23T08:00:00Z'}
spec: {initContainers: [{name: migrate}], containers: [{name: main}, {name: proxy}], ephemeralContainers: [{name: debugger}], nodeName: node-1}
status:
  phase: Running
  initContainerStatuses: [{name: migrate, ready: true, state: {terminated: {exitCode: 0, reason: Completed}}}]
  containerStatuses:
  - {name: main, ready: false, restartCount: 4, state: {waiting: {reason: CrashLoopBackOff}}, lastState: {terminated: {reason: Error, exitCode: 3, finishedAt: '2026-11-23T09:28:00Z'}}}
  - {name: proxy, ready: true, state: {running: {}}}
  ephemeralContainerStatuses: [{name: debugger, state: {running: {}}}]
";

/// A bare cluster with those objects and these logs.
fn world(logs: &[(&str, &[u8])]) -> World {
    World::bare(OBJECTS, logs)
}

fn usual() -> World {
    world(&[
        ("shop_web-a_main.log", b"2026-11-23T09:10:00Z INFO GET /a 200\n2026-11-23T09:20:00Z ERROR order 7 failed\n"),
        ("shop_web-b_main.log", b"2026-11-23T09:11:00Z INFO GET /a 200\n2026-11-23T09:21:00Z ERROR order 8 failed\n"),
        ("shop_web-x_migrate.log", b"2026-11-23T08:00:01Z INFO 12 migrations done\n"),
        ("shop_web-x_main.previous.log", b"2026-11-23T09:27:59Z INFO starting\n2026-11-23T09:28:00Z FATAL no config\n"),
        ("shop_web-x_proxy.log", b"2026-11-23T08:00:02Z INFO ready\n"),
        ("shop_web-x_debugger.log", b"2026-11-23T09:29:00Z INFO shell\n"),
        ("shop_import-1-abcde_main.log", b"2026-11-23T09:00:03Z INFO 4 rows\n"),
    ])
}

/// Arguments for a pod, with more of them.
fn pod(name: &str, more: Value) -> Value {
    let mut arguments = json!({"cluster": "bare", "namespace": "shop", "pod": name});
    let Value::Object(more) = more else { panic!("arguments are an object") };
    arguments.as_object_mut().unwrap().extend(more);
    arguments
}

fn workload(name: &str, more: Value) -> Value {
    let mut arguments = pod("", more);
    let fields = arguments.as_object_mut().unwrap();
    fields.remove("pod");
    fields.insert("workload".into(), name.into());
    arguments
}

/// Container, instance and first cell of each log.
fn logs(answer: &Value) -> Vec<String> {
    let name = |it: &Value| {
        let instance = if it["previous"] == true { " previous" } else { "" };
        format!("{}{instance}", it["container"].as_str().unwrap())
    };
    answer["logs"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn the_crashed_container_comes_first_and_every_container_is_read() {
    let world = usual();
    let answer = world.call("get_logs", pod("web-x", json!({}))).await;
    assert_eq!(logs(&answer), ["main previous", "migrate", "proxy", "debugger"], "{answer:#}");
    assert_eq!(answer["source"], "kubernetes");
    let crashed = &answer["logs"][0];
    assert_eq!(crashed["ended"], "Error, exit code 3");
    assert_eq!(answer["patterns"]["columns"], json!(["log", "level", "count", "last", "pattern"]), "{answer:#}");
    assert_eq!(answer["patterns"]["rows"][0], json!(["main previous", "fatal", "1", "09:28:00", "no config"]), "{answer:#}");
    assert_eq!((&answer["logs"][1]["role"], &answer["logs"][3]["role"]), (&json!("init"), &json!("ephemeral")));
    assert!(
        answer["summary"].as_str().unwrap().starts_with("5 lines of 4 logs of pod `web-x` read: 5 patterns, 1 fatal"),
        "{answer:#}"
    );
    let answer = world.call("get_logs", pod("web-x", json!({"container": "main", "previous": true, "mode": "lines"}))).await;
    assert_eq!(answer["logs"][0]["lines"][1], "2026-11-23T09:28:00Z FATAL no config");
}

#[tokio::test]
async fn a_workload_is_read_by_its_pods_and_the_answer_says_which() {
    let world = usual();
    let answer = world.call("get_logs", workload("deploy/web", json!({}))).await;
    assert_eq!(answer["pods"], json!({"matched": 3, "read": ["web-x", "web-a", "web-b"]}), "unhealthy first: {answer:#}");
    assert_eq!(logs(&answer), ["main previous", "migrate", "proxy", "debugger", "main"], "{answer:#}");
    let main = &answer["logs"][4];
    assert_eq!((&main["pod"], &main["read"]), (&json!("2 pods"), &json!(4)), "{answer:#}");
    let rows = answer["patterns"]["rows"].as_array().unwrap();
    let error = rows.iter().find(|it| it[0] == "main").unwrap();
    assert_eq!(*error, json!(["main", "error", "2", "09:20:00", "09:21:00", "order <n> failed", "order 8 failed"]));
    let answer = world.call("get_logs", workload("Deployment/web", json!({"mode": "lines", "container": "main"}))).await;
    let pods: Vec<&Value> = answer["logs"].as_array().unwrap().iter().map(|it| &it["pod"]).collect();
    assert_eq!(pods, ["web-x", "web-a", "web-b"], "lines stay with their pod");
    let answer = world.call("get_logs", workload("CronJob/import", json!({"mode": "lines"}))).await;
    assert_eq!(answer["logs"][0]["lines"][0], "2026-11-23T09:00:03Z INFO 4 rows");
    for (name, kind, words) in [
        ("Deployment/wbe", ErrorKind::NotFound, "did you mean `web`?"),
        ("Deployment/idle", ErrorKind::NotFound, "scaled to 0"),
        ("Deploymnt/web", ErrorKind::InvalidInput, "did you mean `Deployment`?"),
    ] {
        let err = world.fail("get_logs", workload(name, json!({}))).await;
        assert_eq!(err.kind, kind, "{err}");
        assert!(err.message.contains(words), "{err}");
    }
    let both = pod("web-a", json!({"workload": "Deployment/web"}));
    for wrong in [both, json!({"cluster": "bare", "namespace": "shop"})] {
        let err = world.fail("get_logs", wrong).await;
        assert!(err.message.contains("exactly one of `pod` and `workload`"), "{err}");
    }
}

#[tokio::test]
async fn lines_are_chosen_by_time_and_expression() {
    let world = usual();
    let lines = async |more: Value| {
        let answer = world.call("get_logs", pod("web-a", more)).await;
        (answer["logs"][0]["lines"].clone(), answer["logs"][0].clone())
    };
    let (info, error) = ("2026-11-23T09:10:00Z INFO GET /a 200", "2026-11-23T09:20:00Z ERROR order 7 failed");
    for (more, expected) in [
        (json!({}), json!([info, error])),
        (json!({"since": "15m"}), json!([error])),
        (json!({"since": "2026-11-23T09:15:00Z"}), json!([error])),
        (json!({"until": "2026-11-23T09:15:00Z"}), json!([info])),
        (json!({"since": "25m", "until": "15m"}), json!([info])),
        (json!({"include": "(?i)error"}), json!([error])),
        (json!({"exclude": "order \\d+"}), json!([info])),
        (json!({"tail": 1}), json!([error])),
        (json!({"tail": 1, "include": "."}), json!([error])),
    ] {
        let mut more = more;
        more["mode"] = "lines".into();
        assert_eq!(lines(more.clone()).await.0, expected, "{more}");
    }
    let (_, log) = lines(json!({"mode": "lines", "include": "ERROR"})).await;
    assert_eq!((&log["read"], &log["matched"]), (&json!(2), &json!(1)), "what a filter left out is said");
    let (_, log) = lines(json!({"mode": "lines", "tail": 1})).await;
    assert!(log["note"].as_str().unwrap().contains("only the newest 1 line"), "{log}");
    for (more, words) in [
        (json!({"include": "("}), "`include`: unclosed group at character 1"),
        (json!({"exclude": "*a"}), "`exclude`: repetition operator missing expression"),
        (json!({"include": "(?:x{999}){999}"}), "`include`: the expression is too large"),
        (json!({"since": "2026-11-24T00:00:00Z"}), "`since`: `2026-11-24T00:00:00Z` is in the future"),
        (json!({"since": "soon"}), "`since`: `soon` is neither"),
        (json!({"since": "10m", "until": "20m"}), "`until` is not after `since`"),
    ] {
        let err = world.fail("get_logs", pod("web-a", more)).await;
        assert_eq!(err.kind, ErrorKind::InvalidInput, "{err}");
        assert!(err.message.contains(words), "{err}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_and_lines_without_end_do_no_harm() {
    let mut log = b"2026-11-23T09:10:00Z INFO caf\xe9 \x1b[31mred\x1b[0m\xff\n2026-11-23T09:10:01Z ERROR ".to_vec();
    log.extend(std::iter::repeat_n(b'x', 300_000));
    log.extend(b"\n2026-11-23T09:10:02Z INFO after\n");
    let world = world(&[("shop_web-a_main.log", &log)]);
    let answer = world.call("get_logs", pod("web-a", json!({"mode": "lines"}))).await;
    let lines = answer["logs"][0]["lines"].as_array().unwrap();
    assert_eq!(lines[0], "2026-11-23T09:10:00Z INFO caf\u{fffd} red\u{fffd}");
    assert!(lines[1].as_str().unwrap().len() < 600, "{}", lines[1]);
    assert_eq!(lines[2], "2026-11-23T09:10:02Z INFO after");
    let answer = world.call("get_logs", pod("web-a", json!({}))).await;
    assert_eq!(answer["patterns"]["rows"][0][0], "error", "{answer:#}");
}

#[tokio::test]
async fn what_is_not_there_is_answered_with_what_is() {
    let world = usual();
    let err = world.fail("get_logs", pod("web-x", json!({"container": "mian"}))).await;
    assert!(err.message.contains("did you mean `main`?") && err.hint.unwrap().contains("debugger, main, migrate, proxy"));
    let err = world.fail("get_logs", pod("wbe-x", json!({}))).await;
    assert_eq!(err.kind, ErrorKind::NotFound);
    assert!(err.message.contains("did you mean `web-x`") && err.message.contains("known only to Kubernetes"), "{err}");
    let elsewhere = json!({"cluster": "bare", "namespace": "default", "pod": "web-x"});
    let err = world.fail("get_logs", elsewhere).await;
    assert!(err.message.contains("there is one in namespace `shop`"), "{err}");
    let err = world.fail("get_logs", pod("web-a", json!({"previous": true}))).await;
    assert!(err.message.contains("there is no previous log"), "{err}");
}

#[tokio::test]
async fn a_pod_that_is_gone_is_answered_by_its_log_group() {
    let world = World::demo();
    let recorded = std::fs::read_to_string(crate::support::root().join("demo/aws/logs/payments.json")).unwrap();
    let groups: Value = serde_json::from_str(&recorded).unwrap();
    let message: Value = serde_json::from_str(groups[0]["events"][0]["message"].as_str().unwrap()).unwrap();
    let gone = message["kubernetes"]["pod_name"].as_str().unwrap();
    let ask = |pod: &str, cluster: &str, more: Value| {
        let mut arguments = json!({"cluster": cluster, "namespace": "receipts", "pod": pod});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let answer = world.call("get_logs", ask(gone, "payments", json!({}))).await;
    assert_eq!(
        (&answer["source"], &answer["log_group"]),
        (&json!("cloudwatch"), &json!("/aws/containerinsights/payments/application"))
    );
    let log = &answer["logs"][0];
    assert_eq!((&log["container"], &log["read"]), (&json!("receipts-archive"), &json!(35)), "{answer:#}");
    assert_eq!(answer["patterns"]["rows"][0][0], "warning", "{answer:#}");
    assert!(answer["summary"].as_str().unwrap().contains("of the former pod"), "{answer:#}");
    let answer = world.call("get_logs", ask(gone, "payments", json!({"mode": "lines", "include": "done"}))).await;
    assert_eq!(answer["logs"][0]["lines"].as_array().unwrap().len(), 1, "{answer:#}");
    // The group is there and holds nothing of the pod, or of the time.
    for (pod, more, words) in [
        ("receipts-archive-1-none0", json!({}), "holds nothing of it in the last 24 hours"),
        (gone, json!({"since": "30m"}), "holds nothing of it since 2026-11-23T09:00:00Z"),
    ] {
        let err = world.fail("get_logs", ask(pod, "payments", more)).await;
        assert_eq!(err.kind, ErrorKind::NotFound);
        assert!(err.message.contains("does not exist in namespace `receipts`") && err.message.contains(words), "{err}");
    }
    // There is no group.
    let err = world.fail("get_logs", ask(gone, "dev", json!({}))).await;
    assert_eq!(err.kind, ErrorKind::NotFound);
    let words = ["does not exist in namespace", "log group `/aws/containerinsights/dev/application` does not exist in us-west-2"];
    assert!(words.iter().all(|it| err.message.contains(it)), "{err}");
}

/// A log that comes in chunks.
fn streamed(chunks: impl futures::Stream<Item = String> + Send + 'static) -> Response<Body> {
    Response::new(Body::from_stream(chunks.map(Ok::<_, std::io::Error>)))
}

#[tokio::test]
async fn a_log_that_is_denied_spoils_no_other() {
    let message = r#"pods "web-x" is forbidden: User "arn:aws:iam::111122223333:role/reader" cannot get resource "pods/log" in API group "" in the namespace "shop""#;
    let world =
        usual().between(move |uri| (uri.contains("/log?") && uri.contains("container=main")).then(|| status(403, message)));
    let answer = world.call("get_logs", pod("web-x", json!({}))).await;
    assert_eq!(logs(&answer), ["migrate", "proxy", "debugger"], "{answer:#}");
    let warning = answer["warnings"][0].as_str().unwrap();
    for word in ["container `main`", "`get` on `pods/log`", "namespace `shop`", "role/reader"] {
        assert!(warning.contains(word), "`{word}` is not in {warning}");
    }
    let world = usual().between(move |uri| uri.contains("/log?").then(|| status(403, message)));
    let err = world.fail("get_logs", pod("web-x", json!({}))).await;
    assert_eq!(err.kind, ErrorKind::AccessDenied, "{err}");
    // A log that the node has removed is a warning as well.
    let world = usual().between(|uri| uri.contains("container=proxy").then(|| status(404, "the log file is gone")));
    let answer = world.call("get_logs", pod("web-x", json!({}))).await;
    assert!(answer["warnings"][0].as_str().unwrap().contains("the log file is gone"), "{answer:#}");
}

#[tokio::test]
async fn a_log_without_end_is_read_to_its_bounds() {
    // A server that keeps to no limit, and a line that never ends.
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let world = usual().between(move |uri| {
        let counter = Arc::clone(&counter);
        let chunks = futures::stream::repeat_with(move || {
            counter.fetch_add(1, Ordering::SeqCst);
            "x".repeat(1 << 20)
        });
        uri.contains("/log?").then(|| streamed(chunks))
    });
    let answer = world.call("get_logs", pod("web-a", json!({}))).await;
    assert!(answer["logs"][0]["note"].as_str().unwrap().contains("cut after 32 MiB"), "{answer:#}");
    assert!(sent.load(Ordering::SeqCst) <= 40, "{} MiB were taken", sent.load(Ordering::SeqCst));

    // Nothing is received once the lines are later than what was asked for.
    let sent = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&sent);
    let world = usual().between(move |uri| {
        let counter = Arc::clone(&counter);
        let chunks = futures::stream::repeat_with(move || {
            let second = counter.fetch_add(1, Ordering::SeqCst);
            format!("2026-11-23T09:{:02}:{:02}.000000000Z INFO tick\n", second / 60 % 60, second % 60)
        });
        uri.contains("/log?").then(|| streamed(chunks))
    });
    let answer = world.call("get_logs", pod("web-a", json!({"until": "2026-11-23T09:01:00Z"}))).await;
    assert_eq!(answer["logs"][0]["read"], 61, "{answer:#}");
    assert!(sent.load(Ordering::SeqCst) < 70);
}

#[tokio::test]
async fn a_large_log_is_read_from_its_end() {
    // The server cuts at the end; fewer lines are asked for until the newest fit.
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let world = usual().between(move |uri| {
        let tail: usize = uri.split("tailLines=").nth(1)?.split('&').next()?.parse().ok()?;
        seen.lock().unwrap().push(tail);
        let chunks = (0..tail).map(move |index| {
            let newest = if index + 1 == tail { "ERROR the newest" } else { "INFO" };
            format!("2026-11-23T09:00:00.000000000Z {newest} {}\n", "y".repeat(200_000))
        });
        Some(streamed(futures::stream::iter(chunks)))
    });
    let answer = world.call("get_logs", pod("web-a", json!({"tail": 200}))).await;
    assert_eq!(answer["patterns"]["rows"][0][0], "error", "{answer:#}");
    assert!(answer["logs"][0]["note"].as_str().unwrap().contains("only the newest"), "{answer:#}");
    assert_eq!(asked.lock().unwrap().len(), 2);
}

/// Says that it was dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A log that says two lines and then nothing, and whether its connection was closed.
fn hanging() -> (World, Arc<AtomicBool>) {
    let closed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&closed);
    let world = usual().between(move |uri| {
        let guard = Dropped(Arc::clone(&flag));
        let lines = futures::stream::iter([
            "2026-11-23T09:00:00.000000000Z INFO one\n2026-11-23T09:00:01.000000000Z ERROR two\n".to_owned(),
        ]);
        let chunks = lines.chain(futures::stream::pending()).map(move |it| {
            let _ = &guard;
            it
        });
        uri.contains("/log?").then(|| streamed(chunks))
    });
    (world, closed)
}

#[tokio::test]
async fn what_came_before_a_server_hung_is_answered() {
    let (mut world, closed) = hanging();
    world.context.limits.call_timeout = Duration::from_millis(300);
    let answer = world.call("get_logs", pod("web-a", json!({}))).await;
    assert_eq!(answer["patterns"]["rows"][0][3], "two", "{answer:#}");
    assert!(answer["logs"][0]["note"].as_str().unwrap().contains("not read to its end in time"), "{answer:#}");
    assert!(closed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn cancelling_closes_the_connection() {
    let (world, closed) = hanging();
    let cancel = world.context.cancel.clone();
    let (err, ()) = tokio::join!(world.fail("get_logs", pod("web-a", json!({}))), async {
        tokio::task::yield_now().await;
        cancel.cancel();
    });
    assert!(err.message.contains("cancelled"), "{err}");
    assert!(closed.load(Ordering::SeqCst));
}

/// A log of 5,000 lines: requests, warnings, three kinds of errors and one stack trace.
fn five_thousand() -> String {
    let mut log = String::new();
    let trace = [
        "java.lang.IllegalStateException: cart c-4711 has no currency",
        "\tat com.example.shop.Cart.total(Cart.java:88)",
        "\tat com.example.shop.Checkout.pay(Checkout.java:41)",
        "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
    ];
    let mut lines = 0_u32;
    let mut index = 0_u32;
    while lines < 5_000 {
        let stamp =
            format!("2026-11-23T{:02}:{:02}:{:02}.{:03}Z", 8 + index / 3_600, index / 60 % 60, index % 60, index * 7 % 1_000);
        let number = index.wrapping_mul(2_654_435_761) % 100_000;
        let line = match index % 100 {
            17 | 55 => format!("WARN inventory.shop.svc:8080 slow: {}ms for sku-{number}", 500 + number % 900),
            40 => format!("WARN retrying publish of order {number} (attempt {})", 1 + number % 3),
            71 => format!("ERROR payment p-{number} declined by bank-{}: insufficient funds", number % 3),
            83 if index % 500 == 83 => {
                format!("ERROR dial tcp 10.0.{}.{}:5432: connect: connection refused", number % 250, number % 99)
            }
            90 if index % 1_000 == 90 => {
                format!("ERROR cannot render invoice {number}: template `invoice.html` is missing field `vat`")
            }
            95 if index == 3_095 => "ERROR checkout failed".to_owned(),
            5 => format!("INFO cache refreshed, {number} entries in {}ms", number % 80),
            6 => format!(
                "INFO session {:016x}{:016x} opened for user {number}",
                u64::from(number) << 20 | 0xabc,
                u64::from(number)
            ),
            other => {
                let (method, path, code) = match other % 10 {
                    0..=5 => ("GET", format!("/api/products/{number}"), 200),
                    6 => ("GET", format!("/api/carts/{number}"), 404),
                    7 => ("POST", "/api/orders".to_owned(), 201),
                    8 => ("PUT", format!("/api/carts/{number}/items/{}", number % 9), 200),
                    _ => ("GET", "/healthz".to_owned(), 200),
                };
                format!("INFO {method} {path} {code} {}ms trace={:08x}{:08x}", number % 300, number, index)
            }
        };
        log.push_str(&format!("{stamp} {line}\n"));
        lines += 1;
        if index == 3_095 {
            for frame in trace {
                log.push_str(frame);
                log.push('\n');
                lines += 1;
            }
        }
        index += 1;
    }
    log
}

#[tokio::test]
async fn a_log_of_5000_lines_costs_1500_tokens_with_every_error_in_it() {
    let log = five_thousand();
    assert_eq!(log.lines().count(), 5_000);
    let world = world(&[("shop_web-a_main.log", log.as_bytes())]);
    let answer = world.try_call("get_logs", pod("web-a", json!({}))).await.unwrap();
    let said = answer.structured.to_string();
    for word in [
        "payment p-<n> declined by bank-0: insufficient funds",
        "dial tcp <ip>: connect: connection refused",
        "cannot render invoice <n>: template `invoice.html` is missing field `vat`",
        "IllegalStateException: cart c-4711 has no currency",
        "com.example.shop.Cart.total(Cart.java:88)",
        "inventory.shop.svc:8080 slow",
        "GET /api/products/<n> 200",
        "GET /api/carts/<n> 404",
    ] {
        assert!(said.contains(word), "`{word}` is not in\n{}", answer.text);
    }
    assert_eq!(answer.structured["logs"][0]["read"], 5_000);
    let counts: u64 = answer.structured["patterns"]["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it[1].as_str().unwrap().parse::<u64>().unwrap())
        .sum();
    assert_eq!(counts, 5_000 - 4, "the lines of the stack trace are one entry with their head");
    tokens::hold(&answer, 1_500);
    assert!(answer.structured.get("omitted").is_none(), "every pattern is told");
}
