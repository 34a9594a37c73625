"""gzip streams that are the same at every moment, so that tests made of them keep their names."""

from __future__ import annotations

import gzip


def gzipped(data: bytes, level: int = 9) -> bytes:
    """`data` as one gzip member without a time."""
    return gzip.compress(data, level, mtime=0)
