"""The objects of the Kubernetes stand-in and the ways an API server shows them: selectors, pages, tables, discovery."""

import datetime
import json
import pathlib
import re

FIXTURES = pathlib.Path(__file__).parent / "fixtures" / "kubernetes"
RESOURCE_VERSION = "4711"


class StatusError(Exception):
    """A `Status` answer."""

    def __init__(self, code, reason, message, details=None):
        super().__init__(message)
        self.code = code
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": code,
        }
        if details:
            self.body["details"] = details


class Kind:
    """A kind that the stand-in serves."""

    def __init__(self, group, version, resource, kind, namespaced, short_names):
        self.group = group
        self.version = version
        self.resource = resource
        self.kind = kind
        self.namespaced = namespaced
        self.short_names = short_names

    @property
    def api_version(self):
        """`v1` for the core group, else `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version


def load_kinds():
    """The kinds by (group, version, resource)."""
    kinds = [Kind(**each) for each in json.loads((FIXTURES / "kinds.json").read_text())]
    return {(kind.group, kind.version, kind.resource): kind for kind in kinds}


def load_objects():
    """The objects; `MINUTES_AGO:n` stands for a time relative to the start, so that ages stay plausible."""
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)

    def moment(found):
        at = now - datetime.timedelta(minutes=int(found[1]))
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    text = (FIXTURES / "objects.json").read_text()
    objects = json.loads(re.sub(r"MINUTES_AGO:(\d+)", moment, text))
    return objects + [_newer_event(each) for each in objects if each["kind"] == "Event"]


def _newer_event(event):
    """A core Event as events.k8s.io/v1 shows it."""
    newer = {key: value for key, value in event.items() if key not in ("involvedObject", "message", "count", "source")}
    newer["apiVersion"] = "events.k8s.io/v1"
    newer["regarding"] = event["involvedObject"]
    newer["note"] = event["message"]
    newer["reportingController"] = event.get("source", {}).get("component", "")
    return newer


def select(objects, kind, namespace, parameters):
    """The objects of a kind in a namespace that pass the label and field selectors, by namespace and name."""
    found = []
    for each in objects:
        same_kind = each["kind"] == kind.kind and each["apiVersion"] == kind.api_version
        same_place = namespace in (None, each["metadata"].get("namespace"))
        if same_kind and same_place and _labels_fit(each, parameters) and _fields_fit(each, parameters):
            found.append(each)
    return sorted(found, key=lambda each: (each["metadata"].get("namespace", ""), each["metadata"]["name"]))


def _labels_fit(item, parameters):
    labels = item["metadata"].get("labels", {})
    selector = parameters.get("labelSelector", "")
    return all(_label_fits(labels, term.strip()) for term in re.split(r",(?![^(]*\))", selector) if term.strip())


def _label_fits(labels, term):
    """One requirement: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a` or `!a`."""
    in_set = re.fullmatch(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)", term)
    if in_set:
        members = [value.strip() for value in in_set[3].split(",")]
        return (labels.get(in_set[1]) in members) == (in_set[2] == "in")
    equality = re.fullmatch(r"([^=!\s]+)\s*(==|=|!=)\s*(\S*)", term)
    if equality:
        return (labels.get(equality[1]) == equality[3]) == (equality[2] != "!=")
    if not re.fullmatch(r"!?[\w./-]+", term):
        raise StatusError(400, "BadRequest", f"unable to parse requirement: {term!r}")
    return (term[1:] not in labels) if term.startswith("!") else term in labels


def _fields_fit(item, parameters):
    for term in filter(None, parameters.get("fieldSelector", "").split(",")):
        found = re.fullmatch(r"([\w.]+)(==|=|!=)(.*)", term)
        if not found:
            raise StatusError(400, "BadRequest", f"invalid selector: {term!r}")
        value = item
        for part in found[1].split("."):
            value = value.get(part, "") if isinstance(value, dict) else ""
        if (str(value) == found[3]) == (found[2] == "!="):
            return False
    return True


def paged_list(items, kind, parameters, accept):
    """A list answer with `limit` and `continue`, in the representation that the Accept header asks for."""
    start = int(parameters.get("continue") or 0)
    limit = int(parameters.get("limit") or 0) or len(items)
    metadata = {"resourceVersion": RESOURCE_VERSION}
    if start + limit < len(items):
        metadata["continue"] = str(start + limit)
        metadata["remainingItemCount"] = len(items) - start - limit
    items = items[start : start + limit]
    if "as=Table" in accept:
        table = _table(items, kind, parameters)
        return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, **table}
    if "as=PartialObjectMetadataList" in accept:
        items = [partial_metadata(each) for each in items]
        name, version = "PartialObjectMetadataList", "meta.k8s.io/v1"
    else:
        # A real server leaves kind and apiVersion out of the items of a typed list.
        items = [{key: value for key, value in each.items() if key not in ("kind", "apiVersion")} for each in items]
        name, version = f"{kind.kind}List", kind.api_version
    return {"kind": name, "apiVersion": version, "metadata": metadata, "items": items}


def partial_metadata(item):
    """The metadata of an object, as `as=PartialObjectMetadata` gives it."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"]}


def _table(items, kind, parameters):
    """Columns and rows as printed by the server: status columns for pods, name and age for all else."""
    names = ["Name", "Ready", "Status", "Restarts", "Age"] if kind.kind == "Pod" else ["Name", "Age"]
    columns = [{"name": name, "type": "string", "format": "", "description": name, "priority": 0} for name in names]
    include = parameters.get("includeObject", "Metadata")
    rows = []
    for item in items:
        row = {"cells": _cells(item, kind)}
        if include != "None":
            row["object"] = item if include == "Object" else partial_metadata(item)
        rows.append(row)
    return {"columnDefinitions": columns, "rows": rows}


def _cells(item, kind):
    name = item["metadata"]["name"]
    age = item["metadata"]["creationTimestamp"]
    if kind.kind != "Pod":
        return [name, age]
    statuses = item["status"].get("containerStatuses", [])
    ready = sum(1 for status in statuses if status["ready"])
    waiting = [status["state"]["waiting"]["reason"] for status in statuses if "waiting" in status["state"]]
    restarts = sum(status["restartCount"] for status in statuses)
    return [name, f"{ready}/{len(statuses)}", (waiting or [item["status"]["phase"]])[0], str(restarts), age]


def discovery(kinds, path, accept):
    """The answer to a discovery path; None when the path is not one."""
    if path in ("/api", "/apis") and "g=apidiscovery.k8s.io" in accept:
        return _aggregated(kinds, core=path == "/api")
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
    if path == "/apis":
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": _groups(kinds)}
    found = re.fullmatch(r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>[^/]+)", path)
    if not found:
        return None
    wanted = (found["group"] or "", found["version"])
    matching = [kind for kind in kinds.values() if (kind.group, kind.version) == wanted]
    if not matching:
        return None
    group_version = matching[0].api_version
    resources = [_plain_resource(kind) for kind in matching]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources}


def _plain_resource(kind):
    resource = {
        "name": kind.resource,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["get", "list", "watch"],
    }
    return {**resource, "shortNames": kind.short_names} if kind.short_names else resource


def _groups(kinds):
    groups = []
    for name in sorted({kind.group for kind in kinds.values() if kind.group}):
        versions = sorted({kind.version for kind in kinds.values() if kind.group == name})
        entries = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
        groups.append({"name": name, "versions": entries, "preferredVersion": entries[0]})
    return groups


def _aggregated(kinds, core):
    """apidiscovery.k8s.io/v2: every group, version and resource in one answer."""
    items = {}
    for kind in kinds.values():
        if bool(kind.group) == core:
            continue
        versions = items.setdefault(kind.group, {})
        resource = {
            "resource": kind.resource,
            "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "singularResource": kind.kind.lower(),
            "verbs": ["get", "list", "watch"],
        }
        if kind.short_names:
            resource["shortNames"] = kind.short_names
        versions.setdefault(kind.version, []).append(resource)
    groups = []
    for group, versions in sorted(items.items()):
        entries = [{"version": name, "resources": found, "freshness": "Current"} for name, found in versions.items()]
        groups.append({"metadata": {"name": group} if group else {}, "versions": entries})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": groups}
