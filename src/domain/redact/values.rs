//! Whether what stands under a secret-sounding key can be a secret at all: references, sizes and words of status are none.

use super::keys::Trust;
use super::vocabulary;

/// Whether the value of a key is to be hidden.
pub(super) fn is_secret(value: &str, trust: Trust) -> bool {
    let bare = value.trim().trim_matches(['"', '\'', '`']).trim();
    match trust {
        Trust::Pin => return (4..=12).contains(&bare.len()) && bare.bytes().all(|it| it.is_ascii_digit()),
        Trust::Hook => return hook_path(bare).is_some(),
        Trust::Phrase if is_phrase(bare) => return true,
        _ => {}
    }
    if bare.is_empty() || is_placeholder(bare) || is_reference(bare) || says_status(bare) {
        return false;
    }
    if bare.bytes().all(|it| it.is_ascii_digit() || matches!(it, b'.' | b',')) {
        return trust == Trust::Sure && bare.len() >= 4 && bare.bytes().all(|it| it.is_ascii_digit());
    }
    // The direction of an index.
    if bare == "-1" {
        return false;
    }
    if is_duration(bare) || is_time(bare) {
        return false;
    }
    match trust {
        Trust::Sure | Trust::Connection => true,
        Trust::Named => !is_object_name(bare),
        Trust::Id => is_uuid(bare),
        Trust::Mixed => is_mixed(bare),
        Trust::Pin | Trust::Hook => false,
        Trust::Random | Trust::Phrase => is_random(bare, 8) || is_basic(bare),
    }
}

/// Stands for a value that is filled in or left out elsewhere.
pub(super) fn is_placeholder(value: &str) -> bool {
    let masked = [
        "[redacted",
        "<redacted",
        "(sensitive",
        "(known after",
        "(hidden",
        "[hidden",
        "[filtered",
        "[masked",
        "[sensitive",
        "(redacted",
        "(masked",
        "(unset",
        "(none",
        "[omitted",
    ];
    let starts = ["${", "$(", "{{", "<", "%(", "#{", "%{", "@microsoft.keyvault(", "[[", "\u{2022}", "&lt;", "\\u003c", "map["];
    let lower: String = value.chars().take(24).flat_map(char::to_lowercase).collect();
    if masked.iter().chain(&starts).any(|it| lower.starts_with(it)) {
        return true;
    }
    let mut characters = value.chars();
    let first = characters.next().unwrap_or_default();
    if characters.all(|it| it == first) && (value.len() > 2 || !first.is_alphanumeric()) && !first.is_ascii_digit() {
        return true;
    }
    // `$NAME` and `%NAME%` of shells, `%s` of formats.
    let name = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit() || it == b'_');
    value.strip_prefix('$').is_some_and(name)
        || value.strip_prefix('%').and_then(|it| it.strip_suffix('%')).is_some_and(name)
        || value.len() <= 3 && value.starts_with('%')
        || matches!(value, "{}" | "?" | "|" | ">" | "[]" | "-")
        || value.starts_with('{') && value.ends_with('}')
        || value.strip_prefix("__").and_then(|it| it.strip_suffix("__")).is_some_and(name)
}

/// Says where the secret is, not what it is.
fn is_reference(value: &str) -> bool {
    const SCHEMES: &[&str] = &[
        "arn:",
        "vault:",
        "ref+",
        "op://",
        "ssm://",
        "ssm:",
        "secretsmanager:",
        "aws-sm://",
        "gcpsm://",
        "azurekeyvault://",
        "file:",
        "env:",
        "env.",
        "!ref",
        "!sub",
        "!getatt",
        "!vault",
        "http://",
        "https://",
        "kms:",
        "valuefrom",
        "secretkeyref",
        "sha256:",
        "sha512:",
        "sha1:",
        "0x",
        "os.environ",
        "process.env",
        "os.getenv",
        "system.getenv",
        "var.",
        "module.",
        "data.",
        "local.",
        "secrets.",
        "keyvault:",
        "projects/",
        "oci://",
        "unix:",
        "akv:",
        "sm://",
        "doppler:",
        "{resolve:",
        "k8s:",
        "secret://",
        "secret/",
    ];
    let lower: String = value.chars().take(24).flat_map(char::to_lowercase).collect();
    SCHEMES.iter().any(|it| lower.starts_with(it)) || is_path(value)
}

