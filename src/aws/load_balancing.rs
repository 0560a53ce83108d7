//! Elastic Load Balancing over the Query protocol.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;

use super::LoadBalancing;
use super::identity::Shared;
use super::query::List;
use crate::domain::surroundings::TargetHealth;
use crate::error::ToolError;

pub(super) struct QueryLoadBalancing {
    shared: Arc<Shared>,
    region: String,
}

impl QueryLoadBalancing {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl LoadBalancing for QueryLoadBalancing {
    async fn target_health(&self, group: &str) -> Result<Vec<TargetHealth>, ToolError> {
        let thing = format!("target group `{group}`");
        let arguments = &vec![("TargetGroupArn".to_owned(), group.to_owned())];
        let call = self.shared.call(&self.region, "elasticloadbalancing:DescribeTargetHealth", &thing, |clients| async move {
            clients.load_balancing.call::<Answer>("DescribeTargetHealth", arguments.clone()).await
        });
        let targets = call.await?.result.target_health_descriptions.item.into_iter();
        Ok(targets
            .map(|it| TargetHealth {
                group: group.to_owned(),
                target: it.target.id,
                port: it.target.port,
                state: it.target_health.state,
                reason: it.target_health.reason,
                description: it.target_health.description,
            })
            .collect())
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Answer {
    #[serde(rename = "DescribeTargetHealthResult")]
    result: HealthResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthResult {
    target_health_descriptions: List<DescriptionXml>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct DescriptionXml {
    target: TargetXml,
    target_health: HealthXml,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct TargetXml {
    id: String,
    port: Option<i32>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HealthXml {
    state: String,
    reason: String,
    description: String,
}
