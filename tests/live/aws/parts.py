"""What surrounds the clusters of the AWS stand-in: node groups, add-ons, instances, roles, targets, images, quotas.

Each fixture is a list of one shape of a service's model, and refused when a member is unknown.
"""

import base64
import json
import pathlib
import re
import urllib.parse

import wire

FIXTURES = pathlib.Path(__file__).parent / "fixtures" / "parts"

SHAPES = {
    "nodegroups": ("eks", "Nodegroup"),
    "addons": ("eks", "Addon"),
    "addon_versions": ("eks", "AddonInfo"),
    "fargate_profiles": ("eks", "FargateProfile"),
    "insights": ("eks", "Insight"),
    "access_entries": ("eks", "AccessEntry"),
    "updates": ("eks", "Update"),
    "instances": ("ec2", "Instance"),
    "statuses": ("ec2", "InstanceStatus"),
    "instance_types": ("ec2", "InstanceTypeInfo"),
    "subnets": ("ec2", "Subnet"),
    "security_groups": ("ec2", "SecurityGroup"),
    "volumes": ("ec2", "Volume"),
    "activities": ("autoscaling", "Activity"),
    "targets": ("elbv2", "TargetHealthDescription"),
    "roles": ("iam", "Role"),
    "images": ("ecr", "ImageDetail"),
    "quotas": ("service-quotas", "ServiceQuota"),
}


