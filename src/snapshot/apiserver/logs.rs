//! Logs of containers, and why there is none.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::LogKey;
use super::request::Query;
use super::status::{self, Answer, TEXT};
use crate::domain::object::{Field, Object};
use crate::domain::time::parse_timestamp;

const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// Where a pod lists its containers and their states.
const LISTS: &[(&str, &str)] = &[
    ("spec.containers", "status.containerStatuses"),
    ("spec.initContainers", "status.initContainerStatuses"),
    ("spec.ephemeralContainers", "status.ephemeralContainerStatuses"),
];

/// The log that a query asks for.
pub(super) fn log(pod: &Object, logs: &BTreeMap<LogKey, Vec<u8>>, now: Timestamp, query: &Query) -> Result<Answer, Answer> {
    let part = Part {
        tail: query.number("tailLines", 0)?,
        since: since(now, query)?,
        timestamps: query.flag("timestamps"),
        bytes: query.number("limitBytes", 1)?,
    };
    let container = container(pod, query.text("container"))?;
    let previous = query.flag("previous");
    let recorded = |previous: bool| {
        let key = LogKey {
            namespace: pod.namespace().to_owned(),
            pod: pod.name().to_owned(),
            container: container.to_owned(),
            previous,
        };
        logs.get(&key)
    };
    let status = LISTS.iter().find_map(|(_, statuses)| pod.list(statuses).find(|it| it.text("name") == container));
    let between = status.as_ref().is_some_and(is_between_runs);
    // Between two runs the last one is the present and the previous instance at the same time.
    if let Some(log) = recorded(previous).or_else(|| recorded(!previous).filter(|_| between)) {
        return Ok(Answer::text(StatusCode::OK, TEXT, part.of(log)));
    }
    Err(absent(pod, container, status.as_ref(), previous))
}

/// The moment before which lines are not wanted.
fn since(now: Timestamp, query: &Query) -> Result<Option<Timestamp>, Answer> {
    let seconds = query.number("sinceSeconds", 1)?;
    match (seconds, query.text("sinceTime")) {
        (Some(_), Some(_)) => Err(status::bad_request("at most one of `sinceTime` or `sinceSeconds` may be specified")),
        (Some(seconds), None) => {
            Ok(i64::try_from(seconds).ok().and_then(|it| now.checked_sub(SignedDuration::from_secs(it)).ok()))
        }
        (None, Some(moment)) => parse_timestamp(moment).map(Some).ok_or_else(|| {
            status::bad_request(format!("parsing time {moment:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse"))
        }),
        (None, None) => Ok(None),
    }
}

/// The container that is meant; it must be one of the pod's.
fn container<'a>(pod: &'a Object, asked: Option<&'a str>) -> Result<&'a str, Answer> {
    let names = |path: &'static str| -> Vec<&'a str> {
        let containers = pod.get(path).and_then(Value::as_array).into_iter().flatten();
        containers.filter_map(|it| it.get("name")?.as_str()).collect()
    };
    let name = pod.name();
    let known = |container: &str| LISTS.iter().any(|(containers, _)| names(containers).contains(&container));
    if let Some(asked) = asked {
        return if known(asked) {
            Ok(asked)
        } else {
            Err(status::bad_request(format!("container {asked} is not valid for pod {name}")))
        };
    }
    if let Some(default) = pod.annotation(DEFAULT_CONTAINER).filter(|it| known(it)) {
        return Ok(default);
    }
    match names("spec.containers").as_slice() {
        [only] => Ok(only),
        [] => Err(status::bad_request(format!("a container name must be specified for pod {name}"))),
        several => {
            let mut message =
                format!("a container name must be specified for pod {name}, choose one of: [{}]", several.join(" "));
            let first = names("spec.initContainers");
            if !first.is_empty() {
                message.push_str(&format!(" or one of the init containers: [{}]", first.join(" ")));
            }
            Err(status::bad_request(message))
        }
    }
}

