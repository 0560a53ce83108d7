"""A running server whose credentials are renewed under it: no restart, and never an answer made with the old ones."""

import datetime
import json
import pathlib
import sys

import anyio
from mcp import Client, StdioServerParameters

from gate import KEY, SECRET, SECRETS

SECOND = "AKIASECOND"
EXPIRED = "The security token included in the request is expired"


def check_credentials(report, gate):
    """The two ways in which people renew: a file that a login rewrites, and a helper process."""
    for check in (_shared_file, _credential_process):
        gate.reset()
        with report.check(check.__doc__):
            anyio.run(check, gate)


async def _shared_file(gate):
    """a rewritten credentials file is picked up without a restart"""
    path = pathlib.Path(gate.home) / "credentials"
    _write_profile(path, KEY, SECRET)
    async with _server(gate, AWS_SHARED_CREDENTIALS_FILE=str(path)) as client:
        await _describe(client, "live")
        gate.double.fault("ExpiredTokenException", EXPIRED, 403, -1, access_key=KEY)
        failed = await client.call_tool("describe_cluster", {"cluster": "archive"})
        assert failed.is_error and "credentials" in failed.content[0].text, failed
        _write_profile(path, SECOND, SECRETS[SECOND])
        await _describe(client, "archive")
        assert gate.double.calls[-1]["access_key"] == SECOND, gate.double.calls[-1]
        # The token for the API server must come from the new credentials too.
        arguments = {"cluster": "live", "kind": "pods", "namespace": "shop"}
        pods = await client.call_tool("list_resources", arguments)
        assert not pods.is_error, pods
        assert gate.api.requests[-1]["access_key"] == SECOND, gate.api.requests[-1]


async def _credential_process(gate):
    """a credential_process is asked again when its credentials have expired"""
    answer = pathlib.Path(gate.home) / "answer.json"
    config = pathlib.Path(gate.home) / "config"
    command = f"{sys.executable} -c \"print(open('{answer}').read())\""
    config.write_text(f"[default]\ncredential_process = {command}\n")
    # So close to the end that an SDK must ask again for the next call.
    _write_process_answer(answer, KEY, seconds=5)
    async with _server(gate, AWS_CONFIG_FILE=str(config)) as client:
        await _describe(client, "live")
        assert gate.double.calls[-1]["access_key"] == KEY, gate.double.calls[-1]
        _write_process_answer(answer, SECOND, seconds=3600)
        await anyio.sleep(6)
        gate.double.fault("ExpiredTokenException", EXPIRED, 403, -1, access_key=KEY)
        await _describe(client, "archive")
        assert gate.double.calls[-1]["access_key"] == SECOND, gate.double.calls[-1]


def _server(gate, **changes):
    """A client of a server over stdio whose credentials do not come from the environment."""
    environment = gate.environment(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, **changes)
    command = StdioServerParameters(command=gate.binary, args=["serve"], env=environment)
    return Client(command, mode="legacy", read_timeout_seconds=60)


async def _describe(client, cluster):
    """A call that needs AWS; each cluster is asked for once, so that no cache can answer."""
    result = await client.call_tool("describe_cluster", {"cluster": cluster})
    assert not result.is_error, result.content[0].text


def _write_profile(path, key, secret):
    path.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")


def _write_process_answer(path, key, seconds):
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    answer = {
        "Version": 1,
        "AccessKeyId": key,
        "SecretAccessKey": SECRETS[key],
        "SessionToken": "live-test-session",
        "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    path.write_text(json.dumps(answer))
