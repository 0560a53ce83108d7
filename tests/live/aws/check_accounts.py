"""Several accounts in one process: each call with the right credentials, and one that fails spoils no other."""

import anyio
from mcp import Client, StdioServerParameters

from apiserver import ApiServer
from check_failures import expect, text_of
from gate import KEY, REGION

OWN, FLEET, ROLE = "111122223333", "444455556666", "arn:aws:iam::444455556666:role/fleet/eks-mcp-read"
FLEET_KEY, FLEET_SECRET = "ASIAFLEETROLE", "fleet-role-live-test-secret"
FLEET_ARN = f"arn:aws:eks:{REGION}:{FLEET}:cluster/fleet"
ACCOUNTS = f"""
[accounts.hub]
id = "{OWN}"

[accounts.fleet]
role_arn = "{ROLE}"
external_id = "fleet-42"
regions = ["{REGION}"]
"""


def check_accounts(report, gate):
    """Each by itself, on fresh stand-ins."""
    checks = (_fan_out, _denied_role, _account_that_fails, _by_arn, _contradictions, _unknown_account, _foreign_arn)
    for check in (*checks, _wrong_id, _kubernetes_of_another_account):
        gate.reset()
        with report.check(check.__doc__):
            check(gate)
    for check in (_assumed_once, _renewed):
        gate.reset()
        with report.check(check.__doc__):
            anyio.run(check, gate)


def _fan_out(gate):
    """list_clusters asks every configured account with its own credentials, and names the accounts"""
    answer = gate.call("list_clusters", {}, gate.configured(ACCOUNTS)).answer
    rows = {row[0]: row[2] for row in answer["clusters"]["rows"]}
    assert rows["fleet"] == f"fleet ({FLEET})" and rows["live"] == f"hub ({OWN})", rows
    assumed = gate.double.called("AssumeRole")
    arguments = assumed[0]["arguments"]
    assert len(assumed) == 1 and assumed[0]["access_key"] == KEY, assumed
    asked = (arguments["RoleArn"], arguments["ExternalId"], arguments["RoleSessionName"])
    assert asked == (ROLE, "fleet-42", "eks-mcp"), asked
    keys = {call["access_key"] for call in gate.double.called("DescribeCluster")}
    assert keys == {KEY, FLEET_KEY}, keys


def _denied_role(gate):
    """a role that cannot be assumed is named with the identity, the permission and the trust policy"""
    config = ACCOUNTS.replace("fleet-42", "wrong").replace(ROLE, ROLE + "er")
    error = expect(gate.call("list_clusters", {"accounts": ["fleet"]}, gate.configured(config)), "access_denied")
    text = text_of(error)
    for word in (ROLE + "er", "sts:AssumeRole", "assumed-role/live-test", "account `fleet`", "trust policy"):
        assert word in text, f"{word} is not in {text}"


def _account_that_fails(gate):
    """an account that cannot be reached is a warning that names it and why, and the others are answered"""
    config = ACCOUNTS.replace("fleet-42", "wrong")
    answer = gate.call("list_clusters", {}, gate.configured(config)).answer
    assert "live" in str(answer["clusters"]), answer
    warnings = " ".join(answer["warnings"])
    assert "account `fleet`" in warnings and "sts:AssumeRole" in warnings and ROLE in warnings, warnings


def _by_arn(gate):
    """an ARN of a configured account uses that account's credentials"""
    answer = gate.call("describe_cluster", {"cluster": FLEET_ARN}, gate.configured(ACCOUNTS)).answer
    assert answer["target"] == {"account": FLEET, "region": REGION, "cluster": "fleet"}, answer["target"]
    assert {call["access_key"] for call in gate.double.called("DescribeCluster")} == {FLEET_KEY}
    for name in ("fleet", FLEET):
        answer = gate.call("describe_cluster", {"cluster": "fleet", "account": name}, gate.configured(ACCOUNTS)).answer
        assert answer["target"]["account"] == FLEET, answer["target"]
    config = 'account = "fleet"\n' + ACCOUNTS
    answer = gate.call("describe_cluster", {"cluster": "fleet"}, gate.configured(config)).answer
    assert answer["target"]["account"] == FLEET, answer["target"]


