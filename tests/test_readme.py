"""What the README promises is what there is."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from core.demo import SCENARIOS
from tui.commands import key_table_markdown
from tui.headless.exit_codes import ExitCode

ROOT = Path(__file__).parents[1]
README_FILE = ROOT / "README.md"
README = README_FILE.read_text(encoding="utf-8")
KEYS_START, KEYS_END = "<!-- keys -->", "<!-- /keys -->"


def test_the_key_table_is_the_registry_s() -> None:
    before, _, rest = README.partition(KEYS_START)
    shown, _, after = rest.partition(KEYS_END)
    table = key_table_markdown().strip()
    if os.environ.get("SEAMLINE_UPDATE_GOLDENS") == "1":
        README_FILE.write_text(f"{before}{KEYS_START}\n\n{table}\n\n{KEYS_END}{after}", encoding="utf-8")
        shown = table
    assert shown.strip() == table


@pytest.mark.parametrize("picture", re.findall(r"\]\((screenshots/[^)]+)\)", README))
def test_every_picture_is_there(picture: str) -> None:
    assert (ROOT / picture).stat().st_size > 10_000


def test_every_exit_code_of_the_table_is_one_of_ours() -> None:
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert codes == {int(code) for code in ExitCode}


def test_the_ci_calls_the_test_command_that_the_readme_names() -> None:
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()


def test_there_is_a_sample_store_for_each_classic_trouble() -> None:
    assert list(SCENARIOS) == [
        "clean", "same-range", "two-batch-sizes", "started-over", "torn-compaction", "gap", "no-join", "snapshot-tie",
        "everything", "race",
    ]  # fmt: skip
