//! States of pods as scheduler and kubelet write them.

use serde_json::{Value, json};

use super::rollout::names;
use super::said::Said;
use super::world::{BEGAN, Host, World, condition, text};

/// When the instance before the last restart was started and when it ended.
pub(super) const STARTED: &str = "2026-11-23T09:25:58Z";
pub(super) const ENDED: &str = "2026-11-23T09:26:03Z";

/// The name of the first container.
pub(super) fn main(pod: &Value) -> String {
    text(pod, "/spec/containers/0/name").to_owned()
}

/// The image of the first container.
pub(super) fn image(pod: &Value) -> String {
    text(pod, "/spec/containers/0/image").to_owned()
}

/// How the kubelet names a pod in messages.
pub(super) fn full_name(pod: &Value) -> String {
    format!("{}_{}({})", text(pod, "/metadata/name"), text(pod, "/metadata/namespace"), text(pod, "/metadata/uid"))
}

/// The scheduler refuses the pod.
pub(super) fn unscheduled(pod: &mut Value, message: &str) -> Vec<Said> {
    pod["spec"].as_object_mut().unwrap().remove("nodeName");
    pod["status"] = json!({"phase": "Pending", "qosClass": pod["status"]["qosClass"]});
    condition(pod, "PodScheduled", "False", "Unschedulable", message);
    vec![Said::warns("FailedScheduling", message).from("default-scheduler")]
}

/// Its sandbox is there, and its other containers run.
fn is_begun(pod: &mut Value) {
    if pod["status"]["podIP"].is_null() {
        pod["status"]["podIP"] = "10.60.48.201".into();
        pod["status"]["podIPs"] = json!([{"ip": "10.60.48.201"}]);
    }
    condition(pod, "PodReadyToStartContainers", "True", "", "");
    let spec = pod["spec"].clone();
    for list in ["initContainerStatuses", "containerStatuses"] {
        let Some(all) = pod["status"][list].as_array_mut() else { continue };
        for status in all.iter_mut().filter(|it| !it["state"]["waiting"].is_null()) {
            let ended = list == "initContainerStatuses" && !is_sidecar(&spec, text(status, "/name"));
            status["state"] = if ended {
                json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": BEGAN, "finishedAt": BEGAN}})
            } else {
                json!({"running": {"startedAt": BEGAN}})
            };
            (status["ready"], status["started"]) = (true.into(), (!ended).into());
        }
    }
}

fn is_sidecar(spec: &Value, name: &str) -> bool {
    let all = spec["initContainers"].as_array().into_iter().flatten();
    all.filter(|it| it["name"] == name).any(|it| it["restartPolicy"] == "Always")
}

/// The first container is not ready, in this state.
fn first(pod: &mut Value, state: Value, last: Value, restarts: i64) {
    is_begun(pod);
    let name = main(pod);
    let statuses = pod["status"]["containerStatuses"].as_array_mut().unwrap();
    let status = statuses.iter_mut().find(|it| it["name"] == name.as_str()).unwrap();
    let running = !state["running"].is_null();
    (status["ready"], status["started"]) = (false.into(), running.into());
    (status["state"], status["lastState"], status["restartCount"]) = (state, last, restarts.into());
    unready(pod, &name);
}

fn unready(pod: &mut Value, name: &str) {
    let message = format!("containers with unready status: [{name}]");
    condition(pod, "Ready", "False", "ContainersNotReady", &message);
    condition(pod, "ContainersReady", "False", "ContainersNotReady", &message);
}

/// The first container waits; the pod has not run yet.
pub(super) fn waits(pod: &mut Value, reason: &str, message: &str) {
    let mut waiting = json!({"reason": reason});
    if !message.is_empty() {
        waiting["message"] = message.into();
    }
    first(pod, json!({"waiting": waiting}), json!({}), 0);
    pod["status"]["phase"] = if names(pod).len() > 1 { "Pending".into() } else { pod["status"]["phase"].clone() };
}

/// How a container ends, again and again.
pub(super) struct End<'a> {
    pub(super) code: i64,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl End<'_> {
    pub(super) const ERROR: Self = Self { code: 1, reason: "Error", message: "" };

    fn terminated(&self) -> Value {
        let mut last = json!({"exitCode": self.code, "reason": self.reason, "startedAt": STARTED, "finishedAt": ENDED,
            "containerID": "containerd://3f0e9a4177d24c0b5c1a3e6a1c0b5c1a3e77d24f0e9a410b5c1a3e77d24f0e9a"});
        if !self.message.is_empty() {
            last["message"] = self.message.into();
        }
        last
    }
}

