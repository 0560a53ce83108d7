//! Containers whose process ends.

use std::collections::BTreeSet;

use super::{Rule, exit_evidence, label, log_evidence, pod_arguments, times, title};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::{Container, Exit, Facts, event_container};
use crate::diagnose::finding::{Depth, Finding, Liveness, Severity, event_evidence, field_evidence};
use crate::diagnose::logs::{self, Class};
use crate::domain::{log, quantity};

pub(super) const RULES: &[Rule] = &[
    Rule::new("container-oom-limit", Severity::High, oom_limit),
    Rule::new("crash-app-error", Severity::High, app_error).also(&[
        ("init-container-failing", Severity::High),
        ("app-dns-name-unresolvable", Severity::Medium),
        ("app-dependency-unreachable", Severity::Medium),
        ("app-aws-no-credentials", Severity::Medium),
        ("app-missing-env", Severity::Medium),
    ]),
    Rule::new("crash-exit-zero", Severity::Medium, exit_zero),
    Rule::new("crash-sigkill", Severity::Medium, sigkill),
    Rule::new("app-error-in-logs", Severity::Medium, errors_in_log),
];

fn exits<'a>(facts: &'a Facts, fits: impl Fn(&Exit<'a>) -> bool) -> Vec<(Container<'a>, Exit<'a>)> {
    facts.containers().into_iter().filter_map(|it| it.exit(facts.now).filter(|exit| fits(exit)).map(|exit| (it, exit))).collect()
}

/// How long the instance ran, in seconds.
fn ran_for(exit: &Exit<'_>) -> Option<i64> {
    let (start, end) = (exit.field.time("startedAt")?, exit.field.time("finishedAt")?);
    Some(end.as_second() - start.as_second())
}

/// How often it happened and when last: `9 times, last 3m ago`.
fn frequency(facts: &Facts, container: &Container<'_>, exit: &Exit<'_>) -> String {
    let ago = exit.field.time("finishedAt").map(|at| format!("{} ago", crate::domain::time::age(facts.now, at)));
    match (container.restarts(), ago) {
        (0, Some(ago)) => ago,
        (0, None) => "once".to_owned(),
        (count, Some(ago)) => format!("restarted {}, last end {ago}", times(count)),
        (count, None) => format!("restarted {}", times(count)),
    }
}

fn oom_limit(facts: &Facts) -> Vec<Finding> {
    let found = exits(facts, |exit| exit.reason == "OOMKilled").into_iter().filter_map(|(container, exit)| {
        let own = container.spec.get("resources.limits.memory");
        let limit = own.and_then(|it| field_evidence(&facts.pod, &it, None)).or_else(|| crate::diagnose::finding::evidence(&facts.pod, "spec.resources.limits.memory"))?;
        let early = ran_for(&exit).filter(|it| *it < 5);
        let note = match early {
            Some(_) => "; it did not live 5 s, so the limit is below what it needs to start",
            None => "",
        };
        let summary = format!(
            "{} exceeded its memory limit of {} and was OOM-killed ({}){note}.",
            title(&container),
            limit.value,
            frequency(facts, &container, &exit)
        );
        let request = container.spec.get("resources.requests.memory").and_then(|it| field_evidence(&facts.pod, &it, None));
        let doubled = quantity::parse_any(&limit.value).map(|it| quantity::bytes(it * 2.0));
        let command = super::editable_workload(facts).zip(doubled.as_ref()).map(|(target, amount)| {
            format!("kubectl -n {} set resources {target} --containers={} --limits=memory={amount}", facts.pod.namespace(), container.name)
        });
        let raise = match &doubled {
            Some(amount) => format!("Raise the memory limit, for example to {amount}, and the request with it, if the need is real"),
            None => "Raise the memory limit, if the need is real".to_owned(),
        };
        let metrics = super::CheckArguments { scope: Some("pod".to_owned()), ..pod_arguments(facts) };
        Some(
            Finding::new("container-oom-limit", Depth::Container, Confidence::Certain, summary)
                .specific(8)
                .alive(exit.liveness)
                .because(exit_evidence(&container, &exit))
                .because([limit])
                .because(request)
                .fix_with(Risk::Medium, raise, command)
                .fix(Risk::Low, "If memory grows without end, find the leak; give a runtime with its own heap (JVM, Node.js) a heap limit below the container's")
                .link(label(&container), container.state(facts.now))
                .check("Whether memory climbs slowly (a leak) or jumps (the limit is too small)", "query_container_insights", metrics)
                .check("What it did before it was killed", "get_logs", super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) }),
        )
    });
    found.collect()
}

