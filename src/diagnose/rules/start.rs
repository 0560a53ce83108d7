//! Containers that cannot be started: missing references and commands.

use super::{Rule, exit_evidence, kind_arguments, label, log_evidence, template_patch, title};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::{Container, Facts, event_container};
use crate::diagnose::finding::{Depth, Finding, Liveness, Severity, event_evidence, field_evidence};
use crate::diagnose::grammar::{self, Reference};
use crate::diagnose::logs;
use crate::domain::names;
use crate::domain::object::Field;

pub(super) const RULES: &[Rule] = &[
    Rule::new("config-configmap-missing", Severity::High, config_map_missing),
    Rule::new("config-secret-missing", Severity::High, secret_missing),
    Rule::new("entrypoint-not-found", Severity::High, executable_missing),
    Rule::new("entrypoint-command-not-found", Severity::Medium, command_missing),
];

/// Commands that images commonly have; a near one was probably meant.
const COMMANDS: &[&str] = &[
    "bash",
    "sh",
    "ash",
    "busybox",
    "cat",
    "curl",
    "wget",
    "echo",
    "env",
    "sleep",
    "tail",
    "sed",
    "awk",
    "grep",
    "find",
    "python",
    "python3",
    "pip",
    "node",
    "npm",
    "npx",
    "yarn",
    "java",
    "ruby",
    "bundle",
    "php",
    "perl",
    "dotnet",
    "nginx",
    "redis-server",
    "redis-cli",
    "postgres",
    "psql",
    "mysql",
    "mysqld",
    "gunicorn",
    "uvicorn",
    "celery",
    "flask",
    "rails",
    "supervisord",
    "tini",
    "dumb-init",
    "nslookup",
    "nc",
    "ping",
    "git",
    "make",
    "go",
    "true",
    "false",
];

fn config_map_missing(facts: &Facts) -> Vec<Finding> {
    missing(facts, Reference::ConfigMap)
}

fn secret_missing(facts: &Facts) -> Vec<Finding> {
    missing(facts, Reference::Secret)
}

fn missing(facts: &Facts, wanted: Reference) -> Vec<Finding> {
    let waiting = facts.containers().into_iter().filter(|it| it.waiting_reason() == "CreateContainerConfigError");
    let found = waiting.filter_map(|container| {
        let (kind, name) = grammar::missing_reference(container.waiting_message())?;
        (kind == wanted).then(|| missing_finding(facts, &container, kind, name))
    });
    found.collect()
}

fn missing_finding(facts: &Facts, container: &Container<'_>, reference: Reference, name: &str) -> Finding {
    let (id, word, known) = match reference {
        Reference::ConfigMap => ("config-configmap-missing", "ConfigMap", facts.config_maps.as_ref()),
        Reference::Secret => ("config-secret-missing", "Secret", None),
    };
    let namespace = facts.pod.namespace();
    let paths = references(container, reference, name);
    let near = names::near(name, known.into_iter().flatten().map(String::as_str));
    let offered = match near.first() {
        Some(_) => format!("; near names there: {}", near.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")),
        None if known.is_some() => "; no name there is near".to_owned(),
        None => String::new(),
    };
    let message = container.status("state.waiting.message").and_then(|it| field_evidence(&facts.pod, &it, None));
    let used = paths.iter().filter_map(|it| field_evidence(&facts.pod, it, None)).take(3);
    let summary = format!(
        "{word} `{name}`, which {} needs to start, does not exist in namespace `{namespace}`{offered}.",
        label(container)
    );
    let mut finding = Finding::new(id, Depth::Reference, Confidence::Certain, summary)
        .specific(9)
        .because(message.into_iter().chain(used))
        .link(label(container), container.state(facts.now))
        .link(format!("{word}/{namespace}/{name}"), "does not exist");
    if let Some(meant) = near.first() {
        let path = paths.first().and_then(|it| it.path.strip_prefix(&format!("{}.", container.spec.path)));
        let command = path.filter(|_| paths.len() == 1).and_then(|path| template_patch(facts, container, path, meant));
        finding = finding.fix_with(Risk::Low, format!("If `{meant}` is meant, refer to it in the pod template"), command);
    }
    let create = match reference {
        Reference::ConfigMap => format!("kubectl -n {namespace} create configmap {name} --from-env-file=FILE"),
        Reference::Secret => format!("kubectl -n {namespace} create secret generic {name} --from-env-file=FILE"),
    };
    finding = finding
        .fix_with(
            Risk::Low,
            format!("Create {word} `{name}` in `{namespace}`; the kubelet starts the container by itself then"),
            Some(create),
        )
        .fix(Risk::Low, "If the container can do without it, mark the reference `optional: true`");
    if reference == Reference::Secret {
        finding =
            finding.look(format!("Whether an ExternalSecret or another operator should have created `{name}`, and its status"));
    }
    finding.check(format!("Which {word}s exist"), "list_resources", kind_arguments(facts, word))
}

/// Where a container names the object.
fn references<'a>(container: &Container<'a>, reference: Reference, name: &str) -> Vec<Field<'a>> {
    let (from, key) = match reference {
        Reference::ConfigMap => ("configMapRef.name", "valueFrom.configMapKeyRef.name"),
        Reference::Secret => ("secretRef.name", "valueFrom.secretKeyRef.name"),
    };
    let whole = container.spec.list("envFrom").into_iter().filter_map(|it| it.get(from));
    let single = container.spec.list("env").into_iter().filter_map(|it| it.get(key));
    whole.chain(single).filter(|it| it.value.as_str() == Some(name)).collect()
}

