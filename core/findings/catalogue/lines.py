"""Hazards of metadata files and of the lines in them."""

from __future__ import annotations

from typing import Final

from core.findings.hazard import hazards
from core.model import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

HAZARDS: Final = hazards(
    "lines and files",
    (
        (
            "name-content-disagree",
            "name disagrees",
            1,
            _ERROR,
            "A file name announces a range that its lines do not hold. Stock never reads names, so the lines "
            "count; a compacted file that ends early was cut while it was written.",
        ),
        (
            "identity-missing",
            "no identity",
            1,
            _INFO,
            "There is no identity line. Stock never reads it back; it is written only when a listing is empty.",
        ),
        (
            "identity-multiple",
            "two identities",
            1,
            _ERROR,
            "The store holds several identities: two stores were merged, or a listing that failed was taken for "
            "an empty store. Their entries may belong to different chains.",
        ),
        (
            "identity-never-checked",
            "chain unknown",
            2,
            _ERROR,
            "Nothing in a store says which chain it belongs to but the waypoint of epoch 0. A coordinator that is"
            " pointed at the wrong network's store is not noticed.",
        ),
        (
            "empty-meta-file",
            "empty file",
            0,
            _ERROR,
            "A metadata file holds no lines. Stock accepts it and knows nothing of what it should hold.",
        ),
        (
            "blank-line",
            "blank line",
            1,
            _ERROR,
            "An empty line makes the whole store unreadable for stock.",
        ),
        (
            "bad-json-line",
            "torn line",
            1,
            _ERROR,
            "A line can't be parsed. One such line anywhere stops every stock command on the store.",
        ),
        (
            "bad-encoding",
            "not UTF-8",
            1,
            _ERROR,
            "A byte order mark or bytes that are not UTF-8 make the whole store unreadable for stock.",
        ),
        (
            "number-not-u64",
            "bad number",
            1,
            _ERROR,
            "A number is not a plain unsigned 64-bit integer. Other tools let it pass, stock refuses the store.",
        ),
        (
            "duplicate-key",
            "repeated key",
            1,
            _ERROR,
            "A key stands twice in one line. Other tools keep the last silently, stock refuses the store.",
        ),
        (
            "unknown-variant",
            "unknown record",
            1,
            _ERROR,
            "A line is of a kind that stock does not know: written by a newer tool, or no metadata at all.",
        ),
        (
            "array-form-record",
            "list form",
            1,
            _INFO,
            "A record is written as a list instead of an object. Stock accepts it.",
        ),
        (
            "line-separator-chars",
            "odd line ends",
            1,
            _INFO,
            "A line holds characters that end lines elsewhere (U+2028, U+0085). Stock splits at line feeds only.",
        ),
        (
            "error-names-no-file",
            "nameless error",
            1,
            _INFO,
            "Stock's parse errors name neither the file nor its true line; its log shows only the hash of the "
            "cached file.",
        ),
        (
            "metadata-file-count",
            "many files",
            0,
            _INFO,
            "Thousands of one-line metadata files make every command slow. Compaction with a larger factor helps.",
        ),
        (
            "duplicate-line",
            "repeated lines",
            1,
            _INFO,
            "The same entry stands in several files, as is normal between a compaction and the removal of the "
            "originals. Stock counts it once.",
        ),
    ),
)
