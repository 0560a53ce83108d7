//! AWS accounts that calls can name, and which credentials reach each.

use super::names;
use crate::error::ToolError;

/// An account that calls can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name of the account in this configuration.
    pub alias: String,
    /// Account id: 12 digits.
    pub id: String,
    /// Regions with clusters, the usual one first; empty means the Region of the server.
    pub regions: Vec<String>,
    /// How it is reached.
    pub access: Access,
}

/// The credentials that reach an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// The server's own.
    Own,
    /// Those of a profile.
    Profile(String),
    /// Those of a role that is assumed.
    Role(Role),
}

/// A role to assume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// ARN of the role.
    pub arn: String,
    /// What the trust policy of the role asks for, where it does.
    pub external_id: Option<String>,
    /// Name of the session, which audit logs show.
    pub session_name: String,
    /// Profile whose credentials assume the role; otherwise the server's own do.
    pub profile: Option<String>,
}

impl Account {
    /// The account as messages name it.
    pub fn label(&self) -> String {
        format!("account `{}` ({})", self.alias, self.id)
    }

    /// How the account is reached, in a few words.
    pub fn way(&self) -> String {
        match &self.access {
            Access::Own => "the server's own credentials".to_owned(),
            Access::Profile(name) => format!("profile `{name}`"),
            Access::Role(role) => format!("role {}", role.arn),
        }
    }
}

/// Every account that calls can name, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    list: Vec<Account>,
    default: Option<usize>,
}

impl Accounts {
    /// These accounts; `default` is the one that is meant where none is named.
    ///
    /// # Errors
    /// `invalid_input` when an id stands twice, or `default` is none of them.
    pub fn new(list: Vec<Account>, default: Option<&str>) -> Result<Self, ToolError> {
        for (index, account) in list.iter().enumerate() {
            if let Some(twin) = list.iter().take(index).find(|it| it.id == account.id) {
                let (one, other, id) = (&twin.alias, &account.alias, &account.id);
                return Err(ToolError::invalid(format!("accounts `{one}` and `{other}` have the same id {id}"))
                    .with_hint("Keep one of them: an ARN has to lead to one set of credentials."));
            }
        }
        let mut accounts = Self { list, default: None };
        if let Some(default) = default {
            let id = accounts.find(default)?.id.clone();
            accounts.default = accounts.list.iter().position(|it| it.id == id);
        }
        Ok(accounts)
    }

    /// The account that an alias or a 12-digit id means.
    ///
    /// # Errors
    /// `invalid_input` that names the accounts there are, and the nearest one.
    pub fn find(&self, name: &str) -> Result<&Account, ToolError> {
        self.list.iter().find(|it| it.alias == name || it.id == name).ok_or_else(|| {
            let known = self.list.iter().map(|it| it.alias.as_str());
            if self.list.is_empty() {
                return ToolError::invalid(format!("`account`: `{name}` is not configured, and neither is any other account"))
                    .with_hint(format!("Leave `account` out, or ask the user to add `[accounts.{name}]` to the configuration."));
            }
            let near = names::did_you_mean(name, known.clone());
            let all = known.map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ");
            ToolError::invalid(format!("`account`: `{name}` is no configured account{near}"))
                .with_hint(format!("Use one of {all}, or its id."))
        })
    }

    /// The account with this id.
    pub fn by_id(&self, id: &str) -> Option<&Account> {
        self.list.iter().find(|it| it.id == id)
    }

    /// The account that is meant where none is named; without one, the server's own credentials are.
    pub fn default_account(&self) -> Option<&Account> {
        self.default.and_then(|it| self.list.get(it))
    }

    /// Every account, in the order of aliases.
    pub fn iter(&self) -> impl Iterator<Item = &Account> {
        self.list.iter()
    }

    /// Whether none is configured.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(alias: &str, id: &str) -> Account {
        Account { alias: alias.into(), id: id.into(), regions: Vec::new(), access: Access::Own }
    }

    #[test]
    fn an_account_is_named_by_alias_or_id() {
        let list = vec![account("prod", "111122223333"), account("dev", "444455556666")];
        let accounts = Accounts::new(list, Some("444455556666")).unwrap();
        assert_eq!(accounts.find("prod").unwrap().id, "111122223333");
        assert_eq!(accounts.find("111122223333").unwrap().alias, "prod");
        assert_eq!(accounts.default_account().unwrap().alias, "dev");
        let err = accounts.find("prd").unwrap_err();
        assert!(err.message.contains("did you mean `prod`?"), "{err}");
        assert!(err.hint.unwrap().contains("`prod`, `dev`"));
        assert!(Accounts::default().find("prod").unwrap_err().hint.unwrap().contains("[accounts.prod]"));
    }

    #[test]
    fn an_id_leads_to_one_set_of_credentials() {
        let err = Accounts::new(vec![account("a", "111122223333"), account("b", "111122223333")], None).unwrap_err();
        assert!(err.message.contains("`a` and `b`"), "{err}");
        assert!(Accounts::new(vec![account("a", "111122223333")], Some("c")).is_err());
    }
}
