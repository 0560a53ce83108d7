//! Secrets in URLs and data source names: passwords before the host, signatures, and paths that are capabilities.

use super::extent;
use super::scan::{Scan, is_key, is_quote, is_word};
use super::values::{is_placeholder, is_random};

/// Where the place before a host ends at the latest.
const LONGEST: usize = 1024;

/// Hides the password of `scheme://user:password@host`; the place is that of `://`.
pub(super) fn userinfo(scan: &mut Scan<'_>, place: usize) {
    if !scan.before(place).is_ascii_alphanumeric() {
        return;
    }
    let from = place + 3;
    let user = scan.skip(from, from + LONGEST, |it| !ends_authority(it) && !matches!(it, b':' | b'@' | b'/' | b'?' | b'#'));
    if scan.at(user) == b'@' {
        // A user alone may be a token.
        let name = scan.slice(from, user);
        if is_random(name, 20) || name.len() >= 32 && name.bytes().all(|it| it.is_ascii_hexdigit()) {
            scan.hide(from..user);
        }
        return;
    }
    if scan.at(user) != b':' {
        return;
    }
    let start = user + 1;
    let first = scan.skip(start, start + LONGEST, |it| !ends_authority(it) && it != b'@');
    if scan.at(first) != b'@' || first == start {
        return;
    }
    // `host:8080/path@x` has a port, no password.
    let port = scan.skip(start, start + 6, |it| it.is_ascii_digit());
    if port > start && matches!(scan.at(port), b'/' | b'?') && scan.slice(from, user).contains(['.', 'l', 'L', '[']) {
        return;
    }
    let mut end = first;
    // A password may hold an `@`: the last one before the host counts.
    loop {
        let next = scan.skip(end + 1, end + 256, |it| !ends_authority(it) && !matches!(it, b'@' | b'/' | b'?' | b'#' | b','));
        if scan.at(next) != b'@' {
            break;
        }
        end = next;
    }
    let password = scan.slice(start, end);
    if !password.starts_with("[redacted") && !is_placeholder(password) && !password.starts_with("//") && !password.contains("://")
    {
        scan.hide(start..end);
    }
}

fn ends_authority(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0 || is_quote(byte) || matches!(byte, b'<' | b'>' | b'|')
}

/// Hides the password of `user:password@tcp(host)` and of `user:password@host:port`; the place is that of `@`.
pub(super) fn without_scheme(scan: &mut Scan<'_>, place: usize) {
    let wrapped = ["tcp(", "tcp6(", "unix(", "udp(", "cloudsql("].iter().any(|it| scan.has(place + 1, it));
    let listener = scan.has(place + 1, "//");
    let host = scan.skip(place + 1, place + 128, is_key);
    let digits = scan.skip(host + 1, host + 6, |it| it.is_ascii_digit());
    let port = scan.at(host) == b':' && host > place + 1 && digits >= host + 3 && !is_word(scan.at(digits));
    // `user:password@/database` of Go means the host itself.
    let local = scan.at(place + 1) == b'/' && scan.at(place + 2).is_ascii_alphabetic();
    if !wrapped && !listener && !port && !local {
        return;
    }
    let start = scan.run_before(place, 128, |it| !ends_authority(it) && !matches!(it, b':' | b'/' | b'=' | b',' | b'('));
    let separator = scan.before(start);
    let sound = separator == b':' && scan.before(start - 1) != b':' || separator == b'/' && listener;
    if !sound || start == place || start < 2 {
        return;
    }
    let user = scan.run_before(start - 1, 64, is_key);
    let before = scan.slice(user.saturating_sub(1), user);
    let alone = matches!(before, "" | " " | "\"" | "'" | "=" | "`" | "(" | "\n" | ",") || listener && before == ":";
    let password = scan.slice(start, place);
    if alone && user < start - 1 && !password.starts_with("[redacted") && !is_placeholder(password) {
        scan.hide(start..place);
    }
}

