"""Runs one command of a command adapter to its end, as stock runs it, and takes what it prints.

The text given to bash is the configuration's own behind stock's prelude; whatever a store holds comes in through the
environment alone (`hazards.md`, `own-shell-values`). What is kept of a command's output is bounded, a command that goes
silent is ended, and with it all that it started (`child-left-behind`). A command that takes content prints its handle
first, and closes its output, before it is given any (`adapter-stdout-open`).
"""

from __future__ import annotations

import io
import os
import re
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event
from typing import IO, Final

from core.phrases import shown
from core.storage.command.feeder import Feeder

PRELUDE: Final = "set -o nounset -o errexit -o pipefail; "
#: Seconds without a byte after which a command is given up.
IDLE_SECONDS: Final = 120.0
#: Seconds between two looks at whether to stop.
_TICK: Final = 0.25
#: Seconds for which a command that misprinted its handle is given to fail by itself.
_GRACE: Final = 0.5
_BLOCK: Final = 256 << 10
#: Of the messages of a command the last bytes are kept. One that never ends its complaints is ended itself.
_KEPT_MESSAGES: Final = 64 << 10
_MOST_MESSAGES: Final = 16 << 20
_SHOWN_LINES: Final = 3
#: Bytes of what a command may print that prints a handle, or nothing of interest.
MOST_PRINTED: Final = 64 << 10
_STDOUT_OPEN: Final = (
    "did not close its standard output (adapter-stdout-open; it needs `exec 1>&-` between the line that prints the "
    "handle and the one that reads the content)"
)

#: The commands that run. One that has ended, and whose number may be another's, is none of them: see `_Run.end`.
_AT_WORK: Final[set[subprocess.Popen[bytes]]] = set()


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

    def take_output(left: Event) -> None:
        with _running(text, environment, into, limit, (stop, left), idle) as run:
            run.take_output()

    _uninterrupted(take_output)


def feed_command(
    text: str, environment: Mapping[str, str], content: bytes, accept: Callable[[bytes], None], idle: float
) -> None:
    """Run a command that prints a handle, closes its output, and then takes `content` on its standard input.

    `accept` is given what it printed; what that raises ends the command before it was given anything. Returns only when
    it has taken all of the content and ended with exit code 0. Raises `CommandFailed`.
    """
    _uninterrupted(lambda left: _feed(text, environment, content, accept, idle, left))


def _feed(
    text: str, environment: Mapping[str, str], content: bytes, accept: Callable[[bytes], None], idle: float, left: Event
) -> None:
    printed = io.BytesIO()
    feeder = _feeder(content)
    try:
        with _running(text, environment, printed, MOST_PRINTED, (left,), idle, stdin=feeder.pipe) as run:
            feeder.started(run.process.pid)
            run.silence = _STDOUT_OPEN
            run.take_output()
            try:
                accept(printed.getvalue())
            except Exception:
                # One that has failed has better words for it.
                run.require_going_on()
                raise
            run.silence = "took nothing of its content"
            feeder.go()
            run.wait_for(feeder)
            run.silence = "was given its content, and said nothing"
    except OSError as error:
        raise CommandFailed(f"can't be given its content: {error.strerror}") from error
    finally:
        feeder.end()


def _feeder(content: bytes) -> Feeder:
    try:
        return Feeder(content)
    except FileNotFoundError as error:
        raise CommandFailed(f"bash can't be run: {error.strerror}") from error
    except OSError as error:
        raise CommandFailed(f"can't be given its content: {error.strerror}") from error


def _uninterrupted(run: Callable[[Event], None]) -> None:
    """Run a command where no signal comes in between; who waits for it and is interrupted has ended it, by its event.

    Python hears signals in its main thread alone, there at any step: also at the one between a command that has started
    and the first line that knows of it.
    """
    left = Event()
    if threading.current_thread() is not threading.main_thread():
        run(left)
        return
    thread = ThreadPoolExecutor(1, thread_name_prefix="command")
    try:
        thread.submit(run, left).result()
    finally:
        left.set()
        thread.shutdown()


@contextmanager
def _running(
    text: str,
    environment: Mapping[str, str],
    into: IO[bytes],
    limit: int,
    stops: tuple[Event, ...],
    idle: float,
    stdin: int = subprocess.DEVNULL,
) -> Iterator[_Run]:
    """A command for the length of a block, and until it ends well after that; whatever is raised ends it."""
    try:
        process = subprocess.Popen(
            ["bash", "-c", PRELUDE + text],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandFailed(f"bash can't be run: {why}") from error
    run = _Run(process, into, limit, stops, idle)
    _AT_WORK.add(process)
    try:
        yield run
        code = run.exit_code()
    except BaseException:
        run.end()
        raise
    finally:
        _AT_WORK.discard(process)
        run.close()
    if code:
        raise CommandFailed(_ended(code), run.words())
    if run.left:
        raise CommandFailed("ended well without having taken all of its content", run.words())


def end_all() -> None:
    """End every command of this process that still runs, for whoever ends without waiting for the threads that do."""
    for process in tuple(_AT_WORK):
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


@dataclass(slots=True)
class _Run:
    """A command that runs. As long as its exit code has not been asked for, its process group is its own."""

    process: subprocess.Popen[bytes]
    into: IO[bytes]
    limit: int
    stops: tuple[Event, ...]
    idle: float
    taken: int = 0
    complained: int = 0
    messages: bytearray = field(default_factory=bytearray)
    quiet: float = 0.0
    silence: str = "printed nothing"
    left: int = 0

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

    def wait_for(self, feeder: Feeder) -> None:
        """Wait until all of the content was given; `left` counts the bytes that the command did not take."""
        self.quiet, given = 0.0, 0
        while not feeder.is_done(_TICK):
            before, given = given, feeder.given
            self._heed(self._drain_messages() or given != before)
        self.left = feeder.left

    def require_going_on(self) -> None:
        """Raises `CommandFailed` for a command that ends with a failure just now."""
        with suppress(subprocess.TimeoutExpired):
            code = self.process.wait(_GRACE)
            self._drain_messages()
            if code:
                raise CommandFailed(_ended(code), self.words())

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

    def _is_stopped(self) -> bool:
        return any(stop.is_set() for stop in self.stops)

    def _heed(self, active: bool) -> None:
        """Time has gone by, with or without a sign of life. Raises `CommandFailed` when it is enough."""
        if self._is_stopped():
            raise CommandFailed("was stopped", self.words())
        self.quiet = 0.0 if active else self.quiet + _TICK
        if self.quiet >= self.idle:
            raise CommandFailed(f"{self.silence} for {self.idle:g} seconds and was ended", self.words())

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
                if self._is_stopped():
                    break
        return self.complained > before
