"""The store as it will be when a change has been carried out: what stock will say then can be told before."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from core.changes.model import ChangeSet
from core.gather import index_of_stream
from core.index import Index
from core.snapshot import Snapshot
from core.storage.protocol import HandleUnreadable, Listed, ListedKind


def after(snapshot: Snapshot, change: ChangeSet) -> Snapshot:
    """The look that follows if nothing else happens; `metadata_backup/` is left as it is."""
    files = sorted(_files(snapshot, change), key=lambda pair: os.fsencode(pair[0].handle))
    size = len(snapshot.index.text) + sum(len(write.content) for write in change.all_writes)
    contents = ((listed, content()) for listed, content in files)
    zipped = set(_zipped(snapshot, change))
    return replace(snapshot, index=index_of_stream("metadata", contents, len(files), size, zipped))


def _files(snapshot: Snapshot, change: ChangeSet) -> Iterator[tuple[Listed, Callable[[], bytes | HandleUnreadable]]]:
    """Each file with what makes its content, so that a large store is not held twice."""
    going = {move.source for move in change.retires}
    index, retired = snapshot.index, snapshot.retired
    for number, file in enumerate(index.files):
        if file.handle not in going:
            yield file.listed, partial(_content, index, number)
    for write in change.all_writes:
        listed = Listed(write.handle, ListedKind.FILE, len(write.content), snapshot.taken_at)
        yield listed, partial(getattr, write, "content")
    numbers = {file.handle: number for number, file in enumerate(retired.files)}
    for move in change.restores:
        number = numbers[move.source]
        yield replace(retired.files[number].listed, handle=move.target), partial(retired.content, number)


def _content(index: Index, number: int) -> bytes | HandleUnreadable:
    return index.files[number].fault or index.content(number)


def _zipped(snapshot: Snapshot, change: ChangeSet) -> Iterator[str]:
    """The gzip files whose content is given as it inflates; that of a new file is given as it is."""
    yield from (file.handle for file in snapshot.index.files if file.gzip)
    back = {move.source: move.target for move in change.restores}
    yield from (back[file.handle] for file in snapshot.retired.files if file.gzip and file.handle in back)
