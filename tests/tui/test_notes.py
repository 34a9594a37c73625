"""Notes on problems: choices that are kept, problems left alone for a reason, what comes back; nothing else changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from core.triage import Standing, TriageNotes
from tests.support.commands import seamline
from tests.tui.support import (
    LATER,
    NOW,
    LaterHost,
    answered,
    assert_golden,
    copied,
    demo_store,
    pressed,
    running,
    said,
    screen_text,
    settle,
)
from tui.app import SeamlineApp
from tui.screens.compare import CompareScreen
from tui.screens.restore import RestoreScreen
from tui.triaging import Ignoring, parse_ignoring

SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
DAY = 86_400
#: The second problem of `everything`, in the order of its report.
SAME_RANGE = 2


async def ignored(app: SeamlineApp, pilot: Pilot[None], reason: str) -> None:
    """Leave the selected problem alone."""
    await pilot.press("m")
    await pilot.pause()
    await answered(app, pilot, reason)
    await settle(app, pilot)


def kept(folder: Path, location: str) -> dict[str, Standing]:
    """What is written down, by the problem's id."""
    return {id_: state.standing for id_, state in TriageNotes(folder / "triage").load(location).notes.items()}


# Choices


async def test_choosing_shows_what_the_repair_with_either_does_to_the_files() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        await pressed(app, pilot, "enter")
        story = said(app, "meaning-text")
        assert (
            "the repair with it: 2 metadata files retired, 1 written, 53 stay; then stock restores to 11,999" in story
        )
        assert "the repair with it: 1 metadata file retired, 0 written, 54 stay; then stock restores to 11,999" in story
        await pressed(app, pilot, "b")
        chosen, other = said(app, "meaning-text").split("B is chosen", 1)[1].split("a  choose A", 1)
        assert "1 metadata file retired, 0 written" in chosen and "2 metadata files retired, 1 written" in other


async def test_the_chain_of_a_choice_counts_on_what_the_repair_brings_back() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "right_square_bracket", "right_square_bracket", "enter", "b")
        assert "B is chosen: the chain uses it and restores to 18,000" in said(app, "meaning-text")


async def test_a_choice_is_kept_and_offered_again_until_it_is_taken_back(tmp_path: Path) -> None:
    store = demo_store("same-range")
    async with running(store, kept_in=tmp_path) as (app, pilot):
        assert not (tmp_path / "triage").exists()
        await pressed(app, pilot, "enter", "b")
        assert "B is chosen" in screen_text(app)
        assert list(kept(tmp_path, "same-range").values()) == [Standing.DECIDED]
        chosen = app.wishes.pins
    async with running(store, kept_in=tmp_path) as (app, pilot):
        assert app.wishes.pins == chosen
        assert "● B chosen: " in screen_text(app)
        assert "● decided: B chosen" in said(app, "story")
        await pressed(app, pilot, "r")
        assert isinstance(app.screen, RestoreScreen) and app.screen.result is not None
        assert app.screen.result.preview.options.pins == frozenset(chosen)
        await pressed(app, pilot, "escape", "enter", "b")
        assert kept(tmp_path, "same-range") == {}
    async with running(store, kept_in=tmp_path) as (app, pilot):
        assert app.wishes.pins == () and app.session.notes == {}


async def test_choosing_the_other_side_replaces_the_note(tmp_path: Path) -> None:
    async with running(demo_store("same-range"), kept_in=tmp_path) as (app, pilot):
        await pressed(app, pilot, "enter", "a", "b")
        [state] = TriageNotes(tmp_path / "triage").load("same-range").notes.values()
        screen = app.screen
        assert isinstance(screen, CompareScreen) and screen.comparison is not None
        assert state.pins == {screen.comparison.pair[1].manifest}


async def test_two_ranges_that_are_in_no_problem_are_chosen_for_the_session_only(tmp_path: Path) -> None:
    async with running(demo_store("clean"), kept_in=tmp_path) as (app, pilot):
        await pressed(app, pilot, "home", "full_stop", "space", "full_stop", "space", "enter", "a")
        assert "A is chosen, for this session" in screen_text(app)
        assert not (tmp_path / "triage").exists()


# Leaving alone


@pytest.mark.parametrize("size", SIZES)
async def test_notes_on_the_list_of_problems(size: str) -> None:
    async with running(demo_store("everything"), SIZES[size]) as (app, pilot):
        await ignored(app, pilot, "30d the vendor is asked, ticket 4711")
        await pressed(app, pilot, "right_square_bracket", "right_square_bracket", "enter", "b", "escape")
        await assert_golden(app, f"timeline-notes-everything-{size}")


