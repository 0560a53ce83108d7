//! What clients see of the tools: committed, compared, and within what every client takes.

use std::fs;

use eks_mcp::registry::{Registry, Selection};
use eks_mcp::tool::{Effect, Permission, Toolset};
use eks_mcp::tools::ALL;
use serde_json::Value;

use crate::support::root;

/// Writes a generated file when `UPDATE` is set, compares it otherwise.
fn generated(path: &str, content: &str, stale: &mut Vec<String>) {
    let file = root().join(path);
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
    } else if fs::read_to_string(&file).unwrap_or_default() != content {
        stale.push(path.to_owned());
    }
}

#[test]
fn committed_contracts_are_what_the_code_says() {
    let mut stale = Vec::new();
    let mut known = Vec::new();
    for entry in ALL {
        let path = format!("tools/{}/{}.json", entry.meta.toolset.name(), entry.meta.name);
        let json = serde_json::to_string_pretty(&entry.descriptor()).unwrap() + "\n";
        generated(&path, &json, &mut stale);
        known.push(path);
    }
    generated("tools/README.md", &reference(), &mut stale);
    generated(
        "tools/eks-mcp.schema.json",
        &(serde_json::to_string_pretty(&eks_mcp::config::schema()).unwrap() + "\n"),
        &mut stale,
    );
    for toolset in fs::read_dir(root().join("tools")).unwrap().filter_map(|it| Some(it.ok()?.path())).filter(|it| it.is_dir()) {
        for file in fs::read_dir(&toolset).unwrap().filter_map(|it| Some(it.ok()?.path())) {
            let path = file.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            if !known.contains(&path) {
                stale.push(format!("{path} (no such tool)"));
            }
        }
    }
    assert!(stale.is_empty(), "stale: {}; run `UPDATE=1 cargo test` and read the diff", stale.join(", "));
}

#[test]
fn the_readme_lists_the_tools() {
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).unwrap();
    let (start, end) = ("<!-- tools:start -->\n", "<!-- tools:end -->");
    let (head, rest) = readme.split_once(start).expect("README.md has the mark where tools start");
    let (_, tail) = rest.split_once(end).expect("README.md has the mark where tools end");
    let mut table = String::from("| tool | what it does |\n| --- | --- |\n");
    for entry in ALL {
        let first = entry.meta.description.split(". ").next().unwrap_or_default().trim_end_matches('.');
        table += &format!("| [`{0}`](tools/README.md#{0}) | {first}. |\n", entry.meta.name);
    }
    let expected = format!("{head}{start}{table}{end}{tail}");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, expected).unwrap();
    } else {
        assert!(readme == expected, "the tools table of README.md is stale; run `UPDATE=1 cargo test`");
    }
}

