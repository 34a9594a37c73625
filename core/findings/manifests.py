"""Hazards of manifests: what they say of themselves, whether they are there, and whether they agree with their lines.

Rows of `hazards.md`, "Manifests"; the facts come from `core.manifests`, level 2 and up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.findings.case import ENTRY_LANES, Case
from core.findings.commands import listing
from core.findings.evidence import correct, look_beside, look_inside, report, summarised
from core.findings.folders import NOT_HERE
from core.findings.registry import detector
from core.manifests import ManifestStatus
from core.model import Finding, LaneKind, Severity
from core.names import parse_backup_folder
from core.phrases import entries

_EDITED: Final = "A hand edit, a redirected handle or a merge of stores: stock writes both from the same numbers."
_CLOSER: Final = (
    "The manifest says what the backup really holds, the line only repeats it. Where the line says otherwise, the line "
    "is wrong."
)
_TORN: Final = "A backup that was killed while it wrote, a full disk, a cut transfer, or an error page saved as a file."
_GONE: Final = "A partial copy of the store, a lifecycle rule that deleted old objects, or an upload that never ended."


@detector("dangling-manifest")
def dangling_manifest(case: Case) -> Iterator[Finding]:
    """Manifests, chunks and proofs that are not there; one finding for a lane of which nothing is."""
    bare = [kind for kind in ENTRY_LANES if _nothing_there(case, kind)]
    for kind in bare:
        number = len(case.evidence.of_lane(kind)) if case.evidence else 0
        named = entries(len(case.lane(kind)), kind)
        yield summarised(
            case,
            "dangling-manifest",
            kind,
            explanation=f"None of the {number:,} manifests that {named} point to is in this store, nor a folder of "
            "such a backup: is this a copy of the metadata only?",
            cause=_GONE,
            next_step=listing(case, ""),
            then=NOT_HERE,
        )
    for each in report(case, "dangling-manifest", cause=_GONE):
        if each.lane not in bare:
            yield each


def _nothing_there(case: Case, kind: LaneKind) -> bool:
    """Whether every manifest of a lane is missing, and every folder that could hold one."""
    looked_at = case.evidence.of_lane(kind) if case.evidence else ()
    if not looked_at or any(facts.status is not ManifestStatus.MISSING for facts in looked_at):
        return False
    folders = (parse_backup_folder(listed.handle) for listed in case.snapshot.root)
    return all(folder is None or folder.kind is not kind for folder in folders)


@detector("manifest-range-mismatch")
def manifest_range_mismatch(case: Case) -> Iterator[Finding]:
    """The manifest covers another range than its line says."""
    return report(case, "manifest-range-mismatch", cause=_EDITED, way_on=correct, then=_CLOSER)


@detector("snapshot-manifest-mismatch")
def snapshot_manifest_mismatch(case: Case) -> Iterator[Finding]:
    """The manifest is of another version or epoch than its line says."""
    return report(case, "snapshot-manifest-mismatch", cause=_EDITED, way_on=correct)


@detector("snapshot-empty-chunks")
def snapshot_empty_chunks(case: Case) -> Iterator[Finding]:
    """A snapshot manifest without chunks."""
    return report(
        case, "snapshot-empty-chunks", cause="A hand edit, or a tool other than stock: stock never writes one."
    )


@detector("snapshot-missing-tail")
def snapshot_missing_tail(case: Case) -> Iterator[Finding]:
    """Chunk files behind the end of a snapshot's manifest: each chunk still proves, but the state is not whole."""
    cause = "The manifest lost its last chunks to an edit, or another snapshot was written into the same folder."
    then = "If the chunk files that the manifest leaves out are of this snapshot, its state is not whole: take the "
    then += "snapshot again. If they are of another backup, they only take up room."
    return report(case, "snapshot-missing-tail", cause=cause, way_on=look_beside, then=then)


@detector("snapshot-chunk-order")
def snapshot_chunk_order(case: Case) -> Iterator[Finding]:
    """Snapshot chunks that do not follow each other by index and key."""
    return report(case, "snapshot-chunk-order", cause="A hand edit or a merge of manifests.")


