"""What all live gates share: the report, free ports, and the server as a child process."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request

START_SECONDS = 20
STOP_SECONDS = 10


class Report:
    """Prints one line per check and counts them; a failed check never stops the next one."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def check(self, name):
        """Reports the block as one check: it passes unless it raises."""
        try:
            yield
        except AssertionError as reason:
            self._fail(name, str(reason) or _failed_line(reason))
        except Exception as error:  # the gate goes on, whatever a check runs into
            self._fail(name, "; ".join(_reasons(error)))
        else:
            self.passed += 1
            print(f"ok - {name}", flush=True)

    def _fail(self, name, why):
        self.failed += 1
        print(f"not ok - {name}: {' '.join(why.split())[:600]}", flush=True)

    def finish(self):
        """Prints the totals and returns the exit code."""
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0


def _reasons(error):
    """What an error says; a group, as task groups raise it, says what its members say."""
    if isinstance(error, ExceptionGroup):
        return [reason for member in error.exceptions for reason in _reasons(member)]
    return [f"{type(error).__name__}: {error or _failed_line(error)}"]


def _failed_line(error):
    """The source line of a bare `assert`, which carries no message of its own."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"line {frame.lineno}: {frame.line}"


def binary_path(arguments):
    """The binary under test: the first argument, else EKS_MCP_BINARY."""
    path = arguments[0] if arguments else os.environ.get("EKS_MCP_BINARY")
    if not path:
        sys.exit("usage: run.py BINARY   (or set EKS_MCP_BINARY)")
    path = os.path.abspath(path)
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is not an executable file")
    return path


def free_port():
    """A loopback port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def bare_environment(home):
    """An environment without the caller's AWS settings, proxies or configuration, so that every run is alike."""
    return {
        "PATH": os.environ.get("PATH", ""),
        "HOME": home,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "127.0.0.1",
    }


@contextlib.contextmanager
def http_server(binary, arguments=(), environment=None):
    """Runs `serve --http` on a free port until the block ends; yields its base URL."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [binary, "serve", "--http", f"127.0.0.1:{port}", *arguments]
    with tempfile.TemporaryDirectory() as home, tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command,
            env=environment or bare_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_until_healthy(process, base, log)
            yield base
        finally:
            _stop(process)


def _wait_until_healthy(process, base, log):
    """Waits for /healthz; a server that ended instead says why in its log."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {_tail(log)}")
        try:
            with urllib.request.urlopen(f"{base}/healthz", timeout=2):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError(f"the server was not healthy within {START_SECONDS} s: {_tail(log)}")


def _tail(log):
    log.seek(0)
    return log.read().decode("utf-8", "replace")[-800:]


def _stop(process):
    """Asks the server to end, and ends it when it does not."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def scalars(document):
    """Every string, number and boolean anywhere in a JSON document."""
    if isinstance(document, dict):
        for value in document.values():
            yield from scalars(value)
    elif isinstance(document, list):
        for value in document:
            yield from scalars(value)
    elif document is not None:
        yield document


def holds(document, wanted):
    """Whether a scalar of the document equals the wanted one, or is a text that has it inside."""
    for value in scalars(document):
        if value == wanted:
            return True
        if isinstance(wanted, str) and isinstance(value, str) and wanted in value:
            return True
    return False
