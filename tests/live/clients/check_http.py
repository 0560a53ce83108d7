"""Requests that no client library sends: what the HTTP endpoint refuses, and with which status."""

import httpx

MODERN = "2026-07-28"
UNKNOWN = "2030-01-01"
META = "io.modelcontextprotocol"


def body(method="tools/list", version=MODERN, **params):
    """A request of the modern era, which carries all that is to be known about the client."""
    meta = {
        f"{META}/protocolVersion": version,
        f"{META}/clientCapabilities": {},
        f"{META}/clientInfo": {"name": "live-test", "version": "1"},
    }
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}


def headers(method="tools/list", version=MODERN, **more):
    """The headers that go with it."""
    accepted = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
    return {**accepted, "MCP-Protocol-Version": version, "Mcp-Method": method, **more}


def check_http(report, base):
    """Each refusal next to a request that is fine, so that a refusal means what it says."""
    with httpx.Client(base_url=base, trust_env=False, timeout=30) as client:
        for check in (_fine, _health, _foreign_host, _foreign_origin, _large_body, _contradiction):
            with report.check(f"http: {check.__doc__}"):
                check(client)
        for check in (_unknown_version, _unknown_method, _broken_json, _no_session):
            with report.check(f"http: {check.__doc__}"):
                check(client)
        for version in ("2025-03-26", "2025-06-18", "2025-11-25"):
            with report.check(f"http: initialize agrees on {version}"):
                _initialize(client, version)


def _post(client, request=None, **more):
    return client.post("/mcp", json=request or body(), headers=headers(**more))


def _call(client, name, arguments, name_header):
    request = body("tools/call", name=name, arguments=arguments)
    return _post(client, request, method="tools/call", **{"Mcp-Name": name_header})


def _fine(client):
    """a plain request is answered in JSON"""
    answer = _post(client)
    _expect(answer, 200)
    assert answer.headers["content-type"].startswith("application/json"), answer.headers
    assert answer.json()["result"]["tools"]


def _health(client):
    """/healthz and /readyz answer 200"""
    _expect(client.get("/healthz"), 200)
    _expect(client.get("/readyz"), 200)


def _foreign_host(client):
    """a foreign Host is refused with 403"""
    _expect(_post(client, Host="evil.example"), 403)


def _foreign_origin(client):
    """a foreign Origin is refused with 403"""
    _expect(_post(client, Origin="https://evil.example"), 403)


def _large_body(client):
    """a body over 1 MiB is refused with 413, one below is not"""
    for size, status in ((900_000, 200), (1_200_000, 413)):
        arguments = {"cluster": "x" * size}
        _expect(_call(client, "describe_cluster", arguments, "describe_cluster"), status)


def _contradiction(client):
    """a header that contradicts the body is 400 -32020"""
    _expect(_post(client, method="prompts/list"), 400, -32020)
    _expect(_call(client, "list_clusters", {}, "describe_cluster"), 400, -32020)


def _unknown_version(client):
    """an unknown protocol version is 400 -32022 and lists the known ones"""
    answer = _post(client, body(version=UNKNOWN), version=UNKNOWN)
    _expect(answer, 400, -32022)
    assert MODERN in answer.text, answer.text


def _unknown_method(client):
    """an unknown method is 404 -32601"""
    _expect(_post(client, body("tools/paint"), method="tools/paint"), 404, -32601)


def _broken_json(client):
    """what is no JSON is refused"""
    answer = client.post("/mcp", content=b"{", headers=headers())
    assert 400 <= answer.status_code < 500, answer.status_code


def _no_session(client):
    """neither a session nor a stream of its own is offered"""
    assert "mcp-session-id" not in _post(client).headers
    # Only the head is read: a stream would never end.
    with client.stream("GET", "/mcp", headers={"Accept": "text/event-stream"}) as answer:
        assert answer.status_code == 405, answer.status_code


def _initialize(client, version):
    """The handshake of the legacy era, with none of the modern headers."""
    about = {"name": "live-test", "version": "1"}
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": about}
    request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}
    plain = {name: value for name, value in headers().items() if not name.lower().startswith("mcp-")}
    answer = client.post("/mcp", json=request, headers=plain)
    _expect(answer, 200)
    assert answer.json()["result"]["protocolVersion"] == version, answer.text


def _expect(answer, status, code=None):
    assert answer.status_code == status, f"{answer.status_code} instead of {status}: {answer.text[:200]}"
    if code:
        assert answer.json()["error"]["code"] == code, answer.text[:300]
