//! A cluster that is made up while it is read: any number of objects, none of them held. For benches and tests of scale.
//!
//! Objects are spliced from templates as bytes, so that a reader of the list is measured and not its writer.

mod objects;
mod table;
mod template;
#[cfg(test)]
mod tests;
mod world;

use std::collections::BTreeMap;
use std::io::Write as _;

use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};

use self::objects::{Collection, Place, Writer};
pub use self::world::{Namespace, World};
use super::fields::FieldSelector;
use super::list::{start_of, token_after};
use super::request::{Form, Offer, Query, negotiate};
use super::resources::Resource;
use super::status::{self, Answer};
use super::{LogKey, events, logs};
use crate::domain::object::Object;
use crate::domain::selector::LabelSelector;

/// Version of every list.
const REVISION: u64 = 123_456_789;

/// Answers reads of a generated cluster.
pub(super) struct Generated {
    writer: Writer,
    now: Timestamp,
}

/// A collection, or the part of it that lies in one namespace.
struct Range<'a> {
    collection: Collection,
    namespace: Option<&'a str>,
}

impl Generated {
    pub(super) fn new(world: World, now: Timestamp) -> Self {
        Self { writer: Writer::new(world, now), now }
    }

    /// Whether objects of this resource are generated.
    pub(super) fn has(resource: &Resource) -> bool {
        collection(resource).is_some()
    }

    /// One object.
    pub(super) fn object(&self, resource: &Resource, namespace: Option<&str>, name: &str) -> Option<Object> {
        let collection = collection(resource)?;
        let place = self.place_of(collection, namespace, name)?;
        let mut bytes = Vec::new();
        self.whole(resource, collection, place, &mut bytes);
        serde_json::from_slice(&bytes).ok().map(Object::new)
    }

    /// The first object of a resource that lies in no namespace.
    pub(super) fn first(&self, resource: &Resource) -> Option<Object> {
        let range = Range { collection: collection(resource)?, namespace: None };
        let place = self.places(&range, 0).next()?;
        let mut bytes = Vec::new();
        self.whole(resource, range.collection, place, &mut bytes);
        serde_json::from_slice(&bytes).ok().map(Object::new)
    }

    /// The log of a pod.
    pub(super) fn log(&self, pod: &Object, query: &Query) -> Result<Answer, Answer> {
        let key = LogKey {
            namespace: pod.namespace().to_owned(),
            pod: pod.name().to_owned(),
            container: "app".to_owned(),
            previous: false,
        };
        logs::log(pod, &BTreeMap::from([(key, self.lines())]), self.now, query)
    }

