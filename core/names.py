"""What the names in a store say: metadata files, backup folders and handles. Pure text, nothing is looked up.

Stock never reads names, only content; the names are evidence (`name-content-disagree`, `manifest-name-disagree` in
hazards.md) and the rule of what may be opened (`own-handle-rule`). Tables: format.md, "Layout of a store" and "Metadata
lines".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, TypeVar

from core.model import (
    U64_MAX,
    EpochEndingRecord,
    IdentityRecord,
    LaneKind,
    RangeRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)

V = TypeVar("V")

NameKind: TypeAlias = LaneKind | Literal["identity", "timestamps"]

#: Everything of this tool in a store lies in this folder or is the lease; stock ignores both (`format.md`).
OWN_FOLDER: Final = "seamline"
#: What was done to the store, by whom, and what did not end.
JOURNAL_FOLDER: Final = f"{OWN_FOLDER}/journal"
#: Where contents wait until they are linked to their names; the one place from which something may be thrown away.
STAGED_FOLDER: Final = f"{OWN_FOLDER}/staged"
#: Where the lease of a store lies: at its root, never in `metadata/`, where stock would read it.
LOCK_HANDLE: Final = "compaction.lock"
#: Where a storage is tried for whether it keeps conditions, beside the lease. It stays there.
PROBE_HANDLE: Final = "compaction.probe"
MAX_HANDLE_BYTES: Final = 1_024
"""Longest handle that is ever opened, in bytes of UTF-8."""

_ALONE_NAMES: Final[Mapping[type[Record], str]] = {
    TransactionRecord: "transaction_{0.first_version}-{0.last_version}.meta",
    EpochEndingRecord: "epoch_ending_{0.first_epoch}-{0.last_epoch}.meta",
    StateSnapshotRecord: "state_snapshot_ver_{0.version}.meta",
    TimestampsRecord: "compaction_timestamps_{0.file_compacted_at}.meta",
    IdentityRecord: "identity.meta",
}

_COMPACTED_NAMES: Final[Mapping[type[RangeRecord], str]] = {
    TransactionRecord: "transaction_compacted_{0.first_version}-{1.last_version}.meta",
    EpochEndingRecord: "epoch_ending_compacted_{0.first_epoch}-{1.last_epoch}.meta",
    StateSnapshotRecord: "state_snapshot_compacted_epoch_{0.epoch}_{1.epoch}.meta",
}

_SAFE_NAME_RE: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{2,126}")
# Handles as stock makes them break no rule: told at once, since every chunk of every manifest has one.
_PLAIN_HANDLE_RE: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_SCHEME_RE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True, slots=True)
class MetadataName:
    """What the name of a metadata file promises to hold.

    `first` and `last` are inclusive, in `unit`. A state snapshot alone has first == last == its version; a timestamps
    file has first == last == its time; an identity file has 0 and 0. `repaired` is a file of a repair of ours.
    """

    kind: NameKind
    compacted: bool
    first: int
    last: int
    repaired: bool = False

    @property
    def alone(self) -> bool:
        """Whether it is the name of a file that holds one line."""
        return not (self.compacted or self.repaired)

    @property
    def unit(self) -> str:
        """What `first` and `last` count: `epoch`, `version`, `second`, or nothing for an identity."""
        if not isinstance(self.kind, LaneKind):
            return "second" if self.kind == "timestamps" else ""
        # Snapshots in one file are the exception: their lane counts versions, their names count epochs.
        return self.kind.unit if self.alone or self.kind is not LaneKind.STATE_SNAPSHOTS else "epoch"


@dataclass(frozen=True, slots=True)
class BackupFolder:
    """What the name of a backup's folder says: the lane, where the backup starts, and the random suffix.

    `first` is in the lane's unit; for a state snapshot it is the version, and `epoch` its epoch (else `None`). A
    `derived` folder holds nothing but a manifest that lists some chunks of another backup.
    """

    kind: LaneKind
    first: int
    epoch: int | None
    suffix: str
    derived: bool = False


def _pattern(text: str) -> re.Pattern[str]:
    """A pattern in which `#` is a number without leading zeros: no two names for one thing."""
    return re.compile(text.replace("#", "(0|[1-9][0-9]{0,19})"))


_METADATA_NAMES: Final[Mapping[re.Pattern[str], tuple[NameKind, bool]]] = {
    _pattern(r"transaction_#-#\.meta"): (LaneKind.TRANSACTIONS, False),
    _pattern(r"transaction_compacted_#-#\.meta"): (LaneKind.TRANSACTIONS, True),
    _pattern(r"epoch_ending_#-#\.meta"): (LaneKind.EPOCH_ENDINGS, False),
    _pattern(r"epoch_ending_compacted_#-#\.meta"): (LaneKind.EPOCH_ENDINGS, True),
    _pattern(r"state_snapshot_ver_#\.meta"): (LaneKind.STATE_SNAPSHOTS, False),
    _pattern(r"state_snapshot_compacted_epoch_#_#\.meta"): (LaneKind.STATE_SNAPSHOTS, True),
    _pattern(r"compaction_timestamps_#\.meta"): ("timestamps", False),
    _pattern(r"identity\.meta"): ("identity", False),
}

_REPAIRED_NAMES: Final[Mapping[re.Pattern[str], NameKind]] = {
    _pattern(r"transaction_repair_#-#_[0-9a-f]{8}\.meta"): LaneKind.TRANSACTIONS,
    _pattern(r"epoch_ending_repair_#-#_[0-9a-f]{8}\.meta"): LaneKind.EPOCH_ENDINGS,
    _pattern(r"state_snapshot_repair_epoch_#_#_[0-9a-f]{8}\.meta"): LaneKind.STATE_SNAPSHOTS,
    _pattern(r"identity_repair_[0-9a-f]{8}\.meta"): "identity",
}

_FOLDER_NAMES: Final[Mapping[re.Pattern[str], tuple[LaneKind, bool]]] = {
    _pattern(r"transaction_#-\.[0-9a-f]{4}"): (LaneKind.TRANSACTIONS, False),
    _pattern(r"epoch_ending_#-\.[0-9a-f]{4}"): (LaneKind.EPOCH_ENDINGS, False),
    _pattern(r"state_epoch_#_ver_#\.[0-9a-f]{4}"): (LaneKind.STATE_SNAPSHOTS, False),
    _pattern(r"transaction_#-\.splice_[0-9a-f]{8}"): (LaneKind.TRANSACTIONS, True),
    _pattern(r"epoch_ending_#-\.splice_[0-9a-f]{8}"): (LaneKind.EPOCH_ENDINGS, True),
}

_DERIVED_MANIFESTS: Final = {
    LaneKind.TRANSACTIONS: "transaction.manifest",
    LaneKind.EPOCH_ENDINGS: "epoch_ending.manifest",
}


def _meaning(patterns: Mapping[re.Pattern[str], V], name: str) -> tuple[V, list[int]] | None:
    """What the pattern that the name follows stands for, and the name's numbers; `None` also for numbers beyond u64."""
    for pattern, meaning in patterns.items():
        match = pattern.fullmatch(name)
        if match:
            numbers = [int(digits) for digits in match.groups()]
            return (meaning, numbers) if max(numbers, default=0) <= U64_MAX else None
    return None


