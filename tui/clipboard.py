"""Ways to the clipboard: a tool of this machine where the operator sits at it, else the terminal itself (OSC 52).

Over ssh a tool would fill the clipboard of the wrong machine. tmux takes the sequence itself with `set-clipboard on`,
and hands it on wrapped with `allow-passthrough on`: it gets both, and neither does harm.
"""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Mapping
from typing import Final

#: Terminals and multiplexers cut or refuse longer sequences; encoded bytes.
OSC_LIMIT: Final = 74_994
#: A tool that has not taken the text by then never will.
_TOOL_SECONDS: Final = 2.0
#: Each tool as an argument list, with the variable that says that its display is there (none: it needs none).
_TOOLS: Final = (
    (("pbcopy",), None),
    (("wl-copy",), "WAYLAND_DISPLAY"),
    (("xclip", "-in", "-selection", "clipboard"), "DISPLAY"),
    (("xsel", "--input", "--clipboard"), "DISPLAY"),
)
_REMOTE: Final = ("SSH_CONNECTION", "SSH_TTY", "SSH_CLIENT")


def native_tool(environment: Mapping[str, str], which: Callable[[str], str | None]) -> tuple[str, ...] | None:
    """The command line of the tool to use, or None over ssh or where there is none."""
    if any(environment.get(name) for name in _REMOTE):
        return None
    for words, display in _TOOLS:
        if (display is None or environment.get(display)) and which(words[0]):
            return words
    return None


def run_tool(words: tuple[str, ...], text: str) -> bool:
    """Give `text` to a tool on its standard input; False if it did not take it. Waits, so call it in a thread."""
    try:
        done = subprocess.run(
            words,
            input=_encoded(text),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TOOL_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def osc_sequence(text: str, environment: Mapping[str, str]) -> str | None:
    """What to write to the terminal, or None if `text` is too long for one."""
    encoded = base64.b64encode(_encoded(text)).decode("ascii")
    if len(encoded) > OSC_LIMIT:
        return None
    sequence = f"\x1b]52;c;{encoded}\x07"
    if not environment.get("TMUX"):
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"{sequence}\x1bPtmux;{doubled}\x1b\\"


def _encoded(text: str) -> bytes:
    """UTF-8; what a name has that is no text becomes a visible escape."""
    return text.encode("utf-8", "backslashreplace")
