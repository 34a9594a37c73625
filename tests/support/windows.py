"""A program in a real terminal: tmux shows it, keys go in, the screen is read back as an operator sees it."""

from __future__ import annotations

import os
import re
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.support.commands import environment

#: A busy machine is slow; what never comes is missed all the same.
DEADLINE_SECONDS = 60
#: What an app sets on a terminal: another screen, mouse, pasting in brackets, reports of focus; and hides, the cursor.
_SET: Final = ("1049", "1000", "1003", "1006", "1016", "2004", "1004")
_UNSET: Final = ("25", "7")


class Terminal:
    """A tmux window of its own server with one program in it; waits on the program's output, never on the clock."""

    def __init__(self, folder: Path, command: list[str], size: tuple[int, int], **variables: str) -> None:
        self._socket = folder / "tmux"
        self._pipe = folder / "output"
        self._status, self._pid, self._stty = folder / "status", folder / "pid", folder / "stty"
        self._variables = variables
        self._written = b""
        os.mkfifo(self._pipe)
        self._reader = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK)
        width, height = map(str, size)
        started = shlex.join(["sh", "-c", f'echo $$ > {shlex.quote(str(self._pid))}; exec "$@"', "sh", *command])
        # The shell writes the status down: tmux now and then never hears of a child's end.
        after = f"stty -a > {shlex.quote(str(self._stty))}; echo $code > {shlex.quote(str(self._status))}"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", width, "-y", height, "cat")
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("pipe-pane", "-O", f"exec cat > {shlex.quote(str(self._pipe))}")
        self._tmux("respawn-pane", "-k", f"{started}; code=$?; {after}")

    def _tmux(self, *words: str) -> str:
        # The test runner's LINES and COLUMNS would win over the size of the window.
        surroundings = environment(**self._variables)
        done = subprocess.run(
            ["tmux", "-S", self._socket, *words], env=surroundings, capture_output=True, text=True, check=True
        )
        return done.stdout

    def press(self, *keys: str) -> None:
        """Send keys, by tmux's names."""
        self._tmux("send-keys", *keys)

    def resize(self, width: int, height: int) -> None:
        """Give the window another size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        """What stands on the screen now."""
        return self._tmux("capture-pane", "-p")

    def lines(self) -> str:
        """What stands there with all that has scrolled away, a line that the terminal broke being one."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-")

    def colours(self) -> str:
        """The same with the sequences that colour it."""
        return self._tmux("capture-pane", "-p", "-e")

    @property
    def pid(self) -> int:
        """The number of the program's process."""
        return int(self._pid.read_text())

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal."""
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """Take the terminal away, as a connection that breaks does."""
        self._tmux("kill-server")

    def ended(self) -> str:
        """The exit status of the program, empty while it runs."""
        return self._status.read_text().strip() if self._status.exists() else ""

    def is_given_back(self) -> bool:
        """Whether the terminal is as a shell wants it: all that an app sets is unset, lines are read and echoed."""
        set_, unset = map(self._last, _SET), map(self._last, _UNSET)
        settings = self._stty.read_text().split() if self._stty.exists() else []
        pushed = len(re.findall(rb"\x1b\[>[0-9]+u", self._written))
        popped = self._written.count(b"\x1b[<u")
        lines = {"icanon", "echo", "isig", "icrnl"} <= set(settings)
        return lines and pushed <= popped and "h" not in set_ and "l" not in unset

    def _last(self, mode: str) -> str:
        """How a mode of the terminal was left: h for set, l for unset; empty where it was never touched."""
        return (["", *re.findall(rf"\x1b\[\?{mode}([hl])", self._written.decode("latin-1"))])[-1]

    def written(self) -> bytes:
        """All that the program has written to the terminal, as far as anybody waited for it."""
        return self._written

    def wait_for(self, holds: Callable[[], bool], what: str) -> str:
        """Look again after every piece of output until `holds`; returns the screen."""
        deadline = time.monotonic() + DEADLINE_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            while not holds():
                assert time.monotonic() < deadline, f"never saw {what!r} on:\n{self.screen()}"
                if selector.select(timeout=0.5):
                    self._written += os.read(self._reader, 1 << 16)
        return self.screen()

    def wait_for_text(self, *texts: str) -> str:
        """Wait until all `texts` stand on the screen; returns it."""
        return self.wait_for(lambda: all(text in self.screen() for text in texts), " and ".join(texts))

    def close(self) -> None:
        """End the server and all in it."""
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)
        os.close(self._reader)
