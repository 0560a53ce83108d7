"""Container Insights series of the last three hours, derived from what happened to the pods."""

import json
import math
from pathlib import Path

from .base import MI, TAKEN_AT, after, at, millicores, seeded, size

START = at("06:30")
MINUTES = 180
PERIOD = 60
# A container seen for less than this within a minute is missed by the collector.
SEEN_SECONDS = 10
# What the operating system and the kubelet take of each node.
SYSTEM_CPU, SYSTEM_MEMORY = 58, 540 * MI


def minute(index):
    return after(START, index * PERIOD), after(START, (index + 1) * PERIOD)


def rounded(value):
    return None if value is None else round(value, 1)


def mean(values):
    values = [value for value in values if value is not None]
    return sum(values) / len(values) if values else None


def overlap(run, begin, end):
    first, last = max(run[0], begin), min(run[1] or end, end)
    return (last - first).total_seconds(), last


def has_usage(pod):
    return pod.life.state in ("running", "crashing") and pod.life.last.get("reason") != "StartError"


def usage(world, pod):
    """Millicores and bytes for each minute, None while no container ran."""
    meta, load = pod.item["metadata"], pod.load
    rng = seeded("usage", world.name, meta["namespace"], meta["name"])
    level, wander, phase = rng.uniform(0.93, 1.07), 0.0, rng.uniform(-0.2, 0.2)
    cpu, memory = [], []
    for index in range(MINUTES):
        begin, end = minute(index)
        wander = 0.9 * wander + rng.gauss(0, 0.012)
        jitter = rng.gauss(0, 0.05)
        seen = [(seconds, last, run) for run in pod.life.runs for seconds, last in [overlap(run, begin, end)]
                if seconds >= SEEN_SECONDS]
        if not seen:
            cpu.append(None)
            memory.append(None)
            continue
        # The night is quiet; orders pick up towards the morning of the east coast.
        traffic = 0.82 + 0.25 * math.sin((index / MINUTES) * 1.9 - 0.35 + phase) if load.get("traffic") else 1
        active = min(1, sum(seconds for seconds, _, _ in seen) / PERIOD)
        cpu.append(max(0.5, load["cpu"] * level * traffic * (1 + jitter) * active))
        resident = max(resident_at(load, run, last, pod.life.runs.index(run) == 0) for _, last, run in seen)
        if "grows_to" in load and resident > load["memory"] * MI * 1.1:
            memory.append(page(min(resident * (1 + jitter / 40), load["grows_to"] * 0.998)))
        else:
            memory.append(page(resident * level * (1 + wander)))
    return cpu, memory


def page(value):
    return int(value) // 4096 * 4096


def resident_at(load, run, moment, first):
    full = load["memory"] * MI
    age = (moment - run[0]).total_seconds()
    if "grows_to" not in load:
        # Caches fill over the first minutes.
        return full * min(1, 0.7 + age / 1000)
    length = (run[1] - run[0]).total_seconds()
    if first:
        grown = max(0, load["grows_in"] - (length - age)) / load["grows_in"]
        return full + grown * (load["grows_to"] - full)
    low = 118 * MI
    return low + (age / length) * (load["grows_to"] - low)


def restarts(pod):
    """The cumulative count at the end of each minute, from the pod's first minute on."""
    values = []
    for index in range(MINUTES):
        end = minute(index)[1]
        if pod.life.created >= end:
            values.append(None)
            continue
        values.append(pod.life.restarts_before + sum(start <= end for start, _ in pod.life.runs[1:]))
    return values


