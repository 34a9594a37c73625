"""Writing through real commands that real bash runs: never over anything; what is there counts, not what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import AlreadyThere, OutcomeUnknown, Refused, SeamlineError, WriteFailed
from core.lease_choice import LeaseChoice
from core.storage import reader_for
from core.storage.command.side import AdapterReader
from core.storage.command.writer import CommandWriter
from core.write_access import write_access
from tests.support.adapters import LIST, READ, WRITING, write_whole_adapter
from tests.support.machines import FakeMachine
from tests.support.storage_folders import new_store
from tests.support.writer_conformance import LINE, RETIRED, STAGED, A, Storage, WriterConformance

SEED = "identity.meta"
NAME = A.rpartition("/")[2]
DERIVED = "transaction_5-.splice_ab12cd34/transaction.manifest"
SAVE, MOVE = WRITING["save_metadata_line"], WRITING["backup_metadata_file"]
HOST = LeaseChoice(on_host=True)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = new_store(tmp_path / 'the store\'s "folder" é')
    (folder / "metadata" / SEED).write_bytes(b"{}\n")
    return folder


def storage_of(store: Path, *, native: bool = False, **commands: str) -> Storage:
    """The store behind an adapter; `native`: what is ours lies in the store itself."""
    path = write_whole_adapter(
        store.parent / "adapter.yaml", store, lease_store=str(store) if native else None, **commands
    )
    access = write_access(path, FakeMachine(), LeaseChoice() if native else HOST)
    access.prepare()
    assert isinstance(access.writer, CommandWriter)
    return Storage(access.reader, access.writer, frozenset({SEED}), store, keeps_the_old_name=not native)


class TestOnHost(WriterConformance):
    """Everything of ours in a folder of this machine."""

    @pytest.fixture
    def storage(self, store: Path) -> Storage:
        return storage_of(store)


class TestNative(WriterConformance):
    """Everything of ours in the store, which is reached without commands as well."""

    @pytest.fixture
    def storage(self, store: Path) -> Storage:
        return storage_of(store, native=True)


def raised(storage: Storage, handle: str = A) -> SeamlineError:
    with pytest.raises(SeamlineError) as caught:
        storage.writer.create(handle, LINE)
    return caught.value


# Making.


def test_nothing_of_ours_is_put_through_commands(store: Path) -> None:
    storage = storage_of(store)
    storage.writer.create(STAGED, LINE)
    storage.writer.link(STAGED, A)
    assert sorted(path.name for path in store.iterdir()) == ["metadata"]
    assert storage.content(STAGED) == LINE
    assert [each.handle for each in storage.reader.list_folder("seamline")] == ["seamline/staged"]


def test_a_derived_manifest_gets_a_folder_and_its_name(store: Path) -> None:
    storage = storage_of(store)
    storage.writer.create(DERIVED, b"{}")
    assert (store / DERIVED).read_bytes() == b"{}"
    assert isinstance(raised(storage, DERIVED), AlreadyThere)
    assert (store / DERIVED).read_bytes() == b"{}"


def test_a_derived_manifest_whose_folder_is_left_from_an_earlier_try_is_made(store: Path) -> None:
    storage = storage_of(store, create_backup='mkdir -- "$STORE_DIR/$BACKUP_NAME" && echo "$BACKUP_NAME"')
    (store / DERIVED).parent.mkdir()
    storage.writer.create(DERIVED, b"{}")
    assert storage.content(DERIVED) == b"{}"


@pytest.mark.parametrize("printed", ["", "transaction_5-.splice_ab12cd34x", "s3://bucket/x", "a\nb"])
def test_a_backup_folder_of_another_name_is_refused_before_anything_is_written(store: Path, printed: str) -> None:
    storage = storage_of(store, create_backup=f"printf '%s\\n' '{printed}'")
    error = raised(storage, DERIVED)
    assert isinstance(error, Refused)
    assert error.hazard == "adapter-handle-mismatch"
    assert not (store / DERIVED).exists()


@pytest.mark.parametrize("handle", ["x", "metadata_backup/x.meta", "transaction_5-.ab12/transaction.manifest", "a/b/c"])
def test_what_no_command_makes_is_not_made(store: Path, handle: str) -> None:
    error = raised(storage_of(store), handle)
    assert isinstance(error, WriteFailed)
    assert "there is no command for it" in error.message
    assert not (store / handle).exists()


@pytest.mark.parametrize(
    "name",
    ["$(touch pwned).meta", "`touch pwned`.meta", "-rf.meta", "a b.meta", "a'b.meta", "x;y.meta", "ab", "é.meta"],
)
def test_no_name_that_stock_would_not_give_reaches_a_command(
    store: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    storage = storage_of(
        store,
        save_metadata_line=f'touch "$STORE_DIR/called"; {SAVE}',
        backup_metadata_file=f'touch "$STORE_DIR/called"; {MOVE}',
    )
    (store / "metadata" / name).write_bytes(LINE)
    assert isinstance(raised(storage, f"metadata/{name}"), WriteFailed)
    with pytest.raises(WriteFailed):
        storage.writer.move(f"metadata/{name}", f"metadata_backup/{name}")
    assert not (store / "called").exists()
    assert not list(tmp_path.rglob("pwned"))
    assert (store / "metadata" / name).read_bytes() == LINE


@pytest.mark.parametrize("printed", ["", "metadata//{}", "x.meta", "/metadata/{}", "metadata/{}.x"])
def test_a_save_that_prints_another_handle_is_given_no_content(store: Path, printed: str) -> None:
    words = printed.format("$FILE_NAME")
    storage = storage_of(store, save_metadata_line=f'echo "{words}"; exec 1>&-; cat > "$STORE_DIR/taken"')
    error = raised(storage)
    assert isinstance(error, Refused)
    assert error.hazard == "adapter-handle-mismatch"
    assert "printed" in error.message
    assert not (store / "taken").exists() or (store / "taken").read_bytes() == b""
    assert storage.content(A) is None


def test_a_save_that_keeps_its_output_open_ends_with_the_hazards_name(store: Path) -> None:
    path = write_whole_adapter(
        store.parent / "a.yaml", store, save_metadata_line='cat > "$STORE_DIR/taken"; echo "metadata/$FILE_NAME"'
    )
    reader = reader_for(path, HOST)
    assert isinstance(reader, AdapterReader)
    reader.calls._idle = 1.0
    with pytest.raises(WriteFailed, match="adapter-stdout-open"):
        CommandWriter(reader, storage_of(store).writer).create(A, LINE)
    assert storage_of(store).content(A) is None


# Saves that fail.


def test_a_save_that_fails_before_it_does_anything_made_nothing(store: Path) -> None:
    error = raised(storage_of(store, save_metadata_line=f'echo "no rights" >&2; exit 5; {SAVE}'))
    assert isinstance(error, WriteFailed)
    assert "ended with exit code 5: no rights" in error.message
    assert not (store / A).exists()


def test_a_save_whose_tool_fails_made_nothing_and_its_words_are_told(store: Path) -> None:
    failing = 'echo "metadata/$FILE_NAME"; exec 1>&-; echo "no rights" >&2; exit 5'
    error = raised(storage_of(store, save_metadata_line=failing))
    assert isinstance(error, WriteFailed)
    assert "ended with exit code 5: no rights" in error.message
    assert storage_of(store).content(A) is None


def test_a_save_that_fails_when_all_is_done_has_been_done(store: Path) -> None:
    storage = storage_of(store, save_metadata_line=f"{SAVE}; exit 5")
    storage.writer.create(A, LINE)
    assert storage.content(A) == LINE


def test_a_save_that_claims_success_and_did_nothing_is_found_out(store: Path) -> None:
    error = raised(storage_of(store, save_metadata_line='echo "metadata/$FILE_NAME"; exec 1>&-; cat > /dev/null'))
    assert isinstance(error, OutcomeUnknown)
    assert "nothing can be read under that name" in error.message


@pytest.mark.parametrize("code", [0, 5])
def test_a_torn_save_is_told_as_such_and_not_written_over(store: Path, code: int) -> None:
    torn = f'echo "metadata/$FILE_NAME"; exec 1>&-; head -c 20 > "$STORE_DIR/metadata/$FILE_NAME"; exit {code}'
    error = raised(storage_of(store, save_metadata_line=torn))
    assert isinstance(error, OutcomeUnknown)
    assert "its beginning stands there" in error.message
    assert isinstance(raised(storage_of(store)), AlreadyThere)
    assert (store / A).read_bytes() == LINE[:20]


def test_somebody_else_who_makes_the_name_meanwhile_is_told(store: Path) -> None:
    other = 'echo "metadata/$FILE_NAME"; exec 1>&-; echo other > "$STORE_DIR/metadata/$FILE_NAME"; exit 1'
    error = raised(storage_of(store, save_metadata_line=other))
    assert isinstance(error, AlreadyThere)
    assert (store / A).read_bytes() == b"other\n"


def test_where_the_listing_fails_nothing_is_written(store: Path) -> None:
    error = raised(storage_of(store, list_metadata_files="exit 3"))
    assert isinstance(error, WriteFailed)
    assert not (store / A).exists()


def test_an_empty_listing_keeps_everything_from_being_written(store: Path) -> None:
    error = raised(storage_of(store, list_metadata_files="(false ||:) | cat"))
    assert isinstance(error, WriteFailed)
    assert "printed nothing" in error.message
    assert not (store / A).exists()


def test_where_what_was_made_can_not_be_read_back_it_is_not_known(store: Path) -> None:
    error = raised(storage_of(store, open_for_read="exit 4"))
    assert isinstance(error, OutcomeUnknown)
    assert (store / A).read_bytes() == LINE


# Setting aside.


def test_a_move_without_the_command_is_refused(store: Path) -> None:
    path = write_whole_adapter(store.parent / "a.yaml", store)
    text = Path(path).read_text().replace("backup_metadata_file", "unknown_command")
    Path(path).write_text(text)
    reader = reader_for(path, HOST)
    with pytest.raises(Refused) as caught:
        reader.may_change("metadata_backup")
    assert caught.value.hazard == "adapter-no-move-command"
    assert reader.may_change("metadata")


def moved(storage: Storage, target: str = RETIRED) -> SeamlineError:
    with pytest.raises(SeamlineError) as caught:
        storage.writer.move(A, target)
    return caught.value


def made(store: Path, **commands: str) -> Storage:
    (store / A).write_bytes(LINE)
    return storage_of(store, **commands)


def test_a_move_that_was_cut_off_is_finished(store: Path) -> None:
    storage = made(store)
    storage.put(RETIRED, LINE)
    storage.writer.move(A, RETIRED)
    assert (storage.content(A), storage.content(RETIRED)) == (None, LINE)


@pytest.mark.parametrize("code", [0, 5])
def test_a_move_that_only_copies_is_not_known(store: Path, code: int) -> None:
    copy = MOVE.replace("mv -f", "cp") + f"; exit {code}"
    error = moved(made(store, backup_metadata_file=copy))
    assert isinstance(error, OutcomeUnknown)
    assert "both names" in error.message
    assert (store / A).read_bytes() == (store / RETIRED).read_bytes() == LINE


def test_a_move_that_fails_and_did_nothing_has_not_happened(store: Path) -> None:
    error = moved(made(store, backup_metadata_file="echo no rights >&2; exit 5"))
    assert isinstance(error, WriteFailed)
    assert "no rights" in error.message
    assert (store / A).read_bytes() == LINE


def test_a_move_that_fails_when_all_is_done_has_been_done(store: Path) -> None:
    storage = made(store, backup_metadata_file=f"{MOVE}; exit 5")
    storage.writer.move(A, RETIRED)
    assert (storage.content(A), storage.content(RETIRED)) == (None, LINE)


def test_a_move_that_claims_success_and_did_nothing_is_found_out(store: Path) -> None:
    assert isinstance(moved(made(store, backup_metadata_file="true")), OutcomeUnknown)


def test_a_file_that_is_somewhere_else_afterwards_with_other_bytes_is_told(store: Path) -> None:
    spoilt = f'{MOVE}; echo x >> "$STORE_DIR/metadata_backup/$FILE_NAME"'
    error = moved(made(store, backup_metadata_file=spoilt))
    assert isinstance(error, OutcomeUnknown)
    assert "holds something else" in error.message


#: A command that fails as often as the file `fails` beside the store has lines, which a move makes.
FLAKY = 'if [ -s "$STORE_DIR/../fails" ] {only}; then sed -i 1d "$STORE_DIR/../fails"; exit 9; fi; '
AT_TARGET = f'&& [ "$FILE_HANDLE" = "{RETIRED}" ]'


def flaky(store: Path, times: int, move: str, only: str = AT_TARGET) -> Storage:
    """A store whose files can't be read `times` times once the command that moves has run."""
    fails = f'yes | head -n {times} > "$STORE_DIR/../fails" || :; '
    return made(store, open_for_read=FLAKY.format(only=only) + READ, backup_metadata_file=fails + move)


