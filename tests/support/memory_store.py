"""A whole store in memory, read and written, with what a loss of power may do to it; and one that fails on demand.

`MemoryStore` stands for a folder of a journaling file system whose writer flushes contents before it names them.
`FaultyStore` counts the changes made through it and lets the k-th go wrong.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import BinaryIO, Final, Literal, TypeAlias

from core.errors import AlreadyThere, OutcomeUnknown, WriteFailed
from core.names import OWN_FOLDER, STAGED_FOLDER, handle_problem
from core.storage.protocol import HandleUnreadable, Listed, ListedKind
from core.storage.writing import Tagged
from tests.support.stores import MemoryReader


@dataclass(slots=True, eq=False)
class _File:
    """Bytes that one or more names stand for; only the first `lasting` of them are on disk."""

    content: bytes
    lasting: int


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of names in one step that is not on disk yet: `drops` goes, and `makes` comes to stand for `file`."""

    drops: str | None
    makes: str | None
    file: _File

    @property
    def handles(self) -> frozenset[str]:
        return frozenset(handle for handle in (self.drops, self.makes) if handle is not None)


class _Contents(Mapping[str, bytes]):
    """What the names stand for, as `{handle: content}`."""

    def __init__(self, names: dict[str, _File]) -> None:
        self._names = names

    def __getitem__(self, handle: str) -> bytes:
        return self._names[handle].content

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, handle: object) -> bool:
        return handle in self._names


