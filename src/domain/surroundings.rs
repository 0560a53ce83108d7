//! What else of AWS a workload leans on: roles, targets of load balancers, images, quotas.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An IAM role (`iam:GetRole`, `iam:ListAttachedRolePolicies`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IamRole {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Trust policy.
    pub trust: Value,
    /// ARNs of the managed policies attached to it.
    pub policies: Vec<String>,
}

/// Health of one target (`elasticloadbalancing:DescribeTargetHealth`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TargetHealth {
    /// ARN of the target group.
    pub group: String,
    /// Instance id, or address of a pod.
    pub target: String,
    /// Port.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `healthy`, `unhealthy`, `initial`, `unused`, `draining`, `unavailable` or `unhealthy.draining`.
    pub state: String,
    /// Reason code, such as `Target.FailedHealthChecks`.
    pub reason: String,
    /// What the load balancer says about it.
    pub description: String,
}

/// What a registry holds of an image (`ecr:DescribeImages`, `ecr:ListImages`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RegistryImage {
    /// Account of the registry.
    pub registry: String,
    /// Repository.
    pub repository: String,
    /// The tag or digest that was asked for.
    pub reference: String,
    /// Whether the repository exists.
    pub repository_exists: bool,
    /// Whether it holds the image.
    pub exists: bool,
    /// Newest tags of the repository, where it does not hold the image.
    pub tags: Vec<String>,
    /// State of the last scan, such as `COMPLETE`; empty where there was none.
    pub scan_status: String,
}

/// A quota of an account in a Region (`servicequotas:GetServiceQuota`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Quota {
    /// Service code, such as `ec2`.
    pub service: String,
    /// Quota code, such as `L-1216C47A`.
    pub code: String,
    /// Name.
    pub name: String,
    /// Value.
    pub value: f64,
}
