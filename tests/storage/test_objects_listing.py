"""Listing a folder of a bucket: all that is directly in it, however much that is, and nothing gone through in vain."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest

from core.errors import StoreUnreachable
from core.storage import ListedKind, reader_for
from core.storage.objects.client import open_client
from core.storage.objects.location import parse_location
from core.storage.objects.reader import ObjectReader
from tests.support.servers.running import Bucket, running, send, variables

#: What listing a folder adds to the peak of the process, in bytes; the listing itself is thrown away.
MEMORY_SCRIPT = """
import sys
from pathlib import Path
from core.storage import reader_for
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
reader = reader_for(sys.argv[1])
reader.list_folder("metadata_backup")
before = peak()
held = reader.list_folder("metadata")
print(len(held), peak() - before)
"""
#: Asks a server that does not answer, is interrupted, and ends as the command does.
INTERRUPTED_SCRIPT = """
import os, signal, threading
from core.storage import reader_for
from tui.headless.leaving import leave
timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
try:
    reader = reader_for("s3://backups/store")
    timer.start()
    reader.{ask}
except KeyboardInterrupt:
    leave(130)
"""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Distant:
    """A bucket of many keys on a server that counts what it is asked."""

    address: str
    url: str

    def add(self, prefix: str, count: int) -> None:
        """Objects `prefix`000000 and on."""
        send("POST", f"{self.address}/keys?prefix=store/{prefix}&count={count}", b"")

    def asked(self) -> dict[str, int]:
        """How many requests of each kind came since the last time."""
        requests: dict[str, int] = json.loads(send("GET", f"{self.address}/asked", None))["requests"]
        return requests


@pytest.fixture
def distant(monkeypatch: pytest.MonkeyPatch) -> Iterator[Distant]:
    """An empty one, without delay."""
    with running("distant_s3", "0") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        yield Distant(address, "s3://backups/store")


def told(url: str, folder: str = "metadata", **options: int) -> dict[str, ListedKind]:
    location = parse_location(url)
    reader = ObjectReader(location, open_client(location, os.environ), **options)
    return {each.handle: each.kind for each in reader.list_folder(folder)}


def test_a_hundred_thousand_names_are_listed_in_bounded_memory(distant: Distant) -> None:
    distant.add("metadata/transaction_", 100_000)
    command = [sys.executable, "-c", MEMORY_SCRIPT, distant.url]
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    names, held = map(int, run.stdout.split())
    assert names == 100_000
    assert held < 100_000 * 600


def test_a_folder_of_more_names_than_are_allowed_is_not_gone_through(distant: Distant) -> None:
    distant.add("metadata/transaction_", 20_000)
    with pytest.raises(StoreUnreachable, match="metadata holds more than 5,000 names"):
        told(distant.url, max_names=5_000)
    assert distant.asked() == {"list": 6}


def test_what_lies_deep_below_is_not_gone_through(distant: Distant) -> None:
    distant.add("metadata/old/deep/x", 100_000)
    distant.add("metadata/a.meta", 1_500)
    distant.add("metadata/old0", 1)
    distant.add("metadata/old", 1)
    distant.add("metadata/z", 1)
    found = told(distant.url)
    assert len(found) == 1_504
    assert found["metadata/old"] is ListedKind.FOLDER
    assert {"metadata/old000000", "metadata/old0000000", "metadata/z000000"} <= set(found)
    # Its first page, and perhaps one with the end of what came before.
    assert distant.asked()["list"] <= 6


def test_many_folders_below_cost_a_request_or_two_each(distant: Distant) -> None:
    for number in range(5):
        distant.add(f"metadata/folder_{number}/x", 10_000)
    distant.add("metadata/folder_9/x", 10)
    distant.add("metadata/x", 10)
    assert set(told(distant.url)) == {
        *(f"metadata/folder_{number}" for number in (0, 1, 2, 3, 4, 9)),
        *(f"metadata/x{number:06}" for number in range(10)),
    }
    assert distant.asked()["list"] <= 12


def test_a_file_and_a_folder_of_one_name_are_both_told(bucket: Bucket) -> None:
    bucket.put("metadata/old", b"")
    bucket.put("metadata/new", b"x")
    bucket.put("metadata/old/x", b"x")
    bucket.put("metadata/new/x", b"x")
    file, folder = ListedKind.FILE, ListedKind.FOLDER
    both = {"metadata/old": file, "metadata/old/": folder, "metadata/new": file, "metadata/new/": folder}
    assert told(bucket.url) == both


def test_a_folder_with_a_mark_of_its_own_is_told_once(s3_bucket: Bucket) -> None:
    s3_bucket.put("metadata/old/", b"")
    s3_bucket.put("metadata/old/x", b"x")
    assert told(s3_bucket.url) == {"metadata/old": ListedKind.FOLDER}


@pytest.mark.parametrize("key", ["metadata/a//b", "metadata/x/../b", "metadata/a\x1b[31mb"])
def test_the_key_for_which_nothing_can_be_listed_is_named(s3_bucket: Bucket, key: str) -> None:
    s3_bucket.put(key, b"x")
    with pytest.raises(StoreUnreachable) as caught:
        told(s3_bucket.url)
    assert "a key there is no path" in caught.value.message
    assert key.partition("\x1b")[0] in caught.value.message
    assert caught.value.message.isprintable()


def test_a_version_has_the_same_tag_in_a_listing_and_by_itself_and_another_one_after_a_change(bucket: Bucket) -> None:
    reader = reader_for(bucket.url)
    tags = []
    for content in (b"abc", b"abd"):
        bucket.put("metadata/a.meta", content)
        (listed,) = reader.list_folder("metadata")
        assert listed == reader.stat("metadata/a.meta")
        tags.append(listed.tag)
    assert tags[0] != tags[1]
    assert all(tags)
    assert not set('"') & set(chain(*tags))


@pytest.mark.parametrize("ask", ["list_folder('metadata')", "stat('metadata/x')", "open('metadata/x')"])
def test_whoever_no_longer_waits_for_a_slow_server_is_not_kept(ask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with running("distant_s3", "30000") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        began = time.monotonic()
        script = INTERRUPTED_SCRIPT.format(ask=ask)
        run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, stderr=subprocess.PIPE, check=False)
    assert (run.returncode, run.stderr) == (130, b"")
    assert time.monotonic() - began < 15
