"""The ten faults of `payments`, each in a workload of its own."""

from .base import after, at, crash_runs_from, crash_runs_until, seeded, MI
from .pods import container, field, probe, secret_key, template
from .workloads import crashing, deployment, pending, revision, running, stateful_set, waiting

IMAGES = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
BATCH_TAINTED = "1 node(s) had untolerated taint {dedicated: batch}"
NOT_HELPFUL = "preemption: 0/5 nodes are available: 5 Preemption is not helpful for scheduling."


def image(name, tag):
    return f"{IMAGES}/{name}:{tag}"


def unschedulable(reason, preemption=NOT_HELPFUL):
    return f"0/5 nodes are available: {BATCH_TAINTED}, {reason}. {preemption}"


def add(world, general):
    checkout_api(world, general)
    refunds(world, general)
    fraud_scorer(world, general)
    risk_trainer(world)
    ledger(world, general)
    reconcile_batch(world)
    settlement_store(world)
    settlement_worker(world, general)
    receipts_uploader(world, general)
    notifications(world, general)


def back_off(world, pod, first, last, count):
    meta = pod.item["metadata"]
    name = pod.item["spec"]["containers"][0]["name"]
    world.event(pod.item, "BackOff",
                f"Back-off restarting failed container {name} in pod {meta['name']}_{meta['namespace']}({meta['uid']})",
                first, last, count, warning=True, node=pod.node, container=name)


def restart_events(world, pod, first_shown=1):
    """Pulled, Created and Started of the restarts, for a pod whose first events have expired."""
    name, runs = pod.item["spec"]["containers"][0]["name"], pod.life.runs[first_shown:]
    common = {"count": len(runs), "node": pod.node, "container": name}
    picture = pod.item["spec"]["containers"][0]["image"]
    first, last = runs[0][0], runs[-1][0]
    world.event(pod.item, "Pulled", f"Container image \"{picture}\" already present on machine", first, last, **common)
    world.event(pod.item, "Created", f"Created container: {name}", first, last, **common)
    world.event(pod.item, "Started", f"Started container {name}", first, last, **common)


def failed_scheduling(world, pod, first, last, count):
    world.event(pod.item, "FailedScheduling", pod.life.message, first, last, count, warning=True,
                component="default-scheduler")


# container-oom-limit
def checkout_api(world, general):
    spec = template([container(
        "checkout-api", image("checkout-api", "2.14.1"), ("250m", "256Mi"), ("1", "512Mi"), 8080, ready="/readyz",
        live="/livez", env={"GOMAXPROCS": "1", "PAYMENT_GATEWAY": "http://payment-gateway.checkout",
                            "EXPORT_DIR": "/var/cache/exports", "POD_NAME": field("metadata.name")},
        mounts=[{"name": "exports", "mountPath": "/var/cache/exports"}])], "checkout-api",
        volumes=[{"name": "exports", "emptyDir": {}}])
    older = template([container("checkout-api", image("checkout-api", "2.13.6"), ("250m", "256Mi"), ("1", "512Mi"), 8080,
                                ready="/readyz", live="/livez")], "checkout-api")
    start = at("2026-11-19 13:22:40")
    # A statement export that it resumes after each restart takes the memory, so only this replica fails.
    rng = seeded("checkout-api runs")
    lengths = [rng.randrange(318, 402) for _ in range(9)]
    runs = crash_runs_until(at("09:27:12"), [420] + lengths)
    runs[0] = (after(start, 55), runs[0][1])
    load = {"cpu": 132, "memory": 214, "traffic": True}
    life = crashing(after(start, 46), runs, "OOMKilled", 137)
    _, pods = deployment(world, "checkout", "checkout-api", at("2025-02-18 16:11:42"), [
        revision(at("2026-10-27 10:31:08"), older, [], 40),
        revision(start, spec, [
            (general[0], running(start), load), (general[1], running(after(start, 23)), load),
            (general[2], life, load | {"grows_to": 512 * MI, "grows_in": 420}),
        ], 41)])
    failing = pods[2]
    restart_events(world, failing)
    back_off(world, failing, after(runs[1][1], 2), at("09:29:51"), 141)


# probe-http-404
def refunds(world, general):
    spec = template([container(
        "refunds", image("refunds", "0.9.0"), ("100m", "128Mi"), ("500m", "256Mi"), 8080,
        ready=probe("/internal/healthz2"), env={"PAYMENT_GATEWAY": "http://payment-gateway.checkout"})], "refunds")
    start = at("2026-11-20 16:04:58")
    load = {"cpu": 6, "memory": 71}
    _, pods = deployment(world, "checkout", "refunds", start, [revision(start, spec, [
        (general[0], running(start, ready=False), load), (general[2], running(start, ready=False), load)])], completed=False)
    for index, pod in enumerate(pods):
        world.event(pod.item, "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 404",
                    at("2026-11-20 16:05:12"), at(f"09:{25 + index}:4{index}"), 23518 + 31 * index, warning=True,
                    node=pod.node, container="refunds")


