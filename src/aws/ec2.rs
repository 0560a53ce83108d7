//! EC2 and Auto Scaling over the Query protocol.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use jiff::Timestamp;
use serde::Deserialize;

use super::Compute;
use super::identity::Shared;
use super::query::{self, List, numbered};
use crate::domain::compute::{GroupRule, Instance, InstanceType, ScalingActivity, ScheduledEvent, SecurityGroup, Subnet, Volume};
use crate::error::ToolError;

/// Activities of a group that are read, the newest.
const ACTIVITIES: usize = 20;

pub(super) struct QueryCompute {
    shared: Arc<Shared>,
    region: String,
}

impl QueryCompute {
    pub(super) fn new(shared: Arc<Shared>, region: &str) -> Self {
        Self { shared, region: region.to_owned() }
    }

    /// Calls EC2 until there is no further page.
    async fn pages<T>(
        &self,
        permission: &'static str,
        thing: &str,
        arguments: query::Arguments,
        next: fn(&mut T) -> Option<String>,
    ) -> Result<Vec<T>, ToolError>
    where
        T: serde::de::DeserializeOwned + Send,
    {
        let action = permission.rsplit(':').next().unwrap_or(permission);
        let (mut pages, mut token) = (Vec::new(), None::<String>);
        loop {
            let mut arguments = arguments.clone();
            arguments.extend(token.take().map(|it| ("NextToken".to_owned(), it)));
            let arguments = &arguments;
            let call = self.shared.call(&self.region, permission, thing, |clients| async move {
                clients.ec2.call::<T>(action, arguments.clone()).await
            });
            let mut page = call.await?;
            token = next(&mut page).filter(|it| !it.is_empty());
            pages.push(page);
            if token.is_none() {
                return Ok(pages);
            }
        }
    }

    async fn described(&self, arguments: query::Arguments, thing: &str) -> Result<Vec<Instance>, ToolError> {
        let pages = self.pages("ec2:DescribeInstances", thing, arguments, |it: &mut Instances| it.next_token.take()).await?;
        let reservations = pages.into_iter().flat_map(|it| it.reservation_set.item);
        Ok(reservations.flat_map(|it| it.instances_set.item).map(instance_from).collect())
    }
}

