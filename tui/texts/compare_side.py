"""One side of a comparison: the manifest, what it covers, who claims it, what lies around it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.choices import Neighbours
from core.manifests import StateManifest
from core.model import Entry, LaneKind, StateSnapshotRecord
from core.phrases import moment
from tui.comparison import LETTERS, Comparison, Side
from tui.glyphs import Glyphs
from tui.numbers import counted, size, whole
from tui.texts.common import lane_span, manifest_text
from tui.widgets.painted import Run
from tui.widgets.prose import Paragraph, runs, text

_FACT_CELLS: Final = 12
_CLAIMS_SHOWN: Final = 30
#: From this width on facts carry their names.
_WIDE: Final = 56


def side_text(
    comparison: Comparison, place: int, around: Neighbours | None, width: int, glyphs: Glyphs
) -> list[Paragraph]:
    """Everything about A (place 0) or B (place 1), in a panel `width` cells wide."""
    side, other = comparison.sides[place], comparison.sides[1 - place]
    entry = side.entry
    unit = "epoch" if entry.lane is LaneKind.EPOCH_ENDINGS else "version"
    fact = _Facts(width >= _WIDE)
    versions = lane_span(entry.lane, entry.first, entry.last)
    extent = f"   {_extent(entry, unit)}"
    if fact.wide or len(versions + extent) < width:
        versions += extent
    handle = entry.manifest if fact.wide else manifest_text(entry.manifest, max(1, width - 1), glyphs.ellipsis)
    story = [
        fact.of("manifest", handle),
        fact.of(f"{unit}s", versions),
        fact.of("chunks", *_chunk_words(side)),
        fact.of("written", _written(side, fact.wide)),
        *_claims(fact, entry),
    ]
    if isinstance(side.manifest, StateManifest):
        story.append(fact.of("root hash", side.manifest.root_hash))
    if around is not None and entry.lane is not LaneKind.STATE_SNAPSHOTS:
        story.append(fact.of("before", _before_words(entry, around, other.entry, LETTERS[1 - place])))
        story.append(fact.of("after", _after_words(entry, around)))
    story += [fact.of("wrong", problem.message, "conflict") for problem in side.problems]
    return story


@dataclass(frozen=True, slots=True)
class _Facts:
    """How a fact is laid out: with its name in front where there is room."""

    wide: bool

    def of(self, name: str, words: str, style: str = "text") -> Paragraph:
        """One fact."""
        if self.wide:
            return runs((f"{name:<{_FACT_CELLS}}", "dim"), (words, style), hanging=_FACT_CELLS)
        lead: tuple[Run, ...] = () if name in _PLAIN else ((f"{name} ", "dim"),)
        return runs(*lead, (words, style), hanging=1)


#: Facts that need no name to be understood.
_PLAIN: Final = frozenset({"manifest", "versions", "epochs", "chunks"})


def _extent(entry: Entry, unit: str) -> str:
    if isinstance(entry.record, StateSnapshotRecord):
        return f"epoch {whole(entry.record.epoch)}"
    return counted(max(0, entry.last + 1 - entry.first), unit)


def _chunk_words(side: Side) -> tuple[str, str]:
    """How many chunks there are, and their bytes, or why that is not known."""
    if side.fault is not None:
        return f"manifest not read: {side.fault}", "conflict"
    if side.manifest is None:
        return "reading the manifest", "dim"
    words = counted(side.chunk_count, "chunk")
    if side.absent:
        return f"{words}, {whole(side.absent)} not in the store", "conflict"
    total = "looking up sizes" if side.chunk_bytes is None else size(side.chunk_bytes)
    return f"{words}   {total}", "text"


def _written(side: Side, wide: bool) -> str:
    if side.listed is None or not side.listed.modified:
        return "time not known"
    return moment(side.listed.modified) + ("   (time of the object in the store)" if wide else "")


def _claims(fact: _Facts, entry: Entry) -> Iterator[Paragraph]:
    files = len({claim.file for claim in entry.claims})
    yield fact.of("claimed by", counted(files, "metadata file"))
    for claim in entry.claims[:_CLAIMS_SHOWN]:
        name = claim.file.removeprefix("metadata/")
        yield runs((f"{name} ", "text"), (f"line {whole(claim.line)}", "dim"), indent=2, hanging=4)
    more = len(entry.claims) - _CLAIMS_SHOWN
    if more > 0:
        yield text(f"and {counted(more, 'more line')}", "dim", 2)


def _before_words(entry: Entry, around: Neighbours, other: Entry, letter: str) -> str:
    if around.meets is not None:
        return f"{lane_span(entry.lane, around.meets.first, around.meets.last)}   meets exactly"
    if around.reaches_in is not None:
        end = around.reaches_in.last
        what = (
            f"{letter}, which ends at {whole(end)}" if around.reaches_in == other else f"one that ends at {whole(end)}"
        )
        inside = min(end, entry.last) + 1 - entry.first
        return f"{what}: starts {whole(inside)} inside it"
    return f"gap of {whole(around.gap_before)}" if around.gap_before else "nothing: it is the first"


def _after_words(entry: Entry, around: Neighbours) -> str:
    if around.follows is not None:
        return f"{lane_span(entry.lane, around.follows.first, around.follows.last)}   meets exactly"
    following = entry.last + 1
    if around.covered_on:
        return f"nothing starts at {whole(following)}, others cover it"
    if around.next_first is None:
        return "nothing: it is the last"
    return f"next starts {whole(around.next_first)}: gap of {whole(around.next_first - following)}"
