//! What the output of a failing probe tells beyond that it fails.

use std::sync::LazyLock;

use regex::Regex;

use super::probes::{PROBES, is_active, killing, output, request, unhealthy};
use super::{Container, Rule, label, pod_arguments};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Severity, event_evidence, field_evidence};
use crate::diagnose::{grammar, logs};
use crate::domain::object::Object;
use crate::domain::text::join_and;

pub(super) const RULES: &[Rule] = &[
    Rule::new("probe-liveness-wrong-port", Severity::High, wrong_port),
    Rule::new("probe-http-5xx", Severity::High, server_error),
    Rule::new("probe-timeout", Severity::Medium, timeout),
    Rule::new("probe-exec-failing", Severity::Medium, command),
    Rule::new("probe-grpc-or-named-port", Severity::Low, named_port),
    Rule::new("probe-startup-too-short", Severity::High, too_short),
];

static REFUSED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"dial tcp \S*:(\d+): connect: connection refused").ok());

/// A probe that fails now, and what the kubelet says about it.
struct Failing<'a> {
    container: Container<'a>,
    word: String,
    field: &'static str,
    event: &'a Object,
}

fn failing(facts: &Facts) -> Vec<Failing<'_>> {
    let mut found = Vec::new();
    for container in facts.containers() {
        for (probe, field) in PROBES {
            if let Some(event) = unhealthy(facts, &container, probe).filter(|_| is_active(facts, &container, probe)) {
                found.push(Failing { container: container.clone(), word: probe.to_lowercase(), field, event });
            }
        }
    }
    found
}

impl Failing<'_> {
    /// What happens because of it.
    fn effect(&self) -> &'static str {
        if self.word == "readiness" { "so the pod gets no traffic" } else { "so the kubelet restarts the container" }
    }

    fn finding(&self, facts: &Facts, id: &'static str, specificity: u8, summary: String) -> Finding {
        let (_, spec) = request(facts, &self.container, self.field);
        Finding::new(id, Depth::Container, Confidence::High, summary)
            .specific(specificity)
            .because(event_evidence(self.event))
            .because(spec)
            .link(label(&self.container), format!("{}; {} probe failing", self.container.state(facts.now), self.word))
            .check(
                "What the application does when it is probed",
                "get_logs",
                super::CheckArguments { container: Some(self.container.name.to_owned()), ..pod_arguments(facts) },
            )
    }
}

/// The port that refuses is none that the container declares.
fn wrong_port(facts: &Facts) -> Vec<Finding> {
    let found = failing(facts).into_iter().filter_map(|it| {
        let port = REFUSED.as_ref()?.captures(it.event.text("message"))?.get(1)?.as_str();
        let ports: Vec<_> = it.container.spec.list("ports").into_iter().filter_map(|it| it.get("containerPort")).collect();
        let declared: Vec<String> = ports.iter().map(|it| it.value.to_string()).collect();
        if declared.is_empty() || declared.iter().any(|it| it == port) {
            return None;
        }
        let summary = format!(
            "The {} probe of {} asks port {port}, where nothing listens (connection refused): the container declares port {}, {}.",
            it.word,
            label(&it.container),
            join_and(&declared),
            it.effect()
        );
        let quoted = ports.iter().filter_map(|port| field_evidence(&facts.pod, port, None));
        Some(
            it.finding(facts, "probe-liveness-wrong-port", 9, summary)
                .because(quoted)
                .fix(Risk::Low, format!("Correct the port of the {} probe to {}", it.word, join_and(&declared))),
        )
    });
    found.collect()
}

fn server_error(facts: &Facts) -> Vec<Finding> {
    let found = failing(facts).into_iter().filter_map(|it| {
        let code = grammar::probe_status(it.event.text("message")).filter(|code| *code >= 500)?;
        let (asked, _) = request(facts, &it.container, it.field);
        let summary = format!(
            "The application in {} says itself that it is not well: it answers its {} probe ({asked}) with {code}, {}.",
            label(&it.container),
            it.word,
            it.effect()
        );
        Some(
            it.finding(facts, "probe-http-5xx", 9, summary)
                .fix(Risk::Low, "Find in its log what it misses, most often a dependency")
                .fix(Risk::Low, "Do not let a liveness probe depend on other services"),
        )
    });
    found.collect()
}

