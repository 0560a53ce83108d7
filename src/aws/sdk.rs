//! AWS over its SDK: credentials of the default chain, clients per Region made when first needed.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use moka::future::Cache;
use tokio::sync::OnceCell;

use super::{Aws, Eks, Logs, Metrics, Pricing, Scope, Sts, cloudwatch, eks, error, logs, pricing, sts};
use crate::domain::cluster::Cluster;
use crate::domain::price::Product;
use crate::domain::version::ClusterVersion;
use crate::error::{ErrorKind, ToolError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(40);
const MAX_ATTEMPTS: u32 = 4;

/// AWS with the credentials of the default chain: environment, profile, SSO, web identity, container, instance.
#[derive(Clone)]
pub struct SdkAws {
    shared: Arc<Shared>,
}

/// The present credentials and everything made from them.
pub(super) struct Shared {
    profile: Option<String>,
    state: Mutex<Arc<State>>,
}

/// What one set of credentials made. It is dropped whole when they stop working, so that a new login is picked up without
/// a restart and nothing cached outlives the identity that read it.
pub(super) struct State {
    profile: Option<String>,
    base: OnceCell<SdkConfig>,
    regions: Mutex<HashMap<String, Arc<Clients>>>,
    pub(super) clusters: Cache<(String, String), Cluster>,
    pub(super) versions: Cache<String, Arc<Vec<ClusterVersion>>>,
    pub(super) products: Cache<String, Arc<Vec<Product>>>,
}

/// The SDK clients of one Region.
pub(super) struct Clients {
    pub(super) config: SdkConfig,
    pub(super) eks: aws_sdk_eks::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) pricing: aws_sdk_pricing::Client,
    pub(super) sts: aws_sdk_sts::Client,
}

impl SdkAws {
    /// AWS with a named profile, or the default one. Nothing is read or contacted yet.
    pub fn new(profile: Option<String>) -> Self {
        let state = Mutex::new(Arc::new(State::new(profile.clone())));
        Self { shared: Arc::new(Shared { profile, state }) }
    }

    /// Mints tokens for the API servers of clusters in a Region.
    pub fn tokens(&self, region: &str) -> super::token::Tokens {
        super::token::Tokens::new(Arc::clone(&self.shared), region.to_owned())
    }
}

#[async_trait]
impl Aws for SdkAws {
    async fn default_region(&self) -> Option<String> {
        // Not the SDK's whole chain: that would ask the instance metadata service and make a laptop wait for it.
        let profile = ProfileFileRegionProvider::builder();
        let profile = match &self.shared.profile {
            Some(name) => profile.profile_name(name),
            None => profile,
        };
        let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(profile.build());
        chain.region().await.map(|it| it.to_string())
    }

    fn eks(&self, scope: &Scope) -> Arc<dyn Eks> {
        Arc::new(eks::SdkEks::new(Arc::clone(&self.shared), &scope.region))
    }

    fn metrics(&self, scope: &Scope) -> Arc<dyn Metrics> {
        Arc::new(cloudwatch::SdkMetrics::new(Arc::clone(&self.shared), &scope.region))
    }

    fn logs(&self, scope: &Scope) -> Arc<dyn Logs> {
        Arc::new(logs::SdkLogs::new(Arc::clone(&self.shared), &scope.region))
    }

    fn pricing(&self) -> Arc<dyn Pricing> {
        Arc::new(pricing::SdkPricing::new(Arc::clone(&self.shared)))
    }

    fn sts(&self, scope: &Scope) -> Arc<dyn Sts> {
        Arc::new(sts::SdkSts::new(Arc::clone(&self.shared), &scope.region))
    }
}

impl Shared {
    /// What the present credentials made.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets credentials that failed, unless another call has already done so.
    pub(super) fn forget(&self, failed: &Arc<State>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&state, failed) {
            *state = Arc::new(State::new(self.profile.clone()));
        }
    }

    /// Makes one call; when the credentials have expired, once more with those that are there now.
    pub(super) async fn call<T, E, F, Fut>(
        &self,
        region: &str,
        action: &'static str,
        thing: &str,
        call: F,
    ) -> Result<T, ToolError>
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
        F: Fn(Arc<Clients>) -> Fut + Send + Sync,
        Fut: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send,
        T: Send,
    {
        let state = self.state();
        let err = match call(state.clients(region).await).await {
            Ok(answer) => return Ok(answer),
            Err(err) => error::map(&err, action, thing),
        };
        if err.kind != ErrorKind::Credentials {
            return Err(state.name_identity(err, region).await);
        }
        self.forget(&state);
        let state = self.state();
        match call(state.clients(region).await).await {
            Ok(answer) => Ok(answer),
            Err(err) => {
                let err = error::map(&err, action, thing);
                if err.kind == ErrorKind::Credentials {
                    self.forget(&state);
                }
                Err(state.name_identity(err, region).await)
            }
        }
    }
}

impl State {
    fn new(profile: Option<String>) -> Self {
        Self {
            profile,
            base: OnceCell::new(),
            regions: Mutex::default(),
            clusters: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(30)).build(),
            versions: Cache::builder().max_capacity(100).time_to_live(Duration::from_hours(1)).build(),
            products: Cache::builder().max_capacity(1_000).time_to_live(Duration::from_hours(24)).build(),
        }
    }

    /// The clients of a Region. Only files are read; credentials are looked up by the first request.
    pub(super) async fn clients(&self, region: &str) -> Arc<Clients> {
        let base = self.base.get_or_init(|| load(self.profile.clone(), region.to_owned())).await;
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = regions.get(region) {
            return Arc::clone(clients);
        }
        let config = base.clone().into_builder().region(Region::new(region.to_owned())).build();
        let clients = Arc::new(Clients {
            eks: aws_sdk_eks::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            pricing: aws_sdk_pricing::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            config,
        });
        regions.insert(region.to_owned(), Arc::clone(&clients));
        clients
    }

    /// A refusal that does not say whom it refused is of no use to the person who grants permissions.
    async fn name_identity(&self, mut err: ToolError, region: &str) -> ToolError {
        if err.kind == ErrorKind::AccessDenied
            && !err.message.contains("arn:aws")
            && let Ok(caller) = self.clients(region).await.sts.get_caller_identity().send().await
            && let Some(arn) = caller.arn()
        {
            err.message = format!("{} (identity: {arn})", err.message);
        }
        err
    }
}

async fn load(profile: Option<String>, region: String) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    // The Region given here keeps the SDK from asking the instance metadata service for one.
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS));
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Ok(name) = AppName::new(concat!("eks-mcp-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    loader.load().await
}
