"""What goes wrong between a client and a server, said to a proxy between them and asked of it afterwards."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Final

from tests.support.servers.running import running, send

#: Every way in which a single request goes wrong.
EVERY: Final = ("drop", "lose", "delay", "conflict", "throttle", "busy", "truncate", "half-head")
MUTATING: Final = ("PUT", "POST", "DELETE")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault for requests of certain methods (none: any) whose decoded path `path` is found in.

    The first `skip` of them pass, `times` of them (-1: all) go wrong; those are counted that come after so many
    requests (`since`) that change something.
    """

    fault: str
    methods: Sequence[str] = ()
    path: str = ""
    skip: int = 0
    times: int = 1
    since: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A request that was to change something and reached the server: what came of it, and both bodies."""

    method: str
    target: str
    status: int
    body: bytes = field(repr=False)
    answer: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Happened:
    """What a proxy did since it was told what to do.

    `counts` of every fault and of `none`; `methods` counts `mutating` and `reading` requests; `requests` are the first
    few thousand of them: method, target, fault. The `history` has what changed the server, in order, where the proxy
    was told to keep it.
    """

    counts: dict[str, int]
    methods: dict[str, int]
    requests: list[list[str]] = field(repr=False)
    history: list[Change] = field(repr=False)

    @property
    def faults(self) -> int:
        """How many requests went wrong."""
        return sum(number for fault, number in self.counts.items() if fault != "none")


class FaultProxy:
    """A proxy that runs at `address`; nothing goes wrong before it is told to."""

    def __init__(self, address: str) -> None:
        self.address = address

    def at_random(self, chance: float, seed: int, faults: Sequence[str] = EVERY, **settings: object) -> None:
        """Each request goes wrong with that probability, in one of these ways."""
        self._tell(chance=chance, seed=seed, faults=list(faults), **settings)

    def certainly(self, *faults: Fault, **settings: object) -> None:
        """Those faults and no others."""
        self._tell(rules=[asdict(each) for each in faults], **settings)

    def clear(self) -> None:
        """Nothing goes wrong from now on."""
        self._tell()

    def happened(self) -> Happened:
        """What it did since it was told."""
        told = json.loads(send("GET", f"{self.address}/-/faults", None))
        history = [
            Change(**{**each, "body": b64decode(each["body"]), "answer": b64decode(each["answer"])})
            for each in told.pop("history")
        ]
        return Happened(**told, history=history)

    def _tell(self, **settings: object) -> None:
        send("PUT", f"{self.address}/-/faults", json.dumps(settings).encode())


@contextmanager
def faulty(address: str) -> Iterator[FaultProxy]:
    """A proxy before the server at `address` while the block runs."""
    with running("fault_proxy", address) as proxy:
        yield FaultProxy(proxy)
