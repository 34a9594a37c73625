"""Google Cloud Storage's XML API, as far as Seamline's client uses it: ours, for tests, with nothing but Python.

No packaged emulator speaks this API with generations, so what passes here has passed against our reading of Google's
documentation and not against Google. In a process of its own: prints its port, serves until it is killed. Every request
is answered under one lock, so that conditions and writes are one step.

Who asks is told by the bearer token: `all` may everything, and each other of `RIGHTS` what it says; one that is none of
them is not accepted. Without a token only buckets whose names begin with `public` can be read.
"""

from __future__ import annotations

import hashlib
import itertools
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PUBLIC: Final = "public"
RIGHTS: Final[Mapping[str, frozenset[str]]] = {
    "all": frozenset({"list", "get", "create", "delete"}),
    "no-list": frozenset({"get"}),
    "no-get": frozenset({"list"}),
    "no-write": frozenset({"list", "get"}),
    "no-delete": frozenset({"list", "get", "create"}),
}
_META: Final = "x-goog-meta-"
_MOST_KEYS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Stored:
    """One generation of an object. Its etag is as Google's for what was put in one piece: equal for equal bytes."""

    content: bytes
    generation: int
    attributes: Mapping[str, str]
    modified: datetime
    etag: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Buckets:
    """All buckets of a server, by name, and what may be done with them."""

    def __init__(self) -> None:
        self._buckets: dict[str, dict[str, Stored]] = {}
        self._generations = itertools.count(1_700_000_000_000_000)

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """The answer to one request; `headers` have small names."""
        parts = urlsplit(target)
        bucket, _, key = parts.path.removeprefix("/").partition("/")
        bucket, key = unquote(bucket), unquote(key)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        if method == "PUT" and not key:
            self._buckets.setdefault(bucket, {})
            return Answer(200)
        right = _right(method, key)
        refused = _refused(headers, bucket, right)
        if refused:
            return refused
        if bucket not in self._buckets:
            return _error(404, "NoSuchBucket")
        objects = self._buckets[bucket]
        if right == "list":
            return _listing(objects, query)
        if right == "create":
            return self._put(objects, key, headers, body)
        return _delete(objects, key) if right == "delete" else _get(objects, key, headers)

    def _put(self, objects: dict[str, Stored], key: str, headers: Mapping[str, str], body: bytes) -> Answer:
        wanted = headers.get("x-goog-if-generation-match")
        there = objects[key].generation if key in objects else 0
        if wanted is not None and int(wanted) != there:
            return _error(412, "PreconditionFailed")
        attributes = {name: value for name, value in headers.items() if name.startswith(_META)}
        etag = f'"{hashlib.md5(body).hexdigest()}"'
        stored = objects[key] = Stored(body, next(self._generations), attributes, datetime.now(UTC), etag)
        return Answer(200, headers=_told(stored))


def _right(method: str, key: str) -> str:
    if not key:
        return "list"
    return {"PUT": "create", "DELETE": "delete"}.get(method, "get")


def _refused(headers: Mapping[str, str], bucket: str, right: str) -> Answer | None:
    token = headers.get("authorization", "").removeprefix("Bearer ")
    if not token:
        return None if bucket.startswith(PUBLIC) and right in ("list", "get") else _error(403, "AccessDenied")
    if token not in RIGHTS:
        return _error(401, "AuthenticationRequired")
    return None if right in RIGHTS[token] else _error(403, "AccessDenied")


def _get(objects: dict[str, Stored], key: str, headers: Mapping[str, str]) -> Answer:
    stored = objects.get(key)
    if stored is None:
        return _error(404, "NoSuchKey")
    if headers.get("if-match", stored.etag) != stored.etag:
        return _error(412, "PreconditionFailed")
    wanted = headers.get("range")
    if wanted is None:
        return Answer(200, stored.content, _told(stored))
    start, _, last = wanted.removeprefix("bytes=").partition("-")
    piece = stored.content[int(start) : int(last) + 1]
    if not piece:
        return _error(416, "InvalidRange")
    span = f"bytes {start}-{int(start) + len(piece) - 1}/{len(stored.content)}"
    return Answer(206, piece, _told(stored) | {"Content-Range": span})


def _delete(objects: dict[str, Stored], key: str) -> Answer:
    return _error(404, "NoSuchKey") if objects.pop(key, None) is None else Answer(204)


def _listing(objects: dict[str, Stored], query: Mapping[str, str]) -> Answer:
    """One page, in the order of the names' bytes; a page goes on after the last name or prefix of the one before."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    most = min(int(query.get("max-keys", _MOST_KEYS)), _MOST_KEYS)
    after = query.get("continuation-token", query.get("start-after", "")).encode()
    found: dict[str, Stored | None] = {}
    more = ""
    for key in sorted(objects, key=str.encode):
        if not key.startswith(prefix):
            continue
        head, divided, _ = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
        name = f"{prefix}{head}{delimiter}" if divided else key
        if name.encode() <= after or name in found:
            continue
        if len(found) == most:
            more = next(reversed(found))
            break
        found[name] = None if divided else objects[key]
    told = "".join(_listed(name, stored) for name, stored in found.items())
    goes_on = f"<NextContinuationToken>{escape(more)}</NextContinuationToken>" if more else ""
    cut = f"<IsTruncated>{str(bool(more)).lower()}</IsTruncated>"
    return Answer(200, f"<ListBucketResult>{cut}{goes_on}{told}</ListBucketResult>".encode())


def _listed(name: str, stored: Stored | None) -> str:
    if stored is None:
        return f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
    modified = stored.modified.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return (
        f"<Contents><Key>{escape(name)}</Key><Generation>{stored.generation}</Generation>"
        f"<LastModified>{modified}</LastModified><ETag>{escape(stored.etag)}</ETag>"
        f"<Size>{len(stored.content)}</Size></Contents>"
    )


def _told(stored: Stored) -> dict[str, str]:
    return {
        "ETag": stored.etag,
        "x-goog-generation": str(stored.generation),
        "Last-Modified": format_datetime(stored.modified, usegmt=True),
        **stored.attributes,
    }


def _error(status: int, code: str) -> Answer:
    details = "SECRET-BODY"
    return Answer(status, f"<Error><Code>{code}</Code><Message>{details}</Message></Error>".encode())


class Handler(BaseHTTPRequestHandler):
    """Each request, answered under one lock."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    buckets: ClassVar = Buckets()
    one_at_a_time: ClassVar = threading.Lock()

    def do_GET(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        with self.one_at_a_time:
            answer = self.buckets.answer(self.command, self.path, headers, body)
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        # Who asked may have gone away.
        with suppress(ConnectionError):
            self.wfile.flush()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        """Quiet."""


class Server(ThreadingHTTPServer):
    """Many may knock at once."""

    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()
