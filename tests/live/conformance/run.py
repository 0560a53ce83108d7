"""The conformance gate: the official suite against the real binary with the demo world, for both revisions.

    run.py NODE_DIR BINARY      NODE_DIR is what install.sh made: DIR/node; BINARY may come from EKS_MCP_BINARY

A revision passes when exactly the scenarios of its baseline fail: a new failure and a stale entry are both red.
With KEEP=DIR in the environment the suite's own results are left in DIR.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from harness import Report, binary_path, http_server

REVISIONS = ("2025-11-25", "2026-07-28")
SUITE_SECONDS = 600


def run_suite(node_modules, base, revision, results):
    """Runs the frozen requirement set of a revision; returns the exit code and what the suite printed."""
    command = [
        node_modules / ".bin" / "node",
        node_modules / ".bin" / "conformance",
        *("server", "--url", f"{base}/mcp"),
        *("--requirements", revision),
        *("--timeout", "10000"),
        *("--expected-failures", HERE / f"baseline-{revision}.yml"),
        *("--output-dir", results),
    ]
    environment = {"PATH": f"{node_modules / '.bin'}:{os.environ['PATH']}", "HOME": results, "NO_PROXY": "127.0.0.1"}
    completed = subprocess.run(
        [str(part) for part in command],
        env=environment,
        cwd=results,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SUITE_SECONDS,
    )
    return completed.returncode, completed.stdout


def summary(output):
    """The end of the output without colours, where the suite says which scenarios did not go as the baseline says."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    start = max(plain.rfind("=== SUMMARY"), plain.rfind("Expected failures"), 0)
    return plain[start:] if start else plain[-2000:]


def main():
    """Runs both revisions, each against a server of its own."""
    if len(sys.argv) < 2:
        sys.exit("usage: run.py NODE_DIR BINARY")
    node_modules = pathlib.Path(sys.argv[1]).resolve() / "node_modules"
    binary = binary_path(sys.argv[2:])
    report = Report()
    for revision in REVISIONS:
        with report.check(f"conformance {revision}"), tempfile.TemporaryDirectory() as scratch:
            results = os.path.join(os.environ.get("KEEP", scratch), revision)
            os.makedirs(results, exist_ok=True)
            with http_server(binary, ["--demo"]) as base:
                code, output = run_suite(node_modules, base, revision, results)
            if code:
                print(summary(output))
            assert code == 0, f"exit {code}"
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
