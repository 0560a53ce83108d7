//! One set of credentials and everything made from them. Nothing here is shared with another set.

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use moka::future::Cache;
use tokio::sync::OnceCell;

use super::{CallerIdentity, error, http, query};
use crate::domain::account::{Access, Account, Role};
use crate::domain::cluster::Cluster;
use crate::domain::price::Product;
use crate::domain::version::ClusterVersion;
use crate::error::{ErrorKind, ToolError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(40);
/// How long a provider of credentials may take, such as a helper process that waits for a person.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_ATTEMPTS: u32 = 4;
/// Credentials that end within this are not used any more to sign a token.
const MARGIN: Duration = Duration::from_mins(5);

/// Where credentials come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    /// The configured account that they are for; absent for the server's own.
    pub(super) account: Option<Account>,
    /// Profile of the server's own credentials.
    pub(super) profile: Option<String>,
    /// Certificates to trust beside those of the system.
    pub(super) ca_bundle: Option<PathBuf>,
}

impl Source {
    /// What keeps everything that depends on these credentials apart from that of others.
    pub(super) fn key(&self) -> &str {
        self.account.as_ref().map_or("own", |it| it.id.as_str())
    }

    fn role(&self) -> Option<&Role> {
        match &self.account.as_ref()?.access {
            Access::Role(role) => Some(role),
            Access::Own | Access::Profile(_) => None,
        }
    }

    /// The profile that is read: of the account where it names one, else of the server.
    fn profile(&self) -> Option<&str> {
        let of_account = self.account.as_ref().and_then(|it| match &it.access {
            Access::Profile(name) => Some(name.as_str()),
            Access::Role(role) => role.profile.as_deref(),
            Access::Own => None,
        });
        of_account.or(self.profile.as_deref())
    }

    /// The account and the way to it, for messages.
    fn label(&self) -> Option<String> {
        self.account.as_ref().map(|it| format!("{}, reached with {}", it.label(), it.way()))
    }
}

/// One set of credentials, renewed whole.
pub(super) struct Shared {
    pub(super) source: Source,
    generation: AtomicU64,
    state: Mutex<Arc<State>>,
}

/// What one set of credentials made. It is dropped whole when they stop working, so that a new login is picked up without
/// a restart and nothing cached outlives the identity that read it.
pub(super) struct State {
    source: Source,
    base: OnceCell<Loaded>,
    regions: Mutex<HashMap<String, Arc<Clients>>>,
    signing: tokio::sync::Mutex<Option<Credentials>>,
    caller: OnceCell<CallerIdentity>,
    /// Set once STS did not say whom they belong to, so that no further call waits for it.
    pub(super) anonymous: AtomicBool,
    pub(super) clusters: Cache<(String, String), Cluster>,
    pub(super) versions: Cache<String, Arc<Vec<ClusterVersion>>>,
    pub(super) products: Cache<String, Arc<Vec<Product>>>,
}

/// The configuration of the SDK.
struct Loaded {
    config: SdkConfig,
    /// That of the credentials which assume the role, where a role is assumed.
    assuming: Option<SdkConfig>,
}

/// Which of the two calls failed.
enum Failure {
    Role(ToolError),
    Call(ToolError),
}

/// The SDK clients of one Region.
pub(super) struct Clients {
    pub(super) config: SdkConfig,
    pub(super) eks: aws_sdk_eks::Client,
    pub(super) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) pricing: aws_sdk_pricing::Client,
    pub(super) sts: aws_sdk_sts::Client,
    pub(super) ecr: aws_sdk_ecr::Client,
    pub(super) quotas: aws_sdk_servicequotas::Client,
    pub(super) ec2: query::Client,
    pub(super) auto_scaling: query::Client,
    pub(super) load_balancing: query::Client,
    pub(super) iam: query::Client,
}

impl Shared {
    pub(super) fn new(source: Source) -> Self {
        let state = Mutex::new(Arc::new(State::new(source.clone())));
        Self { source, generation: AtomicU64::new(0), state }
    }

