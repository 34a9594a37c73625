"""Metadata files that do not hold what they should: empty, cut off, unreadable, or of two forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from core.findings import commands
from core.findings.build import finding
from core.findings.case import CHAINED, Case
from core.findings.contents import Agreement, agreement, missing_part
from core.findings.filling import fills, rows_inside
from core.findings.recovery import survivors, way_back
from core.findings.registry import detector
from core.form import NO_WAY_OF_READING, forms_of
from core.index import MetaFile
from core.model import Claim, Finding, LaneKind, Severity
from core.names import MetadataName
from core.phrases import count, listed, shown, size, span
from core.snapshot import IN_FLIGHT_SECONDS
from core.storage.protocol import ListedKind, ReadFault
from core.tools import then

#: More files than this of one kind are told by their number.
_MOST_FILES: Final = 500

_TORN_CAUSE: Final = (
    "The run that wrote it was killed, or the disk was full. LocalFs creates the final name first, writes afterwards "
    "and never overwrites, so later compactions trust the torn file, and a day later move the originals away."
)


def in_flight(file: MetaFile, what: str, case: Case) -> Finding:
    """A file that looks cut off but is too young to say so."""
    return finding(
        "read-while-written",
        explanation=f"{shown(file.handle)} {what}, but it was written less than {IN_FLIGHT_SECONDS} seconds ago: a "
        "writer may still be at it.",
        cause="LocalFs creates the final name first and writes the lines afterwards; a reader in between sees a part.",
        next_step=commands.check(case, 1),
        claims=[Claim(file.handle, 0)],
    )


@detector("empty-meta-file", "read-while-written")
def empty_files(case: Case) -> Iterator[Finding]:
    """Files without a line."""
    empty = [
        (file, name)
        for file, name in zip(case.index.files, case.names, strict=True)
        if file.listed.kind is ListedKind.FILE and file.fault is None and not file.lines
    ]
    for file, name in empty[:_MOST_FILES]:
        yield in_flight(file, "is empty", case) if case.in_flight(file) else _empty(case, file, name, len(empty))


def _empty(case: Case, file: MetaFile, name: MetadataName | None, total: int) -> Finding:
    missing = missing_part(name, None) if name else None
    lane = name.kind if name and missing and isinstance(name.kind, LaneKind) else LaneKind.FILES
    promise, step = "", commands.set_aside(case, [file.handle])
    claims: tuple[Claim, ...] = ()
    if missing is not None:
        found = survivors(case, lane, *missing)
        promise = f" Its name promises {span(lane, *missing)}. {found.text}"
        claims = found.claims
        if found.covers:
            step = way_back(case, lane, missing[0], found, step)
        elif lane in CHAINED and not _stands_elsewhere(case, lane, missing):
            step = then(step, commands.back_up(case, lane, *missing))
        elif name and name.compacted and case.takes_repair:
            step = commands.repair(case)
    others = f" {total:,} files are empty." if total > 1 else ""
    form = "inflates to nothing" if file.gzip else "is empty"
    return finding(
        "empty-meta-file",
        lane=lane,
        range_=missing,
        explanation=f"{shown(file.handle)} {form}. Stock accepts it and knows of nothing that it should "
        f"hold.{promise}{others}",
        cause="The writer died between creating the file and writing to it. As LocalFs never overwrites, writing the "
        "line again does nothing while the empty file is there.",
        next_step=step,
        claims=[Claim(file.handle, 0), *claims],
    )


def _stands_elsewhere(case: Case, kind: LaneKind, missing: tuple[int, int]) -> bool:
    """Whether other files of `metadata/` hold a chain over the range."""
    lane = case.lane(kind)
    return fills(lane, rows_inside(lane, np.arange(len(lane), dtype=np.int64), *missing), *missing)


@detector("name-content-disagree", "partial-compacted-file", "read-while-written")
def names_and_contents(case: Case) -> Iterator[Finding]:
    """Files that hold another range than their name says; compacted ones that hold less were torn."""
    wrong = list(_misnamed(case))
    for file, name, held, state in wrong[:_MOST_FILES]:
        torn = state is Agreement.SHORT and name.compacted
        if torn and case.in_flight(file):
            yield in_flight(file, "holds less than its name says", case)
            continue
        yield _disagrees(case, file, name, held, len(wrong), torn=torn)
        if torn:
            yield _torn(case, file, name, held)


def _misnamed(case: Case) -> Iterator[tuple[MetaFile, MetadataName, tuple[int, int] | None, Agreement]]:
    """The files whose lines are all good but are not those of the name: file, name, what it holds, how they differ."""
    for number, (file, name) in enumerate(zip(case.index.files, case.names, strict=True)):
        if name is None or not isinstance(name.kind, LaneKind) or not file.lines or file.bad_lines:
            continue
        held = case.contents[name.kind].range_of(number, name.unit)
        state = agreement(name, held)
        if state is not Agreement.SAME:
            yield file, name, held, state


def _disagrees(
    case: Case, file: MetaFile, name: MetadataName, held: tuple[int, int] | None, total: int, *, torn: bool
) -> Finding:
    missing, lane = _place(name, held)
    mended = torn and case.takes_repair
    others = f" {total:,} files are like that." if total > _MOST_FILES else ""
    holds = "none of that kind" if held is None else f"{held[0]:,} to {held[1]:,}"
    return finding(
        "name-content-disagree",
        lane=lane,
        range_=missing,
        explanation=f"{shown(file.handle)} promises {name.unit}s {name.first:,} to {name.last:,}, but its "
        f"{count(file.lines, 'line holds', 'lines hold')} {holds}. Stock never reads names: what it holds is what "
        f"counts.{others}",
        cause="A write that was cut off, a file edited by hand, or one that was renamed.",
        next_step=commands.repair(case) if mended else commands.mended_by_compaction(case),
        then=""
        if mended
        else "If the lines are right, only the name is not: a compaction by this tool writes them under one that fits. "
        "Whether they are right is told by a check at level 2, which compares them with their manifests.",
        claims=[Claim(file.handle, 0)],
    )


def _place(name: MetadataName, held: tuple[int, int] | None) -> tuple[tuple[int, int] | None, LaneKind]:
    missing = missing_part(name, held)
    return missing, name.kind if missing and isinstance(name.kind, LaneKind) else LaneKind.FILES


def _torn(case: Case, file: MetaFile, name: MetadataName, held: tuple[int, int] | None) -> Finding:
    missing, lane = _place(name, held)
    fate, step = "", commands.look_at(case, file.handle)
    claims: tuple[Claim, ...] = ()
    if missing is not None:
        found = survivors(case, lane, *missing)
        claims = found.claims
        fate = f" {_visible(case, lane, missing)} {found.text}"
        step = way_back(case, lane, missing[0], found, step)
    aside = "Set the torn file aside before the next compaction, once its lines stand elsewhere."
    if case.takes_repair:
        step, aside = commands.repair(case), "A repair writes its lines into another file and sets it aside."
    end = f"end at {held[1]:,}" if held and held[1] < name.last else f"begin at {held[0] if held else 0:,}"
    lost = f": {size(lane, *missing)} are missing" if missing else ""
    return finding(
        "partial-compacted-file",
        lane=lane,
        range_=missing,
        explanation=f"{shown(file.handle)} was torn while it was written: by its name it goes from {name.first:,} to "
        f"{name.last:,}, but its {count(file.lines, 'line')} {end}{lost}. Every later compaction that makes this name "
        f"skips it, drops its own lines and still moves the originals away.{fate} {aside}",
        cause=_TORN_CAUSE,
        next_step=step,
        then="" if case.takes_repair else commands.ONCE_SETTLED,
        claims=[Claim(file.handle, 0), *claims],
    )


def _visible(case: Case, kind: LaneKind, missing: tuple[int, int]) -> str:
    """How many visible entries lie in the missing part, in words."""
    lane = case.lane(kind)
    inside = (lane.first >= np.uint64(missing[0])) & (lane.last <= np.uint64(missing[1]))
    number = int(np.count_nonzero(inside))
    if not number:
        return "No other file of metadata/ has them."
    return f"{count(number, 'entry', 'entries')} of them {'stands' if number == 1 else 'stand'} in other files still."


@detector("download-ignored-then-fatal", "gzip-damaged", "decompression-bomb", "foreign-file-in-metadata", level=1)
def unreadable_files(case: Case) -> Iterator[Finding]:
    """Plain files whose content could not be had."""
    faults = [file for file in case.index.files if file.fault and file.listed.kind is ListedKind.FILE]
    for file in faults[:_MOST_FILES]:
        yield _unreadable(case, file)
    unread = [file for file in case.retired.files if file.fault]
    if unread:
        yield _evidence_unread(case, unread)


def _unreadable(case: Case, file: MetaFile) -> Finding:
    fault = file.fault.fault if file.fault else ReadFault.FAILED
    message = file.fault.message if file.fault else ""
    kind, cause = _FAULTS.get(fault, _FAULTS[ReadFault.FAILED])
    if fault is ReadFault.TOO_LARGE and file.gzip:
        kind = "decompression-bomb"
    stock = None if fault is ReadFault.TOO_LARGE or case.load_error is None else case.load_error.message
    return finding(
        kind,
        severity=Severity.ERROR if stock is None else Severity.CRITICAL,
        explanation=f"{shown(file.handle)} ({file.listed.size:,} bytes) was not read: {shown(message)}. Whatever it "
        "holds is not in the picture.",
        cause=cause,
        next_step=_READ_AGAIN[fault](case, file),
        then=_THEN[fault],
        stock_says=stock,
        claims=[Claim(file.handle, 0)],
    )


def _evidence_unread(case: Case, files: Sequence[MetaFile]) -> Finding:
    """What stock never reads, and what then can't be said to be recoverable."""
    message = files[0].fault.message if files[0].fault else ""
    return finding(
        "download-ignored-then-fatal",
        severity=Severity.INFO,
        explanation=f"{listed([shown(file.handle) for file in files])} could not be read: {shown(message)}. Stock "
        "never reads that folder, but what survives only there is not in the picture.",
        cause="Permissions, or a fault of the storage.",
        next_step=commands.listing(case, "metadata_backup"),
        claims=[Claim(file.handle, 0) for file in files],
    )


