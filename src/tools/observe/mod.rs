//! Metrics and logs in CloudWatch.

pub mod query_container_insights;
