//! Tokens that are secret wherever they stand, known by how their issuers begin them, and hashes of passwords.

use super::scan::{Scan, is_base64, is_word};
use super::values::decode;

/// What the rest of a token is made of.
#[derive(Clone, Copy)]
pub(super) enum Rest {
    /// Letters and digits.
    Plain,
    /// Also `_` and `-`.
    Url,
    /// Also `.`.
    Dotted,
    /// Also `+`, `/` and `=`.
    Base64,
    /// Hexadecimal digits.
    Hex,
}

impl Rest {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Plain => byte.is_ascii_alphanumeric(),
            Self::Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'),
            Self::Base64 => is_base64(byte),
            Self::Hex => byte.is_ascii_hexdigit(),
        }
    }
}

/// Beginnings, how the rest looks, and the fewest characters of it.
pub(super) const PREFIXES: &[(&str, Rest, usize)] = &[
    // Clusters and clouds.
    ("k8s-aws-v1.", Rest::Base64, 12),
    ("FwoGZXIvYXdz", Rest::Base64, 30),
    ("IQoJb3JpZ2lu", Rest::Base64, 30),
    ("FQoGZXIvYXdz", Rest::Base64, 30),
    ("AgoJb3JpZ2lu", Rest::Base64, 30),
    ("AQoDYXdz", Rest::Base64, 30),
    ("sha256~", Rest::Url, 20),
    ("AIza", Rest::Url, 30),
    ("ya29.", Rest::Dotted, 20),
    ("GOCSPX-", Rest::Url, 16),
    ("1//0", Rest::Url, 30),
    ("dop_v1_", Rest::Plain, 20),
    ("doo_v1_", Rest::Plain, 20),
    ("dor_v1_", Rest::Plain, 20),
    ("tskey-", Rest::Url, 12),
    ("dapi", Rest::Hex, 32),
    ("LTAI", Rest::Plain, 16),
    ("nvapi-", Rest::Url, 20),
    ("dt0c01.", Rest::Dotted, 24),
    ("dt0s01.", Rest::Dotted, 24),
    ("dt0s02.", Rest::Dotted, 24),
    ("dt0s03.", Rest::Dotted, 24),
    ("dt0s08.", Rest::Dotted, 24),
    ("dt0s16.", Rest::Dotted, 24),
    // Code and packages.
    ("ghp_", Rest::Plain, 20),
    ("gho_", Rest::Plain, 20),
    ("ghu_", Rest::Plain, 20),
    ("ghs_", Rest::Plain, 20),
    ("ghr_", Rest::Plain, 20),
    ("github_pat_", Rest::Url, 20),
    ("glpat-", Rest::Dotted, 16),
    ("gldt-", Rest::Url, 16),
    ("glrt-", Rest::Url, 16),
    ("glptt-", Rest::Url, 16),
    ("glcbt-", Rest::Url, 16),
    ("glsoat-", Rest::Url, 16),
    ("glagent-", Rest::Url, 16),
    ("glft-", Rest::Url, 16),
    ("gloas-", Rest::Url, 16),
    ("npm_", Rest::Plain, 30),
    ("pypi-", Rest::Url, 32),
    ("dckr_pat_", Rest::Url, 16),
    ("dckr_oat_", Rest::Url, 16),
    ("rubygems_", Rest::Plain, 32),
    ("AKCp", Rest::Plain, 40),
    ("ATATT3x", Rest::Base64, 30),
    ("ATCTT3x", Rest::Base64, 30),
    ("ATBB", Rest::Plain, 28),
    ("BBDC-", Rest::Base64, 30),
    ("CFPAT-", Rest::Url, 30),
    ("sntrys_", Rest::Base64, 30),
    ("sntryu_", Rest::Plain, 30),
    ("pul-", Rest::Hex, 40),
    ("PMAK-", Rest::Url, 30),
    ("squ_", Rest::Hex, 40),
    ("sqp_", Rest::Hex, 40),
    ("sqa_", Rest::Hex, 40),
    // Services.
    ("xox", Rest::Url, 12),
    ("xapp-", Rest::Url, 12),
    ("sk_live_", Rest::Plain, 10),
    ("sk_test_", Rest::Plain, 10),
    ("rk_live_", Rest::Plain, 10),
    ("rk_test_", Rest::Plain, 10),
    ("whsec_", Rest::Base64, 16),
    ("sk-ant-", Rest::Url, 12),
    ("sk-proj-", Rest::Url, 12),
    ("sk-svcacct-", Rest::Url, 12),
    ("sk-admin-", Rest::Url, 12),
    ("sk-or-", Rest::Url, 20),
    ("sk-", Rest::Plain, 32),
    ("gsk_", Rest::Plain, 30),
    ("hf_", Rest::Plain, 30),
    ("r8_", Rest::Plain, 30),
    ("pplx-", Rest::Plain, 30),
    ("xai-", Rest::Plain, 40),
    ("SG.", Rest::Dotted, 32),
    ("SK", Rest::Hex, 32),
    ("shpat_", Rest::Plain, 24),
    ("shpss_", Rest::Plain, 24),
    ("shpca_", Rest::Plain, 24),
    ("shppa_", Rest::Plain, 24),
    ("sq0atp-", Rest::Url, 20),
    ("sq0csp-", Rest::Url, 20),
    ("NRAK-", Rest::Plain, 20),
    ("NRII-", Rest::Url, 20),
    ("NRIQ-", Rest::Url, 20),
    ("glsa_", Rest::Url, 20),
    ("glc_", Rest::Base64, 30),
    ("eyJrIjoi", Rest::Base64, 30),
    ("hvs.", Rest::Url, 20),
    ("hvb.", Rest::Url, 20),
    ("hvr.", Rest::Url, 20),
    ("lin_api_", Rest::Plain, 30),
    ("figd_", Rest::Url, 30),
    ("dp.pt.", Rest::Plain, 30),
    ("dp.st.", Rest::Dotted, 30),
    ("phx_", Rest::Plain, 30),
    ("sbp_", Rest::Plain, 30),
    ("fo1_", Rest::Url, 30),
    ("EZAK", Rest::Plain, 50),
    ("ops_eyJ", Rest::Base64, 40),
    ("AGE-SECRET-KEY-1", Rest::Plain, 40),
    ("key-", Rest::Hex, 32),
    ("SDRzSUFBQUFBQUFB", Rest::Base64, 40),
];

