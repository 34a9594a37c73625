"""Where the test data is: answers of the real stock tool, example stores, hazard stores."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent.parent / "data"


def data_path(*parts: str) -> Path:
    """A file or folder below `tests/data`. Raises `FileNotFoundError` if it is not there."""
    path = DATA.joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"no such test data: {path}")
    return path


@cache
def stock_vectors(name: str) -> tuple[dict[str, Any], ...]:
    """The cases of `stock-vectors/NAME.jsonl.gz` (`selection` or `compaction`), see the README there."""
    with gzip.open(data_path("stock-vectors", f"{name}.jsonl.gz"), "rt", encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)
