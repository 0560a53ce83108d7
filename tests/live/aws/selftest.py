"""Checks the stand-ins with botocore as the client, so that a red gate means the server and not the double."""

import base64
import datetime
import json
import pathlib
import ssl
import sys
import urllib.error
import urllib.request

import botocore.exceptions
import botocore.session
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import eks_token
import wire
from apiserver import ApiServer
from double import AwsDouble
from harness import Report

KEY, SECRET, REGION = "AKIALIVETEST", "live-test-secret", "us-west-2"
SEARCH = """SEARCH('{ContainerInsights,"ClusterName",Namespace,PodName} MetricName="%s" "ClusterName"="live"', 'Average', 60)"""


def client(double, service, region=REGION):
    """A botocore client of the stand-in that does not retry, so that one call is one request."""
    return botocore.session.get_session().create_client(
        service,
        region_name=region,
        endpoint_url=double.url,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )


def token_for(cluster, region=REGION, key=KEY, secret=SECRET, expires=60):
    """A bearer token as the AWS CLI makes it."""
    url = f"https://sts.{region}.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest(method="GET", url=url, headers={"x-k8s-aws-id": cluster})
    SigV4QueryAuth(Credentials(key, secret), "sts", region, expires).add_auth(request)
    return eks_token.PREFIX + base64.urlsafe_b64encode(request.url.encode()).decode().rstrip("=")


