"""What every `StoreWriter` keeps to, whatever it writes to.

A test class inherits from `WriterConformance` and has a fixture `storage` that yields a `Storage`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from core.errors import AlreadyThere, SeamlineError, WriteFailed
from core.storage.protocol import HandleUnreadable, ListedKind, ReadFault, StoreReader
from core.storage.writing import StoreWriter

A: Final = "metadata/transaction_0-99.meta"
B: Final = "metadata/transaction_100-199.meta"
RETIRED: Final = "metadata_backup/transaction_0-99.meta"
STAGED: Final = "seamline/staged/1700000000-ab/0001"
LINE: Final = b'{"TransactionBackup":{"first_version":0,"last_version":99,"manifest":"a/b"}}\n'
ODD_HANDLES: Final = (
    "",
    "/etc/passwd",
    "../outside",
    "metadata/../outside",
    "metadata/./x",
    "metadata//x",
    "metadata\\x",
    "metadata/a\nb",
    "metadata/a\0b",
    "metadata/\udcff",
    "s3://bucket/x",
    "metadata/" + "x" * 2_000,
)


@dataclass(frozen=True, slots=True)
class Storage:
    """A store to be tested, which holds an empty `metadata/`: its reading half, its writing half.

    What else is there tells in which ways a storage can do less. `seeds` are names in `metadata/` that are there from
    the beginning, where an empty listing is an error; `by_hand` is the folder that it really is, where the storage can
    neither list `metadata_backup/` nor make files there; with `keeps_the_old_name` a file that was brought back from
    there is left there as well.
    """

    reader: StoreReader
    writer: StoreWriter
    seeds: frozenset[str] = frozenset()
    by_hand: Path | None = None
    keeps_the_old_name: bool = False

    def content(self, handle: str) -> bytes | None:
        """What a handle holds; None if it is not there."""
        try:
            with self.reader.open(handle) as stream:
                return stream.read()
        except HandleUnreadable as unreadable:
            assert unreadable.fault is ReadFault.MISSING
            return None

    def names(self, folder: str) -> list[str]:
        """The files of a folder."""
        if self.by_hand is not None and folder == "metadata_backup":
            return sorted(path.name for path in (self.by_hand / folder).glob("*"))
        names = [each.name for each in self.reader.list_folder(folder) if each.kind is ListedKind.FILE]
        return [name for name in names if folder != "metadata" or name not in self.seeds]

    def put(self, handle: str, content: bytes) -> None:
        """Somebody makes a file, anywhere in the store."""
        if self.by_hand is None or not handle.startswith("metadata_backup/"):
            self.writer.create(handle, content)
            return
        (self.by_hand / handle).parent.mkdir(exist_ok=True)
        (self.by_hand / handle).write_bytes(content)


Act = Callable[[StoreWriter, str], None]
#: Every method that takes a handle, and what it does with one that it is given.
ACTS: Final[dict[str, Act]] = {
    "create": lambda writer, handle: writer.create(handle, LINE),
    "link from": lambda writer, handle: writer.link(handle, B),
    "link to": lambda writer, handle: writer.link(STAGED, handle),
    "move from": lambda writer, handle: writer.move(handle, B),
    "move to": lambda writer, handle: writer.move(STAGED, handle),
    "append": lambda writer, handle: writer.append(handle, LINE),
    "discard": lambda writer, handle: writer.discard(handle),
}


class WriterConformance:
    """The rules of `core.storage.writing`, as sentences."""

    # Making.

    def test_what_is_created_is_there_as_it_was_given(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        assert storage.content(A) == LINE
        assert storage.names("metadata") == ["transaction_0-99.meta"]

    def test_files_may_be_empty_or_large(self, storage: Storage) -> None:
        large = bytes(range(256)) * 20_000
        storage.writer.create(A, b"")
        storage.writer.create(B, large)
        assert (storage.content(A), storage.content(B)) == (b"", large)

    def test_folders_on_the_way_are_made(self, storage: Storage) -> None:
        storage.writer.create("seamline/undo/1/2/bundle", b"x")
        storage.writer.append("seamline/journal/1.jsonl", b"y")
        assert storage.content("seamline/undo/1/2/bundle") == b"x"
        assert storage.content("seamline/journal/1.jsonl") == b"y"

    def test_a_name_that_is_taken_is_never_made_again(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        for content in (LINE, b"other", b""):
            with pytest.raises(AlreadyThere, match=A):
                storage.writer.create(A, content)
        assert storage.content(A) == LINE

    def test_a_failed_write_leaves_no_name_behind(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        with pytest.raises(AlreadyThere):
            storage.writer.create(A, b"other")
        assert storage.names("metadata") == ["transaction_0-99.meta"]
        assert storage.names("seamline/tmp") == []

    # Linking.

    def test_a_link_gives_staged_content_its_name(self, storage: Storage) -> None:
        storage.writer.create(STAGED, LINE)
        storage.writer.link(STAGED, A)
        assert (storage.content(A), storage.content(STAGED)) == (LINE, LINE)
        storage.writer.discard(STAGED)
        assert (storage.content(A), storage.content(STAGED)) == (LINE, None)

    def test_a_link_never_takes_a_name_from_another(self, storage: Storage) -> None:
        storage.writer.create(STAGED, b"new")
        storage.writer.create(A, LINE)
        with pytest.raises(AlreadyThere, match=A):
            storage.writer.link(STAGED, A)
        assert (storage.content(A), storage.content(STAGED)) == (LINE, b"new")

    def test_only_what_is_ours_is_linked(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        with pytest.raises(WriteFailed, match="Seamline's own files"):
            storage.writer.link(A, B)
        assert storage.content(B) is None

    def test_a_link_of_what_is_not_there_fails(self, storage: Storage) -> None:
        with pytest.raises(WriteFailed, match="no such file"):
            storage.writer.link(STAGED, A)
        assert storage.content(A) is None

    # Moving.

    def test_a_moved_file_is_under_its_new_name_alone(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        storage.writer.move(A, RETIRED)
        assert (storage.content(A), storage.content(RETIRED)) == (None, LINE)

    def test_a_file_moves_there_and_back_again(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        for _ in range(3):
            storage.writer.move(A, RETIRED)
            storage.writer.move(RETIRED, A)
        left = LINE if storage.keeps_the_old_name else None
        assert (storage.content(A), storage.content(RETIRED)) == (LINE, left)

    def test_a_move_never_takes_a_name_from_another(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        storage.put(RETIRED, b"older")
        with pytest.raises(AlreadyThere, match=RETIRED):
            storage.writer.move(A, RETIRED)
        assert (storage.content(A), storage.content(RETIRED)) == (LINE, b"older")

    def test_a_move_to_its_own_name_keeps_the_file(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        with pytest.raises(AlreadyThere):
            storage.writer.move(A, A)
        assert storage.content(A) == LINE

    def test_a_move_of_what_is_not_there_fails(self, storage: Storage) -> None:
        with pytest.raises(WriteFailed, match="no such file"):
            storage.writer.move(A, RETIRED)
        storage.put(RETIRED, LINE)
        with pytest.raises(WriteFailed, match="no such file"):
            storage.writer.move(A, RETIRED)
        assert storage.content(RETIRED) == LINE

    # Adding.

    def test_what_is_added_comes_after_what_was_there(self, storage: Storage) -> None:
        for number in range(20):
            storage.writer.append("seamline/journal/1.jsonl", b"%d\n" % number)
        storage.writer.flush("seamline/journal")
        assert storage.content("seamline/journal/1.jsonl") == b"".join(b"%d\n" % number for number in range(20))

    def test_what_was_created_can_be_added_to(self, storage: Storage) -> None:
        storage.writer.create("seamline/journal/1.jsonl", b"intent\n")
        storage.writer.append("seamline/journal/1.jsonl", b"step\n")
        storage.writer.flush("seamline/journal")
        assert storage.content("seamline/journal/1.jsonl") == b"intent\nstep\n"

    def test_nothing_but_files_of_ours_is_added_to(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        for handle in (A, B, "x", "seamline"):
            with pytest.raises(WriteFailed, match="nothing was added"):
                storage.writer.append(handle, b"x")
        assert (storage.content(A), storage.content(B)) == (LINE, None)

    def test_a_published_file_is_not_added_to_through_its_staged_name(self, storage: Storage) -> None:
        storage.writer.create(STAGED, LINE)
        storage.writer.link(STAGED, A)
        with suppress(WriteFailed):
            storage.writer.append(STAGED, b"x")
        assert storage.content(A) == LINE

    # Flushing and throwing away.

    def test_any_folder_can_be_flushed_and_a_missing_one_is_done(self, storage: Storage) -> None:
        storage.writer.create(STAGED, LINE)
        for folder in ("", "metadata", "seamline", "seamline/staged/1700000000-ab", "metadata_backup", "seamline/x/y"):
            storage.writer.flush(folder)
        assert storage.content(STAGED) == LINE
        assert storage.names("metadata_backup") == []

    def test_staged_files_and_their_folders_are_thrown_away(self, storage: Storage) -> None:
        storage.writer.create(STAGED, LINE)
        folder = STAGED.rpartition("/")[0]
        with pytest.raises(WriteFailed, match="not empty"):
            storage.writer.discard(folder)
        for handle in (STAGED, STAGED, folder, folder):
            storage.writer.discard(handle)
        assert storage.reader.list_folder("seamline/staged") == []

    def test_nothing_else_is_thrown_away(self, storage: Storage) -> None:
        others = (A, RETIRED, "seamline/journal/1.jsonl", "seamline/stagedx/1", "compaction.lock")
        for handle in others:
            storage.put(handle, LINE)
        for handle in (*others, "metadata", "seamline", "seamline/staged", "seamline/staged/../journal/1.jsonl"):
            with pytest.raises(WriteFailed, match="not thrown away"):
                storage.writer.discard(handle)
        assert [storage.content(handle) for handle in others] == [LINE] * len(others)

    # Odd input.

    @pytest.mark.parametrize("act", ACTS)
    def test_no_odd_handle_is_ever_used(self, storage: Storage, act: str) -> None:
        storage.writer.create(STAGED, LINE)
        for handle in ODD_HANDLES:
            with pytest.raises(WriteFailed) as caught:
                ACTS[act](storage.writer, handle)
            assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in caught.value.message)
        assert storage.content(STAGED) == LINE
        assert storage.names("metadata") == []

    def test_no_odd_folder_is_ever_flushed(self, storage: Storage) -> None:
        for folder in filter(None, ODD_HANDLES):
            with pytest.raises(WriteFailed):
                storage.writer.flush(folder)

    def test_a_file_is_no_folder(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        with pytest.raises(WriteFailed, match="no folder"):
            storage.writer.create(f"{A}/below", LINE)
        with pytest.raises(AlreadyThere):
            storage.writer.create("metadata", LINE)
        assert storage.content(A) == LINE

    def test_errors_say_what_was_not_done_and_what_to_do(self, storage: Storage) -> None:
        storage.writer.create(A, LINE)
        with pytest.raises(SeamlineError) as caught:
            storage.writer.create(A, LINE)
        assert A in caught.value.message
        assert "not made" in caught.value.message
        assert caught.value.hint
