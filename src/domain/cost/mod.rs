//! What a cluster costs at list price: what there is, times the Price List. Pure logic; money is decimal, never floating.

pub mod estimate;
pub mod inventory;
pub mod money;
pub mod price_list;
pub mod report;
pub mod storage;

use rust_decimal::Decimal;

/// Hours of a month, as AWS's own calculator counts them.
pub const HOURS_PER_MONTH: Decimal = Decimal::from_parts(730, 0, 0, false, 0);

/// A count as a number to multiply money with.
pub fn decimal(count: usize) -> Decimal {
    Decimal::from(u64::try_from(count).unwrap_or(u64::MAX))
}
