"""One manifest with the files that it names, as far as anybody has looked; read in a thread, told as it comes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from core.manifests import ManifestProblem, check_against_entry, check_manifest
from core.manifests.files import BackupFiles, check_presence
from core.manifests.load import LoadedManifest, Unloaded, load_manifest
from core.manifests.model import Chunk, Manifest, NamedFile, StateManifest, TransactionManifest, chunks_of, named_files
from core.manifests.seams import Seam, seams
from core.names import handle_problem
from core.storage import HandleUnreadable, Listed, ListedKind, ReadFault

if TYPE_CHECKING:
    from core.model import Entry
    from core.storage import StoreReader

#: What is wrong with a manifest is told up to here, and counted from there on.
PROBLEMS_TOLD: Final = 50
#: Files that were looked up are told again so often, in seconds.
_TELL_SECONDS: Final = 0.25
#: Why a file can't be had, as short as a column is.
_FAULT_WORDS: Final = {ReadFault.MISSING: "missing", ReadFault.REFUSED: "not opened"}
#: Between so many files a stop is heeded.
_LOT: Final = 64


@dataclass(frozen=True, slots=True)
class FileLine:
    """A row about a file that belongs to no chunk: the manifest itself, or the proof of a whole snapshot."""

    handle: str
    is_proof: bool = False


ManifestLine: TypeAlias = int | FileLine | Seam
"""A row of the screen: a chunk by its number (from 0), a file of the whole, or what is wrong between two chunks."""


@dataclass(frozen=True, slots=True, eq=False)
class ManifestView:
    """What is known of the manifest that `entry` names.

    `fault` says why it can't be had and `stock_says` what stock says then; `loaded` is None until it is read. `lines`
    are the rows, `flawed` the places of those in which something is wrong. `problems` are the first of `problem_count`.
    `files` are those that it names, by handle, as far as they were looked up: `looked_up` of `to_look_up`;
    `chunks_there` the chunks whose files are there, with `chunk_bytes` in all; `times` when the oldest and the newest
    file were written (unix seconds; None where no time is known); `formats` those of transaction chunks. `stopped`:
    nobody looks any more.
    """

    entry: Entry
    loaded: LoadedManifest | None = None
    fault: str = ""
    stock_says: str | None = None
    problems: tuple[ManifestProblem, ...] = ()
    problem_count: int = 0
    lines: Sequence[ManifestLine] = ()
    flawed: Sequence[int] = ()
    formats: tuple[str, ...] = ()
    chunk_bytes: int = 0
    chunks_there: int = 0
    times: tuple[float, float] | None = None
    files: Mapping[str, Listed | HandleUnreadable] = field(default_factory=dict, repr=False)
    looked_up: int = 0
    to_look_up: int = 0
    stopped: bool = False

    @property
    def manifest(self) -> Manifest | None:
        """What the manifest says, once it is read."""
        return self.loaded.manifest if self.loaded else None

    @property
    def chunks(self) -> Sequence[Chunk]:
        """Its chunks, in its order."""
        return chunks_of(self.loaded.manifest) if self.loaded else ()

    @property
    def looking(self) -> bool:
        """Whether more is still to come."""
        return not self.stopped and not self.fault and (self.loaded is None or self.looked_up < self.to_look_up)

    def line_flaw(self, line: ManifestLine) -> str | None:
        """What is wrong in a row, in a few words; None for nothing, or nothing known."""
        if isinstance(line, Seam):
            return line.kind.value
        if isinstance(line, FileLine):
            return self.file_flaw(line.handle)
        chunk = self.chunks[line]
        if chunk.last < chunk.first:
            return "inverted"
        flaw = self.file_flaw(chunk.file)
        if flaw is not None or chunk.proof_file is None:
            return flaw
        flaw = self.file_flaw(chunk.proof_file)
        return None if flaw is None else f"proof {flaw}"

    def file_flaw(self, handle: str) -> str | None:
        """What is wrong with a file that was looked up, or is not opened; None for nothing, or nothing known."""
        if handle_problem(handle):
            return "not opened"
        found = self.files.get(handle)
        if found is None:
            return None
        if isinstance(found, HandleUnreadable):
            return _FAULT_WORDS.get(found.fault, "unreadable")
        if found.kind is not ListedKind.FILE:
            return f"a {found.kind.value}"
        return None if found.size else "empty"

    def size(self, handle: str) -> int | None:
        """The bytes of a file that was looked up and is there."""
        found = self.files.get(handle)
        return found.size if isinstance(found, Listed) and found.kind is ListedKind.FILE else None

    def modified(self, handle: str) -> float | None:
        """When a file that was looked up was written (unix seconds), where that is known."""
        found = self.files.get(handle)
        return (found.modified or None) if isinstance(found, Listed) else None


def look_at(reader: StoreReader, entry: Entry, stopped: Callable[[], bool]) -> Iterator[ManifestView]:
    """The manifest as soon as it is read, then the files that it names, now and then how far that is, at last all.

    Meant for a worker thread. Stops between two files where `stopped` says so, and tells what was seen by then.
    """
    try:
        loaded = load_manifest(reader, entry.lane, entry.manifest)
    except Unloaded as unloaded:
        yield ManifestView(entry, fault=unloaded.problem.message, stock_says=unloaded.problem.stock_says)
        return
    if stopped():
        yield ManifestView(entry, stopped=True)
        return
    manifest, problems = loaded.manifest, _Problems()
    problems.extend(check_manifest(manifest, entry.manifest))
    problems.extend(check_against_entry(manifest, entry.record, entry.manifest))
    named = [each for each in named_files(manifest) if not handle_problem(each.handle)]
    view = ManifestView(entry, loaded, lines=_lines(entry, manifest), formats=_formats(manifest), to_look_up=len(named))
    view = problems.put_into(view)
    yield replace(view, flawed=_flawed(view))
    files: dict[str, Listed | HandleUnreadable] = {}
    for done in _look_up(reader, view, named, files, problems, stopped):
        yield replace(view, looked_up=done)
    seen = _summed(problems.put_into(replace(view, files=files, looked_up=len(files), stopped=stopped())))
    seen = seen if seen.stopped else replace(seen, looked_up=len(named))
    yield replace(seen, flawed=_flawed(seen))


def _summed(view: ManifestView) -> ManifestView:
    """With what its files come to in all."""
    sizes = [size for chunk in view.chunks if (size := view.size(chunk.file)) is not None]
    times = [each.modified for each in view.files.values() if isinstance(each, Listed) and each.modified]
    span = (min(times), max(times)) if times else None
    return replace(view, chunk_bytes=sum(sizes), chunks_there=len(sizes), times=span)


def _formats(manifest: Manifest) -> tuple[str, ...]:
    chunks = manifest.chunks if isinstance(manifest, TransactionManifest) else ()
    return tuple(sorted({chunk.format.value for chunk in chunks}))


def _look_up(
    reader: StoreReader,
    view: ManifestView,
    named: Sequence[NamedFile],
    files: dict[str, Listed | HandleUnreadable],
    problems: _Problems,
    stopped: Callable[[], bool],
) -> Iterator[int]:
    """Put each file that is `named` into `files`, and what is wrong with it to the problems; how many are done."""
    assert view.manifest is not None
    folder = BackupFiles(reader, view.entry.manifest.rpartition("/")[0])
    told = time.monotonic()
    for done, file in enumerate(named):
        if done % _LOT == 0:
            if stopped():
                return
            if time.monotonic() - told > _TELL_SECONDS:
                told = time.monotonic()
                yield done
        found = folder.look_up(file.handle)
        files[file.handle] = found
        problem = check_presence(view.manifest, file, found)
        problems.extend((problem,) if problem else ())


@dataclass(slots=True)
class _Problems:
    """The first problems, and how many there are."""

    told: list[ManifestProblem] = field(default_factory=list)
    count: int = 0

    def extend(self, problems: Iterable[ManifestProblem]) -> None:
        for problem in problems:
            self.count += 1
            if len(self.told) < PROBLEMS_TOLD:
                self.told.append(problem)

    def put_into(self, view: ManifestView) -> ManifestView:
        return replace(view, problems=tuple(self.told), problem_count=self.count)


def _lines(entry: Entry, manifest: Manifest) -> list[ManifestLine]:
    """The manifest's own file, the proof of a snapshot, and the chunks with the seams between them."""
    lines: list[ManifestLine] = [FileLine(entry.manifest)]
    if isinstance(manifest, StateManifest):
        lines.append(FileLine(manifest.proof, is_proof=True))
    number = 0
    for seam in seams(manifest):
        lines += range(number, seam.before)
        lines.append(seam)
        number = seam.before
    return [*lines, *range(number, len(chunks_of(manifest)))]


def _flawed(view: ManifestView) -> list[int]:
    return [place for place, line in enumerate(view.lines) if view.line_flaw(line)]
