"""What two manifests mean together, and what choosing either of them does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from core.choices import Choice, Hole, Neighbours, WithEntry, WithoutEntry
from core.manifests import (
    ChunkComparison,
    ChunkRow,
    ContentComparison,
    EpochEndingManifest,
    Relation,
    StateManifest,
    Verdict,
)
from core.model import Finding, LaneKind, StateSnapshotRecord
from core.restore import Needs, stock_words
from tui.comparison import LETTERS, Comparison, Side
from tui.export import entry_value
from tui.numbers import counted, short, whole
from tui.texts.common import lane_span, quoted
from tui.texts.compare_content import content_text, not_checked_words, places_text
from tui.widgets.prose import Paragraph, runs, text

if TYPE_CHECKING:
    from core.restore import StoreVerdict
    from tui.weighing import RepairWith


@dataclass(frozen=True, slots=True)
class Effects:
    """What the engine says of a pair: what choosing A and choosing B does, and what lies around each."""

    choices: tuple[Choice, Choice]
    around: tuple[Neighbours, Neighbours]


@dataclass(frozen=True, slots=True)
class Repairs:
    """The repairs with A and with B chosen; where they are not known, or `never` will be, `waiting` says why."""

    both: tuple[RepairWith, RepairWith] | None = None
    waiting: str = ""
    never: bool = False


def meaning_text(
    comparison: Comparison,
    effects: Effects | None,
    repairs: Repairs,
    findings: Sequence[Finding],
    chosen: int | None,
    waiting: str,
) -> list[Paragraph]:
    """What the two mean together. `chosen` is the side that the operator chose; `waiting` stands for absent effects."""
    story = [*content_text(comparison.content)] if comparison.content else []
    story += _content_words(comparison)
    if effects is not None and chosen is not None:
        story += _choice_text(comparison, effects, repairs, chosen, chosen=True)
    story += _right_words(comparison)
    story += _tie_words(comparison)
    story += _stops(findings)
    if effects is None:
        story.append(text(waiting, "dim"))
    else:
        for place in (0, 1):
            if place != chosen:
                story += _choice_text(comparison, effects, repairs, place, chosen=False)
    return [*story, *places_text(comparison.result), text(not_checked_words(comparison), "dim")]


def _content_words(comparison: Comparison) -> Iterator[Paragraph]:
    """Whether the two hold the same, as far as ranges and sizes tell."""
    unread = [letter for letter, side in zip(LETTERS, comparison.sides, strict=True) if side.manifest is None]
    if any(not side.read for side in comparison.sides):
        yield text("Reading the manifests.", "dim")
    elif unread:
        which = "neither manifest" if len(unread) > 1 else f"the manifest of {unread[0]} can't"
        words = f"{which} can be read" if len(unread) > 1 else f"{which} be read"
        yield text(f"Nothing can be compared: {words}.", "conflict")
    elif comparison.overlap is None:
        yield text("These two do not overlap: there is nothing to compare.")
    elif comparison.chunks is not None and comparison.result is None:
        yield from _chunk_verdict(comparison, comparison.chunks)
    yield from _header_words(comparison)


def _chunk_verdict(comparison: Comparison, chunks: ChunkComparison) -> Iterator[Paragraph]:
    count = chunks.count
    total = len(chunks.rows)
    if count(Relation.CROSSING):
        yield text("Not comparable chunk by chunk: their borders cross.", "conflict")
        crossing, same = counted(count(Relation.CROSSING), "row"), whole(count(Relation.SAME))
        yield text(f"{crossing} of {whole(total)} cross; {same} have the same range and size.")
    elif count(Relation.ALONE):
        alone = counted(count(Relation.ALONE), "chunk is", "chunks are")
        yield text(f"Not equal: {alone} on one side only.", "conflict")
    elif count(Relation.OTHER_SIZE):
        other = count(Relation.OTHER_SIZE)
        verb = "differs" if other == 1 else "differ"
        yield text(f"Not proven equal: {whole(other)} of the {whole(total)} shared chunks {verb} in size.", "conflict")
    elif comparison.looked_up < comparison.to_look_up:
        yield text(
            f"Looking up sizes: {whole(comparison.looked_up)} of {whole(comparison.to_look_up)} chunk files.", "dim"
        )
    elif count(Relation.UNKNOWN):
        unknown = whole(count(Relation.UNKNOWN))
        yield text(
            f"Not proven equal: of {unknown} of the {whole(total)} shared chunks a size can't be had.", "conflict"
        )
    elif chunks.alike:
        shared = {1: "The one shared chunk has", 2: "Both shared chunks have"}
        lead = shared.get(total, f"All {whole(total)} shared chunks have")
        yield text(f"{lead} the same range and size: nothing speaks against equal content.")
        yield text("That is no proof: their bytes were not compared.", "dim")


def _header_words(comparison: Comparison) -> Iterator[Paragraph]:
    """What the manifests themselves say about the content."""
    a, b = (side.manifest for side in comparison.sides)
    if isinstance(a, StateManifest) and isinstance(b, StateManifest):
        same = a.root_hash == b.root_hash
        words = (
            "Both name the same root hash: the same state."
            if same
            else "They name different root hashes: not the same state."
        )
        yield text(words, "good" if same else "conflict")
    if isinstance(a, EpochEndingManifest) and isinstance(b, EpochEndingManifest):
        first = max(a.first_epoch, b.first_epoch)
        ours, theirs = a.waypoints[first - a.first_epoch :], b.waypoints[first - b.first_epoch :]
        shared = min(len(ours), len(theirs))
        different = next((place for place in range(shared) if ours[place] != theirs[place]), None)
        if shared and different is None:
            yield text(f"The waypoints of all {whole(shared)} shared epochs are equal.", "good")
        elif different is not None:
            yield text(f"The waypoints differ from epoch {whole(first + different)} on.", "conflict")


def _right_words(comparison: Comparison) -> Iterator[Paragraph]:
    equal = comparison.result is not None and comparison.result.verdict is Verdict.EQUAL
    if all(side.sound for side in comparison.sides) and not equal:
        yield text("Each manifest is complete by itself: nothing here says which one is right.")
    for letter, side in zip(LETTERS, comparison.sides, strict=True):
        if side.fault is not None:
            yield text(f"{letter} can't be restored from: {side.fault}", "conflict")
        elif side.problems or side.absent:
            first = (
                side.problems[0].message if side.problems else f"{counted(side.absent or 0, 'chunk file')} not there"
            )
            yield text(f"{letter} is not complete: {first}", "conflict")


def _tie_words(comparison: Comparison) -> Iterator[Paragraph]:
    """Two snapshots of one version: who takes which."""
    a, b = (side.entry.record for side in comparison.sides)
    if isinstance(a, StateSnapshotRecord) and isinstance(b, StateSnapshotRecord) and a.version == b.version:
        yield text(
            "A stock restore takes B, the greater name. Resume in replay-verify takes A, the smaller name.", "snapshot"
        )


def _stops(findings: Sequence[Finding]) -> Iterator[Paragraph]:
    """Stock's own words about the problem, each once, with what stops there."""
    said: dict[str, str] = {}
    for finding in findings:
        if finding.stock_says:
            said.setdefault(finding.stock_says, "compaction" if finding.kind.startswith("compaction") else "restore")
    for message, what in said.items():
        yield runs((f"{what} stops  ", "dim"), (quoted(message), "conflict"), hanging=2)


