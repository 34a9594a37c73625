"""The demo stores, built once for all tests of the commands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from core.demo import SCENARIOS, build_demo_store
from tests.support.memory_folders import tmp_path

__all__ = ["tmp_path"]


@pytest.fixture(scope="session")
def demo_stores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one sample store for each scenario, under its name. Never changed by a test."""
    folder = tmp_path_factory.mktemp("demo")
    for name in SCENARIOS:
        build_demo_store(name, folder / name)
    return folder


@pytest.fixture(autouse=True)
def plain_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing outside decides on the store, the width or the colours, and no home is touched."""
    for name in ("SEAMLINE_STORE", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def copy_of(demo_stores: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Makes a copy of a sample store that may be changed."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(demo_stores / name, tmp_path / name))

    return copy
