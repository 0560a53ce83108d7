//! Facts about an object that is no pod: what is around it, and the one of its pods that fares worst.

use futures::future::join_all;
use jiff::Timestamp;

use super::{Source, answer, first_page, gap, kind, list_events, match_labels, pod_facts, take};
use crate::diagnose::facts::{Facts, RECENT, event_time};
use crate::domain::field_selector;
use crate::domain::object::Object;
use crate::domain::status;
use crate::error::ToolError;
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

/// Services that an Ingress is followed to.
const BACKENDS: usize = 5;

/// Reads the facts of an object of any kind but Pod.
///
/// Sends at most 11 requests beside those of [`super::pod`] for one of its pods. Objects other than the subject that cannot be
/// read become gaps.
///
/// # Errors
/// `not_found` when there is no such object; what the API server answers otherwise.
pub async fn subject(source: &Source, of: &Kind, namespace: Option<&str>, name: &str) -> Result<Facts, ToolError> {
    let about = about(source, &of.kind, namespace, name);
    let (object, events) = futures::join!(api::object(&source.client, of, namespace, name), about);
    let object = object?;
    let mut around = Around { source, facts: Facts::about(source.target.clone(), object.clone(), source.now), pods: Vec::new() };
    around.facts.about = take(answer(format!("events of the {}", of.kind), events), &mut around.facts.gaps).unwrap_or_default();
    match of.kind.as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => {
            around.workload(&object).await;
        }
        "CronJob" => around.cron_job(&object).await,
        "Service" => around.service(&object).await,
        "Ingress" => around.ingress(&object).await,
        "PersistentVolumeClaim" => around.claim(&object).await,
        "Node" => around.node(&object).await,
        "HorizontalPodAutoscaler" => around.autoscaler(&object).await,
        "Namespace" => around.unwell_pods(object.name(), |_| true).await,
        "ServiceAccount" => {
            around.facts.service_account = Some(object.clone());
            let name = object.name().to_owned();
            around.unwell_pods(object.namespace(), |pod| super::service_account_name(pod) == name).await;
        }
        "Application" => around.application(&object).await,
        _ => {}
    }
    let mut facts = around.finish().await?;
    super::dependency::follow(source, &mut facts).await;
    super::dns::look(source, &mut facts).await;
    super::custom::pod(source, &mut facts).await;
    super::custom::targets(source, &mut facts, &object).await;
    super::aws::pod(source, &mut facts).await;
    Ok(facts)
}

/// Adds to the facts of a subject those of the pod that fares worst.
pub(super) async fn with_worst(source: &Source, facts: Facts, pods: Vec<Object>) -> Result<Facts, ToolError> {
    Around { source, facts, pods }.finish().await
}

/// The facts of a Service alone: what its pods call is not followed further.
pub(super) async fn service(source: &Source, of: &Kind, namespace: &str, name: &str) -> Result<Facts, ToolError> {
    let object = api::object(&source.client, of, Some(namespace), name).await?;
    let mut around = Around { source, facts: Facts::about(source.target.clone(), object.clone(), source.now), pods: Vec::new() };
    around.service(&object).await;
    around.finish().await
}

/// Events about an object. Those about objects without a namespace may stand in any.
async fn about(source: &Source, kind: &str, namespace: Option<&str>, name: &str) -> Result<Vec<Object>, ToolError> {
    let (kind, name) = (field_selector::escape(kind), field_selector::escape(name));
    list_events(source, namespace, &format!("involvedObject.kind={kind},involvedObject.name={name}")).await
}

/// What is being gathered around a subject.
struct Around<'a> {
    source: &'a Source,
    facts: Facts,
    pods: Vec<Object>,
}

