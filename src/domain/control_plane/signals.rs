//! The signals: metric, statistic, unit, and when a value is a problem. Every threshold stands here, with its source.

use jiff::Timestamp;

use super::tier::Limits;
use crate::domain::insights::statistics::Statistics;
use crate::domain::insights::verdict::{Severity, Verdict};

/// What a point of a metric says, and how it is made a number that does not depend on the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// A state that is sampled once a minute and has to be asked for as `Sum`: divided by the minutes of a period.
    Gauge,
    /// Events that were counted, asked for as `Sum`: as many as there were in a period.
    Counter,
    /// Events, per second.
    Rate,
    /// Seconds, asked for as `Average`.
    Seconds,
    /// Bytes, asked for as `Maximum`.
    Bytes,
}

impl Reading {
    /// The only statistic of CloudWatch that means something for it.
    pub fn statistic(self) -> &'static str {
        match self {
            Self::Gauge | Self::Counter | Self::Rate => "Sum",
            Self::Seconds => "Average",
            Self::Bytes => "Maximum",
        }
    }

    /// The unit for readers.
    pub fn unit(self) -> &'static str {
        match self {
            Self::Gauge => "",
            Self::Counter => "per period",
            Self::Rate => "per second",
            Self::Seconds => "s",
            Self::Bytes => "GB",
        }
    }

    /// A value of CloudWatch in that unit.
    pub fn scaled(self, value: f64, period_seconds: u32) -> f64 {
        let period = f64::from(period_seconds.max(1));
        match self {
            Self::Gauge => value / (period / 60.0),
            Self::Rate => value / period,
            Self::Bytes => value / GIB,
            Self::Counter | Self::Seconds => value,
        }
    }
}

/// Bytes of what EKS calls a GB of the cluster's database.
pub const GIB: f64 = 1_073_741_824.0;

/// What a signal is held against.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Against {
    /// Nothing: it is told for context.
    Nothing,
    /// Seats of API Priority and Fairness of the tier; 80 % is a warning (rule of EKS for choosing a tier).
    Seats,
    /// Pods scheduled per second of the tier; 80 % is a warning (likewise).
    Scheduling,
    /// Size of the database of the tier; 80 % is a warning, 95 % critical: at 100 % the cluster takes no writes any more.
    Database,
    /// Any occurrence is a warning: clients are turned away.
    AnyOccurrence,
    /// Above zero in every point of the last quarter of an hour or longer is a warning: what waits does not get on.
    NeverZero,
    /// The 95th percentile above so many seconds is a warning (objectives of SIG Scalability: 1 s, and 30 s for lists; webhooks
    /// above 1 s hold every write up).
    Objective(f64),
}

/// One signal.
#[derive(Debug)]
pub struct Signal {
    /// Metric name in the namespace `AWS/EKS`.
    pub metric: &'static str,
    /// What it is, for readers.
    pub name: &'static str,
    /// How its points are read.
    pub reading: Reading,
    /// What it is held against.
    pub against: Against,
}

const fn signal(metric: &'static str, name: &'static str, reading: Reading, against: Against) -> Signal {
    Signal { metric, name, reading, against }
}

