//! The arrows between layers, held against the sources.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::root;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
}

/// Every source file with its path below `src/`.
fn all() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(&root().join("src"), &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root().join("src")).unwrap().to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(path).unwrap())
        })
        // Modules of tests may reach everywhere.
        .filter(|(name, _)| !name.ends_with("_tests.rs") && !name.ends_with("/tests.rs") && !name.contains("_tests/"))
        .collect()
}

/// Code only: what is said in comments is not a dependency, and tests may reach everywhere.
fn code(source: &str) -> String {
    let mut code = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        let content = line.trim_start();
        if content == "#[cfg(test)]" {
            let end = format!("{}}}", line.split('#').next().unwrap_or_default());
            // Attributes, then the item: up to its semicolon, or to the brace that closes it.
            for line in lines.by_ref() {
                let is_attribute = line.trim_start().starts_with("#[");
                if line == end
                    || (!is_attribute && line.ends_with(';') && !line.starts_with(&format!("{} ", end.trim_end_matches('}'))))
                {
                    break;
                }
            }
        } else if !content.starts_with("//") {
            code.push_str(line);
            code.push('\n');
        }
    }
    code
}

#[test]
fn only_tests_and_comments_are_left_out_of_what_is_checked() {
    let source = "#[cfg(test)]\n#[path = \"a\"]\nmod tests_elsewhere;\nuse a;\n// use b;\nmod m {\n    #[cfg(test)]\n    fn t() {\n        let b = 1;\n    }\n    use c;\n}\n#[cfg(test)]\nmod tests {\n    use b;\n}\nuse d;\n";
    assert_eq!(code(source), "use a;\nmod m {\n    use c;\n}\nuse d;\n");
}

fn is_in(file: &str, folders: &[&str]) -> bool {
    folders.iter().any(|folder| file.starts_with(folder))
}

#[test]
fn dependencies_point_downward() {
    // (what is named, where alone it may be named)
    let outside: &[(&[&str], &[&str])] = &[
        (&["aws_sdk_", "aws_config", "aws_sigv4", "aws_smithy", "aws_credential_types"], &["aws/"]),
        (&["kube::", "k8s_openapi"], &["k8s/", "snapshot/", "context.rs", "diagnose/", "tools/workloads/", "tools/diagnose/"]),
        (&["rmcp"], &["server/", "registry.rs", "tool.rs", "error.rs", "schema.rs", "prompts.rs", "cli/"]),
        (&["axum"], &["server/"]),
        (&["clap"], &["cli/"]),
        (&["figment"], &["config.rs"]),
    ];
    // (layer, our modules it must not know)
    let inside: &[(&[&str], &[&str])] = &[
        (
            &["domain/"],
            &[
                "crate::aws",
                "crate::k8s",
                "crate::tools",
                "crate::registry",
                "crate::server",
                "crate::cli",
                "crate::snapshot",
                "crate::context",
                "crate::diagnose",
            ],
        ),
        (
            &["aws/", "k8s/"],
            &[
                "crate::tools",
                "crate::registry",
                "crate::server",
                "crate::cli",
                "crate::snapshot",
                "crate::context",
                "crate::diagnose",
            ],
        ),
        (&["aws/"], &["crate::k8s"]),
        (&["diagnose/"], &["crate::tools", "crate::registry", "crate::server", "crate::cli", "crate::snapshot"]),
        (&["tools/"], &["crate::registry", "crate::server", "crate::cli", "crate::snapshot", "crate::config"]),
        (&["snapshot/"], &["crate::tools", "crate::registry", "crate::server", "crate::cli", "crate::diagnose"]),
        (
            &["registry.rs", "tool.rs", "schema.rs", "permissions.rs", "prompts.rs"],
            &["crate::server", "crate::cli", "crate::snapshot", "crate::tools", "crate::diagnose", "crate::aws", "crate::k8s"],
        ),
        (
            &["context.rs"],
            &["crate::server", "crate::cli", "crate::snapshot", "crate::tools", "crate::registry", "crate::diagnose"],
        ),
        (
            &["config.rs", "error.rs", "schema.rs"],
            &[
                "crate::server",
                "crate::cli",
                "crate::snapshot",
                "crate::tools",
                "crate::registry",
                "crate::context",
                "crate::aws",
                "crate::k8s",
            ],
        ),
        (&["server/"], &["crate::cli", "crate::snapshot", "crate::aws", "crate::k8s", "crate::tools", "crate::diagnose"]),
    ];
    let mut broken = Vec::new();
    for (file, source) in all() {
        let code = code(&source);
        for (names, allowed) in outside {
            for name in names.iter().filter(|name| code.contains(**name)) {
                if !is_in(&file, allowed) {
                    broken.push(format!("{file} names {name}"));
                }
            }
        }
        for (layer, forbidden) in inside {
            for name in forbidden.iter().filter(|name| is_in(&file, layer) && code.contains(**name)) {
                broken.push(format!("{file} names {name}"));
            }
        }
        if !file.starts_with("cli/") && (code.contains("println!") || code.contains("print!(")) {
            broken.push(format!("{file} prints"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_tool_file_is_registered_under_its_name() {
    let registered: Vec<String> =
        eks_mcp::tools::ALL.iter().map(|it| format!("tools/{}/{}.rs", it.meta.toolset.name(), it.meta.name)).collect();
    let sources = all();
    for file in &registered {
        assert!(sources.iter().any(|(name, _)| name == file), "{file} does not exist");
    }
    for (file, source) in sources.iter().filter(|(file, _)| file.starts_with("tools/")) {
        if code(source).contains("impl Tool for") {
            assert!(registered.contains(file), "{file} holds a tool that `ALL` does not list");
        }
    }
}

#[test]
fn files_stay_readable() {
    let long: Vec<String> = all()
        .iter()
        .map(|(file, source)| (file, source.lines().count()))
        .filter(|(_, lines)| *lines > 600)
        .map(|(file, lines)| format!("{file}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split by meaning: {}", long.join(", "));
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = all().into_iter().filter(|(_, source)| !source.starts_with("//!")).map(|(file, _)| file).collect();
    assert!(silent.is_empty(), "{}", silent.join(", "));
}
