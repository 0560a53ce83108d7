//! Names that are not resolved: CoreDNS down, configured wrongly or overloaded, or packets that do not get there.

use super::dependency::{fits, has_type, selects};
use super::{Rule, log_evidence};
use crate::diagnose::diagnosis::{CheckArguments, Confidence, Evidence, Risk};
use crate::diagnose::facts::{Dns, Facts, Log, Reached};
use crate::diagnose::finding::{Depth, Finding, Severity, entry_evidence, evidence, field_evidence};
use crate::domain::object::Object;
use crate::domain::text;

pub(super) const RULES: &[Rule] = &[
    Rule::new("coredns-down", Severity::Critical, down),
    Rule::new("coredns-misconfigured", Severity::Critical, misconfigured),
    Rule::new("coredns-overloaded", Severity::High, overloaded),
    Rule::new("netpol-blocks-dns", Severity::High, policy),
    Rule::new("dns-egress-blocked", Severity::High, blocked).also(&[("sgpp-traffic-blocked", Severity::High)]),
];

/// The branch interface of a pod that a `SecurityGroupPolicy` selects.
const BRANCH: &str = "vpc.amazonaws.com/pod-eni";

/// How the caller fares, in words.
fn caller(facts: &Facts, dns: &Dns) -> String {
    let host = dns.trouble.host.as_ref().map_or_else(|| "names".to_owned(), |it| format!("`{it}`"));
    let how = if dns.trouble.answered { "cannot resolve" } else { "gets no answer from DNS for" };
    format!("Container `{}` of pod `{}` {how} {host}", dns.container, facts.pod.name())
}

fn base(facts: &Facts, dns: &Dns, id: &'static str, confidence: Confidence, summary: String) -> Finding {
    let previous =
        facts.logs.iter().any(|it| it.previous && it.container == dns.container && it.text.contains(&dns.trouble.line));
    let log = Log { container: dns.container.clone(), previous, text: String::new() };
    Finding::new(id, Depth::Reference, confidence, summary)
        .specific(9)
        .because([log_evidence(&facts.pod, &log, &dns.trouble.line)])
        .link(format!("container {}", dns.container), "cannot resolve names")
}

/// How many endpoints of CoreDNS are ready; nothing where its endpoints were not read or it runs elsewhere.
fn ready(dns: &Dns) -> Option<usize> {
    let slices = dns.slices.as_ref()?;
    // Auto Mode runs it on the nodes, and a Service without a selector is answered from elsewhere.
    dns.service.as_ref()?.get("spec.selector")?;
    let ready = |it: &crate::domain::object::Field<'_>| it.get("conditions").and_then(|it| it.boolean("ready")) != Some(false);
    Some(slices.iter().map(|slice| slice.list("endpoints").filter(ready).count()).sum())
}

fn down(facts: &Facts) -> Vec<Finding> {
    let Some(dns) = &facts.dns else { return Vec::new() };
    if ready(dns) != Some(0) {
        return Vec::new();
    }
    let worst = dns.pods.first();
    // What the pods themselves say, without a further read.
    let own = worst.map(|pod| {
        let mut facts = Facts::of(facts.target.clone(), pod.clone(), facts.now);
        facts.logs.extend(dns.log.clone());
        facts
    });
    let why = own.as_ref().and_then(|facts| super::findings(facts).max_by_key(|it| (it.depth, it.specificity)));
    let state = own.as_ref().map(crate::diagnose::symptoms::pod_state).filter(|it| !it.is_empty());
    let of = match (&why, worst, &state) {
        (Some(why), _, _) => {
            format!("none of its {} is ready: {}", text::count(dns.pods.len(), "pod"), why.summary.trim_end_matches('.'))
        }
        (None, Some(pod), Some(state)) => {
            format!("none of its {} is ready (`{}`: {state})", text::count(dns.pods.len(), "pod"), pod.name())
        }
        (None, Some(pod), None) => format!("its pod `{}` is not ready", pod.name()),
        (None, None, _) => "it has no pod".to_owned(),
    };
    let summary = format!("{}, because CoreDNS is down: {of}.", caller(facts, dns));
    let slices = dns.slices.iter().flatten();
    let endpoints = slices.filter_map(|slice| {
        let field = slice.list("endpoints").find_map(|it| it.get("conditions.ready"));
        field.and_then(|it| field_evidence(slice, &it, None))
    });
    let phase = worst.and_then(|pod| evidence(pod, "status.phase"));
    let mut finding = base(facts, dns, "coredns-down", Confidence::Certain, summary)
        .because(endpoints.take(1))
        .because(why.iter().flat_map(|it| it.evidence.iter().cloned()))
        .because(phase)
        .link("Service/kube-system/kube-dns", "no ready endpoints");
    if let Some(pod) = worst {
        finding = finding.link(pod.address(), state.unwrap_or_else(|| "not ready".to_owned()));
    }
    if let Some(why) = why {
        finding.fixes = why.fixes;
    }
    let check = CheckArguments {
        kind: Some("Deployment".to_owned()),
        namespace: Some("kube-system".to_owned()),
        name: Some("coredns".to_owned()),
        ..CheckArguments::default()
    };
    vec![
        finding
            .fix(
                Risk::Low,
                "Bring the pods of CoreDNS back: room and tolerations for them, or the configuration that they refuse",
            )
            .check("Why CoreDNS does not run", "troubleshoot", check),
    ]
}

