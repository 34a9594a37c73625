"""What is said about a lease: who has it, since when, doing what."""

from __future__ import annotations

from datetime import UTC, datetime

from core.errors import LeaseHeld
from core.invocation import Advice, Lock
from core.lease.record import LeaseRecord


def who(record: LeaseRecord) -> str:
    """The holder: `operator@alpha (pid 4711)`."""
    return f"{record.user or '?'}@{record.host or '?'} (pid {record.pid})"


def since(record: LeaseRecord) -> str:
    """When the holding began, by its holder's own clock, which nothing vouches for: `2023-11-14 22:13:20 UTC`."""
    try:
        return f"{datetime.fromtimestamp(record.timestamp, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "a time that no calendar has"


def held_words(record: LeaseRecord) -> str:
    """All of it in one line: `operator@alpha (pid 4711) since 2023-11-14 22:13:20 UTC, compact 17, retire 3/12`."""
    doing = [text for text in (record.operation, record.progress) if text]
    return ", ".join([f"{who(record)} since {since(record)}", *doing])


def life_words(record: LeaseRecord, *, alive: bool) -> str:
    """What is known of its holder: `at work`, or when that will be known."""
    if alive:
        return "at work"
    return f"whether it is alive is seen after a minute: gone is who renews nothing for {record.silence:.0f} s"


def lease_held(record: LeaseRecord) -> LeaseHeld:
    """The refusal of a second writer."""
    what = "another compaction is in progress"
    if record.purpose != "compact":
        what = f"another operation is in progress: {record.purpose or 'it does not say which'}"
    return LeaseHeld(
        f"{what}, by {held_words(record)}",
        hint=Advice(
            "--wait 5m waits for it, and takes over from a holder that gives no sign of life for "
            f"{record.silence:.0f} s; ",
            Lock(action="show"),
            " tells more",
        ),
    )
