//! An estimate as tables, rounded for display.

use rust_decimal::Decimal;

use super::estimate::Estimate;
use super::inventory::Nodes;
use super::{HOURS_PER_MONTH, money};
use crate::domain::table::Table;

/// The lines as a table.
pub fn lines(estimate: &Estimate) -> Table {
    let mut table = Table::new(["item", "quantity", "unit", "unit_price", "per_hour", "per_month", "source"]);
    for it in &estimate.lines {
        table.push([
            it.item.clone(),
            money::quantity(it.quantity),
            it.unit.to_owned(),
            money::rate(it.unit_price),
            money::rate(it.per_month / HOURS_PER_MONTH),
            money::cents(it.per_month),
            it.source.clone(),
        ]);
    }
    table
}

/// Nodes, dearest first, and how many of them were counted without being named.
pub fn nodes(estimate: &Estimate, counted: Option<&Nodes>) -> (Table, usize) {
    let mut table = Table::new(["node", "instance_type", "capacity", "per_hour", "auto_mode_per_hour", "per_month"]);
    let Some(counted) = counted else { return (table, 0) };
    let mut rates: Vec<_> = estimate.node_rates.iter().collect();
    let sum = |instance: Option<Decimal>, fee: Option<Decimal>| instance.unwrap_or_default() + fee.unwrap_or_default();
    rates.sort_by_key(|it| std::cmp::Reverse(sum(it.instance, it.fee)));
    let mut unnamed = 0;
    for it in rates {
        let Some(members) = counted.groups.get(&it.group) else { continue };
        unnamed += members.count - members.names.len();
        let shown = |rate: Option<Decimal>| rate.map_or_else(String::new, money::rate);
        // A node without a price of its own costs an unknown amount, not its fee alone.
        let month =
            it.instance.map_or_else(|| "not priced".to_owned(), |_| money::cents(sum(it.instance, it.fee) * HOURS_PER_MONTH));
        for name in &members.names {
            table.push([
                name.clone(),
                it.group.instance_type.clone(),
                it.group.capacity.name().to_owned(),
                shown(it.instance),
                shown(it.fee),
                month.clone(),
            ]);
        }
    }
    table.drop_empty_columns();
    (table, unnamed)
}
