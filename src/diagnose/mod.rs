//! Facts, rules, diagnosis.
//!
//! [`collect`] reads what a diagnosis needs, each thing once, into [`facts::Facts`]; [`rules`] are pure functions from facts
//! to findings; [`engine`] ranks the findings and tells the deepest one as the root cause.

pub mod collect;
pub mod diagnosis;
pub mod engine;
pub mod facts;
pub mod finding;
pub mod grammar;
pub mod logs;
pub mod placement;
pub mod rules;
pub mod scan;
mod subject;
mod symptoms;

#[cfg(test)]
mod catalogue_tests;
#[cfg(test)]
mod demo_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod injection_tests;
