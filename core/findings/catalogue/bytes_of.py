"""Hazards of manifests, and of the chunk and proof files that they list."""

from __future__ import annotations

from typing import Final

from core.findings.hazard import hazards
from core.model import Severity

_ERROR, _WARNING = Severity.ERROR, Severity.WARNING

MANIFESTS: Final = hazards(
    "manifests",
    (
        (
            "dangling-manifest",
            "missing manifest",
            2,
            _ERROR,
            "An entry names a manifest, or a manifest a chunk or proof, that does not exist. A restore finds out "
            "after hours of work.",
        ),
        (
            "manifest-range-mismatch",
            "manifest range",
            2,
            _ERROR,
            "The manifest covers another range than its entry says. Stock never compares the two.",
        ),
        (
            "snapshot-manifest-mismatch",
            "snapshot version",
            2,
            _ERROR,
            "A snapshot entry and its manifest name different versions or epochs: one version's state would be "
            "stored as another's.",
        ),
        (
            "snapshot-empty-chunks",
            "empty snapshot",
            2,
            _ERROR,
            "A snapshot manifest lists no chunks. Stock accepts it.",
        ),
        (
            "snapshot-missing-tail",
            "snapshot cut",
            3,
            _ERROR,
            "Chunks at the end of a snapshot are not listed. Every chunk that remains still proves, and stock "
            "does not check the whole.",
        ),
        (
            "snapshot-chunk-order",
            "chunk order",
            2,
            _ERROR,
            "The chunks of a snapshot are out of order or repeated. Restoring it fails, or resumes in the wrong place.",
        ),
        (
            "manifest-chunk-gap",
            "chunk gap",
            2,
            _ERROR,
            "The chunks of a manifest do not follow each other without a gap, or there are none.",
        ),
        (
            "manifest-last-mismatch",
            "chunks end elsewhere",
            2,
            _ERROR,
            "The chunks of a manifest end at another version or epoch than the manifest says.",
        ),
        (
            "manifest-waypoint-count",
            "waypoint count",
            2,
            _ERROR,
            "An epoch ending manifest needs one rising waypoint for each of its epochs, and has not.",
        ),
        (
            "manifest-overflow",
            "endless chunk",
            2,
            _ERROR,
            "A chunk ends at 2^64-1. Stock adds one to it and aborts.",
        ),
        (
            "manifest-bad-json",
            "torn manifest",
            2,
            _ERROR,
            "A manifest is empty, cut off or something else. Stock's error does not name the file.",
        ),
        (
            "epoch-cut-panic",
            "epoch cut",
            2,
            _ERROR,
            "An epoch ending entry claims versions below its first waypoint. A target in between aborts stock.",
        ),
        (
            "manifest-huge",
            "huge manifest",
            2,
            _ERROR,
            "A manifest is so large that reading it whole exhausts memory: it was not looked at.",
        ),
        (
            "chunk-format-unknown",
            "chunk format",
            2,
            _ERROR,
            "A manifest marks its chunks with a format that older tools ignore, and then fail to decode.",
        ),
        (
            "orphan-backup-dir",
            "unused folder",
            1,
            _WARNING,
            "No entry points to a backup folder: its metadata was never written, or was replaced.",
        ),
        (
            "suffix-collision",
            "shared folder",
            1,
            _ERROR,
            "Two backups of the same start drew the same random suffix and share one folder, so one may have "
            "overwritten the other's chunks.",
        ),
    ),
)

CHUNKS: Final = hazards(
    "chunks",
    (
        (
            "chunk-length-bomb",
            "length bomb",
            4,
            _ERROR,
            "A record claims an absurd length. Stock believes it and reserves up to 4 GiB for each such record.",
        ),
        (
            "chunk-truncated",
            "torn chunk",
            3,
            _ERROR,
            "A chunk file ends inside a record.",
        ),
        (
            "chunk-count-mismatch",
            "record count",
            3,
            _ERROR,
            "A chunk file holds another number of records than its range.",
        ),
        (
            "chunk-empty-record",
            "empty record",
            4,
            _ERROR,
            "A chunk file holds a record of no bytes.",
        ),
        (
            "chunk-write-set-unverified",
            "write sets",
            None,
            _ERROR,
            "Write sets in transaction chunks are not checked against their hashes. It takes decoding them to see"
            " a wrong one; replay-verify on a sample does.",
        ),
        (
            "chunk-kv-only-unverified",
            "unproven values",
            None,
            _ERROR,
            "A snapshot restored in key-value-only mode skips the proofs of its chunks. It takes decoding them to"
            " see a wrong one.",
        ),
        (
            "proof-swapped",
            "swapped proof",
            2,
            _ERROR,
            "The name of a proof file is that of another chunk's range.",
        ),
        (
            "partial-object-valid-gzip",
            "cut upload",
            2,
            _ERROR,
            "A killed backup ends its upload normally, so a cut object is stored that passes as whole gzip.",
        ),
        (
            "gzip-damaged",
            "damaged gzip",
            1,
            _ERROR,
            "A compressed file is cut off, has a wrong checksum or bytes behind it.",
        ),
        (
            "decompression-bomb",
            "inflates too far",
            1,
            _ERROR,
            "A small file inflates without bound.",
        ),
        (
            "plain-vs-gzip-store",
            "plain and gzip",
            0,
            _ERROR,
            "The store holds plain and gzip metadata side by side: it was written directly and through an "
            "adapter. Neither can read the other's.",
        ),
    ),
)
