"""What else a repair does, in sentences for the operator (`recovery.md`, "Changes", side effects)."""

from __future__ import annotations

from collections.abc import Iterator

from core.chain import Gap
from core.changes.model import ChangeSet
from core.index import Index
from core.model import LaneKind
from core.names import parse_metadata_name
from core.phrases import count, entries, listed, shown, span
from core.recovery.words import looked_sentence
from core.repair.proof import other_snapshot
from core.repair.sides import Sides


def side_effects(sides: Sides, change: ChangeSet, after: Index) -> Iterator[str]:
    """Everything that is not told by the list of files; `after` is what is visible then."""
    yield from _coordinator(sides, after)
    yield from _caches(change)
    yield from _tail(sides)
    yield from _unread(sides)
    yield from _unseen(sides)
    yield from filter(None, [looked_sentence(sides.recovery)])
    yield from _snapshot(sides, after)
    if change.derived:
        number = len(change.derived)
        manifests = count(number, "derived manifest is", "derived manifests are")
        folders = (
            "a new folder beside the backups: it lists" if number == 1 else "new folders beside the backups: they list"
        )
        yield (
            f"{manifests} written into {folders} chunks that are there already. An undo leaves that in place: what no "
            "line names is not read."
        )


def _coordinator(sides: Sides, after: Index) -> Iterator[str]:
    before, now = _greatest(sides.index), _greatest(after)
    if now is None or not (sides.lanes[LaneKind.TRANSACTIONS].gone.any() or before != now):
        return
    where = f"a restarted one resumes behind version {now:,}, the greatest in metadata/"
    if before is not None and before != now:
        where += f" (before: {before:,})"
    yield f"A running coordinator keeps its position in memory and does not notice the repair; {where}."


def _greatest(index: Index) -> int | None:
    return int(index.transactions.last.max()) if len(index.transactions) else None


def _caches(change: ChangeSet) -> Iterator[str]:
    names = [move.source.rpartition("/")[2] for move in change.retires]
    if not names:
        return
    yield (f"Persistent metadata caches on other hosts keep {count(len(names), 'retired file')} until their next sync.")
    compacted = [name for name in names if (known := parse_metadata_name(name)) is not None and known.compacted]
    if compacted:
        yield (
            f"A later stock compaction may write {listed([shown(name) for name in compacted])} again with other lines: "
            "delete the metadata cache on every host before that, for a cache never reads a known name twice."
        )


def _tail(sides: Sides) -> Iterator[str]:
    for kind, rows in sides.recovery.tail.items():
        if not len(rows):
            continue
        lane = sides.index.lanes[kind]
        where = span(kind, int(lane.first[rows].min()), int(lane.last[rows].max()))
        one = len(rows) == 1
        later = _later_gap(sides) if kind is LaneKind.EPOCH_ENDINGS else None
        if sides.park_tail:
            fate = f"{'is' if one else 'are'} set aside as well, until a repair finds the gap closed"
        elif later is not None:
            fate = f"{'stays' if one else 'stay'} visible: a restore works and reads none of them, but stock's verify "
            fate += f"stops at epoch {later.first:,}, and so does its compaction at factors above 1, until "
            fate += f"{span(kind, later.first, later.last)} {'is' if later.first == later.last else 'are'} backed up "
            fate += "or the tail is parked"
        else:
            fate = f"{'stays' if one else 'stay'} visible; stock fails for targets that reach {'it' if one else 'them'}"
        yield f"{entries(len(rows), kind)} behind the gap, {where}, {fate}."


def _later_gap(sides: Sides) -> Gap | None:
    """The first gap of epoch endings, if it begins above all transactions."""
    preview = sides.recovery.preview
    met = any(gap.lane is LaneKind.EPOCH_ENDINGS for gap in preview.gaps)
    return None if met or not preview.later_gaps else preview.later_gaps[0]


def _unseen(sides: Sides) -> Iterator[str]:
    if sides.recovery.snapshot.retired_unseen is not None:
        yield "metadata_backup/ can't be looked at here: lines that only it holds are not counted on, nor brought back."


def _snapshot(sides: Sides, after: Index) -> Iterator[str]:
    other = other_snapshot(sides.recovery, after)
    if other is not None:
        taken, chosen = other
        yield (
            f"Stock restores from the snapshot of version {taken:,}, not from that of {chosen:,}: it goes by epochs "
            "first, and by versions only among those of one epoch."
        )


def _unread(sides: Sides) -> Iterator[str]:
    bad = [file for file in sides.index.files if file.bad_lines]
    if bad:
        lines = count(sum(file.bad_lines for file in bad), "line")
        yield f"{lines} that stock can't read go with their files, such as {shown(bad[0].handle)}."