def build(world):
    series = []

    def put(metric, values, **dimensions):
        if all(value is None for value in values):
            return
        series.append({
            "region": world.region, "namespace": "ContainerInsights", "metric": metric,
            "dimensions": {"ClusterName": world.name} | dimensions, "start": START.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "period_seconds": PERIOD, "values": values,
        })

    def across(rows, combine=mean, finish=rounded):
        return [finish(combine([row[index] for row in rows])) for index in range(MINUTES)]

    def total(values):
        values = [value for value in values if value is not None]
        return sum(values) if values else None

    nodes = {name: {"cpu": [SYSTEM_CPU * (1 + seeded("node", name, i).gauss(0, 0.06)) for i in range(MINUTES)],
                    "memory": [SYSTEM_MEMORY] * MINUTES} for name in world.nodes}
    groups, workloads = {}, {}
    for pod in sorted(world.pods, key=lambda p: (p.item["metadata"]["namespace"], p.item["metadata"]["name"])):
        if pod.node is None or pod.life.state == "completed":
            continue
        namespace, name = pod.item["metadata"]["namespace"], pod.item["metadata"]["name"]
        node = world.nodes[pod.node]
        rows = {"pod_number_of_container_restarts": restarts(pod)}
        if has_usage(pod):
            cpu, memory = usage(world, pod)
            for index in range(MINUTES):
                nodes[pod.node]["cpu"][index] += cpu[index] or 0
                nodes[pod.node]["memory"][index] += memory[index] or 0
            share = lambda values, whole: [None if v is None else round(v / whole * 100, 1) for v in values]
            rows["pod_cpu_utilization"] = share(cpu, node["cpu"])
            rows["pod_memory_utilization"] = share(memory, node["memory"])
            rows["pod_memory_working_set"] = memory
            if pod.cpu_limit:
                rows["pod_cpu_utilization_over_pod_limit"] = share(cpu, pod.cpu_limit)
            if pod.memory_limit:
                rows["pod_memory_utilization_over_pod_limit"] = share(memory, pod.memory_limit)
                rows["pod_memory_limit"] = [None if v is None else pod.memory_limit for v in memory]
        for metric, values in rows.items():
            put(metric, values, Namespace=namespace, PodName=pod.workload, FullPodName=name)
        groups.setdefault(namespace, []).append((pod, rows))
        workloads.setdefault((namespace, pod.workload), []).append(rows)

    for (namespace, workload), members in workloads.items():
        for metric in ("pod_cpu_utilization", "pod_memory_utilization", "pod_cpu_utilization_over_pod_limit",
                       "pod_memory_utilization_over_pod_limit"):
            put(metric, across([rows[metric] for rows in members if metric in rows]), Namespace=namespace, PodName=workload)
        put("pod_memory_working_set", across([rows["pod_memory_working_set"] for rows in members if "pod_memory_working_set" in rows],
                                             finish=lambda v: None if v is None else round(v)),
            Namespace=namespace, PodName=workload)
        put("pod_number_of_container_restarts", across([rows["pod_number_of_container_restarts"] for rows in members], total,
                                                       lambda v: v), Namespace=namespace, PodName=workload)
    for namespace, members in groups.items():
        for metric in ("pod_cpu_utilization", "pod_memory_utilization"):
            put(metric, across([rows[metric] for _, rows in members if metric in rows]), Namespace=namespace)
        put("pod_number_of_container_restarts", across([rows["pod_number_of_container_restarts"] for _, rows in members], total,
                                                       lambda v: v), Namespace=namespace)
        active = [pod for pod, _ in members if pod.item["status"]["phase"] == "Running"]
        put("namespace_number_of_running_pods", [
            sum(pod.life.created < minute(index)[1] for pod in active) or None for index in range(MINUTES)], Namespace=namespace)

    shares = {"cpu": {}, "memory": {}}
    for name, node in world.nodes.items():
        for resource, metric in (("cpu", "node_cpu_utilization"), ("memory", "node_memory_utilization")):
            values = [round(value / node[resource] * 100, 1) for value in nodes[name][resource]]
            shares[resource][name] = values
            put(metric, values, InstanceId=node["instance"], NodeName=name)
    put("node_cpu_utilization", across(list(shares["cpu"].values())))
    put("node_memory_utilization", across(list(shares["memory"].values())))
    for metric, resource, parse in (("node_cpu_reserved_capacity", "cpu", millicores),
                                    ("node_memory_reserved_capacity", "memory", size)):
        put(metric, [round(mean([
            sum(pod.requested(resource, parse) for pod in world.pods
                if pod.node == name and pod.life.created < minute(index)[1] and pod.life.state != "completed")
            / node[resource] * 100 for name, node in world.nodes.items()]), 1) for index in range(MINUTES)])
    rng = seeded("filesystem", world.name)
    disk = rng.uniform(14, 31)
    put("node_filesystem_utilization", [round(disk + index * 0.0006 + rng.uniform(-0.02, 0.02), 1) for index in range(MINUTES)])
    put("cluster_node_count", [len(world.nodes)] * MINUTES)
    put("cluster_failed_node_count", [0] * MINUTES)
    return series