impl Around<'_> {
    /// Lists a page of objects; what cannot be read is a gap.
    async fn list(&mut self, name: &str, namespace: Option<&str>, labels: Option<&str>, fields: Option<&str>) -> Vec<Object> {
        let options = ListOptions { namespace, labels, fields, ..ListOptions::default() };
        let found = match kind(name) {
            Ok(kind) => first_page(self.source, &kind, &options).await.map_err(|err| gap(kind.plural.clone(), &err)),
            Err(err) => Err(gap(name, &err)),
        };
        found.unwrap_or_else(|gap| {
            self.facts.gaps.push(gap);
            Vec::new()
        })
    }

    /// Gets an object; nothing when there is none, a gap when it cannot be read.
    async fn get(&mut self, name_of_kind: &str, namespace: Option<&str>, name: &str) -> Option<Object> {
        let kind = kind(name_of_kind).ok()?;
        match api::object(&self.source.client, &kind, namespace, name).await {
            Ok(object) => Some(object),
            Err(err) if err.kind == crate::error::ErrorKind::NotFound => None,
            Err(err) => {
                self.facts.gaps.push(gap(format!("{name_of_kind} `{name}`"), &err));
                None
            }
        }
    }

    async fn events(&mut self, of: &Object) {
        let found = about(self.source, of.kind(), Some(of.namespace()), of.name()).await;
        let found = take(answer(format!("events of {}", of.address()), found), &mut self.facts.gaps);
        self.facts.about.extend(found.unwrap_or_default());
    }

    /// Pods of a selector in the syntax of requests.
    async fn pods_of(&mut self, namespace: &str, labels: &str) {
        self.pods = self.list("Pod", Some(namespace), Some(labels), None).await;
    }

    async fn workload(&mut self, workload: &Object) {
        let namespace = workload.namespace();
        let by_name = || (workload.kind() == "Job").then(|| format!("job-name={}", workload.name()));
        let Some(labels) = match_labels(workload).or_else(by_name) else { return };
        self.pods_of(namespace, &labels).await;
        if workload.kind() == "Deployment" {
            let mut sets = self.list("ReplicaSet", Some(namespace), Some(&labels), None).await;
            sets.retain(|it| it.controller().is_some_and(|(_, name)| name == workload.name()));
            sets.sort_by_key(revision);
            // Others may have the same labels: runs of Jobs, pods made by hand.
            self.pods.retain(|pod| match pod.controller() {
                Some(("ReplicaSet", name)) => sets.is_empty() || sets.iter().any(|it| it.name() == name),
                _ => false,
            });
            self.drop_ended(workload);
            if let Some(newest) = sets.pop() {
                self.events(&newest).await;
                // A rollout that hangs is told by its own pods, not by those that it replaces.
                let own = |pod: &Object| pod.controller().is_some_and(|(_, name)| name == newest.name());
                if self.pods.iter().any(own) {
                    self.pods.retain(own);
                }
                self.facts.related.push(newest);
            }
        } else {
            let own = |pod: &Object| pod.controller() == Some((workload.kind(), workload.name()));
            self.pods.retain(own);
            self.drop_ended(workload);
        }
        if self.pods.is_empty() || self.facts.about.iter().any(|it| it.text("reason") == "FailedCreate") {
            self.namespace(namespace).await;
        }
    }

    /// Leaves out pods that have ended while others do their work: leftovers of evictions, attempts before the present one.
    fn drop_ended(&mut self, workload: &Object) {
        if workload.kind() == "Job" {
            let over = |kind: &str| workload.condition(kind).is_some_and(|it| it.text("status") == "True");
            let running = self.pods.iter().any(|it| !is_ended(it));
            if over("Complete") || over("SuccessCriteriaMet") {
                self.pods.retain(|it| it.text("status.phase") == "Succeeded");
            } else if running && !over("Failed") {
                // What failed a short while ago tells what the present attempt will meet; before that it is history.
                let now = self.source.now;
                let recent = |pod: &Object| ended_at(pod).is_some_and(|it| now.duration_since(it) < RECENT);
                if self.pods.iter().any(|it| it.text("status.phase") == "Failed" && recent(it)) {
                    self.pods.retain(|it| it.text("status.phase") == "Failed" && recent(it));
                } else {
                    self.pods.retain(|it| !is_ended(it));
                }
            }
            return;
        }
        if self.pods.iter().any(|it| !is_ended(it)) {
            self.pods.retain(|it| !is_ended(it));
        }
    }

    async fn namespace(&mut self, name: &str) {
        let found = self.get("Namespace", None, name).await;
        self.facts.related.extend(found);
    }

    async fn cron_job(&mut self, cron_job: &Object) {
        let namespace = cron_job.namespace().to_owned();
        let mut jobs = self.list("Job", Some(&namespace), None, None).await;
        jobs.retain(|it| it.controller().is_some_and(|(kind, name)| kind == "CronJob" && name == cron_job.name()));
        jobs.sort_by_key(Object::created);
        // Runs before the last one that ended are history, however they ended.
        let running = |job: &Object| job.integer("status.active").unwrap_or(0) > 0;
        let ended = |job: &&Object| !running(job);
        let newest_ended = jobs.iter().rfind(ended).map(|it| it.name().to_owned());
        jobs.retain(|it| running(it) || Some(it.name()) == newest_ended.as_deref());
        let names: Vec<String> = jobs.iter().map(|it| it.name().to_owned()).collect();
        if let Some(newest) = jobs.last().cloned() {
            self.events(&newest).await;
        }
        self.facts.related.extend(jobs);
        if !names.is_empty() {
            let mut pods = self.list("Pod", Some(&namespace), None, None).await;
            pods.retain(|it| it.controller().is_some_and(|(_, name)| names.iter().any(|it| it == name)));
            // Of a run that has succeeded no attempt counts that has not.
            let done = |name: &str| {
                let job = self.facts.related.iter().find(|it| it.kind() == "Job" && it.name() == name);
                job.and_then(|it| it.condition("Complete")).is_some_and(|it| it.text("status") == "True")
            };
            pods.retain(|it| it.text("status.phase") != "Failed" || !it.controller().is_some_and(|(_, name)| done(name)));
            self.pods = pods;
        }
    }

    async fn service(&mut self, service: &Object) {
        let namespace = service.namespace().to_owned();
        let slices = format!("kubernetes.io/service-name={}", service.name());
        let slices = self.list("EndpointSlice", Some(&namespace), Some(&slices), None).await;
        self.facts.related.extend(slices);
        let Some(labels) = pairs(service, "spec.selector") else { return };
        self.pods_of(&namespace, &labels).await;
        // What has ended is no endpoint, and was none that could be missed when it is the run of a Job.
        self.pods.retain(|it| !is_ended(it));
        if self.pods.is_empty() {
            // Those that nearly match tell which label is wrong.
            let others = self.list("Pod", Some(&namespace), None, None).await;
            self.facts.related.extend(others);
            // What should have made them may be off.
            for kind in ["Deployment", "StatefulSet"] {
                let workloads = self.list(kind, Some(&namespace), None, None).await;
                self.facts.related.extend(workloads.into_iter().filter(|it| it.integer("spec.replicas") == Some(0)));
            }
        } else {
            self.facts.related.extend(self.pods.iter().cloned());
        }
    }

    async fn ingress(&mut self, ingress: &Object) {
        let namespace = ingress.namespace().to_owned();
        let classes = self.list("IngressClass", None, None, None).await;
        self.facts.related.extend(classes);
        let mut names: Vec<String> = backends(ingress).into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        for name in names.iter().take(BACKENDS) {
            let Some(service) = self.get("Service", Some(&namespace), name).await else { continue };
            if self.pods.is_empty()
                && let Some(labels) = pairs(&service, "spec.selector")
            {
                self.pods_of(&namespace, &labels).await;
            }
            self.facts.related.push(service);
        }
    }

    async fn claim(&mut self, claim: &Object) {
        let namespace = claim.namespace().to_owned();
        if claim.text("status.phase") != "Bound" {
            let classes = self.list("StorageClass", None, None, None).await;
            self.facts.related.extend(classes);
        } else if let Some(volume) = self.get("PersistentVolume", None, claim.text("spec.volumeName")).await {
            self.facts.related.push(volume);
        }
        let pods = self.list("Pod", Some(&namespace), None, None).await;
        let uses = |pod: &Object| pod.list("spec.volumes").any(|it| it.text("persistentVolumeClaim.claimName") == claim.name());
        self.facts.related.extend(pods.into_iter().filter(uses));
    }

    async fn node(&mut self, node: &Object) {
        let fields = format!("spec.nodeName={}", field_selector::escape(node.name()));
        let pods = self.list("Pod", None, None, Some(&fields)).await;
        self.facts.related.extend(pods);
    }

    /// The pods of a namespace that are not well, of those that fit; one that has ended does nothing any more.
    async fn unwell_pods(&mut self, namespace: &str, fits: impl Fn(&Object) -> bool) {
        let pods = self.list("Pod", Some(namespace), None, None).await;
        let now = self.source.now;
        let unwell = |pod: &Object| !is_ended(pod) && fits(pod) && !status::of(pod, now).health.is_healthy();
        self.pods = pods.into_iter().filter(unwell).collect();
    }

    /// The workload for which an Argo CD application is not healthy.
    async fn application(&mut self, application: &Object) {
        let workloads = ["Deployment", "StatefulSet", "DaemonSet", "Job"];
        let child = application.list("status.resources").find(|it| {
            workloads.contains(&it.text("kind")) && matches!(it.text("health.status"), "Degraded" | "Progressing" | "Missing")
        });
        let Some(child) = child else { return };
        let (kind, namespace, name) =
            (child.text("kind").to_owned(), child.text("namespace").to_owned(), child.text("name").to_owned());
        if namespace.is_empty() {
            return;
        }
        if let Some(workload) = self.get(&kind, Some(&namespace), &name).await {
            self.workload(&workload).await;
            self.facts.related.push(workload);
        }
    }

    async fn autoscaler(&mut self, autoscaler: &Object) {
        let (kind, name) = (autoscaler.text("spec.scaleTargetRef.kind"), autoscaler.text("spec.scaleTargetRef.name"));
        let namespace = autoscaler.namespace().to_owned();
        let Some(target) = self.get(kind, Some(&namespace), name).await else { return };
        if let Some(labels) = match_labels(&target) {
            self.pods_of(&namespace, &labels).await;
        }
        self.facts.related.push(target);
    }

    /// Adds the facts of the pod that fares worst, of those that fare alike the newest.
    async fn finish(self) -> Result<Facts, ToolError> {
        let Self { source, mut facts, pods } = self;
        facts.about.sort_by_key(event_time);
        let mut pods = pods;
        pods.sort_by_cached_key(|pod| (status::of(pod, source.now).health, std::cmp::Reverse(pod.created())));
        let Some(pod) = pods.into_iter().next() else { return Ok(facts) };
        let mut whole = pod_facts(source, pod).await?;
        whole.gaps.extend(facts.gaps);
        whole.service_account = whole.service_account.or(facts.service_account);
        whole.aws.extend(facts.aws);
        whole.subject = facts.subject;
        // Events of the pod's claims have been read with it.
        whole.about.extend(facts.about);
        whole.about.sort_by_key(event_time);
        whole.related.extend(facts.related);
        admission(&mut whole, source).await;
        Ok(whole)
    }
}

