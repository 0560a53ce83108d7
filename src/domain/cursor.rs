//! Cursors: where to go on in an answer. Sealed, so that what comes back is what was given out, and bound to the request that
//! it was given out for.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use crate::error::ToolError;

/// Bytes of the seal: enough that nobody guesses one.
const SEAL: usize = 16;

/// Seals cursors and opens its own; cheap to clone.
#[derive(Clone)]
pub struct Cursors(Arc<[u8]>);

impl Cursors {
    /// With a key that the replicas of a server share. A cursor of one is then taken by all.
    pub fn with_key(key: &str) -> Self {
        Self(key.as_bytes().into())
    }

    /// With a key of its own, which is forgotten with the process.
    pub fn with_random_key() -> Self {
        let mut key = [0; 32];
        if let Err(err) = getrandom::fill(&mut key) {
            // A forged cursor could only skip rows of the forger's own answer.
            tracing::error!(error = %err, "the system gives no random numbers; cursors can be forged");
        }
        Self(key.as_slice().into())
    }

    /// A cursor that stands for `place` in the answer to `request`.
    pub fn seal(&self, request: &[&str], place: &impl Serialize) -> String {
        let mut bytes = serde_json::to_vec(place).unwrap_or_default();
        let seal = self.mac(request, &bytes).finalize().into_bytes();
        bytes.extend(seal.iter().take(SEAL));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place that a cursor stands for.
    ///
    /// # Errors
    /// `invalid_input` when the cursor was made for another request, by another server, or changed.
    pub fn open<T: DeserializeOwned>(&self, request: &[&str], cursor: &str) -> Result<T, ToolError> {
        let open = || {
            let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
            let (place, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
            self.mac(request, place).verify_truncated_left(seal).ok()?;
            serde_json::from_slice(place).ok()
        };
        open().ok_or_else(|| {
            ToolError::invalid("`cursor`: it does not belong to this request, or was changed")
                .with_hint("Pass `next_cursor` unchanged and with the same arguments, or start over without `cursor`.")
        })
    }

    fn mac(&self, request: &[&str], place: &[u8]) -> Hmac<Sha256> {
        // Keys of any length are taken; the default stands for what cannot happen.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        for part in request {
            mac.update(&part.len().to_le_bytes());
            mac.update(part.as_bytes());
        }
        mac.update(place);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_opens_only_unchanged_for_its_request_and_its_server() {
        let cursors = Cursors::with_random_key();
        let cursor = cursors.seal(&["list", "a"], &(50, "token"));
        assert_eq!(cursors.open::<(u32, String)>(&["list", "a"], &cursor).unwrap(), (50, "token".to_owned()));
        for request in [&["list", "b"][..], &["lista", ""], &["list"], &["list", "a", ""]] {
            assert!(cursors.open::<(u32, String)>(request, &cursor).is_err(), "{request:?}");
        }
        for index in 0..cursor.len() {
            let mut changed = cursor.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(cursors.open::<(u32, String)>(&["list", "a"], &changed).is_err(), "{changed}");
        }
        for odd in ["", "A", "not a cursor", "ä"] {
            assert!(cursors.open::<(u32, String)>(&["list", "a"], odd).is_err(), "{odd}");
        }
        assert!(Cursors::with_random_key().open::<(u32, String)>(&["list", "a"], &cursor).is_err());
        let replica = || Cursors::with_key("a key that the replicas share");
        assert_eq!(replica().open::<u32>(&[], &replica().seal(&[], &7)).unwrap(), 7);
    }
}
