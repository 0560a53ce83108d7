//! Jobs that fail or never end, and CronJobs that start none.

use serde_json::{Value, json};

use super::Fault;
use super::said::Said;
use super::states::{ENDED, STARTED, main};
use super::world::{BEGAN, Host, World, condition, text};

const JOB: &[&str] = &["Job"];
const CRON: &[&str] = &["CronJob"];

pub(super) const FAULTS: &[Fault] = &[
    Fault::of("job-backoff-limit", JOB, backoff_limit),
    Fault::of("app-db-auth", JOB, pods_fail).called("of a Job").with(&["job-backoff-limit"]),
    Fault::of("job-deadline", JOB, deadline),
    Fault::of("job-pod-failure-policy", JOB, failure_policy),
    Fault::of("sa-missing", JOB, service_account).called("of a Job").with(&["job-cannot-create-pods"]),
    Fault::of("job-cannot-create-pods", JOB, refused),
    Fault::of("job-sidecar-blocks-completion", JOB, sidecar),
    Fault::of("cronjob-suspended", CRON, suspended),
    Fault::of("cronjob-invalid-schedule", CRON, time_zone),
    Fault::of("cronjob-missed", CRON, missed),
    Fault::of("image-tag-not-found", CRON, image).called("of a CronJob"),
];

/// The Job as it was made anew, with this state.
fn anew(world: &mut World, host: &Host, status: Value) {
    let job = world.get(host);
    job["metadata"]["creationTimestamp"] = BEGAN.into();
    job["status"] = status;
}

/// The Job has given up, and what it made was ended with it.
fn fails(world: &mut World, host: &Host, reason: &str, message: &str) {
    anew(world, host, json!({"failed": 3, "startTime": BEGAN, "terminating": 0, "ready": 0, "uncountedTerminatedPods": {}}));
    let pods = world.pods_of(host);
    world.remove_all(&pods);
    let job = world.get(host);
    condition(job, "FailureTarget", "True", reason, message);
    condition(job, "Failed", "True", reason, message);
    let job = job.clone();
    let said = match reason {
        "BackoffLimitExceeded" => "BackoffLimitExceeded",
        "DeadlineExceeded" => "DeadlineExceeded",
        _ => "PodFailurePolicy",
    };
    world.say(&job, &Said::warns(said, message).from("job-controller").at("2026-11-23T09:20:00Z"));
}

