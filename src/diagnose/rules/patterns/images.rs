//! Images that cannot be pulled, as the runtimes tell it.

use super::{On, Pattern};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::finding::{Depth, Severity};

const FAILED: On = On::Event(&["Failed"]);

/// The same message stands in the status of the container and, where that says only that it backs off, in an event.
macro_rules! both {
    ($($pattern:expr),* $(,)?) => {
        &[$($pattern.with(On::Waiting), $pattern.with(FAILED)),*]
    };
}

impl Pattern {
    const fn with(mut self, on: On) -> Self {
        self.on = on;
        self
    }
}

pub(super) const PATTERNS: &[Pattern] = both![
    Pattern::new("image-ecr-auth", Severity::High, FAILED, r#"(?i)"?(\d{12}\.dkr\.ecr[\w-]*\.[\w-]+\.amazonaws\.com[\w.]*/[^"\s]+?)"?: .*(no basic auth credentials|401 Unauthorized|403 Forbidden|authorization failed|unexpected status from HEAD request)"#, "The node may not pull image `{1}` from ECR ({2}).")
        .fix(Risk::Low, "Give the node role `AmazonEC2ContainerRegistryPullOnly`; for another account add a repository policy, on Fargate use the pod execution role")
        .at(Depth::Reference, 9)
        .like(r#"Failed to pull image "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1": failed to pull and unpack image "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1": failed to resolve reference "111122223333.dkr.ecr.eu-west-1.amazonaws.com/web:1": pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials"#, r#"Failed to pull image "ghcr.io/acme/web:1": unexpected status: 401 Unauthorized"#),
    Pattern::new("image-registry-rate-limit", Severity::High, FAILED, r"(?i)(429 Too Many Requests|toomanyrequests)", "The registry refuses further pulls for now ({1}).")
        .fix(Risk::Low, "Pull through an ECR pull-through cache or with credentials; the pull is retried meanwhile")
        .at(Depth::Reference, 9)
        .like(r#"Failed to pull image "nginx": 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit"#, "manifest unknown"),
    Pattern::new("image-registry-dns", Severity::High, FAILED, r"(?i)image.*dial tcp: lookup (\S+?)(?: on (\S+))?: (?:no such host|server misbehaving|Temporary failure)", "The node cannot resolve the registry's name `{1}`.")
        .fix(Risk::Low, "Correct the host in the image name; if it is right, look at DNS of the node and the private DNS of VPC endpoints")
        .at(Depth::Reference, 9)
        .like(r#"Failed to pull image "registry.acme.internal/web:1": failed to do request: Head "https://registry.acme.internal/v2/": dial tcp: lookup registry.acme.internal on 10.0.0.2:53: no such host"#, "dial tcp 10.0.0.1:443: i/o timeout"),
    Pattern::new("image-registry-unreachable", Severity::High, FAILED, r#"(?i)(?:image|resolve reference)[^"]*"([^"]+)".*(dial tcp [\d.\[\]:a-f]+: (?:i/o timeout|connect: connection refused|connect: connection timed out|connect: no route to host)|TLS handshake timeout|Client\.Timeout exceeded|context deadline exceeded)"#, "The node cannot reach the registry of image `{1}`: {2}.")
        .fix(Risk::Low, "Give the subnet a route: NAT, or the VPC endpoints `ecr.api`, `ecr.dkr` and S3 with a security group that lets nodes in")
        .at(Depth::Reference, 8)
        .like(r#"Failed to pull image "quay.io/acme/web:1": failed to do request: Head "https://quay.io/v2/acme/web/manifests/1": dial tcp 34.1.2.3:443: i/o timeout"#, r#"Failed to pull image "quay.io/acme/web:1": not found"#),
    Pattern::new("image-registry-tls", Severity::Medium, FAILED, r"(?i)image.*(x509: [^:]+|server gave HTTP response to HTTPS client)", "The registry's certificate is not accepted by the node: {1}.")
        .fix(Risk::Low, "Install the CA on the nodes, or correct host and scheme of the registry")
        .at(Depth::Reference, 8)
        .like(r#"Failed to pull image "r.local/web:1": tls: failed to verify certificate: x509: certificate signed by unknown authority"#, ""),
    Pattern::new("image-arch-mismatch", Severity::High, FAILED, r"no match for platform in manifest", "The image has no variant for the architecture of the node.")
        .fix(Risk::Low, "Build the image for all architectures, or select nodes by `kubernetes.io/arch`")
        .at(Depth::Reference, 9)
        .sure(Confidence::Certain)
        .like(r#"Failed to pull image "web:1": no match for platform in manifest: not found"#, r#"Failed to pull image "web:1": manifest unknown"#),
    Pattern::new("image-invalid-name", Severity::Medium, FAILED, r#"(?:InvalidImageName|couldn't parse image (?:name|reference))[^"]*(?:"([^"]*)")?"#, "The image name `{1}` of {what} is invalid.")
        .fix(Risk::Low, "Correct the image name: no upper case, no spaces, one tag, no unresolved template variable")
        .at(Depth::Reference, 9)
        .sure(Confidence::Certain)
        .like(r#"InvalidImageName: Failed to apply default image tag "Nginx:${TAG}": couldn't parse image name "Nginx:${TAG}": invalid reference format"#, ""),
    Pattern::new("image-never-pull", Severity::Medium, FAILED, r#"ErrImageNeverPull|image "([^"]+)" is not present with pull policy of Never"#, "The image of {what} is not on the node and its pull policy is Never.")
        .fix(Risk::Low, "Set `imagePullPolicy: IfNotPresent`, or load the image onto the node")
        .at(Depth::Reference, 9)
        .sure(Confidence::Certain)
        .like(r#"ErrImageNeverPull: Container image "web:1" is not present with pull policy of Never"#, ""),
    Pattern::new("image-manifest-schema1", Severity::Medium, FAILED, r"manifest\.v1\+(?:prettyjws|json)", "The image has a manifest of schema 1, which containerd no longer reads.")
        .fix(Risk::Low, "Build the image anew with current tools")
        .at(Depth::Reference, 9)
        .like(r#"media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.1"#, ""),
    Pattern::new("image-disk-full", Severity::High, FAILED, r"(?i)(?:pull|extract|layer|image).*no space left on device", "The disk of the node is full, so the image cannot be unpacked.")
        .fix(Risk::Low, "Give nodes a larger volume, use smaller images, or lower the thresholds of image garbage collection")
        .at(Depth::Reference, 9)
        .like(r#"Failed to pull image "web:1": failed to extract layer sha256:abc: write /usr/lib/x: no space left on device"#, "write /data: no space left on device"),
    Pattern::new("image-signature-invalid", Severity::High, FAILED, r"SignatureValidationFailed", "The signature of the image is not valid.")
        .fix(Risk::Low, "Sign the image, or correct the trust policy")
        .at(Depth::Reference, 9)
        .like("SignatureValidationFailed: image signature validation failed", "ErrImagePull: not found"),
];