/// The first container ends again and again, and the kubelet backs off.
pub(super) fn crashes(pod: &mut Value, end: &End<'_>) -> Vec<Said> {
    let name = main(pod);
    let whole = full_name(pod);
    let waiting =
        json!({"reason": "CrashLoopBackOff", "message": format!("back-off 5m0s restarting failed container={name} pod={whole}")});
    first(pod, json!({"waiting": waiting}), json!({"terminated": end.terminated()}), 7);
    pod["status"]["phase"] = "Running".into();
    let image = image(pod);
    vec![
        Said::tells("Pulled", format!("Container image \"{image}\" already present on machine")).of(&name).at(STARTED),
        Said::tells("Created", format!("Created container: {name}")).of(&name).at(STARTED),
        Said::tells("Started", format!("Started container {name}")).of(&name).at(STARTED),
        Said::warns("BackOff", format!("Back-off restarting failed container {name} in pod {whole}")).of(&name),
    ]
}

/// The process of the container that ended was never started.
pub(super) fn never_ran(pod: &mut Value) {
    let name = main(pod);
    for status in pod["status"]["containerStatuses"].as_array_mut().unwrap() {
        if status["name"] == name.as_str() {
            status["lastState"]["terminated"]["startedAt"] = "1970-01-01T00:00:00Z".into();
        }
    }
}

/// The kubelet still makes the sandbox or mounts the volumes.
pub(super) fn is_creating(pod: &mut Value) {
    pod["status"].as_object_mut().unwrap().remove("podIP");
    pod["status"].as_object_mut().unwrap().remove("podIPs");
    pod["status"]["phase"] = "Pending".into();
}

/// An init container ends with this code, again and again.
pub(super) fn init_crashes(pod: &mut Value, name: &str, code: i64) -> Vec<Said> {
    let end = End { code, reason: "Error", message: "" };
    let whole = full_name(pod);
    condition(pod, "PodReadyToStartContainers", "True", "", "");
    condition(pod, "Initialized", "False", "ContainersNotInitialized", &format!("containers with incomplete status: [{name}]"));
    pod["status"]["podIP"] = "10.60.48.201".into();
    for status in pod["status"]["initContainerStatuses"].as_array_mut().unwrap() {
        if status["name"] == name {
            let message = format!("back-off 5m0s restarting failed container={name} pod={whole}");
            status["state"] = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
            status["lastState"] = json!({"terminated": end.terminated()});
            status["restartCount"] = 7.into();
        }
    }
    vec![
        Said::tells("Started", format!("Started container {name}")).of(name).at(STARTED),
        Said::warns("BackOff", format!("Back-off restarting failed container {name} in pod {whole}")).of(name),
    ]
}

/// An init container runs on and does not end.
pub(super) fn init_waits(pod: &mut Value, name: &str) -> Vec<Said> {
    condition(pod, "PodReadyToStartContainers", "True", "", "");
    condition(pod, "Initialized", "False", "ContainersNotInitialized", &format!("containers with incomplete status: [{name}]"));
    pod["status"]["podIP"] = "10.60.48.201".into();
    for status in pod["status"]["initContainerStatuses"].as_array_mut().unwrap() {
        if status["name"] == name {
            status["state"] = json!({"running": {"startedAt": BEGAN}});
            status["started"] = true.into();
        }
    }
    vec![Said::tells("Started", format!("Started container {name}")).of(name).at(BEGAN)]
}

/// The first container runs and is not ready.
pub(super) fn runs_unready(pod: &mut Value) {
    let name = main(pod);
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    let running =
        statuses.into_iter().find(|it| it["name"] == name.as_str()).map_or(Value::Null, |it| it["state"]["running"].clone());
    let running = if running.is_null() { json!({"startedAt": BEGAN}) } else { running };
    first(pod, json!({"running": running}), json!({}), 0);
    pod["status"]["phase"] = "Running".into();
}

/// The liveness or startup probe has the first container killed, time after time.
pub(super) fn is_killed_by_probe(pod: &mut Value, code: i64) -> Vec<Said> {
    let end = End { code, reason: if code == 0 { "Completed" } else { "Error" }, message: "" };
    let name = main(pod);
    first(pod, json!({"running": {"startedAt": "2026-11-23T09:28:40Z"}}), json!({"terminated": end.terminated()}), 6);
    pod["status"]["phase"] = "Running".into();
    vec![Said::tells("Started", format!("Started container {name}")).of(&name).at("2026-11-23T09:28:40Z")]
}

/// The kubelet ended or turned away the pod as a whole.
pub(super) fn fails_whole(pod: &mut Value, reason: &str, message: &str) {
    let status = json!({"phase": "Failed", "reason": reason, "message": message, "startTime": BEGAN, "qosClass": pod["status"]["qosClass"]});
    pod["status"] = status;
}

impl World {
    /// The same log of the first container of these pods, of the instance that ended and of that one before.
    pub(super) fn logs_of(&mut self, pods: &[Host], lines: &str) {
        for pod in pods {
            let name = main(self.find(pod).unwrap());
            self.log(pod, &name, true, lines);
            self.log(pod, &name, false, lines);
        }
    }

    /// Kubernetes of this world, as its minor version.
    pub(super) fn minor(&self) -> u32 {
        let node = self.of_kind("Node").next().unwrap();
        text(node, "/status/nodeInfo/kubeletVersion").split('.').nth(1).unwrap().parse().unwrap()
    }
}
