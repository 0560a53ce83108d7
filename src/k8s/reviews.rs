//! What an API server says about the caller: who it is, and what it may do.

use http::Request;
use http::header::CONTENT_TYPE;
use http_body_util::{BodyExt as _, Limited};
use kube::Client;
use kube::client::Body;
use kube::core::Status;
use serde::Deserialize;
use serde_json::{Value, json};

use super::map_error;
use crate::error::{ErrorKind, ToolError};

const IDENTITY: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const ACCESS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
/// Most bytes of a review.
const LIMIT: usize = 1 << 20;

/// Who the API server takes the caller for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// Name in the cluster.
    pub username: String,
    /// Groups in the cluster.
    pub groups: Vec<String>,
    /// ARN of the IAM identity behind it, where the cluster knows one.
    pub arn: Option<String>,
}

/// Asks the API server who the caller is.
///
/// # Errors
/// What the API server answers; `unreachable` when it does not.
pub async fn who_am_i(client: &Client) -> Result<User, ToolError> {
    #[derive(Deserialize)]
    struct UserInfo {
        #[serde(default)]
        username: String,
        #[serde(default)]
        groups: Vec<String>,
        #[serde(default)]
        extra: std::collections::BTreeMap<String, Vec<String>>,
    }
    let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}});
    let mut answer = post(client, IDENTITY, &review, "the identity").await?;
    let info = answer.pointer_mut("/status/userInfo").map(Value::take).unwrap_or_default();
    let info: UserInfo = serde_json::from_value(info)
        .map_err(|err| ToolError::new(ErrorKind::Upstream, format!("the identity: the review holds no user ({err})")))?;
    let arn = info.extra.get("arn").and_then(|it| it.first()).cloned();
    Ok(User { username: info.username, groups: info.groups, arn })
}

/// Whether the caller may use a verb on a resource, with its subresource after a slash, in every namespace.
///
/// # Errors
/// What the API server answers; `unreachable` when it does not.
pub async fn may(client: &Client, verb: &str, group: &str, resource: &str) -> Result<bool, ToolError> {
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let mut attributes = json!({"verb": verb, "group": group, "resource": resource});
    if let (Value::Object(fields), false) = (&mut attributes, subresource.is_empty()) {
        fields.insert("subresource".to_owned(), subresource.into());
    }
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "metadata": {},
        "spec": {"resourceAttributes": attributes},
    });
    let answer = post(client, ACCESS, &review, &format!("whether `{verb}` {resource} is allowed")).await?;
    Ok(answer.pointer("/status/allowed").and_then(Value::as_bool).unwrap_or(false))
}

async fn post(client: &Client, path: &str, review: &Value, thing: &str) -> Result<Value, ToolError> {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(review.to_string().into_bytes()))
        .map_err(|err| ToolError::new(ErrorKind::Internal, format!("{thing}: {err}")))?;
    let response = client.send(request).await.map_err(|err| map_error(&err, thing))?;
    let code = response.status();
    let body = Limited::new(response.into_body(), LIMIT).collect().await;
    let body = body.map_err(|err| ToolError::new(ErrorKind::Upstream, format!("{thing}: the review cannot be read ({err})")))?;
    let body = body.to_bytes();
    if code.is_success() {
        let broken =
            |err| ToolError::new(ErrorKind::Upstream, format!("{thing}: the API server's answer is broken JSON ({err})"));
        return serde_json::from_slice(&body).map_err(broken);
    }
    let mut status: Status = serde_json::from_slice(&body).unwrap_or_default();
    status.code = code.as_u16();
    if status.message.is_empty() {
        status.message = crate::domain::text::cut(String::from_utf8_lossy(&body).trim(), 200);
    }
    Err(map_error(&kube::Error::Api(Box::new(status)), thing))
}
