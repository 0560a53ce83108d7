//! What answers cost a model, by the tokenizer of its vendor.

use eks_mcp::registry::Answer;

/// Tokens of a text in the `o200k` vocabulary, which is in the tokenizer's crate.
pub(crate) fn count(text: &str) -> usize {
    tiktoken_rs::o200k_base_singleton().encode_ordinary(text).len()
}

/// Holds both forms of an answer, the structured and the one for people, to a number of tokens.
pub(crate) fn hold(answer: &Answer, most: usize) {
    let structured = count(&answer.structured.to_string());
    let text = count(&answer.text);
    assert!(structured <= most, "{structured} tokens of structured content, {most} are allowed:\n{}", answer.text);
    assert!(text <= most, "{text} tokens of text, {most} are allowed:\n{}", answer.text);
}

#[test]
fn tokens_are_those_of_the_vocabulary() {
    assert_eq!(count(""), 0);
    assert_eq!(count("hello world"), 2);
    assert!(count("2026-11-23T09:12:03Z") > 8);
}
