"""What findings advise for each kind of place: commands that do what they say, and sentences where none can."""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.codec import encode_record
from core.model import TransactionRecord
from core.tools import Tools, is_by_hand, then, tools_for
from tests.support.cloud_tools import install, variables

ODD = "a b/ü$HOME'\"%41;`touch pwned`"
PLACES = {
    "folder": ("{root}/" + ODD, "{root}/" + ODD),
    "s3": (f"s3://buck/{ODD}", "{root}/buck/" + ODD),
    "s3 at the top": ("s3://buck", "{root}/buck"),
    "gs": (f"gs://buck/{ODD}", "{root}/buck/" + ODD),
    "azure": (f"abfss://box@account.dfs.core.windows.net/{ODD}", "{root}/account/box/" + ODD),
}
LINES = b"first\nsecond\x1b[31m\n"


@dataclass(frozen=True)
class Scene:
    """A store that the stand-ins hold in a folder, and a folder in which commands are pasted."""

    tools: Tools
    folder: Path
    desk: Path
    settings: Mapping[str, str]

    def paste(self, text: str) -> tuple[int, str]:
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.desk,
            env={**os.environ, **self.settings},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout.decode()

    def put(self, handle: str, content: bytes) -> None:
        path = self.folder / handle
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def files(self) -> dict[str, bytes]:
        found = (each for each in self.folder.rglob("*") if each.is_file())
        return {str(each.relative_to(self.folder)): each.read_bytes() for each in found}


@pytest.fixture(params=PLACES)
def scene(request: pytest.FixtureRequest, tmp_path: Path) -> Scene:
    location, folder = (each.format(root=tmp_path / "root") for each in PLACES[str(request.param)])
    desk = tmp_path / "desk"
    desk.mkdir()
    here = Scene(tools_for(location), Path(folder), desk, variables(install(tmp_path / "bin"), tmp_path / "root"))
    here.put("metadata/a.meta", LINES)
    here.put("metadata/b.meta", LINES)
    return here


def test_a_folder_is_listed_and_a_file_shown_harmlessly(scene: Scene) -> None:
    code, printed = scene.paste(scene.tools.listing("metadata"))
    assert (code, "a.meta" in printed, "b.meta" in printed) == (0, True, True)
    assert scene.paste(scene.tools.look_at("metadata/a.meta", 0)) == (0, "first\nsecond^[[31m\n")
    assert scene.paste(scene.tools.look_at("metadata/a.meta", 2)) == (0, "second^[[31m\n")
    assert scene.paste(scene.tools.dated("metadata/a.meta"))[0] == 0
    assert scene.paste(scene.tools.difference("metadata/a.meta", "metadata/b.meta")) == (0, "")


def test_files_are_moved_out_and_back_and_nothing_is_replaced(scene: Scene) -> None:
    assert scene.paste(scene.tools.set_aside(["metadata/a.meta", "metadata/b.meta"], "metadata_quarantine"))[0] == 0
    assert scene.files() == {"metadata_quarantine/a.meta": LINES, "metadata_quarantine/b.meta": LINES}
    scene.put("metadata/b.meta", b"other\n")
    scene.paste(scene.tools.bring_back(["metadata_quarantine/a.meta", "metadata_quarantine/b.meta"], "metadata"))
    assert scene.files() == {
        "metadata/a.meta": LINES,
        "metadata/b.meta": b"other\n",
        "metadata_quarantine/b.meta": LINES,
    }


@pytest.mark.parametrize("zipped", [False, True])
def test_a_line_is_registered_under_a_free_name_only(scene: Scene, zipped: bool) -> None:
    line = encode_record(TransactionRecord(0, 9, "it's \\n $(touch pwned)/x")).decode().rstrip("\n")
    assert scene.paste(scene.tools.put_line(line, "c.meta", zipped=zipped))[0] == 0
    stored = scene.files()["metadata/c.meta"]
    assert (gzip.decompress(stored) if zipped else stored).decode() == f"{line}\n"
    scene.paste(scene.tools.put_line(line, "b.meta", zipped=zipped))
    assert scene.files()["metadata/b.meta"] == LINES


