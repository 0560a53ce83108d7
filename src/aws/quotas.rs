//! Service Quotas over its SDK.

use std::sync::Arc;

use async_trait::async_trait;

use super::Quotas;
use super::identity::Shared;
use crate::domain::surroundings::Quota;
use crate::error::ToolError;

pub(super) struct SdkQuotas {
    shared: Arc<Shared>,
    region: String,
}

impl SdkQuotas {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Quotas for SdkQuotas {
    async fn quota(&self, service: &str, code: &str) -> Result<Option<Quota>, ToolError> {
        let thing = format!("quota {code} of {service}");
        let call = self.shared.call(&self.region, "servicequotas:GetServiceQuota", &thing, |clients| async move {
            clients.quotas.get_service_quota().service_code(service).quota_code(code).send().await
        });
        Ok(call.await?.quota.map(|it| Quota {
            service: service.to_owned(),
            code: code.to_owned(),
            name: it.quota_name.unwrap_or_default(),
            value: it.value.unwrap_or_default(),
        }))
    }
}
