//! Alarms of CloudWatch, and which of them concern a cluster. Pure logic.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An alarm (`cloudwatch:DescribeAlarms`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Alarm {
    /// Region it is in; only in snapshots.
    pub region: String,
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// What its makers say of it.
    pub description: String,
    /// `OK`, `ALARM` or `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why it is in this state.
    pub reason: String,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// CloudWatch namespace of the metric; empty for expressions and composite alarms.
    pub namespace: String,
    /// Metric name.
    pub metric: String,
    /// Dimensions of the metric.
    pub dimensions: BTreeMap<String, String>,
    /// Statistic of the metric.
    pub statistic: String,
    /// Seconds of one point.
    pub period_seconds: u32,
    /// `GreaterThanThreshold` and the like.
    pub comparison: String,
    /// Threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// Points that decide, as far as the alarm last told, newest first (`recentDatapoints` of its reason).
    pub recent: Vec<f64>,
    /// Metric math, queries of Metrics Insights and PromQL, and metrics within them as `namespace metric dimension=value`.
    pub expressions: Vec<String>,
    /// Rule of a composite alarm.
    pub rule: String,
    /// Whether its actions are switched on.
    pub actions_enabled: bool,
    /// How many actions it has for `ALARM`.
    pub actions: u32,
    /// Tags; only where they were asked for.
    pub tags: BTreeMap<String, String>,
}

/// How it is known that an alarm concerns a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Link {
    /// A dimension of its metric is the cluster.
    Dimension,
    /// An expression names the cluster.
    Expression,
    /// It is made of an alarm that concerns the cluster.
    Composite,
    /// A tag names the cluster.
    Tag,
    /// Its name or description names the cluster.
    Name,
}

impl Link {
    /// The word for tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dimension => "dimension",
            Self::Expression => "expression",
            Self::Composite => "composite",
            Self::Tag => "tag",
            Self::Name => "name",
        }
    }
}

/// Dimensions that hold the name of a cluster.
const DIMENSIONS: [&str; 4] = ["ClusterName", "EKSClusterName", "EKSCluster", "k8s.cluster.name"];

