"""Whether a store can be written, tried beside what belongs to it: below `STAGED_FOLDER`, never in `metadata/`.

A small file is made, made again (which must fail), looked for in the listing of its folder, read back, moved and thrown
away. Nothing of it stays, unless it can't be thrown away: then that is told. It takes no lease and harms nobody who
holds it: every name is fresh.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from core.errors import AlreadyThere, SeamlineError, Stopped, WriteFailed
from core.host import Machine
from core.names import OWN_FOLDER, STAGED_FOLDER
from core.storage.protocol import HandleUnreadable, StoreReader
from core.storage.writing import StoreWriter, Tidy

_CONTENT: Final = b"Seamline tries here whether this storage can be written. It can be thrown away.\n"
#: Where it is tried; the random digits of each try follow.
_PREFIX: Final = f"{STAGED_FOLDER}/doctor-"


@dataclass(frozen=True, slots=True)
class Tried:
    """One step: how many seconds it took, and why it failed; `error` is None where it went well."""

    seconds: float
    error: SeamlineError | HandleUnreadable | None = None


@dataclass(frozen=True, slots=True)
class WriteTrial:
    """What became of each step; None for a step that was not tried since one before it failed.

    `overwrites`: making a file anew replaced it. `listed` and `gone`: whether the listing of its folder had the fresh
    file, and had it no more once it was thrown away. `modified`, `before` and `after` are unix seconds: the time that
    the storage gave the file, and this machine's clock around its making. `left` are handles that could not be removed.
    """

    made: Tried
    overwrites: bool = False
    listed: bool | None = None
    read: Tried | None = None
    modified: float | None = None
    before: float = 0.0
    after: float = 0.0
    flushed: Tried | None = None
    moved: Tried | None = None
    dropped: Tried | None = None
    gone: bool | None = None
    left: tuple[str, ...] = ()


def try_writing(
    reader: StoreReader, writer: StoreWriter, machine: Machine, stopped: Callable[[], bool] = lambda: False
) -> WriteTrial:
    """Try each kind of write. Raises nothing but `Stopped` and what interrupts it, and cleans up even then.

    `stopped` is asked between two steps whether somebody wants no more.
    """
    folder = f"{_PREFIX}{machine.fresh_id()}"
    trial = _Trial(reader, writer, machine, folder, _missing_folders(reader), stopped)
    try:
        return trial.run()
    finally:
        trial.sweep()


def _missing_folders(reader: StoreReader) -> bool:
    """Whether this tool has no folder for what waits there yet, so that it is to be gone again."""
    with suppress(SeamlineError):
        return STAGED_FOLDER not in {each.handle for each in reader.list_folder(OWN_FOLDER)}
    return False


@dataclass(slots=True)
class _Trial:
    reader: StoreReader
    writer: StoreWriter
    machine: Machine
    folder: str
    is_first: bool
    stopped: Callable[[], bool]
    there: set[str] = field(default_factory=set)
    swept: bool = False

    def run(self) -> WriteTrial:
        source, target = f"{self.folder}/probe", f"{self.folder}/moved"
        self.there.add(source)
        before = self.machine.now()
        made = self._tried(lambda: self.writer.create(source, _CONTENT))
        trial = WriteTrial(made, before=before, after=self.machine.now())
        if made.error is not None:
            return trial
        trial = replace(
            trial,
            overwrites=self._overwrites(source),
            listed=self._is_listed(source),
            read=self._tried(lambda: self._read(source)),
            modified=self._modified(source),
            flushed=self._tried(lambda: self.writer.flush(self.folder)),
        )
        self.there.add(target)
        moved = self._tried(lambda: self.writer.move(source, target))
        last = source if moved.error is not None else target
        dropped = self._tried(lambda: self.writer.discard(last))
        gone = None if dropped.error is not None else not self._is_listed(last)
        self.sweep()
        return replace(trial, moved=moved, dropped=dropped, gone=gone, left=tuple(sorted(self.there)))

    def sweep(self) -> None:
        """Take away what is left, and the folders, where a storage has such; once."""
        if self.swept:
            return
        self.swept = True
        for handle in sorted(self.there):
            with suppress(SeamlineError):
                self.writer.discard(handle)
                self.there.discard(handle)
        with suppress(SeamlineError):
            self.writer.discard(self.folder)
        if self.is_first and isinstance(self.writer, Tidy):
            with suppress(SeamlineError):
                self.writer.tidy()

    def _tried(self, step: Callable[[], None]) -> Tried:
        if self.stopped():
            raise Stopped("stopped while the storage was tried", hint="run it again")
        began = self.machine.elapsed()
        error: SeamlineError | HandleUnreadable | None = None
        try:
            step()
        except (SeamlineError, HandleUnreadable) as failed:
            error = failed
        return Tried(self.machine.elapsed() - began, error)

    def _overwrites(self, source: str) -> bool:
        try:
            self.writer.create(source, _CONTENT)
        except AlreadyThere:
            return False
        except SeamlineError:
            # What is not known is not held against the storage.
            return False
        return True

    def _is_listed(self, handle: str) -> bool | None:
        with suppress(SeamlineError):
            return handle in {each.handle for each in self.reader.list_folder(self.folder)}
        return None

    def _read(self, handle: str) -> None:
        with self.reader.open(handle) as stream:
            if stream.read(len(_CONTENT) + 1) != _CONTENT:
                raise WriteFailed("what was read back is not what was written", hint="do not write to this storage")

    def _modified(self, handle: str) -> float | None:
        with suppress(HandleUnreadable):
            return self.reader.stat(handle).modified
        return None