# metric: mean of a minute for the three clusters, and how it varies
CONTROL_PLANE = {
    "apiserver_flowcontrol_current_executing_seats": (9, 0.25),
    "scheduler_schedule_attempts_SCHEDULED": (2, 0.8),
    "etcd_mvcc_db_total_size_in_use_in_bytes": (48 * MI, 0.004),
    "etcd_mvcc_db_total_size_in_bytes": (96 * MI, 0),
    "apiserver_request_total": (1900, 0.06),
    "apiserver_request_total_4XX": (31, 0.3),
    "apiserver_request_total_5XX": (0, 0),
    "apiserver_request_total_429": (0, 0),
    "apiserver_request_total_LIST_PODS": (14, 0.3),
    "apiserver_request_duration_seconds_GET_P99": (0.024, 0.3),
    "apiserver_request_duration_seconds_LIST_P99": (0.19, 0.4),
    "apiserver_request_duration_seconds_POST_P99": (0.046, 0.3),
    "apiserver_request_duration_seconds_PUT_P99": (0.05, 0.3),
    "apiserver_request_duration_seconds_PATCH_P99": (0.049, 0.3),
    "apiserver_request_duration_seconds_DELETE_P99": (0.045, 0.3),
    "apiserver_current_inflight_requests_MUTATING": (1, 0.9),
    "apiserver_current_inflight_requests_READONLY": (2, 0.8),
    "scheduler_pending_pods_ACTIVEQ": (0, 0),
    "scheduler_pending_pods_BACKOFF": (0, 0),
    "scheduler_schedule_attempts_ERROR": (0, 0),
}
QUARTERS = 96
QUARTER = 900


def control_plane(world):
    """The metrics that EKS vends, over a day: a minute of each quarter of an hour."""
    series = []
    begin = after(TAKEN_AT, -QUARTERS * QUARTER)
    waiting = [pod for pod in world.pods if pod.node is None]

    def put(metric, values):
        series.append({
            "region": world.region, "namespace": "AWS/EKS", "metric": metric, "dimensions": {"ClusterName": world.name},
            "start": begin.strftime("%Y-%m-%dT%H:%M:%SZ"), "period_seconds": QUARTER, "values": values,
        })

    scale = max(1, len(world.pods) / 20)
    for metric, (level, spread) in CONTROL_PLANE.items():
        rng = seeded("control plane", world.name, metric)
        summed = not ("bytes" in metric or "duration" in metric)
        size_of = 1 if "duration" in metric else scale
        values = [max(0, level * size_of * (1 + rng.gauss(0, spread))) for _ in range(QUARTERS)]
        if "in_use" in metric:
            values = [value * (1 + 0.0004 * index) for index, value in enumerate(values)]
        put(metric, [round(value) if summed or "bytes" in metric else round(value, 4) for value in values])
    put("scheduler_pending_pods_UNSCHEDULABLE", [
        sum(pod.life.created < after(begin, (index + 1) * QUARTER) for pod in waiting) for index in range(QUARTERS)])
    return series


def write(world, root: Path):
    folder = root / "aws" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    entries = world.series + control_plane(world)
    lines = ",\n".join(json.dumps(entry, separators=(",", ":")) for entry in entries)
    (folder / f"{world.name}.json").write_text(f"[\n{lines}\n]\n")
