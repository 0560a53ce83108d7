"""A stand-in for a cluster's Kubernetes API server: HTTPS on a loopback port, tokens checked as EKS checks them.

By itself, for a look around: apiserver.py CLUSTER REGION ACCESS_KEY SECRET_KEY
"""

import http.server
import json
import re
import ssl
import sys
import tempfile
import threading
import traceback
import urllib.parse

import eks_token
import kubernetes
import pki

VERSION = {
    "major": "1",
    "minor": "35",
    "gitVersion": "v1.35.4-eks-0000000",
    "gitCommit": "0000000000000000000000000000000000000000",
    "gitTreeState": "clean",
    "buildDate": "2026-10-01T00:00:00Z",
    "goVersion": "go1.26.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}

_OBJECT_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/))?/(?P<resource>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[^/]+))?"
)


class ApiServer:
    """The stand-in: its certificates, objects and recorded requests."""

    def __init__(self, cluster, region, secrets):
        self.cluster = cluster
        self.region = region
        self.secrets = secrets
        self.kinds = kubernetes.load_kinds()
        self.objects = kubernetes.load_objects()
        self.logs = json.loads((kubernetes.FIXTURES / "logs.json").read_text())
        self.requests = []
        self.forbidden = set()
        self.tokens = set()
        authority = pki.Authority("kubernetes")
        stranger = pki.Authority("kubernetes")
        # As during a CA rotation: two certificates of the same name, and the one in use is not the first.
        self.ca_bundle = pki.bundle(stranger, authority)
        self.wrong_ca_bundle = pki.bundle(stranger)
        self.ca_pem = authority.pem()
        handler = type("BoundHandler", (Handler,), {"api": self})
        self.server = _TlsServer(("127.0.0.1", 0), handler)
        self.server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.TemporaryDirectory() as directory:
            self.server.tls.load_cert_chain(authority.issue_server(directory))
        self.url = f"https://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def requested(self, path):
        """The recorded requests whose path starts so."""
        return [request for request in self.requests if request["path"].startswith(path)]

    def authenticate(self, authorization):
        """Raises a 401 Status for anything but a good token of this cluster."""
        scheme, _, token = authorization.partition(" ")
        try:
            if scheme.lower() != "bearer":
                raise eks_token.Rejected("no bearer token")
            if token in self.tokens:
                return "token"
            return eks_token.check(token, self.cluster, self.region, self.secrets)
        except eks_token.Rejected as reason:
            raise Unauthorized(str(reason)) from reason


class Unauthorized(kubernetes.StatusError):
    """A 401, with the reason that a real server would keep to itself."""

    def __init__(self, why):
        super().__init__(401, "Unauthorized", "Unauthorized")
        self.why = why