async def test_an_ignored_problem_sorts_last_is_counted_and_never_hidden(tmp_path: Path) -> None:
    async with running(demo_store("everything"), kept_in=tmp_path) as (app, pilot):
        report = app.session.report
        verdict, tally = screen_text(app).splitlines()[1], app.session.tally
        await ignored(app, pilot, "until 2026-12-01 known since May")
        shown = screen_text(app)
        assert "Problems 7, 1 notice, 1 ignored" in shown
        assert app.session.listing.order[-1] == 0 and sorted(app.session.listing.order) == list(range(8))
        assert "Torn compacted file   1 of 7" in shown, "the cursor goes on to the next open problem"
        await pressed(app, pilot, "left_curly_bracket")
        assert "░ ignored: known since May (until 2026-12-01 00:00Z)" in said(app, "story")
        assert "ranges overlap   7 of 7" in screen_text(app).lower()
        assert app.session.report is report and app.session.tally == tally
        assert shown.splitlines()[1] == verdict
        assert list(kept(tmp_path, "everything").values()) == [Standing.IGNORED]


async def test_a_problem_comes_back_by_the_same_key_or_when_its_time_is_over(tmp_path: Path) -> None:
    store = demo_store("everything")
    async with running(store, kept_in=tmp_path) as (app, pilot):
        await ignored(app, pilot, "2d later")
        assert app.session.listing.order[-1] == 0
        await pressed(app, pilot, "left_curly_bracket", "m")
        assert app.session.listing.order[0] == 0 and kept(tmp_path, "everything") == {}
        assert "open again" in screen_text(app)
        await ignored(app, pilot, "2d later")
    async with running(store, host=LaterHost(NOW + 2 * DAY - 1), kept_in=tmp_path) as (app, pilot):
        assert app.session.listing.order[-1] == 0
    async with running(store, host=LaterHost(NOW + 2 * DAY), kept_in=tmp_path) as (app, pilot):
        assert app.session.listing.order[0] == 0 and app.session.notes == {}
        assert "ignored" not in screen_text(app)


async def test_after_a_note_the_cursor_goes_to_the_next_open_problem() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "right_square_bracket")
        assert app.session.zone == 1
        await ignored(app, pilot, "known")
        assert app.session.zone == 2
        assert "Same range, two manifests   2 of 7" in screen_text(app)
        visited = [app.session.zone]
        for _ in range(6):
            await pressed(app, pilot, "right_square_bracket")
            visited.append(app.session.zone)
        assert visited == [2, 3, 4, 5, 6, 0, 2], "what is ignored is skipped"
        for _ in range(7):
            await pressed(app, pilot, "right_curly_bracket")
            visited.append(app.session.zone)
        assert set(visited) == set(range(7)), "shift goes through all"


async def test_after_a_choice_the_cursor_goes_to_the_next_open_problem() -> None:
    async with running(demo_store("everything")) as (app, pilot):
        await pressed(app, pilot, "right_square_bracket", "right_square_bracket", "enter", "b")
        assert "B is chosen" in screen_text(app) and "Same range, two manifests" in screen_text(app)
        await pressed(app, pilot, "escape")
        assert "Second batch size   3 of 7" in screen_text(app)
        assert "this is the next open problem" in screen_text(app).splitlines()[-2]
        await pressed(app, pilot, "z")
        assert "● decided: B chosen" in said(app, "story"), "z goes back to the one that was decided"


async def test_when_every_problem_is_noted_on_that_is_said() -> None:
    async with running(demo_store("same-range")) as (app, pilot):
        await ignored(app, pilot, "known")
        assert "Same range, two manifests   1 of 1" in screen_text(app), "there is nowhere to go on to"
        await pressed(app, pilot, "right_square_bracket")
        assert "no open problem: } goes through all" in screen_text(app).splitlines()[-2]
        await pressed(app, pilot, "g", *"5000", "enter", "right_curly_bracket")
        assert "░ ignored: known" in said(app, "story")


async def test_an_answer_that_says_too_little_ignores_nothing_and_stays_as_it_was_typed(tmp_path: Path) -> None:
    async with running(demo_store("same-range"), kept_in=tmp_path) as (app, pilot):
        await pressed(app, pilot, "m")
        for answer, words in (
            ("", "say why"),
            ("3d", "say why"),
            ("until 2026-13-01 the vendor is asked", "type a day as 2026-12-01"),
            ("until 2020-01-01 why", "that moment has passed"),
        ):
            await answered(app, pilot, answer)
            shown = screen_text(app).splitlines()
            assert f"not ignored: {words}" in shown[-3] and answer in shown[-2]
            await pressed(app, pilot, "x", "backspace")
            assert "not ignored" not in screen_text(app), "what is wrong is said until the answer is changed"
        assert app.session.notes == {} and not (tmp_path / "triage").exists()
        await answered(app, pilot, "until 2026-12-01 the vendor is asked")
        await settle(app, pilot)
        assert "ignored until 2026-12-01 00:00Z" in screen_text(app).splitlines()[-2]


async def test_ignoring_a_problem_lets_go_of_what_was_chosen_in_it(tmp_path: Path) -> None:
    async with running(demo_store("same-range"), kept_in=tmp_path) as (app, pilot):
        await pressed(app, pilot, "enter", "a", "m")
        assert app.wishes.pins == ()
        assert "A  chosen" not in screen_text(app)
        await ignored(app, pilot, "known")
        assert "░ ignored" in screen_text(app).splitlines()[0]
        assert list(kept(tmp_path, "same-range").values()) == [Standing.IGNORED]


