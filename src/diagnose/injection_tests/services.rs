//! Services and Ingresses that lead nowhere, and load balancers that are not made.

use serde_json::{Value, json};

use super::Fault;
use super::said::Said;
use super::states::{End, crashes};
use super::world::{BEGAN, Host, World, text};

const SERVICE: &[&str] = &["Service"];
const INGRESS: &[&str] = &["Ingress"];

pub(super) const FAULTS: &[Fault] = &[
    Fault::of("svc-selector-mismatch", SERVICE, typing_error).only(selects),
    Fault::of("svc-selector-mismatch", SERVICE, other_label).called("another label").only(selects),
    Fault::of("deployment-scaled-to-zero", SERVICE, no_replicas).called("behind a Service").only(has_deployment),
    Fault::of("svc-target-port-mismatch", SERVICE, unknown_name).called("name").only(selects),
    Fault::of("svc-target-port-mismatch", SERVICE, other_number).called("number").only(selects),
    Fault::of("container-oom-limit", SERVICE, pods_crash)
        .called("behind a Service")
        .only(has_limit)
        .with(&["svc-no-ready-endpoints"]),
    Fault::of("lb-in-tree-failed", SERVICE, in_tree).only(selects),
    Fault::of("lb-no-controller", SERVICE, no_controller).only(selects),
    Fault::of("ingress-class-missing", INGRESS, class),
    Fault::of("ingress-backend-missing", INGRESS, backend).called("Service"),
    Fault::of("ingress-backend-missing", INGRESS, port).called("port"),
    Fault::of("alb-subnet-discovery", INGRESS, subnets),
    Fault::of("alb-certificate", INGRESS, certificate),
    Fault::of("alb-iam", INGRESS, denied),
    Fault::of("alb-conflicting-group", INGRESS, conflict),
    Fault::of("alb-instance-target-clusterip", INGRESS, instance_targets),
    Fault::of("alb-quota", INGRESS, quota),
    Fault::of("ingress-controller-missing", INGRESS, no_ingress_controller),
];

fn selects(world: &World, host: &Host) -> bool {
    world.find(host).unwrap()["spec"]["selector"].is_object() && !world.pods_of(host).is_empty()
}

fn has_limit(world: &World, host: &Host) -> bool {
    let pods = world.pods_of(host);
    selects(world, host)
        && pods.iter().all(|it| world.find(it).unwrap().pointer("/spec/containers/0/resources/limits/memory").is_some())
}

fn has_deployment(world: &World, host: &Host) -> bool {
    let deployment = world.find(&host.beside("Deployment", &host.name));
    deployment.is_some_and(|it| it["spec"]["selector"]["matchLabels"] == world.find(host).unwrap()["spec"]["selector"])
}

/// The first label of the selector.
fn label(service: &Value) -> (String, String) {
    let (key, value) = service["spec"]["selector"].as_object().unwrap().iter().next().unwrap();
    (key.clone(), value.as_str().unwrap().to_owned())
}

fn typing_error(world: &mut World, host: &Host) {
    let service = world.get(host);
    let (key, value) = label(service);
    service["spec"]["selector"][&key] = format!("{value}s").into();
    world.settle_endpoints(&host.namespace);
}

fn other_label(world: &mut World, host: &Host) {
    world.get(host)["spec"]["selector"]["tier"] = "frontend".into();
    world.settle_endpoints(&host.namespace);
}

fn no_replicas(world: &mut World, host: &Host) {
    let deployment = host.beside("Deployment", &host.name);
    let pods = world.pods_of(host);
    world.remove_all(&pods);
    let object = world.get(&deployment);
    object["spec"]["replicas"] = 0.into();
    object["status"] =
        json!({"observedGeneration": object["metadata"]["generation"], "conditions": object["status"]["conditions"]});
    for set in world
        .objects
        .iter_mut()
        .filter(|it| it["kind"] == "ReplicaSet" && it["metadata"]["ownerReferences"][0]["name"] == host.name.as_str())
    {
        if text(set, "/metadata/namespace") == host.namespace {
            set["spec"]["replicas"] = 0.into();
            set["status"] = json!({"replicas": 0});
        }
    }
    world.settle_endpoints(&host.namespace);
}

fn unknown_name(world: &mut World, host: &Host) {
    world.get(host)["spec"]["ports"][0]["targetPort"] = "htttp-api".into();
}

