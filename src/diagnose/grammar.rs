//! Grammars of messages that Kubernetes and container runtimes write: scheduler, image pulls, runtimes.

use std::sync::LazyLock;

use regex::Regex;

/// One reason of the scheduler's histogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Nodes that it keeps out.
    pub nodes: u32,
    /// What it is.
    pub kind: ReasonKind,
    /// Its text.
    pub text: String,
}

/// What keeps a node out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReasonKind {
    /// `Insufficient cpu` and its like, with the resource.
    Insufficient(String),
    /// A taint, named by versions up to about 1.34.
    Taint(Option<String>),
    /// Node selector or required node affinity.
    Selector,
    /// The node is cordoned.
    Cordoned,
    /// The node affinity of a persistent volume.
    VolumeAffinity,
    /// Anything else.
    Other,
}

/// A scheduler message, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Nodes of the cluster.
    pub nodes: u32,
    /// What kept the scheduler from looking at nodes at all.
    pub before: Option<String>,
    /// What kept it from each node.
    pub reasons: Vec<Reason>,
}

impl Refusal {
    /// The nodes that a kind of reason keeps out.
    pub fn count(&self, fits: impl Fn(&ReasonKind) -> bool) -> u32 {
        self.reasons.iter().filter(|it| fits(&it.kind)).map(|it| it.nodes).sum()
    }
}

/// Parses `0/5 nodes are available: 1 …, 4 …. preemption: …` of any version.
pub fn refusal(message: &str) -> Option<Refusal> {
    let rest = message.trim().strip_prefix("0/")?;
    let (nodes, rest) = rest.split_once(" nodes are available")?;
    let nodes = nodes.parse().ok()?;
    let rest = rest.trim_start_matches(':').trim();
    let mut refusal = Refusal { nodes, before: None, reasons: Vec::new() };
    // What other nodes say after a preemption was tried repeats the histogram in other words.
    let head = rest.split_once("preemption:").map_or(rest, |(head, _)| head);
    for sentence in sentences(head) {
        let parts = reasons(sentence);
        if parts.is_empty() && refusal.reasons.is_empty() && refusal.before.is_none() {
            refusal.before = Some(sentence.to_owned());
        }
        refusal.reasons.extend(parts);
    }
    Some(refusal)
}

/// Splits at full stops that end a sentence; domain names have full stops inside.
fn sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let (mut start, mut depth) = (0, 0_i32);
    for (index, character) in text.char_indices() {
        match character {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            '.' if depth <= 0 => {
                let (head, tail) = text.split_at(index + 1);
                if tail.is_empty() || tail.starts_with(' ') {
                    sentences.push(head.get(start..index).unwrap_or_default().trim());
                    start = index + 1;
                }
            }
            _ => {}
        }
    }
    sentences.push(text.get(start..).unwrap_or_default().trim().trim_end_matches(','));
    sentences.retain(|it| !it.is_empty());
    sentences
}

/// Splits `1 a, 2 b` at commas that a number follows, but not within the braces of a taint.
fn reasons(sentence: &str) -> Vec<Reason> {
    let mut parts: Vec<&str> = Vec::new();
    let (mut start, mut depth) = (0, 0_i32);
    for (index, character) in sentence.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth <= 0 && sentence.get(index + 1..).is_some_and(starts_with_count) => {
                parts.push(sentence.get(start..index).unwrap_or_default());
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(sentence.get(start..).unwrap_or_default());
    parts.into_iter().filter_map(reason).collect()
}

fn starts_with_count(text: &str) -> bool {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && text.as_bytes().get(digits) == Some(&b' ')
}

fn reason(part: &str) -> Option<Reason> {
    let (nodes, text) = part.trim().split_once(' ')?;
    Some(Reason { nodes: nodes.parse().ok()?, kind: reason_kind(text), text: text.to_owned() })
}

fn reason_kind(text: &str) -> ReasonKind {
    if let Some(resource) = text.strip_prefix("Insufficient ") {
        return ReasonKind::Insufficient(resource.trim().to_owned());
    }
    let has = |needle: &str| text.contains(needle);
    if has("untolerated taint") || has("that the pod didn't tolerate") {
        let taint = text.split_once('{').and_then(|(_, rest)| rest.rsplit_once('}')).map(|(taint, _)| taint.trim().to_owned());
        return ReasonKind::Taint(taint);
    }
    if has("node affinity/selector") || has("didn't match node selector") {
        return ReasonKind::Selector;
    }
    if has("volume node affinity conflict") || has("PersistentVolume's node affinity") {
        return ReasonKind::VolumeAffinity;
    }
    if has("were unschedulable") { ReasonKind::Cordoned } else { ReasonKind::Other }
}

/// Why an image could not be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PullError {
    /// The registry has the repository, or hides that it has not, but no such tag or digest.
    TagNotFound,
    /// The repository does not exist, or may not be read.
    NotFoundOrDenied,
    /// Another error.
    Other,
}

