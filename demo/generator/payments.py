"""`payments`: an ageing cluster with managed node groups, where the faults are."""

from . import faults, payments_logs
from .base import after, at, digest, suffix
from .pods import container, secret_key, template
from .system import block_storage, dns, metrics_server, monitoring, networking, pod_identity_agent
from .workloads import Life, deployment, make_pod, revision, running
from .world import World

IMAGES = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
CREATED = at("2025-02-18 13:40:05")
BATCH_TOLERATION = [{"effect": "NoSchedule", "key": "dedicated", "operator": "Equal", "value": "batch"}]


def image(name, tag):
    return f"{IMAGES}/{name}:{tag}"


def build():
    world = World("payments", "us-east-1", "1.32", "10.40", "10.100", "v1.32.9-eks-113cf36")
    world.associations = {
        (namespace, account): "a-" + digest("association", namespace, account)[:16] for namespace, account in (
            ("kube-system", "ebs-csi-controller-sa"),
            ("ledger", "report-renderer"),
            ("receipts", "receipts-archive"),
            ("risk", "fraud-scorer"),
        )}
    world.base_objects(CREATED)
    world.csi_driver("ebs.csi.aws.com", after(CREATED, 2400))
    world.storage_class("gp3", "ebs.csi.aws.com", "WaitForFirstConsumer", after(CREATED, 5400), default=True)
    world.storage_class("gp3-immediate", "ebs.csi.aws.com", "Immediate", after(CREATED, 5460))
    for name in ("checkout", "ledger", "receipts", "risk", "settlement"):
        world.namespace(name, after(CREATED, 7200), {"team": name})
    world.config_map("kube-system", "aws-auth", after(CREATED, 1800), {"mapRoles": (
        "- groups:\n  - system:bootstrappers\n  - system:nodes\n"
        "  rolearn: arn:aws:iam::111122223333:role/payments-node\n  username: system:node:{{EC2PrivateDNSName}}\n")})

    general, batch, edge = join_nodes(world)
    networking(world, after(CREATED, 600))
    monitoring(world, after(CREATED, 86_400))
    block_storage(world, after(CREATED, 2400), at("2026-11-02 06:24:31"), [general[1], general[2]])
    pod_identity_agent(world, after(CREATED, 2700))
    dns(world, after(CREATED, 600), at("2026-11-02 06:21:47"), [general[0], general[2]])
    metrics_server(world, after(CREATED, 3000), at("2026-11-02 06:25:10"), [general[1], general[2]])

    healthy(world, general, batch, edge)
    faults.add(world, general)
    services(world)
    payments_logs.add(world)
    return world


def join_nodes(world):
    def join(group, kind, zone, subnet, host, joined, labels=None, taints=None):
        return world.node(zone, kind, at(joined), subnet, host, {
            "eks.amazonaws.com/capacityType": "ON_DEMAND",
            "eks.amazonaws.com/nodegroup": group,
            "eks.amazonaws.com/nodegroup-image": "ami-0" + digest("ami", kind)[:16],
            "eks.amazonaws.com/sourceLaunchTemplateId": "lt-0" + digest("launch", group)[:16],
            "eks.amazonaws.com/sourceLaunchTemplateVersion": "4",
        } | (labels or {}), taints)

    general = [
        join("general", "m7i.large", "us-east-1a", 10, 27, "2026-11-02 06:17:20"),
        join("general", "m7i.large", "us-east-1a", 10, 143, "2026-11-02 06:19:02"),
        join("general", "m7i.large", "us-east-1b", 11, 68, "2026-11-02 06:17:44"),
    ]
    batch = join("batch", "m7i.large", "us-east-1b", 11, 190, "2026-11-02 06:31:15", {"workload": "batch"},
                 [{"effect": "NoSchedule", "key": "dedicated", "value": "batch"}])
    edge = join("edge", "t4g.medium", "us-east-1a", 10, 211, "2026-11-04 10:02:33")
    return general, batch, edge


def healthy(world, general, batch, edge):
    world.secret("checkout", "payment-provider", after(CREATED, 9000), "api-key", "webhook-key")
    world.secret("ledger", "ledger-db", after(CREATED, 9000), "username", "password")

    # Two restarts six days ago, when its provider was down; in order ever since.
    gateway = template([container(
        "payment-gateway", image("payment-gateway", "5.7.3"), ("200m", "256Mi"), ("1", "512Mi"), 8080, ready="/readyz",
        live="/livez", env={"PROVIDER_URL": "https://api.provider.example", "PROVIDER_API_KEY":
                            secret_key("payment-provider", "api-key")})], "payment-gateway")
    start = at("2026-11-12 10:20:14")
    load = {"cpu": 108, "memory": 276, "traffic": True}
    past = [(after(start, 5), at("2026-11-17 04:11:52")), (at("2026-11-17 04:11:53"), at("2026-11-17 04:12:31")),
            (at("2026-11-17 04:12:44"), None)]
    deployment(world, "checkout", "payment-gateway", after(CREATED, 9100), [revision(start, gateway, [
        (general[1], running(start, runs=past, last={"reason": "Error", "exitCode": 1}), load),
        (general[2], running(after(start, 24)), load)], 27)])

    relay = template([container(
        "edge-relay", image("edge-relay", "1.8.0"), ("100m", "96Mi"), ("500m", "192Mi"), 8080, ready="/healthz",
        live="/healthz", env={"UPSTREAM": "http://payment-gateway.checkout"})],
        nodeSelector={"kubernetes.io/arch": "arm64"})
    start = at("2026-11-04 10:09:50")
    deployment(world, "checkout", "edge-relay", at("2026-05-19 12:00:31"), [
        revision(start, relay, [(edge, running(start), {"cpu": 41, "memory": 58, "traffic": True})], 6)])

    # The neighbour of reconcile-batch that does tolerate the taint of the batch nodes.
    renderer = template([container(
        "report-renderer", image("report-renderer", "0.19.2"), ("500m", "1Gi"), ("1500m", "2Gi"), 8080, ready="/healthz",
        env={"OUTPUT_BUCKET": "example-ledger-reports", "DB_PASSWORD": secret_key("ledger-db", "password")})],
        "report-renderer", nodeSelector={"workload": "batch"}, tolerations=BATCH_TOLERATION)
    start = at("2026-11-10 16:44:02")
    deployment(world, "ledger", "report-renderer", at("2026-02-03 09:15:20"), [
        revision(start, renderer, [(batch, running(start), {"cpu": 390, "memory": 803})], 11)])

    archive(world, general[0])


