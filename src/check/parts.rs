//! Tries of the actions that read what surrounds a cluster.

use crate::aws::{ClusterParts, Compute, Scope};
use crate::context::Context;
use crate::error::{ErrorKind, ToolError};

/// Stands for things that are not there: a service answers "not found" only to those who may ask.
const NOBODY: &str = "eks-mcp-check";
const INSTANCE: &str = "i-00000000000000000";

/// What tries are made with.
pub(super) struct Parts<'a> {
    pub(super) cx: &'a Context,
    pub(super) scope: &'a Scope,
    /// A cluster, or a name that none has.
    pub(super) cluster: &'a str,
    /// The account, where it is known.
    pub(super) account: Option<&'a str>,
}

/// What the outcome of a list and its descriptions proves of one of the two.
fn pair<T>(result: Result<Vec<T>, ToolError>, action: &str) -> Option<Result<(), ToolError>> {
    let describes = action.contains(":Describe");
    match result {
        Ok(found) if describes && found.is_empty() => None,
        Ok(_) => Some(Ok(())),
        // The other one of the two was refused.
        Err(err) if err.kind == ErrorKind::AccessDenied && !err.message.contains(action) => (!describes).then_some(Ok(())),
        Err(err) => Some(Err(err)),
    }
}

impl Parts<'_> {
    /// Makes the cheapest call that needs the action; `None` where none is cheap.
    pub(super) async fn prove(&self, action: &str) -> Option<Result<(), ToolError>> {
        let aws = &self.cx.world.aws;
        let account = self.account.unwrap_or("000000000000");
        match action.split(':').next()? {
            "eks" => self.eks(action, aws.parts(self.scope).as_ref(), account).await,
            "ec2" => Some(Self::ec2(action, aws.compute(self.scope).as_ref(), self.cluster).await?.map(drop)),
            "autoscaling" => Some(aws.compute(self.scope).scaling_activities(NOBODY).await.map(drop)),
            "elasticloadbalancing" => {
                let region = &self.scope.region;
                let group = format!("arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{NOBODY}/0000000000000000");
                Some(aws.load_balancing(self.scope).target_health(&group).await.map(drop))
            }
            "iam" if action == "iam:GetRole" => Some(aws.iam(self.scope).role(NOBODY).await.map(drop)),
            "ecr" => Some(aws.images(self.scope).image(account, NOBODY, "latest").await.map(drop)),
            "servicequotas" => Some(aws.quotas(self.scope).quota("ec2", "L-1216C47A").await.map(drop)),
            _ => None,
        }
    }

    async fn eks(&self, action: &str, parts: &dyn ClusterParts, account: &str) -> Option<Result<(), ToolError>> {
        let cluster = self.cluster;
        match action {
            "eks:ListNodegroups" | "eks:DescribeNodegroup" => pair(parts.nodegroups(cluster).await, action),
            "eks:ListAddons" | "eks:DescribeAddon" => pair(parts.addons(cluster).await, action),
            "eks:ListFargateProfiles" | "eks:DescribeFargateProfile" => pair(parts.fargate_profiles(cluster).await, action),
            "eks:ListInsights" => Some(parts.insights(cluster).await.map(drop)),
            "eks:DescribeInsight" => {
                // Only those that do not pass are described.
                let found = parts.insights(cluster).await;
                pair(found.map(|it| it.into_iter().filter(|it| !it.recommendation.is_empty()).collect()), action)
            }
            "eks:ListUpdates" => Some(parts.updates(cluster, NOBODY).await.map(drop)),
            "eks:DescribeAddonVersions" => Some(parts.addon_versions("1.33", &["vpc-cni".to_owned()]).await.map(drop)),
            "eks:DescribeAccessEntry" => {
                let role = format!("arn:aws:iam::{account}:role/{NOBODY}");
                Some(parts.access_entry(cluster, &role).await.map(drop))
            }
            _ => None,
        }
    }

    async fn ec2(action: &str, compute: &dyn Compute, cluster: &str) -> Option<Result<(), ToolError>> {
        let nobody = |prefix: &str| [format!("{prefix}-00000000000000000")];
        match action {
            "ec2:DescribeInstances" => Some(compute.instances(&[INSTANCE.to_owned()]).await.map(drop)),
            "ec2:DescribeInstanceStatus" => {
                let first = compute.instances_of(cluster).await.ok()?.into_iter().next()?;
                Some(compute.instances(&[first.id]).await.map(drop))
            }
            "ec2:GetConsoleOutput" => Some(compute.console_output(INSTANCE).await.map(drop)),
            "ec2:DescribeInstanceTypes" => Some(compute.instance_types(&["m7g.large".to_owned()]).await.map(drop)),
            "ec2:DescribeSubnets" => Some(compute.subnets(&nobody("subnet")).await.map(drop)),
            "ec2:DescribeSecurityGroups" => Some(compute.security_groups(&nobody("sg")).await.map(drop)),
            "ec2:DescribeVolumes" => Some(compute.volumes(&nobody("vol")).await.map(drop)),
            _ => None,
        }
    }
}
