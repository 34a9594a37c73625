"""Text from a store made harmless for a terminal.

Whatever a name or a message holds, what comes out has no control character, escape sequence, direction change, lone
surrogate or invisible character: they are shown as backslash escapes (`hazards.md`, `own-terminal`). Nothing here or
behind it reads markup.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from rich.cells import cell_len, chop_cells

#: Categories whose characters draw nothing of their own, change what is around them or have no agreed width.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me", "Mc"})


def safe(text: str) -> str:
    r"""`text` with every unsafe character as a visible escape: `\x1b`, `\u202e`, `\xff` for a byte that is no UTF-8."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    category = unicodedata.category(character)
    if category not in _UNSAFE and (category != "Zs" or character == " "):
        return character
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def shorten(text: str, width: int, ellipsis: str = "…") -> str:
    """`safe(text)` in at most `width` cells: what does not fit is cut out of the middle, so both ends stay readable."""
    text = safe(text)
    if cell_len(text) <= width:
        return text
    if width <= cell_len(ellipsis):
        return fit(text, width)
    room = width - cell_len(ellipsis)
    head = fit(text, room - room // 2)
    tail = fit(text[::-1], room // 2)[::-1]
    return head + ellipsis + tail


def fit(text: str, width: int) -> str:
    """The longest beginning of `text` that takes at most `width` cells."""
    if width <= 0:
        return ""
    return text if cell_len(text) <= width else chop_cells(text, width)[0]


def cut(words: str, width: int, ellipsis: str = "…") -> str:
    """`safe(words)` in at most `width` cells, cut at the end of a word where one ends in the last third."""
    words = safe(words)
    if cell_len(words) <= width:
        return words
    head = fit(words, width - cell_len(ellipsis))
    if words[len(head)] != " ":
        whole_words = head.rpartition(" ")[0]
        head = whole_words if 3 * len(whole_words) >= 2 * len(head) else head
    return head.rstrip(" ") + fit(ellipsis, width)


def padded(text: str, width: int) -> str:
    """`text`, which is safe, with spaces behind it until it takes `width` cells; longer text stays as it is."""
    return text + " " * (width - cell_len(text))


def in_ascii(text: str) -> str:
    """`text`, which is safe, with a `?` in every cell whose character ASCII does not have."""
    if text.isascii():
        return text
    return "".join(each if each.isascii() else "?" * cell_len(each) for each in text)
