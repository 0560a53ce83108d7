//! Kubernetes versions on EKS and how long each is supported.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Kubernetes version on EKS (`eks:DescribeClusterVersions`).
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterVersion {
    /// Kubernetes minor version, such as `1.35`.
    pub version: String,
    /// `STANDARD_SUPPORT`, `EXTENDED_SUPPORT` or `UNSUPPORTED`.
    pub status: String,
    /// Whether new clusters get this version.
    pub default: bool,
    /// Newest patch release, such as `1.35.4`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch_version: Option<String>,
    /// Platform version of new clusters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// When EKS released it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released: Option<Timestamp>,
    /// When standard support ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_standard_support: Option<Timestamp>,
    /// When extended support ends; the control plane is then upgraded without being asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_extended_support: Option<Timestamp>,
    /// Scaling tiers of the control plane and what each holds with this version.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<ScalingTier>,
}

/// A scaling tier of the control plane (`controlPlaneScalingTiers[]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScalingTier {
    /// `standard`, `tier-xl`, `tier-2xl`, `tier-4xl` or `tier-8xl`.
    pub name: String,
    /// Seats of API Priority and Fairness.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_request_concurrency: Option<i32>,
    /// Pods that the scheduler places in a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods_per_second: Option<i32>,
    /// Gigabytes of the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_gb: Option<i32>,
}

/// The support a cluster's version enjoys at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Standard support; days until it ends where EKS tells.
    Standard(Option<i64>),
    /// Extended support, with its surcharge; days until it ends where EKS tells.
    Extended(Option<i64>),
    /// No longer supported.
    Unsupported,
    /// EKS does not list the version, or the list could not be read.
    Unknown,
}

impl Support {
    /// The support of `version` according to `versions` at `now`.
    pub fn of(version: Option<&str>, versions: &[ClusterVersion], now: Timestamp) -> Self {
        let Some(found) = versions.iter().find(|it| Some(it.version.as_str()) == version) else {
            return Self::Unknown;
        };
        let days = |end: Option<Timestamp>| end.map(|end| (end.as_second() - now.as_second()).div_euclid(86_400));
        match found.status.as_str() {
            "STANDARD_SUPPORT" => Self::Standard(days(found.end_of_standard_support)),
            "EXTENDED_SUPPORT" => Self::Extended(days(found.end_of_extended_support)),
            "UNSUPPORTED" => Self::Unsupported,
            _ => Self::Unknown,
        }
    }

    /// The word for tables: `standard`, `extended`, `unsupported` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Standard(_) => "standard",
            Self::Extended(_) => "extended",
            Self::Unsupported => "unsupported",
            Self::Unknown => "unknown",
        }
    }

    /// Days until this kind of support ends; negative when the date has passed.
    pub fn days_left(self) -> Option<i64> {
        match self {
            Self::Standard(days) | Self::Extended(days) => days,
            Self::Unsupported | Self::Unknown => None,
        }
    }
}
