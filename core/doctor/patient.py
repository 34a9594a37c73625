"""The store that a doctor looks at: what several checks share, each asked for or tried once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from enum import Flag, auto
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.errors import SeamlineError, Stopped
from core.host import Machine
from core.invocation import Doctor
from core.lease_choice import AS_USUAL, LeaseChoice
from core.storage import StoreReader
from core.storage.command.config import CommandConfig
from core.storage.protocol import Listed, ListedKind

if TYPE_CHECKING:
    from core.changes.probing import WriteTrial
    from core.operations import Operations


class StoreKind(Flag):
    """How a store is reached; checks say to which kinds they apply."""

    FOLDER = auto()
    BUCKET = auto()
    ADAPTER = auto()


ANY = StoreKind.FOLDER | StoreKind.BUCKET | StoreKind.ADAPTER


class DoctorWatch(Protocol):
    """Who follows a doctor."""

    def tell(self, what: str) -> None:
        """Told what is looked at next."""

    def stopped(self) -> bool:
        """Whether to stop."""

    def undisturbed(self) -> AbstractContextManager[object]:
        """A block that nobody cuts short: something is tried in it, and taken away again."""


class Unwatched:
    """Nobody follows."""

    def tell(self, what: str) -> None:
        """Ignored."""

    def stopped(self) -> bool:
        """Never."""
        return False

    def undisturbed(self) -> AbstractContextManager[object]:
        """Nothing comes in between anyway."""
        return nullcontext()


@dataclass(frozen=True, slots=True)
class Listing:
    """`metadata/` as it was listed, and how many seconds that took."""

    listed: tuple[Listed, ...]
    seconds: float

    @property
    def files(self) -> Sequence[Listed]:
        """The files, without what stands there besides."""
        return [each for each in self.listed if each.kind is ListedKind.FILE]

    @property
    def handles(self) -> frozenset[str]:
        """All handles."""
        return frozenset(each.handle for each in self.listed)


@dataclass(eq=False)
class Patient:
    """One store. `open_reader` and `open_operations` raise where it can't be had at all.

    `lease` is what the operator typed of where its lease lies. `path` is its folder, or an adapter's YAML, None for a
    bucket; `own_folders` are where this tool keeps what it knows; `known_names` those that an earlier look saw in
    `metadata/`; `environment` the variables that commands are run with; `config` an adapter's configuration.
    """

    location: str
    kind: StoreKind
    open_reader: Callable[[], StoreReader]
    open_operations: Callable[[], Operations]
    machine: Machine
    lease: LeaseChoice = AS_USUAL
    path: Path | None = None
    own_folders: tuple[Path, ...] = ()
    known_names: frozenset[str] = frozenset()
    environment: frozenset[str] = frozenset()
    watch: DoctorWatch = field(default_factory=Unwatched)
    config: CommandConfig | None = None

    @cached_property
    def reader(self) -> StoreReader:
        """The store for reading."""
        return self.open_reader()

    @cached_property
    def operations(self) -> Operations:
        """The store for writing."""
        return self.open_operations()

    @cached_property
    def first(self) -> Listing:
        """The first listing of `metadata/`. Raises `StoreUnreachable` and `UsageError`."""
        return self.list_metadata()

    @cached_property
    def trial(self) -> WriteTrial | SeamlineError:
        """What became of trying to write, or why that could not even be tried."""
        with self.watch.undisturbed():
            try:
                self.operations.require_lease()
            except SeamlineError as refused:
                return refused
            trial = self.operations.try_writing(self.watch.stopped)
        self.heed()
        return trial

    def list_metadata(self) -> Listing:
        """Ask for the listing of `metadata/` anew."""
        began = self.machine.elapsed()
        listed = tuple(self.reader.list_folder("metadata"))
        return Listing(listed, self.machine.elapsed() - began)

    def heed(self) -> None:
        """Raises `Stopped` once somebody wants no more."""
        if self.watch.stopped():
            raise Stopped("stopped before everything was looked at: no answer is given", hint=self.again)

    @property
    def again(self) -> str:
        """The command that examines this store once more."""
        return str(Doctor(self.location, self.lease))
