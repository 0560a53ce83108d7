"""`eks-mcp check`: what works, as whom, and the commands that grant what is missing."""

import json

from check_accounts import ACCOUNTS, FLEET, ROLE
from gate import REGION

PRINCIPAL = "arn:aws:iam::111122223333:role/live-test"


def check_report(report, gate):
    """Each by itself, on fresh stand-ins."""
    for check in (_works, _lacks_permissions, _is_unknown, _lacks_an_action, _several_accounts, _without_credentials):
        gate.reset()
        with report.check(check.__doc__):
            check(gate)


def _check(gate, *arguments, code, environment=None):
    """The report; the exit code has to say whether all is well."""
    outcome = gate.run("check", "--json", *arguments, environment=environment)
    assert outcome.exit_code == code, f"exit {outcome.exit_code}: {outcome.stderr[-500:]} {outcome.stdout[-1500:]}"
    found = json.loads(outcome.stdout)
    assert found["ok"] == (code == 0), found["summary"]
    return found


def _works(gate):
    """all is well: the identity of AWS and of the cluster, and every permission"""
    found = _check(gate, "--cluster", "live", code=0)
    (aws,), (cluster,) = found["aws"], found["clusters"]
    assert aws["identity"] == "arn:aws:sts::111122223333:assumed-role/live-test/live-test", aws
    tried = [each for each in aws["actions"] if each.get("why") != "no cheap read proves it"]
    assert {each["result"] for each in tried} == {"allowed"}, [each for each in tried if each["result"] != "allowed"]
    assert len(tried) >= len(aws["actions"]) - 2, aws["actions"]
    assert cluster["user"] == "live-test" and cluster["identity"] == aws["identity"], cluster
    assert cluster["needed"] > 10 and not cluster["missing"], cluster
    text = gate.run("check", "--cluster", "live")
    assert text.exit_code == 0 and "live-test" in text.stdout, text.stdout
    writes = [each for each in gate.api.requests if each["method"] != "GET" and "selfsubject" not in each["path"]]
    assert not writes, writes


def _lacks_permissions(gate):
    """missing verbs are named with their tools, and granted to the role behind the session"""
    gate.api.forbidden.update({("list", "pods"), ("get", "pods/log")})
    (cluster,) = _check(gate, "--cluster", "live", code=1)["clusters"]
    missing = {each["permission"]: each["tools"] for each in cluster["missing"]}
    assert set(missing) == {"list pods", "get pods/log"} and "get_logs" in missing["get pods/log"], missing
    commands = [command for grant in cluster["grants"] for command in grant["commands"]]
    assert any("update-access-entry" in each and f"--principal-arn {PRINCIPAL} " in each for each in commands), commands
    assert any("AmazonEKSViewPolicy" in each for each in commands), commands
    text = gate.run("check", "--cluster", "live")
    assert text.exit_code == 1 and commands[0] in text.stdout, text.stdout


def _is_unknown(gate):
    """an identity that the cluster does not know gets the access entry for its role"""
    environment = gate.environment(AWS_ACCESS_KEY_ID="AKIASTRANGER")
    (cluster,) = _check(gate, "--cluster", "live", code=1, environment=environment)["clusters"]
    assert not cluster["reached"] and "401" in cluster["error"], cluster
    entry = f"aws eks create-access-entry --cluster-name live --region {REGION} --principal-arn {PRINCIPAL}"
    assert any(each.startswith(entry) for each in cluster["grants"][0]["commands"]), cluster["grants"]
    assert "&& aws eks associate-access-policy" in cluster["grants"][1]["commands"][-1], cluster["grants"]


def _lacks_an_action(gate):
    """a denied IAM action is named with its tools; what fails for another reason is not called denied"""
    gate.double.fault("AccessDeniedException", "no", 403, -1, operation="GetMetricData")
    gate.double.fault("InternalFailure", "later", 400, -1, operation="GetProducts")
    (aws,) = _check(gate, "--cluster", "live", code=1)["aws"]
    results = {each["action"]: each for each in aws["actions"]}
    assert results["cloudwatch:GetMetricData"]["result"] == "denied", results
    assert "query_container_insights" in results["cloudwatch:GetMetricData"]["tools"], results
    assert results["pricing:GetProducts"]["result"] == "unproven", results


def _several_accounts(gate):
    """every configured account is tried; one that fails says what to do and spoils no other"""
    found = _check(gate, code=1, environment=gate.configured(ACCOUNTS.replace("fleet-42", "wrong")))
    by_name = {each.get("account"): each for each in found["aws"]}
    assert set(by_name) == {None, "hub", "fleet"}, by_name
    assert "error" not in by_name["hub"] and ROLE in by_name["fleet"]["error"], by_name
    assert "trust policy" in by_name["fleet"]["next_step"], by_name
    assert "live" in {each["cluster"] for each in found["clusters"]}, found["clusters"]
    found = _check(gate, "--account", "fleet", code=1, environment=gate.configured(ACCOUNTS))
    assert [each["account_id"] for each in found["aws"]] == [FLEET] and "error" not in found["aws"][0], found["aws"]


def _without_credentials(gate):
    """no credentials at all is said at once"""
    environment = gate.environment(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    found = _check(gate, code=1, environment=environment)
    assert "no AWS credentials" in found["aws"][0]["error"] and found["aws"][0]["next_step"], found["aws"]
