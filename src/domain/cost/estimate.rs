//! The lines of an estimate: quantity times price, and by name whatever has no price here.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;

use super::inventory::{Capacity, NodeGroup, Nodes};
use super::money;
use super::price_list::{Item, Rate, eks_fee};
use super::storage::{Class, Classes, Sum, Volumes};
use super::{HOURS_PER_MONTH, decimal};
use crate::domain::price::Product;
use crate::domain::text::count;
use crate::domain::version::Support;

/// IOPS and MiB/s that the price of a gp3 volume includes.
const GP3_IOPS: u32 = 3_000;
const GP3_THROUGHPUT: u32 = 125;

/// What a line is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Fees of EKS for the cluster.
    Cluster,
    /// Instances, and the Auto Mode fee on them.
    Nodes,
    /// EBS volumes.
    Volumes,
}

/// One line, unrounded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What is paid for.
    pub item: String,
    /// What it is part of.
    pub part: Part,
    /// How many units.
    pub quantity: Decimal,
    /// What a unit is.
    pub unit: &'static str,
    /// Price of one unit.
    pub unit_price: Decimal,
    /// Cost of a month.
    pub per_month: Decimal,
    /// Where the price comes from.
    pub source: String,
}

/// Hourly prices of one group of nodes; absent where there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRate {
    /// The group.
    pub group: NodeGroup,
    /// An instance.
    pub instance: Option<Decimal>,
    /// The management fee of Auto Mode.
    pub fee: Option<Decimal>,
}

/// Products found for each item, or why they could not be read.
pub type Found = BTreeMap<Item, Result<Vec<Product>, String>>;

/// An estimate under construction.
#[derive(Debug, Default)]
pub struct Estimate {
    /// Lines, in the order of reading.
    pub lines: Vec<Line>,
    /// What has no line, and why.
    pub not_included: Vec<String>,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
    /// Prices of nodes, for a table by node.
    pub node_rates: Vec<NodeRate>,
    /// Currency of all amounts; absent until a price was found.
    pub currency: Option<String>,
    /// The oldest publication date among the prices.
    pub published: Option<String>,
    found: Found,
}

/// The items whose prices an inventory needs, each once.
pub fn items(nodes: Option<&Nodes>, volumes: Option<(&Volumes, &Classes)>) -> BTreeSet<Item> {
    let mut items: BTreeSet<Item> =
        nodes.into_iter().flat_map(|it| it.groups.keys()).map(|it| Item::Instance(it.instance_type.clone())).collect();
    let Some((volumes, classes)) = volumes else { return items };
    for class in volumes.ebs.keys().filter_map(|name| classes.0.get(name)) {
        items.insert(Item::Volume(class.volume_type.clone()));
        if extra(class.iops, GP3_IOPS, class).is_some() {
            items.insert(Item::Gp3Iops);
        }
        if extra(class.throughput, GP3_THROUGHPUT, class).is_some() {
            items.insert(Item::Gp3Throughput);
        }
    }
    items
}

/// What a gp3 class asks for beyond what the price of the volume includes.
fn extra(asked: Option<Decimal>, included: u32, class: &Class) -> Option<Decimal> {
    let beyond = asked? - Decimal::from(included);
    (class.volume_type == "gp3" && beyond > Decimal::ZERO).then_some(beyond)
}

impl Estimate {
    /// An estimate from these prices.
    pub fn new(found: Found) -> Self {
        Self { found, ..Self::default() }
    }

    /// Cost of a month of one part, or of all.
    pub fn per_month(&self, part: Option<Part>) -> Decimal {
        self.lines.iter().filter(|it| part.is_none_or(|part| it.part == part)).map(|it| it.per_month).sum()
    }