/// Exit codes that an application chooses. 126 and 127 are the shell's; above 128 signals speak.
fn is_application_code(code: i64) -> bool {
    matches!(code, 1..=125 | 127 | 255)
}

fn app_error(facts: &Facts) -> Vec<Finding> {
    let crashed = exits(facts, |exit| {
        is_application_code(exit.code) && !matches!(exit.reason, "OOMKilled" | "StartError" | "ContainerCannotRun")
    });
    let mut findings = Vec::new();
    for (container, exit) in crashed {
        let log = facts.log_of(container.name, exit.previous);
        let deciding = log.and_then(|log| Some((log, logs::deciding(&log.text)?)));
        let more = deciding.as_ref().map_or_else(Vec::new, |(log, found)| logs::continuation(&log.text, found.line));
        let setting = deciding.as_ref().and_then(|(log, _)| missing_setting(&log.text, &more));
        let message = exit.field.text("message").trim();
        let start = format!("{} exits with code {} ({})", title(&container), exit.code, frequency(facts, &container, &exit));
        let (summary, confidence, specificity) = match &deciding {
            Some((_, found)) => {
                let said = said_with(found.line, &more);
                let (cause, specificity) = match &setting {
                    Some(name) => {
                        let variable = name.to_uppercase();
                        (format!(" because its setting `{name}` is missing, which the variable `{variable}` gives"), 8)
                    }
                    None => explained(&found.class),
                };
                let confidence = if found.class == Class::Other { Confidence::Low } else { Confidence::High };
                (format!("{start}{cause}: \"{said}\"."), confidence, specificity)
            }
            None if !message.is_empty() => (
                format!("{start}; it left the message \"{}\".", logs::said(message.lines().next_back().unwrap_or_default())),
                Confidence::High,
                5,
            ),
            None => (format!("{start}; no log tells why."), Confidence::Low, 1),
        };
        let id = match deciding.as_ref().map_or("crash-app-error", |(_, found)| id(&found.class)) {
            _ if setting.is_some() => "app-missing-env",
            "crash-app-error" if container.init && !container.is_sidecar() => "init-container-failing",
            id => id,
        };
        let mut finding = Finding::new(id, Depth::Container, confidence, summary).specific(specificity).alive(exit.liveness);
        if let Some((log, found)) = &deciding {
            finding = finding.because([found.line].iter().chain(&more).map(|line| log_evidence(&facts.pod, log, line)));
            finding = advised(facts, finding, &found.class);
        }
        finding = finding
            .because(exit_evidence(&container, &exit))
            .fix(Risk::Low, "Correct what the quoted line names: configuration, dependency or code of the application")
            .link(label(&container), container.state(facts.now))
            .check(
                "The rest of the log of the crashed instance",
                "get_logs",
                super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) },
            );
        findings.push(finding);
        let why = format!("{} ended with reason {} and exit code {}, not OOMKilled", label(&container), exit.reason, exit.code);
        findings.push(Finding::ruled_out("container-oom-limit", why).alive(exit.liveness));
    }
    findings
}

/// What a line says together with those that go on with it.
pub(super) fn said_with(line: &str, more: &[&str]) -> String {
    let parts: Vec<String> = [line].iter().chain(more).map(|it| logs::said(it)).collect();
    parts.join(" ")
}

/// The setting that pydantic reads from the environment and does not find; the name and what it lacks stand on two lines.
fn missing_setting(text: &str, more: &[&str]) -> Option<String> {
    let [name, lack] = more else { return None };
    let (name, lack) = (logs::said(name), logs::said(lack));
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.'));
    // Other models are read from what a request or a file holds.
    (is_name && lack.starts_with("Field required") && text.contains("pydantic_settings")).then_some(name)
}

/// The cause that a class of errors is.
fn id(class: &Class) -> &'static str {
    match class {
        Class::NoCredentials => "app-aws-no-credentials",
        Class::Unresolved(_) => "app-dns-name-unresolvable",
        Class::Refused(_) | Class::TimedOut(_) => "app-dependency-unreachable",
        Class::Error | Class::Other => "crash-app-error",
    }
}

/// What kind of error a line tells, as part of a sentence, and how much that tells.
fn explained(class: &Class) -> (String, u8) {
    let of = |endpoint: &Option<logs::Endpoint>| endpoint.as_ref().map_or_else(String::new, |it| format!(" `{it}`"));
    match class {
        Class::NoCredentials => (" because it finds no AWS credentials".to_owned(), 5),
        Class::Unresolved(endpoint) => (format!(" because the host name{} cannot be resolved", of(endpoint)), 7),
        Class::Refused(endpoint) => (
            format!(
                " because the connection to{} is refused",
                if endpoint.is_some() { of(endpoint) } else { " a dependency".to_owned() }
            ),
            7,
        ),
        Class::TimedOut(endpoint) => (
            format!(
                " because{} does not answer in time",
                if endpoint.is_some() { of(endpoint) } else { " a dependency".to_owned() }
            ),
            7,
        ),
        Class::Error => ("; its log says".to_owned(), 5),
        Class::Other => ("; the last line of its log is".to_owned(), 2),
    }
}

