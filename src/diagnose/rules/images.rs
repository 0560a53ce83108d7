//! Images that cannot be pulled.

use super::{Rule, kind_arguments, label, template_patch};
use crate::diagnose::diagnosis::{Confidence, Evidence, Risk};
use crate::diagnose::facts::{Container, Facts, event_container, event_time};
use crate::diagnose::finding::{Depth, Finding, Severity, event_evidence, evidence, field_evidence};
use crate::diagnose::grammar::{self, PullError};
use crate::domain::object::Object;

pub(super) const RULES: &[Rule] = &[
    Rule::new("image-tag-not-found", Severity::High, tag_not_found),
    Rule::new("image-not-found-or-denied", Severity::High, not_found_or_denied),
];

/// What the pull of a container's image failed with.
struct Failure<'a> {
    container: Container<'a>,
    image: &'a str,
    evidence: Vec<Evidence>,
    confidence: Confidence,
}

fn failures(facts: &Facts, wanted: PullError) -> Vec<Failure<'_>> {
    let waiting = facts.containers().into_iter().filter(|it| matches!(it.waiting_reason(), "ErrImagePull" | "ImagePullBackOff"));
    waiting.filter_map(|container| failure(facts, container, wanted)).collect()
}

fn failure<'a>(facts: &'a Facts, container: Container<'a>, wanted: PullError) -> Option<Failure<'a>> {
    let image = container.spec.text("image");
    let from_spec = container.spec.get("image").and_then(|it| field_evidence(&facts.pod, &it, None));
    let status = container.status("state.waiting.message").filter(|_| grammar::pull_error(container.waiting_message()) == wanted);
    if let Some(status) = status {
        let evidence = field_evidence(&facts.pod, &status, None).into_iter().chain(from_spec).collect();
        return Some(Failure { container, image, evidence, confidence: Confidence::Certain });
    }
    // Older kubelets say only `Back-off pulling image`; the event has the error.
    let about = |event: &&Object| {
        (event_container(event).is_empty() || event_container(event) == container.name)
            && event.text("message").contains("ailed to pull image")
    };
    let event = facts.events_of(&["Failed"]).find(about).filter(|it| grammar::pull_error(it.text("message")) == wanted)?;
    let old = event_time(event).is_some_and(|at| facts.now.duration_since(at) > crate::diagnose::facts::RECENT);
    let confidence = if old { Confidence::Medium } else { Confidence::High };
    let waiting = container.status("state.waiting.reason").and_then(|it| field_evidence(&facts.pod, &it, None));
    Some(Failure {
        image,
        evidence: event_evidence(event).into_iter().chain(from_spec).chain(waiting).collect(),
        confidence,
        container,
    })
}

fn tag_not_found(facts: &Facts) -> Vec<Finding> {
    let found = failures(facts, PullError::TagNotFound).into_iter().map(|failure| {
        let (repository, tag) = grammar::image_parts(failure.image);
        let kind = if tag.contains("sha256:") { "digest" } else { "tag" };
        let proven = running_tag(facts, repository);
        let summary = match &proven {
            Some((pod, other)) => format!(
                "Image {kind} `{tag}` of {} does not exist in `{repository}`; the repository exists, pod `{}` runs its {kind} `{other}`.",
                label(&failure.container),
                pod.name()
            ),
            None => format!("Image {kind} `{tag}` of {} does not exist in `{repository}` (the registry answered: not found).", label(&failure.container)),
        };
        let known = in_ecr(facts, failure.image);
        let tags = known.filter(|it| it.boolean("repository_exists") == Some(true)).map(|it| near_tags(it, tag)).unwrap_or_default();
        let summary = if tags.is_empty() || proven.is_some() { summary } else { format!("{summary} ECR has {tags}.") };
        let mut finding = Finding::new("image-tag-not-found", Depth::Reference, failure.confidence, summary)
            .specific(8)
            .because(failure.evidence)
            .because(known.and_then(|it| evidence(it, "tags[0]")))
            .link(label(&failure.container), failure.container.state(facts.now))
            .link(format!("image {}", failure.image), format!("{kind} not found in the registry"));
        if let Some((_, other)) = proven {
            let command = template_patch(facts, &failure.container, "image", &format!("{repository}:{other}"));
            finding = finding.fix_with(Risk::Low, format!("Correct the tag, or go back to `{other}`, which runs already"), command);
        } else {
            finding = finding.fix(Risk::Low, "Correct the tag or digest in the workload's template");
        }
        finding
            .fix(Risk::None, format!("Push `{tag}` to `{repository}`, or look why it is gone: lifecycle policy, replication to this Region"))
            .look(ecr_check(repository, tag))
    });
    found.collect()
}

/// What ECR says of an image.
fn in_ecr<'a>(facts: &'a Facts, image: &str) -> Option<&'a Object> {
    let parts = grammar::ecr_image(image)?;
    let name = format!("{}:{}", parts.repository, parts.reference);
    facts.aws_of("EcrImage").find(|it| it.name() == name && it.text("registry") == parts.account)
}

/// Tags that the repository has: the nearest, else the newest.
fn near_tags(image: &Object, tag: &str) -> String {
    let tags = image.get("tags").and_then(serde_json::Value::as_array).into_iter().flatten();
    let tags: Vec<&str> = tags.filter_map(serde_json::Value::as_str).collect();
    let near = crate::domain::names::near(tag, tags.iter().copied());
    let shown: Vec<String> = if near.is_empty() { tags.iter().copied().map(str::to_owned).collect() } else { near };
    let shown: Vec<String> = shown.iter().take(3).map(|it| format!("`{it}`")).collect();
    if shown.is_empty() { String::new() } else { crate::domain::text::join_and(&shown) }
}

