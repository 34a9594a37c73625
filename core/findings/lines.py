"""Lines that stock refuses, lines that it takes although they are odd, and lines that stand there twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from core.findings import commands
from core.findings.build import finding
from core.findings.cache_hash import cache_hashes
from core.findings.case import ENTRY_LANES, Case
from core.findings.contents import missing_part
from core.findings.files import in_flight
from core.findings.registry import detector
from core.index import LineProblem, MetaFile
from core.model import Claim, Finding, LaneKind, Severity
from core.phrases import count, listed, shown, span

#: More files than this with bad lines are told by their number.
_MOST_FILES: Final = 200
#: From so many metadata files on every stock command is slow.
_MANY_FILES: Final = 1_000

_CAUSES: Final = {
    "blank-line": "An editor, or files joined by hand.",
    "bad-json-line": "A write that was cut off, a file edited by hand, or something else that was saved as metadata.",
    "bad-encoding": "An editor that writes byte order marks, or a file that is no text.",
    "number-not-u64": "The line was written by another tool.",
    "duplicate-key": "Lines merged by hand, or a hostile line.",
    "unknown-variant": "A newer tool wrote it, or it is no metadata.",
}


@detector(*_CAUSES, "read-while-written", level=1)
def refused_lines(case: Case) -> Iterator[Finding]:
    """Lines for which stock refuses the whole store, one finding for each file and sort of fault."""
    by_file = groupby(case.index.problems, key=lambda problem: problem.claim.file)
    for _, (handle, problems) in zip(range(_MOST_FILES), by_file, strict=False):
        number = case.file_numbers[handle]
        file = case.index.files[number]
        kinds: dict[str, list[LineProblem]] = {}
        for problem in problems:
            kinds.setdefault(problem.hazard, []).append(problem)
        if case.in_flight(file) and file.bad_lines == 1 and not file.ends_with_newline:
            yield in_flight(file, "breaks off in the middle of a line", case)
            continue
        for kind, those in kinds.items():
            yield _refused(case, kind, number, those)


def _refused(case: Case, kind: str, number: int, problems: list[LineProblem]) -> Finding:
    file, first = case.index.files[number], problems[0]
    lane, missing = _promised(case, number)
    more = f", and {count(file.bad_lines - 1, 'other line')} of the file as well" if file.bad_lines > 1 else ""
    promise = f" Its name promises {span(lane, *missing)}." if missing else ""
    return finding(
        kind,
        lane=lane,
        range_=missing,
        severity=Severity.CRITICAL,
        explanation=f"{shown(str(first.claim))} of {file.lines:,} can't be read{more}. Stock refuses the whole store "
        f"for it, and its message names neither the file nor the line.{promise}",
        cause=_CAUSES[kind],
        next_step=_way_on(case, file, first.claim),
        then=_follows(case, file, kind),
        stock_says=first.message,
        claims=[problem.claim for problem in problems],
    )


def _way_on(case: Case, file: MetaFile, claim: Claim) -> str:
    """A repair retires a metadata file for its bad lines, once the good ones stand elsewhere.

    Not where a newer tool may have written one of them, and not for a file that is no metadata at all.
    """
    if file.listed.name.endswith(".meta") and case.takes_repair:
        return commands.repair(case)
    if file.bad_lines == file.lines:
        return commands.set_aside(case, [file.handle])
    return commands.look_at(case, file.handle, claim.line)


def _follows(case: Case, file: MetaFile, kind: str) -> str:
    """What follows where no repair takes the line out."""
    if file.listed.name.endswith(".meta") and case.takes_repair:
        return ""
    if kind == "unknown-variant":
        return commands.NEWER
    return commands.ASIDE if file.bad_lines == file.lines else commands.ONCE_SETTLED


def _promised(case: Case, number: int) -> tuple[LaneKind, tuple[int, int] | None]:
    """The part of a file's promise that its good lines do not hold: one of its ends, or a gap of the lane inside it."""
    name = case.names[number]
    if name is None or not isinstance(name.kind, LaneKind):
        return LaneKind.FILES, None
    missing = missing_part(name, case.contents[name.kind].range_of(number, name.unit))
    if missing is None and name.kind in case.sweeps:
        gap = case.sweeps[name.kind].gap_inside(name.first, name.last)
        missing = (gap.first, gap.last) if gap else None
    return (name.kind, missing) if missing else (LaneKind.FILES, None)


@detector("error-names-no-file")
def nameless_errors(case: Case) -> Iterator[Finding]:
    """Which file stock's log means when it can't read a line."""
    handles = list(dict.fromkeys(problem.claim.file for problem in case.index.problems))[:_MOST_FILES]
    for handle, hashed in zip(handles, cache_hashes(handles).tolist(), strict=True):
        yield finding(
            "error-names-no-file",
            explanation=f"Stock's message means {shown(handle)}; its log calls the file {hashed:x}, the name under "
            "which its cache keeps it.",
            cause="Stock parses each line alone, so that it is always line 1, and notes only the file in its cache.",
            next_step=commands.look_at(case, handle),
            claims=[Claim(handle, 0)],
        )


_NOTES: Final = {
    "array-form-record": ("{} of {} is written as a list instead of an object. Stock accepts it.", "Another tool."),
    "line-separator-chars": (
        "{} of {} holds characters that end a line elsewhere (U+2028, U+2029 or U+0085). Stock splits at line feeds "
        "only.",
        "An unusual handle.",
    ),
}


@detector(*_NOTES)
def odd_lines(case: Case) -> Iterator[Finding]:
    """Lines that stock takes and other tools may not, one finding for each file."""
    noted: dict[tuple[str, str], list[Claim]] = {}
    for note in case.index.notes:
        if note.note in _NOTES:
            noted.setdefault((note.note, note.claim.file), []).append(note.claim)
    counts = {file.handle: file.notes for file in case.index.files if file.notes}
    for _, ((kind, handle), claims) in zip(range(_MOST_FILES), noted.items(), strict=False):
        words, cause = _NOTES[kind]
        lines = counts[handle][kind]
        where = f"line {claims[0].line:,}" if lines == 1 else f"each of {lines:,} lines"
        yield finding(
            kind,
            explanation=words.format(where.capitalize(), shown(handle)),
            cause=cause,
            next_step=commands.look_at(case, handle, claims[0].line),
            claims=claims,
        )


@detector("duplicate-line")
def repeated_lines(case: Case) -> Iterator[Finding]:
    """How many lines repeat one of another file: originals that wait for their removal."""
    lanes = [case.lane(kind) for kind in ENTRY_LANES]
    repeated = sum(len(lane.claim_file) - len(lane) for lane in lanes)
    if repeated:
        yield finding(
            "duplicate-line",
            explanation=f"{count(repeated, 'line repeats', 'lines repeat')} a line of another file with the same "
            "manifest; stock counts each once.",
            cause="Compaction has copied them, and the originals wait for their grace period to end.",
            next_step=commands.mended_by_compaction(case),
        )


@detector("metadata-file-count")
def many_files(case: Case) -> Iterator[Finding]:
    """So many files that every command is slow."""
    files: tuple[MetaFile, ...] = case.index.files
    if len(files) >= _MANY_FILES:
        small = [shown(file.handle) for file in files if file.lines == 1]
        yield finding(
            "metadata-file-count",
            explanation=f"metadata/ holds {len(files):,} files, {len(small):,} of them with a single line. Every stock "
            f"command reads them all: {listed(small)}.",
            cause="Each backup writes a file of its own, and compaction at stock's default factor 1 does not make "
            "them fewer.",
            next_step=commands.mended_by_compaction(case),
        )
