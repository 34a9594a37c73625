r"""Documents as JSON text that every parser takes and no terminal minds: ASCII only, no lone surrogate.

A byte of a name that is no UTF-8 (a lone surrogate in Python) becomes the visible text `\xff`, as on the screens.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

Document: TypeAlias = Mapping[str, Any]

#: `schema` in every document: the version of the contract with scripts.
SCHEMA: Final = 1
_NOT_PLAIN: Final = re.compile(r"[^\x20-\x7e]")


def json_text(document: Any) -> str:
    """One line of JSON, without a line feed. Integers keep all their digits."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text if text.isascii() and "\x7f" not in text else _NOT_PLAIN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return rf"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code <= 0xDFFF:
        return rf"\\u{code:04x}"
    return "".join(rf"\u{int.from_bytes(pair, 'big'):04x}" for pair in _utf16_units(match[0]))


def _utf16_units(character: str) -> list[bytes]:
    encoded = character.encode("utf-16-be")
    return [encoded[start : start + 2] for start in range(0, len(encoded), 2)]
