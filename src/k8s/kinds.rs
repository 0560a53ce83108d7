//! Kinds of objects: which resource a word means.

use super::discovery::{Discovery, Served};
use crate::domain::{names, text};
use crate::error::ToolError;

/// A kind of object and where the API server keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// API group, empty for the core group.
    pub group: String,
    /// API version, such as `v1`.
    pub version: String,
    /// Plural resource name in paths.
    pub plural: String,
    /// Kind, such as `Pod`.
    pub kind: String,
    /// Singular resource name.
    pub singular: String,
    /// Short names, such as `po`.
    pub short_names: Vec<String>,
    /// Whether objects live in namespaces.
    pub namespaced: bool,
}

/// Built-in kinds as (group, version, plural, kind, short names, namespaced). They are the same on every cluster, so no
/// discovery is needed for them.
const BUILT_IN: &[(&str, &str, &str, &str, &str, bool)] = &[
    ("", "v1", "pods", "Pod", "po", true),
    ("", "v1", "services", "Service", "svc", true),
    ("", "v1", "nodes", "Node", "no", false),
    ("", "v1", "namespaces", "Namespace", "ns", false),
    ("", "v1", "events", "Event", "ev", true),
    ("", "v1", "configmaps", "ConfigMap", "cm", true),
    ("", "v1", "secrets", "Secret", "", true),
    ("", "v1", "serviceaccounts", "ServiceAccount", "sa", true),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", true),
    ("", "v1", "persistentvolumes", "PersistentVolume", "pv", false),
    ("", "v1", "endpoints", "Endpoints", "ep", true),
    ("", "v1", "resourcequotas", "ResourceQuota", "quota", true),
    ("", "v1", "limitranges", "LimitRange", "limits", true),
    ("", "v1", "replicationcontrollers", "ReplicationController", "rc", true),
    ("apps", "v1", "deployments", "Deployment", "deploy", true),
    ("apps", "v1", "replicasets", "ReplicaSet", "rs", true),
    ("apps", "v1", "statefulsets", "StatefulSet", "sts", true),
    ("apps", "v1", "daemonsets", "DaemonSet", "ds", true),
    ("batch", "v1", "jobs", "Job", "", true),
    ("batch", "v1", "cronjobs", "CronJob", "cj", true),
    ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", true),
    ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", true),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", "ing", true),
    ("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", true),
    ("networking.k8s.io", "v1", "ingressclasses", "IngressClass", "", false),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "", true),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", false),
    ("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", "", false),
    ("storage.k8s.io", "v1", "csidrivers", "CSIDriver", "", false),
    ("storage.k8s.io", "v1", "csinodes", "CSINode", "", false),
    ("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "pc", false),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role", "", true),
    ("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", "", true),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", "", false),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", "", false),
    ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "", false),
    ("admissionregistration.k8s.io", "v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", "", false),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "crd,crds", false),
    ("apiregistration.k8s.io", "v1", "apiservices", "APIService", "", false),
    ("coordination.k8s.io", "v1", "leases", "Lease", "", true),
];

impl Kind {
    /// The built-in kinds.
    pub fn built_in() -> impl Iterator<Item = Self> {
        BUILT_IN.iter().map(|(group, version, plural, kind, short, namespaced)| Self {
            group: (*group).to_owned(),
            version: (*version).to_owned(),
            plural: (*plural).to_owned(),
            kind: (*kind).to_owned(),
            singular: kind.to_lowercase(),
            short_names: short.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
            namespaced: *namespaced,
        })
    }

    /// The built-in kind of this name.
    pub fn named(kind: &str) -> Option<Self> {
        Self::built_in().find(|it| it.kind == kind)
    }

    /// `kind` for the core group, `group/kind` otherwise.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}/{}", self.group, self.kind) }
    }

    /// The path of the collection.
    pub fn path(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", self.plural),
            None => format!("{root}/{}", self.plural),
        }
    }

    fn is_meant_by(&self, word: &str) -> bool {
        word == self.plural
            || word == self.singular
            || word == self.kind.to_lowercase()
            || self.short_names.iter().any(|it| it == word)
    }
}

/// A kind as people write it.
#[derive(Debug, PartialEq, Eq)]
struct Word<'a> {
    name: String,
    /// `None` when any group will do.
    group: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> Word<'a> {
    /// Parses `pods`, `Pod`, `group/Kind`, `group/version/Kind`, `version/Kind`, `plural.group` and `plural.version.group`.
    fn parse(word: &'a str) -> Self {
        let (name, group, version) = match word.split('/').collect::<Vec<_>>().as_slice() {
            [group, version, name] => (*name, Some(*group), Some(*version)),
            ["core" | "", name] => (*name, Some(""), None),
            [version, name] if is_version(version) => (*name, Some(""), Some(*version)),
            [group, name] => (*name, Some(*group), None),
            _ => match word.split_once('.') {
                None => (word, None, None),
                Some((name, rest)) => match rest.split_once('.') {
                    Some((version, group)) if is_version(version) => (name, Some(group), Some(version)),
                    _ => (name, Some(rest), None),
                },
            },
        };
        Self { name: name.to_lowercase(), group: group.map(|it| if it == "core" { "" } else { it }), version }
    }

    fn fits(&self, kind: &Kind) -> bool {
        kind.is_meant_by(&self.name) && self.group.is_none_or(|group| kind.group == group)
    }
}