fn timeout(facts: &Facts) -> Vec<Finding> {
    let found = failing(facts).into_iter().filter_map(|it| {
        let said = output(it.event);
        let late =
            ["Client.Timeout exceeded", "context deadline exceeded", "command timed out", "timed out after", "i/o timeout"];
        if !late.iter().any(|word| said.contains(word)) {
            return None;
        }
        let seconds = it.container.spec.integer(&format!("{}.timeoutSeconds", it.field)).unwrap_or(1);
        let (asked, _) = request(facts, &it.container, it.field);
        let summary = format!(
            "{} does not answer its {} probe ({asked}) within {seconds} s, {}: \"{}\".",
            super::title(&it.container),
            it.word,
            it.effect(),
            logs::said(said)
        );
        let seconds = it.container.spec.get(&format!("{}.timeoutSeconds", it.field));
        Some(
            it.finding(facts, "probe-timeout", 9, summary)
                .because(seconds.and_then(|it| field_evidence(&facts.pod, &it, None)))
                .fix(Risk::Low, "Raise `timeoutSeconds`, and look at CPU throttling and garbage collection of the container")
                .fix(Risk::Low, "If it hangs, its log or a thread dump tells on what"),
        )
    });
    found.collect()
}

fn command(facts: &Facts) -> Vec<Finding> {
    let found = failing(facts).into_iter().filter_map(|it| {
        it.container.spec.get(&format!("{}.exec.command", it.field))?;
        let said = output(it.event);
        if said.contains("timed out") || said.contains("deadline exceeded") {
            return None;
        }
        let (asked, _) = request(facts, &it.container, it.field);
        let told = if said.trim().is_empty() {
            "it prints nothing and ends with an error".to_owned()
        } else {
            format!("\"{}\"", logs::said(said))
        };
        let missing = said.contains("executable file not found") || said.contains("no such file or directory");
        let why = if missing { " because the command does not exist in the image" } else { "" };
        let summary = format!("The {} probe of {} ({asked}) fails{why}, {}: {told}.", it.word, label(&it.container), it.effect());
        let fix = if missing {
            "Correct the command of the probe, or use one that the image has"
        } else {
            "Run the command in the container to see what it misses; correct it or what it checks"
        };
        Some(it.finding(facts, "probe-exec-failing", 9, summary).fix(Risk::Low, fix))
    });
    found.collect()
}

fn named_port(facts: &Facts) -> Vec<Finding> {
    let found = failing(facts).into_iter().filter_map(|it| {
        let said = output(it.event);
        let (why, fix) = if said.contains("couldn't find port") || said.contains("strconv.Atoi: parsing") {
            ("the port that it names is none of the container's", "Correct the name of the port in the probe or in `ports`")
        } else if said.contains("NOT_SERVING") {
            ("the gRPC service says that it is not serving", "Look in its log for what it waits for")
        } else {
            return None;
        };
        let summary = format!(
            "The {} probe of {} fails: {why}, {} (\"{}\").",
            it.word,
            label(&it.container),
            it.effect(),
            logs::said(said)
        );
        Some(it.finding(facts, "probe-grpc-or-named-port", 9, summary).fix(Risk::Low, fix))
    });
    found.collect()
}