def error_code(call, **arguments):
    """The error code that a call fails with."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return "no error"


def check_roles(report, double):
    """Roles: who may assume them, and whose clusters their sessions see."""
    role, external = "arn:aws:iam::444455556666:role/fleet/eks-mcp-read", "fleet-42"
    with report.check("sts: a role is assumed with its external id only, and its session sees its own account"):
        sts = client(double, "sts")
        assert error_code(sts.assume_role, RoleArn=role, RoleSessionName="test") == "AccessDenied"
        answer = sts.assume_role(RoleArn=role, RoleSessionName="test", ExternalId=external)
        assert answer["AssumedRoleUser"]["Arn"].endswith("assumed-role/eks-mcp-read/test"), answer
        left = answer["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        assert datetime.timedelta(minutes=59) < left <= datetime.timedelta(hours=1), left
        fleet = botocore.session.get_session().create_client(
            "eks",
            region_name=REGION,
            endpoint_url=double.url,
            aws_access_key_id=answer["Credentials"]["AccessKeyId"],
            aws_secret_access_key=answer["Credentials"]["SecretAccessKey"],
            aws_session_token=answer["Credentials"]["SessionToken"],
        )
        assert fleet.list_clusters()["clusters"] == ["fleet"], fleet.list_clusters()
        assert "fleet" not in client(double, "eks").list_clusters()["clusters"]


def check_eks(report, double):
    """Paging, lookups by argument and typed errors of EKS."""
    eks = client(double, "eks")
    with report.check("eks: clusters come in pages, by Region"):
        first = eks.list_clusters()
        assert first["clusters"] == ["live"] and first["nextToken"], first
        assert eks.get_paginator("list_clusters").paginate().build_full_result()["clusters"] == ["live", "archive"]
        assert client(double, "eks", "us-east-1").list_clusters()["clusters"] == ["east"]
    with report.check("eks: a cluster by name, with typed timestamps"):
        cluster = eks.describe_cluster(name="live")["cluster"]
        assert cluster["version"] == "1.35" and cluster["createdAt"].year == 2026, cluster
    with report.check("eks: an unknown cluster is ResourceNotFoundException 404"):
        assert error_code(eks.describe_cluster, name="nope") == "ResourceNotFoundException"
    with report.check("eks: versions by argument"):
        versions = eks.describe_cluster_versions(clusterVersions=["1.31"])["clusterVersions"]
        assert [each["versionStatus"] for each in versions] == ["EXTENDED_SUPPORT"], versions
    with report.check("eks: pod identity associations by service account"):
        found = eks.list_pod_identity_associations(clusterName="live", serviceAccount="checkout")["associations"]
        other = eks.list_pod_identity_associations(clusterName="live", serviceAccount="other")["associations"]
        assert len(found) == 1 and not other


def metric_data(double, query, **more):
    """GetMetricData of the last ten minutes, all pages."""
    now = datetime.datetime.now(datetime.timezone.utc)
    start = now - datetime.timedelta(minutes=10)
    paginator = client(double, "cloudwatch").get_paginator("get_metric_data")
    pages = paginator.paginate(StartTime=start, EndTime=now, MetricDataQueries=[query], **more)
    return [result for page in pages for result in page["MetricDataResults"]]


def check_cloudwatch(report, double):
    """Metric queries over CBOR: SEARCH, dynamic labels, MetricStat, refusals."""
    label = "${PROP('MetricName')}|${PROP('Dim.Namespace')}|${PROP('Dim.PodName')}"
    with report.check("cloudwatch: SEARCH finds the exact dimension set of the cluster and labels each series"):
        found = metric_data(double, {"Id": "m0", "Expression": SEARCH % "pod_cpu_utilization", "Label": label})
        labels = sorted(result["Label"] for result in found)
        assert labels == [f"pod_cpu_utilization|shop|{name}" for name in ("checkout", "db", "web")], labels
        values = {result["Label"].rpartition("|")[2]: result["Values"] for result in found}
        assert set(values["web"]) == {42.5} and set(values["db"]) == {10.0, 14.0}, values
        assert all(result["Timestamps"] == sorted(result["Timestamps"], reverse=True) for result in found)
    with report.check("cloudwatch: MetricStat by exact dimensions"):
        dimensions = [{"Name": "ClusterName", "Value": "live"}]
        metric = {"Namespace": "ContainerInsights", "MetricName": "cluster_node_count", "Dimensions": dimensions}
        query = {"Id": "m0", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Maximum"}}
        [result] = metric_data(double, query, ScanBy="TimestampAscending")
        assert set(result["Values"]) == {2.0} and result["Timestamps"] == sorted(result["Timestamps"])
    with report.check("cloudwatch: a malformed expression is a ValidationError"):
        call = client(double, "cloudwatch").get_metric_data
        now = datetime.datetime.now(datetime.timezone.utc)
        queries = [{"Id": "m0", "Expression": "SEARCH(pod_cpu)"}]
        assert error_code(call, StartTime=now, EndTime=now, MetricDataQueries=queries) == "ValidationError"
    with report.check("cloudwatch: ListMetrics by dimension"):
        dimensions = [{"Name": "ClusterName", "Value": "archive"}]
        found = client(double, "cloudwatch").list_metrics(Namespace="ContainerInsights", Dimensions=dimensions)
        assert len(found["Metrics"]) == 1, found


def check_logs(report, double):
    """Pages, JSON filter patterns and missing groups of CloudWatch Logs."""
    logs = client(double, "logs")
    group = "/aws/containerinsights/live/application"
    with report.check("logs: a JSON pattern picks the events of a pod, over pages of which some are empty"):
        pattern = '{ ($.kubernetes.pod_name = "import-29000000-gone1") && ($.kubernetes.namespace_name = "shop") }'
        pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern))
        assert [len(page["events"]) for page in pages] == [0, 1, 1], pages
    with report.check("logs: a period leaves out what is older"):
        start = int((datetime.datetime.now().timestamp() - 45 * 60) * 1000)
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start)
        assert sum(len(page["events"]) for page in pages) == 2
    with report.check("logs: wrong patterns and missing groups are refused"):
        assert error_code(logs.filter_log_events, logGroupName="none") == "ResourceNotFoundException"
        wrong = error_code(logs.filter_log_events, logGroupName=group, filterPattern='{ $.a = "b" || $.c = "d" }')
        assert wrong == "InvalidParameterException", wrong


def check_pricing_and_sts(report, double):
    """Filters of the Price List, and the caller's identity."""
    with report.check("pricing: filters narrow to one product"):
        fields = {"instanceType": "m7i.large", "regionCode": REGION, "capacitystatus": "Used"}
        filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields.items()]
        found = client(double, "pricing", "us-east-1").get_products(ServiceCode="AmazonEC2", Filters=filters)
        [product] = [json.loads(text) for text in found["PriceList"]]
        assert product["product"]["sku"] == "M7ILARGEW", product
    with report.check("pricing: products come in pages"):
        paginator = client(double, "pricing", "us-east-1").get_paginator("get_products")
        filters = [{"Type": "TERM_MATCH", "Field": "regionCode", "Value": REGION}]
        pages = list(paginator.paginate(ServiceCode="AmazonEKS", Filters=filters))
        assert [len(page["PriceList"]) for page in pages] == [2, 1]
    with report.check("sts: the caller's identity"):
        assert client(double, "sts").get_caller_identity()["Account"] == "111122223333"


