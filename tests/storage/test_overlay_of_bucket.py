"""An overlay of a store in a bucket: what it does not hold itself stock reads with the provider's own tool."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from core.demo import build_demo_store
from core.storage.objects.location import parse_location
from tests.support.adapters import StockAdapter
from tests.support.cloud_tools import install, variables
from tests.support.commands import seamline
from tests.support.servers.running import Bucket


def test_stock_restores_through_it(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The way to each is told in its own form, gzip or plain.
    zipped = bucket.kind.name == "s3"
    store, place = tmp_path / "store", parse_location(bucket.url)
    build_demo_store("no-join", store)
    there = tmp_path / "clouds" / place.account / place.bucket / place.prefix
    for file in sorted(store.rglob("*")):
        if file.is_file():
            handle, content = str(file.relative_to(store)), file.read_bytes()
            stored = gzip.compress(content, mtime=0) if zipped else content
            bucket.put(handle, stored)
            (there / handle).parent.mkdir(parents=True, exist_ok=True)
            (there / handle).write_bytes(stored)
    for name, value in variables(install(tmp_path / "bin"), tmp_path / "clouds").items():
        monkeypatch.setenv(name, value)
    before = list(bucket.list())

    written = seamline("overlay", bucket.url, tmp_path / "overlay", "--json")
    assert (written.code, written.document["private"]) == (0, False), written.out
    assert list(bucket.list()) == before
    stock = StockAdapter(str(tmp_path / "overlay" / "adapter.yaml"), tmp_path)
    manifests = [each for each in stock.listed() if each.startswith("metadata/")]
    assert manifests and all(stock.read(each).code == 0 for each in manifests)
    chunks = [str(file.relative_to(store)) for file in store.rglob("*.chunk")][:3]
    assert [stock.read(each).output for each in chunks] == [(store / each).read_bytes() for each in chunks]
    wish = ("--target-version", str(written.document["restorable_to"]))
    plan = seamline("restore-plan", tmp_path / "overlay" / "adapter.yaml", *wish, "--json").document
    assert (plan["stock"]["ok"], plan["stock"]["lands_at"]) == (True, written.document["restorable_to"])
