//! The Query protocol of EC2, Auto Scaling, Elastic Load Balancing and IAM, on the runtime of the SDK: its credentials,
//! signing, retries and time-outs. The SDK of EC2 alone takes minutes and gigabytes to compile, for a handful of reads.

use std::fmt;

use aws_config::SdkConfig;
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::HttpStatusCodeClassifier;
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::metadata::{ErrorMetadata, ProvideErrorMetadata};
use aws_smithy_types::retry::RetryConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A service that speaks the protocol.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    /// Name in the host and in the signature.
    pub(super) name: &'static str,
    /// Id in configuration files and environment variables, as `AWS_ENDPOINT_URL_<ID>` has it.
    pub(super) id: &'static str,
    /// Version of its API.
    pub(super) version: &'static str,
    /// Whether one endpoint serves all Regions of a partition.
    pub(super) global: bool,
}

pub(super) const EC2: Service = Service { name: "ec2", id: "EC2", version: "2016-11-15", global: false };
pub(super) const AUTO_SCALING: Service =
    Service { name: "autoscaling", id: "Auto Scaling", version: "2011-01-01", global: false };
pub(super) const LOAD_BALANCING: Service =
    Service { name: "elasticloadbalancing", id: "Elastic Load Balancing v2", version: "2015-12-01", global: false };
pub(super) const IAM: Service = Service { name: "iam", id: "IAM", version: "2010-05-08", global: true };

/// What the service answered instead of a result.
#[derive(Debug)]
pub(super) struct QueryError(ErrorMetadata);

impl fmt::Display for QueryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for QueryError {}

impl ProvideErrorMetadata for QueryError {
    fn meta(&self) -> &ErrorMetadata {
        &self.0
    }
}

/// A failed call.
pub(super) type CallError = SdkError<QueryError, HttpResponse>;

/// Arguments of a call by name.
pub(super) type Arguments = Vec<(String, String)>;

/// A client of one service in one Region.
#[derive(Clone, Debug)]
pub(super) struct Client {
    operation: Operation<Arguments, String, QueryError>,
}

impl Client {
    /// Makes a client; nothing is contacted.
    pub(super) fn new(config: &SdkConfig, service: Service) -> Self {
        let region = config.region().map_or("us-east-1", AsRef::as_ref).to_owned();
        let url = endpoint(config, service).unwrap_or_else(|| host(&region, service, config.use_fips() == Some(true)));
        let mut layer = Layer::new("query");
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(aws_config::Region::new(signing_region(&region, service)))),
            name: Some(SigningName::from_static(service.name)),
            ..SigV4OperationSigningConfig::default()
        });
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        let mut components = RuntimeComponentsBuilder::new("query")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_identity_cache(config.identity_cache())
            .with_http_client(config.http_client())
            .with_sleep_impl(config.sleep_impl())
            .with_time_source(config.time_source());
        if let Some(credentials) = config.credentials_provider() {
            components = components.with_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
        }
        let plugin = StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(components);
        let retries = config.retry_config().cloned().unwrap_or_else(RetryConfig::standard);
        let mut builder = Operation::builder()
            .service_name(service.id)
            .operation_name("Query")
            .endpoint_url(&url)
            .standard_retry(&retries)
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(AwsErrorCodeClassifier::<QueryError>::new())
            .with_connection_poisoning()
            .runtime_plugin(plugin);
        if let Some(timeouts) = config.timeout_config() {
            builder = builder.timeout_config(timeouts.clone());
        }
        if let Some(version) = config.behavior_version() {
            builder = builder.behavior_version(version);
        }
        let operation = builder
            .serializer(move |arguments: Arguments| {
                let body = form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(arguments)
                    .append_pair("Version", service.version)
                    .finish();
                let mut request = HttpRequest::new(SdkBody::from(body));
                request.set_method("POST")?;
                request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
                request.headers_mut().insert("user-agent", concat!("eks-mcp/", env!("CARGO_PKG_VERSION")));
                Ok(request)
            })
            .deserializer(|response: &HttpResponse| {
                let body = String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned();
                if response.status().is_success() {
                    return Ok(body);
                }
                Err(OrchestratorError::operation(QueryError(error(&body))))
            })
            .build();
        Self { operation }
    }

    /// Sends one request.
    pub(super) async fn call<T: DeserializeOwned>(&self, action: &str, arguments: Arguments) -> Result<T, CallError> {
        let mut query = vec![("Action".to_owned(), action.to_owned())];
        query.extend(arguments);
        let body = self.operation.invoke(query).await?;
        quick_xml::de::from_str(&body)
            .map_err(|err| SdkError::construction_failure(format!("{action}: the answer cannot be read: {err}")))
    }
}

