"""An S3 that is far away: it only lists and gives, each answer after so many milliseconds, and counts what is asked.

In a process of its own: `python -m tests.support.servers.distant_s3 MILLISECONDS[,MILLISECONDS] [FOLDER]` prints its
port and serves an empty bucket, or one of the files below FOLDER, each of them as gzip, until it is killed. Of two
delays the second is that of objects. It answers many thousand requests a second; what that took of the processor is in
`GET /asked`, so that whoever measures can see that it was not the server that was slow.
`POST /keys?prefix=metadata/&count=9` adds small objects by the thousand.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import resource
import sys
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "backups"
_PAGE = 1_000
_DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
_LISTED_DATE = "2023-11-14T22:13:20.000Z"


class Objects:
    """What the bucket holds, and what was asked of it."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.keys: list[str] = []
        self.asked: Counter[str] = Counter()

    def add(self, contents: dict[str, bytes]) -> None:
        """More objects."""
        self.contents |= contents
        self.keys = sorted(self.contents)

    def count(self, method: str, target: str) -> bool:
        """A request has come; whether it is for an object."""
        of_bucket, slash, key = unquote(urlsplit(target).path).lstrip("/").partition("/")
        is_object = bool(slash and key)
        if of_bucket == BUCKET:
            self.asked[method.lower() if is_object else "list"] += 1
        return is_object

    def answer(self, method: str, target: str) -> bytes:
        """The whole answer to a request."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        path = unquote(parts.path).lstrip("/")
        if path == "asked":
            usage = resource.getrusage(resource.RUSAGE_SELF)
            told = {"requests": dict(self.asked), "cpu": usage.ru_utime + usage.ru_stime, "at": time.monotonic()}
            self.asked.clear()
            return _answer("200 OK", json.dumps(told).encode())
        if path == "keys":
            self.add({f"{query['prefix']}{number:06}": b"x" for number in range(int(query["count"]))})
            return _answer("200 OK", b"")
        key = path.removeprefix(BUCKET).lstrip("/")
        if not key:
            return _answer("200 OK", self._listed(query))
        content = self.contents.get(key)
        if content is None:
            body = b"<Error><Code>NoSuchKey</Code></Error>"
            return _answer("404 Not Found", body, body_too=method != "HEAD")
        return _answer("200 OK", content, _tag(content), body_too=method != "HEAD")

    def _listed(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        at = bisect_right(self.keys, after) if after >= prefix else bisect_left(self.keys, prefix)
        pieces: list[str] = []
        last = ""
        while at < len(self.keys) and self.keys[at].startswith(prefix) and len(pieces) < _PAGE:
            last = self.keys[at]
            inner, found, _ = last[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if found:
                last = f"{prefix}{inner}{delimiter}\U0010ffff"
                name = escape(f"{prefix}{inner}{delimiter}")
                pieces.append(f"<CommonPrefixes><Prefix>{name}</Prefix></CommonPrefixes>")
                at = bisect_right(self.keys, last)
                continue
            content = self.contents[last]
            pieces.append(
                f"<Contents><Key>{escape(last)}</Key><LastModified>{_LISTED_DATE}</LastModified>"
                f"<ETag>{escape(_tag(content))}</ETag><Size>{len(content)}</Size></Contents>"
            )
            at += 1
        cut = at < len(self.keys) and self.keys[at].startswith(prefix)
        goes_on = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if cut else ""
        head = f"<IsTruncated>{str(cut).lower()}</IsTruncated><KeyCount>{len(pieces)}</KeyCount>{goes_on}"
        return f"<ListBucketResult>{head}{''.join(pieces)}</ListBucketResult>".encode()


class Connection(asyncio.Protocol):
    """One client: one request at a time, each answered after the delay, which takes no processor time."""

    def __init__(self, objects: Objects, listing: float, giving: float) -> None:
        self._objects = objects
        self._listing = listing
        self._giving = giving
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """A request, or a part of it; nothing of ours has a body."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            method, target, _ = self._held[: self._held.index(b"\r\n")].decode().split(" ", 2)
            self._held = self._held[end + 4 :]
            delay = self._giving if self._objects.count(method, target) else self._listing
            delay = delay if target.startswith(f"/{BUCKET}") else 0.0
            asyncio.get_running_loop().call_later(delay, self._answer, method, target)

    def _answer(self, method: str, target: str) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._objects.answer(method, target))


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content).hexdigest()}"'


def _answer(status: str, body: bytes, tag: str = '""', *, body_too: bool = True) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nETag: {tag}\r\nLast-Modified: {_DATE}\r\n\r\n"
    return head.encode() + (body if body_too else b"")


async def main(delays: list[float], folder: Path | None) -> None:
    """Serve on a free port of the loopback."""
    objects = Objects()
    if folder is not None:
        paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
        objects.add({f"store/{name}": gzip.compress(content, 6, mtime=0) for name, content in named.items()})
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(objects, delays[0], delays[-1]), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    milliseconds = map(float, sys.argv[1].split(","))
    asyncio.run(main([each / 1_000 for each in milliseconds], Path(sys.argv[2]) if len(sys.argv) > 2 else None))
