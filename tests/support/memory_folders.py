"""Folders for tests of commands and screens: on a file system without a disk beneath it, where there is one.

Whoever changes a store waits for the disk after every file, which is most of the time such a test takes. The calls
are the same ones; that they are right on a disk is shown by the tests of the storages, of the lease and of crashes,
which stay on one. With `SEAMLINE_SOAK` set nothing is in memory.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest

from tests.support.soaking import SOAKED

MEMORY: Final = Path("/dev/shm")
#: Free bytes below which the tests leave it alone: containers often have next to nothing there.
ROOMY: Final = 4 * 2**30
_PREFIX: Final = "seamline-tests-"


@contextmanager
def memory_folder() -> Iterator[Path | None]:
    """A new folder in memory for the length of a test session; None where there is no room for one."""
    if SOAKED or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOMY:
        yield None
        return
    _remove_left_ones()
    folder = MEMORY / f"{_PREFIX}{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _remove_left_ones() -> None:
    """What sessions left that were killed: memory is too dear to keep them."""
    for folder in MEMORY.glob(f"{_PREFIX}*"):
        if not Path(f"/proc/{folder.name.removeprefix(_PREFIX)}").exists():
            shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def tmp_path(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, folder_in_memory: Path | None
) -> Iterator[Path]:
    """A folder of the test's own, in memory where that can be, under the name that pytest gives it: some show it."""
    name = re.sub(r"\W", "_", request.node.name)[:30]
    if folder_in_memory is None:
        yield tmp_path_factory.mktemp(name)
        return
    with TemporaryDirectory(dir=folder_in_memory) as around:
        folder = Path(around) / f"{name}0"
        folder.mkdir()
        yield folder
