"""Where retired files go: never over what is there, as nothing in `metadata_backup/` is ever lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from core.index import Index


def free_targets(retired: Index, names: Sequence[str]) -> Iterator[str]:
    """For each name in turn the handle in `metadata_backup/` to which its file goes: `NAME`, or `NAME.1` and so on."""
    taken = {file.handle for file in retired.files}
    for name in names:
        tries = (f"metadata_backup/{name}" if turn == 0 else f"metadata_backup/{name}.{turn}" for turn in count())
        target = next(handle for handle in tries if handle not in taken)
        taken.add(target)
        yield target
