//! Kinds of objects: which resource a word means.

use kube::Client;
use serde_json::Value;

use super::api;
use crate::domain::names;
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

/// The kind that a word means: kind, plural, singular or short name, alone or as `group/Kind`.
///
/// # Errors
/// `invalid_input` when several kinds share the word (with the candidates) or none has it (with near ones).
pub async fn resolve(client: &Client, word: &str) -> Result<Kind, ToolError> {
    let (group, name) = match word.split_once('/') {
        Some((group, name)) => (Some(group), name.to_lowercase()),
        None => (None, word.to_lowercase()),
    };
    let fits = |kind: &Kind| kind.is_meant_by(&name) && group.is_none_or(|group| kind.group == group);
    if let Some(kind) = Kind::built_in().find(fits) {
        return Ok(kind);
    }
    let mut known = discover(client).await?;
    let mut found: Vec<Kind> = known.iter().filter(|it| fits(it)).cloned().collect();
    found.dedup_by(|a, b| a.group == b.group && a.kind == b.kind);
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => {
            known.extend(Kind::built_in());
            let words: Vec<&str> = known.iter().flat_map(|it| [it.kind.as_str(), it.plural.as_str()]).collect();
            let near = names::did_you_mean(&name, words);
            Err(ToolError::invalid(format!("`kind`: this cluster has no kind `{word}`{near}")))
        }
        _ => {
            let candidates: Vec<String> = found.iter().map(|it| format!("`{}`", it.qualified())).collect();
            Err(ToolError::invalid(format!("`kind`: `{word}` is ambiguous: {}", candidates.join(", ")))
                .with_hint("Pass one of them as `kind`."))
        }
    }
}

/// The kinds of every named API group that can be listed, in their preferred version, from aggregated discovery.
///
/// # Errors
/// What the API server answers.
pub async fn discover(client: &Client) -> Result<Vec<Kind>, ToolError> {
    let answer = api::get(client, "/apis", DISCOVERY, "discovery of API groups").await?;
    Ok(listable(&answer))
}

/// The kinds of every API group that can be listed, the core group first.
///
/// # Errors
/// What the API server answers.
pub async fn discover_all(client: &Client) -> Result<Vec<Kind>, ToolError> {
    let (core, named) = futures::join!(api::get(client, "/api", DISCOVERY, "discovery of the core group"), discover(client));
    let mut kinds = listable(&core?);
    kinds.extend(named?);
    Ok(kinds)
}

const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

fn listable(answer: &Value) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for group in answer.get("items").and_then(Value::as_array).into_iter().flatten() {
        let group_name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for version in group.get("versions").and_then(Value::as_array).into_iter().flatten() {
            let version_name = version.get("version").and_then(Value::as_str).unwrap_or_default();
            for resource in version.get("resources").and_then(Value::as_array).into_iter().flatten() {
                let text = |key: &str| resource.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                let kind = resource.pointer("/responseKind/kind").and_then(Value::as_str).unwrap_or_default().to_owned();
                let listable =
                    resource.get("verbs").and_then(Value::as_array).is_some_and(|it| it.iter().any(|verb| verb == "list"));
                // The first version of a group is the preferred one.
                if !listable || kinds.iter().any(|it: &Kind| it.group == group_name && it.kind == kind) {
                    continue;
                }
                let short = resource.get("shortNames").and_then(Value::as_array).into_iter().flatten();
                kinds.push(Kind {
                    group: group_name.to_owned(),
                    version: version_name.to_owned(),
                    plural: text("resource"),
                    kind,
                    singular: text("singularResource"),
                    short_names: short.filter_map(Value::as_str).map(str::to_owned).collect(),
                    namespaced: text("scope") == "Namespaced",
                });
            }
        }
    }
    kinds
}