class MemoryStore(MemoryReader):
    """A `StoreReader`, `StoreWriter` and `ConditionalStore` over `{handle: content}`, all of which is on disk at first.

    Names that are made, moved or taken away last once their folder is flushed; a move is one change of both its
    folders. What is appended never lasts for certain. A swapped object lasts at once.
    """

    def __init__(
        self,
        files: Mapping[str, bytes] | None = None,
        *,
        kinds: Mapping[str, ListedKind] | None = None,
        faults: Mapping[str, HandleUnreadable] | None = None,
        one_device: bool = True,
        at_once: int = 1,
    ) -> None:
        super().__init__({}, kinds=kinds, faults=faults, one_device=one_device)
        self.at_once = at_once
        self._names = {handle: _File(content, len(content)) for handle, content in (files or {}).items()}
        self._on_disk = dict(self._names)
        self._pending: list[_Change] = []
        self._files = _Contents(self._names)
        self._tags: dict[str, int] = {}
        self._guard = threading.RLock()

    @property
    def peculiarity(self) -> str:
        return ""

    @property
    def files(self) -> dict[str, bytes]:
        """Everything that is there now."""
        with self._guard:
            return dict(self._files)

    def list_folder(self, folder: str) -> list[Listed]:
        with self._guard:
            return super().list_folder(folder)

    # The write half.

    def create(self, handle: str, content: bytes) -> None:
        with self._guard:
            self._require_free(handle, f"{handle} was not made")
            self._apply(_Change(None, handle, _File(bytes(content), len(content))))

    def link(self, source: str, handle: str) -> None:
        undone = f"{handle} was not made from {source}"
        with self._guard:
            _require_below(OWN_FOLDER, source, undone)
            file = self._file(source, undone)
            self._require_free(handle, undone)
            self._apply(_Change(None, handle, file))

    def move(self, source: str, target: str) -> None:
        undone = f"{source} was not moved to {target}"
        with self._guard:
            file = self._file(source, undone)
            if source != target and self._names.get(target) is file:
                self._flush({target})
                self._apply(_Change(source, None, file))
                return
            self._require_free(target, undone)
            self._apply(_Change(source, target, file))

    def append(self, handle: str, content: bytes) -> None:
        undone = f"nothing was added to {handle}"
        with self._guard:
            _require_below(OWN_FOLDER, handle, undone)
            if handle not in self._names:
                self._require_free(handle, undone)
                self._apply(_Change(None, handle, _File(b"", 0)))
            file = self._file(handle, undone)
            if sum(each is file for each in self._names.values()) != 1:
                raise WriteFailed(f"{undone}: it is not a plain file with one name")
            file.content += content

    def flush(self, folder: str) -> None:
        with self._guard:
            if folder:
                _require_sound(folder, f"{folder} was not flushed")
            self._flush({each for change in self._pending for each in change.handles if _folder_of(each) == folder})

    def discard(self, handle: str) -> None:
        undone = f"{handle} was not thrown away"
        with self._guard:
            _require_below(STAGED_FOLDER, handle, undone)
            if any(each.startswith(f"{handle}/") for each in self._names):
                raise WriteFailed(f"{undone}: the folder is not empty")
            if handle in self._names:
                self._apply(_Change(handle, None, self._names[handle]))

    # The small object that is changed as it was seen.

    def load(self, handle: str, limit: int) -> Tagged | None:
        with self._guard:
            file = self._names.get(handle)
            return Tagged(file.content[: limit + 1], self._tag(handle)) if file else None

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        undone = f"{handle} was not replaced"
        with self._guard:
            _require_sound(handle, undone)
            if (self._tag(handle) if handle in self._names else None) != tag:
                raise AlreadyThere(f"{undone}: another version stands there")
            self._names[handle] = self._on_disk[handle] = _File(bytes(content), len(content))
            self._tags[handle] = self._tags.get(handle, 0) + 1
            return self._tag(handle)

    def _tag(self, handle: str) -> str:
        return f"version {self._tags.get(handle, 0)}"

    # What is on disk.

    def power_loss(self, rng: Random) -> MemoryStore:
        """The store as it may be after the power went: a new one, this one stays as it is.

        Any set of the changes of names since the last flush is lost, for no file system promises their order, except
        that a change is lost with the one that it builds on. Of appended bytes a part is left, and where the length
        was on disk before the bytes, zeros are in place of the rest.
        """
        share = rng.choice((0.0, 0.5, 0.5, 1.0))
        with self._guard:
            names = dict(self._on_disk)
            lost: set[str] = set()
            for change in self._pending:
                if lost & change.handles or rng.random() < share:
                    lost |= change.handles
                else:
                    _carry_out(change, names)
            left = {file: _after_power_loss(file, rng) for file in dict.fromkeys(names.values())}
            after = MemoryStore(
                kinds=self._kinds, faults=self._faults, one_device=self._one_device, at_once=self.at_once
            )
            after._names.update({handle: left[file] for handle, file in names.items()})
            after._on_disk.update(after._names)
            after._tags.update(self._tags)
            return after

    @property
    def unflushed(self) -> int:
        """How many changes of names a loss of power may still undo."""
        return len(self._pending)

    def give_both_names(self, source: str, target: str) -> None:
        """What a move leaves behind that is cut off in the middle."""
        undone = f"{source} was not moved to {target}"
        with self._guard:
            file = self._file(source, undone)
            self._require_free(target, undone)
            self._apply(_Change(None, target, file))

    def _apply(self, change: _Change) -> None:
        _carry_out(change, self._names)
        self._pending.append(change)

    def _flush(self, handles: set[str]) -> None:
        """Put the changes of `handles` on disk, and those before them that they build on."""
        chosen = set(handles)
        staying: list[_Change] = []
        lasting: list[_Change] = []
        for change in reversed(self._pending):
            if chosen & change.handles:
                chosen |= change.handles
                lasting.append(change)
            else:
                staying.append(change)
        for change in reversed(lasting):
            _carry_out(change, self._on_disk)
        self._pending = staying[::-1]

    def _file(self, handle: str, undone: str) -> _File:
        _require_sound(handle, undone)
        if handle in self._kinds:
            raise WriteFailed(f"{undone}: it is not a plain file")
        if handle not in self._names:
            raise WriteFailed(f"{undone}: there is no such file")
        return self._names[handle]

    def _require_free(self, handle: str, undone: str) -> None:
        _require_sound(handle, undone)
        taken = (*self._names, *self._kinds)
        if handle in taken or any(each.startswith(f"{handle}/") for each in taken):
            raise AlreadyThere(f"{undone}: the name is taken", hint="look at what stands there")
        above = [handle[:end] for end, letter in enumerate(handle) if letter == "/"]
        if any(each in self._names for each in above):
            raise WriteFailed(f"{undone}: a part of its path is a link or no folder")


def _carry_out(change: _Change, names: dict[str, _File]) -> None:
    if change.drops is not None:
        names.pop(change.drops, None)
    if change.makes is not None:
        names[change.makes] = change.file


def _after_power_loss(file: _File, rng: Random) -> _File:
    length = rng.randint(file.lasting, len(file.content))
    zeros = rng.choice((0, 0, len(file.content) - length))
    content = file.content[:length] + bytes(zeros)
    return _File(content, len(content))


def _require_sound(handle: str, undone: str) -> None:
    problem = handle_problem(handle)
    if problem:
        raise WriteFailed(f"{undone!r}: as a handle, {problem}")


def _require_below(folder: str, handle: str, undone: str) -> None:
    _require_sound(handle, undone)
    if not handle.startswith(f"{folder}/"):
        raise WriteFailed(f"{undone}: it is none of Seamline's own files below {folder}/")


