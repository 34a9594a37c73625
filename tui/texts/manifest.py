"""What the manifest screen says: the manifest in facts, and a row for each of its chunks and for what lies between."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from core.manifests.model import (
    Chunk,
    EpochEndingManifest,
    Manifest,
    StateChunk,
    StateManifest,
    range_of,
    record_count,
)
from core.manifests.seams import Seam, SeamKind
from core.model import LaneKind
from core.phrases import moment
from tui.export import entry_value
from tui.glyphs import Glyphs
from tui.manifest_view import FileLine, ManifestLine, ManifestView
from tui.numbers import counted, size, span, whole
from tui.safe_text import shorten
from tui.texts.common import lane_span, quoted
from tui.widgets.painted import Row
from tui.widgets.prose import Paragraph, runs, text

_CLAIMS_SHOWN: Final = 12
#: Hex digits of a key in a row; the status line has room for more.
_KEY_DIGITS: Final = 8
_LABEL: Final = 12
_TIME_CELLS: Final = 22
_FLAW_CELLS: Final = 14
#: What the chunks of a lane count.
_ITEMS: Final = {
    LaneKind.TRANSACTIONS: ("version", "versions"),
    LaneKind.EPOCH_ENDINGS: ("epoch", "epochs"),
    LaneKind.STATE_SNAPSHOTS: ("item", "items"),
}


def state_word(view: ManifestView) -> tuple[str, str]:
    """What came of looking, in a few words, and its style."""
    if view.fault:
        return "NOT READ", "conflict"
    if view.problem_count:
        return counted(view.problem_count, "problem"), "conflict"
    if view.stopped:
        return "stopped: not all looked at", "snapshot"
    if view.looking:
        return "reading", "dim"
    return "nothing wrong seen", "good"


def far_words(view: ManifestView) -> str:
    """How far looking is, for the status line."""
    if view.loaded is None:
        return "reading the manifest: Esc stops"
    return f"looking up files, {view.looked_up:,} of {view.to_look_up:,}: Esc stops"


def manifest_text(view: ManifestView) -> Iterator[Paragraph]:
    """The manifest in facts: what is wrong with it first, then who claims it and what it is made of."""
    yield text(view.entry.manifest, "strong")
    if view.fault:
        yield text(f"{view.fault[:1].upper()}{view.fault[1:]}: nothing is known of its chunks.", "conflict")
        if view.stock_says:
            yield runs(("stock says  ", "dim"), (quoted(view.stock_says), "conflict"), hanging=2)
    elif view.manifest is None:
        unread = "Stopped before the manifest was read: nothing of it was looked at." if view.stopped else "Reading it."
        yield text(unread, "dim")
    else:
        yield from _extent_text(view, view.manifest)
        yield from _problem_text(view)
        yield _fact("chunks", _chunk_words(view))
    yield from _claims_text(view)
    if view.manifest is not None:
        yield from _file_text(view, view.manifest)
        yield text("Not checked: the records in the chunks, proofs and signatures.", "dim")


def _extent_text(view: ManifestView, manifest: Manifest) -> Iterator[Paragraph]:
    """What it covers, and whether its line says the same."""
    entry, (first, last) = view.entry, range_of(manifest)
    many = "" if isinstance(manifest, StateManifest) else f"   {_many(view, max(0, last + 1 - first))}"
    yield _fact("range", f"{lane_span(entry.lane, first, last)}{many}")
    if (first, last) != (entry.first, entry.last):
        yield _fact("its line says", lane_span(entry.lane, entry.first, entry.last), "conflict")


def _file_text(view: ManifestView, manifest: Manifest) -> Iterator[Paragraph]:
    """The manifest's own file, when its files were written, and what only its lane has."""
    assert view.loaded is not None
    listed, form = view.loaded.listed, ", gzip" if view.loaded.gzip else ""
    written = f", written {moment(listed.modified)}" if listed.modified else ", time not known"
    yield _fact("file", f"{size(listed.size)}{form}{written}")
    if view.times is not None:
        oldest, newest = map(moment, view.times)
        yield _fact("its files", f"written {oldest}" + ("" if oldest == newest else f" to {newest}"))
    if isinstance(manifest, EpochEndingManifest):
        yield _fact("waypoints", f"{whole(len(manifest.waypoints))}, one is needed for each epoch")
    if isinstance(manifest, StateManifest):
        yield _fact("state", f"epoch {whole(manifest.epoch)}, root hash {manifest.root_hash}")
    if view.formats:
        yield _fact("format", ", ".join(view.formats))


