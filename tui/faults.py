"""A fault of the program itself: it is told in one line, its trace is kept in a file, and the app goes on.

Textual ends an app for any exception that nobody caught, and a widget whose handler raised one hears no more messages.
`KeepsGoing` is for everything that has code of ours: what a handler raises is told, and the next message is heard.
"""

from __future__ import annotations

import platform
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, cast

from textual import events
from textual._context import active_message_pump
from textual.app import App
from textual.css.query import NoMatches
from textual.dom import DOMNode
from textual.message import Message
from textual.message_pump import MessagePump

from core.private_files import replace_file

#: Of the traces the newest bytes are kept.
_MOST_BYTES: Final = 256 << 10
#: So many faults without a key or a click between them are borne on one screen.
_BORNE: Final = 2


class KeepsGoing(MessagePump):
    """Hears the next message, whatever became of this one."""

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            half_made = isinstance(message, events.Compose | events.Mount)
            cast("FaultyApp", self.app).tell_fault(error, half_made=half_made)

    def call_after_refresh(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """As in Textual, unless this is closed before: whatever screen is in front then would call it all the same."""
        return super().call_after_refresh(self._unless_leaving, partial(callback, *args, **kwargs))

    def _unless_leaving(self, callback: Callable[[], Any]) -> Any:
        return None if _is_leaving(self) else callback()


class FaultyApp(KeepsGoing, App[None]):
    """An app that outlives its faults: a screen that keeps failing goes, and only the last one takes the app along."""

    def __init__(self, fault_log: Path | None) -> None:
        super().__init__()
        self._fault_log = fault_log
        self._borne = 0
        self._first = ""

    def say(self, words: str) -> None:
        """Tell the operator something in one line."""
        raise NotImplementedError

    def end(self, cause: str, *, by_fault: bool = False) -> None:
        """End in order, for a cause which is not the operator's key."""
        raise NotImplementedError

    def keep_fault(self, error: BaseException) -> str:
        """Keep the trace of a fault; the answer asks the operator to report it."""
        front = type(self.screen_stack[-1]).__name__ if self.screen_stack else "no screen"
        path = self._fault_log
        return f"report it: {_short(path)}" if path and _kept(error, f"on {front}", path) else "report it"

    def tell_fault(self, error: Exception, *, half_made: bool = False) -> None:
        """Tell it in one line. What keeps failing, or stays `half_made`, goes; where nothing is left, the app ends.

        Of several without a key or a click between them the first is told: the others mostly come of it.
        """
        if isinstance(error, NoMatches) and _is_leaving(active_message_pump.get(None)):
            return
        if self._exception is None:
            # Who tests the app hears of it at the end.
            self._exception = error
            self._exception_event.set()
        words = f"fault in seamline: {named(error)}; {self.keep_fault(error)}"
        if self._exit:
            return
        words = self._first = self._first if self._borne else words
        self._borne += 1
        bearable = not half_made and self._borne <= _BORNE
        if bearable and self._said(words):
            return
        while len(self.screen_stack) > 2:
            self.pop_screen()
            self._borne = 1
            if self._said(words):
                return
        self.end(words, by_fault=True)

    def _said(self, words: str) -> bool:
        try:
            self.say(words)
        except Exception as error:
            self.keep_fault(error)
            return False
        return True

    def _handle_exception(self, error: Exception) -> None:
        """Where Textual brings what nobody caught."""
        self.tell_fault(error)

    async def _dispatch_message(self, message: Message) -> None:
        if isinstance(message, events.Key | events.MouseDown):
            self._borne = 0
        await super()._dispatch_message(message)


def _is_leaving(pump: MessagePump | None) -> bool:
    """Whether it is a part of a screen that is being closed: what it still hears finds no widgets any more."""
    nodes = pump.ancestors_with_self if isinstance(pump, DOMNode) else ()
    return any(node._pruning or node._closing or node._closed for node in nodes)


def named(error: BaseException) -> str:
    """What was raised, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())


def _kept(error: BaseException, where: str, path: Path) -> bool:
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    versions = f"seamline {version('seamline')}, textual {version('textual')}, Python {platform.python_version()}"
    trace = "".join(traceback.format_exception(error))
    entry = f"{moment} {versions}, {where}\n{trace}\n".encode("utf-8", "backslashreplace")
    try:
        before = path.read_bytes()
    except OSError:
        before = b""
    return replace_file(path, (before + entry)[-_MOST_BYTES:])


def _short(path: Path) -> str:
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (ValueError, RuntimeError):
        return str(path)
