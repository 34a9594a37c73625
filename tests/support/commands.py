"""Runs `seamline` as a script would: in this process with a clock of the test's own, or as a real process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.host import FixedHost, Machine
from tui.headless.main import run

ROOT = Path(__file__).parent.parent.parent
GOLDENS = ROOT / "tests" / "goldens" / "headless"
#: A year after the demo stores were written, unix seconds.
LATER = 1_800_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind; `seconds` from the last thing that was typed to its end, where that is known."""

    code: int
    out: str
    err: str
    seconds: float = 0

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document that stdout holds; fails for anything more or less."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def seamline(*arguments: str | Path, now: float = LATER, machine: Machine | None = None) -> Outcome:
    """Run a command line in this process, its output piped, at a fixed moment, or on a machine of the test's own."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run([str(each) for each in arguments], machine or FixedHost(now))
    return Outcome(code, out.getvalue(), err.getvalue())


def environment(**variables: str) -> dict[str, str]:
    """What a child process sees: the project on its path, and nothing that colours, widens or slows it."""
    kept = {name: value for name, value in os.environ.items() if name not in _MEDDLERS}
    return kept | {"PYTHONPATH": str(ROOT)} | variables


_MEDDLERS = frozenset(
    {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "SEAMLINE_STORE", "PYTHONDONTWRITEBYTECODE"}
)


def command(*arguments: str | Path) -> list[str]:
    """The words that start `seamline` as a process of its own."""
    return [sys.executable, "-m", "tui.headless", *map(str, arguments)]


def seamline_process(*arguments: str | Path, **variables: str) -> Outcome:
    """Run a command line as a process of its own, with its output piped."""
    done = subprocess.run(
        command(*arguments), env=environment(**variables), capture_output=True, stdin=subprocess.DEVNULL, check=False
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def imported(arguments: Sequence[str]) -> set[str]:
    """The top-level modules that a process has imported after a command line."""
    program = (
        "import sys\nfrom tui.headless.main import run\n"
        f"run({list(arguments)!r})\n"
        "sys.stderr.write('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    return set(done.stderr.splitlines()[-1].split())


def assert_golden(name: str, text: str) -> None:
    """Compare with `tests/goldens/headless/NAME.txt`; `SEAMLINE_UPDATE_GOLDENS=1` writes it anew."""
    golden = GOLDENS / f"{name}.txt"
    if os.environ.get("SEAMLINE_UPDATE_GOLDENS"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8"), f"{golden.name} differs; SEAMLINE_UPDATE_GOLDENS=1 rewrites it"
