//! Sizes of volumes, exactly: a price times a rounded size is a wrong price.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::domain::object::Object;

const GIB: Decimal = Decimal::from_parts(1 << 30, 0, 0, false, 0);

/// Drivers of EBS volumes: the add-on, EKS Auto Mode, and the in-tree plugin that both replace.
const EBS_DRIVERS: [&str; 3] = ["ebs.csi.aws.com", "ebs.csi.eks.amazonaws.com", IN_TREE];
const IN_TREE: &str = "kubernetes.io/aws-ebs";

/// A Kubernetes quantity as GiB; `None` when the text is no quantity that a volume can have.
pub fn gib(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let split = text.find(|it: char| !(it.is_ascii_digit() || it == '.')).unwrap_or(text.len());
    let (number, suffix) = text.split_at(split);
    let number: Decimal = number.parse().ok()?;
    let bytes = number.checked_mul(factor(suffix)?)?;
    bytes.checked_div(GIB).map(|it| it.normalize())
}

fn factor(suffix: &str) -> Option<Decimal> {
    let binary = |power: u32| Some(Decimal::from(1_u64 << (10 * power)));
    match suffix {
        "" => Some(Decimal::ONE),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        "m" => Some(Decimal::new(1, 3)),
        "k" => power_of_ten(3),
        "M" => power_of_ten(6),
        "G" => power_of_ten(9),
        "T" => power_of_ten(12),
        "P" => power_of_ten(15),
        "E" => power_of_ten(18),
        exponent => power_of_ten(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    }
}

fn power_of_ten(power: u32) -> Option<Decimal> {
    10_u64.checked_pow(power).map(Decimal::from)
}

/// What a StorageClass asks of EBS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Class {
    /// EBS volume type, such as `gp3`.
    pub volume_type: String,
    /// Provisioned IOPS of each volume.
    pub iops: Option<Decimal>,
    /// Provisioned throughput of each volume in MiB/s.
    pub throughput: Option<Decimal>,
    /// Whether IOPS grow with the size of a volume.
    pub iops_per_gib: bool,
}

/// The StorageClasses of EBS drivers by name.
#[derive(Clone, Debug, Default)]
pub struct Classes(pub BTreeMap<String, Class>);

impl Classes {
    /// Adds a StorageClass; those of other drivers have no price here.
    pub fn add(&mut self, class: &Object) {
        let provisioner = class.text("provisioner");
        if !EBS_DRIVERS.contains(&provisioner) {
            return;
        }
        let parameter = |name: &str| {
            let parameters = class.get("parameters").and_then(serde_json::Value::as_object);
            // The driver reads parameter names without regard to case.
            parameters?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str().map(str::to_owned)
        };
        let default_type = if provisioner == IN_TREE { "gp2" } else { "gp3" };
        let number = |name: &str| parameter(name).and_then(|it| it.parse::<Decimal>().ok());
        let entry = Class {
            volume_type: parameter("type").map_or_else(|| default_type.to_owned(), |it| it.to_lowercase()),
            iops: number("iops"),
            throughput: number("throughput"),
            iops_per_gib: parameter("iopsPerGB").is_some(),
        };
        self.0.insert(class.name().to_owned(), entry);
    }
}

/// Volumes that share a StorageClass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many.
    pub count: usize,
    /// Their size together in GiB.
    pub gib: Decimal,
}

/// The PersistentVolumes of a cluster, counted.
#[derive(Clone, Debug, Default)]
pub struct Volumes {
    /// EBS volumes by StorageClass; the empty name holds volumes without one.
    pub ebs: BTreeMap<String, Sum>,
    /// Other volumes by driver.
    pub other: BTreeMap<String, usize>,
    /// EBS volumes whose size cannot be read.
    pub unreadable: usize,
    /// Volumes that no claim uses any more but that exist and are billed.
    pub unclaimed: usize,
    /// EBS volumes with a VolumeAttributesClass, which may differ from their StorageClass.
    pub modified: usize,
}

