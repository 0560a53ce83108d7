//! Which line of a log tells why a process ended.

mod weigh;

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// The AWS SDK found no credentials.
    NoCredentials,
    /// A host name has no address.
    Unresolved(Option<Endpoint>),
    /// Nobody listens at an address.
    Refused(Option<Endpoint>),
    /// Nobody answers at an address.
    TimedOut(Option<Endpoint>),
    /// Some other error.
    Error,
    /// Nothing that sounds like an error.
    Other,
}

/// A host and, where the log tells it, a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Host name or address.
    pub host: String,
    /// Port.
    pub port: Option<String>,
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

const UNRESOLVED: &[&str] = &[
    "no such host",
    "name or service not known",
    "could not resolve host",
    "nxdomain",
    "failure in name resolution",
    "unknownhostexception",
    "could not translate host name",
    "name does not resolve",
    "nodename nor servname",
    "failed to lookup address",
    "nslookup: can't resolve",
    "host not found in upstream",
];
const REFUSED: &[&str] = &["connection refused", "actively refused"];
const TIMED_OUT: &[&str] =
    &["i/o timeout", "connection timed out", "no route to host", "context deadline exceeded", "connect timeout"];
// Codes of Node.js: `FileNotFoundError` has the letters of one of them. busybox quotes the host that it cannot resolve, while the
// bad address of EFAULT is one of memory.
static UNRESOLVED_CODE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r#"\b(?:ENOTFOUND|EAI_AGAIN)\b|\bbad address ['"][A-Za-z0-9]"#).ok());
static REFUSED_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\bECONNREFUSED\b").ok());
static TIMED_OUT_CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(?:ETIMEDOUT|EHOSTUNREACH)\b").ok());
const NO_CREDENTIALS: &[&str] = &[
    "unable to locate credentials",
    "nocredentialserror",
    "nocredentialproviders",
    "no ec2 imds role found",
    "unable to load credentials from any",
    "could not load credentials from any",
    "unable to load aws credentials",
    "failed to refresh cached credentials",
    "no providers in chain provided credentials",
    "credentials provider was not enabled",
    "error retrieving credentials from the instance profile",
    "unable to get iam security credentials",
    "missing credentials in config",
];

static ENDPOINTS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    // From the most telling spelling to the least; `h` is the host and `p` the port.
    let patterns = [
        r"host='(?P<h>[^']+)', port=(?P<p>\d+)",
        r"\blookup (?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*)",
        r"(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH) (?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*)(?::(?P<p>\d+))?",
        r#"(?i)(?:resolve host:?|translate host name|UnknownHostException:) ["']?(?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*)"#,
        r#"(?i)(?:bad address|can't (?:resolve|find)):? ["']?(?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*)"#,
        r#"host not found in upstream ["'](?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*)(?::(?P<p>\d+))?"#,
        r#"server at "(?P<h>[^"]+)"[^,]*, port (?P<p>\d+)"#,
        r"(?i)connect(?:ion)? to (?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*) port (?P<p>\d+)",
        r"://(?:[^\s/@]*@)?(?P<h>[A-Za-z0-9][A-Za-z0-9_.-]*)(?::(?P<p>\d+))?",
        r"(?:^|[\s=(\[/'@])(?P<h>\d{1,3}(?:\.\d{1,3}){3}):(?P<p>\d{2,5})\b",
        r#"(?:^|[\s=("'\[/@])(?P<h>[A-Za-z](?:[A-Za-z0-9_-]*\.)*[A-Za-z0-9-]*[A-Za-z0-9]):(?P<p>\d{2,5})\b"#,
        r#"(?i)\bhost(?:name)?["']?[=:] ?["']?(?P<h>[A-Za-z][A-Za-z0-9_.-]*)"#,
        r"\b(?P<h>[a-z0-9-]+(?:\.[a-z0-9-]+)*\.svc(?:\.[a-z0-9-]+)*)",
    ];
    patterns.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect()
});
static EXCEPTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(?:Caused by: )?[A-Za-z_][\w.$]*(?:Error|Exception|Failure)\b").ok());
// The name of an exception counts wherever it stands.
static ERROR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i:\b(?:error|err|exception|failed|failure|cannot|could not|unable to|denied|undefined)\b)|^E\d{4} |\w(?:Error|Exception)\b",
    )
    .ok()
});
static STAMP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?\]?\s+").ok());
// Exactly one blank divides the time from the line, whose own indentation is kept.
static RUNTIME_STAMP: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d) ").ok());

