//! Containers that end by a signal, init containers that do not end, and pods that are set up so that they cannot work.

use super::{Container, Rule, label, log_evidence, pod_arguments, title};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::{Exit, Facts};
use crate::diagnose::finding::{Depth, Finding, Role, Severity, evidence, field_evidence};
use crate::diagnose::logs;
use crate::domain::time::age;

pub(super) const RULES: &[Rule] = &[
    Rule::new("container-oom-node", Severity::High, oom_without_limit),
    Rule::new("crash-signal", Severity::High, signal),
    Rule::new("init-container-failing", Severity::High, init_failing),
    Rule::new("init-container-hanging", Severity::High, init_hanging),
    Rule::new("sidecar-native-blocking", Severity::Medium, sidecar_blocking),
    Rule::new("container-port-conflict", Severity::Medium, port_conflict),
    Rule::new("dns-policy-wrong", Severity::High, dns_policy),
];

fn exits<'a>(facts: &'a Facts, fits: impl Fn(&Exit<'a>) -> bool) -> Vec<(Container<'a>, Exit<'a>)> {
    facts.containers().into_iter().filter_map(|it| it.exit(facts.now).filter(|exit| fits(exit)).map(|exit| (it, exit))).collect()
}

fn oom_without_limit(facts: &Facts) -> Vec<Finding> {
    let found = exits(facts, |it| it.reason == "OOMKilled").into_iter().filter_map(|(container, exit)| {
        let limited =
            container.spec.get("resources.limits.memory").is_some() || facts.pod.get("spec.resources.limits.memory").is_some();
        if limited {
            return None;
        }
        let summary =
            format!("{} was OOM-killed although it has no memory limit: the node ran out of memory.", title(&container));
        Some(
            Finding::new("container-oom-node", Depth::Container, Confidence::High, summary)
                .specific(7)
                .alive(exit.liveness)
                .because(super::exit_evidence(&container, &exit))
                .because(evidence(&facts.pod, "spec.nodeName"))
                .link(label(&container), container.state(facts.now))
                .fix(
                    Risk::Medium,
                    "Give it a memory request and limit, so that it is placed where there is room and cannot harm others",
                )
                .fix(Risk::None, "Look for the pods without limits that use most on its node"),
        )
    });
    found.collect()
}

fn signal(facts: &Facts) -> Vec<Finding> {
    let found = exits(facts, |it| matches!(it.code, 132 | 134 | 135 | 136 | 139)).into_iter().map(|(container, exit)| {
        let (name, why) = match exit.code {
            132 => ("SIGILL", "the image was built for instructions that this processor does not have"),
            134 => ("SIGABRT", "the program ended itself, most often on a failed assertion"),
            135 => ("SIGBUS", "memory could not be mapped, most often because /dev/shm is full"),
            136 => ("SIGFPE", "a calculation failed"),
            _ => ("SIGSEGV", "native code reached for memory that is not its own"),
        };
        let log = facts.log_of(container.name, exit.previous);
        let deciding = log.and_then(|log| Some((log, logs::deciding(&log.text)?)));
        let last_words = deciding.filter(|(_, it)| it.class != logs::Class::Other);
        let more = last_words.as_ref().map_or_else(Vec::new, |(log, it)| logs::continuation(&log.text, it.line));
        let end = format!("{} was ended by {name} (exit code {})", title(&container), exit.code);
        let summary = match &last_words {
            Some((_, it)) => format!("{end}; its log says: \"{}\".", super::crash::said_with(it.line, &more)),
            None => format!("{end}: {why}."),
        };
        let quoted = last_words.iter().flat_map(|(log, it)| {
            [it.line].into_iter().chain(more.iter().copied()).map(|line| log_evidence(&facts.pod, log, line))
        });
        let quoted: Vec<_> = quoted.collect();
        Finding::new("crash-signal", Depth::Container, Confidence::High, summary)
            .specific(6)
            .alive(exit.liveness)
            .because(quoted)
            .because(super::exit_evidence(&container, &exit))
            .link(label(&container), container.state(facts.now))
            .fix(
                Risk::Low,
                if exit.code == 135 {
                    "Mount an emptyDir with `medium: Memory` at /dev/shm"
                } else if last_words.is_some() {
                    "Correct what the quoted line names: configuration, dependency or code of the application"
                } else {
                    "Take a core dump, and compare the image with the processor of the node"
                },
            )
    });
    found.collect()
}

