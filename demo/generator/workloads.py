"""Workloads and their pods: templates, what happened to each pod, and the status that follows from it."""

import copy
from dataclasses import dataclass, field as slot
from datetime import datetime

from .base import TAKEN_AT, after, digest, seeded, size, millicores, stamp, suffix
from .pods import NODE_AGENT_TOLERATIONS, POD_TOLERATIONS, PRIORITIES, qos_class

EVENT_HORIZON = after(TAKEN_AT, -3600)


@dataclass
class Life:
    """What happened to a pod. `runs` are starts and ends of its first container; the last end is None while it runs."""

    created: datetime
    state: str = "running"  # running, crashing, waiting, pending, completed
    runs: list = slot(default_factory=list)
    ready: bool = True
    restarts_before: int = 0  # restarts older than `runs`
    reason: str = ""  # of the waiting state, or Unschedulable
    message: str = ""
    last: dict = slot(default_factory=dict)  # reason, exitCode, message of the last termination
    pulled: bool = True
    pull_seconds: int = 4


def running(created, **more):
    life = Life(created, **more)
    if not life.runs:
        life.runs = [(after(created, life.pull_seconds + 2), None)]
    return life


def crashing(created, runs, reason, exit_code, message="", **more):
    last = {"reason": reason, "exitCode": exit_code} | ({"message": message} if message else {})
    return Life(created, "crashing", runs, False, last=last, **more)


def waiting(created, reason, message, pulled=True):
    return Life(created, "waiting", [], False, reason=reason, message=message, pulled=pulled)


def pending(created, message):
    return Life(created, "pending", [], False, reason="Unschedulable", message=message)


@dataclass
class Pod:
    item: dict
    node: str | None
    workload: str
    life: Life
    load: dict

    @property
    def ready(self):
        return self.life.state == "running" and self.life.ready

    @property
    def restarts(self):
        return self.life.restarts_before + max(0, len(self.life.runs) - 1)

    def total(self, kind, resource, parse):
        """Sum over containers, None where one of them has no such value (as Container Insights reports it)."""
        values = [c["resources"].get(kind, {}).get(resource) for c in self.item["spec"]["containers"]]
        return None if any(value is None for value in values) else sum(parse(value) for value in values)

    def requested(self, resource, parse):
        return sum(parse(c["resources"].get("requests", {}).get(resource, "0")) for c in self.item["spec"]["containers"])

    @property
    def cpu_limit(self):
        return self.total("limits", "cpu", millicores)

    @property
    def memory_limit(self):
        return self.total("limits", "memory", size)


def image_digest(image):
    if "@" in image:
        return image
    repository = image.rsplit(":", 1)[0]
    return f"{repository}@sha256:{digest('image', image)}"


def container_statuses(world, name, namespace, pod_uid, containers, life):
    statuses = []
    for index, item in enumerate(containers):
        cid = lambda run: "containerd://" + digest("container", world.name, namespace, name, item["name"], run)
        first = index == 0
        restarts = life.restarts_before + max(0, len(life.runs) - 1) if first else 0
        status = {
            "name": item["name"], "image": item["image"], "imageID": image_digest(item["image"]) if life.pulled else "",
            "lastState": {}, "ready": False, "restartCount": restarts, "started": False,
        }
        terminated = lambda run, start, end: {
            "containerID": cid(run), "startedAt": start, "finishedAt": stamp(end),
        } | life.last
        if life.state == "running":
            start = life.runs[-1][0]
            status |= {"containerID": cid(restarts), "ready": life.ready, "started": True,
                       "state": {"running": {"startedAt": stamp(start)}}}
            if first and life.last:
                status["lastState"] = {"terminated": terminated(restarts - 1, stamp(life.runs[-2][0]), life.runs[-2][1])}
        elif life.state == "crashing":
            start, end = life.runs[-1]
            # A container that never started has the zero time of Unix as its start.
            began = "1970-01-01T00:00:00Z" if life.last["reason"] == "StartError" else stamp(start)
            status |= {
                "containerID": cid(restarts),
                "lastState": {"terminated": terminated(restarts, began, end)},
                "state": {"waiting": {
                    "reason": "CrashLoopBackOff",
                    "message": f"back-off 5m0s restarting failed container={item['name']} pod={name}_{namespace}({pod_uid})",
                }},
            }
        elif life.state == "completed":
            start, end = life.runs[-1]
            status |= {"containerID": cid(0), "state": {"terminated": terminated(0, stamp(start), end)}}
        else:
            status["state"] = {"waiting": {"reason": life.reason, "message": life.message}}
        statuses.append(status)
    return statuses


