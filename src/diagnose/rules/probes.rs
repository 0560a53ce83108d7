//! Containers that run and whose probes fail.

use super::{Rule, label, log_evidence, pod_arguments, template_patch, title};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::{Container, Facts, event_container, event_count, event_time};
use crate::diagnose::finding::{Depth, Finding, Liveness, Severity, event_evidence, field_evidence};
use crate::diagnose::grammar;
use crate::diagnose::logs;
use crate::domain::object::Object;

pub(super) const RULES: &[Rule] = &[
    Rule::new("probe-http-404", Severity::High, refused_path),
    Rule::new("probe-liveness-failing", Severity::High, liveness_failing),
    Rule::new("probe-startup-failing", Severity::High, startup_failing),
    Rule::new("probe-readiness-failing", Severity::Medium, readiness_failing),
];

/// The probes: the word in events, the field in the specification.
pub(super) const PROBES: [(&str, &str); 3] =
    [("Startup", "startupProbe"), ("Liveness", "livenessProbe"), ("Readiness", "readinessProbe")];

/// The newest event about a failing probe that describes the present instance, or the one before it.
pub(super) fn unhealthy<'a>(facts: &'a Facts, container: &Container<'_>, probe: &str) -> Option<&'a Object> {
    let started =
        container.status("lastState.terminated").and_then(|it| it.time("startedAt")).or_else(|| container.running_since());
    let start = format!("{probe} probe ");
    let about = |event: &&Object| {
        event.text("message").starts_with(&start)
            && (event_container(event).is_empty() || event_container(event) == container.name)
    };
    facts.events_of(&["Unhealthy"]).filter(about).find(|it| event_time(it).zip(started).is_none_or(|(at, started)| at >= started))
}

/// The event with which the kubelet kills a container because of a probe.
pub(super) fn killing<'a>(facts: &'a Facts, container: &Container<'_>, probe: &str) -> Option<&'a Object> {
    let text = format!("Container {} failed {} probe", container.name, probe.to_lowercase());
    facts.events_of(&["Killing"]).find(|it| it.text("message").starts_with(&text))
}

pub(super) fn output(event: &Object) -> &str {
    event.text("message").split_once("failed: ").map_or(event.text("message"), |(_, output)| output)
}

/// Whether the probe still matters: the container is not ready, or the kubelet restarts it.
pub(super) fn is_active(facts: &Facts, container: &Container<'_>, probe: &str) -> bool {
    let restarting =
        container.exit(facts.now).is_some_and(|it| it.liveness != Liveness::Past) && killing(facts, container, probe).is_some();
    let down = container.status.is_some()
        && !container.is_ready()
        && (container.is_running() || container.waiting_reason() == "CrashLoopBackOff");
    match probe {
        "Readiness" => down && container.is_running(),
        _ => restarting || (down && unhealthy(facts, container, probe).is_some()),
    }
}

/// What a probe asks, in words, and the fields that say so.
pub(super) fn request(facts: &Facts, container: &Container<'_>, field: &str) -> (String, Vec<Evidence>) {
    let part = |path: &str| container.spec.get(&format!("{field}.{path}"));
    let evidence = |paths: &[&str]| paths.iter().filter_map(|path| field_evidence(&facts.pod, &part(path)?, None)).collect();
    let text = |path: &str| {
        part(path).map_or_else(String::new, |it| it.value.as_str().map_or_else(|| it.value.to_string(), str::to_owned))
    };
    if part("httpGet").is_some() {
        let path = text("httpGet.path");
        let path = if path.is_empty() { "/" } else { &path };
        return (
            format!("GET `{path}` on port {}", port(container, &text("httpGet.port"))),
            evidence(&["httpGet.path", "httpGet.port"]),
        );
    }
    if part("tcpSocket").is_some() {
        return (format!("a connection to port {}", port(container, &text("tcpSocket.port"))), evidence(&["tcpSocket.port"]));
    }
    if part("grpc").is_some() {
        return (format!("a gRPC health check on port {}", text("grpc.port")), evidence(&["grpc.port"]));
    }
    let command = container.spec.list(&format!("{field}.exec.command"));
    let words: Vec<&str> = command.iter().filter_map(|it| it.value.as_str()).collect();
    (
        format!("the command `{}`", crate::domain::text::cut(&words.join(" "), 120)),
        command.iter().take(4).filter_map(|it| field_evidence(&facts.pod, it, None)).collect(),
    )
}

/// A port, with its number where it is given by name.
fn port(container: &Container<'_>, port: &str) -> String {
    let number =
        container.spec.list("ports").into_iter().find(|it| it.text("name") == port).and_then(|it| it.integer("containerPort"));
    number.map_or_else(|| port.to_owned(), |number| format!("{number} (`{port}`)"))
}

