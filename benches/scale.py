#!/usr/bin/env python3
"""Measures reads of a very large cluster: the server over stdio against the generated API server on loopback.

    cargo build --release --locked --bin eks-mcp --example apiserver
    benches/scale.py target/release/eks-mcp target/release/examples/apiserver [--nodes 100000] [--pods 1000000] [--runs 3]

Each list is read by a fresh process. Its time is set against that of a program which receives the same pages with the same
HTTP client and throws the bytes away; both are the best of the runs, taken in turn. CPU is that of the server alone, decompression
included. Peak memory is the VmHWM of the process.
Then: CPU of one small read, 16 callers for some seconds, and a small read while a dead cluster is being waited for.
Standard library only, Linux.
"""
import argparse
import socket
import statistics
import tempfile
import threading
import time
from pathlib import Path

from mcp import ApiServer, Server, cpu_seconds, field_kib

# (what, tool, arguments, path whose pages are read, Accept header)
LISTS = [
    (
        "unhealthy pods of a namespace with a twentieth of the pods",
        "list_resources",
        {"kind": "Pod", "namespace": "batch", "status": "unhealthy"},
        "/api/v1/namespaces/batch/pods?limit=500",
        "application/json",
    ),
    ("all nodes", "list_resources", {"kind": "Node"}, "/api/v1/nodes?limit=500", "application/json"),
    (
        # Whole nodes are read, not their metadata alone: each zone is told with its healthy and unhealthy ones.
        "nodes by zone",
        "list_resources",
        {"kind": "Node", "group_by": "label:topology.kubernetes.io/zone"},
        "/api/v1/nodes?limit=500",
        "application/json",
    ),
    (
        "50,000 events of a namespace",
        "list_events",
        {"namespace": "batch", "type": "all"},
        "/api/v1/namespaces/batch/events?limit=500",
        "application/json",
    ),
]


def command(options, kubeconfig):
    return [options.binary, "serve", "--kubeconfig", str(kubeconfig), "--call-timeout", "600"]


def measure_list(options, api, kubeconfig, case):
    what, tool, arguments, path, accept = case
    ours, least, cpu, peak, pages, megabytes = [], [], [], 0, 0, 0
    for _ in range(options.runs):
        discarded = api.discard(path, accept)
        least.append(discarded["seconds"])
        pages, megabytes = discarded["pages"], discarded["bytes"] / 1e6
        server = Server(command(options, kubeconfig))
        before, begun = cpu_seconds(server.pid), time.perf_counter()
        result = server.call(tool, {"cluster": "generated", **arguments}, may_fail=True)
        ours.append(time.perf_counter() - begun)
        cpu.append(cpu_seconds(server.pid) - before)
        peak = max(peak, field_kib(server.pid, "VmHWM"))
        server.stop()
        if result.get("isError") or "error" in result:
            print(f"{what}: not offered by this version")
            return
    print(
        f"{what}: {pages} pages, {megabytes:,.0f} MB; received and discarded in {min(least):.2f} s, "
        f"answered in {min(ours):.2f} s, ratio {min(ours) / min(least):.2f}, CPU {min(cpu):.2f} s; "
        f"peak memory {peak / 1024:.0f} MiB",
        flush=True,
    )


def small_reads(server, options):
    """One pod by name: what a small read costs, alone and from many callers."""
    listed = server.call("list_resources", {"cluster": "generated", "kind": "Pod", "namespace": "team-0001", "limit": 1, "group_by": "none"})
    table = listed["structuredContent"]["items"]
    name = table["rows"][0][table["columns"].index("name")]
    arguments = {"cluster": "generated", "kind": "Pod", "namespace": "team-0001", "name": name}
    question = ("get_resource", arguments)
    if server.ask("tools/call", {"name": "get_resource", "arguments": arguments}).get("error"):
        selector = {"kind": "Namespace", "field_selector": "metadata.name=team-0001"}
        question = ("list_resources", {"cluster": "generated", **selector})
    for _ in range(50):
        server.call(*question)
    before = cpu_seconds(server.pid)
    number = 1_000
    for _ in range(number):
        server.call(*question)
    print(f"CPU of one small read ({question[0]}): {(cpu_seconds(server.pid) - before) / number * 1000:.2f} ms")
    times = sorted(server.sustain(*question, 16, options.seconds))
    print(
        f"16 callers for {options.seconds} s: {len(times) / options.seconds:,.0f} reads/s, median "
        f"{statistics.median(times) * 1000:.1f} ms, p99 {times[int(len(times) * 0.99)] * 1000:.1f} ms"
    )
    return lambda: server.call(*question)


def dead_cluster(server, call):
    """Reads of a living cluster while calls to one that never answers are under way."""

    def wait():
        try:
            server.call("list_resources", {"cluster": "dead", "kind": "Node"}, may_fail=True)
        except RuntimeError:
            # The server is stopped while these calls still wait.
            return

    waiting = [threading.Thread(target=wait, daemon=True) for _ in range(32)]
    for it in waiting:
        it.start()
    times = []
    for _ in range(200):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    print(f"while 32 calls wait for a dead cluster: slowest of 200 reads of a living one {max(times) * 1000:.1f} ms")


def with_dead_cluster(kubeconfig, port):
    """Adds a context whose server takes connections and never answers."""
    text = kubeconfig.read_text()
    text = text.replace("contexts:\n", f"- name: dead\n  cluster:\n    server: http://127.0.0.1:{port}\ncontexts:\n- name: dead\n  context:\n    cluster: dead\n    user: nobody\n")
    kubeconfig.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("apiserver")
    parser.add_argument("--nodes", default="100000")
    parser.add_argument("--pods", default="1000000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    silent = socket.create_server(("127.0.0.1", 0), backlog=128)
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        for compressed in ([], ["--gzip"]):
            print(f"\n== {options.nodes} nodes, {options.pods} pods, " + ("gzip as a real API server sends it" if compressed else "uncompressed"))
            api = ApiServer(options.apiserver, kubeconfig, "--nodes", options.nodes, "--pods", options.pods, *compressed)
            with_dead_cluster(kubeconfig, silent.getsockname()[1])
            for case in LISTS:
                measure_list(options, api, kubeconfig, case)
            if not compressed:
                server = Server(command(options, kubeconfig))
                call = small_reads(server, options)
                dead_cluster(server, call)
                server.process.kill()
            api.stop()


if __name__ == "__main__":
    main()
