"""An MCP server over stdio as a bench sees it, and the generated API server. Standard library only, Linux."""
import json
import os
import subprocess
import threading
import time

PROTOCOL = "2025-11-25"
TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The process and all its descendants: a launcher such as npx is part of what a user starts."""
    children = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry))
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        left += children.get(one, [])
    return found


def field_kib(pid, name):
    total = 0
    for one in tree(pid):
        try:
            with open(f"/proc/{one}/status", encoding="utf-8", errors="replace") as status:
                total += next((int(line.split()[1]) for line in status if line.startswith(name + ":")), 0)
        except OSError:
            continue
    return total


def cpu_seconds(pid):
    total = 0
    for one in tree(pid):
        try:
            with open(f"/proc/{one}/stat", encoding="utf-8", errors="replace") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
        except OSError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


class Server:
    """One process. Answers are matched by id, so that many threads can ask at a time."""

    def __init__(self, command, env=None):
        self.begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
        )
        self.lock = threading.Lock()
        self.waiting = {}
        self.next_id = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.initialized = self.ask(
            "initialize",
            {"protocolVersion": PROTOCOL, "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}},
        )
        self.start_ms = (time.perf_counter() - self.begun) * 1000
        self._write({"jsonrpc": "2.0", "method": "notifications/initialized"})

    @property
    def pid(self):
        return self.process.pid

    def _read(self):
        for line in self.process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue
            slot = self.waiting.pop(message.get("id"), None) if "method" not in message else None
            if callable(slot):
                slot(message)
            elif slot:
                slot[1] = message
                slot[0].set()
        for slot in list(self.waiting.values()):
            if not callable(slot):
                slot[0].set()

    def _write(self, message):
        with self.lock:
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def ask(self, method, params, timeout=120):
        slot = [threading.Event(), None]
        with self.lock:
            self.next_id += 1
            number = self.next_id
            self.waiting[number] = slot
        self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        if not slot[0].wait(timeout) or slot[1] is None:
            raise RuntimeError(f"no answer to {method} {json.dumps(params)[:200]}")
        return slot[1]

    def call(self, name, arguments, may_fail=False):
        answer = self.ask("tools/call", {"name": name, "arguments": arguments})
        result = answer.get("result", answer)
        if not may_fail and ("error" in answer or result.get("isError")):
            raise RuntimeError(f"{name} failed: {json.dumps(answer)[:600]}")
        return result

    def sustain(self, name, arguments, callers, seconds):
        """Keeps so many calls under way for some seconds. Returns the seconds that each took.

        One thread sends and receives, so that the bench takes as little of the machine as it can.
        """
        body = json.dumps({"name": name, "arguments": arguments})
        end, times, left, done = time.perf_counter() + seconds, [], [callers], threading.Event()

        def send():
            begun = time.perf_counter()
            self.next_id += 1
            number = self.next_id

            def took(message):
                times.append(time.perf_counter() - begun)
                if "error" in message or message["result"].get("isError"):
                    raise RuntimeError(f"{name} failed: {message}")
                if time.perf_counter() < end:
                    send()
                else:
                    left[0] -= 1
                    if left[0] == 0:
                        done.set()

            self.waiting[number] = took
            line = f'{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{body}}}\n'
            self.process.stdin.write(line.encode())
            self.process.stdin.flush()

        with self.lock:
            for _ in range(callers):
                send()
        if not done.wait(seconds + 60):
            raise RuntimeError(f"{name}: calls were left without an answer")
        return times

    def stop(self):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            for one in reversed(tree(self.pid)):
                os.kill(one, 9)
            self.process.wait()


class ApiServer:
    """The generated API server, in a process of its own."""

    def __init__(self, binary, kubeconfig, *options):
        command = [binary, "serve", "--kubeconfig", str(kubeconfig), *options]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.binary = binary
        self.address = json.loads(self.process.stdout.readline())["server"]

    def discard(self, path, accept="application/json"):
        """Receives every page of a list and throws it away: pages, bytes, seconds."""
        command = [self.binary, "discard", self.address, path, "--accept", accept]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)


def content(result):
    """What a model is given: structured content where there is some, text elsewhere."""
    if "structuredContent" in result:
        return json.dumps(result["structuredContent"], separators=(",", ":"), ensure_ascii=False)
    return text(result)


def text(result):
    return "\n".join(it.get("text", "") for it in result.get("content", []))