    /// The fees for the control plane.
    pub fn add_cluster(&mut self, tier: &str, support: Support, version: &str) {
        self.add_fee("Cluster fee", "AmazonEKS-Hours:perCluster");
        match support {
            Support::Extended(_) => {
                self.add_fee(&format!("Extended support surcharge (version {version})"), "AmazonEKS-Hours:extendedSupport");
            }
            Support::Unknown => self
                .not_included
                .push(format!("extended support surcharge: unknown whether version {version} is in extended support")),
            Support::Unsupported => self.not_included.push(format!("extended support surcharge: version {version} is past it")),
            Support::Standard(_) => {}
        }
        if tier != "standard" {
            let size = tier.strip_prefix("tier-").unwrap_or(tier).to_uppercase();
            self.add_fee(&format!("Provisioned control plane {tier}"), &format!("AmazonEKS-Hours:{size}-ProvisionedTier"));
        }
    }

    fn add_fee(&mut self, item: &str, suffix: &str) {
        match self.fee(suffix) {
            Ok(rate) => self.add_hourly(item.to_owned(), Part::Cluster, Decimal::ONE, "cluster-hour", &rate),
            Err(reason) => self.not_included.push(format!("{}: {reason}", item.to_lowercase())),
        }
    }

    fn fee(&self, suffix: &str) -> Result<Rate, String> {
        eks_fee(self.products(&Item::EksFees)?, suffix)
    }

    fn products(&self, item: &Item) -> Result<&[Product], String> {
        match self.found.get(item) {
            Some(Ok(products)) => Ok(products),
            Some(Err(reason)) => Err(format!("its price could not be read ({reason})")),
            None => Err("its price was not asked for".to_owned()),
        }
    }

    fn price(&self, item: &Item) -> Result<Rate, String> {
        item.price(self.products(item)?)
    }

    /// Instances by type and capacity, with the fee of Auto Mode where it manages them.
    pub fn add_nodes(&mut self, nodes: &Nodes) {
        for (group, members) in &nodes.groups {
            let NodeGroup { instance_type, capacity, auto_mode } = group;
            let price = self.price(&Item::Instance(instance_type.clone()));
            let many = decimal(members.count);
            let named = count(members.count, &format!("{} node", capacity.name()));
            let mut rates = NodeRate { group: group.clone(), instance: None, fee: None };
            match (price, capacity) {
                (Ok(rate), Capacity::OnDemand) => {
                    rates.instance = Some(rate.price);
                    self.add_hourly(format!("{instance_type} nodes, on-demand"), Part::Nodes, many, "instance-hour", &rate);
                }
                (Ok(rate), _) => {
                    let bound = money::rate_in(&rate.currency, rate.price);
                    let month = money::amount(&rate.currency, rate.price * many * HOURS_PER_MONTH);
                    let text = format!(
                        "{named} of type {instance_type}: no list price; on-demand, the upper bound, is {bound} an hour each, {month} a month together"
                    );
                    self.not_included.push(text);
                }
                (Err(reason), _) => self.not_included.push(format!("{named} of type {instance_type}: {reason}")),
            }
            if *auto_mode {
                match self.fee(&format!("EKS-Auto:{instance_type}-management-hours")) {
                    Ok(rate) => {
                        rates.fee = Some(rate.price);
                        self.add_hourly(
                            format!("{instance_type} nodes, Auto Mode management"),
                            Part::Nodes,
                            many,
                            "instance-hour",
                            &rate,
                        );
                    }
                    Err(reason) => {
                        self.not_included.push(format!("Auto Mode management of {named} of type {instance_type}: {reason}"));
                    }
                }
            }
            self.node_rates.push(rates);
        }
        for (reason, number) in &nodes.unpriced {
            self.not_included.push(format!("{}: {reason}", count(*number, "node")));
        }
        if nodes.assumed_on_demand > 0 {
            self.assumptions
                .push(format!("{} without a capacity type label counted as on-demand", count(nodes.assumed_on_demand, "node")));
        }
    }

