"""Talks to a program on a terminal of its own, as an operator would."""

from __future__ import annotations

import os
import pty
import select
import time
from collections.abc import Sequence

from tests.support.commands import Outcome, environment

_PATIENCE = 60


def converse(words: Sequence[str], answers: Sequence[tuple[str, str]], **variables: str) -> Outcome:
    """Run a program; after each text that is seen, type what belongs to it. `err` stays empty."""
    variables = environment(**{"TERM": "xterm-256color", "COLUMNS": "200", "PAGER": "", **variables})
    pid, leader = pty.fork()
    if pid == 0:
        os.execvpe(words[0], list(words), variables)
    seen, left, typed = "", list(answers), time.monotonic()
    while data := _read(leader):
        seen += data
        if left and left[0][0] in seen:
            os.write(leader, left.pop(0)[1].encode())
            typed = time.monotonic()
    os.close(leader)
    _, status = os.waitpid(pid, 0)
    assert not left, f"never seen: {left[0][0]!r} in {seen!r}"
    return Outcome(os.waitstatus_to_exitcode(status), seen.replace("\r\n", "\n"), "", time.monotonic() - typed)


def _read(leader: int) -> str:
    ready, _, _ = select.select([leader], [], [], _PATIENCE)
    try:
        return os.read(leader, 65_536).decode(errors="replace") if ready else ""
    except OSError:
        return ""
