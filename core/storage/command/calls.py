"""The commands of one configuration, called by name: their parameters in the environment, their failures in words.

Nothing of the variables' values is in any of those words.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Mapping
from threading import Event
from typing import IO, Final

from core.phrases import shown
from core.storage.command.config import CommandConfig
from core.storage.command.process import (
    IDLE_SECONDS,
    MOST_PRINTED,
    CommandFailed,
    feed_command,
    last_words,
    run_command,
)


class CommandCalls:
    """Calls that can be made from several threads; `idle` are the seconds of silence after which one is given up."""

    def __init__(self, config: CommandConfig, idle: float = IDLE_SECONDS) -> None:
        self.config: Final = config
        self._idle = idle

    def run(self, name: str, parameters: Mapping[str, str], into: IO[bytes], limit: int, stop: Event) -> None:
        """Run a command and take what it prints. Raises as `run_command` does."""
        run_command(self._text(name), self._environment(parameters), into, limit, stop, self._idle)

    def ask(self, name: str, parameters: Mapping[str, str]) -> bytes:
        """What a command prints that prints little. Raises `CommandFailed`."""
        printed = io.BytesIO()
        self.run(name, parameters, printed, MOST_PRINTED, Event())
        return printed.getvalue()

    def feed(self, name: str, parameters: Mapping[str, str], content: bytes, accept: Callable[[bytes], None]) -> None:
        """Run a command that takes content, once `accept` has seen what it prints. Raises as `feed_command` does."""
        feed_command(self._text(name), self._environment(parameters), content, accept, self._idle)

    def words(self, name: str, failed: CommandFailed | OSError) -> str:
        """What became of a command."""
        if isinstance(failed, OSError):
            return f"what {name} prints can't be kept in {shown(tempfile.gettempdir())}: {failed.strerror}"
        words = last_words(self.config.without_secrets(failed.words))
        return f"{name} {failed.why}{f': {words}' if words else ''}"

    def shown(self, printed: bytes) -> str:
        """What a command printed, for reading."""
        return shown(self.config.without_secrets(printed.decode("utf-8", "surrogateescape").rstrip()))

    def _text(self, name: str) -> str:
        text: str = getattr(self.config, name)
        return text

    def _environment(self, parameters: Mapping[str, str]) -> dict[str, str]:
        return {**self.config.env_vars, **parameters}