/// That it is an init container that fails, beside why it does.
fn init_failing(facts: &Facts) -> Vec<Finding> {
    let failing = exits(facts, |it| it.code != 0).into_iter().filter(|(container, _)| container.init && !container.is_sidecar());
    let found = failing.map(|(container, exit)| {
        let summary =
            format!("{} ends with code {}, so that the containers after it are never started.", title(&container), exit.code);
        Finding::new("init-container-failing", Depth::Pod, Confidence::Certain, summary)
            .specific(4)
            .alive(exit.liveness)
            .because(super::exit_evidence(&container, &exit))
            .link(label(&container), container.state(facts.now))
            .fix(Risk::Low, "Correct why it fails; the rest of the pod follows")
    });
    found.collect()
}

/// Seconds after which a step of the start is taken to hang.
const LONG: i64 = 300;

fn init_hanging(facts: &Facts) -> Vec<Finding> {
    let running = facts.containers().into_iter().filter(|it| it.init && !it.is_sidecar() && it.restarts() == 0);
    let found = running.filter_map(|container| {
        let since = container.running_since().filter(|it| facts.now.as_second() - it.as_second() > LONG)?;
        let log = facts.log_of(container.name, false);
        let line = log.and_then(|log| Some((log, log.text.lines().rev().find(|it| !it.trim().is_empty())?)));
        let said = line.map_or_else(String::new, |(_, line)| format!("; the last it wrote is \"{}\"", logs::said(line)));
        let command = container.spec.list("command").into_iter().chain(container.spec.list("args")).take(4);
        let summary = format!(
            "{} has been running for {} and does not end, so that the containers after it are not started{said}.",
            title(&container),
            age(facts.now, since)
        );
        Some(
            Finding::new("init-container-hanging", Depth::Container, Confidence::High, summary)
                .specific(6)
                .because(line.map(|(log, line)| log_evidence(&facts.pod, log, line)))
                .because(container.status("state.running.startedAt").and_then(|it| field_evidence(&facts.pod, &it, None)))
                .because(command.filter_map(|it| field_evidence(&facts.pod, &it, None)))
                .link(label(&container), container.state(facts.now))
                .fix(
                    Risk::Low,
                    "Find what it waits for: a Service without ready pods, a name that does not exist, a blocked network",
                )
                .check(
                    "What it writes while it waits",
                    "get_logs",
                    super::CheckArguments { container: Some(container.name.to_owned()), ..pod_arguments(facts) },
                ),
        )
    });
    found.collect()
}

/// That a sidecar holds up the rest of the pod, beside why its startup probe does not succeed.
fn sidecar_blocking(facts: &Facts) -> Vec<Finding> {
    let waiting = facts.containers().into_iter().filter(|it| it.waiting_reason() == "PodInitializing").count();
    if waiting == 0 {
        return Vec::new();
    }
    // One without a startup probe counts as started at once.
    let held = |it: &Container<'_>| {
        it.is_sidecar()
            && it.spec.get("startupProbe").is_some_and(|it| !it.value.is_null())
            && it.status("started").is_some_and(|it| it.value == false)
    };
    let found = facts.containers().into_iter().filter(held).filter_map(|container| {
        let since = facts.pod.time("status.startTime").filter(|it| facts.now.as_second() - it.as_second() > LONG)?;
        let summary = format!(
            "{} has not started in the {} of the pod: its startup probe has not succeeded, so that {} after it {} not started.",
            title(&container),
            age(facts.now, since),
            crate::domain::text::count(waiting, "container"),
            if waiting == 1 { "is" } else { "are" }
        );
        Some(
            Finding::new("sidecar-native-blocking", Depth::Pod, Confidence::High, summary)
                .specific(5)
                .because(container.status("started").and_then(|it| field_evidence(&facts.pod, &it, None)))
                .link(facts.pod.address(), "waits for a sidecar")
                .link(label(&container), "not started")
                .fix(
                    Risk::Low,
                    "Correct why the sidecar does not answer its startup probe, or the probe; the rest of the pod follows",
                ),
        )
    });
    found.collect()
}

