"""What the official Python client finds on one connection of the demo server, whatever the transport and the era."""

import re

import anyio
import jsonschema
from mcp import MCPError

from harness import scalars

CALLS = {
    "list_clusters": {},
    "describe_cluster": {"cluster": "payments", "region": "us-east-1"},
    "list_resources": {"cluster": "payments", "kind": "pods", "namespace": "checkout"},
    "list_events": {"cluster": "payments", "namespace": "checkout"},
    "query_container_insights": {"cluster": "payments", "scope": "workload"},
    "estimate_cost": {"cluster": "payments"},
}
"""Calls that the demo world answers, all of different tools."""

ANNOTATIONS = ("read_only_hint", "destructive_hint", "idempotent_hint", "open_world_hint")
INSTRUCTIONS_LIMIT = 2000
TEXT_LIMIT = 4000


class Session:
    """A connected client with what its checks share."""

    def __init__(self, client, modern):
        self.client = client
        self.modern = modern
        self.tools = {}
        self.crashing_pod = None

    async def call(self, name, arguments):
        """A successful call: its structured content fits the schema, and its text stands by itself."""
        result = await self.client.call_tool(name, arguments)
        text = result.content[0].text if result.content else ""
        assert not result.is_error, f"{name}: {text[:300]}"
        assert text.strip(), f"{name}: no text"
        jsonschema.validate(result.structured_content, self.tools[name].output_schema)
        return result.structured_content


async def check_session(report, client, label, modern):
    """Runs every check on one connection, in an order in which later ones use what earlier ones found."""
    session = Session(client, modern)
    for check in (_identity, _tools, _answers, _diagnosis, _tool_error, _wrong_arguments, _unknown_tool, _prompt):
        with report.check(f"{label}: {check.__doc__}"):
            await check(session)
    for check in (_parallel, _cancelled):
        with report.check(f"{label}: {check.__doc__}"):
            with anyio.fail_after(60):
                await check(session)


async def _identity(session):
    """the server says who it is and how to use it"""
    if session.modern:
        found = await session.client.session.send_discover("2026-07-28")
        assert "2026-07-28" in found["supportedVersions"], found
        info = found["_meta"]["io.modelcontextprotocol/serverInfo"]
        name, version, instructions = info["name"], info["version"], found.get("instructions")
        assert "tools" in found["capabilities"] and "prompts" in found["capabilities"], found["capabilities"]
    else:
        assert session.client.protocol_version == "2025-11-25", session.client.protocol_version
        info = session.client.server_info
        name, version, instructions = info.name, info.version, session.client.instructions
        assert session.client.server_capabilities.tools and session.client.server_capabilities.prompts
    assert name == "eks-mcp", name
    assert re.match(r"\d+\.\d+\.\d+", version or ""), version
    assert instructions and len(instructions) < INSTRUCTIONS_LIMIT, f"instructions of {len(instructions or '')} characters"


async def _tools(session):
    """every tool has a title, a description, both schemas and all annotations"""
    listed = (await session.client.list_tools()).tools
    session.tools = {tool.name: tool for tool in listed}
    assert len(listed) >= 8, f"{len(listed)} tools"
    assert [tool.name for tool in listed] == [tool.name for tool in (await session.client.list_tools()).tools], "order"
    for tool in listed:
        assert tool.title and tool.description, tool.name
        for schema in (tool.input_schema, tool.output_schema):
            assert schema and schema["type"] == "object", f"{tool.name}: {schema}"
            jsonschema.Draft202012Validator.check_schema(schema)
        assert tool.annotations, tool.name
        hints = {hint: getattr(tool.annotations, hint) for hint in ANNOTATIONS}
        assert None not in hints.values(), f"{tool.name}: {hints}"
        assert tool.annotations.read_only_hint and not tool.annotations.destructive_hint, f"{tool.name}: {hints}"


async def _answers(session):
    """each tool answers from the demo world, in the form that its schema says"""
    for name, arguments in CALLS.items():
        answer = await session.call(name, arguments)
        if name == "list_clusters":
            names = set(map(str, scalars(answer)))
            assert {"storefront", "payments", "dev"} <= names, names
        if name == "list_resources":
            session.crashing_pod = _crashing_pod(answer)
    assert session.crashing_pod, "no crash-looping pod in payments/checkout"
    arguments = {"cluster": "payments", "namespace": "checkout", "pod": session.crashing_pod}
    await session.call("get_logs", arguments)


