"""What the compaction preview says: why a group stops or loses lines, and what becomes of the files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from core.compaction import CompactionPreview, GroupStatus, PreviewGroup, PreviewLane
from core.findings.titles import title_of
from core.index import Index
from core.model import LaneKind
from core.stock import Step
from tui.glyphs import Glyphs
from tui.numbers import counted, size, whole
from tui.safe_text import padded, shorten
from tui.texts.common import MEASURED, duration, lane_span, named, quoted, widest
from tui.texts.compaction_groups import GroupItem, group_word
from tui.texts.compaction_stop import StopTable
from tui.widgets.painted import Row
from tui.widgets.prose import Paragraph, runs, text
from tui.widgets.rows import MadeRows

#: Where a run stops that stops in no group.
_STEP_WORDS: Final = {
    Step.LOAD: "while it loads the store, before it looks at a single entry",
    Step.COMPACT: "before its first group",
    Step.STAMP: "after its last group, when it gives old files their time",
    Step.MOVE: "after its last group, when it sets old files aside",
}


def why_title(item: GroupItem | None, preview: CompactionPreview) -> str:
    """What the middle panel is called."""
    if item is None:
        return "Why it stops" if preview.stop else "No groups"
    kind = item.lane.kind.short
    if item.more:
        return f"{counted(item.more, 'group')} of {kind} not reached"
    name = f"{kind} group {whole(item.number + 1)} of {whole(len(item.lane))}"
    return f"Why {name} stops" if item.lane[item.number].status is GroupStatus.STOPS else name.capitalize()


def why_text(
    preview: CompactionPreview, item: GroupItem | None, width: int, glyphs: Glyphs, *, brief: bool
) -> list[Paragraph]:
    """Why the group of a row stops or goes wrong, and what it holds; `brief` where rows are few."""
    if item is None:
        nothing = [text("The store holds no entries: there is nothing to compact.")]
        return list(_stop_words(preview)) if preview.stop else nothing
    if item.more:
        return [*_stop_words(preview), text("What comes after a stop does not happen.")]
    group = item.lane[item.number]
    if group.status is GroupStatus.STOPS:
        return [*StopTable(preview, item.lane.groups.lane, width, glyphs, brief).rows(), _stock_words(preview)]
    return list(_group_story(preview, item.lane, group))


def _stop_words(preview: CompactionPreview) -> Iterator[Paragraph]:
    """Where the run stops, as a whole, and with which words."""
    stop = preview.stop
    assert stop is not None
    where = _STEP_WORDS[stop.step]
    if stop.lane is not None:
        where = f"in {stop.lane.short} group {whole((stop.group or 0) + 1)}"
    at = f" at {stop.handle}" if stop.handle else ""
    yield text(f"The tool stops {where}{at}, with")
    yield _stock_words(preview)


def _stock_words(preview: CompactionPreview) -> Paragraph:
    stop = preview.stop
    assert stop is not None
    lead = "stock aborts (panic): " if stop.panic else ""
    return runs((lead, "dim"), (quoted(stop.message), "conflict"), indent=1)


def _group_story(preview: CompactionPreview, lane: PreviewLane, group: PreviewGroup) -> Iterator[Paragraph]:
    held = group.group
    unit = LaneKind.EPOCH_ENDINGS if lane.kind is LaneKind.STATE_SNAPSHOTS else lane.kind
    yield text(f"{held.name}", "strong")
    yield text(f"{counted(group.lines, 'line')}   {lane_span(unit, held.first, held.last)}")
    if group.status in {GroupStatus.EXISTS_OTHER, GroupStatus.COLLIDES}:
        taken = "an earlier group of this run" if group.status is GroupStatus.COLLIDES else "a file in metadata/"
        yield text(
            f"The name is taken by {taken}. A folder keeps the first file; a cloud store keeps the last.", "conflict"
        )
        lost, are = counted(group.lost_lines, "line"), "is" if group.lost_lines == 1 else "are"
        yield text(f"{lost} of this group {are} not in the file that stays: gone once the old files are set aside.")
    if group.status is GroupStatus.EXISTS_EQUAL:
        yield text("A file of this name with exactly these bytes is there already: nothing is written.")
    for hazard in preview.hazards:
        if hazard.lane is lane.kind and held.number in hazard.groups:
            yield runs((f"{title_of(hazard.id)}: ", "conflict"), (hazard.text, "text"))
    handles = holding_files(lane, held.number)
    yield runs(("held by  ", "dim"), (named(handles, len(handles)), "text"), hanging=9)


def holding_files(lane: PreviewLane, number: int) -> list[str]:
    """The handles of the files that hold the lines of a group, in listing order."""
    entries, rows = lane.groups.lane, lane.groups.rows(number)
    begin, end = int(entries.claim_start[rows.start]), int(entries.claim_start[rows.stop])
    return [entries.file_handles[file] for file in np.unique(entries.claim_file[begin:end]).tolist()]


def files_text(preview: CompactionPreview) -> list[Paragraph]:
    """What becomes of the files if stock does it, and the hazards of that run."""
    paragraphs = [*_written_text(preview), *_old_files_text(preview), *_reading_text(preview)]
    for hazard in preview.hazards:
        place = "" if hazard.count == 1 else f" ({whole(hazard.count)} times)"
        where = f": {named(hazard.handles, hazard.count, 2)}" if hazard.handles else ""
        paragraphs.append(
            runs(
                (f"{title_of(hazard.id)}: ", "snapshot"), (f"{hazard.text}{place}{where}", "text"), indent=1, hanging=3
            )
        )
    return paragraphs


def _fact(name: str, number: str, words: str) -> Paragraph:
    return runs((f"{name:<24}", "dim"), (f"{number:>6}", "strong"), (f"    {words}", "text"), indent=1, hanging=35)


def _written_text(preview: CompactionPreview) -> Iterator[Paragraph]:
    groups = preview.written_if_whole - 1
    if preview.stop is not None:
        yield from _stop_words(preview) if preview.stop.lane is None else ()
        yield _fact("written before the stop", whole(preview.written), "then nothing: no timestamps file is saved")
        yield _fact(
            "if it did not stop", whole(preview.written_if_whole), f"{counted(groups, 'group')} + compaction_timestamps"
        )
        return
    saved = f"{counted(preview.written, 'group')} + {preview.timestamps_name}"
    yield _fact("new files", whole(preview.run.new_file_count), saved)
    after = f"now {whole(preview.files_before)}; {whole(preview.written_if_whole)} once all old ones are set aside"
    yield _fact("files after the run", whole(preview.files_after), after)


def _old_files_text(preview: CompactionPreview) -> Iterator[Paragraph]:
    grace = duration(preview.run.options.remove_compacted_after)
    if preview.stop is not None:
        yield _fact("old files", "", f"set aside {grace} after a run that completes")
        return
    stamped = len(preview.run.aging.stamped)
    if stamped:
        yield _fact("old files", whole(stamped), f"stamped now, set aside {grace} later")
    handles = [file.handle for file in preview.retired]
    if handles:
        yield _fact("set aside by this run", whole(len(handles)), named(handles, len(handles), 2))


def _reading_text(preview: CompactionPreview) -> Iterator[Paragraph]:
    index = preview.run.index
    entries = sum(len(lane.groups.lane) for lane in preview.lanes)
    lines = sum(len(lane.groups.lane.claim_file) for lane in preview.lanes)
    if lines > entries:
        yield _fact("lines that repeat", whole(lines - entries), "another file's, counted once")
    total = sum(file.listed.size for file in index.files)
    yield _fact("read to load it now", whole(len(index.files)), f"requests, {size(total)}")


def before_rows(names: Sequence[str], index: Index, numbers: dict[str, int], glyphs: Glyphs) -> MadeRows:
    """The files that hold lines of the selected group; the first ones set the widths of the columns."""
    files = [index.files[numbers[name]] for name in names[:MEASURED]]
    name_cells = widest(file.listed.name for file in files)
    line_cells = widest(whole(file.lines) for file in files)
    size_cells = widest(size(file.listed.size) for file in files)

    def row(number: int, width: int) -> Row:
        file = index.files[numbers[names[number]]]
        room = max(12, min(name_cells, width - line_cells - size_cells - 4))
        return (
            (padded(shorten(file.listed.name, room, glyphs.ellipsis), room), "text"),
            (f"  {whole(file.lines):>{line_cells}}", "text"),
            (f"  {size(file.listed.size):>{size_cells}}", "dim"),
        )

    return MadeRows(len(names), row)


def status_text(item: GroupItem | None) -> list[str]:
    """The status line for the selected row."""
    if item is None:
        return []
    kind = item.lane.kind.short
    if item.more:
        return [f"{kind} group {whole(item.number + 1)} and on", "not reached"]
    group = item.lane[item.number]
    words = [f"{kind} group {whole(item.number + 1)} of {whole(len(item.lane))}"]
    if group.status is not GroupStatus.STOPS:
        return [*words, counted(group.lines, "line"), group_word(item.lane, group)]
    rest = group.lines - group.good_lines - 1
    good = f"{counted(group.good_lines, 'good line')}, then line {whole(group.good_lines + 1)}"
    return [*words, good, f"{counted(rest, 'line')} not looked at"]
