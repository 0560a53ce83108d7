"""AWS wire formats, driven by botocore's service models: requests in, answers out.

Only the formats of the services the stand-in plays are here: rest-json (EKS), json 1.1 (Pricing, Logs, ECR, Service Quotas), query
(STS, IAM, Auto Scaling, Elastic Load Balancing), ec2 and smithy-rpc-v2-cbor (CloudWatch, which the Rust SDK speaks in no other way).
"""

import base64
import datetime
import json
import re
import urllib.parse
from xml.sax.saxutils import escape

import botocore.session
import cbor2
from botocore.utils import parse_timestamp

SERVICES = {
    "eks": "eks", "monitoring": "cloudwatch", "logs": "logs", "pricing": "pricing", "sts": "sts", "ec2": "ec2", "iam": "iam",
    "autoscaling": "autoscaling", "elasticloadbalancing": "elbv2", "ecr": "ecr", "servicequotas": "service-quotas",
}
"""Signing name to service name."""

_SESSION = botocore.session.get_session()
_MODELS = {}


def model(service):
    """The service model, loaded once: reading one takes a noticeable moment."""
    if service not in _MODELS:
        _MODELS[service] = _SESSION.get_service_model(service)
    return _MODELS[service]


class WireError(Exception):
    """A request that fits no operation of the model, or an answer that does not fit its shape."""


class Request:
    """A decoded request: which operation of which service, with its arguments by member name."""

    def __init__(self, service, operation, protocol, arguments):
        self.service = service
        self.operation = operation
        self.protocol = protocol
        self.arguments = arguments


def decode(service, method, target, headers, body):
    """Finds the operation in the way of the service's protocol and reads its arguments."""
    url = urllib.parse.urlsplit(target)
    rpc = re.fullmatch(r"/service/\w+/operation/(\w+)", url.path)
    if headers.get("smithy-protocol") == "rpc-v2-cbor" and rpc:
        return Request(service, _known(service, rpc[1]), "cbor", _from_cbor(cbor2.loads(body) if body else {}))
    if headers.get("x-amz-target"):
        operation = _known(service, headers["x-amz-target"].rpartition(".")[2])
        return Request(service, operation, "json", json.loads(body or b"{}"))
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        protocol = "ec2" if service == "ec2" else "query"
        return Request(service, _known(service, form.pop("Action", "")), protocol, form)
    return _decode_rest(service, method, url.path, url.query, body)


def _known(service, operation):
    if operation not in model(service).operation_names:
        raise WireError(f"{service} has no operation {operation!r}")
    return operation


