//! What is left out of long lists is not missed, and a long list is read in bounded steps.

use eks_mcp::domain::events::EventGroups;
use eks_mcp::domain::object::Object;
use eks_mcp::domain::status;
use eks_mcp::domain::target::Target;
use eks_mcp::k8s::Client;
use eks_mcp::k8s::api::{self, Keep, ListOptions, Step};
use eks_mcp::k8s::kinds::Kind;
use eks_mcp::snapshot::apiserver::ApiServer;
use eks_mcp::snapshot::apiserver::generated::World;
use eks_mcp::snapshot::demo_world;
use jiff::Timestamp;

async fn listed(client: &Client, kind: &Kind, keep: Option<&Keep>) -> Vec<Object> {
    let mut objects = Vec::new();
    let options = ListOptions::default();
    match keep {
        Some(keep) => {
            let visit = |step| {
                if let Step::Object(object) = step {
                    objects.push(object);
                }
                true
            };
            api::list_parts(client, kind, &options, keep, visit).await.unwrap();
        }
        None => {
            let visit = |page: Vec<Object>| {
                objects.extend(page);
                true
            };
            api::list_pages(client, kind, &options, visit).await.unwrap();
        }
    }
    objects
}

/// Everything that is said of an object in a list.
fn said(object: &Object, now: Timestamp) -> impl PartialEq + std::fmt::Debug {
    let labels = object.get("metadata.labels").cloned();
    let owner = object.controller().map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    (object.address(), status::of(object, now), status::age_of(object, now), owner, labels)
}

#[tokio::test]
async fn the_state_of_objects_is_the_same_without_the_rest_of_them() {
    let world = demo_world();
    let now = world.clock.now();
    let mut unhealthy = 0;
    for cluster in ["payments", "storefront", "dev"] {
        let target = Target { account: None, region: None, cluster: cluster.to_owned(), through: None };
        let client = world.clusters.client(&target).await.unwrap();
        for kind in Kind::built_in() {
            let whole = listed(&client, &kind, None).await;
            let parts = listed(&client, &kind, Some(&Keep::for_status(&kind.kind))).await;
            assert_eq!(whole.len(), parts.len());
            for (whole, part) in whole.iter().zip(&parts) {
                assert_eq!(said(whole, now), said(part, now));
                unhealthy += usize::from(!status::of(whole, now).health.is_healthy());
            }
            let groups = |objects: &[Object]| {
                let mut groups = EventGroups::default();
                for object in objects {
                    groups.add(object);
                }
                groups.finish()
            };
            if kind.kind == "Event" {
                assert_eq!(groups(&whole), groups(&parts));
            }
        }
    }
    assert!(unhealthy > 20, "the demo has troubles to tell of: {unhealthy}");
}

#[tokio::test]
async fn a_list_that_is_no_longer_wanted_stops_within_one_page() {
    let client = ApiServer::generated(World::large(100_000, 1_000), Timestamp::UNIX_EPOCH).client();
    let nodes = Kind::named("Node").unwrap();
    let mut seen = 0;
    let visit = |step| {
        seen += usize::from(matches!(step, Step::Object(_)));
        seen < 2 * api::PAGE + 7
    };
    let listed = api::list_metadata(&client, &nodes, &ListOptions::default(), visit).await.unwrap();
    assert_eq!(seen, 2 * api::PAGE + 7);
    assert!(listed.pages <= 3, "{listed:?}");
}

#[tokio::test]
async fn labels_of_nodes_come_without_the_nodes() {
    let client = ApiServer::generated(World::large(1_200, 1_000), Timestamp::UNIX_EPOCH).client();
    let mut zones = std::collections::BTreeMap::new();
    let visit = |step| {
        let Step::Object(node) = step else { return true };
        assert_eq!((node.kind(), node.get("status"), node.get("metadata.managedFields")), ("Node", None, None));
        *zones.entry(node.label("topology.kubernetes.io/zone").unwrap().to_owned()).or_insert(0) += 1;
        true
    };
    let nodes = Kind::named("Node").unwrap();
    api::list_metadata(&client, &nodes, &ListOptions::default(), visit).await.unwrap();
    assert_eq!((zones.len(), zones.values().sum::<i32>()), (3, 1_200));
}

/// On several threads, as the server runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_objects_that_are_let_go_is_the_same() {
    let client = ApiServer::generated(World::large(600, 40_000), Timestamp::UNIX_EPOCH).client();
    let now = Timestamp::UNIX_EPOCH;
    for kind in ["Pod", "Node", "Event"] {
        let kind = Kind::named(kind).unwrap();
        let options = ListOptions { namespace: Some("batch").filter(|_| kind.namespaced), ..ListOptions::default() };
        let mut whole = Vec::new();
        let visit = |page: Vec<Object>| {
            whole.extend(page.iter().map(|it| format!("{:?}", said(it, now))));
            true
        };
        api::list_pages(&client, &kind, &options, visit).await.unwrap();
        let mut parts = Vec::new();
        let visit = |step| {
            if let Step::Object(object) = step {
                parts.push(format!("{:?}", said(&object, now)));
            }
            true
        };
        api::list_parts(&client, &kind, &options, &Keep::for_status(&kind.kind), visit).await.unwrap();
        assert!(parts.len() >= 600, "{} of {}", parts.len(), kind.kind);
        assert_eq!(whole, parts);
    }
}
