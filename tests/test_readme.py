"""What the README and the pages of docs/ promise is what there is."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from core.demo import SCENARIOS
from core.storage import is_object_location
from core.storage.objects.location import parse_location
from tests.support.pages import marked_part
from tui.commands import key_table_markdown
from tui.headless.exit_codes import ExitCode
from tui.headless.main import cli

ROOT = Path(__file__).parents[1]
README_FILE = ROOT / "README.md"
README = README_FILE.read_text(encoding="utf-8")
PAGE_FILES = (README_FILE, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
PAGES = {page.name: page.read_text(encoding="utf-8") for page in PAGE_FILES}


def test_the_key_table_is_the_registry_s() -> None:
    table = key_table_markdown().strip()
    assert marked_part(README_FILE, "keys", table) == table


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


def fenced(text: str, language: str = "") -> Iterator[str]:
    """The blocks of a page that are shown as they are."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def command_lines() -> Iterator[tuple[str, str]]:
    """Every line of a page that runs Seamline, without what stands around the words of its command."""
    for page, text in PAGES.items():
        for block in fenced(text):
            for line in block.splitlines():
                found = re.match(r"(?:[A-Z_]+=(?:'[^']*'|\S)* )*seamline (.*?)(?:\s+(?:#|>|\|).*)?$", line)
                if found:
                    yield page, found[1]


def test_there_are_command_lines_for_every_kind_of_place() -> None:
    words = " ".join(line for _, line in command_lines())
    for start in ("s3://", "gs://", "abfss://", "https://", "adapter.yaml", "--lease host", "--lease-store", "doctor"):
        assert start in words


@pytest.mark.parametrize(("page", "line"), sorted(set(command_lines())))
def test_every_command_line_can_be_typed(page: str, line: str) -> None:
    words = shlex.split(line)
    # What a reader puts in: a name is as good as any.
    words = [{"ID": "0", "COMMAND": "true"}.get(word, word) for word in words]
    name, rest = (words[0], words[1:]) if words[0] in cli.commands else ("open", words)
    command = cli.commands[name]
    assert isinstance(command, click.Command)
    try:
        command.make_context(name, rest)
    except click.ClickException as refused:
        pytest.fail(f"{page}: {refused.format_message()}")


@pytest.mark.parametrize(
    "location",
    sorted(
        {word for text in PAGES.values() for word in re.findall(r"(?<![\w=])(?:s3|gs|abfss)://[A-Z][\w@./-]*", text)}
    ),
)
def test_every_location_of_a_bucket_is_one(location: str) -> None:
    named = location.replace("CONTAINER", "container").replace("ACCOUNT", "account")
    assert is_object_location(named)
    assert parse_location(named).bucket


@pytest.mark.parametrize("page", PAGES)
def test_every_policy_is_json_and_every_link_leads_somewhere(page: str) -> None:
    for block in fenced(PAGES[page], "json"):
        assert json.loads(block)
    folder = ROOT if (ROOT / page).exists() else ROOT / "docs"
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", PAGES[page]):
        assert (folder / target).exists(), target
    for anchor in re.findall(r"\]\(#([^)]+)\)", PAGES[page]):
        headings = {re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in _headings(PAGES[page])}
        assert anchor in headings


def _headings(text: str) -> list[str]:
    return re.findall(r"^#+ (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES)
def test_every_variable_of_the_environment_is_one_that_is_heeded(page: str) -> None:
    """By us, or by name in the words that tell an operator of it; the client reads those itself."""
    code = "".join(file.read_text(encoding="utf-8") for part in ("core", "tui") for file in (ROOT / part).rglob("*.py"))
    names = set(re.findall(r"\b(?:AWS|GOOGLE|AZURE|XDG|SEAMLINE)_[A-Z_]+[A-Z]\b", PAGES[page]))
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", code)] == []


def test_the_permissions_name_every_key_that_storage_says_is_written() -> None:
    table = PAGES["storage.md"].partition("## What is written")[2].partition("\n\nBackups")[0]
    keys = re.findall(
        r"`([^`]+)`", "".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| `"))
    )
    assert len(keys) == 8
    for key in keys:
        assert f"PREFIX/{key.replace('journal/*', '*')}" in PAGES["permissions.md"], key