def archive(world, node):
    """An hourly CronJob; its newest Job completed."""
    begun, scheduled = at("2026-06-08 11:30:00"), at("09:00:00")
    world.service_account("receipts", "receipts-archive", begun)
    spec = template([container(
        "receipts-archive", image("receipts-archive", "1.4.1"), ("100m", "128Mi"), ("500m", "256Mi"),
        args=["--older-than", "90d"], env={"S3_BUCKET": "example-receipts-archive"})],
        "receipts-archive")
    spec["restartPolicy"] = "OnFailure"
    job_spec = {"backoffLimit": 2, "template": {"metadata": {"labels": {"app": "receipts-archive"}}, "spec": spec}}
    cron = world.add("receipts", "batch/v1", "CronJob", world.meta("CronJob", "receipts-archive", "receipts", begun,
                                                                    labels={"app": "receipts-archive"}))
    name = f"receipts-archive-{int(scheduled.timestamp()) // 60}"
    job = world.add("receipts", "batch/v1", "Job", world.meta(
        "Job", name, "receipts", scheduled, labels={"app": "receipts-archive"}, owner=cron,
        annotations={"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-23T09:00:00Z"}))
    labels = {"app": "receipts-archive", "batch.kubernetes.io/controller-uid": job["metadata"]["uid"],
              "batch.kubernetes.io/job-name": name, "controller-uid": job["metadata"]["uid"], "job-name": name}
    job["spec"] = {
        "backoffLimit": 2, "completionMode": "NonIndexed", "completions": 1, "manualSelector": False, "parallelism": 1,
        "podReplacementPolicy": "TerminatingOrFailed", "suspend": False,
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": job["metadata"]["uid"]}},
        "template": {"metadata": {"labels": labels}, "spec": spec},
    }
    life = Life(scheduled, "completed", [(after(scheduled, 2), after(scheduled, 47))], False,
                last={"reason": "Completed", "exitCode": 0}, pull_seconds=1)
    make_pod(world, "receipts", f"{name}-{suffix(5, 'archive')}", job, "receipts-archive", spec, labels, node, life,
             prefix=f"{name}-")
    done = after(scheduled, 50)
    done_text = done.strftime("%Y-%m-%dT%H:%M:%SZ")
    job["status"] = {
        "completionTime": done_text, "ready": 0, "startTime": "2026-11-23T09:00:00Z", "succeeded": 1, "terminating": 0,
        "uncountedTerminatedPods": {}, "conditions": [
            {"type": kind, "status": "True", "reason": "CompletionsReached",
             "message": "Reached expected number of succeeded pods", "lastProbeTime": done_text,
             "lastTransitionTime": done_text} for kind in ("SuccessCriteriaMet", "Complete")],
    }
    cron["spec"] = {"concurrencyPolicy": "Forbid", "failedJobsHistoryLimit": 1, "jobTemplate": {"metadata": {}, "spec": job_spec},
                    "schedule": "0 * * * *", "successfulJobsHistoryLimit": 1, "suspend": False}
    cron["status"] = {"lastScheduleTime": "2026-11-23T09:00:00Z", "lastSuccessfulTime": done_text}
    world.event(cron, "SuccessfulCreate", f"Created job {name}", scheduled, component="cronjob-controller")
    world.event(job, "Completed", "Job completed", done, component="job-controller")
    world.event(cron, "SawCompletedJob", f"Saw completed job: {name}, condition: Complete", done, component="cronjob-controller")


def services(world):
    old, today = after(CREATED, 9200), at("08:41:30")
    http = [("http", 80, "http", "TCP")]
    for namespace, name, created in (
        ("checkout", "checkout-api", old), ("checkout", "payment-gateway", old), ("checkout", "edge-relay", old),
        ("checkout", "refunds", at("2026-11-20 16:05:10")), ("ledger", "ledger", at("08:52:03")),
        ("ledger", "report-renderer", old), ("receipts", "notifications", old), ("risk", "fraud-scorer", old),
    ):
        world.service(namespace, name, created, {"app": name}, http)
    world.service("settlement", "settlement-store", at("2026-10-14 08:10:44"), {"app": "settlement-store"},
                  [("postgres", 5432, "postgres", "TCP")], headless=True)