/// `tools/README.md`.
fn reference() -> String {
    let mut text = String::from("# Tools\n\nGenerated from the code by `UPDATE=1 cargo test`; do not edit.\n");
    for toolset in Toolset::ALL {
        text += &format!("\n## Toolset `{}`: {}\n", toolset.name(), toolset.summary());
        for entry in ALL.iter().filter(|it| it.meta.toolset == *toolset) {
            let descriptor = serde_json::to_value(entry.descriptor()).unwrap();
            text += &format!("\n### {}\n\n{}\n\n", entry.meta.name, entry.meta.description);
            text += "| argument | type | what |\n| --- | --- | --- |\n";
            let schema = &descriptor["inputSchema"];
            let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            for (name, property) in schema["properties"].as_object().unwrap() {
                let optional = if required.contains(&name.as_str()) { "" } else { "?" };
                let what = property["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
                text += &format!("| `{name}`{optional} | {} | {what} |\n", property["type"].as_str().unwrap_or_default());
            }
            text += "\nAnswers:\n\n";
            for (name, property) in descriptor["outputSchema"]["properties"].as_object().unwrap() {
                text += &format!("- `{name}`: {}\n", property["description"].as_str().unwrap_or_default().replace('\n', " "));
            }
            let permissions: Vec<String> = entry.meta.permissions.iter().map(permission).collect();
            text += &format!("\nNeeds: {}.\n", permissions.join(", "));
        }
    }
    text
}

fn permission(permission: &Permission) -> String {
    match permission {
        Permission::Iam(action) => format!("`{action}`"),
        Permission::Rbac { verb, group: "*", resource: "*" } => format!("`{verb}` on the kinds asked for"),
        Permission::Rbac { verb, group: "", resource } => format!("`{verb}` {resource}"),
        Permission::Rbac { verb, group, resource } => format!("`{verb}` {resource}.{group}"),
    }
}

#[test]
fn every_tool_fits_every_client() {
    let mut faults = Vec::new();
    for entry in ALL {
        let meta = entry.meta;
        let name = meta.name;
        let plain = |text: &str| text.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_');
        if name.len() > 32 || !plain(name) || !name.starts_with(|it: char| it.is_ascii_lowercase()) {
            faults.push(format!("{name}: name"));
        }
        if !(20..=1024).contains(&meta.description.len()) || !meta.description.ends_with('.') {
            faults.push(format!("{name}: description"));
        }
        let tool = serde_json::to_value(entry.descriptor()).unwrap();
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            if !tool["annotations"][hint].is_boolean() {
                faults.push(format!("{name}: {hint}"));
            }
        }
        let reads = [
            "list_",
            "get_",
            "describe_",
            "check_",
            "query_",
            "estimate_",
            "troubleshoot",
            "scan_",
            "plan_",
            "search_",
            "trace_",
        ];
        if reads.iter().any(|verb| name.starts_with(verb)) != (meta.effect == Effect::Read) {
            faults.push(format!("{name}: the verb does not say what the tool does"));
        }
        if tool["title"].as_str().unwrap_or_default().is_empty() {
            faults.push(format!("{name}: title"));
        }
        if tool["inputSchema"]["additionalProperties"] != false {
            faults.push(format!("{name}: unknown arguments are not refused by the schema"));
        }
        check(&format!("{name} input"), &tool["inputSchema"], 0, &mut faults);
        check(&format!("{name} output"), &tool["outputSchema"], 0, &mut faults);
    }
    let mut names: Vec<_> = ALL.iter().map(|it| it.meta.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ALL.len(), "a name stands twice");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn check(path: &str, schema: &Value, depth: usize, faults: &mut Vec<String>) {
    let Some(object) = schema.as_object() else {
        faults.push(format!("{path}: a boolean schema"));
        return;
    };
    let combinators = ["$ref", "$defs", "$schema", "oneOf", "anyOf", "allOf", "not", "if", "patternProperties", "default"];
    faults.extend(combinators.iter().filter(|key| object.contains_key(**key)).map(|key| format!("{path}: {key}")));
    if !object.get("type").is_some_and(Value::is_string) {
        faults.push(format!("{path}: type is {:?}", object.get("type")));
    }
    if object.get("format").is_some_and(|it| it != "date-time" && it != "uri") {
        faults.push(format!("{path}: format"));
    }
    if depth > 5 {
        faults.push(format!("{path}: nested too deeply"));
    }
    let is_input = path.contains(" input");
    if is_input && object["type"] == "integer" && (!object.contains_key("minimum") || !object.contains_key("maximum")) {
        faults.push(format!("{path}: an integer without bounds"));
    }
    let bounded = ["maxLength", "enum", "pattern"].iter().any(|it| object.contains_key(*it));
    if is_input && object["type"] == "string" && !bounded {
        faults.push(format!("{path}: a string without bounds"));
    }
    for (name, property) in object.get("properties").and_then(Value::as_object).into_iter().flatten() {
        if name.len() > 64 || !name.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_') {
            faults.push(format!("{path}.{name}: name of a property"));
        }
        if property["description"].as_str().unwrap_or_default().len() < 5 {
            faults.push(format!("{path}.{name}: no description"));
        }
        check(&format!("{path}.{name}"), property, depth + 1, faults);
    }
    if let Some(items) = object.get("items") {
        check(&format!("{path}[]"), items, depth + 1, faults);
    }
}

#[test]
fn the_list_of_tools_is_small_enough_for_a_context() {
    let registry = Registry::select(ALL, &Selection::default()).unwrap();
    let list = serde_json::to_string(&registry.descriptors()).unwrap();
    assert!(list.len() <= 90_000, "tools/list has {} bytes", list.len());
    // What a model sees of a tool; four characters to a token is on the safe side for such text.
    let shown: usize = registry
        .entries()
        .map(|it| it.meta.name.len() + it.meta.description.len() + serde_json::to_string(&*it.input_schema()).unwrap().len())
        .sum();
    assert!(shown <= 4_500 * 4, "{shown} characters of names, descriptions and input schemas");
}

#[test]
fn the_policies_name_exactly_what_the_tools_declare() {
    let registry = Registry::select(ALL, &Selection { toolsets: vec!["clusters".into()], ..Selection::default() }).unwrap();
    let policy = eks_mcp::permissions::iam_policy(&registry.permissions());
    let actions = policy["Statement"][0]["Action"].as_array().unwrap();
    assert!(actions.iter().all(|it| it.as_str().unwrap().starts_with("eks:")), "{actions:?}");
    let all = Registry::select(ALL, &Selection::default()).unwrap();
    let role = eks_mcp::permissions::cluster_role(&all.permissions());
    assert!(role.contains("pods/log"), "{role}");
    assert!(!role.contains("\"secrets\""), "{role}");
}
