"""The real machine: a clock that nobody sets, and processes that are known to have ended or are not."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

import pytest

from core.machine import ThisMachine


def test_time_goes_on() -> None:
    machine = ThisMachine()
    before = machine.elapsed()
    machine.sleep(0.002)
    assert 0.002 <= machine.elapsed() - before < 60


@pytest.mark.parametrize(("wall", "steady", "elapsed"), [(100.0, 1.0, 100.0), (-500.0, 7.0, 7.0), (3.0, 9.0, 9.0)])
def test_without_a_clock_that_counts_suspend_the_larger_of_two_counts(
    monkeypatch: pytest.MonkeyPatch, wall: float, steady: float, elapsed: float
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.setattr(time, "time", lambda: 1_000.0)
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    machine = ThisMachine()
    monkeypatch.setattr(time, "time", lambda: 1_000.0 + wall)
    monkeypatch.setattr(time, "monotonic", lambda: 50.0 + steady)
    assert machine.elapsed() == elapsed
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert machine.elapsed() == elapsed


def test_only_a_process_of_this_boot_and_namespace_is_known_to_have_ended() -> None:
    machine = ThisMachine()
    me = machine.process()
    assert not machine.has_ended(me)
    assert machine.has_ended(replace(me, started="1"))
    assert not machine.has_ended(replace(me, started="1", boot_id="another"))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        other = machine.process_of(child.pid)
        assert not machine.has_ended(other)
        child.communicate(b"\n")
    assert machine.has_ended(other)