def _chunk_words(view: ManifestView) -> str:
    """How many there are, how large, and what was not looked at."""
    chunks = counted(len(view.chunks), "chunk")
    if view.looking:
        return f"{chunks}; looking up their files, {view.looked_up:,} of {view.to_look_up:,}"
    words = f"{chunks}, {size(view.chunk_bytes)}"
    if view.looked_up < view.to_look_up:
        return f"{words}; stopped: {whole(view.to_look_up - view.looked_up)} of {view.to_look_up:,} files not looked at"
    there = view.chunks_there
    return words if there == len(view.chunks) else f"{words} in the {whole(there)} whose file is there"


def _problem_text(view: ManifestView) -> Iterator[Paragraph]:
    if view.problem_count:
        yield text(counted(view.problem_count, "thing is wrong", "things are wrong"), "conflict")
    elif not view.looking and not view.stopped:
        yield text("Its chunks join, and all its files are there and not empty.", "good")
    for problem in view.problems:
        yield runs((f"{problem.message}  ", "text"), (problem.file, "dim"), indent=2, hanging=4)
        if problem.stock_says:
            yield runs(("stock says ", "dim"), (quoted(problem.stock_says), "conflict"), indent=4, hanging=6)
    more = view.problem_count - len(view.problems)
    if more > 0:
        yield text(f"and {whole(more)} more: n goes to the next", "dim", 2)


def _claims_text(view: ManifestView) -> Iterator[Paragraph]:
    """The lines that name it; as for every entry there may be none, where a plan has added it."""
    claims = view.entry.claims
    for number, claim in enumerate(claims[:_CLAIMS_SHOWN]):
        words = f"{claim.file.removeprefix('metadata/')} line {whole(claim.line)}"
        yield _fact("claimed by" if not number else "", words)
    if len(claims) > _CLAIMS_SHOWN:
        yield _fact("", f"and {counted(len(claims) - _CLAIMS_SHOWN, 'more line')}")
    if not claims:
        yield _fact("claimed by", "no line of metadata/")


def _fact(name: str, words: str, style: str = "text") -> Paragraph:
    return runs((f"{name:<{_LABEL}}  ", "dim"), (words, style), hanging=_LABEL + 2)


def _many(view: ManifestView, number: int) -> str:
    return counted(number, *_ITEMS[view.entry.lane])


def chunk_heading(view: ManifestView, width: int) -> Row:
    """The names of the columns."""
    unit, cells = _ITEMS[view.entry.lane][0], _cells(view)
    columns = f"{'chunk':>9}  {'first ' + unit:>{cells}}  {'last ' + unit:>{cells}}"
    columns += f"  {unit + 's':>11}" if width >= _with_many(cells) else ""
    last = "keys" if view.entry.lane is LaneKind.STATE_SNAPSHOTS else "written"
    return ((f"  {columns}  {'size':>9}  {last if width >= _with_last(cells) else ''}", "dim"),)


def line_row(view: ManifestView, place: int, width: int, glyphs: Glyphs) -> Row:
    """One row: a file of the whole, a chunk, or what is wrong between two chunks."""
    line = view.lines[place]
    flaw = view.line_flaw(line)
    if isinstance(line, Seam):
        return ((f"{glyphs.problem if line.kind is SeamKind.OVERLAP else glyphs.gap} ".rjust(10), "conflict"),
                (shorten(f" {seam_words(view, line)}", width - 10, glyphs.ellipsis), "conflict"))  # fmt: skip
    if isinstance(line, FileLine):
        what = "proof" if line.is_proof else "manifest"
        words = _flaw_or_size(view, line.handle, flaw)
        room = width - 12 - len(words)
        name = shorten(line.handle.rpartition("/")[2], max(8, room), glyphs.ellipsis)
        return ((f"{what:>9}  ", "dim"), (f"{name}  ", "text"), (words, "conflict" if flaw else "text"))
    return _chunk_row(view, line, flaw, width)


def _chunk_row(view: ManifestView, number: int, flaw: str | None, width: int) -> Row:
    chunk, cells = view.chunks[number], _cells(view)
    columns = f"{whole(number):>9}  {whole(chunk.first):>{cells}}  {whole(chunk.last):>{cells}}"
    columns += f"  {whole(max(0, record_count(chunk))):>11}" if width >= _with_many(cells) else ""
    known = view.size(chunk.file)
    columns += f"  {'?' if known is None else size(known):>9}  "
    if flaw:
        return ((columns, "text"), (flaw, "conflict"))
    return ((columns, "text"), (_last_column(view, chunk) if width >= _with_last(cells) else "", "dim"))


def _last_column(view: ManifestView, chunk: Chunk) -> str:
    """The keys that a chunk of state spans; of any other when its file was written."""
    if isinstance(chunk, StateChunk):
        return f"{chunk.first_key[:_KEY_DIGITS]} - {chunk.last_key[:_KEY_DIGITS]}"
    at = view.modified(chunk.file)
    return "" if at is None else moment(at)


