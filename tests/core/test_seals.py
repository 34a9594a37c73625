"""What tells that files have not changed since they were looked at."""

from __future__ import annotations

import pytest

from core.manifests.seals import SETTLED_SECONDS, Seal, is_dated
from core.storage.protocol import HandleUnreadable, Listed, ListedKind, ReadFault

WRITTEN = 1_700_000_000.0


def listed(tag: str = "", *, size: int = 3, modified: float = WRITTEN) -> Listed:
    return Listed("a/b", ListedKind.FILE, size, modified, tag)


def seal(*files: Listed | HandleUnreadable) -> Seal:
    made = Seal()
    for file in files:
        made.add("a/b", file)
    return made


def test_another_version_of_the_same_size_and_second_has_another_seal() -> None:
    assert seal(listed("one")).digest == seal(listed("one")).digest
    assert len({seal(listed(tag)).digest for tag in ("", "one", "two")}) == 3


def test_a_look_at_versions_that_have_tags_counts_at_once() -> None:
    assert seal(listed("one")).settled(WRITTEN)
    assert seal(listed("one", modified=0.0)).settled(0.0)


@pytest.mark.parametrize("files", [[listed()], [listed("one"), listed()], [listed(), listed("one")]])
def test_a_look_at_a_file_without_a_tag_counts_once_its_time_would_show_a_change(files: list[Listed]) -> None:
    assert not seal(*files).settled(WRITTEN + SETTLED_SECONDS - 0.1)
    assert seal(*files).settled(WRITTEN + SETTLED_SECONDS)


def test_a_file_with_neither_tag_nor_time_never_counts() -> None:
    assert not is_dated(listed(modified=0.0))
    assert is_dated(listed("one", modified=0.0))
    assert not seal(listed("one"), listed(modified=0.0)).settled(1e18)


def test_a_file_that_can_not_be_had_is_told_from_one_that_can() -> None:
    missing = HandleUnreadable(ReadFault.MISSING, "No such file")
    assert seal(missing).digest != seal(listed()).digest
    assert seal(missing).settled(0.0)
