"""What `compact --dry-run` prints: does it run through, if not why, the groups, the files around it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
from rich.console import Group
from rich.text import Text

from core.compaction import CompactionPreview, GroupStatus, LineState, PreviewGroup, PreviewLane, StopLine
from core.compaction_hazards import CompactionHazard
from core.findings.catalogue import CATALOGUE
from core.model import Entry
from tui.headless.printers.layout import (
    BAD,
    DIM,
    GOOD,
    SEVERITY_STYLES,
    Line,
    Lines,
    aligned,
    commands,
    headline,
    lane_name,
    place,
    prose,
    said,
    verbatim,
)
from tui.headless.refusal import Refusal
from tui.numbers import counted, span, whole

HANDLES_SHOWN: Final = 6
STRETCHES_SHOWN: Final = 12
_LONE: Final = 3
_STYLES: Final = {GroupStatus.OK: "", GroupStatus.EXISTS_EQUAL: "", GroupStatus.NOT_REACHED: DIM}


def compaction_answer(preview: CompactionPreview, refused: Refusal | None, location: str) -> Group:
    """The whole answer of a compaction preview."""
    return Group(
        *_verdict(preview, refused, location),
        *_groups(preview),
        *_around_the_stop(preview),
        *_hazards(preview),
        *_retired(preview),
    )


def _verdict(preview: CompactionPreview, refused: Refusal | None, location: str) -> Lines:
    """Would it run through, if not why, and what now."""
    lines: Lines = [_headline(preview, refused)]
    if refused is not None:
        lines += _why(refused)
    lines += [Text(), verbatim("store", location), prose("factors", _factors(preview)), prose("files", _files(preview))]
    return lines


def _headline(preview: CompactionPreview, refused: Refusal | None) -> Text:
    stop = preview.stop
    if stop is not None:
        where = "while it loads" if stop.lane is None else f"in the {lane_name(stop.lane)}"
        if stop.group is not None:
            where += f", group {whole(stop.group + 1)}"
        return headline("STOPS", BAD, f"stock's compaction ends early {where}")
    if refused is not None:
        return headline("REFUSED", BAD, "stock's compaction would run through, and do harm")
    return headline("RUNS", GOOD, "stock's compaction would run through and lose nothing; nothing was written")


def _why(refused: Refusal) -> Lines:
    lines: Lines = []
    if refused.stock_says:
        lines.append(verbatim("stock", said(refused.stock_says)))
    if refused.zone is not None:
        where = place(refused.zone.lane, refused.zone.first, refused.zone.last)
        lines.append(prose("problem", f"{refused.zone.title}, {lane_name(refused.zone.lane)} {where}".rstrip()))
    return [*lines, prose("why", f"{refused.kind}: {refused.explanation}"), *commands("now", refused.next_step)]


def _factors(preview: CompactionPreview) -> str:
    options = preview.run.options
    return (
        f"epoch endings {whole(options.epoch_ending_factor)}, transactions {whole(options.transaction_factor)}, "
        f"state snapshots {whole(options.state_snapshot_factor)}; files set aside after "
        f"{counted(options.remove_compacted_after, 'second')}"
    )


def _files(preview: CompactionPreview) -> str:
    after = f"{whole(preview.files_before)} before, {whole(preview.files_after)} after"
    if preview.stop is not None:
        return f"{after}: {whole(preview.written)} written before the stop, and no timestamps file"
    new, aside = whole(preview.written), whole(len(preview.retired))
    return f"{after}: {new} new, {aside} set aside; {whole(preview.written_if_whole)} once all old ones are gone"


def _groups(preview: CompactionPreview) -> Lines:
    """All groups in stock's order, long stretches of one fate cut short."""
    rows = [row for lane in preview.lanes for row in _lane_rows(lane)]
    if not rows:
        return []
    header = ("lane", "lines", "fate", "new file")
    return [Text(), Text("Groups, in stock's order", "bold"), *aligned(header, rows, frozenset({1}))]


