//! Tokens for the API servers of EKS clusters: a presigned `sts:GetCallerIdentity`, made here without asking AWS.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{PayloadChecksumKind, SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::identity::Shared;
use crate::error::{ErrorKind, ToolError};

/// The API server takes a token for fifteen minutes, whatever the URL says; renewed a minute before.
pub const LIFETIME: SignedDuration = SignedDuration::from_mins(14);

/// What RFC 3986 leaves unencoded.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A token and the moment from which another must be used.
#[derive(Clone)]
pub struct Token {
    /// The bearer token; anyone who holds it acts as this identity until it expires.
    pub secret: String,
    /// When to make the next one.
    pub renew_at: Timestamp,
    /// Which set of credentials signed it; see [`Tokens::generation`].
    pub generation: u64,
}

/// Mints tokens in one Region with the present credentials.
#[derive(Clone)]
pub struct Tokens {
    shared: Arc<Shared>,
    region: String,
}

impl Tokens {
    pub(super) fn new(shared: Arc<Shared>, region: String) -> Self {
        Self { shared, region }
    }

    /// A token for a cluster.
    ///
    /// # Errors
    /// `credentials` when there are none or they cannot sign.
    pub async fn mint(&self, cluster: &str) -> Result<Token, ToolError> {
        match self.mint_once(cluster).await {
            // The credentials may have been renewed on disk since they were read.
            Err(err) if err.kind == ErrorKind::Credentials => {
                self.shared.forget(&self.shared.state());
                self.mint_once(cluster).await
            }
            token => token,
        }
    }

    async fn mint_once(&self, cluster: &str) -> Result<Token, ToolError> {
        let failed = |why: String| {
            ToolError::new(ErrorKind::Credentials, format!("no token for cluster `{cluster}` could be made: {why}"))
        };
        let generation = self.shared.generation();
        let credentials = self.shared.state().credentials(&self.region).await.map_err(|mut err| {
            err.message = format!("no token for cluster `{cluster}` could be made: {}", err.message);
            err
        })?;
        let host = endpoint_host(&self.region);
        let now = SystemTime::now();
        let secret = presign(credentials, &self.region, &host, cluster, now).map_err(failed)?;
        let now = Timestamp::try_from(now).map_err(|err| failed(err.to_string()))?;
        Ok(Token { secret, renew_at: now + LIFETIME, generation })
    }

    /// Counts the sets of credentials there have been; a token of an older one is not used any more.
    pub fn generation(&self) -> u64 {
        self.shared.generation()
    }

    /// Whom the present credentials belong to, where STS tells.
    pub async fn identity(&self) -> Option<String> {
        self.shared.state().caller(&self.region).await.map(|it| it.arn.clone())
    }

    /// Forgets the present credentials: the API server no longer takes what they sign.
    pub fn forget_credentials(&self) {
        self.shared.forget(&self.shared.state());
    }
}

/// The regional endpoint, which is what the API server expects; never a custom one, which the API server could not ask.
fn endpoint_host(region: &str) -> String {
    let suffix = match region {
        it if it.starts_with("cn-") => "amazonaws.com.cn",
        it if it.starts_with("eusc-") => "amazonaws.eu",
        it if it.starts_with("us-iso-") => "c2s.ic.gov",
        it if it.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ => "amazonaws.com",
    };
    format!("sts.{region}.{suffix}")
}

/// `k8s-aws-v1.` and the presigned URL, base64url without padding.
fn presign(credentials: Credentials, region: &str, host: &str, cluster: &str, time: SystemTime) -> Result<String, String> {
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(Duration::from_mins(1));
    settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(time)
        .settings(settings)
        .build()
        .map_err(|err| err.to_string())?
        .into();
    let url = format!("https://{host}/?Action=GetCallerIdentity&Version=2011-06-15");
    let headers = [("host", host), ("x-k8s-aws-id", cluster)];
    let request = SignableRequest::new("GET", url.as_str(), headers.into_iter(), SignableBody::Bytes(&[]))
        .map_err(|err| err.to_string())?;
    let (instructions, _signature) = sign(request, &params).map_err(|err| err.to_string())?.into_parts();
    let mut url = url;
    // The signature goes last, as every other client writes it; the signer hands out the values unencoded.
    let (signature, others): (Vec<_>, Vec<_>) = instructions.params().iter().partition(|(name, _)| *name == "X-Amz-Signature");
    for (name, value) in others.into_iter().chain(signature) {
        url.push('&');
        url.push_str(name);
        url.push('=');
        url.extend(utf8_percent_encode(value, UNRESERVED));
    }
    Ok(format!("k8s-aws-v1.{}", URL_SAFE_NO_PAD.encode(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_the_one_that_aws_computes() {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", Some("sess+/=tok".to_owned()), None, "test");
        let time: Timestamp = "2025-11-24T16:00:00Z".parse().unwrap();
        let token = presign(credentials, "us-west-2", "sts.us-west-2.amazonaws.com", "my-cluster", time.into()).unwrap();
        let url = URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.").unwrap()).unwrap();
        let url = String::from_utf8(url).unwrap();
        let (_, query) = url.split_once('?').unwrap();
        let names: Vec<&str> = query.split('&').filter_map(|it| it.split('=').next()).collect();
        assert_eq!(
            names.join(" "),
            "Action Version X-Amz-Algorithm X-Amz-Credential X-Amz-Date X-Amz-Expires X-Amz-SignedHeaders X-Amz-Security-Token X-Amz-Signature"
        );
        assert!(url.contains("X-Amz-SignedHeaders=host%3Bx-k8s-aws-id"), "{url}");
        assert!(url.contains("X-Amz-Security-Token=sess%2B%2F%3Dtok"), "{url}");
        assert!(url.ends_with("X-Amz-Signature=5bdfabcefa9ba949a313108599d685a330f647aef09aebe215544ffeefff50b5"), "{url}");
    }

    #[test]
    fn every_partition_has_its_endpoint() {
        assert_eq!(endpoint_host("cn-north-1"), "sts.cn-north-1.amazonaws.com.cn");
        assert_eq!(endpoint_host("us-gov-west-1"), "sts.us-gov-west-1.amazonaws.com");
    }
}
