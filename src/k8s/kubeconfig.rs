//! The kubeconfig, read again only when one of its files has changed: a call asks for its contexts, and a file of hundreds
//! of them takes longer to parse than the call takes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use kube::config::Kubeconfig;

use super::ways::KubeconfigSource;
use crate::error::ToolError;

/// The contexts of a kubeconfig, as the files say at the moment.
#[derive(Default)]
pub(super) struct Contexts {
    source: Option<KubeconfigSource>,
    read: Mutex<Option<Arc<Read>>>,
}

/// A kubeconfig as it was read.
pub(super) struct Read {
    pub(super) kubeconfig: Kubeconfig,
    /// What the files were like; another kubeconfig has another one.
    pub(super) stamp: Vec<Stamp>,
}

/// A file, when it was written and how long it is; the latter absent when there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp(PathBuf, Option<(SystemTime, u64)>);

impl Contexts {
    /// Nothing is read yet.
    pub(super) fn new(source: Option<KubeconfigSource>) -> Self {
        Self { source, read: Mutex::default() }
    }

    /// The kubeconfig.
    ///
    /// # Errors
    /// `invalid_input` when it cannot be read.
    pub(super) fn read(&self) -> Result<Arc<Read>, ToolError> {
        // Before the files are read, so that a change meanwhile is seen the next time.
        let stamp = self.stamp();
        let mut held = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = held.as_ref().filter(|it| it.stamp == stamp) {
            return Ok(Arc::clone(read));
        }
        let kubeconfig = match &self.source {
            None => Ok(Kubeconfig::default()),
            Some(KubeconfigSource::Default) => Kubeconfig::read(),
            Some(KubeconfigSource::File(path)) => Kubeconfig::read_from(path),
        };
        let kubeconfig = kubeconfig.map_err(|err| {
            ToolError::invalid(format!("the kubeconfig cannot be read: {err}")).with_hint("Correct `--kubeconfig` or the file.")
        })?;
        let read = Arc::new(Read { kubeconfig, stamp });
        *held = Some(Arc::clone(&read));
        Ok(read)
    }

    fn stamp(&self) -> Vec<Stamp> {
        let paths = match &self.source {
            None => Vec::new(),
            Some(KubeconfigSource::File(path)) => vec![path.clone()],
            Some(KubeconfigSource::Default) => match std::env::var_os("KUBECONFIG") {
                Some(paths) => std::env::split_paths(&paths).collect(),
                None => std::env::home_dir().map(|it| it.join(".kube").join("config")).into_iter().collect(),
            },
        };
        let stamp = |path: PathBuf| {
            let known = std::fs::metadata(&path).ok();
            let known = known.and_then(|it| Some((it.modified().ok()?, it.len())));
            Stamp(path, known)
        };
        paths.into_iter().map(stamp).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(contexts: &Contexts) -> Vec<String> {
        contexts.read().unwrap().kubeconfig.contexts.iter().map(|it| it.name.clone()).collect()
    }

    #[test]
    fn a_file_is_read_again_when_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        std::fs::write(&path, "contexts:\n- name: first\n").unwrap();
        let contexts = Contexts::new(Some(KubeconfigSource::File(path.clone())));
        assert_eq!(names(&contexts), ["first"]);
        assert!(Arc::ptr_eq(&contexts.read().unwrap(), &contexts.read().unwrap()));
        std::fs::write(&path, "contexts:\n- name: first\n- name: second\n").unwrap();
        assert_eq!(names(&contexts), ["first", "second"]);
        std::fs::write(&path, "contexts: [").unwrap();
        assert!(contexts.read().is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(contexts.read().is_err());
    }
}
