"""CloudWatch Logs over fixture events: groups, streams, periods and JSON filter patterns."""

import json
import re
import time

_TERM = re.compile(r'\(?\s*\$\.(?P<path>[\w.]+)\s*=\s*"(?P<value>[^"\\*]*)"\s*\)?')


class PatternError(Exception):
    """A filter pattern that CloudWatch Logs would refuse, or that this stand-in does not know."""


def load(text):
    """The events of a fixture file as (region, group, event); their times are counted back from now."""
    now = int(time.time() * 1000)
    events = []
    for each in json.loads(text):
        at = now - each["minutes_ago"] * 60_000
        kubernetes = {
            "pod_name": each["pod"],
            "namespace_name": each["namespace"],
            "container_name": each["container"],
        }
        message = {"log": each["log"], "stream": "stdout", "_p": "F", "kubernetes": kubernetes}
        event = {
            "logStreamName": each["stream"],
            "timestamp": at,
            "message": json.dumps(message),
            "ingestionTime": at + 5_000,
            "eventId": str(at),
        }
        events.append((each["region"], each["group"], event))
    return events


def terms_of(pattern):
    """The (path, value) pairs of `{ ($.a.b = "c") && ($.d = "e") }`."""
    inner = re.fullmatch(r"\{\s*(.*?)\s*\}", pattern)
    if not inner:
        raise PatternError(f"Invalid filter pattern: {pattern}")
    terms = []
    for part in inner[1].split("&&"):
        found = _TERM.fullmatch(part.strip())
        if not found:
            raise PatternError(f"Invalid filter pattern: {pattern}")
        terms.append((found["path"].split("."), found["value"]))
    return terms


def matches(event, arguments):
    """Whether an event is in the period and streams, and passes the filter pattern."""
    if not arguments.get("startTime", 0) <= event["timestamp"] <= arguments.get("endTime", event["timestamp"]):
        return False
    if not event["logStreamName"].startswith(arguments.get("logStreamNamePrefix") or ""):
        return False
    pattern = arguments.get("filterPattern")
    return not pattern or all(_value(event, path) == value for path, value in terms_of(pattern))


def _value(event, path):
    value = json.loads(event["message"])
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value