/// A line of the configuration of CoreDNS that cannot be right, and why.
fn fault_of(config: &str, cluster_name: bool) -> Option<(&str, String)> {
    let lines: Vec<&str> = config.lines().collect();
    let plain = |line: &str| line.split('#').next().unwrap_or_default().trim().to_owned();
    let has = |word: &str| lines.iter().any(|it| plain(it).split_whitespace().next() == Some(word));
    let first = lines.iter().find(|it| !plain(it).is_empty()).copied().unwrap_or_default();
    if cluster_name && !has("kubernetes") {
        return Some((first, "its Corefile has no `kubernetes` block, so that it knows no Service".to_owned()));
    }
    if !cluster_name && !has("forward") && !has("proxy") {
        return Some((first, "its Corefile has no `forward`, so that it knows no name outside of the cluster".to_owned()));
    }
    let mut template = None;
    for line in &lines {
        let words = plain(line);
        let mut words = words.split_whitespace();
        match (words.next(), words.next(), words.last()) {
            (Some("template"), _, _) => template = Some(plain(line)),
            (Some("}"), _, _) => template = None,
            (Some("rcode"), Some(code @ ("NXDOMAIN" | "SERVFAIL" | "REFUSED")), _) => {
                // A template without a zone stands for the zone of its server block.
                let zone = template.as_deref().and_then(|it| it.split_whitespace().nth(3)).unwrap_or(".").trim_end_matches('{');
                let covers = matches!(zone, "" | ".") || zone.trim_matches('.') == "cluster.local" && cluster_name;
                if covers && template.is_some() {
                    return Some((line, format!("a `template` answers {code} for {}", if zone.is_empty() { "." } else { zone })));
                }
            }
            (Some("kubernetes"), Some(zone), _) if cluster_name && zone != "{" && !plain(line).contains("cluster.local") => {
                return Some((line, format!("its `kubernetes` block serves `{zone}` and not `cluster.local`")));
            }
            (Some("rewrite"), _, _) if cluster_name && plain(line).contains("cluster.local") => {
                return Some((line, "a `rewrite` changes names of `cluster.local`".to_owned()));
            }
            _ => {}
        }
    }
    None
}

fn misconfigured(facts: &Facts) -> Vec<Finding> {
    let Some(dns) = &facts.dns else { return Vec::new() };
    let Some(config) = &dns.config else { return Vec::new() };
    if ready(dns) == Some(0) {
        return Vec::new();
    }
    let Some(host) = &dns.trouble.host else { return Vec::new() };
    let labels = host.trim_end_matches('.').split('.').count();
    let is_cluster_name = labels <= 2 || host.contains(".svc");
    let corefile = config.get("data").and_then(|it| it.get("Corefile")).and_then(serde_json::Value::as_str).unwrap_or_default();
    if corefile.is_empty() {
        return Vec::new();
    }
    let Some((line, why)) = fault_of(corefile, is_cluster_name) else { return Vec::new() };
    // A short name that DNS knows nothing of may simply be wrong.
    let known = !is_cluster_name || host.contains(".svc") || facts.dependency.is_some() || !dns.trouble.answered;
    let confidence = if known { Confidence::High } else { Confidence::Medium };
    let summary = format!("{}, because CoreDNS is configured wrongly: {why}.", caller(facts, dns));
    let quoted = Evidence {
        object: config.address(),
        field: "data.Corefile".to_owned(),
        value: crate::diagnose::finding::verbatim(line).to_owned(),
        at: None,
    };
    vec![
        base(facts, dns, "coredns-misconfigured", confidence, summary)
            .because([quoted])
            .link(config.address(), why)
            .fix(
                Risk::Medium,
                "Correct the Corefile, in the configuration of the add-on `coredns` where EKS manages it; every name of the cluster depends on it",
            )
            .look("The difference between this Corefile and the default of the add-on"),
    ]
}

