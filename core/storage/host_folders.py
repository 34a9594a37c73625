"""Folders of this machine that stand for a part of a store which the store itself can't hold.

They lie below `XDG_STATE_HOME`, for their owner alone, one for each store; naming one makes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Final

#: All that is ours of a store behind a command adapter; the lease of a bucket that ignores conditions.
ADAPTERS: Final = "adapters"
LEASES: Final = "leases"
_PRIVATE: Final = 0o700


def state_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Where this tool keeps what it knows; None for somebody who has no home."""
    given = environment.get("XDG_STATE_HOME", "")
    try:
        state = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return state / "seamline"


def host_folder(kind: str, identity: str) -> Path | None:
    """The folder for the store with this `core.storage.identity_of`; None for somebody who has no home."""
    state = state_folder()
    digest = blake2b(identity.encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()
    return state / kind / digest if state else None


def make_host_folder(folder: Path) -> None:
    """Make it, if it is not there. Raises OSError."""
    folder.parent.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    folder.mkdir(mode=_PRIVATE, exist_ok=True)
