"""The picture of a restore: the lanes, and under the transactions what stock and what the chain read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.columns import I64, U64, Mask
from core.lod import Bounds, LaneIndex, build_coverage
from core.model import LaneKind, end_of
from core.picture import Picture, build_picture
from core.restore import RestorePreview
from tui.glyphs import Glyphs
from tui.state import View
from tui.widgets.lanes import BLANK_CELL, Cell, bounds_of, lane_cells, lane_rows, row_of, ruler, second_row_cells
from tui.widgets.layers import Layer, layer_of, layered_cells, masked
from tui.widgets.painted import EMPTY_ROW, Row
from tui.widgets.scene import lane_height

GUTTER = 8


@dataclass(frozen=True, slots=True, eq=False)
class RestoreScene:
    """Everything that the picture shows, ready to be drawn at any width.

    `picture` is what the store shows, `ground` what the chain may run over: the same, or with the lines that come. The
    layers are those of the epoch lane and of the rows `stock` and `chain`. `snapshots` are the versions of the chosen
    snapshots with their letters, `breaks_at` is where stock stops on the transactions.
    """

    picture: Picture
    ground: Picture
    epochs: tuple[Layer, ...]
    stock: tuple[Layer, ...]
    chain: tuple[Layer, ...]
    snapshots: tuple[tuple[int, str], ...]
    target: int | None
    history: int | None
    breaks_at: int | None


def restore_scene(preview: RestorePreview, picture: Picture) -> RestoreScene:
    """A few array operations over all entries: meant for a worker thread."""
    stock, best = preview.stock, preview.best
    ground = picture if preview.index is preview.snapshot.index else build_picture(preview.index)
    txn, epochs = (ground.lanes[kind] for kind in (LaneKind.TRANSACTIONS, LaneKind.EPOCH_ENDINGS))
    stops = stock.stops_row if stock.stops_lane is LaneKind.TRANSACTIONS else None
    epoch_stop = stock.stops_row if stock.stops_lane is LaneKind.EPOCH_ENDINGS else None
    read = best.transactions if best else txn.rows[:0]
    lane = preview.index.transactions
    return RestoreScene(
        picture=picture,
        ground=ground,
        epochs=(
            *_coming(preview, epochs),
            *_layers(
                epochs, best.epoch_endings if best else stock.epoch_endings, preview.epoch_endings.rows, epoch_stop
            ),
        ),
        stock=_layers(txn, stock.transactions, _walked(preview), stops, preview.ground.added[LaneKind.TRANSACTIONS]),
        chain=(*_coming(preview, txn), *_layers(txn, read, preview.transactions.rows, None)),
        snapshots=_marks(preview),
        target=preview.goal if preview.requested is None else preview.requested,
        history=preview.options.ledger_history_start,
        breaks_at=None if stops is None else int(lane.first[stops]),
    )


def _coming(preview: RestorePreview, index: LaneIndex) -> tuple[Layer, ...]:
    """The entries that stand in no file of `metadata/` yet: spliced ones, and recovered ones."""
    kind = index.lane.kind
    rows, lines = preview.ground.added[kind], preview.ground.lines[kind]
    spliced = [row for row, line in zip(rows.tolist(), lines, strict=True) if line.source is not None]
    recovered = [row for row, line in zip(rows.tolist(), lines, strict=True) if line.source is None]
    count = len(index.lane)
    return tuple(
        layer_of(index, masked(count, those), glyph, "snapshot")
        for those, glyph in ((spliced, "spliced"), (recovered, "recovered"))
        if those
    )


def _walked(preview: RestorePreview) -> I64:
    """The transaction rows that stock's walk accepts, whether it reads them or not."""
    stock = preview.stock
    if stock.stops_lane is LaneKind.TRANSACTIONS and stock.stops_row is not None:
        return np.arange(stock.stops_row, dtype=np.int64)
    if stock.plan is None or not len(stock.transactions):
        return stock.transactions[:0]
    return np.arange(int(stock.transactions[-1]) + 1, dtype=np.int64)


