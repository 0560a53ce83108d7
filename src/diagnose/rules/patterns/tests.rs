//! Every row of the tables, on its own examples.

use super::*;

fn all() -> impl Iterator<Item = &'static Pattern> {
    PATTERNS.iter().flat_map(|it| it.iter())
}

#[test]
fn each_pattern_recognises_its_message_and_leaves_the_look_alike() {
    for it in all() {
        assert!(Regex::new(it.says).is_ok(), "{}: {}", it.id, it.says);
        assert!(it.matches(it.yes).is_some(), "{}: {}", it.id, it.yes);
        assert!(it.no.is_empty() || it.matches(it.no).is_none(), "{}: {}", it.id, it.no);
        assert!(it.severity < Severity::High || !it.no.is_empty(), "{}: a severe cause needs a look-alike", it.id);
    }
}

#[test]
fn sentences_are_filled_from_the_message() {
    for it in all() {
        let groups = it.matches(it.yes).unwrap().len();
        for index in groups..10 {
            assert!(!it.tells.contains(&format!("{{{index}}}")), "{}: {{{index}}} is no group", it.id);
        }
        assert!(it.tells.ends_with(['.', '}', ')']), "{}", it.id);
        assert!(!it.fix.ends_with('.'), "{}: fixes have no period", it.id);
    }
}

#[test]
fn no_message_of_one_cause_is_taken_for_another_one_that_tells_as_much() {
    for it in all() {
        for other in all().filter(|other| other.id != it.id && other.on == it.on && other.depth == it.depth) {
            let clash = other.matches(it.yes).is_some() && other.specificity == it.specificity;
            assert!(!clash, "{} and {}: {}", it.id, other.id, it.yes);
        }
    }
}

#[test]
fn a_line_that_has_nothing_to_do_with_the_end_does_not_explain_it() {
    use super::super::fixtures::{crashed, with_log};
    let log = "WARN 429 Too Many Requests, trying again\nINFO served\nINFO served\nFATAL: password authentication failed for user \"shop\"\n";
    let facts = with_log(crashed(serde_json::json!({}), 1, "Error", ""), log);
    let found = findings(&facts);
    let of = |id: &str| found.iter().find(|it| it.id == id).unwrap().specificity;
    assert!(of("app-db-auth") > 5 && of("app-rate-limited") <= ELSEWHERE);
}

#[test]
fn a_denial_near_words_that_name_no_cause_explains_the_end() {
    use super::super::fixtures::{crashed, with_log};
    let specificity = |log: &str, id: &str| {
        let found = findings(&with_log(crashed(serde_json::json!({}), 1, "Error", ""), log));
        found.iter().find(|it| it.id == id).map(|it| it.specificity)
    };
    let denied = "W0105 11:00:00.1       1 reflector.go:5] failed to list: pods is forbidden: User \"system:serviceaccount:a:b\" cannot list resource \"pods\" in API group \"\" in the namespace \"a\"\n";
    let generic = "E0105 11:00:01.1       1 main.go:7] \"cannot run\" err=\"caches did not sync\"\n";
    assert_eq!(specificity(&format!("{denied}{generic}"), "rbac-forbidden"), Some(9));
    // Far from the end, or beside a line that names its own cause, it may have nothing to do with it.
    let far = format!("{denied}{}{generic}", "I0105 11:00:00.2       1 main.go:3] served\n".repeat(NEAR));
    assert_eq!(specificity(&far, "rbac-forbidden"), Some(ELSEWHERE));
    let named = format!("{denied}FATAL: listen tcp :80: bind: address already in use\n");
    assert_eq!(specificity(&named, "rbac-forbidden"), Some(ELSEWHERE));
    // What is no denial explains nothing from a line beside.
    assert_eq!(specificity(&format!("WARN 429 Too Many Requests\n{generic}"), "app-rate-limited"), Some(ELSEWHERE));
}

