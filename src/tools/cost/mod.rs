//! What it costs.

pub mod estimate_cost;
