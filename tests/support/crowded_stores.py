"""Stores of hostile size: many conflicts, lines that overlap in every way, floods of files, manifests without end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

#: Versions of one entry.
STEP: Final = 100
#: Lines of one metadata file.
_LINES: Final = 100_000


class Crowd(StrEnum):
    """How the lines of a store overlap."""

    TWICE_APART = "twice, with clean entries between"
    """Every other range is there twice: each is a conflict of its own."""
    TWICE = "twice, side by side"
    """Every range is there twice."""
    BRICKS = "bricks"
    """Two chains with shifted joints: one zone, each line overlaps the next."""
    TORN = "torn"
    """One zone that no chain of entries crosses."""
    STAIRS = "stairs"
    """Each line begins one version behind the one before and all end far above: one zone, all at once."""
    NESTED = "nested"
    """Each line lies inside the one before: one zone."""
    SAME = "same"
    """One range, again and again."""
    TORN_PAIRS = "torn pairs"
    """Pairs that overlap and do not join, one beside the other: each is a zone that no chain of entries crosses."""


_Ranges = tuple[tuple[int, int], ...]
_HALF: Final = STEP // 2
#: Of each number from 0 on the closed ranges of its lines; how many lines there are in all is told, too.
_RANGES: Final[dict[Crowd, Callable[[int, int], _Ranges]]] = {
    Crowd.TWICE_APART: lambda number, _: (_span(number),) * (1 + number % 2),
    Crowd.TWICE: lambda number, _: (_span(number),) * 2,
    Crowd.BRICKS: lambda number, _: (_span(number), (number * STEP + _HALF, number * STEP + _HALF + STEP - 1)),
    Crowd.TORN: lambda number, _: ((number * STEP, number * STEP + STEP + number % 2),),
    Crowd.STAIRS: lambda number, lines: ((number, 10 * lines),),
    Crowd.NESTED: lambda number, lines: ((number, 4 * lines - number),),
    Crowd.SAME: lambda _number, _: (_span(0),),
    Crowd.TORN_PAIRS: lambda number, _: (
        (number * STEP, number * STEP + _HALF),
        (number * STEP + STEP // 4, number * STEP + STEP - 1),
    ),
}


def _span(number: int) -> tuple[int, int]:
    return number * STEP, number * STEP + STEP - 1


def ranges(crowd: Crowd, lines: int) -> Iterator[tuple[int, int]]:
    """The closed ranges of a store of so many lines, from version 0 on."""
    if crowd is Crowd.BRICKS:
        yield 0, _HALF - 1
    for number in range(lines):
        yield from _RANGES[crowd](number, lines)


def write_crowded_store(folder: Path, crowd: Crowd, lines: int) -> Path:
    """A store of metadata alone, with one snapshot and one epoch ending, whose transactions overlap."""
    written = (_transaction(number, *each) for number, each in enumerate(islice(ranges(crowd, lines), lines)))
    _write_files(folder, written)
    return folder


def write_conflicts(folder: Path, entries: int, conflicts: int) -> Path:
    """A store of `entries` entries, every so many of which is there twice; the doubles are `conflicts`."""
    every = entries // conflicts

    def lines() -> Iterator[bytes]:
        for number in range(entries):
            span = number * STEP, number * STEP + STEP - 1
            yield _transaction(number, *span)
            if number % every == every // 2 and number // every < conflicts:
                yield _transaction(number + 1, *span)

    _write_files(folder, lines())
    return folder


def write_single_files(folder: Path, files: int) -> Path:
    """A clean store of so many files of a line each."""
    metadata = _metadata(folder)
    for number in range(files):
        first, last = number * STEP, number * STEP + STEP - 1
        name = f"transaction_{first}-{last}.{number % 65_536:04x}.meta"
        (metadata / name).write_bytes(_transaction(number, first, last))
    return folder


def flooded_manifest(keys: int) -> bytes:
    """A whole manifest of one chunk, with so many fields that nobody knows."""
    return _with_unknown(b",".join(b'"k%d":0' % number for number in range(keys)))


def long_manifest(chunks: int) -> bytes:
    """A whole manifest of so many chunks of a version each."""
    listed = b",".join(_chunk(number) for number in range(chunks))
    return b'{"first_version":0,"last_version":%d,"chunks":[%b]}' % (chunks - 1, listed)


def _with_unknown(fields: bytes) -> bytes:
    return b'{%b,"first_version":0,"last_version":0,"chunks":[%b]}' % (fields, _chunk(0))


def _chunk(number: int) -> bytes:
    return (
        b'{"first_version":%d,"last_version":%d,"transactions":"transaction_0-.0000/%d-.chunk",'
        b'"proof":"transaction_0-.0000/%d-%d.proof","format":"V1"}' % (number, number, number, number, number)
    )


def write_store_of_manifest(folder: Path, manifest: bytes, last: int = 0) -> Path:
    """A store of one entry, from version 0 to `last`, whose manifest this is."""
    _write_files(folder, [_line(0, last, b"transaction_0-.0000/transaction.manifest")])
    backup = folder / "transaction_0-.0000"
    backup.mkdir()
    (backup / "transaction.manifest").write_bytes(manifest)
    return folder


def _transaction(number: int, first: int, last: int) -> bytes:
    suffix = number % 65_536 if number < 65_536 or first else number
    return _line(first, last, b"transaction_%d-.%04x/transaction.manifest" % (first, suffix))


def _line(first: int, last: int, manifest: bytes) -> bytes:
    return b'{"TransactionBackup":{"first_version":%d,"last_version":%d,"manifest":"%b"}}\n' % (first, last, manifest)


def _metadata(folder: Path) -> Path:
    metadata = folder / "metadata"
    metadata.mkdir(parents=True)
    (metadata / "epoch_ending_0.meta").write_bytes(
        b'{"EpochEndingBackup":{"first_epoch":0,"last_epoch":0,"first_version":0,"last_version":0,'
        b'"manifest":"epoch_ending_0-.0000/epoch_ending.manifest"}}\n'
    )
    (metadata / "state_snapshot_epoch_0_ver_0.meta").write_bytes(
        b'{"StateSnapshotBackup":{"epoch":0,"version":0,"manifest":"state_epoch_0_ver_0.0000/state.manifest"}}\n'
    )
    return metadata


def _write_files(folder: Path, lines: Iterable[bytes]) -> None:
    """The lines in files of `_LINES` each."""
    metadata = _metadata(folder)
    block: list[bytes] = []
    files = 0

    def flush() -> None:
        nonlocal files
        (metadata / f"transaction_{files}.meta").write_bytes(b"".join(block))
        block.clear()
        files += 1

    for line in lines:
        block.append(line)
        if len(block) == _LINES:
            flush()
    if block:
        flush()


#: Whoever writes a store, by the name of what it shows.
Writer = Callable[[Path], Path]
