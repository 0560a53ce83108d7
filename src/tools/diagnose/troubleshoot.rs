//! `troubleshoot`: what is wrong with one object, and why.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::aws::Scope;
use crate::context::Context;
use crate::diagnose::collect::{self, Source};
use crate::diagnose::diagnosis::{
    BlastRadius, Contributing, Diagnosis, Evidence, Fix, Link, NextCheck, NotChecked, RootCause, RuledOut, Status,
};
use crate::diagnose::engine;
use crate::domain::names;
use crate::domain::target::{ClusterArguments, Target};
use crate::domain::text;
use crate::error::{ErrorKind, ToolError};
use crate::tool::{Effect, Meta, Permission, Tool, Toolset};

/// Diagnoses one object.
pub struct Troubleshoot;

/// Arguments of `troubleshoot`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    #[serde(flatten)]
    at: ClusterArguments,
    /// Kind of the object, such as `Pod` (the default), `Deployment`, `CronJob`, `Service`, `Ingress`, `PersistentVolumeClaim`, `Node`,
    /// `HorizontalPodAutoscaler`; of any other kind events and conditions are read.
    #[schemars(length(max = 200))]
    kind: Option<String>,
    /// Namespace of the object, if its kind has namespaces; default `default`.
    #[schemars(length(max = 63))]
    namespace: Option<String>,
    /// Name of the object.
    #[schemars(length(min = 1, max = 253))]
    name: String,
}

/// What the diagnosis is about.
#[derive(Serialize, JsonSchema)]
pub struct DiagnosisTarget {
    /// Account id; absent where it is not known without a further call.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// AWS Region; absent for a cluster that only Kubernetes knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<String>,
    /// Name of the cluster.
    cluster: String,
    /// Kind of the object.
    kind: String,
    /// Namespace of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// Name of the object.
    name: String,
}

/// Answer of `troubleshoot`.
#[derive(Serialize, JsonSchema)]
pub struct Output {
    /// What the diagnosis is about.
    target: DiagnosisTarget,
    /// When it was made.
    as_of: Timestamp,
    /// How the target is doing.
    status: Status,
    /// One sentence that answers.
    summary: String,
    /// The deepest cause; absent when the target is healthy or no rule knows the failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    root_cause: Option<RootCause>,
    /// Verbatim values that speak for it, most telling first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    evidence: Vec<Evidence>,
    /// From the topmost owner to the deepest failing link.
    chain: Vec<Link>,
    /// What else is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contributing: Vec<Contributing>,
    /// What was considered and does not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ruled_out: Vec<RuledOut>,
    /// What would cure it; nothing has been done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
    /// What to look at next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    next_checks: Vec<NextCheck>,
    /// How far the failure reaches.
    #[serde(skip_serializing_if = "Option::is_none")]
    blast_radius: Option<BlastRadius>,
    /// What could not be looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_checked: Vec<NotChecked>,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Tool for Troubleshoot {
    const META: Meta = Meta {
        name: "troubleshoot",
        title: "Troubleshoot an object",
        description: "Find out what is wrong with a pod, workload, Service, Ingress, claim, node or other object, and why: the root cause with its \
                      verbatim evidence, fixes, and what was ruled out. Start here when something is pending, crashing, not ready or not reachable; it \
                      reads status, events, owners, pods, nodes, volumes, logs and AWS identity by itself.",
        toolset: Toolset::Diagnose,
        effect: Effect::Read,
        permissions: &[
            Permission::iam("eks:DescribeCluster"),
            Permission::iam("eks:ListPodIdentityAssociations"),
            // For near names when the cluster does not exist.
            Permission::iam("eks:ListClusters"),
            // Of any kind: the object, what controls it, and what it refers to.
            Permission::rbac("get", "*", "*"),
            Permission::rbac("list", "*", "*"),
            Permission::rbac("get", "", "pods/log"),
        ],
    };
    type Input = Input;
    type Output = Output;

    async fn run(cx: &Context, input: Input) -> Result<Output, ToolError> {
        let target = cx.locate(&input.at).await?;
        let client = cx.kubernetes(&target).await?;
        let kind = cx.kind(&target, &client, input.kind.as_deref().unwrap_or("Pod")).await?;
        let namespace = input.namespace.as_deref().unwrap_or("default");
        if !names::is_dns_label(namespace) {
            return Err(ToolError::invalid(format!("`namespace`: `{}` is no namespace name", text::cut(namespace, 80))));
        }
        if !names::is_path_segment(&input.name) || kind.kind == "Pod" && !names::is_dns_subdomain(&input.name) {
            return Err(ToolError::invalid(format!(
                "`name`: `{}` is no name of a {}",
                text::cut(&input.name, 80),
                kind.singular
            )));
        }
        let namespace = kind.namespaced.then_some(namespace);
        let eks = target.region.is_some().then(|| cx.world.aws.eks(&Scope::of(&target)));
        let source = Source { client, target, eks, now: cx.now() };
        let read = match (kind.kind.as_str(), namespace) {
            ("Pod", Some(namespace)) => collect::pod(&source, namespace, &input.name).await,
            _ => collect::subject(&source, &kind, namespace, &input.name).await,
        };
        let facts = match read {
            Err(err) if err.kind == ErrorKind::NotFound => {
                return Err(collect::absent(&source, &kind, namespace, &input.name).await);
            }
            result => result?,
        };
        let mut diagnosis = engine::diagnose(&facts);
        if source.target.region.is_none() {
            // A cluster that only Kubernetes knows has no metrics in CloudWatch.
            diagnosis.next_checks.retain(|it| it.tool.as_deref() != Some("query_container_insights"));
        }
        Ok(output(source.target, &kind.kind, namespace, &input.name, source.now, diagnosis))
    }
}

fn output(target: Target, kind: &str, namespace: Option<&str>, name: &str, as_of: Timestamp, diagnosis: Diagnosis) -> Output {
    Output {
        target: DiagnosisTarget {
            account: target.account,
            region: target.region,
            cluster: target.cluster,
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        },
        as_of,
        status: diagnosis.status,
        summary: diagnosis.summary,
        root_cause: diagnosis.root_cause,
        evidence: diagnosis.evidence,
        chain: diagnosis.chain,
        contributing: diagnosis.contributing,
        ruled_out: diagnosis.ruled_out,
        fixes: diagnosis.fixes,
        next_checks: diagnosis.next_checks,
        blast_radius: diagnosis.blast_radius,
        not_checked: diagnosis.not_checked,
        warnings: diagnosis.warnings,
    }
}
