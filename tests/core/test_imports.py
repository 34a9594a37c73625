"""What importing a part of the engine brings with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "core").rglob("*.py")
)


def imported_by(*modules: str) -> set[str]:
    """The top-level names of all modules that are there after importing `modules` in a fresh process."""
    script = f"import {', '.join(modules)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    return set(run.stdout.split())


def test_no_part_of_the_engine_imports_anything_that_faces_a_terminal() -> None:
    assert len(MODULES) > 15
    assert not imported_by(*MODULES) & {"textual", "rich", "click", "tui"}


@pytest.mark.parametrize("module", ["core.model", "core.codec", "core.names", "core.errors", "core.storage"])
def test_reading_lines_and_names_needs_no_numpy(module: str) -> None:
    assert "numpy" not in imported_by(module)
