//! From errors of the SDK to ours, in one table.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::error::{ErrorKind, ToolError};

/// What failed, on which thing, and why.
pub(super) fn map<E>(err: &SdkError<E, HttpResponse>, action: &'static str, thing: &str) -> ToolError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(credentials) = source_of::<CredentialsError>(err) {
        return credentials_error(credentials, action);
    }
    match err {
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            let code = service.err().code().unwrap_or("unknown error");
            let message = service.err().message().unwrap_or_default();
            service_error(action, thing, code, message, status)
        }
        SdkError::TimeoutError(_) => {
            ToolError::new(ErrorKind::Timeout, format!("{action} on {thing}: AWS did not answer in time"))
        }
        SdkError::DispatchFailure(failure) => {
            let reason = root_cause(err);
            let message = if failure.is_timeout() {
                format!("{action} on {thing}: no connection to AWS within the time limit ({reason})")
            } else {
                format!("{action} on {thing}: AWS cannot be reached ({reason})")
            };
            ToolError::new(ErrorKind::Unreachable, message)
                .with_hint("Check the network path to AWS, the proxy settings and `AWS_ENDPOINT_URL`.")
        }
        other => ToolError::new(ErrorKind::Upstream, format!("{action} on {thing}: {}", root_cause(other))),
    }
}

fn service_error(action: &'static str, thing: &str, code: &str, message: &str, status: u16) -> ToolError {
    let text = match message {
        "" => format!("{action} on {thing}: {code}"),
        message => format!("{action} on {thing}: {code}: {message}"),
    };
    let kind = kind_of(code, status);
    match kind {
        ErrorKind::AccessDenied => ToolError::new(kind, format!("not allowed: {text}")).with_hint(format!(
            "Grant the IAM action `{action}` to this identity; `eks-mcp permissions --iam` prints the least policy."
        )),
        ErrorKind::Credentials => ToolError::new(kind, format!("the AWS credentials are not accepted: {text}")),
        _ => ToolError::new(kind, text),
    }
}

fn kind_of(code: &str, status: u16) -> ErrorKind {
    match code {
        "ExpiredToken"
        | "ExpiredTokenException"
        | "RequestExpired"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "IncompleteSignature"
        | "InvalidToken"
        | "AuthFailure" => ErrorKind::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorized"
        | "NotAuthorizedException"
        | "OptInRequired" => ErrorKind::AccessDenied,
        "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "LimitExceededException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown" => ErrorKind::Throttled,
        "ResourceNotFoundException"
        | "ResourceNotFound"
        | "NotFoundException"
        | "ResourceNotFoundFault"
        | "NoSuchEntity"
        | "NoSuchResourceException"
        | "ImageNotFoundException"
        | "RepositoryNotFoundException"
        | "TargetGroupNotFound"
        | "InvalidInstanceID.NotFound" => ErrorKind::NotFound,
        "ValidationException"
        | "ValidationError"
        | "InvalidParameterException"
        | "InvalidParameterValue"
        | "InvalidRequestException"
        | "InvalidParameterCombination"
        | "MissingParameter" => ErrorKind::InvalidInput,
        _ => match status {
            401 => ErrorKind::Credentials,
            403 => ErrorKind::AccessDenied,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::Throttled,
            _ => ErrorKind::Upstream,
        },
    }
}

/// The provider chain's own text goes to the log: it names files and endpoints of the machine, not a next step.
pub(super) fn credentials_error(err: &CredentialsError, action: &'static str) -> ToolError {
    tracing::debug!(reason = root_cause(err), "no credentials");
    let why = match err {
        CredentialsError::CredentialsNotLoaded(_) => "there are no AWS credentials".to_owned(),
        CredentialsError::ProviderTimedOut(_) => "the provider of the AWS credentials did not answer in time".to_owned(),
        CredentialsError::InvalidConfiguration(_) => format!("the AWS credentials are configured wrongly ({})", root_cause(err)),
        _ => format!("the AWS credentials could not be loaded ({})", root_cause(err)),
    };
    ToolError::new(ErrorKind::Credentials, format!("{action}: {why}"))
}

/// The call that was to give the credentials of a role, when that is what failed.
pub(super) fn assume_role_error<'a>(err: &'a (dyn Error + 'static)) -> Option<&'a SdkError<AssumeRoleError, HttpResponse>> {
    source_of(err)
}

/// The innermost error, which says why; the outer ones only say where.
pub(super) fn root_cause(err: &(dyn Error + 'static)) -> String {
    let mut err = err;
    while let Some(source) = err.source() {
        err = source;
    }
    err.to_string()
}

fn source_of<'a, T: Error + 'static>(err: &'a (dyn Error + 'static)) -> Option<&'a T> {
    let mut next = Some(err);
    while let Some(err) = next {
        if let Some(found) = err.downcast_ref::<T>() {
            return Some(found);
        }
        next = err.source();
    }
    None
}