def pod_conditions(containers, life):
    entry = lambda kind, good, moment, **more: {
        "type": kind, "status": "True" if good else "False", "lastProbeTime": None, "lastTransitionTime": stamp(moment),
    } | more
    if life.state == "pending":
        return [entry("PodScheduled", False, life.created, reason="Unschedulable", message=life.message)]
    if life.state == "completed":
        end = life.runs[-1][1]
        done = {"reason": "PodCompleted"}
        return [
            entry("PodReadyToStartContainers", False, after(end, 2)),
            entry("Initialized", True, life.created, **done),
            entry("Ready", False, after(end, 1), **done),
            entry("ContainersReady", False, after(end, 1), **done),
            entry("PodScheduled", True, life.created),
        ]
    ready = life.state == "running" and life.ready
    unready = {}
    if ready:
        changed = after(life.runs[-1][0], 8)
    else:
        names = " ".join(c["name"] for c in containers)
        unready = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{names}]"}
        was_ready = life.state == "crashing" and life.last["reason"] == "OOMKilled"
        changed = after(life.runs[-1][1], 1) if was_ready else life.created
    return [
        entry("PodReadyToStartContainers", True, after(life.created, 2)),
        entry("Initialized", True, life.created),
        entry("Ready", ready, changed, **unready),
        entry("ContainersReady", ready, changed, **unready),
        entry("PodScheduled", True, life.created),
    ]


def make_pod(world, namespace, name, owner, workload, template, labels, node, life, load=None, prefix=None,
             node_agent=False):
    spec = copy.deepcopy(template)
    token = f"kube-api-access-{suffix(5, 'token', world.name, namespace, name)}"
    spec["volumes"] = spec.get("volumes", []) + [{
        "name": token,
        "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef":
                                        {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}]}},
        ]},
    }]
    associated = (namespace, spec["serviceAccountName"]) in world.associations
    for item in spec["containers"] + spec.get("initContainers", []):
        mounts = item.setdefault("volumeMounts", [])
        mounts.append({"name": token, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True})
        if associated:
            inject_pod_identity(world, item)
    if associated:
        spec["volumes"].append({"name": "eks-pod-identity-token", "projected": {"defaultMode": 420, "sources": [
            {"serviceAccountToken": {"audience": "pods.eks.amazonaws.com", "expirationSeconds": 86400,
                                     "path": "eks-pod-identity-token"}}]}})
    if "priorityClassName" in spec:
        spec["priority"] = PRIORITIES[spec["priorityClassName"]]
    else:
        spec["priority"] = 0
    spec["preemptionPolicy"] = "PreemptLowerPriority"
    spec["enableServiceLinks"] = True
    spec["tolerations"] = spec.get("tolerations", []) + (NODE_AGENT_TOLERATIONS if node_agent else POD_TOLERATIONS)
    if node:
        spec["nodeName"] = node
    meta = world.meta("Pod", name, namespace, life.created, labels=labels, owner=owner, prefix=prefix)
    if world.minor >= "1.33":
        # The API server counts generations of pods since 1.33.
        meta["generation"] = 1
    phase = {"pending": "Pending", "waiting": "Pending", "completed": "Succeeded"}.get(life.state, "Running")
    status = {"phase": phase, "qosClass": qos_class(spec["containers"]), "conditions": pod_conditions(spec["containers"], life)}
    if node:
        host = world.nodes[node]["address"]
        address = host if spec.get("hostNetwork") else world.pod_address(node)
        status |= {"hostIP": host, "hostIPs": [{"ip": host}], "podIP": address, "podIPs": [{"ip": address}],
                   "startTime": stamp(life.created)}
        status["containerStatuses"] = container_statuses(world, name, namespace, meta["uid"], spec["containers"], life)
        if "initContainers" in spec:
            status["initContainerStatuses"] = [init_status(world, namespace, name, c, life) for c in spec["initContainers"]]
    item = world.add(namespace, "v1", "Pod", meta, spec=spec, status=status)
    pod = Pod(item, node, workload, life, load or {})
    world.pods.append(pod)
    if life.created >= EVENT_HORIZON:
        first_events(world, pod, owner)
    return pod


