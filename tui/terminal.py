"""The terminal under the app: one that goes away ends the app in order, and it is given back whatever happens.

Textual's own driver takes an error of the terminal for a fault of the app, and its writer dies of one: whoever draws
next then waits for ever.
"""

from __future__ import annotations

import os
import termios
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, Final

from textual.drivers.linux_driver import LinuxDriver

if TYPE_CHECKING:
    from tui.app import SeamlineApp

#: Ends what Textual began, in its order: drawing at once, bracketed paste, no wrapping, reports of the size, of the
#: mouse and of the focus, kitty's keys, the other screen, the hidden cursor.
_GIVEN_BACK: Final = (
    "\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?2048l\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[?1016l\x1b[?1004l"
    "\x1b[<u\x1b[?1049l\x1b[0m\x1b[?25h"
)


class _Forgiving:
    """A stream to a terminal that may be gone: then it takes what is written without a word."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write it, if there is a terminal."""
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Flush it, if there is a terminal."""
        with suppress(OSError, ValueError):
            self._stream.flush()

    def fileno(self) -> int:
        """The descriptor of the stream."""
        return self._stream.fileno()


class Terminal(LinuxDriver):
    """Textual's driver on a terminal that may go away."""

    def __init__(self, app: SeamlineApp, **settings: Any) -> None:
        super().__init__(app, **settings)
        self._seamline = app
        self._file: Any = _Forgiving(self._file)

    def _run_input_thread(self) -> None:
        while not self.exit_event.is_set():
            try:
                self.run_input_thread()
            except OSError:
                self._seamline.call_later(self._seamline.end, "the terminal is gone")
                return
            except Exception as error:
                self._seamline.call_later(self._seamline.tell_fault, error)

    def _disable_mouse_support(self) -> None:
        super()._disable_mouse_support()
        if self._mouse_pixels:
            self.write("\x1b[?1016l")

    def hung_up(self) -> None:
        """No key will come any more: stop looking for one, which never waits on a terminal that is gone."""
        self.exit_event.set()

    def stop_application_mode(self) -> None:
        """Give the terminal back, also one that only was said to be gone."""
        self.exit_event.clear()
        super().stop_application_mode()

    def give_back(self, words: str) -> None:
        """Restore the terminal and write `words` on it, at once and in whatever state the app is.

        What still waits to be drawn, or is stuck in being drawn, is not: the process is to end right behind this.
        """
        if self._writer_thread is None:
            with suppress(OSError):
                os.write(self._file.fileno(), words.encode())
            return
        if self.attrs_before is not None:
            with suppress(termios.error):
                termios.tcsetattr(self.fileno, termios.TCSANOW, self.attrs_before)
        with suppress(OSError):
            # Another description of the same terminal: it does not wait for one that takes nothing.
            terminal = os.open(os.ttyname(self._file.fileno()), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK)
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())
            os.write(terminal, (_GIVEN_BACK + words.replace("\n", "\r\n")).encode())
