//! The end of a nested value, 64 bytes at a time: which bytes are brackets, and which of them stand in strings.

use wide::u8x16;

/// Bytes that are looked at in one step.
const STEP: usize = 64;

/// The length of the object or list that begins here; nothing when the bytes end before it does.
///
/// Only strings and brackets are looked at, and one kind of bracket passes for the other.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let mut nest = Nest::default();
    let (steps, rest) = bytes.as_chunks::<STEP>();
    for (index, step) in steps.iter().enumerate() {
        if let Some(end) = nest.step(step) {
            return Some(index * STEP + end);
        }
    }
    let mut last = [b' '; STEP];
    last.get_mut(..rest.len())?.copy_from_slice(rest);
    nest.step(&last).map(|end| steps.len() * STEP + end)
}

/// What one step leaves to the next.
#[derive(Default)]
struct Nest {
    /// Brackets that are open.
    depth: u32,
    /// All ones within a string.
    in_string: u64,
    /// One when the next byte is escaped.
    escaped: u64,
}

impl Nest {
    /// The place behind the last bracket, when it is here.
    #[inline]
    fn step(&mut self, bytes: &[u8; STEP]) -> Option<usize> {
        let quotes = Self::places(bytes, b'"', 0);
        let backslashes = Self::places(bytes, b'\\', 0);
        // One bit apart, so are the two kinds of brackets.
        let (mut opening, mut closing) = (Self::places(bytes, b'{', 0x20), Self::places(bytes, b'}', 0x20));
        let quotes = quotes & !self.escapes(backslashes);
        let strings = covered(quotes) ^ self.in_string;
        self.in_string = 0_u64.wrapping_sub(strings >> 63);
        opening &= !strings;
        closing &= !strings;
        if closing.count_ones() < self.depth {
            self.depth += opening.count_ones();
            self.depth -= closing.count_ones();
            return None;
        }
        let mut brackets = opening | closing;
        while brackets != 0 {
            let place = brackets.trailing_zeros();
            if opening >> place & 1 == 1 {
                self.depth += 1;
            } else {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    return Some(place as usize + 1);
                }
            }
            brackets &= brackets - 1;
        }
        None
    }

    /// Where a byte stands, as bits; `blur` is set in each byte before.
    #[inline]
    fn places(bytes: &[u8; STEP], byte: u8, blur: u8) -> u64 {
        let (parts, _) = bytes.as_chunks::<16>();
        let (byte, blur) = (u8x16::splat(byte), u8x16::splat(blur));
        parts.iter().rev().fold(0, |bits, part| bits << 16 | u64::from((u8x16::new(*part) | blur).simd_eq(byte).to_bitmask()))
    }

    /// The bytes behind a backslash that is not escaped itself.
    #[inline]
    fn escapes(&mut self, mut backslashes: u64) -> u64 {
        let mut escapes = self.escaped;
        self.escaped = 0;
        backslashes &= !escapes;
        while backslashes != 0 {
            let place = backslashes.trailing_zeros();
            match 2_u64.checked_shl(place).filter(|_| place < 63) {
                Some(next) => escapes |= next,
                None => self.escaped = 1,
            }
            backslashes &= !(3 << place);
        }
        escapes
    }
}

/// Each bit is the parity of those up to it: ones from an opening quote to before the closing one.
#[inline]
fn covered(quotes: u64) -> u64 {
    [1, 2, 4, 8, 16, 32].iter().fold(quotes, |bits, shift| bits ^ bits << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same byte by byte.
    fn plainly(bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut in_string, mut escaped) = (0, false, false);
        for (place, byte) in bytes.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => depth += 1,
                b'}' | b']' if !in_string => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(place + 1);
                    }
                }
                _ => {}
            }
        }
        None
    }

    #[test]
    fn the_end_is_found_wherever_the_steps_fall() {
        let inner = [r"[]", r#"{"a":"]}"}"#, r#"["\"]","\\",[{"b":"\\\"}"}]]"#, r#""\\\\\\\\\"{[""#, r#"{"é":"{\u007d"},["#];
        for text in inner {
            for before in 0..STEP + 2 {
                let value = format!(r#"{{"{}":{text},"x":[{text},0]}} , "more":[{{}}]}}]]"#, "k".repeat(before));
                for end in [value.len(), value.len() / 2, before] {
                    let bytes = &value.as_bytes()[..end];
                    assert_eq!(length(bytes), plainly(bytes), "{value} {end}");
                }
            }
        }
        assert_eq!(length(b"[[1]]]"), Some(5));
        assert_eq!(length(b""), None);
    }

    #[test]
    fn runs_of_backslashes_end_where_they_end() {
        for before in 0..STEP {
            for run in 0..STEP * 2 + 2 {
                let value = format!(r#"["{}{}"],"]"]"#, "k".repeat(before), "\\".repeat(run));
                assert_eq!(length(value.as_bytes()), plainly(value.as_bytes()), "{before} {run}");
            }
        }
    }
}
