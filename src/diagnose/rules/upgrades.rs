//! What keeps a cluster from being upgraded, or will when its version goes out of support.

use serde_json::Value;

use super::Rule;
use super::cluster::is_about_cluster;
use crate::diagnose::diagnosis::{CheckArguments, Confidence, Risk};
use crate::diagnose::facts::{Facts, Kubelets};
use crate::diagnose::finding::{Depth, Finding, Severity, evidence, field_evidence};
use crate::domain::object::Object;
use crate::domain::text::{self, count, join_and};
use crate::domain::time;

pub(super) const RULES: &[Rule] = &[
    Rule::new("upgrade-version-unsupported", Severity::High, version),
    Rule::new("upgrade-removed-api-in-use", Severity::Critical, removed),
    Rule::new("upgrade-kubelet-skew", Severity::High, kubelet_skew),
    Rule::new("upgrade-kube-proxy-skew", Severity::High, proxy_skew),
    Rule::new("upgrade-addon-incompatible", Severity::High, addons),
    Rule::new("upgrade-ami-removed", Severity::High, images),
    Rule::new("upgrade-subnet-ips", Severity::High, subnets),
    Rule::new("upgrade-pdb-blocks", Severity::High, budgets),
    Rule::new("insight-error", Severity::High, insights),
];

/// Addresses that an update of the control plane may need.
const ADDRESSES: i64 = 5;
/// The first version without images of Amazon Linux 2.
const WITHOUT_AL2: u32 = 33;

/// A cause that lies in wait: nothing fails before the upgrade.
fn waiting(id: &'static str, confidence: Confidence, specificity: u8, summary: String) -> Finding {
    Finding::new(id, Depth::Target, confidence, summary).specific(specificity)
}

/// Minor number of `1.34`, of `v1.34.2-eks-1234` and of an image tag.
fn minor(version: &str) -> Option<u32> {
    version.trim_start_matches('v').strip_prefix("1.")?.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

fn own(facts: &Facts) -> Option<u32> {
    is_about_cluster(facts).then(|| minor(facts.target_object().text("version"))).flatten()
}

fn version(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) {
        return Vec::new();
    }
    let cluster = facts.target_object();
    let Some(known) = facts.aws_of("KubernetesVersion").next() else { return Vec::new() };
    let (name, version) = (cluster.name(), cluster.text("version"));
    let left = |path: &str| known.time(path).map(|at| (at, (at.as_second() - facts.now.as_second()).div_euclid(86_400)));
    let standard = cluster.text("support_type") == "STANDARD";
    let (summary, proof) = match (known.text("status"), left("end_of_extended_support"), left("end_of_standard_support")) {
        ("UNSUPPORTED", ..) => (
            format!(
                "Kubernetes {version} of cluster `{name}` is not supported any more: EKS upgrades its control plane at any time, without asking."
            ),
            "status",
        ),
        ("EXTENDED_SUPPORT", end, _) => {
            let until = end.map_or_else(String::new, |(at, days)| {
                format!(", which ends in {} ({})", count(usize::try_from(days).unwrap_or(0), "day"), time::date(at))
            });
            (
                format!(
                    "Kubernetes {version} of cluster `{name}` is in extended support{until}: it costs more, and is upgraded without asking after that."
                ),
                "status",
            )
        }
        ("STANDARD_SUPPORT", _, Some((at, days))) if standard && days <= 60 => (
            format!(
                "Kubernetes {version} of cluster `{name}` leaves standard support in {} ({}), and its upgrade policy is STANDARD: EKS upgrades it then without asking.",
                count(usize::try_from(days).unwrap_or(0), "day"),
                time::date(at)
            ),
            "end_of_standard_support",
        ),
        _ => return Vec::new(),
    };
    vec![
        waiting("upgrade-version-unsupported", Confidence::Certain, 6, summary)
            .because(evidence(known, proof))
            .because(evidence(cluster, "version"))
            .fix(
                Risk::Medium,
                "Upgrade one minor version at a time, add-ons and nodes after each; look at the insights of EKS first",
            ),
    ]
}