/// Reads the text of a failed pull, as containerd, CRI-O and Docker write it.
pub fn pull_error(text: &str) -> PullError {
    let lower = text.to_lowercase();
    let has = |needle: &str| lower.contains(needle);
    if has("pull access denied")
        || has("repository does not exist")
        || has("insufficient_scope")
        || has("requested access to the resource is denied")
        || has("name unknown")
        || has("name_unknown")
    {
        return PullError::NotFoundOrDenied;
    }
    // A lookup, a blob or a certificate may not be found either.
    let resolving = has("failed to resolve") || has("code = notfound") || has("manifest");
    let ends_so = lower.trim_end().trim_end_matches(['.', '"', '\'']).ends_with(": not found") || has("404 not found");
    let elsewhere = has("no such host")
        || has("dial tcp")
        || has("failed to copy")
        || has("failed to extract")
        || has("no match for platform");
    if has("manifest unknown") || has("manifest_unknown") || (resolving && ends_so && !elsewhere) {
        return PullError::TagNotFound;
    }
    PullError::Other
}

/// An image reference: repository, then tag or digest.
pub fn image_parts(image: &str) -> (&str, &str) {
    if let Some((repository, digest)) = image.split_once('@') {
        return (repository, digest);
    }
    match image.rsplit_once(':') {
        // A colon before the last slash belongs to the port of the registry.
        Some((repository, tag)) if !tag.contains('/') => (repository, tag),
        _ => (image, "latest"),
    }
}

/// An image of ECR, in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcrImage {
    /// Account of the registry.
    pub account: String,
    /// Region of the registry.
    pub region: String,
    /// Repository.
    pub repository: String,
    /// Tag or digest.
    pub reference: String,
}

static ECR: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws)/(.+)$").ok()
});

/// The parts of an image reference that names a private registry of ECR.
pub fn ecr_image(image: &str) -> Option<EcrImage> {
    let (path, reference) = image_parts(image);
    let found = ECR.as_ref()?.captures(path)?;
    // A tag beside a digest does not count.
    let repository = found.get(3)?.as_str().split(':').next().unwrap_or_default();
    Some(EcrImage {
        account: found.get(1)?.as_str().to_owned(),
        region: found.get(2)?.as_str().to_owned(),
        repository: repository.to_owned(),
        reference: reference.to_owned(),
    })
}

static EXEC: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r#"exec: "([^"]*)": (?:executable file not found|stat [^:]*: no such file or directory|no such file or directory)"#,
    )
    .ok()
});
static STAT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r#"(?:starting container process caused|unable to start container process|container init)[^\n]*?:? "?(?:stat|exec) ([^":\s]+)"?: no such file or directory"#).ok()
});
static SHELL: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|[\s/])(?:[\w./-]+)?: (?:line )?(?:\d+: )?([^\s:]+): (?:command )?not found\s*$").ok());
static MISSING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r#"\b(configmaps?|secrets?) "([^"]+)" not found"#).ok());

/// The command that a runtime could not find, from its error.
pub fn missing_executable(message: &str) -> Option<&str> {
    let found = |pattern: &LazyLock<Option<Regex>>| Some(pattern.as_ref()?.captures(message)?.get(1)?.as_str());
    found(&EXEC).or_else(|| found(&STAT)).filter(|it| !it.is_empty())
}

/// The command that a shell could not find, from a log line such as `sh: 1: foo: not found`.
pub fn missing_command(line: &str) -> Option<&str> {
    let line = line.trim();
    let shell = ["sh", "bash", "ash", "dash", "zsh", "line ", "entrypoint"].iter().any(|it| line.contains(it));
    if !shell && !line.contains("command not found") {
        return None;
    }
    Some(SHELL.as_ref()?.captures(line)?.get(1)?.as_str())
}

/// What kind of object a container refers to that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A `ConfigMap`.
    ConfigMap,
    /// A Secret.
    Secret,
}

/// The missing object in `configmap "x" not found`.
pub fn missing_reference(message: &str) -> Option<(Reference, &str)> {
    let found = MISSING.as_ref()?.captures(message)?;
    let kind = if found.get(1)?.as_str().starts_with("config") { Reference::ConfigMap } else { Reference::Secret };
    Some((kind, found.get(2)?.as_str()))
}