fn refused_path(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for container in facts.containers() {
        for (probe, field) in PROBES {
            let event = unhealthy(facts, &container, probe).filter(|_| is_active(facts, &container, probe));
            let Some((event, code)) = event.and_then(|it| Some((it, grammar::probe_status(it.text("message"))?))) else {
                continue;
            };
            // The server answers, and not that it is unwell: what is asked for is wrong.
            if !(400..500).contains(&code) || code == 429 {
                continue;
            }
            findings.push(path_finding(facts, &container, probe, field, event, code));
        }
    }
    findings
}

fn path_finding(facts: &Facts, container: &Container<'_>, probe: &str, field: &str, event: &Object, code: u16) -> Finding {
    let (asked, spec) = request(facts, container, field);
    let path = container.spec.get(&format!("{field}.httpGet.path"));
    let path = path.and_then(|it| it.value.as_str()).unwrap_or("/");
    let effect = if probe == "Readiness" {
        "so the pod never becomes ready and gets no traffic"
    } else {
        "so the kubelet restarts the container"
    };
    let why = match code {
        401 | 403 => "the path asks for a login",
        404 => "it serves no such path",
        _ => "it does not accept this request",
    };
    let summary = format!(
        "The {} probe of {} asks {asked}, which the application answers with {code} ({why}), {effect}.",
        probe.to_lowercase(),
        label(container)
    );
    // A probe that passes shows which path the application does serve.
    let other = PROBES.iter().filter(|(other, _)| *other != probe && unhealthy(facts, container, other).is_none());
    let other = other
        .filter_map(|(_, field)| container.spec.get(&format!("{field}.httpGet.path"))?.value.as_str())
        .find(|it| *it != path);
    let log = facts.log_of(container.name, false).and_then(|log| {
        let fits = |line: &str| line.contains("kube-probe") && line.contains(path) && line.contains(&code.to_string());
        Some(log_evidence(&facts.pod, log, logs::last_of(&log.text, fits)?))
    });
    let fix = match other {
        Some(other) => format!(
            "Correct the path of the {} probe: the container's other probe asks `{other}`, which is served",
            probe.to_lowercase()
        ),
        None => format!("Correct path or port of the {} probe to what the application serves", probe.to_lowercase()),
    };
    let command = other.and_then(|other| template_patch(facts, container, &format!("{field}.httpGet.path"), other));
    Finding::new("probe-http-404", Depth::Container, Confidence::High, summary)
        .specific(9)
        .because(event_evidence(event))
        .because(spec)
        .because(log)
        .because(readiness(facts, container))
        .fix_with(Risk::Low, fix, command)
        .fix(Risk::Low, format!("Or serve `{path}` in the application"))
        .link(
            label(container),
            format!("{}; {} probe failed {}", container.state(facts.now), probe.to_lowercase(), super::times(event_count(event))),
        )
        .check(
            "Which paths the application says it serves",
            "get_logs",
            super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) },
        )
}

fn readiness(facts: &Facts, container: &Container<'_>) -> Vec<Evidence> {
    container.status("ready").and_then(|it| field_evidence(&facts.pod, &it, None)).into_iter().collect()
}

fn liveness_failing(facts: &Facts) -> Vec<Finding> {
    killed_by(facts, "probe-liveness-failing", "Liveness", "livenessProbe")
}

fn startup_failing(facts: &Facts) -> Vec<Finding> {
    killed_by(facts, "probe-startup-failing", "Startup", "startupProbe")
}

fn killed_by(facts: &Facts, id: &'static str, probe: &str, field: &str) -> Vec<Finding> {
    let found = facts.containers().into_iter().filter_map(|container| {
        let event = unhealthy(facts, &container, probe);
        let kill = killing(facts, &container, probe);
        if !is_active(facts, &container, probe) {
            return None;
        }
        let (asked, spec) = request(facts, &container, field);
        let word = probe.to_lowercase();
        let said = event.map_or_else(String::new, |it| format!(": \"{}\"", logs::said(output(it))));
        let verb = if kill.is_some() { "kills" } else { "is about to kill" };
        let summary = format!("The kubelet {verb} {} because its {word} probe ({asked}) fails{said}.", label(&container));
        let confidence = if kill.is_some() && event.is_some() { Confidence::High } else { Confidence::Medium };
        Some(
            Finding::new(id, Depth::Container, confidence, summary)
                .specific(if event.is_some() && kill.is_some() { 8 } else { 6 })
                .alive(if container.is_ready() { Liveness::Recent } else { Liveness::Active })
                .because(event.and_then(event_evidence))
                .because(kill.and_then(event_evidence))
                .because(spec)
                .because(container.exit(facts.now).iter().flat_map(|exit| super::exit_evidence(&container, exit)))
                .fix(Risk::Low, format!("Correct the {word} probe if it asks for the wrong thing; give a slow start a startupProbe and a slow answer a longer timeoutSeconds"))
                .fix(Risk::Low, "If the probe is right, the application hangs or is not listening: its log tells what it does")
                .link(label(&container), container.state(facts.now))
                .check("What the application does when the probe fails", "get_logs", super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) }),
        )
    });
    found.collect()
}