class Parts:
    """The parts, and how each operation answers from them."""

    def __init__(self, error, page):
        self.error = error
        self.page = page
        for name, (service, shape) in SHAPES.items():
            values = json.loads((FIXTURES / f"{name}.json").read_text())
            model_shape = wire.model(service).shape_for(shape)
            for index, value in enumerate(values):
                wire.conform(value, model_shape, f"{name}[{index}]")
            setattr(self, name, values)

    def operations(self):
        """The operations by name."""
        return {
            "ListNodegroups": lambda a, _: self._names("ListNodegroups", "nodegroups", self.nodegroups, "nodegroupName", a),
            "DescribeNodegroup": lambda a, _: {"nodegroup": self._one(self.nodegroups, "nodegroupName", a["nodegroupName"])},
            "ListAddons": lambda a, _: self._names("ListAddons", "addons", self.addons, "addonName", a),
            "DescribeAddon": lambda a, _: {"addon": self._one(self.addons, "addonName", a["addonName"])},
            "DescribeAddonVersions": self._addon_versions,
            "ListFargateProfiles": lambda a, _: self._names(
                "ListFargateProfiles", "fargateProfileNames", self.fargate_profiles, "fargateProfileName", a),
            "DescribeFargateProfile": lambda a, _: {
                "fargateProfile": self._one(self.fargate_profiles, "fargateProfileName", a["fargateProfileName"])},
            "ListInsights": self._insights,
            "DescribeInsight": lambda a, _: {"insight": self._one(self.insights, "id", a["id"])},
            "DescribeAccessEntry": lambda a, _: {"accessEntry": self._one(self.access_entries, "principalArn", a["principalArn"])},
            "ListUpdates": lambda a, _: self.page("ListUpdates", "updateIds", [each["id"] for each in self.updates], a, "nextToken"),
            "DescribeUpdate": lambda a, _: {"update": self._one(self.updates, "id", a["updateId"])},
            "DescribeInstances": self._instances,
            "DescribeInstanceStatus": lambda a, _: {
                "InstanceStatuses": [each for each in self.statuses if each["InstanceId"] in numbered(a, "InstanceId")]},
            "GetConsoleOutput": self._console,
            "DescribeInstanceTypes": lambda a, _: {
                "InstanceTypes": [each for each in self.instance_types if each["InstanceType"] in numbered(a, "InstanceType")]},
            "DescribeSubnets": lambda a, _: {"Subnets": filtered(a, self.subnets, {"subnet-id": "SubnetId"})},
            "DescribeSecurityGroups": lambda a, _: {"SecurityGroups": filtered(a, self.security_groups, {"group-id": "GroupId"})},
            "DescribeVolumes": lambda a, _: {"Volumes": filtered(a, self.volumes, {"volume-id": "VolumeId"})},
            "DescribeScalingActivities": lambda a, _: {
                "Activities": [each for each in self.activities if each["AutoScalingGroupName"] == a["AutoScalingGroupName"]]},
            "DescribeTargetHealth": lambda _a, _: {"TargetHealthDescriptions": self.targets},
            "GetRole": self._role,
            "ListAttachedRolePolicies": lambda _a, _: {
                "AttachedPolicies": [{"PolicyName": "reader", "PolicyArn": "arn:aws:iam::111122223333:policy/reader"}], "IsTruncated": False},
            "DescribeImages": self._images,
            "GetServiceQuota": lambda a, _: {"Quota": self._one(self.quotas, "QuotaCode", a["QuotaCode"], "NoSuchResourceException")},
        }

    def _one(self, items, member, value, code="ResourceNotFoundException"):
        for item in items:
            if item[member] == value:
                return item
        raise self.error(code, f"No {member} found for {value}.", 404)

    def _names(self, operation, member, items, name, arguments):
        if arguments["clusterName"] != "live":
            items = []
        return self.page(operation, member, [item[name] for item in items], arguments, "nextToken")

    def _addon_versions(self, arguments, _region):
        found = [each for each in self.addon_versions if each["addonName"] == arguments.get("addonName", each["addonName"])]
        return self.page("DescribeAddonVersions", "addons", found, arguments, "nextToken")

    def _insights(self, arguments, _region):
        members = ("id", "name", "category", "kubernetesVersion", "lastRefreshTime", "insightStatus")
        found = [{key: each[key] for key in members if key in each} for each in self.insights]
        return self.page("ListInsights", "insights", found, arguments, "nextToken")

    def _instances(self, arguments, _region):
        found = filtered(arguments, self.instances, {"instance-id": "InstanceId", "instance-state-name": None})
        for name, wanted in filters(arguments).items():
            if name.startswith("tag:"):
                found = [each for each in found if any(
                    tag["Key"] == name[4:] and tag["Value"] in wanted for tag in each.get("Tags", []))]
        token = int(arguments.get("NextToken") or 0)
        answer = {"Reservations": [{"ReservationId": "r-1", "Instances": found[token:token + 1]}]}
        return answer | ({"NextToken": str(token + 1)} if token + 1 < len(found) else {})

    def _console(self, arguments, _region):
        if not any(each["InstanceId"] == arguments["InstanceId"] for each in self.instances):
            raise self.error("InvalidInstanceID.NotFound", f"The instance ID '{arguments['InstanceId']}' does not exist", 400)
        text = "[   10.2] cloud-init: done\nkubelet[612]: Unable to register node with API server: Unauthorized\n"
        return {"InstanceId": arguments["InstanceId"], "Output": base64.b64encode(text.encode()).decode()}

    def _role(self, arguments, _region):
        for role in self.roles:
            if role["RoleName"] == arguments["RoleName"]:
                document = urllib.parse.quote(role["AssumeRolePolicyDocument"], safe="")
                return {"Role": {**role, "AssumeRolePolicyDocument": document}}
        raise self.error("NoSuchEntity", f"The role with name {arguments['RoleName']} cannot be found.", 404)

    def _images(self, arguments, _region):
        found = [each for each in self.images if each["repositoryName"] == arguments["repositoryName"]]
        if not found:
            text = f"The repository with name '{arguments['repositoryName']}' does not exist in the registry"
            raise self.error("RepositoryNotFoundException", text, 400)
        for wanted in arguments.get("imageIds", []):
            found = [each for each in found if wanted.get("imageTag") in each.get("imageTags", [])]
            if not found:
                raise self.error("ImageNotFoundException", f"The image with imageId {wanted} does not exist", 400)
        return {"imageDetails": found}


def numbered(arguments, name):
    """The values of `Name.1`, `Name.2`, …"""
    return [value for key, value in arguments.items() if re.fullmatch(rf"{re.escape(name)}\.\d+", key)]


def filters(arguments):
    """Names and values of `Filter.N`."""
    found = {}
    for key, name in arguments.items():
        number = re.fullmatch(r"Filter\.(\d+)\.Name", key)
        if number:
            found[name] = numbered(arguments, f"Filter.{number[1]}.Value")
    return found


def filtered(arguments, items, members):
    """The items that pass the filters on these members; an unknown filter is an error as of EC2."""
    for name, values in filters(arguments).items():
        member = members.get(name)
        if member:
            items = [each for each in items if each[member] in values]
        elif name not in members and not name.startswith("tag:"):
            raise ValueError(f"unknown filter {name}")
    return items
