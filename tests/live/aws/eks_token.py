"""Checks a bearer token the way EKS does: a presigned STS GetCallerIdentity URL bound to one cluster.

EKS sends the URL to STS, which knows the secret key; here the signature is computed again with the test's own key.
"""

import base64
import datetime
import re
import urllib.parse

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PREFIX = "k8s-aws-v1."
MAX_LENGTH = 4096
MAX_AGE = datetime.timedelta(minutes=15)
SIGNED_HEADERS = "host;x-k8s-aws-id"


class Rejected(Exception):
    """Why a token is not accepted."""


def check(token, cluster, region, secrets, now=None):
    """Returns the access key that signed the token; raises Rejected when anything is not as EKS wants it."""
    url = _decode(token)
    parts = urllib.parse.urlsplit(url)
    _expect("scheme", parts.scheme, "https")
    _expect("host", parts.netloc, f"sts.{region}.amazonaws.com")
    _expect("path", parts.path, "/")
    query = _single_values(parts.query)
    _expect("Action", query.get("Action"), "GetCallerIdentity")
    _expect("Version", query.get("Version"), "2011-06-15")
    _expect("X-Amz-Algorithm", query.get("X-Amz-Algorithm"), "AWS4-HMAC-SHA256")
    _expect("X-Amz-SignedHeaders", query.get("X-Amz-SignedHeaders"), SIGNED_HEADERS)
    if not query.get("X-Amz-Expires", "").isdigit() or int(query["X-Amz-Expires"]) > 900:
        raise Rejected(f"X-Amz-Expires is {query.get('X-Amz-Expires')!r}, not 0 to 900")
    access_key = _check_scope(query, region, secrets)
    _check_age(query["X-Amz-Date"], now or datetime.datetime.now(datetime.timezone.utc))
    credentials = Credentials(access_key, secrets[access_key])
    signature = _signature(url, cluster, region, credentials, query["X-Amz-Date"])
    _expect("signature", query.get("X-Amz-Signature"), signature)
    return access_key


def _decode(token):
    """The URL inside the token, which must be base64url without padding."""
    if not token.startswith(PREFIX) or len(token) > MAX_LENGTH:
        raise Rejected(f"not a token of at most {MAX_LENGTH} bytes that starts with {PREFIX}")
    encoded = token[len(PREFIX) :]
    if not re.fullmatch(r"[A-Za-z0-9_-]+", encoded):
        raise Rejected("not base64url without padding")
    try:
        return base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode("ascii")
    except ValueError as error:
        raise Rejected(f"not base64url of a URL: {error}") from error


def _single_values(query):
    values = urllib.parse.parse_qs(query, keep_blank_values=True)
    repeated = sorted(name for name, found in values.items() if len(found) > 1)
    if repeated:
        raise Rejected(f"repeated query parameters: {repeated}")
    return {name: found[0] for name, found in values.items()}


def _check_scope(query, region, secrets):
    """The credential must be scoped to STS in the cluster's Region, on the day of the date, with a known key."""
    scope = query.get("X-Amz-Credential", "").split("/")
    access_key, rest = scope[0], scope[1:]
    _expect("credential scope", rest, [query.get("X-Amz-Date", "")[:8], region, "sts", "aws4_request"])
    if access_key not in secrets:
        raise Rejected(f"unknown access key {access_key!r}")
    return access_key


def _check_age(date, now):
    try:
        signed = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    except ValueError as error:
        raise Rejected(f"X-Amz-Date is {date!r}") from error
    if not -MAX_AGE < now - signed < MAX_AGE:
        raise Rejected(f"signed at {date}, more than 15 minutes from now")


def _signature(url, cluster, region, credentials, date):
    """The signature of the URL without its own, for this cluster's name in the signed header."""
    unsigned = re.sub(r"&X-Amz-Signature=[0-9a-f]*$", "", url)
    request = AWSRequest(method="GET", url=unsigned, headers={"x-k8s-aws-id": cluster})
    request.context["timestamp"] = date
    signer = SigV4QueryAuth(credentials, "sts", region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return signer.signature(text, request)


def _expect(what, actual, wanted):
    if actual != wanted:
        raise Rejected(f"{what} is {actual!r}, expected {wanted!r}")
