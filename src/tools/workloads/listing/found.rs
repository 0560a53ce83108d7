//! What is held of a list while its pages go by: rows to show, groups of the rest, and counts.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Columns;
use crate::domain::object::Object;
use crate::domain::status::{self, Health};
use crate::domain::table::Table;
use crate::domain::text::cut;
use crate::error::ToolError;
use crate::k8s::kinds::Kind;

/// Rows that are held; the list is read no further once there are so many.
const MAX_ROWS: usize = 5_000;

/// Bytes of a name; Kubernetes allows no longer ones.
const MAX_NAME: usize = 253;

/// Groups that are told apart; the rest is one.
const MAX_GROUPS: usize = 10_000;

/// How objects are counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::tools::workloads) enum GroupBy {
    /// By controlling owner.
    #[default]
    Owner,
    /// By namespace.
    Namespace,
    /// By node.
    Node,
    /// By the value of a label.
    Label(String),
    /// Not at all: each is a row.
    None,
}

impl GroupBy {
    /// Parses `owner`, `namespace`, `node`, `none` or a label key, which may be written `label:<key>`.
    ///
    /// # Errors
    /// `invalid_input` when the text is none of them.
    pub(in crate::tools::workloads) fn parse(text: &str) -> Result<Self, ToolError> {
        Ok(match text {
            "owner" => Self::Owner,
            "namespace" => Self::Namespace,
            "node" => Self::Node,
            "none" => Self::None,
            _ => {
                let key = text.strip_prefix("label:").unwrap_or(text);
                let fits = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '/');
                if key.is_empty() || !key.chars().all(fits) || (key == text && !key.contains(['/', '.'])) {
                    return Err(ToolError::invalid(format!(
                        "`group_by`: `{text}` is neither `owner`, `namespace`, `node`, `none` nor a label such as `label:app`"
                    )));
                }
                Self::Label(key.to_owned())
            }
        })
    }

    fn column(&self) -> &str {
        match self {
            Self::Owner => "owner",
            Self::Namespace | Self::None => "",
            Self::Node => "node",
            Self::Label(key) => key,
        }
    }
}

struct Row {
    health: Health,
    namespace: String,
    name: String,
    cells: Vec<String>,
    age: String,
}

/// How many of a group there are.
#[derive(Clone, Copy, Default)]
struct Counts {
    healthy: usize,
    unhealthy: usize,
}

/// What has been seen so far, page by page.
pub(in crate::tools::workloads) struct Found {
    now: Timestamp,
    only_unhealthy: bool,
    group_by: GroupBy,
    rows: Vec<Row>,
    /// Objects seen.
    pub(in crate::tools::workloads) total: usize,
    /// Objects that should be rows and are only counted, because too many came at once.
    beyond: usize,
    unhealthy: usize,
    reasons: BTreeMap<String, usize>,
    groups: BTreeMap<(String, String), Counts>,
    /// Columns that no object has had so far; none before the first object.
    missing: Option<Vec<usize>>,
}

impl Found {
    pub(in crate::tools::workloads) fn new(now: Timestamp, only_unhealthy: bool, group_by: GroupBy) -> Self {
        Self {
            now,
            only_unhealthy,
            group_by,
            rows: Vec::new(),
            total: 0,
            beyond: 0,
            unhealthy: 0,
            reasons: BTreeMap::new(),
            groups: BTreeMap::new(),
            missing: None,
        }
    }

    /// Whether no more rows may be held.
    pub(in crate::tools::workloads) fn is_full(&self) -> bool {
        self.rows.len() >= MAX_ROWS
    }

    /// Adds an object and what the API server printed of it.
    pub(in crate::tools::workloads) fn add(&mut self, object: &Object, columns: &Columns, printed: &[String]) {
        self.total += 1;
        // Objects that are only counted may have what a column asks for.
        self.missing.get_or_insert_with(|| (0..columns.names().count()).collect()).retain(|index| !columns.is_in(*index, object));
        let status = status::of(object, self.now);
        let healthy = status.health.is_healthy();
        if !healthy {
            self.unhealthy += 1;
            let headline = headline(&status.health);
            if self.reasons.len() < MAX_GROUPS || self.reasons.contains_key(&headline) {
                *self.reasons.entry(headline).or_default() += 1;
            }
        }
        let group = self.group_of(object).map(|(namespace, group)| (cut(&namespace, MAX_NAME), cut(&group, 2 * MAX_NAME)));
        let is_row = !healthy || (!self.only_unhealthy && group.is_none());
        // Under an owner only the healthy are counted: the others are rows. Other groups are questions of their own.
        let counted = if self.group_by == GroupBy::Owner { healthy && !self.only_unhealthy } else { true };
        if let Some(mut group) = group.filter(|_| counted) {
            if self.groups.len() >= MAX_GROUPS && !self.groups.contains_key(&group) {
                group = (String::new(), "others".to_owned());
            }
            let counts = self.groups.entry(group).or_default();
            if healthy { counts.healthy += 1 } else { counts.unhealthy += 1 }
        }
        // A page has 500 objects; whatever sends more at once does not fill the memory.
        if is_row && self.rows.len() >= 2 * MAX_ROWS {
            self.beyond += 1;
        } else if is_row {
            self.rows.push(Row {
                cells: columns.cells(object, &status, printed),
                health: status.health,
                namespace: cut(object.namespace(), MAX_NAME),
                name: cut(object.name(), MAX_NAME),
                age: status::age_of(object, self.now),
            });
        }
    }

