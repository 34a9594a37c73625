"""Processes that compact one store all at once, each writing down what it changed when, and one that knows no lease."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from core.codec import encode_record
from core.engine import Engine
from core.errors import Refused, SeamlineError
from core.operations import Operations
from core.stock import CompactionOptions, group_content, simulate_compaction
from core.storage import LocalReader
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from core.storage.writing import StoreWriter
from tests.support.crash_processes import QuickMachine
from tests.support.stores import snapshot_of

#: Seconds at most between two runs of somebody who ignores the lease.
_PAUSE: Final = 0.6


@dataclass(frozen=True, slots=True)
class Contender:
    """One process of a race: on what store, with which options, and until when (`end` on the monotonic clock).

    What it does goes to `notes`, a line for each change and each result.
    """

    folder: Path
    notes: Path
    origin: float
    end: float
    options: CompactionOptions


@dataclass(frozen=True, slots=True)
class Result:
    """How one try of a contender ended: an exit code, and in words."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when (seconds of the monotonic clock) one try of a contender was changing the store."""

    begin: float
    end: float
    who: str


class _Notes:
    """Appends lines to a file in one call each, so that whoever is killed leaves whole lines."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def put(self, **line: object) -> None:
        os.write(self._descriptor, json.dumps(line).encode() + b"\n")


class StampedWriter:
    """Notes the time before and after each change."""

    def __init__(self, writer: StoreWriter, notes: _Notes) -> None:
        self._writer = writer
        self._notes = notes
        self.turn = f"{os.getpid()}.0"

    @property
    def at_once(self) -> int:
        return self._writer.at_once

    def create(self, handle: str, content: bytes) -> None:
        self._stamped("create", handle, lambda: self._writer.create(handle, content))

    def link(self, source: str, handle: str) -> None:
        self._stamped("link", handle, lambda: self._writer.link(source, handle))

    def move(self, source: str, target: str) -> None:
        self._stamped("move", source, lambda: self._writer.move(source, target))

    def append(self, handle: str, content: bytes) -> None:
        self._stamped("append", handle, lambda: self._writer.append(handle, content))

    def flush(self, folder: str) -> None:
        self._stamped("flush", folder, lambda: self._writer.flush(folder))

    def discard(self, handle: str) -> None:
        self._stamped("discard", handle, lambda: self._writer.discard(handle))

    def _stamped(self, what: str, handle: str, do: Callable[[], None]) -> None:
        self._stamp(what, handle)
        try:
            do()
        finally:
            self._stamp(what, handle)

    def _stamp(self, what: str, handle: str) -> None:
        self._notes.put(turn=self.turn, at=time.monotonic(), what=what, handle=handle)


def contend(contender: Contender) -> None:
    """Compact again and again: look, plan, apply; what was interrupted is finished first."""
    where, notes = str(contender.folder), _Notes(contender.notes)
    writer = StampedWriter(LocalWriter(where), notes)
    machine = QuickMachine(contender.origin)
    operations = Operations(LocalReader(where), writer, LocalConditional(where), machine)
    turn = 0
    while time.monotonic() < contender.end:
        turn += 1
        writer.turn = f"{os.getpid()}.{turn}"
        result = _try(operations, contender.options)
        notes.put(code=result.code, text=result.text)


def _try(operations: Operations, options: CompactionOptions) -> Result:
    try:
        return _compact(operations, options)
    except Refused as refused:
        return Result(refused.exit_code, f"{refused.hazard}: {refused.message}")
    except SeamlineError as error:
        return Result(error.exit_code, f"{type(error).__name__}: {error.message}")


def _compact(operations: Operations, options: CompactionOptions) -> Result:
    resumed = operations.resume()
    engine = Engine(operations.reader, operations.machine)
    plan = engine.plan_compaction(engine.look(), options)
    if plan.refusal is not None:
        return Result(Refused.exit_code, f"{plan.refusal.kind}: {plan.refusal.explanation}")
    if plan.change_set is None or plan.change_set.is_empty:
        return Result(0, "resumed" if resumed else "nothing to do")
    return Result(0, f"applied {operations.apply(plan.change_set).operation}")


def ignore_the_lease(contender: Contender) -> None:
    """Compact again and again as stock does: no lease, plain writes to names that are new, plain renames.

    Between two runs others get a chance to come far, else nobody would be met in the middle of anything.
    """
    notes, machine, rng = _Notes(contender.notes), QuickMachine(contender.origin), Random(contender.origin)
    while time.monotonic() < contender.end:
        try:
            done = _stock_compaction(contender.folder, contender.options, int(machine.now()))
        except FileNotFoundError as error:
            done = f"stock stops: {error}"
        notes.put(code=0, text=done)
        machine.sleep(rng.uniform(0, _PAUSE))


def _stock_compaction(folder: Path, options: CompactionOptions, now: int) -> str:
    metadata, backup = folder / "metadata", folder / "metadata_backup"
    backup.mkdir(exist_ok=True)
    files = {path.name: path.read_bytes() for path in metadata.iterdir()}
    run = simulate_compaction(snapshot_of(dict(files)).index, options, now)
    for group in run.written:
        _write_new(metadata / group.name, group_content(run.index, group))
    if run.stop is not None:
        return f"stock stops: {run.stop.message}"
    for handle in run.retired:
        name = handle.removeprefix("metadata/")
        (metadata / name).rename(backup / name)
    assert run.timestamps is not None
    _write_new(metadata / run.timestamps_name, encode_record(run.timestamps))
    return f"moved {len(run.retired)}"


def _write_new(path: Path, content: bytes) -> None:
    with suppress(FileExistsError), path.open("xb", buffering=0) as file:
        file.write(content)


def results_of(notes: Path) -> Iterator[Result]:
    """How the tries of a contender ended."""
    return (Result(line["code"], line["text"]) for line in _lines(notes) if "code" in line)


def spans_of(notes: Path) -> Iterator[Span]:
    """When a contender was changing the store: one span for each try."""
    turns: dict[str, list[float]] = {}
    for line in _lines(notes):
        if "turn" in line:
            turns.setdefault(line["turn"], []).append(line["at"])
    return (Span(min(stamps), max(stamps), turn) for turn, stamps in turns.items())


def _lines(notes: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in notes.read_text().splitlines())