def parse_metadata_name(name: str) -> MetadataName | None:
    """What a metadata file's name (no folder before it) promises; `None` if neither stock nor a repair names one so."""
    found = _meaning(_METADATA_NAMES, name)
    if found is not None:
        (kind, compacted), numbers = found
        return MetadataName(kind, compacted, *_ends(numbers))
    repaired = _meaning(_REPAIRED_NAMES, name)
    return None if repaired is None else MetadataName(repaired[0], False, *_ends(repaired[1]), repaired=True)


def _ends(numbers: Sequence[int]) -> tuple[int, int]:
    return (numbers[0], numbers[-1]) if numbers else (0, 0)


def parse_backup_folder(handle: str) -> BackupFolder | None:
    """What the first part of a handle (or a folder's name) says, if stock, or a splice, names backup folders so."""
    folder = handle.partition("/")[0]
    found = _meaning(_FOLDER_NAMES, folder)
    if found is None:
        return None
    (kind, derived), numbers = found
    suffix = folder.rpartition(".")[2]
    return BackupFolder(kind, numbers[-1], numbers[0] if len(numbers) > 1 else None, suffix, derived)


def is_derived_manifest(handle: str) -> bool:
    """Whether a handle is that of a derived manifest, the one kind of file that is made outside of `metadata/`."""
    folder, _, name = handle.partition("/")
    says = parse_backup_folder(folder)
    return says is not None and says.derived and name == _DERIVED_MANIFESTS[says.kind]


def alone_name(record: Record) -> str:
    """The file name stock uses for a record written alone."""
    return _ALONE_NAMES[type(record)].format(record)


def compacted_name(records: Sequence[RangeRecord]) -> str:
    """The file name stock uses for a compacted run: the records of one lane, in sort order.

    Raises `ValueError` for a run that is empty or of mixed lanes.
    """
    kinds = {type(record) for record in records}
    if len(kinds) != 1:
        raise ValueError("a compacted file holds at least one record, and only of one lane")
    return _COMPACTED_NAMES[kinds.pop()].format(records[0], records[-1])


def is_safe_name(name: str) -> bool:
    r"""Whether stock takes the name for a file it writes: `\A[a-zA-Z0-9][a-zA-Z0-9._-]{2,126}\z`."""
    return _SAFE_NAME_RE.fullmatch(name) is not None


def handle_problem(handle: str) -> str | None:
    """Why a handle must not be opened as a path in the store (`own-handle-rule`), or `None` if its text is fine.

    The reason reads well after "not opened: ". That the resolved path stays inside the store is for the storage to see.
    """
    if len(handle) <= MAX_HANDLE_BYTES and _PLAIN_HANDLE_RE.fullmatch(handle):
        return None
    return next((reason for is_so, reason in _HANDLE_RULES if is_so(handle)), None)


def _is_too_long(handle: str) -> bool:
    return len(handle.encode("utf-8", "surrogatepass")) > MAX_HANDLE_BYTES


def _has_control(handle: str) -> bool:
    return any(unicodedata.category(char) == "Cc" for char in handle)


def _has_surrogate(handle: str) -> bool:
    return any(unicodedata.category(char) == "Cs" for char in handle)


_HANDLE_RULES: Final[Sequence[tuple[Callable[[str], bool], str]]] = (
    (lambda handle: not handle, "it is empty"),
    (_is_too_long, f"it is longer than {MAX_HANDLE_BYTES:,} bytes"),
    (_has_surrogate, "it is not valid Unicode"),
    (_has_control, "it has a control character"),
    (lambda handle: _SCHEME_RE.match(handle) is not None, "it is another storage's handle"),
    (lambda handle: "\\" in handle, "it has a backslash"),
    (lambda handle: handle.startswith("/"), "it is an absolute path"),
    (lambda handle: "" in handle.split("/"), "it has an empty part"),
    (lambda handle: not {".", ".."}.isdisjoint(handle.split("/")), 'it has a "." or ".." part'),
)
