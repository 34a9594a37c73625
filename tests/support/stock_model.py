"""A second, slow model of the stock tool, written line by line after its loops: what the fast one is compared with.

Works on plain lists and dictionaries and shares nothing with `core.stock` but the record types and the codec.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.codec import encode_record, parse_line
from core.model import (
    U64_MAX,
    EpochEndingRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)

Files = dict[str, bytes]

_SELECTION_WORDS = "{} backup ranges not continuous, expecting {} {}, got {}."
_WORDS = {
    "epochs": "Epoch ending backup ranges is not continuous expecting epoch {}, got {}",
    "transactions": "txn backup ranges is not continuous expecting version {}, got {}.",
}


class Refused(Exception):
    """The tool stops; `args` are the message and whether it panics."""


@dataclass
class View:
    """What stock holds in memory after loading."""

    epochs: list[EpochEndingRecord]
    transactions: list[TransactionRecord]
    snapshots: list[StateSnapshotRecord]
    stamps: list[TimestampsRecord]


def load(metadata: Mapping[str, bytes]) -> View:
    """All lines of all files, each kind sorted and folded; timestamps in listing order."""
    records: list[Record] = []
    for name in sorted(metadata):
        records.extend(parse_line(line).record for line in metadata[name].splitlines())
    return View(
        sorted({each for each in records if isinstance(each, EpochEndingRecord)}),
        sorted({each for each in records if isinstance(each, TransactionRecord)}),
        sorted({each for each in records if isinstance(each, StateSnapshotRecord)}),
        [each for each in records if isinstance(each, TimestampsRecord)],
    )


def add(left: int, right: int) -> int:
    """Checked u64 addition."""
    if left + right > U64_MAX:
        raise Refused("attempt to add with overflow", True)
    return left + right


def select_transactions(view: View, start: int, target: int) -> list[TransactionRecord]:
    expected, chosen = 0, []
    for entry in view.transactions:
        if entry.first_version > target:
            break
        if entry.first_version != expected:
            raise Refused(_SELECTION_WORDS.format("Transaction", "version", expected, entry.first_version), False)
        if entry.last_version >= start:
            chosen.append(entry)
        expected = add(entry.last_version, 1)
    return chosen


def select_epochs(view: View, target: int) -> list[EpochEndingRecord]:
    expected, chosen = 0, []
    for entry in view.epochs:
        if entry.first_version > target:
            break
        if entry.first_epoch != expected:
            raise Refused(_SELECTION_WORDS.format("Epoch ending", "epoch", expected, entry.first_epoch), False)
        chosen.append(entry)
        expected = add(entry.last_epoch, 1)
    return chosen


def select_snapshot(view: View, target: int) -> StateSnapshotRecord | None:
    return next((entry for entry in reversed(view.snapshots) if entry.version <= target), None)


@dataclass
class Plan:
    """A restore plan in records; `covered` is the last version whose transaction is loaded."""

    transactions: list[TransactionRecord]
    epochs: list[EpochEndingRecord]
    target: int
    covered: int | None


def restore_plan(view: View, wish: int, history_start: int | None = None) -> Plan:
    if not view.transactions:
        raise Refused("No transaction backup found.", False)
    greatest = view.transactions[-1].last_version
    target = min(wish, greatest)
    kv_snapshot = select_snapshot(view, min(wish if history_start is None else history_start, greatest))
    if select_snapshot(view, target) is None:
        raise Refused("Cannot find tree snapshot before target version", True)
    transactions = select_transactions(view, kv_snapshot.version if kv_snapshot else 0, target)
    covered = min(target, transactions[-1].last_version) if transactions else None
    return Plan(transactions, select_epochs(view, target), target, covered)


def compact(
    metadata: Files, backup: Files, factors: tuple[int, int, int], grace: int, now: int
) -> tuple[str, bool] | None:
    """One run on the two folders, changed in place; factors for epochs, transactions, snapshots.

    Returns how it stopped. Between timestamps of one age the last listed wins; moves are made in sorted order after
    all of them were found possible.
    """
    try:
        _compact(metadata, backup, factors, grace, now)
    except Refused as refused:
        message, panic = refused.args
        return message, panic
    return None


def _compact(metadata: Files, backup: Files, factors: tuple[int, int, int], grace: int, now: int) -> None:
    view = load(metadata)
    known: dict[str, int | None] = {}
    if view.stamps:
        newest = view.stamps[0]
        for each in view.stamps:
            newest = each if each.file_compacted_at >= newest.file_compacted_at else newest
        known = dict(newest.compaction_timestamps)
    for name in metadata:
        known.setdefault(f"metadata/{name}", None)
    fresh = set()
    for kind, factor in zip(("epochs", "transactions", "snapshots"), factors, strict=True):
        if factor == 0:
            raise Refused("chunk size must be non-zero", True)
        entries = getattr(view, kind)
        for start in range(0, len(entries), factor):
            run = entries[start : start + factor]
            name = _run_name(kind, run)
            metadata.setdefault(name, b"".join(encode_record(entry) for entry in run))
            fresh.add(f"metadata/{name}")
    times: dict[str, int | None] = {}
    expired = []
    for handle, stamp in known.items():
        if handle in fresh:
            continue
        if stamp is not None and now > add(stamp, grace):
            expired.append(handle.removeprefix("metadata/"))
        else:
            times[handle] = now if stamp is None else stamp
    if any(name not in metadata for name in expired):
        raise Refused("No such file or directory (os error 2)", False)
    for name in expired:
        backup[name] = metadata.pop(name)
    metadata.setdefault(f"compaction_timestamps_{now}.meta", encode_record(TimestampsRecord(now, times)))


def _bounds(entry: EpochEndingRecord | TransactionRecord | StateSnapshotRecord) -> tuple[int, int]:
    if isinstance(entry, EpochEndingRecord):
        return entry.first_epoch, entry.last_epoch
    if isinstance(entry, TransactionRecord):
        return entry.first_version, entry.last_version
    return entry.epoch, entry.epoch


def _run_name(kind: str, run: list[EpochEndingRecord | TransactionRecord | StateSnapshotRecord]) -> str:
    first, last = _bounds(run[0])[0], _bounds(run[-1])[1]
    if kind == "snapshots":
        return f"state_snapshot_compacted_epoch_{first}_{last}.meta"
    expected = None
    for begin, end in map(_bounds, run):
        if expected not in (None, begin):
            raise Refused(_WORDS[kind].format(expected, begin), False)
        expected = add(end, 1)
    return f"{'epoch_ending' if kind == 'epochs' else 'transaction'}_compacted_{first}-{last}.meta"
