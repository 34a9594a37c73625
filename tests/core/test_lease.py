"""Who gets the lease, how long it is good for, and how it is lost: on a real folder, with time in the test's hands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from core.errors import (
    AlreadyThere,
    LeaseHeld,
    LeaseLost,
    OutcomeUnknown,
    Stopped,
    StoreUnreachable,
    UsageError,
    WriteFailed,
)
from core.lease import (
    LOCK_HANDLE,
    Lease,
    LeaseRecord,
    LeaseState,
    LeaseUnreadable,
    break_lease,
    hold,
    look_at_lease,
    parse,
    release_dead,
)
from core.storage.local.conditional import LocalConditional
from tests.support.lease_stores import Answer, LossyStore
from tests.support.machines import FakeMachine

#: Seconds for which a lease is valid after it was written, and after which another one may take over.
VALID, SILENT = 54.0, 66.0


class Scene:
    """A folder, two machines and what stands in the lock file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = LossyStore(LocalConditional(str(folder)))
        self.alpha = FakeMachine(pid=100, host="alpha")
        self.beta = FakeMachine(pid=200, host="beta")
        self.stack = ExitStack()

    @property
    def record(self) -> LeaseRecord:
        """The lease as it stands in the folder."""
        return parse((self.folder / LOCK_HANDLE).read_bytes())

    def put(self, content: bytes) -> None:
        """Something else stands in the lock file."""
        (self.folder / LOCK_HANDLE).write_bytes(content)

    def held_by(self, machine: FakeMachine, **options: object) -> Lease:
        """A lease held until the test ends."""
        return self.stack.enter_context(hold(self.store, machine, purpose="compact", **options))  # type: ignore[arg-type]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    scene = Scene(tmp_path)
    with scene.stack:
        yield scene


def others(scene: Scene, **said: object) -> None:
    """A lease stands there, held by a process that is none of ours."""
    with hold(scene.store, FakeMachine(pid=300, host="gamma"), purpose="repair", operation="r-3"):
        record = replace(scene.record, progress="write 1/2", **said)  # type: ignore[arg-type]
    scene.put(record.to_bytes())


def takes(scene: Scene, machine: FakeMachine, **options: object) -> int:
    """The token of a lease that is held for a moment."""
    with hold(scene.store, machine, purpose="compact", **options) as lease:  # type: ignore[arg-type]
        return lease.token


# Taking


def test_the_first_lease_has_token_1_and_every_next_one_more(scene: Scene) -> None:
    assert [takes(scene, machine) for machine in (scene.alpha, scene.beta, scene.alpha)] == [1, 2, 3]


def test_a_lease_says_who_holds_it_and_what_for(scene: Scene) -> None:
    scene.held_by(scene.alpha, operation="c-17")
    record = scene.record
    assert (record.state, record.token, record.seq, record.ttl) == ("held", 1, 0, 60)
    assert (record.purpose, record.operation, record.timestamp) == ("compact", "c-17", 1_700_000_000)
    assert record.holder == scene.alpha.me
    assert record.app.startswith("seamline")


def test_a_second_writer_is_told_who_since_when_and_doing_what(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha, operation="c-17")
    lease.tell("retire 3/12")
    lease.renew()
    with pytest.raises(LeaseHeld) as told:
        takes(scene, scene.beta)
    assert told.value.message == (
        "another compaction is in progress, by operator@alpha (pid 100) since 2023-11-14 22:13:20 UTC, "
        "c-17, retire 3/12"
    )


def test_the_same_process_can_not_hold_it_twice(scene: Scene) -> None:
    scene.held_by(scene.alpha)
    with pytest.raises(LeaseHeld):
        takes(scene, scene.alpha)


def test_a_lock_file_that_is_gone_never_makes_the_token_go_back(scene: Scene) -> None:
    assert takes(scene, scene.alpha, least_token=18) == 18
    (scene.folder / LOCK_HANDLE).unlink()
    assert takes(scene, scene.alpha, least_token=19) == 19
    assert takes(scene, scene.alpha, least_token=3) == 20


def test_a_ttl_out_of_bounds_is_refused_before_anything_is_read(scene: Scene) -> None:
    for ttl in (0.5, 3601.0, float("nan")):
        with pytest.raises(UsageError):
            takes(scene, scene.alpha, ttl=ttl)
    assert not list(scene.folder.iterdir())