/// What may have changed the pod on its way in, where it differs from its template.
pub(super) async fn admission(facts: &mut Facts, source: &Source) {
    if crate::diagnose::rules::admission::differences(facts).is_empty() {
        return;
    }
    let found = join_all(["MutatingWebhookConfiguration", "LimitRange"].map(async |name| {
        let namespace = (name == "LimitRange").then(|| facts.pod.namespace());
        let options = ListOptions { namespace, ..ListOptions::default() };
        let kind = kind(name).map_err(|err| gap(name, &err))?;
        first_page(source, &kind, &options).await.map_err(|err| gap(kind.plural, &err))
    }))
    .await;
    for result in found {
        match result {
            Ok(objects) => facts.related.extend(objects),
            Err(gap) => facts.gaps.push(gap),
        }
    }
}

/// Whether nothing of a pod runs any more, or will.
fn is_ended(pod: &Object) -> bool {
    matches!(pod.text("status.phase"), "Succeeded" | "Failed")
}

/// When the last container of a pod ended.
fn ended_at(pod: &Object) -> Option<Timestamp> {
    let statuses = pod.list("status.containerStatuses");
    statuses.filter_map(|it| it.time("state.terminated.finishedAt")).max()
}

/// Number of the revision, then age.
fn revision(set: &Object) -> (i64, Option<Timestamp>) {
    let number = set.annotation("deployment.kubernetes.io/revision").and_then(|it| it.parse().ok()).unwrap_or(0);
    (number, set.created())
}

/// A map of labels in the syntax of requests; nothing where it is empty.
fn pairs(object: &Object, path: &str) -> Option<String> {
    let labels = object.get(path)?.as_object()?;
    let pairs: Vec<String> = labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    (!pairs.is_empty()).then(|| pairs.join(","))
}

/// Names and ports of the Services that an Ingress leads to.
pub(in crate::diagnose) fn backends(ingress: &Object) -> Vec<(String, String)> {
    let backend = |path: crate::domain::object::Field<'_>| {
        let name = path.text("service.name").to_owned();
        let port = path.integer("service.port.number").map(|it| it.to_string());
        (!name.is_empty()).then(|| (name, port.unwrap_or_else(|| path.text("service.port.name").to_owned())))
    };
    let mut found = Vec::new();
    for rule in ingress.list("spec.rules") {
        found.extend(rule.list("http.paths").into_iter().filter_map(|it| backend(it.get("backend")?)));
    }
    let default = ingress.get("spec.defaultBackend");
    let default = default.map(|value| crate::domain::object::Field { path: "spec.defaultBackend".to_owned(), value });
    found.extend(default.and_then(backend));
    found
}
