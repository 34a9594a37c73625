"""Words and numbers of findings: hostile names made harmless, thousands separated, commands quoted for a shell."""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from core.model import LaneKind, end_of

_MOST_CHARS: Final = 100
_SAFE_FOR_PASTE_RE: Final = re.compile(r"[\x20-\x7e]*")
#: Controls, formats (bidi and zero-width characters), lone surrogates, private use, line and paragraph separators.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NAMES: Final = {
    LaneKind.TRANSACTIONS: ("transaction entry", "transaction entries"),
    LaneKind.EPOCH_ENDINGS: ("epoch ending entry", "epoch ending entries"),
    LaneKind.STATE_SNAPSHOTS: ("state snapshot", "state snapshots"),
}


def shown(text: str) -> str:
    """Text of a store for reading: nothing in it moves a cursor or hides, and it is not too long."""
    if len(text) > 2 * _MOST_CHARS:
        # Of a text of megabytes only the ends are looked at.
        text = text[:_MOST_CHARS] + text[-_MOST_CHARS:]
    plain = text if text.isascii() and text.isprintable() else "".join(map(_visible, text))
    half = _MOST_CHARS // 2
    return plain if len(plain) <= _MOST_CHARS else f"{plain[: half - 1]}…{plain[-half:]}"


def _visible(char: str) -> str:
    if char.isascii() and char.isprintable():
        return char
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return f"\\u{{{ord(char):x}}}" if unicodedata.category(char) in _HIDDEN else char


def quoted(text: str) -> str:
    """Text as one word for a POSIX shell (bash, zsh); what is not printable ASCII is spelled out byte by byte."""
    if _SAFE_FOR_PASTE_RE.fullmatch(text):
        return shlex.quote(text)
    data = text.encode("utf-8", "surrogateescape")
    return "$'" + "".join(_shell_byte(byte) for byte in data) + "'"


def _shell_byte(byte: int) -> str:
    char = chr(byte)
    return char if 0x20 <= byte < 0x7F and char not in "'\\" else f"\\x{byte:02x}"


def command(*words: str | int) -> str:
    """A command ready to paste; every word is quoted."""
    return " ".join(quoted(str(word)) for word in words)


def count(number: int, one: str, many: str | None = None) -> str:
    """A number of things in words: `1 file`, `1,200 files`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def duration(seconds: int) -> str:
    """A length of time in its greatest whole unit: `5 seconds`, `90 minutes`, `36 hours`, `259 days`."""
    units = ((172_800, 86_400, "day"), (7_200, 3_600, "hour"), (120, 60, "minute"))
    length, unit = next(((length, unit) for least, length, unit in units if seconds >= least), (1, "second"))
    return count(seconds // length, unit)


def moment(at: float, *, seconds: bool = True) -> str:
    """Unix seconds as `2026-05-02 04:11:07Z`, or `2026-05-02 04:11Z`; what lies beyond the calendar stays a number."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ" if seconds else "%Y-%m-%d %H:%MZ")
    except (OverflowError, ValueError, OSError):
        return f"{at:,} s" if isinstance(at, int) else f"{at:.0f} s"


def entries(number: int, kind: LaneKind) -> str:
    """A number of entries of a lane in words."""
    return count(number, *_NAMES[kind])


def span(kind: LaneKind, first: int, last: int) -> str:
    """A closed range in words: `versions 1,000 to 1,999`, `epoch 7`."""
    unit = kind.unit
    return f"{unit} {first:,}" if first == last else f"{unit}s {first:,} to {last:,}"


def size(kind: LaneKind, first: int, last: int) -> str:
    """How much a closed range holds: `1,000 versions`."""
    return count(end_of(last) - first, kind.unit)


def listed(texts: Sequence[str], total: int | None = None, most: int = 3) -> str:
    """The first few texts, and how many more there are (of `total`, where `texts` is only a part)."""
    rest = (len(texts) if total is None else total) - min(most, len(texts))
    head = ", ".join(texts[:most])
    return f"{head} and {rest:,} more" if rest > 0 else head
