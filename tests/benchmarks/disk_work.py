"""What a change costs if nothing is decided: the file operations that its protocol asks for, and nothing else.

The order is that of `recovery.md`, "Changes". Each is done in the plainest way, one after another; where the
protocol compares what it reads by a digest, that is made, too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path

from core.changes.model import ChangeSet

Digest = Callable[[bytes], object]


def digest_of(content: bytes) -> object:
    """What a mark is made of."""
    return blake2b(content, digest_size=16).digest()


def disk_work(folder: Path, change: ChangeSet, digest: Digest = digest_of) -> float:
    """Carry out the files' part of a change in a store, which is as it was planned on; the seconds it took."""
    began = time.perf_counter()
    metadata, staged, journal = folder / "metadata", folder / "seamline/staged/reference", folder / "seamline/journal"
    for made in (staged, journal, folder / "metadata_backup"):
        made.mkdir(parents=True, exist_ok=True)
    _read(metadata, digest)
    for write in change.all_writes:
        _write(staged / Path(write.handle).name, write.content)
    _flush(staged)
    if change.retires:
        _bundle(folder, change, journal / "bundle", digest)
    _write(journal / "intent", b"{}")
    _flush(journal)
    for write in change.all_writes:
        os.link(staged / Path(write.handle).name, folder / write.handle)
        _append(journal / "steps", write.handle)
    _flush(metadata)
    _read(metadata, digest)
    for move in change.retires:
        (folder / move.source).stat()
        (folder / move.source).rename(folder / move.target)
        _append(journal / "steps", move.source)
    _flush(folder / "metadata_backup")
    _flush(metadata)
    _read(metadata, digest)
    _write(journal / "outcome", b"{}")
    _flush(journal)
    for path in staged.iterdir():
        path.unlink()
    return time.perf_counter() - began


def _read(folder: Path, digest: Digest) -> None:
    for path in sorted(folder.iterdir()):
        path.stat()
        digest(path.read_bytes())


def _bundle(folder: Path, change: ChangeSet, bundle: Path, digest: Digest) -> None:
    contents = []
    for move in change.retires:
        contents.append((folder / move.source).read_bytes())
        digest(contents[-1])
    _write(bundle, b"".join(contents))


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(f"{text}\n")


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(descriptor)
    os.close(descriptor)
