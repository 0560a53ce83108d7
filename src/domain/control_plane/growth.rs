//! How fast something grows, and when it will be full.

use jiff::Timestamp;

use crate::domain::metric::count;

/// Points below which a slope is chance.
const FEWEST: usize = 12;
/// How much of the change a straight line has to explain.
const FIT: f64 = 0.5;
/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// Growth of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Change in a day, in the unit of the series.
    pub per_day: f64,
    /// Days until a limit is reached at this rate; absent when it does not grow.
    pub days_until_full: Option<f64>,
}

/// The slope of the least squares; `None` where too few points, or no line, tell it.
#[expect(clippy::cast_precision_loss, reason = "seconds of a window are far below 2^52")]
pub fn of(points: &[(Timestamp, f64)], limit: Option<f64>) -> Option<Growth> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < FEWEST {
        return None;
    }
    let x = |at: &Timestamp| (at.as_second() - first.0.as_second()) as f64 / DAY;
    let number = count(points.len());
    let (mean_x, mean_y) =
        (points.iter().map(|it| x(&it.0)).sum::<f64>() / number, points.iter().map(|it| it.1).sum::<f64>() / number);
    let (mut covariance, mut spread_x, mut spread_y) = (0.0, 0.0, 0.0);
    for (at, value) in points {
        let (dx, dy) = (x(at) - mean_x, value - mean_y);
        covariance += dx * dy;
        spread_x += dx * dx;
        spread_y += dy * dy;
    }
    if spread_x <= 0.0 || spread_y <= 0.0 {
        return Some(Growth { per_day: 0.0, days_until_full: None });
    }
    let per_day = covariance / spread_x;
    if covariance * covariance / (spread_x * spread_y) < FIT {
        // It goes up and down.
        return Some(Growth { per_day: 0.0, days_until_full: None });
    }
    let days_until_full = limit.filter(|it| per_day > 0.0 && *it > last.1).map(|it| (it - last.1) / per_day);
    Some(Growth { per_day, days_until_full })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn hourly(value: impl Fn(f64) -> f64, hours: i32) -> Vec<(Timestamp, f64)> {
        (0..hours).map(|hour| (Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour.into()), value(f64::from(hour)))).collect()
    }

    #[test]
    fn a_line_is_carried_on_to_its_limit_and_noise_is_not() {
        let growth = of(&hourly(|hour| 2.0 + hour / 24.0, 48), Some(8.0)).unwrap();
        assert!((growth.per_day - 1.0).abs() < 1e-6);
        assert!((growth.days_until_full.unwrap() - (8.0 - (2.0 + 47.0 / 24.0))).abs() < 1e-6);
        let saw = of(&hourly(|hour| 2.0 + hour % 6.0, 48), Some(8.0)).unwrap();
        assert_eq!(saw, Growth { per_day: 0.0, days_until_full: None });
        assert_eq!(of(&hourly(|_| 2.0, 48), Some(8.0)).unwrap().days_until_full, None);
        assert_eq!(of(&hourly(|hour| 9.0 - hour / 24.0, 48), Some(8.0)).unwrap().days_until_full, None, "it shrinks");
        assert_eq!(of(&hourly(|hour| hour, 5), Some(8.0)), None);
    }
}
