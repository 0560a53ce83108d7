"""What CloudWatch Logs kept of a pod that is gone."""

import json
from pathlib import Path

from .base import TAKEN_AT, after, at, digest, seeded, stamp, suffix, uid

NAMESPACE, WORKLOAD = "receipts", "receipts-archive"


def build(world):
    """The application log group: the run of the hourly archive before the one whose Job is kept."""
    newest = next(pod for pod in world.pods if pod.workload == WORKLOAD)
    scheduled = at("08:00:00")
    name = f"{WORKLOAD}-{int(scheduled.timestamp()) // 60}-{suffix(5, 'archive', 'before')}"
    docker_id = digest("container", name)
    stream = f"{newest.node}-application.var.log.containers.{name}_{NAMESPACE}_{WORKLOAD}-{docker_id}.log"
    kubernetes = {
        "pod_name": name, "namespace_name": NAMESPACE, "pod_id": uid(world.name, "Pod", NAMESPACE, name), "host": newest.node,
        "container_name": WORKLOAD, "docker_id": docker_id,
        "container_image": newest.item["spec"]["containers"][0]["image"],
    }
    events = []
    for moment, text in lines(scheduled):
        assert moment < TAKEN_AT
        message = {"time": moment.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"), "stream": "stdout", "_p": "F", "log": text,
                   "kubernetes": kubernetes}
        # CloudWatch keeps milliseconds.
        time = moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
        events.append({"time": time, "stream": stream, "message": json.dumps(message, separators=(",", ":"))})
    return [{"region": world.region, "name": f"/aws/containerinsights/{world.name}/application", "events": events}]


def lines(scheduled):
    rng = seeded("receipts-archive log before")
    moment = after(scheduled, 2.1)
    yield moment, f"{stamp(moment)} receipts-archive 1.4.1: archiving receipts older than 90d"
    moment = after(moment, 1)
    yield moment, f"{stamp(moment)} credentials: container provider (http://169.254.170.23/v1/credentials)"
    for index in range(30):
        moment = after(moment, 1.25)
        part = f"2026/08/25/part-{index:04d}.pdf.tar"
        if index in (11, 12):
            yield moment, f"{stamp(moment)} WARN {part}: SlowDown: Please reduce your request rate, retrying in 2s"
            moment = after(moment, 2)
        yield moment, f"{stamp(moment)} moved {part} ({rng.randrange(2_100, 9_800)} KiB) to GLACIER_IR"
    moment = after(moment, 0.8)
    yield moment, f"{stamp(moment)} done: 30 objects"


def write(world, root: Path):
    path = root / "aws/logs" / f"{world.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(build(world), indent=1, ensure_ascii=False) + "\n")