fn readiness_failing(facts: &Facts) -> Vec<Finding> {
    let found = facts.containers().into_iter().filter(|it| is_active(facts, it, "Readiness")).filter_map(|container| {
        container.spec.get("readinessProbe")?;
        let event = unhealthy(facts, &container, "Readiness");
        let code = event.and_then(|it| grammar::probe_status(it.text("message")));
        // A path that is refused has a cause of its own.
        if code.is_some_and(|it| (400..500).contains(&it) && it != 429) {
            return None;
        }
        let since = container.running_since();
        let young = since.is_some_and(|it| facts.now.as_second() - it.as_second() < 60);
        if event.is_none() && young {
            return None;
        }
        let (asked, spec) = request(facts, &container, "readinessProbe");
        let (summary, confidence) = match event {
            Some(event) => (
                format!(
                    "{} runs but is not ready: its readiness probe ({asked}) fails: \"{}\".",
                    title(&container),
                    logs::said(output(event))
                ),
                Confidence::High,
            ),
            None => (
                format!(
                    "{} runs but is not ready: its readiness probe ({asked}) does not pass; no event tells how it fails.",
                    title(&container)
                ),
                Confidence::Low,
            ),
        };
        // A container that has just crashed is not ready for that reason.
        let crashing = container.exit(facts.now).is_some_and(|it| it.liveness != Liveness::Past);
        let specificity = match (crashing, event) {
            (true, _) => 0,
            (false, Some(_)) => 6,
            (false, None) => 2,
        };
        let log = facts.log_of(container.name, false).and_then(|log| Some((log, logs::deciding(&log.text)?)));
        let line = log.filter(|(_, it)| it.class != logs::Class::Other).map(|(log, it)| log_evidence(&facts.pod, log, it.line));
        Some(
            Finding::new("probe-readiness-failing", Depth::Container, confidence, summary)
                .specific(specificity)
                .because(event.and_then(event_evidence))
                .because(spec)
                .because(readiness(facts, &container))
                .because(line)
                .fix(Risk::Low, "If the application is well, correct the probe: port, path, timeoutSeconds")
                .fix(Risk::None, "If it is not, find in its log what it waits for")
                .link(label(&container), container.state(facts.now))
                .check(
                    "What the application waits for",
                    "get_logs",
                    super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) },
                ),
        )
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::{Value, json};

    const SPEC: &str = r#"{"ports": [{"name": "http", "containerPort": 8080}], "livenessProbe": {"httpGet": {"path": "/live", "port": "http"}}, "readinessProbe": {"httpGet": {"path": "/raedy", "port": "http"}}}"#;

    fn running(ready: bool) -> Facts {
        let status = json!({"ready": ready, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-05T10:00:00Z"}}});
        container(serde_json::from_str(SPEC).unwrap(), status)
    }

    #[test]
    fn the_answer_of_a_probe_tells_a_wrong_path_from_an_unwell_application() {
        let facts = with_event(running(false), "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404");
        assert_eq!(ids(&facts), ["probe-http-404"]);
        let found = finding(&facts, "probe-http-404");
        assert!(found.summary.contains("GET `/raedy` on port 8080 (`http`)"), "{}", found.summary);
        assert!(found.fixes[0].summary.contains("`/live`"));
        for message in [
            "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "Readiness probe failed: dial tcp 10.0.0.1:8080: connect: connection refused",
        ] {
            let found = ids(&with_event(running(false), "Unhealthy", message));
            assert!(found.contains(&"probe-readiness-failing") && !found.contains(&"probe-http-404"), "{message}");
        }
        assert!(
            ids(&with_event(running(true), "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404"))
                .is_empty()
        );
        assert_eq!(finding(&running(false), "probe-readiness-failing").confidence, Confidence::Low);
    }

    #[test]
    fn kills_by_the_kubelet_are_told_from_crashes() {
        let spec: Value = serde_json::from_str(SPEC).unwrap();
        let facts = with_event(
            crashed(spec.clone(), 137, "Error", ""),
            "Unhealthy",
            "Liveness probe failed: Get \"http://10.0.0.1:8080/live\": context deadline exceeded",
        );
        let facts = with_event(facts, "Killing", "Container main failed liveness probe, will be restarted");
        let found = finding(&facts, "probe-liveness-failing");
        assert_eq!(found.confidence, Confidence::High);
        assert!(found.specificity > finding(&facts, "crash-sigkill").specificity);
        assert_eq!(ids(&crashed(spec, 137, "Error", "")), ["crash-sigkill"]);
    }
}