def _folder_of(handle: str) -> str:
    return handle.rpartition("/")[0]


class Crashed(BaseException):
    """The process that used the store is no more; nothing that it does after this happens."""


Mode: TypeAlias = Literal["before", "after", "torn", "full", "crash", "crash-after"]
MODES: Final[tuple[Mode, ...]] = ("before", "after", "torn", "full", "crash", "crash-after")
_NEEDS_SPACE: Final = frozenset({"create", "append", "link"})


@dataclass(slots=True)
class FaultyStore:
    """A `MemoryStore` of which the k-th change (from 1; 0 for none) goes wrong. Reading works until a crash.

    before: `WriteFailed`, nothing happened. after: `OutcomeUnknown`, it happened. torn: `OutcomeUnknown`; of an append
    half is there, a moved file has both names, of anything else nothing happened. full: from then on nothing can be
    created, appended or linked. crash, crash-after: it has not happened, or it has, and from then on every call raises
    `Crashed`. `done` are the changes asked for so far, as (method, handles …).
    """

    store: MemoryStore
    at: int = 0
    mode: Mode = "before"
    done: list[tuple[str, ...]] = field(default_factory=list)
    has_crashed: bool = False
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @property
    def changes(self) -> int:
        """How many changes were asked for."""
        return len(self.done)

    @property
    def at_once(self) -> int:
        return self.store.at_once

    @property
    def peculiarity(self) -> str:
        return self.store.peculiarity

    def create(self, handle: str, content: bytes) -> None:
        self._change(("create", handle), lambda: self.store.create(handle, content))

    def link(self, source: str, handle: str) -> None:
        self._change(("link", source, handle), lambda: self.store.link(source, handle))

    def move(self, source: str, target: str) -> None:
        def half() -> None:
            self.store.give_both_names(source, target)

        self._change(("move", source, target), lambda: self.store.move(source, target), half)

    def append(self, handle: str, content: bytes) -> None:
        def half() -> None:
            self.store.append(handle, content[: len(content) // 2])

        self._change(("append", handle), lambda: self.store.append(handle, content), half)

    def flush(self, folder: str) -> None:
        self._change(("flush", folder), lambda: self.store.flush(folder))

    def discard(self, handle: str) -> None:
        self._change(("discard", handle), lambda: self.store.discard(handle))

    def swap(self, handle: str, content: bytes, tag: str | None) -> str:
        tags: list[str] = []
        self._change(("swap", handle), lambda: tags.append(self.store.swap(handle, content, tag)))
        return tags[0]

    def load(self, handle: str, limit: int) -> Tagged | None:
        return self._alive().load(handle, limit)

    @property
    def location(self) -> str:
        return self._alive().location

    def list_folder(self, folder: str) -> list[Listed]:
        return self._alive().list_folder(folder)

    def read_many(self, folder: str, names: Iterable[str], limit: int) -> Iterator[bytes | HandleUnreadable]:
        return self._alive().read_many(folder, names, limit)

    def stat(self, handle: str) -> Listed:
        return self._alive().stat(handle)

    def open(self, handle: str) -> BinaryIO:
        return self._alive().open(handle)

    async def read(self, handle: str, limit: int) -> bytes:
        return await self._alive().read(handle, limit)

    def may_change(self, folder: str) -> bool:
        return True

    def on_one_device(self) -> bool:
        return self._alive().on_one_device()

    def _alive(self) -> MemoryStore:
        if self.has_crashed:
            raise Crashed
        return self.store

    def _change(self, what: tuple[str, ...], do: Callable[[], None], half: Callable[[], None] | None = None) -> None:
        with self._guard:
            self._alive()
            self.done.append(what)
            if self.mode == "full" and 0 < self.at <= len(self.done) and what[0] in _NEEDS_SPACE:
                raise WriteFailed(f"{' '.join(what)} was not done: the disk is full", hint="make room")
            if len(self.done) != self.at or self.mode == "full":
                do()
                return
            self._go_wrong(what, do, half)

    def _go_wrong(self, what: tuple[str, ...], do: Callable[[], None], half: Callable[[], None] | None) -> None:
        told = f"{' '.join(what)} goes wrong: {self.mode}"
        if self.mode == "before":
            raise WriteFailed(told)
        if self.mode in ("after", "crash-after"):
            do()
        if self.mode == "torn" and half is not None:
            half()
        if self.mode in ("crash", "crash-after"):
            self.has_crashed = True
            raise Crashed(told)
        raise OutcomeUnknown(told)
