"""What the processes of the storage tests do: one writes without end until it is killed, others read beside it."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Final

import pytest

from core.storage.local.writer import LocalWriter
from tests.support.storage_folders import KERNELS

_LENGTHS: Final = (0, 1, 500, 5_000, 200_000)
#: How many files behind the newest one a file is retired.
_BEHIND: Final = 5


def content_of(name: str) -> bytes:
    """The one content that a file of this name has."""
    number = int(name.removesuffix(".meta"))
    piece = b"%d:" % number
    return piece * (_LENGTHS[number % len(_LENGTHS)] // len(piece)) + b"\n"


def is_whole(name: str, content: bytes) -> bool:
    """Whether the name is one that a writer gives, and the content all of it."""
    return name.endswith(".meta") and name[:-5].isdigit() and content == content_of(name)


def write_without_end(store: Path, start: int) -> None:
    """Make files from number `start` on, retire those before; says on standard output what is done."""
    writer = LocalWriter(str(store))
    for number in count(start):
        staged, name, older = f"seamline/staged/1/{number}", f"{number}.meta", f"{number - _BEHIND}.meta"
        writer.create(staged, content_of(name))
        writer.link(staged, f"metadata/{name}")
        _say(f"made {name}")
        writer.discard(staged)
        if (store / "metadata" / older).exists():
            writer.move(f"metadata/{older}", f"metadata_backup/{older}")
            _say(f"moved {older}")


def read_without_end(store: Path) -> None:
    """List metadata/ and read each name again and again; ends when one is odd or not whole, and says which."""
    for looks in count(1):
        for name in os.listdir(store / "metadata"):  # noqa: PTH208 - all names at once, as stock lists them
            with suppress(FileNotFoundError):
                content = (store / "metadata" / name).read_bytes()
                if not is_whole(name, content):
                    _say(f"odd {name} {len(content)}")
                    return
        _say(f"looked {looks}")


def _say(words: str) -> None:
    os.write(1, f"{words}\n".encode())


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as patch:
        KERNELS[sys.argv[2]](patch)
        if sys.argv[1] == "write":
            write_without_end(Path(sys.argv[3]), int(sys.argv[4]))
        else:
            read_without_end(Path(sys.argv[3]))
