"""What a terminal can do and what the locale lets it show, and the one line on it that says how far a command is.

`TERM` and the first that is set of `LC_ALL`, `LC_CTYPE` and `LANG` tell. Where none of those three is set, it is taken
for a terminal of today: UTF-8.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Final, TextIO

#: Such a terminal prints line after line, and can't go back.
_DUMB: Final = frozenset({"dumb", "unknown"})
#: The console of a Linux machine has a font of 256 or 512 characters.
_FEW_CHARACTERS: Final = _DUMB | {"linux"}
_C: Final = frozenset({"C", "POSIX"})
#: What Python itself puts into `LC_CTYPE` where the locale was C (PEP 538).
_OF_PYTHON: Final = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})
_ASCII: Final = {"…": "~", "→": ">", "·": "-"}
_CLEAR_LINE: Final = "\r\x1b[2K"
#: Percent between two lines about progress where each one stays.
_SLOWLY: Final = 10


def is_dumb(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal understands no control sequences."""
    return environment.get("TERM", "") in _DUMB


def is_ascii_only(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether only ASCII is sure to be seen where `stream` ends."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if not encoding.lower().replace("-", "").startswith("utf"):
        return True
    if stream is not None and stream.isatty() and environment.get("TERM", "") in _FEW_CHARACTERS:
        return True
    return not _is_utf8(environment)


def _is_utf8(environment: Mapping[str, str]) -> bool:
    everything, characters, language = (environment.get(name, "") for name in ("LC_ALL", "LC_CTYPE", "LANG"))
    if not everything and characters in _OF_PYTHON and language in _C:
        return False
    locale = everything or characters or language
    return not locale or "utf" in locale.lower()


def shown_on(stream: TextIO | None, text: str) -> str:
    """`text` with nothing in it that can't be seen on `stream`: our own signs in ASCII, others as escapes."""
    if text.isascii() or not is_ascii_only(stream):
        return text
    ours = "".join(_ASCII.get(character, character) for character in text)
    return ours.encode("ascii", "backslashreplace").decode("ascii")


def on_terminal() -> bool:
    """Whether somebody sees what is put on stderr."""
    return sys.stderr is not None and sys.stderr.isatty()


def percent(done: int, total: int) -> int:
    """How far it is, in steps that are worth telling: hundredths, or tenths where every line stays."""
    hundredths = 100 * done // max(1, total)
    return hundredths // _SLOWLY * _SLOWLY if is_dumb() else hundredths


def status_line(text: str) -> str:
    """What puts `text`, if there is any, in the place of the line before; on a dumb terminal behind it."""
    if is_dumb():
        return f"{text}\n" if text else ""
    return _CLEAR_LINE + text
