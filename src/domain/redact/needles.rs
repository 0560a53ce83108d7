//! The one cheap pass: the words and beginnings without which a text holds no secret, and what each of them calls for.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::calls::CALLS;
use super::commands::{PROGRAMS, Takes};
use super::shapes::{PREFIXES, Rest};
use super::urls::CAPABILITIES;

/// What is to be looked at where a needle was found.
#[derive(Clone, Copy)]
pub(super) enum Look {
    Key,
    Header,
    Signed,
    Prefix(&'static str, Rest, usize),
    Jwt,
    AccessKey,
    Hash,
    Scheme,
    EncodedKey,
    Pem,
    Putty,
    Userinfo,
    At,
    Capability(&'static str, usize),
    Program(&'static str, Takes),
    Literal,
    Call(&'static str, usize),
    LoginModule,
    OpenSsl,
    /// The text may hold a Secret of Kubernetes.
    Manifest,
    DataCenter,
    Bot,
    Atlas,
    PgPass,
    Identified,
    PlainAuth,
}

const FIXED: &[(&str, Look)] = &[
    ("pass", Look::Key),
    ("pwd", Look::Key),
    ("pw", Look::Key),
    ("psw", Look::Key),
    ("psk", Look::Key),
    ("pword", Look::Key),
    ("kennwort", Look::Key),
    ("senha", Look::Key),
    ("contrase", Look::Key),
    ("motdepasse", Look::Key),
    ("wachtwoord", Look::Key),
    ("secret", Look::Key),
    ("token", Look::Key),
    ("key", Look::Key),
    ("cred", Look::Key),
    ("auth", Look::Key),
    ("cookie", Look::Key),
    ("conn", Look::Key),
    ("dockerc", Look::Key),
    ("phrase", Look::Key),
    ("sessid", Look::Key),
    ("sessionid", Look::Key),
    ("connect.sid", Look::Key),
    ("identified ", Look::Identified),
    ("auth plain ", Look::PlainAuth),
    ("cate plain ", Look::PlainAuth),
    ("jwt", Look::Key),
    ("salt", Look::Key),
    ("pepper", Look::Key),
    ("signing", Look::Key),
    ("hmac", Look::Key),
    ("encrypt", Look::Key),
    ("sas", Look::Key),
    ("_pat", Look::Key),
    ("_sk", Look::Key),
    ("webhook", Look::Key),
    ("seed", Look::Key),
    ("mnemonic", Look::Key),
    ("pin", Look::Key),
    ("authorization", Look::Header),
    ("cookie", Look::Header),
    ("x-amz-", Look::Signed),
    ("x-goog-", Look::Signed),
    ("x-oss-", Look::Signed),
    ("sig", Look::Signed),
    ("eyJ", Look::Jwt),
    ("AKIA", Look::AccessKey),
    ("ASIA", Look::AccessKey),
    ("ABIA", Look::AccessKey),
    ("ACCA", Look::AccessKey),
    ("$2", Look::Hash),
    ("$apr1$", Look::Hash),
    ("$1$", Look::Hash),
    ("$5$", Look::Hash),
    ("$6$", Look::Hash),
    ("$7$", Look::Hash),
    ("$y$", Look::Hash),
    ("$argon2", Look::Hash),
    ("$scrypt$", Look::Hash),
    ("$pbkdf2", Look::Hash),
    ("{S", Look::Hash),
    ("{PBKDF2", Look::Hash),
    ("{CRYPT}", Look::Hash),
    ("{BCRYPT}", Look::Hash),
    ("bearer ", Look::Scheme),
    ("basic ", Look::Scheme),
    ("LS0tLS1CRUdJTi", Look::EncodedKey),
    ("PRIVATE KEY", Look::Pem),
    ("Private-Lines:", Look::Putty),
    ("://", Look::Userinfo),
    ("@", Look::At),
    ("--from-literal", Look::Literal),
    ("-passin", Look::OpenSsl),
    ("-passout", Look::OpenSsl),
    ("-pass ", Look::OpenSsl),
    ("LoginModule", Look::LoginModule),
    ("Secret", Look::Manifest),
    ("stringData", Look::Manifest),
    ("Opaque", Look::Manifest),
    ("\"data", Look::Manifest),
    ("kubernetes.io/", Look::Manifest),
    ("-us", Look::DataCenter),
    (":AA", Look::Bot),
    (".atlasv1.", Look::Atlas),
    (":5432:", Look::PgPass),
];

/// Every needle with what it calls for; the place in this list is the number of the pattern.
static TABLE: LazyLock<Vec<(&'static str, Look)>> = LazyLock::new(|| {
    let mut table = FIXED.to_vec();
    table.extend(PREFIXES.iter().map(|(prefix, rest, least)| (*prefix, Look::Prefix(prefix, *rest, *least))));
    table.extend(CAPABILITIES.iter().map(|(address, public)| (*address, Look::Capability(address, *public))));
    table.extend(CALLS.iter().map(|(name, count)| (*name, Look::Call(name, *count))));
    table.extend(PROGRAMS.iter().map(|(program, takes)| (*program, Look::Program(program, *takes))));
    table
});

static SEARCH: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    // Every byte of every answer and log goes through it: twice as fast for half a mebibyte.
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::DFA))
        .build(TABLE.iter().map(|it| it.0))
        .ok()
});

/// Every place to look at, in the order of the ends of the needles. Overlapping needles are all found.
pub(super) fn hits(text: &str) -> impl Iterator<Item = (usize, Look)> + '_ {
    let search = SEARCH.as_ref().into_iter();
    search.flat_map(move |it| it.find_overlapping_iter(text)).filter_map(|found| {
        let look = TABLE.get(found.pattern().as_usize())?.1;
        Some((found.start(), look))
    })
}

/// Whether a text can be part of a secret that runs over several texts.
pub(super) fn may_span(text: &str) -> bool {
    static SPANS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let words = [
            "PRIVATE KEY",
            "Private-Lines",
            "pass",
            "pwd",
            "secret",
            "token",
            "key",
            "sshpass",
            "redis-cli",
            "login",
            "mongo",
            "curl",
            "mysql",
            "rabbitmqctl",
            "openssl",
            "htpasswd",
        ];
        AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()
    });
    SPANS.as_ref().is_none_or(|it| it.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_needle_is_searched_for() {
        assert!(SEARCH.is_some());
        for (needle, _) in TABLE.iter() {
            assert!(hits(&needle.to_lowercase()).next().is_some(), "{needle}");
        }
    }
}
