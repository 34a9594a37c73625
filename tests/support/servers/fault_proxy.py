"""A proxy before a server at which requests go wrong in every way in which they do on a network.

In a process of its own, `fault_proxy ADDRESS`: prints its port, serves until it is killed. What it passes on it passes
on to the byte, the `Host` header too, so that signatures hold. `PUT /-/faults` with a JSON object says what is to go
wrong from now on, and forgets what has; `GET /-/faults` tells what has (`tests.support.faults`).
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
from base64 import b64encode
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import unquote, urlsplit

CONTROL: Final = "/-/faults"
_MUTATING: Final = frozenset({"PUT", "POST", "DELETE", "PATCH"})
_MOST_HEAD: Final = 1 << 20
_REQUESTS_TOLD: Final = 5_000


class Broken(Exception):
    """The connection to the client ends here."""


@dataclass(frozen=True, slots=True)
class Message:
    """A request or an answer as it came: the head with its empty line, and the body as it was framed."""

    head: bytes
    body: bytes

    @property
    def line(self) -> list[str]:
        """The words of the first line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)

    def header(self, name: str) -> str:
        """The value of a header, empty if there is none."""
        found = re.search(rb"(?im)^%s:[ \t]*([^\r]*)" % name.encode(), self.head)
        return found[1].decode("latin-1").strip() if found else ""


@dataclass(slots=True)
class Rule:
    """A fault for certain requests: after the first `skip` of them, `times` of them (-1: all).

    Such requests come after so many that change something (`since`), have one of `methods` (none: any) and a path,
    decoded, in which `path` is found.
    """

    fault: str
    methods: list[str] = field(default_factory=list)
    path: str = ""
    skip: int = 0
    times: int = 1
    since: int = 0
    met: int = 0

    def strikes(self, method: str, path: str, changing: int) -> bool:
        """Whether this request, before which so many were `changing` something, is one that it strikes."""
        if (self.methods and method not in self.methods) or changing < self.since or not re.search(self.path, path):
            return False
        self.met += 1
        return self.met > self.skip and (self.times < 0 or self.met <= self.skip + self.times)


@dataclass(slots=True)
class Settings:
    """What goes wrong: each request with probability `chance` in one of the ways `faults`, and what the `rules` say.

    The ways come in random order, each of them before any comes again.
    `expired` is what a server answers to credentials that have expired: status, media type and body. `delays` are the
    seconds of a delay, from and to; `retry_after` is what a busy server asks for. With `history` every request that
    changes something is remembered with what the server answered.
    """

    seed: int = 0
    chance: float = 0.0
    faults: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    expired: tuple[int, str, str] = (403, "application/xml", "<Error><Code>ExpiredToken</Code></Error>")
    delays: tuple[float, float] = (0.05, 0.3)
    retry_after: int = 1
    history: bool = False

    @classmethod
    def of(cls, told: dict[str, Any]) -> Settings:
        """The settings that a JSON object says."""
        return cls(**told | {"rules": [Rule(**rule) for rule in told.get("rules", [])]})


class Proxy:
    """Passes requests on to one server."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = parts.hostname or "", parts.port or 80
        self._set(Settings())

    def _set(self, settings: Settings) -> None:
        self._settings = settings
        self._chance = Random(settings.seed)
        self._deck: list[str] = []
        self._counts: Counter[str] = Counter()
        self._methods: Counter[str] = Counter()
        self._told: list[list[str]] = []
        self._history: list[dict[str, Any]] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client, and the one to the server that belongs to it."""
        server = Server(self._target)
        with suppress(Broken, OSError, asyncio.IncompleteReadError):
            while request := await read_message(reader, None):
                if request.line[1].startswith(CONTROL):
                    await send(writer, self._control(request))
                else:
                    await self._pass_on(request, server, writer)
        server.close()
        writer.close()

    def _control(self, request: Message) -> bytes:
        if request.line[0] == "PUT":
            self._set(Settings.of(json.loads(request.body)))
        told = {"counts": self._counts, "methods": self._methods, "requests": self._told, "history": self._history}
        return plain(200, "application/json", json.dumps(told))

    async def _pass_on(self, request: Message, server: Server, writer: asyncio.StreamWriter) -> None:
        method, target, _ = request.line
        fault = self._fault(method, unquote(target))
        self._counts[fault or "none"] += 1
        self._methods["mutating" if method in _MUTATING else "reading"] += 1
        if len(self._told) < _REQUESTS_TOLD:
            self._told.append([method, target, fault])
        if method in _MUTATING and self._settings.history:
            server = Remembering(server, self._history)
        await WAYS[fault](Exchange(request, server, writer, self._settings, self._chance))

    def _fault(self, method: str, path: str) -> str:
        """The fault that strikes a request, empty for none."""
        changing = self._methods["mutating"]
        struck = [rule.fault for rule in self._settings.rules if rule.strikes(method, path, changing)]
        if struck:
            return struck[0]
        if self._settings.faults and self._chance.random() < self._settings.chance:
            return self._dealt(mutating=method in _MUTATING)
        return ""

    def _dealt(self, *, mutating: bool) -> str:
        """The next fault in random order that such a request can meet: whoever only reads is in nobody's way."""
        self._deck = self._deck or self._chance.sample(self._settings.faults, len(self._settings.faults))
        fitting = [fault for fault in self._deck if mutating or fault != "conflict"]
        if not fitting:
            return "busy"
        self._deck.remove(fitting[-1])
        return fitting[-1]


