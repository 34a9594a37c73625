"""Metadata lines to records and back: strict as stock is, and with stock's words where stock refuses a line.

`parse_line` accepts exactly the lines that stock accepts and refuses the others with stock's message (rule
`own-strict-parse` in hazards.md). `encode_record` writes what stock writes, byte for byte.

Messages and records hold text from the store as it is: whoever shows them makes it harmless (`own-terminal`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from core.model import (
    U64_MAX,
    EpochEndingRecord,
    IdentityRecord,
    Record,
    StateSnapshotRecord,
    TimestampsRecord,
    TransactionRecord,
)
from core.serde import Reader, Struct
from core.serde_scanner import Fault, SerdeError

MAX_LINE_BYTES: Final = 16 * 1024 * 1024
"""Longest metadata line that is read at all (rule `own-bounded-memory`)."""

MAX_MESSAGE_CHARS: Final = 2_000
"""Longest message of a refusal: stock quotes hostile strings whole, a report need not."""

UNKNOWN_KIND: Final = "unknown-variant"
"""The hazard of a line whose kind is not known here: a newer tool may go by it, so its file is never rewritten."""

_BOM: Final = b"\xef\xbb\xbf"
_SEPARATORS_RE: Final = re.compile(rb"\xc2\x85|\xe2\x80[\xa8\xa9]")
_HAZARD_OF_FAULT: Final = {
    Fault.SYNTAX: "bad-json-line",
    Fault.TYPE: "bad-json-line",
    Fault.NUMBER: "number-not-u64",
    Fault.DUPLICATE: "duplicate-key",
    Fault.VARIANT: UNKNOWN_KIND,
}


class LineRefused(Exception):
    """Stock can't read the line, so it can't load the store.

    `message` is what stock says (always "line 1": it reads each line alone); `hazard` is the id in hazards.md:
    blank-line, bad-json-line, bad-encoding, number-not-u64, duplicate-key or unknown-variant.
    """

    def __init__(self, message: str, hazard: str) -> None:
        super().__init__(message)
        self.message = message
        self.hazard = hazard


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """What a line says, and what is unusual about how it says it.

    Notes, in this order: `array-form-record` (a struct written as a list), `unknown-field` (a field that stock
    ignores), `line-separator-chars` (raw U+0085, U+2028 or U+2029), `crlf` (ends in a carriage return),
    `not-canonical` (other bytes than stock would write for the record).
    """

    record: Record
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Type:
    """A field type: how it is read and how it is written."""

    read: Callable[[Reader], Any]
    write: Callable[[Any], str]


_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode


def _u64_text(value: int) -> str:
    if not 0 <= value <= U64_MAX:
        raise ValueError(f"not an unsigned 64-bit integer: {value}")
    return str(value)


def _stamps_text(stamps: Mapping[str, int | None]) -> str:
    items = (f"{_quoted(name)}:{'null' if at is None else _u64_text(at)}" for name, at in stamps.items())
    return f"{{{','.join(items)}}}"


_U64: Final = _Type(Reader.u64, _u64_text)
_TEXT: Final = _Type(Reader.string, _quoted)
_HASH: Final = _Type(Reader.hash_value, _quoted)
_STAMPS: Final = _Type(Reader.optional_u64_map, _stamps_text)

_LAYOUTS: Final[Mapping[type[Record], Mapping[str, _Type]]] = {
    EpochEndingRecord: {
        "first_epoch": _U64,
        "last_epoch": _U64,
        "first_version": _U64,
        "last_version": _U64,
        "manifest": _TEXT,
    },
    StateSnapshotRecord: {"epoch": _U64, "version": _U64, "manifest": _TEXT},
    TransactionRecord: {"first_version": _U64, "last_version": _U64, "manifest": _TEXT},
    IdentityRecord: {"id": _HASH},
    TimestampsRecord: {"file_compacted_at": _U64, "compaction_timestamps": _STAMPS},
}

_TAGS: Final[Mapping[type[Record], str]] = {
    EpochEndingRecord: "EpochEndingBackup",
    StateSnapshotRecord: "StateSnapshotBackup",
    TransactionRecord: "TransactionBackup",
    IdentityRecord: "Identity",
    TimestampsRecord: "CompactionTimestamps",
}

_VARIANTS: Final[Mapping[str, Struct[Record]]] = {
    tag: Struct(f"{tag}Meta", {name: type_.read for name, type_ in _LAYOUTS[kind].items()}, kind)
    for kind, tag in _TAGS.items()
}


def split_lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The lines of a metadata file with their numbers from 1, split at 0x0A only, as stock splits them.

    A final line may lack its 0x0A; nothing after the last 0x0A is no line. A carriage return stays for `parse_line`,
    which takes it off a final line without 0x0A too: stock leaves that one, a blank to it like any other.
    """
    number = start = 0
    while start < len(data):
        number += 1
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        yield number, data[start:end]
        start = end + 1


def parse_line(line: bytes) -> ParsedLine:
    """Reads one line, given without its 0x0A; one trailing carriage return is taken off, as stock does.

    Raises `LineRefused` exactly where stock fails to load the store, and for lines beyond `MAX_LINE_BYTES`.
    """
    text = line.removesuffix(b"\r")
    _check_text(text)
    reader = Reader(text)
    try:
        record = reader.enum(_VARIANTS)
    except SerdeError as error:
        raise LineRefused(_shortened(str(error)), _hazard_of(text, error)) from None
    observed = (
        ("array-form-record", reader.sequence_form),
        ("unknown-field", reader.skipped_fields),
        ("line-separator-chars", not text.isascii() and _SEPARATORS_RE.search(text)),
        ("crlf", len(text) != len(line)),
        ("not-canonical", encode_record(record)[:-1] != text),
    )
    return ParsedLine(record, tuple(note for note, is_seen in observed if is_seen))


def encode_record(record: Record) -> bytes:
    """The line that stock writes for the record, ended by 0x0A.

    Raises `ValueError` for numbers outside 0..2**64-1 and for text that isn't Unicode (lone surrogates): no line that
    stock can't read is ever made.
    """
    kind = type(record)
    fields = [f'"{name}":{type_.write(getattr(record, name))}' for name, type_ in _LAYOUTS[kind].items()]
    return f'{{"{_TAGS[kind]}":{{{",".join(fields)}}}}}\n'.encode()


def _check_text(text: bytes) -> None:
    if len(text) > MAX_LINE_BYTES:
        raise LineRefused(f"the line is {len(text):,} bytes long; more than 16 MiB are not read", "bad-json-line")
    try:
        text.decode()
    except UnicodeDecodeError:
        raise LineRefused("stream did not contain valid UTF-8", "bad-encoding") from None


def _hazard_of(text: bytes, error: SerdeError) -> str:
    if text.startswith(_BOM):
        return "bad-encoding"
    if not text.strip(b" \t\r\n"):
        return "blank-line"
    return _HAZARD_OF_FAULT[error.fault]


def _shortened(message: str) -> str:
    half = MAX_MESSAGE_CHARS // 2
    return message if len(message) <= MAX_MESSAGE_CHARS else f"{message[: half - 1]} … {message[-half + 2 :]}"
