//! The one integration-test binary. Tools are tested through the registry, commands through the real binary; nothing here
//! needs a network, credentials or a clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod access;
mod architecture;
mod aws_errors;
mod aws_facts;
mod bad_input;
mod command_line;
mod contract;
mod demo_world;
mod http;
mod lists_over_http;
mod logs;
mod parents;
mod protocol;
mod real_cluster;
mod recordings;
mod registry;
mod scale;
mod snapshots;
#[cfg(unix)]
mod stopping;
mod support;
mod tokens;
mod tokens_of_lists;
mod tools;
mod ways_out;
mod workload_pages;
mod workload_troubles;
mod workloads;
