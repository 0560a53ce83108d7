#!/usr/bin/env python3
"""Measures this server and kubernetes-mcp-server 0.0.67 side by side on one generated API server on loopback.

    cargo build --release --locked --bin eks-mcp --example apiserver
    benches/peers/install.sh FOLDER
    benches/peers/run.py target/release/eks-mcp target/release/examples/apiserver FOLDER

The cluster has 200 pods (a few of them unhealthy), 300 events and a container with a log of 5,000 lines. Both servers get the
same kubeconfig and the same questions over stdio. The other one is measured as shipped and with the limits of its client
lifted (KUBE_CLIENT_QPS, KUBE_CLIENT_BURST). It is started from its native binary, without the launcher of npm.

A question is about the same lines and objects for both: all 5,000 lines of the log, of which this server tells the patterns
and the other one returns the lines; then the last 100 lines, word for word. Of one pod both return the object.

Tokens are o200k_base, of the text that a model is shown: structured content where an answer has it, else its text. This
server's text block is counted too. Ratio: the other's figure over ours, so that above 1 is better here, except for calls a
second, where it is ours over the other's.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from mcp import ApiServer, Server, content, cpu_seconds, field_kib, text  # noqa: E402

HERE = Path(__file__).resolve().parent
QUESTIONS = ["200 pods", "300 events", "log of 5,000 lines", "last 100 lines of it", "one pod"]


def peer_binary(folder):
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    name = f"kubernetes-mcp-server-linux-{machine}"
    return str(Path(folder).resolve() / "node_modules" / name / "bin" / name)


def tokens(folder, texts):
    command = ["node", str(HERE / "tokens.cjs"), str(Path(folder).resolve())]
    return json.loads(subprocess.run(command, input=json.dumps(texts), text=True, check=True, capture_output=True).stdout)


class Contender:
    def __init__(self, name, command, calls, env=None):
        self.name, self.command, self.calls = name, command, calls
        self.env = {**os.environ, **(env or {})}
        self.figures, self.texts = {}, {}

    def start(self):
        return Server(self.command, self.env)

    def measure_start(self):
        server = self.start()
        self.figures.setdefault("start to `initialize`, ms", []).append(server.start_ms)
        self.tools = server.ask("tools/list", {})["result"]["tools"]
        self.figures.setdefault("memory after `tools/list`, MiB", []).append(field_kib(server.pid, "VmRSS") / 1024)
        server.stop()

    def measure_calls(self, options):
        server = self.start()
        for question in QUESTIONS:
            tool, arguments = self.calls[question]
            result = server.call(tool, arguments)
            self.texts[question] = (content(result), text(result))
        # A client with a limit has a burst that is used up by now.
        for question in QUESTIONS:
            tool, arguments = self.calls[question]
            before, begun, number = cpu_seconds(server.pid), time.perf_counter(), 0
            while number < options.calls and time.perf_counter() - begun < options.seconds:
                server.call(tool, arguments)
                number += 1
            self.figures[f"CPU of a call, ms: {question}"] = [(cpu_seconds(server.pid) - before) / number * 1000]
        self.figures["calls a second, one after the other: one pod"] = [self.rate(server, 1, options.seconds)]
        self.figures["calls a second, 16 callers: one pod"] = [self.rate(server, 16, options.seconds)]
        self.figures["memory after the calls, MiB"] = [field_kib(server.pid, "VmRSS") / 1024]
        server.process.kill()

    def rate(self, server, callers, seconds):
        return len(server.sustain(*self.calls["one pod"], callers, seconds)) / seconds


def contenders(options, kubeconfig, pod):
    def ours(tools):
        target = {"cluster": "generated"}
        one = {"kind": "Pod", "namespace": "shop", "name": pod}
        if "get_resource" in tools:
            single = ("get_resource", {**target, **one})
        else:
            single = ("list_resources", {**target, "kind": "Pod", "namespace": "shop", "field_selector": f"metadata.name={pod}"})
        return {
            "200 pods": ("list_resources", {**target, "kind": "Pod", "namespace": "shop"}),
            "300 events": ("list_events", {**target, "namespace": "shop", "type": "all"}),
            "log of 5,000 lines": ("get_logs", {**target, "namespace": "shop", "pod": pod}),
            "last 100 lines of it": ("get_logs", {**target, "namespace": "shop", "pod": pod, "mode": "lines", "tail": 100}),
            "one pod": single,
        }

    theirs = {
        "200 pods": ("pods_list_in_namespace", {"namespace": "shop"}),
        "300 events": ("events_list", {"namespace": "shop"}),
        "log of 5,000 lines": ("pods_log", {"namespace": "shop", "name": pod, "tail": 5_000}),
        "last 100 lines of it": ("pods_log", {"namespace": "shop", "name": pod, "tail": 100}),
        "one pod": ("pods_get", {"namespace": "shop", "name": pod}),
    }
    command = [options.binary, "serve", "--kubeconfig", str(kubeconfig)]
    probe = Server(command)
    tools = [it["name"] for it in probe.ask("tools/list", {})["result"]["tools"]]
    probe.stop()
    peer = [peer_binary(options.folder), "--kubeconfig", str(kubeconfig)]
    lifted = {"KUBE_CLIENT_QPS": "100000", "KUBE_CLIENT_BURST": "100000"}
    return [
        Contender("eks-mcp", command, ours(tools)),
        Contender("peer, limits lifted", peer, theirs, lifted),
        Contender("peer, as shipped", peer, theirs),
    ]


def report(options, all_of_them):
    texts, places = [], []
    for it in all_of_them:
        texts.append(json.dumps(it.tools, separators=(",", ":"), ensure_ascii=False))
        it.figures["tools"] = [len(it.tools)]
        places.append((it, "tokens of `tools/list`"))
        for question in QUESTIONS:
            structured, shown = it.texts[question]
            texts += [structured, shown]
            places += [(it, f"tokens: {question}"), (it, f"tokens of the text block: {question}")]
    for (it, what), number in zip(places, tokens(options.folder, texts)):
        it.figures[what] = [number]
    for it in all_of_them:
        it.figures["tokens of `tools/list` for each tool"] = [it.figures["tokens of `tools/list`"][0] / len(it.tools)]
    ours = all_of_them[0]
    width = max(map(len, ours.figures))
    print(f"{'':{width}}  " + "  ".join(f"{it.name:>20}" for it in all_of_them) + "   ratio to lifted")
    for what in ours.figures:
        values = [statistics.median(it.figures[what]) for it in all_of_them]
        ratio = values[0] / values[1] if what.startswith("calls a second") else values[1] / max(values[0], 1e-9)
        behind = "" if ratio > 1 else "   BEHIND"
        if what == "tools":
            print(f"{what:{width}}  " + "  ".join(f"{it:20,.0f}" for it in values))
            continue
        print(f"{what:{width}}  " + "  ".join(f"{it:20,.2f}" for it in values) + f"   {ratio:8.2f}{behind}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("apiserver")
    parser.add_argument("folder", help="where install.sh has installed")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--calls", type=int, default=200, help="most calls to average CPU over")
    parser.add_argument("--seconds", type=float, default=4.0, help="most seconds of each loop")
    parser.add_argument("--save", type=Path, help="keep the answers in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kubeconfig = Path(folder) / "kubeconfig"
        api = ApiServer(options.apiserver, kubeconfig, "--small")
        with urllib.request.urlopen(f"{api.address}/api/v1/namespaces/shop/pods") as answer:
            pods = json.load(answer)["items"]
        pod = next(it["metadata"]["name"] for it in pods if it["status"]["phase"] == "Running")
        all_of_them = contenders(options, kubeconfig, pod)
        for _ in range(options.starts):
            for it in all_of_them:
                it.measure_start()
        for it in all_of_them:
            it.measure_calls(options)
        api.stop()
    report(options, all_of_them)
    if options.save:
        options.save.mkdir(parents=True, exist_ok=True)
        for it in all_of_them:
            for question, (structured, shown) in it.texts.items():
                name = f"{it.name} {question}".replace(",", "").replace(" ", "-")
                (options.save / f"{name}.txt").write_text(f"{structured}\n\n---- text\n{shown}\n")


if __name__ == "__main__":
    main()
