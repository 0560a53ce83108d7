"""The ways to an API server: kubeconfig with a plugin, in-cluster, proxy, tunnel, further certificates, a rotated authority."""

import base64
import json
import pathlib
import ssl
import sys
import tempfile
import time

import anyio
from mcp import Client, StdioServerParameters

import pki
from check_failures import expect, silent_server, text_of
from double import AwsDouble
from harness import free_port
from pki import OUTSIDE_NAME
from proxy import Proxy

PODS = {"cluster": "live", "kind": "pods", "namespace": "shop"}
OUTSIDE = f"https://{OUTSIDE_NAME}"


def check_ways(report, gate):
    """Each by itself, on fresh stand-ins."""
    checks = (_plugin, _plugin_that_fails, _in_cluster, _outside_a_pod, _proxy_of_the_environment, _no_proxy)
    for check in (*checks, _configured_proxy, _dead_proxy, _tunnel, _wrong_name, _further_certificates, _aws_certificates):
        gate.reset()
        with report.check(check.__doc__):
            check(gate)
    for check in (_hanging_plugin, _rotated_authority):
        gate.reset()
        with report.check(check.__doc__):
            anyio.run(check, gate)


def _kubeconfig(gate, **scripts):
    """A kubeconfig with a context for each script, which is Python and prints the credential; returns its path."""
    home = pathlib.Path(gate.home)
    authority = base64.b64encode(gate.api.ca_pem.encode()).decode()
    clusters = [{"name": "c", "cluster": {"server": gate.api.url, "certificate-authority-data": authority}}]
    contexts, users = [], []
    for name, script in scripts.items():
        (home / f"{name}.py").write_text(script)
        plugin = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": sys.executable,
            "args": [str(home / f"{name}.py")],
            "env": [{"name": "PLUGIN_TOKEN", "value": f"token-of-{name}"}],
            "interactiveMode": "IfAvailable",
        }
        users.append({"name": name, "user": {"exec": plugin}})
        contexts.append({"name": name, "context": {"cluster": "c", "user": name}})
    path = home / "kubeconfig"
    whole = {"apiVersion": "v1", "kind": "Config", "clusters": clusters, "contexts": contexts, "users": users}
    path.write_text(json.dumps(whole))
    return str(path)


PRINT_TOKEN = """import json, os
print(json.dumps({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": {"token": os.environ["PLUGIN_TOKEN"]}}))
"""


