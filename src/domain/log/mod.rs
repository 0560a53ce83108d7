//! Logs as patterns: lines in, ranked templates out.
//!
//! A log says the same few things over and over. What varies (times, numbers, ids, addresses) is masked, lines that are
//! then alike are one template, and a stack trace is one entry with its head. The miner reads a stream and holds a
//! bounded number of templates, so that a log of any size costs the same memory. It knows neither where lines come from
//! nor who reads the result.

mod cluster;
mod entry;
mod fields;
mod frames;
mod level;
mod mask;
mod miner;
mod parse;
mod stamp;
#[cfg(test)]
mod tests;
mod trace;

pub use level::Level;
pub use mask::mask;
pub use miner::{Mined, Miner, Other, Template, mine};
pub use stamp::time_of;
