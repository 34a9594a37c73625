"""What this machine keeps of a store outside the store: one small file each, for its owner alone.

Such a file is a help and no part of a store: where it can't be read or written, everything works as if there were none.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from core.storage import identity_of


@dataclass(frozen=True, slots=True)
class PrivateFiles:
    """One JSON file for each store in `folder`, of one `version`, of `max_bytes` at most."""

    folder: Path
    version: int
    max_bytes: int

    def read(self, location: str) -> Mapping[str, Any]:
        """What is kept of a store; empty if nothing is, or it is damaged, too long, of another version or store."""
        store = _store(location)
        with suppress(OSError, ValueError, RecursionError):
            path = self._path(store)
            document = json.loads(path.read_bytes()) if path.stat().st_size <= self.max_bytes else None
            if isinstance(document, dict) and document.get("v") == self.version and document.get("store") == store:
                return document
        return {}

    def write(self, location: str, fields: Mapping[str, Any]) -> bool:
        """Replace what is kept of a store, in one step; whether that went well. Of what is too long nothing is kept."""
        store = _store(location)
        content = json.dumps({"v": self.version, "store": store, **fields}, separators=(",", ":")).encode()
        if len(content) > self.max_bytes:
            self.forget(location)
            return False
        return replace_file(self._path(store), content)

    def forget(self, location: str) -> None:
        """Keep nothing of a store."""
        with suppress(OSError):
            self._path(_store(location)).unlink(missing_ok=True)

    def _path(self, store: str) -> Path:
        digest = blake2b(store.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
        return self.folder / f"{digest}.json"


def replace_file(path: Path, content: bytes) -> bool:
    """Replace a file of this machine's own in one step, its folder made where it is missing; whether that went well."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.new")
        try:
            _write(draft, content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        return True
    return False


def _store(location: str) -> str:
    """What tells stores apart: the folder's real path."""
    return identity_of(location)


def _write(path: Path, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        file.write(content)
