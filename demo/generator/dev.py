"""`dev`: a small cluster for trying things out."""

from .base import after, at
from .pods import container, template
from .system import dns, monitoring, networking
from .workloads import deployment, revision, running
from .world import World

IMAGES = "111122223333.dkr.ecr.us-west-2.amazonaws.com"


def build():
    world = World("dev", "us-west-2", "1.36", "10.80", "172.20", "v1.36.1-eks-5d2b0e8")
    created = at("2026-08-04 08:57:13")
    world.base_objects(created)
    world.namespace("sandbox", after(created, 3600))
    nodes = [world.node(zone, "t4g.medium", at(joined), subnet, host, {
        "eks.amazonaws.com/capacityType": "ON_DEMAND", "eks.amazonaws.com/nodegroup": "default"})
        for zone, joined, subnet, host in (
            ("us-west-2a", "2026-11-02 07:30:11", 16, 52), ("us-west-2b", "2026-11-02 07:30:34", 32, 201))]
    networking(world, created)
    dns(world, created, at("2026-11-02 07:33:02"), nodes)
    monitoring(world, at("2026-08-05 10:11:00"))
    begun = after(created, 7200)

    preview = template([container("web", f"{IMAGES}/web:12.5.0-rc.2", ("100m", "192Mi"), ("500m", "384Mi"), 3000,
                                  ready="/healthz", live="/healthz")])
    start = at("2026-11-20 13:05:40")
    deployment(world, "sandbox", "web-preview", begun, [
        revision(start, preview, [(nodes[0], running(start), {"cpu": 8, "memory": 121})], 12)])
    world.service("sandbox", "web-preview", begun, {"app": "web-preview"}, [("http", 80, "http", "TCP")])

    # A rollout of this morning: ordinary events in a cluster where nothing is wrong.
    image = f"{IMAGES}/catalog"
    before = template([container("catalog", f"{image}:7.2.0", ("100m", "192Mi"), ("500m", "384Mi"), 8080, ready="/healthz")])
    now = template([container("catalog", f"{image}:7.3.0-rc.1", ("100m", "192Mi"), ("500m", "384Mi"), 8080, ready="/healthz")])
    start = at("08:52:26")
    item, _ = deployment(world, "sandbox", "catalog-preview", begun, [
        revision(at("2026-11-18 09:14:00"), before, [], 4),
        revision(start, now, [(nodes[1], running(start), {"cpu": 11, "memory": 158})], 5)])
    old = world.items("ReplicaSet")[-2]
    world.event(item, "ScalingReplicaSet", f"Scaled down replica set {old['metadata']['name']} from 1 to 0", after(start, 18),
                component="deployment-controller")
    world.service("sandbox", "catalog-preview", begun, {"app": "catalog-preview"}, [("http", 80, "http", "TCP")])
    return world
