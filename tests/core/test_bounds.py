"""Hostile sizes: memory stays bounded, what is too much is refused by name, and everything long can be stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from core.engine import Engine
from core.errors import Stopped
from core.host import FixedHost
from core.manifests import Evidence, ManifestStatus, broken_manifests, collect_evidence, unread_manifests
from core.manifests.model import ManifestRefused
from core.manifests.parse import MAX_MANIFEST_BYTES, MAX_UNKNOWN_FIELDS, parse_manifest
from core.manifests.watching import Unwatched
from core.model import LaneKind
from core.snapshot import Snapshot
from core.storage import LocalReader
from tests.support.commands import ROOT, command, environment, seamline
from tests.support.crowded_stores import (
    Crowd,
    flooded_manifest,
    long_manifest,
    write_crowded_store,
    write_store_of_manifest,
)
from tests.support.hazards import look
from tests.support.soaking import sampled
from tests.support.terminals import converse

NOW = 4_000_000_000.0
TXN = LaneKind.TRANSACTIONS
MANIFEST = "transaction_0-.0000/transaction.manifest"
MIB = 1 << 20
#: What a manifest of any size may take.
MOST_BYTES = 600 * MIB
#: The peak is asked of the kernel for this very program: `ru_maxrss` would count the one that started it, too.
PEAK = """
import json
import sys
from pathlib import Path
from tui.headless.main import run
codes = [run(words) for words in json.loads(sys.argv[1])]
peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
print(f"\\npeak {int(peak) * 1024} {[int(code) for code in codes]}", file=sys.stderr)
"""


def peak_of(folder: Path, *commands: tuple[str, ...]) -> int:
    """The most memory that a process held which ran these commands on a store, bytes; none of them may fail."""
    words = json.dumps([(name, str(folder), *more) for name, *more in commands])
    variables = environment(XDG_STATE_HOME=f"{folder}.state", XDG_CACHE_HOME=f"{folder}.cache")
    run = subprocess.run(
        [sys.executable, "-c", PEAK, words], cwd=ROOT, env=variables, capture_output=True, text=True, check=True
    )
    _, peak, codes = run.stderr.splitlines()[-1].split(maxsplit=2)
    assert not {1, 2, 20} & set(json.loads(codes)), run.stderr
    return int(peak)


@pytest.mark.parametrize("crowd", sampled(tuple(Crowd), 3))
def test_a_quarter_of_960_000_lines_that_overlap_takes_less_than_260_mb(crowd: Crowd, tmp_path: Path) -> None:
    store = write_crowded_store(tmp_path / "store", crowd, 240_000)
    for words in (("restore-plan", "--json"), ("repair", "--dry-run")):
        assert peak_of(store, words) < 260 * MIB, words


def evidence_of(store: Path) -> tuple[Snapshot, Evidence]:
    snapshot = look(store)
    return snapshot, collect_evidence(LocalReader(str(store)), snapshot, 2)


def test_a_manifest_over_the_limit_is_not_read_and_not_called_damaged(tmp_path: Path) -> None:
    store = write_store_of_manifest(tmp_path / "store", b"{")
    os.truncate(store / MANIFEST, 159_000_000)
    _, evidence = evidence_of(store)
    facts = evidence.manifests[TXN, MANIFEST]
    assert facts.status is ManifestStatus.UNREADABLE
    assert not facts.broken and MANIFEST not in broken_manifests(evidence)
    assert unread_manifests(evidence) == {MANIFEST}
    answer = seamline("check", store, "--level", "2", "--json").document
    (finding,) = (each for each in answer["findings"] if each["kind"] == "manifest-huge")
    assert f"{MANIFEST}: it has 159,000,000 bytes; manifests over 33,554,432 are not read" in finding["explanation"]


def test_a_flood_of_unknown_fields_is_refused_early_and_within_memory(tmp_path: Path) -> None:
    flood = flooded_manifest(2_400_000)
    assert 20 * MIB < len(flood) < MAX_MANIFEST_BYTES
    store = write_store_of_manifest(tmp_path / "store", flood)
    assert peak_of(store, ("check", "--level", "3")) < 250 * MIB
    with pytest.raises(ManifestRefused, match=f"more than {MAX_UNKNOWN_FIELDS:,} fields that stock does not know"):
        parse_manifest(TXN, flood)


def test_the_longest_manifest_that_is_read_takes_bounded_memory(tmp_path: Path) -> None:
    chunks = MAX_MANIFEST_BYTES // 200
    manifest = long_manifest(chunks)
    assert 24 * MIB < len(manifest) < MAX_MANIFEST_BYTES
    store = write_store_of_manifest(tmp_path / "store", manifest, chunks - 1)
    assert peak_of(store, ("check", "--level", "3")) < MOST_BYTES


@pytest.mark.parametrize(
    "manifest",
    [
        long_manifest(20_000),
        flooded_manifest(20_000),
        b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b',"first_version":0,"last_version":0,"chunks":[]}',
        b'{"x":[' + b"0," * 20_000 + b'0],"first_version":0,"last_version":0,"chunks":[]}',
    ],
    ids=["chunks", "fields", "nesting", "values"],
)
def test_whoever_waits_for_a_manifest_is_asked_all_along_whether_to_stop(manifest: bytes) -> None:
    asked = 0

    def stopped() -> bool:
        nonlocal asked
        asked += 1
        return asked == 2

    with pytest.raises(Stopped):
        parse_manifest(TXN, manifest, stopped)
    assert asked == 2


@pytest.mark.parametrize("words", [("check", "--level", "3"), ("restore-plan",)])
def test_ctrl_c_while_a_long_manifest_is_read_ends_with_130(words: tuple[str, ...], tmp_path: Path) -> None:
    store = write_store_of_manifest(tmp_path / "store", long_manifest(100_000), 99_999)
    name, *more = words
    told = {"check": "level 3 looks at", "restore-plan": "looking for a chain"}[name]
    pinned = ["--pin", MANIFEST] if name == "restore-plan" else []
    outcome = converse(command(name, store, *more, *pinned), [(told, "\x03")])
    assert outcome.code == 130
    assert "partial" in outcome.out and "Traceback" not in outcome.out


@pytest.mark.parametrize("crowd", sampled(tuple(Crowd), 2))
def test_whoever_waits_for_a_chain_is_asked_all_along_whether_to_stop(crowd: Crowd, tmp_path: Path) -> None:
    store = write_crowded_store(tmp_path / "store", crowd, 100)
    engine = Engine(LocalReader(str(store)), FixedHost(NOW))
    snapshot = engine.look()
    asked = Asked()
    engine.plan_recovery(snapshot, watch=asked)
    assert len(asked.times) > 5
    for moment in range(1, len(asked.times)):
        fresh = Engine(LocalReader(str(store)), FixedHost(NOW))
        with pytest.raises(Stopped):
            fresh.plan_recovery(fresh.look(), watch=Asked(until=moment))


def test_a_chain_through_many_lines_is_left_within_a_second(tmp_path: Path) -> None:
    store = write_crowded_store(tmp_path / "store", Crowd.TORN, 480_000)
    engine = Engine(LocalReader(str(store)), FixedHost(NOW))
    snapshot = engine.look()
    asked = Asked()
    engine.plan_recovery(snapshot, watch=asked)
    assert max(after - before for before, after in pairwise(asked.times)) < 1


class Asked(Unwatched):
    """When, in processor seconds, somebody asked whether to stop; told so at the question of number `until`."""

    def __init__(self, until: int = 0) -> None:
        self.until = until
        self.times = [time.process_time()]

    def stopped(self) -> bool:
        self.times.append(time.process_time())
        return len(self.times) - 1 == self.until


def test_ctrl_c_while_a_chain_is_looked_for_ends_with_130_within_a_second(tmp_path: Path) -> None:
    store = write_crowded_store(tmp_path / "store", Crowd.TORN, 480_000)
    outcome = converse(command("restore-plan", store), [("looking for a chain: 1 s so far", "\x03")])
    assert outcome.code == 130
    assert "partial" in outcome.out and "Traceback" not in outcome.out
    assert outcome.seconds < 1


def test_work_that_says_nothing_is_told_every_second() -> None:
    script = "from tui.headless.progress import at_work\nwith at_work('counting'): input()"
    outcome = converse([sys.executable, "-c", script], [("counting: 1 s so far", ""), ("counting: 2 s so far", "\n")])
    assert outcome.code == 0
