//! Answers, and the Status documents of refused requests, worded as a real server words them.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::k8s::NOT_RECORDED;

/// Content type of documents.
pub(super) const JSON: &str = "application/json";
/// Content type of logs.
pub(super) const TEXT: &str = "text/plain";
/// Content type of the other prose.
pub(super) const PROSE: &str = "text/plain; charset=utf-8";

/// An answer before it goes on the wire.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) code: StatusCode,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// A document.
    pub(super) fn json(code: StatusCode, document: &impl Serialize) -> Self {
        Self::document(code, JSON, document)
    }

    /// A document of another media type.
    pub(super) fn document(code: StatusCode, content_type: &'static str, document: &impl Serialize) -> Self {
        match serde_json::to_vec(document) {
            Ok(body) => Self { code, content_type, body },
            Err(err) => Self::text(StatusCode::INTERNAL_SERVER_ERROR, PROSE, err.to_string()),
        }
    }

    /// Text.
    pub(super) fn text(code: StatusCode, content_type: &'static str, text: impl Into<Vec<u8>>) -> Self {
        Self { code, content_type, body: text.into() }
    }
}

/// 400.
pub(super) fn bad_request(message: impl Into<String>) -> Answer {
    failure(StatusCode::BAD_REQUEST, "BadRequest", message, None)
}

/// 404 of an object that a resource does not hold.
pub(super) fn not_found(group: &str, plural: &str, name: &str) -> Answer {
    let qualified = if group.is_empty() { plural.to_owned() } else { format!("{plural}.{group}") };
    let details = if group.is_empty() {
        json!({"name": name, "kind": plural})
    } else {
        json!({"name": name, "group": group, "kind": plural})
    };
    failure(StatusCode::NOT_FOUND, "NotFound", format!("{qualified} \"{name}\" not found"), Some(details))
}

/// 404 of what the snapshot does not hold although the cluster had it.
pub(super) fn not_recorded(message: impl Into<String>) -> Answer {
    failure(StatusCode::NOT_FOUND, NOT_RECORDED, message, None)
}

/// 404 of a resource that a served group does not have.
pub(super) fn unknown_resource() -> Answer {
    failure(StatusCode::NOT_FOUND, "NotFound", "the server could not find the requested resource", Some(json!({})))
}

/// 404 of a path that nothing serves.
pub(super) fn unknown_path() -> Answer {
    Answer::text(StatusCode::NOT_FOUND, PROSE, "404 page not found\n")
}

/// 405.
pub(super) fn method_not_allowed() -> Answer {
    let message = "the server does not allow this method on the requested resource";
    failure(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message, Some(json!({})))
}

/// 406.
pub(super) fn not_acceptable() -> Answer {
    failure(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", format!("only the following media types are accepted: {JSON}"), None)
}

/// 410 of a continue token that another state of the cluster gave.
pub(super) fn expired() -> Answer {
    let message = "The provided continue parameter is too old to display a consistent list result. \
                   You must start a new list without the continue parameter.";
    failure(StatusCode::GONE, "Expired", message, None)
}

fn failure(code: StatusCode, reason: &str, message: impl Into<String>, details: Option<Value>) -> Answer {
    let mut status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message.into(), "reason": reason, "code": code.as_u16(),
    });
    if let (Some(details), Value::Object(fields)) = (details, &mut status) {
        fields.insert("details".to_owned(), details);
    }
    Answer::json(code, &status)
}
