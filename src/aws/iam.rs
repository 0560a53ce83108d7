//! IAM over the Query protocol.

use std::sync::Arc;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;

use super::Iam;
use super::identity::Shared;
use super::query::List;
use crate::domain::surroundings::IamRole;
use crate::error::{ErrorKind, ToolError};

pub(super) struct QueryIam {
    shared: Arc<Shared>,
    region: String,
}

impl QueryIam {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }
}

#[async_trait]
impl Iam for QueryIam {
    async fn role(&self, name: &str) -> Result<Option<IamRole>, ToolError> {
        let thing = format!("role `{name}`");
        let arguments = &vec![("RoleName".to_owned(), name.to_owned())];
        let role = self.shared.call(&self.region, "iam:GetRole", &thing, |clients| async move {
            clients.iam.call::<GetRole>("GetRole", arguments.clone()).await
        });
        let policies = self.shared.call(&self.region, "iam:ListAttachedRolePolicies", &thing, |clients| async move {
            clients.iam.call::<ListPolicies>("ListAttachedRolePolicies", arguments.clone()).await
        });
        let (role, policies) = futures::join!(role, policies);
        let role = match role {
            Ok(answer) => answer.result.role,
            Err(err) if err.kind == ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err),
        };
        // The document comes percent-encoded.
        let trust = percent_encoding::percent_decode_str(&role.assume_role_policy_document).decode_utf8_lossy();
        // That its policies may not be listed leaves the trust readable.
        let policies = policies.map(|it| it.result.attached_policies.item).unwrap_or_default();
        Ok(Some(IamRole {
            name: role.role_name,
            arn: role.arn,
            trust: serde_json::from_str(&trust).unwrap_or(Value::Null),
            policies: policies.into_iter().map(|it| it.policy_arn).collect(),
        }))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GetRole {
    #[serde(rename = "GetRoleResult")]
    result: RoleResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RoleResult {
    role: RoleXml,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct RoleXml {
    role_name: String,
    arn: String,
    assume_role_policy_document: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListPolicies {
    #[serde(rename = "ListAttachedRolePoliciesResult")]
    result: PoliciesResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PoliciesResult {
    attached_policies: List<PolicyXml>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct PolicyXml {
    policy_arn: String,
}
