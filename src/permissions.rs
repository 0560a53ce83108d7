//! The least permissions that a selection of tools needs, as documents to apply.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::tool::Permission;

/// An IAM policy that allows what these tools call, and nothing else.
pub fn iam_policy(permissions: &[Permission]) -> Value {
    let actions: BTreeSet<&str> = permissions
        .iter()
        .filter_map(|it| match it {
            Permission::Iam(action) => Some(*action),
            Permission::Rbac { .. } => None,
        })
        .collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Sid": "EksMcpRead", "Effect": "Allow", "Action": actions, "Resource": "*"}],
    })
}

/// A ClusterRole that allows what these tools read, and nothing else.
///
/// `*` stands for "any kind the user asks for"; such a tool reads what the role lets it, so the role names the kinds.
pub fn cluster_role(permissions: &[Permission]) -> String {
    let mut rules: BTreeMap<(&str, BTreeSet<&str>), BTreeSet<&str>> = BTreeMap::new();
    let mut verbs: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for permission in permissions {
        match *permission {
            Permission::Rbac { verb, group: "*", resource: "*" } => {
                for (group, resource) in READABLE {
                    verbs.entry((group, resource)).or_default().insert(verb);
                }
            }
            Permission::Rbac { verb, group, resource } => {
                verbs.entry((group, resource)).or_default().insert(verb);
            }
            Permission::Iam(_) => {}
        }
    }
    for ((group, resource), verbs) in verbs {
        rules.entry((group, verbs)).or_default().insert(resource);
    }
    let mut text = String::from(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: eks-mcp-read\n# Secrets are left out on purpose.\nrules:\n",
    );
    for ((group, verbs), resources) in rules {
        let list = |items: &BTreeSet<&str>| items.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
        let _ =
            writeln!(text, "  - apiGroups: [\"{group}\"]\n    resources: [{}]\n    verbs: [{}]", list(&resources), list(&verbs));
    }
    text
}

/// Kinds that a tool for any kind may read: everything but Secrets.
const READABLE: &[(&str, &str)] = &[
    ("", "configmaps"),
    ("", "endpoints"),
    ("", "events"),
    ("", "limitranges"),
    ("", "namespaces"),
    ("", "nodes"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "replicationcontrollers"),
    ("", "resourcequotas"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("admissionregistration.k8s.io", "*"),
    ("apiextensions.k8s.io", "*"),
    ("apiregistration.k8s.io", "*"),
    ("apps", "*"),
    ("autoscaling", "*"),
    ("batch", "*"),
    ("coordination.k8s.io", "*"),
    ("discovery.k8s.io", "*"),
    ("eks.amazonaws.com", "*"),
    ("events.k8s.io", "*"),
    ("gateway.networking.k8s.io", "*"),
    ("karpenter.sh", "*"),
    ("networking.k8s.io", "*"),
    ("policy", "*"),
    ("rbac.authorization.k8s.io", "*"),
    ("scheduling.k8s.io", "*"),
    ("storage.k8s.io", "*"),
];

/// Kinds that people ask for most, which stand for "any kind" where each has to be asked about by itself.
pub const COMMON_KINDS: &[(&str, &str)] = &[
    ("", "configmaps"),
    ("", "events"),
    ("", "namespaces"),
    ("", "nodes"),
    ("", "persistentvolumeclaims"),
    ("", "persistentvolumes"),
    ("", "pods"),
    ("", "serviceaccounts"),
    ("", "services"),
    ("apiextensions.k8s.io", "customresourcedefinitions"),
    ("apps", "daemonsets"),
    ("apps", "deployments"),
    ("apps", "replicasets"),
    ("apps", "statefulsets"),
    ("autoscaling", "horizontalpodautoscalers"),
    ("batch", "cronjobs"),
    ("batch", "jobs"),
    ("networking.k8s.io", "ingresses"),
    ("networking.k8s.io", "networkpolicies"),
    ("policy", "poddisruptionbudgets"),
    ("storage.k8s.io", "storageclasses"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_hold_each_permission_once_and_no_secret() {
        let permissions = [
            Permission::iam("eks:ListClusters"),
            Permission::iam("eks:ListClusters"),
            Permission::rbac("get", "", "pods"),
            Permission::rbac("list", "*", "*"),
        ];
        assert_eq!(iam_policy(&permissions)["Statement"][0]["Action"], json!(["eks:ListClusters"]));
        let role = cluster_role(&permissions);
        assert!(role.contains("resources: [\"pods\"]\n    verbs: [\"get\", \"list\"]"), "{role}");
        assert!(!role.contains("secrets\""), "{role}");
    }
}