/// Hides a token whose beginning stands at a place.
pub(super) fn prefixed(scan: &mut Scan<'_>, place: usize, (prefix, rest, least): (&str, Rest, usize)) {
    if !scan.text.get(place..).is_some_and(|it| it.starts_with(prefix)) || continues(scan, place) {
        return;
    }
    let from = place + prefix.len();
    let mut end = scan.skip(from, from + least, |it| rest.holds(it));
    // A short rest, or the words of a name: `sk-proj-` alone, `xoxo-and-so-on`, `key-value`.
    let head = scan.slice(from, end);
    let wordy = !head.bytes().any(|it| it.is_ascii_digit()) && !head.bytes().any(|it| it.is_ascii_uppercase());
    if end - from < least || wordy {
        return;
    }
    if prefix == "xox"
        && !(matches!(scan.at(from), b'a' | b'b' | b'c' | b'd' | b'e' | b'o' | b'p' | b'r' | b's')
            && matches!(scan.at(from + 1), b'-' | b'.'))
    {
        return;
    }
    if prefix == "SG." && !head.contains('.') {
        return;
    }
    if prefix == "SK" && is_word(scan.at(end)) {
        return;
    }
    end = scan.skip(end, scan.len(), |it| rest.holds(it));
    if matches!(rest, Rest::Dotted) {
        end = scan.run_before(end, 3, |it| it == b'.');
    }
    scan.hide(place..end);
}

/// Whether the byte before makes the place the middle of a word.
fn continues(scan: &Scan<'_>, place: usize) -> bool {
    let before = scan.before(place);
    if before == b'n' || before == b't' {
        // The letter may belong to an escape.
        return place < 2 || scan.at(place - 2) != b'\\';
    }
    is_word(before) || before == b'_'
}

/// JSON Web Tokens, service-account tokens among them.
pub(super) fn jwt(scan: &mut Scan<'_>, place: usize) {
    if !scan.text.get(place..).is_some_and(|it| it.starts_with("eyJ")) || continues(scan, place) {
        return;
    }
    let part = |it: u8| Rest::Url.holds(it);
    // The header of a token is short; what is longer is some other JSON.
    let head = scan.skip(place, place + 1024, part);
    if head < place + 12 || scan.at(head) != b'.' {
        return;
    }
    let body = scan.skip(head + 1, head + 9, part);
    if body < head + 9 {
        return;
    }
    let mut end = scan.skip(body, scan.len(), part);
    // Three parts when signed, five when encrypted.
    for _ in 0..3 {
        if scan.at(end) == b'.' {
            end = scan.skip(end + 1, scan.len(), part);
        }
    }
    let end = scan.run_before(end, 4, |it| it == b'.');
    scan.hide(place..end);
}

