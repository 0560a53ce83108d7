//! What a series of points says in a few numbers. A gap is an absent point and counts as nothing, never as zero.

use jiff::Timestamp;

use crate::domain::metric;

/// Where a series is heading.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Trend {
    /// Higher at the end than at the start, by this much.
    Rising(f64),
    /// Lower at the end than at the start, by this much (negative).
    Falling(f64),
    /// Neither; also when there are too few points to tell.
    Flat,
}

/// A series in a few numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The newest value.
    pub last: f64,
    /// When the newest value was measured.
    pub last_at: Timestamp,
    /// Mean of the points.
    pub average: f64,
    /// Nearest-rank 95th percentile of the points.
    pub p95: f64,
    /// Largest point.
    pub max: f64,
    /// Last value minus first; after a counter began anew, the last value.
    pub growth: f64,
    /// Change from the first third to the last third of the points.
    pub trend: Trend,
    /// How many points there are.
    pub points: usize,
    /// How often the values fell from near their peak to less than half of it.
    pub collapses: usize,
}

impl Statistics {
    /// Computes them; `None` for a series without points. Changes below `noise`, or 5 % of the level, are flat.
    pub fn of(points: &[(Timestamp, f64)], noise: f64) -> Option<Self> {
        let finite: Vec<(Timestamp, f64)> = points.iter().copied().filter(|(_, value)| value.is_finite()).collect();
        let (Some((_, first)), Some((last_at, last))) = (finite.first().copied(), finite.last().copied()) else {
            return None;
        };
        let mut values: Vec<f64> = finite.iter().map(|(_, value)| *value).collect();
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let trend = trend(&values, noise);
        let collapses = collapses(&values, max);
        let average = mean(&values);
        let p95 = metric::percentile(&mut values, 95.0);
        let growth = if last >= first { last - first } else { last };
        Some(Self { last, last_at, average, p95, max, growth, trend, points: finite.len(), collapses })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / metric::count(values.len().max(1))
}

/// Thirds, not single points: one spike at an end is no trend.
fn trend(values: &[f64], noise: f64) -> Trend {
    let third = values.len() / 3;
    if third == 0 {
        return Trend::Flat;
    }
    let start = mean(values.get(..third).unwrap_or_default());
    let end = mean(values.get(values.len() - third..).unwrap_or_default());
    let change = end - start;
    if change.abs() < noise.max(start.abs() * 0.05) {
        Trend::Flat
    } else if change > 0.0 {
        Trend::Rising(change)
    } else {
        Trend::Falling(change)
    }
}

/// The teeth of a saw: memory that climbs and is then gone at once was given back by a restart.
fn collapses(values: &[f64], max: f64) -> usize {
    let mut peak = f64::NEG_INFINITY;
    let mut found = 0;
    for value in values {
        peak = peak.max(*value);
        if peak >= 0.8 * max && *value <= 0.5 * peak {
            found += 1;
            peak = *value;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn series(values: &[f64]) -> Vec<(Timestamp, f64)> {
        let at = |minute: usize| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(i64::try_from(minute).unwrap());
        values.iter().enumerate().map(|(minute, value)| (at(minute), *value)).collect()
    }

    #[test]
    fn numbers_come_from_the_points_alone() {
        assert_eq!(Statistics::of(&[], 1.0), None);
        let statistics = Statistics::of(&series(&[10.0, 20.0, 30.0, 40.0]), 1.0).unwrap();
        assert_eq!((statistics.last, statistics.average, statistics.p95, statistics.max), (40.0, 25.0, 40.0, 40.0));
        assert_eq!(statistics.trend, Trend::Rising(30.0));
        assert_eq!((statistics.growth, statistics.points, statistics.collapses), (30.0, 4, 0));
    }

    #[test]
    fn small_changes_are_flat_and_a_counter_may_begin_anew() {
        assert_eq!(Statistics::of(&series(&[100.0, 103.0, 104.0]), 1.0).unwrap().trend, Trend::Flat);
        assert_eq!(Statistics::of(&series(&[50.0, 40.0, 30.0]), 1.0).unwrap().trend, Trend::Falling(-20.0));
        assert!((Statistics::of(&series(&[7.0, 0.0, 2.0]), 0.5).unwrap().growth - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn a_saw_tooth_is_seen_and_a_wave_is_not() {
        let saw = [30.0, 60.0, 99.0, 20.0, 60.0, 98.0, 25.0, 50.0];
        assert_eq!(Statistics::of(&series(&saw), 1.0).unwrap().collapses, 2);
        let wave = [60.0, 80.0, 99.0, 80.0, 60.0, 80.0, 99.0, 80.0];
        assert_eq!(Statistics::of(&series(&wave), 1.0).unwrap().collapses, 0);
    }
}
