"""Gzip streams taken apart in small pieces, with a limit on what comes out.

Files that went through a command adapter are gzip without a name that says so; the first two bytes tell. Rules:
`hazards.md`, `gzip-damaged` and `decompression-bomb`.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

GZIP_MAGIC: Final = b"\x1f\x8b"
_PIECE: Final = 128 << 10
#: Real chunks shrink to a tenth or so, zeros to a thousandth. The ratio counts beyond this many bytes only.
_RATIO_FREE_BYTES: Final = 64 << 20
_MAX_RATIO: Final = 200
#: Each member costs a step however little it holds.
_MAX_MEMBERS: Final = 100_000


class GzipFault(Exception):
    """A gzip stream is damaged, or yields more than it may.

    `hazard` says which of the two, `message` how, in gzip's words where it has any.
    """

    def __init__(self, message: str, hazard: str = "gzip-damaged") -> None:
        super().__init__(message)
        self.message = message
        self.hazard = hazard


def is_gzip(stream: BinaryIO) -> bool:
    """Whether a stream begins as gzip does; it stands at its start before and after."""
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    return magic == GZIP_MAGIC


def text_of(content: bytes, limit: int) -> bytes:
    """What a file of these bytes says: the bytes, inflated when they are gzip. Raises `GzipFault`."""
    return b"".join(inflated(io.BytesIO(content), limit)) if content.startswith(GZIP_MAGIC) else content


def inflated(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """The content of a gzip stream (members one after another), in pieces of at most 128 KiB.

    Raises `GzipFault` where `gzip -t` would complain, and beyond `limit` bytes or an absurd ratio. Trailing zeros are
    padding, as for gzip.
    """
    member = _Member(zlib.decompressobj(wbits=31))
    members, taken, given = 1, 0, 0
    while data := stream.read(_PIECE):
        taken += len(data)
        while data:
            if member.ended:
                data = data.lstrip(b"\0")
                if data:
                    member, members = _Member(zlib.decompressobj(wbits=31)), members + 1
                if members > _MAX_MEMBERS:
                    raise GzipFault(f"more than {_MAX_MEMBERS:,} gzip members", "decompression-bomb")
                continue
            piece, data = member.feed(data, first=given == 0)
            given += len(piece)
            if given > limit or (given > _RATIO_FREE_BYTES and given > taken * _MAX_RATIO):
                raise GzipFault(f"{taken:,} bytes inflate to more than {given - len(piece):,}", "decompression-bomb")
            if piece:
                yield piece
    if not member.ended:
        raise GzipFault("unexpected end of file")


@dataclass(slots=True)
class _Member:
    """One member of a gzip stream. `ended` once its trailer was seen and agreed."""

    inflater: zlib._Decompress
    ended: bool = False

    def feed(self, data: bytes, *, first: bool) -> tuple[bytes, bytes]:
        """Up to 128 KiB of content, and the compressed bytes that are left to feed."""
        try:
            piece = self.inflater.decompress(data, _PIECE)
        except zlib.error as error:
            raise GzipFault(_gzip_words(str(error), first=first)) from None
        self.ended = self.inflater.eof
        return piece, self.inflater.unused_data if self.ended else self.inflater.unconsumed_tail


def _gzip_words(zlib_words: str, *, first: bool) -> str:
    """zlib's complaint as the gzip command puts it."""
    if "incorrect header check" in zlib_words:
        return "not in gzip format" if first else "decompression OK, trailing garbage ignored"
    if "incorrect data check" in zlib_words:
        return "invalid compressed data--crc error"
    if "incorrect length check" in zlib_words:
        return "invalid compressed data--length error"
    return "invalid compressed data--format violated"