@pytest.mark.parametrize("code", [0, 5])
@pytest.mark.parametrize("times", [1, 2, 100])
def test_a_move_that_was_made_and_can_not_be_read_back_is_never_told_as_not_made(
    store: Path, times: int, code: int
) -> None:
    storage = flaky(store, times, f"{MOVE}; exit {code}")
    if code and times == 100:
        error = moved(storage)
        assert isinstance(error, OutcomeUnknown) and error.message.startswith("the outcome is unknown: ")
    else:
        # The source is listed no more: either a later look reads the target, or the command says that all is well.
        storage.writer.move(A, RETIRED)
    assert not (store / A).exists() and (store / RETIRED).read_bytes() == LINE


@pytest.mark.parametrize("times", [1, 100])
def test_a_copy_whose_read_back_fails_is_not_told_as_not_moved(store: Path, times: int) -> None:
    copy = MOVE.replace("mv -f", "cp") + "; exit 5"
    storage = flaky(store, times, copy, only="")
    assert isinstance(moved(storage), OutcomeUnknown)
    assert (store / A).read_bytes() == (store / RETIRED).read_bytes() == LINE


@pytest.mark.parametrize("times", [1, 2, 100])
def test_where_the_listing_fails_after_a_move_it_is_looked_at_again(store: Path, times: int) -> None:
    fails = f'yes | head -n {times} > "$STORE_DIR/../fails" || :; '
    listing = FLAKY.format(only="") + LIST
    storage = made(store, list_metadata_files=listing, backup_metadata_file=fails + MOVE)
    if times < 3:
        storage.writer.move(A, RETIRED)
    else:
        assert isinstance(moved(storage), OutcomeUnknown)
    assert not (store / A).exists() and (store / RETIRED).read_bytes() == LINE