def _from_cbor(value):
    """Plain values for a decoded CBOR document; its timestamps arrive as datetimes."""
    if isinstance(value, dict):
        return {key: _from_cbor(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_from_cbor(item) for item in value]
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    return value


def _decode_rest(service, method, path, query, body):
    """The REST operation whose method and path template fit; the template with most fixed text wins."""
    best = None
    for name in model(service).operation_names:
        http = model(service).operation_model(name).http
        if http["method"] != method:
            continue
        template = http["requestUri"].partition("?")[0]
        found = re.fullmatch(_path_pattern(template), path)
        fixed = len(re.sub(r"\{.*?\}", "", template))
        if found and (best is None or fixed > best[0]):
            best = (fixed, name, found.groups())
    if best is None:
        raise WireError(f"{service} has no operation {method} {path}")
    _, name, path_values = best
    operation = model(service).operation_model(name)
    arguments = json.loads(body) if body else {}
    labels = re.findall(r"\{(\w+)\+?\}", operation.http["requestUri"])
    # A slash inside of a value is encoded, and one between two values is not.
    by_label = dict(zip(labels, map(urllib.parse.unquote, path_values)))
    parameters = urllib.parse.parse_qs(query, keep_blank_values=True)
    for member, shape in (operation.input_shape.members if operation.input_shape else {}).items():
        wire_name = shape.serialization.get("name", member)
        if shape.serialization.get("location") == "uri":
            arguments[member] = by_label[wire_name]
        elif shape.serialization.get("location") == "querystring" and wire_name in parameters:
            values = parameters[wire_name]
            arguments[member] = values if shape.type_name == "list" else values[0]
    return Request(service, name, "rest-json", arguments)


def _path_pattern(template):
    """A regular expression for a path template such as `/clusters/{name}`."""
    pattern = ""
    for part in re.split(r"(\{\w+\+?\})", template):
        if part.startswith("{"):
            pattern += "(.+)" if part.endswith("+}") else "([^/]+)"
        else:
            pattern += re.escape(part)
    return pattern


_NUMBER = (int, float)
_SCALARS = {"string": str, "boolean": bool, "integer": int, "long": int, "double": _NUMBER, "float": _NUMBER}


def conform(value, shape, where):
    """The value with Python types for its shape; refuses members the model does not have, so fixtures cannot drift."""
    kind = shape.type_name
    if kind == "structure":
        unknown = sorted(set(value) - set(shape.members))
        if unknown:
            raise WireError(f"{where}: {shape.name} has no member {', '.join(unknown)}")
        return {key: conform(item, shape.members[key], f"{where}.{key}") for key, item in value.items()}
    if kind == "list":
        return [conform(item, shape.member, f"{where}[{index}]") for index, item in enumerate(value)]
    if kind == "map":
        return {key: conform(item, shape.value, f"{where}.{key}") for key, item in value.items()}
    if kind == "timestamp":
        return value if isinstance(value, datetime.datetime) else parse_timestamp(value)
    if kind in _SCALARS and not isinstance(value, _SCALARS[kind]):
        raise WireError(f"{where}: {value!r} is not a {kind}")
    return float(value) if kind in ("double", "float") else value


def encode(request, answer):
    """The answer in the protocol of the request: (headers, body)."""
    shape = model(request.service).operation_model(request.operation).output_shape
    value = conform(answer, shape, request.operation)
    if request.protocol == "cbor":
        return _CBOR_HEADERS, cbor2.dumps(_to_wire(value, shape, lambda at: cbor2.CBORTag(1, at.timestamp())))
    if request.protocol == "ec2":
        name = request.operation
        text = f"<{name}Response><requestId>stand-in</requestId>{_to_xml(value, shape)}</{name}Response>"
        return {"Content-Type": "text/xml"}, text.encode()
    if request.protocol == "query":
        inner = _to_xml(value, shape)
        name = request.operation
        text = f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"
        return {"Content-Type": "text/xml"}, text.encode()
    plain = _to_wire(value, shape, lambda at: at.timestamp())
    return _json_headers(request.protocol), json.dumps(plain).encode()


def encode_error(request, code, message, members=None):
    """An error in the protocol of the request: (headers, body)."""
    body = {"message": message, **(members or {})}
    if request.protocol == "cbor":
        headers = {**_CBOR_HEADERS, "x-amzn-query-error": f"{code};Sender"}
        return headers, cbor2.dumps({"__type": f"com.amazonaws.{request.service}#{code}", **body})
    if request.protocol == "ec2":
        error = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        text = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>stand-in</RequestID></Response>"
        return {"Content-Type": "text/xml"}, text.encode()
    if request.protocol == "query":
        error = f"<Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        text = f"<ErrorResponse><Error>{error}</Error><RequestId>stand-in</RequestId></ErrorResponse>"
        return {"Content-Type": "text/xml"}, text.encode()
    if request.protocol == "json":
        return _json_headers("json"), json.dumps({"__type": code, **body}).encode()
    headers = {**_json_headers("rest-json"), "x-amzn-ErrorType": code}
    return headers, json.dumps(body).encode()


_CBOR_HEADERS = {"Content-Type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}


def _json_headers(protocol):
    return {"Content-Type": "application/x-amz-json-1.1" if protocol == "json" else "application/json"}


def _to_wire(value, shape, timestamp):
    """The value under its wire names, with timestamps in the form the protocol uses."""
    kind = shape.type_name
    if kind == "structure":
        names = {key: shape.members[key].serialization.get("name", key) for key in value}
        return {names[key]: _to_wire(item, shape.members[key], timestamp) for key, item in value.items()}
    if kind == "list":
        return [_to_wire(item, shape.member, timestamp) for item in value]
    if kind == "map":
        return {key: _to_wire(item, shape.value, timestamp) for key, item in value.items()}
    if kind == "timestamp":
        return timestamp(value)
    if kind == "blob":
        return base64.b64encode(value).decode()
    return value


def _to_xml(value, shape):
    """The members of a structure as XML elements under their wire names."""
    text = ""
    for key, item in value.items():
        member = shape.members[key]
        name = member.serialization.get("name", key)
        text += f"<{name}>{_to_xml_value(item, member)}</{name}>"
    return text


def _to_xml_value(item, shape):
    """What stands in an element."""
    if shape.type_name == "structure":
        return _to_xml(item, shape)
    if shape.type_name == "list":
        name = shape.member.serialization.get("name", "member")
        return "".join(f"<{name}>{_to_xml_value(each, shape.member)}</{name}>" for each in item)
    if shape.type_name == "timestamp":
        return item.strftime("%Y-%m-%dT%H:%M:%SZ")
    if shape.type_name == "boolean":
        return str(item).lower()
    return escape(str(item))
