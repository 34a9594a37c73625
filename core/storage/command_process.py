"""Runs one command of a command adapter to its end, as stock runs it, and takes what it prints.

The text given to bash is the configuration's own behind stock's prelude; whatever a store holds comes in through the
environment alone (`hazards.md`, `own-shell-values`). What is kept of a command's output is bounded, a command that goes
silent is ended, and with it all that it started (`child-left-behind`).
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event
from typing import IO, Final

from core.phrases import shown

PRELUDE: Final = "set -o nounset -o errexit -o pipefail; "
#: Seconds without a byte after which a command is given up.
IDLE_SECONDS: Final = 120.0
#: Seconds between two looks at whether to stop.
_TICK: Final = 0.25
_BLOCK: Final = 256 << 10
#: Of the messages of a command the last bytes are kept. One that never ends its complaints is ended itself.
_KEPT_MESSAGES: Final = 64 << 10
_MOST_MESSAGES: Final = 16 << 20
_SHOWN_LINES: Final = 3


class CommandFailed(Exception):
    """A command did not end as it should; `words` are what it wrote to standard error, as they are."""

    def __init__(self, why: str, words: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.words = words


class OutputTooLarge(CommandFailed):
    """A command printed more than is taken of it; it was ended."""


def last_words(words: str) -> str:
    """The end of what a command complained about, made harmless, as one line."""
    lines = [line.strip() for line in re.split(r"[\r\n]+", words)]
    return shown(" / ".join([line for line in lines if line][-_SHOWN_LINES:]))


def run_command(
    text: str, environment: Mapping[str, str], into: IO[bytes], limit: int, stop: Event, idle: float = IDLE_SECONDS
) -> None:
    """Run `bash -c` with stock's prelude and write what it prints, up to `limit` bytes, to `into`.

    Returns only when it has ended with exit code 0. Raises `CommandFailed`, also once `stop` is set, and OSError when
    `into` can't be written.
    """
    try:
        process = subprocess.Popen(
            ["bash", "-c", PRELUDE + text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandFailed(f"bash can't be run: {why}") from error
    run = _Run(process, into, limit, stop, idle)
    try:
        run.take_output()
        code = run.exit_code()
    except BaseException:
        run.end()
        raise
    finally:
        run.close()
    if code:
        ended = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise CommandFailed(ended, run.words())


@dataclass(slots=True)
class _Run:
    """A command that runs. As long as its exit code has not been asked for, its process group is its own."""

    process: subprocess.Popen[bytes]
    into: IO[bytes]
    limit: int
    stop: Event
    idle: float
    taken: int = 0
    complained: int = 0
    messages: bytearray = field(default_factory=bytearray)
    quiet: float = 0.0

    def take_output(self) -> None:
        """Read both streams until the output ends."""
        with selectors.DefaultSelector() as selector:
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            printing = True
            while printing:
                ready = selector.select(_TICK)
                self._heed(bool(ready))
                for key, _ in ready:
                    is_output = key.fileobj is self.process.stdout
                    if not self._take(key.fd, is_output=is_output):
                        selector.unregister(key.fileobj)
                        printing = printing and not is_output

    def exit_code(self) -> int:
        """How the command ended, whose output has."""
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = self.process.wait(_TICK)
                self._drain_messages()
                return code
            self._heed(self._drain_messages())

    def end(self) -> None:
        """End the command and everything that it has started."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def close(self) -> None:
        """Let go of the streams."""
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()

    def words(self) -> str:
        """What is kept of the messages."""
        return self.messages.decode("utf-8", "replace")

    def _heed(self, active: bool) -> None:
        """Time has gone by, with or without a sign of life. Raises `CommandFailed` when it is enough."""
        if self.stop.is_set():
            raise CommandFailed("was stopped", self.words())
        self.quiet = 0.0 if active else self.quiet + _TICK
        if self.quiet >= self.idle:
            raise CommandFailed(f"printed nothing for {self.idle:g} seconds and was ended", self.words())

    def _take(self, descriptor: int, *, is_output: bool) -> bool:
        """Take what is there of one stream; False at its end."""
        data = os.read(descriptor, _BLOCK)
        if not is_output:
            self._keep(data)
            return bool(data)
        self.taken += len(data)
        if self.taken > self.limit:
            raise OutputTooLarge(f"printed more than the {self.limit:,} bytes that are taken of it")
        self.into.write(data)
        return bool(data)

    def _keep(self, data: bytes) -> None:
        self.complained += len(data)
        self.messages += data
        del self.messages[:-_KEPT_MESSAGES]
        if self.complained > _MOST_MESSAGES:
            raise CommandFailed(f"complained for more than {_MOST_MESSAGES:,} bytes and was ended", self.words())

    def _drain_messages(self) -> bool:
        """Take what was complained about so far, without waiting for more; whether that was anything."""
        if self.process.stderr is None:
            return False
        before = self.complained
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stderr, selectors.EVENT_READ)
            while selector.select(0) and self._take(self.process.stderr.fileno(), is_output=False):
                if self.stop.is_set():
                    break
        return self.complained > before
