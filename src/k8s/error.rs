//! From errors of the Kubernetes client to ours.

use std::error::Error;

use kube::core::Status;

use crate::error::{ErrorKind, ToolError};

/// A request that did not get through to the API server of an EKS cluster.
#[derive(Debug, thiserror::Error)]
#[error("cluster `{cluster}` at {endpoint}")]
pub(super) struct EndpointError {
    /// Name of the cluster.
    pub(super) cluster: String,
    /// URL of its API server.
    pub(super) endpoint: String,
    /// The proxy on the way, without its password.
    pub(super) proxy: Option<String>,
    /// Whether the endpoint can be reached from within the VPC only.
    pub(super) private_only: bool,
    /// Why.
    pub(super) source: tower::BoxError,
}

/// Reason with which a snapshot says that it does not hold what was asked for; no real server gives it.
pub(crate) const NOT_RECORDED: &str = "NotRecorded";

/// What failed, on which thing, and why.
pub fn map(err: &kube::Error, thing: &str) -> ToolError {
    match err {
        kube::Error::Api(status) => api_error(status, thing),
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => ToolError::new(
            ErrorKind::Upstream,
            format!("{thing}: the API server's answer is not what Kubernetes sends ({})", root_cause(err)),
        ),
        other => transport_error(other, thing),
    }
}

fn api_error(status: &Status, thing: &str) -> ToolError {
    let message = &status.message;
    match status.code {
        401 => ToolError::new(ErrorKind::AccessDenied, format!("{thing}: the API server does not know this identity ({message})")).with_hint(
            "Create an access entry for this IAM identity on the cluster (`aws eks create-access-entry`), check the cluster name, and that the clock is right.",
        ),
        403 => ToolError::new(ErrorKind::AccessDenied, format!("{thing}: {message}"))
            .with_hint("Associate an access policy such as `AmazonEKSViewPolicy`, or bind the ClusterRole of `eks-mcp permissions --rbac` to this identity; `eks-mcp check --cluster` prints the commands."),
        404 if status.reason == NOT_RECORDED => ToolError::new(ErrorKind::NotRecorded, format!("{thing}: {message}")).with_hint(
            "Record it into the snapshot, or ask the live cluster; `\"complete\": true` in `snapshot.json` says that what is not there did not exist.",
        ),
        404 => ToolError::new(ErrorKind::NotFound, format!("{thing}: {message}")),
        400 | 422 => ToolError::new(ErrorKind::InvalidInput, format!("{thing}: {message}")),
        410 => ToolError::new(ErrorKind::InvalidInput, format!("{thing}: the API server no longer holds the state of the list ({message})"))
            .with_hint("Start over: call again, without `cursor` where one was passed. If that ends so too, narrow by namespace or selector."),
        429 => ToolError::new(ErrorKind::Throttled, format!("{thing}: the API server asks to slow down ({message})")),
        503 | 504 => ToolError::new(ErrorKind::Upstream, format!("{thing}: the API server is not ready to answer ({message})")),
        code => ToolError::new(ErrorKind::Upstream, format!("{thing}: HTTP {code}: {message}")),
    }
}

fn transport_error(err: &kube::Error, thing: &str) -> ToolError {
    // Our own errors travel through the client's layers in a box.
    if let Some(ours) = source_of::<ToolError>(err) {
        return ours.clone();
    }
    if let Some(refused) = source_of::<super::readonly::Refused>(err) {
        return ToolError::new(ErrorKind::Internal, refused.to_string());
    }
    let reason = root_cause(err);
    let endpoint = source_of::<EndpointError>(err);
    let place = endpoint.map_or_else(|| "the Kubernetes endpoint".to_owned(), |it| format!("the Kubernetes endpoint of {it}"));
    if is_distrust(err) {
        return ToolError::new(ErrorKind::Unreachable, format!("{thing}: the certificate of {place} is not trusted ({reason})"))
            .with_hint("Check what answers there. A proxy that breaks TLS open needs its certificate in `ca_bundle`; a tunnel needs the name of the cluster's own endpoint as `tls_server_name`.");
    }
    let proxy = endpoint.and_then(|it| it.proxy.as_deref());
    let place = proxy.map_or_else(|| place.clone(), |it| format!("{place} through proxy {it}"));
    let hint = if proxy.is_some() {
        "Check that the proxy runs and lets this host through; `NO_PROXY` or `proxy = \"none\"` leaves it out."
    } else if endpoint.is_some_and(|it| it.private_only) {
        "This cluster has only a private endpoint: run this server inside its VPC, a peered network, or through a tunnel that `[clusters.\"…\"]` names as `endpoint`."
    } else {
        "If the cluster has only a private endpoint, run this server inside its VPC or through a tunnel; if it is public, check that its allowed CIDRs include this machine, and DNS, proxy and firewall."
    };
    ToolError::new(ErrorKind::Unreachable, format!("{thing}: {place} cannot be reached ({reason})")).with_hint(hint)
}

/// Whether the endpoint showed a certificate that is not trusted.
pub(super) fn is_distrust(err: &(dyn Error + 'static)) -> bool {
    if source_of::<ToolError>(err).is_some() {
        return false;
    }
    let reason = root_cause(err).to_lowercase();
    reason.contains("certificate") || reason.contains("unknownissuer")
}

/// The innermost error, which says why; the outer ones only say where.
pub(crate) fn root_cause(err: &(dyn Error + 'static)) -> String {
    let mut err = err;
    while let Some(source) = err.source() {
        err = source;
    }
    err.to_string()
}

fn source_of<'a, T: Error + 'static>(err: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(err);
    while let Some(err) = next {
        if let Some(found) = err.downcast_ref::<T>() {
            return Some(found);
        }
        next = err.source();
    }
    None
}
