"""What `lock` prints: whether the lease is free, and else who has it, since when, doing what."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rich.console import Group
from rich.text import Text

from core.invocation import Lock, Resume
from core.lease import LeaseState, LeaseView, held_words, life_words
from tui.headless.printers.layout import BAD, GOOD, WARN, Lines, headline, prose, verbatim

_HEADS: Final = {
    LeaseState.FREE: ("FREE", GOOD, "nobody holds the lease"),
    LeaseState.HELD: ("HELD", WARN, "somebody may write to this store just now"),
    LeaseState.ENDED: ("LEFT", WARN, "its holder has ended on this machine; whoever writes next takes it over"),
    LeaseState.UNREADABLE: ("UNREADABLE", BAD, "nobody can tell who may write, so nothing is written"),
}


def lock_answer(location: str, lease: LeaseView | None) -> Group:
    """The whole answer."""
    state = LeaseState.FREE if lease is None else lease.state
    lines: Lines = [headline(*_HEADS[state])]
    if lease is not None:
        lines += [prose(label, text) for label, text in _told(lease) if text]
        lines += [verbatim(label, text) for label, text in _ways_out(location, lease)]
    return Group(*lines, Text(), verbatim("store", location))


def _told(lease: LeaseView) -> Iterator[tuple[str, str]]:
    record = lease.record
    if record is None:
        yield "why", f"compaction.lock {lease.why}"
    elif lease.state is LeaseState.FREE:
        yield "last", held_words(record)
        yield "broken", f"by {record.broken_by}" if record.broken_by else ""
    else:
        yield "who", held_words(record)
        yield "alive", life_words(record, alive=True) if lease.is_alive else ""
        yield "alive", life_words(record, alive=False) if lease.holder and not lease.is_alive else ""
        yield "purpose", record.purpose
        yield "owner", record.owner
        yield "token", f"{record.token:,}"


def _ways_out(location: str, lease: LeaseView) -> Iterator[tuple[str, str]]:
    """What to do: wait for whoever is at work, free a lease that nobody will give back."""
    if lease.state is LeaseState.ENDED:
        yield "free it", str(Lock(location, "release"))
    elif lease.holder is not None:
        yield "wait", str(Resume(location, "5m"))
    if lease.is_alive or lease.state is LeaseState.ENDED:
        return
    if lease.state is not LeaseState.FREE:
        yield "break it", str(Lock(location, "break", lease.break_word))