/// Hides what signs a URL: `X-Amz-…`, `X-Goog-…`, `sig`, `Signature`; the place lies in the name of the parameter.
pub(super) fn signed(scan: &mut Scan<'_>, place: usize) {
    let start = scan.run_before(place, 32, is_key);
    let end = scan.skip(place, place + 40, is_key);
    let mut name = scan.slice(start, end).to_ascii_lowercase();
    if scan.before(start) == b'\\' && name.starts_with('u') && name.is_char_boundary(5) && name.len() > 5 {
        name = name.split_off(5);
    }
    if name.starts_with("26") && scan.before(start) == b'%' {
        name = name.split_off(2);
    }
    let vendor = name.starts_with("x-amz-") || name.starts_with("x-goog-") || name.starts_with("x-oss-");
    let kind = name.rsplit('-').next().unwrap_or_default();
    let wanted =
        if vendor { matches!(kind, "signature" | "credential" | "token") } else { matches!(name.as_str(), "sig" | "signature") };
    if !wanted {
        return;
    }
    let encoded = scan.has(end, "%3D");
    let separator = scan.skip(end, end + 2, |it| is_quote(it) || it == b'\\');
    let from = match scan.at(separator) {
        b'=' => separator + 1,
        b':' if vendor => scan.skip(separator + 1, separator + 4, |it| it == b' '),
        _ if encoded => end + 3,
        _ => return,
    };
    let query = matches!(scan.before(start), b'?' | b'&' | b';' | b'\\' | b'%')
        || scan.slice(start.saturating_sub(5), start).contains("\\u");
    if !vendor && !query && !scan.slice(start.saturating_sub(300), start).contains("AWS4-HMAC") {
        return;
    }
    let value = extent::value(scan, from, encoded);
    let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 128));
    if head.starts_with("[redacted") || is_placeholder(head) || head.len() < 8 {
        return;
    }
    let end = extent::whole(scan, &value, encoded);
    scan.hide(value.inner.start..end);
}

/// Addresses whose path alone lets anyone in, and how many parts of it are public.
pub(super) const CAPABILITIES: &[(&str, usize)] = &[
    ("hooks.slack.com/services/", 0),
    ("hooks.slack.com/workflows/", 0),
    ("hooks.slack.com/triggers/", 0),
    ("discord.com/api/webhooks/", 1),
    ("discordapp.com/api/webhooks/", 1),
    ("webhook.office.com/webhookb2/", 0),
    ("outlook.office.com/webhook/", 0),
    ("hooks.zapier.com/hooks/catch/", 0),
    ("api.telegram.org/bot", 0),
    ("events.pagerduty.com/integration/", 0),
    ("maker.ifttt.com/trigger/", 0),
    ("chat.googleapis.com/v1/spaces/", 1),
];

/// Hides the path of such an address.
pub(super) fn capability(scan: &mut Scan<'_>, place: usize, (address, public): (&str, usize)) {
    let mut from = place + address.len();
    for _ in 0..public {
        from = scan.skip(from, from + 64, is_key) + 1;
    }
    let end = scan.skip(from, from + 400, |it| is_key(it) || matches!(it, b'/' | b':' | b'@' | b'=' | b'%' | b'?' | b'&'));
    let path = scan.slice(from, end);
    if path.len() >= 12 && path.bytes().any(|it| it.is_ascii_digit()) {
        scan.hide(from..end);
    }
}

/// Hides the last part of a line of a `.pgpass` file: `host:5432:database:user:password`.
pub(super) fn pgpass(scan: &mut Scan<'_>, place: usize) {
    let database = place + ":5432:".len();
    let user = scan.skip(database, database + 64, |it| is_key(it) || it == b'*') + 1;
    let password = scan.skip(user, user + 64, |it| is_key(it) || it == b'*') + 1;
    if scan.before(user) != b':' || scan.before(password) != b':' {
        return;
    }
    let end = scan.skip(password, password + 256, |it| !ends_authority(it));
    let text = scan.slice(password, end);
    if !text.is_empty() && !text.starts_with("[redacted") && !is_placeholder(text) {
        scan.hide(password..end);
    }
}
