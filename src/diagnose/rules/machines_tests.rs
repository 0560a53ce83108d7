use super::super::fixtures::*;
use super::*;
use serde_json::json;

fn object(value: Value) -> Object {
    Object::new(value)
}

fn node(ready: &str, instance: Value) -> Facts {
    let mut facts = subject(json!({"kind": "Node", "metadata": {"name": "n1"}, "spec": {"providerID": "aws:///us-east-1a/i-1"},
        "status": {"conditions": [{"type": "Ready", "status": ready, "reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}]}}));
    let mut value = json!({"kind": "Instance", "metadata": {"name": "i-1"}, "state": "running", "system_status": "ok", "instance_status": "ok", "scheduled_events": []});
    for (key, field) in instance.as_object().unwrap() {
        value[key] = field.clone();
    }
    facts.aws = vec![object(value)];
    facts
}

#[test]
fn ec2_tells_why_a_node_does_not_answer() {
    assert!(ids(&node("Unknown", json!({}))).is_empty(), "the instance runs; the condition itself is told elsewhere");
    let spot =
        node("Unknown", json!({"state": "terminated", "state_reason": "Server.SpotInstanceTermination: Instance terminated"}));
    assert!(finding(&spot, "node-not-ready-unknown").summary.contains("took the spot capacity back"));
    assert!(ids(&node("True", json!({"state": "terminated"}))).is_empty(), "the node answers");
    let impaired = node("Unknown", json!({"system_status": "impaired"}));
    assert!(finding(&impaired, "node-ec2-impaired-or-retired").summary.contains("the hardware or network below it"));
    let events = |description: &str| json!({"scheduled_events": [{"code": "instance-retirement", "description": description, "not_before": "2026-01-20T00:00:00Z"}]});
    assert!(
        finding(&node("True", events("The instance is running on degraded hardware")), "node-ec2-impaired-or-retired")
            .summary
            .contains("retired: its hardware is failing from 2026-01-20 on")
    );
    assert!(ids(&node("True", events("[Completed] The instance is running on degraded hardware"))).is_empty());
}

#[test]
fn a_volume_held_by_a_lost_node_is_told_and_one_of_a_living_node_is_not() {
    let world = |around: Value| {
        let mut facts = container(json!({}), json!({"ready": false, "state": {"waiting": {"reason": "ContainerCreating"}}}));
        facts = with_event(
            facts,
            "FailedAttachVolume",
            "Multi-Attach error for volume \"pvc-1\" Volume is already exclusively attached to one node and can't be attached to another",
        );
        facts.related = vec![
            object(
                json!({"kind": "VolumeAttachment", "metadata": {"name": "csi-1"}, "spec": {"nodeName": "old", "source": {"persistentVolumeName": "pvc-1"}}}),
            ),
            object(around),
        ];
        facts
    };
    let missing = json!({"kind": "MissingNode", "metadata": {"name": "old"}});
    assert!(finding(&world(missing), "volume-attachment-stale-node").summary.contains("`old`, which does not exist any more"));
    let old = |status: &str| json!({"kind": "Node", "metadata": {"name": "old"}, "status": {"conditions": [{"type": "Ready", "status": status, "reason": "NodeStatusUnknown"}]}});
    assert!(finding(&world(old("Unknown")), "volume-attachment-stale-node").summary.contains("is not ready (NodeStatusUnknown)"));
    assert!(!ids(&world(old("True"))).contains(&"volume-attachment-stale-node"), "another pod uses it");
}

#[test]
fn ebs_tells_why_a_volume_cannot_be_attached() {
    let world = |volume: Value| {
        let mut facts = container(json!({}), json!({"ready": false, "state": {"waiting": {"reason": "ContainerCreating"}}}));
        facts = with_event(
            facts,
            "FailedAttachVolume",
            "AttachVolume.Attach failed for volume \"pvc-1\" : rpc error: code = Internal desc = Could not attach volume \"vol-0123456789\"",
        );
        facts.related = vec![object(
            json!({"kind": "Node", "metadata": {"name": "n1", "labels": {"topology.kubernetes.io/zone": "us-east-1a"}}, "spec": {"providerID": "aws:///us-east-1a/i-1"}}),
        )];
        facts.aws = vec![object(volume)];
        facts
    };
    let volume = |state: &str, zone: &str, to: Value| json!({"kind": "EbsVolume", "metadata": {"name": "vol-0123456789"}, "state": state, "zone": zone, "attached_to": to});
    for (value, words) in [
        (volume("in-use", "us-east-1a", json!(["i-9"])), Some("attached to another instance, `i-9`")),
        (volume("available", "us-east-1b", json!([])), Some("in zone `us-east-1b` and the pod's node is in `us-east-1a`")),
        (volume("error", "us-east-1a", json!([])), Some("in state `error`")),
        (volume("available", "us-east-1a", json!([])), None),
        (volume("in-use", "us-east-1a", json!(["i-1"])), None),
    ] {
        let found = ids(&world(value.clone()));
        assert_eq!(found.contains(&"ebs-attach-failed"), words.is_some(), "{value}");
        if let Some(words) = words {
            assert!(finding(&world(value), "ebs-attach-failed").summary.contains(words));
        }
    }
}

#[test]
fn targets_that_are_not_healthy_are_told_while_their_pods_are_ready() {
    let world = |ready: &str, state: &str| {
        let mut facts = subject(
            json!({"kind": "Service", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]}}),
        );
        facts.related = vec![object(
            json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}}, "status": {"podIP": "10.0.0.5", "conditions": [{"type": "ContainersReady", "status": ready}, {"type": "Ready", "status": ready}]}}),
        )];
        facts.aws = vec![object(
            json!({"kind": "TargetHealth", "metadata": {"name": "10.0.0.5"}, "target": "10.0.0.5", "state": state, "reason": "Target.ResponseCodeMismatch", "description": "Health checks failed with these codes: [404]"}),
        )];
        facts
    };
    let told = |facts: &Facts| RULES.iter().flat_map(|it| (it.check)(facts)).map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(told(&world("True", "unhealthy")), ["alb-targets-unhealthy"]);
    assert!(told(&world("True", "healthy")).is_empty());
    assert!(told(&world("False", "unhealthy")).is_empty(), "the pod is the cause");
    let mut local = world("True", "unhealthy");
    let mut service = local.target_object().value().clone();
    service["spec"]["externalTrafficPolicy"] = "Local".into();
    local.subject = Some(object(service));
    let target = |id: &str, state: &str| {
        object(
            json!({"kind": "TargetHealth", "metadata": {"name": id}, "target": id, "state": state, "reason": "Target.FailedHealthChecks"}),
        )
    };
    local.aws = vec![target("i-1", "healthy"), target("i-2", "unhealthy")];
    assert!(told(&local).is_empty(), "the other node has no pod");
    local.aws = vec![target("i-1", "unhealthy"), target("i-2", "unhealthy")];
    assert_eq!(told(&local), ["alb-targets-unhealthy"]);
    let gate = |reason: &str, containers: &str| {
        let mut facts = world("True", "healthy");
        facts.aws.clear();
        facts.related = vec![object(
            json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"}, "status": {"phase": "Running", "conditions": [{"type": "ContainersReady", "status": containers}, {"type": "target-health.elbv2.k8s.aws/k8s-shop-web-1", "status": "False", "reason": reason, "message": "Request timed out"}]}}),
        )];
        facts
    };
    assert_eq!(told(&gate("Target.Timeout", "True")), ["alb-targets-unhealthy"]);
    assert!(told(&gate("Elb.RegistrationInProgress", "True")).is_empty(), "it is on its way");
    assert!(told(&gate("Target.Timeout", "False")).is_empty());
}

