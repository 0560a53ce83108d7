//! Worked examples with the arithmetic done by hand.

use serde_json::json;

use super::*;
use crate::domain::object::Object;
use crate::domain::price::UnitPrice;

fn product(service: &str, usage_type: &str, unit: &str, price: &str, currency: &str) -> Product {
    Product {
        service: service.into(),
        sku: usage_type.into(),
        attributes: [("usagetype".to_owned(), usage_type.to_owned())].into(),
        prices: vec![UnitPrice {
            unit: unit.into(),
            price: price.parse().unwrap(),
            currency: currency.into(),
            ..UnitPrice::default()
        }],
        published: Some("2026-09-18T00:00:00Z".into()),
    }
}

fn prices(currency: &str) -> Found {
    let eks = |suffix: &str, price: &str| product("AmazonEKS", &format!("USE1-{suffix}"), "Hours", price, currency);
    let ec2 = |usage_type: &str, unit: &str, price: &str| Ok(vec![product("AmazonEC2", usage_type, unit, price, currency)]);
    let fees = vec![
        eks("AmazonEKS-Hours:perCluster", "0.10"),
        eks("AmazonEKS-Local-Outposts-Hours:perCluster", "0.10"),
        eks("AmazonEKS-Hours:extendedSupport", "0.50"),
        eks("AmazonEKS-Hours:XL-ProvisionedTier", "1.65"),
        eks("AmazonEKS-Hours:2XL-ProvisionedTier", "3.40"),
        eks("EKS-Auto:m7g.large-management-hours", "0.00979"),
    ];
    Found::from([
        (Item::EksFees, Ok(fees)),
        (Item::Instance("m7i.large".into()), ec2("BoxUsage:m7i.large", "Hrs", "0.1008")),
        (Item::Instance("m7g.large".into()), ec2("BoxUsage:m7g.large", "Hrs", "0.0816")),
        (Item::Volume("gp3".into()), ec2("EBS:VolumeUsage.gp3", "GB-Mo", "0.08")),
        (Item::Gp3Iops, ec2("EBS:VolumeP-IOPS.gp3", "IOPS-Mo", "0.005")),
        (Item::Gp3Throughput, ec2("EBS:VolumeP-Throughput.gp3", "GiBps-mo", "40.96")),
    ])
}

fn nodes(many: usize, instance_type: &str, labels: &[(&str, &str)]) -> Nodes {
    let mut object = json!({"metadata": {"name": "n", "labels": {"node.kubernetes.io/instance-type": instance_type}}});
    for (key, value) in labels {
        object["metadata"]["labels"][*key] = json!(value);
    }
    let mut nodes = Nodes::new(false);
    for _ in 0..many {
        nodes.add(&Object::new(object.clone()), "us-east-1");
    }
    nodes
}

fn months(estimate: &Estimate) -> Vec<String> {
    estimate.lines.iter().map(|it| money::cents(it.per_month)).collect()
}

#[test]
fn a_cluster_in_standard_support_costs_its_fee() {
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_cluster("standard", Support::Standard(Some(100)), "1.35");
    // 0.10 x 730
    assert_eq!(months(&estimate), ["73.00"]);
    assert_eq!(estimate.lines[0].source, "pricing:GetProducts AmazonEKS USE1-AmazonEKS-Hours:perCluster");
    assert_eq!(estimate.published.as_deref(), Some("2026-09-18T00:00:00Z"));
}

#[test]
fn extended_support_makes_it_sixty_cents_and_a_tier_is_on_top() {
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_cluster("standard", Support::Extended(Some(30)), "1.32");
    // 0.10 x 730 + 0.50 x 730 = 0.60 x 730
    assert_eq!(months(&estimate), ["73.00", "365.00"]);
    assert_eq!(money::cents(estimate.per_month(None)), "438.00");

    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_cluster("tier-xl", Support::Standard(None), "1.35");
    // 1.65 x 730, not the 2XL product, whose usage type ends alike
    assert_eq!(months(&estimate), ["73.00", "1204.50"]);
}

#[test]
fn support_that_is_not_known_is_said() {
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_cluster("standard", Support::Unknown, "1.32");
    assert_eq!(months(&estimate), ["73.00"]);
    assert_eq!(estimate.not_included, ["extended support surcharge: unknown whether version 1.32 is in extended support"]);
}

