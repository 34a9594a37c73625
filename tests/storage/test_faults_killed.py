"""Real commands on buckets, killed in the middle of a request: no line is lost, and resume ends like a clean run."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest

from core.machine import ThisMachine
from tests.support.bucket_acts import files_in, fresh, states, upload
from tests.support.change_sets import tree, write_metadata
from tests.support.changed_stores import HUNDRED
from tests.support.commands import command, environment, seamline
from tests.support.crash_looks import Files, Watcher, lines_of, metadata_of
from tests.support.crash_scenes import alone, chain
from tests.support.faults import MUTATING, Fault, FaultProxy
from tests.support.machines import FakeMachine
from tests.support.servers.running import Bucket
from tests.support.soaking import soak_seconds

#: So many requests of a compaction of these stores at least change something; before the first of them is the probe.
_REQUESTS = range(5, 40)
LONG_AGO = 1_700_000_000.0
OPTIONS = tuple("1" if word == "100" else word for word in HUNDRED)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store of three epochs in a folder that was compacted long ago, so that there are files to write and to move."""
    folder = tmp_path / "store"
    write_metadata(folder, {handle.removeprefix("metadata/"): content for handle, content in alone(chain(3)).items()})
    for file in folder.glob("metadata/*"):
        os.utime(file, (LONG_AGO, LONG_AGO))
    assert seamline("compact", folder, *HUNDRED, "--yes", machine=FakeMachine(moment=LONG_AGO + 1)).code == 0
    return folder


def killed(proxy: FaultProxy, fault: str, at: int, *words: str) -> bool:
    """Start a command, and kill it while its `at`-th request that changes something hangs; False if there is none."""
    proxy.certainly(Fault(fault, MUTATING, skip=at - 1), Fault("hang", since=at, times=-1), history=True)
    process = subprocess.Popen(command(*words), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with process:
        try:
            while not proxy.happened().faults:
                with suppress(subprocess.TimeoutExpired):
                    return process.wait(0.05) != 0
        finally:
            process.kill()
    return process.returncode == -signal.SIGKILL


def done(*words: str) -> None:
    """Run a command to its good end."""
    outcome = seamline(*words, machine=ThisMachine())
    assert outcome.code == 0, outcome


def plain(files: Files) -> Files:
    """`metadata/` without the times, in whose name and content the clock stands."""
    return {name: content for name, content in metadata_of(files).items() if "timestamps" not in name}


def test_a_killed_compaction_is_resumed_to_what_a_clean_run_leaves(
    bucket: Bucket, proxied: FaultProxy, folder: Path
) -> None:
    chance, end, kills, rounds = Random(bucket.kind.name), time.monotonic() + soak_seconds(0), 0, 0
    before = {handle: content for handle, content in tree(folder).items() if content}
    assert seamline("compact", folder, *OPTIONS, "--yes").code == 0
    while not rounds or time.monotonic() < end:
        kills += _killed_twice(fresh(bucket), proxied, before, tree(folder), chance)
        rounds += 1
    print(f"{bucket.kind.name}: {kills} kills in {rounds} rounds")
    assert kills >= rounds


def _killed_twice(bucket: Bucket, proxy: FaultProxy, before: Files, clean: Files, chance: Random) -> int:
    """Kill a compaction and its resumption, which may be over before; how many were killed."""
    upload(before, bucket)
    watcher, kills = Watcher(before), 0
    compact = ("compact", bucket.url, *OPTIONS, "--yes")
    for at, words in ((chance.choice(_REQUESTS), compact), (chance.randint(5, 20), ("resume", bucket.url))):
        kills += killed(proxy, chance.choice(("hang", "hang-when-done")), at, *words)
        for state in states(before, proxy.happened().history, bucket):
            watcher.look(state)
        before = files_in(bucket)
        watcher.look(before)
    proxy.clear()
    done("resume", bucket.url)
    done(*compact)
    after = files_in(bucket)
    watcher.look(after)
    assert plain(after) == plain(clean)
    assert lines_of(metadata_of(after)) == lines_of(metadata_of(clean))
    assert not [key for key in after if key.startswith("seamline/staged/")]
    return kills
