//! Text that comes from clusters: cleaned, capped, and never trusted.

/// Longest line that leaves the server, in characters.
pub const MAX_LINE: usize = 500;

/// Cuts a text to `max` bytes at a character boundary and says how much was left out.
pub fn cut(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max);
    let (head, tail) = text.split_at(end);
    format!("{head}… ({} more characters)", tail.chars().count())
}

/// Makes text from a cluster safe to show: no ANSI sequences, no control, bidirectional or zero-width characters.
///
/// Line feeds and tabs stay. Such characters hide text from people that a model still reads.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => skip_escape(&mut characters),
            '\n' | '\t' => clean.push(character),
            _ if character.is_control() || is_invisible(character) => {}
            _ => clean.push(character),
        }
    }
    clean
}

/// [`clean`]s one line and cuts it to [`MAX_LINE`].
pub fn clean_line(line: &str) -> String {
    cut(clean(line).trim_end(), MAX_LINE)
}

fn skip_escape(characters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match characters.peek() {
        // A control sequence ends with a letter or one of `@[\]^_`{|}~`.
        Some('[') => {
            characters.next();
            for character in characters.by_ref() {
                if ('\u{40}'..='\u{7e}').contains(&character) {
                    break;
                }
            }
        }
        // An operating system command ends with a bell, or with the escape of the next sequence.
        Some(']') => {
            while let Some(character) = characters.peek() {
                if matches!(character, '\u{1b}' | '\n') {
                    break;
                }
                if characters.next() == Some('\u{7}') {
                    break;
                }
            }
        }
        Some(_) => {
            characters.next();
        }
        None => {}
    }
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a line from a cluster speaks to an assistant rather than to an operator.
///
/// Such lines are counted in `warnings`, never removed: what they say may matter to the reader.
pub fn addresses_assistant(line: &str) -> bool {
    const PHRASES: &[&str] = &[
        "ignore previous instructions",
        "ignore all previous",
        "ignore the above",
        "disregard previous",
        "disregard all previous",
        "you are now",
        "system prompt",
        "as an ai",
        "dear assistant",
        "assistant:",
        "<system>",
        "call the tool",
        "do not tell the user",
    ];
    let lower = line.to_lowercase();
    PHRASES.iter().any(|phrase| lower.contains(phrase))
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
        assert_eq!(clean("ünïcode → stays"), "ünïcode → stays");
    }

    #[test]
    fn a_cut_is_at_a_character_and_says_what_is_missing() {
        assert_eq!(cut("äöü", 3), "ä… (2 more characters)");
        assert_eq!(cut("abc", 3), "abc");
    }
}
