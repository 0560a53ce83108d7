//! The only place that writes to standard output and standard error: over stdio one stray line breaks the protocol.

use std::io::Write as _;

/// Writes a line to standard output.
///
/// # Errors
/// When the reader has gone.
pub(super) fn line(text: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.write_all(b"\n")?;
    output.flush()
}

/// Writes a line to standard error, its secrets masked; there is nowhere to report that this failed.
pub(super) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", crate::domain::outbound::line(text));
}

/// Whether the reader of our output has gone, as `head` does.
pub(super) fn is_closed_pipe(err: &anyhow::Error) -> bool {
    err.chain().filter_map(|it| it.downcast_ref::<std::io::Error>()).any(|it| it.kind() == std::io::ErrorKind::BrokenPipe)
}
