//! Events of log groups: what is asked for, what comes back, and how both are recorded.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which events of a log group are wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter {
    /// Name of the log group.
    pub group: String,
    /// How names of log streams begin; any when absent.
    pub stream_prefix: Option<String>,
    /// Fields of JSON events and the values they must have: `kubernetes.pod_name`.
    pub equals: Vec<(String, String)>,
    /// First moment.
    pub start: Timestamp,
    /// Last moment.
    pub end: Timestamp,
}

/// One event of a log group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogEvent {
    /// When it happened.
    pub time: Timestamp,
    /// Name of its log stream.
    pub stream: String,
    /// What was logged.
    pub message: String,
}

/// How a search of a log group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogScan {
    /// Whether all of the window was searched.
    pub complete: bool,
}

/// A recorded log group (`aws/logs/*.json` of a snapshot).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedLogGroup {
    /// AWS Region.
    pub region: String,
    /// Name of the log group.
    pub name: String,
    /// Its events, oldest first.
    pub events: Vec<LogEvent>,
}
