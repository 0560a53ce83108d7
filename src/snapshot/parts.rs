//! What AWS surrounds a cluster with, over recorded values: node groups, instances, networks, roles, targets, images, quotas.

use async_trait::async_trait;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::files::Files;
use super::ports::Port;
use crate::aws::{ClusterParts, Compute, Iam, Images, LoadBalancing, Quotas};
use crate::domain::compute::{Instance, InstanceType, ScalingActivity, SecurityGroup, Subnet, Volume};
use crate::domain::eks::{AccessEntry, Addon, AddonVersions, FargateProfile, Insight, Nodegroup, Update};
use crate::domain::surroundings::{IamRole, Quota, RegistryImage, TargetHealth};
use crate::error::ToolError;

/// What an instance wrote to its console.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ConsoleOutput {
    /// Id of the instance.
    id: String,
    /// The text.
    output: String,
}

/// Lists of which each was recorded or not.
#[derive(Default)]
pub(super) struct Parts {
    nodegroups: Option<Vec<Nodegroup>>,
    addons: Option<Vec<Addon>>,
    addon_versions: Option<Vec<AddonVersions>>,
    fargate_profiles: Option<Vec<FargateProfile>>,
    insights: Option<Vec<Insight>>,
    access_entries: Option<Vec<AccessEntry>>,
    updates: Option<Vec<Update>>,
    instances: Option<Vec<Instance>>,
    console_outputs: Option<Vec<ConsoleOutput>>,
    instance_types: Option<Vec<InstanceType>>,
    subnets: Option<Vec<Subnet>>,
    security_groups: Option<Vec<SecurityGroup>>,
    volumes: Option<Vec<Volume>>,
    scaling_activities: Option<Vec<ScalingActivity>>,
    roles: Option<Vec<IamRole>>,
    target_health: Option<Vec<TargetHealth>>,
    images: Option<Vec<RegistryImage>>,
    quotas: Option<Vec<Quota>>,
}

impl Parts {
    pub(super) fn load(files: &Files) -> Result<Self, ToolError> {
        fn list<T: DeserializeOwned>(files: &Files, folder: &str, name: &str) -> Result<Option<Vec<T>>, ToolError> {
            super::load::list(files, folder, Some(name))
        }
        Ok(Self {
            nodegroups: list(files, "aws/eks/", "nodegroups.json")?,
            addons: list(files, "aws/eks/", "addons.json")?,
            addon_versions: list(files, "aws/eks/", "addon_versions.json")?,
            fargate_profiles: list(files, "aws/eks/", "fargate_profiles.json")?,
            insights: list(files, "aws/eks/", "insights.json")?,
            access_entries: list(files, "aws/eks/", "access_entries.json")?,
            updates: list(files, "aws/eks/", "updates.json")?,
            instances: list(files, "aws/ec2/", "instances.json")?,
            console_outputs: list(files, "aws/ec2/", "console_outputs.json")?,
            instance_types: list(files, "aws/ec2/", "instance_types.json")?,
            subnets: list(files, "aws/ec2/", "subnets.json")?,
            security_groups: list(files, "aws/ec2/", "security_groups.json")?,
            volumes: list(files, "aws/ec2/", "volumes.json")?,
            scaling_activities: list(files, "aws/autoscaling/", "scaling_activities.json")?,
            roles: list(files, "aws/iam/", "roles.json")?,
            target_health: list(files, "aws/elasticloadbalancing/", "target_health.json")?,
            images: list(files, "aws/ecr/", "images.json")?,
            quotas: list(files, "aws/servicequotas/", "quotas.json")?,
        })
    }
}

/// Files of these services that are read; another name would be passed over in silence.
pub(super) const FILES: [&str; 20] = [
    "aws/eks/cluster_versions.json",
    "aws/eks/pod_identity_associations.json",
    "aws/eks/nodegroups.json",
    "aws/eks/addons.json",
    "aws/eks/addon_versions.json",
    "aws/eks/fargate_profiles.json",
    "aws/eks/insights.json",
    "aws/eks/access_entries.json",
    "aws/eks/updates.json",
    "aws/ec2/instances.json",
    "aws/ec2/console_outputs.json",
    "aws/ec2/instance_types.json",
    "aws/ec2/subnets.json",
    "aws/ec2/security_groups.json",
    "aws/ec2/volumes.json",
    "aws/autoscaling/scaling_activities.json",
    "aws/iam/roles.json",
    "aws/elasticloadbalancing/target_health.json",
    "aws/ecr/images.json",
    "aws/servicequotas/quotas.json",
];

