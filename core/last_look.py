"""What the last look at a store saw, kept outside the store: a listing that shrank is an error, never a fact.

Compared are the names in `metadata/` alone. Whoever moves a file says where to: a name that stands in
`metadata_backup/` or `metadata_quarantine/`, or that the journal says was taken away, is accounted for
(`recovery.md`, "Facts that shape everything", 8). The memory is a help and no part of a store: where it can't be
read or written everything works as if this were the first look.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from core.changes.bundle import BundleFault, marks_in_bundle
from core.changes.marks import FileMark
from core.changes.model import OperationKind
from core.errors import SeamlineError, StoreUnreachable
from core.journal import OperationState, read_log
from core.phrases import command, count, listed, shown
from core.snapshot import Snapshot
from core.storage import folder_of
from core.storage.protocol import StoreReader

#: A store with more names, or a memory of more bytes, is not remembered.
MAX_NAMES: Final = 500_000
MAX_BYTES: Final = 64 << 20
#: Where findings advise to put what stock must not see.
QUARANTINE: Final = "metadata_quarantine"
_VERSION: Final = 1
#: What is added to a name that was taken in `metadata_backup/`.
_NUMBER_RE: Final = re.compile(r"\.[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class LastLooks:
    """One small file for each store in `folder`, readable for its owner alone."""

    folder: Path

    def names_of(self, location: str) -> frozenset[str]:
        """The names that the last look at a store saw in `metadata/`; none if that is not known."""
        store = _store(location)
        with suppress(OSError, ValueError, RecursionError):
            path = self._path(store)
            if path.stat().st_size <= MAX_BYTES:
                return _names(json.loads(path.read_bytes()), store)
        return frozenset()

    def remember(self, snapshot: Snapshot, before: Collection[str] = ()) -> None:
        """Replace what is remembered of a store, in one step; nothing is written if that was `before`.

        A look that could not see everything is not remembered.
        """
        names = names_in(snapshot)
        if not can_tell(snapshot) or names == before:
            return
        if len(names) > MAX_NAMES:
            self.forget(snapshot.location)
            return
        store = _store(snapshot.location)
        content = json.dumps({"v": _VERSION, "store": store, "names": sorted(names)}, separators=(",", ":"))
        with suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._path(store)
            draft = path.with_suffix(f".{os.getpid()}.new")
            try:
                _write(draft, content.encode())
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)

    def forget(self, location: str) -> None:
        """Remember nothing of a store."""
        with suppress(OSError):
            self._path(_store(location)).unlink(missing_ok=True)

    def _path(self, store: str) -> Path:
        digest = blake2b(store.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
        return self.folder / f"{digest}.json"


def compared(snapshot: Snapshot, reader: StoreReader, before: Collection[str]) -> tuple[str, ...]:
    """The handles of `before` (names in `metadata/`) that are gone without an account, sorted.

    Of a look that was stopped, or could not see `metadata_backup/`, nothing is said.
    """
    if not before or not can_tell(snapshot):
        return ()
    missing = set(before) - names_in(snapshot)
    for account in (_set_aside, _quarantined, _journaled):
        if missing:
            missing -= set(account(snapshot, reader))
    return tuple(f"metadata/{name}" for name in sorted(missing))


def can_tell(snapshot: Snapshot) -> bool:
    """Whether a look saw all there is to see."""
    return snapshot.complete and not any(file.handle == "metadata_backup" for file in snapshot.retired.files)


def names_in(snapshot: Snapshot) -> set[str]:
    """The names in `metadata/`."""
    return {file.listed.name for file in snapshot.index.files}


def require_not_shrunk(snapshot: Snapshot) -> None:
    """Raises `StoreUnreachable` where files are gone since the last look: nothing is planned on such a listing."""
    if snapshot.gone:
        raise StoreUnreachable(
            f"{gone_words(snapshot.gone)} since the last look, and nothing tells where to: is the listing whole?",
            hint=f"{command('ls', '-lab', '--', f'{snapshot.location}/metadata')} shows what is there; if it is right, "
            f"{accept_command(snapshot.location)} takes it for the truth",
        )


def gone_words(gone: Collection[str]) -> str:
    """How many files are gone, and which: `2 files are gone from metadata/: a.meta and b.meta`."""
    names = [shown(handle.removeprefix("metadata/")) for handle in gone]
    return f"{count(len(gone), 'file is', 'files are')} gone from metadata/ ({listed(names)})"


def accept_command(location: str) -> str:
    """How the operator says that a shorter listing is the truth."""
    return command("seamline", "check", location, "--accept-shrunk-listing")


def _set_aside(snapshot: Snapshot, _reader: StoreReader) -> Iterator[str]:
    return _with_and_without_number(file.listed.name for file in snapshot.retired.files)


def _quarantined(_snapshot: Snapshot, reader: StoreReader) -> Iterator[str]:
    with suppress(SeamlineError):
        yield from _with_and_without_number(each.name for each in reader.list_folder(QUARANTINE))


def _journaled(_snapshot: Snapshot, reader: StoreReader) -> Iterator[str]:
    """The names that operations took away, as their journal tells."""
    with suppress(SeamlineError):
        for operation in read_log(reader):
            moves = operation.intent.retires if operation.intent else ()
            gone = operation.outcome.gone if operation.outcome else ()
            handles = [*(move.source for move in moves), *(mark.handle for mark in gone)]
            if operation.kind is OperationKind.GUARD and operation.state is OperationState.INTERRUPTED:
                # Whatever its command took away is in the bundle, and known once the guard is closed.
                handles += (mark.handle for mark in _saved(reader, operation.id))
            yield from (handle.removeprefix("metadata/") for handle in handles)


def _saved(reader: StoreReader, operation: str) -> tuple[FileMark, ...]:
    try:
        return marks_in_bundle(reader, operation)
    except BundleFault:
        return ()


def _with_and_without_number(names: Iterator[str]) -> Iterator[str]:
    for name in names:
        yield name
        yield _NUMBER_RE.sub("", name)


def _store(location: str) -> str:
    """What tells stores apart: the folder's real path."""
    return os.path.realpath(folder_of(location))


def _names(document: Any, store: str) -> frozenset[str]:
    """The names in a memory of `store`; none if it is damaged, or of another version or store."""
    if not isinstance(document, dict) or document.get("v") != _VERSION or document.get("store") != store:
        return frozenset()
    names = document.get("names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return frozenset()
    return frozenset(names)


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
