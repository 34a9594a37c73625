"""Keys that may not do everything, or nothing any more: each has its own words and code, and nothing is written."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest

from tests.support.change_sets import base_folder
from tests.support.changed_stores import HUNDRED
from tests.support.commands import LATER, Outcome, seamline
from tests.support.machines import FakeMachine
from tests.support.servers.kinds import AZURE_KEY, SECRET, Kind
from tests.support.servers.running import Bucket

#: What the operator is told about a key that is good for nothing, by provider.
USELESS = {
    ("s3", "expired"): "the credentials have expired",
    ("s3", "unknown"): "the access key is not known there",
    ("s3", "forged"): "the secret key is not accepted",
    ("gs", "expired"): "the credentials have expired, or are not accepted",
    ("gs", "unknown"): "the credentials have expired, or are not accepted",
    ("azure", "expired"): "is not accepted, or has expired",
    ("azure", "forged"): "is not accepted, or has expired",
}


@pytest.fixture
def store(bucket: Bucket, tmp_path: Path) -> Bucket:
    """A whole store in a bucket."""
    if bucket.kind.server == "radosgw":
        pytest.skip("its keys may do everything")
    folder = base_folder(tmp_path / "store")
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            bucket.put(str(file.relative_to(folder)), file.read_bytes())
    bucket.put("transaction_0-.aaaa/transaction.manifest", b"{}")
    return bucket


def become(who: str, kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go on as somebody who may not do everything."""
    for name, value in kind.limited(who).items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)


@lru_cache(maxsize=1)
def here(store: Bucket) -> FakeMachine:
    """One machine for all commands on a store: its random digits come but once."""
    return FakeMachine(moment=float(LATER))


def run(store: Bucket, *words: str) -> Outcome:
    """A command on that store; whatever it says, nothing secret is in it."""
    name, *options = words
    outcome = seamline(name, store.url, *options, "--json", machine=here(store))
    for never in (SECRET, AZURE_KEY, "SECRET-BODY", "sig=", "AKIA", "Debug source", "RetryError"):
        assert never not in outcome.out + outcome.err
    return outcome


def error_of(store: Bucket, *words: str) -> tuple[int, str]:
    """The code and the whole text of a command that ends with an error."""
    outcome = run(store, *words)
    error = outcome.document["error"]
    assert error["code"] == outcome.code
    assert error["hint"]
    return outcome.code, f"{error['message']}; {error['hint']}"


def test_who_may_not_list_is_told_so(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.list()
    become("no-list", store.kind, monkeypatch)
    for words in (("check",), ("compact", *HUNDRED, "--yes"), ("log",)):
        code, text = error_of(store, *words)
        assert code == 20
        assert "can't be listed: access is denied" in text
        assert any(right in text for right in ("s3:ListBucket", "storage.objects.list", "Storage Blob Data Reader"))
    assert store.list() == before


def test_who_may_list_but_not_read_is_told_so(store: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.list()
    become("no-get", store.kind, monkeypatch)
    checked = run(store, "check")
    assert checked.code == 20
    assert "access is denied" in checked.document["stock"]["error"]
    compacted = run(store, "compact", *HUNDRED, "--yes")
    assert compacted.code == 20
    assert "access is denied" in compacted.document["refused"]["explanation"]
    assert store.list() == before


def test_who_may_read_but_not_write_looks_at_all_and_is_told_so_when_it_writes(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.list()
    become("no-write", store.kind, monkeypatch)
    assert run(store, "check").code == 0
    code, text = error_of(store, "compact", *HUNDRED, "--yes")
    assert code == 20
    assert "was not written: access is denied" in text
    assert any(right in text for right in ("s3:PutObject", "storage.objects.create", "Storage Blob Data Contributor"))
    assert store.list() == before


def test_what_stopped_for_want_of_the_right_to_delete_goes_on_once_it_is_given(
    store: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = store.list()
    become("no-delete", store.kind, monkeypatch)
    assert run(store, "compact", *HUNDRED, "--yes").code == 0
    code, text = error_of(store, "undo", "--yes")
    assert code == 1
    assert "it has both names: access is denied" in text
    assert "seamline resume" in text
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AZURE_STORAGE_SAS_TOKEN", raising=False)
    assert run(store, "resume").code == 0
    assert run(store, "check").document["verdict"] == "clean"
    assert [key for key in store.list() if key.startswith("metadata/")] == [
        key for key in before if key.startswith("metadata/")
    ]


@pytest.mark.parametrize("who", ["expired", "unknown", "forged"])
def test_a_key_that_is_good_for_nothing_is_told_with_what_to_do(
    store: Bucket, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = USELESS.get((store.kind.name, who))
    if words is None:
        pytest.skip("this provider tells no such thing")
    before = store.list()
    become(who, store.kind, monkeypatch)
    for command in (("check",), ("compact", *HUNDRED, "--yes")):
        code, text = error_of(store, *command)
        assert code == 20
        assert words in text
    assert store.list() == before
