//! Passwords on the command lines of programs whose short options are known.

use super::extent;
use super::keys::Trust;
use super::scan::{Scan, is_blank, is_quote, is_word};
use super::values::is_secret;

/// How a program takes its password.
#[derive(Clone, Copy)]
pub(super) enum Takes {
    /// Glued to the option: `-psecret`.
    Glued(&'static str),
    /// The next word: `-p secret`.
    Next(&'static str),
    /// The part behind the colon of the next word: `-u user:secret`.
    Pair(&'static str),
}

/// Programs and their options.
pub(super) const PROGRAMS: &[(&str, Takes)] = &[
    ("mysql", Takes::Glued("-p")),
    ("mariadb", Takes::Glued("-p")),
    ("sshpass", Takes::Next("-p")),
    ("sshpass", Takes::Glued("-p")),
    (" login", Takes::Next("-p")),
    ("redis-cli", Takes::Next("-a")),
    ("mongo", Takes::Next("-p")),
    ("ldapsearch", Takes::Next("-w")),
    ("ldapadd", Takes::Next("-w")),
    ("ldapmodify", Takes::Next("-w")),
    ("sqlcmd", Takes::Next("-P")),
    ("snmpwalk", Takes::Next("-A")),
    ("curl", Takes::Pair("-u")),
    ("curl", Takes::Pair("--user")),
    ("curl", Takes::Pair("--proxy-user")),
    ("htpasswd -", Takes::Next("-nb")),
];

/// How far behind the name of a program its options are looked for.
const REACH: usize = 240;

/// Hides the password of a program whose name stands at a place.
pub(super) fn at_program(scan: &mut Scan<'_>, place: usize, (program, takes): (&str, Takes)) {
    if is_word(scan.before(place)) && !program.starts_with(' ') {
        return;
    }
    let from = place + program.len();
    let end = scan.line_end(from, REACH);
    let (option, glued) = match takes {
        Takes::Glued(option) => (option, true),
        Takes::Next(option) | Takes::Pair(option) => (option, false),
    };
    let mut next = from;
    while let Some(found) = scan.slice(next, end).find(option).map(|it| next.max(scan.text.floor_char_boundary(next)) + it) {
        next = found + option.len();
        if !is_blank(scan.before(found)) && !is_quote(scan.before(found)) {
            continue;
        }
        if glued {
            if is_blank(scan.at(next)) || is_quote(scan.at(next)) || scan.at(next) == b'=' || scan.at(next) == 0 {
                continue;
            }
            hide(scan, next);
            return;
        }
        let Some(argument) = super::assign::argument_after(scan, next) else { continue };
        if scan.at(argument) == b'-' {
            continue;
        }
        if matches!(takes, Takes::Pair(_)) {
            pair(scan, argument);
        } else {
            hide(scan, argument);
        }
        return;
    }
}

fn hide(scan: &mut Scan<'_>, place: usize) {
    let value = extent::value(scan, place, false);
    let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
    if !head.starts_with("[redacted") && is_secret(head, Trust::Sure) {
        scan.hide(value.inner);
    }
}

fn pair(scan: &mut Scan<'_>, place: usize) {
    let value = extent::value(scan, place, false);
    let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
    if let Some((user, password)) = head.split_once(':')
        && !password.starts_with("[redacted")
        && is_secret(password, Trust::Sure)
    {
        scan.hide(value.inner.start + user.len() + 1..value.inner.end);
    }
}

/// `--from-literal=key=value` of `kubectl create secret`: whatever the key, the value is secret.
pub(super) fn literal(scan: &mut Scan<'_>, place: usize) {
    let before = scan.slice(place.saturating_sub(200), place);
    if !before.contains("create secret") {
        return;
    }
    let from = scan.skip(place + "--from-literal".len(), place + 24, |it| it == b'=' || is_blank(it) || is_quote(it));
    let equals = scan.skip(from, from + 64, |it| !matches!(it, b'=' | b' ' | b'\n'));
    if scan.at(equals) == b'=' {
        hide(scan, equals + 1);
    }
}

/// `-passin pass:x` of OpenSSL.
pub(super) fn openssl(scan: &mut Scan<'_>, place: usize) {
    let end = scan.skip(place, place + 12, |it| !is_blank(it));
    let value = scan.skip(end, end + 4, is_blank);
    if scan.has(value, "pass:") {
        hide(scan, value + 5);
    }
}