def _contradictions(gate):
    """an account that contradicts the ARN is invalid_input, and no cluster is asked for"""
    arguments = {"cluster": FLEET_ARN, "account": "hub"}
    error = expect(gate.call("describe_cluster", arguments, gate.configured(ACCOUNTS)), "invalid_input")
    assert FLEET in text_of(error) and not gate.double.called("DescribeCluster"), error


def _unknown_account(gate):
    """an unknown account is invalid_input, with the near name and those there are"""
    error = expect(gate.call("describe_cluster", {"cluster": "x", "account": "fleat"}, gate.configured(ACCOUNTS)), "invalid_input")
    assert "did you mean `fleet`" in text_of(error) and "`hub`" in text_of(error), error
    error = expect(gate.call("describe_cluster", {"cluster": "x", "account": "fleet"}), "invalid_input")
    assert "[accounts.fleet]" in text_of(error), error


def _foreign_arn(gate):
    """an ARN of an account that is not configured says whose credentials there are and what to configure"""
    for tool in ("describe_cluster", "query_container_insights", "list_resources"):
        arguments = {"cluster": FLEET_ARN}
        arguments.update({"scope": "cluster"} if tool.startswith("query") else {})
        arguments.update({"kind": "pods"} if tool == "list_resources" else {})
        error = expect(gate.call(tool, arguments), "credentials")
        text = text_of(error)
        assert FLEET in text and OWN in text and "assumed-role/live-test" in text and "[accounts." in text, error
    own = f"arn:aws:eks:{REGION}:{OWN}:cluster/live"
    assert gate.call("describe_cluster", {"cluster": own}).answer["target"]["account"] == OWN


def _wrong_id(gate):
    """an id that is not that of the profile behind it is found out before a cluster is read"""
    config = '[accounts.other]\nid = "999999999999"\n'
    error = expect(gate.call("describe_cluster", {"cluster": "live", "account": "other"}, gate.configured(config)), "credentials")
    assert "999999999999" in text_of(error) and OWN in text_of(error), error
    assert not gate.double.called("DescribeCluster")


def _kubernetes_of_another_account(gate):
    """the token for a cluster of another account is signed with the credentials of its role"""
    with ApiServer("fleet", REGION, {FLEET_KEY: FLEET_SECRET}) as api:
        gate.double.world.override("fleet", endpoint=api.url, certificateAuthority={"data": api.ca_bundle})
        arguments = {"cluster": "fleet", "account": "fleet", "kind": "pods", "namespace": "shop"}
        answer = gate.call("list_resources", arguments, gate.configured(ACCOUNTS)).answer
        assert answer["target"]["account"] == FLEET, answer["target"]
        assert {request["access_key"] for request in api.requests} == {FLEET_KEY}, api.requests


async def _assumed_once(gate):
    """a role is assumed once for many calls"""
    async with _server(gate) as client:
        for cluster in ("fleet", "absent", "nowhere"):
            await client.call_tool("describe_cluster", {"cluster": cluster, "account": "fleet"})
    assert len(gate.double.called("AssumeRole")) == 1, gate.double.called("AssumeRole")


async def _renewed(gate):
    """a role whose credentials are about to end is assumed again, without a failed call"""
    gate.double.world.role_seconds = 5
    async with _server(gate) as client:
        for _ in range(2):
            answer = await client.call_tool("list_clusters", {"accounts": ["fleet"]})
            assert not answer.is_error, answer.content[0].text
    assert len(gate.double.called("AssumeRole")) >= 2, gate.double.called("AssumeRole")
    assert all(call["outcome"] == "ok" for call in gate.double.calls), gate.double.calls


def _server(gate):
    command = StdioServerParameters(command=gate.binary, args=["serve"], env=gate.configured(ACCOUNTS))
    return Client(command, mode="legacy", read_timeout_seconds=60)
