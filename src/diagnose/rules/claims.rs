//! Claims that are not bound, read from what they ask for and what there is.

use super::{Rule, kind_arguments};
use crate::diagnose::diagnosis::{Confidence, Risk};
use crate::diagnose::facts::Facts;
use crate::diagnose::finding::{Depth, Finding, Severity, event_evidence, evidence, field_evidence};
use crate::domain::names;
use crate::domain::object::Object;
use crate::domain::text::join_and;

pub(super) const RULES: &[Rule] = &[
    Rule::new("pvc-storageclass-missing", Severity::High, class_missing),
    Rule::new("pvc-no-default-class", Severity::High, no_default),
    Rule::new("pvc-wait-for-first-consumer", Severity::Info, waits),
    Rule::new("pvc-missing", Severity::High, missing),
    Rule::new("pvc-lost", Severity::Critical, lost),
    Rule::new("pvc-terminating", Severity::Medium, terminating),
    Rule::new("pvc-legacy-provisioner", Severity::High, legacy),
];

/// Claims that are looked at: the subject, or those of the pod.
fn claims(facts: &Facts) -> impl Iterator<Item = &Object> {
    facts.subject_of(&["PersistentVolumeClaim"]).into_iter().chain(&facts.claims)
}

fn unbound(facts: &Facts) -> impl Iterator<Item = &Object> {
    claims(facts).filter(|it| it.text("spec.volumeName").is_empty() && it.text("status.phase") != "Bound")
}

fn classes(facts: &Facts) -> Vec<&Object> {
    facts.related_of("StorageClass").collect()
}

fn known(facts: &Facts) -> String {
    let known: Vec<String> = classes(facts).iter().map(|it| format!("`{}`", it.name())).collect();
    if known.is_empty() { "the cluster has none".to_owned() } else { format!("the cluster has {}", join_and(&known)) }
}

fn is_default(class: &Object) -> bool {
    class.annotation("storageclass.kubernetes.io/is-default-class") == Some("true")
}

/// Provisioners of volumes that one node mounts at a time.
const BLOCK: &[&str] = &["ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com"];
/// Provisioners of volumes that many nodes mount.
const SHARED: &[&str] = &["efs.csi.aws.com", "fsx.csi.aws.com"];

/// A class that gives volumes as the claim wants them; nothing where none surely does.
fn fitting_class<'a>(facts: &'a Facts, claim: &Object) -> Option<&'a Object> {
    let modes = claim.get("spec.accessModes").and_then(serde_json::Value::as_array)?;
    let modes: Vec<&str> = modes.iter().filter_map(serde_json::Value::as_str).collect();
    let fitting = if modes.iter().any(|it| *it == "ReadWriteMany" || *it == "ReadOnlyMany") {
        SHARED
    } else if modes.iter().any(|it| *it == "ReadWriteOnce" || *it == "ReadWriteOncePod") {
        BLOCK
    } else {
        return None;
    };
    // File systems have no raw devices.
    if fitting == SHARED && claim.text("spec.volumeMode") == "Block" {
        return None;
    }
    classes(facts).into_iter().find(|it| fitting.contains(&it.text("provisioner")))
}

