//! A Kubernetes API server in this process, over recorded objects.

mod discovery;
mod events;
mod fields;
pub mod generated;
mod list;
mod logs;
mod printer;
mod request;
mod resources;
mod reviews;
mod status;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use tower::filter::FilterLayer;
use tower::{BoxError, Layer as _};

use self::generated::{Generated, World};
use self::request::{Offer, Query, negotiate};
use self::resources::{Origin, Resource};
use self::status::{Answer, PROSE};
use self::store::Store;
use super::Usage;
use crate::domain::object::Object;
use crate::k8s::read_only;

/// Which log: namespace, pod, container, and whether it is that of the instance before the last restart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogKey {
    /// Namespace of the pod.
    pub namespace: String,
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Whether the log is that of the previous instance.
    pub previous: bool,
}

impl LogKey {
    /// Parses `<namespace>_<pod>_<container>[.previous].log`.
    pub fn parse(file: &str) -> Option<Self> {
        let stem = file.strip_suffix(".log")?;
        let (stem, previous) = stem.strip_suffix(".previous").map_or((stem, false), |stem| (stem, true));
        let mut parts = stem.split('_');
        let (Some(namespace), Some(pod), Some(container), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        Some(Self { namespace: namespace.to_owned(), pod: pod.to_owned(), container: container.to_owned(), previous })
    }
}

/// Answers reads of one cluster as a real API server does; cheap to clone.
#[derive(Clone)]
pub struct ApiServer(Arc<State>);

struct State {
    store: Store,
    /// What is made up while it is read, before what is stored.
    generated: Option<Generated>,
    /// Whether a kind without objects had none, rather than not having been recorded.
    complete: bool,
    logs: BTreeMap<LogKey, Vec<u8>>,
    now: Timestamp,
    usage: Usage,
}

impl ApiServer {
    /// A server over these objects and logs, whose clock stands at `now`.
    pub fn new(objects: Vec<Object>, logs: BTreeMap<LogKey, Vec<u8>>, now: Timestamp, usage: Usage) -> Self {
        Self(Arc::new(State { store: Store::new(objects), generated: None, complete: true, logs, now, usage }))
    }

    /// The same over what was recorded in part: it does not know about kinds of which there is no object.
    pub fn in_part(objects: Vec<Object>, logs: BTreeMap<LogKey, Vec<u8>>, now: Timestamp, usage: Usage) -> Self {
        Self(Arc::new(State { store: Store::new(objects), generated: None, complete: false, logs, now, usage }))
    }

    /// A server over a cluster of that size whose nodes, namespaces, pods, events and logs are made up while they are read.
    pub fn generated(world: World, now: Timestamp) -> Self {
        let generated = Generated::new(world, now);
        // The version of the server is that of its newest node.
        let node = Store::new(Vec::new()).resource("", "v1", "nodes").and_then(|it| generated.first(it));
        let store = Store::new(node.into_iter().collect());
        Self(Arc::new(State {
            store,
            generated: Some(generated),
            complete: true,
            logs: BTreeMap::new(),
            now,
            usage: Usage::default(),
        }))
    }

    /// Answers one request, as a real API server does over HTTP.
    ///
    /// # Errors
    /// When the body of the request cannot be read.
    pub async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        self.0.serve(request).await
    }

    /// A client that is answered by this server, below the same layer that keeps live clients from writing.
    ///
    /// It must be made within a Tokio runtime, in which it works off requests.
    pub fn client(&self) -> Client {
        let state = Arc::clone(&self.0);
        let service = tower::service_fn(move |request: Request<Body>| {
            let state = Arc::clone(&state);
            async move { state.serve(request).await }
        });
        let filter = |request: Request<Body>| read_only(request).map_err(BoxError::from);
        Client::new(FilterLayer::new(filter).layer(service), "default")
    }
}

impl State {
    async fn serve(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        let answer = if head.method == Method::POST {
            let body = body.collect_bytes().await?;
            reviews::answer(head.uri.path(), &body, self.now)
        } else {
            self.read(&head).unwrap_or_else(|refused| refused)
        };
        let mut response = Response::new(Body::from(answer.body));
        *response.status_mut() = answer.code;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
        Ok(response)
    }