fn hits(pattern: &LazyLock<Option<Regex>>, text: &str) -> bool {
    pattern.as_ref().is_some_and(|it| it.is_match(text))
}

/// A line without the time that the container runtime puts before it where a log is read with timestamps.
fn unstamped(line: &str) -> &str {
    let may_be = line.as_bytes().first().is_some_and(u8::is_ascii_digit);
    let end = RUNTIME_STAMP.as_ref().filter(|_| may_be).and_then(|it| it.find(line)).map_or(0, |it| it.end());
    line.get(end..).unwrap_or_default()
}

/// A line without the time that the program itself wrote.
fn without_own_stamp(line: &str) -> &str {
    let end = STAMP.as_ref().and_then(|it| it.find(line)).map_or(0, |it| it.end());
    line.get(end..).unwrap_or_default()
}

/// The line that tells most, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deciding<'a> {
    /// The line as it stands in the log.
    pub line: &'a str,
    /// What it says.
    pub class: Class,
}

/// The line of a log that tells most about its end; the last line when none sounds like an error.
pub fn deciding(text: &str) -> Option<Deciding<'_>> {
    let lines = told(text);
    match weigh::best(&lines, text) {
        Some((index, class)) => lines.get(index).map(|line| Deciding { line, class }),
        None => lines.last().map(|line| Deciding { line, class: Class::Other }),
    }
}

/// The lines after a line of a log that say what it leaves open, at most two.
pub fn continuation<'a>(text: &'a str, line: &str) -> Vec<&'a str> {
    let lines = told(text);
    lines.iter().rposition(|it| *it == line).map_or_else(Vec::new, |index| weigh::continuation(&lines, index))
}

fn told(text: &str) -> Vec<&str> {
    // A blank line may have a time, too.
    text.lines().filter(|it| !unstamped(it).trim().is_empty()).collect()
}

/// What a line says of a name that was to be resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTrouble {
    /// The name, where the line has it.
    pub host: Option<String>,
    /// The line.
    pub line: String,
    /// Whether DNS answered, that there is no such name; otherwise it gave no answer or failed.
    pub answered: bool,
}

static NO_ANSWER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let says = [
        r"lookup \S+(?: on \S+)?: .*(?:i/o timeout|server misbehaving|connection refused|operation was canceled|deadline exceeded)",
        r":53: (?:i/o timeout|read: connection refused)",
        r"EAI_AGAIN",
        r"temporary failure in name resolution",
        r"no servers could be reached",
        r"\bSERVFAIL\b",
        r"try again later.*resol|resol.*try again",
        r"dns (?:query|request|lookup|resolution)[^,;]*(?:timed out|timeout)",
        // Dependencies and conflicts are resolved, too.
        r"(?:\bdns\b|\bhost ?names?\b|\bdomain\b|nameserver|getaddrinfo|name resolution)[^,;]*resolv\w*[^,;]*(?:timed out|timeout)",
        r"resolv\w*[^,;]*(?:\bdns\b|\bhost(?: ?name)?s?\b|\bdomain\b|nameserver|getaddrinfo|\.svc\b)[^,;]*(?:timed out|timeout)",
    ];
    Regex::new(&format!("(?i){}", says.join("|"))).ok()
});

/// The trouble with a name that a line tells.
pub fn name_trouble(deciding: &Deciding<'_>) -> Option<NameTrouble> {
    let unanswered = NO_ANSWER.as_ref().is_some_and(|it| it.is_match(deciding.line));
    let host = match &deciding.class {
        Class::Unresolved(endpoint) | Class::TimedOut(endpoint) | Class::Refused(endpoint) => endpoint.as_ref(),
        _ => None,
    };
    let unresolved = matches!(deciding.class, Class::Unresolved(_));
    // An address is no name; only where the line speaks of port 53 it is the server that was asked.
    let address = host.is_some_and(|it| it.host.parse::<std::net::IpAddr>().is_ok());
    if address && !deciding.line.contains(":53") {
        return None;
    }
    let host = host.filter(|_| !address);
    (unanswered || unresolved).then(|| NameTrouble {
        host: host.map(|it| it.host.clone()),
        line: deciding.line.to_owned(),
        answered: !unanswered,
    })
}

