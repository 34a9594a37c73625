"""What an operator may wish of a restore: how far, and what to take where manifests compete.

Only click is imported here; `Wishes.options` turns the words that were typed into what the engine takes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click

from core.errors import UsageError
from core.invocation import Flag
from tui.headless.options import u64

if TYPE_CHECKING:
    from core.restore import RestoreOptions
    from core.snapshot import Snapshot

#: `core.chain.Policy`, spelled out so that `--help` needs no engine.
POLICIES: Final = ("verified", "fewest-changes", "newest", "longest", "stock-like", "first-encountered")

#: What a person types for that.
WITHOUT_CHOICES: Final = "anyway"

_CHOICE_OPTIONS: Final = (
    click.option(
        Flag.POLICY,
        type=click.Choice(POLICIES),
        default=POLICIES[0],
        show_default=True,
        help="What to prefer where manifests compete.",
    ),
    click.option(Flag.PIN, "pins", multiple=True, metavar="M", help="Use this manifest (a whole handle, or its end)."),
    click.option(Flag.VETO, "vetoes", multiple=True, metavar="M", help="Never use this manifest."),
)
_TARGET_OPTIONS: Final = (
    click.option(Flag.TARGET, type=u64, metavar="V", help="Restore to this version; default: everything."),
    click.option(Flag.HISTORY_START, type=u64, metavar="V", help="Keep history from here; default: the target."),
)


@dataclass(frozen=True, slots=True)
class Wishes:
    """The words as typed; `pins` and `vetoes` may be the ends of handles."""

    policy: str
    pins: tuple[str, ...]
    vetoes: tuple[str, ...]
    target: int | None = None
    history: int | None = None

    def options(self, snapshot: Snapshot) -> RestoreOptions:
        """What the engine takes. Raises `UsageError` for a word that names no manifest of this store, or several."""
        from core.chain import Policy
        from core.restore import RestoreOptions

        pins, vetoes = _named(snapshot, self.pins, Flag.PIN), _named(snapshot, self.vetoes, Flag.VETO)
        if both := pins & vetoes:
            raise UsageError(f"--pin and --veto both name {min(both)!r}", hint="say one or the other")
        return RestoreOptions(
            target_version=self.target,
            ledger_history_start=self.history,
            policy=Policy(self.policy),
            pins=pins,
            vetoes=vetoes,
        )


def takes_choices(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command what to prefer, as `wishes`."""
    return _taking(_CHOICE_OPTIONS)(command)


def takes_wishes(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command how far to restore and what to prefer, as `wishes`."""
    return _taking((*_TARGET_OPTIONS, *_CHOICE_OPTIONS))(command)


def _taking(
    options: Iterable[Callable[[Callable[..., int]], Callable[..., int]]],
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(command)
        def with_wishes(
            *args: Any,
            policy: str,
            pins: tuple[str, ...],
            vetoes: tuple[str, ...],
            target_version: int | None = None,
            ledger_history_start_version: int | None = None,
            **kwargs: Any,
        ) -> int:
            wishes = Wishes(policy, pins, vetoes, target_version, ledger_history_start_version)
            return command(*args, wishes=wishes, **kwargs)

        return functools.reduce(lambda made, option: option(made), reversed(tuple(options)), with_wishes)

    return decorate


def _named(snapshot: Snapshot, wishes: tuple[str, ...], flag: str) -> frozenset[str]:
    from core.chain import named_rows

    lanes = (*snapshot.index.lanes.values(), *snapshot.retired.lanes.values())
    whole = {wish for wish in wishes if any(len(named_rows(lane.manifests, frozenset({wish}))) for lane in lanes)}
    parts = [wish for wish in wishes if wish not in whole]
    handles = {lane.manifest(row) for lane in lanes for row in range(len(lane))} if parts else set()
    return frozenset(whole) | {_handle(handles, wish, flag) for wish in parts}


def _handle(handles: set[str], wish: str, flag: str) -> str:
    """The one handle that begins with a folder or has an end like this."""
    found = sorted(handle for handle in handles if wish and (handle.endswith(wish) or handle.startswith(f"{wish}/")))
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"{flag} {wish!r} names {len(found)} manifests", hint=f"for example {found[0]} and {found[1]}")
    raise UsageError(f"{flag} {wish!r} names no manifest of this store", hint="seamline check shows the handles")
