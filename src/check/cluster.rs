//! One cluster: whether it is reached, as whom, and what that identity may read.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use serde::Serialize;

use super::Needs;
use super::grants::{self, Grant, Lack, Way};
use crate::context::Context;
use crate::domain::account::Access;
use crate::domain::principal::Principal;
use crate::domain::target::Target;
use crate::error::{ErrorKind, ToolError};
use crate::k8s::reviews::{self, User};
use crate::k8s::{Client, Origin};
use crate::permissions::COMMON_KINDS;
use crate::tool::Permission;

/// How long one cluster may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Reviews of one cluster at a time.
const FAN_OUT: usize = 8;

/// What was found of a cluster.
#[derive(Clone, Debug, Serialize)]
pub struct ClusterReport {
    /// Name.
    pub cluster: String,
    /// Account id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// How it is reached: `EKS token`, `kubeconfig`, `in-cluster` or `snapshot`.
    pub way: &'static str,
    /// Whether it answers and knows the identity.
    pub reached: bool,
    /// Who the cluster takes the server for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Groups in the cluster.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
    /// IAM identity behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// How many permissions the tools need there.
    pub needed: usize,
    /// Those that are missing.
    pub missing: Vec<Missing>,
    /// Kinds that tools for any kind cannot list; they read what is left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unlisted_kinds: Vec<String>,
    /// Why it does not work, or what could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// Commands that would grant what is missing, the least first; one of them is enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<Grant>,
}

/// A permission that is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Verb and resource, as kubectl writes them.
    pub permission: String,
    /// Tools that need it.
    pub tools: Vec<&'static str>,
}

impl ClusterReport {
    /// Whether everything works that the tools need there.
    pub fn is_ok(&self) -> bool {
        self.reached && self.missing.is_empty() && self.error.is_none()
    }
}

/// Tries a cluster, in bounded time.
pub(super) async fn check(cx: &Context, target: Target, needs: &Needs) -> ClusterReport {
    let way = way(cx, &target).await;
    let mut report = ClusterReport {
        cluster: target.cluster.clone(),
        account: target.account.clone(),
        region: target.region.clone(),
        way: way.name(),
        reached: false,
        user: None,
        groups: Vec::new(),
        identity: None,
        needed: 0,
        missing: Vec::new(),
        unlisted_kinds: Vec::new(),
        error: None,
        next_step: None,
        grants: Vec::new(),
    };
    let lack = match tokio::time::timeout(TIMEOUT, probe(cx, &target, needs, &mut report)).await {
        Ok(Ok(lack)) => lack,
        Ok(Err(err)) => {
            let refused = err.kind == ErrorKind::AccessDenied;
            let err = crate::registry::fit_to_leave(err);
            report.error = Some(err.message);
            report.next_step = err.hint;
            refused.then_some(Lack::Unknown)
        }
        Err(_) => {
            report.error = Some(format!("cluster `{}` did not answer within {} s", target.cluster, TIMEOUT.as_secs()));
            report.next_step = Some("Check the network path to its endpoint.".to_owned());
            None
        }
    };
    if let Some(lack) = lack {
        report.grants = grant(cx, &target, way, lack, &report).await;
    }
    report
}

async fn way(cx: &Context, target: &Target) -> Way {
    if target.region.is_some() {
        return Way::Eks;
    }
    let external = cx.world.clusters.external().await.unwrap_or_default();
    match external.iter().find(|it| it.name == target.cluster).map(|it| it.origin) {
        Some(Origin::InCluster) => Way::InCluster,
        Some(Origin::Snapshot) => Way::Snapshot,
        Some(Origin::Kubeconfig) | None => Way::Kubeconfig,
    }
}

