//! The DNS of the cluster, where a log says that names are not resolved.

use super::{Source, answer, first_page, kind, take};
use crate::diagnose::facts::{Dns, Facts, Log, Reached};
use crate::diagnose::logs::{self, Class, NameTrouble};
use crate::domain::object::Object;
use crate::k8s::api::{self, ListOptions, LogOptions};

/// Where EKS runs CoreDNS.
const NAMESPACE: &str = "kube-system";
const SERVICE: &str = "kube-dns";
const PODS: &str = "k8s-app=kube-dns";
const CONFIG: &str = "coredns";
/// Lines of the log of a CoreDNS pod.
const TAIL: u32 = 100;
const RECEIVE: u64 = 128 << 10;

/// Adds what resolves names, where the log of a pod says that one was not.
///
/// Sends at most 6 requests.
pub(super) async fn look(source: &Source, facts: &mut Facts) {
    let Some((trouble, container)) = named(facts) else { return };
    let own = facts.pod.namespace().to_owned();
    let slices =
        ListOptions { namespace: Some(NAMESPACE), labels: Some("kubernetes.io/service-name=kube-dns"), ..ListOptions::default() };
    let of_dns = ListOptions { namespace: Some(NAMESPACE), labels: Some(PODS), ..ListOptions::default() };
    let of_own = ListOptions { namespace: Some(&own), ..ListOptions::default() };
    let list = async |name: &str, options: &ListOptions<'_>, what: String| match kind(name) {
        Ok(kind) => answer(what, first_page(source, &kind, options).await),
        Err(err) => answer(what, Err(err)),
    };
    let get = async |name: &str, of: &str| match kind(name) {
        Ok(kind) => answer(format!("{name} `{NAMESPACE}/{of}`"), api::object(&source.client, &kind, Some(NAMESPACE), of).await),
        Err(err) => answer(format!("{name} `{NAMESPACE}/{of}`"), Err(err)),
    };
    let (service, config, slices, pods, policies) = futures::join!(
        get("Service", SERVICE),
        get("ConfigMap", CONFIG),
        list("EndpointSlice", &slices, "endpoints of the cluster's DNS".to_owned()),
        list("Pod", &of_dns, "pods of CoreDNS".to_owned()),
        list("NetworkPolicy", &of_own, format!("NetworkPolicies of namespace `{own}`")),
    );
    let gaps = &mut facts.gaps;
    let service = take(service, gaps);
    let (config, slices, pods) = (take(config, gaps), take(slices, gaps), take(pods, gaps).unwrap_or_default());
    let policies = take(policies, gaps);
    let log = match pods.first() {
        Some(pod) => log(source, pod).await,
        None => None,
    };
    facts.dns = Some(Dns { trouble, container, service, slices, pods, config, policies, log });
}

/// What the deciding line of a log says of a name.
fn named(facts: &Facts) -> Option<(NameTrouble, String)> {
    facts.logs.iter().find_map(|log| {
        let found = logs::deciding(&log.text)?;
        let trouble = logs::name_trouble(&found)?;
        // A name that leads to no Service is wrong, whatever DNS does.
        let is_wrong = matches!(found.class, Class::Unresolved(_))
            && matches!(&facts.dependency, Some(it) if matches!(it.reached, Reached::Nothing { .. }));
        // That of a headless Service has no address while none of its pods is ready.
        let is_headless = matches!(&facts.dependency, Some(it) if matches!(it.reached, Reached::Service(_)));
        ((!is_wrong || !trouble.answered) && !is_headless).then(|| (trouble, log.container.clone()))
    })
}

/// The end of the log of a CoreDNS pod, of the instance before where the present one has just begun.
async fn log(source: &Source, pod: &Object) -> Option<Log> {
    let container = "coredns";
    let down = pod.condition("Ready").is_none_or(|it| it.text("status") != "True");
    let crashed = pod.list("status.containerStatuses").any(|it| it.get("lastState.terminated").is_some());
    let previous = down && crashed;
    let options = LogOptions { container, previous, tail: Some(TAIL), since_seconds: None, limit_bytes: RECEIVE };
    let (text, _) = api::log(&source.client, pod.namespace(), pod.name(), &options).await.ok()?;
    Some(Log { container: container.to_owned(), previous, text })
}
