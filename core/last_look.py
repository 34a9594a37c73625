"""What the last look at a store saw, kept outside the store: a listing that shrank is an error, never a fact.

Nor is it one where a store of another identity lies at the same path: then it is that which is said.

Compared are the names in `metadata/` and the identities alone. Whoever moves a file says where to: a name that stands
in `metadata_backup/` or `metadata_quarantine/`, or that the journal says was taken away, is accounted for
(`recovery.md`, "Facts that shape everything", 8). The memory is a help and no part of a store: where it can't be
read or written everything works as if this were the first look.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from core.changes.bundle import BundleFault, marks_in_bundle
from core.changes.marks import FileMark
from core.changes.model import OperationKind
from core.errors import SeamlineError, StoreUnreachable
from core.gather import MAX_FILE_BYTES
from core.invocation import Check
from core.journal import OperationState, read_log
from core.phrases import count, listed, shown
from core.private_files import PrivateFiles
from core.snapshot import OtherStore, Snapshot
from core.storage.protocol import StoreReader
from core.tools import is_by_hand, tools_for

#: A store with more names, or a memory of more bytes, is not remembered.
MAX_NAMES: Final = 500_000
MAX_BYTES: Final = 64 << 20
#: Where findings advise to put what stock must not see.
QUARANTINE: Final = "metadata_quarantine"
_VERSION: Final = 1
#: So many identities of a store are kept.
_MOST_IDENTITIES: Final = 100
#: What of an identity is shown; it is 64 hex digits long.
_IDENTITY_CHARS: Final = 16
#: The first moment, in unix seconds, that no calendar here has.
_LAST_MOMENT: Final = 253_402_300_800
#: Names that are tried one by one where a folder can't be listed.
_MOST_TRIED: Final = 100
#: What is added to a name that was taken in `metadata_backup/`.
_NUMBER_RE: Final = re.compile(r"\.[0-9]+\Z")


@dataclass(frozen=True, slots=True)
class LastLook:
    """What a look saw: the names in `metadata/`, and the identities of the store; when, in unix seconds.

    Without identities the store had none, or an older version of this tool has looked.
    """

    names: frozenset[str] = frozenset()
    identities: frozenset[str] = frozenset()
    at: float = 0.0

    def is_of_other_store(self, snapshot: Snapshot) -> bool:
        """Whether the store that lies there now has an identity, and none that it had then."""
        now = snapshot.identities
        return bool(self.identities and now) and self.identities.isdisjoint(now)


@dataclass(frozen=True, slots=True)
class LastLooks:
    """One small file for each store in `folder`, readable for its owner alone."""

    folder: Path

    def names_of(self, location: str) -> frozenset[str]:
        """The names that the last look at a store saw in `metadata/`; none if that is not known."""
        return self.seen(location).names

    def seen(self, location: str) -> LastLook:
        """What the last look at a store saw, as far as that is known."""
        kept = self._files.read(location)
        at = kept.get("at")
        return LastLook(
            _words(kept.get("names")), _words(kept.get("identities")), at if isinstance(at, int | float) else 0.0
        )

    def remember(self, snapshot: Snapshot, before: LastLook | None = None) -> None:
        """Replace what is remembered of a store, in one step; nothing is written if that was `before`.

        A look that could not see everything is not remembered.
        """
        look = LastLook(frozenset(names_in(snapshot)), snapshot.identities, snapshot.taken_at)
        if not can_tell(snapshot) or (before and (look.names, look.identities) == (before.names, before.identities)):
            return
        if len(look.names) > MAX_NAMES:
            self._files.forget(snapshot.location)
        else:
            self._files.write(
                snapshot.location,
                {"names": sorted(look.names), "identities": sorted(look.identities)[:_MOST_IDENTITIES], "at": look.at},
            )

    def forget(self, location: str) -> None:
        """Remember nothing of a store."""
        self._files.forget(location)

    @property
    def _files(self) -> PrivateFiles:
        return PrivateFiles(self.folder, _VERSION, MAX_BYTES)


def _words(kept: object) -> frozenset[str]:
    if not isinstance(kept, list) or not all(isinstance(word, str) for word in kept):
        return frozenset()
    return frozenset(kept)


def compared(snapshot: Snapshot, reader: StoreReader, before: Collection[str]) -> tuple[str, ...]:
    """The handles of `before` (names in `metadata/`) that are gone without an account, sorted.

    Of a look that was stopped, or should have seen `metadata_backup/` and could not, nothing is said.
    """
    if not before or not can_tell(snapshot):
        return ()
    missing = set(before) - names_in(snapshot)
    for account in (_set_aside, _quarantined, _journaled):
        if missing:
            missing -= set(account(snapshot, reader))
    if missing and snapshot.retired_unseen is not None:
        missing -= _found_aside(sorted(missing), reader)
    return tuple(f"metadata/{name}" for name in sorted(missing))


def can_tell(snapshot: Snapshot) -> bool:
    """Whether a look saw all there is to see, as far as the storage has a way to show it."""
    unlisted = any(file.handle == "metadata_backup" for file in snapshot.retired.files)
    return snapshot.complete and (not unlisted or snapshot.retired_unseen is not None)


def names_in(snapshot: Snapshot) -> set[str]:
    """The names in `metadata/`."""
    return {file.listed.name for file in snapshot.index.files}


def require_as_before(snapshot: Snapshot) -> None:
    """Raises `StoreUnreachable` where a look differs from the last one so that no change is planned on it."""
    if snapshot.other is not None:
        raise StoreUnreachable(
            other_store_words(snapshot.other),
            hint=f"if that is right, {accept_command(snapshot)} takes it for the store of this path",
        )
    require_not_shrunk(snapshot)


def require_not_shrunk(snapshot: Snapshot) -> None:
    """Raises `StoreUnreachable` where files are gone since the last look: nothing is planned on such a listing."""
    if snapshot.gone:
        raise StoreUnreachable(
            f"{gone_words(snapshot.gone)} since the last look, and nothing tells where to: is the listing whole?",
            hint=f"{_seen(snapshot.location)}, {accept_command(snapshot)} takes it for the truth",
        )


def other_store_words(other: OtherStore) -> str:
    """Which store lies at a path, and which one did."""
    then = f"{datetime.fromtimestamp(other.at, UTC):%Y-%m-%d %H:%M:%S} UTC" if 0 < other.at < _LAST_MOMENT else "before"
    what = f"another store lies at this path: identity {_short(other.now)}, seen {_short(other.before)} at {then}"
    if other.files_stay:
        what += "; all files of then are there, so its identity may have been written anew when a listing failed"
    return what


def _short(identities: Sequence[str]) -> str:
    return listed([shown(each)[:_IDENTITY_CHARS] for each in identities])


def _seen(location: str) -> str:
    look = tools_for(location).listing("metadata")
    return f"{look}; if what it prints is right" if is_by_hand(look) else f"{look} shows what is there; if it is right"


def gone_words(gone: Collection[str]) -> str:
    """How many files are gone, and which: `2 files are gone from metadata/: a.meta and b.meta`."""
    names = [shown(handle.removeprefix("metadata/")) for handle in gone]
    return f"{count(len(gone), 'file is', 'files are')} gone from metadata/ ({listed(names)})"


def accept_command(snapshot: Snapshot) -> Check:
    """How the operator says that what differs from the last look is the truth."""
    is_other = snapshot.other is not None
    return Check(snapshot.location, accept_other_store=is_other, accept_shrunk_listing=not is_other)


def _set_aside(snapshot: Snapshot, _reader: StoreReader) -> Iterator[str]:
    return _with_and_without_number(file.listed.name for file in snapshot.retired.files)


def _found_aside(names: Sequence[str], reader: StoreReader) -> set[str]:
    """Which files are in a `metadata_backup/` that can't be listed: they are tried by name, of many an even choice.

    Where all that are tried are there, so are the others.
    """
    tried = names[:: len(names) // _MOST_TRIED + 1]
    found: set[str] = set()
    with suppress(StoreUnreachable):
        contents = zip(tried, reader.read_many("metadata_backup", tried, MAX_FILE_BYTES), strict=True)
        found = {name for name, content in contents if isinstance(content, bytes)}
    return set(names) if len(found) == len(tried) else found


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