fn class_missing(facts: &Facts) -> Vec<Finding> {
    let said = |claim: &Object, class: &str| {
        let about = facts.about.iter().filter(|it| it.text("involvedObject.name") == claim.name());
        about.rev().find(|it| it.text("message").contains(&format!("\"{class}\" not found"))).cloned()
    };
    let found = unbound(facts).filter_map(|claim| {
        let class = claim.text("spec.storageClassName");
        let event = said(claim, class);
        let listed = !classes(facts).is_empty();
        let absent = listed && !classes(facts).iter().any(|it| it.name() == class);
        if class.is_empty() || !(absent || event.is_some()) {
            return None;
        }
        let near = names::did_you_mean(class, classes(facts).iter().map(|it| it.name()));
        let there = if listed { format!("; {}", known(facts)) } else { String::new() };
        let summary = format!(
            "PersistentVolumeClaim `{}` asks for StorageClass `{class}`, which does not exist (not found){near}{there}, so it is never bound.",
            claim.name()
        );
        Some(
            Finding::new("pvc-storageclass-missing", Depth::Reference, Confidence::Certain, summary)
                .specific(9)
                .because(evidence(claim, "spec.storageClassName"))
                .because(event.as_ref().and_then(event_evidence))
                .because(classes(facts).iter().take(3).filter_map(|it| evidence(it, "metadata.name")))
                .link(claim.address(), "Pending")
                .fix(Risk::Low, "Recreate the claim with a StorageClass that exists: the class of a claim cannot be changed")
                .fix(Risk::Low, format!("Or create a StorageClass named `{class}`"))
                .check("Which claims the namespace has", "list_resources", kind_arguments(facts, "PersistentVolumeClaim")),
        )
    });
    found.collect()
}

