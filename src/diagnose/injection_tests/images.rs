//! Images that cannot be pulled.

use serde_json::{Value, json};

use super::said::Said;
use super::states::{image, main, waits};
use super::world::{Host, World};
use super::{ALL_WORKLOADS, Fault};

pub(super) const FAULTS: &[Fault] = &[
    Fault::of_pods("image-tag-not-found", ALL_WORKLOADS, tag).called("tag"),
    Fault::of_pods("image-tag-not-found", ALL_WORKLOADS, manifest_unknown).called("manifest unknown"),
    Fault::of_pods("image-not-found-or-denied", ALL_WORKLOADS, denied),
    Fault::of_pods("image-pull-secret-missing", ALL_WORKLOADS, secret),
    Fault::of_pods("image-ecr-auth", ALL_WORKLOADS, forbidden).called("403"),
    Fault::of_pods("image-ecr-auth", ALL_WORKLOADS, no_credentials).called("no basic auth"),
    Fault::of_pods("image-registry-rate-limit", ALL_WORKLOADS, rate_limit),
    Fault::of_pods("image-registry-dns", ALL_WORKLOADS, dns),
    Fault::of_pods("image-registry-unreachable", ALL_WORKLOADS, unreachable),
    Fault::of_pods("image-registry-tls", ALL_WORKLOADS, tls),
    Fault::of_pods("image-arch-mismatch", ALL_WORKLOADS, platform),
    Fault::of_pods("image-disk-full", ALL_WORKLOADS, disk_full),
    Fault::of_pods("image-invalid-name", ALL_WORKLOADS, invalid_name),
    Fault::of_pods("image-never-pull", ALL_WORKLOADS, never_pull),
    Fault::of_pods("image-signature-invalid", ALL_WORKLOADS, signature),
    Fault::of_pods("image-manifest-schema1", ALL_WORKLOADS, schema),
];

/// Rolls out another image, which is not pulled for this reason.
fn pull_fails(world: &mut World, host: &Host, change: impl Fn(&str) -> String, error: impl Fn(&str) -> String) -> Vec<Host> {
    let pods = world.roll(host, |spec| {
        let image = &mut spec["containers"][0]["image"];
        *image = change(image.as_str().unwrap()).into();
    });
    // Since 1.31 the wait says why as well.
    let says_why = world.minor() >= 31;
    world.each(&pods, |pod| {
        let (name, image) = (main(pod), image(pod));
        let error = error(&image);
        let backs_off = format!("Back-off pulling image \"{image}\"");
        let why = if says_why { format!("{backs_off}: ErrImagePull: {error}") } else { backs_off.clone() };
        waits(pod, "ImagePullBackOff", &why);
        vec![
            Said::tells("Pulling", format!("Pulling image \"{image}\"")).of(&name),
            Said::warns("Failed", format!("Failed to pull image \"{image}\": {error}")).of(&name),
            Said::warns("Failed", "Error: ErrImagePull").of(&name),
            Said::tells("BackOff", backs_off).of(&name),
            Said::warns("Failed", "Error: ImagePullBackOff").of(&name),
        ]
    });
    pods
}

fn retagged(image: &str) -> String {
    let repository = image.rsplit_once(':').map_or(image, |it| it.0).split('@').next().unwrap();
    format!("{repository}:20261123-9f31c7e")
}

fn same(image: &str) -> String {
    image.to_owned()
}

/// containerd could not find out what a reference means.
fn unresolved(code: &str, image: &str, why: &str) -> String {
    format!(
        "rpc error: code = {code} desc = failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {why}"
    )
}

fn tag(world: &mut World, host: &Host) {
    pull_fails(world, host, retagged, |it| unresolved("NotFound", it, &format!("{it}: not found")));
}

fn manifest_unknown(world: &mut World, host: &Host) {
    let error = |it: &str| {
        format!(
            "rpc error: code = Unknown desc = Error response from daemon: manifest for {it} not found: manifest unknown: Requested image not found"
        )
    };
    pull_fails(world, host, retagged, error);
}

const DENIED: &str = "pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed";

fn denied(world: &mut World, host: &Host) {
    let name = host.name.clone();
    pull_fails(world, host, |_| format!("docker.io/example-team/{name}:1.4"), |it| unresolved("Unknown", it, DENIED));
}

fn secret(world: &mut World, host: &Host) {
    let name = host.name.clone();
    let pods = pull_fails(world, host, |_| format!("docker.io/example-team/{name}:1.4"), |it| unresolved("Unknown", it, DENIED));
    let message = "Unable to retrieve some image pull secrets (registry-login); attempting to pull the image may not succeed.";
    world.each(&pods, |pod| {
        pod["spec"]["imagePullSecrets"] = json!([{"name": "registry-login"}]);
        vec![Said::warns("FailedToRetrieveImagePullSecret", message)]
    });
}

/// An image of an ECR registry of another account.
fn foreign(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap().split(['@', ':']).next().unwrap();
    format!("444455556666.dkr.ecr.us-east-1.amazonaws.com/team/{name}:2.8.0")
}

fn forbidden(world: &mut World, host: &Host) {
    pull_fails(world, host, foreign, |it| {
        let path = it.split_once('/').unwrap().1.split(':').next().unwrap();
        let why = format!(
            "unexpected status from HEAD request to https://444455556666.dkr.ecr.us-east-1.amazonaws.com/v2/{path}/manifests/2.8.0: 403 Forbidden"
        );
        unresolved("Unknown", it, &why)
    });
}