_FAULTS: Final = {
    ReadFault.MISSING: (
        "download-ignored-then-fatal",
        "The file was moved or deleted after it had been listed: a compaction is at work. Look again.",
    ),
    ReadFault.FAILED: ("download-ignored-then-fatal", "Permissions, or a fault of the storage."),
    ReadFault.BAD_GZIP: ("gzip-damaged", "A transfer that was cut off, or a plain file put into a gzip store."),
    ReadFault.TOO_LARGE: ("foreign-file-in-metadata", "No metadata file is that large: a foreign or hostile file."),
}


#: What to do about a file that was not read, by the fault.
_READ_AGAIN: Final[Mapping[ReadFault, Callable[[Case, MetaFile], str]]] = {
    ReadFault.MISSING: lambda case, _file: commands.check(case, 1),
    ReadFault.FAILED: lambda case, _file: commands.listing(case, "metadata"),
    ReadFault.BAD_GZIP: lambda case, file: commands.set_aside(case, [file.handle]),
    ReadFault.TOO_LARGE: lambda case, file: commands.set_aside(case, [file.handle]),
}
_THEN: Final = {
    ReadFault.MISSING: "",
    ReadFault.FAILED: "If the rights are wrong, set them; if they are right, the storage has a fault to be mended. "
    "Then check again: nothing is planned while the file can't be read.",
    ReadFault.BAD_GZIP: "If a whole copy of the file exists, put that into metadata/ under another name. If not, the "
    "next check tells what the index lacks, and how to get it back.",
    ReadFault.TOO_LARGE: "The file stays in metadata_quarantine/, where stock never looks. If it was metadata all the "
    "same, its lines have to come back in files of less than 64 MiB.",
}


@detector("plain-vs-gzip-store")
def plain_and_gzip(case: Case) -> Iterator[Finding]:
    """Plain and gzip files side by side."""
    forms = forms_of(case.index)
    if not forms.mixed:
        return
    yield finding(
        "plain-vs-gzip-store",
        severity=Severity.CRITICAL,
        explanation=f"{forms.told}. {NO_WAY_OF_READING}",
        cause="The store was written both with --local-fs-dir and through a command adapter.",
        next_step=commands.listing(case, "metadata"),
        then="Write each file of the rarer form again in the other (gzip -c packs, gzip -dc unpacks) under a name that "
        "was never used, and move the old one out of metadata/. From then on use one way of writing only.",
        stock_says=case.load_error.message if case.load_error else "stream did not contain valid UTF-8",
        claims=[Claim(file.handle, 0) for file in forms.few],
    )
