//! Instances, networks and volumes of EC2, and what Auto Scaling did with them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An EC2 instance (`ec2:DescribeInstances`, `ec2:DescribeInstanceStatus`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Instance {
    /// Id.
    pub id: String,
    /// Type, such as `m7g.large`.
    pub instance_type: String,
    /// `pending`, `running`, `shutting-down`, `terminated`, `stopping` or `stopped`.
    pub state: String,
    /// Why it changed its state, such as `Server.SpotInstanceTermination: …`; empty where EC2 does not say.
    pub state_reason: String,
    /// Availability zone.
    pub zone: String,
    /// Private DNS name, which most nodes are named after.
    pub private_dns_name: String,
    /// AMI id.
    pub image_id: String,
    /// Subnet.
    pub subnet_id: String,
    /// Security groups.
    pub security_group_ids: Vec<String>,
    /// When it was launched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launched_at: Option<Timestamp>,
    /// `ok`, `impaired`, `insufficient-data`, `not-applicable` or `initializing`; empty where not running.
    pub system_status: String,
    /// As `system_status`, of the instance itself.
    pub instance_status: String,
    /// What AWS will do to it.
    pub scheduled_events: Vec<ScheduledEvent>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
}

/// Maintenance or retirement of an instance (`eventsSet`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduledEvent {
    /// `instance-reboot`, `system-reboot`, `system-maintenance`, `instance-retirement` or `instance-stop`.
    pub code: String,
    /// Explanation; begins with `[Completed]` or `[Canceled]` when it is over.
    pub description: String,
    /// The earliest moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
}

/// What an instance type offers to pods (`ec2:DescribeInstanceTypes`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceType {
    /// Name.
    pub name: String,
    /// Network interfaces at most.
    pub interfaces: u32,
    /// IPv4 addresses of each interface at most.
    pub addresses_per_interface: u32,
}

/// A subnet (`ec2:DescribeSubnets`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Subnet {
    /// Id.
    pub id: String,
    /// Availability zone.
    pub zone: String,
    /// IPv4 range.
    pub cidr: String,
    /// Addresses that are free.
    pub free_addresses: u32,
    /// Whether instances get public addresses.
    pub public_addresses: bool,
}

/// A security group (`ec2:DescribeSecurityGroups`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SecurityGroup {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What may come in.
    pub ingress: Vec<GroupRule>,
    /// What may go out.
    pub egress: Vec<GroupRule>,
}

/// One rule of a security group.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupRule {
    /// `tcp`, `udp`, `icmp`, another protocol number, or `-1` for all.
    pub protocol: String,
    /// First port; absent where all ports are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<i32>,
    /// Last port; absent where all ports are meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_port: Option<i32>,
    /// Security groups at the other end.
    pub groups: Vec<String>,
    /// Ranges and prefix lists at the other end.
    pub ranges: Vec<String>,
}

impl GroupRule {
    /// Whether it lets a port of a protocol through, whoever is at the other end.
    pub fn covers(&self, protocol: &str, port: i32) -> bool {
        let protocol = self.protocol == "-1" || self.protocol == protocol;
        protocol && self.from_port.is_none_or(|it| it <= port) && self.to_port.is_none_or(|it| port <= it)
    }
}

/// An EBS volume (`ec2:DescribeVolumes`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Volume {
    /// Id.
    pub id: String,
    /// `creating`, `available`, `in-use`, `deleting`, `deleted` or `error`.
    pub state: String,
    /// Availability zone.
    pub zone: String,
    /// Instances that it is attached to.
    pub attached_to: Vec<String>,
}

/// What an Auto Scaling group did (`autoscaling:DescribeScalingActivities`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScalingActivity {
    /// The group.
    pub group: String,
    /// Id.
    pub id: String,
    /// `Successful`, `Failed`, `Cancelled` or a state on the way there.
    pub status: String,
    /// Why it failed.
    pub status_message: String,
    /// What it was to do.
    pub description: String,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
}