class Server:
    """The connection to the server, made when it is needed; one that has gone stale is made anew."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: Message) -> Message:
        """The server's answer, read to its end."""
        fresh = self._streams is None
        try:
            return await self._ask(request)
        except (OSError, asyncio.IncompleteReadError, Broken):
            self.close()
            # A server may have closed a connection that was kept: then it has not seen the request.
            if fresh:
                raise Broken from None
            return await self._ask(request)

    async def _ask(self, request: Message) -> Message:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._target, limit=_MOST_HEAD)
            no_delay(self._streams[1])
        reader, writer = self._streams
        await send(writer, request.head + request.body)
        answer = await read_message(reader, request.line[0])
        if answer is None:
            raise Broken
        if answer.header("connection").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        """End the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class Remembering(Server):
    """The same connection; what is asked and answered is put into a `history`."""

    def __init__(self, server: Server, history: list[dict[str, Any]]) -> None:
        self._server = server
        self._history = history

    async def ask(self, request: Message) -> Message:
        answer = await self._server.ask(request)
        method, target, _ = request.line
        exchange = {"method": method, "target": target, "status": int(answer.line[1])}
        bodies = {"body": b64encode(request.body).decode(), "answer": b64encode(answer.body).decode()}
        self._history.append(exchange | bodies)
        return answer


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request, the server it goes to, and the client that waits for the answer."""

    request: Message
    server: Server
    writer: asyncio.StreamWriter
    settings: Settings
    chance: Random

    async def answer(self) -> Message:
        """What the server says."""
        return await self.server.ask(self.request)


async def pass_on(exchange: Exchange) -> None:
    answer = await exchange.answer()
    await send(exchange.writer, answer.head + answer.body)


async def drop(_exchange: Exchange) -> None:
    """The server never sees it."""
    raise Broken


async def lose(exchange: Exchange) -> None:
    """Done, and the answer is lost."""
    await exchange.answer()
    raise Broken


async def delay(exchange: Exchange) -> None:
    await asyncio.sleep(exchange.chance.uniform(*exchange.settings.delays))
    await pass_on(exchange)


async def conflict(exchange: Exchange) -> None:
    """Nothing is done, and that says nothing about what stands there."""
    await send(exchange.writer, refusal(exchange, 409, "ConditionalRequestConflict"))


async def throttle(exchange: Exchange) -> None:
    await send(exchange.writer, refusal(exchange, 429, "TooManyRequests", busy=True))


async def be_busy(exchange: Exchange) -> None:
    await send(exchange.writer, refusal(exchange, 503, "SlowDown", busy=True))


async def expire(exchange: Exchange) -> None:
    status, media, body = exchange.settings.expired
    await send(exchange.writer, plain(status, media, body))


async def truncate(exchange: Exchange) -> None:
    """Half of the body, of which the head says how long it is; an answer without a body has only half a head."""
    answer = await exchange.answer()
    if not answer.body:
        await _half_head(exchange, answer)
    await send(exchange.writer, answer.head + answer.body[: len(answer.body) // 2])
    raise Broken


async def half_head(exchange: Exchange) -> None:
    await _half_head(exchange, await exchange.answer())


async def hang(_exchange: Exchange) -> None:
    """The server never sees it, and there is no end to it."""
    await asyncio.Event().wait()


async def hang_when_done(exchange: Exchange) -> None:
    await exchange.answer()
    await hang(exchange)


async def _half_head(exchange: Exchange, answer: Message) -> None:
    await send(exchange.writer, answer.head[: len(answer.head) // 2])
    raise Broken


WAYS: Final[dict[str, Callable[[Exchange], Awaitable[None]]]] = {
    "": pass_on,
    "drop": drop,
    "lose": lose,
    "delay": delay,
    "conflict": conflict,
    "throttle": throttle,
    "busy": be_busy,
    "truncate": truncate,
    "half-head": half_head,
    "expire": expire,
    "hang": hang,
    "hang-when-done": hang_when_done,
}


def refusal(exchange: Exchange, status: int, code: str, *, busy: bool = False) -> bytes:
    """An answer that is not the server's."""
    after = f"Retry-After: {exchange.settings.retry_after}\r\n" if busy else ""
    return plain(status, "application/xml", f"<Error><Code>{code}</Code></Error>", after)


def plain(status: int, media: str, body: str, headers: str = "") -> bytes:
    """A whole answer with a body."""
    content = body.encode()
    head = f"HTTP/1.1 {status} Told\r\nContent-Type: {media}\r\nContent-Length: {len(content)}\r\n{headers}\r\n"
    return head.encode() + content


async def send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()


async def read_message(reader: asyncio.StreamReader, asked: str | None) -> Message | None:
    """A request, or the answer to a request with the method `asked`; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as cut:
        if cut.partial:
            raise
        return None
    message = Message(head, b"")
    return Message(head, await _body(reader, message, asked))


async def _body(reader: asyncio.StreamReader, message: Message, asked: str | None) -> bytes:
    if message.header("transfer-encoding").lower() == "chunked" and asked != "HEAD":
        return await _chunks(reader)
    length = message.header("content-length")
    if asked is None:
        return await reader.readexactly(int(length or 0))
    status = int(message.line[1])
    if asked == "HEAD" or status in (204, 304) or status < 200:
        return b""
    return await reader.readexactly(int(length)) if length else await reader.read()


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    """A body in chunks, as it is framed."""
    body = bytearray()
    while True:
        line = await reader.readuntil(b"\r\n")
        body += line
        size = int(line.split(b";")[0], 16)
        body += await reader.readexactly(size + 2) if size else b""
        if not size:
            while line != b"\r\n":
                line = await reader.readuntil(b"\r\n")
                body += line
            return bytes(body)


def no_delay(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def main(target: str) -> None:
    """Serve on a free port of the loopback."""
    server = await asyncio.start_server(Proxy(target).serve, "127.0.0.1", 0, limit=_MOST_HEAD, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
