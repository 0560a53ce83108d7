use super::super::fixtures::*;
use super::*;
use serde_json::json;

fn cluster(version: &str) -> Facts {
    subject(
        json!({"kind": "Cluster", "metadata": {"name": "c1"}, "name": "c1", "status": "ACTIVE", "version": version, "support_type": "STANDARD", "health_issues": [], "logging": ["audit"]}),
    )
}

fn with(version: &str, value: Value) -> Facts {
    let mut facts = cluster(version);
    facts.aws.push(Object::new(value));
    facts
}

#[test]
fn a_version_near_its_end_is_told_and_a_young_one_is_not() {
    let known = |status: &str, standard: &str| json!({"kind": "KubernetesVersion", "metadata": {"name": "1.31"}, "status": status, "end_of_standard_support": standard, "end_of_extended_support": "2026-03-01T00:00:00Z"});
    let found = finding(&with("1.31", known("EXTENDED_SUPPORT", "2025-11-26T00:00:00Z")), "upgrade-version-unsupported");
    assert!(found.summary.contains("ends in 54 days (2026-03-01)"), "{}", found.summary);
    assert!(
        finding(&with("1.31", known("STANDARD_SUPPORT", "2026-02-01T00:00:00Z")), "upgrade-version-unsupported")
            .summary
            .contains("26 days")
    );
    assert!(ids(&with("1.31", known("STANDARD_SUPPORT", "2026-12-01T00:00:00Z"))).is_empty());
    assert!(
        !finding(&with("1.20", known("UNSUPPORTED", "2020-01-01T00:00:00Z")), "upgrade-version-unsupported").summary.is_empty()
    );
}

#[test]
fn an_insight_becomes_the_cause_it_is_about() {
    let insight = |name: &str, status: &str, more: Value| {
        let mut value = json!({"kind": "Insight", "metadata": {"name": name}, "name": name, "status": status, "category": "UPGRADE_READINESS", "kubernetes_version": "1.34", "reason": "Deprecated API usage detected within last 30 days.", "recommendation": "Update manifests."});
        for (key, field) in more.as_object().unwrap() {
            value[key] = field.clone();
        }
        with("1.33", value)
    };
    let usage = json!({"deprecations": [{"usage": "/apis/flowcontrol.apiserver.k8s.io/v1beta3/flowschemas", "replaced_with": "/apis/flowcontrol.apiserver.k8s.io/v1/flowschemas", "stop_serving_version": "1.32", "clients": ["old-operator/v0.3"]}]});
    let found =
        finding(&insight("Deprecated APIs removed in Kubernetes v1.32", "ERROR", usage.clone()), "upgrade-removed-api-in-use");
    assert!(
        found.summary.contains("still called by `old-operator/v0.3`, and Kubernetes 1.32 does not serve it"),
        "{}",
        found.summary
    );
    assert!(ids(&insight("Deprecated APIs removed in Kubernetes v1.32", "PASSING", usage)).is_empty());
    let addons = json!({"addons": [{"name": "vpc-cni", "versions": ["v1.19.2-eksbuild.1"]}]});
    assert!(
        finding(&insight("EKS add-on version compatibility", "ERROR", addons), "upgrade-addon-incompatible")
            .summary
            .contains("`vpc-cni` (fits: v1.19.2-eksbuild.1)")
    );
    assert_eq!(ids(&insight("Kubelet version skew", "ERROR", json!({}))), ["upgrade-kubelet-skew"]);
    assert_eq!(ids(&insight("Hybrid nodes webhooks reachable", "WARNING", json!({}))), ["insight-error"]);
    assert!(ids(&insight("Cluster health issues", "ERROR", json!({}))).is_empty(), "the issue itself is told");
}

