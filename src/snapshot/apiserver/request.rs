//! The parts of a request that decide its answer: path, query, and which representation is accepted.

use http::header::ACCEPT;
use http::{HeaderMap, Uri};
use percent_encoding::percent_decode_str;

use super::status::{self, Answer};

/// The segments of a path, decoded after they were split, so that names may hold encoded slashes.
pub(super) fn segments(uri: &Uri) -> Vec<String> {
    let path = uri.path();
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/').map(|it| percent_decode_str(it).decode_utf8_lossy().into_owned()).collect()
}

/// The parameters of a query.
#[derive(Debug)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes the query of a request.
    pub(super) fn of(uri: &Uri) -> Self {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = uri.query().unwrap_or_default().split('&').filter(|it| !it.is_empty());
        Self(
            pairs
                .map(|pair| {
                    pair.split_once('=').map_or((decode(pair), String::new()), |(key, value)| (decode(key), decode(value)))
                })
                .collect(),
        )
    }

    /// The value of a parameter, `None` where it is absent or empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str()).filter(|it| !it.is_empty())
    }

    /// Whether a parameter says yes; one without a value does, as Go reads it.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.iter().any(|(key, value)| key == name && !matches!(value.to_ascii_lowercase().as_str(), "false" | "0"))
    }

    /// A parameter that is a number of at least `least`.
    pub(super) fn number(&self, name: &str, least: i64) -> Result<Option<u64>, Answer> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let Ok(number) = text.parse::<i64>() else {
            return Err(status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")));
        };
        if number < least {
            let message = format!("{name}: Invalid value: {number}: must be greater than or equal to {least}");
            return Err(status::bad_request(message));
        }
        Ok(u64::try_from(number).ok())
    }
}

/// A representation of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The document itself.
    Plain,
    /// Only the metadata of an object, or of the objects of a list.
    Metadata,
    /// Columns and rows, as kubectl prints them.
    Table,
    /// Discovery of every group at once.
    Aggregated,
}

/// What a path can answer with beside plain JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    /// Nothing else.
    Plain,
    /// An object.
    Object,
    /// A list of objects.
    List,
    /// A list of objects of a kind that this server can print.
    PrintedList,
    /// Discovery.
    Discovery,
}

/// The first representation that the caller accepts and this server has.
///
/// A Table of a kind that is not printed here is none of them: callers who ask for one accept plain JSON as well.
pub(super) fn negotiate(headers: &HeaderMap, offer: Offer) -> Result<Form, Answer> {
    let accept: Vec<&str> = headers.get_all(ACCEPT).iter().filter_map(|it| it.to_str().ok()).collect();
    let accept = accept.join(",");
    if accept.trim().is_empty() {
        return Ok(Form::Plain);
    }
    let mut ranges: Vec<Range<'_>> = accept.split(',').map(Range::parse).collect();
    // The sort is stable: among equal qualities the order of the caller counts.
    ranges.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    ranges.iter().find_map(|range| range.form(offer)).ok_or_else(status::not_acceptable)
}

/// One media range of an Accept header.
struct Range<'a> {
    media: &'a str,
    quality: f32,
    kind: &'a str,
    group: &'a str,
    version: &'a str,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let mut range = Self { media: parts.next().unwrap_or_default(), quality: 1.0, kind: "", group: "", version: "" };
        for (key, value) in parts.filter_map(|it| it.split_once('=')) {
            match key {
                "q" => range.quality = value.parse().unwrap_or(1.0),
                "as" => range.kind = value,
                "g" => range.group = value,
                "v" => range.version = value,
                _ => {}
            }
        }
        range
    }

    fn form(&self, offer: Offer) -> Option<Form> {
        if !matches!(self.media, "application/json" | "application/*" | "*/*") || self.quality <= 0.0 {
            return None;
        }
        match (self.kind, self.group, self.version, offer) {
            ("", ..) => Some(Form::Plain),
            ("PartialObjectMetadata", "meta.k8s.io", "v1", Offer::Object)
            | ("PartialObjectMetadataList", "meta.k8s.io", "v1", Offer::List | Offer::PrintedList) => Some(Form::Metadata),
            ("Table", "meta.k8s.io", "v1", Offer::PrintedList) => Some(Form::Table),
            ("APIGroupDiscoveryList", "apidiscovery.k8s.io", "v2", Offer::Discovery) => Some(Form::Aggregated),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_accepted_form_is_chosen() {
        let form = |accept: &str, offer: Offer| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            negotiate(&headers, offer).ok()
        };
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        assert_eq!(form(&format!("{table},application/json"), Offer::List), Some(Form::Plain));
        assert_eq!(form(table, Offer::List), None);
        assert_eq!(form(&format!("{table},application/json"), Offer::PrintedList), Some(Form::Table));
        assert_eq!(form("application/yaml", Offer::Object), None);
        assert_eq!(form(metadata, Offer::List), Some(Form::Metadata));
        assert_eq!(form(metadata, Offer::Object), None);
        assert_eq!(form(&format!("application/json;q=0.9, {metadata}"), Offer::List), Some(Form::Metadata));
        assert_eq!(negotiate(&HeaderMap::new(), Offer::Object).ok(), Some(Form::Plain));
    }

    #[test]
    fn paths_and_queries_are_decoded() {
        let uri: Uri = "/api/v1/pods/a%2Fb?labelSelector=a%20in%20%28b%29&x=a+b&watch".parse().unwrap();
        assert_eq!(segments(&uri), ["api", "v1", "pods", "a/b"]);
        let query = Query::of(&uri);
        assert_eq!((query.text("labelSelector"), query.text("x")), (Some("a in (b)"), Some("a b")));
        assert!(query.flag("watch") && !query.flag("previous"));
        assert!(query.number("x", 0).is_err());
    }
}
