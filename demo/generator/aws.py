"""What the AWS APIs answer: clusters, versions, associations, prices, identity."""

import json
from pathlib import Path

from .base import ACCOUNT, TAKEN_AT, digest

SHORT = {"us-east-1": "USE1", "us-west-2": "USW2"}
LOCATIONS = {"us-east-1": "US East (N. Virginia)", "us-west-2": "US West (Oregon)"}
PUBLISHED = "2026-09-18T00:00:00Z"

# version, patch, platform, released, end of standard support, end of extended support
VERSIONS = (
    ("1.36", "1.36.1", "eks.6", "2026-06-02", "2027-08-02", "2028-08-02"),
    ("1.35", "1.35.4", "eks.15", "2026-01-27", "2027-03-27", "2028-03-27"),
    ("1.34", "1.34.7", "eks.24", "2025-10-02", "2026-12-02", "2027-12-02"),
    ("1.33", "1.33.9", "eks.38", "2025-05-29", "2026-07-29", "2027-07-29"),
    ("1.32", "1.32.12", "eks.45", "2025-01-23", "2026-03-23", "2027-03-23"),
    ("1.31", "1.31.14", "eks.61", "2024-09-26", "2025-11-26", "2026-11-26"),
)
INSTANCES = {
    # type: price, Auto Mode management fee, vCPUs, memory
    "t4g.medium": ("0.0336", "0.00403", "2", "4 GiB"),
    "m7g.large": ("0.0816", "0.00979", "2", "8 GiB"),
    "m7i.large": ("0.1008", "0.0121", "2", "8 GiB"),
}


def cluster(name, region, version, platform, created, key, service_cidr, **more):
    vpc = more.pop("vpc")
    network = digest("vpc", name)
    return {
        "name": name,
        "arn": f"arn:aws:eks:{region}:{ACCOUNT}:cluster/{name}",
        "status": "ACTIVE",
        "version": version,
        "platform_version": platform,
        "created_at": created,
        "endpoint": f"https://{key}.gr7.{region}.eks.amazonaws.com",
        "role_arn": f"arn:aws:iam::{ACCOUNT}:role/{name}-control-plane",
        "oidc_issuer": f"https://oidc.eks.{region}.amazonaws.com/id/{key}",
        "vpc": {
            "id": f"vpc-0{network[:16]}",
            "subnet_ids": [f"subnet-0{digest('subnet', name, zone)[:16]}" for zone in range(3)],
            "security_group_ids": [],
            "cluster_security_group_id": f"sg-0{digest('group', name)[:16]}",
            "egress_mode": "AWS_MANAGED",
        } | vpc,
        "ip_family": "ipv4",
        "service_cidr": service_cidr,
        "health_issues": [],
        "zonal_shift": False,
        "tier": "standard",
        "event_ttl": "1h0m0s",
    } | more


def clusters():
    anyone = {"public_access": True, "public_access_cidrs": ["0.0.0.0/0"]}
    return [
        cluster(
            "storefront", "us-west-2", "1.35", "eks.15", "2026-03-11T14:16:02Z", "123456789ABCDEF0123456789ABCDEF0",
            "172.20.0.0/16",
            vpc={"public_access": True, "private_access": True, "public_access_cidrs": ["198.51.100.0/24"]},
            logging=["api", "audit", "authenticator", "controllerManager", "scheduler"],
            encryption_key_arn=f"arn:aws:kms:us-west-2:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
            authentication_mode="API", support_type="STANDARD", deletion_protection=True, zonal_shift=True,
            # Made larger for the busiest week of the year.
            tier="tier-2xl",
            auto_mode={"compute": True, "storage": True, "load_balancing": True, "node_pools": ["general-purpose", "system"]},
            tags={"environment": "production", "team": "web"}),
        cluster(
            "payments", "us-east-1", "1.32", "eks.45", "2025-02-18T13:33:48Z", "0123456789ABCDEF0123456789ABCDEF",
            "10.100.0.0/16", vpc=anyone | {"private_access": False}, logging=[],
            authentication_mode="API_AND_CONFIG_MAP", support_type="EXTENDED", deletion_protection=False,
            tags={"environment": "production", "team": "payments"}),
        cluster(
            "dev", "us-west-2", "1.36", "eks.6", "2026-08-04T08:50:40Z", "23456789ABCDEF0123456789ABCDEF01",
            "172.20.0.0/16", vpc=anyone | {"private_access": True}, logging=["audit"], authentication_mode="API",
            support_type="STANDARD", deletion_protection=False, tags={"environment": "development", "team": "platform"}),
    ]


