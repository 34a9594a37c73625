"""Reading the two manifests of a comparison without holding up the event loop; what is not there is said plainly."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Final

from core.manifests import (
    ManifestProblem,
    ManifestRefused,
    check_against_entry,
    check_manifest,
    chunk_sizes,
    compare_chunks,
    read_manifest,
)
from core.manifests.model import Manifest, chunks_of
from core.storage import HandleUnreadable, ListedKind, ReadFault
from tui.comparison import Comparison, Side

if TYPE_CHECKING:
    from core.model import Entry
    from core.storage import StoreReader

#: Chunk files are looked up so many at a time; between two lots progress is told and a stop is heeded.
LOT: Final = 256
_PROBLEMS_KEPT: Final = 20


async def read_side(reader: StoreReader, entry: Entry) -> Side:
    """The manifest that an entry names, checked; or why it can't be had."""
    try:
        listed = await asyncio.to_thread(reader.stat, entry.manifest)
        if listed.kind is not ListedKind.FILE:
            return Side(entry, fault=f"not opened: it is a {listed.kind.value}, not a file")
        manifest = await read_manifest(reader, entry.manifest, entry.lane)
    except HandleUnreadable as unreadable:
        absent = unreadable.fault is ReadFault.MISSING
        return Side(entry, fault="it is not in the store" if absent else unreadable.message)
    except ManifestRefused as refused:
        return Side(entry, fault=f"it can't be read: {refused.message}")
    except OSError as error:
        return Side(entry, fault=f"it can't be read: {error.strerror}")
    return Side(entry, listed, manifest, problems=await asyncio.to_thread(_problems, manifest, entry))


def _problems(manifest: Manifest, entry: Entry) -> tuple[ManifestProblem, ...]:
    own = check_manifest(manifest, entry.manifest)
    return tuple(islice((*own, *check_against_entry(manifest, entry.record, entry.manifest)), _PROBLEMS_KEPT))


def size_up(reader: StoreReader, comparison: Comparison) -> Iterator[Comparison]:
    """The comparison of chunks, at first without sizes, then with progress, at last with all of them.

    Looks up each chunk file: meant for a worker thread, which may stop between two steps.
    """
    a, b = (side.manifest for side in comparison.sides)
    both = a is not None and b is not None and comparison.overlap is not None
    names = dict.fromkeys(chunk.file for side in (a, b) if side for chunk in chunks_of(side))
    comparison = replace(comparison, to_look_up=len(names))
    sizes: dict[str, int] = {}
    yield replace(comparison, chunks=compare_chunks(a, b, sizes)) if a and b and both else comparison
    chunks = {chunk.file: chunk for side in (a, b) if side for chunk in chunks_of(side)}
    queue = list(chunks.values())
    for begin in range(0, len(queue), LOT):
        sizes |= chunk_sizes(reader, queue[begin : begin + LOT])
        comparison = replace(comparison, looked_up=min(begin + LOT, len(queue)))
        yield comparison
    one, other = comparison.sides
    compared = compare_chunks(a, b, sizes) if a and b and both else None
    yield replace(comparison, sides=(_summed(one, sizes), _summed(other, sizes)), chunks=compared)


def _summed(side: Side, sizes: dict[str, int]) -> Side:
    """One side with the bytes of its chunk files, and how many are not there."""
    if side.manifest is None:
        return side
    files = [chunk.file for chunk in chunks_of(side.manifest)]
    present = [sizes[file] for file in files if file in sizes]
    return replace(side, chunk_bytes=sum(present), absent=len(files) - len(present))
