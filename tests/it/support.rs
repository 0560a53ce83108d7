//! What tests share: worlds behind a registry, answers in the place of theirs, and the binary.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use eks_mcp::context::{Context, Limits};
use eks_mcp::domain::target::Target;
use eks_mcp::error::ToolError;
use eks_mcp::k8s::{Client, Clusters, External, Origin};
use eks_mcp::registry::{Answer, CallError, Registry, Selection};
use eks_mcp::snapshot::apiserver::{ApiServer, generated};
use eks_mcp::snapshot::{Snapshot, Usage, demo};
use eks_mcp::tools::ALL;
use http::{Request, Response};
use serde_json::{Value, json};

/// A registry over a world.
pub(crate) struct World {
    pub(crate) registry: Registry,
    pub(crate) context: Context,
    pub(crate) usage: Usage,
}

impl World {
    /// The embedded demo.
    pub(crate) fn demo() -> Self {
        Self::of(demo().unwrap())
    }

    /// A snapshot.
    pub(crate) fn of(snapshot: Snapshot) -> Self {
        let usage = snapshot.usage();
        let context = Context::new(snapshot.into_world(), Limits::STANDARD, None);
        let registry = Registry::select(ALL, &Selection { toolsets: vec!["all".into()], ..Selection::default() }).unwrap();
        Self { registry, context, usage }
    }

    /// A snapshot whose only cluster is `bare`: these objects, in YAML, and these logs. It was taken at half past nine.
    pub(crate) fn bare(objects: &str, logs: &[(&str, &[u8])]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cluster = folder.path().join("clusters/bare");
        std::fs::create_dir_all(cluster.join("objects")).unwrap();
        std::fs::create_dir_all(cluster.join("logs")).unwrap();
        std::fs::write(folder.path().join("snapshot.json"), HEAD).unwrap();
        std::fs::write(cluster.join("objects/all.yaml"), objects).unwrap();
        for (name, content) in logs {
            std::fs::write(cluster.join("logs").join(name), content).unwrap();
        }
        Self::of(Snapshot::open(folder.path()).unwrap())
    }

    /// The demo, beside it the cluster `generated`, which is made up while it is read.
    pub(crate) fn generated(size: generated::World) -> Self {
        let mut world = Self::demo();
        let server = ApiServer::generated(size, world.context.now());
        world.context.world.clusters = Arc::new(Generated(server));
        world
    }

    /// The same world, but these answers come before its own: `answer` is given path and query of each request.
    pub(crate) fn between(mut self, answer: impl Fn(&str) -> Option<Response<Body>> + Send + Sync + 'static) -> Self {
        let inner = Arc::clone(&self.context.world.clusters);
        self.context.world.clusters = Arc::new(Between { inner, answer: Arc::new(answer) });
        self
    }

    /// Calls a tool.
    pub(crate) async fn try_call(&self, tool: &str, arguments: Value) -> Result<Answer, ToolError> {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        match self.registry.call(&self.context, tool, arguments).await {
            Ok(answer) => Ok(answer),
            Err(CallError::Tool(err)) => Err(err),
            Err(CallError::UnknownTool(message)) => panic!("{message}"),
        }
    }

    /// Calls a tool that succeeds.
    pub(crate) async fn call(&self, tool: &str, arguments: Value) -> Value {
        match self.try_call(tool, arguments).await {
            Ok(answer) => answer.structured,
            Err(err) => panic!("{tool}: {}", err.text()),
        }
    }

    /// Calls a tool that fails.
    pub(crate) async fn fail(&self, tool: &str, arguments: Value) -> ToolError {
        match self.try_call(tool, arguments).await {
            Ok(answer) => panic!("{tool} succeeded: {}", answer.text),
            Err(err) => err,
        }
    }
}

const HEAD: &str =
    r#"{"format": 1, "name": "bare", "taken_at": "2026-11-23T09:30:00Z", "account": "111122223333", "region": "eu-west-1"}"#;

struct Generated(ApiServer);

#[async_trait]
impl Clusters for Generated {
    async fn external(&self) -> Result<Vec<External>, ToolError> {
        Ok(vec![External { name: "generated".to_owned(), origin: Origin::Kubeconfig }])
    }

    async fn client(&self, _: &Target) -> Result<Client, ToolError> {
        Ok(self.0.client())
    }
}

/// What is answered to the path and query of a request, where something is.
type Interpose = Arc<dyn Fn(&str) -> Option<Response<Body>> + Send + Sync>;

/// Answers some requests itself and leaves the others to a recorded cluster.
struct Between {
    inner: Arc<dyn Clusters>,
    answer: Interpose,
}

#[async_trait]
impl Clusters for Between {
    async fn external(&self) -> Result<Vec<External>, ToolError> {
        self.inner.external().await
    }

    async fn client(&self, target: &Target) -> Result<Client, ToolError> {
        let inner = self.inner.client(target).await?;
        let answer = Arc::clone(&self.answer);
        let service = tower::service_fn(move |request: Request<kube::client::Body>| {
            let (inner, answered) = (inner.clone(), answer(&request.uri().to_string()));
            async move {
                match answered {
                    Some(response) => Ok::<_, kube::Error>(response),
                    None => Ok(inner.send(request).await?.map(Body::new)),
                }
            }
        });
        Ok(Client::new(service, "default"))
    }
}

/// A refusal in the form of an API server.
pub(crate) fn status(code: u16, message: &str) -> Response<Body> {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}).to_string();
    Response::builder().status(code).body(Body::from(body)).unwrap()
}

/// A document.
pub(crate) fn document(value: &Value) -> Response<Body> {
    Response::new(Body::from(value.to_string()))
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The binary with a clean environment, so that nothing of the machine is picked up.
pub(crate) fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_eks-mcp"));
    let home = root().join("tests/it");
    command
        .env_clear()
        .env("HOME", home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null());
    command
}

/// Runs the binary and returns exit code, standard output and standard error.
pub(crate) fn run(arguments: &[&str]) -> (i32, String, String) {
    read(binary().args(arguments).output().unwrap())
}

/// Exit code, standard output and standard error.
pub(crate) fn read(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}
