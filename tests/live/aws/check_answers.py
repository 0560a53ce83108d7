"""The tools against the stand-ins when all goes well: the right calls, and the fixtures' values in the answers."""

import re

from gate import CRASHING_POD, KEY, REGION
from harness import holds, scalars

HOURS_OF_A_MONTH = 730
MONTHLY_COST = HOURS_OF_A_MONTH * (0.10 + 2 * 0.1008) + 20 * 0.08
"""One cluster, two m7i.large, one gp3 volume of 20 GiB, at the fixture's prices."""


def check_answers(report, gate):
    """One check for each tool, and what all calls must have in common."""
    for check in (_clusters, _cluster, _metrics, _cost, _resources, _logs, _gone_logs, _diagnosis):
        gate.reset()
        with report.check(check.__doc__):
            check(gate)
    _check_manners(report, gate)


def _clusters(gate):
    """list_clusters: every page of the Region, with version and support"""
    answer = gate.call("list_clusters", {}).answer
    for wanted in ("live", "archive", "1.35", "1.31"):
        assert holds(answer, wanted), f"no {wanted!r} in {answer}"
    assert holds(answer, "extended"), f"extended support of 1.31 is not said: {answer}"
    assert not holds(answer, "east"), f"a cluster of another Region: {answer}"
    assert len(gate.double.called("ListClusters")) == 2, "ListClusters has two pages"
    gate.reset()
    other = gate.call("list_clusters", {"regions": [REGION, "us-east-1"]}).answer
    assert holds(other, "live") and holds(other, "east"), other
    regions = {call["region"] for call in gate.double.called("ListClusters")}
    assert regions == {REGION, "us-east-1"}, regions


def _cluster(gate):
    """describe_cluster: the facts of EKS, and its open health issue"""
    answer = gate.call("describe_cluster", {"cluster": "live"}).answer
    for wanted in ("live", "1.35", "eks.7", "ACTIVE"):
        assert holds(answer, wanted), f"no {wanted!r} in {answer}"
    troubled = gate.call("describe_cluster", {"cluster": "archive"}).answer
    assert holds(troubled, "KmsKeyDisabled"), troubled
    by_arn = gate.call("describe_cluster", {"cluster": "arn:aws:eks:us-east-1:111122223333:cluster/east"}).answer
    assert holds(by_arn, "us-east-1"), by_arn


def _metrics(gate):
    """query_container_insights: the workloads of the cluster, all pages, no other cluster's"""
    arguments = {"cluster": "live", "scope": "workload", "namespace": "shop", "window": "1h"}
    answer = gate.call("query_container_insights", arguments).answer
    for wanted in ("web", "checkout", "db"):
        assert holds(answer, wanted), f"no workload {wanted!r} in {answer}"
    for value in (42.5, 91.75):
        assert near(answer, value), f"no value {value} in {answer}"
    assert not holds(answer, "stray"), f"a workload of another cluster: {answer}"
    assert gate.double.called("GetMetricData"), "GetMetricData was not called"


def _cost(gate):
    """estimate_cost: control plane, nodes and volumes at list price"""
    answer = gate.call("estimate_cost", {"cluster": "live"}).answer
    assert near(answer, MONTHLY_COST), f"no monthly total near {MONTHLY_COST:.2f} in {answer}"
    assert holds(answer, "m7i.large"), answer
    regions = {call["region"] for call in gate.double.called("GetProducts")}
    assert regions == {"us-east-1"}, f"the price list was asked in {regions}"


def _resources(gate):
    """list_resources: pods with their state, over a CA bundle whose first certificate is another one"""
    answer = gate.call("list_resources", {"cluster": "live", "kind": "pods", "namespace": "shop"}).answer
    assert holds(answer, "CrashLoopBackOff") and holds(answer, CRASHING_POD), answer
    rejected = [request["rejected"] for request in gate.api.requests if "rejected" in request]
    assert gate.api.requests and not rejected, f"rejected tokens: {rejected}"


def _logs(gate):
    """get_logs: what the crashed container wrote"""
    answer = gate.call("get_logs", {"cluster": "live", "namespace": "shop", "pod": CRASHING_POD}).answer
    assert holds(answer, "PAYMENT_API_URL"), answer


def _gone_logs(gate):
    """get_logs: what CloudWatch Logs kept of a pod that is gone, all pages, and of no other pod"""
    pod = "import-29000000-gone1"
    answer = gate.call("get_logs", {"cluster": "live", "namespace": "shop", "pod": pod}).answer
    assert answer["source"] == "cloudwatch" and answer["log_group"] == "/aws/containerinsights/live/application", answer
    assert holds(answer, "cannot import row 4711") and not holds(answer, "another pod"), answer
    calls = gate.double.called("FilterLogEvents")
    assert len(calls) == 3, f"three pages, one of them without events: {len(calls)}"
    assert f'"{pod}"' in calls[0]["arguments"]["filterPattern"], calls[0]
    error = gate.call("get_logs", {"cluster": "live", "namespace": "shop", "pod": "never-was"}).error
    assert error["kind"] == "not_found" and "holds nothing of it" in error["message"], error


def _diagnosis(gate):
    """troubleshoot: a crash-looping pod is failing, for the reason it wrote"""
    answer = gate.call("troubleshoot", {"cluster": "live", "namespace": "shop", "name": CRASHING_POD}).answer
    assert answer.get("status") == "failing", answer
    cause = answer.get("root_cause") or {}
    assert cause.get("id") == "app-missing-env", cause
    assert holds(answer, "PAYMENT_API_URL"), answer


def _check_manners(report, gate):
    """What every request must have in common, on the calls of one more run."""
    gate.reset()
    gate.call("list_resources", {"cluster": "live", "kind": "pods", "namespace": "shop"})
    with report.check("every AWS call is signed by the caller's key for the cluster's Region and says who calls"):
        assert gate.double.calls, "nothing was called"
        for call in gate.double.calls:
            assert (call["access_key"], call["region"]) == (KEY, REGION), call
            assert "eks-mcp" in call["user_agent"], call["user_agent"]
    with report.check("every Kubernetes request is a GET or a review, and says who asks"):
        assert gate.api.requests, "nothing was requested"
        for request in gate.api.requests:
            is_review = request["method"] == "POST" and "/selfsubject" in request["path"]
            assert request["method"] == "GET" or is_review, request
            assert request["user_agent"].startswith("eks-mcp"), request["user_agent"]


def near(answer, wanted):
    """Whether a number of the answer, also one inside a text (`$221.77`), is within half a percent of the wanted one."""
    for value in scalars(answer):
        if isinstance(value, bool):
            continue
        for text in re.findall(r"\d[\d,]*(?:\.\d+)?", str(value)):
            if abs(float(text.replace(",", "")) - wanted) <= abs(wanted) * 0.005:
                return True
    return False