# image-tag-not-found
def fraud_scorer(world, general):
    def at_tag(tag):
        return template([container(
            "fraud-scorer", image("fraud-scorer", tag), ("300m", "768Mi"), ("1", "1Gi"), 8080, ready="/healthz",
            live="/healthz", env={"MODEL_BUCKET": "example-risk-models", "MODEL_VERSION": "2026-10"})], "fraud-scorer")

    start, rollout = at("2026-11-05 09:48:31"), at("09:08:17")
    # The letter O where a zero was meant.
    wrong = image("fraud-scorer", "3.1.O")
    cause = (f"rpc error: code = NotFound desc = failed to pull and unpack image \"{wrong}\": failed to resolve image: "
             f"{wrong}: not found")
    load = {"cpu": 164, "memory": 702, "traffic": True}
    life = waiting(rollout, "ImagePullBackOff", f"Back-off pulling image \"{wrong}\": ErrImagePull: {cause}", pulled=False)
    _, pods = deployment(world, "risk", "fraud-scorer", at("2025-03-04 12:26:50"), [
        revision(start, at_tag("3.0.8"), [(general[0], running(start), load), (general[2], running(after(start, 33)), load)], 14),
        revision(rollout, at_tag("3.1.O"), [(general[1], life)], 15)], replicas=2, completed=False)
    pod = pods[2]
    on = {"node": pod.node, "container": "fraud-scorer"}
    first, last = after(rollout, 1), at("09:24:49")
    world.event(pod.item, "Pulling", f"Pulling image \"{wrong}\"", first, last, 7, **on)
    world.event(pod.item, "Failed", f"Failed to pull image \"{wrong}\": {cause}", first, last, 7, warning=True, **on)
    world.event(pod.item, "Failed", "Error: ErrImagePull", first, last, 7, warning=True, **on)
    world.event(pod.item, "BackOff", f"Back-off pulling image \"{wrong}\"", after(first, 1), at("09:29:38"), 88, **on)
    world.event(pod.item, "Failed", "Error: ImagePullBackOff", after(first, 1), at("09:29:38"), 88, warning=True, **on)


# sched-insufficient-memory
def risk_trainer(world):
    spec = template([container(
        "risk-trainer", image("risk-trainer", "1.2.0"), ("250m", "24Gi"), (None, "24Gi"),
        args=["train", "--features", "s3://example-risk-models/features/2026-11"])])
    start = at("08:14:36")
    life = pending(start, unschedulable(
        "4 Insufficient memory", "preemption: 0/5 nodes are available: 1 Preemption is not helpful for scheduling, "
        "4 No preemption victims found for incoming pod."))
    _, pods = deployment(world, "risk", "risk-trainer", start, [revision(start, spec, [(None, life)])], completed=False)
    failed_scheduling(world, pods[0], start, at("09:25:14"), 15)


# config-configmap-missing
def ledger(world, general):
    start = at("08:52:02")
    # The name that the manifest means.
    world.config_map("ledger", "ledger-configs", at("08:51:40"), {
        "BOOKING_TIMEZONE": "America/New_York", "CLOSE_OF_DAY": "23:30", "DB_HOST": "ledger-db.example.internal"})
    spec = template([container(
        "ledger", image("ledger", "4.3.0"), ("200m", "512Mi"), ("1", "768Mi"), 8080, ready="/readyz", live="/livez",
        env={"DB_PASSWORD": secret_key("ledger-db", "password")},
        env_from=[{"configMapRef": {"name": "ledger-config"}}])], "ledger")
    life = waiting(start, "CreateContainerConfigError", "configmap \"ledger-config\" not found", pulled=False)
    _, pods = deployment(world, "ledger", "ledger", start, [revision(start, spec, [(general[0], life)])], strategy="Recreate",
                         completed=False)
    pod = pods[0]
    on = {"node": pod.node, "container": "ledger"}
    picture = image("ledger", "4.3.0")
    world.event(pod.item, "Pulling", f"Pulling image \"{picture}\"", after(start, 1), **on)
    world.event(pod.item, "Pulled", f"Successfully pulled image \"{picture}\" in 3.118s (3.118s including waiting). "
                "Image size: 96184231 bytes.", after(start, 4), **on)
    world.event(pod.item, "Pulled", f"Container image \"{picture}\" already present on machine", after(start, 17),
                at("09:29:43"), 176, **on)
    world.event(pod.item, "Failed", "Error: configmap \"ledger-config\" not found", after(start, 4), at("09:29:43"), 177,
                warning=True, **on)