impl Volumes {
    /// Counts a PersistentVolume.
    pub fn add(&mut self, volume: &Object) {
        let driver = match (volume.text("spec.csi.driver"), volume.get("spec.awsElasticBlockStore")) {
            ("", Some(_)) => IN_TREE,
            ("", None) => return self.count_other("no CSI driver (such as NFS, local or host path)"),
            (driver, _) => driver,
        };
        if !EBS_DRIVERS.contains(&driver) {
            return self.count_other(driver);
        }
        let Some(size) = gib(volume.text("spec.capacity.storage")) else {
            self.unreadable += 1;
            return;
        };
        self.unclaimed += usize::from(volume.text("status.phase") != "Bound");
        self.modified += usize::from(!volume.text("spec.volumeAttributesClassName").is_empty());
        let sum = self.ebs.entry(volume.text("spec.storageClassName").to_owned()).or_default();
        sum.count += 1;
        sum.gib = sum.gib.saturating_add(size);
    }

    fn count_other(&mut self, driver: &str) {
        *self.other.entry(crate::domain::text::cut(driver, 80)).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn sizes_are_exact() {
        let cases = [
            ("20Gi", "20"),
            ("512Mi", "0.5"),
            ("1Ti", "1024"),
            ("21474836480", "20"),
            ("1.5Gi", "1.5"),
            ("1e3Gi", "no"),
            ("1024e0", "0.00000095367431640625"),
        ];
        for (text, expected) in cases {
            assert_eq!(gib(text).map_or("no".to_owned(), |it| format!("{it}")), expected, "{text}");
        }
        // 10^9 bytes over 2^30 bytes.
        assert_eq!(gib("1G").unwrap().round_dp(10).to_string(), "0.9313225746");
        for wrong in ["", "Gi", "-1Gi", "1Gib", "1 Gi", "1e99", "99999999999999999999999Ei"] {
            assert_eq!(gib(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn volumes_are_counted_by_class_and_others_by_driver() {
        let volume = |driver: &str, size: &str| {
            Object::new(json!({
                "metadata": {"name": "pv"}, "status": {"phase": "Bound"},
                "spec": {"capacity": {"storage": size}, "storageClassName": "fast", "csi": {"driver": driver}},
            }))
        };
        let mut volumes = Volumes::default();
        for it in [
            volume("ebs.csi.aws.com", "20Gi"),
            volume("ebs.csi.eks.amazonaws.com", "512Mi"),
            volume("efs.csi.aws.com", "5Gi"),
            volume("ebs.csi.aws.com", "x"),
        ] {
            volumes.add(&it);
        }
        assert_eq!(volumes.ebs["fast"], Sum { count: 2, gib: "20.5".parse().unwrap() });
        assert_eq!((volumes.other["efs.csi.aws.com"], volumes.unreadable, volumes.unclaimed), (1, 1, 0));
    }

    #[test]
    fn a_class_says_type_and_performance() {
        let mut classes = Classes::default();
        let class = |name: &str, provisioner: &str, parameters: serde_json::Value| {
            Object::new(json!({"metadata": {"name": name}, "provisioner": provisioner, "parameters": parameters}))
        };
        classes.add(&class("fast", "ebs.csi.aws.com", json!({"Type": "gp3", "iops": "6000", "throughput": "250"})));
        classes.add(&class("plain", "ebs.csi.aws.com", json!({})));
        classes.add(&class("old", "kubernetes.io/aws-ebs", json!({})));
        classes.add(&class("shared", "efs.csi.aws.com", json!({})));
        let fast = &classes.0["fast"];
        assert_eq!(
            (fast.volume_type.as_str(), fast.iops, fast.throughput),
            ("gp3", Some(Decimal::from(6000)), Some(Decimal::from(250)))
        );
        assert_eq!(
            (classes.0["plain"].volume_type.as_str(), classes.0["old"].volume_type.as_str(), classes.0.len()),
            ("gp3", "gp2", 3)
        );
    }
}