def _lane_rows(lane: PreviewLane) -> Iterator[Line]:
    name = lane_name(lane.kind)
    stretches = list(_stretches(lane))
    for begin, end in stretches[:STRETCHES_SHOWN]:
        style = _STYLES.get(lane[begin].status, BAD)
        for number in range(begin, end) if end - begin <= _LONE else (begin, end - 1):
            if number == end - 1 and end - begin > _LONE:
                yield Line((name, "", "", f"{whole(end - begin - 2)} more like this"), DIM)
            group = lane[number]
            yield Line((name, _lines(group), _fate(group), group.group.name), style)
    if len(stretches) > STRETCHES_SHOWN:
        rest = counted(len(lane) - stretches[STRETCHES_SHOWN][0], "more group")
        yield Line((name, "", "", f"{rest}: --json lists what is written"), DIM)


def _stretches(lane: PreviewLane) -> Iterator[tuple[int, int]]:
    """Neighbouring groups with one fate, as [begin, end)."""
    edges = np.flatnonzero(np.diff(lane.codes)) + 1
    bounds = [0, *edges.tolist(), len(lane)]
    yield from ((begin, end) for begin, end in pairwise(bounds) if begin < end)


def _lines(group: PreviewGroup) -> str:
    if group.status is GroupStatus.STOPS:
        return f"{whole(group.good_lines)} of {whole(group.lines)}"
    return whole(group.lines)


def _fate(group: PreviewGroup) -> str:
    if group.status is GroupStatus.STOPS:
        return f"stops at line {whole(group.good_lines + 1)}"
    lost = f", loses {counted(group.lost_lines, 'line')}" if group.lost_lines else ""
    return f"{group.status.value}{lost}"


def _around_the_stop(preview: CompactionPreview) -> Lines:
    """The lines around the one at which stock stops."""
    stop = preview.stop
    if stop is None or stop.lane is None or not preview.stop_lines:
        return []
    lane = preview.run.index.lanes[stop.lane]
    rows = [_stop_row(each, lane.entry(each.row)) for each in preview.stop_lines]
    header = ("line", "range", "check", "manifest")
    return [Text(), Text("Where it stops", "bold"), *aligned(header, rows, frozenset({0, 1}))]


def _stop_row(line: StopLine, entry: Entry) -> Line:
    check = line.state.value
    if line.state is not LineState.OK and line.offset:
        kind = "inside the line before, by" if line.offset < 0 else "missing before it:"
        check = f"{check}: {kind} {whole(abs(line.offset))}"
    style = BAD if line.state is LineState.STOPS else DIM if line.state is not LineState.OK else ""
    return Line((whole(line.line), span(entry.first, entry.last), check, entry.manifest), style)


def _hazards(preview: CompactionPreview) -> Lines:
    """The known troubles of this run, worst first, each kind once."""
    kinds = sorted(dict.fromkeys(each.id for each in preview.hazards), key=lambda kind: -CATALOGUE[kind].severity.rank)
    lines: Lines = []
    for kind in kinds:
        hazard = CATALOGUE[kind]
        title = Text.assemble((hazard.severity.value.upper(), SEVERITY_STYLES[hazard.severity]), f"  {hazard.title}")
        lines += [Text(), title.append(f"  {kind}", style=DIM)]
        for each in preview.hazards:
            lines += _hazard_lines(each) if each.id == kind else []
    return lines


def _hazard_lines(hazard: CompactionHazard) -> Lines:
    times = f" ({whole(hazard.count)} times)" if hazard.count > 1 and hazard.groups else ""
    lane = hazard.lane.short if hazard.lane else ""
    handles = [verbatim("", handle) for handle in hazard.handles[:HANDLES_SHOWN]]
    return [prose(lane, f"{hazard.text}{times}"), *handles]


def _retired(preview: CompactionPreview) -> Lines:
    """The files that this run moves to `metadata_backup/`."""
    if not preview.retired:
        return []
    lines: Lines = [Text(), Text(f"Set aside: {counted(len(preview.retired), 'file')}", "bold")]
    lines += [verbatim("", each.handle) for each in preview.retired[:HANDLES_SHOWN]]
    if len(preview.retired) > HANDLES_SHOWN:
        lines.append(verbatim("", f"and {whole(len(preview.retired) - HANDLES_SHOWN)} more", DIM))
    return lines