@detector("manifest-chunk-gap")
def manifest_chunk_gap(case: Case) -> Iterator[Finding]:
    """Chunks that do not follow each other, or none at all."""
    return report(case, "manifest-chunk-gap", cause="A hand edit or a merge of manifests.")


@detector("manifest-last-mismatch")
def manifest_last_mismatch(case: Case) -> Iterator[Finding]:
    """The chunks end elsewhere than the manifest says."""
    return report(case, "manifest-last-mismatch", cause="The list of chunks was cut short, or a number edited.")


@detector("manifest-waypoint-count")
def manifest_waypoint_count(case: Case) -> Iterator[Finding]:
    """Not one rising waypoint for each epoch, or other versions than the line says."""
    cause = "The list of waypoints was cut short, or the manifest or its line was edited."
    return report(case, "manifest-waypoint-count", cause=cause)


@detector("manifest-overflow")
def manifest_overflow(case: Case) -> Iterator[Finding]:
    """A range up to 2^64-1, at which stock aborts."""
    return report(case, "manifest-overflow", cause="A damaged or hostile manifest.")


@detector("manifest-bad-json")
def manifest_bad_json(case: Case) -> Iterator[Finding]:
    """A manifest that stock can't parse; its error does not name the file."""
    return report(case, "manifest-bad-json", cause=_TORN)


@detector("epoch-cut-panic")
def epoch_cut_panic(case: Case) -> Iterator[Finding]:
    """A line that claims versions below the first waypoint: a target in between aborts stock."""
    return report(case, "epoch-cut-panic", cause=_EDITED, way_on=correct, then=_CLOSER)


@detector("manifest-huge")
def manifest_huge(case: Case) -> Iterator[Finding]:
    """A manifest too large to be read whole, as stock does: not looked at."""
    cause = "A hostile or runaway writer: real manifests take kilobytes, the largest some megabytes."
    then = "If nobody can say why it is so large, do without it: back its range up again, and retire its line."
    return report(case, "manifest-huge", cause=cause, way_on=look_beside, then=then)


@detector("chunk-format-unknown")
def chunk_format_unknown(case: Case) -> Iterator[Finding]:
    """Chunks of a format newer than V1."""
    cause = "A newer stock tool wrote the backup: restore it with a tool at least as new."
    then = "Nothing in the store has to be changed. If no newer tool wrote it, back its range up again."
    return report(case, "chunk-format-unknown", cause=cause, way_on=look_inside, then=then)


@detector("suffix-collision", level=3)
def suffix_collision(case: Case) -> Iterator[Finding]:
    """Chunk or proof files in a backup's folder that its manifest does not list."""
    cause = "Two backups of the same start drew the same suffix of 16 bits, or a manifest lost some of its chunks."
    then = "If all the files that the manifest lists are whole (a check at level 4 tells), the others only take up "
    then += "room. If not, back its range up again."
    return report(case, "suffix-collision", cause=cause, way_on=look_beside, severity=Severity.WARNING, then=then)


@detector("path-traversal-read", level=2)
def handle_in_a_manifest(case: Case) -> Iterator[Finding]:
    """A manifest names a file outside of the store. Handles in metadata lines are for the check of lines."""
    for each in report(case, "path-traversal-read", cause="A damaged or hostile manifest."):
        facts = case.evidence.manifest(each.lane, each.manifests[0]) if case.evidence else None
        if facts is None or facts.status is ManifestStatus.READ:
            yield each


@detector("symlink-entry", level=2)
def behind_links(case: Case) -> Iterator[Finding]:
    """Manifests and files that are links, or lie behind one: stock follows them, this check does not."""
    return report(
        case,
        "symlink-entry",
        cause="A part of the store was moved to another disk and linked back.",
        way_on=look_beside,
        severity=Severity.WARNING,
        then="If the links lead to files of this store, put the files in their place to have them checked; restores "
        "work with either. If they lead elsewhere or nowhere, back the range up again.",
    )
