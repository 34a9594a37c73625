"""What `compact` prints: what it will do or has done, if nothing why, and what stock would do instead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from rich.console import Group
from rich.text import Text

from core.changes.apply import Applied
from core.changes.model import ChangeSet
from core.compaction import (
    CompactionPlan,
    CompactionPreview,
    GroupStatus,
    LineState,
    PreviewGroup,
    PreviewLane,
    StopLine,
)
from core.compaction.hazards import CompactionHazard
from core.findings.catalogue import CATALOGUE
from core.model import Entry, Severity
from core.phrases import duration
from core.stock import Step
from tui.headless.printers.changes import applied_lines, change_lines, change_words, files_line, refused_lines
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
    prose,
    verbatim,
)
from tui.numbers import counted, span, whole

HANDLES_SHOWN: Final = 6
STRETCHES_SHOWN: Final = 12
_LONE: Final = 3
_STEPS: Final = {
    Step.LOAD: "while it loads",
    Step.COMPACT: "while it compacts",
    Step.STAMP: "while it works out what has expired",
    Step.MOVE: "while it sets files aside",
}
_STYLES: Final = {GroupStatus.OK: "", GroupStatus.EXISTS_EQUAL: "", GroupStatus.NOT_REACHED: DIM}


def compaction_answer(plan: CompactionPlan, location: str, go: str) -> Group:
    """The whole answer of a preview; `go` is the command that carries it out."""
    return Group(
        *_verdict(plan, location, go),
        *(change_lines(plan.change_set, location) if plan.change_set else []),
        *_section("What is set right besides", _hazards(plan.repairs)),
        *_of_stock(plan.preview),
    )


def compacted_answer(plan: CompactionPlan, change: ChangeSet, applied: Applied, location: str, undo: str) -> Group:
    """The whole answer of a compaction that was carried out; `undo` is the command that takes it back."""
    return Group(
        *applied_lines(change, applied, undo),
        Text(),
        verbatim("store", location),
        prose("factors", _factors(plan.preview)),
        *change_lines(change, location),
        *_section("What was set right besides", _hazards(plan.repairs)),
    )


def _of_stock(preview: CompactionPreview) -> Lines:
    """What stock's own compaction would do to this store."""
    told = [*_groups(preview), *_around_the_stop(preview), *_hazards(preview.hazards)]
    return [*_section(_stock_words(preview), []), *told]


def _stock_words(preview: CompactionPreview) -> str:
    stop = preview.stop
    if stop is None:
        grave = any(CATALOGUE[each.id].severity.rank >= Severity.ERROR.rank for each in preview.hazards)
        return "Stock's own compaction would run through" + (", and do harm" if grave else "")
    where = _STEPS[stop.step] if stop.lane is None else f"in the {lane_name(stop.lane)}"
    if stop.group is not None:
        where += f", group {whole(stop.group + 1)}"
    return f"Stock's own compaction would end early {where}"


def _section(title: str, lines: Lines) -> Lines:
    return [Text(), Text(title, "bold"), *lines] if lines or title.startswith("Stock") else []


def _verdict(plan: CompactionPlan, location: str, go: str) -> Lines:
    """What is planned, or why nothing is, and what now."""
    change = plan.change_set
    if plan.refusal is not None or change is None:
        lines: Lines = [headline("REFUSED", BAD, "this store is not compacted; nothing was written")]
        lines += refused_lines(plan.refusal) if plan.refusal else []
    elif change.is_empty:
        lines = [headline("NOTHING", GOOD, "there is nothing to compact and nothing to set aside")]
    else:
        lines = [headline("READY", GOOD, f"{change_words(change)}; nothing was written"), *commands("now", go)]
    lines += [Text(), verbatim("store", location), prose("factors", _factors(plan.preview))]
    if change is not None:
        lines += [prose("files", files_line(change)), verbatim("plan", change.plan_id)]
    return lines


def _factors(preview: CompactionPreview) -> str:
    options = preview.run.options
    usual = " (stock's default)" if options.are_stocks else ""
    return (
        f"epoch endings {whole(options.epoch_ending_factor)}, transactions {whole(options.transaction_factor)}, "
        f"state snapshots {whole(options.state_snapshot_factor)}{usual}; files set aside after "
        f"{duration(options.remove_compacted_after)}"
    )


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


def _hazards(hazards: Sequence[CompactionHazard]) -> Lines:
    """Known troubles, worst first, each kind once."""
    kinds = sorted(dict.fromkeys(each.id for each in hazards), key=lambda kind: -CATALOGUE[kind].severity.rank)
    lines: Lines = []
    for kind in kinds:
        hazard = CATALOGUE[kind]
        title = Text.assemble((hazard.severity.value.upper(), SEVERITY_STYLES[hazard.severity]), f"  {hazard.title}")
        lines += [Text(), title]
        for each in hazards:
            lines += _hazard_lines(each) if each.id == kind else []
    return lines


def _hazard_lines(hazard: CompactionHazard) -> Lines:
    times = f" ({whole(hazard.count)} times)" if hazard.count > 1 and hazard.groups else ""
    lane = hazard.lane.short if hazard.lane else ""
    handles = [verbatim("", handle) for handle in hazard.handles[:HANDLES_SHOWN]]
    return [prose(lane, f"{hazard.text}{times}"), *handles]
