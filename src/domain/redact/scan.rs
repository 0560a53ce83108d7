//! The text under scrutiny: bounded steps through its bytes, and the spans that are to be hidden.
//!
//! Every look around a place has a bound, and every span that is hidden moves on what is read next, so that the work
//! grows with the text and not with its square. Tests count the bytes that were looked at.

use std::ops::Range;

use super::MASK;

/// How texts write the escape character that begins a colour.
const COLOUR_ESCAPES: &[&str] = &["u001b", "x1b", "033", "e"];

/// One reading of a text.
pub(super) struct Scan<'a> {
    /// What is read.
    pub(super) text: &'a str,
    spans: Vec<Range<usize>>,
    /// Where masks start already.
    masks: Vec<usize>,
    /// End of the last span; what lies before it needs no second look.
    covered: usize,
    /// End of the last long run that was read in vain.
    pub(super) dismissed: usize,
    #[cfg(test)]
    pub(super) steps: std::cell::Cell<usize>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            spans: Vec::new(),
            masks: text.match_indices(MASK).map(|it| it.0).collect(),
            covered: 0,
            dismissed: 0,
            #[cfg(test)]
            steps: std::cell::Cell::new(0),
        }
    }

    /// The byte at a place; zero behind the end.
    pub(super) fn at(&self, place: usize) -> u8 {
        #[cfg(test)]
        self.steps.set(self.steps.get() + 1);
        self.text.as_bytes().get(place).copied().unwrap_or(0)
    }

    /// The byte before a place; zero at the start.
    pub(super) fn before(&self, place: usize) -> u8 {
        if place == 0 { 0 } else { self.at(place - 1) }
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The text between two places, widened to whole characters.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        let from = self.text.floor_char_boundary(from.min(self.len()));
        let to = self.text.ceil_char_boundary(to.min(self.len())).max(from);
        #[cfg(test)]
        self.steps.set(self.steps.get() + (to - from));
        self.text.get(from..to).unwrap_or_default()
    }

    /// Whether the text goes on like this at a place, whatever the case.
    pub(super) fn has(&self, place: usize, word: &str) -> bool {
        let end = place.saturating_add(word.len());
        self.text.as_bytes().get(place..end).is_some_and(|it| it.eq_ignore_ascii_case(word.as_bytes()))
    }

    /// The first place from `from`, and at most `to`, whose byte does not hold.
    pub(super) fn skip(&self, from: usize, to: usize, holds: impl Fn(u8) -> bool) -> usize {
        let to = to.min(self.len());
        let mut place = from;
        while place < to && holds(self.at(place)) {
            place += 1;
        }
        place
    }

    /// The start of the run of bytes that hold and end at `end`, at most `most` long.
    pub(super) fn run_before(&self, end: usize, most: usize, holds: impl Fn(u8) -> bool) -> usize {
        let least = end.saturating_sub(most);
        let mut place = end;
        while place > least && holds(self.before(place)) {
            place -= 1;
        }
        place
    }

    /// The place behind the colours of a terminal that start here, raw or escaped: they say nothing.
    pub(super) fn past_colours(&self, from: usize) -> usize {
        let mut place = from;
        for _ in 0..4 {
            let slashes = self.skip(place, place + 8, |it| it == b'\\');
            let escape = if self.at(place) == 0x1b {
                place + 1
            } else if slashes == place {
                break;
            } else {
                let Some(name) = COLOUR_ESCAPES.iter().find(|it| self.has(slashes, it)) else { break };
                slashes + name.len()
            };
            if self.at(escape) != b'[' {
                break;
            }
            let end = self.skip(escape + 1, escape + 24, |it| it.is_ascii_digit() || it == b';');
            if self.at(end) != b'm' {
                break;
            }
            place = end + 1;
        }
        place
    }

    /// End of the line, at most `most` bytes on.
    pub(super) fn line_end(&self, from: usize, most: usize) -> usize {
        self.skip(from, from.saturating_add(most), |it| it != b'\n')
    }

    /// Whether a place lies behind everything that is hidden so far.
    pub(super) fn is_open(&self, place: usize) -> bool {
        place >= self.covered
    }

    /// The mask that a place lies within, not at its start or end.
    fn mask_around(&self, place: usize) -> Option<usize> {
        let last = self.masks.partition_point(|it| *it < place).checked_sub(1)?;
        self.masks.get(last).copied().filter(|it| place < it + MASK.len())
    }

    /// Marks a span as secret. Empty ones and masks stay as they are, and no mask is cut in two.
    pub(super) fn hide(&mut self, span: Range<usize>) {
        let start = self.mask_around(span.start).map_or(span.start, |it| it + MASK.len());
        let end = self.mask_around(span.end).unwrap_or(span.end);
        let start = self.text.floor_char_boundary(start.min(self.len()));
        let end = self.text.ceil_char_boundary(end.min(self.len()));
        if start >= end || self.text.get(start..end).is_none_or(|it| it == MASK) {
            return;
        }
        self.covered = self.covered.max(end);
        self.spans.push(start..end);
    }

    /// The hidden spans in their order, those that touch made one.
    pub(super) fn finish(mut self) -> Vec<Range<usize>> {
        self.spans.sort_unstable_by_key(|it| (it.start, it.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(self.spans.len());
        for span in self.spans {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        merged
    }
}

/// Letters, digits, and bytes of letters beyond ASCII.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80
}

/// What keys are made of.
pub(super) fn is_key(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'_' | b'-' | b'.')
}

/// What base64 of either alphabet is made of.
pub(super) fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'-' | b'_')
}

/// Blanks within a line.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Quotation marks.
pub(super) fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}
