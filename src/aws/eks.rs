//! Amazon EKS over its SDK.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_eks::types;
use aws_smithy_types::DateTime;
use jiff::Timestamp;

use super::Eks;
use super::identity::Shared;
use crate::domain::cluster::{AutoMode, Cluster, HealthIssue, PodIdentityAssociation, RemoteNetworks, Vpc};
use crate::domain::version::{ClusterVersion, ScalingTier};
use crate::error::{ErrorKind, ToolError};

pub(super) struct SdkEks {
    shared: Arc<Shared>,
    region: String,
}

impl SdkEks {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Eks for SdkEks {
    async fn list_clusters(&self, include_external: bool) -> Result<Vec<String>, ToolError> {
        let thing = format!("Region {}", self.region);
        let call = self.shared.call(&self.region, "eks:ListClusters", &thing, |clients| async move {
            let request = clients.eks.list_clusters();
            let request = if include_external { request.include("all") } else { request };
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        call.await
    }

    async fn describe_cluster(&self, name: &str) -> Result<Cluster, ToolError> {
        let state = self.shared.state();
        let load = async {
            let thing = format!("cluster `{name}` in {}", self.region);
            let call = self.shared.call(&self.region, "eks:DescribeCluster", &thing, |clients| async move {
                clients.eks.describe_cluster().name(name).send().await
            });
            let cluster = call.await?.cluster;
            cluster.map(cluster_from).ok_or_else(|| {
                ToolError::new(ErrorKind::Upstream, format!("eks:DescribeCluster on {thing}: the answer holds no cluster"))
            })
        };
        let key = (self.region.clone(), name.to_owned());
        state.clusters.try_get_with(key, load).await.map_err(|err| ToolError::clone(&err))
    }

    async fn cluster_versions(&self) -> Result<Vec<ClusterVersion>, ToolError> {
        let state = self.shared.state();
        let load = async {
            let thing = format!("Region {}", self.region);
            let call = self.shared.call(&self.region, "eks:DescribeClusterVersions", &thing, |clients| async move {
                let request = clients.eks.describe_cluster_versions().include_all(true);
                request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
            });
            Ok(Arc::new(call.await?.into_iter().map(version_from).collect()))
        };
        let versions: Result<Arc<Vec<ClusterVersion>>, Arc<ToolError>> =
            state.versions.try_get_with(self.region.clone(), load).await;
        versions.map(|it| it.to_vec()).map_err(|err| ToolError::clone(&err))
    }

    async fn pod_identity_associations(
        &self,
        cluster: &str,
        namespace: &str,
        service_account: &str,
    ) -> Result<Vec<PodIdentityAssociation>, ToolError> {
        let thing = format!("service account `{namespace}/{service_account}` of cluster `{cluster}`");
        let call = self.shared.call(&self.region, "eks:ListPodIdentityAssociations", &thing, |clients| async move {
            let request = clients.eks.list_pod_identity_associations().cluster_name(cluster);
            let request = request.namespace(namespace).service_account(service_account);
            request.into_paginator().items().send().collect::<Result<Vec<_>, _>>().await
        });
        let found = call.await?.into_iter().map(|it| PodIdentityAssociation {
            cluster: it.cluster_name.unwrap_or_else(|| cluster.to_owned()),
            namespace: it.namespace.unwrap_or_default(),
            service_account: it.service_account.unwrap_or_default(),
            id: it.association_id.unwrap_or_default(),
        });
        Ok(found.collect())
    }
}

pub(super) fn timestamp(moment: DateTime) -> Option<Timestamp> {
    Timestamp::from_second(moment.secs()).ok()
}

fn cluster_from(cluster: types::Cluster) -> Cluster {
    let network = cluster.kubernetes_network_config;
    let load_balancing = network.as_ref().and_then(|it| it.elastic_load_balancing.as_ref());
    let load_balancing = load_balancing.and_then(|it| it.enabled).unwrap_or(false);
    let block_storage = cluster.storage_config.and_then(|it| it.block_storage).and_then(|it| it.enabled).unwrap_or(false);
    let auto_mode = cluster.compute_config.map(|compute| AutoMode {
        compute: compute.enabled.unwrap_or(false),
        storage: block_storage,
        load_balancing,
        node_pools: compute.node_pools.unwrap_or_default(),
    });
    let logging = cluster.logging.and_then(|it| it.cluster_logging).unwrap_or_default();
    let logging = logging.into_iter().filter(|it| it.enabled == Some(true)).flat_map(|it| it.types.unwrap_or_default());
    Cluster {
        name: cluster.name.unwrap_or_default(),
        arn: cluster.arn.unwrap_or_default(),
        status: cluster.status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        version: cluster.version,
        platform_version: cluster.platform_version,
        created_at: cluster.created_at.and_then(timestamp),
        endpoint: cluster.endpoint,
        certificate_authority: cluster.certificate_authority.and_then(|it| it.data),
        role_arn: cluster.role_arn,
        oidc_issuer: cluster.identity.and_then(|it| it.oidc).and_then(|it| it.issuer),
        vpc: cluster.resources_vpc_config.map(vpc_from),
        ip_family: network.as_ref().and_then(|it| it.ip_family.as_ref()).map(|it| it.as_str().to_owned()),
        service_cidr: network.and_then(|it| it.service_ipv4_cidr.or(it.service_ipv6_cidr)),
        logging: logging.map(|it| it.as_str().to_owned()).collect(),
        encryption_key_arn: cluster.encryption_config.unwrap_or_default().into_iter().find_map(|it| it.provider?.key_arn),
        health_issues: cluster.health.and_then(|it| it.issues).unwrap_or_default().into_iter().map(issue_from).collect(),
        authentication_mode: cluster.access_config.and_then(|it| it.authentication_mode).map(|it| it.as_str().to_owned()),
        support_type: cluster.upgrade_policy.and_then(|it| it.support_type).map(|it| it.as_str().to_owned()),
        zonal_shift: cluster.zonal_shift_config.and_then(|it| it.enabled),
        auto_mode,
        remote_networks: cluster.remote_network_config.map(|it| RemoteNetworks {
            node_cidrs: it
                .remote_node_networks
                .unwrap_or_default()
                .into_iter()
                .flat_map(|it| it.cidrs.unwrap_or_default())
                .collect(),
            pod_cidrs: it
                .remote_pod_networks
                .unwrap_or_default()
                .into_iter()
                .flat_map(|it| it.cidrs.unwrap_or_default())
                .collect(),
        }),
        deletion_protection: cluster.deletion_protection,
        tier: cluster.control_plane_scaling_config.and_then(|it| it.tier).map(|it| it.as_str().to_owned()),
        event_ttl: cluster.kube_api_server_config.and_then(|it| it.event_ttl),
        connector_provider: cluster.connector_config.and_then(|it| it.provider),
        tags: cluster.tags.unwrap_or_default().into_iter().collect(),
    }
}

fn vpc_from(vpc: types::VpcConfigResponse) -> Vpc {
    Vpc {
        id: vpc.vpc_id,
        subnet_ids: vpc.subnet_ids.unwrap_or_default(),
        security_group_ids: vpc.security_group_ids.unwrap_or_default(),
        cluster_security_group_id: vpc.cluster_security_group_id,
        public_access: vpc.endpoint_public_access,
        private_access: vpc.endpoint_private_access,
        public_access_cidrs: vpc.public_access_cidrs.unwrap_or_default(),
        egress_mode: vpc.control_plane_egress_mode.map(|it| it.as_str().to_owned()),
    }
}

fn issue_from(issue: types::ClusterIssue) -> HealthIssue {
    HealthIssue {
        code: issue.code.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        message: issue.message.unwrap_or_default(),
        resource_ids: issue.resource_ids.unwrap_or_default(),
    }
}

fn version_from(version: types::ClusterVersionInformation) -> ClusterVersion {
    ClusterVersion {
        version: version.cluster_version.unwrap_or_default(),
        status: version.version_status.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        default: version.default_version,
        patch_version: version.kubernetes_patch_version,
        platform_version: version.default_platform_version,
        released: version.release_date.and_then(timestamp),
        end_of_standard_support: version.end_of_standard_support_date.and_then(timestamp),
        end_of_extended_support: version.end_of_extended_support_date.and_then(timestamp),
        tiers: version.control_plane_scaling_tiers.unwrap_or_default().into_iter().map(tier_from).collect(),
    }
}

fn tier_from(tier: types::ControlPlaneScalingTierInfo) -> ScalingTier {
    ScalingTier {
        name: tier.tier_name.unwrap_or_default(),
        api_request_concurrency: tier.api_request_concurrency,
        pods_per_second: tier.pod_scheduling_rate_per_second,
        database_gb: tier.cluster_database_size_gb,
    }
}