    /// What the present credentials made.
    pub(super) fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts the sets of credentials there have been; what an older one signed is not used any more.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Forgets credentials that failed, unless another call has already done so.
    pub(super) fn forget(&self, failed: &Arc<State>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&state, failed) {
            *state = Arc::new(State::new(self.source.clone()));
            self.generation.fetch_add(1, Ordering::AcqRel);
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
        let err = match call(state.clients(region).await?).await {
            Ok(answer) => return Ok(answer),
            Err(err) => state.explain(state.failure(&err, error::map(&err, action, thing)), region).await,
        };
        if err.kind != ErrorKind::Credentials {
            return Err(err);
        }
        self.forget(&state);
        let state = self.state();
        match call(state.clients(region).await?).await {
            Ok(answer) => Ok(answer),
            Err(err) => {
                let err = state.explain(state.failure(&err, error::map(&err, action, thing)), region).await;
                if err.kind == ErrorKind::Credentials {
                    self.forget(&state);
                }
                Err(err)
            }
        }
    }
}

impl State {
    fn new(source: Source) -> Self {
        Self {
            source,
            base: OnceCell::new(),
            regions: Mutex::default(),
            signing: tokio::sync::Mutex::default(),
            caller: OnceCell::new(),
            anonymous: AtomicBool::new(false),
            clusters: Cache::builder().max_capacity(10_000).time_to_live(Duration::from_secs(30)).build(),
            versions: Cache::builder().max_capacity(100).time_to_live(Duration::from_hours(1)).build(),
            products: Cache::builder().max_capacity(1_000).time_to_live(Duration::from_hours(24)).build(),
        }
    }

    async fn loaded(&self, region: &str) -> Result<&Loaded, ToolError> {
        self.base.get_or_try_init(|| load(&self.source, region.to_owned())).await
    }

    /// The clients of a Region. Only files are read; credentials are looked up by the first request.
    pub(super) async fn clients(&self, region: &str) -> Result<Arc<Clients>, ToolError> {
        let base = self.loaded(region).await?;
        let mut regions = self.regions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(clients) = regions.get(region) {
            return Ok(Arc::clone(clients));
        }
        let config = base.config.clone().into_builder().region(Region::new(region.to_owned())).build();
        let clients = Arc::new(Clients {
            eks: aws_sdk_eks::Client::new(&config),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            pricing: aws_sdk_pricing::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            ecr: aws_sdk_ecr::Client::new(&config),
            quotas: aws_sdk_servicequotas::Client::new(&config),
            ec2: query::Client::new(&config, query::EC2),
            auto_scaling: query::Client::new(&config, query::AUTO_SCALING),
            load_balancing: query::Client::new(&config, query::LOAD_BALANCING),
            iam: query::Client::new(&config, query::IAM),
            config,
        });
        regions.insert(region.to_owned(), Arc::clone(&clients));
        Ok(clients)
    }

