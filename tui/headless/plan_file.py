"""A repair's plan in a file: to be read by people, kept, and carried out later only if it still is the very plan.

Nothing in such a file is ever executed. Whoever carries it out plans anew with the options that stand in it, on the
store as it is by then; the file only says what that plan has to be, to the last byte.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import msgspec

from core.chain import Policy
from core.changes.marks import FileMark, difference, marks_of, told
from core.changes.model import ChangeSet, Write
from core.errors import PlanOutdated, UsageError, WriteFailed
from core.phrases import shown
from core.recovery import Recovery
from core.restore import RestoreOptions
from core.snapshot import Snapshot
from core.storage import identity_of
from tui.headless.documents.restore_plan import unused_fields
from tui.headless.json_text import SCHEMA, json_text

#: Larger files are not read; a store of a million metadata files has its marks in this.
MAX_PLAN_BYTES: Final = 256 << 20
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_T = TypeVar("_T")


class _Kind(msgspec.Struct):
    """What tells a plan from any other document."""

    schema: int
    operation: str


class _NewFile(msgspec.Struct, forbid_unknown_fields=True):
    handle: str
    lines: int
    content: str


class _Retired(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    target: str
    because: str


class _Options(msgspec.Struct, forbid_unknown_fields=True):
    policy: Policy
    pins: list[str]
    vetoes: list[str]
    park_tail: bool


class _Unused(msgspec.Struct, forbid_unknown_fields=True):
    manifest: str
    reason: str


class _Plan(msgspec.Struct, forbid_unknown_fields=True):
    schema: int
    operation: Literal["repair"]
    store: str
    plan_id: str
    options: _Options
    derived: list[_NewFile]
    writes: list[_NewFile]
    writes_timestamps: bool
    retires: list[_Retired]
    rejected: int
    parked: int
    metadata: list[FileMark]
    unused_pins: list[_Unused] = []
    unused_vetoes: list[_Unused] = []


@dataclass(frozen=True, slots=True, eq=False)
class PlanFile:
    """A plan as it was read from the file `path`; `fields` are what it says, every one of its kind."""

    path: str
    fields: Mapping[str, Any]
    options: RestoreOptions
    park_tail: bool
    marks: tuple[FileMark, ...]

    @property
    def _name(self) -> str:
        return repr(shown(self.path))

    def require_store(self, snapshot: Snapshot) -> None:
        """Raises `UsageError` for another store, and `PlanOutdated` where its metadata is not as it was."""
        if self.fields["store"] != _spelled(_store(snapshot.location)):
            raise UsageError(
                f"{self._name} is a plan for another store: {shown(self.fields['store'])}",
                hint="make a plan for this one with --plan-out",
            )
        seen = (FileMark(_spelled(mark.handle), mark.size, mark.digest) for mark in marks_of(snapshot.index))
        different = difference(self.marks, seen)
        if different:
            raise PlanOutdated(f"the store has changed since the plan: {told(different)}", hint=_PLAN_ANEW)

    def require_plan(self, change: ChangeSet, recovery: Recovery) -> None:
        """Raises `PlanOutdated` unless `change` is the plan in the file, `UsageError` where the file was edited."""
        if change.plan_id != self.fields["plan_id"]:
            raise PlanOutdated(
                f"no file of metadata/ has changed, and yet the plan is another now ({change.plan_id}): backups, "
                "metadata_backup/ or the journal have changed, or another seamline made it",
                hint=_PLAN_ANEW,
            )
        now = json.loads(plan_text(change, recovery, self.options, park_tail=self.park_tail))
        told_then, told_now = _timeless(self.fields), _timeless(now)
        edited = [name for name, value in told_now.items() if value != told_then[name]]
        if edited:
            raise UsageError(
                f"{self._name} does not say what its plan {change.plan_id} does: {', '.join(edited)} was edited",
                hint="a plan can't be edited: make another one with --plan-out",
            )


_PLAN_ANEW: Final = "look at a new plan: --plan-out"


def plan_text(change: ChangeSet, recovery: Recovery, options: RestoreOptions, *, park_tail: bool) -> str:
    """A repair in full, as JSON; the store and the options determine it, the moment does not."""
    document = {
        "schema": SCHEMA,
        "operation": change.kind.value,
        "store": _store(recovery.snapshot.location),
        "plan_id": change.plan_id,
        "options": {
            "policy": options.policy.value,
            "pins": sorted(options.pins),
            "vetoes": sorted(options.vetoes),
            "park_tail": park_tail,
        },
        "derived": [_new_file(write) for write in change.derived],
        "writes": [_new_file(write) for write in change.writes],
        # Its name and its date are those of the moment at which the plan is carried out.
        "writes_timestamps": change.record is not None,
        "retires": [{"source": move.source, "target": move.target, "because": move.because} for move in change.retires],
        "rejected": len(change.rejected),
        "parked": len(change.parked),
        "metadata": [{"handle": mark.handle, "size": mark.size, "digest": mark.digest} for mark in change.marks],
        "unused_pins": unused_fields(recovery.unused_pins),
        "unused_vetoes": unused_fields(recovery.unused_vetoes),
    }
    return msgspec.json.format(json_text(document), indent=1) + "\n"


def require_new(path: str, location: str) -> None:
    """Raises `UsageError` for a file that is there already, or would lie in the store."""
    if not path or "\0" in path:
        raise UsageError(f"{shown(path)!r} can't be the name of a file", hint="name a new file")
    if Path(os.path.realpath(Path(path).parent)).is_relative_to(_store(location)):
        raise UsageError(f"{shown(path)!r} lies inside the store", hint="name a file outside of it")
    if os.path.lexists(path):
        raise UsageError(f"{shown(path)!r} is there already, and is not overwritten", hint="name a new file")


def write_plan(path: str, text: str) -> None:
    """Write a new file, whole or not at all. Raises `UsageError` and `WriteFailed`."""
    content = text.encode()
    if len(content) > MAX_PLAN_BYTES:
        raise WriteFailed(f"the plan takes {len(content):,} bytes, and no more than {MAX_PLAN_BYTES:,} are read again")
    try:
        descriptor = os.open(path, _NEW, 0o644)
    except (OSError, ValueError) as error:
        raise UsageError(f"no plan can be written to {shown(path)!r}: {_reason(error)}", hint=_NAME_FILE) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            Path(path).unlink()
        raise WriteFailed(f"the plan was not written to {shown(path)!r}: {_reason(error)}") from None


def read_plan(path: str) -> PlanFile:
    """The plan in a file, which may hold anything. Raises `UsageError`."""
    data = _content(path)
    kind = _decoded(path, data, _Kind)
    if kind.schema != SCHEMA or kind.operation != "repair":
        raise _no_plan(path, f"it is of schema {kind.schema} and operation {shown(kind.operation)!r}")
    plan = _decoded(path, data, _Plan)
    options = RestoreOptions(
        policy=plan.options.policy, pins=frozenset(plan.options.pins), vetoes=frozenset(plan.options.vetoes)
    )
    return PlanFile(path, msgspec.to_builtins(plan), options, plan.options.park_tail, tuple(plan.metadata))


_NAME_FILE: Final = "name a file that --plan-out wrote"


def _decoded(path: str, data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _no_plan(path, shown(str(error))) from None


def _content(path: str) -> bytes:
    try:
        # Not to wait for whoever writes to a fifo.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise _no_plan(path, "it is no plain file")
            # What grows meanwhile is cut, and no plan then.
            data = b"" if status.st_size > MAX_PLAN_BYTES else file.read(MAX_PLAN_BYTES)
    except (OSError, ValueError) as error:
        raise _no_plan(path, _reason(error)) from None
    if status.st_size > MAX_PLAN_BYTES:
        raise _no_plan(path, f"it has {status.st_size:,} bytes, and no more than {MAX_PLAN_BYTES:,} are read")
    return data


def _no_plan(path: str, why: str) -> UsageError:
    return UsageError(f"{shown(path)!r} is no plan of a repair: {why}", hint=_NAME_FILE)


def _new_file(write: Write) -> dict[str, Any]:
    """What a file will say; its form is the store's, and its bytes those of the zlib that is there then."""
    return {"handle": write.handle, "lines": write.lines, "content": write.text.decode(errors="surrogateescape")}


def _store(location: str) -> str:
    """What tells one store from another: where it really lies."""
    return identity_of(location)


def _timeless(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What a plan says without the reasons of its moves, some of which count seconds."""
    return {**fields, "retires": [(move["source"], move["target"]) for move in fields["retires"]]}


def _spelled(text: str) -> str:
    """A text as it comes back from a plan: JSON has no lone surrogates."""
    spelled: str = json.loads(json_text({"": text}))[""]
    return spelled


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
