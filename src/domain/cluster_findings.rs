//! What about a cluster deserves attention, from its description alone.

use schemars::JsonSchema;
use serde::Serialize;

use super::cluster::{Cluster, Vpc};
use super::version::Support;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Data or service may be lost.
    Critical,
    /// Act soon.
    High,
    /// Plan it.
    Medium,
    /// Good to know.
    Low,
}

/// Something that deserves attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was found.
    pub what: String,
    /// Why it matters.
    pub why: String,
    /// What to do about it.
    pub fix: String,
}

/// Findings on a cluster, worst first.
pub fn findings(cluster: &Cluster, support: Support) -> Vec<Finding> {
    let mut findings = Vec::new();
    health(cluster, &mut findings);
    lifecycle(cluster, support, &mut findings);
    exposure(cluster, &mut findings);
    operations(cluster, &mut findings);
    findings.sort_by_key(|it| it.severity);
    findings
}

fn add(findings: &mut Vec<Finding>, severity: Severity, what: impl Into<String>, why: &str, fix: impl Into<String>) {
    findings.push(Finding { severity, what: what.into(), why: why.to_owned(), fix: fix.into() });
}

fn health(cluster: &Cluster, findings: &mut Vec<Finding>) {
    for issue in &cluster.health_issues {
        let resources =
            if issue.resource_ids.is_empty() { String::new() } else { format!(" ({})", issue.resource_ids.join(", ")) };
        let what = format!("health issue {}{resources}: {}", issue.code, issue.message);
        if issue.code.starts_with("Kms") {
            add(
                findings,
                Severity::Critical,
                what,
                "without the key the cluster's data cannot be decrypted; it may be lost for good",
                "Restore the KMS key or its grant now.",
            );
        } else {
            add(
                findings,
                Severity::High,
                what,
                "EKS cannot manage parts of the cluster while this lasts",
                "Remove the cause that the message names.",
            );
        }
    }
    if cluster.status == "FAILED" {
        add(
            findings,
            Severity::High,
            "the cluster's status is FAILED",
            "it was not created or updated as asked",
            "Read the health issues and the last update of the cluster.",
        );
    }
}

fn lifecycle(cluster: &Cluster, support: Support, findings: &mut Vec<Finding>) {
    let version = cluster.version.as_deref().unwrap_or("unknown");
    match (support, support.days_left()) {
        (Support::Unsupported, _) => add(
            findings,
            Severity::High,
            format!("Kubernetes {version} is no longer supported"),
            "EKS upgrades the control plane at a time of its choosing",
            "Upgrade now, one minor version at a time.",
        ),
        (Support::Extended(_), days) => {
            let left = days.map(|it| format!(", {it} days left")).unwrap_or_default();
            let severity = if days.is_some_and(|it| it < 60) { Severity::High } else { Severity::Medium };
            add(
                findings,
                severity,
                format!("Kubernetes {version} is on extended support{left}"),
                "extended support adds a surcharge for every hour, and at its end EKS upgrades the control plane without asking",
                "Plan the upgrade to a version in standard support.",
            );
        }
        (Support::Standard(_), Some(days)) if days < 60 => {
            let (why, fix) = if cluster.support_type.as_deref() == Some("STANDARD") {
                (
                    "the upgrade policy is STANDARD: EKS upgrades the control plane after that date",
                    "Upgrade before, or set the policy to EXTENDED.",
                )
            } else {
                ("extended support and its surcharge begin after that date", "Upgrade before.")
            };
            add(findings, Severity::Medium, format!("standard support of Kubernetes {version} ends in {days} days"), why, fix);
        }
        _ => {}
    }
}

fn exposure(cluster: &Cluster, findings: &mut Vec<Finding>) {
    if cluster.vpc.as_ref().is_some_and(Vpc::is_open_to_the_internet) {
        add(
            findings,
            Severity::Medium,
            "the API endpoint is open to the whole internet (0.0.0.0/0)",
            "a leaked credential or a flaw in the API server could be used from anywhere",
            "Restrict the public CIDRs, or use the private endpoint only.",
        );
    }
    if cluster.authentication_mode.as_deref() == Some("CONFIG_MAP") {
        add(
            findings,
            Severity::Low,
            "authentication uses only the aws-auth ConfigMap",
            "access entries, EKS capabilities and AWS Backup need the mode API or API_AND_CONFIG_MAP; a broken ConfigMap locks everyone out",
            "Change the mode to API_AND_CONFIG_MAP.",
        );
    }
}

fn operations(cluster: &Cluster, findings: &mut Vec<Finding>) {
    if cluster.connector_provider.is_some() {
        return;
    }
    let off = cluster.logs_off();
    if off.iter().any(|it| it == "audit") {
        add(
            findings,
            Severity::Low,
            format!("control plane logs are off: {}", off.join(", ")),
            "what happened in the cluster cannot be reconstructed",
            "Turn on at least `audit` and `authenticator`.",
        );
    }
    if cluster.deletion_protection == Some(false) {
        add(
            findings,
            Severity::Low,
            "deletion protection is off",
            "one call deletes the cluster",
            "Turn it on for clusters that matter.",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_key_comes_before_everything() {
        let issue = super::super::cluster::HealthIssue {
            code: "KmsKeyDisabled".into(),
            message: "key is disabled".into(),
            resource_ids: vec![],
        };
        let cluster = Cluster {
            status: "ACTIVE".into(),
            health_issues: vec![issue],
            deletion_protection: Some(false),
            ..Cluster::default()
        };
        let found = findings(&cluster, Support::Extended(Some(20)));
        assert_eq!(found[0].severity, Severity::Critical);
        assert_eq!(found[1].severity, Severity::High, "extended support that ends soon");
    }

    #[test]
    fn a_well_kept_cluster_has_no_findings() {
        let cluster = Cluster {
            status: "ACTIVE".into(),
            logging: ["api", "audit", "authenticator", "controllerManager", "scheduler"].map(str::to_owned).into(),
            deletion_protection: Some(true),
            authentication_mode: Some("API".into()),
            vpc: Some(Vpc { private_access: true, ..Vpc::default() }),
            ..Cluster::default()
        };
        assert_eq!(findings(&cluster, Support::Standard(Some(200))), []);
    }
}