fn other_number(world: &mut World, host: &Host) {
    let pods = world.pods_of(host);
    for pod in &pods {
        world.get(pod)["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8080, "protocol": "TCP"}]);
    }
    let ports = &mut world.get(host)["spec"]["ports"];
    *ports = json!([{"port": 80, "protocol": "TCP", "targetPort": 8081}]);
}

fn pods_crash(world: &mut World, host: &Host) {
    let pods = world.pods_of(host);
    world.each(&pods, |pod| crashes(pod, &End { code: 137, reason: "OOMKilled", message: "" }));
    world.settle_endpoints(&host.namespace);
}

/// A Service of type LoadBalancer for which there is no address.
fn without_address(world: &mut World, host: &Host, class: Option<&str>, said: Vec<Said>) {
    world.each(std::slice::from_ref(host), |service| {
        service["metadata"]["creationTimestamp"] = BEGAN.into();
        service["spec"]["type"] = "LoadBalancer".into();
        service["status"] = json!({"loadBalancer": {}});
        if let Some(class) = class {
            service["spec"]["loadBalancerClass"] = class.into();
        }
        Vec::new()
    });
    world.say_of(host, &said);
}

fn in_tree(world: &mut World, host: &Host) {
    let said = vec![
        Said::tells("EnsuringLoadBalancer", "Ensuring load balancer").from("service-controller"),
        Said::warns("SyncLoadBalancerFailed", "Error syncing load balancer: failed to ensure load balancer: could not find any suitable subnets for creating the ELB").from("service-controller"),
    ];
    without_address(world, host, None, said);
}

fn no_controller(world: &mut World, host: &Host) {
    without_address(world, host, Some("service.k8s.aws/nlb"), Vec::new());
}

fn class(world: &mut World, host: &Host) {
    without_load_balancer(world, host, Vec::new());
    world.get(host)["spec"]["ingressClassName"] = "nginx-internal".into();
}

/// An Ingress as it was just made: no address yet.
fn without_load_balancer(world: &mut World, host: &Host, said: Vec<Said>) {
    let ingress = world.get(host);
    ingress["status"] = json!({"loadBalancer": {}});
    ingress["metadata"]["creationTimestamp"] = BEGAN.into();
    world.say_of(host, &said);
}

fn not_built(world: &mut World, host: &Host, why: &str) {
    let said = Said::warns("FailedBuildModel", format!("Failed build model due to {why}")).from("ingress");
    without_load_balancer(world, host, vec![said]);
}

fn not_deployed(world: &mut World, host: &Host, why: &str) {
    let said = Said::warns("FailedDeployModel", format!("Failed deploy model due to {why}")).from("ingress");
    without_load_balancer(world, host, vec![said]);
}

fn backend(world: &mut World, host: &Host) {
    let name = format!("{}-v2", host.name);
    world.get(host)["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] = name.clone().into();
    let why = format!("ingress: {}/{}: backend not found: services \"{name}\" not found", host.namespace, host.name);
    not_built(world, host, &why);
}

fn port(world: &mut World, host: &Host) {
    world.get(host)["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["port"] = json!({"number": 8443});
    let why = format!("ingress: {0}/{1}: unable to find port 8443 on service {0}/{1}", host.namespace, host.name);
    not_built(world, host, &why);
}

fn subnets(world: &mut World, host: &Host) {
    not_built(
        world,
        host,
        "couldn't auto-discover subnets: unable to resolve at least one subnet (0 match VPC and tags: [kubernetes.io/role/elb])",
    );
}

fn certificate(world: &mut World, host: &Host) {
    let why = format!("ingress: {}/{}: no certificate found for host: {}.example.com", host.namespace, host.name, host.name);
    not_built(world, host, &why);
}

fn denied(world: &mut World, host: &Host) {
    not_deployed(
        world,
        host,
        "operation error Elastic Load Balancing v2: CreateLoadBalancer, https response error StatusCode: 403, RequestID: 5a1c, api error AccessDenied: User: arn:aws:sts::111122223333:assumed-role/lbc/1763890000 is not authorized to perform: elasticloadbalancing:CreateLoadBalancer on resource: arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/k8s-shop/* because no identity-based policy allows the elasticloadbalancing:CreateLoadBalancer action",
    );
}

fn conflict(world: &mut World, host: &Host) {
    not_built(world, host, "conflicting scheme: map[internal:{} internet-facing:{}]");
}

fn instance_targets(world: &mut World, host: &Host) {
    let why = format!(
        "ingress: {}/{}: service type must be either 'NodePort' or 'LoadBalancer': {}",
        host.namespace, host.name, host.name
    );
    not_built(world, host, &why);
}

fn quota(world: &mut World, host: &Host) {
    not_deployed(
        world,
        host,
        "operation error Elastic Load Balancing v2: CreateTargetGroup, https response error StatusCode: 400, RequestID: 5a1c, TooManyTargetGroups: The maximum number of target groups has been reached",
    );
}

fn no_ingress_controller(world: &mut World, host: &Host) {
    without_load_balancer(world, host, Vec::new());
}