/// Insights that do not pass, with whether each is an error.
fn open(facts: &Facts) -> impl Iterator<Item = (&Object, bool)> {
    let about = is_about_cluster(facts);
    let open = facts.aws_of("Insight").filter(move |it| about && matches!(it.text("status"), "ERROR" | "WARNING"));
    open.map(|it| (it, it.text("status") == "ERROR"))
}

/// What an insight is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Topic {
    RemovedApi,
    Kubelet,
    KubeProxy,
    Addon,
    Health,
    Other,
}

fn topic(insight: &Object) -> Topic {
    let name = insight.text("name").to_lowercase();
    let has = |path: &str| insight.list(path).next().is_some();
    match () {
        () if has("deprecations") || name.contains("deprecated api") => Topic::RemovedApi,
        () if name.contains("kubelet") => Topic::Kubelet,
        () if name.contains("kube-proxy") => Topic::KubeProxy,
        () if has("addons") || name.contains("add-on") => Topic::Addon,
        () if name.contains("cluster health") => Topic::Health,
        () => Topic::Other,
    }
}

fn told(insight: &Object, id: &'static str, error: bool, summary: String) -> Finding {
    // A warning is about a version after the next one.
    let confidence = if error { Confidence::Certain } else { Confidence::High };
    waiting(id, confidence, if error { 8 } else { 5 }, summary)
        .because(["reason", "status"].iter().filter_map(|it| evidence(insight, it)))
        .link(format!("insight `{}`", insight.name()), insight.text("status"))
}

/// What EKS advises, as a cure.
fn advised(finding: Finding, insight: &Object, otherwise: &str) -> Finding {
    let said = text::cut(&text::clean_line(insight.text("recommendation")), 300);
    finding.fix(Risk::Low, if said.is_empty() { otherwise.to_owned() } else { said })
}

fn removed(facts: &Facts) -> Vec<Finding> {
    let found = open(facts).filter(|(it, _)| topic(it) == Topic::RemovedApi).map(|(insight, error)| {
        let first = insight.list("deprecations").next();
        let told_by = |path: &str| first.as_ref().map_or("", |it| it.text(path));
        let (usage, replaced, gone) = (told_by("usage"), told_by("replaced_with"), told_by("stop_serving_version"));
        let clients: Vec<String> = first
            .iter()
            .flat_map(|it| it.value.get("clients").and_then(Value::as_array).into_iter().flatten())
            .filter_map(Value::as_str)
            .take(3)
            .map(|it| format!("`{}`", text::cut(&text::clean_line(it), 80)))
            .collect();
        let who = if clients.is_empty() { String::new() } else { format!(" by {}", join_and(&clients)) };
        let summary = if usage.is_empty() {
            format!(
                "APIs that Kubernetes {} does not serve any more are in use: {}.",
                insight.text("kubernetes_version"),
                text::clean_line(insight.text("reason")).trim_end_matches('.')
            )
        } else {
            let instead = if replaced.is_empty() { String::new() } else { format!("; `{replaced}` replaces it") };
            format!("`{usage}` is still called{who}, and Kubernetes {gone} does not serve it any more{instead}.")
        };
        let finding = told(insight, "upgrade-removed-api-in-use", error, summary);
        let shown = first.iter().flat_map(|it| {
            ["usage", "replaced_with", "clients[0]"].into_iter().filter_map(|path| field_evidence(insight, &it.get(path)?, None))
        });
        advised(finding.because(shown), insight, "Convert the manifests, and upgrade the clients that call the old API")
    });
    found.collect()
}