    /// The group of an object; none when it stands for itself, as what nobody owns does.
    fn group_of(&self, object: &Object) -> Option<(String, String)> {
        let namespace = object.namespace().to_owned();
        match &self.group_by {
            GroupBy::Owner => owner(object).map(|owner| (namespace, owner)),
            GroupBy::Namespace => Some((namespace, String::new())),
            GroupBy::Node => {
                let node = object.text("spec.nodeName");
                Some((String::new(), if node.is_empty() { "no node" } else { node }.to_owned()))
            }
            GroupBy::Label(key) => Some((String::new(), object.label(key).unwrap_or("not set").to_owned())),
            GroupBy::None => None,
        }
    }

    /// Says that objects are missing from the rows, for they came in a page larger than was asked for.
    pub(in crate::tools::workloads) fn only_counted(&self) -> Option<String> {
        (self.beyond > 0).then(|| {
            format!(
                "{} objects were only counted: the API server sent more in one page than is held; narrow the list by namespace or selector",
                self.beyond
            )
        })
    }

    /// Says of each column that no object has it, which would else be left out without a word.
    pub(in crate::tools::workloads) fn lacking(&self, columns: &Columns, kind: &Kind, is_data: bool) -> Vec<String> {
        let missing = self.missing.as_deref().unwrap_or_default();
        let names = columns.names().enumerate().filter(|(index, _)| missing.contains(index)).map(|(_, name)| name);
        let told = names.map(|name| {
            if is_data && !name.trim_start_matches('.').starts_with("metadata") && !name.contains(':') {
                return format!(
                    "lists of {} hold only metadata, nothing for column `{name}`; `get_resource` shows the keys",
                    kind.plural
                );
            }
            let read = if self.total == 1 { kind.singular.as_str() } else { kind.plural.as_str() };
            format!("column `{name}`: none of {} {read} has it", self.total)
        });
        told.collect()
    }

    /// One sentence: how many there are, how many are unhealthy and why.
    pub(in crate::tools::workloads) fn summary(&self, singular: &str, plural: &str, place: &str) -> String {
        if self.total == 0 {
            return format!("No {plural}{place}.");
        }
        let plural = if self.total == 1 { singular } else { plural };
        if self.unhealthy == 0 {
            let all = if self.total == 1 { "" } else { "all " };
            return format!("{} {plural}{place}, {all}healthy.", self.total);
        }
        let mut reasons: Vec<_> = self.reasons.iter().collect();
        reasons.sort_by_key(|(reason, number)| (Reverse(**number), (*reason).clone()));
        let told: usize = reasons.iter().take(6).map(|(_, number)| **number).sum();
        let mut words: Vec<String> = reasons.iter().take(6).map(|(reason, number)| format!("{number} {reason}")).collect();
        if told < self.unhealthy {
            words.push(format!("{} for other reasons", self.unhealthy - told));
        }
        format!("{} {plural}{place}, {} unhealthy: {}.", self.total, self.unhealthy, words.join(", "))
    }

    /// The rows from `offset` on, failing before degraded before healthy, and how many remain after them.
    pub(in crate::tools::workloads) fn table(
        &mut self,
        columns: &Columns,
        with_namespace: bool,
        offset: usize,
        limit: usize,
        budget: usize,
    ) -> (Table, usize) {
        self.rows.sort_by(|a, b| (rank(&a.health), &a.namespace, &a.name).cmp(&(rank(&b.health), &b.namespace, &b.name)));
        let mut table = Table::default();
        let names = ["namespace", "name"].into_iter().chain(columns.names()).chain(["age", "why"]);
        table.columns = names.map(str::to_owned).collect();
        for row in self.rows.iter().skip(offset).take(limit) {
            let mut cells = vec![if with_namespace { row.namespace.clone() } else { String::new() }, row.name.clone()];
            cells.extend(row.cells.iter().cloned());
            cells.extend([row.age.clone(), row.health.reason().to_owned()]);
            table.rows.push(cells);
        }
        table.fit(budget);
        let left = self.rows.len().saturating_sub(offset + table.rows.len());
        table.drop_empty_columns();
        (table, left)
    }