def test_what_the_storage_says_of_a_refused_write_is_passed_on(scene: Scene) -> None:
    scene.store.answers = [Answer.REFUSED]
    with pytest.raises(WriteFailed, match="the disk is full"):
        takes(scene, scene.alpha)


# Waiting and taking over


def test_who_waits_gets_it_as_soon_as_it_is_free_and_knows_that_others_had_it(scene: Scene) -> None:
    holding = ExitStack()
    holding.enter_context(hold(scene.store, scene.alpha, purpose="compact"))
    seen: list[str] = []

    def waiting(record: LeaseRecord) -> None:
        seen.append(record.host)
        if len(seen) == 3:
            holding.close()

    lease = scene.held_by(scene.beta, wait=300.0, waiting=waiting)
    assert (lease.token, lease.waited, seen) == (2, True, ["alpha"] * 3)


def test_who_finds_it_free_has_not_waited(scene: Scene) -> None:
    assert not scene.held_by(scene.alpha, wait=300.0).waited


def test_waiting_ends_with_the_refusal_when_its_time_is_up(scene: Scene) -> None:
    others(scene)
    start = scene.beta.clock
    with pytest.raises(LeaseHeld, match="another operation is in progress: repair, by operator@gamma"):
        takes(scene, scene.beta, wait=20.0)
    assert scene.beta.clock - start == pytest.approx(20.0)


def test_looks_while_waiting_are_half_a_second_to_one_and_a_half_apart(scene: Scene) -> None:
    others(scene)
    looks: list[float] = []
    with pytest.raises(LeaseHeld):
        takes(scene, scene.beta, wait=20.0, waiting=lambda _: looks.append(scene.beta.clock))
    gaps = [after - before for before, after in pairwise(looks)]
    assert 13 <= len(gaps) <= 40
    assert all(0.5 <= gap <= 1.5 for gap in gaps)


def test_waiting_stops_when_the_operator_says_so(scene: Scene) -> None:
    others(scene)
    looks: list[LeaseRecord] = []
    with pytest.raises(Stopped):
        takes(scene, scene.beta, wait=300.0, waiting=looks.append, stopped=lambda: len(looks) == 4)
    assert len(looks) == 4


def test_a_silent_holder_is_taken_over_from_after_its_ttl_and_margin_on_our_own_clock(scene: Scene) -> None:
    others(scene)
    start = scene.beta.clock
    lease = scene.held_by(scene.beta, wait=300.0)
    assert SILENT <= scene.beta.clock - start <= SILENT + 1.5
    assert lease.token == 2