def test_nothing_of_an_odd_name_is_run(scene: Scene) -> None:
    for handle in ("metadata/$(touch pwned).meta", "metadata/;touch pwned", "metadata/`touch pwned`"):
        for text in (scene.tools.look_at(handle, 1), scene.tools.set_aside([handle], "metadata_quarantine")):
            scene.paste(text)
    assert not list(scene.desk.rglob("pwned"))


@pytest.mark.parametrize("scene", ["s3", "gs", "azure"], indirect=True)
def test_a_gzip_file_of_a_bucket_is_shown_inflated(scene: Scene) -> None:
    scene.put("metadata/a.meta", gzip.compress(LINES))
    assert scene.paste(scene.tools.look_at("metadata/a.meta", 1)) == (0, "first\n")


def test_a_folder_in_the_metadata_is_moved_or_in_a_bucket_listed(scene: Scene) -> None:
    scene.put("metadata/nested/x", LINES)
    code, printed = scene.paste(scene.tools.folders_aside(["metadata/nested"], "metadata_quarantine"))
    moved = scene.files().get("metadata_quarantine/nested/x") == LINES
    assert (code, moved or "x" in printed) == (0, True)
    assert scene.files()["metadata/a.meta"] == LINES


@pytest.mark.parametrize("place", ["s3://buck", "gs://buck", "abfss://box@account.dfs.core.windows.net/"])
def test_a_folder_s_mark_in_a_bucket_is_never_fetched_or_deleted_by_a_command(place: str) -> None:
    tools = tools_for(place)
    assert tools.folders_aside(["metadata/"], "metadata_quarantine") == tools.listing("metadata")


def test_what_an_adapter_lists_as_a_folder_is_not_to_be_moved_as_it_may_be_all_of_the_metadata() -> None:
    advice = tools_for("a.yaml").folders_aside(["metadata/"], "metadata_quarantine")
    assert "move" not in advice
    assert "list_metadata_files of a.yaml has to leave folders out" in advice


def test_the_words_for_a_folder_are_these() -> None:
    tools = tools_for("/b/s/")
    assert tools.listing("metadata") == "ls -lab -- /b/s/metadata"
    assert tools.look_at("metadata/x.meta", 3) == "sed -n 3p -- /b/s/metadata/x.meta | cat -v"
    assert tools.storage == ("--local-fs-dir", "/b/s/")
    assert tools.mounted_at(["metadata"]) == "df -- /b/s/metadata"


def test_a_command_adapter_gets_sentences_that_name_what_to_run(tmp_path: Path) -> None:
    tools = tools_for("/etc/a dapter.yaml")
    steps = (
        tools.listing("metadata"),
        tools.listing("metadata_backup"),
        tools.dated("metadata/x"),
        tools.look_at("metadata/x", 4),
        tools.set_aside(["metadata/x"], "metadata_quarantine"),
        tools.bring_back(["metadata_backup/x"], "metadata"),
        tools.difference("metadata/x", "metadata_backup/x"),
        tools.put_line("{}", "x.meta", zipped=True),
    )
    assert all(map(is_by_hand, steps))
    assert "'/etc/a dapter.yaml'" in steps[0]
    assert tools.mounted_at(["metadata"]) == ""
    assert then(steps[0], "", "seamline check x") == f"{steps[0]}, then seamline check x"
    assert then("one", "two") == "one && two"
    assert tools.storage == ("--command-adapter-config", "/etc/a dapter.yaml")


def test_google_s_patterns_are_never_moved_by_a_command() -> None:
    assert is_by_hand(tools_for("gs://buck/x").set_aside(["metadata/*.meta"], "metadata_quarantine"))
    assert is_by_hand(tools_for("gs://buck/a[1]").set_aside(["metadata/a.meta"], "metadata_quarantine"))
