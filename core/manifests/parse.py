"""Bytes to manifests, with the verdicts and the words of stock's `serde_json::from_slice`.

Unknown fields are ignored as stock ignores them, and kept. One thing is left to `core.manifests.verify`: the text of
waypoints, so that a wrong count of them is told first. Nothing here is sized by a number that the manifest states.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from core.errors import Stopped
from core.manifests.model import (
    ChunkFormat,
    EpochEndingChunk,
    EpochEndingManifest,
    Manifest,
    ManifestRefused,
    StateChunk,
    StateManifest,
    TransactionChunk,
    TransactionManifest,
    Unknown,
)
from core.model import LaneKind
from core.serde import Reader, Struct
from core.serde_scanner import EOF, EOF_VALUE, LIST, MAP, MAP_END, NO_VALUE, QUOTE, Fault, SerdeError

#: `hazards.md`, `own-bounded-memory`: a manifest larger than this is not read at all. The largest of a real chain, that
#: of a snapshot of some thousand chunks of 450 bytes each, has 2 MB; reading these takes seconds and 300 MB of memory.
MAX_MANIFEST_BYTES: Final = 32 << 20
#: What 32 MiB of the shortest possible chunks would take in memory is out of all proportion; real manifests have
#: some thousands.
MAX_LIST_ITEMS: Final = 1_000_000
#: Fields that nobody knows are kept, with their values: a newer release may write one into each chunk.
MAX_UNKNOWN_FIELDS: Final = 100_000
#: Whoever waits is asked after so many values whether to stop: some hundred times a second.
_STEPS_ASKED: Final = 1 << 12

T = TypeVar("T")
_HASH_RE: Final = re.compile(r"[0-9a-fA-F]{64}")
_MESSAGE_CHARS: Final = 2_000


def parse_manifest(lane: LaneKind, data: bytes, stopped: Callable[[], bool] = lambda: False) -> Manifest:
    """The manifest of a backup of `lane`, from its whole (inflated) content.

    Raises `ManifestRefused` where stock can't read it, and beyond `MAX_MANIFEST_BYTES`, `MAX_LIST_ITEMS` and
    `MAX_UNKNOWN_FIELDS`; `Stopped` when `stopped`, which is asked all along, says so.
    """
    if len(data) > MAX_MANIFEST_BYTES:
        raise ManifestRefused(f"more than {MAX_MANIFEST_BYTES:,} bytes", "manifest-huge", says_stock=False)
    reader = _ManifestReader(data, stopped)
    try:
        manifest: Manifest = reader.struct(_MANIFESTS[lane])
        reader.finish()
    except SerdeError as error:
        hazard = "chunk-format-unknown" if error.fault is Fault.VARIANT else "manifest-bad-json"
        raise ManifestRefused(_shortened(str(error)), hazard) from None
    except UnicodeDecodeError:
        # The cursor stands behind the string that is not UTF-8, where serde looks at it too.
        raise ManifestRefused(str(reader.error("invalid unicode code point")), "manifest-bad-json") from None
    return manifest


def is_hash(text: str) -> bool:
    """Whether stock reads the text as a hash: 64 hex digits."""
    return _HASH_RE.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class _Fields(Struct[T]):
    """A struct some fields of which may be absent, and whose unknown fields are kept as its last value."""

    fields: Mapping[str, Callable[[Any], Any]]
    defaults: Mapping[str, Any] = field(default_factory=dict)


class _ManifestReader(Reader):
    """Reads structs within lists within structs, as `serde_json` reads a manifest."""

    __slots__ = ("_steps", "_stopped", "_unknown")

    def __init__(self, data: bytes, stopped: Callable[[], bool]) -> None:
        super().__init__(data)
        self._stopped = stopped
        self._steps = 0
        self._unknown = 0

    def _step(self) -> None:
        self._steps += 1
        if not self._steps % _STEPS_ASKED and self._stopped():
            raise Stopped("stopped while a manifest was read")

    def finish(self) -> None:
        """Only blanks may follow."""
        if self.blanks() != EOF:
            raise self.peek_error("trailing characters")

    def list_of(self, read: Callable[[_ManifestReader], T]) -> tuple[T, ...]:
        """Reads a list, never more than `MAX_LIST_ITEMS`."""
        byte = self.blanks()
        if byte != LIST:
            raise self.peek_error(EOF_VALUE) if byte == EOF else self.invalid_type("a sequence")
        self.pos += 1
        items: list[T] = []
        while self._has_element(first=not items):
            if len(items) == MAX_LIST_ITEMS:
                raise ManifestRefused(
                    f"a list of more than {MAX_LIST_ITEMS:,} items", "manifest-huge", says_stock=False
                )
            self._step()
            items.append(read(self))
        self._end(LIST)
        return tuple(items)

    def usize(self) -> int:
        """Reads a u64 under the name that Rust gives to an index."""
        try:
            return self.u64()
        except SerdeError as error:
            error.words = error.words.replace(", expected u64", ", expected usize")
            raise

    def chunk_format(self) -> ChunkFormat:
        """Reads a unit variant, `"V1"` or `{"V1":null}`."""
        byte = self.blanks()
        if byte == QUOTE:
            return self._format_name()
        if byte != MAP:
            raise self.peek_error(EOF_VALUE if byte == EOF else NO_VALUE)
        self.pos += 1
        name = self._format_name()
        self._colon()
        byte = self.blanks()
        if byte != ord("n"):
            raise self.peek_error(EOF_VALUE) if byte == EOF else self.invalid_type("unit")
        self.skip_scalar(byte)
        closer = self.blanks()
        if closer != MAP_END:
            raise self.error("EOF while parsing an object" if closer == EOF else NO_VALUE)
        self.pos += 1
        return name

    def _format_name(self) -> ChunkFormat:
        name = self.string("variant identifier")
        with suppress(ValueError):
            return ChunkFormat(name)
        raise self.error(f"unknown variant `{name}`, expected `V0` or `V1`", Fault.VARIANT)

    def _fields(self, struct: Struct[Any]) -> list[Any]:
        values: dict[str, Any] = {}
        unknown: list[tuple[str, bytes]] = []
        first = True
        while (key := self._next_key(first)) is not None:
            first = False
            read = struct.fields.get(key)
            if key in values:
                raise SerdeError(f"duplicate field `{key}`", Fault.DUPLICATE)
            self._colon()
            self._step()
            if read is None:
                self._unknown += 1
                if self._unknown > MAX_UNKNOWN_FIELDS:
                    words = f"more than {MAX_UNKNOWN_FIELDS:,} fields that stock does not know"
                    raise ManifestRefused(words, "manifest-huge", says_stock=False)
                unknown.append((key, self._raw_value()))
            else:
                values[key] = read(self)
        defaults = _defaults(struct)
        for name in struct.fields:
            if name not in values and name not in defaults:
                raise SerdeError(f"missing field `{name}`", Fault.SYNTAX)
        return [*(values[name] if name in values else defaults[name] for name in struct.fields), tuple(unknown)]

    def _raw_value(self) -> bytes:
        self.blanks()
        start = self.pos
        self._ignore_value()
        return self.data[start : self.pos]

    def _ignore_ends(self, opened: bytearray, fresh: bool) -> None:
        self._step()
        super()._ignore_ends(opened, fresh)

    def _elements(self, struct: Struct[Any]) -> list[Any]:
        values: list[Any] = []
        defaults = _defaults(struct)
        ended = False
        for name, read in struct.fields.items():
            ended = ended or not self._has_element(first=not values)
            if not ended:
                values.append(read(self))
            elif name in defaults:
                values.append(defaults[name])
            else:
                wanted = f"{struct.expected} with {len(struct.fields)} elements"
                raise SerdeError(f"invalid length {len(values)}, expected {wanted}", Fault.SYNTAX)
        no_unknown: Unknown = ()
        return [*values, no_unknown]


def _defaults(struct: Struct[Any]) -> Mapping[str, Any]:
    return struct.defaults if isinstance(struct, _Fields) else {}


def _shortened(message: str) -> str:
    half = _MESSAGE_CHARS // 2
    return message if len(message) <= _MESSAGE_CHARS else f"{message[:half]} … {message[-half:]}"


_R = _ManifestReader
_TRANSACTION_CHUNK: Final = _Fields(
    "TransactionChunk",
    {
        "first_version": _R.u64,
        "last_version": _R.u64,
        "transactions": _R.string,
        "proof": _R.string,
        "format": _R.chunk_format,
    },
    TransactionChunk,
    {"format": ChunkFormat.V0},
)
_EPOCH_ENDING_CHUNK: Final = _Fields(
    "EpochEndingChunk",
    {"first_epoch": _R.u64, "last_epoch": _R.u64, "ledger_infos": _R.string},
    EpochEndingChunk,
)
_STATE_CHUNK: Final = _Fields(
    "StateSnapshotChunk",
    {
        "first_idx": _R.usize,
        "last_idx": _R.usize,
        "first_key": _R.hash_value,
        "last_key": _R.hash_value,
        "blobs": _R.string,
        "proof": _R.string,
    },
    StateChunk,
)


def _list_of(struct: Struct[Any]) -> Callable[[_ManifestReader], tuple[Any, ...]]:
    def read(reader: _ManifestReader) -> tuple[Any, ...]:
        return reader.list_of(lambda inner: inner.struct(struct))

    return read


_MANIFESTS: Final[Mapping[LaneKind, Struct[Any]]] = {
    LaneKind.TRANSACTIONS: _Fields(
        "TransactionBackup",
        {"first_version": _R.u64, "last_version": _R.u64, "chunks": _list_of(_TRANSACTION_CHUNK)},
        TransactionManifest,
    ),
    LaneKind.EPOCH_ENDINGS: _Fields(
        "EpochEndingBackup",
        {
            "first_epoch": _R.u64,
            "last_epoch": _R.u64,
            "waypoints": lambda reader: reader.list_of(_R.string),
            "chunks": _list_of(_EPOCH_ENDING_CHUNK),
        },
        EpochEndingManifest,
    ),
    LaneKind.STATE_SNAPSHOTS: _Fields(
        "StateSnapshotBackup",
        {
            "version": _R.u64,
            "epoch": _R.u64,
            "root_hash": _R.hash_value,
            "chunks": _list_of(_STATE_CHUNK),
            "proof": _R.string,
        },
        StateManifest,
    ),
}