#[test]
fn messages_of_other_causes_are_told_from_each_other() {
    let row = |id: &str, message: &str| all().any(|it| it.id == id && it.matches(message).is_some());
    for (id, message, expected) in [
        (
            "s3-mountpoint-denied",
            "Could not mount \"data\": mount-s3 exited with status 1: Error: Failed to create S3 client\n\nCaused by:\n    1: Client error\n    2: Forbidden: User: arn:aws:sts::1:assumed-role/a/b is not authorized to perform: s3:ListBucket on resource: \"arn:aws:s3:::data\"",
            true,
        ),
        ("s3-mountpoint-denied", "mount-s3 exited with status 1\n\nCaused by:\n    No signing credentials available", true),
        ("s3-mountpoint-denied", "Could not mount \"data\": mount-s3 exited with status 1: invalid argument", false),
        (
            "karpenter-incompatible-requirements",
            "incompatible requirements, key kubernetes.io/os, kubernetes.io/os In [windows] not in kubernetes.io/os In [linux]",
            true,
        ),
        (
            "karpenter-no-instance-type",
            "no instance type has enough resources, requirements=kubernetes.io/os In [linux], resources={\"cpu\":\"200\"}",
            true,
        ),
        ("karpenter-no-instance-type", "no instance profile has enough permissions", false),
        (
            "podidentity-trust",
            "(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role., fault: client",
            true,
        ),
        ("podidentity-trust", "(AccessDeniedException): no permissions to read the associated queue", false),
        ("app-missing-env", "KeyError: key not found: \"SECRET_KEY\" (KeyError)", true),
        ("app-missing-env", "KeyError: key not found: \"row-7\" (KeyError)", false),
        (
            "app-db-auth",
            "FATAL:  no pg_hba.conf entry for host \"10.0.0.2\", user \"shop\", database \"shop\", no encryption",
            true,
        ),
        ("app-permission-denied", "AccessDeniedException[/usr/share/data/node.lock]", true),
        ("app-aws-access-denied", "AccessDeniedException[/usr/share/data/node.lock]", false),
        ("app-permission-denied", "Exception in thread \"main\" java.nio.file.AccessDeniedException: /data/write.lock", true),
        ("app-aws-access-denied", "com.amazonaws.services.dynamodbv2.model.AccessDeniedException: no", true),
        ("app-aws-access-denied", "ClientError: An error occurred (AccessDeniedException) when calling x: no", true),
        ("app-aws-access-denied", "AccessDenied: Access Denied", true),
        ("app-aws-access-denied", "org.springframework.security.access.AccessDeniedException: Access is denied", false),
    ] {
        assert_eq!(row(id, message), expected, "{id}: {message}");
    }
}

#[test]
fn karpenter_names_both_sides_of_what_does_not_fit() {
    let message = r#"incompatible with nodepool "spot", daemonset overhead={"cpu":"1"}, incompatible requirements, key kubernetes.io/os, kubernetes.io/os In [windows] not in kubernetes.io/os In [linux]; incompatible with nodepool "gpu", did not tolerate gpu=true:NoSchedule"#;
    let row = all().find(|it| it.id == "karpenter-incompatible-requirements" && it.matches(message).is_some()).unwrap();
    assert_eq!(
        fill(row.tells, "Pod `a`", &row.matches(message).unwrap()),
        "No NodePool can make a node for the pod (`spot`): of `kubernetes.io/os` the pod asks for kubernetes.io/os In [windows], and the NodePool offers kubernetes.io/os In [linux]."
    );
}

#[test]
fn what_the_message_does_not_say_leaves_no_hole_and_what_it_says_is_no_place() {
    let filled =
        |says: &str, tells: &str, message: &str| fill(tells, "Pod `a`", &Regex::new(says).unwrap().captures(message).unwrap());
    assert_eq!(filled("x(y)?(z)?", "{what} has no file `{1}` ({2}).", "x"), "Pod `a` has no file.");
    assert_eq!(filled("x(.*)(q)?", "It says {1} ({2}).", "x{2} {what}"), "It says {2} {what}.");
    for it in all() {
        let sentence = fill(it.tells, "Pod `a`", &it.matches(it.yes).unwrap());
        assert!(
            !sentence.contains("``") && !sentence.contains("()") && !sentence.contains("{what}") && !sentence.contains("{1}"),
            "{}: {sentence}",
            it.id
        );
    }
}

