use super::super::fixtures::*;
use super::*;
use crate::diagnose::logs::{deciding, name_trouble};
use serde_json::{Value, json};

const TIMEOUT: &str =
    "dial tcp: lookup db.shop.svc.cluster.local on 10.100.0.10:53: read udp 10.0.1.2:40011->10.100.0.10:53: i/o timeout";
const NO_NAME: &str = "dial tcp: lookup db.shop.svc.cluster.local on 10.100.0.10:53: no such host";
const COREFILE: &str = ".:53 {\n    errors\n    health\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n      pods insecure\n    }\n    forward . /etc/resolv.conf\n    cache 30\n}\n";

fn world(line: &str, ready: bool, corefile: &str) -> Facts {
    let mut facts = with_log(crashed(json!({}), 1, "Error", ""), &format!("starting\n{line}\n"));
    let object = |value: Value| Object::new(value);
    let found = deciding(line).unwrap();
    let pod = json!({"kind": "Pod", "metadata": {"name": "coredns-1", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
        "spec": {"containers": [{"name": "coredns"}]}, "status": {"phase": "Running"}});
    facts.dns = Some(Dns {
        trouble: name_trouble(&found).unwrap(),
        container: "main".into(),
        service: Some(object(
            json!({"kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": {"selector": {"k8s-app": "kube-dns"}}}),
        )),
        slices: Some(vec![object(
            json!({"kind": "EndpointSlice", "metadata": {"name": "kube-dns-x", "namespace": "kube-system"}, "endpoints": [{"addresses": ["10.0.2.2"], "conditions": {"ready": ready}}]}),
        )]),
        pods: vec![object(pod)],
        config: Some(object(
            json!({"kind": "ConfigMap", "metadata": {"name": "coredns", "namespace": "kube-system"}, "data": {"Corefile": corefile}}),
        )),
        policies: Some(vec![]),
        log: None,
    });
    facts
}

fn dns_ids(facts: &Facts) -> Vec<&'static str> {
    let found = RULES.iter().flat_map(|rule| (rule.check)(facts));
    found.map(|it| it.id).collect()
}

