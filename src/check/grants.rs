//! The commands that would grant what is missing. Pure: from what is known of the identity to lines for a shell.

use serde::Serialize;

use crate::domain::principal::Principal;

/// The group that the ClusterRole of `eks-mcp permissions --rbac` is bound to.
const GROUP: &str = "eks-mcp";
const ROLE: &str = "eks-mcp-read";

/// How a cluster is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// With a token of the AWS credentials.
    Eks,
    /// With a context of the kubeconfig.
    Kubeconfig,
    /// With the service account of the pod.
    InCluster,
    /// From recorded files.
    Snapshot,
}

impl Way {
    /// In a few words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eks => "EKS token",
            Self::Kubeconfig => "kubeconfig",
            Self::InCluster => "in-cluster",
            Self::Snapshot => "snapshot",
        }
    }
}

/// What is lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The cluster does not know the identity.
    Unknown,
    /// It knows it, and does not let it read what the tools need.
    Permissions,
}

/// One way to grant what is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Grant {
    /// What it does, and what it gives beyond what is needed.
    pub what: String,
    /// Commands, one after the other.
    pub commands: Vec<String>,
}

/// What is known of the identity and the cluster.
#[derive(Clone, Debug)]
pub struct Case<'a> {
    /// How the cluster is reached.
    pub way: Way,
    /// What is lacking.
    pub lack: Lack,
    /// Name of the cluster, or of its context.
    pub cluster: &'a str,
    /// Region of the cluster.
    pub region: Option<&'a str>,
    /// The role or user behind the credentials.
    pub principal: Option<&'a Principal>,
    /// Whom EKS lets grant access: `API`, `API_AND_CONFIG_MAP` or `CONFIG_MAP`.
    pub authentication_mode: Option<&'a str>,
    /// Name of the identity in the cluster.
    pub user: Option<&'a str>,
    /// Its groups in the cluster.
    pub groups: &'a [String],
    /// Missing permissions, as `list pods`.
    pub missing: &'a [&'a str],
}

/// The ways to grant what is missing, the least first; one of them is enough.
pub fn of(case: &Case<'_>) -> Vec<Grant> {
    match case.way {
        Way::Snapshot => Vec::new(),
        Way::Eks => eks(case),
        Way::Kubeconfig | Way::InCluster => match case.lack {
            Lack::Unknown => Vec::new(),
            Lack::Permissions => subject(case).map(|it| vec![cluster_role(case, Vec::new(), &it)]).unwrap_or_default(),
        },
    }
}

fn eks(case: &Case<'_>) -> Vec<Grant> {
    let Some(principal) = case.principal else { return Vec::new() };
    let (cluster, region) = (case.cluster, case.region.unwrap_or_default());
    let arn = principal.shell_word();
    let entry = format!("--cluster-name {cluster} --region {region} --principal-arn {arn}");
    let mut before = Vec::new();
    if case.authentication_mode == Some("CONFIG_MAP") {
        // It cannot be taken back, so nobody should run it unaware.
        before.push(format!(
            "aws eks update-cluster-config --name {cluster} --region {region} --access-config authenticationMode=API_AND_CONFIG_MAP"
        ));
    }
    let grouped = match (case.lack, subject(case)) {
        (Lack::Unknown, _) => {
            let mut commands = before.clone();
            commands.push(format!("aws eks create-access-entry {entry} --kubernetes-groups {GROUP}"));
            cluster_role(case, commands, &format!("--group={GROUP}"))
        }
        // Its own group already says who it is.
        (Lack::Permissions, Some(subject)) if subject.starts_with("--group") => cluster_role(case, Vec::new(), &subject),
        (Lack::Permissions, _) => {
            let commands = vec![format!("aws eks update-access-entry {entry} --kubernetes-groups {GROUP}")];
            cluster_role(case, commands, &format!("--group={GROUP}"))
        }
    };
    let partition = principal.arn.split(':').nth(1).unwrap_or("aws");
    let (policy, gives) = if case.lack == Lack::Permissions && case.missing.iter().all(|it| is_viewable(it)) {
        ("AmazonEKSViewPolicy", "read access to what is in namespaces, without Secrets")
    } else {
        ("AmazonEKSAdminViewPolicy", "read access to everything, Secrets included, which this server never asks for")
    };
    let associate = format!(
        "aws eks associate-access-policy {entry} --access-scope type=cluster --policy-arn arn:{partition}:eks::aws:cluster-access-policy/{policy}"
    );
    let mut commands = before;
    commands.push(match case.lack {
        Lack::Unknown => format!("aws eks create-access-entry {entry} && {associate}"),
        Lack::Permissions => associate,
    });
    vec![grouped, Grant { what: format!("the access policy {policy}: {gives}"), commands }]
}

fn cluster_role(case: &Case<'_>, mut commands: Vec<String>, subject: &str) -> Grant {
    let context = match case.way {
        Way::Kubeconfig => format!(" --context {}", quoted(case.cluster)),
        Way::Eks | Way::InCluster | Way::Snapshot => String::new(),
    };
    commands.push(format!("eks-mcp permissions --rbac | kubectl{context} apply -f -"));
    commands.push(format!("kubectl{context} create clusterrolebinding {ROLE} --clusterrole={ROLE} {subject}"));
    Grant { what: "a ClusterRole with exactly what the tools read".to_owned(), commands }
}

