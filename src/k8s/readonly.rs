//! The HTTP layer below every tool that lets only reads through.

use http::{Method, Request};
use kube::client::Body;

/// Review requests: they are sent with POST and change nothing.
const REVIEWS: &[&str] = &[
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
];

/// Subresources that act or reach through the API server although they are asked with GET.
const ACTING: &[&str] = &["exec", "attach", "portforward", "proxy"];

/// A request that would have changed something.
#[derive(Debug, thiserror::Error)]
#[error("this server only reads: {method} {path} was not sent")]
pub struct Refused {
    method: Method,
    path: String,
}

/// Lets GET and the reviews through and refuses the rest.
///
/// # Errors
/// `Refused` for any other request; it has not been sent.
pub fn read_only(request: Request<Body>) -> Result<Request<Body>, Refused> {
    let path = request.uri().path();
    let acts = path.split('/').any(|segment| ACTING.contains(&segment));
    let allowed = match *request.method() {
        Method::GET => !acts,
        Method::POST => REVIEWS.contains(&path),
        _ => false,
    };
    if allowed {
        return Ok(request);
    }
    Err(Refused { method: request.method().clone(), path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: &str, path: &str) -> bool {
        read_only(Request::builder().method(method).uri(path).body(Body::empty()).unwrap()).is_ok()
    }

    #[test]
    fn only_reads_and_reviews_pass() {
        let pods = "/api/v1/namespaces/shop/pods/web";
        assert!(allowed("GET", pods) && allowed("GET", &format!("{pods}/log?tailLines=3")) && allowed("POST", REVIEWS[0]));
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "CONNECT", "TRACE", "BREW"] {
            assert!(!allowed(method, pods), "{method}");
        }
        for path in ["exec?command=id", "attach", "portforward", "proxy/metrics"] {
            assert!(!allowed("GET", &format!("{pods}/{path}")), "{path}");
        }
        assert!(!allowed("POST", "/api/v1/namespaces/shop/serviceaccounts/default/token"));
    }
}
