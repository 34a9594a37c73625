"""Hazards around a store: storage adapters and listings, stock's cache, security, and what only this tool knows."""

from __future__ import annotations

from typing import Final

from core.findings.hazard import hazards
from core.model import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

ADAPTERS: Final = hazards(
    "storage",
    (
        (
            "empty-listing-new-identity",
            "new identity",
            1,
            _ERROR,
            "A listing that failed looked like an empty store: a new identity was written over the old one, and "
            "the coordinator began again at 0.",
        ),
        (
            "vacuous-verify",
            "nothing to verify",
            1,
            _ERROR,
            "`backup verify` and replay-verify succeed when there is nothing to verify.",
        ),
        (
            "typo-store",
            "no backups here",
            0,
            _ERROR,
            "A mistyped or unmounted folder is created and given an identity even by commands that only read.",
        ),
        (
            "list-filter-drift",
            "listing filter",
            None,
            _ERROR,
            "A listing filter that no longer fits its cloud tool yields an empty list without an error. Seen in "
            "the adapter configuration.",
        ),
        (
            "list-placeholder",
            "folder listed",
            0,
            _ERROR,
            "A folder inside metadata/ is listed as a metadata file, and no stock command works on the store.",
        ),
        (
            "foreign-file-in-metadata",
            "foreign file",
            0,
            _ERROR,
            "Any file in metadata/ is parsed as metadata, whatever its name: notes, editor files, locks, uploads.",
        ),
        (
            "list-name-with-space",
            "unsafe name",
            0,
            _ERROR,
            "A name with blanks, quotes or wildcards: listing filters cut it, and sample move commands split it.",
        ),
        (
            "adapter-handle-mismatch",
            "index moved away",
            1,
            _ERROR,
            "Fresh compacted files were not recognised as fresh, as the adapter spells their names otherwise than"
            " its listing, and the whole index has been moved to metadata_backup/.",
        ),
        (
            "adapter-stdout-open",
            "adapter hangs",
            None,
            _ERROR,
            "A save command that does not close its standard output hangs for ever. Seen in the adapter configuration.",
        ),
        (
            "adapter-no-move-command",
            "no move command",
            None,
            _ERROR,
            "Without backup_metadata_file compaction aborts a day after its first run. Seen in the adapter "
            "configuration.",
        ),
        (
            "azure-sample-broken",
            "broken sample",
            None,
            _ERROR,
            "The published Azure sample can't save metadata. Seen in the adapter configuration.",
        ),
        (
            "cloud-overwrite",
            "replaced file",
            None,
            _ERROR,
            "Saving an existing name in a cloud replaces it, and caches keep the old content. Seen in two looks "
            "over time.",
        ),
        (
            "localfs-skip-existing",
            "backup not recorded",
            0,
            _ERROR,
            "LocalFs does not write a metadata file whose name exists and reports success: the new backup is in "
            "no index.",
        ),
        (
            "localfs-error-hidden",
            "hidden cause",
            None,
            _ERROR,
            "Disk full, permission and name errors when saving metadata are replaced by one line without a cause."
            " It is not seen in a store.",
        ),
        (
            "adapter-argument-splitting",
            "unquoted names",
            None,
            _ERROR,
            "Unquoted variables in adapter commands split odd names. Seen in the adapter configuration.",
        ),
        (
            "config-is-code",
            "config is code",
            None,
            _ERROR,
            "An adapter configuration runs arbitrary shell commands. Seen in the adapter configuration.",
        ),
        (
            "listing-lag",
            "listing lags",
            None,
            _ERROR,
            "A listing misses files that were just written or moved. Seen in two looks over time.",
        ),
        (
            "symlink-entry",
            "link",
            0,
            _ERROR,
            "Stock follows links in metadata/; one that leads nowhere breaks every command. Links are not "
            "followed here.",
        ),
        (
            "non-utf8-name",
            "name not UTF-8",
            0,
            _ERROR,
            "A file name in metadata/ is not UTF-8, and stock can't list the store.",
        ),
        (
            "concurrency-zero",
            "concurrency 0",
            None,
            _ERROR,
            "--concurrent-downloads 0 aborts stock. Seen on the command line only.",
        ),
        (
            "child-left-behind",
            "process left",
            None,
            _WARNING,
            "Failed adapter commands leave their shell running. It is not seen in a store.",
        ),
    ),
)

