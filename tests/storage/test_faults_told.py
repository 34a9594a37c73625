"""What goes wrong between us and a bucket is told in words, with what to do and the agreed code; resume goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.changes.ground import ApplyProgress, UnwatchedChange
from core.compaction import plan_compaction
from core.errors import LeaseLost
from core.operations import operations_for
from core.snapshot import take_snapshot
from core.stock import CompactionOptions
from core.storage import reader_for
from tests.support.bucket_acts import EXPIRED, BriskCrew, files_in, upload
from tests.support.change_sets import base_folder, tree
from tests.support.changed_stores import HUNDRED
from tests.support.commands import LATER, Outcome, seamline
from tests.support.crash_looks import Files
from tests.support.faults import MUTATING, Fault, FaultProxy
from tests.support.machines import FakeMachine
from tests.support.servers.running import SECRET, Bucket

#: Other factors than those of the compaction before, so that there are files to write and files to move.
OPTIONS = tuple("1" if word == "100" else word for word in HUNDRED)
EARLIER = float(LATER - 100_000)
DELETING = ("DELETE", "POST")


class Commands:
    """Command lines on a store in a bucket behind a proxy, each a process of its own as far as the lease can tell."""

    def __init__(self, bucket: Bucket, proxy: FaultProxy) -> None:
        self.bucket = bucket
        self.proxy = proxy
        self.crew = BriskCrew(float(LATER))

    def compact(self) -> Outcome:
        return self._run("compact", *OPTIONS, "--yes")

    def resume(self) -> Outcome:
        return self._run("resume")

    def check(self) -> Outcome:
        return self._run("check")

    def _run(self, name: str, *options: str) -> Outcome:
        outcome = seamline(name, self.bucket.url, *options, "--json", machine=self.crew.next())
        shown = outcome.out + outcome.err
        assert SECRET not in shown and "Debug source" not in shown and "Traceback" not in shown
        return outcome


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small store in a folder that was compacted more than a day ago."""
    folder = base_folder(tmp_path / "store")
    assert seamline("compact", folder, *HUNDRED, "--yes", machine=FakeMachine(moment=EARLIER)).code == 0
    return folder


@pytest.fixture
def store(bucket: Bucket, proxied: FaultProxy, folder: Path) -> Commands:
    """The same store in a bucket."""
    upload(tree(folder), bucket)
    return Commands(bucket, proxied)


@pytest.fixture
def compacted(store: Commands, folder: Path) -> Files:
    """What an undisturbed compaction makes of it."""
    assert seamline("compact", folder, *OPTIONS, "--yes", machine=FakeMachine(moment=float(LATER))).code == 0
    return tree(folder)


def metadata(bucket: Bucket) -> Files:
    return {handle: content for handle, content in files_in(bucket).items() if handle.startswith("metadata")}


def resumed(store: Commands, compacted: Files) -> None:
    """Resume ends with exit code 0 and the bytes of an undisturbed run."""
    outcome = store.resume()
    assert outcome.code == 0, outcome.out
    assert metadata(store.bucket) == compacted


def test_a_lost_answer_to_a_put_or_a_delete_changes_nothing(store: Commands, compacted: Files) -> None:
    lost = [
        Fault("lose", ("PUT",), f"/{name}") for name in ("metadata/.*compacted", "metadata_backup/", "compaction.lock")
    ]
    store.proxy.certainly(*lost, Fault("lose", ("PUT",), "intent.json"), Fault("lose", DELETING))
    outcome = store.compact()
    assert outcome.code == 0, outcome.out
    lost_ones = [told for told in store.proxy.happened().requests if told[2]]
    assert len(lost_ones) == 5, lost_ones
    assert metadata(store.bucket) == compacted


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
@pytest.mark.parametrize("fault", ["throttle", "busy"])
def test_a_busy_storage_is_asked_again(store: Commands, compacted: Files, fault: str) -> None:
    store.proxy.certainly(Fault(fault, MUTATING, "/metadata/", times=2), Fault(fault, ("GET",), times=1))
    outcome = store.compact()
    assert outcome.code == 0, outcome.out
    assert store.proxy.happened().counts[fault] == 3
    assert metadata(store.bucket) == compacted


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
@pytest.mark.parametrize("fault", ["throttle", "busy"])
def test_a_storage_that_stays_busy_is_told_and_resumed(store: Commands, compacted: Files, fault: str) -> None:
    store.proxy.certainly(Fault(fault, ("PUT",), "/metadata/", times=-1))
    error = store.compact().document["error"]
    assert (error["code"], error["kind"]) == (1, "outcome-unknown")
    assert "the storage asks for fewer requests" in error["message"]
    assert "wait a while" in error["hint"] and "seamline resume" in error["hint"]
    store.proxy.certainly(Fault(fault, times=-1))
    blind = store.check()
    assert blind.code == 20
    assert "the storage asks for fewer requests" in blind.document["error"]["message"]
    store.proxy.clear()
    resumed(store, compacted)


