//! What a cluster consists of, over the SDK of EKS.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_eks::types;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::ClusterParts;
use super::eks::timestamp;
use super::identity::Shared;
use crate::domain::cluster::HealthIssue;
use crate::domain::eks::{AccessEntry, Addon, AddonVersions, Deprecation, FargateProfile, Insight, Nodegroup, Update};
use crate::error::{ErrorKind, ToolError};

/// Calls at a time that describe the items of one list.
const AT_A_TIME: usize = 8;
/// Insights that are described; the others are told by their summary.
const INSIGHTS: usize = 20;
/// Updates that are described from either end of the list, whose order EKS does not promise.
const UPDATES: usize = 10;

pub(super) struct SdkClusterParts {
    shared: Arc<Shared>,
    region: String,
}

impl SdkClusterParts {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }

    /// Describes the items of a list, some at a time.
    async fn each<T, F, Fut>(&self, names: Vec<String>, describe: F) -> Result<Vec<T>, ToolError>
    where
        F: Fn(String) -> Fut,
        Fut: Future<Output = Result<Option<T>, ToolError>>,
    {
        // One that was deleted between the two calls is not there any more, which is no failure.
        let found = stream::iter(names.into_iter().map(describe)).buffered(AT_A_TIME).map(|it| match it {
            Err(err) if err.kind == ErrorKind::NotFound => Ok(None),
            other => other,
        });
        found.try_filter_map(|it| async move { Ok(it) }).try_collect().await
    }
}

