"""Where the lease of a store lies, as far as the operator has a choice (`lease.md`, "How each storage does it").

A folder and a bucket hold their own lease. Stock's commands can't: there the operator names the place that they lead to
by its own URL, or accepts a lease that only this machine knows of, by typing so. The latter is also the way to write to
a bucket that ignores conditions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from core.errors import Refused, UsageError


@dataclass(frozen=True, slots=True)
class LeaseChoice:
    """What the operator typed: a lease of this machine (`on_host`), or the `store` that holds it; or neither."""

    on_host: bool = False
    store: str | None = None


#: Nothing was typed.
AS_USUAL: Final = LeaseChoice()


def chosen_lease(lease: str | None, lease_store: str | None) -> LeaseChoice:
    """The choice that two options make. Raises `UsageError` for both of them."""
    if lease is not None and lease_store is not None:
        raise UsageError("--lease host and --lease-store are two places for one lease", hint="give one of them")
    return LeaseChoice(lease == "host", lease_store)


class NoLease(Refused):
    """Nobody said where the lease of a command adapter's store lies. Nothing was changed."""

    kind: ClassVar[str] = "no-lease"

    def __init__(self) -> None:
        super().__init__(
            "no-lease",
            "a command adapter can't hold a lease, as its commands overwrite whatever is there: nothing is written "
            "before you say where the lease lies",
            hint="add --lease-store s3://BUCKET/PREFIX, the place's own URL, or write it into the configuration, where "
            "stock ignores it: seamline: {lease_store: s3://BUCKET/PREFIX}; or add --lease host, for a lease and a "
            "journal that only this machine knows of",
        )
