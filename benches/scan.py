#!/usr/bin/env python3
"""Measures `scan_cluster` on a generated cluster on loopback, each time in a fresh process.

    cargo build --release --locked --bin eks-mcp --example apiserver
    benches/scan.py target/release/eks-mcp target/release/examples/apiserver [--nodes 500] [--pods 5000] [--runs 3]

Peak memory is the VmHWM of the process. Standard library only, Linux.
"""
import argparse
import tempfile
import time
from pathlib import Path

from mcp import ApiServer, Server, field_kib


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("apiserver")
    parser.add_argument("--nodes", default="500")
    parser.add_argument("--pods", default="5000")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        api = ApiServer(options.apiserver, kubeconfig, "--nodes", options.nodes, "--pods", options.pods)
        for _ in range(options.runs):
            server = Server([options.binary, "serve", "--kubeconfig", str(kubeconfig)])
            begun = time.perf_counter()
            answer = server.call("scan_cluster", {"cluster": "generated"})["structuredContent"]
            took = time.perf_counter() - begun
            print(f"{took:.2f} s, peak memory {field_kib(server.pid, 'VmHWM') / 1024:.0f} MiB: {answer['summary'][:120]}")
            server.stop()
        api.stop()


if __name__ == "__main__":
    main()
