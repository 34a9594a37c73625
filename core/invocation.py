"""Commands as values, ours and stock's: what is to be run is decided as one, and becomes a line at the edge alone.

`Flag` is the one table of options: the command line is built from it, and so is every line that is shown. A field that
has its usual value, which is what the command line takes where nothing is said, is not spelled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from enum import Enum, StrEnum
from typing import Any, ClassVar, Final, Self

from core.lease_choice import AS_USUAL, LeaseChoice
from core.phrases import command

#: Stock's program, as it is called from a shell.
STOCK_PROGRAM: Final = "aptos-db-tool"
#: Stands for a store whose place is filled in by `Invocation.at`.
ANY_STORE: Final = "STORE"


class Flag(StrEnum):
    """An option of our commands, as it is typed."""

    ACCEPT_OTHER_STORE = "--accept-other-store"
    ACCEPT_SHRUNK_LISTING = "--accept-shrunk-listing"
    ACCEPT_UNUSED_CHOICES = "--accept-unused-choices"
    DRY_RUN = "--dry-run"
    EPOCH_ENDING_FACTOR = "--epoch-ending-file-compact-factor"
    HISTORY_START = "--ledger-history-start-version"
    IF_PLAN = "--if-plan"
    JSON = "--json"
    LEASE = "--lease"
    LEASE_STORE = "--lease-store"
    LEVEL = "--level"
    MANIFESTS = "--manifests"
    PARK_TAIL = "--park-tail"
    PIN = "--pin"
    PLAN = "--plan"
    POLICY = "--policy"
    REMOVE_AFTER = "--remove-compacted-file-after"
    STATE_SNAPSHOT_FACTOR = "--state-snapshot-file-compact-factor"
    TARGET = "--target-version"
    TRANSACTION_FACTOR = "--transaction-file-compact-factor"
    VETO = "--veto"
    WAIT = "--wait"
    YES = "--yes"


def option(flag: Flag, usual: Any = None) -> Any:
    """A field of a frozen dataclass that is spelled as an option: alone if it is True, once for each of several."""
    return field(default=usual, metadata={"flag": flag})


def argument(usual: Any = None) -> Any:
    """A field that is spelled as a word of its own; None is not."""
    return field(default=usual, metadata={"flag": None})


def words_of(options: object) -> tuple[str, ...]:
    """The words that say the same as a dataclass of options; fields that are none have no word."""
    return tuple(_words(options))


def _words(options: Any) -> Iterator[str]:
    for each in fields(options):
        value = getattr(options, each.name)
        if isinstance(value, LeaseChoice):
            yield from _lease_words(value)
        elif is_dataclass(value):
            yield from _words(value)
        elif "flag" in each.metadata and value is not None and value != each.default:
            yield from _spelled(each.metadata["flag"], value)


def _lease_words(lease: LeaseChoice) -> tuple[str, ...]:
    if lease.on_host:
        return (Flag.LEASE.value, "host")
    return () if lease.store is None else (Flag.LEASE_STORE.value, lease.store)


def _spelled(flag: Flag | None, value: Any) -> Iterator[str]:
    several = sorted(value) if isinstance(value, frozenset) else value if isinstance(value, tuple) else (value,)
    for each in several:
        if flag is not None:
            yield flag.value
        if each is not True:
            yield str(each.value if isinstance(each, Enum) else each)


class Command:
    """A command as a value; `str` is the line, quoted to paste."""

    __slots__ = ()

    def words(self) -> tuple[str, ...]:
        """The program, the command, and what is said to it."""
        raise NotImplementedError

    def __str__(self) -> str:
        return command(*self.words())


@dataclass(frozen=True, slots=True)
class Invocation(Command):
    """One of our commands on the store at `location`, as an operator named it."""

    NAME: ClassVar[str]

    location: str = ANY_STORE

    def words(self) -> tuple[str, ...]:
        """The program, the command, and what is said to it."""
        return ("seamline", self.NAME, self.location, *_words(self))

    def at(self, location: str, lease: LeaseChoice = AS_USUAL) -> Self:
        """The same where a store lies whose place was not known, with the lease where that lies, unless it is said."""
        there = {} if self.location != ANY_STORE else {"location": location}
        leased = {"lease": lease} if getattr(self, "lease", None) == AS_USUAL else {}
        return replace(self, **there, **leased)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Open(Invocation):
    """The app."""

    NAME = "open"
    lease: LeaseChoice = AS_USUAL


@dataclass(frozen=True, slots=True)
class Check(Invocation):
    """A look, at the usual level or a deeper one."""

    NAME = "check"
    level: int | None = option(Flag.LEVEL)
    manifests: str = option(Flag.MANIFESTS, "all")
    accept_shrunk_listing: bool = option(Flag.ACCEPT_SHRUNK_LISTING, False)
    accept_other_store: bool = option(Flag.ACCEPT_OTHER_STORE, False)
    json: bool = option(Flag.JSON, False)


@dataclass(frozen=True, slots=True)
class RestorePlan(Invocation):
    """What stock would restore; `wishes` is a `RestoreOptions`, as in all that chooses between manifests."""

    NAME = "restore-plan"
    wishes: object = None
    json: bool = option(Flag.JSON, False)


@dataclass(frozen=True, slots=True)
class Overlay(Invocation):
    """Write an overlay into a new folder."""

    NAME = "overlay"
    folder: str | None = argument()
    wishes: object = None


@dataclass(frozen=True, slots=True)
class Compact(Invocation):
    """A compaction; `options` is a `CompactionOptions`."""

    NAME = "compact"
    options: object = None
    lease: LeaseChoice = AS_USUAL
    dry_run: bool = option(Flag.DRY_RUN, False)
    yes: bool = option(Flag.YES, False)
    plan_id: str | None = option(Flag.IF_PLAN)
    json: bool = option(Flag.JSON, False)


@dataclass(frozen=True, slots=True)
class Repair(Invocation):
    """A repair: previewed, or that of a plan, by its id or in the file `plan`."""

    NAME = "repair"
    wishes: object = None
    park_tail: bool = option(Flag.PARK_TAIL, False)
    lease: LeaseChoice = AS_USUAL
    accept_unused: bool = option(Flag.ACCEPT_UNUSED_CHOICES, False)
    dry_run: bool = option(Flag.DRY_RUN, False)
    yes: bool = option(Flag.YES, False)
    plan_id: str | None = option(Flag.IF_PLAN)
    plan: str | None = option(Flag.PLAN)
    json: bool = option(Flag.JSON, False)


@dataclass(frozen=True, slots=True)
class Undo(Invocation):
    """Take back an operation."""

    NAME = "undo"
    operation: str | None = argument()
    lease: LeaseChoice = AS_USUAL
    yes: bool = option(Flag.YES, False)
    plan_id: str | None = option(Flag.IF_PLAN)


@dataclass(frozen=True, slots=True)
class Resume(Invocation):
    """Finish what was interrupted, once the lease is free, for which it waits so long: `5m`."""

    NAME = "resume"
    wait: str | None = option(Flag.WAIT)
    lease: LeaseChoice = AS_USUAL


@dataclass(frozen=True, slots=True)
class Log(Invocation):
    """The journal."""

    NAME = "log"
    lease: LeaseChoice = AS_USUAL
    json: bool = option(Flag.JSON, False)


@dataclass(frozen=True, slots=True)
class Lock(Invocation):
    """The lease: `show`, `release` or `break`, the latter with its owner."""

    NAME = "lock"
    action: str | None = argument()
    owner: str | None = argument()
    lease: LeaseChoice = AS_USUAL


@dataclass(frozen=True, slots=True)
class Doctor(Invocation):
    """Whether a storage can be trusted."""

    NAME = "doctor"
    lease: LeaseChoice = AS_USUAL


@dataclass(frozen=True, slots=True)
class StockBackup(Command):
    """Back up once: `what` of `from_` on, in stock's words for it; `storage` are those for where the store lies."""

    what: str
    limits: tuple[tuple[str, int], ...]
    storage: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        """As `backup oneoff` takes them."""
        limits = (word for flag, value in self.limits for word in (flag, str(value)))
        return (STOCK_PROGRAM, "backup", "oneoff", self.what, *limits, *self.storage)


@dataclass(frozen=True, slots=True)
class StockRestore(Command):
    """Restore up to `target` through the adapter at `adapter`, into a database that the operator names."""

    adapter: str
    target: int
    history: int | None = None

    def words(self) -> tuple[str, ...]:
        """As `restore bootstrap-db` takes them."""
        history = () if self.history is None else ("--ledger-history-start-version", str(self.history))
        return (
            *(STOCK_PROGRAM, "restore", "bootstrap-db", "--command-adapter-config", self.adapter),
            *("--target-version", str(self.target), *history, "--target-db-dir", "NEW_DB_DIR"),
        )


class Advice:
    """A sentence with commands in it, for a hint; the commands stay values until it is said."""

    def __init__(self, *parts: str | Invocation | Advice) -> None:
        self._parts = parts

    def at(self, location: str, lease: LeaseChoice) -> Advice:
        """The same with its commands where a store and its lease lie."""
        return Advice(*(part if isinstance(part, str) else part.at(location, lease) for part in self._parts))

    def __str__(self) -> str:
        return "".join(map(str, self._parts))
