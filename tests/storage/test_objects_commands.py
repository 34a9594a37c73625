"""The commands on a store in a bucket: what they do there is what they do to the same store in a folder."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from core.compaction import plan_compaction
from core.errors import Stopped
from core.operations import operations_for
from core.snapshot import take_snapshot
from core.stock import CompactionOptions
from core.storage import reader_for
from core.storage.protocol import ListedKind
from tests.support.change_sets import base_folder, tree, with_a_backup
from tests.support.changed_stores import HUNDRED, StopAfter
from tests.support.commands import LATER, Outcome, command, environment, seamline
from tests.support.machines import FakeMachine
from tests.support.servers.kinds import AZURE_KEY, SECRET
from tests.support.servers.running import Bucket
from tests.support.soaking import SOAKED

#: How often a real command is run on each storage.
RUNS = 100 if SOAKED else 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store whose path no other test has had: what was seen there last is remembered by the path."""
    return with_a_backup(base_folder(tmp_path / uuid4().hex))


@pytest.fixture
def store(bucket: Bucket, folder: Path) -> Bucket:
    """The same store in a bucket."""
    upload(folder, bucket)
    return bucket


def upload(folder: Path, bucket: Bucket) -> None:
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            bucket.put(str(file.relative_to(folder)), file.read_bytes())


def contents(bucket: Bucket) -> dict[str, bytes]:
    """Every file of `metadata/` and `metadata_backup/` with its bytes."""
    reader = reader_for(bucket.url)
    found = {}
    for name in ("metadata", "metadata_backup"):
        for listed in reader.list_folder(name):
            assert listed.kind is ListedKind.FILE
            with reader.open(listed.handle) as stream:
                found[listed.handle] = stream.read()
    return found


def machine() -> FakeMachine:
    return FakeMachine(moment=float(LATER))


def same(in_bucket: Outcome, in_folder: Outcome, bucket: Bucket, folder: Path) -> None:
    """Whether both ended alike and said the same, but for the place."""
    assert (in_bucket.code, in_bucket.err) == (in_folder.code, in_folder.err)
    assert in_bucket.out.replace(bucket.url, "STORE") == in_folder.out.replace(str(folder), "STORE")


def test_a_bucket_is_checked_as_a_folder_is(store: Bucket, folder: Path) -> None:
    for words in (("check", "--json"), ("log", "--json"), ("lock", "--json"), ("restore-plan", "--json")):
        name, *options = words
        same(seamline(name, store.url, *options), seamline(name, folder, *options), store, folder)


def test_a_compaction_leaves_the_same_bytes_as_in_a_folder_and_undo_brings_all_back(
    store: Bucket, folder: Path
) -> None:
    before = contents(store)
    assert before == tree(folder)
    machines = {store.url: machine(), str(folder): machine()}
    for place, here in machines.items():
        done = seamline("compact", place, *HUNDRED, "--yes", "--json", machine=here)
        assert done.code == 0, done.out
        assert done.document["applied"] is not None
    assert contents(store) == tree(folder)
    assert contents(store) != before
    for place, here in machines.items():
        undone = seamline("undo", place, "--yes", "--json", machine=here)
        assert undone.code == 0, undone.out
    assert contents(store) == tree(folder)
    assert {handle: content for handle, content in contents(store).items() if handle in before} == before
    assert reader_for(store.url).list_folder("seamline/staged") == []
    assert seamline("lock", store.url, "show", "--json").document["state"] == "free"


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_compaction_that_was_stopped_is_resumed_where_it_was(store: Bucket, folder: Path, steps: int) -> None:
    here = machine()
    snapshot = take_snapshot(reader_for(store.url), here)
    plan = plan_compaction(snapshot, CompactionOptions(100, 100, 100), LATER)
    assert plan.change_set is not None
    with pytest.raises(Stopped):
        operations_for(store.url, here).apply(plan.change_set, watch=StopAfter(steps))
    assert seamline("resume", store.url, machine=here).code == 0
    assert seamline("compact", folder, *HUNDRED, "--yes", machine=machine()).code == 0
    assert contents(store) == tree(folder)


def test_a_command_runs_under_the_lease_and_what_it_changes_is_told(store: Bucket) -> None:
    foreign = (
        "import os; from core.storage import reader_for; "
        "held = reader_for(os.environ['URL']).open('compaction.lock').read(); "
        "raise SystemExit(0 if b'held' in held and b'guard' in held else 7)"
    )
    done = subprocess.run(
        [*command("guard", store.url, "--"), sys.executable, "-c", foreign],
        env=environment(**os.environ, URL=store.url),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    log = seamline("log", store.url, "--json").document
    assert [operation["kind"] for operation in log["operations"]] == ["guard"]
    assert seamline("lock", store.url, "show", "--json").document["state"] == "free"


def wrong(url: str, code: int, words: str) -> None:
    """Whether each kind of command says what is wrong with a location, and shows nothing that it should not."""
    for name, *options in (("check",), ("compact", "--yes"), ("repair", "--dry-run")):
        outcome = seamline(name, url, *options, "--json")
        error = outcome.document["error"]
        assert (outcome.code, error["code"]) == (code, code)
        assert re.search(words, error["message"])
        assert error["hint"]
        for never in (SECRET, AZURE_KEY, "Debug source"):
            assert never not in outcome.out + outcome.err


def test_a_missing_bucket_and_a_wrong_prefix_have_their_own_words_and_code(bucket: Bucket) -> None:
    wrong(bucket.of("no-such-bucket").url, 20, "there is no such (bucket|container)")
    wrong(bucket.below("no-such-store").url, 20, "nothing lies below")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://", "names no bucket"),
        ("gs://", "names no bucket"),
        ("az://account/box", "its first part would be read as the container"),
        ("abfss://box/x", "its first part would be read as the container"),
        ("https://bucket.s3.amazonaws.com/x", "is one of Azure"),
    ],
)
def test_what_is_no_location_has_its_own_words_and_code(url: str, words: str) -> None:
    wrong(url, 2, words)


def test_a_real_command_ends_with_its_exit_code_and_nothing_else_on_its_streams(store: Bucket) -> None:
    missing = store.of("no-such-bucket").url
    for number in range(RUNS):
        url, code = (store.url, 0) if number % 4 else (missing, 20)
        done = subprocess.run(
            command("check", url, "--json"),
            env=environment(**os.environ),
            capture_output=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (code, b"")
        assert ("error" in json.loads(done.stdout)) == bool(code)


def test_a_store_whose_files_are_gzip_is_compacted_in_gzip_and_undone(bucket: Bucket, folder: Path) -> None:
    """As the sample adapters write it: without a name that says so."""
    for name, content in tree(folder).items():
        bucket.put(name, gzip.compress(content, mtime=0))
    before = contents(bucket)
    plain, zipped = seamline("check", folder, "--json").document, seamline("check", bucket.url, "--json").document
    assert (zipped["counts"], zipped["storage_state"]) == (plain["counts"], plain["storage_state"])
    here = machine()
    for place, process in ((bucket.url, here), (folder, machine())):
        assert seamline("compact", place, *HUNDRED, "--yes", machine=process).code == 0
    after = contents(bucket)
    assert {handle: gzip.decompress(content) for handle, content in after.items()} == tree(folder)
    assert {handle: after[handle] for handle in before} == before
    assert seamline("undo", bucket.url, "--yes", machine=here).code == 0
    assert {handle: each for handle, each in contents(bucket).items() if handle.startswith("metadata/")} == before