def _plugin(gate):
    """a context whose user is a credential plugin is a cluster, and needs no AWS"""
    gate.api.tokens.add("token-of-dev")
    kubeconfig = _kubeconfig(gate, dev=PRINT_TOKEN)
    environment = gate.environment(EKS_MCP_KUBERNETES__KUBECONFIG=kubeconfig, AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
    answer = gate.call("list_resources", {**PODS, "cluster": "dev"}, environment).answer
    assert answer["target"] == {"cluster": "dev"}, answer["target"]
    assert not gate.double.calls, gate.double.calls


def _plugin_that_fails(gate):
    """a plugin that fails, or whose token is refused, is named with what it said"""
    kubeconfig = _kubeconfig(gate, dev="import sys; sys.exit('the session of ann has expired')", other=PRINT_TOKEN)
    environment = gate.environment(EKS_MCP_KUBERNETES__KUBECONFIG=kubeconfig)
    error = expect(gate.call("list_resources", {**PODS, "cluster": "dev"}, environment), "credentials")
    assert "context `dev`" in text_of(error) and "the session of ann has expired" in text_of(error), error
    error = expect(gate.call("list_resources", {**PODS, "cluster": "other"}, environment), "access_denied")
    assert "context `other`" in text_of(error) and "token-of-other" not in text_of(error), error


async def _hanging_plugin(gate):
    """a plugin that hangs and a cluster that is silent fail their own calls in bounded time and delay no other"""
    gate.api.tokens.add("token-of-dev")
    kubeconfig = _kubeconfig(gate, dev=PRINT_TOKEN, stuck="import time; time.sleep(600)")
    environment = gate.environment(EKS_MCP_KUBERNETES__KUBECONFIG=kubeconfig)
    took = {}

    async def ask(client, cluster):
        started = time.monotonic()
        result = await client.call_tool("list_resources", {**PODS, "cluster": cluster})
        took[cluster] = (time.monotonic() - started, result)

    with silent_server() as port:
        gate.double.world.override("archive", endpoint=f"https://127.0.0.1:{port}")
        async with _server(gate, environment) as client, anyio.create_task_group() as group:
            group.start_soon(ask, client, "stuck")
            group.start_soon(ask, client, "archive")
            await anyio.sleep(0.5)
            group.start_soon(ask, client, "dev")
    seconds, result = took["archive"]
    assert seconds < 10 and result.is_error and "archive" in result.content[0].text, (seconds, result)
    assert took["dev"][0] < 4 and not took["dev"][1].is_error, took["dev"]
    seconds, result = took["stuck"]
    assert seconds < 40 and result.is_error and "did not end within" in result.content[0].text, (seconds, result)


def _service_account(gate, token):
    folder = tempfile.mkdtemp(dir=gate.home)
    (pathlib.Path(folder) / "token").write_text(token)
    (pathlib.Path(folder) / "ca.crt").write_text(gate.api.ca_pem)
    return folder


def _in_cluster(gate):
    """the cluster that the server runs in is reached with the service account of the pod"""
    gate.api.tokens.add("token-of-the-pod")
    host, port = gate.api.url.removeprefix("https://").split(":")
    pod = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port, "HTTPS_PROXY": "http://127.0.0.1:1"}
    config = f'[kubernetes]\nin_cluster = "home"\nservice_account_folder = "{_service_account(gate, "token-of-the-pod")}"\n'
    answer = gate.call("list_resources", {**PODS, "cluster": "home"}, gate.configured(config, **pod)).answer
    assert answer["target"] == {"cluster": "home"}, answer["target"]
    answer = gate.call("list_clusters", {"include_external": True}, gate.configured(config, **pod)).answer
    assert ["home", "in-cluster"] in [[row[0], row[3]] for row in answer["clusters"]["rows"]], answer


def _outside_a_pod(gate):
    """in-cluster access outside a pod says what is missing"""
    environment = gate.environment(EKS_MCP_KUBERNETES__IN_CLUSTER="home")
    error = expect(gate.call("list_resources", {**PODS, "cluster": "home"}, environment), "credentials")
    assert "KUBERNETES_SERVICE_HOST" in text_of(error), error


def _target(gate):
    host, port = gate.api.url.removeprefix("https://").split(":")
    return host, int(port)


def _proxy_of_the_environment(gate):
    """HTTPS_PROXY leads to an API server whose name only the proxy knows"""
    gate.point_live_at(OUTSIDE, gate.api.ca_bundle)
    with Proxy(_target(gate)) as proxy:
        answer = gate.call("list_resources", PODS, gate.environment(HTTPS_PROXY=proxy.url)).answer
        assert answer["target"]["cluster"] == "live" and f"{OUTSIDE_NAME}:443" in proxy.asked, proxy.asked


def _no_proxy(gate):
    """NO_PROXY and this machine are left out"""
    with Proxy(_target(gate)) as proxy:
        assert gate.call("list_resources", PODS, gate.environment(HTTPS_PROXY=proxy.url, NO_PROXY="")).answer
        gate.point_live_at(OUTSIDE, gate.api.ca_bundle)
        environment = gate.environment(HTTPS_PROXY=proxy.url, NO_PROXY="127.0.0.1,.eks.test")
        expect(gate.call("list_resources", PODS, environment), "unreachable")
        assert not proxy.asked, proxy.asked


def _configured_proxy(gate):
    """a configured proxy holds for clusters, whatever the environment says, and one for a cluster wins"""
    with Proxy(_target(gate)) as proxy:
        assert gate.call("list_resources", PODS, gate.configured(f'[kubernetes]\nproxy = "{proxy.url}"\n')).answer
        asked = len(proxy.asked)
        assert asked, "the proxy was not asked"
        config = f'[kubernetes]\nproxy = "{proxy.url}"\n[clusters.live]\nproxy = "none"\n'
        assert gate.call("list_resources", PODS, gate.configured(config)).answer
        assert len(proxy.asked) == asked, proxy.asked