def tiers(version):
    """What each scaling tier holds with a version."""
    young = version >= "1.34"
    seats = (2_000, 4_000, 8_000, 16_000) if young else (1_700, 3_400, 6_800, 13_600)
    return [{"name": f"tier-{size}", "api_request_concurrency": most, "pods_per_second": rate, "database_gb": 16}
            for size, most, rate in zip(("xl", "2xl", "4xl", "8xl"), seats, (167, 283, 400, 400))]


def versions():
    now = TAKEN_AT.strftime("%Y-%m-%d")

    def status(standard, extended):
        return "STANDARD_SUPPORT" if now < standard else "EXTENDED_SUPPORT" if now < extended else "UNSUPPORTED"

    return [{
        "version": version,
        "status": status(standard, extended),
        "default": version == "1.36",
        "patch_version": patch,
        "platform_version": platform,
        "released": f"{released}T00:00:00Z",
        "end_of_standard_support": f"{standard}T00:00:00Z",
        "end_of_extended_support": f"{extended}T00:00:00Z",
        "tiers": tiers(version),
    } for version, patch, platform, released, standard, extended in VERSIONS]


def associations(worlds):
    return [{"cluster": world.name, "namespace": namespace, "service_account": account, "id": identifier}
            for world in worlds for (namespace, account), identifier in sorted(world.associations.items())]


def products():
    found = []

    def put(service, region, unit, price, **attributes):
        attributes = {"servicecode": service, "regionCode": region, "location": LOCATIONS[region],
                      "locationType": "AWS Region"} | attributes
        found.append({
            "service": service,
            "sku": digest("sku", region, attributes["usagetype"], attributes.get("operation")).upper()[:16],
            "attributes": dict(sorted(attributes.items())),
            "prices": [{"unit": unit, "price": price, "currency": "USD"}],
            "published": PUBLISHED,
        })

    for region, short in SHORT.items():
        hours = f"{short}-AmazonEKS-Hours:"
        put("AmazonEKS", region, "Hours", "0.10", usagetype=f"{hours}perCluster", operation="CreateOperation",
            productFamily="Compute")
        put("AmazonEKS", region, "Hours", "0.50", usagetype=f"{hours}extendedSupport", operation="ExtendedSupport",
            productFamily="Compute")
        for tier, price in (("XL", "1.65"), ("2XL", "3.40"), ("4XL", "6.90"), ("8XL", "13.90")):
            put("AmazonEKS", region, "Hours", price, usagetype=f"{hours}{tier}-ProvisionedTier",
                operation="ProvisionedControlPlane", productFamily="Compute")
        prefix = "" if region == "us-east-1" else f"{short}-"
        for kind, (price, fee, cpus, memory) in INSTANCES.items():
            put("AmazonEKS", region, "Hours", fee, usagetype=f"{short}-EKS-Auto:{kind}-management-hours",
                operation="EKSAutoUsage", productFamily="Compute", instanceType=kind)
            put("AmazonEC2", region, "Hrs", price, usagetype=f"{prefix}BoxUsage:{kind}", operation="RunInstances",
                productFamily="Compute Instance", instanceType=kind, operatingSystem="Linux", tenancy="Shared",
                preInstalledSw="NA", capacitystatus="Used", licenseModel="No License required", marketoption="OnDemand",
                vcpu=cpus, memory=memory)
        for usage, family, unit, price in (
            ("VolumeUsage", "Storage", "GB-Mo", "0.08"),
            ("VolumeP-IOPS", "System Operation", "IOPS-Mo", "0.005"),
            ("VolumeP-Throughput", "Provisioned Throughput", "GiBps-mo", "40.96"),
        ):
            put("AmazonEC2", region, unit, price, usagetype=f"{prefix}EBS:{usage}.gp3", operation="",
                productFamily=family, volumeApiName="gp3", volumeType="General Purpose")
    return found


def write(root: Path, worlds):
    from . import parts  # which reads the clusters of this module

    files = {
        "snapshot.json": {"format": 1, "name": "demo", "taken_at": "2026-11-23T09:30:00Z", "account": ACCOUNT, "region": "us-east-1", "complete": True},
        "aws/eks/cluster_versions.json": versions(),
        "aws/eks/pod_identity_associations.json": associations(worlds),
        "aws/sts/caller_identity.json": {
            "account": ACCOUNT,
            "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/eks-mcp-reader/demo",
            "user_id": "AROAEXAMPLEEXAMPLE:demo",
        },
        "aws/pricing/products.json": products(),
    } | {f"clusters/{item['name']}/cluster.json": item for item in clusters()} | parts.files(worlds)
    for name, value in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
