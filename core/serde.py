"""A JSON reader with the verdicts and the words of Rust's `serde_json`, for the few shapes that metadata lines have.

The stock tool reads each metadata line with `serde_json::from_str` (1.0, feature `arbitrary_precision`). Whether it
accepts a line, and what it says if not, decides whether a whole store opens, so this module reads the same grammar in
the same order and raises `SerdeError` with the same message, byte column included. Known differences, in words only and
never in the verdict: characters that one Unicode version shows and another escapes inside a quoted string, and a number
of more than 64 bits followed by a lone dot, on which `serde_json` versions differ among themselves.

Nothing here recurses: stock skips unknown fields without a depth limit, and its recursion limit of 128 can't be
reached by shapes that are three levels deep. So there is no limit to imitate and none to run into.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from core.serde_scanner import (
    CLOSERS,
    COLON,
    COMMA,
    EOF,
    EOF_VALUE,
    LIST,
    LIST_END,
    MAP,
    MAP_END,
    NO_VALUE,
    QUOTE,
    Fault,
    Scanner,
    SerdeError,
)

T = TypeVar("T")

_EOF_WITHIN: Final = {LIST: "EOF while parsing a list", MAP: "EOF while parsing an object"}
_COMMA_OR_END: Final = {LIST: "expected `,` or `]`", MAP: "expected `,` or `}`"}
_HASH_RE: Final = re.compile("[0-9a-fA-F]{64}")
_NO_KEY: Final = "key must be a string"
_TRAILING: Final = "trailing characters"
_TRAILING_COMMA: Final = "trailing comma"


@dataclass(frozen=True, slots=True)
class Struct(Generic[T]):
    """A Rust struct: its name, its fields in order with their readers, and what to make of their values."""

    name: str
    fields: Mapping[str, Callable[[Reader], Any]]
    make: Callable[..., T]

    @property
    def expected(self) -> str:
        """How serde names the struct when it finds something else."""
        return f"struct {self.name}"


class Reader(Scanner):
    """Reads typed values from one JSON text as serde does.

    `skipped_fields` and `sequence_form` tell, after reading, whether a struct had unknown fields or was written as an
    array: stock accepts both.
    """

    __slots__ = ("sequence_form", "skipped_fields")

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.skipped_fields = False
        self.sequence_form = False

    def optional_u64_map(self) -> dict[str, int | None]:
        """Reads a map from any strings to `optional_u64`; of a repeated key the last value counts."""
        byte = self.blanks()
        if byte != MAP:
            raise self.peek_error(EOF_VALUE) if byte == EOF else self.invalid_type("a map")
        self.pos += 1
        values: dict[str, int | None] = {}
        while (key := self._next_key(first=not values)) is not None:
            self._colon()
            values[key] = self.optional_u64()
        self._end(MAP)
        return values

    def hash_value(self) -> str:
        """Reads a string that must spell 32 bytes in hex digits of either case."""
        text = self.string()
        if not _HASH_RE.fullmatch(text):
            raise SerdeError("unable to parse HashValue", Fault.TYPE)
        return text

    def struct(self, struct: Struct[T]) -> T:
        """Reads a struct from a map (unknown fields are ignored) or from a list of its fields in order."""
        opener = self.blanks()
        if opener not in CLOSERS:
            raise self.peek_error(EOF_VALUE) if opener == EOF else self.invalid_type(struct.expected)
        self.pos += 1
        try:
            values = self._fields(struct) if opener == MAP else self._elements(struct)
        except SerdeError as error:
            if error.line:
                raise
            # serde still tries to read the closing bracket before it says where it is.
            with suppress(SerdeError):
                self._end(opener)
            raise self.error(error.words, error.fault) from None
        self._end(opener)
        return struct.make(*values)

    def enum(self, variants: Mapping[str, Struct[T]]) -> T:
        """Reads an externally tagged enum of structs, `{"Tag":STRUCT}`, as the whole text."""
        opener = self.blanks()
        if opener == QUOTE:
            self._tag(variants)
            raise SerdeError("invalid type: unit variant, expected newtype variant", Fault.TYPE)
        if opener != MAP:
            raise self.peek_error(EOF_VALUE if opener == EOF else NO_VALUE)
        self.pos += 1
        tag = self._tag(variants)
        self._colon()
        value = self.struct(variants[tag])
        closer = self.blanks()
        if closer != MAP_END:
            raise self.error(_EOF_WITHIN[MAP] if closer == EOF else NO_VALUE)
        self.pos += 1
        if self.blanks() != EOF:
            raise self.peek_error(_TRAILING)
        return value

    def _tag(self, variants: Mapping[str, Struct[T]]) -> str:
        tag = self.string("variant identifier")
        if tag not in variants:
            known = ", ".join(f"`{name}`" for name in variants)
            raise self.error(f"unknown variant `{tag}`, expected one of {known}", Fault.VARIANT)
        return tag

    def _fields(self, struct: Struct[T]) -> list[Any]:
        values: dict[str, Any] = {}
        first = True
        while (key := self._next_key(first)) is not None:
            first = False
            read = struct.fields.get(key)
            if read is None:
                self.skipped_fields = True
                self._colon()
                self._ignore_value()
                continue
            if key in values:
                raise SerdeError(f"duplicate field `{key}`", Fault.DUPLICATE)
            self._colon()
            values[key] = read(self)
        for name in struct.fields:
            if name not in values:
                raise SerdeError(f"missing field `{name}`", Fault.SYNTAX)
        return [values[name] for name in struct.fields]

    def _elements(self, struct: Struct[T]) -> list[Any]:
        self.sequence_form = True
        values: list[Any] = []
        count = len(struct.fields)
        for read in struct.fields.values():
            if not self._has_element(first=not values):
                wanted = f"{struct.expected} with {count} element{'s' if count != 1 else ''}"
                raise SerdeError(f"invalid length {len(values)}, expected {wanted}", Fault.SYNTAX)
            values.append(read(self))
        return values

    def _next_key(self, first: bool) -> str | None:
        byte = self._next_item(MAP, first)
        if byte == MAP_END:
            return None
        if byte == QUOTE:
            return self.quoted()
        raise self.peek_error(EOF_VALUE if byte == EOF else _NO_KEY)

    def _has_element(self, first: bool) -> bool:
        byte = self._next_item(LIST, first)
        if byte == EOF:
            raise self.peek_error(EOF_VALUE)
        return byte != LIST_END

    def _next_item(self, opener: int, first: bool) -> int:
        """Goes to the next item of a list or map: its first byte, the closing bracket, or `EOF` right after a comma."""
        closer = CLOSERS[opener]
        byte = self.blanks()
        if byte == closer:
            return byte
        if byte == EOF:
            raise self.peek_error(_EOF_WITHIN[opener])
        if first:
            return byte
        if byte != COMMA:
            raise self.peek_error(_COMMA_OR_END[opener])
        self.pos += 1
        byte = self.blanks()
        if byte == closer:
            raise self.peek_error(_TRAILING_COMMA)
        return byte

    def _colon(self) -> None:
        byte = self.blanks()
        if byte != COLON:
            raise self.peek_error(_EOF_WITHIN[MAP] if byte == EOF else "expected `:`")
        self.pos += 1

    def _end(self, opener: int) -> None:
        byte = self.blanks()
        if byte == CLOSERS[opener]:
            self.pos += 1
        elif byte == EOF:
            raise self.peek_error(_EOF_WITHIN[opener])
        elif byte == COMMA and opener == LIST:
            self.pos += 1
            raise self.peek_error(_TRAILING_COMMA if self.blanks() == LIST_END else _TRAILING)
        else:
            raise self.peek_error(_TRAILING_COMMA if byte == COMMA else _TRAILING)

    def _ignore_value(self) -> None:
        opened = bytearray()
        while True:
            byte = self.blanks()
            is_nested = byte in CLOSERS
            if is_nested:
                opened.append(byte)
                self.pos += 1
            else:
                self.skip_scalar(byte)
            self._ignore_ends(opened, fresh=is_nested)
            if not opened:
                return
            if opened[-1] == MAP:
                self._ignore_key()

    def _ignore_ends(self, opened: bytearray, fresh: bool) -> None:
        """Closes what ends here and goes past the comma before the next item; `fresh` right after an opening."""
        while opened:
            opener = opened[-1]
            byte = self.blanks()
            if byte == EOF:
                raise self.peek_error(_EOF_WITHIN[opener])
            if byte == CLOSERS[opener]:
                self.pos += 1
                opened.pop()
                fresh = False
                continue
            if not fresh:
                if byte != COMMA:
                    raise self.peek_error(_COMMA_OR_END[opener])
                self.pos += 1
            return

    def _ignore_key(self) -> None:
        byte = self.blanks()
        if byte != QUOTE:
            raise self.peek_error(_EOF_WITHIN[MAP] if byte == EOF else _NO_KEY)
        self.skip_string()
        self._colon()