#[test]
fn auto_mode_needs_a_pool_with_a_class_that_is_ready() {
    let world = |related: Vec<Value>| {
        let mut facts = facts(
            json!({"containers": [{"name": "main"}]}),
            json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no nodes available to schedule pods"}]}),
        );
        facts.aws = vec![object(json!({"kind": "Cluster", "metadata": {"name": "c1"}, "auto_mode": {"compute": true}}))];
        facts.related = related.into_iter().map(object).collect();
        facts
    };
    let pool = || json!({"kind": "NodePool", "metadata": {"name": "general"}, "spec": {"template": {"spec": {"nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"}}}}});
    let class = |ready: &str| json!({"kind": "NodeClass", "metadata": {"name": "default"}, "status": {"conditions": [{"type": "Ready", "status": ready, "message": "Role is unauthorized to join nodes to the cluster"}]}});
    let told = |facts: &Facts| RULES.iter().flat_map(|it| (it.check)(facts)).map(|it| it.summary).collect::<Vec<_>>();
    assert!(told(&world(vec![]))[0].contains("no node pool is there"));
    assert!(told(&world(vec![pool()]))[0].contains("NodeClass `default` of pool `general` does not exist"));
    assert!(told(&world(vec![pool(), class("False")]))[0].contains("is not ready: Role is unauthorized"));
    assert!(told(&world(vec![pool(), class("True")])).is_empty());
}