def _layers(
    index: LaneIndex, read: I64, accepted: I64, stops: int | None, unseen: I64 | Sequence[int] = ()
) -> tuple[Layer, ...]:
    """Where it stops, what is left out, what is accepted but not read, what is read: worst first.

    The rows `unseen` are none of these.
    """
    count = len(index.lane)
    seen = ~masked(count, unseen)
    reading = masked(count, read)
    fine = (masked(count, accepted) & seen) | reading
    stop = masked(count, [] if stops is None else [stops])
    return (
        layer_of(index, stop, "conflict", "conflict"),
        _left_out(index, ~fine & ~stop & seen, fine),
        layer_of(index, fine & ~reading, "covered", "covered"),
        layer_of(index, reading, "chosen", "chosen"),
    )


def _left_out(index: LaneIndex, out: Mask, fine: Mask) -> Layer:
    """What is left out, as far as it reaches beyond what is accepted, which is one stretch."""
    first, last = _spans(index, fine)
    out_first, out_last = _spans(index, out)
    if len(first):
        begin, end = int(first.min()), int(last.max())
        inside = (out_first >= np.uint64(begin)) & (out_first <= np.uint64(end))
        behind = out_last > np.uint64(end)
        out_first = np.where(inside, np.uint64(min(end_of(end), 2**64 - 1)), out_first)
        keep = ~inside | behind
        out_first, out_last = out_first[keep], out_last[keep]
        order = np.argsort(out_first, kind="stable")
        out_first, out_last = out_first[order], out_last[order]
    return Layer(build_coverage(out_first, out_last), "skipped", "skipped")


def _spans(index: LaneIndex, mask: Mask) -> tuple[U64, U64]:
    places = mask[index.rows]
    return index.first[places], index.last[places]


def _marks(preview: RestorePreview) -> tuple[tuple[int, str], ...]:
    """The versions of the snapshots that are used: K for keys and values, T for the tree."""
    side = preview.best or preview.stock
    lane = preview.index.state_snapshots
    rows = {"K": side.kv_snapshot, "T": side.tree_snapshot}
    if rows["K"] == rows["T"]:
        del rows["K"]
    return tuple((int(lane.first[row]), letter) for letter, row in rows.items() if row is not None)


