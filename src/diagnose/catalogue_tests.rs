//! Every cause of the catalogue has a rule, or stands in the list of those that have none yet.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Severity;
use super::rules;

fn rows(text: &'static str) -> BTreeMap<&'static str, &'static str> {
    text.lines().skip(1).map(|line| line.split_once('\t').unwrap()).collect()
}

#[test]
fn every_cause_has_a_rule_or_a_reason_why_it_has_none() {
    let catalogue = rows(include_str!("catalogue.tsv"));
    let not_built = rows(include_str!("not_built.tsv"));
    assert_eq!(catalogue.len(), 407);
    // What is said when no rule fires.
    let built: BTreeSet<&str> = rules::causes().map(|it| it.0).chain(["healthy"]).collect();
    let unknown: Vec<&&str> = built.iter().filter(|it| !catalogue.contains_key(**it)).collect();
    assert!(unknown.is_empty(), "these rules stand in no catalogue: {unknown:?}");
    let missing: Vec<&&str> = catalogue.keys().filter(|it| !built.contains(**it) && !not_built.contains_key(**it)).collect();
    assert!(missing.is_empty(), "these causes have neither rule nor reason: {missing:?}");
    let both: Vec<&&str> = not_built.keys().filter(|it| built.contains(**it)).collect();
    assert!(both.is_empty(), "these have a rule by now: {both:?}");
}

#[test]
fn rules_are_as_severe_as_the_catalogue_says() {
    let catalogue = rows(include_str!("catalogue.tsv"));
    let wrong: Vec<String> = rules::causes()
        .filter(|(id, severity)| severity.name() != catalogue[id])
        .map(|(id, severity)| format!("{id}: {} instead of {}", severity.name(), catalogue[id]))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_severe_cause_has_a_rule() {
    let not_built = rows(include_str!("not_built.tsv"));
    let is_severe = |it: &&str| it.starts_with(Severity::Critical.name()) || it.starts_with(Severity::High.name());
    let severe: Vec<&&str> = not_built.iter().filter(|(_, it)| is_severe(it)).map(|(id, _)| id).collect();
    assert!(severe.is_empty(), "{severe:?}");
}
