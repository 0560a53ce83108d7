//! Lines that are made of fields: JSON and logfmt. What such a line says stands in few of them; the rest are ids and
//! times that differ from line to line.

use serde_json::{Map, Value};

use super::level::{self, Level};
use super::stamp;

const TIME: &[&str] = &["time", "ts", "timestamp", "@timestamp", "t", "datetime", "date", "asctime", "@t", "eventTime"];
const LEVEL: &[&str] = &["level", "lvl", "severity", "levelname", "log.level", "@level", "loglevel", "LogLevel", "Level", "@l"];
const MESSAGE: &[&str] = &["msg", "message", "Message", "@message", "event", "short_message", "log", "text", "@m", "@mt", "body"];
const ERROR: &[&str] =
    &["err", "error", "Error", "exception", "Exception", "cause", "reason", "error.message", "exception.message", "@x"];
const STACK: &[&str] =
    &["stacktrace", "stack", "stack_trace", "error.stack_trace", "exception.stacktrace", "exc_info", "traceback"];
/// Fields that tell one kind of request from another.
const REQUEST: &[&str] =
    &["method", "path", "url", "uri", "route", "target", "status", "status_code", "statusCode", "code", "response_code"];

/// What the fields of a line say.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) time: Option<jiff::Timestamp>,
    pub(super) level: Option<Level>,
    pub(super) message: String,
    pub(super) stack: Option<String>,
    /// Whether there are fields that the message does not tell.
    pub(super) more: bool,
}

/// What a JSON line says; `None` where the line is no JSON object.
pub(super) fn json(line: &str) -> Option<Said> {
    let line = line.trim();
    if !line.starts_with('{') || !line.ends_with('}') {
        return None;
    }
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else { return None };
    let mut said = said(&Json(&fields));
    // An error that is an object holds its own stack.
    said.stack = said.stack.or_else(|| {
        let error = ERROR.iter().find_map(|it| fields.get(*it)?.as_object())?;
        STACK.iter().find_map(|it| error.get(*it)?.as_str()).map(str::to_owned)
    });
    Some(said)
}

/// What a logfmt line says; `None` where the line is something else.
pub(super) fn logfmt(line: &str) -> Option<Said> {
    let pairs = pairs(line)?;
    let named = |keys: &[&str]| pairs.iter().any(|(key, _)| keys.contains(key));
    (pairs.len() >= 2 && (named(MESSAGE) || named(ERROR) || named(LEVEL))).then(|| said(&Pairs(&pairs)))
}

/// The message, error and request of a structured klog line: `"Failed to sync" err="…" pod="ns/name"`.
pub(super) fn quoted_head(text: &str) -> Option<(String, bool)> {
    let (message, rest) = unquote(text)?;
    let pairs = pairs(rest.trim_start()).unwrap_or_default();
    let fields = Pairs(&pairs);
    Some((compose(&message, fields.first(ERROR).as_deref(), &fields), fields.has_more()))
}

/// Fields by name, whatever the format.
trait Fields {
    /// The text of a field.
    fn text(&self, key: &str) -> Option<String>;

    /// Every field in order.
    fn all(&self) -> Vec<(String, String)>;

    /// Whether there are fields beside those that every logger writes.
    fn has_more(&self) -> bool;

    /// The first of these fields that says something.
    fn first(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|it| self.text(it)).filter(|it| !it.is_empty())
    }
}

struct Json<'a>(&'a Map<String, Value>);
struct Pairs<'a>(&'a [(&'a str, String)]);

impl Fields for Json<'_> {
    fn text(&self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            // Errors are often objects of a type and a message.
            Value::Object(fields) => {
                let text = |keys: &[&str]| keys.iter().find_map(|it| fields.get(*it)?.as_str());
                match (text(&["type", "name", "class", "kind"]), text(&["message", "msg", "reason", "error"])) {
                    (Some(kind), Some(message)) => Some(format!("{kind}: {message}")),
                    (kind, message) => message.or(kind).map(str::to_owned),
                }
            }
            Value::Null | Value::Array(_) => None,
        }
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.keys().filter_map(|key| Some((key.clone(), self.text(key)?))).collect()
    }

    fn has_more(&self) -> bool {
        self.0.keys().any(|it| is_own(it))
    }
}

impl Fields for Pairs<'_> {
    fn text(&self, key: &str) -> Option<String> {
        self.0.iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone())
    }

    fn all(&self) -> Vec<(String, String)> {
        self.0.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
    }

    fn has_more(&self) -> bool {
        self.0.iter().any(|(key, _)| is_own(key))
    }
}

/// Whether a field is the program's own and not one of those that every logger writes.
fn is_own(key: &str) -> bool {
    ![TIME, LEVEL, MESSAGE, ERROR, REQUEST].iter().any(|it| it.contains(&key))
}

