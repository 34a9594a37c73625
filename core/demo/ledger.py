"""The pretend blockchain behind the sample stores: everything follows from a seed, so two backups of it always agree.

Bytes only look like the real thing (sizes, lengths, hex digits); nothing in them decodes or proves anything.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

GENESIS_TIME: Final = 1_767_225_600
"""When version 0 was committed, unix seconds: a constant, so that the stores never change."""

SECONDS_PER_VERSION: Final = 18
EPOCH_LENGTHS: Final = range(370, 490)
"""Versions in an epoch: about two hours, as on mainnet."""


def framed(records: Iterable[bytes]) -> bytes:
    """A chunk file: each record behind its length, a big-endian u32 (`format.md`, "Manifests")."""
    return b"".join(struct.pack(">I", len(record)) + record for record in records)


class Ledger:
    """Versions, epochs and state of one pretend chain."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        self._epoch_ends = [0]

    def draw(self, *labels: object, size: int = 32) -> bytes:
        """`size` bytes that depend on the seed and the labels only."""
        text = "/".join(map(str, (self.seed, *labels))).encode()
        blocks = -(-size // 64)
        stream = b"".join(blake2b(text, salt=block.to_bytes(8, "big")).digest() for block in range(blocks))
        return stream[:size]

    def hash(self, *labels: object) -> str:
        """64 hex digits."""
        return self.draw(*labels).hex()

    def time_of(self, version: int) -> int:
        """When a version was committed, unix seconds."""
        return GENESIS_TIME + version * SECONDS_PER_VERSION

    def epoch_end(self, epoch: int) -> int:
        """The last version of an epoch; epoch 0 is genesis alone."""
        while len(self._epoch_ends) <= epoch:
            spread = int.from_bytes(self.draw("epoch", len(self._epoch_ends), size=4), "big")
            self._epoch_ends.append(self._epoch_ends[-1] + EPOCH_LENGTHS[spread % len(EPOCH_LENGTHS)])
        return self._epoch_ends[epoch]

    def waypoint(self, epoch: int) -> str:
        """`VERSION:HEX` of the last ledger info of an epoch."""
        return f"{self.epoch_end(epoch)}:{self.hash('waypoint', epoch)}"

    def transaction(self, version: int) -> bytes:
        """The record of one version, 24 to 39 bytes."""
        drawn = self.draw("transaction", version, size=64)
        return drawn[: 24 + drawn[-1] % 16]

    def altered_transaction(self, version: int, more_bytes: int) -> bytes:
        """Another record for a version: other content, `more_bytes` longer."""
        return self.draw("altered", version, size=len(self.transaction(version)) + more_bytes)

    def ledger_info(self, epoch: int) -> bytes:
        """The signed ledger info which ends an epoch, 312 bytes."""
        return self.draw("ledger info", epoch, size=312)

    def proof(self, *labels: object) -> bytes:
        """A proof of a chunk or a snapshot, 400 to 655 bytes."""
        return self.draw("proof", *labels, size=400 + self.draw("proof size", *labels)[0])

    def state(self, version: int) -> list[tuple[str, bytes]]:
        """Key hash and record of every state item at a version, in rising order of keys; the state grows slowly."""
        keys = sorted(self.draw("key", item) for item in range(130 + version // 60))
        return [(key.hex(), key + self.draw("value", key.hex(), version, size=16)) for key in keys]
