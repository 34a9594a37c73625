"""Ten processes compact one store at once, some are killed, and one does not know the lease: nothing is lost."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest

from core.journal import Operation, interrupted_in, read_log
from core.model import IdentityRecord
from core.names import JOURNAL_FOLDER
from core.storage import LocalReader
from tests.support.change_sets import metadata_of, write_metadata
from tests.support.crash_looks import lines_of, stock_answers
from tests.support.crash_processes import CONTEXT, Job, done
from tests.support.crash_scenes import alone, chain, factors
from tests.support.racing_processes import Contender, Result, Span, contend, ignore_the_lease, results_of, spans_of
from tests.support.soaking import soak_seconds
from tests.support.stores import lines

CONTENDERS = 10
#: Seconds of one race; a soak runs one after the other.
BOUT = 5.0
#: What a plan is refused for that looks at a store while others write to it without a lease.
_PASSING = re.compile("interrupted-operation|read-while-written")


class Race:
    """Contenders on a store of their own."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "store"
        self.notes = folder / "notes"
        self.notes.mkdir(parents=True)
        files = alone(chain(6))
        write_metadata(self.store, {handle.removeprefix("metadata/"): content for handle, content in files.items()})
        self.before = metadata_of(self.store)
        self.origin = time.time()
        self.end = time.monotonic() + min(BOUT, soak_seconds(BOUT))
        self.processes: dict[int, BaseProcess] = {}

    def start(self, number: int, run: Callable[[Contender], None] = contend, grace: int | None = None) -> None:
        """Start contender `number`, or start it anew; every second one has no grace."""
        usual = 86_400 if number % 2 else 0
        options = factors(1 + number % 3, 2 + number, 1 + number % 4, usual if grace is None else grace)
        contender = Contender(self.store, self.notes / f"{number}", self.origin, self.end, options)
        self.processes[number] = CONTEXT.Process(target=run, args=(contender,))
        self.processes[number].start()

    def join(self) -> None:
        """Wait for all of them to end by themselves."""
        for process in self.processes.values():
            process.join()
            assert process.exitcode == 0

    def kill_some(self, rng: Random) -> int:
        """Until the time is over kill one after the other, and start it anew; how many were killed."""
        killed = 0
        while time.monotonic() < self.end - 0.5:
            number = rng.randrange(CONTENDERS)
            self.processes[number].join(timeout=rng.uniform(0, 0.2))
            self.processes[number].kill()
            self.processes[number].join()
            self.start(number)
            killed += 1
        return killed

    def results(self, numbers: range = range(CONTENDERS)) -> list[Result]:
        """How every try of every contender ended."""
        return [result for number in numbers for result in results_of(self.notes / f"{number}")]

    @property
    def reader(self) -> LocalReader:
        """What looks at the store."""
        return LocalReader(str(self.store))

    def log(self) -> tuple[Operation, ...]:
        """Every operation."""
        return read_log(self.reader)

    def spans(self) -> list[Span]:
        """When each try was changing the store, in order."""
        spans = [span for number in range(CONTENDERS) for span in spans_of(self.notes / f"{number}")]
        return sorted(spans, key=lambda span: span.begin)

    def check_kept(self, but: frozenset[bytes] = frozenset()) -> None:
        """Nothing is interrupted once it was resumed, all lines are there, and a last compaction runs through."""
        must = lines_of(self.before) - but
        assert done(Job(self.store, "resume", self.origin)) == 0
        assert not interrupted_in(self.reader.list_folder(JOURNAL_FOLDER))
        assert lines_of(metadata_of(self.store)) - but == must
        assert stock_answers(metadata_of(self.store)) == stock_answers(self.before)
        assert done(Job(self.store, "compact", self.origin, factors(4, 4, 4, 0))) == 0
        assert lines_of(metadata_of(self.store)) - but == must

    def check_one_at_a_time(self) -> None:
        """By the stamps of the processes and by the journal, no two wrote at once, and tokens only grow."""
        spans = self.spans()
        overlaps = [(one, other) for one, other in pairwise(spans) if other.begin < one.end]
        assert not overlaps
        log = self.log()
        intents = [operation.intent for operation in log if operation.intent is not None]
        assert len(intents) == len(log)
        tokens = [intent.token for intent in intents]
        assert tokens == sorted(set(tokens))
        for one, other in pairwise(log):
            assert one.outcome is not None and other.intent is not None
            assert one.outcome.token < other.intent.token
            assert one.outcome.at <= other.intent.at


@pytest.fixture
def races(tmp_path: Path) -> Iterator[Race]:
    """One race, or as many as fit into a soak."""
    end = time.monotonic() + soak_seconds(0)
    number = 0

    def more() -> Iterator[Race]:
        nonlocal number
        while not number or time.monotonic() < end:
            number += 1
            yield Race(tmp_path / str(number))

    return more()


def test_of_ten_compactions_at_once_one_at_a_time_writes_and_nothing_is_lost(races: Iterator[Race]) -> None:
    for race in races:
        for number in range(CONTENDERS):
            race.start(number)
        race.join()
        results = race.results()
        codes = Counter(result.code for result in results)
        assert set(codes) <= {0, 5, 11}, [result for result in results if result.code not in {0, 5, 11}][:3]
        assert sum(result.text.startswith("applied") for result in results) > 2
        assert codes[11]
        race.check_one_at_a_time()
        ends = [(each.intent.token, each.outcome.token) for each in race.log() if each.intent and each.outcome]
        assert all(begun == ended for begun, ended in ends)
        race.check_kept()


def test_killed_contenders_wedge_nobody(races: Iterator[Race]) -> None:
    rng = Random(3)
    for race in races:
        for number in range(CONTENDERS):
            race.start(number)
        killed = race.kill_some(rng)
        race.join()
        results = race.results()
        codes = Counter(result.code for result in results)
        assert set(codes) <= {0, 5, 6, 11}
        assert all("interrupted" in result.text for result in results if result.code == 6)
        assert killed > 3 and sum(result.code == 0 for result in results) > 3
        race.check_kept()
        race.check_one_at_a_time()


@pytest.mark.parametrize("grace", [0, 86_400])
def test_a_stock_compaction_beside_us_costs_no_entry(races: Iterator[Race], grace: int) -> None:
    for race in races:
        race.start(0, ignore_the_lease, grace)
        for number in range(1, CONTENDERS):
            race.start(number)
        race.join()
        results = race.results(range(1, CONTENDERS))
        codes = Counter(result.code for result in results)
        assert set(codes) <= {0, 5, 6, 11}
        assert all(_PASSING.match(result.text) for result in results if result.code == 6)
        assert codes[5]
        # Without grace stock sets the identity of the store aside as well, whoever is beside it (`identity-evicted`).
        race.check_kept(but=frozenset({lines(IdentityRecord("ab" * 32)).strip()}))