    /// A page of a list.
    pub(super) fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        query: &Query,
        headers: &HeaderMap,
    ) -> Result<Answer, Answer> {
        let Some(collection) = collection(resource) else { return Err(status::unknown_resource()) };
        if query.flag("watch") {
            return Err(status::method_not_allowed());
        }
        let form = if table::is_asked_for(headers) { None } else { Some(negotiate(headers, Offer::List)?) };
        let labels = LabelSelector::parse(query.text("labelSelector").unwrap_or_default())
            .map_err(|it| status::bad_request(it.message))?;
        let fields =
            FieldSelector::parse(query.text("fieldSelector").unwrap_or_default(), resource).map_err(status::bad_request)?;
        let selective = query.text("labelSelector").is_some() || query.text("fieldSelector").is_some();
        let limit =
            query.number("limit", 0)?.filter(|it| *it > 0).map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
        let start = query.text("continue").map(|it| start_of(it, REVISION)).transpose()?;
        let start: u64 = start.and_then(|it| it.trim_end_matches('\0').parse().ok()).unwrap_or_default();

        let range = Range { collection, namespace };
        let selected = |place: &Place<'_>| {
            if !selective {
                return true;
            }
            let object = self.writer.selectable(collection, *place);
            labels.selects(&object) && fields.selects(&object)
        };
        let mut items = Vec::new();
        let mut next = None;
        for (index, place) in (start..).zip(self.places(&range, start)).filter(|(_, it)| selected(it)) {
            if items.len() == limit {
                next = Some(index);
                break;
            }
            items.push(place);
        }
        let remaining = next.filter(|_| !selective).map(|it| self.count(&range).saturating_sub(it));
        let token = next.map(|it| token_after(&it.to_string(), REVISION));
        let head = Head { token, remaining };
        Ok(match form {
            None => table::answer(self, resource, collection, &items, head, query),
            Some(form) => self.page(resource, collection, &items, &head, form),
        })
    }

    fn page(&self, resource: &Resource, collection: Collection, items: &[Place<'_>], head: &Head, form: Form) -> Answer {
        let (kind, version) = match form {
            Form::Metadata => ("PartialObjectMetadataList", "meta.k8s.io/v1".to_owned()),
            _ => (resource.list_kind.as_str(), resource.api_version()),
        };
        let mut body = Vec::with_capacity(256 + items.len() * 8_000);
        let _ = write!(body, r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{},"items":["#, head.json());
        for (index, place) in items.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            match form {
                Form::Metadata => {
                    body.extend_from_slice(br#"{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":"#);
                    self.writer.metadata(collection, *place, &mut body);
                    body.push(b'}');
                }
                _ if resource.is_new_event() => self.new_event(*place, &mut body),
                _ => self.writer.object(collection, *place, &mut body),
            }
        }
        body.extend_from_slice(b"]}\n");
        Answer { code: StatusCode::OK, content_type: status::JSON, body }
    }

    fn new_event(&self, place: Place<'_>, out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        self.writer.object(Collection::Events, place, &mut bytes);
        let mut event = events::to_new(&serde_json::from_slice(&bytes).unwrap_or_default());
        if let Some(fields) = event.as_object_mut() {
            fields.shift_remove("apiVersion");
        }
        out.extend_from_slice(event.to_string().as_bytes());
    }

    /// Writes an object with its kind.
    fn whole(&self, resource: &Resource, collection: Collection, place: Place<'_>, out: &mut Vec<u8>) {
        let mut object = Vec::new();
        self.writer.object(collection, place, &mut object);
        let _ = write!(out, r#"{{"kind":"{}","apiVersion":"{}","#, resource.kind.kind, resource.api_version());
        out.extend_from_slice(object.get(1..).unwrap_or_default());
    }

    /// How many places a range has.
    fn count(&self, range: &Range<'_>) -> u64 {
        let world = &self.writer.world;
        match range.collection {
            Collection::Nodes => world.nodes,
            Collection::Namespaces => u64::try_from(world.namespaces.len()).unwrap_or_default(),
            Collection::Pods => self.within(range).map(|(it, _, _)| it.pods).sum(),
            Collection::Events => self.within(range).map(|(it, _, _)| it.events).sum(),
        }
    }

    fn within<'a>(&'a self, range: &Range<'a>) -> impl Iterator<Item = (&'a Namespace, u64, u64)> + use<'a> {
        let name = range.namespace;
        self.writer.world.placed().filter(move |(it, _, _)| name.is_none_or(|name| name == it.name))
    }

    /// The places of a range from the one with this number on, in the order of their names.
    fn places<'a>(&'a self, range: &Range<'a>, start: u64) -> Box<dyn Iterator<Item = Place<'a>> + 'a> {
        let world = &self.writer.world;
        let at = |position: u64| Place { namespace: "", pods: 0, events: 0, pods_before: 0, position, overall: position };
        let pods = range.collection == Collection::Pods;
        match range.collection {
            Collection::Nodes => Box::new((start..world.nodes).map(at)),
            Collection::Namespaces => {
                let named = (0..).zip(&world.namespaces).skip(usize::try_from(start).unwrap_or(usize::MAX));
                Box::new(named.map(move |(position, it)| Place { namespace: it.name.as_str(), ..at(position) }))
            }
            Collection::Pods | Collection::Events => {
                let placed = self.within(range).scan(start, move |skip, (namespace, pods_before, events_before)| {
                    let (count, before) = if pods { (namespace.pods, pods_before) } else { (namespace.events, events_before) };
                    let first = (*skip).min(count);
                    *skip -= first;
                    Some((first..count).map(move |position| Place {
                        namespace: namespace.name.as_str(),
                        pods: namespace.pods,
                        events: namespace.events,
                        pods_before,
                        position,
                        overall: before + position,
                    }))
                });
                Box::new(placed.flatten())
            }
        }
    }

    fn place_of<'a>(&'a self, collection: Collection, namespace: Option<&str>, name: &str) -> Option<Place<'a>> {
        let world = &self.writer.world;
        let cluster = |position| Place { namespace: "", pods: 0, events: 0, pods_before: 0, position, overall: position };
        match collection {
            Collection::Nodes => world.node_position(name).map(cluster),
            Collection::Namespaces => {
                let (position, namespace) = (0..).zip(&world.namespaces).find(|(_, it)| it.name == name)?;
                Some(Place { namespace: &namespace.name, ..cluster(position) })
            }
            Collection::Pods | Collection::Events => {
                let (namespace, pods_before, events_before) = world.namespace(namespace?)?;
                let (position, before) = if collection == Collection::Pods {
                    (world.pod_position(name, namespace.pods)?, pods_before)
                } else {
                    let number = name.rsplit_once(".18")?.1;
                    (u64::from_str_radix(number, 16).ok().filter(|it| *it < namespace.events)?, events_before)
                };
                let (pods, events) = (namespace.pods, namespace.events);
                let overall = before + position;
                Some(Place { namespace: &namespace.name, pods, events, pods_before, position, overall })
            }
        }
    }

    /// A log: requests, now and then a slow one, and an error with its trace at the end.
    fn lines(&self) -> Vec<u8> {
        let world = &self.writer.world;
        let mut log = Vec::new();
        for line in 0..world.log_lines {
            let left = i64::try_from(world.log_lines - line).unwrap_or_default();
            let time = self.now.checked_sub(SignedDuration::from_millis(left * 150)).unwrap_or(self.now);
            let random = world.random(40, line);
            let (id, took) = (random >> 40, random % 90);
            let _ = match random % 100 {
                0 => writeln!(log, "{time} WARN  pool: connection to db.shop.svc.cluster.local:5432 took {} ms", 800 + took),
                1..=3 => writeln!(log, "{time} INFO  cache: refreshed {} entries in {took} ms", 100 + random % 400),
                4..=6 => writeln!(log, "{time} INFO  http: GET /healthz 200 1 ms"),
                _ => writeln!(
                    log,
                    "{time} INFO  http: GET /api/items/{id} 200 {took} ms request_id={id:06x}{:010x}",
                    random >> 20 & 0xFF_FFFF_FFFF
                ),
            };
            if line + 20 == world.log_lines {
                let _ = writeln!(
                    log,
                    "{time} ERROR http: GET /api/cart/17 500: could not connect to db.shop.svc.cluster.local:5432: connection refused\n\
                     \x20   at app.store.connect (store.py:88)\n    at app.cart.load (cart.py:31)"
                );
            }
        }
        log
    }
}

/// What stands at the head of a page.
struct Head {
    token: Option<String>,
    remaining: Option<u64>,
}

impl Head {
    fn json(&self) -> serde_json::Value {
        let mut metadata = serde_json::json!({"resourceVersion": REVISION.to_string()});
        if let Some(fields) = metadata.as_object_mut() {
            fields.extend(self.token.clone().map(|it| ("continue".to_owned(), it.into())));
            fields.extend(self.remaining.map(|it| ("remainingItemCount".to_owned(), it.into())));
        }
        metadata
    }
}

fn collection(resource: &Resource) -> Option<Collection> {
    match resource.shelf() {
        ("", "nodes") => Some(Collection::Nodes),
        ("", "namespaces") => Some(Collection::Namespaces),
        ("", "pods") => Some(Collection::Pods),
        ("", "events") => Some(Collection::Events),
        _ => None,
    }
}