#[test]
fn what_was_overcome_is_history_by_the_state_that_shows_it() {
    use super::super::fixtures::{crashed, subject, with_event};
    use serde_json::json;
    let alive = |facts: &Facts, id: &str| findings(facts).into_iter().find(|it| it.id == id).map(|it| it.liveness);
    let pull =
        "Failed to pull image \"shop/web:1\": 429 Too Many Requests - toomanyrequests: You have reached your pull rate limit";
    // It was started after the pull that failed, and ended since.
    let mut facts = with_event(crashed(json!({}), 1, "Error", ""), "Failed", pull);
    let set = |facts: &mut Facts, at: &str| {
        let mut event = facts.events[0].value().clone();
        event["lastTimestamp"] = at.into();
        event["involvedObject"]["name"] = facts.pod.name().into();
        facts.events[0] = Object::new(event);
    };
    set(&mut facts, "2026-01-05T11:50:00Z");
    assert_eq!(alive(&facts, "image-registry-rate-limit"), Some(Liveness::Past));
    set(&mut facts, "2026-01-05T11:59:00Z");
    assert_eq!(alive(&facts, "image-registry-rate-limit"), Some(Liveness::Active), "the next start fails at the pull");
    let claim = |phase: &str| {
        let mut facts = subject(
            json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"}, "status": {"phase": phase}}),
        );
        let message = "failed to provision volume with StorageClass \"gp3\": rpc error: code = Internal desc = Could not create volume \"pvc-1\": UnauthorizedOperation: You are not authorized to perform this operation.";
        facts.about = vec![Object::new(
            json!({"kind": "Event", "reason": "ProvisioningFailed", "message": message, "type": "Warning", "lastTimestamp": "2026-01-05T11:00:00Z",
            "involvedObject": {"kind": "PersistentVolumeClaim", "name": "data"}}),
        )];
        findings(&facts).into_iter().any(|it| it.liveness == Liveness::Active)
    };
    assert!(claim("Pending") && !claim("Bound"));
}

#[test]
fn conditions_of_what_is_well_are_no_fault() {
    use super::super::fixtures::subject;
    use serde_json::{Value, json};
    let told = |kind: &str, conditions: Value| {
        let facts =
            subject(json!({"kind": kind, "metadata": {"name": "a", "namespace": "shop"}, "status": {"conditions": conditions}}));
        findings(&facts).into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    let condition = |kind: &str, status: &str, reason: &str, message: &str| json!({"type": kind, "status": status, "reason": reason, "message": message});
    let ready = || condition("Ready", "True", "Ready", "ready");
    for (kind, other) in [
        ("ScaledObject", condition("Fallback", "False", "NoFallbackFound", "No fallbacks are active on this scaled object")),
        ("Rollout", condition("Paused", "False", "RolloutPaused", "Rollout is not paused")),
        ("Widget", condition("Reconciling", "False", "Done", "nothing to do")),
        (
            "Node",
            condition("CorruptDockerOverlay2", "False", "NoCorruptDockerOverlay2", "docker overlay2 is functioning properly"),
        ),
        (
            "HorizontalPodAutoscaler",
            condition(
                "ScalingLimited",
                "True",
                "TooFewReplicas",
                "the desired replica count is less than the minimum replica count",
            ),
        ),
    ] {
        assert!(told(kind, json!([ready(), other])).is_empty(), "{kind}");
    }
    assert_eq!(told("Widget", json!([condition("Ready", "False", "NoParts", "no parts are left")])), [GENERIC]);
    // ACK says what it will try again with a condition that is bad while it holds.
    let denied = condition(
        "ACK.Recoverable",
        "True",
        "",
        "AccessDeniedException: User: arn:aws:sts::1:assumed-role/ack/1 is not authorized to perform: s3:CreateBucket",
    );
    assert!(told("Bucket", json!([denied])).contains(&"ack-access-denied"));
}

/// A message that no object could speak is never told, however well its row matches.
#[test]
fn the_message_of_each_condition_is_told_by_some_object() {
    use super::super::fixtures::subject;
    use serde_json::json;
    let kinds =
        ["Node", "Deployment", "Job", "HorizontalPodAutoscaler", "Application", "Namespace", "PodDisruptionBudget", "Widget"];
    for row in all() {
        let On::Condition(kind) = row.on else { continue };
        let kinds_of_conditions =
            if kind.is_empty() { vec!["Ready", "Accepted", "ResolvedRefs", "Programmed"] } else { vec![kind] };
        let (reason, message) = row.yes.split_once(": ").unwrap_or((row.yes, ""));
        let told = kinds.iter().any(|of| {
            kinds_of_conditions.iter().any(|kind| {
                ["True", "False", "Unknown", ""].iter().any(|status| {
                    let mut condition = json!({"type": kind, "reason": reason, "message": message});
                    if !status.is_empty() {
                        condition["status"] = (*status).into();
                    }
                    let facts = subject(json!({"kind": of, "metadata": {"name": "a"}, "status": {"conditions": [condition]}}));
                    findings(&facts).iter().any(|it| it.id == row.id)
                })
            })
        });
        // These stand on pods.
        assert!(told || matches!(row.id, "sched-gated" | "readiness-gate-pending"), "{}: {}", row.id, row.yes);
    }
}