def check_control(report, double):
    """Faults, records, unsigned requests and fixtures that drifted from the model."""
    with report.check("a fault strikes the calls it matches, as often as told, on every protocol"):
        for service, operation, call in (
            ("eks", "ListClusters", client(double, "eks").list_clusters),
            ("cloudwatch", "ListMetrics", client(double, "cloudwatch").list_metrics),
            ("sts", "GetCallerIdentity", client(double, "sts").get_caller_identity),
        ):
            double.fault("ThrottlingException", "Rate exceeded", service=service, operation=operation)
            assert error_code(call) == "ThrottlingException", service
            assert error_code(call) == "no error", service
    with report.check("calls are recorded with their scope, faults and resets come over HTTP"):
        post(double, "/_reset", {})
        post(double, "/_fault", {"access_key": KEY, "code": "ExpiredTokenException", "times": -1})
        assert error_code(client(double, "eks").list_clusters) == "ExpiredTokenException"
        with urllib.request.urlopen(f"{double.url}/_calls") as answer:
            [call] = json.load(answer)
        scope = (call["operation"], call["region"], call["access_key"], call["outcome"])
        assert scope == ("ListClusters", REGION, KEY, "ExpiredTokenException"), call
        post(double, "/_reset", {})
    with report.check("an unsigned request is refused"):
        try:
            urllib.request.urlopen(f"{double.url}/clusters")
        except urllib.error.HTTPError as error:
            assert error.code == 403
        else:
            raise AssertionError("it was answered")
    with report.check("a fixture member that the model does not have is refused"):
        try:
            wire.conform({"name": "x", "colour": "red"}, wire.model("eks").shape_for("Cluster"), "fixture")
        except wire.WireError as error:
            assert "colour" in str(error)
        else:
            raise AssertionError("it was taken")


def post(double, path, body):
    """A control request."""
    request = urllib.request.Request(f"{double.url}{path}", json.dumps(body).encode(), method="POST")
    urllib.request.urlopen(request).close()


def check_tokens(report):
    """The token check against a known vector and against every way to get it wrong."""
    secrets = {KEY: SECRET}
    with report.check("token: the published vector has the published signature"):
        now = datetime.datetime(2025, 11, 24, 16, 0, tzinfo=datetime.timezone.utc)
        query = (
            "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256"
            "&X-Amz-Credential=AKIDEXAMPLE%2F20251124%2Fus-west-2%2Fsts%2Faws4_request&X-Amz-Date=20251124T160000Z"
            "&X-Amz-Expires=60&X-Amz-SignedHeaders=host%3Bx-k8s-aws-id&X-Amz-Security-Token=sess%2B%2F%3Dtok"
            "&X-Amz-Signature=5bdfabcefa9ba949a313108599d685a330f647aef09aebe215544ffeefff50b5"
        )
        url = f"https://sts.us-west-2.amazonaws.com/?{query}"
        token = eks_token.PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        assert eks_token.check(token, "my-cluster", "us-west-2", {"AKIDEXAMPLE": "secret"}, now) == "AKIDEXAMPLE"
    with report.check("token: a good one is taken"):
        assert eks_token.check(token_for("live"), "live", REGION, secrets) == KEY
    long_ago = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=16)
    wrong = {
        "another cluster": (token_for("other"), None, "signature"),
        "another Region": (token_for("live", region="us-east-1"), None, "host"),
        "another secret": (token_for("live", secret="guess"), None, "signature"),
        "an unknown key": (token_for("live", key="AKIASTRANGER"), None, "unknown access key"),
        "padding": (token_for("live") + "=", None, "padding"),
        "a long life": (token_for("live", expires=901), None, "X-Amz-Expires"),
        "an old date": (token_for("live"), long_ago, "15 minutes"),
        "no prefix": ("eyJhbGciOi", None, eks_token.PREFIX),
    }
    for name, (token, now, why) in wrong.items():
        with report.check(f"token: {name} is rejected"):
            try:
                eks_token.check(token, "live", REGION, secrets, now)
            except eks_token.Rejected as reason:
                assert why in str(reason), reason
            else:
                raise AssertionError("it was taken")


