//! The Security Token Service over its SDK.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sts::operation::get_caller_identity::GetCallerIdentityOutput;

use super::identity::Shared;
use super::{CallerIdentity, Sts};
use crate::error::ToolError;

pub(super) struct SdkSts {
    shared: Arc<Shared>,
    region: String,
}

impl SdkSts {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Sts for SdkSts {
    async fn caller_identity(&self) -> Result<CallerIdentity, ToolError> {
        let call = self.shared.call(&self.region, "sts:GetCallerIdentity", "this identity", |clients| async move {
            clients.sts.get_caller_identity().send().await
        });
        call.await.map(identity_from)
    }
}

pub(super) fn identity_from(answer: GetCallerIdentityOutput) -> CallerIdentity {
    CallerIdentity {
        account: answer.account.unwrap_or_default(),
        arn: answer.arn.unwrap_or_default(),
        user_id: answer.user_id.unwrap_or_default(),
    }
}
