"""One manifest from its handle: found, read within limits, inflated, parsed; or the one reason why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.gzips import GzipFault, inflated, is_gzip, text_of
from core.manifests.facts import ManifestProblem, ManifestStatus
from core.manifests.files import IS_A_FOLDER
from core.manifests.model import Manifest, ManifestRefused
from core.manifests.parse import MAX_MANIFEST_BYTES, parse_manifest
from core.model import LaneKind
from core.names import handle_problem
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault, StoreReader


@dataclass(frozen=True, slots=True)
class LoadedManifest:
    """A manifest that was read: its file as it was listed, whether that is gzip, and what it says."""

    listed: Listed
    gzip: bool
    manifest: Manifest


class Unloaded(Exception):
    """A manifest that could not be read: the one problem, and what is known of its file."""

    def __init__(self, status: ManifestStatus, problem: ManifestProblem, listed: Listed | None = None) -> None:
        super().__init__(problem.message)
        self.status = status
        self.problem = problem
        self.listed = listed


def load_manifest(
    reader: StoreReader,
    lane: LaneKind,
    handle: str,
    root: Mapping[str, ListedKind] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> LoadedManifest:
    """Read and parse one manifest, never more than `MAX_MANIFEST_BYTES` of it. Raises `Unloaded`, and `Stopped`.

    `root` holds the kinds of the names at the store's top where they are known, to tell a link from a missing file.
    """
    problem = handle_problem(handle)
    if problem:
        fault = ManifestProblem("path-traversal-read", f"the manifest is not opened: {problem}", handle)
        raise Unloaded(ManifestStatus.REFUSED, fault)
    try:
        listed = reader.stat(handle)
        if listed.kind is not ListedKind.FILE:
            raise HandleUnreadable(ReadFault.REFUSED, f"not opened: it is a {listed.kind.value}")
    except HandleUnreadable as unreadable:
        raise _unopened(reader, handle, unreadable, root or {}) from unreadable
    if listed.size > MAX_MANIFEST_BYTES:
        message = f"it has {listed.size:,} bytes; manifests over {MAX_MANIFEST_BYTES:,} are not read, so that nothing "
        message += "is known of it"
        raise Unloaded(ManifestStatus.UNREADABLE, ManifestProblem("manifest-huge", message, handle), listed)
    return _read(reader, lane, listed, stopped)


async def read_manifest(reader: StoreReader, handle: str, lane: LaneKind) -> Manifest:
    """One manifest for the app, read and parsed without holding up the event loop.

    Raises `HandleUnreadable` when it can't be had and `ManifestRefused` when it can't be read as a manifest.
    """
    data = await reader.read(handle, MAX_MANIFEST_BYTES)
    return await asyncio.to_thread(_parsed, lane, data)


def _parsed(lane: LaneKind, data: bytes) -> Manifest:
    try:
        return parse_manifest(lane, text_of(data, MAX_MANIFEST_BYTES))
    except GzipFault as fault:
        raise ManifestRefused(f"gzip: {fault.message}", fault.hazard, says_stock=False) from fault


def _read(reader: StoreReader, lane: LaneKind, listed: Listed, stopped: Callable[[], bool]) -> LoadedManifest:
    handle, zipped = listed.handle, False
    try:
        with reader.open(handle) as stream:
            zipped = is_gzip(stream)
            # A plain file that grows under the reader is torn in any case: what was listed, and a sign that it grew.
            data = b"".join(inflated(stream, MAX_MANIFEST_BYTES)) if zipped else stream.read(listed.size + 1)
        return LoadedManifest(listed, zipped, parse_manifest(lane, data, stopped))
    except HandleUnreadable as unreadable:
        raise _unopened(reader, handle, unreadable, {}) from unreadable
    except OSError as error:
        words = f"{error.strerror} (os error {error.errno})"
        fault = ManifestProblem("dangling-manifest", f"the manifest can't be read: {words}", handle, words)
    except GzipFault as damage:
        fault = gzip_problem(damage, "the manifest", handle)
    except ManifestRefused as refused:
        fault = _refusal(refused, handle, zipped=zipped)
    raise Unloaded(ManifestStatus.UNREADABLE, fault, listed)


def gzip_problem(damage: GzipFault, what: str, handle: str, chunk: int | None = None) -> ManifestProblem:
    """A damaged or boundless gzip file as a problem; `what` it is begins the sentence."""
    if damage.hazard == "decompression-bomb":
        return ManifestProblem(damage.hazard, f"{what} is not read to its end: {damage.message}", handle, chunk=chunk)
    message, stock = f"{what} is damaged gzip: {damage.message}", f"gzip: stdin: {damage.message}"
    return ManifestProblem(damage.hazard, message, handle, stock, chunk)


def _refusal(refused: ManifestRefused, handle: str, *, zipped: bool) -> ManifestProblem:
    """Stock's words may quote the file, so they stay apart from ours."""
    if not refused.says_stock:
        message = f"it holds {refused.message}; such a manifest is not read to its end, so that nothing is known of it"
        return ManifestProblem(refused.hazard, message, handle)
    hazard, message = refused.hazard, "the manifest does not have the form of one"
    cut = refused.message.startswith("EOF while parsing")
    if hazard == "chunk-format-unknown":
        message = "the manifest marks its chunks with a format that is not known"
    elif cut and not zipped:
        message = "the manifest is empty or cut off"
    elif cut:
        # The stream is whole as gzip, so the upload ended normally: what was fed to it had been cut.
        hazard, message = "partial-object-valid-gzip", "the manifest is whole as gzip, but its content is cut off"
    return ManifestProblem(hazard, message, handle, refused.message)


def _unopened(
    reader: StoreReader, handle: str, unreadable: HandleUnreadable, root: Mapping[str, ListedKind]
) -> Unloaded:
    if unreadable.fault is ReadFault.MISSING:
        fault = ManifestProblem("dangling-manifest", "the manifest is not in the store", handle, unreadable.message)
        return Unloaded(ManifestStatus.MISSING, fault)
    if unreadable.fault is not ReadFault.REFUSED:
        message = f"the manifest can't be read: {unreadable.message}"
        return Unloaded(
            ManifestStatus.UNREADABLE, ManifestProblem("dangling-manifest", message, handle, unreadable.message)
        )
    kind = kind_on_the_way(reader, handle, root)
    hazard = "symlink-entry" if kind is ListedKind.LINK else "dangling-manifest"
    stock = IS_A_FOLDER if kind is ListedKind.FOLDER else None
    return Unloaded(
        ManifestStatus.REFUSED, ManifestProblem(hazard, f"the manifest is {unreadable.message}", handle, stock)
    )


def kind_on_the_way(reader: StoreReader, handle: str, root: Mapping[str, ListedKind]) -> ListedKind | None:
    """What stands at `handle`, or at the first part of its path that is no folder; None where nothing does."""
    parts = handle.split("/")
    for depth in range(len(parts)):
        name = "/".join(parts[: depth + 1])
        kind = root.get(name) if depth == 0 and root else _kind_of(reader, name)
        if kind is not ListedKind.FOLDER:
            return kind
    return ListedKind.FOLDER


def _kind_of(reader: StoreReader, name: str) -> ListedKind | None:
    try:
        return reader.stat(name).kind
    except HandleUnreadable:
        return None
