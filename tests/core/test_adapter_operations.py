"""Compaction, repair, undo and resumption through stock's commands leave what they leave in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.changes.ground import ApplyProgress
from core.changes.model import ChangeSet
from core.engine import Engine
from core.errors import (
    LeaseHeld,
    OutcomeUnknown,
    PlanOutdated,
    Refused,
    SeamlineError,
    Stopped,
    UsageError,
    WriteFailed,
)
from core.journal import interrupted_in
from core.last_look import LastLooks
from core.lease_choice import LeaseChoice, NoLease, chosen_lease
from core.operations import Operations, operations_for
from core.storage import LocalReader, reader_for
from core.storage.local.conditional import LocalConditional
from core.storage.local.writer import LocalWriter
from tests.support.adapter_stores import ON_HOST, AdapterStore
from tests.support.adapters import LIST, READ, WRITING, write_whole_adapter
from tests.support.changed_stores import StopAfter, every_file
from tests.support.commands import seamline_process
from tests.support.crash_looks import Files, end_state, lines_of, metadata_of, stock_answers
from tests.support.crash_scenes import (
    LONG_AGO,
    Crew,
    alone,
    chain,
    compacted,
    expired_scene,
    factors,
    ghost_scene,
    many_factors_scene,
)
from tests.support.machines import FakeMachine
from tests.support.repair_scenes import RepairScene, mixed_scene, splice_scene, torn_scene
from tests.support.soaking import sampled
from tests.support.stores import lines, txn

OPTIONS = factors(1, 2, 2)
PLACES = [False, True]
SCENES = [expired_scene, many_factors_scene, ghost_scene]
SCENE_OPTIONS = [factors(1, 2, 2), factors(2, 2, 3), factors(1, 2, 1)]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(params=PLACES, ids=["on-host", "native"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> AdapterStore:
    return AdapterStore(tmp_path / "store", request.param)


def beside(tmp_path: Path, files: Files, change: ChangeSet) -> Files:
    """What the same change makes of the same files in a plain folder."""
    AdapterStore(tmp_path / "beside").fill(files)
    where = str(tmp_path / "beside")
    operations = Operations(LocalReader(where), LocalWriter(where), LocalConditional(where), Crew().next())
    operations.apply(change)
    return every_file(tmp_path / "beside")


# The same as in a folder.


@pytest.mark.parametrize(("make", "options"), list(zip(SCENES, SCENE_OPTIONS, strict=True)))
def test_a_compaction_through_commands_is_that_of_a_folder(
    tmp_path: Path, store: AdapterStore, make: Callable[[], object], options: object
) -> None:
    files = make().files  # type: ignore[attr-defined]
    store.fill(files)
    change = store.compaction(options)  # type: ignore[arg-type]
    store.operations().apply(change)
    assert end_state(store.files) == end_state(beside(tmp_path, files, change))
    assert lines_of(metadata_of(store.files)) == lines_of(metadata_of(files))
    assert stock_answers(metadata_of(store.files)) == stock_answers(metadata_of(files))


def test_with_a_native_lease_store_the_plan_is_that_of_a_folder(tmp_path: Path) -> None:
    scene = many_factors_scene()
    store = AdapterStore(tmp_path / "store", native=True).fill(scene.files)
    change = store.compaction(factors(2, 2, 3))
    assert change.plan_id == scene.change.plan_id
    assert {write.handle: write.content for write in change.all_writes} == {
        write.handle: write.content for write in scene.change.all_writes
    }


def test_where_metadata_backup_is_unseen_every_new_name_is_made_from_its_content(tmp_path: Path) -> None:
    scene = many_factors_scene()
    store = AdapterStore(tmp_path / "store").fill(scene.files)
    engine = store.engine
    plan = engine.plan_compaction(engine.look(), factors(2, 2, 3))
    assert plan.change_set is not None
    assert not {write.handle for write in plan.change_set.writes} & {write.handle for write in scene.change.writes}
    assert sorted(write.content for write in plan.change_set.writes) == sorted(
        write.content for write in scene.change.writes
    )
    assert any("metadata_backup/ can't be looked at" in each.text for each in plan.repairs)


def test_of_a_metadata_backup_that_is_unseen_no_finding_says_what_it_lacks(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(
        {"metadata/a.meta": lines(txn(0, 9)), "metadata/b.meta": lines(txn(20, 29))}
    )
    words = " ".join(each.explanation for each in store.engine.check(store.engine.look()).findings)
    assert "Nothing in metadata_backup/" not in words
    assert "nor in metadata_backup/" not in words
    assert "metadata_backup/ can't be listed" in words


@pytest.mark.parametrize(
    ("native", "make"), [(True, mixed_scene), (True, torn_scene), (True, splice_scene), (False, splice_scene)]
)
def test_a_repair_through_commands_is_that_of_a_folder(
    tmp_path: Path, native: bool, make: Callable[[], RepairScene]
) -> None:
    scene = make()
    store = AdapterStore(tmp_path / "store", native).fill(scene.files)
    change = scene.change(store.engine.look())
    applied = store.operations().apply(change)
    after = beside(tmp_path, scene.files, change)
    derived = {write.handle: write.content for write in change.derived}
    assert end_state(store.files) == end_state(after)
    assert {handle: store.files[handle] for handle in derived} == derived
    store.operations().apply(store.undo(applied.operation))
    assert metadata_of(store.files) == metadata_of(scene.files)


def test_an_undo_brings_back_every_byte_and_so_does_the_next(store: AdapterStore) -> None:
    files = expired_scene().files
    store.fill(files)
    for _ in range(2):
        applied = store.operations().apply(store.compaction(OPTIONS))
        assert metadata_of(store.files) != metadata_of(files)
        store.operations().apply(store.undo(applied.operation))
        assert metadata_of(store.files) == metadata_of(files)
        store.next_day()
    retired = {handle.removeprefix("metadata_backup/") for handle in store.files}
    kept = metadata_of(files).keys() & retired
    assert bool(kept) != store.native, "a copy stays where no command brings a file back"


def test_an_operation_that_was_cut_off_is_resumed(tmp_path: Path, store: AdapterStore) -> None:
    files = expired_scene().files
    store.fill(files)
    change = store.compaction(OPTIONS)
    after = end_state(beside(tmp_path, files, change))
    with pytest.raises(Stopped) as caught:
        store.operations().apply(change, watch=StopAfter(1))
    assert f"seamline resume {store.path}{'' if store.native else ' --lease host'} finishes it" in caught.value.hint
    [files_] = interrupted_in(store.engine.look().journal)
    [resumed] = store.operations().resume()
    assert resumed.operation == files_.id
    assert end_state(store.files) == after


def test_what_is_ours_never_lies_in_the_store_when_this_machine_holds_it(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(expired_scene().files)
    applied = store.operations().apply(store.compaction(OPTIONS))
    assert sorted(path.name for path in store.folder.iterdir()) == ["metadata", "metadata_backup"]
    assert any("of this machine" in note for note in applied.outcome.notes)
    assert [each.id for each in store.engine.log()] == [applied.operation]
    assert store.engine.log()[0].outcome == applied.outcome
    lease = store.engine.lease()
    assert lease is not None
    assert lease.record is not None


def test_what_is_ours_lies_in_the_lease_store_where_there_is_one(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store", native=True).fill(expired_scene().files)
    applied = store.operations().apply(store.compaction(OPTIONS))
    assert applied.outcome.notes == ()
    assert [each.id for each in store.engine.log()] == [applied.operation]
    assert (store.folder / "compaction.lock").exists()
    there = LocalReader(str(store.folder)).list_folder("seamline/journal")
    assert [each.handle for each in store.engine.reader.list_folder("seamline/journal")] == [
        each.handle for each in there
    ]


# Guards.


def test_a_file_that_is_changed_right_before_it_goes_stays(tmp_path: Path) -> None:
    """No listing tells sizes or times here: only the content does."""
    old = compacted(alone(chain(2)), factors(2, 4, 2), LONG_AGO)
    store = AdapterStore(tmp_path / "store").fill(old | alone(chain(3)[9:]))
    change = store.compaction(factors(2, 4, 2))
    victim = change.retires[0]

    class Meddler(StopAfter):
        def progress(self, progress: ApplyProgress) -> None:
            if progress.step.startswith("retire") and not self.done:
                self.done = True
                later = store.folder / change.retires[-1].source
                later.write_bytes(later.read_bytes()[::-1])

        done = False

    assert len(change.retires) > 4, "more than are moved at once"
    with pytest.raises(PlanOutdated):
        store.operations().apply(change, watch=Meddler(10**6))
    assert not (store.folder / victim.source).exists()
    assert (store.folder / change.retires[-1].source).exists()


def test_a_name_that_is_taken_in_metadata_backup_is_found_before_anything_is_written(tmp_path: Path) -> None:
    scene = mixed_scene()
    store = AdapterStore(tmp_path / "store").fill(scene.files)
    with pytest.raises(Refused) as caught:
        store.operations().apply(scene.change(store.engine.look()))
    assert caught.value.hazard == "backup-dir-overwrite"
    assert "metadata_backup/rival.meta" in caught.value.message
    assert store.files == scene.files
    assert not store.engine.log()


def test_a_name_that_is_taken_meanwhile_keeps_the_file_where_it_is(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(expired_scene().files)
    change = store.compaction(OPTIONS)
    target = change.retires[0].target

    class Meddler(StopAfter):
        def progress(self, progress: ApplyProgress) -> None:
            if progress.step.startswith("retire"):
                store.fill({target: b"somebody else's\n"})

    with pytest.raises(PlanOutdated, match="was to be new, but is there"):
        store.operations().apply(change, watch=Meddler(10**6))
    [resumed] = store.operations().resume()
    assert any("its place in metadata_backup/ is taken" in note for note in resumed.outcome.notes)
    assert store.files[target] == b"somebody else's\n"
    assert (store.folder / change.retires[0].source).exists()
    assert stock_answers(metadata_of(store.files)) == stock_answers(metadata_of(expired_scene().files))


def test_without_the_command_that_moves_nothing_of_a_plan_is_begun(tmp_path: Path) -> None:
    files = expired_scene().files
    store = AdapterStore(tmp_path / "store").fill(files)
    change = store.compaction(OPTIONS)
    path = Path(store.path)
    path.write_text(path.read_text().replace("backup_metadata_file", "not_known"))
    with pytest.raises(Refused) as caught:
        operations_for(str(path), FakeMachine(), ON_HOST).apply(change)
    assert caught.value.hazard == "adapter-no-move-command"
    assert store.files == files


# Where the lease lies.


def test_without_a_choice_nothing_is_written_and_both_ways_on_are_told(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(expired_scene().files)
    change = store.compaction(OPTIONS)
    operations = operations_for(store.path, FakeMachine())
    with pytest.raises(NoLease) as caught:
        operations.apply(change)
    assert (caught.value.exit_code, caught.value.kind) == (6, "no-lease")
    assert "--lease host" in caught.value.hint
    assert "lease_store: s3://BUCKET/PREFIX" in caught.value.hint
    for refused in (lambda: operations.break_lease("x"), operations.release_dead_lease):
        with pytest.raises(NoLease):
            refused()
    assert store.files == expired_scene().files


def test_a_lease_of_this_machine_is_exclusive(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(alone(chain(1)))
    alpha = operations_for(store.path, FakeMachine(pid=1), ON_HOST)
    beta = operations_for(store.path, FakeMachine(pid=2), ON_HOST)
    with alpha.lease("compact", "one") as first, pytest.raises(LeaseHeld), beta.lease("compact", "two"):
        raise AssertionError
    with beta.lease("compact", "two") as second:
        assert second.token == first.token + 1


def test_a_lease_store_that_is_another_place_is_refused(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(alone(chain(2)))
    other = AdapterStore(tmp_path / "other").fill(alone(chain(1)))
    change = store.compaction(OPTIONS)
    operations = operations_for(store.path, FakeMachine(), LeaseChoice(store=str(other.folder)))
    with pytest.raises(Refused) as caught:
        operations.apply(change)
    assert caught.value.hazard == "lease-store-elsewhere"
    assert "names differ" in caught.value.message
    assert other.files == alone(chain(1))
    assert not (other.folder / "compaction.lock").exists()


def test_a_lease_store_can_be_typed(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(expired_scene().files)
    lease = LeaseChoice(store=f"file://{store.folder}")
    operations_for(store.path, FakeMachine(), lease).apply(store.compaction(OPTIONS))
    assert (store.folder / "compaction.lock").exists()
    assert len(reader_for(store.path, lease).list_folder("seamline/journal")) > 2


@pytest.mark.parametrize(
    ("lease", "words"),
    [
        (ON_HOST, "would bind nobody else"),
        (LeaseChoice(store="s3://bucket/elsewhere"), "names another lease store"),
    ],
)
def test_a_choice_that_contradicts_the_configuration_is_refused(tmp_path: Path, lease: LeaseChoice, words: str) -> None:
    store = AdapterStore(tmp_path / "store", native=True).fill(alone(chain(1)))
    with pytest.raises(UsageError, match=words):
        operations_for(store.path, FakeMachine(), lease)


def test_choices_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(alone(chain(1)))
    with pytest.raises(UsageError, match="two places for one lease"):
        chosen_lease("host", "s3://bucket")
    with pytest.raises(UsageError, match="needs none of this machine"):
        operations_for(str(store.folder), FakeMachine(), ON_HOST)
    with pytest.raises(UsageError, match="goes with a command adapter"):
        operations_for(str(store.folder), FakeMachine(), LeaseChoice(store="s3://bucket"))
    with pytest.raises(UsageError, match="goes with a command adapter"):
        operations_for("s3://bucket/x", FakeMachine(), LeaseChoice(store="s3://bucket"))
    for odd in ("x", "", "az://x/y", "a.yaml"):
        with pytest.raises(UsageError):
            operations_for(store.path, FakeMachine(), LeaseChoice(store=odd))


def test_what_this_machine_keeps_for_one_place_is_not_carried_out_on_another(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(expired_scene().files)
    store.operations().apply(store.compaction(OPTIONS))
    path = Path(store.path)
    text = path.read_text()
    path.write_text(text.replace("env_vars:\n", "env_vars:\n- {key: SAS, value: rotated}\n"))
    operations_for(str(path), FakeMachine(), ON_HOST).require_lease()
    path.write_text(text.replace("/store\n", "/other\n"))
    with pytest.raises(Refused, match="may lead to another place") as caught:
        operations_for(str(path), FakeMachine(), ON_HOST).require_lease()
    assert "rm " in caught.value.hint


# A listing that shrank.


def test_files_that_left_the_listing_are_looked_for_in_metadata_backup_by_name(tmp_path: Path) -> None:
    store = AdapterStore(tmp_path / "store").fill(alone(chain(2)))
    looks = LastLooks(tmp_path / "looks")

    def gone() -> tuple[str, ...]:
        engine = Engine(reader_for(store.path, ON_HOST), FakeMachine(), looks)
        return engine.look().gone

    assert gone() == ()
    (store.folder / "metadata_backup").mkdir()
    for name in ("transaction_0-49.meta", "transaction_50-99.meta"):
        (store.folder / "metadata" / name).rename(store.folder / "metadata_backup" / name)
    assert gone() == ()
    (store.folder / "metadata" / "transaction_100-149.meta").unlink()
    (store.folder / "metadata" / "epoch_ending_0-0.meta").rename(
        store.folder / "metadata_backup" / "epoch_ending_0-0.meta"
    )
    assert gone() == ("metadata/transaction_100-149.meta",)


# Faults of commands on the way.

#: Each command counts itself; the one whose number stands in `fail` fails before, or after what it does.
COUNTED = """
exec 9>>"$STORE_DIR/../lock"; flock 9
n=$(( $(cat "$STORE_DIR/../count" 2>/dev/null || echo 0) + 1 )); echo $n > "$STORE_DIR/../count"
flock -u 9; exec 9>&-
[ "$n" != "${FAIL_BEFORE:-}" ] || exit 9
[ "$n" != "${FAIL_AFTER:-}" ] || trap 'exit 9' EXIT
"""


def counted(tmp_path: Path) -> AdapterStore:
    writers = {name: COUNTED + command for name, command in WRITING.items()}
    return AdapterStore(tmp_path / "store", commands=writers)


@pytest.mark.parametrize("when", ["FAIL_BEFORE", "FAIL_AFTER"])
def test_whichever_command_fails_no_line_is_lost_and_what_was_begun_ends_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    files = expired_scene().files
    change = counted(tmp_path / "plan").fill(files).compaction(OPTIONS)
    clean = end_state(beside(tmp_path, files, change))
    commands = len(change.all_writes) + len(change.retires)
    assert commands == 8
    in_turn = range(1, commands + 1) if when == "FAIL_BEFORE" else range(commands, 0, -1)
    for at in sampled(in_turn, every=3):
        store = counted(tmp_path / str(at)).fill(files)
        monkeypatch.setenv(when, str(at))
        try:
            store.operations().apply(change)
        except SeamlineError as failed:
            assert "no line is lost" in failed.hint
        else:
            assert when == "FAIL_AFTER"
        monkeypatch.delenv(when)
        assert lines_of(metadata_of(files)) <= lines_of(metadata_of(store.files))
        assert stock_answers(metadata_of(store.files)) == stock_answers(metadata_of(files))
        store.operations().resume()
        assert end_state(store.files) == clean
        store.operations().apply(store.undo())
        assert metadata_of(store.files) == metadata_of(files)


def test_a_command_that_fails_while_a_store_is_undone_leaves_what_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = expired_scene().files
    for at in (1, 3, 6):
        store = counted(tmp_path / str(at)).fill(files)
        store.operations().apply(store.compaction(OPTIONS))
        (store.folder.parent / "count").unlink()
        undo = store.undo()
        monkeypatch.setenv("FAIL_BEFORE", str(at))
        with pytest.raises(WriteFailed):
            store.operations().apply(undo)
        monkeypatch.delenv("FAIL_BEFORE")
        assert stock_answers(metadata_of(store.files)) == stock_answers(metadata_of(files))
        store.operations().resume()
        assert metadata_of(store.files) == metadata_of(files)


def test_hostile_names_are_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    files = expired_scene().files
    odd = "metadata/$(touch pwned).meta"
    store = AdapterStore(tmp_path / "store").fill(files | {odd: b""})
    engine = store.engine
    plan = engine.plan_compaction(engine.look(), OPTIONS)
    if plan.change_set is not None:
        store.operations().apply(plan.change_set)
    assert not list(tmp_path.rglob("pwned"))
    assert store.files[odd] == b""


def test_the_configuration_of_a_test_is_one_of_stock(tmp_path: Path) -> None:
    path = write_whole_adapter(tmp_path / "a.yaml", tmp_path, lease_store="s3://bucket/x")
    reader = reader_for(path)
    assert reader.location == path


# A move whose outcome can't be seen.


def counted_moves(number: int, what: str) -> dict[str, str]:
    """The command that moves; the `number`-th one that runs does `what` when the file has gone."""
    move = WRITING["backup_metadata_file"]
    count = 'n=1; until mkdir "$STORE_DIR/../move$n" 2>/dev/null; do n=$((n + 1)); done; '
    return {"backup_metadata_file": f"{count}{move}; if [ $n -eq {number} ]; then {what}; fi"}


MOVES = 4


@pytest.mark.parametrize("number", range(1, MOVES + 1))
def test_a_move_whose_read_back_fails_is_told_as_unknown_and_resume_decides(
    tmp_path: Path, store: AdapterStore, number: int
) -> None:
    files = expired_scene().files
    store.fill(files)
    change = store.compaction(OPTIONS)
    assert len(change.retires) >= MOVES
    after = end_state(beside(tmp_path, files, change))
    store.commands = {
        **counted_moves(number, 'touch "$STORE_DIR/../blind"; exit 5'),
        "open_for_read": f'[ ! -e "$STORE_DIR/../blind" ] || exit 9; {READ}',
        "list_metadata_files": f'[ ! -e "$STORE_DIR/../blind" ] || exit 9; {LIST}',
    }
    with pytest.raises(OutcomeUnknown, match="the outcome is unknown") as caught:
        store.operations().apply(change)
    assert f"seamline resume {store.path}" in caught.value.hint
    (tmp_path / "blind").unlink()
    store.operations().resume()
    assert end_state(store.files) == after


@pytest.mark.parametrize("number", [1, 2, MOVES])
def test_a_process_that_is_killed_in_the_instant_of_a_move_is_finished_by_resume(
    tmp_path: Path, store: AdapterStore, number: int
) -> None:
    files = expired_scene().files
    store.fill(files)
    change = store.compaction(OPTIONS)
    store.commands = counted_moves(number, "kill -9 $PPID")
    words = ["compact", store.path, "--yes", *(() if store.native else ("--lease", "host"))]
    words += ["--epoch-ending-file-compact-factor", "1", "--state-snapshot-file-compact-factor", "2"]
    words += ["--transaction-file-compact-factor", "2"]
    assert seamline_process(*words).code == -9
    assert len(interrupted_in(store.engine.look().journal)) == 1
    store.commands = {}
    resume = ["resume", store.path, *(() if store.native else ("--lease", "host"))]
    assert seamline_process(*resume).code == 0
    assert not interrupted_in(store.engine.look().journal)
    gone = {move.source for move in change.retires}
    assert not gone & set(store.files)
    assert lines_of(metadata_of(store.files)) == lines_of(metadata_of(files))
    assert stock_answers(metadata_of(store.files)) == stock_answers(metadata_of(files))