# sched-untolerated-taint
def reconcile_batch(world):
    start = at("07:40:55")
    spec = template([container(
        "reconcile-batch", image("reconcile-batch", "2.0.4"), ("300m", "512Mi"), ("1", "1Gi"),
        env={"WINDOW": "24h", "DB_PASSWORD": secret_key("ledger-db", "password")})], nodeSelector={"workload": "batch"})
    life = pending(start, unschedulable("4 node(s) didn't match Pod's node affinity/selector"))
    _, pods = deployment(world, "ledger", "reconcile-batch", start, [revision(start, spec, [(None, life)])], completed=False)
    failed_scheduling(world, pods[0], start, at("09:26:30"), 22)


# sched-volume-node-affinity
def settlement_store(world):
    created, scaled = at("2026-10-14 08:10:44"), at("07:12:20")
    world.secret("settlement", "settlement-store", created, "password")
    spec = template([container(
        "postgres", "public.ecr.aws/docker/library/postgres:16.10", ("250m", "1Gi"), (None, "1Gi"), 5432, "postgres",
        ready=probe(command=["pg_isready", "-U", "postgres"]),
        env={"PGDATA": "/var/lib/postgresql/data/pgdata", "POSTGRES_PASSWORD": secret_key("settlement-store", "password")},
        mounts=[{"name": "data", "mountPath": "/var/lib/postgresql/data"}])], "settlement-store")
    # Its volume was made while there still were nodes in us-east-1c; the set stood at zero replicas since.
    life = pending(scaled, unschedulable("4 node(s) had volume node affinity conflict"))
    _, pods = stateful_set(world, "settlement", "settlement-store", created, spec, "settlement-store", [(None, life, None)],
                           "data", "50Gi", "gp3-immediate", ["us-east-1c"])
    failed_scheduling(world, pods[0], scaled, at("09:28:05"), 28)


# entrypoint-not-found
def settlement_worker(world, general):
    start = at("08:41:12")
    spec = template([container(
        "settlement-worker", image("settlement-worker", "1.0.0"), ("100m", "128Mi"), ("500m", "256Mi"),
        command=["settlement-wroker"], args=["--queue", "settlement-jobs"])])
    message = ("failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
               "unable to start container process: error during container init: exec: \"settlement-wroker\": executable "
               "file not found in $PATH")
    runs = crash_runs_from(after(start, 4), lambda run: 0)
    life = crashing(start, runs, "StartError", 128, message, pull_seconds=3)
    _, pods = deployment(world, "settlement", "settlement-worker", start, [revision(start, spec, [(general[1], life)])],
                         completed=False)
    world.event(pods[0].item, "Failed", f"Error: {message}", runs[0][0], runs[-1][0], len(runs), warning=True,
                node=pods[0].node, container="settlement-worker")
    back_off(world, pods[0], after(runs[1][1], 1), at("09:29:47"), 218)


# podidentity-no-association
def receipts_uploader(world, general):
    start = at("08:48:33")
    spec = template([container(
        "receipts-uploader", image("receipts-uploader", "1.1.2"), ("100m", "128Mi"), ("500m", "256Mi"),
        env={"S3_BUCKET": "example-receipts", "QUEUE_URL": "http://receipts-queue.example.internal", "AWS_REGION": "us-east-1",
             "PYTHONUNBUFFERED": "1"})], "receipts-uploader")
    runs = crash_runs_from(after(start, 7), lambda run: 14 + run % 3)
    life = crashing(start, runs, "Error", 1, pull_seconds=5)
    _, pods = deployment(world, "receipts", "receipts-uploader", start, [
        revision(start, spec, [(general[1], life, {"cpu": 60, "memory": 84})])], completed=False)
    back_off(world, pods[0], after(runs[1][1], 1), at("09:29:33"), 164)


# crash-app-error
def notifications(world, general):
    start = at("2026-11-22 21:07:48")
    spec = template([container(
        "notifications", image("notifications", "3.3.1"), ("100m", "128Mi"), ("500m", "256Mi"), 8080, ready="/healthz",
        env={"SMTP_HOST": "mail-relay.messaging.svc.cluster.local", "SMTP_PORT": "25"})], "notifications")
    older = template([container("notifications", image("notifications", "3.2.9"), ("100m", "128Mi"), ("500m", "256Mi"), 8080,
                                ready="/healthz")], "notifications")
    runs = crash_runs_from(after(start, 8), lambda run: 36 + run % 5)
    life = crashing(start, runs, "Error", 1, pull_seconds=6)
    _, pods = deployment(world, "receipts", "notifications", at("2025-06-11 08:33:00"), [
        revision(at("2026-09-16 14:02:55"), older, [], 8),
        revision(start, spec, [(general[0], life, {"cpu": 74, "memory": 63})], 9)], strategy="Recreate", completed=False)
    restart_events(world, pods[0])
    back_off(world, pods[0], after(runs[1][1], 1), at("09:29:26"), 3028)