/// Containers of a pod share its network.
fn port_conflict(facts: &Facts) -> Vec<Finding> {
    let containers = facts.containers();
    let mut found = Vec::new();
    for (index, container) in containers.iter().enumerate().filter(|(_, it)| !it.init || it.is_sidecar()) {
        for port in container.spec.list("ports") {
            let Some(number) = port.integer("containerPort") else { continue };
            let protocol = |it: &crate::domain::object::Field<'_>| {
                if it.text("protocol").is_empty() { "TCP".to_owned() } else { it.text("protocol").to_owned() }
            };
            let same = containers.iter().take(index).filter(|it| !it.init || it.is_sidecar()).find_map(|other| {
                let twin = other
                    .spec
                    .list("ports")
                    .into_iter()
                    .find(|it| it.integer("containerPort") == Some(number) && protocol(it) == protocol(&port))?;
                Some((other, twin))
            });
            let Some((other, twin)) = same else { continue };
            let loser = [container, other].into_iter().find(|it| it.exit(facts.now).is_some() || !it.is_ready());
            let line = facts.logs.iter().find_map(|log| {
                Some((
                    log,
                    log.text
                        .lines()
                        .rev()
                        .find(|it| it.to_lowercase().contains("address already in use") || it.contains("EADDRINUSE"))?,
                ))
            });
            let summary = format!(
                "Containers `{}` and `{}` of the pod both use port {number}, and containers of a pod share one network: only one can listen (address already in use).",
                other.name, container.name
            );
            let role = if loser.is_some() { Role::Cause } else { Role::Contributing };
            found.push(
                Finding::new(
                    "container-port-conflict",
                    Depth::Reference,
                    if line.is_some() { Confidence::Certain } else { Confidence::Medium },
                    summary,
                )
                .specific(if line.is_some() { 9 } else { 5 })
                .role(role)
                .because(line.map(|(log, line)| log_evidence(&facts.pod, log, line)))
                .because([twin, port].iter().filter_map(|it| field_evidence(&facts.pod, &it.get("containerPort")?, None)))
                .link(label(loser.unwrap_or(container)), loser.unwrap_or(container).state(facts.now))
                .fix(Risk::Low, "Give one of them another port"),
            );
        }
    }
    found
}