async def _diagnosis(session):
    """troubleshoot finds a root cause for a crash-looping pod"""
    arguments = {"cluster": "payments", "namespace": "checkout", "name": session.crashing_pod}
    answer = await session.call("troubleshoot", arguments)
    assert answer["status"] == "failing" and answer["root_cause"]["id"] and answer["evidence"], answer


async def _tool_error(session):
    """a cluster that does not exist is a tool error with its kind and the near name"""
    result = await session.client.call_tool("describe_cluster", {"cluster": "payment"})
    _expect_tool_error(result, "not_found")
    assert "payments" in result.content[0].text, result.content[0].text


async def _wrong_arguments(session):
    """unknown, missing and malformed arguments are tool errors that name the argument"""
    wrong = {
        "colour": {"cluster": "payments", "colour": "red"},
        "cluster": {},
        "region": {"cluster": "payments", "region": ["us-east-1"]},
    }
    for name, arguments in wrong.items():
        result = await session.client.call_tool("describe_cluster", arguments)
        _expect_tool_error(result, "invalid_input")
        assert name in result.content[0].text, result.content[0].text


def _expect_tool_error(result, kind):
    """An error result: readable text that starts with the kind, no structured content, the details in `_meta`."""
    text = result.content[0].text
    assert result.is_error, f"it was answered: {text[:200]}"
    assert text.startswith(f"{kind}:") and len(text) <= TEXT_LIMIT, text
    assert result.structured_content is None, "an error does not fit the output schema"
    assert (result.meta or {}).get("eks-mcp/error", {}).get("kind") == kind, result.meta


async def _unknown_tool(session):
    """an unknown tool is a protocol error"""
    try:
        result = await session.client.call_tool("paint_cluster", {})
    except MCPError as error:
        assert error.code in (-32602, -32601), error.error
    else:
        raise AssertionError(f"it was answered: {result}")


async def _prompt(session):
    """the prompt gathers the facts of a pod"""
    prompts = {prompt.name: prompt for prompt in (await session.client.list_prompts()).prompts}
    required = {argument.name for argument in prompts["troubleshoot_pod"].arguments if argument.required}
    assert {"cluster", "namespace", "name"} <= required, required
    arguments = {"cluster": "payments", "namespace": "checkout", "name": session.crashing_pod}
    prompt = await session.client.get_prompt("troubleshoot_pod", arguments)
    text = " ".join(message.content.text for message in prompt.messages)
    assert session.crashing_pod in text and len(text) > 200, text


async def _parallel(session):
    """calls that run side by side all get their own answer"""
    answers = {}

    async def ask(cluster):
        answers[cluster] = await session.call("describe_cluster", {"cluster": cluster})

    async with anyio.create_task_group() as group:
        for cluster in ("storefront", "payments", "dev"):
            group.start_soon(ask, cluster)
    for cluster, answer in answers.items():
        assert cluster in map(str, scalars(answer)), f"the answer for {cluster} is about another cluster"


async def _cancelled(session):
    """cancelled calls leave the connection in order"""
    arguments = {"cluster": "payments", "namespace": "checkout", "name": session.crashing_pod}
    for delay in (0, 0.001, 0.005, 0.02):
        with anyio.move_on_after(delay):
            await session.client.call_tool("troubleshoot", arguments)
    await session.call("list_clusters", {})


def _crashing_pod(document):
    """The name of a pod in the row of a table that says CrashLoopBackOff."""
    if isinstance(document, dict):
        found = [_crashing_pod(value) for value in document.values()]
        return next(filter(None, found), None)
    if isinstance(document, list):
        if any(isinstance(cell, str) and "CrashLoopBackOff" in cell for cell in document):
            names = [cell for cell in document if isinstance(cell, str) and re.fullmatch(r"[a-z0-9-]+-[a-z0-9]+", cell)]
            return names[0] if names else None
        found = [_crashing_pod(value) for value in document]
        return next(filter(None, found), None)
    return None
