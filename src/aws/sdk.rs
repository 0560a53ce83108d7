//! AWS over its SDK: which credentials a call uses, and the ports made from them.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;

use super::identity::{Shared, Source};
use super::{
    Alarms, Aws, ClusterParts, Compute, Eks, Iam, Images, LoadBalancing, Logs, Metrics, Pricing, Quotas, Scope, Sts, alarms,
    cloudwatch, ec2, ecr, eks, iam, load_balancing, logs, parts, pricing, quotas, sts,
};
use crate::domain::account::{Access, Accounts};
use crate::error::{ErrorKind, ToolError};

/// How long the question may take whose account the credentials are of; it only guards against a mistake.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(5);

/// AWS with the credentials of the default chain (environment, profile, SSO, web identity, container, instance) and those
/// of the configured accounts.
#[derive(Clone)]
pub struct SdkAws {
    inner: Arc<Inner>,
}

struct Inner {
    profile: Option<String>,
    accounts: Accounts,
    own: Arc<Shared>,
    /// By account id.
    configured: HashMap<String, Arc<Shared>>,
}

impl SdkAws {
    /// AWS with a named profile, or the default one, and further accounts. Nothing is read or contacted yet.
    pub fn new(profile: Option<String>, accounts: Accounts, ca_bundle: Option<PathBuf>) -> Self {
        let source = Source { account: None, profile: profile.clone(), ca_bundle };
        let own = Arc::new(Shared::new(source.clone()));
        let configured = accounts.iter().map(|account| {
            let shared = match account.access {
                Access::Own => Arc::clone(&own),
                Access::Profile(_) | Access::Role(_) => {
                    Arc::new(Shared::new(Source { account: Some(account.clone()), ..source.clone() }))
                }
            };
            (account.id.clone(), shared)
        });
        let configured = configured.collect();
        Self { inner: Arc::new(Inner { profile, accounts, own, configured }) }
    }

    fn shared(&self, scope: &Scope) -> Arc<Shared> {
        let configured = scope.account.as_ref().and_then(|id| self.inner.configured.get(id));
        Arc::clone(configured.unwrap_or(&self.inner.own))
    }

    /// Mints tokens for the API servers of clusters in a Region.
    pub fn tokens(&self, scope: &Scope) -> super::token::Tokens {
        super::token::Tokens::new(self.shared(scope), scope.region.clone())
    }

    /// What keeps whatever the credentials of a scope made apart from that of others.
    pub fn identity_key(&self, scope: &Scope) -> String {
        self.shared(scope).source.key().to_owned()
    }

    /// Forgets what EKS said about a cluster, so that it is asked again.
    pub async fn forget_cluster(&self, scope: &Scope, cluster: &str) {
        let state = self.shared(scope).state();
        state.clusters.invalidate(&(scope.region.clone(), cluster.to_owned())).await;
    }
}

#[async_trait]
impl Aws for SdkAws {
    async fn default_region(&self) -> Option<String> {
        // Not the SDK's whole chain: that would ask the instance metadata service and make a laptop wait for it.
        let profile = ProfileFileRegionProvider::builder();
        let profile = match &self.inner.profile {
            Some(name) => profile.profile_name(name),
            None => profile,
        };
        let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
        chain.region().await.map(|it| it.to_string())
    }

    fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    async fn verify_account(&self, id: &str, region: &str) -> Result<(), ToolError> {
        let account = self.inner.accounts.by_id(id);
        // The ARN of a role says of which account it is; what a profile leads to is known only to STS.
        if account.is_some_and(|it| matches!(it.access, Access::Role(_))) {
            return Ok(());
        }
        let state = self.shared(&Scope { account: account.map(|it| it.id.clone()), region: region.to_owned() }).state();
        if state.anonymous.load(Ordering::Acquire) {
            return Ok(());
        }
        let Ok(Some(caller)) = tokio::time::timeout(IDENTITY_TIMEOUT, state.caller(region)).await else {
            // Without an answer the call itself finds out; an endpoint that cannot be reached is not waited for again.
            state.anonymous.store(true, Ordering::Release);
            return Ok(());
        };
        if caller.account == id {
            return Ok(());
        }
        let (arn, found) = (&caller.arn, &caller.account);
        Err(match account {
            Some(account) => ToolError::new(
                ErrorKind::Credentials,
                format!("{} is configured with {}, which is {arn} of account {found}", account.label(), account.way()),
            )
            .with_hint(format!("Correct `accounts.{}` in the configuration.", account.alias)),
            None => ToolError::new(
                ErrorKind::Credentials,
                format!("account {id} is not configured, and the server's own credentials are {arn} of account {found}"),
            )
            .with_hint(format!(
                "Ask the user to add `[accounts.<alias>]` with `role_arn = \"arn:aws:iam::{id}:role/…\"` or `profile` to the configuration, or to use credentials of that account."
            )),
        })
    }

    fn eks(&self, scope: &Scope) -> Arc<dyn Eks> {
        Arc::new(eks::SdkEks::new(self.shared(scope), &scope.region))
    }

    fn metrics(&self, scope: &Scope) -> Arc<dyn Metrics> {
        Arc::new(cloudwatch::SdkMetrics::new(self.shared(scope), &scope.region))
    }

    fn alarms(&self, scope: &Scope) -> Arc<dyn Alarms> {
        Arc::new(alarms::SdkAlarms::new(self.shared(scope), &scope.region))
    }

    fn logs(&self, scope: &Scope) -> Arc<dyn Logs> {
        Arc::new(logs::SdkLogs::new(self.shared(scope), &scope.region))
    }

    fn pricing(&self, scope: &Scope) -> Arc<dyn Pricing> {
        Arc::new(pricing::SdkPricing::new(self.shared(scope)))
    }

    fn sts(&self, scope: &Scope) -> Arc<dyn Sts> {
        Arc::new(sts::SdkSts::new(self.shared(scope), &scope.region))
    }

    fn parts(&self, scope: &Scope) -> Arc<dyn ClusterParts> {
        Arc::new(parts::SdkClusterParts::new(self.shared(scope), &scope.region))
    }

    fn compute(&self, scope: &Scope) -> Arc<dyn Compute> {
        Arc::new(ec2::QueryCompute::new(self.shared(scope), &scope.region))
    }

    fn iam(&self, scope: &Scope) -> Arc<dyn Iam> {
        Arc::new(iam::QueryIam::new(self.shared(scope), &scope.region))
    }

    fn load_balancing(&self, scope: &Scope) -> Arc<dyn LoadBalancing> {
        Arc::new(load_balancing::QueryLoadBalancing::new(self.shared(scope), &scope.region))
    }

    fn images(&self, scope: &Scope) -> Arc<dyn Images> {
        Arc::new(ecr::SdkImages::new(self.shared(scope), &scope.region))
    }

    fn quotas(&self, scope: &Scope) -> Arc<dyn Quotas> {
        Arc::new(quotas::SdkQuotas::new(self.shared(scope), &scope.region))
    }
}