/// The cure and the next look that suit an unreachable host.
fn advised(facts: &Facts, finding: Finding, class: &Class) -> Finding {
    let (Class::Unresolved(Some(endpoint)) | Class::Refused(Some(endpoint)) | Class::TimedOut(Some(endpoint))) = class else {
        return finding;
    };
    let host = &endpoint.host;
    let service = in_cluster(host, facts.pod.namespace());
    let finding = match class {
        Class::Unresolved(_) => finding
            .fix(Risk::Low, format!("Correct the host name `{host}` in the configuration, or create what should have this name")),
        Class::Refused(_) => finding
            .fix(Risk::Low, format!("Start what should listen at `{endpoint}`, or correct host and port in the configuration")),
        _ => finding.fix(
            Risk::Low,
            format!(
                "Find what keeps `{endpoint}` from answering: the server itself, a network policy, a security group, a route"
            ),
        ),
    };
    match service {
        Some((name, namespace)) => finding.check(
            format!("Whether Service `{name}` exists in namespace `{namespace}` and has ready endpoints"),
            "list_resources",
            super::CheckArguments { kind: Some("Service".to_owned()), namespace: Some(namespace), ..Default::default() },
        ),
        None => finding.look(format!("Whether `{endpoint}` can be reached from inside the cluster")),
    }
}

/// Service and namespace of a host name of the cluster; a bare name is one of the pod's namespace.
fn in_cluster(host: &str, namespace: &str) -> Option<(String, String)> {
    if host.bytes().all(|it| it.is_ascii_digit() || it == b'.') || host == "localhost" {
        return None;
    }
    let parts: Vec<&str> = host.split('.').collect();
    match parts.as_slice() {
        [name] => Some(((*name).to_owned(), namespace.to_owned())),
        [name, namespace] | [name, namespace, "svc", ..] => Some(((*name).to_owned(), (*namespace).to_owned())),
        _ => None,
    }
}

fn exit_zero(facts: &Facts) -> Vec<Finding> {
    let ended = exits(facts, |exit| exit.code == 0 && exit.reason != "OOMKilled")
        .into_iter()
        .filter(|(container, _)| container.restarts_always());
    let found = ended.map(|(container, exit)| {
        let log = facts.log_of(container.name, exit.previous);
        let line = log.and_then(|log| Some((log, logs::deciding(&log.text)?.line)));
        let said = line.map_or_else(String::new, |(_, line)| format!("; its log says \"{}\"", logs::said(line)));
        let summary = format!(
            "The process of {} ends by itself with exit code 0, although the pod restarts it always ({}){said}.",
            label(&container),
            frequency(facts, &container, &exit)
        );
        let command = container.spec.list("command").into_iter().chain(container.spec.list("args")).take(4);
        Finding::new("crash-exit-zero", Depth::Container, Confidence::High, summary)
            .specific(5)
            .alive(exit.liveness)
            .because(exit_evidence(&container, &exit))
            .because(line.map(|(log, line)| log_evidence(&facts.pod, log, line)))
            .because(command.filter_map(|it| field_evidence(&facts.pod, &it, None)))
            .fix(Risk::Low, "If it is a server, start it in the foreground and give it what it misses according to its log")
            .fix(Risk::Low, "If it does one piece of work and ends, run it as a Job or CronJob")
            .link(label(&container), container.state(facts.now))
            .check(
                "What it did before it ended",
                "get_logs",
                super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) },
            )
    });
    found.collect()
}