/// How a kubelet stands to the version of the control plane, as part of a sentence.
fn skew(kubelet: u32, own: u32) -> Option<String> {
    if kubelet > own {
        return Some(format!("newer than the control plane (1.{own})"));
    }
    // Three minors behind is the most after the upgrade.
    (kubelet + 3 < own + 1)
        .then(|| format!("more than three minor versions behind 1.{}, which the control plane would be next", own + 1))
}

fn kubelet_skew(facts: &Facts) -> Vec<Finding> {
    let Some(own) = own(facts) else { return Vec::new() };
    let of = |it: &Kubelets| minor(it.example.text("status.nodeInfo.kubeletVersion"));
    let wrong: Vec<(&Kubelets, String)> = facts.kubelets.iter().filter_map(|it| Some((it, skew(of(it)?, own)?))).collect();
    let Some((worst, why)) = wrong.first() else {
        let from_insight = open(facts).filter(|(it, _)| topic(it) == Topic::Kubelet && facts.kubelets.is_empty());
        return from_insight
            .map(|(insight, error)| {
                let reason = text::clean_line(insight.text("reason"));
                let summary = format!("Kubelets do not fit the next version: {}.", reason.trim_end_matches('.'));
                advised(told(insight, "upgrade-kubelet-skew", error, summary), insight, "Upgrade the nodes first")
            })
            .collect();
    };
    let nodes: usize = wrong.iter().map(|it| it.0.nodes).sum();
    let group =
        worst.example.label("eks.amazonaws.com/nodegroup").map_or_else(String::new, |it| format!(" of node group `{it}`"));
    let summary = format!(
        "{} cannot follow the control plane: the kubelet {} of node `{}`{group} is {why}.",
        count(nodes, "node"),
        worst.example.text("status.nodeInfo.kubeletVersion"),
        worst.example.name()
    );
    vec![
        waiting("upgrade-kubelet-skew", Confidence::Certain, 8, summary)
            .because(evidence(&worst.example, "status.nodeInfo.kubeletVersion"))
            .because(evidence(facts.target_object(), "version"))
            .fix(
                Risk::Medium,
                "Upgrade or replace these nodes before the control plane; pods on Fargate are recreated to get a new kubelet",
            ),
    ]
}

fn proxy_skew(facts: &Facts) -> Vec<Finding> {
    let Some(own) = own(facts) else { return Vec::new() };
    let proxies = facts.related_of("DaemonSet").filter(|it| it.name() == "kube-proxy");
    let found = proxies.flat_map(|proxy| {
        proxy.list("spec.template.spec.containers").filter_map(move |container| {
            let image = container.get("image")?;
            let (_, tag) = crate::diagnose::grammar::image_parts(image.value.as_str()?);
            let of = minor(tag)?;
            // kube-proxy may be as old as a kubelet, and not newer than the API server.
            let why = skew(of, own)?;
            let summary = format!("kube-proxy 1.{of} (`{tag}`) is {why}.");
            Some(
                waiting("upgrade-kube-proxy-skew", Confidence::Certain, 8, summary)
                    .because(field_evidence(proxy, &image, None))
                    .because(evidence(facts.target_object(), "version"))
                    .fix(
                        Risk::Low,
                        "Update the add-on `kube-proxy` to the version of the control plane, before the next upgrade",
                    ),
            )
        })
    });
    found.collect()
}

