"""Whether unpatched stock can load a store at all: one bad line or unreadable file fails it (`format.md`, "Loading").

Stock reads files in no fixed order and its message names none (`error-names-no-file`); here the first in the listing
counts.
"""

from __future__ import annotations

import re
from typing import Final

from core.index import Index, MetaFile
from core.rust_text import debug_text
from core.snapshot import Snapshot
from core.stock.failure import StockFailure
from core.storage.protocol import ListedKind, ReadFault

_NOT_UTF8: Final = "stream did not contain valid UTF-8"
_NO_SUCH_FILE: Final = "No such file or directory (os error 2)"
_LONE_BYTES_RE: Final = re.compile("[\udc80-\udcff]")

#: What is listed but no plain file. A link is followed by stock; where it leads is not looked at here, so the answer is
#: the one for a dangling link (`symlink-entry`).
_MESSAGE_OF_KIND: Final = {
    ListedKind.FOLDER: "Is a directory (os error 21)",
    ListedKind.LINK: _NO_SUCH_FILE,
    ListedKind.OTHER: "No such device or address (os error 6)",
}


def load_error(snapshot: Snapshot) -> StockFailure | None:
    """Why stock can't load `metadata/`, in its own words, or None. An empty folder loads (and gets an identity)."""
    return index_load_error(snapshot.index)


def index_load_error(index: Index) -> StockFailure | None:
    """`load_error` for an index alone.

    A store of gzip files only belongs to an adapter that inflates them; beside plain files a gzip file is one that
    stock reads as it is.
    """
    name = next((file.handle for file in index.files if _LONE_BYTES_RE.search(file.handle)), None)
    if name is not None:
        return StockFailure(f"into_string failed for OsString '{_os_string(name)}'")
    plain = any(not file.gzip and file.fault is None and file.listed.size for file in index.files)
    first_problem = index.problems[0] if index.problems else None
    for file in index.files:
        if file.fault is None and not file.gzip and not file.bad_lines:
            continue
        message = _file_message(file, plain)
        if message is None and first_problem is not None and first_problem.claim.file == file.handle:
            message = first_problem.message
        if message is not None:
            return StockFailure(message)
    return None


def _file_message(file: MetaFile, beside_plain: bool) -> str | None:
    """What stock says of a file as a whole, None if it can read it."""
    if file.listed.kind is not ListedKind.FILE:
        return _MESSAGE_OF_KIND[file.listed.kind]
    if file.gzip and beside_plain:
        return _NOT_UTF8
    if file.fault is None or file.fault.fault is ReadFault.TOO_LARGE:
        return None
    if file.fault.fault is ReadFault.BAD_GZIP:
        return (
            f'Command "…" with params [FILE_HANDLE={file.handle}] failed with exit status: exit status: 1 '
            f"({file.fault.message})"
        )
    return file.fault.message


def _os_string(handle: str) -> str:
    """A name that is not UTF-8 (its stray bytes as lone surrogates) as Rust's `{:?}` shows an `OsString`."""
    stray = _LONE_BYTES_RE.findall(handle)
    texts = [debug_text(part)[1:-1] for part in _LONE_BYTES_RE.split(handle)]
    shown = [f"\\x{ord(byte) - 0xDC00:02X}" for byte in stray]
    return '"' + "".join(text + byte for text, byte in zip(texts, [*shown, ""], strict=True)) + '"'
