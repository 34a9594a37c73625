"""Hazards of the entries themselves: their ranges, how they join, and what stock selects from them."""

from __future__ import annotations

from typing import Final

from core.findings.hazard import hazards
from core.model import Severity

_ERROR, _WARNING, _INFO = Severity.ERROR, Severity.WARNING, Severity.INFO

HAZARDS: Final = hazards(
    "ranges",
    (
        (
            "overlap-manifest",
            "same range",
            1,
            _ERROR,
            "Two entries cover the same range but name different manifests, so the index no longer describes one "
            "line of history. Stock folds only lines that are equal to the last byte, and stops at the second.",
        ),
        (
            "overlap-nested",
            "overlap",
            1,
            _ERROR,
            "One range lies inside another or pokes out of it, mostly because two writers used different batch "
            "sizes. Stock stops where the next entry does not begin right after the last one.",
        ),
        (
            "gap-range",
            "gap",
            1,
            _ERROR,
            "Versions are missing between two transaction entries. Coordinators resume from the greatest version "
            "they see, so a hole is never filled later.",
        ),
        (
            "gap-below-target",
            "silent short restore",
            1,
            _ERROR,
            "A gap right below the target goes unnoticed: stock stops selecting at the first entry above the "
            "target, before its continuity check sees the jump, and restores less than was asked for without a "
            "word.",
        ),
        (
            "no-zero-start",
            "nothing at 0",
            1,
            _ERROR,
            "The entries do not begin at 0. Stock always selects from 0, so no restore of any version is possible.",
        ),
        (
            "inverted-range",
            "inverted range",
            1,
            _ERROR,
            "An entry ends before it begins. Nothing in stock checks that; if the entry sorts last, a full "
            "restore silently stops at the wrong version.",
        ),
        (
            "max-by-first",
            "two newest versions",
            1,
            _ERROR,
            "Two parts of stock disagree about the newest version: restore takes the entry that begins last, the "
            "status takes the greatest end.",
        ),
        (
            "version-u64-max",
            "endless range",
            1,
            _ERROR,
            "An entry ends at 18446744073709551615. Stock adds one to it and aborts.",
        ),
        (
            "epoch-gap",
            "epoch gap",
            1,
            _ERROR,
            "An epoch ending entry is missing. Targets below the next entry still work, as later epochs are cut "
            "off first.",
        ),
        (
            "epoch-version-disorder",
            "epoch versions disagree",
            1,
            _ERROR,
            "The versions of epoch ending entries are impossible: falling, or two for one epoch. They are taken "
            "from the waypoints when they are written and never compared again.",
        ),
        (
            "epoch-history-lag",
            "epochs lag",
            1,
            _ERROR,
            "Epoch endings stop below the epochs of the newest data. Stock accepts the rest with a warning, "
            "without checking its signatures.",
        ),
        (
            "epoch-history-empty",
            "no epoch endings",
            1,
            _ERROR,
            "There is no epoch ending to prove anything with: every restore fails after its first chunk.",
        ),
        (
            "snapshot-conflict",
            "two snapshots",
            1,
            _ERROR,
            "Two state snapshots stand for one version or one epoch. Stock picks one by the order of their names,"
            " and its two ways of picking differ.",
        ),
        (
            "snapshot-epoch-order",
            "snapshot order",
            1,
            _ERROR,
            "A snapshot has a higher epoch but a lower version than another. Stock sorts by epoch first, so the "
            "older state wins.",
        ),
        (
            "snapshot-not-epoch-end",
            "off epoch end",
            1,
            _ERROR,
            "A snapshot does not stand on the last version of its epoch, where all snapshots are taken: one of "
            "the two lines is wrong.",
        ),
        (
            "snapshot-ahead-of-transactions",
            "snapshot ahead",
            1,
            _INFO,
            "The newest snapshot lies above the newest transaction, so it can't be used yet: a full restore lands"
            " on an older one.",
        ),
        (
            "snapshot-none",
            "no snapshot",
            1,
            _ERROR,
            "There is no snapshot at or below the target, so stock has nothing to start from.",
        ),
        (
            "snapshot-none-for-history",
            "no old snapshot",
            1,
            _ERROR,
            "History from below the oldest snapshot can't be restored. The check for that in stock is broken: "
            "such a restore runs for hours and dies late.",
        ),
        (
            "manifest-name-disagree",
            "other folder's manifest",
            1,
            _ERROR,
            "The folder of the manifest that an entry names is that of a backup with another start: a copied or "
            "redirected handle. Suspicious, not yet proof.",
        ),
        (
            "shared-manifest",
            "shared manifest",
            1,
            _ERROR,
            "Two entries with different ranges name one manifest: at least one of them is wrong.",
        ),
    ),
)
