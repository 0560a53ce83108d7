//! The grammars of names, and which known name a wrong one may have meant.

/// Whether a text can be an EKS cluster name.
pub fn is_cluster_name(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text.starts_with(|it: char| it.is_ascii_alphanumeric())
        && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-' || it == b'_')
}

/// Whether a text has the form of an AWS Region code, such as `eu-west-1` or `us-gov-east-1`.
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [head @ .., last] = parts.as_slice() else { return false };
    (2..=4).contains(&head.len())
        && text.len() <= 32
        && head.iter().all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_lowercase()))
        && !last.is_empty()
        && last.bytes().all(|it| it.is_ascii_digit())
}

/// Whether a text is an AWS account id.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|it| it.is_ascii_digit())
}

/// Whether a text is a DNS label, as namespaces are named (RFC 1123).
pub fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len()) && text.split('.').count() == 1 && is_dns_subdomain(text)
}

/// Whether a text is a DNS subdomain, as most objects are named (RFC 1123).
pub fn is_dns_subdomain(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.split('.').all(|label| {
            !label.is_empty()
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-')
        })
}

/// Whether a text can be one segment of an API path: most names are DNS subdomains, RBAC objects may hold colons and capitals.
pub fn is_path_segment(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text != "."
        && text != ".."
        && !text.contains(['/', '%'])
        && text.chars().all(|it| !it.is_control())
}

/// The known names nearest to a wrong one, best first, at most three; empty when none is near.
pub fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let wrong = wrong.to_lowercase();
    let mut ranked: Vec<(usize, &str)> = known
        .into_iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let distance = strsim::damerau_levenshtein(&wrong, &lower);
            let allowed = (wrong.chars().count().max(lower.chars().count()) / 3).clamp(1, 3);
            if distance <= allowed {
                Some((distance, name))
            } else if wrong.len() >= 3 && lower.len() >= 3 && (lower.contains(&wrong) || wrong.contains(&lower)) {
                Some((4, name))
            } else {
                None
            }
        })
        .collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(3).map(|(_, name)| name.to_owned()).collect()
}

/// ` Did you mean …?` for an error message; empty when nothing is near.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let near: Vec<String> = near(wrong, known).into_iter().map(|it| format!("`{it}`")).collect();
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_typos_or_parts_of_one_another() {
        let known = ["payments", "storefront", "dev", "dev-2"];
        assert_eq!(near("payment", known), ["payments"]);
        assert_eq!(near("store", known), ["storefront"]);
        assert_eq!(near("Dev", known), ["dev", "dev-2"]);
        assert!(near("zebra", known).is_empty());
    }

    #[test]
    fn regions_and_names_have_a_grammar() {
        for region in ["eu-west-1", "us-gov-east-1", "us-iso-east-1", "ap-southeast-12", "cn-north-1"] {
            assert!(is_region(region), "{region}");
        }
        for wrong in ["", "eu", "eu-west", "eu-west-1a", "EU-WEST-1", "eu/west-1", "eu-west-1.evil.example"] {
            assert!(!is_region(wrong), "{wrong}");
        }
        assert!(is_dns_subdomain("a.b-c.d1") && !is_dns_subdomain("a..b") && !is_dns_subdomain("-a") && !is_dns_subdomain("A"));
        assert!(is_path_segment("system:node") && !is_path_segment("..") && !is_path_segment("a/b"));
    }
}
