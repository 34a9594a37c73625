"""A real `seamline guard` at work in a process of its own: somebody else who holds the lease of a store."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.commands import environment


@contextmanager
def running_guard(
    store: Path, script: str, *around: str, program: Sequence[str] = ("-m", "tui.headless")
) -> Iterator[subprocess.Popen[bytes]]:
    """A guard whose command has said `on`, and is known to the journal; `around` are words that start it.

    It is waited for, or ended with its command if the test fails meanwhile.
    """
    waits = 'until [ -s "$(echo "$1"/seamline/journal/*.steps.jsonl)" ]; do sleep 0.05; done; '
    words = [sys.executable, *program, "guard", str(store), "--", "sh", "-c", waits + script, "sh", str(store)]
    with subprocess.Popen([*around, *words], env=environment(), stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == b"on\n"
            yield process
        except BaseException:
            process.terminate()
            raise
