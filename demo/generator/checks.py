"""Reads the written snapshot back and asserts that it contradicts itself nowhere."""

import json
import re
from collections import Counter, defaultdict
from datetime import datetime, timezone
from pathlib import Path

from .base import MI, TAKEN_AT, millicores, size, stamp

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
FAULTS = {
    ("checkout", "checkout-api"): "container-oom-limit",
    ("risk", "fraud-scorer"): "image-tag-not-found",
    ("ledger", "ledger"): "config-configmap-missing",
    ("ledger", "reconcile-batch"): "sched-untolerated-taint",
    ("checkout", "refunds"): "probe-http-404",
    ("settlement", "settlement-store"): "sched-volume-node-affinity",
    ("settlement", "settlement-worker"): "entrypoint-not-found",
    ("receipts", "receipts-uploader"): "podidentity-no-association",
    ("receipts", "notifications"): "svc-missing",
    ("risk", "risk-trainer"): "sched-insufficient-memory",
}


def run(root: Path):
    associations = json.loads((root / "aws/eks/pod_identity_associations.json").read_text())
    for folder in sorted((root / "clusters").iterdir()):
        items = []
        for path in sorted((folder / "objects").glob("*.json")):
            items += json.loads(path.read_text())["items"]
        series = json.loads((root / "aws/metrics" / f"{folder.name}.json").read_text())
        cluster = Checked(folder.name, items)
        times(cluster)
        identity(cluster)
        references(cluster)
        workloads(cluster)
        placement(cluster)
        services(cluster)
        events(cluster)
        logs(cluster, folder / "logs")
        log_groups(cluster, root / "aws/logs" / f"{folder.name}.json")
        usage(cluster, series)
        pod_identity(cluster, associations)
        faults(cluster)


class Checked:
    def __init__(self, name, items):
        self.name = name
        self.items = items
        self.index = {(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]): o for o in items}
        assert len(self.index) == len(items), f"{name}: two objects with one name"

    def of(self, kind):
        return [item for item in self.items if item["kind"] == kind]

    def owned(self, owner, kind):
        return [item for item in self.of(kind) if any(
            reference["uid"] == owner["metadata"]["uid"] for reference in item["metadata"].get("ownerReferences", []))]

    def exists(self, kind, namespace, name):
        return (kind, namespace, name) in self.index


def ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"]["conditions"])


def parse(text):
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)


