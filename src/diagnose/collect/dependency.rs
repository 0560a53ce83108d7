//! What a log says cannot be reached, followed to the Service of that name and its pods.

use std::net::IpAddr;

use super::{Source, answer, first_page, kind, metadata, subject, take};
use crate::diagnose::facts::{Dependency, Facts, RECENT, Reached};
use crate::diagnose::logs::{self, Class};
use crate::domain::object::Object;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::api::{self, ListOptions};
use crate::k8s::kinds::Kind;

/// Adds the dependency that the logs of a pod name, where it is one of the cluster.
///
/// Sends at most 4 requests beside those of [`subject`] for a Service.
pub(super) async fn follow(source: &Source, facts: &mut Facts) {
    let Some((line, container, class)) = named(facts) else { return };
    let (Class::Unresolved(Some(endpoint)) | Class::Refused(Some(endpoint)) | Class::TimedOut(Some(endpoint))) = class.clone()
    else {
        return;
    };
    let (Ok(services), Ok(namespaces)) = (kind("Service"), kind("Namespace")) else { return };
    let place = match endpoint.host.parse::<IpAddr>() {
        Ok(address) => by_address(source, facts, &services, address).await,
        Err(_) => in_cluster(&endpoint.host, facts.pod.namespace()),
    };
    let Some((name, namespace, is_certain)) = place else { return };
    // `example.com` may be a Service of namespace `com`, and is not.
    if !is_certain && api::object(&source.client, &namespaces, None, &namespace).await.is_err() {
        return;
    }
    // Where a name is not resolved nothing was called: only that the Service does not exist, or that it is headless and has no
    // pod that is ready, can be the cause.
    let trouble = logs::deciding(&line).and_then(|it| logs::name_trouble(&it));
    if let Some(trouble) = &trouble
        && let Ok(service) = api::object(&source.client, &services, Some(&namespace), &name).await
        && (!trouble.answered || service.text("spec.clusterIP") != "None")
    {
        return;
    }
    let reached = match Box::pin(subject::service(&source.frugal(), &services, &namespace, &name)).await {
        Ok(service) => Reached::Service(Box::new(service)),
        Err(err) if err.kind == ErrorKind::NotFound => match missing(source, &services, &namespace, &name).await {
            Ok(reached) => reached,
            Err(err) => return facts.gaps.push(super::gap(format!("Services of namespace `{namespace}`"), &err)),
        },
        Err(err) => return facts.gaps.push(super::gap(format!("Service `{namespace}/{name}`"), &err)),
    };
    // A policy drops packets; it refuses nothing.
    let policies = if matches!(class, Class::TimedOut(_)) { policies(source, facts, &namespace).await } else { Vec::new() };
    facts.dependency =
        Some(Dependency { host: endpoint.host, port: endpoint.port, name, namespace, line, container, reached, policies });
}

/// The line of a log that names what cannot be reached.
fn named(facts: &Facts) -> Option<(String, String, Class)> {
    facts.logs.iter().find_map(|log| {
        let found = logs::deciding(&log.text)?;
        // What a pod that serves could not reach long ago says nothing of today.
        let said = crate::domain::log::time_of(found.line);
        if facts.is_ready() && said.is_some_and(|at| facts.now.duration_since(at) > RECENT) {
            return None;
        }
        let names = matches!(found.class, Class::Unresolved(Some(_)) | Class::Refused(Some(_)) | Class::TimedOut(Some(_)));
        names.then(|| (found.line.to_owned(), log.container.clone(), found.class))
    })
}

/// Service and namespace of an address, which clients that resolve a name themselves write instead of it.
async fn by_address(source: &Source, facts: &mut Facts, services: &Kind, address: IpAddr) -> Option<(String, String, bool)> {
    let may_be_cluster_ip = match address {
        IpAddr::V4(it) => it.is_private(),
        IpAddr::V6(it) => it.is_unique_local(),
    };
    if !may_be_cluster_ip {
        return None;
    }
    let found = metadata(source, services, None, &format!("spec.clusterIP={address}")).await;
    // Where Services cannot be selected by address there is nothing to tell; who may not ask should know.
    let found = match found {
        Err(err) if err.kind == ErrorKind::AccessDenied => {
            facts.gaps.push(super::gap(format!("the Service with address {address}"), &err));
            return None;
        }
        found => found.ok()?,
    };
    let (namespace, name) = found.into_iter().next()?;
    let is_api_server = namespace == "default" && name == "kubernetes";
    (!is_api_server).then_some((name, namespace, true))
}

/// Service and namespace of a host name, and whether it can be nothing else; a bare name is one of the pod's namespace.
fn in_cluster(host: &str, namespace: &str) -> Option<(String, String, bool)> {
    if matches!(host, "localhost" | "kubernetes") {
        return None;
    }
    let parts: Vec<&str> = host.split('.').collect();
    let (name, namespace, certain) = match parts.as_slice() {
        [name] => (*name, namespace, true),
        [name, namespace] => (*name, *namespace, false),
        // The latter is a pod of a StatefulSet behind a headless Service.
        [name, namespace, "svc", ..] | [_, name, namespace, "svc", ..] => (*name, *namespace, true),
        _ => return None,
    };
    let valid = crate::domain::names::is_dns_label(name) && crate::domain::names::is_dns_label(namespace);
    valid.then(|| (name.to_owned(), namespace.to_owned(), certain))
}

/// What there is instead of a Service that does not exist.
async fn missing(source: &Source, services: &Kind, namespace: &str, name: &str) -> Result<Reached, ToolError> {
    let by_name = format!("metadata.name={name}");
    let (here, elsewhere) =
        futures::join!(metadata(source, services, Some(namespace), ""), metadata(source, services, None, &by_name),);
    let here = here?.into_iter().map(|(_, name)| name).collect();
    let elsewhere =
        elsewhere.unwrap_or_default().into_iter().map(|(namespace, _)| namespace).filter(|it| it != namespace).collect();
    Ok(Reached::Nothing { here, elsewhere })
}

/// The policies of both ends.
async fn policies(source: &Source, facts: &mut Facts, namespace: &str) -> Vec<Object> {
    let own = facts.pod.namespace().to_owned();
    let mut found = Vec::new();
    for place in [namespace, own.as_str()] {
        let options = ListOptions { namespace: Some(place), ..ListOptions::default() };
        let listed = match kind("NetworkPolicy") {
            Ok(kind) => first_page(source, &kind, &options).await,
            Err(err) => Err(err),
        };
        found
            .extend(take(answer(format!("NetworkPolicies of namespace `{place}`"), listed), &mut facts.gaps).unwrap_or_default());
        if own == namespace {
            break;
        }
    }
    found
}