async def test_notes_outlive_reading_the_store_again_also_without_a_home() -> None:
    async with running(demo_store("everything"), host=LaterHost(LATER)) as (app, pilot):
        await ignored(app, pilot, "known")
        assert "for this session" in screen_text(app)
        await pressed(app, pilot, "R")
        assert app.session.listing.order[-1] == 0


async def test_a_note_that_can_t_be_written_down_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "triage").write_text("in the way")
    async with running(demo_store("same-range"), kept_in=tmp_path) as (app, pilot):
        await ignored(app, pilot, "known")
        assert "noted for this session only" in screen_text(app)


async def test_without_a_problem_there_is_nothing_to_ignore() -> None:
    async with running(demo_store("clean")) as (app, pilot):
        await pressed(app, pilot, "m")
        assert "Ignore: no problem is selected: ] goes to the next" in screen_text(app)


async def test_a_hostile_reason_is_shown_harmlessly_and_fits(tmp_path: Path) -> None:
    async with running(demo_store("same-range"), kept_in=tmp_path) as (app, pilot):
        await ignored(app, pilot, "[red]x[/] \x1b]0;t\x07 \u202e " + "long " * 400)
        assert len(screen_text(app).splitlines()) == 24
        assert "\x1b" not in screen_text(app) and "[red]x[/]" in said(app, "story")


@pytest.mark.parametrize(
    ("typed", "ignoring"),
    [
        ("known", Ignoring("known")),
        ("3d the  vendor", Ignoring("the vendor", NOW + 3 * DAY)),
        ("90min x", Ignoring("x", NOW + 5_400)),
        ("2w x", Ignoring("x", NOW + 14 * DAY)),
        ("until 2026-12-01 x y", Ignoring("x y", 1_796_083_200.0)),
        ("until 2026-12-01T09:30 x", Ignoring("x", 1_796_117_400.0)),
        ("3 days", Ignoring("3 days")),
    ],
)
def test_what_is_typed_says_why_and_until_when(typed: str, ignoring: Ignoring) -> None:
    assert parse_ignoring(typed, NOW) == ignoring


# What check makes of them


@pytest.fixture
def kept_as_usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the app and the commands of this machine keep what they know."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.chdir(demo_store("same-range").parent)
    return tmp_path / "seamline"


def checked(name: str) -> tuple[int, str, str, list[dict[str, Any]]]:
    """Exit code and verdict of a check, its whole text, and the notes in its document."""
    outcome, document = seamline("check", name), seamline("check", name, "--json").document
    notes = [zone["note"] for zone in document["zones"] if zone["note"] is not None]
    findings = [finding["note"] for finding in document["findings"] if finding["note"] is not None]
    assert all(note in notes for note in findings) and bool(findings) == bool(notes)
    return outcome.code, outcome.out.partition("\n")[0], " ".join(outcome.out.split()), notes


async def test_check_marks_a_problem_that_is_left_alone_and_judges_as_before(kept_as_usual: Path) -> None:
    before = checked("same-range")
    async with running(demo_store("same-range"), kept_in=kept_as_usual) as (app, pilot):
        await ignored(app, pilot, "until 2031-12-24 the old host is repaired first")
    code, verdict, text, notes = checked("same-range")
    assert (code, verdict) == before[:2]
    assert before[3] == []
    assert "noted ignored until 2031-12-24: the old host is repaired first" in text
    [note] = notes
    assert (note["standing"], note["reason"]) == ("ignored", "the old host is repaired first")
    assert "same range, two manifests (ignored) " in seamline("check", "same-range", "--summary").out


async def test_check_marks_a_problem_that_is_decided(kept_as_usual: Path) -> None:
    async with running(demo_store("same-range"), kept_in=kept_as_usual) as (app, pilot):
        await pressed(app, pilot, "enter", "b")
    *_, text, notes = checked("same-range")
    [note] = notes
    [pin] = note["pins"]
    assert note["standing"] == "decided"
    assert f"noted decided: keep {pin}" in text


async def test_another_store_built_in_the_same_place_inherits_no_decision(tmp_path: Path) -> None:
    store = copied("same-range", tmp_path)
    async with running(store, kept_in=tmp_path / "kept") as (app, pilot):
        await pressed(app, pilot, "m")
        await answered(app, pilot, "known and harmless")
        await settle(app, pilot)
        assert [state.standing for state in app.session.notes.values()] == [Standing.IGNORED]
    async with running(store, kept_in=tmp_path / "kept") as (app, _):
        assert [state.standing for state in app.session.notes.values()] == [Standing.IGNORED]
    for file in (*store.glob("metadata*/identity.meta"),):
        file.write_text('{"Identity":{"id":"' + "ab" * 32 + '"}}\n')
    async with running(store, kept_in=tmp_path / "kept") as (app, pilot):
        assert not app.session.notes and "ignored" not in screen_text(app)
        await pressed(app, pilot, "m")
        await answered(app, pilot, "of this one")
        await settle(app, pilot)
    async with running(store, kept_in=tmp_path / "kept") as (app, _):
        assert [state.reason for state in app.session.notes.values()] == ["of this one"]
