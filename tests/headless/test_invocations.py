"""Every command that can be printed is one that the command line takes, and takes as what was meant."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import fields, replace
from itertools import chain, combinations
from typing import Any

import click
import pytest
from click.core import ParameterSource

from core import invocation
from core.chain import Policy
from core.invocation import ANY_STORE, Advice, Flag, Invocation, Lock, Resume, Undo, words_of
from core.lease_choice import LeaseChoice
from core.restore import RestoreOptions
from core.stock import CompactionOptions
from tui.headless.main import cli

STORE = "/a store's/$place"
OURS = [
    each
    for each in vars(invocation).values()
    if isinstance(each, type) and issubclass(each, Invocation) and each is not Invocation
]
FLAGS = frozenset(map(str, Flag))
#: A value of each kind of field that is not its usual one.
OPTIONS = {
    "level": 0,
    "manifests": "conflicting",
    "folder": "an overlay",
    "operation": "20261201T094532Z-000001-compact-3c9f1c04",
    "action": "break",
    "owner": "host/1 2",
    "wait": "5m",
    "plan_id": "ee1474e9f76f3f1c",
    "plan": "/tmp/a plan.json",
    "lease": LeaseChoice(store="s3://a/b"),
    "options": CompactionOptions(2, 3, 4, 5),
    "wishes": RestoreOptions(7, 6, Policy.NEWEST, frozenset({"b/m", "a/m"}), frozenset({"c d/m"})),
}
#: A restore's limits, which a repair has none of.
WITHOUT_LIMITS = {"repair"}


def usual(kind: type[Invocation]) -> Invocation:
    """With nothing said but the store."""
    return kind(STORE)


def said(kind: type[Invocation]) -> dict[str, Any]:
    """Each field of a command with something said in it."""
    values = {each.name: OPTIONS.get(each.name, True) for each in fields(kind) if each.name != "location"}
    if kind.NAME in WITHOUT_LIMITS:
        values["wishes"] = OPTIONS["wishes"].choices
    return values


def invocations(kind: type[Invocation]) -> Iterator[Invocation]:
    """With nothing, one, two and all of its fields said."""
    values = said(kind)
    for some in chain.from_iterable(combinations(values, many) for many in (0, 1, 2, len(values))):
        if "owner" not in some or "action" in some:
            yield replace(usual(kind), **{name: values[name] for name in some})


def parsed(line: str) -> tuple[click.Command, dict[str, Any], set[str]]:
    """The command of a line, what it takes, and which options were said, by a shell and the real command line."""
    program, name, *words = shlex.split(line)
    assert program == "seamline"
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    with command.make_context(name, words) as context:
        typed = {name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE}
        flags = {flag for param in command.params if param.name in typed for flag in param.opts if flag in FLAGS}
        return command, context.params, flags


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.NAME)
def test_whatever_can_be_said_is_taken_as_it_was_meant(kind: type[Invocation]) -> None:
    for each in invocations(kind):
        _, params, flags = parsed(str(each))
        assert flags == {word for word in words_of(each) if word.startswith("--")}, each
        values = {str(value) for value in flat(params.values())}
        assert STORE in values
        assert set(words_of(each)) - flags <= values | {OPTIONS["wait"]}, each


def flat(values: Any) -> Iterator[Any]:
    for value in values:
        yield from value if isinstance(value, tuple) else (value,)


def test_what_is_not_said_is_what_the_command_line_takes_by_itself() -> None:
    for kind in OURS:
        command, params, _ = parsed(str(usual(kind)))
        flags = {flag: param.name for param in command.params for flag in param.opts}
        for part in (usual(kind), CompactionOptions(), RestoreOptions()):
            for each in fields(part):
                flag = each.metadata.get("flag")
                if flag in flags and each.default is not None:
                    default = getattr(each.default, "value", each.default)
                    default = () if default == frozenset() else default
                    assert params[flags[flag] or ""] == default, (kind, flag)


def test_every_flag_is_an_option_of_some_command_and_spelled_by_some_field() -> None:
    taken = {flag for kind in OURS for param in parsed(str(usual(kind)))[0].params for flag in param.opts}
    parts = (*map(usual, OURS), CompactionOptions(), RestoreOptions())
    spelled = {each.metadata.get("flag") for part in parts for each in fields(part)}
    spelled |= {Flag.LEASE, Flag.LEASE_STORE}
    assert set(Flag) <= taken and set(Flag) <= spelled


def test_a_lease_is_told_wherever_one_is_taken_unless_another_was_said() -> None:
    host, store = LeaseChoice(on_host=True), LeaseChoice(store="s3://a/b")
    assert str(Resume().at("/s", host)) == "seamline resume /s --lease host"
    assert str(Resume(lease=store).at("/s", host)) == "seamline resume /s --lease-store s3://a/b"
    assert str(Resume("/t").at("/s", host)) == "seamline resume /t --lease host"
    for kind in OURS:
        takes_lease = any(flag == Flag.LEASE for param in parsed(str(usual(kind)))[0].params for flag in param.opts)
        assert takes_lease == ("--lease host" in str(kind().at("/s", host))), kind


def test_advice_is_said_where_the_store_lies() -> None:
    advice = Advice("first: ", Advice(Lock(action="show"), ", then "), Undo("/t", "x"))
    assert str(advice) == f"first: seamline lock {ANY_STORE} show, then seamline undo /t x"
    there = advice.at("/s", LeaseChoice(on_host=True))
    assert str(there) == "first: seamline lock /s show --lease host, then seamline undo /t x --lease host"
