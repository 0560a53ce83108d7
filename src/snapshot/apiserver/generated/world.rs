//! What is in a generated cluster: how many of what, under which names. Everything follows from the seed and a position, so
//! that nothing is held and any object can be written alone.

use std::fmt::Write as _;

/// Letters of generated names, in their order, so that names have the order of positions.
const LETTERS: &[u8] = b"2456789bcdfghjklmnpqrstvwxz";
/// Length of the last part of a pod's name.
const SUFFIX: usize = 5;
/// How many such parts there are.
const SUFFIXES: u64 = 27_u64.pow(5);
/// Distance between the numbers of all nodes.
const NODE_SPACE: u64 = 1 << 60;

/// The size of a generated cluster.
#[derive(Clone, Debug)]
pub struct World {
    /// What makes it differ from another one of the same size.
    pub seed: u64,
    /// Nodes.
    pub nodes: u64,
    /// Namespaces in the order of their names.
    pub namespaces: Vec<Namespace>,
    /// Pods of one workload.
    pub replicas: u64,
    /// Of a thousand pods, how many are unhealthy.
    pub unhealthy_per_mille: u64,
    /// Lines of the log of each container.
    pub log_lines: u64,
}

/// A namespace of a generated cluster.
#[derive(Clone, Debug)]
pub struct Namespace {
    /// Name.
    pub name: String,
    /// Pods in it.
    pub pods: u64,
    /// Events in it.
    pub events: u64,
}

/// What is wrong with a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    OutOfMemory,
    Crash,
    ImagePull,
    Unschedulable,
    ConfigError,
    NotReady,
}

impl World {
    /// A large cluster: one namespace, `batch`, has a twentieth of the pods and 50,000 events; the rest is spread evenly.
    pub fn large(nodes: u64, pods: u64) -> Self {
        let teams = (pods / 2_000).clamp(1, 10_000);
        let batch = pods / 20;
        let mut namespaces = vec![Namespace { name: "batch".to_owned(), pods: batch, events: 50_000 }];
        for team in 0..teams {
            let share = (pods - batch) / teams + u64::from(team < (pods - batch) % teams);
            namespaces.push(Namespace { name: format!("team-{team:04}"), pods: share, events: 20 });
        }
        Self { seed: 1, nodes, namespaces, replicas: 40, unhealthy_per_mille: 10, log_lines: 5_000 }
    }

    /// A small cluster: 200 pods, 300 events and a log of 5,000 lines.
    pub fn small() -> Self {
        let namespaces = vec![Namespace { name: "shop".to_owned(), pods: 200, events: 300 }];
        Self { seed: 1, nodes: 12, namespaces, replicas: 10, unhealthy_per_mille: 30, log_lines: 5_000 }
    }

    /// A number that follows from the seed, what it is for, and a position.
    pub(super) fn random(&self, what: u64, position: u64) -> u64 {
        let mut state = self.seed ^ what.rotate_left(32) ^ position.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for _ in 0..2 {
            state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            state ^= state >> 31;
        }
        state
    }

    pub(super) fn fault(&self, pod: u64) -> Fault {
        let chance = self.random(1, pod);
        if chance % 1_000 >= self.unhealthy_per_mille {
            return Fault::None;
        }
        match chance / 1_000 % 6 {
            0 => Fault::OutOfMemory,
            1 => Fault::Crash,
            2 => Fault::ImagePull,
            3 => Fault::Unschedulable,
            4 => Fault::ConfigError,
            _ => Fault::NotReady,
        }
    }

    /// The namespace of that name, and how many pods and events come before it.
    pub(super) fn namespace(&self, name: &str) -> Option<(&Namespace, u64, u64)> {
        self.placed().find(|(it, _, _)| it.name == name)
    }

    /// The namespaces, each with the number of pods and events before it.
    pub(super) fn placed(&self) -> impl Iterator<Item = (&Namespace, u64, u64)> {
        self.namespaces.iter().scan((0, 0), |(pods, events), namespace| {
            let before = (*pods, *events);
            *pods += namespace.pods;
            *events += namespace.events;
            Some((namespace, before.0, before.1))
        })
    }

    /// The name of the node at a position.
    pub(super) fn node_name(&self, position: u64) -> String {
        let step = NODE_SPACE / self.nodes.max(1);
        format!("i-0{:016x}", position * step + self.random(2, position) % step)
    }