/// Where the path of an address starts that holds something drawn at random.
pub(super) fn hook_path(value: &str) -> Option<usize> {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"))?;
    let path = rest.find('/')? + 1;
    let random = rest.get(path..)?.split(['/', '?', '&', '=', '#']).any(|it| is_random(it, 8) || is_uuid(it));
    random.then_some(value.len() - rest.len() + path)
}

/// The words of a seed: short and in lower case, either as many as wallets have or without any word of status.
pub(super) fn is_phrase(value: &str) -> bool {
    let words = value.split_whitespace();
    let count = words.clone().count();
    (4..=24).contains(&count)
        && words.clone().all(|it| (3..=8).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_lowercase()))
        && (count >= 12 && count.is_multiple_of(3) || !words.clone().any(is_status))
}

/// A path of files: at least two names, or a name with the ending of a key or settings file.
fn is_path(value: &str) -> bool {
    let plain =
        value.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'/' | b'.' | b'-' | b'_' | b'~' | b':' | b'\\'));
    if !plain {
        return false;
    }
    let endings = [
        ".pem", ".key", ".crt", ".cer", ".json", ".yaml", ".yml", ".txt", ".jks", ".p12", ".pfx", ".env", ".conf", ".toml",
        ".gpg",
    ];
    let rooted = value.starts_with('/') || value.starts_with("./") || value.starts_with("../") || value.starts_with("~/");
    let wordy = value.split('/').filter(|it| !it.is_empty()).all(|it| it.len() < 24 || it.contains(['-', '.', '_']));
    // A namespace and a name, as structured logs write the key of an object.
    let object = value.split('/').count() == 2 && value.split('/').all(is_dns_name);
    rooted && wordy && !value.ends_with('=') && (value.matches('/').count() > 1 || value.len() < 12)
        || endings.iter().any(|it| value.ends_with(it)) && value.len() < 200
        || value.get(1..3) == Some(":\\")
        || object
}

fn is_dns_name(value: &str) -> bool {
    (1..=63).contains(&value.len())
        && value.starts_with(|it: char| it.is_ascii_lowercase())
        && value.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'-' | b'.'))
}

/// A word of status, alone or at the head of a sentence.
fn says_status(value: &str) -> bool {
    let Some(first) = value.split_whitespace().next() else { return true };
    let word = first.trim_matches(|it: char| it.is_ascii_punctuation() && it != '%').to_lowercase();
    if word.is_empty() {
        return first.len() < 4;
    }
    let call = first.split_once('(').is_some_and(|(name, rest)| {
        (rest.is_empty() || rest.ends_with(')')) && name.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'.'))
    });
    if call || !vocabulary::STATUS.contains(word.as_str()) {
        return call;
    }
    // A passphrase of a few words may begin like a sentence; a sentence has more such words.
    let mut rest = value.split_whitespace().skip(1);
    let count = rest.clone().count();
    count == 0 || count > 3 || rest.any(is_status)
}

/// Whether any word of a text is one of status.
pub(super) fn has_status(text: &str) -> bool {
    text.split_whitespace().any(says_status)
}

fn is_status(word: &str) -> bool {
    let word = word.trim_matches(|it: char| it.is_ascii_punctuation()).to_lowercase();
    word.is_empty() || vocabulary::STATUS.contains(word.as_str())
}

fn is_duration(value: &str) -> bool {
    value.len() <= 10
        && value.starts_with(|it: char| it.is_ascii_digit())
        && value.ends_with(['s', 'm', 'h', 'd', 'w', 'y', 'i', 'B', 'K', 'M', 'G'])
        && value
            .trim_end_matches(|it: char| it.is_ascii_alphabetic())
            .bytes()
            .all(|it| it.is_ascii_digit() || matches!(it, b'h' | b'm' | b's' | b'.'))
        && value.len() - value.trim_end_matches(|it: char| it.is_ascii_alphabetic()).len() <= 2
}

fn is_time(value: &str) -> bool {
    let bytes = value.as_bytes();
    bytes.len() >= 10
        && bytes
            .iter()
            .take(10)
            .enumerate()
            .all(|(place, it)| if place == 4 || place == 7 { *it == b'-' } else { it.is_ascii_digit() })
}