@dataclass(frozen=True, slots=True, eq=False)
class RestorePicture:
    """A scene in a viewport; `tall` adds the ticks, the names of the marks and where the chain breaks.

    Lanes of ranges are as high as they can be for all to take no more than `room` rows.
    """

    scene: RestoreScene
    view: View
    tall: bool
    room: int

    @property
    def height(self) -> int:
        """How many rows, whatever the width."""
        return self._height_at(self._lane_height)

    def _height_at(self, lane_height: int) -> int:
        return (6 if self.tall else 3) + lane_height * (5 if self._second else 4)

    @property
    def _lane_height(self) -> int:
        return lane_height(self._height_at, self.room)

    @property
    def _second(self) -> bool:
        return self.tall and self.scene.picture.lanes[LaneKind.TRANSACTIONS].second is not None

    def rows(self, width: int, glyphs: Glyphs) -> Sequence[Row]:
        """The rows at a width."""
        columns = max(1, width - GUTTER)
        bounds = bounds_of(self.view, columns)
        labels, ticks = ruler(self.view, columns, glyphs, halves=self.tall)
        rows = [_named("", labels) if self.tall else _named("", self._pointed(labels, columns, glyphs))]
        if self.tall:
            rows.append(_named("", row_of(self._with_wishes(ticks, columns, glyphs))))
        picture, scene = self.scene.picture, self.scene
        blank = [EMPTY_ROW] if self.tall else []
        epochs = _layered(scene.ground, LaneKind.EPOCH_ENDINGS, scene.epochs, bounds, glyphs)
        rows += [*self._lane("epoch", epochs, glyphs), *blank]
        rows.append(_named("state", row_of(self._snapshot_cells(bounds, columns, glyphs))))
        rows.append(_named("", row_of(self._mark_cells(columns))))
        rows += self._transaction_rows(picture, bounds, glyphs)
        stock = _layered(picture, LaneKind.TRANSACTIONS, scene.stock, bounds, glyphs)
        chain = _layered(scene.ground, LaneKind.TRANSACTIONS, scene.chain, bounds, glyphs)
        rows += [*self._lane(" stock", stock, glyphs), *self._lane(" chain", chain, glyphs)]
        if self.tall:
            rows.append(_named("", row_of(self._break_cells(columns, glyphs))))
        return rows

    def _transaction_rows(self, picture: Picture, bounds: Bounds, glyphs: Glyphs) -> list[Row]:
        columns = picture.lanes[LaneKind.TRANSACTIONS].columns(bounds)
        rows = self._lane("txn", lane_cells(LaneKind.TRANSACTIONS, columns, bounds, glyphs), glyphs)
        if self._second:
            rows += self._lane("  +1", second_row_cells(columns, bounds, glyphs), glyphs)
        return rows

    def _lane(self, name: str, cells: list[Cell], glyphs: Glyphs) -> list[Row]:
        return lane_rows(name.ljust(GUTTER), cells, self._lane_height, glyphs)

    def _snapshot_cells(self, bounds: Bounds, columns: int, glyphs: Glyphs) -> list[Cell]:
        index = self.scene.picture.lanes[LaneKind.STATE_SNAPSHOTS]
        cells = lane_cells(LaneKind.STATE_SNAPSHOTS, index.columns(bounds), bounds, glyphs)
        cells = [
            (glyphs.snapshot_skipped, "skipped") if glyph == glyphs.snapshot else (glyph, style)
            for glyph, style in cells
        ]
        for version, _ in self.scene.snapshots:
            column = self.view.column(version, columns)
            if 0 <= column < columns and cells[column][0] != glyphs.conflict:
                cells[column] = (glyphs.snapshot, "snapshot")
        return cells

    def _mark_cells(self, columns: int) -> list[Cell]:
        """K and T below their snapshots; at 80x24 the start of history as well."""
        cells: list[Cell] = [BLANK_CELL] * columns
        words = {"K": "K keys and values", "T": "T tree"} if self.tall else {}
        places = [(self.view.column(version, columns), letter) for version, letter in self.scene.snapshots]
        for column, letter in places:
            word = words.get(letter, letter)
            crowded = any(column < other < column + len(word) + 1 for other, _ in places)
            _write(cells, column, letter if crowded else word, "snapshot")
        if self.scene.history is not None and not self.tall:
            _write(cells, self.view.column(self.scene.history, columns), "H", "strong")
        return cells

    def _pointed(self, labels: Row, columns: int, glyphs: Glyphs) -> Row:
        """The labels of the ruler with the target among them; a label that is in its way goes."""
        cells: list[Cell] = [(character, style) for content, style in labels for character in content]
        column = -1 if self.scene.target is None else self.view.column(self.scene.target, columns)
        if 0 <= column < len(cells):
            for step in (1, -1):
                place = column if step > 0 else column - 1
                while 0 <= place < len(cells) and cells[place][0] != " ":
                    cells[place] = BLANK_CELL
                    place += step
            cells[column] = (glyphs.target, "strong")
        return row_of(cells)

    def _with_wishes(self, ticks: list[Cell], columns: int, glyphs: Glyphs) -> list[Cell]:
        """The ticks with the start of history and the target among them."""
        scene = self.scene
        if scene.history is not None:
            _write(ticks, self.view.column(scene.history, columns), "H history", "strong")
        if scene.target is not None:
            column = self.view.column(scene.target, columns)
            _write(ticks, column - len("target"), f"target{glyphs.target}", "strong")
        return ticks

    def _break_cells(self, columns: int, glyphs: Glyphs) -> list[Cell]:
        cells: list[Cell] = [BLANK_CELL] * columns
        if self.scene.breaks_at is not None:
            label = f"{glyphs.pointer} stock stops here"
            column = self.view.column(self.scene.breaks_at, columns)
            if 0 <= column < columns and column + len(label) > columns:
                label = f"stock stops here {glyphs.pointer}"
                column -= len(label) - 1
            _write(cells, column, label, "conflict")
        return cells


def _named(name: str, row: Row) -> Row:
    return ((name.ljust(GUTTER), "dim"), *row)


def _layered(picture: Picture, kind: LaneKind, layers: Sequence[Layer], bounds: Bounds, glyphs: Glyphs) -> list[Cell]:
    return layered_cells(picture.lanes[kind].whole, layers, bounds, glyphs)


def _write(cells: list[Cell], at: int, label: str, style: str) -> None:
    """Write a label from a column on; moved to the left where it would be cut."""
    if not -len(label) < at < len(cells):
        return
    at = max(0, min(at, len(cells) - len(label)))
    for offset, character in enumerate(label[: len(cells)]):
        cells[at + offset] = (character, style)
