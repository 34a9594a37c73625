"""The theme that the operator chose last, kept on this machine; where it can't be, the app starts as it always does."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.private_files import replace_file

_VERSION: Final = 1
_MOST_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class KeptTheme:
    """The name of a theme in the file `path`; None for somebody who has no home to keep it in."""

    path: Path | None

    def read(self) -> str:
        """The name, empty if none is kept or the file is damaged."""
        with suppress(OSError, ValueError, RecursionError):
            if self.path is not None and self.path.stat().st_size <= _MOST_BYTES:
                document = json.loads(self.path.read_bytes())
                if isinstance(document, dict) and document.get("v") == _VERSION:
                    return str(document.get("theme", ""))
        return ""

    def write(self, name: str) -> None:
        """Keep a name, if that can be."""
        if self.path is not None:
            replace_file(self.path, json.dumps({"v": _VERSION, "theme": name}).encode())
