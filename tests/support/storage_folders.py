"""Folders for storage tests: on this or another file system, with less room, fewer rights or an older kernel."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from core.storage.local import moves as local_moves

ROOT: Final = Path(__file__).parents[2]
_OTHER_PLACES: Final = ("/dev/shm", os.environ.get("XDG_RUNTIME_DIR", ""), "/run", "/var/tmp", "/tmp")


def new_store(folder: Path) -> Path:
    """The least that is a store."""
    (folder / "metadata").mkdir(parents=True)
    return folder


def names_in(folder: Path) -> list[str]:
    """All names of a folder, hidden ones too; none if it is not there."""
    return sorted(child.name for child in folder.iterdir()) if folder.exists() else []


@contextmanager
def folder_elsewhere(beside: Path) -> Iterator[Path]:
    """A new folder on another file system than `beside`; skips where there is none to write to."""
    device = beside.stat().st_dev
    for place in filter(None, _OTHER_PLACES):
        if Path(place).is_dir() and os.access(place, os.W_OK) and Path(place).stat().st_dev != device:
            with tempfile.TemporaryDirectory(dir=place) as folder:
                yield Path(folder)
            return
    pytest.skip("no second file system to write to")


# Older kernels, other file systems.


def without_nameless_files(patch: pytest.MonkeyPatch) -> None:
    """As on a file system like NFS or an older kernel: no file without a name."""
    patch.delattr(os, "O_TMPFILE")


def without_exclusive_rename(patch: pytest.MonkeyPatch) -> None:
    """As on NFS: renaming can't be kept from replacing."""

    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    patch.setattr(local_moves, "_renameat2", lambda: refuse)


def without_links(patch: pytest.MonkeyPatch) -> None:
    """As on FAT: no file has a second name, and none is without."""
    without_nameless_files(patch)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    patch.setattr(os, "link", refuse)


def like_nfs(patch: pytest.MonkeyPatch) -> None:
    """Neither nameless files nor exclusive renames."""
    without_nameless_files(patch)
    without_exclusive_rename(patch)


def as_it_is(_: pytest.MonkeyPatch) -> None:
    """The machine as it is."""


KERNELS: Final[dict[str, Callable[[pytest.MonkeyPatch], None]]] = {
    "as it is": as_it_is,
    "no nameless files": without_nameless_files,
    "no exclusive rename": without_exclusive_rename,
    "like NFS": like_nfs,
    "no links": without_links,
}


# Mounts of its own.


@cache
def private_mounts() -> tuple[str, ...] | None:
    """The command under which a process may mount what nobody else sees; None where that isn't allowed."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return None
    for command in ((unshare, "--mount"), (unshare, "--user", "--map-root-user", "--mount")):
        probe = (*command, "mount", "-t", "tmpfs", "none", "/mnt")
        if subprocess.run(probe, capture_output=True, check=False, timeout=60).returncode == 0:
            return command
    return None


needs_mounts = pytest.mark.skipif(private_mounts() is None, reason="mounting is not allowed here")


def python_with_mounts(mounts: str, script: str, *arguments: str) -> str:
    """What `script` prints, run where the shell text `mounts` has mounted things ($1 … are the arguments)."""
    command = private_mounts()
    assert command is not None
    shell = f'set -e; {mounts}; exec "$0" -c "$SCRIPT" "$@"'
    return _output((*command, "sh", "-c", shell, sys.executable, *arguments), script)


def python(script: str, *arguments: str) -> str:
    """What `script` prints, run in a process of its own."""
    return _output((sys.executable, "-c", script, *arguments), script)


def _output(command: tuple[str, ...], script: str) -> str:
    environment = {**os.environ, "SCRIPT": script, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr
    return run.stdout
