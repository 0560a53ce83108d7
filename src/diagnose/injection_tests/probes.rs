//! Probes that fail, and readiness gates that nobody opens.

use serde_json::{Value, json};

use super::said::Said;
use super::states::{is_killed_by_probe, main, runs_unready};
use super::world::{Host, World, condition, text};
use super::{ALL_WORKLOADS, Fault};

pub(super) const FAULTS: &[Fault] = &[
    Fault::of_pods("probe-http-404", ALL_WORKLOADS, wrong_path),
    Fault::of_pods("probe-http-404", ALL_WORKLOADS, forbidden).called("403 of liveness"),
    Fault::of_pods("probe-http-5xx", ALL_WORKLOADS, server_error),
    Fault::of_pods("probe-timeout", ALL_WORKLOADS, timeout),
    Fault::of_pods("probe-liveness-wrong-port", ALL_WORKLOADS, wrong_port),
    Fault::of_pods("probe-liveness-failing", ALL_WORKLOADS, refused),
    Fault::of_pods("probe-exec-failing", ALL_WORKLOADS, command),
    Fault::of_pods("probe-grpc-or-named-port", ALL_WORKLOADS, named_port),
    Fault::of_pods("probe-startup-failing", ALL_WORKLOADS, startup).with(&["probe-startup-too-short"]),
    Fault::of_pods("probe-readiness-failing", ALL_WORKLOADS, not_ready),
    Fault::of_pods("readiness-gate-pending", ALL_WORKLOADS, gate),
];