CACHE: Final = hazards(
    "stock's cache",
    (
        (
            "stale-cache-same-handle",
            "stale cache",
            None,
            _ERROR,
            "A metadata file rewritten under its old name is never read again by whoever has it cached. Seen in "
            "the cache.",
        ),
        (
            "cache-cross-network",
            "shared cache",
            None,
            _ERROR,
            "One cache used for two stores mixes them, as equal names resolve to the first store's files. Seen in"
            " the cache.",
        ),
        (
            "cache-truncated-entry",
            "cut cache file",
            None,
            _ERROR,
            "A cached file that was cut to nothing silently hides its lines. Seen in the cache.",
        ),
        (
            "cache-dir-race",
            "cache in use",
            None,
            _ERROR,
            "Two processes that share a cold cache fail on each other's files. Seen in the cache.",
        ),
        (
            "cache-dir-foreign",
            "foreign cache file",
            None,
            _ERROR,
            "Anything else in the cache folder is deleted; a folder in it stops every command. Seen in the cache.",
        ),
        (
            "download-ignored-then-fatal",
            "unreadable file",
            1,
            _ERROR,
            "A listed metadata file can't be read. Newer releases only warn, and then stop with an error that "
            "names nothing.",
        ),
        (
            "cache-hash-collision",
            "hash collision",
            0,
            _ERROR,
            "Two files have the same 64-bit cache hash: one is never loaded, yet compaction still moves it.",
        ),
        (
            "cache-hash-unstable",
            "unstable hash",
            None,
            _INFO,
            "The cache's hash may change between releases; everything is read again then. It is not seen in a store.",
        ),
        (
            "rebuilt-name-stale-cache",
            "rebuilt name",
            None,
            _ERROR,
            "A compacted file that was moved out is written again, whole, under its old name, and caches keep the"
            " bad one. Seen in the cache.",
        ),
    ),
)

SECURITY: Final = hazards(
    "security",
    (
        (
            "path-traversal-read",
            "hostile handle",
            1,
            _ERROR,
            "A handle leads out of the store: absolute, with `..`, or with characters that no handle has. Stock "
            "reads whatever it names.",
        ),
        (
            "unanchored-trust",
            "no trusted waypoint",
            None,
            _ERROR,
            "Without --trust-waypoint a complete made-up history verifies. Seen on the command line only.",
        ),
        (
            "skip-epoch-endings",
            "no signatures",
            None,
            _ERROR,
            "--skip-epoch-endings, one-off restores and replay-verify check no signatures. Seen on the command "
            "line only.",
        ),
        (
            "metadata-unsigned",
            "unsigned index",
            None,
            _ERROR,
            "Nothing signs the index: whoever can write the store can shorten or redirect history. It takes an "
            "own inventory outside the store to see it.",
        ),
        (
            "cache-dir-permissions",
            "open cache",
            None,
            _ERROR,
            "The cache folder may be writable for others. Seen in the cache.",
        ),
        (
            "replay-jobs-arithmetic",
            "replay jobs",
            1,
            _INFO,
            "gen-replay-verify-jobs aborts on some lists of snapshots, and leaves spans out of others.",
        ),
    ),
)

OWN: Final = hazards(
    "seamline",
    (
        (
            "resurrected",
            "rejected entry back",
            1,
            _ERROR,
            "An entry that a repair rejected is visible again: a compaction that had loaded earlier wrote it "
            "back. It takes the journal to see it.",
        ),
        (
            "listing-shrank",
            "files are gone",
            0,
            _ERROR,
            "Files are gone since the last look. Nothing is planned on such a listing. It takes two looks to see it.",
        ),
        (
            "other-store",
            "another store",
            0,
            _ERROR,
            "A store of another identity lies where the last look saw one. Nothing is planned on it before that is "
            "said to be right. It takes two looks to see it.",
        ),
        (
            "interrupted-operation",
            "interrupted",
            0,
            _ERROR,
            "An operation of this tool did not end: it can be resumed or undone. It takes the journal to see it.",
        ),
        (
            "metadata-only",
            "metadata only",
            1,
            _WARNING,
            "Not one backup that the lines name lies at the top of the store: it is a copy of metadata alone, or its "
            "backups are gone. Lines can be judged, manifests can't.",
        ),
    ),
)
