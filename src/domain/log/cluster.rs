//! Templates in a tree of fixed depth, as Drain has them: by level, number of words and first word.
//!
//! Drain turns a word into a wildcard when it differs once, which loses the one thing that tells two errors apart. Here
//! alike texts stay apart until there are many of them; only then the words that differ become a wildcard.

use std::collections::HashMap;

use super::level::Level;

/// Stands for a word that differs between lines.
pub(super) const WILDCARD: &str = "<*>";
/// Alike texts that are kept apart.
const APART: usize = 5;
/// Share of equal words, in percent, from which texts are alike.
const ALIKE: usize = 60;
/// Share of words that must stay, in percent.
const FIXED: usize = 50;
/// Words that are looked at; the rest of a text is left out.
const WORDS: usize = 48;
/// Templates of a leaf that a text is compared with, the newest first.
const COMPARED: usize = 48;
/// Texts whose template is remembered.
const REMEMBERED: usize = 4_096;

/// Which template a text belongs to: a slot that may be taken by another template later, and whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) index: usize,
    turn: u64,
}

#[derive(Debug)]
struct Shape {
    turn: u64,
    leaf: Leaf,
    words: Vec<String>,
    wild: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Leaf {
    level: Level,
    words: usize,
    first: String,
}

/// The tree.
#[derive(Default)]
pub(super) struct Tree {
    shapes: Vec<Option<Shape>>,
    free: Vec<usize>,
    leaves: HashMap<Leaf, Vec<usize>>,
    known: HashMap<(Level, String), Slot>,
    turns: u64,
}

/// Where a text belongs.
pub(super) enum Place {
    /// To a template that is there.
    At(usize),
    /// To a template that takes in these others; their statistics are to be added up.
    Merged {
        /// The template that stays.
        into: usize,
        /// Those that were taken in.
        from: Vec<usize>,
    },
    /// Nowhere yet.
    Nowhere,
}

impl Tree {
    /// Finds the place of a masked text.
    pub(super) fn place(&mut self, level: Level, text: &str) -> Place {
        let key = (level, text.to_owned());
        if let Some(slot) = self.known.get(&key) {
            if self.shapes.get(slot.index).and_then(Option::as_ref).is_some_and(|it| it.turn == slot.turn) {
                return Place::At(slot.index);
            }
            self.known.remove(&key);
        }
        let words = split(text);
        let leaf = leaf(level, &words);
        let place = self.search(&leaf, &words);
        if let Place::At(index) | Place::Merged { into: index, .. } = place {
            self.remember(key, index);
        }
        place
    }

    fn search(&mut self, leaf: &Leaf, words: &[&str]) -> Place {
        let Some(members) = self.leaves.get(leaf) else { return Place::Nowhere };
        let mut alike: Vec<(usize, usize)> = Vec::new();
        for index in members.iter().rev().take(COMPARED) {
            let Some(Some(shape)) = self.shapes.get(*index) else { continue };
            let mut equal = 0;
            let mut apart = false;
            for (a, b) in shape.words.iter().zip(words) {
                if a == b || a == WILDCARD {
                    equal += 1;
                } else {
                    apart |= tells_apart(a) || tells_apart(b);
                }
            }
            if equal == words.len() {
                return Place::At(*index);
            }
            if !apart && equal * 100 >= words.len() * ALIKE {
                alike.push((equal, *index));
            }
        }
        if alike.len() < APART {
            return Place::Nowhere;
        }
        // The most alike first; among equals the oldest, so that the order of lines alone decides.
        alike.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut merged: Vec<String> = words.iter().map(|it| (*it).to_owned()).collect();
        let mut taken = Vec::new();
        for (_, index) in alike {
            let Some(Some(shape)) = self.shapes.get(index) else { continue };
            let joined = merged.iter().zip(&shape.words).map(|(a, b)| if a == b { a.clone() } else { WILDCARD.to_owned() });
            let joined: Vec<String> = joined.collect();
            let fixed = joined.iter().filter(|it| *it != WILDCARD).count();
            let speaks = joined.iter().any(|it| it.chars().filter(|it| it.is_alphabetic()).count() >= 3 && !it.starts_with('<'));
            if fixed * 100 >= joined.len() * FIXED && speaks {
                merged = joined;
                taken.push(index);
            }
        }
        if taken.len() < APART {
            return Place::Nowhere;
        }
        let into = taken.remove(0);
        for index in &taken {
            self.remove(*index);
        }
        if let Some(Some(shape)) = self.shapes.get_mut(into) {
            shape.words = merged;
            shape.wild = true;
        }
        Place::Merged { into, from: taken }
    }

