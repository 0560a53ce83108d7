//! Faults put into healthy worlds of the demo: each is found, by its own name and no other, with evidence that stands there.
//!
//! A fault is a small function that makes a world look as a cluster does after it: what was changed, and what scheduler, kubelet
//! and controllers write then. It is put into every healthy workload, Service, node … of the demo that can have it, and the
//! world is read through an API server, so that collection is tested with the rules. Names come from the host, and messages from
//! the components, not from what the rules match.

mod additions;
mod check;
mod rollout;
mod said;
mod states;
mod world;

mod controllers;
mod crash;
mod images;
mod jobs;
mod network;
mod nodes;
mod noise;
mod probes;
mod scheduling;
mod services;
mod start;
mod storage;
mod sweep;
mod workloads;

use world::{Host, World};

const DEPLOYMENTS: &[&str] = &["Deployment"];
const WORKLOADS: &[&str] = &["Deployment", "StatefulSet"];
const ALL_WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet"];

/// What is diagnosed after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// A broken pod, and the workload that it belongs to.
    PodAndWorkload,
    /// A broken pod alone: its workload has replaced it.
    Pod,
    /// The host itself.
    Host,
}

/// One way in which something breaks.
struct Fault {
    /// The cause that has to be told.
    id: &'static str,
    /// What tells this fault from others with the same cause.
    variant: &'static str,
    /// Kinds of what it is put into.
    hosts: &'static [&'static str],
    /// Whether a host can have it.
    fits: fn(&World, &Host) -> bool,
    aim: Aim,
    /// What else may be told beside the cause, since it follows from it.
    companions: &'static [&'static str],
    inject: fn(&mut World, &Host),
}

impl Fault {
    /// A fault of pods.
    const fn of_pods(id: &'static str, hosts: &'static [&'static str], inject: fn(&mut World, &Host)) -> Self {
        Self { id, variant: "", hosts, fits: |_, _| true, aim: Aim::PodAndWorkload, companions: &[], inject }
    }

    /// A fault of another object, which is what is diagnosed.
    const fn of(id: &'static str, hosts: &'static [&'static str], inject: fn(&mut World, &Host)) -> Self {
        Self { aim: Aim::Host, ..Self::of_pods(id, hosts, inject) }
    }

    /// Only hosts for which this holds.
    const fn only(mut self, fits: fn(&World, &Host) -> bool) -> Self {
        self.fits = fits;
        self
    }

    /// Only the pod is diagnosed.
    const fn alone(mut self) -> Self {
        self.aim = Aim::Pod;
        self
    }

    /// What may be told beside the cause.
    const fn with(mut self, companions: &'static [&'static str]) -> Self {
        self.companions = companions;
        self
    }

    const fn called(mut self, variant: &'static str) -> Self {
        self.variant = variant;
        self
    }
}

/// A test for each family, so that they run beside each other.
macro_rules! families {
    ($($family:ident),* $(,)?) => {
        $(#[tokio::test]
        async fn $family() {
            let wrong = check::family(self::$family::FAULTS).await;
            assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        })*

        /// Every family.
        const FAMILIES: &[&[Fault]] = &[$(self::$family::FAULTS),*];
    };
}

families![controllers, crash, images, jobs, network, nodes, probes, scheduling, services, start, storage, workloads];

#[tokio::test]
async fn without_events_less_is_told_and_nothing_false() {
    let mut wrong = Vec::new();
    for faults in FAMILIES {
        wrong.extend(check::without_events(faults).await);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn there_are_enough_faults_and_each_has_its_own_name() {
    let all: Vec<&Fault> = FAMILIES.iter().flat_map(|it| *it).collect();
    let names: std::collections::BTreeSet<(&str, &str)> = all.iter().map(|it| (it.id, it.variant)).collect();
    assert_eq!(names.len(), all.len(), "two faults have the same name");
    let catalogue = include_str!("../catalogue.tsv");
    for fault in &all {
        assert!(catalogue.lines().any(|it| it.split('\t').next() == Some(fault.id)), "{} is no cause", fault.id);
    }
    assert!(all.len() >= 60, "{} faults", all.len());
    assert!(all.iter().filter(|it| it.aim == Aim::Host).count() >= 15);
}
