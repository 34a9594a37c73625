"""Hazards of chunk and proof files: torn, short, swapped, damaged (`hazards.md`, "Chunks").

The facts come from `core.manifests`: level 3 sees what is empty, level 4 walks the records.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from core.findings.case import Case
from core.findings.evidence import look_beside, report
from core.findings.registry import detector
from core.model import Finding

_TORN: Final = "A backup that was killed, or a full disk, while the file was written; or a cut transfer."
_NAMES: Final = (
    "If the folder holds a proof that is named for the chunk's own range, the manifest was edited. Whether the chunk "
    "and its proof fit is not looked at here: a restore does that. If they do not, back the range up again."
)
_DAMAGED: Final = "Damage on the disk or on the way, or a hostile file."


@detector("chunk-truncated")
def chunk_truncated(case: Case) -> Iterator[Finding]:
    """A chunk file that ends inside a record, or a proof of no bytes."""
    return report(case, "chunk-truncated", cause=_TORN)


@detector("chunk-count-mismatch")
def chunk_count_mismatch(case: Case) -> Iterator[Finding]:
    """A chunk file with another number of records than its range."""
    cause = "The file was cut right between two records, or two files were swapped."
    return report(case, "chunk-count-mismatch", cause=cause)


@detector("chunk-length-bomb")
def chunk_length_bomb(case: Case) -> Iterator[Finding]:
    """A record that claims an absurd length, which stock would reserve in memory."""
    return report(case, "chunk-length-bomb", cause=_DAMAGED)


@detector("chunk-empty-record")
def chunk_empty_record(case: Case) -> Iterator[Finding]:
    """A record of no bytes, which decodes to nothing."""
    return report(case, "chunk-empty-record", cause=_DAMAGED)


@detector("proof-swapped")
def proof_swapped(case: Case) -> Iterator[Finding]:
    """A proof that is named for another range than that of its chunk."""
    return report(
        case, "proof-swapped", cause="A copy or an edit that mixed up proof files.", way_on=look_beside, then=_NAMES
    )


@detector("partial-object-valid-gzip")
def cut_upload(case: Case) -> Iterator[Finding]:
    """Whole gzip of content that is cut off."""
    cause = "The backup was killed: its pipe ended normally for gzip and the uploader, so the cut object was stored."
    return report(case, "partial-object-valid-gzip", cause=cause)


@detector("gzip-damaged", level=2)
def gzip_damaged(case: Case) -> Iterator[Finding]:
    """A manifest, chunk or proof that is no whole gzip stream. Metadata files are for the check of lines."""
    return report(case, "gzip-damaged", cause=_TORN)


@detector("decompression-bomb", level=2)
def decompression_bomb(case: Case) -> Iterator[Finding]:
    """A manifest, chunk or proof that inflates without bound."""
    return report(case, "decompression-bomb", cause="A hostile object.")
