//! Which cluster a call is about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cluster that was actually read.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Account id; absent where it is not known without a further call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// AWS Region; absent for a cluster known only from a kubeconfig or a bare snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Name of the cluster.
    pub cluster: String,
    /// Id of the configured account whose credentials read it; absent for the server's own.
    #[serde(skip)]
    pub through: Option<String>,
}

/// Which cluster a call is about, as every tool takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct ClusterArguments {
    /// Name or ARN of the cluster.
    #[schemars(length(min = 1, max = 200))]
    pub cluster: String,
    /// AWS Region. Default: the ARN's, else the account's or server's.
    #[schemars(length(max = 32))]
    pub region: Option<String>,
    /// Account: alias or 12-digit id. Default: the ARN's, else the server's.
    #[schemars(length(max = 64))]
    pub account: Option<String>,
}

/// The parts of an EKS cluster ARN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterArn {
    /// Region of the cluster.
    pub region: String,
    /// Account of the cluster.
    pub account: String,
    /// Name of the cluster.
    pub name: String,
}

impl ClusterArn {
    /// Parses `arn:<partition>:eks:<region>:<account>:cluster/<name>`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(6, ':');
        let (Some("arn"), Some(partition), Some("eks"), Some(region), Some(account), Some(resource)) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return None;
        };
        let name = resource.strip_prefix("cluster/")?;
        let valid = partition.starts_with("aws")
            && super::names::is_region(region)
            && super::names::is_account_id(account)
            && super::names::is_cluster_name(name);
        valid.then(|| Self { region: region.to_owned(), account: account.to_owned(), name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cluster_arns_are_taken() {
        let arn = ClusterArn::parse("arn:aws-cn:eks:cn-north-1:111122223333:cluster/prod").unwrap();
        assert_eq!((arn.region.as_str(), arn.account.as_str(), arn.name.as_str()), ("cn-north-1", "111122223333", "prod"));
        for wrong in [
            "prod",
            "arn:aws:eks:eu-west-1:111122223333:nodegroup/prod/ng/x",
            "arn:aws:eks:eu-west-1:1:cluster/prod",
            "arn:aws:eks:x/../y:111122223333:cluster/prod",
        ] {
            assert_eq!(ClusterArn::parse(wrong), None, "{wrong}");
        }
    }
}