def test_a_holder_that_renews_is_never_taken_over_from(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    renewed = 0

    def waiting(_: LeaseRecord) -> None:
        nonlocal renewed
        scene.alpha.clock = scene.beta.clock
        if scene.beta.clock - 1000 > 40 * (renewed + 1):
            renewed += 1
            lease.renew()

    with pytest.raises(LeaseHeld):
        takes(scene, scene.beta, wait=500.0, waiting=waiting)
    assert renewed == 12
    lease.check()


def test_time_that_passed_before_we_looked_does_not_count(scene: Scene) -> None:
    others(scene)
    scene.beta.pass_time(10_000)
    with pytest.raises(LeaseHeld):
        takes(scene, scene.beta, wait=SILENT - 2)


@pytest.mark.parametrize("moment", [0, 4_000_000_000, -1, 2**53 - 1])
def test_the_moment_that_a_record_says_changes_nothing(scene: Scene, moment: int) -> None:
    others(scene, timestamp=moment)
    start = scene.beta.clock
    with pytest.raises(LeaseHeld):
        takes(scene, scene.beta)
    scene.held_by(scene.beta, wait=300.0)
    assert SILENT <= scene.beta.clock - start <= SILENT + 1.5


def test_a_wall_clock_that_jumps_changes_nothing(scene: Scene) -> None:
    others(scene)
    start = scene.beta.clock

    def waiting(_: LeaseRecord) -> None:
        scene.beta.moment += 86_400

    scene.held_by(scene.beta, wait=300.0, waiting=waiting)
    assert scene.beta.clock - start >= SILENT


@pytest.mark.parametrize(("ttl", "silent"), [(10**9, 3960.0), (-3, 1.1), (30, 33.0)])
def test_a_foreign_ttl_is_waited_for_within_bounds(scene: Scene, ttl: int, silent: float) -> None:
    others(scene)
    said = json.loads((scene.folder / LOCK_HANDLE).read_bytes()) | {"ttl": ttl}
    scene.put(json.dumps(said).encode())
    start = scene.beta.clock
    scene.held_by(scene.beta, wait=10_000.0)
    assert silent <= scene.beta.clock - start <= silent + 1.5


def test_a_holder_that_is_dead_on_this_machine_is_taken_over_from_at_once(scene: Scene) -> None:
    others(scene)
    scene.beta.ended.add(scene.record.holder)
    lease = scene.held_by(scene.beta)
    assert (lease.token, lease.waited) == (2, False)
    assert scene.record.holder == scene.beta.me


def test_a_holder_with_the_same_pid_in_another_boot_is_not_taken_for_dead(scene: Scene) -> None:
    others(scene)
    holder = scene.record.holder
    scene.beta.ended |= {replace(holder, boot_id="boot-1 pid:[2]"), replace(holder, started="7")}
    with pytest.raises(LeaseHeld):
        takes(scene, scene.beta)


def test_of_two_that_take_over_at_the_same_time_one_is_refused(scene: Scene) -> None:
    others(scene)
    holder = scene.record.holder
    scene.alpha.ended.add(holder)
    scene.beta.ended.add(holder)
    scene.store.before_swap = once(scene, lambda: scene.held_by(scene.alpha))
    with pytest.raises(LeaseHeld, match="operator@alpha"):
        takes(scene, scene.beta)
    assert scene.record.token == 2


def test_of_two_that_make_the_first_lease_one_is_refused(scene: Scene) -> None:
    scene.store.before_swap = once(scene, lambda: scene.held_by(scene.alpha))
    with pytest.raises(LeaseHeld, match="operator@alpha"):
        takes(scene, scene.beta)
    assert scene.record.token == 1


def test_who_lost_the_race_for_a_lease_that_is_free_again_takes_it(scene: Scene) -> None:
    scene.store.before_swap = once(scene, lambda: takes(scene, scene.alpha))
    lease = scene.held_by(scene.beta)
    assert (lease.token, lease.waited) == (2, True)


def once(scene: Scene, act: Callable[[], object]) -> Callable[[], None]:
    """Do something at the next write only."""

    def acting() -> None:
        scene.store.before_swap = lambda: None
        act()

    return acting


# Lost answers


@pytest.mark.parametrize("answer", [Answer.LOST, Answer.LOST_THEN_EXISTS], ids=lambda answer: answer.name)
def test_a_lease_whose_answer_was_lost_is_ours_by_its_nonce(scene: Scene, answer: Answer) -> None:
    scene.store.answers = [answer]
    lease = scene.held_by(scene.alpha)
    assert (lease.token, scene.store.swaps, scene.record.owner) == (1, 1, lease.owner)
    lease.renew()


@pytest.mark.parametrize("answer", [Answer.DROPPED, Answer.CONFLICT], ids=lambda answer: answer.name)
def test_an_error_that_wrote_nothing_is_tried_again(scene: Scene, answer: Answer) -> None:
    scene.store.answers = [answer] * 3
    lease = scene.held_by(scene.alpha)
    assert (lease.token, scene.store.swaps) == (1, 4)


def test_a_storage_that_never_writes_is_given_up(scene: Scene) -> None:
    scene.store.answers = [Answer.CONFLICT] * 100
    with pytest.raises(AlreadyThere):
        takes(scene, scene.alpha)
    assert scene.store.swaps < 10


def test_a_late_write_of_our_own_is_gone_on_from_with_its_token(scene: Scene) -> None:
    scene.store.answers = [Answer.LATE]
    scene.store.before_swap = second_time(scene, scene.store.deliver)
    lease = scene.held_by(scene.alpha)
    assert lease.token == 1
    assert (scene.record.owner, scene.record.seq) == (lease.owner, 1)
    lease.renew()


def second_time(scene: Scene, act: Callable[[], object]) -> Callable[[], None]:
    """Do something at the write after the next."""

    def acting() -> None:
        scene.store.before_swap = once(scene, act)

    return acting


def test_a_write_that_can_not_be_read_back_is_said_to_be_unknown(scene: Scene) -> None:
    scene.store.answers = [Answer.LOST_AND_BLIND]
    with pytest.raises(OutcomeUnknown, match="timed out"):
        takes(scene, scene.alpha)
    scene.store.blind = False
    assert scene.record.is_held


# Holding


def test_a_fresh_lease_is_good_until_its_ttl_less_the_margin_has_gone_by(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.pass_time(VALID - 0.01)
    lease.check()
    assert not lease.lost.is_set()
    scene.alpha.pass_time(0.01)
    with pytest.raises(LeaseLost, match="not renewed in time") as told:
        lease.check()
    assert told.value.exit_code == 12
    assert lease.lost.is_set()


def test_a_lease_counts_from_before_it_was_sent(scene: Scene) -> None:
    scene.store.before_swap = once(scene, lambda: scene.alpha.pass_time(50))
    lease = scene.held_by(scene.alpha)
    lease.check()
    scene.alpha.pass_time(VALID - 50)
    with pytest.raises(LeaseLost):
        lease.check()


def test_a_renewal_makes_it_good_for_as_long_again(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    for seq in range(1, 6):
        scene.alpha.pass_time(50)
        lease.renew()
        assert (scene.record.seq, scene.record.token, scene.record.owner) == (seq, 1, lease.owner)
    scene.alpha.pass_time(VALID - 0.01)
    lease.check()


def test_a_renewal_shows_the_progress_that_was_told_and_when_the_holding_began(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha, operation="c-17")
    lease.tell("write 1/2")
    assert scene.record.progress == ""
    scene.alpha.pass_time(30)
    lease.renew()
    assert (scene.record.progress, scene.record.operation) == ("write 1/2", "c-17")
    assert scene.record.timestamp == 1_700_000_000
    lease.tell("retire", "c-18")
    lease.renew()
    assert (scene.record.progress, scene.record.operation) == ("retire", "c-18")


def test_a_machine_that_slept_past_the_deadline_has_lost_it_even_if_nobody_took_it(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.pass_time(3_600)
    with pytest.raises(LeaseLost):
        lease.check()
    with pytest.raises(LeaseLost):
        lease.renew()
    assert scene.record.seq == 0


def test_it_is_noticed_that_the_lease_ran_out_although_nobody_asks(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.pass_time(VALID)
    assert lease.lost.wait(10)


def test_a_wall_clock_that_is_set_does_not_touch_a_held_lease(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.moment = 0.0
    lease.check()
    scene.alpha.moment = 4e9
    lease.check()


@pytest.mark.parametrize("answer", [Answer.LOST, Answer.LOST_THEN_EXISTS], ids=lambda answer: answer.name)
def test_a_renewal_whose_answer_was_lost_counts(scene: Scene, answer: Answer) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.pass_time(50)
    scene.store.answers = [answer]
    lease.renew()
    scene.alpha.pass_time(50)
    lease.check()
    lease.renew()


def test_a_late_renewal_is_adopted(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.store.answers = [Answer.LATE]
    scene.store.before_swap = second_time(scene, scene.store.deliver)
    lease.renew()
    assert (scene.record.seq, scene.store.swaps) == (2, 4)
    lease.renew()


def test_a_late_renewal_that_is_adopted_is_no_later_sign_of_life(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.pass_time(40)
    scene.store.answers = [Answer.LATE]
    scene.store.before_swap = second_time(scene, lambda: (scene.store.deliver(), scene.alpha.pass_time(20)))
    with pytest.raises(LeaseLost, match="not renewed in time"):
        lease.renew()
    assert (scene.record.seq, scene.record.is_held) == (1, True)


def test_a_renewal_that_was_not_written_leaves_the_deadline_where_it_was(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.alpha.pass_time(30)
    scene.store.answers = [Answer.REFUSED] * 1000
    with pytest.raises(LeaseLost, match="could not be renewed: the disk is full"):
        lease.renew()
    assert scene.alpha.clock < 1_000 + VALID


def test_a_storage_that_fails_for_a_while_is_tried_again(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.store.answers = [Answer.DROPPED, Answer.REFUSED, Answer.CONFLICT]
    lease.renew()
    assert scene.record.seq == 1


def test_a_storage_that_can_not_be_read_either_loses_nothing_before_the_deadline(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.store.answers = [Answer.LOST_AND_BLIND]
    scene.store.before_swap = second_time(scene, lambda: setattr(scene.store, "blind", False))
    lease.renew()
    assert scene.record.seq == 2
    lease.check()


def test_who_wakes_after_another_took_over_knows_it_and_writes_nothing(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    other = scene.held_by(scene.beta, wait=300.0)
    assert other.token == lease.token + 1
    with pytest.raises(LeaseLost, match=r"operator@beta \(pid 200\) took over"):
        lease.renew()
    assert lease.lost.is_set()
    with pytest.raises(LeaseLost):
        lease.check()
    other.renew()
    assert scene.record.owner == other.owner


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"x" * 5000], ids=["gone", "empty", "garbage", "large"])
def test_a_lock_file_that_is_taken_away_or_overwritten_loses_the_lease(scene: Scene, content: bytes | None) -> None:
    lease = scene.held_by(scene.alpha)
    if content is None:
        (scene.folder / LOCK_HANDLE).unlink()
    else:
        scene.put(content)
    with pytest.raises(LeaseLost, match=r"compaction\.lock was"):
        lease.renew()


# Giving it back


def test_a_lease_is_given_back_and_its_file_stays(scene: Scene) -> None:
    with hold(scene.store, scene.alpha, purpose="compact") as lease:
        lease.tell("done")
    assert (scene.record.state, scene.record.token, scene.record.progress) == ("free", 1, "done")
    with pytest.raises(LeaseLost, match="given back"):
        lease.check()
    with pytest.raises(LeaseLost, match="given back"):
        lease.renew()
    assert scene.record.state == "free"


def test_a_lease_is_given_back_when_the_block_fails(scene: Scene) -> None:
    with pytest.raises(ZeroDivisionError), hold(scene.store, scene.alpha, purpose="compact"):
        raise ZeroDivisionError
    assert not scene.record.is_held


def test_the_lease_of_a_successor_is_not_given_back(scene: Scene) -> None:
    with hold(scene.store, scene.alpha, purpose="compact"):
        other = scene.held_by(scene.beta, wait=300.0)
    assert (scene.record.is_held, scene.record.owner) == (True, other.owner)


def test_a_lock_file_that_was_taken_away_is_not_made_again_by_giving_back(scene: Scene) -> None:
    with hold(scene.store, scene.alpha, purpose="compact"):
        (scene.folder / LOCK_HANDLE).unlink()
    assert not (scene.folder / LOCK_HANDLE).exists()


@pytest.mark.parametrize("answers", [[Answer.LOST], [Answer.DROPPED], [Answer.CONFLICT, Answer.DROPPED]], ids=str)
def test_giving_back_survives_lost_answers(scene: Scene, answers: list[Answer]) -> None:
    with hold(scene.store, scene.alpha, purpose="compact"):
        scene.store.answers = list(answers)
    assert not scene.record.is_held


def test_a_renewal_that_comes_late_does_not_undo_giving_back(scene: Scene) -> None:
    with hold(scene.store, scene.alpha, purpose="compact") as lease:
        scene.store.answers = [Answer.LATE]
        lease.renew()
    assert scene.store.deliver() == [False]
    assert not scene.record.is_held


def test_failing_to_give_back_hides_nothing_of_what_happened_in_the_block(scene: Scene) -> None:
    with hold(scene.store, scene.alpha, purpose="compact"):
        scene.store.answers = [Answer.REFUSED] * 100
    assert scene.record.is_held
    scene.store.answers = []
    with pytest.raises(ZeroDivisionError), hold(scene.store, scene.alpha, purpose="compact", wait=300.0):
        scene.store.blind = True
        raise ZeroDivisionError


# Unreadable lock files


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"garbage", "no JSON"), (b"", "is empty"), (b'{"v":2}', "newer seamline"), (b"x" * 2000, "larger than")],
)
def test_a_lock_file_that_can_not_be_understood_is_never_taken_over(scene: Scene, content: bytes, why: str) -> None:
    scene.put(content)
    with pytest.raises(LeaseUnreadable, match=why):
        takes(scene, scene.alpha, wait=10_000.0)
    assert (scene.folder / LOCK_HANDLE).read_bytes() == content


def test_a_token_that_can_not_grow_is_refused_instead_of_wrapping(scene: Scene) -> None:
    others(scene, state="free", token=2**53 - 1)
    with pytest.raises(LeaseUnreadable, match="token"):
        takes(scene, scene.alpha)
    with pytest.raises(LeaseUnreadable, match="token"):
        takes(scene, scene.beta, least_token=2**70)


# Looking, breaking, releasing


def test_looking_says_free_held_ended_or_unreadable_and_writes_nothing(scene: Scene) -> None:
    assert look_at_lease(scene.store, scene.beta) is None
    others(scene)
    view = look_at_lease(scene.store, scene.beta)
    assert view is not None
    assert (view.state, view.break_word) == (LeaseState.HELD, scene.record.owner)
    scene.beta.ended.add(scene.record.holder)
    view = look_at_lease(scene.store, scene.beta)
    assert view is not None
    assert view.state is LeaseState.ENDED
    others_free = replace(scene.record, state="free")
    scene.put(others_free.to_bytes())
    view = look_at_lease(scene.store, scene.beta)
    assert view is not None
    assert (view.state, view.record) == (LeaseState.FREE, others_free)
    scene.put(b"garbage")
    view = look_at_lease(scene.store, scene.beta)
    assert view is not None
    assert (view.state, view.record, view.break_word) == (LeaseState.UNREADABLE, None, "unreadable")
    assert "JSON" in view.why
    assert scene.store.swaps == 2


def test_a_broken_lease_is_free_with_the_next_token_and_says_who_broke_it(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    broken = break_lease(scene.store, scene.beta, lease.owner)
    assert broken == scene.record
    assert (broken.state, broken.token, broken.owner, broken.broken_by) == ("free", 2, lease.owner, "operator@beta")
    with pytest.raises(LeaseLost, match="operator@beta broke it"):
        lease.renew()
    assert takes(scene, scene.beta) == 3


def test_breaking_needs_the_owner_that_stands_there(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    for typed in ("", "unreadable", lease.owner[:-1], lease.owner.upper() + "0"):
        with pytest.raises(UsageError, match=lease.owner):
            break_lease(scene.store, scene.beta, typed)
    lease.renew()


def test_breaking_works_on_a_holder_that_renews_meanwhile(scene: Scene) -> None:
    lease = scene.held_by(scene.alpha)
    scene.store.before_swap = once(scene, lease.renew)
    assert break_lease(scene.store, scene.beta, lease.owner).token == 2
    assert not scene.record.is_held


def test_breaking_leaves_a_successor_alone(scene: Scene) -> None:
    others(scene)
    owner = scene.record.owner
    scene.alpha.ended.add(scene.record.holder)
    scene.store.before_swap = once(scene, lambda: scene.held_by(scene.alpha))
    with pytest.raises(UsageError, match="operator@alpha"):
        break_lease(scene.store, scene.beta, owner)
    assert scene.record.is_held


def test_there_is_nothing_to_break_where_nobody_holds_it(scene: Scene) -> None:
    with pytest.raises(UsageError, match="nobody"):
        break_lease(scene.store, scene.beta, "unreadable")
    takes(scene, scene.alpha)
    with pytest.raises(UsageError, match="nobody"):
        break_lease(scene.store, scene.beta, scene.record.owner)


@pytest.mark.parametrize(("content", "token"), [(b"garbage", 1), (b'{"v":2,"token":17}', 18), (b"x" * 5000, 1)])
def test_an_unreadable_lease_is_broken_by_typing_so(scene: Scene, content: bytes, token: int) -> None:
    scene.put(content)
    with pytest.raises(UsageError, match="can't be read"):
        break_lease(scene.store, scene.beta, "00a1b2c3d4e5f607")
    broken = break_lease(scene.store, scene.beta, "unreadable")
    assert (broken, broken.token, broken.broken_by) == (scene.record, token, "operator@beta")
    assert takes(scene, scene.alpha, least_token=5) == max(5, token + 1)


def test_a_token_at_its_end_is_set_back_by_breaking_and_the_journal_keeps_it_growing(scene: Scene) -> None:
    others(scene, token=2**53 - 1)
    assert break_lease(scene.store, scene.beta, scene.record.owner).token == 0
    assert takes(scene, scene.alpha, least_token=41) == 41


def test_a_lease_is_released_only_if_its_holder_is_known_to_be_dead(scene: Scene) -> None:
    with pytest.raises(UsageError, match="nobody"):
        release_dead(scene.store, scene.beta)
    others(scene)
    with pytest.raises(LeaseHeld, match="operator@gamma"):
        release_dead(scene.store, scene.beta)
    scene.beta.ended.add(scene.record.holder)
    freed = release_dead(scene.store, scene.beta)
    assert (freed.state, freed.token) == ("free", 1)
    assert freed == scene.record
    with pytest.raises(UsageError, match="nobody"):
        release_dead(scene.store, scene.beta)
    scene.put(b"garbage")
    with pytest.raises(LeaseUnreadable):
        release_dead(scene.store, scene.beta)


def test_a_store_that_can_not_be_read_is_an_error_of_its_own(scene: Scene) -> None:
    scene.store.blind = True
    for act in (takes, lambda *_: look_at_lease(scene.store, scene.beta)):
        with pytest.raises(StoreUnreachable):
            act(scene, scene.beta)