/// A container that is killed as soon as its probe may, while nothing listens yet.
fn too_short(facts: &Facts) -> Vec<Finding> {
    let found = failing(facts).into_iter().filter(|it| it.word != "readiness").filter_map(|it| {
        let probe = if it.word == "startup" { "Startup" } else { "Liveness" };
        killing(facts, &it.container, probe)?;
        let refused = REFUSED.as_ref()?.captures(it.event.text("message"))?;
        let port = refused.get(1)?.as_str();
        let declared = it.container.spec.list("ports").iter().any(|it| it.integer("containerPort").is_some_and(|it| it.to_string() == port));
        let exit = it.container.exit(facts.now)?;
        let ran = exit.field.time("finishedAt")?.as_second() - exit.field.time("startedAt")?.as_second();
        let number = |name: &str, default: i64| it.container.spec.integer(&format!("{}.{name}", it.field)).unwrap_or(default);
        let budget = number("initialDelaySeconds", 0) + number("periodSeconds", 10) * number("failureThreshold", 3);
        let has_startup = it.container.spec.get("startupProbe").is_some();
        // The grace period of the end comes on top.
        if !declared || ran > budget + 40 || it.word == "liveness" && has_startup {
            return None;
        }
        let summary = format!(
            "{} is killed {ran} s after its start because its {} probe allows only {budget} s, while the application does not listen on port {port} yet (connection refused).",
            super::title(&it.container),
            it.word
        );
        let fields = ["initialDelaySeconds", "periodSeconds", "failureThreshold"];
        let fields = fields.iter().filter_map(|name| field_evidence(&facts.pod, &it.container.spec.get(&format!("{}.{name}", it.field))?, None));
        let fields: Vec<_> = fields.collect();
        Some(
            it.finding(facts, "probe-startup-too-short", 8, summary)
                .because(fields)
                .because(super::exit_evidence(&it.container, &exit))
                .fix(Risk::Low, "Add a startupProbe that allows the longest start, or raise `initialDelaySeconds` and `failureThreshold`")
                .fix(Risk::Low, "If the application should have listened by then, its log tells what it waits for"),
        )
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::{Value, json};

    fn probed(field: &str, probe: Value, message: &str) -> Facts {
        let mut spec = json!({"ports": [{"containerPort": 8080}]});
        spec[field] = probe;
        let state = json!({"ready": false, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-05T11:50:00Z"}}});
        with_event(container(spec, state), "Unhealthy", message)
    }

    #[test]
    fn the_output_of_a_probe_decides() {
        let get = |port: u16| json!({"httpGet": {"path": "/healthz", "port": port}});
        let run = json!({"exec": {"command": ["pg_isready"]}});
        for (probe, message, id) in [
            (
                get(9090),
                "Readiness probe failed: Get \"http://10.0.1.2:9090/healthz\": dial tcp 10.0.1.2:9090: connect: connection refused",
                "probe-liveness-wrong-port",
            ),
            (get(8080), "Readiness probe failed: HTTP probe failed with statuscode: 503", "probe-http-5xx"),
            (
                get(8080),
                "Readiness probe failed: Get \"http://10.0.1.2:8080/healthz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
                "probe-timeout",
            ),
            (run.clone(), "Readiness probe failed: /tmp:5432 - no response", "probe-exec-failing"),
            (
                json!({"grpc": {"port": 8080}}),
                "Readiness probe failed: service unhealthy (responded with \"NOT_SERVING\")",
                "probe-grpc-or-named-port",
            ),
        ] {
            assert!(ids(&probed("readinessProbe", probe, message)).contains(&id), "{message}");
        }
        let right = probed(
            "readinessProbe",
            get(8080),
            "Readiness probe failed: Get \"http://10.0.1.2:8080/healthz\": dial tcp 10.0.1.2:8080: connect: connection refused",
        );
        assert!(!ids(&right).contains(&"probe-liveness-wrong-port"));
        assert!(
            !ids(&probed("readinessProbe", run, "Readiness probe failed: command \"pg_isready\" timed out"))
                .contains(&"probe-exec-failing")
        );
    }

    #[test]
    fn a_start_that_is_cut_off_is_told_from_one_that_never_comes() {
        let world = |finished: &str| {
            let probe = json!({"httpGet": {"path": "/", "port": 8080}, "initialDelaySeconds": 5, "periodSeconds": 5, "failureThreshold": 3});
            let spec = json!({"ports": [{"containerPort": 8080}], "livenessProbe": probe});
            let last = json!({"exitCode": 137, "reason": "Error", "startedAt": "2026-01-05T11:56:00Z", "finishedAt": finished});
            let state = json!({"ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": last}});
            let facts = with_event(
                container(spec, state),
                "Unhealthy",
                "Liveness probe failed: Get \"http://10.0.1.2:8080/\": dial tcp 10.0.1.2:8080: connect: connection refused",
            );
            with_event(facts, "Killing", "Container main failed liveness probe, will be restarted")
        };
        assert!(
            finding(&world("2026-01-05T11:56:25Z"), "probe-startup-too-short")
                .summary
                .contains("25 s after its start because its liveness probe allows only 20 s")
        );
        assert!(!ids(&world("2026-01-05T11:59:25Z")).contains(&"probe-startup-too-short"));
    }
}
