"""CloudWatch metric queries over fixture series: MetricStat, SEARCH expressions and dynamic labels."""

import datetime
import re

MINUTE = 60


class QueryError(Exception):
    """A query that CloudWatch would refuse with ValidationError, or that this stand-in does not know."""


class Search:
    """A parsed `SEARCH('{Namespace,Dim,…} Key="value" …', 'Stat', period)`."""

    def __init__(self, namespace, dimensions, terms, statistic, period):
        self.namespace = namespace
        self.dimensions = dimensions
        self.terms = terms
        self.statistic = statistic
        self.period = period

    def matches(self, series):
        """The dimension set must be exactly the one named, and every term must hold, as CloudWatch requires."""
        values = dimensions_of(series)
        if series["Namespace"] != self.namespace or set(values) != set(self.dimensions):
            return False
        values["MetricName"] = series["MetricName"]
        return all(values.get(key) in wanted for key, wanted in self.terms)


_SEARCH = re.compile(r"SEARCH\(\s*'(?P<query>[^']*)'\s*,\s*['\"](?P<stat>[\w.]+)['\"]\s*(?:,\s*(?P<period>\d+)\s*)?\)")
_SCHEMA = re.compile(r"\{(?P<schema>[^}]*)\}")
_TERM = re.compile(r"\s*(?:AND\s+)?(?P<key>\"[^\"]+\"|[\w:.-]+)\s*=\s*(?P<value>\"[^\"]*\"|\([^)]*\))")


def parse_search(expression, default_period):
    """Reads a SEARCH expression. Values must be quoted: unquoted ones match parts of words, which nobody wants."""
    found = _SEARCH.fullmatch(expression.strip())
    if not found:
        raise QueryError(f"this stand-in knows only SEARCH expressions, not {expression!r}")
    query = found["query"].strip()
    schema = _SCHEMA.match(query)
    if not schema:
        raise QueryError(f"SEARCH without a {{Namespace,Dimension,...}} part: {query!r}")
    namespace, *dimensions = [part.strip().strip('"') for part in schema["schema"].split(",")]
    terms = []
    position = schema.end()
    while query[position:].strip():
        term = _TERM.match(query, position)
        if not term:
            raise QueryError(f"cannot read this part of the SEARCH: {query[position:]!r}")
        terms.append((term["key"].strip('"'), re.findall(r'"([^"]*)"', term["value"])))
        position = term.end()
    period = int(found["period"] or default_period or 0)
    if period < 1 or period % MINUTE:
        raise QueryError(f"period {period} is not a multiple of {MINUTE} s")
    return Search(namespace, dimensions, terms, found["stat"], period)


def dimensions_of(series):
    """Dimension values by name."""
    return {dimension["Name"]: dimension["Value"] for dimension in series.get("Dimensions", [])}


def label_of(template, series):
    """The label with `${PROP('…')}` replaced, as CloudWatch does for each series that a SEARCH finds."""
    values = {"MetricName": series["MetricName"], "Namespace": series["Namespace"]}
    for name, value in dimensions_of(series).items():
        values[f"Dim.{name}"] = value
    if not template:
        return " ".join([*dimensions_of(series).values(), series["MetricName"]])
    return re.sub(r"\$\{PROP\('([^']+)'\)\}", lambda found: values.get(found[1], ""), template)


def evaluate(query, all_series, start, end, ascending):
    """The MetricDataResults of one query: one for each series found."""
    if "MetricStat" in query:
        stat = query["MetricStat"]
        wanted = stat["Metric"]
        found = [series for series in all_series if _same_metric(series, wanted)]
        statistic, period = stat["Stat"], stat["Period"]
        if not found:
            return [_result(query, query.get("Label") or wanted["MetricName"], [], [], ascending)]
    else:
        search = parse_search(query.get("Expression", ""), query.get("Period"))
        found = [series for series in all_series if search.matches(series)]
        statistic, period = search.statistic, search.period
    results = []
    for series in found:
        times, values = _points(series, statistic, period, start, end)
        results.append(_result(query, label_of(query.get("Label"), series), times, values, ascending))
    return results


def _same_metric(series, wanted):
    return (
        series["Namespace"] == wanted.get("Namespace")
        and series["MetricName"] == wanted.get("MetricName")
        and dimensions_of(series) == dimensions_of(wanted)
    )


def _result(query, label, times, values, ascending):
    if not ascending:
        times, values = times[::-1], values[::-1]
    return {"Id": query["Id"], "Label": label, "Timestamps": times, "Values": values, "StatusCode": "Complete"}


def _points(series, statistic, period, start, end):
    """One point for each period from start to end; the fixture's values repeat, one a minute, and null is a gap."""
    pattern = series["Values"]
    times, values = [], []
    at = int(start) - int(start) % period
    while at < end:
        minutes = range(at // MINUTE, (at + period) // MINUTE)
        known = [pattern[minute % len(pattern)] for minute in minutes]
        known = [value for value in known if value is not None]
        if known:
            times.append(datetime.datetime.fromtimestamp(at, datetime.timezone.utc))
            values.append(float(_statistic(statistic, known)))
        at += period
    return times, values


def _statistic(name, values):
    if name == "Average":
        return sum(values) / len(values)
    if name in ("Sum", "Maximum", "Minimum", "SampleCount"):
        return {"Sum": sum, "Maximum": max, "Minimum": min, "SampleCount": len}[name](values)
    percentile = re.fullmatch(r"p(\d+(?:\.\d+)?)", name)
    if not percentile:
        raise QueryError(f"unknown statistic {name!r}")
    rank = float(percentile[1]) / 100 * (len(values) - 1)
    return sorted(values)[round(rank)]
