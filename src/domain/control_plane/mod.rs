//! The control plane by its metrics: which signals there are, what each may reach, and what a tier has to hold. Pure logic.

pub mod growth;
pub mod signals;
pub mod tier;

/// CloudWatch namespace of the metrics that EKS vends for every cluster of Kubernetes 1.28 and later, at no charge.
pub const NAMESPACE: &str = "AWS/EKS";