def init_status(world, namespace, name, item, life):
    return {
        "name": item["name"], "image": item["image"], "imageID": image_digest(item["image"]), "lastState": {},
        "ready": True, "restartCount": 0, "started": False,
        "containerID": "containerd://" + digest("container", world.name, namespace, name, item["name"], 0),
        "state": {"terminated": {
            "containerID": "containerd://" + digest("container", world.name, namespace, name, item["name"], 0),
            "exitCode": 0, "reason": "Completed", "startedAt": stamp(after(life.created, 3)),
            "finishedAt": stamp(after(life.created, 5)),
        }},
    }


def inject_pod_identity(world, item):
    """What the EKS webhook adds to the containers of an associated service account."""
    item.setdefault("env", []).extend({"name": name, "value": value} for name, value in (
        ("AWS_STS_REGIONAL_ENDPOINTS", "regional"),
        ("AWS_DEFAULT_REGION", world.region),
        ("AWS_REGION", world.region),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
         "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token"),
    ))
    item["volumeMounts"].append({"name": "eks-pod-identity-token", "readOnly": True,
                                 "mountPath": "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"})


def first_events(world, pod, owner):
    """The events of a pod's creation; only those the API server still holds."""
    item, life = pod.item, pod.life
    meta, container = item["metadata"], item["spec"]["containers"][0]
    makers = {"ReplicaSet": "replicaset-controller", "Job": "job-controller", "StatefulSet": "statefulset-controller",
              "DaemonSet": "daemonset-controller"}
    world.event(owner, "SuccessfulCreate", f"Created pod: {meta['name']}", life.created, component=makers[owner["kind"]])
    if not pod.node:
        return
    world.event(item, "Scheduled", f"Successfully assigned {meta['namespace']}/{meta['name']} to {pod.node}",
                life.created, component="default-scheduler")
    if life.state == "waiting":
        return
    started = life.runs[0][0]
    per_container = {"node": pod.node, "container": container["name"]}
    runs = len(life.runs)
    if life.pull_seconds > 1:
        world.event(item, "Pulling", f"Pulling image \"{container['image']}\"", after(life.created, 1), **per_container)
        took = life.pull_seconds + seeded(container["image"]).randrange(100, 900) / 1000 - 1
        bytes_ = seeded("size", container["image"]).randrange(28_000_000, 190_000_000)
        world.event(
            item, "Pulled",
            f"Successfully pulled image \"{container['image']}\" in {took:.3g}s ({took:.3g}s including waiting). "
            f"Image size: {bytes_} bytes.", after(started, -1), **per_container)
    if runs > 1 or life.pull_seconds <= 1:
        world.event(item, "Pulled", f"Container image \"{container['image']}\" already present on machine",
                    life.runs[min(1, runs - 1)][0], life.runs[-1][0], count=max(1, runs - 1), **per_container)
    created = f"Created container: {container['name']}"
    if life.last.get("reason") == "StartError":
        world.event(item, "Created", created, started, life.runs[-1][0], count=runs, **per_container)
        return
    world.event(item, "Created", created, started, life.runs[-1][0], count=runs, **per_container)
    world.event(item, "Started", f"Started container {container['name']}", started, life.runs[-1][0], count=runs,
                **per_container)


def revision(created, template, pods=(), number=1):
    """One ReplicaSet of a Deployment; `pods` are (node, life[, load])."""
    return {"created": created, "template": template, "pods": list(pods), "number": number}


