"""The adapters that people have: made like the published ones, their cloud tools replaced by stand-ins on a folder."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.engine import Engine
from core.errors import Refused, SeamlineError, StoreUnreachable, WriteFailed
from core.host import FixedHost
from core.lease_choice import LeaseChoice
from core.operations import operations_for
from core.storage import reader_for
from core.storage.command.writer import CommandWriter
from core.write_access import write_access
from tests.support.adapter_stores import ON_HOST
from tests.support.crash_looks import Files, stock_answers
from tests.support.crash_scenes import LATER, Crew, expired_scene, factors
from tests.support.machines import FakeMachine
from tests.support.sample_tools import SAMPLES, install_tools, store_in
from tests.support.soaking import sampled

ALL = ("s3", "s3-compatible", "gcs", "azure")
SOUND = ("s3", "s3-compatible", "gcs", "azure, mended")
SECRET = "VERYSECRETSIGNATURE"
DERIVED = "transaction_5-.splice_ab12cd34/transaction.manifest"


@dataclass(frozen=True)
class Sample:
    """A sample's configuration, and the store that it leads to."""

    path: str
    folder: Path

    @property
    def engine(self) -> Engine:
        """A look at the store."""
        return Engine(reader_for(self.path, ON_HOST), FixedHost(LATER))

    def plain(self, folder: str = "metadata") -> Files:
        """What the files of a folder say."""
        return {path.name: gzip.decompress(path.read_bytes()) for path in (self.folder / folder).glob("*")}


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", install_tools(tmp_path / "bin"))
    monkeypatch.setenv("CLOUD", str(tmp_path / "cloud"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "cloud"


def sample_of(name: str, cloud: Path, files: Files) -> Sample:
    name, _, mended = name.partition(", ")
    text = (SAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    path = cloud.parent / f"{name}.yaml"
    path.write_text(text.replace("$SUBDIR", "$CONTAINER/$SUB_DIR") if mended else text, encoding="utf-8")
    folder = store_in(name, cloud)
    for handle, content in files.items():
        (folder / handle).parent.mkdir(parents=True, exist_ok=True)
        (folder / handle).write_bytes(gzip.compress(content))
    return Sample(str(path), folder)


@pytest.mark.parametrize("name", SOUND)
def test_a_sample_looks_compacts_and_takes_back(name: str, cloud: Path) -> None:
    files = expired_scene().files
    sample = sample_of(name, cloud, files)
    before = sample.plain()
    snapshot = sample.engine.look()
    assert len(snapshot.index.files) == len(before)
    assert not any(file.gzip for file in snapshot.index.files)
    change = sample.engine.plan_compaction(snapshot, factors(1, 2, 2)).change_set
    assert change is not None
    crew = Crew()
    applied = operations_for(sample.path, crew.next(), ON_HOST).apply(change)
    after = sample.plain()
    assert set(after) - set(before) == {write.handle.removeprefix("metadata/") for write in change.all_writes}
    assert {move.source.removeprefix("metadata/") for move in change.retires} == set(before) - set(after)
    assert {write.handle: write.content for write in change.all_writes} == {
        write.handle: after[write.handle.removeprefix("metadata/")] for write in change.all_writes
    }
    assert sample.plain("metadata_backup") == {name: before[name] for name in set(before) - set(after)}
    assert stock_answers(after) == stock_answers(before)
    operation = next(each for each in sample.engine.log() if each.id == applied.operation)
    undo = sample.engine.plan_undo(sample.engine.look(), operation)
    operations_for(sample.path, crew.next(), ON_HOST).apply(undo)
    assert sample.plain() == before


@pytest.mark.parametrize("name", ALL)
def test_a_sample_writes_derived_manifests_where_manifests_are(name: str, cloud: Path) -> None:
    sample = sample_of(name, cloud, expired_scene().files)
    access = write_access(sample.path, FakeMachine(), ON_HOST)
    access.prepare()
    access.writer.create(DERIVED, b'{"chunks":[]}')
    assert gzip.decompress((sample.folder / DERIVED).read_bytes()) == b'{"chunks":[]}'


def test_the_slip_in_the_published_azure_sample_is_told_before_anything_is_there(cloud: Path) -> None:
    files = expired_scene().files
    sample = sample_of("azure", cloud, files)
    before = sample.plain()
    change = sample.engine.plan_compaction(sample.engine.look(), factors(1, 2, 2)).change_set
    assert change is not None
    with pytest.raises(WriteFailed) as caught:
        operations_for(sample.path, Crew().next(), ON_HOST).apply(change)
    assert "SUBDIR: unbound variable" in caught.value.message
    assert SECRET not in caught.value.message + caught.value.hint
    assert sample.plain() == before
    crew = Crew()
    crew.next()
    assert sample.engine.log()[0].intent is not None
    undo = sample.engine.plan_undo(sample.engine.look(), sample.engine.log()[0])
    operations_for(sample.path, crew.next(), ON_HOST).apply(undo)
    assert sample.plain() == before


@pytest.mark.parametrize("name", ALL)
def test_a_listing_that_swallows_its_failure_is_an_error(
    name: str, cloud: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = sample_of(name, cloud, expired_scene().files)
    monkeypatch.setenv("CLOUD_REFUSES", "1")
    with pytest.raises(StoreUnreachable, match="printed nothing, as it does where a listing fails") as caught:
        sample.engine.look()
    assert SECRET not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("name", sampled(SOUND))
def test_credentials_that_end_on_the_way_leave_what_can_be_resumed(
    name: str, cloud: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = expired_scene().files
    sample = sample_of(name, cloud, files)
    before = sample.plain()
    change = sample.engine.plan_compaction(sample.engine.look(), factors(1, 2, 2)).change_set
    assert change is not None
    crew = Crew()

    class Expiring:
        def progress(self, progress: object) -> None:
            if str(getattr(progress, "step", "")).startswith("retire"):
                monkeypatch.setenv("CLOUD_REFUSES", "1")

        def stopped(self) -> bool:
            return False

    with pytest.raises(SeamlineError) as caught:
        operations_for(sample.path, crew.next(), ON_HOST).apply(change, watch=Expiring())
    assert "no line is lost" in caught.value.hint
    assert SECRET not in caught.value.message + caught.value.hint
    assert stock_answers(sample.plain()) == stock_answers(before)
    monkeypatch.delenv("CLOUD_REFUSES")
    operations_for(sample.path, crew.next(), ON_HOST).resume()
    assert len(sample.plain()) == len(before) + len(change.all_writes) - len(change.retires)
    assert stock_answers(sample.plain()) == stock_answers(before)


def test_a_placeholder_of_a_folder_is_told_and_not_opened(cloud: Path) -> None:
    sample = sample_of("gcs", cloud, expired_scene().files)
    (sample.folder / "metadata" / "old").mkdir()
    snapshot = sample.engine.look()
    assert "metadata/old/" in [file.handle for file in snapshot.index.files]


def test_a_sample_whose_lease_store_is_another_place_is_refused(cloud: Path) -> None:
    sample = sample_of("s3", cloud, expired_scene().files)
    other = cloud.parent / "other"
    shutil.copytree(sample.folder, other)
    next((other / "metadata").glob("*")).unlink()
    with pytest.raises(Refused, match="does not hold what the commands list"):
        write_access(sample.path, FakeMachine(), LeaseChoice(store=str(other))).prepare()


def test_a_folder_sample_that_prints_no_handle_ends_with_the_hazards_name(cloud: Path, tmp_path: Path) -> None:
    """One is published whose save command neither prints a handle nor closes its output."""
    sample = sample_of("s3", cloud, expired_scene().files)
    path = Path(sample.path)
    head, _, rest = path.read_text().partition("  save_metadata_line: |\n")
    save = '  save_metadata_line: cd "$CLOUD" && mkdir -p m && cd m && gzip -c > $FILE_NAME\n'
    path.write_text(head + save + "  list" + rest.partition("\n  list")[2])
    access = write_access(str(path), FakeMachine(), ON_HOST)
    access.prepare()
    assert isinstance(access.writer, CommandWriter)
    access.writer._calls._idle = 1.0
    with pytest.raises(WriteFailed, match=r"adapter-stdout-open.*exec 1>&-"):
        access.writer.create("metadata/x_1.meta", b"{}\n")
