# SPDX-License-Identifier: Apache-2.0
"""A server in front of ours: it turns requests away, or loses answers, as it is told; the rest it passes on."""

import http.client
import http.server
import socket
import threading

from adweave_server import ServerTest

LOST = 0  # passed on, but the sender gets no answer


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class DeliveryTest(ServerTest):
    """A server that is found again where it was before it ended."""

    def setUp(self) -> None:
        super().setUp()
        self.listen = f"127.0.0.1:{free_port()}"


class Front:
    """Answers the first requests with these statuses, one each, and passes the others on to a port of this machine."""

    def __init__(self, statuses: list[int], port: int) -> None:
        self.left, self.port, self.requests = list(statuses), port, []  # of each request: its headers and body
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                front.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.lock, self.thread = threading.Lock(), threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def end(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def answer(self, request: http.server.BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        with self.lock:
            self.requests.append((request.headers, body))
            status = self.left.pop(0) if self.left else None
        text = b'{"detail": "turned away by a test"}'
        if not status:
            passed, text = self.pass_on(request, body)
            if status == LOST:
                request.close_connection = True
                return
            status = passed
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(text)))
        request.end_headers()
        request.wfile.write(text)

    def pass_on(self, request: http.server.BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", request.path, body, dict(request.headers))
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text
