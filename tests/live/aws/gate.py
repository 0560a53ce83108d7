"""The scene of the AWS gate: both stand-ins, the environment the binary gets, and one way to call a tool."""

import contextlib
import json
import pathlib
import subprocess
import tempfile
import time

from apiserver import ApiServer
from double import AwsDouble
from harness import bare_environment

REGION = "us-west-2"
KEY, SECRET = "AKIALIVETEST", "live-test-secret"
SECRETS = {KEY: SECRET, "AKIASECOND": "second-live-test-secret"}
"""The key pairs that the stand-ins know."""

CRASHING_POD = "checkout-7d9c5b8f66-x2x9k"
CALL_SECONDS = 90


class Outcome:
    """What one `eks-mcp call` did."""

    def __init__(self, completed, seconds):
        self.exit_code = completed.returncode
        self.stdout = completed.stdout
        self.stderr = completed.stderr
        self.seconds = seconds

    @property
    def answer(self):
        """The structured answer; fails the check when the call failed."""
        assert self.exit_code == 0, f"exit {self.exit_code}: {self.stderr[-500:]}"
        return json.loads(self.stdout)

    @property
    def error(self):
        """The error object on stderr, which may have log lines before it; fails the check when there is none."""
        assert self.exit_code == 1, f"exit {self.exit_code}, stdout {self.stdout[:300]}, stderr {self.stderr[-300:]}"
        start = self.stderr.find('{"kind"')
        if start < 0:
            start = self.stderr.find("{")
        assert start >= 0, f"no JSON on stderr: {self.stderr[-300:]}"
        error, _ = json.JSONDecoder().raw_decode(self.stderr[start:])
        assert error.get("kind") and error.get("message"), error
        return error


class Gate:
    """The running stand-ins and the binary that is asked to use them."""

    def __init__(self, binary, double, api, home):
        self.binary = binary
        self.double = double
        self.api = api
        self.home = home
        self.reset()

    def reset(self):
        """Forgets calls, faults and changes; the cluster `live` leads to the Kubernetes stand-in."""
        self.double.reset()
        self.api.requests.clear()
        self.api.forbidden.clear()
        self.api.tokens.clear()
        self.point_live_at(self.api.url, self.api.ca_bundle)

    def point_live_at(self, endpoint, ca_bundle):
        """What EKS says about how to reach the cluster `live`."""
        self.double.world.override("live", endpoint=endpoint, certificateAuthority={"data": ca_bundle})

    def environment(self, **changes):
        """The environment of the binary; None removes a variable."""
        environment = {
            **bare_environment(self.home),
            "AWS_ENDPOINT_URL": self.double.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            **changes,
        }
        return {name: value for name, value in environment.items() if value is not None}

    def configured(self, text, **changes):
        """An environment whose configuration file holds this text."""
        path = pathlib.Path(self.home) / "eks-mcp.toml"
        path.write_text(text)
        return self.environment(EKS_MCP_CONFIG=str(path), **changes)

    def call(self, tool, arguments, environment=None):
        """Runs the tool once, in a process of its own."""
        return self.run("call", tool, json.dumps(arguments), environment=environment)

    def run(self, *arguments, environment=None):
        """Runs the binary once."""
        started = time.monotonic()
        completed = subprocess.run(
            [self.binary, *arguments],
            env=environment or self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=CALL_SECONDS,
        )
        return Outcome(completed, time.monotonic() - started)


@contextlib.contextmanager
def open_gate(binary):
    """Starts the stand-ins and stops them when the block ends."""
    with tempfile.TemporaryDirectory() as home, AwsDouble() as double, ApiServer("live", REGION, SECRETS) as api:
        yield Gate(binary, double, api, home)
