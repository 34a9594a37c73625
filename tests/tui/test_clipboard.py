"""The clipboard: the right way to it, its limits, and what the operator is told."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from tests.tui.support import demo_store, running, screen_text
from tui.clipboard import OSC_LIMIT, native_tool, osc_sequence, run_tool

EVERYTHING = {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}


def only(*names: str) -> dict[str, str]:
    return {name: f"/usr/bin/{name}" for name in names}


@pytest.mark.parametrize(
    ("environment", "installed", "chosen"),
    [
        ({}, only("pbcopy"), "pbcopy"),
        (EVERYTHING, only("wl-copy", "xclip", "xsel"), "wl-copy"),
        ({"DISPLAY": ":0"}, only("wl-copy", "xclip"), "xclip"),
        ({"DISPLAY": ":0"}, only("xsel"), "xsel"),
        ({}, only("wl-copy", "xclip", "xsel"), None),
        (EVERYTHING, {}, None),
        ({**EVERYTHING, "SSH_CONNECTION": "1 2 3 4"}, only("xclip", "pbcopy"), None),
        ({**EVERYTHING, "SSH_TTY": "/dev/pts/1"}, only("xclip", "pbcopy"), None),
    ],
)
def test_a_tool_is_used_only_where_it_fills_the_clipboard_of_the_operator(
    environment: dict[str, str], installed: dict[str, str], chosen: str | None
) -> None:
    tool = native_tool(environment, installed.get)
    assert (tool and tool[0]) == chosen


def test_a_tool_gets_the_text_on_its_standard_input_and_may_fail(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    assert run_tool(("tee", str(taken)), "a'b\n$(c) \udcff")
    assert taken.read_text() == "a'b\n$(c) \\udcff"
    assert not run_tool(("false",), "x")
    assert not run_tool((str(tmp_path / "no-such-tool"),), "x")


def test_the_terminal_gets_the_text_and_tmux_gets_it_both_ways() -> None:
    plain = osc_sequence("seamline", {})
    assert plain == f"\x1b]52;c;{base64.b64encode(b'seamline').decode()}\x07"
    wrapped = osc_sequence("seamline", {"TMUX": "/tmp/tmux-0/default,1,0"})
    assert wrapped == f"{plain}\x1bPtmux;\x1b{plain}\x1b\\"


def test_what_is_too_long_for_a_terminal_is_refused() -> None:
    most = OSC_LIMIT // 4 * 3
    assert osc_sequence("x" * most, {}) is not None
    assert osc_sequence("x" * (most + 1), {}) is None


async def test_the_operator_is_told_how_much_went_which_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    async with running(demo_store("same-range")) as (app, pilot):
        await pilot.press("y")
        said = f"copied {len(app.clipboard)} characters through the terminal (OSC 52)"
        assert app.clipboard and said in screen_text(app)
        assert app.copy("x" * OSC_LIMIT) == "74,994 characters are too many for a terminal's clipboard: x writes a file"
        assert app.copy("") == "nothing to copy here"
