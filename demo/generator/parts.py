"""What surrounds the clusters in AWS: node groups, add-ons, insights, instances, networks, images, quotas.

All of it is in order but for one node group of payments, whose Auto Scaling group has run into the quota of vCPUs.
"""

from .aws import clusters
from .base import ACCOUNT, after, at, digest, stamp

ADDONS = {
    "payments": {"vpc-cni": "v1.19.2-eksbuild.5", "coredns": "v1.11.4-eksbuild.24", "kube-proxy": "v1.32.9-eksbuild.2",
                 "aws-ebs-csi-driver": "v1.45.0-eksbuild.2", "eks-pod-identity-agent": "v1.3.8-eksbuild.2",
                 "amazon-cloudwatch-observability": "v4.2.1-eksbuild.1", "metrics-server": "v0.8.0-eksbuild.2"},
    "storefront": {"metrics-server": "v0.8.0-eksbuild.2", "amazon-cloudwatch-observability": "v4.2.1-eksbuild.1"},
    "dev": {"vpc-cni": "v1.20.4-eksbuild.1", "coredns": "v1.13.1-eksbuild.1", "kube-proxy": "v1.36.1-eksbuild.2",
            "amazon-cloudwatch-observability": "v4.2.1-eksbuild.1"},
}
ZONES = {"us-east-1": "abc", "us-west-2": "abc"}
# type: network interfaces, addresses of each
INTERFACES = {"t4g.medium": (3, 6), "m7g.large": (3, 10), "m7i.large": (3, 10)}
STUCK = "report"


def role(cluster, group):
    return f"arn:aws:iam::{ACCOUNT}:role/{cluster}-{group}-node"


def nodegroups(worlds):
    found = []
    for world in worlds:
        sizes = {}
        for node in world.items("Node"):
            labels = node["metadata"]["labels"]
            group = labels.get("eks.amazonaws.com/nodegroup")
            if group:
                sizes.setdefault(group, []).append(labels)
        subnets = next(it for it in clusters() if it["name"] == world.name)["vpc"]["subnet_ids"]
        for group, nodes in sorted(sizes.items()):
            kind = nodes[0]["node.kubernetes.io/instance-type"]
            found.append(nodegroup(world, group, kind, len(nodes), subnets))
        if world.name == "payments":
            stuck = nodegroup(world, STUCK, "m7i.large", 2, subnets[:2])
            stuck["status"] = "DEGRADED"
            stuck["health_issues"] = [{
                "code": "AsgInstanceLaunchFailures",
                "message": "Could not launch On-Demand Instances. VcpuLimitExceeded - You have requested more vCPU capacity than "
                           "your current vCPU limit of 16 allows for the instance bucket that the specified instance type belongs "
                           "to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit. "
                           "Launching EC2 instance failed.",
                "resource_ids": stuck["auto_scaling_groups"],
            }]
            found.append(stuck)
    return found


def nodegroup(world, group, kind, size, subnets):
    arm = kind.split(".")[0].endswith("g")
    return {
        "cluster": world.name, "name": group, "status": "ACTIVE", "version": world.minor,
        "release_version": f"{world.minor}.{9 if world.minor < '1.35' else 1}-20261101",
        "ami_type": "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD", "capacity_type": "ON_DEMAND",
        "instance_types": [kind], "subnet_ids": subnets, "node_role": role(world.name, group), "min_size": 1,
        "desired_size": size, "max_size": size + 2,
        "auto_scaling_groups": [f"eks-{group}-{digest('asg', world.name, group)[:8]}"], "health_issues": [],
        "created_at": "2025-02-18T13:58:10Z",
    }


def addons(worlds):
    return [{"cluster": world.name, "name": name, "status": "ACTIVE", "version": version, "health_issues": []}
            for world in worlds for name, version in sorted(ADDONS[world.name].items())]


def insights(worlds):
    found = []
    for world in worlds:
        following = f"1.{int(world.minor.split('.')[1]) + 1}"
        for name, text in (
            ("Kubelet version skew", "Node kubelet versions match the cluster control plane version."),
            ("kube-proxy version skew", "kube-proxy versions match the cluster control plane version."),
            ("EKS add-on version compatibility", "All installed EKS add-on versions are compatible with next Kubernetes version."),
            ("Cluster health issues", "No cluster health issues detected."),
        ):
            found.append({
                "cluster": world.name, "id": digest("insight", world.name, name)[:36], "name": name,
                "category": "UPGRADE_READINESS", "kubernetes_version": following, "status": "PASSING", "reason": text,
                "refreshed_at": "2026-11-22T23:14:09Z",
            })
    return found


def entries(groups):
    return [{"cluster": group["cluster"], "principal_arn": group["node_role"], "entry_type": "EC2_LINUX",
             "username": "system:node:{{EC2PrivateDNSName}}", "groups": ["system:nodes"]} for group in groups]


def instances(worlds):
    found = []
    for world in worlds:
        for node in world.items("Node"):
            labels = node["metadata"]["labels"]
            group = labels.get("eks.amazonaws.com/nodegroup")
            tags = {f"kubernetes.io/cluster/{world.name}": "owned"}
            if group:
                tags["eks:nodegroup-name"] = group
            found.append({
                "id": node["spec"]["providerID"].rsplit("/", 1)[1],
                "instance_type": labels["node.kubernetes.io/instance-type"], "state": "running",
                "zone": labels["topology.kubernetes.io/zone"], "private_dns_name": node["metadata"]["name"],
                "launched_at": node["metadata"]["creationTimestamp"], "system_status": "ok", "instance_status": "ok",
                "tags": tags,
            })
    return found


