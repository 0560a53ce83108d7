"""The client gate: the official Python client and raw HTTP requests against the real binary with the demo world.

    run.py BINARY      (or EKS_MCP_BINARY)
"""

import os
import pathlib
import sys
import tempfile

import anyio
from mcp import Client, StdioServerParameters

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from check_client import check_session
from check_http import check_http
from harness import Report, bare_environment, binary_path, http_server

MODES = ("legacy", "2026-07-28")
READ_SECONDS = 60


async def check_stdio(report, binary, home, mode):
    """One process, one connection over its pipes."""
    command = StdioServerParameters(command=binary, args=["serve", "--demo"], env=bare_environment(home))
    async with Client(command, mode=mode, read_timeout_seconds=READ_SECONDS) as client:
        await check_session(report, client, f"stdio {mode}", mode != "legacy")


async def check_streamable_http(report, base, mode):
    """One connection to a server that runs already."""
    async with Client(f"{base}/mcp", mode=mode, read_timeout_seconds=READ_SECONDS) as client:
        await check_session(report, client, f"http {mode}", mode != "legacy")


def main():
    """Runs all checks; the exit code says whether all of them passed."""
    binary = binary_path(sys.argv[1:])
    os.environ["NO_PROXY"] = "127.0.0.1"
    report = Report()
    with tempfile.TemporaryDirectory() as home:
        for mode in MODES:
            with report.check(f"stdio {mode}: connection"):
                anyio.run(check_stdio, report, binary, home, mode)
    with report.check("http: server"):
        with http_server(binary, ["--demo"]) as base:
            for mode in MODES:
                with report.check(f"http {mode}: connection"):
                    anyio.run(check_streamable_http, report, base, mode)
            check_http(report, base)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
