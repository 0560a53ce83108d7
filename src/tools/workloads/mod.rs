//! What runs in the clusters.

mod cursor;
pub mod get_logs;
pub mod list_api_kinds;
pub mod list_events;
pub mod list_resources;