def test_on_this_machine_alone_a_file_can_go_to_its_own_name_only(store: Path) -> None:
    error = moved(made(store), f"{RETIRED}.1")
    assert isinstance(error, AlreadyThere)
    assert (store / A).read_bytes() == LINE


def test_natively_a_file_can_go_to_any_name(store: Path) -> None:
    (store / A).write_bytes(LINE)
    storage = storage_of(store, native=True)
    storage.writer.move(A, f"{RETIRED}.1")
    assert (storage.content(A), storage.content(f"{RETIRED}.1")) == (None, LINE)


def test_messages_of_commands_that_write_show_no_secret(store: Path) -> None:
    path = write_whole_adapter(
        store.parent / "a.yaml",
        store,
        save_metadata_line='echo "metadata/$FILE_NAME?sig=$SAS"; exec 1>&-',
        backup_metadata_file='echo "denied: $SAS https://x/y?sig=abcdef" >&2; exit 1',
    )
    text = Path(path).read_text()
    Path(path).write_text(text.replace("env_vars:\n", "env_vars:\n- {key: SAS, value: TOPSECRET}\n"))
    access = write_access(path, FakeMachine(), HOST)
    access.prepare()
    (store / "metadata" / "x.meta").write_bytes(LINE)
    errors = []
    for act in (
        lambda: access.writer.create(A, LINE),
        lambda: access.writer.move("metadata/x.meta", "metadata_backup/x.meta"),
    ):
        with pytest.raises(SeamlineError) as caught:
            act()
        errors.append(f"{caught.value.message} {caught.value.hint}")
    assert "denied: ***" in errors[1]
    assert "TOPSECRET" not in "".join(errors)
    assert "abcdef" not in "".join(errors)