/// The HTTP code that a probe was answered with.
pub fn probe_status(message: &str) -> Option<u16> {
    message.split_once("HTTP probe failed with statuscode: ")?.1.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(message: &str) -> Vec<(u32, ReasonKind)> {
        refusal(message).unwrap().reasons.into_iter().map(|it| (it.nodes, it.kind)).collect()
    }

    #[test]
    fn scheduler_messages_of_every_version_are_read() {
        let taint = |text: &str| ReasonKind::Taint(Some(text.to_owned()));
        let short = |text: &str| ReasonKind::Insufficient(text.to_owned());
        for (message, expected) in [
            ("0/1 nodes are available: 1 Insufficient cpu.", vec![(1, short("cpu"))]),
            (
                "0/3 nodes are available: 1 node(s) had taint {a/b: c, d}, that the pod didn't tolerate, 2 Insufficient memory.",
                vec![(1, taint("a/b: c, d")), (2, short("memory"))],
            ),
            (
                "0/5 nodes are available: 1 node(s) had untolerated taint {dedicated: batch}, 4 node(s) didn't match Pod's node affinity/selector. preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling.",
                vec![(1, taint("dedicated: batch")), (4, ReasonKind::Selector)],
            ),
            (
                "0/2 nodes are available: 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
                vec![(2, ReasonKind::Taint(None))],
            ),
            (
                "0/4 nodes are available: 1 Insufficient nvidia.com/gpu, 3 node(s) didn't match PersistentVolume's node affinity. preemption: not eligible due to preemptionPolicy=Never.",
                vec![(1, short("nvidia.com/gpu")), (3, ReasonKind::VolumeAffinity)],
            ),
            (
                "0/6 nodes are available: 3 node(s) had volume node affinity conflict, 3 node(s) were unschedulable.",
                vec![(3, ReasonKind::VolumeAffinity), (3, ReasonKind::Cordoned)],
            ),
        ] {
            assert_eq!(kinds(message), expected, "{message}");
        }
        let unbound = refusal("0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.").unwrap();
        assert_eq!(
            (unbound.before.as_deref(), unbound.reasons.len()),
            (Some("pod has unbound immediate PersistentVolumeClaims"), 0)
        );
        assert_eq!(refusal("no nodes available to schedule pods"), None);
    }

    #[test]
    fn pull_errors_are_told_apart() {
        for (text, kind) in [
            (
                r#"rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.x": failed to resolve image: docker.io/library/nginx:1.x: not found"#,
                PullError::TagNotFound,
            ),
            (
                "Error response from daemon: manifest for nginx:1.x not found: manifest unknown: manifest unknown",
                PullError::TagNotFound,
            ),
            ("reading manifest v9 in quay.io/org/app: manifest unknown", PullError::TagNotFound),
            (
                r#"failed to resolve reference "docker.io/library/ngnix:latest": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed"#,
                PullError::NotFoundOrDenied,
            ),
            (
                r#"failed to do request: Head "https://reg.example/v2/a/manifests/1": dial tcp: lookup reg.example: no such host"#,
                PullError::Other,
            ),
            ("failed to extract layer sha256:ab: open /x: not found", PullError::Other),
            (
                r#"failed to resolve reference "x": unexpected status from HEAD request to https://x/v2/a/manifests/1: 401 Unauthorized"#,
                PullError::Other,
            ),
        ] {
            assert_eq!(pull_error(text), kind, "{text}");
        }
        assert_eq!(image_parts("reg:5000/a/b"), ("reg:5000/a/b", "latest"));
        assert_eq!(image_parts("reg:5000/a/b:2"), ("reg:5000/a/b", "2"));
    }

    #[test]
    fn missing_commands_are_named() {
        for (message, command) in [
            (
                r#"OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "wge": executable file not found in $PATH"#,
                Some("wge"),
            ),
            (
                r#"starting container process caused: exec: "/app/run": stat /app/run: no such file or directory: unknown"#,
                Some("/app/run"),
            ),
            (
                r#"OCI runtime create failed: container_linux.go:345: starting container process caused "exec: \"foo\": permission denied": unknown"#,
                None,
            ),
            ("failed to create shim task: mount /host: no such file or directory", None),
        ] {
            assert_eq!(missing_executable(message), command, "{message}");
        }
        for (line, command) in [
            ("sh: 1: gunicorn: not found", Some("gunicorn")),
            ("/bin/sh: gunicorn: not found", Some("gunicorn")),
            ("/docker-entrypoint.sh: line 12: jq: command not found", Some("jq")),
            ("bash: migrate: command not found", Some("migrate")),
            ("GET /x: page: not found", None),
            ("error: user not found", None),
        ] {
            assert_eq!(missing_command(line), command, "{line}");
        }
    }
}
