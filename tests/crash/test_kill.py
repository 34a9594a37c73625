"""Real processes are killed in the middle of their work, while readers look at the store all the time."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from random import Random

import pytest

from core.journal import interrupted_in
from core.names import JOURNAL_FOLDER
from core.stock import CompactionOptions
from core.storage import LocalReader
from tests.support.change_sets import metadata_of, write_metadata
from tests.support.crash_looks import lines_of, stock_answers
from tests.support.crash_processes import Job, Reader, done, start
from tests.support.crash_scenes import alone, chain, factors
from tests.support.soaking import soak_seconds
from tests.support.stores import epoch, state, txn

_KILLED = -signal.SIGKILL
#: Seconds that each of the loops may take.
_USUAL = 6.0
#: About how many changes such a compaction has; prime to 7 and to 2, so that in time every one of them is a death.
_CHANGES = 31
_FACTORS = ((1, 1_000, 2), (2, 2, 1), (1, 3, 1_000), (1_000, 5, 3))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of three epochs, none of whose files has been compacted."""
    folder = tmp_path / "store"
    write_metadata(folder, {handle.removeprefix("metadata/"): content for handle, content in alone(chain(3)).items()})
    return folder


class Backup:
    """Adds an epoch to a store at a time, as a backup does: names that are new, whole files at once."""

    def __init__(self, folder: Path, staged: Path) -> None:
        self._folder = folder
        self._staged = staged
        self._epochs = count(3)

    def run(self) -> None:
        """One more epoch."""
        number = next(self._epochs)
        start, end = number * 100, number * 100 + 99
        for record in (epoch(number, number, start, end), state(number, end), txn(start, end)):
            [(handle, content)] = alone([record]).items()
            self._staged.write_bytes(content)
            self._staged.rename(self._folder / handle)


def interrupted(folder: Path) -> int:
    """How many operations did not end."""
    return len(interrupted_in(LocalReader(str(folder)).list_folder(JOURNAL_FOLDER)))


def rounds(seconds: float) -> Iterator[int]:
    """1, 2, … until the time is over."""
    end = time.monotonic() + soak_seconds(seconds)
    number = 0
    while time.monotonic() < end:
        number += 1
        yield number


def killed_at_random(job: Job, rng: Random) -> None:
    """Start a job, and kill it some time later if it still runs."""
    process = start(job)
    process.join(timeout=rng.uniform(0, 0.25))
    process.kill()
    process.join()


def options(number: int, grace: int) -> CompactionOptions:
    """Other factors in every round."""
    return factors(*_FACTORS[number % len(_FACTORS)], grace)


def test_with_the_usual_grace_no_reader_ever_notices_that_a_compaction_was_killed(store: Path, tmp_path: Path) -> None:
    backup, rng, origin = Backup(store, tmp_path / "staged"), Random(1), time.time()
    readers = [Reader(store, tmp_path, kind) for kind in ("ours", "stock")]
    killed = 0
    for number in rounds(_USUAL):
        backup.run()
        before = metadata_of(store)
        job = Job(
            store, "compact", origin, options(number, 86_400), at=1 + number * 7 % _CHANGES, after=number % 2 == 0
        )
        killed += done(job) == _KILLED
        killed_at_random(Job(store, "resume", origin), rng)
        assert done(Job(store, "resume", origin)) == 0
        assert not interrupted(store)
        after = metadata_of(store)
        assert before.items() <= after.items()
        assert lines_of(after) == lines_of(before)
        assert stock_answers(after) == stock_answers(before)
    ours, stock = (reader.end() for reader in readers)
    assert (ours.wrong, stock.wrong, stock.unopened) == ([], [], 0)
    assert killed and ours.looks and stock.looks


def test_without_grace_killed_compactions_and_undos_never_hide_an_entry(store: Path, tmp_path: Path) -> None:
    backup, rng, origin = Backup(store, tmp_path / "staged"), Random(2), time.time()
    readers = [Reader(store, tmp_path, kind) for kind in ("ours", "stock")]
    killed = 0
    for number in rounds(_USUAL):
        backup.run()
        before = metadata_of(store)
        churn = Job(store, "churn", origin, options(number, 0), at=rng.randint(20, 300), after=number % 2 == 0)
        killed += done(churn) == _KILLED
        killed_at_random(Job(store, "resume", origin), rng)
        assert done(Job(store, "resume", origin)) == 0
        after = metadata_of(store)
        assert not interrupted(store)
        assert lines_of(after) == lines_of(before)
        assert stock_answers(after) == stock_answers(before)
    ours, stock = (reader.end() for reader in readers)
    assert (ours.wrong, stock.wrong) == ([], [])
    assert killed and ours.looks and stock.looks > stock.unopened
