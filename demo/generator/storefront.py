"""`storefront`: a healthy EKS Auto Mode cluster."""

from .base import after, at
from .pods import container, probe, secret_key, template
from .system import metrics_server, monitoring
from .workloads import deployment, revision, running, stateful_set
from .world import World

IMAGES = "111122223333.dkr.ecr.us-west-2.amazonaws.com"


def build():
    world = World("storefront", "us-west-2", "1.35", "10.60", "172.20", "v1.35.4-eks-7f3a1c2", auto_mode=True)
    created = at("2026-03-11 14:22:41")
    world.base_objects(created)
    world.csi_driver("ebs.csi.eks.amazonaws.com", created)
    world.storage_class("gp3", "ebs.csi.eks.amazonaws.com", "WaitForFirstConsumer", after(created, 5400), default=True)
    for name in ("shop", "orders"):
        world.namespace(name, after(created, 7200), {"team": name})
    # Auto Mode replaces nodes at the latest after 21 days.
    nodes = [
        world.node(zone, "m7g.large", at(joined), subnet, host, {
            "eks.amazonaws.com/compute-type": "auto",
            "eks.amazonaws.com/instance-category": "m",
            "eks.amazonaws.com/instance-cpu": "2",
            "eks.amazonaws.com/instance-family": "m7g",
            "eks.amazonaws.com/instance-generation": "7",
            "eks.amazonaws.com/instance-hypervisor": "nitro",
            "eks.amazonaws.com/instance-memory": "8192",
            "eks.amazonaws.com/instance-size": "large",
            "eks.amazonaws.com/nodeclass": "default",
            "karpenter.sh/capacity-type": "on-demand",
            "karpenter.sh/initialized": "true",
            "karpenter.sh/nodepool": "general-purpose",
            "karpenter.sh/registered": "true",
        })
        for zone, joined, subnet, host in (
            ("us-west-2a", "2026-11-13 03:12:09", 32, 74),
            ("us-west-2b", "2026-11-13 03:16:40", 48, 131),
            ("us-west-2c", "2026-11-17 11:05:22", 64, 29),
            ("us-west-2a", "2026-11-19 22:41:37", 32, 188),
        )
    ]
    auto_mode_pools(world, created)
    metrics_server(world, after(created, 900), at("2026-11-19 22:43:30"), [nodes[3], nodes[1]])
    monitoring(world, after(created, 86_400))
    shop(world, created, nodes)
    orders(world, created, nodes)
    return world


