"""What must be true of a store at every instant, read off its bytes with nothing of the executor.

The lines are told apart as bytes; stock's answers come from the model of the stock tool (`core.stock`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

from core.columns import Lane
from core.index import Index
from core.model import RangeRecord
from core.names import is_safe_name
from core.stock import StockFailure, greatest_working_target, load_error, restore_plan
from tests.support.gzipped import said
from tests.support.stores import snapshot_of

Files: TypeAlias = dict[str, bytes]
Answer: TypeAlias = str | tuple[tuple[RangeRecord, ...], ...]
Answers: TypeAlias = dict[int | None, Answer]

METADATA = "metadata/"
BACKUP = "metadata_backup/"
_TIMES = b'{"CompactionTimestamps":'
_DERIVED_RE = re.compile(rb'"manifest":"([^"]+\.splice_[0-9a-f]{8}/[^"]+)"')
#: A store of a test has few states, and each of them is met again and again.
_STATES = 20_000


def folder_of(files: Mapping[str, bytes], folder: str) -> Files:
    """The files of one folder by name."""
    return {handle.removeprefix(folder): content for handle, content in files.items() if handle.startswith(folder)}


def metadata_of(files: Mapping[str, bytes]) -> Files:
    """The files of `metadata/` by name."""
    return folder_of(files, METADATA)


def lines_of(metadata: Mapping[str, bytes]) -> frozenset[bytes]:
    """Every distinct line but those of compaction times."""
    return _lines(frozenset(metadata.values()))


@lru_cache(_STATES)
def _lines(contents: frozenset[bytes]) -> frozenset[bytes]:
    lines = {line for content in contents for line in said(content).splitlines()}
    return frozenset(line for line in lines if not line.startswith(_TIMES))


def end_state(files: Mapping[str, bytes]) -> tuple[Files, list[bytes]]:
    """What two runs must agree on: `metadata/` byte for byte, and the contents of `metadata_backup/`."""
    return metadata_of(files), sorted(folder_of(files, BACKUP).values())


def stock_answers(metadata: Mapping[str, bytes]) -> Answers:
    """What stock selects for every target that makes a difference; why not, where it can't."""
    return _answers(frozenset(metadata.items()))


@lru_cache(_STATES)
def _answers(metadata: frozenset[tuple[str, bytes]]) -> Answers:
    snapshot = snapshot_of(dict(metadata))
    failure = load_error(snapshot)
    if failure is not None:
        return {None: failure.message}
    return {target: _answer(snapshot.index, target) for target in targets_of(snapshot.index)}


def works_up_to(metadata: Mapping[str, bytes]) -> int:
    """The greatest target that stock restores to, -1 if there is none."""
    return _works_up_to(frozenset(metadata.items()))


@lru_cache(_STATES)
def _works_up_to(metadata: frozenset[tuple[str, bytes]]) -> int:
    snapshot = snapshot_of(dict(metadata))
    target = None if load_error(snapshot) else greatest_working_target(snapshot.index)
    return -1 if target is None else target


def targets_of(index: Index) -> list[int | None]:
    """None for everything, and every version around an end of an entry or a snapshot."""
    ends = {int(each) for lane in index.lanes.values() for each in (*lane.first_version, *lane.last)}
    near = {end + step for end in ends for step in (-1, 0, 1) if 0 <= end + step < 2**64}
    return [None, *sorted(near)]


def _answer(index: Index, target: int | None) -> Answer:
    try:
        plan = restore_plan(index, target)
    except StockFailure as failure:
        return failure.message
    snapshots = [row for row in (plan.kv_snapshot, plan.tree_snapshot) if row is not None]
    return (
        tuple(index.state_snapshots.record(row) for row in snapshots),
        _records(index.transactions, plan.transactions.tolist()),
        _records(index.epoch_endings, plan.epoch_endings.tolist()),
    )


def _records(lane: Lane, rows: list[int]) -> tuple[RangeRecord, ...]:
    return tuple(lane.record(row) for row in rows)


class Watcher:
    """Asserts the invariant of one operation on every state that it is shown.

    `original` is the store as it was. The lines of the operation's new files are `new`. `names` are all contents that
    stood under a name, be it by somebody else: a new file has a new name, or the content that was there before.
    """

    def __init__(self, original: Mapping[str, bytes], new: frozenset[bytes] = frozenset()) -> None:
        metadata = metadata_of(original)
        self.must = lines_of(metadata)
        self.may = self.must | new
        self.answers = stock_answers(metadata)
        self.names = {name: {content} for name, content in metadata.items()}
        self.damaged: Files = {}
        self.states = 0

    def look(self, files: Mapping[str, bytes]) -> None:
        """Raises AssertionError where a line is lost or foreign, a file is not whole, or stock sees another store."""
        metadata = metadata_of(files)
        visible = lines_of(metadata)
        assert self.must <= visible, f"lost: {sorted(self.must - visible)}"
        assert visible <= self.may, f"foreign: {sorted(visible - self.may)}"
        for name, content in metadata.items():
            if name in self.damaged and content == self.damaged[name]:
                continue
            assert is_safe_name(name) and name.endswith(".meta"), name
            assert content and said(content).endswith(b"\n"), f"{name} is not whole"
            assert content in self.names.setdefault(name, {content}), f"{name} was used for other content"
        self._ask_stock(metadata)
        self.states += 1

    def _ask_stock(self, metadata: Files) -> None:
        assert stock_answers(metadata) == self.answers


class Passage(Watcher):
    """Asserts the invariant of an operation that changes what is visible, from `original` to `after`.

    Lines of both are seen at every instant, and no line is that neither has. Where the operation is to make things
    `better`, stock never restores less far than before. A line of a derived manifest is seen only once that is there.
    """

    def __init__(self, original: Mapping[str, bytes], after: Mapping[str, bytes], *, better: bool) -> None:
        super().__init__(original)
        before, end = metadata_of(original), metadata_of(after)
        self.must = lines_of(before) & lines_of(end)
        self.may = lines_of(before) | lines_of(end)
        self.damaged = before | end
        self._least = works_up_to(before) if better else -1

    def look(self, files: Mapping[str, bytes]) -> None:
        """Raises AssertionError as a `Watcher` does."""
        super().look(files)
        for handle in (match.decode() for line in lines_of(metadata_of(files)) for match in _DERIVED_RE.findall(line)):
            assert handle in files, f"{handle} is named and not there"

    def _ask_stock(self, metadata: Files) -> None:
        assert works_up_to(metadata) >= self._least
