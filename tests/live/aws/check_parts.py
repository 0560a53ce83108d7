"""What surrounds a cluster, over the wire: EKS, and the Query protocol of EC2, Auto Scaling, IAM and Elastic Load Balancing."""

from gate import KEY
from harness import holds


def check_parts(report, gate):
    """One check for each thing that a diagnosis reads."""
    for check in (_cluster, _nodegroup, _addon, _scan, _denied, _throttled):
        gate.reset()
        with report.check(check.__doc__):
            check(gate)


def _ask(gate, kind, name):
    return gate.call("troubleshoot", {"cluster": "live", "kind": kind, "name": name}).answer


def _ids(answer):
    return {answer["root_cause"]["id"], *(each["id"] for each in answer.get("contributing", []))}


def _cluster(gate):
    """troubleshoot: a cluster with what an upgrade will meet, from insights, subnets and node groups"""
    answer = _ask(gate, "Cluster", "live")
    found = _ids(answer)
    for wanted in ("upgrade-removed-api-in-use", "upgrade-subnet-ips", "nodegroup-degraded", "addon-degraded"):
        assert wanted in found, f"no {wanted} in {found}"
    assert holds(answer, "old-operator/v0.3"), answer
    assert len(gate.double.called("ListNodegroups")) == 2 and len(gate.double.called("ListInsights")) == 2, "two pages each"
    assert len(gate.double.called("DescribeInsight")) == 1, "only insights that do not pass are described"
    arguments = gate.double.called("DescribeSubnets")[0]["arguments"]
    assert arguments["Filter.1.Name"] == "subnet-id" and arguments["Version"] == "2016-11-15", arguments


def _nodegroup(gate):
    """troubleshoot: nodes that do not join, by instances page by page, their console and the entry of their role"""
    answer = _ask(gate, "Nodegroup", "batch")
    assert answer["root_cause"]["id"] == "access-entry-node-type", answer["root_cause"]
    assert holds(answer, "STANDARD"), answer
    assert {"node-join-unauthorized", "nodegroup-degraded"} <= _ids(answer), _ids(answer)
    assert len(gate.double.called("DescribeInstances")) == 2, "two pages"
    console = gate.double.called("GetConsoleOutput")
    assert [each["arguments"]["InstanceId"] for each in console] == ["i-0b000000000000002"], console
    for call in gate.double.calls:
        assert call["access_key"] == KEY and "eks-mcp" in call["user_agent"], call


def _addon(gate):
    """troubleshoot: an add-on with its issue"""
    answer = _ask(gate, "Addon", "coredns")
    assert answer["root_cause"]["id"] == "addon-degraded" and holds(answer, "InsufficientNumberOfReplicas"), answer


def _scan(gate):
    """scan_cluster: node groups and add-ons that are not well, and what an upgrade will meet as a warning"""
    answer = gate.call("scan_cluster", {"cluster": "live", "limit": 50}).answer
    assert holds(answer, "access-entry-node-type") and holds(answer, "addon-degraded"), answer
    assert any("upgrade of the cluster" in each for each in answer["warnings"]), answer["warnings"]


def _denied(gate):
    """troubleshoot: what EC2 refuses is named with its action, and the rest still answers"""
    text = "You are not authorized to perform this operation. User: arn:aws:iam::111122223333:user/x is not authorized"
    gate.double.fault("UnauthorizedOperation", text, 403, -1, operation="DescribeInstances")
    answer = _ask(gate, "Nodegroup", "batch")
    gap = next(each for each in answer["not_checked"] if "instances" in each["what"])
    assert gap["why"].startswith("access_denied") and "ec2:DescribeInstances" in gap["why"], gap
    assert answer["root_cause"]["id"] == "access-entry-node-type", answer["root_cause"]


def _throttled(gate):
    """troubleshoot: a throttled call of the Query protocol is tried again"""
    gate.double.fault("RequestLimitExceeded", "Request limit exceeded.", 503, 1, operation="DescribeSubnets")
    assert "upgrade-subnet-ips" in _ids(_ask(gate, "Cluster", "live"))
    assert len(gate.double.called("DescribeSubnets")) == 2, gate.double.called("DescribeSubnets")
