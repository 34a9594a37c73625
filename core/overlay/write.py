"""Writes an overlay into a folder of the operator's own. The store is not touched, and nothing is ever replaced."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.errors import UsageError, WriteFailed
from core.overlay.model import Overlay
from core.overlay.origin import ADAPTER_NAME, FolderOrigin, spelled
from core.phrases import shown

_OPEN_TO_ALL: Final = 0o644
_OWNER_ALONE: Final = 0o600
_FLAGS: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class WrittenOverlay:
    """An overlay on disk: its folder and its adapter as absolute paths, and the stock command that restores with it."""

    folder: str
    adapter: str
    command: str


def write_overlay(overlay: Overlay, folder: str) -> WrittenOverlay:
    """Write an overlay into `folder`, which is new or empty and outside of the store; flushed when this returns.

    The adapter comes last, so that half an overlay is of no use to stock. Raises `UsageError` for another folder, and
    `WriteFailed` when the disk refuses; what was written by then is taken away again.
    """
    if not folder or "\0" in folder:
        raise UsageError(f"{shown(folder)!r} can't be a folder", hint="name a new folder, outside of the store")
    place = spelled(os.path.realpath(folder))
    _require_apart(overlay, place)
    adapter = overlay.adapter(place)
    with _undone_on_failure(place) as made:
        made.folder(Path(place))
        for handle, content in overlay.files.items():
            made.file(Path(place, handle), content, _OPEN_TO_ALL)
        made.file(Path(place, ADAPTER_NAME), adapter, _OWNER_ALONE if overlay.private else _OPEN_TO_ALL)
        made.flush_folders()
    return WrittenOverlay(place, f"{place}/{ADAPTER_NAME}", overlay.command(place))


def _require_apart(overlay: Overlay, place: str) -> None:
    """Raises `UsageError` for a folder that is not empty, or is the store's or inside it."""
    path = Path(place)
    if isinstance(overlay.origin, FolderOrigin) and path.is_relative_to(overlay.origin.path):
        raise UsageError(f"{shown(place)!r} lies inside the store", hint="name a folder outside of it")
    try:
        taken = path.exists() and (not path.is_dir() or any(path.iterdir()))
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(place)!r} can't be used: {_reason(error)}", hint="name a new folder") from error
    if taken:
        raise UsageError(f"{shown(place)!r} is no new or empty folder", hint="an overlay never replaces anything")


class _Made:
    """What has been made so far, in order."""

    def __init__(self) -> None:
        self.files: list[Path] = []
        self.folders: list[Path] = []
        self._known: set[Path] = set()

    def folder(self, path: Path) -> None:
        """Make a folder if it is missing, the one above it first unless that is there."""
        if path in self._known:
            return
        if not path.is_dir():
            if path.parent != path:
                self.folder(path.parent)
            path.mkdir()
            self.folders.append(path)
        self._known.add(path)

    def file(self, path: Path, content: bytes, mode: int) -> None:
        """Make a file that was not there, its bytes on disk."""
        self.folder(path.parent)
        with os.fdopen(os.open(path, _FLAGS, mode), "wb") as file:
            self.files.append(path)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())

    def flush_folders(self) -> None:
        """Let the names outlast a loss of power."""
        for path in {file.parent for file in self.files} | {folder.parent for folder in self.folders}:
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def take_away(self) -> None:
        """Remove what was made, as far as that can be done."""
        for file in reversed(self.files):
            with suppress(OSError):
                file.unlink()
        for folder in reversed(self.folders):
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _undone_on_failure(place: str) -> Iterator[_Made]:
    made = _Made()
    try:
        yield made
    except (OSError, ValueError) as error:
        made.take_away()
        raise WriteFailed(
            f"the overlay can't be written to {shown(place)!r}: {_reason(error)}", hint="nothing of it was left there"
        ) from error
    except BaseException:
        made.take_away()
        raise


def _reason(error: OSError | ValueError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else "no folder can have its name"
