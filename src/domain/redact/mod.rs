//! Hides secrets in everything that leaves the server.
//!
//! The value is masked and the key stays, so that a reader still sees that something was set. A value is secret by its own
//! shape (tokens, keys, hashes), by the key it stands under, or by the object it belongs to. Digests, ids, ARNs and
//! certificates have shapes of their own and stay.
//!
//! One pass finds the words without which nothing is secret; only around these is looked closer, each time within a bound,
//! and what is hidden is not looked at again. So the work grows with the length of the text, whatever the text is.

mod assign;
mod calls;
mod commands;
mod extent;
mod headers;
mod json;
mod key;
mod keys;
mod lines;
mod manifest;
mod needles;
mod pairs;
mod pem;
mod prose;
mod scan;
mod shapes;
mod statements;
mod urls;
mod values;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use needles::Look;
use scan::Scan;

/// What stands in place of a secret.
pub const MASK: &str = "[redacted]";

/// Hiding one secret may show another for what it is; more often than this it never happened.
const ROUNDS: usize = 8;

pub use lines::{Lines, may_be_key_body};

/// Masks the secrets of a text and counts them.
pub fn text(text: &str) -> (Cow<'_, str>, usize) {
    let mut masked = Cow::Borrowed(text);
    let mut hidden = 0;
    for _ in 0..ROUNDS {
        let spans = detect(&masked);
        if spans.is_empty() {
            break;
        }
        hidden += spans.len();
        masked = Cow::Owned(mask(&masked, &spans));
    }
    (masked, hidden)
}

/// Masks the secrets in every string of a JSON value and counts them. Keys stay.
pub fn value(value: &mut Value) -> usize {
    json::value(value)
}

fn mask(text: &str, spans: &[Range<usize>]) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for span in spans {
        masked.push_str(text.get(from..span.start).unwrap_or_default());
        masked.push_str(MASK);
        from = span.end;
    }
    masked.push_str(text.get(from..).unwrap_or_default());
    masked
}

/// The spans of a text that are secret.
fn detect(text: &str) -> Vec<Range<usize>> {
    let mut scan = Scan::new(text);
    read(&mut scan);
    scan.finish()
}

fn read(scan: &mut Scan<'_>) {
    let text = scan.text;
    let mut key_end = 0;
    let mut manifest = false;
    for (place, look) in needles::hits(text) {
        if !scan.is_open(place) {
            continue;
        }
        match look {
            // Several needles may lie in one key.
            Look::Key if place < key_end => {}
            Look::Key => key_end = assign::at_hit(scan, place),
            Look::Header => headers::at_hit(scan, place),
            Look::Signed => urls::signed(scan, place),
            Look::Prefix(prefix, rest, least) => shapes::prefixed(scan, place, (prefix, rest, least)),
            Look::Jwt => shapes::jwt(scan, place),
            Look::AccessKey => shapes::access_key(scan, place),
            Look::Hash => shapes::hash(scan, place),
            Look::Scheme => shapes::scheme(scan, place),
            Look::EncodedKey => shapes::encoded_key(scan, place),
            Look::Pem => pem::block(scan, place),
            Look::Putty => pem::putty(scan, place),
            Look::Userinfo => urls::userinfo(scan, place),
            Look::At => urls::without_scheme(scan, place),
            Look::Capability(address, public) => urls::capability(scan, place, (address, public)),
            Look::Program(program, takes) => commands::at_program(scan, place, (program, takes)),
            Look::Literal => commands::literal(scan, place),
            Look::Call(name, count) => calls::at_call(scan, place, (name, count)),
            Look::LoginModule => calls::login_module(scan, place),
            Look::OpenSsl => commands::openssl(scan, place),
            Look::DataCenter => shapes::data_center(scan, place),
            Look::Bot => shapes::bot(scan, place),
            Look::Atlas => shapes::atlas(scan, place),
            Look::PgPass => urls::pgpass(scan, place),
            Look::Identified => statements::identified(scan, place),
            Look::PlainAuth => statements::plain_auth(scan, place),
            Look::Manifest => manifest = true,
        }
    }
    if manifest {
        manifest::secrets(scan);
    }
    shapes::unknown(scan);
}
