"""The two lists of the restore preview: the steps that it takes, and what is left out, with the reason."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.chain import SkipReason
from core.columns import I64, Mask
from core.model import LaneKind
from core.recovery import Recovery
from core.restore import BestRestore, LeftOut, RestorePreview, RestoreStep, Runs, SkippedRun, StepKind, StepStatus
from tui.glyphs import Glyphs
from tui.numbers import counted, span, whole
from tui.safe_text import cut
from tui.texts.common import MEASURED, lane_span, named, widest
from tui.texts.recovery import whence
from tui.widgets.painted import Row
from tui.widgets.prose import Paragraph, runs, text
from tui.widgets.rows import FixedRows

#: Reasons that thousands of neighbours share: they come after those that tell of a conflict.
_USUAL: Final = (
    SkipReason.BELOW_START,
    SkipReason.ABOVE_TARGET,
    SkipReason.NOT_REACHED,
    SkipReason.NOT_NEEDED,
)
_STATUS_STYLES: Final = {StepStatus.OK: "good", StepStatus.STOPS: "conflict", StepStatus.NOT_REACHED: "skipped"}
#: Transactions first: that is where restores break.
_LANES: Final = (LaneKind.TRANSACTIONS, LaneKind.STATE_SNAPSHOTS, LaneKind.EPOCH_ENDINGS)
_MANIFESTS_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class ChosenStep:
    """A step of the restore that works (where none does: of stock's), and what stock makes of the same step.

    `coming` says how many of its manifests stand in no file of `metadata/` yet.
    """

    step: RestoreStep
    stock: str
    style: str
    coming: str = ""


def chosen_steps(preview: RestorePreview) -> tuple[ChosenStep, ...]:
    """The steps in stock's order."""
    stock = {each.kind: each for each in preview.stock.steps}
    if preview.best is None:
        return tuple(ChosenStep(each, each.status.value, _STATUS_STYLES[each.status]) for each in preview.stock.steps)
    return tuple(_chosen(each, stock.get(each.kind), preview) for each in preview.best.steps)


def _chosen(step: RestoreStep, stock: RestoreStep | None, preview: RestorePreview) -> ChosenStep:
    words, style = _beside(step, stock)
    here = np.isin(preview.ground.added[step.lane], step.rows)
    cut = np.array([line.source is not None for line in preview.ground.lines[step.lane]], dtype=np.bool_)
    counts = int(np.count_nonzero(here & cut)), int(np.count_nonzero(here & ~cut))
    coming = zip(counts, ("spliced", "recovered"), strict=True)
    return ChosenStep(step, words, style, ", ".join(f"{whole(count)} {what}" for count, what in coming if count))


def _beside(step: RestoreStep, stock: RestoreStep | None) -> tuple[str, str]:
    """What stock makes of a step."""
    if stock is None:
        return "stock: none", "skipped"
    if stock.status is StepStatus.STOPS:
        return "stock stops", "conflict"
    if stock.status is StepStatus.NOT_REACHED:
        return "not reached", "skipped"
    same = np.array_equal(step.rows, stock.rows)
    return ("as stock", "good") if same else ("stock differs", "snapshot")


def chosen_rows(steps: Sequence[ChosenStep], preview: RestorePreview) -> FixedRows:
    """The steps: mark, what it is, the range, how many manifests, and stock beside it."""
    kinds = widest(each.step.kind.value for each in steps)
    places = widest(_step_place(each.step, preview) for each in steps)
    counts = widest(whole(each.step.manifests) for each in steps)
    return FixedRows(
        tuple(
            (
                (f"{each.step.mark:<2}", "snapshot"),
                (f"{each.step.kind.value:<{kinds}}  ", "text"),
                (f"{_step_place(each.step, preview):<{places}}  ", "text"),
                (f"{whole(each.step.manifests):>{counts}}  ", "text"),
                (f"{each.coming}  " if each.coming else "", "snapshot"),
                (each.stock, each.style),
            )
            for each in steps
        )
    )


def _step_place(step: RestoreStep, preview: RestorePreview) -> str:
    if step.lane is not LaneKind.STATE_SNAPSHOTS:
        return lane_span(step.lane, step.first, step.last)
    epoch = preview.index.state_snapshots.epoch
    return whole(step.first) + (f"   epoch {whole(int(epoch[step.rows[0]]))}" if epoch is not None else "")


def chosen_title(preview: RestorePreview) -> tuple[str, str]:
    """The panel's title and its counts."""
    best = preview.best
    if best is None:
        return "Chosen by stock, as far as it gets", ""
    title = f"Chosen, restores to {whole(best.lands_at)}"
    if preview.goal is not None and best.lands_at < preview.goal:
        title += f", not to {whole(preview.goal)}"
    return title, _counts(best)


def _counts(best: BestRestore) -> str:
    snapshots = len({best.tree_snapshot, best.tree_snapshot if best.kv_snapshot is None else best.kv_snapshot})
    return f"epoch {whole(len(best.epoch_endings))}   state {snapshots}   txn {whole(len(best.transactions))}"


@dataclass(frozen=True, eq=False)
class SkippedRows:
    """What is left out, lane by lane, runs that tell of a conflict before the others of their lane."""

    lanes: tuple[tuple[LaneKind, Runs, I64], ...]

    @cached_property
    def place_cells(self) -> int:
        """Cells that the longest of the first ranges takes."""
        runs = (self.run(index)[1] for index in range(min(len(self), MEASURED)))
        return widest(span(run.first, run.last) for run in runs)

    def __len__(self) -> int:
        return sum(len(order) for _, _, order in self.lanes)

    def run(self, index: int) -> tuple[LaneKind, SkippedRun]:
        """One row of the list."""
        for kind, found, order in self.lanes:
            if index < len(order):
                return kind, found[int(order[index])]
            index -= len(order)
        raise IndexError(index)

    def place_of(self, kind: LaneKind, first: int) -> int | None:
        """The row of the run in which the first entry lies that begins at `first` or behind, in the lane's unit."""
        before = 0
        for lane_kind, found, order in self.lanes:
            if lane_kind is kind and len(order):
                lane = found.left_out.lane
                behind = np.flatnonzero(lane.first[found.end[order] - 1] >= np.uint64(first))
                return before + int(behind[0]) if len(behind) else None
            before += len(order)
        return None


def skipped_rows(preview: RestorePreview) -> SkippedRows:
    """A few array operations over all entries: meant for a worker thread."""
    lanes = []
    for kind in _LANES:
        left_out = preview.left_out[kind]
        found = _snapshot_runs(left_out) if kind is LaneKind.STATE_SNAPSHOTS else left_out.runs()
        usual = is_usual(kind, left_out.reason[found.start])
        lanes.append((kind, found, np.argsort(usual, kind="stable")))
    return SkippedRows(tuple(lanes))


def _snapshot_runs(left_out: LeftOut) -> Runs:
    """Neighbouring snapshots with one reason taken together, whatever it is: they do not have to join."""
    reason = left_out.reason
    start = np.flatnonzero(np.concatenate((np.ones(min(1, len(reason)), dtype=np.bool_), reason[1:] != reason[:-1])))
    end = np.append(start[1:], len(reason))[: len(start)]
    out = reason[start] != SkipReason.CHOSEN
    return Runs(left_out, start[out], end[out])


def is_usual(kind: LaneKind, reason: NDArray[np.uint8]) -> Mask:
    """Which reasons tell of no conflict; of snapshots but one or two are ever used."""
    usual = (*_USUAL, SkipReason.OTHER_CHOSEN) if kind is LaneKind.STATE_SNAPSHOTS else _USUAL
    return np.isin(reason, usual)


def skipped_row(skipped: SkippedRows, index: int, width: int, glyphs: Glyphs) -> Row:
    """One run of entries that are left out, and why."""
    kind, run = skipped.run(index)
    style = "skipped" if bool(is_usual(kind, np.array([run.reason], dtype=np.uint8))[0]) else "text"
    place = f"{span(run.first, run.last):<{skipped.place_cells}}"
    left = f"{kind.short:<6} {place} "
    words = f"{counted(run.count, 'manifest')}: {run.why}" if run.count > 1 else run.why
    return ((left, "text"), (cut(words, width - len(left), glyphs.ellipsis), style))


def step_story(chosen: ChosenStep, recovery: Recovery) -> Iterator[Paragraph]:
    """What a step reads."""
    step, preview = chosen.step, recovery.preview
    yield runs((f"{step.kind.value}  ", "strong"), (_step_place(step, preview), "text"))
    yield text(_STEP_WORDS[step.kind], "dim")
    yield runs(("stock  ", "dim"), (chosen.stock, chosen.style), (f"   {chosen.coming}", "snapshot"))
    lane = preview.index.lanes[step.lane]
    for row in step.rows[:_MANIFESTS_SHOWN].tolist():
        entry = lane.entry(int(row))
        place = lane_span(step.lane, entry.first, entry.last)
        comes = whence(recovery, step.lane, int(row))
        yield runs(
            (f"{place}  ", "text"), (entry.manifest, "dim"), (f"  {comes}" if comes else "", "snapshot"), hanging=2
        )
    more = len(step.rows) - _MANIFESTS_SHOWN
    if more > 0:
        yield text(f"and {counted(more, 'more manifest')}", "dim")


_STEP_WORDS: Final = {
    StepKind.EPOCH_ENDINGS: "the signed ends of the epochs: they prove everything that follows",
    StepKind.KV_SNAPSHOT: "keys and values as they were at this version, from which history is replayed",
    StepKind.SAVED: "transactions up to the snapshot: saved, not replayed",
    StepKind.APPLIED: "transactions between the two snapshots: their writes are applied to keys and values",
    StepKind.TREE_SNAPSHOT: "the state tree as it was at this version",
    StepKind.WHOLE_SNAPSHOT: "keys, values and tree as they were at this version",
    StepKind.REPLAYED: "transactions behind the snapshot: executed again",
}


def skipped_story(preview: RestorePreview, kind: LaneKind, run: SkippedRun) -> Iterator[Paragraph]:
    """Why a run of entries is left out, in full."""
    lane = preview.index.lanes[kind]
    entry = lane.entry(run.first_row)
    yield runs((f"{lane_span(kind, entry.first, entry.last)}  ", "strong"), (entry.manifest, "text"), hanging=2)
    files = [str(claim) for claim in entry.claims]
    yield runs(("claimed by  ", "dim"), (named(files, len(files)), "text"), hanging=2)
    yield text(run.why, "strong")
    yield from _overlap_story(preview, kind, run.first_row)
    if run.count > 1:
        last = lane.entry(run.last_row)
        yield text(f"and {counted(run.count - 1, 'more manifest')} for the same reason, up to {last.manifest}", "dim")


def _overlap_story(preview: RestorePreview, kind: LaneKind, row: int) -> Iterator[Paragraph]:
    """The numbers of an overlap that the chain passes over."""
    used = used_instead(preview, kind, row)
    if used is None:
        return
    chain = preview.transactions if kind is LaneKind.TRANSACTIONS else preview.epoch_endings
    overlap = chain.overlap(row)
    yield runs(("used here    ", "dim"), (overlap.used, "good"), hanging=13)
    for manifest in overlap.manifests[:_MANIFESTS_SHOWN]:
        if manifest != overlap.used:
            yield runs(("also covers  ", "dim"), (manifest, "text"), hanging=13)


def used_instead(preview: RestorePreview, kind: LaneKind, row: int) -> int | None:
    """The row that the chain uses where entry `row` begins, if it passes the entry over."""
    chain = {LaneKind.TRANSACTIONS: preview.transactions, LaneKind.EPOCH_ENDINGS: preview.epoch_endings}.get(kind)
    if chain is None:
        return _snapshot_instead(preview, row)
    return None if chain.reason[row] == SkipReason.CHOSEN else chain.used_at(int(chain.lane.first[row]))


def _snapshot_instead(preview: RestorePreview, row: int) -> int | None:
    """The snapshot that is used for the same version."""
    lane, best = preview.index.state_snapshots, preview.best
    used = [] if best is None else [each for each in (best.tree_snapshot, best.kv_snapshot) if each is not None]
    return next((each for each in used if each != row and lane.first[each] == lane.first[row]), None)