#[test]
fn a_hybrid_node_outside_of_the_remote_networks_is_told() {
    let world = |address: &str| {
        let mut facts = subject(
            json!({"kind": "Node", "metadata": {"name": "h1", "labels": {"eks.amazonaws.com/compute-type": "hybrid"}}, "status": {"addresses": [{"type": "InternalIP", "address": address}], "conditions": [{"type": "Ready", "status": "True"}]}}),
        );
        facts.aws = vec![object(
            json!({"kind": "Cluster", "metadata": {"name": "c1"}, "remote_networks": {"node_cidrs": ["10.80.0.0/16", "192.168.4.0/22"]}}),
        )];
        facts
    };
    assert_eq!(ids(&world("10.81.0.4")), ["hybrid-network"]);
    for inside in ["10.80.255.1", "192.168.7.255"] {
        assert!(ids(&world(inside)).is_empty(), "{inside}");
    }
    assert!(contains("0.0.0.0/0", std::net::Ipv4Addr::LOCALHOST) && !contains("x/33", std::net::Ipv4Addr::LOCALHOST));
}

#[test]
fn a_pod_without_an_address_leads_to_the_subnet_of_its_node() {
    let world = |free: u32| {
        let mut facts = with_event(
            container(json!({}), json!({"ready": false, "state": {"waiting": {"reason": "ContainerCreating"}}})),
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox \"9\": plugin type=\"aws-cni\" name=\"aws-cni\" failed (add): add cmd: failed to assign an IP address to container",
        );
        let name = facts.pod.text("spec.nodeName").to_owned();
        assert!(!name.is_empty(), "the fixture is on a node");
        facts
            .related
            .push(object(json!({"kind": "Node", "metadata": {"name": name}, "spec": {"providerID": "aws:///us-east-1a/i-1"},
            "status": {"conditions": [{"type": "Ready", "status": "True"}]}})));
        facts.aws = vec![
            object(json!({"kind": "Instance", "metadata": {"name": "i-1"}, "state": "running", "subnet_id": "subnet-1"})),
            object(json!({"kind": "Subnet", "metadata": {"name": "subnet-1"}, "free_addresses": free})),
        ];
        facts
    };
    let found = finding(&world(0), "cni-ip-exhausted");
    assert!(found.summary.contains("subnet `subnet-1` of node") && found.summary.contains("has 0 free"), "{}", found.summary);
    assert!(no_address(&world(4000)).is_empty(), "the subnet has room, so the node is at its limit");
}
