//! The service account of a pod and its roles.

use super::{Answer, Source, answer, kind};
use crate::diagnose::diagnosis::NotChecked;
use crate::domain::cluster::PodIdentityAssociation;
use crate::domain::object::Object;
use crate::k8s::api;

pub(super) async fn service_account(source: &Source, pod: &Object) -> Answer<Object> {
    let name = service_account_name(pod);
    let found = match kind("ServiceAccount") {
        Ok(kind) => api::object(&source.client, &kind, Some(pod.namespace()), name).await,
        Err(err) => Err(err),
    };
    answer(format!("ServiceAccount `{name}`"), found)
}

/// The service account of a pod.
pub fn service_account_name(pod: &Object) -> &str {
    match pod.text("spec.serviceAccountName") {
        "" => "default",
        name => name,
    }
}

pub(super) async fn associations(source: &Source, pod: &Object) -> Answer<Vec<PodIdentityAssociation>> {
    let what = "Pod Identity associations of the service account";
    let Some(ports) = &source.aws else {
        let why = "the cluster is known only to Kubernetes, not to EKS".to_owned();
        return (None, vec![NotChecked { what: what.to_owned(), why }]);
    };
    answer(what, ports.eks.pod_identity_associations(&source.target.cluster, pod.namespace(), service_account_name(pod)).await)
}