def _flaw_or_size(view: ManifestView, handle: str, flaw: str | None) -> str:
    if flaw:
        return flaw
    own = view.loaded.listed.size if view.loaded and handle == view.entry.manifest else view.size(handle)
    return "not looked at" if own is None else size(own)


def _cells(view: ManifestView) -> int:
    last = view.chunks[-1].last if view.chunks else 0
    return max(13, len(whole(last)))


def _with_many(cells: int) -> int:
    """The width from which on there is room for how many, and for a word on what is wrong."""
    return 9 + 2 * (cells + 2) + 13 + 11 + _FLAW_CELLS


def _with_last(cells: int) -> int:
    """The width from which on there is room for the last column."""
    return _with_many(cells) + _TIME_CELLS - _FLAW_CELLS


def seam_words(view: ManifestView, seam: Seam) -> str:
    """What is wrong between two chunks, with exact numbers."""
    unit, units = _ITEMS[view.entry.lane]
    many = counted(seam.last + 1 - seam.first, unit, units)
    verb = "is" if seam.first == seam.last else "are"
    if seam.kind is SeamKind.MISSING:
        return f"{span(seam.first, seam.last)} {verb} in no chunk: {many} missing"
    return f"{span(seam.first, seam.last)} {verb} in two chunks: {many} twice"


def line_words(view: ManifestView, line: ManifestLine) -> list[tuple[str, str]]:
    """One row for the status line, the most important first: words and styles. The last names what `y` copies."""
    flaw = view.line_flaw(line)
    if isinstance(line, Seam):
        return [("between chunks", "strong"), (seam_words(view, line), "conflict"), (view.entry.manifest, "dim")]
    if isinstance(line, FileLine):
        what = "proof of the snapshot" if line.is_proof else "manifest"
        return [(what, "strong"), *([(flaw, "conflict")] if flaw else []), (line.handle, "text")]
    chunk = view.chunks[line]
    known = view.size(chunk.file)
    said = [(f"chunk {whole(line)}", "strong"), (span(chunk.first, chunk.last), "text")]
    said += [(flaw, "conflict")] if flaw else []
    said += [(chunk.file, "text"), ("size not known" if known is None else f"{known:,} bytes", "text")]
    at = view.modified(chunk.file)
    said += [] if at is None else [(moment(at), "dim")]
    return said + ([(f"keys {chunk.first_key} - {chunk.last_key}", "dim")] if isinstance(chunk, StateChunk) else [])


def handle_of(view: ManifestView, line: ManifestLine) -> str:
    """The file that a row is about: the chunk's, or the manifest where it is about no other."""
    if isinstance(line, FileLine):
        return line.handle
    return view.entry.manifest if isinstance(line, Seam) else view.chunks[line].file


def manifest_document(view: ManifestView, location: str) -> dict[str, Any]:
    """Everything that the screen shows, as JSON values; null for what was not looked at."""
    manifest, listed = view.manifest, view.loaded.listed if view.loaded else None
    return {
        "schema": 1,
        "store": location,
        "entry": entry_value(view.entry),
        "fault": view.fault or None,
        "stock_says": view.stock_says,
        "size": listed.size if listed else None,
        "modified": listed.modified if listed else None,
        "range": list(range_of(manifest)) if manifest else None,
        "waypoints": len(manifest.waypoints) if isinstance(manifest, EpochEndingManifest) else None,
        "root_hash": manifest.root_hash if isinstance(manifest, StateManifest) else None,
        "files_looked_up": view.looked_up,
        "files_to_look_up": view.to_look_up,
        "stopped": view.stopped,
        "problems": [
            {"kind": each.hazard, "message": each.message, "file": each.file, "stock_says": each.stock_says}
            for each in view.problems
        ],
        "problem_count": view.problem_count,
        "rows": [_line_value(view, line) for line in view.lines],
    }


def _line_value(view: ManifestView, line: ManifestLine) -> dict[str, Any]:
    if isinstance(line, Seam):
        return {"between_chunks": line.kind.value, "first": line.first, "last": line.last}
    if isinstance(line, FileLine):
        return {"file": line.handle, **_file_value(view, line.handle)}
    chunk = view.chunks[line]
    value = {"chunk": line, "first": chunk.first, "last": chunk.last, "file": chunk.file}
    if isinstance(chunk, StateChunk):
        value |= {"first_key": chunk.first_key, "last_key": chunk.last_key}
    proof = {"proof": chunk.proof_file} if chunk.proof_file else {}
    return {**value, **proof, **_file_value(view, chunk.file), "wrong": view.line_flaw(line)}


def _file_value(view: ManifestView, handle: str) -> dict[str, Any]:
    return {"size": view.size(handle), "modified": view.modified(handle)}
