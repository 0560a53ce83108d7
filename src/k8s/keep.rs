//! What is kept of the objects of a list.

use crate::domain::status;

/// Which fields of an object are kept. Lists are transparent: a path goes on within each of their items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Fields with rules of their own.
    fields: Vec<(String, Self)>,
    /// Whether the other fields are kept.
    others: bool,
}

static EVERYTHING: Keep = Keep::ALL;
static NOTHING: Keep = Keep::NOTHING;

impl Keep {
    /// Everything.
    pub const ALL: Self = Self { fields: Vec::new(), others: true };
    const NOTHING: Self = Self { fields: Vec::new(), others: false };

    /// Only what lies at or below these paths, such as `status.conditions.type`.
    pub fn only<'a>(paths: impl IntoIterator<Item = &'a str>) -> Self {
        let mut keep = Self::NOTHING;
        for path in paths {
            keep.set(&path.split('.').collect::<Vec<_>>(), false);
        }
        keep
    }

    /// Everything but what lies at or below these paths, each a list of names.
    pub fn all_but(paths: &[&[&str]]) -> Self {
        let mut keep = Self::ALL;
        for path in paths {
            keep.set(path, true);
        }
        keep
    }

    /// What the state of an object of this kind is read from, and how it is grouped; everything but bookkeeping for kinds of
    /// which anything may matter.
    pub fn for_status(kind: &str) -> Self {
        match status::fields(kind) {
            Some(paths) => Self::only(paths.iter().map(String::as_str)),
            None => Self::tidy(),
        }
    }

    /// Everything but what was written for the API server and for kubectl: who set which field, and a copy of the whole.
    pub fn tidy() -> Self {
        let copy = "kubectl.kubernetes.io/last-applied-configuration";
        Self::all_but(&[&["metadata", "managedFields"], &["metadata", "annotations", copy]])
    }

    fn set(&mut self, path: &[&str], drop: bool) {
        let [name, rest @ ..] = path else {
            *self = if drop { Self::NOTHING } else { Self::ALL };
            return;
        };
        if *self == Self::ALL && !drop {
            return;
        }
        let empty = Self { fields: Vec::new(), others: drop };
        let position = self.fields.iter().position(|(field, _)| field == name).unwrap_or_else(|| {
            self.fields.push(((*name).to_owned(), empty));
            self.fields.len() - 1
        });
        if let Some((_, child)) = self.fields.get_mut(position) {
            child.set(rest, drop);
        }
    }

    pub(super) fn field(&self, name: &[u8]) -> &Self {
        let found = self.fields.iter().find(|(field, _)| field.as_bytes() == name);
        found.map_or(if self.others { &EVERYTHING } else { &NOTHING }, |(_, keep)| keep)
    }

    pub(super) fn is_nothing(&self) -> bool {
        !self.others && self.fields.is_empty()
    }
}