def deployment(world, namespace, name, created, revisions, replicas=None, labels=None, strategy="RollingUpdate",
               completed=True):
    """A Deployment, its ReplicaSets (oldest first) and their pods. `completed`: the newest was all available once."""
    selector = labels or {"app": name}
    newest = revisions[-1]
    replicas = replicas if replicas is not None else len(newest["pods"])
    for account in {r["template"]["serviceAccountName"] for r in revisions} - {"default"}:
        world.service_account(namespace, account, created)
    item = world.add(namespace, "apps/v1", "Deployment", world.meta(
        "Deployment", name, namespace, created, labels=selector,
        annotations={"deployment.kubernetes.io/revision": str(newest["number"])}))
    item["metadata"]["generation"] = newest["number"] + 1
    surge = {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}} if strategy == "RollingUpdate" else {}
    item["spec"] = {
        "progressDeadlineSeconds": 600, "replicas": replicas, "revisionHistoryLimit": 10,
        "selector": {"matchLabels": selector}, "strategy": {"type": strategy} | surge,
        "template": {"metadata": {"labels": dict(selector)}, "spec": copy.deepcopy(newest["template"])},
    }
    made = []
    for entry in revisions:
        hash_ = suffix(10 if seeded(namespace, name, entry["number"]).random() < 0.7 else 9,
                       "template", world.name, namespace, name, entry["number"])
        rs_name = f"{name}-{hash_}"
        rs_labels = selector | {"pod-template-hash": hash_}
        rs = world.add(namespace, "apps/v1", "ReplicaSet", world.meta(
            "ReplicaSet", rs_name, namespace, entry["created"], labels=rs_labels, owner=item, annotations={
                "deployment.kubernetes.io/desired-replicas": str(replicas),
                "deployment.kubernetes.io/max-replicas": str(replicas + (-(-replicas // 4) if surge else 0)),
                "deployment.kubernetes.io/revision": str(entry["number"]),
            }))
        count = len(entry["pods"])
        rs["metadata"]["generation"] = 1 if entry is newest else 2
        rs["spec"] = {
            "replicas": count, "selector": {"matchLabels": rs_labels},
            "template": {"metadata": {"labels": dict(rs_labels)}, "spec": copy.deepcopy(entry["template"])},
        }
        pods = []
        for index, (node, life, *load) in enumerate(entry["pods"]):
            pod_name = f"{rs_name}-{suffix(5, world.name, rs_name, index)}"
            pods.append(make_pod(world, namespace, pod_name, rs, name, entry["template"], rs_labels, node, life,
                                 load[0] if load else None, prefix=f"{rs_name}-"))
        ready = sum(pod.ready for pod in pods)
        rs["status"] = {"observedGeneration": rs["metadata"]["generation"], "replicas": count}
        if count:
            rs["status"]["fullyLabeledReplicas"] = count
        if ready:
            rs["status"] |= {"readyReplicas": ready, "availableReplicas": ready}
        made.append((entry, rs, pods))
        if entry["created"] >= EVENT_HORIZON and count:
            world.event(item, "ScalingReplicaSet", f"Scaled up replica set {rs_name} from 0 to {count}", entry["created"],
                        component="deployment-controller")
    item["status"] = deployment_status(item, made, replicas, strategy, completed)
    return item, [pod for _, _, pods in made for pod in pods]


def deployment_status(item, made, replicas, strategy, completed):
    pods = [pod for _, _, group in made for pod in group]
    entry, newest, newest_pods = made[-1]
    ready = sum(pod.ready for pod in pods)
    tolerated = replicas // 4 if strategy == "RollingUpdate" else 0
    available = ready >= replicas - tolerated
    # The moment the newest pods became available, or the last one failed.
    settled = max((after(pod.life.runs[-1][0], 9) for pod in newest_pods if pod.ready), default=after(entry["created"], 1))
    failed = max((pod.life.runs[-1][1] for pod in pods if pod.life.state == "crashing" and completed), default=None)
    if available:
        changed = settled if len(made) == 1 else after(made[0][0]["created"], 31)
    else:
        changed = after(failed, 1) if failed else entry["created"]
    first_available = max((after(pod.life.runs[0][0], 9) for pod in newest_pods if pod.life.runs), default=None)
    progressed = first_available if completed else after(entry["created"], 601)
    name = newest["metadata"]["name"]
    conditions = [
        {"type": "Available", "status": "True" if available else "False",
         "reason": "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
         "message": "Deployment has minimum availability." if available else "Deployment does not have minimum availability.",
         "lastTransitionTime": stamp(changed), "lastUpdateTime": stamp(changed)},
        {"type": "Progressing", "status": "True" if completed else "False",
         "reason": "NewReplicaSetAvailable" if completed else "ProgressDeadlineExceeded",
         "message": f"ReplicaSet \"{name}\" has successfully progressed." if completed
         else f"ReplicaSet \"{name}\" has timed out progressing.",
         "lastTransitionTime": stamp(progressed), "lastUpdateTime": stamp(progressed)},
    ]
    status = {"conditions": conditions, "observedGeneration": item["metadata"]["generation"], "replicas": len(pods),
              "updatedReplicas": len(newest_pods)}
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    if len(pods) > ready:
        status["unavailableReplicas"] = len(pods) - ready
    return status


def daemon_set(world, namespace, name, created, template, labels, load=None, started=None):
    """A DaemonSet with a ready pod on every node, started when the node joined."""
    template = template | {"tolerations": template.get("tolerations", [])}
    account = template["serviceAccountName"]
    if account != "default":
        world.service_account(namespace, account, created)
    item = world.add(namespace, "apps/v1", "DaemonSet", world.meta(
        "DaemonSet", name, namespace, created, labels=labels, annotations={"deprecated.daemonset.template.generation": "1"}))
    item["metadata"]["generation"] = 1
    item["spec"] = {
        "revisionHistoryLimit": 10, "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": dict(labels)}, "spec": copy.deepcopy(template)},
        "updateStrategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "10%"}, "type": "RollingUpdate"},
    }
    hash_ = suffix(9, "daemon", world.name, namespace, name)
    for node in world.nodes.values():
        start = max(after(node["created"], 31), after(created, 5), started or created)
        pod_name = f"{name}-{suffix(5, world.name, namespace, name, node['name'])}"
        pinned = template | {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {
            "nodeSelectorTerms": [{"matchFields": [
                {"key": "metadata.name", "operator": "In", "values": [node["name"]]}]}]}}}}
        make_pod(world, namespace, pod_name, item, name, pinned,
                 labels | {"controller-revision-hash": hash_, "pod-template-generation": "1"}, node["name"],
                 running(start), load, prefix=f"{name}-", node_agent=True)
    count = len(world.nodes)
    item["status"] = {
        "currentNumberScheduled": count, "desiredNumberScheduled": count, "numberAvailable": count,
        "numberMisscheduled": 0, "numberReady": count, "observedGeneration": 1, "updatedNumberScheduled": count,
    }
    return item


