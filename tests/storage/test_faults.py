"""Compaction, repair and undo in buckets while requests go wrong: no line is ever lost, and the end is as planned.

After every request that changes something the store is looked at. With `SEAMLINE_SOAK` each test goes on for so many
seconds: it goes wrong at more requests, until it was each of them, and by chance from more seeds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.support.bucket_acts import EXPIRED, BucketPlay, fresh
from tests.support.crash_acts import Act, act_of
from tests.support.crash_scenes import Play, expired_scene
from tests.support.faults import MUTATING, Fault, FaultProxy
from tests.support.memory_store import MemoryStore
from tests.support.repair_scenes import splice_scene
from tests.support.servers.running import Bucket
from tests.support.soaking import soak_seconds

#: Every how many-th of the places where something can go wrong is tried at once; a soak goes on to the others.
STRIDE = 73
MODES = ("before", "unknown", "after", "lost")
CHANCE = 0.15


@cache
def compaction() -> Act:
    scene = expired_scene()
    return act_of(scene.files, scene.change)


@cache
def repair() -> Act:
    scene = splice_scene()
    return act_of(scene.files, scene.change())


@cache
def undo() -> Act:
    play = Play(MemoryStore(compaction().after))
    return act_of(play.store.files, play.undo_plan())


ACTS = [compaction, repair, undo]


def is_told(play: BucketPlay) -> None:
    """Every error says what happened and what to do, in our own words, and ends with a code that is agreed."""
    for error in play.errors:
        assert error.exit_code in (1, 5, 12, 20), repr(error)
        assert error.message and error.hint
        assert "Debug source" not in error.message + error.hint


def soaked(first: int, total: int) -> Iterator[int]:
    """0, 1, … up to `total`: the `first` ones, and in a soak as many more as there is time for."""
    end = time.monotonic() + soak_seconds(0)
    for number in range(total):
        if number >= first and time.monotonic() >= end:
            return
        yield number


@pytest.mark.parametrize("make", ACTS)
def test_behind_faults_it_is_done_or_resumed_to_the_same_bytes(
    bucket: Bucket, proxied: FaultProxy, make: Callable[[], Act]
) -> None:
    done, runs, faults = 0, 0, 0
    for seed in soaked(1, 1_000):
        play = BucketPlay(make(), fresh(bucket), proxied)
        for run in play.goes_on():
            proxied.at_random(CHANCE, 1_000 * seed + run, history=True)
            play.goes_through()
            faults += proxied.happened().faults
            runs += 1
        is_told(play)
        play.check_done(f"seed {seed}: {play.errors}")
        done += 1
    print(f"{bucket.kind.name} {make.__name__}: {done} times done in {runs} runs with {faults} faults")
    assert faults > done


def cut(mode: str, at: int) -> list[Fault]:
    """What goes wrong where everything ends at the `at`-th request that changes something."""
    return {
        # The server refuses it, and all that come later.
        "before": [Fault("expire", MUTATING, skip=at - 1, times=-1)],
        # It is done, nobody is told, and then nothing works any more, not even looking what has become of it.
        "unknown": [Fault("lose", MUTATING, skip=at - 1), Fault("expire", since=at, times=-1)],
        # It is done, nobody is told, and from then on things can be looked at but not changed.
        "after": [Fault("lose", MUTATING, skip=at - 1), Fault("expire", MUTATING, skip=at, times=-1)],
        # It is done, nobody is told, and everything else works.
        "lost": [Fault("lose", MUTATING, skip=at - 1)],
    }[mode]


@pytest.mark.parametrize("make", ACTS)
def test_wherever_it_is_cut_off_it_is_resumed_to_the_same_bytes(
    bucket: Bucket, proxied: FaultProxy, make: Callable[[], Act]
) -> None:
    clean = BucketPlay(make(), fresh(bucket), proxied)
    clean.ends_well("undisturbed")
    places = [(at, mode) for at in range(1, clean.requests + 1) for mode in MODES]
    # Some of all parts and in all ways first.
    ordered = [place for start in range(STRIDE) for place in places[start::STRIDE]]
    cuts, stopped = 0, 0
    for number in soaked(len(places[::STRIDE]), len(places)):
        at, mode = ordered[number]
        play = BucketPlay(make(), fresh(bucket), proxied)
        proxied.certainly(*cut(mode, at), expired=EXPIRED[bucket.kind.name], history=True)
        play.tries(play.act.do)
        cuts += proxied.happened().faults > 0
        stopped += len(play.errors)
        is_told(play)
        play.ends_well(f"{mode} {at}: {play.errors}")
    print(f"{bucket.kind.name} {make.__name__}: cut off {cuts} times of {len(places)}, stopped {stopped} times")
    assert cuts > 1 and stopped > 0
