"""Whether a storage keeps the conditions of a write, on which every lease rests (`lease.md`, "Probe before trust").

An object beside the lease is made twice, and a version of it that is gone is replaced: the second and third must fail.
That proves nothing of what happens when two try at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from core.errors import AlreadyThere, Refused
from core.names import PROBE_HANDLE
from core.storage.writing import ConditionalStore, Tagged

_PROBE_BYTES: Final = 1_024
#: How often somebody else who tries the same storage may come in between.
_PROBES: Final = 5


def require_conditions(store: ConditionalStore, fresh_id: Callable[[], str]) -> None:
    """Try a storage; `fresh_id` gives random digits. The probe stays there, and the lease is not touched.

    Raises `Refused` for a storage that ignores conditions, and what `ConditionalStore` raises.
    """

    def swap(tag: str | None) -> None:
        content = f"Seamline tries here whether this storage keeps conditions: {fresh_id()}\n"
        store.swap(PROBE_HANDLE, content.encode(), tag)

    with suppress(AlreadyThere):
        swap(None)
    _must_fail(swap, None, "made an object that was there already")
    _must_fail(swap, _replaced(store, swap), "replaced a version that was gone")


def _replaced(store: ConditionalStore, swap: Callable[[str | None], None]) -> str:
    """The tag of a version of the probe that has been replaced: by us, or by somebody who tries it meanwhile."""
    there = _probe_object(store)
    for _ in range(_PROBES):
        with suppress(AlreadyThere):
            swap(there.tag)
            return there.tag
        before, there = there, _probe_object(store)
        if there.tag != before.tag:
            return before.tag
    raise _unconditional("replaces no version of an object, not even the one that stands there")


def _probe_object(store: ConditionalStore) -> Tagged:
    there = store.load(PROBE_HANDLE, _PROBE_BYTES)
    if there is None:
        raise _unconditional("lost an object that it had just made")
    return there


def _must_fail(swap: Callable[[str | None], None], tag: str | None, otherwise: str) -> None:
    try:
        swap(tag)
    except AlreadyThere:
        return
    raise _unconditional(otherwise)


def _unconditional(what: str) -> Refused:
    return Refused(
        "unconditional-storage",
        f"this storage {what}: it ignores the conditions of a write, so no lease on it can be trusted",
        hint="use a storage with conditional writes (If-None-Match and If-Match), or accept a lease that only this "
        "machine knows of: --lease host; nothing of the store was changed",
    )