def stateful_set(world, namespace, name, created, template, service, pods, claim, capacity, storage_class, zones,
                 labels=None):
    """A StatefulSet with one claim for each pod; `pods` are (node, life, load), `zones` where the volumes lie."""
    labels = labels or {"app": name}
    if template["serviceAccountName"] != "default":
        world.service_account(namespace, template["serviceAccountName"], created)
    item = world.add(namespace, "apps/v1", "StatefulSet", world.meta("StatefulSet", name, namespace, created, labels=labels))
    item["metadata"]["generation"] = 1
    item["spec"] = {
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "podManagementPolicy": "OrderedReady", "replicas": len(pods), "revisionHistoryLimit": 10,
        "selector": {"matchLabels": labels}, "serviceName": service,
        "template": {"metadata": {"labels": dict(labels)}, "spec": copy.deepcopy(template)},
        "updateStrategy": {"rollingUpdate": {"partition": 0}, "type": "RollingUpdate"},
        "volumeClaimTemplates": [{
            "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": claim},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": capacity}},
                     "storageClassName": storage_class, "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        }],
    }
    hash_ = suffix(10, "stateful", world.name, namespace, name)
    made = []
    for index, (node, life, load) in enumerate(pods):
        pod_name = f"{name}-{index}"
        world.volume(namespace, f"{claim}-{pod_name}", after(created, 60 * index), zones[index], storage_class, capacity, labels)
        own = template | {
            "hostname": pod_name, "subdomain": service,
            "volumes": [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{pod_name}"}}]
            + template.get("volumes", []),
        }
        made.append(make_pod(
            world, namespace, pod_name, item, name, own, labels | {
                "apps.kubernetes.io/pod-index": str(index), "controller-revision-hash": f"{name}-{hash_}",
                "statefulset.kubernetes.io/pod-name": pod_name,
            }, node, life, load, prefix=f"{name}-"))
    ready = sum(pod.ready for pod in made)
    item["status"] = {
        "availableReplicas": ready, "collisionCount": 0, "currentReplicas": len(made),
        "currentRevision": f"{name}-{hash_}", "observedGeneration": 1, "replicas": len(made),
        "updateRevision": f"{name}-{hash_}", "updatedReplicas": len(made),
    } | ({"readyReplicas": ready} if ready else {})
    return item, made
