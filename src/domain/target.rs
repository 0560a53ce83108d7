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
            && account.len() == 12
            && account.bytes().all(|it| it.is_ascii_digit())
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
