"""Buckets that ignore the conditions of a write are written to only under a lease of this machine, and that is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from core.engine import Engine
from core.errors import AlreadyThere, LeaseHeld, Refused
from core.lease import LOCK_HANDLE
from core.lease_choice import LeaseChoice
from core.operations import operations_for
from core.storage import reader_for
from core.write_access import write_access
from tests.support.adapter_stores import ON_HOST, AdapterStore
from tests.support.adapters import write_whole_adapter
from tests.support.crash_looks import stock_answers
from tests.support.crash_scenes import LATER, Crew, expired_scene, factors
from tests.support.machines import FakeMachine
from tests.support.servers.running import Bucket, running, send, variables

OPTIONS = factors(1, 2, 2)
URL = "s3://backups/x"


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that ignores conditions, with a store in its bucket; its address."""
    with running("careless_s3") as address:
        for name, value in variables(address).items():
            monkeypatch.setenv(name, value)
        for handle, content in expired_scene().files.items():
            send("PUT", f"{address}/backups/{quote(f'x/{handle}')}", content)
        yield address


def engine_of(location: str, lease: LeaseChoice) -> Engine:
    return Engine(reader_for(location, lease), FakeMachine(moment=LATER))


def metadata_in(location: str) -> dict[str, bytes]:
    reader = reader_for(location)
    names = [each.name for each in reader.list_folder("metadata")]
    return {
        name: content
        for name, content in zip(names, reader.read_many("metadata", names, 1 << 20), strict=True)
        if isinstance(content, bytes)
    }


def test_a_careless_bucket_is_refused_and_the_way_on_is_a_lease_of_this_machine(careless: str) -> None:
    engine = engine_of(URL, LeaseChoice())
    change = engine.plan_compaction(engine.look(), OPTIONS).change_set
    assert change is not None
    before = metadata_in(URL)
    with pytest.raises(Refused) as caught:
        operations_for(URL, FakeMachine()).apply(change)
    assert caught.value.hazard == "unconditional-storage"
    assert "--lease host" in caught.value.hint
    assert metadata_in(URL) == before


def test_with_a_lease_of_this_machine_a_careless_bucket_is_compacted_and_taken_back(careless: str) -> None:
    before, crew = metadata_in(URL), Crew()
    engine = engine_of(URL, ON_HOST)
    change = engine.plan_compaction(engine.look(), OPTIONS).change_set
    assert change is not None
    applied = operations_for(URL, crew.next(), ON_HOST).apply(change)
    after = metadata_in(URL)
    assert len(after) == change.files_after
    assert stock_answers(after) == stock_answers(before)
    assert any("this machine and this user alone" in note for note in applied.outcome.notes)
    # The journal is in the bucket as ever; the lease is not.
    assert [each.id for each in engine_of(URL, LeaseChoice()).log()] == [applied.operation]
    names = {each.handle for each in reader_for(URL).list_folder("")}
    assert "seamline" in names
    assert LOCK_HANDLE not in names
    assert engine_of(URL, ON_HOST).lease() is not None
    assert engine_of(URL, LeaseChoice()).lease() is None
    undo = engine.plan_undo(engine.look(), engine.log()[-1])
    operations_for(URL, crew.next(), ON_HOST).apply(undo)
    assert metadata_in(URL) == before


def test_on_a_careless_bucket_a_name_is_looked_for_before_it_is_made(careless: str) -> None:
    writer = write_access(URL, FakeMachine(), ON_HOST).writer
    name = sorted(metadata_in(URL))[0]
    before = metadata_in(URL)
    with pytest.raises(AlreadyThere):
        writer.create(f"metadata/{name}", b"other")
    assert metadata_in(URL) == before


def test_a_lease_of_this_machine_keeps_its_second_writer_out(careless: str) -> None:
    first, second = (operations_for(URL, FakeMachine(pid=pid), ON_HOST) for pid in (1, 2))
    with first.lease("compact", "one"), pytest.raises(LeaseHeld), second.lease("compact", "two"):
        raise AssertionError


def test_a_lease_that_the_bucket_holds_is_heeded_all_the_same(s3_bucket: Bucket) -> None:
    for handle, content in expired_scene().files.items():
        s3_bucket.put(handle, content)
    ours, others = FakeMachine(pid=1), FakeMachine(pid=2, host="beta")
    with operations_for(s3_bucket.url, others).lease("compact", "theirs"):
        operations = operations_for(s3_bucket.url, ours, ON_HOST)
        with pytest.raises(LeaseHeld, match="beta"), operations.lease("compact", "ours"):
            raise AssertionError
    with operations.lease("compact", "ours"):
        pass


def test_an_adapter_and_its_bucket_are_one_place(s3_bucket: Bucket, tmp_path: Path) -> None:
    """What is ours lies in the bucket; what the commands lead to is a copy of it, so that names are all that tells."""
    store = AdapterStore(tmp_path / "store").fill(expired_scene().files)
    path = write_whole_adapter(tmp_path / "a.yaml", store.folder, lease_store=s3_bucket.url)
    engine = engine_of(path, LeaseChoice())
    s3_bucket.put("metadata/other.meta", b"")
    with pytest.raises(Refused) as caught, operations_for(path, FakeMachine()).lease("compact", ""):
        raise AssertionError
    assert caught.value.hazard == "lease-store-elsewhere"
    s3_bucket.delete("metadata/other.meta")
    for handle, content in expired_scene().files.items():
        s3_bucket.put(handle, content)
    change = engine.plan_compaction(engine.look(), OPTIONS).change_set
    assert change is not None
    applied = operations_for(path, FakeMachine(moment=LATER)).apply(change)
    assert [each.id for each in engine.log()] == [applied.operation]
    assert {"compaction.lock", f"seamline/journal/{applied.operation}.intent.json"} <= set(s3_bucket.list())
    assert not (store.folder / "seamline").exists()
