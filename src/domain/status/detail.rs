//! Reasons with what their messages add.

use crate::domain::object::Part;
use crate::domain::redact;
use crate::domain::text::clean_line;

/// Characters of a message in a row; the whole of it is in the object.
const DETAIL: usize = 110;

/// A reason with what its message adds.
pub(super) fn with_detail(reason: &str, message: &str) -> String {
    let message = clean_line(&redact::text(message).0);
    if message.is_empty() || message == reason { reason.to_owned() } else { format!("{reason}: {}", shortened(&message)) }
}

/// Why a condition is as it is; `without` stands for a reason that is not given.
pub(super) fn why(condition: Part<'_>, without: &str) -> String {
    let reason = condition.text("reason");
    with_detail(if reason.is_empty() { without } else { reason }, condition.text("message"))
}

/// The beginning of a message, up to a word.
fn shortened(message: &str) -> &str {
    match message.char_indices().nth(DETAIL) {
        None => message,
        Some((end, _)) => {
            let head = message.get(..end).unwrap_or_default();
            head.rsplit_once(' ').map_or(head, |(head, _)| head).trim_end_matches([',', '.', ';', ':'])
        }
    }
}