    /// Volumes by StorageClass.
    pub fn add_volumes(&mut self, volumes: &Volumes, classes: &Classes) {
        for (name, sum) in &volumes.ebs {
            if let Some(class) = classes.0.get(name) {
                self.add_class(name, class, sum);
                continue;
            }
            let why = if name.is_empty() {
                "no StorageClass is named".to_owned()
            } else {
                format!("there is no EBS StorageClass `{name}`")
            };
            self.not_included.push(format!(
                "{} ({} GiB): type unknown, because {why}",
                ebs_volumes(sum.count),
                money::quantity(sum.gib)
            ));
        }
        for (driver, number) in &volumes.other {
            self.not_included.push(format!("{} of driver {driver}: not EBS", count(*number, "volume")));
        }
        if volumes.unreadable > 0 {
            self.not_included.push(format!("{}: size cannot be read", ebs_volumes(volumes.unreadable)));
        }
        if volumes.unclaimed > 0 {
            self.assumptions
                .push(format!("{} not bound to a claim counted, as EBS bills them too", ebs_volumes(volumes.unclaimed)));
        }
        if volumes.modified > 0 {
            let many = ebs_volumes(volumes.modified);
            self.assumptions
                .push(format!("{many} with a VolumeAttributesClass priced by their StorageClass, which it may have changed"));
        }
    }

    fn add_class(&mut self, name: &str, class: &Class, sum: &Sum) {
        let kind = &class.volume_type;
        let named = format!("{} (StorageClass {name}, {})", kind, count(sum.count, "volume"));
        self.add_monthly(format!("{named}: storage"), sum.gib, "GiB-month", &Item::Volume(kind.clone()));
        let many = decimal(sum.count);
        if let Some(iops) = extra(class.iops, GP3_IOPS, class) {
            self.add_monthly(format!("{named}: IOPS above {GP3_IOPS}"), iops * many, "IOPS-month", &Item::Gp3Iops);
        }
        if let Some(throughput) = extra(class.throughput, GP3_THROUGHPUT, class) {
            self.add_monthly(
                format!("{named}: MiB/s above {GP3_THROUGHPUT}"),
                throughput * many,
                "MiB/s-month",
                &Item::Gp3Throughput,
            );
        }
        if class.iops_per_gib || (kind != "gp3" && class.iops.is_some()) {
            self.not_included.push(format!("provisioned IOPS of {named}"));
        }
    }

    fn add_hourly(&mut self, item: String, part: Part, quantity: Decimal, unit: &'static str, rate: &Rate) {
        self.add(item, part, quantity, unit, rate, quantity * rate.price * HOURS_PER_MONTH);
    }

    fn add_monthly(&mut self, item: String, quantity: Decimal, unit: &'static str, wanted: &Item) {
        match self.price(wanted) {
            Ok(rate) => self.add(item, Part::Volumes, quantity, unit, &rate, quantity * rate.price),
            Err(reason) => self.not_included.push(format!("{item} ({} {unit}): {reason}", money::quantity(quantity))),
        }
    }

    fn add(&mut self, item: String, part: Part, quantity: Decimal, unit: &'static str, rate: &Rate, per_month: Decimal) {
        // Amounts of two currencies have no sum; the Price List of a Region has one.
        let currency = self.currency.get_or_insert_with(|| rate.currency.clone());
        if *currency != rate.currency {
            self.not_included.push(format!("{item}: priced in {}, not in {currency}", rate.currency));
            return;
        }
        if let Some(published) = &rate.published
            && self.published.as_ref().is_none_or(|known| published < known)
        {
            self.published = Some(published.clone());
        }
        self.lines.push(Line { item, part, quantity, unit, unit_price: rate.price, per_month, source: rate.source.clone() });
    }
}

fn ebs_volumes(number: usize) -> String {
    count(number, "EBS volume")
}

#[cfg(test)]
#[path = "estimate_tests.rs"]
mod tests;