fn policy_with(egress: Value) -> Object {
    Object::new(json!({"kind": "NetworkPolicy", "metadata": {"name": "egress", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": egress}}))
}

#[test]
fn a_dns_without_ready_endpoints_is_down_and_one_that_answers_is_not() {
    let facts = world(TIMEOUT, false, COREFILE);
    assert_eq!(dns_ids(&facts), ["coredns-down"]);
    assert!(finding(&facts, "coredns-down").summary.contains("gets no answer from DNS for `db.shop.svc.cluster.local`"));
    assert!(!dns_ids(&world(TIMEOUT, true, COREFILE)).contains(&"coredns-down"));
    let mut elsewhere = world(TIMEOUT, false, COREFILE);
    let dns = elsewhere.dns.as_mut().unwrap();
    dns.service = Some(Object::new(json!({"kind": "Service", "metadata": {"name": "kube-dns"}, "spec": {}})));
    assert!(dns_ids(&elsewhere).is_empty(), "it runs on the nodes");
}

#[test]
fn a_corefile_that_cannot_answer_is_quoted_and_a_usual_one_is_not() {
    assert!(dns_ids(&world(NO_NAME, true, COREFILE)).is_empty());
    let without = COREFILE.replace("kubernetes cluster.local", "# kubernetes cluster.local");
    let facts = world(NO_NAME, true, &without);
    assert!(finding(&facts, "coredns-misconfigured").summary.contains("has no `kubernetes` block"));
    let template = COREFILE.replace("    cache 30", "    template ANY ANY cluster.local {\n      rcode NXDOMAIN\n    }");
    let found = finding(&world(NO_NAME, true, &template), "coredns-misconfigured");
    assert!(found.evidence.iter().any(|it| it.value == "rcode NXDOMAIN"), "{:?}", found.evidence);
    let other_zone = COREFILE.replace("    cache 30", "    template ANY AAAA example.org {\n      rcode NXDOMAIN\n    }");
    assert!(dns_ids(&world(NO_NAME, true, &other_zone)).is_empty());
    let renamed = COREFILE.replace("cluster.local", "corp.local");
    assert_eq!(dns_ids(&world(NO_NAME, true, &renamed)), ["coredns-misconfigured"]);
    let external = NO_NAME.replace("db.shop.svc.cluster.local", "api.vendor.example.com");
    let deaf = COREFILE.replace("    forward . /etc/resolv.conf\n", "");
    assert_eq!(dns_ids(&world(&external, true, &deaf)), ["coredns-misconfigured"]);
    assert!(dns_ids(&world(&external, true, COREFILE)).is_empty(), "the name may be wrong");
}

#[test]
fn a_policy_that_lets_no_dns_out_is_named_unless_another_one_does() {
    let mut facts = world(TIMEOUT, true, COREFILE);
    let web = json!([{"to": [{"podSelector": {}}], "ports": [{"protocol": "TCP", "port": 443}]}]);
    facts.dns.as_mut().unwrap().policies = Some(vec![policy_with(web)]);
    assert_eq!(dns_ids(&facts), ["netpol-blocks-dns"]);
    assert!(finding(&facts, "netpol-blocks-dns").summary.contains("`shop/egress`"));
    let dns = json!([{"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}], "ports": [{"protocol": "UDP", "port": 53}]}]);
    facts.dns.as_mut().unwrap().policies.as_mut().unwrap().push(policy_with(dns));
    assert_eq!(dns_ids(&facts), ["dns-egress-blocked"]);
    let tcp = json!([{"to": [{"namespaceSelector": {}}], "ports": [{"protocol": "TCP", "port": 53}]}]);
    facts.dns.as_mut().unwrap().policies = Some(vec![policy_with(tcp)]);
    assert_eq!(dns_ids(&facts), ["netpol-blocks-dns"], "DNS asks over UDP first");
}

#[test]
fn what_gets_lost_below_kubernetes_is_told_by_what_the_pod_has() {
    let facts = world(TIMEOUT, true, COREFILE);
    assert_eq!(dns_ids(&facts), ["dns-egress-blocked"]);
    let mut own = facts.clone();
    let mut pod = own.pod.value().clone();
    pod["metadata"]["annotations"] = json!({"vpc.amazonaws.com/pod-eni": "[{\"eniId\":\"eni-1\"}]"});
    own.pod = Object::new(pod);
    assert_eq!(dns_ids(&own), ["sgpp-traffic-blocked"]);
    assert_eq!(finding(&own, "sgpp-traffic-blocked").confidence, Confidence::Medium);
    let group = |protocol: &str| {
        Object::new(
            json!({"kind": "SecurityGroup", "metadata": {"name": "sg-1"}, "egress": [{"protocol": protocol, "from_port": 443, "to_port": 443}]}),
        )
    };
    own.aws = vec![group("tcp")];
    assert_eq!(finding(&own, "sgpp-traffic-blocked").confidence, Confidence::High);
    let open = Object::new(
        json!({"kind": "SecurityGroup", "metadata": {"name": "sg-1"}, "egress": [{"protocol": "udp", "from_port": 53, "to_port": 53}]}),
    );
    own.aws = vec![open];
    assert_eq!(finding(&own, "sgpp-traffic-blocked").confidence, Confidence::Medium, "this side lets DNS out");
    let mut unknown = world(TIMEOUT, true, COREFILE);
    unknown.dns.as_mut().unwrap().policies = None;
    assert!(dns_ids(&unknown).is_empty(), "policies that could not be read may explain it");
}

#[test]
fn coredns_under_strain_is_told_by_its_own_log_or_end() {
    let mut facts = world(TIMEOUT, true, COREFILE);
    let text =
        "[INFO] 10.0.1.2 A db\n[ERROR] plugin/errors: 2 api.example.com. A: read udp 10.0.2.2:41->10.0.0.2:53: i/o timeout\n";
    facts.dns.as_mut().unwrap().log = Some(Log { container: "coredns".into(), previous: false, text: text.into() });
    assert_eq!(dns_ids(&facts), ["coredns-overloaded"]);
    let mut well = world(TIMEOUT, true, COREFILE);
    let text = "[ERROR] plugin/errors: 2 api.example.com. A: NXDOMAIN\n";
    well.dns.as_mut().unwrap().log = Some(Log { container: "coredns".into(), previous: false, text: text.into() });
    assert_eq!(dns_ids(&well), ["dns-egress-blocked"]);
}

#[test]
fn what_is_no_answer_is_told_from_an_answer() {
    for (line, answered) in [
        (TIMEOUT, Some(false)),
        (NO_NAME, Some(true)),
        ("Error: getaddrinfo EAI_AGAIN db", Some(false)),
        ("Error: getaddrinfo ENOTFOUND db", Some(true)),
        (
            "psycopg2.OperationalError: could not translate host name \"db\" to address: Temporary failure in name resolution",
            Some(false),
        ),
        ("dial tcp 10.0.0.9:5432: i/o timeout", None),
        ("fatal: cannot open file", None),
    ] {
        let found = deciding(line).unwrap();
        assert_eq!(name_trouble(&found).map(|it| it.answered), answered, "{line}");
    }
}
