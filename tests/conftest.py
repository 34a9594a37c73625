"""Settings for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.memory_folders import memory_folder

# How fast a machine is at a moment proves nothing: no example fails for its time.
settings.register_profile("seamline", deadline=None)
settings.load_profile("seamline")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Long bytes are named by their length and a hash: a name is read by people."""
    if isinstance(val, bytes) and len(val) > 80:
        return f"{len(val)}-bytes-{blake2b(val, digest_size=4).hexdigest()}"
    return None


@pytest.fixture(autouse=True, scope="session")
def home_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What was seen and read of a store is kept in the home of whoever looks; tests have one of their own."""
    os.environ["XDG_STATE_HOME"] = str(tmp_path_factory.mktemp("state"))
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def folder_in_memory() -> Iterator[Path | None]:
    """Where tests whose subject is no storage keep their stores; None for the disk."""
    with memory_folder() as folder:
        yield folder
