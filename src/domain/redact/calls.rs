//! Secrets among the arguments of calls, as traces and messages write them, and among the options of login modules.

use super::extent;
use super::keys::Trust;
use super::scan::{Scan, is_blank, is_key};
use super::values::{is_placeholder, is_secret};

/// Calls whose last argument is a password, and how many arguments they have then.
pub(super) const CALLS: &[(&str, usize)] = &[
    ("login(", 2),
    ("simple_bind_s(", 2),
    ("simple_bind(", 2),
    ("bind_s(", 2),
    ("authenticate(", 2),
    (".auth(", 2),
    ("getconnection(", 3),
    ("changeuserpassword(", 2),
];

/// Longest argument that is read.
const LONGEST: usize = 256;

/// Hides the password of a call whose name stands at a place; only arguments in quotes are values.
pub(super) fn at_call(scan: &mut Scan<'_>, place: usize, (name, count): (&str, usize)) {
    let mut next = place + name.len();
    for index in 1..=count {
        let start = scan.skip(next, next + 8, is_blank);
        let value = extent::value(scan, start, false);
        if !value.quoted || value.inner.len() > LONGEST {
            return;
        }
        let behind = scan.skip(value.outer_end, value.outer_end + 8, is_blank);
        if index < count {
            if scan.at(behind) != b',' {
                return;
            }
            next = behind + 1;
            continue;
        }
        let text = scan.slice(value.inner.start, value.inner.end);
        let plain = text.starts_with("[redacted") || text.starts_with('/') || text.contains("://");
        if scan.at(behind) == b')' && !plain && is_secret(text, Trust::Sure) {
            scan.hide(value.inner);
        }
    }
}

/// How far behind the name of a login module its options are read.
const OPTIONS: usize = 1_024;

/// Hides the passwords of users in `PlainLoginModule required user_admin="x";`.
pub(super) fn login_module(scan: &mut Scan<'_>, place: usize) {
    let mut next = place + "LoginModule".len();
    let end = (next + OPTIONS).min(scan.len());
    while next < end {
        let key = scan.skip(next, end, |it| it.is_ascii_whitespace());
        let equals = scan.skip(key, end, is_key);
        if scan.at(equals) != b'=' {
            // Flags stand between the name and the options; all else ends them.
            if equals == key {
                return;
            }
            next = equals;
            continue;
        }
        let value = extent::value(scan, equals + 1, false);
        if value.quoted && value.inner.len() <= LONGEST && scan.has(key, "user_") {
            let text = scan.slice(value.inner.start, value.inner.end);
            if !text.is_empty() && !text.starts_with("[redacted") && !is_placeholder(text) {
                scan.hide(value.inner.clone());
            }
        }
        next = value.outer_end.max(equals + 1);
    }
}
