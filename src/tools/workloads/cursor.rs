//! Cursors: where to go on in an answer, bound to the request that made them.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ToolError;

/// What identifies a request, so that a cursor of another one is refused.
pub(super) fn fingerprint(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// A cursor that points behind the first `offset` rows.
pub(super) fn seal(offset: usize, request: u64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{offset} {request:x}"))
}

/// Where a cursor points; the start without one.
///
/// # Errors
/// `invalid_input` when the cursor was made by another request or changed by hand.
pub(super) fn open(cursor: Option<&str>, request: u64) -> Result<usize, ToolError> {
    let Some(cursor) = cursor else { return Ok(0) };
    let parse = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
        let (offset, made_by) = text.split_once(' ')?;
        (u64::from_str_radix(made_by, 16).ok()? == request).then(|| offset.parse().ok())?
    };
    parse().ok_or_else(|| {
        ToolError::invalid("`cursor`: it does not belong to this request")
            .with_hint("Pass `next_cursor` unchanged and with the same arguments, or start without `cursor`.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_for_its_request() {
        let request = fingerprint(&["a", "b"]);
        assert_eq!(open(Some(&seal(50, request)), request).unwrap(), 50);
        assert!(open(Some(&seal(50, request)), fingerprint(&["a", "c"])).is_err());
        assert!(open(Some("not a cursor"), request).is_err());
        assert_eq!(open(None, request).unwrap(), 0);
    }
}
