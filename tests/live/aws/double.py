"""A stand-in for AWS on a loopback port: the real wire formats, answers by argument, faults on demand.

Every request must be signed for the service and Region it is meant for. Control requests, which need no signature:

    GET  /_calls    what was called: service, operation, region, access_key, arguments, outcome, user_agent
    POST /_fault    {"service"?, "operation"?, "region"?, "access_key"?, "code", "message"?, "status"?, "times"?}:
                    makes the calls fail that match; times is 1 when absent, -1 means always
    POST /_cluster  {"name", ...members of the EKS shape Cluster}: replaces members of a cluster
    POST /_reset    forgets calls, faults and replaced members

By itself: double.py PORT
"""

import http.server
import json
import re
import sys
import threading
import traceback

import wire
import world

_CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>\w+)/\d{8}/(?P<region>[\w-]+)/(?P<service>[\w-]+)/aws4_request"
)
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")


class AwsDouble:
    """The stand-in: state, control and the server's life."""

    def __init__(self, port=0):
        self.world = world.World()
        self.calls = []
        self.faults = []
        self.lock = threading.Lock()
        handler = type("BoundHandler", (Handler,), {"double": self})
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def reset(self):
        """Back to the fixtures, with nothing recorded."""
        with self.lock:
            self.calls.clear()
            self.faults.clear()
            self.world.overrides.clear()
            self.world.role_seconds = 3600

    def fault(self, code, message="", status=400, times=1, **match):
        """Makes calls fail that match all of service, operation, region and access_key, where given."""
        with self.lock:
            self.faults.append({"code": code, "message": message, "status": status, "times": times, "match": match})

    def called(self, operation):
        """The recorded calls of an operation."""
        return [call for call in self.calls if call["operation"] == operation]

    def take_fault(self, call):
        """The first fault that this call falls under, used up once; None when there is none."""
        with self.lock:
            for fault in self.faults:
                fits = all(call[key] == value for key, value in fault["match"].items())
                if fits and fault["times"] != 0:
                    fault["times"] -= 1 if fault["times"] > 0 else 0
                    return world.AwsError(fault["code"], fault["message"] or fault["code"], fault["status"])
        return None

    def record(self, call):
        """Remembers a call."""
        with self.lock:
            self.calls.append(call)


def signed_scope(headers):
    """Access key, Region and service that the request is signed for; refuses what AWS would refuse."""
    authorization = headers.get("authorization", "")
    scope = _CREDENTIAL.match(authorization)
    if not scope:
        raise world.AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    signed = re.search(r"SignedHeaders=([\w;-]+)", authorization)
    complete = signed and "host" in signed[1].split(";") and re.search(r"Signature=[0-9a-f]{64}$", authorization)
    if not complete or "x-amz-date" not in headers:
        raise world.AwsError("IncompleteSignatureException", f"incomplete signature: {authorization}", 400)
    if scope["service"] not in wire.SERVICES or not _REGION.fullmatch(scope["region"]):
        text = f"Credential should be scoped to a valid service and region: {scope['service']}, {scope['region']}"
        raise world.AwsError("InvalidSignatureException", text, 403)
    return scope["key"], scope["region"], wire.SERVICES[scope["service"]]


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of the stand-in."""

    double = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Silent: the recorded calls say more."""

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if self.path.startswith("/_"):
                self._control(body)
            else:
                self._aws(body)
        except Exception as error:  # a fault of the stand-in must show, not hang the caller
            traceback.print_exc()
            self._send(500, {"Content-Type": "application/json"}, json.dumps({"message": repr(error)}).encode())

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _control(self, body):
        double = self.double
        wanted = json.loads(body or b"{}")
        if self.path == "/_fault":
            double.fault(**wanted)
        elif self.path == "/_cluster":
            double.world.override(wanted.pop("name"), **wanted)
        elif self.path == "/_reset":
            double.reset()
        elif self.path != "/_calls":
            return self._send(404, {}, b"")
        answer = double.calls if self.path == "/_calls" else {}
        return self._send(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    def _aws(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = {"service": None, "operation": None, "region": None, "access_key": None, "arguments": {}}
        call["user_agent"] = headers.get("user-agent", "")
        request = wire.Request("sts", "", "rest-json", {})
        try:
            call["access_key"], call["region"], call["service"] = signed_scope(headers)
            request = wire.decode(call["service"], self.command, self.path, headers, body)
            call["operation"], call["arguments"] = request.operation, request.arguments
            fault = self.double.take_fault(call)
            if fault:
                raise fault
            answer = self.double.world.answer(request, call["region"], call["access_key"])
            status, (out, content) = 200, wire.encode(request, answer)
            call["outcome"] = "ok"
        except wire.WireError as error:
            error = world.AwsError("UnknownOperationException", str(error), 404)
            status, (out, content) = _error(request, error, call)
        except world.AwsError as error:
            status, (out, content) = _error(request, error, call)
        self.double.record(call)
        self._send(status, out, content)

    def _send(self, status, headers, content):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", "00000000-0000-4000-8000-000000000000")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _error(request, error, call):
    call["outcome"] = error.code
    return error.status, wire.encode_error(request, error.code, error.message, error.members)


if __name__ == "__main__":
    with AwsDouble(int(sys.argv[1]) if len(sys.argv) > 1 else 0) as running:
        print(running.url, flush=True)
        threading.Event().wait()
