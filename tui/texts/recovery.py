"""What the previews of a restore and of a repair both say: which lines come, from where, and what was looked into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from core.model import LaneKind
from core.recovery import DerivedManifest, Recovery, looked_sentence
from tui.numbers import counted
from tui.proposal import chunks_words
from tui.texts.common import lane_span
from tui.widgets.prose import Paragraph, runs

_LABEL: Final = 11
#: Of so many lines that come each is named.
_NAMED: Final = 40


def of_lane(kind: LaneKind, place: str) -> str:
    """A range with the lane that it is of, unless its unit says so."""
    return place if kind is LaneKind.EPOCH_ENDINGS else f"{kind.short} {place}"


def lines_text(recovery: Recovery) -> Iterator[Paragraph]:
    """The derived manifests, and the lines that come back, each with where they come from."""
    for derived in recovery.derived[:_NAMED]:
        yield _named("spliced", *_place(recovery, derived), f"{chunks_words(derived)} of {derived.source}, as they are")
    yield from _more("spliced", len(recovery.derived), "more manifest")
    found = _retired(recovery)
    for (kind, file), rows in list(found.items())[:_NAMED]:
        lane = recovery.preview.index.lanes[kind]
        place = lane_span(kind, int(lane.first[rows].min()), int(lane.last[rows].max()))
        yield _named("recovered", kind, place, f"{counted(len(rows), 'line')} of {file}")
    yield from _more("recovered", len(found), "more file")


def _named(label: str, kind: LaneKind, place: str, whence: str) -> Paragraph:
    return runs(
        (f"{label:<{_LABEL}}", "dim"), (f"{of_lane(kind, place)}  ", "strong"), (whence, "text"), hanging=_LABEL
    )


def _more(label: str, count: int, noun: str) -> Iterator[Paragraph]:
    if count > _NAMED:
        yield runs((f"{label:<{_LABEL}}", "dim"), (f"and {counted(count - _NAMED, noun)}", "text"), hanging=_LABEL)


def _place(recovery: Recovery, derived: DerivedManifest) -> tuple[LaneKind, str]:
    """What a derived manifest covers."""
    ground = recovery.preview.ground
    rows = zip(ground.added[derived.lane].tolist(), ground.lines[derived.lane], strict=True)
    row = next(row for row, line in rows if line.record == derived.record)
    lane = ground.index.lanes[derived.lane]
    return derived.lane, lane_span(derived.lane, int(lane.first[row]), int(lane.last[row]))


def _retired(recovery: Recovery) -> dict[tuple[LaneKind, str], list[int]]:
    """The rows of lines that only retired files hold, by lane and file."""
    ground = recovery.preview.ground
    found: dict[tuple[LaneKind, str], list[int]] = defaultdict(list)
    for kind, lines in ground.lines.items():
        for row, line in zip(ground.added[kind].tolist(), lines, strict=True):
            if line.claim is not None:
                found[kind, line.claim.file].append(row)
    return found


def whence(recovery: Recovery, kind: LaneKind, row: int) -> str:
    """Where an entry of the preview comes from that stands in no file of `metadata/`; empty for one that does."""
    ground = recovery.preview.ground
    place = ground.added[kind].searchsorted(row)
    if place == len(ground.added[kind]) or ground.added[kind][place] != row:
        return ""
    line = ground.lines[kind][place]
    if line.claim is not None:
        return f"recovered from {line.claim}"
    derived = next((each for each in recovery.derived if each.record == line.record), None)
    return f"spliced from {line.source}" + (f", {chunks_words(derived)}" if derived else "")


def checked_words(recovery: Recovery) -> str:
    """What was looked into, and what was not."""
    looked = len(recovery.evidence.manifests) if recovery.evidence else 0
    rest = "chunk bytes, proofs, signatures"
    absent = looked_sentence(recovery)
    if not looked:
        return f"{absent or 'No manifest was looked into.'} Not checked: {rest}"
    did = f"Looked into {counted(looked, 'manifest')} and whether the files are there."
    return f"{did} {absent} ".replace("  ", " ") + f"Not checked: other manifests, {rest}"
