"""Numbers and strings as Rust programs read and show them, where that differs from Python."""

from __future__ import annotations

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

_NOT_PLAIN_RE: Final = re.compile(r"[^ !#-\[\]-~]")
_DEBUG_ESCAPES: Final = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
_POW10: Final = tuple(float(f"1e{n}") for n in range(309))


def leading_int(digits: bytes, limit: int, value: int = 0) -> tuple[int, int]:
    """Appends digits to `value` as long as it stays within `limit`: the value, and how many digits were used."""
    for used, digit in enumerate(digits):
        longer = value * 10 + digit - ord("0")
        if longer > limit:
            return value, used
        value = longer
    return value, len(digits)


def scaled_float(significand: int, power: int) -> float | None:
    """`significand` times ten to `power` in serde's own steps, which round more than once; `None` beyond a float."""
    value = float(significand)
    while power < -308 and value:
        value /= 1e308
        power += 308
    if abs(power) > 308:
        return 0.0 if not value else None
    value = value * _POW10[power] if power >= 0 else value / _POW10[-power]
    return None if value == float("inf") else value


def float_text(value: float) -> str:
    """A float as Rust displays it: shortest digits (of two that are as near, the greater), no exponent, no `.0`."""
    shortest = Decimal(value).quantize(Decimal(repr(value)), rounding=ROUND_HALF_UP)
    return format(shortest, "f").removesuffix(".0")


def debug_text(text: str) -> str:
    """A string as Rust's `{:?}` shows it."""
    return f'"{_NOT_PLAIN_RE.sub(_debug_char, text)}"'


def _debug_char(match: re.Match[str]) -> str:
    char = match[0]
    if char in _DEBUG_ESCAPES:
        return _DEBUG_ESCAPES[char]
    if char.isprintable() and unicodedata.category(char) not in ("Mn", "Me"):
        return char
    return f"\\u{{{ord(char):x}}}"
