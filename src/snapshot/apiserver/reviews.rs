//! Reviews of the caller's own identity and rights: whoever reads a snapshot may read all of it.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::status::{self, Answer};

const IDENTITY: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const ACCESS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
const RULES: &str = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";

/// Whether a path is that of a review.
pub(super) fn is_review(path: &str) -> bool {
    [IDENTITY, ACCESS, RULES].contains(&path)
}

/// Answers a review.
pub(super) fn answer(path: &str, body: &[u8], now: Timestamp) -> Answer {
    let request: Value = match serde_json::from_slice(body) {
        Ok(request) if is_review(path) => request,
        Ok(_) => return status::method_not_allowed(),
        Err(err) => return status::bad_request(format!("the object provided is unrecognized: {err}")),
    };
    let (group, kind, status) = match path {
        IDENTITY => {
            let user = json!({"username": "snapshot", "groups": ["system:authenticated"]});
            ("authentication.k8s.io", "SelfSubjectReview", json!({"userInfo": user}))
        }
        ACCESS => ("authorization.k8s.io", "SelfSubjectAccessReview", json!({"allowed": true})),
        _ => {
            let everything = json!([{"verbs": ["get", "list"], "apiGroups": ["*"], "resources": ["*"]}]);
            let status = json!({"resourceRules": everything, "nonResourceRules": [], "incomplete": false});
            ("authorization.k8s.io", "SelfSubjectRulesReview", status)
        }
    };
    let mut review = json!({"kind": kind, "apiVersion": format!("{group}/v1"), "metadata": {}});
    if let Value::Object(fields) = &mut review {
        if let Some(spec) = request.get("spec") {
            fields.insert("spec".to_owned(), spec.clone());
        }
        if path == IDENTITY {
            fields.insert("metadata".to_owned(), json!({"creationTimestamp": now}));
        }
        fields.insert("status".to_owned(), status);
    }
    Answer::json(StatusCode::CREATED, &review)
}