impl Port {
    /// The items of a recorded list that fit.
    fn those<T: Clone>(
        &self,
        list: Option<&Vec<T>>,
        (what, file): (&str, &str),
        fits: impl Fn(&T) -> bool,
    ) -> Result<Vec<T>, ToolError> {
        let all = self.recorded(list, what, file)?;
        Ok(all.iter().filter(|it| fits(it)).cloned().collect())
    }

    fn parts(&self) -> &Parts {
        &self.snapshot.parts
    }
}

#[async_trait]
impl ClusterParts for Port {
    async fn nodegroups(&self, cluster: &str) -> Result<Vec<Nodegroup>, ToolError> {
        self.uses("eks:ListNodegroups");
        self.uses("eks:DescribeNodegroup");
        let of = ("node groups", "aws/eks/nodegroups.json");
        self.those(self.parts().nodegroups.as_ref(), of, |it| it.cluster == cluster)
    }

    async fn addons(&self, cluster: &str) -> Result<Vec<Addon>, ToolError> {
        self.uses("eks:ListAddons");
        self.uses("eks:DescribeAddon");
        self.those(self.parts().addons.as_ref(), ("add-ons", "aws/eks/addons.json"), |it| it.cluster == cluster)
    }

    async fn addon_versions(&self, kubernetes_version: &str, names: &[String]) -> Result<Vec<AddonVersions>, ToolError> {
        self.uses("eks:DescribeAddonVersions");
        let of = ("the versions of add-ons", "aws/eks/addon_versions.json");
        let fits = |it: &AddonVersions| it.kubernetes_version == kubernetes_version && names.contains(&it.name);
        self.those(self.parts().addon_versions.as_ref(), of, fits)
    }

    async fn fargate_profiles(&self, cluster: &str) -> Result<Vec<FargateProfile>, ToolError> {
        self.uses("eks:ListFargateProfiles");
        self.uses("eks:DescribeFargateProfile");
        let of = ("Fargate profiles", "aws/eks/fargate_profiles.json");
        self.those(self.parts().fargate_profiles.as_ref(), of, |it| it.cluster == cluster)
    }

    async fn insights(&self, cluster: &str) -> Result<Vec<Insight>, ToolError> {
        self.uses("eks:ListInsights");
        self.uses("eks:DescribeInsight");
        self.those(self.parts().insights.as_ref(), ("insights", "aws/eks/insights.json"), |it| it.cluster == cluster)
    }

    async fn access_entry(&self, cluster: &str, principal: &str) -> Result<Option<AccessEntry>, ToolError> {
        self.uses("eks:DescribeAccessEntry");
        let of = ("access entries", "aws/eks/access_entries.json");
        let fits = |it: &AccessEntry| it.cluster == cluster && it.principal_arn == principal;
        Ok(self.those(self.parts().access_entries.as_ref(), of, fits)?.pop())
    }

    async fn updates(&self, cluster: &str, nodegroup: &str) -> Result<Vec<Update>, ToolError> {
        self.uses("eks:ListUpdates");
        self.uses("eks:DescribeUpdate");
        let fits = |it: &Update| it.cluster == cluster && it.nodegroup.as_deref() == Some(nodegroup);
        self.those(self.parts().updates.as_ref(), ("updates", "aws/eks/updates.json"), fits)
    }
}