#[async_trait]
impl ClusterParts for SdkClusterParts {
    async fn nodegroups(&self, cluster: &str) -> Result<Vec<Nodegroup>, ToolError> {
        let thing = format!("cluster `{cluster}`");
        let names = self.shared.call(&self.region, "eks:ListNodegroups", &thing, |clients| async move {
            let request = clients.eks.list_nodegroups().cluster_name(cluster);
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        let describe = async |name: String| {
            let (thing, name) = (format!("node group `{name}` of cluster `{cluster}`"), name.as_str());
            let call = self.shared.call(&self.region, "eks:DescribeNodegroup", &thing, |clients| async move {
                clients.eks.describe_nodegroup().cluster_name(cluster).nodegroup_name(name).send().await
            });
            Ok(call.await?.nodegroup.map(nodegroup_from))
        };
        self.each(names.await?, describe).await
    }

    async fn addons(&self, cluster: &str) -> Result<Vec<Addon>, ToolError> {
        let thing = format!("cluster `{cluster}`");
        let names = self.shared.call(&self.region, "eks:ListAddons", &thing, |clients| async move {
            let request = clients.eks.list_addons().cluster_name(cluster);
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        let describe = async |name: String| {
            let (thing, name) = (format!("add-on `{name}` of cluster `{cluster}`"), name.as_str());
            let call = self.shared.call(&self.region, "eks:DescribeAddon", &thing, |clients| async move {
                clients.eks.describe_addon().cluster_name(cluster).addon_name(name).send().await
            });
            Ok(call.await?.addon.map(addon_from))
        };
        self.each(names.await?, describe).await
    }

    async fn addon_versions(&self, kubernetes_version: &str, names: &[String]) -> Result<Vec<AddonVersions>, ToolError> {
        let describe = async |name: String| {
            let (thing, name) = (format!("add-on `{name}` for Kubernetes {kubernetes_version}"), name.as_str());
            let call = self.shared.call(&self.region, "eks:DescribeAddonVersions", &thing, |clients| async move {
                let request = clients.eks.describe_addon_versions().addon_name(name).kubernetes_version(kubernetes_version);
                request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
            });
            let versions = call.await?.into_iter().flat_map(|it| it.addon_versions.unwrap_or_default());
            let versions: Vec<types::AddonVersionInfo> = versions.collect();
            let is_default = |it: &&types::AddonVersionInfo| {
                it.compatibilities().iter().any(|it| it.default_version && it.cluster_version() == Some(kubernetes_version))
            };
            Ok(Some(AddonVersions {
                kubernetes_version: kubernetes_version.to_owned(),
                name: name.to_owned(),
                default_version: versions.iter().find(is_default).and_then(|it| it.addon_version.clone()),
                versions: versions.into_iter().filter_map(|it| it.addon_version).collect(),
            }))
        };
        self.each(names.to_vec(), describe).await
    }

    async fn fargate_profiles(&self, cluster: &str) -> Result<Vec<FargateProfile>, ToolError> {
        let thing = format!("cluster `{cluster}`");
        let names = self.shared.call(&self.region, "eks:ListFargateProfiles", &thing, |clients| async move {
            let request = clients.eks.list_fargate_profiles().cluster_name(cluster);
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        let describe = async |name: String| {
            let (thing, name) = (format!("Fargate profile `{name}` of cluster `{cluster}`"), name.as_str());
            let call = self.shared.call(&self.region, "eks:DescribeFargateProfile", &thing, |clients| async move {
                clients.eks.describe_fargate_profile().cluster_name(cluster).fargate_profile_name(name).send().await
            });
            Ok(call.await?.fargate_profile.map(profile_from))
        };
        self.each(names.await?, describe).await
    }

    async fn insights(&self, cluster: &str) -> Result<Vec<Insight>, ToolError> {
        let thing = format!("cluster `{cluster}`");
        let listed = self.shared.call(&self.region, "eks:ListInsights", &thing, |clients| async move {
            let request = clients.eks.list_insights().cluster_name(cluster);
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        let summaries = listed.await?;
        let open = |it: &&types::InsightSummary| {
            let status = it.insight_status.as_ref().and_then(|it| it.status.as_ref());
            matches!(status, Some(types::InsightStatusValue::Warning | types::InsightStatusValue::Error))
        };
        let ids: Vec<String> = summaries.iter().filter(open).filter_map(|it| it.id.clone()).take(INSIGHTS).collect();
        let describe = async |id: String| {
            let (thing, id) = (format!("insight `{id}` of cluster `{cluster}`"), id.as_str());
            let call = self.shared.call(&self.region, "eks:DescribeInsight", &thing, |clients| async move {
                clients.eks.describe_insight().cluster_name(cluster).id(id).send().await
            });
            Ok(call.await?.insight.map(|it| insight_from(cluster, it)))
        };
        let mut insights = self.each(ids.clone(), describe).await?;
        let others = summaries.into_iter().filter(|it| it.id.as_ref().is_none_or(|id| !ids.contains(id)));
        insights.extend(others.map(|it| summary_from(cluster, it)));
        Ok(insights)
    }

    async fn access_entry(&self, cluster: &str, principal: &str) -> Result<Option<AccessEntry>, ToolError> {
        let thing = format!("{principal} in cluster `{cluster}`");
        let call = self.shared.call(&self.region, "eks:DescribeAccessEntry", &thing, |clients| async move {
            clients.eks.describe_access_entry().cluster_name(cluster).principal_arn(principal).send().await
        });
        match call.await {
            Ok(answer) => Ok(answer.access_entry.map(|it| AccessEntry {
                cluster: cluster.to_owned(),
                principal_arn: it.principal_arn.unwrap_or_default(),
                entry_type: it.r#type.unwrap_or_default(),
                username: it.username.unwrap_or_default(),
                groups: it.kubernetes_groups.unwrap_or_default(),
            })),
            // What some proxy does not find says nothing of the entry.
            Err(err) if err.kind == ErrorKind::NotFound && err.message.contains("ResourceNotFound") => Ok(None),
            Err(err) => Err(err),
        }
    }

    async fn updates(&self, cluster: &str, nodegroup: &str) -> Result<Vec<Update>, ToolError> {
        let thing = format!("node group `{nodegroup}` of cluster `{cluster}`");
        let listed = self.shared.call(&self.region, "eks:ListUpdates", &thing, |clients| async move {
            let request = clients.eks.list_updates().name(cluster).nodegroup_name(nodegroup);
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        let mut ids = listed.await?;
        if ids.len() > 2 * UPDATES {
            ids.drain(UPDATES..ids.len() - UPDATES);
        }
        let describe = async |id: String| {
            let (thing, id) = (format!("update `{id}` of node group `{nodegroup}`"), id.as_str());
            let call = self.shared.call(&self.region, "eks:DescribeUpdate", &thing, |clients| async move {
                clients.eks.describe_update().name(cluster).nodegroup_name(nodegroup).update_id(id).send().await
            });
            Ok(call.await?.update.map(|it| update_from(cluster, nodegroup, it)))
        };
        self.each(ids, describe).await
    }
}

fn issue(code: Option<String>, message: Option<String>, resource_ids: Option<Vec<String>>) -> HealthIssue {
    HealthIssue {
        code: code.unwrap_or_default(),
        message: message.unwrap_or_default(),
        resource_ids: resource_ids.unwrap_or_default(),
    }
}

fn nodegroup_from(group: types::Nodegroup) -> Nodegroup {
    let scaling = group.scaling_config;
    let size = |of: fn(&types::NodegroupScalingConfig) -> Option<i32>| scaling.as_ref().and_then(of).unwrap_or_default();
    let groups = group.resources.and_then(|it| it.auto_scaling_groups).unwrap_or_default();
    let issues = group.health.and_then(|it| it.issues).unwrap_or_default();
    Nodegroup {
        cluster: group.cluster_name.unwrap_or_default(),
        name: group.nodegroup_name.unwrap_or_default(),
        status: group.status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        version: group.version.unwrap_or_default(),
        release_version: group.release_version.unwrap_or_default(),
        ami_type: group.ami_type.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        capacity_type: group.capacity_type.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        instance_types: group.instance_types.unwrap_or_default(),
        subnet_ids: group.subnets.unwrap_or_default(),
        node_role: group.node_role.unwrap_or_default(),
        min_size: size(|it| it.min_size),
        desired_size: size(|it| it.desired_size),
        max_size: size(|it| it.max_size),
        auto_scaling_groups: groups.into_iter().filter_map(|it| it.name).collect(),
        health_issues: issues
            .into_iter()
            .map(|it| issue(it.code.map(|it| it.as_str().to_owned()), it.message, it.resource_ids))
            .collect(),
        created_at: group.created_at.and_then(timestamp),
    }
}

fn addon_from(addon: types::Addon) -> Addon {
    let issues = addon.health.and_then(|it| it.issues).unwrap_or_default();
    Addon {
        cluster: addon.cluster_name.unwrap_or_default(),
        name: addon.addon_name.unwrap_or_default(),
        status: addon.status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        version: addon.addon_version.unwrap_or_default(),
        health_issues: issues
            .into_iter()
            .map(|it| issue(it.code.map(|it| it.as_str().to_owned()), it.message, it.resource_ids))
            .collect(),
    }
}

fn profile_from(profile: types::FargateProfile) -> FargateProfile {
    let issues = profile.health.and_then(|it| it.issues).unwrap_or_default();
    FargateProfile {
        cluster: profile.cluster_name.unwrap_or_default(),
        name: profile.fargate_profile_name.unwrap_or_default(),
        status: profile.status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        pod_execution_role: profile.pod_execution_role_arn.unwrap_or_default(),
        health_issues: issues
            .into_iter()
            .map(|it| issue(it.code.map(|it| it.as_str().to_owned()), it.message, it.resource_ids))
            .collect(),
    }
}

fn insight_from(cluster: &str, insight: types::Insight) -> Insight {
    let summary = insight.category_specific_summary;
    let deprecations = summary.as_ref().map(|it| it.deprecation_details().to_vec()).unwrap_or_default();
    let addons = summary.as_ref().map(|it| it.addon_compatibility_details().to_vec()).unwrap_or_default();
    let version = insight.kubernetes_version.unwrap_or_default();
    Insight {
        cluster: cluster.to_owned(),
        id: insight.id.unwrap_or_default(),
        name: insight.name.unwrap_or_default(),
        category: insight.category.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        status: status_of(insight.insight_status.as_ref()),
        reason: insight.insight_status.and_then(|it| it.reason).unwrap_or_default(),
        recommendation: insight.recommendation.unwrap_or_default(),
        resources: insight
            .resources
            .unwrap_or_default()
            .into_iter()
            .filter_map(|it| it.kubernetes_resource_uri.or(it.arn))
            .collect(),
        deprecations: deprecations
            .into_iter()
            .map(|it| Deprecation {
                usage: it.usage.unwrap_or_default(),
                replaced_with: it.replaced_with.unwrap_or_default(),
                stop_serving_version: it.stop_serving_version.unwrap_or_default(),
                clients: it.client_stats.unwrap_or_default().into_iter().filter_map(|it| it.user_agent).collect(),
            })
            .collect(),
        addons: addons
            .into_iter()
            .map(|it| AddonVersions {
                kubernetes_version: version.clone(),
                name: it.name.unwrap_or_default(),
                versions: it.compatible_versions.unwrap_or_default(),
                default_version: None,
            })
            .collect(),
        kubernetes_version: version,
        refreshed_at: insight.last_refresh_time.and_then(timestamp),
    }
}

fn summary_from(cluster: &str, insight: types::InsightSummary) -> Insight {
    Insight {
        cluster: cluster.to_owned(),
        id: insight.id.unwrap_or_default(),
        name: insight.name.unwrap_or_default(),
        category: insight.category.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        kubernetes_version: insight.kubernetes_version.unwrap_or_default(),
        status: status_of(insight.insight_status.as_ref()),
        reason: insight.insight_status.and_then(|it| it.reason).unwrap_or_default(),
        refreshed_at: insight.last_refresh_time.and_then(timestamp),
        ..Insight::default()
    }
}

fn status_of(status: Option<&types::InsightStatus>) -> String {
    status.and_then(|it| it.status.as_ref()).map(|it| it.as_str().to_owned()).unwrap_or_default()
}

fn update_from(cluster: &str, nodegroup: &str, update: types::Update) -> Update {
    let errors = update.errors.unwrap_or_default();
    Update {
        cluster: cluster.to_owned(),
        nodegroup: Some(nodegroup.to_owned()),
        id: update.id.unwrap_or_default(),
        status: update.status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        update_type: update.r#type.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        errors: errors
            .into_iter()
            .map(|it| issue(it.error_code.map(|it| it.as_str().to_owned()), it.error_message, it.resource_ids))
            .collect(),
        created_at: update.created_at.and_then(timestamp),
    }
}
