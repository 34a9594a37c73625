"""The least rights that docs/permissions.md gives for S3 are enough, and none of them is given for nothing."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from core.names import is_derived_manifest
from tests.support.changed_stores import HUNDRED
from tests.support.commands import LATER, seamline
from tests.support.faults import FaultProxy, faulty
from tests.support.machines import FakeMachine
from tests.support.servers.running import Bucket

PAGE = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text(encoding="utf-8")
_ACTIONS = {"GET": "s3:GetObject", "HEAD": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks for; `prefix` is what a listing is of."""

    action: str
    resource: str
    prefix: str = ""


def policy(heading: str, bucket: Bucket) -> dict[str, Any]:
    """The policy below a heading of the page, for a store of ours."""
    found = re.search(rf"^## {heading}\n\n```json\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    text = found[1].replace("BUCKET", bucket.name).replace("PREFIX", bucket.prefix)
    document: dict[str, Any] = json.loads(text)
    return document


def listed(words: str | list[str]) -> list[str]:
    return [words] if isinstance(words, str) else words


def grants(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each action, resource and prefix that a policy allows."""
    for statement in document["Statement"]:
        assert statement["Effect"] == "Allow"
        prefix = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "*")
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield action, resource, prefix


def covers(grant: tuple[str, str, str], asked: Asked) -> bool:
    action, resource, prefix = grant
    return action == asked.action and fnmatchcase(asked.resource, resource) and fnmatchcase(asked.prefix, prefix)


def asked_of(proxy: FaultProxy, bucket: Bucket) -> set[Asked]:
    """What was asked for since the proxy was told."""
    requests = proxy.happened().requests
    assert 0 < len(requests) < 5_000
    return {_asked(method, target, bucket) for method, target, _ in requests}


def _asked(method: str, target: str, bucket: Bucket) -> Asked:
    parts = urlsplit(target)
    name, _, key = unquote(parts.path).lstrip("/").partition("/")
    assert name == bucket.name
    query = parse_qs(parts.query, keep_blank_values=True)
    if not key:
        assert (method, "list-type" in query) == ("GET", True), target
        return Asked("s3:ListBucket", f"arn:aws:s3:::{name}", query.get("prefix", [""])[0])
    assert not query, f"a request of another kind: {target}"
    return Asked(_ACTIONS[method], f"arn:aws:s3:::{name}/{key}")


@pytest.fixture
def proxy(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    with faulty(s3_bucket.address) as proxy:
        for name, value in s3_bucket.kind.variables(proxy.address).items():
            monkeypatch.setenv(name, value)
        yield proxy


@pytest.fixture
def store(s3_bucket: Bucket, tmp_path: Path) -> Bucket:
    """A store whose repair derives a manifest."""
    folder = tmp_path / "store"
    assert seamline("demo", "--scenario", "no-join", "--dir", folder, "--no-open").code == 0
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            s3_bucket.put(str(file.relative_to(folder)), file.read_bytes())
    return s3_bucket


def test_looking_and_writing_need_what_the_page_gives_and_nothing_more(store: Bucket, proxy: FaultProxy) -> None:
    here = FakeMachine(moment=float(LATER))
    proxy.clear()
    for words in (
        ("check", store.url, "--level", "2"),
        ("restore-plan", store.url),
        ("lock", store.url),
        ("log", store.url),
    ):
        assert seamline(*words, "--json", machine=here).code in (0, 4), words
    assert seamline("repair", store.url, "--dry-run", "--json", machine=here).code == 0
    looked = asked_of(proxy, store)
    proxy.clear()
    assert seamline("doctor", store.url, "--json", machine=FakeMachine(moment=time.time())).code in (0, 3)
    repaired = seamline("repair", store.url, "--yes", "--json", machine=here)
    assert repaired.code == 0, repaired.out
    assert seamline("undo", store.url, "--yes", "--json", machine=here).code == 0
    assert seamline("repair", store.url, "--yes", "--json", machine=here).code == 0
    assert seamline("compact", store.url, *HUNDRED, "--yes", "--json", machine=here).code == 0
    wrote = asked_of(proxy, store)
    looking, writing = (list(grants(policy(f"S3: {word}", store))) for word in ("looking", "writing"))
    assert [each for each in looked if not any(covers(grant, each) for grant in looking)] == []
    assert [each for each in wrote if not any(covers(grant, each) for grant in writing)] == []
    assert [grant for grant in looking if not any(covers(grant, each) for each in looked)] == []
    unused = [grant for grant in writing if not any(covers(grant, each) for each in wrote)]
    # No sample store has epoch endings that must be cut.
    epochs = f"arn:aws:s3:::{store.name}/{store.prefix}/epoch_ending_*.splice_*/epoch_ending.manifest"
    assert unused == [("s3:PutObject", epochs, "*")]


def test_the_manifests_that_a_repair_derives_have_the_names_of_the_page() -> None:
    for name, handle in (
        ("transaction_*.splice_*/transaction.manifest", "transaction_5-.splice_0123abcd/transaction.manifest"),
        ("epoch_ending_*.splice_*/epoch_ending.manifest", "epoch_ending_5-.splice_0123abcd/epoch_ending.manifest"),
    ):
        assert f"PREFIX/{name}" in PAGE
        assert is_derived_manifest(handle)
        assert fnmatchcase(handle, name)


def test_backups_can_neither_be_replaced_nor_deleted(s3_bucket: Bucket) -> None:
    for key in ("transaction_1-.a1b2/transaction.manifest", "state_epoch_4_ver_9.c3d4/0-.chunk", "identity"):
        for action in ("s3:PutObject", "s3:DeleteObject"):
            asked = Asked(action, f"arn:aws:s3:::{s3_bucket.name}/{s3_bucket.prefix}/{key}")
            assert not any(covers(grant, asked) for grant in grants(policy("S3: writing", s3_bucket)))
