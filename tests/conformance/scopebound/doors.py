"""Local servers that stand in front of the plane, or receive what it sends."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import httpx


class Delivery(NamedTuple):
    headers: dict
    body: bytes


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A thread that sleeps on a client that has left must not hold the test up.
    block_on_close = False

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self):
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class SlowDoor(_Server):
    """Hands every request on to the plane at `target`, and the answer back `delay` seconds later."""

    def __init__(self, target: str, delay: float):
        super().__init__(_SlowHandler)
        self.target = target
        self.delay = delay


class Receiver(_Server):
    """Keeps every webhook it gets. Answers with the next of `statuses`, then with 204."""

    def __init__(self, *statuses: int):
        super().__init__(_ReceiverHandler)
        self.statuses = list(statuses)
        self.deliveries: list[Delivery] = []


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def answer(self, status: int, body: bytes = b""):
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _SlowHandler(_Handler):
    def hand_on(self):
        headers = {"X-Scopebound-API-Key": self.headers.get("X-Scopebound-API-Key", "")}
        url = self.server.target + self.path
        answer = httpx.request(
            self.command,
            url,
            content=self.body(),
            headers=headers
            | {
                "Content-Type": self.headers.get("Content-Type") or "application/json",
            },
        )
        time.sleep(self.server.delay)
        try:
            self.answer(answer.status_code, answer.content)
        except ConnectionError:
            pass  # The client has given up, as it should.

    do_GET = do_POST = do_PUT = do_DELETE = hand_on


class _ReceiverHandler(_Handler):
    def do_POST(self):
        self.server.deliveries.append(Delivery(dict(self.headers.items()), self.body()))
        self.answer(self.server.statuses.pop(0) if self.server.statuses else 204)
