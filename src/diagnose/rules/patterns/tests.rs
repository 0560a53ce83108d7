//! Every row of the tables, on its own examples.

use super::*;

fn all() -> impl Iterator<Item = &'static Pattern> {
    PATTERNS.iter().flat_map(|it| it.iter())
}

#[test]
fn each_pattern_recognises_its_message_and_leaves_the_look_alike() {
    for it in all() {
        assert!(Regex::new(it.says).is_ok(), "{}: {}", it.id, it.says);
        assert!(it.matches(it.yes).is_some(), "{}: {}", it.id, it.yes);
        assert!(it.no.is_empty() || it.matches(it.no).is_none(), "{}: {}", it.id, it.no);
        assert!(it.severity < Severity::High || !it.no.is_empty(), "{}: a severe cause needs a look-alike", it.id);
    }
}

#[test]
fn sentences_are_filled_from_the_message() {
    for it in all() {
        let groups = it.matches(it.yes).unwrap().len();
        for index in groups..10 {
            assert!(!it.tells.contains(&format!("{{{index}}}")), "{}: {{{index}}} is no group", it.id);
        }
        assert!(it.tells.ends_with(['.', '}', ')']), "{}", it.id);
        assert!(!it.fix.ends_with('.'), "{}: fixes have no period", it.id);
    }
}

#[test]
fn no_message_of_one_cause_is_taken_for_another_one_that_tells_as_much() {
    for it in all() {
        for other in all().filter(|other| other.id != it.id && other.on == it.on && other.depth == it.depth) {
            let clash = other.matches(it.yes).is_some() && other.specificity == it.specificity;
            assert!(!clash, "{} and {}: {}", it.id, other.id, it.yes);
        }
    }
}

#[test]
fn a_line_that_has_nothing_to_do_with_the_end_does_not_explain_it() {
    use super::super::fixtures::{crashed, with_log};
    let log = "WARN 429 Too Many Requests, trying again\nINFO served\nINFO served\nFATAL: password authentication failed for user \"shop\"\n";
    let facts = with_log(crashed(serde_json::json!({}), 1, "Error", ""), log);
    let found = findings(&facts);
    let of = |id: &str| found.iter().find(|it| it.id == id).unwrap().specificity;
    assert!(of("app-db-auth") > 5 && of("app-rate-limited") <= ELSEWHERE);
}

#[test]
fn what_the_message_does_not_say_leaves_no_hole_and_what_it_says_is_no_place() {
    let filled =
        |says: &str, tells: &str, message: &str| fill(tells, "Pod `a`", &Regex::new(says).unwrap().captures(message).unwrap());
    assert_eq!(filled("x(y)?(z)?", "{what} has no file `{1}` ({2}).", "x"), "Pod `a` has no file.");
    assert_eq!(filled("x(.*)(q)?", "It says {1} ({2}).", "x{2} {what}"), "It says {2} {what}.");
    for it in all() {
        let sentence = fill(it.tells, "Pod `a`", &it.matches(it.yes).unwrap());
        assert!(
            !sentence.contains("``") && !sentence.contains("()") && !sentence.contains("{what}") && !sentence.contains("{1}"),
            "{}: {sentence}",
            it.id
        );
    }
}
