//! What applications write before they end.

use super::{On, Pattern};
use crate::diagnose::diagnosis::Risk;
use crate::diagnose::finding::Severity;

const CAUSE: u8 = 8;

/// A line of a log that names a class of errors.
const fn line(id: &'static str, severity: Severity, says: &'static str, tells: &'static str, fix: &'static str) -> Pattern {
    let mut pattern = Pattern::new(id, severity, On::Log, says, tells).fix(Risk::Low, fix);
    pattern.specificity = CAUSE;
    pattern
}

pub(super) const PATTERNS: &[Pattern] = &[
    line("app-missing-env", Severity::Medium, r"(?i)environment variable[s:]*\s*['\x22`]?([A-Z][A-Z0-9_]+)?['\x22`]?.*(?:undefined|not set|required|missing|empty)|(?-i)KeyError: '([A-Z][A-Z0-9_]+)'|(?i)(?:required|missing|undefined|unset) (?:env(?:ironment)?(?: var(?:iable)?)?s?)[: ]+['\x22`]?(\w+)|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b (?:is |was )?(?:undefined|not set|required|missing|unset)", "{what} because an environment variable is missing.", "Set the variable in the pod template, from a ConfigMap or Secret where it is not fixed")
        .like("Error: environment variable DATABASE_URL is not set", "DATABASE_URL loaded"),
    line("app-db-auth", Severity::Medium, r"(?i)(password authentication failed|Access denied for user|\b28P01\b|WRONGPASS|NOAUTH|SASL authentication failed|Authentication failed for user|MongoServerError: Authentication failed)", "{what} because a database refuses its credentials ({1}).", "Correct user and password; if the Secret was rotated, restart the pods that took it as environment")
        .like("FATAL: password authentication failed for user \"shop\"", ""),
    line("app-db-pool-exhausted", Severity::Medium, r"(?i)(too many connections|remaining connection slots|connection pool (?:exhausted|timeout)|sorry, too many clients)", "{what} because a database has no free connection ({1}).", "Lower the pool sizes, find connections that leak, or put a proxy in between")
        .like("FATAL: sorry, too many clients already", ""),
    line("app-tls-cert-expired", Severity::Medium, r"(?i)(certificate has expired(?: or is not yet valid)?|certificate expired|CERT_HAS_EXPIRED|SSL.{0,40}certificate.{0,40}expired|expired.{0,40}certificate)", "{what} because a certificate has expired ({1}).", "Renew the certificate and restart what holds the old one; check the clock of the node too")
        .like("x509: certificate has expired or is not yet valid: current time 2026-11-24T00:00:00Z is after 2026-11-01T00:00:00Z", ""),
    line("app-tls-untrusted", Severity::Medium, r"(?i)(certificate signed by unknown authority|self[- ]signed certificate|unable to get local issuer certificate|hostname mismatch|certificate is valid for [^,]+, not \S+|PKIX path building failed)", "{what} because a certificate is not trusted ({1}).", "Add the authority to what the application trusts, or use a certificate for the name that is called")
        .like("tls: failed to verify certificate: x509: certificate signed by unknown authority", ""),
    line("app-volume-full", Severity::Medium, r"(?i)(no space left on device|ENOSPC: no space|disk quota exceeded)", "{what} because a disk or volume is full ({1}).", "Find which mount it is: enlarge the claim, the emptyDir limit or the node's disk, or remove data")
        .like("write /data/wal: no space left on device", "ENOSPC: System limit for number of file watchers reached"),
    line("app-readonly-fs", Severity::Medium, r"(?i)(read-only file system|\bEROFS\b)", "{what} because it writes where it may only read ({1}).", "Mount an emptyDir where it writes; if a volume turned read-only, look for I/O errors on the node")
        .like("open /tmp/x: read-only file system", ""),
    line("app-port-in-use", Severity::Medium, r"(?i)(address already in use|EADDRINUSE)", "{what} because its port is taken by another process ({1}).", "Give the containers of the pod different ports, or do without hostNetwork")
        .like("listen tcp :8080: bind: address already in use", ""),
    line("app-root-not-permitted", Severity::Medium, r"(?i)((?:must not|cannot|refusing to|should not|can ?not) (?:be )?run (?:\S+ )?as (?:the )?root|root.{0,60}not permitted)", "{what} because it refuses to run as root ({1}).", "Set `securityContext.runAsUser` to another user")
        .like("initdb: error: cannot be run as root", ""),
    line("app-aws-access-denied", Severity::Medium, r"(?:is not authorized to perform: (\S+)|AccessDenied(?:Exception)?\b|UnauthorizedOperation)", "{what} because AWS denies it a call ({1}).", "Add the action to the pod's role; check first that the role in the message is the one meant")
        .like("AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/shop/1 is not authorized to perform: sqs:SendMessage", ""),
    line("app-k8s-forbidden", Severity::Medium, r#"is forbidden: User "([^"]+)" cannot (\w+) resource "([^"]+)""#, "{what} because `{1}` may not {2} {3}.", "Bind a Role with this verb and resource to the service account")
        .like("pods is forbidden: User \"system:serviceaccount:shop:web\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"", ""),
    line("app-heap-oom", Severity::Medium, r"(java\.lang\.OutOfMemoryError[^\n]*|JavaScript heap out of memory|\bMemoryError\b|fatal error: runtime: out of memory|Cannot allocate memory)", "{what} because its own heap is full ({1}).", "Raise the heap limit together with the container's memory limit, or find the leak")
        .like("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", ""),
    line("app-inotify", Severity::Medium, r"(?i)(System limit for number of file watchers reached|inotify.{0,40}too many open files|fsnotify.{0,40}too many open files)", "{what} because the node has no more inotify watches ({1}).", "Raise `fs.inotify.max_user_watches` and `max_user_instances` on the nodes")
        .like("Error: ENOSPC: System limit for number of file watchers reached, watch '/app'", ""),
    line("app-ulimit", Severity::Medium, r"(?i)(too many open files|\bEMFILE\b|can't start new thread|pthread_create failed|resource temporarily unavailable)", "{what} because it is out of file descriptors or threads ({1}).", "Find what is not closed; raise nofile of the runtime or the pids limit of pods")
        .like("accept4: too many open files", ""),
    line("app-migration-lock", Severity::Medium, r"(?i)(waiting for changelog lock|could not acquire change ?log lock|migration(?:s)? (?:has |have )?failed|dirty database version)", "{what} because a migration of its database fails ({1}).", "Release the lock or repair the migration, and run migrations in a Job of their own")
        .like("liquibase: Waiting for changelog lock....", ""),
    line("app-rate-limited", Severity::Medium, r"(?i)(ThrottlingException|Rate exceeded|RequestLimitExceeded|HTTP.{0,20}\b429\b|429 Too Many Requests)", "{what} because it calls a service too often ({1}).", "Back off between calls, or have the quota raised")
        .like("ThrottlingException: Rate exceeded", ""),
    line("app-permission-denied", Severity::Medium, r"(?i)(?:(?:open|mkdir|create|write|bind|chown|access|exec|unlink|cannot)\b[^\n]{0,160}permission denied|EACCES|operation not permitted)", "{what} because the system denies it a file or an operation.", "Set `runAsUser` and `fsGroup` to the owner of the files, or add the capability; ports below 1024 need one")
        .like("mkdir: cannot create directory '/data/x': Permission denied", ""),
    line("entrypoint-script-error", Severity::Medium, r"(?i)(?:\b(?:sh|bash|ash|dash|line)\b.*syntax error[^\n]*|Syntax error: (?:Unterminated|end of file|word)[^\n]*)", "{what} because the shell cannot read its script.", "Correct quoting and line ends of the script in `command` or `args`")
        .like("/bin/sh: 1: Syntax error: Unterminated quoted string", ""),
    line("image-arch-mismatch", Severity::High, r"exec format error", "{what} because its image is for another processor architecture than the node.", "Build the image for all architectures, or select nodes by `kubernetes.io/arch`")
        .like("exec /app/server: exec format error", "log format error in line 3"),
];
