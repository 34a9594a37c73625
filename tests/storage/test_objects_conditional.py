"""A small object that several writers change only as they saw it, and storages on which that can't be had."""

from __future__ import annotations

import itertools
import os
import threading

import pytest

from core.errors import AlreadyThere, Refused, StoreUnreachable, WriteFailed
from core.lease import hold
from core.machine import ThisMachine
from core.names import LOCK_HANDLE, PROBE_HANDLE
from core.storage.objects.client import PROMPT, Patience, open_client
from core.storage.objects.conditional import ObjectConditional
from core.storage.objects.location import parse_location
from core.storage.writing import Tagged
from tests.support.servers.running import Bucket, running, variables

COUNTER = itertools.count()


def conditional(url: str, patience: Patience = PROMPT) -> ObjectConditional:
    return ObjectConditional(open_client(parse_location(url), os.environ, patience), lambda: f"{next(COUNTER):016x}")


def test_an_object_is_made_once_and_replaced_only_as_it_was_seen(bucket: Bucket) -> None:
    store = conditional(bucket.url)
    assert store.load(LOCK_HANDLE, 100) is None
    first = store.swap(LOCK_HANDLE, b"one", None)
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"other", None)
    second = store.swap(LOCK_HANDLE, b"two", first)
    assert second != first
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"late", first)
    there = store.load(LOCK_HANDLE, 100)
    assert there is not None
    assert (there.content, there.tag) == (b"two", second)


def test_an_object_that_is_gone_is_not_replaced(bucket: Bucket) -> None:
    store = conditional(bucket.url)
    tag = store.swap(LOCK_HANDLE, b"one", None)
    bucket.delete(LOCK_HANDLE)
    with pytest.raises(AlreadyThere):
        store.swap(LOCK_HANDLE, b"two", tag)
    assert store.load(LOCK_HANDLE, 100) is None


def test_no_more_is_read_than_is_asked_for(bucket: Bucket) -> None:
    bucket.put(LOCK_HANDLE, b"x" * 1_000_000)
    there = conditional(bucket.url).load(LOCK_HANDLE, 10)
    assert there is not None
    assert there.content == b"x" * 11


def test_one_of_many_wins_each_round(bucket: Bucket) -> None:
    stores = [conditional(bucket.url) for _ in range(6)]
    tag: str | None = None
    for each in stores:
        each.swap(f"own-{next(COUNTER)}", b"", None)
    for number in range(15):
        won: list[str] = []
        start = threading.Barrier(len(stores))

        def contend(who: int, tag: str | None, number: int, won: list[str], start: threading.Barrier) -> None:
            start.wait()
            try:
                won.append(stores[who].swap(LOCK_HANDLE, b"%d by %d" % (number, who), tag))
            except AlreadyThere:
                return

        threads = [threading.Thread(target=contend, args=(who, tag, number, won, start)) for who in range(len(stores))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(won) == 1
        tag = won[0]


class Hurried(ThisMachine):
    """This machine, on which nobody waits for long."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 100)


def test_of_many_contenders_one_holds_the_lease_at_a_time_and_tokens_rise(bucket: Bucket) -> None:
    tokens: list[int] = []
    counter = 0

    def contend() -> None:
        nonlocal counter
        machine = Hurried()
        store = ObjectConditional(open_client(parse_location(bucket.url), os.environ, PROMPT), machine.fresh_id)
        for _ in range(4):
            with hold(store, machine, purpose="race", operation="", wait=60.0) as lease:
                lease.check()
                seen = counter
                machine.sleep(0.5)
                counter = seen + 1
                tokens.append(lease.token)

    threads = [threading.Thread(target=contend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter == 24
    assert tokens == list(range(1, 25))


def test_a_storage_that_keeps_conditions_is_tried_once_beside_the_store(bucket: Bucket) -> None:
    store = conditional(bucket.url)
    store.swap(LOCK_HANDLE, b"one", None)
    probe = store.load(PROBE_HANDLE, 1_000)
    assert probe is not None
    assert b"conditions" in probe.content
    store.swap("other", b"two", None)
    assert store.load(PROBE_HANDLE, 1_000) == probe
    conditional(bucket.url).swap("third", b"three", None)
    assert store.load(PROBE_HANDLE, 1_000) != probe


def test_a_storage_that_ignores_conditions_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("careless_s3") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        store = conditional("s3://backups/x")
        for _ in range(2):
            with pytest.raises(Refused, match="ignores the conditions") as caught:
                store.swap(LOCK_HANDLE, b"one", None)
        assert caught.value.hazard == "unconditional-storage"
        assert store.load(LOCK_HANDLE, 100) is None


def test_a_storage_that_compares_tags_without_their_quotes_is_told_from_one_that_ignores_conditions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running("careless_s3", "bare") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        store = conditional("s3://backups/x")
        assert store.peculiarity == ""
        first = store.swap(LOCK_HANDLE, b"one", None)
        assert store.peculiarity == "it compares tags without their quotes"
        second = store.swap(LOCK_HANDLE, b"two", first)
        with pytest.raises(AlreadyThere):
            store.swap(LOCK_HANDLE, b"late", first)
        assert conditional("s3://backups/x").load(LOCK_HANDLE, 100) == Tagged(b"two", second)


def test_a_storage_that_compares_tags_as_it_gives_them_is_told(bucket: Bucket) -> None:
    store = conditional(bucket.url)
    store.swap(LOCK_HANDLE, b"one", None)
    assert bool(store.peculiarity) is (bucket.kind.server == "radosgw")


def test_a_storage_that_may_not_be_written_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("careless_s3", "403") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        store = conditional("s3://backups/x")
        with pytest.raises(WriteFailed, match="access is denied"):
            store.swap(LOCK_HANDLE, b"one", None)
        with pytest.raises(StoreUnreachable, match="access is denied"):
            store.load(LOCK_HANDLE, 10)