    /// Makes a template of a text; returns its slot.
    pub(super) fn insert(&mut self, level: Level, text: &str) -> usize {
        let words = split(text);
        let leaf = leaf(level, &words);
        self.turns += 1;
        let shape =
            Shape { turn: self.turns, leaf: leaf.clone(), words: words.iter().map(|it| (*it).to_owned()).collect(), wild: false };
        let index = if let Some(index) = self.free.pop() {
            if let Some(slot) = self.shapes.get_mut(index) {
                *slot = Some(shape);
            }
            index
        } else {
            self.shapes.push(Some(shape));
            self.shapes.len() - 1
        };
        self.leaves.entry(leaf).or_default().push(index);
        self.remember((level, text.to_owned()), index);
        index
    }

    /// Forgets a template.
    pub(super) fn remove(&mut self, index: usize) {
        let Some(shape) = self.shapes.get_mut(index).and_then(Option::take) else { return };
        if let Some(members) = self.leaves.get_mut(&shape.leaf) {
            members.retain(|it| *it != index);
            if members.is_empty() {
                self.leaves.remove(&shape.leaf);
            }
        }
        self.free.push(index);
    }

    /// The template as text.
    pub(super) fn text(&self, index: usize) -> String {
        self.shapes.get(index).and_then(Option::as_ref).map(|it| it.words.join(" ")).unwrap_or_default()
    }

    /// Whether words of a template differ between its lines.
    #[cfg(test)]
    pub(super) fn is_wild(&self, index: usize) -> bool {
        self.shapes.get(index).and_then(Option::as_ref).is_some_and(|it| it.wild)
    }

    fn remember(&mut self, key: (Level, String), index: usize) {
        let Some(Some(shape)) = self.shapes.get(index) else { return };
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        self.known.insert(key, Slot { index, turn: shape.turn });
    }
}

/// Whether a word is an HTTP method or status, which never becomes a wildcard.
fn tells_apart(word: &str) -> bool {
    let value = word.rsplit('=').next().unwrap_or(word).trim_matches(['"', '\'', '[', ']', '(', ')', ',', ':']);
    matches!(value, "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "CONNECT")
        || (value.len() == 3 && value.bytes().all(|it| it.is_ascii_digit()))
}

fn split(text: &str) -> Vec<&str> {
    text.split(' ').take(WORDS).collect()
}

fn leaf(level: Level, words: &[&str]) -> Leaf {
    let first = words.first().copied().unwrap_or_default();
    // A first word that varies would scatter what belongs together.
    let first = if first.contains('<') || first.contains(|it: char| it.is_ascii_digit()) { WILDCARD } else { first };
    Leaf { level, words: words.len(), first: first.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_texts_stay_apart_until_they_are_many() {
        let mut tree = Tree::default();
        for name in ["a", "b", "c", "d", "e"] {
            let text = format!("cannot connect to host {name}");
            assert!(matches!(tree.place(Level::Error, &text), Place::Nowhere));
            tree.insert(Level::Error, &text);
        }
        assert!(matches!(tree.place(Level::Error, "cannot connect to host c"), Place::At(2)));
        let Place::Merged { into, from } = tree.place(Level::Error, "cannot connect to host f") else { panic!("not merged") };
        assert_eq!((tree.text(into).as_str(), from.len()), ("cannot connect to host <*>", 4));
        assert!(tree.is_wild(into));
        assert!(matches!(tree.place(Level::Error, "cannot connect to host g"), Place::At(index) if index == into));
        assert!(matches!(tree.place(Level::Info, "cannot connect to host g"), Place::Nowhere), "levels stay apart");
    }

    #[test]
    fn methods_and_statuses_stay_whatever_their_number() {
        let mut tree = Tree::default();
        for status in 200..230 {
            let text = format!("request served path=/orders status={status}");
            assert!(matches!(tree.place(Level::Info, &text), Place::Nowhere));
            tree.insert(Level::Info, &text);
        }
    }
}
