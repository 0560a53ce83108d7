//! Private keys as text: PEM of every kind, OpenSSH, PGP and PuTTY, with line feeds or their escapes.

use super::scan::{Scan, is_blank};

/// Longest key that is looked for; what lies further apart is no block.
const LONGEST: usize = 65_536;

/// Hides the block whose `PRIVATE KEY` stands at a place.
pub(super) fn block(scan: &mut Scan<'_>, place: usize) {
    let from = scan.run_before(place, 48, |it| it.is_ascii_uppercase() || it.is_ascii_digit() || matches!(it, b' ' | b'-'));
    let Some(begin) = scan.slice(from, place).rfind("BEGIN ") else { return };
    let start = scan.run_before(from + begin, 5, |it| matches!(it, b'-' | b' '));
    if !scan.slice(start, from + begin).contains("----") {
        return;
    }
    let body = place + "PRIVATE KEY".len();
    let limit = scan.text.floor_char_boundary(scan.len().min(body + LONGEST));
    let next = scan.text.get(body..limit).unwrap_or_default().find("PRIVATE KEY").map(|it| body + it);
    let closed = next.filter(|next| {
        let from = scan.run_before(*next, 48, |it| it.is_ascii_uppercase() || it.is_ascii_digit() || matches!(it, b' ' | b'-'));
        scan.slice(from, *next).contains("END ")
    });
    let end = match closed {
        Some(next) => {
            let end = next + "PRIVATE KEY".len();
            let end = if scan.has(end, " BLOCK") { end + 6 } else { end };
            let end = scan.skip(end, end + 1, |it| it == b' ');
            scan.skip(end, end + 5, |it| it == b'-')
        }
        None => cut_off(scan, body),
    };
    scan.hide(start..end);
}

/// The end of a block without its last line: behind the last line that can belong to it.
fn cut_off(scan: &Scan<'_>, body: usize) -> usize {
    let mut end = scan.skip(body, body + 12, |it| it == b'-' || it.is_ascii_uppercase() || it == b' ');
    let mut place = end;
    while place < scan.len() {
        let mut start = place;
        // Line feeds, their escapes at any depth, and the quotes and commas of lists.
        while matches!(scan.at(start), b' ' | b'\t' | b'\n' | b'\r' | b'\\' | b'"' | b'\'' | b',')
            || scan.before(start) == b'\\' && matches!(scan.at(start), b'n' | b'r')
        {
            start += 1;
        }
        if start == place && place != end {
            break;
        }
        let stop = scan.skip(start, scan.len(), |it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/' | b'='));
        let header = scan.at(stop) == b':' && is_blank(scan.at(stop + 1))
            || scan.at(stop) == b'-' && scan.has(start, "Proc-Type")
            || scan.has(start, "DEK-Info");
        if header {
            let line = scan.skip(stop, stop + 120, |it| !matches!(it, b'\n' | b'\\' | b'"'));
            if line - stop >= 120 {
                break;
            }
            place = line;
            end = line;
            continue;
        }
        // The last line of a key may be short, yet it is the last.
        if stop - start < 16 && !(stop > start && scan.at(stop.saturating_sub(1)) == b'=') {
            break;
        }
        end = stop;
        place = stop;
    }
    end
}

/// Hides the private part of a PuTTY key.
pub(super) fn putty(scan: &mut Scan<'_>, place: usize) {
    let from = scan.skip(place, place + 64, |it| it != b'\n' && it != b'\\');
    let end = scan
        .skip(from, from + LONGEST, |it| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/' | b'=' | b'\n' | b'\r' | b'\\'));
    // The run ends within `Private-MAC`; its word is none of the key.
    let end = scan.slice(from, end).rfind("Private").map_or(end, |it| from + it);
    let start = scan.skip(from, from + 4, |it| matches!(it, b'\n' | b'\r'));
    scan.hide(start..scan.run_before(end, 4, |it| matches!(it, b'\n' | b'\r')));
}
