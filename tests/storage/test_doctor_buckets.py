"""The doctor on buckets of every provider: what a good one shows, and how a careless or a shut one is found out."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from core.machine import ThisMachine
from core.operations import operations_for
from tests.support.change_sets import base_folder, tree
from tests.support.commands import Outcome, seamline
from tests.support.machines import FakeMachine
from tests.support.servers.running import SECRET, Bucket, running, send, variables

PROBE = "compaction.probe"


class Ahead(ThisMachine):
    """This machine with a clock that is two minutes ahead."""

    def now(self) -> float:
        return super().now() + 120.0


@pytest.fixture
def store(bucket: Bucket, tmp_path: Path) -> Bucket:
    return filled(bucket, tmp_path)


@pytest.fixture
def s3_store(s3_bucket: Bucket, tmp_path: Path) -> Bucket:
    return filled(s3_bucket, tmp_path)


def filled(bucket: Bucket, tmp_path: Path) -> Bucket:
    for name, content in tree(base_folder(tmp_path / "store")).items():
        bucket.put(name, content)
    return bucket


def examined(url: str, *options: str, machine: ThisMachine | None = None) -> Outcome:
    return seamline("doctor", url, *options, "--json", machine=machine or ThisMachine())


def states(outcome: Outcome) -> dict[str, str]:
    return {each["id"]: each["state"] for each in outcome.document["checks"]}


def test_a_good_bucket_is_well_and_nothing_but_the_probe_is_left_in_it(store: Bucket) -> None:
    before = {key: store.get(key) for key in store.list()}
    outcome = examined(store.url)
    assert (outcome.code, outcome.document["verdict"]) == (0, "well"), outcome.out
    assert set(states(outcome).values()) == {"ok"}
    assert {
        "reach",
        "latency",
        "read",
        "listing",
        "fresh-listing",
        "conditions",
        "clock",
        "write",
        "move",
        "delete",
    } <= (set(states(outcome)))
    after = {key: store.get(key) for key in store.list()}
    assert set(after) - set(before) == {PROBE}
    assert {key: content for key, content in after.items() if key != PROBE} == before
    assert SECRET not in outcome.out


def test_a_clock_that_is_wrong_is_measured_against_the_storage(store: Bucket) -> None:
    outcome = examined(store.url, machine=Ahead())
    clock = next(each for each in outcome.document["checks"] if each["id"] == "clock")
    assert clock["state"] == "problem"
    assert 115 <= int(clock["seen"].split(" is ")[1].split(" ")[0]) <= 125
    assert "ahead of" in clock["seen"]
    assert outcome.code == 6


def test_beside_somebody_who_holds_the_lease_it_harms_nobody_and_says_so(s3_store: Bucket) -> None:
    holder = FakeMachine(pid=77, host="beta", moment=ThisMachine().now())
    with operations_for(s3_store.url, holder).lease("compact", "of last night") as lease:
        outcome = examined(s3_store.url)
        found = next(each for each in outcome.document["checks"] if each["id"] == "lease")
        assert (outcome.code, found["state"]) == (3, "note")
        assert "operator@beta (pid 77)" in found["seen"]
        lease.check()
    assert seamline("lock", s3_store.url, "--json").document["state"] == "free"


def test_a_storage_that_ignores_conditions_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running("careless_s3") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        for name, content in tree(base_folder(tmp_path / "store")).items():
            send("PUT", f"{address}/backups/{quote(f'x/{name}')}", content)
        outcome = examined("s3://backups/x")
        assert (outcome.code, outcome.document["verdict"]) == (6, "no-writing"), outcome.out
        found = next(each for each in outcome.document["checks"] if each["id"] == "conditions")
        assert (found["state"], found["bars"]) == ("problem", "writing")
        assert "ignores the conditions" in found["seen"]
        assert states(outcome)["write"] == "problem"
        assert "NO WRITING" in seamline("doctor", "s3://backups/x", machine=ThisMachine()).out
        hosted = examined("s3://backups/x", "--lease", "host")
        assert states(hosted)["conditions"] == "ok"


@pytest.mark.parametrize(("behaviour", "words"), [("403", "access is denied"), ("500", "the storage fails")])
def test_a_bucket_that_only_fails_is_told_and_nothing_else_is_tried(
    monkeypatch: pytest.MonkeyPatch, behaviour: str, words: str
) -> None:
    with running("careless_s3", behaviour) as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        outcome = examined("s3://backups/x")
    assert (outcome.code, outcome.document["verdict"]) == (20, "unreachable")
    assert words in outcome.document["checks"][0]["seen"]
    assert "SECRET-BODY" not in outcome.out
    assert "conditions" not in states(outcome)


@pytest.mark.parametrize(
    ("url", "code"), [("s3://no-such-bucket/x", 20), ("s3://backups/no-such-store", 20), ("s3://", 2), ("az://a/b", 2)]
)
def test_what_is_no_store_has_its_code(s3_bucket: Bucket, url: str, code: int) -> None:
    outcome = examined(url)
    assert outcome.code == code
    assert ("error" in outcome.document) == (code == 2)
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in outcome.out