fn backoff_limit(world: &mut World, host: &Host) {
    fails(world, host, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
}

/// With `restartPolicy: Never` the pods that failed stay.
fn pods_fail(world: &mut World, host: &Host) {
    let pods = world.pods_of(host);
    let kept: Vec<Value> = pods.iter().map(|it| world.find(it).unwrap().clone()).collect();
    fails(world, host, "BackoffLimitExceeded", "Job has reached the specified backoff limit");
    world.get(host)["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    for pod in kept {
        world.add(pod);
    }
    world.each(&pods, |pod| {
        pod["metadata"]["creationTimestamp"] = BEGAN.into();
        pod["spec"]["restartPolicy"] = "Never".into();
        pod["status"]["phase"] = "Failed".into();
        let ended = json!({"exitCode": 1, "reason": "Error", "startedAt": STARTED, "finishedAt": ENDED});
        pod["status"]["containerStatuses"][0]["state"] = json!({"terminated": ended});
        pod["status"]["containerStatuses"][0]["ready"] = false.into();
        condition(pod, "Ready", "False", "PodFailed", "");
        condition(pod, "ContainersReady", "False", "PodFailed", "");
        Vec::new()
    });
    for pod in &pods {
        let name = main(world.find(pod).unwrap());
        world.log(pod, &name, false, "opening the archive\nFATAL: password authentication failed for user \"archive\"\n");
    }
}

fn deadline(world: &mut World, host: &Host) {
    world.get(host)["spec"]["activeDeadlineSeconds"] = 120.into();
    fails(world, host, "DeadlineExceeded", "Job was active longer than specified deadline");
}

fn failure_policy(world: &mut World, host: &Host) {
    let pod = world.pods_of(host).remove(0);
    let message = format!(
        "Container main for pod {}/{} failed with exit code 42 matching FailJob rule at index 0",
        pod.namespace, pod.name
    );
    fails(world, host, "PodFailurePolicy", &message);
}

fn not_created(world: &mut World, host: &Host, message: &str) {
    anew(world, host, json!({"startTime": BEGAN, "terminating": 0, "ready": 0, "uncountedTerminatedPods": {}}));
    let pods = world.pods_of(host);
    world.remove_all(&pods);
    let job = world.find(host).unwrap().clone();
    world.say(&job, &Said::warns("FailedCreate", format!("Error creating: {message}")).from("job-controller"));
}

fn service_account(world: &mut World, host: &Host) {
    let message = format!(
        "pods \"{0}-\" is forbidden: error looking up service account {1}/runner: serviceaccount \"runner\" not found",
        host.name, host.namespace
    );
    not_created(world, host, &message);
}

fn refused(world: &mut World, host: &Host) {
    not_created(world, host, "etcdserver: request timed out");
}

/// The worker has ended, and a container beside it runs on.
fn sidecar(world: &mut World, host: &Host) {
    anew(world, host, json!({"active": 1, "ready": 0, "startTime": BEGAN, "terminating": 0, "uncountedTerminatedPods": {}}));
    let pods = world.pods_of(host);
    world.each(&pods, |pod| {
        let shipper = json!({"name": "log-shipper", "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.34.0", "resources": {}});
        pod["spec"]["containers"].as_array_mut().unwrap().push(shipper);
        let ended = json!({"exitCode": 0, "reason": "Completed", "startedAt": BEGAN, "finishedAt": "2026-11-23T09:14:00Z"});
        let status = pod["status"]["containerStatuses"].as_array_mut().unwrap();
        status[0]["state"] = json!({"terminated": ended});
        status.push(json!({"name": "log-shipper", "ready": true, "started": true, "restartCount": 0, "image": "public.ecr.aws/aws-observability/aws-for-fluent-bit:2.34.0",
            "imageID": "", "lastState": {}, "state": {"running": {"startedAt": BEGAN}}}));
        pod["status"]["phase"] = "Running".into();
        condition(pod, "Ready", "False", "ContainersNotReady", "containers with unready status: [worker]");
        Vec::new()
    });
}

fn suspended(world: &mut World, host: &Host) {
    world.get(host)["spec"]["suspend"] = true.into();
}

fn time_zone(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        it["spec"]["timeZone"] = "Europe/Berln".into();
        vec![Said::warns("UnknownTimeZone", "invalid timeZone: \"Europe/Berln\"").from("cronjob-controller")]
    });
}

fn missed(world: &mut World, host: &Host) {
    world.each(std::slice::from_ref(host), |it| {
        it["status"]["lastScheduleTime"] = "2026-11-18T09:00:00Z".into();
        let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
        vec![Said::warns("TooManyMissedTimes", message).from("cronjob-controller")]
    });
}

/// The newest Job of a CronJob cannot pull its image.
fn image(world: &mut World, host: &Host) {
    let pods: Vec<Host> = world
        .of_kind("Job")
        .filter(|it| it["metadata"]["ownerReferences"][0]["name"] == host.name.as_str())
        .map(|it| Host::of(world.cluster, it))
        .collect();
    let job = pods.last().unwrap().clone();
    let image = format!("{}-typo", text(world.find(&job).unwrap(), "/spec/template/spec/containers/0/image"));
    world.get(&job)["spec"]["template"]["spec"]["containers"][0]["image"] = image.clone().into();
    world.get(host)["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["image"] = image.clone().into();
    anew(world, &job, json!({"active": 1, "ready": 0, "startTime": BEGAN, "terminating": 0, "uncountedTerminatedPods": {}}));
    let pods = world.pods_of(&job);
    world.each(&pods, |pod| {
        let name = main(pod);
        pod["metadata"]["creationTimestamp"] = BEGAN.into();
        pod["spec"]["containers"][0]["image"] = image.clone().into();
        let error =
            format!("failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found");
        super::states::waits(pod, "ImagePullBackOff", &format!("Back-off pulling image \"{image}\": ErrImagePull: {error}"));
        pod["status"]["phase"] = "Pending".into();
        vec![
            Said::warns("Failed", format!("Failed to pull image \"{image}\": {error}")).of(&name),
            Said::warns("Failed", "Error: ErrImagePull").of(&name),
        ]
    });
    let active = json!([{"apiVersion": "batch/v1", "kind": "Job", "namespace": job.namespace, "name": job.name}]);
    world.get(host)["status"]["active"] = active;
}
