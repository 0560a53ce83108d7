//! Objects and lists of them: selected, in pages, in the form that was asked for.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value, json};

use super::events;
use super::fields::FieldSelector;
use super::printer;
use super::request::{Form, Query};
use super::resources::{Origin, Resource};
use super::status::{self, Answer};
use super::store::Store;
use crate::domain::object::Object;
use crate::domain::selector::LabelSelector;

const META: &str = "meta.k8s.io/v1";

/// One object.
pub(super) fn object(resource: &Resource, object: &Object, form: Form) -> Answer {
    let view = match form {
        Form::Metadata => View::metadata(object),
        _ => View::whole(resource, object),
    };
    Answer::json(StatusCode::OK, &view)
}

/// A page of a list.
pub(super) fn list(
    store: &Store,
    resource: &Resource,
    namespace: Option<&str>,
    query: &Query,
    form: Form,
    now: Timestamp,
) -> Result<Answer, Answer> {
    if query.flag("watch") {
        return Err(status::method_not_allowed());
    }
    let labels =
        LabelSelector::parse(query.text("labelSelector").unwrap_or_default()).map_err(|it| status::bad_request(it.message))?;
    let fields = FieldSelector::parse(query.text("fieldSelector").unwrap_or_default(), resource).map_err(status::bad_request)?;
    let limit = query.number("limit", 0)?.filter(|it| *it > 0).map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
    let start = query.text("continue").map(|it| start_of(it, store.revision())).transpose()?.unwrap_or_default();

    let mut selected = store.range(resource, namespace, &start).filter(|(_, it)| labels.selects(it) && fields.selects(it));
    let mut last = "";
    let mut items = Vec::new();
    let mut rows = Vec::new();
    for (key, object) in selected.by_ref().take(limit) {
        last = key;
        if form == Form::Table {
            let view = match query.text("includeObject") {
                Some("None") => None,
                Some("Object") => Some(View::whole(resource, object)),
                _ => Some(View::metadata(object)),
            };
            rows.push(Row { cells: printer::cells(resource, object, now), object: view });
            continue;
        }
        items.push(match (form, resource.origin) {
            (Form::Metadata, _) => View::metadata(object),
            (_, Origin::Custom) => View::whole(resource, object),
            (_, Origin::Typed) => View { head: None, ..View::whole(resource, object) },
        });
    }
    let remaining = selected.count();

    let mut metadata = Map::new();
    metadata.insert("resourceVersion".to_owned(), store.revision().to_string().into());
    if remaining > 0 {
        metadata.insert("continue".to_owned(), token_after(last, store.revision()).into());
        // With a selector a real server does not know how many are left.
        if query.text("labelSelector").is_none() && query.text("fieldSelector").is_none() {
            metadata.insert("remainingItemCount".to_owned(), remaining.into());
        }
    } else if resource.origin == Origin::Custom && form == Form::Plain {
        metadata.insert("continue".to_owned(), "".into());
    }
    if form == Form::Table {
        let column_definitions = printer::definitions(resource);
        let table = Table { kind: "Table", api_version: META, metadata, column_definitions, rows };
        return Ok(Answer::json(StatusCode::OK, &table));
    }
    let (kind, api_version) = match form {
        Form::Metadata => ("PartialObjectMetadataList", META.to_owned()),
        _ => (resource.list_kind.as_str(), resource.api_version()),
    };
    Ok(Answer::json(StatusCode::OK, &Page { kind, api_version, metadata, items }))
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Page<'a> {
    kind: &'a str,
    api_version: String,
    metadata: Map<String, Value>,
    items: Vec<View<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Table<'a> {
    kind: &'a str,
    api_version: &'a str,
    metadata: Map<String, Value>,
    column_definitions: Vec<Value>,
    rows: Vec<Row<'a>>,
}

#[derive(serde::Serialize)]
struct Row<'a> {
    cells: Vec<Value>,
    object: Option<View<'a>>,
}

/// The token with which the page after this key is asked for.
pub(super) fn token_after(key: &str, revision: u64) -> String {
    let token = json!({"v": META, "rv": revision, "start": format!("/{key}\0")});
    URL_SAFE_NO_PAD.encode(token.to_string())
}

/// The first key of the page that a token asks for.
pub(super) fn start_of(token: &str, revision: u64) -> Result<String, Answer> {
    let invalid =
        |why: &dyn std::fmt::Display| status::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
    let bytes = URL_SAFE_NO_PAD.decode(token.trim_end_matches('=')).map_err(|err| invalid(&err))?;
    let token: Value = serde_json::from_slice(&bytes).map_err(|err| invalid(&err))?;
    let text = |name: &str| token.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("v") != META {
        return Err(invalid(&format!("server does not recognize this encoded version {:?}", text("v"))));
    }
    let Some(start) = text("start").strip_prefix('/') else {
        return Err(invalid(&"incorrect encoded start"));
    };
    if token.get("rv").and_then(Value::as_u64) != Some(revision) {
        return Err(status::expired());
    }
    Ok(start.to_owned())
}

