//! The embedded demo.

use super::files::Files;
use super::{Snapshot, load};
use crate::error::{ErrorKind, ToolError};

/// `demo/` as the build packed it.
const DEMO: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo.tar.zst"));

/// The demo: an invented account with three clusters and ten faults.
///
/// # Errors
/// `internal` when the embedded archive is damaged.
pub fn demo() -> Result<Snapshot, ToolError> {
    let files =
        Files::unpack(DEMO).map_err(|err| ToolError::new(ErrorKind::Internal, format!("the embedded demo is damaged: {err}")))?;
    load::load(files)
}