/// Whom to bind: the service account, a group of its own, or the user.
fn subject(case: &Case<'_>) -> Option<String> {
    let user = case.user?;
    if let Some(account) = user.strip_prefix("system:serviceaccount:") {
        return Some(format!("--serviceaccount={}", quoted(account)));
    }
    if let Some(group) = case.groups.iter().find(|it| !it.starts_with("system:")) {
        return Some(format!("--group={}", quoted(group)));
    }
    Some(format!("--user={}", quoted(user)))
}

/// What `AmazonEKSViewPolicy` lets read: namespaced kinds of the core and usual groups, without Secrets.
fn is_viewable(permission: &str) -> bool {
    const CORE: &[&str] = &[
        "configmaps",
        "endpoints",
        "events",
        "limitranges",
        "namespaces",
        "persistentvolumeclaims",
        "pods",
        "pods/log",
        "replicationcontrollers",
        "resourcequotas",
        "serviceaccounts",
        "services",
    ];
    const GROUPS: &[&str] = &[".apps", ".autoscaling", ".batch", ".networking.k8s.io", ".policy", ".discovery.k8s.io"];
    let resource = permission.split(' ').nth(1).unwrap_or_default();
    resource != "ingressclasses.networking.k8s.io" && (CORE.contains(&resource) || GROUPS.iter().any(|it| resource.ends_with(it)))
}

/// A shell word; quoted only where it has to be.
fn quoted(text: &str) -> String {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_./:@".contains(&it);
    if !text.is_empty() && text.bytes().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/reader/me";

    fn commands(case: &Case<'_>) -> Vec<Vec<String>> {
        of(case).into_iter().map(|it| it.commands).collect()
    }

    fn case(principal: Option<&Principal>, lack: Lack) -> Case<'_> {
        Case {
            way: Way::Eks,
            lack,
            cluster: "prod",
            region: Some("eu-west-1"),
            principal,
            authentication_mode: Some("API"),
            user: None,
            groups: &[],
            missing: &[],
        }
    }

    #[test]
    fn an_unknown_identity_gets_an_access_entry_for_its_role() {
        let principal = Principal::of(SESSION, None).unwrap();
        let found = commands(&case(Some(&principal), Lack::Unknown));
        let entry = "--cluster-name prod --region eu-west-1 --principal-arn arn:aws:iam::111122223333:role/reader";
        assert_eq!(found[0][0], format!("aws eks create-access-entry {entry} --kubernetes-groups eks-mcp"));
        assert!(found[0][2].ends_with("--clusterrole=eks-mcp-read --group=eks-mcp"));
        assert_eq!(
            found[1],
            [format!(
                "aws eks create-access-entry {entry} && aws eks associate-access-policy {entry} --access-scope type=cluster --policy-arn arn:aws:eks::aws:cluster-access-policy/AmazonEKSAdminViewPolicy"
            )]
        );
        let old = Case { authentication_mode: Some("CONFIG_MAP"), ..case(Some(&principal), Lack::Unknown) };
        assert!(commands(&old).iter().all(|it| it[0].contains("authenticationMode=API_AND_CONFIG_MAP")));
    }

    #[test]
    fn a_known_identity_gets_no_second_entry() {
        let principal = Principal::of(SESSION, None).unwrap();
        let user = Some("arn:aws:sts::111122223333:assumed-role/reader/me");
        let base = Case { user, missing: &["list pods", "get deployments.apps"], ..case(Some(&principal), Lack::Permissions) };
        let found = commands(&base);
        assert!(
            found[0][0].starts_with("aws eks update-access-entry") && found[1][0].contains("/AmazonEKSViewPolicy"),
            "{found:?}"
        );
        assert!(!found.iter().flatten().any(|it| it.contains("create-access-entry")));
        let groups = ["system:authenticated".to_owned(), "sre".to_owned()];
        let grouped = Case { groups: &groups, missing: &["list nodes"], ..base };
        let found = commands(&grouped);
        assert!(found[0].iter().all(|it| !it.starts_with("aws")) && found[0][1].ends_with("--group=sre"), "{found:?}");
        assert!(found[1][0].contains("AmazonEKSAdminViewPolicy"), "nodes are in no namespace: {found:?}");
    }

    #[test]
    fn other_clusters_get_a_binding_for_the_user_they_see() {
        let base =
            Case { way: Way::InCluster, user: Some("system:serviceaccount:tools:eks-mcp"), ..case(None, Lack::Permissions) };
        assert!(commands(&base)[0][1].ends_with("--serviceaccount=tools:eks-mcp"));
        let quoted = Case { way: Way::Kubeconfig, cluster: "my ctx", user: Some("it's me"), ..base };
        assert_eq!(
            commands(&quoted)[0][1],
            r"kubectl --context 'my ctx' create clusterrolebinding eks-mcp-read --clusterrole=eks-mcp-read --user='it'\''s me'"
        );
    }
}