    /// The groups, those with unhealthy members first, then the largest.
    pub(in crate::tools::workloads) fn groups(&self, with_namespace: bool) -> Table {
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|((namespace, group), counts)| {
            (Reverse(counts.unhealthy), Reverse(counts.healthy), namespace.as_str(), group.as_str())
        });
        let number = |it: usize| if it == 0 { String::new() } else { it.to_string() };
        let mut table = Table::new(["namespace", self.group_by.column(), "healthy", "unhealthy"]);
        for ((namespace, group), counts) in groups {
            let namespace = if with_namespace { namespace.clone() } else { String::new() };
            table.push([namespace, group.clone(), number(counts.healthy), number(counts.unhealthy)]);
        }
        table.drop_empty_columns();
        table
    }
}

fn rank(health: &Health) -> u8 {
    match health {
        Health::Failing(_) => 0,
        Health::Degraded(_) => 1,
        Health::Healthy => 2,
    }
}

/// The first words of a reason, which is what is counted.
fn headline(health: &Health) -> String {
    let reason = health.reason();
    // Which container it is differs from pod to pod.
    let reason = match reason.strip_prefix("container ").and_then(|it| it.split_once(": ")) {
        Some((name, rest)) if !name.contains(' ') => rest,
        _ => reason,
    };
    let head = reason.split([':', '(', ',']).next().unwrap_or(reason).trim();
    let detail = reason.strip_prefix("CrashLoopBackOff: ").and_then(|it| it.split(" (").next());
    match detail {
        Some(detail) => format!("CrashLoopBackOff ({detail})"),
        // Counts and names of containers differ from object to object.
        None if head.starts_with(|it: char| it.is_ascii_digit()) => "with replicas missing".to_owned(),
        None if head.starts_with("container ") => match head.rsplit_once(" is ") {
            Some((_, state)) => format!("with a container {state}"),
            None => head.to_owned(),
        },
        None => head.to_owned(),
    }
}

/// What stands behind an object: the workload of a pod, the pool or group of a node.
fn owner(object: &Object) -> Option<String> {
    if object.kind() == "Node" {
        let pools = [("karpenter.sh/nodepool", "NodePool"), ("eks.amazonaws.com/nodegroup", "node group")];
        let pool = pools.iter().find_map(|(label, kind)| Some(format!("{kind}/{}", object.label(label)?)));
        // Neither Karpenter nor a managed node group: self-managed, hybrid or Fargate nodes differ by their type.
        let kind = || object.label("node.kubernetes.io/instance-type").unwrap_or("unknown");
        return Some(pool.unwrap_or_else(|| format!("instance type/{}", kind())));
    }
    let (kind, name) = object.controller()?;
    // A ReplicaSet made by a Deployment carries its name and a hash.
    let hash = object.label("pod-template-hash").unwrap_or_default();
    Some(match name.strip_suffix(hash).and_then(|it| it.strip_suffix('-')) {
        Some(deployment) if kind == "ReplicaSet" && !hash.is_empty() => format!("Deployment/{deployment}"),
        _ => format!("{kind}/{name}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_named_as_people_write_them() {
        assert_eq!(GroupBy::parse("owner").unwrap(), GroupBy::Owner);
        for key in ["label:app", "app.kubernetes.io/name", "label:topology.kubernetes.io/zone"] {
            assert_eq!(GroupBy::parse(key).unwrap(), GroupBy::Label(key.trim_start_matches("label:").to_owned()), "{key}");
        }
        for wrong in ["", "zone", "label:", "label:a b", "a/b;c"] {
            assert!(GroupBy::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn objects_of_too_large_a_page_are_counted_and_told() {
        let columns = Columns::new("ConfigMap", &[], &[]).unwrap();
        let mut found = Found::new("2026-11-23T09:30:00Z".parse().unwrap(), false, GroupBy::None);
        let object = Object::new(serde_json::json!({"kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}}));
        for _ in 0..2 * MAX_ROWS {
            found.add(&object, &columns, &[]);
        }
        assert_eq!(found.only_counted(), None);
        for _ in 0..3 {
            found.add(&object, &columns, &[]);
        }
        assert_eq!((found.total, found.rows.len()), (2 * MAX_ROWS + 3, 2 * MAX_ROWS));
        assert!(found.only_counted().unwrap().starts_with("3 objects were only counted"));
    }
}