def times(cluster):
    def walk(value):
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)
        elif isinstance(value, str) and TIME.match(value):
            assert value <= stamp(TAKEN_AT), f"{cluster.name}: {value} lies in the future"

    walk(cluster.items)
    for pod in cluster.of("Pod"):
        born = pod["metadata"]["creationTimestamp"]
        assert pod["status"].get("startTime", born) >= born
        if pod["spec"].get("nodeName"):
            assert cluster.index["Node", None, pod["spec"]["nodeName"]]["metadata"]["creationTimestamp"] < born
        for status in pod["status"].get("containerStatuses", []):
            last = status["lastState"].get("terminated")
            if last:
                assert born <= last["finishedAt"] and (last["startedAt"] <= last["finishedAt"])
                running = status["state"].get("running")
                assert not running or last["finishedAt"] <= running["startedAt"]
            if status["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff":
                assert (TAKEN_AT - parse(last["finishedAt"])).total_seconds() < 300, "the next restart is overdue"
        for owner in pod["metadata"]["ownerReferences"]:
            assert cluster.index[owner["kind"], pod["metadata"]["namespace"], owner["name"]]["metadata"]["creationTimestamp"] <= born


def identity(cluster):
    uids = Counter(item["metadata"]["uid"] for item in cluster.items)
    assert max(uids.values()) == 1
    namespaces = {item["metadata"]["name"] for item in cluster.of("Namespace")}
    for item in cluster.items:
        assert item["metadata"].get("namespace") in namespaces | {None}
        for owner in item["metadata"].get("ownerReferences", []):
            found = cluster.index[owner["kind"], None if owner["kind"] == "NodePool" else item["metadata"]["namespace"], owner["name"]]
            assert found["metadata"]["uid"] == owner["uid"] and owner["controller"]


def references(cluster):
    """Everything a pod names exists, except for the one ConfigMap that is a fault."""
    missing = set()
    for pod in cluster.of("Pod"):
        namespace, spec = pod["metadata"]["namespace"], pod["spec"]
        assert cluster.exists("ServiceAccount", namespace, spec["serviceAccountName"])
        assert spec.get("priorityClassName") is None or cluster.exists("PriorityClass", None, spec["priorityClassName"])
        wanted = [("ConfigMap", source["configMapRef"]["name"]) for item in spec["containers"] for source in item.get("envFrom", [])]
        for item in spec["containers"]:
            for variable in item.get("env", []):
                for kind, key in (("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")):
                    reference = variable.get("valueFrom", {}).get(key)
                    if reference:
                        wanted.append((kind, reference["name"]))
                        found = cluster.index[kind, namespace, reference["name"]]
                        assert reference["key"] in found["data"]
            names = {volume["name"] for volume in spec["volumes"]}
            assert {mount["name"] for mount in item["volumeMounts"]} <= names
        for volume in spec["volumes"]:
            sources = volume.get("projected", {}).get("sources", []) + [volume]
            wanted += [("ConfigMap", source["configMap"]["name"]) for source in sources if "configMap" in source]
            if "persistentVolumeClaim" in volume:
                wanted.append(("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]))
        missing |= {(kind, namespace, name) for kind, name in wanted if not cluster.exists(kind, namespace, name)}
    assert missing == ({("ConfigMap", "ledger", "ledger-config")} if cluster.name == "payments" else set()), missing
    for claim in cluster.of("PersistentVolumeClaim"):
        volume = cluster.index["PersistentVolume", None, claim["spec"]["volumeName"]]
        assert volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"]
        assert cluster.exists("StorageClass", None, claim["spec"]["storageClassName"])


def workloads(cluster):
    for item in cluster.of("Deployment"):
        sets = cluster.owned(item, "ReplicaSet")
        pods = [pod for rs in sets for pod in cluster.owned(rs, "Pod")]
        status = item["status"]
        count = sum(map(ready, pods))
        assert sets and status["replicas"] == len(pods) == sum(rs["spec"]["replicas"] for rs in sets)
        assert status.get("readyReplicas", 0) == status.get("availableReplicas", 0) == count
        assert status.get("unavailableReplicas", 0) == len(pods) - count
        for rs in sets:
            own = cluster.owned(rs, "Pod")
            assert rs["spec"]["replicas"] == rs["status"]["replicas"] == len(own)
            assert rs["status"].get("readyReplicas", 0) == sum(map(ready, own))
            for pod in own:
                assert rs["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
                images = [c["image"] for c in rs["spec"]["template"]["spec"]["containers"]]
                assert images == [c["image"] for c in pod["spec"]["containers"]]
    for item in cluster.of("StatefulSet"):
        pods = cluster.owned(item, "Pod")
        assert item["spec"]["replicas"] == len(pods) and item["status"].get("readyReplicas", 0) == sum(map(ready, pods))
    for item in cluster.of("DaemonSet"):
        pods = cluster.owned(item, "Pod")
        assert item["status"]["desiredNumberScheduled"] == len(pods) == len(cluster.of("Node"))
        assert item["status"]["numberReady"] == sum(map(ready, pods))
    for pod in cluster.of("Pod"):
        statuses = pod["status"].get("containerStatuses", [])
        running = pod["status"]["phase"] == "Running" and all(status["ready"] for status in statuses)
        assert ready(pod) == running
        assert len(pod["metadata"]["ownerReferences"]) == 1


def requests(pod, resource, read):
    return sum(read(c["resources"].get("requests", {}).get(resource, "0")) for c in pod["spec"]["containers"])


def tolerates(pod, taint):
    return any(
        t.get("key") in (None, taint["key"]) and t.get("effect") in (None, taint["effect"])
        and (t["operator"] == "Exists" or t.get("value") == taint["value"]) for t in pod["spec"]["tolerations"])


def placement(cluster):
    addresses = Counter()
    free = {}
    for node in cluster.of("Node"):
        name, allocatable = node["metadata"]["name"], node["status"]["allocatable"]
        pods = [pod for pod in cluster.of("Pod") if pod["spec"].get("nodeName") == name]
        live = [pod for pod in pods if pod["status"]["phase"] != "Succeeded"]
        free[name] = (millicores(allocatable["cpu"]) - sum(requests(p, "cpu", millicores) for p in live),
                      size(allocatable["memory"]) - sum(requests(p, "memory", size) for p in live))
        assert min(free[name]) >= 0 and len(live) <= int(allocatable["pods"]), name
        for pod in pods:
            labels = node["metadata"]["labels"]
            assert pod["spec"].get("nodeSelector", {}).items() <= labels.items()
            assert all(tolerates(pod, taint) for taint in node["spec"].get("taints", []))
            assert pod["status"]["hostIP"] == node["status"]["addresses"][0]["address"]
            if not pod["spec"].get("hostNetwork"):
                addresses[pod["status"]["podIP"]] += 1
        addresses[node["status"]["addresses"][0]["address"]] += 1
    assert max(addresses.values()) == 1
    for pod in cluster.of("Pod"):
        if not pod["spec"].get("nodeName"):
            reasons = Counter(refusal(cluster, pod, node, free[node["metadata"]["name"]]) for node in cluster.of("Node"))
            histogram = ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
            message = pod["status"]["conditions"][0]["message"]
            assert message.startswith(f"0/{len(free)} nodes are available: {histogram}. preemption: "), (histogram, message)


def refusal(cluster, pod, node, free):
    """The first filter of the scheduler that turns the node down."""
    labels = node["metadata"]["labels"]
    for taint in node["spec"].get("taints", []):
        if not tolerates(pod, taint):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint['value']}}}"
    if not pod["spec"].get("nodeSelector", {}).items() <= labels.items():
        return "node(s) didn't match Pod's node affinity/selector"
    assert requests(pod, "cpu", millicores) <= free[0]
    if requests(pod, "memory", size) > free[1]:
        return "Insufficient memory"
    for volume in pod["spec"]["volumes"]:
        if "persistentVolumeClaim" in volume:
            claim = cluster.index["PersistentVolumeClaim", pod["metadata"]["namespace"], volume["persistentVolumeClaim"]["claimName"]]
            term = cluster.index["PersistentVolume", None, claim["spec"]["volumeName"]]["spec"]["nodeAffinity"]["required"]
            expression = term["nodeSelectorTerms"][0]["matchExpressions"][0]
            if labels[expression["key"]] not in expression["values"]:
                return "node(s) had volume node affinity conflict"
    raise AssertionError(f"{pod['metadata']['name']} would fit")


def services(cluster):
    for service in cluster.of("Service"):
        namespace, selector = service["metadata"]["namespace"], service["spec"].get("selector")
        if not selector:
            continue
        [slice_] = cluster.owned(service, "EndpointSlice")
        expected = {
            pod["metadata"]["uid"]: ready(pod) for pod in cluster.of("Pod")
            if pod["metadata"]["namespace"] == namespace and selector.items() <= pod["metadata"]["labels"].items()
            and "podIP" in pod["status"] and pod["status"]["phase"] != "Succeeded"}
        assert {e["targetRef"]["uid"]: e["conditions"]["ready"] for e in slice_["endpoints"]} == expected
        for port in service["spec"]["ports"]:
            if isinstance(port["targetPort"], str):
                for pod in cluster.of("Pod"):
                    if pod["metadata"]["uid"] in expected:
                        assert any(port["targetPort"] == p["name"] for c in pod["spec"]["containers"] for p in c.get("ports", []))


def events(cluster):
    for event in cluster.of("Event"):
        about = event["involvedObject"]
        found = cluster.index[about["kind"], about.get("namespace"), about["name"]]
        assert found["metadata"]["uid"] == about["uid"]
        assert event["firstTimestamp"] <= event["lastTimestamp"], event["metadata"]["name"]
        assert event["firstTimestamp"] >= found["metadata"]["creationTimestamp"], event["metadata"]["name"]
        assert (TAKEN_AT - parse(event["lastTimestamp"])).total_seconds() <= 3600
        assert event["count"] >= 1 and (event["count"] == 1 or event["firstTimestamp"] < event["lastTimestamp"])
        assert event["type"] == "Normal" or cluster.name == "payments", "only one cluster is in trouble"


def logs(cluster, folder):
    known = set()
    for pod in cluster.of("Pod"):
        meta = pod["metadata"]
        for status in pod["status"].get("containerStatuses", []):
            base = f"{meta['namespace']}_{meta['name']}_{status['name']}"
            last = status["lastState"].get("terminated", {})
            started = "running" in status["state"] or "terminated" in status["state"] or last
            if started and last.get("reason") != "StartError":
                known.add(f"{base}.log")
            if last and last["reason"] != "StartError":
                known.add(f"{base}.previous.log")
    latest = defaultdict(str)
    for path in folder.iterdir():
        assert path.name in known, path.name
        for moment in re.findall(r"2026-1\d-\d\d[T ]\d\d:\d\d:\d\d", path.read_text()):
            latest[path.name] = max(latest[path.name], moment.replace(" ", "T"))
        assert latest[path.name] <= stamp(TAKEN_AT)
        assert 30 <= len(path.read_text().splitlines()) <= 150, path.name


def log_groups(cluster, path):
    """What CloudWatch Logs kept of pods that are gone, in the order in which it happened."""
    if not path.exists():
        return
    for group in json.loads(path.read_text()):
        assert group["name"] == f"/aws/containerinsights/{cluster.name}/application"
        times = [event["time"] for event in group["events"]]
        assert times == sorted(times) and times[-1] <= stamp(TAKEN_AT)
        for event in group["events"]:
            message = json.loads(event["message"])
            about = message["kubernetes"]
            assert not cluster.exists("Pod", about["namespace_name"], about["pod_name"]), about
            assert cluster.exists("Namespace", None, about["namespace_name"])
            assert about["pod_name"] in event["stream"] and message["time"][:19] == event["time"][:19]


def usage(cluster, series):
    series = [entry for entry in series if entry["namespace"] == "ContainerInsights"]
    index = {(s["metric"], *(s["dimensions"].get(k) for k in ("Namespace", "PodName", "FullPodName", "NodeName"))): s["values"]
             for s in series}
    assert len(index) == len(series)
    for entry in series:
        assert len(entry["values"]) == 180 and entry["dimensions"]["ClusterName"] == cluster.name
        assert all(v is None or v == round(v, 1) >= 0 for v in entry["values"])
        if entry["metric"].endswith("utilization"):
            assert all(v is None or v <= 100 for v in entry["values"]), entry["dimensions"]
    pods = {(p["metadata"]["namespace"], p["metadata"]["name"]): p for p in cluster.of("Pod")}
    members = defaultdict(list)
    for metric, namespace, workload, name, _ in index:
        if name:
            members[metric, namespace, workload].append(index[metric, namespace, workload, name, None])
    for (namespace, name), pod in pods.items():
        own = {metric: values for (metric, space, _, full, _), values in index.items() if (space, full) == (namespace, name)}
        if not pod["spec"].get("nodeName") or pod["status"]["phase"] == "Succeeded":
            assert not own
            continue
        assert own["pod_number_of_container_restarts"][-1] == sum(s["restartCount"] for s in pod["status"]["containerStatuses"])
        states = [s["state"] for s in pod["status"]["containerStatuses"]]
        if all("running" in state for state in states):
            assert own["pod_cpu_utilization"][-1] is not None
        else:
            assert own.get("pod_cpu_utilization", [None])[-1] is None
        for used, limit, share in zip(own.get("pod_memory_working_set", ()), own.get("pod_memory_limit", ()),
                                      own.get("pod_memory_utilization_over_pod_limit", ())):
            assert (used is None and share is None) or abs(used / limit * 100 - share) <= 0.051
        if name.startswith("checkout-api") and not ready(pod):
            saw_tooth(own["pod_memory_working_set"], own["pod_number_of_container_restarts"], 512 * MI)
    for (metric, namespace, workload), rows in members.items():
        if metric == "pod_memory_limit":
            continue
        whole = index[metric, namespace, workload, None, None]
        for position in range(180):
            values = [row[position] for row in rows if row[position] is not None]
            if metric == "pod_number_of_container_restarts":
                assert whole[position] == (sum(values) if values else None)
            else:
                tolerance = 1 if metric == "pod_memory_working_set" else 0.051
                assert (whole[position] is None) == (not values)
                assert not values or abs(whole[position] - sum(values) / len(values)) <= tolerance


def saw_tooth(memory, restarts, limit):
    """Before each restart memory came close to the limit, and it is lower right after."""
    grown = [position for position in range(1, 180) if restarts[position] > restarts[position - 1]]
    assert len(grown) == 9 and memory[-1] is None
    for position in grown:
        assert max(value for value in memory[position - 7:position + 1] if value) > 0.95 * limit
        assert min(value for value in memory[position:position + 2] if value) < 0.6 * limit
    assert all(value is None or value <= limit for value in memory)


def pod_identity(cluster, associations):
    known = {(a["namespace"], a["service_account"]) for a in associations if a["cluster"] == cluster.name}
    for pod in cluster.of("Pod"):
        account = pod["metadata"]["namespace"], pod["spec"]["serviceAccountName"]
        names = {variable["name"] for c in pod["spec"]["containers"] for variable in c.get("env", [])}
        volumes = {volume["name"] for volume in pod["spec"]["volumes"]}
        assert ("AWS_CONTAINER_CREDENTIALS_FULL_URI" in names) == ("eks-pod-identity-token" in volumes) == (account in known)
    assert ("receipts", "receipts-uploader") not in known
    assert all(cluster.exists("ServiceAccount", *account) for account in known)


def faults(cluster):
    """Exactly the intended workloads are not well, and what they lack is what the fault says."""
    broken = set()
    for pod in cluster.of("Pod"):
        if not ready(pod) and pod["status"]["phase"] != "Succeeded":
            namespace, labels = pod["metadata"]["namespace"], pod["metadata"]["labels"]
            broken.add((namespace, labels.get("app")))
    assert broken == (set(FAULTS) if cluster.name == "payments" else set()), broken
    if cluster.name != "payments":
        return
    zones = {node["metadata"]["labels"]["topology.kubernetes.io/zone"] for node in cluster.of("Node")}
    assert zones == {"us-east-1a", "us-east-1b"}
    assert not cluster.exists("Namespace", None, "messaging")
    [failing] = [p for p in cluster.of("Pod") if p["metadata"]["labels"].get("app") == "checkout-api" and not ready(p)]
    status = failing["status"]["containerStatuses"][0]
    assert status["restartCount"] == 9 and status["lastState"]["terminated"]["reason"] == "OOMKilled"
    assert size(failing["spec"]["containers"][0]["resources"]["limits"]["memory"]) == 512 * MI
    for service in ("refunds", "ledger"):
        namespace = "checkout" if service == "refunds" else "ledger"
        [slice_] = cluster.owned(cluster.index["Service", namespace, service], "EndpointSlice")
        assert slice_["endpoints"] and not any(e["conditions"]["ready"] for e in slice_["endpoints"])
