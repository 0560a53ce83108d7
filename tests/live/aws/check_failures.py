"""The tools when something fails: the right kind, a message that says what, and no endless waiting."""

import contextlib
import socket
import threading

from gate import CRASHING_POD
from harness import free_port

PODS = {"cluster": "live", "kind": "pods", "namespace": "shop"}
SLOWEST = 60
"""A caller gives up after a minute; whatever fails must have said so by then."""


def check_failures(report, gate):
    """Each failure by itself, on fresh stand-ins."""
    checks = (
        _unknown_cluster,
        _access_denied,
        _forbidden,
        _token_refused,
        _expired,
        _no_credentials,
        _throttled_for_a_while,
        _throttled_for_ever,
        _closed_port,
        _silent_endpoint,
        _wrong_certificate,
        _unreachable_aws,
        _partial_fan_out,
        _wrong_arguments,
        _wrong_usage,
    )
    for check in checks:
        gate.reset()
        with report.check(check.__doc__):
            check(gate)


def text_of(error):
    """All that an error says."""
    return f"{error['message']} {error.get('hint') or ''}"


def expect(outcome, *kinds):
    """The error of a call, which must be of one of the kinds and must not have kept anyone waiting."""
    error = outcome.error
    assert error["kind"] in kinds, f"expected {' or '.join(kinds)}: {error}"
    assert outcome.seconds < SLOWEST, f"it took {outcome.seconds:.0f} s"
    return error


def _unknown_cluster(gate):
    """an unknown cluster is not_found and offers the near name"""
    error = expect(gate.call("describe_cluster", {"cluster": "archiv"}), "not_found")
    assert "archiv" in error["message"] and "archive" in text_of(error).replace("`archiv`", ""), error


def _access_denied(gate):
    """a refused IAM action is access_denied and is named"""
    who = "arn:aws:sts::111122223333:assumed-role/live-test/live-test"
    text = f"User: {who} is not authorized to perform: eks:DescribeCluster on resource: live"
    gate.double.fault("AccessDeniedException", text, 403, -1, operation="DescribeCluster")
    error = expect(gate.call("describe_cluster", {"cluster": "live"}), "access_denied")
    assert "eks:DescribeCluster" in text_of(error) and who in text_of(error), error


def _forbidden(gate):
    """a refused Kubernetes verb is access_denied and is named"""
    gate.api.forbidden.add(("list", "pods"))
    error = expect(gate.call("list_resources", PODS), "access_denied")
    assert "list" in text_of(error) and "pods" in text_of(error), error


def _token_refused(gate):
    """an identity that the cluster does not know is a matter of access, not an upstream fault"""
    environment = gate.environment(AWS_ACCESS_KEY_ID="AKIASTRANGER")
    error = expect(gate.call("list_resources", PODS, environment), "access_denied", "credentials")
    assert "live" in text_of(error), error


def _expired(gate):
    """an expired session is a matter of credentials, with the way to renew them"""
    text = "The security token included in the request is expired"
    gate.double.fault("ExpiredTokenException", text, 403, -1)
    error = expect(gate.call("list_clusters", {"regions": ["us-west-2"]}), "credentials")
    assert error.get("hint"), error


def _no_credentials(gate):
    """no credentials at all is a matter of credentials, and said at once"""
    environment = gate.environment(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    outcome = gate.call("describe_cluster", {"cluster": "live"}, environment)
    error = expect(outcome, "credentials")
    assert outcome.seconds < 10, f"it took {outcome.seconds:.0f} s"
    assert not gate.double.calls and error.get("hint"), error


def _throttled_for_a_while(gate):
    """a throttled call is repeated until it succeeds"""
    gate.double.fault("ThrottlingException", "Rate exceeded", 429, 2, operation="DescribeCluster")
    answer = gate.call("describe_cluster", {"cluster": "live"}).answer
    outcomes = [call["outcome"] for call in gate.double.called("DescribeCluster")]
    assert outcomes == ["ThrottlingException", "ThrottlingException", "ok"], outcomes
    assert answer, "no answer"


def _throttled_for_ever(gate):
    """endless throttling is throttled, after a bounded number of attempts"""
    gate.double.fault("ThrottlingException", "Rate exceeded", 429, -1, operation="DescribeCluster")
    expect(gate.call("describe_cluster", {"cluster": "live"}), "throttled")
    attempts = len(gate.double.called("DescribeCluster"))
    assert 2 <= attempts <= 10, f"{attempts} attempts"


def _closed_port(gate):
    """an API server that refuses connections is unreachable, and said soon"""
    endpoint = f"https://127.0.0.1:{free_port()}"
    gate.point_live_at(endpoint, gate.api.ca_bundle)
    outcome = gate.call("list_resources", PODS)
    error = expect(outcome, "unreachable")
    assert outcome.seconds < 20, f"it took {outcome.seconds:.0f} s"
    assert "127.0.0.1" in text_of(error) or "live" in text_of(error), error


def _silent_endpoint(gate):
    """an API server that takes connections and says nothing does not hold the caller"""
    with silent_server() as port:
        gate.point_live_at(f"https://127.0.0.1:{port}", gate.api.ca_bundle)
        expect(gate.call("list_resources", PODS), "unreachable", "timeout")


def _wrong_certificate(gate):
    """an API server with a certificate of another CA is unreachable, because of the certificate"""
    gate.point_live_at(gate.api.url, gate.api.wrong_ca_bundle)
    arguments = {"cluster": "live", "namespace": "shop", "name": CRASHING_POD}
    error = expect(gate.call("troubleshoot", arguments), "unreachable")
    assert "certificate" in text_of(error).lower(), error
    assert not gate.api.requests, "a token was sent to a server that is not trusted"


def _unreachable_aws(gate):
    """an AWS endpoint that refuses connections is unreachable"""
    environment = gate.environment(AWS_ENDPOINT_URL=f"http://127.0.0.1:{free_port()}")
    expect(gate.call("describe_cluster", {"cluster": "live"}, environment), "unreachable")


def _partial_fan_out(gate):
    """one Region that fails is a warning, and the others are answered"""
    gate.double.fault("AccessDeniedException", "no", 403, -1, operation="ListClusters", region="us-east-1")
    answer = gate.call("list_clusters", {"regions": ["us-west-2", "us-east-1"]}).answer
    warnings = " ".join(str(warning) for warning in answer.get("warnings", []))
    assert "us-east-1" in warnings and "eks:ListClusters" in warnings, answer
    assert "live" in str(answer), answer


def _wrong_arguments(gate):
    """wrong arguments are invalid_input, and nothing is called"""
    error = expect(gate.call("describe_cluster", {"cluster": "live", "colour": "red"}), "invalid_input")
    assert "colour" in error["message"], error
    assert not gate.double.calls, gate.double.calls


def _wrong_usage(gate):
    """an unknown tool and broken JSON are wrong usage: exit 2"""
    outcome = gate.call("paint_cluster", {})
    assert outcome.exit_code == 2, f"unknown tool: exit {outcome.exit_code}"


@contextlib.contextmanager
def silent_server():
    """A port that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connections = []

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    connections.append(listener.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in connections:
                connection.close()