#[async_trait]
impl Compute for QueryCompute {
    async fn instances(&self, ids: &[String]) -> Result<Vec<Instance>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let thing = ids.join(", ");
        // Asked by filter and not by id: one that is gone for an hour is then missing instead of failing the call.
        let mut instances = self.described(filter("instance-id", ids), &thing).await?;
        // Statuses can be asked by id only.
        let known: Vec<String> = instances.iter().map(|it| it.id.clone()).collect();
        if known.is_empty() {
            return Ok(instances);
        }
        let mut arguments = numbered("InstanceId", &known);
        arguments.push(("IncludeAllInstances".to_owned(), "true".to_owned()));
        let pages = self.pages("ec2:DescribeInstanceStatus", &thing, arguments, |it: &mut Statuses| it.next_token.take()).await?;
        let statuses = pages.into_iter().flat_map(|it| it.instance_status_set.item);
        let mut statuses: HashMap<String, StatusXml> = statuses.map(|it| (it.instance_id.clone(), it)).collect();
        for instance in &mut instances {
            let Some(status) = statuses.remove(&instance.id) else { continue };
            instance.system_status = status.system_status.status;
            instance.instance_status = status.instance_status.status;
            instance.scheduled_events = status.events_set.item.into_iter().map(event_from).collect();
        }
        Ok(instances)
    }

    async fn instances_of(&self, cluster: &str) -> Result<Vec<Instance>, ToolError> {
        let arguments = [
            ("Filter.1.Name", format!("tag:kubernetes.io/cluster/{cluster}")),
            ("Filter.1.Value.1", "owned".to_owned()),
            ("Filter.2.Name", "instance-state-name".to_owned()),
            ("Filter.2.Value.1", "pending".to_owned()),
            ("Filter.2.Value.2", "running".to_owned()),
            ("MaxResults", "1000".to_owned()),
        ];
        let arguments = arguments.map(|(name, value)| (name.to_owned(), value)).to_vec();
        self.described(arguments, &format!("instances of cluster `{cluster}`")).await
    }

    async fn console_output(&self, id: &str) -> Result<String, ToolError> {
        let arguments = vec![("InstanceId".to_owned(), id.to_owned()), ("Latest".to_owned(), "false".to_owned())];
        let arguments = &arguments;
        let call = self.shared.call(&self.region, "ec2:GetConsoleOutput", id, |clients| async move {
            clients.ec2.call::<Console>("GetConsoleOutput", arguments.clone()).await
        });
        let output: String = call.await?.output.unwrap_or_default().split_whitespace().collect();
        let bytes = base64::engine::general_purpose::STANDARD.decode(output).unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn instance_types(&self, names: &[String]) -> Result<Vec<InstanceType>, ToolError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = numbered("InstanceType", names);
        let pages =
            self.pages("ec2:DescribeInstanceTypes", &names.join(", "), arguments, |it: &mut Types| it.next_token.take()).await?;
        let types = pages.into_iter().flat_map(|it| it.instance_type_set.item);
        Ok(types
            .map(|it| InstanceType {
                name: it.instance_type,
                interfaces: it.network_info.maximum_network_interfaces,
                addresses_per_interface: it.network_info.ipv4_addresses_per_interface,
            })
            .collect())
    }

    async fn subnets(&self, ids: &[String]) -> Result<Vec<Subnet>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = filter("subnet-id", ids);
        let pages =
            self.pages("ec2:DescribeSubnets", &ids.join(", "), arguments, |it: &mut Subnets| it.next_token.take()).await?;
        let subnets = pages.into_iter().flat_map(|it| it.subnet_set.item);
        Ok(subnets
            .map(|it| Subnet {
                id: it.subnet_id,
                zone: it.availability_zone,
                cidr: it.cidr_block,
                free_addresses: it.available_ip_address_count,
                public_addresses: it.map_public_ip_on_launch,
            })
            .collect())
    }

    async fn security_groups(&self, ids: &[String]) -> Result<Vec<SecurityGroup>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = filter("group-id", ids);
        let pages =
            self.pages("ec2:DescribeSecurityGroups", &ids.join(", "), arguments, |it: &mut Groups| it.next_token.take()).await?;
        let groups = pages.into_iter().flat_map(|it| it.security_group_info.item);
        Ok(groups
            .map(|it| SecurityGroup {
                id: it.group_id,
                name: it.group_name,
                ingress: it.ip_permissions.item.into_iter().map(rule_from).collect(),
                egress: it.ip_permissions_egress.item.into_iter().map(rule_from).collect(),
            })
            .collect())
    }

    async fn volumes(&self, ids: &[String]) -> Result<Vec<Volume>, ToolError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let arguments = filter("volume-id", ids);
        let pages =
            self.pages("ec2:DescribeVolumes", &ids.join(", "), arguments, |it: &mut Volumes| it.next_token.take()).await?;
        let volumes = pages.into_iter().flat_map(|it| it.volume_set.item);
        Ok(volumes
            .map(|it| Volume {
                id: it.volume_id,
                state: it.status,
                zone: it.availability_zone,
                attached_to: it.attachment_set.item.into_iter().map(|it| it.instance_id).collect(),
            })
            .collect())
    }

    async fn scaling_activities(&self, group: &str) -> Result<Vec<ScalingActivity>, ToolError> {
        let arguments =
            vec![("AutoScalingGroupName".to_owned(), group.to_owned()), ("MaxRecords".to_owned(), ACTIVITIES.to_string())];
        let (thing, arguments) = (format!("Auto Scaling group `{group}`"), &arguments);
        let call = self.shared.call(&self.region, "autoscaling:DescribeScalingActivities", &thing, |clients| async move {
            clients.auto_scaling.call::<Activities>("DescribeScalingActivities", arguments.clone()).await
        });
        let activities = call.await?.result.activities.item.into_iter();
        Ok(activities
            .map(|it| ScalingActivity {
                group: group.to_owned(),
                id: it.activity_id,
                status: it.status_code,
                status_message: it.status_message,
                description: it.description,
                started_at: moment(&it.start_time),
            })
            .collect())
    }
}

