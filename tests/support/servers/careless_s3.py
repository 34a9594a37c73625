"""An S3 that ignores the conditions of a write without a word, as some clones do; or one that only fails.

In a process of its own: prints its port, serves until it is killed. With an argument like `403` or `403:AccessDenied`,
it answers every request with that HTTP status and code; with `silent` it never answers; with `half` each answer breaks
off. With `bare` it keeps conditions, but compares tags without their quotes, as Ceph does.
"""

from __future__ import annotations

import hashlib
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape


class Careless(BaseHTTPRequestHandler):
    """Keeps what it is given under its path, whatever the conditions say."""

    protocol_version = "HTTP/1.1"
    objects: ClassVar[dict[str, bytes]] = {}
    behaviour: ClassVar[str] = ""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._misbehaves():
            return
        if self.behaviour == "bare" and not self._keeps():
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>", b"")
            return
        self.objects[self.path] = body
        self._answer(200, b"", body)

    def do_GET(self) -> None:
        if self._misbehaves():
            return
        if "list-type=2" in self.path:
            listing = self._listing()
            self._answer(200, listing, listing)
            return
        body = self.objects.get(self.path)
        self._answer(404 if body is None else 200, body or b"<Error><Code>NoSuchKey</Code></Error>", body or b"")

    def _listing(self) -> bytes:
        """All objects below a prefix, on one page."""
        path, _, query = self.path.partition("?")
        wanted = parse_qs(query, keep_blank_values=True)
        prefix, after = wanted.get("prefix", [""])[0], wanted.get("start-after", [""])[0]
        keys = sorted(unquote(key).removeprefix(f"{path.rstrip('/')}/") for key in self.objects if key.startswith(path))
        found = [key for key in keys if key.startswith(prefix) and key > after]
        folders = set[str]()
        if wanted.get("delimiter"):
            folders = {
                f"{prefix}{key.removeprefix(prefix).partition('/')[0]}/" for key in found if "/" in key[len(prefix) :]
            }
            found = [key for key in found if "/" not in key[len(prefix) :]]
        entries = [
            f"<Contents><Key>{escape(key)}</Key><LastModified>2023-11-14T22:13:20.000Z</LastModified>"
            f'<ETag>"{hashlib.md5(self.objects[f"{path}/{quote(key)}"]).hexdigest()}"</ETag>'
            f"<Size>{len(self.objects[f'{path}/{quote(key)}'])}</Size></Contents>"
            for key in found
        ]
        entries += [f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders)]
        head = f"<Name>x</Name><Prefix>{escape(prefix)}</Prefix><KeyCount>{len(entries)}</KeyCount>"
        head += "<MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
        return f"<ListBucketResult>{head}{''.join(entries)}</ListBucketResult>".encode()

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
        if self.behaviour == "half":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n<?xml version='1.0'?><List")
            self.close_connection = True
            return True
        status, _, code = self.behaviour.partition(":")
        if status.isdigit():
            error = f"<Error><Code>{code or 'Odd'}</Code><Message>SECRET-BODY</Message></Error>"
            self._answer(int(status), error.encode(), b"")
        return status.isdigit()

    def _keeps(self) -> bool:
        there = self.objects.get(self.path)
        if self.headers.get("If-None-Match") == "*":
            return there is None
        wanted = self.headers.get("If-Match")
        return wanted is None or (there is not None and wanted == hashlib.md5(there).hexdigest())

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
