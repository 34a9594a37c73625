"""`seamline adapter`: the YAML for a store, the location for a YAML, and what can't be told."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from core.storage.adapter.text import adapter_text
from tests.support.change_sets import base_folder
from tests.support.commands import seamline

AZURE = "abfss://box@account.dfs.core.windows.net/chain/e1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return base_folder(tmp_path / "store")


def test_a_plain_and_a_gzip_store_get_the_commands_they_need(folder: Path) -> None:
    plain = seamline("adapter", folder)
    assert (plain.code, plain.err) == (0, "")
    assert plain.out == adapter_text(str(folder), zipped=False)
    assert seamline("adapter", folder, "--gzip").out == adapter_text(str(folder), zipped=True)
    for file in (folder / "metadata").iterdir():
        file.write_bytes(gzip.compress(file.read_bytes()))
    assert seamline("adapter", folder).out == adapter_text(str(folder), zipped=True)
    assert seamline("adapter", folder, "--plain").out == plain.out


def test_documents_hold_the_text_and_the_location(folder: Path, tmp_path: Path) -> None:
    document = seamline("adapter", folder, "--json").document
    assert document == {"schema": 1, "store": str(folder), "adapter": adapter_text(str(folder), zipped=False)}
    config = tmp_path / "adapter.yaml"
    config.write_text(document["adapter"], encoding="utf-8")
    assert seamline("adapter", config, "--json").document == {"schema": 1, "adapter": str(config), "url": str(folder)}
    assert seamline("adapter", config).out == f"{folder}\n"
    assert seamline("adapter", "--command-adapter-config", config).out == f"{folder}\n"


def test_with_the_form_given_nothing_is_looked_at(tmp_path: Path) -> None:
    config = tmp_path / "adapter.yaml"
    for url in ("s3://no-such-bucket/x", "gs://no-such-bucket/x", AZURE):
        written = seamline("adapter", url, "--gzip")
        assert (written.code, written.err) == (0, "")
        config.write_text(written.out, encoding="utf-8")
        assert seamline("adapter", config).out == f"{url}\n"


def test_both_tools_write_through_what_was_printed(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "adapter.yaml"
    config.write_text(seamline("adapter", folder).out, encoding="utf-8")
    checked = seamline("check", config, "--json")
    assert checked.code == seamline("check", folder, "--json").code
    assert checked.document["counts"] == seamline("check", folder, "--json").document["counts"]
    done = seamline("compact", config, "--transaction-file-compact-factor", "100", "--yes", "--json")
    assert done.code == 0, done.out
    assert done.document["applied"] is not None
    assert [each["kind"] for each in seamline("log", folder, "--json").document["operations"]] == ["compact"]


def test_a_folder_that_is_not_there_says_how_to_go_without_a_look(tmp_path: Path) -> None:
    outcome = seamline("adapter", tmp_path / "nothing")
    assert outcome.code == 20
    assert "--gzip or --plain" in outcome.err


def test_a_store_without_metadata_does_not_tell_its_form(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    outcome = seamline("adapter", tmp_path)
    assert outcome.code == 2
    assert "--gzip or --plain" in outcome.err


def test_a_configuration_that_does_not_tell_is_named_by_hand(tmp_path: Path) -> None:
    config = tmp_path / "adapter.yaml"
    config.write_text(adapter_text(AZURE, zipped=True).replace("az storage", "my-own"), encoding="utf-8")
    assert seamline("adapter", config).out == f"{AZURE}\n", "its lease store tells"
    config.write_text(config.read_text(encoding="utf-8").partition("seamline:")[0], encoding="utf-8")
    outcome = seamline("adapter", config, "--json")
    assert (outcome.code, outcome.document["error"]["code"]) == (2, 2)
    assert "seamline: {lease_store: URL}" in outcome.document["error"]["hint"]
    assert seamline("adapter", config, "--gzip").code == 2
