//! What controllers make of a changed template and of pods that fare badly: new pods, counts, conditions, endpoints.

use serde_json::{Value, json};

use super::said::Said;
use super::world::{BEGAN, Held, Host, World, condition, text};

/// The hash of the template of a new revision.
const HASH: &str = "5d78c9869d";

impl World {
    /// Rolls out a changed template and names the new pods, which have their nodes and nothing else yet.
    ///
    /// A Deployment gets one pod of a new ReplicaSet beside those that serve, or all pods anew; a StatefulSet its last pod
    /// anew, and a DaemonSet its first.
    pub(super) fn roll(&mut self, host: &Host, change: impl Fn(&mut Value)) -> Vec<Host> {
        let old = self.pods_of(host);
        let workload = self.get(host);
        change(&mut workload["spec"]["template"]["spec"]);
        let generation = workload["metadata"]["generation"].as_i64().unwrap_or(1) + 1;
        workload["metadata"]["generation"] = generation.into();
        workload["status"]["observedGeneration"] = generation.into();
        match host.kind.as_str() {
            "Deployment" => self.roll_deployment(host, &old, &change),
            "StatefulSet" => self.replace(old.last().into_iter().cloned().collect(), &change),
            _ => self.replace(old.first().into_iter().cloned().collect(), &change),
        }
    }

    /// Pods of the same names made anew.
    fn replace(&mut self, pods: Vec<Host>, change: &impl Fn(&mut Value)) -> Vec<Host> {
        for (index, host) in pods.iter().enumerate() {
            let pod = self.get(host);
            *pod = anew(pod, change);
            pod["metadata"]["uid"] = uid(index).into();
        }
        pods
    }

