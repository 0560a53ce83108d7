//! The engine on the embedded demo: causes, and evidence that stands there letter by letter.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::collect::{self, Ports, Source};
use super::diagnosis::{Diagnosis, Status};
use super::engine;
use crate::context::{Context, Limits};
use crate::domain::target::ClusterArguments;
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

/// Every pod of the faulty namespaces with its diagnosis.
async fn diagnoses() -> Vec<(String, Diagnosis)> {
    let cx = Context::new(crate::snapshot::demo().unwrap().into_world(), Limits::STANDARD, None);
    let target = cx.locate(&ClusterArguments { cluster: "payments".to_owned(), ..ClusterArguments::default() }).await.unwrap();
    let client = cx.kubernetes(&target).await.unwrap();
    let aws = Ports::of(&cx.world.aws, &target);
    let source = Source::new(client, target, aws, cx.now());
    let mut found = Vec::new();
    for namespace in ["checkout", "risk", "ledger", "settlement", "receipts"] {
        let options = ListOptions { namespace: Some(namespace), ..ListOptions::default() };
        let (pods, _) = api::list(&source.client, &Kind::named("Pod").unwrap(), &options, 100).await.unwrap();
        for pod in pods {
            let facts = collect::pod(&source, namespace, pod.name()).await.unwrap();
            found.push((pod.name().to_owned(), engine::diagnose(&facts)));
        }
    }
    found
}

fn read(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, text);
        } else {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[tokio::test]
async fn the_causes_of_the_demo_are_found_with_evidence_that_stands_there() {
    let mut world = String::new();
    for part in ["demo/clusters/payments", "demo/aws/eks", "demo/aws/ecr"] {
        read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(part), &mut world);
    }
    let mut causes = Vec::new();
    for (name, diagnosis) in diagnoses().await {
        for item in &diagnosis.evidence {
            let escaped = json!(item.value).to_string();
            assert!(
                world.contains(&item.value) || world.contains(escaped.trim_matches('"')),
                "{name}: {} {}",
                item.field,
                item.value
            );
        }
        let size = format!("{diagnosis:?}").len();
        assert!(size < Limits::STANDARD.budget, "{name}: {size}");
        match diagnosis.root_cause {
            Some(root) => causes.push(root.id),
            None => assert_eq!(diagnosis.status, Status::Healthy, "{name}: {}", diagnosis.summary),
        }
    }
    causes.sort_unstable();
    causes.dedup();
    let expected = [
        "config-configmap-missing",
        "container-oom-limit",
        "entrypoint-not-found",
        "image-tag-not-found",
        "podidentity-no-association",
        "probe-http-404",
        "sched-insufficient-memory",
        "sched-untolerated-taint",
        "sched-volume-node-affinity",
        "svc-missing",
    ];
    assert_eq!(causes, expected);
}