def _choice_text(
    comparison: Comparison, effects: Effects, repairs: Repairs, place: int, *, chosen: bool
) -> Iterator[Paragraph]:
    """What choosing one side does."""
    choice, side, lane = effects.choices[place], comparison.sides[place], comparison.lane
    letter, other = LETTERS[place], LETTERS[1 - place]
    lead = f"{letter} is chosen" if chosen else f"{letter.lower()}  choose {letter}"
    chain = repairs.both[place].chain if repairs.both else choice.chain
    if chosen and not chain.used:
        lead = f"{letter} is chosen and can't be used"
    style = ("chosen" if chain.used else "conflict") if chosen else "key"
    yield runs((f"{lead}: ", style), (_chain_words(chain, other), "text"), hanging=3)
    if side.read and not side.sound:
        yield text(f"{letter} is not complete: a restore that reads it fails.", "conflict", 3)
    yield text(f"the repair with it: {_repair_words(repairs, place)}", "text", 3)
    holes = "" if lane is LaneKind.STATE_SNAPSHOTS else f"{_hole_words(choice.without_other.holes, lane)}; "
    yield text(f"{other} left out of the metadata: {holes}{_verdict_words(choice.without_other)}", "text", 3)
    yield text(_file_words(choice.without_other, other), "dim", 3)


def _chain_words(chain: WithEntry, other: str) -> str:
    if chain.lands_at is None:
        return "nothing can be restored"
    lands = whole(chain.lands_at)
    needs = {Needs.NOTHING: "as stock does", Needs.OVERLAY: "with an overlay", Needs.BACKUP: "more must be backed up"}
    if chain.why_unused is not None:
        return f"{chain.why_unused}; a restore lands at {lands} without it, {needs[chain.needs]}"
    if chain.needs is Needs.NOTHING and not chain.stock_reads:
        return f"the chain uses it and restores to {lands}, with an overlay: stock takes {other}"
    return f"the chain uses it and restores to {lands}, {needs[chain.needs]}"