class _TlsServer(http.server.ThreadingHTTPServer):
    """Does the TLS handshake in the thread of the connection, so that a failing one cannot block the others."""

    tls = None

    def finish_request(self, request, client_address):
        try:
            secure = self.tls.wrap_socket(request, server_side=True)
        except (ssl.SSLError, OSError):
            return  # the client did not trust us or went away: its own report is what a test reads
        with secure:
            self.RequestHandlerClass(secure, client_address, self)

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, (ConnectionError, ssl.SSLError, TimeoutError)):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection of the stand-in."""

    api = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Silent: the recorded requests say more."""

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        url = urllib.parse.urlsplit(self.path)
        parameters = dict(urllib.parse.parse_qsl(url.query))
        record = {"method": self.command, "path": url.path, "query": parameters}
        record["user_agent"] = self.headers.get("User-Agent", "")
        self.api.requests.append(record)
        try:
            record["access_key"] = self.api.authenticate(self.headers.get("Authorization", ""))
            status, answer = self._answer(url.path, parameters, body)
        except kubernetes.StatusError as error:
            record["rejected"] = getattr(error, "why", error.body["message"])
            status, answer = error.code, error.body
        except Exception as error:  # a fault of the stand-in must show, not hang the caller
            traceback.print_exc()
            status, answer = 500, kubernetes.StatusError(500, "InternalError", repr(error)).body
        record["status"] = status
        self._send(status, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, status, answer):
        kind = "text/plain" if isinstance(answer, str) else "application/json"
        if isinstance(answer, dict) and answer.get("apiVersion") == "apidiscovery.k8s.io/v2":
            kind = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, path, parameters, body):
        if self.command == "POST":
            return self._review(path, json.loads(body))
        if self.command != "GET":
            raise kubernetes.StatusError(405, "MethodNotAllowed", f"the stand-in is read-only, not for {self.command}")
        if path == "/version":
            return 200, VERSION
        if path in ("/healthz", "/livez", "/readyz"):
            return 200, "ok"
        accept = self.headers.get("Accept", "")
        found = kubernetes.discovery(self.api.kinds, path, accept)
        if found:
            return 200, found
        return 200, self._read(path, parameters, accept)

    def _review(self, path, review):
        """The two reviews that a read-only client may post."""
        if path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
            asked = review["spec"].get("resourceAttributes", {})
            resource = "/".join(filter(None, (asked.get("resource"), asked.get("subresource"))))
            allowed = (asked.get("verb"), resource) not in self.api.forbidden
            return 201, {**review, "status": {"allowed": allowed}}
        if path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
            arn = "arn:aws:sts::111122223333:assumed-role/live-test/live-test"
            user = {"username": "live-test", "groups": ["system:authenticated"], "extra": {"arn": [arn]}}
            return 201, {**review, "status": {"userInfo": user}}
        raise kubernetes.StatusError(405, "MethodNotAllowed", "the stand-in is read-only")

    def _read(self, path, parameters, accept):
        found = _OBJECT_PATH.fullmatch(path)
        key = found and (found["group"] or "", found["version"], found["resource"])
        kind = self.api.kinds.get(key)
        if not kind:
            raise kubernetes.StatusError(404, "NotFound", "the server could not find the requested resource")
        name, subresource = found["name"], found["subresource"]
        self._authorize("get" if name else "list", kind, f"/{subresource}" if subresource else "")
        if not name:
            items = kubernetes.select(self.api.objects, kind, found["namespace"], parameters)
            return kubernetes.paged_list(items, kind, parameters, accept)
        for item in kubernetes.select(self.api.objects, kind, found["namespace"], {}):
            if item["metadata"]["name"] == name:
                if subresource == "log":
                    return self._log(item, parameters)
                return kubernetes.partial_metadata(item) if "as=PartialObjectMetadata" in accept else item
        message = f'{kind.resource} "{name}" not found'
        raise kubernetes.StatusError(404, "NotFound", message, {"name": name, "kind": kind.resource})

    def _authorize(self, verb, kind, subresource):
        resource = kind.resource + subresource
        if (verb, resource) in self.api.forbidden:
            what = f'cannot {verb} resource "{resource}" in API group "{kind.group}"'
            message = f'{resource} is forbidden: User "live-test" {what}'
            raise kubernetes.StatusError(403, "Forbidden", message, {"kind": resource})

    def _log(self, pod, parameters):
        """The lines of a container; a pod here has one container, which is the default."""
        name = pod["metadata"]["name"]
        containers = [each["name"] for each in pod["spec"]["containers"]]
        container = parameters.get("container", containers[0])
        if container not in containers:
            message = f"container {container} is not valid for pod {name}"
            raise kubernetes.StatusError(400, "BadRequest", message)
        key = f"{pod['metadata']['namespace']}/{name}/{container}"
        if parameters.get("previous") == "true":
            key += "/previous"
        if key not in self.api.logs:
            message = f'previous terminated container "{container}" in pod "{name}" not found'
            raise kubernetes.StatusError(400, "BadRequest", message)
        lines = self.api.logs[key][-int(parameters.get("tailLines") or 10_000) :]
        if parameters.get("timestamps") == "true":
            lines = [f"{pod['metadata']['creationTimestamp']} {line}" for line in lines]
        text = "".join(f"{line}\n" for line in lines)
        return text[: int(parameters["limitBytes"])] if "limitBytes" in parameters else text


if __name__ == "__main__":
    with ApiServer(sys.argv[1], sys.argv[2], {sys.argv[3]: sys.argv[4]}) as running:
        print(json.dumps({"endpoint": running.url, "certificateAuthority": {"data": running.ca_bundle}}), flush=True)
        threading.Event().wait()