def test_credentials_that_expire_in_the_middle_are_told_and_resumed_with_fresh_ones(
    store: Commands, compacted: Files
) -> None:
    expired = EXPIRED[store.bucket.kind.name]
    for act, since in ((store.compact, 18), (store.resume, 8)):
        store.proxy.certainly(Fault("expire", since=since, times=-1), expired=expired)
        outcome = act()
        error = outcome.document["error"]
        assert outcome.code in (1, 20), outcome.out
        assert "expired" in error["message"]
        assert "seamline resume" in error["hint"] or outcome.code == 20
    assert "fresh" in error["hint"] or "check that AZURE" in error["hint"]
    store.proxy.certainly(Fault("expire", times=-1), expired=expired)
    assert store.check().code == 20
    store.proxy.clear()
    resumed(store, compacted)


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
@pytest.mark.parametrize("fault", ["truncate", "half-head", "drop"])
def test_half_an_answer_is_asked_for_again_and_told_where_it_lasts(store: Commands, fault: str) -> None:
    store.proxy.certainly(Fault(fault, ("GET",), r"/metadata/\w"))
    assert store.check().code in (0, 3)
    assert store.proxy.happened().counts[fault] == 1
    store.proxy.certainly(Fault(fault, ("GET",), times=-1))
    outcome = store.check()
    assert outcome.code == 20, outcome.out
    assert outcome.document["error"]["hint"]


@pytest.mark.parametrize("bucket", ["s3"], indirect=True)
def test_a_name_that_no_server_has_is_told(store: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://no-such-server.invalid:9")
    for outcome in (store.check(), store.compact()):
        error = outcome.document["error"]
        assert outcome.code == 20
        assert "the server's name is not known" in error["message"]
        assert "AWS_ENDPOINT_URL" in error["hint"]


class TakesOver(UnwatchedChange):
    """Somebody writes another lease over ours before the `at`-th step."""

    def __init__(self, bucket: Bucket, at: int) -> None:
        self._bucket = bucket
        self._at = at

    def progress(self, progress: ApplyProgress) -> None:
        if progress.done == self._at:
            lock = self._bucket.get("compaction.lock")
            self._bucket.put("compaction.lock", lock.replace(b'"owner":"', b'"owner":"other'))


def test_a_lease_that_somebody_else_has_in_the_middle_ends_it_with_12_and_nothing_is_retired(
    store: Commands, compacted: Files
) -> None:
    machine = store.crew.next()
    snapshot = take_snapshot(reader_for(store.bucket.url), machine)
    plan = plan_compaction(snapshot, CompactionOptions(1, 1, 1), LATER)
    assert plan.change_set is not None
    before = metadata(store.bucket)
    with pytest.raises(LeaseLost, match="took over") as caught:
        operations_for(store.bucket.url, machine).apply(plan.change_set, watch=TakesOver(store.bucket, 1))
    assert caught.value.exit_code == 12
    assert "seamline resume" in caught.value.hint
    assert before.items() <= metadata(store.bucket).items()
    held = store.resume()
    assert held.code == 0, "its holder has ended"
    assert metadata(store.bucket) == compacted
