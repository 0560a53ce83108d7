//! What a cluster serves: its API groups and kinds, asked for when first needed and kept for a while.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use kube::Client;
use moka::future::Cache;
use serde_json::Value;

use super::api;
use super::kinds::Kind;
use crate::domain::target::Target;
use crate::error::{ErrorKind, ToolError};

/// Kinds change when operators are installed, which is seldom; a call that misses one looks again.
const KEPT: Duration = Duration::from_mins(10);

/// How long one group may take to say what it serves.
const PATIENCE: Duration = Duration::from_secs(4);

/// Requests at a time against servers that do not tell everything in one answer.
const AT_A_TIME: usize = 8;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const JSON: &str = "application/json";

/// The kinds that a cluster serves.
#[derive(Clone, Debug, Default)]
pub struct Discovery {
    /// Kinds, the core group first, each in the version that its group prefers.
    pub kinds: Vec<Served>,
    /// Groups whose kinds are not known, such as `metrics.k8s.io/v1beta1: …`: what serves them does not answer. The others
    /// are not affected.
    pub broken: Vec<String>,
}

/// A kind and what may be done with it.
#[derive(Clone, Debug)]
pub struct Served {
    /// The kind.
    pub kind: Kind,
    /// Verbs, such as `get` and `list`, in the order in which the server names them.
    pub verbs: Vec<String>,
}

impl Served {
    /// Whether objects of this kind can be listed.
    pub fn is_listable(&self) -> bool {
        self.verbs.iter().any(|it| it == "list")
    }
}

/// Discoveries of clusters.
#[derive(Clone)]
pub struct Discoveries(Cache<String, Arc<Discovery>>);

impl Default for Discoveries {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(200).time_to_live(KEPT).build())
    }
}

impl Discoveries {
    /// What a cluster serves; `afresh` asks again although an answer is at hand.
    ///
    /// # Errors
    /// What the API server answers, when it tells nothing at all.
    pub async fn of(&self, target: &Target, client: &Client, afresh: bool) -> Result<Arc<Discovery>, ToolError> {
        let key = format!("{:?} {:?} {:?} {}", target.through, target.account, target.region, target.cluster);
        if afresh {
            self.0.invalidate(&key).await;
        }
        let ask = async { discover(client).await.map(Arc::new) };
        self.0.try_get_with(key, ask).await.map_err(|err| ToolError::clone(&err))
    }
}

/// Asks a cluster for everything it serves.
///
/// # Errors
/// What the API server answers, when it tells nothing at all.
pub async fn discover(client: &Client) -> Result<Discovery, ToolError> {
    let (core, named) = futures::join!(
        api::get(client, "/api", AGGREGATED, "discovery of the core group"),
        api::get(client, "/apis", AGGREGATED, "discovery of API groups")
    );
    let mut found = Discovery::default();
    for answer in [core?, named?] {
        if answer.get("items").is_some() {
            found.add_aggregated(&answer);
        } else {
            found.add_plain(client, &answer).await;
        }
    }
    Ok(found)
}

impl Discovery {
    /// Everything in one answer: Kubernetes 1.27 and later.
    fn add_aggregated(&mut self, answer: &Value) {
        for group in list(answer, "items") {
            let group_name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            for version in list(group, "versions") {
                let version_name = text(version, "version");
                if text(version, "freshness") == "Stale" {
                    self.broken.push(format!("{group_name}/{version_name}: what serves it does not answer"));
                }
                for resource in list(version, "resources") {
                    let kind = resource.pointer("/responseKind/kind").and_then(Value::as_str).unwrap_or_default();
                    self.add(
                        resource,
                        group_name,
                        version_name,
                        kind,
                        "resource",
                        "singularResource",
                        text(resource, "scope") == "Namespaced",
                    );
                }
            }
        }
    }

