"""What the operator takes for the truth although a look differs from the last one. Imports nothing that takes time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What is right: a listing that shrank, another store at the path."""

    shrunk_listing: bool = False
    other_store: bool = False

    def covers(self, snapshot: Snapshot) -> bool:
        """Whether a look is taken for the truth. That files are gone says nothing of another store."""
        return self.other_store if snapshot.other is not None else self.shrunk_listing


NOTHING_ACCEPTED: Final = Acceptance()