/// Every signal, in the order in which a reader looks.
pub const SIGNALS: &[Signal] = &[
    signal("apiserver_flowcontrol_current_executing_seats", "API seats in use", Reading::Gauge, Against::Seats),
    signal("scheduler_schedule_attempts_SCHEDULED", "pods scheduled", Reading::Rate, Against::Scheduling),
    signal("etcd_mvcc_db_total_size_in_use_in_bytes", "database in use", Reading::Bytes, Against::Database),
    signal("etcd_mvcc_db_total_size_in_bytes", "database file", Reading::Bytes, Against::Nothing),
    signal("apiserver_request_total_429", "requests turned away (429)", Reading::Counter, Against::AnyOccurrence),
    signal("apiserver_request_total_5XX", "requests failed (5xx)", Reading::Counter, Against::Nothing),
    signal("apiserver_request_total_4XX", "requests refused (4xx)", Reading::Counter, Against::Nothing),
    signal("apiserver_request_total", "requests", Reading::Rate, Against::Nothing),
    signal("apiserver_request_total_LIST_PODS", "lists of pods", Reading::Counter, Against::Nothing),
    signal("apiserver_request_duration_seconds_GET_P99", "GET, p99", Reading::Seconds, Against::Objective(1.0)),
    signal("apiserver_request_duration_seconds_LIST_P99", "LIST, p99", Reading::Seconds, Against::Objective(30.0)),
    signal("apiserver_request_duration_seconds_POST_P99", "POST, p99", Reading::Seconds, Against::Objective(1.0)),
    signal("apiserver_request_duration_seconds_PUT_P99", "PUT, p99", Reading::Seconds, Against::Objective(1.0)),
    signal("apiserver_request_duration_seconds_PATCH_P99", "PATCH, p99", Reading::Seconds, Against::Objective(1.0)),
    signal("apiserver_request_duration_seconds_DELETE_P99", "DELETE, p99", Reading::Seconds, Against::Objective(1.0)),
    signal(
        "apiserver_admission_webhook_admission_duration_seconds_ADMIT_P99",
        "mutating webhooks, p99",
        Reading::Seconds,
        Against::Objective(1.0),
    ),
    signal(
        "apiserver_admission_webhook_admission_duration_seconds_VALIDATING_P99",
        "validating webhooks, p99",
        Reading::Seconds,
        Against::Objective(1.0),
    ),
    signal("apiserver_admission_webhook_rejection_count", "rejections by webhooks", Reading::Counter, Against::Nothing),
    signal("apiserver_current_inflight_requests_MUTATING", "writes in flight", Reading::Gauge, Against::Nothing),
    signal("apiserver_current_inflight_requests_READONLY", "reads in flight", Reading::Gauge, Against::Nothing),
    signal("scheduler_pending_pods_UNSCHEDULABLE", "pods that fit no node", Reading::Gauge, Against::NeverZero),
    signal("scheduler_pending_pods_ACTIVEQ", "pods waiting for the scheduler", Reading::Gauge, Against::NeverZero),
    signal("scheduler_pending_pods_BACKOFF", "pods the scheduler will try again", Reading::Gauge, Against::Nothing),
    signal("scheduler_pending_pods_GATED", "pods held by gates", Reading::Gauge, Against::Nothing),
    signal("scheduler_schedule_attempts_ERROR", "scheduling errors", Reading::Counter, Against::AnyOccurrence),
];

/// A signal with its numbers and what they mean.
#[derive(Debug)]
pub struct Judged {
    /// The signal.
    pub signal: &'static Signal,
    /// Its numbers, in the unit of its reading.
    pub statistics: Statistics,
    /// Sum over the window, of counters.
    pub total: f64,
    /// What it may reach, where that is known.
    pub limit: Option<f64>,
    /// Peak in percent of the limit.
    pub percent: Option<f64>,
    /// Since when it has been above zero without a break, of what should not stay so.
    pub since: Option<Timestamp>,
    /// What it means.
    pub verdict: Verdict,
}

/// Seconds after which what waits is taken not to get on.
const WAITS: i64 = 900;

/// Since when the newest points are above zero, when that is long enough.
fn above_zero_since(points: &[(Timestamp, f64)]) -> Option<Timestamp> {
    let stretch: Vec<Timestamp> = points.iter().rev().take_while(|it| it.1 > 0.0).map(|it| it.0).collect();
    let (newest, oldest) = (stretch.first()?, stretch.last()?);
    (stretch.len() >= 3 && newest.as_second() - oldest.as_second() >= WAITS).then_some(*oldest)
}

/// Judges the points of a signal; `None` when there is none.
pub fn judge(signal: &'static Signal, points: &[(Timestamp, f64)], period_seconds: u32, limits: &Limits) -> Option<Judged> {
    let scaled: Vec<(Timestamp, f64)> =
        points.iter().map(|(at, value)| (*at, signal.reading.scaled(*value, period_seconds))).collect();
    let statistics = Statistics::of(&scaled, 0.01)?;
    let total: f64 = scaled.iter().map(|it| it.1).filter(|it| it.is_finite()).sum();
    let limit = match signal.against {
        Against::Seats => limits.seats,
        Against::Scheduling => limits.pods_per_second,
        Against::Database => limits.database_gb,
        Against::Objective(seconds) => Some(seconds),
        Against::Nothing | Against::AnyOccurrence | Against::NeverZero => None,
    };
    let held = if matches!(signal.against, Against::Objective(_)) { statistics.p95 } else { statistics.max };
    let percent = limit.filter(|it| *it > 0.0).map(|it| held / it * 100.0);
    let warning = Verdict::Problem(Severity::Warning);
    let since = (signal.against == Against::NeverZero).then(|| above_zero_since(&scaled)).flatten();
    let verdict = match (signal.against, percent) {
        (Against::AnyOccurrence, _) => {
            if total > 0.0 {
                warning
            } else {
                Verdict::Fine
            }
        }
        (Against::NeverZero, _) => {
            if since.is_some() {
                warning
            } else {
                Verdict::Fine
            }
        }
        (Against::Nothing, _) | (_, None) => Verdict::Unjudged,
        (Against::Database, Some(percent)) if percent >= 95.0 => Verdict::Problem(Severity::Critical),
        (Against::Objective(_), Some(percent)) => {
            if percent > 100.0 {
                warning
            } else {
                Verdict::Fine
            }
        }
        (_, Some(percent)) => {
            if percent >= 80.0 {
                warning
            } else {
                Verdict::Fine
            }
        }
    };
    Some(Judged { signal, statistics, total, limit, percent, since, verdict })
}