/// A pod of the same workload that runs another tag of the repository.
fn running_tag<'a>(facts: &'a Facts, repository: &str) -> Option<(&'a Object, String)> {
    facts.siblings.iter().filter(|it| it.name() != facts.pod.name()).find_map(|pod| {
        let running = pod.list("status.containerStatuses").filter(|it| it.get("state.running").is_some());
        let images: Vec<&str> =
            running.map(|it| it.text("image")).chain(pod.list("spec.containers").map(|it| it.text("image"))).collect();
        let started = pod.text("status.phase") == "Running";
        let found = images
            .into_iter()
            .map(grammar::image_parts)
            .find(|(other, tag)| started && *other == repository && !tag.contains("sha256:"))?;
        Some((pod, found.1.to_owned()))
    })
}

fn ecr_check(repository: &str, tag: &str) -> String {
    match repository
        .split_once(".dkr.ecr.")
        .and_then(|(account, rest)| Some((account, rest.split_once('.')?.0, rest.split_once('/')?.1)))
    {
        Some((account, region, name)) => format!(
            "Which tags exist: `aws ecr describe-images --registry-id {account} --region {region} --repository-name {name} --query 'imageDetails[].imageTags[]'`"
        ),
        None => format!("Whether `{repository}` has `{tag}` in its registry"),
    }
}

/// Why a registry denies: the secret that should have opened it is missing, or the node has no credentials for it.
fn is_explained(facts: &Facts, failure: &Failure<'_>) -> bool {
    let said = failure.evidence.first().map_or("", |it| it.value.as_str());
    facts.events_of(&["FailedToRetrieveImagePullSecret"]).next().is_some()
        || failure.image.contains(".dkr.ecr.") && said.contains("no basic auth credentials")
}

fn not_found_or_denied(facts: &Facts) -> Vec<Finding> {
    let secrets: Vec<String> = facts.pod.list("spec.imagePullSecrets").map(|it| format!("`{}`", it.text("name"))).collect();
    let failures = failures(facts, PullError::NotFoundOrDenied).into_iter().filter(|it| !is_explained(facts, it));
    let found = failures.map(|failure| {
        let (repository, _) = grammar::image_parts(failure.image);
        let credentials = match secrets.as_slice() {
            [] => "the pod names no imagePullSecrets".to_owned(),
            names => format!("the pod uses imagePullSecrets {}", names.join(", ")),
        };
        let known = in_ecr(facts, failure.image);
        let gone = known.is_some_and(|it| it.boolean("repository_exists") == Some(false));
        let summary = if gone {
            format!("Repository `{repository}` of {} does not exist: ECR has none of that name in this account and Region.", label(&failure.container))
        } else {
            format!("Repository `{repository}` of {} does not exist or may not be read: the registry denied the pull of `{}`, and {credentials}.", label(&failure.container), failure.image)
        };
        Finding::new("image-not-found-or-denied", Depth::Reference, failure.confidence, summary)
        .specific(if gone { 9 } else { 8 })
        .because(failure.evidence)
        .because(known.filter(|_| gone).and_then(|it| evidence(it, "repository_exists")))
        .fix(Risk::Low, format!("Correct the image name, if `{repository}` is a typing error"))
        .fix_with(
            Risk::Low,
            "If the repository is private, create a pull secret in this namespace and name it in the pod template's `imagePullSecrets`",
            Some(format!("kubectl -n {} create secret docker-registry NAME --docker-server=REGISTRY --docker-username=USER --docker-password=PASSWORD", facts.pod.namespace())),
        )
        .link(label(&failure.container), failure.container.state(facts.now))
        .link(format!("image {}", failure.image), "not found, or access denied")
        .check("What else the kubelet said about the pull", "list_events", super::CheckArguments { name: Some(facts.pod.name().to_owned()), ..kind_arguments(facts, "Pod") })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use serde_json::json;

    fn waiting(message: &str) -> Facts {
        container(
            json!({"image": "reg.example/shop/web:2.O"}),
            json!({"ready": false, "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}}}),
        )
    }

    #[test]
    fn the_error_of_the_pull_decides() {
        for (message, expected) in [
            (
                r#"Back-off pulling image "reg.example/shop/web:2.O": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "reg.example/shop/web:2.O": failed to resolve image: reg.example/shop/web:2.O: not found"#,
                vec!["image-tag-not-found"],
            ),
            (
                r#"failed to resolve reference "x": pull access denied, repository does not exist or may require authorization"#,
                vec!["image-not-found-or-denied"],
            ),
            (r#"Back-off pulling image "reg.example/shop/web:2.O""#, vec![]),
            (
                r#"failed to do request: Head "https://reg.example/": dial tcp: lookup reg.example on 10.0.0.2:53: no such host"#,
                vec![],
            ),
        ] {
            assert_eq!(ids(&waiting(message)), expected, "{message}");
        }
    }

    #[test]
    fn an_older_kubelet_tells_it_in_the_event_and_a_sibling_proves_the_repository() {
        let mut facts = with_event(
            waiting(r#"Back-off pulling image "reg.example/shop/web:2.O""#),
            "Failed",
            r#"Failed to pull image "reg.example/shop/web:2.O": manifest for reg.example/shop/web:2.O not found: manifest unknown"#,
        );
        facts.siblings.push(Object::new(json!({"kind": "Pod", "metadata": {"name": "web-0"}, "spec": {"containers": [{"image": "reg.example/shop/web:1.9"}]}, "status": {"phase": "Running"}})));
        let found = finding(&facts, "image-tag-not-found");
        assert_eq!(found.confidence, Confidence::High);
        assert!(found.summary.contains("`2.O`") && found.summary.contains("`1.9`"), "{}", found.summary);
    }
}