fn is_between_runs(status: &Field<'_>) -> bool {
    status.get("state.waiting").is_some() && status.get("lastState.terminated").is_some()
}

/// Why there is no log: the kubelet's reason, or that none was recorded.
fn absent(pod: &Object, container: &str, status: Option<&Field<'_>>, previous: bool) -> Answer {
    let name = pod.name();
    let of_pod = format!("container {container:?} in pod {name:?}");
    let Some(status) = status else {
        // A real server has nothing to ask for the log of a pod without a node, and answers with an empty one.
        return if pod.text("spec.nodeName").is_empty() {
            Answer::text(StatusCode::OK, TEXT, "")
        } else {
            status::bad_request(format!("{of_pod} is not available"))
        };
    };
    let ran_before = status.get("lastState.terminated").is_some();
    if previous && !ran_before {
        return status::bad_request(format!("previous terminated {of_pod} not found"));
    }
    let waits = status.get("state.running").is_none() && status.get("state.terminated").is_none();
    if waits && !ran_before {
        return match status.text("state.waiting.reason") {
            "" => status::bad_request(format!("{of_pod} is waiting to start - no logs yet")),
            reason => status::bad_request(format!("{of_pod} is waiting to start: {reason}")),
        };
    }
    let which = if previous { "previous log" } else { "log" };
    let namespace = pod.namespace();
    status::not_recorded(format!("the snapshot holds no {which} of container `{container}` in pod `{namespace}/{name}`"))
}

/// The part of a log that was asked for.
struct Part {
    tail: Option<u64>,
    since: Option<Timestamp>,
    timestamps: bool,
    bytes: Option<u64>,
}

impl Part {
    fn of(&self, log: &[u8]) -> Vec<u8> {
        let lines: Vec<&[u8]> = log.split_inclusive(|it| *it == b'\n').collect();
        let tail = self.tail.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX));
        // A line without a time, as of a stack trace, belongs to the one before it.
        let mut wanted = true;
        let recent = lines.into_iter().filter(|line| {
            if let (Some(since), Some(time)) = (self.since, time_of(line)) {
                wanted = time >= since;
            }
            wanted
        });
        let recent: Vec<&[u8]> = recent.collect();
        let recent = recent.get(recent.len().saturating_sub(tail)..).unwrap_or_default();
        let mut part = if self.timestamps { stamped(recent) } else { recent.concat() };
        part.truncate(self.bytes.map_or(usize::MAX, |it| usize::try_from(it).unwrap_or(usize::MAX)));
        part
    }
}

/// Lines with the time they were written at, as far as the log itself says it: what a kubelet recorded is not in it.
fn stamped(lines: &[&[u8]]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut last = None;
    for line in lines {
        last = time_of(line).or(last);
        if let Some(time) = last.filter(|_| !is_stamped(line)) {
            text.extend_from_slice(format!("{time:.9} ").as_bytes());
        }
        text.extend_from_slice(line);
    }
    text
}

/// Whether a line was recorded with the time of the kubelet, which alone writes nanoseconds to the last digit.
fn is_stamped(line: &[u8]) -> bool {
    let word = line.split(|it| *it == b' ').next().unwrap_or_default();
    word.len() == "2026-11-23T09:29:00.000000000Z".len() && word.get(19) == Some(&b'.') && word.ends_with(b"Z")
}

