//! What applications write before they end.

use super::{On, Pattern};
use crate::diagnose::diagnosis::Risk;
use crate::diagnose::finding::{Depth, Severity};

const CAUSE: u8 = 8;

/// A line of a log that names a class of errors.
const fn line(id: &'static str, severity: Severity, says: &'static str, tells: &'static str, fix: &'static str) -> Pattern {
    let mut pattern = Pattern::new(id, severity, On::Log, says, tells).fix(Risk::Low, fix);
    pattern.specificity = CAUSE;
    pattern
}

pub(super) const PATTERNS: &[Pattern] = &[
    line("app-missing-env", Severity::Medium, r"(?i)environment variable[s:]*\s*['\x22`]?([A-Z][A-Z0-9_]+)?['\x22`]?.*(?:undefined|not set|required|missing|empty)|(?-i)KeyError: '([A-Z][A-Z0-9_]+)'|(?-i)KeyError\)?: key not found: \x22([A-Z][A-Z0-9_]+)\x22|(?i)(?:required|missing|undefined|unset) (?:env(?:ironment)?(?: var(?:iable)?)?s?)[: ]+['\x22`]?(\w+)|\b([A-Z][A-Z0-9]*_[A-Z0-9_]+)\b (?:is |was )?(?:undefined|not set|required|missing|unset)", "{what} because an environment variable is missing.", "Set the variable in the pod template, from a ConfigMap or Secret where it is not fixed")
        .like("Error: environment variable DATABASE_URL is not set", "DATABASE_URL loaded"),
    line("app-missing-env", Severity::Medium, r"Could not resolve placeholder '([\w.-]+)'", "{what} because nothing gives the setting `{1}`, neither an environment variable nor a file of properties.", "Set it in the pod template as an environment variable, from a ConfigMap or Secret where it is not fixed")
        .like("java.lang.IllegalArgumentException: Could not resolve placeholder 'MAIL_KEY' in value \"${MAIL_KEY}\"", "Could not resolve dependency 'MAIL_KEY'"),
    line("coredns-down", Severity::Critical, r"plugin/loop: Loop \((\S+) -> (\S+)\) detected for zone (\S+)", "{what} because CoreDNS asks itself: it found a loop from {1} to {2} for zone {3}.", "Let `forward` of the Corefile name the resolver of the VPC, not a local address of the node")
        .like("plugin/loop: Loop (127.0.0.1:55953 -> :1053) detected for zone \".\", see https://coredns.io/plugins/loop#troubleshooting.", "plugin/loop: no loop detected"),
    line("coredns-misconfigured", Severity::Critical, r"((?:/etc/coredns/)?Corefile:\d+ - Error during parsing: [^\n]+|plugin/\w+: [^\n]*(?:unknown property|[Uu]nknown directive|[Ww]rong argument count)[^\n]*)", "{what} because its configuration is refused: {1}.", "Correct the Corefile, in the configuration of the add-on `coredns` where EKS manages it")
        .like("plugin/forward: /etc/coredns/Corefile:9 - Error during parsing: unknown property 'max_fail'", "plugin/errors: 2 api.example.com. A: read udp 10.0.2.2:41->10.0.0.2:53: i/o timeout"),
    line("hybrid-credentials", Severity::High, r"(?i)(rolesanywhere[^\n]*(?:AccessDenied\w*|expired|not yet valid)|aws_signing_helper[^\n]*(?:AccessDenied\w*|expired|not yet valid)|InvalidActivation\w*|ActivationExpired\w*|activation[^\n]{0,40}expired)", "{what} because the hybrid node gets no AWS credentials ({1}).", "Renew the certificate of IAM Roles Anywhere or the activation of Systems Manager, look at the clock, then run `nodeadm init` again; `nodeadm debug` tells what is left")
        .at(Depth::Container, 9)
        .like("operation error RolesAnywhere: CreateSession, https response error StatusCode: 403, AccessDeniedException: Insufficient permissions; url https://rolesanywhere.eu-west-1.amazonaws.com AccessDeniedException", "certificate has expired or is not yet valid"),
    line("app-db-auth", Severity::Medium, r"(?i)(password authentication failed|no pg_hba\.conf entry|Access denied for user|\b28P01\b|WRONGPASS|NOAUTH|SASL authentication failed|Authentication failed for user|MongoServerError: Authentication failed)", "{what} because a database refuses its credentials ({1}).", "Correct user and password; if the Secret was rotated, restart the pods that took it as environment")
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
    line("app-aws-access-denied", Severity::Medium, r"(?:is not authorized to perform: (\S+)|(?:^|[^.\w]|\b(?:model|errorfactory|exceptions)\.)AccessDenied(?:Exception)?(?:$|[^\w:\[]|:(?:$| ?[^/ ])|\[[^/])|UnauthorizedOperation)", "{what} because AWS denies it a call ({1}).", "Add the action to the pod's role; check first that the role in the message is the one meant")
        .like("AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/shop/1 is not authorized to perform: sqs:SendMessage", "java.nio.file.AccessDeniedException: /data/index/write.lock"),
    line("app-k8s-forbidden", Severity::Medium, r#"is forbidden: User "([^"]+)""#, "{what} because Kubernetes does not let `{1}` do what it asks.", "Bind a Role with this verb and resource to the service account")
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
    line("app-permission-denied", Severity::Medium, r"(?i)(?:(?:open|mkdir|create|write|bind|chown|access|exec|unlink|cannot)\b[^\n]{0,160}permission denied|EACCES|operation not permitted|\bnio\.file\.AccessDeniedException|AccessDeniedException(?:: |\[)(/[^\s\x22\]\\]+))", "{what} because the system denies it a file or an operation ({1}).", "Set `runAsUser` and `fsGroup` to the owner of the files, or add the capability; ports below 1024 need one")
        .like("mkdir: cannot create directory '/data/x': Permission denied", ""),
    line("entrypoint-script-error", Severity::Medium, r"(?i)(?:\b(?:sh|bash|ash|dash|line)\b.*syntax error[^\n]*|Syntax error: (?:Unterminated|end of file|word)[^\n]*)", "{what} because the shell cannot read its script.", "Correct quoting and line ends of the script in `command` or `args`")
        .like("/bin/sh: 1: Syntax error: Unterminated quoted string", ""),
    line("image-arch-mismatch", Severity::High, r"exec format error", "{what} because its image is for another processor architecture than the node.", "Build the image for all architectures, or select nodes by `kubernetes.io/arch`")
        .like("exec /app/server: exec format error", "log format error in line 3"),
    line("irsa-oidc-provider-missing", Severity::High, r"No OpenIDConnect provider found in your account for (\S+)|Couldn't retrieve verification key", "{what} because the account has no IAM OIDC provider for the cluster ({1}).", "Create the IAM OIDC provider of the cluster, or use Pod Identity")
        .at(Depth::Reference, 9)
        .like("InvalidIdentityToken: No OpenIDConnect provider found in your account for https://oidc.eks.eu-west-1.amazonaws.com/id/AB", "InvalidIdentityToken: Incorrect token audience"),
    line("irsa-trust-policy", Severity::High, r"(?i)not authorized to perform:? sts:AssumeRoleWithWebIdentity", "{what} because the trust policy of its role does not take its service account (sts:AssumeRoleWithWebIdentity is denied).", "Correct `sub`, `aud` and provider in the trust policy: `system:serviceaccount:NAMESPACE:NAME`")
        .at(Depth::Reference, 9)
        .like("AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity", "is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::1:role/x"),
    line("irsa-bad-role-arn", Severity::High, r"(?i)(?:Request ARN is invalid|not a valid (?:role )?arn|role \S+ (?:cannot be found|does not exist)|NoSuchEntity\S*: .*role)", "{what} because the role of its service account does not exist or its ARN is wrong.", "Correct the annotation `eks.amazonaws.com/role-arn` to the ARN of a role")
        .at(Depth::Reference, 9)
        .like("ValidationError: Request ARN is invalid", "ValidationError: 1 validation error detected"),
    line("irsa-token-expired-or-audience", Severity::Medium, r"(ExpiredTokenException|Incorrect token audience)", "{what} because its AWS token has expired or is for another audience ({1}).", "Use an SDK that reads the token again; the audience has to be `sts.amazonaws.com`")
        .at(Depth::Reference, 9)
        .like("ExpiredTokenException: Token expired: current date/time must be before the expiration date/time", ""),
    line("irsa-sts-endpoint", Severity::Medium, r"(?i)(sts\.[\w.-]*amazonaws\.com)\S*.*(?:i/o timeout|timed out|deadline exceeded)", "{what} because it cannot reach `{1}`.", "Give the subnet a NAT gateway or an STS endpoint, and use the regional STS endpoint")
        .at(Depth::Reference, 9)
        .like("Post \"https://sts.eu-west-1.amazonaws.com/\": dial tcp 1.2.3.4:443: i/o timeout", ""),
    line("podidentity-agent-missing", Severity::High, r"169\.254\.170\.23\S*.*(?:connection refused|ECONNREFUSED)|ECONNREFUSED 169\.254\.170\.23", "{what} because the Pod Identity agent does not answer on its node.", "Install the add-on `eks-pod-identity-agent`, or look at its pod on the node")
        .at(Depth::Reference, 9)
        .like("Get \"http://169.254.170.23/v1/credentials\": dial tcp 169.254.170.23:80: connect: connection refused", "dial tcp 169.254.169.254:80: i/o timeout"),
    line("podidentity-trust", Severity::High, r"(?i)(?:unauthorized|not authorized) to perform:? \[?(?:sts:AssumeRole, )?sts:TagSession|EKS does not have permissions to assume the associated role|pods\.eks\.amazonaws\.com.*not authorized", "{what} because its role does not trust Pod Identity.", "Let the role trust `pods.eks.amazonaws.com` with `sts:AssumeRole` and `sts:TagSession`")
        .at(Depth::Reference, 9)
        .like("AccessDeniedException: Unauthorized to perform sts:TagSession on role arn:aws:iam::1:role/shop", "is not authorized to perform: s3:GetObject"),
    line("podidentity-node-role", Severity::Medium, r"eks-auth:AssumeRoleForPodIdentity", "{what} because the node role may not call eks-auth:AssumeRoleForPodIdentity.", "Give the node role `eks-auth:AssumeRoleForPodIdentity` (AmazonEKSWorkerNodePolicy has it)")
        .at(Depth::Reference, 9)
        .like("User: arn:aws:sts::1:assumed-role/node/i-1 is not authorized to perform: eks-auth:AssumeRoleForPodIdentity", ""),
    line("aws-permission-missing", Severity::High, r"User: (arn:\S+) is not authorized to perform: (\S+) on resource: (\S+)", "{what} because `{1}` may not call {2} on {3}.", "Add the action and resource to the role's policy; if the role is the node's, the pod's identity is not in effect")
        .at(Depth::Container, 9)
        .like("User: arn:aws:sts::111122223333:assumed-role/shop/1 is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::data/x because no identity-based policy allows it", "AccessDenied: Access Denied"),
    line("rbac-forbidden", Severity::High, r#"is forbidden: User "([^"]+)" cannot (\w+) resource "([^"]+)" in API group "([^"]*)"(?: in the namespace "([^"]+)"| at the cluster scope)?"#, "{what} because Kubernetes RBAC forbids `{1}` to {2} {3}.", "Bind a Role or ClusterRole with this verb, group and resource to the service account")
        .at(Depth::Container, 9)
        .like("pods is forbidden: User \"system:serviceaccount:shop:web\" cannot list resource \"pods\" in API group \"\" in the namespace \"shop\"", "pods is forbidden: User \"x\" cannot do this"),
    line("auth-unauthorized", Severity::High, r"(?i)You must be logged in to the server|\b401 Unauthorized\b.*(?:apiserver|kubernetes|/api/v1)|the server has asked for the client to provide credentials", "{what} because the API server does not know its identity (Unauthorized).", "Give its IAM identity an access entry, or mount a valid service account token")
        .at(Depth::Container, 9)
        .like("error: You must be logged in to the server (Unauthorized)", "login: user unknown"),
    line("crd-missing", Severity::High, r#"no matches for kind "([^"]+)" in version "([^"]+)"|the server could not find the requested resource"#, "{what} because the cluster does not serve the kind `{1}` ({2}).", "Install the CRD or operator in the version that the program asks for")
        .at(Depth::Container, 9)
        .like("failed to get API group resources: no matches for kind \"Certificate\" in version \"cert-manager.io/v1\"", "no matches for query"),
    line("apf-throttled", Severity::Medium, r"(client rate limiter Wait returned an error|the server has received too many requests)", "{what} because the API server or its own limiter holds its requests back ({1}).", "Ask less often, raise the limits of its client, and look for a noisy client")
        .at(Depth::Container, 9)
        .like("client rate limiter Wait returned an error: context deadline exceeded", ""),
    line("cni-cannot-reach-apiserver", Severity::Critical, r"dial tcp (?:172\.20\.0\.1|10\.100\.0\.1):443: (?:i/o timeout|connect: connection refused|connect: no route to host)", "{what} because it cannot reach the API server by its Service address.", "Look at kube-proxy on the node, and at the security group between nodes and control plane")
        .at(Depth::Reference, 9)
        .like("Failed to create client: Get \"https://172.20.0.1:443/version\": dial tcp 172.20.0.1:443: i/o timeout", "dial tcp 10.0.3.7:443: i/o timeout"),
    line("gpu-driver-mismatch", Severity::High, r"(CUDA driver version is insufficient for CUDA runtime version|[Dd]river/library version mismatch|forward compatibility was attempted on non supported HW)", "{what} because the GPU driver of the node does not fit its CUDA libraries ({1}).", "Use an AMI with a newer driver, or an image with an older CUDA")
        .at(Depth::Reference, 9)
        .like("CUDA error: CUDA driver version is insufficient for CUDA runtime version", "CUDA error: out of memory"),
    line("gpu-nccl", Severity::Medium, r"NCCL (?:WARN|error|failure)[^\n]*", "{what} because the GPUs cannot talk to each other (NCCL).", "Look at EFA, security groups and `NCCL_DEBUG=INFO`")
        .at(Depth::Container, 9)
        .like("torch.distributed: NCCL error in: ProcessGroupNCCL.cpp:1275, unhandled system error", ""),
    line("shm-full", Severity::Medium, r"(?i)/dev/shm.*no space left|no space left.*/dev/shm|Bus error.*shared memory", "{what} because /dev/shm is full, of which a container has 64 MiB.", "Mount an emptyDir with `medium: Memory` at /dev/shm")
        .at(Depth::Container, 9)
        .like("OSError: [Errno 28] No space left on device: '/dev/shm/sem.x'", ""),
    line("imds-hop-limit", Severity::Medium, r"169\.254\.169\.254\S*.*(?:i/o timeout|deadline exceeded|timed out|Connection refused)", "{what} because it cannot reach the instance metadata.", "Use Pod Identity or IRSA and set the Region; a hop limit of 2 lets pods use the node's role")
        .at(Depth::Container, 9)
        .like("Put \"http://169.254.169.254/latest/api/token\": context deadline exceeded", ""),
    line("alb-webhook-down", Severity::High, r#"failed calling webhook "\w+\.elbv2\.k8s\.aws""#, "{what} because the webhook of the AWS Load Balancer Controller does not answer.", "Look at the controller's pods in kube-system")
        .at(Depth::Reference, 9)
        .like("Internal error occurred: failed calling webhook \"mservice.elbv2.k8s.aws\": no endpoints available", "failed calling webhook \"v.kyverno.io\""),
];