fn addons(facts: &Facts) -> Vec<Finding> {
    let from_insights = open(facts).filter(|(it, _)| topic(it) == Topic::Addon).map(|(insight, error)| {
        let named: Vec<String> = insight
            .list("addons")
            .take(4)
            .map(|it| {
                let newest = it.value.get("versions").and_then(Value::as_array).and_then(|it| it.first()).and_then(Value::as_str);
                newest.map_or_else(
                    || format!("`{}`", it.text("name")),
                    |version| format!("`{}` (fits: {version})", it.text("name")),
                )
            })
            .collect();
        let of = if named.is_empty() {
            text::clean_line(insight.text("reason")).trim_end_matches('.').to_owned()
        } else {
            join_and(&named)
        };
        let summary = format!("Add-ons do not fit Kubernetes {}: {of}.", insight.text("kubernetes_version"));
        let names = insight.list("addons").filter_map(|it| field_evidence(insight, &it.get("name")?, None)).take(4);
        advised(
            told(insight, "upgrade-addon-incompatible", error, summary).because(names),
            insight,
            "Update these add-ons before the cluster",
        )
    });
    let unlisted = facts.aws_of("AddonVersions").filter_map(|offered| {
        let addon = facts.aws_of("Addon").find(|it| it.name() == offered.name())?;
        let versions = offered.get("versions").and_then(Value::as_array)?;
        let fits = versions.iter().any(|it| it.as_str() == Some(addon.text("version")));
        if fits || !is_about_cluster(facts) {
            return None;
        }
        let next = offered.text("kubernetes_version");
        let newest = versions.first().and_then(Value::as_str).unwrap_or_default();
        let instead = if newest.is_empty() { ", and no version does".to_owned() } else { format!("; `{newest}` does") };
        let summary = format!("Add-on `{}` {} does not fit Kubernetes {next}{instead}.", addon.name(), addon.text("version"));
        Some(
            waiting("upgrade-addon-incompatible", Confidence::High, 7, summary)
                .because(evidence(addon, "version"))
                .because(evidence(offered, "versions[0]"))
                .fix(Risk::Low, "Update the add-on before the cluster"),
        )
    });
    from_insights.chain(unlisted).collect()
}

fn images(facts: &Facts) -> Vec<Finding> {
    let Some(own) = own(facts) else { return Vec::new() };
    if own + 1 < WITHOUT_AL2 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let old: Vec<&Object> = facts.aws_of("Nodegroup").filter(|it| it.text("ami_type").starts_with("AL2_")).collect();
    if let Some(group) = old.first() {
        let names: Vec<String> = old.iter().take(5).map(|it| format!("`{}`", it.name())).collect();
        let summary = format!(
            "Node {} {} on Amazon Linux 2 ({}), for which there is no image from Kubernetes 1.{WITHOUT_AL2} on.",
            if old.len() == 1 { "group" } else { "groups" },
            if old.len() == 1 { format!("{} runs", join_and(&names)) } else { format!("{} run", join_and(&names)) },
            group.text("ami_type"),
        );
        found.push(
            waiting("upgrade-ami-removed", Confidence::Certain, 8, summary)
                .because(old.iter().take(3).filter_map(|it| evidence(it, "ami_type")))
                .fix(Risk::Medium, "Create node groups of type AL2023 or Bottlerocket, with user data for `nodeadm` in place of `bootstrap.sh`, and move the pods"),
        );
    }
    // Self-managed nodes and those of Karpenter belong to no group.
    let loose = facts.kubelets.iter().filter(|it| {
        let image = it.example.text("status.nodeInfo.osImage");
        image.starts_with("Amazon Linux 2") && !image.starts_with("Amazon Linux 2023")
    });
    let loose: Vec<&Kubelets> = loose.filter(|it| it.example.label("eks.amazonaws.com/nodegroup").is_none()).collect();
    if let Some(first) = loose.first() {
        let nodes: usize = loose.iter().map(|it| it.nodes).sum();
        let summary = format!(
            "{} outside of node groups, such as `{}`, run Amazon Linux 2, for which there is no image from Kubernetes 1.{WITHOUT_AL2} on.",
            count(nodes, "node"),
            first.example.name()
        );
        found.push(
            waiting("upgrade-ami-removed", Confidence::Certain, 7, summary)
                .because(evidence(&first.example, "status.nodeInfo.osImage"))
                .fix(Risk::Medium, "Use an image of AL2023 or Bottlerocket in the launch template or EC2NodeClass"),
        );
    }
    found
}

