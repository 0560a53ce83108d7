//! The live path against a stand-in on loopback: what AWS refuses becomes an error that says what to do.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::{binary, read};

/// What the stand-in answers to each request: status, error code of AWS, body.
type Answer = fn(usize, &str) -> (u16, &'static str, String);

/// A stand-in that answers each connection once. Returns its address and the number of requests so far.
fn stand_in(answer: Answer) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|it| it == b"\r\n\r\n") {
                let count = stream.read(&mut buffer).unwrap_or(0);
                if count == 0 {
                    break;
                }
                request.extend_from_slice(&buffer[..count]);
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let (status, code, body) = answer(counter.fetch_add(1, Ordering::SeqCst), &request);
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nx-amzn-errortype: {code}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (address, requests)
}

/// Calls a tool with static credentials and every service at `endpoint`.
fn call(endpoint: &str, tool: &str, arguments: &str, with_credentials: bool) -> (i32, String, Value) {
    let mut command = binary();
    command.args(["call", tool, arguments, "--region", "eu-west-1", "--call-timeout", "30"]).env("AWS_ENDPOINT_URL", endpoint);
    if with_credentials {
        command.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "secret");
    }
    let (code, output, error) = read(command.output().unwrap());
    (code, output, serde_json::from_str(&error).unwrap_or(Value::String(error)))
}

fn refuses(answer: Answer, kind: &str, words: &[&str]) {
    let (address, _) = stand_in(answer);
    let (code, output, error) = call(&format!("http://{address}"), "list_clusters", "{}", true);
    assert_eq!((code, output.as_str()), (1, ""), "{error:#}");
    assert_eq!(error["kind"], kind, "{error:#}");
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in {text}");
    }
    assert!(error["hint"].is_string(), "{error:#}");
}

#[test]
fn a_denied_action_is_named_with_the_identity() {
    refuses(
        |_, _| {
            let message = "User: arn:aws:sts::111122223333:assumed-role/reader/x is not authorized to perform: eks:ListClusters";
            (403, "AccessDeniedException", format!("{{\"message\": \"{message}\"}}"))
        },
        "access_denied",
        &["eks:ListClusters", "arn:aws:sts::111122223333:assumed-role/reader/x", "eks-mcp permissions --iam"],
    );
    // A refusal that does not name the identity is completed from STS.
    refuses(
        |_, request| {
            if request.starts_with("POST / ") {
                let body = "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::111122223333:user/alice</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>";
                return (200, "", body.to_owned());
            }
            (403, "AccessDeniedException", "{\"message\": \"no\"}".to_owned())
        },
        "access_denied",
        &["eks:ListClusters", "user/alice"],
    );
}

#[test]
fn expired_credentials_say_how_to_renew_them() {
    refuses(
        |_, _| (403, "ExpiredTokenException", "{\"message\": \"the token has expired\"}".to_owned()),
        "credentials",
        &["expired", "aws sso login"],
    );
}

#[test]
fn throttling_is_retried_and_then_said() {
    refuses(
        |_, _| (429, "TooManyRequestsException", "{\"message\": \"slow down\"}".to_owned()),
        "throttled",
        &["eks:ListClusters", "slow down"],
    );
    let (address, requests) = stand_in(|index, _| match index {
        0 | 1 => (429, "TooManyRequestsException", "{\"message\": \"slow down\"}".to_owned()),
        _ => (200, "", "{\"clusters\": []}".to_owned()),
    });
    let (code, output, error) = call(&format!("http://{address}"), "list_clusters", "{}", true);
    assert_eq!(code, 0, "{error:#}");
    assert!(output.contains("0 clusters in eu-west-1"), "{output}");
    assert_eq!(requests.load(Ordering::SeqCst), 3);
}

#[test]
fn no_credentials_is_an_error_of_the_call() {
    let (address, _) = stand_in(|_, _| (500, "", String::new()));
    let (code, _, error) = call(&format!("http://{address}"), "list_clusters", "{}", false);
    assert_eq!((code, &error["kind"]), (1, &Value::from("credentials")), "{error:#}");
    assert!(error["message"].as_str().unwrap().contains("no AWS credentials"), "{error:#}");
}

#[test]
fn an_endpoint_that_nobody_answers_is_unreachable() {
    // A port that was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, _, error) = call(&format!("http://{closed}"), "list_clusters", "{}", true);
    assert_eq!((code, &error["kind"]), (1, &Value::from("unreachable")), "{error:#}");
}

/// DescribeCluster of a cluster whose API server is at `endpoint`.
fn cluster(endpoint: &str, authority: &str) -> String {
    serde_json::json!({"cluster": {
        "name": "live", "arn": "arn:aws:eks:eu-west-1:111122223333:cluster/live", "status": "ACTIVE", "version": "1.35",
        "endpoint": endpoint, "certificateAuthority": {"data": authority},
        "resourcesVpcConfig": {"endpointPublicAccess": false, "endpointPrivateAccess": true},
    }})
    .to_string()
}

#[test]
fn a_private_api_server_that_cannot_be_reached_says_so_instead_of_hanging() {
    let (address, _) = stand_in(|_, _| {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        (200, "", cluster(&format!("https://{closed}"), ""))
    });
    let arguments = r#"{"cluster": "live", "kind": "Pod"}"#;
    let (code, _, error) = call(&format!("http://{address}"), "list_resources", arguments, true);
    assert_eq!((code, &error["kind"]), (1, &Value::from("unreachable")), "{error:#}");
    assert!(error["hint"].as_str().unwrap().contains("private endpoint"), "{error:#}");
}

#[test]
fn a_certificate_authority_that_is_none_is_named() {
    let (address, _) = stand_in(|_, _| (200, "", cluster("https://127.0.0.1:1", "bm8gY2VydGlmaWNhdGU=")));
    let (code, _, error) = call(&format!("http://{address}"), "list_resources", r#"{"cluster": "live", "kind": "Pod"}"#, true);
    assert_eq!(code, 1);
    assert!(error["message"].as_str().unwrap().contains("certificate authority"), "{error:#}");
}

#[test]
fn contexts_of_a_kubeconfig_are_clusters_for_users_without_iam() {
    let (address, _) = stand_in(|_, request| {
        if !request.starts_with("GET /api/v1/pods?limit=500 ")
            || !request.to_lowercase().contains("authorization: bearer static-token")
        {
            return (404, "", "{\"kind\": \"Status\", \"message\": \"unexpected\"}".to_owned());
        }
        let pod = serde_json::json!({"metadata": {"name": "web-1", "namespace": "shop"}, "status": {"phase": "Failed"}});
        (200, "", serde_json::json!({"kind": "PodList", "items": [pod]}).to_string())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\n\
         users: [{{name: u, user: {{token: static-token}}}}]\ncontexts: [{{name: home-lab, context: {{cluster: c, user: u}}}}]\n"
    );
    std::fs::write(&file, config).unwrap();
    let mut command = binary();
    command.args(["call", "list_resources", r#"{"cluster": "home-lab", "kind": "Pod"}"#, "--kubeconfig"]).arg(&file);
    let (code, output, error) = read(command.output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(output.contains("web-1"), "{output}");
    let mut command = binary();
    command.args(["call", "list_resources", r#"{"cluster": "home-lab", "kind": "Pod"}"#, "--kubeconfig", "/no/such/file"]);
    let (code, _, error) = read(command.output().unwrap());
    assert_eq!(code, 1);
    assert!(error.contains("kubeconfig"), "{error}");
}