async fn probe(cx: &Context, target: &Target, needs: &Needs, report: &mut ClusterReport) -> Result<Option<Lack>, ToolError> {
    let client = cx.kubernetes(target).await?;
    let user = match reviews::who_am_i(&client).await {
        Ok(user) => user,
        // Clusters before 1.28 do not tell.
        Err(err) if err.kind == ErrorKind::NotFound => User::default(),
        Err(err) => return Err(err),
    };
    report.reached = true;
    report.user = Some(user.username).filter(|it| !it.is_empty());
    report.groups = user.groups;
    report.identity = user.arn;
    let (needed, missing) = ask(&client, &questions(needs)).await?;
    report.needed = needed;
    report.missing = missing.into_iter().map(|(permission, tools)| Missing { permission: spelled(permission), tools }).collect();
    let any = Permission::rbac("list", "*", "*");
    if needs.contains_key(&any) {
        let kinds: Vec<_> =
            COMMON_KINDS.iter().map(|(group, resource)| (Permission::rbac("list", group, resource), Vec::new())).collect();
        let (_, missing) = ask(&client, &kinds).await?;
        report.unlisted_kinds = missing.into_iter().map(|(permission, _)| resource_of(permission)).collect();
    }
    Ok((!report.missing.is_empty()).then_some(Lack::Permissions))
}

/// What the tools need beyond "any kind", which is asked kind by kind.
fn questions(needs: &Needs) -> Vec<(Permission, Vec<&'static str>)> {
    let exact =
        needs.iter().filter(|(permission, _)| matches!(permission, Permission::Rbac { resource, .. } if *resource != "*"));
    exact.map(|(permission, tools)| (*permission, tools.clone())).collect()
}

type Answers = (usize, Vec<(Permission, Vec<&'static str>)>);

async fn ask(client: &Client, questions: &[(Permission, Vec<&'static str>)]) -> Result<Answers, ToolError> {
    let reviews: Vec<_> = questions
        .iter()
        .map(|(permission, tools)| {
            Box::pin(async move {
                let Permission::Rbac { verb, group, resource } = *permission else { return Ok(None) };
                let allowed = reviews::may(client, verb, group, resource).await?;
                Ok((!allowed).then(|| (*permission, tools.clone())))
            })
        })
        .collect();
    let answers: Vec<Result<_, ToolError>> = stream::iter(reviews).buffered(FAN_OUT).collect().await;
    let missing = answers.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
    Ok((questions.len(), missing))
}

fn spelled(permission: Permission) -> String {
    match permission {
        Permission::Rbac { verb, .. } => format!("{verb} {}", resource_of(permission)),
        Permission::Iam(action) => action.to_owned(),
    }
}

fn resource_of(permission: Permission) -> String {
    match permission {
        Permission::Rbac { group: "", resource, .. } => resource.to_owned(),
        Permission::Rbac { group, resource, .. } => format!("{resource}.{group}"),
        Permission::Iam(action) => action.to_owned(),
    }
}

/// The commands that would grant what is missing, for the very identity that lacks it.
async fn grant(cx: &Context, target: &Target, way: Way, lack: Lack, report: &ClusterReport) -> Vec<Grant> {
    let mut principal = None;
    let mut authentication_mode = None;
    if way == Way::Eks {
        let scope = crate::aws::Scope::of(target);
        let role = target.through.as_deref().and_then(|id| match &cx.world.aws.accounts().by_id(id)?.access {
            Access::Role(role) => Some(role.arn.as_str()),
            Access::Own | Access::Profile(_) => None,
        });
        let caller = cx.world.aws.sts(&scope).caller_identity().await.ok();
        principal = caller.and_then(|it| Principal::of(&it.arn, role));
        let cluster = cx.world.aws.eks(&scope).describe_cluster(&target.cluster).await.ok();
        authentication_mode = cluster.and_then(|it| it.authentication_mode);
    }
    grants::of(&grants::Case {
        way,
        lack,
        cluster: &target.cluster,
        region: target.region.as_deref(),
        principal: principal.as_ref(),
        authentication_mode: authentication_mode.as_deref(),
        user: report.user.as_deref(),
        groups: &report.groups,
        missing: &report.missing.iter().map(|it| it.permission.as_str()).collect::<Vec<_>>(),
    })
}
