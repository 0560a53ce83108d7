//! From who a session is to whom a grant has to name.

/// The principal that a grant names, such as an access entry of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// ARN of the role or user.
    pub arn: String,
    /// Name of a role whose path a session does not show, so that the ARN may lack it.
    pub path_unknown: Option<String>,
}

impl Principal {
    /// The principal behind an ARN that STS returned. A session becomes its role; `role_arn` is the role that was assumed,
    /// where that is known, because a session does not show the path of its role.
    pub fn of(arn: &str, role_arn: Option<&str>) -> Option<Self> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, service, _, account, resource] = parts.as_slice() else { return None };
        if *service != "sts" {
            return Some(Self { arn: arn.to_owned(), path_unknown: None });
        }
        let name = resource.strip_prefix("assumed-role/")?.split('/').next()?;
        if let Some(role) = role_arn
            && role.rsplit('/').next() == Some(name)
            && role.split(':').nth(4) == Some(account)
        {
            return Some(Self { arn: role.to_owned(), path_unknown: None });
        }
        let arn = format!("arn:{partition}:iam::{account}:role/{name}");
        // Roles of IAM Identity Center have a path with the Region of its instance, which nothing here tells.
        let path_unknown = name.starts_with("AWSReservedSSO_").then(|| name.to_owned());
        Some(Self { arn, path_unknown })
    }

    /// The ARN as a shell word; a command that looks it up where the path is not known.
    pub fn shell_word(&self) -> String {
        match &self.path_unknown {
            Some(name) => format!("\"$(aws iam get-role --role-name {name} --query Role.Arn --output text)\""),
            None => self.arn.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(session: &str, role: Option<&str>) -> String {
        Principal::of(session, role).unwrap().shell_word()
    }

    #[test]
    fn a_session_becomes_its_role() {
        let session = "arn:aws:sts::111122223333:assumed-role/reader/i-0abc";
        assert_eq!(arn(session, None), "arn:aws:iam::111122223333:role/reader");
        assert_eq!(
            arn(session, Some("arn:aws:iam::111122223333:role/team/reader")),
            "arn:aws:iam::111122223333:role/team/reader"
        );
        assert_eq!(arn(session, Some("arn:aws:iam::444455556666:role/reader")), "arn:aws:iam::111122223333:role/reader");
        assert_eq!(arn("arn:aws-cn:sts::111122223333:assumed-role/a/b", None), "arn:aws-cn:iam::111122223333:role/a");
        assert_eq!(arn("arn:aws:iam::111122223333:user/ops/ann", None), "arn:aws:iam::111122223333:user/ops/ann");
    }

    #[test]
    fn a_path_that_the_session_hides_is_looked_up() {
        let word = arn("arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Reader_0a1b/ann@example.org", None);
        assert!(word.contains("aws iam get-role --role-name AWSReservedSSO_Reader_0a1b --query Role.Arn"), "{word}");
        assert_eq!(Principal::of("root", None), None);
    }
}
