"""Arguments that several commands share: the store, versions, factors, `--json`. Only click is imported here."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from typing import Any, Final

import click

from core.acceptance import Acceptance
from core.errors import UsageError
from core.invocation import Flag
from core.lease_choice import chosen_lease
from core.model import STOCK_FACTOR, U64_MAX

STORE_VARIABLE: Final = "SEAMLINE_STORE"
_WHOLE_NUMBER: Final = re.compile(r"[0-9]+(?:_[0-9]+)*|[0-9]{1,3}(?:,[0-9]{3})+", re.ASCII)
_LONGEST_NUMBER: Final = 40
_ADAPTER_NAMES: Final = (".yaml", ".yml")
_DURATION: Final = re.compile(r"([0-9]{1,7})([smh]?)", re.ASCII)
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600}
_LONGEST_WAIT: Final = 7 * 86_400


def u64(text: str) -> int:
    """An unsigned 64-bit number: `1185000000`, `1_185_000_000`, `1,185,000,000`.

    Raises `click.BadParameter` for signs, fractions and anything beyond 64 bits.
    """
    number = int(re.sub("[_,]", "", text)) if len(text) <= _LONGEST_NUMBER and _WHOLE_NUMBER.fullmatch(text) else -1
    if not 0 <= number <= U64_MAX:
        raise click.BadParameter(f"{text!r} is not a whole number from 0 to {U64_MAX}")
    return number


def factor(text: str) -> int:
    """A number of entries in one file. Raises `click.BadParameter` for 0 as well, at which stock panics."""
    number = u64(text)
    if number == 0:
        raise click.BadParameter("a factor of 0 makes stock panic; the least is 1")
    return number


def takes_store(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command its STORE: the argument, `--local-fs-dir` as in the stock tool, or the variable."""
    return takes_store_and(lambda _: False)(command)


def takes_store_and(is_ours: Callable[[str], bool], *names: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Give a command its STORE and, behind it, the optional arguments `names`.

    A first word that `is_ours` is none of a store, which is then named elsewhere: all words move up by one.
    """

    def decorate(command: Callable[..., int]) -> Callable[..., int]:
        @click.option("--local-fs-dir", metavar="DIR", help="The store, named as in the stock tool.")
        @click.option("--command-adapter-config", metavar="YAML", help="A stock command adapter.")
        @functools.wraps(command)
        def with_store(
            *args: Any, store: str | None, local_fs_dir: str | None, command_adapter_config: str | None, **kwargs: Any
        ) -> int:
            words = [store, *(kwargs[name] for name in names)]
            if store is not None and names and words[-1] is None and is_ours(store):
                words = [None, *words[:-1]]
            given = dict(zip(names, words[1:], strict=True))
            chosen = chosen_store(words[0], local_fs_dir, command_adapter_config)
            return command(*args, store=chosen, **(kwargs | given))

        for name in reversed(names):
            with_store = click.argument(name, required=False)(with_store)
        return click.argument("store", required=False)(with_store)

    return decorate


def takes_lease(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command where the lease of the store lies, as `lease`."""

    @click.option(
        Flag.LEASE,
        type=click.Choice(["host"]),
        help="Accept a lease that only this machine knows of: for a command adapter, or a bucket without conditions.",
    )
    @click.option(
        Flag.LEASE_STORE, metavar="URL", help="A command adapter's place by its own URL: lease and journal go there."
    )
    @functools.wraps(command)
    def with_lease(*args: Any, lease: str | None, lease_store: str | None, **kwargs: Any) -> int:
        return command(*args, lease=chosen_lease(lease, lease_store), **kwargs)

    return with_lease


def chosen_store(store: str | None, local_fs_dir: str | None, command_adapter_config: str | None) -> str:
    """The one store that was asked for. Raises `UsageError` for none, for several, and for an odd adapter."""
    named = {"STORE": store, "--local-fs-dir": local_fs_dir, "--command-adapter-config": command_adapter_config}
    given = [word for word in named.values() if word is not None]
    if len(given) > 1:
        flags = " and ".join(flag for flag, word in named.items() if word is not None)
        raise UsageError(f"{'two' if len(given) == 2 else 'three'} stores were named: {flags}", hint="name one")
    if command_adapter_config is not None and not command_adapter_config.lower().endswith(_ADAPTER_NAMES):
        raise UsageError(
            f"{command_adapter_config!r} is not named like a command adapter", hint="name it with .yaml at its end"
        )
    chosen = given[0] if given else os.environ.get(STORE_VARIABLE)
    if not chosen:
        raise UsageError(
            "no store was named",
            hint=f"name its folder, or set {STORE_VARIABLE}; seamline demo makes a sample store to try",
        )
    return chosen


def duration(text: str) -> float:
    """Seconds: `90`, `90s`, `5m`, `2h`. Raises `click.BadParameter`, also for more than a week."""
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else _LONGEST_WAIT + 1
    if seconds > _LONGEST_WAIT:
        raise click.BadParameter(f"{text!r} is no time of at most a week, such as 90s, 5m or 2h")
    return float(seconds)


json_option = click.option(Flag.JSON, "as_json", is_flag=True, help="One JSON document on stdout.")

dry_run_option = click.option(Flag.DRY_RUN, is_flag=True, help="Only preview; nothing is written.")
yes_option = click.option(Flag.YES, is_flag=True, help="Carry it out without asking.")
if_plan_option = click.option(Flag.IF_PLAN, metavar="ID", help="Carry it out only if it is still the plan of this id.")
wait_option = click.option(
    Flag.WAIT,
    type=duration,
    default="0",
    metavar="TIME",
    help="Wait so long for whoever holds the lease: 90s, 5m, 2h. Default: don't wait.",
)
accept_unused_option = click.option(
    Flag.ACCEPT_UNUSED_CHOICES, is_flag=True, help="Go on although a --pin or a --veto can't be followed."
)


def accept_option(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command what of a look that differs from the last one is right all the same, as `accept`."""

    @click.option(
        Flag.ACCEPT_SHRUNK_LISTING, is_flag=True, help="Files are gone since the last look, and that is right."
    )
    @click.option(
        Flag.ACCEPT_OTHER_STORE, is_flag=True, help="Another store lies where the last look saw one, and that is right."
    )
    @functools.wraps(command)
    def accepting(*args: Any, accept_shrunk_listing: bool, accept_other_store: bool, **kwargs: Any) -> int:
        return command(*args, accept=Acceptance(accept_shrunk_listing, accept_other_store), **kwargs)

    return accepting


def factor_option(flag: Flag, what: str) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """One of stock's compaction factors, by default as many as in stock."""
    return click.option(flag.value, type=factor, default=str(STOCK_FACTOR), metavar="N", show_default=True, help=what)


takes_theme = click.option(
    "--theme",
    metavar="NAME",
    envvar="SEAMLINE_THEME",
    help="Colours: the name of a theme, for this time. By default what was chosen last (ctrl+p, Theme).",
)