/// The last line of this class.
pub fn last_of(text: &str, fits: impl Fn(&str) -> bool) -> Option<&str> {
    text.lines().rev().find(|it| fits(it))
}

/// Whether a line says that the AWS SDK found no credentials.
pub fn lacks_credentials(line: &str) -> bool {
    let lower = line.to_lowercase();
    NO_CREDENTIALS.iter().any(|it| lower.contains(it))
}

/// Whether a line tells that a call of AWS failed for who called: no credentials, no role, or not the one that was meant.
pub fn is_about_identity(line: &str) -> bool {
    let lower = line.to_lowercase();
    let words = ["assumerolewithwebidentity", "nosuchentity", "is not authorized to perform", "invalididentitytoken"];
    lacks_credentials(line) || words.iter().any(|it| lower.contains(it))
}

/// What a line says, without the wrapping of the logger: for sentences, not for evidence.
pub fn said(line: &str) -> String {
    let line = unstamped(line).trim();
    let message = json_message(line).or_else(|| logfmt_message(line));
    let plain = message.unwrap_or_else(|| without_own_stamp(line).to_owned());
    let clean = crate::domain::text::clean(&plain).replace('\n', " ");
    crate::domain::text::cut(clean.trim(), 240)
}

fn json_message(line: &str) -> Option<String> {
    let Value::Object(fields) = serde_json::from_str(line).ok()? else { return None };
    let text = |keys: &[&str]| keys.iter().find_map(|key| fields.get(*key).and_then(Value::as_str)).map(str::to_owned);
    let message = text(&["msg", "message", "event"]);
    let error = text(&["err", "error", "exception", "cause", "reason"]);
    match (message, error) {
        (Some(message), Some(error)) if !message.contains(&error) => Some(format!("{message}: {error}")),
        (message, error) => message.or(error),
    }
}

fn logfmt_message(line: &str) -> Option<String> {
    let quoted = |key: &str| {
        let (_, rest) = line.split_once(&format!("{key}=\""))?;
        let end = rest.char_indices().scan(false, |escaped, (index, it)| {
            let end = it == '"' && !*escaped;
            *escaped = it == '\\' && !*escaped;
            Some((index, end))
        });
        let end = end.filter(|(_, end)| *end).map(|(index, _)| index).next()?;
        rest.get(..end).map(|it| it.replace("\\\"", "\""))
    };
    let message = quoted(" msg").or_else(|| quoted(" message"))?;
    match quoted(" err").or_else(|| quoted(" error")) {
        Some(error) => Some(format!("{message}: {error}")),
        None => Some(message),
    }
}

fn classify(line: &str, text: &str) -> Class {
    let lower = line.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|it| lower.contains(it));
    if has(NO_CREDENTIALS) {
        Class::NoCredentials
    } else if has(UNRESOLVED) || hits(&UNRESOLVED_CODE, line) {
        Class::Unresolved(endpoint(line, text, true))
    } else if has(REFUSED) || hits(&REFUSED_CODE, line) {
        Class::Refused(endpoint(line, text, false))
    } else if has(TIMED_OUT) || hits(&TIMED_OUT_CODE, line) {
        Class::TimedOut(endpoint(line, text, false))
    } else if hits(&ERROR, line) || hits(&EXCEPTION, line) {
        Class::Error
    } else {
        Class::Other
    }
}

fn endpoint(line: &str, text: &str, named: bool) -> Option<Endpoint> {
    for pattern in ENDPOINTS.iter() {
        for found in pattern.captures_iter(line) {
            let Some(host) = found.name("h").map(|it| it.as_str().trim_end_matches(['.', ':'])) else { continue };
            let address = host.bytes().all(|it| it.is_ascii_digit() || it == b'.');
            if host.is_empty() || (named && address) || is_source_file(host) {
                continue;
            }
            let port = found.name("p").map(|it| it.as_str().to_owned()).or_else(|| port_of(host, text));
            return Some(Endpoint { host: host.to_owned(), port });
        }
    }
    None
}

