"""A CONNECT proxy on a loopback port: leads every host to one place, and remembers what it was asked for."""

import socket
import socketserver
import threading


class Proxy:
    """The proxy; `asked` holds the host and port of each request."""

    def __init__(self, target):
        self.target = target
        self.asked = []
        handler = type("BoundHandler", (_Handler,), {"proxy": self})
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class _Handler(socketserver.StreamRequestHandler):
    proxy = None

    def handle(self):
        method, _, rest = self.rfile.readline().decode().partition(" ")
        while self.rfile.readline().strip():
            pass
        if method != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        self.proxy.asked.append(rest.split(" ")[0])
        with socket.create_connection(self.proxy.target) as upstream:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_copy, args=(upstream, self.connection), daemon=True)
            back.start()
            _copy(self.connection, upstream)
            back.join()


def _copy(source, sink):
    """Passes bytes on until either side ends."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