    /// The names of groups only; each version is asked for by itself.
    async fn add_plain(&mut self, client: &Client, answer: &Value) {
        let mut wanted = Vec::new();
        for version in list(answer, "versions").iter().filter_map(Value::as_str) {
            wanted.push((String::new(), version.to_owned()));
        }
        for group in list(answer, "groups") {
            let name = text(group, "name");
            let preferred = group.pointer("/preferredVersion/version").and_then(Value::as_str).unwrap_or_default();
            let mut versions: Vec<&str> = list(group, "versions").iter().map(|it| text(it, "version")).collect();
            versions.sort_by_key(|it| *it != preferred);
            wanted.extend(versions.into_iter().map(|version| (name.to_owned(), version.to_owned())));
        }
        let answers = stream::iter(wanted).map(|(group, version)| async move {
            let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
            let ask = api::get(client, &path, JSON, "discovery");
            // One group that hangs must not take the time of the call.
            let answer = tokio::time::timeout(PATIENCE, ask).await.unwrap_or_else(|_| {
                let why = format!("no answer within {} s", PATIENCE.as_secs());
                Err(ToolError::new(ErrorKind::Timeout, why))
            });
            (group, version, answer)
        });
        // In the order of the groups, so that the same cluster gives the same answer.
        let answers: Vec<_> = answers.buffered(AT_A_TIME).collect().await;
        for (group, version, answer) in answers {
            match answer {
                Ok(answer) => {
                    for resource in list(&answer, "resources").iter().filter(|it| !text(it, "name").contains('/')) {
                        let namespaced = resource.get("namespaced").and_then(Value::as_bool) == Some(true);
                        self.add(resource, &group, &version, text(resource, "kind"), "name", "singularName", namespaced);
                    }
                }
                Err(err) => self.broken.push(format!("{group}/{version}: {}", err.message)),
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the two forms name the same seven things differently")]
    fn add(&mut self, resource: &Value, group: &str, version: &str, kind: &str, plural: &str, singular: &str, namespaced: bool) {
        // The first version of a group is the one it prefers.
        if kind.is_empty() || self.kinds.iter().any(|it| it.kind.group == group && it.kind.plural == text(resource, plural)) {
            return;
        }
        let words = |key: &str| list(resource, key).iter().filter_map(Value::as_str).map(str::to_owned).collect();
        let kind = Kind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: text(resource, plural).to_owned(),
            kind: kind.to_owned(),
            singular: text(resource, singular).to_owned(),
            short_names: words("shortNames"),
            namespaced,
        };
        self.kinds.push(Served { kind, verbs: words("verbs") });
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::{Request, Response, StatusCode};
    use kube::client::Body;
    use serde_json::json;

    use super::*;

    /// A server without aggregated discovery, one of whose groups is served by a program that is down.
    fn old_server(requests: &'static AtomicUsize) -> Client {
        let service = tower::service_fn(move |request: Request<Body>| async move {
            requests.fetch_add(1, Ordering::Relaxed);
            let verbs = json!(["get", "list"]);
            let (code, body) = match request.uri().path() {
                "/api" => (200, json!({"kind": "APIVersions", "versions": ["v1"]})),
                "/api/v1" => (
                    200,
                    json!({"resources": [
                    {"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod", "verbs": verbs, "shortNames": ["po"]},
                    {"name": "pods/log", "namespaced": true, "kind": "Pod", "verbs": ["get"]}]}),
                ),
                "/apis" => (
                    200,
                    json!({"kind": "APIGroupList", "groups": [
                    {"name": "metrics.k8s.io", "versions": [{"version": "v1beta1"}], "preferredVersion": {"version": "v1beta1"}},
                    {"name": "example.org", "versions": [{"version": "v1alpha1"}, {"version": "v1"}], "preferredVersion": {"version": "v1"}}]}),
                ),
                "/apis/example.org/v1" | "/apis/example.org/v1alpha1" => (
                    200,
                    json!({"resources": [
                    {"name": "widgets", "singularName": "widget", "namespaced": true, "kind": "Widget", "verbs": verbs}]}),
                ),
                _ => (503, json!({"kind": "Status", "message": "service unavailable", "code": 503})),
            };
            let mut response = Response::new(Body::from(body.to_string().into_bytes()));
            *response.status_mut() = StatusCode::from_u16(code).unwrap();
            Ok::<_, tower::BoxError>(response)
        });
        Client::new(service, "default")
    }

    #[tokio::test]
    async fn a_broken_group_of_an_old_server_does_not_hide_the_others() {
        static REQUESTS: AtomicUsize = AtomicUsize::new(0);
        let client = old_server(&REQUESTS);
        let discoveries = Discoveries::default();
        let target = Target { account: None, region: None, cluster: "old".to_owned(), through: None };
        let found = discoveries.of(&target, &client, false).await.unwrap();
        let names: Vec<String> = found.kinds.iter().map(|it| format!("{}@{}", it.kind.qualified(), it.kind.version)).collect();
        assert_eq!(names, ["Pod@v1", "example.org/Widget@v1"]);
        assert_eq!(found.broken.len(), 1);
        assert!(found.broken[0].starts_with("metrics.k8s.io/v1beta1: "), "{:?}", found.broken);
        let asked = REQUESTS.load(Ordering::Relaxed);
        discoveries.of(&target, &client, false).await.unwrap();
        assert_eq!(REQUESTS.load(Ordering::Relaxed), asked, "the second question is answered from memory");
        discoveries.of(&target, &client, true).await.unwrap();
        assert_eq!(REQUESTS.load(Ordering::Relaxed), 2 * asked);
    }

    #[test]
    fn a_stale_group_is_said_and_its_last_known_kinds_are_kept() {
        let resource = json!({"resource": "pods", "responseKind": {"kind": "PodMetrics"}, "scope": "Namespaced", "singularResource": "pod", "verbs": ["list"]});
        let mut found = Discovery::default();
        found.add_aggregated(&json!({"items": [{"metadata": {"name": "metrics.k8s.io"}, "versions": [
            {"version": "v1beta1", "freshness": "Stale", "resources": [resource]}]}]}));
        assert_eq!((found.kinds.len(), found.broken.len()), (1, 1));
    }
}