/// An object as it is written into an answer.
struct View<'a> {
    value: Cow<'a, Value>,
    /// Kind and `apiVersion`, which items of typed lists lack.
    head: Option<(Cow<'a, str>, String)>,
    metadata_only: bool,
}

impl<'a> View<'a> {
    fn whole(resource: &Resource, object: &'a Object) -> Self {
        let value =
            if resource.is_new_event() { Cow::Owned(events::to_new(object.value())) } else { Cow::Borrowed(object.value()) };
        Self { value, head: Some((object.kind().into(), resource.api_version())), metadata_only: false }
    }

    fn metadata(object: &'a Object) -> Self {
        let head = Some(("PartialObjectMetadata".into(), META.to_owned()));
        Self { value: Cow::Borrowed(object.value()), head, metadata_only: true }
    }
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((kind, api_version)) = &self.head {
            map.serialize_entry("kind", kind)?;
            map.serialize_entry("apiVersion", api_version)?;
        }
        for (name, value) in self.value.as_object().into_iter().flatten() {
            let wanted = if self.metadata_only { name == "metadata" } else { name != "kind" && name != "apiVersion" };
            if wanted {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Namespaces one of which is the beginning of the other: a real server puts `a-b` before `a`.
    fn store() -> Store {
        let pod = |namespace: &str, index: u32| {
            let app = if index.is_multiple_of(2) { "even" } else { "odd" };
            let metadata =
                json!({"name": format!("p{index}"), "namespace": namespace, "resourceVersion": "7", "labels": {"app": app}});
            Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata}))
        };
        Store::new(["a", "a-b", "c"].into_iter().flat_map(|namespace| (0..7).map(move |index| pod(namespace, index))).collect())
    }

    fn page(namespace: Option<&str>, query: &str) -> Result<Value, Value> {
        let store = store();
        let resource = store.resource("", "v1", "pods").unwrap();
        let query = Query::of(&format!("/?{query}").parse().unwrap());
        let parse = |it: Answer| serde_json::from_slice(&it.body).unwrap();
        list(&store, resource, namespace, &query, Form::Plain, Timestamp::UNIX_EPOCH).map(parse).map_err(parse)
    }

    fn names(page: &Value) -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items
            .map(|it| format!("{}/{}", it["metadata"]["namespace"].as_str().unwrap(), it["metadata"]["name"].as_str().unwrap()))
            .collect()
    }

    #[test]
    fn pages_together_are_the_whole_list_in_its_order() {
        for namespace in [None, Some("a"), Some("a-b"), Some("none")] {
            for selector in ["", "&labelSelector=app%3Dodd", "&fieldSelector=metadata.name!%3Dp3"] {
                let whole = names(&page(namespace, selector).unwrap());
                for limit in 1..=22 {
                    let (mut together, mut token) = (Vec::new(), String::new());
                    loop {
                        let page = page(namespace, &format!("limit={limit}{selector}&continue={token}")).unwrap();
                        together.extend(names(&page));
                        let left = whole.len() - together.len();
                        let expected = (left > 0 && selector.is_empty()).then(|| json!(left));
                        assert_eq!(page["metadata"].get("remainingItemCount"), expected.as_ref());
                        token = page["metadata"]["continue"].as_str().unwrap_or_default().to_owned();
                        assert_eq!(token.is_empty(), left == 0);
                        if token.is_empty() {
                            break;
                        }
                    }
                    assert_eq!(together, whole, "{namespace:?} {selector} {limit}");
                }
            }
        }
        let whole = names(&page(None, "").unwrap());
        assert_eq!((whole.len(), whole[0].as_str(), whole[7].as_str()), (21, "a-b/p0", "a/p0"));
        assert!(names(&page(Some("none"), "").unwrap()).is_empty());
    }

    #[test]
    fn tokens_that_this_list_did_not_give_are_refused() {
        for (token, code) in
            [("%21", 400), ("bm8", 400), (&URL_SAFE_NO_PAD.encode(r#"{"v":"x"}"#), 400), (&token_after("a/p0", 6), 410)]
        {
            assert_eq!(page(None, &format!("continue={token}")).unwrap_err()["code"], code, "{token}");
        }
        assert_eq!(page(None, "limit=x").unwrap_err()["code"], 400);
        assert_eq!(page(None, "watch=true").unwrap_err()["code"], 405);
    }
}
