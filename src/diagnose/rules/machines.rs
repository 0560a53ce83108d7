//! What AWS says of the machines, networks and volumes below a target.

use serde_json::Value;

use super::Rule;
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Liveness, Role, Severity, evidence, field_evidence};
use crate::domain::object::Object;
use crate::domain::text::{self, count, join_and};
use crate::domain::time;

pub(super) const RULES: &[Rule] = &[
    Rule::new("node-not-ready-unknown", Severity::Critical, gone),
    Rule::new("node-ec2-impaired-or-retired", Severity::High, impaired),
    Rule::new("volume-attachment-stale-node", Severity::High, stale_attachment),
    Rule::new("cni-ip-exhausted", Severity::High, no_address),
    Rule::new("ebs-attach-failed", Severity::High, volumes),
    Rule::new("alb-targets-unhealthy", Severity::High, targets),
    Rule::new("automode-nodeclass-or-pool-missing", Severity::High, pools),
    Rule::new("hybrid-network", Severity::High, hybrid),
];

/// Nodes of the question with their instances.
fn machines(facts: &Facts) -> impl Iterator<Item = (&Object, &Object)> {
    let nodes = facts.subject_of(&["Node"]).into_iter().chain(facts.related_of("Node"));
    nodes.filter_map(|node| {
        let id = node.text("spec.providerID").rsplit('/').next()?;
        Some((node, facts.aws_of("Instance").find(|it| it.name() == id)?))
    })
}

fn is_ready(node: &Object) -> bool {
    node.condition("Ready").is_some_and(|it| it.text("status") == "True")
}

/// A node whose instance does not run.
fn gone(facts: &Facts) -> Vec<Finding> {
    let found = machines(facts)
        .filter(|(node, instance)| !is_ready(node) && !matches!(instance.text("state"), "running" | "pending" | ""));
    found
        .map(|(node, instance)| {
            let reason = text::clean_line(instance.text("state_reason"));
            let why = match reason.as_str() {
                "" => String::new(),
                it if it.contains("SpotInstanceTermination") => " by EC2, which took the spot capacity back".to_owned(),
                it => format!(" ({it})"),
            };
            let summary = format!(
                "Node `{}` does not answer because its instance `{}` is {}{why}.",
                node.name(),
                instance.name(),
                instance.text("state")
            );
            let ready =
                node.condition("Ready").and_then(|it| field_evidence(node, &it.get("status")?, it.time("lastTransitionTime")));
            Finding::new("node-not-ready-unknown", Depth::Reference, Confidence::Certain, summary)
                .specific(9)
                .because(["state", "state_reason"].iter().filter_map(|it| evidence(instance, it)))
                .because(ready)
                .link(node.address(), "not ready")
                .link(instance.address(), instance.text("state"))
                .fix_with(
                    Risk::Medium,
                    "If the instance is gone for good, delete the Node object, so that its pods and volumes are let go",
                    format!("kubectl delete node {}", node.name()),
                )
        })
        .collect()
}

/// An instance that EC2 says is impaired, or will be taken away.
fn impaired(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (node, instance) in machines(facts) {
        let checks = ["system_status", "instance_status"].into_iter().filter(|it| instance.text(it) == "impaired");
        let failed: Vec<&str> = checks.collect();
        if !failed.is_empty() {
            let which = if failed.contains(&"system_status") {
                "the hardware or network below it"
            } else {
                "its operating system or network configuration"
            };
            let summary = format!(
                "Instance `{}` of node `{}` fails the status checks of EC2: {which} does not work.",
                instance.name(),
                node.name()
            );
            found.push(
                Finding::new("node-ec2-impaired-or-retired", Depth::Reference, Confidence::Certain, summary)
                    .specific(9)
                    .because(failed.iter().filter_map(|it| evidence(instance, it)))
                    .link(node.address(), if is_ready(node) { "ready" } else { "not ready" })
                    .link(instance.address(), "impaired")
                    .fix(Risk::Medium, "Drain the node and replace the instance; a stop and start moves it to other hardware"),
            );
        }
        let due = instance.list("scheduled_events").find(|it| {
            let description = it.text("description");
            !description.starts_with("[Completed]") && !description.starts_with("[Canceled]")
        });
        let Some(event) = due else { continue };
        let what = match event.text("code") {
            "instance-retirement" => "retired: its hardware is failing",
            "instance-stop" => "stopped",
            "instance-reboot" | "system-reboot" => "rebooted",
            _ => "taken out of service for maintenance",
        };
        let when = event.time("not_before").map_or_else(String::new, |it| format!(" from {} on", time::date(it)));
        let summary = format!("Instance `{}` of node `{}` will be {what}{when}.", instance.name(), node.name());
        found.push(
            Finding::new(
                "node-ec2-impaired-or-retired",
                if is_ready(node) { Depth::Target } else { Depth::Container },
                Confidence::Certain,
                summary,
            )
            .specific(7)
            .because(["code", "not_before"].iter().filter_map(|it| field_evidence(instance, &event.get(it)?, None)))
            .link(instance.address(), event.text("code"))
            .fix(Risk::Medium, "Drain the node and replace the instance before that"),
        );
    }
    found
}

