//! Text that comes from clusters: cleaned, capped, and never trusted.

pub use super::instructions::addresses_assistant;

/// Longest line that leaves the server, in characters.
pub const MAX_LINE: usize = 500;

/// Cuts a text to `max` bytes at a character boundary and says how much was left out.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    // Half a secret is not known for one any more.
    let text = super::redact::text(text).0;
    if text.len() <= max {
        return text.into_owned();
    }
    let end = text.floor_char_boundary(max);
    let (head, tail) = text.split_at(end);
    format!("{head}… ({} more characters)", tail.chars().count())
}

/// Makes text from a cluster safe to show: no escape sequences, no control, bidirectional or invisible characters.
///
/// Line feeds and tabs stay. Such characters hide text from people that a model still reads, or carry text that nobody sees.
pub fn clean(text: &str) -> String {
    // Nearly every text is plain.
    if text.bytes().all(|it| matches!(it, b'\n' | b'\t' | b' '..=b'~')) {
        return text.to_owned();
    }
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            // The same sequences in the form of eight bits.
            '\u{9b}' => skip_control_sequence(&mut characters),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => skip_string(&mut characters),
            '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\n' | '\t' => clean.push(character),
            _ if character.is_control() || is_invisible(character) => {}
            _ => clean.push(character),
        }
    }
    clean
}

/// Whether [`clean`] would leave a text as it is.
pub fn is_clean(text: &str) -> bool {
    text.chars()
        .all(|it| matches!(it, '\n' | '\t') || !it.is_control() && !is_invisible(it) && !matches!(it, '\u{2028}' | '\u{2029}'))
}

/// [`clean`]s one line and cuts it to [`MAX_LINE`].
pub fn clean_line(line: &str) -> String {
    cut(clean(line).trim_end(), MAX_LINE)
}

type Characters<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(characters: &mut Characters<'_>) {
    match characters.peek() {
        Some('[') => {
            characters.next();
            skip_control_sequence(characters);
        }
        // Commands of the operating system, device strings, privacy and application messages.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            characters.next();
            skip_string(characters);
        }
        // Sequences of two or three characters: intermediate ones, then the last.
        Some(' '..='~') => {
            while characters.next_if(|it| (' '..='/').contains(it)).is_some() {}
            characters.next_if(|it| ('0'..='~').contains(it));
        }
        _ => {}
    }
}

/// Parameters, and the character that ends them. What can be no part of a sequence is text again.
fn skip_control_sequence(characters: &mut Characters<'_>) {
    while characters.next_if(|it| (' '..='?').contains(it)).is_some() {}
    characters.next_if(|it| ('@'..='~').contains(it));
}

/// A string ends with a bell, with its terminator, or at the end of the line.
fn skip_string(characters: &mut Characters<'_>) {
    while let Some(character) = characters.next_if(|it| !matches!(it, '\u{1b}' | '\n')) {
        if matches!(character, '\u{7}' | '\u{9c}') {
            break;
        }
    }
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Joins names as prose: `a`, `a and b`, `a, b and c`.
pub fn join_and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [only] => only.clone(),
        [head @ .., last] => format!("{} and {last}", head.join(", ")),
    }
}

/// `1 pod`, `2 pods`: a count with its noun, for nouns that take an s.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_and_escapes_are_dropped_but_words_stay() {
        assert_eq!(clean("\u{1b}[31mred\u{1b}[0m \u{202e}abc\u{200b}\u{7}\ttab\nline"), "red abc\ttab\nline");
        assert_eq!(clean("\u{1b}]0;title\u{7}after"), "after");
        assert_eq!(clean("\u{1b}"), "");
        assert_eq!(clean("\u{9b}31mred\u{1b}Pq data\u{1b}\\ end \u{1b}(Bx"), "red end x");
        assert_eq!(clean("\u{1b}[31é"), "é");
        assert_eq!(clean("a\u{fe0f}\u{e0101}\u{3164}b\u{2028}c"), "ab\nc");
        assert_eq!(clean("ünïcode → stays"), "ünïcode → stays");
    }

    #[test]
    fn no_half_of_a_secret_is_left_by_a_cut() {
        let line = format!("{} postgres://app:hunter2hunter2hunter2@db/x {}", "a".repeat(40), "b".repeat(80));
        for max in 40..90 {
            assert!(!cut(&line, max).contains("hunter"), "{max}: {}", cut(&line, max));
        }
    }

    #[test]
    fn a_cut_is_at_a_character_and_says_what_is_missing() {
        assert_eq!(cut("äöü", 3), "ä… (2 more characters)");
        assert_eq!(cut("abc", 3), "abc");
    }
}
