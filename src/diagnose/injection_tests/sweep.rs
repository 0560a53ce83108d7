//! Several faults at once: a scan of the cluster tells each, and nothing else.

use std::collections::BTreeSet;

use super::check::{Healthy, broken, healthy};
use super::world::{Host, World};
use super::{FAMILIES, Fault};
use crate::diagnose::collect;
use crate::diagnose::scan;
use crate::k8s::discovery::discover;

/// Clusters, and faults that have nothing to do with each other.
const SCANS: &[(&str, [&str; 3])] = &[
    ("storefront", ["app-db-auth", "alb-subnet-discovery", "node-disk-pressure"]),
    ("storefront", ["config-secret-missing", "pvc-lost", "hpa-missing-requests"]),
    ("payments", ["probe-http-5xx", "ingress-class-missing", "job-backoff-limit"]),
    ("payments", ["quota-exceeded", "crash-signal", "node-runtime-down"]),
    ("dev", ["cni-ip-exhausted", "hpa-target-missing", "namespace-stuck"]),
];

#[tokio::test]
async fn a_scan_tells_each_of_several_faults_once_and_no_other() {
    let healthy = healthy().await;
    for (cluster, ids) in SCANS {
        let mut world = healthy.worlds.iter().find(|it| it.cluster == *cluster).unwrap().clone();
        let before = causes(&world).await;
        let mut used: BTreeSet<(String, String)> = BTreeSet::new();
        let mut expected: Vec<(String, String)> = Vec::new();
        for id in ids {
            let fault = FAMILIES.iter().flat_map(|it| *it).find(|it| it.id == *id).unwrap();
            let host = unused(healthy, &world, fault, &used);
            (world, _) = broken(&world, fault, &host, true);
            used.insert((host.namespace.clone(), host.name.clone()));
            expected.push(((*id).to_owned(), host.namespace));
        }
        let mut found: Vec<(String, String)> = causes(&world).await.into_iter().filter(|it| !before.contains(it)).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{cluster}");
    }
}

/// A healthy host that has no fault yet, and whose namespace has none either where there is a choice.
fn unused(healthy: &Healthy, world: &World, fault: &Fault, used: &BTreeSet<(String, String)>) -> Host {
    let fits = |it: &&Host| {
        it.cluster == world.cluster
            && fault.hosts.contains(&it.kind.as_str())
            && (fault.fits)(world, it)
            && it.namespace != "kube-system"
    };
    let hosts: Vec<&Host> = healthy.hosts.iter().filter(fits).collect();
    let apart = hosts.iter().find(|it| !used.iter().any(|(namespace, _)| *namespace == it.namespace));
    let other = hosts.iter().find(|it| !used.contains(&(it.namespace.clone(), it.name.clone())));
    (*apart.or(other).unwrap_or_else(|| panic!("no host for {} in {}", fault.id, world.cluster))).clone()
}

/// Ids of the causes that a scan tells, each with the namespace of its example.
async fn causes(world: &World) -> Vec<(String, String)> {
    let source = world.source();
    let served = discover(&source.client).await.unwrap();
    let sweep = collect::sweep(&source, None, &served, || true).await.unwrap();
    assert!(sweep.whole && sweep.gaps.is_empty(), "{:?}", sweep.gaps);
    let mut diagnosed = Vec::new();
    for suspect in sweep.suspects {
        let host = Host {
            cluster: world.cluster,
            kind: suspect.kind.clone(),
            namespace: suspect.namespace.clone(),
            name: suspect.name.clone(),
        };
        let diagnosis = world.diagnose(&source, &host).await;
        diagnosed.push((suspect, diagnosis));
    }
    scan::causes(diagnosed).into_iter().map(|it| (it.id, it.example.namespace)).collect()
}
