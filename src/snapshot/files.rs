//! The files of a snapshot, from a folder or an archive.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path};

use crate::error::ToolError;

/// Largest file that is read; a snapshot of a large cluster is many files.
const MAX_FILE: u64 = 512 << 20;

/// Contents by relative path with forward slashes.
pub(super) struct Files(pub(super) BTreeMap<String, Vec<u8>>);

impl Files {
    /// Reads a folder, or a `.tar.zst`.
    pub(super) fn open(path: &Path) -> Result<Self, ToolError> {
        let failed = |err: &dyn std::fmt::Display| {
            ToolError::invalid(format!("the snapshot `{}` cannot be read: {err}", path.display()))
                .with_hint("Name a folder that holds `snapshot.json`, or a `.tar.zst` of one.")
        };
        if path.is_dir() {
            let mut files = BTreeMap::new();
            read_folder(path, path, &mut files).map_err(|err| failed(&err))?;
            return Ok(Self(files));
        }
        let file = std::fs::File::open(path).map_err(|err| failed(&err))?;
        Self::unpack(file).map_err(|err| failed(&err))
    }

    /// Unpacks a `.tar.zst` into memory.
    pub(super) fn unpack(archive: impl Read) -> std::io::Result<Self> {
        let mut archive = tar::Archive::new(zstd::Decoder::new(archive)?);
        let mut files = BTreeMap::new();
        for entry in archive.entries()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = relative(&entry.path()?);
            let mut content = Vec::new();
            entry.take(MAX_FILE).read_to_end(&mut content)?;
            files.insert(path, content);
        }
        // An archive of the folder itself holds everything one level down.
        if !files.contains_key("snapshot.json")
            && let Some(root) = files.keys().find_map(|it| it.strip_suffix("/snapshot.json")).map(str::to_owned)
        {
            let inner = files.into_iter().filter_map(|(path, content)| {
                let path = path.strip_prefix(&root)?.strip_prefix('/')?.to_owned();
                Some((path, content))
            });
            return Ok(Self(inner.collect()));
        }
        Ok(Self(files))
    }
}

fn read_folder(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        // A snapshot may come from someone else; a link in it would show files of this machine.
        if entry.file_type()?.is_symlink() {
            let name = relative(path.strip_prefix(root).unwrap_or(&path));
            return Err(std::io::Error::other(format!("`{name}` is a symbolic link, which a snapshot may not hold")));
        }
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if path.metadata()?.len() <= MAX_FILE {
            let name = relative(path.strip_prefix(root).unwrap_or(&path));
            files.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(())
}

fn relative(path: &Path) -> String {
    let parts = path.components().filter_map(|it| match it {
        Component::Normal(part) => Some(part.to_string_lossy()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}