fn subnets(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) {
        return Vec::new();
    }
    let subnets: Vec<&Object> = facts.aws_of("Subnet").collect();
    let free = |it: &&Object| it.integer("free_addresses").unwrap_or(i64::MAX);
    let total = subnets.iter().map(free).fold(0_i64, i64::saturating_add);
    let short: Vec<&&Object> = subnets.iter().filter(|it| free(it) < ADDRESSES).collect();
    let Some(worst) = short.first() else { return Vec::new() };
    // Two zones are enough for the control plane.
    if subnets.len() - short.len() >= 2 {
        return Vec::new();
    }
    let confidence = if total < ADDRESSES { Confidence::Certain } else { Confidence::Medium };
    let summary = format!(
        "The subnets of the control plane have too few free addresses for an upgrade, which may need {ADDRESSES}: {} has {} free.",
        format_args!("`{}`", worst.name()),
        free(worst)
    );
    vec![
        waiting("upgrade-subnet-ips", confidence, 8, summary)
            .because(short.iter().take(3).filter_map(|it| evidence(it, "free_addresses")))
            .fix(Risk::Low, "Free addresses in these subnets, or give the cluster larger subnets of the same zones"),
    ]
}

fn budgets(facts: &Facts) -> Vec<Finding> {
    if !is_about_cluster(facts) {
        return Vec::new();
    }
    // No pod may go even while all of them are healthy.
    let never = |it: &&Object| {
        let number = |path: &str| it.integer(path).unwrap_or(0);
        number("status.expectedPods") > 0
            && it.integer("status.disruptionsAllowed") == Some(0)
            && number("status.desiredHealthy") >= number("status.expectedPods")
    };
    let never: Vec<&Object> = facts.related_of("PodDisruptionBudget").filter(never).collect();
    let Some(first) = never.first() else { return Vec::new() };
    let names: Vec<String> = never.iter().take(3).map(|it| format!("`{}/{}`", it.namespace(), it.name())).collect();
    let summary = format!(
        "{} can never be satisfied, so that their pods cannot be moved off a node that is upgraded: {}{}.",
        count(never.len(), "PodDisruptionBudget"),
        join_and(&names),
        if never.len() > names.len() { ", …" } else { "" }
    );
    let check = CheckArguments {
        kind: Some("PodDisruptionBudget".to_owned()),
        namespace: Some(first.namespace().to_owned()),
        ..CheckArguments::default()
    };
    vec![
        waiting("upgrade-pdb-blocks", Confidence::Certain, 7, summary)
            .because(
                ["status.desiredHealthy", "status.expectedPods", "status.disruptionsAllowed"]
                    .iter()
                    .filter_map(|it| evidence(first, it)),
            )
            .fix(Risk::Low, "Let at least one pod go (`maxUnavailable: 1`), or give the workload a further replica")
            .check("Which budgets there are", "list_resources", check),
    ]
}

/// Insights that no other rule tells.
fn insights(facts: &Facts) -> Vec<Finding> {
    let others = open(facts).filter(|(it, _)| topic(it) == Topic::Other);
    others
        .map(|(insight, error)| {
            let reason = text::clean_line(insight.text("reason"));
            let resources: Vec<String> = insight
                .get("resources")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .take(3)
                .map(|it| format!("`{}`", text::cut(&text::clean_line(it), 120)))
                .collect();
            let which = if resources.is_empty() { String::new() } else { format!(" ({})", join_and(&resources)) };
            let summary = format!(
                "EKS finds {} with `{}`: {}{which}.",
                if error { "an error" } else { "a risk" },
                insight.name(),
                reason.trim_end_matches('.')
            );
            advised(
                told(insight, "insight-error", error, summary).because(evidence(insight, "resources[0]")),
                insight,
                "Do what the insight recommends",
            )
        })
        .collect()
}

#[cfg(test)]
#[path = "upgrades_tests.rs"]
mod tests;
