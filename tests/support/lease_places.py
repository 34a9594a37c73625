"""Where a lease is fought for: a folder or a bucket, each with a counter that nothing but the lease protects."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from core.host import Machine, Process
from core.machine import ThisMachine
from core.storage import is_object_location
from core.storage.local.conditional import LocalConditional
from core.storage.objects.client import PROMPT, open_client
from core.storage.objects.conditional import ObjectConditional, Versions
from core.storage.objects.location import parse_location
from core.storage.writing import ConditionalStore

#: Beside the store, where no operation looks.
COUNTER: Final = "counter"
#: Before the name of a bucket: its storage is trusted without having been tried.
TRUSTED: Final = "trusted+"


class Elsewhere(ThisMachine):
    """This machine, whose processes say that they run on another one: nobody here can tell that they have ended."""

    def process(self) -> Process:
        return replace(super().process(), boot_id="another boot", host="elsewhere")


MACHINES: Final[dict[str, Callable[[], ThisMachine]]] = {"here": ThisMachine, "elsewhere": Elsewhere}


@dataclass(frozen=True, slots=True)
class Place:
    """A conditional store, and a counter beside it that is read and written without any condition."""

    store: ConditionalStore
    read: Callable[[], int]
    write: Callable[[int], None]


def open_place(where: str, machine: Machine) -> Place:
    """The place of that name, a folder or a bucket that the environment leads to. Nothing is sent yet."""
    url = where.removeprefix(TRUSTED)
    return _in_bucket(url, machine, tried=url == where) if is_object_location(url) else _in_folder(Path(url))


def _in_folder(folder: Path) -> Place:
    file = folder / COUNTER

    def read() -> int:
        return int(file.read_text()) if file.exists() else 0

    def write(count: int) -> None:
        file.write_text(str(count))

    return Place(LocalConditional(str(folder)), read, write)


def _in_bucket(url: str, machine: Machine, *, tried: bool) -> Place:
    connection = open_client(parse_location(url), os.environ, PROMPT)

    def read() -> int:
        try:
            return int(bytes(connection.client.get(COUNTER).bytes()))
        except FileNotFoundError:
            return 0

    def write(count: int) -> None:
        connection.client.put(COUNTER, str(count).encode(), mode="overwrite", use_multipart=False)

    return Place(ObjectConditional(connection, machine.fresh_id) if tried else Versions(connection), read, write)
