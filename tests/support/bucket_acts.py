"""Operations on stores in buckets behind a proxy: what happened to the store, state by state, and how it is gone on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import unquote
from uuid import uuid4

from core.errors import SeamlineError
from core.operations import Operations, operations_for
from tests.support.crash_acts import Act
from tests.support.crash_looks import Files, Watcher, end_state
from tests.support.crash_scenes import LATER, Crew
from tests.support.faults import Change, FaultProxy
from tests.support.machines import FakeMachine
from tests.support.servers.running import Bucket

#: What each provider answers to credentials that have expired: status, media type, body.
EXPIRED: Final[Mapping[str, tuple[int, str, str]]] = {
    "s3": (403, "application/xml", "<Error><Code>ExpiredToken</Code><Message>old</Message></Error>"),
    "gs": (401, "application/xml", "<Error><Code>AuthenticationRequired</Code><Message>old</Message></Error>"),
    "azure": (403, "application/xml", "<Error><Code>AuthenticationFailed</Code><Message>old</Message></Error>"),
}
_BATCHED_RE: Final = re.compile(rb"^DELETE (\S+) HTTP", re.MULTILINE)
#: Runs, the first one included, after which an operation behind faults must have come to its end.
_MOST_RUNS: Final = 40


class BriskMachine(FakeMachine):
    """A process at a fixed moment whose other clock is the real one, and which sleeps a twentieth of the time."""

    def elapsed(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 20)


class BriskCrew(Crew):
    """Such processes one after the other, each of which knows that the others have ended."""

    def next(self) -> BriskMachine:
        former = super().next()
        machine = BriskMachine(moment=former.moment, pid=former.me.pid)
        machine.ended = former.ended
        return machine


def fresh(bucket: Bucket) -> Bucket:
    """A bucket of its own: some servers look through all of one for every listing."""
    alone = replace(bucket, name=f"cut-{uuid4().hex}")
    bucket.kind.make_bucket(bucket.address, alone.name)
    return alone


def upload(files: Mapping[str, bytes], bucket: Bucket) -> None:
    """Put files into a bucket."""
    for handle, content in files.items():
        bucket.put(handle, content)


def files_in(bucket: Bucket) -> Files:
    """Every object of a store."""
    return {key: bucket.get(key) for key in bucket.list()}


def states(files: Mapping[str, bytes], history: list[Change], bucket: Bucket) -> Iterator[Files]:
    """What a store was like after each request that changed it, from its first `files` on."""
    there = dict(files)
    for change in history:
        if change.status < 300:
            _carry_out(change, bucket, there)
            yield there


def _carry_out(change: Change, bucket: Bucket, there: Files) -> None:
    keys = [_key(target.decode(), bucket) for target in _BATCHED_RE.findall(change.body)]
    if change.method == "POST":
        for key in keys:
            there.pop(key, None)
    elif change.method == "DELETE":
        there.pop(_key(change.target, bucket), None)
    else:
        assert change.method == "PUT"
        there[_key(change.target, bucket)] = change.body


def _key(target: str, bucket: Bucket) -> str:
    path, _, key = unquote(target.partition("?")[0]).partition(f"/{bucket.name}/{bucket.prefix}/")
    assert key, path
    return key


@dataclass(slots=True)
class BucketPlay:
    """An act on a store in a bucket, reached through a proxy; processes come and go, and every state is looked at.

    `errors` are those that runs stopped with; `requests` is how many changed something since the proxy was told last.
    """

    act: Act
    bucket: Bucket
    proxy: FaultProxy
    crew: BriskCrew = field(default_factory=lambda: BriskCrew(LATER))
    watcher: Watcher = field(init=False)
    before: Files = field(init=False)
    errors: list[SeamlineError] = field(default_factory=list)
    done: bool = False
    requests: int = 0

    def __post_init__(self) -> None:
        upload(self.act.files, self.bucket)
        self.before = dict(self.act.files)
        self.watcher = self.act.watcher()

    @property
    def operations(self) -> Operations:
        """Those of a new process."""
        return operations_for(self.bucket.url, self.crew.next())

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look at every state that the store goes through in the block; the proxy was told to keep the history."""
        try:
            yield
        finally:
            happened = self.proxy.happened()
            self.requests = happened.methods.get("mutating", 0)
            for state in states(self.before, happened.history, self.bucket):
                self.watcher.look(state)
            self.before = files_in(self.bucket)
            self.watcher.look(self.before)

    def tries(self, act: Callable[[Operations], object]) -> bool:
        """Whether a new process that acts came to its end; the error it stopped with is put into `errors`."""
        with self.watched():
            try:
                act(self.operations)
            except SeamlineError as error:
                self.errors.append(error)
                return False
        return True

    def calm(self) -> None:
        """Nothing goes wrong from now on."""
        self.proxy.certainly(history=True)

    @property
    def began(self) -> bool:
        """Whether the intent stands, as far as the last look saw."""
        return len(_pieces(self.before, "intent.json")) > len(_pieces(self.act.files, "intent.json"))

    @property
    def interrupted(self) -> frozenset[str]:
        """The operations that wait."""
        return _pieces(self.before, "intent.json") - _pieces(self.before, "outcome.json")

    def ends_well(self, where: str) -> None:
        """Without any more faults the act is finished, and leaves what an undisturbed run leaves."""
        self.calm()
        with self.watched():
            self.operations.resume()
        if not self.began:
            with self.watched():
                self.act.do(self.operations)
        self.check_done(where)

    def check_done(self, where: str) -> None:
        """Nothing waits, and the store is what an undisturbed run leaves."""
        assert not self.interrupted, where
        ends = [content.decode() for handle, content in self.before.items() if handle.endswith(".outcome.json")]
        assert end_state(self.before) == end_state(self.act.after), f"{where}: {ends}"

    def goes_on(self) -> Iterator[int]:
        """0, 1, … as long as the act is not done."""
        for run in range(_MOST_RUNS):
            yield run
            if self.done:
                return
        raise AssertionError(f"not done after {_MOST_RUNS} runs: {self.errors[-1]}")

    def goes_through(self) -> None:
        """One more run, a resumption where something waits."""
        self.done = self.tries(Operations.resume if self.interrupted else self.act.do)
        self.done = self.done or (self.began and not self.interrupted)


def _pieces(files: Mapping[str, bytes], piece: str) -> frozenset[str]:
    """The operations of which such a piece is in the journal."""
    ends = f".{piece}"
    return frozenset(handle.removesuffix(ends) for handle in files if handle.endswith(ends))
