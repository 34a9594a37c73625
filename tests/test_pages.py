"""Whatever the code, the pages of docs/ and CONTRIBUTING name is there: pages, sections, files, names, make targets."""

from __future__ import annotations

import ast
import importlib
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.support.pages import hazards_markdown, marked_part

ROOT = Path(__file__).parents[1]
PAGES = {page.name: page for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))}
#: What has happened is told in the names that things had then.
LIVING = sorted(PAGES.keys() - {"CHANGELOG.md"})
HAZARDS = ROOT / "docs" / "hazards.md"

_NAMED = r"\[?`?\b([a-z]+\.md)\b`?\]?(?:\([a-z.]+\))?"
_PART = r"(?:\"[^\"]+\"|`[a-z0-9-]+`)"
#: A page and, behind it, its sections in quotes and its ids.
_PAGE_RE = re.compile(rf"{_NAMED}((?:,? (?:and )?{_PART})*)")
#: Ids that stand before the page.
_IDS_RE = re.compile(rf"((?:`[a-z0-9-]+`(?:, | and | in ))+){_NAMED}")
_FILE_RE = re.compile(r"(?<![\w/.<-])((?:core|tui|tests|docs|screenshots|\.ci)/[\w./*-]*[\w*/])")
_DOTTED_RE = re.compile(r"`((?:core|tui|tests|screenshots)(?:\.\w+)+)`")


def test_the_page_of_hazards_is_the_catalogue() -> None:
    assert marked_part(HAZARDS, "hazards", hazards_markdown()) == hazards_markdown()


@cache
def headings(page: str) -> frozenset[str]:
    """The headings of a page outside of what it shows as it is."""
    text = re.sub(r"^```.*?^```", "", PAGES[page].read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return frozenset(re.findall(r"^#+ (.+)$", text, re.MULTILINE))


def told(file: Path) -> Iterator[str]:
    """The docstrings of a module, and its comments, those on lines that follow each other as one."""
    source = file.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    comment, line = "", 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            if token.start[0] != line + 1:
                yield comment
                comment = ""
            comment, line = f"{comment} {token.string.lstrip('#: ')}", token.start[0]
    yield comment


def missing(text: str) -> Iterator[str]:
    """What a text names and is not there."""
    text = " ".join(text.split())
    for page, parts in _PAGE_RE.findall(text):
        yield from wrong_parts(page, parts)
    for parts, page in _IDS_RE.findall(text):
        yield from wrong_parts(page, parts)
    for id_ in re.findall(r"`(own-[a-z-]+)`", text):
        yield from wrong_parts("hazards.md", f"`{id_}`")
    for path in _FILE_RE.findall(text):
        if not list(ROOT.glob(path.rstrip("/").replace("NAME", "*"))):
            yield path
    for name in _DOTTED_RE.findall(text):
        if not is_there(name):
            yield name


def wrong_parts(page: str, parts: str) -> Iterator[str]:
    """The page if there is none, else the sections and ids that it does not have."""
    if page not in PAGES:
        yield page
        return
    for section, id_ in re.findall(r"\"([^\"]+)\"|`([a-z0-9-]+)`", parts):
        if (section or id_) not in headings(page):
            yield f"{page}: {section or id_}"


def is_there(dotted: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    place = ROOT.joinpath(*dotted.split("."))
    if place.is_dir() or place.with_suffix(".py").exists():
        return True
    module, _, name = dotted.rpartition(".")
    return bool(module) and is_there(module) and hasattr(importlib.import_module(module), name)


@pytest.mark.parametrize("folder", ["core", "tui", "tests"])
def test_what_docstrings_and_comments_name_is_there(folder: str) -> None:
    for file in sorted((ROOT / folder).rglob("*.py")):
        found = [each for text in told(file) for each in missing(text)]
        assert found == [], file


@pytest.mark.parametrize("page", LIVING)
def test_what_a_page_names_is_there(page: str) -> None:
    assert list(missing(PAGES[page].read_text(encoding="utf-8"))) == []


def test_every_folder_of_code_has_its_line_among_the_rooms() -> None:
    rooms = PAGES["architecture.md"].read_text(encoding="utf-8")
    folders = {file.parent for top in ("core", "tui") for file in (ROOT / top).rglob("*.py")}
    assert [folder for folder in sorted(folders) if f"| `{folder.relative_to(ROOT)}/` |" not in rooms] == []


@pytest.mark.parametrize("page", LIVING)
def test_every_make_target_that_a_page_names_is_one(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)", PAGES[page].read_text(encoding="utf-8"))) <= targets