/// AWS access key ids, and the secret key of forty characters beside one.
pub(super) fn access_key(scan: &mut Scan<'_>, place: usize) {
    let prefix = scan.slice(place, place + 4);
    let body = scan.skip(place + 4, place + 24, |it| it.is_ascii_uppercase() || it.is_ascii_digit());
    if !matches!(prefix, "AKIA" | "ASIA" | "ABIA" | "ACCA")
        || body != place + 20
        || continues(scan, place)
        || is_word(scan.at(body))
    {
        return;
    }
    scan.hide(place..body);
    let from = scan.run_before(place, 160, |it| it != b'\n');
    let to = body + 200;
    for range in [from..place, body..to.min(scan.len())] {
        let mut next = range.start;
        while next < range.end {
            let start = scan.skip(next, range.end, |it| !is_secret_key_byte(it));
            let end = scan.skip(start, range.end + 60, is_secret_key_byte);
            let key = scan.slice(start, end);
            let key = key.trim_end_matches(['=']);
            let mixed = key.bytes().any(|it| it.is_ascii_digit())
                && key.bytes().any(|it| it.is_ascii_uppercase())
                && key.bytes().any(|it| it.is_ascii_lowercase());
            if key.len() == 40 && mixed {
                scan.hide(start..end);
            }
            next = end.max(start + 1);
        }
    }
}

fn is_secret_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'+' | b'=')
}

/// Hashes of passwords: bcrypt, the kinds of crypt(3), Argon2, and those of htpasswd and LDAP.
pub(super) fn hash(scan: &mut Scan<'_>, place: usize) {
    let kinds = [
        "$2a$", "$2b$", "$2y$", "$2x$", "$apr1$", "$1$", "$5$", "$6$", "$y$", "$7$", "$argon2", "$scrypt$", "$pbkdf2", "{SHA}",
        "{SSHA", "{PBKDF2", "{BCRYPT}", "{CRYPT}",
    ];
    let Some(kind) = kinds.iter().find(|it| scan.text.get(place..).is_some_and(|text| text.starts_with(**it))) else { return };
    let holds =
        |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'$' | b'.' | b'/' | b'+' | b'=' | b',' | b'-' | b'_' | b'{' | b'}');
    let end = scan.skip(place, place + 400, holds);
    let body = scan.slice(place + kind.len(), end);
    let digest = body.rsplit(['$', '}']).next().unwrap_or_default();
    if digest.len() >= 20 && (kind.starts_with('{') || body.contains('$')) {
        scan.hide(place..place + kind.len() + body.trim_end_matches([',', '.', '}']).len());
    }
}

/// Tokens of issuers unknown to us: a short lower-case name, `_` or `-`, and a long rest that only chance writes.
pub(super) fn unknown(scan: &mut Scan<'_>) {
    let mut place = 0;
    while place < scan.len() {
        let start = scan.skip(place, scan.len(), |it| !it.is_ascii_alphanumeric());
        let end = scan.skip(start, scan.len(), |it| it.is_ascii_alphanumeric());
        if end - start >= 24 && end - start <= 256 && matches!(scan.before(start), b'_' | b'-') && scan.is_open(start) {
            let name =
                scan.run_before(start, 24, |it| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'_' | b'-'));
            let before = scan.before(name);
            let label = scan.slice(name, start);
            let words = label.split(['_', '-']).filter(|it| !it.is_empty());
            let short = label.len() >= 3 && words.clone().count() <= 3 && words.clone().all(|it| it.len() <= 10);
            let digest = words.clone().any(|it| matches!(it, "sha256" | "sha384" | "sha512" | "sha1" | "sha224" | "md5"));
            let starts = label.starts_with(|it: char| it.is_ascii_lowercase());
            let apart = !is_word(before) && !matches!(before, b'.' | b'/' | b':' | b'@' | b'+' | b'%');
            let ends = !matches!(scan.at(end), b'+' | b'/' | b'=' | b'.' | b'-');
            if short && starts && apart && ends && !digest && is_chance(scan.slice(start, end)) {
                scan.hide(name..end);
            }
        } else if scan.at(end) == b'.' && matches!(scan.at(start), b'M' | b'N' | b'O') {
            discord(scan, start, end);
        }
        place = end.max(start + 1);
    }
}

