"""What the AWS stand-in knows and how each operation answers from it, by its arguments."""

import datetime
import json
import pathlib
import re

import log_events
import metrics
import parts
import wire

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
PRICING_REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")
PAGE_SIZES = {"ListNodegroups": 1, "ListInsights": 1, "ListClusters": 1, "GetProducts": 2, "GetMetricData": 4, "FilterLogEvents": 1}
"""Small pages, so that a caller that reads only the first one is found out."""


class AwsError(Exception):
    """An error of the service, with the code that the SDKs classify by."""

    def __init__(self, code, message, status=400, members=None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def validation_error(message):
    """What AWS says to arguments it cannot use."""
    return AwsError("ValidationException", message)


class World:
    """The account: clusters, versions, metrics and prices, read from the fixtures and checked against the models."""

    def __init__(self):
        self.clusters = _load("eks/clusters.json", "eks", "Cluster")
        self.versions = _load("eks/versions.json", "eks", "ClusterVersionInformation")
        self.associations = _load("eks/pod_identity_associations.json", "eks", "PodIdentityAssociationSummary")
        self.identity = _load("sts/identity.json", "sts", "GetCallerIdentityResponse")[0]
        self.roles = {role["arn"]: role for role in json.loads((FIXTURES / "sts/roles.json").read_text())}
        self.role_seconds = 3600
        self.series = json.loads((FIXTURES / "cloudwatch/series.json").read_text())
        for index, series in enumerate(self.series):
            metric = {key: value for key, value in series.items() if key != "Values"}
            wire.conform(metric, wire.model("cloudwatch").shape_for("Metric"), f"series[{index}]")
        self.products = json.loads((FIXTURES / "pricing/products.json").read_text())
        self.log_events = log_events.load((FIXTURES / "logs/events.json").read_text())
        self.parts = parts.Parts(AwsError, page)
        self.overrides = {}

    def override(self, cluster, **members):
        """Replaces members of a cluster until the next `reset`, such as its endpoint."""
        self.overrides.setdefault(cluster, {}).update(members)

    def account_of(self, access_key):
        """The account that a key pair belongs to: that of the role whose session it is, else the stand-in's own."""
        for role in self.roles.values():
            if role["access_key"] == access_key:
                return role["arn"].split(":")[4]
        return self.identity["Account"]

    def answer(self, request, region, access_key=None):
        """The answer of an operation; AwsError where the service would fail."""
        self.account = self.account_of(access_key)
        operations = {
            "ListClusters": self._list_clusters,
            "DescribeCluster": self._describe_cluster,
            "DescribeClusterVersions": self._describe_cluster_versions,
            "ListPodIdentityAssociations": self._list_pod_identity_associations,
            "GetMetricData": self._get_metric_data,
            "ListMetrics": self._list_metrics,
            "FilterLogEvents": self._filter_log_events,
            "GetProducts": self._get_products,
            "GetCallerIdentity": lambda _arguments, _region: self._caller(access_key),
            "AssumeRole": self._assume_role,
            **self.parts.operations(),
        }
        if request.operation not in operations:
            raise AwsError("UnknownOperationException", f"the stand-in does not play {request.operation}", 404)
        return operations[request.operation](request.arguments, region)

    def _caller(self, access_key):
        for role in self.roles.values():
            if role["access_key"] == access_key:
                session = _session_arn(role["arn"], "eks-mcp")
                return {"UserId": "AROAROLEROLEROLEROLE:eks-mcp", "Account": role["arn"].split(":")[4], "Arn": session}
        return self.identity

    def _assume_role(self, arguments, _region):
        """Credentials of a role, for those whom its trust policy lets in."""
        arn = arguments["RoleArn"]
        role = self.roles.get(arn)
        if not role or role.get("external_id") != arguments.get("ExternalId"):
            text = f"User: {self.identity['Arn']} is not authorized to perform: sts:AssumeRole on resource: {arn}"
            raise AwsError("AccessDenied", text, 403)
        until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=self.role_seconds)
        session = arguments["RoleSessionName"]
        return {
            "Credentials": {
                "AccessKeyId": role["access_key"],
                "SecretAccessKey": role["secret"],
                "SessionToken": "session/of+a=role",
                "Expiration": until,
            },
            "AssumedRoleUser": {"AssumedRoleId": f"AROAROLEROLEROLEROLE:{session}", "Arn": _session_arn(arn, session)},
        }

    def _in_region(self, region):
        """The clusters of the caller's account in a Region."""
        return [each for each in self.clusters if each["arn"].split(":")[3:5] == [region, self.account]]

    def _cluster(self, name, region):
        for cluster in self._in_region(region):
            if cluster["name"] == name:
                return {**cluster, **self.overrides.get(name, {})}
        message = f"No cluster found for name: {name}."
        raise AwsError("ResourceNotFoundException", message, 404, {"clusterName": name})

    def _list_clusters(self, arguments, region):
        names = [cluster["name"] for cluster in self._in_region(region)]
        return page("ListClusters", "clusters", names, arguments, "nextToken")

    def _describe_cluster(self, arguments, region):
        return {"cluster": self._cluster(arguments["name"], region)}

    def _describe_cluster_versions(self, arguments, _region):
        wanted = arguments.get("clusterVersions")
        status = arguments.get("versionStatus")
        found = []
        for version in self.versions:
            if wanted and version["clusterVersion"] not in wanted:
                continue
            if status and version["versionStatus"] != status:
                continue
            if arguments.get("defaultOnly") == "true" and not version["defaultVersion"]:
                continue
            found.append(version)
        return page("DescribeClusterVersions", "clusterVersions", found, arguments, "nextToken")

    def _list_pod_identity_associations(self, arguments, region):
        self._cluster(arguments["clusterName"], region)
        found = []
        for association in self.associations:
            same_cluster = association["clusterName"] == arguments["clusterName"]
            same_namespace = arguments.get("namespace") in (None, association["namespace"])
            same_account = arguments.get("serviceAccount") in (None, association["serviceAccount"])
            if same_cluster and same_namespace and same_account:
                found.append(association)
        return page("ListPodIdentityAssociations", "associations", found, arguments, "nextToken")

    def _get_metric_data(self, arguments, _region):
        ascending = arguments.get("ScanBy") == "TimestampAscending"
        queries = arguments.get("MetricDataQueries") or []
        ids = [query.get("Id", "") for query in queries]
        if len(set(ids)) != len(ids) or not all(re.fullmatch(r"[a-z]\w{0,254}", each) for each in ids):
            raise validation_error(f"ids must be unique and start with a lower case letter: {ids}")
        results = []
        for query in queries:
            if query.get("ReturnData", True):
                results += self._evaluate(query, arguments, ascending)
        return page("GetMetricData", "MetricDataResults", results, arguments, "NextToken")

    def _evaluate(self, query, arguments, ascending):
        try:
            return metrics.evaluate(query, self.series, arguments["StartTime"], arguments["EndTime"], ascending)
        except metrics.QueryError as error:
            raise AwsError("ValidationError", f"query {query['Id']}: {error}") from error

    def _list_metrics(self, arguments, _region):
        found = []
        for series in self.series:
            values = metrics.dimensions_of(series)
            filters = arguments.get("Dimensions", [])
            if arguments.get("Namespace") not in (None, series["Namespace"]):
                continue
            if arguments.get("MetricName") not in (None, series["MetricName"]):
                continue
            if all(each["Name"] in values and each.get("Value") in (None, values[each["Name"]]) for each in filters):
                found.append({key: value for key, value in series.items() if key != "Values"})
        return page("ListMetrics", "Metrics", found, arguments, "NextToken")

    def _filter_log_events(self, arguments, region):
        group = arguments["logGroupName"]
        known = [event for at, name, event in self.log_events if (at, name) == (region, group)]
        if not known:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        try:
            # A page without events is no sign of the end: the service sends such pages while it searches.
            found = [event if log_events.matches(event, arguments) else None for event in known]
        except log_events.PatternError as error:
            raise AwsError("InvalidParameterException", str(error)) from error
        answer = page("FilterLogEvents", "events", found, arguments, "nextToken")
        answer["events"] = [event for event in answer["events"] if event]
        return answer

    def _get_products(self, arguments, region):
        if region not in PRICING_REGIONS:
            raise AwsError("UnknownEndpoint", f"the Pricing API has no endpoint in {region}", 404)
        found = []
        for product in self.products:
            same_service = product["serviceCode"] == arguments["ServiceCode"]
            filters = arguments.get("Filters", [])
            if same_service and all(_fits(product["product"], each) for each in filters):
                found.append(json.dumps(product))
        answer = page("GetProducts", "PriceList", found, arguments, "NextToken")
        return {"FormatVersion": "aws_v1", **answer}