fn said(fields: &impl Fields) -> Said {
    let message = fields.first(MESSAGE).unwrap_or_default();
    let error = fields.first(ERROR).filter(|it| !matches!(it.as_str(), "null" | "<nil>" | "false" | "none"));
    let stack = fields.first(STACK).filter(|it| it.contains('\n'));
    Said {
        time: fields.first(TIME).and_then(|it| stamp::of_field(&it)),
        level: fields.first(LEVEL).and_then(|it| level::of_word(&it)),
        message: compose(&message, error.as_deref(), fields),
        stack,
        more: fields.has_more(),
    }
}

/// One text of what tells lines apart: message, error, and what was requested with which result.
fn compose(message: &str, error: Option<&str>, fields: &impl Fields) -> String {
    let mut text = message.trim().replace('\n', " ");
    if let Some(error) = error.filter(|it| !message.contains(*it)) {
        let first = error.lines().next().unwrap_or_default();
        text = if text.is_empty() { first.to_owned() } else { format!("{text}: {first}") };
    }
    for key in REQUEST {
        if let Some(value) = fields.text(key).filter(|it| !it.is_empty() && !text.contains(it.as_str())) {
            text.push_str(&format!(" {key}={}", value.lines().next().unwrap_or_default()));
        }
    }
    if text.trim().is_empty() {
        // A line that has no message is told by its fields.
        let told = fields.all().into_iter().filter(|(key, _)| !TIME.contains(&key.as_str()) && !LEVEL.contains(&key.as_str()));
        text = told.take(12).map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ");
    }
    text.trim().to_owned()
}

/// Reads `key=value` pairs with quoted values; `None` where something else stands between them.
fn pairs(line: &str) -> Option<Vec<(&str, String)>> {
    let mut rest = line.trim();
    let mut pairs = Vec::new();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ', '"'])?;
        let (key, after) = rest.split_at(end);
        let after = after.strip_prefix('=')?;
        if key.is_empty() || !key.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.' | b'-' | b'@' | b'/')) {
            return None;
        }
        let (value, next) = match unquote(after) {
            Some((value, next)) => (value, next),
            None => {
                let (value, next) = after.split_at(after.find(' ').unwrap_or(after.len()));
                (value.to_owned(), next)
            }
        };
        pairs.push((key, value));
        rest = next.trim_start();
    }
    Some(pairs)
}

/// The text in quotes at the beginning, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut value = String::new();
    let mut escaped = false;
    for (index, character) in inner.char_indices() {
        match (character, escaped) {
            ('"', false) => return Some((value, inner.get(index + 1..)?)),
            ('\\', false) => escaped = true,
            ('n' | 't', true) => {
                value.push(if character == 'n' { '\n' } else { ' ' });
                escaped = false;
            }
            _ => {
                value.push(character);
                escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structured_lines_say_message_error_and_request() {
        for (line, expected) in [
            (r#"{"level":"error","msg":"cannot start","err":"bad port","pid":7}"#, "cannot start: bad port"),
            (
                r#"{"msg":"request","method":"GET","path":"/orders/7","status":200,"ms":12,"trace":"ab"}"#,
                "request method=GET path=/orders/7 status=200",
            ),
            (r#"{"severity":"ERROR","message":"x","error":{"type":"IOException","message":"closed"}}"#, "x: IOException: closed"),
            (r#"{"level":"info","cpu":1,"memory":2}"#, "cpu=1 memory=2"),
            (r#"{"msg":"ok","error":null}"#, "ok"),
        ] {
            assert_eq!(json(line).unwrap().message, expected, "{line}");
        }
        for (line, expected) in [
            (
                r#"level=warn msg="cannot reach \"relay\"" error="no such host" attempt=1/5"#,
                r#"cannot reach "relay": no such host"#,
            ),
            ("ts=1795424401.5 level=info msg=started", "started"),
        ] {
            assert_eq!(logfmt(line).unwrap().message, expected, "{line}");
        }
        for other in ["plain text", "a=b", "a=b c", r#"a="b c=d"#, "= x", r#"say "a=b" msg=x"#] {
            assert!(logfmt(other).is_none(), "{other}");
        }
        assert!(json(r#"{"time":"x","msg":"a","order":7}"#).unwrap().more && !json(r#"{"time":"x","msg":"a"}"#).unwrap().more);
        assert!(json("{not json}").is_none() && json("[1]").is_none());
        assert_eq!(json(r#"{"level":"error"}"#).unwrap().level, Some(Level::Error));
        assert_eq!(json(r#"{"level":50,"msg":"x"}"#).unwrap().level, Some(Level::Error));
    }
}
