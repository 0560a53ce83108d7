//! The nodes of a cluster, counted by what sets their price. Only counts are held, and a few names where asked.

use std::collections::BTreeMap;

use crate::domain::object::Object;

/// Names held for each group when a table of nodes is asked for; no answer can show more.
const MOST_NAMES: usize = 300;

/// How the capacity of a node is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Capacity {
    /// By the hour at list price.
    OnDemand,
    /// At the changing Spot price.
    Spot,
    /// In a capacity reservation.
    Reserved,
    /// In a Capacity Block that was paid in advance.
    CapacityBlock,
}

impl Capacity {
    /// The word for prose and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnDemand => "on-demand",
            Self::Spot => "spot",
            Self::Reserved => "reserved",
            Self::CapacityBlock => "capacity-block",
        }
    }
}

/// Nodes that have one price.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeGroup {
    /// EC2 instance type.
    pub instance_type: String,
    /// How the capacity is bought.
    pub capacity: Capacity,
    /// Whether EKS Auto Mode manages them, for a fee.
    pub auto_mode: bool,
}

/// How many nodes a group has, and some of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// How many.
    pub count: usize,
    /// Names, at most a few hundred; empty where not asked for.
    pub names: Vec<String>,
}

/// The nodes of a cluster, counted.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    /// EC2 nodes.
    pub groups: BTreeMap<NodeGroup, Members>,
    /// Nodes without a price here, by reason.
    pub unpriced: BTreeMap<String, usize>,
    /// Nodes that no label says how they are bought, counted as on-demand.
    pub assumed_on_demand: usize,
    /// All nodes.
    pub total: usize,
    keep_names: bool,
}

impl Nodes {
    /// No nodes yet; names are kept where asked.
    pub fn new(keep_names: bool) -> Self {
        Self { keep_names, ..Self::default() }
    }

    /// Counts a node of a cluster in this Region.
    pub fn add(&mut self, node: &Object, region: &str) {
        self.total += 1;
        if let Some(reason) = no_price(node, region) {
            *self.unpriced.entry(reason).or_default() += 1;
            return;
        }
        let Some(instance_type) =
            label(node, "node.kubernetes.io/instance-type").or_else(|| label(node, "beta.kubernetes.io/instance-type"))
        else {
            *self.unpriced.entry("no label `node.kubernetes.io/instance-type`".to_owned()).or_default() += 1;
            return;
        };
        let capacity = capacity(node);
        self.assumed_on_demand += usize::from(capacity.is_none());
        let group = NodeGroup {
            instance_type: instance_type.to_owned(),
            capacity: capacity.unwrap_or(Capacity::OnDemand),
            auto_mode: label(node, "eks.amazonaws.com/compute-type") == Some("auto"),
        };
        let members = self.groups.entry(group).or_default();
        members.count += 1;
        if self.keep_names && members.names.len() < MOST_NAMES {
            members.names.push(node.name().to_owned());
        }
    }
}

fn label<'a>(node: &'a Object, key: &str) -> Option<&'a str> {
    node.label(key).filter(|it| !it.is_empty())
}

/// Why the EC2 Linux list price of the Region is not the price of a node.
fn no_price(node: &Object, region: &str) -> Option<String> {
    match label(node, "eks.amazonaws.com/compute-type") {
        Some("fargate") => return Some("Fargate, priced by pod".to_owned()),
        Some("hybrid") => return Some("hybrid nodes, priced by vCPU-hour in tiers over the whole account".to_owned()),
        _ => {}
    }
    if let Some(os) = label(node, "kubernetes.io/os").filter(|it| *it != "linux") {
        return Some(format!("operating system {os}, whose price includes a licence"));
    }
    let zone = label(node, "topology.kubernetes.io/zone")?;
    // `eu-west-1a` is a zone of the Region; `us-west-2-lax-1a` is a Local Zone with prices of its own.
    let in_region = zone.strip_prefix(region).is_some_and(|letter| letter.len() == 1);
    (!in_region).then(|| format!("zone {zone}, which is not an Availability Zone of {region}"))
}

fn capacity(node: &Object) -> Option<Capacity> {
    let word = label(node, "eks.amazonaws.com/capacityType").or_else(|| label(node, "karpenter.sh/capacity-type"))?;
    match word.to_lowercase().replace('_', "-").as_str() {
        "on-demand" => Some(Capacity::OnDemand),
        "spot" => Some(Capacity::Spot),
        "reserved" => Some(Capacity::Reserved),
        "capacity-block" => Some(Capacity::CapacityBlock),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn node(labels: &Value) -> Object {
        Object::new(json!({"kind": "Node", "metadata": {"name": "n", "labels": labels}}))
    }

    #[test]
    fn nodes_are_grouped_by_what_sets_their_price() {
        let mut nodes = Nodes::new(true);
        let add = [
            json!({"node.kubernetes.io/instance-type": "m7i.large", "eks.amazonaws.com/capacityType": "ON_DEMAND", "topology.kubernetes.io/zone": "us-east-1a"}),
            json!({"node.kubernetes.io/instance-type": "m7i.large", "eks.amazonaws.com/capacityType": "SPOT"}),
            json!({"node.kubernetes.io/instance-type": "m7g.large", "karpenter.sh/capacity-type": "on-demand", "eks.amazonaws.com/compute-type": "auto"}),
            json!({"node.kubernetes.io/instance-type": "m7i.large"}),
            json!({"eks.amazonaws.com/compute-type": "fargate"}),
            json!({"eks.amazonaws.com/compute-type": "hybrid"}),
            json!({"node.kubernetes.io/instance-type": "m7i.large", "kubernetes.io/os": "windows"}),
            json!({"node.kubernetes.io/instance-type": "m7i.large", "topology.kubernetes.io/zone": "us-east-1-bos-1a"}),
            json!({}),
        ];
        for labels in &add {
            nodes.add(&node(labels), "us-east-1");
        }
        let group =
            |instance_type: &str, capacity, auto_mode| NodeGroup { instance_type: instance_type.into(), capacity, auto_mode };
        assert_eq!(nodes.groups[&group("m7i.large", Capacity::OnDemand, false)].count, 2);
        assert_eq!(nodes.groups[&group("m7i.large", Capacity::Spot, false)].names, ["n"]);
        assert_eq!(nodes.groups[&group("m7g.large", Capacity::OnDemand, true)].count, 1);
        assert_eq!((nodes.unpriced.len(), nodes.assumed_on_demand, nodes.total), (5, 1, 9));
    }
}
