"""An S3 that ignores the conditions of a write without a word, as some clones do; or one that only fails.

In a process of its own: prints its port, serves until it is killed. With a number as argument it answers every request
with that HTTP status; with `silent` it never answers.
"""

from __future__ import annotations

import hashlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar


class Careless(BaseHTTPRequestHandler):
    """Keeps what it is given under its path, whatever the conditions say."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}
    behaviour: ClassVar[str] = ""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._misbehaves():
            return
        self.objects[self.path] = body
        self._answer(200, b"", body)

    def do_GET(self) -> None:
        if self._misbehaves():
            return
        body = self.objects.get(self.path)
        self._answer(404 if body is None else 200, body or b"<Error><Code>NoSuchKey</Code></Error>", body or b"")

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_DELETE(self) -> None:
        self.objects.pop(self.path, None)
        self._answer(204, b"", b"")

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Quiet."""

    def _misbehaves(self) -> bool:
        if self.behaviour == "silent":
            time.sleep(3_600)
        if self.behaviour:
            self._answer(int(self.behaviour), b"<Error><Code>Odd</Code><Message>SECRET-BODY</Message></Error>", b"")
        return bool(self.behaviour)

    def _answer(self, status: int, body: bytes, tagged: bytes) -> None:
        self.send_response(status)
        self.send_header("ETag", f'"{hashlib.md5(tagged).hexdigest()}"')
        self.send_header("Last-Modified", "Tue, 14 Nov 2023 22:13:20 GMT")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


if __name__ == "__main__":
    Careless.behaviour = sys.argv[1] if len(sys.argv) > 1 else ""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Careless)
    print(server.server_port, flush=True)
    server.serve_forever()
