"""Hazards of compaction, and of several programs working on one store."""

from __future__ import annotations

from typing import Final

from core.findings.hazard import hazards
from core.model import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

HAZARDS: Final = hazards(
    "compaction",
    (
        (
            "partial-compacted-file",
            "torn compacted file",
            1,
            _ERROR,
            "A compacted file that was cut while it was written is trusted for ever: later runs see its name, "
            "skip writing, and a day later move the originals away.",
        ),
        (
            "compacted-name-collision",
            "manifest dropped",
            1,
            _ERROR,
            "Two conflicting entries compact to one file name, and one of them vanishes without a word: LocalFs "
            "keeps the first, clouds keep the last.",
        ),
        (
            "compaction-bakes-conflict",
            "conflict baked in",
            1,
            _ERROR,
            "With some factors a conflict falls between two groups. Compaction succeeds and writes it into "
            "compacted files.",
        ),
        (
            "compaction-blind-gap",
            "gap unnoticed",
            1,
            _ERROR,
            "With some factors a gap falls between two groups, and compaction does not notice it.",
        ),
        (
            "compaction-abort-midway",
            "compaction stops",
            1,
            _INFO,
            "Compaction stops after it has written some of its files. What it left are harmless duplicates.",
        ),
        (
            "compaction-factor-zero",
            "factor 0",
            None,
            _ERROR,
            "A factor of 0 aborts stock. Seen on the command line only.",
        ),
        (
            "compaction-factor-one",
            "factor 1",
            None,
            _WARNING,
            "The default factor 1 rewrites every entry into a file of its own: the number of files doubles for a "
            "day and ends where it began. Seen in the compaction preview.",
        ),
        (
            "compaction-wedge-missing-file",
            "compaction wedged",
            1,
            _ERROR,
            "The newest compaction record names a file that is gone. Once its time is over every compaction dies "
            "at moving it, for good.",
        ),
        (
            "move-failure-ignored",
            "move failed",
            None,
            _WARNING,
            "Newer releases only log a failed move; the file stays and its time starts again. Seen in two looks "
            "over time.",
        ),
        (
            "identity-evicted",
            "identity moved",
            1,
            _INFO,
            "Compaction moves identity.meta to metadata_backup/ like any other file. Stock never reads it back.",
        ),
        (
            "timestamps-future",
            "future timestamps",
            1,
            _WARNING,
            "A compaction record is dated in the future and always wins: nothing expires any more.",
        ),
        (
            "timestamps-back",
            "clock went back",
            1,
            _ERROR,
            "A compaction record was written by a clock that was far behind: it loses against older ones, or "
            "makes everything expire at once.",
        ),
        (
            "timestamps-same-second",
            "same second",
            None,
            _WARNING,
            "Two compactions in one second share a record name and one of the two is lost. Seen in two looks over"
            " time.",
        ),
        (
            "timestamps-tie",
            "tied timestamps",
            1,
            _ERROR,
            "Two compaction records have the same time but different content. Which one counts changes from run "
            "to run.",
        ),
        (
            "timestamps-overflow",
            "endless timestamp",
            1,
            _ERROR,
            "A compaction time near 2^64 aborts stock when the grace period is added to it.",
        ),
        (
            "timestamps-foreign-handle",
            "foreign timestamp key",
            1,
            _ERROR,
            "A compaction record names something outside metadata/. Stock moves whatever it names to metadata_backup/.",
        ),
        (
            "grace-too-short",
            "short grace",
            None,
            _ERROR,
            "A short --remove-compacted-file-after moves files under running readers. Seen on the command line only.",
        ),
        (
            "backup-dir-overwrite",
            "name in both",
            0,
            _ERROR,
            "A file of the same name but other content lies in metadata_backup/. The next move silently replaces it.",
        ),
        (
            "backup-dir-cross-device",
            "other file system",
            0,
            _ERROR,
            "metadata_backup/ is on another file system, so that stock can't move files into it.",
        ),
        (
            "boundary-shift",
            "groups shifted",
            1,
            _WARNING,
            "An extra entry early in the sequence shifts all groups: every compacted file is written again under "
            "a new name, and all old ones are moved away.",
        ),
        (
            "rebackup-after-compaction",
            "backed up again",
            1,
            _ERROR,
            "A range was backed up again after its first entry had been compacted, when its file name was free again.",
        ),
        (
            "cleanup-is-noop",
            "cleanup does nothing",
            None,
            _WARNING,
            "`backup-maintenance cleanup` does nothing and says so nowhere. It is not a fault of a store.",
        ),
    ),
)

CONCURRENCY: Final = hazards(
    "concurrency",
    (
        (
            "no-stock-lock",
            "no lock",
            None,
            _ERROR,
            "The stock tools take no lock of any kind, and do not heed ours. It can't be seen in a store.",
        ),
        (
            "two-coordinators",
            "second batch size",
            1,
            _ERROR,
            "Two coordinators write into one store. Each reads it only at its start and keeps its position in memory.",
        ),
        (
            "two-compactors",
            "two compactors",
            None,
            _ERROR,
            "Two compactions at once: one fails at a move, and their records replace each other. Seen in two "
            "looks over time.",
        ),
        (
            "coordinator-position-in-memory",
            "coordinator's memory",
            None,
            _ERROR,
            "A running coordinator does not notice entries that were removed or repaired under it; it has to be "
            "restarted. It can't be seen in a store.",
        ),
        (
            "read-while-written",
            "in flight",
            0,
            _INFO,
            "A file looks cut off but is younger than a minute: LocalFs creates the name first and writes the "
            "lines after.",
        ),
        (
            "restore-store-changed",
            "resume impossible",
            None,
            _ERROR,
            "A restore that is resumed needs the snapshot it began with, and its entry is gone. It takes the "
            "version of that restore to see it.",
        ),
        (
            "resume-other-manifest",
            "resume differs",
            None,
            _ERROR,
            "Of two snapshots of one version a first run picks the greatest manifest and a resumed one the "
            "smallest. Seen as snapshot-conflict.",
        ),
    ),
)
