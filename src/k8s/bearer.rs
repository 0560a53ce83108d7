//! Who a client is to an API server.

use std::sync::Arc;

use async_trait::async_trait;
use http::HeaderValue;
use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::aws::token::{Token, Tokens};
use crate::error::{ErrorKind, ToolError};

/// What a client shows to an API server, and what is said when it is not enough.
#[async_trait]
pub(super) trait Identity: Send + Sync + 'static {
    /// The value of `Authorization`; absent where the client has it by itself.
    async fn bearer(&self) -> Result<Option<HeaderValue>, ToolError>;

    /// The API server does not take what was shown: forgets it, and says whom the cluster does not know.
    async fn refused(&self) -> ToolError;
}

/// `Bearer …`, kept out of logs.
pub(super) fn header(token: &str) -> Result<HeaderValue, ToolError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
        .map_err(|_| ToolError::new(ErrorKind::Internal, "the token cannot be sent as a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An AWS identity with the token of one EKS cluster, shared by its requests.
pub(super) struct AwsIdentity {
    tokens: Tokens,
    cluster: String,
    region: String,
    token: Mutex<Option<Token>>,
}

impl AwsIdentity {
    pub(super) fn new(tokens: Tokens, cluster: &str, region: &str) -> Arc<Self> {
        Arc::new(Self { tokens, cluster: cluster.to_owned(), region: region.to_owned(), token: Mutex::new(None) })
    }
}

#[async_trait]
impl Identity for AwsIdentity {
    async fn bearer(&self) -> Result<Option<HeaderValue>, ToolError> {
        let mut token = self.token.lock().await;
        let present = |it: &Token| it.renew_at > Timestamp::now() && it.generation == self.tokens.generation();
        if !token.as_ref().is_some_and(present) {
            *token = Some(self.tokens.mint(&self.cluster).await?);
        }
        token.as_ref().map(|it| header(&it.secret)).transpose()
    }

    async fn refused(&self) -> ToolError {
        *self.token.lock().await = None;
        self.tokens.forget_credentials();
        let identity =
            self.tokens.identity().await.map_or_else(|| "this identity".to_owned(), |arn| format!("the identity {arn}"));
        let message = format!("cluster `{}` does not accept {identity} (401 Unauthorized)", self.cluster);
        ToolError::new(ErrorKind::AccessDenied, message).with_hint(format!(
            "Create an access entry for this IAM identity on the cluster; `eks-mcp check --cluster {} --region {}` prints the commands. If it has one, check that the clock is right.",
            self.cluster, self.region
        ))
    }
}

/// An identity that the Kubernetes client has by itself: a token, a file with one, or a client certificate.
pub(super) struct OwnIdentity {
    /// Which, for messages.
    pub(super) what: String,
}

#[async_trait]
impl Identity for OwnIdentity {
    async fn bearer(&self) -> Result<Option<HeaderValue>, ToolError> {
        Ok(None)
    }

    async fn refused(&self) -> ToolError {
        ToolError::new(ErrorKind::AccessDenied, format!("the API server does not accept {} (401 Unauthorized)", self.what))
            .with_hint("Renew that credential; an expired token or certificate is refused like an unknown one.")
    }
}