def _dead_proxy(gate):
    """a proxy that does not answer is named, without its password"""
    port = free_port()
    config = f'[kubernetes]\nproxy = "http://ann:pw-of-ann@127.0.0.1:{port}"\n'
    outcome = gate.call("list_resources", PODS, gate.configured(config))
    error = expect(outcome, "unreachable")
    assert f"http://127.0.0.1:{port}" in text_of(error) and "pw-of-ann" not in outcome.stderr, error
    assert outcome.seconds < 20, outcome.seconds


def _tunnel(gate):
    """a configured endpoint leads through a tunnel, and the certificate is still that of the real endpoint"""
    gate.point_live_at(OUTSIDE, gate.api.ca_bundle)
    arn = "arn:aws:eks:us-west-2:111122223333:cluster/live"
    for key in ("live", f'"{arn}"'):
        answer = gate.call("list_resources", PODS, gate.configured(f'[clusters.{key}]\nendpoint = "{gate.api.url}"\n')).answer
        assert answer["target"]["cluster"] == "live", answer


def _wrong_name(gate):
    """a certificate for another name than the configured one is not trusted"""
    config = f'[clusters.live]\nendpoint = "{gate.api.url}"\ntls_server_name = "other.example"\n'
    error = expect(gate.call("list_resources", PODS, gate.configured(config)), "unreachable")
    assert "certificate" in text_of(error) and "tls_server_name" in text_of(error), error
    assert not gate.api.requests, "a token was sent to a server that is not trusted"


def _further_certificates(gate):
    """certificates of a bundle are trusted beside those that EKS names"""
    gate.point_live_at(gate.api.url, gate.api.wrong_ca_bundle)
    path = pathlib.Path(gate.home) / "more.pem"
    path.write_text(gate.api.ca_pem)
    for config in (f'ca_bundle = "{path}"\n', f'[clusters.live]\nca_bundle = "{path}"\n'):
        assert gate.call("list_resources", PODS, gate.configured(config)).answer
    error = expect(gate.call("list_resources", PODS, gate.configured('[clusters.live]\nca_bundle = "/no/such.pem"\n')), "invalid_input")
    assert "/no/such.pem" in text_of(error), error


def _aws_certificates(gate):
    """AWS_CA_BUNDLE is trusted for AWS, and without it the reason is the certificate"""
    authority = pki.Authority("corporate")
    path = pathlib.Path(gate.home) / "corporate.pem"
    path.write_text(authority.pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue_server(gate.home))
    double = AwsDouble()
    double.server.socket = context.wrap_socket(double.server.socket, server_side=True)
    with double:
        url = double.url.replace("http://", "https://")
        for changes in ({"AWS_CA_BUNDLE": str(path)}, {"EKS_MCP_CA_BUNDLE": str(path)}):
            assert gate.call("list_clusters", {}, gate.environment(AWS_ENDPOINT_URL=url, **changes)).answer
        error = expect(gate.call("list_clusters", {}, gate.environment(AWS_ENDPOINT_URL=url)), "unreachable")
        assert "certificate" in text_of(error).lower() or "UnknownIssuer" in text_of(error), error


async def _rotated_authority(gate):
    """a rotated certificate authority is read again within the call that meets it"""
    gate.point_live_at(gate.api.url, gate.api.wrong_ca_bundle)
    async with _server(gate, gate.environment()) as client:
        result = await client.call_tool("describe_cluster", {"cluster": "live"})
        assert not result.is_error, result
        gate.point_live_at(gate.api.url, gate.api.ca_bundle)
        for _ in range(2):
            result = await client.call_tool("list_resources", PODS)
            assert not result.is_error, result.content[0].text
    assert len(gate.double.called("DescribeCluster")) == 2, "once when it was cached, once for the rotation"


def _server(gate, environment):
    command = StdioServerParameters(command=gate.binary, args=["serve"], env=environment)
    return Client(command, mode="legacy", read_timeout_seconds=60)
