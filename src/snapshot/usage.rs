//! Which permissions calls have used, so that tests can hold what tools declare against it.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A log of IAM actions and RBAC verbs; cheap to clone, shared by all clones.
#[derive(Clone, Debug, Default)]
pub struct Usage(Arc<Mutex<BTreeSet<String>>>);

impl Usage {
    /// Notes an IAM action.
    pub fn iam(&self, action: &str) {
        self.note(action.to_owned());
    }

    /// Notes a verb on a Kubernetes resource, written `verb group/resource`.
    pub fn rbac(&self, verb: &str, group: &str, resource: &str) {
        self.note(format!("{verb} {group}/{resource}"));
    }

    fn note(&self, permission: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(permission);
    }

    /// Takes what was noted so far.
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