/// The time at which a line says it was written.
fn time_of(line: &[u8]) -> Option<Timestamp> {
    let start = line.get(..line.len().min(4_096)).unwrap_or_default();
    crate::domain::log::time_of(&String::from_utf8_lossy(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LOG: &str = "start\n2026-11-23T09:00:00Z one\n  trace\n2026-11-23T09:29:00Z two\n  trace\n";

    fn pod(status: Value) -> Object {
        let spec = json!({"nodeName": "x", "containers": [{"name": "main"}], "initContainers": [{"name": "init"}]});
        Object::new(json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec, "status": {"containerStatuses": [status]}}))
    }

    fn ask(pod: &Object, files: &[&str], query: &str) -> (u16, String) {
        let logs = files.iter().map(|it| (LogKey::parse(it).unwrap(), LOG.as_bytes().to_vec())).collect();
        let query = Query::of(&format!("/?{query}").parse().unwrap());
        let answer = log(pod, &logs, "2026-11-23T09:30:00Z".parse().unwrap(), &query).unwrap_or_else(|it| it);
        let body = String::from_utf8(answer.body).unwrap();
        let message = serde_json::from_str::<Value>(&body).ok().and_then(|it| Some(it.get("message")?.as_str()?.to_owned()));
        (answer.code.as_u16(), message.unwrap_or(body))
    }

    #[test]
    fn the_part_that_was_asked_for_is_given() {
        let pod = pod(json!({"name": "main", "state": {"running": {}}}));
        let part = |query: &str| ask(&pod, &["n_p_main.log"], query).1;
        assert_eq!(part(""), LOG);
        assert_eq!(part("tailLines=2"), "2026-11-23T09:29:00Z two\n  trace\n");
        assert_eq!((part("tailLines=0").as_str(), part("tailLines=99").as_str()), ("", LOG));
        assert_eq!(part("sinceSeconds=120"), "start\n2026-11-23T09:29:00Z two\n  trace\n");
        assert_eq!(part("tailLines=2&limitBytes=4"), "2026");
        assert_eq!(part("sinceTime=2026-11-23T09:28:30Z"), "start\n2026-11-23T09:29:00Z two\n  trace\n");
        let two = "2026-11-23T09:29:00.000000000Z";
        assert_eq!(part("tailLines=2&timestamps=true"), format!("{two} 2026-11-23T09:29:00Z two\n{two}   trace\n"));
        assert_eq!(ask(&pod, &["n_p_main.log"], "sinceTime=yesterday").0, 400);
        assert_eq!(ask(&pod, &["n_p_main.log"], "tailLines=x").0, 400);
        assert_eq!(ask(&pod, &["n_p_main.log"], "limitBytes=0").0, 400);
    }

    #[test]
    fn the_reason_for_no_log_is_that_of_a_real_server() {
        let running = pod(json!({"name": "main", "state": {"running": {}}}));
        let waiting = pod(json!({"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff"}}, "lastState": {}}));
        let crashing =
            pod(json!({"name": "main", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {}}}));
        for (pod, query, code, message) in [
            (&running, "container=zzz", 400, "container zzz is not valid for pod p"),
            (&running, "container=init", 400, r#"container "init" in pod "p" is not available"#),
            (&running, "previous=true", 400, r#"previous terminated container "main" in pod "p" not found"#),
            (&running, "previous=false", 404, "the snapshot holds no log of container `main` in pod `n/p`"),
            (&waiting, "", 400, r#"container "main" in pod "p" is waiting to start: ImagePullBackOff"#),
            (&crashing, "previous=true", 404, "the snapshot holds no previous log of container `main` in pod `n/p`"),
        ] {
            assert_eq!(ask(pod, &[], query), (code, message.to_owned()), "{query}");
        }
        for (file, query) in [("n_p_main.previous.log", ""), ("n_p_main.log", "previous=true")] {
            assert_eq!(ask(&crashing, &[file], query), (200, LOG.to_owned()));
            assert_ne!(ask(&running, &[file], query).0, 200);
        }
    }

    #[test]
    fn the_container_must_be_clear() {
        let mut value = pod(json!({"name": "main", "state": {"running": {}}})).value().clone();
        value["spec"]["containers"] = json!([{"name": "side"}, {"name": "main"}]);
        let message =
            "a container name must be specified for pod p, choose one of: [side main] or one of the init containers: [init]";
        assert_eq!(ask(&Object::new(value.clone()), &["n_p_main.log"], ""), (400, message.to_owned()));
        value["metadata"]["annotations"] = json!({DEFAULT_CONTAINER: "main"});
        assert_eq!(ask(&Object::new(value), &["n_p_main.log"], "").0, 200);
    }
}