/// A filter, which passes over what does not exist where an id would fail the whole call.
fn filter(name: &str, values: &[String]) -> query::Arguments {
    let mut arguments = numbered("Filter.1.Value", values);
    arguments.push(("Filter.1.Name".to_owned(), name.to_owned()));
    arguments
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn instance_from(it: InstanceXml) -> Instance {
    let reason = match (it.state_reason.code.as_str(), it.state_reason.message) {
        ("", message) => message,
        (_, message) if !message.is_empty() => message,
        (code, _) => code.to_owned(),
    };
    Instance {
        id: it.instance_id,
        instance_type: it.instance_type,
        state: it.instance_state.name,
        state_reason: reason,
        zone: it.placement.availability_zone,
        private_dns_name: it.private_dns_name,
        image_id: it.image_id,
        subnet_id: it.subnet_id,
        security_group_ids: it.group_set.item.into_iter().map(|it| it.group_id).collect(),
        launched_at: moment(&it.launch_time),
        tags: it.tag_set.item.into_iter().map(|it| (it.key, it.value)).collect(),
        ..Instance::default()
    }
}

fn event_from(it: EventXml) -> ScheduledEvent {
    ScheduledEvent { code: it.code, description: it.description, not_before: moment(&it.not_before) }
}

fn rule_from(it: PermissionXml) -> GroupRule {
    let ranges = it.ip_ranges.item.into_iter().map(|it| it.cidr_ip);
    let ranges = ranges.chain(it.ipv6_ranges.item.into_iter().map(|it| it.cidr_ipv6));
    GroupRule {
        protocol: it.ip_protocol,
        from_port: it.from_port,
        to_port: it.to_port,
        ranges: ranges.chain(it.prefix_list_ids.item.into_iter().map(|it| it.prefix_list_id)).collect(),
        groups: it.groups.item.into_iter().map(|it| it.group_id).collect(),
    }
}

/// Answers of EC2: every field that EC2 leaves out is empty.
macro_rules! answers {
    ($($name:ident { $($(#[$attribute:meta])* $field:ident: $kind:ty),* $(,)? })*) => {$(
        #[derive(Debug, Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct $name { $($(#[$attribute])* $field: $kind),* }
    )*};
}

answers! {
    Instances { reservation_set: List<Reservation>, next_token: Option<String> }
    Reservation { instances_set: List<InstanceXml> }
    InstanceXml {
        instance_id: String, instance_type: String, image_id: String, subnet_id: String, private_dns_name: String,
        launch_time: String, instance_state: StateXml, state_reason: ReasonXml, placement: PlacementXml,
        group_set: List<GroupIdXml>, tag_set: List<TagXml>,
    }
    StateXml { name: String }
    ReasonXml { code: String, message: String }
    PlacementXml { availability_zone: String }
    GroupIdXml { group_id: String }
    TagXml { key: String, value: String }
    Statuses { instance_status_set: List<StatusXml>, next_token: Option<String> }
    StatusXml { instance_id: String, system_status: SummaryXml, instance_status: SummaryXml, events_set: List<EventXml> }
    SummaryXml { status: String }
    EventXml { code: String, description: String, not_before: String }
    Console { output: Option<String> }
    Types { instance_type_set: List<TypeXml>, next_token: Option<String> }
    TypeXml { instance_type: String, network_info: NetworkXml }
    NetworkXml { maximum_network_interfaces: u32, ipv4_addresses_per_interface: u32 }
    Subnets { subnet_set: List<SubnetXml>, next_token: Option<String> }
    SubnetXml {
        subnet_id: String, availability_zone: String, cidr_block: String, available_ip_address_count: u32,
        map_public_ip_on_launch: bool,
    }
    Groups { security_group_info: List<GroupXml>, next_token: Option<String> }
    GroupXml {
        group_id: String, group_name: String, ip_permissions: List<PermissionXml>,
        ip_permissions_egress: List<PermissionXml>,
    }
    PermissionXml {
        ip_protocol: String, from_port: Option<i32>, to_port: Option<i32>, groups: List<GroupIdXml>, ip_ranges: List<RangeXml>,
        ipv6_ranges: List<Range6Xml>, prefix_list_ids: List<PrefixXml>,
    }
    RangeXml { cidr_ip: String }
    Range6Xml { cidr_ipv6: String }
    PrefixXml { prefix_list_id: String }
    Volumes { volume_set: List<VolumeXml>, next_token: Option<String> }
    VolumeXml { volume_id: String, status: String, availability_zone: String, attachment_set: List<AttachmentXml> }
    AttachmentXml { instance_id: String }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Activities {
    #[serde(rename = "DescribeScalingActivitiesResult")]
    result: ActivitiesResult,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ActivitiesResult {
    activities: List<ActivityXml>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ActivityXml {
    activity_id: String,
    status_code: String,
    status_message: String,
    description: String,
    start_time: String,
}