/// Gives the first container of a new revision one probe and takes the others away.
fn probe(kind: &'static str, how: Value) -> impl Fn(&mut Value) {
    move |spec| {
        let container = &mut spec["containers"][0];
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            container.as_object_mut().unwrap().remove(probe);
        }
        container["ports"] = json!([{"containerPort": 8080, "name": "http", "protocol": "TCP"}]);
        let mut probe = json!({"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1});
        let parts = how.as_object().unwrap().clone();
        probe.as_object_mut().unwrap().extend(parts);
        container[kind] = probe;
    }
}

fn http(path: &str, port: Value) -> Value {
    json!({"httpGet": {"path": path, "port": port, "scheme": "HTTP"}})
}

/// A container that runs and whose readiness probe says this.
fn unready(world: &mut World, host: &Host, how: Value, said: impl Fn(&Value) -> String) {
    let pods = world.roll(host, probe("readinessProbe", how));
    world.each(&pods, |pod| {
        runs_unready(pod);
        let name = main(pod);
        vec![
            Said::tells("Started", format!("Started container {name}")).of(&name).at(super::world::BEGAN),
            Said::warns("Unhealthy", said(pod)).of(&name),
        ]
    });
    world.logs_of(&pods, "listening on :8080\n");
}

/// A container that is killed since its liveness or startup probe says this.
fn killed(world: &mut World, host: &Host, kind: &'static str, how: Value, said: impl Fn(&Value) -> String) {
    let word = kind.trim_end_matches("Probe");
    let pods = world.roll(host, probe(kind, how));
    world.each(&pods, |pod| {
        let name = main(pod);
        let mut all = is_killed_by_probe(pod, 137);
        all.push(Said::warns("Unhealthy", said(pod)).of(&name));
        all.push(
            Said::tells("Killing", format!("Container {name} failed {word} probe, will be restarted"))
                .of(&name)
                .at("2026-11-23T09:28:38Z"),
        );
        all
    });
    let ran = pods.iter().map(|it| (it.clone(), main(world.find(it).unwrap()))).collect::<Vec<_>>();
    for (pod, name) in ran {
        // It served for a while before it was killed, unless it is its start that fails.
        let started = if kind == "startupProbe" { "2026-11-23T09:25:48Z" } else { "2026-11-23T09:12:05Z" };
        let statuses = world.get(&pod)["status"]["containerStatuses"].as_array_mut().unwrap();
        for status in statuses.iter_mut().filter(|it| it["name"] == name.as_str()) {
            status["lastState"]["terminated"]["startedAt"] = started.into();
        }
    }
    let lines = if kind == "startupProbe" { "reading the index\n" } else { "listening on :8080\nworkers 4 of 4 busy\n" };
    world.logs_of(&pods, lines);
}

fn address(pod: &Value) -> &str {
    text(pod, "/status/podIP")
}

fn wrong_path(world: &mut World, host: &Host) {
    unready(world, host, http("/helthz", "http".into()), |_| {
        "Readiness probe failed: HTTP probe failed with statuscode: 404".to_owned()
    });
}

fn forbidden(world: &mut World, host: &Host) {
    let how = http("/admin/health", "http".into());
    killed(world, host, "livenessProbe", how, |_| "Liveness probe failed: HTTP probe failed with statuscode: 403".to_owned());
}

fn server_error(world: &mut World, host: &Host) {
    let how = http("/ready", "http".into());
    unready(world, host, how, |_| "Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned());
}

fn timeout(world: &mut World, host: &Host) {
    let how = http("/livez", "http".into());
    killed(world, host, "livenessProbe", how, |pod| {
        format!(
            "Liveness probe failed: Get \"http://{}:8080/livez\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)",
            address(pod)
        )
    });
}

fn wrong_port(world: &mut World, host: &Host) {
    let how = http("/livez", 9091.into());
    killed(world, host, "livenessProbe", how, |pod| {
        format!(
            "Liveness probe failed: Get \"http://{0}:9091/livez\": dial tcp {0}:9091: connect: connection refused",
            address(pod)
        )
    });
}

fn refused(world: &mut World, host: &Host) {
    let how = json!({"tcpSocket": {"port": 8080}});
    killed(world, host, "livenessProbe", how, |pod| {
        format!("Liveness probe failed: dial tcp {}:8080: connect: connection refused", address(pod))
    });
}

fn command(world: &mut World, host: &Host) {
    let how = json!({"exec": {"command": ["cat", "/tmp/healthy"]}});
    killed(world, host, "livenessProbe", how, |_| {
        "Liveness probe failed: cat: can't open '/tmp/healthy': No such file or directory\n".to_owned()
    });
}

fn named_port(world: &mut World, host: &Host) {
    unready(world, host, http("/readyz", "htttp".into()), |_| {
        "Readiness probe errored and resulted in unknown state: strconv.Atoi: parsing \"htttp\": invalid syntax".to_owned()
    });
}

fn startup(world: &mut World, host: &Host) {
    let how = json!({"tcpSocket": {"port": 8080}, "failureThreshold": 3, "periodSeconds": 5});
    killed(world, host, "startupProbe", how, |pod| {
        format!("Startup probe failed: dial tcp {}:8080: connect: connection refused", address(pod))
    });
}

fn not_ready(world: &mut World, host: &Host) {
    let how = json!({"tcpSocket": {"port": 8080}});
    unready(world, host, how, |pod| {
        format!("Readiness probe failed: dial tcp {}:8080: connect: connection refused", address(pod))
    });
}

fn gate(world: &mut World, host: &Host) {
    let gate = format!("target-health.elbv2.k8s.aws/k8s-{}-{}-5f1c2d3e4f", host.namespace, host.name);
    let pods = world.roll(host, |spec| spec["readinessGates"] = json!([{"conditionType": gate}]));
    world.each(&pods, |pod| {
        runs_unready(pod);
        for status in pod["status"]["containerStatuses"].as_array_mut().unwrap() {
            status["ready"] = true.into();
        }
        condition(pod, "ContainersReady", "True", "", "");
        let unmet = format!("corresponding condition of pod readiness gate \"{gate}\" does not exist or is not \"True\".");
        condition(pod, "Ready", "False", "ReadinessGatesNotReady", &unmet);
        condition(pod, &gate, "False", "Target.FailedHealthChecks", "Health checks failed");
        Vec::new()
    });
}