/// A volume that is held by a node that is gone.
fn stale_attachment(facts: &Facts) -> Vec<Finding> {
    let elsewhere = facts.related_of("VolumeAttachment").filter(|it| it.text("spec.nodeName") != facts.pod.text("spec.nodeName"));
    let found = elsewhere.filter_map(|attachment| {
        let name = attachment.text("spec.nodeName");
        let missing = facts.related_of("MissingNode").any(|it| it.name() == name);
        let node = facts.related_of("Node").find(|it| it.name() == name);
        let lost = node.filter(|it| !is_ready(it));
        if !missing && lost.is_none() {
            return None;
        }
        let (how, ready) = match lost {
            Some(node) => (
                format!("is not ready ({})", node.condition("Ready").map_or("no condition", |it| it.text("reason"))),
                node.condition("Ready").and_then(|it| field_evidence(node, &it.get("status")?, it.time("lastTransitionTime"))),
            ),
            None => ("does not exist any more".to_owned(), None),
        };
        let volume = attachment.text("spec.source.persistentVolumeName");
        let summary = format!(
            "Volume `{volume}` cannot be attached because it is still attached to node `{name}`, which {how}; Kubernetes lets it go by force after six minutes only when the node is known to be unhealthy."
        );
        let event = facts.events_of(&["FailedAttachVolume"]).next();
        let fix = if missing {
            ("Delete the attachment, once the instance is surely gone".to_owned(), format!("kubectl delete volumeattachment {}", attachment.name()))
        } else {
            (
                "If the machine is surely down, taint its node as out of service, so that its volumes are let go".to_owned(),
                format!("kubectl taint node {name} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"),
            )
        };
        Some(
            Finding::new("volume-attachment-stale-node", Depth::Reference, Confidence::Certain, summary)
                .specific(9)
                .because(evidence(attachment, "spec.nodeName"))
                .because(ready)
                .because(event.and_then(crate::diagnose::finding::event_evidence))
                .link(format!("PersistentVolume/{volume}"), format!("attached to {name}"))
                .link(format!("Node/{name}"), how)
                .fix_with(Risk::Medium, fix.0, fix.1),
        )
    });
    found.collect()
}

/// What EBS says of a volume that cannot be attached.
fn volumes(facts: &Facts) -> Vec<Finding> {
    let Some(event) = facts.events_of(&["FailedAttachVolume"]).next() else { return Vec::new() };
    let found = facts.aws_of("EbsVolume").filter_map(|volume| {
        let node = facts.related_of("Node").find(|it| it.name() == facts.pod.text("spec.nodeName"));
        let own = node.and_then(|it| it.text("spec.providerID").rsplit('/').next()).filter(|it| it.starts_with("i-"));
        let node_zone = node.and_then(|it| it.label("topology.kubernetes.io/zone")).unwrap_or_default();
        let (zone, state) = (volume.text("zone"), volume.text("state"));
        let why = match state {
            "error" | "deleting" | "deleted" => format!("it is in state `{state}`"),
            "creating" => "it is still being created".to_owned(),
            _ if !node_zone.is_empty() && !zone.is_empty() && zone != node_zone => {
                format!("it is in zone `{zone}` and the pod's node is in `{node_zone}`")
            }
            "in-use" => {
                let to = volume.get("attached_to").and_then(|it| it.get(0)).and_then(Value::as_str)?;
                // On the instance of the pod it is where it should be.
                if own.is_none_or(|it| it == to) {
                    return None;
                }
                format!("it is attached to another instance, `{to}`")
            }
            _ => return None,
        };
        let field = if why.contains("zone") {
            "zone"
        } else if why.contains("instance") {
            "attached_to[0]"
        } else {
            "state"
        };
        Some(
            Finding::new(
                "ebs-attach-failed",
                Depth::Reference,
                Confidence::Certain,
                format!("EBS volume `{}` cannot be attached: {why}.", volume.name()),
            )
            .specific(8)
            .because(evidence(volume, field))
            .because(crate::diagnose::finding::event_evidence(event))
            .link(volume.address(), state)
            .fix(
                Risk::Medium,
                "Detach it from the other instance, restore it from a snapshot, or let the pod run in the zone of the volume",
            ),
        )
    });
    found.collect()
}