def get(api, path, bundle=None, token=None, accept="application/json"):
    """A GET on the Kubernetes stand-in: (status, body)."""
    trust = ssl.create_default_context(cadata=base64.b64decode(bundle or api.ca_bundle).decode())
    headers = {"Authorization": f"Bearer {token or token_for('live')}", "Accept": accept}
    try:
        with urllib.request.urlopen(urllib.request.Request(api.url + path, headers=headers), context=trust) as answer:
            body = answer.read().decode()
            return answer.status, json.loads(body) if body.startswith("{") else body
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def check_kubernetes(report, api):
    """What a Kubernetes client relies on."""
    pods = "/api/v1/namespaces/shop/pods"
    with report.check("kubernetes: version and lists with a good token, over the second CA of the bundle"):
        assert get(api, "/version")[1]["minor"] == "35"
        assert [pod["metadata"]["name"][:3] for pod in get(api, pods)[1]["items"]] == ["che", "db-", "web"]
    with report.check("kubernetes: a bad token is a 401 Status, with the reason recorded"):
        status, body = get(api, "/version", token=token_for("other"))
        assert status == 401 and body["reason"] == "Unauthorized" and "signature" in api.requests[-1]["rejected"]
    with report.check("kubernetes: the wrong CA is not trusted"):
        try:
            get(api, "/version", bundle=api.wrong_ca_bundle)
        except urllib.error.URLError as error:
            assert "CERTIFICATE_VERIFY_FAILED" in str(error)
        else:
            raise AssertionError("it was trusted")
    with report.check("kubernetes: selectors and pages"):
        assert len(get(api, f"{pods}?labelSelector=app%20in%20(web,db)")[1]["items"]) == 2
        assert len(get(api, f"{pods}?fieldSelector=metadata.name%3Ddb-0")[1]["items"]) == 1
        first = get(api, f"{pods}?limit=2")[1]
        assert first["metadata"]["remainingItemCount"] == 1
        assert len(get(api, f"{pods}?limit=2&continue={first['metadata']['continue']}")[1]["items"]) == 1
    with report.check("kubernetes: discovery, aggregated and plain"):
        aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        assert get(api, "/apis", accept=aggregated)[1]["items"][0]["versions"][0]["resources"]
        assert get(api, "/api")[1]["versions"] == ["v1"]
        assert "apps" in [group["name"] for group in get(api, "/apis")[1]["groups"]]
        assert "pods" in [resource["name"] for resource in get(api, "/api/v1")[1]["resources"]]
        assert get(api, "/apis/apps/v1")[1]["groupVersion"] == "apps/v1"
    with report.check("kubernetes: tables and metadata"):
        table = get(api, pods, accept="application/json;as=Table;v=v1;g=meta.k8s.io")[1]
        assert table["rows"][0]["cells"][1:4] == ["0/1", "CrashLoopBackOff", "7"], table["rows"][0]
        partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        assert "spec" not in get(api, pods, accept=partial)[1]["items"][0]
    with report.check("kubernetes: logs, and errors as Status"):
        name = get(api, pods)[1]["items"][0]["metadata"]["name"]
        assert "PAYMENT_API_URL" in get(api, f"{pods}/{name}/log?previous=true&tailLines=1")[1]
        assert get(api, f"{pods}/db-0/log?previous=true")[0] == 400
        assert get(api, f"{pods}/nope")[1]["message"] == 'pods "nope" not found'
        assert get(api, "/apis/karpenter.sh/v1/nodepools")[0] == 404
        api.forbidden.add(("list", "pods"))
        assert get(api, pods)[1]["reason"] == "Forbidden"
        api.forbidden.clear()


def main():
    """Runs every check against stand-ins of its own."""
    report = Report()
    with AwsDouble() as double:
        check_eks(report, double)
        check_roles(report, double)
        check_cloudwatch(report, double)
        check_logs(report, double)
        check_pricing_and_sts(report, double)
        check_control(report, double)
    check_tokens(report)
    with ApiServer("live", REGION, {KEY: SECRET}) as api:
        check_kubernetes(report, api)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
