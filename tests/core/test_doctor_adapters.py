"""The doctor on command adapters: what their text, their file and their listing show, and what is never run."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.doctor import CheckState, Examination, Result, examine, patient_for
from core.doctor.adapter_listings import TOOLS, Tool, filter_faults
from core.errors import UsageError
from core.lease_choice import AS_USUAL, LeaseChoice
from core.machine import ThisMachine
from core.storage import reader_for
from core.storage.command.config import parse_config
from tests.support import adapter_samples
from tests.support.adapter_stores import ON_HOST
from tests.support.adapters import READ, WRITING, write_whole_adapter
from tests.support.change_sets import base_folder
from tests.support.sample_tools import SAMPLES, install_tools, store_in

SAFE = {
    "save_metadata_line": f"set -C; {WRITING['save_metadata_line']}",
    "backup_metadata_file": WRITING["backup_metadata_file"].replace("mv -f", "mv -n"),
}


@pytest.fixture(autouse=True)
def state_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def adapter(store: Path, lease_store: str | None = None, **commands: str) -> str:
    path = store.parent / "adapter.yaml"
    write_whole_adapter(path, store, lease_store=lease_store, **{**SAFE, **commands})
    path.chmod(0o644)
    return str(path)


def examined(path: str, lease: LeaseChoice = AS_USUAL) -> Examination:
    return examine(patient_for(path, ThisMachine(), lease))


def one(examination: Examination, id_: str) -> Result:
    (found,) = [each for each in examination.results if each.id == id_]
    return found


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


@pytest.mark.parametrize("native", [False, True], ids=["on host", "native"])
def test_a_good_adapter_with_a_lease_is_well(store: Path, state_home: Path, native: bool) -> None:
    before = files(store)
    lease = LeaseChoice(store=str(store)) if native else ON_HOST
    examination = examined(adapter(store), lease)
    assert [each for each in examination.results if each.state is not CheckState.OK and each.id != "own-folders"] == []
    assert ("keeps nobody elsewhere" in one(examination, "conditions").why) is not native
    made = files(store) - before if native else {name.rpartition("/")[2] for name in files(state_home)}
    assert {"compaction.probe", "compaction.probe.flock"} <= made
    assert not any("staged" in name for name in made), "what was tried was taken away"
    assert files(store) - before == (made if native else set())


def test_without_a_word_of_the_lease_writing_is_barred_and_nothing_is_written(store: Path, state_home: Path) -> None:
    before = files(store)
    examination = examined(adapter(store))
    assert examination.word == "no-writing"
    assert "--lease-store" in one(examination, "conditions").next_step
    assert "--lease host" in one(examination, "conditions").next_step
    assert (files(store), files(state_home)) == (before, set())


@pytest.mark.parametrize("lease", [AS_USUAL, ON_HOST])
def test_commands_that_read_text_as_code_are_shown_and_not_run(store: Path, tmp_path: Path, lease: LeaseChoice) -> None:
    path = adapter(store, open_for_read=f'touch {tmp_path}/ran; eval "{READ}"')
    examination = examined(path, lease)
    assert examination.word == "unreachable"
    assert "eval reads its text as commands" in one(examination, "config-is-code").why
    assert "nothing was run" in one(examination, "reach").seen
    with pytest.raises(UsageError, match="eval reads its text") as refused:
        reader_for(path, lease)
    assert "accept_code: true" in refused.value.hint
    assert not (tmp_path / "ran").exists()


def test_whoever_insists_on_such_commands_has_them_run(store: Path) -> None:
    path = Path(adapter(store, open_for_read=f"bash -c '{READ}'"))
    path.write_text(f"{path.read_text()}\nseamline: {{accept_code: true}}\n")
    examination = examined(str(path), ON_HOST)
    assert (one(examination, "read").state, examination.word) == (CheckState.OK, "usable")


@pytest.mark.parametrize("value", ["yes", "1", "[true]", "''"])
def test_insisting_is_spelled_in_one_way(store: Path, value: str) -> None:
    path = Path(adapter(store))
    path.write_text(f"{path.read_text()}\nseamline: {{accept_code: {value}}}\n")
    with pytest.raises(UsageError, match="accept_code"):
        examined(str(path))


@pytest.mark.parametrize(
    ("commands", "hazard"),
    [
        ({"save_metadata_line": 'cat > "$STORE_DIR/metadata/$FILE_NAME"'}, "adapter-handle-mismatch"),
        ({"save_metadata_line": 'echo "metadata/$FILE_NAME"; cat > "$STORE_DIR/x"'}, "adapter-stdout-open"),
        ({"save_metadata_line": f"echo $SUBDIR; {SAFE['save_metadata_line']}"}, "azure-sample-broken"),
        ({"backup_metadata_file": "~"}, "adapter-no-move-command"),
    ],
)
def test_a_command_that_can_t_write_bars_writing(store: Path, commands: dict[str, str], hazard: str) -> None:
    path = Path(adapter(store, **commands))
    path.write_text(path.read_text().replace("backup_metadata_file: '~'", "backup_metadata_file: ~"))
    examination = examined(str(path), ON_HOST)
    assert hazard in {each.id for each in examination.results if each.state is CheckState.PROBLEM}
    assert examination.word == "no-writing"


def test_a_listing_that_fails_and_hides_it_is_told_with_its_words(store: Path) -> None:
    listing = "(ls $STORE_DIR/nowhere ||:) | sed -ne 's#^#metadata/#p'"
    examination = examined(adapter(store, list_metadata_files=listing), ON_HOST)
    assert examination.word == "unreachable"
    assert "No such file or directory" in one(examination, "adapter-listing").seen
    assert "(ls $STORE_DIR/nowhere) | sed" in one(examination, "empty-listing-new-identity").next_step


def test_a_filter_that_loses_files_is_found_by_running_the_listing_without_it(store: Path) -> None:
    listing = "(cd \"$STORE_DIR/metadata\"; ls) | sed -ne 's#^epoch#metadata/epoch#p'"
    found = one(examined(adapter(store, list_metadata_files=listing), ON_HOST), "adapter-listing")
    assert (found.state, "list-filter-drift" in found.why) == (CheckState.PROBLEM, True)
    assert "it makes no handle" in found.seen


def test_others_that_may_change_the_file_or_read_its_secrets_are_told(store: Path) -> None:
    path = Path(adapter(store))
    text = path.read_text()
    path.chmod(0o666)
    assert "chmod go-w" in one(examined(str(path), ON_HOST), "adapter-file").next_step
    path.write_text(text.replace("env_vars:\n", "env_vars:\n- {key: SAS, value: '?sig=VERYSECRET'}\n"))
    path.chmod(0o644)
    examination = examined(str(path), ON_HOST)
    assert "SAS looks like a secret" in one(examination, "adapter-file").seen
    assert "VERYSECRET" not in repr(examination)


def test_a_file_that_lies_in_its_own_store_is_told(store: Path) -> None:
    path = store / "adapter.yaml"
    write_whole_adapter(path, store, **SAFE)
    path.chmod(0o644)
    assert "the store that it leads to" in one(examined(str(path), ON_HOST), "adapter-file").seen


# Listing filters, tried on lines as the tools print them.

FILTER_FAULTS = {
    "s3": {"list-placeholder", "list-name-with-space"},
    "gcs": {"list-placeholder"},
    "azure": {"list-filter-drift"},
    "s3-compatible": {"list-placeholder", "list-name-with-space"},
}


@pytest.mark.parametrize("name", FILTER_FAULTS)
def test_the_filter_of_a_sample_has_exactly_its_known_faults(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", install_tools(tmp_path / "bin"))
    monkeypatch.setenv("CLOUD", str(tmp_path / "cloud"))
    base_folder(store_in(name, tmp_path / "cloud"))
    path = tmp_path / f"{name}.yaml"
    text = (SAMPLES / f"{name}.yaml").read_text()
    path.write_text(text)
    examination = examined(str(path), ON_HOST)
    found = [each for each in examination.results if each.title == "filter on odd lines"]
    assert {each.id for each in found} == FILTER_FAULTS[name]
    # The corrected command is clean.
    listing = found[0].next_step
    assert "||" not in listing
    tool = next(tool for pattern, tool in TOOLS.items() if pattern.search(listing))
    assert listing.endswith(tool.filter)


@pytest.mark.parametrize("tool", {tool.filter: tool for tool in TOOLS.values()}.values(), ids=["aws", "gs", "azcopy"])
def test_the_advised_filter_makes_handles_of_files_and_nothing_of_folders(tool: Tool) -> None:
    assert list(filter_faults(parse_config(adapter_samples.CLEAN_GCS.encode()), tool.filter, tool)) == []
