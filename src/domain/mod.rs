//! Our own words and pure logic on them. No SDK, Kubernetes client or MCP type is known here, and nothing does I/O.

pub mod account;
pub mod cluster;
pub mod cluster_findings;
pub mod cost;
pub mod cursor;
pub mod events;
pub mod insights;
pub mod instructions;
pub mod log;
pub mod log_event;
pub mod metric;
pub mod names;
pub mod object;
pub mod outbound;
pub mod price;
pub mod principal;
pub mod quantity;
pub mod redact;
pub mod render;
pub mod status;
pub mod table;
pub mod target;
pub mod text;
pub mod time;
pub mod trim;
pub mod version;
