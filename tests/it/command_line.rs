//! The commands as a user runs them.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::Value;

use crate::support::{binary, read, root, run};

#[test]
fn every_command_explains_itself_with_an_example() {
    for command in ["serve", "call", "check", "demo", "tools", "permissions", "config", "completions"] {
        let (code, help, _) = run(&[command, "--help"]);
        assert_eq!(code, 0);
        assert!(help.contains("Example") && help.contains(&format!("eks-mcp {command}")), "{help}");
    }
    let (code, version, _) = run(&["--version"]);
    assert_eq!(code, 0);
    assert!(version.starts_with("eks-mcp ") && version.contains('('), "{version}");
}

#[test]
fn a_call_prints_json_and_its_failure_prints_json_on_the_other_stream() {
    let (code, output, _) = run(&["call", "describe_cluster", r#"{"cluster": "dev"}"#, "--demo"]);
    assert_eq!(code, 0);
    let answer: Value = serde_json::from_str(&output).unwrap();
    assert_eq!(answer["target"]["cluster"], "dev");
    let (code, output, error) = run(&["call", "describe_cluster", r#"{"cluster": "nope"}"#, "--demo"]);
    assert_eq!((code, output.as_str()), (1, ""));
    let error: Value = serde_json::from_str(&error).unwrap();
    assert_eq!(error["kind"], "not_found");
    assert!(error["hint"].is_string());
}

#[test]
fn wrong_usage_exits_with_2() {
    for arguments in [
        &["call", "no_such_tool", "--demo"][..],
        &["call", "describe_cluster", "{", "--demo"],
        &["call", "describe_cluster", "[]", "--demo"],
        &["serve", "--no-such-flag"],
        &["serve", "--http", "0.0.0.0:0", "--demo"],
        &["tools", "--toolsets", "nonsense"],
        &["call", "list_clusters", "--snapshot", "/no/such/folder"],
        &["call", "list_clusters", "--demo", "--config", "/no/such/file.toml"],
        &["demo", "no-such-scenario"],
        &["permissions"],
    ] {
        let (code, _, error) = run(arguments);
        assert_eq!(code, 2, "{arguments:?}: {error}");
        assert!(!error.is_empty(), "{arguments:?}");
    }
    let (_, _, error) = run(&["serve", "--http", "0.0.0.0:0", "--demo"]);
    assert!(error.contains("no authentication"), "{error}");
}

#[test]
fn an_unknown_variable_is_named_with_the_nearest_key() {
    let (code, _, error) = read(binary().args(["config"]).env("EKS_MCP_REGOIN", "eu-west-1").output().unwrap());
    assert_eq!(code, 2);
    assert!(error.contains("`regoin`") && error.contains("did you mean `region`?"), "{error}");
    let kubernetes = [("EKS_MCP_SERVICE_HOST", "10.0.0.1"), ("EKS_MCP_PORT", "tcp://10.0.0.1:80")];
    let (code, output, error) =
        read(binary().args(["config"]).envs(kubernetes).env("EKS_MCP_REGION", "eu-west-1").output().unwrap());
    assert_eq!(code, 0, "{error}");
    assert!(output.contains("\"region\": \"eu-west-1\""), "{output}");
}

#[test]
fn without_any_region_the_call_fails_and_not_the_start() {
    let (code, _, error) = run(&["call", "list_clusters"]);
    assert_eq!(code, 1);
    assert!(error.contains("no AWS Region is known"), "{error}");
    assert!(error.contains("Pass `region`"), "{error}");
}

#[test]
fn the_demo_shows_the_four_jobs() {
    let (code, output, error) = run(&["demo"]);
    assert_eq!(code, 0, "{error}");
    for word in [
        "list_clusters",
        "describe_cluster",
        "troubleshoot",
        "OOM",
        "query_container_insights",
        "estimate_cost",
        "USD",
        "payments",
    ] {
        assert!(output.contains(word), "`{word}` is not in:\n{output}");
    }
    let longest = output.lines().map(|it| it.chars().count()).max().unwrap_or_default();
    assert!(longest <= 400, "a line of {longest} characters");
    let (_, list, _) = run(&["demo", "--list"]);
    for scenario in list.lines().filter_map(|it| it.split_whitespace().next()) {
        let (code, output, error) = run(&["demo", scenario]);
        assert_eq!(code, 0, "{scenario}: {error}");
        assert!(output.contains('→') && !output.contains("Next step"), "{scenario}: {output}");
    }
}

#[test]
fn the_tools_and_their_permissions_are_printed() {
    let (_, output, _) = run(&["tools", "--json"]);
    let tools: Value = serde_json::from_str(&output).unwrap();
    assert!(tools.as_array().unwrap().len() >= 8);
    let (_, output, _) = run(&["tools"]);
    assert!(output.contains("troubleshoot"), "{output}");
    let (_, policy, _) = run(&["permissions", "--iam", "--toolsets", "cost"]);
    let policy: Value = serde_json::from_str(&policy).unwrap();
    assert!(policy.to_string().contains("pricing:GetProducts"));
    assert!(!policy.to_string().contains("cloudwatch:"));
    let (_, role, _) = run(&["permissions", "--rbac"]);
    assert!(role.contains("kind: ClusterRole"), "{role}");
    let (_, schema, _) = run(&["config", "--schema"]);
    assert!(serde_json::from_str::<Value>(&schema).unwrap()["properties"]["toolsets"].is_object());
    let (_, script, _) = run(&["completions", "bash"]);
    assert!(script.contains("eks-mcp"));
}

#[test]
fn the_end_of_input_ends_the_server_after_it_has_answered() {
    let mut server = binary().args(["serve", "--demo"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let initialize = r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#;
    let call =
        r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"estimate_cost","arguments":{"cluster":"payments"}}}"#;
    let mut input = server.stdin.take().unwrap();
    writeln!(input, "{initialize}\n{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}}\n{call}").unwrap();
    drop(input);
    let (code, output, _) = read(server.wait_with_output().unwrap());
    assert_eq!(code, 0);
    assert!(output.lines().any(|it| it.contains("\"id\":2") && it.contains("structuredContent")), "{output}");
    let (code, output, _) = read(binary().args(["serve", "--demo"]).output().unwrap());
    assert_eq!((code, output.as_str()), (0, ""), "no input at all is a normal end");
}

#[cfg(unix)]
#[test]
fn a_signal_ends_the_server_with_success() {
    for signal in ["-TERM", "-INT"] {
        for arguments in [&["serve", "--demo"][..], &["serve", "--demo", "--http", "127.0.0.1:0"]] {
            let mut server =
                binary().args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            // Wait until it serves: the answer to a request, or the line that tells the address.
            if arguments.len() == 2 {
                let mut input = server.stdin.as_ref().unwrap();
                writeln!(input, r#"{{"jsonrpc":"2.0","id":1,"method":"initialize","params":{{"protocolVersion":"2025-11-25","capabilities":{{}},"clientInfo":{{"name":"t","version":"1"}}}}}}"#).unwrap();
                let mut line = String::new();
                BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
                writeln!(input, r#"{{"jsonrpc":"2.0","method":"notifications/initialized"}}"#).unwrap();
            } else {
                let mut line = String::new();
                BufReader::new(server.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
                assert!(line.contains("/mcp"), "{line}");
            }
            let status = std::process::Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap();
            assert!(status.success());
            assert_eq!(server.wait().unwrap().code(), Some(0), "{signal} {arguments:?}");
        }
    }
}

#[test]
fn the_sample_of_the_readme_is_what_is_printed() {
    let path = root().join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once("<!-- sample:start -->\n```text\n$ ").unwrap();
    let (command, rest) = rest.split_once('\n').unwrap();
    let (sample, tail) = rest.split_once("```\n<!-- sample:end -->").unwrap();
    let (before, json) = command.strip_prefix("eks-mcp ").unwrap().split_once('\'').unwrap();
    let (json, after) = json.split_once('\'').unwrap();
    let arguments: Vec<&str> = before.split_whitespace().chain([json]).chain(after.split_whitespace()).collect();
    let (code, printed, _) = run(&arguments);
    assert_eq!(code, 0);
    if std::env::var_os("UPDATE").is_some() {
        let readme = format!("{head}<!-- sample:start -->\n```text\n$ {command}\n{printed}```\n<!-- sample:end -->{tail}");
        std::fs::write(path, readme).unwrap();
    } else {
        assert!(sample == printed, "the sample of README.md is stale; run `UPDATE=1 cargo test`: {printed}");
    }
}

#[test]
fn contexts_of_a_kubeconfig_need_neither_credentials_nor_a_region() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config");
    let config = "{apiVersion: v1, kind: Config, clusters: [{name: lab, cluster: {server: 'http://127.0.0.1:9'}}], \
                  users: [{name: me, user: {}}], contexts: [{name: home-lab, context: {cluster: lab, user: me}}]}";
    std::fs::write(&file, config).unwrap();
    let call = |tool: &str, arguments: &str| run(&["call", tool, arguments, "--kubeconfig", file.to_str().unwrap()]);
    let (code, output, error) = call("list_clusters", "{}");
    assert_eq!(code, 0, "{error}");
    assert!(output.contains("home-lab") && output.contains("EKS was not asked"), "{output}");
    let (code, _, error) = call("list_resources", r#"{"cluster": "home-lib", "kind": "Pod"}"#);
    assert_eq!(code, 1);
    assert!(error.contains("did you mean `home-lab`"), "{error}");
    let (code, output, error) = call("list_clusters", r#"{"regions": ["eu-west-1"]}"#);
    assert_eq!(code, 0, "{error}");
    assert!(
        output.contains("home-lab") && output.contains("eu-west-1 was not read") && output.contains("1 cluster known"),
        "{output}"
    );
    let (code, _, error) = call("list_resources", r#"{"cluster": "home-lib", "region": "eu-west-1", "kind": "Pod"}"#);
    assert_eq!(code, 1);
    assert!(error.contains("credentials") && error.contains("did you mean `home-lab`"), "{error}");
}