    fn roll_deployment(&mut self, host: &Host, old: &[Host], change: &impl Fn(&mut Value)) -> Vec<Host> {
        let mut sets = self.objects.iter().filter(|it| {
            it["kind"] == "ReplicaSet"
                && it["metadata"]["ownerReferences"][0]["name"] == host.name.as_str()
                && text(it, "/metadata/namespace") == host.namespace
                && it["spec"]["replicas"] != 0
        });
        let current = Host::of(self.cluster, sets.next_back().unwrap());
        let mut new = self.find(&current).unwrap().clone();
        let name = format!("{}-{HASH}", host.name);
        let revision = text(&new["metadata"]["annotations"], "/deployment.kubernetes.io~1revision").parse().unwrap_or(1) + 1;
        let count = if self.afresh { old.len() } else { 1 };
        new["metadata"]["name"] = name.clone().into();
        new["metadata"]["uid"] = uid(99).into();
        new["metadata"]["creationTimestamp"] = BEGAN.into();
        new["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = format!("{revision}").into();
        new["metadata"]["labels"]["pod-template-hash"] = HASH.into();
        new["spec"]["selector"]["matchLabels"]["pod-template-hash"] = HASH.into();
        new["spec"]["template"]["metadata"]["labels"]["pod-template-hash"] = HASH.into();
        new["spec"]["replicas"] = count.into();
        change(&mut new["spec"]["template"]["spec"]);
        new["status"] = json!({"replicas": count, "fullyLabeledReplicas": count, "observedGeneration": 1});
        self.get(host)["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = format!("{revision}").into();
        let mut pods = Vec::new();
        for (index, old) in old.iter().take(count).enumerate() {
            let mut pod = anew(self.find(old).unwrap(), change);
            let suffix = char::from(b'b' + u8::try_from(index).unwrap());
            pod["metadata"]["name"] = format!("{name}-x7k2{suffix}").into();
            pod["metadata"]["uid"] = uid(index).into();
            pod["metadata"]["generateName"] = format!("{name}-").into();
            pod["metadata"]["labels"]["pod-template-hash"] = HASH.into();
            pod["metadata"]["ownerReferences"][0]["name"] = name.clone().into();
            pod["metadata"]["ownerReferences"][0]["uid"] = uid(99).into();
            pods.push(Host::of(self.cluster, &pod));
            self.add(pod);
        }
        if self.afresh {
            self.remove_all(old);
            let set = self.get(&current);
            set["spec"]["replicas"] = 0.into();
            set["status"] = json!({"replicas": 0, "observedGeneration": 2});
        }
        for pod in &pods {
            let message = format!("Created pod: {}", pod.name);
            self.say(&new, &Said::tells("SuccessfulCreate", message).from("replicaset-controller").at(BEGAN));
        }
        let message = format!("Scaled up replica set {name} from 0 to {count}");
        let deployment = self.find(host).unwrap().clone();
        self.say(&deployment, &Said::tells("ScalingReplicaSet", message).from("deployment-controller").at(BEGAN));
        self.add(new);
        pods
    }

    /// Brings counts, conditions and endpoints into line with the pods.
    pub(super) fn settle(&mut self, host: &Host) {
        let pods = self.pods_of(host);
        let ready = |world: &Self, pods: &[Host]| pods.iter().filter(|it| is_ready(world.find(it).unwrap())).count();
        let (all, well) = (pods.len(), ready(self, &pods));
        if matches!(host.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet") {
            for set in self.objects.iter_mut().filter(|it| it["kind"] == "ReplicaSet" && it["spec"]["replicas"] != 0) {
                if set["metadata"]["ownerReferences"][0]["name"] != host.name.as_str()
                    || text(set, "/metadata/namespace") != host.namespace
                {
                    continue;
                }
                set["status"]["readyReplicas"] = 0.into();
            }
        }
        for pod in &pods {
            let pod = self.find(pod).unwrap();
            if is_ready(pod) {
                let set = text(pod, "/metadata/ownerReferences/0/name").to_owned();
                let set = host.beside("ReplicaSet", &set);
                if host.kind == "Deployment" && self.find(&set).is_some() {
                    let set = self.get(&set);
                    let count = set["status"]["readyReplicas"].as_i64().unwrap_or(0) + 1;
                    set["status"]["readyReplicas"] = count.into();
                    set["status"]["availableReplicas"] = count.into();
                }
            }
        }
        match host.kind.as_str() {
            "Deployment" => self.settle_deployment(host, all, well),
            "StatefulSet" => {
                let status = &mut self.get(host)["status"];
                (status["readyReplicas"], status["availableReplicas"]) = (well.into(), well.into());
            }
            "DaemonSet" => {
                let status = &mut self.get(host)["status"];
                (status["numberReady"], status["numberAvailable"]) = (well.into(), well.into());
                status["numberUnavailable"] = (all - well).into();
            }
            _ => {}
        }
        self.settle_endpoints(&host.namespace);
    }

    fn settle_deployment(&mut self, host: &Host, all: usize, well: usize) {
        let new = host.beside("ReplicaSet", &format!("{}-{HASH}", host.name));
        let rolled = self.find(&new).map(|it| (it["status"]["readyReplicas"].as_i64(), it["spec"]["replicas"].clone()));
        let deployment = self.get(host);
        let wanted = usize::try_from(deployment["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap();
        let status = &mut deployment["status"];
        status["replicas"] = all.into();
        (status["readyReplicas"], status["availableReplicas"]) = (well.into(), well.into());
        status["unavailableReplicas"] = (wanted.max(all) - well).into();
        // By default a quarter of the replicas, rounded down, may be away.
        if well < wanted - wanted / 4 {
            let message = "Deployment does not have minimum availability.";
            condition(deployment, "Available", "False", "MinimumReplicasUnavailable", message);
        }
        if let Some((ready, replicas)) = rolled {
            deployment["status"]["updatedReplicas"] = replicas.clone();
            if ready.unwrap_or(0) < replicas.as_i64().unwrap() {
                let message = format!("ReplicaSet \"{}\" has timed out progressing.", new.name);
                condition(deployment, "Progressing", "False", "ProgressDeadlineExceeded", &message);
            }
        }
    }

    /// Endpoints follow the pods of their Services.
    pub(super) fn settle_endpoints(&mut self, namespace: &str) {
        let services: Vec<Host> = self
            .of_kind("Service")
            .filter(|it| text(it, "/metadata/namespace") == namespace && it["spec"]["selector"].is_object())
            .map(|it| Host::of(self.cluster, it))
            .collect();
        for service in services {
            let pods = self.pods_of(&service);
            let endpoints: Vec<Value> = pods.iter().filter_map(|it| endpoint(self.find(it).unwrap())).collect();
            let of = |it: &&mut Held| {
                it["kind"] == "EndpointSlice"
                    && text(it, "/metadata/namespace") == namespace
                    && it["metadata"]["labels"]["kubernetes.io/service-name"] == service.name.as_str()
            };
            if let Some(slice) = self.objects.iter_mut().find(of) {
                slice["endpoints"] = endpoints.into();
            }
        }
    }
}

fn uid(index: usize) -> String {
    format!("0b5c1a3e-77d2-4f0e-9a41-{index:012x}")
}

pub(super) fn is_ready(pod: &Value) -> bool {
    pod["status"]["conditions"].as_array().is_some_and(|it| it.iter().any(|it| it["type"] == "Ready" && it["status"] == "True"))
}

/// Pods without an address, or which have ended, are no endpoints.
fn endpoint(pod: &Value) -> Option<Value> {
    let ended = matches!(text(pod, "/status/phase"), "Failed" | "Succeeded");
    let address = pod["status"]["podIP"].as_str().filter(|_| !ended)?;
    let ready = is_ready(pod);
    let target = json!({"kind": "Pod", "name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"], "uid": pod["metadata"]["uid"]});
    Some(json!({
        "addresses": [address], "conditions": {"ready": ready, "serving": ready, "terminating": false},
        "nodeName": pod["spec"]["nodeName"], "targetRef": target,
    }))
}

/// The pod as the kubelet of its node has just taken it.
fn anew(pod: &Value, change: &impl Fn(&mut Value)) -> Value {
    let mut pod = pod.clone();
    change(&mut pod["spec"]);
    pod["metadata"]["creationTimestamp"] = BEGAN.into();
    let states = |list: &str, reason: &str| -> Vec<Value> {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        let state = |it: &Value| {
            json!({"name": it["name"], "image": it["image"], "imageID": "", "ready": false, "started": false, "restartCount": 0,
                "lastState": {}, "state": {"waiting": {"reason": reason}}})
        };
        containers.map(state).collect()
    };
    let init = states("initContainers", "PodInitializing");
    let reason = if init.is_empty() { "ContainerCreating" } else { "PodInitializing" };
    let mut status = json!({
        "phase": "Pending", "qosClass": pod["status"]["qosClass"], "startTime": BEGAN, "hostIP": pod["status"]["hostIP"],
        "hostIPs": pod["status"]["hostIPs"], "containerStatuses": states("containers", reason),
    });
    if !init.is_empty() {
        status["initContainerStatuses"] = init.into();
    }
    pod["status"] = status;
    let names = names(&pod).join(" ");
    let unready = format!("containers with unready status: [{names}]");
    condition(&mut pod, "PodReadyToStartContainers", "False", "", "");
    condition(&mut pod, "Initialized", "True", "", "");
    condition(&mut pod, "Ready", "False", "ContainersNotReady", &unready);
    condition(&mut pod, "ContainersReady", "False", "ContainersNotReady", &unready);
    condition(&mut pod, "PodScheduled", "True", "", "");
    pod
}

/// Names of the containers.
pub(super) fn names(pod: &Value) -> Vec<&str> {
    pod["spec"]["containers"].as_array().into_iter().flatten().map(|it| text(it, "/name")).collect()
}