/// A pod whose names are not asked of the cluster's DNS, and whose log misses one.
fn dns_policy(facts: &Facts) -> Vec<Finding> {
    let policy = facts.pod.text("spec.dnsPolicy");
    let host = facts.pod.boolean("spec.hostNetwork") == Some(true);
    let wrong = matches!(policy, "Default" | "None") || host && matches!(policy, "" | "ClusterFirst");
    if !wrong {
        return Vec::new();
    }
    let line = facts.logs.iter().find_map(|log| {
        let found = logs::deciding(&log.text)?;
        matches!(found.class, logs::Class::Unresolved(_)).then(|| (log, found.line))
    });
    let Some((log, line)) = line else { return Vec::new() };
    let servers: Vec<_> = facts
        .pod
        .get("spec.dnsConfig.nameservers")
        .and_then(|it| it.as_array())
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str())
        .collect();
    let asks = if servers.is_empty() { String::new() } else { format!(", it asks {}", servers.join(", ")) };
    let shown = if policy.is_empty() { "ClusterFirst" } else { policy };
    let with = if host { " on the host network" } else { "" };
    let summary = format!(
        "The pod does not use the DNS of the cluster: its dnsPolicy is {shown}{with}{asks}, so names of Services cannot be resolved: \"{}\".",
        logs::said(line)
    );
    let fix = if host { "Set `dnsPolicy: ClusterFirstWithHostNet`" } else { "Set `dnsPolicy: ClusterFirst`" };
    vec![
        Finding::new("dns-policy-wrong", Depth::Reference, Confidence::High, summary)
            .specific(9)
            .because([log_evidence(&facts.pod, log, line)])
            .because(["spec.dnsPolicy", "spec.hostNetwork"].iter().filter_map(|it| evidence(&facts.pod, it)))
            .because(evidence(&facts.pod, "spec.dnsConfig.nameservers[0]"))
            .fix(Risk::Low, fix),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::object::Object;
    use serde_json::json;

    #[test]
    fn a_kill_without_a_limit_is_the_nodes_and_signals_are_named() {
        assert_eq!(ids(&crashed(json!({}), 137, "OOMKilled", "")), ["container-oom-node"]);
        let limited = json!({"resources": {"limits": {"memory": "64Mi"}}});
        assert_eq!(ids(&crashed(limited, 137, "OOMKilled", "")), ["container-oom-limit"]);
        assert!(finding(&crashed(json!({}), 139, "Error", ""), "crash-signal").summary.contains("SIGSEGV"));
        assert!(!ids(&crashed(json!({}), 137, "Error", "")).contains(&"crash-signal"));
    }

    #[test]
    fn the_last_words_before_a_signal_are_quoted() {
        let last = |log: &str| finding(&with_log(crashed(json!({}), 134, "Error", ""), log), "crash-signal");
        for (log, said) in [
            ("terminate called after throwing an instance of 'X'\n  what():  no port\n", "what():  no port"),
            ("Unhandled exception. System.ArgumentException: no port\n   at A.B()\n", "System.ArgumentException: no port"),
        ] {
            let found = last(log);
            assert!(found.summary.contains(said), "{}", found.summary);
            assert!(found.fixes.iter().all(|it| !it.summary.contains("core dump")));
        }
        let silent = last("listening\n");
        assert!(silent.summary.contains("ended itself") && silent.fixes.iter().any(|it| it.summary.contains("core dump")));
    }

    fn init(state: serde_json::Value) -> Facts {
        facts(
            json!({"initContainers": [{"name": "wait", "command": ["sh", "-c", "until nslookup db; do sleep 2; done"]}], "containers": [{"name": "main"}]}),
            json!({"phase": "Pending", "initContainerStatuses": [{"name": "wait", "ready": false, "restartCount": 0, "state": state}]}),
        )
    }

    #[test]
    fn a_sidecar_that_has_not_started_holds_up_the_rest() {
        let world = |start: &str, started: bool, probe: serde_json::Value| {
            facts(
                json!({"initContainers": [{"name": "proxy", "restartPolicy": "Always", "startupProbe": probe}], "containers": [{"name": "main"}]}),
                json!({"phase": "Pending", "startTime": start,
                    "initContainerStatuses": [{"name": "proxy", "ready": false, "started": started, "restartCount": 0, "state": {"running": {"startedAt": start}}}],
                    "containerStatuses": [{"name": "main", "ready": false, "restartCount": 0, "state": {"waiting": {"reason": "PodInitializing"}}}]}),
            )
        };
        let (long_ago, probe) = ("2026-01-05T11:30:00Z", json!({"httpGet": {"path": "/up", "port": 1}}));
        let found = finding(&world(long_ago, false, probe.clone()), "sidecar-native-blocking");
        assert!(
            found.summary.contains("`proxy` has not started in the 30m of the pod")
                && found.summary.contains("1 container after it is not started"),
            "{}",
            found.summary
        );
        for other in [
            world(long_ago, true, probe.clone()),
            world(long_ago, false, json!(null)),
            world("2026-01-05T11:58:00Z", false, probe),
        ] {
            assert!(!ids(&other).contains(&"sidecar-native-blocking"));
        }
    }

    #[test]
    fn an_init_container_fails_or_hangs() {
        let mut hanging = init(json!({"running": {"startedAt": "2026-01-05T11:30:00Z"}}));
        hanging.logs.push(crate::diagnose::facts::Log {
            container: "wait".into(),
            previous: false,
            text: "waiting for db\n".into(),
        });
        assert!(finding(&hanging, "init-container-hanging").summary.contains("running for 30m and does not end, so that the containers after it are not started; the last it wrote is \"waiting for db\""));
        assert!(ids(&init(json!({"running": {"startedAt": "2026-01-05T11:58:00Z"}}))).is_empty(), "two minutes are no long time");
        let failed = init(json!({"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-01-05T11:59:00Z"}}));
        assert!(ids(&failed).contains(&"init-container-failing"));
        assert!(
            ids(&init(json!({"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": "2026-01-05T11:59:00Z"}})))
                .is_empty()
        );
    }

    #[test]
    fn two_containers_cannot_listen_on_one_port() {
        let world = |port: u16| {
            let spec = json!({"containers": [{"name": "a", "ports": [{"containerPort": 8080}]}, {"name": "b", "ports": [{"containerPort": port}]}]});
            let running =
                |name: &str, ready: bool| json!({"name": name, "ready": ready, "restartCount": 0, "state": {"running": {}}});
            facts(spec, json!({"phase": "Running", "containerStatuses": [running("a", true), running("b", false)]}))
        };
        assert_eq!(ids(&world(8080)), ["container-port-conflict"]);
        assert!(ids(&world(8081)).is_empty());
    }

    #[test]
    fn names_of_services_need_the_clusters_dns() {
        let world = |policy: &str| {
            let mut facts =
                with_log(crashed(json!({}), 1, "Error", ""), "dial tcp: lookup db.shop.svc on 8.8.8.8:53: no such host\n");
            let mut pod = facts.pod.value().clone();
            pod["spec"]["dnsPolicy"] = policy.into();
            facts.pod = Object::new(pod);
            facts
        };
        assert!(ids(&world("Default")).contains(&"dns-policy-wrong"));
        assert!(!ids(&world("ClusterFirst")).contains(&"dns-policy-wrong"));
    }
}
