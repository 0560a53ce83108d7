//! Passwords on the command lines of programs whose short options are known.

use std::ops::Range;

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
    /// As `Pair`, with a percent sign: `-U user%secret`.
    Percent(&'static str),
    /// What follows a mark, in the words behind the program: `>secret`.
    Mark(char),
    /// As `Pair`, the option being the last of several behind one dash: `-sSu user:secret`.
    Cluster(char),
    /// So many words behind one of these commands, options not counted: `add_user app secret`.
    Word(&'static [&'static str], usize),
    /// The last word of those in place, where the option stands among them: `-b file user secret`.
    Last(char),
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
    ("curl", Takes::Cluster('u')),
    ("etcdctl", Takes::Pair("--user")),
    ("htpasswd", Takes::Last('b')),
    ("openssl enc", Takes::Next("-k")),
    ("openssl enc", Takes::Next("-K")),
    ("openssl aes-", Takes::Next("-k")),
    ("openssl des", Takes::Next("-k")),
    ("rabbitmqctl", Takes::Word(&["add_user", "change_password", "authenticate_user"], 1)),
    ("mc alias", Takes::Word(&["set", "s"], 3)),
    ("mc config host", Takes::Word(&["add"], 3)),
    ("mc admin user", Takes::Word(&["add"], 2)),
    ("acl setuser", Takes::Mark('>')),
    ("sentinel auth-pass", Takes::Word(&[""], 1)),
    ("smbclient", Takes::Percent("-U")),
    ("ipmitool", Takes::Next("-P")),
    ("securestring", Takes::Next("--value")),
    ("reset-admin-password", Takes::Word(&[""], 0)),
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
        Takes::Next(option) | Takes::Pair(option) | Takes::Percent(option) => (option, false),
        Takes::Mark(mark) => return marked(scan, from..end, mark),
        Takes::Cluster(option) => return cluster(scan, from..end, option),
        Takes::Word(commands, count) => return word(scan, from..end, commands, count),
        Takes::Last(option) => return last(scan, from..end, option),
    };
    let mut next = from;
    while let Some(found) = scan.slice(next, end).find(option).map(|it| next.max(scan.text.floor_char_boundary(next)) + it) {
        next = found + option.len();
        if !is_blank(scan.before(found)) && !is_quote(scan.before(found)) {
            continue;
        }
        if glued {
            // `-p'secret'` opens a quote; that of `"mysql -p"` and of `"-p"` closes.
            let opens = is_quote(scan.at(next)) && is_blank(scan.before(found)) && is_word(scan.at(next + 1));
            if is_blank(scan.at(next)) || is_quote(scan.at(next)) && !opens || scan.at(next) == b'=' || scan.at(next) == 0 {
                continue;
            }
            hide(scan, next);
            return;
        }
        let Some(argument) = super::assign::argument_after(scan, next) else { continue };
        if scan.at(argument) == b'-' {
            continue;
        }
        match takes {
            Takes::Pair(_) => pair(scan, argument, ':'),
            Takes::Percent(_) => pair(scan, argument, '%'),
            _ => hide(scan, argument),
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

fn pair(scan: &mut Scan<'_>, place: usize, separator: char) {
    let value = extent::value(scan, place, false);
    let head = scan.slice(value.inner.start, value.inner.end.min(value.inner.start + 256));
    if let Some((user, password)) = head.split_once(separator)
        && !password.starts_with("//")
        && !password.starts_with("[redacted")
        && is_secret(password, Trust::Sure)
    {
        scan.hide(value.inner.start + user.len() + 1..value.inner.end);
    }
}

/// The words of a command line, of a list of arguments too, without their quotes.
fn words(scan: &Scan<'_>, range: Range<usize>) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    // What closes the name of the program opens nothing.
    let mut next = range.start + usize::from(is_quote(scan.at(range.start)));
    while next < range.end {
        let start = scan.skip(next, range.end, |it| is_blank(it) || it == b',');
        if start >= range.end || matches!(scan.at(start), b'|' | b';' | b'&' | b'>' | b')') {
            break;
        }
        let value = extent::value(scan, start, false);
        next = value.outer_end.max(start + 1);
        words.push(value.inner);
    }
    words
}

fn is_option(scan: &Scan<'_>, word: &Range<usize>) -> bool {
    scan.at(word.start) == b'-'
}

/// Whether a word is a dash and several options without arguments, this one among them.
fn holds(scan: &Scan<'_>, word: &Range<usize>, option: char) -> bool {
    let text = scan.slice(word.start, word.end);
    text.strip_prefix('-').is_some_and(|it| it.contains(option) && it.bytes().all(|it| it.is_ascii_alphabetic()))
}

/// Passwords in the rules of a user of Redis.
fn marked(scan: &mut Scan<'_>, range: Range<usize>, mark: char) {
    let text = scan.slice(range.start, range.end);
    let found = text.match_indices(mark).find(|it| text.get(..it.0).is_some_and(|it| it.ends_with(' ')));
    if let Some((place, _)) = found {
        hide(scan, range.start + place + 1);
    }
}

fn cluster(scan: &mut Scan<'_>, range: Range<usize>, option: char) {
    let words = words(scan, range);
    let place = words.iter().position(|it| holds(scan, it, option) && scan.slice(it.start, it.end).ends_with(option));
    if let Some(argument) = place.and_then(|it| words.get(it + 1)) {
        pair(scan, argument.start, ':');
    }
}

fn word(scan: &mut Scan<'_>, range: Range<usize>, commands: &[&str], count: usize) {
    let words = words(scan, range);
    let plain: Vec<&Range<usize>> = words.iter().filter(|it| !is_option(scan, it)).collect();
    for command in commands {
        let parts: Vec<&str> = command.split_whitespace().collect();
        let says = |from: usize| {
            parts
                .iter()
                .enumerate()
                .all(|(index, part)| plain.get(from + index).is_some_and(|it| scan.slice(it.start, it.end) == *part))
        };
        // Options may have arguments, which stand before the command.
        if let Some(from) = (0..plain.len().min(4)).find(|it| says(*it)) {
            if let Some(secret) = plain.get(from + parts.len() + count) {
                hide(scan, secret.start);
            }
            return;
        }
    }
}

fn last(scan: &mut Scan<'_>, range: Range<usize>, option: char) {
    let words = words(scan, range);
    let Some(place) = words.iter().position(|it| holds(scan, it, option)) else { return };
    let options = words.get(place).map(|it| scan.slice(it.start, it.end)).unwrap_or_default();
    // With `n` the result is shown, and no file is named; `C` is followed by a cost.
    let count = 2 - usize::from(options.contains('n')) + usize::from(options.contains('C'));
    let secret = words.iter().skip(place + 1).filter(|it| !is_option(scan, it)).nth(count).cloned();
    if let Some(secret) = secret {
        hide(scan, secret.start);
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
