#!/usr/bin/env python3
"""Measures the server over stdio: start, memory, size of tools/list, time of calls. Standard library only, Linux.

    benches/stdio.py target/release/eks-mcp [--runs 20]

Prints one JSON object. Times are wall-clock milliseconds from just before the process is started.
"""
import argparse
import json
import statistics
import subprocess
import time

INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bench", "version": "1"},
}
CALLS = [
    ("list_clusters", {}),
    ("describe_cluster", {"cluster": "payments"}),
    ("list_resources", {"cluster": "payments", "kind": "Pod"}),
    ("list_events", {"cluster": "payments"}),
    ("troubleshoot", {"cluster": "payments", "namespace": "settlement", "name": "settlement-store-0"}),
    ("query_container_insights", {"cluster": "payments", "scope": "workload"}),
    ("estimate_cost", {"cluster": "payments"}),
]


class Server:
    """One process, asked line by line."""

    def __init__(self, binary):
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [binary, "serve", "--demo"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.next_id = 0

    def send(self, method, params, notification=False):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if not notification:
            self.next_id += 1
            message["id"] = self.next_id
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method, params):
        """Sends a request and returns its answer as bytes."""
        self.send(method, params)
        return self.process.stdout.readline()

    def resident_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            fields = dict(line.split(":", 1) for line in status)
        return int(fields["VmRSS"].split()[0])

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def milliseconds(since):
    return (time.perf_counter() - since) * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    starts, resident, size = [], [], 0
    for _ in range(options.runs):
        server = Server(options.binary)
        server.ask("initialize", INITIALIZE)
        starts.append(milliseconds(server.started))
        server.send("notifications/initialized", {}, notification=True)
        size = len(server.ask("tools/list", {}))
        resident.append(server.resident_kib())
        server.stop()
    server = Server(options.binary)
    server.ask("initialize", INITIALIZE)
    server.send("notifications/initialized", {}, notification=True)
    calls = {}
    for name, arguments in CALLS:
        times = []
        for _ in range(options.runs):
            begun = time.perf_counter()
            answer = json.loads(server.ask("tools/call", {"name": name, "arguments": arguments}))
            times.append(milliseconds(begun))
            assert not answer["result"].get("isError"), answer
        calls[name] = {"median_ms": round(statistics.median(times), 2), "first_ms": round(times[0], 2)}
    after = server.resident_kib()
    server.stop()
    report = {
        "runs": options.runs,
        "start_to_initialize_ms": {"median": round(statistics.median(starts), 2), "max": round(max(starts), 2)},
        "resident_after_tools_list_mib": round(statistics.median(resident) / 1024, 1),
        "resident_after_calls_mib": round(after / 1024, 1),
        "tools_list_bytes": size,
        "calls": calls,
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
