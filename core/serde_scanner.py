"""A cursor over one JSON text that reads strings, numbers and literals with the words of Rust's `serde_json`.

Wherever `serde_json` gives up, so does this, at the same byte and with the same words, so that a refused line can be
matched with the log of the stock tool. Nothing here recurses.
"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Final

from core.model import U64_MAX
from core.rust_text import debug_text, float_text, leading_int, scaled_float


class Fault(StrEnum):
    """What sort of thing `serde_json` objects to."""

    SYNTAX = "syntax"
    TYPE = "type"
    NUMBER = "number"
    DUPLICATE = "duplicate"
    VARIANT = "variant"


class SerdeError(Exception):
    """The text is refused: `words` as serde says them, then where; `str()` gives serde's whole message.

    `line` and `column` (in bytes) count from 1; line 0 means that serde names no place.
    """

    def __init__(self, words: str, fault: Fault, line: int = 0, column: int = 0) -> None:
        super().__init__(words)
        self.words = words
        self.fault = fault
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return f"{self.words} at line {self.line} column {self.column}" if self.line else self.words


EOF: Final = -1
QUOTE, _BACKSLASH, COMMA, COLON, _MINUS = b'"\\,:-'
LIST, LIST_END, MAP, MAP_END = b"[]{}"
CLOSERS: Final = {LIST: LIST_END, MAP: MAP_END}
_LITERALS: Final = {
    ord("n"): (b"null", "null"),
    ord("t"): (b"true", "boolean `true`"),
    ord("f"): (b"false", "boolean `false`"),
}
_DIGITS: Final = frozenset(b"0123456789")
_HEX_DIGITS: Final = frozenset(b"0123456789abcdefABCDEF")
_BLANK: Final = frozenset(b" \t\n\r")

EOF_VALUE: Final = "EOF while parsing a value"
NO_VALUE: Final = "expected value"
_NO_NUMBER: Final = "invalid number"
_EOF_STRING: Final = "EOF while parsing a string"
_NO_ESCAPE: Final = "invalid escape"
_OUT_OF_RANGE: Final = "number out of range"

_BLANKS_RE: Final = re.compile(rb"[ \t\n\r]*")
_PLAIN_STRING_RE: Final = re.compile(rb'"([^"\\\x00-\x1f]*)"')
# Runs are bounded because a repeated group keeps a record for each turn until it is done.
_KEPT_RUN_RE: Final = re.compile(
    rb'(?:[^"\\\x00-\x1f]+|\\["\\/bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4}'
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}){1,4096}"
)
_SKIPPED_RUN_RE: Final = re.compile(rb'(?:[^"\\\x00-\x1f]+|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}){1,4096}')
_SMALL_U64_RE: Final = re.compile(rb"[ \t\n\r]*(0|[1-9][0-9]{0,18})(?![0-9.eE])")
_NUMBER_RE: Final = re.compile(rb"(0|[1-9][0-9]*)(\.[0-9]*)?([eE][-+]?[0-9]*)?")
_NUMBER_LIKE_RE: Final = re.compile(rb"[ \t\n\r]*(?:[-+.0-9]|NaN|Infinity)")
_I32_MAX: Final = 2**31 - 1


class Scanner:
    """A cursor over one JSON text (UTF-8 bytes, checked by the caller); each method reads one thing or raises."""

    __slots__ = ("data", "pos", "size")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size = len(data)
        self.pos = 0

    def peek(self) -> int:
        """The byte at the cursor, or `EOF`."""
        return self.data[self.pos] if self.pos < self.size else EOF

    def _next(self) -> int:
        byte = self.peek()
        self.pos += byte != EOF
        return byte

    def blanks(self) -> int:
        """Goes past spaces, tabs, line feeds and carriage returns; the byte after them, or `EOF`."""
        byte = self.peek()
        if byte in _BLANK:
            self.pos = self._blanks_end()
            byte = self.peek()
        return byte

    def _blanks_end(self) -> int:
        match = _BLANKS_RE.match(self.data, self.pos)
        return match.end() if match else self.pos

    def error(self, words: str, fault: Fault = Fault.SYNTAX) -> SerdeError:
        """An error at what was read last."""
        return self._placed(words, fault, self.pos)

    def peek_error(self, words: str) -> SerdeError:
        """A syntax error at the byte that comes next."""
        return self._placed(words, Fault.SYNTAX, min(self.size, self.pos + 1))

    def _placed(self, words: str, fault: Fault, index: int) -> SerdeError:
        line_start = self.data.rfind(b"\n", 0, index) + 1
        return SerdeError(words, fault, self.data.count(b"\n", 0, index) + 1, index - line_start)

    def string(self, expected: str = "a string") -> str:
        """Reads a string of any content; `expected` is how serde calls what it wants here."""
        byte = self.blanks()
        if byte == QUOTE:
            return self.quoted()
        raise self.peek_error(EOF_VALUE) if byte == EOF else self.invalid_type(expected)

    def quoted(self) -> str:
        """Reads a string of which the quote is seen."""
        match = _PLAIN_STRING_RE.match(self.data, self.pos)
        if match:
            self.pos = match.end()
            return match[1].decode()
        start = self.pos
        self.pos += 1
        self._run(_KEPT_RUN_RE)
        if self.peek() != QUOTE:
            raise self._string_error(kept=True)
        self.pos += 1
        # What the run lets through is JSON to every reader alike, so the quick one may decode it.
        text: str = json.loads(self.data[start : self.pos].decode())
        return text

    def skip_string(self) -> None:
        """Goes past a string; unlike `quoted`, serde lets lone surrogates pass here."""
        self.pos += 1
        self._run(_SKIPPED_RUN_RE)
        if self.peek() != QUOTE:
            raise self._string_error(kept=False)
        self.pos += 1

    def _run(self, pattern: re.Pattern[bytes]) -> None:
        while match := pattern.match(self.data, self.pos):
            self.pos = match.end()

    def _string_error(self, *, kept: bool) -> SerdeError:
        byte = self._next()
        if byte == EOF:
            return self.error(_EOF_STRING)
        if byte == _BACKSLASH:
            return self._escape_error()
        if not kept:
            # serde counts the control character in when it keeps a string, not when it skips one.
            self.pos -= 1
        return self.error("control character (\\u0000-\\u001F) found while parsing a string")

    def _escape_error(self) -> SerdeError:
        """Why the escape right after a backslash can't be read; called only where it can't."""
        byte = self._next()
        if byte != ord("u"):
            return self.error(_EOF_STRING if byte == EOF else _NO_ESCAPE)
        unit = self._hex_escape()
        if unit < 0xDC00:
            for expected in (_BACKSLASH, ord("u")):
                byte = self._next()
                if byte != expected:
                    return self.error(_EOF_STRING if byte == EOF else "unexpected end of hex escape")
            self._hex_escape()
        return self.error("lone leading surrogate in hex escape")

    def _hex_escape(self) -> int:
        if self.pos + 4 > self.size:
            self.pos = self.size
            raise self.error(_EOF_STRING)
        digits = self.data[self.pos : self.pos + 4]
        for digit in digits:
            self.pos += 1
            if digit not in _HEX_DIGITS:
                raise self.error(_NO_ESCAPE)
        return int(digits, 16)

    def u64(self) -> int:
        """Reads an integer token from 0 to 2**64 - 1; anything else is a fault, `NUMBER` unless the text just ends."""
        match = _SMALL_U64_RE.match(self.data, self.pos)
        if match:
            self.pos = match.end()
            return int(match[1])
        start = self._blanks_end()
        try:
            return self._any_u64()
        except SerdeError as error:
            numeric = error.fault is Fault.TYPE or _NUMBER_LIKE_RE.match(self.data, start)
            if numeric and error.words != EOF_VALUE:
                error.fault = Fault.NUMBER
            raise

    def optional_u64(self) -> int | None:
        """Reads `null` or what `u64` reads."""
        if self.blanks() == ord("n"):
            self._literal(b"null")
            return None
        return self.u64()

    def _any_u64(self) -> int:
        byte = self.blanks()
        if byte == EOF:
            raise self.peek_error(EOF_VALUE)
        if byte != _MINUS and byte not in _DIGITS:
            raise self.invalid_type("u64")
        negative = byte == _MINUS
        self.pos += negative
        value = self._number_value(negative)
        if isinstance(value, float):
            raise self.error(f"invalid type: floating point `{float_text(value)}`, expected u64", Fault.TYPE)
        if negative:
            raise self.error(f"invalid value: integer `{value}`, expected u64", Fault.TYPE)
        return value

    def _number(self, at_end: str) -> tuple[bytes, bytes, bytes]:
        """Reads a number token without its sign: the digits, the fraction and the exponent, as written.

        `at_end` is what serde says when the text ends too early.
        """
        match = _NUMBER_RE.match(self.data, self.pos)
        if match is None:
            raise self._no_digit(at_end)
        digits, fraction, exponent = match.groups(default=b"")
        self.pos = match.end(1)
        if digits == b"0" and self.peek() in _DIGITS:
            raise self.peek_error(_NO_NUMBER)
        self.pos += len(fraction)
        if fraction == b".":
            raise self.peek_error(at_end if self.peek() == EOF else _NO_NUMBER)
        self.pos += len(exponent)
        if exponent and exponent[-1] not in _DIGITS:
            raise self._no_digit(at_end)
        return digits, fraction, exponent

    def _no_digit(self, at_end: str) -> SerdeError:
        return self.error(at_end if self._next() == EOF else _NO_NUMBER)

    def _number_value(self, negative: bool) -> int | float:
        """The number as serde holds it: an int that fits u64 (i64 if negative), else a float, rounded as serde does."""
        digits, fraction, exponent = self._number(at_end=EOF_VALUE)
        significand, used = leading_int(digits, U64_MAX)
        if used == len(digits) and not fraction and not exponent:
            if not negative:
                return significand
            return -significand if 0 < significand <= 2**63 else -float(significand)
        power = len(digits) - used
        significand, used = leading_int(fraction[1:], U64_MAX, significand)
        value = self._float(significand, power - used, exponent)
        return -value if negative else value

    def _float(self, significand: int, power: int, exponent: bytes) -> float:
        digits = exponent.lstrip(b"eE+-")
        shift, used = leading_int(digits, _I32_MAX)
        downward = exponent[1:2] == b"-"
        if used < len(digits):
            if downward or not significand:
                return 0.0
            self.pos -= len(digits) - used - 1
            raise self.error(_OUT_OF_RANGE)
        value = scaled_float(significand, power - shift if downward else power + shift)
        if value is None:
            raise self.error(_OUT_OF_RANGE)
        return value

    def _literal(self, literal: bytes) -> None:
        """Reads the rest of `null`, `true` or `false` of which the first byte is seen."""
        self.pos += 1
        for expected in literal[1:]:
            byte = self._next()
            if byte != expected:
                raise self.error(EOF_VALUE if byte == EOF else "expected ident")

    def skip_scalar(self, byte: int) -> None:
        """Goes past a string, literal or number that begins with `byte`; anything else is no value."""
        if byte == QUOTE:
            self.skip_string()
        elif byte in _LITERALS:
            self._literal(_LITERALS[byte][0])
        elif byte == _MINUS or byte in _DIGITS:
            self.pos += byte == _MINUS
            self._number(at_end=_NO_NUMBER)
        else:
            raise self.peek_error(EOF_VALUE if byte == EOF else NO_VALUE)

    def invalid_type(self, expected: str) -> SerdeError:
        """The error for the value that begins here where `expected` should; if it isn't a value either, says that."""
        return self.error(f"invalid type: {self._describe()}, expected {expected}", Fault.TYPE)

    def _describe(self) -> str:
        byte = self.peek()
        if byte in _LITERALS:
            literal, words = _LITERALS[byte]
            self._literal(literal)
            return words
        if byte == QUOTE:
            return f"string {debug_text(self.quoted())}"
        if byte in CLOSERS:
            return "sequence" if byte == LIST else "map"
        if byte == _MINUS or byte in _DIGITS:
            self.pos += byte == _MINUS
            return self._describe_number(negative=byte == _MINUS)
        raise self.peek_error(NO_VALUE)

    def _describe_number(self, negative: bool) -> str:
        digits, fraction, exponent = self._number(at_end=EOF_VALUE)
        value, used = leading_int(digits, 2**63 if negative else U64_MAX)
        if fraction or exponent or used < len(digits):
            return "number"
        return f"integer `{-value if negative else value}`"