def auto_mode_pools(world, created):
    """The resources behind the nodes, with just enough of their definitions to name them."""
    kinds = (("karpenter.sh", "NodePool", "nodepools", "v1"), ("karpenter.sh", "NodeClaim", "nodeclaims", "v1"),
             ("eks.amazonaws.com", "NodeClass", "nodeclasses", "v1"))
    for group, kind, plural, version in kinds:
        name = f"{plural}.{group}"
        names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower(), "categories": ["karpenter"]}
        world.add("auto-mode", "apiextensions.k8s.io/v1", "CustomResourceDefinition",
                  world.meta("CustomResourceDefinition", name, created=created),
                  spec={"group": group, "names": names, "scope": "Cluster", "conversion": {"strategy": "None"}, "versions": [{
                      "name": version, "served": True, "storage": True, "subresources": {"status": {}},
                      "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}}]},
                  status={"acceptedNames": names, "storedVersions": [version], "conditions": [
                      {"type": kind_, "status": "True", "reason": reason, "lastTransitionTime": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                       "message": message} for kind_, reason, message in (
                          ("NamesAccepted", "NoConflicts", "no conflicts found"),
                          ("Established", "InitialNamesAccepted", "the initial names have been accepted"))]})
    since = created.strftime("%Y-%m-%dT%H:%M:%SZ")
    good = lambda *kinds: [{"type": kind, "status": "True", "reason": kind, "message": "", "lastTransitionTime": since,
                            "observedGeneration": 1} for kind in kinds]
    world.add("auto-mode", "eks.amazonaws.com/v1", "NodeClass", world.meta("NodeClass", "default", created=created),
              spec={"ephemeralStorage": {"iops": 3000, "size": "80Gi", "throughput": 125}, "networkPolicy": "DefaultAllow",
                    "role": "storefront-auto-node", "snatPolicy": "Random",
                    "subnetSelectorTerms": [{"id": "subnet-0a11"}, {"id": "subnet-0b22"}, {"id": "subnet-0c33"}]},
              status={"conditions": good("SubnetsReady", "SecurityGroupsReady", "InstanceProfileReady", "Ready")})
    requirement = lambda key, *values: {"key": key, "operator": "In", "values": list(values)}
    pool = lambda name, taints, *more: world.add(
        "auto-mode", "karpenter.sh/v1", "NodePool",
        world.meta("NodePool", name, created=created, labels={"app.kubernetes.io/managed-by": "eks"}),
        spec={
            "disruption": {"budgets": [{"nodes": "10%"}], "consolidateAfter": "30s",
                           "consolidationPolicy": "WhenEmptyOrUnderutilized"},
            "template": {"spec": {
                "expireAfter": "336h", "terminationGracePeriod": "24h0m0s",
                "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
                "requirements": [requirement("karpenter.sh/capacity-type", "on-demand"),
                                 requirement("eks.amazonaws.com/instance-category", "c", "m", "r"),
                                 requirement("kubernetes.io/os", "linux"), *more],
            } | ({"taints": taints} if taints else {})},
        },
        status={"conditions": good("ValidationSucceeded", "NodeClassReady", "Ready"),
                "resources": {"cpu": "8", "nodes": "4", "pods": "116"} if not taints else {"cpu": "0", "nodes": "0"}})
    general = pool("general-purpose", [], requirement("kubernetes.io/arch", "arm64", "amd64"))
    pool("system", [{"key": "CriticalAddonsOnly", "effect": "NoSchedule"}], requirement("kubernetes.io/arch", "amd64", "arm64"))
    for index, node in enumerate(world.nodes.values()):
        item = world.add(
            "auto-mode", "karpenter.sh/v1", "NodeClaim",
            world.meta("NodeClaim", f"general-purpose-{node['instance'][3:8]}", created=after(node["created"], -34),
                       labels={"karpenter.sh/nodepool": "general-purpose", "karpenter.sh/capacity-type": "on-demand",
                               "node.kubernetes.io/instance-type": "m7g.large", "topology.kubernetes.io/zone": node["zone"]}),
            spec={"expireAfter": "336h", "nodeClassRef": {"group": "eks.amazonaws.com", "kind": "NodeClass", "name": "default"},
                  "requirements": [requirement("karpenter.sh/nodepool", "general-purpose")]},
            status={"nodeName": node["name"], "providerID": f"aws:///{node['zone']}/{node['instance']}",
                    "capacity": {"cpu": "2", "memory": f"{node['memory'] // 1024}Ki", "pods": "29"},
                    "conditions": [condition | {"lastTransitionTime": node["created"].strftime("%Y-%m-%dT%H:%M:%SZ")}
                                   for condition in good("Launched", "Registered", "Initialized", "Ready")]})
        item["metadata"]["ownerReferences"] = [{
            "apiVersion": "karpenter.sh/v1", "kind": "NodePool", "name": "general-purpose", "controller": True,
            "uid": general["metadata"]["uid"], "blockOwnerDeletion": True}]


def spread(app):
    return [{"labelSelector": {"matchLabels": {"app": app}}, "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
             "whenUnsatisfiable": "ScheduleAnyway"}]


def app(world, namespace, name, tag, rollout, nodes, requests, limits, port, load, number, created, env, ready="/healthz"):
    spec = template([container(name, f"{IMAGES}/{name}:{tag}", requests, limits, port, ready=ready, live=ready, env=env)],
                    name, topologySpreadConstraints=spread(name))
    start = at(rollout)
    deployment(world, namespace, name, created, [
        revision(start, spec, [(node, running(after(start, 21 * i)), load) for i, node in enumerate(nodes)], number)])
    world.service(namespace, name, created, {"app": name}, [("http", 80, "http", "TCP")])


def shop(world, created, nodes):
    a, b, c, d = nodes
    begun = after(created, 9000)
    world.config_map("shop", "shop-settings", begun, {"CURRENCY": "USD", "FEATURE_GIFT_CARDS": "true", "LOG_LEVEL": "info"})
    world.secret("shop", "search-index", begun, "api-key")
    upstream = {"CATALOG_URL": "http://catalog.shop", "CART_URL": "http://cart.shop", "ORDERS_URL": "http://orders-api.orders"}
    settings = {"LOG_LEVEL": {"configMapKeyRef": {"name": "shop-settings", "key": "LOG_LEVEL"}}}
    app(world, "shop", "catalog", "7.2.0", "2026-11-19 22:50:12", [a, b], ("200m", "256Mi"), ("1", "512Mi"), 8080,
        {"cpu": 96, "memory": 214, "traffic": True}, 31, begun, settings)
    app(world, "shop", "cart", "3.9.2", "2026-11-20 15:31:00", [b, c], ("150m", "192Mi"), ("500m", "384Mi"), 8080,
        {"cpu": 61, "memory": 142, "traffic": True}, 18, begun, settings)
    app(world, "shop", "search", "2.0.7", "2026-11-19 22:46:55", [c, d], ("250m", "768Mi"), ("1", "1Gi"), 8080,
        {"cpu": 118, "memory": 671, "traffic": True}, 9, begun,
        settings | {"INDEX_API_KEY": secret_key("search-index", "api-key")})
    app(world, "shop", "web", "12.4.1", "2026-11-20 16:02:48", [a, b, d], ("150m", "192Mi"), ("1", "384Mi"), 3000,
        {"cpu": 74, "memory": 168, "traffic": True}, 64, begun, upstream)


def orders(world, created, nodes):
    a, b, c, d = nodes
    begun = after(created, 9600)
    world.secret("orders", "orders-db", begun, "username", "password")
    app(world, "orders", "orders-api", "5.1.3", "2026-11-20 15:40:19", [d, c], ("200m", "256Mi"), ("1", "512Mi"), 8080,
        {"cpu": 83, "memory": 238, "traffic": True}, 22, begun,
        {"DB_HOST": "orders-db-0.orders-db.orders", "DB_PASSWORD": secret_key("orders-db", "password")})
    database = container(
        "postgres", "public.ecr.aws/docker/library/postgres:17.6", ("300m", "1Gi"), (None, "1Gi"), 5432, "postgres",
        ready=probe(command=["pg_isready", "-U", "postgres"], period=10),
        env={"PGDATA": "/var/lib/postgresql/data/pgdata", "POSTGRES_PASSWORD": secret_key("orders-db", "password")},
        mounts=[{"name": "data", "mountPath": "/var/lib/postgresql/data"}])
    stateful_set(
        world, "orders", "orders-db", begun, template([database], "orders-db"), "orders-db",
        [(a, running(at("2026-11-13 03:21:50")), {"cpu": 57, "memory": 688, "traffic": True}),
         (b, running(at("2026-11-13 03:24:12")), {"cpu": 31, "memory": 596, "traffic": True})],
        "data", "100Gi", "gp3", ["us-west-2a", "us-west-2b"])
    world.service("orders", "orders-db", begun, {"app": "orders-db"}, [("postgres", 5432, "postgres", "TCP")], headless=True)