    /// The position of the node with this name.
    pub(super) fn node_position(&self, name: &str) -> Option<u64> {
        let number = u64::from_str_radix(name.strip_prefix("i-0")?, 16).ok()?;
        let position = number / (NODE_SPACE / self.nodes.max(1));
        (position < self.nodes && self.node_name(position) == name).then_some(position)
    }

    /// Number of the workload of a pod within its namespace.
    pub(super) fn workload(&self, position: u64) -> u64 {
        position / self.replicas.max(1)
    }

    /// Whether a workload runs one pod for each node.
    pub(super) fn is_daemon(workload: u64) -> bool {
        workload % 10 == 3
    }

    /// The hash in the names of a workload's pods.
    pub(super) fn hash(&self, workload: u64) -> String {
        letters(self.random(3, workload), 10)
    }

    /// The last part of a pod's name.
    pub(super) fn suffix(&self, position: u64) -> String {
        let replicas = self.replicas.max(1);
        let step = (SUFFIXES / replicas).max(1);
        letters(position % replicas * step + self.random(4, position) % step, SUFFIX)
    }

    /// The name of a pod at a position within its namespace.
    pub(super) fn pod_name(&self, position: u64) -> String {
        let workload = self.workload(position);
        let mut name = app(workload);
        if !Self::is_daemon(workload) {
            let _ = write!(name, "-{}", self.hash(workload));
        }
        let _ = write!(name, "-{}", self.suffix(position));
        name
    }

    /// The position within a namespace of the pod with this name.
    pub(super) fn pod_position(&self, name: &str, pods: u64) -> Option<u64> {
        let mut parts = name.strip_prefix("svc-")?.split('-');
        let workload: u64 = parts.next()?.parse().ok()?;
        let replicas = self.replicas.max(1);
        let suffix = number(parts.next_back()?)? / (SUFFIXES / replicas).max(1);
        let position = workload.checked_mul(replicas)?.checked_add(suffix)?;
        (position < pods && self.pod_name(position) == name).then_some(position)
    }
}

/// The name of a workload.
pub(super) fn app(workload: u64) -> String {
    format!("svc-{workload:05}")
}

fn letters(mut number: u64, length: usize) -> String {
    let mut text = vec![b'2'; length];
    for place in text.iter_mut().rev() {
        *place = usize::try_from(number % 27).ok().and_then(|it| LETTERS.get(it)).copied().unwrap_or(b'2');
        number /= 27;
    }
    String::from_utf8(text).unwrap_or_default()
}

fn number(text: &str) -> Option<u64> {
    text.bytes().try_fold(0_u64, |number, letter| {
        let digit = LETTERS.iter().position(|it| *it == letter)?;
        number.checked_mul(27)?.checked_add(u64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_order_of_positions_and_lead_back_to_them() {
        let world = World::large(1_000, 20_000);
        let nodes: Vec<String> = (0..1_000).map(|it| world.node_name(it)).collect();
        assert!(nodes.is_sorted());
        assert!((0..1_000).all(|it| world.node_position(&nodes[usize::try_from(it).unwrap()]) == Some(it)));
        let pods: Vec<String> = (0..1_000).map(|it| world.pod_name(it)).collect();
        assert!(pods.is_sorted());
        assert!((0..1_000).all(|it| world.pod_position(&pods[usize::try_from(it).unwrap()], 1_000) == Some(it)));
        for wrong in ["", "svc-", "svc-00001", "svc-00001-x", "svc-99999-2222222222-22222", "other", "svc-é-2"] {
            assert_eq!(world.pod_position(wrong, 1_000), None, "{wrong}");
        }
    }

    #[test]
    fn sizes_are_those_that_were_asked_for() {
        let world = World::large(100_000, 1_000_000);
        assert_eq!(world.namespaces.iter().map(|it| it.pods).sum::<u64>(), 1_000_000);
        assert!(world.namespaces.is_sorted_by(|a, b| a.name < b.name));
        assert_eq!(world.namespace("team-0000").map(|it| (it.1, it.2)), Some((50_000, 50_000)));
        let faults = (0..100_000).filter(|it| world.fault(*it) != Fault::None).count();
        assert!((800..1_200).contains(&faults), "{faults}");
    }
}
