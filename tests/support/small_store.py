"""A small store in a real folder."""

from __future__ import annotations

from pathlib import Path
from typing import Final

MANIFEST: Final = "transaction_0-.a1b2/transaction.manifest"
LINE: Final = f'{{"TransactionBackup":{{"first_version":0,"last_version":9,"manifest":"{MANIFEST}"}}}}\n'.encode()


def write_store(folder: Path) -> None:
    """One metadata file of one line, and the manifest that it names."""
    (folder / "metadata").mkdir()
    (folder / "metadata" / "a.meta").write_bytes(LINE)
    (folder / MANIFEST).parent.mkdir()
    (folder / MANIFEST).write_bytes(b"manifest")
