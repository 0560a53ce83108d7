//! Packs the demo into one compressed archive, and notes the commit for `--version`.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    println!("cargo::rerun-if-changed=demo");
    println!("cargo::rerun-if-changed=.git/HEAD");
    println!("cargo::rerun-if-changed=.git/refs/heads");
    println!("cargo::rerun-if-env-changed=EKS_MCP_COMMIT");
    // An image is built without the checkout and is told the commit.
    let commit = std::env::var("EKS_MCP_COMMIT").ok().filter(|it| !it.is_empty()).or_else(commit);
    println!("cargo::rustc-env=BUILD_COMMIT={}", commit.as_deref().unwrap_or("unknown"));
    pack(Path::new("demo"), &out.join("demo.tar.zst"))
}

/// The short hash of the commit, where this is a checkout.
fn commit() -> Option<String> {
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output().ok()?;
    let hash = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !hash.is_empty()).then_some(hash)
}

/// The same folder gives the same bytes: sorted, without times and owners.
fn pack(folder: &Path, archive: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    for part in ["aws", "clusters"] {
        collect(&folder.join(part), &mut files)?;
    }
    files.push(folder.join("snapshot.json"));
    files.sort();
    let mut builder = tar::Builder::new(zstd::Encoder::new(std::fs::File::create(archive)?, 19)?);
    for file in files {
        let content = std::fs::read(&file)?;
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append_data(&mut header, file.strip_prefix(folder).unwrap_or(&file), content.as_slice())?;
    }
    builder.into_inner()?.finish()?.sync_all()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