/// What a reason of a load balancer means.
fn target_reason(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "Target.ResponseCodeMismatch" => (
            "they answer the health check with another status than is expected",
            "Correct path and success codes of the health check (`alb.ingress.kubernetes.io/healthcheck-path`, `success-codes`)",
        ),
        "Target.Timeout" => (
            "they do not answer the health check in time",
            "Let the security group of the pods or nodes take the health check from the load balancer, and look at network policies",
        ),
        "Target.FailedHealthChecks" => (
            "the health check gets no connection or no valid answer",
            "Look at port and protocol of the health check, at the application, and at the security group of the pods or nodes",
        ),
        "Target.NotInUse" => (
            "the load balancer does not use their zone or their target group",
            "Add a subnet of the zone to the load balancer, or attach the target group to a listener",
        ),
        "Target.IpUnusable" => {
            ("their addresses cannot be used, as a load balancer uses them", "Use addresses of the VPC as targets")
        }
        "Elb.InternalError" => ("the load balancer failed internally", "Wait, then ask AWS Support"),
        _ => ("their health check fails", "Look at the health check of the target group"),
    }
}

/// Targets of a load balancer that are not healthy, although their pods are ready.
fn targets(facts: &Facts) -> Vec<Finding> {
    let pods: Vec<&Object> = facts.related_of("Pod").chain(facts.has_pod().then_some(&facts.pod)).collect();
    let serves = |pod: &&Object| {
        pod.condition("ContainersReady").or_else(|| pod.condition("Ready")).is_some_and(|it| it.text("status") == "True")
    };
    let is_wrong = |it: &&Object| {
        let unused = it.text("state") == "unused" && it.text("reason") == "Target.NotInUse";
        matches!(it.text("state"), "unhealthy" | "unavailable") || unused
    };
    let any_healthy = facts.aws_of("TargetHealth").any(|it| it.text("state") == "healthy");
    // Nodes without a pod answer the health check with a refusal on purpose.
    let is_local = facts.target_object().text("spec.externalTrafficPolicy") == "Local";
    let by_node = |it: &&Object| is_local && any_healthy && it.text("target").starts_with("i-");
    let mut unhealthy = facts.aws_of("TargetHealth").filter(is_wrong).filter(|it| !by_node(it)).peekable();
    if let Some(first) = unhealthy.peek().copied() {
        let all = facts.aws_of("TargetHealth").count();
        let number = unhealthy.count();
        let of_pod = pods.iter().find(|it| it.text("status.podIP") == first.text("target"));
        // What does not run is told by its own cause.
        if of_pod.is_some_and(|it| !serves(it)) {
            return Vec::new();
        }
        let (why, fix) = target_reason(first.text("reason"));
        let said = text::clean_line(first.text("description"));
        let said = if said.is_empty() { String::new() } else { format!(" (\"{}\")", said.trim_end_matches('.')) };
        let summary = format!(
            "{number} of {} of the load balancer {} not healthy, {}: {why}{said}.",
            count(all, "target"),
            if number == 1 { "is" } else { "are" },
            first.text("reason")
        );
        return vec![
            Finding::new("alb-targets-unhealthy", Depth::Reference, Confidence::Certain, summary)
                .specific(9)
                .because(["reason", "description", "state"].iter().filter_map(|it| evidence(first, it)))
                // While others serve, the Service suffers and does not fail.
                .alive(if any_healthy { Liveness::Recent } else { Liveness::Active })
                .link(format!("target {}", first.text("target")), first.text("state"))
                .fix(Risk::Low, fix),
        ];
    }
    // Pods with a readiness gate of the load balancer say it themselves; of a pod alone that gate is the cause.
    if facts.subject_of(&["Service", "Ingress"]).is_none() {
        return Vec::new();
    }
    let gate = |pod: &&Object| {
        let conditions = pod
            .list("status.conditions")
            .find(|it| it.text("type").starts_with("target-health.") && it.text("status") == "False");
        conditions.map(|it| it.path)
    };
    let Some((pod, path)) = pods.iter().find_map(|pod| Some((pod, gate(pod)?))) else { return Vec::new() };
    let (reason, message) =
        (pod.text(&format!("{path}.reason")).to_owned(), text::clean_line(pod.text(&format!("{path}.message"))));
    if !serves(pod) || !reason.starts_with("Target.") {
        return Vec::new();
    }
    let (why, fix) = target_reason(&reason);
    let said = if message.is_empty() { String::new() } else { format!(" (\"{}\")", message.trim_end_matches('.')) };
    let summary = format!("The load balancer takes pod `{}` as not healthy, {reason}: {why}{said}.", pod.name());
    vec![
        Finding::new("alb-targets-unhealthy", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(["reason", "message", "type"].iter().filter_map(|it| evidence(pod, &format!("{path}.{it}"))))
            .link(pod.address(), "ready but for its readiness gate")
            .fix(Risk::Low, fix),
    ]
}

/// Auto Mode without a pool that could make a node.
fn pools(facts: &Facts) -> Vec<Finding> {
    if !facts.has_pod() || !facts.is_unscheduled() {
        return Vec::new();
    }
    let Some(cluster) = facts.aws_of("Cluster").find(|it| it.boolean("auto_mode.compute") == Some(true)) else {
        return Vec::new();
    };
    if facts.could_not_read("nodepools") || facts.could_not_read("nodeclasses") {
        return Vec::new();
    }
    let pools: Vec<&Object> = facts.related_of("NodePool").collect();
    let mut broken = Vec::new();
    for pool in &pools {
        let wanted = pool.text("spec.template.spec.nodeClassRef.name");
        if pool.text("spec.template.spec.nodeClassRef.group") != "eks.amazonaws.com" {
            // A pool of a Karpenter that somebody runs.
            return Vec::new();
        }
        let class = facts.related_of("NodeClass").find(|it| it.name() == wanted);
        let ready = class.and_then(|it| it.condition("Ready"));
        match (class, ready) {
            (Some(_), Some(ready)) if ready.text("status") == "True" => return Vec::new(),
            (Some(class), ready) => {
                let message = ready.as_ref().map(|it| text::clean_line(it.text("message"))).unwrap_or_default();
                let shown = ready.and_then(|it| field_evidence(class, &it.get("message").or_else(|| it.get("status"))?, None));
                broken.push((
                    format!(
                        "NodeClass `{wanted}` of pool `{}` is not ready{}",
                        pool.name(),
                        if message.is_empty() { String::new() } else { format!(": {}", message.trim_end_matches('.')) }
                    ),
                    shown,
                ));
            }
            (None, _) => broken.push((
                format!("NodeClass `{wanted}` of pool `{}` does not exist", pool.name()),
                evidence(pool, "spec.template.spec.nodeClassRef.name"),
            )),
        }
    }
    let (why, shown) = match broken.into_iter().next() {
        Some(first) => first,
        None => (
            "no node pool is there, neither a built-in one nor one of its own".to_owned(),
            evidence(cluster, "auto_mode.compute"),
        ),
    };
    let summary = format!("The pod waits for a node that Auto Mode cannot make: {why}.");
    vec![
        Finding::new("automode-nodeclass-or-pool-missing", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(shown)
            .link(cluster.address(), "Auto Mode has no usable node pool")
            .fix(
                Risk::Low,
                "Turn on the built-in pools `general-purpose` and `system`, or create a NodePool with a NodeClass that is ready",
            )
            .fix(Risk::Low, "Give the node role of the NodeClass an access entry of type EC2 with `AmazonEKSAutoNodePolicy`"),
    ]
}

/// A hybrid node whose address the cluster has not been told of.
fn hybrid(facts: &Facts) -> Vec<Finding> {
    let hybrid = |it: &&Object| it.label("eks.amazonaws.com/compute-type") == Some("hybrid");
    let Some(node) = facts.subject_of(&["Node"]).filter(hybrid) else { return Vec::new() };
    let Some(cluster) = facts.aws_of("Cluster").next() else { return Vec::new() };
    let address = node.list("status.addresses").find(|it| it.text("type") == "InternalIP");
    let Some(field) = address.as_ref().and_then(|it| it.get("address")) else { return Vec::new() };
    let Some(ip) = field.value.as_str().and_then(|it| it.parse::<std::net::Ipv4Addr>().ok()) else { return Vec::new() };
    let cidrs: Vec<&str> = cluster
        .get("remote_networks.node_cidrs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if cidrs.iter().any(|it| contains(it, ip)) {
        return Vec::new();
    }
    let known = if cidrs.is_empty() {
        "it has none".to_owned()
    } else {
        format!("it has {}", join_and(&cidrs.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>()))
    };
    let summary = format!(
        "The control plane does not reach hybrid node `{}`: its address {ip} is in none of the remote node networks of the cluster ({known}), so that logs, exec and webhooks on it time out.",
        node.name()
    );
    vec![
        Finding::new("hybrid-network", Depth::Reference, Confidence::High, summary)
            .specific(8)
            .role(Role::Cause)
            .because(field_evidence(node, &field, None))
            .because(evidence(cluster, "remote_networks.node_cidrs[0]"))
            .link(cluster.address(), "remote networks without the node's")
            .fix(Risk::Medium, "Add the network of the node to `remoteNetworkConfig` of the cluster, and let the firewall pass port 10250 and 443"),
    ]
}

/// A pod without an address, on a node whose subnet has none left.
fn no_address(facts: &Facts) -> Vec<Finding> {
    let said = facts.events_of(&["FailedCreatePodSandBox"]).find(|it| it.text("message").contains("assign an IP address"));
    let Some(event) = said.filter(|_| facts.pod.text("status.podIP").is_empty()) else { return Vec::new() };
    let own = machines(facts).find(|(node, _)| node.name() == facts.pod.text("spec.nodeName"));
    let Some((node, instance)) = own else { return Vec::new() };
    let subnet = facts.aws_of("Subnet").find(|it| it.name() == instance.text("subnet_id"));
    // Prefix delegation needs a block of 16.
    let short = subnet.and_then(|it| Some((it, it.integer("free_addresses").filter(|free| *free < 16)?)));
    let Some((subnet, free)) = short else { return Vec::new() };
    let summary = format!(
        "Pod `{}` gets no address: subnet `{}` of node `{}` has {free} free.",
        facts.pod.name(),
        subnet.name(),
        node.name(),
    );
    vec![
        Finding::new(
            "cni-ip-exhausted",
            Depth::Reference,
            if free == 0 { Confidence::Certain } else { Confidence::High },
            summary,
        )
        .specific(9)
        .because(evidence(event, "message"))
        .because(evidence(subnet, "free_addresses"))
        .link(node.address(), "no address for the pod")
        .link(subnet.address(), "no free addresses")
        .fix(
            Risk::Medium,
            "Add a secondary CIDR with larger subnets for pods (custom networking), or move nodes to a larger subnet",
        )
        .fix(Risk::Low, "Lower WARM_IP_TARGET and WARM_ENI_TARGET of the VPC CNI, so that nodes hold fewer spare addresses"),
    ]
}

/// Whether a range holds an address.
fn contains(cidr: &str, address: std::net::Ipv4Addr) -> bool {
    let parsed =
        cidr.split_once('/').and_then(|(base, bits)| Some((base.parse::<std::net::Ipv4Addr>().ok()?, bits.parse::<u32>().ok()?)));
    let Some((base, bits)) = parsed.filter(|it| it.1 <= 32) else { return false };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    u32::from(base) & mask == u32::from(address) & mask
}

#[cfg(test)]
#[path = "machines_tests.rs"]
mod tests;