    fn read(&self, head: &http::request::Parts) -> Result<Answer, Answer> {
        if head.method != Method::GET {
            return Err(status::method_not_allowed());
        }
        if reviews::is_review(head.uri.path()) {
            return Err(status::method_not_allowed());
        }
        let segments = request::segments(&head.uri);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        Ok(match segments.as_slice() {
            ["readyz" | "livez"] => Answer::text(StatusCode::OK, PROSE, "ok"),
            ["version"] => discovery::server_version(&self.store),
            ["api"] => discovery::core(&self.store, negotiate(&head.headers, Offer::Discovery)?),
            ["apis"] => discovery::groups(&self.store, negotiate(&head.headers, Offer::Discovery)?),
            ["apis", group] => {
                negotiate(&head.headers, Offer::Plain)?;
                discovery::group(&self.store, group)
            }
            ["api", version] => {
                negotiate(&head.headers, Offer::Plain)?;
                discovery::version(&self.store, "", version)
            }
            ["apis", group, version] => {
                negotiate(&head.headers, Offer::Plain)?;
                discovery::version(&self.store, group, version)
            }
            ["api", version, rest @ ..] => return self.resource("", version, rest, head),
            ["apis", group, version, rest @ ..] => return self.resource(group, version, rest, head),
            _ => status::unknown_path(),
        })
    }

    /// What a path below a group and version asks for: a list, an object, or a subresource.
    fn resource(&self, group: &str, version: &str, path: &[&str], head: &http::request::Parts) -> Result<Answer, Answer> {
        let find = |plural: &str| self.store.resource(group, version, plural);
        let (namespace, resource, rest) = match path {
            // `/namespaces/<name>/status` is a subresource, `/namespaces/<name>/pods` a list.
            ["namespaces", namespace, plural, rest @ ..] if find(plural).is_some_and(|it| it.kind.namespaced) => {
                (Some(*namespace), find(plural), rest)
            }
            [plural, rest @ ..] => (None, find(plural), rest),
            [] => (None, None, path),
        };
        let Some(resource) = resource else { return Err(self.unknown(group, version)) };
        let query = Query::of(&head.uri);
        let (name, subresource) = match rest {
            [] => {
                self.usage.rbac("list", group, &resource.kind.plural);
                if let Some(generated) = self.generated.as_ref().filter(|_| Generated::has(resource)) {
                    return generated.list(resource, namespace, &query, &head.headers);
                }
                self.recorded(resource)?;
                let offer = if printer::prints(resource) { Offer::PrintedList } else { Offer::List };
                let form = negotiate(&head.headers, offer)?;
                return list::list(&self.store, resource, namespace, &query, form, self.now);
            }
            [name] => (*name, ""),
            [name, subresource] => (*name, *subresource),
            _ => return Err(self.unknown(group, version)),
        };
        if resource.kind.namespaced != namespace.is_some() {
            return Err(self.unknown(group, version));
        }
        match subresource {
            "log" if resource.kind.kind == "Pod" && group.is_empty() => {
                self.usage.rbac("get", group, "pods/log");
                let pod = self.object(resource, namespace, name)?;
                match &self.generated {
                    Some(generated) => generated.log(&pod, &query),
                    None => logs::log(&pod, &self.logs, self.now, &query),
                }
            }
            "status" if resource.has_status => {
                self.usage.rbac("get", group, &format!("{}/status", resource.kind.plural));
                let form = negotiate(&head.headers, Offer::Object)?;
                Ok(list::object(resource, &self.object(resource, namespace, name)?, form))
            }
            "" => {
                self.usage.rbac("get", group, &resource.kind.plural);
                let form = negotiate(&head.headers, Offer::Object)?;
                Ok(list::object(resource, &self.object(resource, namespace, name)?, form))
            }
            _ => Err(self.unknown(group, version)),
        }
    }

    fn object(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Result<Object, Answer> {
        let found = match self.generated.as_ref().filter(|_| Generated::has(resource)) {
            Some(generated) => generated.object(resource, namespace, name),
            None => {
                self.recorded(resource)?;
                self.store.object(resource, namespace, name).cloned()
            }
        };
        found.ok_or_else(|| status::not_found(&resource.kind.group, &resource.kind.plural, name))
    }

    /// Refuses to tell of a kind that was not recorded.
    fn recorded(&self, resource: &Resource) -> Result<(), Answer> {
        if self.complete || self.store.has_any(resource) {
            return Ok(());
        }
        Err(status::not_recorded(format!("the snapshot holds no {}", resource.kind.plural)))
    }

    /// A resource that is not there: a Status where the group is compiled in, prose elsewhere.
    fn unknown(&self, group: &str, version: &str) -> Answer {
        let served = |it: &Resource| it.kind.group == group && it.kind.version == version && it.origin == Origin::Typed;
        if self.store.resources().iter().any(served) { status::unknown_resource() } else { status::unknown_path() }
    }
}

#[cfg(test)]
mod tests;