/// Whether letters of both cases and digits alternate as no name does.
fn is_chance(text: &str) -> bool {
    let class = |it: u8| {
        if it.is_ascii_digit() {
            0
        } else if it.is_ascii_uppercase() {
            1
        } else {
            2
        }
    };
    let count = |wanted: u8| text.bytes().filter(|it| class(*it) == wanted).count();
    let changes = text.bytes().zip(text.bytes().skip(1)).filter(|(one, two)| class(*one) != class(*two)).count();
    count(0) >= 2 && count(1) >= 4 && count(2) >= 4 && changes * 3 >= text.len()
}

/// Basic credentials in the open: `Basic dXNlcjpwYXNz`.
pub(super) fn scheme(scan: &mut Scan<'_>, place: usize) {
    let word = if scan.has(place, "bearer ") {
        7
    } else if scan.has(place, "basic ") {
        6
    } else {
        return;
    };
    if is_word(scan.before(place)) {
        return;
    }
    let from = scan.skip(place + word, place + word + 4, |it| it == b' ');
    let holds = |it: u8| is_base64(it) || matches!(it, b'.' | b'~');
    let head = scan.skip(from, from + 512, holds);
    let text = scan.slice(from, head);
    // `token_type=bearer expires_in=3600`: what follows is a field of its own.
    let is_field = text.trim_end_matches('=').contains('=');
    let secret = if word == 6 {
        super::values::is_basic(text)
    } else if is_field {
        false
    } else {
        text.len() >= 12 && super::values::is_random(text, 12)
            || text.len() >= 20 && text.bytes().any(|it| it.is_ascii_digit()) && !text.contains('/')
    };
    if secret {
        let end = scan.skip(head, scan.len(), holds);
        let end = scan.run_before(end, 3, |it| it == b'.');
        scan.hide(from..end);
    }
}

/// A run of base64 that holds a private key, as kubeconfigs and Secrets write it.
pub(super) fn encoded_key(scan: &mut Scan<'_>, place: usize) {
    if place < scan.dismissed || !scan.text.get(place..).is_some_and(|it| it.starts_with("LS0tLS1CRUdJTi")) {
        return;
    }
    let end = scan.skip(place, scan.len(), is_base64);
    let text = scan.slice(place, end);
    let whole = text.get(..text.len() - text.len() % 4).unwrap_or_default();
    let decoded = decode(whole).unwrap_or_default();
    let found = String::from_utf8_lossy(&decoded).contains("PRIVATE KEY");
    if found {
        scan.hide(place..end);
    } else {
        scan.dismissed = end;
    }
}

/// Keys of Mailchimp, which end in their data center: 32 hexadecimal digits and `-us12`.
pub(super) fn data_center(scan: &mut Scan<'_>, place: usize) {
    let start = scan.run_before(place, 33, |it| it.is_ascii_hexdigit());
    let end = scan.skip(place + 3, place + 5, |it| it.is_ascii_digit());
    if place - start == 32 && end > place + 3 && !is_word(scan.at(end)) && scan.at(end) != b'-' {
        scan.hide(start..end);
    }
}

/// Tokens of Telegram bots: digits, `:AA`, and 33 more characters.
pub(super) fn bot(scan: &mut Scan<'_>, place: usize) {
    let start = scan.run_before(place, 11, |it| it.is_ascii_digit());
    let end = scan.skip(place + 1, place + 48, |it| Rest::Url.holds(it));
    if place - start >= 8 && end - place >= 34 && !is_word(scan.before(start)) {
        scan.hide(start..end);
    }
}

/// Tokens of Discord bots: an id in base64, a time, and a signature, parted by stops.
fn discord(scan: &mut Scan<'_>, start: usize, id: usize) {
    let time = scan.skip(id + 1, id + 9, |it| Rest::Url.holds(it));
    let end = scan.skip(time + 1, time + 48, |it| Rest::Url.holds(it));
    let sized = (23..=28).contains(&(id - start)) && time == id + 7 && scan.at(time) == b'.' && end - time > 27;
    if sized && !is_word(scan.before(start)) && scan.is_open(start) {
        scan.hide(start..end);
    }
}

/// Tokens of Terraform Cloud: fourteen characters, `.atlasv1.`, and some sixty more.
pub(super) fn atlas(scan: &mut Scan<'_>, place: usize) {
    let start = scan.run_before(place, 15, |it| it.is_ascii_alphanumeric());
    let from = place + ".atlasv1.".len();
    let end = scan.skip(from, from + 100, |it| Rest::Url.holds(it));
    if place - start == 14 && end - from >= 40 {
        scan.hide(start..end);
    }
}
