"""The compaction times of a store: which records count, what is wrong in them, and the times that one more run keeps.

Rules: `recovery.md`, "Compaction"; `hazards.md`, `own-fresh-map`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.findings.timestamps import CLOCK_SLACK, EARLIEST_STAMP
from core.index import Index, MetaFile
from core.model import U64_MAX, Claim, TimestampsRecord
from core.stock import IDENTITY_HANDLE

#: A record that was written within so many seconds of its own date tells the time of a clock, else it lies.
TRUE_WITHIN: Final = 3_600


@dataclass(frozen=True, slots=True)
class Dated:
    """A record and the file (`number` in the index) that holds it."""

    record: TimestampsRecord
    number: int
    claim: Claim


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The records that count at one moment.

    `newest` are those with the greatest date, `lying` those dated ahead although their files are not: both are merged.
    `witness` is dated ahead like its file, so that it is the clock of this machine that is behind.
    """

    newest: tuple[Dated, ...]
    lying: tuple[Dated, ...]
    witness: Dated | None

    @property
    def merged(self) -> dict[str, int | None]:
        """All times, the earliest of each file."""
        times: dict[str, int | None] = {}
        for dated in (*self.newest, *self.lying):
            for handle, stamp in dated.record.compaction_timestamps.items():
                known = times.get(handle)
                times[handle] = stamp if known is None else known if stamp is None else min(known, stamp)
        return times

    @property
    def tied(self) -> bool:
        """Whether several newest records say different things."""
        return any(
            each.record.compaction_timestamps != self.newest[0].record.compaction_timestamps for each in self.newest
        )

    @property
    def latest(self) -> int:
        """The greatest date of a record that stays, -1 if there is none."""
        return max((each.record.file_compacted_at for each in self.newest), default=-1)


def records_of(index: Index, now: int) -> Records:
    """Sort the records of a folder out at `now` (unix seconds)."""
    numbers = {file.handle: number for number, file in enumerate(index.files)}
    dated = [Dated(record, numbers[claim.file], claim) for record, claim in index.timestamps]
    ahead = [each for each in dated if each.record.file_compacted_at > now + CLOCK_SLACK]
    witness = next((each for each in ahead if _is_true(each, index.files[each.number])), None)
    honest = [each for each in dated if each.record.file_compacted_at <= now + CLOCK_SLACK]
    latest = max((each.record.file_compacted_at for each in honest), default=None)
    newest = tuple(each for each in honest if each.record.file_compacted_at == latest)
    return Records(newest, tuple(ahead) if witness is None else (), witness)


def _is_true(dated: Dated, file: MetaFile) -> bool:
    return abs(file.listed.modified - dated.record.file_compacted_at) <= TRUE_WITHIN


def times_only(index: Index) -> frozenset[int]:
    """The numbers of the files that hold records and nothing else."""
    held: dict[str, int] = {}
    for _, claim in index.timestamps:
        held[claim.file] = held.get(claim.file, 0) + 1
    return frozenset(
        number for number, file in enumerate(index.files) if file.lines and held.get(file.handle) == file.lines
    )


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """The times of the listed files after a run, by handle, identity.meta left out.

    `stamps` holds every file: None for one of this run's own. `expired` are past their grace. `mended` are the files
    whose stamp was no time: too early, ahead of the clock, or so great that adding the grace overflows.
    """

    stamps: dict[str, int | None]
    expired: tuple[str, ...]
    too_early: tuple[str, ...]
    ahead: tuple[str, ...]
    overflowing: tuple[str, ...]


def new_times(
    handles: Iterable[str], fresh: Collection[str], known: Mapping[str, int | None], grace: int, now: int
) -> Times:
    """Give every one of `handles` its time at `now`; `grace` in seconds."""
    stamps: dict[str, int | None] = {}
    expired: list[str] = []
    wrong: tuple[list[str], list[str], list[str]] = ([], [], [])
    for handle in handles:
        if handle == IDENTITY_HANDLE:
            continue
        stamp = None if handle in fresh else known.get(handle)
        fault = _fault(stamp, grace, now)
        if fault is not None:
            wrong[fault].append(handle)
            stamp = now
        stamps[handle] = None if handle in fresh else now if stamp is None else stamp
        if stamp is not None and now > stamp + grace:
            expired.append(handle)
    early, overflowing, ahead = wrong
    return Times(stamps, tuple(expired), tuple(early), tuple(ahead), tuple(overflowing))


def carried_over(
    handles: Iterable[str], known: Mapping[str, int | None], grace: int, now: int
) -> dict[str, int | None]:
    """The times of files that stay (`handles`) after a change that compacts nothing.

    What has a time keeps it, unless it was none: then its grace (in seconds) begins at `now`. identity.meta gets none.
    """
    stamps = {handle: known.get(handle) for handle in handles if handle != IDENTITY_HANDLE}
    return {handle: stamp if _fault(stamp, grace, now) is None else now for handle, stamp in stamps.items()}


def told_times(stamps: Mapping[str, int | None]) -> dict[str, int]:
    """What a record says of `stamps`: as in stock's own records, a file without a time is not named in it.

    To a reader an absent name and one without a time are the same (`format.md`, "Loading", 5).
    """
    return {handle: stamp for handle, stamp in stamps.items() if stamp is not None}


def _fault(stamp: int | None, grace: int, now: int) -> int | None:
    """What is wrong with a stamp: 0 too early, 1 overflows, 2 ahead of the clock, None nothing."""
    if stamp is None:
        return None
    faults = (stamp < EARLIEST_STAMP, stamp + grace > U64_MAX, stamp > now)
    return next((number for number, is_so in enumerate(faults) if is_so), None)


def record_date(latest: int, now: int, taken: Collection[str]) -> int:
    """The date of the next record: not before `now`, after `latest`, and its file's name is not one of `taken`."""
    date = max(now, latest + 1)
    while f"compaction_timestamps_{date}.meta" in taken:
        date += 1
    return date


def settled(known: Mapping[str, int | None], stamps: Mapping[str, int | None], beside: Collection[str]) -> bool:
    """Whether the newest record says already what `stamps` would say, but for the files `beside`.

    It does not while it names something that is not listed.
    """
    told = {handle for handle in known if handle != IDENTITY_HANDLE or known[handle] is not None} - set(beside)
    return told <= stamps.keys() and all(known.get(each) == stamps[each] for each in stamps.keys() - set(beside))


def handles_of(dated: Sequence[Dated]) -> tuple[str, ...]:
    """The files of records, each once."""
    return tuple(dict.fromkeys(each.claim.file for each in dated))