def _repair_words(repairs: Repairs, place: int) -> str:
    """What the repair does to the files when a side is chosen, and what stock says then."""
    if repairs.both is None:
        return repairs.waiting
    repair = repairs.both[place]
    if repair.refusal:
        return f"refused, {repair.refusal}"
    if not repair.has_work:
        return "nothing to do"
    parts = [
        f"{counted(repair.retired, 'metadata file')} retired",
        f"{whole(repair.written)} written",
        f"{whole(repair.stay)} stay",
    ]
    if repair.derived:
        parts.append(f"{counted(repair.derived, 'manifest')} spliced")
    then = f"; then {_stock_words(repair.verdict)}" if repair.verdict else ""
    return ", ".join(parts) + then


def _hole_words(holes: tuple[Hole, ...], lane: LaneKind) -> str:
    if not holes:
        return "nothing becomes a gap"
    parts = []
    for hole in holes[:3]:
        width = hole.last + 1 - hole.first
        grown = hole.new < width
        words = f"the gap {lane_span(lane, hole.first, hole.last)} grows to {short(width)}"
        parts.append(words if grown else f"{lane_span(lane, hole.first, hole.last)} becomes a gap")
    more = len(holes) - 3
    return " and ".join(parts) + (f" and {whole(more)} more" if more > 0 else "")


def _verdict_words(without: WithoutEntry) -> str:
    return _stock_words(without.verdict)


def _stock_words(verdict: StoreVerdict) -> str:
    to = "nothing" if verdict.stock_restorable_to is None else f"to {whole(verdict.stock_restorable_to)}"
    if verdict.stock_fails_from is None or verdict.stock_first_error is None:
        return f"stock restores {to}" + (
            "" if verdict.stock_restores_latest else ", below the latest, without an error"
        )
    message = stock_words(verdict.stock_first_error)
    return f"stock restores {to} and stops from {whole(verdict.stock_fails_from)} on with {message}"


def _file_words(without: WithoutEntry, letter: str) -> str:
    files = len({claim.file for claim in without.claims})
    kept = f"; {counted(without.kept_lines, 'other line')} in them must be kept" if without.kept_lines else ""
    return f"{letter} is named in {counted(files, 'metadata file')}{kept}"


def compare_document(
    comparison: Comparison, effects: Effects | None, chosen: int | None, location: str
) -> dict[str, Any]:
    """What `x` writes: both sides, their chunks row by row, and what a choice does."""
    chunks = comparison.known_chunks
    return {
        "schema": 1,
        "screen": "compare",
        "store": location,
        "lane": comparison.lane.value,
        "overlap": None if comparison.overlap is None else list(comparison.overlap),
        "sides": [_side_fields(side) for side in comparison.sides],
        "chunks": [_row_fields(row) for row in chunks.rows] if chunks else None,
        "records": _content_fields(comparison.result) if comparison.result else None,
        "chosen": None if chosen is None else LETTERS[chosen],
        "choices": None if effects is None else [_choice_fields(choice) for choice in effects.choices],
    }


def _side_fields(side: Side) -> dict[str, Any]:
    return entry_value(side.entry) | {
        "modified": side.listed.modified if side.listed else None,
        "unreadable": side.fault,
        "chunk_count": side.chunk_count if side.manifest else None,
        "chunk_bytes": side.chunk_bytes,
        "absent_chunks": side.absent,
        "problems": [{"kind": each.hazard, "message": each.message, "file": each.file} for each in side.problems],
    }


def _content_fields(result: ContentComparison) -> dict[str, Any]:
    places = {
        letter: place and {"chunk": place.chunk, "file": place.file, "offset": place.offset, "bytes": place.size}
        for letter, place in zip("ab", (result.a, result.b), strict=True)
    }
    return {
        "verdict": result.verdict.value,
        "unit": result.unit,
        "first": result.first,
        "last": result.last,
        "differs_at": result.at if result.verdict is Verdict.DIFFERS else None,
        "equal_before": result.at if result.verdict is Verdict.UNKNOWN else None,
        "equal_records": result.records,
        "bytes": result.bytes,
        "doubt": result.doubt and result.doubt.value,
        "why": result.why or None,
        **places,
    }


def _row_fields(row: ChunkRow) -> dict[str, Any]:
    sides = {
        letter: side and {"chunk": side.number, "first": side.first, "last": side.last, "bytes": side.size}
        for letter, side in zip("ab", (row.a, row.b), strict=True)
    }
    return {"relation": row.relation.value, **sides}


def _choice_fields(choice: Choice) -> dict[str, Any]:
    verdict = choice.without_other.verdict
    return {
        "entry": choice.entry.manifest,
        "chain_uses_it": choice.chain.used,
        "why_unused": choice.chain.why_unused,
        "chain_restores_to": choice.chain.lands_at,
        "needs": choice.chain.needs.value,
        "without_the_other": {
            "gaps": [[hole.first, hole.last] for hole in choice.without_other.holes],
            "stock_restorable_to": verdict.stock_restorable_to,
            "stock_fails_from": verdict.stock_fails_from,
            "stock_error": verdict.stock_error,
            "stock_first_error": verdict.stock_first_error,
        },
    }
