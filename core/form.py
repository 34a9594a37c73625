"""The form in which a store keeps its files: plain, or gzip as a command adapter writes it.

Stock reads a whole store in one way (`format.md`, "Layout of a store"), so what is written takes the form that all
metadata has (`hazards.md`, `plain-vs-gzip-store`). Names are the same in either form.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from core.gather import MAX_GZIP_RATIO
from core.gzips import GZIP_MAGIC
from core.index import Index, MetaFile
from core.phrases import count, listed, shown

_LEVEL: Final = 6
_STORED: Final = 0
#: What it means that a store is mixed.
NO_WAY_OF_READING: Final = (
    "Written directly the store is plain, through an adapter gzip, and neither way of reading takes the other's files."
)
#: Deflate, no flags, no time, no hint on the level, no system.
_HEADER: Final = GZIP_MAGIC + b"\x08\0\0\0\0\0\0\xff"


class Form(StrEnum):
    """How the bytes of a file are kept."""

    PLAIN = "plain"
    GZIP = "gzip"

    def stored(self, text: bytes) -> bytes:
        """The bytes of a file that says `text`: the same ones for the same zlib, without a time or a name."""
        return _zipped(text) if self is Form.GZIP else text


def _zipped(text: bytes) -> bytes:
    """One gzip member, never one that a look at the store takes for a bomb (`core.gather`)."""
    body = _deflated(text, _LEVEL)
    if len(text) > len(body) * MAX_GZIP_RATIO:
        body = _deflated(text, _STORED)
    return b"%b%b%b" % (_HEADER, body, struct.pack("<II", zlib.crc32(text), len(text) & 0xFFFF_FFFF))


def _deflated(text: bytes, level: int) -> bytes:
    deflater = zlib.compressobj(level, wbits=-zlib.MAX_WBITS)
    return deflater.compress(text) + deflater.flush()


@dataclass(frozen=True, slots=True)
class Forms:
    """The metadata files of each form, in listing order; those that are empty or could not be read tell nothing."""

    plain: tuple[MetaFile, ...]
    gzip: tuple[MetaFile, ...]

    @property
    def mixed(self) -> bool:
        """Whether there are files of both forms: no way of reading takes them all."""
        return bool(self.plain and self.gzip)

    @property
    def only(self) -> Form:
        """The form of a store that is not `mixed`; of one without any content it is plain."""
        return Form.GZIP if self.gzip and not self.plain else Form.PLAIN

    @property
    def few(self) -> tuple[MetaFile, ...]:
        """The files of the rarer form."""
        return self.gzip if len(self.gzip) <= len(self.plain) else self.plain

    @property
    def told(self) -> str:
        """How many files have which form, and which are of the rarer one."""
        form = Form.GZIP if self.few is self.gzip else Form.PLAIN
        zipped = count(len(self.gzip), "file of metadata/ is", "files of metadata/ are")
        names = listed([shown(file.handle) for file in self.few])
        return f"{zipped} gzip and {len(self.plain):,} plain. In {form} form: {names}"


def forms_of(index: Index) -> Forms:
    """What forms the files of a metadata folder have."""
    sound = [file for file in index.files if file.fault is None]
    return Forms(
        plain=tuple(file for file in sound if not file.gzip and file.lines),
        gzip=tuple(file for file in sound if file.gzip),
    )
