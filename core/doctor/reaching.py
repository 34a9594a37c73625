"""Can the place be reached, is it a store, how fast does it answer, and can its files be read."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from itertools import islice
from typing import Final

from core.doctor.model import Bars, Result
from core.doctor.patient import Listing, Patient, StoreKind
from core.doctor.registry import Topic, check
from core.errors import StoreUnreachable
from core.invocation import Check
from core.names import parse_metadata_name
from core.phrases import command, count, shown
from core.storage.command.lint import CodeRefused
from core.storage.protocol import HandleUnreadable, ReadFault

#: Requests one after another, and the seconds that they may take together.
_SAMPLES: Final = 15
_LATENCY_SECONDS: Final = 3.0
#: Files read at once, and the seconds for that; larger files than this say nothing of a storage's pace.
_FILES: Final = 256
_RATE_SECONDS: Final = 3.0
_SMALL: Final = 1 << 20
#: Seconds for one small request beyond which work on a store of thousands of files drags.
_SLOW: Final = 1.0
#: As many files as a large store has: how long reading them takes is told.
_MANY: Final = 10_000
_OF_NO_BACKUP: Final = ("identity", "timestamps")


@check("reach", "reached")
def reach(patient: Patient, topic: Topic) -> Iterator[Result]:
    """The first listing; an empty one is no fact but an error (`own-empty-is-error`)."""
    try:
        listing = patient.first
    except (StoreUnreachable, CodeRefused) as unreachable:
        yield topic.problem(
            unreachable.message, "nothing of this store can be told", unreachable.hint, bars=Bars.READING
        )
        return
    files = listing.files
    seen = f"metadata/ lists {count(len(files), 'file')} in {seconds(listing.seconds)}"
    if not files:
        yield topic.problem(
            seen,
            "a store that lists as empty is more often a wrong place, or a mount that is missing, than a new store",
            _look(patient),
            bars=Bars.READING,
        )
    elif all((name := parse_metadata_name(each.name)) and name.kind in _OF_NO_BACKUP for each in files):
        why = "an identity and no backup: stock makes such a store wherever a place was mistyped or not mounted"
        yield topic.problem(seen, why, _look(patient), bars=Bars.READING)
    else:
        yield topic.ok(seen)


@check("latency", "latency")
def latency(patient: Patient, topic: Topic) -> Iterator[Result]:
    """One small request after another."""
    handle = _smallest(patient.first)
    times: list[float] = []
    began = patient.machine.elapsed()
    while len(times) < _SAMPLES and patient.machine.elapsed() - began < _LATENCY_SECONDS:
        patient.heed()
        before = patient.machine.elapsed()
        try:
            patient.reader.stat(handle)
        except HandleUnreadable as unreadable:
            if unreadable.fault is not ReadFault.MISSING:
                yield topic.problem(f"{shown(handle)} can't be looked at: {unreadable.message}", _UNREAD, patient.again)
                return
        times.append(patient.machine.elapsed() - before)
    middle = statistics.median(times)
    seen = (
        f"{count(len(times), 'small request')}: least {seconds(min(times))}, median {seconds(middle)}, "
        f"most {seconds(max(times))}"
    )
    if middle > _SLOW:
        yield topic.note(seen, "whatever asks one thing after another is slow here", "run closer to the storage")
    else:
        yield topic.ok(seen)


@check("read", "reading")
def reading(patient: Patient, topic: Topic) -> Iterator[Result]:
    """Many files at once, for a bounded time: how many a second, and whether they can be read at all."""
    files = [each for each in patient.first.files if each.size <= _SMALL]
    names = [each.name for each in islice(files, _FILES)]
    began = patient.machine.elapsed()
    done, faults = 0, list[HandleUnreadable]()
    contents = patient.reader.read_many("metadata", names, _SMALL)
    for content in contents:
        done += 1
        if isinstance(content, HandleUnreadable) and content.fault is not ReadFault.TOO_LARGE:
            faults.append(content)
        patient.heed()
        if patient.machine.elapsed() - began > _RATE_SECONDS:
            break
    took = patient.machine.elapsed() - began
    pace = f"{count(done, 'file')} in {seconds(took)}"
    if took > 0:
        rate = done / took
        pace += f", {rate:,.0f} a second: {_MANY:,} take {_time(_MANY / rate)}" if rate else ""
    if faults:
        missing = all(each.fault is ReadFault.MISSING for each in faults)
        seen = f"{count(len(faults), 'file')} of {done:,} can't be read: {shown(faults[0].message)}"
        bars = Bars.READING if len(faults) == done and not missing else Bars.NOTHING
        yield topic.problem(seen, _GONE if missing else _UNREAD, _check_command(patient), bars=bars)
    else:
        yield topic.ok(pace)


_UNREAD: Final = "what can't be read can't be checked, and stock stops at it"
_GONE: Final = "they are listed and not there: the listing lags behind, or somebody moves files just now"


def seconds(time: float) -> str:
    """A short time: `0.04 ms`, `12 ms`, `1.25 s`."""
    if time < 0.1:
        return f"{time * 1_000:.3g} ms"
    return f"{time * 1_000:.0f} ms" if time < 1 else f"{time:.2f} s"


def _time(time: float) -> str:
    return f"{time:.1f} s" if time < 120 else f"{time / 60:,.0f} min"


def _smallest(listing: Listing) -> str:
    files = listing.files
    return min(files, key=lambda each: (each.size, each.handle)).handle if files else "metadata"


def _look(patient: Patient) -> str:
    if patient.kind is StoreKind.FOLDER:
        return command("ls", "-la", patient.location)
    return "look at bucket, prefix and region with the provider's own tool"


def _check_command(patient: Patient) -> str:
    return str(Check(patient.location))
