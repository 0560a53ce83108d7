//! eks-mcp: typed, safe and economical access to Amazon EKS for AI assistants.
//!
//! The layers point downward only: `cli` and `server` use the `registry`, which runs the `tools`, which use `diagnose`,
//! `domain`, `aws` and `k8s`; `snapshot` implements what `aws` and `k8s` ask for. See ARCHITECTURE.md.

pub mod aws;
pub mod check;
pub mod cli;
pub mod config;
pub mod context;
pub mod diagnose;
pub mod domain;
pub mod error;
pub mod k8s;
pub mod permissions;
pub mod prompts;
pub mod registry;
pub mod schema;
pub mod server;
pub mod snapshot;
pub mod tool;
pub mod tools;
