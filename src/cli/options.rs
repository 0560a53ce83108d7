//! Options that several commands share, and what is made from them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use super::Failure;
use crate::aws::sdk::SdkAws;
use crate::config::Settings;
use crate::context::{Context, Limits, World};
use crate::domain::cursor::Cursors;
use crate::domain::time::Clock;
use crate::error::ToolError;
use crate::k8s::live::LiveClusters;
use crate::k8s::ways::{Detour, InCluster, KubeconfigSource, Ways};
use crate::registry::{Registry, Selection};
use crate::snapshot::{Snapshot, demo_world};
use crate::tools::ALL;

/// Where answers come from, and with what.
#[derive(Args)]
pub(super) struct Options {
    /// Answer from the embedded demo instead of AWS.
    #[arg(long, conflicts_with_all = ["snapshot", "kubeconfig", "in_cluster"])]
    demo: bool,
    /// Answer from a snapshot: a folder, or a `.tar.zst` of one.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["kubeconfig", "in_cluster"])]
    snapshot: Option<PathBuf>,
    /// Add the contexts of a kubeconfig as clusters; without a path, `$KUBECONFIG` or `~/.kube/config`.
    #[arg(long, value_name = "PATH", num_args = 0..=1, default_missing_value = "default")]
    kubeconfig: Option<String>,
    /// Offer the cluster that this server runs in, reached with the service account of its pod, under this name.
    #[arg(long, value_name = "NAME", num_args = 0..=1, default_missing_value = "in-cluster")]
    in_cluster: Option<String>,
    /// AWS Region of clusters that are named without one.
    #[arg(long)]
    pub(super) region: Option<String>,
    /// Alias or id of the account of clusters that are named without one.
    #[arg(long)]
    pub(super) account: Option<String>,
    /// AWS profile.
    #[arg(long)]
    profile: Option<String>,
    /// Seconds that one call may take.
    #[arg(long, value_name = "SECONDS")]
    call_timeout: Option<u64>,
    #[command(flatten)]
    pub(super) selection: SelectionOptions,
}

/// Which tools, and which configuration file.
#[derive(Args)]
pub(super) struct SelectionOptions {
    /// Toolsets to offer, by name, or `default`, `all`, `none`.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    toolsets: Vec<String>,
    /// Further tools to offer, by name.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    tools: Vec<String>,
    /// Tools to leave out, by name.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    exclude_tools: Vec<String>,
    /// Configuration file. Default: `eks-mcp.toml` in the working directory, which may not set `kubernetes`, `clusters` and `ca_bundle`.
    #[arg(long, value_name = "FILE", env = "EKS_MCP_CONFIG")]
    config: Option<PathBuf>,
}

impl SelectionOptions {
    fn flags(&self) -> Settings {
        Settings {
            toolsets: self.toolsets.clone(),
            tools: self.tools.clone(),
            exclude_tools: self.exclude_tools.clone(),
            ..Settings::default()
        }
    }

    /// The configuration of file, environment and these flags.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        Settings::load(self.config.as_deref(), &self.flags()).map_err(Failure::Usage)
    }

    /// The selected tools.
    pub(super) fn registry(&self) -> Result<Registry, Failure> {
        registry(&self.settings()?)
    }
}

impl Options {
    /// The configuration of file, environment and these flags.
    pub(super) fn settings(&self) -> Result<Settings, Failure> {
        let mut flags = self.selection.flags();
        flags.region.clone_from(&self.region);
        flags.account.clone_from(&self.account);
        flags.profile.clone_from(&self.profile);
        flags.call_timeout_seconds = self.call_timeout;
        flags.kubernetes.kubeconfig.clone_from(&self.kubeconfig);
        flags.kubernetes.in_cluster.clone_from(&self.in_cluster);
        Settings::load(self.selection.config.as_deref(), &flags).map_err(Failure::Usage)
    }

    /// The context of calls. Nothing is contacted.
    pub(super) fn context(&self, settings: &Settings) -> Result<Context, Failure> {
        let mut limits = Limits::STANDARD;
        if let Some(seconds) = settings.call_timeout_seconds {
            limits.call_timeout = Duration::from_secs(seconds.clamp(1, 3600));
        }
        let world = match &self.snapshot {
            _ if self.demo => demo_world(),
            Some(path) => Snapshot::open(path).map_err(Failure::Usage)?.into_world(),
            None => live(settings)?,
        };
        let mut context = Context::new(world, limits, settings.region.clone());
        if let Some(key) = &settings.cursor_key {
            if key.len() < 16 {
                return Err(Failure::Usage(ToolError::invalid("`cursor_key`: it has less than 16 characters")));
            }
            context.cursors = Cursors::with_key(key);
        }
        Ok(context)
    }
}

/// The selected tools.
pub(super) fn registry(settings: &Settings) -> Result<Registry, Failure> {
    let selection =
        Selection { toolsets: settings.toolsets.clone(), tools: settings.tools.clone(), exclude: settings.exclude_tools.clone() };
    Registry::select(ALL, &selection).map_err(Failure::Usage)
}

fn live(settings: &Settings) -> Result<World, Failure> {
    let path = |text: &Option<String>| text.as_ref().map(PathBuf::from);
    let accounts = settings.accounts().map_err(Failure::Usage)?;
    let aws = SdkAws::new(settings.profile.clone(), accounts, path(&settings.ca_bundle));
    let kubernetes = &settings.kubernetes;
    let detours = settings.clusters.iter().map(|(name, it)| {
        let detour = Detour {
            endpoint: it.endpoint.clone(),
            tls_server_name: it.tls_server_name.clone(),
            ca_bundle: path(&it.ca_bundle),
            proxy: it.proxy.clone(),
        };
        (name.clone(), detour)
    });
    let ways = Ways {
        kubeconfig: kubernetes.kubeconfig.as_ref().map(|path| match path.as_str() {
            "default" => KubeconfigSource::Default,
            path => KubeconfigSource::File(PathBuf::from(path)),
        }),
        in_cluster: kubernetes.in_cluster.as_ref().map(|it| InCluster::new(it, kubernetes.service_account_folder.as_deref())),
        proxy: kubernetes.proxy.clone(),
        ca_bundle: path(&settings.ca_bundle),
        detours: detours.collect(),
    };
    let clusters = LiveClusters::new(aws.clone(), ways);
    Ok(World { aws: Arc::new(aws), clusters: Arc::new(clusters), clock: Clock::System })
}