fn sigkill(facts: &Facts) -> Vec<Finding> {
    let killed = exits(facts, |exit| exit.code == 137 && exit.reason != "OOMKilled" && exit.reason != "ContainerStatusUnknown");
    let found = killed.into_iter().map(|(container, exit)| {
        let events = facts.events_of(&["ExceededGracePeriod", "Evicted", "Preempting", "Killing"]);
        let event = events.into_iter().find(|it| event_container(it).is_empty() || event_container(it) == container.name);
        let because = event.map_or_else(
            || "; no event tells who sent the signal, and its reason is not OOMKilled".to_owned(),
            |it| format!("; the event {} says \"{}\"", it.text("reason"), logs::said(it.text("message"))),
        );
        let summary = format!("{} was killed with SIGKILL (exit code 137, {}){because}.", title(&container), frequency(facts, &container, &exit));
        let confidence = if event.is_some() { Confidence::Medium } else { Confidence::Low };
        Finding::new("crash-sigkill", Depth::Container, confidence, summary)
            .specific(if event.is_some() { 4 } else { 1 })
            .alive(exit.liveness)
            .because(exit_evidence(&container, &exit))
            .because(event.and_then(event_evidence))
            .fix(Risk::None, "Find who sends the signal: a probe, an eviction, memory pressure of the node, or a child process that exceeded the memory limit")
            .link(label(&container), container.state(facts.now))
            .check("Whether its memory reaches the limit", "query_container_insights", super::CheckArguments { scope: Some("pod".to_owned()), ..pod_arguments(facts) })
    });
    found.collect()
}

/// Errors of the same kind that make a log worth looking into.
const FEW: u64 = 3;

/// Templates that share most of their words are one family: the same error told by several parts of a program. Each comes with
/// the number of its lines, the most frequent first.
fn families<'a>(templates: &[&'a log::Template]) -> Vec<(&'a log::Template, u64)> {
    let words = |it: &log::Template| -> BTreeSet<String> {
        let parts = it.pattern.split(|it: char| !it.is_alphabetic());
        parts.filter(|it| it.len() > 2).map(str::to_lowercase).collect()
    };
    let mut families: Vec<(&log::Template, BTreeSet<String>, u64)> = Vec::new();
    for template in templates {
        let own = words(template);
        let alike = |other: &BTreeSet<String>| own.intersection(other).count() * 3 >= own.union(other).count() * 2;
        match families.iter_mut().find(|it| alike(&it.1)) {
            Some(family) => family.2 += template.count,
            None => families.push((template, own, template.count)),
        }
    }
    families.sort_by_key(|it| std::cmp::Reverse(it.2));
    families.into_iter().map(|(template, _, count)| (template, count)).collect()
}

