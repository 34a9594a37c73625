"""What an overlay is, before it is written anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from core.invocation import StockRestore
from core.overlay.origin import ADAPTER_NAME, Origin
from core.recovery.model import Recovery
from core.restore import BestRestore, StoreVerdict


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """A clean view of a store, for one restore and those to lower versions.

    `files` are its metadata files and derived manifests by handle; everything else is read from `origin`. `best` is the
    restore that stock will make of it (rows of `recovery.index`) if it is given `history_start`, `verdict` what can be
    said of the view as a whole.
    """

    location: str
    recovery: Recovery = field(repr=False)
    best: BestRestore
    history_start: int | None
    origin: Origin = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    verdict: StoreVerdict

    @property
    def metadata(self) -> tuple[str, ...]:
        """The handles of its metadata files, in the order in which stock is told of them."""
        return tuple(handle for handle in self.files if handle.startswith("metadata/"))

    @property
    def derived(self) -> tuple[str, ...]:
        """The handles of its derived manifests."""
        return tuple(handle for handle in self.files if not handle.startswith("metadata/"))

    @property
    def private(self) -> bool:
        """Whether its adapter holds variables of the store's own, which may be secrets."""
        return self.origin.private

    def adapter(self, folder: str) -> bytes:
        """The adapter configuration for an overlay that lies in `folder`, an absolute path."""
        # YAML is written here and nowhere else: planning starts without it.
        from core.overlay.adapter import adapter_text

        return adapter_text(self.origin, folder, self.metadata).encode()

    def command(self, folder: str) -> str:
        """The stock command that restores through the overlay in `folder`, ready to paste but for the database."""
        return str(StockRestore(f"{folder.rstrip('/')}/{ADAPTER_NAME}", self.best.lands_at, self.history_start))
