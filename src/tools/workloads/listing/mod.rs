//! What `list_resources` is made of: which columns are shown, and what is held of a list while its pages go by.

mod columns;
mod found;

pub(super) use columns::Columns;
pub(super) use found::{Found, GroupBy};

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::context::Context;

/// How long a list may be read: until most of the time of the call is over, so that what was read can still be told, and as long
/// as the caller wants the answer.
pub(super) struct Patience {
    started: Instant,
    limit: Duration,
    cancel: CancellationToken,
}

impl Patience {
    pub(super) fn new(cx: &Context) -> Self {
        Self { started: Instant::now(), limit: cx.limits.call_timeout.mul_f64(0.7), cancel: cx.cancel.clone() }
    }

    pub(super) fn lasts(&self) -> bool {
        self.started.elapsed() < self.limit && !self.cancel.is_cancelled()
    }
}