fn executable_missing(facts: &Facts) -> Vec<Finding> {
    facts
        .containers()
        .iter()
        .filter_map(|container| {
            let (command, evidence) = runtime_error(facts, container)?;
            let image = container.spec.text("image");
            let parts = container.spec.list("command").into_iter().chain(container.spec.list("args"));
            let spec = parts
                .filter(|it| it.value.as_str() == Some(command))
                .take(1)
                .filter_map(|it| field_evidence(&facts.pod, &it, None));
            let spec: Vec<Evidence> = spec.collect();
            let base = command.rsplit('/').next().unwrap_or(command);
            let (repository, _) = grammar::image_parts(image);
            let own =
                [container.name, repository.rsplit('/').next().unwrap_or_default(), facts.workload().map_or("", |it| it.name())];
            let near = names::near(base, COMMANDS.iter().copied().chain(own).filter(|it| *it != base && it.len() > 1));
            let meant = near.first().filter(|_| base.len() > 2);
            // Of `python3 app.py` the blank is part of the name that is looked for.
            let joined = command.split_once(' ').filter(|(program, arguments)| !program.is_empty() && !arguments.is_empty());
            let meant = meant.filter(|_| joined.is_none());
            let hint = match joined {
                Some((program, arguments)) => format!("; command and arguments are written as one string: `{program}` is the program and `{arguments}` its arguments"),
                None => meant.map_or_else(String::new, |it| format!("; it may be a typing error for `{it}`")),
            };
            let finding = Finding::new(
                "entrypoint-not-found",
                Depth::Container,
                Confidence::Certain,
                format!(
                    "Command `{command}` of {} does not exist in image `{image}`: the runtime cannot start the container{hint}.",
                    label(container)
                ),
            )
            .specific(9)
            .because(evidence)
            .because(spec.clone())
            .link(label(container), container.state(facts.now));
            let part = spec.first().and_then(|it| it.field.strip_prefix(&format!("{}.", container.spec.path)).map(str::to_owned));
            let patch =
                part.zip(meant).and_then(|(part, meant)| template_patch(facts, container, &part, &command.replace(base, meant)));
            let what = if joined.is_some() {
                "Write program and arguments as separate entries of `command` and `args`, or run the string with `sh -c`"
            } else if spec.is_empty() {
                "Correct the entry point of the image, or set `command` in the pod template"
            } else {
                "Correct the command in the pod template"
            };
            Some(
                finding
                    .fix_with(Risk::Low, what, patch)
                    .fix(
                        Risk::Low,
                        "If the command is right, use an image that has it; a volume mounted over its folder hides it as well",
                    )
                    .look(format!("Which commands image `{image}` has")),
            )
        })
        .collect()
}

/// The command that the runtime could not find, with the message that says so.
fn runtime_error<'a>(facts: &'a Facts, container: &Container<'a>) -> Option<(&'a str, Vec<Evidence>)> {
    if let Some(exit) = container.exit(facts.now).filter(|it| it.liveness != Liveness::Past)
        && let Some(message) = exit.field.get("message")
        && let Some(command) = message.value.as_str().and_then(grammar::missing_executable)
    {
        let first = field_evidence(&facts.pod, &message, exit.field.time("finishedAt"));
        return Some((command, first.into_iter().chain(exit_evidence(container, &exit)).collect()));
    }
    if let Some(command) = grammar::missing_executable(container.waiting_message()) {
        let message = container.status("state.waiting.message")?;
        return Some((command, field_evidence(&facts.pod, &message, None).into_iter().collect()));
    }
    // While the container backs off, its status may have lost the message.
    let stuck = matches!(container.waiting_reason(), "CrashLoopBackOff" | "RunContainerError" | "CreateContainerError");
    let about = facts.events_of(&["Failed"]).filter(|it| event_container(it) == container.name);
    let event = about.filter(|_| stuck).find(|it| grammar::missing_executable(it.text("message")).is_some())?;
    let ran = container.exit(facts.now).is_some_and(|it| !matches!(it.reason, "StartError" | "ContainerCannotRun"));
    let command = grammar::missing_executable(event.text("message")).filter(|_| !ran)?;
    Some((command, event_evidence(event).into_iter().collect()))
}