def _fits(product, wanted):
    """Whether a product passes a price filter; values are compared without case, as AWS does."""
    field, value = wanted["Field"], wanted["Value"].lower()
    attributes = {**product["attributes"], "sku": product["sku"], "productFamily": product["productFamily"]}
    actual = attributes.get(field, "").lower()
    kind = wanted["Type"]
    if kind in ("TERM_MATCH", "EQUALS"):
        return actual == value
    if kind == "CONTAINS":
        return value in actual
    if kind in ("ANY_OF", "NONE_OF"):
        return (actual in value.split(",")) == (kind == "ANY_OF")
    raise AwsError("InvalidParameterException", f"filter type {kind!r}")


def page(operation, member, items, arguments, token_member):
    """A page of the items; the token is the index of the next one."""
    token = arguments.get("nextToken") or arguments.get("NextToken") or "0"
    if not token.isdigit():
        raise AwsError("InvalidParameterException", f"unknown token {token!r}")
    asked = int(arguments.get("maxResults") or arguments.get("MaxResults") or 100)
    start = int(token)
    end = start + min(asked, PAGE_SIZES.get(operation, 100))
    answer = {member: items[start:end]}
    if end < len(items):
        answer[token_member] = str(end)
    return answer


def _session_arn(role_arn, session):
    """The ARN of a session, which does not show the path of its role."""
    account, name = role_arn.split(":")[4], role_arn.split("/")[-1]
    return f"arn:aws:sts::{account}:assumed-role/{name}/{session}"


def _load(path, service, shape):
    """A fixture file: a list of one shape of the service's model, refused when a member is unknown."""
    values = json.loads((FIXTURES / path).read_text())
    model_shape = wire.model(service).shape_for(shape)
    for index, value in enumerate(values):
        wire.conform(value, model_shape, f"{path}[{index}]")
    return values