/// Whether the name leads to no Service; some resolvers call that a temporary failure.
fn is_missing(facts: &Facts) -> bool {
    facts.dependency.as_ref().is_some_and(|it| matches!(it.reached, Reached::Nothing { .. }))
}

/// Whether CoreDNS itself shows that it is short of something.
fn strain(dns: &Dns) -> Option<(String, Option<Evidence>)> {
    for pod in &dns.pods {
        for status in pod.list("status.containerStatuses") {
            if status.text("lastState.terminated.reason") == "OOMKilled" {
                let field = status.get("lastState.terminated.reason")?;
                return Some((
                    format!("pod `{}` of CoreDNS was killed for lack of memory", pod.name()),
                    field_evidence(pod, &field, None),
                ));
            }
        }
    }
    let (pod, log) = (dns.pods.first()?, dns.log.as_ref()?);
    let waits = |it: &&str| it.contains("plugin/errors") && (it.contains("i/o timeout") || it.contains("SERVFAIL"));
    let lines = log.text.lines().filter(waits).count();
    let line = log.text.lines().rev().find(waits)?;
    let times = super::times(i64::try_from(lines).unwrap_or(1));
    Some((
        format!("CoreDNS itself gets no answer from its own resolver, {times} in the end of its log"),
        Some(log_evidence(pod, log, line)),
    ))
}

fn overloaded(facts: &Facts) -> Vec<Finding> {
    let Some(dns) = &facts.dns else { return Vec::new() };
    if dns.trouble.answered || ready(dns).is_none_or(|it| it == 0) || !policy(facts).is_empty() || is_missing(facts) {
        return Vec::new();
    }
    let Some((why, shown)) = strain(dns) else { return Vec::new() };
    let summary = format!("{}, because CoreDNS is overloaded: {why}.", caller(facts, dns));
    vec![
        base(facts, dns, "coredns-overloaded", Confidence::Medium, summary)
            .because(shown)
            .link("Service/kube-system/kube-dns", format!("{} ready", text::count(ready(dns).unwrap_or(0), "endpoint")))
            .fix(Risk::Low, "Turn on autoscaling of the add-on `coredns`, or give it more replicas, memory and CPU")
            .fix(Risk::Low, "Use NodeLocal DNSCache; end names with a dot or lower `ndots`, which multiplies queries"),
    ]
}

/// Whether any rule of a policy lets packets to CoreDNS out.
fn admits_dns(policy: &Object, dns: &Dns) -> bool {
    policy.list("spec.egress").any(|rule| {
        let ports = rule.list("ports");
        let port = ports.is_empty()
            || ports.iter().any(|it| {
                let wanted = it.text("protocol");
                let first = it.integer("port");
                let named = it.text("port");
                let last = it.integer("endPort").or(first);
                let number = first.zip(last).is_none_or(|(first, last)| first <= 53 && 53 <= last);
                (wanted == "UDP") && (named.is_empty() || named.starts_with("dns")) && number
            });
        let peers = rule.list("to");
        port && (peers.is_empty()
            || peers.iter().any(|peer| {
                if peer.get("ipBlock").is_some() {
                    return true;
                }
                let namespace = peer.get("namespaceSelector").is_some_and(|it| {
                    let labels = it.value.get("matchLabels").and_then(serde_json::Value::as_object);
                    labels.is_none_or(|it| {
                        it.iter()
                            .all(|(key, value)| key != "kubernetes.io/metadata.name" || value.as_str() == Some("kube-system"))
                    })
                });
                namespace && peer.get("podSelector").is_none_or(|it| dns.pods.first().is_none_or(|pod| fits(it.value, pod)))
            }))
    })
}