#[test]
fn on_demand_nodes_cost_their_hours() {
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_nodes(&nodes(3, "m7i.large", &[("eks.amazonaws.com/capacityType", "ON_DEMAND")]));
    // 3 x 0.1008 x 730 = 220.752
    assert_eq!(months(&estimate), ["220.75"]);
    assert_eq!(money::cents(estimate.per_month(Some(Part::Nodes))), "220.75");
    assert!(estimate.assumptions.is_empty() && estimate.not_included.is_empty());
}

#[test]
fn auto_mode_nodes_cost_the_instance_and_the_fee() {
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_nodes(&nodes(
        4,
        "m7g.large",
        &[("karpenter.sh/capacity-type", "on-demand"), ("eks.amazonaws.com/compute-type", "auto")],
    ));
    // 4 x 0.0816 x 730 = 238.272; 4 x 0.00979 x 730 = 28.5868; together (0.0816 + 0.00979) x 4 x 730 = 266.8588
    assert_eq!(months(&estimate), ["238.27", "28.59"]);
    assert_eq!(money::cents(estimate.per_month(None)), "266.86");
}

#[test]
fn spot_is_not_priced_but_bounded_and_what_has_no_product_is_named() {
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_nodes(&nodes(2, "m7i.large", &[("eks.amazonaws.com/capacityType", "SPOT")]));
    estimate.add_nodes(&nodes(1, "p5.48xlarge", &[]));
    assert!(estimate.lines.is_empty());
    // 2 x 0.1008 x 730 = 147.168
    let expected = "2 spot nodes of type m7i.large: no list price; on-demand, the upper bound, is $0.1008 an hour each, $147.17 a month together";
    assert_eq!(estimate.not_included[0], expected);
    assert_eq!(estimate.not_included[1], "1 on-demand node of type p5.48xlarge: its price was not asked for");
    assert_eq!(estimate.assumptions, ["1 node without a capacity type label counted as on-demand"]);
}

fn storage(parameters: &serde_json::Value, sizes: &[&str]) -> (Volumes, Classes) {
    let mut classes = Classes::default();
    classes.add(&Object::new(json!({"metadata": {"name": "fast"}, "provisioner": "ebs.csi.aws.com", "parameters": parameters})));
    let mut volumes = Volumes::default();
    for size in sizes {
        let spec = json!({"capacity": {"storage": size}, "storageClassName": "fast", "csi": {"driver": "ebs.csi.aws.com"}});
        volumes.add(&Object::new(json!({"metadata": {"name": "pv"}, "spec": spec, "status": {"phase": "Bound"}})));
    }
    (volumes, classes)
}

#[test]
fn a_gp3_volume_costs_its_size() {
    let (volumes, classes) = storage(&json!({"type": "gp3"}), &["20Gi"]);
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_volumes(&volumes, &classes);
    // 20 x 0.08
    assert_eq!(months(&estimate), ["1.60"]);
}

#[test]
fn provisioned_performance_costs_what_is_above_the_included() {
    let (volumes, classes) = storage(&json!({"type": "gp3", "iops": "6000", "throughput": "250"}), &["100Gi", "100Gi"]);
    assert_eq!(items(None, Some((&volumes, &classes))).len(), 3);
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_volumes(&volumes, &classes);
    // 200 x 0.08 = 16; 2 x 3000 x 0.005 = 30; 2 x 125 x 0.04 = 10
    assert_eq!(months(&estimate), ["16.00", "30.00", "10.00"]);
}

#[test]
fn volumes_without_a_price_are_named() {
    let (volumes, _) = storage(&json!({}), &["20Gi"]);
    let (io2, classes) = storage(&json!({"type": "io2", "iops": "9000"}), &["10Gi"]);
    let mut estimate = Estimate::new(prices("USD"));
    estimate.add_volumes(&volumes, &Classes::default());
    estimate.add_volumes(&io2, &classes);
    assert!(estimate.lines.is_empty());
    assert_eq!(estimate.not_included[0], "1 EBS volume (20 GiB): type unknown, because there is no EBS StorageClass `fast`");
    assert_eq!(estimate.not_included[2], "provisioned IOPS of io2 (StorageClass fast, 1 volume)");
}

#[test]
fn the_currency_of_china_passes_through() {
    let mut estimate = Estimate::new(prices("CNY"));
    estimate.add_cluster("standard", Support::Standard(None), "1.35");
    assert_eq!(estimate.currency.as_deref(), Some("CNY"));
    assert_eq!(money::amount("CNY", estimate.per_month(None)), "CNY 73.00");
}