#[async_trait]
impl Compute for Port {
    async fn instances(&self, ids: &[String]) -> Result<Vec<Instance>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.uses("ec2:DescribeInstances");
        self.uses("ec2:DescribeInstanceStatus");
        self.those(self.parts().instances.as_ref(), ("instances", "aws/ec2/instances.json"), |it| ids.contains(&it.id))
    }

    async fn instances_of(&self, cluster: &str) -> Result<Vec<Instance>, ToolError> {
        self.uses("ec2:DescribeInstances");
        let tag = format!("kubernetes.io/cluster/{cluster}");
        let fits = |it: &Instance| {
            it.tags.get(&tag).is_some_and(|it| it == "owned") && matches!(it.state.as_str(), "pending" | "running")
        };
        self.those(self.parts().instances.as_ref(), ("instances", "aws/ec2/instances.json"), fits)
    }

    async fn console_output(&self, id: &str) -> Result<String, ToolError> {
        self.uses("ec2:GetConsoleOutput");
        let of = ("console outputs of instances", "aws/ec2/console_outputs.json");
        let found = self.those(self.parts().console_outputs.as_ref(), of, |it| it.id == id)?;
        Ok(found.into_iter().next().unwrap_or_default().output)
    }

    async fn instance_types(&self, names: &[String]) -> Result<Vec<InstanceType>, ToolError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.uses("ec2:DescribeInstanceTypes");
        let of = ("instance types", "aws/ec2/instance_types.json");
        self.those(self.parts().instance_types.as_ref(), of, |it| names.contains(&it.name))
    }

    async fn subnets(&self, ids: &[String]) -> Result<Vec<Subnet>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.uses("ec2:DescribeSubnets");
        self.those(self.parts().subnets.as_ref(), ("subnets", "aws/ec2/subnets.json"), |it| ids.contains(&it.id))
    }

    async fn security_groups(&self, ids: &[String]) -> Result<Vec<SecurityGroup>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.uses("ec2:DescribeSecurityGroups");
        let of = ("security groups", "aws/ec2/security_groups.json");
        self.those(self.parts().security_groups.as_ref(), of, |it| ids.contains(&it.id))
    }

    async fn volumes(&self, ids: &[String]) -> Result<Vec<Volume>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        self.uses("ec2:DescribeVolumes");
        self.those(self.parts().volumes.as_ref(), ("volumes of EBS", "aws/ec2/volumes.json"), |it| ids.contains(&it.id))
    }

    async fn scaling_activities(&self, group: &str) -> Result<Vec<ScalingActivity>, ToolError> {
        self.uses("autoscaling:DescribeScalingActivities");
        let of = ("activities of Auto Scaling groups", "aws/autoscaling/scaling_activities.json");
        let mut found = self.those(self.parts().scaling_activities.as_ref(), of, |it| it.group == group)?;
        found.sort_by_key(|it| std::cmp::Reverse(it.started_at));
        Ok(found)
    }
}

#[async_trait]
impl Iam for Port {
    async fn role(&self, name: &str) -> Result<Option<IamRole>, ToolError> {
        self.uses("iam:GetRole");
        self.uses("iam:ListAttachedRolePolicies");
        Ok(self.those(self.parts().roles.as_ref(), ("roles of IAM", "aws/iam/roles.json"), |it| it.name == name)?.pop())
    }
}

#[async_trait]
impl LoadBalancing for Port {
    async fn target_health(&self, group: &str) -> Result<Vec<TargetHealth>, ToolError> {
        self.uses("elasticloadbalancing:DescribeTargetHealth");
        let of = ("the health of targets", "aws/elasticloadbalancing/target_health.json");
        self.those(self.parts().target_health.as_ref(), of, |it| it.group == group)
    }
}

#[async_trait]
impl Images for Port {
    async fn image(&self, registry: &str, repository: &str, reference: &str) -> Result<RegistryImage, ToolError> {
        self.uses("ecr:DescribeImages");
        let of = ("images of ECR", "aws/ecr/images.json");
        let fits = |it: &RegistryImage| it.registry == registry && it.repository == repository && it.reference == reference;
        let found = self.those(self.parts().images.as_ref(), of, fits)?.pop();
        if found.is_none() && self.snapshot.head.complete {
            let (registry, repository, reference) = (registry.to_owned(), repository.to_owned(), reference.to_owned());
            return Ok(RegistryImage { registry, repository, reference, ..RegistryImage::default() });
        }
        let what = format!("the image `{repository}:{reference}` of account {registry}");
        self.recorded(found.as_ref(), &what, of.1).cloned()
    }
}

#[async_trait]
impl Quotas for Port {
    async fn quota(&self, service: &str, code: &str) -> Result<Option<Quota>, ToolError> {
        self.uses("servicequotas:GetServiceQuota");
        let fits = |it: &Quota| it.service == service && it.code == code;
        Ok(self.those(self.parts().quotas.as_ref(), ("quotas", "aws/servicequotas/quotas.json"), fits)?.pop())
    }
}
