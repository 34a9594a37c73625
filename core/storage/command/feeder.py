"""Gives a command its content so that it never takes half of it for all, whenever this process dies.

Whoever reads a pipe takes the death of its writer for the end of the content, and a cloud tool would then put half a
file under its final name. So a helper holds the pipe: it waits for the word to go on, and then hands over all of a
file. Where this process dies before it says so, the helper ends the command instead, with the pipe still open.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import ExitStack, suppress
from typing import Final

#: Its input is the content, its output the command's input, its first parameter the descriptor of what it is told: the
#: process group of the command, and then the word.
_HELPER: Final = 'read -r -u "$1" group || exit; if read -r -u "$1" go; then exec cat; fi; kill -KILL -- "-$group"'


class Feeder:
    """The helper of one command; `pipe` is what the command is to read. Raises OSError where there can be none."""

    def __init__(self, content: bytes) -> None:
        self._size = len(content)
        self._ends: set[int] = set()
        with ExitStack() as opened:
            opened.callback(self._shut_all)
            self._file = opened.enter_context(tempfile.TemporaryFile())
            self._file.write(content)
            self._file.seek(0)
            self.pipe, into = self._new_pipe()
            told, self._word = self._new_pipe()
            self._helper = subprocess.Popen(
                ["bash", "-c", _HELPER, "seamline", str(told)],
                stdin=self._file,
                stdout=into,
                stderr=subprocess.DEVNULL,
                pass_fds=(told,),
                start_new_session=True,
            )
            self._kept = opened.pop_all()
        self._shut(into)
        self._shut(told)

    @property
    def given(self) -> int:
        """Bytes that the helper has read of the content, most of which it has given to the command."""
        return os.lseek(self._file.fileno(), 0, os.SEEK_CUR)

    @property
    def left(self) -> int:
        """Bytes that the command did not take for certain, once `is_done`."""
        return 0 if self._helper.returncode == 0 else max(1, self._size - self.given)

    def started(self, group: int) -> None:
        """The command runs, in this process group, with an end of the pipe of its own."""
        self._shut(self.pipe)
        os.write(self._word, b"%d\n" % group)

    def go(self) -> None:
        """Hand the content over, all of it, whatever becomes of this process."""
        os.write(self._word, b"go\n")

    def is_done(self, seconds: float) -> bool:
        """Whether nothing more will be given, which is waited for so long."""
        with suppress(subprocess.TimeoutExpired):
            self._helper.wait(seconds)
        return self._helper.returncode is not None

    def end(self) -> None:
        """Let go of everything; who may still read the content must have been ended before."""
        if self._helper.returncode is None:
            self._helper.kill()
            self._helper.wait()
        self._kept.close()

    def _new_pipe(self) -> tuple[int, int]:
        ends = os.pipe()
        self._ends.update(ends)
        return ends

    def _shut(self, end: int) -> None:
        """Close an end of a pipe once: later its number may be somebody else's."""
        self._ends.remove(end)
        os.close(end)

    def _shut_all(self) -> None:
        for end in tuple(self._ends):
            self._shut(end)