/// `<xSet><item>…</item></xSet>` of EC2, `<X><member>…</member></X>` of the others; absent when empty.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct List<T> {
    #[serde(alias = "member", default = "Vec::new")]
    pub(super) item: Vec<T>,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

/// Arguments that are a list: `Name.1`, `Name.2`, …
pub(super) fn numbered(name: &str, values: &[String]) -> Arguments {
    values.iter().enumerate().map(|(index, value)| (format!("{name}.{}", index + 1), value.clone())).collect()
}

/// The endpoint that the environment or profile names for this service, or for all.
fn endpoint(config: &SdkConfig, service: Service) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service.id).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let own = config.service_config().zip(key.ok()).and_then(|(config, key)| config.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

fn host(region: &str, service: Service, fips: bool) -> String {
    let suffix = match region {
        it if it.starts_with("cn-") => "amazonaws.com.cn",
        it if it.starts_with("eusc-") => "amazonaws.eu",
        it if it.starts_with("us-iso-") => "c2s.ic.gov",
        it if it.starts_with("us-isob-") => "sc2s.sgov.gov",
        _ => "amazonaws.com",
    };
    let name = if fips { format!("{}-fips", service.name) } else { service.name.to_owned() };
    if !service.global {
        return format!("https://{name}.{region}.{suffix}");
    }
    match region {
        it if it.starts_with("us-gov-") => format!("https://{name}.us-gov.{suffix}"),
        it if suffix == "amazonaws.com" && !it.starts_with("us-iso") => format!("https://{name}.{suffix}"),
        it => format!("https://{name}.{}.{suffix}", signing_region(it, service)),
    }
}

/// One endpoint for a partition is signed for the Region that it stands in.
fn signing_region(region: &str, service: Service) -> String {
    if !service.global {
        return region.to_owned();
    }
    let home = match region {
        it if it.starts_with("cn-") => "cn-north-1",
        it if it.starts_with("us-gov-") => "us-gov-west-1",
        it if it.starts_with("eusc-") => "eusc-de-east-1",
        it if it.starts_with("us-iso-") => "us-iso-east-1",
        it if it.starts_with("us-isob-") => "us-isob-east-1",
        _ => "us-east-1",
    };
    home.to_owned()
}

/// `<Response><Errors><Error>` of EC2, `<ErrorResponse><Error>` of the others.
fn error(body: &str) -> ErrorMetadata {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Failure {
        #[serde(rename = "Errors")]
        errors: Errors,
        #[serde(rename = "Error")]
        error: Reason,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Errors {
        #[serde(rename = "Error")]
        error: Reason,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Reason {
        code: String,
        message: String,
    }
    let Failure { errors, error } = quick_xml::de::from_str(body).unwrap_or_default();
    let reason = if error.code.is_empty() { errors.error } else { error };
    let builder = ErrorMetadata::builder();
    // What is no answer of the service, such as the page of a proxy, is told by its status alone.
    if reason.code.is_empty() { builder.build() } else { builder.code(reason.code).message(reason.message).build() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_and_signing_follow_the_partition() {
        let url = |region: &str, service| host(region, service, false);
        assert_eq!(url("eu-west-1", EC2), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(url("cn-north-1", AUTO_SCALING), "https://autoscaling.cn-north-1.amazonaws.com.cn");
        assert_eq!(host("us-gov-east-1", EC2, true), "https://ec2-fips.us-gov-east-1.amazonaws.com");
        assert_eq!(
            (url("eu-west-1", IAM).as_str(), signing_region("eu-west-1", IAM).as_str()),
            ("https://iam.amazonaws.com", "us-east-1")
        );
        assert_eq!(url("us-gov-east-1", IAM), "https://iam.us-gov.amazonaws.com");
        assert_eq!(url("cn-northwest-1", IAM), "https://iam.cn-north-1.amazonaws.com.cn");
    }

    #[test]
    fn errors_of_both_shapes_are_read_and_others_are_not_made_up() {
        let ec2 = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not</Message></Error></Errors><RequestID>1</RequestID></Response>";
        assert_eq!((error(ec2).code(), error(ec2).message()), (Some("UnauthorizedOperation"), Some("You are not")));
        let iam = "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role</Message></Error></ErrorResponse>";
        assert_eq!(error(iam).code(), Some("NoSuchEntity"));
        assert_eq!(error("<html><body>proxy</body></html>").code(), None);
        assert_eq!(error("no XML at all").code(), None);
    }
}