/// Whether a text names a cluster as a word of its own: `prod` is none of `prod-2` or `preprod`.
pub fn names(text: &str, cluster: &str) -> bool {
    let is_word = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
    text.match_indices(cluster).any(|(at, _)| {
        let before = text.get(..at).and_then(|it| it.chars().next_back());
        let after = text.get(at + cluster.len()..).and_then(|it| it.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// How an alarm concerns a cluster by itself, if it does.
pub fn link(alarm: &Alarm, cluster: &str, arn: &str) -> Option<Link> {
    let dimensions = &alarm.dimensions;
    if DIMENSIONS.iter().any(|it| dimensions.get(*it).is_some_and(|it| it == cluster)) {
        return Some(Link::Dimension);
    }
    if alarm.expressions.iter().any(|it| names(it, cluster)) {
        return Some(Link::Expression);
    }
    let tagged = |(key, value): (&String, &String)| {
        value == arn || (key.contains("cluster") && (value == cluster || key.ends_with(&format!("/{cluster}"))))
    };
    if alarm.tags.iter().any(tagged) {
        return Some(Link::Tag);
    }
    // A name alone proves little, unless it speaks of clusters.
    let words = format!("{} {}", alarm.name, alarm.description);
    let kubernetes = ["eks", "k8s", "kubernetes", "cluster"].iter().any(|it| words.to_lowercase().contains(it));
    (names(&words.replace(['/', '_', ':'], " "), cluster) && (kubernetes || alarm.namespace == "ContainerInsights"))
        .then_some(Link::Name)
}

/// The alarms that concern a cluster, with how; composite alarms follow the alarms that they are made of.
pub fn of_cluster(alarms: Vec<Alarm>, cluster: &str, arn: &str) -> Vec<(Alarm, Link)> {
    let (composite, plain): (Vec<Alarm>, Vec<Alarm>) = alarms.into_iter().partition(|it| !it.rule.is_empty());
    let mut found: Vec<(Alarm, Link)> = plain.into_iter().filter_map(|it| link(&it, cluster, arn).map(|how| (it, how))).collect();
    let known: Vec<String> = found.iter().map(|it| it.0.name.clone()).collect();
    for alarm in composite {
        let made_of =
            known.iter().any(|name| alarm.rule.contains(&format!("\"{name}\"")) || alarm.rule.contains(&format!("({name})")));
        if let Some(how) = made_of.then_some(Link::Composite).or_else(|| link(&alarm, cluster, arn)) {
            found.push((alarm, how));
        }
    }
    found
}

/// `> 80` of `GreaterThanThreshold` and 80.
pub fn condition(alarm: &Alarm) -> String {
    let sign = match alarm.comparison.as_str() {
        "GreaterThanThreshold" => ">",
        "GreaterThanOrEqualToThreshold" => ">=",
        "LessThanThreshold" => "<",
        "LessThanOrEqualToThreshold" => "<=",
        "GreaterThanUpperThreshold" => "> band",
        "LessThanLowerThreshold" => "< band",
        "LessThanLowerOrGreaterThanUpperThreshold" => "outside of band",
        _ => "",
    };
    alarm.threshold.map_or_else(|| sign.to_owned(), |it| format!("{sign} {}", super::control_plane::signals::number(it)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";

    fn alarm(name: &str) -> Alarm {
        Alarm { name: name.into(), ..Alarm::default() }
    }

    #[test]
    fn an_alarm_belongs_to_the_cluster_that_it_measures_and_to_no_other() {
        let by_dimension =
            |value: &str| Alarm { dimensions: BTreeMap::from([("ClusterName".to_owned(), value.to_owned())]), ..alarm("cpu") };
        assert_eq!(link(&by_dimension("prod"), "prod", ARN), Some(Link::Dimension));
        assert_eq!(link(&by_dimension("prod-2"), "prod", ARN), None);
        let by_expression = |text: &str| Alarm { expressions: vec![text.into()], ..alarm("math") };
        assert_eq!(
            link(
                &by_expression("SELECT MAX(x) FROM SCHEMA(ContainerInsights, ClusterName) WHERE ClusterName = 'prod'"),
                "prod",
                ARN
            ),
            Some(Link::Expression)
        );
        assert_eq!(link(&by_expression("WHERE ClusterName = 'prod-2'"), "prod", ARN), None);
        let tagged =
            Alarm { tags: BTreeMap::from([("kubernetes.io/cluster/prod".to_owned(), "owned".to_owned())]), ..alarm("x") };
        assert_eq!(link(&tagged, "prod", ARN), Some(Link::Tag));
        assert_eq!(link(&alarm("eks/prod/5xx"), "prod", ARN), Some(Link::Name));
        assert_eq!(link(&alarm("prod orders 5xx"), "prod", ARN), None, "that may be anything");
        assert_eq!(link(&alarm("eks preprod"), "prod", ARN), None);
    }

    #[test]
    fn a_composite_alarm_follows_its_parts() {
        let part = Alarm { dimensions: BTreeMap::from([("ClusterName".to_owned(), "prod".to_owned())]), ..alarm("part") };
        let whole = Alarm { rule: "ALARM(\"part\") AND ALARM(\"other\")".into(), ..alarm("whole") };
        let alien = Alarm { rule: "ALARM(\"other\")".into(), ..alarm("alien") };
        let found = of_cluster(vec![whole, part, alien], "prod", ARN);
        let found: Vec<(&str, Link)> = found.iter().map(|it| (it.0.name.as_str(), it.1)).collect();
        assert_eq!(found, [("part", Link::Dimension), ("whole", Link::Composite)]);
    }

    #[test]
    fn conditions_read_as_people_write_them() {
        let over = Alarm { comparison: "GreaterThanThreshold".into(), threshold: Some(80.0), ..alarm("x") };
        assert_eq!(condition(&over), "> 80");
        assert_eq!(condition(&alarm("x")), "");
    }
}
