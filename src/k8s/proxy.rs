//! Which proxy leads to an API server, if any.

use std::net::IpAddr;

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;

use crate::error::ToolError;

/// Says that no proxy is used, whatever the environment holds.
const NONE: &str = "none";

/// The proxy that the environment names.
#[derive(Clone, Debug, Default)]
pub(super) struct Environment {
    proxy: Option<String>,
    no_proxy: Option<String>,
}

impl Environment {
    /// What other programs read: the lower-case names too.
    pub(super) fn read() -> Self {
        let first = |names: [&str; 4]| names.into_iter().filter_map(|it| std::env::var(it).ok()).find(|it| !it.is_empty());
        Self {
            proxy: first(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]),
            no_proxy: first(["NO_PROXY", "no_proxy", "NO_PROXY", "no_proxy"]),
        }
    }
}

/// The proxy to a URL. One that is configured holds for every host; that of the environment neither for this machine nor
/// for what `NO_PROXY` names.
///
/// # Errors
/// `invalid_input` when what is configured is no proxy.
pub(super) fn to(url: &Uri, configured: Option<&str>, environment: &Environment) -> Result<Option<Uri>, ToolError> {
    match configured {
        Some(NONE) => Ok(None),
        Some(proxy) => parse(proxy, "the configured proxy").map(Some),
        None => {
            let Some(proxy) = &environment.proxy else { return Ok(None) };
            if url.host().is_none_or(is_this_machine) {
                return Ok(None);
            }
            let parsed = parse(proxy, "the proxy of `HTTPS_PROXY`")?;
            let matcher = Matcher::builder().all(proxy.as_str()).no(environment.no_proxy.as_deref().unwrap_or_default()).build();
            Ok(matcher.intercept(url).map(|_| parsed))
        }
    }
}

/// The proxy without user and password, for messages.
pub(super) fn shown(proxy: &Uri) -> String {
    let host = proxy.authority().map(|it| it.as_str().rsplit('@').next().unwrap_or_default()).unwrap_or_default();
    format!("{}://{host}", proxy.scheme_str().unwrap_or("http"))
}

fn parse(proxy: &str, what: &str) -> Result<Uri, ToolError> {
    let text = if proxy.contains("://") { proxy.to_owned() } else { format!("http://{proxy}") };
    let uri: Option<Uri> = text.parse().ok();
    let usable = uri.filter(|it| it.host().is_some() && matches!(it.scheme_str(), Some("http" | "https" | "socks5")));
    usable.ok_or_else(|| {
        ToolError::invalid(format!("{what} is no URL that starts with `http://`, `https://` or `socks5://`"))
            .with_hint("Correct `proxy` in the configuration, or `HTTPS_PROXY`.")
    })
}

fn is_this_machine(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn through(url: &str, configured: Option<&str>, no_proxy: &str) -> Option<String> {
        let environment =
            Environment { proxy: Some("http://user:pw@proxy.example:3128".into()), no_proxy: Some(no_proxy.into()) };
        to(&url.parse().unwrap(), configured, &environment).unwrap().map(|it| shown(&it))
    }

    const EKS: &str = "https://ABC.gr7.eu-west-1.eks.amazonaws.com";

    #[test]
    fn the_environment_holds_unless_it_excludes_the_host() {
        assert_eq!(through(EKS, None, "").as_deref(), Some("http://proxy.example:3128"));
        assert_eq!(through(EKS, None, "10.0.0.0/8,.eks.amazonaws.com"), None);
        assert_eq!(through("https://10.1.2.3", None, "10.0.0.0/8"), None);
        for url in ["https://127.0.0.1:8443", "https://localhost:8443", "https://[::1]:8443"] {
            assert_eq!(through(url, None, ""), None, "{url}");
        }
    }

    #[test]
    fn what_is_configured_wins() {
        assert_eq!(through("https://127.0.0.1", Some("socks5://bastion:1080"), "*").as_deref(), Some("socks5://bastion:1080"));
        assert_eq!(through(EKS, Some("bastion:3128"), "").as_deref(), Some("http://bastion:3128"));
        assert_eq!(through(EKS, Some("none"), ""), None);
        let err = to(&EKS.parse().unwrap(), Some("ftp://user:secret@x"), &Environment::default()).unwrap_err();
        assert!(!err.text().contains("secret"), "{err}");
    }
}