fn no_credentials(world: &mut World, host: &Host) {
    let why = "pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials";
    pull_fails(world, host, foreign, |it| unresolved("Unknown", it, why));
}

fn rate_limit(world: &mut World, host: &Host) {
    let error = |it: &str| {
        let copied = "failed to copy: httpReadSeeker: failed open: unexpected status code https://registry-1.docker.io/v2/library/redis/manifests/sha256:0a1b: 429 Too Many Requests - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit. https://www.docker.com/increase-rate-limit";
        format!("rpc error: code = Unknown desc = failed to pull and unpack image \"{it}\": {copied}")
    };
    pull_fails(world, host, |_| "docker.io/library/redis:7.4".to_owned(), error);
}

fn dns(world: &mut World, host: &Host) {
    let name = host.name.clone();
    let why = "failed to do request: Head \"https://registry.exmaple.internal/v2/app/manifests/1\": dial tcp: lookup registry.exmaple.internal on 10.0.0.2:53: no such host";
    pull_fails(world, host, |_| format!("registry.exmaple.internal/{name}:1"), |it| unresolved("Unknown", it, why));
}

fn unreachable(world: &mut World, host: &Host) {
    let name = host.name.clone();
    let why =
        "failed to do request: Head \"https://quay.io/v2/example/app/manifests/4.2\": dial tcp 34.225.41.113:443: i/o timeout";
    pull_fails(world, host, |_| format!("quay.io/example/{name}:4.2"), |it| unresolved("DeadlineExceeded", it, why));
}

fn tls(world: &mut World, host: &Host) {
    let name = host.name.clone();
    let why = "failed to do request: Head \"https://registry.example.internal/v2/app/manifests/1\": tls: failed to verify certificate: x509: certificate signed by unknown authority";
    pull_fails(world, host, |_| format!("registry.example.internal/{name}:1"), |it| unresolved("Unknown", it, why));
}

fn platform(world: &mut World, host: &Host) {
    let error = |it: &str| {
        format!(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"{it}\": no match for platform in manifest: not found"
        )
    };
    pull_fails(world, host, retagged, error);
}

fn disk_full(world: &mut World, host: &Host) {
    let error = |it: &str| {
        format!(
            "rpc error: code = Unknown desc = failed to pull and unpack image \"{it}\": failed to extract layer sha256:7c1e9b0a: write /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/412/fs/usr/lib/libcuda.so: no space left on device: unknown"
        )
    };
    pull_fails(world, host, retagged, error);
}

fn schema(world: &mut World, host: &Host) {
    let why = r#"media type "application/vnd.docker.distribution.manifest.v1+prettyjws" is no longer supported since containerd v2.1, please rebuild the image as "application/vnd.docker.distribution.manifest.v2+json" or "application/vnd.oci.image.manifest.v1+json""#;
    pull_fails(world, host, same, |it| {
        format!("rpc error: code = Unimplemented desc = failed to pull and unpack image \"{it}\": {why}")
    });
}

/// The kubelet does not even try.
fn refused(
    world: &mut World,
    host: &Host,
    change: impl Fn(&mut Value),
    reason: &str,
    said: impl Fn(&str) -> Vec<Said>,
    why: impl Fn(&str) -> String,
) {
    let pods = world.roll(host, change);
    world.each(&pods, |pod| {
        let (name, image) = (main(pod), image(pod));
        waits(pod, reason, &why(&image));
        said(&image).into_iter().map(|it| it.of(&name)).collect()
    });
}

fn invalid_name(world: &mut World, host: &Host) {
    let why = |it: &str| {
        format!("Failed to apply default image tag \"{it}\": couldn't parse image name \"{it}\": invalid reference format")
    };
    let said = move |it: &str| vec![Said::warns("InspectFailed", why(it)), Said::warns("Failed", "Error: InvalidImageName")];
    let change = |spec: &mut Value| {
        let image = &mut spec["containers"][0]["image"];
        *image = format!("{}:${{TAG}}", image.as_str().unwrap().rsplit_once(':').unwrap().0).into();
    };
    refused(world, host, change, "InvalidImageName", said, why);
}

fn never_pull(world: &mut World, host: &Host) {
    let why = |it: &str| format!("Container image \"{it}\" is not present with pull policy of Never");
    let said = move |it: &str| vec![Said::warns("ErrImageNeverPull", why(it)), Said::warns("Failed", "Error: ErrImageNeverPull")];
    let change = |spec: &mut Value| {
        spec["containers"][0]["image"] = retagged(spec["containers"][0]["image"].as_str().unwrap()).into();
        spec["containers"][0]["imagePullPolicy"] = "Never".into();
    };
    refused(world, host, change, "ErrImageNeverPull", said, why);
}

fn signature(world: &mut World, host: &Host) {
    let why = |it: &str| {
        format!(
            "image pull failed for {it} because the signature validation failed: Source image rejected: A signature was required, but no signature exists"
        )
    };
    let said = move |it: &str| {
        vec![
            Said::warns("Failed", format!("Failed to pull image \"{it}\": SignatureValidationFailed: {}", why(it))),
            Said::warns("Failed", "Error: SignatureValidationFailed"),
        ]
    };
    refused(world, host, |_| {}, "SignatureValidationFailed", said, why);
}
