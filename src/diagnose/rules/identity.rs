//! Pods without AWS credentials.

use super::{Rule, label, log_evidence};
use crate::diagnose::collect::service_account_name;
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::{Container, Facts};
use crate::diagnose::finding::{Depth, Finding, Severity, evidence};
use crate::diagnose::logs;

pub(super) const RULES: &[Rule] = &[Rule::new("podidentity-no-association", Severity::High, no_association)];

/// Variables through which a pod gets credentials; one of them set means that something else is wrong.
const SOURCES: &[&str] = &[
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
];
const ROLE_ANNOTATION: &str = "eks.amazonaws.com/role-arn";

fn no_association(facts: &Facts) -> Vec<Finding> {
    facts.containers().iter().filter_map(|container| without_credentials(facts, container)).collect()
}

fn without_credentials(facts: &Facts, container: &Container<'_>) -> Option<Finding> {
    let failing = container.exit(facts.now).map(|it| it.liveness);
    let liveness = failing.or_else(|| (!container.is_ready()).then_some(crate::diagnose::finding::Liveness::Active))?;
    let log = facts.logs.iter().find(|it| it.container == container.name && it.text.lines().any(logs::lacks_credentials))?;
    let line = logs::last_of(&log.text, logs::lacks_credentials)?;
    let environment = container.spec.list("env");
    if environment.iter().any(|it| SOURCES.contains(&it.text("name"))) {
        return None;
    }
    let account = facts.service_account.as_ref();
    if account.and_then(|it| it.annotation(ROLE_ANNOTATION)).is_some_and(|it| !it.is_empty()) {
        return None;
    }
    let (namespace, name) = (facts.pod.namespace(), service_account_name(&facts.pod));
    let associated = facts.associations.as_ref().map(|it| !it.is_empty());
    let no_role = if account.is_some() { format!(" and no `{ROLE_ANNOTATION}` annotation") } else { String::new() };
    let who = format!("service account `{name}` of namespace `{namespace}`");
    let (why, confidence) = match associated {
        Some(false) => (format!("{who} has no Pod Identity association{no_role}"), Confidence::High),
        Some(true) => (
            format!(
                "{who} has a Pod Identity association, but the pod lacks its variables, so it was started before the association was made"
            ),
            Confidence::High,
        ),
        None => (
            format!(
                "the pod has neither Pod Identity nor IRSA variables, so {who} most likely has no Pod Identity association{no_role}"
            ),
            Confidence::Medium,
        ),
    };
    // Environment from elsewhere may hold credentials that nobody has seen.
    let hidden = !container.spec.list("envFrom").is_empty() && associated != Some(false);
    let confidence = if account.is_none() || hidden { confidence.lowered() } else { confidence };
    let summary = format!("{} finds no AWS credentials, because {why}.", super::title(container));
    let finding = Finding::new("podidentity-no-association", Depth::Reference, confidence, summary)
        .specific(8)
        .alive(liveness)
        .because([log_evidence(&facts.pod, log, line)])
        .because(evidence(&facts.pod, "spec.serviceAccountName"))
        .because(account.and_then(|it| evidence(it, "metadata.name")))
        .because(container.exit(facts.now).iter().flat_map(|exit| super::exit_evidence(container, exit)))
        .link(label(container), container.state(facts.now))
        .link(
            format!("ServiceAccount/{namespace}/{name}"),
            if associated == Some(true) { "associated after the pod was started" } else { "no Pod Identity association seen" },
        );
    let restart = super::editable_workload(facts).map(|it| format!("kubectl -n {namespace} rollout restart {it}"));
    let region = facts.target.region.as_ref().map_or_else(String::new, |it| format!(" --region {it}"));
    let finding = match associated {
        Some(true) => finding,
        _ => finding.fix_with(
            Risk::Low,
            "Create a Pod Identity association with a role that trusts `pods.eks.amazonaws.com` and has the needed permissions",
            Some(format!(
                "aws eks create-pod-identity-association{region} --cluster-name {} --namespace {namespace} --service-account {name} --role-arn ROLE_ARN",
                facts.target.cluster
            )),
        ),
    };
    let agent = super::CheckArguments {
        kind: Some("DaemonSet".to_owned()),
        namespace: Some("kube-system".to_owned()),
        ..Default::default()
    };
    Some(finding.fix_with(Risk::Low, "Restart the pods: credentials are injected only when a pod is created", restart).check(
        "Whether `eks-pod-identity-agent` runs on the nodes",
        "list_resources",
        agent,
    ))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::cluster::PodIdentityAssociation;
    use crate::domain::object::Object;
    use serde_json::{Value, json};

    const LOG: &str =
        "Traceback (most recent call last):\nbotocore.exceptions.NoCredentialsError: Unable to locate credentials\n";

    fn uploader(env: Value, annotations: Value, associations: Option<usize>) -> Facts {
        let mut facts = with_log(crashed(json!({ "env": env }), 1, "Error", ""), LOG);
        facts.service_account = Some(Object::new(
            json!({"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop", "annotations": annotations}}),
        ));
        facts.associations = associations.map(|count| vec![PodIdentityAssociation::default(); count]);
        facts
    }

    #[test]
    fn a_missing_association_needs_every_other_source_to_be_absent() {
        let bare = uploader(json!([]), json!({}), Some(0));
        assert_eq!(ids(&bare), ["app-aws-no-credentials", "podidentity-no-association"]);
        let found = finding(&bare, "podidentity-no-association");
        assert!(
            found.confidence == Confidence::High
                && found.summary.contains("no Pod Identity association and no `eks.amazonaws.com/role-arn`"),
            "{}",
            found.summary
        );
        assert_eq!(finding(&uploader(json!([]), json!({}), None), "podidentity-no-association").confidence, Confidence::Medium);
        assert!(
            finding(&uploader(json!([]), json!({}), Some(1)), "podidentity-no-association").summary.contains("started before")
        );
        for other in [
            uploader(
                json!([{"name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"}]),
                json!({}),
                Some(1),
            ),
            uploader(json!([{"name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/var/run/token"}]), json!({}), Some(0)),
        ] {
            assert_eq!(ids(&other), ["app-aws-no-credentials"]);
        }
        let irsa = uploader(json!([]), json!({"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/x"}), Some(0));
        assert_eq!(ids(&irsa), ["app-aws-no-credentials", "irsa-not-injected"]);
    }
}