/// Whether a word is an API version, such as `v1` or `v2beta1`.
fn is_version(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('v') else { return false };
    rest.starts_with(|it: char| it.is_ascii_digit()) && rest.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit())
}

/// The built-in kind that a word means, which needs no request.
pub fn built_in(word: &str) -> Option<Kind> {
    let word = Word::parse(word);
    Kind::built_in().find(|it| word.fits(it) && word.version.is_none_or(|version| it.version == version))
}

/// The kind that a word means among those that a cluster serves.
///
/// # Errors
/// `invalid_input` when several kinds share the word (with the candidates) or none has it (with near ones).
pub fn among(discovery: &Discovery, word: &str) -> Result<Kind, ToolError> {
    let wanted = Word::parse(word);
    let found: Vec<&Served> = discovery.kinds.iter().filter(|it| wanted.fits(&it.kind)).collect();
    // What can be listed is meant before what can only be created, such as reviews.
    let listable: Vec<&Served> = found.iter().copied().filter(|it| it.is_listable()).collect();
    match if listable.is_empty() { found } else { listable }.as_slice() {
        [only] => {
            // Any version that is served will do; the one that was asked for is taken at its word.
            let version = wanted.version.unwrap_or(&only.kind.version).to_owned();
            Ok(Kind { version, ..only.kind.clone() })
        }
        [] => {
            let words: Vec<&str> =
                discovery.kinds.iter().flat_map(|it| [it.kind.kind.as_str(), it.kind.plural.as_str()]).collect();
            let near = names::did_you_mean(&wanted.name, words);
            let broken = if discovery.broken.is_empty() {
                String::new()
            } else {
                format!("; some API groups do not answer, it may be of one of them: {}", discovery.broken.join("; "))
            };
            Err(ToolError::invalid(format!("`kind`: this cluster has no kind `{word}`{near}{broken}"))
                .with_hint("Call `list_api_kinds` with `search` for the kinds there are."))
        }
        several => {
            let candidates: Vec<String> = several.iter().map(|it| format!("`{}`", it.kind.qualified())).collect();
            Err(ToolError::invalid(format!("`kind`: `{word}` is ambiguous: {}", text::join_and(&candidates)))
                .with_hint("Pass one of them as `kind`."))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn served(group: &str, kind: &str, plural: &str) -> Served {
        let kind = Kind {
            group: group.to_owned(),
            version: "v1".to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
            singular: kind.to_lowercase(),
            short_names: vec!["gw".to_owned()],
            namespaced: true,
        };
        Served { kind, verbs: vec!["get".to_owned(), "list".to_owned()] }
    }

    #[test]
    fn a_kind_is_found_however_it_is_written() {
        for word in [
            "Deployment",
            "deployments",
            "deploy",
            "apps/Deployment",
            "apps/v1/deployments",
            "deployments.apps",
            "deployments.v1.apps",
        ] {
            assert_eq!(built_in(word).unwrap().kind, "Deployment", "{word}");
        }
        for word in ["Pod", "po", "v1/Pod", "core/pods", "core/v1/Pod"] {
            assert_eq!(built_in(word).unwrap().kind, "Pod", "{word}");
        }
        for word in ["events.events.k8s.io", "apps/Pod", "pods.metrics.k8s.io", "apps/v1beta1/Deployment", ""] {
            assert!(built_in(word).is_none(), "{word}");
        }
    }

    #[test]
    fn a_word_of_two_groups_is_refused_with_both() {
        let discovery = Discovery {
            kinds: vec![
                served("gateway.networking.k8s.io", "Gateway", "gateways"),
                served("networking.istio.io", "Gateway", "gateways"),
                served("example.org", "Widget", "widgets"),
            ],
            broken: Vec::new(),
        };
        for word in ["Gateway", "gateways", "gw"] {
            let err = among(&discovery, word).unwrap_err();
            assert!(err.message.contains("ambiguous") && err.message.contains("`networking.istio.io/Gateway`"), "{word}: {err}");
        }
        for word in ["networking.istio.io/Gateway", "gateways.networking.istio.io", "networking.istio.io/v1beta1/Gateway"] {
            assert_eq!(among(&discovery, word).unwrap().group, "networking.istio.io", "{word}");
        }
        assert_eq!(among(&discovery, "networking.istio.io/v1beta1/Gateway").unwrap().version, "v1beta1");
        let err = among(&discovery, "Wigdet").unwrap_err();
        assert!(err.message.contains("did you mean `Widget`"), "{err}");
    }
}
