"""The store as it will be when a change has been carried out: what stock will say then can be told before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

from core.changes.model import ChangeSet
from core.gather import index_of
from core.snapshot import Snapshot
from core.storage.protocol import HandleUnreadable, Listed, ListedKind


def after(snapshot: Snapshot, change: ChangeSet) -> Snapshot:
    """The look that follows if nothing else happens; `metadata_backup/` is left as it is."""
    files = sorted(_files(snapshot, change), key=lambda pair: os.fsencode(pair[0].handle))
    return replace(snapshot, index=index_of("metadata", files, set(_zipped(snapshot, change))))


def _files(snapshot: Snapshot, change: ChangeSet) -> Iterator[tuple[Listed, bytes | HandleUnreadable]]:
    going = {move.source for move in change.retires}
    index, retired = snapshot.index, snapshot.retired
    for number, file in enumerate(index.files):
        if file.handle not in going:
            yield file.listed, file.fault or index.content(number)
    for write in change.all_writes:
        yield Listed(write.handle, ListedKind.FILE, len(write.content), snapshot.taken_at), write.content
    numbers = {file.handle: number for number, file in enumerate(retired.files)}
    for move in change.restores:
        number = numbers[move.source]
        yield replace(retired.files[number].listed, handle=move.target), retired.content(number)


def _zipped(snapshot: Snapshot, change: ChangeSet) -> Iterator[str]:
    """The gzip files whose content is given as it inflates; that of a new file is given as it is."""
    yield from (file.handle for file in snapshot.index.files if file.gzip)
    back = {move.source: move.target for move in change.restores}
    yield from (back[file.handle] for file in snapshot.retired.files if file.gzip and file.handle in back)
