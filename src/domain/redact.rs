//! Hides secrets in everything that leaves the server.
//!
//! The value is masked and the key stays, so that a reader still sees that something was set. Shapes are those that are
//! secret wherever they stand; digests, ids and ARNs have shapes of their own and stay.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// What stands in place of a secret.
pub const MASK: &str = "[redacted]";

struct Shape {
    pattern: Regex,
    /// Text to keep before the mask, by the capture group `keep`.
    keeps: bool,
}

/// Linear-time patterns only; the order is from the most to the least specific.
static SHAPES: LazyLock<Vec<Shape>> = LazyLock::new(|| {
    let patterns = [
        // PEM blocks other than certificates and public keys.
        r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|\z)",
        // Tokens of EKS: a presigned URL anyone could use for a quarter of an hour.
        r"k8s-aws-v1\.[A-Za-z0-9_-]{20,}",
        // JSON Web Tokens, service-account tokens among them.
        r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
        // AWS access key ids; the secret belongs to them.
        r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
        // Tokens of well-known services.
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{50,}|glpat-[A-Za-z0-9_-]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk_live_[A-Za-z0-9]{16,})",
        // Signatures of presigned URLs.
        r"(?i)(?P<keep>\bX-Amz-(?:Signature|Security-Token|Credential)=)[^&\s]+",
        // Passwords in URLs: scheme://user:password@host.
        r"(?P<keep>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@]*:)[^\s@/]+(?P<after>@)",
        // Authorization headers.
        r"(?i)(?P<keep>\b(?:authorization|proxy-authorization)\b\W{1,4}(?:basic|bearer)\s+)[A-Za-z0-9+/=._~-]{6,}",
        r"(?i)(?P<keep>\bbearer\s+)[A-Za-z0-9+/=._~-]{20,}",
        // Credentials, where they are assigned: prose says `credentials: …` of things that are no secret.
        r#"(?i)(?P<keep>\b[a-z0-9_.-]*credentials?["']?\s{0,3}=\s{0,3}|"[a-z0-9_.-]*credentials?"\s{0,3}:\s{0,3})(?P<value>"[^"\n]+"|'[^'\n]+'|[^\s"',;&}\])]+)"#,
        // Assignments whose key says that the value is secret: key=value, key: value, "key":"value".
        r#"(?i)(?P<keep>\b[a-z0-9_.-]*(?:password|passwd|secret_?access_?key|client_?secret|api_?key|access_?token|auth_?token|refresh_?token|session_?token|private_?key|secret)s?["']?\s{0,3}[=:]\s{0,3})(?P<value>"[^"\n]+"|'[^'\n]+'|[^\s"',;&}\])]+)"#,
    ];
    patterns
        .iter()
        .filter_map(|pattern| Regex::new(pattern).ok())
        .map(|pattern| Shape { keeps: pattern.capture_names().flatten().any(|it| it == "keep"), pattern })
        .collect()
});

/// Masks the secrets of a text and counts them.
pub fn text(text: &str) -> (Cow<'_, str>, usize) {
    let mut text = Cow::Borrowed(text);
    let mut hidden = 0;
    for shape in SHAPES.iter() {
        if !shape.pattern.is_match(&text) {
            continue;
        }
        let mut here = 0;
        let masked = shape.pattern.replace_all(&text, |found: &Captures<'_>| {
            if !shape.keeps {
                here += 1;
                return MASK.to_owned();
            }
            let keep = found.name("keep").map_or("", |it| it.as_str());
            let after = found.name("after").map_or("", |it| it.as_str());
            match found.name("value") {
                Some(value) if !is_secret_value(value.as_str()) => found.get(0).map_or("", |it| it.as_str()).to_owned(),
                Some(value) => {
                    here += 1;
                    let quote =
                        value.as_str().chars().next().filter(|it| matches!(it, '"' | '\'')).map(String::from).unwrap_or_default();
                    format!("{keep}{quote}{MASK}{quote}")
                }
                None => {
                    here += 1;
                    format!("{keep}{MASK}{after}")
                }
            }
        });
        let masked = masked.into_owned();
        hidden += here;
        text = Cow::Owned(masked);
    }
    (text, hidden)
}

/// Whether the value of a secret-sounding key can be a secret at all: references, sizes and words of status are none.
fn is_secret_value(value: &str) -> bool {
    let bare = value.trim_matches(['"', '\'']);
    let word = bare.to_ascii_lowercase();
    !(bare.is_empty()
        || bare == MASK
        || bare.starts_with("[redacted")
        || bare.starts_with("arn:")
        || bare.starts_with('/')
        || bare.starts_with("${")
        || bare.starts_with("$(")
        || bare.starts_with('<')
        || matches!(
            word.as_str(),
            "true"
                | "false"
                | "null"
                | "none"
                | "nil"
                | "yes"
                | "no"
                | "not"
                | "missing"
                | "required"
                | "invalid"
                | "expired"
                | "***"
        )
        || bare.bytes().all(|it| it.is_ascii_digit()) && bare.len() < 4)
}

/// Masks the secrets in every string of a JSON value and counts them. Keys stay.
pub fn value(value: &mut Value) -> usize {
    match value {
        Value::String(content) => {
            let (masked, hidden) = text(content);
            if hidden > 0 {
                let masked = masked.into_owned();
                *content = masked;
            }
            hidden
        }
        Value::Array(items) => items.iter_mut().map(self::value).sum(),
        Value::Object(fields) => fields.values_mut().map(self::value).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(SHAPES.len(), 11);
    }

    #[test]
    fn secrets_are_masked_and_their_keys_stay() {
        for (input, output) in [
            ("password=hunter2 ok", "password=[redacted] ok"),
            (r#"{"db_password":"hunter2"}"#, r#"{"db_password":"[redacted]"}"#),
            ("postgres://app:hunter2@db:5432/x", "postgres://app:[redacted]@db:5432/x"),
            ("db_credentials=hunter2", "db_credentials=[redacted]"),
            ("key AKIAIOSFODNN7EXAMPLE used", "key [redacted] used"),
            ("Authorization: Bearer abcdefghijkl", "Authorization: Bearer [redacted]"),
            ("X-Amz-Signature=5bdfabcefa9b&x=1", "X-Amz-Signature=[redacted]&x=1"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "[redacted]"),
        ] {
            let (masked, hidden) = text(input);
            assert_eq!((masked.as_ref(), hidden), (output, 1), "{input}");
        }
    }

    #[test]
    fn look_alikes_stay() {
        for input in [
            "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "arn:aws:iam::111122223333:role/reader",
            r#"secret "ledger-db" not found"#,
            "configmap \"app\" not found",
            "1c0e1030-8985-5510-93a3-5923d7072109",
            "-----BEGIN CERTIFICATE-----\nMIIE\n-----END CERTIFICATE-----",
            "secret: arn:aws:secretsmanager:us-east-1:111122223333:secret:db",
            "password: required",
            "finds no AWS credentials: service account reader",
            "resourceVersion: 100007",
        ] {
            assert_eq!(text(input), (Cow::Borrowed(input), 0));
        }
    }
}
