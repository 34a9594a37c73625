"""Who may write to a store: one exclusive lease, visible, expiring and fenced (`lease.md`).

Nothing that keeps the lines of a store safe rests on it, since a holder that was paused can always wake late: it keeps
order, and tells the second writer who the first one is. `LeaseLost` says that no further change may be started.
"""

from core.lease.held import TTL, Lease, hold
from core.lease.looking import (
    LeaseSight,
    LeaseState,
    LeaseView,
    Life,
    break_lease,
    look_at_lease,
    release_dead,
    view_of,
)
from core.lease.record import MAX_BYTES, UNREADABLE, LeaseRecord, LeaseUnreadable, parse
from core.lease.words import held_words, lease_held, life_words
from core.names import LOCK_HANDLE

__all__ = [
    "LOCK_HANDLE",
    "MAX_BYTES",
    "TTL",
    "UNREADABLE",
    "Lease",
    "LeaseRecord",
    "LeaseSight",
    "LeaseState",
    "LeaseUnreadable",
    "LeaseView",
    "Life",
    "break_lease",
    "held_words",
    "hold",
    "lease_held",
    "life_words",
    "look_at_lease",
    "parse",
    "release_dead",
    "view_of",
]