fn no_default(facts: &Facts) -> Vec<Finding> {
    let found = unbound(facts).filter(|claim| {
        claim.get("spec.storageClassName").is_none()
            && !classes(facts).is_empty()
            && !classes(facts).iter().any(|it| is_default(it))
    });
    let found = found.map(|claim| {
        let summary =
            format!("PersistentVolumeClaim `{}` names no StorageClass and none is the default; {}.", claim.name(), known(facts));
        Finding::new("pvc-no-default-class", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(evidence(claim, "status.phase"))
            .because(classes(facts).iter().take(3).filter_map(|it| evidence(it, "metadata.name")))
            .link(claim.address(), "Pending")
            .fix_with(
                Risk::Low,
                "Make one class the default; the claim is bound then",
                fitting_class(facts, claim).map(|it| {
                    format!(
                        "kubectl annotate --overwrite storageclass {} storageclass.kubernetes.io/is-default-class=true",
                        it.name()
                    )
                }),
            )
    });
    found.collect()
}

fn waits(facts: &Facts) -> Vec<Finding> {
    let Some(claim) = facts.subject_of(&["PersistentVolumeClaim"]).filter(|it| it.text("status.phase") == "Pending") else {
        return Vec::new();
    };
    let class = classes(facts).into_iter().find(|it| it.name() == claim.text("spec.storageClassName"));
    let waits = class.is_some_and(|it| it.text("volumeBindingMode") == "WaitForFirstConsumer");
    let used = facts.related_of("Pod").next().is_some() || facts.has_pod();
    if !waits || used {
        return Vec::new();
    }
    let summary = format!(
        "PersistentVolumeClaim `{}` waits for the first pod that mounts it (WaitForFirstConsumer), and none does; this is normal.",
        claim.name()
    );
    vec![
        Finding::new("pvc-wait-for-first-consumer", Depth::Target, Confidence::Certain, summary)
            .specific(6)
            .because(evidence(claim, "status.phase"))
            .because(class.and_then(|it| evidence(it, "volumeBindingMode")))
            .fix(Risk::None, "Create the pod that uses it; the volume is made where the pod is placed"),
    ]
}

fn missing(facts: &Facts) -> Vec<Finding> {
    let Some(condition) = facts.pod.condition("PodScheduled").filter(|_| facts.is_unscheduled()) else { return Vec::new() };
    let message = condition.text("message");
    let Some((_, rest)) = message.split_once("persistentvolumeclaim \"") else { return Vec::new() };
    let Some((name, after)) = rest.split_once('"') else { return Vec::new() };
    if !after.trim_start().starts_with("not found") {
        return Vec::new();
    }
    let summary = format!(
        "PersistentVolumeClaim `{name}`, which the pod mounts, does not exist in namespace `{}` (not found).",
        facts.pod.namespace()
    );
    let field = facts
        .pod
        .list("spec.volumes")
        .find_map(|it| it.get("persistentVolumeClaim.claimName").filter(|it| it.value.as_str() == Some(name)));
    vec![
        Finding::new("pvc-missing", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(
                condition.get("message").and_then(|it| field_evidence(&facts.pod, &it, condition.time("lastTransitionTime"))),
            )
            .because(field.and_then(|it| field_evidence(&facts.pod, &it, None)))
            .fix(Risk::Low, "Create the claim, or correct its name in the pod template")
            .check("Which claims the namespace has", "list_resources", kind_arguments(facts, "PersistentVolumeClaim")),
    ]
}

fn lost(facts: &Facts) -> Vec<Finding> {
    let found = claims(facts).filter(|it| it.text("status.phase") == "Lost").map(|claim| {
        let summary =
            format!("PersistentVolumeClaim `{}` has lost its volume `{}`.", claim.name(), claim.text("spec.volumeName"));
        Finding::new("pvc-lost", Depth::Reference, Confidence::Certain, summary)
            .specific(9)
            .because(["status.phase", "spec.volumeName"].iter().filter_map(|it| evidence(claim, it)))
            .fix(Risk::High, "Restore the volume from a snapshot; the data that only it held is gone")
    });
    found.collect()
}

fn terminating(facts: &Facts) -> Vec<Finding> {
    let found = claims(facts).filter(|it| it.get("metadata.deletionTimestamp").is_some()).map(|claim| {
        let users: Vec<String> = facts.related_of("Pod").map(|it| format!("`{}`", it.name())).take(3).collect();
        let by = if users.is_empty() { String::new() } else { format!(" while {} mount it", join_and(&users)) };
        let summary = format!("PersistentVolumeClaim `{}` is being deleted and stays until no pod uses it{by}.", claim.name());
        Finding::new("pvc-terminating", Depth::Reference, Confidence::Certain, summary)
            .specific(8)
            .because(evidence(claim, "metadata.deletionTimestamp"))
            .fix(Risk::High, "Let the pods that use it end, then make it anew; a deletion cannot be taken back")
    });
    found.collect()
}

/// A class of the driver that is no longer part of Kubernetes; it is handed on to the CSI driver where that is installed.
fn legacy(facts: &Facts) -> Vec<Finding> {
    let waits = facts.about.iter().any(|it| it.text("reason") == "ExternalProvisioning");
    let found = unbound(facts).filter(|_| waits).filter_map(|claim| {
        let named = claim.text("spec.storageClassName");
        let class = classes(facts).into_iter().find(|it| it.name() == named);
        let class = class.filter(|it| it.text("provisioner") == "kubernetes.io/aws-ebs")?;
        let summary = format!(
            "PersistentVolumeClaim `{}` waits for the EBS CSI driver, to which its StorageClass `{named}` with the old provisioner \
             `kubernetes.io/aws-ebs` is handed on, and which does not answer.",
            claim.name()
        );
        Some(
            Finding::new("pvc-legacy-provisioner", Depth::Reference, Confidence::High, summary)
                .specific(8)
                .because(evidence(class, "provisioner"))
                .link(claim.address(), "Pending")
                .fix(Risk::Low, "Install the add-on `aws-ebs-csi-driver`, and use a class with the provisioner `ebs.csi.aws.com`"),
        )
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::{Value, json};

    fn claim(spec: Value, phase: &str, classes: Vec<Value>) -> Facts {
        let mut facts = subject(
            json!({"kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop"}, "spec": spec, "status": {"phase": phase}}),
        );
        facts.related = classes.into_iter().map(Object::new).collect();
        facts
    }

    fn class(name: &str, default: bool, mode: &str) -> Value {
        json!({"kind": "StorageClass", "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default.to_string()}}, "volumeBindingMode": mode})
    }

    #[test]
    fn a_class_is_missing_or_none_is_the_default() {
        let found = finding(
            &claim(json!({"storageClassName": "gp33"}), "Pending", vec![class("gp3", false, "Immediate")]),
            "pvc-storageclass-missing",
        );
        assert!(found.summary.contains("did you mean `gp3`"), "{}", found.summary);
        assert_eq!(ids(&claim(json!({}), "Pending", vec![class("gp3", false, "Immediate")])), ["pvc-no-default-class"]);
        assert!(ids(&claim(json!({}), "Pending", vec![class("gp3", true, "Immediate")])).is_empty());
        assert!(
            ids(&claim(
                json!({"storageClassName": "gone", "volumeName": "pv-1"}),
                "Bound",
                vec![class("gp3", true, "Immediate")]
            ))
            .is_empty()
        );
    }

    #[test]
    fn the_class_that_becomes_the_default_fits_the_claim() {
        let class = |name: &str, provisioner: &str| {
            let mut class = class(name, false, "Immediate");
            class["provisioner"] = provisioner.into();
            class
        };
        let all = [class("files", "efs.csi.aws.com"), class("gp2", "kubernetes.io/aws-ebs"), class("gp3", "ebs.csi.aws.com")];
        let command = |modes: Value, classes: &[Value]| {
            let facts = claim(json!({"accessModes": modes}), "Pending", classes.to_vec());
            finding(&facts, "pvc-no-default-class").fixes[0].command.clone()
        };
        let annotates = |name: &str| {
            Some(format!("kubectl annotate --overwrite storageclass {name} storageclass.kubernetes.io/is-default-class=true"))
        };
        assert_eq!(command(json!(["ReadWriteOnce"]), &all), annotates("gp3"));
        assert_eq!(command(json!(["ReadWriteOncePod"]), &all), annotates("gp3"));
        assert_eq!(command(json!(["ReadWriteMany"]), &all), annotates("files"));
        assert_eq!(command(json!(["ReadWriteOnce"]), &all[..1]), None);
        assert_eq!(command(json!(["ReadWriteMany"]), &all[1..]), None);
        assert_eq!(command(json!([]), &all), None);
        let automatic = [class("auto", "ebs.csi.eks.amazonaws.com")];
        assert_eq!(command(json!(["ReadWriteOnce"]), &automatic), annotates("auto"));
    }

    #[test]
    fn the_old_provisioner_needs_the_new_driver() {
        let mut class = class("gp2", true, "Immediate");
        class["provisioner"] = "kubernetes.io/aws-ebs".into();
        let mut facts = claim(json!({"storageClassName": "gp2"}), "Pending", vec![class]);
        assert!(ids(&facts).is_empty());
        facts.about = vec![Object::new(json!({"kind": "Event", "reason": "ExternalProvisioning", "message": "Waiting"}))];
        assert_eq!(ids(&facts), ["pvc-legacy-provisioner"]);
    }

    #[test]
    fn waiting_for_a_pod_is_normal_and_a_lost_volume_is_not() {
        let waiting = claim(json!({"storageClassName": "gp3"}), "Pending", vec![class("gp3", true, "WaitForFirstConsumer")]);
        assert_eq!(ids(&waiting), ["pvc-wait-for-first-consumer"]);
        assert_eq!(ids(&claim(json!({"storageClassName": "gp3", "volumeName": "pv-1"}), "Lost", vec![])), ["pvc-lost"]);
    }

    #[test]
    fn a_claim_that_does_not_exist_is_told_from_one_that_is_not_bound() {
        let pod = |message: &str| {
            let condition = json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message});
            facts(
                json!({"containers": [], "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}),
                json!({"phase": "Pending", "conditions": [condition]}),
            )
        };
        let missing = pod(
            "0/3 nodes are available: persistentvolumeclaim \"data\" not found. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
        );
        assert_eq!(ids(&missing), ["pvc-missing"]);
        assert!(ids(&pod("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.")).is_empty());
    }
}