    /// Credentials to sign a token with. The SDK's clients cache theirs and hand them to nobody, and its providers ask anew
    /// each time; so that many clusters do not mean as many calls to STS, the last ones are used until shortly before they end.
    pub(super) async fn credentials(&self, region: &str) -> Result<Credentials, ToolError> {
        let mut last = self.signing.lock().await;
        let soon = SystemTime::now() + MARGIN;
        if let Some(credentials) = last.as_ref().filter(|it| it.expiry().is_some_and(|end| end > soon)) {
            return Ok(credentials.clone());
        }
        let clients = self.clients(region).await?;
        let missing = || ToolError::new(ErrorKind::Credentials, "there are no AWS credentials");
        let provider = clients.config.credentials_provider().ok_or_else(missing)?;
        let asked = tokio::time::timeout(CREDENTIALS_TIMEOUT, provider.provide_credentials()).await;
        let asked = asked.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(CREDENTIALS_TIMEOUT)));
        match asked {
            Ok(credentials) => {
                *last = Some(credentials.clone());
                Ok(credentials)
            }
            Err(err) => Err(self.explain(self.failure(&err, error::credentials_error(&err, "signing a token")), region).await),
        }
    }

    /// Whom these credentials belong to, asked once.
    pub(super) async fn caller(&self, region: &str) -> Option<&CallerIdentity> {
        let ask = async {
            let clients = self.clients(region).await.map_err(drop)?;
            let answer = clients.sts.get_caller_identity().send().await.map_err(drop)?;
            Ok::<_, ()>(super::sts::identity_from(answer))
        };
        self.caller.get_or_try_init(|| ask).await.ok()
    }

    /// What failed: assuming the role where that did, otherwise the call itself.
    fn failure(&self, cause: &(dyn Error + 'static), call: ToolError) -> Failure {
        let role = self.source.role().zip(error::assume_role_error(cause));
        match role {
            Some((role, err)) => Failure::Role(error::map(err, "sts:AssumeRole", &format!("role {}", role.arn))),
            None => Failure::Call(call),
        }
    }

    /// Adds what a person needs who is to mend it: the account, the role, and the identity that was refused.
    async fn explain(&self, failure: Failure, region: &str) -> ToolError {
        let mut err = match (failure, self.source.role()) {
            (Failure::Role(err), Some(role)) => return self.explain_role(err, role, region).await,
            (Failure::Role(err) | Failure::Call(err), _) => err,
        };
        let mut notes = Vec::new();
        if err.kind == ErrorKind::AccessDenied
            && !err.message.contains("arn:aws")
            && let Some(caller) = self.caller(region).await
        {
            notes.push(format!("identity: {}", caller.arn));
        }
        if matches!(err.kind, ErrorKind::AccessDenied | ErrorKind::Credentials) {
            notes.extend(self.source.label());
        }
        if err.kind == ErrorKind::Credentials && self.source.account.is_none() {
            // A profile that does not exist is passed over by the chain, which then says that there is nothing.
            let profile = self.source.profile.clone().or_else(|| std::env::var("AWS_PROFILE").ok()).filter(|it| !it.is_empty());
            notes.extend(profile.map(|it| format!("profile `{it}`, if it exists")));
        }
        if !notes.is_empty() {
            err.message = format!("{} ({})", err.message, notes.join("; "));
        }
        err
    }

    /// A role that cannot be assumed: both sides have to allow it, and only one of them is in the account of the caller.
    async fn explain_role(&self, mut err: ToolError, role: &Role, region: &str) -> ToolError {
        let account = self.source.account.as_ref().map(Account::label).unwrap_or_default();
        if err.kind != ErrorKind::AccessDenied {
            err.message = format!("{} (for {account})", err.message);
            return err;
        }
        let who = match self.assuming_identity(region).await {
            Some(arn) => arn,
            None => "the identity of the server".to_owned(),
        };
        let named = if err.message.contains(&who) { String::new() } else { format!("identity: {who}; ") };
        err.message = format!("{} ({named}for {account})", err.message);
        let external = match &role.external_id {
            Some(_) => "with the external id that is configured".to_owned(),
            None => format!("and, if it asks for an external id, set `accounts.{}.external_id`", self.alias()),
        };
        err.with_hint(format!(
            "Allow `sts:AssumeRole` on {} in the policies of {who}, and let the trust policy of the role name that identity {external}.",
            role.arn
        ))
    }

    fn alias(&self) -> &str {
        self.source.account.as_ref().map_or("<alias>", |it| it.alias.as_str())
    }

    async fn assuming_identity(&self, region: &str) -> Option<String> {
        let config = self.loaded(region).await.ok()?.assuming.as_ref()?;
        let config = config.clone().into_builder().region(Region::new(region.to_owned())).build();
        aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.ok()?.arn
    }
}

async fn load(source: &Source, region: String) -> Result<Loaded, ToolError> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    // The Region given here keeps the SDK from asking the instance metadata service for one.
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(region.clone()))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS));
    let mut providers = ProviderConfig::default().with_region(Some(Region::new(region)));
    if let Some(bundle) = http::bundle(source.ca_bundle.as_deref()) {
        let client = http::client(&bundle)?;
        loader = loader.http_client(client.clone());
        providers = providers.with_http_client(client);
    }
    if let Some(profile) = source.profile() {
        // A profile that was asked for by name is meant, whatever keys the environment holds.
        let provider = ProfileFileCredentialsProvider::builder().configure(&providers).profile_name(profile).build();
        loader = loader.profile_name(profile).credentials_provider(provider);
    }
    if let Ok(name) = AppName::new(concat!("eks-mcp-", env!("CARGO_PKG_VERSION"))) {
        loader = loader.app_name(name);
    }
    let config = loader.load().await;
    let Some(role) = source.role() else { return Ok(Loaded { config, assuming: None }) };
    let mut provider = AssumeRoleProvider::builder(&role.arn).configure(&config).session_name(&role.session_name);
    if let Some(external_id) = &role.external_id {
        provider = provider.external_id(external_id);
    }
    // The cache renews the credentials of the role before they end.
    let assumed = config
        .clone()
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider.build().await))
        .identity_cache(IdentityCache::lazy().build())
        .build();
    Ok(Loaded { config: assumed, assuming: Some(config) })
}