/// A number as readers take it: three digits that count.
pub fn number(value: f64) -> String {
    let magnitude = value.abs();
    let text = if magnitude >= 100.0 || (value - value.round()).abs() < 1e-9 {
        format!("{value:.0}")
    } else if magnitude >= 10.0 {
        format!("{value:.1}")
    } else if magnitude >= 0.01 {
        format!("{value:.2}")
    } else {
        format!("{value:.4}")
    };
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn points(values: &[f64]) -> Vec<(Timestamp, f64)> {
        let at = |index: usize| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(i64::try_from(index).unwrap());
        values.iter().enumerate().map(|(index, value)| (at(index), *value)).collect()
    }

    fn find(metric: &str) -> &'static Signal {
        SIGNALS.iter().find(|it| it.metric.ends_with(metric)).unwrap()
    }

    #[test]
    fn sums_of_states_are_made_states_again() {
        let limits = Limits { seats: Some(1_700.0), ..Limits::default() };
        let judged = judge(find("executing_seats"), &points(&[6_000.0, 7_500.0]), 300, &limits).unwrap();
        assert!((judged.statistics.max - 1_500.0).abs() < 1e-9, "five minutes of 1,500 seats sum up to 7,500");
        assert_eq!(judged.verdict, Verdict::Problem(Severity::Warning));
        let low = judge(find("executing_seats"), &points(&[600.0]), 60, &limits).unwrap();
        assert_eq!(low.verdict, Verdict::Fine);
        let dynamic = judge(find("executing_seats"), &points(&[60_000.0]), 60, &Limits::default()).unwrap();
        assert_eq!(
            (dynamic.verdict, dynamic.percent),
            (Verdict::Unjudged, None),
            "the standard tier has no fixed number of seats"
        );
    }

    #[test]
    fn a_database_is_a_warning_at_80_and_critical_at_95_percent() {
        let limits = Limits { database_gb: Some(8.0), ..Limits::default() };
        for (gigabytes, verdict) in
            [(6.3, Verdict::Fine), (6.5, Verdict::Problem(Severity::Warning)), (7.7, Verdict::Problem(Severity::Critical))]
        {
            let judged = judge(find("size_in_use_in_bytes"), &points(&[gigabytes * GIB]), 60, &limits).unwrap();
            assert_eq!(judged.verdict, verdict, "{gigabytes}");
        }
    }

    #[test]
    fn one_refusal_is_told_and_pods_count_only_while_they_always_wait() {
        let none = Limits::default();
        assert_eq!(
            judge(find("total_429"), &points(&[0.0, 3.0]), 60, &none).unwrap().verdict,
            Verdict::Problem(Severity::Warning)
        );
        assert_eq!(judge(find("total_429"), &points(&[0.0, 0.0]), 60, &none).unwrap().verdict, Verdict::Fine);
        let waiting = |zero_at: usize| {
            let values: Vec<f64> = (0..40).map(|it| if it == zero_at { 0.0 } else { 1.0 }).collect();
            judge(find("_UNSCHEDULABLE"), &points(&values), 60, &none).unwrap()
        };
        assert_eq!(waiting(30).verdict, Verdict::Fine, "nine minutes are no long time");
        assert_eq!(waiting(10).since, Some(Timestamp::UNIX_EPOCH + SignedDuration::from_mins(11)));
        assert!(judge(find("total_429"), &[], 60, &none).is_none());
    }

    #[test]
    fn latencies_are_held_against_their_objective() {
        let none = Limits::default();
        assert_eq!(judge(find("LIST_P99"), &points(&[12.0]), 60, &none).unwrap().verdict, Verdict::Fine);
        assert_eq!(judge(find("GET_P99"), &points(&[1.2, 1.4]), 60, &none).unwrap().verdict, Verdict::Problem(Severity::Warning));
    }

    #[test]
    fn numbers_are_short() {
        for (value, text) in
            [(1_234.5, "1234"), (12.345, "12.3"), (1.5, "1.5"), (0.026, "0.03"), (0.0012, "0.0012"), (0.0, "0"), (4.0, "4")]
        {
            assert_eq!(number(value), text);
        }
    }
}