/// A container that serves, and whose log complains.
fn errors_in_log(facts: &Facts) -> Vec<Finding> {
    let containers = facts.containers();
    let serving = |name: &str| {
        containers
            .iter()
            .find(|it| it.name == name && it.is_running() && it.exit(facts.now).is_none_or(|it| it.liveness != Liveness::Active))
    };
    let found = facts.logs.iter().filter(|it| !it.previous).filter_map(|log| {
        let container = serving(&log.container)?;
        let mined = log::mine(log.text.lines().map(|line| (log::time_of(line), line)));
        let errors: Vec<&log::Template> = mined.templates.iter().filter(|it| it.level >= log::Level::Error).collect();
        let all: u64 = errors.iter().map(|it| it.count).sum();
        // A line among many is no state.
        if all < FEW || all * 20 < mined.lines {
            return None;
        }
        let errors = families(&errors);
        // Mishaps of different kinds, none of which came back, are no state either.
        if errors.first().is_none_or(|(_, count)| *count < 2) {
            return None;
        }
        let kinds: Vec<String> =
            errors.iter().take(4).map(|(it, count)| format!("\"{}\" ×{count}", logs::said(&it.last_said))).collect();
        let summary = format!(
            "{} runs, but {all} of the last {} lines of its log are errors, of {}: {}.",
            title(container),
            mined.lines,
            crate::domain::text::count(errors.len(), "kind"),
            kinds.join("; ")
        );
        let quoted = errors
            .iter()
            .take(6)
            .filter_map(|(it, _)| it.last_example.lines().next())
            .map(|line| log_evidence(&facts.pod, log, line));
        let quoted = quoted.filter(|it| log.text.contains(&it.value));
        Some(
            Finding::new("app-error-in-logs", Depth::Container, Confidence::Medium, summary)
                .specific(2)
                .because(quoted)
                .link(label(container), container.state(facts.now))
                .fix(Risk::None, "Look into each kind of error; the pod itself is up")
                .check(
                    "All kinds of lines with their counts",
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
    use serde_json::json;

    #[test]
    fn the_limit_is_named_and_a_missing_one_is_not_invented() {
        let limited = json!({"resources": {"limits": {"memory": "512Mi"}}});
        let facts = crashed(limited.clone(), 137, "OOMKilled", "");
        assert_eq!(ids(&facts), ["container-oom-limit"]);
        let found = finding(&facts, "container-oom-limit");
        assert_eq!(
            found.summary,
            "Container `main` exceeded its memory limit of 512Mi and was OOM-killed (restarted 7 times, last end 3m ago)."
        );
        assert_eq!(ids(&crashed(json!({}), 137, "OOMKilled", "")), ["container-oom-node"]);
        assert_eq!(ids(&crashed(limited, 137, "Error", "")), ["crash-sigkill"]);
    }

    #[test]
    fn the_line_that_explains_the_exit_is_quoted() {
        for (id, log, part) in [
            (
                "app-dns-name-unresolvable",
                "start\nfatal: dial tcp: lookup mail.ops.svc on 10.0.0.10:53: no such host (mail.ops.svc:25)\n",
                "host name `mail.ops.svc:25` cannot be resolved",
            ),
            (
                "app-dependency-unreachable",
                "Error: connect ECONNREFUSED 10.1.2.3:5432\n",
                "connection to `10.1.2.3:5432` is refused",
            ),
            (
                "crash-app-error",
                "ERROR bad configuration: no key `port`\n",
                "its log says: \"ERROR bad configuration: no key `port`\"",
            ),
            ("crash-app-error", "bye\n", "the last line of its log is: \"bye\""),
        ] {
            let facts = with_log(crashed(json!({}), 1, "Error", ""), log);
            let found = finding(&facts, id);
            assert!(found.summary.contains(part), "{}", found.summary);
            assert!(log.contains(&found.evidence[0].value));
        }
        assert_eq!(finding(&crashed(json!({}), 1, "Error", ""), "crash-app-error").confidence, Confidence::Low);
    }

    #[test]
    fn a_missing_setting_is_told_from_a_model_that_lacks_a_field() {
        let error = "a.ValidationError: 1 validation error for Settings\nmail_key\n  Field required [type=missing]\n";
        let settings = format!("Traceback (most recent call last):\n  File \"/lib/pydantic_settings/main.py\", line 1\n{error}");
        let found = finding(&with_log(crashed(json!({}), 1, "Error", ""), &settings), "app-missing-env");
        assert!(found.summary.contains("`mail_key` is missing, which the variable `MAIL_KEY` gives"), "{}", found.summary);
        assert!(found.evidence.iter().take(3).all(|it| settings.contains(&it.value)));
        let found = finding(&with_log(crashed(json!({}), 1, "Error", ""), error), "crash-app-error");
        assert!(found.summary.contains("for Settings mail_key Field required [type=missing]\""), "{}", found.summary);
    }

    #[test]
    fn an_end_without_error_counts_only_where_the_process_should_stay() {
        assert_eq!(ids(&crashed(json!({}), 0, "Completed", "")), ["crash-exit-zero"]);
        let mut once = crashed(json!({}), 0, "Completed", "");
        let mut pod = once.pod.value().clone();
        pod["spec"]["restartPolicy"] = "OnFailure".into();
        once.pod = crate::domain::object::Object::new(pod);
        assert!(ids(&once).is_empty());
    }

    #[test]
    fn errors_of_a_container_that_serves_are_told_by_kind() {
        let world = |text: &str| {
            let mut facts = container(
                json!({}),
                json!({"ready": true, "restartCount": 0, "state": {"running": {"startedAt": "2026-01-05T10:00:00Z"}}}),
            );
            facts.logs.push(crate::diagnose::facts::Log { container: "main".into(), previous: false, text: text.into() });
            facts
        };
        let bad = "2026-01-05T11:00:00Z ERROR query failed: syntax error at or near SELCT\n".repeat(4);
        let found = finding(&world(&bad), "app-error-in-logs");
        assert!(found.summary.contains("4 of the last 4 lines of its log are errors, of 1 kind"), "{}", found.summary);
        assert!(found.evidence.iter().all(|it| bad.contains(&it.value)));
        let once = format!("{}{}", "2026-01-05T11:00:00Z INFO served\n".repeat(50), "2026-01-05T11:00:00Z ERROR one\n");
        assert!(ids(&world(&once)).is_empty());
        let mishaps = "ERROR deadlock detected, retrying\nINFO up\nERROR image of tenant 5 has no width\npanic recovered: index out of range\nINFO ok\n";
        assert!(ids(&world(mishaps)).is_empty(), "none came back");
    }

    #[test]
    fn an_old_restart_is_past() {
        let last =
            json!({"exitCode": 1, "reason": "Error", "startedAt": "2025-12-30T00:00:00Z", "finishedAt": "2025-12-30T01:00:00Z"});
        let facts = container(
            json!({}),
            json!({"ready": true, "restartCount": 2, "state": {"running": {"startedAt": "2025-12-30T01:00:01Z"}}, "lastState": {"terminated": last}}),
        );
        assert_eq!(finding(&facts, "crash-app-error").liveness, Liveness::Past);
    }
}