fn policy(facts: &Facts) -> Vec<Finding> {
    let Some(dns) = &facts.dns else { return Vec::new() };
    if dns.trouble.answered || ready(dns) == Some(0) {
        return Vec::new();
    }
    let policies: Vec<&Object> =
        dns.policies.iter().flatten().filter(|it| selects(it, &facts.pod) && has_type(it, "Egress")).collect();
    // Policies add up: one that lets DNS out is enough.
    let Some(policy) = policies.first().filter(|_| !policies.iter().any(|it| admits_dns(it, dns))) else { return Vec::new() };
    let summary = format!(
        "{}: NetworkPolicy `{}/{}` selects the pod for egress and lets no packet out to port 53 (UDP) of CoreDNS.",
        caller(facts, dns),
        policy.namespace(),
        policy.name()
    );
    let types = policy.list("spec.policyTypes").find(|it| it.value.as_str() == Some("Egress"));
    vec![
        base(facts, dns, "netpol-blocks-dns", Confidence::High, summary)
            .because(types.and_then(|it| field_evidence(policy, &it, None)).or_else(|| evidence(policy, "metadata.name")))
            .link(policy.address(), "lets no DNS out")
            .fix(Risk::Low, "Add an egress rule to namespace `kube-system`, pods `k8s-app: kube-dns`, port 53 for UDP and TCP"),
    ]
}

/// Nothing in the cluster explains it: the packets get lost below Kubernetes.
fn blocked(facts: &Facts) -> Vec<Finding> {
    let Some(dns) = &facts.dns else { return Vec::new() };
    let healthy = ready(dns).is_some_and(|it| it > 0);
    if dns.trouble.answered
        || !healthy
        || !policy(facts).is_empty()
        || !overloaded(facts).is_empty()
        || !misconfigured(facts).is_empty()
    {
        return Vec::new();
    }
    if dns.policies.is_none() || is_missing(facts) {
        return Vec::new();
    }
    let endpoints = text::count(ready(dns).unwrap_or(0), "ready endpoint");
    let Some(branch) = entry_evidence(&facts.pod, "metadata.annotations", BRANCH) else {
        let summary = format!(
            "{}, although CoreDNS has {endpoints} and no NetworkPolicy keeps the pod from it: packets to port 53 get lost between the pod's node and CoreDNS, most likely at a security group or network ACL.",
            caller(facts, dns)
        );
        return vec![
            base(facts, dns, "dns-egress-blocked", Confidence::Medium, summary)
                .specific(8)
                .link("Service/kube-system/kube-dns", endpoints)
                .fix(Risk::Low, "Let the nodes' security groups reach each other on port 53, UDP and TCP")
                .look("Whether other pods of the same node resolve names"),
        ];
    };
    let groups: Vec<&Object> = facts.aws_of("SecurityGroup").collect();
    let closed = groups.iter().find(|_| !groups.iter().any(|group| lets_out(group)));
    let (why, confidence) = match closed {
        Some(group) => (format!("security group `{}` of the pod lets nothing out to port 53", group.name()), Confidence::High),
        None => (
            "the pod has security groups of its own, which have to allow port 53 to those of CoreDNS".to_owned(),
            Confidence::Medium,
        ),
    };
    let summary = format!("{}, although CoreDNS has {endpoints}: {why}.", caller(facts, dns));
    vec![
        base(facts, dns, "sgpp-traffic-blocked", confidence, summary)
            .because([branch])
            .because(closed.and_then(|it| evidence(it, "metadata.name")))
            .link(format!("annotation {BRANCH}"), "security groups of the pod itself")
            .fix(
                Risk::Low,
                "Allow port 53, UDP and TCP, out of the pod's security group and into that of the nodes on which CoreDNS runs",
            ),
    ]
}

/// Whether a security group lets DNS out.
fn lets_out(group: &Object) -> bool {
    group.list("egress").any(|rule| {
        let protocol = rule.text("protocol");
        let port = |name: &str| rule.integer(name);
        (protocol == "-1" || protocol == "udp" || protocol == "17")
            && port("from_port").is_none_or(|it| it <= 53)
            && port("to_port").is_none_or(|it| 53 <= it)
    })
}

#[cfg(test)]
#[path = "dns_tests.rs"]
mod tests;
