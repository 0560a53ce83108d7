//! Which scaling tier holds what a control plane does.

use crate::domain::version::ScalingTier;

/// What a control plane may reach; absent where it is not fixed or not known.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Seats of API Priority and Fairness.
    pub seats: Option<f64>,
    /// Pods that are scheduled in a second.
    pub pods_per_second: Option<f64>,
    /// Gigabytes of the database.
    pub database_gb: Option<f64>,
}

/// What was observed at most in the window; absent where there was no metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Peaks {
    /// Seats in use.
    pub seats: Option<f64>,
    /// Pods scheduled in a second.
    pub pods_per_second: Option<f64>,
    /// Gigabytes of the database in use.
    pub database_gb: Option<f64>,
}

/// The tier of clusters without a provisioned control plane.
pub const STANDARD: &str = "standard";
/// Database of the standard tier in gigabytes, where EKS does not tell it.
const STANDARD_DATABASE_GB: f64 = 8.0;
/// Room above the peak that a tier has to have; AWS advises to choose conservatively.
const HEADROOM: f64 = 1.25;
/// Share of the standard database at which a larger one is due.
const STANDARD_DATABASE_SHARE: f64 = 0.8;

impl Limits {
    /// The limits of a tier, as EKS tells them for the cluster's version.
    pub fn of(tier: &str, tiers: &[ScalingTier]) -> Self {
        let found = tiers.iter().find(|it| it.name == tier);
        let positive = |value: Option<i32>| value.filter(|it| *it > 0).map(f64::from);
        let database = found.and_then(|it| positive(it.database_gb));
        if tier == STANDARD {
            // Its seats and its rate follow the load.
            return Self { database_gb: database.or(Some(STANDARD_DATABASE_GB)), ..Self::default() };
        }
        Self {
            seats: found.and_then(|it| positive(it.api_request_concurrency)),
            pods_per_second: found.and_then(|it| positive(it.pods_per_second)),
            database_gb: database,
        }
    }

    fn holds(&self, peaks: &Peaks) -> bool {
        let fits = |limit: Option<f64>, peak: Option<f64>| match (limit, peak) {
            (Some(limit), Some(peak)) => peak * HEADROOM <= limit,
            _ => true,
        };
        fits(self.seats, peaks.seats)
            && fits(self.pods_per_second, peaks.pods_per_second)
            && fits(self.database_gb, peaks.database_gb)
    }
}

/// A tier to use, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// The tier.
    pub tier: String,
    /// Why that one.
    pub why: String,
}

/// The smallest tier that holds the peaks with a quarter to spare; the present one where nothing is known.
///
/// `throttled`: requests were turned away, which on the standard tier is the only sign that its seats do not suffice.
pub fn advise(tier: &str, peaks: &Peaks, throttled: bool, tiers: &[ScalingTier]) -> Advice {
    let mut sizes: Vec<(&ScalingTier, Limits)> =
        tiers.iter().filter(|it| it.name != STANDARD).map(|it| (it, Limits::of(&it.name, tiers))).collect();
    sizes.sort_by(|a, b| a.1.seats.partial_cmp(&b.1.seats).unwrap_or(std::cmp::Ordering::Equal));
    let smallest = sizes.iter().find(|(_, limits)| limits.holds(peaks));
    let stay = |why: &str| Advice { tier: tier.to_owned(), why: why.to_owned() };
    if tier == STANDARD {
        let database = Limits::of(STANDARD, tiers).database_gb.unwrap_or(STANDARD_DATABASE_GB);
        let full = peaks.database_gb.is_some_and(|it| it >= database * STANDARD_DATABASE_SHARE);
        let why = match (throttled, full) {
            (false, false) => return stay("no request was turned away and the database has room; its seats follow the load"),
            (true, false) => "requests were turned away",
            (false, true) => "the database fills the standard size",
            (true, true) => "requests were turned away and the database fills the standard size",
        };
        return match smallest {
            Some((found, _)) => Advice { tier: found.name.clone(), why: why.to_owned() },
            None if sizes.is_empty() => stay("EKS does not tell the limits of tiers for this version"),
            None => Advice { tier: tier.to_owned(), why: format!("{why}, and no tier holds the peaks: ask AWS") },
        };
    }
    if peaks.seats.is_none() {
        return stay("the peak of API seats is not known");
    }
    match smallest {
        Some((found, _)) if found.name == tier => stay("it is the smallest tier that holds the peaks with a quarter to spare"),
        Some((found, _)) => Advice {
            tier: found.name.clone(),
            why: "it is the smallest tier that holds the peaks with a quarter to spare".to_owned(),
        },
        None if sizes.is_empty() => stay("EKS does not tell the limits of tiers for this version"),
        None => stay("no tier holds the peaks with a quarter to spare: ask AWS"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers() -> Vec<ScalingTier> {
        let tier = |name: &str, seats, rate| ScalingTier {
            name: name.into(),
            api_request_concurrency: Some(seats),
            pods_per_second: Some(rate),
            database_gb: Some(16),
        };
        vec![tier("tier-2xl", 3_400, 283), tier("tier-xl", 1_700, 167), tier("tier-4xl", 6_800, 400)]
    }

    fn peaks(seats: f64, rate: f64, database: f64) -> Peaks {
        Peaks { seats: Some(seats), pods_per_second: Some(rate), database_gb: Some(database) }
    }

    #[test]
    fn the_smallest_tier_with_a_quarter_to_spare_is_advised() {
        for (peaks, tier) in [
            (peaks(1_300.0, 10.0, 2.0), "tier-xl"),
            (peaks(1_400.0, 10.0, 2.0), "tier-2xl"),
            (peaks(100.0, 200.0, 2.0), "tier-2xl"),
            (peaks(100.0, 10.0, 14.0), "tier-4xl"),
        ] {
            let advice = advise("tier-4xl", &peaks, false, &tiers());
            assert_eq!(advice.tier, tier, "{peaks:?}: {}", advice.why);
        }
        assert_eq!(advise("tier-xl", &Peaks::default(), false, &tiers()).why, "the peak of API seats is not known");
    }

    #[test]
    fn the_standard_tier_suffices_until_it_turns_requests_away_or_its_database_fills() {
        assert_eq!(advise(STANDARD, &peaks(900.0, 5.0, 2.0), false, &tiers()).tier, STANDARD);
        assert_eq!(advise(STANDARD, &peaks(900.0, 5.0, 2.0), true, &tiers()).tier, "tier-xl");
        let full = advise(STANDARD, &peaks(900.0, 5.0, 6.5), false, &tiers());
        assert_eq!((full.tier.as_str(), full.why.as_str()), ("tier-xl", "the database fills the standard size"));
        assert_eq!(advise(STANDARD, &peaks(900.0, 5.0, 2.0), true, &[]).tier, STANDARD);
    }

    #[test]
    fn limits_are_those_that_eks_tells() {
        assert_eq!(Limits::of("tier-xl", &tiers()).seats, Some(1_700.0));
        assert_eq!(Limits::of(STANDARD, &tiers()), Limits { database_gb: Some(8.0), ..Limits::default() });
        assert_eq!(Limits::of("tier-9xl", &tiers()), Limits::default());
    }
}
