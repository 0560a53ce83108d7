//! What events say of pods that start in a busy cluster, and what passes by itself: none of it is why anything fails.

use super::said::Said;
use super::states::main;
use super::world::{BEGAN, Host, World, text};

/// A moment after the pod was given to its node, and one when its container has been started.
const MOUNTS: &str = "2026-11-23T09:12:03Z";
const STARTS: &str = "2026-11-23T09:12:09Z";

/// Adds to the events of new pods what is over.
pub(super) fn add(world: &mut World) {
    let broken = world.broken.clone();
    for host in &broken {
        let Some(pod) = world.find(host).cloned() else { continue };
        if text(&pod, "/metadata/creationTimestamp") != BEGAN || text(&pod, "/spec/nodeName").is_empty() {
            continue;
        }
        let nodes = world.of_kind("Node").count();
        let full = format!(
            "0/{nodes} nodes are available: {nodes} Insufficient cpu. preemption: 0/{nodes} nodes are available: {nodes} No preemption victims found for incoming pod."
        );
        world.say(&pod, &Said::warns("FailedScheduling", full).from("default-scheduler").at(BEGAN));
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        if let Some(token) = volumes.map(|it| text(it, "/name")).find(|it| it.starts_with("kube-api-access")) {
            let late = format!(
                "MountVolume.SetUp failed for volume \"{token}\" : failed to sync configmap cache: timed out waiting for the condition"
            );
            world.say(&pod, &Said::warns("FailedMount", late).at(MOUNTS));
        }
        // A container that listens only after a while is asked too early once.
        let has_run =
            pod["status"]["containerStatuses"].as_array().into_iter().flatten().any(|it| it["state"]["running"].is_object());
        if has_run && pod["spec"]["containers"][0]["readinessProbe"].is_object() {
            starts(world, host, &main(&pod));
        }
    }
}

fn starts(world: &mut World, host: &Host, container: &str) {
    let pod = world.find(host).unwrap().clone();
    let address = text(&pod, "/status/podIP");
    let early = format!(
        "Readiness probe failed: Get \"http://{address}:8080/healthz\": dial tcp {address}:8080: connect: connection refused"
    );
    world.say(&pod, &Said::warns("Unhealthy", early).of(container).at(STARTS));
}