/// Whether a value reads as the name of a Kubernetes or AWS object: words with dashes, perhaps a generated end.
pub(super) fn is_object_name(value: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "cred",
        "creds",
        "credentials",
        "tls",
        "cert",
        "certs",
        "secret",
        "secrets",
        "config",
        "auth",
        "key",
        "keys",
        "db",
        "token",
    ];
    let shaped = (1..=253).contains(&value.len())
        && value.bytes().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || matches!(it, b'-' | b'.' | b'/'))
        && value.starts_with(|it: char| it.is_ascii_lowercase());
    if !shaped {
        return false;
    }
    let parts: Vec<&str> = value.split(['-', '.', '/']).collect();
    let wordy = |it: &str| {
        let letters = it.trim_end_matches(|it: char| it.is_ascii_digit());
        it.len() <= 16
            && (letters.is_empty() && it.len() <= 4
                || !letters.is_empty() && letters.bytes().all(|it| it.is_ascii_lowercase()) && it.len() - letters.len() <= 3)
            || matches!(it, "k8s" | "s3" | "ec2" | "i18n" | "oauth2" | "x509" | "a1")
    };
    match parts.as_slice() {
        [only] => ENDINGS.iter().any(|it| only.ends_with(it)) && wordy(only),
        // The last part may be what a generator appends.
        [head @ .., last] => {
            head.iter().all(|it| wordy(it)) && (wordy(last) || (head.len() > 1 && matches!(last.len(), 5 | 8..=10)))
        }
        [] => false,
    }
}

fn is_mixed(value: &str) -> bool {
    let letter = value.bytes().any(|it| it.is_ascii_alphabetic());
    value.len() >= 5
        && letter
        && value
            .bytes()
            .any(|it| it.is_ascii_digit() || it.is_ascii_punctuation() && !matches!(it, b'.' | b'/' | b':' | b'(' | b')'))
}

/// Whether a value looks drawn at random: letters and digits mixed, not words, numbers, digests or ids.
pub(super) fn is_random(value: &str, least: usize) -> bool {
    if value.len() < least || value.bytes().any(|it| it.is_ascii_whitespace()) {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let lower = value.bytes().filter(u8::is_ascii_lowercase).count();
    let upper = value.bytes().filter(u8::is_ascii_uppercase).count();
    if digits == 0 || lower + upper == 0 || value.contains("://") {
        return false;
    }
    if is_uuid(value) || is_object_name(value) || is_versioned(value) {
        return false;
    }
    // Lower-case words with a few digits are names; secrets mix more.
    let dashed = value.bytes().filter(|it| matches!(it, b'-' | b'.' | b'/' | b':')).count();
    upper > 0 && lower > 0 && dashed * 6 <= value.len()
        || (dashed == 0 && value.len() >= 16)
        || (dashed == 0 && digits >= 2 && lower + upper >= 4 && value.bytes().any(|it| it.is_ascii_punctuation()))
}

/// Whether letters and digits are mixed as in no name, though all may be small.
pub(super) fn is_drawn(value: &str, least: usize) -> bool {
    let plain = value.bytes().all(|it| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_'));
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let letters = value.bytes().filter(u8::is_ascii_alphabetic).count();
    value.len() >= least
        && (is_random(value, least) || plain && digits >= 4 && letters >= 4 && !is_object_name(value) && !is_uuid(value))
}

/// `v1.2.3`, `app:1.2`, `1.2.3-eksbuild.1`.
fn is_versioned(value: &str) -> bool {
    value.contains('.') && value.split(['.', '-', ':', '/', '_']).all(|it| it.len() < 9)
}

pub(super) fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value
            .bytes()
            .enumerate()
            .all(|(place, it)| if matches!(place, 8 | 13 | 18 | 23) { it == b'-' } else { it.is_ascii_hexdigit() })
}

/// Base64 of `user:password`.
pub(super) fn is_basic(value: &str) -> bool {
    if value.len() < 6 || value.len() > 4096 || value.contains(' ') {
        return false;
    }
    decode(value).is_some_and(|it| it.contains(&b':') && it.iter().all(|it| (0x20..0x7f).contains(it)))
}

/// Decodes base64 of either alphabet, with padding or without.
pub(super) fn decode(value: &str) -> Option<Vec<u8>> {
    use base64::Engine as _;
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet = if value.contains(['-', '_']) { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD };
    GeneralPurpose::new(alphabet, config).decode(value.trim()).ok()
}