/// The port that some line names together with a host.
fn port_of(host: &str, text: &str) -> Option<String> {
    for separator in [":", " port ", "', port=", "\",\"port\":", " port="] {
        for (index, _) in text.match_indices(host) {
            let rest = text.get(index + host.len()..).and_then(|it| it.strip_prefix(separator));
            let digits: String = rest.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
            if (2..=5).contains(&digits.len()) {
                return Some(digits);
            }
        }
    }
    None
}

/// `main.go:42` looks like a host with a port.
fn is_source_file(host: &str) -> bool {
    let extension = host.rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(
        extension,
        "go" | "py"
            | "js"
            | "ts"
            | "mjs"
            | "cjs"
            | "java"
            | "kt"
            | "rb"
            | "rs"
            | "php"
            | "cs"
            | "c"
            | "cc"
            | "cpp"
            | "scala"
            | "ex"
            | "sh"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> String {
        match deciding(text).unwrap().class {
            Class::Unresolved(Some(it)) => format!("unresolved {it}"),
            Class::Refused(Some(it)) => format!("refused {it}"),
            Class::TimedOut(Some(it)) => format!("timeout {it}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn hosts_and_ports_are_named_in_every_language() {
        for (text, expected) in [
            ("dial tcp: lookup db.shop.svc on 172.20.0.10:53: no such host", "unresolved db.shop.svc"),
            (
                "connecting to db.shop.svc:5432\nfatal: dial tcp: lookup db.shop.svc on 172.20.0.10:53: no such host",
                "unresolved db.shop.svc:5432",
            ),
            ("Error: getaddrinfo ENOTFOUND cache.shop.svc.cluster.local:6379", "unresolved cache.shop.svc.cluster.local:6379"),
            ("java.net.UnknownHostException: broker-1", "unresolved broker-1"),
            ("main.go:42: dial tcp 10.0.3.7:5432: connect: connection refused", "refused 10.0.3.7:5432"),
            ("connect ECONNREFUSED 127.0.0.1:3306", "refused 127.0.0.1:3306"),
            (r#"psql: error: connection to server at "db" (10.0.0.3), port 5432 failed: Connection refused"#, "refused db:5432"),
            (
                "HTTPConnectionPool(host='api', port=8080): Max retries exceeded: [Errno -2] Name or service not known",
                "unresolved api:8080",
            ),
            (r#"Get "http://prices:8080/x": dial tcp 10.1.1.1:8080: i/o timeout"#, "timeout prices:8080"),
            ("botocore.exceptions.NoCredentialsError: Unable to locate credentials", "NoCredentials"),
        ] {
            assert_eq!(named(text), expected, "{text}");
        }
    }

    #[test]
    fn the_last_real_error_is_chosen_over_noise() {
        let log = "INFO starting\nERROR cannot read /etc/app.yaml: key `port` is a string\nINFO shutting down\n";
        assert_eq!(deciding(log).unwrap().line, "ERROR cannot read /etc/app.yaml: key `port` is a string");
        let traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1\n    raise ValueError('x')\nValueError: x\n";
        assert_eq!(deciding(traceback).unwrap().line, "ValueError: x");
        assert_eq!(deciding("a\nb\n").unwrap(), Deciding { line: "b", class: Class::Other });
        assert_eq!(deciding("\n \n"), None);
    }

    #[test]
    fn sentences_lose_the_wrapping_of_loggers() {
        for (line, expected) in [
            (r#"{"level":"error","msg":"cannot start","err":"bad port"}"#, "cannot start: bad port"),
            (r#"time=2026-11-23T09:00:00Z level=error msg="cannot \"start\"" err="bad port""#, r#"cannot "start": bad port"#),
            ("2026-11-23T09:00:00.123Z ERROR boom", "ERROR boom"),
        ] {
            assert_eq!(said(line), expected);
        }
    }
}