fn command_missing(facts: &Facts) -> Vec<Finding> {
    facts
        .containers()
        .iter()
        .filter_map(|container| {
            let exit = container.exit(facts.now).filter(|it| it.code == 127 && it.reason != "ContainerCannotRun")?;
            let log = facts.log_of(container.name, exit.previous)?;
            let line = logs::last_of(&log.text, |line| grammar::missing_command(line).is_some())?;
            let command = grammar::missing_command(line)?;
            let image = container.spec.get("image");
            let finding = Finding::new(
                "entrypoint-command-not-found",
                Depth::Container,
                Confidence::High,
                format!(
                    "{} exits with code 127: its shell does not find the command `{command}` in image `{}`.",
                    title(container),
                    image.as_ref().and_then(|it| it.value.as_str()).unwrap_or_default()
                ),
            );
            let finding = finding
                .specific(8)
                .alive(exit.liveness)
                .because([log_evidence(&facts.pod, log, line)])
                .because(exit_evidence(container, &exit));
            let finding = finding.because(image.and_then(|it| field_evidence(&facts.pod, &it, None)));
            let script = container.spec.list("command").into_iter().chain(container.spec.list("args"));
            let script = script.filter(|it| it.value.as_str().is_some_and(|it| it.contains(command))).take(1);
            Some(
                finding
                    .because(script.filter_map(|it| field_evidence(&facts.pod, &it, None)))
                    .fix(Risk::Low, format!("Correct `{command}` in the script, or give its full path"))
                    .fix(Risk::Low, format!("Install `{command}` in the image, or use an image that has it"))
                    .link(label(container), container.state(facts.now)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::object::Object;
    use serde_json::{Value, json};

    fn env_from(name: &str) -> Value {
        json!({"image": "shop/web:1", "envFrom": [{"configMapRef": {"name": name}}]})
    }

    const NOT_FOUND: &str = r#"failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "pyton": executable file not found in $PATH"#;

    fn waiting(reason: &str, message: &str) -> Facts {
        container(env_from("web-config"), json!({"ready": false, "state": {"waiting": {"reason": reason, "message": message}}}))
    }

    #[test]
    fn missing_references_are_named_with_near_names() {
        let mut facts = waiting("CreateContainerConfigError", r#"configmap "web-config" not found"#);
        facts.config_maps = Some(vec!["web-configs".into(), "kube-root-ca.crt".into()]);
        facts.owners = vec![Object::new(
            json!({"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": {"spec": {"containers": [{"name": "injected"}, {"name": "main", "envFrom": [{"configMapRef": {"name": "web-config"}}]}]}}}}),
        )];
        let found = finding(&facts, "config-configmap-missing");
        assert!(found.summary.contains("near names there: `web-configs`"), "{}", found.summary);
        assert_eq!(found.evidence[1].field, "spec.containers[0].envFrom[0].configMapRef.name");
        assert!(
            found.fixes[0].command.as_deref().unwrap().contains("/spec/template/spec/containers/1/envFrom/0/configMapRef/name")
        );
        assert_eq!(ids(&waiting("CreateContainerConfigError", r#"secret "db" not found"#)), ["config-secret-missing"]);
        for message in
            ["couldn't find key port in ConfigMap shop/web-config", "container has runAsNonRoot and image will run as root"]
        {
            assert_eq!(ids(&waiting("CreateContainerConfigError", message)), Vec::<&str>::new(), "{message}");
        }
    }

    #[test]
    fn commands_that_do_not_exist_are_named() {
        let spec = json!({"image": "python:3", "command": ["pyton", "app.py"]});
        let found = finding(&crashed(spec.clone(), 128, "StartError", NOT_FOUND), "entrypoint-not-found");
        assert!(found.summary.contains("`pyton`") && found.summary.contains("`python`"), "{}", found.summary);
        assert!(found.evidence.iter().any(|it| it.field == "spec.containers[0].command[0]"));
        assert_eq!(ids(&waiting("RunContainerError", NOT_FOUND)), ["entrypoint-not-found"]);
        // The same exit code by another way.
        assert_eq!(
            ids(&crashed(spec, 128, "StartError", r#"runc create failed: exec: "/run.sh": permission denied"#)),
            Vec::<&str>::new()
        );
    }

    #[test]
    fn a_command_written_with_its_arguments_is_no_typing_error() {
        let message =
            r#"runc create failed: unable to start container process: exec: "python app.py": executable file not found in $PATH"#;
        let spec = json!({"image": "python:3", "command": ["python app.py"]});
        let found = finding(&crashed(spec, 128, "StartError", message), "entrypoint-not-found");
        assert!(found.summary.contains("as one string: `python` is the program and `app.py` its arguments"), "{}", found.summary);
        assert!(!found.summary.contains("typing error") && found.fixes.iter().all(|it| it.command.is_none()));
    }

    #[test]
    fn a_shell_that_finds_no_command_is_told_from_an_application_that_finds_nothing() {
        let spec = || json!({"image": "alpine", "command": ["sh", "-c", "jqq . x"]});
        assert_eq!(ids(&with_log(crashed(spec(), 127, "Error", ""), "sh: jqq: not found\n"))[0], "entrypoint-command-not-found");
        assert_eq!(ids(&with_log(crashed(spec(), 1, "Error", ""), "sh: jqq: not found\n")), ["crash-app-error"]);
    }
}