def subnets():
    found = []
    for cluster in clusters():
        region = cluster["arn"].split(":")[3]
        network = {"payments": "10.40", "storefront": "10.64", "dev": "10.80"}[cluster["name"]]
        for index, subnet in enumerate(cluster["vpc"]["subnet_ids"]):
            found.append({"id": subnet, "zone": region + ZONES[region][index], "cidr": f"{network}.{16 * index}.0/20",
                          "free_addresses": 4091 - 37 * (index + 1), "public_addresses": False})
    return found


def activities(groups):
    stuck = next(it for it in groups if it["name"] == STUCK)
    moments = [after(at("09:02:11"), 600 * index) for index in range(3)]
    message = stuck["health_issues"][0]["message"]
    return [{
        "group": stuck["auto_scaling_groups"][0], "id": digest("activity", index)[:36], "status": "Failed",
        "status_message": message, "description": "Launching a new EC2 instance.  Status Reason: " + message,
        "started_at": stamp(moment),
    } for index, moment in enumerate(moments)]


def images(worlds):
    """The images that a pod waits for: their repositories are there, the tags are not."""
    found = []
    for world in worlds:
        for pod in world.items("Pod"):
            for status in pod["status"].get("containerStatuses", []):
                if status.get("state", {}).get("waiting", {}).get("reason") not in ("ErrImagePull", "ImagePullBackOff"):
                    continue
                container = next(it for it in pod["spec"]["containers"] if it["name"] == status["name"])
                registry, rest = container["image"].split("/", 1)
                repository, tag = rest.rsplit(":", 1)
                item = {
                    "registry": registry.split(".")[0], "repository": repository, "reference": tag,
                    "repository_exists": True, "exists": False, "tags": ["3.1.0", "3.0.8", "3.0.7"],
                }
                if item not in found:
                    found.append(item)
    return found


def alarms():
    """What was set up for payments, by hand and over time: one alert, one that lacks data, one that would tell nobody."""
    def alarm(name, state, since, metric, threshold, comparison="GreaterThanThreshold", **more):
        return {
            "region": "us-east-1", "name": name, "arn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:{name}", "state": state,
            "reason": "Threshold Crossed" if state == "ALARM" else "", "since": since, "namespace": "ContainerInsights",
            "metric": metric, "dimensions": {"ClusterName": "payments"}, "statistic": "Average", "period_seconds": 60,
            "comparison": comparison, "threshold": threshold, "actions_enabled": True, "actions": 1,
        } | more

    restarts = alarm(
        "payments-checkout-restarts", "ALARM", "2026-11-23T07:58:00Z", "pod_number_of_container_restarts", 3.0, statistic="Maximum",
        reason="Threshold Crossed: 3 datapoints were greater than the threshold (3.0).", recent=[9.0, 8.0, 8.0],
        dimensions={"ClusterName": "payments", "Namespace": "checkout"})
    return [
        restarts,
        alarm("payments-node-cpu", "OK", "2026-11-02T06:40:00Z", "node_cpu_utilization", 85.0),
        alarm("payments-failed-nodes", "OK", "2026-11-02T06:40:00Z", "cluster_failed_node_count", 0.0, actions=0),
        alarm("payments-gpu", "INSUFFICIENT_DATA", "2026-09-14T10:12:00Z", "node_gpu_utilization", 90.0,
              reason="Insufficient Data: 3 datapoints were unknown."),
        {
            "region": "us-east-1", "name": "payments-page", "arn": f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:payments-page",
            "state": "ALARM", "reason": "payments-checkout-restarts transitioned to ALARM", "since": "2026-11-23T07:58:00Z",
            "rule": "ALARM(\"payments-checkout-restarts\") OR ALARM(\"payments-failed-nodes\")", "actions_enabled": True, "actions": 1,
        },
        alarm("orders-queue-depth", "OK", "2026-10-01T00:00:00Z", "ApproximateNumberOfMessagesVisible", 1000.0,
              namespace="AWS/SQS", dimensions={"QueueName": "orders"}),
    ]


def files(worlds):
    groups = nodegroups(worlds)
    return {
        "aws/alarms/alarms.json": alarms(),
        "aws/eks/nodegroups.json": groups,
        "aws/eks/addons.json": addons(worlds),
        "aws/eks/addon_versions.json": [],
        "aws/eks/fargate_profiles.json": [],
        "aws/eks/insights.json": insights(worlds),
        "aws/eks/access_entries.json": entries(groups),
        "aws/eks/updates.json": [],
        "aws/ec2/instances.json": instances(worlds),
        "aws/ec2/console_outputs.json": [],
        "aws/ec2/instance_types.json": [{"name": name, "interfaces": interfaces, "addresses_per_interface": addresses}
                                        for name, (interfaces, addresses) in INTERFACES.items()],
        "aws/ec2/subnets.json": subnets(),
        "aws/ec2/security_groups.json": [],
        "aws/ec2/volumes.json": [],
        "aws/autoscaling/scaling_activities.json": activities(groups),
        "aws/ecr/images.json": images(worlds),
        "aws/iam/roles.json": [],
        "aws/elasticloadbalancing/target_health.json": [],
        "aws/servicequotas/quotas.json": [{
            "service": "ec2", "code": "L-1216C47A",
            "name": "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", "value": 16.0}],
    }
