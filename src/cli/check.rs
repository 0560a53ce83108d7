//! `eks-mcp check`

use std::io::IsTerminal as _;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::Failure;
use super::logs;
use super::options::{Options, registry};
use super::output;
use crate::check::{self, ClusterReport, Question, Report};
use crate::domain::render;
use crate::domain::table::Table;

/// Try every configured way, and say what works, as whom, and what is missing for which tool.
///
/// Nothing is changed: the commands that would grant what is missing are printed, not run. Exits with 0 when everything
/// that the selected tools need works, with 1 otherwise.
#[derive(Args)]
#[command(after_help = "\
Examples:
  eks-mcp check                                   every account, context and cluster
  eks-mcp check --cluster prod --region eu-west-1
  eks-mcp check --cluster prod --account live     with the credentials of a configured account
  eks-mcp check --kubeconfig --json
  eks-mcp check --demo")]
pub(super) struct Check {
    /// Check this cluster only: a name, an ARN, or a context of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    options: Options,
}

impl Check {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let settings = self.options.settings()?;
        logs::start(&settings)?;
        let registry = registry(&settings)?;
        let mut cx = self.options.context(&settings)?;
        if std::io::stderr().is_terminal() {
            cx.progress = Some(Arc::new(|_, _, message| output::error(&format!("checking {message}"))));
        }
        let question =
            Question { cluster: self.cluster, account: self.options.account.clone(), region: self.options.region.clone() };
        let report = tokio::select! {
            report = check::run(&cx, &registry, &question) => report.map_err(Failure::Failed)?,
            () = crate::server::stop_requested() => return Err(Failure::Unwell),
        };
        if self.json {
            output::line(&serde_json::to_string_pretty(&report).map_err(anyhow::Error::from)?)?;
        } else {
            output::line(&text(&report))?;
        }
        if report.ok { Ok(()) } else { Err(Failure::Unwell) }
    }
}

/// The report for people: tables of what was tried, then what to do about each thing that does not work.
fn text(report: &Report) -> String {
    let mut parts = vec![report.summary.clone()];
    let mut table = Table::new(["account", "id", "region", "way", "identity", "actions", "result"]);
    for it in &report.aws {
        let result = match &it.error {
            Some(_) if it.is_unused() => "none, not needed",
            Some(_) => "fails",
            None if it.is_ok() => "works",
            None => "actions are denied",
        };
        let account = it.account.clone().unwrap_or_else(|| "own".to_owned());
        let (id, identity) = (it.account_id.clone().unwrap_or_default(), it.identity.clone().unwrap_or_default());
        let allowed = it.actions.iter().filter(|it| it.result == "allowed").count();
        let actions = if it.actions.is_empty() { String::new() } else { format!("{allowed} of {} allowed", it.actions.len()) };
        table.push([account, id, it.region.clone(), it.way.clone(), identity, actions, result.to_owned()]);
    }
    push(&mut parts, "AWS", table);
    let mut table = Table::new(["account", "region", "action", "result", "tools"]);
    for it in &report.aws {
        for action in it.actions.iter().filter(|it| it.result != "allowed") {
            let account = it.account.clone().unwrap_or_else(|| "own".to_owned());
            table.push([account, it.region.clone(), action.action.to_owned(), action.result.to_owned(), action.tools.join(", ")]);
        }
    }
    push(&mut parts, "IAM actions that are not allowed or not proven", table);
    let mut table = Table::new(["cluster", "account", "region", "way", "user", "groups", "result"]);
    for it in &report.clusters {
        let (account, region) = (it.account.clone().unwrap_or_default(), it.region.clone().unwrap_or_default());
        let user = it.user.clone().unwrap_or_default();
        table.push([it.cluster.clone(), account, region, it.way.to_owned(), user, it.groups.join(", "), result(it)]);
    }
    push(&mut parts, "clusters", table);
    let mut table = Table::new(["cluster", "missing", "tools"]);
    for it in &report.clusters {
        for missing in &it.missing {
            table.push([it.cluster.clone(), missing.permission.clone(), missing.tools.join(", ")]);
        }
        if !it.unlisted_kinds.is_empty() {
            table.push([it.cluster.clone(), format!("list {}", it.unlisted_kinds.join(", ")), "those for any kind".to_owned()]);
        }
    }
    push(&mut parts, "missing in clusters", table);
    parts.extend(steps(report));
    parts.extend(report.notes.iter().map(|it| format!("note: {it}")));
    parts.join("\n\n")
}

fn result(report: &ClusterReport) -> String {
    if !report.reached {
        "fails".to_owned()
    } else if report.is_ok() {
        format!("works, {} of {} permissions", report.needed, report.needed)
    } else {
        format!("{} of {} permissions", report.needed - report.missing.len(), report.needed)
    }
}

/// What to do, one block for each thing that does not work.
fn steps(report: &Report) -> Vec<String> {
    let mut steps = Vec::new();
    for it in report.aws.iter().filter(|it| !it.is_unused()) {
        let name = it.account.as_ref().map_or_else(|| "own credentials".to_owned(), |alias| format!("account `{alias}`"));
        if let Some(error) = &it.error {
            steps.push(block(&format!("{name}: {error}"), it.next_step.as_deref(), &[]));
        }
        let denied: Vec<String> = it
            .actions
            .iter()
            .filter(|it| it.result == "denied")
            .map(|it| it.why.clone().unwrap_or_else(|| it.action.to_owned()))
            .collect();
        if !denied.is_empty() {
            let policy = "eks-mcp permissions --iam > policy.json".to_owned();
            let step = format!("Attach the policy that this prints to {}:", it.identity.as_deref().unwrap_or("this identity"));
            steps.push(block(&format!("{name}: {}", denied.join("; ")), Some(&step), &[policy]));
        }
    }
    for it in &report.clusters {
        if let Some(error) = &it.error {
            steps.push(block(&format!("cluster `{}`: {error}", it.cluster), it.next_step.as_deref(), &[]));
        }
        for (index, grant) in it.grants.iter().enumerate() {
            let or = if index == 0 { "to grant it" } else { "or" };
            steps.push(block(&format!("cluster `{}`, {or}: {}", it.cluster, grant.what), None, &grant.commands));
        }
    }
    steps
}

fn block(title: &str, step: Option<&str>, commands: &[String]) -> String {
    let mut text = title.to_owned();
    if let Some(step) = step {
        text.push_str(&format!("\n  {step}"));
    }
    for command in commands {
        text.push_str(&format!("\n    {command}"));
    }
    text
}

fn push(parts: &mut Vec<String>, title: &str, mut table: Table) {
    table.drop_empty_columns();
    if !table.is_empty() {
        parts.push(render::text(&json!({title: table})));
    }
}
