//! The part of the configuration that says how accounts and clusters are reached.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Settings;
use crate::domain::account::{Access, Account, Accounts, Role};
use crate::domain::names;
use crate::error::ToolError;

const SESSION_NAME: &str = "eks-mcp";

/// AWS account that calls can name by its alias or id. With neither `role_arn` nor `profile` it is reached with the
/// credentials of the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AccountSettings {
    /// Account id, 12 digits. Default: that of `role_arn`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Role to assume in the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_arn: Option<String>,
    /// Profile to use; with `role_arn`, the one that assumes the role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// External id that the trust policy of the role asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Name of the session, which CloudTrail and audit logs show. Default: `eks-mcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// Regions with clusters, the usual one first. Default: the Region of the server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub regions: Vec<String>,
}

/// Another way to the API server of an EKS cluster, such as a tunnel to a private endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// URL that leads to the API server, such as `https://localhost:8443`. Default: the endpoint that EKS names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Name that the certificate has to be for. Default: the host of the endpoint that EKS names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_server_name: Option<String>,
    /// PEM file of certificates to trust for this cluster, beside those that EKS names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<String>,
    /// Proxy to this cluster: `http://`, `https://` or `socks5://`, or `none`. Default: `kubernetes.proxy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
}

impl Settings {
    /// The accounts that calls can name.
    ///
    /// # Errors
    /// `invalid_input` that names the key and what is wrong with it.
    pub fn accounts(&self) -> Result<Accounts, ToolError> {
        let list = self.accounts.iter().map(|(alias, it)| account(alias, it)).collect::<Result<_, _>>()?;
        Accounts::new(list, self.account.as_deref())
    }
}

fn account(alias: &str, settings: &AccountSettings) -> Result<Account, ToolError> {
    let wrong = |key: &str, why: String| {
        Err(ToolError::invalid(format!("`accounts.{alias}{key}`: {why}")).with_hint("Correct the configuration."))
    };
    if !names::is_cluster_name(alias) || alias.len() > 64 || names::is_account_id(alias) {
        return wrong("", "an alias has at most 64 letters, digits, `-` and `_`, and is no account id".to_owned());
    }
    let of_role = match &settings.role_arn {
        None => None,
        Some(arn) => match role_account(arn) {
            Some(id) => Some(id),
            None => return wrong(".role_arn", format!("`{arn}` is no ARN of a role")),
        },
    };
    let id = match (&settings.id, of_role) {
        (None, None) => return wrong("", "`id` is missing".to_owned()),
        (Some(id), _) if !names::is_account_id(id) => return wrong(".id", format!("`{id}` is no account id of 12 digits")),
        (Some(id), Some(of_role)) if id != of_role => {
            return wrong(".id", format!("`{id}` contradicts `role_arn`, which is of account {of_role}"));
        }
        (Some(id), _) => id.clone(),
        (None, Some(of_role)) => of_role.to_owned(),
    };
    if let Some(region) = settings.regions.iter().find(|it| !names::is_region(it)) {
        return wrong(".regions", format!("`{region}` is no AWS Region code such as `eu-west-1`"));
    }
    if settings.role_arn.is_none() && (settings.external_id.is_some() || settings.session_name.is_some()) {
        return wrong("", "`external_id` and `session_name` say nothing without `role_arn`".to_owned());
    }
    let session_name = settings.session_name.clone().unwrap_or_else(|| SESSION_NAME.to_owned());
    if !(2..=64).contains(&session_name.len())
        || !session_name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_+=,.@-".contains(&it))
    {
        return wrong(".session_name", format!("`{session_name}` is not 2 to 64 letters, digits and `_+=,.@-`"));
    }
    let access = match (&settings.role_arn, &settings.profile) {
        (Some(arn), profile) => {
            let (external_id, profile) = (settings.external_id.clone(), profile.clone());
            Access::Role(Role { arn: arn.clone(), external_id, session_name, profile })
        }
        (None, Some(profile)) => Access::Profile(profile.clone()),
        (None, None) => Access::Own,
    };
    Ok(Account { alias: alias.to_owned(), id, regions: settings.regions.clone(), access })
}

/// The account of `arn:<partition>:iam::<account>:role/<path and name>`.
fn role_account(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", partition, "iam", "", account, resource] = parts.as_slice() else { return None };
    let is_role = resource.strip_prefix("role/").is_some_and(|it| !it.is_empty() && !it.ends_with('/'));
    (partition.starts_with("aws") && names::is_account_id(account) && is_role).then_some(account)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::111122223333:role/fleet/reader";

    fn one(settings: AccountSettings) -> Result<Account, ToolError> {
        account("prod", &settings)
    }

    #[test]
    fn the_id_follows_from_the_role() {
        let found = one(AccountSettings { role_arn: Some(ROLE.into()), ..AccountSettings::default() }).unwrap();
        assert_eq!(found.id, "111122223333");
        let Access::Role(role) = found.access else { panic!("a role") };
        assert_eq!((role.session_name.as_str(), role.profile), ("eks-mcp", None));
        let own = one(AccountSettings { id: Some("111122223333".into()), ..AccountSettings::default() }).unwrap();
        assert_eq!(own.access, Access::Own);
    }

    #[test]
    fn what_contradicts_itself_is_named_by_its_key() {
        let some = |text: &str| Some(text.to_owned());
        for (settings, words) in [
            (AccountSettings::default(), "`accounts.prod`: `id` is missing"),
            (AccountSettings { id: some("12"), ..AccountSettings::default() }, "`accounts.prod.id`"),
            (AccountSettings { role_arn: some("reader"), ..AccountSettings::default() }, "`accounts.prod.role_arn`"),
            (AccountSettings { id: some("444455556666"), role_arn: some(ROLE), ..AccountSettings::default() }, "contradicts"),
            (
                AccountSettings { role_arn: some(ROLE), regions: vec!["x".into()], ..AccountSettings::default() },
                "`accounts.prod.regions`",
            ),
            (AccountSettings { role_arn: some(ROLE), session_name: some("a b"), ..AccountSettings::default() }, "session_name"),
            (
                AccountSettings {
                    profile: some("p"),
                    id: some("111122223333"),
                    external_id: some("e"),
                    ..AccountSettings::default()
                },
                "without `role_arn`",
            ),
        ] {
            let err = one(settings).unwrap_err();
            assert!(err.message.contains(words), "{err}");
        }
        assert!(account("111122223333", &AccountSettings { role_arn: some(ROLE), ..AccountSettings::default() }).is_err());
    }
}