#[test]
fn kubelets_and_kube_proxy_may_be_three_minors_behind_the_next_version() {
    let kubelet = |version: &str| {
        let mut facts = cluster("1.33");
        let example = json!({"kind": "Node", "metadata": {"name": "n1", "labels": {"eks.amazonaws.com/nodegroup": "old"}}, "status": {"nodeInfo": {"kubeletVersion": version, "osImage": "Bottlerocket OS 1.50"}}});
        facts.kubelets = vec![Kubelets { example: Object::new(example), nodes: 7 }];
        facts
    };
    assert!(ids(&kubelet("v1.31.4-eks-abc")).is_empty());
    let found = finding(&kubelet("v1.30.4-eks-abc"), "upgrade-kubelet-skew");
    assert!(
        found.summary.starts_with("7 nodes cannot follow") && found.summary.contains("node group `old`"),
        "{}",
        found.summary
    );
    assert!(finding(&kubelet("v1.34.0-eks-abc"), "upgrade-kubelet-skew").summary.contains("newer than the control plane"));
    let proxy = |tag: &str| {
        let mut facts = cluster("1.33");
        let image = format!("602401143452.dkr.ecr.eu-west-1.amazonaws.com/eks/kube-proxy:{tag}");
        facts.related = vec![Object::new(
            json!({"kind": "DaemonSet", "metadata": {"name": "kube-proxy", "namespace": "kube-system"}, "spec": {"template": {"spec": {"containers": [{"image": image}]}}}}),
        )];
        facts
    };
    assert!(ids(&proxy("v1.33.0-minimal-eksbuild.1")).is_empty());
    assert_eq!(ids(&proxy("v1.29.0-minimal-eksbuild.1")), ["upgrade-kube-proxy-skew"]);
}

#[test]
fn addons_are_compared_with_the_next_version_where_no_insight_judges() {
    let world = |offered: Value| {
        let mut facts = with(
            "1.33",
            json!({"kind": "Addon", "metadata": {"name": "coredns"}, "name": "coredns", "status": "ACTIVE", "version": "v1.9.3-eksbuild.7", "health_issues": []}),
        );
        facts.aws.push(Object::new(
            json!({"kind": "AddonVersions", "metadata": {"name": "coredns"}, "kubernetes_version": "1.34", "versions": offered}),
        ));
        facts
    };
    assert!(
        finding(&world(json!(["v1.12.1-eksbuild.2"])), "upgrade-addon-incompatible")
            .summary
            .contains("`v1.12.1-eksbuild.2` does")
    );
    assert!(ids(&world(json!(["v1.9.3-eksbuild.7"]))).is_empty());
}

#[test]
fn amazon_linux_2_ends_before_1_33() {
    let group = |kind: &str| json!({"kind": "Nodegroup", "metadata": {"name": "old"}, "name": "old", "status": "ACTIVE", "ami_type": kind, "auto_scaling_groups": [], "health_issues": []});
    assert_eq!(ids(&with("1.32", group("AL2_x86_64"))), ["upgrade-ami-removed"]);
    assert!(ids(&with("1.31", group("AL2_x86_64"))).is_empty(), "the next version still has images");
    assert!(ids(&with("1.32", group("AL2023_x86_64_STANDARD"))).is_empty());
    let mut loose = cluster("1.32");
    let node = |image: &str| Kubelets {
        example: Object::new(
            json!({"kind": "Node", "metadata": {"name": "n1"}, "status": {"nodeInfo": {"kubeletVersion": "v1.32.0", "osImage": image}}}),
        ),
        nodes: 2,
    };
    loose.kubelets = vec![node("Amazon Linux 2023.6.20250101")];
    assert!(ids(&loose).is_empty());
    loose.kubelets = vec![node("Amazon Linux 2")];
    assert_eq!(ids(&loose), ["upgrade-ami-removed"]);
}

#[test]
fn an_update_needs_addresses_in_two_zones_and_budgets_that_let_go() {
    let subnets = |free: &[i64]| {
        let mut facts = cluster("1.33");
        facts.aws = free
            .iter()
            .enumerate()
            .map(|(index, free)| {
                Object::new(json!({"kind": "Subnet", "metadata": {"name": format!("subnet-{index}")}, "free_addresses": free}))
            })
            .collect();
        facts
    };
    assert!(ids(&subnets(&[100, 100, 1])).is_empty());
    assert_eq!(finding(&subnets(&[100, 1]), "upgrade-subnet-ips").confidence, Confidence::Medium);
    assert_eq!(finding(&subnets(&[1, 1]), "upgrade-subnet-ips").confidence, Confidence::Certain);
    let budget = |desired: i64, expected: i64| {
        let mut facts = cluster("1.33");
        facts.related = vec![Object::new(
            json!({"kind": "PodDisruptionBudget", "metadata": {"name": "db", "namespace": "shop"}, "status": {"disruptionsAllowed": 0, "desiredHealthy": desired, "expectedPods": expected}}),
        )];
        facts
    };
    assert_eq!(ids(&budget(3, 3)), ["upgrade-pdb-blocks"]);
    assert!(ids(&budget(2, 3)).is_empty(), "one pod is just not ready");
    assert!(ids(&budget(0, 0)).is_empty());
}
