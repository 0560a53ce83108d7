//! Secrets of a text that comes line by line, some of which are longer than a line.

use std::borrow::Cow;

/// Lines of a private key at most; a key that is cut off must not hide the rest of a log.
const MOST_LINES: usize = 200;

/// Masks the secrets of lines that come one by one, so that nothing behind them ever holds one.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// Lines of the private key that is being passed over.
    key: Option<usize>,
    hidden: usize,
}

impl Lines {
    /// The line without its secrets; `None` for a line that is nothing but a part of one.
    pub fn line<'a>(&mut self, line: &'a str) -> Option<Cow<'a, str>> {
        if let Some(passed) = self.key {
            let ends = line.contains("-----END ");
            // Base64 has no spaces; what has is no part of a key, unless it says that it is.
            let is_part = ends || !line.trim().contains(' ') || line.contains(": ") && passed < 4;
            self.key = (!ends && is_part && passed < MOST_LINES).then_some(passed + 1);
            if is_part {
                return None;
            }
        }
        let (masked, hidden) = super::text(line);
        self.hidden += hidden;
        if begins_key(line) {
            self.key = Some(0);
        }
        Some(masked)
    }

    /// How many secrets have been masked.
    pub fn hidden(&self) -> usize {
        self.hidden
    }
}

/// Whether a private key begins in a line and does not end in it.
fn begins_key(line: &str) -> bool {
    let Some((_, rest)) = line.rsplit_once("-----BEGIN ") else { return false };
    rest.contains("PRIVATE KEY") && !rest.contains("-----END ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(lines: &[&str]) -> (Vec<String>, usize) {
        let mut masker = Lines::default();
        let kept = lines.iter().filter_map(|line| masker.line(line).map(Cow::into_owned)).collect();
        (kept, masker.hidden())
    }

    #[test]
    fn a_key_is_one_secret_however_many_lines_it_has() {
        for (begin, end) in [
            ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"),
            ("2026-11-23T09:30:00Z key: -----BEGIN OPENSSH PRIVATE KEY-----", "-----END OPENSSH PRIVATE KEY-----"),
            ("-----BEGIN PGP PRIVATE KEY BLOCK-----", "-----END PGP PRIVATE KEY BLOCK-----"),
        ] {
            let (kept, hidden) =
                masked(&["before", begin, "Proc-Type: 4,ENCRYPTED", "", "MIIEpAIBAAKCAQEA", "hunter2", end, "after"]);
            assert_eq!((kept.len(), hidden), (3, 1), "{kept:?}");
            assert!(kept[1].ends_with(crate::domain::redact::MASK), "{kept:?}");
            assert_eq!((kept[0].as_str(), kept[2].as_str()), ("before", "after"));
        }
    }

    #[test]
    fn a_key_that_is_cut_off_does_not_hide_the_log_behind_it() {
        let (kept, _) = masked(&[
            "-----BEGIN PRIVATE KEY-----",
            "MIIEpAIBAAKCAQEA",
            "a",
            "b",
            "c",
            "d",
            "GET /healthz 200",
            "GET /readyz 503",
        ]);
        assert_eq!(kept[1..], ["GET /healthz 200", "GET /readyz 503"]);
        let (kept, hidden) = masked(&["-----BEGIN CERTIFICATE-----", "MIIB", "-----END CERTIFICATE-----"]);
        assert_eq!((kept.len(), hidden), (3, 0));
    }
}
