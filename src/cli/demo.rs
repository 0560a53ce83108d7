//! `eks-mcp demo`

use std::sync::Arc;

use clap::Args;
use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, CallToolResult, JsonObject};
use serde_json::{Value, json};

use super::Failure;
use super::output;
use crate::context::{Context, Limits};
use crate::domain::names;
use crate::error::{ErrorKind, ToolError};
use crate::registry::{Registry, Selection};
use crate::server::Server;
use crate::snapshot::demo;
use crate::tools::ALL;

/// Show what an assistant sees, on the embedded demo: no account, no cluster, no network.
///
/// The real server runs in this process, and a client asks it over MCP.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp demo                 the four main jobs
  eks-mcp demo --list          every scenario
  eks-mcp demo troubleshoot    one of them")]
pub(super) struct Demo {
    /// Name of one scenario.
    name: Option<String>,
    /// List the scenarios.
    #[arg(long, conflicts_with = "name")]
    list: bool,
}

/// A question and the calls that answer it.
struct Scenario {
    name: &'static str,
    question: &'static str,
    calls: fn() -> Vec<(&'static str, Value)>,
    /// Whether it is one of the four main jobs.
    main: bool,
}

/// What shows a call's arguments where a pod's generated name is looked up first.
const POD: &str = "$pod";

const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "clusters",
        question: "Which clusters do we have, and is any of them in trouble?",
        calls: || vec![("list_clusters", json!({"all_regions": true})), ("describe_cluster", json!({"cluster": "payments"}))],
        main: true,
    },
    Scenario {
        name: "troubleshoot",
        question: "Why does a pod of checkout-api keep crashing?",
        calls: || vec![("troubleshoot", json!({"cluster": "payments", "namespace": "checkout", "name": POD}))],
        main: true,
    },
    Scenario {
        name: "memory",
        question: "What did its memory do in the last three hours?",
        calls: || {
            vec![(
                "query_container_insights",
                json!({"cluster": "payments", "scope": "pod", "namespace": "checkout", "workload": "checkout-api", "window": "3h"}),
            )]
        },
        main: true,
    },
    Scenario {
        name: "cost",
        question: "What does the payments cluster cost?",
        calls: || vec![("estimate_cost", json!({"cluster": "payments"}))],
        main: true,
    },
    Scenario {
        name: "unhealthy",
        question: "Which pods of the payments cluster are unhealthy?",
        calls: || vec![("list_resources", json!({"cluster": "payments", "kind": "Pod", "status": "unhealthy"}))],
        main: false,
    },
    Scenario {
        name: "events",
        question: "What warnings did the payments cluster record in the last hour?",
        calls: || vec![("list_events", json!({"cluster": "payments"}))],
        main: false,
    },
    Scenario {
        name: "logs",
        question: "What did the crashing pod say before it died?",
        calls: || vec![("get_logs", json!({"cluster": "payments", "namespace": "checkout", "pod": POD}))],
        main: false,
    },
];

type Client = rmcp::service::RunningService<rmcp::RoleClient, ()>;

impl Demo {
    pub(super) async fn run(self) -> Result<(), Failure> {
        if self.list {
            for scenario in SCENARIOS {
                output::line(&format!("{:<14} {}", scenario.name, scenario.question))?;
            }
            return Ok(());
        }
        let chosen: Vec<&Scenario> = match &self.name {
            None => SCENARIOS.iter().filter(|it| it.main).collect(),
            Some(name) => SCENARIOS.iter().filter(|it| it.name == name).collect(),
        };
        if chosen.is_empty() {
            let name = self.name.unwrap_or_default();
            let near = names::did_you_mean(&name, SCENARIOS.iter().map(|it| it.name));
            let err = ToolError::invalid(format!("there is no scenario `{name}`{near}"));
            return Err(Failure::Usage(err.with_hint("`eks-mcp demo --list` names them.")));
        }
        let client = connect().await?;
        for (index, scenario) in chosen.iter().enumerate() {
            if index > 0 {
                output::line("")?;
            }
            show(&client, scenario).await?;
        }
        if self.name.is_none() {
            output::line("\nMore: `eks-mcp demo --list`. Your own clusters: `eks-mcp serve`, set up as the README says.")?;
        }
        client.cancel().await.map_err(anyhow::Error::from)?;
        Ok(())
    }
}

/// Starts the server in this process and connects a client to it.
async fn connect() -> Result<Client, Failure> {
    let world = demo().map_err(Failure::Failed)?.into_world();
    let registry = Registry::select(ALL, &Selection::default()).map_err(Failure::Failed)?;
    let server = Server::new(Arc::new(registry), Context::new(world, Limits::STANDARD, None));
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    tokio::spawn(async move {
        if let Ok(running) = server.serve(theirs).await {
            let _ = running.waiting().await;
        }
    });
    Ok(().serve(ours).await.map_err(anyhow::Error::from)?)
}

async fn show(client: &Client, scenario: &Scenario) -> Result<(), Failure> {
    output::line(&format!("━━ {}", scenario.question))?;
    for (tool, mut arguments) in (scenario.calls)() {
        for value in arguments.as_object_mut().into_iter().flat_map(|it| it.values_mut()) {
            if value == POD {
                *value = crashing_pod(client).await?.into();
            }
        }
        output::line(&format!("→ {tool} {arguments}\n"))?;
        let result = call(client, tool, arguments).await?;
        for text in result.content.iter().filter_map(|it| it.as_text()) {
            output::line(&text.text)?;
        }
    }
    Ok(())
}

async fn call(client: &Client, tool: &'static str, arguments: Value) -> Result<CallToolResult, Failure> {
    let arguments: JsonObject = serde_json::from_value(arguments).map_err(anyhow::Error::from)?;
    let params = CallToolRequestParams::new(tool).with_arguments(arguments);
    Ok(client.call_tool(params).await.map_err(anyhow::Error::from)?)
}

/// The name of the pod of `checkout-api` that fails, as an assistant would find it.
async fn crashing_pod(client: &Client) -> Result<String, Failure> {
    let arguments = json!({"cluster": "payments", "kind": "Pod", "namespace": "checkout", "status": "unhealthy"});
    let result = call(client, "list_resources", arguments).await?;
    let rows = result.structured_content.as_ref().and_then(|it| it.pointer("/items/rows")).and_then(Value::as_array);
    let cells = rows.into_iter().flatten().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
    let name = cells.map(str::to_owned).find(|it| it.starts_with("checkout-api-"));
    name.ok_or_else(|| Failure::Failed(ToolError::new(ErrorKind::Internal, "the demo holds no failing pod of checkout-api")))
}
